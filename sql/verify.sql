-- parity.verify, assert_match and adopt, PostgreSQL against PostgreSQL
\set SHOW_CONTEXT never
\pset null -
CREATE SCHEMA there;
CREATE SCHEMA here;
SET search_path = here, parity;
CREATE TABLE there."Task" ("Id" int PRIMARY KEY, "DueAt" timestamptz, "Price" numeric(10, 4), "Title" text);
INSERT INTO there."Task" SELECT i, '2024-01-01 00:00Z'::timestamptz + i * interval '1 day', i * 1.25, 'task ' || i FROM generate_series(1, 50) i;
CREATE TABLE there.same (a int PRIMARY KEY, b text);
INSERT INTO there.same VALUES (1, 'x'), (2, NULL);
CREATE TABLE there.keyless (a int, b text);
INSERT INTO there.keyless VALUES (1, 'x'), (1, 'x'), (2, 'y');
CREATE TABLE there.gone (a int PRIMARY KEY);
INSERT INTO there.gone VALUES (1), (2), (3);
CREATE TABLE there.rounding (id int PRIMARY KEY, place float8, price numeric, at timestamp, note text);
INSERT INTO there.rounding VALUES (1, 40.070985, 12.345, '2024-01-01 00:00:00.123456', 'a'), (2, 1.5, 2.5, '2024-01-01', 'b');
CREATE TABLE there.typed (id int PRIMARY KEY, u text, ok bool);
INSERT INTO there.typed VALUES (1, '0F8FAD5B-D9CB-469F-A165-70867728950E', true);
CREATE TABLE there.view_here (x int);
INSERT INTO there.view_here VALUES (7);

CREATE TABLE here.task (id bigint PRIMARY KEY, title varchar(100), due_at timestamptz, price numeric);
INSERT INTO here.task SELECT "Id", "Title", "DueAt", "Price" FROM there."Task";
CREATE TABLE here.same (LIKE there.same INCLUDING ALL);
INSERT INTO here.same TABLE there.same;
CREATE TABLE here.keyless (LIKE there.keyless);
INSERT INTO here.keyless TABLE there.keyless;
CREATE TABLE here.extra (a int PRIMARY KEY, b int);
INSERT INTO here.extra VALUES (1, 1), (2, 2);
CREATE TABLE here.rounding (id int PRIMARY KEY, place float8, price numeric, at timestamp, note text);
INSERT INTO here.rounding TABLE there.rounding;
CREATE TABLE here.typed (LIKE there.typed INCLUDING ALL);
INSERT INTO here.typed TABLE there.typed;
CREATE VIEW here.view_here AS SELECT 7 AS x;
SELECT parity.bundle(schema => 'there') AS b \gset

-- names fit without case and underscores; the tables that are not on both sides are named
SELECT * FROM parity.verify(:'b', '{"schema": "here"}');
SET parity.progress = off;
-- a view is compared when the mapping names it
SELECT * FROM parity.verify(:'b', '{"schema": "here", "view_here": "view_here", "gone": "extra", "gone.a": "a"}') WHERE remote_name IN ('view_here', 'gone');
-- a bundle of named tables says nothing about others
SELECT table_name, status FROM parity.verify(parity.bundle('{there.same}'), '{"schema": "here"}');

-- what differs is named
UPDATE here.task SET title = 'changed' WHERE id = 7;
UPDATE here.task SET price = price + 0.0001, due_at = due_at + interval '1 microsecond' WHERE id = 8;
UPDATE here.keyless SET b = 'z' WHERE a = 2;
DELETE FROM here.same WHERE a = 2;
SELECT * FROM parity.verify(:'b', '{"schema": "here"}') WHERE remote_name IN ('Task', 'same', 'keyless');
INSERT INTO here.same VALUES (3, NULL);
SELECT * FROM parity.verify(:'b', '{"schema": "here"}') WHERE remote_name = 'same';
UPDATE here.same SET a = 2 WHERE a = 3;
SELECT * FROM parity.verify(:'b', '{"schema": "here"}') WHERE remote_name = 'same';
-- two values that changed places
CREATE TABLE there.swap (id int PRIMARY KEY, a text, b text);
INSERT INTO there.swap VALUES (1, 'x', 'p'), (2, 'y', 'q');
CREATE TABLE here.swap (LIKE there.swap INCLUDING ALL);
INSERT INTO here.swap VALUES (1, 'y', 'p'), (2, 'x', 'q');
SELECT status, columns, detail FROM parity.verify(parity.bundle('{there.swap}'), '{"schema": "here"}');
-- and in a table without a key
CREATE TABLE there.loose AS TABLE there.swap;
CREATE TABLE here.loose AS TABLE here.swap;
SELECT status, columns, detail FROM parity.verify(parity.bundle('{there.loose}'), '{"schema": "here"}');

