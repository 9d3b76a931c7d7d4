"""Rows, tables and digests."""

from cases_value import MAX, MIN, MINUS_0, NAN, floats
from parity_reference import P, Text

# comment, kinds, rows
ROWS = [
    ('one column', ('int',), ((None,), (0,), (1,), (-1,), (MAX,), (MIN,), ('x',))),
    ('one column', ('text',), ((None,), ('',), ('a',), ('NULL',), ('0',), (0,))),
    ('one column', ('bytes',), ((b'',), (b'\0',), (b'a',))),
    ('one column', ('bool',), ((0,), (1,), ('t',))),
    ('NULLs', ('int', 'text'), ((None, None),)),
    ('NULLs', ('int', 'text', 'json'), ((None, None, None),)),
    ('NULLs', ('int', 'text', 'json', 'bytes'), ((None, None, None, None),)),
    ('lengths keep columns apart', ('text', 'text'), (('a', '3b'), ('a3', 'b'), ('', 'a3b'), ('a3b', ''), (None, ''),
        ('', None), (None, None), ('a', None))),
    ('lengths keep columns apart', ('bytes', 'text'), ((b'a', 'b'), (b'', 'ab'), (b'ab', ''))),
    ('equal in every representation', ('int', 'text', 'decimal', 'timestamptz', 'bool', 'uuid', 'json'), (
        (5, '5', '1.50', '2024-01-01T00:00:00Z', 't', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{"b":1.0,"a":[1,2]}'),
        ('5', 5, 1.5, '2024-01-01 02:00:00+02', 1, bytes.fromhex('a0eebc999c0b4ef8bb6d6bb9bd380a11'),
            ' { "a" : [1, 2], "b" : 1 } '),
        (5.0, '5', '15e-1', '2023-12-31 24:00', 'TRUE', '{a0eebc999c0b4ef8bb6d6bb9bd380a11}', '{"a":[1,2],"b":1}'))),
    ('a row of every kind', ('bool', 'int', 'decimal', 'decimal(10,2)', 'float8', 'float4', 'text', 'char', 'bytes',
        'timestamptz', 'timestamp', 'date', 'time', 'timetz', 'interval', 'uuid', 'json', 'vector'), (
        (1, 42, '12.5', 12.5, 0.1, 0.1, 'text', 'char  ', b'\x00\xff', '2024-02-29 12:34:56.789+02',
            '2024-02-29 12:34:56.789', '2024-02-29', '12:34:56.789', '12:34:56.789+02',
            '1 year 2 mons 3 days 04:05:06.789', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a":1}', '[1,2,3]'),
        (None,) * 18,
        (0, -1, 'NaN', 'inf', NAN, MINUS_0, '', '', b'', 'infinity', '-infinity', '0044-03-15 BC', '24:00', '00:00Z',
            '-00:00:01', b'\0' * 16, 'null', '[]'),
        ('x', 'x', 'x', 'x', 'x', 'x', b'x', b'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x'))),
    ('as Prisma ≤ 6 writes it', ('int', 'text', 'bool', 'timestamptz(3) epoch=ms', 'decimal'), ((1, 'Prisma', 1,
        1709210096789, 12.5), (2, None, 0, None, None))),
    ('as Prisma 7 writes it', ('int', 'text', 'bool', 'timestamptz(3)', 'decimal'), ((1, 'Prisma', 1,
        '2024-02-29T12:34:56.789+00:00', 12.5), (2, None, 0, None, None))),
    ('as Django writes it', ('int', 'uuid', 'bool', 'timestamptz', 'interval unit=us', 'decimal(10,2)', 'date',
        'time', 'json'), (
        (1, 'a0eebc999c0b4ef8bb6d6bb9bd380a11', 1, '2024-02-29 12:34:56.789012', 90061000001, 12.5, '2024-02-29',
            '12:34:56', '{"k": [1, 2.50, null]}'),
        (2, '00112233445566778899aabbccddeeff', 0, '2024-02-29 12:34:56', -1, 12, '1999-12-31', '12:34:56.000001',
            'null'))),
    ('as SQLAlchemy writes it', ('int', 'timestamp', 'date', 'time', 'decimal(10,2)', 'float8', 'bytes'), ((1,
        '2024-02-29 12:34:56.000000', '2024-02-29', '12:34:56.000000', 12.5, 0.1, b'\1\2'),)),
    ('as Rails writes it', ('int', 'bool', 'bool', 'timestamp(6)', 'time', 'decimal'), ((1, 't', 'f',
        '2024-02-29 12:34:56', '2000-01-01 12:34:56', 12.5), (2, 1, 0, '2024-02-29 12:34:56.789000',
        '2000-01-01 12:34:56.789000', 12))),
    ('as TypeORM and Sequelize write it', ('int', 'timestamptz', 'timestamptz'), ((1, '2024-02-29 12:34:56.789',
        '2024-02-29 12:34:56.789 +00:00'),)),
    ('as Drizzle writes it', ('int blob=utf8', 'timestamptz epoch=s', 'timestamptz epoch=ms', 'bool', 'json'),
        ((b'9007199254740993', 1709210096, 1709210096789, 1, '{"a":1}'), (b'-1', 0, 0, 0, None))),
    ('as EF Core writes it', ('int', 'uuid', 'uuid dotnet', 'timestamp', 'timestamptz', 'decimal', 'interval'), (
        (1, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', bytes.fromhex('99bceea00b9cf84ebb6d6bb9bd380a11'),
            '2024-02-29 12:34:56.7890123', '2024-02-29 12:34:56.7890123+02:00', '12.50', '1 day 02:03:04'),
        (2, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', None, '2024-02-29 12:34:56', '2024-02-29 12:34:56+00:00', '0.0',
            None))),
    ('as sqlite-jdbc writes it', ('int', 'timestamp epoch=ms', 'date epoch=ms', 'time epoch=ms'), ((1, 1709210096789,
        1709164800000, 45296789),)),
    ('as mattn/go-sqlite3 writes it', ('int', 'timestamptz', 'timestamptz', 'bool'), ((1,
        '2024-02-29 12:34:56.789012345+05:30', '2024-02-29 12:34:56+05:30', 1),)),
    ('a long row', ('int',) * 300, ((tuple(range(300))), (None,) * 300)),
    ('a long value', ('text', 'int'), (('x' * 1000, 1), ('ä' * 500, 2))),
    ('frames of 16, 17, 128, 129, 240, 241, 256, 257, 1024 and 1025 bytes: XXH3 changes its ways there', ('bytes',),
        tuple((bytes(i % 251 for i in range(n - 5)),) for n in (
        7, 8, 9, 16, 17, 32, 33, 64, 65, 96, 97, 128, 129, 160, 161, 240, 241, 255, 256, 257, 512, 1023, 1024, 1025,
        1088, 2048, 2049))),
    ('vectors and bytes', ('vector', 'bytes', 'text'), ((floats(1, 2, 3), b'\1', Text(b'\xff')), ('[1,2,3]', b'\1',
        Text(b'\xff')))),
]

# name, kinds, key columns, rows
TABLES = [
    ('empty', ('int', 'text'), (0,), ()),
    ('empty-without-key', ('int', 'text'), (), ()),
    ('one-row', ('int', 'text'), (0,), ((1, 'a'),)),
    ('tasks', ('int', 'text', 'bool', 'timestamptz', 'decimal(10,2)'), (0,), (
        (1, 'first', 1, '2024-01-01 00:00:00+00', 12.5), (2, 'second', 0, '2024-01-02T00:00:00Z', '0.00'), (3, None,
            None, None, None), (4, 'bad', 'maybe', 'soon', 'much'))),
    ('tasks-in-another-order', ('int', 'text', 'bool', 'timestamptz', 'decimal(10,2)'), (0,), (
        (3, None, None, None, None), (4, 'bad', 'maybe', 'soon', 'much'), (1, 'first', 't', '2024-01-01 02:00:00+02',
            '12.50'), (2, 'second', 'off', '2024-01-02 00:00', 0))),
    ('tasks-two-values-swapped', ('int', 'text', 'bool', 'timestamptz', 'decimal(10,2)'), (0,), (
        (1, 'second', 1, '2024-01-01 00:00:00+00', 12.5), (2, 'first', 0, '2024-01-02T00:00:00Z', '0.00'), (3, None,
            None, None, None), (4, 'bad', 'maybe', 'soon', 'much'))),
    ('tasks-without-key', ('int', 'text', 'bool', 'timestamptz', 'decimal(10,2)'), (), (
        (1, 'first', 1, '2024-01-01 00:00:00+00', 12.5), (2, 'second', 0, '2024-01-02T00:00:00Z', '0.00'), (3, None,
            None, None, None), (4, 'bad', 'maybe', 'soon', 'much'))),
    ('swapped-without-key', ('int', 'text', 'bool', 'timestamptz', 'decimal(10,2)'), (), (
        (1, 'second', 1, '2024-01-01 00:00:00+00', 12.5), (2, 'first', 0, '2024-01-02T00:00:00Z', '0.00'), (3, None,
            None, None, None), (4, 'bad', 'maybe', 'soon', 'much'))),
    ('composite-key', ('text', 'int', 'text', 'int'), (0, 3), (('a', 1, 'x', 10), ('a', 2, 'y', 11), ('b', 1, None,
        10), (None, 4, 'z', 10), (None, 5, 'z', 10))),
    ('key-of-the-last-column', ('text', 'uuid'), (1,), (('a', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ('b',
        '00000000-0000-0000-0000-000000000000'))),
    ('duplicates', ('int', 'text'), (), ((1, 'a'), (1, 'a'), (1, 'a'), (2, 'b'), (2, 'b'), (None, None), (None,
        None))),
    ('duplicate-keys', ('int', 'text'), (0,), ((1, 'a'), (1, 'a'), (1, 'b'), (None, 'c'), (None, 'c'))),
    ('all-columns-are-the-key', ('int', 'int'), (0, 1), ((1, 1), (1, 2), (2, 1))),
    ('text-key', ('text fold=ascii', 'float8'), (0,), (('Abc', 0.1), ('DEF', '0.1'), ('ä', 1))),
    ('options', ('int uint64', 'timestamptz(3) epoch=ms round', 'decimal(10,2) round', 'interval unit=us'), (0,), ((1,
        1709210096789, '1.005', 1), (-1, '2024-02-29 12:34:56.7895', 12.345, -1))),
    ('thousand-rows', ('int', 'text'), (0,), tuple((i, 'row %d' % i) for i in range(1000))),
]

# what is done to digests; the reference computes the last field
ZERO = 'p1-0-' + '0' * 32
ONE = 'p1-1-' + '0' * 31 + '1'
LAST = 'p1-7-%032x' % (P - 1)
FULL = 'p1-18446744073709551615-' + '0' * 31 + '5'

PAIRS = [
    (ZERO, ZERO), (ZERO, ONE), (ONE, ZERO), (ONE, ONE), (LAST, ONE), (ONE, LAST), (LAST, LAST), (FULL, ZERO), (FULL,
        ONE), (FULL, FULL), (ONE, FULL), (ZERO, LAST),
    ('p1-3-1234567890abcdef1234567890abcdef', 'p1-5-7edcba0987654321fedcba0987654321'),
        ('p1-5-7edcba0987654321fedcba0987654321', 'p1-3-1234567890abcdef1234567890abcdef'),
    ('p1-1-%032x' % (P - 2), 'p1-1-' + '0' * 31 + '2'), ('p1-18446744073709551614-' + '0' * 32, ONE),
        ('p1-9223372036854775807-' + '0' * 32, 'p1-1-' + '0' * 32),
    ('p1-9223372036854775808-' + '0' * 32, 'p1-9223372036854775808-' + '0' * 32), ('p1-2-' + '0' * 32,
        'p1-2-' + '0' * 31 + '1'),
    ('p1-4-00000000000000010000000000000000', 'p1-4-0000000000000000ffffffffffffffff'),
        ('p1-4-0000000000000000ffffffffffffffff', 'p1-4-' + '0' * 31 + '1'),
]
TEXTS = [
    ZERO, ONE, LAST, FULL, 'p1-0-' + '0' * 31 + '1', 'p1-1000000-0123456789abcdef0123456789abcdef',
        'p1-3-7ffffffffffffffffffffffffffffffe', 'p1-3-7fffffffffffffffffffffffffffffff',
        'p1-3-80000000000000000000000000000000', 'p1-3-' + 'f' * 32,
    'p1-18446744073709551616-' + '0' * 32, 'p1-99999999999999999999999999-' + '0' * 32, 'p1--1-' + '0' * 32,
    'p1-+1-' + '0' * 32, 'p1--' + '0' * 32, 'p1-1-' + '0' * 31, 'p1-1-' + '0' * 33, 'p1-1-', 'p1-1', 'p1-', 'p1', '',
    'p1-1-' + '0' * 31 + 'g',
    'p1-1-' + '0' * 31 + 'A', 'P1-1-' + '0' * 32, 'p2-1-' + '0' * 32, 'p-1-' + '0' * 32, 'p11-1-' + '0' * 32,
    '1-' + '0' * 32, ' p1-1-' + '0' * 32, 'p1-1-' + '0' * 32 + ' ', 'p1 -1-' + '0' * 32, 'p1-1-' + '0' * 32 + '-',
    'p1-1-' + '0' * 32 + '-0', 'p1-1e3-' + '0' * 32, 'p1-0x1-' + '0' * 32,
    'p1-01-' + '0' * 32, 'p1-00-' + '0' * 32, 'p1--0-' + '0' * 32, 'p01-1-' + '0' * 32, 'p1-1-' + 'ABCDEF' + '0' * 26,
    'p1-١-' + '0' * 32, 'p1-1-+' + '0' * 31, 'p1-1- ' + '0' * 31,
    'p1-1.0-' + '0' * 32, 'p1_1_' + '0' * 32, 'p1-1-0x' + '0' * 30, 'p1-1--' + '0' * 31,
]
HASHES = ['0' * 32, '0' * 31 + '1', '%032x' % P, '%032x' % (P - 1), '%032x' % (P + 1), 'f' * 32, '8' + '0' * 31,
    '7' + 'f' * 31, '%032x' % (2 * P), '%032x' % (2 * P - 1), '0123456789abcdeffedcba9876543210',
    'fedcba98765432100123456789abcdef',
          'ffffffffffffffff0000000000000000', '0000000000000000ffffffffffffffff', '99aa06d3014798d86001c324468d497f']
