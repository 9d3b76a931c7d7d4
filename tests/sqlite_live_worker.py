"""A process of test_sqlite_live_storm.py, and the tables and statements that it draws at random.

    sqlite_live_worker.py plain PATH SEED      writes; never loads the module
    sqlite_live_worker.py loaded PATH SEED     writes, with the module, and compares within its own transactions
    sqlite_live_worker.py compare PATH SEED    live against full, in one read transaction each
    sqlite_live_worker.py fold PATH SEED       calls parity_live_checksum and nothing else
    sqlite_live_worker.py faults FOLDER SEED JOURNAL SCENE STEP      see faults()

The first four go on until their standard input ends. Around each transaction they write `b` and `e`
(`w`: it was given up because of a lock) to standard output. Exit status 9: a wrong digest.
"""

import ctypes
import os
import random
import select
import shutil
import signal
import sqlite3
import sys

from sqlite_support import connect, one

WRONG = 9


class Wrong(Exception):
    """Live differs from full, or live is refused."""


class Refused(Wrong):
    """Live says that it is not exact."""


class Locked(Exception):
    """Another process has the lock: the transaction is over."""


# ---- values ----------------------------------------------------------------------

def number(r):
    """From few numbers, so that keys meet; some as text or real, which the column's affinity turns back."""
    value = r.randint(-1, 40)
    return r.choice([value] * 12 + [str(value), float(value), None])


def word(r):
    value = r.choice(['a', 'A', 'b', 'B', 'ä', 'Ä', '', "it's", 'k', 'K']) + r.choice(['', '', '1', '2'])
    return r.choice([value] * 12 + [None])


def anything(r):
    return r.choice([None, 1, 1.0, '1', b'1', 0.1, -0.0, 1e300, 2**53 + 1, -2**63, 'é' * r.randint(0, 200), '', b'', b'\0\xff',
                     r.randint(0, 5), r.random()])


# ---- tables ----------------------------------------------------------------------

class Table:
    def __init__(self, name, key, columns, targets):
        self.name = '"%s"' % name.replace('"', '""')
        self.plain = name
        self.key = key              # an expression that tells rows apart
        self.columns = columns      # name as SQL to generator
        self.targets = targets      # what ON CONFLICT may name


SCHEMA = r'''
CREATE TABLE ipk(id INTEGER PRIMARY KEY, a, b TEXT);
CREATE TABLE named(k TEXT PRIMARY KEY, n INT UNIQUE, v);
CREATE TABLE pair(a INT, b TEXT COLLATE NOCASE DEFAULT 'a', v, PRIMARY KEY(b, a DESC)) WITHOUT ROWID;
CREATE TABLE "select ""x'"("rowid" TEXT, "a b" INT, "a""b");
CREATE TABLE many(id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT COLLATE NOCASE UNIQUE, m INT UNIQUE,
                  d INT NOT NULL DEFAULT 3, w, UNIQUE(d, w));
CREATE UNIQUE INDEX many_part ON many(w) WHERE m > 20;
CREATE UNIQUE INDEX many_expr ON many(lower(n) || d COLLATE NOCASE, m / 2);
CREATE TABLE declared(k INT UNIQUE ON CONFLICT REPLACE,
                      v TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'a' UNIQUE ON CONFLICT REPLACE, x);
CREATE TABLE generated(id INTEGER PRIMARY KEY, a INT, g INT AS (a / 3) STORED UNIQUE, h TEXT AS (a || 'h'));
CREATE TABLE parent(id INTEGER PRIMARY KEY, u TEXT UNIQUE, up INT REFERENCES parent ON DELETE SET NULL);
CREATE TABLE child(p TEXT REFERENCES parent(u) ON DELETE CASCADE ON UPDATE CASCADE, n INT, q INT DEFAULT NULL
                   REFERENCES parent ON DELETE SET DEFAULT ON UPDATE CASCADE, PRIMARY KEY(p, n)) WITHOUT ROWID;
'''

