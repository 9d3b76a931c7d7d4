"""The reference's sketches against what they are meant to do, told without them.

The cells, the field and the rules of decoding are checked against a dictionary
of rows; that the vectors are what the reference makes is in test_reference.py.
"""

import os
import random
import sys
from collections import Counter

import pytest

pytest.importorskip('xxhash', reason='python3-xxhash is not installed')

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'reference'))

import make_vectors  # noqa: E402
import parity_sketch  # noqa: E402
from cases_sketch import row  # noqa: E402
from parity_reference import P, residue, row_hash  # noqa: E402
from parity_sketch import Sketch, Wire, WireError, read_text, row_key  # noqa: E402


def sketch_of(rows, key, cells):
    out = Sketch(cells)
    for item in rows:
        out.add(item, key)
    return out


def truth(local, remote, key):
    """{key: (n, H)} of the keys that differ, from the rows themselves."""
    n, total = Counter(), Counter()
    for rows, sign in ((local, 1), (remote, -1)):
        for item in rows:
            number = row_key(item, key)[0]
            n[number] += sign
            total[number] = (total[number] + sign * residue(row_hash(b''.join(item)))) % P
    return sorted((number, n[number], total[number]) for number in total if total[number])


def sides(chance, rows, changes):
    """Two lists of rows: some only here, some only there, some changed, some there twice."""
    local = [row(chance.randrange(-2 ** 63, 2 ** 63), 'row %d' % i) for i in range(rows)]
    remote = list(local)
    for _ in range(changes):
        what = chance.randrange(4)
        if what == 0:
            local.append(row(chance.randrange(10 ** 6), 'only local'))
        elif what == 1:
            remote.append(row(chance.randrange(10 ** 6), 'only remote'))
        elif what == 2:
            i = chance.randrange(rows)
            remote[i] = [remote[i][0], row(0, 'changed %d' % chance.getrandbits(32))[1]]
        else:
            local.extend([chance.choice(local)] * chance.randrange(1, 4))
    chance.shuffle(remote)
    return local, remote


@pytest.mark.parametrize('key', [[0], [1], [0, 1], []])
def test_differences_are_read_back(key):
    chance = random.Random(7)
    for _ in range(12):
        local, remote = sides(chance, 60, chance.randrange(15))
        difference = sketch_of(local, key, 64) - sketch_of(remote, key, 64)
        entries, complete = difference.decode()
        assert complete and entries == truth(local, remote, key)
        assert parity_sketch.Wire(difference.wire()).expand(64).cell == difference.cell


def test_what_is_read_back_in_part_is_genuine():
    chance = random.Random(8)
    partly = 0
    for _ in range(60):
        local, remote = sides(chance, 30, 30)
        entries, complete = (sketch_of(local, [0], 32) - sketch_of(remote, [0], 32)).decode()
        right = truth(local, remote, [0])
        assert set(entries) <= set(right)
        assert complete == (entries == right)
        partly += not complete and len(entries) > 0
    assert partly > 5


@pytest.mark.parametrize('key', [[0], []])
def test_sums_folds_and_the_wire(key):
    chance = random.Random(9)
    rows = [row(chance.getrandbits(40), 'x') for _ in range(100)]
    whole = sketch_of(rows, key, 256)
    assert sketch_of(rows[:50], key, 256) + sketch_of(rows[50:], key, 256) == whole
    assert sketch_of(reversed(rows), key, 256) == whole
    assert whole - sketch_of(rows[50:], key, 256) == sketch_of(rows[:50], key, 256)
    for cells in (16, 32, 64, 128, 256):
        direct = sketch_of(rows, key, cells)
        assert whole.folded(cells) == direct
        assert read_text(direct.text()).expand(cells) == direct
        assert Wire(whole.wire()).expand(cells) == direct
    assert Wire(whole.wire()).form == 1
    assert Wire(whole.wire()).expand(1024) == sketch_of(rows, key, 1024)


def test_the_estimate_is_near():
    for count in (100, 1000, 5000):
        estimate = sketch_of([row(i) for i in range(count)], [0], 16).estimate()
        assert abs(estimate - count) < count * 0.4


def test_a_wire_form_cut_or_continued_is_refused():
    for rows in (3, 60):
        wire = sketch_of([row(i) for i in range(rows)], [0], 16).wire()
        for n in range(len(wire)):
            with pytest.raises(WireError):
                Wire(wire[:n])
        with pytest.raises(WireError):
            Wire(wire + b'\0')


def test_the_vectors_hold_both_forms():
    forms = Counter(read_text(line.split('\t')[2]).form
                    for line in make_vectors.files()['sketch.txt'] if line.startswith('text\t'))
    assert forms[0] >= 8 and forms[1] >= 8
