"""parity_bundle, parity_verify, parity_assert_match and parity_adopt, SQLite against SQLite."""

import datetime
import json
import sqlite3

import pytest

from sqlite_support import checksum, connect, error, one

COLUMNS = ('table_name', 'remote_name', 'status', 'local_rows', 'remote_rows', 'differing', 'columns', 'detail')


def fill(db):
    db.execute('CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT, done BOOLEAN, at DATETIME)')
    db.executemany('INSERT INTO tasks VALUES(?, ?, ?, ?)',
                   [(i, 'task %d' % i, i % 2, '2024-01-%02d 10:00:00' % (i + 1)) for i in range(20)])
    db.execute('CREATE TABLE tags(name TEXT, task INT)')
    db.executemany('INSERT INTO tags VALUES(?, ?)', [('tag', i) for i in range(5)])


@pytest.fixture
def db():
    db = connect()
    fill(db)
    return db


def bundle(db, *args):
    return one(db, 'SELECT parity_bundle(%s)' % ', '.join('?' * len(args)), *args)


def verify(db, *args):
    rows = db.execute('SELECT * FROM parity_verify(%s)' % ', '.join('?' * len(args)), args).fetchall()
    return {row[0] or row[1]: dict(zip(COLUMNS, row)) for row in rows}


# ---- bundle -------------------------------------------------------------------------

def test_stamps(db):
    b = json.loads(bundle(db))
    assert (b['parity'], b['engine'], b['schema']) == ('p1', 'sqlite', 'main')
    assert b['server'] == 'SQLite ' + sqlite3.sqlite_version
    assert b['position'] == str(one(db, 'PRAGMA data_version'))
    now = datetime.datetime.now(datetime.timezone.utc)
    then = datetime.datetime.strptime(b['time'], '%Y-%m-%dT%H:%M:%SZ').replace(tzinfo=datetime.timezone.utc)
    assert abs((now - then).total_seconds()) < 60
    with open(__import__('os').path.join(__import__('sqlite_support').HERE, '..', 'parity.control')) as control:
        assert "default_version = '%s'" % b['version'] in control.read()


def test_digests_are_those_of_checksum(db):
    for table in json.loads(bundle(db))['tables']:
        assert table['digest'] == checksum(db, table['table'])
        sums = db.execute('SELECT column_name, digest FROM parity_column_checksums(?)', (table['table'],)).fetchall()
        assert sums == [(c['name'], c['digest']) for c in table['columns']]


def test_all_ordinary_tables_in_name_order(db):
    db.execute('CREATE VIEW a_view AS SELECT 1')
    db.execute('CREATE TABLE "Zoo"(a)')
    db.execute('CREATE TABLE counted(a INTEGER PRIMARY KEY AUTOINCREMENT)')
    db.execute('INSERT INTO counted VALUES(1)')
    db.execute('CREATE VIRTUAL TABLE words USING fts5(body)')
    db.execute('CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)')
    db.execute('CREATE TABLE words_of_mine(a)')
    db.execute('ANALYZE')
    one(db, "SELECT parity_set_spec('tags', '{\"columns\":{\"task\":\"text\"}}')")
    b = json.loads(bundle(db))
    # before 3.37 SQLite does not say which tables are shadows: what is named after a virtual table counts as one
    ours = ['words_of_mine'] if sqlite3.sqlite_version_info >= (3, 37) else []
    assert [t['table'] for t in b['tables']] == ['Zoo', 'counted', 'tags', 'tasks'] + ours
    assert {'sqlite_sequence', 'sqlite_stat1', 'parity_override', 'words', 'words_data', 'boxes', 'boxes_node'} <= set(
        b['skipped'])
    # unless named
    named = json.loads(bundle(db, '["words", "tasks", "tasks", "TAGS", "a_view", "boxes_node"]'))
    assert [t['table'] for t in named['tables']] == ['a_view', 'boxes_node', 'tags', 'tasks', 'words']


def test_other_schema(db):
    db.execute("ATTACH ':memory:' AS aux")
    db.execute('CREATE TABLE aux.only(a INT)')
    b = json.loads(bundle(db, None, None, 'aux'))
    assert b['schema'] == 'aux' and [t['table'] for t in b['tables']] == ['only']
    assert [t['table'] for t in json.loads(bundle(db, None, 0, 'AUX'))['tables']] == ['only']
    assert json.loads(bundle(db, '[]', None, None))['tables'] == []


