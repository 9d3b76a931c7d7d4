"""A dump by a role that is no superuser has its shadows, and nobody else's."""
import os
import subprocess

import psycopg
import pytest


def program(name, *args, user=None, data=None):
    environment = dict(os.environ, **({'PGUSER': user} if user else {}))
    return subprocess.run([name, *args], input=data, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def execute(database, *statements, role=None):
    with psycopg.connect(dbname=database, autocommit=True, options='-c client_min_messages=error') as connection:
        if role:
            connection.execute('SET ROLE ' + role)
        for statement in statements:
            out = connection.execute(statement)
        return out.fetchall() if out.description else None


@pytest.fixture
def dumped():
    names = 'shadow_dump', 'shadow_restored'
    for name in names:
        execute('postgres', 'DROP DATABASE IF EXISTS ' + name)
    execute('postgres', 'DROP ROLE IF EXISTS dump_app', 'CREATE ROLE dump_app LOGIN', *(f'CREATE DATABASE {n} OWNER dump_app' for n in names))
    for name in names:
        execute(name, 'GRANT CREATE ON SCHEMA public TO dump_app')
    execute(names[0], 'CREATE EXTENSION parity', 'CREATE SCHEMA secret', 'CREATE TABLE secret.x (id int PRIMARY KEY)',
            "SELECT parity.shadow_create('theirs', 'secret.x', 'secret.y')", 'GRANT USAGE ON SCHEMA secret TO dump_app',
            'GRANT SELECT ON ALL TABLES IN SCHEMA secret TO dump_app')
    execute(names[0], 'CREATE TABLE a (id int PRIMARY KEY, v text)', "INSERT INTO a SELECT i, 'x' FROM generate_series(1, 5) i",
            "SELECT parity.shadow_create('ours', 'a', 'a2')", "SELECT parity.shadow_start('ours')", "CALL parity.shadow_backfill('ours')",
            role='dump_app')
    yield names
    for name in names:
        execute('postgres', 'DROP DATABASE ' + name)
    execute('postgres', 'DROP ROLE dump_app')


def check(database, role):
    assert execute(database, 'SELECT name FROM parity.shadow') == [('ours',)]
    execute(database, "SELECT parity.shadow_stop('ours')", "SELECT parity.shadow_start('ours')",
            "CALL parity.shadow_backfill('ours')", role=role)
    assert execute(database, "SELECT status, detail FROM parity.shadow_verify('ours')", role=role) == [('match', None)]


def test_without_the_option_it_fails(dumped):
    done = program('pg_dump', dumped[0], user='dump_app')
    assert done.returncode != 0 and 'row-level security' in done.stderr


def test_restored_by_a_superuser(dumped):
    done = program('pg_dump', '--enable-row-security', dumped[0], user='dump_app')
    assert done.returncode == 0, done.stderr
    again = program('psql', '-Xqv', 'ON_ERROR_STOP=1', '-d', dumped[1], data=done.stdout)
    assert again.returncode == 0, again.stderr
    assert execute(dumped[1], "SELECT count(*) > 0 FROM parity.event WHERE shadow = 'ours'") == [(True,)]
    check(dumped[1], None)


def test_restored_by_the_role(dumped):
    done = program('pg_dump', '--enable-row-security', '--inserts', '-N', 'secret', dumped[0], user='dump_app')
    assert done.returncode == 0, done.stderr
    execute(dumped[1], 'CREATE EXTENSION parity')
    program('psql', '-Xq', '-d', dumped[1], data=done.stdout, user='dump_app')
    check(dumped[1], 'dump_app')
