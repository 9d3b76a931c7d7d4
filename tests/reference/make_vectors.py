#!/usr/bin/env python3
"""Writes tests/vectors from the reference; the same files every time.

    python3 tests/reference/make_vectors.py [folder]
"""

import base64
import os
import sys

import parity_reference as reference
import parity_sketch
from cases_postgres import POSTGRES, SETUP
from cases_rounded import ROUNDED
from cases_rollout import KEYS as ROLLOUT_KEYS, PERCENTS, SHARES, around
from cases_sketch import BITS, KEYS, PAIRS as SKETCH_PAIRS, SKETCHES, accepted, malformed
from cases_table import HASHES, PAIRS, ROWS, TABLES, TEXTS
from cases_time import TIMES_AND_DATES
from cases_value import VALUES
from cases_words import COLUMNS, DECLARED, KINDS

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, '..', 'vectors')

# The head of sketch.txt, in which a line's first field says what it is.
SKETCH_HEAD = """\
# key, indexes of the key columns, row, row key (hex), integer or hashed, key hash (hex)
# bucket, indexes of the key columns, row, bits, number of the bucket
# sketch, name, cells, indexes of the key columns: of the rows of the lines add and remove (name, row) that follow
# text, name, its text form
# entry, name, key (hex), n, H (hex): what it decodes to; then decoded, name, number of entries, complete or incomplete
# estimate, name, how many keys it is thought to hold
# fold, name, fewer cells, the text form then; expand: the same of what is read from the text form
# plus, minus, name, name, the text form of the sum or difference: of two sizes of cells in the
#   smaller, a list takes any size
# malformed, why, a text that is no sketch
# accepted, what, a text that is one, the text form when it is written again; then what that decodes to
# A row is the frames of its columns, apart by blanks."""


def line(*fields):
    """A line of fields: none empty, none with tabs and line ends."""
    for text in fields:
        assert not set(text) & set('\t\n\r'), text
    return '\t'.join(text or '-' for text in fields)


def payload(value):
    """(class, payload) of an input as the files write them."""
    name, content = reference.classify(value)
    if name == 'null':
        return name, '-'
    if name == 'int':
        return name, str(content)
    if name == 'real':
        return name, '%016x' % content
    return name, content.hex() or '-'


def printable(text):
    return ''.join(c if c.isprintable() else '\\u%04x' % ord(c) for c in text)


def say(value):
    """An input for human eyes."""
    name, content = reference.classify(value)
    if name == 'null':
        return 'NULL'
    if name == 'int':
        return str(content)
    if name == 'real':
        if reference.F64.is_nan(content):
            return 'NaN'
        return reference.real_text(content).decode('ascii')
    if name == 'blob':
        text = "x'" + content.hex() + "'"
    else:
        text = "'" + printable(content.decode('utf-8', 'backslashreplace')) + "'"
    return text if len(text) <= 60 else text[:57] + '…' + text[-1]


def value_lines(cases):
    title_before = None
    seen = set()
    for title, kind, values in cases:
        if title != title_before:
            title_before = title
            yield '# ' + title
        assert str(reference.parse_kind(kind)) == kind, kind
        for value in values:
            name, content = payload(value)
            if (kind, name, content) in seen:
                continue
            seen.add((kind, name, content))
            frame, notes = reference.put_value(kind, value)
            yield line(kind, name, content, frame.hex(), ','.join(notes), say(value))


def rounded_lines():
    yield '# kind, class, payload, frame, notes, the input for human eyes'
    yield from value_lines(ROUNDED)


def row_values(values):
    return ' '.join('%s:%s' % payload(value) for value in values)


def row_lines():
    yield '# kinds, values (class:payload), frames of the row, row hash'
    before = None
    for title, kinds, rows in ROWS:
        if title != before:
            before = title
            yield '# ' + title
        for values in rows:
            assert len(values) == len(kinds)
            frame = reference.row_frame(kinds, values)
            yield line(';'.join(kinds), row_values(values), frame.hex(), reference.row_hash(frame).hex())


