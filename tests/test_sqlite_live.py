"""Live checksums of the SQLite module: every way in which rows change, and what is noticed of the rest.

Rows are written by connections that have not loaded the module, unless a test says otherwise.
"""

import collections
import os
import random
import sqlite3
import subprocess
import threading

import pytest

from sqlite_support import MODULE, checksum, connect, error, one

LONG = int(os.environ.get('PARITY_LONG', '1'))


class Pair:
    """A database with one connection that has the module, and others that have not."""

    def __init__(self, path, mode='DELETE', encoding='UTF-8'):
        self.path = str(path)
        self.db = connect(self.path)
        self.db.execute("PRAGMA encoding = '%s'" % encoding)
        self.db.execute('PRAGMA synchronous = OFF')
        self.db.execute('PRAGMA journal_mode = ' + mode)

    def writer(self, *pragmas):
        db = sqlite3.connect(self.path, isolation_level=None)
        db.execute('PRAGMA synchronous = OFF')
        for pragma in pragmas:
            db.execute('PRAGMA ' + pragma)
        return db

    def write(self, sql, *pragmas):
        """Runs a script on a connection of its own; errors of constraints are part of the game."""
        db = self.writer(*pragmas)
        try:
            for statement in split(sql):
                try:
                    db.execute(statement)
                except sqlite3.IntegrityError:
                    pass
                except sqlite3.OperationalError as caught:
                    if 'too many levels of trigger recursion' not in str(caught):
                        raise
            if db.in_transaction:
                db.execute('COMMIT')
        finally:
            db.close()

    def exact(self, table='t'):
        """The live checksum is the full one, whether it is kept or not."""
        full = checksum(self.db, table)
        self.db.execute('PRAGMA query_only = ON')
        assert one(self.db, 'SELECT parity_live_checksum(?)', table) == full
        self.db.execute('PRAGMA query_only = OFF')
        assert one(self.db, 'SELECT parity_live_checksum(?)', table) == full
        assert one(self.db, 'SELECT parity_live_checksum(?)', table) == full
        return full

    def status(self, table='t'):
        return self.db.execute('SELECT status, reason, changes FROM parity_live_status WHERE table_name = ?',
                               (table,)).fetchone()

    def recheck(self, reason, table='t'):
        """Not exact, for this reason; track mends it."""
        status = self.status(table)
        assert status[0] == 'recheck needed' and reason in status[1], status
        message = error(self.db, 'SELECT parity_live_checksum(?)', table)
        assert message == ('the live checksum of "%s" is not exact: recheck needed: %s'
                           " (SELECT parity_track('%s') takes a new first digest.)" % (table, status[1], table))
        assert 'not exact' in error(self.db, 'SELECT * FROM parity_live_verify(?)', table)
        one(self.db, 'SELECT parity_track(?)', table)
        self.exact(table)


def split(sql):
    """The statements of a script."""
    statement = ''
    for part in sql.split(';'):
        statement += part
        if sqlite3.complete_statement(statement + ';'):
            if statement.strip():
                yield statement.strip()
            statement = ''
        else:
            statement += ';'
    assert not statement.strip(), statement


@pytest.fixture(params=['DELETE', 'WAL'])
def pair(tmp_path, request):
    pair = Pair(tmp_path / 'live.db', request.param)
    yield pair
    pair.db.close()


@pytest.fixture
def one_mode(tmp_path):
    pair = Pair(tmp_path / 'live.db', 'WAL')
    yield pair
    pair.db.close()


def track(pair, ddl, table='t'):
    pair.db.executescript(ddl)
    assert one(pair.db, 'SELECT parity_track(?)', table) is None
    pair.exact(table)


ROWS = "INSERT INTO t VALUES(1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (7, 'd', 4);"
PLAIN = 'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT);' + ROWS


def test_words():
    db = connect()
    db.executescript(PLAIN)
    assert error(db, "SELECT parity_live_checksum('t')") == \
        'table "t" is not tracked (SELECT parity_track(\'t\') starts it.)'
    assert 'is not tracked' in error(db, "SELECT * FROM parity_live_verify('t')")
    assert 'is not tracked' in error(db, "SELECT parity_untrack('t')")
    assert db.execute('SELECT * FROM parity_live_status').fetchall() == []
    assert one(db, "SELECT parity_track('t')") is None
    assert db.execute('SELECT * FROM parity_live_status').fetchall() == [('t', 'exact', None, 0)]
    db.execute("UPDATE t SET b = 9 WHERE id < 3")
    db.execute("INSERT INTO t(b) VALUES(1)")
    assert db.execute('SELECT * FROM parity_live_status').fetchall() == [('t', 'exact', None, 3)]
    assert one(db, "SELECT parity_live_checksum('T')") == checksum(db, 't')
    assert db.execute("SELECT * FROM parity_live_status('main')").fetchall() == [('t', 'exact', None, 0)]
    assert db.execute("SELECT * FROM parity_live_verify('t')").fetchall() == [(1, checksum(db, 't'), checksum(db, 't'))]
    assert one(db, "SELECT parity_untrack('main.t')") is None
    assert 'is not tracked' in error(db, "SELECT parity_live_checksum('t')")
    assert 'no such table' in error(db, "SELECT parity_track('nope')")
    assert 'is NULL' in error(db, 'SELECT parity_track(NULL)')
    assert 'no database is attached' in error(db, "SELECT * FROM parity_live_status('nope')")


def test_what_cannot_be_tracked():
    db = connect()
    db.executescript("CREATE TEMP TABLE tmp(a); CREATE VIEW v AS SELECT 1 AS a; CREATE VIRTUAL TABLE r USING rtree(i, x, y);"
                     'CREATE TABLE shadowed(rowid TEXT, oid, _rowid_); CREATE TABLE parity_mine(a); CREATE TABLE t(a, b);'
                     'CREATE UNIQUE INDEX odd ON t((a > b));')
    for name, why in [('tmp', 'temporary'), ('v', 'a view'), ('r', 'virtual'), ('main.sqlite_master', "SQLite's own"),
                      ('parity_mine', "parity's own"), ('shadowed', 'cannot be told apart'), ('t', 'compares values')]:
        assert why in error(db, 'SELECT parity_track(?)', name), name
    db.execute('DROP INDEX odd')
    db.execute('CREATE UNIQUE INDEX odd ON t(a) WHERE b = "text"')
    assert 'double quotes' in error(db, "SELECT parity_track('t')")
    # nothing is left of the attempts
    assert db.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE 'parity\\_live%' ESCAPE '\\'").fetchone() == (0,)
    assert not db.in_transaction


def test_something_else_has_the_name():
    db = connect()
    db.executescript(PLAIN + 'CREATE TABLE parity_live(x);')
    for sql in ["SELECT parity_track('t')", "SELECT parity_live_checksum('t')", 'SELECT * FROM parity_live_status']:
        assert "main.parity_live is not parity's" in error(db, sql)


# ---------------------------------------------------------------------- REPLACE evictions

UNIQUES = [
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE UNIQUE, b INT)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT, UNIQUE(a, b))',
    'CREATE TABLE t(id INT PRIMARY KEY, a TEXT, b INT)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY DESC, a TEXT, b INT)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT, b INT UNIQUE)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT \'b\' UNIQUE, b INT)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL ON CONFLICT REPLACE DEFAULT b UNIQUE, b INT)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT NOT NULL DEFAULT (1 + 1) UNIQUE)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT NOT NULL DEFAULT -2 UNIQUE)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT NOT NULL DEFAULT (abs(-2)) UNIQUE)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT); CREATE UNIQUE INDEX u ON t(a) WHERE b > 1',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT); CREATE UNIQUE INDEX u ON t(a /* , */ DESC) WHERE a IS NOT \'x\'',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT); CREATE UNIQUE INDEX u ON t(lower(a))',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT); CREATE UNIQUE INDEX u ON t(lower(a) COLLATE NOCASE DESC, b) WHERE b',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT, g INT AS (b * 2) UNIQUE)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT NOT NULL DEFAULT 2, g AS (b || a) STORED UNIQUE)',
    'CREATE TABLE t(id INT, a TEXT, b INT, PRIMARY KEY(a)) WITHOUT ROWID',
    'CREATE TABLE t(id INT, a TEXT COLLATE NOCASE, b INT, PRIMARY KEY(a, b), UNIQUE(id)) WITHOUT ROWID',
    'CREATE TABLE t(id INT, a TEXT, b INT, PRIMARY KEY(a COLLATE NOCASE, b), UNIQUE(id)) WITHOUT ROWID',
    'CREATE TABLE t(id INT PRIMARY KEY NOT NULL DEFAULT 3, a TEXT UNIQUE ON CONFLICT REPLACE, b INT) WITHOUT ROWID',
    'CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a TEXT UNIQUE ON CONFLICT REPLACE, b INT UNIQUE)',
    'CREATE TABLE t(id REAL PRIMARY KEY, a, b NUMERIC UNIQUE)',
]


