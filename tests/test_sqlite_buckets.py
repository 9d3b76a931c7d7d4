"""parity_buckets against the reference implementation, over every sort of table that SQLite has."""

import json
import os
import random
import sys

import pytest

from sqlite_support import HERE, checksum, connect, error, one

pytest.importorskip('xxhash', reason='python3-xxhash is not installed')
sys.path.insert(0, os.path.join(HERE, 'reference'))

from parity_reference import digest_rows, put_value, row_hash  # noqa: E402

BITS = (0, 1, 3, 8, 16)


@pytest.fixture
def db():
    return connect()


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def expected(db, table, bits, condition='1', spec=None):
    """The buckets by the reference: rows read by plain SQL, framed and hashed in Python."""
    spec = spec or json.loads(one(db, 'SELECT parity_spec(?)', table))
    columns, key = spec['columns'], spec.get('key', [])
    rows = db.execute('SELECT %s FROM %s WHERE %s' % (', '.join(quoted(c['name']) for c in columns), table, condition))
    buckets = {}
    for row in rows:
        frames = [put_value(column['kind'], value)[0] for column, value in zip(columns, row)]
        keyed = [frame for column, frame in zip(columns, frames) if column['name'] in key] or frames
        key_hash = int.from_bytes(row_hash(b''.join(keyed))[8:], 'big')
        buckets.setdefault(key_hash >> (64 - bits), []).append(b''.join(frames))
    return [(number, str(digest_rows(buckets[number]))) for number in sorted(buckets)]


def buckets(db, *args):
    return db.execute('SELECT bucket, digest FROM parity_buckets(%s)' % ', '.join('?' * len(args)), args).fetchall()


def total(db, *args):
    return one(db, 'SELECT parity_digest_sum(digest) FROM parity_buckets(%s)' % ', '.join('?' * len(args)), *args)


def fill(db, table, columns, rows):
    random.seed(table + columns)
    names = ', '.join('?' * (columns.count(',') + 1))
    for i in range(rows):
        values = [i, random.choice(['a', 'B', 'grün', '']), random.choice([None, i % 7, -2**63, 2**63 - 1]),
                  random.choice([0.5, 1e300, 'x', b'\x00\xff', None])]
        db.execute('INSERT INTO %s(%s) VALUES(%s)' % (table, columns, names), values[:columns.count(',') + 1])


MORE = ', '.join('z%d INT' % i for i in range(140))  # more columns than a function has arguments
TABLES = {
    'integer key': 'CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT, d)',
    'text key': 'CREATE TABLE t(a TEXT PRIMARY KEY, b TEXT, c INT, d)',
    'composite key': 'CREATE TABLE t(d, c INT, b TEXT, a INT, PRIMARY KEY(b, a))',
    'key of far columns': 'CREATE TABLE t(a INT, b TEXT, c INT, d, PRIMARY KEY(d, a))',
    'key with NULLs and duplicates': 'CREATE TABLE t(a INT, b TEXT, c INT, d)',
    'WITHOUT ROWID': 'CREATE TABLE t(a INT, b TEXT, c INT, d, PRIMARY KEY(a, b)) WITHOUT ROWID',
    'no key': 'CREATE TABLE t(a INT, b TEXT, c INT, d)',
    'wide': 'CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT, d, %s)' % MORE,
    'wide without a key': 'CREATE TABLE t(a INT, b TEXT, c INT, d, %s)' % MORE,
}


@pytest.mark.parametrize('sort', TABLES)
def test_every_sort_of_table(db, sort):
    db.execute(TABLES[sort])
    fill(db, 't', 'a, b, c, d', 300)
    if sort == 'key with NULLs and duplicates':
        one(db, "SELECT parity_set_spec('t', '{\"key\":[\"c\"]}')")
    if 'no key' in sort or 'without a key' in sort:
        db.execute('INSERT INTO t SELECT * FROM t WHERE a < 20')   # duplicates share a bucket
    for bits in BITS:
        got = buckets(db, 't', bits)
        assert got == expected(db, 't', bits), bits
        assert total(db, 't', bits) == checksum(db, 't')
    assert len(got) == len(buckets(db, 't', 16)) > (3 if 'duplicates' in sort else 100)
    assert len(buckets(db, 't', 0)) == 1


def test_empty_table_has_no_buckets(db):
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY)')
    for bits in BITS:
        assert buckets(db, 't', bits) == []


def test_an_integer_key_goes_by_its_hash(db):
    """Rows with neighbouring keys are spread over the buckets."""
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY)')
    db.executemany('INSERT INTO t VALUES(?)', [(i,) for i in range(4096)])
    sizes = [one(db, 'SELECT parity_digest_rows(?)', digest) for _, digest in buckets(db, 't', 4)]
    assert len(sizes) == 16 and sum(sizes) == 4096 and min(sizes) > 180 and max(sizes) < 340


def test_by_the_hash_of_the_key(db):
    """The number of a bucket is the top bits of parity_row_hash's low half, of the key's columns in spec order."""
    db.execute('CREATE TABLE t(b TEXT, a INT, v, PRIMARY KEY(b, a))')
    fill(db, 't', 'a, b, v', 50)
    for bits in BITS[1:]:
        wanted = {}
        for digest, key in db.execute("SELECT parity_digest_agg('int,text,text', a, b, v),"
                                      " parity_row_hash('int,text', a, b) FROM t GROUP BY rowid"):
            number = int.from_bytes(key[8:], 'big') >> (64 - bits)
            if number in wanted:
                digest = one(db, 'SELECT parity_digest_add(?, ?)', wanted[number], digest)
            wanted[number] = digest
        assert buckets(db, 't', bits) == sorted(wanted.items())


