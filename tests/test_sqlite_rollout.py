"""parity_in_rollout: the golden vectors, errors, shares and monotony."""

import math
import uuid

import pytest

from sqlite_support import connect, error, one, sql_value, vectors


@pytest.fixture
def db():
    return connect()


def parts_of(words):
    """(expressions, parameters) of values as a vector writes them."""
    parts = [sql_value(*word.split(':', 1)) for word in words.split(' ')]
    return ', '.join(p[0] for p in parts), [a for p in parts for a in p[1]]


def test_vectors(db):
    checked = 0
    for what, percent, *fields in vectors('rollout.tsv'):
        if what == 'in':
            share, values = parts_of(percent), parts_of(fields[1])
            got = one(db, 'SELECT parity_in_rollout(%s, ?, %s)' % (share[0], values[0]),
                      *share[1], fields[0].replace(';', ','), *values[1])
            assert got == int(fields[2]), (percent, fields)
        elif what == 'percent':
            expression, args = parts_of(percent)
            sql = "SELECT parity_in_rollout(%s, 'int', 1)" % expression
            if fields[0] == 'error':
                assert 'percent must be a number from 0 to 100' in error(db, sql, *args), percent
            else:
                assert one(db, sql, *args) in (0, 1), percent
        checked += 1
    assert checked > 300


@pytest.mark.parametrize('percent, words', [
    (None, 'It is NULL.'), (-1, 'It is below 0.'), (100.5, 'It is above 100.'), ('NaN', 'It is NaN.'),
    ('many', 'It is not a number.'), (b'5', 'It is not a number.'), (math.inf, 'It is above 100.'),
    (-math.inf, 'It is below 0.')])
def test_no_percentages(db, percent, words):
    assert error(db, "SELECT parity_in_rollout(?, 'int', 1)", percent) == \
        'percent must be a number from 0 to 100: ' + words


def test_arguments(db):
    for call in ('', '5', "5, 'int'"):
        assert 'needs percent, kinds and at least one value' in error(db, 'SELECT parity_in_rollout(%s)' % call)
    assert '2 kinds and 1 values' in error(db, "SELECT parity_in_rollout(5, 'int,int', 1)")
    assert 'is NULL' in error(db, 'SELECT parity_in_rollout(5, NULL, 1)')


def test_percentage_and_kinds_from_columns(db):
    db.execute('CREATE TABLE t(percent, kind)')
    db.execute("INSERT INTO t VALUES(0, 'int'), (100, 'text'), (0, 'text'), ('100', 'int')")
    assert [row[0] for row in db.execute('SELECT parity_in_rollout(percent, kind, 1) FROM t')] == [0, 1, 0, 1]


@pytest.mark.parametrize('kind, key', [
    ('int', lambda i: i), ('text', lambda i: 'user %d' % i), ('uuid', lambda i: str(uuid.uuid5(uuid.NAMESPACE_OID, str(i))))])
def test_uniform_and_monotone(db, kind, key):
    db.execute('CREATE TABLE t(k)')
    db.executemany('INSERT INTO t VALUES(?)', ((key(i),) for i in range(100000)))
    before = set()
    for percent in (0, 0.5, 1, 12.5, 33.3, 50, 75, 99.9, 100):
        now = {row[0] for row in db.execute('SELECT k FROM t WHERE parity_in_rollout(?, ?, k)', (percent, kind))}
        assert abs(len(now) - percent * 1000) <= 1000, percent
        assert before <= now
        before = now
    assert len(before) == 100000
