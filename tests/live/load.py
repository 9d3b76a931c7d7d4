"""The tables of the load and random statements on them. Nothing is executed here."""

KEYS = 150          # keys are mostly of 1 to KEYS, so that sessions meet
FAR = 1_000_000     # keys from here on are new to a table: COPY and bulk inserts take them
REGIONS = ('north', 'south', 'east', 'west')

SCHEMA = """
CREATE TABLE plain (id int PRIMARY KEY, gone int, n numeric, t text, ts timestamptz, j jsonb, big text,
    twice bigint GENERATED ALWAYS AS (id * 2) STORED);
ALTER TABLE plain DROP COLUMN gone;
ALTER TABLE plain ALTER COLUMN big SET STORAGE EXTERNAL;
CREATE TABLE named (name text PRIMARY KEY, code int UNIQUE, v numeric);
CREATE TABLE loose (a int, b text, f float8);

CREATE TABLE part (id int, region text, v text, n numeric, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE part_north PARTITION OF part FOR VALUES IN ('north');
CREATE TABLE part_south PARTITION OF part FOR VALUES IN ('south') PARTITION BY RANGE (id);
CREATE TABLE part_south_low PARTITION OF part_south FOR VALUES FROM (MINVALUE) TO (60);
CREATE TABLE part_south_high PARTITION OF part_south FOR VALUES FROM (60) TO (MAXVALUE);
CREATE TABLE part_other (n numeric, gone int, v text, region text NOT NULL, id int NOT NULL);   -- its columns lie otherwise
ALTER TABLE part_other DROP COLUMN gone;
ALTER TABLE part ATTACH PARTITION part_other DEFAULT;

CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child (id int PRIMARY KEY, v text, parent_id int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE heir (id int PRIMARY KEY, v text, parent_id int REFERENCES parent ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE bucketed (id bigint PRIMARY KEY, v text, d date);
CREATE TABLE again (id int PRIMARY KEY, v text);
CREATE TABLE large (id int PRIMARY KEY, v text);
CREATE TABLE audit (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
CREATE VIEW plain_view AS SELECT id, n, t FROM plain WHERE id > 40;

-- Triggers of the application's own: that change a row, hold one back, write elsewhere, at once, after the statement and
-- at commit; with names before and behind any other.
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.id % 19 = 0 THEN RETURN NULL; END IF;
        RETURN OLD;
    END IF;
    IF NEW.id % 13 = 0 THEN NEW.t := 'changed by a trigger'; END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.audit (what) VALUES (TG_OP || ' ' || TG_TABLE_NAME);
    RETURN NULL;
END $$;
CREATE FUNCTION touch_parent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.parent SET v = 'has ' || NEW.id WHERE id = NEW.parent_id AND NEW.id % 5 = 0;
    RETURN NULL;
END $$;
CREATE TRIGGER aa_change BEFORE INSERT OR UPDATE OR DELETE ON plain FOR EACH ROW EXECUTE FUNCTION change();
CREATE TRIGGER aa_note AFTER UPDATE OF n ON plain FOR EACH ROW WHEN (OLD.id % 10 = 0) EXECUTE FUNCTION note();
CREATE TRIGGER zz_note AFTER DELETE ON plain EXECUTE FUNCTION note();
CREATE TRIGGER zz_touch AFTER INSERT ON child FOR EACH ROW EXECUTE FUNCTION touch_parent();
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR UPDATE ON bucketed DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.id % 7 = 0) EXECUTE FUNCTION note();

-- Both digests of a table, under the snapshot of the query that calls it. The table is read first, which locks it: a
-- TRUNCATE is seen by every snapshot, so both have to stand on the same side of it.
CREATE FUNCTION both_digests(rel regclass, OUT live text, OUT whole text) LANGUAGE plpgsql STABLE AS $$
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', rel);
    live := parity.live_checksum(rel);
    whole := parity.checksum(rel);
END $$;

INSERT INTO plain (id, n, t, ts)
    SELECT i, i / 7.0, 'row ' || i, '2024-01-01'::timestamptz + i * interval '1 hour' FROM generate_series(1, 100) i;
INSERT INTO named SELECT 'name ' || i, i, i FROM generate_series(1, 60) i;
INSERT INTO loose SELECT i % 20, 'loose', i FROM generate_series(1, 80) i;
INSERT INTO part SELECT i, (ARRAY['north', 'south', 'east', 'west'])[i % 4 + 1], 'v', i FROM generate_series(1, 120) i;
INSERT INTO parent SELECT i, 'p' FROM generate_series(1, 40) i;
INSERT INTO child SELECT i, 'c', i % 40 + 1 FROM generate_series(1, 100) i;
INSERT INTO heir SELECT i, 'h', i % 40 + 1 FROM generate_series(1, 100) i;
INSERT INTO bucketed SELECT i, 'b', '2020-02-29'::date + i FROM generate_series(1, 100) i;
INSERT INTO again SELECT i, 'a' FROM generate_series(1, 50) i;
INSERT INTO large SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 33000) i;
"""


