-- shadows: what a statement writes into the one table is written into the other
CREATE TABLE tasks (id int PRIMARY KEY, title text, status text, price_cents int);
CREATE TABLE tasks_v2 (id bigint PRIMARY KEY, title varchar(20), is_done bool, price numeric(12,2), extra int DEFAULT 7);
-- the parts that parity.shadow_create makes, by hand
CREATE VIEW s_source AS SELECT id, title, status = 'done' AS is_done, price_cents / 100.0 AS price,
    id AS "back 1", status AS "back 2", price_cents AS "back 3", title AS "back 4" FROM tasks;
CREATE VIEW s_target AS SELECT id, title, is_done, price, id AS "back 1",
    CASE WHEN is_done THEN 'done' ELSE 'open' END AS "back 2", (price * 100)::int AS "back 3", title AS "back 4" FROM tasks_v2;
INSERT INTO parity.shadow (name, id, owner, source, target, source_view, target_view, key_columns, forward_columns,
        backward_columns, on_error, max_failures, failure_window, lock_timeout, search_path, phase)
    VALUES ('s', 42, current_user::regrole, 'tasks', 'tasks_v2', 's_source', 's_target', 1, 4, 4, 'quarantine', 3,
        '1 minute', '1 second', 'public, pg_temp', 'created');
SELECT number, name, expression, plain, uses, objection FROM parity.shadow_inspect('s_source');
SELECT s->>'conflict' AS conflict, s->'types' AS types FROM parity.shadow_statements('s') s;
SELECT s->>'conflict' AS conflict, s->'types' AS types FROM parity.shadow_statements('s', 'backward') s;
SELECT parity.shadow_statements('s', 'sideways');
SELECT parity.shadow_statements('none');

INSERT INTO tasks SELECT i, 't' || i, 'open', i * 10 FROM generate_series(1, 3) i;
SELECT parity.shadow_start('s');
SELECT parity.shadow_start('s');

CREATE FUNCTION pg_temp.differing() RETURNS TABLE (source text, target text) LANGUAGE sql AS $$
    SELECT v::text, t::text FROM (SELECT id::int8, title, is_done, price::numeric(12,2) FROM s_source) v
        FULL JOIN (SELECT id, title::text, is_done, price FROM tasks_v2) t USING (id) WHERE v IS DISTINCT FROM t ORDER BY 1, 2
$$;
INSERT INTO tasks VALUES (4, 'four', 'done', 444), (5, 'five', 'open', 555);
TABLE tasks_v2 ORDER BY id;
-- an update is an upsert: the rows from before come as well
UPDATE tasks SET price_cents = price_cents + 1;
SELECT * FROM pg_temp.differing();
-- keys that change, and are exchanged
UPDATE tasks SET id = id + 10 WHERE id > 2;
UPDATE tasks SET id = 3 WHERE id = 13;
ALTER TABLE tasks DROP CONSTRAINT tasks_pkey, ADD PRIMARY KEY (id) DEFERRABLE;
UPDATE tasks SET id = 3 - id WHERE id IN (1, 2);
SELECT * FROM pg_temp.differing();
TABLE tasks_v2 ORDER BY id;
ALTER TABLE tasks DROP CONSTRAINT tasks_pkey, ADD PRIMARY KEY (id);
DELETE FROM tasks WHERE id = 2;
INSERT INTO tasks VALUES (3, 'x', 'done', 1), (8, 'y', 'done', 1) ON CONFLICT (id) DO UPDATE SET title = 'upserted';
SELECT * FROM pg_temp.differing();
-- rows that go and come in one statement
WITH gone AS (DELETE FROM tasks WHERE id = 3 RETURNING *) INSERT INTO tasks SELECT id, 'again', status, 3 FROM gone;
WITH gone AS (DELETE FROM tasks WHERE id = 8) INSERT INTO tasks VALUES (9, 'nine', 'open', 9);
SELECT * FROM pg_temp.differing();
-- a trigger that writes the row again, before and after the shadow's own
CREATE FUNCTION pg_temp.again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.title NOT LIKE '%!' THEN
        UPDATE tasks SET title = title || '!' WHERE id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER a_again AFTER INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION pg_temp.again();
