-- another percentage of a shadow's rows
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_parity_percent, regress_parity_percent_other;
CREATE ROLE regress_parity_percent;
CREATE ROLE regress_parity_percent_other;
CREATE SCHEMA shadow_percent AUTHORIZATION regress_parity_percent;
RESET client_min_messages;
SET search_path = shadow_percent;
SET ROLE regress_parity_percent;
CREATE TABLE tasks (id int PRIMARY KEY, title text, cents int);
CREATE TABLE tasks_v2 (id bigint PRIMARY KEY, title text, price numeric(12, 2));
INSERT INTO tasks SELECT i, 'title ' || i, i FROM generate_series(1, 1000) i;
-- what is there against what has to be: by the engine's own reading of the keys, not by the shadow's view
CREATE FUNCTION wrong(share numeric) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM (SELECT id, title, (cents / 100.0)::numeric(12, 2) AS price FROM tasks WHERE parity.in_rollout(share, id)) s
    FULL JOIN tasks_v2 t USING (id) WHERE (s.title, s.price) IS DISTINCT FROM (t.title, t.price) OR s.title IS NULL OR t.title IS NULL
$$;
DO $$ BEGIN PERFORM parity.shadow_create('percent', 'tasks', 'tasks_v2', columns => '{"title": "title", "price": "cents / 100.0"}',
    reverse => '{"cents": "(price * 100)::int"}', percent => 10); END $$;
GRANT SELECT ON percent_parity_source TO regress_parity_percent_other;
ALTER VIEW percent_parity_source SET (security_barrier);
SELECT relowner::regrole, has_table_privilege('regress_parity_percent_other', oid, 'SELECT') AS granted, reloptions, obj_description(oid) FROM pg_class WHERE relname = 'percent_parity_source';
-- before the start as well; without any word where nothing changes
SELECT parity.shadow_percent('percent', 5);
SELECT parity.shadow_percent('percent', 10.0);
SELECT parity.shadow_percent('percent', 10);
SELECT detail FROM parity.event WHERE shadow = 'percent' AND what = 'percent' ORDER BY at;
SELECT parity.shadow_start('percent');
CALL parity.shadow_backfill('percent', batch_rows => 200);
SELECT wrong(10), count(*) BETWEEN 50 AND 150 AS about FROM tasks_v2;
SELECT status FROM parity.shadow_verify('percent');
CREATE TABLE first_ones AS SELECT id FROM tasks_v2;

-- a session that has written, and goes on writing: with the new condition from now on
PREPARE touch(int) AS UPDATE tasks SET cents = cents + 1000 WHERE id % $1 = 0;
PREPARE put(int) AS INSERT INTO tasks SELECT i, 'more ' || i, i FROM generate_series($1, $1 + 99) i;
EXECUTE touch(7);
EXECUTE put(2000);
SELECT wrong(10);
SELECT parity.shadow_percent('percent', 30);
SELECT name, backfilled, verified_at FROM parity.shadow_status WHERE name = 'percent';
SELECT relowner::regrole, has_table_privilege('regress_parity_percent_other', oid, 'SELECT') AS granted, reloptions, obj_description(oid) FROM pg_class WHERE relname = 'percent_parity_source';
EXECUTE touch(5);
EXECUTE put(3000);
DELETE FROM tasks WHERE id % 50 = 0;
UPDATE tasks SET id = id + 100000 WHERE id % 20 = 0;
-- those that were written since are there, the others not yet
SELECT count(*) FROM tasks WHERE (id > 3000 OR id % 5 = 0) AND parity.in_rollout(30, id) AND NOT EXISTS (SELECT FROM tasks_v2 t WHERE t.id = tasks.id);
SELECT status, differing > 0 AS differing, columns, detail ~ 'only in source; the backfill is not complete$' AS detail FROM parity.shadow_verify('percent');
CALL parity.shadow_backfill('percent', batch_rows => 200);
SELECT wrong(30);
SELECT status, detail FROM parity.shadow_verify('percent');
-- who was in is still in
SELECT count(*) FROM first_ones f JOIN tasks USING (id) WHERE NOT EXISTS (SELECT FROM tasks_v2 t WHERE t.id = f.id);

