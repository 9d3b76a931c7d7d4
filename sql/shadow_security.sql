-- shadows: what runs with whose names and rights, and what proves nothing
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_parity_keeper, regress_parity_mallory;
CREATE ROLE regress_parity_keeper;
CREATE ROLE regress_parity_mallory;
CREATE SCHEMA shadow_open;
CREATE SCHEMA shadow_kept AUTHORIZATION regress_parity_keeper;
CREATE SCHEMA shadow_theirs;
GRANT USAGE, CREATE ON SCHEMA shadow_open TO PUBLIC;
GRANT USAGE ON SCHEMA shadow_kept, shadow_theirs TO PUBLIC;

-- a schema of the stored search_path is open to others: their operators and functions are not run
SET search_path = shadow_open, pg_catalog;
CREATE TABLE shadow_kept.a (id int8 PRIMARY KEY, s varchar NOT NULL, n int8 NOT NULL);
CREATE TABLE shadow_kept.b (id int8 PRIMARY KEY, done bool NOT NULL, n int8 NOT NULL CHECK (n < 100));
INSERT INTO shadow_kept.a SELECT i, CASE WHEN i % 2 = 0 THEN 'done' ELSE 'open' END, i FROM generate_series(1, 20) i;
DO $$ BEGIN PERFORM parity.shadow_create('open', 'shadow_kept.a', 'shadow_kept.b', filter => 'n > 2',
    columns => '{"done": "s = ''done''", "n": "n"}', reverse => '{"s": "CASE WHEN done THEN ''done'' ELSE ''open'' END", "n": "n"}'); END $$;