# The application's own triggers: those made before track fire behind ours, those made after it before ours.
TRIGGERS_BEFORE = r"""
CREATE TRIGGER app1 AFTER INSERT ON named WHEN NEW.n % 4 = 0 BEGIN
    INSERT OR REPLACE INTO ipk(id, a) VALUES(NEW.n, NEW.v); END;
CREATE TRIGGER app2 BEFORE INSERT ON many WHEN NEW.m % 5 = 0 BEGIN DELETE FROM many WHERE m = NEW.m - 1; END;
CREATE TRIGGER app3 BEFORE UPDATE ON pair WHEN NEW.a % 5 = 0 BEGIN SELECT RAISE(IGNORE); END;
"""
TRIGGERS_AFTER = r"""
CREATE TRIGGER app4 BEFORE UPDATE ON many WHEN OLD.m % 3 = 0 BEGIN UPDATE OR IGNORE named SET n = n + 1 WHERE n = OLD.m; END;
CREATE TRIGGER app5 BEFORE INSERT ON pair WHEN NEW.a % 4 = 0 BEGIN INSERT OR IGNORE INTO pair VALUES(NEW.a + 1, NEW.b, 'app'); END;
CREATE TRIGGER app6 AFTER INSERT ON ipk WHEN NEW.id % 7 = 0 BEGIN UPDATE ipk SET id = id + 50 WHERE id = NEW.id; END;
CREATE TRIGGER app7 AFTER DELETE ON named WHEN OLD.n % 4 = 1 BEGIN INSERT INTO "select ""x'" VALUES(OLD.k, OLD.n, OLD.v); END;
CREATE TRIGGER app8 AFTER INSERT ON generated WHEN NEW.a % 5 = 0 BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER app9 AFTER UPDATE ON generated WHEN NEW.a % 5 = 0 BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER app10 AFTER INSERT ON "select ""x'" WHEN NEW."a b" % 3 = 0 BEGIN
    UPDATE "select ""x'" SET "a""b" = 'app' WHERE oid = NEW.oid; END;
"""

TABLES = [
    Table('ipk', 'id', {'id': number, 'a': anything, 'b': word}, ['(id)']),
    Table('named', 'k', {'k': word, 'n': number, 'v': anything}, ['(k)', '(n)']),
    Table('pair', 'a', {'a': number, 'b': word, 'v': anything}, ['(b, a)']),
    Table('select "x\'', 'oid', {'"rowid"': word, '"a b"': number, '"a""b"': anything, 'oid': number}, []),
    Table('many', 'm', {'id': number, 'n': word, 'm': number, 'd': number, 'w': number},
          ['(id)', '(n)', '(m)', '(d, w)', '(w) WHERE m > 20']),
    Table('declared', 'k', {'k': number, 'v': word, 'x': anything, '_rowid_': number}, ['(k)', '(v)']),
    Table('generated', 'id', {'id': number, 'a': number}, ['(id)', '(g)']),
    Table('parent', 'id', {'id': number, 'u': word, 'up': number}, ['(id)', '(u)']),
    Table('child', 'n', {'p': word, 'n': number, 'q': number}, ['(p, n)']),
]


def mixed(r):
    return r.choice([number, word, anything])(r)


NAMES = ['a', '"b c"', '"order"', '"x""y\'z"', 'Ü', '"new"', 'seq', 'present', 'k1', 'v1']


