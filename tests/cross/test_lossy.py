"""A load that loses something is never a match: `rounded` with the right counts, or `differ`."""

import collections
import datetime
import decimal
import functools
import json
import random
import re

import pytest

from orm_forms import shortest
from orm_values import single, stamp_text

ROWS = 2000
LOSSY = {'lat': 'real', 'lon': 'real', 'price': 'numeric(10,2)', 'taken': 'timestamptz', 'local': 'timestamp(3)',
         'day': 'date', 'units': 'integer', 'opens': 'time(0)', 'note': 'text'}
EXACT = {'lat': 'double precision', 'lon': 'double precision', 'price': 'numeric', 'taken': 'text', 'local': 'text',
         'day': 'timestamp', 'units': 'double precision', 'opens': 'time', 'note': 'text'}
KINDS = {'lat': 'float4', 'lon': 'float4', 'price': 'decimal(10,2)', 'taken': 'timestamptz', 'local': 'timestamp(3)',
         'day': 'date', 'units': 'int', 'opens': 'time(0)'}


@functools.lru_cache
def make_rows():
    """What SQLite holds: coordinates, decimals and whole numbers as REAL, nanoseconds and clocks as text."""
    rng = random.Random(2)
    rows = []
    for number in range(ROWS):
        us = rng.randrange(0, 2_000_000_000_000_000)
        below = rng.choice(['', '', '000'] + ['%03d' % rng.randrange(1, 500), '%03d' % rng.randrange(501, 1000)])
        text = stamp_text(us, ' ', lambda f: '.%06d' % f)
        half = rng.randrange(-2000, 2000) / 2
        rows.append([number,
                     rng.choice((round(rng.uniform(-90, 90), rng.randrange(0, 9)), single(rng.uniform(-90, 90)), None)),
                     rng.uniform(-180, 180),
                     rng.choice((rng.randrange(-10 ** 6, 10 ** 6) / 1000, 12.345, -0.005, 0.004, 2.5)),
                     text + below + 'Z',
                     text[:-6] + rng.choice(('000', '500', '999', '001')) + rng.choice(('', '000', '001', '499', '501')),
                     text[:10] if rng.random() < 0.3 else text[:10] + ' 00:00:00' if rng.random() < 0.5 else text[:19],
                     rng.choice((half, float(rng.randrange(1000)))),
                     text[11:19] + rng.choice(('', '.0', '.5', '.25', '.75')),
                     'note %d' % number])
    return rows


def digits_behind(text):
    """The digits of a second."""
    return text.rstrip('Z').partition('.')[2]


def lost(row):
    """The columns of a row that the lossy types cannot hold, by what those types are."""
    _, lat, lon, price, taken, local, day, units, opens, _note = row
    cents = decimal.Decimal(repr(price)).quantize(decimal.Decimal('0.01'), decimal.ROUND_HALF_UP)
    return [name for name, is_lost in {
        'lat': lat is not None and lat != single(lat) and lat != shortest(None, single(lat)),
        'lon': lon != single(lon) and lon != shortest(None, single(lon)),
        'price': decimal.Decimal(repr(price)) != cents,
        'taken': digits_behind(taken)[6:].strip('0') != '',
        'local': digits_behind(local)[3:].strip('0') != '',
        'day': len(day) > 10 and not day.endswith('00:00:00'),
        'units': units != int(units),
        'opens': digits_behind(opens).strip('0') != '',
    }.items() if is_lost]


def load(pg, sqlite, types):
    """The rows into both, into PostgreSQL through text and its own casts, as a loader does."""
    rows = make_rows()
    sqlite.run('CREATE TABLE readings (id INTEGER PRIMARY KEY, lat REAL, lon REAL, price DECIMAL, taken TEXT, '
               'local DATETIME, day DATETIME, units REAL, opens TIME, note TEXT)')
    sqlite.insert('readings', rows)
    pg.run('CREATE TABLE staging (id int, %s)' % ', '.join(
        '%s %s' % (name, 'double precision' if EXACT[name] == 'double precision' else 'text') for name in types))
    pg.insert('staging', rows)
    pg.run('CREATE TABLE readings (id int PRIMARY KEY, %s)' % ', '.join('%s %s' % item for item in types.items()))
    pg.run("SET TimeZone = 'UTC'")
    pg.run('INSERT INTO readings SELECT id, %s FROM staging' % ', '.join('%s::%s' % item for item in types.items()))
    pg.run('DROP TABLE staging')


