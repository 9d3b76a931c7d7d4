"""diff and recheck of tables under write, of which one lags behind; and many connections at once."""

import collections
import json
import queue
import random
import threading

import pytest

from conftest import Postgres, Sqlite
from difference import LiteSide, PgSide, reported

LIMIT = 60      # seconds in which what a test waits for has to happen
ROWS, LAG = 400, 25


class Writer:
    """
    A thread that makes a change in the source each time it is told to, and, so many changes later, the same one in the
    replica. Each has a connection of its own.
    """

    def __init__(self, rng, source, replica):
        self.rng, self.source, self.replica = rng, source, replica
        self.behind = collections.deque()
        self.orders, self.done = queue.Queue(), queue.Queue()
        self.next = ROWS
        self.ids = list(range(ROWS))
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        try:
            for changes, lag in iter(self.orders.get, None):
                for _ in range(changes):
                    change = self.change()
                    self.source(*change)
                    self.behind.append(change)
                while len(self.behind) > lag:
                    self.replica(*self.behind.popleft())
                self.done.put(None)
        except BaseException as error:  # of either driver
            self.done.put(error)

    def change(self):
        kind = self.rng.choice(('insert', 'delete', 'update', 'update', 'update'))
        if kind == 'insert':
            self.ids.append(self.next)
            self.next += 1
            return 'insert', self.ids[-1], 'v%d' % self.rng.getrandbits(30)
        at = self.rng.randrange(len(self.ids))
        if kind == 'delete':
            self.ids[at], self.ids[-1] = self.ids[-1], self.ids[at]
            return 'delete', self.ids.pop(), None
        return 'update', self.ids[at], 'v%d' % self.rng.getrandbits(30)

    def order(self, changes, lag=LAG):
        """Begins with so many changes, after which the replica is lag changes behind."""
        self.orders.put((changes, lag))

    def wait(self):
        error = self.done.get(timeout=LIMIT)
        if error is not None:
            raise error

    def step(self, changes, lag=LAG):
        self.order(changes, lag)
        self.wait()

    def stop(self):
        self.orders.put(None)
        self.thread.join(LIMIT)
        assert not self.thread.is_alive()


def in_postgresql(pg):
    connection = pg.another()

    def apply(kind, i, v):
        connection.execute({'insert': 'INSERT INTO t VALUES (%(id)s, %(v)s)',
                            'update': 'UPDATE t SET v = %(v)s WHERE id = %(id)s',
                            'delete': 'DELETE FROM t WHERE id = %(id)s'}[kind], {'id': i, 'v': v})
    return connection, apply


def in_sqlite(sqlite):
    lite = Sqlite(sqlite.path, check_same_thread=False)

    def apply(kind, i, v):
        lite.connection.execute({'insert': 'INSERT INTO t VALUES (:id, :v)', 'update': 'UPDATE t SET v = :v WHERE id = :id',
                                 'delete': 'DELETE FROM t WHERE id = :id'}[kind], {'id': i, 'v': v})
    return lite.connection, apply


@pytest.fixture
def live(pg, sqlite):
    """The same table on both sides, where SQLite can be read while it is written to."""
    sqlite.run('PRAGMA journal_mode = WAL')
    sqlite.run('PRAGMA synchronous = off')
    sides = {'postgresql': PgSide(pg), 'sqlite': LiteSide(sqlite)}
    pg.run('CREATE TABLE t (id bigint PRIMARY KEY, v text)')
    sqlite.run('CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)')
    for side in sides.values():
        side.copy('t', [(i, 'old') for i in range(ROWS)])
    return sides


