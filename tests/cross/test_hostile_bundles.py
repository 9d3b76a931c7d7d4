"""Bundles that are cut off, forged or hostile: one clear error with the same words on both sides, and nothing written."""

import json
import os
import re

import pytest


def memory():
    """Private memory of this process, which is where SQLite runs, in MiB."""
    with open('/proc/%d/status' % os.getpid()) as status:
        return int(re.search(r'RssAnon:\s+(\d+)', status.read()).group(1)) / 1024


@pytest.fixture
def sides(pg, sqlite):
    pg.run('CREATE TABLE t (id int PRIMARY KEY, v text)')
    pg.run("INSERT INTO t VALUES (1, 'a'), (2, NULL)")
    sqlite.run('CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)')
    sqlite.run("INSERT INTO t VALUES (1, 'a'), (2, NULL)")
    return pg, sqlite


def both_refuse(sides, bundle, words=None):
    pg, sqlite = sides
    sqlstate, said, _ = pg.error('SELECT * FROM parity.verify(%s)', bundle)
    also = sqlite.error('SELECT * FROM parity_verify(?)', bundle)
    assert sqlstate in ('22P02', '0A000', '54000', '22023'), (sqlstate, said)
    assert said == also
    if words is not None:
        assert words in said
    for sql in ('SELECT parity_adopt(?)', 'SELECT parity_assert_match(?)'):
        assert sqlite.error(sql, bundle) == also
    for sql in ('SELECT * FROM parity.adopt(%s)', 'SELECT parity.assert_match(%s)'):
        assert pg.error(sql, bundle)[1] == said
    # nothing was written, and both go on
    assert sqlite.run("SELECT name FROM sqlite_master WHERE name LIKE 'parity%'") == []
    assert pg.run('SELECT * FROM parity.override') == []
    assert pg.verify(sqlite.bundle())['t'].status == 'match'
    assert sqlite.verify(pg.bundle())['t'].status == 'match'


def changed(bundle, change):
    root = json.loads(bundle)
    change(root)
    return json.dumps(root)


def test_cut_off_anywhere(sides):
    pg, sqlite = sides
    for bundle in (pg.bundle(), sqlite.bundle()):
        text = bundle.rstrip()
        for at in list(range(0, len(text), 7)) + [len(text) - 1]:
            cut = text[:at]
            words = sqlite.error('SELECT * FROM parity_verify(?)', cut)
            assert words == pg.error('SELECT * FROM parity.verify(%s)', cut)[1]
            assert 'bundle is not valid JSON' in words


@pytest.mark.parametrize('bundle', ['x', 'null', '5', '[]', '{}', '"p1"', '\ufeff{}', '{"parity":5}', '{"parity":"p1"',
                                    '{"parity":"p1"}x', '{"parity":"p1","parity":"p1"}', '\u0001', '{"parity":"p1\\u0000"}'])
def test_no_bundle(sides, bundle):
    both_refuse(sides, bundle)


def test_of_another_version(sides):
    pg, _ = sides
    both_refuse(sides, changed(pg.bundle(), lambda b: b.update(parity='p2')), 'bundle of another version')
    both_refuse(sides, pg.bundle().replace('"p1-', '"p2-'), 'bundle')


@pytest.mark.parametrize('text', ['[' * 100000, '{"a":' * 100000, '{"parity":"p1","tables":' + '[' * 100000,
                                  '{"parity":"p1","more":' + '{"a":' * 100000])
def test_100000_levels_deep(sides, text):
    both_refuse(sides, text, 'nested more than')


def tables(change):
    def apply(root):
        for table in root['tables']:
            change(table)
    return apply


@pytest.mark.parametrize('change', [
    lambda b: b.pop('tables'), lambda b: b.update(tables={}), lambda b: b.update(tables=[5]), lambda b: b.update(engine='x'),
    lambda b: b.update(tables=b['tables'] * 2), lambda b: b.update(server=5), lambda b: b.update(skipped=[5]),
    tables(lambda t: t.pop('digest')), tables(lambda t: t.update(digest='p1-2-xyz')), tables(lambda t: t.update(digest=5)),
    tables(lambda t: t.update(digest='p1-99999999999999999999-' + '0' * 32)),
    tables(lambda t: t.update(digest='p1-2-' + 'f' * 32)), tables(lambda t: t.update(digest='p1--2-' + '0' * 32)),
    tables(lambda t: t.update(keys='p1-3-' + '0' * 32)), tables(lambda t: t.pop('keys')),
    tables(lambda t: t.update(columns=[])), tables(lambda t: t.update(columns={})), tables(lambda t: t.update(key=['x'])),
    tables(lambda t: t.update(key='id')), tables(lambda t: t.update(key=[5])), tables(lambda t: t.update(table=5)),
    tables(lambda t: t.update(columns=t['columns'] + t['columns'][:1])), tables(lambda t: t.update(unique=5)),
    tables(lambda t: t['columns'][0].update(kind='nosuch')), tables(lambda t: t['columns'][0].update(kind='int x')),
    tables(lambda t: t['columns'][0].update(bad=3)), tables(lambda t: t['columns'][0].update(bad=-1)),
    tables(lambda t: t['columns'][0].update(nulls=1e300)), tables(lambda t: t['columns'][0].update(option=1)),
    tables(lambda t: t['columns'][0].update(example='x' * 10000)), tables(lambda t: t['columns'][0].pop('digest')),
    tables(lambda t: t['columns'][0].update(digest='p1-1-' + '0' * 32)), tables(lambda t: t.update(left_out=[5])),
    tables(lambda t: t.update(rounded='p1-2-' + '0' * 32)),
])
def test_forged(sides, change):
    pg, _ = sides
    both_refuse(sides, changed(pg.bundle(), change))


def test_hostile_names_are_only_names(sides):
    pg, sqlite = sides
    names = ['"; DROP TABLE t; --', "'; DROP TABLE t; --", 'a\nb', '\\', 't" (id) VALUES (1)', 'x' * 5000, 'ü"ß', '%s%n', '$$']

    def rename(root):
        table = root['tables'][0]
        root['tables'] = [dict(table, table=name) for name in names]

    bundle = changed(pg.bundle(), rename)
    for verdicts in (pg.verify(bundle), sqlite.verify(bundle)):
        assert {name for name, verdict in verdicts.items() if verdict.status == 'only remote'} == set(names)
        assert verdicts['t'].status == 'only local'
    for name in names:
        mapping = json.dumps({'t': name})
        assert 'exist' in pg.error('SELECT * FROM parity.verify(%s, %s)', pg.bundle(), mapping)[1] or len(name) > 63
        assert sqlite.error('SELECT * FROM parity_verify(?, ?)', pg.bundle(), mapping)
    assert pg.one('SELECT count(*) FROM t') == sqlite.one('SELECT count(*) FROM t') == 2


def test_memory_is_bounded(sides):
    """What is refused takes no more than 16 times its length and a MiB, also when it holds as much as fits."""
    pg, sqlite = sides
    before = memory()
    for text in ('{"parity":"p1","tables":[' + '1,' * 2000000 + '1]}', '[' + '{},' * 1500000 + '{}]',
                 '{"parity":"p1","tables":[' + '{"table":"t","columns":[]},' * 100001 + '5]}'):
        assert sqlite.error('SELECT * FROM parity_verify(?)', text)
        assert pg.error('SELECT * FROM parity.verify(%s)', text)
        assert memory() - before < 17 * len(text) / 2**20 + 16
