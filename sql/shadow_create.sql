-- shadows: making them, and everything that is wrong at once
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_parity_shadow, regress_parity_shadow_other;
CREATE ROLE regress_parity_shadow;
CREATE ROLE regress_parity_shadow_other;
CREATE SCHEMA shadow_create AUTHORIZATION regress_parity_shadow;
RESET client_min_messages;
SET intervalstyle = postgres;
SET search_path = shadow_create;
SET ROLE regress_parity_shadow;
CREATE FUNCTION shown(shadow text) RETURNS TABLE (direction text, columns text, expressions text, condition text) LANGUAGE sql AS $$
    SELECT d, parity.shadow_statements(shadow, d) ->> 'columns',
           (SELECT jsonb_agg(i.expression ORDER BY i.number)::text FROM parity.shadow_inspect(CASE d WHEN 'forward' THEN s.source_view ELSE s.target_view END) i
            WHERE i.number > 0 AND (i.number <= s.forward_columns) = (d = 'forward')),
           (SELECT i.expression FROM parity.shadow_inspect(s.source_view) i WHERE i.number = 0 AND d = 'forward')
    FROM unnest(ARRAY['forward', 'backward']) d, parity.shadow s WHERE s.name = shadow
$$;

-- a change of schema
CREATE TABLE tasks (id int PRIMARY KEY, title text NOT NULL, status text NOT NULL, price_cents int);
CREATE TABLE tasks_v2 (id int PRIMARY KEY, title text NOT NULL, is_done boolean NOT NULL, price numeric(12, 2));
SELECT parity.shadow_create('tasks_v2', 'tasks', 'tasks_v2',
         columns => '{"title": "title", "is_done": "status = ''done''", "price": "price_cents / 100.0"}',
         reverse => '{"status": "CASE WHEN is_done THEN ''done'' ELSE ''open'' END", "price_cents": "(price * 100)::int"}');
SELECT * FROM shown('tasks_v2');
SELECT name, owner, source, target, key_columns, forward_columns, backward_columns, phase, direction, search_path, id > 0 AS id FROM parity.shadow;
SELECT who, what, detail FROM parity.event WHERE shadow = 'tasks_v2';
SELECT parity.shadow_create('tasks_v2', 'tasks', 'tasks_v2');
-- names follow
ALTER TABLE tasks RENAME COLUMN status TO state;
ALTER TABLE tasks RENAME TO "old tasks";
SELECT * FROM shown('tasks_v2');
ALTER TABLE "old tasks" DROP COLUMN state;
ALTER TABLE "old tasks" RENAME TO tasks;
ALTER TABLE tasks RENAME COLUMN state TO status;
SELECT parity.shadow_drop('tasks_v2');
SELECT parity.shadow_drop('tasks_v2');
SELECT count(*) FROM parity.shadow;
SELECT relname FROM pg_class WHERE relnamespace = 'shadow_create'::regnamespace AND relkind = 'v';

-- every problem at once
CREATE FUNCTION vol(int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1';
CREATE TABLE bad_from (id int PRIMARY KEY, a text, b text, c int, d int NOT NULL, tenant int);
CREATE TABLE bad_to (id int PRIMARY KEY, n int, e text, f int, g int GENERATED ALWAYS AS (f + 1) STORED,
                     h int GENERATED ALWAYS AS IDENTITY, needed int NOT NULL, j text, k text, l text, m text, o timestamptz);
SELECT parity.shadow_create('bad', 'bad_from', 'bad_to', on_error => 'ignore', percent => 101, max_failures => 0,
    failure_window => '0', lock_timeout => '-1 second', filter => 'tenant',
    columns => '{"n": "a", "e": "upper(a", "f": "shadow_create.vol(c)", "g": "c", "h": "c", "j": 5, "k": "a, b", "l": "nothing", "m": "(SELECT b)",
                 "o": "now()", "unknown": "a"}',
    reverse => '{"a": "n + nothing", "b": 5, "zzz": "n", "tenant": "''x''::text"}');
SELECT parity.shadow_create('bad', 'bad_from', 'bad_to', columns => '{"n": "c) AS x, (1", "e": "a -- b", "f": "c /*", "needed": "1"}', filter => 'true) OR (true');
SELECT parity.shadow_create('bad', 'bad_from', 'bad_to', columns => '[1]', reverse => '"x"');
SELECT parity.shadow_create(NULL, NULL, NULL, on_error => NULL, max_failures => NULL);
SELECT parity.shadow_create('bad', 'bad_from', 'a.b.c.d');
SELECT parity.shadow_create('bad', 'bad_from', 'not there');
SELECT parity.shadow_create('bad', 'bad_from', 'no_schema.t');
SELECT parity.shadow_create('bad', 'bad_from', 'bad_from');
-- what a filter uses has to come back
CREATE TABLE few (id int PRIMARY KEY, a text);
SELECT parity.shadow_create('bad', 'bad_from', 'few', filter => 'tenant = 5');
SELECT parity.shadow_create('bad', 'bad_from', 'few', filter => 'tenant = 5', reverse => '{"tenant": "5", "d": "0"}', dry_run => true);

