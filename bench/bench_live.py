#!/usr/bin/python3
"""Live checksums: what tracking a table costs those who write to it, and how long live_checksum takes.

    make bench [LIVE_ROWS=1000000] [LIVE_RUNS=7] [LIVE_TXNS=1000000]
    LIVE_QUICK=1 scripts/with-postgres.sh -- /usr/bin/python3 bench/bench_live.py    # small sizes, to try it

The same statements on tables of the same shape, the columns of bench.py's with a primary key:

untracked   without any trigger
tracked     after parity.track or parity_track
PL/pgSQL, statement
            a trigger as a user might write it: per statement, with transition tables, it adds parity.digest_agg of the
            new rows to a digest in a table of one row, and subtracts that of the old rows.
PL/pgSQL, row
            the same per row. Every row is one more version of the one row, and all that its own transaction has made
            have to be passed each time: the time grows with the square of the rows of a statement. That is why this one
            is run with a hundredth of the rows, and the others once more beside it.

Bulk statements: INSERT … SELECT of LIVE_ROWS rows out of a table that is in memory, COPY of them out of a file of the
server, then UPDATE of a tenth and DELETE of another. Each round makes its tables anew; before each statement that is
timed the table is vacuumed and a checkpoint written, autovacuum is off, and each round has another order. In the end
of each, all digests that are kept have to be those of parity.checksum. fsync is off, as scripts/with-postgres.sh has
it: what a disk takes would hide what a trigger takes.

Single rows: pgbench -M prepared, an INSERT a transaction, in short slices. One client takes the tables at random,
transaction by transaction, so that all have the same connection and the same moments of the machine. Two clients take
one table a slice, since that is how they meet at a row that both have to change. "flushed" is with fsync,
full_page_writes and synchronous_commit on, as PostgreSQL comes; "not flushed" is with all three off. A slice's first
tenth does not count. Medians, 95th percentiles and means are those of a slice, and the medians of all slices are told.

live_checksum: LIVE_TXNS tracked transactions of one row by four clients, with autovacuum as it comes. Nobody calls
parity.live_compact but the bench after them; a commit now and then folds by itself. Then the same beside a transaction
that is open all the while, so that no version of a row can be removed.

By the clock a bulk statement takes now less, now more on a machine that does anything else. What the process had of a
processor, and of that the least of all rounds, is told beside it.

SQLite: a new file each time, the default journal, synchronous = OFF for the same reason as fsync. The prepared INSERTs
are Python's executemany, with keys that SQLite assigns. INSERT … SELECT names the columns: of SELECT * from a table of
the same shape SQLite copies whole records, but never where there are triggers. Where there are, even one that does
nothing, it puts the rows into a temporary table first, which takes as long as the INSERT itself.

Runs inside scripts/with-postgres.sh, by itself or out of bench.py.
"""
import glob
import itertools
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import psycopg

from common import COLUMNS, FILL, LITE_TABLE, TABLE, build_sqlite, configure, processor, timed

QUICK = 'LIVE_QUICK' in os.environ
ROWS = int(os.environ.get('LIVE_ROWS', '20000' if QUICK else '1000000'))
RUNS = int(os.environ.get('LIVE_RUNS', '1' if QUICK else '7'))
TXNS = int(os.environ.get('LIVE_TXNS', '4000' if QUICK else '1000000'))
FEW_ROWS = ROWS // 100  # of the row trigger in PL/pgSQL
SLICE = max(TXNS // 500, 200)  # transactions of a client in a slice of pgbench
SLICES = RUNS * 4
CALLS = 200  # of live_checksum
MODULE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'sqlite_ext', 'parity')

