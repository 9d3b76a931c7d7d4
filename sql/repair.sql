-- from differences to repair: parity.rows, explain, recheck and repair
\set SHOW_CONTEXT never
\pset null -
SET parity.progress = off;
CREATE SCHEMA there;
CREATE SCHEMA here;
SET search_path = here, parity;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE point2 AS (x int, y int);
-- two functions for what a user does by hand: the keys of diff go to the other side, its rows come back
CREATE FUNCTION there_rows(rel text) RETURNS text LANGUAGE sql
    AS $$SELECT parity.rows(('there.' || $1)::regclass, coalesce(jsonb_agg(to_jsonb(d)), '[]')) FROM parity.diff(('here.' || $1)::regclass, parity.bundle(ARRAY['there.' || $1]::regclass[])) d$$;
CREATE FUNCTION status(rel text) RETURNS text LANGUAGE sql
    AS $$SELECT status FROM parity.verify(parity.bundle(ARRAY['there.' || $1]::regclass[]), '{"schema": "here"}')$$;

-- an integer key
CREATE TABLE there.ints (id int PRIMARY KEY, v text, n numeric, twice numeric GENERATED ALWAYS AS (n * 2) STORED);
INSERT INTO there.ints SELECT i, 'row ' || i, i / 4.0 FROM generate_series(1, 50) i;
CREATE TABLE ints (LIKE there.ints INCLUDING ALL);
INSERT INTO ints (id, v, n) SELECT id, v, n FROM there.ints;
UPDATE ints SET v = 'it''s \ $1 "é"' WHERE id = 3;
UPDATE ints SET v = NULL, n = 0.75001 WHERE id = 4;
DELETE FROM ints WHERE id IN (5, 6);
INSERT INTO ints VALUES (-1, 'new', NULL);
UPDATE there.ints SET v = E'two\nlines, \\ and ''' WHERE id = 7;
UPDATE there.ints SET v = NULL WHERE id = 8;
SELECT there_rows('ints') AS r \gset
SELECT :'r'::jsonb - '{rows,version,server,time,position}'::text[] AS head, jsonb_array_length(:'r'::jsonb -> 'rows') AS rows;
SELECT * FROM explain('ints', :'r');
SELECT * FROM recheck('ints', :'r');
SELECT * FROM repair('ints', :'r');
-- it ran nothing; the statements do
SELECT status('ints');
SELECT statement FROM repair('ints', :'r') \gexec
SELECT status('ints');
SELECT count(*) AS left FROM recheck('ints', :'r');
SELECT count(*) AS left FROM explain('ints', :'r');
SELECT * FROM repair('ints', :'r');
\set ECHO none
SELECT statement FROM repair('ints', :'r') \gexec
\set ECHO all

-- rows that change meanwhile are left alone, and counted
UPDATE ints SET v = 'damaged' WHERE id BETWEEN 10 AND 15;
DELETE FROM ints WHERE id = 16;
INSERT INTO ints VALUES (99, 'new', NULL);
SELECT there_rows('ints') AS r \gset
CREATE TABLE statements AS SELECT statement, ordinality FROM repair('ints', :'r') WITH ORDINALITY;
UPDATE ints SET v = 'meanwhile' WHERE id IN (10, 99);
UPDATE ints SET n = n + 1 WHERE id = 11;
UPDATE ints SET v = (SELECT v FROM there.ints t WHERE t.id = 12) WHERE id = 12;
INSERT INTO ints VALUES (16, 'meanwhile', NULL);
SELECT * FROM recheck('ints', :'r');
SELECT statement FROM statements ORDER BY ordinality \gexec
SELECT h.id, h.v, h.n FROM ints h FULL JOIN there.ints t USING (id) WHERE h IS DISTINCT FROM t ORDER BY 1;
SELECT there_rows('ints') AS r \gset
\set ECHO none
SELECT statement FROM repair('ints', :'r') \gexec
\set ECHO all
SELECT status('ints');

