"""Random sequences of what may happen to a tracked table besides writes: every kind of ALTER TABLE, partitions coming and going,
triggers switched off, rows changed behind them, in transactions and savepoints that are rolled back in part.

After each step, in a new and in an old snapshot, the live checksum equals the full one or is refused. It is never wrong."""

import os
import random

import psycopg
import pytest

from cluster import Cluster
from storm import NOT_EXACT

SEED = os.environ.get('PARITY_LIVE_SEED') or str(random.SystemRandom().randrange(10 ** 6))
ROUNDS = int(os.environ.get('PARITY_LIVE_ALTERATIONS', 40))
SCHEMA = """
DROP TABLE IF EXISTS t, side, side2, elder CASCADE;
DROP TYPE IF EXISTS mood, pair CASCADE;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE elder (id int, v text);
DELETE FROM parity.override;
"""
PLAIN = """
CREATE TABLE t (id int PRIMARY KEY, v text, n numeric, m mood, p pair, s varchar(20));
INSERT INTO t SELECT i, 'v' || i, i, 'good', (i, 'b')::pair, 's' FROM generate_series(1, 20) i;
"""
PARTITIONED = """
CREATE TABLE t (id int, v text, n numeric, m mood, p pair, s varchar(20), PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id);
CREATE TABLE t21 PARTITION OF t2 FOR VALUES FROM (100) TO (150);
INSERT INTO t SELECT i, 'v' || i, i, 'good', (i, 'b')::pair, 's' FROM generate_series(1, 20) i;
INSERT INTO t SELECT i, 'v' || i, i, 'good', (i, 'b')::pair, 's' FROM generate_series(101, 110) i;
CREATE TABLE side (id int NOT NULL, v text, n numeric, m mood, p pair, s varchar(20));
INSERT INTO side SELECT i, 'side', i, 'bad', NULL, NULL FROM generate_series(301, 305) i;
"""
WRITES = [
    "INSERT INTO t (id, v) VALUES ({k}, 'new') ON CONFLICT DO NOTHING",
    "UPDATE t SET v = v || '.' WHERE id % 5 = {d}",
    'DELETE FROM t WHERE id = {k}',
    'UPDATE t SET n = n + 1, id = id WHERE id = {k}',
]
TRUNCATES = ['TRUNCATE t', 'TRUNCATE {one}']
# {one}: t, or a partition
ALTERATIONS = [
    "ALTER TABLE {one} ALTER v TYPE text USING v || 'x'",
    'ALTER TABLE t ALTER n TYPE numeric USING n + 1',
    'ALTER TABLE t ALTER s TYPE varchar(30)',
    'ALTER TABLE t ALTER s TYPE text',
    'ALTER TABLE t ADD x int DEFAULT 4',
    'ALTER TABLE t ADD x text DEFAULT clock_timestamp()',
    'ALTER TABLE t DROP COLUMN x',
    'ALTER TABLE t RENAME v TO w',
    'ALTER TABLE t RENAME w TO v',
    'ALTER TABLE t RENAME n TO nn',
    'ALTER TABLE t RENAME nn TO n',
    'ALTER TABLE t RENAME TO u',
    'ALTER TABLE u RENAME TO t',
    'ALTER TABLE t SET SCHEMA elsewhere',
    'ALTER TABLE elsewhere.t SET SCHEMA public',
    'VACUUM FULL {one}',
    'CLUSTER {one}',
    'CREATE INDEX ON t (v)',
    'ALTER TABLE {one} SET UNLOGGED',
    'ALTER TABLE {one} SET LOGGED',
    'ALTER TABLE {one} DISABLE TRIGGER ALL',
    'ALTER TABLE {one} ENABLE TRIGGER ALL',
    'ALTER TABLE {one} DISABLE TRIGGER USER',
    'ALTER TABLE {one} ENABLE TRIGGER USER',
    "ALTER TYPE mood RENAME VALUE 'good' TO 'fine'",
    "ALTER TYPE mood RENAME VALUE 'fine' TO 'good'",
    "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'so so'",
    'ALTER TYPE pair ADD ATTRIBUTE c int',
    'ALTER TYPE pair DROP ATTRIBUTE c',
    "SELECT parity.set_spec('t', '{{\"exclude\": [\"n\"]}}')",
    "SELECT parity.set_spec('t', NULL)",
    'ALTER TABLE t DROP CONSTRAINT t_pkey',
    'ALTER TABLE t ADD PRIMARY KEY (id)',
    'ALTER TABLE t ENABLE ROW LEVEL SECURITY',
    'ALTER TABLE t DISABLE ROW LEVEL SECURITY',
    'SET session_replication_role = replica',
    'RESET session_replication_role',
    'CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING',
    'DROP RULE IF EXISTS r ON t',
    'REINDEX TABLE t',
    'SELECT parity.live_compact()',
    "SELECT parity.live_compact('t')",
    "SELECT parity.track('t')",
    "SELECT parity.track('t', 3)",
    "SELECT parity.untrack('t')",
    'ALTER TABLE {one} ALTER v SET STORAGE EXTERNAL',
    'ALTER TABLE {one} SET (fillfactor = 50)',
    'ALTER TABLE t REPLICA IDENTITY FULL',
    'ALTER TABLE t ALTER m TYPE text',
    'ALTER TABLE t ALTER m TYPE mood USING m::mood',
]
OF_PLAIN = [
    'ALTER TABLE t INHERIT elder',
    'ALTER TABLE t NO INHERIT elder',
    'CREATE TABLE IF NOT EXISTS side () INHERITS (t)',
    "INSERT INTO side (id, v) VALUES ({k}, 'heir')",
    'TRUNCATE ONLY t',
    'DROP TABLE IF EXISTS side',
    'DROP TABLE t; CREATE TABLE t AS SELECT {k} AS id, NULL::text AS v, 1.5 AS n',
    'ALTER TABLE t RENAME TO side; CREATE TABLE t (LIKE side INCLUDING ALL)',
]
OF_PARTITIONED = [
    'ALTER TABLE t DETACH PARTITION t1',
    'ALTER TABLE t ATTACH PARTITION t1 FOR VALUES FROM (0) TO (100)',
    'ALTER TABLE t ATTACH PARTITION side FOR VALUES FROM (300) TO (400)',
    'ALTER TABLE t DETACH PARTITION side',
    'ALTER TABLE t DETACH PARTITION side CONCURRENTLY',
    'ALTER TABLE t ATTACH PARTITION side DEFAULT',
    'DROP TABLE t21',
    'CREATE TABLE t22 PARTITION OF t2 FOR VALUES FROM (150) TO (200)',
    'ALTER TABLE t2 DETACH PARTITION t21',
    'ALTER TABLE t2 ATTACH PARTITION t21 FOR VALUES FROM (100) TO (150)',
    'ALTER TABLE t DETACH PARTITION t2',
    'ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (100) TO (200)',
    "INSERT INTO side (id, v) VALUES (300 + {d}, 'apart')",
    "UPDATE t1 SET v = 'direct' WHERE id % 3 = 1",
    'DELETE FROM t21 WHERE id % 4 = 1',
    "INSERT INTO t22 (id, v) VALUES (160 + {d}, 'x')",
    'TRUNCATE side',
    'DROP TABLE IF EXISTS t22',
    'UPDATE t SET id = id + 100 WHERE id = {k}',
    'ALTER TABLE t1 RENAME TO t9',
    'ALTER TABLE t9 RENAME TO t1',
]


