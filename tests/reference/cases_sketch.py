"""Rows and sketches of the vectors.

A row is a list of frames. A sketch is (name, cells, key, added, taken away,
sizes): indexes of the key columns, two lists of rows, and the other sizes that
it is written in.
"""

import base64
import random
import struct

from parity_reference import P, put_value, residue, row_hash
from parity_sketch import Sketch, own_hash


def row(*values):
    """Frames of INTEGERs, texts and None."""
    return [put_value('int' if isinstance(value, int) else 'text', value)[0] for value in values]


def ints(first, last, text='row %d'):
    return [row(i, text % i) for i in range(first, last)]


ONE = [row(1, 'one')]
MIN, MAX = -2 ** 63, 2 ** 63 - 1
SPREAD = [row(i, 'v') for i in (0, -1, 2, MIN, MAX, 1 << 40)]

SKETCHES = [
    ('empty', 16, [0], [], [], [1024]),
    ('empty-default', 1024, [], [], [], []),
    ('one-row', 16, [0], ONE, [], [64, 1024]),
    ('one-row-text-key', 16, [1], ONE, [], []),
    ('one-row-no-key', 16, [], ONE, [], []),
    ('one-row-two-keys', 16, [0, 1], ONE, [], []),
    ('null-key', 16, [0], [row(None, 'nothing')], [], []),
    ('integers-of-all-sizes', 64, [0], SPREAD, [], [16]),
    ('integer-key-beyond-i64', 16, [0], [[put_value('int', '18446744073709551615')[0]]], [], []),
    ('few-rows', 64, [0], ints(1, 11), [], [16, 32, 128]),
    ('as-many-as-fit', 64, [0], ints(1, 31), [], [16, 32]),
    ('no-key-duplicates', 16, [], ONE * 3 + ints(7, 9), [], [32]),
    ('no-key-many-duplicates', 16, [], ONE * 200, [], []),
    ('key-duplicates', 16, [0], ONE * 2 + ints(7, 9), [], [32]),
    ('key-duplicates-that-differ', 16, [0], ONE + [row(1, 'uno'), row(2, 'due')], [], []),
    ('text-key-duplicates', 16, [1], ONE * 2, [], []),
    ('taken-away', 16, [0], [], ONE, [64]),
    ('taken-away-no-key', 16, [], [], ONE * 2, []),
    ('nothing-left', 16, [0], ints(1, 50), ints(1, 50), []),
    ('changed', 16, [0], ONE, [row(1, 'uno')], []),
    ('changed-twice', 16, [0], ONE * 2, ONE + [row(1, 'uno')], []),
    ('difference', 64, [0], ints(1, 40), ints(5, 43) + [row(-1, 'new')], [16]),
    ('difference-of-each-kind', 64, [0], ints(1, 100) + ONE, ints(4, 90) + ints(90, 95, 'other %d') + ONE, [32]),
    ('difference-text-key', 64, [1], ints(1, 40), ints(5, 43), []),
    ('cells-16', 16, [0], ints(1, 61), [], []),
    ('cells-64', 64, [0], ints(1, 121), [], [32, 16]),
    ('cells-64-no-key', 64, [], ints(1, 91), [], []),
    ('estimate-320', 16, [0], [row(i) for i in range(320)], [], []),
]

# names of a and b of a + b and a - b
PAIRS = [
    ('cells-64', 'as-many-as-fit'), ('as-many-as-fit', 'cells-64'), ('few-rows', 'few-rows'), ('cells-64', 'cells-16'),
    ('cells-16', 'cells-64'), ('few-rows', 'difference'), ('one-row', 'taken-away'),
    ('one-row', 'empty-default'), ('cells-16', 'one-row'), ('one-row', 'cells-64'), ('no-key-duplicates', 'one-row-no-key'),
]

KEYS = [
    (ONE[0], [0]), (ONE[0], [1]), (ONE[0], [0, 1]), (ONE[0], []), (row(0, ''), [0]), (row(-1, 'x'), [0]),
    (row(MIN), [0]), (row(MAX), [0]), (row(None, 'x'), [0]), (row(None, None), []), (row(5, 6), [0, 1]),
    ([put_value('decimal', '1.50')[0]], [0]), ([put_value('decimal', '15')[0]], [0]),
    ([put_value('bool', 'yes')[0], put_value('bytes', b'\0')[0]], [0]), ([put_value('float8', '1')[0]], [0]),
    ([put_value('uuid', '00112233-4455-6677-8899-aabbccddeeff')[0]], [0]), (row('a', 'b', 3), [2]),
]
BITS = (0, 1, 4, 8, 16)


def head(data, version=None, form=None, log2=None, levels=None, count=None, rows=None, hashed=None):
    """The wire form with another head."""
    fields = [new if new is not None else old for new, old in
              zip((version, form, log2, levels, count, rows, hashed), struct.unpack_from('<BBBBIQQ', data))]
    return struct.pack('<BBBBIQQ', *fields) + data[24:]


def entry(key, n, total):
    return struct.pack('<Qi', key, n) + total.to_bytes(16, 'little')


