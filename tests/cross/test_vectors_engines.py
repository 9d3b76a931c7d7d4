"""The golden vectors of tests/vectors through both engines.

A value of a vector is an input as SQLite stores it. PostgreSQL is given the same: in a column of a type that is
such an input (bigint, double precision, text, bytea), read under the vector's kind.
"""

import json
import math
import os
import struct

import pytest

from conftest import quoted
from sqlite_support import HERE, error, one, sql_value, vectors

xxhash = pytest.importorskip('xxhash', reason='python3-xxhash is not installed')

P = 2 ** 127 - 1
PG_TYPE = {'int': 'bigint', 'real': 'double precision', 'text': 'text', 'blob': 'bytea', 'null': 'text'}


def row_digest(row_hash):
    """The digest of one row with this hash (hex)."""
    return 'p1-1-%032x' % (int(row_hash, 16) % P)


def frame_digest(frame):
    return row_digest(xxhash.xxh3_128_hexdigest(bytes.fromhex(frame)))


def python_value(cls, payload):
    """A vector's input as a Python value."""
    if cls == 'null':
        return None
    if cls == 'int':
        return int(payload)
    if cls == 'real':
        return struct.unpack('>d', bytes.fromhex(payload))[0]
    data = b'' if payload == '-' else bytes.fromhex(payload)
    return data if cls == 'blob' else data.decode()


def sqlite_can_hold(cls, payload):
    """SQLite stores a NaN as NULL, so there is no such input."""
    return cls != 'real' or not math.isnan(python_value(cls, payload))


def postgres_can_hold(cls, payload):
    """PostgreSQL's text holds neither NUL nor what is not UTF-8."""
    if cls != 'text' or payload == '-':
        return True
    data = bytes.fromhex(payload)
    try:
        return '\0' not in data.decode()
    except UnicodeDecodeError:
        return False


def list_of(field):
    return [value.split(':', 1) for value in field.split(' ')]


# ---- values ------------------------------------------------------------------


@pytest.mark.parametrize('name', ['value.tsv', 'rounded.tsv'])
def test_values_in_sqlite(sqlite, name):
    lines = [line for line in vectors(name) if sqlite_can_hold(line[1], line[2])]
    wrong = []
    for kind, cls, payload, frame, _notes, shown in lines:
        expression, args = sql_value(cls, payload)
        got = one(sqlite.connection, 'SELECT parity_row_hash(?, %s)' % expression, kind, *args)
        if got != xxhash.xxh3_128_digest(bytes.fromhex(frame)):
            wrong.append((kind, cls, shown, frame))
    assert not wrong
    assert len(lines) > 500


@pytest.mark.parametrize('name', ['value.tsv', 'rounded.tsv'])
def test_values_in_postgres(pg, name):
    lines = [line for line in vectors(name) if postgres_can_hold(line[1], line[2])]
    for cls, declared in PG_TYPE.items():
        pg.run('CREATE TABLE v_%s (line int PRIMARY KEY, v %s)' % (cls, declared))
        pg.insert('v_' + cls, [(n, python_value(cls, line[2])) for n, line in enumerate(lines) if line[1] == cls])
    asked = [('v_' + cls, 'line = %d' % n, spec_of([kind])) for n, (kind, cls, *_) in enumerate(lines)]
    got = checksums(pg, asked)
    wrong = [(line, digest) for line, digest in zip(lines, got) if digest != frame_digest(line[3])]
    assert not wrong
    assert len(lines) > 500


def spec_of(kinds, key=(), table='t', names=('v',)):
    columns = [{'name': name, 'kind': kind} for name, kind in zip(names, kinds)]
    return json.dumps({'table': table, 'columns': columns, 'key': list(key)})


def checksums(pg, asked):
    """parity.checksum of many (table, filter, spec), in one query."""
    rows = pg.run('SELECT parity.checksum(a->>0, a->>1, (a->>2)::jsonb)::text '
                  'FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS q(a, n) ORDER BY n'.replace(
                      'a->>0', '(a->>0)::regclass'), json.dumps(asked))
    return [row[0] for row in rows]


# ---- rows and tables -----------------------------------------------------------


def test_rows_in_sqlite(sqlite):
    checked = 0
    for kinds, values, _frames, row_hash in vectors('row.tsv'):
        values = list_of(values)
        if len(values) > 126 or not all(sqlite_can_hold(*value) for value in values):
            continue
        parts = [sql_value(*value) for value in values]
        sql = 'SELECT parity_row_hash(?, %s)' % ', '.join(expression for expression, _ in parts)
        args = [arg for _, more in parts for arg in more]
        assert one(sqlite.connection, sql, json.dumps(kinds.split(';')), *args).hex() == row_hash, (kinds, values)
        checked += 1
    assert checked > 50


