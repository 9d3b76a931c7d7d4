"""parity_diff, parity_rows, parity_explain, parity_recheck and parity_repair, SQLite against SQLite."""

import collections
import json
import random
import re
import shutil
import sqlite3
import subprocess
import uuid

import pytest

from sqlite_support import MODULE, checksum, connect, error, one

SHELL = shutil.which('sqlite3')
WORDS = ['', 'a', "it's", '"quoted"', 'two\nlines', 'a; DROP TABLE t; --', 'é', '日本', '\\', '%s', ' blanks ', '/*', '\x1b', '𝄞']
HOSTILE = 'we"ird; DROP TABLE x;\n--[`\'t\' é'


def quoted(name):
    return '"%s"' % name.replace('"', '""')


def text(rng):
    return rng.choice(WORDS) + str(rng.randrange(1000))


def integer(rng):
    return rng.choice((rng.randrange(-5, 5), rng.randrange(-2 ** 63, 2 ** 63)))


def number(rng):
    return rng.choice((0.1, -1e300, 5e-324, 1.0, float('inf'), rng.random()))


def data(rng):
    return rng.randbytes(rng.randrange(5))


def some_uuid(rng):
    return str(uuid.UUID(int=rng.getrandbits(128)))


def stamp(rng):
    return '20%02d-03-%02d 10:%02d:00.%d' % (rng.randrange(99), rng.randrange(1, 29), rng.randrange(60), rng.randrange(1, 9))


def any_value(rng):
    """Of whatever storage class, also where the column's kind cannot read it."""
    return rng.choice((text, integer, number, data))(rng)


