"""The SQLite module's functions of values and digests."""

import sqlite3

import pytest

from sqlite_support import connect, error, one

NONE = 'p1-0-' + '0' * 32


@pytest.fixture
def db():
    return connect()


def test_row_hash_is_16_bytes(db):
    assert len(one(db, "SELECT parity_row_hash('int', 1)")) == 16
    assert one(db, "SELECT parity_row_hash('int', 1) = parity_row_hash('int', '1')") == 1
    assert one(db, "SELECT parity_row_hash('text', 1) = parity_row_hash('text', '1')") == 1
    assert one(db, "SELECT parity_row_hash('int', 1) = parity_row_hash('text', 1)") == 0


def test_row_hash_of_null_is_a_hash(db):
    assert one(db, "SELECT parity_row_hash('int', NULL) = parity_row_hash('text', NULL)") == 1
    assert one(db, "SELECT parity_row_hash('int', NULL) = parity_row_hash('int', 0)") == 0


def test_values_do_not_run_into_each_other(db):
    assert one(db, "SELECT parity_row_hash('text,text', 'a', '3b') = parity_row_hash('text,text', 'a3', 'b')") == 0


@pytest.mark.parametrize('kinds', ['int, decimal(10,2), text', 'int,decimal(10,2),text', 'int\ndecimal(10,2)\ntext',
                                   '\n int \n\n decimal(10,2),\ttext\n', '["int","decimal(10,2)","text"]',
                                   ' [ "int" , "decimal(10,2)" , "te\\u0078t" ] '])
def test_lists_of_kinds(db, kinds):
    assert one(db, "SELECT parity_row_hash(?, 1, 2, 3) = parity_row_hash('int, decimal(10,2), text', 1, 2, 3)",
               kinds) == 1


@pytest.mark.parametrize('kinds, words', [
    ('int', '1 kinds and 2 values'),
    ('int,int,int', '3 kinds and 2 values'),
    ('', '0 kinds and 2 values'),
    ('[]', '0 kinds and 2 values'),
    ('int,,int', 'kind'),
    (',int', 'kind'),
    ('int,nosuch', 'nosuch'),
    ('int,text nosuch=1', 'nosuch'),
    ('int,text epoch=ms', 'epoch'),
    ('int,timestamptz epoch=min', 'epoch'),
    ('["int","text"', 'not a JSON array'),
    ('["int",1]', 'not a JSON array'),
    ('["int","text"] x', 'not a JSON array'),
    ('["int","te\\q"]', 'not a JSON array'),
    (None, 'is NULL'),
    (b'int,int', 'is a BLOB'),
    ('int,int\0', 'NUL'),
])
def test_wrong_kinds(db, kinds, words):
    assert words in error(db, 'SELECT parity_row_hash(?, 1, 2)', kinds)
    assert words in error(db, 'SELECT parity_digest_agg(?, 1, 2)', kinds)


def test_wrong_kind_names_the_valid_ones(db):
    message = error(db, "SELECT parity_row_hash('nosuch', 1)")
    assert 'timestamptz' in message and 'uuid' in message


def test_no_values(db):
    assert 'at least one value' in error(db, "SELECT parity_row_hash('int')")
    assert 'at least one value' in error(db, 'SELECT parity_row_hash()')
    assert 'at least one value' in error(db, "SELECT parity_digest_agg('int')")


def test_kinds_from_a_column(db):
    """Kinds that are no constant are read anew for each row."""
    db.execute('CREATE TABLE k(kind)')
    db.execute("INSERT INTO k VALUES('int'), ('text'), ('int')")
    rows = [row[0] for row in db.execute('SELECT parity_row_hash(kind, 1) FROM k')]
    assert rows[0] == rows[2] != rows[1]
    assert 'changes from row to row' in error(db, 'SELECT parity_digest_agg(kind, 1) FROM k')