-- kinds of tables
CREATE VIEW a_view AS SELECT 1 AS id;
CREATE TEMP TABLE a_temp (id int PRIMARY KEY);
CREATE UNLOGGED TABLE an_unlogged (id int PRIMARY KEY, a text);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parts DEFAULT;
CREATE TABLE forced (id int PRIMARY KEY, a text);
ALTER TABLE forced FORCE ROW LEVEL SECURITY;
CREATE TABLE ruled (id int PRIMARY KEY, a text);
CREATE RULE r AS ON DELETE TO ruled DO INSTEAD NOTHING;
SELECT parity.shadow_create('bad', 'a_view', 'pg_temp.a_temp');
SELECT parity.shadow_create('bad', 'parent', 'child');
SELECT parity.shadow_create('bad', 'part', 'an_unlogged');
SELECT parity.shadow_create('bad', 'ruled', 'forced');
SELECT parity.shadow_create('bad', 'pg_class', 'parity.shadow');
SELECT parity.shadow_create('bad', 'parts', 'new_parts');

-- keys
CREATE TABLE no_key (id int NOT NULL, a text UNIQUE, b text NOT NULL, c int NOT NULL UNIQUE DEFERRABLE);
CREATE UNIQUE INDEX ON no_key (b) WHERE b <> '';
CREATE UNIQUE INDEX ON no_key (upper(b));
SELECT parity.shadow_create('bad', 'no_key', 'few', columns => '{}');
SELECT parity.shadow_create('bad', 'few', 'no_key', columns => '{"b": "a"}');
CREATE TABLE key_from (id bigint, a varchar(20) COLLATE "C", ts timestamp, PRIMARY KEY (id, a, ts));
CREATE TABLE key_to (id int, a varchar(10) COLLATE "POSIX", ts timestamp(3), PRIMARY KEY (id, a, ts));
SELECT parity.shadow_create('bad', 'key_from', 'key_to');
CREATE TABLE array_key (id int[] PRIMARY KEY);
SELECT parity.shadow_create('bad', 'array_key', 'new_one');
SELECT parity.shadow_create('bad', 'key_from', 'few', columns => '{"a": "a"}');

-- keys of several columns and of all kinds, in another order and under other names; hostile names
CREATE TABLE "From ""1""" ("Key 'a'" text, "b;--" uuid, small int2, "Val %s" numeric, "sel$$ect" text, PRIMARY KEY ("b;--", "Key 'a'", small));
CREATE TABLE "To \ 1" (small bigint, "K" text, "select" uuid, "back 1" text, "$1" numeric, UNIQUE (small), PRIMARY KEY ("K", small, "select"));
SELECT parity.shadow_create('Sh"ad''ow; äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü', '"From ""1"""', '"To \ 1"',
    columns => '{"K": "\"Key ''a''\"", "select": "\"b;--\" -- the key", "back 1": "\"sel$$ect\"", "$1": "\"Val %s\""}', percent => 12.5, filter => 'small > 0 -- some');
SELECT * FROM shown('Sh"ad''ow; äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü');
SELECT parity.shadow_drop('Sh"ad''ow; äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü');
-- a type with equality of its own, an enum, a domain
RESET ROLE;
SET client_min_messages = warning;
CREATE EXTENSION citext;
RESET client_min_messages;
SET ROLE regress_parity_shadow;
CREATE TABLE ci (k citext PRIMARY KEY, n int);
CREATE TABLE ci_text (k text PRIMARY KEY, n int);
CREATE TABLE ci_to (n int, "K" citext NOT NULL UNIQUE);
SELECT parity.shadow_create('ci', 'ci', 'ci_text');
SELECT count(*) FROM parity.shadow_create('ci', 'ci', 'ci_to', columns => '{"K": "k", "n": "n"}');
SELECT * FROM shown('ci');
CREATE TYPE mood AS ENUM ('bad', 'good');
CREATE DOMAIN code AS text CHECK (value <> '');
CREATE TABLE kinds (m mood, c code, n numeric(6, 2), PRIMARY KEY (m, c, n), note varchar(5));
SELECT parity.shadow_create('kinds', 'kinds', 'kinds_v2');
SELECT * FROM shown('kinds');
-- one target has one shadow; two on one source and chains are fine
SELECT parity.shadow_create('kinds 2', 'kinds', 'kinds_v2');
SELECT count(*) FROM parity.shadow_create('kinds 2', 'kinds', 'kinds_v3');
SELECT count(*) FROM parity.shadow_create('kinds 3', 'kinds_v3', 'kinds_v4');
SELECT count(*) FROM parity.shadow_create('kinds back', 'kinds_v2', 'kinds');

