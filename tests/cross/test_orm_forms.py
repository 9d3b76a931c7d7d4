"""The same data, written to PostgreSQL and to SQLite as clients write it, is a match; one changed cell is named.

Schemas and rows are made from a seed, which is printed. Environment:
    PARITY_SEED   the seed, 1 unless it is set; `time` takes another one each run
    PARITY_ROWS   how many rows in all (200,000)
"""

import json
import os
import random
import time

import pytest

from conftest import Sqlite, quoted
from orm_forms import CLIENTS

SEED = os.environ.get('PARITY_SEED') or '1'
SEED = time.time_ns() % 10 ** 9 if SEED == 'time' else int(SEED)
ROWS = int(os.environ.get('PARITY_ROWS') or 200_000)
LARGE, SMALL, SMALL_ROWS, FLIPS = 3, 2, 80, 3   # tables a client, rows of a small one, flips a column and side
seen = {'rows': 0, 'tables': 0, 'flips': 0}


class Column:
    def __init__(self, form, name, camel, nulls):
        self.form = form
        self.values = form.values
        self.name = name            # in PostgreSQL
        self.lite = camelled(name, camel)
        self.nulls = nulls          # how often
        self.key = False

    def cell(self, rng, value):
        return None if value is None else self.form.store(rng, value)

    def make(self, rng):
        return None if rng.random() < self.nulls else self.values.make(rng)

    def pg(self, value):
        return None if value is None else self.values.pg(value)

    def flip(self, rng, value):
        if value is None:
            return self.values.make(rng)
        return None if self.nulls and rng.random() < 0.1 else self.values.flip(rng, value)


def camelled(name, camel):
    if not camel:
        return name
    words = name.split('_')
    first = words[0].capitalize() if camel == 'Pascal' else words[0]
    return first + ''.join(word.capitalize() for word in words[1:])


class Table:
    """A schema and its rows. Key columns come first."""

    def __init__(self, rng, client, name, forms, rows):
        self.client, self.name, self.lite = client, name, camelled(name, client.camel)
        self.columns = [Column(form, '%s_%d' % (form.name, n), client.camel, rng.choice((0, 0.08, 0.08, 0.5)))
                        for n, form in enumerate(forms)]
        keys = [column for column in self.columns if column.form.key]
        for column in rng.sample(keys, min(len(keys), rng.choice((0, 1, 1, 1, 2)))):
            column.key, column.nulls = True, 0
        self.columns.sort(key=lambda column: not column.key)
        self.key = [column for column in self.columns if column.key]
        self.suffix = rng.choice(client.suffixes) if self.key else ''
        self.taken = set()
        self.rows = [self.row(rng) for _ in range(rows)]

    def row(self, rng):
        while True:
            row = [column.make(rng) for column in self.columns]
            key = tuple(row[:len(self.key)])
            if not key or key not in self.taken:
                self.taken.add(key)
                return row

    def create(self, pg, sqlite, schema):
        def statement(table, column_name, column_type, suffix):
            lines = ['%s %s%s' % (quoted(getattr(c, column_name)), getattr(c.form, column_type),
                                  ' NOT NULL' if c.key else '') for c in self.columns]
            if self.key:
                lines.append('PRIMARY KEY (%s)' % ', '.join(quoted(getattr(c, column_name)) for c in self.key))
            return 'CREATE TABLE %s (%s)%s' % (table, ', '.join(lines), suffix)

        self.full = '%s.%s' % (schema, quoted(self.name))
        pg.run(statement(self.full, 'name', 'pg', ''))
        sqlite.run(statement(quoted(self.lite), 'lite', 'lite', self.suffix))
        pins = {c.lite: c.form.pin for c in self.columns if c.form.pin}
        if pins:
            sqlite.run('SELECT parity_set_spec(?, ?)', self.lite, json.dumps({'columns': pins}))
        pins = {c.name: c.form.pg_pin for c in self.columns if c.form.pg_pin}
        if pins:
            pg.run('SELECT parity.set_spec(%s, %s)', self.full, json.dumps({'columns': pins}))

    def fill(self, rng, pg, sqlite):
        self.order = list(range(len(self.rows)))
        rng.shuffle(self.order)     # the order of rows must not matter
        rows = ([c.pg(v) for c, v in zip(self.columns, row)] for row in self.rows)
        if len(self.rows) > SMALL_ROWS:
            pg.insert(self.full, rows)
        else:
            sql = 'INSERT INTO %s VALUES (%s) RETURNING ctid::text' % (self.full, ', '.join(['%s'] * len(self.columns)))
            self.ctids = [pg.one(sql, *row) for row in rows]
        sqlite.insert(quoted(self.lite), ([c.cell(rng, v) for c, v in zip(self.columns, self.rows[n])] for n in self.order))

    def where(self, rng, number):
        """The condition that picks a row in SQLite, and its arguments."""
        if not self.key:
            return 'rowid = ?', [self.order.index(number) + 1]
        return (' AND '.join('%s = ?' % quoted(c.lite) for c in self.key),
                [c.cell(rng, v) for c, v in zip(self.key, self.rows[number])])


