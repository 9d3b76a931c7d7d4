"""repair of every kind of value, in both directions, by the shells that a user would pipe it into."""

import collections
import json
import random
import re
import shutil
import subprocess
import uuid

import pytest

from conftest import Sqlite
from difference import UNKNOWN, LiteSide, PgSide, psql, reported
from sqlite_support import MODULE

INF = float('inf')
Case = collections.namedtuple('Case', 'name pg lite pin values pg_pin', defaults=[None])
BOTH = ['postgresql', 'sqlite']
TEXTS = ('', ' ', "'", "''", "it's", '"', '\\', '\\n', "\\'", "E'\\x'", '\n', '\r', '\r\n', 'a\r\nb', '\n.quit\n', '\n;\n', ';', '--',
         '/*', '*/', '/', 'go', '\ngo\n', '\n/\n', '\\q', '\n\\q\n', ':x', ":'x'", '%s', '$1', '$$', '$a$', '\t', '\x01\x02\x1b[31m\x7f',
         'é', 'e\u0301', '日本語', '😀', '\ufeff', '\ufffd', '\u2028', '5', '005', '1.50', 'NULL', 'null', 'true', 'x' * 5000,
         "'); DROP TABLE t; --", '{"a":1}', 'a\n' * 300, '\x85')


def same(*texts):
    return [(text, text) for text in texts]


def dotnet(text):
    return uuid.UUID(text).bytes_le


