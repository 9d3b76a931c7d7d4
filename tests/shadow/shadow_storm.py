"""A storm over the whole life of shadows: sessions that write at random, while two pairs of tables are started, filled,
healed, verified, cut over, rolled back, cut over again and finished, again and again; and the server is killed meanwhile.

    scripts/with-postgres.sh -- /usr/bin/python3 tests/shadow/shadow_storm.py [--seconds S] [--seed N] [--sessions N] [--kills N]

`tasks` has a mapping and its writers learn of a cutover; `items` maps to itself, is tracked, and its names are swapped, so
that its writers never notice. Each writer knows what it was told to be committed in keys of its own. That both tables are
equal is asked of SQL (EXCEPT) and of parity.shadow_verify. The server keeps what it wrote (it is processes that are
killed), so it does not sync to disk. The seed fixes what each session does; how they meet is up to the machine.
"""

import argparse
import collections
import os
import random
import sys
import threading
import time

import psycopg

import shadow_load as load
from shadow_load import pick

import storm                                            # tests/live, of which shadow_load knows where it is
from cluster import Cluster, wait_for
from storm import GONE, LEVELS, LIMIT, Wrong

# What a writer may see, for which no shadow is to blame.
UNSERIALIZABLE = '40001'    # under SERIALIZABLE; under REPEATABLE READ only where others write as well; never under READ COMMITTED
TOLERATED = {'40P01'}       # deadlock with another writer
# Of a statement on keys that all write, these as well: its own constraints, and a row that it means twice.
OF_SHARED = {'23505', '23503', '21000'}
# Why a shadow's write may have been put aside: a deadlock, or a lock that was not to be had.
QUARANTINED = {'40P01', '55P03'}
REPLACED = '55000'  # the table was replaced by the other: right after a cutover or a rollback, for who still addresses the wrong one
LOCKED = '55P03'    # only for who set a lock timeout: TRUNCATE


class Moved(Exception):
    """The table to be written is another one by now."""


class Pair:
    """Two tables, of which one follows the other."""

    def __init__(self, name, tables, swap):
        self.name, self.tables, self.swap = name, tables, swap
        self.leading = tables[0]
        self.moving = False     # a cutover is under way, or may have been when the server was killed
        self.moves = 0
        self.healing = False    # rows of the table that follows are being written beside the writers, or the same
        self.heals = 0
        self.guarded = False    # before the table that is written is another one, a cutover or a rollback will have come
        self.filling = threading.Event()


class Draft:
    """What a writer's rows of a pair are once its transaction is committed."""

    def __init__(self, generation, rows):
        self.generation, self.rows = generation, rows