def test_empty_database():
    db = connect()
    b = bundle(db)
    assert json.loads(b)['tables'] == []
    assert verify(db, b) == {}
    assert 'nothing was compared' in error(db, 'SELECT parity_assert_match(?)', b)
    assert one(db, 'SELECT parity_adopt(?)', b) == 0


@pytest.mark.parametrize('args, words', [
    (('["nope"]',), 'no such table: main.nope'), (('["tasks"]', None, 'temp'), 'temp'), (('nope',), 'JSON array'),
    (('["tasks"',), 'JSON array'), (('["a" "b"]',), 'JSON array'), (('[5]',), 'JSON array'), (('{}',), 'JSON array'),
    (('["' + '\\ud800' + '"]',), 'JSON array'), (('[' * 100000,), 'JSON array'), ((b'\xff',), 'JSON array'),
    ((None, -1), 'cells must be from 0 to 1048576, not -1 (NULL is 1024'), ((None, 1048577), 'not 1048577'),
    ((None, 2 ** 63 - 1), 'cells must be'), ((None, 'x'), 'cells must be an integer'), ((None, '64'), 'cells must be an'),
    ((None, 64.0), 'cells must be an'), ((None, b'64'), 'cells must be an'), ((None, None, 'nope'), 'nope'),
    ((None, None, b'main'), 'BLOB'),
])
def test_wrong_arguments(db, args, words):
    assert words in error(db, 'SELECT parity_bundle(%s)' % ', '.join('?' * len(args)), *args)


@pytest.mark.parametrize('cells, size', [(None, 1024), (1, 16), (64, 64), (65, 128), (1 << 20, 1 << 20)])
def test_sketches(db, cells, size):
    tables = json.loads(bundle(db, None, cells))['tables']
    assert [t['table'] for t in tables] == ['tags', 'tasks']
    assert tables[0]['sketch'] == one(db, "SELECT parity_sketch_agg(?, 0, 'text, int', name, task) FROM tags", cells)
    sketch = tables[1]['sketch']
    assert one(db, 'SELECT parity_sketch_cells(?)', sketch) == size
    if size > 16:
        assert db.execute('SELECT * FROM parity_sketch_decode(?)', (sketch,)).fetchall() == [
            ('%016x' % i, 1, 1) for i in range(20)]


def test_without_sketches(db):
    assert all('sketch' not in t for t in json.loads(bundle(db, None, 0))['tables'])


def test_one_snapshot(tmp_path):
    """What another connection writes between two tables is in neither of them."""
    path = str(tmp_path / 'f.db')
    db, other = connect(path), connect(path)
    db.execute('PRAGMA journal_mode = WAL')
    fill(db)
    wrote = []

    def write(value):
        if not wrote:
            wrote.append(1)
            other.execute("INSERT INTO tasks(id, title) VALUES(1000, 'new')")
            other.execute("INSERT INTO tags VALUES('new', 1000)")
        return value

    db.create_function('write', 1, write)
    db.execute('CREATE VIEW a_first AS SELECT write(task) AS task FROM tags')
    b = json.loads(bundle(db, '["a_first", "tags", "tasks"]'))
    assert wrote and [t['digest'].split('-')[1] for t in b['tables']] == ['5', '5', '20']
    assert one(db, 'SELECT count(*) FROM tasks') == 21


def test_one_snapshot_for_verify(tmp_path):
    path = str(tmp_path / 'f.db')
    db, other = connect(path), connect(path)
    db.execute('PRAGMA journal_mode = WAL')
    fill(db)
    b = bundle(db)
    cursor = db.execute('SELECT table_name, status FROM parity_verify(?)', (b,))
    first = cursor.fetchone()
    other.execute('UPDATE tasks SET title = 5')
    other.execute('UPDATE tags SET task = 5')
    assert {first[0], cursor.fetchone()[0]} == {'tasks', 'tags'}
    assert first[1] == 'match'
    assert {v['status'] for v in verify(db, b).values()} == {'differ'}


