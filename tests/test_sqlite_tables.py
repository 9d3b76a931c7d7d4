"""parity_checksum and parity_column_checksums over every sort of table that SQLite has."""

import json
import os
import sqlite3
import threading
import time

import pytest

from sqlite_support import MODULE, checksum, connect, error, one


@pytest.fixture
def db():
    return connect()


def by_hand(db, kinds, columns, source):
    """The digest by the public aggregate."""
    return one(db, 'SELECT parity_digest_agg(?, %s) FROM %s' % (columns, source), kinds)


# ---- names ---------------------------------------------------------------------

def test_names_resolve_as_in_sql(db):
    db.execute("ATTACH ':memory:' AS aux")
    for schema, value in (('main', 1), ('aux', 2), ('temp', 3)):
        db.execute('CREATE TABLE %s.t(a INT)' % schema)
        db.execute('INSERT INTO %s.t VALUES(?)' % schema, (value,))
    db.execute('CREATE TABLE aux.only_there(a INT)')
    db.execute('INSERT INTO aux.only_there VALUES(9)')
    assert checksum(db, 't') == by_hand(db, 'int', 'a', 'temp.t')
    for schema in ('main', 'aux', 'temp'):
        expected = by_hand(db, 'int', 'a', schema + '.t')
        for name in (schema + '.t', '"%s"."t"' % schema, '%s."t"' % schema, '"%s".t' % schema, schema.upper() + '.T'):
            assert checksum(db, name) == expected, name
    assert checksum(db, 'only_there') == checksum(db, 'aux.only_there') == by_hand(db, 'int', 'a', 'only_there')
    assert json.loads(one(db, "SELECT parity_spec('ONLY_THERE')"))['table'] == 'only_there'
    assert json.loads(one(db, "SELECT parity_spec('ONLY_THERE')"))['schema'] == 'aux'


def test_an_exact_name_goes_before_schema_and_table(db):
    db.execute("ATTACH ':memory:' AS a")
    db.execute('CREATE TABLE a.t(x INT)')
    db.execute('CREATE TABLE "a.t"(x INT)')
    db.execute('INSERT INTO "a.t" VALUES(5)')
    assert checksum(db, 'a.t').startswith('p1-1-')
    assert checksum(db, '"a".t').startswith('p1-0-')


@pytest.mark.parametrize('name', ['a b', 'a"b', "a'b", 'a`b', '[a]', 'a.b', '"', '""', '.', 'a;b', '%s%n', 'ü', 'Ü',
                                  '--', 'select', 'a)b', '\\', 'x' * 500, '"a"."b"', ' ', '\n', 'sqlitex'])
def test_hostile_names(db, name):
    quoted = '"' + name.replace('"', '""') + '"'
    db.execute('CREATE TABLE %s(%s INT, other TEXT)' % (quoted, quoted))
    db.execute('INSERT INTO %s VALUES(1, 2)' % quoted)
    expected = by_hand(db, 'int, text', '%s, other' % quoted, quoted)
    reverse = by_hand(db, 'text, int', 'other, %s' % quoted, quoted)
    assert checksum(db, name) in (expected, reverse)
    assert checksum(db, 'main.' + quoted) == checksum(db, name)
    columns = [row[0] for row in db.execute('SELECT column_name FROM parity_column_checksums(?)', (name,))]
    assert sorted(columns) == sorted([name, 'other'])
    spec = json.loads(one(db, 'SELECT parity_spec(?)', name))
    assert spec['table'] == name
    overrides = json.dumps({'columns': {name: 'text'}, 'names': {name: 'z' + name}})
    one(db, 'SELECT parity_set_spec(?, ?)', name, overrides)
    assert {c['name']: c['kind'] for c in json.loads(one(db, 'SELECT parity_spec(?)', name))['columns']}[name] == 'text'
    bundle = one(db, 'SELECT parity_bundle()')
    assert [t['table'] for t in json.loads(bundle)['tables']] == [name]
    assert db.execute('SELECT table_name, status FROM parity_verify(?)', (bundle,)).fetchall() == [(name, 'match')]
    assert [r[0] for r in db.execute('SELECT column_name FROM parity_infer(?)', (name,))] == [name, 'other']


def test_hostile_schema_name(db):
    db.execute("""ATTACH ':memory:' AS "a""b.c" """)
    db.execute('CREATE TABLE "a""b.c".t(x INT)')
    db.execute('INSERT INTO "a""b.c".t VALUES(1)')
    assert checksum(db, '"a""b.c".t').startswith('p1-1-')
    assert json.loads(one(db, """SELECT parity_bundle(NULL, NULL, 'a"b.c')"""))['schema'] == 'a"b.c'


