-- Writes of shadows without a statement: rows that are put there as COPY does it, or found by their key; and where a
-- statement is needed after all. Each table gets the same writes, and has to be equal after each.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE SCHEMA plain;
SET search_path = plain, public;

CREATE FUNCTION follows(source text, columns text DEFAULT NULL, reverse text DEFAULT NULL) RETURNS TABLE (step text, verdict text, rows int8)
    LANGUAGE plpgsql AS $$
DECLARE
    target text := source || '2';
    one text;
BEGIN
    PERFORM parity.shadow_create(source, source::regclass, target, columns => columns::jsonb, reverse => reverse::jsonb);
    PERFORM parity.shadow_start(source);
    EXECUTE format('SELECT coalesce(parity.shadow_backfill_begin(%L, 10, %L, NULL)::text, %L)', source, '0', '');
    WHILE parity.shadow_backfill_claim(source, 10, true) = 'work' LOOP
        PERFORM parity.shadow_backfill_step(source, 10);
    END LOOP;
    FOREACH one IN ARRAY ARRAY[
        'UPDATE %1$I SET n = n + 1',
        'UPDATE %1$I SET n = n + 1000 WHERE n %% 3 = 0',
        -- in the order of nothing
        'UPDATE %1$I SET note = s.hash FROM (SELECT md5(i::text) AS hash, i FROM generate_series(1, 60) i ORDER BY md5(i::text)) s WHERE s.i = n',
        'UPDATE %1$I SET n = 5000 + n WHERE n = 7',
        'DELETE FROM %1$I WHERE n %% 5 = 0',
        'UPDATE %1$I SET note = repeat(md5(n::text), 400) WHERE n %% 4 = 0',
        'UPDATE %1$I SET n = -n WHERE n %% 4 = 0',
        'UPDATE %1$I SET note = NULL',
        'DELETE FROM %1$I WHERE n < 0',
        'DELETE FROM %1$I']
    LOOP
        EXECUTE format(one, source);
        step := one;
        SELECT v.status INTO verdict FROM parity.shadow_verify(source) v;
        EXECUTE format('SELECT count(*) FROM %I', target) INTO rows;
        RETURN NEXT;
    END LOOP;
    step := 'drift';
    SELECT string_agg(format('%s %s', d.operation, d.message), ', '), count(*) INTO verdict, rows FROM parity.drift d;
    RETURN NEXT;
    PERFORM parity.shadow_drop(source, true);
    EXECUTE format('DROP TABLE %I, %I', source, target);
END
$$;

-- keys of one column
CREATE TABLE a (id int PRIMARY KEY, n int, note text);
INSERT INTO a SELECT i, i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE a2 (note text, n bigint, more text DEFAULT 'kept', id bigint PRIMARY KEY);
CREATE INDEX ON a2 (note);
SELECT * FROM follows('a');
CREATE TABLE b (id varchar(20) PRIMARY KEY, n int, note text);
INSERT INTO b SELECT md5(i::text)::varchar(20), i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE b2 (note text, n numeric, id varchar(20) PRIMARY KEY);
SELECT * FROM follows('b', '{"n": "n", "note": "upper(note)"}', '{"n": "n::int", "note": "note"}') WHERE verdict IS DISTINCT FROM 'match';
CREATE TABLE c (id citext PRIMARY KEY, n int, note text);
INSERT INTO c SELECT CASE WHEN i % 2 = 0 THEN 'Key ' ELSE 'kEY ' END || i, i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE c2 (LIKE c INCLUDING ALL);
SELECT * FROM follows('c') WHERE verdict IS DISTINCT FROM 'match';
CREATE TABLE d (id numeric PRIMARY KEY, n int, note text);
INSERT INTO d SELECT i + i * 0.1, i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE d2 (id numeric NOT NULL, n int, note text);
CREATE UNIQUE INDEX ON d2 (id DESC);
SELECT * FROM follows('d') WHERE verdict IS DISTINCT FROM 'match';
CREATE TABLE e (id uuid PRIMARY KEY, n int, note text);
INSERT INTO e SELECT md5(i::text)::uuid, i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE e2 (LIKE e INCLUDING ALL);
SELECT * FROM follows('e') WHERE verdict IS DISTINCT FROM 'match';
CREATE TABLE f (id text COLLATE "C" PRIMARY KEY, n int, note text);
INSERT INTO f SELECT md5(i::text), i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE f2 (n int, id text COLLATE "C" NOT NULL, note text);
CREATE UNIQUE INDEX ON f2 (id text_pattern_ops);
ALTER TABLE f2 ADD UNIQUE (id);
SELECT * FROM follows('f') WHERE verdict IS DISTINCT FROM 'match';
-- of several, in another order, and with more in the index
CREATE TABLE g (x int, y text, n int, z date, note text, PRIMARY KEY (x, y, z));
INSERT INTO g SELECT i % 3, 'y' || i % 7, i, date '2026-01-01' + i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE g2 (z date NOT NULL, note text, y text NOT NULL, x int NOT NULL, n int);
CREATE UNIQUE INDEX ON g2 (y, z, x) INCLUDE (n);
SELECT * FROM follows('g') WHERE verdict IS DISTINCT FROM 'match';

