-- parity.row_wanted: whether a row is in a set of row keys and buckets, which the core makes
\set SHOW_CONTEXT never
CREATE SCHEMA row_wanted;
SET search_path = row_wanted, parity;
-- a set as it lies in memory: bits, log2 of the filter's bits, number of keys, any bucket, bitmap, filter, keys
CREATE FUNCTION words(VARIADIC w int8[]) RETURNS bytea LANGUAGE sql IMMUTABLE AS
    $$SELECT string_agg(substring(int8send(v) FROM b FOR 1), '' ORDER BY i, b DESC) FROM unnest(w) WITH ORDINALITY AS x (v, i), generate_series(1, 8) b$$;
CREATE TABLE t (id int PRIMARY KEY, name text);
INSERT INTO t SELECT i, 'name ' || i FROM generate_series(0, 20) i;
-- nothing; the key 0; three keys; all of one bucket; one of two
SELECT count(*) FROM t WHERE parity.row_wanted(words(0, 6, 0, 0, 0, -1), 'int', true, id);
SELECT id FROM t WHERE parity.row_wanted(words(0, 6, 1, 0, 0, -1, 0), 'int', true, id);
SELECT id FROM t WHERE parity.row_wanted(words(0, 6, 3, 0, 0, -1, 7, 9, 20), 'int', true, id) ORDER BY id;
SELECT count(*) AS all FROM t WHERE parity.row_wanted(words(0, 6, 0, 1, 1, 0), 'int', true, id);
SELECT array_agg(id ORDER BY id) = (SELECT array_agg(id ORDER BY id) FROM t WHERE get_byte(parity.row_hash(id), 8) >= 128) AS half
    FROM t WHERE parity.row_wanted(words(1, 6, 0, 1, 2, 0), 'int', true, id);
-- of a key of text the hash is looked for, without a key the row's
SELECT array_agg(name ORDER BY id) = (SELECT array_agg(name ORDER BY id) FROM t WHERE get_byte(parity.row_hash(name), 8) < 128) AS half
    FROM t WHERE parity.row_wanted(words(1, 6, 0, 1, 1, 0), 'text', true, name);
SELECT array_agg(id ORDER BY id) = (SELECT array_agg(id ORDER BY id) FROM t WHERE get_byte(parity.row_hash(id, name), 8) < 128) AS half
    FROM t WHERE parity.row_wanted(words(1, 6, 0, 1, 1, 0), E'int\ntext', false, id, name);
SELECT count(*) FILTER (WHERE a = b) AS equal, count(*) FROM (SELECT parity.row_wanted(words(1, 6, 0, 1, 1, 0), E'int\ntext', false, id, name) AS a,
    parity.row_wanted(words(1, 6, 0, 1, 1, 0), E'int\ntext', false, ROW(id, name)) AS b FROM t) x;
-- a stored set, which is compressed and does not come as a literal
CREATE TABLE sets (s bytea);
INSERT INTO sets SELECT words(VARIADIC ARRAY[0, 18, 1, 0, 0] || array_fill(-1, ARRAY[4096]) || 0);
SELECT pg_column_size(s) < length(s) AS compressed FROM sets;
SELECT id FROM t, sets WHERE parity.row_wanted(s, 'int', true, id);
INSERT INTO sets SELECT overlay(s PLACING words(1) FROM 33) FROM sets;
\set VERBOSITY terse
SELECT count(*) FROM t, sets WHERE parity.row_wanted(s, 'int', true, id);
-- what is no set, and no call
SELECT parity.row_wanted('\x', 'int', true, 1);
SELECT parity.row_wanted('\x00', 'int', true, 1);
SELECT parity.row_wanted(words(0, 6, 1, 0, 0, -1), 'int', true, 1);
SELECT parity.row_wanted(words(0, 6, 1, 0, 0, -1, 0, 0), 'int', true, 1);
SELECT parity.row_wanted(words(17, 6, 1, 0, 0, -1, 0), 'int', true, 1);
SELECT parity.row_wanted(words(0, 64, 1, 0, 0, -1, 0), 'int', true, 1);
SELECT parity.row_wanted(words(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1), 'int', true, 1);
SELECT parity.row_wanted(words(0, 5, 1, 0, 0, -1, 5), 'int', true, 5);
SELECT parity.row_wanted(NULL, 'int', true, 1);
SELECT parity.row_wanted(words(0, 6, 0, 0, 0, -1), NULL, true, 1);
SELECT parity.row_wanted(words(0, 6, 0, 0, 0, -1), 'int', NULL, 1);
SELECT parity.row_wanted(words(0, 6, 0, 0, 0, -1), 'nope', true, 1);
SELECT parity.row_wanted(words(0, 6, 0, 0, 0, -1), E'int\nint', true, 1);
SELECT parity.row_wanted(words(0, 6, 0, 0, 0, -1), 'int', true, VARIADIC ARRAY[1]);
SELECT parity.row_wanted(words(0, 6, 0, 0, 0, -1), 'int', id % 2 = 0, id) FROM t;
SELECT parity.row_wanted(words(0, 6, 0, 0, 0, -1), CASE WHEN id > 1 THEN 'int' ELSE 'text' END, true, id) FROM t;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA row_wanted CASCADE;
