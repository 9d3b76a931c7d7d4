-- parity.digest_agg and its kin: groups, windows, rows, errors
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS parity;
RESET client_min_messages;
CREATE SCHEMA aggregate;
SET search_path = aggregate, parity; -- parity: its operators
CREATE TABLE t (id int, grp text, note text, amount numeric(10, 2));
INSERT INTO t SELECT i, 'g' || i % 3, CASE WHEN i % 4 > 0 THEN repeat('x', i) END, i / 4.0 FROM generate_series(1, 60) i;

-- nothing, one row, order, duplicates
SELECT parity.digest_agg(id) FROM t WHERE false;
SELECT parity.digest_agg(1::int);
SELECT parity.digest_agg(id, note ORDER BY id) = parity.digest_agg(id, note ORDER BY note DESC) AS order_free FROM t;
SELECT parity.digest_agg(grp) <> parity.digest_agg(DISTINCT grp) AS duplicates_count, parity.digest_rows(parity.digest_agg(DISTINCT grp)) FROM t;
SELECT parity.digest_agg(id) FILTER (WHERE id < 5) = (SELECT parity.digest_agg(id) FROM t WHERE id < 5) AS filter FROM t;
SELECT parity.digest_agg(NULL, NULL) = parity.digest_agg(NULL::int, NULL::text) AS null_rows_count FROM t;
-- what the digest is: the sum of the residues of the row hashes
SELECT parity.digest_agg(id, note) = (SELECT parity.sum(d) FROM (SELECT parity.digest_agg(id, note) AS d FROM t GROUP BY id) x) AS sum FROM t;

-- groups, sets of groups, hashed and sorted
SELECT grp, parity.digest_rows(parity.digest_agg(id)) AS rows, parity.digest_agg(id) = (SELECT parity.digest_agg(id) FROM t i WHERE i.grp = o.grp) AS same
FROM t o GROUP BY grp ORDER BY grp;
SELECT grp, id % 2 AS odd, parity.digest_rows(parity.digest_agg(id)) AS rows FROM t GROUP BY GROUPING SETS ((grp), (id % 2), ()) ORDER BY 1, 2;
CREATE TABLE by_hash AS SELECT grp, parity.digest_agg(id, note) AS d FROM t GROUP BY GROUPING SETS ((grp), ());
SET enable_hashagg = off;
SELECT count(*) FROM by_hash JOIN (SELECT grp, parity.digest_agg(id, note) AS d FROM t GROUP BY GROUPING SETS ((grp), ())) s
    ON by_hash.d = s.d AND by_hash.grp IS NOT DISTINCT FROM s.grp;
RESET enable_hashagg;
-- two aggregates with the same arguments, several with others
SELECT parity.digest_agg(id) = parity.digest_agg(id) AS same, parity.digest_agg(id, grp) <> parity.digest_agg(grp, id) AS ordered,
    parity.digest_agg(id) <> parity.digest_agg(id::text) AS kinds FROM t;

-- windows: growing, moving, partitioned
SELECT bool_and(w = (SELECT parity.digest_agg(i.id, i.note) FROM t i WHERE i.id <= o.id)) AS growing
FROM (SELECT id, parity.digest_agg(id, note) OVER (ORDER BY id) AS w FROM t) o;
SELECT bool_and(w = (SELECT parity.digest_agg(i.id, i.note) FROM t i WHERE i.id BETWEEN o.id - 3 AND o.id + 1)) AS moving
FROM (SELECT id, parity.digest_agg(id, note) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING) AS w FROM t) o;
SELECT bool_and(w = (SELECT parity.digest_agg(i.*) FROM t i WHERE i.id BETWEEN o.id - 3 AND o.id + 1)) AS moving_rows
FROM (SELECT id, parity.digest_agg(t) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING) AS w FROM t) o;
SELECT bool_and(w = (SELECT parity.digest_agg(i.id) FROM t i WHERE i.grp = o.grp)) AS partitioned
FROM (SELECT grp, parity.digest_agg(id) OVER (PARTITION BY grp) AS w FROM t) o;
SELECT count(DISTINCT w) FROM (SELECT parity.digest_agg(id) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) AS w FROM t) x;
-- results that are kept while the window goes on
SELECT count(DISTINCT w) FROM (SELECT parity.digest_agg(id) OVER (ORDER BY id) AS w FROM t OFFSET 0) x;