class Writer(storm.Worker):
    """A session that knows the rows of keys of its own."""

    patience = (20000,)     # so that a lock timeout is none of its own
    lazy = False            # what it was told is to be there after a crash
    other = 'transactions refused'

    def __init__(self, storm_, number):
        super().__init__(storm_, number)
        base = number * load.STEP
        self.keys = [*range(base + 1, base + load.OWN + 1), *range(-base - load.OWN, -base)]
        self.known = {pair: Draft(0, {}) for pair in storm_.pairs}
        self.reset()
        self.unknown = {}       # drafts whose COMMIT was not answered
        self.begun, self.heals = {}, {}     # how often each pair had turned, or was healed, when its transaction began

    def set_up(self):
        self.version = self.connection.info.server_version
        self.execute('SET statement_timeout = 60000')

    # ---- what may go wrong ---------------------------------------------------------------

    def failed(self, error):
        lost = self.connection is None or self.connection.closed or error.sqlstate in GONE
        if lost and self.committing:
            self.unknown.update(self.drafts)
            self.storm.count('commits without an answer')
        super().failed(error)
        self.reset()

    def reset(self):
        self.drafts, self.committing, self.patient = {}, False, True
        self.shared = False         # the statement is on keys that all write
        self.others_write = True    # what the statement is on
        self.level = 'READ COMMITTED'

    def tolerates(self, error):
        if error.sqlstate == REPLACED and 'was replaced by' in str(error):
            pair = self.storm.tasks
            for name, words in (('tasks', 'refused after a cutover'), ('tasks_v2', 'refused after a rollback')):
                if 'table "%s" was replaced by' % name in str(error):
                    self.storm.count(words)
                    return pair.moving or pair.moves != self.begun.get(pair) or pair.leading.name != name
            return False
        if error.sqlstate == UNSERIALIZABLE:
            # in keys of its own nobody changes what it sees, but a cutover to rows that were filled in later;
            # and what heals may take away a row just when the shadow of a write comes to it
            return self.level == 'SERIALIZABLE' or (self.level == 'REPEATABLE READ' and (
                self.others_write or any(pair.moves != self.begun[pair] or pair.moving or pair.healing or
                                         pair.heals != self.heals[pair] for pair in self.storm.pairs)))
        return (error.sqlstate in TOLERATED or (error.sqlstate in OF_SHARED and self.shared)
                or (error.sqlstate == LOCKED and not self.patient))

    # ---- its transactions ----------------------------------------------------------------

    def work(self):
        self.begun = {pair: pair.moves for pair in self.storm.pairs}
        self.heals = {pair: pair.heals for pair in self.storm.pairs}
        self.guarded = {pair: pair.guarded or pair.leading is not load.TASKS_V2 for pair in self.storm.pairs}
        for pair in list(self.unknown):
            self.audit(pair)
        try:
            pick(self.r, 50, self.transaction, 25, self.alone, 14, self.of_shared, 8, self.look, 0.1, self.truncate)()
        except Moved:
            self.execute('ROLLBACK')
            self.reset()
            self.storm.count('moved meanwhile')
            return
        self.storm.committed()

    def lock(self, table):
        """Where a stale name would not be refused: when a life has ended, and the tables get their old roles."""
        self.execute('LOCK TABLE %s IN ROW EXCLUSIVE MODE' % table.name)
        if self.one('SELECT written()')[0] != table.name:
            raise Moved

    def enter(self, pair):
        """For a transaction that writes own keys: nobody truncates until it ends, nor rolls a shadow back."""
        table = pair.leading
        if not self.guarded[pair]:
            self.lock(table)
        generation = self.one("SELECT n FROM generation WHERE pair = '%s' FOR SHARE" % pair.name)[0]
        known = self.known[pair]
        if generation < known.generation:
            raise Wrong('%s: TRUNCATE %d of %s was undone' % (self.where(), known.generation, pair.name))
        self.drafts[pair] = Draft(generation, dict(known.rows) if generation == known.generation else {})
        return table

    def where(self):
        return 'seed %s, %s' % (self.storm.seed, self.name)

    def writes(self, pair, table):
        return load.Writes(self.r, table, self.keys, self.drafts[pair].rows, self.version, lambda: load.row(self.r))

    def others(self, table):
        """Writes of keys that all write, of which nothing is known."""
        keys = list(range(1, load.SHARED + 1))
        rows = {key: load.row(self.r) for key in keys if self.r.random() < 0.5}
        return load.Writes(self.r, table, keys, rows, self.version,
                           lambda: load.row(self.r, self.r.choice([None, self.r.randint(1, load.PROJECTS)])))

    def put(self, write):
        """Executes; how many rows it wrote."""
        if write.rows is None:
            return self.execute(write.sql).rowcount
        self.done.append(write.sql + ' -- %s' % (write.rows,))
        table = next(table for pair in self.storm.pairs for table in pair.tables if ' %s (' % table.name in write.sql)
        with self.connection.cursor() as cursor:
            with cursor.copy(write.sql) as copy:
                for key, row in write.rows.items():
                    done = row.done if table.done != 'status' else 'done' if row.done else 'open'
                    copy.write_row((key, row.project, row.title, done, table.money(row.cents)))
            return cursor.rowcount

    def must(self, write, count):
        if write.count is not None and count != write.count:
            raise Wrong('%s: WRONG NUMBER OF ROWS: %d, not %d:\n%s' % (self.where(), count, write.count, write.sql))

    def own(self, pair, table):
        write = self.writes(pair, table).any()
        self.others_write = False
        self.must(write, self.put(write))
        self.others_write = True
        self.apply(self.drafts[pair].rows, write.effect)

    @staticmethod
    def apply(rows, effect):
        for key, row in effect.items():
            if row is None:
                rows.pop(key, None)
        rows.update({key: row for key, row in effect.items() if row is not None})

    def foreign(self, table):
        """A write to keys that all write, or to what these refer to."""
        self.shared = True
        write = pick(self.r, 5, lambda: self.others(table).any(), 3, lambda: load.Write(load.wide(self.r, table), {}),
                     2, lambda: load.Write(load.of_projects(self.r), {}))()
        self.put(write)

    def transaction(self):
        self.level = level = pick(self.r, 3, LEVELS[0], 2, LEVELS[1], 2, LEVELS[2])
        self.execute('BEGIN ISOLATION LEVEL ' + level)
        pairs = self.r.sample(self.storm.pairs, self.r.choice([1, 1, 2]))
        if level != LEVELS[0] and all(map(self.guarded.get, pairs)) and self.r.random() < 0.3:
            self.execute('SELECT 1')        # the snapshot is older than what it meets
            self.storm.wait_commits(self.r.randrange(30), 1)
        # LOCK first: whatever has a snapshot may come too late
        pairs.sort(key=self.guarded.get)
        tables = {pair: self.enter(pair) for pair in pairs}
        if self.r.random() < 0.15:      # under a snapshot that grows old, or none
            self.storm.wait_commits(self.r.randrange(20), 0.5)
        self.steps(pairs, tables, 0)
        if self.r.random() < 0.2:
            self.compare(self.r.choice(pairs), tables)
        if self.r.random() < 0.15:
            self.execute('ROLLBACK')
            self.reset()
        else:
            self.commit('COMMIT')

    def commit(self, sql):
        self.committing = True
        self.execute(sql)
        self.known.update(self.drafts)
        self.reset()

    def steps(self, pairs, tables, depth):
        for _ in range(self.r.randint(1, 4)):
            pair = self.r.choice(pairs)
            step = pick(self.r, 60, 'own', 16, 'foreign', 12 if depth < 2 else 0, 'savepoint', 6, 'prepared',
                        6 if len(pairs) > 1 else 0, 'between')
            if step == 'own':
                self.own(pair, tables[pair])
            elif step == 'foreign':
                self.savepoint(lambda: self.foreign(tables[pair]), False)
            elif step == 'savepoint':
                self.savepoint(lambda: self.steps(pairs, tables, depth + 1), self.r.random() < 0.5)
            elif step == 'prepared':
                self.prepared(pair, tables[pair])
            else:
                one, other = self.r.sample(pairs, 2)
                self.between(one, other, tables)

    def savepoint(self, do, undo):
        """What it does is undone, by intent or after an error."""
        self.savepoints += 1
        name = 's%d' % self.savepoints
        drafts = {pair: Draft(draft.generation, dict(draft.rows)) for pair, draft in self.drafts.items()}
        self.execute('SAVEPOINT ' + name)
        try:
            do()
        except psycopg.Error as error:
            if (self.connection.closed or error.sqlstate in (*GONE, UNSERIALIZABLE, REPLACED) or not self.tolerates(error)):
                raise
            self.done.append('-- %s %s' % (error.sqlstate, str(error).split('\n')[0]))
            self.storm.count('error in a savepoint')
            undo = True
        self.shared, self.others_write = False, True
        if undo:
            self.execute('ROLLBACK TO ' + name)
            self.drafts = drafts
        else:
            self.execute('RELEASE ' + name)

    def between(self, one, other, tables):
        self.shared = True      # it touches such a key as well
        made = load.between(self.writes(one, tables[one]), self.writes(other, tables[other]), self.r, load.SHARED)
        if made is not None:
            write, gone, come = made
            self.must(write, self.put(write))
            self.apply(self.drafts[one].rows, gone)
            self.apply(self.drafts[other].rows, come)
            self.storm.count('rows from pair to pair', write.count)
        self.shared = False

    def prepared(self, pair, table):
        """Planned once, whatever happens to the tables."""
        key, words = self.r.choice(self.keys), load.title(self.r)
        rows = self.drafts[pair].rows
        if key in rows:
            sql, args = self.r.choice([
                ('UPDATE %s SET title = %%s WHERE id = %%s' % table.name, (words, key)),
                ('DELETE FROM %s WHERE id = %%s' % table.name, (key,))])
            effect = {key: rows[key]._replace(title=words) if len(args) == 2 else None}
        else:
            sql, args = 'INSERT INTO %s (title, id) VALUES (%%s, %%s)' % table.name, (words, key)
            effect = {key: load.Row(words, False, 0, None)}
        self.done.append('%s -- %s, prepared' % (sql, args))
        self.others_write = False
        self.must(load.Write(sql, effect, 1), self.connection.execute(sql, args, prepare=True).rowcount)
        self.others_write = True
        self.apply(rows, effect)

    def alone(self):
        """One statement, which commits by itself and tells in which generation."""
        pair = self.r.choice(self.storm.pairs)
        table = pair.leading
        if not self.guarded[pair]:
            return self.transaction()
        known = self.known[pair]
        self.drafts = {pair: Draft(known.generation, dict(known.rows))}
        for _ in range(20):
            write = self.writes(pair, table).any()
            if write.returning:
                break
        else:
            return self.reset()
        sql = "%s RETURNING %s, (SELECT n FROM generation WHERE pair = '%s')" % (
            write.sql, table.read.replace('id,', ('t' if ' AS t ' in write.sql else table.name) + '.id,', 1), pair.name)
        draft = self.drafts[pair]
        self.apply(draft.rows, write.effect)
        self.committing = True
        got = [(row[0], load.Row(*row[1:5]), row[5]) for row in self.execute(sql).fetchall()]
        self.reset()
        generation = got[0][2] if got else None
        if generation is None and write.count:
            return self.audit(pair, draft)      # truncated, or wrong
        if generation is None or generation == known.generation:
            self.must(write, len(got))
            for key, row, _ in got:
                if write.effect.get(key, row) not in (row, None):
                    raise Wrong('%s: WRONG ROW: %d is %s, not %s:\n%s' % (self.where(), key, row, write.effect[key], sql))
            self.known[pair] = draft
        else:
            gone = write.sql.startswith('DELETE')
            self.known[pair] = Draft(generation, {} if gone else {key: row for key, row, _ in got})
        self.storm.count('single statements')

    def of_shared(self):
        pair = self.r.choice(self.storm.pairs)
        if not self.guarded[pair]:
            pair = self.storm.items
        if self.r.random() < 0.5:
            return self.foreign(pair.leading) or self.reset()
        self.level = self.r.choice(LEVELS)
        self.execute('BEGIN ISOLATION LEVEL ' + self.level)
        for _ in range(self.r.randint(1, 3)):
            self.foreign(pair.leading)
        self.execute(self.r.choice(['COMMIT', 'COMMIT', 'ROLLBACK']))
        self.reset()

    def truncate(self):
        pair = self.r.choice(self.storm.pairs)
        self.patient = False
        self.execute('BEGIN')
        self.execute('SET LOCAL lock_timeout = 300')
        table = pair.leading
        if not self.guarded[pair]:
            self.lock(table)
        generation = self.one("UPDATE generation SET n = n + 1 WHERE pair = '%s' RETURNING n" % pair.name)[0]
        self.execute('TRUNCATE %s' % table.name)
        if self.r.random() < 0.2:
            self.execute('ROLLBACK')
            return self.reset()
        self.drafts = {pair: Draft(generation, {})}
        self.commit('COMMIT')
        self.storm.count('TRUNCATE')

    # ---- what it knows and what is there -------------------------------------------------

    def rows_of(self, table):
        return {row[0]: load.Row(*row[1:]) for row in self.execute('SELECT %s FROM %s WHERE id IN (%s)' % (
            table.read, table.name, load.listed(self.keys)))}

    def differences(self, wanted, got):
        return '\n'.join('%s: %s, not %s' % (key, got.get(key), wanted.get(key)) for key in sorted({*wanted, *got})
                         if got.get(key) != wanted.get(key))

    def compare(self, pair, tables):
        """Within its own transaction."""
        wrong = self.differences(self.drafts[pair].rows, self.rows_of(tables[pair]))
        if wrong:
            raise Wrong('%s: WRONG ROWS in its own transaction, of %s:\n%s' % (self.where(), tables[pair].name, wrong))

    def look(self):
        self.audit(self.r.choice(self.storm.pairs))

    def audit(self, pair, other=None):
        """What was acknowledged is there; of what was not answered, all or nothing."""
        self.execute('BEGIN ISOLATION LEVEL REPEATABLE READ')
        self.execute('LOCK TABLE %s IN ACCESS SHARE MODE' % ', '.join(sorted({table.name for table in pair.tables})))
        name = self.one('SELECT written()')[0] if not pair.swap else pair.name
        table = next(table for table in pair.tables if table.name == name)
        generation = self.one("SELECT n FROM generation WHERE pair = '%s'" % pair.name)[0]
        got = self.rows_of(table)
        self.execute('COMMIT')
        known, unknown = self.known[pair], self.unknown.get(pair) or other
        possible = [known.rows] + ([unknown.rows] if unknown else [])
        if generation > known.generation:
            possible = [{}]
            if unknown and unknown.generation == generation:
                possible.append(unknown.rows)
            elif unknown:       # a single statement, which may have come after the TRUNCATE
                possible.append({key: row for key, row in unknown.rows.items() if key in got})
        if generation < known.generation or got not in possible:
            raise Wrong('%s: LOST OR DOUBLED: rows of %s (TRUNCATE %d, known %d):\n%s' % (
                self.where(), table.name, generation, known.generation,
                '\nor\n'.join(self.differences(rows, got) for rows in possible)))
        self.known[pair] = Draft(generation, got)
        self.unknown.pop(pair, None)
        self.storm.count('rows audited', len(got))


