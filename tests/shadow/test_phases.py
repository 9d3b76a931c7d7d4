"""At every phase of a shadow: dumped and restored, and the server killed; what comes then is right, and it goes on."""

import os
import subprocess
import threading

import psycopg
import pytest

import shadow_load as load
from cluster import Cluster, bindir, wait_for       # tests/live, of which shadow_load knows where it is

ROWS = 300
PHASES = ['created', 'started', 'half filled', 'drifted', 'verified', 'cut over', 'rolled back', 'cut over again', 'stopped',
          'stopped after cutover', 'finished']
SHADOWS = ('tasks', 'items')    # with a mapping, and one that swaps the tables' names
FORWARD = {'started', 'half filled', 'drifted', 'verified', 'rolled back'}
BACKWARD = {'cut over', 'cut over again'}
MAPPED = ("SELECT id::int8, project, title, status = 'done', (price_cents / 100.0)::numeric(12,2), tag, length FROM tasks",
          'SELECT id, project, title, is_done, price, tag, length FROM tasks_v2')
SAME = ('SELECT * FROM items', 'SELECT * FROM items_new')


@pytest.fixture(scope='module')
def cluster():
    with Cluster({'fsync': 'off'}) as server:
        yield server


@pytest.fixture
def database(cluster):
    """Both shadows, created, over tables with rows."""
    with cluster.connect('postgres') as connection:
        connection.execute('CREATE DATABASE parity')
    with cluster.connect() as connection:
        connection.execute('CREATE EXTENSION parity')
        connection.execute(load.SCHEMA)
        connection.execute('CREATE TABLE items_new (LIKE items INCLUDING ALL, '
                           'FOREIGN KEY (project) REFERENCES projects ON DELETE CASCADE ON UPDATE CASCADE)')
        for table in ('tasks', 'tasks_v2', 'items', 'items_new'):
            connection.execute(load.TRIGGERS.format(table))
        for table in ('tasks', 'items'):
            connection.execute("INSERT INTO %s (id, project, title, status, price_cents) SELECT i, i %% 20 + 1, 'title ' || i, "
                               "CASE WHEN i %% 3 = 0 THEN 'done' ELSE 'open' END, i FROM generate_series(1, %d) i" % (table, ROWS))
        for table in ('items', 'items_new'):
            connection.execute("SELECT parity.track('%s')" % table)
        connection.execute("SELECT parity.shadow_create('tasks', 'tasks', 'tasks_v2', %s, %s)", (
            load.MAPPING['columns'], load.MAPPING['reverse']))
        connection.execute("SELECT parity.shadow_create('items', 'items', 'items_new')")
    yield 'parity'
    with cluster.connect('postgres') as connection:
        for name in ('parity', 'copy'):
            connection.execute('DROP DATABASE IF EXISTS %s WITH (FORCE)' % name)


def turn(connection, what, name):
    swapped = ", swap_names => true, accept => ARRAY(SELECT item FROM parity.shadow_inventory('items'))"
    connection.execute("SELECT parity.shadow_%s('%s'%s)" % (what, name, swapped if (what, name) == ('cutover', 'items') else ''))


def fill(connection, name, batches='NULL'):
    connection.execute("CALL parity.shadow_backfill('%s', 20, max_batches => %s)" % (name, batches))


def verify(connection, name):
    assert connection.execute("SELECT status, detail FROM parity.shadow_verify('%s')" % name).fetchone() == ('match', None)


