"""The SQLite module against the golden vectors of tests/vectors."""

import json
import math

import pytest

from sqlite_support import connect, error, one, sql_value, vectors


def is_nan(cls, payload):
    """SQLite stores a NaN as NULL, so there is no such input."""
    return cls == 'real' and math.isnan(sql_value(cls, payload)[1][0])


@pytest.mark.parametrize('name', ['value.tsv', 'rounded.tsv'])
def test_values(name):
    xxhash = pytest.importorskip('xxhash', reason='python3-xxhash is not installed')
    db = connect()
    wrong, checked = [], 0
    for kind, cls, payload, frame, _notes, shown in vectors(name):
        if is_nan(cls, payload):
            continue
        expression, args = sql_value(cls, payload)
        got = one(db, 'SELECT parity_row_hash(?, %s)' % expression, kind, *args)
        checked += 1
        if got != xxhash.xxh3_128_digest(bytes.fromhex(frame)):
            wrong.append((kind, cls, shown, frame))
    assert not wrong
    assert checked > 500


def test_bad_values_are_counted():
    """A BAD value of a vector is what verify reports as BAD."""
    db = connect()
    db.execute('CREATE TABLE t(v)')
    wrong, checked = [], 0
    for kind, cls, payload, _frame, notes, shown in vectors('value.tsv')[::7]:
        if is_nan(cls, payload):
            continue
        expression, args = sql_value(cls, payload)
        db.execute('DELETE FROM t')
        db.execute('INSERT INTO t VALUES(%s)' % expression, args)
        one(db, 'SELECT parity_set_spec(?, ?)', 't', json.dumps({'columns': {'v': kind}}))
        column = json.loads(one(db, 'SELECT parity_bundle()'))['tables'][0]['columns'][0]
        checked += 1
        if column.get('bad', 0) != ('bad' in notes.split(',')):
            wrong.append((kind, cls, shown, column))
    assert not wrong
    assert checked > 300


def test_rows():
    db = connect()
    checked = 0
    for kinds, values, _frames, row_hash in vectors('row.tsv'):
        values = [value.split(':', 1) for value in values.split(' ')]
        parts = [sql_value(*value) for value in values]
        args = [arg for _, more in parts for arg in more]
        if len(parts) > 126 or any(is_nan(*value) for value in values):
            continue
        checked += 1
        sql = 'SELECT parity_row_hash(?, %s)' % ', '.join(expression for expression, _ in parts)
        for separator in (',', ', ', '\n', ' ,\n '):
            assert one(db, sql, kinds.replace(';', separator), *args).hex() == row_hash, (kinds, values)
        assert one(db, sql, json.dumps(kinds.split(';')), *args).hex() == row_hash
    assert checked > 50


def read_tables():
    tables = {}
    for what, name, *fields in vectors('table.tsv'):
        table = tables.setdefault(name, {'rows': [], 'columns': {}})
        if what == 'table':
            table['kinds'] = fields[0].split(';')
            table['keys'] = [] if fields[1] == '-' else [int(i) for i in fields[1].split(',')]
        elif what == 'row':
            table['rows'].append([value.split(':', 1) for value in fields[0].split(' ')])
        elif what == 'column':
            table['columns'][int(fields[0])] = fields[1]
        else:
            table[what] = fields[0]
    return tables


