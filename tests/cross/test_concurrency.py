"""Snapshots, cancelling, and many connections at once."""

import sqlite3
import threading
import time

import psycopg
import pytest

from conftest import Sqlite


def test_a_bundle_of_postgresql_is_one_snapshot(pg):
    """Two tables written together, in each transaction: a bundle must never see one without the other."""
    pg.run('CREATE TABLE a (id bigint PRIMARY KEY)')
    pg.run('CREATE TABLE b (id bigint PRIMARY KEY)')
    other = pg.another()
    stop = threading.Event()
    written = threading.Event()

    def write():
        n = 0
        while not stop.is_set():
            n += 1
            with other.transaction():
                other.execute('INSERT INTO a VALUES (%s)', (n,))
                other.execute('INSERT INTO b VALUES (%s)', (n,))
            written.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert written.wait(30)
        seen = set()
        for _ in range(50):
            a, b = pg.run("SELECT t ->> 'digest' FROM jsonb_array_elements(parity.bundle()::jsonb -> 'tables') t")
            assert a == b
            seen.add(a)
    finally:
        stop.set()
        thread.join()
        other.close()
    assert len(seen) > 1, 'nothing was written meanwhile'


def test_a_bundle_of_sqlite_is_one_snapshot(sqlite):
    sqlite.run('PRAGMA journal_mode = WAL')
    sqlite.run('CREATE TABLE a (id INTEGER PRIMARY KEY)')
    sqlite.run('CREATE TABLE b (id INTEGER PRIMARY KEY)')
    stop = threading.Event()
    written = threading.Event()

    def write():
        other = sqlite3.connect(sqlite.path, isolation_level=None, timeout=30)
        n = 0
        while not stop.is_set():
            n += 1
            other.execute('BEGIN IMMEDIATE')
            other.execute('INSERT INTO a VALUES (?)', (n,))
            other.execute('INSERT INTO b VALUES (?)', (n,))
            other.execute('COMMIT')
            written.set()
        other.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert written.wait(30)
        seen = set()
        deadline = time.monotonic() + 30
        while len(seen) < 5 and time.monotonic() < deadline:
            a, b = [row for row, in sqlite.run(
                "SELECT json_extract(t.value, '$.digest') FROM json_each(parity_bundle(), '$.tables') t")]
            assert a == b
            seen.add(a)
    finally:
        stop.set()
        thread.join()
    assert len(seen) > 1, 'nothing was written meanwhile'


def test_cancelling_postgresql(pg):
    pg.run('CREATE TABLE big AS SELECT i AS id, md5(i::text) AS v FROM generate_series(1, 400000) i')
    other = pg.another()
    other.execute('SET max_parallel_workers_per_gather = 0')
    pid = other.info.backend_pid
    caught = []

    def work():
        try:
            other.execute("SELECT parity.checksum('big') FROM generate_series(1, 1000)")
        except psycopg.Error as error:
            caught.append(error.sqlstate)

    thread = threading.Thread(target=work)
    thread.start()
    while not pg.one("SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'active' "
                     "AND query LIKE '%%checksum%%'", pid):
        pass
    start = time.monotonic()
    assert pg.one('SELECT pg_cancel_backend(%s)', pid)
    thread.join()
    assert time.monotonic() - start < 1
    assert caught == ['57014']
    assert other.execute("SELECT parity.digest_rows(parity.checksum('big'))").fetchone() == (400000,)
    other.close()


@pytest.mark.parametrize('query', ["SELECT parity_checksum('big') FROM big", 'SELECT parity_bundle() FROM big',
                                   "SELECT count(digest) FROM big, parity_column_checksums('big')"])
def test_interrupting_sqlite(tmp_path, query):
    lite = Sqlite(tmp_path / 'big.db', check_same_thread=False)
    lite.run('CREATE TABLE big (id INTEGER PRIMARY KEY, v TEXT)')
    lite.insert('big', ((i, 'value %d' % i) for i in range(200000)))
    reading = threading.Event()
    lite.connection.create_function('tell', 0, lambda: reading.set())
    caught = []

    def work():
        try:
            lite.run('SELECT tell()')
            lite.run(query)
        except sqlite3.OperationalError as error:
            caught.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert reading.wait(30)
    start = time.monotonic()
    while thread.is_alive():  # an interrupt before the statement has begun is none
        lite.connection.interrupt()
        thread.join(0.01)
        assert time.monotonic() - start < 10
    assert len(caught) == 1 and 'interrupted' in caught[0]
    assert lite.one("SELECT parity_checksum('big')").startswith('p1-200000-')
    lite.connection.close()


def test_eight_connections_at_once(pg):
    pg.run('CREATE TABLE big AS SELECT i AS id, md5(i::text) AS v FROM generate_series(1, 50000) i')
    expected = pg.one("SELECT parity.checksum('big')::text")
    found = []

    def work():
        connection = pg.another()
        for _ in range(5):
            found.append(connection.execute("SELECT parity.checksum('big')::text").fetchone()[0])
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 40
