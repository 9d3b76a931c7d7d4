"""Sketches and buckets, as docs/FORMAT.md has them under that title.

    a = Sketch(64)
    a.add([frame_int(1), frame_text], key=[0])
    (a - b).decode()    →  ([(key, n, H), …], complete)

Slow and plain: every sum is Python's integers, and every check is made where
FORMAT.md states it.
"""

import base64
import binascii
import math
import struct

import xxhash

from parity_reference import P, residue, row_hash

SEED = 0x5061726974793173
LEVELS, COUNTERS = 28, 64
U32, U64 = 2 ** 32, 2 ** 64
MIN_LOG2, MAX_LOG2 = 4, 20


class WireError(ValueError):
    """Bytes or a text that are no sketch."""


# ---- rows --------------------------------------------------------------------

def key_hash(row, key):
    """The low 64 bits of the hash of the key frame; without a key of the row's frames."""
    return int.from_bytes(row_hash(b''.join(row[i] for i in sorted(key)) if key else b''.join(row))[8:], 'big')


def row_key(row, key):
    """(row key, whether it is a hash) of a row: a list of frames; key: indexes of the key columns."""
    if len(key) == 1 and row[key[0]][0] == 1:
        return int.from_bytes(row[key[0]][1:], 'little'), False
    return key_hash(row, key), True


def bucket(row, key, bits):
    return key_hash(row, key) >> (64 - bits)


def lanes(key):
    """Four numbers of 32 bits."""
    low, high = (lambda g: (g % U64, g >> 64))(xxhash.xxh3_128_intdigest(struct.pack('<Q', key), seed=SEED))
    return low % U32, low >> 32, high % U32, high >> 32


def trailing_zeros(lane):
    return 32 if lane == 0 else (lane & -lane).bit_length() - 1


# ---- the sketch --------------------------------------------------------------

