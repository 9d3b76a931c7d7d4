-- who may do what: everything runs with the caller's rights
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_parity_owner, regress_parity_reader, regress_parity_column, regress_parity_other;
RESET client_min_messages;
SET parity.progress = off;
CREATE ROLE regress_parity_owner;
CREATE ROLE regress_parity_reader;
CREATE ROLE regress_parity_column;
CREATE ROLE regress_parity_other;
CREATE SCHEMA security AUTHORIZATION regress_parity_owner;
GRANT USAGE ON SCHEMA security TO PUBLIC;
SET ROLE regress_parity_owner;
CREATE TABLE security.t (id int PRIMARY KEY, secret text, public text);
INSERT INTO security.t VALUES (1, 'a', 'x'), (2, 'b', 'y');
GRANT SELECT ON security.t TO regress_parity_reader;
GRANT SELECT (id, public) ON security.t TO regress_parity_column;
SELECT parity.checksum('security.t') AS owner_digest \gset
SELECT parity.bundle(schema => 'security') AS bundle \gset
RESET ROLE;

-- reading needs SELECT on the columns that are read
SET ROLE regress_parity_reader;
SELECT parity.checksum('security.t') OPERATOR(parity.=) :'owner_digest' AS equal;
SELECT status FROM parity.verify(:'bundle', '{"schema": "security"}');
SET ROLE regress_parity_column;
SELECT parity.checksum('security.t');
SELECT parity.column_checksums('security.t');
SELECT parity.checksum('security.t', NULL, '{"exclude": ["secret"]}');
SELECT parity.checksum('security.t', $$secret = 'a'$$, '{"exclude": ["secret"]}');
SET ROLE regress_parity_other;
SELECT parity.checksum('security.t');
SELECT parity.bundle(schema => 'security');
SELECT parity.bundle('{security.t}');
SELECT status FROM parity.verify(:'bundle', '{"schema": "security"}');
SELECT parity.assert_match(:'bundle', '{"schema": "security"}');
-- the catalogs are no secret
SELECT parity.spec('security.t') -> 'key' AS key;

-- overrides are the owner's: whoever can store one can hide a difference
SELECT parity.set_spec('security.t', '{"exclude": ["secret"]}');
SELECT parity.set_spec('security.t', NULL);
SELECT * FROM parity.adopt(:'bundle', '{"schema": "security"}');
SET ROLE regress_parity_reader;
SELECT parity.set_spec('security.t', '{"exclude": ["secret"]}');
INSERT INTO parity.override VALUES ('security.t', '{}');
DELETE FROM parity.override;
UPDATE parity.override SET overrides = '{}';
SET ROLE regress_parity_owner;
INSERT INTO parity.override VALUES ('security.t', '{}');
SELECT parity.set_spec('security.t', '{"exclude": ["secret"]}');
SELECT current_user, session_user = current_user AS session;
SET ROLE regress_parity_other;
SELECT * FROM parity.override;
SELECT parity.spec('security.t') -> 'left_out' AS left_out;
SET ROLE regress_parity_owner;
SELECT * FROM parity.adopt(:'bundle', '{"schema": "security"}');
SELECT parity.set_spec('security.t', NULL);
-- system catalogs belong to the superuser
SELECT parity.set_spec('pg_catalog.pg_class', '{"exclude": ["relname"]}');
RESET ROLE;
SELECT count(*) FROM parity.override;
-- after an error inside set_spec the caller is who he was
SET ROLE regress_parity_owner;
BEGIN READ ONLY;
SAVEPOINT s;
SELECT parity.set_spec('security.t', '{}');
ROLLBACK TO s;
SELECT current_user;
ROLLBACK;
RESET ROLE;

