-- shadows: whose names and formats a write goes by, and what it holds on to
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA shadow_names;

SET search_path = shadow_names;
CREATE ROLE regress_parity_named;
CREATE ROLE regress_parity_writer;
CREATE SCHEMA shadow_names_evil AUTHORIZATION regress_parity_writer;
GRANT ALL ON SCHEMA shadow_names TO regress_parity_named;
GRANT USAGE ON SCHEMA shadow_names TO regress_parity_writer;

-- the writer's search_path finds operators, functions and types of his own for PostgreSQL's; the write is the owner's
SET SESSION AUTHORIZATION regress_parity_named;
CREATE TABLE src (id int PRIMARY KEY, status text, d date, f float8);
CREATE TABLE dst (id int PRIMARY KEY, status text, d date, f float8, is_done bool, low text, is_new bool, is_small bool);
DO $$ BEGIN PERFORM parity.shadow_create('names', 'src', 'dst', columns => '{"status": "status", "d": "d", "f": "f",
    "is_done": "status = ''done''", "low": "lower(status)", "is_new": "d > ''2024-01-02''", "is_small": "f < 0.12345678901234566"}'); END $$;
SELECT parity.shadow_start('names');
GRANT SELECT, INSERT, UPDATE, DELETE ON src TO regress_parity_writer;
SET SESSION AUTHORIZATION regress_parity_writer;
CREATE TABLE shadow_names_evil.seen (who text, what text);
GRANT USAGE ON SCHEMA shadow_names_evil TO PUBLIC;
GRANT ALL ON shadow_names_evil.seen TO PUBLIC;
CREATE FUNCTION shadow_names_evil.eq(pg_catalog.text, pg_catalog.text) RETURNS bool LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO shadow_names_evil.seen VALUES (current_user, '='); RETURN true; END $$;
CREATE OPERATOR shadow_names_evil.= (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = shadow_names_evil.eq);
CREATE FUNCTION shadow_names_evil.lower(pg_catalog.text) RETURNS pg_catalog.text LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO shadow_names_evil.seen VALUES (current_user, 'lower'); RETURN 'evil'; END $$;
CREATE FUNCTION shadow_names_evil.check(pg_catalog.text) RETURNS bool LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO shadow_names_evil.seen VALUES (current_user, 'text'); RETURN true; END $$;
CREATE DOMAIN shadow_names_evil.text AS pg_catalog.text CHECK (shadow_names_evil.check(VALUE));
SET search_path = shadow_names_evil, pg_catalog, pg_temp;
INSERT INTO shadow_names.src VALUES (1, 'Done', '2024-02-01', 0.5), (2, 'done', '2024-02-01', 0.5);
INSERT INTO shadow_names.src VALUES (2, 'done', '2024-02-01', 0.5) ON CONFLICT (id) DO UPDATE SET d = EXCLUDED.d;
UPDATE shadow_names.src SET status = 'Open' WHERE id OPERATOR(pg_catalog.=) 1;
UPDATE shadow_names.src SET id = 4 WHERE id OPERATOR(pg_catalog.=) 1;
DELETE FROM shadow_names.src WHERE id OPERATOR(pg_catalog.=) 4;
SET search_path = shadow_names;
SET SESSION AUTHORIZATION regress_parity_named;
TABLE shadow_names_evil.seen;
TABLE dst;
SELECT key, message FROM parity.drift;

RESET SESSION AUTHORIZATION;
SELECT parity.shadow_stop('names');
SELECT parity.shadow_drop('names');

-- what a trigger of the table that follows writes stops the shadow, which is still at work
CREATE TABLE nest (id int PRIMARY KEY, t text);
CREATE TABLE nest_v2 (id int PRIMARY KEY, t text, CONSTRAINT positive CHECK (id > 0));
CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 1 THEN
        INSERT INTO nest VALUES (-1, 'fails');
        INSERT INTO nest VALUES (2, 'comes after the stop');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER nested BEFORE INSERT ON nest_v2 FOR EACH ROW EXECUTE FUNCTION nested();
DO $$ BEGIN PERFORM parity.shadow_create('nest', 'nest', 'nest_v2', max_failures => 1); END $$;
SELECT parity.shadow_start('nest');
INSERT INTO nest VALUES (1, 'one');
SELECT phase, drift FROM parity.shadow_status WHERE name = 'nest';
TABLE nest ORDER BY id;
TABLE nest_v2;
-- a search_path that is none is an error of the statement, and of no other one
DROP TRIGGER nested ON nest_v2;
UPDATE parity.shadow SET search_path = 'a,,b' WHERE name = 'nest';
SELECT parity.shadow_start('nest');
CREATE TRIGGER nothing BEFORE INSERT ON nest_v2 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SHOW lock_timeout;
INSERT INTO nest VALUES (3, 'three');
SHOW lock_timeout;
DROP TRIGGER nothing ON nest_v2;
DO $$ BEGIN UPDATE parity.shadow SET search_path = 'shadow_names' WHERE name = 'nest'; END $$;
INSERT INTO nest VALUES (4, 'four');
TABLE nest_v2 ORDER BY id;
DELETE FROM parity.drift WHERE shadow = 'nest';
SELECT parity.shadow_stop('nest');
SELECT parity.shadow_drop('nest');

-- a row that one statement changes twice, by two foreign keys
CREATE TABLE parent (x int UNIQUE, y int UNIQUE);
CREATE TABLE child (id int PRIMARY KEY, a int REFERENCES parent (x) ON UPDATE CASCADE, b int REFERENCES parent (y) ON UPDATE CASCADE);
CREATE TABLE child_v2 (id int PRIMARY KEY, a int, b int);
INSERT INTO parent VALUES (1, 1);
DO $$ BEGIN PERFORM parity.shadow_create('twice', 'child', 'child_v2', filter => 'b > 10'); END $$;
SELECT parity.shadow_start('twice');
INSERT INTO child VALUES (1, 1, 1);
UPDATE parent SET x = x + 10, y = y + 10;
TABLE child_v2;
UPDATE parent SET x = x - 10, y = y - 10;
TABLE child_v2;
SELECT parity.shadow_stop('twice');
SELECT parity.shadow_drop('twice');
DO $$ BEGIN PERFORM parity.shadow_create('twice', 'child', 'child_v2', on_error => 'abort'); END $$;
SELECT parity.shadow_start('twice');
CALL parity.shadow_backfill('twice');
UPDATE parent SET x = x + 10, y = y + 10;
TABLE child_v2;
ALTER TABLE child_v2 ADD CONSTRAINT small CHECK (a < 20);
UPDATE parent SET x = x + 10;
TABLE child;

SELECT parity.shadow_drop('twice', force => true);
DROP SCHEMA shadow_names, shadow_names_evil CASCADE;
DROP ROLE regress_parity_named, regress_parity_writer;