-- rounding to this side's types is never a match
CREATE SCHEMA lossy;
CREATE TABLE lossy.rounding (id int PRIMARY KEY, place real, price numeric(10, 2), at timestamp(3), note text);
INSERT INTO lossy.rounding SELECT * FROM there.rounding;
SELECT parity.bundle(schema => 'lossy') AS lossy \gset
SELECT * FROM parity.verify(:'lossy', '{"schema": "there"}') WHERE remote_name = 'rounding';
SELECT parity.assert_match(parity.bundle('{lossy.rounding}'), '{"schema": "there"}');
SELECT parity.assert_match(parity.bundle('{lossy.rounding}'), '{"schema": "there", "accept": "rounded"}');
SELECT * FROM parity.verify(:'b', '{"schema": "lossy"}') WHERE remote_name = 'rounding';
UPDATE lossy.rounding SET note = 'c' WHERE id = 2;
SELECT status, columns, detail FROM parity.verify(parity.bundle('{lossy.rounding}'), '{"schema": "there"}');

-- a type of its own here, text there: the digests cannot tell
CREATE SCHEMA typed;
CREATE TABLE typed.typed (id int PRIMARY KEY, u uuid, ok bool);
INSERT INTO typed.typed SELECT id, u::uuid, ok FROM there.typed;
SELECT status, columns, detail FROM parity.verify(parity.bundle('{there.typed}'), '{"schema": "typed"}');
SELECT status, columns, detail FROM parity.verify(parity.bundle('{typed.typed}'), '{"schema": "there"}');
-- adopt makes this side read as the other does, so that its own bundle compares from then on
SELECT * FROM parity.adopt(parity.bundle('{typed.typed}'), '{"schema": "there"}');
SELECT status, columns, detail FROM parity.verify(parity.bundle('{there.typed}'), '{"schema": "typed"}');
SELECT parity.checksum('there.typed') = parity.checksum('typed.typed') AS equal;
SELECT parity.set_spec('there.typed', NULL);
SELECT table_name, overrides FROM parity.adopt(:'b', '{"schema": "here"}') ORDER BY table_name;
SELECT parity.checksum('here.rounding') = parity.checksum('there.rounding') AS equal;
SELECT count(*) FROM parity.override;
DO $$BEGIN PERFORM parity.set_spec(rel, NULL) FROM parity.override; END$$;

-- columns on one side only
CREATE TABLE there.cols (id int PRIMARY KEY, a text, only_there int);
CREATE TABLE here.cols (id int PRIMARY KEY, a text, only_here int, made int GENERATED ALWAYS AS (id) STORED);
INSERT INTO there.cols VALUES (1, 'x', 1);
INSERT INTO here.cols VALUES (1, 'x', 1);
SELECT parity.bundle('{there.cols}') AS cols \gset
SELECT * FROM parity.verify(:'cols', '{"schema": "here"}');
SELECT status, columns, detail FROM parity.verify(:'cols', '{"schema": "here", "exclude": ["cols.only_there", "cols.only_here"]}');
SELECT status, columns, detail FROM parity.verify(:'cols', '{"schema": "here", "cols.only_there": "only_here"}');
UPDATE here.cols SET a = 'y';
SELECT status, columns, detail FROM parity.verify(:'cols', '{"schema": "here", "exclude": ["cols.only_there", "cols.only_here"]}');

-- assert_match
SELECT parity.assert_match(parity.bundle('{there.same,there.rounding}'), '{"schema": "here"}');
SELECT parity.assert_match(:'b', '{"schema": "here"}');
SELECT parity.assert_match(parity.bundle('{}'), '{"schema": "here"}');

