-- Live checksums: what happens in the transaction that tracks, and to what has the same name as before.
SET client_min_messages = warning;
SET search_path = public, parity;

CREATE FUNCTION pg_temp.verdict(rel regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    live text;
BEGIN
    BEGIN
        live := parity.live_checksum(rel)::text;
    EXCEPTION WHEN object_not_in_prerequisite_state THEN
        RETURN 'refused';
    END;
    RETURN CASE WHEN live = parity.checksum(rel)::text THEN 'exact' ELSE 'WRONG' END;
END $$;

-- a column of the same name and type is another one
CREATE TABLE again (id int PRIMARY KEY, v text);
INSERT INTO again SELECT i, 'v' || i FROM generate_series(1, 5) i;
SELECT parity.track('again');
ALTER TABLE again DROP COLUMN v, ADD COLUMN v text;
SELECT pg_temp.verdict('again');

-- names that change places, also with a write meanwhile
CREATE TABLE swapped (id int PRIMARY KEY, a text, b text);
INSERT INTO swapped VALUES (1, 'x', 'y');
SELECT parity.track('swapped');
ALTER TABLE swapped RENAME a TO c;
ALTER TABLE swapped RENAME b TO a;
ALTER TABLE swapped RENAME c TO b;
SELECT pg_temp.verdict('swapped');
UPDATE swapped SET a = 'z';
ALTER TABLE swapped RENAME a TO c;
ALTER TABLE swapped RENAME b TO a;
ALTER TABLE swapped RENAME c TO b;
SELECT pg_temp.verdict('swapped');

-- triggers that are off for a moment in the transaction that made them
CREATE TABLE off (id int PRIMARY KEY);
BEGIN;
SELECT parity.track('off');
ALTER TABLE off DISABLE TRIGGER USER;
INSERT INTO off VALUES (1);
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'off'::regclass LOOP
        EXECUTE format('ALTER TABLE off ENABLE ALWAYS TRIGGER %I', name);
    END LOOP;
END $$;
COMMIT;
SELECT pg_temp.verdict('off');

-- types that change in the transaction that made them
BEGIN;
CREATE TYPE pair AS (a int, b text);
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE pairs (id int PRIMARY KEY, p pair);
CREATE TABLE moods (id int PRIMARY KEY, m mood);
INSERT INTO pairs VALUES (1, '(1,x)');
INSERT INTO moods VALUES (1, 'good'), (2, 'bad');
SELECT parity.track('pairs'), parity.track('moods');
ALTER TYPE pair RENAME ATTRIBUTE a TO z;
ALTER TYPE mood RENAME VALUE 'good' TO 'fine';
COMMIT;
SELECT pg_temp.verdict('pairs'), pg_temp.verdict('moods');
SELECT parity.track('pairs'), parity.track('moods');
ALTER TYPE mood ADD VALUE 'better';
SELECT pg_temp.verdict('pairs'), pg_temp.verdict('moods');
-- there and back, with a write meanwhile
ALTER TYPE mood RENAME VALUE 'fine' TO 'good';
UPDATE moods SET m = 'bad' WHERE id = 1;
ALTER TYPE mood RENAME VALUE 'good' TO 'fine';
SELECT pg_temp.verdict('moods');
ALTER TYPE pair ADD ATTRIBUTE c int;
SELECT pg_temp.verdict('pairs');

-- a type that is changed in a transaction that comes to nothing
SELECT parity.track('pairs');
BEGIN;
ALTER TYPE pair ADD ATTRIBUTE d int;
UPDATE pairs SET p = '(2,y,3,4)';
ROLLBACK;
UPDATE pairs SET p = '(3,z,4)';
SELECT pg_temp.verdict('pairs');
BEGIN;
SAVEPOINT a;
ALTER TYPE pair ADD ATTRIBUTE d int;
UPDATE pairs SET p = '(2,y,3,4)';
ROLLBACK TO a;
UPDATE pairs SET p = '(5,z,4)';
COMMIT;
SELECT pg_temp.verdict('pairs');

-- fields of a catalog's row type print names of other objects
CREATE TABLE methods (id int PRIMARY KEY, a pg_am);
SELECT parity.track('methods');

-- a partition that is truncated in the transaction that attached it: its file stays the same
CREATE TABLE parts (id int, v text) PARTITION BY LIST (id);
SELECT parity.track('parts');
BEGIN;
CREATE TABLE part2 (id int, v text);
INSERT INTO part2 VALUES (2, 'b');
ALTER TABLE parts ATTACH PARTITION part2 FOR VALUES IN (2);
SELECT pg_temp.verdict('parts');
TRUNCATE part2;
COMMIT;
SELECT pg_temp.verdict('parts');
BEGIN;
TRUNCATE part2;
SELECT pg_temp.verdict('parts');
INSERT INTO parts VALUES (2, 'c');
TRUNCATE part2;
COMMIT;
SELECT pg_temp.verdict('parts');

-- a partition that leaves and comes back, more than once, and is changed meanwhile
CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1);
INSERT INTO parts VALUES (1, 'a'), (2, 'b');
SELECT parity.track('parts');
DO $$
BEGIN
    FOR i IN 1..3 LOOP
        ALTER TABLE parts DETACH PARTITION part1;
        INSERT INTO part1 VALUES (1, 'while away');
        IF i = 2 THEN TRUNCATE part1; INSERT INTO part1 VALUES (1, 'again'); END IF;
        RAISE WARNING 'away: %', pg_temp.verdict('parts');
        ALTER TABLE parts ATTACH PARTITION part1 FOR VALUES IN (1);
        RAISE WARNING 'back: %', pg_temp.verdict('parts');
        INSERT INTO parts VALUES (1, 'back');
    END LOOP;