A_UUID = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
# name, type in PostgreSQL, declared type in SQLite, kind pinned there, [(text of the value here, value there)], and here
CASES = [Case(*case) for case in [
    ('bool', 'boolean', 'BOOLEAN', None, [('true', 1), ('false', 0)]),
    ('bool-text', 'boolean', 'TEXT', None, [('true', 't'), ('false', 'f')]),
    ('bool-nonzero', 'boolean', 'BOOLEAN', 'bool nonzero', [('true', 1), ('false', 0), ('true', 17)]),
    ('smallint', 'smallint', 'SMALLINT', None, [('0', 0), ('-32768', -32768), ('32767', 32767)]),
    ('integer', 'integer', 'INTEGER', None, [('0', 0), ('-2147483648', -2 ** 31), ('2147483647', 2 ** 31 - 1)]),
    ('bigint', 'bigint', 'BIGINT', None, [(str(n), n) for n in (0, 1, -1, 2 ** 63 - 1, -2 ** 63, 2 ** 53 + 1)]),
    ('int-text', 'bigint', 'TEXT', None, [(str(n), str(n)) for n in (0, -1, 2 ** 63 - 1)]),
    ('int-real', 'bigint', 'REAL', None, [('0', 0.0), ('-5', -5.0), ('9007199254740992', 2.0 ** 53)]),
    ('uint64', 'numeric(20)', 'BIGINT', 'int uint64', [('0', 0), ('18446744073709551615', -1), ('9223372036854775808', -2 ** 63)],
        'int uint64'),
    ('oid', 'oid', 'INTEGER', None, [('0', 0), ('4294967295', 2 ** 32 - 1)]),
    ('numeric', 'numeric', 'TEXT', 'decimal', same('0', '1.5', '-0.001', '12345678901234567890.123456789012345678901234567890',
                                                     '-9999999999999999999', 'NaN') + [('Infinity', 'inf'), ('-Infinity', '-inf')]),
    ('numeric-real', 'numeric(12,2)', 'DECIMAL(12,2)', None, [('0.00', 0), ('12.50', 12.5), ('-9999999999.99', -9999999999.99),
                                                              ('0.10', 0.1), ('NaN', 'NaN')]),
    ('numeric-digits', 'numeric', 'REAL', 'decimal digits=15', [('0.3', 0.1 + 0.2), ('1.005', 1.005), ('100', 100.0)]),
    ('numeric-scale', 'numeric(6,-2)', 'NUMERIC', None, [('12300', 12300), ('-100', -100)]),
    ('money', 'money', 'DECIMAL(19,2)', None, [('$0.00', 0), ('$12.50', 12.5), ('-$0.01', -0.01), ('$1,234,567.89', 1234567.89)]),
    ('float8', 'double precision', 'DOUBLE', None, [('0', 0.0), ('0.1', 0.1), ('0.30000000000000004', 0.1 + 0.2), ('5e-324', 5e-324),
        ('1.7976931348623157e+308', 1.7976931348623157e308), ('Infinity', INF), ('-Infinity', -INF), ('1e+16', 1e16),
        ('123456789012345.67', 123456789012345.67), ('NaN', 'nan')]),
    ('float4', 'real', 'REAL', None, [('0', 0.0), ('0.1', 0.1), ('40.070984', 40.070984), ('3.4028235e+38', 3.4028234663852886e38),
        ('1e-45', 1.401298464324817e-45), ('6.4057792e+07', 64057792.0), ('Infinity', INF), ('NaN', 'NaN')]),
    ('text', 'text', 'TEXT', None, same(*TEXTS)),
    ('varchar', 'varchar(5000)', 'VARCHAR(5000)', None, same(*TEXTS)),
    ('text-any', 'text', '', None, same(*TEXTS)),
    ('text-blob', 'text', 'BLOB', 'text blob=utf8', [(text, text.encode()) for text in TEXTS]),
    ('text-integer', 'text', 'INTEGER', 'text', [('5', 5), ('abc', 'abc'), ('-12', -12)]),
    ('text-fold', 'text', 'TEXT', 'text fold=ascii', [('abc', 'ABC'), ('x', 'X')], 'text fold=ascii'),
    ('char', 'char(5)', 'CHAR(5)', None, [('ab', 'ab'), ('', ''), ("'", "' "), ('x\n', 'x\n'), ('é', 'é  ')]),
    ('bytea', 'bytea', 'BLOB', None, [('\\x', b''), ('\\x00', b'\0'), ('\\x00ff27225c', b'\0\xff\'"\\'), ('\\x0a0d', b'\n\r')]),
    ('bytea-hex', 'bytea', 'TEXT', 'bytes text=hex', [('\\x', ''), ('\\x00ff', '00ff'), ('\\xabcdef', 'ABCDEF')]),
    ('bytea-base64', 'bytea', 'TEXT', 'bytes text=base64', [('\\x', ''), ('\\x00ff', 'AP8='), ('\\xabcdef', 'q83v')]),
    ('bytea-utf8', 'bytea', 'TEXT', 'bytes text=utf8', [('\\x', ''), ('\\x6162', 'ab'), ('\\xc3a9', 'é')]),
    ('timestamptz', 'timestamptz', 'TIMESTAMPTZ', None, [('2024-02-29 12:34:56.789012+00', '2024-02-29T12:34:56.789012Z'),
        ('infinity', 'infinity'), ('-infinity', '-infinity'), ('0044-03-15 12:00:00+00 BC', '0044-03-15 12:00:00+00 BC'),
        ('294276-12-31 23:59:59.999999+00', '294276-12-31 23:59:59.999999Z'),
        ('4714-11-24 00:00:00+00 BC', '4714-11-24 00:00:00 BC'), ('2000-01-01 00:00:00+00', '2000-01-01 02:00+02')]),
    ('timestamptz(3)', 'timestamptz(3)', 'DATETIME', None, [('2024-02-29 12:34:56.789+00', '2024-02-29 12:34:56.789')]),
    ('timestamp', 'timestamp', 'DATETIME', None, [('2024-02-29 12:34:56.000001', '2024-02-29 12:34:56.000001'),
        ('infinity', 'infinity'), ('-infinity', '-infinity'), ('0001-12-31 23:59:59.999999 BC', '0001-12-31 23:59:59.999999 BC'),
        ('1970-01-01 00:00:00', '1970-01-01')]),
    ('timestamp-zone', 'timestamp', 'DATETIME', 'timestamp zone=+02:00', [('2024-02-29 12:34:56', '2024-02-29 14:34:56')]),
    ('epoch-ms', 'timestamptz', 'INTEGER', 'timestamptz epoch=ms', [('1970-01-01 00:00:00+00', 0),
        ('2024-02-29 12:34:56.789+00', 1709210096789), ('1969-12-31 23:59:59.999+00', -1)]),
    ('epoch-s', 'timestamp', 'INTEGER', 'timestamp epoch=s', [('1970-01-01 00:00:00', 0), ('2024-02-29 12:34:56', 1709210096)]),
    ('epoch-us', 'timestamptz', 'BIGINT', 'timestamptz epoch=us', [('1970-01-01 00:00:00.000001+00', 1),
        ('2024-02-29 12:34:56.789012+00', 1709210096789012)]),
    ('julian', 'timestamp', 'REAL', 'timestamp julian', [('2000-01-01 12:00:00', 2451545.0), ('2024-02-29 00:00:00', 2460369.5)]),
    ('date', 'date', 'DATE', None, same('2024-02-29', '1970-01-01', 'infinity', '-infinity', '0001-01-01 BC', '5874897-12-31',
                                        '4714-11-24 BC')),
    ('date-epoch', 'date', 'INTEGER', 'date epoch=s', [('1970-01-01', 0), ('2024-02-29', 1709164800)]),
    ('date-midnight', 'date', 'TEXT', 'date', [('2024-02-29', '2024-02-29 00:00:00')]),
    ('time', 'time', 'TIME', None, same('00:00:00', '24:00:00', '23:59:59.999999', '12:34:56')),
    ('time-epoch', 'time', 'INTEGER', 'time epoch=ms', [('00:00:00', 0), ('12:34:56.789', 45296789)]),
    ('timetz', 'timetz', 'TIMETZ', None, same('00:00:00+00', '24:00:00-15:59:59', '12:34:56.789012+02:30', '23:00:00+01:02:03')),
    ('interval', 'interval', 'INTERVAL', None, same('00:00:00', '1 year 2 mons -3 days +04:05:06.789', '-00:00:00.000001',
        '-178000000 years', '2147483647 days', '1 mon -1 days', '2562047787:00:54.775807')),
    ('interval-unit', 'interval', 'BIGINT', 'interval unit=us', [('00:00:00', 0), ('1 day 01:01:01.000001', 90061000001),
        ('-1 days +23:59:59.999999', -1)]),
    ('uuid', 'uuid', 'UUID', None, [(A_UUID, A_UUID), ('00000000-0000-0000-0000-000000000000',) * 2,
        ('12345678-1234-5678-1234-567812345678', '12345678-1234-5678-1234-567812345678')]),
    ('uuid-blob', 'uuid', 'BLOB', None, [(A_UUID, uuid.UUID(A_UUID).bytes), ('00000000-0000-0000-0000-000000000000', bytes(16))]),
    ('uuid-dotnet', 'uuid', 'BLOB', 'uuid dotnet', [(A_UUID, dotnet(A_UUID))]),
    ('json', 'json', 'TEXT', None, [(text, text) for text in ('{"a": [1, 2.50, null, "x\\"y\\\\z\\n"], "b": {}}', 'null', '5', '1e2',
        '"\'"', '[]', '{"é": "\\u0001"}', '123456789012345678901234567890.5', 'true')]),
    ('jsonb', 'jsonb', 'TEXT', None, [(text, text) for text in ('{"a": [1, 2.50, null, "x\\"y\\\\z\\n"], "b": {}}', 'null', '5',
        '"\'"', '[]', '{"": ""}', '123456789012345678901234567890.5', 'false')]),
    ('json-numeric', 'jsonb', 'JSON', None, same('{"a": [1.5]}', '5', '1.5', '-0.25', '[]', 'null', '"5"')),
    ('int[]', 'int[]', 'JSON', None, [('{}', '[]'), ('{1,NULL,3}', '[1,null,3]'), ('{{1,2},{3,4}}', '[[1,2],[3,4]]'),
        ('{{{1},{NULL}}}', '[[[1],[null]]]')]),
    ('text[]', 'text[]', 'TEXT', None, [('{"a,b","NULL",NULL,"","\\"q\\"","\\\\","{x}"," y "}',
        json.dumps(['a,b', 'NULL', None, '', '"q"', '\\', '{x}', ' y '])), ("{'}", json.dumps(["'"])), ('{{a,b},{c,d}}',
        '[["a","b"],["c","d"]]')]),
    ('numeric[]', 'numeric[]', 'TEXT', None, [('{1.5,-2,12345678901234567890.1}', '[1.5,-2,12345678901234567890.1]')]),
    ('timestamptz[]', 'timestamptz[]', 'TEXT', None, [('{"2024-02-29 12:34:56+00"}', '["2024-02-29T12:34:56+00:00"]')]),
    ('bool[]', 'boolean[]', 'TEXT', None, [('{t,f,NULL}', '[true,false,null]')]),
    ('composite', 'pair', 'TEXT', None, [('(1,x)', '{"a":1,"b":"x"}'), ('(,"a, ""b"" (c)")', json.dumps({'a': None, 'b': 'a, "b" (c)'})),
        ('(-5,)', '{"a":-5,"b":null}'), ('(7,"")', '{"a":7,"b":""}')]),
    ('composite[]', 'pair[]', 'TEXT', None, [('{"(1,x)",NULL,"(2,)"}', '[{"a":1,"b":"x"},null,{"a":2,"b":null}]')]),
    ('enum', 'mood', 'TEXT', None, same('sad', 'very happy', '', "o'k")),
    ('enum[]', 'mood[]', 'TEXT', None, [('{sad,"very happy"}', '["sad","very happy"]')]),
    ('domain', 'short', 'TEXT', None, same('a', "'", 'abc')),
    ('domain-numeric', 'price', 'DECIMAL', None, [('1.50', 1.5), ('0.10', 0.1)]),
    ('inet', 'inet', 'TEXT', None, same('10.0.0.1/8', '::1', '192.168.0.1')),
    ('range', 'int4range', 'TEXT', None, same('[1,5)', 'empty', '(,)')),
    ('point', 'point', 'TEXT', None, same('(1,2.5)')),
    ('bit', 'bit varying(8)', 'TEXT', None, same('101', '')),
    ('tsvector', 'tsvector', 'TEXT', None, same("'a' 'b'':1'")),
    ('name', 'name', 'TEXT', None, same('x', "'")),
    ('xml', 'xml', 'TEXT', None, same('<a b="c">\'</a>')),
]]


