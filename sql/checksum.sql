-- parity.checksum and parity.column_checksums
\set SHOW_CONTEXT never
CREATE SCHEMA checksum;
SET search_path = checksum, parity;
CREATE TABLE t (id int PRIMARY KEY, "Name" text, amount numeric(10, 2), at timestamptz, done bool);
INSERT INTO t SELECT i, 'name ' || i, i / 4.0, '2024-01-01 00:00:00+00'::timestamptz + i * interval '1 hour', i % 2 = 0
    FROM generate_series(1, 100) i;
-- the golden one: the same data, the same text, on every machine and both engines
SELECT parity.checksum('t');
SELECT * FROM parity.column_checksums('t');
SELECT parity.checksum('t') = (SELECT parity.digest_agg(amount, at, done, id, "Name") FROM t) AS agree;
-- the order of rows and columns does not matter, every value does
CREATE TABLE u (done bool, at timestamptz, name text, id int, amount numeric(20, 5));
INSERT INTO u SELECT done, at, "Name", id, amount FROM t ORDER BY id DESC;
SELECT parity.checksum('t') = parity.checksum('u') AS equal;
UPDATE u SET amount = amount + 0.00001 WHERE id = 77;
SELECT parity.checksum('t') = parity.checksum('u') AS equal;
SELECT c.column_name FROM parity.column_checksums('t') c JOIN parity.column_checksums('u', NULL, '{"key": ["id"]}') d
    ON lower(c.column_name) = d.column_name WHERE c.digest <> d.digest;
-- one row less, one row twice
DELETE FROM u WHERE id = 77;
SELECT parity.digest_rows(parity.checksum('u')), parity.checksum('u') = parity.checksum('t', 'id <> 77') AS equal;
INSERT INTO u SELECT * FROM u WHERE id = 1;
SELECT parity.digest_rows(parity.checksum('u')), parity.checksum('u') - parity.checksum('t', 'id <> 77') = parity.checksum('t', 'id = 1') AS sum;