def table_lines():
    yield '# table, name, kinds, indexes of the key columns; row, name, values; digest, name, digest;'
    yield '# key, name, key digest; column, name, index, column digest'
    for name, kinds, key, rows in TABLES:
        yield line('table', name, ';'.join(kinds), ','.join(str(i) for i in key))
        for values in rows:
            assert len(values) == len(kinds)
            yield line('row', name, row_values(values))
        digest, keys, columns = reference.digest_table(kinds, key, rows)
        yield line('digest', name, str(digest))
        yield line('key', name, str(keys))
        for index, column in enumerate(columns):
            yield line('column', name, str(index), str(column))


def result_of(function, *arguments):
    try:
        return str(function(*arguments))
    except (reference.DigestError, reference.KindError):
        return 'error'


def digest_lines():
    yield '# residue, hash, residue; parse, text, digest or error; add or sub, digest, digest, digest or error;'
    yield '# sum, digests apart by commas, digest'
    for text in HASHES:
        yield line('residue', text, '%032x' % reference.residue(bytes.fromhex(text)))
    for text in TEXTS:
        yield line('parse', text, result_of(reference.parse_digest, text))
    for a, b in PAIRS:
        first, second = reference.parse_digest(a), reference.parse_digest(b)
        yield line('add', a, b, result_of(lambda: first + second))
        yield line('sub', a, b, result_of(lambda: first - second))
    # parts of one table: their sum is the digest of the whole
    parts, whole = [], reference.Digest()
    for start in range(0, 1000, 125):
        frames = [reference.row_frame(('int', 'text'), (i, 'row %d' % i)) for i in range(start, start + 125)]
        parts.append(reference.digest_rows(frames))
        whole = whole + parts[-1]
    yield line('sum', ','.join(str(part) for part in parts), str(whole))
    yield line('sum', ','.join(str(part) for part in reversed(parts)), str(whole))
    yield line('sum', str(parts[0]), str(parts[0]))
    yield line('sub', str(whole), str(parts[0]), str(whole - parts[0]))
    duplicate = reference.digest_rows([b'\x00'])
    yield line('add', str(duplicate), str(duplicate), str(duplicate + duplicate))
    yield line('sub', str(duplicate + duplicate), str(duplicate), str(duplicate))


def row_text(row):
    return ' '.join(frame.hex() for frame in row)


def key_text(key):
    return ','.join(str(i) for i in key)


def entry_lines(name, sketch):
    entries, complete = sketch.decode()
    for key, n, total in entries:
        yield line('entry', name, '%016x' % key, str(n), '%032x' % total)
    yield line('decoded', name, str(len(entries)), 'complete' if complete else 'incomplete')


def sketch_lines():
    yield from SKETCH_HEAD.splitlines()
    for row, key in KEYS:
        number, is_hash = parity_sketch.row_key(row, key)
        yield line('key', key_text(key), row_text(row), '%016x' % number, 'hashed' if is_hash else 'integer',
                   '%016x' % parity_sketch.key_hash(row, key))
        for bits in BITS:
            yield line('bucket', key_text(key), row_text(row), str(bits), str(parity_sketch.bucket(row, key, bits)))
    sketches = {}
    for name, cells, key, added, removed, sizes in SKETCHES:
        sketch = sketches[name] = parity_sketch.Sketch(cells)
        yield line('sketch', name, str(cells), key_text(key))
        for sign, what, rows in ((1, 'add', added), (-1, 'remove', removed)):
            for row in rows:
                sketch.add(row, key, sign)
                yield line(what, name, row_text(row))
        yield line('text', name, sketch.text())
        yield from entry_lines(name, sketch)
        yield line('estimate', name, '%.3f' % sketch.estimate())
        for size in sizes:
            wire = parity_sketch.read_text(sketch.text())
            if size < cells:
                yield line('fold', name, str(size), sketch.folded(size).text())
            if size < cells or wire.form == 1:
                yield line('expand', name, str(size), wire.expand(size).text())
    for first, second in SKETCH_PAIRS:
        a, b = sketches[first].text(), sketches[second].text()
        for what, sign in (('plus', 1), ('minus', -1)):
            yield line(what, first, second,
                       parity_sketch.combine(parity_sketch.read_text(a), parity_sketch.read_text(b), sign).text())
    for what, text in malformed(sketches):
        try:
            parity_sketch.read_text(text)
        except parity_sketch.WireError:
            yield line('malformed', what, text)
        else:
            raise AssertionError(what)
    for what, data in accepted():
        wire = parity_sketch.Wire(data)
        yield line('accepted', what, base64.b64encode(data).decode('ascii'), wire.expand(wire.cells).text())
        yield from entry_lines(what, wire.expand(wire.cells))