-- a composite argument stands for its fields
SELECT parity.digest_agg(t) = parity.digest_agg(id, grp, note, amount) AS whole_row, parity.digest_agg(t.*) = parity.digest_agg(t) AS star FROM t;
SELECT parity.digest_agg(ROW(id, grp)) = parity.digest_agg(id, grp) AS record, parity.digest_agg(ROW(id), grp) = parity.digest_agg(id, grp) AS mixed FROM t;
SELECT parity.digest_agg(x) = (SELECT parity.digest_agg(id, note) FROM t) AS subquery FROM (SELECT id, note FROM t) x;
CREATE TABLE pair (a int, b t, c t[]);
INSERT INTO pair SELECT id, t, ARRAY[t] FROM t;
-- … not so inside of it: there it is JSON
SELECT parity.digest_agg(p) = parity.digest_agg(a, to_json(b), to_json(c)) AS nested, parity.digest_agg(a, b) = (SELECT parity.digest_agg(id, t) FROM t) AS column
FROM pair p;
CREATE DOMAIN checked AS t CHECK ((VALUE).id > 0);
SELECT parity.digest_agg(t::checked) = parity.digest_agg(t) AS domain FROM t;
-- NULL rows of an outer join
SELECT parity.digest_agg(t) = parity.digest_agg(t.id, t.grp, t.note, t.amount) AS outer FROM generate_series(1, 70) i LEFT JOIN t ON t.id = i;
-- inheritance and a change of columns between executions of one plan
CREATE TABLE child (extra int) INHERITS (t);
INSERT INTO child VALUES (100, 'g', 'n', 1, 2);
SELECT parity.digest_agg(t) = parity.digest_agg(id, grp, note, amount) AS inherited FROM t;
PREPARE whole AS SELECT parity.digest_agg(c) = parity.digest_agg(ROW(c.*)) AS same FROM child c;
EXECUTE whole;
ALTER TABLE child DROP COLUMN extra;
ALTER TABLE child ADD COLUMN fresh text DEFAULT 'fast';
EXECUTE whole;
-- more columns than a function has arguments
SELECT format('CREATE TABLE wide (%s)', string_agg(format('c%s %s DEFAULT %s', i, CASE i % 3 WHEN 0 THEN 'smallint' WHEN 1 THEN 'text' ELSE 'numeric(9,2)' END, i % 10), ', ' ORDER BY i))
    FROM generate_series(1, 1600) i \gexec
INSERT INTO wide DEFAULT VALUES;
INSERT INTO wide (c1, c1600) VALUES (NULL, 'o');
SELECT parity.digest_agg(wide) AS digest, parity.digest_rows(parity.digest_agg(wide)) AS rows FROM wide \gset
SELECT format('SELECT parity.digest_agg(ROW(%s))::text = :''digest'' AS row, parity.digest_agg_as(%L, ROW(%s))::text = :''digest'' AS as,
        length(parity.tally_agg(%L, %L, 0, ROW(%s))) AS tally FROM wide',
    string_agg('c' || i, ', ' ORDER BY i), string_agg(k, E'\n' ORDER BY i), string_agg('c' || i, ', ' ORDER BY i),
    string_agg(k, E'\n' ORDER BY i), string_agg(CASE i WHEN 1 THEN '1' ELSE '0' END, '' ORDER BY i), string_agg('c' || i, ', ' ORDER BY i)) AS query
    FROM (SELECT i, CASE i % 3 WHEN 0 THEN 'int' WHEN 1 THEN 'text' ELSE 'decimal(9,2)' END AS k FROM generate_series(1, 1600) i) x \gset
:query;

-- digest_agg_as: kinds by name
SELECT parity.digest_agg_as(E'int\ntext', id, note) = parity.digest_agg(id, note) AS natural,
    parity.digest_agg_as('text', id) = parity.digest_agg(id::text) AS text,
    parity.digest_agg_as('int', id::text) = parity.digest_agg(id) AS int,
    parity.digest_agg_as('decimal(10,1) round', amount) = parity.digest_agg(round(amount, 1)) AS rounded FROM t;
-- one kind: a composite is a value, more: it stands for its fields
SELECT parity.digest_agg_as('json', b) = parity.digest_agg(to_json(b)) AS json FROM pair;
SELECT parity.digest_agg_as(E'int\ntext\ntext\ndecimal(10,2)', b) = parity.digest_agg(b) AS fields FROM pair;
SELECT parity.digest_agg_as(E'int\njson', a, b) = parity.digest_agg(a, to_json(b)) AS mixed FROM pair;
SELECT parity.digest_agg_as(E'int\ntext\ntext\ndecimal(10,2)', NULL::t) = parity.digest_agg(NULL::t) AS null_row;
SELECT parity.digest_agg_as('int', id) FROM t WHERE false;

-- tally_agg: NULL of nothing; state and result for one column and for many
SELECT parity.tally_agg('int', '1', 0, id) IS NULL AS none FROM t WHERE false;
SELECT length(parity.tally_agg('int', '1', 0, id)) AS one, length(parity.tally_agg(E'int\ntext\ntext\ndecimal(10,2)', '1000', 0, t)) AS row,
    parity.tally_agg(E'int\ntext\ntext\ndecimal(10,2)', '1000', 64, t) = parity.tally_agg(E'int\ntext\ntext\ndecimal(10,2)', '1000', 64, id, grp, note, amount) AS same FROM t;

