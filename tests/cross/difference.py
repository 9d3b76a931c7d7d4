"""diff, rows, explain, recheck and repair under the same names on both engines, and the shells that run a repair."""

import collections
import decimal
import json
import os
import shutil
import subprocess
import uuid

from conftest import quoted
from sqlite_support import MODULE

Diff = collections.namedtuple('Diff', 'key change key_hash complete rows detail')
Cell = collections.namedtuple('Cell', 'key column local remote reason')
Still = collections.namedtuple('Still', 'key change key_hash')
Run = collections.namedtuple('Run', 'status out err')


class Unknown:
    """The key of a row that only the other side can name: SQL NULL."""

    def __repr__(self):
        return 'UNKNOWN'


UNKNOWN = Unknown()


def parsed(text):
    """A key of JSON text, numbers exactly; UNKNOWN for SQL NULL. Objects become sorted tuples, so that it can be hashed."""
    return UNKNOWN if text is None else frozen(json.loads(text, parse_float=decimal.Decimal))


def frozen(value):
    if isinstance(value, dict):
        return tuple(sorted((name, frozen(member)) for name, member in value.items()))
    if isinstance(value, list):
        return tuple(map(frozen, value))
    return value


def key_of(element):
    """What stands for a row in the list of keys: its key, or its key hash."""
    return element.key_hash if element.key is UNKNOWN else element.key


class Side:
    """A database, seen through one schema. name in results stands for what the engine calls the table."""

    def diff(self, table, bundle):
        """Its rows, of which the last one is a Diff without key_hash when it is not complete."""
        return [Diff(parsed(key), *rest) for key, *rest in self.diff_rows(table, bundle)]

    def explain(self, table, rows):
        return [Cell(parsed(key), *rest) for key, *rest in self.explain_rows(table, rows)]

    def recheck(self, table, rows):
        return [Still(parsed(key), *rest) for key, *rest in self.recheck_rows(table, rows)]

    def pipe(self, table, rows):
        """repair into the shell."""
        return self.shell(self.repair(table, rows))

    def shell(self, statements):
        """What the user's shell makes of the statements, a line each; it stops at an error."""
        return self.execute(''.join(statement + '\n' for statement in statements))

    def repaired(self, table, remote, bundle=None):
        """diff, rows from the other side, repair, and the statements run; gives the Run."""
        keys = self.keys(table, bundle or remote.bundle([table]))
        return self.pipe(table, remote.rows(table, keys))


class PgSide(Side):
    engine = 'postgresql'

    def __init__(self, pg, schema='public'):
        self.db, self.schema = pg, schema
        self.run, self.one = pg.run, pg.one

    def name(self, table):
        return '%s.%s' % (quoted(self.schema), quoted(table))

    def bundle(self, tables=None, cells=None):
        if tables is None:
            return self.one('SELECT parity.bundle(cells => %s, schema => %s)', cells, self.schema)
        return self.one('SELECT parity.bundle(%s::regclass[], %s)', [self.name(table) for table in tables], cells)

    def verify(self, bundle, mapping=None):
        return self.db.verify(bundle, json.dumps(dict(mapping or {}, schema=self.schema)))

    def diff_rows(self, table, bundle):
        return self.run('SELECT key::text, change, key_hash, complete, rows, detail FROM parity.diff(%s::regclass, %s)',
                        self.name(table), bundle)

    def keys(self, table, bundle):
        return self.one("SELECT coalesce(jsonb_agg(d), '[]')::text FROM parity.diff(%s::regclass, %s) AS d",
                        self.name(table), bundle)

    def rows(self, table, keys):
        return self.one('SELECT parity.rows(%s::regclass, %s::jsonb)', self.name(table), keys)

    def explain_rows(self, table, rows):
        return self.run('SELECT key::text, column_name, local_value, remote_value, reason '
                        'FROM parity.explain(%s::regclass, %s)', self.name(table), rows)

    def recheck_rows(self, table, rows):
        return self.run('SELECT key::text, change, key_hash FROM parity.recheck(%s::regclass, %s)', self.name(table), rows)

    def still_keys(self, table, rows):
        """recheck as a list of keys for rows."""
        return self.one("SELECT coalesce(jsonb_agg(d), '[]')::text FROM parity.recheck(%s::regclass, %s) AS d",
                        self.name(table), rows)

    def repair(self, table, rows):
        return [row[0] for row in self.run('SELECT statement FROM parity.repair(%s::regclass, %s)',
                                           None if table is None else self.name(table), rows)]

    def execute(self, script, user=None):
        command = [psql(), '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', self.db.name]
        return run_shell(command + (['-U', user] if user else []), script)

    def buckets(self, table, bits):
        return dict(self.run('SELECT bucket, digest::text FROM parity.buckets(%s::regclass, %s)', self.name(table), bits))

    def set_spec(self, table, overrides):
        self.run('SELECT parity.set_spec(%s::regclass, %s)', self.name(table),
                 None if overrides is None else json.dumps(overrides))

    def adopt(self, bundle):
        self.run('SELECT parity.adopt(%s, %s)', bundle, json.dumps({'schema': self.schema}))

    def checksum(self, table):
        return self.one('SELECT parity.checksum(%s::regclass)::text', self.name(table))

    def put(self, table, rows):
        """Rows of Python values."""
        rows = list(rows)
        if rows:
            with self.db.connection.cursor() as cursor:
                cursor.executemany('INSERT INTO %s VALUES (%s)' % (self.name(table), ', '.join(['%s'] * len(rows[0]))), rows)

    def copy(self, table, rows):
        self.db.insert(self.name(table), rows)

    def error(self, sql, *args):
        return self.db.error(sql, *args)[1]


