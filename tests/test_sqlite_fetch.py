"""How the SQLite module finds the rows that keys name: by looking integers up, or in a pass over the table."""

import base64
import json
import os
import sqlite3
import sys
import threading

import pytest

from sqlite_support import HERE, connect, error, one

pytest.importorskip('xxhash', reason='python3-xxhash is not installed')
sys.path.insert(0, os.path.join(HERE, 'reference'))

from parity_reference import put_value  # noqa: E402

EXTREMES = [-2**63, -2**63 + 1, -1, 0, 1, 2**53 + 1, 2**63 - 1]


@pytest.fixture
def db():
    return connect()


def rows(db, table, keys):
    """The frames of the rows that parity_rows gives for keys, sorted."""
    bundle = json.loads(one(db, 'SELECT parity_rows(?, ?)', table, json.dumps(keys)))
    return sorted(base64.b64decode(row) for row in bundle['rows'])


def expected(db, table, condition):
    """The same by the reference, of the rows that a condition selects."""
    columns = json.loads(one(db, 'SELECT parity_spec(?)', table))['columns']
    names = ', '.join('"%s"' % column['name'] for column in columns)
    return sorted(b''.join(put_value(column['kind'], value)[0] for column, value in zip(columns, row))
                  for row in db.execute('SELECT %s FROM %s WHERE %s' % (names, table, condition)))


def lookups(db, table, keys):
    """How many queries look integers up, and what is found."""
    seen = []
    db.set_trace_callback(seen.append)
    found = rows(db, table, keys)
    db.set_trace_callback(None)
    return sum(' IN (' in sql for sql in seen if 'parity_reader' in sql or 'SELECT "%s"' % table in sql), found


def fill(db, table, values):
    db.executemany('INSERT INTO %s(id, v) VALUES(?, ?)' % table, [(value, 'v%s' % (value,)) for value in values])


@pytest.mark.parametrize('wide', [False, True])
@pytest.mark.parametrize('declaration', [
    'id INTEGER PRIMARY KEY, v TEXT', 'id INT NOT NULL PRIMARY KEY, v TEXT', 'id BIGINT PRIMARY KEY, v TEXT',
    'id INTEGER PRIMARY KEY DESC, v TEXT', 'v TEXT, id UNSIGNED BIG INT NOT NULL PRIMARY KEY',
])
def test_integers_are_looked_up(db, declaration, wide):
    db.execute('CREATE TABLE t(%s%s)' % (declaration, ''.join(', z%d INT' % i for i in range(140)) if wide else ''))
    fill(db, 't', EXTREMES + list(range(10, 5000)))
    for keys in ([5000], [10], EXTREMES, [10, 10, '10', 10], list(range(9, 20))):
        condition = 'id IN (%s)' % ', '.join(str(key) for key in keys)
        assert lookups(db, 't', keys) == (1, expected(db, 't', condition))
    # more than go into one query, and each twice
    many = list(range(-100, 3000)) * 2
    count, found = lookups(db, 't', many)
    assert count > 1 and found == expected(db, 't', 'id BETWEEN -100 AND 2999') and len(found) == 2993


def test_without_an_index(db):
    """A key that nothing enforces may have several rows, and NULLs; many keys are then found in one pass."""
    db.execute('CREATE TABLE t(id INT, v TEXT)')
    one(db, 'SELECT parity_set_spec(?, ?)', 't', '{"key":["id"]}')
    fill(db, 't', [None, None] + EXTREMES + list(range(10, 3000)) + [50, 50])
    assert lookups(db, 't', [50, 51]) == (1, expected(db, 't', 'id IN (50, 51)'))
    assert len(rows(db, 't', [50])) == 3
    assert rows(db, 't', [None, 7]) == expected(db, 't', 'id IS NULL')
    assert lookups(db, 't', list(range(2500))) == (0, expected(db, 't', 'id BETWEEN 0 AND 2499'))


@pytest.mark.parametrize('declared, kind, values, key, found', [
    # nothing makes numbers of what is stored in such columns
    ('', 'int', [5, '5', 5.0, '5.0', '0.5e1', b'5', 'x'], 5, 5),
    ('TEXT', 'int', ['5', '05', '5.0', 'x'], 5, 3),
    ('BLOB', 'int', [5, '5', '6'], 5, 2),
    ('REAL', 'int', [5, 5.5, 'x'], 5, 1),
    # under these kinds an integer stands for values that are none
    ('BOOL', 'bool', ['t', 'yes', 1, 'on', 0, 'f'], True, 4),
    ('NUMERIC', 'int blob=utf8', [b'5', 5, '5'], 5, 3),
    ('INTEGER', 'int uint64', [-1, 1], 2**64 - 1, 1),
    ('INT', 'decimal(5,1) round', [5, 5.04, 5.06], 5, 2),
    # and here they are what is stored
    ('NUMERIC', 'int', [5, '5', 5.0, ' 5 ', '5.0', '5e0', 5.5, 'x', b'5'], 5, 6),
    ('INT', 'int', [5, '5', 5.0, ' 5 ', '0x5', '5_0'], 5, 4),
    ('DECIMAL(9,2)', 'int', [9007199254740993, '9007199254740993', 9007199254740992.0], 9007199254740993, 2),
])
def test_no_row_is_missed(db, declared, kind, values, key, found):
    db.execute('CREATE TABLE t(id %s, v TEXT)' % declared)
    one(db, 'SELECT parity_set_spec(?, ?)', 't', json.dumps({'columns': {'id': kind}, 'key': ['id']}))
    db.executemany('INSERT INTO t VALUES(?, ?)', [(value, 'v%d' % i) for i, value in enumerate(values)])
    frame = put_value(kind, key if isinstance(key, int) and not isinstance(key, bool) and key < 2**63 else str(key))[0]
    wanted = [row for row in expected(db, 't', '1') if row.startswith(frame)]
    assert rows(db, 't', [key]) == wanted
    assert len(wanted) == found