@pytest.mark.parametrize('ddl', UNIQUES)
@pytest.mark.parametrize('recursive', ['ON', 'OFF'])
def test_evictions(one_mode, ddl, recursive):
    track(one_mode, ddl + ";INSERT INTO t(id, a, b) VALUES(1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (7, 'd', -2), (9, 'e', 5);")
    for conflict in ['REPLACE', 'IGNORE', 'FAIL', 'ABORT', 'ROLLBACK']:
        for sql in ["INSERT OR {0} INTO t(id, a, b) VALUES(2, 'x', 9)", "INSERT OR {0} INTO t(id, a, b) VALUES(20, 'c', 10)",
                    "INSERT OR {0} INTO t(id, a, b) VALUES(21, 'C', 3)", "INSERT OR {0} INTO t(a, b) VALUES('d', 1)",
                    "INSERT OR {0} INTO t(id, a, b) VALUES(22, NULL, NULL)", "INSERT OR {0} INTO t(id, a) VALUES(23, 'b')",
                    "INSERT OR {0} INTO t(id, b) VALUES(24, 3)", "INSERT OR {0} INTO t(id, a, b) VALUES(NULL, 'b', 2)",
                    "INSERT OR {0} INTO t(id, a, b) VALUES(1, 'q', 2), (2, 'q', 3), (3, 'B', 2), (3, 'b', 2)",
                    "INSERT OR {0} INTO t(id, a, b) SELECT id + 1, a, b FROM t",
                    "INSERT INTO t(id, a, b) VALUES(31, 'a', 2)",
                    "UPDATE OR {0} t SET a = 'a' WHERE b > 1", "UPDATE OR {0} t SET b = 2 WHERE id > 2",
                    "UPDATE OR {0} t SET id = 3 WHERE id < 3", "UPDATE OR {0} t SET id = id + 1",
                    "UPDATE OR {0} t SET a = NULL, b = NULL WHERE id > 5", "UPDATE OR {0} t SET a = 'b', b = 2, id = 2",
                    "UPDATE t SET a = lower(a), b = coalesce(b, 7)",
                    "INSERT OR {0} INTO t(id, a, b) VALUES(1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (40, 'd', 4)"]:
            one_mode.write(sql.format(conflict), 'recursive_triggers = ' + recursive)
            one_mode.exact()
        # many at once
        one_mode.write('BEGIN;' + ';'.join(
            "INSERT OR REPLACE INTO t(id, a, b) VALUES(%d, '%s', %d)" % (i % 5, 'abcB'[i % 4], i % 3) for i in range(20)))
        one_mode.exact()


def test_upsert(pair):
    track(pair, PLAIN)
    for sql in ["INSERT INTO t VALUES(1, 'z', 1) ON CONFLICT DO NOTHING",
                "INSERT INTO t VALUES(1, 'z', 1) ON CONFLICT(id) DO UPDATE SET b = excluded.b + 5, a = 'zz'",
                "INSERT INTO t VALUES(70, 'b', 1), (71, 'c', 2) ON CONFLICT(a) DO UPDATE SET id = excluded.id",
                "INSERT OR REPLACE INTO t VALUES(3, 'b', 1) ON CONFLICT(a) DO UPDATE SET b = 100",
                "INSERT INTO t SELECT id + 1, 'x' || id, b FROM t WHERE 1 ON CONFLICT(id) DO UPDATE SET b = b + 1"]:
        pair.write(sql)
        pair.exact()


# ----------------------------------------------------------------------------- keys

def test_keys_and_swaps(pair):
    track(pair, PLAIN)
    for sql in ['UPDATE t SET id = -id', 'UPDATE t SET id = id + 100', 'UPDATE t SET id = -1 WHERE a = \'a\'',
                "INSERT INTO t(a) VALUES('auto')", "INSERT INTO t VALUES(-1, 'x', 1)", "INSERT OR REPLACE INTO t VALUES(-1, 'x', 1)",
                "BEGIN; UPDATE t SET id = 5000 WHERE a = 'b'; UPDATE t SET id = 102 WHERE a = 'c';"
                " UPDATE t SET id = 103 WHERE a = 'b'; COMMIT",
                "BEGIN; UPDATE t SET a = 'tmp' WHERE a = 'b'; UPDATE t SET a = 'b' WHERE a = 'c';"
                " UPDATE t SET a = 'c' WHERE a = 'tmp'; COMMIT",
                'UPDATE t SET id = 9223372036854775807 WHERE a = \'d\'', "INSERT INTO t(a) VALUES('random rowid')",
                "UPDATE t SET rowid = 4 WHERE a = 'c'", "UPDATE t SET id = '8' WHERE a = 'c'"]:
        pair.write(sql)
        if pair.status()[0] != 'exact':  # a rowid that SQLite draws at random
            assert 'could not be foreseen' in pair.status()[1] and 'random rowid' in sql
            one(pair.db, "SELECT parity_track('t')")
        pair.exact()


@pytest.mark.parametrize('ddl', [
    'CREATE TABLE t(id, a TEXT, b INT)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT)',
    'CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT, b INT)',
])
def test_rowids_that_come_back(one_mode, ddl):
    """The newest rows are deleted, and others come under their rowids, also those that lie in a gap."""
    track(one_mode, ddl + ';' + ROWS)
    for sql in ['DELETE FROM t WHERE b = 4', "INSERT INTO t(a) VALUES('e'), ('f')", "UPDATE t SET b = 5 WHERE a = 'f'",
                "DELETE FROM t; INSERT INTO t(a) VALUES('g'), ('h')", 'DELETE FROM t', "INSERT INTO t(a) VALUES('i')",
                "BEGIN; DELETE FROM t WHERE rowid = (SELECT max(rowid) FROM t); INSERT INTO t(a) VALUES('j'); DELETE FROM t"
                " WHERE a = 'j'; INSERT INTO t(a) VALUES('k'); COMMIT",
                "INSERT INTO t(rowid, a) VALUES(-5, 'l'), (-1, 'm'), (1000, 'n')", "DELETE FROM t WHERE rowid > 0",
                "INSERT INTO t(a) VALUES('o'), ('p')", "DELETE FROM t WHERE rowid > -3", "INSERT INTO t(a) VALUES('q')"]:
        one_mode.write(sql)
        one_mode.exact()
    one_mode.write("DELETE FROM t; INSERT INTO t(a) VALUES('q'), ('r'); DELETE FROM t WHERE a = 'q'; UPDATE t SET b = 1")
    one_mode.exact()


def test_null_keys(pair):
    """A PRIMARY KEY of a rowid table may be NULL, more than once."""
    track(pair, "CREATE TABLE t(a TEXT, b INT, PRIMARY KEY(a, b)); INSERT INTO t VALUES(NULL, 1), (NULL, 1), (NULL, NULL), ('x', 1);")
    for sql in ["INSERT OR REPLACE INTO t VALUES(NULL, 1), ('x', 1), (NULL, NULL)", 'UPDATE t SET b = NULL WHERE a IS NULL',
                "UPDATE OR REPLACE t SET a = 'x', b = 1", 'DELETE FROM t WHERE a IS NULL', 'UPDATE t SET a = NULL']:
        pair.write(sql)
        pair.exact()


def test_without_rowid(pair):
    track(pair, "CREATE TABLE t(a TEXT COLLATE NOCASE, b, c, PRIMARY KEY(b, a)) WITHOUT ROWID;"
                "INSERT INTO t VALUES('k', 1, 'one'), ('l', 2, 'two'), ('m', x'00', 'blob'), ('n', 1.5, 'real');")
    for sql in ["UPDATE t SET a = upper(a)", "UPDATE t SET b = b + 1 WHERE typeof(b) = 'integer'", "UPDATE t SET b = 1.0 * b",
                "INSERT OR REPLACE INTO t VALUES('K', 2, 'x')", "INSERT OR IGNORE INTO t VALUES('M', x'00', 'y')",
                "UPDATE OR REPLACE t SET a = 'same', b = 0", 'DELETE FROM t', "INSERT INTO t VALUES('k', 1, 'one')",
                "INSERT OR REPLACE INTO t VALUES('K', 1.0, 'two')"]:
        pair.write(sql)
        pair.exact()