-- in the middle of a backfill; and a key that has another name by now
SELECT parity.shadow_percent('percent', 50.5);
CALL parity.shadow_backfill('percent', batch_rows => 100, max_batches => 2);
ALTER TABLE tasks RENAME COLUMN id TO "the ) key";
ALTER TABLE tasks RENAME COLUMN cents TO "in_rollout(50.5, ";
ALTER TABLE tasks RENAME TO "old tasks";
SELECT parity.shadow_percent('percent', 100);
SELECT name, rows, complete, ranges FROM parity.shadow_progress WHERE name = 'percent';
ALTER TABLE "old tasks" RENAME TO tasks;
ALTER TABLE tasks RENAME COLUMN "the ) key" TO id;
ALTER TABLE tasks RENAME COLUMN "in_rollout(50.5, " TO cents;
CALL parity.shadow_backfill('percent', batch_rows => 100);
SELECT wrong(100);
SELECT status, detail FROM parity.shadow_verify('percent');

-- down: what is too much stays, until it is asked to go, or is written
SELECT parity.shadow_percent('percent', 30);
EXECUTE touch(3);
SELECT count(*) FROM tasks_v2 t JOIN tasks USING (id) WHERE NOT parity.in_rollout(30, id) AND id % 3 = 0;
CALL parity.shadow_backfill('percent');
SELECT status, differing > 0 AS differing, columns, detail ~ '^[0-9]+ only in target$' AS detail FROM parity.shadow_verify('percent');
SELECT healed > 0 AS healed, failed FROM parity.shadow_heal('percent', everything => true);
SELECT wrong(30);
SELECT status, detail FROM parity.shadow_verify('percent');
-- within the writer's transaction, and undone
BEGIN;
EXECUTE put(4000);
SELECT parity.shadow_percent('percent', 60);
EXECUTE put(4100);
SAVEPOINT s;
SELECT parity.shadow_percent('percent', 0);
EXECUTE put(4200);
SELECT count(*) FROM tasks_v2 WHERE id BETWEEN 4200 AND 4299;
ROLLBACK TO s;
EXECUTE put(4200);
SELECT count(*) FROM tasks WHERE id BETWEEN 4100 AND 4299 AND parity.in_rollout(60, id) AND NOT EXISTS (SELECT FROM tasks_v2 t WHERE t.id = tasks.id);
ROLLBACK;
EXECUTE put(4000);
SELECT wrong(30);
SELECT percent, (SELECT complete FROM parity.shadow_work w WHERE w.id = s.id) FROM parity.shadow s WHERE name = 'percent';
-- stopped, and started again
SELECT parity.shadow_stop('percent');
EXECUTE put(5000);
SELECT parity.shadow_percent('percent', 40);
SELECT parity.shadow_start('percent');
CALL parity.shadow_backfill('percent');
SELECT wrong(40);
SELECT detail FROM parity.event WHERE shadow = 'percent' AND what = 'percent' ORDER BY at;

-- what is refused
SELECT parity.shadow_percent('percent', -1);
SELECT parity.shadow_percent('percent', 100.01);
SELECT parity.shadow_percent('percent', 'NaN');
SELECT parity.shadow_percent('percent', NULL);
SELECT parity.shadow_percent('not there', 10);
SELECT parity.shadow_percent(NULL, 10);
RESET ROLE;
SET ROLE regress_parity_percent_other;
SELECT parity.shadow_percent('percent', 10);
RESET ROLE;
SET ROLE regress_parity_percent;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT parity.shadow_percent('percent', 10);
ROLLBACK;
SELECT percent FROM parity.shadow WHERE name = 'percent';
DO $$ BEGIN PERFORM parity.shadow_create('all', 'tasks', 'tasks_v3'); END $$;
SELECT parity.shadow_percent('all', 10);
SELECT parity.shadow_drop('all');
UPDATE parity.shadow SET phase = 'finished' WHERE name = 'percent';
SELECT parity.shadow_percent('percent', 10);
CALL parity.shadow_backfill('percent');
UPDATE parity.shadow SET phase = 'stopped', direction = 'backward' WHERE name = 'percent';
SELECT parity.shadow_percent('percent', 10);
UPDATE parity.shadow SET phase = 'shadowing', direction = 'forward' WHERE name = 'percent';
-- a view that somebody has changed
CREATE OR REPLACE VIEW percent_parity_source AS SELECT id, title, cents / 100.0 AS price, id AS "back 1", title AS "back 2", cents AS "back 3"
    FROM tasks WHERE parity.in_rollout(40, id) OR id = 0;
