"""The pages on shadows: every SQL block runs, in order, and prints what stands below it.

A block without a language right behind an SQL block is the end of its output, without the counts of rows and what is void;
… stands for the rest of a line."""
import os
import pathlib
import re
import subprocess

import pytest

DOCS = pathlib.Path(__file__).resolve().parents[2] / 'docs'
BLOCK = re.compile(r'^```(\w*)\n(.*?)^```$', re.M | re.S)


def run(sql, database):
    done = subprocess.run(['psql', '-Xqv', 'ON_ERROR_STOP=1', '-v', 'SHOW_CONTEXT=never', '-d', database], input=sql, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout, done.returncode


def lines(text):
    text = re.sub(r'^ *\w+ *\n-+\n *\n\(1 row\)$', '', text, flags=re.M)
    text = re.sub(r'^psql:<stdin>:\d+: ', '', text, flags=re.M)
    return [line.rstrip() for line in text.splitlines() if line.strip() and not re.fullmatch(r'\(\d+ rows?\)', line)]


def agree(shown, found):
    found = found[-len(shown):]
    return len(shown) == len(found) and all(f.startswith(s[:-1]) if s.endswith('…') else s == f for s, f in zip(shown, found))


@pytest.mark.parametrize('page', ['MIGRATION.md', 'FAILURES.md', 'SHADOWS.md'])
def test_page(page):
    name = 'parity_docs_' + page.split('.')[0].lower()
    run(f'DROP DATABASE IF EXISTS {name}', 'postgres')
    run(f'CREATE DATABASE {name}', 'postgres')
    out, code = run('CREATE EXTENSION parity', name)
    assert code == 0, out
    text = (DOCS / page).read_text()
    blocks = list(BLOCK.finditer(text))
    wrong = []
    for i, block in enumerate(blocks):
        if block[1] != 'sql':
            continue
        shown = None
        if i + 1 < len(blocks) and blocks[i + 1][1] == '' and not text[block.end():blocks[i + 1].start()].strip():
            shown = lines(blocks[i + 1][2])
        out, code = run(block[2], name)
        found = lines(out)
        fails = shown is not None and any(line.startswith('ERROR') for line in shown)
        if (code != 0) != fails or (shown is not None and not agree(shown, found)):
            wrong.append('%s\n--- shown\n%s\n--- found\n%s' % (block[2], '\n'.join(shown or ['(nothing)']), '\n'.join(found)))
        elif os.environ.get('PARITY_DOCS_PRINT'):
            print(block[2], '\n'.join(found), sep='\n---\n')
    run(f'DROP DATABASE {name}', 'postgres')
    assert not wrong, '\n\n========\n'.join(wrong)
