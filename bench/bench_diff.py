#!/usr/bin/python3
"""Which rows differ, and what they are: the time it takes and the bytes that go across.

    make bench [DIFF_ROWS=10000000] [DIFF_RUNS=1]

Two databases of one PostgreSQL hold the table of bench.py, "there" and "here". Then 10 or 1,000 rows of them are made
to differ, either every n-th row of the table or one row behind the other: half of them changed here in one column, a
quarter deleted here, a quarter deleted there. Each way below has to find just these keys, with the values that the
rows have there:

parity      there: parity.bundle, with as many cells as parity_cells_for(differences) asks for. here: parity.diff.
            there: parity.rows. here: parity.repair. Across go the bundle, the keys and the rows.
parity, not knowing how many
            the same, beginning with a bundle of the default size. Where parity.diff says that it is too small, a
            second one of the size that it asks for.
export      there: COPY of all keys with the MD5 of their rows. here: COPY into a table, and a full join with the
            same of the own table. there: COPY of the rows that differ. Across go the exported text, the keys and the
            rows.
bisection   what reladiff does by default, as its SQL: the range of keys in 32 segments, of each on both sides (two
            connections at a time) count(*) and the sum of MD5s; segments that differ are split into 32 again, or, with
            less than 16,384 rows, fetched whole on both sides and compared. The rows are fetched by COPY, faster than
            reladiff fetches them. Across go, of one side alone, the sums and the fetched rows.

Bytes are those of texts and results as PostgreSQL writes them, without what the protocol, the queries and encryption
add. "parity" repairs in the end (the time for that is told apart), and the digests of both sides have to be equal then.

Runs inside scripts/with-postgres.sh, by itself or out of bench.py. Queries of all ways may run in parallel, with
PostgreSQL's default of two workers.
"""
import concurrent.futures
import itertools
import json
import os
import re
import statistics
import sys

import psycopg

from common import RELADIFF, RELADIFF_COLUMNS, RELADIFF_ROW, configure, make_table, timed

ROWS = int(os.environ.get('DIFF_ROWS', '10000000'))
RUNS = int(os.environ.get('DIFF_RUNS', '1'))
BISECTION_FACTOR = 32
BISECTION_THRESHOLD = 16384
COPY_ROWS = 'COPY (SELECT id, %s FROM t WHERE {}) TO STDOUT' % ', '.join(RELADIFF_COLUMNS[1:])
COPY_HASHES = 'COPY (SELECT id, %s FROM t) TO STDOUT' % RELADIFF_ROW


def say(text):
    print('bench_diff: ' + text, file=sys.stderr, flush=True)


class Steps:
    """The steps of one way, in order: seconds of each, and bytes that went across."""

    def __init__(self):
        self.seconds = {}
        self.bytes = {}

    def run(self, name, call, across=None):
        """Runs a step; across tells the number of bytes that its result is."""
        seconds, result = timed(call)
        self.seconds[name] = self.seconds.get(name, 0) + seconds
        if across is not None:
            self.bytes[name] = self.bytes.get(name, 0) + across(result)
        return result

    def time(self):
        return sum(self.seconds.values())

    def across(self):
        return sum(self.bytes.values())


def value(pg, query, *args):
    return pg.execute(query, args).fetchone()[0]


def copied(pg, query):
    """The text that COPY gives."""
    with pg.cursor() as cursor, cursor.copy(query) as copy:
        return b''.join(copy)


def in_list(keys):
    return 'id IN (%s)' % ', '.join(map(str, keys))


# ------------------------------------------------------------------------ parity

def cells_for(differences):
    """parity_cells_for: a power of two."""
    wanted, cells = differences + differences * 2 // 5 + 64, 16
    while cells < wanted:
        cells *= 2
    return cells


def parity(here, there, cells):
    """(Steps, keys, the statements that repair)"""
    steps = Steps()
    while True:
        bundle = steps.run('bundle', lambda: value(there, "SELECT parity.bundle(ARRAY['t'::regclass], %s)", cells), len)
        rows = steps.run('diff', lambda: here.execute(
            "SELECT key::text, key_hash, complete, detail FROM parity.diff('t', %s)", (bundle,)).fetchall())
        if not rows or rows[-1][2]:
            break
        cells = int(re.search(r'cells => (\d+)', rows[-1][3]).group(1))
    keys = json.dumps([{'key': int(key), 'key_hash': key_hash} for key, key_hash, _, _ in rows], separators=(',', ':'))
    steps.bytes['keys'] = len(keys)
    texts = steps.run('rows', lambda: value(there, "SELECT parity.rows('t', %s)", keys), len)
    statements = steps.run('repair', lambda: here.execute("SELECT statement FROM parity.repair('t', %s)",
                                                          (texts,)).fetchall())
    return steps, {int(row[0]) for row in rows}, [row[0] for row in statements]


