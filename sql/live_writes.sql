-- live checksums: every way to write to a tracked table
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET parity.progress = off;
CREATE SCHEMA live_writes;
SET search_path = live_writes, parity;
CREATE TABLE t (id int PRIMARY KEY, name text, n int UNIQUE);
INSERT INTO t SELECT i, 'name ' || i, i FROM generate_series(1, 20) i;
SELECT parity.track('t', 3);
-- of all tracked tables of this schema, those of which live is not what a full reading gives
CREATE VIEW wrong AS SELECT s.rel, parity.live_checksum(s.rel) AS live, parity.checksum(s.rel) AS checksum
    FROM parity.live_status s JOIN pg_class c ON c.oid = s.rel
    WHERE c.relnamespace = 'live_writes'::regnamespace
    AND (parity.live_checksum(s.rel) <> parity.checksum(s.rel) OR s.bits IS NOT NULL AND EXISTS (
        SELECT FROM parity.live_buckets(s.rel) l FULL JOIN parity.buckets(s.rel, s.bits) f USING (bucket) WHERE (l.digest = f.digest) IS NOT TRUE));
CREATE FUNCTION agree() RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
    SELECT coalesce('LIVE DIFFERS: ' || string_agg(rel::text, ', ' ORDER BY rel::text), 'live = full') INTO r FROM wrong;
    RETURN r || coalesce('; not exact: ' || string_agg(rel || ' ' || status, ', '), '') FROM parity.live_status WHERE status NOT LIKE 'exact' AND status <> 'first digest pending';