def text(r):
    return r.choice([None, '', 'x', "it's", 'ünïcode', 'value %d' % r.randrange(30), 'y' * r.randrange(600)])


def toasted(r):
    """Often too long for a page, so that an UPDATE of other columns meets it out of line."""
    return r.choice([None, 'short', r.randbytes(r.randrange(10, 300)).hex(), r.randbytes(r.randrange(2000, 9000)).hex()])


def number(r):
    return r.choice([None, '0', '-1.50', '1.5', '1e30', 'NaN', str(r.randrange(100_000) / 100)])


def real(r):
    return r.choice([None, '0', '-0', '1e300', '0.1', 'NaN', 'Infinity', str(r.random())])


def stamp(r):
    return r.choice([None, 'infinity', '2024-02-29 23:59:59.999999+00', '%04d-03-04 05:06:07+02' % r.randrange(1, 4000)])


def day(r):
    return r.choice([None, '-infinity', '2%03d-01-31' % r.randrange(1000)])


def json(r):
    return r.choice([None, '{}', '[1, 2.50, null]', '{"a": {"b": "%d"}}' % r.randrange(50), '"text"'])


def low_key(r):
    return r.randint(1, KEYS)


class Table:
    """One of the tables: its columns with what makes their values; key and note are the columns most statements use."""

    def __init__(self, name, key, note, columns, bits=None, foreign=None):
        self.name, self.key, self.note, self.columns, self.bits, self.foreign = name, key, note, columns, bits, foreign
        self.unique = name != 'loose'

    def new_key(self, r, far=False):
        number_ = FAR + r.randrange(FAR) if far else low_key(r)
        return 'name %d' % number_ if self.name == 'named' else number_

    def row(self, r, far=False, **fixed):
        """Values of all columns, in order."""
        row = {column: make(r) for column, make in self.columns.items()}
        row[self.key] = self.new_key(r, far)
        row.update(fixed)
        return list(row.values())

    def where(self, r):
        if self.name == 'named':
            return r.choice(["name = 'name %d'" % low_key(r), "name LIKE 'name %d%%'" % r.randint(1, 15), 'code = %d' % low_key(r)])
        start = low_key(r)
        return r.choice(['%s = %d' % (self.key, start), '%s BETWEEN %d AND %d' % (self.key, start, start + r.randrange(20)),
                         '%s IN (%d, %d, %d)' % (self.key, start, low_key(r), low_key(r)),
                         '%s %% 23 = %d AND %s < %d' % (self.key, start % 23, self.key, 2 * KEYS)])

    @property
    def conflict(self):
        return '(id, region)' if self.name == 'part' else '(%s)' % self.key