@pytest.mark.parametrize('name', ['nope', 'main.nope', 'nope.t', '"t', 't"', '"main"t', 'main.', '.t', 'main..t', '', '""',
                                  'temp.t', 't.a', 'main.t.a'])
def test_unknown_tables(db, name):
    db.execute('CREATE TABLE t(a)')
    for sql in ('SELECT parity_checksum(?)', 'SELECT * FROM parity_column_checksums(?)', 'SELECT parity_spec(?)',
                'SELECT * FROM parity_infer(?)', 'SELECT parity_set_spec(?, NULL)'):
        message = error(db, sql, name)
        assert message.startswith('no such table: %s' % name), message
        assert '(' in message


def test_wrong_table_names(db):
    for sql in ('SELECT parity_checksum(?)', 'SELECT * FROM parity_column_checksums(?)', 'SELECT parity_spec(?)',
                'SELECT * FROM parity_infer(?)', 'SELECT parity_set_spec(?, NULL)'):
        assert 'is NULL' in error(db, sql, None)
        assert 'NUL character' in error(db, sql, 't\0x')
        assert 'BLOB' in error(db, sql, b't')


def test_missing_arguments(db):
    assert 'parity_column_checksums(table' in error(db, 'SELECT * FROM parity_column_checksums')
    assert 'parity_infer(table)' in error(db, 'SELECT * FROM parity_infer')
    assert 'parity_verify(bundle' in error(db, 'SELECT * FROM parity_verify')


# ---- sorts of tables -------------------------------------------------------------

def test_empty_table(db):
    db.execute('CREATE TABLE t(a, b)')
    assert checksum(db, 't') == 'p1-0-' + '0' * 32
    assert [row[2] for row in db.execute("SELECT * FROM parity_column_checksums('t')")] == ['p1-0-' + '0' * 32] * 2


def test_column_order_and_names_do_not_matter(db):
    db.execute('CREATE TABLE a(media_type_id INT, title TEXT)')
    db.execute('CREATE TABLE b(Title TEXT, MediaTypeId INT)')
    db.execute("INSERT INTO a VALUES(1, 'x'), (2, NULL)")
    db.execute("INSERT INTO b VALUES(NULL, 2), ('x', 1)")
    assert checksum(db, 'a') == checksum(db, 'b')


@pytest.mark.parametrize('encoding', ['UTF-16le', 'UTF-16be'])
@pytest.mark.parametrize('wide', [False, True])
def test_utf16(encoding, wide, tmp_path):
    """The same text in UTF-8 and in UTF-16: names, values, overrides, bundles."""
    extra = ''.join(', x%d INT' % i for i in range(150)) if wide else ''
    found = []
    for name in ('UTF-8', encoding):
        db = connect(str(tmp_path / name))
        db.execute('PRAGMA encoding = "%s"' % name)
        db.execute('CREATE TABLE "tä"(id INTEGER PRIMARY KEY, "naïve €" TEXT, d TIMESTAMP, b BLOB%s)' % extra)
        db.execute('INSERT INTO "tä"(id, "naïve €", d, b) VALUES(1, ?, ?, ?)',
                   ('grün 𝄞 \x00 end', '2024-01-01 10:00', b'\x00\x01\xff'))
        db.execute("INSERT INTO \"tä\"(id, \"naïve €\", d, b) VALUES(2, '', '', x'')")
        found.append((checksum(db, 'tä'), checksum(db, 'tä', '"naïve €" <> \'\''),
                      db.execute("SELECT * FROM parity_column_checksums('tä')").fetchall(),
                      db.execute("SELECT * FROM parity_infer('tä')").fetchall(),
                      json.loads(one(db, 'SELECT parity_bundle()'))['tables']))
        bundle = one(db, 'SELECT parity_bundle()')
        assert one(db, 'SELECT status FROM parity_verify(?)', bundle) == 'match'
        assert one(db, 'SELECT status FROM parity_verify(?)', bundle.encode()) == 'match'
        one(db, 'SELECT parity_set_spec(?, ?)', 'tä', '{"columns":{"naïve €":"text fold=ascii"}}')
        assert 'fold=ascii' in one(db, "SELECT parity_spec('tä')")
    assert found[0] == found[1]