def bring(connection, name, phase):
    """A created shadow to a phase."""
    steps = {
        'created': [], 'started': ['start'], 'half filled': ['start', 'half'], 'drifted': ['start', 'fill', 'drift'],
        'verified': ['start', 'fill', 'verify'], 'cut over': ['start', 'fill', 'verify', 'cutover'],
        'rolled back': ['start', 'fill', 'verify', 'cutover', 'rollback'],
        'cut over again': ['start', 'fill', 'verify', 'cutover', 'rollback', 'cutover'], 'stopped': ['start', 'fill', 'verify', 'stop'],
        'stopped after cutover': ['start', 'fill', 'verify', 'cutover', 'stop'],
        'finished': ['start', 'fill', 'verify', 'cutover', 'finish']}[phase]
    for step in steps:
        if step == 'half':
            fill(connection, name, '4')
        elif step == 'fill':
            fill(connection, name)
        elif step == 'drift':
            follows = {'tasks': 'tasks_v2', 'items': 'items_new'}[name]
            connection.execute('ALTER TABLE %s ADD CONSTRAINT strict CHECK (id <> 7 OR length < 20)' % follows)
            connection.execute("UPDATE %s SET title = repeat('long', 9) WHERE id IN (7, 8)" % name)
            connection.execute('ALTER TABLE %s DROP CONSTRAINT strict' % follows)
            assert status(connection, name)[1] >= 2
        elif step == 'verify':
            verify(connection, name)
        elif step in ('cutover', 'rollback'):
            turn(connection, step, name)
        else:
            connection.execute("SELECT parity.shadow_%s('%s')" % (step, name))


def status(connection, name):
    return connection.execute('SELECT phase, drift, backfilled, direction FROM parity.shadow_status WHERE name = %s', (name,)).fetchone()


def difference(connection, name):
    here, there = MAPPED if name == 'tasks' else SAME
    return sorted(connection.execute('(({0}) EXCEPT ALL ({1})) UNION ALL (({1}) EXCEPT ALL ({0}))'.format(here, there)).fetchall(), key=str)


def tables(name, phase):
    """The table that is written, and the one that follows."""
    written, follows = {'tasks': ('tasks', 'tasks_v2'), 'items': ('items', 'items_new')}[name]
    backward = phase in BACKWARD or phase in ('stopped after cutover', 'finished')
    return (follows, written) if backward and name == 'tasks' else (written, follows)


