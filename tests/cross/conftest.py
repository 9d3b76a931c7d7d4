"""What the tests of both engines share: a database of each, verify as records, errors as words.

They run inside scripts/with-postgres.sh, where psycopg.connect() finds the server by itself.
"""

import collections
import itertools
import json
import os
import sys

import psycopg
import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import sqlite_support  # noqa: E402

Verdict = collections.namedtuple(
    'Verdict', 'table_name remote_name status local_rows remote_rows differing columns detail')

numbers = itertools.count(1)


class Postgres:
    """A connection that commits by itself, to a database that has parity."""

    def __init__(self, name):
        self.name = name
        self.connection = self.another()

    def another(self):
        """A further connection to the same database."""
        connection = psycopg.connect(dbname=self.name, autocommit=True)
        connection.add_notice_handler(lambda notice: None)
        connection.execute('SET parity.progress = off')
        return connection

    def run(self, sql, *args):
        """The rows of a query; none for a statement. Without args, several statements may stand in one text."""
        cursor = self.connection.execute(sql, args or None)
        return cursor.fetchall() if cursor.description else []

    def one(self, sql, *args):
        """The one value that a query gives."""
        rows = self.run(sql, *args)
        assert len(rows) == 1 and len(rows[0]) == 1, rows
        return rows[0][0]

    def insert(self, table, rows):
        """Rows of Python values, by COPY."""
        with self.connection.cursor() as cursor, cursor.copy('COPY %s FROM STDIN' % table) as copy:
            for row in rows:
                copy.write_row(row)

    def bundle(self, schema='public'):
        return self.one('SELECT parity.bundle(schema => %s)', schema)

    def verify(self, bundle, mapping=None):
        """A Verdict for each table, by name of the local table (the remote one's where there is none)."""
        rows = self.run('SELECT table_name, remote_name, status, local_rows, remote_rows, differing, columns, detail '
                        'FROM parity.verify(%s, %s)', bundle, mapping)
        return by_table(Verdict(*row) for row in rows)

    def error(self, sql, *args):
        """The error that a query ends in, as (SQLSTATE, "message: detail (hint)", psycopg's error)."""
        try:
            rows = self.run(sql, *args)
        except psycopg.Error as caught:
            diag = caught.diag
            words = (diag.message_primary or str(caught)) + (': ' + diag.message_detail if diag.message_detail else '')
            return caught.sqlstate, words + (' (%s)' % diag.message_hint if diag.message_hint else ''), caught
        raise AssertionError('no error but %.2000r' % (rows,))


class Sqlite:
    """A connection with the parity module."""

    def __init__(self, path=':memory:', **options):
        self.path = str(path)
        self.connection = sqlite_support.connect(self.path, **options)

    def run(self, sql, *args):
        return self.connection.execute(sql, args).fetchall()

    def one(self, sql, *args):
        return sqlite_support.one(self.connection, sql, *args)

    def insert(self, table, rows):
        """Rows of Python values, in one transaction."""
        rows = iter(rows)
        first = next(rows, None)
        if first is None:
            return
        self.connection.execute('BEGIN')
        self.connection.executemany('INSERT INTO %s VALUES (%s)' % (table, ', '.join('?' * len(first))),
                                    itertools.chain([first], rows))
        self.connection.execute('COMMIT')

    def bundle(self):
        return self.one('SELECT parity_bundle()')

    def verify(self, bundle, mapping=None):
        rows = self.run('SELECT table_name, remote_name, status, local_rows, remote_rows, differing, columns, detail '
                        'FROM parity_verify(?, ?)', bundle, mapping)
        return by_table(Verdict(*row[:6], json_list(row[6]), row[7]) for row in rows)

    def error(self, sql, *args):
        """The words of the error that a query ends in."""
        return sqlite_support.error(self.connection, sql, *args)


def json_list(text):
    return None if text is None else json.loads(text)


def by_table(verdicts):
    found = {}
    for verdict in verdicts:
        name = verdict.table_name or verdict.remote_name
        assert name not in found, 'two rows for %s' % name
        found[name] = verdict
    return found


def quoted(name):
    return '"%s"' % name.replace('"', '""')


@pytest.fixture(scope='module')
def module_database():
    """A database of PostgreSQL for the tests of one file."""
    name = 'parity_cross_%d_%d' % (os.getpid(), next(numbers))
    with psycopg.connect(autocommit=True) as admin:
        admin.execute('CREATE DATABASE %s' % name)
        with psycopg.connect(dbname=name, autocommit=True) as connection:
            connection.execute('CREATE EXTENSION parity')
        yield name
        admin.execute('DROP DATABASE %s WITH (FORCE)' % name)


@pytest.fixture
def pg(module_database):
    """PostgreSQL, with an empty schema public and no stored overrides."""
    database = Postgres(module_database)
    database.run('SET client_min_messages = warning')
    database.run('DROP SCHEMA public CASCADE')
    database.run('CREATE SCHEMA public')
    database.run('DELETE FROM parity.override')
    yield database
    database.connection.close()


@pytest.fixture
def sqlite(tmp_path):
    """SQLite, an empty database in a file."""
    database = Sqlite(tmp_path / 'test.db')
    yield database
    database.connection.close()
