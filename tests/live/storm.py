"""A storm: sessions that write at random, others that compare the live with the full digest in snapshots of every sort.

    scripts/with-postgres.sh -- /usr/bin/python3 tests/live/storm.py [--seconds S] [--seed N] [--sessions N]

Each snapshot that is compared is one that no other process can change, so any difference is a wrong verdict: it ends the
storm and is told with seed, table, both digests and the isolation level. The seed fixes what each session does; how they
meet is up to the machine.
"""

import argparse
import collections
import contextlib
import os
import random
import sys
import threading
import time
import traceback

import psycopg
from psycopg.pq import TransactionStatus

import load
from cluster import Cluster, wait_for

LIMIT = 120     # seconds in which what a storm waits for has to happen
LEVELS = ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
# What a statement of the load may end in: it is rolled back, and the session goes on.
TOLERATED = {
    '40001': 'serialization failure', '40P01': 'deadlock', '55P03': 'lock timeout', '57014': 'cancelled', '23505': 'unique violation',
    '23503': 'foreign key violation', '23502': 'null in a key', '23514': 'no such partition', '21000': 'row meant twice',
    '27000': 'row changed by a trigger', '55006': 'table in use', 'P0001': 'raised'}
GONE = ('57P01', '57P02', '57P03', None)    # the session was ended, the server crashed; psycopg gives None for a lost connection
NOT_EXACT = '55000'


class Wrong(Exception):
    """A wrong verdict."""


