-- live checksums: what triggers do not see is said, never wrong
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET parity.progress = off;
CREATE SCHEMA live_ddl;
CREATE SCHEMA live_ddl_other;
SET search_path = live_ddl, parity;
-- equal, or the error; then what the status says
CREATE FUNCTION live(rel regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text; d text; h text;
BEGIN
    RETURN CASE WHEN parity.live_checksum(rel) = parity.checksum(rel) THEN 'live = full' ELSE 'LIVE DIFFERS' END;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    IF m NOT LIKE 'the live checksum of "%" is not exact' OR h NOT LIKE 'SELECT parity.track(''%'') takes a new first digest.' THEN RAISE; END IF;
    RETURN 'not exact: ' || regexp_replace(d, 'since [0-9][^:]*:[^:]*:[^:]*:', 'since (time):');
END $$;
CREATE FUNCTION status(rel regclass) RETURNS text LANGUAGE sql AS
    $$SELECT concat_ws(': ', regexp_replace(s.status, 'since .*', 'since (time)'), s.reason) FROM parity.live_status s WHERE s.rel = $1$$;
-- a table as it was at the start
CREATE TABLE t ();
CREATE PROCEDURE anew() LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS t CASCADE;
    CREATE TABLE t (id int PRIMARY KEY, v int, name text);
    INSERT INTO t SELECT i, i, 'name ' || i FROM generate_series(1, 10) i;
    PERFORM parity.track('t', 2);
    INSERT INTO t VALUES (11, 11, 'tracked');
END $$;
-- a statement on each of the triggers that tracking has made
CREATE PROCEDURE on_triggers(statement text, only_event int DEFAULT 0) LANGUAGE plpgsql AS $$
DECLARE name name;
BEGIN
    FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = 't'::regclass AND tgfoid = 'parity.live_capture'::regproc AND (only_event = 0 OR tgtype & only_event > 0) ORDER BY tgname LOOP
        EXECUTE format(statement, name);
    END LOOP;
END $$;

-- triggers switched off: at once, and for good, even if they are on again
CALL anew();
SELECT live('t'), status('t');
ALTER TABLE t DISABLE TRIGGER USER;
SELECT live('t'), status('t');
INSERT INTO t VALUES (20, 20, 'unseen');
ALTER TABLE t ENABLE TRIGGER USER;
SELECT live('t'), status('t');
CALL on_triggers('ALTER TABLE t ENABLE ALWAYS TRIGGER %I');
SELECT live('t'), status('t');
SELECT parity.live_checksum('t');
SELECT parity.live_buckets('t');
SELECT match FROM parity.live_verify('t');
SELECT parity.track('t', 2);
SELECT live('t'), status('t');
ALTER TABLE t DISABLE TRIGGER ALL;
INSERT INTO t VALUES (21, 21, 'unseen');
ALTER TABLE t ENABLE TRIGGER ALL;
CALL on_triggers('ALTER TABLE t ENABLE ALWAYS TRIGGER %I');
SELECT live('t'), status('t');
-- one of them
CALL anew();
CALL on_triggers('ALTER TABLE t DISABLE TRIGGER %I', 8);
DELETE FROM t WHERE id = 1;
SELECT live('t'), status('t');
CALL on_triggers('ALTER TABLE t ENABLE ALWAYS TRIGGER %I', 8);
SELECT live('t'), status('t');
CALL anew();
CALL on_triggers('ALTER TABLE t ENABLE REPLICA TRIGGER %I', 4);
INSERT INTO t VALUES (22, 22, 'unseen');
SELECT live('t'), status('t');
-- in one transaction, in one that is rolled back, in a savepoint
CALL anew();
BEGIN;
INSERT INTO t VALUES (20, 20, 'seen');
ALTER TABLE t DISABLE TRIGGER USER;
INSERT INTO t VALUES (21, 21, 'unseen');
CALL on_triggers('ALTER TABLE t ENABLE ALWAYS TRIGGER %I');
INSERT INTO t VALUES (22, 22, 'seen');
SELECT live('t'), status('t');
COMMIT;
SELECT live('t'), status('t');
CALL anew();
BEGIN;
ALTER TABLE t DISABLE TRIGGER USER;
INSERT INTO t VALUES (21, 21, 'unseen');
ROLLBACK;
SELECT live('t'), status('t');
BEGIN;
INSERT INTO t VALUES (20, 20, 'seen');
SAVEPOINT a;
ALTER TABLE t DISABLE TRIGGER USER;
INSERT INTO t VALUES (21, 21, 'unseen');
ROLLBACK TO a;
INSERT INTO t VALUES (22, 22, 'seen');
SELECT live('t'), status('t');
COMMIT;
SELECT live('t'), status('t');
-- dropped, renamed, and one of the same definition in its place
CALL on_triggers('DROP TRIGGER %I ON t', 4);
SELECT live('t'), status('t');
INSERT INTO t VALUES (23, 23, 'unseen');
SELECT live('t'), status('t');
CALL anew();
CREATE TABLE definitions AS SELECT tgname, pg_get_triggerdef(oid) AS definition FROM pg_trigger WHERE tgrelid = 't'::regclass;
CALL on_triggers('DROP TRIGGER %I ON t');
INSERT INTO t VALUES (23, 23, 'unseen');
DO $$ BEGIN EXECUTE (SELECT string_agg(replace(definition, 'live_capture', 'parity.live_capture'), ';' ORDER BY tgname) FROM definitions); END $$;
CALL on_triggers('ALTER TABLE t ENABLE ALWAYS TRIGGER %I');
SELECT live('t'), status('t');
CALL anew();
CALL on_triggers('ALTER TRIGGER %I ON t RENAME TO zz_other', 4);
INSERT INTO t VALUES (23, 23, 'seen');
SELECT live('t') IN ('live = full', 'the live checksum of "t" is not exact') OR live('t') LIKE 'not exact%' AS never_wrong;
-- session_replication_role = replica does not switch them off
CALL anew();
SET session_replication_role = replica;
INSERT INTO t VALUES (20, 20, 'seen');
UPDATE t SET v = -v WHERE id < 5;
TRUNCATE t;
INSERT INTO t VALUES (21, 21, 'seen');
RESET session_replication_role;
SELECT live('t'), status('t');
-- other people's triggers do not matter
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER mine AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION nothing();
ALTER TABLE t DISABLE TRIGGER mine;
INSERT INTO t VALUES (24, 24, 'seen');
DROP TRIGGER mine ON t;
SELECT live('t'), status('t');

-- columns
CALL anew();
ALTER TABLE t ADD COLUMN added int;
SELECT live('t'), status('t');
INSERT INTO t VALUES (20, 20, 'x', 7);
SELECT live('t');
SELECT parity.track('t', 2);
SELECT live('t'), status('t');
ALTER TABLE t DROP COLUMN added;
SELECT live('t'), status('t');
CALL anew();
ALTER TABLE t ADD COLUMN filled int DEFAULT 7;
SELECT live('t'), status('t');
ALTER TABLE t DROP COLUMN filled;
INSERT INTO t VALUES (20, 20, 'x');
SELECT live('t');
CALL anew();
ALTER TABLE t RENAME COLUMN name TO renamed;
SELECT live('t'), status('t');
UPDATE t SET v = 0;
ALTER TABLE t RENAME COLUMN renamed TO name;
SELECT live('t'), status('t');
CALL anew();
ALTER TABLE t ALTER name TYPE varchar(100);
SELECT live('t'), status('t');
CALL anew();
ALTER TABLE t ALTER v TYPE bigint;
SELECT live('t'), status('t');
CALL anew();
ALTER TABLE t ALTER v TYPE int USING v + 1;
SELECT live('t'), status('t');
INSERT INTO t VALUES (20, 20, 'x');
SELECT live('t');
CALL anew();
ALTER TABLE t ADD COLUMN v2 int GENERATED ALWAYS AS (v * 2) STORED;
SELECT live('t'), status('t');
CALL anew();
ALTER TABLE t ALTER v SET DEFAULT 5, ALTER v SET NOT NULL, ALTER name SET STORAGE EXTERNAL, ADD CHECK (v < 1000), ALTER v SET STATISTICS 10;
INSERT INTO t (id) VALUES (20);
SELECT live('t'), status('t');
-- the order of columns that counts is by name: another table in its place
CALL anew();
BEGIN;
ALTER TABLE t RENAME COLUMN v TO tmp;
ALTER TABLE t RENAME COLUMN name TO v;
ALTER TABLE t RENAME COLUMN tmp TO name;
SELECT live('t');
COMMIT;
SELECT live('t'), status('t');
-- in the transaction that has written, and writes on
CALL anew();
BEGIN;
INSERT INTO t VALUES (20, 20, 'x');
ALTER TABLE t ADD COLUMN added int DEFAULT 3;
UPDATE t SET added = 4 WHERE id > 5;
INSERT INTO t VALUES (21, 21, 'x', 5);
SELECT live('t');
COMMIT;
SELECT live('t'), status('t');
CALL anew();
BEGIN;
INSERT INTO t VALUES (20, 20, 'x');
SAVEPOINT a;
ALTER TABLE t ADD COLUMN added int DEFAULT 3;
UPDATE t SET added = 4 WHERE id > 5;
ROLLBACK TO a;
INSERT INTO t VALUES (21, 21, 'x');
SELECT live('t');
COMMIT;
SELECT live('t'), status('t');
BEGIN;
INSERT INTO t VALUES (30, 20, 'x');
ALTER TABLE t ADD COLUMN added int DEFAULT 3;
INSERT INTO t VALUES (31, 21, 'x', 5);
SELECT parity.track('t', 2);
INSERT INTO t VALUES (32, 21, 'x', 5);
SELECT live('t');
COMMIT;
SELECT live('t'), status('t');
BEGIN;
INSERT INTO t VALUES (40, 20, 'x');
DROP TABLE t;
COMMIT;
SELECT count(*) FROM parity.live_status;
-- the key: it says into which bucket a row goes
CALL anew();
ALTER TABLE t DROP CONSTRAINT t_pkey;
SELECT live('t'), status('t');
INSERT INTO t VALUES (20, 20, 'x');
SELECT live('t');
SELECT parity.track('t', 2);
SELECT live('t');

-- the spec
CALL anew();
SELECT parity.set_spec('t', '{"exclude": ["name"]}');
SELECT live('t'), status('t');
SELECT parity.track('t');
INSERT INTO t VALUES (20, 20, 'x');
UPDATE t SET name = 'not counted';
UPDATE t SET v = 1 WHERE id = 4;
SELECT live('t'), status('t');
SELECT parity.set_spec('t', NULL);
SELECT live('t'), status('t');
CALL anew();
SELECT parity.set_spec('t', '{"columns": {"v": "bool"}}');
SELECT live('t'), status('t');
CALL anew();
BEGIN;
INSERT INTO t VALUES (20, 20, 'x');
SELECT parity.set_spec('t', '{"exclude": ["name"]}');
INSERT INTO t VALUES (21, 21, 'x');
SELECT live('t');
COMMIT;
SELECT live('t'), status('t');
-- names on the other side are not part of what is read
CALL anew();
SELECT parity.set_spec('t', '{"names": {"name": "Name"}, "as": "T"}');
SELECT live('t') = 'live = full' OR live('t') LIKE 'not exact%' AS never_wrong;
SELECT parity.set_spec('t', NULL);

-- types
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text, m mood);
CREATE DOMAIN dpair AS pair;
CREATE TABLE enums (id int PRIMARY KEY, m mood);
CREATE TABLE arrays (id int PRIMARY KEY, m mood[]);
CREATE TABLE pairs (id int PRIMARY KEY, p pair);
CREATE TABLE domains (id int PRIMARY KEY, p dpair[]);
CREATE TYPE mrange AS RANGE (subtype = mood);
CREATE TABLE ranges (id int PRIMARY KEY, r mrange);
INSERT INTO enums VALUES (1, 'sad');
INSERT INTO arrays VALUES (1, '{sad,ok}');
INSERT INTO pairs VALUES (1, '(1,x,sad)');
INSERT INTO domains VALUES (1, ARRAY['(1,x,sad)']::dpair[]);
INSERT INTO ranges VALUES (1, '[sad,ok]');
CREATE TABLE list AS SELECT unnest('{enums,arrays,pairs,domains,ranges}'::regclass[]) AS rel;
SELECT rel, parity.track(rel) FROM list;
-- a new value changes none that is there
ALTER TYPE mood ADD VALUE 'happy' AFTER 'sad';
INSERT INTO enums VALUES (2, 'happy');
INSERT INTO arrays VALUES (2, '{happy}');
INSERT INTO pairs VALUES (2, '(2,y,happy)');
SELECT rel, live(rel), status(rel) FROM list;
-- another name changes all
ALTER TYPE mood RENAME VALUE 'sad' TO 'sorry';
SELECT rel, live(rel), status(rel) FROM list;
INSERT INTO enums VALUES (3, 'sorry');
SELECT rel, parity.track(rel) FROM list;
SELECT rel, live(rel), status(rel) FROM list;
ALTER TYPE mood RENAME VALUE 'sorry' TO 'sad';
ALTER TYPE mood RENAME VALUE 'sad' TO 'sorry';
SELECT rel, live(rel), status(rel) FROM list;
SELECT rel, parity.track(rel) FROM list;
-- attributes of a composite
ALTER TYPE pair RENAME ATTRIBUTE b TO c;
SELECT rel, live(rel), status(rel) FROM list WHERE rel IN ('pairs'::regclass, 'domains');
SELECT rel, parity.track(rel) FROM list;
ALTER TYPE pair ADD ATTRIBUTE d int;
SELECT rel, live(rel), status(rel) FROM list WHERE rel IN ('pairs'::regclass, 'domains');
SELECT rel, parity.track(rel) FROM list;
ALTER TYPE pair DROP ATTRIBUTE d;
SELECT rel, live(rel), status(rel) FROM list WHERE rel IN ('pairs'::regclass, 'domains');
SELECT rel, parity.track(rel) FROM list;
-- a table's row type
CREATE TABLE rowtype (a int, b text);
CREATE TABLE of_rows (id int, r rowtype);
INSERT INTO of_rows VALUES (1, '(1,x)');
SELECT parity.track('of_rows');
ALTER TABLE rowtype RENAME b TO c;
SELECT live('of_rows'), status('of_rows');
SELECT parity.track('of_rows');
ALTER TABLE rowtype ADD COLUMN d int;
SELECT live('of_rows'), status('of_rows');
-- the name of a type is no part of its values
ALTER TYPE mood RENAME TO mood2;
ALTER TYPE mood2 SET SCHEMA live_ddl_other;
ALTER DOMAIN dpair ADD CHECK ((VALUE).a > 0) NOT VALID;
SELECT rel, live(rel) = 'live = full' OR live(rel) LIKE 'not exact%' AS never_wrong FROM list;
DROP TABLE enums, arrays, pairs, domains, ranges, list, of_rows;

