-- backfill, proof and healing of a shadow
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE run_tasks (id int PRIMARY KEY, title text, status text NOT NULL, price_cents int);
CREATE TABLE run_tasks_v2 (id bigint PRIMARY KEY, title varchar(20), is_done bool, price numeric(12,2),
                           CONSTRAINT cheap CHECK (price < 90000));
INSERT INTO run_tasks SELECT i, 'title ' || i, CASE WHEN i % 2 = 0 THEN 'done' ELSE 'open' END, i FROM generate_series(1, 1000) i;
DO $$ BEGIN PERFORM parity.shadow_create('run', 'run_tasks', 'run_tasks_v2',
    columns => '{"title": "title", "is_done": "status = ''done''", "price": "price_cents / 100.0"}',
    reverse => '{"title": "title", "status": "CASE WHEN is_done THEN ''done'' ELSE ''open'' END", "price_cents": "(price * 100)::int"}'); END $$;
CALL parity.shadow_backfill('run');
SELECT parity.shadow_start('run');
SELECT * FROM parity.shadow_verify('run');
CALL parity.shadow_backfill('run', batch_rows => 0);
CALL parity.shadow_backfill('run', batch_rows => 100, max_batches => 3);
SELECT name, phase, rows, batches, failed, complete, ranges FROM parity.shadow_progress WHERE name = 'run';
-- goes on, whatever the isolation of the session; then begins anew
SET default_transaction_isolation = 'repeatable read';
CALL parity.shadow_backfill('run', batch_rows => 100);
SELECT name, phase, rows, batches, failed, complete, ranges FROM parity.shadow_progress WHERE name = 'run';
CALL parity.shadow_backfill('run', batch_rows => 100);
SELECT name, phase, rows, batches, failed, complete, ranges FROM parity.shadow_progress WHERE name = 'run';
SELECT * FROM parity.shadow_heal('run');
RESET default_transaction_isolation;
SELECT * FROM parity.shadow_verify('run');
-- what others write
UPDATE run_tasks_v2 SET title = 'x' WHERE id IN (5, 6);
UPDATE run_tasks_v2 SET is_done = NULL WHERE id = 6;
DELETE FROM run_tasks_v2 WHERE id = 7;
INSERT INTO run_tasks_v2 VALUES (20000, 'ghost');
SELECT * FROM parity.shadow_verify('run');
SELECT * FROM parity.shadow_diff('run') ORDER BY key;
SELECT * FROM parity.shadow_heal('run', everything => true);
SELECT count(*) > 0 AS marked FROM parity.shadow_mark JOIN parity.shadow USING (id) WHERE name = 'run';
SELECT * FROM parity.shadow_verify('run');
SELECT count(*) > 0 AS marked FROM parity.shadow_mark JOIN parity.shadow USING (id) WHERE name = 'run';
-- a row that cannot come back
UPDATE run_tasks SET status = 'half' WHERE id = 9;
SELECT status, detail FROM parity.shadow_verify('run');
-- a row that does not fit, and its healing
UPDATE run_tasks SET price_cents = 100000000 WHERE id = 10;
SELECT * FROM parity.shadow_heal('run');
TRUNCATE run_tasks_v2;
CALL parity.shadow_backfill('run');
SELECT key, operation, sqlstate, attempts FROM parity.drift WHERE shadow = 'run' ORDER BY at;
ALTER TABLE run_tasks_v2 DROP CONSTRAINT cheap;
SELECT * FROM parity.shadow_heal('run');
SELECT status FROM parity.shadow_verify('run');
-- a trigger there that finds its tables by search_path
CREATE TABLE run_audit (id bigint);
CREATE FUNCTION run_note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO run_audit VALUES (NEW.id); RETURN NULL; END';
CREATE TRIGGER note AFTER INSERT ON run_tasks_v2 FOR EACH ROW EXECUTE FUNCTION run_note();
DELETE FROM run_tasks_v2 WHERE id = 11;
SELECT * FROM parity.shadow_heal('run', everything => true);
TABLE run_audit;
DROP TRIGGER note ON run_tasks_v2;
DROP FUNCTION run_note;
DROP TABLE run_audit;
-- no row fits: it stops
TRUNCATE run_tasks_v2;
ALTER TABLE run_tasks_v2 ADD CONSTRAINT none CHECK (price IS NULL);
CALL parity.shadow_backfill('run');
SELECT count(*) FROM parity.drift WHERE shadow = 'run';
ALTER TABLE run_tasks_v2 DROP CONSTRAINT none;
CALL parity.shadow_backfill('run');
SELECT status FROM parity.shadow_verify('run');
SELECT what FROM parity.event WHERE shadow = 'run' ORDER BY at;