CREATE TRIGGER z_again AFTER INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION pg_temp.again();
INSERT INTO tasks VALUES (20, 'twenty', 'open', 20);
UPDATE tasks SET title = 'all' WHERE id > 5;
SELECT * FROM pg_temp.differing();
TABLE tasks_v2 ORDER BY id;
DROP TRIGGER a_again ON tasks;
DROP TRIGGER z_again ON tasks;
-- a function of the statement that writes another row
CREATE FUNCTION pg_temp.other(int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE tasks SET title = 'other' WHERE id = $1 - 1;
    RETURN $1;
END $$;
INSERT INTO tasks SELECT pg_temp.other(i), 'new', 'open', 0 FROM generate_series(30, 33) i;
SELECT * FROM pg_temp.differing();
SELECT id, title FROM tasks_v2 WHERE id >= 30 ORDER BY id;
-- COPY, and a cascade
\copy tasks from stdin
50	copied	done	50
51	copied	open	51
\.
CREATE TABLE owners (id int PRIMARY KEY);
INSERT INTO owners VALUES (50), (51);
ALTER TABLE tasks ADD owner int REFERENCES owners ON DELETE CASCADE;
UPDATE tasks SET owner = id WHERE id IN (50, 51);
DELETE FROM owners WHERE id = 50;
SELECT * FROM pg_temp.differing();
SELECT id, title FROM tasks_v2 WHERE id >= 50 ORDER BY id;
ALTER TABLE tasks DROP owner;
DROP TABLE owners;
-- a trigger that somebody else made with the number stands in nobody's way
CREATE TABLE other_table (id int);
CREATE TRIGGER copied AFTER INSERT ON other_table REFERENCING NEW TABLE AS parity_new FOR EACH STATEMENT
    EXECUTE FUNCTION parity.shadow_capture('42');
INSERT INTO other_table VALUES (1);
SELECT parity.shadow_disarm(s) FROM parity.shadow s;
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'parity.shadow_capture()'::regprocedure;
SELECT parity.shadow_arm(s) FROM parity.shadow s;
DROP TABLE other_table;
SHOW lock_timeout;
-- savepoints
BEGIN;
INSERT INTO tasks VALUES (40);
SAVEPOINT a;
UPDATE tasks SET title = 'gone' WHERE id = 40;
DELETE FROM tasks WHERE id = 30;
ROLLBACK TO a;
COMMIT;
SELECT * FROM pg_temp.differing();

-- what cannot be written there is put aside
INSERT INTO tasks VALUES (100, 'this title is far too long for it', 'done', 1);
UPDATE tasks SET title = 'this title is far too long for it' WHERE id = 33;
SELECT shadow, key, operation, sqlstate, message FROM parity.drift ORDER BY at;
SELECT * FROM pg_temp.differing();
SELECT name, phase, drift, reason FROM parity.shadow_status;
-- and when that happens again and again, it stops itself
DELETE FROM tasks WHERE id = 100;
UPDATE tasks SET title = 'this title is far too long for it' WHERE id = 31;
SELECT name, phase, drift, reason FROM parity.shadow_status;
INSERT INTO tasks VALUES (200);
SELECT count(*) FROM tasks_v2 WHERE id = 200;
SELECT what, detail FROM parity.event ORDER BY at;
SELECT parity.shadow_start('s');
INSERT INTO tasks VALUES (201);
SELECT count(*) FROM tasks_v2 WHERE id = 201;
-- abort: an error there is one here
UPDATE parity.shadow SET on_error = 'abort';
SELECT parity.shadow_stop('s');
SELECT parity.shadow_stop('s');
SELECT parity.shadow_start('s');
INSERT INTO tasks VALUES (202, 'this title is far too long for it');
-- who writes there himself is noticed
INSERT INTO tasks_v2 VALUES (999);
SELECT kind, run, reason FROM parity.shadow_mark ORDER BY at;
SELECT parity.shadow_run('s', 'DELETE FROM tasks_v2 WHERE id = 999');
TRUNCATE tasks;
SELECT count(*) FROM tasks_v2;
SELECT kind, run, reason FROM parity.shadow_mark ORDER BY at;
-- names may change, and what would break it is refused
ALTER TABLE tasks DROP COLUMN status;
ALTER TABLE tasks ALTER price_cents TYPE bigint;
ALTER TABLE tasks RENAME title TO headline;
ALTER TABLE tasks_v2 RENAME TO tasks_v3;
INSERT INTO tasks VALUES (1, 'a', 'b', 3);
TABLE tasks_v3;
ALTER TABLE tasks_v3 RENAME TO tasks_v2;

-- a writer needs no right on the table that follows, and gets none
CREATE ROLE parity_shadow_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON tasks TO parity_shadow_writer;
SET ROLE parity_shadow_writer;
INSERT INTO tasks VALUES (2, 'by a writer', 'done', 5);
UPDATE tasks SET headline = 'by a writer of little' WHERE id = 1;
UPDATE tasks SET headline = 'by a writer' WHERE id = 1;
SELECT count(*) FROM tasks_v2;
SELECT count(*) FROM parity.shadow;
SELECT * FROM parity.shadow_status;
\set SHOW_CONTEXT never
SELECT parity.shadow_stop('s');
\set SHOW_CONTEXT errors
SELECT parity.shadow_statements('s');
SELECT parity.shadow_run('s', 'DELETE FROM tasks_v2');
INSERT INTO parity.shadow SELECT 'mine', 43, current_user::regrole, 'tasks', 'tasks', 'tasks', 'tasks', 1, 1, 1, NULL, NULL, NULL, NULL,
    'abort', 1, '1 s', '1 s', '', 'created';
RESET ROLE;
TABLE tasks_v2 ORDER BY id;
DROP OWNED BY parity_shadow_writer;
DROP ROLE parity_shadow_writer;
SELECT parity.shadow_stop('s');
DELETE FROM parity.shadow;
DELETE FROM parity.drift;
DELETE FROM parity.shadow_mark;
DELETE FROM parity.event;
DROP VIEW s_source, s_target;
DROP TABLE tasks, tasks_v2;

-- an INSERT's rows are put there plainly where that can be: as an INSERT of the same would
CREATE DOMAIN short AS text CHECK (length(VALUE) < 6);
CREATE DOMAIN filled AS int NOT NULL DEFAULT 5;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE wide (gone int, id int PRIMARY KEY, a text, b int[], c mood, d numeric, e jsonb, gone_too text);
ALTER TABLE wide DROP gone, DROP gone_too;
CREATE TABLE parents (id int PRIMARY KEY);
CREATE SEQUENCE counted;
CREATE TABLE wide2 (e jsonb, was int, d numeric(6,2), c mood, twice numeric GENERATED ALWAYS AS (d * 2) STORED,
    number int GENERATED BY DEFAULT AS IDENTITY, name short, b int[], id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    note text DEFAULT 'none', mark filled, counted int DEFAULT nextval('counted'), place int CONSTRAINT place UNIQUE DEFERRABLE,
    parent int REFERENCES parents, CONSTRAINT positive CHECK (d > 0), CONSTRAINT low CHECK (twice < 1000));
ALTER TABLE wide2 DROP was;
SELECT count(*) FROM parity.shadow_create('wide', 'wide', 'wide2',
    columns => '{"name": "left(a, 6)", "b": "b", "c": "c", "d": "d", "e": "e", "place": "id * 10", "parent": "b[1]"}',
    reverse => '{"a": "name"}', max_failures => 1000);
SELECT parity.shadow_start('wide');
SELECT parity.track('wide2');
CREATE FUNCTION pg_temp.drifted() RETURNS TABLE (key jsonb, sqlstate text, message text) LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM parity.drift d WHERE shadow = 'wide' RETURNING *) SELECT key, sqlstate, message FROM gone ORDER BY key
$$;
-- what the second table has, under the mapping; and its digest is kept
CREATE FUNCTION pg_temp.differing_wide() RETURNS TABLE (id bigint, source text, target text) LANGUAGE sql AS $$
    SELECT id, s::text, t::text
    FROM (SELECT id::int8, left(a, 6) AS name, b, c, round(d, 2) AS d, e, id * 10 AS place, b[1] AS parent FROM wide) s
        FULL JOIN (SELECT id, name::text, b, c, d, e, place, parent FROM wide2) t USING (id)
    WHERE s IS DISTINCT FROM t ORDER BY 1
