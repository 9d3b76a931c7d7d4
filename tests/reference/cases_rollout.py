"""Percentages, and keys that they take or leave."""

from fractions import Fraction

from cases_value import MAX, MIN, MINUS_0, NAN

PERCENTS = [
    0, 1, 2, 5, 10, 33, 50, 66, 99, 100, '0', '0.0', '-0', '100', '100.00', '1e2', '1000e-1', '12.5', 12.5, '33.3', 33.3,
    '1250e-2', '+12.50', '.5', 0.5, MINUS_0, 0.1, 0.1 + 0.2, 100 / 3, '33.333333333333333333333333333', 99.9, '99.999999',
    '99.99999999999999999', '99.999999999999999999', '99.' + '9' * 60, '0.00000000000000001', '0.000000000000000009',
    '1e-17', '1e-18', 5e-324, '1e-99999', '0.00000000000000005421010862427522170037264004349708557128906250',
    '3.5527136788005009293556213378906250', '17.17171717171717171717',
    # none of these is one
    None, -1, 101, MIN, MAX, '-0.1', '-1e-99999', '100.0000001', '100.' + '0' * 40 + '1', '1e3', '9e99', '1e99999',
    '-1e99999', 1e300, 'NaN', NAN, 'inf', '-inf', '', ' 5', '5 ', '5.', '5%', 'ten', 'true', '0x10', b'5', '1e99999999999',
]

KEYS = [
    (('int',), ((None,), (0,), (1,), (-1,), (2,), (3,), (1000,), (MAX,), (MIN,), ('1',), ('x',))),
    (('text',), ((None,), ('',), ('a',), ('1',), (1,), ('ä',), ('x' * 300,))),
    (('uuid',), (('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',), (b'\0' * 16,))),
    (('decimal(10,2)',), (('1.50',), (1.5,), (1,))),
    (('timestamptz',), (('2024-01-01 02:00:00+02',), ('2024-01-01T00:00:00Z',))),
    (('int', 'text'), ((1, 'a'), (1, None), (None, 'a'), (None, None), ('1', 'a'))),
    (('text', 'text'), (('a', '3b'), ('a3', 'b'))),
    (('text', 'int', 'uuid'), (('new-search', 7, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),)),
]

SHARES = [0, '0.000001', 1, 12.5, '33.3', 50, 75, '99.999999', 100]


def around(position):
    """The percentages with 17 decimals just below a key's position, at or above it, and one above that."""
    parts = position * 10 ** 19 // 2 ** 64
    assert Fraction(parts, 10 ** 19) <= Fraction(position, 2 ** 64)
    return ['%d.%017d' % divmod(p, 10 ** 17) for p in (parts, parts + 1, parts + 2) if p < 10 ** 19]
