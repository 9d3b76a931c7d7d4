-- the type parity.digest
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS parity;
RESET client_min_messages;
\set VERBOSITY terse

-- text in, text out
SELECT 'p1-0-00000000000000000000000000000000'::parity.digest;
SELECT 'p1-18446744073709551615-7ffffffffffffffffffffffffffffffe'::parity.digest::text;
SELECT CAST('p1-3-0000000000000000000000000000002a'::text AS parity.digest);
\set VERBOSITY default
SELECT ''::parity.digest;
SELECT 'p1-3-2a'::parity.digest;
SELECT 'p1-3-0000000000000000000000000000002A'::parity.digest;
SELECT ' p1-3-0000000000000000000000000000002a'::parity.digest;
SELECT 'p1-03-0000000000000000000000000000002a'::parity.digest;
SELECT 'p1-18446744073709551616-0000000000000000000000000000002a'::parity.digest;
SELECT 'p1-3-7fffffffffffffffffffffffffffffff'::parity.digest;
SELECT 'p2-3-0000000000000000000000000000002a'::parity.digest;
\set VERBOSITY terse
\set VERBOSITY sqlstate
SELECT 'nothing'::parity.digest;
SELECT 'p2-3-0000000000000000000000000000002a'::parity.digest;
\set VERBOSITY terse

-- binary in, binary out
CREATE TEMP TABLE d (n int, digest parity.digest);
INSERT INTO d SELECT n, parity.digest_agg(i) FROM generate_series(0, 5) n LEFT JOIN generate_series(1, 5) i ON i <= n GROUP BY n;
SELECT n, encode(parity.digest_send(digest), 'hex'), digest FROM d WHERE n IN (1, 5) ORDER BY n;
CREATE TEMP TABLE received (n int, digest parity.digest);
INSERT INTO d VALUES (6, 'p1-18446744073709551615-7ffffffffffffffffffffffffffffffe');
\copy d TO 'results/digest.binary' WITH (FORMAT binary)
\copy received FROM 'results/digest.binary' WITH (FORMAT binary)
SELECT n, r.digest OPERATOR(parity.=) d.digest AS same FROM received r JOIN d USING (n) ORDER BY n;
DELETE FROM d WHERE n = 6;
-- a sum that is not below p is refused: the same bytes as a digest's, sent as bytea
\copy (SELECT 7, '\x00000000000000017fffffffffffffffffffffffffffffff'::bytea) TO 'results/digest.binary' WITH (FORMAT binary)
\copy received FROM 'results/digest.binary' WITH (FORMAT binary)
\! rm -f results/digest.binary

-- operators, which the schema's name finds
SET search_path = public, parity;
SELECT a.n, b.n, a.digest = b.digest AS eq, a.digest <> b.digest AS ne, a.digest < b.digest AS lt, a.digest <= b.digest AS le,
    a.digest > b.digest AS gt, a.digest >= b.digest AS ge, digest_cmp(a.digest, b.digest) AS cmp
FROM d a, d b WHERE a.n IN (0, 2) AND b.n IN (0, 2, 3) ORDER BY 1, 2;
-- the same number of rows, other rows
SELECT a = b AS eq, a < b OR a > b AS ordered, digest_rows(a) = digest_rows(b) AS rows
FROM (SELECT digest_agg(i) AS a, digest_agg(-i) AS b FROM generate_series(1, 9) i) x;
-- halves of the sum count in the right order
SELECT 'p1-1-00000000000000010000000000000000'::digest > 'p1-1-0000000000000000ffffffffffffffff'::digest AS high_first;
SELECT a.digest + b.digest = c.digest AS sum, c.digest - b.digest = a.digest AS difference
FROM (SELECT digest_agg(i) AS digest FROM generate_series(1, 40) i) a, (SELECT digest_agg(i) AS digest FROM generate_series(41, 100) i) b,
    (SELECT digest_agg(i) AS digest FROM generate_series(1, 100) i) c;
SELECT digest - digest AS nothing FROM d WHERE n = 3;
SELECT 'p1-0-00000000000000000000000000000000'::digest + digest = digest AS neutral FROM d WHERE n = 3;
\set VERBOSITY default
SELECT a.digest - b.digest FROM d a, d b WHERE a.n = 2 AND b.n = 3;
SELECT 'p1-18446744073709551615-00000000000000000000000000000000'::digest + digest FROM d WHERE n = 1;
SELECT digest_rows('p1-9223372036854775807-00000000000000000000000000000000');
SELECT digest_rows('p1-9223372036854775808-00000000000000000000000000000000');
\set VERBOSITY terse
SELECT n, digest_rows(digest) FROM d ORDER BY digest DESC;
RESET search_path;

-- grouping, hashing, sorting, indexes need no search_path
SELECT count(DISTINCT digest) FROM (SELECT digest FROM d UNION ALL SELECT digest FROM d) x;
SET enable_sort = off;
SELECT count(*), parity.digest_rows(digest) FROM (SELECT digest FROM d UNION ALL SELECT digest FROM d) x GROUP BY digest ORDER BY 2;
RESET enable_sort;
CREATE TEMP TABLE keyed (digest parity.digest PRIMARY KEY);
INSERT INTO keyed SELECT digest FROM d;
INSERT INTO keyed SELECT digest FROM d WHERE n = 3;
CREATE INDEX ON keyed USING hash (digest);
SELECT parity.digest_rows(digest) FROM keyed WHERE digest OPERATOR(parity.=) (SELECT digest FROM d WHERE n = 4);
SELECT parity.digest_hash(digest) IS NOT NULL AND parity.digest_hash_extended(digest, 1) <> parity.digest_hash_extended(digest, 2) AS seeded
FROM d WHERE n = 4;

-- sum: of shards, of nothing, over windows
SELECT parity.sum(digest) OPERATOR(parity.=) (SELECT parity.digest_agg(i) FROM generate_series(1, 100) i) AS merged
FROM (SELECT parity.digest_agg(i) AS digest FROM generate_series(1, 100) i GROUP BY i % 7) shard;
SELECT parity.sum(digest) FROM d WHERE false;
SELECT parity.sum(NULL::parity.digest) FROM d;
SELECT n, parity.digest_rows(parity.sum(digest) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)) AS two,
    parity.digest_rows(parity.sum(digest) OVER (ORDER BY n)) AS all
FROM d ORDER BY n;
SELECT bool_and(moving OPERATOR(parity.=) digest) AS same FROM (
    SELECT digest, parity.sum(digest) OVER (ORDER BY n ROWS BETWEEN CURRENT ROW AND CURRENT ROW) AS moving FROM d) x;
-- the state of a sum is not the first digest itself
SELECT parity.sum(digest) OVER (ORDER BY n) IS NOT NULL FROM d WHERE n < 2;
SELECT n, parity.digest_rows(digest) AS rows FROM d ORDER BY n;
SELECT parity.digest_sum(digest, digest) OPERATOR(parity.=) (digest OPERATOR(parity.+) digest) AS sum FROM d WHERE n = 5;
SELECT parity.sum('p1-18446744073709551615-00000000000000000000000000000000'::parity.digest) FROM generate_series(1, 2);

-- every object of the extension has a comment
SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'parity')
  AND obj_description(d.objid, d.classid::regclass::name) IS NULL
  AND NOT (d.classid = 'pg_type'::regclass AND (SELECT typtype = 'c' OR typelem <> 0 FROM pg_type WHERE oid = d.objid))
ORDER BY 1;
