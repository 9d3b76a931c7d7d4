-- parity.diff: the rows in which a table differs from the other side's
\set SHOW_CONTEXT never
\pset null -
SET parity.progress = off;
CREATE SCHEMA there;
CREATE SCHEMA here;
SET search_path = here, parity;
CREATE TABLE there.ints (id int PRIMARY KEY, v text, n numeric);
CREATE TABLE there.texts (k text PRIMARY KEY, v int);
CREATE TABLE there.uuids (u uuid PRIMARY KEY, v int);
CREATE TABLE there.pairs (name text, day date, v int, PRIMARY KEY (name, day));
CREATE TABLE there.loose (a int, b text);
CREATE TABLE there.same (id int PRIMARY KEY);
CREATE TABLE there.empty (id int PRIMARY KEY, v text);
CREATE TABLE there."OrderLine" ("OrderId" bigint, "Line" smallint, "Text" text, PRIMARY KEY ("OrderId", "Line"));
INSERT INTO there.ints SELECT i, 'row ' || i, i / 4.0 FROM generate_series(-100, 2000) i;
INSERT INTO there.texts SELECT 'key ' || i, i FROM generate_series(1, 300) i;
INSERT INTO there.uuids SELECT md5(i::text)::uuid, i FROM generate_series(1, 300) i;
INSERT INTO there.pairs SELECT 'name ' || i % 7, '2024-01-01'::date + i / 7, i FROM generate_series(0, 300) i;
INSERT INTO there.loose SELECT i % 20, 'text ' || i % 3 FROM generate_series(1, 300) i;
INSERT INTO there.same SELECT generate_series(1, 100);
INSERT INTO there."OrderLine" SELECT i / 3, i % 3, 'line ' || i FROM generate_series(1, 50) i;
CREATE TABLE ints (LIKE there.ints INCLUDING ALL);
CREATE TABLE texts (LIKE there.texts INCLUDING ALL);
CREATE TABLE uuids (LIKE there.uuids INCLUDING ALL);
CREATE TABLE pairs (LIKE there.pairs INCLUDING ALL);
CREATE TABLE loose (LIKE there.loose INCLUDING ALL);
CREATE TABLE same (LIKE there.same INCLUDING ALL);
CREATE TABLE empty (LIKE there.empty INCLUDING ALL);
CREATE TABLE order_line (order_id bigint, line smallint, text text, PRIMARY KEY (order_id, line));
INSERT INTO ints TABLE there.ints;
INSERT INTO texts TABLE there.texts;
INSERT INTO uuids TABLE there.uuids;
INSERT INTO pairs TABLE there.pairs;
INSERT INTO loose TABLE there.loose;
INSERT INTO same TABLE there.same;
INSERT INTO order_line TABLE there."OrderLine";
SELECT count(*) AS tables, count(*) FILTER (WHERE status = 'match') AS match FROM verify(bundle(schema => 'there'), '{"schema": "here"}');
SELECT count(*) AS none FROM diff('ints', bundle(schema => 'there'));

