"""parity_sketch_agg and what can be done with sketches, against sets computed here and the reference implementation."""

import base64
import collections
import os
import random
import struct
import sys

import pytest

from sqlite_support import HERE, connect, error, one

pytest.importorskip('xxhash', reason='python3-xxhash is not installed')
sys.path.insert(0, os.path.join(HERE, 'reference'))

import parity_sketch as reference  # noqa: E402
from parity_reference import put_value  # noqa: E402

KINDS = 'int, text'


@pytest.fixture
def db():
    return connect()


def agg(db, rows, cells=None, nkey=1, kinds=KINDS):
    """The sketch of rows of two values."""
    db.execute('CREATE TEMP TABLE IF NOT EXISTS rows_of_mine(a, b)')
    db.execute('DELETE FROM rows_of_mine')
    db.executemany('INSERT INTO rows_of_mine VALUES(?, ?)', rows)
    return one(db, 'SELECT parity_sketch_agg(?, ?, ?, a, b) FROM rows_of_mine', cells, nkey, kinds)


def decode(db, sketch):
    """({row key: rows}, complete)"""
    rows = db.execute('SELECT key_hash, rows, complete FROM parity_sketch_decode(?)', (sketch,)).fetchall()
    complete = {row[2] for row in rows} or {1}
    assert len(complete) == 1
    return {int(key, 16): n for key, n, _ in rows if key is not None}, complete.pop() == 1


def sub(db, a, b):
    return one(db, 'SELECT parity_sketch_sub(?, ?)', a, b)


def frames(row, kinds=KINDS):
    return [put_value(kind, value)[0] for kind, value in zip(kinds.split(', '), row)]


def row_key(row, nkey=1, kinds=KINDS):
    return reference.row_key(frames(row, kinds), list(range(nkey)))[0]


def by_reference(rows, cells, nkey=1, kinds=KINDS):
    sketch = reference.Sketch(cells)
    for row in rows:
        sketch.add(frames(row, kinds), list(range(nkey)))
    return sketch


def expected(first, second, nkey=1, kinds=KINDS):
    """What decoding the difference of two lists of rows must give."""
    a, b = collections.Counter(first), collections.Counter(second)
    out = collections.Counter()
    touched = set()
    for row in a.keys() | b.keys():
        if a[row] != b[row]:
            touched.add(row_key(row, nkey, kinds))
            out[row_key(row, nkey, kinds)] += a[row] - b[row]
    return {key: out[key] for key in touched}


def some_rows(n, seed=1):
    rng = random.Random(seed)
    return [(rng.randrange(-2 ** 63, 2 ** 63), 'v%d' % rng.randrange(10 ** 6)) for _ in range(n)]


# ---- the same bytes as the reference's ------------------------------------------------

