"""The inputs of value.tsv and rounded.tsv: (comment, kind, inputs)."""

import struct

from parity_reference import Real, Text

MAX, MIN = 2 ** 63 - 1, -2 ** 63
INF = float('inf')
NAN = Real(0x7FF8000000000000)
OTHER_NAN = Real(0xFFF8000000000001)
MINUS_0 = Real(0x8000000000000000)
DENORMAL = Real(1)                                      # 5e-324
LAST_DENORMAL = Real(0x000FFFFFFFFFFFFF)
FIRST_NORMAL = Real(0x0010000000000000)
LARGEST = Real(0x7FEFFFFFFFFFFFFF)


def single(value):
    """The double that a float holds exactly."""
    return struct.unpack('<f', struct.pack('<f', value))[0]


def floats(*values):
    return struct.pack('<%df' % len(values), *values)


REALS = (0.0, MINUS_0, 1.0, -1.0, 0.5, 12.5, 0.1, -0.1, 0.30000000000000004, 1 / 3, 1e15, 1e16, 1e22, 1e23,
         123456789012345680.0, 2.0 ** 53, 2.0 ** 60, 2.0 ** 63, -2.0 ** 63, 9223372036854774784.0, 1e100,
         DENORMAL, LAST_DENORMAL, FIRST_NORMAL, LARGEST, INF, -INF)

NUMERIC_TEXTS = (
    '0', '-0', '+0', '00', '0.0', '.0', '0e5', '0e99999999999999999999', '1', '+1', '-1', '001', '1.0', '1.50',
    '.5', '-.5', '0.5', '12.34', '100', '1e2', '1E2', '1e+2', '1e-2', '1.5e1', '15e-1', '1e0', '120e-1',
    '9223372036854775807', '-9223372036854775808', '9223372036854775808', '-9223372036854775809',
    '9223372036854775807.0', '92233720368547758.07e2', '1e18', '1e19', '-1e18', '99999999999999999999',
    '18446744073709551615', '18446744073709551616', '12345678901234567890123456789.0123456789',
    '1e400', '1e-400', '1e2147483647', '1e2147483648', '10e2147483647', '1e-2147483648', '1e-2147483649',
    '0.1e-2147483648', '10e-2147483649', '123e99999999999999999999', '-1e-99999999999999999999',
    '000000000000000000000000000001.000000000000000000000')
BAD_NUMBERS = ('', ' ', ' 1', '1 ', '1\n', '\t1', '5.', '.', '+', '-', '--1', '+-1', 'e5', '1e', '1e+', '1e5.0',
               '1.2.3', '1,5', '1_000', '0x10', '1f', '$1', 'abc', '１', '1\0', 'nan1', 'i', 'in', 'infin',
               'infinit', 'infinityy', 'NULL')
NAMED = ('nan', 'NaN', 'NAN', 'inf', '+inf', '-inf', 'INF', 'Infinity', '+infinity', '-INFINITY')
BAD_NAMED = ('+nan', '-nan', ' nan', 'inf ', '--inf')