def test_storage_classes(pair):
    """The log keeps what the column's affinity left as it is."""
    track(pair, "CREATE TABLE t(a INT, b TEXT, c REAL, d NUMERIC, e BLOB, f BOOLEAN, g DATETIME);"
                "INSERT INTO t VALUES('x', x'0001', 5, 1e300, '5', 't', '2024-01-01 10:00'), (1.5, 7, 'y', '0x10', 5, 1, 1700000000),"
                " (x'ff', 'a' || char(0) || 'b', 9e999, -0.0, 5.0, 'f', NULL), (NULL, NULL, NULL, NULL, NULL, NULL, NULL);")
    for sql in ["UPDATE t SET a = a || '', c = -c", "UPDATE t SET e = CAST(e AS TEXT)", "UPDATE t SET c = 3, e = zeroblob(5000)",
                'DELETE FROM t WHERE rowid = 3', "INSERT INTO t(rowid, c) VALUES(3, 4), (9, 4.5)", "UPDATE t SET c = 4"]:
        pair.write(sql)
        pair.exact()


def test_delete_without_where(pair):
    track(pair, PLAIN)
    pair.write('DELETE FROM t')
    assert pair.exact().startswith('p1-0-')
    pair.write(ROWS + 'DELETE FROM t;' + ROWS)
    pair.exact()


# ------------------------------------------------- foreign keys, triggers of the application

@pytest.mark.parametrize('action', ['CASCADE', 'SET NULL', 'SET DEFAULT', 'RESTRICT', 'NO ACTION'])
def test_foreign_keys(one_mode, action):
    track(one_mode, 'CREATE TABLE p(id INTEGER PRIMARY KEY, u TEXT UNIQUE);'
          'CREATE TABLE t(id INTEGER PRIMARY KEY, p INT DEFAULT 1 REFERENCES p ON DELETE {0} ON UPDATE {0},'
          ' u TEXT DEFAULT \'a\' REFERENCES p(u) ON DELETE {0} ON UPDATE {0} DEFERRABLE INITIALLY DEFERRED,'
          ' parent INT REFERENCES t ON DELETE {0} ON UPDATE {0});'
          "INSERT INTO p VALUES(1, 'a'), (2, 'b'), (3, 'c'), (4, 'd');"
          "INSERT INTO t VALUES(1, 1, 'a', NULL), (2, 2, 'b', 1), (3, 3, 'c', 2), (4, 3, 'd', 3), (5, 4, 'a', 5);".format(action))
    for sql in ['UPDATE p SET id = 20 WHERE id = 2', "UPDATE p SET u = 'cc' WHERE id = 3", 'DELETE FROM p WHERE id = 3',
                "INSERT OR REPLACE INTO p VALUES(1, 'a')", "REPLACE INTO p VALUES(9, 'b')", 'UPDATE t SET id = id + 10 WHERE id = 2',
                'DELETE FROM t WHERE id = 1', "REPLACE INTO t VALUES(3, 4, 'd', NULL)", 'DELETE FROM p']:
        for on in 'ON', 'OFF':
            one_mode.write(sql, 'foreign_keys = ' + on)
            one_mode.exact()


@pytest.mark.parametrize('action', ['CASCADE', 'SET NULL'])
def test_drop_of_a_parent(pair, action):
    track(pair, 'CREATE TABLE p(id INTEGER PRIMARY KEY);'
          'CREATE TABLE t(id INTEGER PRIMARY KEY, p INT REFERENCES p ON DELETE %s);'
          'INSERT INTO p VALUES(1), (2); INSERT INTO t VALUES(1, 1), (2, 2), (3, NULL);' % action)
    before = pair.exact()
    pair.write('DROP TABLE p', 'foreign_keys = ON')
    assert pair.exact() != before


APPLICATION = [
    "CREATE {0} TRIGGER app1 AFTER INSERT ON {1}t BEGIN UPDATE t SET b = coalesce(b, 0) + 1 WHERE id = NEW.id; END",
    "CREATE {0} TRIGGER app1 AFTER INSERT ON {1}t WHEN NEW.b > 5 BEGIN DELETE FROM t WHERE id = NEW.id; END",
    "CREATE {0} TRIGGER app1 BEFORE INSERT ON {1}t WHEN NEW.a < 'm' BEGIN DELETE FROM t WHERE a = 'd'; END",
    "CREATE {0} TRIGGER app1 BEFORE INSERT ON {1}t WHEN NEW.b > 5 BEGIN SELECT RAISE(IGNORE); END",
    "CREATE {0} TRIGGER app1 AFTER DELETE ON {1}t BEGIN INSERT OR REPLACE INTO t VALUES(OLD.id, OLD.a || '+', OLD.b); END",
    "CREATE {0} TRIGGER app1 BEFORE DELETE ON {1}t BEGIN UPDATE t SET b = -1 WHERE id = OLD.id; END",
    "CREATE {0} TRIGGER app1 BEFORE UPDATE OF a ON {1}t BEGIN UPDATE t SET b = 17 WHERE id = OLD.id; END",
    "CREATE {0} TRIGGER app1 BEFORE UPDATE OF a ON {1}t WHEN NEW.a > 'c' BEGIN DELETE FROM t WHERE id = OLD.id; END",
    "CREATE {0} TRIGGER app1 AFTER UPDATE OF a ON {1}t WHEN NEW.b <> 3 BEGIN UPDATE OR REPLACE t SET a = 'c' WHERE b = 3; END",
    "CREATE {0} TRIGGER app1 AFTER UPDATE ON {1}t WHEN NEW.b > 5 BEGIN SELECT RAISE(ABORT, 'no'); END",
    "CREATE {0} TRIGGER app1 AFTER INSERT ON {1}t WHEN NEW.id > 10 BEGIN INSERT OR REPLACE INTO t VALUES(2, NEW.a, 0); END",
]


@pytest.mark.parametrize('trigger', APPLICATION)
@pytest.mark.parametrize('when', ['before', 'after', 'temp'])
def test_triggers_of_the_application(one_mode, trigger, when):
    """Those that were there before track, those made after it, and those of one connection only."""
    ddl = PLAIN
    if when == 'before':
        ddl += trigger.format('', '') + ';'
    track(one_mode, ddl)
    if when == 'after':
        one_mode.db.execute(trigger.format('', ''))
    for recursive in 'OFF', 'ON':
        for sql in ["INSERT INTO t VALUES(20, 'x', 3)", "INSERT INTO t(a, b) VALUES('e', 9), ('f', 1)", "REPLACE INTO t VALUES(2, 'c', 7)",
                    "UPDATE t SET a = a || '!'", "UPDATE OR REPLACE t SET a = 'b' WHERE id < 3", 'UPDATE t SET b = b + 3',
                    "UPDATE OR IGNORE t SET id = 30, a = 'k' WHERE id = 20", "DELETE FROM t WHERE id IN (2, 20)", 'DELETE FROM t',
                    "INSERT INTO t(a) VALUES('z')", ROWS]:
            one_mode.write((trigger.format('TEMP', 'main.') + ';' if when == 'temp' else '') + sql,
                           'recursive_triggers = ' + recursive)
            if one_mode.status()[0] != 'exact':
                # a BEFORE trigger that deletes the newest row changes which rowid comes next
                assert 'could not be foreseen' in one_mode.status()[1] and 'BEFORE INSERT' in trigger
                one(one_mode.db, "SELECT parity_track('t')")
            one_mode.exact()


def test_a_row_that_a_trigger_changes_meanwhile(one_mode):
    """UPDATE reads columns that it does not set again after BEFORE triggers: a row goes that nobody looked for."""
    track(one_mode, "CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b INT, UNIQUE(a, b));"
                    "INSERT INTO t VALUES(1, 1, 1), (2, 5, 2), (3, 5, 9);"
                    "CREATE TRIGGER app BEFORE UPDATE OF a ON t BEGIN UPDATE t SET b = 9 WHERE id = OLD.id; END;")
    one_mode.write('UPDATE OR REPLACE t SET a = 5 WHERE id = 1')
    assert one(one_mode.db, 'SELECT count(*) FROM t') == 2
    one_mode.recheck('another unique key than could be foreseen')
    # and where nothing goes wrong nothing is said
    one_mode.db.execute('DROP TRIGGER app')
    one_mode.write('UPDATE OR REPLACE t SET a = 7, b = 8')
    one_mode.exact()