class Sketch:
    def __init__(self, cells):
        assert cells in [2 ** i for i in range(MIN_LOG2, MAX_LOG2 + 1)]
        self.cells = cells
        self.rows = self.hashed = 0
        self.strata = [[0] * COUNTERS for _ in range(LEVELS)]
        self.cell = [[0, 0, 0] for _ in range(cells)]  # n, H, X; subtable by subtable

    def copy(self):
        return self + Sketch(self.cells)

    def places(self, key):
        """The cell of a key in each subtable."""
        quarter = self.cells // 4
        return [j * quarter + (lane * quarter >> 32) for j, lane in enumerate(lanes(key))]

    def put(self, key, n, total):
        """Adds to the four cells of a key."""
        for place in self.places(key):
            cell = self.cell[place]
            cell[0] = (cell[0] + n) % U32
            cell[1] = (cell[1] + total) % P
            cell[2] = (cell[2] + key * total) % P

    def put_strata(self, key, amount):
        lane = lanes(key)
        level = self.strata[min(LEVELS - 1, trailing_zeros(lane[0]))]
        level[lane[1] % COUNTERS] = (level[lane[1] % COUNTERS] + amount) % U32

    def add(self, row, key, sign=1):
        """Adds a row, a list of frames; sign −1 takes it away."""
        number, is_hash = row_key(row, key)
        h = residue(row_hash(b''.join(row)))
        self.rows = (self.rows + sign) % U64
        self.hashed = (self.hashed + sign * is_hash) % U64
        self.put(number, sign, sign * h)
        self.put_strata(number, sign * (h % U32))

    def combined(self, other, sign):
        assert self.cells == other.cells
        out = Sketch(self.cells)
        out.rows = (self.rows + sign * other.rows) % U64
        out.hashed = (self.hashed + sign * other.hashed) % U64
        out.strata = [[(a + sign * b) % U32 for a, b in zip(*pair)] for pair in zip(self.strata, other.strata)]
        out.cell = [[(a[0] + sign * b[0]) % U32, (a[1] + sign * b[1]) % P, (a[2] + sign * b[2]) % P]
                    for a, b in zip(self.cell, other.cell)]
        return out

    def __add__(self, other):
        return self.combined(other, 1)

    def __sub__(self, other):
        return self.combined(other, -1)

    def __eq__(self, other):
        return (self.cells, self.rows, self.hashed, self.strata, self.cell) == (
            other.cells, other.rows, other.hashed, other.strata, other.cell)

    def folded(self, cells):
        """The sketch of fewer cells."""
        out = self.copy()
        while out.cells > cells:
            half = Sketch(out.cells // 2)
            half.rows, half.hashed, half.strata = out.rows, out.hashed, out.strata
            # a subtable has an even number of cells, so pairs do not straddle two
            half.cell = [[(a[0] + b[0]) % U32, (a[1] + b[1]) % P, (a[2] + b[2]) % P]
                         for a, b in zip(out.cell[::2], out.cell[1::2])]
            out = half
        return out

    def totals(self):
        """[sum of n, of H, of X] of each subtable."""
        quarter = self.cells // 4
        return [[sum(cell[f] for cell in self.cell[j * quarter:(j + 1) * quarter]) % (U32, P, P)[f] for f in range(3)]
                for j in range(4)]

    def pure(self, place):
        """The key of a pure cell, or None."""
        n, total, product = self.cell[place]
        if total == 0:
            return None
        key = product * pow(total, P - 2, P) % P
        return key if key < U64 and self.places(key)[place * 4 // self.cells] == place else None

    def decode(self):
        """(entries by key, complete); an entry is (key, n, H), n as an i32."""
        rest, entries = self.copy(), []
        queue = list(range(self.cells))
        while queue and len(entries) < self.cells:
            place = queue.pop()
            key = rest.pure(place)
            if key is None:
                continue
            n, total, _ = rest.cell[place]
            entries.append((key, n - U32 if n >= U32 // 2 else n, total))
            rest.put(key, -n, -total)
            queue.extend(rest.places(key))
        complete = not any(any(cell) for cell in rest.cell) and \
            sum(entry[2] for entry in entries) % P == self.totals()[0][1]
        return sorted(entries), complete

    def estimate(self):
        """How many keys differ."""
        zeros = [level.count(0) for level in self.strata]
        lowest = LEVELS
        while lowest > 0 and zeros[lowest - 1] >= 26:
            lowest -= 1
        return 2 ** lowest * sum(64 * math.log(64 / z) for z in zeros[lowest:])

    # ---- wire form -----------------------------------------------------------

    def wire(self):
        entries, complete = self.decode()
        log2 = self.cells.bit_length() - 1
        if self.rows <= self.cells and complete and all(known(entry) for entry in entries):
            assert len({key for key, _, _ in entries}) == len(entries)
            return struct.pack('<BBBBIQQ', 1, 1, log2, 0, len(entries), self.rows, self.hashed) + b''.join(
                struct.pack('<Qi', key, n) + total.to_bytes(16, 'little') for key, n, total in entries)
        levels = max([level + 1 for level in range(LEVELS) if any(self.strata[level])], default=0)
        return struct.pack('<BBBBIQQ', 1, 0, log2, levels, 0, self.rows, self.hashed) + b''.join(
            struct.pack('<64I', *level) for level in self.strata[:levels]) + b''.join(
            struct.pack('<I', n) + total.to_bytes(16, 'little') + product.to_bytes(16, 'little')
            for n, total, product in self.cell)

    def text(self):
        return base64.b64encode(self.wire()).decode('ascii')


def own_hash(n, total):
    """h of n equal rows, and what their row key is when it is their own hash."""
    h = total * pow(n, P - 2, P) % P
    return h, {h % U64, (h + P) % U64}


def known(entry):
    """Whether an entry is made of rows that can be told from it."""
    key, n, total = entry
    return n == 1 or n > 1 and key in own_hash(n, total)[1]


class Wire:
    """A wire form that was read: expand makes a sketch of it."""

    def __init__(self, data):
        if len(data) < 24:
            raise WireError('shorter than its head')
        version, self.form, log2, levels, count, self.rows, self.hashed = struct.unpack_from('<BBBBIQQ', data)
        if version != 1:
            raise WireError('version %d' % version)
        if self.form > 1:
            raise WireError('form %d' % self.form)
        if not MIN_LOG2 <= log2 <= MAX_LOG2:
            raise WireError('2^%d cells' % log2)
        self.cells = 2 ** log2
        if levels > (LEVELS if self.form == 0 else 0):
            raise WireError('%d levels' % levels)
        if count > (self.cells if self.form == 1 else 0):
            raise WireError('%d entries' % count)
        body = data[24:]
        if len(body) != (levels * COUNTERS * 4 + self.cells * 36 if self.form == 0 else count * 28):
            raise WireError('%d bytes' % len(data))
        if self.form == 0:
            self.read_cells(body, levels)
        else:
            self.read_entries(body, count)

    def read_cells(self, body, levels):
        out = Sketch(self.cells)
        out.rows, out.hashed = self.rows, self.hashed
        for level in range(levels):
            out.strata[level] = list(struct.unpack_from('<64I', body, level * 256))
        if levels and not any(out.strata[levels - 1]):
            raise WireError('the last level is all zero')
        for i in range(self.cells):
            at = levels * 256 + i * 36
            out.cell[i] = [int.from_bytes(body[at:at + 4], 'little'), int.from_bytes(body[at + 4:at + 20], 'little'),
                           int.from_bytes(body[at + 20:at + 36], 'little')]
            if max(out.cell[i][1:]) >= P:
                raise WireError('cell %d is not below p' % i)
        totals = out.totals()
        if any(total != totals[0] for total in totals):
            raise WireError('the sums of the subtables differ')
        if totals[0][0] != self.rows % U32:
            raise WireError('the cells have another number of rows')
        self.sketch = out

    def read_entries(self, body, count):
        self.entries = []
        for i in range(count):
            key, n = struct.unpack_from('<Qi', body, i * 28)
            total = int.from_bytes(body[i * 28 + 12:i * 28 + 28], 'little')
            if total >= P:
                raise WireError('entry %d is not below p' % i)
            if self.entries and self.entries[-1][0] >= key:
                raise WireError('entry %d is not in order' % i)
            if not known((key, n, total)):
                raise WireError('entry %d is not made of known rows' % i)
            self.entries.append((key, n, total))
        if sum(n for _, n, _ in self.entries) % U32 != self.rows % U32:
            raise WireError('the entries have another number of rows')

    def expand(self, cells):
        """The sketch of so many cells: any number in form 1, else those written or fewer."""
        if self.form == 0:
            return self.sketch.folded(cells)
        out = Sketch(cells)
        out.rows, out.hashed = self.rows, self.hashed
        for key, n, total in self.entries:
            out.put(key, n, total)
            out.put_strata(key, n * (own_hash(n, total)[0] % U32))
        return out


def read_text(text):
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise WireError('not base64: %s' % error) from None
    if base64.b64encode(data).decode('ascii') != text:
        raise WireError('not the base64 that is written: bits that are not used')
    return Wire(data)


def combine(a, b, sign):
    """The sum or the difference of two wire forms: of two sizes of cells the smaller, and a list takes any."""
    fixed = [wire.cells for wire in (a, b) if wire.form == 0]
    cells = min(fixed) if fixed else max(a.cells, b.cells)
    return a.expand(cells).combined(b.expand(cells), sign)
