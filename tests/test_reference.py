"""The reference implementation, and the vectors that it made.

What the reference says is compared with frames written out by hand from
docs/FORMAT.md, with Python's own repr, datetime, decimal, json, uuid and
base64, and with SQLite's date functions. tests/cross holds the comparison with
what PostgreSQL prints.
"""

import base64
import datetime
import decimal
import json
import math
import os
import random
import struct
import sys
import uuid
from fractions import Fraction

import pytest

pytest.importorskip('xxhash', reason='python3-xxhash is not installed')

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'reference'))

import make_vectors  # noqa: E402
import parity_reference as reference  # noqa: E402
from parity_reference import Real, put_value  # noqa: E402


def frame(kind, value):
    return put_value(kind, value)[0].hex()


def notes(kind, value):
    return put_value(kind, value)[1]


def doubles(count, seed):
    """Doubles of every size, then those around powers of two and ten."""
    chance = random.Random(seed)
    for _ in range(count):
        bits = chance.getrandbits(64)
        if not reference.F64.is_nan(bits) and not reference.F64.is_infinite(bits):
            yield struct.unpack('<d', struct.pack('<Q', bits))[0]
    for exponent in range(-1074, 1024, 7):
        power = math.ldexp(1.0, exponent)
        yield from (power, math.nextafter(power, math.inf) if hasattr(math, 'nextafter') else power)
    for exponent in range(-323, 309, 5):
        yield float('1e%d' % exponent)


# ---- the committed files ------------------------------------------------------

@pytest.mark.parametrize('name', sorted(make_vectors.files()))
def test_vectors_are_what_the_reference_makes(name):
    with open(os.path.join(HERE, 'vectors', name), encoding='utf-8', newline='') as file:
        assert file.read() == '\n'.join(make_vectors.files()[name]) + '\n'


def test_vectors_are_well_formed():
    fields = {'value.tsv': 6, 'rounded.tsv': 6, 'row.tsv': 4, 'kind.tsv': 3, 'declared.tsv': 2, 'columns.tsv': 2,
              'postgres.tsv': 6}
    for name, count in fields.items():
        seen = set()
        for line in make_vectors.files()[name]:
            if line.startswith('#'):
                continue
            assert len(line.split('\t')) == count and '' not in line.split('\t'), line
            assert line not in seen, line
            seen.add(line)
        assert len(seen) > 20


def read_frame(data, position):
    """The end of the frame at position: every frame says where it ends."""
    tag = data[position]
    sizes = {0: 0, 1: 8, 3: 8, 6: 8, 7: 4, 8: 8, 9: 12, 0x0A: 16, 0x0B: 16}
    position += 1
    if tag in sizes:
        return position + sizes[tag]
    if tag == 2:
        if data[position] > 1:
            return position + 1
        exponent, length = struct.unpack_from('<iI', data, position + 1)
        digits = data[position + 9:position + 9 + length]
        assert len(digits) == length and digits.isdigit() and digits[0] != 48 and digits[-1] != 48
        return position + 9 + length
    if tag in (4, 5, 0x0C):
        return position + 4 + struct.unpack_from('<I', data, position)[0]
    if tag == 0x0D:
        length = struct.unpack_from('<I', data, position)[0]
        digits = data[position + 4:position + 4 + length]
        assert length and digits.isdigit() and digits[-1] != 48
        assert data[position + 4 + length] in (6, 8, 9, 0x0A)
        return read_frame(data, position + 4 + length)
    assert tag == 0x0F
    storage = data[position]
    assert 1 <= storage <= 4
    if storage <= 2:
        return position + 9
    return position + 5 + struct.unpack_from('<I', data, position + 1)[0]


@pytest.mark.parametrize('name', ['value.tsv', 'rounded.tsv'])
def test_every_frame_ends_where_it_says(name):
    for line in make_vectors.files()[name]:
        if not line.startswith('#'):
            data = bytes.fromhex(line.split('\t')[3])
            assert read_frame(data, 0) == len(data), line


# ---- frames written out by hand -------------------------------------------------