class Case:
    """A table: its name, columns (name, declared type, maker, part of the key) and what stands behind them."""

    def __init__(self, name, columns, behind='', key_nulls=0.0, strict=''):
        self.name, self.columns, self.behind, self.key_nulls, self.strict = name, columns, behind, key_nulls, strict
        self.keys = [i for i, c in enumerate(columns) if c[3]]

    def create(self, db, schema='main'):
        columns = ['%s %s' % (quoted(c[0]), c[1]) for c in self.columns]
        if self.keys:
            columns.append('PRIMARY KEY(%s)' % ', '.join(quoted(self.columns[i][0]) for i in self.keys))
        db.execute('CREATE TABLE %s.%s(%s)%s' % (schema, quoted(self.name), ', '.join(columns), self.behind))

    def row(self, rng):
        return tuple(None if rng.random() < (self.key_nulls if i in self.keys else 0.1) else c[2](rng)
                     for i, c in enumerate(self.columns))

    def key(self, row):
        return tuple(row[i] for i in self.keys) if self.keys else row

    def rows(self, rng, n):
        """n rows; distinct by key where the engine sees to that."""
        out, seen = [], set()
        while len(out) < n:
            row = self.row(rng)
            if self.keys and (None not in self.key(row) and self.key(row) in seen):
                continue
            seen.add(self.key(row))
            out.append(row)
        if not self.keys:
            out += out[:n // 4]
        return out

    def edited(self, rng, rows, n):
        """Some rows deleted, some others, some new."""
        rows = rows[:]
        for _ in range(n):
            del rows[rng.randrange(len(rows))]
        seen = {self.key(row) for row in rows}
        for i in rng.sample(range(len(rows)), n):
            new = self.row(rng)
            rows[i] = tuple(rows[i][c] if c in self.keys else new[c] for c in range(len(self.columns)))
        for row in self.rows(rng, n):
            if not self.keys or None in self.key(row) or self.key(row) not in seen:
                rows.append(row)
        return rows

    def fill(self, db, rows, schema='main'):
        db.executemany('INSERT INTO %s.%s VALUES(%s)' % (schema, quoted(self.name), ', '.join('?' * len(self.columns))),
                       rows)

    def stored(self, db, schema='main'):
        return sorted(map(repr, db.execute('SELECT * FROM %s.%s' % (schema, quoted(self.name)))))


CASES = {
    'int': Case('t', [('id', 'INTEGER', integer, True), ('a', 'TEXT', text, False), ('b', 'REAL', number, False),
                      ('c', 'BLOB', data, False), ('d', 'DATETIME', stamp, False)]),
    'text': Case('t', [('a', 'TEXT', text, False), ('id', 'TEXT NOT NULL', text, True), ('n', 'INT', integer, False)]),
    'uuid': Case('t', [('id', 'UUID NOT NULL', some_uuid, True), ('a', 'TEXT', text, False), ('at', 'DATETIME', stamp, False)]),
    'composite': Case('t', [('a', 'INT NOT NULL', integer, True), ('x', 'TEXT', text, False), ('b', 'TEXT NOT NULL', text, True)]),
    'null key': Case('t', [('k', 'TEXT', text, True), ('v', 'INT', integer, False)], key_nulls=0.2),
    'null keys': Case('t', [('k', 'TEXT', text, True), ('l', 'INT', integer, True), ('v', 'TEXT', text, False)], key_nulls=0.3),
    'keyless': Case('t', [('a', 'INT', lambda rng: rng.randrange(3), False), ('b', 'TEXT', lambda rng: rng.choice(WORDS), False)]),
    'keyless distinct': Case('t', [('a', 'INT', integer, False), ('b', 'TEXT', text, False), ('c', 'REAL', number, False)]),
    'without rowid': Case('t', [('b', 'TEXT NOT NULL', text, True), ('a', 'INT NOT NULL', integer, True), ('v', 'BLOB', data, False)],
                          ' WITHOUT ROWID'),
    'wide': Case('t', [('id', 'INTEGER', integer, True)] + [('column %d' % i, 'TEXT', text, False) for i in range(149)]),
    'hostile names': Case(HOSTILE, [('id"; --', 'INTEGER', integer, True), ("it's\n", 'TEXT', text, False),
                                    ('/*', 'TEXT', text, False), ('a.b', 'INT', integer, False)]),
    'any values': Case('t', [('id', 'INTEGER', integer, True), ('a', '', any_value, False), ('b', 'INT', any_value, False),
                             ('c', 'BLOB', any_value, False), ('d', 'DECIMAL(10,2)', any_value, False)]),
}


class Pair:
    """Two files that hold a case's table: remote as it was, local with edits."""

    def __init__(self, path, case, n=60, edits=6, seed=1, encoding='UTF-8'):
        rng = random.Random(seed)
        self.case, self.path = case, str(path / 'local.db')
        self.local, self.remote = connect(self.path), connect(str(path / 'remote.db'))
        self.local.execute("PRAGMA encoding = '%s'" % encoding)
        rows = case.rows(rng, n)
        for db, rows in ((self.remote, rows), (self.local, case.edited(rng, rows, edits))):
            case.create(db)
            db.execute('BEGIN')
            case.fill(db, rows)
            db.execute('COMMIT')
        self.table = case.name

    def bundle(self, *args):
        return one(self.remote, 'SELECT parity_bundle(%s)' % ', '.join('?' * len(args)), *args)

    def status(self):
        return status(self.local, self.bundle(), self.table)

    def keys(self):
        return keys_of(self.local, self.table, self.bundle())

    def rows(self, keys=None):
        return one(self.remote, 'SELECT parity_rows(?, ?)', quoted(self.table), keys or self.keys())

    def repair(self, rows=None):
        return repair(self.local, quoted(self.table), rows or self.rows())

    def shell(self, statements):
        return shell(self.path, statements)


def status(db, bundle, table, mapping=None):
    return one(db, 'SELECT status FROM parity_verify(?, ?) WHERE table_name = ?', bundle, mapping, table)


def diff(db, table, bundle):
    return db.execute('SELECT key, change, key_hash, complete, rows, detail FROM parity_diff(?, ?)',
                      (table, bundle)).fetchall()


def keys_of(db, table, bundle):
    return one(db, "SELECT json_group_array(json_object('key', json(key), 'key_hash', key_hash)) FROM parity_diff(?, ?)",
               quoted(table), bundle)


def explain(db, table, rows):
    return db.execute('SELECT key, column_name, local_value, remote_value, reason FROM parity_explain(?, ?)',
                      (table, rows)).fetchall()


def recheck(db, table, rows):
    return db.execute('SELECT key, change, key_hash FROM parity_recheck(?, ?)', (table, rows)).fetchall()


def repair(db, table, rows):
    return [row[0] for row in db.execute('SELECT statement FROM parity_repair(?, ?)', (table, rows))]


def shell(path, statements, *more):
    """What the shell says of the statements, a line each."""
    if SHELL is None:
        pytest.skip('the sqlite3 shell is not installed')
    done = subprocess.run([SHELL, '-batch', '-bail', '-init', '/dev/null', '-cmd', '.load ' + MODULE, *more, path],
                          input='\n'.join(statements) + '\n', capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def took_effect(output):
    """(statements that took effect, statements) of the row that a repair ends with; nothing was refused."""
    lines = output.split()
    assert len(lines) == 1, output
    statements, done, left_alone, refused_ones = map(int, lines[0].split('|'))
    assert done + left_alone == statements and refused_ones == 0
    return done, statements


def truth(case, local, remote):
    """{key: rows here minus rows there} of what differs: without a key, each row is its own."""
    here, there = collections.Counter(map(case_row, local)), collections.Counter(map(case_row, remote))
    out = collections.Counter()
    for row in here.keys() | there.keys():
        if here[row] != there[row]:
            key = case.key(row)
            out.setdefault(key, 0)
            out[key] += here[row] - there[row]
    return out


def case_row(row):
    return tuple(row)


def words(n):
    return 'only local' if n > 0 else 'only remote' if n < 0 else 'changed'


# ---- the whole path -----------------------------------------------------------------------

@pytest.mark.parametrize('name', list(CASES))
@pytest.mark.parametrize('how', ['script', 'shell'])
def test_diff_rows_explain_repair(tmp_path, name, how):
    pair = Pair(tmp_path, CASES[name])
    local, case, table = pair.local, pair.case, quoted(pair.table)
    select = 'SELECT * FROM %s' % table
    want = truth(case, local.execute(select), pair.remote.execute(select))
    assert pair.status() == 'differ' and len(want) >= 6

    found = diff(local, table, pair.bundle())
    assert all(row[3] == 1 and row[5] is None for row in found)
    assert sorted((row[1], row[4]) for row in found) == sorted((words(n), n) for n in want.values())
    assert one(local, 'SELECT differing FROM parity_verify(?) WHERE table_name = ?', pair.bundle(), pair.table) == len(want)
    assert len({row[2] for row in found}) == len(found)
    assert all(row[0] is not None for row in found if row[1] != 'only remote' and name != 'any values')

    rows = pair.rows()
    if case.key_nulls == 0 and case.keys:
        assert sorted(row[1:] for row in recheck(local, table, rows)) == sorted((row[1], row[2]) for row in found)
    else:   # a key that stands for several rows is one of diff's, and each of its rows one of recheck's
        assert {row[2] for row in recheck(local, table, rows)} == {row[2] for row in found}
    cells = explain(local, table, rows)
    assert cells and all(row[1] is None or row[1] in [c[0] for c in case.columns] for row in cells)
    assert {row[4] for row in cells} and all(row[4] for row in cells)

    before = case.stored(local)
    statements = pair.repair(rows)
    assert case.stored(local) == before and not local.in_transaction
    if how == 'script':
        local.executescript('\n'.join(statements))
    else:
        code, out, err = pair.shell(statements)
        assert (code, err) == (0, '')
        done, all_of_them = took_effect(out)
        assert done == all_of_them >= len(want)
    assert not local.in_transaction
    assert pair.status() == 'match'
    assert diff(local, table, pair.bundle()) == []
    # 3 and '3' are the same text: what is stored may be another form of the same value
    if name != 'any values':
        assert case.stored(local) == case.stored(pair.remote)
    assert recheck(local, table, rows) == [] and explain(local, table, rows) == []
    # nothing is left to do, and what was done already is not done again
    code, out, err = pair.shell(statements)
    assert (code, err) == (0, '') and took_effect(out)[0] == 0
    assert pair.status() == 'match'


@pytest.mark.parametrize('name', ['int', 'null keys', 'keyless', 'hostile names'])
def test_attached_databases(name):
    """Both in one connection, repaired in either direction."""
    case = CASES[name]
    for schema, other in (('aux', 'main'), ('main', 'aux'), ('we"ird', 'main')):
        rng = random.Random(2)
        db = connect()
        for attached in {schema, other} - {'main'}:
            db.execute("ATTACH ':memory:' AS %s" % quoted(attached))
        rows = case.rows(rng, 40)
        for name_, rows in ((schema, case.edited(rng, rows, 4)), (other, rows)):
            case.create(db, quoted(name_))
            case.fill(db, rows, quoted(name_))
        mine, theirs = ('%s.%s' % (quoted(x), quoted(case.name)) for x in (schema, other))
        b = one(db, 'SELECT parity_bundle(NULL, NULL, ?)', other)
        keys = one(db, "SELECT json_group_array(json_object('key', json(key), 'key_hash', key_hash))"
                       ' FROM parity_diff(?, ?)', mine, b)
        assert len(json.loads(keys)) >= 4
        rows = one(db, 'SELECT parity_rows(?, ?)', theirs, keys)
        assert json.loads(rows)['schema'] == other
        before = case.stored(db, quoted(other))
        db.executescript('\n'.join(repair(db, mine, rows)))
        assert case.stored(db, quoted(schema)) == case.stored(db, quoted(other)) == before
        assert checksum(db, mine) == checksum(db, theirs)


@pytest.mark.parametrize('encoding', ['UTF-16le', 'UTF-16be'])
def test_other_encodings(tmp_path, encoding):
    pair = Pair(tmp_path, CASES['int'], encoding=encoding)
    pair.local.executescript('\n'.join(pair.repair()))
    assert pair.status() == 'match' and pair.case.stored(pair.local) == pair.case.stored(pair.remote)


def test_texts_may_be_blobs(tmp_path):
    """readfile() gives BLOBs."""
    pair = Pair(tmp_path, CASES['composite'])
    keys, b = pair.keys(), pair.bundle()
    rows = pair.rows(keys)
    assert pair.rows(keys.encode()).split('"table"')[1] == rows.split('"table"')[1]
    table = pair.table
    assert diff(pair.local, table, b.encode()) == diff(pair.local, table, b)
    assert explain(pair.local, table, rows.encode()) == explain(pair.local, table, rows)
    assert recheck(pair.local, table, (rows + '\n').encode()) == recheck(pair.local, table, rows)
    assert repair(pair.local, table, rows.encode()) == repair(pair.local, table, rows)


def test_only_what_differs_is_set(tmp_path):
    """UPDATE sets the differing columns: triggers and indexes of others are left alone."""
    pair = Pair(tmp_path, CASES['int'], edits=0)
    row = pair.local.execute('SELECT id, a FROM t WHERE a IS NOT NULL').fetchone()
    pair.local.execute("UPDATE t SET a = 'new' WHERE id = ?", (row[0],))
    found = diff(pair.local, 't', pair.bundle())
    assert [(r[0], r[1]) for r in found] == [(str(row[0]), 'changed')]
    assert explain(pair.local, 't', pair.rows()) == [(str(row[0]), 'a', 'new', row[1], 'value')]
    pair.local.execute('CREATE TRIGGER r BEFORE UPDATE OF id, b, c, d ON t BEGIN SELECT RAISE(ABORT, \'no\'); END')
    pair.local.executescript('\n'.join(pair.repair()))
    assert pair.status() == 'match'


def test_generated_columns_are_left_out(tmp_path):
    case = Case('t', [('id', 'INTEGER', integer, True), ('a', 'TEXT', text, False)])
    local, remote = connect(), connect()
    for db, word in ((local, 'here'), (remote, 'there')):
        db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, v AS (a || 1), s AS (a || 2) STORED)')
        db.execute('INSERT INTO t(id, a) VALUES(1, ?), (2, \'same\')', (word,))
    remote.execute("INSERT INTO t(id, a) VALUES(3, 'new')")
    b = one(remote, 'SELECT parity_bundle()')
    rows = one(remote, "SELECT parity_rows('t', ?)", keys_of(local, 't', b))
    local.executescript('\n'.join(repair(local, 't', rows)))
    assert status(local, b, 't') == 'match' and case.stored(local) == case.stored(remote)


def test_foreign_keys_in_one_transaction(tmp_path):
    """Several rows bundles at once: parents are inserted first and deleted last."""
    local, remote = connect(str(tmp_path / 'l.db')), connect()
    for db in (local, remote):
        db.execute('PRAGMA foreign_keys = ON')
        # names sort against the order that is needed
        db.execute('CREATE TABLE z_parent(id INTEGER PRIMARY KEY, name TEXT)')
        db.execute('CREATE TABLE m_child(id INTEGER PRIMARY KEY, parent INT NOT NULL REFERENCES z_parent)')
        db.execute('CREATE TABLE a_grandchild(id INTEGER PRIMARY KEY, child INT NOT NULL REFERENCES m_child(id))')
    for db, ids in ((local, (1, 2, 3)), (remote, (3, 4, 5))):
        for i in ids:
            db.execute('INSERT INTO z_parent VALUES(?, ?)', (i, 'p%d' % i))
            db.execute('INSERT INTO m_child VALUES(?, ?)', (i * 10, i))
            db.execute('INSERT INTO a_grandchild VALUES(?, ?)', (i * 100, i * 10))
    b = one(remote, 'SELECT parity_bundle()')
    tables = ('a_grandchild', 'm_child', 'z_parent')
    bundles = [one(remote, 'SELECT parity_rows(?, ?)', t, keys_of(local, t, b)) for t in tables]
    for order in (bundles, bundles[::-1]):
        statements = repair(local, None, '[%s]' % ','.join(order))
        code, out, err = shell(str(tmp_path / 'l.db'), statements[:-1] + ['ROLLBACK;'], '-cmd', 'PRAGMA foreign_keys = ON')
        assert (code, err) == (0, '')
    assert {status(local, b, t) for t in tables} == {'differ'}
    local.executescript('\n'.join(statements))
    assert {status(local, b, t) for t in tables} == {'match'}
    # which explain and recheck say a table at a time
    for table, bundle in zip(tables, bundles):
        assert explain(local, table, bundle) == recheck(local, table, bundle) == []


def test_deletes_look_at_the_keys_that_act():
    """A row is deleted only when no key of another table would then delete or change a row there."""
    local, remote = connect(), connect()
    for db in (local, remote):
        db.executescript("""
            CREATE TABLE Parent(id INTEGER PRIMARY KEY, b TEXT, UNIQUE(b, id));
            CREATE TABLE plain(p REFERENCES parent);
            CREATE TABLE elsewhere(p REFERENCES no_such_table ON DELETE CASCADE);
            CREATE TABLE cascades(p REFERENCES PARENT ON DELETE CASCADE);
            CREATE TABLE nulls(x, p, FOREIGN KEY(x, p) REFERENCES "parent"(b, id) on delete set null);
            CREATE TABLE defaults(p REFERENCES parent(id) ON DELETE SET DEFAULT);
            CREATE VIRTUAL TABLE search USING fts5(p);
        """)
    local.execute("INSERT INTO parent VALUES(1, 'b')")
    keys = keys_of(local, 'Parent', one(remote, 'SELECT parity_bundle()'))
    delete = [s for s in repair(local, 'Parent', one(remote, "SELECT parity_rows('Parent', ?)", keys)) if '"Parent"' in s]
    assert len(delete) == 1
    assert re.findall('FROM "main"."([^"]*)" AS parity_child WHERE ([^)]*)', delete[0]) == [
        ('cascades', 'parity_child."p" = parity_row."id"'),
        ('defaults', 'parity_child."p" = parity_row."id"'),
        ('nulls', 'parity_child."x" = parity_row."b" AND parity_child."p" = parity_row."id"')]


@pytest.mark.parametrize('columns, held', [
    ('(id integer PRIMARY KEY, v)', False), ('(id INTEGER, v, PRIMARY KEY(id DESC))', False),
    ('(id INTEGER PRIMARY KEY DESC, v)', True), ('(id INT PRIMARY KEY, v)', True),
    ('(id INTEGER PRIMARY KEY, v) WITHOUT ROWID', True), ('(id INTEGER, v INTEGER, PRIMARY KEY(id, v))', True)])
def test_a_rowid_holds_only_integers(columns, held):
    local, remote = connect(), connect()
    local.execute('CREATE TABLE t' + columns)
    remote.execute('CREATE TABLE t(id TEXT PRIMARY KEY, v)')
    remote.execute("INSERT INTO t VALUES('x', 1)")
    for db in (local, remote):
        one(db, """SELECT parity_set_spec('t', '{"columns": {"id": "text", "v": "int"}, "key": ["id"]}')""")
    b = one(remote, 'SELECT parity_bundle()')
    statements = repair(local, 't', one(remote, "SELECT parity_rows('t', ?)", keys_of(local, 't', b)))
    assert any('not repaired' in s for s in statements) != held
    if held:
        local.executescript('\n'.join(statements))
        assert local.execute('SELECT id, v FROM t').fetchall() == [('x', 1)]


def test_one_bundle_names_its_table(tmp_path):
    pair = Pair(tmp_path, CASES['int'])
    rows = pair.rows()
    assert repair(pair.local, None, rows) == repair(pair.local, 't', rows)
    assert recheck(pair.local, 't', rows) == recheck(pair.local, 'main.t', rows)


# ---- what changes meanwhile ------------------------------------------------------------------

@pytest.mark.parametrize('name', ['int', 'text', 'composite', 'without rowid', 'wide', 'hostile names'])
def test_a_row_that_changed_is_left_alone(tmp_path, name):
    """Each statement is guarded: rows that another one wrote to since are left alone, and counted."""
    pair = Pair(tmp_path, CASES[name])
    local, case, table = pair.local, pair.case, quoted(pair.table)
    rows = pair.rows()
    statements = pair.repair(rows)
    still = recheck(local, table, rows)
    here = {case.key(row): row for row in local.execute('SELECT * FROM ' + table)}
    there = {case.key(row): row for row in pair.remote.execute('SELECT * FROM ' + table)}
    changed = next(key for key in here if key in there and here[key] != there[key])
    gone = next(key for key in here if key not in there)
    new = next(key for key in there if key not in here)
    # one column of the changed row and of the row to be deleted is written to, and the row to be inserted is there
    column = next(i for i in reversed(range(len(case.columns))) if i not in case.keys)
    at = ' AND '.join('%s IS ?' % quoted(case.columns[i][0]) for i in case.keys)
    values = {changed: 77, gone: 78}
    for key, value in values.items():
        local.execute('UPDATE %s SET %s = ? WHERE %s' % (table, quoted(case.columns[column][0]), at), (value, *key))
    case.fill(local, [tuple(79 if i == column else there[new][i] for i in range(len(case.columns)))])
    values[new] = 79
    code, out, err = pair.shell(statements)
    assert (code, err) == (0, '')
    done, all_of_them = took_effect(out)
    assert all_of_them - done == 3 and done > 0
    for key, value in values.items():
        got = local.execute('SELECT %s FROM %s WHERE %s' % (quoted(case.columns[column][0]), table, at), key).fetchall()
        assert [str(row[0]) for row in got] == [str(value)]
    left = recheck(local, table, rows)
    assert len(left) == 3 and {row[2] for row in left} <= {row[2] for row in still}
    # a second repair, made of what is there now, does it
    code, out, err = pair.shell(pair.repair(rows))
    assert (code, err) == (0, '') and took_effect(out) == (3, 3)
    assert pair.status() == 'match'


def test_recheck_forgets_what_was_mended(tmp_path):
    pair = Pair(tmp_path, CASES['int'])
    rows = pair.rows()
    before = recheck(pair.local, 't', rows)
    changed = [row for row in before if row[1] == 'changed']
    new = pair.remote.execute('SELECT * FROM t WHERE id = ?', (int(changed[0][0]),)).fetchone()
    pair.local.execute('REPLACE INTO t VALUES(%s)' % ', '.join('?' * len(new)), new)
    assert recheck(pair.local, 't', rows) == [row for row in before if row != changed[0]]


def test_statements_may_run_while_they_are_read(tmp_path):
    pair = Pair(tmp_path, CASES['int'])
    runner = connect(pair.path, timeout=0)
    for (statement,) in pair.local.execute("SELECT statement FROM parity_repair('t', ?)", (pair.rows(),)):
        runner.execute(statement)
    assert pair.status() == 'match' and not runner.in_transaction


# ---- rows --------------------------------------------------------------------------------------

def test_rows_head_and_members(tmp_path):
    pair = Pair(tmp_path, CASES['int'])
    r, b = json.loads(pair.rows('[1000000]')), json.loads(pair.bundle())
    for name in ('parity', 'engine', 'version', 'server', 'schema', 'position'):
        assert r[name] == b[name], name
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', r['time'])
    spec = json.loads(one(pair.remote, "SELECT parity_spec('t')"))
    assert r['table'] == spec and r['rows'] == []
    assert len(r['keys']) == 1


def test_forms_of_keys(tmp_path):
    """Keys, key hashes and rows of diff name the same rows; what is asked for twice comes once."""
    db = connect()
    db.execute('CREATE TABLE t(id TEXT PRIMARY KEY, n INT)')
    db.executemany('INSERT INTO t VALUES(?, ?)', [('k%d' % i, i) for i in range(50)])
    other = connect()
    other.execute('CREATE TABLE t(id TEXT PRIMARY KEY, n INT)')
    other.executemany('INSERT INTO t VALUES(?, ?)', [('k%d' % i, i) for i in range(3, 50)])
    found = diff(db, 't', one(other, 'SELECT parity_bundle()'))
    assert sorted(row[0] for row in found) == ['"k0"', '"k1"', '"k2"']
    want = json.loads(one(db, "SELECT parity_rows('t', ?)", '["k0", "k1", "k2"]'))['rows']
    assert len(want) == 3
    for keys in ([{'key': 'k%d' % i} for i in range(3)], [{'key_hash': row[2]} for row in found],
                 [{'key': json.loads(row[0]), 'key_hash': row[2], 'change': row[1]} for row in found],
                 ['k0', 'k0', {'key': 'k1'}, 'k2', 'nope', {'key': None, 'key_hash': None}]):
        got = json.loads(one(db, "SELECT parity_rows('t', ?)", json.dumps(keys)))['rows']
        assert sorted(got) == sorted(want)


def test_rows_of_buckets():
    db = connect()
    db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, n INT)')
    db.executemany('INSERT INTO t VALUES(?, ?)', [(i, i) for i in range(300)])
    buckets = dict(db.execute("SELECT bucket, digest FROM parity_buckets('t', 3)"))
    assert sum(int(d.split('-')[1]) for d in buckets.values()) == 300
    for bucket, digest in buckets.items():
        rows = json.loads(one(db, "SELECT parity_rows('t', ?)", json.dumps([{'bucket': bucket, 'bits': 3}])))['rows']
        assert len(rows) == len(set(rows)) == int(digest.split('-')[1])