class Filler(storm.Worker):
    """A worker of the backfills."""

    lazy = False
    other = 'backfills refused'

    def work(self):
        pair = self.storm.pairs[int(self.name.split()[-1]) % len(self.storm.pairs)]
        if not pair.filling.wait(0.2):
            return
        self.execute("CALL parity.shadow_backfill('%s', %d, pause => '%d ms', max_batches => %s)" % (
            pair.name, self.r.choice([2, 10, 100]), self.r.choice([0, 0, 5, 30]), self.r.choice(['NULL', '6'])))
        self.storm.count('backfills by a worker')
        self.storm.wait_commits(2, 1)

    def tolerates(self, error):
        # locked by others; not started, or started anew meanwhile; there is no such shadow just now
        return error.sqlstate in (LOCKED, REPLACED, '42704', '40P01')


class Driver(storm.Worker):
    """Takes a shadow through its life, one recorded step after the other, and goes on after a crash from what is recorded."""

    lazy = False
    other = 'steps refused'
    # Gates that others may close between a verification and a cutover (a worker may begin the backfill anew).
    PASSING = {'drift', 'verified', 'old snapshots', 'phase', 'backfill'}

    def __init__(self, storm_, number):
        super().__init__(storm_, number)
        self.pair = storm_.pairs[number - 1]
        self.clean = False      # all that differs was put aside, is being filled, or was noted

    def step(self, what, sql):
        with self.storm.changed:
            self.storm.doing[self.pair] = what
            self.storm.changed.notify_all()
        try:
            return self.execute(sql)
        finally:
            self.storm.doing[self.pair] = None

    def work(self):
        pair = self.pair
        row = self.one("""
            SELECT s.phase, s.direction, t.phase, t.drift,
                EXISTS (SELECT FROM parity.shadow_work w WHERE w.id = s.id AND w.complete AND w.started_at >= s.started_at),
                s.verified_at IS NOT NULL AND NOT EXISTS (SELECT FROM parity.shadow_mark m WHERE m.id = s.id AND m.kind <> 'cascade'),
                (SELECT count(*) FROM parity.event e WHERE e.shadow = s.name AND e.what = 'cutover' AND e.at > s.created_at)
            FROM parity.shadow s JOIN parity.shadow_status t USING (name) WHERE s.name = '%s'""" % pair.name)
        phase, direction, shown, drift, filled, verified, cutovers = row or (None,) * 7
        if not pair.swap:
            pair.leading = load.TASKS_V2 if direction == 'backward' else load.TASKS
        pair.moving = False
        pair.guarded = phase == 'cut over' and cutovers == 1
        if phase is None:
            return self.create()
        if phase == 'finished':
            return self.begin_anew()
        if phase in ('created', 'stopped') or shown == 'stopped':
            if phase != 'created':
                self.clean = False
            self.step('start', "SELECT parity.shadow_start('%s')" % pair.name)
            return self.storm.count('starts')
        self.storm.wait_commits(self.r.randrange(1, 30))
        if phase == 'shadowing' and not filled:
            pair.filling.set()
            self.storm.doing[pair] = 'backfill'
            return self.storm.wait_commits(3, 0.2)
        if pair.filling.is_set():
            pair.filling.clear()
            self.storm.count('backfills')
        if drift or (not self.clean and self.r.random() < 0.3):
            return self.heal(not self.clean)
        if not verified or not self.clean or self.r.random() < 0.3:
            return self.verify()
        if phase == 'shadowing':
            if self.r.random() < 0.06:
                self.step('stop', "SELECT parity.shadow_stop('%s')" % pair.name)
                return self.storm.count('stops')
            return self.turn('cutover')
        if cutovers == 1:
            return self.turn('rollback')
        # who began when the other table was written is not refused any more after this
        while any(writer.begun.get(pair) != pair.moves for writer in self.storm.writers) and not self.storm.over.is_set():
            self.storm.wait_commits(1, 0.1)
        self.step('finish', "SELECT parity.shadow_finish('%s')" % pair.name)
        self.storm.count('finished')

    def create(self):
        """Of the tables as they are, with or without triggers of their own; the one that is to follow may hold what it held."""
        pair = self.pair
        empty = self.r.random() < 0.6
        if pair.swap:
            there = self.one("SELECT to_regclass('items_new')")[0]
            sql = 'DROP TABLE items_new;' if there and empty else ''
            if empty or not there:
                sql += 'CREATE TABLE items_new (LIKE items INCLUDING ALL, FOREIGN KEY (project) REFERENCES projects ON DELETE CASCADE ' \
                       'ON UPDATE CASCADE);'
                empty = True
        else:
            sql = 'TRUNCATE tasks_v2;' if empty else 'DELETE FROM tasks_v2 WHERE id % 5 = 0;'
        triggers = self.r.random() < 0.5
        for table in self.both().split(', '):
            sql += 'DROP TRIGGER IF EXISTS aa_tag ON {0}; DROP TRIGGER IF EXISTS zz_measure ON {0};'.format(table)
            sql += load.TRIGGERS.format(table) if triggers else ''
        if triggers:    # as they would have made the rows
            sql += 'UPDATE %s SET title = title WHERE (tag, length) IS DISTINCT FROM (upper(left(title, 12)), length(title));' % (
                pair.tables[0].name)
        if pair.swap:
            if self.r.random() < 0.5 or empty:
                sql += "SELECT parity.track('items'); SELECT parity.track('items_new');"
            sql += "SELECT FROM parity.shadow_create('items', 'items', 'items_new', max_failures => 30)"
        else:
            sql += "SELECT FROM parity.shadow_create('tasks', 'tasks', 'tasks_v2', '%s', '%s', max_failures => 30)" % (
                load.MAPPING['columns'].replace("'", "''"), load.MAPPING['reverse'].replace("'", "''"))
        self.clean = empty
        pair.moving = True      # it changes rows of all writers
        self.step('create', sql)
        pair.moves += 1
        pair.moving = False
        self.storm.count('created with triggers' if triggers else 'created without triggers')

    def begin_anew(self):
        """After the end of one life: the tables get their old roles."""
        pair = self.pair
        self.step('begin anew', "SELECT parity.shadow_drop('%s')" % pair.name if pair.swap else """
            BEGIN; LOCK TABLE tasks_v2, tasks; TRUNCATE tasks;
            INSERT INTO tasks (id, project, title, status, price_cents)
                SELECT id, project, title, CASE WHEN is_done THEN 'done' ELSE 'open' END, (price * 100)::int FROM tasks_v2;
            SELECT parity.shadow_drop('tasks'); COMMIT""")
        if not pair.swap:
            pair.leading = load.TASKS
        self.storm.count('whole lives of %s' % pair.name)

    def heal(self, everything):
        self.pair.healing = True
        healed, failed = self.step('heal', "SELECT * FROM parity.shadow_heal('%s', everything => %s)" % (
            self.pair.name, everything)).fetchone()
        self.pair.heals += 1
        self.pair.healing = False
        self.storm.count('healed', healed)
        if everything and not failed:
            self.clean = True

    def verify(self):
        """By SQL, under a snapshot of which all is known, and by parity."""
        wrong, drift, marked = self.compare()
        if wrong and self.clean and not marked:
            raise Wrong('seed %s, %s: DIFFERENT, and neither put aside nor noted: %s\ndrift: %s' % (
                self.storm.seed, self.pair.name, wrong, drift))
        if wrong and (marked or not self.clean):
            self.clean = False
            self.heal(True)
        status, detail = self.step('verify', "SELECT status, detail FROM parity.shadow_verify('%s')" % self.pair.name).fetchone()
        self.storm.count('verified: ' + status)
        if detail:
            self.done.append('-- ' + detail)

    def compare(self):
        """The keys that differ and are not put aside, those that are, and whether marks tell of it."""
        try:
            self.execute('BEGIN ISOLATION LEVEL REPEATABLE READ')
            self.execute('LOCK TABLE %s IN ACCESS SHARE MODE' % self.both())
            return self.compared()
        finally:
            if self.connection is not None and not self.connection.closed:
                self.connection.execute('ROLLBACK')

    def both(self):
        return 'items, items_new' if self.pair.swap else 'tasks, tasks_v2'

    def compared(self):
        here, there = (
            ('SELECT * FROM items', 'SELECT * FROM items_new') if self.pair.swap else
            ("SELECT id::int8, title, status = 'done', (price_cents / 100.0)::numeric(12,2), project, tag, length FROM tasks",
             'SELECT id, title, is_done, price, project, tag, length FROM tasks_v2'))
        drift = {row[0] for row in self.execute("SELECT (key ->> 0)::int8 FROM parity.drift WHERE shadow = '%s'" % self.pair.name)}
        rows = self.execute('(({0}) EXCEPT ALL ({1})) UNION ALL (({1}) EXCEPT ALL ({0}))'.format(here, there)).fetchall()
        marks = self.execute("SELECT m.kind FROM parity.shadow_mark m JOIN parity.shadow s USING (id) WHERE s.name = '%s'"
                             % self.pair.name).fetchall()
        self.storm.count('comparisons')
        return [row for row in rows if row[0] not in drift], drift, any(kind not in ('truncated', 'cascade') for kind, in marks)

    def turn(self, what):
        pair = self.pair
        pair.moving = True
        sql = "SELECT parity.shadow_%s('%s', lock_timeout => '%s', compare => '%s'%s%s)" % (
            what, pair.name, self.r.choice(['100ms', '500ms', '2s']), self.r.choice(['auto', 'auto', 'full', 'verified']),
            ', swap_names => true' if pair.swap and what == 'cutover' else '',
            ", accept => ARRAY(SELECT item FROM parity.shadow_inventory('%s'))" % pair.name if pair.swap and what == 'cutover' else '')
        self.step(what, sql)
        pair.moves += 1
        pair.guarded = False        # until it has asked how often
        if not pair.swap:
            pair.leading = load.TASKS_V2 if what == 'cutover' else load.TASKS
        pair.moving = False
        self.storm.count('%s of %s' % (what, pair.name))

    def failed(self, error):
        if self.pair.moving:
            self.pair.moves += 1    # who has begun before may have met it
        self.pair.heals += self.pair.healing
        self.pair.healing = False
        super().failed(error)

    def tolerates(self, error):
        if error.sqlstate == REPLACED and (' cannot be cut over' in str(error) or ' cannot be rolled back' in str(error)):
            gates = {line.split(':')[0] for line in (error.diag.message_detail or '').split('\n')}
            self.done.append('-- ' + (error.diag.message_detail or ''))
            for gate in gates:
                self.storm.count('gate: ' + gate)
            # what differs is put aside, or the stop is known
            if 'tables' in gates and self.clean and not gates & self.PASSING:
                return False
            return bool(gates & self.PASSING) and gates <= self.PASSING | {'tables'}
        if error.sqlstate == REPLACED and 'has stopped' in str(error):
            return True     # it stopped itself: then it is started anew
        # 42704: no inventory of a shadow that is gone; the others are for want of a lock
        return error.sqlstate in (LOCKED, '40P01', UNSERIALIZABLE)