def read_tables():
    tables = {}
    for what, name, *fields in vectors('table.tsv'):
        table = tables.setdefault(name, {'rows': [], 'columns': {}})
        if what == 'table':
            table['kinds'] = fields[0].split(';')
            table['key columns'] = [] if fields[1] == '-' else [int(i) for i in fields[1].split(',')]
        elif what == 'row':
            table['rows'].append(list_of(fields[0]))
        elif what == 'column':
            table['columns'][int(fields[0])] = fields[1]
        else:
            table[what] = fields[0]
    for table in tables.values():
        table['names'] = ['c%02d' % i for i in range(len(table['kinds']))]
        table['spec'] = spec_of(table['kinds'], [table['names'][i] for i in table['key columns']], 't', table['names'])
        table['column digests'] = [(n, k, table['columns'][i])
                                   for i, (n, k) in enumerate(zip(table['names'], table['kinds']))]
    return tables


def test_tables_in_sqlite(sqlite):
    for name, table in read_tables().items():
        sqlite.run('DROP TABLE IF EXISTS t')
        sqlite.run('CREATE TABLE t (%s)' % ', '.join(table['names']))
        for row in table['rows']:
            parts = [sql_value(*value) for value in row]
            sqlite.run('INSERT INTO t VALUES (%s)' % ', '.join(p[0] for p in parts), *[a for p in parts for a in p[1]])
        columns = ', '.join(table['names'])
        assert sqlite.one('SELECT parity_digest_agg(?, %s) FROM t' % columns,
                          ','.join(table['kinds'])) == table['digest'], name
        assert sqlite.one('SELECT parity_checksum(?, NULL, ?)', 't', table['spec']) == table['digest'], name
        assert sqlite.run('SELECT * FROM parity_column_checksums(?, NULL, ?)', 't',
                          table['spec']) == table['column digests'], name


def test_tables_in_postgres(pg):
    """Those tables of which each column holds inputs of one class."""
    checked = 0
    for name, table in read_tables().items():
        classes = []
        for i in range(len(table['kinds'])):
            classes.append({row[i][0] for row in table['rows']} - {'null'} or {'null'})
        if any(len(c) > 1 for c in classes) or not all(
                postgres_can_hold(*value) for row in table['rows'] for value in row):
            continue
        pg.run('DROP TABLE IF EXISTS t')
        pg.run('CREATE TABLE t (%s)' % ', '.join(
            '%s %s' % (n, PG_TYPE[min(c)]) for n, c in zip(table['names'], classes)))
        pg.insert('t', [[python_value(*value) for value in row] for row in table['rows']])
        assert pg.one("SELECT parity.checksum('t', NULL, %s)::text", table['spec']) == table['digest'], name
        assert pg.run("SELECT column_name, kind, digest::text FROM parity.column_checksums('t', NULL, %s)",
                      table['spec']) == table['column digests'], name
        checked += 1
    assert checked >= 8


# ---- PostgreSQL's types ----------------------------------------------------------


def test_postgres_types(pg, capsys):
    version = pg.connection.info.server_version // 10000
    found = [row[0] for row in pg.run("SELECT name FROM pg_available_extensions WHERE name IN ('citext', 'hstore')")]
    lines = vectors('postgres.tsv')
    usable = [line for line in lines
              if line[0] == '-' or (int(line[0]) <= version if line[0].isdigit() else line[0] in found)]
    with capsys.disabled():
        print('\npostgres.tsv: %d of %d lines skipped (a later PostgreSQL, or extensions that are not here)'
              % (len(lines) - len(usable), len(lines)))
    with open(os.path.join(HERE, 'vectors', 'postgres.sql'), encoding='utf-8') as file:
        setup = file.read()
    wrong = []
    with pg.connection.transaction(force_rollback=True):
        for extension in found:
            pg.run('CREATE EXTENSION %s' % extension)
        pg.run(setup)
        for n, (_, expression, *_) in enumerate(usable):
            pg.run('CREATE TABLE v%d AS SELECT %s AS v' % (n, expression))
        got = pg.run("SELECT parity.spec(t)->'columns'->0->>'kind', parity.checksum(t)::text FROM "
                     "(SELECT n, ('v' || n)::regclass AS t FROM generate_series(0, %s) AS n) AS q ORDER BY n",
                     len(usable) - 1)
        for (_, expression, kind, _frame, row_hash, _), (found_kind, digest) in zip(usable, got):
            if (found_kind, digest) != (kind, row_digest(row_hash)):
                wrong.append((expression, kind, found_kind))
        for n, (_, expression, kind, _frame, row_hash, _) in enumerate(usable):
            composite = pg.one("SELECT typtype = 'c' FROM pg_type JOIN pg_attribute ON pg_type.oid = atttypid "
                               "WHERE attrelid = 'v%d'::regclass AND attname = 'v'" % n)
            if not composite and pg.one('SELECT parity.row_hash(v) FROM v%d' % n).hex() != row_hash:
                wrong.append((expression, 'row_hash'))
    assert not wrong
    assert len(usable) > 350


# ---- digests -----------------------------------------------------------------------


