"""A storm of the length of PARITY_LIVE_SECONDS (20), and PARITY_LIVE_KILLS (3) kills of the server under the same load."""

import os
import random
import threading

import crash
import load
import storm
from cluster import Cluster

SECONDS = float(os.environ.get('PARITY_LIVE_SECONDS', 20))
KILLS = int(os.environ.get('PARITY_LIVE_KILLS', 3))
SEED = os.environ.get('PARITY_LIVE_SEED') or str(random.SystemRandom().randrange(10 ** 6))


def test_storm(capsys):
    """Live equals full in every snapshot that was taken meanwhile, and at the end."""
    over = storm.run(SECONDS, SEED)
    with capsys.disabled():
        print('\nstorm: ' + over.words())
    # It was one: of every sort something came through.
    assert over.commits > 5 * SECONDS and over.counted['snapshots'] > 10 * SECONDS
    for what in ('comparisons', 'compactions', 'folded', 'PREPARE TRANSACTION', 'prepared transactions ended', 'TRUNCATE', 'cancelled',
                 'error in a savepoint', 'serialization failure', 'unique violation', 'trackings anew'):
        assert over.counted[what], 'none: %s' % what


def test_kills(capsys):
    counted = crash.run(KILLS, SEED)
    with capsys.disabled():
        print('\nkills, seed %s: %s' % (SEED, ', '.join('%s %d' % pair for pair in sorted(counted.items()))))
    assert counted['kills'] == KILLS and counted['comparisons meanwhile']


def test_prepared_transactions():
    """While PREPARE TRANSACTION runs, its number stands twice among those that a snapshot finds running."""
    over, rounds, failures = threading.Event(), 4000, []

    def session(cluster, work):
        try:
            with cluster.connect() as connection:
                work(connection)
        except BaseException as error:
            failures.append(repr(error))
        finally:
            over.set()

    def write(number):
        def work(connection):
            for _ in range(rounds):
                if over.is_set():
                    break
                connection.execute("BEGIN; INSERT INTO loose (a) VALUES (1); PREPARE TRANSACTION 'p%d'" % number)
                connection.execute("COMMIT PREPARED 'p%d'" % number)
        return work

    def compact(connection):
        while not over.is_set():
            connection.execute("SELECT parity.live_compact('loose')")

    def compare(connection):
        while not over.is_set():
            live, full = connection.execute('SELECT ' + load.both(['loose'])).fetchone()[1:]
            assert live == full, 'WRONG VERDICT\ntable loose, READ COMMITTED\nlive %s\nfull %s' % (live, full)

    with Cluster({'fsync': 'off'}) as cluster:
        storm.create(cluster)
        threads = [threading.Thread(target=session, args=(cluster, work))
                   for work in [*map(write, range(5)), compact, compact, compare, compare]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(storm.LIMIT)
        assert not failures and not any(thread.is_alive() for thread in threads), failures
        with cluster.connect() as connection:
            assert storm.sound(connection, 'loose', 'prepared transactions')
