-- shadows: MERGE, of PostgreSQL 15 and later
\set SHOW_CONTEXT never
SELECT current_setting('server_version_num')::int < 150000 AS old \gset
\if :old
\echo no MERGE before PostgreSQL 15: skipped
\quit
\endif
SET client_min_messages = warning;
CREATE SCHEMA shadow_merge;
SET search_path = shadow_merge;
CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE TABLE p (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p DEFAULT;
CREATE TABLE p_v2 (id int PRIMARY KEY, v text);
DO $$ BEGIN
    PERFORM parity.shadow_create('t', 't', 't_v2'), parity.shadow_create('p', 'p', 'p_v2');
    PERFORM parity.shadow_start('t'), parity.shadow_start('p');
END $$;
INSERT INTO t SELECT i, 'v' FROM generate_series(1, 6) i;
INSERT INTO p TABLE t;
CREATE TABLE changes (id int, v text);
INSERT INTO changes VALUES (1, 'x'), (2, NULL), (3, 'move'), (7, 'new'), (8, 'skip');
MERGE INTO t USING changes c ON t.id = c.id
    WHEN MATCHED AND c.v IS NULL THEN DELETE
    WHEN MATCHED AND c.v = 'move' THEN UPDATE SET id = 20
    WHEN MATCHED THEN UPDATE SET v = c.v
    WHEN NOT MATCHED AND c.v = 'skip' THEN DO NOTHING
    WHEN NOT MATCHED THEN INSERT VALUES (c.id, c.v);
MERGE INTO p USING changes c ON p.id = c.id
    WHEN MATCHED AND c.v IS NULL THEN DELETE
    WHEN MATCHED AND c.v = 'move' THEN UPDATE SET id = 20
    WHEN MATCHED THEN UPDATE SET v = c.v
    WHEN NOT MATCHED AND c.v = 'skip' THEN DO NOTHING
    WHEN NOT MATCHED THEN INSERT VALUES (c.id, c.v);
TABLE t_v2 ORDER BY id;
SELECT name, status FROM unnest('{t,p}'::text[]) s, parity.shadow_verify(s);
-- a row that it deletes, and one of the same key that it brings
MERGE INTO t USING (VALUES (1, 4), (4, 1)) c(here, there) ON t.id = c.here
    WHEN MATCHED AND c.here = 4 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 'stays';
SELECT status FROM parity.shadow_verify('t');
SELECT count(*) FROM parity.drift WHERE shadow IN ('t', 'p');
SELECT parity.shadow_drop('t', true), parity.shadow_drop('p', true);
DELETE FROM parity.event;
DROP SCHEMA shadow_merge CASCADE;