@pytest.fixture
def sides(pg, sqlite):
    pg.run("SET TimeZone = 'UTC'")
    pg.run('CREATE TYPE pair AS (a int, b text)')
    pg.run("CREATE TYPE mood AS ENUM ('sad', 'very happy', '', 'o''k')")
    pg.run('CREATE DOMAIN short AS text CHECK (length(VALUE) < 4)')
    pg.run('CREATE DOMAIN price AS numeric(10,2)')
    sqlite.run('PRAGMA synchronous = off')
    return {'postgresql': PgSide(pg), 'sqlite': LiteSide(sqlite)}


def create(sides, case, columns='id, v'):
    """Three rows a value, and three of NULL: one will be deleted, one emptied, one changed."""
    pg, lite = sides['postgresql'], sides['sqlite']
    try:
        pg.run('CREATE TABLE t (id int PRIMARY KEY, v %s)' % case.pg)
    except Exception as error:
        if 'scale' in str(error):
            pytest.skip('this PostgreSQL has no numeric of negative scale')
        raise
    lite.run('CREATE TABLE t (id INTEGER PRIMARY KEY, v %s)' % case.lite)
    values = [value for value in case.values + [(None, None)] for _ in range(3)]
    for n, (text, value) in enumerate(values):
        pg.run('INSERT INTO t VALUES (%%s, %%s::text::%s)' % case.pg, n, text)
        lite.run('INSERT INTO t VALUES (?, ?)', n, value)
    if case.pin:
        lite.set_spec('t', {'columns': {'v': case.pin}})
    if case.pg_pin:
        pg.set_spec('t', {'columns': {'v': case.pg_pin}})
    lite.adopt(pg.bundle())
    for side, other in ((pg, lite), (lite, pg)):
        verdict = side.verify(other.bundle())['t']
        assert verdict.status == 'match', (side.engine, verdict)
    return len(values)


