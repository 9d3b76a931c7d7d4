"""How clients store each kind of value in SQLite, and the column that the same schema has in PostgreSQL.

A Form is one column: the types that the client declares on either side, its values, and what it stores in SQLite.
pin is the kind that has to be set there with parity_set_spec (only where a number's unit or an encoding cannot be
known otherwise), pg_pin the same in PostgreSQL.
"""

import base64
import dataclasses
import os
import sqlite3
import sys
import typing
from decimal import Decimal

import orm_values as v

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'reference'))

import parity_numbers  # noqa: E402

STRICT = (' STRICT',) if sqlite3.sqlite_version_info >= (3, 37) else ()
calculator = sqlite3.connect(':memory:')


@dataclasses.dataclass(frozen=True)
class Form:
    name: str
    pg: str                 # type in PostgreSQL
    lite: str               # type declared in SQLite
    values: v.Values
    store: typing.Callable  # (rng, value) -> what SQLite is given
    pin: str = ''
    pg_pin: str = ''
    key: bool = False       # may be a key


@dataclasses.dataclass(frozen=True)
class Client:
    forms: tuple
    camel: str = ''         # 'camel' or 'Pascal': names in SQLite; '': as in PostgreSQL
    suffixes: tuple = ('',)  # behind CREATE TABLE (...)


def as_it_is(_rng, value):
    return value


def number(_rng, value):
    return int(value)


def real(_rng, value):
    """A decimal as a client that has only doubles stores it."""
    return float(value)


def decimal_text(_rng, value):
    return str(value)


def any_decimal(rng, value):
    return str(value) if value.is_nan() or value.is_signed() else rng.choice(('%s', '+%s', '0%s')) % value


def affinity(_rng, value):
    """
    Decimal text in a column that SQLite turns into numbers. Where SQLite reads the text as a double that is not the
    closest one (which its versions before 3.43 do now and then), the closest double is stored.
    """
    text = str(value)
    read = calculator.execute('SELECT CAST(? AS NUMERIC)', (text,)).fetchone()[0]
    return text if Decimal(repr(read)) == value else float(text)


def stamp(separator, fraction, *zones):
    """Text; zones are texts or offsets in seconds."""
    def store(rng, us):
        zone = rng.choice(zones or ('',))
        if isinstance(zone, str):
            return v.stamp_text(us, separator, fraction, zone)
        return v.stamp_text(us, separator, fraction, v.zone_text(zone), zone)
    return store


def any_stamp(rng, us):
    fractions = [v.six, v.trimmed, v.six_or_none, v.seven, v.nine]
    return stamp(rng.choice((' ', 'T', '  ', 't')), rng.choice(fractions), 'Z', 'z', ' +00', 3600, -12_600)(rng, us)


def local_stamp(east):
    """Without a zone, on a clock that is east seconds ahead."""
    return lambda _rng, us: v.stamp_text(us, ' ', v.trimmed, '', east)


def epoch(unit):
    """A number of units of so many µs."""
    return lambda _rng, us: us // unit