# ------------------------------------------------------------------------ export

def export(here, there):
    steps = Steps()
    here.execute('CREATE UNLOGGED TABLE exported (id bigint, hash text)')

    def load():
        n = 0
        with there.cursor() as source, here.cursor() as target:
            with source.copy(COPY_HASHES) as out, target.copy('COPY exported FROM STDIN') as into:
                blocks = iter(out)
                while rows := b''.join(itertools.islice(blocks, 10000)):
                    n += len(rows)
                    into.write(rows)
        return n

    steps.run('export', load, lambda n: n)
    keys = [row[0] for row in steps.run('join', lambda: here.execute(
        'SELECT id FROM exported e FULL JOIN (SELECT id, %s AS hash FROM t) l USING (id) '
        'WHERE e.hash IS DISTINCT FROM l.hash' % RELADIFF_ROW).fetchall())]
    steps.bytes['keys'] = len(','.join(map(str, keys)))
    steps.run('rows', lambda: copied(there, COPY_ROWS.format(in_list(keys))), len)
    here.execute('DROP TABLE exported')
    return steps, set(keys)


# ------------------------------------------------------------------------ bisection

class Bisection:
    def __init__(self, here, there):
        self.sides = (here, there)
        self.steps = Steps()
        self.lines = set()
        self.queries = 0

    def both(self, call):
        """What call gives of here and of there, which run side by side."""
        self.queries += 2
        return self.pool.map(call, self.sides)

    def sums(self, low, high):
        query = '%s WHERE id >= %d AND id < %d' % (RELADIFF, low, high)
        here, there = self.steps.run('sums', lambda: list(self.both(lambda pg: pg.execute(query).fetchone())),
                                     lambda sums: len('%s|%s' % sums[1]))
        return here, there

    def fetch(self, low, high):
        query = COPY_ROWS.format('id >= %d AND id < %d' % (low, high))
        here, there = self.steps.run('rows', lambda: list(self.both(lambda pg: copied(pg, query))),
                                     lambda rows: len(rows[1]))
        self.lines |= set(here.split(b'\n')) ^ set(there.split(b'\n'))

    def split(self, low, high, rows):
        """Keys from low to below high differ; rows is the most that either side has of them."""
        if rows < BISECTION_THRESHOLD or high - low < BISECTION_FACTOR * 2:
            self.fetch(low, high)
            return
        ends = [low + (high - low) * i // BISECTION_FACTOR for i in range(BISECTION_FACTOR + 1)]
        for low, high in zip(ends, ends[1:]):
            here, there = self.sums(low, high)
            if here != there:
                self.split(low, high, max(here[0], there[0]))

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(2) as self.pool:
            ranges = self.steps.run('sums', lambda: list(self.both(lambda pg: pg.execute(
                'SELECT min(id), max(id) FROM t').fetchone())), lambda ranges: len('%s|%s' % ranges[1]))
            low, high = min(r[0] for r in ranges), max(r[1] for r in ranges) + 1
            self.split(low, high, high - low)
        return self.steps, {int(line.split(b'\t')[0]) for line in self.lines}


# ------------------------------------------------------------------------ all of it

def choose(pg, differences, scattered, turn):
    """Keys that both sides have; other ones each turn."""
    if scattered:
        step = ROWS // differences
        where = 'id %% %d = %d' % (step, 3 * turn + 1)
    else:
        where = 'id >= %d' % (ROWS * (turn + 1) // 7)
    keys = [row[0] for row in pg.execute('SELECT id FROM t WHERE %s ORDER BY id LIMIT %d' % (where, differences))]
    if len(keys) != differences:
        sys.exit('bench_diff: %d keys instead of %d: more DIFF_ROWS are needed' % (len(keys), differences))
    return keys


def damage(here, there, keys):
    for pg, statement, part in [(here, 'UPDATE t SET n = n + 1', keys[0::4] + keys[1::4]),
                                (here, 'DELETE FROM t', keys[2::4]), (there, 'DELETE FROM t', keys[3::4])]:
        if pg.execute('%s WHERE %s' % (statement, in_list(part))).rowcount != len(part):
            sys.exit('bench_diff: a row is not there')


def ways(here, there, differences):
    def bisection():
        steps, keys = Bisection(here, there).run()
        return steps, keys, None

    return {
        'parity': lambda: parity(here, there, cells_for(differences)),
        'parity, not knowing how many': lambda: parity(here, there, None),
        'export': lambda: (*export(here, there), None),
        'bisection': bisection,
    }


def heal(here, there, statements):
    """Runs the repair and compares the tables; seconds of the former."""
    seconds, _ = timed(lambda: here.execute('\n'.join(statements)))
    digests = {value(pg, "SELECT parity.checksum('t')::text") for pg in (here, there)}
    if len(digests) != 1:
        sys.exit('bench_diff: after the repair the digests differ: %s' % digests)
    return seconds


def measure():
    """{(differences, scattered): ({way: [Steps]}, [seconds that the repair ran])}"""
    admin = psycopg.connect(autocommit=True)
    admin.execute('CREATE DATABASE parity_there')
    say('making %s rows' % format(ROWS, ','))
    with psycopg.connect(dbname='parity_there', autocommit=True) as there:
        # with a scale: to parity 1.5 and 1.50 are one number, to an MD5 of texts they are not
        make_table(there, ROWS, 'numeric(12, 2)')
    # WAL of the copy would say nothing here; other strategies came with 15
    admin.execute('CREATE DATABASE parity_here TEMPLATE parity_there' +
                  (' STRATEGY file_copy' if admin.info.server_version >= 150000 else ''))
    results = {}
    with psycopg.connect(dbname='parity_here', autocommit=True) as here, \
            psycopg.connect(dbname='parity_there', autocommit=True) as there:
        for pg in here, there:
            configure(pg)
            pg.execute('SET max_parallel_workers_per_gather = 2')
            value(pg, "SELECT parity.checksum('t')::text")  # the table into the cache, parity into the server
        cases = [(differences, scattered) for differences in (10, 1000) for scattered in (True, False)]
        for turn in range(RUNS * len(cases)):
            case = cases[turn % len(cases)]
            keys = choose(there, *case, turn)
            damage(here, there, keys)
            taken, healed = results.setdefault(case, ({}, []))
            for name, way in ways(here, there, case[0]).items():
                steps, found, statements = way()
                say('%d %s, %s: %.1f s, %d bytes; %s' % (
                    case[0], 'scattered' if case[1] else 'contiguous', name, steps.time(), steps.across(),
                    ', '.join('%s %.2f s' % step for step in steps.seconds.items())))
                if found != set(keys):
                    sys.exit('bench_diff: %s finds %d keys wrongly or not' % (name, len(found ^ set(keys))))
                taken.setdefault(name, []).append(steps)
                repair = statements or repair
            healed.append(heal(here, there, repair))
    for name in 'parity_here', 'parity_there':
        admin.execute('DROP DATABASE ' + name)
    return results


def median(runs, what):
    return statistics.median(map(what, runs))


def times(results, differences, scattered, a, b, what):
    """How many times as much a takes as b."""
    taken, _ = results[differences, scattered]
    return statistics.median(what(x) / what(y) for x, y in zip(taken[a], taken[b]))


def report(results, out):
    print('\n## Finding %s in %s rows, PostgreSQL against PostgreSQL\n' % (
        ' and '.join(sorted({format(case[0], ',') for case in results}, key=len)), format(ROWS, ',')), file=out)
    print('What is measured stands at the head of `bench/bench_diff.py`. %s.\n' %
          ('One run' if RUNS == 1 else 'Medians of %d runs' % RUNS), file=out)
    print('| rows that differ | way | s | bytes across | times the time of `parity` | times its bytes | s of each step '
          '|', file=out)
    print('|---|---|---|---|---|---|---|', file=out)
    for (differences, scattered), (taken, healed) in results.items():
        for name, runs in taken.items():
            steps = ', '.join('%s %.2f' % (step, median(runs, lambda s: s.seconds[step])) for step in runs[0].seconds)
            print('| %s %s | %s | %.2f | %s | %.1f | %.1f | %s |' % (
                format(differences, ','), 'scattered' if scattered else 'contiguous', name,
                median(runs, Steps.time), format(int(median(runs, Steps.across)), ','),
                times(results, differences, scattered, name, 'parity', Steps.time),
                times(results, differences, scattered, name, 'parity', Steps.across), steps), file=out)
        print('| | running the repair | %.2f | | | | |' % statistics.median(healed), file=out)


def goals(results):
    """(what, what was to be reached, measured) of the ratios that were aimed at."""
    for scattered in True, False:
        where = 'scattered' if scattered else 'contiguous'
        yield ("bytes of `export` to `parity`'s, 1,000 rows %s" % where, '≥ 20',
               times(results, 1000, scattered, 'export', 'parity', Steps.across))
        for differences in 10, 1000:
            yield ("time of `bisection` to `parity`'s, %s rows %s" % (format(differences, ','), where), '≥ 5',
                   times(results, differences, scattered, 'bisection', 'parity', Steps.time))


def main():
    results = measure()
    report(results, sys.stdout)
    for goal in goals(results):
        print('%s: %s, %.2f' % goal)


if __name__ == '__main__':
    main()
