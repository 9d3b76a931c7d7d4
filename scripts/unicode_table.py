#!/usr/bin/env python3
"""Writes core/unicode_table.h from Python's unicodedata.

    scripts/unicode_table.py > core/unicode_table.h

The table holds what is needed to compare texts: canonical combining classes,
canonical decompositions (one step; Hangul is computed) and simple case
folding. The last is not in unicodedata: a character folds to its casefold()
where that is one character, else to its lower() where that is one.
"""

import sys
import unicodedata

SURROGATES = range(0xD800, 0xE000)
HANGUL = range(0xAC00, 0xD7A4)
ALL = [c for c in range(0x110000) if c not in SURROGATES]
WIDTH = 112


def simple_fold(c):
    for folded in (chr(c).casefold(), chr(c).lower()):
        if len(folded) == 1:
            return ord(folded)
    return c


def runs(mapping, step=1):
    """[first, last, value] of the runs of code points, step apart, that have the same value."""
    out = []
    for c, value in mapping:
        if out and out[-1][1] + step == c and out[-1][2] == value:
            out[-1][1] = c
        else:
            out.append([c, c, value])
    return out


def fold_runs():
    """(first, last, step, delta): step 2 is for letters that alternate, upper and lower."""
    deltas = [(c, simple_fold(c) - c) for c in ALL if simple_fold(c) != c]
    out = []
    for c, delta in deltas:
        if out and out[-1][3] == delta:
            first, last, step, _ = out[-1]
            gap = c - last
            if gap <= 2 and (first == last or gap == step):
                out[-1] = (first, c, gap, delta)
                continue
        out.append((c, c, 1, delta))
    return out


def decompositions():
    out = {}
    for c in ALL:
        text = unicodedata.decomposition(chr(c))
        if text and not text.startswith('<') and c not in HANGUL:
            parts = [int(part, 16) for part in text.split()]
            assert len(parts) <= 2, hex(c)
            out[c] = (parts[0], parts[1] if len(parts) == 2 else 0)
    return out


def depth(table, c):
    return 0 if c not in table else 1 + depth(table, table[c][0])


def rows(entries):
    line = ''
    for entry in entries:
        if len(line) + len(entry) + 6 > WIDTH:
            print('    ' + line.rstrip())
            line = ''
        line += entry + ', '
    print('    ' + line.rstrip())


def table(comment, declaration, entries):
    print('\n/* %s */' % comment)
    print('static const %s = {' % declaration)
    rows(entries)
    print('};')


def main():
    classes = runs([(c, unicodedata.combining(chr(c))) for c in ALL if unicodedata.combining(chr(c))])
    pairs = decompositions()
    # the second part of a pair is never taken apart itself, and 0 means that there is none
    assert all(second not in pairs and second not in HANGUL for _, second in pairs.values())
    assert all(first not in HANGUL for first, _ in pairs.values())
    steps = max(depth(pairs, c) for c in pairs)
    small = {c: p for c, p in pairs.items() if max(c, *p) < 0x10000}
    large = {c: p for c, p in pairs.items() if c not in small}
    folds = fold_runs()
    assert all(last - first < 256 for first, last, _ in classes)
    # what the runs say is what was asked for
    said = {c: delta for first, last, step, delta in folds for c in range(first, last + 1, step)}
    assert all(simple_fold(c) == c + said.get(c, 0) for c in ALL)

    print('/*')
    print(' * unicode_table.h - Unicode %s: combining classes, canonical decompositions, simple case folding'
          % unicodedata.unidata_version)
    print(' *')
    print(' * Written by scripts/unicode_table.py; do not edit.  Each table is sorted by its first member.')
    print(' */')
    print('#ifndef PARITY_UNICODE_TABLE_H')
    print('#define PARITY_UNICODE_TABLE_H')
    print('\n#include <stdint.h>')
    print('\n/* So many steps at most take a character apart. */')
    print('#define PARITY_UNICODE_STEPS %d' % steps)
    table('Combining classes other than 0: count code points from first on.',
          'struct {\n    uint32_t first;\n    uint8_t count, class;\n} unicode_classes[]',
          ['{0x%X, %d, %d}' % (first, last - first + 1, value) for first, last, value in classes])
    table('Canonical decompositions below 10000 hex, one step; second is 0 where there is but one part.',
          'struct {\n    uint16_t code, first, second;\n} unicode_pairs[]',
          ['{0x%X, 0x%X, 0x%X}' % (c, *small[c]) if small[c][1] else '{0x%X, 0x%X, 0}' % (c, small[c][0])
           for c in sorted(small)])
    table('The others.',
          'struct {\n    uint32_t code, first, second;\n} unicode_large_pairs[]',
          ['{0x%X, 0x%X, 0x%X}' % (c, *large[c]) if large[c][1] else '{0x%X, 0x%X, 0}' % (c, large[c][0])
           for c in sorted(large)])
    table('Simple case folding: every step-th code point from first to last is folded to itself + delta.',
          'struct {\n    uint32_t first, last;\n    int32_t step, delta;\n} unicode_folds[]',
          ['{0x%X, 0x%X, %d, %d}' % entry for entry in folds])
    print('\n#endif')
    print('%d classes, %d + %d pairs, %d folds, %d steps' % (len(classes), len(small), len(large), len(folds), steps),
          file=sys.stderr)


if __name__ == '__main__':
    main()
