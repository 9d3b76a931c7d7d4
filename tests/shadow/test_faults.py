"""What can go wrong with a shadow's write: the application's own write commits, parity.drift names exactly the keys, and
parity.shadow_heal mends them; what goes wrong again and again stops the shadow."""

import os
import subprocess
import sys
import time

import psycopg
import pytest

sys.path.append(os.path.join(os.path.dirname(__file__), os.pardir, 'live'))
from cluster import Cluster, wait_for  # noqa: E402


@pytest.fixture(scope='module')
def cluster():
    with Cluster({'fsync': 'off', 'wal_level': 'logical', 'max_wal_senders': 10}) as server:
        yield server


class Database:
    """A new database with a source of ten rows, t, that t_v2 follows."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name
        with cluster.connect('postgres') as connection:
            connection.execute('DROP DATABASE IF EXISTS %s' % name)
            connection.execute('CREATE DATABASE %s' % name)
        self.connection = self.connect()
        self.execute('CREATE EXTENSION parity')

    def connect(self, **options):
        return self.cluster.connect(self.name, **options)

    def execute(self, *statements):
        for statement in statements:
            out = self.connection.execute(statement)
        return out

    def rows(self, query):
        return self.execute(query).fetchall()

    def value(self, query):
        return self.execute(query).fetchone()[0]

    def start(self, options='', backfill=True, target=''):
        self.execute('CREATE TABLE t (id int PRIMARY KEY, n int)', "INSERT INTO t SELECT i, i FROM generate_series(1, 10) i",
                     'CREATE TABLE t_v2 (id int PRIMARY KEY, n int) %s' % target,
                     "SELECT parity.shadow_create('s', 't', 't_v2'%s)" % options, "SELECT parity.shadow_start('s')")
        if backfill:
            self.execute("CALL parity.shadow_backfill('s')")
        return self

    def drift(self):
        """The keys that were put aside, in order, and the errors for which they were."""
        got = self.rows("SELECT (key ->> 0)::int, sqlstate FROM parity.drift WHERE shadow = 's' ORDER BY 1, 2")
        return [key for key, _ in got], {sqlstate for _, sqlstate in got}

    def phase(self):
        return self.value("SELECT phase FROM parity.shadow_status WHERE name = 's'")

    def verify(self):
        return self.execute("SELECT status, detail FROM parity.shadow_verify('s')").fetchone()

    def heal(self, everything=False):
        return self.execute("SELECT * FROM parity.shadow_heal('s', everything => %s)" % everything).fetchone()

    def healed(self, keys):
        """All of it is mended at once, and both tables are equal."""
        assert self.heal() == (keys, 0)
        assert self.drift() == ([], set())
        assert self.verify() == ('match', None)


def results(connection):
    """Of a query that was sent without waiting: the SQLSTATEs of what went wrong."""
    out = []
    while True:
        got = connection.pgconn.get_result()
        if got is None:
            return out
        if got.status == psycopg.pq.ExecStatus.FATAL_ERROR:
            out.append(got.error_field(psycopg.pq.DiagnosticField.SQLSTATE).decode())


@pytest.fixture
def database(cluster, request):
    out = Database(cluster, 'f_' + request.node.name.partition('[')[0])
    yield out
    out.connection.close()


def test_stricter_constraint(database):
    db = database.start()
    db.execute('ALTER TABLE t_v2 ADD CHECK (n < 100), ADD UNIQUE (n)')
    with db.connection.transaction():
        db.execute('INSERT INTO t VALUES (11, 11), (12, 100)', 'UPDATE t SET n = 200 WHERE id IN (1, 2)',
                   'UPDATE t SET n = 3 WHERE id = 4', 'DELETE FROM t WHERE id = 5', 'INSERT INTO t VALUES (13, 13)')
    # a statement's rows are put aside together
    assert db.drift() == ([1, 2, 4, 11, 12], {'23514', '23505'})
    assert db.rows('SELECT count(*), sum(n) FROM t') == [(12, 570)]
    assert db.verify()[0] == 'differ'
    assert db.heal() == (1, 4)
    assert db.drift()[0] == [1, 2, 4, 12]
    db.execute('ALTER TABLE t_v2 DROP CONSTRAINT t_v2_n_check, DROP CONSTRAINT t_v2_n_key')
    db.healed(4)


def test_undone_with_the_write(database):
    db = database.start()
    db.execute('ALTER TABLE t_v2 ADD CHECK (n < 100)')
    with db.connection.transaction(force_rollback=True):
        db.execute('UPDATE t SET n = 200 WHERE id = 1')
        assert db.drift()[0] == [1]
    assert db.drift()[0] == []
    with db.connection.transaction():
        db.execute('UPDATE t SET n = 200 WHERE id = 1')
        with db.connection.transaction(force_rollback=True):
            db.execute('UPDATE t SET n = 200 WHERE id = 2')
    assert db.drift()[0] == [1]
    db.execute('BEGIN', 'UPDATE t SET n = 300 WHERE id = 3', "PREPARE TRANSACTION 'p'")
    assert db.drift()[0] == [1]
    db.execute("COMMIT PREPARED 'p'")
    assert db.drift()[0] == [1, 3]
    db.execute('ALTER TABLE t_v2 DROP CONSTRAINT t_v2_n_check')
    db.healed(2)


@pytest.mark.parametrize('sqlstate', ['53100', '53400', '58030', '42501', '40P01', '55P03', 'P0001'])
def test_any_error(database, sqlstate):
    db = database.start()
    db.execute("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '%s'; END $$" % sqlstate,
               'CREATE TRIGGER fail BEFORE INSERT OR UPDATE OR DELETE ON t_v2 FOR EACH ROW EXECUTE FUNCTION fail()')
    db.execute('UPDATE t SET n = 0 WHERE id = 1', 'DELETE FROM t WHERE id = 2', 'UPDATE t SET id = 20 WHERE id = 3')
    assert db.drift() == ([1, 2, 3, 20], {sqlstate})
    db.execute('DROP TRIGGER fail ON t_v2')
    db.healed(4)


@pytest.mark.parametrize('sqlstate', ['40001', '53200', '57014', '57P01'])
def test_errors_that_are_the_writers(database, sqlstate):
    db = database.start()
    db.execute("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '%s'; END $$" % sqlstate,
               'CREATE TRIGGER fail BEFORE UPDATE ON t_v2 FOR EACH ROW EXECUTE FUNCTION fail()')
    with pytest.raises(psycopg.Error) as error:
        db.execute('UPDATE t SET n = 0 WHERE id = 1')
    assert error.value.sqlstate == sqlstate
    assert db.drift()[0] == []
    assert db.verify() == ('match', None)


@pytest.fixture
def small_disk(cluster, database):
    """A tablespace of 1 MB; gives a function that makes it larger."""
    folder = '%s/%s' % (cluster.folder, database.name)
    os.mkdir(folder)
    owner = os.stat(cluster.data)
    size = 'size=1m,uid=%d,gid=%d,mode=700' % (owner.st_uid, owner.st_gid)
    if os.getuid() != 0 or subprocess.run(['mount', '-t', 'tmpfs', '-o', size, 'tmpfs', folder], capture_output=True).returncode != 0:
        pytest.skip('no right to mount a small disk')
    try:
        database.execute("CREATE TABLESPACE small LOCATION '%s'" % folder)
        yield lambda: subprocess.run(['mount', '-o', 'remount,size=64m', folder], check=True)
        database.execute('DROP TABLE t_v2 CASCADE', 'CHECKPOINT', 'DROP TABLESPACE small')
    finally:
        subprocess.run(['umount', '-l', folder], check=True)


def test_full_disk(database, small_disk):
    db = database.start(", max_failures => 1000", target='TABLESPACE small')
    key = 100
    while not db.drift()[0]:
        assert key < 200000
        db.execute('INSERT INTO t SELECT i, i FROM generate_series(%d, %d) i' % (key, key + 999))
        key += 1000
    assert db.drift() == (list(range(key - 1000, key)), {'53100'})
    assert db.value('SELECT count(*) FROM t') == key - 90
    # what needs no room goes on
    db.execute('DELETE FROM t WHERE id = 100')
    assert len(db.drift()[0]) == 1000
    small_disk()
    db.healed(1000)


def test_full_disk_during_backfill(database, small_disk):
    db = database.start(backfill=False, target='TABLESPACE small')
    db.execute("SELECT parity.shadow_stop('s')", 'INSERT INTO t SELECT i, i FROM generate_series(11, 40000) i', "SELECT parity.shadow_start('s')")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match='none of 1000 rows could be written') as error:
        db.execute("CALL parity.shadow_backfill('s', batch_rows => 1000)")
    assert '53100' in error.value.diag.message_detail
    # none of the batch is left aside: but those of one that filled the disk half-way are
    before = len(db.drift()[0])
    assert before < 1000
    assert 0 < db.value('SELECT count(*) FROM t_v2') < 40000
    assert db.verify()[0] == 'differ'
    small_disk()
    db.execute("CALL parity.shadow_backfill('s', batch_rows => 1000)")
    db.healed(before)


def test_lost_rights(database):
    db = database
    db.execute('DROP ROLE IF EXISTS shadow_owner', 'CREATE ROLE shadow_owner', 'CREATE SCHEMA o AUTHORIZATION shadow_owner',
               'SET search_path = o, public', 'SET ROLE shadow_owner')
    db.start(', max_failures => 100')
    for keys, write, take, give in [
            ([1], 'INSERT INTO o.t VALUES (1, 1)', 'REVOKE INSERT ON t_v2 FROM shadow_owner', 'GRANT INSERT ON t_v2 TO shadow_owner'),
            ([2], 'DELETE FROM o.t WHERE id = 2', 'REVOKE ALL ON t_v2 FROM shadow_owner', 'GRANT ALL ON t_v2 TO shadow_owner'),
            ([3], 'UPDATE o.t SET n = 0 WHERE id = 3', 'REVOKE UPDATE ON t_v2 FROM shadow_owner', 'GRANT UPDATE ON t_v2 TO shadow_owner'),
            # a statement needs the schema; rows that are found by their key do not
            ([4, 14], 'UPDATE o.t SET id = 14 WHERE id = 4', 'REVOKE USAGE ON SCHEMA o FROM shadow_owner',
             'GRANT USAGE ON SCHEMA o TO shadow_owner'),
            ]:
        db.execute('DELETE FROM t WHERE id = 1', take, 'RESET ROLE', write)
        assert db.drift() == (keys, {'42501'}), take
        db.execute('SET ROLE shadow_owner', give)
        db.healed(len(keys))
    db.execute('RESET ROLE', 'DROP SCHEMA o CASCADE', 'DROP OWNED BY shadow_owner', 'DROP ROLE shadow_owner')


@pytest.mark.parametrize('held', ['SELECT FROM t_v2 WHERE id = 3 FOR UPDATE', 'LOCK TABLE t_v2',
                                  'ALTER TABLE t_v2 ADD COLUMN x int', 'REINDEX TABLE t_v2'])
def test_locked(database, held):
    """By a session that keeps it; also for a session that writes for the first time, and knows of no shadow."""
    db = database.start(", lock_timeout => '50 ms'")
    for connection in db.connection, db.connect():
        with db.connect() as other:
            other.execute('BEGIN')
            other.execute(held)
            began = time.monotonic()
            connection.execute('UPDATE t SET n = n + 1 WHERE id = 3')
            assert time.monotonic() - began < 20
            if connection is db.connection:
                # of a transaction that does more
                with connection.transaction():
                    connection.execute('DELETE FROM t WHERE id = 3')
                    connection.execute('INSERT INTO t VALUES (3, 33)')
            assert set(db.drift()[0]) == {3} and db.drift()[1] == {'55P03'}
            assert db.phase() == 'shadowing'
            other.execute('ROLLBACK')
        db.healed(1)
    # the session's own time for a lock is as it was
    assert connection.execute('SHOW lock_timeout').fetchone() == ('0',)
    connection.close()


def test_deadlock(database):
    """The shadow's row is held by one who waits for the writer: one of them gives way, and it is not the writer."""
    db = database.start(", lock_timeout => '10 seconds'")
    with db.connect() as writer, db.connect() as other:
        writer.execute("SET deadlock_timeout = '10ms'")
        other.execute("SET deadlock_timeout = '1h'")
        other.execute('BEGIN')
        other.execute('SELECT FROM t_v2 WHERE id = 1 FOR UPDATE')
        writer.execute('BEGIN')
        writer.execute('UPDATE t SET n = 0 WHERE id = 2')
        pid = other.info.backend_pid
        other.pgconn.send_query(b'SELECT FROM t WHERE id = 2 FOR UPDATE')
        wait_for(lambda: db.value("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %d" % pid), 'wait')
        writer.execute('UPDATE t SET n = 0 WHERE id = 1')
        writer.execute('COMMIT')
        assert results(other) == []
        other.execute('COMMIT')
    assert db.drift() == ([1], {'40P01'})
    db.healed(1)