RESET search_path;
SET ROLE regress_parity_mallory;
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT * FROM (VALUES
        ('varchar', '=', 'varchar'), ('text', '=', 'text'), ('text', '<>', 'text'), ('text', '||', 'text'), ('bytea', '<>', 'bytea'),
        ('jsonb', '->>', 'text'), ('jsonb', '->', 'text'), ('int8', '>', 'int4'), ('int8', '>', 'int8'), ('int8', '<', 'int8'),
        ('int8', '<=', 'int4'), ('int8', '<=', 'int8'), ('int8', '=', 'int8'), ('int8', '/', 'int4')) v(l, op, r) LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION shadow_open.trap(%s, %s) RETURNS bool LANGUAGE plpgsql AS $f$ BEGIN RAISE SQLSTATE ''XX999'' USING MESSAGE = ''a trap was run as '' || current_user; END $f$', t.l, t.r);
        EXECUTE format('CREATE OPERATOR shadow_open.%s (LEFTARG = %s, RIGHTARG = %s, PROCEDURE = shadow_open.trap)', t.op, t.l, t.r);
    END LOOP;
    CREATE FUNCTION shadow_open.trap(int8) RETURNS int8 LANGUAGE plpgsql AS $f$ BEGIN RAISE SQLSTATE 'XX999' USING MESSAGE = 'a trap was run'; END $f$;
    CREATE FUNCTION shadow_open.trap(int8, jsonb) RETURNS int8 LANGUAGE plpgsql AS $f$ BEGIN RAISE SQLSTATE 'XX999' USING MESSAGE = 'a trap was run'; END $f$;
    CREATE AGGREGATE shadow_open.count(*) (SFUNC = shadow_open.trap, STYPE = int8);
    CREATE AGGREGATE shadow_open.jsonb_agg(jsonb) (SFUNC = shadow_open.trap, STYPE = int8);
    CREATE FUNCTION shadow_open.to_jsonb(bool) RETURNS jsonb LANGUAGE plpgsql AS $f$ BEGIN RAISE SQLSTATE 'XX999' USING MESSAGE = 'a trap was run'; END $f$;
    CREATE FUNCTION shadow_open.jsonb_array_elements_text(jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $f$ BEGIN RAISE SQLSTATE 'XX999' USING MESSAGE = 'a trap was run'; END $f$;
    CREATE DOMAIN shadow_open.text AS pg_catalog.text CHECK (false);
    CREATE DOMAIN shadow_open.int8 AS pg_catalog.int8 CHECK (false);
END
$$;
RESET ROLE;
SELECT parity.shadow_start('open');
CALL parity.shadow_backfill('open', batch_rows => 7);
SELECT * FROM parity.shadow_verify('open');
-- again, upon what is there; and by row
UPDATE shadow_kept.b SET n = 0 WHERE id = 5;
DELETE FROM shadow_kept.b WHERE id = 6;
INSERT INTO shadow_kept.b VALUES (1, true, 1);
SELECT status, differing, columns, detail FROM parity.shadow_verify('open');
SELECT * FROM parity.shadow_diff('open') ORDER BY key;
CALL parity.shadow_backfill('open', batch_rows => 7);
SELECT * FROM parity.shadow_heal('open', everything => true);
SELECT status FROM parity.shadow_verify('open');
ALTER TABLE shadow_kept.a DISABLE TRIGGER USER;
UPDATE shadow_kept.a SET n = 100 WHERE id = 9;
ALTER TABLE shadow_kept.a ENABLE TRIGGER USER;
DELETE FROM shadow_kept.b;
CALL parity.shadow_backfill('open', batch_rows => 7);
SELECT key, operation, sqlstate FROM parity.drift WHERE shadow = 'open';
SELECT * FROM parity.shadow_heal('open');
ALTER TABLE shadow_kept.a DISABLE TRIGGER USER;
UPDATE shadow_kept.a SET n = 9, s = 'other' WHERE id = 9;
ALTER TABLE shadow_kept.a ENABLE TRIGGER USER;
SELECT * FROM parity.shadow_heal('open');
SELECT status, detail FROM parity.shadow_verify('open');
SELECT parity.shadow_drop('open', true);
DROP SCHEMA shadow_open CASCADE;
CREATE SCHEMA shadow_open;

-- a function of the mapping finds its names wherever the mapping is read
CREATE TABLE shadow_kept.c (id int PRIMARY KEY, v text);
CREATE TABLE shadow_kept.d (id int PRIMARY KEY, v text);
INSERT INTO shadow_kept.c SELECT i, 'x' || i FROM generate_series(1, 5) i;
SET search_path = shadow_open, public;
CREATE FUNCTION inner_f(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT upper($1)';
CREATE FUNCTION outer_f(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN inner_f($1); END';
DO $$ BEGIN PERFORM parity.shadow_create('path', 'shadow_kept.c', 'shadow_kept.d', filter => 'v <> outer_f(''none'')',
    columns => '{"v": "outer_f(v)"}', reverse => '{"v": "lower(v)"}'); END $$;
RESET search_path;
SELECT parity.shadow_start('path');
CALL parity.shadow_backfill('path');
SELECT status, source_rows, detail FROM parity.shadow_verify('path');
UPDATE shadow_kept.c SET v = 'y' WHERE id = 1;
UPDATE shadow_kept.d SET v = 'Z' WHERE id = 2;
SELECT * FROM parity.shadow_diff('path');
SELECT status, columns, detail FROM parity.shadow_verify('path');
SELECT * FROM parity.shadow_heal('path', everything => true);
SELECT status, detail FROM parity.shadow_verify('path');
SELECT * FROM shadow_kept.d ORDER BY id;
SHOW search_path;
SELECT parity.shadow_drop('path', true);

-- an old snapshot proves nothing
DO $$ BEGIN PERFORM parity.shadow_create('proof', 'shadow_kept.c', 'shadow_kept.d'); END $$;
TRUNCATE shadow_kept.d;
SELECT parity.shadow_start('proof');
CALL parity.shadow_backfill('proof');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT status, detail FROM parity.shadow_verify('proof');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT status, detail FROM parity.shadow_verify('proof');
COMMIT;
SELECT verified_at IS NOT NULL AS verified FROM parity.shadow WHERE name = 'proof';
SELECT status, detail FROM parity.shadow_verify('proof');
SELECT verified_at IS NOT NULL AS verified, verified_as IS NOT NULL AS signed, unreturning FROM parity.shadow WHERE name = 'proof';
-- a difference that is found takes an older verification back
ALTER TABLE shadow_kept.c DISABLE TRIGGER USER;
UPDATE shadow_kept.c SET v = 'lost' WHERE id = 3;
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT tgname, tgtype & 1 AS by_row FROM pg_trigger WHERE tgrelid = 'shadow_kept.c'::regclass AND NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE shadow_kept.c ENABLE %s TRIGGER %I', CASE t.by_row WHEN 1 THEN 'REPLICA' ELSE 'ALWAYS' END, t.tgname);
    END LOOP;
END
$$;
-- as it was signed before
UPDATE parity.shadow SET verified_as = parity.shadow_signature(name) WHERE name = 'proof';
SELECT passed, detail <> '' AS detail FROM parity.shadow_gates('proof') WHERE gate = 'verified';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT status, detail FROM parity.shadow_verify('proof');
COMMIT;
SELECT verified_at IS NOT NULL AS verified FROM parity.shadow WHERE name = 'proof';
SELECT status, detail FROM parity.shadow_verify('proof');
SELECT verified_at IS NOT NULL AS verified, verified_as IS NOT NULL AS signed, unreturning FROM parity.shadow WHERE name = 'proof';
SELECT passed, detail FROM parity.shadow_gates('proof') WHERE gate = 'verified';
SELECT parity.shadow_drop('proof', true);

-- an owner cannot have others' views dropped for him
CREATE VIEW shadow_theirs.precious AS SELECT 1 AS x;
SET ROLE regress_parity_keeper;
CREATE TABLE shadow_kept.e (id int PRIMARY KEY, v text);
CREATE TABLE shadow_kept.f (id int PRIMARY KEY, v text);
DO $$ BEGIN PERFORM parity.shadow_create('kept', 'shadow_kept.e', 'shadow_kept.f'); END $$;
UPDATE parity.shadow SET source_view = 'shadow_theirs.precious' WHERE name = 'kept';
UPDATE parity.shadow SET target_view = 'shadow_theirs.precious' WHERE name = 'kept';
-- numbers that no mapping has
UPDATE parity.shadow SET key_columns = 0 WHERE name = 'kept';
UPDATE parity.shadow SET key_columns = 33, forward_columns = 33, backward_columns = 33 WHERE name = 'kept';
UPDATE parity.shadow SET forward_columns = 2147483647 WHERE name = 'kept';
UPDATE parity.shadow SET forward_columns = 0 WHERE name = 'kept';
UPDATE parity.shadow SET backward_columns = 1601 WHERE name = 'kept';
UPDATE parity.shadow SET backward_columns = 0 WHERE name = 'kept';
RESET ROLE;
-- whoever brought one in
UPDATE parity.shadow SET source_view = 'shadow_theirs.precious' WHERE name = 'kept';
SELECT parity.shadow_drop('kept');
SELECT to_regclass('shadow_theirs.precious') IS NOT NULL AS there, to_regclass('shadow_kept.kept_parity_target') IS NULL AS gone;

-- nor have others' sequences set for him, by a default that names one
CREATE SEQUENCE shadow_theirs.theirs START 1000000;
CREATE SEQUENCE shadow_theirs.quiet START 9000000;
SET ROLE regress_parity_keeper;
CREATE SEQUENCE shadow_kept.own;
SELECT setval('shadow_kept.own', 5000000);
CREATE TABLE shadow_kept.g (id int PRIMARY KEY DEFAULT nextval('shadow_kept.own'), v text);
CREATE TABLE shadow_kept.h (id int PRIMARY KEY DEFAULT nextval('shadow_theirs.theirs'), v text);
DO $$ BEGIN PERFORM parity.shadow_create('sequence', 'shadow_kept.g', 'shadow_kept.h'); END $$;
SELECT parity.shadow_start('sequence');
CALL parity.shadow_backfill('sequence');
SELECT status FROM parity.shadow_verify('sequence');
RESET ROLE;
SELECT * FROM parity.shadow_inventory('sequence') WHERE item LIKE 'sequence%';
SELECT parity.shadow_cutover('sequence', compare => 'verified');
SELECT last_value, is_called FROM shadow_theirs.theirs;
-- one that needs not be set is left alone
ALTER TABLE shadow_kept.h ALTER id SET DEFAULT nextval('shadow_theirs.quiet');
SELECT status FROM parity.shadow_verify('sequence');
SELECT item FROM parity.shadow_inventory('sequence') WHERE item LIKE 'sequence%';
BEGIN;
SELECT parity.shadow_cutover('sequence', compare => 'verified');
SELECT last_value, is_called FROM shadow_theirs.quiet;
ROLLBACK;
ALTER TABLE shadow_kept.h ALTER id SET DEFAULT nextval('shadow_theirs.theirs');
SELECT status FROM parity.shadow_verify('sequence');
GRANT SELECT, UPDATE ON SEQUENCE shadow_theirs.theirs TO regress_parity_keeper;
SELECT item FROM parity.shadow_inventory('sequence') WHERE item = 'sequence shadow_theirs.theirs';
BEGIN;
SELECT parity.shadow_cutover('sequence', compare => 'verified');
SELECT last_value, is_called FROM shadow_theirs.theirs;
ROLLBACK;
-- nor names swapped of what is not his
ALTER TABLE shadow_kept.h OWNER TO CURRENT_USER;
SELECT parity.shadow_swap_names(s) FROM parity.shadow s WHERE name = 'sequence';
SELECT parity.shadow_drop('sequence', true);

-- the check of a domain that only a column has which the mapping does not name
GRANT USAGE, CREATE ON SCHEMA shadow_open TO PUBLIC;
SET ROLE regress_parity_keeper;
SET search_path = shadow_kept;
CREATE FUNCTION helper(int4) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION checked(x int4) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN helper(x); END';
CREATE DOMAIN checked AS int4 CHECK (checked(VALUE));
CREATE TABLE i (id int4 PRIMARY KEY, v int4);
CREATE TABLE j (id int4 PRIMARY KEY, v int4, extra checked);
DO $$ BEGIN PERFORM parity.shadow_create('domain', 'i', 'j'); PERFORM parity.shadow_start('domain'); END $$;
GRANT ALL ON i TO regress_parity_mallory;
SET ROLE regress_parity_mallory;
CREATE FUNCTION shadow_open.helper(int4) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE 'XX999' USING MESSAGE = 'a trap was run as ' || current_user; END $$;
SET search_path = shadow_open, shadow_kept;
INSERT INTO i VALUES (1, 1);
INSERT INTO i VALUES (2, 1), (3, 3);
RESET ROLE;
RESET search_path;
SELECT key, sqlstate, message FROM parity.drift WHERE shadow = 'domain';
TABLE shadow_kept.j;
SELECT parity.shadow_drop('domain', true);

DROP SCHEMA shadow_open, shadow_kept, shadow_theirs CASCADE;
DROP OWNED BY regress_parity_keeper, regress_parity_mallory;
DROP ROLE regress_parity_keeper, regress_parity_mallory;
