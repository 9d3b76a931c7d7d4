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
SELECT s->>'expressions' AS expressions, s->>'conflict' AS conflict, s->'types' AS types FROM parity.shadow_statements('s') s;
SELECT s->>'expressions' AS expressions, s->>'conflict' AS conflict, s->'types' AS types FROM parity.shadow_statements('s', 'backward') s;
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
SELECT parity.shadow_stop('s');
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
