"""parity_infer: what it counts and which kind it proposes."""

import json
import uuid

import pytest

from sqlite_support import connect, one

COLUMNS = ('column_name', 'declared', 'kind', 'nulls', 'integers', 'reals', 'texts', 'blobs', 'forms', 'note')


@pytest.fixture
def db():
    return connect()


def infer(db, declared, values):
    """The row of one column with these values."""
    db.execute('DROP TABLE IF EXISTS t')
    db.execute('CREATE TABLE t(v %s)' % declared)
    db.executemany('INSERT INTO t VALUES(?)', [(value,) for value in values])
    rows = db.execute("SELECT * FROM parity_infer('t')").fetchall()
    assert len(rows) == 1
    row = dict(zip(COLUMNS, rows[0]))
    row['forms'] = json.loads(row['forms'])
    row['note'] = row['note'] or ''
    return row


def bad_under(db, kind):
    """How many values of t.v are BAD under a kind, by a bundle."""
    one(db, 'SELECT parity_set_spec(?, ?)', 't', json.dumps({'columns': {'v': kind}}))
    tables = {t['table']: t for t in json.loads(one(db, 'SELECT parity_bundle()'))['tables']}
    one(db, "SELECT parity_set_spec('t', NULL)")
    return tables['t']['columns'][0].get('bad', 0)


MS, S = 1704067200000, 1704067200
UUIDS = [uuid.uuid5(uuid.NAMESPACE_DNS, str(i)) for i in range(20)]


@pytest.mark.parametrize('declared, values, kind', [
    # the declared type's kind wins when nothing is BAD under it
    ('INTEGER', [1, 2, None], 'int'),
    ('INTEGER', [], 'int'),
    ('BOOLEAN', [0, 1, 't', 'false', None], 'bool'),
    ('TEXT', ['a', '', 'ü'], 'text'),
    ('TEXT', [str(u) for u in UUIDS], 'text'),
    ('TEXT', ['2024-01-01T00:00:00Z'], 'text'),
    ('', [1, 2.5, 'x'], 'text'),
    ('BLOB', [b'x', b''], 'bytes'),
    ('DECIMAL(10,2)', [1, 2.5, '3.10'], 'decimal'),
    ('REAL', [1, 2.5], 'float8'),
    ('UUID', [str(u) for u in UUIDS] + [UUIDS[0].bytes], 'uuid'),
    ('DATETIME', ['2024-01-01 10:00:00', '2024-01-01T10:00:00Z', None], 'timestamp'),
    ('DATE', ['2024-01-01', '2024-01-01 10:00'], 'date'),
    ('JSON', ['{"a":1}', '[]', 5], 'json'),
    # with an option
    ('DATETIME', [MS, MS + 1, '2024-01-01'], 'timestamp epoch=ms'),
    ('DATETIME', [S, S + 1], 'timestamp epoch=s'),
    ('DATETIME', [S + 0.5, S], 'timestamp epoch=s'),
    ('DATETIME', [MS * 1000], 'timestamp epoch=us'),
    ('DATETIME', [MS, 0, -86400000], 'timestamp epoch=ms'),
    ('DATETIME', [2460310.5, 2460311.25], 'timestamp julian'),
    ('DATETIME', [S, 2460311.25], 'timestamp epoch=s julian'),
    ('DATE', [S - S % 86400], 'date epoch=s'),
    ('BOOLEAN', [0, 1, 5, -1], 'bool nonzero'),
    ('TEXT', ['a', b'b', 'ü'.encode()], 'text blob=utf8'),
    ('JSON', [b'{"a":1}'], 'json blob=utf8'),
    ('BLOB', [b'\xff', 'text'], 'bytes text=utf8'),
    ('BLOB', [b'\xff', '\\x00ff', '\\x1234'], 'bytes text=hex'),
    # another kind
    ('INTEGER', [1, 'n/a'], 'text'),
    ('INTEGER', ['2024-01-01 10:00', '2024-01-02 10:00'], 'timestamp'),
    ('INTEGER', ['2024-01-01T10:00Z', '2024-01-02 10:00+02', MS], 'timestamptz epoch=ms'),
    ('INTEGER', ['2024-01-01'], 'date'),
    ('INTEGER', ['{"a":1}'], 'json'),
    ('INTEGER', [UUIDS[0].bytes, str(UUIDS[1])], 'uuid'),
    ('INTEGER', [b'\xff\xfe'], 'bytes'),
    ('INTEGER', [b'\xff\xfe', 'x'], 'bytes text=utf8'),
    ('TEXT', ['x', b'\xff', 5], 'bytes text=utf8'),
    ('BOOLEAN', ['5.5', 7], 'decimal'),
    ('UUID', [str(UUIDS[0]), 'none'], 'text'),
    ('DATETIME', ['2024-01-01', 'soon'], 'text'),
    ('TIME', ['12:30', '2024-01-01 12:30'], 'text'),
])
def test_proposals_leave_nothing_bad(db, declared, values, kind):
    row = infer(db, declared, values)
    assert row['kind'] == kind, row
    assert bad_under(db, row['kind']) == 0