-- ranges of keys whose names look like formats, of PostgreSQL's own types and of others
CREATE DOMAIN "d%1$s" AS int;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TABLE "f%s" ("k%" text, "100%s" "d%1$s", "%I" int, PRIMARY KEY ("k%", "100%s"));
INSERT INTO "f%s" SELECT chr(65 + i % 7), i, i FROM generate_series(1, 100) i;
CREATE TABLE "f%s2" (LIKE "f%s" INCLUDING ALL);
CREATE TABLE mixed (a citext, b int, c citext, v int, PRIMARY KEY (a, b, c));
INSERT INTO mixed SELECT CASE WHEN i % 2 = 0 THEN 'A' ELSE 'a' END || i % 5, i % 3, '%s' || i, i FROM generate_series(1, 100) i;
CREATE TABLE mixed2 (LIKE mixed INCLUDING ALL);
DO $$
BEGIN
    PERFORM parity.shadow_create('formats', '"f%s"', '"f%s2"');
    PERFORM parity.shadow_start('formats');
    PERFORM parity.shadow_create('mixed', 'mixed', 'mixed2');
    PERFORM parity.shadow_start('mixed');
END
$$;
CALL parity.shadow_backfill('formats', batch_rows => 7);
CALL parity.shadow_backfill('mixed', batch_rows => 7);
SELECT name, rows, batches FROM parity.shadow_progress WHERE name IN ('formats', 'mixed') ORDER BY name;
SELECT status FROM parity.shadow_verify('formats');
SELECT status FROM parity.shadow_verify('mixed');
-- rows that are put there without a statement
DELETE FROM mixed2;
SELECT parity.shadow_fill('mixed', 'SELECT a, b, c, v FROM mixed WHERE v <= 60 FOR SHARE');
SELECT parity.shadow_fill('mixed', 'SELECT a, b, c, v FROM mixed WHERE v BETWEEN 50 AND 70');
SELECT parity.shadow_fill('mixed', 'SELECT a, b, c, v FROM mixed WHERE false');
SELECT parity.shadow_fill('mixed', 'SELECT a, b, c, v::int8 FROM mixed');
SELECT parity.shadow_fill('mixed', 'SELECT a, b, c FROM mixed');
SELECT parity.shadow_fill('mixed', 'DELETE FROM mixed');
SELECT parity.shadow_fill('mixed', 'SELECT 1; SELECT 2');
SELECT parity.shadow_fill('mixed', 'SELECT');
SELECT parity.shadow_fill('none', 'SELECT');
SELECT parity.shadow_fill('mixed', NULL);
-- nothing is longer than its column, and nobody writes there who may not
CREATE TABLE short (id int PRIMARY KEY, v varchar(3));
CREATE TABLE short2 (LIKE short INCLUDING ALL);
CREATE ROLE run_bob;
CREATE ROLE run_alice;
ALTER TABLE short OWNER TO run_bob;
ALTER TABLE short2 OWNER TO run_bob;
GRANT ALL ON SCHEMA public TO run_bob, run_alice;
SET ROLE run_bob;
DO $$ BEGIN PERFORM parity.shadow_create('short', 'short', 'short2'); PERFORM parity.shadow_start('short'); END $$;
SELECT parity.shadow_fill('short', 'SELECT 1, ''too long''::varchar');
SELECT parity.shadow_fill('short', 'SELECT 1, ''abc''::varchar');
RESET ROLE;
ALTER TABLE short2 OWNER TO run_alice;
SET ROLE run_bob;
SELECT parity.shadow_run('short', 'INSERT INTO short2 VALUES (2, ''b'')');
SELECT parity.shadow_fill('short', 'SELECT 2, ''b''::varchar') IS NULL AS takes_an_insert;
RESET ROLE;
TABLE short2;
SELECT parity.shadow_drop('short', true);
DROP TABLE short, short2;
REVOKE ALL ON SCHEMA public FROM run_bob, run_alice;
DROP ROLE run_bob, run_alice;
CREATE FUNCTION run_same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER same BEFORE INSERT ON mixed2 FOR EACH ROW EXECUTE FUNCTION run_same();
SELECT parity.shadow_fill('mixed', 'SELECT a, b, c, v FROM mixed WHERE v > 60') IS NULL AS takes_an_insert;
SELECT count(*) FROM mixed2;
CALL parity.shadow_backfill('mixed', batch_rows => 7);
SELECT status FROM parity.shadow_verify('mixed');
SELECT parity.shadow_drop('formats', true);
SELECT parity.shadow_drop('mixed', true);
DROP TABLE mixed, mixed2, "f%s", "f%s2";
DROP FUNCTION run_same;
DROP DOMAIN "d%1$s";