def state(side):
    """What is stored: text in PostgreSQL, value and storage class in SQLite."""
    return dict((row[0], row[1:]) for row in side.run(
        'SELECT id, v::text FROM t' if side.engine == 'postgresql' else 'SELECT id, typeof(v), v FROM t'))


def damage(side, rows):
    """Deletes, empties and changes a third each. A changed one takes the value of the one before it."""
    before = state(side)
    side.run('CREATE TABLE old AS SELECT * FROM t')
    side.run('DELETE FROM t WHERE id % 3 = 0')
    side.run('UPDATE t SET v = NULL WHERE id % 3 = 1')
    side.run('UPDATE t SET v = (SELECT v FROM old WHERE old.id = (t.id + %d) %% %d) WHERE id %% 3 = 2' % (rows - 3, rows))
    side.run('DROP TABLE old')
    return before


# money has no literal that means the same in every session
@pytest.mark.parametrize('case, engine', [pytest.param(case, engine, id='%s-%s' % (case.name, engine))
                                          for case in CASES for engine in BOTH if (case.pg, engine) != ('money', 'postgresql')])
def test_every_kind(sides, case, engine):
    rows = create(sides, case)
    local, remote = sides[engine], sides[BOTH[1 - BOTH.index(engine)]]
    before = damage(local, rows)
    assert local.verify(remote.bundle())['t'].status == 'differ'
    bundle = remote.rows('t', local.keys('t', remote.bundle(['t'])))
    statements = local.repair('t', bundle)
    run = local.shell(statements)
    assert run.status == 0, (run.err, statements)
    verdict = local.verify(remote.bundle())['t']
    assert verdict.status == 'match', (verdict, statements, state(local), before)
    assert remote.verify(local.bundle())['t'].status == 'match'
    assert local.recheck('t', bundle) == [] == local.explain('t', bundle)
    now = state(local)
    if case.pg in ('json', 'jsonb'):
        pass                # canonical JSON of the same value
    elif engine == 'postgresql':
        assert sorted(map(plain, now.items())) == sorted(map(plain, before.items()))
    else:
        # the storage class that clients expect there
        classes = [{number: value[0] for number, value in rows.items()} for rows in (now, before)]
        assert classes[0] == classes[1] or case.name == 'text-blob', (now, before)


def plain(item):
    """A number's zeros at the end do not count."""
    number, (text,) = item
    if text and re.fullmatch(r'-?\d+\.\d*?0+', text):
        text = text.rstrip('0').rstrip('.')
    return number, text or '', text is None


# ---- the real pipe -------------------------------------------------------------------