-- damage
UPDATE ints SET v = 'changed' WHERE id IN (-100, 0, 1500);
UPDATE ints SET n = n + 0.0001 WHERE id = 7;
DELETE FROM ints WHERE id IN (-1, 2000);
INSERT INTO ints VALUES (-9000, 'new', NULL), (3000, 'new', NULL);
UPDATE texts SET v = -v WHERE k = 'key 17';
DELETE FROM texts WHERE k = 'key 18';
INSERT INTO texts VALUES (E'"quoted"\\ \t é', NULL), ('', 0);
UPDATE uuids SET v = -v WHERE u = md5('17')::uuid;
DELETE FROM uuids WHERE u = md5('18')::uuid;
INSERT INTO uuids VALUES ('00000000-0000-0000-0000-000000000000', 0);
UPDATE pairs SET v = NULL WHERE name = 'name 3' AND day = '2024-01-05';
DELETE FROM pairs WHERE name = 'name 0' AND day = '2024-01-01';
INSERT INTO pairs VALUES ('name 8', 'infinity', 1);
UPDATE loose SET b = 'changed' WHERE a = 3 AND b = 'text 0';
INSERT INTO loose VALUES (NULL, NULL), (NULL, NULL);
DELETE FROM loose WHERE a = 5;
INSERT INTO empty VALUES (1, 'x');
UPDATE order_line SET text = 'changed' WHERE order_id = 5 AND line = 1;
-- what changes from run to run is replaced
SELECT bundle(schema => 'there') AS b \gset
SELECT regexp_replace(:'b', '"version":.*?"schema":"there","tables"', '"version":"1","server":"s","time":"t","position":"p","schema":"there","tables"') AS b \gset
SELECT bundle(schema => 'here') AS back \gset
SELECT table_name, status, differing, detail FROM verify(:'b', '{"schema": "here"}');
SELECT * FROM diff('ints', :'b');
SELECT key, change, complete, rows, detail FROM diff('texts', :'b') ORDER BY change, key;
SELECT key, change, complete, rows, detail FROM diff('uuids', :'b') ORDER BY change, key;
SELECT key, change, complete, rows, detail FROM diff('pairs', :'b') ORDER BY change, key;
SELECT key, change, complete, rows, detail FROM diff('loose', :'b') ORDER BY change, key, rows;
SELECT * FROM diff('same', :'b');
SELECT * FROM diff('empty', :'b');
SELECT key, change, complete, rows, detail FROM diff('order_line', :'b');
-- what only the other side can name has the hash of its key
SELECT key_hash = right(row_hash('key 18'::text)::text, 16) AS hash FROM diff('texts', :'b') WHERE key IS NULL;
SELECT key_hash = right(row_hash(date '2024-01-01', 'name 0'::text)::text, 16) AS hash FROM diff('pairs', :'b') WHERE key IS NULL;
-- the other direction
SELECT * FROM diff('there.ints', :'back');
SELECT key, change, complete, rows, detail FROM diff('there.texts', :'back') ORDER BY change, key;
SELECT key, change, complete, rows, detail FROM diff('there.loose', :'back') ORDER BY change, key, rows;
SELECT * FROM diff('there.empty', :'back');
SELECT key, change, complete, rows, detail FROM diff('there."OrderLine"', :'back');

