#!/usr/bin/python3
"""The cost of digests, bundles and sketches, as ratios within one run.

    make bench [ROWS=2000000] [RUNS=7] [DIFF_ROWS=10000000] [DIFF_RUNS=1] [LIVE_ROWS=1000000] [LIVE_RUNS=7]
               [LIVE_TXNS=1000000] [SHADOW_ROWS=200000] [SHADOW_RUNS=7] [SHADOW_CUTOVER=10000000]

Builds the same rows in PostgreSQL and in SQLite (bigint key, uuid, text, bool, int, numeric, float8, timestamptz,
nullable text), checks that both sides' digests are equal, then times each query RUNS times in turn, so that a machine
that changes its speed does so for all of them, and writes medians and ratios to bench/RESULTS.md. Absolute times say
little on another machine; the ratios are what to look at.

The bundle of that one table is its one scan (digest, digest of the keys, a digest a column, sketch) and a text of some
kilobytes. It is timed without a sketch, with one of the default 1,024 cells and with 16,384, in turn with checksum
alone, which is what the ratios are to. That is told by the clock and by what the process had of a processor, which
other work on the machine disturbs less.

Then come bench_diff.py, which finds the rows in which two databases differ (DIFF_ROWS, DIFF_RUNS), bench_live.py, which
writes to tables with and without live checksums (LIVE_ROWS, LIVE_RUNS, LIVE_TXNS), bench_shadow.py, which writes to a
table that another one follows (SHADOW_ROWS, SHADOW_RUNS and more), and trials.c, which reads sketches back.

Runs inside scripts/with-postgres.sh. Needs psycopg 3; pg_comparator's row is left out where the extension pgcmp is not
installed.
"""
import functools
import glob
import os
import platform
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile

import psycopg

import bench_diff
import bench_live
import bench_shadow
from common import COLUMNS, RELADIFF, build_sqlite, configure, make_table, processor, ratio, rotate

ROWS = int(os.environ.get('ROWS', '2000000'))
RUNS = int(os.environ.get('RUNS', '7'))
HERE = os.path.dirname(os.path.abspath(__file__))
MODULE = os.path.join(HERE, '..', 'sqlite_ext', 'parity')

COMPARATOR = 'SELECT count(*), sum(cksum8(%s)) FROM t' % " || '|' || ".join("coalesce(%s::text, '')" % c for c in COLUMNS)


def clock_and_processor(pid, queries, runs):
    """As rotate, and the same in seconds that the process pid, which runs the queries, had of a processor."""
    taken = {name: [] for name in queries}

    def counted(name, call):
        before = processor(pid)
        call()
        taken[name].append(processor(pid) - before)

    clock = rotate({name: functools.partial(counted, name, call) for name, call in queries.items()}, runs)
    return clock, {name: seconds[1:] for name, seconds in taken.items()}


def anonymous(pid):
    """Private memory in MiB: what a process has beside files and shared buffers."""
    with open('/proc/%d/status' % pid) as status:
        return int(re.search(r'RssAnon:\s+(\d+)', status.read()).group(1)) / 1024


def table(out, times, base, title):
    print('\n## %s\n' % title, file=out)
    print('| query | median s | times `%s` | min to max s |' % base, file=out)
    print('|---|---|---|---|', file=out)
    for name, seconds in times.items():
        print('| %s | %.3f | %.2f | %.3f to %.3f |' % (name, statistics.median(seconds), ratio(times, name, base),
                                                       min(seconds), max(seconds)), file=out)


def bundle_table(out, clock, processor, checksum, title):
    print('\n## %s\n' % title, file=out)
    print('| query | median s | times `{0}` | processor s, median | times `{0}` | least | times the least of `{0}` |'
          .format(checksum), file=out)
    print('|---|---|---|---|---|---|---|', file=out)
    for name, seconds in processor.items():
        print('| %s | %.3f | %.2f | %.3f | %.2f | %.3f | %.2f |' % (
            name, statistics.median(clock[name]), ratio(clock, name, checksum), statistics.median(seconds),
            ratio(processor, name, checksum), min(seconds), min(seconds) / min(processor[checksum])), file=out)


