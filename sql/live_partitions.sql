-- live checksums of partitioned tables: partitions that come, go and change
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET parity.progress = off;
CREATE SCHEMA live_partitions;
SET search_path = live_partitions, parity;
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

CREATE TABLE p (id int, v int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
INSERT INTO p VALUES (1, 1), (2, 2);
SELECT parity.track('p', 1);
CREATE FUNCTION buckets() RETURNS boolean LANGUAGE sql AS
    $$SELECT NOT EXISTS (SELECT FROM parity.live_buckets('p') l FULL JOIN parity.buckets('p', 1) f USING (bucket) WHERE (l.digest = f.digest) IS NOT TRUE)$$;
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
INSERT INTO p VALUES (11, 1), (12, 2);
SELECT live('p'), buckets(), status('p');
CREATE TABLE p3 (v int, id int);
INSERT INTO p3 VALUES (1, 21), (2, 22);
ALTER TABLE p ATTACH PARTITION p3 FOR VALUES FROM (20) TO (30);
SELECT live('p'), buckets(), status('p');
INSERT INTO p VALUES (23, 3);
UPDATE p SET id = id + 10 WHERE id IN (1, 11);
SELECT live('p'), buckets(), status('p');
ALTER TABLE p DETACH PARTITION p2;
SELECT live('p'), buckets(), status('p');
SELECT parity.live_checksum('p2');
INSERT INTO p2 VALUES (15, 15);
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'p2'::regclass;
SELECT live('p'), buckets();
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20);
SELECT live('p'), buckets(), status('p');
INSERT INTO p VALUES (16, 16);
SELECT live('p'), buckets();
DROP TABLE p2;
SELECT live('p'), buckets(), status('p');
BEGIN;
INSERT INTO p VALUES (5, 5);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
INSERT INTO p VALUES (17, 16);
SELECT live('p'), buckets();
ALTER TABLE p DETACH PARTITION p1;
SELECT live('p'), buckets();
INSERT INTO p1 VALUES (6, 6);
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10);
INSERT INTO p VALUES (7, 7);
SELECT live('p'), buckets();
COMMIT;
SELECT live('p'), buckets(), status('p');
-- a whole branch
CREATE TABLE branch (id int, v int) PARTITION BY LIST (v);
CREATE TABLE branch1 PARTITION OF branch FOR VALUES IN (1);
CREATE TABLE branch2 PARTITION OF branch DEFAULT;
INSERT INTO branch VALUES (31, 1), (32, 2);
ALTER TABLE p ATTACH PARTITION branch FOR VALUES FROM (30) TO (40);
INSERT INTO p VALUES (33, 1), (34, 3);
SELECT live('p'), buckets(), status('p');
ALTER TABLE branch DETACH PARTITION branch2;
SELECT live('p'), buckets(), status('p');
ALTER TABLE p DETACH PARTITION branch;
SELECT live('p'), buckets(), status('p');
-- triggers of one partition switched off, while the others' go on
ALTER TABLE p3 DISABLE TRIGGER USER;
INSERT INTO p VALUES (24, 4), (8, 8);
SELECT live('p'), status('p');
DO $$ DECLARE n name; BEGIN FOR n IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'p3'::regclass LOOP EXECUTE format('ALTER TABLE p3 ENABLE ALWAYS TRIGGER %I', n); END LOOP; END $$;
SELECT live('p'), status('p');
SELECT parity.track('p', 1);
SELECT live('p'), buckets(), status('p');
-- a partition that is unlogged or foreign, attached
CREATE UNLOGGED TABLE pu (id int, v int);
ALTER TABLE p ATTACH PARTITION pu FOR VALUES FROM (50) TO (60);
SELECT live('p'), status('p');
ALTER TABLE p DETACH PARTITION pu;
CREATE FOREIGN DATA WRAPPER regress_parity_live_partitions;
CREATE SERVER regress_parity_live_partitions FOREIGN DATA WRAPPER regress_parity_live_partitions;
CREATE FOREIGN TABLE pf (id int, v int) SERVER regress_parity_live_partitions;
ALTER TABLE p ATTACH PARTITION pf FOR VALUES FROM (60) TO (70);
SELECT parity.live_checksum('p');
ALTER TABLE p DETACH PARTITION pf;
DROP FOREIGN DATA WRAPPER regress_parity_live_partitions CASCADE;
SELECT live('p') = 'live = full' OR live('p') LIKE 'not exact%' AS never_wrong;
-- columns of the whole
SELECT parity.track('p', 1);
ALTER TABLE p ADD COLUMN added text;
SELECT live('p'), status('p');
SELECT parity.track('p', 1);
-- VACUUM FULL of a partition
VACUUM FULL p3;
SELECT live('p'), status('p');
DROP SCHEMA live_partitions CASCADE;