VALUES = [
    ('NULL is NULL under every kind', kind, (None,)) for kind in (
        'bool', 'int', 'decimal', 'decimal(10,2)', 'float8', 'float4', 'text', 'char', 'bytes', 'timestamptz',
        'timestamp', 'date', 'time', 'timetz', 'interval', 'uuid', 'json', 'vector', 'bool nonzero',
        'text fold=ascii', 'timestamptz(3) epoch=ms zone=+02:00', 'json blob=jsonb', 'int uint64 round')
] + [
    # ---- bool
    ('bool', 'bool', (0, 1, 0.0, MINUS_0, 1.0, 't', 'true', 'y', 'yes', 'on', '1', 'f', 'false', 'n', 'no', 'off',
                      '0', 'T', 'TRUE', 'True', 'tRuE', 'Y', 'YES', 'ON', 'F', 'FALSE', 'N', 'No', 'OFF')),
    ('bool: what it cannot read', 'bool', (2, -1, MAX, MIN, 0.5, 2.0, -1.0, DENORMAL, INF, NAN, '', 'tr', 'tru',
                                           'truee', ' true', 'true ', '2', '01', '1.0', 'ja', 'o', 'of', b'', b'\1',
                                           b't')),
    ('bool nonzero', 'bool nonzero', (0, 1, 2, -1, MAX, MIN, 1.0, 2.0, 't', '2', b'1')),
    ('bool blob=utf8', 'bool blob=utf8', (b'true', b'0', b'x', b'', b'\1')),

    # ---- int
    ('int', 'int', (0, 1, -1, 42, 10, 100, 2 ** 31, 2 ** 53, 2 ** 53 + 1, MAX, MIN, MIN + 1)),
    ('int: REAL, whole ones exactly', 'int', REALS + (1e18, -1e18, 1152921504606846976.0, 2.5, 1e19, 1e300, 1e-5)),
    ('int: text', 'int', NUMERIC_TEXTS),
    ('int: what it cannot read', 'int', BAD_NUMBERS + ('nan', 'inf', 'true', NAN, b'', b'1', b'\1\0\0\0\0\0\0\0')),
    ('int uint64', 'int uint64', (0, 1, MAX, -1, -2, -6, -16, MIN, MIN + 1, -1.0, '-1', '18446744073709551615')),
    ('int blob=utf8: bigint as digits in a BLOB, as Drizzle writes it', 'int blob=utf8',
     (b'9007199254740993', b'-9223372036854775808', b'18446744073709551615', b'1.0', b'', b'\1', b'\xff')),

    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'int uint64', (NAN,)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'bool nonzero', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'decimal', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'decimal(10,2)', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'decimal blob=utf8', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'float8 blob=utf8', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'float4 blob=utf8', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'text', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'text fold=ascii', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'char', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'bytes', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'bytes text=utf8', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'timestamptz', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'timestamptz epoch=s', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'timestamptz julian', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'date epoch=ms', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'date julian', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'time', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'time epoch=us', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'timetz', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'interval', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'interval unit=s', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'uuid', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'json', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'json blob=jsonb', (NAN, OTHER_NAN)),
    ('REAL NaN, which SQLite cannot hold and PostgreSQL can', 'vector', (NAN, OTHER_NAN)),

    # ---- decimal
    ('decimal', 'decimal', (0, 1, -1, 10, 100, 1000, MAX, MIN)),
    ('decimal: REAL by its shortest digits', 'decimal', REALS + (
        1.1, 2.5, 12.345, 40.070985, single(0.1), 1e-7, 123456.789, 5e-5, 9007199254740993.0, 4.35, 0.615,
        9.5367431640625e-07, 1.7976931348623155e308, Real(0x4340000000000001))),
    ('decimal: text', 'decimal', NUMERIC_TEXTS + NAMED),
    ('decimal: what it cannot read', 'decimal', BAD_NUMBERS + BAD_NAMED + (NAN, b'', b'1.5')),
    ('decimal(p,s) reads what decimal reads; only rounding looks at p and s', 'decimal(10,2)', (
        5, 12.5, 12.345, '12.345', '12.35', '12.350', '12.30', '123456789012.34', '-12.345', '1e-99', 'NaN', '-inf',
        'x', 0.005, '0.005', '99999999.995', 1e300)),
    ('decimal(p,s): other scales', 'decimal(3,0)', (1, '0.5', '1.5', '-0.5', '1.0')),
    ('decimal(p,s): other scales', 'decimal(5,-2)', (1, 49, 50, 100, 149, '150', '-50', '1e5')),
    ('decimal(p,s): other scales', 'decimal(2,5)', ('0.00012', '0.000125', '0.000004', 1e-5)),
    ('decimal digits=15', 'decimal digits=15', (
        0.1, 0.30000000000000004, 1 / 3, 2 / 3, 12.345, 123456789012345680.0, 2.0 ** 53, 2.0 ** 53 + 2, 2.0 ** 60,
        1e15, 1e16, 999999999999999.9, 9999999999999999.0, 0.9999999999999999, DENORMAL, LARGEST, FIRST_NORMAL, 0.0,
        MINUS_0, -0.1, INF, -INF, NAN, 5, '0.30000000000000004', 1.0000000000000002, 40.07098388671875,
        1000000000000000.5, 1000000000000001.5, 10000000000000005.0, 10000000000000015.0,
        9007199254740993, 100000000000000.5, 100000000000001.5)),
    ('decimal(10,2) digits=15', 'decimal(10,2) digits=15', (0.30000000000000004, 12.345, 1.005)),
    ('decimal blob=utf8', 'decimal blob=utf8', (b'1.50', b'nan', b'', b'1.', b'\0')),

    # ---- float8
    ('float8', 'float8', REALS + (NAN, OTHER_NAN, 40.070984, Real(0x3FF0000000000001))),
    ('float8: INTEGER that a double holds by its shortest digits, and others', 'float8', (
        0, 1, -1, 10, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 1, 2 ** 53 + 2, -2 ** 53 - 1, 2 ** 60, 1152921504606847000,
        10 ** 15, 10 ** 17, 10 ** 18, 123456789012345678, 123456789012345680, MAX, MIN, 9223372036854774784,
        9223372036854775000)),
    ('float8: text', 'float8', NUMERIC_TEXTS + NAMED + (
        '0.1', '0.10000000000000001', '0.1000000000000000055511151231257827', '0.3', '0.30000000000000004', '1e22',
        '1e23', '9.999999999999999e22', '5e-324', '4.9e-324', '3e-324', '2e-324', '1e-323', '1.7976931348623157e308',
        '1.7976931348623158e308', '1.8e308', '1e308', '1e309', '2.2250738585072014e-308', '2.2250738585072011e-308',
        '9007199254740993', '9007199254740992', '9223372036854776000', '9223372036854775808', '40.070984',
        '123456789.123456789', '1152921504606847000', '1152921504606846976')),
    ('float8: what it cannot read', 'float8', BAD_NUMBERS + BAD_NAMED + (b'', b'\0\0\0\0\0\0\xf0\x3f')),
    ('float8 blob=utf8', 'float8 blob=utf8', (b'1.5', b'-Infinity', b'1,5')),

    # ---- float4
    ('float4: a REAL that is exactly a float, and one that is not', 'float4', REALS + (
        NAN, OTHER_NAN, single(0.1), single(0.3), single(1 / 3), single(40.070984), 40.070984, 40.070985,
        40.070983, single(3.4028234e38), 3.4028234e38, 3.4028235e38, 3.5e38, single(1e-45), 1e-45,
        single(1.1754944e-38), 1.1754944e-38, 64057792.0, 64057790.0, 64057788.0, 64057796.0, 16777216.0, 16777217.0,
        33554432.0, 33554434.0, single(1e10), 1e10, single(9.5e-10), 8388607.5, 8388608.0, 2.0 ** 24 + 2,
        single(16777216e12), single(-0.1), 0.25, 1e-46, 8589973000.0, 8589972480.0)),
    ('float4: INTEGER', 'float4', (0, 1, -1, 16777216, 16777217, 33554434, 64057792, 64057790, 64057791, 2 ** 53,
                                   2 ** 53 + 1, MAX, MIN, 2 ** 60, 10 ** 10)),
    ('float4: text', 'float4', ('3.7188707e+19', '-37188707000000000000', '3.7188708e19', '0', '-0', '0.1', '0.10000000149011612', '0.100000001', '40.070984', '40.070985',
                                '40.0709838867', '64057792', '64057790', '16777217', '3.4028235e38',
                                '3.4028234663852886e+38', '3.5e38', '1e39', '1e400', '1e-45', '1e-46', '1e-400',
                                '1.4012984643248171e-45', '1.401298464324817e-45', 'NaN', 'inf', '-Infinity',
                                '1e2147483648', '0.3333333333333333',
                                '0.33333334', '123456789.123456789123456789')),
    ('float4: what it cannot read', 'float4', ('', 'x', '1 ', '5.', '+nan', b'', b'\0\0\x80\x3f')),
    ('float4 blob=utf8', 'float4 blob=utf8', (b'0.1', b'x')),

    # ---- text and char
    ('text', 'text', ('', 'a', 'abc', 'Abc', ' a ', 'a\0b', '\0', 'a\tb\nc', 'ä', 'Straße', '日本', '😀', '5', '5.0',
                      "it's", '\\', '"', 'NULL', 'a' * 300, Text(b'\xff'), Text(b'\xed\xa0\x80'), Text(b'a\xc3'))),
    ('text: INTEGER', 'text', (0, 5, -5, 10, 1000, MAX, MIN)),
    ('text: REAL as SQLite casts it, with the shortest digits', 'text', REALS + (
        5.0, -5.0, 1.5, 100.0, 123456.789, 1e14, 123456789012345.0, 123456789012345.6, 999999999999999.0,
        999999999999999.9, 1e15, 1.5e15, 1234567890123456.0, 1e-4, 1.2e-4, 0.00012345678901234567, 9.999e-5, 1e-5,
        2.5e-7, 1.5e-10, 1e-100, 1.5e100, 1e308, -1e16, -2.5e-7, 1234567.0, 0.001)),
    ('text: what it cannot read', 'text', (b'', b'abc', b'\xff')),
    ('text fold=ascii', 'text fold=ascii', ('ABC', 'aBc', 'ÄÖ Straße', '@[`{', 'AZ az 09', '', 5, 1e16, INF, -INF)),
    ('text blob=utf8', 'text blob=utf8', (b'', b'abc', b'ABC', b'\xc3\xa4', b'\xff', b'a\0b')),
    ('text blob=utf8, folded', 'text fold=ascii blob=utf8', (b'ABC',)),
    ('char', 'char', ('', ' ', '   ', 'a', 'a  ', '  a', ' a b ', 'a\t', 'a\t ', 'a\n', 'a\u00a0', 'a \0', 5, -5, 5.0,
        b'a ')),
    ('char fold=ascii', 'char fold=ascii', ('AB  ', 'Ä  ', ' X ')),
    ('char blob=utf8', 'char blob=utf8', (b'ab  ', b'  ')),

    # ---- bytes
    ('bytes', 'bytes', (b'', b'\0', b'abc', bytes(range(256)))),
    ('bytes: what it cannot read', 'bytes', ('', 'abc', '\\x00', 0, 5, 1.5)),
    ('bytes text=utf8', 'bytes text=utf8', ('', 'abc', 'ä', 'a\0b', Text(b'\xff\xfe'), '\\x00', b'raw', 5, 1.5)),
    ('bytes text=hex', 'bytes text=hex', ('', '\\x', '00', '\\x00', '\\xDEADbeef', 'deadBEEF', '0', '\\x0', '\\X00',
        'x00',
                                          '0x00', 'zz', '00 00', ' 00', '00\n', '\\x\\x00', b'00', 0)),
    ('bytes text=base64', 'bytes text=base64', (
        '', 'AA==', 'AAA=', 'AAAA', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy', '+/+/', '//79',
        'Zm9v\r\nYmFy',
        'Zm9v\n', '\n', 'Z\ng\n=\n=', 'Zg', 'Zg=', 'Zg===', 'Zm8', 'Zh==', 'Zm9=', 'Z', '=', '====', 'Zg==Zg==',
        'Zm9v=', '-_-_',
        'Zm 9v', ' Zm9v', 'Zm9v ', 'Zm9v\t', 'Zm9ä', b'Zg==', 5)),

    # ---- uuid
    ('uuid', 'uuid', (
        '00000000-0000-0000-0000-000000000000', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
        'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
        'a0eebc999c0b4ef8bb6d6bb9bd380a11', 'A0eeBC999c0b4EF8bb6d6bb9bd380A11',
        '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}',
        '{A0EEBC999C0B4EF8BB6D6BB9BD380A11}', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
        '00112233445566778899001122334455', bytes(range(16)), b'\xff' * 16,
        bytes.fromhex('a0eebc999c0b4ef8bb6d6bb9bd380a11'))),
    ('uuid: what it cannot read', 'uuid', (
        '', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111',
        'a0eebc99-9c0b4ef8-bb6d-6bb9bd380a11',
        'a0eebc99-9c0b-4ef8-bb6d6bb9bd380a11', 'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11',
        '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{{a0eebc999c0b4ef8bb6d6bb9bd380a11}}',
        ' a0eebc999c0b4ef8bb6d6bb9bd380a11',
        'a0eebc999c0b4ef8bb6d6bb9bd380a11 ', 'g0eebc999c0b4ef8bb6d6bb9bd380a11',
        'urn:uuid:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
        'a0eebc99_9c0b_4ef8_bb6d_6bb9bd380a11', '{}', b'', b'\0' * 15, b'\0' * 17,
        b'a0eebc999c0b4ef8bb6d6bb9bd380a11', 0, 1e36)),
    ('uuid dotnet: the BLOB of Guid.ToByteArray', 'uuid dotnet', (
        bytes(range(16)), bytes.fromhex('99bceea00b9cf84ebb6d6bb9bd380a11'), 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
            b'\0' * 15)),

    # ---- json
    ('json: scalars', 'json', ('null', 'true', 'false', '""', '"a"', '0', '-0', '1', '-1', '10', '100', '1.0', '1.50',
        '0.1',
                               '-0.5', '1e2', '1E+2', '1e-2', '0e5', '-0.0', '15e-1',
                               '123456789012345678901234567890',
                               '1e400', '1e2147483647', '1e-2147483648', '0e99999999999', '9223372036854775808')),
    ('json: INTEGER and REAL', 'json', (0, 5, -5, 100, MAX, MIN, 0.0, MINUS_0, 5.0, 0.1, 1.5, 1e16, 1e22, 2.0 ** 60,
        DENORMAL,
                                        LARGEST, INF, -INF, NAN)),
    ('json: containers', 'json', (
        '[]', '{}', '[1,2,3]', ' [ 1 , 2 ] ', '\t\r\n[\n]\n', '{"a":1}', '{"b":2,"a":1}', '{ "a" : 1 , "b" : [ ] }',
        '{"a":1,"a":2}',
        '{"a":1,"b":3,"a":2}', '{"a":{"x":1},"a":{"y":2}}', '{"":1}', '{"aa":1,"a":2,"b":3}', '{"B":1,"a":2,"_":3}',
        '{"é":1,"z":2}',
        '{"\\u0061":1,"a":2}', '{"a":1,"\\u0061":2}', '{"10":1,"9":2}', '[null,true,false,"x",1.10,{"k":[]}]',
        '[[[]]]', '[[],{}]',
        '{"a":[{"c":1,"b":2}]}', '[1.0,1.00,10,1e1]', '[' * 200 + ']' * 200, '{"a":' * 50 + '1' + '}' * 50,
        '[' * 3000 + ']' * 3000, '{"\uff5e":1,"😀":2}', '{"\\ud83d\\ude00":1,"\uff5e":2}')),
    ('json: strings', 'json', (
        '"\\""', '"\\\\"', '"\\/"', '"/"', '"\\b\\f\\n\\r\\t"', '"\\u0000"', '"\\u001F"', '"\\u0020"', '"\\u007f"',
        '"\x7f"', '"\\u00e9"',
        '"é"', '"\\u20AC"', '"\\uFFFF"', '"\\ud83d\\ude00"', '"\\uD83D\\uDE00"', '"😀"', '"\\ud800"', '"\\uDFFF"',
        '"\\uDC00\\uD800"',
        '"\\ud83dx"', '"\\ud83d\\u0041"', '"\\ud83d\\ud83d\\ude00"', '"\\\\u0041"', '"a\\u0022b"', '"\\u005c"',
        "\"it's\"",
        '"\u2028"', '{"\\ud800":1}', '"\\uDBFF\\uDFFF"', '"<&>"')),
    ('json: bytes that are not UTF-8', 'json', (
        Text(b'"\xff"'), Text(b'"\xed\xa0\x80"'), Text(b'"\xc3"'), Text(b'{"\xff":1,"\xc3\xa4":2}'), Text(b'\xff'),
        Text(b'"\xe9\\u00e9"'))),
    ('json: the order of keys with surrogates, and which are the same', 'json', (
        Text(b'{"\xed\xa0\x80":1,"\\ud800":2}'), Text(b'{"\\ud800":1,"\xed\xa0\x80":2}'),
        '{"\\ud800":1,"\\uD800":2}', Text(b'{"\\ud800":1,"\xed\xa0\x80":2,"\\uD800":3,"\xed\xa0\x80":4}'),
        '{"\uffff":1,"\\udfff":2,"\\ud800":3,"\ud7ff":4,"\ue000":5}', '{"\\ud800x":1,"\\ud800":2,"\\ud7ffx":3}',
        '{"\U00010000":1,"\\udbff":2,"\\ud800\\udc00":3}', '{"\\u0000":1,"":2,"\\u001f":3," ":4}',
        Text(b'{"a\xed\xa0\x80b":1,"a\\ud800a":2,"a\\ud800b":3}'))),
    ('json: an exponent beyond i32 anywhere', 'json', (
        '{"a":1e2147483648,"a":1}', '{"a":1,"a":1e-2147483649}', '[[{"a":[1e99999999999]}]]', '[0e99999999999]',
        '{"a":1e2147483647,"a":1}', '10e2147483647', '0.1e-2147483648', '[1.0e2147483648]')),
    ('json: what it cannot read', 'json', (
        '', ' ', 'nul', 'nulll', 'True', 'NULL', 'undefined', 'NaN', 'Infinity', '-', '+1', '01', '-01', '1.', '.5',
        '1e', '1e+', '0x10',
        '1 2', '[', ']', '[1', '[1,]', '[,1]', '[1 2]', '[1]]', '{', '}', '{"a"}', '{"a":}', '{"a":1,}', '{,}',
        '{a:1}', '{1:1}', "{'a':1}",
        '{"a" 1}', '{"a":1 "b":2}', '[1}', '{"a":1]', '"', '"a', '"\\', '"\\"', '"\\x41"', '"\\u12"', '"\\u12G4"',
        '"\\U0041"', "'a'", '"a\nb"',
        '"a\tb"', '"\0"', '"a\x1fb"', '\ufeff1', '1\0', '\x0b1', '\u00a01', '// c\n1', '[1]/**/', '1e2147483648',
        '[1e-2147483649]',
        '{"a":1e99999999999999999999}', '[' * 3000, ']' * 100, b'', b'1', b'{}')),
    ('json blob=utf8', 'json blob=utf8', (b'{"b":1,"a":2}', b'5', b'', b'\x31', b'\x00', b'\x13\x35')),

    # ---- vector
    ('vector', 'vector', ('[]', '[1]', '[1,2,3]', '[1.0,2.50,-3]', ' [ 0.1 , 0.2 ] ', '[0.1,0.10000000149011612]',
        '[1e2,1E-2]',
                          '[0,-0,-0.0]', '[40.070984,40.070985]', '[16777217]', '[9007199254740993]', '[1e400]',
                          '[3.4028235e38]', '[3.5e38]', '[1e-45,1e-46]', '[0.123456789]')),
    ('vector: BLOB of floats', 'vector', (b'', floats(1), floats(1, 2, 3), floats(0.1, -0.1, 0.2), floats(0.0, -0.0),
        floats(64057792),
                                          floats(1e-45, 3.4028234e38), floats(40.070984), floats(16777216, 1 / 3),
                                              floats(1e10))),
    ('vector: what it cannot read', 'vector', (
        '', '[', '1', '"[1]"', '[1,]', '[null]', '["1"]', '[[1]]', '[true]', '{}', '{"a":1}', '[NaN]', '[inf]',
        '[1] x', '[1e2147483648]', '[01]',
        '[.5]', '(1,2)', '{1,2}', b'\0', b'\0\0\0', b'\0\0\0\0\0', bytes.fromhex('0000807f'),
        bytes.fromhex('000080ff'),
        bytes.fromhex('0000c07f'), floats(1) + bytes.fromhex('0100807f'), 1, 1.5)),
]