def test_without_rowid(db):
    db.execute('CREATE TABLE t(b TEXT, a INT, c, PRIMARY KEY(a, b)) WITHOUT ROWID')
    db.execute("INSERT INTO t VALUES('x', 1, 'one'), ('y', 1, 2.5), ('x', 2, NULL)")
    assert checksum(db, 't') == by_hand(db, 'int, text, text', 'a, b, c', 't')
    spec = json.loads(one(db, "SELECT parity_spec('t')"))
    assert spec['key'] == ['a', 'b'] and spec['unique'] is True


@pytest.mark.skipif(sqlite3.sqlite_version_info < (3, 37), reason='STRICT tables came with SQLite 3.37')
def test_strict(db):
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL, d BLOB, e ANY) STRICT')
    db.execute("INSERT INTO t VALUES(1, 'x', 1.5, x'00', 'any'), (2, NULL, 2, NULL, 5)")
    assert checksum(db, 't') == by_hand(db, 'int,text,float8,bytes,text', 'a, b, c, d, e', 't')


@pytest.mark.parametrize('declaration, unique', [
    ('a INTEGER PRIMARY KEY, b', True),
    ('a INTEGER PRIMARY KEY DESC, b', False),        # no rowid alias, by an old mistake that SQLite keeps
    ('a INT PRIMARY KEY, b', False),
    ('a INT NOT NULL PRIMARY KEY, b', True),
    ('a, b, PRIMARY KEY(a, b)', False),
    ('a NOT NULL, b, PRIMARY KEY(a, b)', False),
    ('a NOT NULL, b NOT NULL, PRIMARY KEY(a, b)', True),
    ('a, b UNIQUE NOT NULL', None),
])
def test_keys(db, declaration, unique):
    db.execute('CREATE TABLE t(%s)' % declaration)
    spec = json.loads(one(db, "SELECT parity_spec('t')"))
    assert spec.get('unique', False) == bool(unique)
    assert bool(spec['key']) == (unique is not None)


def test_null_and_duplicate_keys(db):
    db.execute('CREATE TABLE t(a TEXT PRIMARY KEY, b)')
    db.execute("INSERT INTO t VALUES(NULL, 1), (NULL, 2), (NULL, 2), ('k', 3)")
    assert checksum(db, 't') == by_hand(db, 'text,text', 'a, b', 't')
    bundle = json.loads(one(db, 'SELECT parity_bundle()'))['tables'][0]
    assert bundle['keys'].startswith('p1-4-') and 'unique' not in bundle
    before = checksum(db, 't')
    db.execute('DELETE FROM t WHERE rowid = (SELECT max(rowid) FROM t WHERE b = 2)')
    assert checksum(db, 't') != before


def test_generated_columns(db):
    db.execute('CREATE TABLE t(a INT, v INT GENERATED ALWAYS AS (a + 1) VIRTUAL, s INT AS (a * 2) STORED)')
    db.execute('INSERT INTO t VALUES(1), (2)')
    assert checksum(db, 't') == by_hand(db, 'int', 'a', 't')
    assert json.loads(one(db, "SELECT parity_spec('t')"))['left_out'] == ['v', 's']
    one(db, "SELECT parity_set_spec('t', '{\"columns\":{\"s\":\"int\"}}')")
    assert checksum(db, 't') == by_hand(db, 'int,int', 'a, s', 't')


def test_views(db):
    db.execute('CREATE TABLE t(a INT, b TEXT)')
    db.execute("INSERT INTO t VALUES(1, 'x'), (2, 'y')")
    db.execute('CREATE VIEW v AS SELECT b, a FROM t WHERE a > 1')
    assert checksum(db, 'v') == checksum(db, 't', 'a > 1')
    db.execute('CREATE VIEW broken AS SELECT * FROM gone')
    assert 'gone' in error(db, "SELECT parity_checksum('broken')")


def test_virtual_tables(db):
    db.execute('CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)')
    db.execute('INSERT INTO r VALUES(1, 0.5, 2), (2, 3, 4)')
    assert checksum(db, 'r').startswith('p1-2-')
    db.execute('CREATE VIRTUAL TABLE f USING fts5(body)')
    db.execute("INSERT INTO f VALUES('some words')")
    # the hidden columns of the virtual table (f, rank) are not read
    assert checksum(db, 'f') == by_hand(db, 'text', 'body', 'f')


def test_the_schema_table(db):
    db.execute('CREATE TABLE t(a)')
    for name in ('sqlite_master', 'sqlite_schema', 'main.sqlite_schema', 'SQLITE_MASTER'):
        assert checksum(db, name).startswith('p1-1-')
    db.execute('CREATE TEMP TABLE x(a)')
    db.execute('CREATE TEMP TABLE y(a)')
    for name in ('temp.sqlite_master', 'temp.sqlite_schema', 'sqlite_temp_master', 'temp.sqlite_temp_schema'):
        assert checksum(db, name).startswith('p1-2-')