def test_nothing_is_left_open(db, tmp_path):
    """After a bundle, a verify that is left half read, and errors, the database is not locked."""
    path = str(tmp_path / 'f.db')
    db, other = connect(path), connect(path, timeout=0)
    fill(db)
    b = bundle(db)
    cursor = db.execute('SELECT * FROM parity_verify(?)', (b,))
    cursor.fetchone()
    cursor.close()
    error(db, "SELECT parity_checksum('tasks', 'nope')")
    error(db, "SELECT parity_bundle('[\"nope\"]')")
    other.execute('DROP TABLE tasks')
    other.execute('PRAGMA journal_mode = DELETE')


# ---- verify --------------------------------------------------------------------------

def test_equal_databases_match(db):
    b = bundle(db)
    for given in (b, b + '\n', b.encode(), (b + '\n').encode()):
        got = verify(connect_filled(), given)
        assert {name: row['status'] for name, row in got.items()} == {'tags': 'match', 'tasks': 'match'}
        assert got['tasks']['local_rows'] == got['tasks']['remote_rows'] == 20
        assert all(row['columns'] == '[]' for row in got.values())
        assert one(db, 'SELECT parity_assert_match(?)', given) is None


def connect_filled():
    db = connect()
    fill(db)
    return db


@pytest.mark.parametrize('change, columns', [
    ("UPDATE tasks SET title = 'x' WHERE id = 3", ['title']),
    ('UPDATE tasks SET done = 1 - done WHERE id = 3', ['done']),
    ("UPDATE tasks SET title = '', at = NULL WHERE id = 3", ['at', 'title']),
    ("UPDATE tasks SET done = 'maybe' WHERE id = 3", ['done']),
])
def test_columns_that_differ_are_named(db, change, columns):
    b = bundle(db)
    db.execute(change)
    got = verify(db, b)
    assert got['tags']['status'] == 'match'
    assert got['tasks']['status'] == 'differ'
    assert sorted(json.loads(got['tasks']['columns'])) == columns
    assert 'tasks' in error(db, 'SELECT parity_assert_match(?)', b)


def test_rows_that_differ(db):
    b = bundle(db)
    db.execute('DELETE FROM tasks WHERE id = 3')
    got = verify(db, b)['tasks']
    assert (got['status'], got['local_rows'], got['remote_rows'], got['columns']) == ('differ', 19, 20, '[]')
    assert 'key' in got['detail']


def test_bad_values_are_reported(db):
    b = bundle(db)
    db.execute("UPDATE tasks SET at = 'tomorrow' WHERE id = 7")
    detail = verify(db, b)['tasks']['detail']
    assert 'tomorrow' in detail and detail.startswith('at: 1 value here cannot be read')


def test_tables_and_columns_on_one_side(db):
    b = bundle(db)
    other = connect()
    other.execute('CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT, done BOOLEAN)')
    other.execute('INSERT INTO tasks SELECT value, \'task \' || value, value % 2 FROM json_each(?)',
                  (json.dumps(list(range(20))),))
    other.execute('CREATE TABLE more(a)')
    got = verify(other, b)
    assert {name: row['status'] for name, row in got.items()} == {
        'tasks': 'differ', 'tags': 'only remote', 'more': 'only local'}
    assert 'at' in got['tasks']['detail']
    assert got['tags']['table_name'] is None and got['tags']['local_rows'] is None
    assert verify(other, b, '{"exclude":["tasks.at"]}')['tasks']['status'] == 'match'


def test_names_in_another_style(db):
    b = bundle(db)
    other = connect()
    fill(other)
    other.execute('ALTER TABLE tasks RENAME TO "T_asks"')
    other.execute('ALTER TABLE "T_asks" RENAME COLUMN title TO "Ti_tle"')
    got = verify(other, b)
    assert got['T_asks']['status'] == 'match' and got['T_asks']['remote_name'] == 'tasks'


def test_mapping(db):
    b = bundle(db)
    db.execute("ATTACH ':memory:' AS aux")
    for table in ('tasks', 'tags'):
        db.execute('CREATE TABLE aux.%s AS SELECT * FROM %s' % (table, table))
    db.execute('ALTER TABLE aux.tags RENAME TO labels')
    got = verify(db, b, '{"schema":"aux","tags":"labels"}')
    assert {name: row['status'] for name, row in got.items()} == {'labels': 'match', 'tasks': 'match'}
    db.execute('DELETE FROM aux.labels')
    assert verify(db, b, '{"schema":"aux","tags":"labels"}')['labels']['status'] == 'differ'
    assert verify(db, b)['tags']['status'] == 'match'
    assert 'nope' in error(db, 'SELECT * FROM parity_verify(?, ?)', b, '{"schema":"nope"}')


