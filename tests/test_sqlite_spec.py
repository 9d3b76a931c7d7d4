"""parity_spec and parity_set_spec."""

import json

import pytest

from sqlite_support import checksum, connect, error, one


@pytest.fixture
def db():
    db = connect()
    db.execute('CREATE TABLE tasks(id INTEGER PRIMARY KEY, at DATETIME, title TEXT, done BOOLEAN)')
    db.execute("INSERT INTO tasks VALUES(1, 1704067200000, 'x', 't')")
    return db


def spec(db, table='tasks'):
    return json.loads(one(db, 'SELECT parity_spec(?)', table))


def kinds(db, table='tasks'):
    return {column['name']: column['kind'] for column in spec(db, table)['columns']}


def set_spec(db, table, overrides):
    return one(db, 'SELECT parity_set_spec(?, ?)', table, overrides if overrides is None else json.dumps(overrides))


def test_inferred(db):
    assert spec(db) == {'table': 'tasks', 'schema': 'main', 'key': ['id'], 'unique': True,
                        'columns': [{'name': 'at', 'kind': 'timestamp'}, {'name': 'done', 'kind': 'bool'},
                                    {'name': 'id', 'kind': 'int'}, {'name': 'title', 'kind': 'text'}]}


def test_stored_overrides_apply_everywhere(db):
    assert set_spec(db, 'tasks', {'columns': {'at': 'timestamptz epoch=ms'}, 'exclude': ['done'],
                                  'names': {'title': 'a_title'}, 'as': 'todo'}) is None
    assert spec(db) == {'table': 'tasks', 'schema': 'main', 'as': 'todo', 'key': ['id'], 'unique': True,
                        'left_out': ['done'],
                        'columns': [{'name': 'at', 'kind': 'timestamptz epoch=ms'},
                                    {'name': 'title', 'as': 'a_title', 'kind': 'text'}, {'name': 'id', 'kind': 'int'}]}
    expected = one(db, "SELECT parity_digest_agg('timestamptz epoch=ms,text,int', at, title, id) FROM tasks")
    assert checksum(db, 'tasks') == expected
    assert [r[0] for r in db.execute("SELECT column_name FROM parity_column_checksums('tasks')")] == ['at', 'title', 'id']
    assert json.loads(one(db, 'SELECT parity_bundle()'))['tables'][0]['digest'] == expected
    assert json.loads(one(db, 'SELECT parity_bundle(\'["tasks"]\')'))['tables'][0]['as'] == 'todo'


def test_null_removes(db):
    before = spec(db)
    set_spec(db, 'tasks', None)
    assert one(db, 'SELECT count(*) FROM sqlite_master') == 1
    set_spec(db, 'tasks', {'exclude': ['done']})
    set_spec(db, 'TASKS', {'exclude': ['at']})
    assert db.execute('SELECT * FROM parity_override').fetchall() == [('tasks', '{"exclude": ["at"]}')]
    set_spec(db, 'Tasks', None)
    assert spec(db) == before
    assert one(db, 'SELECT count(*) FROM parity_override') == 0


def test_overrides_are_kept_in_the_tables_own_schema(db):
    db.execute("ATTACH ':memory:' AS aux")
    db.execute('CREATE TABLE aux.t(a INT)')
    db.execute('CREATE TEMP TABLE t(a INT)')
    set_spec(db, 'aux.t', {'columns': {'a': 'text'}})
    set_spec(db, 'temp.t', {'columns': {'a': 'bool'}})
    assert kinds(db, 'aux.t') == {'a': 'text'}
    assert kinds(db, 't') == {'a': 'bool'}
    assert [one(db, "SELECT count(*) FROM %s.sqlite_master WHERE name = 'parity_override'" % schema)
            for schema in ('main', 'aux', 'temp')] == [0, 1, 1]


@pytest.mark.parametrize('overrides, words', [
    ({'columns': {'nope': 'int'}}, '"nope"'), ({'columns': {'id': 'nosuch'}}, 'timestamptz'),
    ({'columns': {'id': 'int epoch=ms'}}, 'epoch'), ({'key': ['nope']}, '"nope"'), ({'exclude': ['id']}, '"id"'),
    ({'exclude': ['nope']}, '"nope"'), ({'names': {'nope': 'x'}}, '"nope"'), ({'nope': 1}, '"nope"'),
    ({'names': {'at': 'done'}}, 'twice'), ({'key': [], 'exclude': ['id', 'at', 'title', 'done']}, 'excluded'), (5, 'object'),
])
def test_wrong_overrides_are_not_stored(db, overrides, words):
    assert words in error(db, 'SELECT parity_set_spec(?, ?)', 'tasks', json.dumps(overrides))
    assert one(db, 'SELECT count(*) FROM sqlite_master') == 1