def invented(r, name):
    """A table that nobody would think of, and the statements that make it."""
    sql_name = '"%s"' % name.replace('"', '""')
    names = r.sample(NAMES, r.randint(2, 5))
    if r.random() < 0.1:
        names[-1] = r.choice(['rowid', 'oid', '_rowid_'])
    on_conflict = ['', '', ' ON CONFLICT REPLACE', ' ON CONFLICT IGNORE', ' ON CONFLICT FAIL', ' ON CONFLICT ROLLBACK']
    columns, parts, targets = {}, [], []
    kind = r.choice(['', 'id', 'id', 'id desc', 'autoincrement', 'key', 'key', 'without rowid', 'without rowid'])
    strict = sqlite3.sqlite_version_info >= (3, 37) and r.random() < 0.2
    if kind in ('id', 'id desc', 'autoincrement'):
        columns['id'] = number
        parts.append('id INTEGER PRIMARY KEY' + {'id': r.choice(on_conflict), 'id desc': ' DESC', 'autoincrement': ' AUTOINCREMENT'}[kind])
        targets.append('(id)')
    for column in names:
        declared = r.choice(['INT', 'INTEGER', 'TEXT', 'TEXT', 'REAL', 'BLOB', 'ANY'] if strict else
                            ['INT', 'INTEGER', 'TEXT', 'TEXT', 'REAL', 'NUMERIC', 'BLOB', '', 'VARCHAR(9)', 'DOUBLE'])
        columns[column] = number if 'INT' in declared else r.choice([word, mixed]) if declared in ('TEXT', 'VARCHAR(9)') else \
            r.choice([number, mixed])
        part = column + ' ' + declared
        if declared in ('TEXT', 'VARCHAR(9)', ''):
            part += r.choice(['', ' COLLATE NOCASE', ' COLLATE RTRIM'])
        if r.random() < 0.3:
            part += ' NOT NULL' + r.choice(on_conflict)
        if r.random() < 0.4:
            part += ' DEFAULT ' + ("'a'" if declared == 'TEXT' else "x'61'" if declared == 'BLOB' else r.choice(['3', '(1 + 2)', '3.0', "'3'", '-1']))
        if r.random() < 0.3:
            part += ' UNIQUE' + r.choice(on_conflict)
            targets.append('(%s)' % column)
        parts.append(part)
    ordinary = list(names)
    if r.random() < 0.3:
        parts.append('g %s AS (%s) %s' % (r.choice(['TEXT', 'INT']), r.choice(["{0} || 'x'", 'lower({0})', 'coalesce({0}, 3)']).format(
            r.choice(names)), r.choice(['STORED', 'VIRTUAL'])))
        names.append('g')
    if kind in ('key', 'without rowid'):
        key = r.sample(ordinary, r.randint(1, 2))
        parts.append('PRIMARY KEY(%s)%s' % (', '.join(c + r.choice(['', '', ' DESC', ' COLLATE NOCASE']) for c in key),
                                             '' if '(%s)' % key[0] in targets else r.choice(on_conflict)))
    options = ', '.join(['WITHOUT ROWID'] * (kind == 'without rowid') + ['STRICT'] * strict)
    statements = ['CREATE TABLE %s(%s) %s' % (sql_name, ', '.join(parts), options)]
    for number_of_index in range(r.choice([0, 1, 2])):
        on = [r.choice(['{0}', '{0}', '{0} COLLATE NOCASE', 'lower({0})', 'substr({0}, 1, 1)', "{0} || 'x'", '{0} + 1', 'typeof({0}), {0}',
                        'CAST({0} AS TEXT)', 'coalesce({0}, -1)', '{0} DESC', '({0} IS NULL), {0}']).format(r.choice(names))
              for _ in range(r.randint(1, 2))]
        where = r.choice(['', '', ' WHERE {0} IS NOT NULL', ' WHERE {0} > 5', ' WHERE length({0}) < 3', " WHERE {0} IN ('a', 'b', 7)",
                          " WHERE {0} = 'A'", ' WHERE {0} COLLATE NOCASE > 5']).format(r.choice(names))
        statements.append('CREATE UNIQUE INDEX "%s %d" ON %s(%s)%s' % (name, number_of_index, sql_name, ', '.join(on), where))
    if kind in ('', 'key', 'id desc') and '_rowid_' not in columns:
        columns['_rowid_'] = number
    return Table(name, list(columns)[0], columns, targets), statements


def create(path, journal, seed, page_size=1024, encoding='UTF-8', rows=60):
    """A database with all tables in it, filled and tracked."""
    db = connect(path)
    r = random.Random(seed)
    db.execute('PRAGMA page_size = %d' % page_size)
    db.execute("PRAGMA encoding = '%s'" % encoding)
    assert one(db, 'PRAGMA journal_mode = %s' % journal) in (journal, 'memory')
    db.execute('PRAGMA synchronous = OFF')
    db.executescript(SCHEMA + TRIGGERS_BEFORE)
    db.execute('BEGIN')
    for table in TABLES:
        for _ in range(rows):
            columns = list(table.columns)
            run(db, 'INSERT OR REPLACE INTO %s(%s) VALUES(%s)' % (table.name, ', '.join(columns), ', '.join('?' * len(columns))),
                [drawn(r, table, column) for column in columns])
    db.execute('COMMIT')
    for table in TABLES:
        one(db, 'SELECT parity_track(?)', table.name)
    db.executescript(TRIGGERS_AFTER)
    return db


# ---- statements ------------------------------------------------------------------

OR = ['', '', '', 'OR REPLACE', 'OR REPLACE', 'OR IGNORE', 'OR FAIL', 'OR ABORT', 'OR ROLLBACK']


