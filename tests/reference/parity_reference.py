"""The canonical form p1 in Python: plain, slow, and written from docs/FORMAT.md alone.

It exists to make the golden vectors in tests/vectors and to check the other
implementations, so it never takes a short cut through Python's own floats: a
double is its 64 bits, everything between is integers and fractions.

    frame, notes = put_value('timestamptz epoch=ms', 1704067200000)

An input is None, int, float (or Real, which holds bits), str (or Text, which
holds bytes that need not be UTF-8) or bytes (a BLOB).

The notes say what a reader of the frame may want to know:

    bad       the kind cannot read the value: it is framed as BAD
    option    bad, and the kind has an option, not given, that reads such values
    rounds    rounding to the kind's type (the option `round`) changes the frame
    zoneless  timestamptz: a text without a zone was taken to be UTC
    digits    under decimal, a REAL was read by its shortest digits, which are not its exact value
"""

import re
import struct
from fractions import Fraction

import xxhash

from parity_json import NotJson, canonical, jsonb_text, number_array
from parity_kinds import NO_BLOB_TEXT, PRECISION, KindError, parse_kind  # noqa: F401
from parity_numbers import (F32, F64, F64_NAN, Number, Special, decimal_text, digits15, double_of,
                            float_as_double, named_text, round_half_even)

P = 2 ** 127 - 1
I32_MIN, I32_MAX = -2 ** 31, 2 ** 31 - 1
I64_MIN, I64_MAX = -2 ** 63, 2 ** 63 - 1
NOTES = ('bad', 'option', 'rounds', 'zoneless', 'digits')

TAG_NULL, TAG_INT, TAG_DEC, TAG_F64, TAG_TEXT, TAG_BYTES = 0, 1, 2, 3, 4, 5
TAG_STAMP, TAG_DATE, TAG_TIME, TAG_TIMETZ, TAG_INTERVAL = 6, 7, 8, 9, 0x0A
TAG_UUID, TAG_JSON, TAG_FINE, TAG_BAD = 0x0B, 0x0C, 0x0D, 0x0F


class BadValue(Exception):
    """The kind cannot read the value; `option` when an option would help."""

    def __init__(self, option=False):
        super().__init__('BAD')
        self.option = option


class DigestError(ValueError):
    """A digest that is malformed, or whose number of rows leaves the u64."""


# ---- inputs -----------------------------------------------------------------

class Real:
    """A REAL, by the bits of the double."""

    def __init__(self, bits):
        self.bits = bits


class Text:
    """A TEXT, by its bytes."""

    def __init__(self, data):
        self.data = data


def classify(value):
    """(class, payload): the payload of 'real' is the bits, of 'text' the bytes."""
    if value is None:
        return 'null', None
    if isinstance(value, bool):
        raise TypeError('an input is no bool; write 0 or 1')
    if isinstance(value, int):
        if not I64_MIN <= value <= I64_MAX:
            raise ValueError('an INTEGER is an i64')
        return 'int', value
    if isinstance(value, float):
        return 'real', struct.unpack('<Q', struct.pack('<d', value))[0]
    if isinstance(value, Real):
        return 'real', value.bits
    if isinstance(value, str):
        return 'text', value.encode('utf-8')
    if isinstance(value, Text):
        return 'text', value.data
    if isinstance(value, (bytes, bytearray)):
        return 'blob', bytes(value)
    raise TypeError('no input class for %r' % (value,))


# ---- frames -----------------------------------------------------------------

def frame_int(value):
    return struct.pack('<Bq', TAG_INT, value)


def frame_number(number):
    if not number.digits:
        return frame_int(0)
    # 20 digits are beyond i64 already: the power is only taken when it is small
    if 0 <= number.exponent <= 19 and len(number.digits) + number.exponent <= 19:
        value = int(number.digits) * 10 ** number.exponent
        value = -value if number.negative else value
        if I64_MIN <= value <= I64_MAX:
            return frame_int(value)
    if not I32_MIN <= number.exponent <= I32_MAX:
        raise BadValue()
    return struct.pack('<BBiI', TAG_DEC, int(number.negative), number.exponent,
                       len(number.digits)) + number.digits.encode('ascii')


def frame_sized(tag, data):
    return struct.pack('<BI', tag, len(data)) + data


def frame_double(bits):
    if F64.is_nan(bits):
        bits = F64_NAN
    elif F64.magnitude(bits) == 0:
        bits = 0
    return struct.pack('<BQ', TAG_F64, bits)


def frame_special(what):
    return bytes([TAG_DEC, {'nan': 2, '+inf': 3, '-inf': 4}[what]])


def frame_bad(name, payload):
    if name == 'int':
        return struct.pack('<BBq', TAG_BAD, 1, payload)
    if name == 'real':
        return bytes([TAG_BAD, 2]) + frame_double(payload)[1:]
    return bytes([TAG_BAD, 3 if name == 'text' else 4]) + struct.pack('<I', len(payload)) + payload