-- it is as many rows as verify counts, and the real difference
SELECT v.table_name, differing = (SELECT count(*) FROM diff(v.table_name::regclass, :'b')) AS equal FROM verify(:'b', '{"schema": "here"}') v WHERE status = 'differ' ORDER BY 1;
SELECT count(*) AS wrong FROM (SELECT (key #>> '{}')::int AS id, change FROM diff('ints', :'b')) d FULL JOIN
    (SELECT id, CASE WHEN t.v IS NULL THEN 'only local' WHEN h.v IS NULL THEN 'only remote' ELSE 'changed' END AS change
     FROM ints h FULL JOIN there.ints t USING (id) WHERE h IS DISTINCT FROM t) x USING (id, change) WHERE d IS NULL OR x IS NULL;

-- the bundle decides the number of cells; both sides need not agree
SELECT count(*), bool_and(complete) AS complete FROM diff('ints', bundle('{there.ints}', 64));
SELECT count(*), bool_and(complete) AS complete FROM diff('ints', bundle('{there.ints}', 8192));
-- more than it holds: what can be read is genuine, and the last row says what is missing
CREATE TABLE many (LIKE there.ints INCLUDING ALL);
INSERT INTO many SELECT id, v, CASE WHEN id % 3 = 0 THEN n + 1 ELSE n END FROM there.ints;
CREATE TABLE there.many AS TABLE there.ints;
ALTER TABLE there.many ADD PRIMARY KEY (id);
SELECT bundle('{there.many}', 16) AS few \gset
SELECT bundle('{there.many}', 512) AS some \gset
SELECT * FROM diff('many', :'few');
SELECT status, differing, detail FROM verify(:'few', '{"schema": "here"}');
SELECT count(*) BETWEEN 1 AND 700 AS some, count(*) FILTER (WHERE key IS NULL) AS last, bool_or(complete) AS complete,
    bool_and((key #>> '{}')::int % 3 = 0 AND change = 'changed') AS genuine, count(DISTINCT detail) AS details FROM diff('many', :'some');
SELECT (regexp_match(detail, 'cells => (\d+)'))[1]::int AS ask FROM diff('many', :'some') LIMIT 1 \gset
SELECT count(*), bool_and(complete) AS complete FROM diff('many', bundle('{there.many}', :ask));

-- columns of other names and types, excluded ones, generated ones
CREATE TABLE there.cols (id int PRIMARY KEY, a numeric(10, 2), at timestamptz, made int GENERATED ALWAYS AS (id + 1) STORED, extra text);
INSERT INTO there.cols SELECT i, i / 3.0, '2024-01-01 00:00Z'::timestamptz + i * interval '1 hour' FROM generate_series(1, 20) i;
CREATE TABLE cols ("ID" bigint PRIMARY KEY, "A" numeric, at timestamptz);
INSERT INTO cols SELECT id, a, at FROM there.cols;
UPDATE cols SET at = at + interval '2 hours' WHERE "ID" = 4;
SELECT * FROM diff('cols', bundle('{there.cols}'));
SELECT set_spec('there.cols', '{"exclude": ["extra"]}');
SELECT key, change FROM diff('cols', bundle('{there.cols}'));
SELECT set_spec('cols', '{"exclude": ["A"]}');
SELECT key, change FROM diff('cols', bundle('{there.cols}'));
SELECT set_spec('cols', NULL);
SELECT set_spec('there.cols', NULL);
-- a key is what the bundle says
CREATE TABLE there.keys (a int PRIMARY KEY, b int UNIQUE);
CREATE TABLE keys (a int, b int PRIMARY KEY);
INSERT INTO there.keys SELECT i, i * 10 FROM generate_series(1, 9) i;
INSERT INTO keys SELECT a, CASE WHEN a = 4 THEN 41 ELSE b END FROM there.keys;
SELECT key, change, rows FROM diff('keys', bundle('{there.keys}'));
SELECT key, change, rows FROM diff('there.keys', bundle('{keys}'));
-- keys that jsonb cannot hold go by their hash
CREATE TABLE there.odd (j json, f float8);
CREATE TABLE odd (j json, f float8);
INSERT INTO odd VALUES ('["\u0000"]', 1), ('["\ud800"]', 2), ('{"n": 1e-20000}', 3), ('"a string"', 4), ('["\\u0000"]', 'NaN'), ('[1e40, "\""]', '-infinity'), (NULL, 1e-10);
SELECT key, change, rows, key_hash IS NOT NULL AS hash FROM diff('odd', bundle('{there.odd}')) ORDER BY key;
-- a partitioned table, a view
CREATE TABLE there.parted (id int PRIMARY KEY, v text);
CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (50);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (50) TO (100);
INSERT INTO there.parted SELECT i, 'x' FROM generate_series(1, 99) i;
INSERT INTO parted SELECT i, CASE WHEN i = 70 THEN 'y' ELSE 'x' END FROM generate_series(2, 99) i;
SELECT key, change FROM diff('parted', bundle('{there.parted}'));
CREATE VIEW seen AS SELECT id, v FROM parted WHERE id < 72;
CREATE VIEW there.seen AS SELECT id, v FROM there.parted WHERE id < 72;
SELECT key, change FROM diff('seen', bundle('{there.seen}')) ORDER BY key NULLS LAST;

-- misuse
SELECT * FROM diff(NULL, :'b');
SELECT * FROM diff('ints', NULL);
SELECT * FROM diff('many', :'b');
SELECT * FROM diff('ints', bundle('{there.ints}', 0));
SELECT * FROM diff('nope', bundle('{there.ints}'));
SELECT * FROM diff('ints_pkey', :'b');
SELECT * FROM diff(0, :'b');
SELECT * FROM diff('ints', '');
SELECT * FROM diff('ints', '{}');
SELECT * FROM diff('ints', left(:'b', 5000));
SELECT * FROM diff('ints', replace(:'b', '{"parity":"p1"', '{"parity":"p2"'));
-- a sketch that is not of the table's rows, or is none
SELECT regexp_replace(:'back', '.*("table":"ints".*?"sketch":)"([^"]*)".*', '\2') AS other \gset
SELECT * FROM diff('ints', regexp_replace(:'b', '("table":"ints".*?"sketch":)"[^"]*"', '\1"' || :'other' || '"'));
SELECT * FROM diff('ints', regexp_replace(:'b', '("table":"ints".*?"sketch":)"[^"]*"', '\1""'));
SELECT * FROM diff('ints', regexp_replace(:'b', '("table":"ints".*?"sketch":)"[^"]*"', '\1"!"'));
SELECT * FROM diff('ints', regexp_replace(:'b', '("table":"ints".*?"sketch":)"[^"]*"', '\17'));
SELECT * FROM diff('ints', regexp_replace(:'b', '("table":"ints".*?"sketch":)"AQ', '\1"AA'));
SELECT * FROM diff('ints', regexp_replace(:'b', '("table":"ints".*?"sketch":)"..', '\1"Ag'));
-- planted cells: the sums are right, the places are not
SELECT regexp_replace(bundle('{there.ints}', 256), '.*"sketch":"([^"]*)".*', '\1') AS sketch \gset
SELECT encode(substring(w FROM 1 FOR at) || substring(w FROM at + 37 FOR 36) || substring(w FROM at + 1 FOR 36) || substring(w FROM at + 73), 'base64') AS planted
    FROM (SELECT w, length(w) - 256 * 36 AS at FROM (SELECT sketch_send(:'sketch') AS w) x) y \gset
SELECT count(*) > 0 AS said, bool_or(complete) AS complete, bool_and(key IS NULL OR (key #>> '{}')::int IN (-9000, -100, -1, 0, 7, 1500, 2000, 3000)) AS genuine
    FROM diff('ints', replace(bundle('{there.ints}', 256), :'sketch', replace(:'planted', E'\n', '')));

-- who may: SELECT on all columns that are read, and rows that a policy would hide are an error
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_parity_diff;
RESET client_min_messages;
CREATE ROLE regress_parity_diff;
GRANT USAGE ON SCHEMA here TO regress_parity_diff;
SET ROLE regress_parity_diff;
SELECT * FROM diff('ints', :'b');
SELECT * FROM diff('texts', :'b');
RESET ROLE;
GRANT SELECT (id, v) ON ints TO regress_parity_diff;
GRANT SELECT (k) ON texts TO regress_parity_diff;
SET ROLE regress_parity_diff;
SELECT * FROM diff('ints', :'b');
SELECT * FROM diff('texts', :'b');
RESET ROLE;
GRANT SELECT ON ints, texts TO regress_parity_diff;
SET ROLE regress_parity_diff;
SELECT count(*) FROM diff('ints', :'b');
SELECT count(key) FROM diff('texts', :'b');
RESET ROLE;
ALTER TABLE ints ENABLE ROW LEVEL SECURITY;
CREATE POLICY positive ON ints FOR SELECT USING (id > 0);
SET ROLE regress_parity_diff;
SELECT count(*) FROM ints WHERE id < 0;
SELECT count(*) FROM diff('ints', :'b');
RESET ROLE;
SELECT count(*) FROM diff('ints', :'b');

-- settings and the search path change nothing; a table of a hostile name is a name
SET search_path = there;
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German';
SET extra_float_digits = -10;
SELECT key, change FROM parity.diff('here.pairs', :'b') ORDER BY change, key;
RESET TimeZone;
RESET DateStyle;
RESET extra_float_digits;
SET search_path = here, parity;
CREATE TABLE there."x""; -- ' é" ("k"",""" text PRIMARY KEY, "$1" int);
CREATE TABLE "x""; -- ' é" ("k"",""" text PRIMARY KEY, "$1" int);
INSERT INTO "x""; -- ' é" VALUES ('a', 1), ('b', 2);
INSERT INTO there."x""; -- ' é" VALUES ('a', 1), ('b', 3);
SELECT key, change FROM diff('"x""; -- '' é"', bundle('{"there.\"x\"\"; -- '' é\""}'));
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA here, there CASCADE;
DROP ROLE regress_parity_diff;