def test_virtual_tables_are_said_to_be_left_out(db):
    db.execute('CREATE TABLE words(body TEXT)')
    b = bundle(db)
    db.execute('DROP TABLE words')
    db.execute('CREATE VIRTUAL TABLE words USING fts5(body)')
    got = verify(db, b)['words']
    assert got['status'] == 'only remote' and got['detail']


def test_the_remote_kinds_count(db):
    """A bundle of a strictly typed side has its kinds read here, with the options that are stored here."""
    b = json.loads(bundle(db))
    b['engine'] = 'postgresql'
    db.execute("UPDATE tasks SET done = CASE done WHEN 1 THEN 't' ELSE 'false' END, at = at || 'Z'")
    assert verify(db, json.dumps(b))['tasks']['status'] == 'match'
    db.execute("UPDATE tasks SET at = strftime('%s', at)")
    db.execute('UPDATE tasks SET at = at * 1000')
    got = verify(db, json.dumps(b))['tasks']
    assert got['status'] != 'match' and 'epoch' in got['detail']
    one(db, "SELECT parity_set_spec('tasks', '{\"columns\":{\"at\":\"timestamp epoch=ms\"}}')")
    assert verify(db, json.dumps(b))['tasks']['status'] == 'match'


def test_two_verifies_at_once(db):
    b = bundle(db)
    rows = db.execute('SELECT x.table_name, x.status, y.status FROM parity_verify(?1) x JOIN parity_verify(?1) y'
                      ' USING (table_name) ORDER BY 1', (b,)).fetchall()
    assert rows == [('tags', 'match', 'match'), ('tasks', 'match', 'match')]
    assert one(db, "SELECT count(*) FROM parity_verify WHERE bundle = ? AND status = 'match'", b) == 2
    assert one(db, "SELECT count(*) FROM (SELECT ? AS b) LEFT JOIN parity_verify(b) v ON v.status = 'differ'", b) == 1


# ---- hostile bundles ---------------------------------------------------------------------

def hostile():
    db = connect_filled()
    good = bundle(db)
    yield None
    yield ''
    yield 'x'
    yield b'\xff\xfe'
    yield good[:-3]
    yield good + 'x'
    yield good + good
    yield good.encode('utf-16')
    yield good.encode() + b'\0'
    yield '[' * 100000
    yield '{"a":' * 100000
    yield good.replace('"parity":"p1"', '"parity":"p2"')
    yield good.replace('"engine":"sqlite"', '"engine":"oracle"')
    yield good.replace('p1-20-', 'p1-99999999999999999999-')
    yield good.replace('"kind":"bool"', '"kind":"nosuch"')
    yield good.replace('"name":"title"', '"name":"done"')
    yield good.replace('"table":"tags"', '"table":"tasks"')
    yield good.replace('"columns":[', '"columns":[{},')
    yield good.replace('"key":["id"]', '"key":["nope"]')
    for step in range(1, len(good), 97):
        yield good[:step]


@pytest.mark.parametrize('text', list(hostile()), ids=lambda text: repr(text)[:30])
def test_hostile_bundles(text):
    db = connect_filled()
    message = error(db, 'SELECT * FROM parity_verify(?)', text)
    assert message and len(message) < 2000
    assert error(db, 'SELECT parity_assert_match(?)', text) == message
    assert error(db, 'SELECT parity_adopt(?)', text) == message
    assert one(db, 'SELECT count(*) FROM sqlite_master') == 2
    assert not db.in_transaction


@pytest.mark.parametrize('mapping', ['', '{', '[]', '5', '{"nope":"tasks"}', '{"tasks":"nope"}', '{"tasks":5}', '{"accept":"all"}',
                                     '{"exclude":["nope.nope"]}', '{"exclude":5}', '[' * 100000, b'\xff'])