def test_aggregate_of_nothing(db):
    assert one(db, "SELECT parity_digest_agg('int', 1) WHERE 0") == NONE
    assert one(db, "SELECT parity_digest_sum(1) WHERE 0") == NONE


def test_aggregate_is_free_of_order_and_counts_duplicates(db):
    db.execute('CREATE TABLE t(a, b)')
    db.executemany('INSERT INTO t VALUES(?, ?)', [(i % 7, str(i % 3)) for i in range(100)])
    up = one(db, "SELECT parity_digest_agg('int,text', a, b) FROM (SELECT * FROM t ORDER BY rowid)")
    down = one(db, "SELECT parity_digest_agg('int,text', a, b) FROM (SELECT * FROM t ORDER BY rowid DESC)")
    distinct = one(db, "SELECT parity_digest_agg('int,text', a, b) FROM (SELECT DISTINCT a, b FROM t)")
    assert up == down and up.startswith('p1-100-')
    assert distinct.startswith('p1-21-')


def test_aggregate_equals_sum_of_groups(db):
    db.execute('CREATE TABLE t(a, b)')
    db.executemany('INSERT INTO t VALUES(?, ?)', [(i % 7, i) for i in range(100)])
    whole = one(db, "SELECT parity_digest_agg('int,int', a, b) FROM t")
    parts = one(db, "SELECT parity_digest_sum(d) FROM (SELECT parity_digest_agg('int,int', a, b) d FROM t GROUP BY a)")
    assert whole == parts
    left = one(db, "SELECT parity_digest_agg('int,int', a, b) FROM t WHERE a < 3")
    right = one(db, "SELECT parity_digest_agg('int,int', a, b) FROM t WHERE a >= 3")
    assert one(db, 'SELECT parity_digest_add(?, ?)', left, right) == whole
    assert one(db, 'SELECT parity_digest_sub(?, ?)', whole, right) == left
    assert one(db, 'SELECT parity_digest_rows(?)', whole) == 100


def test_window(db):
    db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, d)')
    for i in range(20):
        db.execute("INSERT INTO t VALUES(?, (SELECT parity_digest_agg('int', ?)))", (i, i * i))
    frame = 'OVER (ORDER BY a ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING)'
    rows = db.execute("SELECT a, parity_digest_agg('int', a * a) %s, parity_digest_sum(d) %s FROM t"
                      % (frame, frame)).fetchall()
    assert len(rows) == 20
    for a, rolling, summed in rows:
        direct = one(db, "SELECT parity_digest_agg('int', a * a) FROM t WHERE a BETWEEN ? AND ?", a - 2, a + 1)
        assert rolling == summed == direct


def test_null_digests(db):
    digest = one(db, "SELECT parity_digest_agg('int', 5)")
    assert one(db, 'SELECT parity_digest_add(NULL, ?)', digest) is None
    assert one(db, 'SELECT parity_digest_sub(?, NULL)', digest) is None
    assert one(db, 'SELECT parity_digest_rows(NULL)') is None
    assert one(db, 'SELECT parity_digest_sum(column1) FROM (VALUES(NULL), (?), (NULL))', digest) == digest


@pytest.mark.parametrize('digest', ['', 'p1', 'p2-1-' + '0' * 32, 'p1-1-' + 'f' * 32, 'p1-01-' + '0' * 32, 'p1--1-' + '0' * 32,
                                    'p1-1-' + '0' * 31, 'p1-1-' + '0' * 33, 'p1-18446744073709551616-' + '0' * 32,
                                    'P1-1-' + '0' * 32, 'p1-1-' + 'A' * 32, 7, b'\xff'])
def test_wrong_digests(db, digest):
    for sql in ('SELECT parity_digest_rows(?)', "SELECT parity_digest_add(?, '%s')" % NONE,
                "SELECT parity_digest_sub('%s', ?)" % NONE, 'SELECT parity_digest_sum(?)'):
        assert 'digest' in error(db, sql, digest)