def test_keys_that_no_longer_exist(tmp_path):
    """A key that is on neither side is no difference; one that is only here is to be deleted."""
    pair = Pair(tmp_path, CASES['int'], edits=0)
    pair.local.execute("INSERT INTO t(id, a) VALUES(1000, 'mine')")
    rows = pair.rows('[1000, 1001]')
    assert json.loads(rows)['rows'] == []
    assert [row[:2] for row in recheck(pair.local, 't', rows)] == [('1000', 'only local')]
    pair.local.executescript('\n'.join(pair.repair(rows)))
    assert pair.status() == 'match'
    assert recheck(pair.local, 't', rows) == explain(pair.local, 't', rows) == []


# ---- wrong input ---------------------------------------------------------------------------------

TABLE_FUNCTIONS = ('SELECT * FROM parity_explain(?, ?)', 'SELECT * FROM parity_recheck(?, ?)',
                   'SELECT * FROM parity_repair(?, ?)')


def refused(pair, table, rows, *words_):
    """All three refuse the rows bundle, and nothing is open afterwards."""
    before = pair.case.stored(pair.local)
    for sql in TABLE_FUNCTIONS:
        message = error(pair.local, sql, table, rows)
        for word in words_:
            assert word in message
        assert 0 < len(message) < 2000
    assert pair.case.stored(pair.local) == before
    other = connect(pair.path, timeout=0)
    other.execute('CREATE TABLE IF NOT EXISTS not_locked(a)')