-- a key that only the table that is written can hold; its row goes, and nothing is left of it
CREATE TABLE narrow (id int PRIMARY KEY, v text, w text);
CREATE TABLE wide (id bigint PRIMARY KEY, v text, w text);
INSERT INTO narrow VALUES (1, 'a', 'b');
SET client_min_messages = notice;
SELECT count(*) FROM parity.shadow_create('narrow', 'narrow', 'wide', columns => '{"v": "v"}', dry_run => true);
SET client_min_messages = warning;
SELECT count(*) FROM parity.shadow_create('narrow', 'narrow', 'wide');
SELECT parity.shadow_start('narrow');
CALL parity.shadow_backfill('narrow');
SELECT status FROM parity.shadow_verify('narrow');
SELECT parity.shadow_cutover('narrow', compare => 'verified');
INSERT INTO wide VALUES (3000000000, 'x', 'y'), (2, 'x', 'y');
SELECT key, sqlstate FROM parity.drift WHERE shadow = 'narrow' ORDER BY key;
SELECT * FROM parity.shadow_heal('narrow');
SELECT key, sqlstate FROM parity.drift WHERE shadow = 'narrow' ORDER BY key;
DELETE FROM wide WHERE id = 3000000000;
SELECT * FROM parity.shadow_heal('narrow');
SELECT key, sqlstate FROM parity.drift WHERE shadow = 'narrow' ORDER BY key;
SELECT status, detail FROM parity.shadow_verify('narrow');
SELECT parity.shadow_rollback('narrow', compare => 'verified');
SELECT parity.shadow_drop('narrow', true);
DROP TABLE narrow, wide;
-- the same of a length: what is cut would be another key, whose row stays
CREATE TABLE narrow (id varchar(3), n int, v text, PRIMARY KEY (id, n));
CREATE TABLE wide (id varchar(9), n int, v text, PRIMARY KEY (id, n));
INSERT INTO narrow VALUES ('abc', 1, 'a');
SELECT count(*) FROM parity.shadow_create('narrow', 'narrow', 'wide');
SELECT parity.shadow_start('narrow');
CALL parity.shadow_backfill('narrow');
SELECT status FROM parity.shadow_verify('narrow');
SELECT parity.shadow_cutover('narrow', compare => 'verified');
INSERT INTO wide VALUES ('abcd', 1, 'x');
DELETE FROM wide WHERE v = 'x';
SELECT key, operation FROM parity.drift WHERE shadow = 'narrow' ORDER BY key, operation;
SELECT * FROM parity.shadow_heal('narrow');
TABLE narrow;
SELECT status, detail FROM parity.shadow_verify('narrow');
SELECT parity.shadow_drop('narrow', true);
DROP TABLE narrow, wide;