@pytest.mark.parametrize('width', [1, 2, 125, 126, 127, 128, 1000, 2000])
def test_wide_tables(db, width):
    """127 is as many arguments as a function may have, 2,000 as many columns as a table."""
    columns = ', '.join('c%04d INT' % i for i in range(width))
    db.execute('CREATE TABLE t(%s)' % columns)
    for row in range(3):
        db.execute('INSERT INTO t VALUES(%s)' % ', '.join(str(row * i) for i in range(width)))
    digests = db.execute("SELECT * FROM parity_column_checksums('t')").fetchall()
    assert len(digests) == width
    narrow = connect()
    narrow.execute('CREATE TABLE t(c0000 INT)')
    narrow.execute('INSERT INTO t VALUES(0), (0), (0)')
    assert digests[0] == narrow.execute("SELECT * FROM parity_column_checksums('t')").fetchone()
    # whatever way a table is read, a filter and a spec do the same
    half = {'exclude': ['c%04d' % i for i in range(1, width)]}
    assert checksum(db, 't', None, json.dumps(half)) == checksum(narrow, 't')
    assert checksum(db, 't', 'c0000 = 0 AND rowid < 3').startswith('p1-2-')
    assert one(db, 'SELECT status FROM parity_verify(parity_bundle())') == 'match'
    if 2 < width < 127:
        names = ', '.join('c%04d' % i for i in range(width))
        assert checksum(db, 't') == by_hand(db, ','.join(['int'] * width), names, 't')


def test_both_ways_of_reading_agree(db):
    db.execute('CREATE TABLE t(a, b, c, d)')
    db.execute("INSERT INTO t VALUES(1, 2.5, 'x', x'00ff'), (NULL, 'y', '', x''), (-1, 1e300, 'ü', zeroblob(10))")
    fast = checksum(db, 't'), db.execute("SELECT * FROM parity_column_checksums('t')").fetchall()
    db.execute('CREATE TABLE w(a, b, c, d, %s)' % ', '.join('x%d' % i for i in range(130)))
    db.execute('INSERT INTO w(a, b, c, d) SELECT * FROM t')
    spec = json.loads(one(db, "SELECT parity_spec('t')"))
    assert checksum(db, 'w', None, json.dumps(spec)) == fast[0]
    whole = db.execute("SELECT * FROM parity_column_checksums('w')").fetchall()
    assert whole[:4] == fast[1]


def test_read_only_file(tmp_path):
    path = str(tmp_path / 'f.db')
    db = connect(path)
    db.execute('CREATE TABLE t(a INT PRIMARY KEY, b)')
    db.execute("INSERT INTO t VALUES(1, 'x')")
    expected = checksum(db, 't')
    db.close()
    os.chmod(path, 0o444)
    for options in ('mode=ro', 'immutable=1'):
        db = connect('file:%s?%s' % (path, options), uri=True)
        assert checksum(db, 't') == expected
        assert one(db, 'SELECT status FROM parity_verify(parity_bundle())') == 'match'
        assert 'readonly' in error(db, "SELECT parity_set_spec('t', '{}')")
        one(db, "SELECT parity_set_spec('t', NULL)")
        db.close()


def test_mixed_storage_classes(db):
    db.execute('CREATE TABLE t(a INT, b TEXT, c REAL, d BLOB, e NUMERIC, f)')
    values = [1, 2.5, 'x', b'y', None, '5', '5.0', 1e300, -0.0, 2**63 - 1, -2**63, '', b'']
    for i in range(len(values)):
        db.execute('INSERT INTO t VALUES(?, ?, ?, ?, ?, ?)', [values[(i + j) % len(values)] for j in range(6)])
    assert checksum(db, 't') == by_hand(db, 'int,text,float8,bytes,decimal,text', 'a, b, c, d, e, f', 't')


def test_values_on_overflow_pages(db):
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c BLOB)')
    db.execute('INSERT INTO t VALUES(1, ?, zeroblob(300000)), (2, ?, ?)', ('ü' * 200000, 'x', os.urandom(100000)))
    assert checksum(db, 't') == by_hand(db, 'int,text,bytes', 'a, b, c', 't')


# ---- the connection's settings ------------------------------------------------------