class Pair:
    """A client's tables in both engines."""

    def __init__(self, rng, name, pg, path):
        self.name, self.rng, self.pg = name, rng, pg
        self.client = CLIENTS[name]
        self.schema = quoted('orm ' + name)
        pg.run('CREATE SCHEMA %s' % self.schema)
        pg.run('SET search_path = %s' % self.schema)
        pg.run("CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy', '')")
        self.sqlite = Sqlite(path)
        self.sqlite.run('PRAGMA encoding = "%s"' % rng.choice(('UTF-8', 'UTF-8', 'UTF-16le', 'UTF-16be')))
        self.sqlite.run('PRAGMA synchronous = off')
        self.tables = []
        large_rows = -(-ROWS // (len(CLIENTS) * LARGE))
        for n in range(LARGE + SMALL):
            self.add('order_item_%d' % n, large_rows if n < LARGE else SMALL_ROWS)

    def add(self, name, rows):
        """A table of some of the client's forms; the large ones together have all of them, and so do the small ones."""
        forms = list(self.client.forms)
        n = len(self.tables)
        first, step = (n, LARGE) if n < LARGE else (n - LARGE, SMALL)
        chosen = set(range(first, len(forms), step))
        while len(chosen) < min(9, len(forms)):
            chosen.add(self.rng.randrange(len(forms)))
        table = Table(self.rng, self.client, name, [forms[i] for i in sorted(chosen)], rows)
        table.create(self.pg, self.sqlite, self.schema)
        table.fill(self.rng, self.pg, self.sqlite)
        self.tables.append(table)
        seen['rows'] += rows
        seen['tables'] += 1

    def pg_bundle(self, table=None):
        if table is None:
            return self.pg.bundle('orm ' + self.name)
        return self.pg.one('SELECT parity.bundle(ARRAY[%s::regclass])', table.full)

    def sqlite_bundle(self, table=None):
        if table is None:
            return self.sqlite.bundle()
        return self.sqlite.one('SELECT parity_bundle(json_array(?))', table.lite)

    def verify_in_sqlite(self, bundle):
        return self.sqlite.verify(bundle)

    def verify_in_pg(self, bundle):
        return self.pg.verify(bundle, json.dumps({'schema': 'orm ' + self.name}))

    def assert_match(self, verdicts, where, names):
        """All tables match, with all their rows."""
        assert set(verdicts) == {getattr(table, names) for table in self.tables}
        for table in self.tables:
            verdict = verdicts[getattr(table, names)]
            told = (verdict.status, verdict.local_rows, verdict.remote_rows, verdict.differing)
            if told != ('match', len(table.rows), len(table.rows), 0):
                self.fail(table, verdict, where)

    def fail(self, table, verdict, *words):
        """Ends the test with what is needed to see what went wrong."""
        columns = ['%s %s %s / %s %s, kind %s' % ('key' if c.key else 'column', c.name, c.form.pg, c.lite, c.form.lite,
                                                  c.form.pin or 'as declared') for c in table.columns]
        pytest.fail('\n'.join(['PARITY_SEED=%d PARITY_ROWS=%d, client %s' % (SEED, ROWS, self.name), *map(str, words),
                               str(verdict), 'encoding ' + self.sqlite.one('PRAGMA encoding')] + columns), pytrace=False)


@pytest.fixture(scope='module', autouse=True)
def tell(request):
    capture = request.config.pluginmanager.getplugin('capturemanager')
    with capture.global_and_fixture_disabled():
        print('\nPARITY_SEED=%d PARITY_ROWS=%d' % (SEED, ROWS))
    yield
    with capture.global_and_fixture_disabled():
        print('\n%(rows)d rows in %(tables)d tables compared in both directions, %(flips)d cells flipped' % seen)


@pytest.mark.parametrize('name', CLIENTS)
def test_client(pg, tmp_path, name):
    rng = random.Random('%d %s' % (SEED, name))
    pair = Pair(rng, name, pg, tmp_path / 'client.db')
    try:
        check_match(pair)
        for table in pair.tables[LARGE:]:
            check_flips(pair, table)
    finally:
        pair.sqlite.connection.close()
        pg.run('DROP SCHEMA %s CASCADE' % pair.schema)


def check_match(pair):
    """PostgreSQL's bundle in SQLite, which only has its units pinned; then the other way round."""
    bundle = pair.pg_bundle()
    pair.assert_match(pair.verify_in_sqlite(bundle), 'bundle of PostgreSQL, verified in SQLite', 'lite')
    pair.sqlite.run('SELECT parity_assert_match(?)', bundle)
    pair.sqlite.run('SELECT parity_adopt(?)', bundle)
    pair.assert_match(pair.verify_in_pg(pair.sqlite_bundle()), 'bundle of SQLite, verified in PostgreSQL', 'name')
    pair.assert_match(pair.verify_in_sqlite(bundle), 'verified in SQLite after adopt', 'lite')
    for table in pair.tables:
        here = pair.pg.one('SELECT parity.checksum(%s)::text', table.full)
        assert here.startswith('p1-%d-' % len(table.rows))
        assert here == pair.sqlite.one('SELECT parity_checksum(?)', table.lite)
        assert pair.pg.run('SELECT digest::text FROM parity.column_checksums(%s)', table.full) == \
            pair.sqlite.run('SELECT digest FROM parity_column_checksums(?)', table.lite)


def check_flips(pair, table):
    """Each column, on each side: one cell changes by a bit, and exactly this column differs, in both directions."""
    pg_bundle, sqlite_bundle = pair.pg_bundle(table), pair.sqlite_bundle(table)
    for at, column in enumerate(table.columns):
        for _ in range(FLIPS):
            number, flipped = choose_flip(pair.rng, table, at)
            row = table.rows[number]

            def assert_named(verdicts, name):
                verdict = verdicts[getattr(table, name)]
                expected = [] if column.key else [getattr(column, name)]
                told = (verdict.status, verdict.columns, 'keys differ' in (verdict.detail or ''))
                if told != ('differ', expected, column.key):
                    pair.fail(table, verdict, 'flipped in %s, verified in %s: %r became %r' % (
                        column.name, name, row[at], flipped))

            with pair.pg.connection.transaction(force_rollback=True):
                pair.pg.run('UPDATE %s SET %s = %%s WHERE ctid = %%s' % (table.full, quoted(column.name)),
                            column.pg(flipped), table.ctids[number])
                assert_named(pair.verify_in_sqlite(pair.pg_bundle(table)), 'lite')
                assert_named(pair.verify_in_pg(sqlite_bundle), 'name')
            pair.sqlite.run('BEGIN')
            where, args = table.where(pair.rng, number)
            pair.sqlite.run('UPDATE %s SET %s = ? WHERE %s' % (quoted(table.lite), quoted(column.lite), where),
                            column.cell(pair.rng, flipped), *args)
            assert pair.sqlite.one('SELECT changes()') == 1
            assert_named(pair.verify_in_sqlite(pg_bundle), 'lite')
            assert_named(pair.verify_in_pg(pair.sqlite_bundle(table)), 'name')
            pair.sqlite.run('ROLLBACK')
            seen['flips'] += 2
    assert pair.verify_in_sqlite(pg_bundle)[table.lite].status == 'match'
    assert pair.verify_in_pg(sqlite_bundle)[table.name].status == 'match'


def choose_flip(rng, table, at):
    """A row's number and what its cell becomes; a key stays unlike all others."""
    while True:
        number = rng.randrange(len(table.rows))
        row = list(table.rows[number])
        row[at] = table.columns[at].flip(rng, row[at])
        if not table.columns[at].key or tuple(row[:len(table.key)]) not in table.taken:
            return number, row[at]
