-- parity.row_hash
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS parity;
RESET client_min_messages;
\set VERBOSITY terse
CREATE SCHEMA row_hash;
SET search_path = row_hash;

-- golden: the same on every machine and both engines (tests/vectors/row.tsv)
SELECT parity.row_hash(NULL::int);
SELECT parity.row_hash(0), parity.row_hash(1::smallint), parity.row_hash(1::bigint);
SELECT parity.row_hash('a'::text), parity.row_hash(''::text);
SELECT pg_typeof(parity.row_hash(1)), length(parity.row_hash(1));

-- equal in every representation
SELECT parity.row_hash(5, 1.50, 'x'::varchar, true) = parity.row_hash(5.0, 1.5, 'x'::name, 1) AS equal;
-- and nothing else: lengths keep columns apart
SELECT parity.row_hash('a'::text, '3b'::text) <> parity.row_hash('a3'::text, 'b'::text) AS apart,
    parity.row_hash(1, 2) <> parity.row_hash(2, 1) AS ordered,
    parity.row_hash(NULL::text, 'x'::text) <> parity.row_hash('x'::text, NULL::text) AS null_counts,
    parity.row_hash(NULL::text) <> parity.row_hash(''::text) AS null_is_not_empty;
-- literals without a type are text
SELECT parity.row_hash('x') = parity.row_hash('x'::text) AS text, parity.row_hash(NULL) = parity.row_hash(NULL::int) AS null;

-- the digest of a table is the sum of its row hashes
CREATE TABLE t (id int, name text, gone int, at timestamptz);
INSERT INTO t SELECT i, 'n' || i, i, '2024-01-01'::timestamptz + i * interval '1 h' FROM generate_series(1, 20) i;
ALTER TABLE t DROP COLUMN gone;
SELECT count(DISTINCT parity.row_hash(id, name, at)) FROM t;
-- a composite argument stands for its fields, dropped ones left out
SELECT count(*) FROM t WHERE parity.row_hash(t) = parity.row_hash(id, name, at);
SELECT count(*) FROM t WHERE parity.row_hash(t, id) = parity.row_hash(id, name, at, id);
SELECT parity.row_hash(ROW(1, 'a'::text)) = parity.row_hash(1, 'a'::text) AS equal;
SELECT parity.row_hash(NULL::t) = parity.row_hash(NULL, NULL, NULL) AS equal;
-- rows of several shapes in one call
SELECT DISTINCT parity.row_hash(r) = h AS equal
FROM (SELECT ROW(1, 'a'::text) AS r, parity.row_hash(1, 'a'::text) AS h UNION ALL SELECT ROW(2, 'b'::text), parity.row_hash(2, 'b'::text)) x;
-- the rows that two tables do not share
CREATE TABLE u AS SELECT * FROM t;
UPDATE u SET name = 'other' WHERE id = 7;
SELECT id FROM t WHERE parity.row_hash(t) NOT IN (SELECT parity.row_hash(u) FROM u);

-- constants, prepared statements, SQL and PL/pgSQL functions
PREPARE p(int, text) AS SELECT parity.row_hash($1, $2) = parity.row_hash(1, 'a'::text) AS equal;
EXECUTE p(1, 'a');
EXECUTE p(2, 'a');
CREATE FUNCTION f(anyelement) RETURNS bytea LANGUAGE sql AS 'SELECT parity.row_hash($1)';
SELECT f(1) = parity.row_hash(1) AS int, f('x'::text) = parity.row_hash('x'::text) AS text, f('{1,2}'::int[]) = parity.row_hash('{1,2}'::int[]) AS array;
DO $$
DECLARE r t%ROWTYPE;
BEGIN
    FOR r IN SELECT * FROM t ORDER BY id LIMIT 2 LOOP
        RAISE NOTICE '%', parity.row_hash(r) = parity.row_hash(r.id, r.name, r.at);
    END LOOP;
END $$;

-- errors
\set VERBOSITY default
SELECT parity.row_hash(VARIADIC ARRAY[1, 2]);
SELECT parity.row_hash(r) FROM (SELECT NULL::record AS r) x;
\set VERBOSITY terse
-- the most arguments that a function can have
SELECT format('SELECT parity.row_hash(%s) = parity.row_hash(ROW(%1$s)) AS equal', string_agg(i::text, ',')) FROM generate_series(1, 100) i \gexec
SELECT provolatile, proparallel, proisstrict FROM pg_proc WHERE oid = 'parity.row_hash("any")'::regprocedure;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA row_hash CASCADE;