def as_list(rows, *entries, log2=4):
    return struct.pack('<BBBBIQQ', 1, 1, log2, 0, len(entries), rows, 0) + b''.join(entries)


def patched(data, at, new):
    return data[:at] + new + data[at + len(new):]


def malformed(sketches):
    """(what is wrong, text) of texts that are no sketch."""
    cells, few, none = (sketches[name].wire() for name in ('key-duplicates', 'few-rows', 'empty'))
    levels = cells[3]
    first = 24 + levels * 256
    n = struct.unpack_from('<I', cells, first)[0]
    full = (1).to_bytes(16, 'little')
    wires = [
        ('no bytes', b''), ('one byte', none[:1]), ('a head without its last byte', none[:-1]),
        ('version 0', head(none, version=0)), ('version 2', head(none, version=2)), ('form 2', head(none, form=2)),
        ('8 cells', head(none, log2=3)), ('2^21 cells', head(none, log2=21)), ('2^255 cells', head(none, log2=255)),
        ('a list with a level', head(none, levels=1)), ('29 levels', head(cells, levels=29)),
        ('a level more than there is', head(cells, levels=levels + 1)),
        ('a level that is all zero', patched(cells, 24 + (levels - 1) * 256, bytes(256))),
        ('cells with entries', head(cells, count=1)), ('an entry more than there is', head(few, count=11)),
        ('an entry less than there is', head(few, count=9)), ('more entries than cells', head(few, log2=4, count=17)),
        ('2^32 - 1 entries', head(none, count=2 ** 32 - 1)),
        ('a list with a byte more', few + b'\0'), ('a list with a byte less', few[:-1]),
        ('cells with a byte more', cells + b'\0'), ('cells with a byte less', cells[:-1]),
        ('half of the cells', cells[:-36 * 8]), ('a list that says cells', head(few, form=0)),
        ('cells that say a list', head(cells, form=1)),
        ('a list with another number of rows', head(few, rows=11)), ('rows beyond the list', head(few, rows=2 ** 32 + 9)),
        ('cells with another number of rows', head(cells, rows=5)),
        ('a cell with another n', patched(cells, first, struct.pack('<I', (n + 1) % 2 ** 32))),
        ('a cell with another H', patched(cells, first + 4, full)),
        ('a cell with another X', patched(cells, first + 20, full)),
        ('a cell with H = p', patched(cells, first + 4, P.to_bytes(16, 'little'))),
        ('a cell with H = 2^128 - 1', patched(cells, first + 4, b'\xff' * 16)),
        ('a cell with X = p', patched(cells, first + 20, P.to_bytes(16, 'little'))),
        ('an entry with H = p', as_list(1, entry(1, 1, P))), ('an entry with H = 2^127', as_list(1, entry(1, 1, P + 1))),
        ('an entry of no rows', as_list(0, entry(1, 0, 1))),
        ('an entry of -1 row', as_list(2 ** 64 - 1, entry(1, -1, 1))),
        ('two entries of one key', as_list(2, entry(1, 1, 1), entry(1, 1, 2))),
        ('entries in falling order', as_list(2, entry(2, 1, 1), entry(1, 1, 2))),
        ('entries in the order of signed keys', as_list(2, entry(2 ** 64 - 1, 1, 1), entry(1, 1, 2))),
        ('two rows that are not their key', as_list(2, entry(1, 2, 12345))),
    ]
    texts = [(what, base64.b64encode(data).decode('ascii')) for what, data in wires]
    good = sketches['one-row'].text()
    assert good.endswith('=')
    texts += [
        ('no padding', good.rstrip('=')), ('padding in front', '=' + good[:-1]), ('a character more', good + 'A'),
        ('padding more', good + '===='), ('bits that are not used', good[:-3] + chr(ord(good[-3]) + 1) + '=='), ('a blank behind', good + ' '), ('a blank inside', good[:8] + ' ' + good[8:]),
        ('base64url', base64.urlsafe_b64encode(b'\xff' * 24).decode('ascii')), ('no base64', 'sketch!!'),
        ('hex', few.hex()),
    ]
    return texts


def accepted():
    """(what is odd, wire form) of what is read although parity does not write it so."""
    h = residue(row_hash(b''.join(ONE[0])))
    own = min(own_hash(1, h)[1])
    chance = random.Random(3)
    sketch = Sketch(16)
    for item in ints(1, 3):
        sketch.add(item, [0])
    cells = struct.pack('<BBBBIQQ', 1, 0, 4, 0, 0, 2, 0) + b''.join(
        struct.pack('<I', n) + total.to_bytes(16, 'little') + product.to_bytes(16, 'little')
        for n, total, product in sketch.cell)
    return [
        ('cells that would fit a list, without strata', cells),
        ('a list that does not fit its cells', as_list(16, *(
            entry(key, 1, chance.randrange(1, P)) for key in sorted(chance.getrandbits(64) for _ in range(16))))),
        ('all equal rows', as_list(2 ** 31 - 1, entry(own, 2 ** 31 - 1, h * (2 ** 31 - 1) % P))),
        ('the largest residue', as_list(1, entry(2 ** 64 - 1, 1, P - 1))),
    ]

