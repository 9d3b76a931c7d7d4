#!/usr/bin/python3
"""Shadows: what a second table that follows costs those who write the first, its backfill, how long a cutover locks.

    make bench [SHADOW_ROWS=200000] [SHADOW_RUNS=7] [SHADOW_TXNS=200000] [SHADOW_FILL=1000000] [SHADOW_CUTOVER=10000000]
    SHADOW_QUICK=1 scripts/with-postgres.sh -- /usr/bin/python3 bench/bench_shadow.py    # small sizes, to try it

Two tables of the same shape, the columns of bench.py's with a primary key; the second follows the first:

alone       nothing follows: what the first table's part is
by hand     both writes in SQL, in one transaction, as who knows both tables would have them: INSERT … SELECT into the
            first and from there into the second; UPDATE and DELETE of both with the same condition
RETURNING   the same where the condition cannot be said of the second table: WITH gone AS (DELETE … RETURNING id)
            DELETE … USING gone, and UPDATE … FROM the first table's rows. That is what any trigger has to do.
shadow      parity.shadow_start, and the write into the first table alone
PL/pgSQL, statement
            a trigger as a user might write it: per statement, with transition tables, INSERT … ON CONFLICT DO UPDATE,
            UPDATE … FROM, DELETE … USING; an error there is one of the writer's
PL/pgSQL, row
            the same per row, with an exception block that puts the key of what fails aside

Bulk statements: INSERT … SELECT of SHADOW_ROWS rows out of a table that is in memory, then UPDATE of all of them, then
DELETE. Each round makes its tables anew; before each statement that is timed both are vacuumed and a checkpoint is
written, autovacuum is off, and each round has another order. After each statement both tables have to be equal.
fsync is off, as scripts/with-postgres.sh has it: what a disk takes would hide what a trigger takes. By the clock a
statement takes now less, now more on a machine that does anything else: what the process had of a processor, and of
that the least of all rounds, is told beside it.

Few after many: an UPDATE of one row in a session that has updated all of them before, since plans are kept.

Single rows: pgbench -M prepared, two clients, an INSERT a transaction, in short slices, one table a slice, the order
changing. "flushed" is with fsync, full_page_writes and synchronous_commit on, as PostgreSQL comes; "not flushed" is
with all three off, which is what the processor takes. A ratio is that of the transactions a second.

Backfill: CALL parity.shadow_backfill of SHADOW_FILL rows into an empty table, batches of 5,000, against one
INSERT … SELECT of the same rows in key order, in turn.

Cutover and rollback: two tables of SHADOW_CUTOVER rows, both tracked, verified; then parity.shadow_cutover, a few
writes, parity.shadow_rollback, in turn. Told is how long other sessions were locked out: what a session that tries all
the time to read a row had to wait for at most, and locked_ms of the event. 0 leaves it out.

Runs inside scripts/with-postgres.sh, by itself or out of bench.py.
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import psycopg

from bench_live import order, settings, value
from common import COLUMNS, FILL, TABLE, configure, processor, timed

QUICK = 'SHADOW_QUICK' in os.environ
ROWS = int(os.environ.get('SHADOW_ROWS', '20000' if QUICK else '200000'))
RUNS = int(os.environ.get('SHADOW_RUNS', '1' if QUICK else '7'))
TXNS = int(os.environ.get('SHADOW_TXNS', '4000' if QUICK else '200000'))
FILL_ROWS = int(os.environ.get('SHADOW_FILL', '20000' if QUICK else '1000000'))
CUTOVER_ROWS = int(os.environ.get('SHADOW_CUTOVER', '20000' if QUICK else '10000000'))
SLICES = RUNS * 2
SLICE = max(TXNS // (2 * SLICES), 500)  # transactions of a client

UPSERT = 'ON CONFLICT (id) DO UPDATE SET ' + ', '.join('%s = EXCLUDED.%s' % (c, c) for c in COLUMNS[1:])
SET_FROM = ', '.join('%s = s.%s' % (c, c) for c in COLUMNS[1:])
BY_STATEMENT = """
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO second SELECT * FROM new_rows {upsert};
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE second t SET {set_from} FROM new_rows s WHERE s.id = t.id;
    ELSE
        DELETE FROM second t USING old_rows s WHERE s.id = t.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER follow_i AFTER INSERT ON first REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION follow();
