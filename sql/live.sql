-- live checksums: the functions, who may call them, which tables they take
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET parity.progress = off;
CREATE SCHEMA live;
SET search_path = live, parity;
-- what live_checksum says beside checksum; the error in words when it is not exact
CREATE FUNCTION live(rel regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text; d text; h text;
BEGIN
    RETURN CASE WHEN parity.live_checksum(rel) = parity.checksum(rel) THEN 'live = full' ELSE 'LIVE DIFFERS' END;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RETURN concat_ws(' / ', m, regexp_replace(d, 'since [0-9][^:]*:[^:]*:[^:]*:', 'since (time):'), h);
END $$;
CREATE FUNCTION status(rel regclass) RETURNS text LANGUAGE sql AS
    $$SELECT concat_ws(': ', regexp_replace(s.status, 'since .*', 'since (time)'), s.reason) FROM parity.live_status s WHERE s.rel = $1$$;

-- one table, from its first digest on
CREATE TABLE t (id int PRIMARY KEY, name text, amount numeric(10, 2));
INSERT INTO t SELECT i, 'name ' || i, i / 4.0 FROM generate_series(1, 100) i;
SELECT parity.live_checksum('t');
SELECT * FROM parity.live_status;
SELECT parity.track('t');
SELECT rel, status, reason, bits, deltas, tracked_at BETWEEN now() - interval '1 hour' AND now() AS tracked_at FROM parity.live_status;
-- the golden one: as checksum of the same rows gives it anywhere
SELECT parity.live_checksum('t'), parity.live_checksum('t') = parity.checksum('t') AS equal;
INSERT INTO t VALUES (101, 'new', NULL), (102, NULL, 1);
SELECT parity.live_checksum('t') = parity.checksum('t') AS equal, parity.digest_rows(parity.live_checksum('t')) AS rows;
UPDATE t SET name = upper(name) WHERE id % 3 = 0;
SELECT parity.live_checksum('t') = parity.checksum('t') AS equal;
DELETE FROM t WHERE id > 50;
SELECT parity.live_checksum('t') = parity.checksum('t') AS equal, parity.digest_rows(parity.live_checksum('t')) AS rows;
SELECT match, live = checksum AS equal, live = parity.checksum('t') AS same FROM parity.live_verify('t');
DELETE FROM t;
SELECT parity.live_checksum('t') = parity.checksum('t') AS equal, parity.live_checksum('t');
INSERT INTO t SELECT i, 'name ' || i, i / 4.0 FROM generate_series(1, 100) i;
SELECT parity.live_checksum('t') = parity.checksum('t') AS equal, live('t'), status('t');
-- several tables in one statement, in a WHERE, in a lateral join, in a function, in a prepared statement
CREATE TABLE u AS SELECT i AS a, i % 3 AS b FROM generate_series(1, 30) i;
SELECT parity.track('u');
SELECT rel FROM parity.live_status WHERE parity.live_checksum(rel) = parity.checksum(rel) ORDER BY rel::text;
SELECT s.rel, parity.digest_rows(l) AS rows FROM parity.live_status s, LATERAL parity.live_checksum(s.rel) l ORDER BY s.rel::text;
CREATE FUNCTION rows_of(r regclass) RETURNS bigint LANGUAGE plpgsql STABLE AS $$BEGIN RETURN parity.digest_rows(parity.live_checksum(r)); END$$;
SELECT rows_of('t'), rows_of('u');
PREPARE p (regclass) AS SELECT parity.live_checksum($1) = parity.checksum($1) AS equal;
EXECUTE p('t');
INSERT INTO u VALUES (100, 0);
EXECUTE p('u');
-- settings of the session do not matter
CREATE TABLE settings (id int PRIMARY KEY, at timestamptz, d date, i interval, f float8, b bytea, x xml, m money);
INSERT INTO settings VALUES (1, now(), now(), '1 day 02:03:04', 1.0 / 3, '\xff00', NULL, 1.5);
ALTER TABLE settings DROP COLUMN m, DROP COLUMN x;
SELECT parity.track('settings');
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German, DMY';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = -10;
SET bytea_output = 'escape';
SET search_path = pg_catalog;
INSERT INTO live.settings SELECT 2, now(), now(), '-1 day 02:03:04', 2.0 / 3, '\x5c';
UPDATE live.settings SET f = f / 7 WHERE id = 1;
RESET TimeZone;
RESET DateStyle;
RESET IntervalStyle;
RESET extra_float_digits;
RESET bytea_output;
SET search_path = live, parity;
SELECT live('settings');

-- again: anew. No longer: an error, nothing is left on the table, and it can be tracked again
SELECT parity.track('t');
SELECT live('t'), status('t'), (SELECT count(*) FROM parity.live_status WHERE rel = 't'::regclass) AS once;
SELECT parity.untrack('t');
SELECT parity.live_checksum('t');
SELECT parity.live_verify('t');
SELECT parity.live_buckets('t');
SELECT parity.live_compact('t');
SELECT parity.untrack('t');
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 't'::regclass;
INSERT INTO t VALUES (200, 'not seen', 0);
SELECT parity.track('t');
SELECT live('t'), status('t');
-- in a transaction that is rolled back
BEGIN;
SELECT parity.untrack('t');
INSERT INTO t VALUES (201, 'undone', 0);
ROLLBACK;
INSERT INTO t VALUES (202, 'kept', 0);
SELECT live('t');
BEGIN;
INSERT INTO t VALUES (203, 'before', 0);
SELECT parity.untrack('t');
INSERT INTO t VALUES (204, 'between', 0);
SELECT parity.track('t');
INSERT INTO t VALUES (205, 'after', 0);
SELECT parity.live_checksum('t') = parity.checksum('t') AS equal;
COMMIT;
SELECT live('t'), status('t');
BEGIN;
INSERT INTO t VALUES (206, 'before', 0);
SAVEPOINT s;
SELECT parity.track('t');
INSERT INTO t VALUES (207, 'after', 0);
SELECT parity.live_checksum('t') = parity.checksum('t') AS equal;
ROLLBACK TO s;
INSERT INTO t VALUES (208, 'then', 0);
SELECT parity.live_checksum('t') = parity.checksum('t') AS equal;
COMMIT;
SELECT live('t'), status('t');
BEGIN;
CREATE TABLE fresh (a int);
INSERT INTO fresh VALUES (1);
SELECT parity.track('fresh');
INSERT INTO fresh VALUES (2);
SELECT parity.live_checksum('fresh') = parity.checksum('fresh') AS equal;
DROP TABLE fresh;
COMMIT;
-- in a READ ONLY transaction
BEGIN READ ONLY;
SELECT parity.live_checksum('t') = parity.checksum('t') AS equal;
SELECT match FROM parity.live_verify('t');
ROLLBACK;
BEGIN READ ONLY;
SELECT parity.track('t');
ROLLBACK;
BEGIN READ ONLY;
SELECT parity.untrack('t');
ROLLBACK;
BEGIN READ ONLY;
SELECT parity.live_compact('t');
ROLLBACK;

-- arguments
SELECT parity.track(NULL);
SELECT parity.track('no_such_table');
SELECT parity.track('t', -1);
SELECT parity.track('t', 13);
SELECT parity.track(0);
SELECT parity.live_checksum(NULL);
SELECT parity.live_checksum(4294967295);
SELECT parity.live_buckets(NULL);
SELECT parity.live_verify(NULL);
SELECT parity.untrack(NULL);
-- a refused track leaves the old one as it was
SELECT live('t'), status('t');

-- buckets: as parity.buckets gives them
CREATE TABLE b (id int PRIMARY KEY, v text);
INSERT INTO b SELECT i, 'v' || i FROM generate_series(1, 1000) i;
SELECT parity.track('b');
SELECT * FROM parity.live_buckets('b');
CREATE FUNCTION buckets_equal(rel regclass, bits int) RETURNS boolean LANGUAGE sql AS
    $$SELECT NOT EXISTS (SELECT FROM parity.live_buckets($1) l FULL JOIN parity.buckets($1, $2) f USING (bucket) WHERE (l.digest = f.digest) IS NOT TRUE)$$;
CREATE FUNCTION try_bits(n int) RETURNS TABLE (bits int, filled text, written text, emptied text, folded text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM parity.track('b', try_bits.n);
    bits := try_bits.n;
    filled := buckets_equal('b', try_bits.n) || ', ' || live('b') || ', ' || (SELECT count(*) FROM parity.live_buckets('b'));
    UPDATE b SET v = v || '!' WHERE id % 7 = 0;
    DELETE FROM b WHERE id > 900;
    INSERT INTO b SELECT i, NULL FROM generate_series(2001, 2010) i;
    written := buckets_equal('b', try_bits.n) || ', ' || live('b') || ', ' || (SELECT count(*) FROM parity.live_buckets('b'));
    DELETE FROM b;
    emptied := buckets_equal('b', try_bits.n) || ', ' || live('b') || ', ' || (SELECT count(*) FROM parity.live_buckets('b'));
    INSERT INTO b SELECT i, 'v' || i FROM generate_series(1, 1000) i;
    PERFORM parity.live_compact('b');
    folded := buckets_equal('b', try_bits.n) || ', ' || live('b') || ', ' || (SELECT count(*) FROM parity.live_buckets('b'));
    RETURN NEXT;
END $$;
SELECT t.* FROM unnest('{0,1,4,8,12}'::int[]) n, try_bits(n) t ORDER BY t.bits;
SELECT parity.sum(digest) = parity.checksum('b') AS sum, array_agg(bucket) = array_agg(bucket ORDER BY bucket) AS ordered FROM parity.live_buckets('b');
SELECT rel, status, bits FROM parity.live_status WHERE rel = 'b'::regclass;
-- an update that moves a row from bucket to bucket, after commits and a compaction
UPDATE b SET id = id + 5000 WHERE id <= 500;
SELECT buckets_equal('b', 12), live('b');
SELECT parity.live_compact('b') >= 0 AS compacted;
UPDATE b SET id = id - 5000 WHERE id > 5000;
SELECT buckets_equal('b', 12), live('b');
-- no key
CREATE TABLE keyless (a int, b text);
INSERT INTO keyless SELECT i % 5, NULL FROM generate_series(1, 50) i;
SELECT parity.track('keyless', 4);
DELETE FROM keyless WHERE ctid = '(0,3)';
INSERT INTO keyless VALUES (1, NULL), (1, NULL);
SELECT buckets_equal('keyless', 4), live('keyless');

-- compaction
CREATE TABLE folds (round int, before bigint, folded bigint, after bigint, ok boolean);
DO $$
DECLARE b bigint; f bigint;
BEGIN
    FOR i IN 1..5 LOOP
        FOR j IN 1..3 LOOP
            INSERT INTO keyless VALUES (i, 'round ' || j);
            COMMIT;
        END LOOP;
        SELECT deltas INTO b FROM live_status WHERE rel = 'keyless'::regclass;
        SELECT live_compact('keyless') INTO f;
        INSERT INTO folds SELECT i, b, f, s.deltas, live_checksum('keyless') = checksum('keyless') FROM live_status s WHERE rel = 'keyless'::regclass;
        COMMIT;
    END LOOP;
END $$;
SELECT bool_and(before = folded) AS as_shown, bool_or(folded = 3) AS folded, bool_and(after = 0) AS all, bool_and(ok) AS equal FROM folds;
SELECT parity.live_compact('keyless'), parity.live_compact() >= 0 AS others;
-- many transactions: folded on the way, without a call
DO $$ BEGIN FOR i IN 1..3000 LOOP UPDATE keyless SET a = a + 1 WHERE b = 'round 1'; COMMIT; END LOOP; END $$;
SELECT live('keyless'), buckets_equal('keyless', 4), deltas < 3000 AS folded FROM parity.live_status WHERE rel = 'keyless'::regclass;

-- damage behind the triggers' back: live_verify finds it and says so from then on
SELECT live('t');
UPDATE pg_class SET relhastriggers = false WHERE oid = 't'::regclass;
INSERT INTO t VALUES (300, 'unseen', 0);
UPDATE pg_class SET relhastriggers = true WHERE oid = 't'::regclass;
SELECT match, parity.digest_rows(checksum) - parity.digest_rows(live) AS rows FROM parity.live_verify('t');
SELECT status('t');
SELECT live('t');
DO $$ BEGIN PERFORM parity.live_verify('t'); EXCEPTION WHEN object_not_in_prerequisite_state THEN RAISE WARNING '%', SQLERRM; END $$;
SELECT parity.track('t');
SELECT live('t'), status('t'), match FROM parity.live_verify('t');

-- who may do what
DROP ROLE IF EXISTS regress_parity_live_owner, regress_parity_live_reader, regress_parity_live_column, regress_parity_live_writer;
CREATE ROLE regress_parity_live_owner;
CREATE ROLE regress_parity_live_reader;
CREATE ROLE regress_parity_live_column;
CREATE ROLE regress_parity_live_writer;
GRANT USAGE ON SCHEMA live TO PUBLIC;
GRANT CREATE ON SCHEMA live TO regress_parity_live_owner;
SET ROLE regress_parity_live_owner;
CREATE TABLE owned (id int PRIMARY KEY, secret text, public text);
INSERT INTO owned VALUES (1, 'a', 'x'), (2, 'b', 'y');
GRANT SELECT ON owned TO regress_parity_live_reader;
GRANT SELECT (id, public) ON owned TO regress_parity_live_column;
GRANT INSERT, DELETE, TRUNCATE, TRIGGER, REFERENCES ON owned TO regress_parity_live_writer;
SELECT parity.track('owned', 2);
SET ROLE regress_parity_live_reader;
SELECT parity.live_checksum('owned') = parity.checksum('owned') AS equal, buckets_equal('owned', 2);
SELECT match FROM parity.live_verify('owned');
SELECT parity.track('owned');
SELECT parity.untrack('owned');
SELECT parity.live_compact('owned');
-- the rest of the database is not his either
SELECT parity.live_compact();
-- a column that may not be read is in the digest
SET ROLE regress_parity_live_column;
SELECT parity.live_checksum('owned');
SELECT parity.live_buckets('owned');
SELECT parity.live_verify('owned');
-- who may write but not read: the triggers count for him
SET ROLE regress_parity_live_writer;
INSERT INTO live.owned VALUES (3, 'c', 'z');
SELECT parity.live_checksum('owned');
SELECT parity.track('owned');
SELECT * FROM parity.live_delta;
DELETE FROM parity.live_delta;
INSERT INTO parity.live_delta DEFAULT VALUES;
UPDATE parity.live SET id = 1;
DELETE FROM parity.live_base;
TRUNCATE parity.live_stale;
TRUNCATE live.owned;
INSERT INTO live.owned VALUES (4, 'd', 'z');
-- the trigger function alone is of no use, nor with the number of a table of somebody else
CREATE TEMP TABLE mine (id int);
CREATE TRIGGER mine AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION parity.live_capture();
INSERT INTO mine VALUES (1);
DROP TABLE IF EXISTS mine;
CREATE TEMP TABLE mine (id int, public int);
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE TRIGGER rows AFTER INSERT OR UPDATE OR DELETE ON mine FOR EACH ROW EXECUTE FUNCTION parity.live_capture(%1$L);
        CREATE TRIGGER trunc AFTER TRUNCATE ON mine FOR EACH STATEMENT EXECUTE FUNCTION parity.live_capture(%1$L)', min(substring(encode(tgargs, 'escape') FROM '^[0-9a-f]+'))) FROM pg_trigger WHERE tgrelid = 'live.owned'::regclass);
EXCEPTION WHEN OTHERS THEN RAISE WARNING '%', SQLERRM;
END $$;
INSERT INTO mine VALUES (1, 1);
TRUNCATE mine;
INSERT INTO mine VALUES (1, 1);
DROP TABLE IF EXISTS mine;
SELECT parity.live_capture();
RESET ROLE;
SELECT live('owned'), buckets_equal('owned', 2), status('owned');
-- a column that is left out need not be readable
SET ROLE regress_parity_live_owner;
SELECT parity.set_spec('owned', '{"exclude": ["secret"]}');
SELECT parity.track('owned');
SET ROLE regress_parity_live_column;
SELECT parity.digest_rows(parity.live_checksum('owned')) AS rows;
RESET ROLE;
SELECT live('owned');
-- row-level security that hides rows is an error, never a smaller checksum
SET ROLE regress_parity_live_owner;
CREATE TABLE rls (id int PRIMARY KEY, who text);
INSERT INTO rls VALUES (1, 'regress_parity_live_reader'), (2, 'somebody');
SELECT parity.track('rls');
ALTER TABLE rls ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON rls USING (who = current_user);
GRANT SELECT, INSERT, UPDATE, DELETE ON rls TO regress_parity_live_reader;
SELECT live('rls'), status('rls');
SET ROLE regress_parity_live_reader;
SELECT parity.live_checksum('rls');
SELECT parity.live_verify('rls');
INSERT INTO rls VALUES (3, 'regress_parity_live_reader');
UPDATE rls SET id = id + 10;
DELETE FROM rls WHERE id = 13;
SET ROLE regress_parity_live_owner;
SELECT live('rls');
ALTER TABLE rls FORCE ROW LEVEL SECURITY;
SELECT parity.live_checksum('rls');
SELECT parity.track('rls');
ALTER TABLE rls NO FORCE ROW LEVEL SECURITY;
SELECT live('rls');
-- another owner
RESET ROLE;
ALTER TABLE owned OWNER TO regress_parity_live_writer;
SELECT live('owned'), status('owned');
SET ROLE regress_parity_live_owner;
SELECT parity.untrack('owned');
SET ROLE regress_parity_live_writer;
INSERT INTO live.owned VALUES (5, 'e', 'z');
SELECT live.live('live.owned');
SELECT parity.untrack('live.owned');
RESET ROLE;
DROP TABLE owned, rls;
REVOKE CREATE ON SCHEMA live FROM regress_parity_live_owner;
REVOKE USAGE ON SCHEMA live FROM PUBLIC;
DROP ROLE regress_parity_live_owner, regress_parity_live_reader, regress_parity_live_column, regress_parity_live_writer;

-- which tables
CREATE UNLOGGED TABLE unlogged (a int);
SELECT parity.track('unlogged');
CREATE TEMP TABLE temporary (a int);
SELECT parity.track('temporary');
CREATE VIEW v AS SELECT 1 AS a;
SELECT parity.track('v');
CREATE MATERIALIZED VIEW mv AS SELECT 1 AS a;
SELECT parity.track('mv');
CREATE FOREIGN DATA WRAPPER regress_parity_live;
CREATE SERVER regress_parity_live FOREIGN DATA WRAPPER regress_parity_live;
CREATE FOREIGN TABLE ft (a int) SERVER regress_parity_live;
SELECT parity.track('ft');
CREATE SEQUENCE seq;
SELECT parity.track('seq');
SELECT parity.track('t_pkey');
CREATE TYPE pair AS (a int, b text);
SELECT parity.track('pair');
SELECT parity.track('pg_catalog.pg_class');
SELECT parity.track('parity.live_delta');
SELECT parity.track('parity.override');
DO $$
DECLARE m text;
BEGIN
    PERFORM parity.track(reltoastrelid) FROM pg_class WHERE oid = 't'::regclass;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT;
    RAISE WARNING '%: %', SQLSTATE, regexp_replace(m, '\d+', 'N');
END $$;
CREATE TABLE zero ();
SELECT parity.track('zero');
CREATE TABLE foreign_in (a int) PARTITION BY RANGE (a);
CREATE FOREIGN TABLE foreign_in_1 PARTITION OF foreign_in FOR VALUES FROM (0) TO (10) SERVER regress_parity_live;
SELECT parity.track('foreign_in');
CREATE TABLE unlogged_in (a int) PARTITION BY RANGE (a);
CREATE UNLOGGED TABLE unlogged_in_1 PARTITION OF unlogged_in FOR VALUES FROM (0) TO (10);
SELECT parity.track('unlogged_in');
DROP TABLE foreign_in, unlogged_in;
DROP FOREIGN DATA WRAPPER regress_parity_live CASCADE;
-- columns whose text depends on other objects: a rename would change the digest without a write
CREATE TABLE names (id int PRIMARY KEY, r regclass);
SELECT parity.track('names');
CREATE TABLE names2 (id int PRIMARY KEY, r regproc[]);
SELECT parity.track('names2');
CREATE TYPE named AS (a int, r regrole);
CREATE TABLE names3 (id int PRIMARY KEY, r named);
SELECT parity.track('names3');
CREATE DOMAIN dnamed AS regtype;
CREATE TABLE names4 (id int PRIMARY KEY, r dnamed);
SELECT parity.track('names4');
SELECT parity.set_spec('names4', '{"exclude": ["r"]}');
SELECT parity.track('names4');
INSERT INTO names4 VALUES (1, 'int');
SELECT live('names4');
-- many types
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE types (id int PRIMARY KEY, a int[], j json, jb jsonb, p pair, ps pair[], m mood, r int4range, n numeric, u uuid, i inet, bt bit(5), ts timestamp, f float4, c char(5), tv tsvector, pt point);
SELECT parity.track('types', 4);
INSERT INTO types VALUES (1, '{1,NULL}', '{"a": 1.0}', '{"a": 1.0}', '(1,x)', ARRAY['(1,x)', NULL]::pair[], 'ok', '[1,5)', 'NaN', gen_random_uuid(), '::1', '10101', 'infinity', 'NaN', 'ab', 'a b', '(1,2)');
INSERT INTO types (id) VALUES (2);
INSERT INTO types SELECT 3, array_agg(i), json_agg(i), NULL::jsonb, ROW(1, repeat('long', 10000))::pair, NULL::pair[], 'sad'::mood, 'empty'::int4range, 1e100, NULL::uuid, '10.0.0.0/8'::inet, '00000'::bit(5) FROM generate_series(1, 10000) i;
UPDATE types SET p.b = 'changed', a[2] = 5 WHERE id = 1;
UPDATE types SET id = -id;
SELECT live('types'), buckets_equal('types', 4);
-- large values stay in their TOAST table, compressed and not
CREATE TABLE toasted (id int PRIMARY KEY, a text, b text);
ALTER TABLE toasted ALTER b SET STORAGE EXTERNAL;
SELECT parity.track('toasted');
INSERT INTO toasted SELECT i, repeat('abc', 100000), repeat('xyz', 10000) FROM generate_series(1, 3) i;
UPDATE toasted SET id = id + 10;
UPDATE toasted SET a = a || 'x' WHERE id = 11;
DELETE FROM toasted WHERE id = 12;
SELECT live('toasted');
-- many columns
DO $$ BEGIN EXECUTE (SELECT format('CREATE TABLE wide (%s)', string_agg('c' || i || ' int', ', ')) FROM generate_series(1, 1000) i); END $$;
INSERT INTO wide (c1, c1000) SELECT i, -i FROM generate_series(1, 20) i;
SELECT parity.track('wide', 4);
INSERT INTO wide (c500) VALUES (7);
UPDATE wide SET c999 = c1;
SELECT live('wide'), buckets_equal('wide', 4);
-- dropped and generated columns, identity
CREATE TABLE dropped (id int GENERATED ALWAYS AS IDENTITY, gone int, a int, also_gone text, twice int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO dropped (gone, a) VALUES (1, 2);
ALTER TABLE dropped DROP COLUMN gone, DROP COLUMN also_gone;
SELECT parity.track('dropped');
INSERT INTO dropped (a) VALUES (3), (4);
UPDATE dropped SET a = a + 10;
SELECT live('dropped'), max(twice) FROM dropped GROUP BY ();
-- … a generated column that the spec names
SELECT parity.set_spec('dropped', '{"columns": {"twice": "int"}}');
SELECT live('dropped');
SELECT parity.track('dropped');
INSERT INTO dropped (a) VALUES (5);
UPDATE dropped SET a = a * 3 WHERE a > 10;
DELETE FROM dropped WHERE a = 5;
SELECT live('dropped'), count(*), max(twice) FROM dropped;
-- a column added with a default before it was tracked: the old rows do not hold it
CREATE TABLE missing (id int);
INSERT INTO missing VALUES (1), (2);
ALTER TABLE missing ADD COLUMN d text DEFAULT 'default', ADD COLUMN n int;
SELECT parity.track('missing');
UPDATE missing SET n = 1 WHERE id = 1;
DELETE FROM missing WHERE id = 2;
INSERT INTO missing VALUES (3);
SELECT live('missing');
-- hostile names
CREATE SCHEMA "Sch'e""ma; DROP";
CREATE TABLE "Sch'e""ma; DROP"."t""a'b\; --" ("i d" int PRIMARY KEY, "sel""ect" text, "ü" int, "NEW" int, "parity" int);
SELECT parity.track('"Sch''e""ma; DROP"."t""a''b\; --"', 2);
INSERT INTO "Sch'e""ma; DROP"."t""a'b\; --" VALUES (1, 'x', 2, 3, 4);
UPDATE "Sch'e""ma; DROP"."t""a'b\; --" SET "ü" = 7;
SELECT live('"Sch''e""ma; DROP"."t""a''b\; --"'), status('"Sch''e""ma; DROP"."t""a''b\; --"');
TRUNCATE "Sch'e""ma; DROP"."t""a'b\; --";
SELECT live('"Sch''e""ma; DROP"."t""a''b\; --"');
SELECT parity.untrack('"Sch''e""ma; DROP"."t""a''b\; --"');
SELECT parity.live_checksum('"Sch''e""ma; DROP"."t""a''b\; --"');
DROP SCHEMA "Sch'e""ma; DROP" CASCADE;
CREATE TABLE "ein Name mit dreiundsechzig Byte, das ist so lang wie es gehtü" (id int);
SELECT parity.track('"ein Name mit dreiundsechzig Byte, das ist so lang wie es gehtü"');
INSERT INTO "ein Name mit dreiundsechzig Byte, das ist so lang wie es gehtü" VALUES (1);
SELECT live('"ein Name mit dreiundsechzig Byte, das ist so lang wie es gehtü"');
-- triggers of the same names as parity's are there already
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TABLE taken (id int);
DO $$ BEGIN EXECUTE (SELECT string_agg(format('CREATE TRIGGER %I AFTER INSERT ON taken FOR EACH STATEMENT EXECUTE FUNCTION nothing()', tgname), '; ') FROM pg_trigger WHERE tgrelid = 't'::regclass); END $$;
SELECT parity.track('taken');
INSERT INTO taken VALUES (1);
SELECT live('taken');

-- what stands in the documentation of every object
SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'parity' AND d.classid NOT IN ('pg_cast'::regclass)
    AND obj_description(d.objid, d.classid::regclass::name) IS NULL
    AND NOT (d.classid = 'pg_type'::regclass AND (SELECT typrelid <> 0 OR typelem <> 0 FROM pg_type WHERE oid = d.objid)) ORDER BY 1;
DROP SCHEMA live CASCADE;
-- tables that were dropped leave nothing
SELECT count(*) FROM parity.live_status;
SELECT parity.live_compact() >= 0 AS compacted;
SELECT (SELECT count(*) FROM parity.live) AS live, (SELECT count(*) FROM parity.live_base) AS bases, (SELECT count(*) FROM parity.live_delta) AS deltas;
