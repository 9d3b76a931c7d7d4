-- the type parity.sketch, its arithmetic and its aggregates
\set SHOW_CONTEXT never
\pset null -
CREATE SCHEMA sketch;
SET search_path = sketch, parity;
CREATE TABLE t (id int PRIMARY KEY, name text, price numeric) WITH (parallel_workers = 2);
INSERT INTO t SELECT i, 'name ' || i, i / 8.0 FROM generate_series(1, 5000) i;
ANALYZE t;

-- few rows are written one by one: the key, and the hash of the whole row
SELECT key_hash, rows, encode(residue, 'hex') = (SELECT right(digest_agg(u)::text, 32) FROM t u WHERE u.id = t.id) AS is_row_hash, complete
    FROM sketch_decode((SELECT sketch_agg(16, 1, t) FROM t WHERE id <= 3)) d JOIN t ON id = ('x' || key_hash)::bit(64)::bigint ORDER BY 1;
-- an integer is its own key, also a negative one; other keys and several columns go by their hash
SELECT key_hash FROM sketch_decode((SELECT sketch_agg(16, 1, v) FROM (VALUES (-1), (0), (5)) x(v)));
SELECT key_hash = right(row_hash('a'::text)::text, 16) AS text_key FROM sketch_decode((SELECT sketch_agg(16, 1, 'a'::text, 5)));
SELECT key_hash = right(row_hash(1, 2)::text, 16) AS two_columns FROM sketch_decode((SELECT sketch_agg(16, 2, 1, 2, 3)));
SELECT key_hash = right(row_hash(1.5)::text, 16) AS decimal_key FROM sketch_decode((SELECT sketch_agg(16, 1, 1.5, 3)));
SELECT key_hash FROM sketch_decode((SELECT sketch_agg(16, 1, 7.00, 3)));
SELECT key_hash = right(row_hash(NULL::int)::text, 16) AS null_key FROM sketch_decode((SELECT sketch_agg(16, 1, NULL::int, 3)));
-- without a key a row is its own
SELECT key_hash = right(row_hash(1, 2, 3)::text, 16) AS own FROM sketch_decode((SELECT sketch_agg(16, 0, 1, 2, 3)));
-- equal rows are counted, and nothing else cancels
SELECT rows, count(*), bool_and(complete) AS complete FROM sketch_decode((SELECT sketch_agg(64, 0, i % 3) FROM generate_series(1, 9) i)) GROUP BY rows;
SELECT rows, complete FROM sketch_decode((SELECT sketch_agg(64, 1, 5, i) FROM generate_series(1, 4) i));

-- the number of cells
SELECT sketch_cells(sketch_agg(NULL, 1, t)), sketch_cells(sketch_agg(1, 1, t)), sketch_cells(sketch_agg(17, 1, t)), sketch_cells(sketch_agg(4096, 1, t)) FROM t;
SELECT sketch_cells(sketch_agg(1048576, 1, t)) FROM t WHERE id = 1;
SELECT length(sketch_send(sketch_agg(16, 1, t))) AS bytes, length(sketch_agg(16, 1, t)::text) AS text FROM t;
SELECT id <= 10 AS few, length(sketch_send(sketch_agg(1024, 1, t))) AS bytes FROM t WHERE id <= 710 GROUP BY id <= 10 ORDER BY 2;
-- of no rows: an empty sketch, which fits any size
SELECT sketch_agg(64, 1, t) AS empty FROM t WHERE false \gset
SELECT :'empty'::sketch, count(*) AS decoded FROM sketch_decode(:'empty');
SELECT sketch_agg(4096, 1, t) + :'empty' = sketch_agg(4096, 1, t) AS neutral, sketch_agg(16, 1, t) - :'empty' = sketch_agg(16, 1, t) AS neutral FROM t;
SELECT sum(s) = :'empty' AS nothing, sketch_estimate(sum(s)) FROM (SELECT NULL::sketch AS s) x;
SELECT sum(s) = (SELECT sketch_agg(4096, 1, t) FROM t) AS neutral
    FROM (SELECT :'empty'::sketch AS s UNION ALL SELECT sketch_agg(4096, 1, t) FROM t UNION ALL SELECT :'empty' UNION ALL SELECT NULL) x;

