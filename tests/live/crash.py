"""The same load, and the server killed with signal 9 under it, again and again; after each recovery live equals full.

    scripts/with-postgres.sh -- /usr/bin/python3 tests/live/crash.py [--kills N] [--seed N]

The server writes to disk as PostgreSQL does by default (fsync, full pages); some sessions commit without waiting for it.
Prepared transactions outlive the kill: the tables are compared with them pending and once more when they have ended.
"""

import argparse
import collections
import os
import random
import sys

import psycopg

import load
import storm
from cluster import Cluster, wait_for
from storm import Storm

SESSIONS, CHECKERS = 8, 2
# An unlogged table is empty after a crash, whatever any other table says of it.
UNLOGGED = """
CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY, v text);
INSERT INTO fleeting SELECT i, 'v' FROM generate_series(1, 50) i;
"""
# Tables that a prepared transaction has locked against readers: TRUNCATE.
CLOSED = """
SELECT DISTINCT coalesce(pg_partition_root(relation), relation)::regclass::text FROM pg_locks
WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS NULL
    AND relation IN (SELECT oid FROM pg_class WHERE relkind IN ('r', 'p'))
"""


def track_unlogged(connection):
    """True if such a table can be tracked at all."""
    connection.execute('DROP TABLE IF EXISTS fleeting')
    connection.execute(UNLOGGED)
    try:
        connection.execute("SELECT parity.track('fleeting')")
    except psycopg.Error as error:
        assert error.sqlstate in (storm.NOT_EXACT, '0A000', '42809'), '%s %s' % (error.sqlstate, error)
        return False
    connection.execute("INSERT INTO fleeting VALUES (0, 'later')")
    assert storm.sound(connection, 'fleeting', 'before the kill')
    return True


def check_all(cluster, seed, where):
    # VACUUM FULL may have come between the last tracking of this one and the kill
    storm.check_all(cluster, seed, where, refusable=('again',))


def run(kills, seed, report=lambda words: None):
    """Gives what it counted, raises when anything was wrong."""
    r = random.Random('%s/kills' % seed)
    counted = collections.Counter()
    with Cluster({'checkpoint_timeout': '30s'}) as cluster:
        storm.create(cluster)
        with cluster.connect() as connection:
            for table in ('again', 'large'):
                connection.execute("SELECT parity.track(%s)", (table,))
        for number in range(1, kills + 1):
            where = 'kill %d of seed %s' % (number, seed)
            with cluster.connect() as connection:
                unlogged = track_unlogged(connection)
            load_ = Storm(cluster, '%s/%d' % (seed, number), SESSIONS, CHECKERS)
            load_.begin()
            if number % 4 == 0:     # before it, one process alone: the server ends the others and recovers by itself
                load_.wait_commits(r.randrange(10, 80), 60)
                load_.crashes = True
                victim = r.choice([worker for worker in load_.workers if isinstance(worker, (storm.Session, storm.Compactor))])
                pid = wait_for(lambda: victim.pid or load_.over.is_set(), 'victim')
                if pid in load_.pids() and cluster.kill_backend(pid):
                    counted['processes killed'] += 1
                    # the next one of its sessions is another process
                    wait_for(lambda: load_.over.is_set() or victim.pid not in (None, pid), 'recovery')
            load_.wait_commits(r.randrange(5, 150), 60)
            load_.killed.set()
            cluster.kill()
            load_.join()
            assert load_.commits, where + ': nothing was committed before it'
            cluster.start()
            with cluster.connect() as connection:
                pending = connection.execute('SELECT count(*) FROM pg_prepared_xacts').fetchone()[0]
                closed = {row[0] for row in connection.execute(CLOSED)}
                if closed:
                    for table in load.TABLES:
                        assert table in closed or storm.sound(connection, table, where) or table == 'again', (where, table)
                    counted['kills with a table closed by a prepared TRUNCATE'] += 1
            if not closed:
                check_all(cluster, seed, '%s, %d prepared transactions pending' % (where, pending))
            if pending:
                counted['kills with prepared transactions'] += 1
                counted['prepared transactions that came through'] += pending
                storm.settle(cluster, '%s/%d' % (seed, number))
                check_all(cluster, seed, where + ', prepared transactions ended')
            with cluster.connect() as connection:
                if unlogged:
                    storm.sound(connection, 'fleeting', where)
                if r.random() < 0.5:
                    connection.execute('SELECT parity.live_compact()')
                    check_all(cluster, seed, where + ', compacted')
            counted['kills'] += 1
            counted['transactions'] += load_.commits
            counted['comparisons meanwhile'] += load_.counted['comparisons']
            report('kill %d: %s' % (number, load_.words()))
    return counted


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--kills', type=int, default=int(os.environ.get('PARITY_LIVE_KILLS', 3)))
    parser.add_argument('--seed', default=os.environ.get('PARITY_LIVE_SEED', str(random.SystemRandom().randrange(10 ** 6))))
    args = parser.parse_args()
    print('seed', args.seed, flush=True)
    counted = run(args.kills, args.seed, lambda words: print(words, flush=True))
    print('seed %s: %s' % (args.seed, ', '.join('%s %d' % pair for pair in sorted(counted.items()))))


if __name__ == '__main__':
    try:
        main()
    except AssertionError as failure:
        sys.exit(str(failure))
