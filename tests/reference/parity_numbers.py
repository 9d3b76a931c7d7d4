"""Decimal numbers and IEEE floats, exactly: integers and fractions only."""

import re
import sys
from fractions import Fraction

if hasattr(sys, 'set_int_max_str_digits'):
    sys.set_int_max_str_digits(0)


# ---- decimal numbers --------------------------------------------------------

class Number:
    """(-1)^negative × digits × 10^exponent, without zeros at either end; digits '' is 0."""

    def __init__(self, negative, digits, exponent):
        digits = digits.lstrip('0')
        stripped = digits.rstrip('0')
        self.exponent = exponent + len(digits) - len(stripped) if stripped else 0
        self.digits = stripped
        self.negative = bool(negative and stripped)

    @classmethod
    def of_int(cls, value):
        return cls(value < 0, str(abs(value)), 0)

    def same(self, other):
        return ((self.negative, self.digits, self.exponent)
                == (other.negative, other.digits, other.exponent))

    def fraction(self):
        """The exact value; only for exponents of a moderate size."""
        value = int(self.digits or '0')
        value = Fraction(value * 10 ** self.exponent) if self.exponent >= 0 \
            else Fraction(value, 10 ** -self.exponent)
        return -value if self.negative else value


class Special:
    """A decimal without digits: 'nan', '+inf' or '-inf'."""

    def __init__(self, what):
        self.what = what


DECIMAL_TEXT = re.compile(rb'([+-]?)(?:(\d+)(?:\.(\d+))?|\.(\d+))(?:[eE]([+-]?\d+))?')
NAMED_TEXT = re.compile(rb'(nan)|([+-]?)inf(?:inity)?', re.IGNORECASE)


def decimal_text(data):
    """The Number that decimal text names, or None."""
    match = DECIMAL_TEXT.fullmatch(data)
    if not match:
        return None
    sign, whole, fraction, bare, exponent = match.groups()
    fraction = fraction or bare or b''
    digits = ((whole or b'') + fraction).decode('ascii')
    return Number(sign == b'-', digits, int(exponent or b'0') - len(fraction))


def named_text(data):
    """'nan', '+inf' or '-inf' for the texts that name them, else None."""
    match = NAMED_TEXT.fullmatch(data)
    if not match:
        return None
    if match.group(1):
        return 'nan'
    return '-inf' if match.group(2) == b'-' else '+inf'


# ---- binary floating point --------------------------------------------------

class Format:
    """An IEEE binary format: bits of the mantissa (with the hidden one) and of the exponent."""

    def __init__(self, precision, exponent_bits):
        self.precision = precision
        self.exponent_bits = exponent_bits
        self.bias = 2 ** (exponent_bits - 1) - 1
        self.lowest = 1 - self.bias - (precision - 1)   # exponent of the last bit of a denormal
        self.highest = self.bias - (precision - 1)      # … and of the largest values
        self.sign = 1 << (precision - 1 + exponent_bits)
        self.infinity = (2 ** exponent_bits - 1) << (precision - 1)

    def magnitude(self, bits):
        return bits & (self.sign - 1)

    def is_nan(self, bits):
        return self.magnitude(bits) > self.infinity

    def is_infinite(self, bits):
        return self.magnitude(bits) == self.infinity

    def split(self, bits):
        """(negative, mantissa, exponent): the finite value is mantissa × 2^exponent."""
        hidden = 1 << (self.precision - 1)
        fraction = bits & (hidden - 1)
        biased = self.magnitude(bits) >> (self.precision - 1)
        negative = bool(bits & self.sign)
        if biased == 0:
            return negative, fraction, self.lowest
        return negative, fraction | hidden, self.lowest + biased - 1

    def value(self, bits):
        """The exact value of a finite one."""
        negative, mantissa, exponent = self.split(bits)
        value = Fraction(mantissa) * Fraction(2) ** exponent
        return -value if negative else value

    def nearest(self, value):
        """The bits of the closest one, ties to even; overflow gives infinity."""
        sign = self.sign if value < 0 else 0
        value = abs(value)
        if value == 0:
            return sign
        exponent = self.lowest
        # the exponent at which the mantissa has its full width, if not below the lowest
        size = value.numerator.bit_length() - value.denominator.bit_length()
        exponent = max(self.lowest, size - self.precision - 1)
        while value / Fraction(2) ** exponent >= 2 ** self.precision:
            exponent += 1
        mantissa = round_half_even(value / Fraction(2) ** exponent)
        if mantissa == 2 ** self.precision:
            mantissa //= 2
            exponent += 1
        if exponent > self.highest:
            return sign | self.infinity
        if mantissa < 1 << (self.precision - 1):        # a denormal, or 0
            return sign | mantissa
        biased = exponent - self.lowest + 1
        return sign | biased << (self.precision - 1) | mantissa & ((1 << (self.precision - 1)) - 1)

    def shortest(self, bits):
        """The Number of the shortest digits of a finite one."""
        negative, mantissa, exponent = self.split(bits)
        if mantissa == 0:
            return Number(False, '', 0)
        value = Fraction(mantissa) * Fraction(2) ** exponent
        step = Fraction(2) ** exponent
        below = step
        if mantissa == 1 << (self.precision - 1) and exponent > self.lowest:
            below = step / 2                            # a power of two: its lower neighbour is nearer
        low, high = value - below / 2, value + step / 2
        top = decimal_exponent(value)
        count = 0
        while True:
            count += 1
            scale = Fraction(10) ** (top - count + 1)
            floor = value / scale // 1
            inside = [n for n in (floor, floor + 1) if low < n * scale < high]
            if not inside:
                continue
            # the closest of them; of two equally close the even one
            best = min(inside, key=lambda n: (abs(n * scale - value), n % 2))
            return Number(negative, str(int(best)), top - count + 1)


F64 = Format(53, 11)
F32 = Format(24, 8)
F64_NAN = 0x7FF8000000000000


def round_half_even(value):
    """The whole number nearest to a fraction, ties to even."""
    floor = value // 1
    rest = value - floor
    if rest > Fraction(1, 2) or rest == Fraction(1, 2) and floor % 2 == 1:
        floor += 1
    return int(floor)


def decimal_exponent(value):
    """e with 10^e ≤ value < 10^(e+1), for value > 0."""
    exponent = len(str(value.numerator)) - len(str(value.denominator))
    while Fraction(10) ** exponent > value:
        exponent -= 1
    while Fraction(10) ** (exponent + 1) <= value:
        exponent += 1
    return exponent


def double_of(number):
    """The bits of the double that is closest to a Number."""
    sign = F64.sign if number.negative else 0
    if not number.digits:
        return 0
    if len(number.digits) + number.exponent > 310:
        return sign | F64.infinity
    if len(number.digits) + number.exponent < -330:
        return sign
    return F64.nearest(number.fraction())


def float_as_double(bits):
    """The bits of the double that the shortest digits of a finite float name."""
    return double_of(F32.shortest(bits))


def digits15(bits):
    """A finite double by 15 significant digits, ties to even."""
    value = F64.value(bits)
    if value == 0:
        return Number(False, '', 0)
    exponent = decimal_exponent(abs(value)) - 14
    return Number(value < 0, str(round_half_even(abs(value) / Fraction(10) ** exponent)), exponent)