-- misuse
SELECT sketch_agg(0, 1, t) FROM t;
SELECT sketch_agg(-5, 1, t) FROM t;
SELECT sketch_agg(1048577, 1, t) FROM t;
SELECT sketch_agg(16, NULL, t) FROM t;
SELECT sketch_agg(16, -1, t) FROM t;
SELECT sketch_agg(16, 4, t) FROM t;
SELECT sketch_agg(16, 2, id) FROM t;
SELECT sketch_agg(id, 1, t) FROM t;
SELECT sketch_agg(CASE WHEN id > 9 THEN 16 END, 1, t) FROM t;
SELECT sketch_agg(16, id % 2, t) FROM t;
SELECT sketch_agg(16, 1, VARIADIC ARRAY[1, 2]);
SELECT sketch_accum(NULL, 16, 1, 5);
SELECT sketch_accum_inv(NULL, 16, 1, 5);
SELECT sketch_sum_accum(NULL, :'empty');
SELECT sketch_merge('\x00', '\x00');
SELECT sketch_final('\x00');
CREATE FUNCTION forge(bytea, bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $2';
CREATE AGGREGATE forged(bytea) (SFUNC = forge, STYPE = bytea, FINALFUNC = sketch_final);
SELECT forged('\x00') IS NULL;
SELECT forged(decode(repeat('00', 9000), 'hex')) IS NULL;
SELECT forged(decode(repeat('ff', 9000), 'hex')) IS NULL;
CREATE AGGREGATE forged_sum(sketch) (SFUNC = sketch_sum_accum, STYPE = bytea, FINALFUNC = sketch_final, INITCOND = '\x0102030405');
SELECT forged_sum(:'empty');

-- the order of rows does not matter, nor how they are divided
SELECT sketch_agg(256, 1, t ORDER BY id) = sketch_agg(256, 1, t ORDER BY md5(name)) AS equal, sketch_agg(256, 1, t) = sketch_agg(256, 1, id, name, price) AS same_columns FROM t;
SELECT sum(s) = (SELECT sketch_agg(256, 1, t) FROM t) AS merged FROM (SELECT sketch_agg(256, 1, t) AS s FROM t GROUP BY id % 7) x;
SELECT sum(s) = (SELECT sketch_agg(1024, 1, t) FROM t) AS merged FROM (SELECT sketch_agg(1024, 1, t) AS s FROM t GROUP BY id % 100) x;
SELECT a + b + c = w AND c + (b + a) = w AND w - b - c = a AS equal FROM (SELECT sketch_agg(128, 1, t) FILTER (WHERE id < 1000) AS a,
    sketch_agg(128, 1, t) FILTER (WHERE id BETWEEN 1000 AND 1004) AS b, sketch_agg(128, 1, t) FILTER (WHERE id > 1004) AS c, sketch_agg(128, 1, t) AS w FROM t) x;
-- sketches of several sizes: the smaller one
SELECT big + small = half AS equal, small + big = half AS equal, sketch_cells(big - small) AS cells FROM (SELECT sketch_agg(4096, 1, t) FILTER (WHERE id % 2 = 0) AS big,
    sketch_agg(256, 1, t) FILTER (WHERE id % 2 = 1) AS small, sketch_agg(256, 1, t) AS half FROM t) x;
WITH shards AS (SELECT sketch_agg(256, 1, t) AS s FROM t WHERE id % 3 = 0 UNION ALL SELECT sketch_agg(2048, 1, t) FROM t WHERE id % 3 = 1
                UNION ALL SELECT sketch_agg(512, 1, t) FROM t WHERE id % 3 = 2)
SELECT sum(s ORDER BY sketch_cells(s)) = (SELECT sketch_agg(256, 1, t) FROM t) AS equal,
    sum(s ORDER BY sketch_cells(s) DESC) = (SELECT sketch_agg(256, 1, t) FROM t) AS equal FROM shards;
-- over moving windows
SELECT count(*), bool_and(moving = direct) AS equal FROM (SELECT sketch_agg(64, 1, id, name) OVER (ORDER BY id ROWS BETWEEN 20 PRECEDING AND 5 PRECEDING) AS moving,
    (SELECT sketch_agg(64, 1, u.id, u.name) FROM t u WHERE u.id BETWEEN t.id - 20 AND t.id - 5) AS direct FROM t WHERE id <= 60) x WHERE sketch_cells(direct) = 64;
SELECT id, count(*) FROM (SELECT id, (sketch_decode(sum(s) OVER (ORDER BY id))).* FROM (SELECT id, sketch_agg(64, 1, id) AS s FROM t WHERE id <= 4 GROUP BY id) x) y GROUP BY id ORDER BY id;

-- what differs is read back: changed, only in the first, only in the second
CREATE TABLE u AS TABLE t;
UPDATE u SET name = 'changed' WHERE id IN (7, 4000);
DELETE FROM u WHERE id IN (8, 9, 5000);
INSERT INTO u VALUES (-3, 'new', NULL);
SELECT sketch_agg(64, 1, t) AS t FROM t \gset
SELECT sketch_agg(64, 1, u) AS u FROM u \gset
SELECT ('x' || key_hash)::bit(64)::bigint AS id, rows, complete FROM sketch_decode(:'t'::sketch - :'u'::sketch) ORDER BY 1;
SELECT ('x' || key_hash)::bit(64)::bigint AS id, rows, complete FROM sketch_decode(:'u'::sketch - :'t'::sketch) ORDER BY 1;
SELECT sketch_estimate(:'t'::sketch - :'u') AS estimate, sketch_estimate(:'t'::sketch) BETWEEN 3500 AND 6500 AS of_5000;
SELECT count(*) AS none FROM sketch_decode(:'t'::sketch - :'t');
SELECT :'t'::sketch <> :'u'::sketch AS ne, :'t'::sketch = :'u'::sketch AS eq;
-- multiplicities in a table without a key
SELECT rows, complete, residue IS NOT NULL AS residue FROM sketch_decode((SELECT sketch_agg(64, 0, i % 10) FROM generate_series(1, 100) i) - (SELECT sketch_agg(64, 0, i % 10) FROM generate_series(1, 73) i)) ORDER BY 1;
-- more than it holds: never taken for all there is
SELECT * FROM sketch_decode((SELECT sketch_agg(16, 1, t) FROM t));
SELECT bool_or(complete) AS complete, count(*) > 0 AS some, bool_and(('x' || key_hash)::bit(64)::bigint BETWEEN 1 AND 5000) AS genuine FROM sketch_decode((SELECT sketch_agg(1024, 1, t) FROM t WHERE id <= 850));
SELECT * FROM sketch_decode(NULL);

-- text and binary
SELECT length(:'t') AS text, :'t'::sketch::text = :'t' AS same;
CREATE TABLE stored (n int, s sketch);
INSERT INTO stored VALUES (1, :'t'), (2, :'empty');
INSERT INTO stored SELECT 3, sketch_agg(16384, 1, t) FROM t;
CREATE TABLE received (n int, s sketch);
\copy stored TO 'results/sketch.binary' WITH (FORMAT binary)
\copy received FROM 'results/sketch.binary' WITH (FORMAT binary)
\! rm -f results/sketch.binary
SELECT n, r.s = s.s AS same, sketch_cells(r.s) FROM received r JOIN stored s USING (n) ORDER BY n;
SELECT attstorage FROM pg_attribute WHERE attrelid = 'stored'::regclass AND attname = 's';

-- what is no sketch: every length, number and residue is checked
CREATE FUNCTION try(hex text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    RETURN sketch_cells(translate(encode(decode(hex, 'hex'), 'base64'), E'\n', '')::parity.sketch);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ': ' || concat_ws(' ', detail, NULLIF(hint, ''));
END
$$;
SELECT ''::sketch;
SELECT 'AAA'::sketch;
SELECT repeat('é', 50)::sketch;
SELECT left(:'t', -4)::sketch;
SELECT encode(sketch_send(s), 'hex') AS one FROM (SELECT sketch_agg(16, 1, 5, 'x'::text) AS s) x \gset
SELECT try(:'one') AS one, length(:'one') AS digits;
SELECT n, try(overlay(:'one' PLACING bytes FROM n * 2 + 1)) FROM (VALUES (0, '02'), (0, '00'), (1, '00'), (1, '02'), (2, '03'), (2, '15'), (2, '14'), (2, 'ff'), (3, '01'),
    (4, '00'), (4, '02'), (4, 'ffffffff'), (8, '02'), (15, 'ff'), (24 + 8, '02'), (24 + 8, '00000000'), (24 + 27, '80'), (24 + 12, repeat('ff', 15) || '7f')) x(n, bytes);
SELECT try(:'one' || '00') AS longer, try(left(:'one', -2)) AS shorter, try(left(:'one', 48)) AS header, try(left(:'one', 46)) AS cut;
SELECT encode(sketch_send(:'t'), 'hex') AS cells \gset
SELECT try(:'cells') AS cells;
SELECT n, try(overlay(:'cells' PLACING bytes FROM n * 2 + 1)) FROM (VALUES (1, '01'), (2, '05'), (2, '07'), (3, '1d'), (3, 'ff'), (3, '00'), (4, '01'), (8, 'ff')) x(n, bytes);
SELECT try(left(:'cells', -72) || '00000000' || repeat('ff', 15) || '7f' || repeat('00', 16)) AS residue, try(left(:'cells', -72) || repeat('00', 36)) AS sums;
-- the same, sent in binary
\set VERBOSITY terse
\copy (SELECT 7, decode(overlay(encode(parity.sketch_send(s), 'hex') PLACING '15' FROM 5), 'hex') FROM (SELECT parity.sketch_agg(16, 1, 5) AS s) x) TO 'results/sketch.binary' WITH (FORMAT binary)
\copy received FROM 'results/sketch.binary' WITH (FORMAT binary)
\copy (SELECT 7, ''::bytea) TO 'results/sketch.binary' WITH (FORMAT binary)
\copy received FROM 'results/sketch.binary' WITH (FORMAT binary)
\! rm -f results/sketch.binary
\set VERBOSITY default

-- parallel plans give the same bytes
SET max_parallel_workers_per_gather = 0;
SELECT sketch_agg(256, 1, t) AS key, sketch_agg(256, 0, t) AS keyless, sketch_agg(16384, 1, t) AS list FROM t \gset serial_
SELECT sketch_agg(256, 1, t) AS one FROM t \gset serial_
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT sketch_agg(256, 1, t) FROM t;
SELECT sketch_agg(256, 1, t) = :'serial_key' AS key, sketch_agg(256, 0, t) = :'serial_keyless' AS keyless, sketch_agg(16384, 1, t) = :'serial_list' AS list FROM t;
CREATE TABLE shard (s sketch) WITH (parallel_workers = 2);
INSERT INTO shard SELECT sketch_agg(256, 1, t) FROM t GROUP BY id % 500;
INSERT INTO shard VALUES (NULL), (:'empty');
EXPLAIN (COSTS OFF) SELECT sum(s) FROM shard;
SELECT sum(s) = :'serial_one' AS sum FROM shard;
INSERT INTO shard SELECT sketch_agg(64, 1, t) FROM t WHERE id > 5000;
INSERT INTO shard SELECT sketch_agg(64, 1, 6000, 'x'::text, 1.5);
SELECT sketch_cells(sum(s)), sum(s) = (SELECT sketch_agg(64, 1, x) FROM (TABLE t UNION ALL SELECT 6000, 'x', 1.5) x) AS folded FROM shard;
SET parallel_leader_participation = off;
SELECT sketch_agg(256, 1, t) = :'serial_one' AS key FROM t;
SELECT sum(s) = (SELECT sketch_agg(64, 1, x) FROM (TABLE t UNION ALL SELECT 6000, 'x', 1.5) x) AS folded FROM shard;
RESET parallel_leader_participation;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA sketch CASCADE;
