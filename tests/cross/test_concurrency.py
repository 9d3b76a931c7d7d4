"""Snapshots under write, cancelling, and many connections at once."""

import contextlib
import itertools
import sqlite3
import threading
import time

import psycopg
import pytest

from conftest import Sqlite

LIMIT = 30      # seconds in which what a test waits for has to happen
ROWS = 1000


def wait_for(condition, what):
    """Asks again and again until it holds."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, 'no ' + what


@contextlib.contextmanager
def running(work):
    """work(stop) runs in a thread meanwhile; what it raises is raised here."""
    stop, raised = threading.Event(), []

    def body():
        try:
            work(stop)
        except BaseException as error:  # of either driver
            raised.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LIMIT)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


# ---- one snapshot --------------------------------------------------------------------

def create(database, integer):
    """Rows that a writer moves between a and b, one a transaction; c has the number of the last move."""
    for table in 'abc':
        database.run('CREATE TABLE %s (id %s PRIMARY KEY)' % (table, integer))
    database.insert('a', [(i,) for i in range(1, ROWS + 1)])
    database.run('INSERT INTO c VALUES (0)')


def move_rows(execute, begin, moved):
    """The writer: each row from a to b, then each from b to a, until it is stopped."""
    def work(stop):
        for n in itertools.count():
            source, target = ('a', 'b') if n // ROWS % 2 == 0 else ('b', 'a')
            execute(begin)
            execute('DELETE FROM %s WHERE id = %d' % (source, n % ROWS + 1))
            execute('INSERT INTO %s VALUES (%d)' % (target, n % ROWS + 1))
            execute('UPDATE c SET id = %d' % n)
            execute('COMMIT')
            moved.set()
            if stop.is_set():
                break
    return work


def check_snapshots(database, digests, add, local_rows, writer):
    """Whatever is read of a and b, together they hold all rows; both a bundle and a verify are seen to change."""
    before = database.bundle()
    all_rows = digests()[0]
    moved, seen, counted = threading.Event(), set(), set()
    with running(move_rows(*writer, moved)):
        assert moved.wait(LIMIT)
        deadline = time.monotonic() + LIMIT
        while len(seen) < 10 or len(counted) < 10:
            assert time.monotonic() < deadline, 'the writer does not get on'
            a, b, c = digests()
            assert database.one(add, a, b) == all_rows and c.startswith('p1-1-')
            seen.add(a)
            a, b, c = local_rows(before)
            assert (a + b, c) == (ROWS, 1)
            counted.add(a)


def test_snapshots_of_postgresql(pg):
    create(pg, 'bigint')
    other = pg.another()
    check_snapshots(
        pg, lambda: [row[0] for row in pg.run("SELECT t->>'digest' FROM jsonb_array_elements("
                                              "parity.bundle()::jsonb->'tables') AS t ORDER BY t->>'table'")],
        'SELECT (%s::parity.digest OPERATOR(parity.+) %s::parity.digest)::text',
        lambda bundle: [row[0] for row in pg.run('SELECT local_rows FROM parity.verify(%s) ORDER BY table_name', bundle)],
        (other.execute, 'BEGIN'))
    other.close()


def test_snapshots_of_sqlite(sqlite):
    sqlite.run('PRAGMA journal_mode = WAL')
    sqlite.run('PRAGMA synchronous = OFF')
    create(sqlite, 'INTEGER')
    other = sqlite3.connect(sqlite.path, isolation_level=None, timeout=LIMIT, check_same_thread=False)
    check_snapshots(
        sqlite, lambda: [row[0] for row in sqlite.run("SELECT json_extract(t.value, '$.digest') FROM json_each("
                                                      "parity_bundle(), '$.tables') AS t ORDER BY t.key")],
        'SELECT parity_digest_add(?, ?)',
        lambda bundle: [row[0] for row in sqlite.run('SELECT local_rows FROM parity_verify(?) ORDER BY table_name', bundle)],
        (other.execute, 'BEGIN IMMEDIATE'))
    other.close()


def test_a_snapshot_of_one_postgresql_transaction(pg):
    """Under REPEATABLE READ a bundle says the same for as long as the transaction lasts."""
    create(pg, 'bigint')
    other = pg.another()
    pg.run('BEGIN ISOLATION LEVEL REPEATABLE READ')
    first = pg.one("SELECT parity.bundle()::jsonb->'tables'")
    other.execute('DELETE FROM a')
    assert pg.one("SELECT parity.bundle()::jsonb->'tables'") == first
    assert pg.one("SELECT parity.digest_rows(parity.checksum('a'))") == ROWS
    pg.run('COMMIT')
    assert pg.one("SELECT parity.digest_rows(parity.checksum('a'))") == 0
    other.close()


# ---- cancelling ------------------------------------------------------------------------

ENDLESS = 'CREATE VIEW endless AS WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 - (id > 1000)%s FROM r) SELECT id FROM r'


@pytest.mark.parametrize('query', [
    "SELECT parity.checksum('endless')", "SELECT * FROM parity.column_checksums('endless')",
    "SELECT parity.bundle(ARRAY['endless'::regclass])", "SELECT * FROM parity.verify(%s, '{\"endless\": \"endless\"}')",
    "SELECT parity.assert_match(%s, '{\"endless\": \"endless\"}')", 'SELECT parity.digest_agg(id) FROM endless'])
def test_cancelling_postgresql(pg, query):
    """Of a scan that would never end."""
    pg.run('CREATE TABLE endless (id int)')
    bundle = pg.bundle()
    pg.run('DROP TABLE endless')
    pg.run(ENDLESS % '::int')
    other = pg.another()
    with pytest.raises(psycopg.errors.QueryCanceled):
        with running(lambda stop: other.execute(query, [bundle] if '%s' in query else None)):
            pid = other.info.backend_pid
            # it reads: its statement has begun, and the view is locked by it
            wait_for(lambda: pg.one("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE pid = %s AND "
                                    "relation = 'endless'::regclass AND state = 'active'", pid), 'scan')
            start = time.monotonic()
            assert pg.one('SELECT pg_cancel_backend(%s)', pid)
            wait_for(lambda: pg.one("SELECT state <> 'active' FROM pg_stat_activity WHERE pid = %s", pid), 'end')
            assert time.monotonic() - start < 1
    pg.run('CREATE TABLE t (id int)')
    assert other.execute("SELECT parity.digest_rows(parity.checksum('t'))").fetchone() == (0,)
    other.close()


@pytest.mark.parametrize('query', [
    "SELECT parity_checksum('big', 'id = id + tell()')", "SELECT * FROM parity_column_checksums('big', 'id = id + tell()')",
    'SELECT parity_bundle() FROM big WHERE id > tell()', 'SELECT status FROM big, parity_verify(?1) WHERE id > tell()',
    'SELECT parity_assert_match(?1) FROM big WHERE id > tell()', "SELECT parity_digest_agg('int', id + tell()) FROM big",
    "SELECT note FROM big, parity_infer('big') WHERE id > tell()"])
def test_interrupting_sqlite(tmp_path, query):
    """From another thread, once the query is seen to run, of which there is enough for minutes."""
    lite = Sqlite(tmp_path / 'big.db', check_same_thread=False)
    lite.run('CREATE TABLE big (id INTEGER PRIMARY KEY, v TEXT)')
    lite.insert('big', ((i, 'value %d' % i) for i in range(1, 60_001)))
    bundle = lite.bundle()
    called, told = [], threading.Event()

    def tell():
        """Called for each row. The first one waits until the interrupt has been sent: then it is on its way."""
        if not called:
            called.append(time.monotonic())
            told.set()
            sent.wait(LIMIT)
        return 0

    sent = threading.Event()
    lite.connection.create_function('tell', 0, tell)
    with pytest.raises(sqlite3.OperationalError, match='interrupted'):
        with running(lambda stop: lite.run(query, *([bundle] if '?1' in query else []))):
            assert told.wait(LIMIT)
            start = time.monotonic()
            lite.connection.interrupt()
            sent.set()
    assert time.monotonic() - start < 1
    assert lite.one("SELECT parity_checksum('big')").startswith('p1-60000-')
    assert {v.status for v in lite.verify(bundle).values()} == {'match'}
    lite.connection.close()


# ---- many at once ------------------------------------------------------------------------


def many(work):
    """What eight threads find, each with a connection of its own."""
    found, raised, start = [], [], threading.Barrier(8)

    def body():
        try:
            work(start, found)
        except BaseException as error:  # of either driver
            raised.append(error)
            start.abort()

    threads = [threading.Thread(target=body) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert not raised and not any(thread.is_alive() for thread in threads)
    return found


def test_eight_connections_at_once(pg, sqlite):
    """All give the same digest, in both engines, and each verifies the other's bundle."""
    pg.run("CREATE TABLE big AS SELECT i AS id, md5(i::text) AS v, i / 4.0 AS n FROM generate_series(1, 20000) i")
    pg.run('ALTER TABLE big ADD PRIMARY KEY (id)')
    sqlite.run('CREATE TABLE big (id INTEGER PRIMARY KEY, v TEXT, n NUMERIC)')
    sqlite.insert('big', ((i, v, float(n)) for i, v, n in pg.run('SELECT * FROM big')))
    pg_bundle, sqlite_bundle = pg.bundle(), sqlite.bundle()
    expected = pg.one("SELECT parity.checksum('big')::text")

    def in_postgresql(start, found):
        connection = pg.another()
        start.wait(LIMIT)
        for _ in range(3):
            found.append(connection.execute("SELECT parity.checksum('big')::text").fetchone()[0])
            found.append(connection.execute('SELECT status FROM parity.verify(%s)', (sqlite_bundle,)).fetchone()[0])
        connection.close()

    def in_sqlite(start, found):
        lite = Sqlite(sqlite.path)
        start.wait(LIMIT)
        for _ in range(3):
            found.append(lite.one("SELECT parity_checksum('big')"))
            found.append(lite.verify(pg_bundle)['big'].status)
        lite.connection.close()

    assert sorted(many(in_postgresql)) == sorted([expected, 'match'] * 24)
    assert sorted(many(in_sqlite)) == sorted([expected, 'match'] * 24)
