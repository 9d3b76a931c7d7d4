#!/usr/bin/env python3
"""Writes tests/vectors/unicode.txt: pairs of texts, and whether they differ in form or case only.

    python3 tests/reference/make_unicode.py [file]

A line: two texts in hex (UTF-8), then 1 or 0 for canonical equivalence, then
1 or 0 for equality under simple case folding. Python's unicodedata decides; its
version must be that of core/unicode_table.h.
"""

import os
import random
import sys
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = os.path.join(HERE, '..', 'vectors', 'unicode.txt')
SEED = 20240615
ALL = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def nfd(text):
    return unicodedata.normalize('NFD', text)


def nfc(text):
    return unicodedata.normalize('NFC', text)


def fold(c):
    for folded in (c.casefold(), c.lower()):
        if len(folded) == 1:
            return folded
    return c


def folded(text):
    return [fold(c) for c in text]


def singles(pick):
    """Characters that are taken apart: all but Hangul, and some of that."""
    apart = [c for c in ALL if nfd(c) != c]
    hangul = [c for c in apart if '\uac00' <= c <= '\ud7a3']
    for c in [c for c in apart if c not in set(hangul)] + ['\uac00', '\uac01', '\uac1b', '\uac1c', '\ud7a3'] + \
            pick.sample(hangul, 150):
        yield c, nfd(c)


def cases(pick):
    """Characters that are folded, each with what it is folded to or with another one folded to the same."""
    others = {}
    for c in ALL:
        if fold(c) != c:
            others.setdefault(fold(c), []).append(c)
    for target, members in others.items():
        for c in members:
            yield (c, target) if len(members) == 1 else (c, pick.choice([target] + members))
    letters = sorted(others)
    for _ in range(300):
        word = [pick.choice(letters) for _ in range(pick.randint(1, 6))]
        other = [pick.choice([c] + others[c]) for c in word]
        if pick.random() < 0.4:
            other[pick.randrange(len(other))] = pick.choice(letters)
        yield ''.join(word), ''.join(other)


def runs(pick):
    """Characters and marks in random order, and the same in another order, composed or not."""
    marks = [c for c in ALL if unicodedata.combining(c)]
    common = ['\u0301', '\u0308', '\u0323', '\u0327', '\u0345', '\u0338', '\u093c', '\u3099', '\u05b0', '\u302a']
    bases = ['a', 'e', 'o', 's', '\u03b1', '\u03c9', '\u00c5', '\u1ea1', '\u0915', '\u304b', '\u05e9', '\u212b',
             '\u1100', '\u1161', '\u11a8', '\uac00', '\U0001d157', '\U000110a5', ' ', '\u0344']
    for _ in range(1500):
        text, other = [], []
        for _ in range(pick.randint(1, 3)):
            base = pick.choice(bases)
            behind = [pick.choice(common if pick.random() < 0.6 else marks) for _ in range(pick.randint(0, 5))]
            shuffled = behind[:]
            if pick.random() < 0.5:
                shuffled.sort(key=unicodedata.combining)
            else:
                pick.shuffle(shuffled)
            if shuffled and pick.random() < 0.1:
                shuffled.pop()
            text += [base] + behind
            other += [base] + shuffled
        text, other = ''.join(text), ''.join(other)
        yield pick.choice([str, nfc, nfd])(text), pick.choice([str, nfc, nfd])(other)


def near_misses(pick):
    """Texts that look alike, or are the same in a compatibility form or full case folding only."""
    yield from [('\ufb01', 'fi'), ('\u00df', 'ss'), ('\u1e9e', 'ss'), ('\u1e9e', '\u00df'), ('\u0130', 'i'),
                ('\u0131', 'i'), ('\u0130', 'i\u0307'), ('I', '\u0131'), ('\u2126', '\u03a9'), ('\u212a', 'k'),
                ('\u2460', '1'), ('\u00b2', '2'), ('\uff21', 'A'), ('\u00a0', ' '), ('\u200b', ''), ('e', '\u00e9'),
                ('\u0410', 'A'), ('\u0149', '\u02bcn'), ('\u03c2', '\u03c3'), ('\u00b5', '\u03bc'),
                ('\u1e9b', '\u1e61'), ('\u017f', 's'), ('\u0345', '\u03b9'), ('\u1f88', '\u1f80'),
                ('\u1100\u1161\u11a7', '\uac00'), ('\u1100\u1161\u11a8', '\uac01'), ('\uac00\u11a8', '\uac01'),
                ('\uac00\u11a7', '\uac00'), ('\u1100', '\u3131'), ('a\u0301\u0323', 'a\u0323\u0301'),
                ('a\u0301\u0300', 'a\u0300\u0301'), ('a\u0301b', 'ab\u0301'), ('\u00c9', 'e\u0301'),
                ('\u00c9', '\u00e9'), ('E\u0301', 'e\u0301'), ('\u13a0', '\uab70'), ('\U00010400', '\U00010428')]
    compatible = [c for c in ALL if unicodedata.normalize('NFKD', c) != nfd(c)]
    for c in pick.sample(compatible, 200):
        yield c, unicodedata.normalize('NFKD', c)
    composed = [c for c in ALL if len(nfd(c)) > 1 and not '\uac00' <= c <= '\ud7a3']
    for c in pick.sample(composed, 200):
        yield c, nfd(c)[:-1]
        yield c, nfd(c) + nfd(c)[-1]


def main():
    pick = random.Random(SEED)
    seen = set()
    with open(sys.argv[1] if len(sys.argv) > 1 else FILE, 'w', encoding='ascii', newline='\n') as out:
        out.write('# Unicode %s; made by tests/reference/make_unicode.py, do not edit\n' % unicodedata.unidata_version)
        out.write('# text\ttext\tsame form\tsame but for case\n')
        for pairs in singles, cases, runs, near_misses:
            for a, b in pairs(pick):
                if a == b or (a, b) in seen:
                    continue
                seen.add((a, b))
                out.write('%s\t%s\t%d\t%d\n' % (a.encode().hex() or '-', b.encode().hex() or '-', nfd(a) == nfd(b),
                                                folded(a) == folded(b)))


if __name__ == '__main__':
    main()