RUNNING = """
CREATE TABLE {t}_running (digest parity.digest NOT NULL);
INSERT INTO {t}_running SELECT parity.checksum('{t}');
"""
BY_STATEMENT = RUNNING + """
CREATE FUNCTION {t}_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE {t}_running SET digest = digest OPERATOR(parity.+) (SELECT parity.digest_agg({columns}) FROM new_rows);
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE {t}_running SET digest = digest OPERATOR(parity.-) (SELECT parity.digest_agg({columns}) FROM old_rows);
    ELSE
        UPDATE {t}_running SET digest = digest OPERATOR(parity.-) (SELECT parity.digest_agg({columns}) FROM old_rows)
                                               OPERATOR(parity.+) (SELECT parity.digest_agg({columns}) FROM new_rows);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER changed_i AFTER INSERT ON {t} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {t}_changed();
CREATE TRIGGER changed_u AFTER UPDATE ON {t} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {t}_changed();
CREATE TRIGGER changed_d AFTER DELETE ON {t} REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {t}_changed();
"""
BY_ROW = RUNNING + """
CREATE FUNCTION {t}_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE {t}_running SET digest = parity.digest_accum(digest, {new});
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE {t}_running SET digest = parity.digest_accum_inv(digest, {old});
    ELSE
        UPDATE {t}_running SET digest = parity.digest_accum(parity.digest_accum_inv(digest, {old}), {new});
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON {t} FOR EACH ROW EXECUTE FUNCTION {t}_changed();
"""
# {variant: (how it begins, what digest it keeps)}
VARIANTS = {
    'untracked': ('', None),
    'tracked': ("SELECT parity.track('{t}');", "parity.live_checksum('{t}')"),
    'PL/pgSQL, statement': (BY_STATEMENT, '(SELECT digest FROM {t}_running)'),
    'PL/pgSQL, row': (BY_ROW, '(SELECT digest FROM {t}_running)'),
}
BULK = ['untracked', 'tracked', 'PL/pgSQL, statement']
BULK_STATEMENTS = ['INSERT … SELECT', 'COPY', 'UPDATE of a tenth', 'DELETE of a tenth']
LITE_STATEMENTS = ['prepared INSERTs in one transaction', 'INSERT … SELECT', 'UPDATE of a tenth', 'DELETE of a tenth']


def case(flushed, clients):
    return '%s, %d client%s' % ('flushed' if flushed else 'not flushed', clients, 's' * (clients > 1))


def say(text):
    print('bench_live: ' + text, file=sys.stderr, flush=True)


def value(pg, query):
    return pg.execute(query).fetchone()[0]


def order(names, turn):
    """Each turn begins with another name, and every second one goes backwards."""
    names = list(names)
    names = names[turn % len(names):] + names[:turn % len(names)]
    return names[::-1] if turn % 2 else names


# ------------------------------------------------------------------------ tables

def create(pg, table, variant):
    pg.execute(TABLE.format(price='numeric').replace('UNLOGGED TABLE t ', 'TABLE %s ' % table))
    if VARIANTS[variant][0]:
        columns = sorted(COLUMNS)  # the order of parity.spec
        pg.execute(VARIANTS[variant][0].format(t=table, columns=', '.join(columns), new='NEW.' + ', NEW.'.join(columns),
                                               old='OLD.' + ', OLD.'.join(columns)))


def check(pg, table, variant):
    """The digest that the variant keeps is that of the table."""
    if VARIANTS[variant][1]:
        kept, digest = pg.execute("SELECT %s::text, parity.checksum('%s')::text" % (
            VARIANTS[variant][1].format(t=table), table)).fetchone()
        if kept != digest:
            sys.exit('bench_live: %s keeps %s of a table whose digest is %s' % (variant, kept, digest))


def drop(pg, table, variant):
    if variant == 'tracked':
        pg.execute("SELECT parity.untrack('%s')" % table)
    pg.execute('DROP TABLE %s' % table)
    if variant.startswith('PL/pgSQL'):
        pg.execute('DROP TABLE {t}_running; DROP FUNCTION {t}_changed()'.format(t=table))


# ------------------------------------------------------------------------ bulk statements