def test_wrong_arguments(tmp_path):
    pair = Pair(tmp_path, CASES['int'])
    db, b, rows = pair.local, pair.bundle(), pair.rows()
    assert 'readfile()' in error(db, 'SELECT * FROM parity_diff(?, NULL)', 't')
    assert 'the table name is NULL' in error(db, 'SELECT * FROM parity_diff(NULL, ?)', b)
    assert 'nope' in error(db, 'SELECT * FROM parity_diff(?, ?)', 'nope', b)
    assert 'BLOB' in error(db, 'SELECT * FROM parity_diff(?, ?)', b't', b)
    assert 'parity_diff(table, bundle)' in error(db, 'SELECT * FROM parity_diff(?)', 't')
    for sql in TABLE_FUNCTIONS:
        assert 'readfile()' in error(db, sql, 't', None)
        assert 'nope' in error(db, sql, 'nope', rows)
        assert 'nope' in error(db, sql, 'nope.t', rows)
        assert 'BLOB' in error(db, sql, b't', rows)
        assert '(table, rows_bundle)' in error(db, sql.replace('?, ?', '?'), 't')
    assert 'is NULL' in error(db, 'SELECT parity_rows(?, NULL)', 't')
    assert 'is NULL' in error(db, "SELECT parity_rows(NULL, '[]')")
    assert 'nope' in error(db, "SELECT parity_rows('nope', '[]')")