-- errors
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT parity.digest_agg(VARIADIC ARRAY[id]) FROM t;
SELECT parity.digest_agg(r) FROM (SELECT NULL::record AS r) x;
SELECT parity.digest_agg_as(NULL, id) FROM t;
SELECT parity.digest_agg_as('', id) FROM t;
SELECT parity.digest_agg_as('integer', id) FROM t;
SELECT parity.digest_agg_as('int epoch=ms', id) FROM t;
SELECT parity.digest_agg_as(E'int\nint', id) FROM t;
SELECT parity.digest_agg_as('int', id, id) FROM t;
SELECT parity.digest_agg_as(E'int\ntext\ntext', b) FROM pair;
SELECT parity.digest_agg_as(CASE WHEN id % 2 = 0 THEN 'int' ELSE 'text' END, id) FROM t;
SELECT parity.tally_agg('int', NULL, 0, id) FROM t;
SELECT parity.tally_agg('int', '10', 0, id) FROM t;
SELECT parity.tally_agg('int', 'x', 0, id) FROM t;
SELECT parity.tally_agg('int', id::text, 0, id) FROM t;
SELECT parity.tally_agg('int', '1', NULL, id) FROM t;
SELECT parity.tally_agg('int', '1', -16, id) FROM t;
SELECT parity.tally_agg('int', '1', 8, id) FROM t;
SELECT parity.tally_agg('int', '1', 100, id) FROM t;
SELECT parity.tally_agg('int', '1', 2097152, id) FROM t;
SELECT parity.tally_agg('int', '1', CASE WHEN id % 2 = 0 THEN 16 ELSE 32 END, id) FROM t;
SELECT parity.tally_accum(NULL, 'int', '0', 0, 1);
SELECT parity.tally_combine('\x00', '\x00');
-- states that nobody made
CREATE AGGREGATE forged(text, text, int, VARIADIC "any") (SFUNC = parity.tally_accum, STYPE = bytea, INITCOND = '\x00010203');
SELECT forged('int', '0', 0, id) FROM t;
CREATE AGGREGATE combined(bytea) (SFUNC = parity.tally_combine, STYPE = bytea);
SELECT combined('\x0102'::bytea) IS NULL FROM generate_series(1, 2);
SELECT combined(s) FROM (SELECT parity.tally_agg('int', '0', 0, id) AS s FROM t UNION ALL SELECT parity.tally_agg(E'int\nint', '00', 0, id, id) FROM t) x;
SELECT combined(s) FROM (SELECT parity.tally_agg('int', '0', 16, id) AS s FROM t UNION ALL SELECT parity.tally_agg('int', '0', 32, id) FROM t) x;
SELECT combined(s) = (SELECT parity.tally_agg('int', '1', 16, id) FROM t) AS merged FROM (SELECT parity.tally_agg('int', '1', 16, id) AS s FROM t GROUP BY id % 5) x;
-- states that say they have other cells than their length, or than their sketch
SELECT combined(s) FROM (SELECT parity.tally_agg('int', '0', 0, id) AS s FROM t UNION ALL SELECT overlay(parity.tally_agg('int', '0', 0, id) PLACING '\x10000000' FROM 9) FROM t) x;
SELECT combined(s) FROM (SELECT parity.tally_agg('int', '0', 16, id) AS s FROM t UNION ALL SELECT overlay(parity.tally_agg('int', '0', 16, id) PLACING '\x00000000' FROM 9) FROM t) x;
SELECT combined(s) FROM (SELECT parity.tally_agg('int', '0', 16, id) AS s FROM t UNION ALL SELECT overlay(parity.tally_agg('int', '0', 16, id) PLACING '\x20000000' FROM length(parity.tally_agg('int', '0', 0, id)) + 1) FROM t) x;
-- called as plain functions
SELECT parity.digest_accum(NULL, 1) = parity.digest_agg(1) AS plain;
SELECT parity.digest_accum_inv(parity.digest_agg(id), 1) = parity.digest_agg(id) FILTER (WHERE id <> 1) AS inverse FROM ONLY t;
SELECT parity.digest_accum_inv(NULL, 1);
SELECT aggfnoid::regprocedure, aggcombinefn, aggserialfn, proparallel FROM pg_aggregate JOIN pg_proc p ON p.oid = aggfnoid
WHERE pronamespace = 'parity'::regnamespace ORDER BY aggfnoid::regprocedure::text COLLATE "C";
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA aggregate CASCADE;