@pytest.mark.parametrize('declared, values, kind, bad, words', [
    # a unit that is not clear is left to a person
    ('DATETIME', [5], 'timestamp', 1, 'epoch=s'),
    ('DATETIME', [S, MS], 'timestamp', 2, 'epoch=s'),
    ('DATETIME', [MS, 10 ** 18], 'timestamp', 2, 'epoch=s'),
    ('DATETIME', [S, 2460311.25, MS], 'timestamp', 3, 'epoch=s'),
    ('DATETIME', [2460311.25, 3.5], 'timestamp', 2, 'julian'),
    ('INTERVAL', [3600000000], 'interval', 1, 'Django'),
    ('TIME', [3600], 'time', 1, 'epoch=s'),
    # nothing reads all of it
    ('', ['x', b'\xff', 5], 'text', 1, "BLOB x'ff'"),
    ('BOOLEAN', [0, 1, b'\xff', 5], 'bool nonzero', 1, "BLOB x'ff'"),
])
def test_what_stays_bad_is_said(db, declared, values, kind, bad, words):
    row = infer(db, declared, values)
    assert row['kind'] == kind, row
    assert bad_under(db, row['kind']) == bad
    assert '%d are BAD' % bad in row['note'] and words in row['note']


@pytest.mark.parametrize('declared, values, words', [
    ('TEXT', [str(u) for u in UUIDS], 'uuid'),
    ('TEXT', ['2024-01-01T00:00:00Z', '2024-01-01'], 'timestamptz'),
    ('TEXT', ['2024-01-01'], 'date would'),
    ('TEXT', ['{"a":1}', '[]'], 'json'),
    ('TEXT', ['t', 'f'], 'bool'),
    ('BLOB', [u.bytes for u in UUIDS], 'uuid'),
    ('INTEGER', [MS, MS + 5], 'timestamptz epoch=ms'),
    ('INTEGER', [1.5, 2], '1 are not whole'),
    ('DATE', ['2024-01-01 10:00', '2024-01-01'], '1 have a time of day'),
    ('DATETIME', ['2024-01-01 10:00', '2024-01-01 10:00Z'], '1 texts have no zone'),
    ('DATETIME', [MS], 'ms since 1970'),
    ('BOOLEAN', [5, 1], '1 INTEGERs other than 0 and 1'),
    ('INTEGER', [1, 'n/a', 'x'], "leaves 2 BAD, such as TEXT 'n/a'"),
    ('TEXT', ['a\x00b'], '1 texts hold a NUL'),
])
def test_notes(db, declared, values, words):
    assert words in infer(db, declared, values)['note']


@pytest.mark.parametrize('declared, values', [
    ('TEXT', ['a', 'b']), ('INTEGER', [1, 2]), ('TEXT', []), ('TEXT', [str(UUIDS[0]), 'x']), ('BLOB', [b'x', UUIDS[0].bytes]),
    ('INTEGER', [MS, 5]), ('DATETIME', ['2024-01-01 10:00Z']),
])
def test_no_note_without_need(db, declared, values):
    assert infer(db, declared, values)['note'] == ''