def test_a_difference_is_in_one_bucket(db):
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b)')
    fill(db, 't', 'a, b', 500)
    before = dict(buckets(db, 't', 6))
    db.execute("UPDATE t SET b = 'other' WHERE a = 123")
    after = dict(buckets(db, 't', 6))
    assert before.keys() == after.keys() and sum(before[i] != after[i] for i in before) == 1


def test_filter_and_spec(db):
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT, d)')
    fill(db, 't', 'a, b, c, d', 200)
    for bits in BITS:
        assert buckets(db, 't', bits, "b <> '' AND a > 20") == expected(db, 't', bits, "b <> '' AND a > 20")
        assert buckets(db, 't', bits, 'a < 0') == []
    given = {'key': ['b', 'c'], 'exclude': ['d'], 'columns': {'a': 'text'}}
    spec = {'columns': [{'name': 'a', 'kind': 'text'}, {'name': 'b', 'kind': 'text'}, {'name': 'c', 'kind': 'int'}],
            'key': ['b', 'c']}
    for bits in BITS:
        wanted = expected(db, 't', bits, spec=spec)
        assert buckets(db, 't', bits, None, json.dumps(given)) == wanted
        assert buckets(db, 't', bits, None, json.dumps(dict(spec, table='t'))) == wanted
        assert buckets(db, 't', bits, 'a % 2', json.dumps(given)) == expected(db, 't', bits, 'a % 2', spec)
    one(db, 'SELECT parity_set_spec(?, ?)', 't', json.dumps(given))
    assert buckets(db, 't', 8) == expected(db, 't', 8, spec=spec)
    assert total(db, 't', 8, "b = 'B'") == checksum(db, 't', "b = 'B'")


def test_other_schemas_and_views(db):
    db.execute("ATTACH ':memory:' AS aux")
    for schema, start in (('main', 0), ('aux', 100), ('temp', 200)):
        db.execute('CREATE TABLE %s.t(a INTEGER PRIMARY KEY)' % schema)
        db.executemany('INSERT INTO %s.t VALUES(?)' % schema, [(start + i,) for i in range(50)])
    db.execute('CREATE VIEW v AS SELECT a, a + 1 AS b FROM main.t')
    for name in ('main.t', 'aux.t', 'temp.t', 'v'):
        assert buckets(db, name, 5) == expected(db, name, 5)
    assert len({str(buckets(db, name, 5)) for name in ('main.t', 'aux.t', 'temp.t', 'v')}) == 4


def test_utf16(tmp_path):
    found = []
    for name in ('UTF-8', 'UTF-16le'):
        db = connect(str(tmp_path / name))
        db.execute('PRAGMA encoding = "%s"' % name)
        db.execute('CREATE TABLE t("schlüssel" TEXT PRIMARY KEY, b)')
        db.executemany('INSERT INTO t VALUES(?, ?)', [('grün %d 𝄞' % i, b'x' * i) for i in range(60)])
        assert buckets(db, 't', 7) == expected(db, 't', 7)
        found.append(buckets(db, 't', 7))
    assert found[0] == found[1]


def test_joined(db):
    """Arguments from other tables, and results that are joined, as drill-down does."""
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b)')
    db.execute('CREATE TABLE u(a INTEGER PRIMARY KEY, b)')
    for table in 'tu':
        fill(db, table, 'a', 100)
    db.execute('DELETE FROM u WHERE a = 77')
    rows = db.execute('SELECT x.bucket, x.digest, y.digest FROM parity_buckets(?, 4) x JOIN parity_buckets(?, 4) y'
                      ' ON y.bucket = x.bucket WHERE x.digest <> y.digest', ('t', 'u')).fetchall()
    assert len(rows) == 1
    assert one(db, 'SELECT parity_digest_rows(parity_digest_sub(?, ?))', *rows[0][1:]) == 1
    sizes = db.execute('SELECT n, count(*) FROM (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2),'
                       " parity_buckets('t', n) GROUP BY 1").fetchall()
    assert sizes == [(0, 1), (1, 2), (2, 4)]


@pytest.mark.parametrize('bits', [-1, 17, 64, 2**31, 2**32 + 4, 2**63 - 1, -2**63, None, 1.5, 4.0, '4', 'x', b'\x04'])
def test_wrong_bits(db, bits):
    db.execute('CREATE TABLE t(a)')
    message = error(db, "SELECT * FROM parity_buckets('t', ?)", bits)
    assert message.startswith('bits must be from 0 to 16') and '(' in message


def test_errors(db):
    db.execute('CREATE TABLE t(a)')
    assert 'parity_buckets(table, bits' in error(db, 'SELECT * FROM parity_buckets')
    assert 'parity_buckets(table, bits' in error(db, "SELECT * FROM parity_buckets('t')")
    assert error(db, "SELECT * FROM parity_buckets('nope', 4)").startswith('no such table: nope')
    assert 'is NULL' in error(db, 'SELECT * FROM parity_buckets(NULL, 4)')
    assert 'BLOB' in error(db, "SELECT * FROM parity_buckets(x'74', 4)")
    assert 'not one SQL condition' in error(db, "SELECT * FROM parity_buckets('t', 4, '1) UNION SELECT (1')")
    assert 'nope' in error(db, "SELECT * FROM parity_buckets('t', 4, 'nope = 1')")
    assert 'nope' in error(db, "SELECT * FROM parity_buckets('t', 4, NULL, '{\"columns\":{\"nope\":\"int\"}}')")
    assert buckets(db, 't', 4) == []


def test_not_from_the_schema(db):
    """It reads a table whose name it is given, so a view or a trigger of a hostile file may not call it."""
    db.execute('CREATE TABLE t(a)')
    db.execute("CREATE VIEW v AS SELECT * FROM parity_buckets('t', 4)")
    assert 'unsafe' in error(db, 'SELECT * FROM v')