END $$;
-- a query's row as text: run by itself, since who reads a table and its live checksum in one statement has the table open
CREATE FUNCTION q(query text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE r text;
BEGIN
    EXECUTE format('SELECT x::text FROM (%s) x', query) INTO r;
    RETURN r;
END $$;
SELECT agree();

-- INSERT of several kinds
INSERT INTO t VALUES (21, 'a', 21), (22, 'b', 22) RETURNING id;
INSERT INTO t (id) VALUES (23);
INSERT INTO t SELECT id + 100, name, n + 100 FROM t;
SELECT agree(), q($$SELECT count(*) FROM t$$);
INSERT INTO t SELECT FROM t WHERE false;
INSERT INTO t VALUES (1, 'taken', 999);
INSERT INTO t SELECT i, 'half-way', 500 + i FROM generate_series(600, 500, -1) i WHERE i > 99 / (i - 550);
SELECT agree(), q($$SELECT count(*) FROM t$$);
-- upserts
INSERT INTO t VALUES (1, 'upsert', 1), (300, 'upsert', 300) ON CONFLICT DO NOTHING;
INSERT INTO t VALUES (1, 'upsert', 1), (301, 'upsert', 301) ON CONFLICT (id) DO UPDATE SET name = excluded.name || t.name;
INSERT INTO t VALUES (2, 'upsert', 2), (302, 'upsert', 302) ON CONFLICT (id) DO UPDATE SET name = 'no' WHERE t.id > 100;
INSERT INTO t VALUES (900, 'upsert', 3) ON CONFLICT (n) DO UPDATE SET id = excluded.id;
SELECT agree(), q($$SELECT count(*) FROM t$$);
INSERT INTO t VALUES (5, 'twice', 5), (5, 'twice', 5) ON CONFLICT (id) DO UPDATE SET name = excluded.name;
SELECT agree(), q($$SELECT count(*) FROM t$$);
-- UPDATE and DELETE
UPDATE t SET name = name || '.' WHERE id % 2 = 0;
UPDATE t SET id = id + 10000, n = -n;
UPDATE t SET name = name;
UPDATE t SET name = o.name FROM t o WHERE o.id = t.id + 1;
DELETE FROM t USING t o WHERE o.id = t.id + 1 AND t.id % 5 = 0 RETURNING t.id;
DELETE FROM t WHERE false;
SELECT agree(), q($$SELECT count(*) FROM t$$);
UPDATE t SET id = 7;
UPDATE t SET name = (1 / (id - id))::text;
SELECT agree(), q($$SELECT count(*) FROM t$$);
CREATE TABLE cursor (id int, v int);
INSERT INTO cursor SELECT i, i FROM generate_series(1, 10) i;
SELECT parity.track('cursor');
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM cursor FOR UPDATE;
FETCH 2 FROM c;
UPDATE cursor SET v = -v WHERE CURRENT OF c;
FETCH c;
DELETE FROM cursor WHERE CURRENT OF c;
SELECT agree();
COMMIT;
SELECT agree(), q($$SELECT count(*), sum(v) FROM cursor$$);
-- writable CTEs, that see nothing of one another
WITH d AS (DELETE FROM t WHERE id % 7 = 0 RETURNING *), i AS (INSERT INTO t SELECT id + 50000, name, n + 50000 FROM d RETURNING id),
    u AS (UPDATE t SET name = 'cte' WHERE id % 7 = 1 RETURNING id)
    SELECT (SELECT count(*) FROM d) = (SELECT count(*) FROM i) AS moved, parity.live_checksum('t') = parity.checksum('t') AS equal;
SELECT agree();
WITH u AS (UPDATE t SET name = 'first' WHERE id = (SELECT min(id) FROM t) RETURNING id) UPDATE t SET name = 'second' WHERE id IN (SELECT id FROM u);
SELECT agree();
-- COPY
COPY t FROM stdin;
70001	copied	\N
70002	\N	70002
\.
COPY t (name, id) FROM stdin WITH (FORMAT csv);
"x,y",70003
\.
COPY t FROM stdin;
70004	copied	\N
1x	broken	\N
\.
SELECT agree(), q($$SELECT count(*) FROM t WHERE id > 70000$$);
CREATE TABLE copied (id int, v text);
BEGIN;
SELECT parity.track('copied');
TRUNCATE copied;
COPY copied FROM stdin WITH (FREEZE);
1	a
2	b
\.
SELECT agree();
COMMIT;
SELECT agree(), q($$SELECT count(*) FROM copied$$);
-- TRUNCATE
CREATE TABLE cut (id int PRIMARY KEY);
CREATE TABLE cut_child (id int REFERENCES cut);
INSERT INTO cut SELECT generate_series(1, 5);
INSERT INTO cut_child SELECT generate_series(1, 5);
SELECT parity.track('cut', 2), parity.track('cut_child');
TRUNCATE cut;
SELECT agree(), q($$SELECT (SELECT count(*) FROM cut) AS cut$$);
TRUNCATE cut CASCADE;
SELECT agree(), q($$SELECT (SELECT count(*) FROM cut) AS cut, (SELECT count(*) FROM cut_child) AS child$$);
INSERT INTO cut SELECT generate_series(1, 5);
TRUNCATE cut_child, cut RESTART IDENTITY;
INSERT INTO cut SELECT generate_series(11, 15);
SELECT agree();
BEGIN;
INSERT INTO cut VALUES (20);
SAVEPOINT a;
TRUNCATE cut CASCADE;
INSERT INTO cut VALUES (21), (22);
SELECT agree(), q($$SELECT count(*) FROM cut$$);
SAVEPOINT b;
TRUNCATE cut CASCADE;
SELECT agree(), q($$SELECT count(*) FROM cut$$);
ROLLBACK TO b;
SELECT agree(), q($$SELECT count(*) FROM cut$$);
ROLLBACK TO a;
SELECT agree(), q($$SELECT count(*) FROM cut$$);
DELETE FROM cut WHERE id = 11;
COMMIT;
SELECT agree(), q($$SELECT count(*) FROM cut$$);
BEGIN;
TRUNCATE cut CASCADE;
TRUNCATE cut CASCADE;
INSERT INTO cut VALUES (1);
COMMIT;
SELECT agree(), q($$SELECT count(*) FROM cut$$);
BEGIN;
TRUNCATE cut CASCADE;
INSERT INTO cut VALUES (5);
ROLLBACK;
SELECT agree(), q($$SELECT count(*) FROM cut$$);

-- transactions: what it has written itself, and what it has not
BEGIN;
INSERT INTO t VALUES (80001, 'own', NULL);
SELECT agree();
SAVEPOINT a;
DELETE FROM t WHERE id > 80000;
UPDATE t SET name = 'own' WHERE id % 3 = 0;
SELECT agree();
SAVEPOINT b;
INSERT INTO t VALUES (80002, 'own', NULL);
RELEASE b;
SELECT agree();
ROLLBACK TO a;
SELECT agree();
INSERT INTO t VALUES (80003, 'own', NULL);
RELEASE a;
SELECT agree(), q($$SELECT count(*) FROM t WHERE id > 80000$$);
COMMIT;
SELECT agree(), q($$SELECT count(*) FROM t WHERE id > 80000$$);
BEGIN;
DELETE FROM t;
SELECT agree(), q($$SELECT count(*) FROM t$$);
ROLLBACK;
SELECT agree(), q($$SELECT count(*) FROM t$$);
-- blocks with exceptions, nested, in loops, with commits
DO $$
BEGIN
    FOR i IN 1..30 LOOP
        BEGIN
            INSERT INTO t VALUES (90000 + i, 'loop', NULL);
            BEGIN
                UPDATE t SET name = name || i WHERE id <= 10010;
                IF i % 2 = 0 THEN RAISE division_by_zero; END IF;
            EXCEPTION WHEN division_by_zero THEN
                DELETE FROM t WHERE id = 90000 + i - 1;
            END;
            IF i % 5 = 0 THEN RAISE no_data_found; END IF;
        EXCEPTION WHEN no_data_found THEN
            IF agree() <> 'live = full' THEN RAISE WARNING 'wrong in round %', i; END IF;
        END;
        IF i % 7 = 0 THEN COMMIT; ELSIF i % 11 = 0 THEN ROLLBACK; END IF;
    END LOOP;
END $$;
SELECT agree(), q($$SELECT count(*) FROM t WHERE id > 90000$$);
-- deep savepoints
CREATE FUNCTION deep(level int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t VALUES (100000 + level, 'deep', NULL);
    IF level > 0 THEN PERFORM deep(level - 1); END IF;
    IF level % 3 = 0 THEN RAISE division_by_zero; END IF;
EXCEPTION WHEN division_by_zero THEN
    UPDATE t SET name = name || level WHERE id > 100000;
END $$;
SELECT deep(40);
SELECT agree(), q($$SELECT count(*) FROM t WHERE id > 100000$$);

-- statements of which a function in them writes, and reads the checksum, of the same table
CREATE FUNCTION writes(i int) RETURNS int LANGUAGE plpgsql AS $$BEGIN INSERT INTO t VALUES (i, 'function', NULL); RETURN i; END$$;
INSERT INTO t VALUES (writes(110001) + 1, 'outer', NULL);
UPDATE t SET name = name || writes(110003) WHERE id = 110001;
SELECT writes(110004 + i) FROM generate_series(0, 2) i;
SELECT agree(), q($$SELECT count(*) FROM t WHERE id > 110000$$);
CREATE FUNCTION sees() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RETURN parity.live_checksum('t') = parity.checksum('t'); END$$;
UPDATE t SET name = sees()::text || writes(id + 1000) WHERE id IN (110001, 110002);
SELECT name FROM t WHERE id IN (110001, 110002) ORDER BY id;
SELECT sees(), writes(120001), sees(), parity.live_checksum('t') = parity.checksum('t') AS query;
SELECT agree();

-- the application's triggers: BEFORE ones that change and skip rows
CREATE FUNCTION before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.id % 5 = 0 THEN RETURN NULL; END IF;
        RETURN OLD;
    END IF;
    IF NEW.id % 3 = 0 THEN RETURN NULL; END IF;
    NEW.v := coalesce(NEW.v, 0) + 1000;
    RETURN NEW;
END $$;
CREATE TABLE trig (id int PRIMARY KEY, v int);
CREATE TRIGGER before BEFORE INSERT OR UPDATE OR DELETE ON trig FOR EACH ROW EXECUTE FUNCTION before();
SELECT parity.track('trig', 1);
INSERT INTO trig SELECT i, i FROM generate_series(1, 20) i;
UPDATE trig SET id = id + 1;
INSERT INTO trig VALUES (2, 2), (40, 40) ON CONFLICT (id) DO UPDATE SET v = 7;
DELETE FROM trig WHERE id < 12;
COPY trig FROM stdin;
50	50
51	51
\.
SELECT agree(), q($$SELECT count(*), sum(v) FROM trig$$);
DROP TRIGGER before ON trig;
SELECT agree();
-- … AFTER ones that write the same table, by row and by statement, before and behind parity's in name
CREATE FUNCTION after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 2 THEN RETURN NULL; END IF;
    INSERT INTO trig SELECT coalesce(max(id), 0) + 1, pg_trigger_depth() FROM trig;
    UPDATE trig SET v = v + 1 WHERE id = (SELECT min(id) FROM trig);
    DELETE FROM trig WHERE v > 2000 AND id = (SELECT max(id) FROM trig WHERE v > 2000);
    IF NOT (SELECT parity.live_checksum('trig') = parity.checksum('trig')) THEN RAISE WARNING 'wrong in trigger'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER "a after row" AFTER INSERT OR UPDATE OR DELETE ON trig FOR EACH ROW EXECUTE FUNCTION after();
CREATE TRIGGER "z after statement" AFTER INSERT OR UPDATE OR DELETE ON trig FOR EACH STATEMENT EXECUTE FUNCTION after();
INSERT INTO trig VALUES (2001, 1), (2002, 1);
UPDATE trig SET v = v + 1 WHERE id > 2001;
DELETE FROM trig WHERE id = 2001;
SELECT agree(), q($$SELECT count(*), sum(v) FROM trig$$);
-- … BEFORE ones that write the same table
DROP TRIGGER "a after row" ON trig;
DROP TRIGGER "z after statement" ON trig;
CREATE FUNCTION before_writes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        INSERT INTO trig SELECT max(id) + 1, -1 FROM trig;
        DELETE FROM trig WHERE id = (SELECT min(id) FROM trig);
    END IF;
    IF NOT (SELECT parity.live_checksum('trig') = parity.checksum('trig')) THEN RAISE WARNING 'wrong in trigger'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER before_writes BEFORE INSERT OR UPDATE ON trig FOR EACH ROW EXECUTE FUNCTION before_writes();
INSERT INTO trig VALUES (5001, 1), (5005, 1);
UPDATE trig SET v = 5 WHERE id > 5000;
SELECT agree(), q($$SELECT count(*), sum(v) FROM trig$$);
DROP TRIGGER before_writes ON trig;
-- … one that fails behind parity's
CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'refused'; END$$;
CREATE TRIGGER zz_fails AFTER INSERT ON trig FOR EACH STATEMENT EXECUTE FUNCTION fails();
INSERT INTO trig VALUES (6001, 1);
BEGIN;
UPDATE trig SET v = v - 1;
SAVEPOINT a;
INSERT INTO trig VALUES (6001, 1);
ROLLBACK TO a;
SELECT agree();
COMMIT;
DROP TRIGGER zz_fails ON trig;
SELECT agree();
-- … a deferred one that writes the tracked table when the transaction commits, or SET CONSTRAINTS says so
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.v <> -2 THEN
        INSERT INTO trig SELECT max(id) + 1, -2 FROM trig;
        INSERT INTO cursor VALUES (NEW.id, 777);
        IF NOT (SELECT parity.live_checksum('trig') = parity.checksum('trig')) THEN RAISE WARNING 'wrong in trigger'; END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON trig DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();
INSERT INTO trig VALUES (7001, 1);
SELECT agree(), q($$SELECT (SELECT count(*) FROM cursor WHERE v = 777) AS late$$);
BEGIN;
INSERT INTO trig VALUES (7101, 1);
SELECT agree();
SET CONSTRAINTS late IMMEDIATE;
SELECT agree();
SET CONSTRAINTS late DEFERRED;
UPDATE trig SET v = 3 WHERE id = 7101;
COMMIT;
SELECT agree(), q($$SELECT (SELECT count(*) FROM cursor WHERE v = 777) AS late$$);
BEGIN;
INSERT INTO trig VALUES (7201, 1);
PREPARE TRANSACTION 'live_writes';
COMMIT PREPARED 'live_writes';
SELECT agree(), q($$SELECT (SELECT count(*) FROM cursor WHERE v = 777) AS late$$);
-- … and a cursor that is held, which is read when the transaction commits
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT writes(130001) AS written, agree();
COMMIT;
FETCH held;
CLOSE held;
SELECT agree(), q($$SELECT count(*) FROM t WHERE id = 130001$$);

-- foreign keys
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, cascaded int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, nulled int REFERENCES parent ON DELETE SET NULL ON UPDATE CASCADE,
    defaulted int DEFAULT 1 REFERENCES parent ON DELETE SET DEFAULT);
INSERT INTO parent SELECT generate_series(1, 10);
INSERT INTO child SELECT i, 1 + i % 5, 1 + i % 4, 7 FROM generate_series(1, 30) i;
SELECT parity.track('parent'), parity.track('child', 3);
DELETE FROM parent WHERE id IN (3, 7);
UPDATE parent SET id = id + 100 WHERE id IN (2, 4);
SELECT agree(), q($$SELECT count(*), count(nulled), sum(defaulted) FROM child$$);
DELETE FROM parent WHERE id = 1;
SELECT agree(), q($$SELECT count(*) FROM child$$);
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO tree SELECT i, nullif(i / 2, 0) FROM generate_series(1, 30) i;
SELECT parity.track('tree');
DELETE FROM tree WHERE id = 2;
SELECT agree(), q($$SELECT count(*) FROM tree$$);
BEGIN;
INSERT INTO tree VALUES (500, 501);
SELECT agree();
COMMIT;
SELECT agree(), q($$SELECT count(*) FROM tree$$);
-- rules and views
CREATE TABLE ruled (id int, v int);
CREATE TABLE log (id int, v int);
SELECT parity.track('ruled'), parity.track('log');
CREATE RULE logged AS ON UPDATE TO ruled DO ALSO INSERT INTO log VALUES (OLD.id, OLD.v);
CREATE RULE kept AS ON DELETE TO ruled DO INSTEAD UPDATE ruled SET v = NULL WHERE id = OLD.id;
INSERT INTO ruled VALUES (1, 1), (2, 2);
UPDATE ruled SET v = v + 1;
DELETE FROM ruled WHERE id = 1;
SELECT agree(), q($$SELECT (SELECT count(*) FROM ruled) AS ruled, (SELECT count(*) FROM log) AS log$$);
CREATE VIEW seen AS SELECT id, v FROM ruled WHERE id < 100 WITH CHECK OPTION;
INSERT INTO seen VALUES (50, 50);
INSERT INTO seen VALUES (150, 50);
UPDATE seen SET v = 8 WHERE id = 50;
SELECT agree(), q($$SELECT (SELECT count(*) FROM ruled) AS ruled$$);
CREATE VIEW instead AS SELECT id, v FROM ruled;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO ruled VALUES (NEW.id, -NEW.v); RETURN NEW; END$$;
CREATE TRIGGER instead INSTEAD OF INSERT ON instead FOR EACH ROW EXECUTE FUNCTION instead();
INSERT INTO instead VALUES (60, 60);
SELECT agree(), q($$SELECT (SELECT count(*) FROM ruled) AS ruled$$);
-- generated columns, identity, defaults
CREATE TABLE gen (id int GENERATED BY DEFAULT AS IDENTITY, a int DEFAULT 5, twice int GENERATED ALWAYS AS (a * 2) STORED, at timestamptz DEFAULT clock_timestamp());
SELECT parity.track('gen');
INSERT INTO gen DEFAULT VALUES;
INSERT INTO gen (a) VALUES (7), (DEFAULT);
UPDATE gen SET a = a + 1 WHERE id = 1;
UPDATE gen SET at = DEFAULT;
SELECT agree(), q($$SELECT sum(twice) FROM gen$$);

-- partitions, two levels
CREATE TABLE p (id int, k text, v int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (200) PARTITION BY LIST (k);
CREATE TABLE p2a (extra int, v int, k text, id int);
ALTER TABLE p2a DROP COLUMN extra;
ALTER TABLE p2 ATTACH PARTITION p2a FOR VALUES IN ('a');
CREATE TABLE p2b PARTITION OF p2 DEFAULT;
CREATE TABLE pd PARTITION OF p DEFAULT;
INSERT INTO p SELECT i * 7, chr(97 + i % 3), i FROM generate_series(0, 40) i;
SELECT parity.track('p', 2);
SELECT rel, status FROM parity.live_status WHERE rel::text ~ '^p' ORDER BY rel::text;
INSERT INTO p SELECT i, chr(97 + i % 3), i FROM generate_series(0, 250, 10) i;
UPDATE p SET v = v + 1 WHERE id % 2 = 0;
DELETE FROM p WHERE id % 9 = 0;
SELECT agree(), q($$SELECT count(*) FROM p$$);
-- direct ones
INSERT INTO p1 VALUES (1, 'x', 1);
INSERT INTO p2a VALUES (1, 'a', 101);
INSERT INTO p2 VALUES (102, 'b', 1);
UPDATE p2b SET v = -1;
DELETE FROM pd WHERE id % 2 = 0;
COPY p2 FROM stdin;
103	a	3
104	b	4
\.
COPY p FROM stdin;
5	a	3
105	a	4
1000	b	4
\.
SELECT agree(), q($$SELECT count(*) FROM p$$);
-- rows that move
UPDATE p SET id = id + 100 WHERE id < 100;
UPDATE p2 SET k = CASE WHEN k = 'a' THEN 'b' ELSE 'a' END;
UPDATE p SET id = 1, k = 'q' WHERE id = 1000;
SELECT agree(), q($$SELECT count(*), sum(v) FROM p$$);
BEGIN;
UPDATE p SET id = id % 200, k = k || 'a';
SELECT agree(), q($$SELECT count(*) FROM p$$);
SAVEPOINT a;
UPDATE p SET id = 150, k = 'a' WHERE id < 20;
SELECT agree();
ROLLBACK TO a;
SELECT agree();
COMMIT;
SELECT agree(), q($$SELECT count(*) FROM p$$);
-- TRUNCATE of one, of a branch, of all
TRUNCATE p1;
SELECT agree(), q($$SELECT count(*) FROM p$$);
INSERT INTO p VALUES (3, 'a', 3);
BEGIN;
INSERT INTO p VALUES (120, 'a', 3), (121, 'b', 1);
TRUNCATE p2;
INSERT INTO p VALUES (122, 'a', 3);
SELECT agree(), q($$SELECT count(*) FROM p$$);
COMMIT;
SELECT agree(), q($$SELECT count(*) FROM p$$);
BEGIN;
TRUNCATE p;
INSERT INTO p VALUES (4, 'a', 4), (124, 'a', 4);
SELECT agree(), q($$SELECT count(*) FROM p$$);
ROLLBACK;
SELECT agree(), q($$SELECT count(*) FROM p$$);
-- a partition is tracked beside the whole
SELECT parity.track('p2');
SELECT parity.track('p2a', 1);
INSERT INTO p VALUES (130, 'a', 1), (131, 'b', 1);
INSERT INTO p2a VALUES (5, 'a', 105);
UPDATE p SET id = id + 1 WHERE id = 130;
SELECT agree();
SELECT parity.untrack('p2');
INSERT INTO p VALUES (132, 'a', 1);
SELECT agree();
SELECT parity.untrack('p');
INSERT INTO p VALUES (133, 'a', 1);
SELECT agree(), rel FROM parity.live_status WHERE rel::text ~ '^p[0-9]';
SELECT parity.untrack('p2a');
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = ANY ('{p,p1,p2,p2a,p2b,pd}'::regclass[]);
-- upsert into a partitioned table
CREATE TABLE pk (id int PRIMARY KEY, v int) PARTITION BY HASH (id);
CREATE TABLE pk0 PARTITION OF pk FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE pk1 PARTITION OF pk FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT parity.track('pk');
INSERT INTO pk SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO pk SELECT i, i FROM generate_series(10, 30) i ON CONFLICT (id) DO UPDATE SET v = pk.v * 100;
SELECT agree(), q($$SELECT count(*), sum(v) FROM pk$$);
-- empty: no partitions at all, and one to come
CREATE TABLE none (id int) PARTITION BY RANGE (id);
SELECT parity.track('none', 2);
SELECT agree(), parity.live_checksum('none');
CREATE TABLE none1 PARTITION OF none FOR VALUES FROM (0) TO (10);
INSERT INTO none VALUES (1);
SELECT agree(), parity.digest_rows(parity.live_checksum('none')) AS rows;

-- inheritance: parity.checksum of the parent reads the children, too
CREATE TABLE base (id int, v int);
CREATE TABLE kid (extra int) INHERITS (base);
INSERT INTO base VALUES (1, 1);
INSERT INTO kid VALUES (2, 2, 2);
SELECT parity.track('kid');
INSERT INTO kid VALUES (3, 3, 3);
UPDATE base SET v = v + 10;
DELETE FROM base WHERE id = 2;
SELECT agree(), q($$SELECT count(*) FROM kid$$);
SELECT parity.track('base');
INSERT INTO kid VALUES (4, 4, 4);
UPDATE base SET v = v + 10;
SELECT rel, status, reason FROM parity.live_status WHERE rel IN ('base'::regclass, 'kid') ORDER BY rel::text;
SELECT agree();

SELECT parity.live_compact() > 0 AS folded;
SELECT agree();
DROP SCHEMA live_writes CASCADE;