-- text, uuid and composite keys
CREATE TABLE there.texts (k text PRIMARY KEY, v int);
CREATE TABLE there.uuids (u uuid PRIMARY KEY, v int);
CREATE TABLE there.pairs (name text, day date, v int, PRIMARY KEY (name, day));
INSERT INTO there.texts SELECT 'key ' || i, i FROM generate_series(1, 50) i;
INSERT INTO there.uuids SELECT md5(i::text)::uuid, i FROM generate_series(1, 50) i;
INSERT INTO there.pairs SELECT 'name ' || i % 7, '2024-01-01'::date + i / 7, i FROM generate_series(0, 50) i;
CREATE TABLE texts (LIKE there.texts INCLUDING ALL);
CREATE TABLE uuids (LIKE there.uuids INCLUDING ALL);
CREATE TABLE pairs (LIKE there.pairs INCLUDING ALL);
INSERT INTO texts TABLE there.texts;
INSERT INTO uuids TABLE there.uuids;
INSERT INTO pairs TABLE there.pairs;
UPDATE texts SET v = -v WHERE k = 'key 17';
DELETE FROM texts WHERE k = 'key 18';
INSERT INTO texts VALUES (E'"quoted"\\ \t é', NULL);
UPDATE uuids SET v = -v WHERE u = md5('17')::uuid;
DELETE FROM uuids WHERE u = md5('18')::uuid;
INSERT INTO uuids VALUES ('00000000-0000-0000-0000-000000000000', 0);
UPDATE pairs SET v = NULL WHERE name = 'name 3' AND day = '2024-01-05';
DELETE FROM pairs WHERE name = 'name 0' AND day = '2024-01-01';
INSERT INTO pairs VALUES ('name 8', 'infinity', 1);
SELECT * FROM explain('texts', there_rows('texts')) ORDER BY key, column_name;
SELECT * FROM explain('uuids', there_rows('uuids')) ORDER BY key, column_name;
SELECT * FROM explain('pairs', there_rows('pairs')) ORDER BY key, column_name;
SELECT statement FROM repair('texts', there_rows('texts')) ORDER BY statement;
SELECT statement FROM repair('pairs', there_rows('pairs')) ORDER BY statement;
\set ECHO none
SELECT statement FROM repair('texts', there_rows('texts')) \gexec
SELECT statement FROM repair('uuids', there_rows('uuids')) \gexec
SELECT statement FROM repair('pairs', there_rows('pairs')) \gexec
\set ECHO all
SELECT status('texts'), status('uuids'), status('pairs');

-- without a key: rows and how often they stand there
CREATE TABLE there.loose (a int, b text);
INSERT INTO there.loose SELECT i % 10, 'text ' || i % 3 FROM generate_series(1, 90) i;
CREATE TABLE loose (LIKE there.loose);
INSERT INTO loose TABLE there.loose;
UPDATE loose SET b = 'changed' WHERE ctid IN (SELECT ctid FROM loose WHERE a = 3 AND b = 'text 0' LIMIT 2);
INSERT INTO loose VALUES (NULL, NULL), (NULL, NULL);
INSERT INTO loose SELECT a, b FROM loose WHERE a = 4 LIMIT 2;
DELETE FROM loose WHERE a = 5 AND b = 'text 1';
SELECT key, change, rows FROM diff('loose', bundle('{there.loose}')) ORDER BY key;
SELECT there_rows('loose') AS r \gset
SELECT * FROM explain('loose', :'r') ORDER BY key, column_name, local_value, remote_value;
\set ECHO none
SELECT statement FROM repair('loose', :'r') \gexec
\set ECHO all
SELECT status('loose');
\set ECHO none
SELECT statement FROM repair('loose', :'r') \gexec
\set ECHO all
SELECT status('loose');

-- values of every kind
CREATE TABLE there.kinds (id int PRIMARY KEY, b bool, i8 int8, d numeric(10, 2), f4 real, f8 float8, c char(5), v varchar(20), x bytea, at timestamptz, ts timestamp(3),
    day date, t time, tz timetz, i interval, u uuid, j json, jb jsonb, tags text[], m mood, p point2, money money, o oid, inet inet);