BY_HAND = [
    ('int', None, '00'),
    ('bool', 'TRUE', '01 0100000000000000'),
    ('bool', 0.0, '01 0000000000000000'),
    ('int', 258, '01 0201000000000000'),
    ('int', -1, '01 ffffffffffffffff'),
    ('int', '12.50', '02 00 ffffffff 03000000 313235'),
    ('decimal', '-0.05', '02 01 feffffff 01000000 35'),
    ('decimal', '9223372036854775808', '02 00 00000000 13000000 39323233333732303336383534373735383038'),
    ('decimal', '1e20', '02 00 14000000 01000000 31'),
    ('decimal', 5e-324, '02 00 bcfeffff 01000000 35'),
    ('decimal', 'nan', '02 02'),
    ('decimal', '+Inf', '02 03'),
    ('decimal', '-infinity', '02 04'),
    ('float8', 1.0, '03 000000000000f03f'),
    ('float8', -0.0, '03 0000000000000000'),
    ('float8', 'NaN', '03 000000000000f87f'),
    ('float8', 2 ** 53 + 1, '01 0100000000002000'),
    ('float4', 0.10000000149011612, '03 9a9999999999b93f'),
    ('float4', 0.1, '03 9a9999999999b93f'),
    ('text', 'aä', '04 03000000 61c3a4'),
    ('text', -7, '04 02000000 2d37'),
    ('text', 1e16, '04 07000000 312e30652b3136'),
    ('text', 5.0, '04 03000000 352e30'),
    ('char', 'a  ', '04 01000000 61'),
    ('bytes', b'\x00\xff', '05 02000000 00ff'),
    ('timestamptz', '2000-01-01 00:00:01Z', '06 40420f0000000000'),
    ('timestamptz', '2000-01-01 02:00:00+02', '06 0000000000000000'),
    ('timestamptz', '1999-12-31 23:59:59.999999', '06 ffffffffffffffff'),
    ('timestamptz', 'infinity', '06 ffffffffffffff7f'),
    ('timestamptz', '-Infinity', '06 0000000000000080'),
    ('timestamptz epoch=ms', 946684800001, '06 e803000000000000'),
    ('timestamptz', '2000-01-01 00:00:00.0000017Z', '0d 01000000 37 06 0100000000000000'),
    ('timestamptz', '1999-12-31 23:59:59.9999997Z', '0d 01000000 37 06 ffffffffffffffff'),
    ('timestamptz julian', 2451545.0, '06 00b0eb0e0a000000'),
    ('date', '2000-01-02', '07 01000000'),
    ('date', '1999-12-31', '07 ffffffff'),
    ('date', 'infinity', '07 ffffff7f'),
    ('date', '2000-01-01 24:00', '07 01000000'),
    ('date', '2000-01-01 00:00:01', '06 40420f0000000000'),
    ('time', '00:00:01', '08 40420f0000000000'),
    ('time', '24:00', '08 0060d71d14000000'),
    ('timetz', '00:00:01+01', '09 40420f0000000000 100e0000'),
    ('timetz', '00:00:01 -01:00', '09 40420f0000000000 f0f1ffff'),
    ('interval', '1 year 2 mons -3 days 00:00:01', '0a 0e000000 fdffffff 40420f0000000000'),
    ('interval unit=us', -1, '0a 00000000 ffffffff ff5fd71d14000000'),
    ('uuid', '{00112233-4455-6677-8899-AABBCCDDEEFF}', '0b 00112233445566778899aabbccddeeff'),
    ('uuid dotnet', bytes.fromhex('33221100554477668899aabbccddeeff'), '0b 00112233445566778899aabbccddeeff'),
    ('json', '{"b": 1.50, "a": [true]}', '0c 16000000 7b2261223a5b747275655d2c2262223a3135652d317d'),
    ('json', 100, '0c 03000000 316532'),
    ('vector', struct.pack('<2f', 0.1, -2), '0c 09000000 5b31652d312c2d325d'),
    ('int', 'x', '0f 03 01000000 78'),
    ('text', b'\x01\x02', '0f 04 02000000 0102'),
    ('date', 1, '0f 01 0100000000000000'),
    ('date', 1.0, '0f 02 000000000000f03f'),
    ('json blob=utf8', b'x', '0f 04 01000000 78'),
    ('json blob=jsonb', bytes.fromhex('236122'), '0f 04 03000000 236122'),
    ('json blob=jsonb', bytes.fromhex('176122'), '0f 04 03000000 176122'),
    ('json blob=jsonb', bytes.fromhex('2722') + b'"', '0f 04 03000000 272222'),
    ('json blob=jsonb', bytes.fromhex('2961') + b'\t', '0c 09000000 22615c753030303922'),
    ('json blob=jsonb', bytes.fromhex('2461') + b'0', '0f 04 03000000 246130'),
    ('json', reference.Text(b'{"\xed\xa0\x80":1,"\\uD800":2}'), '0c 14000000 7b225c7564383030223a322c22eda080223a317d'),
    ('decimal', Real(0x7FF8000000000000), '02 02'),
    ('text', Real(0x7FF8000000000000), '04 03000000 4e614e'),
    ('int', Real(0x7FF8000000000000), '0f 02 000000000000f87f'),
    ('time', '2000-01-01t00:00:01', '08 40420f0000000000'),
    ('interval', '-Infinity', '0a 00000080 00000080 0000000000000080'),
    ('interval(4) round', 'infinity', '0a ffffff7f ffffff7f ffffffffffffff7f'),
    ('interval', '2147483648 days ago', '0a 00000000 00000080 0000000000000000'),
    ('int round', '1e-99999999999', '01 0000000000000000'),
    ('float8 round', '1e99999999999', '03 000000000000f07f'),
    ('vector', b'', '0c 02000000 5b5d'),
    ('uuid', -0.0, '0f 02 0000000000000000'),
]