TABLES = {table.name: table for table in [
    Table('plain', 'id', 't', {'id': low_key, 'n': number, 't': text, 'ts': stamp, 'j': json, 'big': toasted}),
    Table('named', 'name', 'v', {'name': text, 'code': low_key, 'v': number}),
    Table('loose', 'a', 'b', {'a': low_key, 'b': text, 'f': real}),
    Table('part', 'id', 'v', {'id': low_key, 'region': lambda r: r.choice(REGIONS), 'v': text, 'n': number}, bits=5),
    Table('parent', 'id', 'v', {'id': low_key, 'v': text}),
    Table('child', 'id', 'v', {'id': low_key, 'v': text, 'parent_id': low_key}, foreign='parent_id'),
    Table('heir', 'id', 'v', {'id': low_key, 'v': text, 'parent_id': low_key}, foreign='parent_id'),
    Table('bucketed', 'id', 'v', {'id': low_key, 'v': text, 'd': day}, bits=8),
    Table('again', 'id', 'v', {'id': low_key, 'v': text}),
    Table('large', 'id', 'v', {'id': low_key, 'v': text}),
    Table('audit', 'n', 'what', {'n': low_key, 'what': text}),
]}
STEADY = [name for name in TABLES if name not in ('again', 'large')]    # those that are tracked once, before the load
LEAVES = {'part_north': {'region': 'north'}, 'part_south': {'region': 'south'}, 'part_south_low': {'region': 'south', 'id': 3},
          'part_south_high': {'region': 'south', 'id': 99}, 'part_other': {'region': 'east'}}
WEIGHTS = {'plain': 5, 'named': 3, 'loose': 3, 'part': 5, 'parent': 2, 'child': 3, 'heir': 2, 'bucketed': 3, 'again': 2, 'large': 2,
           'audit': 1}


def literal(value):
    if value is None:
        return 'NULL'
    return str(value) if isinstance(value, int) else "'%s'" % value.replace("'", "''")


def tuples(rows):
    return ', '.join('(%s)' % ', '.join(map(literal, row)) for row in rows)


def pick(r, *choices):
    """choices: weight, what, weight, what, …"""
    return r.choices(choices[1::2], choices[::2])[0]


def some_table(r):
    return TABLES[r.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]]


def write(r, version):
    """One writing statement of a random kind."""
    table = some_table(r)
    if table.name == 'audit':
        return r.choice(['DELETE FROM audit WHERE n < (SELECT max(n) - 50 FROM audit)',
                         "INSERT INTO audit (what) VALUES ('%d'), (NULL)" % low_key(r),
                         'UPDATE audit SET what = what || n WHERE n %% 29 = %d' % r.randrange(29)])
    kinds = [40, insert, 44, update, 12, update_key, 20, delete, 12, insert_select, 8, writable_cte, 3, whole, 3, trim]
    if table.unique:
        kinds += [20, upsert]
    if version >= 150000 and table.name not in ('named', 'loose'):
        kinds += [16, merge]
    if table.name == 'part':
        kinds += [28, direct, 28, move]
    if table.name == 'plain':
        kinds += [8, through_view]
    if table.name != 'large':
        kinds += [2, truncated]
    return pick(r, *kinds)(r, table)


def columns_of(table, alias=''):
    return '%s%s (%s)' % (table.name, alias, ', '.join(table.columns))


def insert(r, table, far=None):
    rows = [table.row(r, r.random() < 0.3 if far is None else far) for _ in range(pick(r, 5, 1, 3, 3, 1, 12))]
    return 'INSERT INTO %s VALUES %s%s' % (columns_of(table), tuples(rows), r.choice(['', ' ON CONFLICT DO NOTHING']))


def upsert(r, table):
    rows = {table.new_key(r): None for _ in range(r.choice([1, 1, 2, 6]))}
    values = tuples(table.row(r, **{table.key: key}) for key in rows)
    return 'INSERT INTO %s VALUES %s ON CONFLICT %s DO UPDATE SET %s = excluded.%s%s' % (
        columns_of(table, ' AS t'), values, table.conflict, table.note, table.note, r.choice(['', ' WHERE t.%s %s' % (
            table.note, r.choice(['IS NOT NULL', 'IS DISTINCT FROM excluded.%s' % table.note]))]))


def insert_select(r, table):
    """From itself, or many rows at once."""
    shift = FAR + r.randrange(FAR)
    key = "name || '+%d'" % shift if table.name == 'named' else '%s + %d' % (table.key, shift)
    rest = [column for column in table.columns if column not in (table.key, 'code')]
    if r.random() < 0.3 and table.name not in ('named', 'part'):
        return "INSERT INTO %s (%s, %s) SELECT %d + i, 'bulk' FROM generate_series(1, %d) i ON CONFLICT DO NOTHING" % (
            table.name, table.key, table.note, shift, r.randrange(400))
    return 'INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s ON CONFLICT DO NOTHING' % (
        table.name, ', '.join([table.key] + rest), ', '.join([key] + rest), table.name, table.where(r))


