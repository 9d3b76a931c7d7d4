"""The tables of the storm of shadows, and statements on them. Nothing is executed here.

Each writer has keys of its own, whose rows it knows; the others are written by all, and by foreign keys' cascades.
"""

import collections
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'live'))

from load import literal, pick  # noqa: E402

SHARED = 90         # keys that all write: 1 to this, and what their UPDATEs make of them
PROJECTS = 20
OWN = 40            # keys that a writer has for itself, and as many below zero
STEP = 1_000_000    # writer n's begin at n times this

SCHEMA = """
CREATE TABLE projects (id int PRIMARY KEY, name text);
CREATE TABLE audit (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
-- counts the TRUNCATEs of a pair of tables that were committed
CREATE TABLE generation (pair text PRIMARY KEY, n int NOT NULL);
INSERT INTO generation VALUES ('tasks', 0), ('items', 0);
INSERT INTO projects SELECT i, 'p' FROM generate_series(1, 20) i;

CREATE TABLE tasks (id int PRIMARY KEY, gone int, project int REFERENCES projects ON DELETE CASCADE ON UPDATE CASCADE,
    title text NOT NULL, status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'done')), price_cents int NOT NULL DEFAULT 0,
    tag text, length int);
ALTER TABLE tasks DROP COLUMN gone;
ALTER TABLE tasks ALTER COLUMN title SET STORAGE EXTERNAL;
CREATE TABLE tasks_v2 (price numeric(12,2) NOT NULL DEFAULT 0, is_done boolean NOT NULL DEFAULT false, title text NOT NULL,
    id bigint PRIMARY KEY, project int REFERENCES projects ON DELETE CASCADE ON UPDATE CASCADE, tag text, length int,
    label text GENERATED ALWAYS AS (left(title, 20) || '!') STORED);
CREATE TABLE items (id int PRIMARY KEY, project int REFERENCES projects ON DELETE CASCADE ON UPDATE CASCADE,
    title text NOT NULL, status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'done')), price_cents int NOT NULL DEFAULT 0,
    tag text, length int);
CREATE INDEX ON items (project);

-- One trigger changes the row, one writes the same table again. The first has nothing to do on the rows that a shadow writes,
-- the second is not for them: a statement of several parts is shadowed part by part, when the trigger has not come to all.
CREATE FUNCTION tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.tag := upper(left(NEW.title, 12));
    RETURN NEW;
END $$;
CREATE FUNCTION measure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %s SET length = length(title) WHERE id = $1', TG_RELID::regclass) USING NEW.id;
    RETURN NULL;
END $$;

-- The plans of these are saved; names are looked up again when tables change theirs.
CREATE FUNCTION save_tasks(key int, words text, done bool, cents int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tasks (id, title, status, price_cents) VALUES (key, words, CASE WHEN done THEN 'done' ELSE 'open' END, cents);
EXCEPTION WHEN unique_violation THEN
    UPDATE tasks SET title = words, status = CASE WHEN done THEN 'done' ELSE 'open' END, price_cents = cents WHERE id = key;
END $$;
CREATE FUNCTION save_tasks_v2(key int, words text, done bool, cents int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tasks_v2 (id, title, is_done, price) VALUES (key, words, done, cents / 100.0);
EXCEPTION WHEN unique_violation THEN
    UPDATE tasks_v2 SET title = words, is_done = done, price = cents / 100.0 WHERE id = key;
END $$;
CREATE FUNCTION save_items(key int, words text, done bool, cents int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO items (id, title, status, price_cents) VALUES (key, words, CASE WHEN done THEN 'done' ELSE 'open' END, cents);
EXCEPTION WHEN unique_violation THEN
    UPDATE items SET title = words, status = CASE WHEN done THEN 'done' ELSE 'open' END, price_cents = cents WHERE id = key;
END $$;
-- What was written is undone, and then something else is.
CREATE FUNCTION undo(rel text, key int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE format('UPDATE %I SET title = title || ''!'' WHERE id = $1', rel) USING key;
        EXECUTE format('DELETE FROM %I WHERE id = $1', rel) USING key;
        RAISE EXCEPTION 'no';
    EXCEPTION WHEN raise_exception THEN
        INSERT INTO audit (what) VALUES ('undone');
    END;
END $$;

-- Which table of the mapped pair is to be written.
CREATE FUNCTION written() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM parity.shadow WHERE name = 'tasks' AND direction = 'backward') THEN 'tasks_v2' ELSE 'tasks' END
$$;
"""
TRIGGERS = """
CREATE TRIGGER aa_tag BEFORE INSERT OR UPDATE ON {0} FOR EACH ROW EXECUTE FUNCTION tag();
CREATE TRIGGER zz_measure AFTER INSERT OR UPDATE ON {0} FOR EACH ROW
    WHEN (NEW.length IS DISTINCT FROM length(NEW.title) AND pg_trigger_depth() = 0) EXECUTE FUNCTION measure();
"""
MAPPING = dict(
    columns='{"title": "title", "is_done": "status = \'done\'", "price": "price_cents / 100.0", "project": "project", "tag": "tag", '
            '"length": "length"}',
    reverse='{"status": "CASE WHEN is_done THEN \'done\' ELSE \'open\' END", "price_cents": "(price * 100)::int"}')