def test_the_pipe_of_the_shells(sides, tmp_path):
    """As the README says it: one shell prints the repair, another one runs it, and both print and read bytes."""
    case = next(case for case in CASES if case.name == 'text')
    rows = create(sides, case)
    pg, lite = sides['postgresql'], sides['sqlite']
    before = damage(lite, rows)
    (tmp_path / 'rows').write_text(pg.rows('t', lite.keys('t', pg.bundle(['t']))), 'utf-8', newline='')
    shell = [shutil.which('sqlite3'), '-batch', '-bail', '-cmd', ".load '%s'" % MODULE, lite.db.path]
    made = subprocess.run(shell + ["SELECT * FROM parity_repair('t', readfile('%s'))" % (tmp_path / 'rows')],
                          capture_output=True, timeout=60)
    assert made.returncode == 0, made
    run = subprocess.run(shell, input=made.stdout, capture_output=True, timeout=60)
    assert run.returncode == 0, run
    assert lite.verify(pg.bundle())['t'].status == 'match'
    assert state(lite) == before

    before = damage(pg, rows)
    (tmp_path / 'rows').write_text(lite.rows('t', pg.keys('t', lite.bundle(['t']))), 'utf-8', newline='')
    shell = [psql(), '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', pg.db.name]
    made = subprocess.run(shell, capture_output=True, timeout=60, input=(
        "\\set rows `cat '%s'`\nSELECT * FROM parity.repair('t', :'rows')" % (tmp_path / 'rows')).encode())
    assert made.returncode == 0, made
    run = subprocess.run(shell, input=made.stdout, capture_output=True, timeout=60)
    assert run.returncode == 0, run
    assert pg.verify(lite.bundle())['t'].status == 'match'
    assert state(pg) == before


# ---- values that the other side cannot hold ------------------------------------------------

CANNOT_PG = [       # type here, declared there, pin there, value there
    ('numeric(10,2)', 'REAL', 'decimal', 1.005),
    ('numeric', 'INT', None, 'abc'),
    ('integer', 'INT', None, 2 ** 40),
    ('integer', 'REAL', 'int', 2.5),
    ('smallint', 'INT', None, 70000),
    ('text', 'TEXT', None, 'nul\0behind'),
    ('char(3)', 'TEXT', None, 'abcd'),
    ('varchar(3)', 'TEXT', None, 'abcd'),
    ('timestamptz', 'TEXT', 'timestamptz', '2024-02-29 12:34:56.1234567Z'),
    ('timestamp(3)', 'TEXT', 'timestamp', '2024-02-29 12:34:56.123456'),
    ('timestamp', 'TEXT', 'timestamp', 'soon'),
    ('date', 'TEXT', 'date', '2024-02-29 12:34:56'),
    ('boolean', 'INTEGER', 'bool', 7),
    ('uuid', 'TEXT', 'uuid', 'no uuid'),
    ('jsonb', 'TEXT', 'json', '{"a":'),
    ('jsonb', 'TEXT', 'json', '"\\ud800"'),
    ('jsonb', 'TEXT', 'json', '"\\u0000"'),
    ('real', 'REAL', 'float4', 0.1234567890123),
    ('bytea', 'TEXT', 'bytes', 'text'),
    ('money', 'DECIMAL', None, 12.345),
    ('mood', 'TEXT', None, 'angry'),
    ('short', 'TEXT', None, 'too long'),
    ('inet', 'TEXT', None, 'no address'),
    ('int4range', 'TEXT', None, '[5,1)'),
    ('bit(3)', 'TEXT', None, '10'),
    ('int[]', 'TEXT', 'json', '[1, "x"]'),
    ('pair', 'TEXT', 'json', '{"a": "x", "b": 1}'),
    ('int[]', 'TEXT', 'json', '{"[0:1]":[5,6]}'),
]
CANNOT_LITE = [     # declared here, pin here, type there, value there
    ('DECIMAL', 'decimal', 'numeric', '12345678901234567890.123456789'),
    ('INTEGER', 'text', 'text', '007'),
    ('REAL', 'text', 'text', '1e5'),
    ('JSON', 'json', 'jsonb', '123456789012345678901234567890.5'),
]


def check_cannot(local, remote):
    """The cell is named with its key and column in a comment, left as it is, and the others are repaired."""
    before = local.run('SELECT id, v, w FROM t ORDER BY id')
    bundle = remote.rows('t', local.keys('t', remote.bundle(['t'])))
    statements = local.repair('t', bundle)
    comments = [line for s in statements for line in s.split('\n') if line.startswith('--')]
    assert [c for c in comments if re.search(r'"t".*\b2\b.*"v": .', c)], comments
    run = local.shell(statements)
    assert run.status == 0, (run.err, statements)
    after = {row[0]: row for row in local.run('SELECT id, v, w FROM t ORDER BY id')}
    there = {row[0]: row for row in remote.run('SELECT id, v, w FROM t ORDER BY id')}
    old = {row[0]: row for row in before}
    assert after[2][1] == old[2][1], 'never stored rounded'
    assert after[1][2] == there[1][2] == 'other 1'
    assert 3 not in after, 'a row that cannot be inserted whole is not inserted at all'
    assert [c for c in comments if re.search(r'"t".*\b3\b.*"v": .', c)], comments
    assert reported(run) == (1, 0, 2)
    assert {cell.key for cell in local.explain('t', bundle)} == {2, 3}
    verdict = local.verify(remote.bundle(['t']))['t']
    assert (verdict.status, verdict.differing) == ('differ', 2)


