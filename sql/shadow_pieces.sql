-- shadows: the pieces that are easily left out
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_parity_pieces, regress_parity_writer, regress_parity_other;
CREATE ROLE regress_parity_pieces;
CREATE ROLE regress_parity_writer;
CREATE ROLE regress_parity_other;
CREATE SCHEMA shadow_pieces;
SET search_path = shadow_pieces;
-- starts a shadow of the name of its source
CREATE FUNCTION follow(source text, target text, VARIADIC options text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT parity.shadow_create(%L, %L, %L%s)', source, source, target,
                   (SELECT string_agg(', ' || o, '') FROM unnest(options) o));
    PERFORM parity.shadow_start(source);
END $$;
-- how it stands: equal, or the rows that differ and those that were put aside
CREATE FUNCTION stands(name text) RETURNS TABLE (status text, detail text, aside text) LANGUAGE plpgsql AS $$
BEGIN
    SELECT v.status, v.detail INTO status, detail FROM parity.shadow_verify(name) v;
    aside := (SELECT string_agg(concat_ws(' ', d.key, d.operation, d.sqlstate), ', ' ORDER BY d.at) FROM parity.drift d WHERE d.shadow = name);
    RETURN NEXT;
END $$;

-- ---------------------------------------------------------------- a mapping that is none any more
CREATE TABLE broken (id int PRIMARY KEY, a text);
SELECT follow('broken', 'broken_v2');
INSERT INTO broken VALUES (1, 'a');
DROP VIEW broken_parity_source;
INSERT INTO broken VALUES (2, 'b');
UPDATE broken SET a = 'c';
TABLE broken_v2;
SELECT phase, reason FROM parity.shadow_status WHERE name = 'broken';
SELECT what, detail FROM parity.event WHERE shadow = 'broken' AND what = 'self-stop';
SELECT parity.shadow_drop('broken', force => true);
DROP TABLE broken_v2;
SELECT follow('broken', 'broken_v2', 'on_error => ''abort''');
DROP VIEW broken_parity_source;
INSERT INTO broken VALUES (3, 'b');
SELECT parity.shadow_drop('broken', force => true);
DROP TABLE broken_v2;
-- other owners
SELECT follow('broken', 'broken_v2');
ALTER TABLE broken_v2 OWNER TO regress_parity_other;
INSERT INTO broken VALUES (3, 'b');
SELECT phase, reason FROM parity.shadow_status WHERE name = 'broken';
ALTER TABLE broken_v2 OWNER TO current_user;
SELECT parity.shadow_start('broken');
SELECT * FROM parity.shadow_heal('broken', everything => true);
CALL parity.shadow_backfill('broken');
SELECT * FROM stands('broken');
-- the other table goes, with and without its view; then the first one
DROP TABLE broken_v2;
DROP TABLE broken_v2 CASCADE;
INSERT INTO broken VALUES (4, 'b');
SELECT phase, reason FROM parity.shadow_status WHERE name = 'broken';
SELECT parity.shadow_drop('broken', force => true);
SELECT follow('broken', 'broken_v2');
DROP TABLE broken CASCADE;
SELECT parity.shadow_drop('broken', force => true);
INSERT INTO broken_v2 VALUES (1);
DROP TABLE broken_v2;

-- ---------------------------------------------------------------- what a verification tells
CREATE TABLE proof (id int PRIMARY KEY, s text);
CREATE TABLE proof_v2 (id int PRIMARY KEY, done bool);
INSERT INTO proof VALUES (1, 'done'), (2, 'half');
SELECT follow('proof', 'proof_v2', 'columns => ''{"done": "s = ''''done''''"}''',
    'reverse => ''{"s": "CASE WHEN done THEN ''''done'''' ELSE (1 / (id - 3))::text END"}''');
SELECT unreturning FROM parity.shadow WHERE name = 'proof';
CALL parity.shadow_backfill('proof');
SELECT * FROM stands('proof');
SELECT unreturning FROM parity.shadow WHERE name = 'proof';
INSERT INTO proof VALUES (3, 'half');
SELECT * FROM stands('proof');
SELECT unreturning FROM parity.shadow WHERE name = 'proof';
DELETE FROM proof WHERE id > 1;
SELECT * FROM stands('proof');
SELECT unreturning FROM parity.shadow WHERE name = 'proof';
-- a backfill of an earlier start is none
SELECT parity.shadow_stop('proof');
SELECT parity.shadow_start('proof');
SELECT * FROM stands('proof');
SELECT backfilled FROM parity.shadow_status WHERE name = 'proof';
CALL parity.shadow_backfill('proof');
SELECT * FROM stands('proof');

