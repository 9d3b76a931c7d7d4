"""Dumped and restored: the tables of the copy are equal or marked, never wrong, writable in any case, and exact once tracked."""

import os
import random
import subprocess

import psycopg
import pytest

import load
import storm
from cluster import Cluster, bindir, wait_for

SEED = os.environ.get('PARITY_LIVE_SEED') or str(random.SystemRandom().randrange(10 ** 6))
# What a write to a restored table may end in: nothing but what the same write could on the source.
CONSTRAINTS = {sqlstate for sqlstate in storm.TOLERATED if sqlstate.startswith('23')} | {'21000', '27000', '55006'}


@pytest.fixture(scope='module')
def cluster():
    with Cluster({'fsync': 'off'}) as server:
        yield server


def program(server, name, *args):
    run = subprocess.run([os.path.join(bindir(), name), '-h', server.folder, '-U', 'postgres', *args], capture_output=True, text=True)
    assert run.returncode == 0, '%s %s: %s%s' % (name, ' '.join(args), run.stdout[-3000:], run.stderr[-6000:])
    return run.stderr


def writes(connection, number, seed):
    """Random writes, of which constraints may refuse some."""
    r = random.Random(seed)
    for _ in range(number):
        try:
            connection.execute(load.write(r, connection.info.server_version))
        except psycopg.Error as error:
            assert error.sqlstate in CONSTRAINTS, '%s %s' % (error.sqlstate, error)


@pytest.fixture(scope='module')
def source(cluster):
    """All tables tracked, with changes folded and not yet folded."""
    storm.create(cluster)
    with cluster.connect() as connection:
        for table in ('again', 'large'):
            connection.execute('SELECT parity.track(%s)', (table,))
        # A restore of data alone runs the tables' own triggers; this one would write the rows of audit twice.
        connection.execute('DROP TRIGGER at_commit ON bucketed')
        writes(connection, 150, SEED + '/folded')
        connection.execute('SELECT parity.live_compact()')
        writes(connection, 40, SEED + '/not folded')
        for table in load.TABLES.values():      # so that none is empty
            fixed = {table.foreign: None} if table.foreign else {'code': -1} if table.name == 'named' else {}
            connection.execute("INSERT INTO audit (what) VALUES ('one')" if table.name == 'audit' else 'INSERT INTO %s VALUES %s' % (
                load.columns_of(table), load.tuples([table.row(random.Random(1), True, **fixed)])))
    return storm.check_all(cluster, SEED, 'source')


@pytest.fixture
def target(cluster):
    with cluster.connect('postgres') as connection:
        connection.execute('CREATE DATABASE copy')
    yield 'copy'
    with cluster.connect('postgres') as connection:
        connection.execute('DROP DATABASE copy WITH (FORCE)')


def check_copy(cluster, digests, where):
    """Gives the tables that are equal, and those that are refused."""
    where = 'seed %s, %s' % (SEED, where)
    with cluster.connect('copy') as connection:
        for table, digest in digests.items():
            assert connection.execute("SELECT parity.checksum(%s)::text", (table,)).fetchone()[0] == digest, (where, table)
        equal = [table for table in load.TABLES if storm.sound(connection, table, where)]
        writes(connection, 60, SEED + where)
        again = [table for table in load.TABLES if storm.sound(connection, table, where + ', written since')]
        assert again == equal, '%s: %s were right before they were written, %s after' % (where, equal, again)
        connection.execute('SELECT parity.live_compact()')
        assert [table for table in load.TABLES if storm.sound(connection, table, where + ', compacted')] == equal
        for name in load.TABLES:
            connection.execute('SELECT parity.track(%s, %s)', (name, load.TABLES[name].bits))
        writes(connection, 60, SEED + where + ', tracked')
    storm.check_all(cluster, SEED, where + ', tracked again', database='copy')
    return equal, [table for table in load.TABLES if table not in equal]