def three_rows(side, declared, ordinary, special):
    """Row 1 differs in w; row 2 in v, which here cannot be; row 3 is missing here, and has that v."""
    side.run('CREATE TABLE t (id int PRIMARY KEY, v %s, w text)' % declared)
    side.run('INSERT INTO t VALUES (1, %s, %s)' % (ordinary, "'other 1'" if special else "'w'"))
    for i in (2, 3):
        if special:
            side.run('INSERT INTO t VALUES (%d, %s, %s)' % (i, '%s' if side.engine == 'postgresql' else '?', "'w'"), special)
        elif i == 2:
            side.run('INSERT INTO t VALUES (2, %s, %s)' % (ordinary, "'w'"))


@pytest.mark.parametrize('case', CANNOT_PG, ids=lambda case: '%s %s' % (case[0], case[3]))
def test_what_postgresql_cannot_hold(sides, case):
    pg_type, declared, pin, value = case
    pg, lite = sides['postgresql'], sides['sqlite']
    three_rows(pg, pg_type, 'NULL', None)
    three_rows(lite, declared, 'NULL', value)
    if pin:
        lite.set_spec('t', {'columns': {'v': pin}})
    check_cannot(pg, lite)


@pytest.mark.parametrize('case', CANNOT_LITE, ids=lambda case: '%s %s' % (case[0], case[3]))
def test_what_sqlite_cannot_hold(sides, case):
    declared, pin, pg_type, value = case
    pg, lite = sides['postgresql'], sides['sqlite']
    three_rows(lite, declared, 'NULL', None)
    three_rows(pg, pg_type, 'NULL', value)
    lite.set_spec('t', {'columns': {'v': pin}})
    check_cannot(lite, pg)


@pytest.mark.parametrize('value', ['nul\0behind', '\0', 'a\0\'"\n\0'])
def test_nul_between_two_sqlite(sqlite, tmp_path, value):
    """SQLite's text may hold it."""
    local, second = LiteSide(sqlite), Sqlite(tmp_path / 'other.db')
    remote = LiteSide(second)
    for side in (local, remote):
        side.run('CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)')
        side.run('INSERT INTO t VALUES (1, ?)', 'here' if side is local else value)
    remote.run('INSERT INTO t VALUES (2, ?)', value)
    run = local.repaired('t', remote)
    assert run.status == 0, run
    assert local.run('SELECT id, CAST(v AS BLOB), typeof(v) FROM t ORDER BY id') == [
        (1, value.encode(), 'text'), (2, value.encode(), 'text')]
    assert local.verify(remote.bundle())['t'].status == 'match'
    second.connection.close()


@pytest.mark.parametrize('value', ['abc', '5x', b'\xff\x00', b'abc', '', INF])
def test_bad_values_here_are_repaired(sides, value):
    """What PostgreSQL has replaces what its kind cannot read, and explain says BAD."""
    pg, lite = sides['postgresql'], sides['sqlite']
    pg.run('CREATE TABLE t (id int PRIMARY KEY, v boolean, d date)')
    pg.run("INSERT INTO t VALUES (1, true, '2024-01-01'), (2, NULL, NULL)")
    lite.run('CREATE TABLE t (id INTEGER PRIMARY KEY, v BOOLEAN, d DATE)')
    lite.run('INSERT INTO t VALUES (1, ?1, ?1), (2, ?1, NULL)', value)
    rows = pg.rows('t', lite.keys('t', pg.bundle(['t'])))
    cells = lite.explain('t', rows)
    assert {(cell.key, cell.column) for cell in cells if cell.key is not UNKNOWN} == {(1, 'v'), (1, 'd'), (2, 'v')}
    assert all(cell.reason.startswith('BAD') for cell in cells if cell.key is not UNKNOWN), cells
    assert lite.pipe('t', rows).status == 0
    assert lite.run('SELECT * FROM t') == [(1, 1, '2024-01-01'), (2, None, None)]
    assert lite.verify(pg.bundle())['t'].status == 'match'


def test_bad_values_between_two_sqlite(sqlite, tmp_path):
    """A BAD value is data, too: SQLite can hold it, and the copy is exact."""
    local, second = LiteSide(sqlite), Sqlite(tmp_path / 'other.db')
    remote = LiteSide(second)
    values = ['abc', b'\xff\x00', 'x\0y', INF, 1.5, '', b'', "'", '2024-01-01 ']
    for side in (local, remote):
        side.run('CREATE TABLE t (id INTEGER PRIMARY KEY, i INT, d DATE, b BOOLEAN, x BLOB)')
        for n, value in enumerate(values):
            side.run('INSERT INTO t VALUES (?, ?, ?, ?, ?)', n, *([5, None, 1, b'here'] if side is local else [value] * 4))
    run = local.repaired('t', remote)
    assert run.status == 0, run
    assert local.verify(remote.bundle())['t'].status == 'match'
    columns = ', '.join('typeof(%s), CAST(%s AS BLOB)' % (c, c) for c in 'idbx')
    assert local.run('SELECT %s FROM t' % columns) == remote.run('SELECT %s FROM t' % columns)
    second.connection.close()