INSERT INTO there.kinds VALUES (1, true, 9007199254740993, 1.50, 0.1, 1e-300, 'ab', 'x''y', '\x00ff', '2024-01-01 12:00:00.123456+02', '2024-01-01 12:00:00.123',
    '2024-02-29', '24:00', '12:00:00+05:30', '1 mon -2 days 03:04:05.6', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b": 1, "a": [1.50, null]}', '{"k": "é\n"}',
    ARRAY['a', NULL, 'b,"c'], 'ok', '(1,)', '12.34', 42, '10.0.0.1/24'),
    (2, false, -1, -0.01, 'NaN', '-infinity', '', '', '', 'infinity', '-infinity', 'infinity', '00:00', '23:59:59.999999-12', '0', NULL, 'null', '[]', '{}', 'sad', NULL, '-0.01', 0, '::1'),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE kinds (LIKE there.kinds INCLUDING ALL);
INSERT INTO kinds (id) VALUES (1), (2);
SELECT column_name, local_value, remote_value, reason FROM explain('kinds', there_rows('kinds')) WHERE key IN ('1', '2');
\set ECHO none
SELECT statement FROM repair('kinds', there_rows('kinds')) \gexec
\set ECHO all
SELECT status('kinds');
SELECT id, to_jsonb(here_row) = to_jsonb(there_row) AS same FROM kinds here_row FULL JOIN there.kinds there_row USING (id) ORDER BY id;

-- why values differ
CREATE TABLE there.why (id int PRIMARY KEY, at timestamptz, name text, code text, price numeric, place float8, note text);
INSERT INTO there.why SELECT i, '2024-06-01 12:00Z'::timestamptz + i * interval '1 hour', 'Name ' || i, 'code', i + 0.125, i / 7.0, 'caf' || chr(233) FROM generate_series(1, 4) i;
CREATE TABLE why AS TABLE there.why;
ALTER TABLE why ADD PRIMARY KEY (id);
UPDATE why SET at = at + interval '2 hours', name = upper(name), code = code || '  ', price = round(price, 2), place = place::real, note = 'cafe' || chr(769);
UPDATE why SET note = 'other' WHERE id = 4;
SELECT * FROM explain('why', there_rows('why'));

-- foreign keys: several tables in one transaction, in the order that they need
CREATE TABLE there.parent (id int PRIMARY KEY, up int REFERENCES there.parent, name text);
CREATE TABLE there.child (id int PRIMARY KEY, parent int NOT NULL REFERENCES there.parent);
INSERT INTO there.parent VALUES (1, NULL, 'root'), (2, 1, 'leaf'), (5, 2, 'deeper');
INSERT INTO there.child VALUES (10, 1), (11, 5);
CREATE TABLE parent (id int PRIMARY KEY, up int REFERENCES parent, name text);
CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL REFERENCES parent);
INSERT INTO parent VALUES (1, NULL, 'changed'), (3, NULL, 'gone'), (4, 3, 'gone');
INSERT INTO child VALUES (10, 1), (12, 3), (13, 4);
SELECT json_build_array(there_rows('child')::json, there_rows('parent')::json) AS r \gset
SELECT * FROM repair('parent', :'r');
-- tables that are not named are those of the schema public
SELECT * FROM repair(NULL, :'r');
ALTER TABLE parent SET SCHEMA public;
ALTER TABLE child SET SCHEMA public;
SELECT regexp_replace(regexp_replace(statement, ' WHERE .*', ''), '^WITH done AS \(', '') AS statement FROM repair(NULL, :'r') WHERE statement LIKE 'WITH%';
\set ECHO none
SELECT statement FROM repair(NULL, :'r') \gexec
\set ECHO all
SELECT status FROM verify(bundle('{there.parent,there.child}'), '{"schema": "public"}');
DROP TABLE public.child, public.parent;