@pytest.mark.parametrize('how', ['plain', 'inserts', 'custom', 'directory', 'sections', 'template'])
def test_whole_database(cluster, source, target, tmp_path, how):
    path = str(tmp_path / 'dump')
    if how in ('plain', 'inserts'):
        program(cluster, 'pg_dump', '-d', 'parity', '-f', path, *['--rows-per-insert=50'] * (how == 'inserts'))
        program(cluster, 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', target, '-f', path)
    elif how == 'directory':
        program(cluster, 'pg_dump', '-d', 'parity', '-Fd', '-j', '2', '-f', path)
        program(cluster, 'pg_restore', '-d', target, '-j', '2', path)
    elif how == 'template':
        with cluster.connect('postgres') as connection:
            connection.execute('DROP DATABASE copy')
            connection.execute('CREATE DATABASE copy TEMPLATE parity')
    else:
        program(cluster, 'pg_dump', '-d', 'parity', '-Fc', '-f', path)
        for section in [['--section=' + part] for part in ('pre-data', 'data', 'post-data')] if how == 'sections' else [[]]:
            program(cluster, 'pg_restore', '-d', target, '--exit-on-error', *section, path)
    check_copy(cluster, source, how)


def test_schema_alone(cluster, source, target, tmp_path):
    """Its tables are empty."""
    path = str(tmp_path / 'dump')
    program(cluster, 'pg_dump', '-d', 'parity', '-Fc', '--schema-only', '-f', path)
    program(cluster, 'pg_restore', '-d', target, '--exit-on-error', path)
    with cluster.connect('copy') as connection:
        empty = {table: connection.execute("SELECT parity.checksum(%s)::text", (table,)).fetchone()[0] for table in source}
    assert all(digest.startswith('p1-0-') for digest in empty.values())
    check_copy(cluster, empty, 'schema alone')


@pytest.mark.parametrize('disabled', [False, True], ids=['triggers', 'triggers disabled'])
@pytest.mark.parametrize('jobs', ['1', '2'])
def test_data_alone(cluster, source, target, tmp_path, disabled, jobs):
    """Into tables that are tracked: what the triggers see is counted, what they do not see is noticed."""
    path = str(tmp_path / 'dump')
    with cluster.connect(target) as connection:
        connection.execute('CREATE EXTENSION parity')
        connection.execute(load.SCHEMA)
        connection.execute('TRUNCATE ' + ', '.join(load.TABLES))
        connection.execute('DROP TRIGGER at_commit ON bucketed')
        for name in load.TABLES:
            connection.execute('SELECT parity.track(%s, %s)', (name, load.TABLES[name].bits))
    program(cluster, 'pg_dump', '-d', 'parity', '-Fd', '--data-only', *['--schema=public'] * (jobs == '2'), '-f', path)
    # one after the other where foreign keys are checked: the child must not come before the parent
    if jobs == '2' and not disabled:
        with cluster.connect(target) as connection:
            for name in ('child', 'heir'):
                connection.execute('ALTER TABLE %s DROP CONSTRAINT %s_parent_id_fkey' % (name, name))
    program(cluster, 'pg_restore', '-d', target, '-j', jobs, '--data-only', *['--disable-triggers'] * disabled, path)
    with cluster.connect(target) as connection:
        assert connection.execute("SELECT parity.checksum('bucketed')::text").fetchone()[0] == source['bucketed']
    equal, refused = check_copy(cluster, {}, 'data alone, %s jobs%s' % (jobs, ', triggers disabled' * disabled))
    assert not refused if not disabled else not equal, (equal, refused)


def test_tables_of_a_dump_over_tracked_ones(cluster, source, target, tmp_path):
    """--clean: tables of the same names, which nobody tracks yet or which come with their triggers."""
    path = str(tmp_path / 'dump')
    program(cluster, 'pg_dump', '-d', 'parity', '-Fc', '-f', path)
    program(cluster, 'pg_restore', '-d', target, '--exit-on-error', path)
    with cluster.connect(target) as connection:
        for name in load.TABLES:
            connection.execute('SELECT parity.track(%s, %s)', (name, load.TABLES[name].bits))
        writes(connection, 30, SEED)
    for table in ('plain', 'bucketed'):
        program(cluster, 'psql', '-X', '-q', '-d', target, '-c', 'DROP TABLE %s CASCADE' % table)
        program(cluster, 'pg_restore', '-d', target, '--exit-on-error', '-t', table, path)
    with cluster.connect(target) as connection:
        connection.execute('CREATE VIEW plain_view AS SELECT id, n, t FROM plain WHERE id > 40')
        connection.execute('ALTER TABLE plain ADD PRIMARY KEY (id)')
        connection.execute('ALTER TABLE bucketed ADD PRIMARY KEY (id)')
    equal, refused = check_copy(cluster, {}, 'single tables')
    assert refused == ['plain', 'bucketed'], (equal, refused)


def dumped(server, path):
    """False when one of the load's TRUNCATEs stood in its way: it has to lock all tables, one after the other."""
    try:
        program(server, 'pg_dump', '-d', 'parity', '-Fc', '-f', path)
        return True
    except AssertionError as error:
        if 'deadlock detected' not in str(error):
            raise
        return False


def test_dump_under_load(tmp_path):
    """A dump has one snapshot, whatever is written meanwhile."""
    with Cluster({'fsync': 'off'}) as server:
        storm.create(server)
        with server.connect() as connection:
            for table in ('again', 'large'):
                connection.execute('SELECT parity.track(%s)', (table,))
        load_ = storm.Storm(server, SEED, sessions=6, checkers=1, trackers=0)
        load_.begin()
        try:
            load_.wait_commits(100, 60)
            wait_for(lambda: dumped(server, str(tmp_path / 'dump')), 'dump')
        finally:
            load_.join()
        with server.connect('postgres') as connection:
            connection.execute('CREATE DATABASE copy')
        program(server, 'pg_restore', '-d', 'copy', '-j', '2', str(tmp_path / 'dump'))
        check_copy(server, {}, 'dump under load')