@functools.lru_cache
def counted():
    """{column: how many of its values the lossy type cannot hold}"""
    counts = collections.Counter(name for row in make_rows() for name in lost(row))
    assert set(counts) == set(KINDS) and all(0 < n < ROWS or name == 'lon' for name, n in counts.items())
    return counts


def told(verdict, where):
    """{column: (how many values, kind)} of what detail says was rounded on one side."""
    found = re.findall(r'(\w+): (\d+) values? (here|there) (?:is|are) equal only once rounded to ([^;]+)',
                       verdict.detail or '')
    assert all(side == where for _, _, side, _ in found)
    return {name: (int(n), kind) for name, n, _, kind in found}


def expected(counts):
    return {name: (n, KINDS[name]) for name, n in counts.items()}


def test_lossy_load(pg, sqlite):
    load(pg, sqlite, LOSSY)
    counts = counted()
    verdict = sqlite.verify(pg.bundle())['readings']
    assert verdict.status == 'rounded'
    assert sorted(verdict.columns) == sorted(counts)
    assert told(verdict, 'here') == expected(counts)
    assert (verdict.local_rows, verdict.remote_rows) == (ROWS, ROWS)


def test_lossy_load_the_other_way(pg, sqlite):
    """SQLite knows PostgreSQL's types by adopt; its bundle then says what was lost."""
    load(pg, sqlite, LOSSY)
    counts = counted()
    sqlite.run('SELECT parity_adopt(?)', pg.bundle())
    verdict = pg.verify(sqlite.bundle())['readings']
    assert verdict.status == 'rounded'
    assert sorted(verdict.columns) == sorted(counts)
    assert told(verdict, 'there') == expected(counts)
    assert sqlite.verify(pg.bundle())['readings'].status == 'rounded'


def test_exact_load(pg, sqlite):
    """The same rows into types that hold them."""
    load(pg, sqlite, EXACT)
    assert sqlite.verify(pg.bundle())['readings'].status == 'match'
    sqlite.run('SELECT parity_adopt(?)', pg.bundle())
    assert pg.verify(sqlite.bundle())['readings'].status == 'match'
    assert pg.one("SELECT parity.checksum('readings')::text") == sqlite.one("SELECT parity_checksum('readings')")


@pytest.mark.parametrize('column', [None] + list(KINDS))
def test_one_lossy_column(pg, sqlite, column):
    """All types hold their values but one."""
    types = dict(EXACT)
    if column:
        types[column] = LOSSY[column]
    load(pg, sqlite, types)
    counts = counted()
    verdict = sqlite.verify(pg.bundle())['readings']
    assert verdict.status == ('rounded' if column else 'match')
    assert verdict.columns == ([column] if column else [])
    assert told(verdict, 'here') == ({column: (counts[column], KINDS[column])} if column else {})


def test_assert_match(pg, sqlite):
    load(pg, sqlite, LOSSY)
    bundle = pg.bundle()
    assert 'readings: rounded' in sqlite.error('SELECT parity_assert_match(?)', bundle)
    sqlite.run('SELECT parity_assert_match(?, ?)', bundle, '{"accept": "rounded"}')
    sqlite.run('SELECT parity_adopt(?)', bundle)
    bundle = sqlite.bundle()
    code, words, _ = pg.error('SELECT parity.assert_match(%s)', bundle)
    assert code == '22000' and 'readings: rounded' in words
    pg.run('SELECT parity.assert_match(%s, %s)', bundle, '{"accept": "rounded"}')


# One cell more that is wrong in PostgreSQL: by less than the rounding, by the least that the type can hold, or cut
# off where the type would have rounded.
WRONG = [
    ('price', 'price + 0.01', 'price = 2.50'),
    ('price', '12.34', 'price = 12.35'),    # 12.345 cut
    ('price', '0', 'price = -0.01'),        # -0.005 cut
    ('lat', 'lat * 1.0000002', 'lat > 1'),
    ('taken', "taken + interval '1 us'", 'true'),
    ('local', "local - interval '1 ms'", 'true'),
    ('day', 'day + 1', 'true'),
    ('units', 'units + 1', 'true'),
    ('opens', "opens + interval '1 s'", "opens < '23:59:59'"),
    ('note', "note || ' '", 'true'),
]