-- rows that move from a parent that goes, and to one that comes: deletes and inserts around the updates
CREATE TABLE there.p (id int PRIMARY KEY, up int REFERENCES there.p);
CREATE TABLE there.c (id int PRIMARY KEY, p int REFERENCES there.p);
CREATE TABLE p (id int PRIMARY KEY, up int REFERENCES p);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p);
INSERT INTO there.p VALUES (1, NULL), (7, NULL), (6, 7), (5, 6), (8, 1);
INSERT INTO there.c VALUES (10, 1), (11, 5), (12, 8);
INSERT INTO p VALUES (1, NULL), (3, NULL), (4, 3), (9, 1);
INSERT INTO c VALUES (10, 4), (11, 1), (13, 9);
SELECT json_build_array(there_rows('c')::json, there_rows('p')::json) AS r \gset
ALTER TABLE p SET SCHEMA public;
ALTER TABLE c SET SCHEMA public;
SELECT regexp_replace(regexp_replace(statement, ' WHERE .*', ''), '^WITH done AS \(', '') AS statement FROM repair(NULL, :'r') WHERE statement LIKE 'WITH%';
\set ECHO none
SELECT statement FROM repair(NULL, :'r') \gexec
\set ECHO all
SELECT status FROM verify(bundle('{there.p,there.c}'), '{"schema": "public"}');
DROP TABLE public.c, public.p;