def setters(r, table):
    """What an UPDATE sets, of columns but the key: to a value, to itself, to what it makes of itself."""
    columns = [column for column in table.columns if column not in (table.key, 'region')]
    chosen = r.sample(columns, r.randint(1, len(columns)))
    return ', '.join('%s = %s' % (column, column if r.random() < 0.15 else literal(table.columns[column](r))) for column in chosen)


def update(r, table):
    if r.random() < 0.2:
        change = {'v': "v || '.'", 't': "upper(t) || '.'", 'b': "b || 'b'"}[table.note if table.name != 'named' else 'v']
        change = 'v = v + 1' if table.name == 'named' else '%s = left(%s, 500)' % (table.note, change)
        return 'UPDATE %s SET %s WHERE %s' % (table.name, change, table.where(r))
    return 'UPDATE %s SET %s WHERE %s' % (table.name, setters(r, table), table.where(r))


def update_key(r, table):
    if table.name == 'named':
        return "UPDATE named SET name = 'name %d', code = %d WHERE %s" % (low_key(r), low_key(r), table.where(r))
    return 'UPDATE %s SET %s = %s + %d WHERE %s' % (table.name, table.key, table.key, r.choice([-7, 1, 40, FAR]), table.where(r))


def delete(r, table):
    if table.name == 'loose' and r.random() < 0.4:
        return 'DELETE FROM loose WHERE ctid IN (SELECT ctid FROM loose WHERE %s LIMIT 3)' % table.where(r)
    return 'DELETE FROM %s WHERE %s' % (table.name, table.where(r))