@pytest.mark.parametrize('lagging', ['sqlite', 'postgresql'])
def test_diff_and_recheck_converge(live, pg, sqlite, lagging):
    """Of all that differs for a while, what is left in the end is what was really made wrong."""
    connections, apply = zip(in_postgresql(pg), in_sqlite(sqlite))
    local = live[lagging]
    remote = live['postgresql' if lagging == 'sqlite' else 'sqlite']
    rng = random.Random(11)
    writer = Writer(rng, *(apply if lagging == 'sqlite' else apply[::-1]))
    try:
        writer.step(60)
        writer.step(0, 0)
        # made wrong in the replica; the writer leaves these rows alone from now on
        untouched = [i for i in writer.ids if i < ROWS][:7]
        writer.ids = [i for i in writer.ids if i not in untouched]
        wrong = {**{i: 'changed' for i in untouched[:4]}, **{i: 'only remote' for i in untouched[4:]},
                 100001: 'only local', 100002: 'only local'}
        for i, change in wrong.items():
            local.run({'changed': "UPDATE t SET v = v || ' wrong' WHERE id = %d", 'only remote': 'DELETE FROM t WHERE id = %d',
                       'only local': "INSERT INTO t VALUES (%d, 'nobody wrote this')"}[change] % i)
        writer.step(LAG)
        bundle = remote.bundle(['t'])
        writer.order(20)        # while diff reads
        found = local.diff('t', bundle)
        writer.wait()
        assert all(row.complete for row in found)
        first = {row.key: row.change for row in found}
        assert {i: first.get(i) for i in wrong} == wrong and len(first) > len(wrong) + 5, 'the lag shows, too'
        keys = json.dumps([row.key for row in found])
        rounds, suspects = [], None
        while suspects != wrong:
            assert len(rounds) < 50, (suspects, wrong)
            writer.order(10)    # while rows reads
            rows = remote.rows('t', keys)
            writer.wait()
            writer.step(LAG)    # what the rows show has arrived
            before = suspects
            suspects = {row.key: row.change for row in local.recheck('t', rows)}
            assert {i: suspects.get(i) for i in wrong} == wrong, 'what is wrong is never lost'
            assert before is None or set(suspects) <= set(before)
            keys = local.still_keys('t', rows)
            rounds.append(len(suspects))
        assert rounds[-1] == len(wrong)
        # meanwhile others do differ, which a diff alone would report
        assert len(local.diff('t', remote.bundle(['t']))) > len(wrong)
        # repair of just these, while the writer goes on
        rows = remote.rows('t', keys)
        statements = local.repair('t', rows)
        writer.step(20)
        assert local.shell(statements).status == 0
        assert local.recheck('t', rows) == []
        writer.step(0, 0)
        assert local.verify(remote.bundle(['t']))['t'].status == 'match'
    finally:
        writer.stop()
        for connection in connections:
            connection.close()


@pytest.mark.parametrize('lagging', ['sqlite', 'postgresql'])
def test_repair_of_rows_that_were_only_late(live, pg, sqlite, lagging):
    """The late change arrives between repair and its run: the statement finds another row and leaves it alone."""
    local = live[lagging]
    remote = live['postgresql' if lagging == 'sqlite' else 'sqlite']
    remote.run("UPDATE t SET v = 'first' WHERE id < 20")
    remote.run('DELETE FROM t WHERE id BETWEEN 50 AND 59')
    remote.run("INSERT INTO t VALUES (1000, 'new'), (1001, 'new')")
    bundle = remote.bundle(['t'])
    statements = local.repair('t', remote.rows('t', local.keys('t', bundle)))
    # the remote goes on, and all of it arrives here
    for side in (remote, local):
        side.run("UPDATE t SET v = 'second' WHERE id < 10")
        side.run("UPDATE t SET v = 'kept' WHERE id BETWEEN 50 AND 54")
    remote.run("UPDATE t SET v = 'newer' WHERE id = 1000")
    local.run("INSERT INTO t VALUES (1000, 'newer')")
    run = local.shell(statements)
    assert run.status == 0, run
    rows = dict(local.run('SELECT id, v FROM t'))
    assert [rows[i] for i in range(20)] == ['second'] * 10 + ['first'] * 10
    assert [rows.get(i) for i in range(50, 60)] == ['kept'] * 5 + [None] * 5
    assert (rows[1000], rows[1001]) == ('newer', 'new')
    assert reported(run) == (16, 16, 0), run


# ---- many at once ------------------------------------------------------------------------