def drawn(r, table, column):
    value = table.columns[column](r)
    if column in ('id', 'oid', '_rowid_') and not isinstance(value, int):
        return r.choice([None, 7, '7', 7.0])
    if table.name == '"pair"' and column in 'ab' and value is None and r.random() < 0.7:
        return r.choice([1, 'a'])
    return value


def some(r, table):
    columns = [column for column in table.columns if r.random() < 0.8]
    return columns or [r.choice(list(table.columns))]


def condition(r, table, params):
    column = r.choice(list(table.columns))
    if r.random() < 0.05:
        return '1'
    form = r.choice(['{c} IS ?', '{c} < ?', '{k} IN (?, ?, ?)', '({k} + ?) % 5 = 0', '{c} BETWEEN ? AND ?', '{k} = ?'])
    for _ in range(form.count('?')):
        params.append(drawn(r, table, column if '{c}' in form else table.key) if r.random() < 0.9 else number(r))
    return form.format(c=column, k=table.key)


def assignments(r, table, params, excluded=False):
    parts = []
    for column in some(r, table)[:r.randint(1, 3)]:
        roll = r.random()
        if excluded and roll < 0.5:
            parts.append('%s = excluded.%s' % (column, column))
        elif roll < 0.7 or table.columns[column] is not number:
            parts.append('%s = ?' % column)
            params.append(drawn(r, table, column))
        else:
            parts.append('%s = %s.%s + ?' % (column, table.name, column))
            params.append(r.choice([-1, 1, 2]))
    return ', '.join(parts)


def insert(r, table, params):
    columns = some(r, table)
    sql = 'INSERT %s INTO %s(%s) ' % (r.choice(OR), table.name, ', '.join(columns))
    roll = r.random()
    if roll < 0.05:
        return 'INSERT %s INTO %s DEFAULT VALUES' % (r.choice(OR), table.name)
    if roll < 0.2:
        parts = []
        for column in columns:
            if r.random() < 0.6:
                parts.append(column + (' + ?' if table.columns[column] is number else ''))
            else:
                parts.append('?')
            if '?' in parts[-1]:
                params.append(r.randint(-2, 2) if '+' in parts[-1] else drawn(r, table, column))
        sql += 'SELECT %s FROM %s WHERE %s LIMIT %d' % (', '.join(parts), table.name, condition(r, table, params), r.randint(1, 20))
    else:
        rows = r.choice([1, 1, 1, 2, 3, 6])
        sql += 'VALUES' + ', '.join(['(%s)' % ', '.join('?' * len(columns))] * rows)
        params += [drawn(r, table, column) for _ in range(rows) for column in columns]
    if table.targets and r.random() < 0.3:
        target = r.choice(table.targets)
        if r.random() < 0.3:
            sql += ' ON CONFLICT %s DO NOTHING' % r.choice([target, ''])
        else:
            sql += ' ON CONFLICT %s DO UPDATE SET %s' % (target, assignments(r, table, params, True))
            if r.random() < 0.3:
                sql += ' WHERE %s.%s > ?' % (table.name, table.key)
                params.append(r.randint(0, 30))
    return sql


def update(r, table, params):
    sql = 'UPDATE %s %s SET %s' % (r.choice(OR), table.name, assignments(r, table, params))
    if r.random() < 0.15 and sqlite3.sqlite_version_info >= (3, 33):
        sql += ' FROM (SELECT max(%s) AS top FROM %s) AS s WHERE %s.%s >= s.top - ?' % (table.key, table.name, table.name, table.key)
        params.append(r.randint(0, 5))
        return sql
    return sql + ' WHERE ' + condition(r, table, params)


def delete(r, table, params):
    if r.random() < 0.04:
        return 'DELETE FROM %s' % table.name
    return 'DELETE FROM %s WHERE %s' % (table.name, condition(r, table, params))


def statement(r, tables=TABLES):
    table = r.choice(tables)
    params = []
    sql = r.choice([insert, insert, insert, insert, update, update, update, delete])(r, table, params)
    if r.random() < 0.1 and sqlite3.sqlite_version_info >= (3, 35):
        sql += ' RETURNING 1'
    return sql, params