@pytest.mark.parametrize('column, value, condition', WRONG)
def test_partly_wrong(pg, sqlite, column, value, condition):
    load(pg, sqlite, LOSSY)
    counts = counted()
    row = pg.one('SELECT min(id) FROM readings WHERE %s' % condition)
    assert row is not None
    pg.run('UPDATE readings SET %s = %s WHERE id = %d' % (column, value, row))
    verdict = sqlite.verify(pg.bundle())['readings']
    assert verdict.status == 'differ'
    assert sorted(verdict.columns) == sorted(set(counts) | {column})
    # rounding explains all other columns, and not this one
    counts = {name: n for name, n in counts.items() if name != column}
    assert told(verdict, 'here') == expected(counts)
    assert sqlite.error('SELECT parity_assert_match(?, ?)', pg.bundle(), '{"accept": "rounded"}')
    sqlite.run('SELECT parity_adopt(?)', pg.bundle())
    verdict = pg.verify(sqlite.bundle())['readings']
    assert (verdict.status, told(verdict, 'there')) == ('differ', expected(counts))


def test_round_accepts_it_beforehand(pg, sqlite):
    """A match then, which says how many values were rounded for it."""
    load(pg, sqlite, LOSSY)
    kinds = {name: kind + ' round' for name, kind in KINDS.items()}
    sqlite.run('SELECT parity_set_spec(?, ?)', 'readings', json.dumps({'columns': kinds}))
    for database, bundle, where in ((sqlite, pg.bundle(), 'here'), (pg, sqlite.bundle(), 'there')):
        verdict = database.verify(bundle)['readings']
        assert verdict.status == 'match'
        found = re.findall(r'(\w+): (\d+) values? %s rounded, as the option round says' % where, verdict.detail)
        assert {name: int(n) for name, n in found} == counted()


def test_without_adopt_nothing_is_called_equal(pg, sqlite):
    """SQLite's own bundle does not know what PostgreSQL's types round to: no match, and no guess that it is rounding."""
    load(pg, sqlite, LOSSY)
    bundle = sqlite.bundle()
    assert pg.verify(bundle)['readings'].status in ('differ', 'incomparable')
    assert pg.error('SELECT parity.assert_match(%s, %s)', bundle, '{"accept": "rounded"}')[0] == '22000'


def test_rounded_keys(pg, sqlite):
    """A key that was rounded is found as such, too."""
    start = datetime.datetime(2024, 1, 1)
    stamps = [(start + datetime.timedelta(seconds=i)).isoformat(' ') for i in range(100)]
    sqlite.run('CREATE TABLE log (at TEXT PRIMARY KEY, line TEXT) WITHOUT ROWID')
    sqlite.insert('log', [(stamp + ('.000000%d' % (i % 4)), 'line %d' % i) for i, stamp in enumerate(stamps)])
    pg.run('CREATE TABLE log (at timestamp PRIMARY KEY, line text)')
    pg.insert('log', [(stamp, 'line %d' % i) for i, stamp in enumerate(stamps)])
    verdict = sqlite.verify(pg.bundle())['log']
    assert (verdict.status, verdict.columns, told(verdict, 'here')) == ('rounded', ['at'], {'at': (75, 'timestamp')})
    sqlite.run('SELECT parity_adopt(?)', pg.bundle())
    verdict = pg.verify(sqlite.bundle())['log']
    assert (verdict.status, verdict.columns, told(verdict, 'there')) == ('rounded', ['at'], {'at': (75, 'timestamp')})
    pg.run("UPDATE log SET line = 'line 8' WHERE line = 'line 7'")
    assert pg.verify(sqlite.bundle())['log'].status == 'differ'
    assert sqlite.verify(pg.bundle())['log'].status == 'differ'


def test_postgres_cannot_have_lost_what_it_holds(pg, sqlite):
    """The finer value in PostgreSQL is a difference, not a rounding: SQLite's would have to be rounded to itself."""
    pg.run('CREATE TABLE t (id int PRIMARY KEY, n numeric(10,4), f float8)')
    pg.run('INSERT INTO t VALUES (1, 12.3456, 40.070985)')
    sqlite.run('CREATE TABLE t (id INTEGER PRIMARY KEY, n NUMERIC, f REAL)')
    sqlite.run('INSERT INTO t VALUES (1, 12.35, 40.070984)')
    verdict = sqlite.verify(pg.bundle())['t']
    assert (verdict.status, sorted(verdict.columns)) == ('differ', ['f', 'n'])
    verdict = pg.verify(sqlite.bundle())['t']
    assert (verdict.status, sorted(verdict.columns)) == ('differ', ['f', 'n'])