def split_fine(us):
    """(whole µs towards −infinity, the digits behind them)."""
    whole = us // 1
    rest = us - whole
    digits = ''
    while rest:
        rest *= 10
        digits += str(rest // 1)
        rest -= rest // 1
    return int(whole), digits


def frame_fine(digits, frame):
    return frame_sized(TAG_FINE, digits.encode('ascii')) + frame if digits else frame


# What a kind reads, before it is framed. µs are fractions.

class Null:
    def frame(self):
        return bytes([TAG_NULL])


class Sized:
    """TEXT, BYTES or JSON."""

    def __init__(self, tag, data):
        self.tag, self.data = tag, data

    def frame(self):
        return frame_sized(self.tag, self.data)


class Numeric:
    """A Number or a Special."""

    def __init__(self, value):
        self.value = value

    def frame(self):
        if isinstance(self.value, Special):
            return frame_special(self.value.what)
        return frame_number(self.value)


class Double:
    def __init__(self, bits):
        self.bits = bits

    def frame(self):
        return frame_double(self.bits)


class Uuid:
    def __init__(self, data):
        self.data = data

    def frame(self):
        return bytes([TAG_UUID]) + self.data


class Stamp:
    """us since 2000-01-01 UTC, or I64_MAX, I64_MIN for the infinities; day: the day of its own clock."""

    def __init__(self, us, day=None, infinite=False):
        self.us, self.day, self.infinite = us, day, infinite

    def frame(self):
        whole, digits = (self.us, '') if self.infinite else split_fine(self.us)
        return frame_fine(digits, struct.pack('<Bq', TAG_STAMP, whole))


class Date:
    def __init__(self, days, infinite=False):
        self.days, self.infinite = days, infinite

    def frame(self):
        return struct.pack('<Bi', TAG_DATE, self.days)


class Time:
    """µs since midnight; with an offset TIMETZ."""

    def __init__(self, us, offset=None):
        self.us, self.offset = us, offset

    def frame(self):
        whole, digits = split_fine(self.us)
        if self.offset is None:
            return frame_fine(digits, struct.pack('<Bq', TAG_TIME, whole))
        return frame_fine(digits, struct.pack('<Bqi', TAG_TIMETZ, whole, self.offset))


class Interval:
    def __init__(self, months, days, us):
        self.months, self.days, self.us = months, days, us

    def fits(self):
        return (I32_MIN <= self.months <= I32_MAX and I32_MIN <= self.days <= I32_MAX
                and I64_MIN <= self.us // 1 <= I64_MAX)

    def infinite(self):
        return (self.months, self.days, self.us // 1) in ((I32_MAX, I32_MAX, I64_MAX), (I32_MIN, I32_MIN, I64_MIN))

    def frame(self):
        whole, digits = split_fine(self.us)
        return frame_fine(digits, struct.pack('<Biiq', TAG_INTERVAL, self.months, self.days, whole))


# ---- putting a value --------------------------------------------------------

def put_value(kind, value):
    """(frame, notes) of one input under a kind."""
    if isinstance(kind, str):
        kind = parse_kind(kind)
    name, payload = classify(value)
    notes = set()
    try:
        thing = read(kind, name, payload, notes)
        exact = frame_or_none(thing)
        rounded = frame_or_none(round_thing(kind, thing))
        frame = rounded if kind.has('round') else exact
        if frame is None:
            raise BadValue()
        if rounded != exact and rounded is not None:
            notes.add('rounds')
    except BadValue as bad:
        notes = {'bad', 'option'} if bad.option else {'bad'}
        frame = frame_bad(name, payload)
    return frame, [n for n in NOTES if n in notes]


def frame_or_none(thing):
    try:
        return thing.frame()
    except BadValue:
        return None


def read(kind, name, payload, notes):
    """What the kind makes of the input; BadValue when it cannot read it."""
    if name == 'null':
        return Null()
    if name == 'blob' and kind.name not in NO_BLOB_TEXT:
        if not kind.has('blob'):
            raise BadValue(option=True)
        if kind.options['blob'] == 'jsonb':
            return Sized(TAG_JSON, canonical_json(payload, jsonb=True))
        name = 'text'
    return READERS[kind.name](kind, name, payload, notes)


def shortest(bits):
    """The Number of a REAL; an infinity and NaN have none."""
    if F64.is_nan(bits) or F64.is_infinite(bits):
        raise BadValue()
    return F64.shortest(bits)


def lower(data):
    return bytes(c + 32 if 65 <= c <= 90 else c for c in data)


def read_bool(kind, name, payload, notes):
    if name == 'int':
        if payload not in (0, 1) and not kind.has('nonzero'):
            raise BadValue(option=True)
        return Numeric(Number.of_int(int(payload != 0)))
    if name == 'real':
        if F64.magnitude(payload) == 0:
            return Numeric(Number.of_int(0))
        if not F64.is_nan(payload) and not F64.is_infinite(payload) and F64.value(payload) == 1:
            return Numeric(Number.of_int(1))
        raise BadValue()
    word = lower(payload)
    if word in (b't', b'true', b'y', b'yes', b'on', b'1'):
        return Numeric(Number.of_int(1))
    if word in (b'f', b'false', b'n', b'no', b'off', b'0'):
        return Numeric(Number.of_int(0))
    raise BadValue()


def infinity_of(bits):
    return Special('-inf' if bits & F64.sign else '+inf')


def read_int(kind, name, payload, notes):
    if name == 'int':
        if payload < 0 and kind.has('uint64'):
            payload += 2 ** 64
        return Numeric(Number.of_int(payload))
    if name == 'real':
        if F64.is_infinite(payload):
            return Numeric(infinity_of(payload))
        if not F64.is_nan(payload):
            value = F64.value(payload)
            if value.denominator == 1 and -2 ** 63 <= value < 2 ** 63:
                return Numeric(Number.of_int(int(value)))
        return Numeric(shortest(payload))
    number = decimal_text(payload)
    if number is None:
        raise BadValue()
    return Numeric(number)


def read_decimal(kind, name, payload, notes):
    if name == 'int':
        return Numeric(Number.of_int(payload))
    if name == 'real':
        if F64.is_nan(payload):
            return Numeric(Special('nan'))
        if F64.is_infinite(payload):
            return Numeric(infinity_of(payload))
        if kind.has('digits'):
            return Numeric(digits15(payload))
        number = shortest(payload)
        if number.fraction() != F64.value(payload):
            notes.add('digits')
        return Numeric(number)
    named = named_text(payload)
    if named:
        return Numeric(Special(named))
    number = decimal_text(payload)
    if number is None:
        raise BadValue()
    return Numeric(number)


def float8_of(number):
    """F64 when a double holds the number by its shortest digits, else the number."""
    bits = double_of(number)
    if not F64.is_infinite(bits) and F64.shortest(bits).same(number):
        return Double(bits)
    return Numeric(number)


def read_float8(kind, name, payload, notes):
    if name == 'real':
        return Double(payload)
    if name == 'int':
        return float8_of(Number.of_int(payload))
    named = named_text(payload)
    if named:
        return Double({'nan': F64_NAN, '+inf': F64.infinity, '-inf': F64.sign | F64.infinity}[named])
    number = decimal_text(payload)
    if number is None:
        raise BadValue()
    return float8_of(number)


def float4_of(bits):
    """A double that is exactly a float becomes the double that the float's shortest digits name."""
    if F64.is_nan(bits) or F64.is_infinite(bits):
        return Double(bits)
    value = F64.value(bits)
    single = F32.nearest(value)
    if not F32.is_infinite(single) and F32.value(single) == value:
        return Double(float_as_double(single))
    return Double(bits)


def read_float4(kind, name, payload, notes):
    thing = read_float8(kind, name, payload, notes)
    if isinstance(thing, Double):
        return float4_of(thing.bits)
    # the shortest digits of a float may lie on the border between two doubles, and name neither
    number = thing.value
    bits = double_of(number)
    if not F64.is_infinite(bits):
        single = F32.nearest(F64.value(bits))
        if not F32.is_infinite(single) and F32.value(single) != 0 and F32.shortest(single).same(number):
            return Double(bits)
    return thing


def real_text(bits):
    """REAL as text: what SQLite's CAST writes, with the shortest digits."""
    if F64.is_nan(bits):
        return b'NaN'
    if F64.is_infinite(bits):
        return b'-Inf' if bits & F64.sign else b'Inf'
    number = F64.shortest(bits)
    if not number.digits:
        return b'0.0'
    digits = number.digits
    exponent = number.exponent + len(digits) - 1
    if 0 <= exponent <= 14:
        digits = digits.ljust(exponent + 2, '0')
        text = digits[:exponent + 1] + '.' + digits[exponent + 1:]
    elif -4 <= exponent < 0:
        text = '0.' + '0' * (-exponent - 1) + digits
    else:
        text = '%s.%se%s%02d' % (digits[0], digits[1:] or '0',
                                 '-' if exponent < 0 else '+', abs(exponent))
    return (('-' if number.negative else '') + text).encode('ascii')


def read_text(kind, name, payload, notes):
    if name == 'int':
        data = str(payload).encode('ascii')
    elif name == 'real':
        data = real_text(payload)
    else:
        data = payload
    if kind.name == 'char':
        data = data.rstrip(b' ')
    if kind.has('fold'):
        data = lower(data)
    return Sized(TAG_TEXT, data)


HEX = re.compile(rb'[0-9A-Fa-f]*')
BASE64 = re.compile(rb'(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?')
ALPHABET = b'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'


def unhex(data):
    if not HEX.fullmatch(data) or len(data) % 2:
        raise BadValue()
    return bytes(int(data[i:i + 2], 16) for i in range(0, len(data), 2))


def unbase64(data):
    data = data.replace(b'\r', b'').replace(b'\n', b'')
    if not BASE64.fullmatch(data):
        raise BadValue()
    body = data.rstrip(b'=')
    bits = 0
    for c in body:
        bits = bits << 6 | ALPHABET.index(c)
    spare = len(body) * 6 % 8
    if bits & ((1 << spare) - 1):
        raise BadValue()
    return (bits >> spare).to_bytes(len(body) * 6 // 8, 'big')


def read_bytes(kind, name, payload, notes):
    if name == 'blob':
        return Sized(TAG_BYTES, payload)
    if name != 'text':
        raise BadValue()
    if not kind.has('text'):
        raise BadValue(option=True)
    how = kind.options['text']
    if how == 'hex':
        payload = unhex(payload[2:] if payload.startswith(b'\\x') else payload)
    elif how == 'base64':
        payload = unbase64(payload)
    return Sized(TAG_BYTES, payload)


UUID_GROUPED = re.compile(rb'[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32}')


def read_uuid(kind, name, payload, notes):
    if name == 'blob':
        if len(payload) != 16:
            raise BadValue()
        if kind.has('dotnet'):
            payload = payload[3::-1] + payload[5:3:-1] + payload[7:5:-1] + payload[8:]
        return Uuid(payload)
    if name != 'text':
        raise BadValue()
    if payload.startswith(b'{') and payload.endswith(b'}'):
        payload = payload[1:-1]
    if not UUID_GROUPED.fullmatch(payload):
        raise BadValue()
    return Uuid(unhex(payload.replace(b'-', b'')))


# ---- days, stamps, dates, times ---------------------------------------------

DAY_US = 86400 * 10 ** 6


def days_from_civil(year, month, day):
    """Days since 2000-01-01 of a proleptic Gregorian date; year 0 is 1 BC."""
    def leap_days_before(y):            # of the years 0 … y−1 (negative ones counted backwards)
        return (y + 3) // 4 - (y + 99) // 100 + (y + 399) // 400
    days = 365 * (year - 2000) + leap_days_before(year) - leap_days_before(2000)
    return days + sum(month_days(year, m) for m in range(1, month)) + day - 1


def month_days(year, month):
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


STAMP_MIN = days_from_civil(-4713, 11, 24) * DAY_US
STAMP_END = days_from_civil(294277, 1, 1) * DAY_US
DATE_MIN = days_from_civil(-4713, 11, 24)
DATE_MAX = days_from_civil(5874897, 12, 31)
EPOCH_1970 = days_from_civil(1970, 1, 1) * DAY_US
JULIAN_0 = days_from_civil(-4713, 11, 24) * DAY_US + DAY_US // 2
JULIAN_MAX_MS = 464269060799999
US_PER = {'s': 10 ** 6, 'ms': 1000, 'us': 1}

CLOCK = rb'(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?'
ZONE = rb'([Zz]|[+-]\d\d(?::?\d\d(?::\d\d)?)?)'
STAMP = re.compile(rb'(\d{4,7})-(\d\d)-(\d\d)(?:(?:[Tt]| +)' + CLOCK + rb'(?: *' + ZONE + rb')?)?( BC)?')
INFINITY = re.compile(rb'([+-]?)infinity', re.IGNORECASE)
TIME = re.compile(rb'(?:2000-01-01(?:[Tt]| +))?' + CLOCK)
TIMETZ = re.compile(CLOCK + rb'(?: *' + ZONE + rb')?')


def read_clock(hour, minute, second, decimals):
    """µs since midnight; 24:00 is the end of the day."""
    hour, minute, second = int(hour), int(minute), int(second or b'0')
    fraction = Fraction(int(decimals), 10 ** len(decimals)) if decimals else Fraction(0)
    if hour == 24:
        if minute or second or fraction:
            raise BadValue()
    elif hour > 23:
        raise BadValue()
    if minute > 59 or second > 59:
        raise BadValue()
    return ((hour * 60 + minute) * 60 + second + fraction) * 10 ** 6


def read_zone(text):
    """Seconds east of Greenwich."""
    if text in (b'Z', b'z'):
        return 0
    digits = text[1:].replace(b':', b'').ljust(6, b'0')
    hours, minutes, seconds = int(digits[0:2]), int(digits[2:4]), int(digits[4:6])
    if hours > 15 or minutes > 59 or seconds > 59:
        raise BadValue()
    offset = (hours * 60 + minutes) * 60 + seconds
    return -offset if text[:1] == b'-' else offset


class ParsedStamp:
    """A stamp's text: its own day and clock, and its zone (None without one)."""

    def __init__(self, data):
        match = STAMP.fullmatch(data)
        if not match:
            raise BadValue()
        year, month, day, hour, minute, second, decimals, zone, bc = match.groups()
        year, month, day = int(year), int(month), int(day)
        if year == 0:
            raise BadValue()
        if bc:
            year = 1 - year
        if not 1 <= month <= 12 or not 1 <= day <= month_days(year, month):
            raise BadValue()
        self.day = days_from_civil(year, month, day)
        self.has_time = hour is not None
        self.clock = read_clock(hour, minute, second, decimals) if self.has_time else Fraction(0)
        self.zone = read_zone(zone) if zone else None

    def instant(self, default_zone):
        zone = self.zone if self.zone is not None else default_zone
        return checked_stamp(self.day * DAY_US + self.clock - zone * 10 ** 6, self.day)


def checked_stamp(us, day=None):
    if not STAMP_MIN <= us < STAMP_END:
        raise BadValue()
    return Stamp(us, us // DAY_US if day is None else day)


def checked_date(days):
    if not DATE_MIN <= days <= DATE_MAX:
        raise BadValue()
    return Date(int(days))


def read_count(kind, name, payload, notes):
    """µs since 2000 (for time: since midnight) of INTEGER and REAL under `epoch` and `julian`."""
    by_julian = kind.has('julian') and (name == 'real' or not kind.has('epoch'))
    if by_julian:
        bits = payload if name == 'real' else F64.nearest(Fraction(payload))
        return julian_us(bits)
    if not kind.has('epoch'):
        raise BadValue(option=True)
    number = Number.of_int(payload) if name == 'int' else shortest(payload)
    us = number.fraction() * US_PER[kind.options['epoch']]
    return us if kind.name == 'time' else us + EPOCH_1970


def julian_us(bits):
    """µs since 2000 of a Julian day number: floor(x × 86400000.0 + 0.5) ms in double arithmetic."""
    if F64.is_nan(bits) or F64.is_infinite(bits):
        raise BadValue()
    product = F64.nearest(F64.value(bits) * 86400000)
    if F64.is_infinite(product):
        raise BadValue()
    total = F64.nearest(F64.value(product) + Fraction(1, 2))
    ms = F64.value(total) // 1
    if not 0 <= ms <= JULIAN_MAX_MS:
        raise BadValue()
    return Fraction(JULIAN_0 + ms * 1000)


def option_zone(kind):
    return read_zone(kind.options['zone'].encode('ascii')) if kind.has('zone') else 0


def read_stamp(kind, name, payload, notes):
    if name in ('int', 'real'):
        return checked_stamp(read_count(kind, name, payload, notes))
    infinity = INFINITY.fullmatch(payload)
    if infinity:
        return Stamp(I64_MIN if infinity.group(1) == b'-' else I64_MAX, infinite=True)
    parsed = ParsedStamp(payload)
    if parsed.zone is None and not kind.has('zone') and kind.name == 'timestamptz':
        notes.add('zoneless')
    return parsed.instant(option_zone(kind))


def read_date(kind, name, payload, notes):
    if name in ('int', 'real'):
        us = read_count(kind, name, payload, notes)
        if us % DAY_US == 0:
            return checked_date(us // DAY_US)
        return checked_stamp(us)
    infinity = INFINITY.fullmatch(payload)
    if infinity:
        return Date(I32_MIN if infinity.group(1) == b'-' else I32_MAX, infinite=True)
    parsed = ParsedStamp(payload)
    if parsed.clock % DAY_US == 0:
        return checked_date(parsed.day + parsed.clock // DAY_US)
    return parsed.instant(0)


def read_time(kind, name, payload, notes):
    if name in ('int', 'real'):
        us = read_count(kind, name, payload, notes)
        if not 0 <= us <= DAY_US:
            raise BadValue()
        return Time(us)
    match = TIME.fullmatch(payload)
    if not match:
        raise BadValue()
    return Time(read_clock(*match.groups()))


def read_timetz(kind, name, payload, notes):
    if name != 'text':
        raise BadValue()
    match = TIMETZ.fullmatch(payload)
    if not match:
        raise BadValue()
    us = read_clock(*match.groups()[:4])
    zone = match.group(5)
    if zone:
        return Time(us, read_zone(zone))
    if not kind.has('zone'):
        raise BadValue(option=True)
    return Time(us, option_zone(kind))


# ---- intervals --------------------------------------------------------------

# unit → (field, how many of the field's units, decimals allowed)
UNITS = {}
for _words, _entry in (
        ('us usec usecs microsecond microseconds', ('us', 1, False)),
        ('ms msec msecs millisecond milliseconds', ('us', 1000, True)),
        ('s sec secs second seconds', ('us', 10 ** 6, True)),
        ('m min mins minute minutes', ('us', 60 * 10 ** 6, False)),
        ('h hr hrs hour hours', ('us', 3600 * 10 ** 6, False)),
        ('d day days', ('days', 1, False)),
        ('w week weeks', ('days', 7, False)),
        ('mon mons month months', ('months', 1, False)),
        ('y yr yrs year years', ('months', 12, False)),
        ('decade decades', ('months', 120, False)),
        ('century centuries', ('months', 1200, False))):
    for _word in _words.split():
        UNITS[_word] = _entry

QUANTITY = rb'([+-]?)(\d+)(?:\.(\d{1,9}))?'
ITEM = re.compile(QUANTITY + rb' *([a-z]+)')
CLOCK_ITEM = re.compile(rb'([+-]?)(\d+):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?')
ISO = re.compile(rb'p((?:[+-]?\d+[ymwd])*)(?:t((?:[+-]?\d+(?:\.\d{1,9})?[hms])+))?')
ISO_ITEM = re.compile(QUANTITY + rb'([ymwdhs])')
ISO_DATE = {b'y': 'year', b'm': 'month', b'w': 'week', b'd': 'day'}
ISO_TIME = {b'h': 'hour', b'm': 'minute', b's': 'second'}


def in_bounds(digits):
    """Digits of an interval are at most 19, zeros in front not counted."""
    if len(digits.lstrip(b'0')) > 19:
        raise BadValue()


def add_item(fields, unit, sign, whole, decimals):
    in_bounds(whole)
    field, size, with_decimals = UNITS[unit]
    if decimals and not with_decimals:
        raise BadValue()
    amount = Fraction(int(whole + (decimals or b'')), 10 ** len(decimals or b'')) * size
    fields[field] += -amount if sign == b'-' else amount


def iso_interval(data):
    match = ISO.fullmatch(data)
    if not match or not any(match.groups()):
        raise BadValue()
    fields = {'months': 0, 'days': 0, 'us': Fraction(0)}
    for part, letters in ((match.group(1), ISO_DATE), (match.group(2) or b'', ISO_TIME)):
        order = list(letters)
        for sign, whole, decimals, letter in ISO_ITEM.findall(part):
            if letter not in order:                     # twice, or out of order
                raise BadValue()
            order = order[order.index(letter) + 1:]
            add_item(fields, letters[letter], sign, whole, decimals)
    return fields


def postgres_interval(data):
    fields = {'months': 0, 'days': 0, 'us': Fraction(0)}
    at = re.compile(rb'@ +').match(data)
    position = at.end() if at else 0
    items, clock_seen, ago = 0, False, False
    while True:
        clock = CLOCK_ITEM.match(data, position)
        item = ITEM.match(data, position)
        if ago or clock_seen and (clock or item):
            raise BadValue()
        if clock:
            sign, hours, minutes, seconds, decimals = clock.groups()
            in_bounds(hours)
            if int(minutes) > 59 or int(seconds or b'0') > 59:
                raise BadValue()
            us = (int(hours) * 60 + int(minutes)) * 60 * 10 ** 6
            us += Fraction(int((seconds or b'0') + (decimals or b'')), 10 ** len(decimals or b'')) * 10 ** 6
            fields['us'] += -us if sign == b'-' else us
            clock_seen = True
            position = clock.end()
        elif item:
            sign, whole, decimals, unit = item.groups()
            if unit.decode('ascii') not in UNITS:
                raise BadValue()
            add_item(fields, unit.decode('ascii'), sign, whole, decimals)
            position = item.end()
        elif items and data[position:] == b'ago':
            ago = True
            position += 3
        else:
            raise BadValue()
        items += 1
        if position == len(data):
            break
        blanks = re.compile(rb' +').match(data, position)
        if not blanks:
            raise BadValue()
        position = blanks.end()
    if ago:
        fields = {name: -amount for name, amount in fields.items()}
    return fields


def read_interval(kind, name, payload, notes):
    if name in ('int', 'real'):
        if not kind.has('unit'):
            raise BadValue(option=True)
        number = Number.of_int(payload) if name == 'int' else shortest(payload)
        us = number.fraction() * US_PER[kind.options['unit']]
        thing = Interval(0, int(us // DAY_US), us % DAY_US)
    else:
        infinity = INFINITY.fullmatch(payload)
        if infinity:
            return Interval(I32_MIN, I32_MIN, I64_MIN) if infinity.group(1) == b'-' else \
                Interval(I32_MAX, I32_MAX, I64_MAX)
        data = lower(payload)
        fields = iso_interval(data) if data.startswith(b'p') else postgres_interval(data)
        thing = Interval(int(fields['months']), int(fields['days']), Fraction(fields['us']))
    if not thing.fits():
        raise BadValue()
    return thing


# ---- JSON and vectors -------------------------------------------------------

def json_number(number):
    """A Number as canonical JSON writes it."""
    if not number.digits:
        return b'0'
    if not I32_MIN <= number.exponent <= I32_MAX:
        raise BadValue()
    text = ('-' if number.negative else '') + number.digits
    return (text + ('e%d' % number.exponent if number.exponent else '')).encode('ascii')


def canonical_json(data, jsonb=False):
    try:
        return canonical(jsonb_text(data) if jsonb else data, lambda text: json_number(decimal_text(text)))
    except NotJson:
        raise BadValue() from None


def read_json(kind, name, payload, notes):
    if name == 'int':
        return Sized(TAG_JSON, json_number(Number.of_int(payload)))
    if name == 'real':
        return Sized(TAG_JSON, json_number(shortest(payload)))
    return Sized(TAG_JSON, canonical_json(payload))


def vector_member(thing):
    return json_number(F64.shortest(thing.bits) if isinstance(thing, Double) else thing.value)


def read_vector(kind, name, payload, notes):
    if name == 'blob':
        if len(payload) % 4:
            raise BadValue()
        members = []
        for (bits,) in struct.iter_unpack('<I', payload):
            if F32.is_nan(bits) or F32.is_infinite(bits):
                raise BadValue()
            members.append(vector_member(Double(float_as_double(bits))))
        return Sized(TAG_JSON, b'[' + b','.join(members) + b']')
    if name != 'text':
        raise BadValue()
    try:
        texts = number_array(payload)
    except NotJson:
        raise BadValue() from None
    members = [vector_member(read_float4(None, 'text', text, notes)) for text in texts]
    return Sized(TAG_JSON, b'[' + b','.join(members) + b']')


READERS = {
    'bool': read_bool, 'int': read_int, 'decimal': read_decimal, 'float8': read_float8,
    'float4': read_float4, 'text': read_text, 'char': read_text, 'bytes': read_bytes,
    'timestamptz': read_stamp, 'timestamp': read_stamp, 'date': read_date, 'time': read_time,
    'timetz': read_timetz, 'interval': read_interval, 'uuid': read_uuid, 'json': read_json,
    'vector': read_vector,
}


# ---- rounding ---------------------------------------------------------------

def round_number(number, scale, half_up):
    """To the nearest multiple of 10^−scale; half_up(last digit kept) says what a tie does."""
    cut = -scale - number.exponent
    if cut <= 0 or not number.digits:
        return number
    if cut > len(number.digits):
        return Number(False, '', 0)
    kept, dropped = number.digits[:-cut], number.digits[-cut:]
    value = int(kept or '0')
    half = '5' + '0' * (cut - 1)
    if dropped > half or dropped == half and half_up(value):
        value += 1
    return Number(number.negative, str(value), -scale)


def round_us(us, precision):
    """FINE digits to the nearest µs, ties to even, then to the precision."""
    value = round_half_even(Fraction(us))
    unit = 10 ** (6 - precision) if precision is not None else 1
    if unit == 1:
        return value
    magnitude = (abs(value) + unit // 2) // unit * unit
    return -magnitude if value < 0 else magnitude


def round_thing(kind, thing):
    """The thing as the PostgreSQL type of the kind would round it."""
    name = kind.name
    if isinstance(thing, Null):
        return thing
    if name in ('int', 'decimal') and isinstance(thing.value, Number):
        if name == 'int':
            return Numeric(round_number(thing.value, 0, lambda kept: kept % 2 == 1))
        if kind.numbers:
            return Numeric(round_number(thing.value, kind.numbers[1], lambda kept: True))
        return thing
    if name in ('float8', 'float4'):
        bits = thing.bits if isinstance(thing, Double) else double_of(thing.value)
        if name == 'float8' or F64.is_nan(bits) or F64.is_infinite(bits):
            return Double(bits)
        single = F32.nearest(F64.value(bits))
        return Double(bits if F32.is_infinite(single) else float_as_double(single))
    if name == 'date' and isinstance(thing, Stamp):
        return Date(int(thing.day)) if DATE_MIN <= thing.day else thing
    if name in PRECISION:
        precision = kind.numbers[0] if kind.numbers else None
        if isinstance(thing, Stamp):
            if thing.infinite:
                return thing
            us = round_us(thing.us, precision)
            return Stamp(us, thing.day) if STAMP_MIN <= us < STAMP_END else thing
        if isinstance(thing, Time):
            us = round_us(thing.us, precision)
            return Time(us, thing.offset) if us <= DAY_US else thing
        if thing.infinite():
            return thing
        rounded = Interval(thing.months, thing.days, round_us(thing.us, precision))
        return rounded if rounded.fits() else thing
    return thing


# ---- row hashes and digests -------------------------------------------------

def row_frame(kinds, values):
    return b''.join(put_value(kind, value)[0] for kind, value in zip(kinds, values))


def row_hash(frames):
    return xxhash.xxh3_128(frames, seed=0).digest()


def residue(hash_bytes):
    return int.from_bytes(hash_bytes, 'big') % P


class Digest:
    """The number of rows and the sum of their residues mod p."""

    def __init__(self, rows=0, total=0):
        self.rows, self.total = rows, total

    def add_hash(self, hash_bytes):
        self.rows += 1
        self.total = (self.total + residue(hash_bytes)) % P

    def combined(self, other, sign):
        rows = self.rows + sign * other.rows
        if not 0 <= rows < 2 ** 64:
            raise DigestError('the number of rows leaves the u64')
        return Digest(rows, (self.total + sign * other.total) % P)

    def __add__(self, other):
        return self.combined(other, 1)

    def __sub__(self, other):
        return self.combined(other, -1)

    def __str__(self):
        return 'p1-%d-%032x' % (self.rows, self.total)


def parse_digest(text):
    match = re.fullmatch(r'p1-(0|[1-9][0-9]*)-([0-9a-f]{32})', text)
    if not match:
        raise DigestError('not a digest: %r' % text)
    digest = Digest(int(match.group(1)), int(match.group(2), 16))
    if digest.rows >= 2 ** 64 or digest.total >= P:
        raise DigestError('out of range: %r' % text)
    return digest


def digest_rows(frames):
    """The digest of rows, each given by its frames."""
    digest = Digest()
    for frame in frames:
        digest.add_hash(row_hash(frame))
    return digest


def digest_table(kinds, key, rows):
    """(digest, key digest, column digests) of rows of inputs; key: indexes of columns, in spec order."""
    frames = [[put_value(kind, value)[0] for kind, value in zip(kinds, row)] for row in rows]
    digest = digest_rows(b''.join(row) for row in frames)
    key_frames = [b''.join(row[i] for i in sorted(key)) for row in frames]
    keys = digest_rows(key_frames) if key else Digest()
    columns = []
    for column in range(len(kinds)):
        one = Digest()
        for row, key_frame in zip(frames, key_frames):
            seed = int.from_bytes(row_hash(key_frame)[8:], 'big') if key else 0
            one.add_hash(xxhash.xxh3_128(row[column], seed=seed).digest())
        columns.append(one)
    return digest, keys, columns


# ---- rollouts ---------------------------------------------------------------

def rollout_bound(percent):
    """How many of the 2^64 positions a percentage takes; None when it is none."""
    frame, notes = put_value('decimal', percent)
    if percent is None or 'bad' in notes:
        return None
    number = read(parse_kind('decimal'), *classify(percent), set()).value
    if isinstance(number, Special) or not 0 <= number.fraction() <= 100:
        return None
    if number.fraction() == 100:
        return 2 ** 64
    parts = number.fraction() * 10 ** 17 // 1
    return -(-parts * 2 ** 64 // 10 ** 19)


def rollout_position(frames):
    return int.from_bytes(xxhash.xxh3_128(frames, seed=0x5061726974793172).digest()[:8], 'big')


# ---- columns, declared types, PostgreSQL's types ----------------------------

def column_order(names):
    """The canonical order of columns, by their names."""
    def key(name):
        data = name.encode('utf-8')
        return lower(data).replace(b'_', b''), data
    return sorted(names, key=key)


def declared_type(declared):
    """The text that the table looks at: upper case, no parentheses, single blanks; its first 127 bytes."""
    outside, depth = bytearray(), 0
    for c in declared:
        if c in b'()':
            depth = max(depth + (1 if c == ord('(') else -1), 0)
        elif not depth:
            outside.append(c)
    name = re.sub(rb'[ \t\n\f\r]+', b' ', bytes(outside)).lstrip(b' ')[:127].rstrip(b' ')
    return bytes(c - 32 if 97 <= c <= 122 else c for c in name).decode('utf-8', 'replace')


def declared_kind(declared):
    """The kind that SQLite's declared type gives; None when there is none."""
    name = declared_type((declared or '').encode('utf-8'))

    def has(*words):
        return any(word in name for word in words)

    if name in ('', 'ANY', 'ENUM', 'SET'):
        return 'text'
    if name.startswith('INTERVAL'):
        return 'interval'
    if has('INT') and has('CHAR', 'TEXT', 'CLOB'):
        return 'text'
    if has('BOOL'):
        return 'bool'
    if name in ('UUID', 'GUID', 'UNIQUEIDENTIFIER'):
        return 'uuid'
    if has('JSON'):
        return 'json'
    if name in ('TIMESTAMPTZ', 'DATETIMEOFFSET', 'TIMESTAMP WITH TIME ZONE'):
        return 'timestamptz'
    if has('DATETIME', 'TIMESTAMP'):
        return 'timestamp'
    if name == 'DATE':
        return 'date'
    if name in ('TIMETZ', 'TIME WITH TIME ZONE'):
        return 'timetz'
    if name in ('TIME', 'TIME WITHOUT TIME ZONE'):
        return 'time'
    if name in ('VECTOR', 'F32_BLOB'):
        return 'vector'
    if has('DEC', 'NUM', 'MONEY'):
        return 'decimal'
    if has('REAL', 'FLOA', 'DOUB'):
        return 'float8'
    if has('INT'):
        return 'int'
    if has('CHAR', 'CLOB', 'TEXT', 'STRING'):
        return 'text'
    if has('BLOB', 'BINARY', 'BYTEA'):
        return 'bytes'
    return 'text'


POSTGRES_KINDS = {
    'boolean': 'bool', 'smallint': 'int', 'integer': 'int', 'bigint': 'int', 'oid': 'int', 'xid': 'int',
    'cid': 'int', 'xid8': 'int', 'numeric': 'decimal', 'money': 'decimal', 'double precision': 'float8',
    'real': 'float4', 'text': 'text', 'varchar': 'text', 'name': 'text', '"char"': 'text', 'citext': 'text',
    'xml': 'text', 'char': 'char', 'bytea': 'bytes', 'timestamptz': 'timestamptz', 'timestamp': 'timestamp',
    'date': 'date', 'time': 'time', 'timetz': 'timetz', 'interval': 'interval', 'uuid': 'uuid',
    'json': 'json', 'jsonb': 'json', 'hstore': 'json', 'vector': 'vector',
}


def postgres_kind(declared):
    """The kind of a PostgreSQL type written as `numeric(10,2)`, `integer[]`, `composite`, `enum` …"""
    name, parenthesis, numbers = declared.partition('(')
    if name.endswith('[]') or name == 'composite':
        return 'json'
    kind = POSTGRES_KINDS.get(name, 'text')
    if parenthesis and kind in PRECISION + ('decimal',):
        return kind + '(' + (numbers if kind != 'decimal' or ',' in numbers else numbers[:-1] + ',0)')
    return kind


def postgres_frame(declared, text):
    """The frame of a PostgreSQL value, given as the text that its output function prints.

    money is given as its stored integer; arrays, composites and hstore as the
    JSON that FORMAT.md asks for.
    """
    kind = postgres_kind(declared)
    if text is None:
        return put_value(kind, None)[0]
    name = kind.split('(')[0]
    if declared == 'money':
        return Numeric(Number(text.startswith('-'), text.lstrip('-'), -2)).frame()
    if name == 'bytes':
        return put_value('bytes text=hex', text)[0]
    if name in ('float8', 'float4'):
        named = named_text(text.encode('ascii'))
        if named:
            return put_value('float8', text)[0]
        bits = double_of(decimal_text(text.encode('ascii')))
        if name == 'float4':
            bits = float_as_double(F32.nearest(F64.value(bits)))
        return Double(bits).frame()
    return put_value(kind, text)[0]