-- row-level security: rows that it would hide are an error, never a smaller checksum
SET ROLE regress_parity_owner;
CREATE TABLE security.rls (id int PRIMARY KEY, who text);
INSERT INTO security.rls VALUES (1, 'regress_parity_reader'), (2, 'somebody');
ALTER TABLE security.rls ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON security.rls FOR SELECT USING (who = current_user);
GRANT SELECT ON security.rls TO regress_parity_reader;
SELECT parity.digest_rows(parity.checksum('security.rls'));
SELECT parity.bundle('{security.rls}') AS rls_bundle \gset
SET ROLE regress_parity_reader;
SELECT count(*) FROM security.rls;
SELECT parity.checksum('security.rls');
SELECT parity.column_checksums('security.rls');
SELECT parity.bundle('{security.rls}');
SELECT status FROM parity.verify(:'rls_bundle', '{"schema": "security"}');
SHOW row_security;
SET ROLE regress_parity_owner;
ALTER TABLE security.rls FORCE ROW LEVEL SECURITY;
SELECT parity.checksum('security.rls');
RESET ROLE;
SELECT parity.digest_rows(parity.checksum('security.rls'));

-- what PUBLIC may call, and nothing of parity runs with another's rights
SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'parity' AND p.prosecdef;
-- functions that run SQL pin their search_path, and do not go to parallel workers
SELECT p.proname, p.provolatile, p.proparallel, p.proconfig[1] FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'parity' AND p.proconfig IS NOT NULL ORDER BY p.proname COLLATE "C";
-- every object says what it is
SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'parity'
    AND d.classid NOT IN ('pg_cast'::regclass) AND obj_description(d.objid, d.classid::regclass::name) IS NULL
    AND NOT (d.classid = 'pg_type'::regclass AND (SELECT typrelid <> 0 OR typelem <> 0 FROM pg_type WHERE oid = d.objid)) ORDER BY 1;

SET client_min_messages = warning;
DROP SCHEMA security CASCADE;
DROP ROLE regress_parity_owner, regress_parity_reader, regress_parity_column, regress_parity_other;

-- a cast to json of a stranger's type does not run: a plain SELECT would not run it either
CREATE SCHEMA stranger;
CREATE TYPE stranger.mood AS ENUM ('ok');
CREATE TYPE stranger.pair AS (m stranger.mood, n int);
CREATE FUNCTION stranger.to_json(stranger.mood) RETURNS json LANGUAGE plpgsql
    AS $$BEGIN RAISE EXCEPTION 'runs as %', current_user; END$$;
CREATE CAST (stranger.mood AS json) WITH FUNCTION stranger.to_json(stranger.mood);
CREATE TABLE stranger.t (id int PRIMARY KEY, a stranger.mood[], b stranger.pair, c stranger.mood);
INSERT INTO stranger.t VALUES (1, '{ok}', '(ok,1)', 'ok');
SELECT parity.row_hash(a, b, c) OPERATOR(pg_catalog.=)
       parity.row_hash('["ok"]'::json, 'ok'::text, 1, 'ok'::text) AS equal FROM stranger.t;
SELECT parity.digest_rows(parity.checksum('stranger.t')) AS rows;

-- the aggregate and the table behind specs are the extension's own, whatever else has their names
BEGIN;
CREATE FUNCTION parity.digest_agg_as(text, int) RETURNS bigint LANGUAGE sql AS 'SELECT 1234567::bigint';
CREATE TABLE stranger.one (id int);
SELECT parity.checksum('stranger.one');
ROLLBACK;
BEGIN;
ALTER TABLE parity.override RENAME TO hidden;
CREATE TABLE parity.override (rel oid, overrides bigint);
INSERT INTO parity.override VALUES ('stranger.t'::regclass, 1234567);
SELECT parity.spec('stranger.t');
ROLLBACK;
BEGIN;
ALTER TABLE parity.override RENAME TO hidden;
CREATE TABLE parity.override (rel regclass PRIMARY KEY, overrides jsonb);
SELECT parity.set_spec('stranger.t', '{}');
ROLLBACK;
-- nor does a trigger on the table run
BEGIN;
CREATE FUNCTION stranger.trigger() RETURNS trigger LANGUAGE plpgsql
    AS $$BEGIN RAISE EXCEPTION 'runs as %', current_user; END$$;
CREATE TRIGGER t BEFORE INSERT ON parity.override FOR EACH ROW EXECUTE FUNCTION stranger.trigger();
SELECT parity.set_spec('stranger.t', '{"exclude": ["c"]}');
SELECT parity.spec('stranger.t') -> 'left_out' AS left_out;
ROLLBACK;
SET client_min_messages = warning;
DROP SCHEMA stranger CASCADE;
RESET client_min_messages;
