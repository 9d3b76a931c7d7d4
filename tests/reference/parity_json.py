"""Canonical JSON of docs/FORMAT.md: a parser of any depth, and SQLite's JSONB made into text."""

import re


class NotJson(Exception):
    """The bytes are not JSON (RFC 8259)."""


BLANKS = re.compile(rb'[ \t\n\r]*')
NUMBER = re.compile(rb'-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?')
PLAIN = re.compile(rb'[^"\\\x00-\x1f]+')
ESCAPES = {b'"': b'"', b'\\': b'\\', b'/': b'/', b'b': b'\b', b'f': b'\f', b'n': b'\n', b'r': b'\r',
           b't': b'\t'}
HEX4 = re.compile(rb'[0-9A-Fa-f]{4}')


def unit_at(data, position):
    """The code unit of the \\u escape at position, or None."""
    if data[position:position + 2] != b'\\u':
        return None
    digits = HEX4.fullmatch(data[position + 2:position + 6])
    return int(digits.group(), 16) if digits else None


def write_string(raw):
    """Bytes as the inside of a canonical string."""
    out = bytearray()
    for c in raw:
        if c in b'"\\':
            out += b'\\' + bytes([c])
        elif c < 0x20:
            out += b'\\u%04x' % c
        else:
            out.append(c)
    return bytes(out)


def read_string(data, position):
    """(decoded bytes, canonical text, end) of the string at position.

    An unpaired surrogate stands in the decoded bytes as the three bytes that
    UTF-8 would give it; in the text it stays an escape.
    """
    if data[position:position + 1] != b'"':
        raise NotJson()
    position += 1
    decoded, text = b'', b''
    while True:
        plain = PLAIN.match(data, position)
        if plain:
            decoded += plain.group()
            text += plain.group()
            position = plain.end()
        c = data[position:position + 1]
        if c == b'"':
            return decoded, b'"' + text + b'"', position + 1
        if c != b'\\':                                  # the end, or a raw control character
            raise NotJson()
        escape = data[position + 1:position + 2]
        if escape in ESCAPES:
            decoded += ESCAPES[escape]
            text += write_string(ESCAPES[escape])
            position += 2
            continue
        unit = unit_at(data, position)
        if unit is None:
            raise NotJson()
        position += 6
        if 0xD800 <= unit <= 0xDBFF:
            second = unit_at(data, position)
            if second is not None and 0xDC00 <= second <= 0xDFFF:
                position += 6
                unit = 0x10000 + (unit - 0xD800) * 0x400 + second - 0xDC00
        raw = chr(unit).encode('utf-8', 'surrogatepass')
        decoded += raw
        text += b'\\u%04x' % unit if 0xD800 <= unit <= 0xDFFF else write_string(raw)


class Container:
    """An open array or object."""

    def __init__(self, is_object):
        self.is_object = is_object
        self.members = {} if is_object else []
        self.key = None

    def add(self, text):
        if self.is_object:
            # of equal keys the last one counts; an escaped surrogate and its three raw bytes are not equal
            self.members[self.key] = self.key[1] + b':' + text
        else:
            self.members.append(text)

    def text(self):
        if self.is_object:
            return b'{' + b','.join(self.members[key] for key in sorted(self.members)) + b'}'
        return b'[' + b','.join(self.members) + b']'


def skip(data, position):
    return BLANKS.match(data, position).end()


def read_key(data, position, container):
    decoded, text, position = read_string(data, position)
    container.key = decoded, text
    position = skip(data, position)
    if data[position:position + 1] != b':':
        raise NotJson()
    return skip(data, position + 1)


def canonical(data, number):
    """The canonical text of JSON bytes; number(text) writes a number."""
    stack = []
    position = skip(data, 0)
    while True:
        # a value starts here
        c = data[position:position + 1]
        value = None
        if c in (b'{', b'['):
            container = Container(c == b'{')
            position = skip(data, position + 1)
            if data[position:position + 1] == (b'}' if container.is_object else b']'):
                value = container.text()
                position += 1
            else:
                if container.is_object:
                    position = read_key(data, position, container)
                stack.append(container)
                continue
        elif c == b'"':
            _, value, position = read_string(data, position)
        elif NUMBER.match(data, position):
            match = NUMBER.match(data, position)
            value, position = number(match.group()), match.end()
        else:
            for word in (b'true', b'false', b'null'):
                if data.startswith(word, position):
                    value, position = word, position + len(word)
            if value is None:
                raise NotJson()
        # a value ended here: give it to what is open, and close that as often as it ends
        while True:
            position = skip(data, position)
            if not stack:
                if position != len(data):
                    raise NotJson()
                return value
            container = stack[-1]
            container.add(value)
            c = data[position:position + 1]
            position += 1
            if c == b',':
                position = skip(data, position)
                if container.is_object:
                    position = read_key(data, position, container)
                break
            if c != (b'}' if container.is_object else b']'):
                raise NotJson()
            value = stack.pop().text()


