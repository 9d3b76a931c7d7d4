-- parity.buckets: the digest of a table, split by the top bits of its key hashes
\set SHOW_CONTEXT never
CREATE SCHEMA buckets;
SET search_path = buckets, parity;
CREATE TABLE t (id int PRIMARY KEY, name text, amount numeric(10, 2));
INSERT INTO t SELECT i, 'name ' || i, i / 4.0 FROM generate_series(1, 1000) i;
-- the golden one: the same data, the same buckets, on every machine and both engines
SELECT * FROM parity.buckets('t', 3);
-- the sum of all buckets is the checksum, whatever their number; those of one bit less are sums of two
SELECT bits, parity.sum(digest) = parity.checksum('t') AS equal, count(*) = count(DISTINCT bucket) AS distinct,
    min(bucket) >= 0 AND max(bucket) < 1 << bits AS within, bool_and(parity.digest_rows(digest) > 0) AS rows
FROM unnest(ARRAY[0, 1, 2, 5, 10, 16]) bits, parity.buckets('t', bits) GROUP BY bits ORDER BY bits;
SELECT count(*), bool_and(b.digest = c.digest) AS equal FROM parity.buckets('t', 4) b
    JOIN (SELECT bucket >> 1 AS bucket, parity.sum(digest) AS digest FROM parity.buckets('t', 5) GROUP BY 1) c USING (bucket);
SELECT array_agg(bucket) = array_agg(bucket ORDER BY bucket) AS ordered FROM parity.buckets('t', 8);
-- a row is where the key hash says: the low half of XXH3 128 of the key frame, of which row_hash prints the whole
CREATE FUNCTION bucket_of(hash bytea, bits int) RETURNS int LANGUAGE sql AS
    $$SELECT (get_byte(hash, 8) << 8 | get_byte(hash, 9)) >> (16 - bits)$$;
SELECT count(*), bool_and(b.digest = c.digest) AS equal FROM parity.buckets('t', 6) b
    FULL JOIN (SELECT bucket_of(parity.row_hash(id), 6) AS bucket, parity.digest_agg(amount, id, name) AS digest FROM t GROUP BY 1) c USING (bucket);
-- a change moves one bucket, a row less is missing from one
CREATE TABLE u AS TABLE t;
ALTER TABLE u ADD PRIMARY KEY (id);
UPDATE u SET name = 'other' WHERE id = 500;
SELECT a.bucket = bucket_of(parity.row_hash(500), 10) AS bucket FROM parity.buckets('t', 10) a JOIN parity.buckets('u', 10) b USING (bucket) WHERE a.digest <> b.digest;
DELETE FROM u WHERE id = 500;
SELECT parity.digest_rows(a.digest - b.digest), a.bucket = bucket_of(parity.row_hash(500), 5) AS bucket
    FROM parity.buckets('t', 5) a JOIN parity.buckets('u', 5) b USING (bucket) WHERE a.digest <> b.digest;

-- filters and specs, as checksum takes them
SELECT parity.sum(digest) = parity.checksum('t', 'id <= 30') AS equal FROM parity.buckets('t', 4, 'id <= 30');
SELECT count(*) FROM parity.buckets('t', 16, 'id = 7');
SELECT count(*) FROM parity.buckets('t', 4, 'false');
SELECT parity.sum(digest) = parity.checksum('t', NULL, '{"exclude": ["name"]}') AS equal FROM parity.buckets('t', 4, NULL, '{"exclude": ["name"]}');
SELECT bool_and(a.digest = b.digest) AS same, count(*) FROM parity.buckets('t', 4, spec => parity.spec('t')) a FULL JOIN parity.buckets('t', 4) b USING (bucket);
-- by another key, and by none
SELECT bucket = bucket_of(parity.row_hash('name 1'::text), 16) AS by_name FROM parity.buckets('t', 16, 'id = 1', '{"key": ["name"]}');
SELECT bucket = bucket_of(parity.row_hash(amount, id, name), 16) AS by_row FROM t, parity.buckets('t', 16, 'id = 1', '{"key": []}') WHERE id = 1;

-- a key of several columns, in canonical order; without a key equal rows are in one bucket
CREATE TABLE pair (b text, a int, v float8, PRIMARY KEY (b, a));
INSERT INTO pair SELECT 'k' || i % 10, i, i / 3.0 FROM generate_series(1, 300) i;
SELECT count(*), bool_and(b.digest = c.digest) AS equal FROM parity.buckets('pair', 4) b
    FULL JOIN (SELECT bucket_of(parity.row_hash(a, b), 4) AS bucket, parity.digest_agg(a, b, v) AS digest FROM pair GROUP BY 1) c USING (bucket);
CREATE TABLE keyless (a int, b text);
INSERT INTO keyless SELECT i % 5, NULL FROM generate_series(1, 50) i;
SELECT sum(parity.digest_rows(digest)) AS rows, bool_and(parity.digest_rows(digest) % 10 = 0) AS together, parity.sum(digest) = parity.checksum('keyless') AS equal
    FROM parity.buckets('keyless', 16);
CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT i, 'v' FROM generate_series(1, 100) i;
SELECT parity.sum(digest) = parity.checksum('parted') AS equal FROM parity.buckets('parted', 3);
-- more columns than a function has arguments
SELECT format('CREATE TABLE wide (%s)', string_agg('c' || i || ' int', ', ' ORDER BY i)) FROM generate_series(1, 200) i \gexec
INSERT INTO wide (c1, c200) SELECT i, -i FROM generate_series(1, 20) i;
SELECT parity.sum(digest) = parity.checksum('wide') AS equal FROM parity.buckets('wide', 4);
-- as many columns as just fit, and one more
SELECT format('CREATE TABLE w%s (%s)', n, string_agg('c' || i || ' int', ', ' ORDER BY i)) FROM unnest(ARRAY[95, 96, 97]) n, generate_series(1, n) i GROUP BY n ORDER BY n \gexec
INSERT INTO w95 (c1) VALUES (1);
INSERT INTO w96 (c1) VALUES (1);
INSERT INTO w97 (c1) VALUES (1);
SELECT bool_and(sums = parity.checksum(rel)) AS equal, bool_and((SELECT digest FROM parity.column_checksums(rel) LIMIT 1) IS NOT NULL) AS columns
    FROM (SELECT rel, parity.sum(digest) AS sums FROM unnest('{w95,w96,w97}'::regclass[]) rel, parity.buckets(rel, 3) GROUP BY rel) x;
CREATE TABLE nothing (id int PRIMARY KEY);
SELECT * FROM parity.buckets('nothing', 0);
SELECT * FROM parity.buckets('nothing', 16);

-- parallel plans
ALTER TABLE t SET (parallel_workers = 2);
ANALYZE t;
SELECT string_agg(bucket || ' ' || digest::text, ',' ORDER BY bucket) AS serial FROM parity.buckets('t', 8) \gset
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT parity.buckets_agg(E'int\ntext', '10', 8, id, name) FROM t;
SELECT string_agg(bucket || ' ' || digest::text, ',' ORDER BY bucket) = :'serial' AS equal FROM parity.buckets('t', 8);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- errors
\set VERBOSITY default
SELECT * FROM parity.buckets(NULL, 4);
SELECT * FROM parity.buckets('t', NULL);
SELECT * FROM parity.buckets('t', -1);
SELECT * FROM parity.buckets('t', 17);
SELECT * FROM parity.buckets('t', 4, 'true) GROUP BY (1');
SELECT * FROM parity.buckets('t', 4, 'idd = 1');
SELECT * FROM parity.buckets('t', 4, NULL, '{"columns": {"nope": "text"}}');
CREATE SEQUENCE s;
SELECT * FROM parity.buckets('s', 4);
CREATE TABLE none ();
SELECT * FROM parity.buckets('none', 4);
SELECT parity.buckets_agg('int', '1', 17, id) FROM t;
SELECT parity.buckets_agg('int', '1', -1, id) FROM t;
SELECT parity.buckets_agg('int', '1', NULL, id) FROM t;
SELECT parity.buckets_agg('int', '11', 4, id) FROM t;
SELECT parity.buckets_agg('int', '1', id % 2, id) FROM t;
SELECT parity.buckets_agg('int', '1', 4, id) IS NULL AS none FROM nothing;
SELECT parity.buckets_accum(NULL, 'int', '0', 0, 1);
SELECT parity.buckets_combine('\x00', '\x00');
-- states that nobody made
CREATE AGGREGATE forged(text, text, int, VARIADIC "any") (SFUNC = parity.buckets_accum, STYPE = bytea, INITCOND = '\x00010203');
SELECT forged('int', '0', 0, id) FROM t;
CREATE AGGREGATE combined(bytea) (SFUNC = parity.buckets_combine, STYPE = bytea);
SELECT combined(s) FROM (SELECT parity.buckets_agg('int', '0', 2, id) AS s FROM t UNION ALL SELECT parity.buckets_agg('int', '0', 3, id) FROM t) x;
SELECT combined(s) FROM (SELECT parity.buckets_agg('int', '0', 2, id) AS s FROM t UNION ALL SELECT overlay(parity.buckets_agg('int', '0', 2, id) PLACING '\xffffffff' FROM 5) FROM t) x;
SELECT combined(s) = (SELECT parity.buckets_agg('int', '1', 4, id) FROM t) AS merged FROM (SELECT parity.buckets_agg('int', '1', 4, id) AS s FROM t GROUP BY id % 7) x;

-- with the caller's rights
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_parity_buckets;
CREATE ROLE regress_parity_buckets;
RESET client_min_messages;
GRANT USAGE ON SCHEMA buckets TO regress_parity_buckets;
GRANT SELECT (id, name) ON t TO regress_parity_buckets;
ALTER TABLE pair ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON pair TO regress_parity_buckets;
SET ROLE regress_parity_buckets;
SELECT * FROM parity.buckets('t', 1);
SELECT sum(parity.digest_rows(digest)) FROM parity.buckets('t', 1, NULL, '{"exclude": ["amount"]}');
SELECT * FROM parity.buckets('pair', 1);
RESET ROLE;
SET client_min_messages = warning;
RESET search_path;
DROP SCHEMA buckets CASCADE;
DROP ROLE regress_parity_buckets;
