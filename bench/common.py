"""What the benchmarks share: the table, what reladiff asks of it, and taking times."""
import sqlite3
import statistics
import time

# one process a query, so that all queries have the same means; plans that a user would get otherwise
SETTINGS = ('max_parallel_workers_per_gather = 0', 'jit = off', "work_mem = '64MB'", 'parity.progress = off')

TABLE = """
CREATE UNLOGGED TABLE t (
    id bigint PRIMARY KEY, u uuid NOT NULL, name text NOT NULL, done boolean NOT NULL, n integer NOT NULL,
    price {price} NOT NULL, x double precision NOT NULL, at timestamptz NOT NULL, note text)
"""
FILL = """
INSERT INTO t
SELECT i, md5(i::text)::uuid, 'customer number ' || i, i % 3 = 0, (i::bigint * 7919) % 1000003 - 500000,
       ((i::bigint * 104729) % 10000000)::numeric / 100, sin(i) * 1000,
       '2020-01-01 00:00:00+00'::timestamptz + i * interval '37.000123 seconds',
       CASE WHEN i % 4 = 0 THEN NULL ELSE 'note ' || md5((i::bigint * 31)::text) END
FROM generate_series(1, {rows}) AS i
"""
# as SQLite's users have it: uuid and stamps as text, decimals as NUMERIC
LITE_TABLE = """
CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT, name TEXT, done BOOLEAN, n INTEGER, price NUMERIC, x REAL, at TEXT,
                note TEXT)
"""
COLUMNS = ['id', 'u', 'name', 'done', 'n', 'price', 'x', 'at', 'note']

# what reladiff makes of a column, of a row, and of a table (one 60-bit number of an MD5 a row)
RELADIFF_COLUMNS = ["coalesce(%s::varchar, '<null>')" % c for c in COLUMNS]
RELADIFF_ROW = 'md5(%s)' % " || '|' || ".join(RELADIFF_COLUMNS)
RELADIFF = "SELECT count(*), sum(('x' || substring(%s, 18))::bit(60)::bigint) FROM t" % RELADIFF_ROW


def make_table(pg, rows, price='numeric'):
    pg.execute('CREATE EXTENSION IF NOT EXISTS parity')
    pg.execute(TABLE.format(price=price))
    pg.execute(FILL.format(rows=rows))
    pg.execute('VACUUM (FREEZE, ANALYZE) t')


def build_sqlite(pg, path, table='t'):
    """The same rows in SQLite, into a new file; gives its path.

    Doubles go through Python: SQLite's own conversion of text is not always correctly rounded.
    """
    lite = sqlite3.connect(path)
    lite.execute('PRAGMA journal_mode = OFF')
    lite.execute(LITE_TABLE)
    with pg.transaction(), pg.cursor('rows') as rows:
        rows.itersize = 20000
        rows.execute("SELECT id, u::text, name, done, n, price::float8, x, "
                     "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00:00', note "
                     'FROM %s ORDER BY id' % table)
        lite.executemany('INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', rows)
    lite.commit()
    lite.close()
    return path


def configure(pg):
    for setting in SETTINGS:
        pg.execute('SET ' + setting)


def timed(call):
    """(seconds, what call gives)"""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def processor(pid):
    """Seconds that the process has had of a processor."""
    with open('/proc/%d/schedstat' % pid) as stat:
        return int(stat.read().split()[0]) / 1e9


def rotate(queries, runs):
    """{name: [seconds]} of runs rounds, after one that does not count."""
    times = {name: [] for name in queries}
    for turn in range(runs + 1):
        for name, call in queries.items():
            seconds, _ = timed(call)
            if turn > 0:
                times[name].append(seconds)
    return times


def ratio(times, a, b):
    """The median of the ratios of each round."""
    return statistics.median(x / y for x, y in zip(times[a], times[b]))