def jsonb(kind, payload=b'', width=0):
    """A JSONB element; width 1, 2, 4 or 8 writes the size in that many bytes."""
    if width == 0 and len(payload) > 11:
        width = 1 if len(payload) < 256 else 2
    if width == 0:
        return bytes([len(payload) << 4 | kind]) + payload
    return bytes([{1: 12, 2: 13, 4: 14, 8: 15}[width] << 4 | kind]) + len(payload).to_bytes(width, 'big') + payload


NULL, TRUE, FALSE = b'\x00', b'\x01', b'\x02'


def ARRAY(*elements):
    return jsonb(11, b''.join(elements))


def OBJECT(*elements):
    return jsonb(12, b''.join(elements))


def KEY(text):
    return jsonb(7, text)


VALUES += [
    ('json blob=jsonb: every element type', 'json blob=jsonb', (
        NULL, TRUE, FALSE, jsonb(3, b'5'), jsonb(3, b'-10'), jsonb(3, b'0'), jsonb(4, b'0x1F'), jsonb(4, b'-0xff'),
            jsonb(5, b'1.50'),
        jsonb(5, b'1e2'), jsonb(5, b'-0.5e-3'), jsonb(6, b'.5'), jsonb(6, b'5.'), jsonb(6, b'-.5e1'), jsonb(7),
            jsonb(7, b'abc'),
        jsonb(7, 'é'.encode()), jsonb(8, b'a\\nb'), jsonb(8, b'\\u0041'), jsonb(8, b'\\ud83d\\ude00'), jsonb(9,
            b"it\\'s"), jsonb(9, b'\\x41'),
        jsonb(9, b'a\\vb'), jsonb(10, b'a"b\\c\n'), jsonb(10, b'raw'), ARRAY(), OBJECT(), ARRAY(jsonb(3, b'1'),
            jsonb(3, b'2')),
        OBJECT(KEY(b'b'), jsonb(3, b'1'), KEY(b'a'), ARRAY(TRUE, NULL)), OBJECT(KEY(b'a'), jsonb(3, b'1'), jsonb(10,
            b'a'), jsonb(3, b'2')),
        OBJECT(jsonb(8, b'\\u0061'), FALSE), ARRAY(ARRAY(ARRAY())), ARRAY(OBJECT(), OBJECT(KEY(b''), NULL)))),
    ('json blob=jsonb: what only some element types may hold', 'json blob=jsonb', (
        jsonb(9, b'a\tb'), jsonb(9, b'a"b'), jsonb(9, b'\0'), jsonb(9, b'a\\\nb'), jsonb(9, b'a\\\r\nb'),
        jsonb(9, b'a\\\rb'), jsonb(9, b'a\\\xe2\x80\xa8b'), jsonb(9, b'\\0'), jsonb(9, b'\\"\\\\\\n'),
        jsonb(9, b'\\xE9'), jsonb(9, b'\\u00e9'), jsonb(9, b'\\a'), jsonb(9, b'\\x4'), jsonb(9, b'\\xg0'),
        jsonb(9, b'\\'), jsonb(9, b'\\\xe2\x80\xaa'), jsonb(8, b'a\tb'), jsonb(8, b'a"b'), jsonb(8, b"it\\'s"),
        jsonb(8, b'a\\"b'), jsonb(8, b'a\\'), jsonb(7, b'a\\nb'), jsonb(7, b'\\u0041'), jsonb(7, b'a","b'),
        jsonb(7, b'\xff'), jsonb(10, b'\xff\0'), jsonb(10, b'\\u0041'), ARRAY(KEY(b'a","b')), ARRAY(jsonb(8, b'a","b')),
        OBJECT(jsonb(9, b'a\tb'), NULL, jsonb(10, b'a\tb'), TRUE), OBJECT(jsonb(7, b'b'), NULL, jsonb(9, b'a'), TRUE))),
    ('json blob=jsonb: numbers', 'json blob=jsonb', (
        jsonb(3, b'-0'), jsonb(3, b'-'), jsonb(3, b'+5'), jsonb(3, b' 5'), jsonb(3, b'1,2'), jsonb(3, b'1.0'),
        jsonb(3, b'9223372036854775808'), jsonb(4, b'0X1f'), jsonb(4, b'-0x0'), jsonb(4, b'0xFFFFFFFFFFFFFFFF'),
        jsonb(4, b'-0xffffffffffffffff'), jsonb(4, b'0x00000000000000000001'), jsonb(4, b'0x10000000000000000'),
        jsonb(4, b'+0x1'), jsonb(4, b'1f'), jsonb(4, b'0x1g'), jsonb(4, b'5'), jsonb(5, b'5'), jsonb(5, b'1.'),
        jsonb(6, b'5'), jsonb(6, b'1.e5'), jsonb(6, b'-.5'), jsonb(6, b'-5.'), jsonb(6, b'.e5'), jsonb(6, b'-.'),
        jsonb(6, b'-.e1'), jsonb(6, b'+.5'), jsonb(6, b'01.5'), jsonb(6, b'1..5'), jsonb(6, b'1e.5'), jsonb(6, b'1.2.3'),
        jsonb(6), jsonb(4), jsonb(5), ARRAY(jsonb(3, b'1,2')), ARRAY(jsonb(6, b'1,2')))),
    ('json blob=jsonb: payloads of null, true, false; labels; bytes behind', 'json blob=jsonb', (
        jsonb(0, b'0'), jsonb(1, b'1'), jsonb(2, b'x'), NULL + NULL, ARRAY() + NULL, OBJECT() + b'\0',
        ARRAY(jsonb(13)), OBJECT(TRUE, NULL), OBJECT(ARRAY(), NULL), OBJECT(OBJECT(), NULL), OBJECT(jsonb(5, b'1'), NULL),
        OBJECT(KEY(b'a'), NULL, KEY(b'b')))),
    ('json blob=jsonb: sizes in 1, 2, 4 and 8 bytes', 'json blob=jsonb', (
        jsonb(3, b'5', 1), jsonb(3, b'5', 2), jsonb(3, b'5', 4), jsonb(3, b'5', 8), jsonb(7, b'x' * 11), jsonb(7,
            b'x' * 12), jsonb(7, b'x' * 300),
        jsonb(0, b'', 1), jsonb(11, jsonb(3, b'1', 4), 8))),
    ('json blob=jsonb: malformed', 'json blob=jsonb', (
        b'', b'\x13', b'\x23\x35', b'\x13\x35\x35', b'\xc3', b'\xd3\x00', b'\xf3\x00\x00\x00\x00\x00\x00\x00',
            jsonb(13), jsonb(14), jsonb(15), jsonb(3),
        jsonb(3, b'x'), jsonb(3, b'1.5'), jsonb(3, b'01'), jsonb(5, b'.5'), jsonb(4, b'0x'), jsonb(6, b'.'), jsonb(7,
            b'a"b'), jsonb(7, b'a\nb'),
        jsonb(8, b'\\'), jsonb(8, b'\\x41'), OBJECT(KEY(b'a')), OBJECT(jsonb(3, b'1'), NULL), OBJECT(NULL, NULL),
            ARRAY(b'\x23\x35'),
        jsonb(11, b'\x13'), b'{"a":1}', jsonb(3, b'1e2'), jsonb(5, b'1e2147483648'), b'\xff' * 9)),
    ('json blob=jsonb: TEXT is still JSON text', 'json blob=jsonb', ('{"b":1,"a":2}', 5, 'x')),
]