def test_statement_timeout(database):
    db = database.start()
    db.execute('CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(100); RETURN NEW; END $$',
               'CREATE TRIGGER slow BEFORE UPDATE ON t_v2 FOR EACH ROW EXECUTE FUNCTION slow()')
    with db.connect() as writer:
        writer.execute("SET statement_timeout = '50ms'")
        writer.execute('UPDATE t SET n = 0 WHERE id IN (1, 2)')
        # a timeout of the application's own work is one
        with pytest.raises(psycopg.errors.QueryCanceled):
            writer.execute('UPDATE t SET n = 0 FROM pg_sleep(100) WHERE id = 3')
    assert db.drift() == ([1, 2], {'57014'})
    # so is what somebody cancels
    with db.connect() as writer:
        writer.pgconn.send_query(b'UPDATE t SET n = 0 WHERE id = 4')
        pid = writer.info.backend_pid
        wait_for(lambda: db.value("SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = %d" % pid), 'sleep')
        db.execute('SELECT pg_cancel_backend(%d)' % pid)
        assert results(writer) == ['57014']
    assert db.drift()[0] == [1, 2]
    db.execute('DROP TRIGGER slow ON t_v2')
    db.healed(2)


def test_self_stop(database):
    db = database.start(", max_failures => 3, failure_window => '1 hour'")
    db.execute('ALTER TABLE t_v2 ADD CHECK (n < 100)')
    with db.connect() as writer:
        for key in 1, 2, 3:
            assert db.phase() == 'shadowing'
            writer.execute('UPDATE t SET n = 200 WHERE id = %d' % key)
        assert db.phase() == 'stopped'
        # writes pass by, in every session, and are put aside nowhere
        for connection, key in (writer, 4), (db.connection, 5):
            connection.execute('UPDATE t SET n = 300 WHERE id = %d' % key)
            connection.execute('INSERT INTO t VALUES (%d, 1)' % (key + 20))
    assert db.drift()[0] == [1, 2, 3]
    assert db.value('SELECT count(*) FROM t_v2 WHERE id > 10') == 0
    assert db.rows("SELECT what FROM parity.event WHERE shadow = 's' AND what IN ('failure', 'self-stop') ORDER BY at") == \
        [('failure',)] * 3 + [('self-stop',)]
    status, detail = db.verify()
    assert status == 'differ' and 'the shadow has stopped itself' in detail
    for step in "SELECT parity.shadow_heal('s')", "CALL parity.shadow_backfill('s')", "SELECT parity.shadow_cutover('s')":
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            db.execute(step)
    db.execute('ALTER TABLE t_v2 DROP CONSTRAINT t_v2_n_check', "SELECT parity.shadow_start('s')")
    assert db.phase() == 'shadowing'
    assert db.verify()[0] == 'differ'
    assert db.heal(everything=True) == (7, 0)
    db.execute("CALL parity.shadow_backfill('s')")
    assert db.verify() == ('match', None)
    db.execute('INSERT INTO t VALUES (50, 1)')
    assert db.verify() == ('match', None)