def test_digests_in_sqlite(sqlite):
    db = sqlite.connection
    for what, *fields in vectors('digest.tsv'):
        expected = fields[-1]
        if what == 'parse':
            got = (error(db, 'SELECT parity_digest_sum(?)', blank(fields[0])) and 'error' if expected == 'error'
                   else one(db, 'SELECT parity_digest_sum(?)', blank(fields[0])))
        elif what in ('add', 'sub'):
            sql = 'SELECT parity_digest_%s(?, ?)' % what
            got = error(db, sql, *fields[:2]) and 'error' if expected == 'error' else one(db, sql, *fields[:2])
        elif what == 'sum':
            got = one(db, 'SELECT parity_digest_sum(value) FROM json_each(?)', json.dumps(listed(fields[0])))
        else:
            continue
        assert got == expected, (what, fields)


def test_digests_in_postgres(pg):
    seen = set()
    for what, *fields in vectors('digest.tsv'):
        expected = fields[-1]
        if what == 'parse':
            sql, args = 'SELECT %s::parity.digest::text', [blank(fields[0])]
        elif what in ('add', 'sub'):
            sql = 'SELECT (%%s::parity.digest OPERATOR(parity.%s) %%s::parity.digest)::text' % '+-'[what == 'sub']
            args = fields[:2]
        elif what == 'sum':
            sql = 'SELECT parity.sum(d::parity.digest)::text FROM unnest(%s::text[]) AS d'
            args = [listed(fields[0])]
        else:
            continue
        seen.add(what)
        if expected == 'error':
            code, words, _ = pg.error(sql, *args)
            assert code in ('22P02', '0A000', '22003') and words, (what, fields, code, words)
            continue
        assert pg.one(sql, *args) == expected, (what, fields)
        if what == 'parse':
            equal, rows = pg.run('SELECT d::text::parity.digest OPERATOR(parity.=) d, parity.digest_rows(d) '
                                 'FROM (SELECT %s::parity.digest AS d) AS q', expected)[0] \
                if int(expected.split('-')[1]) < 2 ** 63 else (True, int(expected.split('-')[1]))
            assert equal and rows == int(expected.split('-')[1])
    assert seen == {'parse', 'add', 'sub', 'sum'}


def blank(field):
    return '' if field == '-' else field


def listed(field):
    return [] if field == '-' else field.split(',')


# ---- kinds ---------------------------------------------------------------------------


def test_kinds_in_sqlite(sqlite):
    for text, printed, reason in vectors('kind.tsv'):
        kinds = json.dumps([blank(text)])
        if printed == 'error':
            assert sqlite.error('SELECT parity_row_hash(?, NULL)', kinds), (text, reason)
        else:
            assert sqlite.one('SELECT parity_row_hash(?, NULL)', kinds).hex() == 'a6cd5e9392000f6ac44bdff4074eecdb'


def test_kinds_in_postgres(pg):
    """The same words for the same mistakes as SQLite, and the same way to print a kind."""
    pg.run('CREATE TABLE t (v text)')
    for text, printed, reason in vectors('kind.tsv'):
        overrides = json.dumps({'columns': {'v': blank(text)}})
        if printed == 'error':
            code, words, _ = pg.error("SELECT parity.checksum('t', NULL, %s)", overrides)
            assert code == '22023' and words, (text, reason)
        else:
            pg.run("SELECT parity.set_spec('t', %s)", overrides)
            assert pg.one("SELECT parity.spec('t')->'columns'->0->>'kind'") == printed


def test_a_wrong_kind_is_told_in_the_same_words(pg, sqlite):
    pg.run('CREATE TABLE t (v text)')
    sqlite.run('CREATE TABLE t (v text)')
    for text, printed, _ in vectors('kind.tsv'):
        if printed == 'error':
            overrides = json.dumps({'columns': {'v': blank(text)}})
            there = pg.error("SELECT parity.checksum('t', NULL, %s)", overrides)[1]
            assert there == sqlite.error("SELECT parity_checksum('t', NULL, ?)", overrides), text


def test_declared_types(sqlite):
    """All of them as columns of one table; SQLite keeps a declared type as it is written."""
    lines = [(blank(declared), kind) for declared, kind in vectors('declared.tsv')]
    sqlite.run('CREATE TABLE t (%s)' % ', '.join(
        'c%03d %s' % (n, quoted(declared) if declared else '') for n, (declared, _) in enumerate(lines)))
    columns = json.loads(sqlite.one("SELECT parity_spec('t')"))['columns']
    kept = [row[2] for row in sqlite.run('PRAGMA table_info(t)')]
    wrong = [(declared, kind, column['kind']) for (declared, kind), column in zip(lines, columns)
             if column['kind'] != kind]
    assert not wrong
    assert [c['name'] for c in columns] == ['c%03d' % n for n in range(len(lines))]
    assert sum(k == d for k, (d, _) in zip(kept, lines)) > len(lines) * 0.9
