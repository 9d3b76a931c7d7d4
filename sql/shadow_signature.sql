-- shadows: what makes a verification worthless, and what a cutover does not refuse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA shadow_signature;
SET search_path = shadow_signature;
-- two tables, a shadow of the first one's name, filled and verified
CREATE FUNCTION follow(source text, options text DEFAULT '', partitions text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, v text) %s', source, partitions);
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, v text)', source || '2');
    IF partitions <> '' THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (0) TO (10)', source || '_1', source);
    END IF;
    EXECUTE format('INSERT INTO %I SELECT i, ''x'' FROM generate_series(1, 5) i', source);
    EXECUTE format('SELECT parity.shadow_create(%L, %L, %L%s)', source, source, source || '2', options);
    PERFORM parity.shadow_start(source);
END $$;
CREATE FUNCTION gate(name text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat(g.gate, ': ', g.detail), '; '), 'all hold') FROM parity.shadow_gates(name) g
    WHERE NOT g.passed AND g.gate <> 'old snapshots' $$;
CREATE FUNCTION verify(name text) RETURNS text LANGUAGE sql AS $$ SELECT concat_ws(': ', v.status, v.detail) FROM parity.shadow_verify(name) v $$;
CREATE FUNCTION still(shadow text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN parity.shadow_signature(name) IS NULL THEN 'none'
                WHEN parity.shadow_signature(name) = verified_as THEN 'as verified' ELSE 'changed' END FROM parity.shadow WHERE name = $1 $$;

-- ---------------------------------------------------------------- a table that is part of another one for a while
-- (PostgreSQL 13 lets no table with transition tables become one)
SELECT current_setting('server_version_num')::int >= 140000 AS may_inherit \gset
\if :may_inherit
SELECT follow('a');
CALL parity.shadow_backfill('a');
SELECT verify('a'), still('a'), gate('a');
CREATE TABLE mum (id int NOT NULL, v text);
ALTER TABLE a INHERIT mum;
UPDATE mum SET v = 'gone by' WHERE id = 1;
SELECT still('a'), gate('a');
SELECT reason FROM parity.shadow_status WHERE name = 'a';
ALTER TABLE a NO INHERIT mum;
SELECT still('a'), gate('a'), verify('a');
SELECT * FROM parity.shadow_heal('a', everything => true);
SELECT verify('a'), gate('a');
ALTER TABLE a2 INHERIT mum;
UPDATE mum SET v = 'foreign' WHERE id = 3;
SELECT gate('a');
ALTER TABLE a2 NO INHERIT mum;
SELECT gate('a'), verify('a');
SELECT * FROM parity.shadow_heal('a', everything => true);
SELECT verify('a');
CREATE TABLE whole (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
ALTER TABLE whole ATTACH PARTITION a DEFAULT;
INSERT INTO whole VALUES (50, 'gone by');
SELECT gate('a');
ALTER TABLE whole DETACH PARTITION a;
SELECT gate('a'), verify('a');
SELECT parity.shadow_drop('a', force => true);
DROP TABLE a, a2, mum, whole;
\endif

-- ---------------------------------------------------------------- what the mapping calls
CREATE FUNCTION f(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION plus(text, text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE OPERATOR |~| (LEFTARG = text, RIGHTARG = text, FUNCTION = plus);
SELECT follow('b', $$, columns => '{"v": "f(v) |~| v"}', reverse => '{"v": "v"}'$$);
CALL parity.shadow_backfill('b');
SELECT verify('b'), still('b');
CREATE OR REPLACE FUNCTION f(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT $1 || '!' $$;
SELECT still('b'), gate('b');
CREATE OR REPLACE FUNCTION f(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
SELECT verify('b'), still('b');
CREATE OR REPLACE FUNCTION plus(text, text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT $1 || '?' $$;
SELECT still('b');
CREATE OR REPLACE FUNCTION plus(text, text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
SELECT verify('b'), still('b');
DO $$ BEGIN
    EXECUTE (SELECT format('CREATE OR REPLACE VIEW %s AS %s', source_view, regexp_replace(pg_get_viewdef(source_view), '\mf\(', 'upper('))
             FROM parity.shadow WHERE name = 'b');
END $$;
SELECT still('b'), verify('b');
SELECT parity.shadow_drop('b', force => true);
DROP TABLE b, b2;
-- a cast, which comes with the column
CREATE TYPE pair AS (x text, y text);
CREATE FUNCTION to_pair(text) RETURNS pair IMMUTABLE LANGUAGE sql AS $$ SELECT ROW($1, NULL)::shadow_signature.pair $$;
CREATE CAST (text AS pair) WITH FUNCTION to_pair(text) AS ASSIGNMENT;
CREATE TABLE c (id int PRIMARY KEY, v text);
CREATE TABLE c2 (id int PRIMARY KEY, v pair);
SELECT count(*) FROM parity.shadow_create('c', 'c', 'c2', reverse => '{"v": "(v).x"}');
SELECT parity.shadow_start('c');
CALL parity.shadow_backfill('c');
SELECT verify('c'), still('c');
CREATE OR REPLACE FUNCTION to_pair(text) RETURNS pair IMMUTABLE LANGUAGE sql AS $$ SELECT ROW($1, 'y')::shadow_signature.pair $$;
SELECT still('c');
SELECT parity.shadow_drop('c', force => true);
DROP TABLE c, c2;

-- ---------------------------------------------------------------- a partition, or a file, of the same transaction
SELECT follow('d', '', 'PARTITION BY RANGE (id)');
CALL parity.shadow_backfill('d');
SELECT verify('d'), gate('d');
BEGIN;
CREATE TABLE d_2 PARTITION OF d FOR VALUES FROM (10) TO (20);
INSERT INTO d VALUES (11, 'new');
SELECT verify('d'), still('d');
TRUNCATE d_2;
COMMIT;
SELECT gate('d'), verify('d');
SELECT * FROM parity.shadow_heal('d', everything => true);
SELECT verify('d'), gate('d');
BEGIN;
TRUNCATE d_2;
INSERT INTO d VALUES (11, 'new');
SELECT verify('d'), still('d');
TRUNCATE d_2;
COMMIT;
SELECT gate('d'), verify('d');
SELECT parity.shadow_drop('d', force => true);
DROP TABLE d, d2;

-- ---------------------------------------------------------------- triggers and rules of the table that follows, for a while
SELECT follow('e');
CALL parity.shadow_backfill('e');
SELECT verify('e');
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := 'T'; RETURN NEW; END $$;
CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER tt BEFORE UPDATE ON e2 FOR EACH ROW EXECUTE FUNCTION tf();
UPDATE e SET v = 'new' WHERE id = 1;
UPDATE e SET v = 'new' WHERE id = 2;
DROP TRIGGER tt ON e2;
SELECT still('e'), gate('e');
SELECT kind, count(*) FROM parity.shadow_mark GROUP BY kind;
SELECT verify('e');
SELECT * FROM parity.shadow_heal('e', everything => true);
SELECT verify('e'), gate('e');
CREATE RULE r AS ON UPDATE TO e2 DO ALSO NOTHING;
UPDATE e SET v = 'newer' WHERE id = 1;
DROP RULE r ON e2;
SELECT gate('e'), verify('e'), gate('e');
-- undone with what was noted, and done again
CREATE TRIGGER tt BEFORE UPDATE ON e2 FOR EACH ROW EXECUTE FUNCTION tf();
BEGIN;
SAVEPOINT s;
UPDATE e SET v = 'undone' WHERE id = 1;
ROLLBACK TO s;
UPDATE e SET v = 'done' WHERE id = 1;
COMMIT;
DROP TRIGGER tt ON e2;
SELECT gate('e'), verify('e');
-- one that writes nothing, or that writes what a backfill does
SELECT * FROM parity.shadow_heal('e', everything => true);
SELECT verify('e');
CREATE TRIGGER tt BEFORE INSERT ON e2 FOR EACH ROW EXECUTE FUNCTION tf();
INSERT INTO e VALUES (6, 'x');
DELETE FROM e WHERE id = 6;
DROP TRIGGER tt ON e2;
SELECT gate('e'), verify('e');
CREATE TRIGGER tt BEFORE INSERT ON e2 FOR EACH ROW EXECUTE FUNCTION tf();
CALL parity.shadow_backfill('e');
DROP TRIGGER tt ON e2;
SELECT gate('e'), verify('e');
SELECT * FROM parity.shadow_heal('e', everything => true);
-- those that were there when it was verified are known; their functions, too; those that come afterwards change no row
CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tt BEFORE UPDATE ON e2 FOR EACH ROW EXECUTE FUNCTION same();
SELECT verify('e');
UPDATE e SET v = 'known' WHERE id = 1;
SELECT gate('e');
CREATE TRIGGER later AFTER UPDATE ON e2 FOR EACH ROW EXECUTE FUNCTION noop();
UPDATE e SET v = 'later' WHERE id = 1;
DROP TRIGGER later ON e2;
SELECT gate('e');
CREATE OR REPLACE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := 'other'; RETURN NEW; END $$;
UPDATE e SET v = 'changed' WHERE id = 2;
SELECT gate('e'), verify('e');
DROP TRIGGER tt ON e2;
SELECT parity.shadow_drop('e', force => true);
DROP TABLE e, e2;

-- ---------------------------------------------------------------- foreign keys that act on both tables
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 9);
CREATE TABLE g (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, q int REFERENCES parent ON DELETE SET NULL);
CREATE TABLE g2 (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, q int REFERENCES parent ON DELETE SET NULL);
INSERT INTO g SELECT i, i, i + 1 FROM generate_series(1, 5) i;
SELECT count(*) FROM parity.shadow_create('g', 'g', 'g2');
SELECT parity.shadow_start('g');
CALL parity.shadow_backfill('g');
SELECT verify('g');
DELETE FROM parent WHERE id = 1;
SELECT gate('g');
SELECT reason FROM parity.shadow_status WHERE name = 'g';
SELECT parity.shadow_cutover('g', compare => 'verified');
SELECT verify('g');
SELECT count(*) FROM parity.shadow_mark;
DELETE FROM parent WHERE id = 2;
SELECT parity.shadow_cutover('g', compare => 'full');
DELETE FROM parent WHERE id = 3;
UPDATE parent SET id = 40 WHERE id = 4;
DELETE FROM parent WHERE id = 9;
TABLE g2 ORDER BY id;
SELECT verify('g'), gate('g');
-- others are refused as before, also where a key could have done it
DELETE FROM g WHERE id = 4;
CREATE FUNCTION writes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM g WHERE id = 4; RETURN NULL; END';
CREATE TABLE other (id int);
CREATE TRIGGER w AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION writes();
INSERT INTO other VALUES (1);
TRUNCATE g;
SELECT parity.shadow_rollback('g', compare => 'full');
DELETE FROM parent WHERE id = 40;
SELECT verify('g'), gate('g');
SELECT parity.shadow_drop('g', force => true);
DROP TABLE g, g2;
-- a key of only the table that follows
CREATE TABLE h (id int PRIMARY KEY, p int);
CREATE TABLE h2 (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE);
INSERT INTO h VALUES (5, 5), (6, 6);
SELECT count(*) FROM parity.shadow_create('h', 'h', 'h2');
SELECT parity.shadow_start('h');
CALL parity.shadow_backfill('h');
SELECT verify('h');
DELETE FROM parent WHERE id = 5;
SELECT parity.shadow_cutover('h', compare => 'verified');
SELECT parity.shadow_cutover('h', compare => 'full');
SELECT parity.shadow_drop('h', force => true);
DROP TABLE h, h2, parent, other;

-- ---------------------------------------------------------------- what is refused is refused before it fails otherwise
CREATE TABLE i (id serial PRIMARY KEY, v text);
CREATE TABLE i2 (id serial PRIMARY KEY, v text);
INSERT INTO i (v) SELECT 'x' FROM generate_series(1, 5);
SELECT count(*) FROM parity.shadow_create('i', 'i', 'i2');
SELECT parity.shadow_start('i');
CALL parity.shadow_backfill('i');
SELECT verify('i');
SELECT parity.shadow_cutover('i', compare => 'verified');
INSERT INTO i2 (v) VALUES ('to the table that is written');
INSERT INTO i (v) VALUES ('to the other one');
SELECT verify('i');
SELECT parity.shadow_drop('i', force => true);
DROP TABLE i, i2;

-- ---------------------------------------------------------------- results that depend on settings
CREATE TABLE s (id int PRIMARY KEY, t text, j jsonb, m money, n numeric, ts timestamp);
CREATE TABLE s2 (id int PRIMARY KEY, t text, j jsonb, m money, n numeric, ts timestamp, x tsvector, b bool);
CREATE FUNCTION try(place text, expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    words text;
BEGIN
    PERFORM parity.shadow_create('s', 's', 's2', columns => jsonb_build_object(place, expression), reverse => '{"t": "t", "j": "j", "m": "m", "n": "n", "ts": "ts"}');
    PERFORM parity.shadow_drop('s', force => true);
    RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS words = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(': ', SQLERRM, nullif(words, ''));
END $$;
SELECT e.place, e.expression, try(e.place, e.expression) FROM (VALUES
    ('x', 'to_tsvector(t)'), ('x', 'to_tsvector(j)'), ('x', 'to_tsvector(''simple'', t)'), ('x', 'jsonb_to_tsvector(j, ''"all"'')'),
    ('t', 'to_tsquery(t)::text'), ('t', 'plainto_tsquery(''simple'', t)::text'), ('t', 'ts_headline(t, ''a''::tsquery)'),
    ('b', 't @@ ''a''::tsquery'), ('b', 'to_tsvector(''simple'', t) @@ ''a''::tsquery'), ('b', 't @@ t'),
    ('t', 'm::text'), ('n', 'm::numeric'), ('n', 'm'), ('t', 'm'), ('m', 'n'), ('m', 't::money'), ('m', 'm'), ('m', 'm * 2'),
    ('j', 'to_jsonb(m)'), ('j', 'to_jsonb(ARRAY[m])'), ('t', 'concat(t, m)'), ('b', 'm > ''1''::money'),
    ('t', 'to_char(ts, ''YYYY-MM-DD "Tm"'')'), ('t', 'to_char(ts, ''TMMonth'')'), ('t', 'to_char(ts, t)'),
    ('t', 'to_char(n, ''FM999.99PL'')'), ('t', 'to_char(n, ''L999'')'), ('n', 'to_number(t, ''9G999'')'), ('n', 'to_number(t, ''9,999'')'),
    ('ts', 'to_timestamp(t, ''DD TMMon YYYY'')'), ('ts', 'to_timestamp(t, ''DD Mon YYYY'')'),
    ('t', 'age(ts)::text'), ('t', 'age(ts, ts)::text'), ('n', 'pg_column_size(t)'), ('t', 't::regclass::text'), ('t', 'current_user'),
    ('t', 't::xml::text'), ('t', 'XMLPARSE(CONTENT t)::text'), ('t', 'version()'), ('t', 'pg_client_encoding()'), ('t', 'ts::text'),
    ('t', 'concat(t, n)')) e(place, expression);
DROP SCHEMA shadow_signature CASCADE;
