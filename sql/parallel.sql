-- parallel plans: partial aggregates, and the same digests
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS parity;
RESET client_min_messages;
CREATE SCHEMA parallel;
SET search_path = parallel;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE t (id int, name text, price numeric, at timestamptz, tags text[], mood mood, cls regclass, payload jsonb)
    WITH (parallel_workers = 2);
INSERT INTO t SELECT i, 'name ' || i, i / 8.0, '2024-01-01'::timestamptz + i * interval '1 s', ARRAY[i::text, 'x'],
    CASE WHEN i % 2 = 0 THEN 'ok' ELSE 'sad' END::mood, 'pg_class', jsonb_build_object('i', i) FROM generate_series(1, 5000) i;
ANALYZE t;
CREATE TABLE result (what text, plan text, digest parity.digest, tally bytea);
SET max_parallel_workers_per_gather = 0;
INSERT INTO result SELECT 'digest_agg', 'serial', parity.digest_agg(id, name, price, at, tags, mood, cls, payload) FROM t;
INSERT INTO result SELECT 'row', 'serial', parity.digest_agg(t) FROM t;
INSERT INTO result SELECT 'as', 'serial', parity.digest_agg_as(E'int\ntext\ndecimal(10,1)\ntimestamptz', id, name, price, at) FROM t;
INSERT INTO result SELECT 'tally', 'serial', NULL, parity.tally_agg(E'int\nint\ndecimal(10,1)\ntimestamptz', '1000', 64, id, name, price, at) FROM t;
INSERT INTO result SELECT 'sum', 'serial', parity.sum(d) FROM (SELECT parity.digest_agg(id) AS d FROM t) x;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT parity.digest_agg(id, name, price, at, tags, mood, cls, payload) FROM t;
EXPLAIN (COSTS OFF) SELECT parity.digest_agg(t) FROM t;
EXPLAIN (COSTS OFF) SELECT parity.digest_agg_as(E'int\ntext', id, name) FROM t;
EXPLAIN (COSTS OFF) SELECT parity.tally_agg(E'int\ntext', '10', 64, id, name) FROM t;
EXPLAIN (COSTS OFF) SELECT id FROM t WHERE parity.row_hash(id, name) = '\x00';
-- INSERT … SELECT would not be parallel
SELECT parity.digest_agg(id, name, price, at, tags, mood, cls, payload) AS parallel FROM t \gset digest_
SELECT parity.digest_agg(t) AS parallel FROM t \gset row_
SELECT parity.digest_agg_as(E'int\ntext\ndecimal(10,1)\ntimestamptz', id, name, price, at) AS parallel FROM t \gset as_
SELECT parity.tally_agg(E'int\nint\ndecimal(10,1)\ntimestamptz', '1000', 64, id, name, price, at) AS parallel FROM t \gset tally_
SELECT what, CASE what WHEN 'digest_agg' THEN digest::text = :'digest_parallel' WHEN 'row' THEN digest::text = :'row_parallel'
    WHEN 'as' THEN digest::text = :'as_parallel' END AS equal
FROM result WHERE what IN ('digest_agg', 'row', 'as') ORDER BY what;
-- a tally's example is of whichever BAD value was seen first; all else is equal
SELECT length(tally) = length(:'tally_parallel'::bytea) AS length,
    overlay(tally PLACING '' FROM 109 + 160 + 96 FOR 64) = overlay(:'tally_parallel'::bytea PLACING '' FROM 109 + 160 + 96 FOR 64) AS equal
FROM result WHERE what = 'tally';
-- by groups, workers only
SET parallel_leader_participation = off;
SELECT count(*) AS groups, parity.sum(d) OPERATOR(parity.=) (SELECT digest FROM result WHERE what = 'row') AS merged
FROM (SELECT parity.digest_agg(t) AS d FROM t GROUP BY id % 10) x;
SELECT parity.digest_agg(t)::text = :'row_parallel' AS equal FROM t;
-- no worker to be had: the same
SET max_parallel_workers = 0;
SET parallel_leader_participation = on;
SELECT parity.digest_agg(t)::text = :'row_parallel' AS equal FROM t;
-- an error in a worker
SET max_parallel_workers = 8;
\set VERBOSITY terse
SELECT parity.digest_agg_as(E'int\ntext', id, name, price) FROM t;
RESET search_path;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET parallel_leader_participation;
RESET max_parallel_workers;
SET client_min_messages = warning;
DROP SCHEMA parallel CASCADE;