$$;
INSERT INTO wide VALUES (1, 'one', NULL, 'sad', 1.234, '{"a": 1}'), (2, NULL, '{}', NULL, 2, NULL);
TABLE wide2 ORDER BY id;
-- a CHECK, a domain's, a typmod, a foreign key; all rows of the statement are put aside
INSERT INTO wide (id, d) VALUES (3, 3), (4, -1), (5, 5);
INSERT INTO wide (id, d, a) VALUES (6, 6, 'sixsix');
INSERT INTO wide (id, d) VALUES (7, 123456);
INSERT INTO wide (id, d, b) VALUES (8, 1, '{7}');
INSERT INTO wide (id, d) VALUES (9, 600);
SELECT * FROM pg_temp.drifted();
SELECT id FROM pg_temp.differing_wide();
DELETE FROM wide WHERE id BETWEEN 3 AND 9;
-- a row that is there already: an upsert follows
SELECT parity.shadow_run('wide', $$INSERT INTO wide2 (id, d, place) OVERRIDING SYSTEM VALUE VALUES (10, 1, 1)$$);
INSERT INTO wide (id, d, a) VALUES (9, 9, 'nine'), (10, 10, 'ten'), (11, 11, 'elf');
INSERT INTO wide (id, d, a) VALUES (12, 12, 'twelv');
-- another unique key: nothing helps
SELECT parity.shadow_run('wide', $$INSERT INTO wide2 (id, d, place) OVERRIDING SYSTEM VALUE VALUES (90, 1, 130)$$);
SET CONSTRAINTS place DEFERRED;
INSERT INTO wide (id, d) VALUES (13, 13);
SELECT * FROM pg_temp.drifted();
BEGIN;
SET CONSTRAINTS place DEFERRED;
DELETE FROM wide WHERE id = 13;
INSERT INTO wide (id, d) VALUES (13, 13);
SELECT parity.shadow_run('wide', 'DELETE FROM wide2 WHERE id = 90');
COMMIT;
SELECT * FROM pg_temp.drifted();
-- what would have been good at the end of the transaction is not waited for
SELECT * FROM parity.shadow_heal('wide', everything => true);
SELECT * FROM pg_temp.differing_wide();
-- the upserts after a conflict come to an end; many rows in batches, the last of which fails
DO $$ BEGIN FOR i IN 101 .. 230 LOOP INSERT INTO wide (id, d) VALUES (i, i); END LOOP; END $$;
INSERT INTO wide (id, d, a, b) SELECT i, 1, i, ARRAY[NULL, i] FROM generate_series(1001, 4003) i;
INSERT INTO wide (id, d) SELECT i, 5003 - i FROM generate_series(5001, 7500) i WHERE i <> 5003;
SELECT count(*), min(key::text), max(key::text), min(message) FROM pg_temp.drifted();
SELECT count(*), min(id), max(id) FROM pg_temp.differing_wide();
DELETE FROM wide WHERE id BETWEEN 5001 AND 7500;
-- large values, some of them kept apart
ALTER TABLE wide2 ALTER e SET STORAGE EXTERNAL;
INSERT INTO wide (id, d, e) SELECT i, 1, to_jsonb(repeat(md5(i::text), i)) FROM generate_series(8001, 8400, 7) i;
INSERT INTO wide (id, d, e) SELECT id + 500, d, e FROM wide WHERE id > 8000;
\copy wide (id, d, a) from stdin
20	2	copy
21	3	copy
\.
-- within what is rolled back, and not
BEGIN;
SAVEPOINT a;
INSERT INTO wide (id, d) VALUES (30, 30);
ROLLBACK TO a;
INSERT INTO wide (id, d) VALUES (31, 31);
SAVEPOINT b;
INSERT INTO wide (id, d, b) VALUES (32, 32, '{99}');
RELEASE b;
DO $$
BEGIN
    INSERT INTO wide (id, d) VALUES (33, 33);
    PERFORM 1 / 0;
