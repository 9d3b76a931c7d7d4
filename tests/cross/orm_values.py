"""Random values of every kind, what one flipped bit makes of them, and how PostgreSQL is given them.

Each class of values has
    make(rng)        a value
    flip(rng, v)     one that differs from v in as little as one bit, microsecond or digit
    pg(v)            v as psycopg or COPY takes it
Values are compared by ==: two that are equal are the same data.
"""

import datetime
import ipaddress
import math
import struct
import uuid
from decimal import Context, Decimal

INFINITY, MINUS_INFINITY = 'infinity', '-infinity'
DAY = 86_400_000_000  # in microseconds
UTC = datetime.timezone.utc


class Values:
    def pg(self, value):
        return value


class Ints(Values):
    def __init__(self, bits, low=None, high=None):
        self.bits = bits
        self.low = -2 ** (bits - 1) if low is None else low
        self.high = 2 ** (bits - 1) - 1 if high is None else high

    def make(self, rng):
        if rng.random() < 0.1:
            return rng.choice([0, 1, self.low, self.low + 1, self.high, self.high - 1, max(-1, self.low)])
        size = rng.randrange(1, self.bits)
        return min(max(rng.getrandbits(size) * rng.choice((1, -1)), self.low), self.high)

    def flip(self, rng, value):
        while True:
            flipped = (value % 2 ** self.bits) ^ 1 << rng.randrange(self.bits)
            if self.low < 0 and flipped >= 2 ** (self.bits - 1):
                flipped -= 2 ** self.bits
            if self.low <= flipped <= self.high:
                return flipped


class Bools(Values):
    def make(self, rng):
        return rng.random() < 0.5

    def flip(self, rng, value):
        return not value


class Doubles(Values):
    special = (0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308, 1.7976931348623157e308, 0.1,
               -1e23, 9007199254740993.0, 2.0 ** 60, 1e15, 1e16, 1e-5, 123456789012345.0, 0.30000000000000004,
               9.5367431640625e-07, 4.35, 2.0 ** 63, -2.0 ** 63, math.inf, -math.inf)

    def make(self, rng):
        choice = rng.random()
        if choice < 0.1:
            return rng.choice(self.special)
        if choice < 0.4:
            return rng.choice((1, -1)) * round(rng.random() * 10 ** rng.randrange(1, 9), rng.randrange(0, 7))
        if choice < 0.6:    # 15 to 17 digits
            return float('%.*e' % (rng.randrange(14, 17), rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 20)))
        if choice < 0.65:   # denormal
            return unpack('d', rng.getrandbits(rng.randrange(1, 52)))
        return self.finite(rng.getrandbits(64))

    @staticmethod
    def finite(bits):
        value = unpack('d', bits)
        return value if math.isfinite(value) else 0.5

    def flip(self, rng, value):
        while True:
            flipped = unpack('d', pack('d', value) ^ 1 << rng.randrange(64))
            if flipped == flipped and flipped != value:
                return flipped


class Floats(Values):
    """Single precision, each value as the double that is exactly it."""

    special = (0.0, -0.0, 1e-45, 1.17549435e-38, 3.40282347e38, 0.1, 40.070985, 64057792.0, 16777216.0, 1e10, math.inf)

    def make(self, rng):
        choice = rng.random()
        if choice < 0.15:
            return single(rng.choice(self.special))
        if choice < 0.6:
            return single(round(rng.uniform(-180, 180), rng.randrange(0, 7)))
        value = unpack('f', rng.getrandbits(32))
        return value if math.isfinite(value) else 0.5

    def flip(self, rng, value):
        while True:
            flipped = unpack('f', pack('f', value) ^ 1 << rng.randrange(32))
            if flipped == flipped and flipped != value:
                return flipped


def pack(letter, value):
    return int.from_bytes(struct.pack('>' + letter, value), 'big')


def unpack(letter, bits):
    return struct.unpack('>' + letter, bits.to_bytes(struct.calcsize(letter), 'big'))[0]


def single(value):
    return struct.unpack('<f', struct.pack('<f', value))[0]