def test_settings_do_not_matter(db):
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE, c REAL)')
    db.execute("INSERT INTO t VALUES(1, 'x', 1), (2, 'Y', 2.5), (3, NULL, NULL)")
    before = checksum(db, 't'), one(db, 'SELECT parity_bundle()').split('"tables"')[1]
    for setting in ('case_sensitive_like = 1', 'reverse_unordered_selects = 1', 'empty_result_callbacks = 1',
                    'full_column_names = 1', 'short_column_names = 0', 'count_changes = 1', 'legacy_file_format = 1',
                    'trusted_schema = OFF', 'cell_size_check = ON', 'read_uncommitted = 1', 'recursive_triggers = 1',
                    'automatic_index = 0', 'query_only = 1', 'temp_store = 2', 'foreign_keys = ON',
                    'legacy_alter_table = ON', 'cache_size = 1'):
        db.execute('PRAGMA ' + setting)
        assert (checksum(db, 't'), one(db, 'SELECT parity_bundle()').split('"tables"')[1]) == before, setting


def test_writes_with_count_changes(db):
    db.execute('CREATE TABLE t(a)')
    db.execute('PRAGMA count_changes = 1')
    one(db, "SELECT parity_set_spec('t', '{\"columns\":{\"a\":\"int\"}}')")
    assert one(db, 'SELECT count(*) FROM parity_override') == 1
    one(db, "SELECT parity_set_spec('t', NULL)")
    assert one(db, 'SELECT count(*) FROM parity_override') == 0


def test_replaced_functions_and_collations_do_not_matter(db):
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)')
    db.execute("INSERT INTO t VALUES(1, 'x'), (2, 'y')")
    one(db, "SELECT parity_set_spec('t', '{\"columns\":{\"b\":\"text\"}}')")
    before = checksum(db, 'T'), one(db, 'SELECT parity_bundle()').split('"tables"')[1]
    for name, nargs in (('like', 2), ('like', 3), ('glob', 2), ('lower', 1), ('upper', 1), ('count', 0), ('count', 1),
                        ('quote', 1), ('length', 1), ('substr', 3), ('printf', -1), ('json', 1), ('json_each', 1),
                        ('typeof', 1), ('coalesce', -1)):
        try:
            db.create_function(name, nargs, lambda *args: 'nonsense')
        except sqlite3.Error:
            pass
    db.create_collation('NOCASE', lambda x, y: 0 if x == y else (x > y) - (x < y))
    assert (checksum(db, 'T'), one(db, 'SELECT parity_bundle()').split('"tables"')[1]) == before


@pytest.mark.parametrize('rows', [0, 3])
def test_a_function_in_the_readers_place_is_noticed(db, rows):
    class Count:
        def __init__(self):
            self.n = 0

        def step(self, *_):
            self.n += 1

        def finalize(self):
            return self.n

    db.execute('CREATE TABLE t(a)')
    db.executemany('INSERT INTO t VALUES(?)', [(i,) for i in range(rows)])
    db.create_aggregate('parity_reader', -1, Count)
    assert 'parity_reader of its own' in error(db, "SELECT parity_checksum('t')")


def test_lowered_limits(db):
    db.execute('CREATE TABLE t(a INT, b INT, c INT, d INT, e INT)')
    db.execute('INSERT INTO t VALUES(1, 2, 3, 4, 5)')
    expected = checksum(db, 't')
    if not hasattr(db, 'setlimit'):
        pytest.skip('needs Connection.setlimit of Python 3.11')
    # SQLITE_LIMIT_FUNCTION_ARG: fewer than columns, so they are stepped through
    db.setlimit(6, 3)
    assert checksum(db, 't') == expected
    # SQLITE_LIMIT_LENGTH: the result is too long
    db.setlimit(0, 200)
    assert 'too big' in error(db, 'SELECT parity_bundle()')


# ---- filters ----------------------------------------------------------------------

@pytest.fixture
def filtered(db):
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)')
    db.execute("INSERT INTO t VALUES(1, 'x'), (2, 'y;'), (3, '('), (4, '--'), (5, NULL)")
    db.execute('CREATE TABLE secret(s)')
    db.execute("INSERT INTO secret VALUES('hidden'), ('too')")
    return db