def test_wrong_mappings(db, mapping):
    b = bundle(db)
    for sql in ('SELECT * FROM parity_verify(?, ?)', 'SELECT parity_assert_match(?, ?)', 'SELECT parity_adopt(?, ?)'):
        assert error(db, sql, b, mapping)


# ---- assert_match, adopt ---------------------------------------------------------------------

def test_assert_match(db):
    b = bundle(db)
    db.execute('DELETE FROM tags')
    message = error(db, 'SELECT parity_assert_match(?)', b)
    assert 'tags' in message and 'tasks' not in message


def test_rounded_is_accepted_when_asked_for():
    remote, local = connect(), connect()
    for db, value in ((remote, '12.35'), (local, '12.346')):
        db.execute('CREATE TABLE prices(id INTEGER PRIMARY KEY, price DECIMAL)')
        db.execute('INSERT INTO prices VALUES(1, ?)', (value,))
    one(remote, "SELECT parity_set_spec('prices', '{\"columns\":{\"price\":\"decimal(10,2)\"}}')")
    b = json.loads(bundle(remote))
    b['engine'] = 'postgresql'
    b = json.dumps(b)
    got = verify(local, b)['prices']
    assert got['status'] == 'rounded' and json.loads(got['columns']) == ['price']
    assert 'prices' in error(local, 'SELECT parity_assert_match(?)', b)
    assert one(local, 'SELECT parity_assert_match(?, ?)', b, '{"accept":"rounded"}') is None


def test_adopt(db):
    one(db, "SELECT parity_set_spec('tasks', '{\"columns\":{\"done\":\"text\",\"at\":\"timestamptz\"}}')")
    b = bundle(db)
    other = connect_filled()
    assert checksum(other, 'tasks') != checksum(db, 'tasks')
    assert one(other, 'SELECT parity_adopt(?)', b) == 2
    assert checksum(other, 'tasks') == checksum(db, 'tasks')
    assert verify(db, bundle(other))['tasks']['status'] == 'match'
    assert not other.in_transaction


def test_adopt_is_all_or_nothing(db):
    b = bundle(db)
    db.execute("CREATE TABLE parity_override(table_name TEXT PRIMARY KEY COLLATE NOCASE,"
               " overrides TEXT NOT NULL, CONSTRAINT no_writing_here CHECK (table_name <> 'tasks'))")
    assert 'no_writing_here' in error(db, 'SELECT parity_adopt(?)', b)
    assert one(db, 'SELECT count(*) FROM parity_override') == 0
    assert not db.in_transaction


def test_the_shell_reads_a_file(db, tmp_path):
    """The main job's line, with the shell's readfile."""
    import shutil
    import subprocess
    from sqlite_support import MODULE
    if shutil.which('sqlite3') is None:
        pytest.skip('the sqlite3 shell is not installed')
    path = str(tmp_path / 'app.db')
    file_db = connect(path)
    fill(file_db)
    file_db.close()

    def shell(sql):
        return subprocess.run(['sqlite3', path, '-cmd', '.load ' + MODULE, sql], capture_output=True, text=True)

    written = shell('SELECT parity_bundle()')
    assert written.returncode == 0 and written.stderr == ''
    (tmp_path / 'b.parity').write_text(written.stdout)
    sql = "SELECT table_name, status FROM parity_verify(readfile('%s'))" % (tmp_path / 'b.parity')
    assert shell(sql).stdout.split() == ['tags|match', 'tasks|match']
    assert shell(sql.replace('b.parity', 'nope')).stderr.find('readfile()') > 0
    assert shell(sql.replace('b.parity', 'nope')).returncode != 0


def test_tables_that_are_not_in_a_list_are_not_missing():
    """A bundle of named tables says nothing of others: the other side does not report them."""
    db = connect_filled()
    db.execute('CREATE TABLE other(id INTEGER PRIMARY KEY)')
    other = connect_filled()
    other.execute('CREATE TABLE more(id INTEGER PRIMARY KEY)')
    named = one(db, 'SELECT parity_bundle(?)', '["tasks"]')
    assert [(row['table_name'], row['status']) for row in verify(other, named).values()] == [('tasks', 'match')]
    assert one(other, 'SELECT parity_assert_match(?)', named) is None
    assert {name for name, row in verify(other, bundle(db)).items() if row['status'] != 'match'} == {'more', 'other'}