def many(work):
    """work(n, start) in eight threads."""
    raised, start = [], threading.Barrier(8)

    def body(n):
        try:
            work(n, start)
        except BaseException as error:  # of either driver
            raised.append(error)
            start.abort()

    threads = [threading.Thread(target=body, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert not any(thread.is_alive() for thread in threads)
    if raised:
        raise raised[0]


class Connected:
    """A further connection to the PostgreSQL of pg, as a database of its own."""

    def __init__(self, pg):
        self.name, self.connection = pg.name, pg.another()

    run, one, verify, insert, error = Postgres.run, Postgres.one, Postgres.verify, Postgres.insert, Postgres.error


def connect(engine, pg, sqlite):
    if engine == 'postgresql':
        return PgSide(Connected(pg))
    return LiteSide(Sqlite(sqlite.path, timeout=LIMIT))


@pytest.mark.parametrize('engine', ['postgresql', 'sqlite'])
def test_eight_connections_on_tables_of_their_own(pg, sqlite, engine):
    """Each finds and repairs its own differences."""
    sqlite.run('PRAGMA journal_mode = WAL')
    sides = {'postgresql': PgSide(pg), 'sqlite': LiteSide(sqlite)}
    damaged = {n: set(range(n, 1000, 20 + n)) for n in range(8)}
    for n in range(8):
        for name, side in sides.items():
            side.run('CREATE TABLE t%d (id %s PRIMARY KEY, v text)' % (n, 'bigint' if name == 'postgresql' else 'INTEGER'))
            side.copy('t%d' % n, [(i, 'damaged' if name == engine and i in damaged[n] else 'v%d' % (i * n))
                                  for i in range(1000)])
    remote = sides['sqlite' if engine == 'postgresql' else 'postgresql']
    bundle = remote.bundle()
    lock = threading.Lock()

    def work(n, start):
        local, table = connect(engine, pg, sqlite), 't%d' % n
        try:
            start.wait(LIMIT)
            for _ in range(3):
                assert {row.key for row in local.diff(table, bundle)} == damaged[n]
            keys = local.keys(table, bundle)
            with lock:      # the tests' one connection to the other side
                rows = remote.rows(table, keys)
            assert {cell.key for cell in local.explain(table, rows) if cell.column and cell.key in damaged[n]} == damaged[n]
            statements = local.repair(table, rows)
            with lock:      # one writer at a time is all that SQLite lets
                assert local.shell(statements).status == 0
            assert local.diff(table, bundle) == local.recheck(table, rows) == []
        finally:
            local.db.connection.close()

    if engine == 'postgresql':      # SQLite's connection of this thread is asked from others
        remote = LiteSide(Sqlite(sqlite.path, check_same_thread=False))
    many(work)
    assert {v.status for v in sides[engine].verify(bundle).values()} == {'match'}


@pytest.mark.parametrize('engine', ['postgresql', 'sqlite'])
def test_eight_connections_on_the_same_table(pg, sqlite, engine):
    """All find the same; all run the same repair at once, and each row is repaired by one of them, once."""
    sqlite.run('PRAGMA journal_mode = WAL')
    sides = {'postgresql': PgSide(pg), 'sqlite': LiteSide(sqlite)}
    damaged = set(range(0, 1000, 10))
    for name, side in sides.items():
        side.run('CREATE TABLE t (id %s PRIMARY KEY, v text)' % ('bigint' if name == 'postgresql' else 'INTEGER'))
        side.copy('t', [(i, 'damaged' if name == engine and i in damaged else 'v%d' % i) for i in range(1000)])
    local = sides[engine]
    remote = sides['sqlite' if engine == 'postgresql' else 'postgresql']
    local.run('DELETE FROM t WHERE id IN (0, 10, 20)')
    remote.run('DELETE FROM t WHERE id IN (30, 40)')
    bundle = remote.bundle(['t'])
    expected = local.diff('t', bundle)
    assert {row.key for row in expected} == damaged
    rows = remote.rows('t', local.keys('t', bundle))
    cells, statements = local.explain('t', rows), local.repair('t', rows)
    runs = []

    def work(n, start):
        side = connect(engine, pg, sqlite)
        try:
            start.wait(LIMIT)
            for _ in range(3):
                assert side.diff('t', bundle) == expected
                assert side.explain('t', rows) == cells
                assert side.repair('t', rows) == statements
            start.wait(LIMIT)       # all have read, now all write
            run = side.execute(('.timeout 60000\n' if engine == 'sqlite' else '') + ''.join(s + '\n' for s in statements))
            runs.append(run)
            assert side.diff('t', bundle) == []
        finally:
            side.db.connection.close()

    many(work)
    assert [run.status for run in runs] == [0] * 8, runs
    assert sum(reported(run)[0] for run in runs) == len(damaged)
    assert local.verify(bundle)['t'].status == 'match'


def test_a_repair_is_one_transaction(live):
    """It is made of the rows that were there, so a second run does nothing."""
    for local, remote in (live.values(), reversed(live.values())):
        local.run("UPDATE t SET v = 'damaged' WHERE id < 5")
        rows = remote.rows('t', local.keys('t', remote.bundle(['t'])))
        assert len(json.loads(rows)['rows']) == 5
        statements = local.repair('t', rows)
        assert reported(local.shell(statements)) == (5, 0, 0)
        assert reported(local.shell(statements)) == (0, 5, 0)
        assert local.verify(remote.bundle(['t']))['t'].status == 'match'