class ShadowStorm(storm.Storm):
    """Both pairs with their drivers, and the writers."""

    def __init__(self, cluster, seed, sessions=8):
        self.tasks = Pair('tasks', (load.TASKS, load.TASKS_V2), False)
        self.items = Pair('items', (load.ITEMS,), True)
        self.pairs = [self.tasks, self.items]
        self.doing = dict.fromkeys(self.pairs)      # the steps that its drivers are at
        super().__init__(cluster, seed, only=[(Writer, sessions), (Driver, 2), (Filler, 4)])
        self.crashes = True     # a lost session is none to be told; what the server says of itself is asked at the end

    @property
    def writers(self):
        return [worker for worker in self.workers if isinstance(worker, Writer)]

    @property
    def drivers(self):
        return [worker for worker in self.workers if isinstance(worker, Driver)]


def create(cluster):
    with cluster.connect('postgres') as connection:
        connection.execute('CREATE DATABASE parity')
    with cluster.connect() as connection:
        connection.execute('CREATE EXTENSION parity')
        connection.execute(load.SCHEMA)
        for table in ('tasks', 'tasks_v2', 'items'):
            connection.execute(load.TRIGGERS.format(table))


def kill(cluster, storm_, r, counted):
    """At a random point: in the middle of a step of a random sort, or when so much was committed."""
    if r.random() < 0.6:
        wanted = r.choice(['cutover', 'cutover', 'rollback', 'backfill', 'verify', 'heal', 'start', 'finish', 'create', 'begin anew'])
        with storm_.changed:
            storm_.changed.wait_for(lambda: storm_.over.is_set() or wanted in storm_.doing.values(), 3)
            storm_.changed.wait_for(storm_.over.is_set, r.random() * r.choice([0.005, 0.05]))
    else:
        storm_.wait_commits(r.randrange(1, 120), 5)
    for pair, what in storm_.doing.items():
        counted['kills during %s' % (what or 'nothing of %s' % pair.name)] += 1
    if storm_.over.is_set():
        return
    if r.random() < 0.3:
        pid = r.choice([worker.pid for worker in storm_.workers] + [None])
        if pid is not None and cluster.kill_backend(pid):
            counted['processes killed'] += 1
            # until the postmaster has ended all others and begins again, a session may still be let in
            wait_for(lambda: storm_.over.is_set() or pid not in storm_.pids(), 'crash')
            return
    cluster.kill()
    counted['servers killed'] += 1
    cluster.start()