def test_views_have_no_types(db):
    """The declared type of a view's column is that of its first part, whatever the others hold."""
    db.execute('CREATE TABLE a(id INTEGER PRIMARY KEY, v)')
    db.execute('CREATE TABLE b(id TEXT, v)')
    db.execute("INSERT INTO a VALUES(5, 'number')")
    db.execute("INSERT INTO b VALUES('5', 'text')")
    db.execute('CREATE VIEW w AS SELECT id, v FROM a UNION ALL SELECT id, v FROM b')
    one(db, 'SELECT parity_set_spec(?, ?)', 'w', '{"columns":{"id":"int"},"key":["id"]}')
    assert len(rows(db, 'w', [5])) == 2


def test_virtual_tables(db):
    db.execute('CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)')
    db.execute('INSERT INTO r VALUES(1, 0, 1), (2, 3, 4)')
    one(db, 'SELECT parity_set_spec(?, ?)', 'r', '{"columns":{"id":"int"},"key":["id"]}')
    assert rows(db, 'r', [2]) == expected(db, 'r', 'id = 2')


@pytest.mark.parametrize('name', ['a"b', "a'b", 'a.b', '?', '(', ');--', 'ü', '[x]', '%s'])
def test_hostile_names(db, name):
    quoted = '"' + name.replace('"', '""') + '"'
    db.execute('CREATE TABLE %s(%s INTEGER PRIMARY KEY, v)' % (quoted, quoted))
    db.execute('INSERT INTO %s VALUES(1, 1), (2, 2)' % quoted)
    assert len(rows(db, name, [2, 3])) == 1


def test_attached_and_temporary_tables(db):
    db.execute("ATTACH ':memory:' AS aux")
    for i, schema in enumerate(('main', 'aux', 'temp')):
        db.execute('CREATE TABLE %s.t(id INTEGER PRIMARY KEY, v)' % schema)
        fill(db, schema + '.t', range(i * 10, i * 10 + 5))
    for i, schema in enumerate(('main', 'aux', 'temp')):
        found = rows(db, schema + '.t', list(range(50)))
        assert found == expected(db, schema + '.t', '1') and len(found) == 5
    assert rows(db, 't', [20]) == expected(db, 'temp.t', 'id = 20') != []


def test_low_limits(db):
    """With the limits that SQLite's documentation recommends against hostile SQL."""
    if not hasattr(db, 'setlimit'):
        pytest.skip('this Python cannot set limits')
    db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v)')
    fill(db, 't', range(-2**63, -2**63 + 3000))
    for limit, value in ((sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100000), (sqlite3.SQLITE_LIMIT_VDBE_OP, 25000),
                         (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 10), (sqlite3.SQLITE_LIMIT_FUNCTION_ARG, 8),
                         (sqlite3.SQLITE_LIMIT_COLUMN, 100), (sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 10)):
        db.setlimit(limit, value)
    assert len(rows(db, 't', list(range(-2**63, -2**63 + 2500)))) == 2500


def test_interrupt():
    db = connect(check_same_thread=False)
    db.execute('CREATE TABLE t(id TEXT PRIMARY KEY, v)')
    fill(db, 't', range(1000))
    # 10^9 rows, so that it ends by the interrupt alone
    db.execute('CREATE VIEW w AS SELECT x.id, y.v FROM t x, t y, t z')
    one(db, 'SELECT parity_set_spec(?, ?)', 'w', '{"key":["id"]}')
    reached = threading.Event()
    seen = []

    def reading(sql):
        seen.append(sql)
        if 'parity_reader' in sql:
            reached.set()

    db.set_trace_callback(reading)
    stopper = threading.Thread(target=lambda: (reached.wait(), db.interrupt()))
    stopper.start()
    message = error(db, 'SELECT parity_rows(?, ?)', 'w', '["7x"]')
    reached.set()
    stopper.join()
    db.set_trace_callback(None)
    assert message == 'interrupted'