@pytest.mark.parametrize('encoding', ['UTF-8', 'UTF-16le', 'UTF-16be'])
@pytest.mark.parametrize('name', sorted(read_tables()))
def test_tables(name, encoding):
    """Every digest of a table: of its rows, its keys and each column; by scan, by bundle and by aggregate."""
    table = read_tables()[name]
    width = len(table['kinds'])
    db = connect()
    db.execute('PRAGMA encoding = "%s"' % encoding)
    db.execute('CREATE TABLE t(%s)' % ', '.join('c%04d' % i for i in range(width)))
    for row in table['rows']:
        parts = []
        for cls, payload in row:
            if cls == 'text' and encoding != 'UTF-8':
                # a BLOB would be cast from UTF-16 here
                text = b'' if payload == '-' else bytes.fromhex(payload)
                parts.append(('?', (text.decode('utf-8'),)))
            else:
                parts.append(sql_value(cls, payload))
        db.execute('INSERT INTO t VALUES(%s)' % ', '.join(p[0] for p in parts), [a for p in parts for a in p[1]])
    columns = [{'name': 'c%04d' % i, 'kind': kind} for i, kind in enumerate(table['kinds'])]
    spec = {'table': 't', 'columns': columns, 'key': ['c%04d' % i for i in table['keys']]}
    assert one(db, 'SELECT parity_checksum(?, NULL, ?)', 't', json.dumps(spec)) == table['digest']
    got = db.execute('SELECT * FROM parity_column_checksums(?, NULL, ?)', ('t', json.dumps(spec))).fetchall()
    assert got == [('c%04d' % i, kind, table['columns'][i]) for i, kind in enumerate(table['kinds'])]
    if width < 127:
        sql = 'SELECT parity_digest_agg(?, %s) FROM t' % ', '.join(c['name'] for c in columns)
        assert one(db, sql, ','.join(table['kinds'])) == table['digest']
    overrides = {'columns': {c['name']: c['kind'] for c in columns}, 'key': spec['key']}
    one(db, 'SELECT parity_set_spec(?, ?)', 't', json.dumps(overrides))
    bundled = json.loads(one(db, 'SELECT parity_bundle()'))['tables'][0]
    assert bundled['digest'] == table['digest']
    assert bundled.get('keys', 'p1-0-' + '0' * 32) == table['key']
    assert [c['digest'] for c in bundled['columns']] == [table['columns'][i] for i in range(width)]


def test_digests():
    db = connect()
    seen = set()
    for what, *fields in vectors('digest.tsv'):
        seen.add(what)
        if what == 'parse':
            text = '' if fields[0] == '-' else fields[0]
            if fields[1] == 'error':
                assert 'digest' in error(db, 'SELECT parity_digest_rows(?)', text), text
            else:
                assert one(db, 'SELECT parity_digest_sum(?)', text) == fields[1]
        elif what in ('add', 'sub'):
            sql = 'SELECT parity_digest_%s(?, ?)' % what
            if fields[2] == 'error':
                assert error(db, sql, *fields[:2])
            else:
                assert one(db, sql, *fields[:2]) == fields[2]
        elif what == 'sum':
            digests = json.dumps([] if fields[0] == '-' else fields[0].split(','))
            assert one(db, 'SELECT parity_digest_sum(value) FROM json_each(?)', digests) == fields[1]
    assert seen >= {'parse', 'add', 'sub', 'sum'}


def test_kinds():
    db = connect()
    db.execute('CREATE TABLE t(v)')
    for text, printed, reason in vectors('kind.tsv'):
        kind = '' if text == '-' else text
        overrides = json.dumps({'columns': {'v': kind}})
        if printed == 'error':
            assert error(db, 'SELECT parity_set_spec(?, ?)', 't', overrides), (text, reason)
        else:
            one(db, 'SELECT parity_set_spec(?, ?)', 't', overrides)
            assert json.loads(one(db, "SELECT parity_spec('t')"))['columns'] == [{'name': 'v', 'kind': printed}]


def test_declared_types():
    db = connect()
    for declared, kind in vectors('declared.tsv'):
        declared = '' if declared == '-' else declared
        # SQLite keeps what was written, but for the case of its own type names
        db.execute('DROP TABLE IF EXISTS t')
        try:
            db.execute('CREATE TABLE t(v %s)' % declared)
        except Exception:
            db.execute('CREATE TABLE t(v "%s")' % declared.replace('"', '""'))
        if db.execute('PRAGMA table_info(t)').fetchone()[2].upper() != declared.upper():
            db.execute('DROP TABLE t')
            db.execute('CREATE TABLE t(v "%s")' % declared.replace('"', '""'))
        assert db.execute('PRAGMA table_info(t)').fetchone()[2].upper() == declared.upper()
        assert json.loads(one(db, "SELECT parity_spec('t')"))['columns'][0]['kind'] == kind, declared


def test_column_order():
    db = connect()
    for names, ordered in vectors('columns.tsv'):
        names, ordered = names.split(' '), ordered.split(' ')
        if len({name.lower() for name in names}) < len(names):
            continue  # SQLite's columns differ in more than case
        db.execute('DROP TABLE IF EXISTS t')
        db.execute('CREATE TABLE t(%s)' % ', '.join('"%s"' % name for name in names))
        spec = json.loads(one(db, "SELECT parity_spec('t')"))
        assert [column['name'] for column in spec['columns']] == ordered