def bulk(pg, variants, rows, file):
    """{statement: {variant: [(seconds, seconds of a processor)]}}"""
    statements = dict(zip(BULK_STATEMENTS, [
        'INSERT INTO live SELECT * FROM source WHERE id <= %d' % rows, "COPY live FROM '%s'" % file,
        'UPDATE live SET n = n + 1 WHERE id % 10 = 3', 'DELETE FROM live WHERE id % 10 = 4']))
    results = {name: {variant: [] for variant in variants} for name in statements}

    def run(name, variant, turn):
        pg.execute('VACUUM (ANALYZE) live')
        pg.execute('CHECKPOINT')
        before = processor(pg.info.backend_pid)
        seconds, _ = timed(lambda: pg.execute(statements[name]))
        if turn > 0:  # the first does not count
            results[name][variant].append((seconds, processor(pg.info.backend_pid) - before))

    for turn in range(RUNS + 1):
        for parts in BULK_STATEMENTS[:1], BULK_STATEMENTS[1:]:
            for variant in order(variants, turn):
                create(pg, 'live', variant)
                for name in parts:
                    run(name, variant, turn)
                check(pg, 'live', variant)
                drop(pg, 'live', variant)
        say('%s rows, round %d of %d' % (format(rows, ','), turn, RUNS))
    return results


# ------------------------------------------------------------------------ single rows