@pytest.mark.parametrize('kind, value, expected', BY_HAND)
def test_frames_written_out_by_hand(kind, value, expected):
    assert frame(kind, value) == expected.replace(' ', '')


def test_notes():
    assert notes('timestamptz', 5) == ['bad', 'option']
    assert notes('timestamptz epoch=s', 5) == []
    assert notes('uuid', 'x') == ['bad']
    assert notes('decimal(10,2)', 0.125) == ['rounds']
    assert notes('decimal(10,2)', 12.345) == ['rounds', 'digits']
    assert notes('decimal digits=15', 12.345) == []
    assert notes('timetz', '12:00') == ['bad', 'option'] and notes('timetz', 'noon') == ['bad']
    assert notes('timestamptz', '2024-01-01') == ['zoneless']
    assert notes('timestamptz zone=+00:00', '2024-01-01') == []


def test_declared_types_written_out():
    for declared, kind in (('ENUM', 'text'), ("set('a')", 'text'), ('INTERVAL DAY', 'interval'), ('ENUMERATED', 'decimal'),
                           (' timestamp (3)\twith  time zone ', 'timestamptz'), ('DATE((1)2)', 'date')):
        assert reference.declared_kind(declared) == kind, declared


def test_a_zone_of_nothing_is_positive():
    assert str(reference.parse_kind('timetz zone=-00:00')) == 'timetz zone=+00:00'


def test_hashes_and_digests_written_out():
    # XXH3 128 of nothing and of one zero byte, seed 0, are xxHash's own
    assert reference.row_hash(b'').hex() == '99aa06d3014798d86001c324468d497f'
    assert reference.row_hash(b'\0').hex() == 'a6cd5e9392000f6ac44bdff4074eecdb'
    assert str(reference.Digest()) == 'p1-0-00000000000000000000000000000000'
    # a hash whose highest bit is set loses 2^127 and gains 1
    expected = 0xa6cd5e9392000f6ac44bdff4074eecdb - 2 ** 127 + 1
    assert str(reference.digest_rows([b'\0'])) == 'p1-1-%032x' % expected
    assert str(reference.digest_rows([b'\0', b'\0'])) == 'p1-2-%032x' % (2 * expected % (2 ** 127 - 1))


def test_table_digests_do_not_depend_on_the_order_of_rows():
    kinds, rows = ('int', 'text'), [(i, 'row %d' % i) for i in range(50)]
    one = [str(d) for d in (lambda t: [t[0], t[1], *t[2]])(reference.digest_table(kinds, (0,), rows))]
    two = [str(d) for d in (lambda t: [t[0], t[1], *t[2]])(reference.digest_table(kinds, (0,), rows[::-1]))]
    assert one == two and len(set(one)) == 4


# ---- other oracles -----------------------------------------------------------------