@pytest.mark.parametrize('text', ['', '{', 'x', '[]', '{"columns":{}}x', '[' * 100000, '{"a":' * 100000, b'\xff'])
def test_what_is_not_json_is_not_stored(db, text):
    assert error(db, 'SELECT parity_set_spec(?, ?)', 'tasks', text)
    assert one(db, 'SELECT count(*) FROM sqlite_master') == 1


@pytest.mark.parametrize('statement, words', [
    ('CREATE TABLE parity_override(x)', 'other columns'),
    ('CREATE TABLE PARITY_OVERRIDE(table_name, overrides, more)', 'other columns'),
    ("CREATE VIEW parity_override AS SELECT 'tasks' AS table_name, '{}' AS overrides", 'view'),
    ('CREATE VIEW parity_override AS SELECT * FROM gone', 'gone'),
    ('CREATE VIRTUAL TABLE parity_override USING fts5(table_name, overrides)', 'virtual'),
    ('CREATE TABLE parity_override(table_name, overrides); CREATE TRIGGER hostile AFTER INSERT ON parity_override'
     ' BEGIN DELETE FROM tasks; END', 'trigger'),
])
def test_something_else_of_that_name(db, statement, words):
    db.executescript(statement)
    for sql in ("SELECT parity_spec('tasks')", "SELECT parity_checksum('tasks')", 'SELECT parity_bundle()',
                "SELECT parity_set_spec('tasks', '{}')", "SELECT parity_set_spec('tasks', NULL)",
                "SELECT * FROM parity_column_checksums('tasks')"):
        assert words in error(db, sql)


@pytest.mark.parametrize('stored', ["'not json'", "'{\"columns\":{\"gone\":\"int\"}}'", "'{\"columns\":{\"id\":\"nosuch\"}}'",
                                    "x'7b7d'", '5', "''", "'[]'", "'{\"a\":1}'"])
def test_stored_overrides_that_do_not_fit(db, stored):
    db.execute('CREATE TABLE parity_override(table_name, overrides)')
    db.execute("INSERT INTO parity_override VALUES('tasks', %s)" % stored)
    for sql in ("SELECT parity_spec('tasks')", "SELECT parity_checksum('tasks')", 'SELECT parity_bundle()'):
        message = error(db, sql)
        assert 'stored for tasks' in message and 'parity_set_spec' in message
    # and they can be replaced
    set_spec(db, 'tasks', None)
    assert checksum(db, 'tasks').startswith('p1-1-')


def test_a_renamed_column_is_an_error(db):
    set_spec(db, 'tasks', {'columns': {'at': 'timestamptz epoch=ms'}})
    db.execute('ALTER TABLE tasks RENAME COLUMN at TO happened')
    assert '"at"' in error(db, "SELECT parity_checksum('tasks')")


def test_a_failed_write_leaves_nothing(db):
    db.execute("CREATE TABLE parity_override(table_name TEXT PRIMARY KEY COLLATE NOCASE,"
               " overrides TEXT NOT NULL, CONSTRAINT no_writing_here CHECK (table_name = ''))")
    assert 'no_writing_here' in error(db, "SELECT parity_set_spec('tasks', '{}')")
    assert not db.in_transaction
    db.execute('BEGIN')
    db.execute("INSERT INTO tasks(id) VALUES(2)")
    assert 'no_writing_here' in error(db, "SELECT parity_set_spec('tasks', '{}')")
    assert db.in_transaction
    db.execute('COMMIT')
    assert one(db, 'SELECT count(*) FROM tasks') == 2
    assert one(db, 'SELECT count(*) FROM parity_override') == 0


def test_set_spec_takes_part_in_a_transaction(db):
    db.execute('BEGIN')
    set_spec(db, 'tasks', {'exclude': ['done']})
    assert 'done' not in kinds(db)
    db.execute('ROLLBACK')
    assert 'done' in kinds(db)
    assert one(db, 'SELECT count(*) FROM sqlite_master') == 1


def test_set_spec_on_many_tables_in_one_query(db):
    for i in range(5):
        db.execute('CREATE TABLE t%d(a INT)' % i)
    db.execute("CREATE TABLE names AS SELECT name FROM sqlite_master WHERE name LIKE 't_'")
    db.execute("SELECT parity_set_spec(name, '{\"columns\":{\"a\":\"text\"}}') FROM names").fetchall()
    assert one(db, 'SELECT count(*) FROM parity_override') == 5
    assert all(kinds(db, 't%d' % i) == {'a': 'text'} for i in range(5))


def test_only_generated_columns_left(db):
    db.execute('CREATE TABLE g(a INT, b INT AS (a + 1))')
    assert 'excluded' in error(db, 'SELECT parity_set_spec(?, ?)', 'g', '{"exclude":["a"]}')
    set_spec(db, 'g', {'columns': {'b': 'int'}, 'exclude': ['a']})
    assert kinds(db, 'g') == {'b': 'int'}