-- ---------------------------------------------------------------- what changes rows behind the triggers
CREATE FUNCTION still(shadow text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN parity.shadow_signature(name) IS NULL THEN 'a trigger is missing'
                WHEN parity.shadow_signature(name) = verified_as THEN 'as verified' ELSE 'changed' END FROM parity.shadow WHERE name = $1 $$;
-- switches the trigger for INSERT
CREATE FUNCTION switch(source regclass, how text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE (SELECT format('ALTER TABLE %s %s TRIGGER %I', source, how, tgname) FROM pg_trigger WHERE tgrelid = source AND tgname ~ '_insert$');
END $$;
SELECT still('proof');
ALTER TABLE proof ADD n int DEFAULT 5;
SELECT still('proof');
VACUUM FULL proof_v2;
SELECT still('proof');
SELECT * FROM stands('proof');
SELECT still('proof');
ALTER TABLE proof ALTER n TYPE bigint;
SELECT still('proof');
SELECT * FROM stands('proof');
SELECT switch('proof', 'DISABLE');
SELECT still('proof');
SELECT switch('proof', 'ENABLE REPLICA');
SELECT still('proof');
SELECT status, detail FROM parity.shadow_verify('proof');
SELECT switch('proof', 'ENABLE ALWAYS');
SELECT still('proof');
CREATE TABLE heir () INHERITS (proof);
SELECT still('proof');
DROP TABLE heir;
CREATE TABLE heir () INHERITS (proof_v2);
SELECT still('proof');
DROP TABLE heir;
SELECT * FROM stands('proof');
CREATE RULE r AS ON DELETE TO proof_v2 DO INSTEAD NOTHING;
SELECT still('proof');
DROP RULE r ON proof_v2;
SELECT still('proof');
CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER t BEFORE DELETE ON proof_v2 FOR EACH ROW EXECUTE FUNCTION noop();
SELECT still('proof');
SELECT parity.shadow_drop('proof', force => true);
DROP TABLE proof, proof_v2;

-- ---------------------------------------------------------------- partitioned tables
CREATE TABLE parts (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
CREATE TABLE parts_b (v text, region text NOT NULL, id int NOT NULL);
ALTER TABLE parts ATTACH PARTITION parts_b FOR VALUES IN ('b');
CREATE TABLE parts_c PARTITION OF parts FOR VALUES IN ('c', 'd') PARTITION BY LIST (region);
CREATE TABLE parts_cc PARTITION OF parts_c FOR VALUES IN ('c');
CREATE TABLE parts_v2 (id bigint, region text, v text, PRIMARY KEY (id, region)) PARTITION BY HASH (id);
CREATE TABLE parts_v2_0 PARTITION OF parts_v2 FOR VALUES WITH (modulus 2, remainder 0);
CREATE TABLE parts_v2_1 PARTITION OF parts_v2 FOR VALUES WITH (modulus 2, remainder 1);
SELECT follow('parts', 'parts_v2');
CALL parity.shadow_backfill('parts');
INSERT INTO parts SELECT i, r, i || r FROM generate_series(1, 4) i, unnest('{a,b,c}'::text[]) r;
INSERT INTO parts_b VALUES ('direct', 'b', 100);
UPDATE parts_b SET v = 'changed' WHERE id = 1;
UPDATE parts SET region = 'a' WHERE id = 100;
UPDATE parts SET region = 'c', id = id + 10 WHERE region = 'b' AND id > 3;
DELETE FROM parts_cc WHERE id = 1;
SELECT * FROM stands('parts');
UPDATE parts SET region = 'c', id = 15 WHERE id = 3 AND region = 'a';
SELECT * FROM stands('parts');
SELECT still('parts');
-- TRUNCATE of one, of a part with parts, of all
TRUNCATE parts_b;
SELECT count(*), count(*) FILTER (WHERE region = 'b') AS b FROM parts_v2;
SELECT still('parts');
SELECT reason FROM parity.shadow_status WHERE name = 'parts';
SELECT * FROM stands('parts');
TRUNCATE parts_c;
SELECT count(*), count(*) FILTER (WHERE region = 'c') AS c FROM parts_v2;
TRUNCATE parts;
SELECT count(*) FROM parts_v2;
INSERT INTO parts SELECT i, r, i || r FROM generate_series(1, 4) i, unnest('{a,b,c}'::text[]) r;
SELECT * FROM stands('parts');
-- one that goes, and comes again with other rows
ALTER TABLE parts DETACH PARTITION parts_a;
SELECT still('parts');
INSERT INTO parts_a VALUES (50, 'a', 'while away');
TRUNCATE parts_b;
SELECT * FROM stands('parts');
SELECT * FROM parity.shadow_heal('parts', everything => true);
SELECT * FROM stands('parts');
ALTER TABLE parts ATTACH PARTITION parts_a FOR VALUES IN ('a');
SELECT still('parts');
SELECT * FROM stands('parts');
SELECT * FROM parity.shadow_heal('parts', everything => true);
SELECT * FROM stands('parts');
-- a new one is followed; what it does not tell of, its file tells
CREATE TABLE parts_e PARTITION OF parts FOR VALUES IN ('e');
SELECT still('parts');
INSERT INTO parts_e VALUES (1, 'e', 'new');
SELECT * FROM stands('parts');
TRUNCATE parts_e;
SELECT still('parts');
SELECT * FROM stands('parts');
SELECT * FROM parity.shadow_heal('parts', everything => true);
SELECT * FROM stands('parts');
-- others write a partition of the one that follows
UPDATE parts_v2_0 SET v = 'foreign';
SELECT reason FROM parity.shadow_status WHERE name = 'parts';
SELECT * FROM parity.shadow_heal('parts', everything => true);
SELECT * FROM stands('parts');
TRUNCATE parts_v2_0;
SELECT still(name), reason FROM parity.shadow_status WHERE name = 'parts';
SELECT * FROM parity.shadow_heal('parts', everything => true);
SELECT * FROM stands('parts');
-- after a cutover they may not; nor may they empty one
BEGIN;
UPDATE parity.shadow SET direction = 'backward', phase = 'cut over', guarded = true WHERE name = 'parts';
SELECT parity.shadow_arm(s) FROM parity.shadow s WHERE name = 'parts';
SAVEPOINT a;
INSERT INTO parts_b VALUES ('direct', 'b', 100);
ROLLBACK TO a;
TRUNCATE parts_b;
ROLLBACK TO a;
INSERT INTO parts_v2 VALUES (77, 'b', 'back');
DELETE FROM parts_v2_0 WHERE id % 4 = 0;
TABLE parts EXCEPT TABLE parts_v2;
TABLE parts_v2 EXCEPT TABLE parts;
ROLLBACK;
-- a partition's own trigger, of those that leave rows out
CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER t BEFORE UPDATE OR DELETE ON parts_v2_1 FOR EACH ROW EXECUTE FUNCTION leave();
DELETE FROM parts WHERE region = 'a';
SELECT status, aside LIKE '%delete 09000%' AS aside FROM stands('parts');
DROP FUNCTION leave CASCADE;
SELECT failed FROM parity.shadow_heal('parts', everything => true);
SELECT * FROM stands('parts');
-- there and back
SELECT parity.shadow_cutover('parts');
INSERT INTO parts_v2_0 SELECT i, 'b', 'direct' FROM generate_series(200, 220) i
    WHERE satisfies_hash_partition('parts_v2'::regclass, 2, 0, i::bigint);
UPDATE parts_v2 SET id = id + 300 WHERE id < 3;
TRUNCATE parts_v2_1;
SELECT count(*) FROM (TABLE parts EXCEPT SELECT id, region, v FROM parts_v2) x;
SELECT count(*) FROM (SELECT id, region, v FROM parts_v2 EXCEPT TABLE parts) x;
INSERT INTO parts_b VALUES ('direct', 'b', 100);
SELECT parity.shadow_rollback('parts');
SELECT * FROM stands('parts');
SELECT parity.shadow_rollback('parts');
INSERT INTO parts_b VALUES ('direct', 'b', 100);
TRUNCATE parts_c;
SELECT * FROM stands('parts');
ALTER TABLE parts DETACH PARTITION parts_c;
SELECT gate, detail FROM parity.shadow_gates('parts') WHERE NOT passed AND gate <> 'backfill';
ALTER TABLE parts ATTACH PARTITION parts_c FOR VALUES IN ('c', 'd');
SELECT gate, detail FROM parity.shadow_gates('parts') WHERE NOT passed AND gate <> 'backfill';
SELECT * FROM stands('parts');
SELECT gate, detail FROM parity.shadow_gates('parts') WHERE NOT passed AND gate <> 'backfill';
-- no trigger stays, on a partition that is gone either
ALTER TABLE parts DETACH PARTITION parts_b;
SELECT parity.shadow_drop('parts', force => true);
SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE tgname ~ 'parity_shadow';
ALTER TABLE parts_a OWNER TO regress_parity_other;
SELECT parity.shadow_create('parts', 'parts', 'parts_v2');
DROP TABLE parts, parts_b, parts_v2;

-- ---------------------------------------------------------------- deferrable constraints of the table that follows
CREATE TABLE owner_of (id int PRIMARY KEY);
CREATE TABLE late (id int PRIMARY KEY, code int, owner int);
CREATE TABLE late_v2 (id int PRIMARY KEY, code int UNIQUE DEFERRABLE INITIALLY DEFERRED, owner int REFERENCES owner_of DEFERRABLE);
INSERT INTO owner_of VALUES (1);
SET client_min_messages = notice;
SELECT follow('late', 'late_v2', 'max_failures => 100');
SET client_min_messages = warning;
CALL parity.shadow_backfill('late');
INSERT INTO late VALUES (1, 10, 1), (2, 20, 1);
INSERT INTO late VALUES (3, 10, 1);
UPDATE late SET code = 30 - code WHERE id < 3;
-- the user's word counts, before and after
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO late VALUES (4, 40, 4);
INSERT INTO owner_of VALUES (4);
INSERT INTO late VALUES (5, 50, 4);
DELETE FROM owner_of WHERE id = 4;
INSERT INTO owner_of VALUES (4);
COMMIT;
BEGIN;
INSERT INTO late_v2 VALUES (100, 20, 1);
DELETE FROM late_v2 WHERE id = 100;
INSERT INTO late VALUES (6, 60, 1);
COMMIT;
INSERT INTO late VALUES (7, 70, 7);
SELECT * FROM stands('late');
SELECT * FROM parity.shadow_heal('late');
SELECT key, operation, attempts FROM parity.drift WHERE shadow = 'late' ORDER BY at;
UPDATE late SET code = 11 WHERE id = 3;
INSERT INTO owner_of VALUES (7);
SELECT * FROM parity.shadow_heal('late');
SELECT * FROM stands('late');
-- the backfill puts them aside as well
TRUNCATE late_v2;
DELETE FROM owner_of WHERE id = 7;
CALL parity.shadow_backfill('late');
SELECT * FROM stands('late');
SELECT parity.shadow_drop('late', force => true);
-- a name that another table's constraint has
CREATE TABLE namesake (owner int CONSTRAINT late_v2_owner_fkey REFERENCES owner_of);
SELECT parity.shadow_create('late', 'late', 'late_v2');
DROP TABLE namesake, late, late_v2, owner_of;
-- deferred ones on the source are its own matter
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree DEFERRABLE INITIALLY DEFERRED);
SELECT follow('tree', 'tree_v2');
BEGIN;
INSERT INTO tree VALUES (2, 1);
INSERT INTO tree VALUES (1, NULL);
COMMIT;
INSERT INTO tree VALUES (4, 3);
CALL parity.shadow_backfill('tree');
SELECT * FROM stands('tree');
SELECT parity.shadow_drop('tree', force => true);
DROP TABLE tree, tree_v2;

-- ---------------------------------------------------------------- keys of all kinds
CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
SET search_path = shadow_pieces, public;
CREATE DOMAIN number AS int CHECK (value < 1000);
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE keys ("a 1" text COLLATE "C", "b""2" uuid, c citext, d number, e mood, f timestamptz, g numeric, h char(3), i bytea, v text,
                   PRIMARY KEY ("b""2", "a 1", c, d, e, f, g, h, i));
CREATE TABLE keys_v2 (v varchar(5), d int, c citext, "A" text COLLATE "C", "B" uuid, e mood, f timestamptz, g numeric, h char(3), i bytea,
                      UNIQUE ("A", "B", c, d, e, f, g, h, i));
DO $$ DECLARE c text; BEGIN FOREACH c IN ARRAY '{A,B,c,d,e,f,g,h,i}'::text[] LOOP
    EXECUTE format('ALTER TABLE keys_v2 ALTER %I SET NOT NULL', c); END LOOP; END $$;
SELECT follow('keys', 'keys_v2', 'columns => ''{"A": "\"a 1\"", "B": "\"b\"\"2\"", "v": "v"}''', 'max_failures => 100');
INSERT INTO keys SELECT 'k''\' || n, md5(n::text)::uuid, 'Ci' || n, n, 'bad', '2020-01-01 00:00:00.000001+05'::timestamptz + n * interval '1 day',
    n + 0.10, 'h', decode(md5(n::text), 'hex'), 'v' FROM generate_series(1, 6) n;
CALL parity.shadow_backfill('keys', 2);
-- equal, but not the same
UPDATE keys SET c = upper(c), g = g::numeric(9, 4) WHERE d = 1;
UPDATE keys SET c = c || 'x' WHERE d = 2;
UPDATE keys SET v = 'too long' WHERE d IN (3, 4);
DELETE FROM keys WHERE d = 4;
UPDATE keys SET "a 1" = 'other', e = 'good', f = f + interval '1 us', h = 'i' WHERE d = 5;
UPDATE keys_v2 SET v = 'x' WHERE d = 6;
SELECT "A", c, d, e, f AT TIME ZONE 'UTC' AS f, g, h, v FROM keys_v2 ORDER BY d;
SELECT key = ANY (SELECT x.key FROM parity.shadow_diff('keys') x) AS in_diff, jsonb_array_length(key), key -> 3 AS d FROM parity.drift WHERE shadow = 'keys' ORDER BY d;
UPDATE keys SET v = 'short' WHERE d = 3;
SELECT * FROM parity.shadow_heal('keys', everything => true);
CALL parity.shadow_backfill('keys', 2);
SELECT * FROM stands('keys');
SELECT parity.shadow_drop('keys', force => true);
DROP TABLE keys, keys_v2;
DROP EXTENSION citext;
SET search_path = shadow_pieces;
-- put aside as they are read back, whatever the session prints
CREATE TABLE printed (a float8, b daterange, c interval, d timestamp, PRIMARY KEY (a, b, c, d), e text);
CREATE TABLE printed_v2 (a float8, b daterange, c interval, d timestamp, PRIMARY KEY (a, b, c, d), e varchar(3));
SELECT follow('printed', 'printed_v2');
CALL parity.shadow_backfill('printed');
SET extra_float_digits = -5;
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'sql_standard';
INSERT INTO printed VALUES (0.1::float8 + 0.2, '[04/05/2020,05/05/2020)', '-1 day -2:03', '04/05/2020', 'long');
RESET extra_float_digits;
RESET DateStyle;
RESET IntervalStyle;
SELECT key FROM parity.drift WHERE shadow = 'printed';
UPDATE printed SET e = 'ok';
DELETE FROM printed_v2;
SELECT * FROM parity.shadow_heal('printed');
SELECT * FROM stands('printed');
SELECT parity.shadow_drop('printed', force => true);
DROP TABLE printed, printed_v2;

-- ---------------------------------------------------------------- statements that are not one write of one table
CREATE TABLE regions (id int PRIMARY KEY);
CREATE TABLE users (id int PRIMARY KEY, a text, region int REFERENCES regions ON UPDATE CASCADE ON DELETE SET NULL,
                    second int REFERENCES regions ON UPDATE CASCADE ON DELETE CASCADE);
SELECT follow('users', 'users_v2');
INSERT INTO regions SELECT generate_series(1, 5);
INSERT INTO users SELECT i, 'a', i, i FROM generate_series(1, 3) i;
INSERT INTO users VALUES (4, 'a', 4, NULL), (5, 'a', NULL, 5);
UPDATE regions SET id = id + 10;
DELETE FROM regions WHERE id IN (11, 14);
CALL parity.shadow_backfill('users');
SELECT * FROM stands('users');
TABLE users_v2 ORDER BY id;
-- one statement that writes both
WITH x AS (INSERT INTO users VALUES (20, 'right', NULL, NULL)) INSERT INTO users_v2 VALUES (20, 'wrong', NULL, NULL);
WITH x AS (DELETE FROM users WHERE id = 2) UPDATE users_v2 SET a = 'wrong' WHERE id IN (2, 3);
WITH x AS (UPDATE users SET a = 'right' WHERE id = 3 RETURNING id) DELETE FROM users_v2 USING x WHERE users_v2.id = x.id;
TABLE users EXCEPT TABLE users_v2;
TABLE users_v2 EXCEPT TABLE users;
SELECT reason FROM parity.shadow_status WHERE name = 'users';
SELECT * FROM stands('users');
-- functions that write, in a query; one that catches its own errors
CREATE FUNCTION put_user(int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO users VALUES ($1, 'by function');
    UPDATE users SET a = a || '!' WHERE id = $1;
    BEGIN
        UPDATE users SET a = 'gone' WHERE id = $1;
        DELETE FROM users WHERE id = 3;
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
    RETURN (SELECT count(*) FROM users_v2 WHERE id = $1 AND a LIKE '%!');
END $$;
SELECT put_user(i) FROM generate_series(30, 32) i;
SELECT * FROM stands('users');
-- TRUNCATE of several, and by CASCADE
TRUNCATE users, users_v2;
INSERT INTO users VALUES (1, 'a', NULL, NULL);
SELECT * FROM stands('users');
TRUNCATE regions CASCADE;
SELECT count(*) FROM users_v2;
SELECT * FROM stands('users');
BEGIN;
INSERT INTO users VALUES (2, 'a', NULL, NULL);
SAVEPOINT a;
TRUNCATE users;
ROLLBACK TO a;
COMMIT;
SELECT * FROM stands('users');
-- as a subscription or a restore would
SET session_replication_role = replica;
INSERT INTO users VALUES (3, 'replica', 99, 99);
UPDATE users SET a = 'replica' WHERE id = 2;
TRUNCATE users;
INSERT INTO users VALUES (4, 'replica', 99, 99);
UPDATE users_v2 SET a = 'foreign' WHERE id = 0;
RESET session_replication_role;
SELECT reason FROM parity.shadow_status WHERE name = 'users';
SELECT * FROM stands('users');
SELECT parity.shadow_drop('users', force => true);
DROP TABLE users, users_v2, regions;

-- ---------------------------------------------------------------- triggers, rules, generated columns, identity, defaults
CREATE TABLE acts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text, b int GENERATED ALWAYS AS (length(a)) STORED, c int DEFAULT 3);
CREATE TABLE acts_v2 (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text, b int, c bigint, d text DEFAULT 'd', e int GENERATED ALWAYS AS (b * 2) STORED);
CREATE FUNCTION before_act() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RETURN CASE WHEN OLD.a <> 'stays' THEN OLD END;
    ELSIF NEW.a = 'left out' THEN
        RETURN NULL;
    END IF;
    NEW.a := NEW.a || '+';
    RETURN NEW;
END $$;
CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON acts FOR EACH ROW EXECUTE FUNCTION before_act();
SELECT follow('acts', 'acts_v2', 'max_failures => 100');
CALL parity.shadow_backfill('acts');
INSERT INTO acts (a) VALUES ('a'), ('left out'), ('b'), ('stay');
INSERT INTO acts (a, c) VALUES ('c', NULL);
INSERT INTO acts OVERRIDING SYSTEM VALUE VALUES (100, 'over');
UPDATE acts SET a = 'left out' WHERE id = 1;
UPDATE acts SET a = 'stays', id = DEFAULT WHERE a = 'stay+';
DELETE FROM acts WHERE a LIKE 'b%' OR a = 'stays+';
SELECT * FROM stands('acts');
TABLE acts_v2 ORDER BY id;
-- one there that changes and leaves out
CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON acts_v2 FOR EACH ROW EXECUTE FUNCTION before_act();
UPDATE acts SET c = 7 WHERE id = 1;
INSERT INTO acts (a) VALUES ('left ou');
ALTER TABLE acts DISABLE TRIGGER t;
INSERT INTO acts (a) VALUES ('left out');
INSERT INTO acts VALUES (DEFAULT, 'stays');
UPDATE acts SET id = DEFAULT WHERE a = 'stays';
DELETE FROM acts WHERE a = 'stays';
ALTER TABLE acts ENABLE TRIGGER t;
SELECT * FROM stands('acts');
DROP TRIGGER t ON acts_v2;
SELECT * FROM parity.shadow_heal('acts', everything => true);
-- rules there
CREATE RULE r AS ON INSERT TO acts_v2 DO INSTEAD NOTHING;
INSERT INTO acts (a) VALUES ('against a rule');
DROP RULE r ON acts_v2;
CREATE RULE r AS ON DELETE TO acts_v2 DO INSTEAD NOTHING;
DELETE FROM acts WHERE id = 1;
DROP RULE r ON acts_v2;
SELECT * FROM stands('acts');
SELECT * FROM parity.shadow_heal('acts', everything => true);
-- a rule that writes the source
CREATE VIEW acts_view AS SELECT id, a FROM acts;
CREATE RULE r AS ON INSERT TO acts_view DO INSTEAD INSERT INTO acts (a) VALUES (NEW.a);
INSERT INTO acts_view VALUES (0, 'by rule');
UPDATE acts_view SET a = 'by view' WHERE a LIKE 'by rule%';
SELECT * FROM stands('acts');
-- a column's default or identity there is filled where nothing comes
SELECT count(*) FILTER (WHERE d = 'd') = count(*) AS defaults, count(*) FILTER (WHERE e = b * 2) = count(*) AS generated FROM acts_v2;
SELECT parity.shadow_drop('acts', force => true);
DROP TABLE acts, acts_v2 CASCADE;

-- ---------------------------------------------------------------- who writes, and what he sees
GRANT USAGE ON SCHEMA shadow_pieces TO regress_parity_pieces, regress_parity_writer;
GRANT CREATE ON SCHEMA shadow_pieces TO regress_parity_pieces;
SET ROLE regress_parity_pieces;
CREATE UNLOGGED TABLE rls (id int PRIMARY KEY, who name DEFAULT current_user, a text);
ALTER TABLE rls ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON rls USING (who = current_user) WITH CHECK (id < 100);
SELECT follow('rls', 'rls_v2');
CREATE POLICY p ON rls_v2 USING (who = 'nobody');
INSERT INTO rls VALUES (1, 'regress_parity_pieces', 'a'), (500, 'regress_parity_pieces', 'b');
GRANT SELECT, INSERT, UPDATE (a), DELETE ON rls TO regress_parity_writer;
SET ROLE regress_parity_writer;
INSERT INTO rls VALUES (2, DEFAULT, 'mine'), (3, DEFAULT, 'mine');
INSERT INTO rls VALUES (101, DEFAULT, 'mine');
UPDATE rls SET a = 'changed';
DELETE FROM rls WHERE id IN (1, 2);
INSERT INTO rls VALUES (3, DEFAULT, 'again') ON CONFLICT (id) DO UPDATE SET a = 'again';
TABLE rls_v2;
TABLE parity.drift;
SET ROLE regress_parity_pieces;
TABLE rls_v2 ORDER BY id;
CALL parity.shadow_backfill('rls');
SELECT * FROM stands('rls');
-- a function of the writer's does not run as the owner
SET ROLE regress_parity_writer;
CREATE FUNCTION pg_temp.upper(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''as %'', current_user; END';
SET search_path = pg_temp, shadow_pieces;
INSERT INTO shadow_pieces.rls VALUES (5, DEFAULT, 'mine');
DROP FUNCTION pg_temp.upper;
SET search_path = shadow_pieces;
SET ROLE regress_parity_pieces;
-- forced on him: writes go on, and reading them to compare is refused
ALTER TABLE rls_v2 FORCE ROW LEVEL SECURITY;
INSERT INTO rls VALUES (6, 'regress_parity_pieces', 'forced');
SELECT * FROM parity.shadow_verify('rls');
ALTER TABLE rls_v2 NO FORCE ROW LEVEL SECURITY;
SELECT * FROM stands('rls');
-- the owner loses a right of his own
REVOKE INSERT ON rls_v2 FROM regress_parity_pieces;
INSERT INTO rls VALUES (7, 'regress_parity_pieces', 'revoked');
SELECT * FROM stands('rls');
GRANT INSERT ON rls_v2 TO regress_parity_pieces;
SELECT * FROM parity.shadow_heal('rls');
SELECT * FROM stands('rls');
SELECT parity.shadow_drop('rls', force => true);
DROP TABLE rls, rls_v2;
RESET ROLE;

-- ---------------------------------------------------------------- two of one, a chain, and in both directions
CREATE TABLE one (id int PRIMARY KEY, a text);
SELECT follow('one', 'two');
SELECT follow('two', 'three');
SELECT count(*) FROM parity.shadow_create('one again', 'one', 'four');
SELECT parity.shadow_start('one again');
INSERT INTO one SELECT i, 'a' FROM generate_series(1, 5) i;
UPDATE one SET id = id + 10, a = 'b' WHERE id > 3;
DELETE FROM one WHERE id = 2;
INSERT INTO one VALUES (1, 'x'), (9, 'z') ON CONFLICT (id) DO UPDATE SET a = EXCLUDED.a;
TABLE one;
SELECT 'two' AS t, count(*) FROM (TABLE one EXCEPT TABLE two) x UNION ALL SELECT 'three', count(*) FROM (TABLE one EXCEPT TABLE three) x
    UNION ALL SELECT 'four', count(*) FROM (TABLE one EXCEPT TABLE four) x;
-- the way back: writes of either come to the other, once
SELECT count(*) FROM parity.shadow_create('two back', 'two', 'one');
SELECT parity.shadow_start('two back');
INSERT INTO two VALUES (50, 'from two');
UPDATE one SET a = a || '.' WHERE id = 50;
UPDATE two SET id = 51 WHERE id = 50;
DELETE FROM three WHERE id = 51;
DELETE FROM two WHERE id = 51;
SELECT 'two' AS t, count(*) FROM (TABLE one EXCEPT TABLE two) x UNION ALL SELECT 'three', count(*) FROM (TABLE one EXCEPT TABLE three) x
    UNION ALL SELECT 'four', count(*) FROM (TABLE one EXCEPT TABLE four) x UNION ALL SELECT 'back', count(*) FROM (TABLE two EXCEPT TABLE one) x;
-- the chain's middle goes
DROP TABLE two CASCADE;
INSERT INTO one VALUES (60, 'goes on');
SELECT count(*) FROM four WHERE id = 60;
SELECT name, phase FROM parity.shadow_status WHERE name IN ('one', 'one again', 'two', 'two back') ORDER BY 1;
SELECT parity.shadow_drop(name, force => true) FROM unnest('{one,one again,two,two back}'::text[]) name;
DROP TABLE one, three, four;

-- ---------------------------------------------------------------- DDL, and plans from before it
CREATE TABLE ddl (id int PRIMARY KEY, a text, b int, gone int);
CREATE TABLE ddl_v2 (id int PRIMARY KEY, a text, b int);
SELECT follow('ddl', 'ddl_v2', 'max_failures => 100');
CALL parity.shadow_backfill('ddl');
PREPARE put(int) AS INSERT INTO ddl (id, a, b) VALUES ($1, 'prepared', $1);
PREPARE change(int) AS UPDATE ddl SET b = b + 1 WHERE id = $1;
EXECUTE put(1);
EXECUTE change(1);
ALTER TABLE ddl DROP COLUMN gone, ADD COLUMN more text DEFAULT 'more';
EXECUTE put(2);
EXECUTE change(2);
ALTER TABLE ddl_v2 ADD COLUMN also int DEFAULT 5;
EXECUTE put(3);
EXECUTE change(3);
ALTER TABLE ddl_v2 RENAME a TO "a b";
ALTER TABLE ddl RENAME b TO "b c";
ALTER TABLE ddl RENAME TO ddl_old;
EXECUTE put(4);
ALTER TABLE ddl_old RENAME TO ddl;
ALTER TABLE ddl RENAME "b c" TO b;
EXECUTE put(4);
EXECUTE change(4);
CREATE SCHEMA shadow_pieces_2;
ALTER TABLE ddl_v2 SET SCHEMA shadow_pieces_2;
EXECUTE put(5);
ALTER TABLE shadow_pieces_2.ddl_v2 SET SCHEMA shadow_pieces;
DROP SCHEMA shadow_pieces_2;
ALTER TABLE ddl_v2 ALTER b TYPE bigint;
ALTER TABLE ddl ALTER id TYPE bigint;
ALTER TABLE ddl_v2 DROP COLUMN b;
SELECT * FROM stands('ddl');
-- what it needs, and what it does not know
ALTER TABLE ddl_v2 ADD COLUMN needed int NOT NULL DEFAULT 1;
ALTER TABLE ddl_v2 ALTER needed DROP DEFAULT;
EXECUTE put(6);
ALTER TABLE ddl_v2 DROP COLUMN needed;
ALTER TABLE ddl_v2 DROP CONSTRAINT ddl_v2_pkey;
EXECUTE put(7);
-- nothing is in its way: it is the next key that cannot be told from another
EXECUTE change(7);
ALTER TABLE ddl_v2 ADD PRIMARY KEY (id);
EXECUTE put(8);
SELECT * FROM stands('ddl');
SELECT * FROM parity.shadow_heal('ddl', everything => true);
SELECT * FROM stands('ddl');
-- in one transaction with it, and undone
BEGIN;
ALTER TABLE ddl_v2 ADD CONSTRAINT c CHECK (id < 9);
EXECUTE put(9);
ROLLBACK;
EXECUTE put(9);
SELECT * FROM stands('ddl');
-- a plan that was made before it began
SELECT parity.shadow_stop('ddl');
EXECUTE put(10);
SELECT parity.shadow_start('ddl');
EXECUTE put(11);
SELECT status, detail FROM parity.shadow_verify('ddl');
SELECT parity.shadow_drop('ddl', force => true);
EXECUTE put(12);
DROP TABLE ddl, ddl_v2;

SELECT name FROM parity.shadow;
DROP SCHEMA shadow_pieces CASCADE;
DELETE FROM parity.event;
DROP ROLE regress_parity_pieces, regress_parity_writer, regress_parity_other;