-- what the table that follows does besides
CREATE TABLE h (id int PRIMARY KEY, n int, note text);
INSERT INTO h SELECT i, i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE parent (n int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(-9000, 9000);
CREATE TABLE h2 (id int PRIMARY KEY, n int REFERENCES parent CHECK (n < 9000), note text, twice int GENERATED ALWAYS AS (n * 2) STORED);
SELECT * FROM follows('h') WHERE verdict IS DISTINCT FROM 'match';
CREATE TABLE i (id int PRIMARY KEY, n int, note text);
INSERT INTO i SELECT i, i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE i2 (id int PRIMARY KEY, n int, note text, UNIQUE (n) DEFERRABLE);
CREATE TABLE heard (op text, of text, rows int);
CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO plain.heard SELECT TG_OP, TG_ARGV[0], count(*) FROM plain.i2;
    RETURN NULL;
END $$;
CREATE TRIGGER n AFTER UPDATE OF n ON i2 FOR EACH ROW EXECUTE FUNCTION hear('n');
CREATE TRIGGER id AFTER UPDATE OF id ON i2 FOR EACH ROW EXECUTE FUNCTION hear('id');
CREATE TRIGGER changed AFTER UPDATE ON i2 FOR EACH ROW WHEN (OLD.note IS DISTINCT FROM NEW.note) EXECUTE FUNCTION hear('note');
CREATE TRIGGER gone AFTER DELETE ON i2 FOR EACH ROW EXECUTE FUNCTION hear('row');
SELECT * FROM follows('i') WHERE verdict IS DISTINCT FROM 'match';
-- all rows of a statement are there or gone when the triggers come
SELECT op, of, count(*), min(rows), max(rows) FROM heard GROUP BY 1, 2 ORDER BY 1, 2;
-- a row that others refer to; the index that its table is found by is not the first
CREATE TABLE j (id int PRIMARY KEY, n int, note text);
INSERT INTO j SELECT i, i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE j2 (n int, note text, id int, up int);
CREATE UNIQUE INDEX ON j2 (id) WHERE n > 0;
CREATE INDEX ON j2 USING hash (id);
ALTER TABLE j2 ADD PRIMARY KEY (id);
ALTER TABLE j2 ADD FOREIGN KEY (up) REFERENCES j2 ON DELETE CASCADE;
SELECT * FROM follows('j') WHERE verdict IS DISTINCT FROM 'match';
-- dropped columns on either side, and a row that is longer now
CREATE TABLE k (gone text, id int PRIMARY KEY, n int, away int, note text);
ALTER TABLE k DROP COLUMN gone, DROP COLUMN away;
INSERT INTO k SELECT i, i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE k2 (id int PRIMARY KEY, a int, n int, b int, note text);
ALTER TABLE k2 DROP COLUMN a, DROP COLUMN b, ADD COLUMN late text DEFAULT 'late';
SELECT * FROM follows('k') WHERE verdict IS DISTINCT FROM 'match';
-- a trigger that comes before takes a statement
CREATE TABLE l (id int PRIMARY KEY, n int, note text);
INSERT INTO l SELECT i, i, 'row ' || i FROM generate_series(1, 60) i;
CREATE TABLE l2 (id int PRIMARY KEY, n int, note text, at int DEFAULT 0);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at := OLD.at + 1; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON l2 FOR EACH ROW EXECUTE FUNCTION touch();
SELECT * FROM follows('l') WHERE verdict IS DISTINCT FROM 'match';

-- checks that look at the table see the rows before their own
CREATE FUNCTION few(name text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE n int; BEGIN EXECUTE format('SELECT count(*) FROM plain.%I', name) INTO n; RETURN n < 3; END $$;
CREATE DOMAIN few AS int CHECK (VALUE IS NULL OR plain.few('p2'::text));
CREATE TABLE o (id int PRIMARY KEY);
CREATE TABLE o2 (id int PRIMARY KEY, CHECK (few('o2'::text)));
CREATE TABLE p (id int PRIMARY KEY, n int);
CREATE TABLE p2 (id int PRIMARY KEY, n few);
DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['o', 'p'] LOOP
        PERFORM parity.shadow_create(one, one::regclass, one || '2');
        PERFORM parity.shadow_start(one);
    END LOOP;
END $$;
INSERT INTO o SELECT generate_series(1, 6);
INSERT INTO p SELECT i, i FROM generate_series(1, 6) i;
SELECT shadow, count(*), min(message) FROM parity.drift GROUP BY 1 ORDER BY 1;
DELETE FROM parity.drift;
CALL parity.shadow_backfill('o');
SELECT count(*) FROM o2;
SELECT shadow, count(*), min(message) FROM parity.drift GROUP BY 1 ORDER BY 1;
DELETE FROM parity.drift;
SELECT parity.shadow_drop('o', true);
SELECT parity.shadow_drop('p', true);

-- what an UPDATE or DELETE of that table would be refused for
CREATE TABLE m (id int PRIMARY KEY, n int, note text);
INSERT INTO m SELECT i, i, 'row ' || i FROM generate_series(1, 10) i;
CREATE TABLE m2 (LIKE m INCLUDING ALL);
ALTER TABLE m2 REPLICA IDENTITY NOTHING;
SELECT count(*) FROM parity.shadow_create('m', 'm', 'm2', on_error => 'abort');
SELECT parity.shadow_start('m');
INSERT INTO m SELECT i, i, 'row ' || i FROM generate_series(11, 20) i;
SET client_min_messages = error;
CREATE PUBLICATION plain_m FOR TABLE m2;
SET client_min_messages = warning;
UPDATE m SET n = n + 1 WHERE id > 10;
DELETE FROM m WHERE id > 10;
DROP PUBLICATION plain_m;
UPDATE m SET n = n + 1 WHERE id > 10;
DELETE FROM m WHERE id > 15;
-- rows that are not there yet are put there, together with those that are
UPDATE m SET n = n + 1;
TABLE m2 ORDER BY id;
-- the owner may have taken the right away from himself
CREATE ROLE plain_owner;
GRANT ALL ON SCHEMA plain TO plain_owner;
SELECT parity.shadow_drop('m', true);
ALTER TABLE m OWNER TO plain_owner;
ALTER TABLE m2 OWNER TO plain_owner;
SET ROLE plain_owner;
SELECT count(*) FROM parity.shadow_create('m', 'm', 'm2', on_error => 'abort');
SELECT parity.shadow_start('m');
UPDATE m SET n = n + 1;
REVOKE UPDATE ON m2 FROM plain_owner;
UPDATE m SET n = n + 1;
REVOKE DELETE ON m2 FROM plain_owner;
DELETE FROM m;
GRANT ALL ON m2 TO plain_owner;
UPDATE m SET n = n + 1;
DELETE FROM m WHERE id % 2 = 0;
SELECT status FROM parity.shadow_verify('m');
SELECT parity.shadow_drop('m', true);
RESET ROLE;
DROP SCHEMA plain CASCADE;
DROP ROLE plain_owner;
