"""Chinook as its authors publish it for SQLite and for PostgreSQL: CamelCase there, snake_case here, and not equal.

Which tables, columns and rows differ is found out here by comparing the values in Python.
"""

import collections
import datetime
import decimal
import os
import shutil
import sqlite3

import pytest

from conftest import Sqlite
from difference import UNKNOWN, LiteSide, PgSide, reported

FOLDER = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..', 'shared', 'data',
                                       'chinook'))
pytestmark = pytest.mark.skipif(not os.path.isdir(FOLDER), reason='the Chinook data is not there: ../shared/data/chinook, '
                                'seen from the repository, holds chinook.sqlite and chinook_postgresql.sql')

Difference = collections.namedtuple('Difference', 'rows columns keys cells')   # cells: {key: columns}


def folded(name):
    return name.replace('_', '').lower()


@pytest.fixture
def postgres(pg):
    """The published script in the schema public, but for the lines that make a database of its own."""
    with open(os.path.join(FOLDER, 'chinook_postgresql.sql'), encoding='utf-8') as file:
        lines = [line for line in file if not line.startswith(('DROP DATABASE', 'CREATE DATABASE', '\\c'))]
    pg.run(''.join(lines))
    return pg


@pytest.fixture
def published():
    """The published file, which nobody can write to."""
    database = Sqlite('file:%s?mode=ro' % os.path.join(FOLDER, 'chinook.sqlite'), uri=True)
    yield database
    database.connection.close()


@pytest.fixture
def copied(tmp_path):
    shutil.copyfile(os.path.join(FOLDER, 'chinook.sqlite'), tmp_path / 'chinook.db')
    database = Sqlite(tmp_path / 'chinook.db')
    yield database
    database.connection.close()


def common(value):
    """A value of either side as one Python value."""
    if isinstance(value, float):
        return decimal.Decimal(repr(value)).normalize()
    if isinstance(value, decimal.Decimal):
        return value.normalize()
    return value


def compare(pg):
    """{folded table name: Difference}, by the values alone."""
    lite = sqlite3.connect('file:%s?mode=ro' % os.path.join(FOLDER, 'chinook.sqlite'), uri=True)
    found = {}
    for (table,) in pg.run("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"):
        (twin,) = [name for (name,) in lite.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                   if folded(name) == folded(table)]
        columns = [row[0] for row in pg.run('SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass '
                                            'AND attnum > 0 ORDER BY attnum', table)]
        there = {folded(row[1]): (row[1], row[5]) for row in lite.execute('PRAGMA table_info([%s])' % twin)}
        assert sorted(there) == sorted(map(folded, columns))
        key = [i for i, column in enumerate(columns) if there[folded(column)][1]]
        ours = [[common(value) for value in row] for row in pg.run('SELECT %s FROM %s' % (', '.join(columns), table))]
        theirs = [[common(value) for value in row] for row in
                  lite.execute('SELECT %s FROM [%s]' % (', '.join('[%s]' % there[folded(c)][0] for c in columns), twin))]
        for i, column in enumerate(columns):
            if any(isinstance(row[i], datetime.datetime) for row in ours):
                for row in theirs:
                    row[i] = row[i] and datetime.datetime.fromisoformat(row[i])
        here = {tuple(row[i] for i in key): row for row in ours}
        other = {tuple(row[i] for i in key): row for row in theirs}
        assert len(here) == len(ours) and len(other) == len(theirs)
        pairs = [(here[k], other[k]) for k in here.keys() & other.keys()]
        found[folded(table)] = Difference(
            (len(ours), len(theirs)),
            {folded(c) for i, c in enumerate(columns) if any(a[i] != b[i] for a, b in pairs)},
            here.keys() != other.keys(),
            {key: names for key in here.keys() & other.keys() if (names := {
                folded(c) for i, c in enumerate(columns) if here[key][i] != other[key][i]})})
    lite.close()
    assert len(found) == 11
    return found


def assert_told(verdicts, expected, local):
    """The verdicts say just what the comparison found; local is the side of rows that is local: 0 PostgreSQL, 1 SQLite."""
    assert {folded(name) for name in verdicts} == set(expected) and len(verdicts) == 11
    for name, verdict in verdicts.items():
        difference = expected[folded(name)]
        assert folded(verdict.remote_name) == folded(name)
        assert (verdict.local_rows, verdict.remote_rows) == (difference.rows[local], difference.rows[1 - local])
        differs = bool(difference.columns) or difference.keys
        assert verdict.status == ('differ' if differs else 'match'), verdict
        assert ('keys differ' in (verdict.detail or '')) == difference.keys
        assert {folded(c) for c in verdict.columns} == (set() if difference.keys else difference.columns), verdict
        assert 'only' not in (verdict.detail or ''), 'every column has its twin'