def test_failures_that_are_far_apart(database):
    db = database.start(", max_failures => 2, failure_window => '1 microsecond'")
    db.execute('ALTER TABLE t_v2 ADD CHECK (n < 100)')
    for key in range(1, 11):
        db.execute('UPDATE t SET n = 200 WHERE id = %d' % key)
    assert db.drift()[0] == list(range(1, 11))
    assert db.phase() == 'shadowing'
    db.execute('ALTER TABLE t_v2 DROP CONSTRAINT t_v2_n_check')
    db.healed(10)


def test_stop_that_is_undone(database):
    """With the write that made it stop: it goes on, also in the session that saw it stop."""
    db = database.start(", max_failures => 1")
    db.execute('ALTER TABLE t_v2 ADD CHECK (n < 100)')
    with db.connection.transaction(force_rollback=True):
        db.execute('UPDATE t SET n = 200 WHERE id = 1')
        assert db.phase() == 'stopped'
        db.execute('UPDATE t SET n = 2000 WHERE id = 2')
    assert db.phase() == 'shadowing'
    db.execute('UPDATE t SET n = 50 WHERE id = 3')
    assert db.verify() == ('match', None)


def test_errors_of_the_bookkeeping(database):
    """What a shadow puts aside needs none of the writer's rights, and none of the extension's functions."""
    db = database.start()
    db.execute('ALTER TABLE t_v2 ADD CHECK (n < 100)', 'DROP ROLE IF EXISTS writes_only', 'CREATE ROLE writes_only',
               'GRANT UPDATE, SELECT ON t TO writes_only', 'REVOKE USAGE ON SCHEMA parity FROM PUBLIC',
               'REVOKE ALL ON ALL TABLES IN SCHEMA parity FROM PUBLIC', 'REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA parity FROM PUBLIC',
               'SET ROLE writes_only')
    db.execute('UPDATE t SET n = 200 WHERE id = 1', 'RESET ROLE')
    assert db.drift() == ([1], {'23514'})
    assert db.value("SELECT who FROM parity.event WHERE what = 'failure'") == 'postgres'
    db.execute('DROP OWNED BY writes_only', 'DROP ROLE writes_only')