def digests(connection, table):
    """Both, or None and the words of the refusal; None, None when there is no such table."""
    try:
        connection.execute('SELECT 1 FROM %s LIMIT 1' % table)
    except (psycopg.errors.UndefinedTable, psycopg.errors.QueryCanceled):
        return None, None
    try:
        full = connection.execute("SELECT parity.checksum('%s')::text" % table).fetchone()[0]
    except psycopg.Error as error:      # of a table that has become one that cannot be read
        return None, str(error)
    try:
        return connection.execute("SELECT parity.live_checksum('%s')::text" % table).fetchone()[0], full
    except psycopg.Error as error:
        assert error.sqlstate == NOT_EXACT, '%s %s' % (error.sqlstate, error)
        return None, '%s: %s' % (error, error.diag.message_detail)


class Sequence:
    """One of them, with what it did."""

    def __init__(self, server, seed, partitioned):
        self.r, self.seed, self.partitioned = random.Random(seed), seed, partitioned
        self.main, self.old = server.connect(), server.connect()
        self.main.execute("SET lock_timeout = '1s'")
        self.done, self.refused, self.equal = [], 0, 0

    def close(self):
        self.main.close()
        self.old.close()

    def execute(self, sql):
        """False when it is refused, as much of what is drawn is."""
        self.done.append(sql)
        try:
            self.main.execute(sql)
            return True
        except psycopg.Error as error:
            assert error.sqlstate[:2] != 'XX' and not self.main.closed, self.story('%s %s' % (error.sqlstate, error))
            self.done[-1] += '     -- ' + str(error).split('\n')[0]
            return False

    def story(self, what):
        return '%s\nseed %s, %s\n%s' % (what, self.seed, 'partitioned' if self.partitioned else 'plain', ';\n'.join(self.done))

    def compare(self, connection, where):
        for table in ('t', 'elsewhere.t', 'u'):
            nested = connection.info.transaction_status.name == 'INTRANS'
            if nested:
                connection.execute('SAVEPOINT compare')
            live, full = digests(connection, table)
            if nested:
                connection.execute('ROLLBACK TO compare')
            if live is not None:
                assert live == full, self.story('WRONG VERDICT in %s, table %s\nlive %s\nfull %s' % (where, table, live, full))
                self.equal += 1
            elif full is not None:
                self.done.append('-- %s, %s: %s' % (where, table, full.replace('\n', ' ')))
                self.refused += 1

    def step(self):
        r = self.r
        kinds = [(50, WRITES), (12, TRUNCATES), (60, ALTERATIONS), (20, OF_PARTITIONED if self.partitioned else OF_PLAIN)]
        chosen = r.choice(r.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])[0])
        one = r.choice(['t', 't', 't1', 't21', 't2']) if self.partitioned else 't'
        return chosen.format(one=one, k=r.randrange(1, 130), d=r.randrange(5))

    def transaction(self):
        """Some steps, of which a part is undone."""
        self.execute('BEGIN')
        for _ in range(self.r.randint(1, 5)):
            undo = self.r.random() < 0.5
            self.main.execute('SAVEPOINT s')
            self.done.append('SAVEPOINT s')
            good = self.execute(self.step())
            if good:
                self.compare(self.main, 'the transaction')
            if undo or not good:
                self.execute('ROLLBACK TO s')
                self.compare(self.main, 'the transaction, after ROLLBACK TO')
        self.execute(self.r.choice(['COMMIT', 'COMMIT', 'ROLLBACK']))

    def run(self):
        self.main.execute('CREATE SCHEMA IF NOT EXISTS elsewhere; DROP TABLE IF EXISTS elsewhere.t, u, t1, t9, t2, t21, t22 CASCADE')
        self.main.execute(SCHEMA)
        self.main.execute(PARTITIONED if self.partitioned else PLAIN)
        self.main.execute("SELECT parity.track('t')")
        for _ in range(12):
            # An old snapshot in half of the steps. It holds no lock, so that everything can go on.
            aged = self.r.random() < 0.5
            if aged:
                self.old.execute('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1')
            if self.r.random() < 0.4:
                self.transaction()
            else:
                self.execute(self.step())
            if aged:
                self.old.execute("SET LOCAL lock_timeout = '1s'")
                self.compare(self.old, 'an old snapshot')
                self.old.execute('ROLLBACK')
            self.compare(self.main, 'a new snapshot')
            if self.r.random() < 0.3:
                self.execute("SELECT parity.track('t')")


@pytest.mark.parametrize('partitioned', [False, True], ids=['plain', 'partitioned'])
def test_alterations(partitioned):
    equal = refused = 0
    with Cluster({'fsync': 'off'}) as server:
        with server.connect('postgres') as connection:
            connection.execute('CREATE DATABASE parity')
        with server.connect() as connection:
            connection.execute('CREATE EXTENSION parity')
        for number in range(ROUNDS):
            sequence = Sequence(server, '%s/%d' % (SEED, number), partitioned)
            try:
                sequence.run()
            finally:
                sequence.close()
            equal, refused = equal + sequence.equal, refused + sequence.refused
    assert equal > 5 * ROUNDS and refused > ROUNDS, (equal, refused)
    print('seed %s: equal %d times, refused %d times' % (SEED, equal, refused))