-- the same rows in other places
CALL anew();
VACUUM FULL t;
SELECT live('t'), status('t');
CALL anew();
CLUSTER t USING t_pkey;
INSERT INTO t VALUES (20, 20, 'x');
SELECT live('t'), status('t');
CALL anew();
VACUUM (FREEZE) t;
VACUUM (FREEZE) pg_trigger;
VACUUM (FREEZE) pg_enum;
VACUUM (FREEZE) parity.live_delta;
ANALYZE t;
REINDEX TABLE t;
SELECT live('t'), status('t');
ALTER TABLE t SET (fillfactor = 50);
ALTER TABLE t REPLICA IDENTITY FULL;
ALTER TABLE t SET TABLESPACE pg_default;
SELECT live('t'), status('t');
ALTER TABLE t SET UNLOGGED;
SELECT live('t'), status('t');
ALTER TABLE t SET LOGGED;
SELECT live('t') = 'live = full' OR live('t') LIKE 'not exact%' AS never_wrong;
-- other names
CALL anew();
ALTER TABLE t RENAME TO renamed;
INSERT INTO renamed VALUES (20, 20, 'x');
SELECT live('renamed'), status('renamed');
ALTER TABLE renamed SET SCHEMA live_ddl_other;
INSERT INTO live_ddl_other.renamed VALUES (21, 20, 'x');
SELECT live('live_ddl_other.renamed'), status('live_ddl_other.renamed');
ALTER SCHEMA live_ddl_other RENAME TO live_ddl_third;
SELECT live('live_ddl_third.renamed');
-- two tables that exchange their names keep each its own
CREATE TABLE renamed (id int, v int, name text);
SELECT parity.track('renamed');
CALL anew();
BEGIN;
ALTER TABLE t RENAME TO tmp;
ALTER TABLE renamed RENAME TO t;
ALTER TABLE tmp RENAME TO renamed;
INSERT INTO t VALUES (50, 1, 'x');
COMMIT;
SELECT live('t'), live('renamed'), (SELECT count(*) FROM t) AS t, (SELECT count(*) FROM renamed) AS renamed;
DROP TABLE renamed, t;
-- a copy is not tracked
CALL anew();
CREATE TABLE copy (LIKE t INCLUDING ALL);
SELECT parity.live_checksum('copy');
DROP TABLE copy;

