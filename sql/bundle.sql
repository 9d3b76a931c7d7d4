-- parity.bundle
\set SHOW_CONTEXT never
CREATE SCHEMA bundle;
SET search_path = bundle, parity;
CREATE TABLE b (id int PRIMARY KEY, v text);
INSERT INTO b VALUES (1, 'x'), (2, NULL);
CREATE TABLE "A" (k text COLLATE "C" PRIMARY KEY, n numeric(8, 2), twice numeric GENERATED ALWAYS AS (n * 2) STORED);
INSERT INTO "A" VALUES ('k', 1.5);
CREATE TABLE parted (id int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE VIEW a_view AS SELECT 1 AS x;
CREATE MATERIALIZED VIEW a_matview AS SELECT 1 AS x;
CREATE UNLOGGED TABLE unlogged (u uuid);
CREATE TABLE zero ();
CREATE TABLE member (x int);
ALTER EXTENSION parity ADD TABLE member;
CREATE SEQUENCE seq;

SELECT parity.bundle(schema => 'bundle') AS b \gset
SELECT jsonb_pretty(:'b'::jsonb - '{version,server,time,position}'::text[]);
-- the stamps
SELECT b ->> 'version' = (SELECT extversion FROM pg_extension WHERE extname = 'parity') AS version,
    b ->> 'server' = 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) AS server,
    (b ->> 'time')::timestamptz BETWEEN now() - interval '1 hour' AND now() AS time, b ->> 'time' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$' AS form,
    (b ->> 'position')::pg_lsn <= pg_current_wal_lsn() AS position FROM (SELECT :'b'::jsonb) x(b);
-- the same digests as alone
SELECT t ->> 'table' AS "table", (t ->> 'digest')::parity.digest = parity.checksum(quote_ident(t ->> 'table')::regclass) AS equal
    FROM jsonb_array_elements(:'b'::jsonb -> 'tables') t;
ALTER EXTENSION parity DROP TABLE member;
DROP TABLE member;

CREATE SCHEMA bundle_other;
CREATE TABLE bundle_other.c AS SELECT 1 AS x;
-- tables by name: also what is left out otherwise
SELECT b::jsonb ->> 'schema' AS schema, b::jsonb ->> 'partial' AS partial, jsonb_path_query_array(b::jsonb, '$.tables[*].table') AS tables
    FROM parity.bundle('{b,a_view,"\"A\"",parted_1,a_matview,bundle_other.c}') b;
SELECT b::jsonb ->> 'schema' AS schema, jsonb_array_length(b::jsonb -> 'tables') AS n FROM parity.bundle('{b}', schema => 'ignored') b;
SELECT b::jsonb -> 'tables' AS tables FROM parity.bundle('{}') b;
SELECT parity.bundle('{zero}');
SELECT parity.bundle('{seq}');
SELECT parity.bundle('{b,b}');
ALTER TABLE bundle_other.c RENAME TO b;
SELECT parity.bundle('{b,bundle_other.b}');
SELECT parity.bundle('{b,NULL}');
SELECT parity.bundle('{no_such_table}');
SELECT parity.bundle(schema => 'no_such_schema');
SELECT parity.bundle(schema => NULL);
-- a sketch of so many cells a table
SELECT cells, sketch_cells((jsonb_path_query_first(parity.bundle('{b}', cells)::jsonb, '$.tables[0].sketch') #>> '{}')::sketch) FROM (VALUES (0), (1), (128), (129), (1048576), (NULL)) x(cells);
SELECT jsonb_path_query_first(parity.bundle('{b}', 64)::jsonb, '$.tables[0].sketch') #>> '{}' = (SELECT sketch_agg(64, 1, b)::text FROM b) AS same;
SELECT parity.bundle('{b}', -1);
SELECT parity.bundle('{b}', 1048577);
-- a schema without tables
DROP TABLE bundle_other.b;
SELECT b::jsonb -> 'tables' AS tables FROM parity.bundle(schema => 'bundle_other') b;
DROP SCHEMA bundle_other;

-- progress can be turned off
SET parity.progress = off;
SELECT length(parity.bundle('{b}')) > 0 AS made;
-- stored overrides are in it
SELECT parity.set_spec('b', '{"columns": {"v": "text fold=ascii"}, "names": {"v": "Value"}, "as": "Bees"}');
SELECT jsonb_path_query(parity.bundle('{b}')::jsonb, '$.tables[0].columns[1].kind'), jsonb_path_query(parity.bundle('{b}')::jsonb, '$.tables[0].as');
SELECT parity.set_spec('b', NULL);
-- values that a kind cannot read are counted, with an example
SELECT jsonb_path_query(b::jsonb, '$.tables[0].columns[*]') - 'digest' AS columns FROM parity.bundle('{b}') b;
SELECT parity.set_spec('b', '{"columns": {"v": "uuid"}}');
SELECT jsonb_path_query(b::jsonb, '$.tables[0].columns[*]') - 'digest' AS columns FROM parity.bundle('{b}') b;
SELECT parity.set_spec('b', NULL);

-- one snapshot: both reads of a table within a statement see the same, whatever happens meanwhile
BEGIN;
DECLARE c CURSOR FOR SELECT b::jsonb #>> '{tables,0,digest}' FROM generate_series(1, 2) i, LATERAL parity.bundle(CASE i WHEN i THEN '{b}'::regclass[] END) b;
FETCH 1 FROM c;
INSERT INTO b VALUES (3, 'y');
FETCH 1 FROM c;
CLOSE c;
SELECT parity.bundle('{b}')::jsonb #>> '{tables,0,digest}';
ROLLBACK;
-- hostile names stay names
CREATE TABLE "x""},{""\u0000 \ é" ("c"",""digest" int PRIMARY KEY, "tab	nl
" text);
SELECT t -> 'table' AS "table", c ->> 'name' AS name, c ->> 'kind' AS kind
    FROM jsonb_array_elements(parity.bundle(schema => 'bundle')::jsonb -> 'tables') t, jsonb_array_elements(t -> 'columns') c WHERE t ->> 'table' LIKE 'x%';
SET client_min_messages = warning;
DROP SCHEMA bundle CASCADE;