def triggers(db, r, tables, prefix):
    """Makes triggers that do what statements do, and gives their text."""
    made = []
    for i in range(r.choice([0, 0, 1, 2, 3])):
        sql, params = statement(r, tables)
        if 'RETURNING' in sql or 'DEFAULT VALUES' in sql:
            continue
        for value in params:
            sql = sql.replace('?', one(db, 'SELECT quote(?)', value).replace('?', ''), 1)
        made.append('CREATE %s TRIGGER "%s %d" %s %s ON %s BEGIN %s; END' % (
            r.choice(['', '', 'TEMP']) if prefix == 'after' else '', prefix, i, r.choice(['BEFORE', 'AFTER']),
            r.choice(['INSERT', 'UPDATE', 'DELETE']), r.choice(tables).name, r.choice([sql] * 9 + ['SELECT RAISE(IGNORE)'])))
        db.execute(made[-1])
    return made


def run(db, sql, params=()):
    """Whether it worked; a violated constraint is a failure of that statement only."""
    try:
        db.execute(sql, params).fetchall()
        return True
    except sqlite3.IntegrityError:
        return False
    except sqlite3.OperationalError as caught:
        if 'locked' in str(caught) or 'locking protocol' in str(caught):
            raise Locked from caught
        raise


def small_cache(db, pages):
    """Few pages: a transaction writes to the file before it commits.

    Not with a WAL. There SQLite (3.40 at least) loses committed transactions when all processes die after one that outgrew its
    cache and was rolled back in part: it leaves frames without a checksum.
    """
    db.execute('PRAGMA cache_size = %d' % pages)
    if one(db, 'PRAGMA journal_mode') == 'wal':
        db.execute('PRAGMA cache_spill = 0')


def settings(db, r):
    db.execute('PRAGMA synchronous = OFF')
    db.execute('PRAGMA foreign_keys = %d' % (r.random() < 0.7))
    db.execute('PRAGMA recursive_triggers = %d' % (r.random() < 0.3))
    small_cache(db, r.choice([3, 10, 2000]))
    db.execute('PRAGMA wal_autocheckpoint = %d' % r.choice([10, 1000]))
    db.execute('PRAGMA temp_store = MEMORY')


def transaction(db, r, after=None, tables=TABLES):
    """One transaction of random statements. after(sql, params) is called behind each."""
    begin = r.choice(['', 'BEGIN', 'BEGIN IMMEDIATE', 'SAVEPOINT outermost'])
    marks = []
    try:
        if begin:
            run(db, begin)
        if begin == 'BEGIN' and r.random() < 0.5:
            # a snapshot first: others may have written when this one wants to
            run(db, 'SELECT count(*) FROM ' + r.choice(tables).name)
        for i in range(r.randint(1, 8) if begin else 1):
            roll = r.random()
            params = []
            if begin and roll < 0.15:
                marks.append('s%d' % i)
                sql = 'SAVEPOINT ' + marks[-1]
            elif marks and roll < 0.3:
                mark = r.randrange(len(marks))
                if r.random() < 0.5:
                    sql = 'ROLLBACK TO ' + marks[mark]
                    del marks[mark + 1:]
                else:
                    sql = 'RELEASE ' + marks[mark]
                    del marks[mark:]
            else:
                sql, params = statement(r, tables)
            run(db, sql, params)
            if after:
                after(sql, params)
            if begin and not db.in_transaction:     # OR ROLLBACK
                return
        if begin:
            end = 'ROLLBACK' if r.random() < 0.2 else 'RELEASE outermost' if begin.startswith('SAVE') else 'COMMIT'
            if not run(db, end):                    # a deferred foreign key
                run(db, 'ROLLBACK')
            if after:
                after(end, [])
    finally:
        if db.in_transaction:
            db.execute('ROLLBACK')


# ---- comparing -------------------------------------------------------------------

def live(db, table):
    try:
        return one(db, 'SELECT parity_live_checksum(?)', table.name)
    except sqlite3.Error as caught:
        message = str(caught)
        if 'locked' in message or 'locking protocol' in message:
            raise Locked from caught
        if 'not exact' in message or 'not tracked' in message:
            raise Refused('%s: %s' % (table.plain, message)) from caught
        raise


def full(db, table):
    try:
        return one(db, 'SELECT parity_checksum(?)', table.name)
    except sqlite3.OperationalError as caught:
        if 'locked' in str(caught) or 'locking protocol' in str(caught):
            raise Locked from caught
        raise