-- inheritance that comes later: parity.checksum then reads the child as well
CREATE TABLE kid () INHERITS (t);
INSERT INTO kid VALUES (60, 1, 'kid');
SELECT live('t'), status('t');
ALTER TABLE kid NO INHERIT t;
SELECT live('t') = 'live = full' OR live('t') LIKE 'not exact%' AS never_wrong;
INSERT INTO t VALUES (61, 1, 'x');
SELECT live('t') = 'live = full' OR live('t') LIKE 'not exact%' AS never_wrong;
ALTER TABLE kid INHERIT t;
SELECT live('t') = 'live = full' OR live('t') LIKE 'not exact%' AS never_wrong;
DROP TABLE kid;
SELECT live('t') = 'live = full' OR live('t') LIKE 'not exact%' AS never_wrong;
-- rules and views in the table's place
CALL anew();
CREATE RULE nothing AS ON DELETE TO t DO INSTEAD NOTHING;
DELETE FROM t;
SELECT live('t');

-- two tracked tables and a renamed column in one of them: the other goes on
CALL anew();
CREATE TABLE u (id int);
SELECT parity.track('u');
ALTER TABLE t RENAME v TO w;
INSERT INTO u VALUES (1);
SELECT live('t'), live('u');
SELECT rel, status FROM parity.live_status ORDER BY rel::text;