@pytest.mark.parametrize('keys', ['', 'x', '{', '[', '[1', '[1,]', '1', 'null', '"k"', '{"a":1}', '[[1]]', '[{"nope":1}]',
                                  '[{"key_hash":"xyz"}]', '[{"key_hash":"0123456789ABCDEF"}]', '[{"key_hash":5}]',
                                  '[{"key":{"id":1,"more":2}}]', '[{"bucket":1}]', '[{"bucket":4,"bits":2}]',
                                  '[{"bucket":-1,"bits":2}]', '[{"bucket":1,"bits":17}]',
                                  '[{"bucket":1,"bits":2},{"bucket":1,"bits":3}]', '[' * 50000, b'\xff', '[1] x'])
def test_wrong_keys(tmp_path, keys):
    db = connect()
    db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)')
    message = error(db, "SELECT parity_rows('t', ?)", keys)
    assert message and len(message) < 2000


def test_a_bundle_for_another_table(tmp_path):
    pair = Pair(tmp_path, CASES['int'])
    rows = pair.rows()
    pair.local.execute('CREATE TABLE other(id INTEGER PRIMARY KEY, a TEXT, b REAL, c BLOB, d DATETIME)')
    assert 'the bundle has no table for "other"' in error(pair.local, "SELECT * FROM parity_diff('other', ?)", pair.bundle())
    refused(pair, 'other', rows, 'other')
    refused(pair, 't', pair.bundle())
    assert error(pair.local, "SELECT * FROM parity_diff('t', ?)", rows)
    assert 'no sketch' in error(pair.local, "SELECT * FROM parity_diff('t', ?)", pair.bundle(None, 0))