def settle(cluster, storm_):
    """At rest: each driver makes its tables equal once more, and each writer asks for its rows."""
    for worker in storm_.writers:
        worker.connect()
        for pair in storm_.pairs:
            worker.audit(pair)
        worker.disconnect()
    for driver in storm_.drivers:
        driver.connect()
        name = driver.pair.name
        phase = driver.one("SELECT t.phase, t.backfilled FROM parity.shadow s JOIN parity.shadow_status t USING (name) "
                           "WHERE s.name = '%s' AND s.phase IN ('shadowing', 'cut over')" % name)
        if phase is not None and phase[0] != 'stopped' and phase[1]:
            wrong, drift, marked = driver.compare()
            assert not wrong or marked or not driver.clean, 'DIFFERENT at the end, %s: %s, drift %s' % (name, wrong, drift)
            driver.heal(True)
            wrong, drift, _ = driver.compare()
            assert not wrong and not drift, 'DIFFERENT at the end, healed, %s: %s, drift %s' % (name, wrong, drift)
            status = driver.one("SELECT status, detail FROM parity.shadow_verify('%s')" % name)
            assert status == ('match', None), 'at the end, %s: %s' % (name, status)
            storm_.count('verified at the end')
        for table in driver.both().split(', '):
            if driver.one("SELECT to_regclass('%s')" % table)[0]:
                rows, keys = driver.one('SELECT count(*), count(DISTINCT id) FROM %s' % table)
                assert rows == keys, '%s: doubled rows' % table
        for sqlstate, number, message in driver.execute(
                "SELECT detail ->> 'sqlstate', count(*), min(detail ->> 'message') FROM parity.event WHERE shadow = '%s' "
                "AND what = 'failure' GROUP BY 1" % name).fetchall():
            assert sqlstate in QUARANTINED, 'put aside: %s %s' % (sqlstate, message)
            storm_.count('put aside: %s %s' % (sqlstate, message.split('"')[0]), number)
        for mode, number in driver.execute("SELECT detail ->> 'mode', count(*) FROM parity.event WHERE shadow = '%s' "
                                           "AND what IN ('cutover', 'rollback') GROUP BY 1" % name).fetchall():
            storm_.count('proved: %s' % mode, number)
        driver.disconnect()