-- deletes do not cascade to rows that nobody compared; a row that refers to itself is no hindrance
CREATE TABLE there.q (id int PRIMARY KEY, up int);
CREATE TABLE q (id int PRIMARY KEY, up int REFERENCES q ON DELETE CASCADE);
CREATE TABLE of_q (id int PRIMARY KEY, q int REFERENCES q ON DELETE SET NULL);
INSERT INTO there.q VALUES (1, NULL);
INSERT INTO q VALUES (1, NULL), (2, NULL), (3, 3), (4, 1);
INSERT INTO of_q VALUES (10, 2), (11, 4);
\set ECHO none
SELECT statement FROM repair('q', there_rows('q')) \gexec
\set ECHO all
SELECT id FROM q ORDER BY id;
SELECT * FROM of_q ORDER BY id;
-- a key on this side alone: rows are updated, and what only this side has of them stays
CREATE TABLE there.nokey (id int, v text);
CREATE TABLE nokey (id int PRIMARY KEY, v text, keep text);
INSERT INTO there.nokey VALUES (1, 'A'), (2, 'b'), (4, 'd');
INSERT INTO nokey VALUES (1, 'a', 'precious'), (2, 'b', 'too'), (3, 'c', NULL);
SELECT statement FROM repair('nokey', there_rows('nokey')) WHERE statement LIKE 'LOCK%';
\set ECHO none
SELECT statement FROM repair('nokey', there_rows('nokey')) \gexec
\set ECHO all
SELECT * FROM nokey ORDER BY id;
-- without an enforced key here the table is locked, so that two repairs at once add nothing twice
CREATE TABLE there.free (v text);
CREATE TABLE free (v text);
INSERT INTO there.free VALUES ('x');
SELECT statement FROM repair('free', there_rows('free')) WHERE statement LIKE 'LOCK%';
-- a deferrable key, a NOT NULL domain beside an array and a composite, and what types do not take
CREATE DOMAIN nn AS int NOT NULL CHECK (VALUE > 0);
CREATE TYPE pair AS (a text, b int[]);
CREATE TABLE there.odd (id int PRIMARY KEY, d int, l text[], c pair, s text, m text);
CREATE TABLE odd (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, d nn, l text[], c pair, s varchar(3), m name);
INSERT INTO there.odd VALUES (1, 1, ARRAY['a\b', 'it''s', NULL], ROW('x\y', ARRAY[1, NULL]), 'abc', 'n'), (2, 0, NULL, NULL, 'abc', 'n'),
    (3, NULL, NULL, NULL, 'abc', 'n'), (4, 4, NULL, NULL, 'abc   ', 'n'), (5, 5, NULL, NULL, 'abc', repeat('n', 70)), (6, 6, NULL, NULL, '\', 'n');
INSERT INTO odd VALUES (1, 1, '{}', '(,)', 'old', 'n');
SELECT statement FROM repair('odd', there_rows('odd')) WHERE statement LIKE '-- not%';
-- no literal depends on standard_conforming_strings
SELECT count(*) AS backslashes, count(*) FILTER (WHERE strpos(statement, 'E''') > 0) AS escaped
    FROM repair('odd', there_rows('odd')) WHERE strpos(statement, '\') > 0;
\set ECHO none
SELECT statement FROM repair('odd', there_rows('odd')) \gexec
\set ECHO all
SELECT * FROM odd ORDER BY id;
-- the statements run nothing of the session's search path, and no cast
CREATE FUNCTION hijack(int8, numeric) RETURNS numeric LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'hijacked'; END$$;
CREATE OPERATOR - (LEFTARG = int8, RIGHTARG = numeric, FUNCTION = hijack);
CREATE FUNCTION hijack_tid(tid, tid) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'hijacked'; END$$;
CREATE OPERATOR = (LEFTARG = tid, RIGHTARG = tid, FUNCTION = hijack_tid);
CREATE TYPE moody AS (m mood, t text);
CREATE TABLE there.hijacked (c moody, v text);
CREATE TABLE hijacked (c moody, v text);
INSERT INTO there.hijacked VALUES ('(ok,x)', 'a'), ('(ok,x)', 'a'), (NULL, 'b');
INSERT INTO hijacked VALUES ('(sad,x)', 'a'), ('(ok,x)', 'a'), ('(ok,x)', 'b');
CREATE FUNCTION hijack_json(mood) RETURNS json LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'hijacked'; END$$;
CREATE CAST (mood AS json) WITH FUNCTION hijack_json(mood);
SET search_path = here, parity, pg_catalog;
\set ECHO none
SELECT statement FROM repair('hijacked', there_rows('hijacked')) \gexec
\set ECHO all
SET search_path = here, parity;
SELECT status('hijacked');
DROP CAST (mood AS json);

-- keys by hand: keys, hashes, buckets; keys that do not exist any more
SELECT key, change FROM recheck('ints', rows('there.ints', '[1, 2, 1000]'));
DELETE FROM ints WHERE id = 2;
SELECT key, change FROM recheck('ints', rows('there.ints', '[1, 2, 1000]'));
SELECT key, change FROM recheck('ints', rows('there.ints', '[{"key": 2}, {"key_hash": "0000000000000001"}]'));
SELECT jsonb_array_length(rows('there.texts', '["key 1", "key 2", "no key"]')::jsonb -> 'rows') AS rows;
SELECT jsonb_array_length(rows('there.pairs', '[{"name": "name 1", "day": "2024-01-01"}]')::jsonb -> 'rows') AS rows;
SELECT sum(jsonb_array_length(rows('there.ints', jsonb_build_array(jsonb_build_object('bucket', b, 'bits', 2)))::jsonb -> 'rows')) AS all FROM generate_series(0, 3) b;
SELECT key, change FROM recheck('ints', rows('there.ints', '[{"bucket": 0, "bits": 1}, {"bucket": 1, "bits": 1}]'));
SELECT rows('there.ints', '[]')::jsonb -> 'rows' AS none;
SELECT * FROM repair('ints', rows('there.ints', '[]'));

-- misuse
SELECT rows(NULL, '[]');
SELECT rows('ints', NULL);
SELECT rows('ints', '5');
SELECT rows('ints', '{"a": 1}');
SELECT rows('ints', '["x"]');
SELECT rows('ints', '[{"key_hash": "xyz"}]');
SELECT rows('ints', '[{"bucket": 5, "bits": 2}]');
SELECT rows('ints', '[{"bucket": 5, "bits": 77}]');
SELECT rows('ints', '[{"bucket": 1, "bits": 2}, {"bucket": 1, "bits": 3}]');
SELECT rows('pairs', '[{"name": "x"}]');
SELECT rows('pairs', '["x"]');
SELECT rows(0, '[]');
SELECT rows('ints_pkey', '[]');
SELECT regexp_replace(rows('there.ints', '[1, 2]'), '"version":.*?"schema"', '"version":"1","server":"s","time":"t","position":"p","schema"') AS r \gset
SELECT * FROM explain(NULL, :'r');
SELECT * FROM recheck(NULL, :'r');
SELECT * FROM explain('ints', NULL);
SELECT * FROM recheck('ints', NULL);
SELECT * FROM repair('ints', NULL);
SELECT * FROM repair(NULL, NULL);
SELECT * FROM explain('texts', :'r');
SELECT * FROM repair('texts', :'r');
SELECT * FROM explain('ints', bundle('{there.ints}'));
SELECT * FROM explain('ints', '');
SELECT * FROM explain('ints', '{}');
SELECT * FROM explain('ints', left(:'r', -40));
SELECT * FROM explain('ints', replace(:'r', '"p1"', '"p2"'));
SELECT * FROM explain('ints', replace(:'r', '"key":["id"]', '"key":["nope"]'));
SELECT * FROM explain('ints', replace(:'r', '"kind":"int"', '"kind":"integer"'));
SELECT * FROM explain('ints', regexp_replace(:'r', '"keys":\[[^]]*\]', '"keys":[{"key":1}]'));
SELECT * FROM repair('ints', regexp_replace(:'r', '"rows":\[.*?"', '"rows":["AAAA'));
SELECT * FROM repair('ints', regexp_replace(:'r', '"rows":\[.*', '"rows":["!"]}'));
SELECT * FROM repair('ints', regexp_replace(:'r', '"rows":\[.*', '"rows":[5]}'));
-- a table that has changed shape: no repair from other columns
ALTER TABLE ints RENAME n TO other;
SELECT * FROM repair('ints', :'r');
ALTER TABLE ints RENAME other TO n;

-- who may: SELECT on what is printed
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_parity_repair;
RESET client_min_messages;
CREATE ROLE regress_parity_repair;
GRANT USAGE ON SCHEMA here TO regress_parity_repair;
SET ROLE regress_parity_repair;
SELECT rows('ints', '[1]');
SELECT * FROM explain('ints', :'r');
SELECT * FROM recheck('ints', :'r');
SELECT * FROM repair('ints', :'r');
SELECT * FROM repair(NULL, :'r');
RESET ROLE;
GRANT SELECT (id, v) ON ints TO regress_parity_repair;
SET ROLE regress_parity_repair;
SELECT id, v FROM ints WHERE id = 1;
SELECT rows('ints', '[1]');
SELECT * FROM explain('ints', :'r');
SELECT * FROM recheck('ints', :'r');
SELECT * FROM repair('ints', :'r');
RESET ROLE;
GRANT SELECT ON ints TO regress_parity_repair;
SET ROLE regress_parity_repair;
SELECT * FROM recheck('ints', :'r');
-- the statements run with the rights of who runs them
\set ECHO none
SELECT statement FROM repair('ints', :'r') \gexec
\set ECHO all
RESET ROLE;
ALTER TABLE ints ENABLE ROW LEVEL SECURITY;
CREATE POLICY positive ON ints FOR SELECT USING (id > 1);
SET ROLE regress_parity_repair;
SELECT rows('ints', '[1]');
SELECT * FROM explain('ints', :'r');
SELECT * FROM recheck('ints', :'r');
SELECT * FROM repair('ints', :'r');
RESET ROLE;
ALTER TABLE ints DISABLE ROW LEVEL SECURITY;

-- settings and the search path change nothing, neither here nor for the statements
UPDATE kinds SET at = at - interval '1 day', day = '2000-01-01', f8 = 0.1, i = '1 day', tz = '01:02:03+04';
SELECT there_rows('kinds') AS r \gset
SELECT string_agg(statement, E'\n') AS expected FROM repair('kinds', :'r') \gset
SET search_path = pg_catalog;
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German';
SET IntervalStyle = sql_standard;
SET extra_float_digits = -10;
SET bytea_output = escape;
SET standard_conforming_strings = off;
SELECT string_agg(statement, chr(10)) = :'expected' AS same FROM parity.repair('here.kinds', :'r');
\set ECHO none
SELECT statement FROM parity.repair('here.kinds', :'r') \gexec
\set ECHO all
SELECT here.status('kinds');
RESET ALL;
SET client_min_messages = warning;
DROP SCHEMA here, there CASCADE;
DROP ROLE regress_parity_repair;