Row = collections.namedtuple('Row', 'title done cents project')


class Table:
    """A table as the writers see it."""

    def __init__(self, name, done, price):
        self.name, self.done, self.price = name, done, price
        self.columns = 'id, project, title, %s, %s' % (done, price)
        self.read = "id, title, %s, %s, project" % (
            ("status = 'done'", 'price_cents') if done == 'status' else ('is_done', '(price * 100)::int'))

    def values(self, key, row):
        done = ("'done'" if row.done else "'open'") if self.done == 'status' else str(row.done)
        return '(%d, %s, %s, %s, %s)' % (key, literal(row.project), literal(row.title), done, self.money(row.cents))

    def money(self, cents):
        return str(cents) if self.price == 'price_cents' else '%s%d.%02d' % ('-' * (cents < 0), *divmod(abs(cents), 100))

    def all_values(self, rows):
        return ', '.join(self.values(key, row) for key, row in rows.items())

    @property
    def turn_done(self):
        return "status = CASE status WHEN 'done' THEN 'open' ELSE 'done' END" if self.done == 'status' else 'is_done = NOT is_done'


TASKS, TASKS_V2 = Table('tasks', 'status', 'price_cents'), Table('tasks_v2', 'is_done', 'price')
ITEMS = Table('items', 'status', 'price_cents')


class Write:
    """A statement, how many rows it writes (if it tells), and what then is in which key (None: nothing)."""

    def __init__(self, sql, effect, count=None, returning=True, rows=None):
        self.sql, self.effect, self.count, self.returning, self.rows = sql, effect, count, returning, rows


def title(r):
    return r.choice(['', 'x', "it's", 'ünïcode %d' % r.randrange(9), 'task %d' % r.randrange(10 ** 6), 'task %d' % r.randrange(10 ** 6),
                     'y' * r.randrange(200), r.randbytes(r.randrange(1000, 3000)).hex() if r.random() < 0.2 else 'z'])


def row(r, project=None):
    return Row(title(r), r.random() < 0.5, r.choice([0, 1, -250, r.randrange(10 ** 6)]), project)


def listed(keys):
    return ', '.join(map(str, keys))


def some(r, keys, limit=6):
    keys = sorted(keys)
    return r.sample(keys, min(len(keys), r.choice([1, 1, 1, 2, 3, limit])))