SELECT parity.shadow_percent('percent', 10);
CREATE OR REPLACE VIEW percent_parity_source AS SELECT id, title, cents / 100.0 AS price, id AS "back 1", title AS "back 2", cents AS "back 3" FROM tasks;
SELECT parity.shadow_percent('percent', 10);
CREATE OR REPLACE VIEW percent_parity_source AS SELECT id, title, cents / 100.0 AS price, id AS "back 1", title AS "back 2", cents AS "back 3"
    FROM tasks WHERE parity.in_rollout(39, id);
SELECT parity.shadow_percent('percent', 10);
SELECT percent FROM parity.shadow WHERE name = 'percent';
DO $$ BEGIN PERFORM parity.shadow_drop('percent', force => true); END $$;

-- a filter that asks for a rollout itself, and a key of several columns, one with a hostile name
CREATE TABLE hostile (id int, "k', 10) AND parity.in_rollout(10, s.id" text, a text, PRIMARY KEY ("k', 10) AND parity.in_rollout(10, s.id", id));
CREATE TABLE hostile_v2 (k text, id int, a text, PRIMARY KEY (id, k));
INSERT INTO hostile SELECT i, 'k' || i % 7, 'parity.in_rollout(10, id)' FROM generate_series(1, 500) i;
DO $$ BEGIN PERFORM parity.shadow_create('hostile', 'hostile', 'hostile_v2', percent => 10,
    columns => '{"k": "\"k'', 10) AND parity.in_rollout(10, s.id\"", "a": "a || '' parity.in_rollout(10, id)''"}', reverse => '{"a": "left(a, -26)"}',
    filter => 'parity.in_rollout(10, id) OR parity.in_rollout(90, id) AND a <> ''parity.in_rollout(10, id, '' -- AND parity.in_rollout(10, id)'); END $$;
SELECT expression FROM parity.shadow_inspect('hostile_parity_source') WHERE number = 0;
SELECT parity.shadow_start('hostile');
CALL parity.shadow_backfill('hostile');
SELECT parity.shadow_percent('hostile', 40);
SELECT expression FROM parity.shadow_inspect('hostile_parity_source') WHERE number = 0;
CALL parity.shadow_backfill('hostile');
SELECT status, detail FROM parity.shadow_verify('hostile');
SELECT count(*) FROM (SELECT id, "k', 10) AND parity.in_rollout(10, s.id" AS k FROM hostile
    WHERE parity.in_rollout(90, id) AND parity.in_rollout(40, "k', 10) AND parity.in_rollout(10, s.id", id)) s
    FULL JOIN hostile_v2 t USING (id, k) WHERE s.k IS NULL OR t.k IS NULL OR s.* IS NULL OR t.a IS NULL;
SELECT parity.shadow_percent('hostile', 0.5);
SELECT expression FROM parity.shadow_inspect('hostile_parity_source') WHERE number = 0;

-- a partitioned source, written through a partition
CREATE TABLE parts (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (1000);
CREATE TABLE parts_v2 (id int PRIMARY KEY, a text);
INSERT INTO parts SELECT i, 'a' FROM generate_series(1, 500) i;
DO $$ BEGIN PERFORM parity.shadow_create('parts', 'parts', 'parts_v2', percent => 0); END $$;
SELECT parity.shadow_start('parts');
CALL parity.shadow_backfill('parts');
UPDATE part SET a = 'b' WHERE id < 100;
SELECT count(*) FROM parts_v2;
SELECT parity.shadow_percent('parts', 50);
UPDATE part SET a = 'c' WHERE id < 100;
SELECT count(*) FROM (SELECT * FROM parts WHERE id < 100 AND parity.in_rollout(50, id)) s FULL JOIN parts_v2 t USING (id) WHERE s.a IS DISTINCT FROM t.a;
CALL parity.shadow_backfill('parts');
SELECT status, detail FROM parity.shadow_verify('parts');
RESET ROLE;
SET client_min_messages = warning;
DO $$ BEGIN PERFORM parity.shadow_drop(n, force => true) FROM unnest(ARRAY['hostile', 'parts']) n; END $$;
DROP SCHEMA shadow_percent CASCADE;
DROP ROLE regress_parity_percent, regress_parity_percent_other;