END $$;
SELECT pg_temp.verdict('parts');

-- a cursor from before the transaction's own ATTACH
CREATE TABLE part3 (id int, v text);
INSERT INTO part3 VALUES (3, 'c');
BEGIN;
DECLARE c CURSOR FOR SELECT pg_temp.verdict('parts');
ALTER TABLE parts ATTACH PARTITION part3 FOR VALUES IN (3);
FETCH c;
COMMIT;
SELECT pg_temp.verdict('parts');

-- a trigger with another table's number, on a table of somebody else's, stands in nobody's way
CREATE ROLE parity_live_other;
CREATE TABLE own (id int PRIMARY KEY, v text);
SELECT parity.track('own');
GRANT CREATE ON SCHEMA public TO parity_live_other;
SET ROLE parity_live_other;
CREATE TABLE theirs (id int, v int);
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE TRIGGER x AFTER INSERT ON theirs FOR EACH ROW EXECUTE FUNCTION parity.live_capture(%L)',
                           encode(tgargs, 'escape')::text)
             FROM (SELECT replace(encode(tgargs, 'escape'), '\000', '')::bytea AS tgargs FROM pg_trigger
                   WHERE tgrelid = 'own'::regclass LIMIT 1) t);
END $$;
INSERT INTO theirs VALUES (1, 1);
RESET ROLE;
INSERT INTO own VALUES (1, 'a');
SELECT pg_temp.verdict('own');
SELECT parity.track('own');
SELECT parity.untrack('own');

-- REINDEX CONCURRENTLY puts other indexes in the place of those that a session has seen
CREATE TABLE written (id int PRIMARY KEY);
SELECT parity.track('written');
INSERT INTO written VALUES (1);
REINDEX TABLE CONCURRENTLY parity.live_delta;
REINDEX TABLE CONCURRENTLY parity.live_base;
INSERT INTO written VALUES (2);
SELECT pg_temp.verdict('written');
SELECT parity.live_compact('written') >= 0 AS compacted;
SELECT pg_temp.verdict('written');

-- an AFTER TRUNCATE trigger that writes before the one of parity.track
CREATE TABLE refilled (id int, v text);
CREATE FUNCTION refill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO refilled VALUES (0, 'default'); RETURN NULL; END $$;
CREATE TRIGGER aaa AFTER TRUNCATE ON refilled FOR EACH STATEMENT EXECUTE FUNCTION refill();
SELECT parity.track('refilled');
INSERT INTO refilled VALUES (1, 'a');
TRUNCATE refilled;
SELECT pg_temp.verdict('refilled');

