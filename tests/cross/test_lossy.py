"""A lossy load is caught: `rounded`, with the right counts, and never `match`."""

import re
import struct
from decimal import ROUND_HALF_UP, Decimal

import pytest

ROWS = 500


def rows():
    """(id, latitude, price, stamp): values of which some fit PostgreSQL's narrower types and some do not."""
    for i in range(1, ROWS + 1):
        latitude = i / 8 if i % 3 == 0 else 40 + i / 9973
        price = '%d.%02d' % (i, i % 100) if i % 4 else '%d.%03d' % (i, 5 + i % 990)
        stamp = '2026-01-02T03:%02d:%02d.%s' % (i // 60 % 60, i % 60, '%06d' % (i * 997) if i % 5 else '%09d' % (i * 997 + 1))
        yield i, latitude, price, stamp + 'Z'


def is_float4(value):
    """Whether the double is what a float's shortest digits name, or a float itself."""
    single = struct.unpack('f', struct.pack('f', value))[0]
    if single == value:
        return True
    return any(float('%.*g' % (digits, single)) == value and
               struct.unpack('f', struct.pack('f', float('%.*g' % (digits, single))))[0] == single
               for digits in range(1, 10))


def expected_counts():
    data = list(rows())
    return {
        'latitude': sum(not is_float4(latitude) for _, latitude, _, _ in data),
        'price': sum(Decimal(price) != Decimal(price).quantize(Decimal('0.01'), ROUND_HALF_UP)
                     for _, _, price, _ in data),
        'at': sum(len(stamp.split('.')[1].rstrip('Z').rstrip('0')) > 6 for _, _, _, stamp in data),
    }


@pytest.fixture
def lite(sqlite):
    sqlite.run('CREATE TABLE places (id INTEGER PRIMARY KEY, latitude REAL, price TEXT, at TEXT)')
    sqlite.insert('places', rows())
    return sqlite


def load(pg, latitude, price, at):
    pg.run('CREATE TABLE places (id int PRIMARY KEY, latitude %s, price %s, at %s)' % (latitude, price, at))
    pg.run('CREATE TEMP TABLE raw (id int, latitude float8, price text, at text)')
    pg.insert('raw', rows())
    pg.run('INSERT INTO places SELECT id, latitude, price::numeric, at%s FROM raw' % (
        '' if at == 'text' else '::timestamptz'))
    pg.run('DROP TABLE raw')


def counts(detail, where):
    """{column: values} of "column: n values WHERE are equal only once rounded to kind"."""
    found = re.findall(r'(\w+): (\d+) values? %s (?:is|are) equal only once rounded' % where, detail or '')
    return {column: int(n) for column, n in found}


def test_narrow_types_are_rounded(pg, lite):
    load(pg, 'real', 'numeric(10,2)', 'timestamptz')
    verdict = lite.verify(pg.bundle())['places']
    expected = expected_counts()
    assert all(expected.values())
    assert verdict.status == 'rounded', verdict
    assert sorted(verdict.columns) == ['at', 'latitude', 'price']
    assert counts(verdict.detail, 'here') == expected


def test_wide_types_match(pg, lite):
    load(pg, 'float8', 'numeric', 'text')
    verdict = lite.verify(pg.bundle())['places']
    assert verdict.status == 'match', verdict


def test_one_wrong_value_among_rounded_ones_differs(pg, lite):
    load(pg, 'real', 'numeric(10,2)', 'timestamptz')
    pg.run('UPDATE places SET price = price + 0.01 WHERE id = 7')
    verdict = lite.verify(pg.bundle())['places']
    assert verdict.status == 'differ', verdict
    assert 'price' in verdict.columns
    assert set(counts(verdict.detail, 'here')) == {'latitude', 'at'}, 'price is not equal once rounded'


def test_assert_match(pg, lite):
    load(pg, 'real', 'numeric(10,2)', 'timestamptz')
    bundle = pg.bundle()
    assert 'places: rounded' in lite.error('SELECT parity_assert_match(?)', bundle)
    assert lite.one('SELECT parity_assert_match(?, ?)', bundle, '{"accept": "rounded"}') is None


def test_the_other_direction_once_the_types_are_adopted(pg, lite):
    load(pg, 'real', 'numeric(10,2)', 'timestamptz')
    assert pg.verify(lite.bundle())['places'].status in ('differ', 'incomparable'), 'SQLite says nothing of rounding yet'
    lite.run('SELECT parity_adopt(?)', pg.bundle())
    bundle = lite.bundle()
    verdict = pg.verify(bundle)['places']
    assert verdict.status == 'rounded', verdict
    assert counts(verdict.detail, 'there') == expected_counts()
    sqlstate, words, _ = pg.error('SELECT parity.assert_match(%s)', bundle)
    assert sqlstate == '22000' and 'places: rounded' in words
    pg.run('SELECT parity.assert_match(%s, %s)', bundle, '{"accept": "rounded"}')


def test_accepted_beforehand(pg, lite):
    load(pg, 'real', 'numeric(10,2)', 'timestamptz')
    lite.run('SELECT parity_set_spec(?, ?)', 'places', '{"columns": {"latitude": "float4 round", '
             '"price": "decimal(10,2) round", "at": "timestamptz round"}}')
    verdict = lite.verify(pg.bundle())['places']
    assert verdict.status == 'match'
    for column, n in expected_counts().items():
        assert '%s: %d values here rounded, as the option round says' % (column, n) in verdict.detail