-- dropped tables are gone from the status, and a table that is made anew is another one
DROP TABLE t;
SELECT rel, status FROM parity.live_status ORDER BY rel::text;
CREATE TABLE t (id int PRIMARY KEY, v int, name text);
SELECT parity.live_checksum('t');
SELECT parity.live_compact() >= 0 AS compacted;

-- the extension cannot go while a trigger needs it, and with CASCADE it takes them along
SELECT current_database() AS db \gset
DROP DATABASE IF EXISTS regress_parity_live;
CREATE DATABASE regress_parity_live TEMPLATE template0;
\c regress_parity_live
\set SHOW_CONTEXT never
CREATE EXTENSION parity;
CREATE TABLE t (id int PRIMARY KEY);
SELECT parity.track('t');
INSERT INTO t VALUES (1);
\set VERBOSITY terse
DROP EXTENSION parity;
BEGIN;
INSERT INTO t VALUES (2);
SET client_min_messages = warning;
DROP EXTENSION parity CASCADE;
INSERT INTO t VALUES (3);
COMMIT;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 't'::regclass;
INSERT INTO t VALUES (4);
CREATE EXTENSION parity;
SELECT parity.live_checksum('t');
INSERT INTO t VALUES (5);
SELECT parity.track('t');
INSERT INTO t VALUES (6);
SELECT parity.live_checksum('t') OPERATOR(parity.=) parity.checksum('t') AS equal, parity.digest_rows(parity.live_checksum('t')) AS rows;
\set VERBOSITY default
\c :db
SET client_min_messages = warning;
DROP DATABASE regress_parity_live;
DROP SCHEMA live_ddl, live_ddl_third CASCADE;
SELECT count(*) FROM parity.live_status;