-- a second trigger with the number of the first, made before the first digest is read
CREATE TABLE twice (id int, v text);
INSERT INTO twice SELECT i, repeat('x', 1000) FROM generate_series(1, 10000) i;
SELECT parity.track('twice');
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE TRIGGER zz AFTER INSERT ON twice FOR EACH ROW EXECUTE FUNCTION parity.live_capture(%L)',
                           replace(encode(tgargs, 'escape'), '\000', ''))
             FROM pg_trigger WHERE tgrelid = 'twice'::regclass LIMIT 1);
END $$;
SELECT pg_temp.verdict('twice');
DROP TRIGGER zz ON twice;
SELECT pg_temp.verdict('twice');
-- and after it, gone again before anybody looks
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE TRIGGER zz AFTER INSERT ON twice FOR EACH ROW EXECUTE FUNCTION parity.live_capture(%L)',
                           replace(encode(tgargs, 'escape'), '\000', ''))
             FROM pg_trigger WHERE tgrelid = 'twice'::regclass LIMIT 1);
END $$;
INSERT INTO twice VALUES (0, 'a');
DROP TRIGGER zz ON twice;
SELECT pg_temp.verdict('twice');

-- large values count as well: a table of few blocks is not read while writers wait if they make it large
CREATE TABLE large_values (id int, v text);
ALTER TABLE large_values ALTER v SET STORAGE EXTERNAL;
INSERT INTO large_values SELECT i, repeat('x', 1000000) FROM generate_series(1, 12) i;
SELECT parity.track('large_values');
SELECT status FROM parity.live_status WHERE rel = 'large_values'::regclass;
SELECT pg_temp.verdict('large_values');

-- a child that came and went
CREATE TABLE mother (id int);
SELECT parity.track('mother');
CREATE TABLE child () INHERITS (mother);
INSERT INTO mother VALUES (1);
SELECT pg_temp.verdict('mother');
DROP TABLE child;
INSERT INTO mother VALUES (2);
SELECT pg_temp.verdict('mother');

-- a partition that goes to another owner
CREATE TABLE shared (id int) PARTITION BY LIST (id);
CREATE TABLE shared1 PARTITION OF shared FOR VALUES IN (1);
GRANT CREATE ON SCHEMA public TO parity_live_other;
ALTER TABLE shared OWNER TO parity_live_other;
ALTER TABLE shared1 OWNER TO parity_live_other;
SET ROLE parity_live_other;
SELECT parity.track('shared');
RESET ROLE;
ALTER TABLE shared1 OWNER TO CURRENT_USER;
SET ROLE parity_live_other;
INSERT INTO shared VALUES (1);
SELECT pg_temp.verdict('shared');
SELECT parity.untrack('shared');
RESET ROLE;

-- rows that a subscription copied from another database
INSERT INTO parity.live SELECT rel, 12345, bits, columns, types, tracked_at, origin + 1 FROM parity.live
    WHERE rel IN ('written'::regclass, 'off'::regclass);
SELECT pg_temp.verdict('written');
SELECT parity.track('written');
SELECT pg_temp.verdict('written');
SELECT count(*) FROM parity.live WHERE id = 12345;
SELECT parity.live_compact() >= 0 AS compacted;
SELECT count(*) FROM parity.live WHERE id = 12345;

SELECT parity.untrack(rel) FROM parity.live_status;
DROP TABLE again, swapped, off, pairs, moods, methods, parts, own, theirs, written, refilled, twice, mother, shared, large_values;
DROP FUNCTION refill;
DROP TYPE pair, mood;
REVOKE CREATE ON SCHEMA public FROM parity_live_other;
DROP ROLE parity_live_other;
SELECT parity.live_compact() >= 0 AS compacted;
SELECT (SELECT count(*) FROM parity.live), (SELECT count(*) FROM parity.live_base), (SELECT count(*) FROM parity.live_delta);