def trials(out):
    """Adds what bench/trials.c prints, linked with the core that `make sqlite` built; its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, 'trials')
        subprocess.run([os.environ.get('CC', 'cc'), '-std=c11', '-O3', '-I' + os.path.join(HERE, '..', 'core'), '-o', program,
                        os.path.join(HERE, 'trials.c'),
                        *sorted(glob.glob(os.path.join(HERE, '..', 'build', 'sqlite', 'core', '*.o'))), '-lm'], check=True)
        done = subprocess.run([program], stdout=subprocess.PIPE, text=True)
        print('\n## Sketches\n\n' + done.stdout.rstrip(), file=out)
        return done.returncode


def main():
    out_path = os.path.join(HERE, 'RESULTS.md')
    pg = psycopg.connect(autocommit=True)
    make_table(pg, ROWS)
    configure(pg)
    pg.execute("SELECT count(*) FROM t")  # into the cache
    try:
        pg.execute('CREATE EXTENSION pgcmp')
        comparator = True
    except psycopg.Error:
        comparator = False

    def run(query):
        return lambda: pg.execute(query).fetchall()

    queries = {
        'count(last column)': run('SELECT count(note) FROM t'),
        'parity.checksum': run("SELECT parity.checksum('t')"),
        'parity.digest_agg, all columns': run('SELECT parity.digest_agg(%s) FROM t' % ', '.join(COLUMNS)),
        'parity.column_checksums': run("SELECT * FROM parity.column_checksums('t')"),
        'sum(hash_record_extended(t, 0))': run('SELECT sum(hash_record_extended(t, 0)) FROM t'),
        'reladiff: sum of MD5s': run(RELADIFF),
    }
    if comparator:
        queries['pg_comparator: sum(cksum8)'] = run(COMPARATOR)
    pg_times = rotate(queries, RUNS)
    pg_bundle_clock, pg_bundle_processor = clock_and_processor(pg.info.backend_pid, {
        'parity.checksum': queries['parity.checksum'],
        'parity.bundle, cells 0': run("SELECT parity.bundle(ARRAY['t'::regclass], 0)"),
        'parity.bundle': run("SELECT parity.bundle(ARRAY['t'::regclass])"),
        'parity.bundle, cells 16384': run("SELECT parity.bundle(ARRAY['t'::regclass], 16384)"),
    }, RUNS)

    workers = {}
    for n in (0, 1):
        def parallel(n=n):
            pg.execute('SET max_parallel_workers_per_gather = %d' % n)
            pg.execute("SELECT parity.checksum('t')").fetchall()
        workers['%d process%s' % (n + 1, 'es' if n else '')] = parallel
    for setting in ('min_parallel_table_scan_size = 0', 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0'):
        pg.execute('SET ' + setting)
    parallel_times = rotate(workers, RUNS)
    pg.execute('SET max_parallel_workers_per_gather = 0')
    pg_digest = pg.execute("SELECT parity.checksum('t')::text").fetchone()[0]
    bundle = pg.execute('SELECT parity.bundle()').fetchone()[0]

    # memory: a fresh backend, its private memory before and the most of it after
    with psycopg.connect(autocommit=True) as fresh:
        pid = fresh.info.backend_pid
        fresh.execute('SET max_parallel_workers_per_gather = 0')
        fresh.execute("SELECT parity.checksum('pg_class'), parity.digest_agg(1)").fetchall()
        before = anonymous(pid)
        fresh.execute("SELECT parity.checksum('t')").fetchall()
        pg_memory = anonymous(pid) - before
        fresh.execute("SELECT length(parity.bundle())").fetchall()
        pg_bundle_memory = anonymous(pid) - before

    with tempfile.TemporaryDirectory() as folder:
        path = build_sqlite(pg, os.path.join(folder, 'bench.db'))
        lite = sqlite3.connect(path)
        lite.execute('PRAGMA cache_size = -2000')
        lite.execute('PRAGMA mmap_size = 0')
        lite.enable_load_extension(True)
        lite.load_extension(MODULE)
        kinds = '{"columns": {"u": "uuid", "price": "decimal", "x": "float8", "at": "timestamptz", "done": "bool"}}'
        lite_digest = lite.execute("SELECT parity_checksum('t', NULL, ?)", (kinds,)).fetchone()[0]
        if lite_digest != pg_digest:
            sys.exit('bench: the digests differ: %s, %s' % (pg_digest, lite_digest))
        verdict = lite.execute('SELECT status FROM parity_verify(?)', (bundle,)).fetchall()
        if verdict != [('match',)]:
            sys.exit('bench: verify says %s' % verdict)

        def lite_run(query, *args):
            return lambda: lite.execute(query, args).fetchall()

        def shell(*commands):
            return lambda: subprocess.run(['sqlite3', path, *commands], check=True, stdout=subprocess.DEVNULL)

        lite_queries = {
            'count(last column)': lite_run('SELECT count(note) FROM t'),
            'parity_checksum': lite_run("SELECT parity_checksum('t', NULL, ?)", kinds),
            'parity_column_checksums': lite_run("SELECT * FROM parity_column_checksums('t', NULL, ?)", kinds),
            'parity_verify of the bundle': lite_run('SELECT * FROM parity_verify(?)', bundle),
            "the shell's .sha3sum": shell('.sha3sum t'),
        }
        lite_times = rotate(lite_queries, RUNS)
        lite.execute("SELECT parity_set_spec('t', ?)", (kinds,))  # parity_bundle takes no spec
        lite_bundle_clock, lite_bundle_processor = clock_and_processor(os.getpid(), {
            'parity_checksum': lite_run("SELECT parity_checksum('t')"),
            'parity_bundle, cells 0': lite_run("SELECT parity_bundle('[\"t\"]', 0)"),
            'parity_bundle': lite_run("SELECT parity_bundle('[\"t\"]')"),
            'parity_bundle, cells 16384': lite_run("SELECT parity_bundle('[\"t\"]', 16384)"),
        }, RUNS)
        before = anonymous(os.getpid())
        lite_run("SELECT parity_checksum('t', NULL, ?)", kinds)()
        lite_memory = anonymous(os.getpid()) - before
        version = lite.execute('SELECT sqlite_version()').fetchone()[0]
        lite.close()
    pg.execute('DROP TABLE t')
    differences = bench_diff.measure()
    live = bench_live.measure()
    shadow = bench_shadow.measure()

    with open(out_path, 'w') as out:
        print('# Results of `make bench`\n', file=out)
        print('%s rows of 9 columns (bigint key, uuid, text, boolean, integer, numeric, double precision, timestamptz, '
              'nullable text), the same in both engines. Medians of %d runs, the queries in turn; a ratio is the median '
              'of the ratios of each turn. PostgreSQL %s, SQLite %s, %s, %d cores.'
              % (format(ROWS, ','), RUNS, pg.info.parameter_status('server_version').split()[0], version,
                 platform.machine(), os.cpu_count()), file=out)
        table(out, pg_times, 'count(last column)', 'PostgreSQL, one process')
        table(out, parallel_times, '1 process', 'PostgreSQL, `parity.checksum` in parallel')
        table(out, lite_times, 'count(last column)', 'SQLite')
        bundle_table(out, pg_bundle_clock, pg_bundle_processor, 'parity.checksum', 'PostgreSQL, the bundle of the table')
        bundle_table(out, lite_bundle_clock, lite_bundle_processor, 'parity_checksum', 'SQLite, the bundle of the table')
        bench_diff.report(differences, out)
        bench_live.report(live, out)
        bench_shadow.report(shadow, out)
        print('\n## Against what was to be reached\n', file=out)
        print('| ratio | to reach | measured |\n|---|---|---|', file=out)
        for what, goal, value in [
            ('`parity.checksum` to `count(last column)`', '≤ 1.8', ratio(pg_times, 'parity.checksum', 'count(last column)')),
            ("reladiff's query to `parity.checksum`", '≥ 12', ratio(pg_times, 'reladiff: sum of MD5s', 'parity.checksum')),
            ('`sum(hash_record_extended)` to `parity.checksum`', '≥ 2.5', ratio(pg_times, 'sum(hash_record_extended(t, 0))', 'parity.checksum')),
            ("pg_comparator's `sum(cksum8)` to `parity.checksum`", '≥ 6',
             ratio(pg_times, 'pg_comparator: sum(cksum8)', 'parity.checksum') if comparator else None),
            ('one process to two', '≥ 1.6', ratio(parallel_times, '1 process', '2 processes')),
            ('`parity.bundle` to `parity.checksum`', '≤ 2.2', ratio(pg_bundle_clock, 'parity.bundle', 'parity.checksum')),
            ('the same, processor time', '≤ 2.2', ratio(pg_bundle_processor, 'parity.bundle', 'parity.checksum')),
            ('`parity_checksum` to `count(last column)`', '≤ 3', ratio(lite_times, 'parity_checksum', 'count(last column)')),
            ('`.sha3sum` to `parity_checksum`', '≥ 4', ratio(lite_times, "the shell's .sha3sum", 'parity_checksum')),
            ('`parity_bundle` to `parity_checksum`', '≤ 2.2', ratio(lite_bundle_clock, 'parity_bundle', 'parity_checksum')),
            ('the same, processor time', '≤ 2.2', ratio(lite_bundle_processor, 'parity_bundle', 'parity_checksum')),
            *bench_diff.goals(differences),
            *bench_live.goals(live),
            *bench_shadow.goals(shadow),
        ]:
            print('| %s | %s | %s |' % (what, goal, '%.2f' % value if value else 'not installed'), file=out)
        for what, value in [('PostgreSQL, `parity.checksum`', pg_memory), ('PostgreSQL, `parity.bundle`', pg_bundle_memory),
                            ('SQLite, `parity_checksum`', lite_memory)]:
            print('| private memory, %s | < 32 MiB | %.1f MiB |' % (what, value), file=out)
        status = trials(out)
    with open(out_path) as out:
        print(out.read())
    sys.exit(status)


if __name__ == '__main__':
    main()