# ---- columns of their own kind -----------------------------------------------------------


@pytest.mark.parametrize('engine', BOTH)
def test_generated_columns_are_skipped(sides, engine):
    pg, lite = sides['postgresql'], sides['sqlite']
    pg.run('CREATE TABLE t (id int PRIMARY KEY, n int, twice int GENERATED ALWAYS AS (n * 2) STORED, v text)')
    lite.run('CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, twice INTEGER GENERATED ALWAYS AS (n * 2), v TEXT, '
             'kept TEXT GENERATED ALWAYS AS (v) STORED)')
    for side in (pg, lite):
        side.run("INSERT INTO t (id, n, v) VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')")
    local, remote = sides[engine], sides[BOTH[1 - BOTH.index(engine)]]
    local.run('UPDATE t SET n = 17 WHERE id = 1')
    local.run('DELETE FROM t WHERE id = 2')
    statements = local.repair('t', remote.rows('t', local.keys('t', remote.bundle(['t']))))
    assert not any('twice' in s or 'kept' in s for s in statements if not s.startswith('--'))
    assert local.shell(statements).status == 0
    assert local.run('SELECT id, n, twice, v FROM t ORDER BY id') == [(1, 1, 2, 'a'), (2, 2, 4, 'b'), (3, 3, 6, 'c')]
    assert local.verify(remote.bundle())['t'].status == 'match'


@pytest.mark.parametrize('identity', ['GENERATED ALWAYS', 'GENERATED BY DEFAULT'])
def test_identity_columns(sides, identity):
    pg, lite = sides['postgresql'], sides['sqlite']
    pg.run('CREATE TABLE t (id int %s AS IDENTITY PRIMARY KEY, v text)' % identity)
    pg.run("INSERT INTO t (v) VALUES ('a'), ('b'), ('c')")
    lite.run('CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)')
    lite.run("INSERT INTO t (v) VALUES ('a'), ('x'), ('c'), ('d'), ('e')")
    lite.run('DELETE FROM t WHERE id IN (1, 4)')
    run = pg.repaired('t', lite)
    assert run.status == 0, run
    assert pg.run('SELECT * FROM t ORDER BY id') == [(2, 'x'), (3, 'c'), (5, 'e')]
    pg.run("UPDATE t SET v = 'y' WHERE id = 3")
    pg.run('DELETE FROM t WHERE id = 5')
    assert lite.repaired('t', pg).status == 0
    assert lite.run('SELECT * FROM t ORDER BY id') == [(2, 'x'), (3, 'y')]


def test_an_identity_that_is_no_key(sides):
    """UPDATE cannot set it: the row is named, and nothing else of it is done by halves; the other rows are repaired."""
    pg, lite = sides['postgresql'], sides['sqlite']
    pg.run('CREATE TABLE t (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, v text)')
    lite.run('CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, v TEXT)')
    pg.run("INSERT INTO t (id, v) VALUES (1, 'a'), (2, 'b')")
    lite.run("INSERT INTO t VALUES (1, 100, 'a'), (2, 2, 'x'), (3, 55, 'c')")
    statements = pg.repair('t', lite.rows('t', pg.keys('t', lite.bundle(['t']))))
    assert any(s.startswith('--') and re.search(r'\bn\b', s) and re.search(r'\b1\b', s) for s in statements), statements
    run = pg.shell(statements)
    assert run.status == 0, run
    assert pg.run('SELECT id, n, v FROM t ORDER BY id') == [(1, 1, 'a'), (2, 2, 'x'), (3, 55, 'c')]