def test_postgres_bundle_in_sqlite(postgres, published):
    expected = compare(postgres)
    assert any(d.columns for d in expected.values()) and not all(d.columns for d in expected.values())
    assert_told(published.verify(postgres.bundle()), expected, 1)


def test_sqlite_bundle_in_postgres(postgres, published):
    assert_told(postgres.verify(published.bundle()), compare(postgres), 0)


def test_after_adopt(postgres, copied):
    """SQLite adopts PostgreSQL's kinds; checksums are equal just where the tables are."""
    expected = compare(postgres)
    bundle = postgres.bundle()
    copied.run('SELECT parity_adopt(?)', bundle)
    assert_told(postgres.verify(copied.bundle()), expected, 0)
    for verdict in copied.verify(bundle).values():
        equal = postgres.one('SELECT parity.checksum(%s)::text', verdict.remote_name) == \
            copied.one('SELECT parity_checksum(?)', verdict.table_name)
        assert equal == (not expected[folded(verdict.table_name)].columns)


def test_assert_match_names_the_tables(postgres, published):
    expected = [name for name, difference in compare(postgres).items() if difference.columns or difference.keys]
    words = published.error('SELECT parity_assert_match(?)', postgres.bundle())
    code, same_words, _ = postgres.error('SELECT parity.assert_match(%s)', published.bundle())
    assert code == '22000'
    for text in (words, same_words):
        assert text.startswith('%d of 11 table' % len(expected)), text
        assert sorted(folded(part.split(':')[0].split()[-1]) for part in text.split(' match: ')[1].split(' (')[0].split(', ')
                      ) == sorted(expected)


def test_repaired(postgres, copied):
    """PostgreSQL's values written into SQLite: then all of it matches."""
    for name, difference in compare(postgres).items():
        assert not difference.keys
        table = next(v for v in copied.verify(postgres.bundle()).values() if folded(v.table_name) == name)
        for column in table.columns:
            other = next(c for c, in postgres.run('SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass',
                                                  table.remote_name) if folded(c) == folded(column))
            key = next(row[1] for row in copied.run('PRAGMA table_info([%s])' % table.table_name) if row[5])
            pg_key = next(c for c, in postgres.run('SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass',
                                                   table.remote_name) if folded(c) == folded(key))
            for value, row_key in postgres.run('SELECT %s, %s FROM %s' % (other, pg_key, table.remote_name)):
                copied.run('UPDATE [%s] SET [%s] = ? WHERE [%s] = ?' % (table.table_name, column, key), value, row_key)
    assert {v.status for v in copied.verify(postgres.bundle()).values()} == {'match'}
    copied.run('SELECT parity_assert_match(?)', postgres.bundle())
    postgres.run('SELECT parity.assert_match(%s)', copied.bundle())


def names_of(side, table):
    """What the engine calls a table."""
    sql = ("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
           if side.engine == 'postgresql' else "SELECT name FROM sqlite_master WHERE type = 'table'")
    return next(name for (name,) in side.run(sql) if folded(name) == table)


@pytest.mark.parametrize('engine', ['postgresql', 'sqlite'])
def test_rows_cells_and_repair(postgres, copied, engine):
    """Which rows differ and why, and the repair of either side by the other: then all of it matches."""
    expected = compare(postgres)
    sides = {'postgresql': PgSide(postgres), 'sqlite': LiteSide(copied)}
    local = sides[engine]
    remote = sides['sqlite' if engine == 'postgresql' else 'postgresql']
    bundle = remote.bundle()
    reasons, bundles, rows = collections.Counter(), [], 0
    for table, difference in expected.items():
        here, there = names_of(local, table), names_of(remote, table)
        found = local.diff(here, bundle)
        assert all(row.complete and row.change == 'changed' for row in found)
        assert sorted(row.key for row in found) == sorted(key for key, in difference.cells), table
        text = remote.rows(there, local.keys(here, bundle))
        cells = [cell for cell in local.explain(here, text) if cell.key is not UNKNOWN]
        assert len(cells) == len({(cell.key, cell.column) for cell in cells})
        assert {(cell.key, folded(cell.column)) for cell in cells} == {
            (key, column) for (key,), columns in difference.cells.items() for column in columns}
        reasons.update(cell.reason for cell in cells)
        assert len(local.recheck(here, text)) == len(found)
        bundles.append(text)
        rows += len(found)
    assert rows == sum(len(difference.cells) for difference in expected.values()) > 0
    assert reasons and not any('BAD' in reason for reason in reasons), reasons
    statements = local.repair(None, '[%s]' % ','.join(bundles))
    run = local.shell(statements)
    assert run.status == 0, run
    assert reported(run) == (rows, 0, 0)
    assert {v.status for v in local.verify(remote.bundle()).values()} == {'match'}
    assert {v.status for v in remote.verify(local.bundle()).values()} == {'match'}