def on_boundary(value):
    """repr's digits lie half way to a neighbour of the double."""
    bits = reference.classify(abs(value))[1]
    exact, digits = reference.F64.value(bits), Fraction(decimal.Decimal(repr(abs(value))))
    return any(digits == (exact + reference.F64.value(other)) / 2 for other in (bits - 1, bits + 1)
               if 0 <= other < reference.F64.infinity)


def test_shortest_digits_are_those_of_repr():
    # but where repr takes a boundary of the interval, which is excluded here
    for value in doubles(3000, 1):
        if on_boundary(value):
            continue
        number = reference.F64.shortest(reference.classify(value)[1])
        sign, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
        expected = ''.join(map(str, digits)) if value else ''
        assert (number.negative, number.digits) == (bool(sign and value), expected), value
        assert not value or number.exponent == exponent, value


def test_boundaries_are_excluded():
    # the neighbours are 4 apart: 64057790 is half way, so no digit can be spared
    shortest = reference.F32.shortest(struct.unpack('<I', struct.pack('<f', 64057792.0))[0])
    assert (shortest.digits, shortest.exponent) == ('64057792', 0)
    # a double whose repr, 3.092535278770144e+18, is half way to its neighbour
    assert on_boundary(3.092535278770144e+18)
    shortest = reference.F64.shortest(reference.classify(3.092535278770144e+18)[1])
    assert (shortest.digits, shortest.exponent) == ('30925352787701443', 2)


def test_the_double_of_a_number_is_that_of_float():
    chance = random.Random(2)
    texts = ['%de%d' % (chance.getrandbits(chance.randrange(1, 90)), chance.randrange(-345, 310)) for _ in range(3000)]
    texts += ['9007199254740993', '2.4703282292062327e-324', '2.4703282292062328e-324', '1.7976931348623159e308',
              '0.1000000000000000055511151231257827', '5e-324', '4.9406564584124654e-324', '1e23',
              '2.2250738585072012e-308']
    for text in texts:
        assert reference.double_of(reference.decimal_text(text.encode())) == reference.classify(float(text))[1], text


def test_the_nearest_float_is_that_of_struct():
    for value in doubles(3000, 3):
        if abs(value) < 3.4e38:
            assert reference.F32.nearest(reference.F64.value(reference.classify(value)[1])) == struct.unpack(
                '<I', struct.pack('<f', value))[0], value


def test_fifteen_digits_are_those_of_printf():
    for value in doubles(2000, 4):
        expected = reference.decimal_text(('%.14e' % value).encode())
        assert reference.digits15(reference.classify(value)[1]).same(expected), value


def test_stamps_are_those_of_datetime():
    chance = random.Random(5)
    base = datetime.datetime(2000, 1, 1)
    for _ in range(2000):
        moment = datetime.datetime(1, 1, 1) + datetime.timedelta(
            days=chance.randrange(3652059), seconds=chance.randrange(86400), microseconds=chance.randrange(10 ** 6))
        us = (moment - base) // datetime.timedelta(microseconds=1)
        assert frame('timestamp', moment.isoformat(' ')) == (b'\x06' + struct.pack('<q', us)).hex()
        assert frame('timestamp', moment.isoformat('T')) == (b'\x06' + struct.pack('<q', us)).hex()
        day = moment.date()
        assert frame('date', day.isoformat()) == (b'\x07' + struct.pack('<i', day.toordinal() - 730120)).hex()
        offset = chance.randrange(-57599, 57600)
        zone = datetime.timezone(datetime.timedelta(seconds=offset))
        assert frame('timestamptz', moment.replace(tzinfo=zone).isoformat(' ')) == (
            b'\x06' + struct.pack('<q', us - offset * 10 ** 6)).hex()


def test_days_go_on_beyond_datetime():
    # 400 years are 146,097 days, in both directions
    for year in (-4712, -401, -400, -4, -1, 0, 1, 4, 100, 1900, 2000, 9999, 12345):
        for month, day in ((1, 1), (2, 28), (3, 1), (12, 31)):
            here = reference.days_from_civil(year, month, day)
            assert reference.days_from_civil(year + 400, month, day) - here == 146097
            if 1 <= year <= 9999:
                assert here == datetime.date(year, month, day).toordinal() - 730120