def run(seconds, seed, sessions=8, kills=0, report=lambda words: None, until=()):
    """A whole storm, on a server of its own: at least so long, with so many kills, and until these were counted (on a slow
    machine). Raises when anything was wrong."""
    r = random.Random('%s/kills' % seed)
    counted = collections.Counter()
    with Cluster({'fsync': 'off', 'shared_buffers': '128MB', 'checkpoint_timeout': '30s'}) as cluster:
        create(cluster)
        storm_ = ShadowStorm(cluster, seed, sessions)
        storm_.begin()
        deadline = time.monotonic() + seconds
        try:
            for number in range(1, kills + 1):
                storm_.wait_commits(r.randrange(200), seconds / kills)
                if storm_.over.is_set():
                    break
                kill(cluster, storm_, r, counted)
                report('kill %d: %s' % (number, storm_.words()))
            storm_.over.wait(max(0, deadline - time.monotonic()))
            while not all(map(storm_.counted.get, until)) and not storm_.over.is_set() and time.monotonic() < deadline + LIMIT:
                storm_.wait_commits(10)
        finally:
            storm_.join()
        cluster.wait_ready()    # a process may have been killed last
        settle(cluster, storm_)
        storm_.counted.update(counted)
        return storm_


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=float, default=float(os.environ.get('PARITY_SHADOW_SECONDS', 20)))
    parser.add_argument('--seed', default=os.environ.get('PARITY_SHADOW_SEED', str(random.SystemRandom().randrange(10 ** 6))))
    parser.add_argument('--sessions', type=int, default=8)
    parser.add_argument('--kills', type=int, default=int(os.environ.get('PARITY_SHADOW_KILLS', 3)))
    args = parser.parse_args()
    print('seed', args.seed, flush=True)
    print(run(args.seconds, args.seed, args.sessions, args.kills, lambda words: print(words, flush=True)).words())


if __name__ == '__main__':
    try:
        main()
    except AssertionError as failure:
        sys.exit(str(failure))