EXCEPTION WHEN division_by_zero THEN
    INSERT INTO wide (id, d) VALUES (34, 34);
END $$;
COMMIT;
SELECT * FROM pg_temp.drifted();
SELECT id FROM pg_temp.differing_wide();
DELETE FROM wide WHERE id = 32;
SELECT match FROM parity.live_verify('wide2');
-- a statement that was prepared, and both tables altered
PREPARE one AS INSERT INTO wide VALUES ($1, NULL, NULL, NULL, $2);
EXECUTE one(40, 40);
ALTER TABLE wide2 ADD added int DEFAULT 3, DROP note;
EXECUTE one(41, 41);
ALTER TABLE wide ADD added int;
ALTER TABLE wide RENAME d TO amount;
ALTER TABLE wide2 RENAME place TO "the place";
EXECUTE one(42, 42);
ALTER TABLE wide2 ALTER added SET NOT NULL, ALTER added DROP DEFAULT;
EXECUTE one(43, 43);
SELECT * FROM pg_temp.drifted();
ALTER TABLE wide2 ALTER added DROP NOT NULL;
ALTER DOMAIN filled SET DEFAULT 6;
EXECUTE one(44, 44);
ALTER DOMAIN filled DROP DEFAULT;
EXECUTE one(45, 45);
SELECT * FROM pg_temp.drifted();
DELETE FROM wide WHERE id IN (43, 45);
-- triggers of rows that come before, a rule, an index that is gone
ALTER TABLE wide RENAME amount TO d;
ALTER TABLE wide2 RENAME "the place" TO place;
ALTER TABLE wide2 DROP added, DROP mark;
CREATE FUNCTION pg_temp.skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN NEW.id <> 51 THEN NEW END; END $$;
CREATE TRIGGER skip BEFORE INSERT ON wide2 FOR EACH ROW EXECUTE FUNCTION pg_temp.skip();
INSERT INTO wide (id, d) VALUES (50, 50), (51, 51);
SELECT * FROM pg_temp.drifted();
DROP TRIGGER skip ON wide2;
DELETE FROM wide WHERE id IN (50, 51);
CREATE RULE skip AS ON INSERT TO wide2 WHERE NEW.id = 53 DO INSTEAD NOTHING;
INSERT INTO wide (id, d) VALUES (53, 53);
SELECT sqlstate FROM pg_temp.drifted();
DROP RULE skip ON wide2;
ALTER TABLE wide2 DROP CONSTRAINT wide2_pkey;
INSERT INTO wide (id, d) VALUES (54, 54);
SELECT sqlstate FROM pg_temp.drifted();
ALTER TABLE wide2 ADD PRIMARY KEY (id);
DELETE FROM wide WHERE id IN (53, 54);
SELECT * FROM pg_temp.differing_wide();
-- abort: many rows plainly, an error, a conflict
UPDATE parity.shadow SET on_error = 'abort' WHERE name = 'wide';
SELECT parity.shadow_stop('wide');
SELECT parity.shadow_start('wide');
BEGIN;
INSERT INTO wide (id, d) SELECT i, 1 FROM generate_series(10101, 10200) i;
INSERT INTO wide (id, d) SELECT i, 10250 - i FROM generate_series(10201, 10300) i;
ROLLBACK;
SELECT parity.shadow_run('wide', $$INSERT INTO wide2 (id, d) OVERRIDING SYSTEM VALUE VALUES (10050, 1)$$);
INSERT INTO wide (id, d) SELECT i, 1 FROM generate_series(10001, 10100) i;
INSERT INTO wide (id, d) SELECT i, 10250 - i FROM generate_series(10201, 10300) i;
INSERT INTO wide (id, d) SELECT i, 1 FROM generate_series(10201, 10300) i;
SELECT * FROM pg_temp.differing_wide();
SELECT count(*) FROM wide2;
SELECT status FROM parity.shadow_verify('wide');
SELECT parity.untrack('wide2');
SELECT parity.shadow_drop('wide', true);
DELETE FROM parity.event;
DROP TABLE wide, wide2, parents;
DROP SEQUENCE counted;
DROP DOMAIN short, filled;
DROP TYPE mood;
-- one row a statement, whose values are only moved
CREATE TABLE moved (gone int, id int PRIMARY KEY, a text, b int[], c text);
ALTER TABLE moved DROP gone;
CREATE DOMAIN word AS text;
CREATE TABLE moved2 (c word, gone int, b int[], other int, a varchar, id int PRIMARY KEY, needed text);
ALTER TABLE moved2 DROP gone;
CREATE INDEX ON moved2 (a, id) INCLUDE (other);
SELECT count(*) FROM parity.shadow_create('moved', 'moved', 'moved2', columns => '{"a": "a", "b": "b", "c": "c", "needed": "a"}',
    max_failures => 1000);