def test_extension_dropped(database):
    db = database.start()
    other = db.connect()
    for connection in db.connection, other:
        connection.execute('PREPARE put(int) AS INSERT INTO t VALUES ($1, 1)')
    db.execute('EXECUTE put(11)')
    other.execute('EXECUTE put(12)')
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        db.execute('DROP EXTENSION parity')
    db.execute('DROP EXTENSION parity CASCADE')
    db.execute('EXECUTE put(13)')
    other.execute('EXECUTE put(14)')
    other.execute('INSERT INTO t_v2 VALUES (15, 1)')
    other.close()
    for table in 't', 't_v2':
        db.execute('TRUNCATE %s' % table)
    assert db.rows("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") == []
    # and made anew, it knows nothing of it
    db.execute('CREATE EXTENSION parity', 'DROP VIEW s_parity_source, s_parity_target', "SELECT parity.shadow_create('s', 't', 't_v2')",
               "SELECT parity.shadow_start('s')", 'INSERT INTO t VALUES (1, 1)')
    assert db.verify() == ('match', 'the backfill is not complete')


@pytest.mark.parametrize('kind', ['', ' PARTITION BY RANGE (id)'])
def test_subscriber(cluster, database, kind):
    """What a subscription brings is followed, and what cannot be written holds it up no more than an application."""
    ahead = Database(cluster, 'f_publisher')
    ahead.execute('CREATE TABLE t (id int PRIMARY KEY, n int)', 'INSERT INTO t SELECT i, i FROM generate_series(1, 10) i',
                  'CREATE PUBLICATION p FOR TABLE t', "SELECT pg_create_logical_replication_slot('slot', 'pgoutput')")
    db = database
    db.execute('CREATE TABLE t (id int PRIMARY KEY, n int)' + kind, 'CREATE TABLE t_v2 (id int PRIMARY KEY, n int CHECK (n < 100))')
    if kind:
        db.execute('CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (6)', 'CREATE TABLE t2 PARTITION OF t DEFAULT')
    db.execute("SELECT parity.shadow_create('s', 't', 't_v2')", "SELECT parity.shadow_start('s')", "CALL parity.shadow_backfill('s')",
               "CREATE SUBSCRIPTION sub CONNECTION 'host=%s user=postgres dbname=f_publisher' PUBLICATION p "
               "WITH (create_slot = false, slot_name = 'slot')" % cluster.folder)

    def arrived():
        """Everything that was written ahead is here."""
        there = ahead.rows('SELECT id, n FROM t ORDER BY id')
        wait_for(lambda: db.rows('SELECT id, n FROM t ORDER BY id') == there, 'rows')

    try:
        arrived()
        wait_for(lambda: db.value("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel"), 'copy')
        assert db.verify() == ('match', None)
        ahead.execute('INSERT INTO t VALUES (11, 11), (12, 12)', 'UPDATE t SET n = n + 1 WHERE id < 4', 'UPDATE t SET id = 20 WHERE id = 5',
                      'DELETE FROM t WHERE id = 6', 'INSERT INTO t VALUES (6, 66)')
        arrived()
        assert db.verify() == ('match', None)
        ahead.execute('UPDATE t SET n = 200 WHERE id IN (1, 20)', 'INSERT INTO t VALUES (30, 30)')
        arrived()
        assert db.drift() == ([1, 20], {'23514'})
        db.execute('ALTER TABLE t_v2 DROP CONSTRAINT t_v2_n_check')
        db.healed(2)
        ahead.execute('TRUNCATE t', 'INSERT INTO t VALUES (1, 1)')
        arrived()
        assert 'truncated' in db.value("SELECT reason FROM parity.shadow_status WHERE name = 's'")
        assert db.verify() == ('match', None)
    finally:
        db.execute('ALTER SUBSCRIPTION sub DISABLE', 'ALTER SUBSCRIPTION sub SET (slot_name = NONE)', 'DROP SUBSCRIPTION sub')
        wait_for(lambda: not ahead.value("SELECT active FROM pg_replication_slots WHERE slot_name = 'slot'"), 'end of the walsender')
        ahead.execute("SELECT pg_drop_replication_slot('slot')")
        ahead.connection.close()
