-- live checksums: MERGE, of PostgreSQL 15 and later
\set SHOW_CONTEXT never
SELECT current_setting('server_version_num')::int < 150000 AS old \gset
\if :old
\echo no MERGE before PostgreSQL 15: skipped
\quit
\endif
SET client_min_messages = warning;
SET parity.progress = off;
CREATE SCHEMA live_merge;
SET search_path = live_merge, parity;
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 20) i;
SELECT parity.track('t', 2);
CREATE FUNCTION agree(rel regclass) RETURNS text LANGUAGE sql AS
    $$SELECT CASE WHEN parity.live_checksum($1) = parity.checksum($1)
        AND NOT EXISTS (SELECT FROM parity.live_buckets($1) l FULL JOIN parity.buckets($1, 2) f USING (bucket) WHERE (l.digest = f.digest) IS NOT TRUE)
        THEN 'live = full' ELSE 'LIVE DIFFERS' END$$;
MERGE INTO t USING generate_series(10, 30) i ON t.id = i
    WHEN MATCHED AND i % 3 = 0 THEN DELETE
    WHEN MATCHED AND i % 3 = 1 THEN UPDATE SET v = -v
    WHEN MATCHED THEN DO NOTHING
    WHEN NOT MATCHED AND i % 4 > 0 THEN INSERT VALUES (i, i);
SELECT agree('t'), count(*), sum(v) FROM t;
BEGIN;
MERGE INTO t USING generate_series(1, 40) i ON t.id = i
    WHEN MATCHED THEN UPDATE SET id = t.id + 100
    WHEN NOT MATCHED THEN INSERT VALUES (i, 0);
SELECT agree('t'), count(*) FROM t;
SAVEPOINT a;
MERGE INTO t USING generate_series(1, 40) i ON t.id = i WHEN MATCHED THEN DELETE;
SELECT agree('t'), count(*) FROM t;
ROLLBACK TO a;
SELECT agree('t'), count(*) FROM t;
COMMIT;
SELECT agree('t'), count(*) FROM t;
-- one row twice is an error, half-way
MERGE INTO t USING (VALUES (101), (102), (102)) s(i) ON t.id = s.i WHEN MATCHED THEN UPDATE SET v = v + 1;
SELECT agree('t'), count(*), sum(v) FROM t;
-- partitions, with rows that move
CREATE TABLE p (id int, v int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (300);
INSERT INTO p SELECT i, i FROM generate_series(0, 190, 10) i;
SELECT parity.track('p', 2);
MERGE INTO p USING generate_series(0, 190, 5) i ON p.id = i
    WHEN MATCHED AND i % 30 = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET id = (p.id + 100) % 200
    WHEN NOT MATCHED THEN INSERT VALUES (i, -i);
SELECT agree('p'), count(*), (SELECT count(*) FROM p1) AS p1 FROM p;
DROP SCHEMA live_merge CASCADE;