@pytest.mark.parametrize('condition, rows', [
    ('a > 2', 3), ('1', 5), ('0', 0), ('NULL', 0), ('b IS NULL', 1), ("b = '('", 1), ("b = ')'", 0), ("b = 'y;'", 1),
    ("b = '--'", 1), ('a = 1 OR a = 2', 2), ('a IN (SELECT 1 UNION SELECT 3)', 2), ('a > 1 -- and a comment', 4),
    ('a > 1 /* ) */', 4), ("b = 'it''s'", 0), ('"b" = \'x\'', 1), ('[b] = \'x\'', 1), ('`b` = \'x\'', 1),
    ('t.a = 1', 1), ('main.t.a = 1', 1), ('rowid = 1', 1), ('b LIKE \'%;%\'', 1), ("b = '?'", 0),
    ('(a > 1) AND (a < 3)', 1), ('EXISTS (SELECT 1 FROM secret WHERE rowid = t.a)', 2), ('1 - -1', 5), ('a / 3', 3),
    ('(SELECT max(a) FROM t) = a', 1), ("b = x'28'", 0), ('a = "b"', 0), ('(SELECT 1)', 5), ('a = 1 or\n a = 2\n', 2),
])
@pytest.mark.parametrize('wide', [False, True])
def test_filters(filtered, condition, rows, wide):
    if wide:
        for i in range(130):
            filtered.execute('ALTER TABLE t ADD COLUMN z%d' % i)
    got = checksum(filtered, 't', condition)
    assert got.startswith('p1-%d-' % rows)
    if not wide:
        assert got == by_hand(filtered, 'int,text', 'a, b', 't WHERE (%s\n)' % condition)
    sums = filtered.execute("SELECT digest FROM parity_column_checksums('t', ?)", (condition,)).fetchall()
    assert all(digest.startswith('p1-%d-' % rows) for digest, in sums)


@pytest.mark.parametrize('condition', [
    '1) UNION SELECT (1', '1) UNION ALL SELECT s FROM secret WHERE (1', '1)', ')', '(', '(1', '1))', '1) --', '1) /*',
    '1; DELETE FROM t', '1; --', ';', '', ' ', '-- nothing', '/* nothing */', '1) GROUP BY (a', '1) ORDER BY (1',
    '1) LIMIT (1', '1) OR (1', '1), (1', '1, 2', 'a, b', "'", '"', '`', '[', "b = 'x", '/* open', '?', '?1', '?1 IS NULL',
    ':a', '@a', '$a', "$a(') ) UNION SELECT 1 -- ')", '$a(;)', 'a = ?', 'count(*) > 1', 'max(a)', 'a > nope', 'nope()',
    'SELECT', 'a >', 'a 1', 'row_number() OVER ()', 'parity_reader(?1, a)', 'parity_reader(a)', "1) WINDOW w AS (ORDER BY 1",
    'a = 1 UNION SELECT 1', 'a AS b', '*', 'x;y', "1\0 OR 1",
])
@pytest.mark.parametrize('wide', [False, True])
def test_what_is_not_one_condition(filtered, condition, wide):
    if wide:
        for i in range(130):
            filtered.execute('ALTER TABLE t ADD COLUMN z%d' % i)
    message = error(filtered, "SELECT parity_checksum('t', ?)", condition)
    assert 'hidden' not in message
    assert error(filtered, "SELECT * FROM parity_column_checksums('t', ?)", condition)
    assert one(filtered, 'SELECT count(*) FROM t') == 5


def test_filter_of_another_type(filtered):
    assert checksum(filtered, 't', 1).startswith('p1-5-')
    assert 'BLOB' in error(filtered, "SELECT parity_checksum('t', x'31')")


# ---- specs as arguments -----------------------------------------------------------------

def test_overrides_as_argument(db):
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, at DATETIME, junk TEXT)')
    db.execute("INSERT INTO t VALUES(1, 1704067200000, 'x')")
    given = '{"columns":{"at":"timestamptz epoch=ms"},"exclude":["junk"]}'
    assert checksum(db, 't', None, given) == by_hand(db, 'int,timestamptz', "a, '2024-01-01T00:00:00Z'", 't')
    assert db.execute("SELECT column_name, kind FROM parity_column_checksums('t', NULL, ?)", (given,)).fetchall() == [
        ('a', 'int'), ('at', 'timestamptz epoch=ms')]
    # on top of what is stored
    one(db, "SELECT parity_set_spec('t', '{\"exclude\":[\"junk\"]}')")
    assert checksum(db, 't', None, '{"columns":{"at":"timestamptz epoch=ms"}}') == checksum(db, 't', None, given)


def test_whole_spec_as_argument(db):
    db.execute('CREATE TABLE t(Id INTEGER PRIMARY KEY, b TEXT)')
    db.execute("INSERT INTO t VALUES(1, 'x')")
    spec = {'table': 'other', 'columns': [{'name': 'b', 'kind': 'text'}, {'name': 'id', 'kind': 'text'}], 'key': ['id']}
    assert checksum(db, 't', None, json.dumps(spec)) == by_hand(db, 'text,text', 'b, Id', 't')
    # a stored override does not change what a whole spec says
    one(db, "SELECT parity_set_spec('t', '{\"exclude\":[\"b\"]}')")
    assert checksum(db, 't', None, json.dumps(spec)) == by_hand(db, 'text,text', 'b, Id', 't')
    assert checksum(db, 't', None, one(db, "SELECT parity_spec('t')")) == checksum(db, 't')