def test_rows_out_of_range(db):
    most = 'p1-18446744073709551615-' + '0' * 32
    one_row = one(db, "SELECT parity_digest_agg('int', 5)")
    assert error(db, 'SELECT parity_digest_add(?, ?)', most, one_row)
    assert error(db, 'SELECT parity_digest_sub(?, ?)', NONE, one_row)
    assert 'INTEGER' in error(db, 'SELECT parity_digest_rows(?)', most)


def test_number_of_arguments(db):
    for call in ('parity_digest_add(1)', 'parity_digest_rows()', 'parity_digest_sum(1, 2)', 'parity_checksum()',
                 'parity_checksum(1, 2, 3, 4)', 'parity_spec()', 'parity_set_spec(1)', 'parity_bundle(1, 2, 3, 4)',
                 'parity_assert_match()', 'parity_adopt()'):
        assert 'number of arguments' in error(db, 'SELECT ' + call)


def test_pure_functions_may_stand_in_a_schema(db):
    """INNOCUOUS and DETERMINISTIC: in an index, in a view, with trusted_schema off."""
    db.execute('PRAGMA trusted_schema = OFF')
    db.execute("CREATE TABLE t(a, h GENERATED ALWAYS AS (parity_row_hash('int', a)) STORED)")
    db.execute("CREATE INDEX i ON t(parity_row_hash('int', a))")
    db.execute("CREATE VIEW v AS SELECT parity_digest_agg('int', a) d FROM t")
    db.execute('INSERT INTO t(a) VALUES(1)')
    assert one(db, 'SELECT h FROM t') == one(db, "SELECT parity_row_hash('int', 1)")
    assert one(db, 'SELECT d FROM v') == one(db, "SELECT parity_digest_agg('int', 1)")


@pytest.mark.parametrize('expression', ["parity_checksum('t')", "parity_spec('t')", "parity_set_spec('t', NULL)",
                                        'parity_bundle()', "parity_assert_match('{}')", "parity_adopt('{}')",
                                        "(SELECT digest FROM parity_column_checksums('t'))",
                                        "(SELECT kind FROM parity_infer('t'))",
                                        "(SELECT status FROM parity_verify('{}'))"])
def test_functions_that_run_sql_may_not(db, expression):
    """DIRECTONLY: a database file cannot have them run."""
    db.execute('CREATE TABLE t(a)')
    db.execute('INSERT INTO t VALUES(1)')
    db.execute('CREATE VIEW v AS SELECT %s AS x' % expression)
    assert 'unsafe use' in error(db, 'SELECT x FROM v')
    db.execute('CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT %s; END' % expression)
    assert 'unsafe use' in error(db, 'INSERT INTO t VALUES(2)')


def test_the_hidden_aggregate_cannot_be_called(db):
    for call in ('parity_reader()', 'parity_reader(1)', "parity_reader(NULL, 'a')", "parity_reader(x'00', 1)"):
        assert 'internal' in error(db, 'SELECT ' + call)


def test_only_the_entry_point_is_exported():
    import subprocess
    from sqlite_support import MODULE
    names = subprocess.run(['nm', '-D', '--defined-only', MODULE + '.so'], check=True, capture_output=True,
                           text=True).stdout.split('\n')
    assert [line.split()[-1] for line in names if line] == ['sqlite3_parity_init']


def test_loading_twice(db):
    db.enable_load_extension(True)
    from sqlite_support import MODULE
    db.load_extension(MODULE)
    assert one(db, "SELECT parity_digest_rows(parity_digest_agg('int', 1))") == 1


def test_a_value_of_a_gigabyte_is_an_error_not_a_crash(db):
    with pytest.raises(sqlite3.Error):
        db.execute("SELECT parity_row_hash('text', CAST(zeroblob(2000000000) AS TEXT))").fetchall()
    assert one(db, 'SELECT 1') == 1