def equal(db, table, live_first=True):
    """Both in the transaction that is open."""
    if live_first:
        first = live(db, table)
        second = full(db, table)
    else:
        second = full(db, table)
        first = live(db, table)
    if first != second:
        raise Wrong('%s: live %s, full %s' % (table.plain, first, second))
    return first


def equal_all(db):
    return [equal(db, table) for table in TABLES]


def pending(db):
    """Log rows that are not folded yet."""
    return one(db, 'SELECT sum(changes) FROM parity_live_status')


def compared(db, path, r):
    """One comparison, in one of the ways in which a caller can ask."""
    table = r.choice(TABLES)
    way = r.randrange(8)
    try:
        if way == 0:
            # a statement that reads a table reads one snapshot
            row = db.execute('SELECT parity_live_checksum(?1), parity_checksum(?1) FROM (SELECT 1 FROM sqlite_master LIMIT 1)',
                             (table.name,)).fetchall()[0]
            if row[0] != row[1]:
                raise Wrong('%s: in one statement live %s, full %s' % (table.plain, *row))
        elif way == 1:
            row = db.execute('SELECT "match", live, "checksum" FROM parity_live_verify(?)', (table.name,)).fetchall()
            if len(row) != 1 or row[0][0] != 1 or row[0][1] != row[0][2]:
                raise Wrong('%s: parity_live_verify says %r' % (table.plain, row))
        elif way == 2:
            reader = connect('file:%s?mode=ro' % path, uri=True, timeout=30)
            try:
                run(reader, 'BEGIN')
                equal(reader, table)
                equal(reader, r.choice(TABLES))
            finally:
                reader.close()
        else:
            run(db, 'BEGIN IMMEDIATE' if way == 3 else 'BEGIN')
            if way == 4:
                db.execute('PRAGMA query_only = 1')
            if way == 5:
                run(db, 'SAVEPOINT s')
                equal(db, table)
                run(db, 'ROLLBACK TO s')
            equal(db, table, way != 6)
            equal(db, table)
            equal(db, r.choice(TABLES))
            db.execute('PRAGMA query_only = 0')
            run(db, 'ROLLBACK' if way == 7 else 'COMMIT')
    except sqlite3.Error as caught:
        # a connection that may not write cannot roll back what a killed process has left
        if 'locked' in str(caught) or way == 2 and 'readonly' in str(caught):
            raise Locked from caught
        if 'not exact' in str(caught):
            raise Refused('%s: %s' % (table.plain, caught)) from caught
        raise
    finally:
        db.execute('PRAGMA query_only = 0')
        if db.in_transaction:
            db.execute('ROLLBACK')


# ---- processes -------------------------------------------------------------------

def told_to_end():
    return bool(select.select([0], [], [], 0)[0])


def work(role, path, seed):
    r = random.Random(seed)
    if role == 'plain':
        db = sqlite3.connect(path, timeout=30, isolation_level=None)
    else:
        db = connect(path, timeout=30)
    settings(db, r)
    recent = []

    def after(sql, params):
        recent.append((sql, params))
        if role == 'loaded' and db.in_transaction and r.random() < 0.3:
            equal(db, r.choice(TABLES))

    try:
        while not told_to_end():
            os.write(1, b'b')
            try:
                if role == 'compare':
                    compared(db, path, r)
                elif role == 'fold':
                    live(db, r.choice(TABLES))
                else:
                    del recent[:]
                    transaction(db, r, after)
                os.write(1, b'e')
            except Locked:
                os.write(1, b'w')
    except Wrong as caught:
        print('%s, seed %s: %s' % (role, seed, caught), *recent, sep='\n    ', file=sys.stderr, flush=True)
        os._exit(WRONG)
    db.close()


# ---- faults ----------------------------------------------------------------------

ACTIONS = {'die': 1, 'tear': 2, 'full': 3, 'broken': 4}


def scene(db, what, table, seed):
    """What the fault falls into. Gives the digests that were answered."""
    if what == 'fold':
        return [live(db, table)]
    r = random.Random(seed)
    if what == 'write':
        for _ in range(3):
            transaction(db, r)
        run(db, 'UPDATE OR IGNORE many SET m = m + 1')
        return []
    db.execute('BEGIN')         # 'caller': folds within a transaction that writes as well
    for _ in range(4):
        run(db, *statement(r))
    if db.in_transaction:
        live(db, table)
        run(db, 'SAVEPOINT s')
        run(db, *statement(r))
    if db.in_transaction:
        live(db, table)
    if db.in_transaction:
        run(db, 'ROLLBACK TO s')
        live(db, table)
    if db.in_transaction and not run(db, 'COMMIT'):
        run(db, 'ROLLBACK')
    run(db, 'UPDATE OR IGNORE many SET m = m + 1')
    return []