-- mappings that are wrong
SELECT * FROM parity.verify(:'b', '{"schema": "nowhere"}');
SELECT * FROM parity.verify(:'b', '{"schema": "here", "nope": "task"}');
SELECT * FROM parity.verify(:'b', '{"schema": "here", "gone": "nope"}');
SELECT * FROM parity.verify(:'b', '{"schema": "here", "Task.Title": "nope"}');
SELECT * FROM parity.verify(:'b', '{"schema": "here", "Task.nope": "title"}');
SELECT * FROM parity.verify(:'b', '{"schema": "here", "gone": "extra", "same": "extra"}');
SELECT * FROM parity.verify(:'b', '{"schema": "here", "exclude": ["Task.nope"]}');
SELECT * FROM parity.verify(:'b', '{"schema": "here", "exclude": "Task.Title"}');
SELECT * FROM parity.verify(:'b', '{"schema": "here", "accept": "differ"}');
SELECT * FROM parity.verify(:'b', '{"schema": 5}');
SELECT * FROM parity.verify(:'b', '[]');
-- bundles that are wrong
SELECT regexp_replace(:'b', '"version":.*"schema":"there","tables"', '"version":"1","server":"s","time":"t","position":"p","schema":"there","tables"') AS b \gset
SELECT * FROM parity.verify(NULL);
SELECT parity.assert_match(NULL);
SELECT * FROM parity.adopt(NULL);
SELECT * FROM parity.verify('');
SELECT * FROM parity.verify('no JSON');
SELECT * FROM parity.verify('5');
SELECT * FROM parity.verify('{}');
SELECT * FROM parity.verify('{"tables": []}');
SELECT * FROM parity.verify(left(:'b', 1000));
SELECT count(*) FROM parity.verify(:'b' || ' ', '{"schema": "here"}');
SELECT * FROM parity.verify(:'b' || 'x');
SELECT * FROM parity.verify(replace(:'b', '{"parity":"p1"', '{"parity":"p2"'));
SELECT * FROM parity.verify(replace(:'b', '"digest":"p1-', '"digest":"p9-'));
SELECT * FROM parity.verify(regexp_replace(:'b', '"digest":"p1-[0-9]+-', '"digest":"p1-99999999999999999999-'));
SELECT * FROM parity.verify(regexp_replace(:'b', '"digest":"p1-([0-9]+)-.', '"digest":"p1-\1-f'));
SELECT * FROM parity.verify(regexp_replace(:'b', '"digest":"p1-[0-9]+-', '"digest":"p1--1-'));
SELECT * FROM parity.verify(regexp_replace(:'b', '"digest":"p1-[^"]*"', '"digest":5'));
SELECT * FROM parity.verify(replace(:'b', '"kind":"float8"', '"kind":"float9"'));
SELECT * FROM parity.verify(replace(:'b', '"key":["Id"]', '"key":["id"]'));
SELECT * FROM parity.verify(replace(:'b', '"nulls":1', '"nulls":-1'));
SELECT * FROM parity.verify(replace(:'b', '"nulls":1', '"nulls":1e300'));
SELECT * FROM parity.verify(repeat('[', 100000));
SELECT * FROM parity.verify(repeat('{"a":', 100000));
SELECT * FROM parity.verify('{"parity":"p1","tables":' || repeat('[', 100000) || repeat(']', 100000) || '}');
SELECT * FROM parity.verify('{"parity":"p1","engine":"sqlite","version":"1","server":"","time":"","position":"","schema":"","tables":[{"table":"same","columns":[{"name":"a","kind":"int","digest":"p1-18446744073709551615-00000000000000000000000000000000"}],"key":["a"],"digest":"p1-18446744073709551615-00000000000000000000000000000000","keys":"p1-18446744073709551615-00000000000000000000000000000000"}]}', '{"schema": "here"}');
SELECT * FROM parity.adopt(left(:'b', 1000));
SELECT count(*) FROM parity.override;

-- rows one by one: a caller that has seen enough stops
SELECT (parity.verify(:'b', '{"schema": "here"}')).status LIMIT 2;
BEGIN;
DECLARE c CURSOR FOR SELECT (v).table_name, (v).status FROM (SELECT parity.verify(:'b', '{"schema": "here"}') AS v OFFSET 0) x;
SET LOCAL parity.progress = on;
FETCH 1 FROM c;
FETCH 1 FROM c;
CLOSE c;
ROLLBACK;
-- cancelled
CREATE VIEW here.endless AS SELECT i AS a FROM generate_series(1, 100000000000) i;
SET statement_timeout = 300;
SELECT * FROM parity.verify(parity.bundle('{there.gone}'), '{"schema": "here", "gone": "endless"}');
RESET statement_timeout;
-- settings and the search path change nothing
SET search_path = there;
SET TimeZone = 'Asia/Kathmandu';
SET extra_float_digits = -10;
SELECT status FROM parity.verify(:'b', '{"schema": "there"}') WHERE status <> 'only local';
SET client_min_messages = warning;
DROP SCHEMA here, there, lossy, typed CASCADE;