def test_a_key_that_is_drawn_twice(one_mode):
    """A single row of VALUES has its rowid computed twice by some versions: never wrong in any."""
    track(one_mode, 'CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t'
                    ' WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT i * 2, i FROM n;')
    for i in range(30):
        one_mode.write("INSERT OR REPLACE INTO t VALUES(abs(random()) % 101, 'x')")
        if one_mode.status()[0] != 'exact':
            assert 'could not be foreseen' in one_mode.status()[1]
            one(one_mode.db, "SELECT parity_track('t')")
        one_mode.exact()
        # drawn once
        one_mode.write("INSERT OR REPLACE INTO t SELECT abs(random()) % 101, 'y'")
        one_mode.exact()


@pytest.mark.parametrize('declared, default', [('TEXT', '3'), ('TEXT', '1.5'), ('DOUBLE', "'3'"), ('DOUBLE', '3'), ('INT', "'3'"), ('INT', '3.0'),
                                               ('NUMERIC', "'3.0'"), ('NUMERIC', "'abc'"), ('INT', "'x1'"), ('BLOB', "'3'"), ('', '3')])
def test_defaults_that_the_column_converts(one_mode, declared, default):
    track(one_mode, "CREATE TABLE t(x, o %s NOT NULL DEFAULT %s, PRIMARY KEY(o)) WITHOUT ROWID;"
                    "INSERT INTO t(x) VALUES(1);" % (declared, default))
    for sql in ['INSERT OR REPLACE INTO t(x, o) VALUES(2, NULL)', "INSERT OR REPLACE INTO t(x) VALUES('1'), ('a2')",
                "INSERT OR REPLACE INTO t(x, o) VALUES('Ä', 'B'), (11, NULL)", 'UPDATE OR REPLACE t SET o = NULL, x = 5',
                'DELETE FROM t', 'INSERT OR REPLACE INTO t(x, o) VALUES(2, NULL)']:
        one_mode.write(sql)
        one_mode.exact()


def test_defaults_that_are_drawn(one_mode):
    track(one_mode, "CREATE TABLE t(id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))), a INT) WITHOUT ROWID;"
                    "CREATE TABLE u(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16)))), a INT);"
                    "CREATE TRIGGER app AFTER INSERT ON t WHEN NEW.a = 5 BEGIN UPDATE t SET a = 6 WHERE id = NEW.id; END;")
    one(one_mode.db, "SELECT parity_track('u')")
    for table in 't', 'u':
        for i in range(5):
            one_mode.write('INSERT INTO {0}(a) VALUES({1}); INSERT OR REPLACE INTO {0}(a) VALUES({1}), (2);'
                           'UPDATE {0} SET a = a + 10 WHERE a = {1}'.format(table, i))
            one_mode.exact(table)
    one_mode.write('INSERT OR REPLACE INTO u(k, a) VALUES(NULL, 1)')
    one_mode.exact('u')


# ------------------------------------------------------------------- transactions

def test_savepoints_and_rollback(pair):
    track(pair, PLAIN)
    before = pair.exact()
    pair.write("BEGIN; DELETE FROM t; SAVEPOINT s; INSERT INTO t(a) VALUES('x'); ROLLBACK TO s; ROLLBACK")
    assert pair.exact() == before
    pair.write("SAVEPOINT o; UPDATE t SET b = 0; SAVEPOINT s; DELETE FROM t WHERE id = 1; UPDATE t SET id = 50 WHERE id = 7;"
               " ROLLBACK TO s; RELEASE s; INSERT INTO t(a) VALUES('x'); RELEASE o")
    pair.exact()
    pair.write("BEGIN; INSERT OR ROLLBACK INTO t VALUES(1, 'y', 1)")
    pair.exact()


def test_inside_the_transaction_of_the_caller(pair):
    track(pair, PLAIN)
    db = pair.db
    live = lambda: one(db, "SELECT parity_live_checksum('t')")
    before = live()
    db.execute('BEGIN')
    assert live() == before
    # a transaction that reads stays one: another connection can write
    pair.write("UPDATE t SET b = 99 WHERE id = 3") if one(db, 'PRAGMA journal_mode') == 'wal' else None
    assert live() == before
    db.execute('COMMIT')
    pair.exact()
    before = live()
    db.execute('BEGIN')
    db.execute('UPDATE t SET b = 5')
    inner = live()
    assert inner == checksum(db, 't') != before and pair.status()[2] == 0
    db.execute('SAVEPOINT s')
    db.execute('DELETE FROM t WHERE id < 3')
    assert live() == checksum(db, 't')
    db.execute('ROLLBACK TO s')
    assert live() == inner == checksum(db, 't')
    db.execute("INSERT INTO t(a) VALUES('n')")
    assert live() == checksum(db, 't')
    db.execute('ROLLBACK')
    assert live() == before == checksum(db, 't')
    # as part of a statement that writes
    db.execute("CREATE TABLE kept AS SELECT 1 AS c WHERE 0")
    db.execute('UPDATE t SET b = 6')
    db.execute("INSERT INTO kept SELECT parity_live_checksum('t')")
    assert one(db, 'SELECT c FROM kept') == checksum(db, 't')
    db.execute("UPDATE t SET a = parity_live_checksum('t') || id")
    pair.exact()


def test_a_function_that_asks_in_the_middle(one_mode):
    """Between the trigger that logs a row and the change of it."""
    track(one_mode, PLAIN)
    db = one_mode.db
    asked = []
    db.create_function('ask', 0, lambda: asked.append(one(db, "SELECT parity_live_checksum('t') = parity_checksum('t')")))
    db.executescript('CREATE TRIGGER app BEFORE UPDATE ON t BEGIN SELECT ask(); END;'
                     'CREATE TRIGGER app2 BEFORE INSERT ON t BEGIN SELECT ask(); END;'
                     'CREATE TRIGGER app3 AFTER DELETE ON t BEGIN SELECT ask(); END;')
    db.execute('UPDATE t SET b = b + 1')
    db.execute("INSERT OR REPLACE INTO t VALUES(3, 'a', 9)")
    db.execute('DELETE FROM t WHERE id > 2')
    assert asked == [1] * len(asked) and len(asked) > 5
    db.executescript('DROP TRIGGER app; DROP TRIGGER app2; DROP TRIGGER app3;')
    one_mode.exact()


def test_many_statements_at_once(one_mode):
    track(one_mode, PLAIN + 'CREATE TABLE u(a); INSERT INTO u VALUES(1);')
    db = one_mode.db
    one_mode.write("UPDATE t SET b = 70")
    rows = db.execute('SELECT * FROM t')
    rows.fetchone()
    assert one(db, "SELECT parity_live_checksum('t')") == checksum(db, 't')
    assert 'cannot be dropped now' in error(db, "SELECT parity_untrack('t')")
    assert one(db, "SELECT parity_track('t')") is None  # the log is kept, so that nothing need be dropped
    assert len(rows.fetchall()) == 3
    one_mode.exact()
    assert db.execute("SELECT parity_track(name) FROM sqlite_master WHERE type = 'table' AND name IN ('t', 'u')").fetchall() == \
        [(None,), (None,)]
    one_mode.exact('u')
    db.execute('CREATE TABLE x(a)')
    assert 'SQL statements in progress' in error(db, "INSERT INTO x SELECT parity_track('t')")
    one_mode.exact()


def test_track_in_a_transaction(pair):
    pair.db.executescript(PLAIN)
    pair.db.execute('BEGIN')
    one(pair.db, "SELECT parity_track('t')")
    pair.db.execute('UPDATE t SET b = 3')
    assert one(pair.db, "SELECT parity_live_checksum('t')") == checksum(pair.db, 't')
    pair.db.execute('ROLLBACK')
    assert 'is not tracked' in error(pair.db, "SELECT parity_live_checksum('t')")
    one(pair.db, "SELECT parity_track('t')")
    pair.db.execute('SAVEPOINT s')
    one(pair.db, "SELECT parity_untrack('t')")
    assert 'is not tracked' in error(pair.db, "SELECT parity_live_checksum('t')")
    pair.db.execute('ROLLBACK TO s')
    pair.db.execute('RELEASE s')
    pair.exact()
    # an error within leaves the caller's transaction as it is
    pair.db.execute('BEGIN')
    pair.db.execute('UPDATE t SET b = 4')
    pair.db.execute('CREATE TABLE bad(a, b)')
    pair.db.execute('CREATE UNIQUE INDEX odd ON bad(a = b)')
    assert 'compares values' in error(pair.db, "SELECT parity_track('bad')")
    pair.db.execute('COMMIT')
    assert one(pair.db, 'SELECT sum(b) FROM t') == 16
    pair.exact()


