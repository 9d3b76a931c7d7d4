"""A physical standby: in its snapshots, too, live equals full while the primary is written; and after it was promoted."""

import os
import random

import psycopg
import pytest

import load
import storm
from cluster import Cluster, wait_for

SECONDS = min(60.0, float(os.environ.get('PARITY_LIVE_SECONDS', 20)) / 2)
SEED = os.environ.get('PARITY_LIVE_SEED') or str(random.SystemRandom().randrange(10 ** 6))


class Replica(storm.Checker):
    """A checker on the standby, which has no SERIALIZABLE and lets nothing be written."""

    standby = None
    losable = True      # when it stands in the way of the recovery; the server does not always get that told

    def __init__(self, parent, number):
        super().__init__(parent, number)
        self.cluster = self.standby

    def work(self):
        self.restarted = False
        load.pick(self.r, 60, self.snapshot, 20, self.single, 10, self.function, 10, self.anew)()
        self.storm.count('rounds on the standby')

    def begin(self):
        level = self.r.choice(['REPEATABLE READ', 'REPEATABLE READ READ ONLY'])
        self.execute('BEGIN ISOLATION LEVEL ' + level)
        return level + ' on the standby'


def test_standby(capsys):
    # A query on the standby may hold up the recovery for that long and is cancelled then.
    delay = {'max_standby_streaming_delay': '1s', 'fsync': 'off'}
    with Cluster(delay) as primary:
        storm.create(primary)
        with primary.connect() as connection:
            for table in ('again', 'large'):
                connection.execute('SELECT parity.track(%s)', (table,))
        with Cluster(delay, standby_of=primary) as standby:
            Replica.standby = standby
            load_ = storm.Storm(primary, SEED, sessions=8, checkers=1, also=[(Replica, 3)])
            load_.begin()
            load_.over.wait(SECONDS)
            load_.join()
            storm.settle(primary, SEED)
            with primary.connect() as connection:
                connection.execute("SELECT parity.track('again')")     # VACUUM FULL may have been the last that it met
            digests = storm.check_all(primary, SEED, 'on the primary')
            with primary.connect() as connection:
                end = connection.execute('SELECT pg_current_wal_flush_lsn()').fetchone()[0]
            with standby.connect() as connection:
                wait_for(lambda: connection.execute('SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn', (end,)).fetchone()[0], 'replay')
                for table, digest in digests.items():
                    connection.execute('BEGIN ISOLATION LEVEL REPEATABLE READ')
                    assert connection.execute('SELECT ' + load.both([table])).fetchone()[1:] == (digest, digest), (SEED, table)
                    status = connection.execute('SELECT status FROM parity.live_status WHERE rel = %s::regclass', (table,)).fetchone()
                    assert status == ('exact',), (SEED, table, status)
                    connection.execute('COMMIT')
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                    connection.execute("SELECT parity.track('plain')")
                assert connection.execute('SELECT pg_promote(true, 60)').fetchone()[0]
                assert storm.check_all(standby, SEED, 'after the promotion') == digests
                connection.execute("INSERT INTO plain (id, t) VALUES (-1, 'written after the promotion')")
                connection.execute('SELECT parity.live_compact()')
            storm.check_all(standby, SEED, 'after writing to the promoted one')
        with capsys.disabled():
            print('\nstandby: ' + load_.words())
        assert load_.counted['rounds on the standby'] > 3 * SECONDS