def julian(_rng, us):
    return (us // 1000 + 210_866_760_000_000) / 86_400_000.0


def date(_rng, days):
    return v.Dates().text(days)


def date_as_stamp(_rng, days):
    return days if isinstance(days, str) else v.stamp_text(days * v.DAY, ' ', v.six_or_none)


def date_as_epoch(_rng, days):
    return days * 86_400_000


def clock(fraction, front=''):
    return lambda _rng, us: front + v.clock_text(us, fraction)


def zoned_clock(_rng, value):
    return v.clock_text(value[0], v.trimmed) + v.zone_text(value[1], _rng.choice((':', '')))


def interval(rng, value):
    months, days, us = value
    if rng.random() < 0.5:
        return v.Intervals().pg(value)
    return 'P%dM%dDT%s%d.%06dS' % (months, days, '-' if us < 0 else '', abs(us) // 1_000_000, abs(us) % 1_000_000)


def dashed(_rng, value):
    return str(value)


def upper(_rng, value):
    return str(value).upper()


def hex32(_rng, value):
    return value.hex


def json_text(rng, value):
    return v.write_json(value[0], rng)


def json_blob(rng, value):
    return v.write_json(value[0], rng).encode()


def json_affinity(rng, value):
    """A number alone would become one of SQLite's numbers: only such as it holds exactly."""
    if isinstance(value[0], Decimal):
        return affinity(rng, value[0]) if len(value[0].as_tuple().digits) < 15 else '[%s]' % value[0]
    return json_text(rng, value)


def json_array(rng, value):
    return v.write_json([Decimal(x) if isinstance(x, int) else x for x in value], rng)


def shortest(_rng, value):
    """A float by its shortest digits."""
    return v.unpack('d', parity_numbers.float_as_double(v.pack('f', value))) if v.math.isfinite(value) else value


def yes_or_no(rng, value):
    return rng.choice(('t', 'true', 'YES', 'On', '1', 1, 1.0) if value else ('f', 'FALSE', 'no', 'off', '0', 0, 0.0))


class SmallJson(v.Json):
    """JSON whose numbers, where one stands alone, have few digits."""

    def make(self, rng):
        value = super().make(rng)
        return (Decimal(rng.randrange(-10 ** 6, 10 ** 6)).scaleb(-2),) if isinstance(value[0], Decimal) else value

    def flip(self, rng, value):
        return (value[0] + 1,) if isinstance(value[0], Decimal) else super().flip(rng, value)


class Unsigned(v.Ints):
    def __init__(self):
        super().__init__(64, 0, 2 ** 64 - 1)


MS, SECOND = 1000, 1_000_000
EARLY, LATE = v.days_of(1900, 1, 1) * v.DAY, v.days_of(2200, 1, 1) * v.DAY
ID = Form('id', 'bigint', 'INTEGER', v.Ints(64), as_it_is, key=True)
TEXT = Form('name', 'text', 'TEXT', v.Texts(), as_it_is, key=True)
BODY = Form('body', 'text', 'TEXT', v.Texts(40, huge=40_000), as_it_is)
CODE = Form('code', 'varchar(60)', 'VARCHAR(60)', v.Texts(60, padded=True), as_it_is)
DOUBLE = Form('ratio', 'double precision', 'REAL', v.Doubles(), as_it_is)
BINARY = Form('data', 'bytea', 'BLOB', v.Bytes(), as_it_is)
ENUM = Form('mood', 'mood', 'TEXT', v.Labels('sad', 'ok', 'very happy', ''), as_it_is)
BOOLEAN = Form('active', 'boolean', 'BOOLEAN', v.Bools(), number)
UUID_TEXT = Form('ref', 'uuid', 'TEXT', v.Uuids(), dashed, key=True)


def prisma(*more):
    return Client((
        ID, TEXT, DOUBLE, BINARY, ENUM, BOOLEAN, UUID_TEXT,
        Form('rank', 'integer', 'INTEGER', v.Ints(32), as_it_is, key=True),
        Form('big', 'bigint', 'BIGINT', v.Ints(64), as_it_is),
        Form('price', 'numeric(65,30)', 'DECIMAL', v.Decimals(15, 6), affinity),
        Form('doc', 'jsonb', 'JSONB', SmallJson(), json_affinity),
    ) + more, camel='camel')


CLIENTS = {
    'prisma6': prisma(
        Form('created_at', 'timestamp(3)', 'DATETIME', v.Stamps(MS, zone=False), epoch(MS), 'timestamp epoch=ms'),
        Form('seen_at', 'timestamptz(3)', 'DATETIME', v.Stamps(MS), epoch(MS), 'timestamptz epoch=ms')),
    'prisma7': prisma(
        Form('created_at', 'timestamp(3)', 'DATETIME', v.Stamps(MS, zone=False), stamp('T', v.three, '+00:00')),
        Form('seen_at', 'timestamptz(3)', 'DATETIME', v.Stamps(MS), stamp('T', v.three, '+00:00'))),
    'django': Client((
        ID, TEXT, DOUBLE, BINARY, CODE, BODY,
        Form('active', 'boolean', 'bool', v.Bools(), number),
        Form('ref', 'uuid', 'char(32)', v.Uuids(), hex32, key=True),
        Form('price', 'numeric(15,4)', 'decimal', v.Decimals(15, 4), affinity),
        Form('created_at', 'timestamptz', 'datetime', v.Stamps(), stamp(' ', v.six_or_none)),
        Form('born', 'date', 'date', v.Dates(), date),
        Form('opens', 'time', 'time', v.Times(), clock(v.six_or_none)),
        Form('took', 'interval', 'bigint', v.Durations(), as_it_is, 'interval unit=us'),
        Form('doc', 'jsonb', 'text', v.Json(), json_text),
        Form('address', 'inet', 'char(39)', v.Addresses(), dashed),
        Form('rank', 'integer', 'integer unsigned', v.Ints(32, 0), as_it_is))),
    'sqlalchemy': Client((
        ID, TEXT, CODE, BOOLEAN, BINARY,
        Form('ratio', 'double precision', 'FLOAT', v.Doubles(), as_it_is),
        Form('share', 'real', 'FLOAT', v.Floats(), as_it_is),
        Form('price', 'numeric(14,4)', 'NUMERIC(14, 4)', v.Decimals(14, 4), real),
        Form('created_at', 'timestamp', 'DATETIME', v.Stamps(zone=False), stamp(' ', v.six)),
        Form('seen_at', 'timestamptz', 'DATETIME', v.Stamps(), stamp(' ', v.six)),
        Form('born', 'date', 'DATE', v.Dates(), date),
        Form('opens', 'time', 'TIME', v.Times(), clock(v.six)),
        Form('doc', 'json', 'JSON', SmallJson(), json_affinity),
        Form('ref', 'uuid', 'CHAR(32)', v.Uuids(), hex32, key=True),
        Form('mood', 'mood', 'VARCHAR(10)', v.Labels('sad', 'ok', 'very happy', ''), as_it_is),
        Form('small', 'smallint', 'SMALLINT', v.Ints(16), as_it_is))),
    'rails': Client((
        ID, DOUBLE, BINARY, BODY,
        Form('name', 'varchar', 'varchar', v.Texts(), as_it_is, key=True),
        Form('old_flag', 'boolean', 'boolean', v.Bools(), lambda _rng, value: 't' if value else 'f'),
        Form('flag', 'boolean', 'boolean', v.Bools(), number),
        Form('created_at', 'timestamp(6)', 'datetime(6)', v.Stamps(zone=False), stamp(' ', v.six_or_none)),
        Form('opens', 'time', 'time', v.Times(), clock(v.six_or_none, '2000-01-01 ')),
        Form('born', 'date', 'date', v.Dates(), date),
        Form('price', 'numeric(10,2)', 'decimal(10,2)', v.Decimals(10, 2), affinity),
        Form('doc', 'jsonb', 'json', SmallJson(), json_affinity),
        Form('ref', 'uuid', 'varchar', v.Uuids(), dashed, key=True),
        Form('count', 'integer', 'integer', v.Ints(32), as_it_is))),
    'typeorm': Client((
        ID, DOUBLE, BINARY, CODE, TEXT,
        Form('flag', 'boolean', 'boolean', v.Bools(), number),
        Form('created_at', 'timestamp(3)', 'datetime', v.Stamps(MS, zone=False), stamp(' ', v.three)),
        Form('seen_at', 'timestamptz', 'datetime', v.Stamps(MS), stamp(' ', v.three)),
        Form('born', 'date', 'date', v.Dates(), date),
        Form('opens', 'time', 'time', v.Times(SECOND), clock(lambda us: '')),
        Form('ref', 'uuid', 'varchar', v.Uuids(), dashed, key=True),
        Form('price', 'numeric(10,2)', 'decimal(10,2)', v.Decimals(10, 2), affinity),
        Form('doc', 'json', 'text', v.Json(), json_text),
        Form('tags', 'text[]', 'text', v.Arrays(v.Texts(10)), json_array)), camel='camel'),
    'sequelize': Client((
        ID, BINARY, TEXT,
        Form('flag', 'boolean', 'TINYINT(1)', v.Bools(), number),
        Form('ratio', 'double precision', 'DOUBLE PRECISION', v.Doubles(), as_it_is),
        Form('created_at', 'timestamptz', 'DATETIME', v.Stamps(MS), stamp(' ', v.three, ' +00:00')),
        Form('born', 'date', 'DATE', v.Dates(), date),
        Form('opens', 'time', 'TIME', v.Times(SECOND), clock(lambda us: '')),
        Form('ref', 'uuid', 'UUID', v.Uuids(), dashed, key=True),
        Form('price', 'numeric(12,3)', 'DECIMAL(12,3)', v.Decimals(12, 3), affinity),
        Form('big', 'bigint', 'BIGINT', v.Ints(64), as_it_is),
        Form('doc', 'jsonb', 'JSON', SmallJson(), json_affinity)), camel='camel'),
    'drizzle': Client((
        ID, TEXT, DOUBLE, BINARY,
        Form('flag', 'boolean', 'INTEGER', v.Bools(), number),
        Form('created_at', 'timestamptz', 'INTEGER', v.Stamps(SECOND), epoch(SECOND), 'timestamptz epoch=s'),
        Form('updated_at', 'timestamp(3)', 'INTEGER', v.Stamps(MS, zone=False), epoch(MS), 'timestamp epoch=ms'),
        Form('big', 'bigint', 'BLOB', v.Ints(64), lambda _rng, value: str(value).encode(), 'int blob=utf8', key=True),
        Form('doc', 'jsonb', 'BLOB', v.Json(), json_blob, 'json blob=utf8'),
        Form('meta', 'jsonb', 'TEXT', v.Json(), json_text),
        Form('price', 'numeric', 'NUMERIC', v.Decimals(15, 8), affinity),
        Form('exact', 'numeric', 'TEXT', v.Decimals(38, 18, ('NaN',)), decimal_text)), suffixes=('', ' WITHOUT ROWID')),
    'ef core': Client((
        ID, TEXT, BINARY,
        Form('flag', 'boolean', 'INTEGER', v.Bools(), number),
        Form('ratio', 'double precision', 'REAL', v.Doubles(), as_it_is),
        Form('share', 'real', 'REAL', v.Floats(), as_it_is),
        Form('created_at', 'timestamp', 'TEXT', v.Stamps(zone=False), stamp(' ', v.trimmed)),
        Form('ticked_at', 'timestamp', 'TEXT', v.Stamps(zone=False), stamp(' ', v.seven)),
        Form('seen_at', 'timestamptz', 'TEXT', v.Stamps(), stamp(' ', v.trimmed, 0, 7200, -34_200)),
        Form('born', 'date', 'TEXT', v.Dates(), date),
        Form('opens', 'time', 'TEXT', v.Times(), clock(v.seven)),
        Form('ref', 'uuid', 'TEXT', v.Uuids(), upper, key=True),
        Form('blob_ref', 'uuid', 'BLOB', v.Uuids(), lambda _rng, value: value.bytes_le, 'uuid dotnet', key=True),
        Form('price', 'numeric(29,10)', 'TEXT', v.Decimals(28, 10), decimal_text),
        Form('points', 'numeric(20,0)', 'INTEGER', Unsigned(), lambda _rng, value: value - (value >> 63 << 64),
             'int uint64', 'int uint64')), camel='Pascal', suffixes=('',) + STRICT),
    'sqlite-jdbc': Client((
        ID, TEXT, BINARY, DOUBLE,
        Form('flag', 'boolean', 'BOOLEAN', v.Bools(), number),
        Form('created_at', 'timestamp', 'TIMESTAMP', v.Stamps(MS, zone=False), epoch(MS), 'timestamp epoch=ms'),
        Form('born', 'date', 'DATE', v.Dates(), date_as_epoch, 'date epoch=ms'),
        Form('opens', 'time', 'TIME', v.Times(MS), epoch(MS), 'time epoch=ms'),
        Form('price', 'numeric', 'TEXT', v.Decimals(40, 20), decimal_text),
        Form('label', 'char(12)', 'CHAR(12)', v.Texts(12, padded=True), as_it_is),
        Form('ref', 'uuid', 'BLOB', v.Uuids(), lambda _rng, value: value.bytes, key=True))),
    'go-sqlite3': Client((
        ID, TEXT, BINARY, DOUBLE, BOOLEAN,
        Form('created_at', 'timestamptz', 'TIMESTAMP', v.Stamps(), stamp(' ', v.trimmed, 0, 3600, -14_400, 20_700)),
        Form('seen_at', 'timestamp', 'DATETIME', v.Stamps(zone=False), stamp(' ', v.nine, '+00:00')),
        Form('born', 'date', 'DATE', v.Dates(), lambda _rng, days: v.stamp_text(days * v.DAY, ' ', v.trimmed, '+00:00')),
        Form('ref', 'uuid', 'TEXT', v.Uuids(), dashed, key=True))),
    # no client of its own: what the kinds and their options allow besides, up to PostgreSQL's limits
    'by hand': Client((
        ID, TEXT,
        Form('flag', 'boolean', 'BOOLEAN', v.Bools(), yes_or_no),
        Form('bits', 'boolean', 'INTEGER', v.Bools(), lambda rng, value: value and rng.choice((1, 2, -1, 2 ** 62)), 'bool nonzero'),
        Form('whole', 'integer', 'NUMERIC', v.Ints(32), lambda rng, value: rng.choice((value, str(value), float(value)))),
        Form('share', 'real', 'REAL', v.Floats(), shortest),
        Form('exact', 'numeric', 'TEXT', v.Decimals(60, 30, ('NaN', '-0.000', '1E+20', '1E-20')), any_decimal),
        Form('cast', 'numeric', 'REAL', v.Fifteen(), as_it_is, 'decimal digits=15'),
        Form('created_at', 'timestamptz', 'DATETIME', v.Stamps(low=v.PG_FIRST, high=v.PG_LAST, infinite=True), any_stamp),
        Form('local_at', 'timestamptz', 'DATETIME', v.Stamps(low=EARLY), local_stamp(19_800), 'timestamptz zone=+05:30'),
        Form('plain_at', 'timestamp', 'DATETIME', v.Stamps(low=v.PG_FIRST, high=v.PG_LAST, infinite=True, zone=False),
             stamp(' ', v.trimmed)),
        Form('us_at', 'timestamp', 'INTEGER', v.Stamps(low=v.PG_FIRST, high=2 ** 63 - 1, zone=False), as_it_is, 'timestamp epoch=us'),
        Form('day_at', 'timestamp', 'REAL', v.Stamps(MS, EARLY, LATE, zone=False), julian, 'timestamp julian'),
        Form('born', 'date', 'DATE', v.Dates(-2_440_588, v.PG_LAST_DAY, infinite=True), date),
        Form('died', 'date', 'DATE', v.Dates(), date_as_stamp),
        Form('opens', 'time', 'TIME', v.Times(end=v.DAY), clock(v.trimmed)),
        Form('closes', 'timetz', 'TIMETZ', v.ZonedTimes(), zoned_clock),
        Form('took', 'interval', 'INTERVAL', v.Intervals(), interval),
        Form('hexed', 'bytea', 'TEXT', v.Bytes(), lambda rng, value: rng.choice(('', '\\x')) + value.hex(), 'bytes text=hex'),
        Form('coded', 'bytea', 'TEXT', v.Bytes(), lambda _rng, value: base64.b64encode(value).decode(), 'bytes text=base64'),
        Form('braced', 'uuid', 'TEXT', v.Uuids(), lambda rng, value: rng.choice(('{%s}', '%s')) % str(value).upper()),
        Form('label', 'text', 'STRING', v.Digits(), as_it_is),
        Form('tags', 'int[]', 'TEXT', v.Arrays(v.Ints(32)), json_array),
        Form('doc', 'json', 'ANY', SmallJson(), json_affinity)), suffixes=('', ' WITHOUT ROWID')),
}