class Decimals(Values):
    """Up to digits digits, scale of them behind the point; pg writes zeros at the end now and then."""

    def __init__(self, digits, scale, special=()):
        self.digits, self.scale, self.special = digits, scale, special
        self.context = Context(prec=digits + 50)

    def make(self, rng):
        if rng.random() < 0.1:
            return Decimal(rng.choice(self.special + ('0', '1', '-1', '0.5' if self.scale else '5')))
        coefficient = rng.randrange(10 ** rng.randrange(1, self.digits + 1)) * rng.choice((1, -1))
        zeros = 10 ** rng.randrange(self.scale + 1)
        return self.of(coefficient // zeros * zeros if rng.random() < 0.5 else coefficient, self.scale)

    def of(self, coefficient, scale):
        return Decimal(coefficient).scaleb(-scale, self.context)

    def flip(self, rng, value):
        if not value.is_finite():
            return Decimal(1)
        coefficient = int(value.scaleb(self.scale, self.context))
        while True:
            flipped = coefficient + rng.choice((1, -1)) * 10 ** rng.randrange(self.digits)
            if abs(flipped) < 10 ** self.digits:
                return self.of(flipped, self.scale)

    def pg(self, value):
        return str(value)


class Fifteen(Values):
    """Doubles that PostgreSQL has by 15 digits, as its own cast from double precision makes them."""

    def make(self, rng):
        return rng.uniform(-1e6, 1e6) if rng.random() < 0.8 else round(rng.uniform(-1e4, 1e4), 2)

    def flip(self, rng, value):
        return value * (1 + rng.choice((1, -1)) * 10.0 ** -rng.randrange(2, 14)) or 1.0

    def pg(self, value):
        return '%.15g' % value


# not U+FFFE and U+FFFF, which SQLite itself turns into U+FFFD in a UTF-16 database
ALPHABETS = ['abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789', ' \t\n\r\\"\'%_;,{}[]()$:', '\x01\x08\x1b\x7f',
             'äöüßéèñçøåÆŒ', 'Ελληνικά кириллица', '日本語中文한국어', '😀🇩🇪👨‍👩‍👧', 'e\u0301\u202e\ufeff\ufffd\u0085\u2028']
WORDS = ('', ' ', '  ', '0', '5', '-5', '5.0', '1e3', '007', '+1', '.5', 'NULL', 'null', 'true', 't', 'NaN', 'Infinity', '\\N',
         '\\.', "'", '"', 'a', 'A', 'x ', ' x', '2024-01-01', "'; DROP TABLE x; --", '0x10', 'é', 'e\u0301', '\u00a0')


class Texts(Values):
    def __init__(self, longest=40, padded=False, huge=0):
        self.longest = longest
        self.padded = padded    # char(n): blanks at the end mean nothing
        self.huge = huge        # the length of one text in 200

    def make(self, rng):
        if rng.random() < 0.15:
            text = rng.choice(WORDS)
        else:
            size = self.huge if self.huge and rng.random() < 0.005 else rng.randrange(self.longest)
            alphabet = ALPHABETS[0] if rng.random() < 0.6 else ''.join(rng.choices(ALPHABETS, k=2))
            text = ''.join(rng.choices(alphabet, k=size))
        # SQLite 3.46 itself loses U+FEFF at the start of a long text in a UTF-16 database: any SELECT shows that
        text = text.lstrip('\ufeff')
        return text[:self.longest].rstrip(' ') if self.padded else text

    def flip(self, rng, value):
        if not value:
            return 'x' if self.padded else ' '
        at = rng.randrange(len(value))
        code = ord(value[at])
        flipped = code ^ 1 << rng.randrange(7 if code < 128 else 1)
        text = value[:at] + chr(flipped or 2) + value[at + 1:]
        return text.rstrip(' ') if self.padded else text


class Digits(Values):
    """Text that is a whole number as SQLite prints it, and other text that is none."""

    def make(self, rng):
        return str(rng.randrange(-10 ** 6, 10 ** 6)) if rng.random() < 0.7 else 'n' + str(rng.randrange(100))

    def flip(self, rng, value):
        return value[:-1] + '1234567898'['0123456789'.find(value[-1])]


class Labels(Values):
    def __init__(self, *labels):
        self.labels = labels

    def make(self, rng):
        return rng.choice(self.labels)

    def flip(self, rng, value):
        return rng.choice([label for label in self.labels if label != value])


class Bytes(Values):
    def make(self, rng):
        return rng.choice((b'', b'\0', b'5', bytes(range(256)))) if rng.random() < 0.1 else rng.randbytes(rng.randrange(30))

    def flip(self, rng, value):
        if not value:
            return b'\0'
        at = rng.randrange(len(value))
        return value[:at] + bytes([value[at] ^ 1 << rng.randrange(8)]) + value[at + 1:]


class Uuids(Values):
    def make(self, rng):
        return uuid.UUID(int=rng.getrandbits(128) if rng.random() < 0.97 else rng.choice((0, 2 ** 128 - 1, 1)))

    def flip(self, rng, value):
        return uuid.UUID(int=value.int ^ 1 << rng.randrange(128))


class Addresses(Values):
    def make(self, rng):
        return ipaddress.IPv4Address(rng.getrandbits(32))

    def flip(self, rng, value):
        return ipaddress.IPv4Address(int(value) ^ 1 << rng.randrange(32))

    def pg(self, value):
        return str(value)


# ---- time ----------------------------------------------------------------------


def civil(days):
    """(astronomical year, month, day) of a day counted from 1970-01-01."""
    days += 719_468
    era, of_era = divmod(days, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    return year + era * 400 + (month >= 10), (month + 2) % 12 + 1, of_year - (153 * month + 2) // 5 + 1


def days_of(year, month, day):
    """The reverse, for years 1 to 9999."""
    return datetime.date(year, month, day).toordinal() - 719_163


def date_text(days):
    """A date as PostgreSQL prints it, in front of and behind the time of day."""
    year, month, day = civil(days)
    return '%04d-%02d-%02d' % (year if year > 0 else 1 - year, month, day), '' if year > 0 else ' BC'


def clock_text(us, fraction):
    seconds, us = divmod(us, 1_000_000)
    return '%02d:%02d:%02d%s' % (seconds // 3600, seconds // 60 % 60, seconds % 60, fraction(us))


def stamp_text(us, separator, fraction, zone='', east=0):
    """A stamp (µs since 1970, UTC) on a clock that is east seconds ahead; zone is written behind it."""
    if isinstance(us, str):
        return us
    days, of_day = divmod(us + east * 1_000_000, DAY)
    date, era = date_text(days)
    return date + separator + clock_text(of_day, fraction) + zone + era


def zone_text(east, colon=':'):
    minutes = abs(east) // 60
    return '%s%02d%s%02d' % ('-' if east < 0 else '+', minutes // 60, colon, minutes % 60)


def six(us):
    return '.%06d' % us


def six_or_none(us):
    return '.%06d' % us if us else ''


def three(us):
    return '.%03d' % (us // 1000)


def trimmed(us):
    return six_or_none(us).rstrip('0')


def seven(us):
    return '.%06d0' % us


def nine(us):
    return '.%06d000' % us


FIRST, LAST = days_of(1, 1, 2) * DAY, days_of(9999, 12, 31) * DAY - 1
PG_FIRST, PG_LAST = -2_440_588 * DAY, 9_224_318_016_000_000_000 - 1     # 4714-11-24 BC, 294276-12-31
PG_LAST_DAY = 2_145_042_905                                             # 5874897-12-31


class Stamps(Values):
    """µs since 1970 in UTC, whole multiples of step; infinite: also 'infinity' and '-infinity'."""

    def __init__(self, step=1, low=FIRST, high=LAST, infinite=False, zone=True):
        self.step, self.low, self.high, self.infinite, self.zone = step, low, high, infinite, zone

    def make(self, rng):
        if self.infinite and rng.random() < 0.05:
            return rng.choice((INFINITY, MINUS_INFINITY))
        choice = rng.random()
        if choice < 0.1:
            us = rng.choice((0, -1, 1, self.low, self.high, 946_684_800_000_000, 951_782_400_000_000, DAY - 1, -DAY))
        elif choice < 0.75:
            us = rng.randrange(1_000_000_000_000_000, 2_000_000_000_000_000)
        else:
            us = rng.randrange(self.low, self.high)
        if rng.random() < 0.2:
            us -= us % 1_000_000
        return self.whole(us)

    def whole(self, us):
        return min(max(us, self.low + self.step), self.high) // self.step * self.step

    def flip(self, rng, value):
        if isinstance(value, str):
            return MINUS_INFINITY if value == INFINITY else INFINITY
        steps = 1 << rng.randrange(20)
        if rng.random() < 0.5:
            steps = 1
        flipped = self.whole(value + steps * self.step)
        return flipped if flipped != value else self.whole(value - steps * self.step)

    def pg(self, value):
        if isinstance(value, str) or not FIRST <= value <= LAST:
            return stamp_text(value, ' ', trimmed, '+00' if self.zone else '')
        moment = datetime.datetime(1970, 1, 1, tzinfo=UTC if self.zone else None)
        return moment + datetime.timedelta(microseconds=value)


class Dates(Values):
    def __init__(self, low=days_of(1, 1, 1), high=days_of(9999, 12, 31), infinite=False):
        self.low, self.high, self.infinite = low, high, infinite

    def make(self, rng):
        if self.infinite and rng.random() < 0.05:
            return rng.choice((INFINITY, MINUS_INFINITY))
        if rng.random() < 0.1:
            return rng.choice((0, -1, self.low, self.high, days_of(2000, 2, 29), days_of(1900, 2, 28)))
        return rng.randrange(self.low, self.high) if rng.random() < 0.3 else rng.randrange(0, 30_000)

    def flip(self, rng, value):
        if isinstance(value, str):
            return MINUS_INFINITY if value == INFINITY else INFINITY
        return value + 1 if value < self.high else value - 1

    def text(self, value):
        return value if isinstance(value, str) else ''.join(date_text(value))

    pg = text


class Times(Values):
    def __init__(self, step=1, end=DAY - 1):
        self.step, self.end = step, end

    def make(self, rng):
        us = rng.choice((0, 1, self.end, DAY // 2)) if rng.random() < 0.1 else rng.randrange(DAY)
        if rng.random() < 0.2:
            us -= us % 1_000_000
        return us // self.step * self.step

    def flip(self, rng, value):
        return value + self.step if value + self.step <= self.end else value - self.step

    def pg(self, value):
        return clock_text(value, trimmed)


class ZonedTimes(Values):
    """(µs since midnight, seconds east)"""

    def make(self, rng):
        return Times().make(rng), rng.choice((0, 0, 3600, 7200, -18_000, 19_800, -12_600, 57_540))

    def flip(self, rng, value):
        us, east = value
        return (us, east + 60) if rng.random() < 0.5 and east < 57_540 else (Times().flip(rng, us), east)

    def pg(self, value):
        return clock_text(value[0], trimmed) + zone_text(value[1])


class Intervals(Values):
    """(months, days, µs)"""

    def make(self, rng):
        return (rng.choice((0, rng.randrange(-40, 40), rng.randrange(-10 ** 6, 10 ** 6))),
                rng.choice((0, rng.randrange(-40, 40), rng.randrange(-10 ** 6, 10 ** 6))),
                rng.choice((0, rng.randrange(-DAY, DAY), rng.randrange(-10 ** 6, 10 ** 6), rng.randrange(10 ** 15))))

    def flip(self, rng, value):
        at = rng.randrange(3)
        return value[:at] + (value[at] + rng.choice((1, -1)),) + value[at + 1:]

    def pg(self, value):
        months, days, us = value
        return '%d mons %d days %s%s' % (months, days, '-' if us < 0 else '', clock_text(abs(us), trimmed))


class Durations(Values):
    """µs, which PostgreSQL has as days and a rest, as Python's timedelta."""

    def make(self, rng):
        return rng.choice((0, 1, -1, DAY, -DAY, 10 ** 15, rng.randrange(-10 ** 15, 10 ** 15), rng.randrange(10 ** 10)))

    def flip(self, rng, value):
        return value ^ 1 << rng.randrange(45)

    def pg(self, value):
        return datetime.timedelta(microseconds=value)


# ---- JSON ----------------------------------------------------------------------


class Json(Values):
    """A value in a tuple, so that JSON's null is not SQL's: dict, list, str, Decimal, bool, None."""

    def make(self, rng):
        return (self.part(rng, 3),)

    def part(self, rng, depth):
        choice = rng.random()
        if depth and choice < 0.35:
            return {self.string(rng): self.part(rng, depth - 1) for _ in range(rng.randrange(5))}
        if depth and choice < 0.5:
            return [self.part(rng, depth - 1) for _ in range(rng.randrange(4))]
        if choice < 0.7:
            return self.string(rng)
        if choice < 0.9:
            return self.number(rng)
        return rng.choice((True, False, None))

    @staticmethod
    def string(rng):
        return Texts(12).make(rng)

    @staticmethod
    def number(rng):
        if rng.random() < 0.5:
            return Decimal(rng.randrange(-1000, 1000))
        return Decimal(rng.randrange(-10 ** 20, 10 ** 20)).scaleb(rng.randrange(-25, 10))

    def flip(self, rng, value):
        return (self.flipped(rng, value[0]),)

    def flipped(self, rng, part):
        if isinstance(part, dict):
            if not part:
                return {'': None}
            key = rng.choice(list(part))
            return {k: self.flipped(rng, v) if k == key else v for k, v in part.items()}
        if isinstance(part, list):
            at = rng.randrange(len(part) + 1)
            return part + [None] if at == len(part) else part[:at] + [self.flipped(rng, part[at])] + part[at + 1:]
        if isinstance(part, bool):
            return not part
        if isinstance(part, Decimal):
            return Decimals(60, 0).of(int(part.scaleb(30)) + 1, 30)
        return Texts().flip(rng, part) if isinstance(part, str) else Decimal(0)

    def pg(self, value):
        return write_json(value[0])


def write_json(part, rng=None, numbers=str):
    """JSON text; with rng in one of the many ways to write the same."""
    def blank():
        return rng.choice(('', '', '', ' ', '\n', '\t')) if rng else ''

    if part is None or isinstance(part, bool):
        return {None: 'null', True: 'true', False: 'false'}[part]
    if isinstance(part, str):
        return '"%s"' % ''.join(json_character(c, rng) for c in part)
    if isinstance(part, Decimal):
        return numbers(part)
    if isinstance(part, list):
        return '[%s%s]' % (blank(), (blank() + ',' + blank()).join(write_json(p, rng, numbers) for p in part))
    members = list(part.items())
    if rng:
        rng.shuffle(members)
        if members and rng.random() < 0.1:
            members.insert(0, (members[-1][0], 'the last one counts'))
    return '{%s%s}' % (blank(), ','.join('%s%s%s:%s%s' % (
        blank(), write_json(k, rng), blank(), blank(), write_json(v, rng, numbers)) for k, v in members))


def json_character(c, rng):
    code = ord(c)
    if c in '"\\':
        return '\\' + c
    if code < 32 or (rng and rng.random() < 0.05):
        units = c.encode('utf-16-be')
        return ''.join('\\u%02x%02X' % (units[i], units[i + 1]) for i in range(0, len(units), 2))
    return c


class Arrays(Values):
    def __init__(self, values, none=True):
        self.values, self.none = values, none

    def make(self, rng):
        return tuple(None if self.none and rng.random() < 0.1 else self.values.make(rng) for _ in range(rng.randrange(5)))

    def flip(self, rng, value):
        at = rng.randrange(len(value) + 1)
        if at == len(value) or value[at] is None:
            return value[:at] + (self.values.make(rng),) + value[at + 1:]
        return value[:at] + (self.values.flip(rng, value[at]),) + value[at + 1:]

    def pg(self, value):
        return [None if v is None else self.values.pg(v) for v in value]