def write(connection, name, phase, start):
    """One of each; none may fail. The keys that were written."""
    table = tables(name, phase)[0]
    connection.execute("INSERT INTO %s (id, title) SELECT i, 'new' FROM generate_series(%d, %d) i" % (table, start, start + 9))
    connection.execute("UPDATE %s SET title = 'changed' WHERE id IN (%d, 5, 295)" % (table, start))
    connection.execute('UPDATE %s SET id = id + 50 WHERE id IN (%d, %d)' % (table, start + 1, start + 2))
    connection.execute('DELETE FROM %s WHERE id IN (%d, 6, 296)' % (table, start + 3))
    connection.execute('DELETE FROM projects WHERE id = %d' % (start // 1000))
    connection.execute('UPDATE projects SET id = id + 100 WHERE id = %d' % (start // 1000 + 1))
    return [5, 6, 295, 296, *range(start, start + 60)]


def go_on(connection, name, phase, anew=False):
    """The rest of a life, with writes between its steps; anew: it is a copy's, and begins with a start."""
    written = 2000
    if phase == 'finished':
        return
    if anew and phase in FORWARD | BACKWARD:
        connection.execute("SELECT parity.shadow_stop('%s')" % name)
    if phase in ('created', 'stopped', 'stopped after cutover') or anew:
        connection.execute("SELECT parity.shadow_start('%s')" % name)
    backward = status(connection, name)[3] == 'backward'
    phase = 'cut over' if backward else 'verified'
    write(connection, name, phase, written)
    if not backward:
        fill(connection, name)
    connection.execute("SELECT parity.shadow_heal('%s', everything => true)" % name)
    verify(connection, name)
    for step, after in (('cutover', 'cut over'), ('rollback', 'rolled back'), ('cutover', 'cut over')):
        if backward and step == 'cutover':
            backward = False
            continue
        if connection.execute("SELECT 1 FROM parity.shadow_gates('%s') WHERE gate = 'backfill' AND NOT passed" % name).fetchone():
            # after a cutover it was started anew
            fill(connection, name)
            verify(connection, name)
        turn(connection, step, name)
        written += 3000
        write(connection, name, after, written)
        assert not difference(connection, name), (name, step)
    connection.execute("SELECT parity.shadow_finish('%s')" % name)
    assert status(connection, name)[0] == 'finished'


def program(server, tool, *args):
    run = subprocess.run([os.path.join(bindir(), tool), '-h', server.folder, '-U', 'postgres', *args], capture_output=True, text=True)
    assert run.returncode == 0, '%s %s: %s%s' % (tool, ' '.join(args), run.stdout[-3000:], run.stderr[-6000:])


@pytest.mark.parametrize('phase', PHASES)
def test_dump(cluster, database, tmp_path, phase):
    """In the copy writes are followed as before; the tables only change their roles once the shadow was started there."""
    path = str(tmp_path / 'dump')
    with cluster.connect() as connection:
        for name in SHADOWS:
            bring(connection, name, phase)
        before = {name: (status(connection, name), sorted(map(str, difference(connection, name)))) for name in SHADOWS}
    with cluster.connect('postgres') as connection:
        connection.execute('CREATE DATABASE copy')
    if PHASES.index(phase) % 2:
        program(cluster, 'pg_dump', '-d', 'parity', '-f', path)
        program(cluster, 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'copy', '-f', path)
    else:
        program(cluster, 'pg_dump', '-d', 'parity', '-Fc', '-f', path)
        program(cluster, 'pg_restore', '-d', 'copy', '--exit-on-error', path)
    with cluster.connect('copy') as connection:
        for name in SHADOWS:
            assert (status(connection, name), sorted(map(str, difference(connection, name)))) == before[name]
        for name in SHADOWS:
            differed = {row[0] for row in difference(connection, name)}
            keys = set(write(connection, name, phase, 1000))
            differs = {row[0] for row in difference(connection, name)}
            if phase in FORWARD | BACKWARD:
                assert not differs - differed and not differs & keys, (name, differs - differed, differs & keys)
            else:
                assert differs & keys
            if phase in BACKWARD:
                with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match='was replaced by'):
                    connection.execute('DELETE FROM %s' % tables(name, phase)[1])
            what = 'rollback' if status(connection, name)[3] == 'backward' else 'cutover'
            if phase != 'finished':
                connection.execute("SELECT parity.shadow_verify('%s')" % name)
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as error:
                turn(connection, what, name)
            if phase in FORWARD | BACKWARD:
                assert 'database: it was started in another database' in error.value.diag.message_detail
            go_on(connection, name, phase, anew=True)
    with cluster.connect() as connection:       # and the other one knows nothing of it
        for name in SHADOWS:
            assert (status(connection, name), sorted(map(str, difference(connection, name)))) == before[name]
        for name in SHADOWS:
            go_on(connection, name, phase)


@pytest.mark.parametrize('phase', PHASES)
def test_kill(cluster, database, phase):
    """What was committed is there, what was not is not, and it goes on."""
    with cluster.connect() as connection:
        for name in SHADOWS:
            bring(connection, name, phase)
            write(connection, name, phase, 1000)
        before = {name: (status(connection, name), difference(connection, name)) for name in SHADOWS}
        other = cluster.connect()
        other.execute('BEGIN')
        write(other, 'tasks', phase, 3000)
        cluster.kill()
        other.close()
    cluster.start()
    with cluster.connect() as connection:
        for name in SHADOWS:
            assert (status(connection, name), difference(connection, name)) == before[name]
        for name in SHADOWS:
            count = connection.execute('SELECT count(*) FILTER (WHERE id BETWEEN 1000 AND 2000), count(*) FILTER (WHERE id >= 3000) '
                                       'FROM %s' % tables(name, phase)[0]).fetchone()
            assert count == (9, 0)
            go_on(connection, name, phase)


def in_background(cluster, sql):
    """Begins a statement that the end of its session ends; waits until it sleeps. Its backend."""
    connection = cluster.connect()

    def execute():
        with pytest.raises(psycopg.OperationalError):
            connection.execute(sql)
    thread = threading.Thread(target=execute)
    thread.start()
    pid = connection.info.backend_pid

    def sleeps():
        with cluster.connect() as other:
            return other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'", (pid,)).fetchone() is not None
    wait_for(sleeps, 'sleep')
    return pid, thread


SLEEP = """
CREATE TABLE sleepless (id int PRIMARY KEY);
CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.sleepless) THEN PERFORM pg_sleep(600); END IF;
    RETURN NEW;
END $$;
"""


@pytest.mark.parametrize('whole', [True, False], ids=['server', 'process'])
def test_kill_within_a_batch(cluster, database, whole):
    """The rows of the batch are not there, its range is left, and taken by the next worker."""
    with cluster.connect() as connection:
        connection.execute(SLEEP)
        for name, follows in (('tasks', 'tasks_v2'), ('items', 'items_new')):
            bring(connection, name, 'half filled')
            filled = connection.execute('SELECT count(*) FROM %s' % follows).fetchone()
            connection.execute('CREATE TRIGGER sleep BEFORE INSERT ON %s FOR EACH ROW WHEN (NEW.id = 155) '
                               'EXECUTE FUNCTION sleep()' % follows)
            pid, thread = in_background(cluster, "CALL parity.shadow_backfill('%s', 20)" % name)
            if whole:
                cluster.kill()
                cluster.start()
            else:
                assert cluster.kill_backend(pid)
            thread.join()
            cluster.wait_ready()
            wait_for(lambda: connection.closed or not probe(connection), 'lost session')
            connection = cluster.connect()
            assert filled <= connection.execute('SELECT count(*) FROM %s' % follows).fetchone() < (150,)
            assert connection.execute('SELECT count(*) FROM %s t, parity.shadow_range r WHERE t.id > (r.after ->> 0)::int '
                                      'AND t.id <= (r.upto ->> 0)::int' % follows).fetchone() == (0,)
            assert connection.execute('SELECT complete, ranges > 0 FROM parity.shadow_progress WHERE name = %s',
                                      (name,)).fetchone() == (False, True)
            connection.execute('INSERT INTO sleepless VALUES (1)')
            write(connection, name, 'half filled', 1000 if name == 'tasks' else 1500)
            fill(connection, name)
            assert not difference(connection, name)
            verify(connection, name)
            connection.execute('DROP TRIGGER sleep ON %s; DELETE FROM sleepless' % follows)
            go_on(connection, name, 'verified')
        connection.close()


def probe(connection):
    try:
        connection.execute('SELECT 1')
        return True
    except psycopg.OperationalError:
        return False


@pytest.mark.parametrize('what', ['cutover', 'rollback', 'finish', 'start', 'stop', 'heal'])
def test_kill_within_a_step(cluster, database, what):
    """Done, but not committed: nothing of it is there."""
    phase = {'cutover': 'verified', 'rollback': 'cut over', 'finish': 'cut over', 'start': 'created', 'stop': 'verified',
             'heal': 'drifted'}[what]
    with cluster.connect() as connection:
        for name in SHADOWS:
            bring(connection, name, phase)
        before = {name: (status(connection, name), difference(connection, name)) for name in SHADOWS}
        events = connection.execute('SELECT count(*) FROM parity.event').fetchone()
        other = cluster.connect()
        other.execute('BEGIN')
        for name in SHADOWS:
            turn(other, what, name)
        cluster.kill()
        other.close()
    cluster.start()
    with cluster.connect() as connection:
        assert connection.execute('SELECT count(*) FROM parity.event').fetchone() == events
        for name in SHADOWS:
            assert (status(connection, name), difference(connection, name)) == before[name]
        for name in SHADOWS:
            write(connection, name, phase, 1000 if name == 'tasks' else 1500)
            go_on(connection, name, phase)