def test_busy_and_read_only(pair):
    track(pair, PLAIN)
    wal = one(pair.db, 'PRAGMA journal_mode') == 'wal'
    pair.write('UPDATE t SET b = 50 WHERE id = 1')
    other = pair.writer('busy_timeout = 0')
    other.execute('BEGIN IMMEDIATE')
    full = checksum(pair.db, 't')
    assert one(pair.db, "SELECT parity_live_checksum('t')") == full
    assert pair.status() == ('exact', None, 1)
    assert pair.db.execute("SELECT match FROM parity_live_verify('t')").fetchall() == [(1,)]
    other.execute('ROLLBACK')
    if wal:
        # a snapshot that is no longer the newest cannot be written from
        pair.db.execute('BEGIN')
        one(pair.db, 'SELECT count(*) FROM t')
        other.execute('UPDATE t SET b = 51 WHERE id = 1')
        assert one(pair.db, "SELECT parity_live_checksum('t')") == full == checksum(pair.db, 't')
        pair.db.execute('COMMIT')
    else:
        # the commit waits for a reader in vain
        pair.db.execute('PRAGMA busy_timeout = 0')
        other.execute('BEGIN')
        one(other, 'SELECT count(*) FROM t')
        assert one(pair.db, "SELECT parity_live_checksum('t')") == full
        assert pair.status() == ('exact', None, 1) and not pair.db.in_transaction
        other.execute('COMMIT')
    other.close()
    reader = connect('file:%s?mode=ro' % pair.path, uri=True)
    assert one(reader, "SELECT parity_live_checksum('t')") == checksum(pair.db, 't')
    assert one(reader, 'SELECT changes FROM parity_live_status') > 0
    assert 'readonly' in error(reader, "SELECT parity_track('t')")
    reader.close()
    pair.exact()
    assert pair.status()[2] == 0