@pytest.mark.parametrize('cells, count, nkey, kinds', [
    (1024, 0, 1, KINDS), (16, 5, 1, KINDS), (16, 200, 1, KINDS), (64, 30, 0, KINDS), (64, 300, 0, KINDS),
    (128, 60, 2, KINDS), (64, 40, 1, 'text, text'), (256, 400, 1, 'text, text'), (1024, 500, 1, KINDS),
])
def test_bytes(db, cells, count, nkey, kinds):
    rows = some_rows(count)
    rows += rows[:count // 3]
    assert agg(db, rows, cells, nkey, kinds) == by_reference(rows, cells, nkey, kinds).text()


def test_null_keys_and_values(db):
    rows = [(None, None), (None, 'x'), (5, None), (5, 'x'), (None, None)]
    for nkey in range(3):
        assert agg(db, rows, 64, nkey) == by_reference(rows, 64, nkey).text()


@pytest.mark.parametrize('count', [0, 1, 10, 100, 1000, 5000])
def test_estimate(db, count):
    rows = some_rows(count)
    sketch = agg(db, rows, 16)
    assert one(db, 'SELECT parity_sketch_estimate(?)', sketch) == round(by_reference(rows, 16).estimate())


# ---- cells -----------------------------------------------------------------------------

@pytest.mark.parametrize('cells, size', [(None, 1024), (1, 16), (16, 16), (17, 32), (1000, 1024), (1025, 2048),
                                         (1048575, 1 << 20), (1 << 20, 1 << 20)])
def test_cells(db, cells, size):
    assert one(db, 'SELECT parity_sketch_cells(?)', agg(db, [(1, 'x')], cells)) == size


@pytest.mark.parametrize('cells', [-1, (1 << 20) + 1, 2 ** 63 - 1, -2 ** 63, 1.5, 64.0, 'x', '64', b'64'])
def test_wrong_cells(db, cells):
    message = error(db, "SELECT parity_sketch_agg(?, 1, 'int', 5)", cells)
    assert message.startswith('cells must be') and 'from 0 to 1048576' in message and 'NULL is 1024' in message


@pytest.mark.parametrize('nkey', [-1, 3, 2 ** 40, None, '1', 1.0, b'1'])
def test_wrong_key_columns(db, nkey):
    message = error(db, "SELECT parity_sketch_agg(NULL, ?, 'int, int', 5, 6)", nkey)
    assert 'key_columns must be an integer from 0 to 2' in message


def test_wrong_kinds(db):
    for kinds, words in (('int', '1 kinds and 2 values'), ('int,nosuch', 'nosuch'), (None, 'is NULL'),
                         (b'int,int', 'BLOB'), ('[', 'not a JSON array')):
        assert words in error(db, 'SELECT parity_sketch_agg(NULL, 1, ?, 5, 6)', kinds)


def test_number_of_arguments(db):
    for call in ('parity_sketch_agg()', 'parity_sketch_agg(NULL)', 'parity_sketch_agg(NULL, 1)',
                 "parity_sketch_agg(NULL, 0, 'int')"):
        assert 'at least one value' in error(db, 'SELECT ' + call)
    for call in ('parity_sketch_add(1)', 'parity_sketch_sub(1, 2, 3)', 'parity_sketch_sum()', 'parity_sketch_cells()',
                 'parity_sketch_estimate(1, 2)'):
        assert 'number of arguments' in error(db, 'SELECT ' + call)
    assert 'parity_sketch_decode(sketch)' in error(db, 'SELECT * FROM parity_sketch_decode')


@pytest.mark.parametrize('change', ['a * 1000', 'NULL'])
def test_arguments_that_change_from_row_to_row(db, change):
    db.execute('CREATE TABLE t(a)')
    db.execute('INSERT INTO t VALUES(1), (2), (1)')
    assert 'changes from row to row' in error(
        db, 'SELECT parity_sketch_agg(CASE a WHEN 2 THEN %s ELSE 16 END, 1, \'int\', a) FROM t' % change)
    assert 'changes from row to row' in error(db, "SELECT parity_sketch_agg(16, a - 1, 'int,int', a, a) FROM t")
    assert 'changes from row to row' in error(
        db, "SELECT parity_sketch_agg(16, 1, CASE a WHEN 2 THEN 'text' ELSE 'int' END, a) FROM t")


# ---- the algebra -------------------------------------------------------------------------

def test_nothing(db):
    empty = one(db, "SELECT parity_sketch_agg(64, 1, 'int', 5) WHERE 0")
    assert decode(db, empty) == ({}, True)
    assert one(db, 'SELECT parity_sketch_estimate(?)', empty) == 0
    assert empty == reference.Sketch(1024).text()
    assert one(db, 'SELECT parity_sketch_sum(?) WHERE 0', empty) == empty
    assert one(db, 'SELECT parity_sketch_sum(NULL)') == empty


def test_null_sketches(db):
    s = agg(db, [(1, 'x')])
    for sql in ('SELECT parity_sketch_add(?, NULL)', 'SELECT parity_sketch_add(NULL, ?)',
                'SELECT parity_sketch_sub(?, NULL)', 'SELECT parity_sketch_sub(NULL, ?)'):
        assert one(db, sql, s) is None
    assert one(db, 'SELECT parity_sketch_cells(NULL)') is None
    assert one(db, 'SELECT parity_sketch_estimate(NULL)') is None
    assert db.execute('SELECT * FROM parity_sketch_decode(NULL)').fetchall() == []
    assert one(db, 'SELECT parity_sketch_sum(column1) FROM (VALUES(NULL), (?), (NULL))', s) == s


@pytest.mark.parametrize('count', [20, 400, 5000])
def test_shards_are_the_whole_in_any_order(db, count):
    rows = [(i % 7, 'x') for i in range(count // 5)] + some_rows(count)
    whole = agg(db, rows, 64)
    random.Random(2).shuffle(rows)
    assert agg(db, rows, 64) == whole
    db.execute('CREATE TABLE shard(s)')
    for i in range(5):
        db.execute('INSERT INTO shard VALUES(?)', (agg(db, rows[i::5], 64),))
    assert one(db, 'SELECT parity_sketch_sum(s) FROM (SELECT s FROM shard ORDER BY rowid)') == whole
    assert one(db, 'SELECT parity_sketch_sum(s) FROM (SELECT s FROM shard ORDER BY rowid DESC)') == whole
    first, second, *rest = [row[0] for row in db.execute('SELECT s FROM shard')]
    for other in rest:
        second = one(db, 'SELECT parity_sketch_add(?, ?)', second, other)
    assert one(db, 'SELECT parity_sketch_add(?, ?)', first, second) == whole
    assert one(db, 'SELECT parity_sketch_add(?, ?)', second, first) == whole
    assert sub(db, whole, second) == first
    # a shard without rows, of another size as it does not know better, changes nothing
    db.execute("INSERT INTO shard SELECT parity_sketch_agg(64, 1, 'int', 1) WHERE 0")
    assert one(db, 'SELECT parity_sketch_sum(s) FROM (SELECT s FROM shard ORDER BY rowid DESC)') == whole
    assert one(db, 'SELECT parity_sketch_sum(s) FROM (SELECT s FROM shard ORDER BY rowid)') == whole


def test_window(db):
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b)')
    db.executemany('INSERT INTO t VALUES(?, ?)', [(i, i * i) for i in range(40)])
    rows = db.execute("SELECT a, parity_sketch_agg(16, 1, 'int,int', a, b)"
                      ' OVER (ORDER BY a ROWS BETWEEN 20 PRECEDING AND 1 FOLLOWING) FROM t').fetchall()
    assert len(rows) == 40
    for a, s in rows:
        assert s == one(db, "SELECT parity_sketch_agg(16, 1, 'int,int', a, b) FROM t WHERE a BETWEEN ? AND ?",
                        a - 20, a + 1)


def test_sizes_are_folded(db):
    rows = some_rows(3000)
    large, small = agg(db, rows, 4096), agg(db, rows[:1500], 512)
    both = one(db, 'SELECT parity_sketch_add(?, ?)', large, small)
    assert both == agg(db, rows + rows[:1500], 512)
    assert one(db, 'SELECT parity_sketch_add(?, ?)', small, large) == both
    for order in ('', 'DESC'):
        assert one(db, 'SELECT parity_sketch_sum(s) FROM (SELECT column1 s FROM (VALUES(?), (?)) ORDER BY length(s) %s)'
                   % order, large, small) == both


# ---- decoding ------------------------------------------------------------------------------

@pytest.mark.parametrize('nkey, kinds', [(1, KINDS), (1, 'text, text'), (2, KINDS), (0, KINDS)])
def test_difference(db, nkey, kinds):
    """Mixed edits of rows that also stand there several times."""
    rng = random.Random(3)
    rows = some_rows(2000)
    rows += rows[:50] + rows[:20]
    other = rows[:]
    for i in rng.sample(range(len(other)), 100):
        other[i] = (other[i][0], other[i][1] + '!')
    for _ in range(100):
        other.pop(rng.randrange(len(other)))
    other += some_rows(100, 4) + other[5:10]
    rng.shuffle(other)
    a, b = agg(db, rows, 1024, nkey, kinds), agg(db, other, 1024, nkey, kinds)
    want = expected(rows, other, nkey, kinds)
    assert len(want) > 250
    assert decode(db, sub(db, a, b)) == (want, True)
    assert decode(db, sub(db, b, a)) == ({key: -n for key, n in want.items()}, True)
    assert decode(db, sub(db, a, a)) == ({}, True)
    assert one(db, 'SELECT parity_sketch_estimate(?)', sub(db, a, a)) == 0


def test_keys_come_out_in_order(db):
    rows = [(i * 37 - 300, 'x') for i in range(100)]
    keys = [row[0] for row in db.execute('SELECT key_hash FROM parity_sketch_decode(?)', (agg(db, rows),))]
    assert keys == sorted('%016x' % (a % 2 ** 64) for a, _ in rows)


def test_a_changed_row_and_a_zero_key(db):
    a, b = agg(db, [(0, 'x'), (1, 'x')]), agg(db, [(0, 'y'), (1, 'x')])
    assert db.execute('SELECT * FROM parity_sketch_decode(?)', (sub(db, a, b),)).fetchall() == [('0' * 16, 0, 1)]


def test_more_than_it_holds(db):
    rows = some_rows(3000)
    s = agg(db, rows, 64)
    got, complete = decode(db, s)
    assert not complete
    assert got.items() <= expected(rows, []).items()
    # nothing at all that could be read back is a row without a key
    s = agg(db, some_rows(20000), 16)
    assert db.execute('SELECT * FROM parity_sketch_decode(?)', (s,)).fetchall() == [(None, None, 0)]
    estimate = one(db, 'SELECT parity_sketch_estimate(?)', s)
    assert 12000 < estimate < 30000


# ---- texts that are no sketch ----------------------------------------------------------------

CALLS = ('SELECT parity_sketch_cells(?)', 'SELECT parity_sketch_estimate(?)', 'SELECT parity_sketch_sum(?)',
         'SELECT * FROM parity_sketch_decode(?)', 'SELECT parity_sketch_add(?1, ?1)', 'SELECT parity_sketch_sub(?1, ?1)')


def hostile():
    db = connect()
    few = base64.b64decode(agg(db, some_rows(4), 16))
    many = base64.b64decode(agg(db, some_rows(50), 16))
    p = ((1 << 127) - 1).to_bytes(16, 'little')
    for text in ('', 'x', '====', 'AAAA', 'p1-0-' + '0' * 32, '\0', 5, 1.5, b'', b'\xff' * 100, '{}'):
        yield text
    for good in (few, many):
        text = base64.b64encode(good).decode()
        yield text[:-1]
        yield ' ' + text
        yield text + text
        for at, byte in ((0, 0), (0, 2), (1, 2), (2, 3), (2, 21), (2, 255), (3, 29), (3, 255), (4, 9), (7, 255),
                         (8, 99)):
            yield base64.b64encode(good[:at] + bytes([byte]) + good[at + 1:]).decode()
        for n in (0, 1, 23, 24, 25, len(good) - 28, len(good) - 1):
            yield base64.b64encode(good[:n]).decode()
        yield base64.b64encode(good + b'\0').decode()
    cells = 24 + many[3] * 256
    # a residue that is p; a count and a residue that no longer add up
    yield base64.b64encode(many[:cells + 4] + p + many[cells + 20:]).decode()
    yield base64.b64encode(many[:cells] + struct.pack('<I', 7) + many[cells + 4:]).decode()
    yield base64.b64encode(many[:cells + 4] + b'\1' + b'\0' * 15 + many[cells + 20:]).decode()
    yield base64.b64encode(few[:24 + 12] + p + few[24 + 28:]).decode()
    # entries out of order, twice, of no row
    yield base64.b64encode(few[:24] + few[24 + 28:24 + 56] + few[24:24 + 28] + few[24 + 56:]).decode()
    yield base64.b64encode(few[:24] + few[24:24 + 28] * 4).decode()
    yield base64.b64encode(few[:24 + 8] + struct.pack('<i', -1) + few[24 + 12:]).decode()
    yield base64.b64encode(few[:24 + 8] + struct.pack('<i', 2) + few[24 + 12:]).decode()


@pytest.mark.parametrize('text', list(hostile()), ids=lambda text: repr(text)[:20])
def test_hostile_texts(db, text):
    for sql in CALLS:
        message = error(db, sql, text)
        assert 'sketch' in message and len(message) < 500
    assert 'sketch' in error(db, 'SELECT parity_sketch_add(?, ?)', agg(db, [(1, 'x')]), text)


def test_planted_cells_end(db):
    """Cells that look pure for ever: each is peeled into the next."""
    rng = random.Random(5)
    base = bytearray(base64.b64decode(agg(db, some_rows(50), 16)))
    cells = 24 + base[3] * 256
    p = (1 << 127) - 1
    for _ in range(200):
        wire = base[:]
        # every subtable keeps its sums: what is put into a cell is taken from its neighbour
        for subtable in range(4):
            key, h = rng.randrange(1 << 64), rng.randrange(1, p)
            for cell, sign in ((subtable * 4, 1), (subtable * 4 + 1, -1)):
                at = cells + cell * 36
                for offset, amount in ((4, h), (20, key * h)):
                    value = int.from_bytes(wire[at + offset:at + offset + 16], 'little')
                    wire[at + offset:at + offset + 16] = ((value + sign * amount) % p).to_bytes(16, 'little')
        rows = db.execute('SELECT key_hash, complete FROM parity_sketch_decode(?)',
                          (base64.b64encode(wire).decode(),)).fetchall()
        assert 1 <= len(rows) <= 16 and not any(row[1] for row in rows)


def test_bytes_of_a_blob_are_text(db):
    s = agg(db, some_rows(5))
    assert one(db, 'SELECT parity_sketch_add(?, CAST(? AS BLOB))', s, s) == one(db, 'SELECT parity_sketch_add(?1, ?1)', s)


def test_pure_functions_may_stand_in_a_schema(db):
    db.execute('PRAGMA trusted_schema = OFF')
    db.execute('CREATE TABLE t(s, c GENERATED ALWAYS AS (parity_sketch_cells(s)) STORED)')
    db.execute("CREATE VIEW v AS SELECT parity_sketch_agg(16, 1, 'int', rowid) s FROM t")
    db.execute('INSERT INTO t(s) VALUES(?)', (agg(db, [(1, 'x')], 64),))
    assert one(db, 'SELECT c FROM t') == 64
    assert one(db, 'SELECT parity_sketch_cells(s) FROM v') == 16


def test_both_encodings():
    texts = set()
    for encoding in ('UTF-8', 'UTF-16le', 'UTF-16be'):
        db = connect()
        db.execute("PRAGMA encoding = '%s'" % encoding)
        texts.add(agg(db, [(i, 'é%d' % i) for i in range(100)], 64))
    assert len(texts) == 1