def pgbench(folder, tables, clients, transactions, log=False):
    """Runs INSERTs into tables, each time another; with log {table: [µs]} without the first tenth."""
    for table in tables:
        with open(os.path.join(folder, table), 'w') as out:
            print("\\set n random(-500000, 500000)\n"
                  "INSERT INTO %s VALUES (nextval('ids'), 'c4ca4238-a0b9-2382-0dcc-509a6f75849b', 'customer number 1', "
                  "true, :n, 1047.29, 841.4709848078965, '2020-01-01 00:00:37.000123+00', "
                  "'note eccbc87e4b5ce2fe28308fd9f2a7baf3');" % table, file=out)
    prefix = os.path.join(folder, 'log')
    program = os.path.join(subprocess.run([os.environ.get('PG_CONFIG', 'pg_config'), '--bindir'], check=True, text=True,
                                          stdout=subprocess.PIPE).stdout.strip(), 'pgbench')
    done = subprocess.run([program, '-n', '-M', 'prepared', '-c', str(clients), '-t', str(transactions),
                           *('--file=' + os.path.join(folder, table) for table in tables),
                           *(['-l', '--log-prefix=' + prefix] if log else [])],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit('bench_live: pgbench says\n' + done.stdout)
    latencies = {table: [] for table in tables}
    for path in glob.glob(prefix + '.*'):
        with open(path) as lines:
            for line in lines:
                _, number, latency, script = line.split()[:4]
                if int(number) >= transactions // 10:
                    latencies[tables[int(script)]].append(int(latency))
        os.unlink(path)
    return latencies


def settings(pg, **values):
    """ALTER SYSTEM, and until a new connection has it; None is back to the configuration file's."""
    for name, to in values.items():
        pg.execute('ALTER SYSTEM RESET ' + name if to is None else 'ALTER SYSTEM SET %s = %s' % (name, to))
    if None in values.values():
        values = {}
    pg.execute('SELECT pg_reload_conf()')
    while values:
        with psycopg.connect(autocommit=True) as fresh:
            values = {name: to for name, to in values.items() if value(fresh, 'SHOW ' + name) != to}


def single_rows(pg, folder):
    """{(flushed, clients): {variant: [(median µs, 95th percentile µs, mean µs)]}}"""
    results = {}
    pg.execute('CREATE SEQUENCE ids')
    tables = {variant: 'live_%d' % i for i, variant in enumerate(VARIANTS)}
    for flushed in True, False:
        to = 'on' if flushed else 'off'
        settings(pg, fsync=to, full_page_writes=to, synchronous_commit=to)
        for clients in 1, 2:
            taken = results[flushed, clients] = {variant: [] for variant in VARIANTS}
            for variant, table in tables.items():
                create(pg, table, variant)
            for turn in range(SLICES + 1):
                pg.execute('VACUUM')
                latencies = {}
                for slice_of in [list(tables)] if clients == 1 else [[variant] for variant in order(tables, turn)]:
                    pg.execute('CHECKPOINT')
                    latencies.update(pgbench(folder, [tables[variant] for variant in slice_of], clients,
                                             SLICE * len(slice_of), True))
                for variant, table in tables.items():
                    if turn > 0:
                        # grouped: pgbench tells whole microseconds
                        taken[variant].append((
                            statistics.median_grouped(latencies[table]),
                            statistics.quantiles(latencies[table], n=20)[-1], statistics.mean(latencies[table])))
            for variant, table in tables.items():
                check(pg, table, variant)
                drop(pg, table, variant)
            say('single rows, ' + case(flushed, clients))
    settings(pg, fsync=None, full_page_writes=None, synchronous_commit=None)
    return results


# ------------------------------------------------------------------------ live_checksum

def reading(pg):
    """(median ms, 95th percentile ms, ms of a connection's first call, delta rows, MiB of them, MiB of the bases)"""
    def first():
        with psycopg.connect(autocommit=True) as fresh:
            return timed(lambda: fresh.execute("SELECT parity.live_checksum('live')").fetchall())[0]

    firsts = [first() for _ in range(5)]
    seconds = [timed(lambda: pg.execute("SELECT parity.live_checksum('live')", prepare=True).fetchall())[0]
               for _ in range(CALLS)]
    sizes = pg.execute("SELECT (SELECT deltas FROM parity.live_status WHERE rel = 'live'::regclass), "
                       "pg_total_relation_size('parity.live_delta') / 1048576.0, "
                       "pg_total_relation_size('parity.live_base') / 1048576.0").fetchone()
    return (statistics.median(seconds) * 1000, statistics.quantiles(seconds, n=20)[-1] * 1000,
            statistics.median(firsts) * 1000, *map(float, sizes))


def live_checksum(pg, folder):
    """({when: what reading gives}, seconds of live_compact, of checksum)"""
    results = {}
    pg.execute('ALTER SYSTEM SET synchronous_commit = off')
    settings(pg, autovacuum='on')

    def transactions(held):
        create(pg, 'live', 'tracked')
        with psycopg.connect() as other:
            if held:
                other.execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
                value(other, "SELECT parity.live_checksum('live')::text")
            seconds, _ = timed(lambda: pgbench(folder, ['live'], 4, TXNS // 4))
            say('%s transactions in %.0f s' % (format(TXNS // 4 * 4, ','), seconds))
            results['behind them, beside a transaction as old' if held else 'behind them'] = reading(pg)
            if held:
                pg.execute('SELECT parity.live_compact()')
                results['after `live_compact`, beside a transaction as old'] = reading(pg)

    transactions(False)
    compacting, folded = timed(lambda: value(pg, 'SELECT parity.live_compact()'))
    say('live_compact folds %s rows' % format(folded, ','))
    results['after `live_compact`'] = reading(pg)
    pg.execute('VACUUM parity.live_delta, parity.live_base')
    results['and VACUUM'] = reading(pg)
    check(pg, 'live', 'tracked')
    checksum = statistics.median(timed(lambda: value(pg, "SELECT parity.checksum('live')::text"))[0] for _ in range(3))
    drop(pg, 'live', 'tracked')
    transactions(True)
    check(pg, 'live', 'tracked')
    drop(pg, 'live', 'tracked')
    settings(pg, autovacuum=None, synchronous_commit=None)
    return results, compacting, checksum


# ------------------------------------------------------------------------ SQLite

class Lite:
    """A new SQLite file with the table."""

    def __init__(self, folder, source, variant):
        self.path = os.path.join(folder, 'live.db')
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.enable_load_extension(True)
        self.db.load_extension(MODULE)
        self.db.execute('PRAGMA synchronous = OFF')
        self.db.execute('ATTACH ? AS s', (source,))
        self.db.execute('SELECT count(note) FROM s.t').fetchall()  # into the system's cache
        self.db.execute(LITE_TABLE.replace('TABLE t ', 'TABLE live '))
        if variant == 'tracked':
            self.db.execute("SELECT parity_track('live')").fetchall()

    def prepared_inserts(self):
        few = self.db.execute('SELECT u, name, done, n, price, x, at, note FROM s.t LIMIT 10000').fetchall()
        rows = itertools.islice(itertools.cycle(few), ROWS)

        def insert():
            self.db.execute('BEGIN')
            self.db.executemany('INSERT INTO live (u, name, done, n, price, x, at, note) '
                                'VALUES (?, ?, ?, ?, ?, ?, ?, ?)', rows)
            self.db.execute('COMMIT')

        return insert

    def call(self, query):
        return lambda: self.db.execute(query)

    def value(self, query):
        return self.db.execute(query).fetchone()[0]

    def check(self):
        kept, digest = self.value("SELECT parity_live_checksum('live')"), self.value("SELECT parity_checksum('live')")
        if kept != digest:
            sys.exit('bench_live: SQLite keeps %s of a table whose digest is %s' % (kept, digest))

    def close(self):
        self.db.close()
        os.unlink(self.path)


def lite(folder, source):
    """({statement: {variant: [(seconds, seconds of a processor)]}}, {what: [seconds]})"""
    results = {name: {'untracked': [], 'tracked': []} for name in LITE_STATEMENTS}
    reads = {}
    for turn in range(RUNS + 1):
        def run(name, variant, call):
            before = time.process_time()
            seconds, _ = timed(call)
            if turn > 0:
                results[name][variant].append((seconds, time.process_time() - before))

        def read(what, function='parity_live_checksum'):
            if variant == 'tracked':
                seconds, _ = timed(lambda: file.value("SELECT %s('live')" % function))
                if turn > 0:
                    reads.setdefault('`%s` %s' % (function, what), []).append(seconds)

        for variant in order(['untracked', 'tracked'], turn):
            file = Lite(folder, source, variant)
            run('prepared INSERTs in one transaction', variant, file.prepared_inserts())
            if variant == 'tracked':
                file.check()
            file.close()
        for variant in order(['untracked', 'tracked'], turn):
            file = Lite(folder, source, variant)
            run('INSERT … SELECT', variant, file.call('INSERT INTO live SELECT %s FROM s.t' % ', '.join(COLUMNS)))
            read('after INSERT of %s rows' % format(ROWS, ','))
            read('after no change')
            file.db.execute('UPDATE live SET n = n - 1 WHERE id %% %d = 0' % max(ROWS // 1000, 1))
            read('after UPDATE of 1,000')
            run('UPDATE of a tenth', variant, file.call('UPDATE live SET n = n + 1 WHERE id % 10 = 3'))
            run('DELETE of a tenth', variant, file.call('DELETE FROM live WHERE id % 10 = 4'))
            read('after UPDATE and DELETE of a tenth each')
            read('of it all', 'parity_checksum')
            if variant == 'tracked':
                file.check()
            file.close()
        say('SQLite, round %d of %d' % (turn, RUNS))
    return results, reads


# ------------------------------------------------------------------------ all of it

def measure():
    """The results of all of the above, in their order."""
    pg = psycopg.connect(autocommit=True)
    configure(pg)
    pg.execute('CREATE EXTENSION IF NOT EXISTS parity')
    pg.execute(TABLE.format(price='numeric').replace('TABLE t ', 'TABLE source '))
    pg.execute(FILL.format(rows=ROWS).replace('INTO t', 'INTO source'))
    pg.execute('VACUUM (FREEZE, ANALYZE) source')
    files = []
    for rows in ROWS, FEW_ROWS:
        files.append(os.path.join(value(pg, 'SHOW data_directory'), 'bench_live_%d.copy' % rows))
        pg.execute("COPY (SELECT * FROM source WHERE id <= %d) TO '%s'" % (rows, files[-1]))
    settings(pg, autovacuum='off')
    with tempfile.TemporaryDirectory() as folder:
        many = bulk(pg, BULK, ROWS, files[0])
        few = bulk(pg, VARIANTS, FEW_ROWS, files[1])
        single = single_rows(pg, folder)
        reads = live_checksum(pg, folder)
        source = build_sqlite(pg, os.path.join(folder, 'source.db'), 'source')
        pg.execute('DROP TABLE source; DROP SEQUENCE ids')
        return many, few, single, reads, lite(folder, source)


def median(runs, field):
    return statistics.median(run[field] for run in runs)


def times(results, variant, field):
    """How many times as much as untracked: the median of the ratios of each round."""
    return statistics.median(x[field] / y[field] for x, y in zip(results[variant], results['untracked']))


def least(runs):
    """Of the processor."""
    return min(run[1] for run in runs)


def bulk_table(results, out, title):
    print('\n## %s\n' % title, file=out)
    print('| statement | table | median s | times untracked | processor s, median | times untracked | least | times the '
          'least of untracked |\n|---|---|---|---|---|---|---|---|', file=out)
    for name, variants in results.items():
        for variant, runs in variants.items():
            print('| %s | %s | %.4g | %.2f | %.4g | %.2f | %.4g | %.2f |' % (
                name, variant, median(runs, 0), times(variants, variant, 0), median(runs, 1), times(variants, variant, 1),
                least(runs), least(runs) / least(variants['untracked'])), file=out)


def report(results, out):
    many, few, single, (reads, compacting, checksum), (lite_bulk, lite_reads) = results
    bulk_table(many, out, 'Live checksums, PostgreSQL: %s rows' % format(ROWS, ','))
    rounds = 'Medians of %d rounds; a ratio is the median of the ratios of each round' % RUNS
    print('\nWhat is measured, here and below, stands at the head of `bench/bench_live.py`. %s.'
          % ('One round' if RUNS == 1 else rounds), file=out)
    bulk_table(few, out, 'Live checksums, PostgreSQL: %s rows, with a row trigger in PL/pgSQL' % format(FEW_ROWS, ','))
    print('\n## Live checksums, PostgreSQL: INSERT of one row a transaction\n', file=out)
    print('Medians of %d slices of %s transactions a client.\n' % (SLICES, format(SLICE, ',')), file=out)
    print('| commit | clients | table | median µs | times untracked | 95th percentile µs | times untracked | mean µs | '
          'times untracked |\n|---|---|---|---|---|---|---|---|---|', file=out)
    for (flushed, clients), variants in single.items():
        for variant, runs in variants.items():
            print('| %s | %d | %s | %s |' % ('flushed' if flushed else 'not flushed', clients, variant, ' | '.join(
                '%.1f | %.2f' % (median(runs, field), times(variants, variant, field)) for field in range(3))), file=out)
    print('\n## Live checksums, PostgreSQL: `live_checksum` and %s tracked transactions\n' % format(TXNS // 4 * 4, ','),
          file=out)
    print('| | median ms of %d | 95th percentile | first call of a connection, ms | delta rows | MiB of `live_delta` | '
          'MiB of `live_base` |\n|---|---|---|---|---|---|---|' % CALLS, file=out)
    for when, (middle, high, first, deltas, delta_size, base_size) in reads.items():
        print('| %s | %.2f | %.2f | %.2f | %s | %.1f | %.1f |' % (
            when, middle, high, first, format(int(deltas), ','), delta_size, base_size), file=out)
    print('\n`live_compact` took %.1f ms, `parity.checksum` of that table %.1f ms.' % (compacting * 1000, checksum * 1000),
          file=out)
    bulk_table(lite_bulk, out, 'Live checksums, SQLite: %s rows' % format(ROWS, ','))
    print('\n| | median ms | min to max ms |\n|---|---|---|', file=out)
    for what, seconds in lite_reads.items():
        print('| %s | %.2f | %.2f to %.2f |' % (what, statistics.median(seconds) * 1000, min(seconds) * 1000,
                                                max(seconds) * 1000), file=out)


def goals(results):
    """(what, what was to be reached, measured) of what was aimed at."""
    many, _, single, (reads, _, _), (lite_bulk, _) = results
    for engine, goal, statements, bulk_results in [('PostgreSQL', '≤ 1.25', BULK_STATEMENTS, many),
                                                   ('SQLite', '≤ 2', LITE_STATEMENTS, lite_bulk)]:
        for name in statements:
            taken = bulk_results[name]
            yield '%s, tracked to untracked, %s' % (name, engine), goal, times(taken, 'tracked', 0)
            yield 'the same, least processor time', goal, least(taken['tracked']) / least(taken['untracked'])
    for (flushed, clients), variants in single.items():
        yield ('INSERT of one row, %s, median, tracked to untracked' % case(flushed, clients), '≤ 1.2',
               times(variants, 'tracked', 0))
    yield ('ms of `live_checksum` after %s transactions and `live_compact`' % format(TXNS // 4 * 4, ','), '< 2',
           reads['after `live_compact`'][0])


def main():
    results = measure()
    report(results, sys.stdout)
    print()
    for goal in goals(results):
        print('%s: %s, %.2f' % goal)


if __name__ == '__main__':
    main()