def test_julian_days_are_those_of_sqlite():
    sqlite3 = pytest.importorskip('sqlite3')
    connection = sqlite3.connect(':memory:')
    chance = random.Random(6)
    for _ in range(500):
        x = chance.uniform(1721425.5, 5373484.4)
        expected = connection.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', ?)", (x,)).fetchone()[0]
        assert frame('timestamp julian', x) == frame('timestamp', expected), x


def test_rounding_is_that_of_decimal():
    chance = random.Random(7)
    context = decimal.Context(prec=200)
    for _ in range(2000):
        text = '%s%d.%d' % (chance.choice(['', '-']), chance.randrange(10 ** chance.randrange(1, 12)),
                            chance.choice([chance.randrange(10 ** 6), 5, 50, 25, 15, 125, 375]))
        scale = chance.randrange(-3, 5)
        away = decimal.Decimal(text).quantize(decimal.Decimal(1).scaleb(-scale), decimal.ROUND_HALF_UP, context)
        even = decimal.Decimal(text).quantize(decimal.Decimal(1), decimal.ROUND_HALF_EVEN, context)
        assert frame('decimal(20,%d) round' % scale, text) == frame('decimal', str(away))
        assert frame('int round', text) == frame('int', str(even))


def test_json_is_that_of_the_json_module():
    chance = random.Random(8)

    def value(depth):
        pick = chance.randrange(8 if depth < 4 else 6)
        if pick < 2:
            return chance.randrange(-10 ** 6, 10 ** 6)
        if pick < 4:
            return ''.join(chance.choice('ab"\\/\n\x01é😀{}[]:,') for _ in range(chance.randrange(6)))
        if pick < 6:
            return chance.choice([True, False, None])
        if pick == 6:
            return [value(depth + 1) for _ in range(chance.randrange(4))]
        return {''.join(chance.choice('abé😀"') for _ in range(chance.randrange(3))): value(depth + 1)
                for _ in range(4)}

    for _ in range(500):
        thing = value(0)
        frames = {frame('json', json.dumps(thing, ensure_ascii=ascii, indent=indent))
                  for ascii in (True, False) for indent in (None, 2)}
        assert len(frames) == 1
        text = bytes.fromhex(frames.pop())[5:].decode('utf-8')
        assert json.loads(text, parse_float=lambda t: int(decimal.Decimal(t))) == thing
    assert notes('json', '[' * 100000 + ']' * 100000) == []


def test_uuid_and_base64_are_those_of_python():
    chance = random.Random(9)
    for _ in range(200):
        one = uuid.UUID(int=chance.getrandbits(128))
        expected = '0b' + one.hex
        for form in (str(one), one.hex, '{%s}' % one, str(one).upper(), one.bytes):
            assert frame('uuid', form) == expected
        assert frame('uuid dotnet', one.bytes_le) == expected
        data = bytes(chance.randrange(256) for _ in range(chance.randrange(40)))
        assert frame('bytes text=base64', base64.b64encode(data).decode()) == frame('bytes', data)
        assert frame('bytes text=base64', base64.encodebytes(data).decode()) == frame('bytes', data)


def test_intervals_are_those_of_timedelta():
    chance = random.Random(10)
    for _ in range(500):
        us = chance.randrange(-10 ** 15, 10 ** 15)
        delta = datetime.timedelta(microseconds=us)
        assert frame('interval unit=us', us) == (
            b'\x0a' + struct.pack('<iiq', 0, delta.days, delta.seconds * 10 ** 6 + delta.microseconds)).hex()


def test_real_as_text_reads_back():
    for value in doubles(1000, 11):
        text = reference.real_text(reference.classify(value)[1]).decode()
        assert float(text) == value
        assert text == '0.0' or 'e' in text or '.' in text


def test_kinds_print_what_they_parse():
    for text in make_vectors.KINDS:
        try:
            kind = str(reference.parse_kind(text))
        except reference.KindError:
            continue
        assert str(reference.parse_kind(kind)) == kind


def test_what_the_input_classes_do_not_hold():
    for value in (True, 2 ** 63, -2 ** 63 - 1):
        with pytest.raises((TypeError, ValueError)):
            put_value('int', value)
    assert frame('float8', Real(0xFFF8000000000001)) == '03000000000000f87f'
