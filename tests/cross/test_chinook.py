"""The Chinook pair: the same data published for both engines by two routes, under other names.

Not part of the repository. Looked for beside it; skipped, and said so, where it is not there.
"""

import os
import re
import sqlite3

import pytest

from conftest import Sqlite

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..', 'shared', 'data', 'chinook')

pytestmark = pytest.mark.skipif(not os.path.isdir(FOLDER),
                                reason='no Chinook databases in ../shared/data/chinook beside the repository')


def folded(name):
    return name.replace('_', '').lower()


def plain(value):
    """A value as both drivers would give it: decimals as text of two places, stamps without a T, whole floats."""
    if value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, float):
        return '%.2f' % value
    text = str(value)
    return '%.2f' % float(text) if re.fullmatch(r'-?\d+\.\d+', text) else text


@pytest.fixture
def chinook(pg, tmp_path):
    with open(os.path.join(FOLDER, 'chinook_postgresql.sql'), encoding='utf-8-sig') as script:
        sql = script.read()
    sql = re.sub(r'(?m)^(DROP|CREATE) DATABASE\b[^;\n]*;', '', sql)
    sql = re.sub(r'(?m)^\\c .*$', '', sql)
    pg.run(sql)
    with open(os.path.join(FOLDER, 'chinook.sqlite'), 'rb') as source, open(tmp_path / 'chinook.db', 'wb') as copy:
        copy.write(source.read())
    lite = Sqlite(tmp_path / 'chinook.db')
    yield pg, lite
    lite.connection.close()


def compare_plainly(pg, path):
    """{folded table: (rows there, rows here, folded columns that differ)}, by fetching everything: no part of parity."""
    lite = sqlite3.connect(path)
    tables = [name for name, in lite.execute("SELECT name FROM sqlite_master WHERE type = 'table' "
                                             "AND name NOT LIKE 'sqlite_%'")]
    names = {folded(name): name for name, in pg.run(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")}
    found = {}
    for table in tables:
        other = names.pop(folded(table))
        info = lite.execute('PRAGMA table_info("%s")' % table).fetchall()
        key = [folded(row[1]) for row in info if row[5]]
        here = {folded(row[1]): row[1] for row in info}
        there = {folded(name): name for name, in pg.run(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public'",
            other)}
        assert set(here) == set(there)
        columns = sorted(here)

        def rows(fetched):
            records = [dict(zip(columns, map(plain, row))) for row in fetched]
            return {tuple(record[c] for c in key): record for record in records}

        a = rows(lite.execute('SELECT %s FROM "%s"' % (', '.join('"%s"' % here[c] for c in columns), table)))
        b = rows(pg.run('SELECT %s FROM "%s"' % (', '.join('"%s"' % there[c] for c in columns), other)))
        assert set(a) == set(b)
        found[folded(table)] = (len(b), len(a), {c for c in columns if any(a[k][c] != b[k][c] for k in a)})
    assert not names
    return found


@pytest.mark.parametrize('direction', ['PostgreSQL to SQLite', 'SQLite to PostgreSQL'])
def test_every_table_is_paired_and_just_what_differs_is_named(chinook, direction):
    pg, lite = chinook
    expected = compare_plainly(pg, lite.path)
    assert len(expected) == 11
    assert any(columns for _, _, columns in expected.values())
    verdicts = lite.verify(pg.bundle()) if direction == 'PostgreSQL to SQLite' else pg.verify(lite.bundle())
    assert len(verdicts) == 11
    for verdict in verdicts.values():
        there, here, columns = expected[folded(verdict.table_name)]
        assert folded(verdict.remote_name) == folded(verdict.table_name)
        assert {verdict.remote_rows, verdict.local_rows} == {there, here}
        assert verdict.status == ('differ' if columns else 'match'), verdict
        assert {folded(c) for c in verdict.columns} == columns, verdict