SELECT parity.shadow_start('moved');
INSERT INTO moved VALUES (1, 'one', '{1, NULL}', NULL);
INSERT INTO moved VALUES (2, NULL, NULL, '');
INSERT INTO moved SELECT 3, 'three', array_agg(i), string_agg(md5(i::text), '') FROM generate_series(1, 3000) i;
INSERT INTO moved SELECT 4, a, b, c FROM moved WHERE id = 3;
BEGIN;
INSERT INTO moved VALUES (5, 'five');
DELETE FROM moved WHERE id = 5;
INSERT INTO moved VALUES (5, 'again');
SAVEPOINT a;
INSERT INTO moved VALUES (6, 'six');
UPDATE moved SET a = 'sechs' WHERE id = 6;
ROLLBACK TO a;
INSERT INTO moved VALUES (6, 'six again');
UPDATE moved SET a = 'fem' WHERE id = 5;
COMMIT;
SELECT parity.shadow_run('moved', 'INSERT INTO moved2 (id, a) VALUES (7, NULL)');
INSERT INTO moved VALUES (7, 'seven');
ALTER TABLE moved2 ALTER other SET DEFAULT 9;
INSERT INTO moved VALUES (8, 'eight');
ALTER TABLE moved2 ALTER other DROP DEFAULT;
DO $$ BEGIN FOR i IN 101 .. 220 LOOP INSERT INTO moved VALUES (i, i); END LOOP; END $$;
INSERT INTO moved VALUES (9, 'nine');
SELECT status FROM parity.shadow_verify('moved');
DELETE FROM moved WHERE id = 2;
ALTER TABLE moved2 ALTER needed SET NOT NULL;
INSERT INTO moved VALUES (10, NULL);
SELECT key, sqlstate, message FROM parity.drift;
DELETE FROM moved WHERE id = 10;
-- the domain was as good as its type so far
ALTER DOMAIN word ADD CONSTRAINT bad CHECK (VALUE <> 'bad');
INSERT INTO moved VALUES (10, 'ten', NULL, 'bad');
DELETE FROM moved WHERE id = 10;
CREATE UNIQUE INDEX ON moved2 (upper(a)) WHERE a <> 'three';
INSERT INTO moved VALUES (11, 'Nine');
SELECT key, sqlstate FROM parity.drift ORDER BY at;
DELETE FROM moved WHERE id = 11;
SELECT id, left(a, 5) AS a, b[1:3] AS b, length(c) AS c, other, needed FROM moved2 WHERE id < 100 ORDER BY id;
SET enable_seqscan = off;
SELECT id, other FROM moved2 WHERE a = 'nine';
RESET enable_seqscan;
SELECT status FROM parity.shadow_verify('moved');
SELECT parity.shadow_drop('moved', true);
DELETE FROM parity.event;
DROP TABLE moved, moved2;
DROP DOMAIN word;
