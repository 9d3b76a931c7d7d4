"""diff, rows, explain, recheck and repair against the truth: random tables on both sides, compared in Python.

Environment:
    PARITY_SEED   the seed, 1 unless it is set; `time` takes another one each run
    PARITY_ROWS   from 10,000 on: also a table of so many rows
"""

import base64
import collections
import datetime
import decimal
import json
import os
import random
import re
import sys
import time
import uuid

import pytest

from conftest import Sqlite
from difference import UNKNOWN, LiteSide, PgSide, frozen, lite, reported
from sqlite_support import HERE

xxhash = pytest.importorskip('xxhash', reason='python3-xxhash is not installed')
sys.path.insert(0, os.path.join(HERE, 'reference'))

from parity_reference import put_value  # noqa: E402

SEED = os.environ.get('PARITY_SEED') or '1'
SEED = time.time_ns() % 10 ** 9 if SEED == 'time' else int(SEED)
ROWS = int(os.environ.get('PARITY_ROWS') or 0)
CASES = 32      # tables a pair of sides, in each direction
seen = collections.Counter()

Type = collections.namedtuple('Type', 'pg lite kind make')
WORDS = ("", "a", "b ", "it's", '"quoted"', 'two\nlines', 'back\\slash', 'é', '日本', '%s', ':name', '$1', '--', ';', '/*')
TYPES = {
    'int': Type('bigint', 'INTEGER', 'int', lambda rng: rng.choice((rng.randrange(-9, 9), rng.randrange(-2 ** 63, 2 ** 63)))),
    'text': Type('text', 'TEXT', 'text', lambda rng: rng.choice(WORDS) + str(rng.randrange(10 ** rng.randrange(1, 9)))),
    'uuid': Type('uuid', 'UUID', 'uuid', lambda rng: uuid.UUID(int=rng.getrandbits(128))),
    'amount': Type('numeric(12,2)', 'DECIMAL(12,2)', 'decimal',
                   lambda rng: decimal.Decimal(rng.randrange(-10 ** 6, 10 ** 6)).scaleb(-2)),
    'day': Type('date', 'DATE', 'date', lambda rng: datetime.date.fromordinal(rng.randrange(1, 3_000_000))),
    'taken': Type('timestamptz', 'TIMESTAMPTZ', 'timestamptz', lambda rng: datetime.datetime(
        2000, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(microseconds=rng.randrange(10 ** 15))),
    'flag': Type('boolean', 'BOOLEAN', 'bool', lambda rng: rng.random() < 0.5),
    'bytes': Type('bytea', 'BLOB', 'bytes', lambda rng: rng.randbytes(rng.randrange(4))),
}
# name: key columns, whether key columns may be NULL
SHAPES = {
    'integer': (('int',), False),
    'text': (('text',), False),
    'uuid': (('uuid',), False),
    'composite': (('int', 'text'), False),
    'dates': (('day', 'uuid', 'flag'), False),
    'null': (('text',), True),
    'nulls': (('int', 'text'), True),
    'keyless': ((), False),
}


class Column:
    def __init__(self, name, type_name, nulls):
        self.name, self.type, self.nulls = name, TYPES[type_name], nulls
        self.type_name = type_name

    def make(self, rng):
        return None if rng.random() < self.nulls else self.type.make(rng)

    def frame(self, value):
        return put_value(self.type.kind, int(value) if isinstance(value, bool) else lite(value))[0]

    def read(self, value):
        """A value as SQLite gives it back, as the Python value that PostgreSQL gives."""
        if value is None:
            return None
        if self.type_name == 'uuid':
            return uuid.UUID(value)
        if self.type_name == 'amount':
            return decimal.Decimal(str(value)).quantize(decimal.Decimal('0.01'))
        if self.type_name == 'day':
            return datetime.date.fromisoformat(value)
        if self.type_name == 'taken':
            stamp = datetime.datetime.fromisoformat(value.replace('Z', '+00:00'))
            return stamp if stamp.tzinfo else stamp.replace(tzinfo=datetime.timezone.utc)
        return bool(value) if self.type_name == 'flag' else value

    def json(self, value):
        """As it stands in a key."""
        if value is None:
            return None
        if self.type_name == 'flag':
            return int(value)
        if self.type_name == 'amount':
            return decimal.Decimal(value)
        if self.type_name == 'bytes':
            return '\\x' + value.hex()
        if self.type_name == 'taken':
            return UNKNOWN      # compared by its key hash
        return value if isinstance(value, (int, str)) else str(value)


class Table:
    """A schema, and what both sides hold: rows as tuples, by key; of a table without a key how many of each."""

    def __init__(self, rng, name, shape, size, edits):
        self.name, self.shape = name, shape
        types, may_be_null = SHAPES[shape]
        nulls = 0.2 if may_be_null else 0
        self.columns = [Column('k%d' % n, t, nulls) for n, t in enumerate(types)]
        self.nkey = len(types)
        others = rng.choices(sorted(TYPES), k=rng.randrange(1, 5))
        self.columns += [Column('v%d' % n, t, rng.choice((0, 0.2))) for n, t in enumerate(others)]
        rng.shuffle(self.columns)       # key columns stand anywhere
        self.keys = [i for i, c in enumerate(self.columns) if c.name.startswith('k')]
        self.values = [i for i in range(len(self.columns)) if i not in self.keys]
        self.order = sorted(range(len(self.columns)), key=lambda i: self.columns[i].name)
        self.null_keys = may_be_null
        self.suffix = rng.choice(('', ' WITHOUT ROWID')) if self.keys and not may_be_null and shape != 'integer' else ''
        self.base = self.fill(rng, size)
        self.edits = edits

    def key(self, row):
        return tuple(row[i] for i in self.keys) if self.keys else row

    def row(self, rng):
        return tuple(c.make(rng) for c in self.columns)

    def fill(self, rng, size):
        if not self.keys:
            rows = collections.Counter()
            for _ in range(size):
                rows[self.row(rng)] += rng.choice((1, 1, 1, 2, 5))
            return rows
        rows = {}
        while len(rows) < size:
            row = self.row(rng)
            rows[self.key(row)] = row
            if self.shape == 'null' and len(rows) > 10 ** 5:
                break
        return rows

    def edited(self, rng, rows, edits):
        """A copy with so many edits."""
        rows = collections.Counter(rows) if not self.keys else dict(rows)
        for _ in range(edits):
            known = list(rows)
            kind = rng.choice(('insert', 'delete', 'update', 'update')) if known else 'insert'
            if kind == 'insert':
                row = self.row(rng)
                if not self.keys:
                    rows[row] += rng.choice((1, 2))
                elif self.key(row) not in rows:
                    rows[self.key(row)] = row
                continue
            key = rng.choice(known)
            if not self.keys:
                rows[key] += rng.choice((1, 2, -1, -2)) if kind == 'update' else -rows[key]
                if rows[key] <= 0:
                    del rows[key]
            elif kind == 'delete':
                del rows[key]
            else:
                rows[key] = self.changed(rng, rows[key])
        return rows

    def changed(self, rng, row, but=()):
        """The row with some of its values changed."""
        row = list(row)
        for i in rng.sample(self.values, rng.randrange(1, len(self.values) + 1)):
            before = row[i]
            for _ in range(50):
                row[i] = self.columns[i].make(rng)
                if row[i] != before:
                    break
        return tuple(row)

    # -- the truth

    def difference(self, local, remote):
        """{key: (change, local minus remote rows)}"""
        found = {}
        for key in set(local) | set(remote):
            if not self.keys:
                rows = local.get(key, 0) - remote.get(key, 0)
                if rows:
                    found[key] = ('only local' if rows > 0 else 'only remote', rows)
            elif key not in remote:
                found[key] = ('only local', 1)
            elif key not in local:
                found[key] = ('only remote', -1)
            elif local[key] != remote[key]:
                found[key] = ('changed', 0)
        return found

    def frames(self, row):
        return b''.join(self.columns[i].frame(row[i]) for i in self.order)

    def row_key(self, key):
        """Its hexadecimal digits."""
        if not self.keys:
            frames = self.frames(key)
        else:
            values = dict(zip(self.keys, key))
            frames = b''.join(self.columns[i].frame(values[i]) for i in self.order if i in values)
            if len(self.keys) == 1 and isinstance(key[0], int):
                return '%016x' % (key[0] % 2 ** 64)
        return '%016x' % (int(xxhash.xxh3_128_hexdigest(frames), 16) % 2 ** 64)

    def json(self, key):
        """The key as diff prints it; UNKNOWN in it where only the hash is compared."""
        columns = [self.columns[i] for i in self.keys] or self.columns
        values = {c.name: c.json(value) for c, value in zip(columns, key)}
        if UNKNOWN in values.values():
            return UNKNOWN
        return next(iter(values.values())) if len(self.keys) == 1 else frozen(values)

    def count(self, rows):
        return sum(rows.values()) if not self.keys else len(rows)

    def cells(self, local, remote):
        """{(key hash, column or None, reason)}; the reason of a changed cell is left to explain."""
        found = set()
        for key, (change, _) in self.difference(local, remote).items():
            if change != 'changed':
                found.add((self.row_key(key), None))
                continue
            for i in self.values:
                if local[key][i] != remote[key][i]:
                    found.add((self.row_key(key), self.columns[i].name))
        return found

    # -- in a database

    def create(self, side, rows):
        name = side.name(self.name)
        side.run('DROP TABLE IF EXISTS %s' % name)
        pg = side.engine == 'postgresql'
        lines = ['%s %s%s' % (c.name, c.type.pg if pg else c.type.lite,
                              ' NOT NULL' if i in self.keys and not self.null_keys else '')
                 for i, c in enumerate(self.columns)]
        key = ', '.join(self.columns[i].name for i in self.keys)
        if self.keys and not (pg and self.null_keys):
            lines.append('PRIMARY KEY (%s)' % key)
        side.run('CREATE TABLE %s (%s)%s' % (name, ', '.join(lines), '' if pg else self.suffix))
        if pg and self.null_keys:
            side.run('CREATE UNIQUE INDEX ON %s (%s)' % (name, key))
            side.set_spec(self.name, {'key': [self.columns[i].name for i in self.keys]})
        side.copy(self.name, self.listed(rows))

    def listed(self, rows):
        return rows.elements() if not self.keys else rows.values()

    def contents(self, side):
        rows = side.run('SELECT %s FROM %s' % (', '.join(c.name for c in self.columns), side.name(self.name)))
        if side.engine == 'sqlite':
            rows = [tuple(c.read(value) for c, value in zip(self.columns, row)) for row in rows]
        if not self.keys:
            return collections.Counter(rows)
        found = {self.key(row): row for row in rows}
        assert len(found) == len(rows)
        return found

    def where(self, side, key):
        mark, same = ('%s', 'IS NOT DISTINCT FROM') if side.engine == 'postgresql' else ('?', 'IS')
        columns = [self.columns[i] for i in self.keys]
        if side.engine == 'postgresql':
            marks = ['%%s::%s' % c.type.pg for c in columns]
        else:
            marks, key = [mark] * len(columns), [lite(value) for value in key]
        return ' AND '.join('%s %s %s' % (c.name, same, m) for c, m in zip(columns, marks)), list(key)

    def set_row(self, side, key, row):
        """Makes one row what it is to be; None: there is none."""
        where, args = self.where(side, key)
        side.run('DELETE FROM %s WHERE %s' % (side.name(self.name), where), *args)
        if row is not None:
            side.put(self.name, [row])


@pytest.fixture
def databases(pg, sqlite, tmp_path):
    """Two of each engine: PostgreSQL's are schemas."""
    pg.run('DROP SCHEMA IF EXISTS other CASCADE')
    pg.run('CREATE SCHEMA other')
    second = Sqlite(tmp_path / 'second.db')
    for each in (sqlite, second):
        each.run('PRAGMA synchronous = off')
    yield {'pg': PgSide(pg), 'pg2': PgSide(pg, 'other'), 'sqlite': LiteSide(sqlite), 'sqlite2': LiteSide(second)}
    second.connection.close()


@pytest.fixture(scope='module', autouse=True)
def tell(request):
    capture = request.config.pluginmanager.getplugin('capturemanager')
    with capture.global_and_fixture_disabled():
        print('\nPARITY_SEED=%d PARITY_ROWS=%d' % (SEED, ROWS))
    yield
    with capture.global_and_fixture_disabled():
        print('\n%(tables)d tables of %(rows)d rows compared, %(differences)d differences, %(refused)d of them changed in '
              'between' % seen)


PAIRS = [('pg', 'sqlite'), ('sqlite', 'pg'), ('pg', 'pg2'), ('sqlite', 'sqlite2')]


@pytest.mark.parametrize('names', PAIRS, ids='-'.join)
def test_random_tables(databases, names):
    """local-remote: what local says of remote's bundle, and what it makes of remote's rows."""
    local, remote = (databases[name] for name in names)
    rng = random.Random('%d %s' % (SEED, names))
    shapes = sorted(SHAPES)
    tables, state = [], {}
    for n in range(CASES):
        size = rng.choice((0, 1, 3, 12, 40, 150))
        table = Table(rng, 't%d' % n, shapes[n % len(shapes)], size, rng.choice((0, 1, 2, 5, 20, 60)))
        here = table.edited(rng, table.base, table.edits // 2)
        there = table.edited(rng, table.base, table.edits - table.edits // 2)
        table.create(local, here)
        table.create(remote, there)
        tables.append(table)
        state[table] = [here, there]
    bundle = remote.bundle()
    verdicts = local.verify(bundle)
    scripts = []
    for table in tables:
        here, there = state[table]
        truth = table.difference(here, there)
        seen.update(tables=1, rows=table.count(here) + table.count(there), differences=len(truth))
        verdict = verdicts[table.name]
        assert (verdict.status, verdict.differing) == ('differ' if truth else 'match', len(truth)), (SEED, verdict)
        check_diff(table, local.diff(table.name, bundle), here, there)
        rows = remote.rows(table.name, local.keys(table.name, bundle))
        check_rows(table, rows, truth, there)
        check_explain(table, local.explain(table.name, rows), here, there)
        check_recheck(table, local.recheck(table.name, rows), truth, here, there)
        scripts.append(local.repair(table.name, rows))
        if table.keys and rng.random() < 0.6:
            meddle(rng, table, local, state[table], truth)
    script = '\n'.join('\n'.join(statements) for statements in scripts) + '\n'
    run = local.execute(script)
    assert run.status == 0, (SEED, run.err, script[:5000])
    bundle = remote.bundle()
    for table in tables:
        here, there = state[table][:2]
        if len(state[table]) == 3:      # rows that changed in between are as they were left, the others as there
            left = state[table][2]
            here = {**{key: row for key, row in there.items() if key not in left},
                    **{key: here[key] for key in left if key in here}}
        else:
            here = there
        assert table.contents(local) == here, (SEED, table.name, table.shape)
        assert table.contents(remote) == there
        check_diff(table, local.diff(table.name, bundle), here, there)
        run = local.repaired(table.name, remote, bundle)
        assert run.status == 0, (SEED, run)
    for verdict in local.verify(bundle).values():
        assert (verdict.status, verdict.differing) == ('match', 0), (SEED, verdict)
    for table in tables:
        assert table.contents(local) == state[table][1]


def check_diff(table, found, here, there):
    truth = table.difference(here, there)
    known = {table.row_key(key): key for key in set(here) | set(there)}
    assert [row.complete for row in found] == [True] * len(found) and {row.detail for row in found} <= {None}
    told = {known[row.key_hash]: (row.change, row.rows) for row in found}
    assert len(told) == len(found)
    assert told == truth, (SEED, table.name, table.shape)
    for row in found:
        key = known[row.key_hash]
        can_name = key in here or table.shape == 'integer'
        if not can_name:
            assert row.key is UNKNOWN, row
        elif table.json(key) is not UNKNOWN:
            assert row.key == table.json(key), row
        else:
            assert row.key is not UNKNOWN, row


def check_rows(table, rows, truth, there):
    """The other side's rows of the keys asked for, frame by frame."""
    head = json.loads(rows)
    assert (head['parity'], head['table']['table']) == ('p1', table.name)
    assert len(head['keys']) == len(truth)
    expected = collections.Counter()
    for key in truth:
        if key in there:
            expected[table.frames(key if not table.keys else there[key])] += 1 if table.keys else there[key]
    assert collections.Counter(base64.b64decode(row) for row in head['rows']) == expected


def check_explain(table, cells, here, there):
    """Each cell that differs, and no other."""
    truth = table.difference(here, there)
    keys = {table.json(key): table.row_key(key) for key in truth if table.json(key) is not UNKNOWN}
    named = [cell for cell in cells if cell.key is not UNKNOWN]
    for cell in named:
        if cell.column is None:
            assert cell.reason in ('only local', 'only remote')
        else:
            assert cell.local != cell.remote or None in (cell.local, cell.remote), cell
    if len(keys) == len(truth):
        expected = table.cells(here, there)
        assert len(named) == (len(expected) if table.keys else sum(abs(rows) for _, rows in truth.values()))
        assert {(keys[cell.key], cell.column) for cell in named} == expected, (SEED, table.name)
        by_name = {c.name: i for i, c in enumerate(table.columns) if c.type_name in ('int', 'text', 'uuid', 'day')}
        of_key = {table.row_key(key): key for key in truth}
        for cell in named:
            if cell.column in by_name:
                key, i = of_key[keys[cell.key]], by_name[cell.column]
                assert [cell.local, cell.remote] == [None if row[i] is None else str(row[i])
                                                     for row in (here[key], there[key])]
        for key, (change, _) in truth.items():
            reasons = {cell.reason for cell in named if keys[cell.key] == table.row_key(key)}
            assert (reasons == {change}) == (change != 'changed')


def check_recheck(table, found, truth, here, there):
    known = {table.row_key(key): key for key in set(here) | set(there)}
    assert {known[row.key_hash]: row.change for row in found} == {key: change for key, (change, _) in truth.items()}
    assert UNKNOWN not in {row.key for row in found}


def meddle(rng, table, local, state, truth):
    """After repair was written: some of its rows change. Adds the keys to state, and changes what is here."""
    here, there = dict(state[0]), state[1]
    left = set()
    for key in rng.sample(sorted(truth, key=repr), min(len(truth), rng.randrange(1, 4))):
        if key not in here:
            row = table.changed(rng, there[key])    # another row of this key has come meanwhile
        elif truth[key][0] == 'only local' and rng.random() < 0.3:
            row = None                              # it has gone by itself
        else:
            row = table.changed(rng, here[key])
        if row in (here.get(key), there.get(key)):
            continue
        table.set_row(local, key, row)
        left.add(key)
        here.pop(key, None)
        if row is not None:
            here[key] = row
    if left:
        state[:] = [here, there, left]
        seen['refused'] += len(left)


# ---- more differences than a sketch holds ------------------------------------------------


BOTH = [('pg', 'sqlite'), ('sqlite', 'pg')]


def two_columns(databases, names, rows, damaged, key='int'):
    """A table t of (id, v) on both sides, of which damaged ids have another v here."""
    local, remote = (databases[name] for name in names)
    for side in (local, remote):
        pg = side.engine == 'postgresql'
        side.run('CREATE TABLE t (id %s PRIMARY KEY, v %s)' % (
            {'int': 'bigint' if pg else 'INTEGER', 'text': 'text' if pg else 'TEXT'}[key], 'text' if pg else 'TEXT'))
        name = str if key == 'text' else int
        side.copy('t', ((name(i), 'damaged' if side is local and i in damaged else 'value %d' % i) for i in rows))
    return local, remote


def asked_cells(words):
    """The cells that a text says to ask for, here as SQL or there."""
    found = {int(number.replace(',', '')) for number in re.findall(r'cells\D{0,12}?([0-9][0-9,]*)', words)}
    assert len(found) == 1, words
    return found.pop()


@pytest.mark.parametrize('key', ['int', 'text'])
@pytest.mark.parametrize('names', BOTH, ids='-'.join)
def test_more_differences_than_the_sketch_holds(databases, names, key):
    """What is printed is genuine and says that it is not all, and how to get all; that then works."""
    damaged = set(range(0, 4000, 5))
    local, remote = two_columns(databases, names, range(4000), damaged, key)
    keys = {(str(i) if key == 'text' else i) for i in damaged}
    for cells in (16, 64, 256, 512):
        bundle = remote.bundle(['t'], cells)
        if local.engine == 'postgresql':
            notices = []
            local.run("SET client_min_messages = notice")
            local.db.connection.add_notice_handler(lambda notice: notices.append(notice.message_primary + ' ' + str(
                notice.message_detail) + ' ' + str(notice.message_hint)))
        found = local.diff('t', bundle)
        if local.engine == 'postgresql':
            local.run("SET client_min_messages = warning")
            assert asked_cells(' '.join(notices)) >= 1024
        assert not any(row.complete for row in found)
        last = found.pop()
        assert (last.key, last.change, last.key_hash, last.rows) == (UNKNOWN, None, None, None)
        wanted = asked_cells(last.detail)
        assert {row.key for row in found} <= keys and {row.change for row in found} <= {'changed'}
        assert len({row.key for row in found}) == len(found) < len(keys)
        verdict = local.verify(bundle)['t']
        assert verdict.status == 'differ' and verdict.columns == ['v']
        assert verdict.differing is None or 'estimate' in verdict.detail and 400 < verdict.differing < 1600, verdict
        # the part of them can be repaired all the same
        rows = remote.rows('t', local.keys('t', bundle))
        assert len(json.loads(rows)['rows']) == len(found)
    found = local.diff('t', remote.bundle(['t'], wanted))
    assert all(row.complete for row in found)
    assert {row.key for row in found} == keys and len(found) == len(keys)
    assert local.verify(remote.bundle(['t'], wanted))['t'].differing == len(keys)
    assert local.repaired('t', remote, remote.bundle(['t'], wanted)).status == 0
    assert local.verify(remote.bundle(['t']))['t'].status == 'match'


@pytest.mark.parametrize('names', BOTH, ids='-'.join)
def test_any_number_of_cells(databases, names):
    """What is found does not depend on it; without any there is an error that says so."""
    local, remote = two_columns(databases, names, range(1000), {3, 500, 999})
    for cells in (None, 16, 17, 64, 1000, 1024, 5000, 16384):
        bundle = remote.bundle(['t'], cells)
        assert [(row.key, row.change, row.complete) for row in local.diff('t', bundle)] == [
            (key, 'changed', True) for key in (3, 500, 999)], cells
        assert local.verify(bundle)['t'].differing == 3
    bundle = remote.bundle(['t'], 0)
    assert 'sketch' not in json.loads(bundle)['tables'][0]
    verdict = local.verify(bundle)['t']
    assert (verdict.status, verdict.differing) == ('differ', None)
    sql = 'SELECT * FROM parity.diff(%s::regclass, %s)' if local.engine == 'postgresql' else 'SELECT * FROM parity_diff(?, ?)'
    words = local.error(sql, local.name('t') if local.engine == 'postgresql' else 't', bundle)
    assert 'sketch' in words and 'cells' in words
    for cells in (-1, 2 ** 20 + 1, 2 ** 31 - 1):
        sql = 'SELECT parity.bundle(cells => %s)' if remote.engine == 'postgresql' else 'SELECT parity_bundle(NULL, ?)'
        assert 'cells' in remote.error(sql, cells)


@pytest.mark.parametrize('names', BOTH, ids='-'.join)
def test_a_third_of_a_table_by_buckets(databases, names):
    """Digests of buckets on both sides, the rows of those that differ, and a repair for each handful of them."""
    damaged = {i for i in range(9000) if i % 3 == 0}
    local, remote = two_columns(databases, names, range(9000), damaged)
    local.run('DELETE FROM t WHERE id %% 100 = 7'.replace('%%', '%') if local.engine == 'sqlite' else
              'DELETE FROM t WHERE id % 100 = 7')
    remote.run('DELETE FROM t WHERE id BETWEEN 4000 AND 4100')
    bits = 6
    here, there = local.buckets('t', bits), remote.buckets('t', bits)
    assert set(here) | set(there) <= set(range(64))
    assert sum(int(digest.split('-')[1]) for digest in there.values()) == 9000 - 101
    differing = sorted(b for b in set(here) | set(there) if here.get(b) != there.get(b))
    assert len(differing) == 64
    for start in range(0, 64, 16):
        keys = json.dumps([{'bucket': b, 'bits': bits} for b in differing[start:start + 16]])
        rows = remote.rows('t', keys)
        assert len(local.recheck('t', rows)) > 500
        assert local.pipe('t', rows).status == 0
        assert local.recheck('t', rows) == []
        here = local.buckets('t', bits)
        assert [b for b in sorted(set(here) | set(there)) if here.get(b) != there.get(b)] == differing[start + 16:]
    assert local.verify(remote.bundle(['t']))['t'].status == 'match'
    assert local.checksum('t') == remote.checksum('t')
    # buckets of one key, and of no rows
    for bits in (0, 1, 16):
        here, there = local.buckets('t', bits), remote.buckets('t', bits)
        assert here == there and sum(int(d.split('-')[1]) for d in here.values()) == 9000 - 101
    local.run('DELETE FROM t')
    assert all(digest.startswith('p1-0-') for digest in local.buckets('t', 4).values())


@pytest.mark.parametrize('names', BOTH, ids='-'.join)
def test_keys_that_are_none(databases, names):
    """Text in an integer key, a key that is no integer in either, and the largest integers."""
    local, remote = (databases[name] for name in names)
    ids = [0, -1, 1, 2 ** 63 - 1, -2 ** 63, 2 ** 31]
    for side in (local, remote):
        pg = side.engine == 'postgresql'
        side.run('CREATE TABLE t (id %s PRIMARY KEY, v text)' % ('bigint' if pg else 'INT'))
        side.put('t', [(i, 'x%d' % i if side is local else 'y%d' % i) for i in ids])
    lite_side = local if local.engine == 'sqlite' else remote
    lite_side.put('t', [('abc', 'text'), ('1.5', 'a half'), (b'\x00\xff', 'bytes')])
    found = local.diff('t', remote.bundle(['t']))
    assert all(row.complete for row in found)
    assert len(found) == len(ids) + 3
    assert {row.key for row in found if row.change == 'changed'} == set(ids)
    others = [row for row in found if row.change != 'changed']
    assert {row.change for row in others} == {'only local' if lite_side is local else 'only remote'}
    # 1.5 is a number, which JSON can say; what is BAD goes by its hash
    assert {row.key for row in others} <= {decimal.Decimal('1.5'), UNKNOWN}
    assert len({row.key_hash for row in found}) == len(found)
    rows = remote.rows('t', local.keys('t', remote.bundle(['t'])))
    assert len(json.loads(rows)['rows']) == len(ids) + (0 if lite_side is local else 3)
    run = local.pipe('t', rows)
    assert run.status == 0, run
    if lite_side is local:      # the three are deleted
        assert local.verify(remote.bundle(['t']))['t'].status == 'match'
    else:                       # PostgreSQL cannot hold them: they are named, and the rest is repaired
        comments = [s for s in local.repair('t', rows) if s.startswith('-- not')]
        assert len(comments) == 3 and any('key 1.5,' in c for c in comments), comments
        for row in others:
            assert any(row.key_hash in c or 'key 1.5,' in c for c in comments), comments
        assert {row.key_hash for row in local.diff('t', remote.bundle(['t']))} == {row.key_hash for row in others}
        assert sorted(local.run('SELECT id, v FROM t')) == sorted((i, 'y%d' % i) for i in ids)


@pytest.mark.parametrize('names', BOTH + [('pg', 'pg2'), ('sqlite', 'sqlite2')], ids='-'.join)
def test_copies_of_a_row(databases, names):
    """Without a key: so many more or fewer of each, and repaired to exactly as many."""
    local, remote = (databases[name] for name in names)
    counts = {'a': (1, 1), 'b': (3, 1), 'c': (1, 3), 'd': (0, 2), 'e': (2, 0), 'f': (1000, 1), 'g': (1, 1000), None: (2, 5)}
    for side, which in ((local, 0), (remote, 1)):
        side.run('CREATE TABLE %s (v text, n int)' % side.name('t'))
        side.put('t', [(v, 7) for v, pair in counts.items() for _ in range(pair[which])])
    bundle = remote.bundle(['t'])
    found = local.diff('t', bundle)
    differ = {v: pair for v, pair in counts.items() if pair[0] != pair[1]}
    assert sorted(row.rows for row in found) == sorted(a - b for a, b in differ.values())
    named = {dict(row.key)['v']: (row.change, row.rows) for row in found if row.key is not UNKNOWN}
    assert named == {v: ('only local' if a > b else 'only remote', a - b) for v, (a, b) in differ.items() if a}
    assert local.verify(bundle)['t'].differing == len(differ)
    rows = remote.rows('t', local.keys('t', bundle))
    assert len(json.loads(rows)['rows']) == sum(b for _, b in differ.values())
    assert {(dict(cell.key)['v'], cell.reason) for cell in local.explain('t', rows)} == {
        (v, 'only local' if a > b else 'only remote') for v, (a, b) in differ.items()}
    run = local.pipe('t', rows)
    assert run.status == 0, run
    assert dict(local.run('SELECT v, count(*) FROM %s GROUP BY v' % local.name('t'))) == {
        v: b for v, (_, b) in counts.items() if b}
    assert local.verify(remote.bundle(['t']))['t'].status == 'match'


@pytest.mark.parametrize('names', BOTH, ids='-'.join)
def test_copies_that_changed_in_between(databases, names):
    """Each statement takes one step from so many copies to the next number, or none: never beyond what is there."""
    local, remote = (databases[name] for name in names)
    for side, counts in ((local, {'b': 3, 'c': 1, 'd': 4, 'e': 2, 'g': 5}),
                         (remote, {'b': 1, 'c': 3, 'd': 1, 'f': 2, 'g': 1})):
        side.run('CREATE TABLE t (v text, n int)')
        side.put('t', [(v, 7) for v, n in counts.items() for _ in range(n)])
    statements = local.repair('t', remote.rows('t', local.keys('t', remote.bundle(['t']))))
    local.put('t', [('b', 7), ('c', 7), ('f', 8)])
    local.run("DELETE FROM t WHERE v = 'g'")
    local.put('t', [('g', 7)] * 3)
    run = local.shell(statements)
    assert run.status == 0, run
    assert sorted(local.run('SELECT v, n, count(*) FROM t GROUP BY v, n')) == [
        ('b', 7, 4), ('c', 7, 3), ('d', 7, 1), ('f', 7, 2), ('f', 8, 1), ('g', 7, 1)]
    assert reported(run) == (1 + 3 + 2 + 2 + 2, 2 + 1 + 2, 0)
    assert local.repaired('t', remote).status == 0
    assert local.verify(remote.bundle(['t']))['t'].status == 'match'


@pytest.mark.parametrize('names', BOTH, ids='-'.join)
def test_diff_reads_only(databases, names):
    """Nothing but the run of what repair writes changes anything."""
    local, remote = two_columns(databases, names, range(100), {1, 2, 3})
    before = sorted(local.run('SELECT * FROM t'))
    bundle = remote.bundle(['t'])
    rows = remote.rows('t', local.keys('t', bundle))
    local.explain('t', rows), local.recheck('t', rows)
    statements = local.repair('t', rows)
    assert sorted(local.run('SELECT * FROM t')) == before
    assert statements == local.repair('t', rows), 'the same again'
    # UPDATE sets only what differs, and each row has its statement
    updates = [s for s in statements if 'UPDATE' in s]
    assert len(updates) == 3 and all(re.search(r' SET "v" = \S+( \S+)? WHERE ', s) for s in updates), updates
    assert not any('UPDATE' in s for s in local.repair('t', remote.rows('t', '[]')))


@pytest.mark.parametrize('names', BOTH, ids='-'.join)
def test_where_nothing_differs(databases, names):
    local, remote = two_columns(databases, names, range(100), ())
    bundle = remote.bundle(['t'])
    assert local.diff('t', bundle) == []
    assert json.loads(local.keys('t', bundle)) == []
    rows = remote.rows('t', '[]')
    assert json.loads(rows)['rows'] == []
    assert local.explain('t', rows) == local.recheck('t', rows) == []
    assert local.pipe('t', rows).status == 0
    # asked for, though equal or not there on either side
    rows = remote.rows('t', '[1, 2, 12345, {"key": 3}, {"key_hash": "0000000000000004"}]')
    assert len(json.loads(rows)['rows']) == 4
    assert local.explain('t', rows) == local.recheck('t', rows) == []
    assert local.pipe('t', rows).status == 0
    assert local.verify(bundle)['t'].status == 'match'


@pytest.mark.skipif(ROWS < 10_000, reason='PARITY_ROWS is not set to 10,000 or more')
@pytest.mark.parametrize('key', ['int', 'text'])
@pytest.mark.parametrize('names', BOTH, ids='-'.join)
def test_a_large_table(databases, names, key):
    """PARITY_ROWS rows of which 300 were changed here, 200 deleted here, and 200 have come."""
    rng = random.Random(SEED)
    chosen = rng.sample(range(ROWS), 500)
    changed, deleted, added = set(chosen[:300]), set(chosen[300:]), set(range(ROWS, ROWS + 200))
    local, remote = two_columns(databases, names, range(ROWS), changed, key)
    name = str if key == 'text' else int
    for i in deleted:
        where = 'DELETE FROM t WHERE id = ' + ('%s' if local.engine == 'postgresql' else '?')
        local.run(where, name(i))
    local.put('t', [(name(i), 'added') for i in added])
    truth = {**{name(i): 'changed' for i in changed}, **{name(i): 'only local' for i in added},
             **{name(i): 'only remote' for i in deleted}}
    bundle = remote.bundle(['t'])
    found = local.diff('t', bundle)
    assert all(row.complete for row in found) and len(found) == 700
    told = {row.key: row.change for row in found}
    if key == 'text':
        assert sum(row.key is UNKNOWN and row.change == 'only remote' for row in found) == 200
        del told[UNKNOWN]
        assert told == {k: change for k, change in truth.items() if change != 'only remote'}
    else:
        assert told == truth
    assert local.verify(bundle)['t'].differing == 700
    rows = remote.rows('t', local.keys('t', bundle))
    assert {row.key: row.change for row in local.recheck('t', rows)} == truth
    assert local.pipe('t', rows).status == 0
    assert local.verify(bundle)['t'].status == 'match'