-- filters
SELECT parity.checksum('t', 'id <= 30') + parity.checksum('t', 'id > 30') = parity.checksum('t') AS sum;
SELECT parity.checksum('t', 'true') = parity.checksum('t') AS equal;
SELECT parity.checksum('t', 'false');
SELECT parity.checksum('t', $$t."Name" IN (SELECT 'name ' || i FROM generate_series(5, 6) i) -- two rows$$) = parity.checksum('t', 'id IN (5, 6)') AS equal;
SELECT parity.checksum('t', '(id = 5) OR (id = 6)') = parity.checksum('t', 'id BETWEEN 5 AND 6') AS equal;
SELECT count(*), min(parity.digest_rows(digest)), max(parity.digest_rows(digest)) FROM parity.column_checksums('t', 'id > 98');
-- a filter is one condition and nothing else
SELECT parity.checksum('t', 'true) GROUP BY (1');
SELECT parity.checksum('t', 'true) OR (true');
SELECT parity.checksum('t', 'true GROUP BY 1');
SELECT parity.checksum('t', 'true LIMIT 0');
SELECT parity.checksum('t', 'true FOR UPDATE');
SELECT parity.checksum('t', 'true UNION SELECT NULL');
SELECT parity.checksum('t', 'true; DROP TABLE checksum.t');
SELECT parity.checksum('t', 'true /*');
SELECT parity.checksum('t', $$'$$);
SELECT parity.checksum('t', '');
SELECT parity.checksum('t', '   -- nothing');
SELECT parity.checksum('t', 'id = $1');
SELECT parity.checksum('t', 'count(*) > 0');
SELECT parity.checksum('t', 'id');
SELECT parity.checksum('t', 'idd = 1');
SELECT parity.checksum('t', 'id = 1 / 0');
SELECT parity.column_checksums('t', 'true) GROUP BY (1');

-- a spec as argument: overrides, or a whole one
SELECT parity.checksum('t', NULL, parity.spec('t')) = parity.checksum('t') AS equal;
SELECT parity.checksum('t', NULL, '{}') = parity.checksum('t') AS equal;
SELECT parity.checksum('t', NULL, '{"exclude": ["Name"]}') = (SELECT parity.digest_agg(amount, at, done, id) FROM t) AS equal;
SELECT parity.checksum('t', NULL, '{"columns": {"id": "text"}}') = (SELECT parity.digest_agg(amount, at, done, id::text, "Name") FROM t) AS equal;
SELECT parity.checksum('t', NULL, '{"table": "x", "columns": [{"name": "id", "kind": "int"}, {"name": "done", "kind": "bool"}]}')
    = (SELECT parity.digest_agg(id, done) FROM t) AS equal;
SELECT column_name, kind FROM parity.column_checksums('t', NULL, '{"columns": {"at": "timestamptz(0) round"}, "names": {"id": "zid"}}');
SELECT parity.checksum('t', NULL, '{"columns": {"nope": "text"}}');
SELECT parity.checksum('t', NULL, '{"table": "t", "columns": [{"name": "nope", "kind": "text"}]}');
SELECT parity.checksum('t', NULL, '{"table": "t", "columns": [{"name": "id", "kind": "text"}, {"name": "id", "kind": "int"}]}');
SELECT parity.checksum('t', NULL, '{"table": "t", "columns": []}');
SELECT parity.checksum('t', NULL, '{"table": "t", "columns": [{"name": "id"}]}');
SELECT parity.checksum('t', NULL, '{"table": "t", "columns": [{"name": "id", "kind": "number"}]}');
SELECT parity.checksum('t', NULL, '{"table": "t", "columns": [{"name": "ctid", "kind": "text"}]}');
SELECT parity.checksum('t', NULL, '[1]');
SELECT parity.checksum('t', NULL, 'null');
-- stored overrides count, and an argument goes on top of them
SELECT parity.set_spec('t', '{"exclude": ["Name"]}');
SELECT parity.checksum('t') = (SELECT parity.digest_agg(amount, at, done, id) FROM t) AS equal;
SELECT parity.checksum('t', NULL, '{"exclude": ["at"]}') = (SELECT parity.digest_agg(amount, done, id) FROM t) AS equal;
SELECT parity.checksum('t', NULL, '{"columns": {"Name": "text"}}') = (SELECT parity.digest_agg(amount, at, done, id, "Name") FROM t) AS equal;
SELECT parity.set_spec('t', NULL);

-- what cannot be read
SELECT parity.checksum(NULL);
SELECT parity.checksum('no_such_table');
CREATE SEQUENCE s;
SELECT parity.checksum('s');
CREATE TABLE zero ();
INSERT INTO zero DEFAULT VALUES;
SELECT parity.checksum('zero');
SELECT parity.column_checksums('zero');
CREATE TABLE only_generated (g int GENERATED ALWAYS AS (1) STORED);
SELECT parity.checksum('only_generated');

-- empty tables, NULLs, duplicates
CREATE TABLE empty (a int PRIMARY KEY, b text);
SELECT parity.checksum('empty');
SELECT * FROM parity.column_checksums('empty');
CREATE TABLE nulls (a int, b text);
INSERT INTO nulls VALUES (NULL, NULL), (NULL, ''), (NULL, NULL);
SELECT parity.checksum('nulls') = (SELECT parity.digest_agg(a, b) FROM nulls) AS equal, parity.checksum('nulls', 'b IS NULL') = parity.checksum('nulls', $$b = ''$$) AS same;

-- dropped columns, columns added with a default, toasted values
CREATE TABLE past (id int PRIMARY KEY, gone text, big text);
INSERT INTO past SELECT i, 'x', repeat('abcdefgh', 10000) || i FROM generate_series(1, 3) i;
ALTER TABLE past ALTER big SET STORAGE EXTERNAL;
INSERT INTO past SELECT i, 'x', repeat('abcdefgh', 10000) || i FROM generate_series(4, 6) i;
ALTER TABLE past DROP COLUMN gone;
ALTER TABLE past ADD COLUMN fast int DEFAULT 42, ADD COLUMN nothing text;
CREATE TABLE present (id int PRIMARY KEY, big text, fast int, nothing text);
INSERT INTO present SELECT i, repeat('abcdefgh', 10000) || i, 42 FROM generate_series(1, 6) i;
SELECT parity.checksum('past') = parity.checksum('present') AS equal;
SELECT bool_and(p.digest = q.digest) AS equal FROM parity.column_checksums('past') p JOIN parity.column_checksums('present') q USING (column_name);

-- partitions, inheritance, views, materialized views, foreign tables, temporary tables
CREATE TABLE parted (LIKE t) PARTITION BY LIST (done);
CREATE TABLE parted_1 (done bool, id int NOT NULL, at timestamptz, amount numeric(10, 2), "Name" text);
ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES IN (true);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (false);
INSERT INTO parted SELECT * FROM t;
SELECT parity.checksum('parted') = parity.checksum('t') AS equal, parity.checksum('parted_1') + parity.checksum('parted_2') = parity.checksum('t') AS sum;
CREATE VIEW v AS SELECT * FROM t;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM t;
CREATE TEMP TABLE tmp AS SELECT * FROM t;
SELECT bool_and(parity.checksum(r) = parity.checksum('t')) AS equal FROM unnest('{v,mv,tmp}'::regclass[]) r;

-- hostile names
CREATE SCHEMA "s""; DROP TABLE checksum.t; --";
CREATE TABLE "s""; DROP TABLE checksum.t; --"."a""b'; drop" ("x"")); --" int PRIMARY KEY, "it's \ 1" text, "select" int, "Ünï\n" text, "b,c" int);
INSERT INTO "s""; DROP TABLE checksum.t; --"."a""b'; drop" VALUES (1, 'a', 2, 'b', 3);
SELECT parity.checksum('"s""; DROP TABLE checksum.t; --"."a""b''; drop"')
    = (SELECT parity.digest_agg("b,c", "it's \ 1", "select", "x"")); --", "Ünï\n") FROM "s""; DROP TABLE checksum.t; --"."a""b'; drop") AS equal;
SELECT column_name, parity.digest_rows(digest) FROM parity.column_checksums('"s""; DROP TABLE checksum.t; --"."a""b''; drop"');
SELECT count(*) FROM t;

-- settings and a hostile search_path change nothing
CREATE TYPE point3 AS (x real, y real, at timestamptz);
CREATE TABLE forms (id int PRIMARY KEY, f float8, b bytea, i interval, a timestamptz[], r tstzrange, p point, c point3, cash money);
INSERT INTO forms VALUES (1, 0.1::float8 + 0.2, '\x00ff', '1 mon 2 days 03:04:05.6', '{2024-02-03 04:05:06+00}', '[2024-02-03 04:05:06+00,)', '(0.1,1e-9)', (0.1, 2, '2024-02-03 04:05:06+00'), 12.34);
SELECT parity.checksum('forms') AS before \gset
SET TimeZone = 'Australia/Lord_Howe';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = -15;
SET bytea_output = escape;
SET quote_all_identifiers = on;
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SET row_security = off;
SELECT parity.checksum('forms') = :'before' AS equal;
SELECT parity.checksum('t', E'"Name" <> ''\\\\'' AND at < ''2024-01-02''') AS by_filter \gset
RESET ALL;
SET search_path = checksum, parity;
SELECT parity.checksum('t', $$"Name" <> '\' AND at < '2024-01-02'$$) = :'by_filter' AS equal;
CREATE SCHEMA evil;
CREATE FUNCTION evil.bad() RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'the shadowing function was called'; END$$;
CREATE FUNCTION evil.gt(int, int) RETURNS bool LANGUAGE plpgsql AS $$BEGIN PERFORM evil.bad(); RETURN true; END$$;
CREATE FUNCTION evil.eq(oid, oid) RETURNS bool LANGUAGE plpgsql AS $$BEGIN PERFORM evil.bad(); RETURN true; END$$;
CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM evil.bad(); RETURN 'x'; END$$;
CREATE FUNCTION evil.digest_agg_as(text, text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM evil.bad(); RETURN 'x'; END$$;
CREATE OPERATOR evil.> (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.gt);
CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.eq);
CREATE TABLE evil.pg_class (oid oid, relname name);
CREATE TABLE evil.t (id int);
SET search_path = evil, checksum, pg_catalog;
SELECT 2 > 1;
SELECT parity.digest_rows(parity.checksum('checksum.t', $$id > 90 AND lower("Name") > 'a'$$));
SELECT parity.set_spec('checksum.t', '{"exclude": ["at"]}');
SELECT count(*) FROM parity.column_checksums('checksum.t');
SELECT parity.set_spec('checksum.t', NULL);
SET search_path = checksum, parity;
-- a filter is read under pg_catalog alone
CREATE FUNCTION mine(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 < 4';
SELECT parity.checksum('t', 'mine(id)');
SELECT parity.checksum('t', 'checksum.mine(id)') = parity.checksum('t', 'id < 4') AS equal;
SELECT parity.checksum('t', 'id IN (SELECT id FROM past)');
SELECT parity.checksum('t', 'id IN (SELECT id FROM checksum.past)') = parity.checksum('t', 'id <= 6') AS equal;

-- as many columns as a table can have
DO $$BEGIN EXECUTE (SELECT format('CREATE TABLE wide (%s)', string_agg(format('c%s int2', i), ', ')) FROM generate_series(1, 1600) i); END$$;
INSERT INTO wide (c1, c97, c98, c1600) VALUES (1, 2, 3, 4), (5, 6, 7, 8);
SELECT parity.digest_rows(parity.checksum('wide')), parity.checksum('wide', 'c1 = 1') = parity.checksum('wide', 'c1600 = 4') AS equal, parity.checksum('wide', 'c1 = 1') = parity.checksum('wide', 'c1 = 5') AS same;
CREATE TABLE wide_copy AS TABLE wide;
UPDATE wide_copy SET c98 = 0 WHERE c1 = 5;
SELECT w.column_name FROM parity.column_checksums('wide') w JOIN parity.column_checksums('wide_copy') c USING (column_name) WHERE w.digest <> c.digest;
DO $$BEGIN
    FOR n IN 96..100 LOOP
        EXECUTE (SELECT format('CREATE VIEW v%s AS SELECT %s FROM wide', n, string_agg('c' || i, ', ')) FROM generate_series(1, n) i);
    END LOOP;
END$$;
SELECT n, parity.digest_rows(parity.checksum('v' || n)), (SELECT count(*) FROM parity.column_checksums('v' || n)) FROM generate_series(96, 100) n;
-- one column that is a composite stands for itself
CREATE TABLE one_composite (c point3);
INSERT INTO one_composite VALUES ((1, 2, NULL));
SELECT column_name, kind, parity.digest_rows(digest) FROM parity.column_checksums('one_composite');
SELECT parity.checksum('one_composite') = (SELECT parity.digest_agg(to_json(c)) FROM one_composite) AS equal;

-- a parallel plan gives the same
CREATE TABLE many AS SELECT i AS id, md5(i::text) AS v FROM generate_series(1, 20000) i;
SELECT parity.checksum('many') AS alone \gset
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT parity.checksum('many') = :'alone' AS equal;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- one snapshot: a cursor sees what was there when it was opened
BEGIN ISOLATION LEVEL REPEATABLE READ;
DECLARE c CURSOR FOR SELECT parity.checksum('many', 'id <= 5') = parity.checksum('many', 'id <= 5') AS equal, parity.digest_rows(parity.checksum('many')) FROM generate_series(1, 2);
FETCH 1 FROM c;
DELETE FROM many WHERE id <= 5;
FETCH 1 FROM c;
CLOSE c;
SELECT parity.digest_rows(parity.checksum('many'));
ROLLBACK;

-- cancelled
CREATE VIEW endless AS SELECT i FROM generate_series(1, 100000000000) i;
SET statement_timeout = 300;
SELECT parity.checksum('endless');
SELECT * FROM parity.column_checksums('endless');
RESET statement_timeout;

SET client_min_messages = warning;
DROP SCHEMA checksum, evil, "s""; DROP TABLE checksum.t; --" CASCADE;