@pytest.mark.parametrize('spec, words', [
    ('{"columns":{"nope":"int"}}', 'nope'),
    ('{"columns":{"a":"nosuch"}}', 'timestamptz'),
    ('{"columns":{"a":"int nosuch"}}', 'nosuch'),
    ('{"columns":{"a":5}}', 'columns'),
    ('{"columns":5}', 'columns'),
    ('{"columns":[]}', 'table'),
    ('{"table":"t","columns":[]}', 'no columns'),
    ('{"table":"t","columns":[{"name":"nope","kind":"int"}]}', 'nope'),
    ('{"table":"t","columns":[{"name":"a","kind":"int"},{"name":"a","kind":"int"}]}', 'twice'),
    ('{"table":"t","columns":[{"name":"a"}]}', 'columns'),
    ('{"key":["nope"]}', 'nope'), ('{"exclude":["nope"]}', 'nope'), ('{"exclude":["a","b"]}', 'exclude'),
    ('{"unknown":1}', 'unknown'), ('[]', 'object'), ('5', 'object'), ('', ''), ('{', ''), ('{"columns"', ''),
    ('{"columns":', ''), ('{"a\\', ''), ('[' * 100000, ''), ('{"a":' * 100000, ''), (b'\xff\xfe', ''), ('{"columns":{}} x', ''),
])
def test_wrong_specs(db, spec, words):
    db.execute('CREATE TABLE t(a INT, b TEXT)')
    message = error(db, "SELECT parity_checksum('t', NULL, ?)", spec)
    assert words in message
    assert error(db, "SELECT * FROM parity_column_checksums('t', NULL, ?)", spec) == message
    assert one(db, "SELECT parity_digest_rows(parity_checksum('t'))") == 0


def test_wrong_column_names_those_that_are(db):
    db.execute('CREATE TABLE t(alpha INT, beta TEXT)')
    for spec in ('{"columns":{"nope":"int"}}', '{"table":"t","columns":[{"name":"nope","kind":"int"}]}'):
        message = error(db, "SELECT parity_checksum('t', NULL, ?)", spec)
        assert '"nope"' in message and 'alpha, beta' in message


# ---- failures on the way --------------------------------------------------------------------

def test_corrupt_page_is_an_error(tmp_path):
    """A page that cannot be read ends in an error, not in the digest of the rows before it."""
    path = str(tmp_path / 'f.db')
    db = connect(path)
    db.execute('PRAGMA page_size = 1024')
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)')
    db.executemany('INSERT INTO t VALUES(?, ?)', [(i, 'x' * 100) for i in range(1000)])
    pages = one(db, 'PRAGMA page_count')
    db.close()
    with open(path, 'r+b') as file:
        file.seek((pages - 5) * 1024)
        file.write(b'\xff' * 1024)
    db = connect(path)
    for sql in ("SELECT parity_checksum('t')", "SELECT * FROM parity_column_checksums('t')", 'SELECT parity_bundle()',
                "SELECT * FROM parity_infer('t')"):
        assert 'malformed' in error(db, sql)
    assert one(db, 'SELECT 1') == 1


@pytest.mark.parametrize('wide', [False, True])
def test_error_midway(db, wide):
    """A function in a view that fails at the 50th row."""
    calls = []

    def fails(value):
        calls.append(value)
        if value == 50:
            raise ValueError('at 50')
        return value

    db.create_function('fails', 1, fails)
    extra = ''.join(', z%d INT' % i for i in range(140)) if wide else ''
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY%s)' % extra)
    db.executemany('INSERT INTO t(a) VALUES(?)', [(i,) for i in range(100)])
    db.execute('CREATE VIEW v AS SELECT fails(a) AS a%s FROM t' % extra.replace(' INT', ''))
    for sql in ("SELECT parity_checksum('v')", "SELECT * FROM parity_column_checksums('v')",
                "SELECT parity_bundle('[\"v\"]')", "SELECT * FROM parity_infer('v')",
                "SELECT parity_checksum('t', 'fails(a) >= 0')"):
        assert 'user-defined function raised exception' in error(db, sql)
    assert len(calls) == 5 * 51
    assert checksum(db, 't').startswith('p1-100-')