@pytest.mark.parametrize('name', ['int', 'keyless'])
def test_truncated_rows(tmp_path, name):
    pair = Pair(tmp_path, CASES[name])
    rows = pair.rows().rstrip()
    assert len(json.loads(rows)['rows']) >= 3
    step = max(1, len(rows) // 60)
    for n in list(range(0, len(rows), step)) + [len(rows) - 1]:
        refused(pair, 't', rows[:n])
        refused(pair, 't', rows[:n].encode())
    # a row that lacks its end, or has more than its frames; rows that nobody asked for
    good = json.loads(rows)
    for row in ('', 'AA==', good['rows'][0][:-4], good['rows'][0] + 'AAAA', good['rows'][0][4:], 'x', 5, None):
        refused(pair, 't', json.dumps(dict(good, rows=[row])))
    refused(pair, 't', json.dumps(dict(good, keys=[])))
    refused(pair, 't', json.dumps(dict(good, rows=good['rows'] + good['rows'][:1], keys=good['keys'][:1])))


def test_members_of_a_rows_bundle(tmp_path):
    pair = Pair(tmp_path, CASES['int'])
    good = json.loads(pair.rows())
    for name in ('parity', 'engine', 'version', 'server', 'time', 'position', 'schema', 'table', 'keys', 'rows'):
        refused(pair, 't', json.dumps({k: v for k, v in good.items() if k != name}), name)
        for value in (5, None, True) + (() if name in ('keys', 'rows') else ([],)) + (() if name == 'table' else ({},)):
            refused(pair, 't', json.dumps(dict(good, **{name: value})))
    refused(pair, 't', json.dumps(dict(good, parity='p2')), 'p2')
    refused(pair, 't', json.dumps(dict(good, engine='oracle')))
    spec = json.loads(json.dumps(good['table']))
    spec['columns'][0]['name'] = 'nope'
    refused(pair, 't', json.dumps(dict(good, table=spec)))
    spec = dict(good['table'], key=['a'])
    refused(pair, 't', json.dumps(dict(good, table=spec)))


@pytest.mark.parametrize('change, words_', [
    ('ALTER TABLE t DROP COLUMN b', ['b']), ('ALTER TABLE t RENAME COLUMN a TO zz', ['a']),
])
def test_a_table_that_changed_shape(tmp_path, change, words_):
    pair = Pair(tmp_path, CASES['int'])
    if 'DROP COLUMN' in change and pair.local.execute('SELECT sqlite_version()').fetchone()[0] < '3.35':
        pytest.skip('SQLite before 3.35 cannot drop columns')
    rows, b = pair.rows(), pair.bundle()
    pair.local.execute(change)
    refused(pair, 't', rows, *words_)
    assert words_[0] in error(pair.local, "SELECT * FROM parity_diff('t', ?)", b)


def test_statements_of_a_table_that_changed_shape_do_nothing(tmp_path):
    """Made before the change, run after it: an error of the shell, and the transaction is not committed."""
    pair = Pair(tmp_path, CASES['int'])
    statements = pair.repair()
    pair.local.execute('ALTER TABLE t RENAME COLUMN a TO zz')
    before = pair.case.stored(pair.local)
    code, out, err = pair.shell(statements)
    assert code != 0 and err
    assert pair.case.stored(pair.local) == before


def test_a_table_that_was_dropped(tmp_path):
    pair = Pair(tmp_path, CASES['int'])
    rows = pair.rows()
    pair.local.execute('ALTER TABLE t RENAME TO u')
    for table, word in (('t', 'no such table: t'), (None, 't')):
        for sql in TABLE_FUNCTIONS:
            assert word in error(pair.local, sql, table, rows)


def test_a_column_that_is_only_here(tmp_path):
    """It is not compared, keeps its value in updated rows and has its default in new ones."""
    pair = Pair(tmp_path, CASES['int'])
    pair.local.execute("ALTER TABLE t ADD COLUMN mine TEXT DEFAULT 'default'")
    pair.local.execute("UPDATE t SET mine = 'kept'")
    old = {row[0] for row in pair.local.execute('SELECT id FROM t')}
    pair.local.executescript('\n'.join(pair.repair()))
    assert diff(pair.local, 't', pair.bundle()) == []
    for key, mine in pair.local.execute('SELECT id, mine FROM t'):
        assert mine == ('kept' if key in old else 'default')


def test_more_differences_than_the_sketch_holds(tmp_path):
    pair = Pair(tmp_path, CASES['int'], n=2000, edits=0)
    pair.local.execute("UPDATE t SET a = coalesce(a, '') || '!'")
    rows = diff(pair.local, 't', pair.bundle(None, 16))
    assert rows[-1][:3] == (None, None, None) and rows[-1][4] is None
    assert {row[3] for row in rows} == {0} and all('cells' in row[5] for row in rows)
    cells = int(re.search(r'cells => (\d+)', rows[-1][5]).group(1))
    rows = diff(pair.local, 't', pair.bundle(None, cells))
    assert len(rows) == 2000 and {row[1:2] + row[3:] for row in rows} == {('changed', 1, 0, None)}
    # the row that says so is no key
    assert json.loads(pair.rows(json.dumps([{'key': None, 'key_hash': None}])))['rows'] == []


def test_nothing_is_left_open(tmp_path):
    """After cursors that are left half read, the database is not locked."""
    pair = Pair(tmp_path, CASES['int'])
    rows = pair.rows()
    cursors = [pair.local.execute(sql, args) for sql, args in (
        ("SELECT * FROM parity_diff('t', ?)", (pair.bundle(),)), ("SELECT * FROM parity_explain('t', ?)", (rows,)),
        ("SELECT * FROM parity_recheck('t', ?)", (rows,)), ("SELECT * FROM parity_repair('t', ?)", (rows,)))]
    assert all(cursor.fetchone() for cursor in cursors)
    for cursor in cursors:
        cursor.close()
    connect(pair.path, timeout=0).execute('DROP TABLE t')


def test_functions_that_read_may_not_stand_in_a_schema():
    db = connect()
    db.execute('CREATE TABLE t(a)')
    for i, expression in enumerate(("parity_rows('t', '[]')", "(SELECT key FROM parity_diff('t', '{}'))",
                                    "(SELECT key FROM parity_explain('t', '{}'))",
                                    "(SELECT key FROM parity_recheck('t', '{}'))",
                                    "(SELECT statement FROM parity_repair('t', '{}'))")):
        db.execute('CREATE VIEW v%d AS SELECT %s AS x' % (i, expression))
        assert 'unsafe use' in error(db, 'SELECT x FROM v%d' % i)


def two(tmp_path, here, there):
    """Two databases with a table each and more; the statements are run as the shell would, with -bail."""
    local, remote = connect(str(tmp_path / 'here.db')), connect(str(tmp_path / 'there.db'))
    local.executescript(here)
    remote.executescript(there)
    return local, remote


def repaired(tmp_path, local, remote, table, *options, before=''):
    """Repairs one table of here.db with what there.db has; the report."""
    bundle = one(remote, 'SELECT parity_bundle()')
    rows = one(remote, 'SELECT parity_rows(?, ?)', table, keys_of(local, table, bundle))
    statements = repair(local, table, rows)
    local.executescript(before)
    code, out, err = shell(str(tmp_path / 'here.db'), statements, *options)
    assert (code, err) == (0, ''), (err, statements)
    return tuple(int(n) for n in out.split('|')), statements


def test_deletes_do_not_cascade(tmp_path):
    """A row that is only here stays as long as others refer to it by a key that acts; a row that refers to itself does not count."""
    local, remote = two(tmp_path, '''
        CREATE TABLE p(id INTEGER PRIMARY KEY, up INT REFERENCES p(id) ON DELETE CASCADE);
        CREATE TABLE c(id INTEGER PRIMARY KEY, p INT REFERENCES p(id) ON DELETE SET NULL);
        INSERT INTO p VALUES(1, NULL), (2, NULL), (3, 3), (4, 1); INSERT INTO c VALUES(10, 2);''', '''
        CREATE TABLE p(id INTEGER PRIMARY KEY, up INT); INSERT INTO p VALUES(1, NULL);''')
    report, _ = repaired(tmp_path, local, remote, 'p', '-cmd', 'PRAGMA foreign_keys = ON',
                         before='INSERT INTO c VALUES(11, 4)')
    assert report == (3, 1, 2, 0)
    assert local.execute('SELECT id FROM p ORDER BY id').fetchall() == [(1,), (2,), (4,)]
    assert local.execute('SELECT * FROM c ORDER BY id').fetchall() == [(10, 2), (11, 4)]


def test_a_key_on_this_side_alone(tmp_path):
    """Rows of one key here are updated and not deleted and inserted: columns that only this side has stay."""
    local, remote = two(tmp_path, '''
        CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, keep TEXT);
        INSERT INTO t VALUES(1, 'a', 'precious'), (2, 'b', 'too'), (3, 'c', NULL);''', '''
        CREATE TABLE t(id INT, v TEXT); INSERT INTO t VALUES(1, 'A'), (2, 'b'), (4, 'd');''')
    report, _ = repaired(tmp_path, local, remote, 't')
    assert report == (3, 3, 0, 0)
    assert local.execute('SELECT * FROM t ORDER BY id').fetchall() == [(1, 'A', 'precious'), (2, 'b', 'too'), (4, 'd', None)]


@pytest.mark.parametrize('names', ['{"a":"x","b":"y"}', '{"a":"b","b":"a"}'])
@pytest.mark.parametrize('key', [', PRIMARY KEY(a, b)', ''])
def test_keys_of_columns_with_other_names_there(tmp_path, names, key):
    there = json.loads(names)
    local, remote = two(tmp_path, 'CREATE TABLE t(a INT, b INT, v TEXT%s); INSERT INTO t VALUES(1, 2, \'x\'), (2, 1, \'y\');' % key,
                        'CREATE TABLE t(%s INT, %s INT, v TEXT%s); INSERT INTO t VALUES(1, 2, \'X\'), (2, 1, \'y\'), (3, 4, \'z\');' % (
                            there['a'], there['b'], key.replace('a, b', '%s, %s' % (there['a'], there['b']))))
    local.execute('SELECT parity_set_spec(?, ?)', ('t', '{"names":%s}' % names)).fetchall()
    report, _ = repaired(tmp_path, local, remote, 't')
    assert report[1:] == (report[0], 0, 0)
    assert sorted(local.execute('SELECT * FROM t')) == [(1, 2, 'X'), (2, 1, 'y'), (3, 4, 'z')]


def test_a_rowid_holds_integers_only(tmp_path):
    """NULL would become a new number, each time that it is run."""
    local, remote = two(tmp_path, 'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)', '''
        CREATE TABLE t(id INT PRIMARY KEY, v TEXT); INSERT INTO t VALUES(NULL, 'x'), ('abc', 'y'), (5, 'z');''')
    report, statements = repaired(tmp_path, local, remote, 't')
    assert report == (1, 1, 0, 2)
    assert local.execute('SELECT * FROM t').fetchall() == [(5, 'z')]
    assert sum('INTEGER PRIMARY KEY holds nothing but integers' in s for s in statements) == 2


def test_constraints_that_replace_do_not(tmp_path):
    """ON CONFLICT REPLACE of a constraint would delete another row."""
    local, remote = two(tmp_path, '''
        CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE ON CONFLICT REPLACE); INSERT INTO t VALUES(1, 'a'), (2, 'b');''', '''
        CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT); INSERT INTO t VALUES(1, 'b'), (2, 'a');''')
    bundle = one(remote, 'SELECT parity_bundle()')
    statements = repair(local, 't', one(remote, 'SELECT parity_rows(?, ?)', 't', keys_of(local, 't', bundle)))
    code, _, err = shell(str(tmp_path / 'here.db'), statements)
    assert code != 0 and 'UNIQUE' in err
    assert local.execute('SELECT * FROM t ORDER BY id').fetchall() == [(1, 'a'), (2, 'b')]


def test_a_statement_that_fails_is_not_counted(tmp_path):
    """Without -bail the shell goes on: what failed has not taken effect."""
    local, remote = two(tmp_path, 'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES(1, \'a\'), (2, \'b\'), (3, \'c\');',
                        'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES(1, \'A\'), (2, \'B\'), (3, \'C\');')
    bundle = one(remote, 'SELECT parity_bundle()')
    statements = repair(local, 't', one(remote, 'SELECT parity_rows(?, ?)', 't', keys_of(local, 't', bundle)))
    assert statements[0].startswith('-- rows to delete: 0, to update: 3, to insert: 0; run with sqlite3 -bail')
    local.execute('ALTER TABLE t RENAME COLUMN v TO w')
    run = subprocess.run(['sqlite3', '-cmd', '.load ' + MODULE, str(tmp_path / 'here.db')], input='\n'.join(statements),
                         capture_output=True, text=True)
    assert '3|0|3|0' in run.stdout and 'no such column' in run.stderr


def test_rows_that_were_lost_on_the_way(tmp_path):
    """A rows bundle that was cut or edited does not become deletes."""
    pair = Pair(tmp_path, CASES['int'])
    bundle = json.loads(pair.rows())
    for change in (lambda b: b['rows'].pop(), lambda b: b.update(rows=[]), lambda b: b.pop('digest'),
                   lambda b: b['rows'].append(b['rows'][0])):
        edited = json.loads(json.dumps(bundle))
        change(edited)
        for function in (explain, recheck, repair):
            with pytest.raises(sqlite3.OperationalError, match='invalid rows bundle'):
                function(pair.local, 't', json.dumps(edited))


def test_a_long_chain_of_references_takes_no_quadratic_time(tmp_path):
    n = 100000
    local, remote = two(tmp_path, 'CREATE TABLE t(id INTEGER PRIMARY KEY, up INT REFERENCES t(id))',
                        'CREATE TABLE t(id INTEGER PRIMARY KEY, up INT)')
    remote.execute('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)'
                   ' INSERT INTO t SELECT i, iif(i < ?, i + 1, NULL) FROM n', (n, n))
    rows = one(remote, 'SELECT parity_rows(?, ?)', 't', '[{"bucket":0,"bits":0}]')
    statements = repair(local, 't', rows)
    ids = [int(s.split(' SELECT ')[1].split(',')[0]) for s in statements if s.startswith('INSERT OR ABORT')]
    assert ids == list(range(n, 0, -1))