def test_counts(db):
    row = infer(db, '', [None, 0, 1, 7, S, MS, 2.5, 3.0, 2460311.5, 'x', '', '12', '-3', '1.5', '1e3', 'NaN', 'inf',
                                 str(UUIDS[0]), UUIDS[0].hex, '{%s}' % UUIDS[0], '2024-01-01', '2024-01-01 10:00',
                                 '2024-01-01T10:00', '2024-01-01T10:00Z', '2024-01-01 10:00+02', '2024-01-01t10:00:00.5-03:30',
                                 '2024-01-01 10:00z', '0044-03-15 10:00 BC', '12:30', '12:30:15.5', '12:30+01', '1 day',
                                 'P1D', 'true', 'N', '{"a": [1]}', '[1', b'', b'abc', b'\xff', UUIDS[0].bytes])
    assert (row['nulls'], row['integers'], row['reals'], row['texts'], row['blobs']) == (1, 5, 3, 28, 4)
    assert row['forms'] == {
        '0 or 1': 2, 'integer': 1, 'epoch s': 1, 'epoch ms': 1, 'real': 1, 'whole real': 1, 'julian': 1,
        'text': 2, 'empty': 1, 'digits': 2, 'decimal': 2, 'number word': 2, 'uuid': 3, 'date': 1, 'stamp': 2, 'stamp T': 1,
        'stamp T Z': 1, 'stamp offset': 1, 'stamp T offset': 1, 'stamp Z': 1, 'time': 2, 'time zone': 1, 'interval': 2,
        'bool word': 2, 'json': 1, 'utf8 bytes': 2, 'bytes': 1, '16 bytes': 1}
    assert sum(row['forms'].values()) == 40


def test_invalid_text(db):
    db.execute('CREATE TABLE t(v TEXT)')
    db.execute("INSERT INTO t VALUES(CAST(x'61ff62' AS TEXT)), (CAST(x'610062' AS TEXT)), (CAST(x'eda080' AS TEXT)), ('ü')")
    row = dict(zip(COLUMNS, db.execute("SELECT * FROM parity_infer('t')").fetchone()))
    forms = json.loads(row['forms'])
    assert (forms['not utf8'], forms['nul'], forms['text']) == (2, 1, 4)
    assert '2 texts are not UTF-8' in row['note']


def test_dotnet_order(db):
    row = infer(db, 'UUID', [u.bytes_le for u in UUIDS])
    assert row['kind'] == 'uuid dotnet' and '.NET' in row['note']
    assert infer(db, 'UUID', [u.bytes for u in UUIDS])['kind'] == 'uuid'
    # too few to tell
    assert infer(db, 'UUID', [u.bytes_le for u in UUIDS[:3]])['kind'] == 'uuid'


def test_columns_in_the_tables_order_and_generated_ones(db):
    db.execute('CREATE TABLE t(z INT, a TEXT, g INT AS (z + 1))')
    db.execute("INSERT INTO t VALUES(1, 'x')")
    rows = [dict(zip(COLUMNS, row)) for row in db.execute("SELECT * FROM parity_infer('t')")]
    assert [(row['column_name'], row['declared']) for row in rows] == [('z', 'INT'), ('a', 'TEXT'), ('g', 'INT')]
    assert rows[2]['integers'] == 1 and 'generated' in rows[2]['note']


def test_stored_overrides_do_not_change_it(db):
    before = infer(db, 'DATETIME', [MS])
    one(db, "SELECT parity_set_spec('t', '{\"columns\":{\"v\":\"text\"}}')")
    assert db.execute("SELECT kind FROM parity_infer('t')").fetchone()[0] == before['kind']


def test_one_scan(db):
    """Each row is read once."""
    db.execute('CREATE TABLE t(a INT)')
    db.executemany('INSERT INTO t VALUES(?)', [(i,) for i in range(50)])
    reads = []
    db.create_function('seen', 1, lambda value: reads.append(value) or value)
    db.execute('CREATE VIEW v AS SELECT seen(a) AS a FROM t')
    db.execute("SELECT * FROM parity_infer('v')").fetchall()
    assert len(reads) == 50


def test_wide_table(db):
    db.execute('CREATE TABLE t(%s)' % ', '.join('c%d INT' % i for i in range(2000)))
    db.execute('INSERT INTO t VALUES(%s)' % ', '.join(['?'] * 2000), list(range(2000)))
    rows = db.execute("SELECT column_name, kind, integers FROM parity_infer('t')").fetchall()
    assert rows == [('c%d' % i, 'int', 1) for i in range(2000)]