class Writes:
    """Random writes to a table, of whose rows (of certain keys) it is known what they are: present, in keys."""

    def __init__(self, r, table, keys, present, version, make):
        self.r, self.table, self.keys, self.present, self.version, self.make = r, table, keys, present, version, make
        self.absent = [key for key in keys if key not in present]

    def any(self):
        kinds = [8, self.upsert, 5, self.nothing, 3, self.save]
        if self.absent:
            kinds += [18, self.insert, 6, self.copy]
        if self.present:
            kinds += [16, self.update, 8, self.delete, 5, self.turn, 3, self.undone]
        if self.present and self.absent:
            kinds += [6, self.move, 4, self.insert_select]
        if len(self.present) > 1:
            kinds += [5, self.rotate, 3, self.swap]
        if self.version >= 150000:
            kinds += [7, self.merge]
        return pick(self.r, *kinds)()

    def rows(self, keys):
        return {key: self.make() for key in keys}

    def insert(self):
        rows = self.rows(some(self.r, self.absent, 12))
        return Write('INSERT INTO %s (%s) VALUES %s' % (self.table.name, self.table.columns, self.table.all_values(rows)), rows, len(rows))

    def copy(self):
        rows = self.rows(some(self.r, self.absent, 20))
        return Write('COPY %s (%s) FROM STDIN' % (self.table.name, self.table.columns), rows, len(rows), False, rows)

    def nothing(self):
        rows = self.rows(some(self.r, self.keys))
        effect = {key: row for key, row in rows.items() if key not in self.present}
        return Write('INSERT INTO %s (%s) VALUES %s ON CONFLICT %sDO NOTHING' % (
            self.table.name, self.table.columns, self.table.all_values(rows), self.r.choice(['', '(id) '])), effect, len(effect))

    def upsert(self):
        rows = self.rows(some(self.r, self.keys))
        effect = {key: self.present[key]._replace(title=row.title, cents=row.cents) if key in self.present else row
                  for key, row in rows.items()}
        return Write('INSERT INTO {0} AS t ({1}) VALUES {2} ON CONFLICT (id) '
                     'DO UPDATE SET title = excluded.title, {3} = excluded.{3}'.format(
                         self.table.name, self.table.columns, self.table.all_values(rows), self.table.price), effect, len(rows))

    def update(self):
        keys, words, cents = some(self.r, self.present), title(self.r), self.r.randrange(500)
        where, changed = 'id IN (%s)' % listed(keys), keys
        if self.r.random() < 0.4 and min(keys) * max(keys) > 0:     # between keys below and above zero are those of others
            where = 'id BETWEEN %d AND %d' % (min(keys), max(keys))
            changed = [key for key in self.present if min(keys) <= key <= max(keys)]
        sets, change = self.r.choice([
            ('title = %s' % literal(words), lambda row: row._replace(title=words)),
            ('{0} = {0} + {1}'.format(self.table.price, self.table.money(cents)), lambda row: row._replace(cents=row.cents + cents)),
            ('title = title', lambda row: row)])
        return Write('UPDATE %s SET %s WHERE %s' % (self.table.name, sets, where),
                     {key: change(self.present[key]) for key in changed}, len(changed))

    def turn(self):
        keys = some(self.r, self.present)
        return Write('UPDATE %s SET %s WHERE id IN (%s)' % (self.table.name, self.table.turn_done, listed(keys)),
                     {key: self.present[key]._replace(done=not self.present[key].done) for key in keys}, len(keys))

    def delete(self):
        keys = some(self.r, self.present)
        return Write('DELETE FROM %s WHERE id IN (%s)' % (self.table.name, listed(keys)), {key: None for key in keys}, len(keys))

    def move(self):
        """Of keys: one to another, or several to below zero and back."""
        if self.r.random() < 0.5:
            key, to = self.r.choice(sorted(self.present)), self.r.choice(self.absent)
            return Write('UPDATE %s SET id = %d WHERE id = %d' % (self.table.name, to, key), {key: None, to: self.present[key]}, 1)
        keys = [key for key in some(self.r, self.present) if -key in self.absent]
        effect = {key: None for key in keys}
        effect.update({-key: self.present[key] for key in keys})
        return Write('UPDATE %s SET id = -id WHERE id IN (%s)' % (self.table.name, listed(keys or [0])), effect, len(keys))

    def rotate(self):
        """Keys change places in one statement."""
        keys = some(self.r, self.present, 4)
        to = dict(zip(keys, keys[1:] + keys[:1]))
        case = ' '.join('WHEN %d THEN %d' % pair for pair in to.items())
        return Write('WITH d AS (DELETE FROM {0} WHERE id IN ({1}) RETURNING *) INSERT INTO {0} ({2}) SELECT CASE id {3} END, {4} FROM d '
                     'ORDER BY 1'.format(self.table.name, listed(keys), self.table.columns, case, self.table.columns[4:]),
                     {to[key]: self.present[key] for key in keys}, len(keys))

    def swap(self):
        """And in several."""
        one, other = self.r.sample(sorted(self.present), 2)
        free = self.r.choice(self.absent) if self.absent else 0
        sql = '; '.join('UPDATE %s SET id = %d WHERE id = %d' % (self.table.name, to, key)
                        for key, to in ((one, free), (other, one), (free, other)))
        return Write(sql, {one: self.present[other], other: self.present[one]}, None, False)

    def insert_select(self):
        keys = some(self.r, self.present, 4)
        to = dict(zip(keys, self.r.sample(self.absent, len(self.absent))))
        if len(to) < len(keys):
            return self.insert()
        case = ' '.join('WHEN %d THEN %d' % pair for pair in to.items())
        return Write('INSERT INTO {0} ({1}) SELECT CASE id {2} END, {3} FROM {0} WHERE id IN ({4})'.format(
            self.table.name, self.table.columns, case, self.table.columns[4:], listed(keys)),
            {to[key]: self.present[key] for key in keys}, len(keys))

    def merge(self):
        rows = self.rows(some(self.r, self.keys))
        kill = self.r.choice(['true', 'false', 't.id % 2 = 0'])
        effect = {}
        for key, row in rows.items():
            if key not in self.present:
                effect[key] = row
            elif kill == 'true' or (kill != 'false' and key % 2 == 0):
                effect[key] = None
            else:
                effect[key] = self.present[key]._replace(title=row.title)
        return Write('MERGE INTO {0} AS t USING (VALUES {1}) AS s ({2}) ON t.id = s.id WHEN MATCHED AND {3} THEN DELETE '
                     'WHEN MATCHED THEN UPDATE SET title = s.title WHEN NOT MATCHED THEN INSERT ({2}) VALUES ({4})'.format(
                         self.table.name, self.table.all_values(rows).replace('NULL', 'NULL::int'), self.table.columns, kill,
                         's.' + self.table.columns.replace(', ', ', s.')), effect, len(rows), False)

    def save(self):
        """A function that catches what its first statement runs into."""
        key, row = self.r.choice(self.keys), self.make()._replace(project=None)
        if key in self.present:
            row = row._replace(project=self.present[key].project)
        return Write('SELECT save_%s(%d, %s, %s, %d)' % (
            self.table.name, key, literal(row.title), row.done, row.cents), {key: row}, 1, False)

    def undone(self):
        return Write("SELECT undo('%s', %d)" % (self.table.name, self.r.choice(sorted(self.present))), {}, 1, False)