def strike(path, what, table, seed, action, n, truth):
    """In a process of its own: the n-th change to a file dies or fails. Whether there was an n-th."""
    library = ctypes.CDLL(None)
    db = connect(path)
    small_cache(db, 5)
    db.execute('PRAGMA temp_store = MEMORY')
    db.execute('PRAGMA foreign_keys = 1')
    library.fault_arm(n, ACTIONS[action])
    try:
        for digest in scene(db, what, table, seed):
            if digest != truth:
                raise Wrong('%s: the struck call answered %s, it is %s' % (table.plain, digest, truth))
    except (sqlite3.OperationalError, sqlite3.DatabaseError, Locked):
        pass                    # an error is right
    struck = library.fault_disarm()
    if db.in_transaction:
        # what the error left of the transaction counts, either way
        try:
            equal_all(db)
        except sqlite3.Error:
            pass
        if db.in_transaction:
            try:
                db.execute('COMMIT' if n % 2 else 'ROLLBACK')
            except sqlite3.Error:
                db.execute('ROLLBACK')
    db.execute('BEGIN')
    equal_all(db)
    db.execute('COMMIT')
    equal_all(db)
    db.close()
    return struck


def faults(folder, seed, journal, what, step):
    """Strikes at one change to a file after the other, or at each step-th, until there are no more; prints how many by action.

    This process is started with live_faults.so preloaded, and forks one for each strike.
    """
    template = os.path.join(folder, 'template.db')
    r = random.Random(seed)
    db = create(template, journal, seed, page_size=512)
    for table in TABLES:
        live(db, table)
    db.execute('PRAGMA wal_autocheckpoint = 0')
    table = r.choice(TABLES)
    while one(db, 'SELECT min(changes) FROM parity_live_status') < 40:
        transaction(db, r)
    db.execute('PRAGMA query_only = 1')     # the log stays as it is
    truth = equal_all(db)
    for suffix in ('', '-wal'):
        if os.path.exists(template + suffix):
            shutil.copyfile(template + suffix, os.path.join(folder, 'copy' + suffix))
    db.close()
    for action in sorted(ACTIONS):
        n, strikes = r.randint(1, int(step)), 0
        while struck_once(folder, what, table, seed, action, n, truth):
            strikes += 1
            n += int(step)
        print(action, strikes)


def struck_once(folder, what, table, seed, action, n, truth):
    """Whether there was an n-th change; what is left is sound and live equals full."""
    path = os.path.join(folder, 'struck.db')
    for suffix in ('', '-wal', '-shm', '-journal'):
        if os.path.exists(path + suffix):
            os.unlink(path + suffix)
        if os.path.exists(os.path.join(folder, 'copy' + suffix)):
            shutil.copyfile(os.path.join(folder, 'copy' + suffix), path + suffix)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if strike(path, what, table, seed, action, n, truth[TABLES.index(table)]) else 3
        except Wrong as caught:
            print('%s, strike %d: %s' % (action, n, caught), file=sys.stderr, flush=True)
            status = WRONG
        except BaseException as caught:
            print('%s, strike %d: %r' % (action, n, caught), file=sys.stderr, flush=True)
        os._exit(status)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL and action in ('die', 'tear'), status
    elif os.WEXITSTATUS(status) not in (0, 3):
        sys.exit(os.WEXITSTATUS(status))
    db = connect(path)
    assert one(db, 'PRAGMA integrity_check') == 'ok'
    db.execute('BEGIN')
    digests = equal_all(db)
    db.execute('COMMIT')
    if what == 'fold' and digests != truth:
        raise Wrong('%s, strike %d: a fold changed the tables' % (action, n))
    if equal_all(db) != digests:
        raise Wrong('%s, strike %d: folding again changed the tables' % (action, n))
    db.close()
    return not (os.WIFEXITED(status) and os.WEXITSTATUS(status) == 3)


if __name__ == '__main__':
    if sys.argv[1] == 'faults':
        faults(*sys.argv[2:])
    else:
        work(*sys.argv[1:])
