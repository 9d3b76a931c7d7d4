-- parity.in_rollout
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS parity;
RESET client_min_messages;
CREATE SCHEMA rollout;
SET search_path = rollout;

-- uniform within 1 % over 100,000 keys, none at 0, all at 100
CREATE TABLE t AS SELECT i, 'user ' || i AS name, md5(i::text)::uuid AS u FROM generate_series(1, 100000) i;
SELECT percent, abs(ints - percent * 1000) <= 1000 AS ints, abs(texts - percent * 1000) <= 1000 AS texts,
    abs(uuids - percent * 1000) <= 1000 AS uuids, percent NOT IN (0, 100) OR ints = percent * 1000 AS exact
FROM (VALUES (0), (0.5), (1), (12.5), (33.3), (50), (99.9), (100)) p (percent),
    LATERAL (SELECT count(*) FILTER (WHERE parity.in_rollout(percent, i)) AS ints,
                    count(*) FILTER (WHERE parity.in_rollout(percent, name)) AS texts,
                    count(*) FILTER (WHERE parity.in_rollout(percent, u)) AS uuids FROM t) c ORDER BY percent;
-- what is in stays in
SELECT count(*) AS lost FROM t WHERE parity.in_rollout(12.5, i) AND NOT parity.in_rollout(12.6, i);
SELECT count(*) AS lost FROM t, generate_series(0, 99) g WHERE i <= 1000 AND parity.in_rollout(g, i) AND NOT parity.in_rollout(g + 1, i);
-- the share of each bucket and of each other rollout is the same
SELECT bool_and(n BETWEEN 2900 AND 3350) AS independent FROM (SELECT count(*) FILTER (WHERE parity.in_rollout(50, i)) AS n FROM t GROUP BY get_byte(parity.row_hash(i), 8) >> 4) x;
SELECT count(*) BETWEEN 24000 AND 26000 AS independent FROM t WHERE parity.in_rollout(50, 'a'::text, i) AND parity.in_rollout(50, 'b'::text, i);

-- the same key in any type, the same percentage in any writing; a composite argument stands for its fields
SELECT count(*) AS differ FROM t WHERE parity.in_rollout(33.3, i) <> parity.in_rollout(33.300, i::numeric) OR parity.in_rollout(33.3, i) <> parity.in_rollout('3330e-2', i::bigint);
SELECT count(*) AS differ FROM t WHERE parity.in_rollout(33.3, t) <> parity.in_rollout(33.3, i, name, u) OR parity.in_rollout(33.3, ROW(i)) <> parity.in_rollout(33.3, i);
-- NULL is a key as any other
SELECT parity.in_rollout(0, NULL::int) AS none, parity.in_rollout(100, NULL::int) AS every, parity.in_rollout(100, NULL, NULL) AS both;
-- parameters, PL/pgSQL
PREPARE p(numeric) AS SELECT count(*) > 0 AS some FROM t WHERE parity.in_rollout($1, i);
EXECUTE p(0);
EXECUTE p(5);
DO $$
DECLARE p numeric; answer text := '';
BEGIN
    FOREACH p IN ARRAY ARRAY[0, 100, 0, 100] LOOP
        answer := answer || parity.in_rollout(p, 1)::int;
    END LOOP;
    RAISE NOTICE '%', answer;
END $$;

-- errors
SELECT parity.in_rollout(NULL, 1);
SELECT parity.in_rollout(-0.000001, 1);
SELECT parity.in_rollout(100.00000000000000000000000001, 1);
SELECT parity.in_rollout('NaN', 1);
SELECT parity.in_rollout(5, VARIADIC ARRAY[1, 2]);
\set VERBOSITY sqlstate
SELECT parity.in_rollout(101, 1);
\set VERBOSITY terse
SELECT provolatile, proparallel, proisstrict FROM pg_proc WHERE oid = 'parity.in_rollout(numeric, "any")'::regprocedure;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA rollout CASCADE;