CREATE TRIGGER follow_u AFTER UPDATE ON first REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow();
CREATE TRIGGER follow_d AFTER DELETE ON first REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION follow();
""".format(upsert=UPSERT, set_from=SET_FROM)
BY_ROW = """
CREATE TABLE failed (id bigint, message text);
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM second WHERE id = OLD.id;
    ELSE
        INSERT INTO second VALUES (NEW.*) {upsert};
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    INSERT INTO failed VALUES (COALESCE(NEW.id, OLD.id), SQLERRM);
    RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER INSERT OR UPDATE OR DELETE ON first FOR EACH ROW EXECUTE FUNCTION follow();
""".format(upsert=UPSERT)
SHADOW = "SELECT parity.shadow_create('bench', 'first', 'second'); SELECT parity.shadow_start('bench');"
# {variant: how it begins}
VARIANTS = {'by hand': '', 'RETURNING': '', 'alone': '', 'shadow': SHADOW, 'PL/pgSQL, statement': BY_STATEMENT,
            'PL/pgSQL, row': BY_ROW}
STATEMENTS = {
    'INSERT': 'INSERT INTO first SELECT * FROM source',
    'UPDATE': 'UPDATE first SET n = n + 1 WHERE id > 0',
    'DELETE': 'DELETE FROM first WHERE id > 0',
}
# {statement: {variant: in place of it}}
OTHERWISE = {
    'INSERT': {'by hand': STATEMENTS['INSERT'] + '; INSERT INTO second SELECT * FROM first'},
    'UPDATE': {'by hand': STATEMENTS['UPDATE'] + '; ' + STATEMENTS['UPDATE'].replace('first', 'second'),
               'RETURNING': 'WITH s AS (%s RETURNING *) UPDATE second t SET %s FROM s WHERE s.id = t.id' % (
                   STATEMENTS['UPDATE'], SET_FROM)},
    'DELETE': {'by hand': STATEMENTS['DELETE'] + '; ' + STATEMENTS['DELETE'].replace('first', 'second'),
               'RETURNING': 'WITH s AS (%s RETURNING id) DELETE FROM second t USING s WHERE s.id = t.id' %
                            STATEMENTS['DELETE']},
}
OTHERWISE['INSERT']['RETURNING'] = 'WITH s AS (%s RETURNING *) INSERT INTO second SELECT * FROM s' % STATEMENTS['INSERT']


def say(text):
    print('bench_shadow: ' + text, file=sys.stderr, flush=True)


# ------------------------------------------------------------------------ tables

def create(pg, variant, names=('first', 'second')):
    for name in names:
        pg.execute(TABLE.format(price='numeric').replace('UNLOGGED TABLE t ', 'TABLE %s ' % name))
    if VARIANTS[variant]:
        pg.execute(VARIANTS[variant])


def check(pg, variant):
    """Both tables have the same rows, and nothing was put aside."""
    first, second, drift = pg.execute("SELECT parity.checksum('first')::text, parity.checksum('second')::text, "
                                      '(SELECT count(*) FROM parity.drift)').fetchone()
    if (first != second and variant != 'alone') or drift > 0:
        sys.exit('bench_shadow: %s: %s, %s, %d keys put aside' % (variant, first, second, drift))


def drop(pg, variant):
    if variant == 'shadow':
        pg.execute("SELECT parity.shadow_drop('bench', true)")
    pg.execute('DROP TABLE first, second; DROP TABLE IF EXISTS failed; DROP FUNCTION IF EXISTS follow()')


# ------------------------------------------------------------------------ bulk statements

def bulk(pg):
    """{statement: {variant: [(seconds, seconds of a processor)]}}"""
    results = {name: {variant: [] for variant in VARIANTS} for name in STATEMENTS}
    for turn in range(RUNS + 1):
        for variant in order(VARIANTS, turn):
            create(pg, variant)
            for name, statement in STATEMENTS.items():
                pg.execute('VACUUM (ANALYZE) first')
                pg.execute('VACUUM (ANALYZE) second')
                pg.execute('CHECKPOINT')
                before = processor(pg.info.backend_pid)
                # several statements in one call are one transaction
                seconds, _ = timed(lambda: pg.execute(OTHERWISE[name].get(variant, statement)))
                if turn > 0:  # the first does not count
                    results[name][variant].append((seconds, processor(pg.info.backend_pid) - before))
                check(pg, variant)
            drop(pg, variant)
        say('%s rows, round %d of %d' % (format(ROWS, ','), turn, RUNS))
    return results


def few_after_many(pg):
    """(ms of an UPDATE of one row, before and after one of all)"""
    create(pg, 'shadow')
    pg.execute(STATEMENTS['INSERT'])
    pg.execute('VACUUM (ANALYZE) first')
    pg.execute('VACUUM (ANALYZE) second')

    def one():
        return statistics.median(timed(lambda: pg.execute('UPDATE first SET n = n + 1 WHERE id = 7'))[0]
                                 for _ in range(50)) * 1000

    with psycopg.connect(autocommit=True) as pg:
        before = one()
        pg.execute(STATEMENTS['UPDATE'])
        after = one()
    return before, after


# ------------------------------------------------------------------------ single rows

def pgbench(folder, table):
    """Transactions a second of two clients."""
    script = os.path.join(folder, table)
    with open(script, 'w') as out:
        print("\\set n random(-500000, 500000)\n"
              "INSERT INTO %s VALUES (nextval('ids'), 'c4ca4238-a0b9-2382-0dcc-509a6f75849b', 'customer number 1', "
              "true, :n, 1047.29, 841.4709848078965, '2020-01-01 00:00:37.000123+00', "
              "'note eccbc87e4b5ce2fe28308fd9f2a7baf3');" % table, file=out)
    program = os.path.join(subprocess.run([os.environ.get('PG_CONFIG', 'pg_config'), '--bindir'], check=True, text=True,
                                          stdout=subprocess.PIPE).stdout.strip(), 'pgbench')
    done = subprocess.run([program, '-n', '-M', 'prepared', '-c', '2', '-t', str(SLICE), '-f', script],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit('bench_shadow: pgbench says\n' + done.stdout)
    return float(re.search(r'tps = ([\d.]+)', done.stdout).group(1))


def single_rows(pg, folder):
    """{flushed: {table: [transactions a second]}}"""
    results = {}
    pg.execute('CREATE SEQUENCE ids')
    create(pg, 'shadow')
    create(pg, 'alone', ('plain',))
    for flushed in True, False:
        to = 'on' if flushed else 'off'
        settings(pg, fsync=to, full_page_writes=to, synchronous_commit=to)
        taken = results[flushed] = {'plain': [], 'first': []}
        for turn in range(SLICES + 1):
            for table in order(taken, turn):
                pg.execute('CHECKPOINT')
                rate = pgbench(folder, table)
                if turn > 0:
                    taken[table].append(rate)
        say('single rows, %sflushed' % ('' if flushed else 'not '))
    check(pg, 'shadow')
    settings(pg, fsync=None, full_page_writes=None, synchronous_commit=None)
    drop(pg, 'shadow')
    pg.execute('DROP TABLE plain; DROP SEQUENCE ids')
    return results


# ------------------------------------------------------------------------ backfill

def backfill(pg):
    """{way: [seconds]}"""
    results = {'INSERT … SELECT': [], '`parity.shadow_backfill`': []}
    create(pg, 'alone')
    pg.execute(FILL.format(rows=FILL_ROWS).replace('INTO t', 'INTO first'))
    pg.execute('VACUUM (FREEZE, ANALYZE) first')
    for turn in range(max(RUNS // 2, 1) + 1):
        for way in order(results, turn):
            pg.execute('DROP TABLE second')
            create(pg, 'alone', ('second',))
            if way == 'INSERT … SELECT':
                call = 'INSERT INTO second SELECT * FROM first ORDER BY id'
            else:
                pg.execute(SHADOW)
                call = "CALL parity.shadow_backfill('bench')"
            pg.execute('CHECKPOINT')
            seconds, _ = timed(lambda: pg.execute(call))
            check(pg, 'shadow')
            if way != 'INSERT … SELECT':
                pg.execute("SELECT parity.shadow_drop('bench', true)")
            if turn > 0:
                results[way].append(seconds)
        say('backfill, round %d' % turn)
    drop(pg, 'alone')
    return results


# ------------------------------------------------------------------------ cutover

class Watch:
    """A session that reads a row again and again; the longest that it had to wait."""

    def __enter__(self):
        self.longest, self.stop = 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self):
        with psycopg.connect(autocommit=True) as pg:
            while not self.stop:
                seconds, _ = timed(lambda: pg.execute('SELECT n FROM first WHERE id = 1').fetchall())
                self.longest = max(self.longest, seconds)
                time.sleep(0.001)

    def __exit__(self, *_):
        self.stop = True
        self.thread.join()


def cutover(pg):
    """{step: [(ms that a reader waited, ms of the call, locked_ms)]}, or {} where there is no cutover"""
    if CUTOVER_ROWS == 0 or not value(pg, "SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'shadow_cutover')"):
        return {}
    results = {'cutover': [], 'rollback': []}
    create(pg, 'alone')
    pg.execute(FILL.format(rows=CUTOVER_ROWS).replace('INTO t', 'INTO first'))
    pg.execute('VACUUM (FREEZE, ANALYZE) first')
    pg.execute(SHADOW)
    pg.execute("CALL parity.shadow_backfill('bench')")
    pg.execute("SELECT parity.track('first')")
    pg.execute("SELECT parity.track('second')")
    say('cutover: %s rows are there' % format(CUTOVER_ROWS, ','))
    for _ in range(RUNS):
        for step, table in ('cutover', 'first'), ('rollback', 'second'):
            pg.execute('UPDATE %s SET n = n + 1 WHERE id <= 1000' % table)
            status = pg.execute("SELECT status FROM parity.shadow_verify('bench')").fetchone()[0]
            if status != 'match':
                sys.exit('bench_shadow: verify says ' + status)
            with Watch() as watch:
                seconds, _ = timed(lambda: pg.execute("SELECT parity.shadow_%s('bench')" % step))
            locked = value(pg, "SELECT (detail ->> 'locked_ms')::float8 FROM parity.event WHERE what = '%s' "
                               'ORDER BY at DESC LIMIT 1' % step)
            results[step].append((watch.longest * 1000, seconds * 1000, locked))
            say('%s: %.1f ms' % (step, seconds * 1000))
    pg.execute("SELECT parity.untrack('first')")
    pg.execute("SELECT parity.untrack('second')")
    drop(pg, 'shadow')
    return results


# ------------------------------------------------------------------------ all of it

def measure():
    """The results of all of the above, in their order."""
    pg = psycopg.connect(autocommit=True)
    configure(pg)
    pg.execute('CREATE EXTENSION IF NOT EXISTS parity')
    pg.execute(TABLE.format(price='numeric').replace('TABLE t ', 'TABLE source '))
    pg.execute(FILL.format(rows=ROWS).replace('INTO t', 'INTO source'))
    pg.execute('VACUUM (FREEZE, ANALYZE) source')
    settings(pg, autovacuum='off')
    with tempfile.TemporaryDirectory() as folder:
        many = bulk(pg)
        few = few_after_many(pg)
        drop(pg, 'shadow')
        single = single_rows(pg, folder)
    filled = backfill(pg)
    steps = cutover(pg)
    settings(pg, autovacuum=None)
    pg.execute('DROP TABLE source')
    return many, few, single, filled, steps


def median(runs, field):
    return statistics.median(run[field] for run in runs)


def times(results, variant, base, field):
    """How many times as much as base: the median of the ratios of each round."""
    return statistics.median(x[field] / y[field] for x, y in zip(results[variant], results[base]))


def least(runs):
    """Of the processor."""
    return min(run[1] for run in runs)


def rate(taken):
    return statistics.median(x / y for x, y in zip(taken['first'], taken['plain']))


def filling(filled):
    return statistics.median(x / y for x, y in zip(filled['INSERT … SELECT'], filled['`parity.shadow_backfill`']))


def report(results, out):
    many, few, single, filled, steps = results
    print('\n## Shadows: %s rows a statement\n' % format(ROWS, ','), file=out)
    print('| statement | way | median s | times by hand | times RETURNING | processor s, median | times by hand | least, '
          'times the least by hand | least, times the least RETURNING |\n|---|---|---|---|---|---|---|---|---|', file=out)
    for name, variants in many.items():
        for variant, runs in variants.items():
            print('| %s | %s | %.4g | %.2f | %.2f | %.4g | %.2f | %.2f | %.2f |' % (
                name, variant, median(runs, 0), times(variants, variant, 'by hand', 0),
                times(variants, variant, 'RETURNING', 0), median(runs, 1), times(variants, variant, 'by hand', 1),
                least(runs) / least(variants['by hand']), least(runs) / least(variants['RETURNING'])), file=out)
    print('\nWhat is measured, here and below, stands at the head of `bench/bench_shadow.py`. %s; a ratio is the median of '
          'the ratios of each round.' % ('One round' if RUNS == 1 else 'Medians of %d rounds' % RUNS), file=out)
    print('\nUPDATE of one row: %.3f ms, and %.3f ms in a session that has updated all.' % few, file=out)
    print('\n## Shadows: INSERT of one row a transaction, two clients\n', file=out)
    print('Medians of %d slices of %s transactions a client.\n' % (SLICES, format(SLICE, ',')), file=out)
    print('| commit | without, a second | with a shadow | ratio |\n|---|---|---|---|', file=out)
    for flushed, taken in single.items():
        print('| %s | %.0f | %.0f | %.2f |' % ('flushed' if flushed else 'not flushed', statistics.median(taken['plain']),
                                              statistics.median(taken['first']), rate(taken)), file=out)
    print('\n## Shadows: backfill of %s rows\n' % format(FILL_ROWS, ','), file=out)
    print('| way | median s | rows a second |\n|---|---|---|', file=out)
    for way, seconds in filled.items():
        middle = statistics.median(seconds)
        print('| %s | %.3g | %.0f |' % (way, middle, FILL_ROWS / middle), file=out)
    if steps:
        print('\n## Shadows: cutover and rollback of %s rows\n' % format(CUTOVER_ROWS, ','), file=out)
        print('| step | longest wait of a reader, ms, median | the most | the call, ms | `locked_ms` |\n'
              '|---|---|---|---|---|', file=out)
        for step, runs in steps.items():
            print('| %s | %.1f | %.1f | %.1f | %s |' % (
                step, median(runs, 0), max(run[0] for run in runs), median(runs, 1),
                'not told' if None in [run[2] for run in runs] else '%.1f' % median(runs, 2)), file=out)


def goals(results):
    """(what, what was to be reached, measured) of what was aimed at."""
    many, _, single, filled, steps = results
    for name, base, goal in [('INSERT', 'by hand', '≤ 1.15'), ('UPDATE', 'by hand', '≤ 1.3'),
                             ('UPDATE', 'RETURNING', '≤ 1.3'), ('DELETE', 'by hand', '≤ 1.3'), ('DELETE', 'RETURNING', '≤ 1.3')]:
        runs = many[name]
        yield '%s, shadow to %s' % (name, base), goal, times(runs, 'shadow', base, 0)
        yield 'the same, least processor time', goal, least(runs['shadow']) / least(runs[base])
    for name, runs in many.items():
        yield '%s, shadow to PL/pgSQL by statement, least processor time' % name, '< 1', (
            least(runs['shadow']) / least(runs['PL/pgSQL, statement']))
        yield '%s, PL/pgSQL by row to shadow' % name, '≥ 1.8', times(runs, 'PL/pgSQL, row', 'shadow', 0)
    for flushed, taken in single.items():
        yield 'INSERT of one row, %sflushed, with a shadow to without' % ('' if flushed else 'not '), '≥ 0.87', rate(taken)
    yield '`parity.shadow_backfill` to INSERT … SELECT, rows a second', '≥ 0.6', filling(filled)
    for step, runs in steps.items():
        yield 'ms that a reader waits at most for a %s of %s rows' % (step, format(CUTOVER_ROWS, ',')), '< 100', (
            max(run[0] for run in runs))


def main():
    results = measure()
    report(results, sys.stdout)
    print()
    for goal in goals(results):
        print('%s: %s, %.2f' % goal)


if __name__ == '__main__':
    main()