def rollout_lines():
    yield '# percent, percentage (class:payload), bound or error; key, kinds, values, position (hex);'
    yield '# in, percentage, kinds, values, 1 or 0'
    seen = set()
    for percent in PERCENTS:
        text = line('percent', '%s:%s' % payload(percent), str(reference.rollout_bound(percent) if
                    reference.rollout_bound(percent) is not None else 'error'))
        if text not in seen:
            seen.add(text)
            yield text
    for kinds, rows in ROLLOUT_KEYS:
        for values in rows:
            position = reference.rollout_position(reference.row_frame(kinds, values))
            yield line('key', ';'.join(kinds), row_values(values), '%016x' % position)
            for percent in SHARES + around(position):
                yield line('in', '%s:%s' % payload(percent), ';'.join(kinds), row_values(values),
                           str(int(position < reference.rollout_bound(percent))))


def kind_lines():
    yield '# text, the kind as it is printed or error, why it is an error'
    for text in KINDS:
        try:
            yield line(text, str(reference.parse_kind(text)), '-')
        except reference.KindError as error:
            yield line(text, 'error', printable(str(error)))


def declared_lines():
    yield '# declared type, kind'
    for declared in DECLARED:
        yield line(declared, reference.declared_kind(declared))


def column_lines():
    yield '# names apart by blanks, the same in canonical order'
    for names in COLUMNS:
        yield line(' '.join(names), ' '.join(reference.column_order(names)))


def postgres_lines():
    yield '# needs, SQL expression, kind, frame, hash of a row of this column alone, what is read'
    for needs, declared, sql, text in POSTGRES:
        frame = reference.postgres_frame(declared, text)
        told = 'NULL' if text is None else printable(text)
        yield line(needs, sql, reference.postgres_kind(declared), frame.hex(), reference.row_hash(frame).hex(),
                   told if len(told) <= 60 else told[:59] + '…')


def files():
    """File name → lines."""
    return {
        'value.tsv': ['# kind, class, payload, frame, notes, the input for human eyes',
                      *value_lines(VALUES + TIMES_AND_DATES)],
        'rounded.tsv': list(rounded_lines()),
        'row.tsv': list(row_lines()),
        'table.tsv': list(table_lines()),
        'digest.tsv': list(digest_lines()),
        'sketch.txt': list(sketch_lines()),
        'rollout.tsv': list(rollout_lines()),
        'kind.tsv': list(kind_lines()),
        'declared.tsv': list(declared_lines()),
        'columns.tsv': list(column_lines()),
        'postgres.tsv': list(postgres_lines()),
        'postgres.sql': ['-- What the expressions in postgres.tsv use.', *SETUP.splitlines()],
    }


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else VECTORS
    os.makedirs(folder, exist_ok=True)
    for name, lines in files().items():
        with open(os.path.join(folder, name), 'w', encoding='utf-8', newline='\n') as out:
            out.write('\n'.join(lines) + '\n')
        print('%5d  %s' % (sum(not text.startswith(('#', '--')) for text in lines), name))


if __name__ == '__main__':
    main()