def trim(r, table):
    """Keeps the tables small."""
    return "DELETE FROM %s WHERE %s" % (table.name, 'length(name) > 8' if table.name == 'named' else
                                        '%s > %d' % (table.key, FAR if table.name != 'large' else FAR // 2))


def whole(r, table):
    if table.name in ('large', 'parent'):
        return update(r, table)
    return pick(r, 5, 'UPDATE %s SET %s = %s' % (table.name, table.note, table.note), 1, 'DELETE FROM %s' % table.name)


def move(r, table):
    """Rows of one partition to another."""
    if r.random() < 0.3:
        return "UPDATE part SET id = id + %d WHERE region = 'south' AND %s" % (r.choice([-60, 60]), table.where(r))
    return "UPDATE %s SET region = '%s' WHERE %s" % (r.choice(['part', 'part', 'part_south']), r.choice(REGIONS), table.where(r))


def direct(r, table):
    """A write to a partition by its own name."""
    leaf = r.choice(list(LEAVES))
    row = table.row(r, **LEAVES[leaf])
    return r.choice(['INSERT INTO %s (id, region, v, n) VALUES %s ON CONFLICT DO NOTHING' % (leaf, tuples([row])),
                     'UPDATE %s SET v = %s WHERE %s' % (leaf, literal(text(r)), table.where(r)),
                     'UPDATE %s SET id = id + 1 WHERE %s' % (leaf, table.where(r)),
                     'DELETE FROM %s WHERE %s' % (leaf, table.where(r))])


def through_view(r, table):
    return r.choice(['UPDATE plain_view SET n = n + 1, t = %s WHERE %s' % (literal(text(r)), table.where(r)),
                     'DELETE FROM plain_view WHERE %s' % table.where(r),
                     'INSERT INTO plain_view VALUES (%d, 1, %s) ON CONFLICT DO NOTHING' % (low_key(r), literal(text(r)))])


def merge(r, table):
    region = ', region' if table.name == 'part' else ''
    keys = {table.new_key(r): None for _ in range(r.choice([1, 3, 10]))}
    values = tuples([key, text(r) or ''] for key in keys)
    return ('MERGE INTO %(name)s AS t USING (VALUES %(values)s) AS s(k, v) ON t.%(key)s = s.k '
            'WHEN MATCHED AND t.%(key)s %% 4 = %(rest)d THEN DELETE WHEN MATCHED AND t.%(key)s %% 4 = %(other)d THEN DO NOTHING '
            'WHEN MATCHED THEN UPDATE SET %(note)s = s.v WHEN NOT MATCHED THEN INSERT (%(key)s, %(note)s%(region)s) '
            'VALUES (s.k, s.v%(value)s)') % {
        'name': table.name, 'values': values, 'key': table.key, 'note': table.note, 'rest': r.randrange(4), 'other': r.randrange(4),
        'region': region, 'value': region and ", '%s'" % r.choice(REGIONS)}


def writable_cte(r, table):
    """Several statements in one, on the same table and on others."""
    other = TABLES[r.choice(['plain', 'bucketed', 'again', 'loose'])]
    return r.choice([
        'WITH d AS (DELETE FROM %s WHERE %s RETURNING 1) INSERT INTO %s VALUES %s%s' % (
            table.name, table.where(r), columns_of(other), tuples([other.row(r)]), ' ON CONFLICT DO NOTHING'),
        'WITH u AS (UPDATE %s SET %s WHERE %s RETURNING 1), i AS (INSERT INTO %s VALUES %s ON CONFLICT DO NOTHING RETURNING 1) '
        'DELETE FROM audit WHERE n IN (SELECT 1 FROM u UNION SELECT 2 FROM i)' % (
            table.name, setters(r, table), table.where(r), columns_of(table), tuples([table.row(r, True)])),
        "WITH d AS (DELETE FROM bucketed WHERE id %% 31 = %d RETURNING id, v) INSERT INTO plain (id, t) SELECT id, v FROM d "
        "ON CONFLICT (id) DO UPDATE SET t = excluded.t" % r.randrange(31)])


def truncated(r, table):
    if table.name in ('parent', 'child', 'heir'):
        return r.choice(['TRUNCATE parent CASCADE', 'TRUNCATE parent, child, heir', 'TRUNCATE child', 'TRUNCATE heir'])
    if table.name == 'part':
        return 'TRUNCATE ' + r.choice(['part', *LEAVES])
    return 'TRUNCATE ' + r.choice([table.name, 'plain, loose', 'bucketed, named RESTART IDENTITY'])


def copy_rows(r):
    """What a COPY writes: table (or partition), columns, rows."""
    table = TABLES[r.choice(['plain', 'named', 'loose', 'part', 'part', 'child', 'bucketed', 'again', 'large'])]
    name, fixed = table.name, {}
    if table.name == 'part' and r.random() < 0.4:
        name, fixed = r.choice([(leaf, fixed) for leaf, fixed in LEAVES.items() if 'id' not in fixed])
    if table.name == 'named':
        fixed = {'code': None}
    if table.foreign:
        fixed = {table.foreign: None}
    rows = [table.row(r, True, **fixed) for _ in range(r.choice([1, 5, 40, 200]))]
    return '%s (%s)' % (name, ', '.join(table.columns)), rows


def block(r, version):
    """A DO block whose inner blocks fail and are caught (only what may fail is caught)."""
    caught = ('raise_exception OR integrity_constraint_violation OR deadlock_detected OR lock_not_available OR '
              'triggered_data_change_violation')
    inner = '%s; %s; %s' % (write(r, version), write(r, version), r.choice(["RAISE EXCEPTION 'no'", 'NULL']))
    if r.random() < 0.4:
        inner = '%s; BEGIN %s; EXCEPTION WHEN %s THEN %s; END; %s' % (
            write(r, version), inner, caught, write(r, version), r.choice(["RAISE EXCEPTION 'outer'", 'NULL']))
    return '%s; BEGIN %s; EXCEPTION WHEN %s THEN %s; END; %s' % (write(r, version), inner, caught, write(r, version), write(r, version))


def do(body):
    return 'DO $do$ BEGIN %s; END $do$' % body


def both(tables):
    """One query that gives live digest and full digest of each table (after it locked all of them, see both_digests)."""
    return ', '.join("EXISTS (SELECT 1 FROM %s), parity.live_checksum('%s')::text, parity.checksum('%s')::text" % (t, t, t)
                     for t in tables)