class LiteSide(Side):
    engine = 'sqlite'

    def __init__(self, sqlite):
        self.db = sqlite
        self.run, self.one, self.error = sqlite.run, sqlite.one, sqlite.error

    def name(self, table):
        return quoted(table)

    def bundle(self, tables=None, cells=None):
        return self.one('SELECT parity_bundle(?, ?)', None if tables is None else json.dumps(tables), cells)

    def verify(self, bundle, mapping=None):
        return self.db.verify(bundle, json.dumps(mapping) if mapping else None)

    def diff_rows(self, table, bundle):
        return [row[:3] + (bool(row[3]),) + row[4:] for row in
                self.run('SELECT key, change, key_hash, complete, rows, detail FROM parity_diff(?, ?)', table, bundle)]

    def keys(self, table, bundle):
        return self.one("SELECT json_group_array(json_object('key', json(key), 'key_hash', key_hash)) "
                        'FROM parity_diff(?, ?)', table, bundle)

    def rows(self, table, keys):
        return self.one('SELECT parity_rows(?, ?)', table, keys)

    def explain_rows(self, table, rows):
        return self.run('SELECT key, column_name, local_value, remote_value, reason FROM parity_explain(?, ?)', table, rows)

    def recheck_rows(self, table, rows):
        return self.run('SELECT key, change, key_hash FROM parity_recheck(?, ?)', table, rows)

    def still_keys(self, table, rows):
        """recheck as a list of keys for rows."""
        return self.one("SELECT json_group_array(json_object('key', json(key), 'key_hash', key_hash)) "
                        'FROM parity_recheck(?, ?)', table, rows)

    def repair(self, table, rows):
        return [row[0] for row in self.run('SELECT statement FROM parity_repair(?, ?)', table, rows)]

    def execute(self, script, foreign_keys=False):
        command = [shutil.which('sqlite3') or 'sqlite3', '-batch', '-bail', '-init', os.devnull]
        if foreign_keys:
            command += ['-cmd', 'PRAGMA foreign_keys = ON']
        return run_shell(command + ['-cmd', '.load %s' % shell_word(MODULE), self.db.path], script)

    def buckets(self, table, bits):
        return dict(self.run('SELECT bucket, digest FROM parity_buckets(?, ?)', table, bits))

    def set_spec(self, table, overrides):
        self.run('SELECT parity_set_spec(?, ?)', table, None if overrides is None else json.dumps(overrides))

    def adopt(self, bundle):
        self.run('SELECT parity_adopt(?)', bundle)

    def checksum(self, table):
        return self.one('SELECT parity_checksum(?)', table)

    def put(self, table, rows):
        self.db.insert(self.name(table), map(lite_row, rows))

    copy = put


def lite_row(row):
    return [lite(value) for value in row]


def lite(value):
    """A Python value as clients store it in SQLite."""
    if isinstance(value, (decimal.Decimal,)):
        return float(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.isoformat() if hasattr(value, 'isoformat') else value


def psql():
    bindir = subprocess.run([os.environ.get('PG_CONFIG', 'pg_config'), '--bindir'], capture_output=True, text=True,
                            check=True).stdout.strip()
    return shutil.which(os.path.join(bindir, 'psql')) or 'psql'


def shell_word(path):
    return "'%s'" % path.replace("'", "''")


def run_shell(command, script):
    done = subprocess.run(command, input=script.encode('utf-8', 'surrogatepass'), capture_output=True, timeout=300,
                          env=dict(os.environ, PGCLIENTENCODING='UTF8', PGOPTIONS='-c client_min_messages=notice'))
    return Run(done.returncode, done.stdout.decode('utf-8', 'replace'), done.stderr.decode('utf-8', 'replace'))


def reported(run):
    """(statements that took effect, those left alone, rows not repaired) as the run of a repair says at its end."""
    statements, took_effect, left_alone, not_repaired = map(int, run.out.rstrip('\n').split('\n')[-1].split('|'))
    assert statements == took_effect + left_alone
    return took_effect, left_alone, not_repaired