def test_two_that_fold(pair):
    """Both connections get the digest, and the log is folded once."""
    track(pair, PLAIN)
    other = connect(pair.path)
    for i in range(20):
        pair.write('UPDATE t SET b = b + 1; INSERT INTO t(a) VALUES(%d)' % i)
        got = []
        threads = [threading.Thread(target=lambda path: got.append(one(connect(path), "SELECT parity_live_checksum('t')")),
                                    args=(pair.path,)) for _ in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert got == [checksum(other, 't')] * 3
    pair.exact()
    other.close()


# -------------------------------------------------------------------------- the schema

@pytest.mark.parametrize('sql,reason', [
    ('ALTER TABLE t ADD COLUMN c TEXT DEFAULT 5', 'columns or their kinds'),
    ('ALTER TABLE t RENAME COLUMN b TO "b b"', 'columns or their kinds'),
    ('CREATE UNIQUE INDEX u ON t(b)', 'unique keys'),
    ("CREATE UNIQUE INDEX u ON t(b); DELETE FROM t WHERE id = 3; DROP INDEX u", None),
    ("CREATE UNIQUE INDEX u ON t(b); REPLACE INTO t VALUES(90, 'x', 3); DROP INDEX u", 'number of rows'),
    ('CREATE INDEX i ON t(b)', None),
    ('DROP TRIGGER parity_live_1_update', 'parity_live_1_update was removed'),
    ('DROP TRIGGER parity_live_1_fold', 'was removed'),
    ('DROP VIEW parity_live_sentinel_1', 'was removed'),
    ('DROP TABLE parity_live_log_1', 'was removed'),
    ('DROP TABLE t', 'the table was dropped'),
    ('DROP TABLE t; CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT)', 'was removed'),
    ('DROP TABLE t; CREATE VIEW t AS SELECT 1 AS id', 'no table any more'),
    ('BEGIN; CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT); INSERT INTO n SELECT * FROM t; DROP TABLE t;'
     'ALTER TABLE n RENAME TO t; COMMIT', 'was removed'),
    ("CREATE TABLE other(a); DROP TABLE other; UPDATE t SET b = 77", None),
    ("INSERT INTO parity_override VALUES('t', '{\"exclude\":[\"b\"]}')", 'columns or their kinds'),
    ("INSERT INTO parity_override VALUES('t', '{\"exclude\":[\"zz\"]}')", 'do not fit'),
])
def test_schema_changes(one_mode, sql, reason):
    track(one_mode, PLAIN + 'CREATE TABLE parity_override(table_name TEXT PRIMARY KEY COLLATE NOCASE, overrides TEXT NOT NULL);')
    one_mode.write('UPDATE t SET b = b + 10 WHERE id = 1')
    one_mode.write(sql)
    if reason is None:
        one_mode.exact()
        return
    status = one_mode.status()
    assert status[0] == 'recheck needed' and reason in status[1], status
    if sql.startswith('DROP TABLE t') or 'zz' in sql:
        if 'CREATE' not in sql and 'zz' not in sql:
            assert 'no such table' in error(one_mode.db, "SELECT parity_live_checksum('t')")
        elif 'zz' not in sql:
            assert 'not exact' in error(one_mode.db, "SELECT parity_live_checksum('t')")
        one(one_mode.db, "SELECT parity_untrack('t')")
        assert leftovers(one_mode.db) == []
    else:
        one_mode.recheck(reason)


def test_a_trigger_that_was_made_again(pair):
    track(pair, PLAIN)
    sql = one(pair.db, "SELECT sql FROM sqlite_master WHERE name = 'parity_live_1_update'")
    pair.write('DROP TRIGGER parity_live_1_update; UPDATE t SET b = 1000; ' + sql)
    pair.recheck('was removed and made again')
    # not only just now
    pair.write('DROP TRIGGER parity_live_1_delete')
    pair.write("VACUUM; CREATE TABLE other(a)")
    pair.recheck('was removed')


def test_drop_column(one_mode):
    """SQLite refuses to drop a column that a trigger names, and says so."""
    if sqlite3.sqlite_version_info < (3, 35):
        pytest.skip('no DROP COLUMN')
    track(one_mode, PLAIN)
    with pytest.raises(sqlite3.OperationalError, match='parity_live_1'):
        one_mode.db.execute('ALTER TABLE t DROP COLUMN b')
    one_mode.exact()
    one(one_mode.db, "SELECT parity_untrack('t')")
    one_mode.db.execute('ALTER TABLE t DROP COLUMN b')


@pytest.mark.parametrize('ddl', [PLAIN, 'CREATE TABLE t(id, a, b);' + ROWS,
                                 'CREATE TABLE t(id INT, a TEXT, b INT, PRIMARY KEY(id, a)) WITHOUT ROWID;' + ROWS])
def test_rename_table(pair, ddl):
    track(pair, ddl)
    pair.write('UPDATE t SET b = 5 WHERE id = 1; ALTER TABLE t RENAME TO "new ""name"; UPDATE "new ""name" SET b = 6')
    assert pair.status('new "name')[0] == 'exact'
    pair.exact('new "name')
    pair.write('CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO "new ""name" VALUES(50, \'x\', 1)')
    assert 'is not tracked' in error(pair.db, "SELECT parity_live_checksum('t')")
    pair.exact('new "name')
    one(pair.db, "SELECT parity_track('t')")
    pair.write('INSERT INTO t DEFAULT VALUES')
    pair.exact()
    # the rebuild that renames the old table away
    pair.write('CREATE TABLE u(id INTEGER PRIMARY KEY); INSERT INTO u SELECT id FROM t; ALTER TABLE t RENAME TO old;'
               ' ALTER TABLE u RENAME TO t; DROP TABLE old')
    assert pair.status()[0] == 'recheck needed'
    pair.recheck('was removed')
    one(pair.db, "SELECT parity_untrack('t')")
    one(pair.db, 'SELECT parity_untrack(\'new "name\')')
    assert leftovers(pair.db) == []


def test_writable_schema(one_mode):
    track(one_mode, PLAIN)
    for change in ["UPDATE sqlite_master SET sql = replace(sql, ' BEGIN ', ' WHEN 0 BEGIN ') WHERE name = 'parity_live_1_update'",
                   "DELETE FROM sqlite_master WHERE name = 'parity_live_1_delete'",
                   "UPDATE sqlite_master SET sql = replace(sql, 'UNIQUE', 'COLLATE NOCASE UNIQUE') WHERE name = 't'",
                   "UPDATE sqlite_master SET sql = replace(sql, 'v1', 'v1 TEXT') WHERE name = 'parity_live_log_1'"]:
        db = one_mode.writer()
        db.execute('PRAGMA writable_schema = ON')
        db.execute(change)
        db.execute('PRAGMA schema_version = %d' % (one(db, 'PRAGMA schema_version') + 1))
        db.close()
        status = one_mode.status()
        assert status[0] == 'recheck needed', change
        one_mode.recheck(status[1])


def test_stale(pair):
    """Rows that no trigger saw: live_verify finds them, and marks the table."""
    track(pair, PLAIN)
    sqls = [r[0] for r in pair.db.execute("SELECT sql FROM sqlite_master WHERE name = 'parity_live_1_update'")]
    writer = pair.writer('writable_schema = ON')
    writer.execute("UPDATE sqlite_master SET sql = replace(sql, ' BEGIN ', ' WHEN 0 BEGIN ') WHERE name = 'parity_live_1_update'")
    writer.close()
    writer = pair.writer()
    writer.execute("UPDATE t SET b = 77 WHERE id = 2")
    writer.execute('PRAGMA writable_schema = ON')
    writer.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'parity_live_1_update'", sqls)
    writer.close()
    live = one(pair.db, "SELECT parity_live_checksum('t')")
    reader = connect('file:%s?mode=ro' % pair.path, uri=True)
    assert reader.execute("SELECT * FROM parity_live_verify('t')").fetchall() == [(0, live, checksum(pair.db, 't'))]
    reader.close()
    assert pair.status()[0] == 'exact'  # a database that cannot be written is not marked
    assert pair.db.execute("SELECT * FROM parity_live_verify('t')").fetchall() == [(0, live, checksum(pair.db, 't'))]
    status = pair.status()
    assert status[0].startswith('stale since 20') and status[1] == 'parity_live_verify found another digest'
    assert 'is not exact: stale since 20' in error(pair.db, "SELECT parity_live_checksum('t')")
    one(pair.db, "SELECT parity_track('t')")
    assert pair.status() == ('exact', None, 0)
    pair.exact()


# ------------------------------------------------------------ VACUUM, dumps, other files

SHAPES = {
    'rowid key': PLAIN,
    'no key': 'CREATE TABLE t(id, a, b);' + ROWS,
    'indexed': 'CREATE TABLE t(id INT PRIMARY KEY, a TEXT, b INT);' + ROWS,
    'index of its own': 'CREATE TABLE t(id, a, b); CREATE INDEX i ON t(a);' + ROWS,
    'without rowid': 'CREATE TABLE t(id INT PRIMARY KEY, a, b) WITHOUT ROWID;' + ROWS,
}


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('pending', [None, 'UPDATE t SET b = 8 WHERE id = 3', "INSERT INTO t VALUES(9, 'new', 1)"])
def test_vacuum(one_mode, shape, pending):
    track(one_mode, SHAPES[shape])
    one_mode.write('DELETE FROM t WHERE id = 2')
    one_mode.exact()
    if pending:
        one_mode.write(pending)
    one_mode.write('VACUUM')
    if pending and one_mode.status()[0] != 'exact':
        assert shape in ('no key', 'index of its own')
        one_mode.recheck('other rowids (VACUUM')
    else:
        assert not pending or shape not in ('no key',)
        one_mode.exact()
    # whatever VACUUM has done, the next changes are seen
    one_mode.write("UPDATE t SET b = 9 WHERE id = 3; INSERT INTO t VALUES(50, 'z', 1); DELETE FROM t WHERE id = 1")
    one_mode.exact()


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('pending', [False, True])
@pytest.mark.parametrize('how', ['vacuum into', 'dump', 'backup'])
def test_copies(tmp_path, one_mode, shape, pending, how):
    track(one_mode, SHAPES[shape])
    one_mode.write('DELETE FROM t WHERE id = 2')
    one_mode.exact()
    if pending:
        one_mode.write("UPDATE t SET b = 8 WHERE id = 3; INSERT INTO t VALUES(9, 'new', 1)")
    path = str(tmp_path / 'copy.db')
    if how == 'vacuum into':
        one_mode.db.execute('VACUUM INTO ?', (path,))
    elif how == 'dump':
        dump = subprocess.run(['sqlite3', one_mode.path, '.dump'], capture_output=True, check=True).stdout
        subprocess.run(['sqlite3', path], input=dump, check=True)
    else:
        copy = sqlite3.connect(path)
        one_mode.db.backup(copy)
        copy.close()
    copy = Pair(path, 'WAL')
    try:
        if copy.status()[0] != 'exact':
            assert pending and shape in ('no key', 'indexed', 'index of its own') and how != 'backup'
            copy.recheck('other rowids')
        copy.exact()
        copy.write("UPDATE t SET b = 9 WHERE id = 3; INSERT INTO t VALUES(50, 'z', 1); DELETE FROM t WHERE id = 1")
        copy.exact()
    finally:
        copy.db.close()
    one_mode.exact()


def test_attached(tmp_path):
    """Everything is in the file of the table; the name under which it is attached does not matter."""
    path = str(tmp_path / 'other.db')
    db = connect()
    db.execute('ATTACH ? AS "the ""other"', (path,))
    db.executescript('CREATE TABLE t(id INTEGER PRIMARY KEY, mine); INSERT INTO t VALUES(1, 2);'
                     'CREATE TABLE "the ""other".t(id INTEGER PRIMARY KEY, a UNIQUE); INSERT INTO "the ""other".t VALUES(1, 2), (2, 3);')
    name = '"the ""other".t'
    one(db, 'SELECT parity_track(?)', name)
    assert one(db, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'parity%'") == 0
    assert 'is not tracked' in error(db, "SELECT parity_live_checksum('t')")
    db.execute('INSERT OR REPLACE INTO "the ""other".t VALUES(5, 2)')
    assert one(db, 'SELECT parity_live_checksum(?)', name) == checksum(db, name)
    assert db.execute('SELECT * FROM parity_live_status').fetchall() == []
    assert db.execute('SELECT * FROM parity_live_status(?)', ('the "other',)).fetchall() == [('t', 'exact', None, 0)]
    # a table of that name in temp does not get in the way
    db.executescript('CREATE TEMP TABLE t(id); CREATE TEMP TABLE parity_live(x); CREATE TEMP TABLE parity_live_log_1(y);')
    db.execute('UPDATE "the ""other".t SET a = a + 1')
    assert one(db, 'SELECT parity_live_checksum(?)', name) == checksum(db, name)
    db.close()
    pair = Pair(path)
    pair.write('UPDATE t SET id = id + 1')
    pair.exact()
    pair.db.execute('DROP TABLE t')
    one(pair.db, "SELECT parity_untrack('main.t')")
    assert leftovers(pair.db) == []
    pair.db.close()


@pytest.mark.parametrize('encoding', ['UTF-16le', 'UTF-16be'])
def test_utf16(tmp_path, encoding):
    pair = Pair(tmp_path / 'wide.db', encoding=encoding)
    track(pair, "CREATE TABLE \"Größe\"(\"Schlüssel\" TEXT PRIMARY KEY, \"Ä\" TEXT UNIQUE);"
                "INSERT INTO \"Größe\" VALUES('ä', '\U0001f600'), ('b', 'ß');", 'Größe')
    pair.write("INSERT OR REPLACE INTO \"Größe\" VALUES('c', 'ß'), ('ä', 'x'); UPDATE \"Größe\" SET \"Ä\" = \"Ä\" || '\U0001f600'")
    pair.exact('Größe')
    pair.db.close()


@pytest.mark.parametrize('table', ['old', 'new', 'select', 'a"b', "it's", 'sp ace', 'rowid', 'l', 'r', 'g', 'x;y', 'f', 'log',
                                   'm', 'what', '?', '1'])
def test_names(table):
    db = connect()
    quoted = '"%s"' % table.replace('"', '""')
    for options in ('id INTEGER PRIMARY KEY, "a""b" TEXT UNIQUE, "rowid" INT, "new" INT, "where" INT, UNIQUE("rowid", "new")',
                    '"id" TEXT, "a""b" TEXT COLLATE NOCASE UNIQUE, "oid" INT, _rowid_ INT, "lo" INT',
                    '"id" INT, "a""b" TEXT, "what" INT, "k1" INT, "seq" INT, PRIMARY KEY("id", "a""b")) WITHOUT ROWID --',
                    '"id" INT PRIMARY KEY, "a""b" TEXT AS ("k" || \'\'), "hi" INT, "k" INT, "old" INT'):
        db.execute('CREATE TABLE %s(%s\n)' % (quoted, options) if '--' not in options else 'CREATE TABLE %s(%s' % (quoted, options))
        columns = [row[1] for row in db.execute('PRAGMA table_info(%s)' % quoted)]
        names = ', '.join('"%s"' % c.replace('"', '""') for c in columns)
        if '""b" TEXT A' not in options:
            db.execute('CREATE UNIQUE INDEX "i;%s" ON %s(lower("a""b")) WHERE "id" IS NOT NULL' % (table.replace('"', '""'), quoted))
        one(db, 'SELECT parity_track(?)', quoted)
        for i in range(12):
            values = ', '.join(str((i * 7 + j) % 5) for j in range(len(columns)))
            db.execute('INSERT OR REPLACE INTO %s(%s) VALUES(%s)' % (quoted, names, values))
            db.execute('UPDATE OR REPLACE %s SET "id" = "id" + 1 WHERE "id" %% 2' % quoted)
            db.execute('DELETE FROM %s WHERE "id" = %d' % (quoted, i))
            assert one(db, 'SELECT parity_live_checksum(?)', quoted) == checksum(db, quoted)
        one(db, 'SELECT parity_untrack(?)', quoted)
        db.execute('DROP TABLE ' + quoted)
    assert leftovers(db) == []


def test_wide_tables(one_mode):
    columns = ', '.join('c%d' % i for i in range(1900))
    track(one_mode, 'CREATE TABLE t(%s); INSERT INTO t(c0, c1899) VALUES(1, 2), (3, 4);' % columns)
    one_mode.write('UPDATE t SET c1000 = c0; DELETE FROM t WHERE c0 = 1; INSERT INTO t(c5) VALUES(9)')
    one_mode.exact()


def leftovers(db, schema='main'):
    return db.execute("SELECT type, name FROM \"%s\".sqlite_master WHERE name LIKE '%%parity\\_live%%' ESCAPE '\\'"
                      % schema).fetchall()


def test_untrack_leaves_nothing(pair):
    pair.db.executescript(PLAIN + "CREATE TABLE u(a); INSERT INTO u VALUES(5);")
    before = pair.db.execute('SELECT * FROM sqlite_master ORDER BY name').fetchall()
    for name in 't', 'u':
        one(pair.db, 'SELECT parity_track(?)', name)
    pair.write('UPDATE t SET b = 1; INSERT INTO u VALUES(6)')
    one(pair.db, "SELECT parity_untrack('t')")
    pair.exact('u')
    assert [row[0] for row in pair.db.execute('SELECT table_name FROM parity_live')] == ['u']
    one(pair.db, "SELECT parity_untrack('u')")
    assert leftovers(pair.db) == []
    assert [row[:3] for row in pair.db.execute('SELECT * FROM sqlite_master ORDER BY name')] == [row[:3] for row in before]
    pair.write('UPDATE t SET b = 2; DELETE FROM u')


def test_track_again(pair):
    """Whatever was wrong, or left over."""
    track(pair, PLAIN)
    pair.write('UPDATE t SET b = 9')
    for damage in ['', 'DROP TABLE parity_live_log_1', 'DROP TRIGGER parity_live_1_insert', 'DROP VIEW parity_live_sentinel_1',
                   'DELETE FROM parity_live', 'ALTER TABLE t ADD COLUMN more']:
        pair.write(damage)
        one(pair.db, "SELECT parity_track('t')")
        assert one(pair.db, 'SELECT count(*) FROM parity_live') == 1
        pair.exact()
        pair.db.execute('INSERT INTO t(a) VALUES(?)', (damage,))
        pair.exact()


def test_left_out_of_bundles():
    db = connect()
    db.executescript(PLAIN + 'CREATE TABLE u(a, b);')
    bundle = one(db, 'SELECT parity_bundle()')
    for name in 't', 'u':
        one(db, 'SELECT parity_track(?)', name)
    assert one(db, "SELECT json_array_length(?, '$.tables')", bundle) == \
        one(db, "SELECT json_array_length(parity_bundle(), '$.tables')") == 2
    assert [row[0] for row in db.execute('SELECT status FROM parity_verify(?)', (bundle,))] == ['match', 'match']


def test_not_from_views_and_triggers():
    db = connect()
    db.executescript(PLAIN + "SELECT parity_track('t'); CREATE VIEW v AS SELECT parity_live_checksum('t') AS c;")
    assert 'unsafe use' in error(db, 'SELECT * FROM v')


def test_authorizer(one_mode):
    """Who may not write parity_live gets the digest all the same."""
    track(one_mode, PLAIN)
    one_mode.write('UPDATE t SET b = 4')
    one_mode.db.set_authorizer(lambda action, table, *_: sqlite3.SQLITE_DENY
                              if (action, table) == (sqlite3.SQLITE_UPDATE, 'parity_live') else sqlite3.SQLITE_OK)
    assert one(one_mode.db, "SELECT parity_live_checksum('t')") == checksum(one_mode.db, 't')
    assert one_mode.status()[2] == 4
    one_mode.db.set_authorizer(None)
    one_mode.exact()


def test_functions_of_the_application(one_mode):
    """Neither the triggers nor the reading call any function that an application may have replaced."""
    track(one_mode, PLAIN)
    for db in one_mode.db, one_mode.writer():
        for name, args in [('max', 1), ('min', 1), ('count', 0), ('coalesce', 2), ('max', 2)]:
            if args == 2:
                db.create_function(name, args, lambda *_: 'wrong')
            else:
                db.create_aggregate(name, args, type('Wrong', (), {'step': lambda *_: None, 'finalize': lambda _: 'wrong'}))
        db.execute("INSERT OR REPLACE INTO t VALUES(30, 'b', 1), (1, 'q', 2)")
        db.execute("UPDATE OR IGNORE t SET id = id + 100, a = a || '.'")
    one_mode.exact()


def test_interrupt(tmp_path):
    pair = Pair(tmp_path / 'live.db')
    track(pair, 'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);')
    pair.write("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT i, 'row ' || i FROM n")
    for sql in ["SELECT parity_live_checksum('t')", "SELECT * FROM parity_live_verify('t')", "SELECT parity_track('t')",
                'SELECT * FROM parity_live_status']:
        for steps in 1, 3, 10, 30:
            count = [0]

            def stop():
                count[0] += 1
                return count[0] > steps

            pair.db.set_progress_handler(stop, 1000)
            assert 'interrupted' in error(pair.db, sql)
            pair.db.set_progress_handler(None, 0)
            assert not pair.db.in_transaction
            assert pair.status()[0] == 'exact'
    pair.exact()
    pair.db.close()


# ------------------------------------------------------------------------ at random

TABLES = {
    'ipk': ('CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT, c REAL)', 'id'),
    'uniques': ('CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE UNIQUE, b INT, c REAL, UNIQUE(b, c))', 'id'),
    'autoincrement': ("CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL DEFAULT 'a3',"
                      ' b INT NOT NULL DEFAULT 4 UNIQUE, c)', 'id'),
    'no key': ('CREATE TABLE t(a TEXT, b INT, c REAL)', 'rowid'),
    'indexes': ('CREATE TABLE t(a TEXT PRIMARY KEY, b INT, c, d INT); CREATE UNIQUE INDEX u1 ON t(b) WHERE d > 3;'
                ' CREATE UNIQUE INDEX u2 ON t(lower(c) DESC, d)', 'rowid'),
    'without rowid': ('CREATE TABLE t(a TEXT COLLATE NOCASE, b INT, c, d INT, PRIMARY KEY(a, b), UNIQUE(c)) WITHOUT ROWID', None),
    # a default that is drawn from few values may come twice, unforeseen: see docs/LIVE.md
    'drawn': ('CREATE TABLE t(a TEXT, b INT DEFAULT (abs(random())), c NOT NULL DEFAULT (abs(random())), d,'
              ' PRIMARY KEY(a COLLATE NOCASE, b)) WITHOUT ROWID', None),
    'generated': ("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 'A7', b INT, c INT AS (b % 7) UNIQUE,"
                  ' d AS (lower(a)) STORED, UNIQUE(d, b))', 'id'),
    'conflict clauses': ('CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a TEXT UNIQUE ON CONFLICT REPLACE,'
                         ' b INT NOT NULL ON CONFLICT REPLACE DEFAULT 5 UNIQUE ON CONFLICT IGNORE, c)', 'id'),
    'tree': ('CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT REFERENCES t(id) ON DELETE CASCADE ON UPDATE CASCADE,'
             ' c INT REFERENCES t(id) ON DELETE SET NULL ON UPDATE SET NULL)', 'id'),
}
TRIGGERS = {
    'none': '',
    'after': 'CREATE TRIGGER app1 AFTER INSERT ON t BEGIN UPDATE t SET b = NEW.b + 1 WHERE a = NEW.a AND NEW.b < 8; END;'
             "CREATE TRIGGER app2 AFTER UPDATE OF a ON t BEGIN DELETE FROM t WHERE a = 'a5'; END;",
    'before': 'CREATE TRIGGER app1 BEFORE UPDATE OF a ON t BEGIN UPDATE t SET b = b + 1 WHERE a = OLD.a AND b < 9; END;'
              'CREATE TRIGGER app2 BEFORE INSERT ON t WHEN NEW.b = 3 BEGIN DELETE FROM t WHERE b = 5; END;',
    'delete': 'CREATE TRIGGER app1 AFTER DELETE ON t WHEN OLD.b < 6 BEGIN'
              ' INSERT OR REPLACE INTO t(a, b) VALUES(OLD.a, OLD.b + 1); END;'
              "CREATE TRIGGER app2 BEFORE DELETE ON t WHEN OLD.b = 2 BEGIN UPDATE t SET a = 'x' WHERE a = OLD.a; END",
    'ignore': 'CREATE TRIGGER app1 BEFORE INSERT ON t WHEN NEW.b = 6 BEGIN SELECT RAISE(IGNORE); END;'
              'CREATE TRIGGER app2 BEFORE UPDATE ON t WHEN NEW.b = 7 BEGIN SELECT RAISE(IGNORE); END;'
              "CREATE TRIGGER app3 AFTER INSERT ON t WHEN NEW.b = 1 BEGIN INSERT OR REPLACE INTO t(a, b) VALUES('a1', 2); END",
}
CONFLICTS = ['', 'OR REPLACE ', 'OR REPLACE ', 'OR IGNORE ', 'OR FAIL ', 'OR ABORT ', 'OR ROLLBACK ']


class Draw:
    """Statements at random.  drawn: with random() in them."""

    def __init__(self, seed, columns, key, drawn):
        self.r, self.columns, self.key, self.drawn = random.Random(seed), columns, key, drawn

    def value(self, column):
        r = self.r
        if r.random() < .08:
            return 'NULL'
        if r.random() < .06 and column != 'id':
            return r.choice(["x'00ff'", '1.5', "'1'", '1e300', "'Ä'", '-1', "'%s'" % ('z' * r.randrange(300))])
        if column in ('id', 'rowid'):
            return r.choice([str(r.randrange(-2, 25)), str(r.randrange(1, 25)), 'abs(random()) % 12', 'NULL', "'7'", '3.0'])
        if column == 'a':
            return "'%s%d'" % (r.choice('aA'), r.randrange(8))
        return r.choice([str(r.randrange(10)), 'abs(random()) % 10'])

    def where(self):
        r = self.r
        column = r.choice(self.columns + ([self.key] if self.key else []))
        return r.choice(['%s = %s' % (column, self.value(column)), '%s < %s' % (column, self.value(column)),
                         '%s > %s' % (column, self.value(column)), 'b %% 3 = %d' % r.randrange(3), '%s IS NULL' % column])

    def insert(self):
        r = self.r
        columns = [c for c in self.columns if r.random() < .8] or self.columns[:1]
        if self.key and self.key not in columns and r.random() < .3:
            columns = [self.key] + columns
        into = 'INSERT %sINTO t(%s) ' % (r.choice(CONFLICTS), ', '.join(columns))
        if r.random() < .2:
            return into + 'SELECT %s FROM t WHERE %s' % (
                ', '.join(c if r.random() < .6 else self.value(c) for c in columns), self.where())
        sql = into + 'VALUES ' + ', '.join('(%s)' % ', '.join(self.value(c) for c in columns)
                                           for _ in range(r.choice([1, 1, 1, 2, 4])))
        if r.random() < .15:
            column = r.choice(self.columns)
            sql += ' ON CONFLICT DO NOTHING' if r.random() < .3 or sqlite3.sqlite_version_info < (3, 35) else \
                ' ON CONFLICT DO UPDATE SET %s = %s' % (column, self.value(column))
        return sql

    def update(self):
        r = self.r
        every = self.columns + ([self.key] if self.key and self.key not in self.columns else [])

        def new(column):
            if column in ('id', 'rowid'):
                return r.choice([self.value(column), column + ' + 1', column + ' - 3', '-' + column])
            return r.choice([self.value(column), column, column + ' + 1' if column != 'a' else 'upper(a)'])

        columns = [c for c in every if r.random() < .35] or [r.choice(every)]
        return 'UPDATE %st SET %s WHERE %s' % (r.choice(CONFLICTS), ', '.join('%s = %s' % (c, new(c)) for c in columns),
                                               self.where())

    def statement(self):
        r = self.r
        k = r.random()
        sql = (self.insert() if k < .45 else self.update() if k < .75 else 'DELETE FROM t WHERE ' + self.where() if k < .9 else
               'DELETE FROM t' if k < .91 else r.choice(['SAVEPOINT s', 'RELEASE s', 'ROLLBACK TO s']) if k < .95 else
               r.choice(['BEGIN', 'COMMIT', 'ROLLBACK', 'BEGIN IMMEDIATE']))
        # after OR FAIL a row stays although the triggers behind the one that failed did not run
        return sql if self.drawn and 'FAIL' not in sql else sql.replace('abs(random())', '7')


@pytest.mark.parametrize('drawn', [False, True])
@pytest.mark.parametrize('triggers', TRIGGERS)
@pytest.mark.parametrize('table', TABLES)
def test_at_random(tmp_path, table, triggers, drawn):
    ddl, key = TABLES[table]
    for seed in range(2 * LONG):
        seed = '%s/%s/%s/%d' % (table, triggers, drawn, seed)
        print('seed', seed)
        r = random.Random(seed)
        pair = Pair(tmp_path / (seed.replace('/', '-') + '.db'), r.choice(['DELETE', 'WAL']))
        db = pair.db
        early = r.random() < .5
        db.executescript(ddl + ';' + (TRIGGERS[triggers] if early else ''))
        # without generated columns
        draw = Draw(seed, [row[1] for row in db.execute('PRAGMA table_info(t)') if (table, row[1]) != ('generated', 'c')], key, drawn)
        for _ in range(20):
            run(db, draw.statement())
        if db.in_transaction:
            db.execute('COMMIT')
        one(db, "SELECT parity_track('t')")
        db.executescript('' if early else TRIGGERS[triggers])
        writer, done, doubts, history = None, 0, collections.Counter(), []
        for _ in range(250):
            if writer is None or (r.random() < .2 and not writer.in_transaction):
                if writer is not None:
                    writer.close()
                writer = pair.writer('recursive_triggers = ' + r.choice(['ON', 'OFF', 'OFF']),
                                     'foreign_keys = ' + r.choice(['ON', 'OFF']))
                if triggers != 'none' and r.random() < .1:
                    writer.execute('CREATE TEMP TRIGGER tt AFTER INSERT ON main.t BEGIN'
                                   ' UPDATE t SET b = b + 1 WHERE a = NEW.a AND b < 9; END')
            history.append(draw.statement())
            history.append(run(writer, history[-1]))
            if r.random() >= .3:
                continue
            reader = db
            if writer.in_transaction:
                reader = writer
                reader.enable_load_extension(True)
                reader.load_extension(MODULE)
            elif r.random() < .05:
                writer.execute('VACUUM')
            full = checksum(reader, 't')
            try:
                assert one(reader, "SELECT parity_live_checksum('t')") == full, '\n'.join(map(str, history[-40:]))
                done += 1
            except sqlite3.OperationalError as caught:
                assert 'is not exact: recheck needed: ' in str(caught)
                reason = str(caught).split('recheck needed: ')[1].split(' (SELECT')[0].split(' (VACUUM')[0]
                doubts[reason] += 1
                if reader is db:
                    one(db, "SELECT parity_track('t')")
        writer.close()
        db.close()
        assert done > 30
        if not drawn and table not in ('drawn', 'generated') and triggers != 'before':
            assert not set(doubts) - ({'rows may have got other rowids'} if table == 'no key' else set()), doubts


def run(db, sql):
    try:
        db.execute(sql)
    except sqlite3.Error as caught:
        return '-- %s' % caught
    return ''