-- a target that is made; a dry run leaves nothing
CREATE SEQUENCE shared;
CREATE TABLE made_from (id bigserial PRIMARY KEY, code text DEFAULT 'T' || nextval('shadow_create.shared') UNIQUE, n int GENERATED BY DEFAULT AS IDENTITY (START 5),
    g int GENERATED ALWAYS AS (1) STORED, v text CHECK (v <> '') DEFAULT 'x') WITH (fillfactor = 70);
ALTER TABLE made_from ENABLE ROW LEVEL SECURITY;
SELECT parity.shadow_create('made', 'made_from', 'made_to', dry_run => true);
SELECT to_regclass('made_to'), count(*) FROM parity.shadow WHERE name = 'made';
SELECT count(*) FROM parity.shadow_create('made', 'made_from', 'made_to');
\d made_to
SELECT pg_get_serial_sequence('made_to', c) FROM unnest('{id,code,n}'::text[]) c;
SELECT * FROM shown('made');

-- triggers and deferrable constraints are told
CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER "T 1" BEFORE INSERT ON few FOR EACH ROW EXECUTE FUNCTION noop();
ALTER TABLE few ADD UNIQUE (a) DEFERRABLE;
CREATE TABLE few_from (id int PRIMARY KEY, a text);
SELECT parity.shadow_create('few', 'few_from', 'few');

-- operators and functions of the caller's path; "$user" and temporary objects do not count
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
CREATE TABLE path_from (id int PRIMARY KEY, n int);
CREATE TABLE path_to (id int PRIMARY KEY, n2 int);
SET search_path = pg_temp, "$user", shadow_create, nowhere;
SELECT count(*) FROM parity.shadow_create('path', 'path_from', 'path_to', columns => '{"n2": "twice(n)"}', reverse => '{"n": "n2 / 2"}');
SHOW search_path;
SELECT search_path FROM parity.shadow WHERE name = 'path';
SET search_path = shadow_create;
SELECT * FROM shown('path');

-- who may: the owner of both, and nobody sees another's
RESET ROLE;
CREATE TABLE others (id int PRIMARY KEY, a text);
GRANT USAGE ON SCHEMA shadow_create TO regress_parity_shadow_other;
SELECT parity.shadow_create('mixed', 'few_from', 'others');
SET ROLE regress_parity_shadow_other;
SELECT parity.shadow_create('mixed', 'few_from', 'path_to', filter => 'a = b');
SELECT parity.shadow_drop('path');
SELECT count(*) FROM parity.shadow;
RESET ROLE;
-- a superuser makes them for the owner; default privileges show nothing
ALTER DEFAULT PRIVILEGES IN SCHEMA shadow_create GRANT SELECT ON TABLES TO regress_parity_shadow_other;
SELECT parity.shadow_create('super', 'few_from', 'super_to');
SELECT relname, relowner::regrole, has_table_privilege('regress_parity_shadow_other', oid, 'SELECT') FROM pg_class WHERE relname ~ 'super' AND relkind IN ('r', 'v') ORDER BY 1;
CREATE FUNCTION locked(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
REVOKE ALL ON FUNCTION locked FROM PUBLIC;
CREATE TABLE locked_to (id int PRIMARY KEY, n int);
ALTER TABLE locked_to OWNER TO regress_parity_shadow;
SELECT parity.shadow_create('locked', 'path_from', 'locked_to', columns => '{"n": "locked(n)"}', reverse => '{"n": "n"}');

-- dropping
UPDATE parity.shadow SET phase = 'shadowing' WHERE name = 'path';
SELECT parity.shadow_drop('path');
SELECT parity.shadow_drop('path', force => true);
SELECT what, detail FROM parity.event WHERE shadow = 'path' ORDER BY at;
SET client_min_messages = warning;
SELECT parity.shadow_drop(name) FROM parity.shadow;
SELECT count(*) FROM pg_class WHERE relname ~ '_parity_(source|target)';
DELETE FROM parity.event;
DROP SCHEMA shadow_create CASCADE;
DROP OWNED BY regress_parity_shadow, regress_parity_shadow_other;
DROP ROLE regress_parity_shadow, regress_parity_shadow_other;