class Worker(threading.Thread):
    """A session that does its work() again and again until the storm is over."""

    losable = False     # the server may end the session at any time
    patience = (500, 2000)      # how long it waits for locks, one of these
    lazy = True         # it may commit without waiting for the disk
    other = 'not exact'     # what an error is counted as that not all tolerate

    def __init__(self, storm, number):
        self.kind = type(self).__name__.lower()
        super().__init__(name='%s %d' % (self.kind, number), daemon=True)
        self.storm, self.cluster = storm, storm.cluster
        self.r = random.Random('%s/%s' % (storm.seed, self.name))
        self.connection = self.pid = None
        self.done = collections.deque(maxlen=40)    # what it executed last
        self.savepoints = 0

    def run(self):
        try:
            while not self.storm.over.is_set():
                try:
                    if self.connection is None:
                        self.connect()
                    self.work()
                except psycopg.Error as error:
                    self.failed(error)
        except Wrong as wrong:
            self.storm.fail('%s\n%s' % (wrong, self.story()))
        except BaseException:
            self.storm.fail('%s\n%s' % (traceback.format_exc(), self.story()))
        finally:
            self.disconnect()

    def connect(self):
        self.connection = self.cluster.connect(application_name=self.name.replace(' ', '-'))
        self.pid = self.connection.info.backend_pid
        self.execute('SET lock_timeout = %d' % self.r.choice(self.patience))
        if self.lazy and self.r.random() < 0.5:
            self.execute('SET synchronous_commit = off')
        self.set_up()

    def set_up(self):
        pass

    def disconnect(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = self.pid = None

    def execute(self, sql):
        self.done.append(sql if len(sql) < 400 else sql[:250] + ' … ' + sql[-120:])
        return self.connection.execute(sql)

    def one(self, sql):
        return self.execute(sql).fetchone()

    def story(self):
        return '%s (pid %s) did last:\n    %s' % (self.name, self.pid, '\n    '.join(self.done))

    def failed(self, error):
        """After an error: tolerable, or the end of the storm."""
        self.done.append('-- %s %s' % (error.sqlstate, str(error).split('\n')[0]))
        if self.connection is None or self.connection.closed or error.sqlstate in GONE:
            expected = (self.storm.killed.is_set() or self.storm.crashes or self.pid in self.storm.terminated or self.losable)
            self.disconnect()
            if not expected:
                wait_for(lambda: self.storm.killed.is_set() or self.storm.over.is_set(), 'reason for a lost session: %s\n%s' % (
                    error, self.story()), 5)
            self.storm.counted['lost session'] += 1
            if self.storm.killed.is_set():
                self.storm.over.set()
            self.storm.over.wait(0.02)      # between two tries, while the server recovers
            return
        if not self.tolerates(error):
            raise AssertionError('%s %s\nDETAIL: %s\nCONTEXT: %s' % (
                error.sqlstate, error, error.diag.message_detail, error.diag.context)) from error
        self.storm.counted[TOLERATED.get(error.sqlstate, self.other)] += 1
        try:
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                self.connection.execute('ROLLBACK')
            self.connection.execute('CLOSE ALL')        # of those WITH HOLD
        except psycopg.Error:       # cancelled or ended in the middle
            self.disconnect()

    def tolerates(self, error):
        return error.sqlstate in TOLERATED

    # ---- comparing ---------------------------------------------------------------------

    def judge(self, table, live, full, where, first=None):
        """live and full are digests of one snapshot; first is what the same snapshot gave before."""
        if live != full or (first is not None and full != first):
            about = []
            for sql in ('SELECT pg_current_snapshot(), pg_current_xact_id_if_assigned()',
                        "SELECT b.leaf::regclass, b.seq, b.file, b.truncates, b.covers, b.sums, b.xmin, b.xmax FROM parity.live_base b "
                        "JOIN parity.live l USING (id) WHERE l.rel = '%s'::regclass" % table,
                        "SELECT d.leaf::regclass, d.xid, d.sums, d.xmin, d.xmax FROM parity.live_delta d "
                        "JOIN parity.live l USING (id) WHERE l.rel = '%s'::regclass ORDER BY d.xid" % table,
                        'SELECT ctid, xmin, xmax, cmin, t.%s FROM %s t LIMIT 3000' % (load.TABLES[table].key, table),
                        "SELECT * FROM parity.live_status WHERE rel = '%s'::regclass" % table,
                        "SELECT parity.live_checksum('%s')::text, parity.checksum('%s')::text" % (table, table)):
                try:
                    about.append('%s: %s' % (sql, self.connection.execute(sql).fetchall()))
                except psycopg.Error as error:
                    about.append('%s: %s' % (sql, error))
            raise Wrong('WRONG VERDICT\nseed %s, table %s, %s\nlive %s\nfull %s%s\n%s' % (
                self.storm.seed, table, where, live, full, '\nin the same snapshot before: %s' % first if first else '', '\n'.join(about)))
        self.storm.count('comparisons')

    def compare(self, tables, where):
        """Both digests of each table by one query."""
        row = self.one('SELECT ' + load.both(tables))
        for i, table in enumerate(tables):
            self.judge(table, row[3 * i + 1], row[3 * i + 2], where + ', one query')

    def compare_in_turn(self, table, where, first=None):
        """By one query after the other, where the transaction has one snapshot."""
        self.execute('SELECT 1 FROM %s LIMIT 1' % table)    # locks it
        order = self.r.choice([('live_checksum', 'checksum'), ('checksum', 'live_checksum')])
        got = {function: self.one("SELECT parity.%s('%s')::text" % (function, table))[0] for function in order}
        self.judge(table, got['live_checksum'], got['checksum'], '%s, %s before %s' % (where, *order), first)
        return got['checksum']


class Session(Worker):
    """A writer."""

    def set_up(self):
        self.version = self.connection.info.server_version

    def write(self):
        sql = load.write(self.r, self.version)
        if 'TRUNCATE' in sql:
            self.storm.counted['TRUNCATE'] += 1
        return self.execute(sql)

    def work(self):
        load.pick(self.r, 70, self.transaction, 14, self.write, 5, self.copy, 3, self.several, 3, self.procedural, 5, self.prepared)()
        self.storm.committed()

    def copy(self):
        target, rows = load.copy_rows(self.r)
        self.done.append('COPY %s FROM STDIN -- %d rows' % (target, len(rows)))
        with self.connection.cursor() as cursor, cursor.copy('COPY %s FROM STDIN' % target) as copy:
            for row in rows:
                copy.write_row(row)

    def several(self):
        """One message of several statements: one transaction without BEGIN."""
        self.execute('; '.join(load.write(self.r, self.version) for _ in range(self.r.randint(2, 4))))

    def procedural(self):
        """Commits and rollbacks inside a DO block."""
        body = [load.write(self.r, self.version), load.block(self.r, self.version)]
        for end in self.r.choices(['COMMIT', 'ROLLBACK', 'COMMIT AND CHAIN'], k=self.r.randint(1, 3)):
            body += [load.write(self.r, self.version), end]
        self.execute(load.do('; '.join(body)))

    def prepared(self):
        """Prepared statements, planned once."""
        key, other = load.low_key(self.r), load.text(self.r)
        sql, args = self.r.choice([
            ('INSERT INTO plain (id, t) VALUES (%s, %s) ON CONFLICT DO NOTHING', (key, other)),
            ('INSERT INTO part (id, v, region) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING', (key, other, self.r.choice(load.REGIONS))),
            ('UPDATE bucketed SET v = %s WHERE id = %s', (other, key)), ('UPDATE part SET v = %s WHERE id = %s', (other, key)),
            ('DELETE FROM loose WHERE a = %s', (key,)), ('INSERT INTO loose (a, b) VALUES (%s, %s)', (key, other))])
        self.done.append('%s -- %s, prepared' % (sql, args))
        self.connection.execute(sql, args, prepare=True)

    def transaction(self):
        level = self.r.choice(LEVELS)
        self.execute('BEGIN ISOLATION LEVEL ' + level)
        if level != LEVELS[0] and self.r.random() < 0.15:
            self.execute('SELECT 1')            # the snapshot is older than what it meets
            self.storm.wait_commits(self.r.randrange(20))
        if self.r.random() < 0.1:
            self.execute('SET CONSTRAINTS ALL %s' % self.r.choice(['IMMEDIATE', 'DEFERRED']))
        kept = self.steps(level, 0)
        if self.r.random() < 0.2:
            self.check(level, 'before its end')
        end = load.pick(self.r, 70, 'COMMIT', 14, 'ROLLBACK', 3, 'COMMIT AND CHAIN', 16, 'PREPARE')
        if end == 'PREPARE' and not kept:
            self.execute("PREPARE TRANSACTION '%s'" % self.storm.transaction_name())
            self.storm.counted['PREPARE TRANSACTION'] += 1
            return
        self.execute('COMMIT' if end == 'PREPARE' else end)
        if end == 'COMMIT AND CHAIN':
            self.write()
            self.check(level, 'in a chained transaction')
            self.execute('COMMIT')
        if kept and end != 'ROLLBACK':
            self.fetch('held', kept, level + ', cursor WITH HOLD')
            self.execute('CLOSE held')

    def steps(self, level, depth):
        """Gives the table of which it leaves a cursor WITH HOLD, if it does."""
        kept = None
        for _ in range(self.r.randint(1, 4)):
            step = load.pick(self.r, 50, 'write', 6, 'copy', 14 if depth < 3 else 0, 'savepoint', 8, 'block', 5, 'lock', 7, 'check',
                             4, 'cursor', 3, 'with', 1 if depth == 0 and not kept else 0, 'hold')
            if step == 'savepoint':
                self.savepoint(level, depth)
            elif step == 'block':
                self.execute(load.do(load.block(self.r, self.version)))
            elif step == 'lock':
                table = self.r.choice(['plain', 'named', 'part', 'child', 'bucketed'])
                strength = self.r.choice(['UPDATE', 'NO KEY UPDATE', 'SHARE', 'KEY SHARE', 'UPDATE SKIP LOCKED'])
                self.execute('SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s FOR %s) x' % (
                    table, load.TABLES[table].where(self.r), strength))
                self.execute(load.update(self.r, load.TABLES[table]))
            elif step == 'check':
                self.check(level, 'in a writing transaction')
            elif step == 'cursor':
                self.cursor(level)
            elif step == 'with':
                self.check_with(level)
            elif step == 'hold':
                kept = self.r.choice(load.STEADY)
                self.execute('DECLARE held CURSOR WITH HOLD FOR SELECT ' + load.both([kept]))
            else:
                getattr(self, step)()
        return kept

    def savepoint(self, level, depth):
        self.savepoints += 1
        name = 's%d' % self.savepoints
        self.execute('SAVEPOINT ' + name)
        try:
            self.steps(level, depth + 1)
        except psycopg.Error as error:
            if self.connection.closed or not self.tolerates(error):
                raise
            self.done.append('-- %s %s' % (error.sqlstate, str(error).split('\n')[0]))
            self.storm.counted['error in a savepoint'] += 1
            self.execute('ROLLBACK TO ' + name)
            if self.r.random() < 0.3:
                self.check(level, 'after ROLLBACK TO of an error')
            return
        end = load.pick(self.r, 4, 'RELEASE ', 4, 'ROLLBACK TO ', 1, None)
        if end:
            self.execute(end + name)
            if self.r.random() < 0.3:
                self.check(level, 'after ' + end)

    def check(self, level, where):
        tables = self.r.sample(load.STEADY, self.r.randint(1, 3))
        where = '%s, %s' % (level, where)
        if level == LEVELS[0] or self.r.random() < 0.5:
            self.compare(tables, where)
        else:
            for table in tables:
                self.compare_in_turn(table, where)
        self.storm.count('snapshots')

    def check_with(self, level):
        """The query that writes and compares at once has the snapshot from before it."""
        table = self.r.choice(load.STEADY)
        target = load.TABLES[self.r.choice(['plain', 'loose', 'bucketed', 'part'])]
        row = self.one('WITH w AS (%s RETURNING 1) SELECT %s, (SELECT count(*) FROM w)' % (
            load.insert(self.r, target, far=True), load.both([table])))
        self.judge(table, row[1], row[2], '%s, in the query that writes to %s' % (level, target.name))
        self.storm.count('snapshots')

    def fetch(self, name, table, where):
        row = self.one('FETCH ' + name)
        self.judge(table, row[1], row[2], where)
        self.storm.count('snapshots')

    def cursor(self, level):
        """A cursor sees what its transaction had done when it was opened, no later write."""
        self.savepoints += 1
        name, table = 'c%d' % self.savepoints, self.r.choice(load.STEADY)
        self.execute('DECLARE %s CURSOR FOR SELECT %s' % (name, load.both([table])))
        self.execute('SAVEPOINT %s' % name)
        undo = self.r.random() < 0.4
        try:
            for _ in range(self.r.randint(0, 3)):
                self.write()
        except psycopg.Error as error:
            if self.connection.closed or not self.tolerates(error):
                raise
            undo = True
        if undo:
            self.execute('ROLLBACK TO %s' % name)
        self.fetch(name, table, '%s, cursor opened before the last writes%s' % (level, ' and their undoing' if undo else ''))
        self.execute('CLOSE %s' % name)


class Checker(Worker):
    """A reader, with snapshots of every sort."""

    def set_up(self):
        if self.r.random() < 0.3:       # plans with parallel workers
            self.execute('SET parallel_setup_cost = 0')
            self.execute('SET parallel_tuple_cost = 0')
            self.execute('SET min_parallel_table_scan_size = 0')

    def tolerates(self, error):
        return error.sqlstate in TOLERATED or error.sqlstate == NOT_EXACT and self.restarted

    def work(self):
        self.restarted = False      # True: what is asked for is a table that is being tracked anew
        load.pick(self.r, 50, self.snapshot, 12, self.single, 10, self.function, 8, self.cursors, 6, self.exported, 8, self.verify,
                  6, self.anew)()

    def begin(self):
        level = self.r.choice(['REPEATABLE READ', 'REPEATABLE READ', 'REPEATABLE READ READ ONLY', 'SERIALIZABLE', 'SERIALIZABLE READ ONLY']
                              + ['SERIALIZABLE READ ONLY, DEFERRABLE'] * (self.r.random() < 0.1))
        self.execute('BEGIN ISOLATION LEVEL ' + level)
        return level

    def some(self):
        return self.r.sample(load.STEADY, self.r.randint(1, len(load.STEADY)))

    def snapshot(self):
        """One snapshot, all or some tables, each asked once or twice, at once or when others have long gone on."""
        where, late, hold = self.begin(), self.r.random() < 0.3, self.r.random() < 0.3
        if late:
            self.execute('SELECT 1')
            self.storm.wait_commits(self.r.randrange(80))
            where += ', late'
        found = {table: self.compare_in_turn(table, where) for table in self.some()}
        for table in found:
            if load.TABLES[table].bits:
                self.buckets(table, where)
        if hold:    # what is read is locked now, so that no TRUNCATE comes in between
            self.storm.wait_commits(self.r.randrange(80))
            for table, first in found.items():
                self.compare_in_turn(table, where + ', held', first)
        self.execute(self.r.choice(['COMMIT', 'ROLLBACK']))
        self.storm.count('snapshots')

    def buckets(self, table, where):
        live = self.execute("SELECT bucket, digest::text FROM parity.live_buckets('%s')" % table).fetchall()
        full = self.execute("SELECT bucket, digest::text FROM parity.buckets('%s', %d)" % (table, load.TABLES[table].bits)).fetchall()
        self.judge(table, sorted(live), sorted(full), where + ', buckets')

    def single(self):
        self.compare(self.some(), 'READ COMMITTED')
        self.storm.count('snapshots')

    def function(self):
        """A STABLE function uses the snapshot of the query that calls it."""
        table = self.r.choice(load.STEADY)
        live, full = self.one("SELECT live, whole FROM both_digests('%s')" % table)
        self.judge(table, live, full, 'READ COMMITTED, in a STABLE function')
        self.storm.count('snapshots')

    def cursors(self):
        """Cursors hold their snapshots while others go on, under READ COMMITTED as well."""
        level = self.r.choice(LEVELS)
        self.execute('BEGIN ISOLATION LEVEL ' + level)
        tables = self.some()[:4]
        for i, table in enumerate(tables):
            self.execute('DECLARE c%d CURSOR FOR SELECT %s' % (i, load.both([table])))
            self.storm.wait_commits(self.r.randrange(20))
        for i, table in enumerate(tables):
            row = self.one('FETCH c%d' % i)
            self.judge(table, row[1], row[2], level + ', cursor')
            self.storm.count('snapshots')
        self.execute('COMMIT')

    def exported(self):
        """A snapshot that two sessions share: the one reads the live digests, the other the full ones."""
        where = self.begin()
        if 'DEFERRABLE' in where:
            return self.execute('COMMIT')
        name = self.one('SELECT pg_export_snapshot()')[0]
        tables = self.some()
        with contextlib.closing(self.cluster.connect(application_name='checker-import')) as other:
            other.execute('SET lock_timeout = 1000')
            other.execute('BEGIN ISOLATION LEVEL ' + ('REPEATABLE READ' if 'REP' in where else where))
            try:
                other.execute("SET TRANSACTION SNAPSHOT '%s'" % name)
            except psycopg.errors.InvalidParameterValue:
                return self.execute('COMMIT')       # which tells that this session was ended meanwhile, and the snapshot with it
            for table in tables:
                self.execute('SELECT 1 FROM %s LIMIT 1' % table)
                self.judge(table, other.execute("SELECT parity.live_checksum('%s')::text" % table).fetchone()[0],
                           self.one("SELECT parity.checksum('%s')::text" % table)[0], where + ', snapshot shared with another session')
        self.execute('COMMIT')
        self.storm.count('snapshots')

    def verify(self):
        table = self.r.choice(load.STEADY)
        match, live, full = self.one("SELECT match, live::text, checksum::text FROM parity.live_verify('%s')" % table)
        self.judge(table, live, full, 'READ COMMITTED, live_verify')
        if not match:
            raise Wrong('seed %s: live_verify of %s says no, and gives %s twice' % (self.storm.seed, table, live))
        self.storm.count('snapshots')

    def anew(self):
        """A table that is tracked anew meanwhile may be refused for that, but not wrong."""
        self.restarted = True
        table = load.pick(self.r, 3, 'again', 1, 'large')
        if self.r.random() < 0.5:
            self.compare([table], 'READ COMMITTED, tracked anew meanwhile')
        else:
            where = self.begin() + ', tracked anew meanwhile'
            first = self.compare_in_turn(table, where)
            self.storm.wait_commits(self.r.randrange(40))
            self.compare_in_turn(table, where, first)
            self.execute('COMMIT')
        self.storm.count('snapshots')
        self.storm.count('comparisons of tables tracked anew')


class Compactor(Worker):
    """Calls live_compact: by itself, in transactions that write, in old snapshots, and rolled back."""

    def work(self):
        call = 'SELECT parity.live_compact(%s)' % self.r.choice(['', '', "'%s'" % self.r.choice(load.STEADY), 'NULL'])
        way = load.pick(self.r, 60, 'alone', 10, 'rolled back', 10, 'after a write', 10, 'old snapshot', 10, 'savepoint')
        if way == 'alone':
            folded = self.one(call)[0]
        else:
            level = self.r.choice(LEVELS)
            self.execute('BEGIN ISOLATION LEVEL ' + level)
            table = self.r.choice(load.STEADY)
            if way == 'old snapshot':
                self.execute('SELECT 1')
                self.storm.wait_commits(self.r.randrange(30))
            if way == 'after a write':
                self.execute(load.update(self.r, load.TABLES['plain']))
            if way == 'savepoint':
                self.execute('SAVEPOINT s')
            folded = self.one(call)[0]
            if way == 'savepoint':
                self.execute('ROLLBACK TO s')
            self.compare([table], '%s, after live_compact, %s' % (level, way))
            self.execute('ROLLBACK' if way == 'rolled back' else 'COMMIT')
        self.storm.count('folded', folded)
        self.storm.count('compactions')
        self.storm.wait_commits(self.r.randrange(12))


class Tracker(Worker):
    """Tracks two of the tables anew from time to time: a small one, and one whose first digest comes later."""

    def work(self):
        self.storm.wait_commits(self.r.randrange(150), 5)
        table = load.pick(self.r, 3, 'again', 2, 'large')
        if self.r.random() < 0.3:
            self.execute("BEGIN; SELECT parity.untrack('%s'); SELECT parity.track('%s'); COMMIT" % (table, table))
        else:
            self.execute("SELECT parity.track('%s')" % table)
        self.storm.count('trackings anew')

    def tolerates(self, error):
        return error.sqlstate in TOLERATED or error.sqlstate == NOT_EXACT


class Keeper(Worker):
    """What runs on a server besides: VACUUM in all forms, and such. VACUUM FULL writes a table anew, which is to be noticed."""

    def work(self):
        self.storm.wait_commits(self.r.randrange(60))
        table = self.r.choice(load.STEADY)
        self.execute(load.pick(self.r, 10, 'VACUUM ' + table, 6, 'VACUUM (FREEZE, ANALYZE) ' + table, 2, 'VACUUM FULL again',
                               4, 'VACUUM parity.live_delta', 2, 'ANALYZE', 1, 'CHECKPOINT', 1, 'REINDEX TABLE CONCURRENTLY ' + table))
        self.storm.count('vacuums')


class Resolver(Worker):
    """Ends prepared transactions, a little after they came."""

    def work(self):
        names = [row[0] for row in self.execute('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()')]
        self.storm.wait_commits(self.r.randrange(1, 15), 0.3)
        for name in names:
            self.execute("%s PREPARED '%s'" % (self.r.choice(['COMMIT', 'COMMIT', 'ROLLBACK']), name))
            self.storm.count('prepared transactions ended')

    def tolerates(self, error):     # PREPARE TRANSACTION has not quite ended, or the session was cancelled and comes again
        return error.sqlstate in TOLERATED or 'is busy' in str(error)


class Canceller(Worker):
    """Cancels what the others do, and sometimes ends their sessions."""

    def work(self):
        self.storm.wait_commits(self.r.randrange(1, 10))
        worker = self.r.choice(self.storm.workers)
        pid = worker.pid
        if pid is None or worker is self:
            return
        if self.r.random() < 0.06:
            self.storm.terminated.add(pid)
            self.one('SELECT pg_terminate_backend(%d)' % pid)
            self.storm.count('terminated')
        else:
            self.one('SELECT pg_cancel_backend(%d)' % pid)


def create(cluster):
    """The database of the load, its steady tables tracked."""
    with cluster.connect('postgres') as connection:
        connection.execute('CREATE DATABASE parity')
    with cluster.connect() as connection:
        connection.execute('CREATE EXTENSION parity')
        connection.execute(load.SCHEMA)
        for name in load.STEADY:
            connection.execute('SELECT parity.track(%s, %s)', (name, load.TABLES[name].bits))


class Storm:
    """All of its sessions. `begin`, then `end` or (the server being killed) `lost`."""

    def __init__(self, cluster, seed, sessions=16, checkers=3, compactors=2, trackers=1, also=(), only=()):
        self.cluster, self.seed = cluster, seed
        self.over, self.killed, self.crashes = threading.Event(), threading.Event(), False
        self.commits, self.changed = 0, threading.Condition()
        self.counted = collections.Counter()
        self.failures, self.terminated = [], set()
        kinds = only or [(Session, sessions), (Checker, checkers), (Compactor, compactors), (Tracker, trackers), (Keeper, 1),
                 (Resolver, 1), (Canceller, 1), *also]
        self.workers = [kind(self, i + 1) for kind, number in kinds for i in range(number)]

    def begin(self):
        self.started = time.monotonic()
        for worker in self.workers:
            worker.start()

    def pids(self):
        return {worker.pid for worker in self.workers} - {None}

    def count(self, what, number=1):
        with self.changed:
            self.counted[what] += number

    def committed(self):
        with self.changed:
            self.commits += 1
            self.changed.notify_all()

    def wait_commits(self, number, limit=2):
        """Until so many more transactions of the load have ended; not for ever, since they may wait for the caller."""
        with self.changed:
            target = self.commits + number
            self.changed.wait_for(lambda: self.commits >= target or self.over.is_set(), limit)

    def transaction_name(self):
        with self.changed:
            self.counted['names'] += 1
            return 'storm %s %d' % (self.seed, self.counted['names'])

    def fail(self, what):
        with self.changed:
            self.failures.append(what)
            self.over.set()
            self.changed.notify_all()

    def join(self):
        with self.changed:
            self.over.set()
            self.changed.notify_all()
        # Who still waits for a lock of a prepared transaction gets its lock_timeout.
        deadline = time.monotonic() + LIMIT
        for worker in self.workers:
            worker.join(max(0, deadline - time.monotonic()))
        stuck = [worker for worker in self.workers if worker.is_alive()]
        if stuck:
            self.failures.append('not ended:\n' + '\n'.join(worker.story() for worker in stuck))
        assert not self.failures, self.words() + '\n' + '\n----\n'.join(self.failures[:3])

    def words(self):
        return 'seed %s, %.0f s, %d transactions: %s' % (self.seed, time.monotonic() - self.started, self.commits, ', '.join(
            '%s %d' % pair for pair in sorted(self.counted.items())))


def settle(cluster, seed):
    """All prepared transactions ended, at random."""
    r = random.Random('%s/settle' % seed)
    with cluster.connect() as connection:
        for (name,) in connection.execute('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()').fetchall():
            connection.execute("%s PREPARED '%s'" % (r.choice(['COMMIT', 'ROLLBACK']), name))


def check_all(cluster, seed, where, database='parity', refusable=()):
    """At rest: live = full = live_verify, and every status is exact, but that of refusable tables. Gives the digests."""
    digests = {}
    with cluster.connect(database) as connection:
        for table in load.TABLES:
            if table in refusable and not sound(connection, table, 'seed %s, %s' % (seed, where)):
                continue
            level = 'REPEATABLE READ'
            connection.execute('BEGIN ISOLATION LEVEL ' + level)
            live, full = (connection.execute("SELECT parity.%s('%s')::text" % (function, table)).fetchone()[0]
                          for function in ('live_checksum', 'checksum'))
            match, verify_live, verify_full = connection.execute(
                "SELECT match, live::text, checksum::text FROM parity.live_verify('%s')" % table).fetchone()
            connection.execute('COMMIT')
            status, reason = connection.execute(
                "SELECT status, reason FROM parity.live_status WHERE rel = '%s'::regclass" % table).fetchone()
            if load.TABLES[table].bits:
                list_ = 'SELECT array_agg((bucket, digest)::text ORDER BY bucket) FROM parity.'
                buckets = [connection.execute(list_ + call).fetchone()[0] for call in (
                    "live_buckets('%s')" % table, "buckets('%s', %d)" % (table, load.TABLES[table].bits))]
                assert buckets[0] == buckets[1], 'seed %s, %s, table %s: buckets differ: %s' % (seed, where, table, buckets)
            assert live == full == verify_live == verify_full and match and status == 'exact', (
                'WRONG VERDICT\nseed %s, %s, table %s, %s\nlive %s\nfull %s\nlive_verify %s %s %s\nstatus %s (%s)' % (
                    seed, where, table, level, live, full, match, verify_live, verify_full, status, reason))
            digests[table] = full
    return digests


def sound(connection, table, where):
    """Equal, or refused with a reason and a status that says so. Never wrong. Gives whether equal."""
    try:
        live, full = connection.execute('SELECT %s' % load.both([table])).fetchone()[1:]
    except psycopg.Error as error:
        assert error.sqlstate == NOT_EXACT, '%s, %s: %s %s' % (where, table, error.sqlstate, error)
        row = connection.execute('SELECT status, reason FROM parity.live_status WHERE rel = %s::regclass', (table,)).fetchone()
        assert row is None or row[0] != 'exact', '%s, %s: exact, but %s' % (where, table, error)
        return False
    assert live == full, 'WRONG VERDICT\n%s, table %s, READ COMMITTED\nlive %s\nfull %s' % (where, table, live, full)
    return True


def run(seconds, seed, sessions=16):
    """A whole storm, on a server of its own. Gives what it counted, raises when anything was wrong."""
    with Cluster({'fsync': 'off', 'shared_buffers': '256MB'}) as cluster:
        create(cluster)
        storm = Storm(cluster, seed, sessions)
        storm.begin()
        storm.over.wait(seconds)
        storm.join()
        settle(cluster, seed)
        with cluster.connect() as connection:
            for table in ('again', 'large'):    # if the storm was too short for it
                connection.execute("SELECT parity.track(%s)", (table,))
        digests = check_all(cluster, seed, 'at the end')
        with cluster.connect() as connection:
            connection.execute('SELECT parity.live_compact()')
            left = connection.execute('SELECT coalesce(sum(deltas), 0) FROM parity.live_status').fetchone()[0]
            assert left == 0, 'seed %s: %d deltas left after a compaction with nobody else there' % (seed, left)
        assert check_all(cluster, seed, 'after the last compaction') == digests
        return storm


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=float, default=float(os.environ.get('PARITY_LIVE_SECONDS', 20)))
    parser.add_argument('--seed', default=os.environ.get('PARITY_LIVE_SEED', str(random.SystemRandom().randrange(10 ** 6))))
    parser.add_argument('--sessions', type=int, default=16)
    args = parser.parse_args()
    print('seed', args.seed, flush=True)
    print(run(args.seconds, args.seed, args.sessions).words())


if __name__ == '__main__':
    try:
        main()
    except AssertionError as failure:
        sys.exit(str(failure))