def number_array(data):
    """The texts of the numbers of a JSON array of numbers."""
    texts = []
    canonical(data, lambda text: texts.append(text) or text)
    # nothing but the numbers, blanks and commas between one pair of brackets
    inside = data.strip(b' \t\n\r')
    if not inside.startswith(b'[') or re.search(rb'[\[{"a-df-zA-DF-Z]', inside[1:-1]):
        raise NotJson()
    return texts


# ---- SQLite's JSONB ---------------------------------------------------------

(NULL, TRUE, FALSE, INT, INT5, FLOAT, FLOAT5, TEXT, TEXTJ, TEXT5, TEXTRAW, ARRAY, OBJECT) = range(13)
INT5_TEXT = re.compile(rb'(-?)0[xX]([0-9A-Fa-f]+)')
FLOAT5_TEXT = re.compile(rb'(-?)(\d*)(?:(\.)(\d*))?((?:[eE][+-]?\d+)?)')
TEXT5_ESCAPES = {b"'": b"'", b'v': b'\\u000b', b'0': b'\\u0000'}


def jsonb_header(data, position, end):
    """(type, start of the payload, its end) of the element at position."""
    if position >= end:
        raise NotJson()
    kind, size = data[position] & 15, data[position] >> 4
    position += 1
    if size > 11:
        width = 1 << (size - 12)
        if position + width > end:
            raise NotJson()
        size = int.from_bytes(data[position:position + width], 'big')
        position += width
    if kind > OBJECT or position + size > end:
        raise NotJson()
    return kind, position, position + size


def text5(payload):
    """A JSON5 string as the inside of an RFC 8259 string; quotes and control characters may stand for themselves."""
    out, position = b'', 0
    while position < len(payload):
        c = payload[position:position + 1]
        position += 1
        if c == b'"' or c < b' ':
            out += write_string(c)
        elif c != b'\\':
            out += c
        else:
            escape = payload[position:position + 1]
            position += 1
            if escape in TEXT5_ESCAPES:
                out += TEXT5_ESCAPES[escape]
            elif escape == b'x':
                out += b'\\u00' + payload[position:position + 2]
                position += 2
            elif escape == b'\n':
                pass
            elif escape == b'\r':
                position += payload[position:position + 1] == b'\n'
            elif payload[position - 1:position + 2] in (b'\xe2\x80\xa8', b'\xe2\x80\xa9'):
                position += 2
            else:
                out += b'\\' + escape
    return out


def jsonb_scalar(kind, payload):
    """The JSON text of an element that is no container; what it yields is parsed again."""
    if kind in (NULL, TRUE, FALSE):
        if payload:
            raise NotJson()
        return (b'null', b'true', b'false')[kind]
    if kind in (INT, FLOAT):
        if not NUMBER.fullmatch(payload) or kind == INT and re.search(rb'[.eE]', payload):
            raise NotJson()
        return payload
    if kind == INT5:
        match = INT5_TEXT.fullmatch(payload)
        if not match:
            raise NotJson()
        value = int(match.group(2), 16)
        if value >= 2 ** 64:
            raise NotJson()
        return match.group(1) + b'%d' % value
    if kind == FLOAT5:
        match = FLOAT5_TEXT.fullmatch(payload)
        if not match or not (match.group(2) or match.group(4)):
            raise NotJson()
        sign, whole, point, decimals, exponent = match.groups()
        text = sign + (whole or b'0') + (b'.' + (decimals or b'0') if point else b'') + exponent
        if not NUMBER.fullmatch(text):
            raise NotJson()
        return text
    if kind == TEXT and not PLAIN.fullmatch(payload or b'-'):
        raise NotJson()
    text = {TEXT5: text5, TEXTRAW: write_string}.get(kind, bytes)(payload)
    text = b'"' + text + b'"'
    if read_string(text, 0)[2] != len(text):            # a quote inside would end it
        raise NotJson()
    return text


def jsonb_text(data):
    """The JSON text that a JSONB blob stands for; NotJson when it is malformed."""
    out = []
    stack = []                                          # [type, end, elements so far]
    position, end = 0, len(data)
    while True:
        kind, start, stop = jsonb_header(data, position, end)
        if not stack and stop != len(data):
            raise NotJson()
        if stack:
            outer = stack[-1]
            is_key = outer[0] == OBJECT and outer[2] % 2 == 0
            if is_key and not TEXT <= kind <= TEXTRAW:
                raise NotJson()
            if outer[2]:
                out.append(b',' if outer[0] == ARRAY or is_key else b':')
            outer[2] += 1
        position = stop
        if kind in (ARRAY, OBJECT):
            out.append(b'[' if kind == ARRAY else b'{')
            stack.append([kind, stop, 0])
            position, end = start, stop
        else:
            out.append(jsonb_scalar(kind, data[start:stop]))
        while stack and position == stack[-1][1]:
            kind, _, count = stack.pop()
            if kind == OBJECT and count % 2:
                raise NotJson()
            out.append(b']' if kind == ARRAY else b'}')
            end = stack[-1][1] if stack else len(data)
        if not stack:
            return b''.join(out)
