-- foreign tables; needs file_fdw of PostgreSQL's contrib
\set SHOW_CONTEXT never
SELECT count(*) = 0 AS missing FROM pg_available_extensions WHERE name = 'file_fdw' \gset
\if :missing
\echo file_fdw is not installed: skipped
\quit
\endif
SET client_min_messages = warning;
CREATE SCHEMA "foreign";
SET search_path = "foreign", parity;
CREATE EXTENSION file_fdw SCHEMA "foreign";
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE f (id int, name text) SERVER files OPTIONS (program 'echo 1,one; echo 2,two; echo 3,', format 'csv');
CREATE TABLE t (id int, name text);
INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, NULL);
SELECT parity.spec('f');
SELECT parity.checksum('f') = parity.checksum('t') AS equal, parity.checksum('f', 'id > 1') = parity.checksum('t', 'id > 1') AS filtered;
SELECT bool_and(a.digest = b.digest) AS equal FROM parity.column_checksums('f') a JOIN parity.column_checksums('t') b USING (column_name);
CREATE FOREIGN TABLE broken (id int) SERVER files OPTIONS (program 'echo 1; echo x', format 'csv');
SELECT parity.checksum('broken');
-- a partition that is foreign
CREATE TABLE parted (id int, name text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (10) TO (20);
CREATE FOREIGN TABLE parted_2 PARTITION OF parted FOR VALUES FROM (0) TO (10) SERVER files OPTIONS (program 'echo 1,one; echo 2,two; echo 3,', format 'csv');
SELECT parity.checksum('parted') = parity.checksum('t') AS equal;
-- left out of a bundle of the schema, but not of one that names it
SELECT b::jsonb -> 'skipped' AS skipped, jsonb_path_query_array(b::jsonb, '$.tables[*].table') AS tables FROM parity.bundle(schema => 'foreign') b;
SELECT jsonb_path_query_array(b::jsonb, '$.tables[*].table') AS tables FROM parity.bundle('{f}') b;
DROP SCHEMA "foreign" CASCADE;