def test_names_that_differ(sides):
    """CamelCase there: each side's statements have its own names."""
    pg, lite = sides['postgresql'], sides['sqlite']
    pg.run('CREATE TABLE order_line (order_id int, line_no int, unit_price numeric(10,2), PRIMARY KEY (order_id, line_no))')
    lite.run('CREATE TABLE OrderLine (UnitPrice DECIMAL(10,2), LineNo INTEGER, OrderId INTEGER, PRIMARY KEY (OrderId, LineNo))')
    for i in range(20):
        pg.run('INSERT INTO order_line VALUES (%s, %s, %s)', i // 4, i % 4, i + 0.5)
        lite.run('INSERT INTO OrderLine VALUES (?, ?, ?)', i + 0.5 + (i == 7), i % 4, i // 4)
    lite.run('DELETE FROM OrderLine WHERE OrderId = 2 AND LineNo = 2')
    pg.run('DELETE FROM order_line WHERE order_id = 3 AND line_no = 3')
    found = lite.diff('OrderLine', pg.bundle())
    assert {(row.key, row.change) for row in found} == {
        ((('LineNo', 3), ('OrderId', 1)), 'changed'), (UNKNOWN, 'only remote'), ((('LineNo', 3), ('OrderId', 3)), 'only local')}
    rows = pg.rows('order_line', lite.keys('OrderLine', pg.bundle()))
    assert lite.pipe('OrderLine', rows).status == 0
    assert lite.verify(pg.bundle())['OrderLine'].status == 'match'
    lite.run('UPDATE OrderLine SET UnitPrice = 99.5 WHERE OrderId = 0')
    found = pg.diff('order_line', lite.bundle())
    assert {row.key for row in found} == {(('line_no', n), ('order_id', 0)) for n in range(4)}
    rows = lite.rows('OrderLine', pg.keys('order_line', lite.bundle()))
    assert pg.pipe('order_line', rows).status == 0
    assert pg.verify(lite.bundle())['order_line'].status == 'match'


# ---- foreign keys -----------------------------------------------------------------------


def run_with_keys(side, statements):
    script = ''.join(s + '\n' for s in statements)
    return side.execute(script, foreign_keys=True) if side.engine == 'sqlite' else side.execute(script)


@pytest.mark.parametrize('engine', BOTH)
def test_a_table_that_refers_to_itself(sides, engine):
    """Parents are inserted first and deleted last, whatever the order of their keys."""
    local, remote = sides[engine], sides[BOTH[1 - BOTH.index(engine)]]
    rng = random.Random(7)
    ids = list(range(1, 61))
    rng.shuffle(ids)
    tree = {i: rng.choice(ids[:n]) if n > 1 else None for n, i in enumerate(ids)}
    tree[100] = 100
    doomed = list(range(201, 241))
    rng.shuffle(doomed)
    for side in (local, remote):
        integer = 'int' if side.engine == 'postgresql' else 'INTEGER'
        side.run('CREATE TABLE node (id %s PRIMARY KEY, parent int REFERENCES node (id), v text)' % integer)
    remote.put('node', [(i, parent, 'v%d' % i) for i, parent in tree.items()])
    local.put('node', [(i, None, 'old') for i in ids[:10]] + [(i, doomed[n - 1] if n else None, 'doomed')
                                                              for n, i in enumerate(doomed)])
    # one that stays hangs under one that goes, and is moved
    local.run('UPDATE node SET parent = %d WHERE id = %d' % (doomed[20], ids[3]))
    statements = local.repair('node', remote.rows('node', local.keys('node', remote.bundle(['node']))))
    run = run_with_keys(local, statements)
    assert run.status == 0, (run.err, statements)
    assert dict(local.run('SELECT id, parent FROM node')) == tree
    assert local.verify(remote.bundle())['node'].status == 'match'


@pytest.mark.parametrize('engine', BOTH)
def test_tables_in_one_transaction(sides, engine):
    """An array of rows bundles, in an order that is none; all or nothing."""
    local, remote = sides[engine], sides[BOTH[1 - BOTH.index(engine)]]
    for side in (local, remote):
        integer = 'int' if side.engine == 'postgresql' else 'INTEGER'
        side.run('CREATE TABLE author (id %s PRIMARY KEY, name text UNIQUE)' % integer)
        side.run('CREATE TABLE book (id %s PRIMARY KEY, author int NOT NULL REFERENCES author, title text)' % integer)
        side.run('CREATE TABLE loan (book int REFERENCES book (id), day date, PRIMARY KEY (book, day))')
        here = side is local
        side.put('author', [(1, 'old name' if here else 'A'), (2, 'B')] + ([(9, 'gone')] if here else [(3, 'C'), (4, 'D')]))
        side.put('book', [(1, 1, 'x'), (2, 9 if here else 3, 'y')] + ([(8, 9, 'gone')] if here else [(7, 4, 'new')]))
        side.put('loan', [(1, '2024-01-01')] + ([(8, '2024-01-01'), (2, '2024-05-05')] if here else [(7, '2024-01-01')]))
    bundle = remote.bundle()
    tables = ['loan', 'author', 'book']
    for order in (tables, tables[::-1], tables[1:] + tables[:1]):
        parts = [remote.rows(table, local.keys(table, bundle)) for table in order]
        statements = local.repair(None, '[%s]' % ','.join(parts))
        assert statements == local.repair(None, '[%s]' % ','.join(parts))
    # what comes in between is refused, and none of the rest is done when it fails
    broken = [s.replace("'new'", "'new', 'too much'") for s in statements]
    assert broken != statements
    before = [sorted(local.run('SELECT * FROM ' + table), key=repr) for table in tables]
    assert run_with_keys(local, broken).status != 0
    assert [sorted(local.run('SELECT * FROM ' + table), key=repr) for table in tables] == before
    run = run_with_keys(local, statements)
    assert run.status == 0, (run.err, statements)
    assert {v.status for v in local.verify(remote.bundle()).values()} == {'match'}
    assert sorted(local.run('SELECT id, author FROM book')) == [(1, 1), (2, 3), (7, 4)]