def between(one, other, r, shared_keys):
    """Rows go from one table to the other, and more is written, all in one statement; each of them a Writes of the same keys."""
    keys = [key for key in some(r, one.present, 4) if key in other.absent]
    if not keys:
        return None
    read = 'id, project, title, %s, %s' % (
        one.table.done if one.table.done == other.table.done else
        "status = 'done'" if one.table.done == 'status' else "CASE WHEN is_done THEN 'done' ELSE 'open' END",
        one.table.price if one.table.price == other.table.price else
        'price_cents / 100.0' if one.table.price == 'price_cents' else '(price * 100)::int')
    sql = ("WITH d AS (DELETE FROM {0} WHERE id IN ({1}) RETURNING *), a AS (INSERT INTO audit (what) VALUES ('moved')), "
           "s AS (UPDATE {0} SET title = 'touched' WHERE id = {2}) INSERT INTO {3} ({4}) SELECT {5} FROM d").format(
               one.table.name, listed(keys), r.randint(1, shared_keys), other.table.name, other.table.columns, read)
    return Write(sql, None, len(keys), False), {key: None for key in keys}, {key: one.present[key] for key in keys}


def of_projects(r):
    number = r.randint(1, PROJECTS)
    return r.choice(['DELETE FROM projects WHERE id = %d' % number, 'DELETE FROM projects WHERE id > %d' % PROJECTS,
                     "INSERT INTO projects SELECT i, 'again' FROM generate_series(1, %d) i ON CONFLICT DO NOTHING" % PROJECTS,
                     'UPDATE projects SET id = id + 1000 WHERE id = %d' % number,
                     'UPDATE projects SET id = id %% 1000 WHERE id = %d' % (1000 + number),
                     "UPDATE projects SET name = 'p%d' WHERE id = %d" % (number, number)])


def wide(r, table):
    """Many of the keys that all write."""
    start = r.randint(1, SHARED)
    return r.choice([
        'UPDATE %s SET title = %s WHERE id BETWEEN %d AND %d' % (table.name, literal(title(r)), start, start + 30),
        'UPDATE {0} SET {1} = {1} + 1 WHERE id BETWEEN 1 AND {2}'.format(table.name, table.price, 2 * SHARED),
        'UPDATE %s SET project = %s WHERE id BETWEEN %d AND %d' % (
            table.name, r.choice(['NULL', str(r.randint(1, PROJECTS))]), start, start + 9),
        'UPDATE %s SET id = id + %d WHERE id BETWEEN %d AND %d' % (table.name, SHARED, start, min(start + 5, SHARED)),
        'UPDATE %s SET id = id - %d WHERE id BETWEEN %d AND %d' % (table.name, SHARED, SHARED + start, SHARED + start + 5),
        'DELETE FROM %s WHERE id BETWEEN 1 AND %d AND id %% 11 = %d' % (table.name, 2 * SHARED, start % 11),
        "INSERT INTO {0} (id, title) SELECT i, 'bulk' FROM generate_series({1}, {2}) i ON CONFLICT DO NOTHING".format(
            table.name, start, start + 40)])