def test_recursion_is_an_error(db):
    assert error(db, "SELECT parity_checksum('parity_verify')")
    assert error(db, "SELECT parity_checksum('parity_column_checksums')")


@pytest.mark.parametrize('sql', ["SELECT parity_checksum('v')", "SELECT * FROM parity_column_checksums('v')",
                                 "SELECT parity_bundle('[\"v\"]')", "SELECT * FROM parity_infer('v')"])
def test_interrupt(sql):
    """sqlite3_interrupt ends the inner statement within a second, and the connection goes on."""
    db = connect(check_same_thread=False)
    db.execute('CREATE TABLE small(a INT)')
    db.execute('INSERT INTO small VALUES(1)')
    endless = 'WITH RECURSIVE c(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM c) SELECT a FROM c'
    started, stopped = threading.Event(), []

    def count(value):
        started.set()
        return value

    db.create_function('started', 1, count)
    db.execute('CREATE VIEW v AS %s WHERE started(a)' % endless)

    def stop():
        started.wait(20)
        stopped.append(time.monotonic())
        db.interrupt()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(sqlite3.OperationalError, match='interrupted'):
        db.execute(sql).fetchall()
    assert time.monotonic() - stopped[0] < 1
    thread.join()
    assert checksum(db, 'small').startswith('p1-1-')


@pytest.mark.parametrize('sql', ['SELECT * FROM parity_verify(?)', 'SELECT parity_assert_match(?)'])
def test_interrupted_verify(db, sql):
    db.execute('CREATE TABLE t(a INT)')
    db.executemany('INSERT INTO t VALUES(?)', [(i,) for i in range(5000)])
    bundle = one(db, 'SELECT parity_bundle()')
    calls = []
    db.set_progress_handler(lambda: calls.append(1) or len(calls) == 40, 100)
    assert error(db, sql, bundle) == 'interrupted'
    db.set_progress_handler(None, 0)
    assert len(calls) == 40
    assert one(db, 'SELECT status FROM parity_verify(?)', bundle) == 'match'


def test_authorizer(db):
    """What the application denies stays denied."""
    db.execute('CREATE TABLE t(a INT, b TEXT)')
    db.execute("INSERT INTO t VALUES(1, 'secret')")

    def deny(action, first, second, *_):
        return sqlite3.SQLITE_DENY if (action, first, second) == (sqlite3.SQLITE_READ, 't', 'b') else sqlite3.SQLITE_OK

    db.set_authorizer(deny)
    assert 'prohibited' in error(db, "SELECT parity_checksum('t')")
    assert checksum(db, 't', None, '{"exclude":["b"]}').startswith('p1-1-')


def test_joins_with_a_table_of_names(db):
    for i in range(3):
        db.execute('CREATE TABLE t%d(a INT)' % i)
        db.execute('INSERT INTO t%d VALUES(?)' % i, (i,))
    rows = db.execute("SELECT m.name, c.column_name, c.digest FROM sqlite_master m, parity_column_checksums(m.name) c"
                      " ORDER BY m.name").fetchall()
    assert [(name, column) for name, column, _ in rows] == [('t0', 'a'), ('t1', 'a'), ('t2', 'a')]
    assert len({digest for _, _, digest in rows}) == 3
    sums = db.execute('SELECT name, parity_checksum(name) FROM sqlite_master ORDER BY name').fetchall()
    assert sums == [(name, checksum(db, name)) for name in ('t0', 't1', 't2')]
    assert one(db, "SELECT count(*) FROM parity_column_checksums WHERE \"table\" = 't1' AND kind = 'int'") == 1
    left = db.execute("SELECT m.name, c.kind FROM sqlite_master m LEFT JOIN parity_column_checksums(m.name) c"
                      " ON c.kind = 'nosuch'").fetchall()
    assert [kind for _, kind in left] == [None] * 3


def test_a_table_under_write_by_another_connection(tmp_path):
    """In WAL mode a scan reads its own snapshot."""
    path = str(tmp_path / 'f.db')
    db, other = connect(path), connect(path)
    db.execute('PRAGMA journal_mode = WAL')
    db.execute('CREATE TABLE t(a INT)')
    db.executemany('INSERT INTO t VALUES(?)', [(i,) for i in range(100)])
    before = checksum(db, 't')

    def write(value):
        if value == 50:
            other.execute('INSERT INTO t VALUES(1000)')
        return value

    db.create_function('write', 1, write)
    assert checksum(db, 't', 'write(a) >= 0') == before
    assert checksum(db, 't') != before


def test_module_path_is_found():
    assert os.path.exists(MODULE + '.so')
