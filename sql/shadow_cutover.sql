-- cutover, rollback and finish of a shadow
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE cut_tasks (id int PRIMARY KEY, title text, status text NOT NULL, price_cents int);
CREATE TABLE cut_tasks_v2 (id bigint PRIMARY KEY, title text, is_done bool, price numeric(12,2), CONSTRAINT cheap CHECK (price < 90000));
INSERT INTO cut_tasks SELECT i, 'title ' || i, CASE WHEN i % 2 = 0 THEN 'done' ELSE 'open' END, i FROM generate_series(1, 1000) i;
DO $$ BEGIN PERFORM parity.shadow_create('cut', 'cut_tasks', 'cut_tasks_v2',
    columns => '{"title": "title", "is_done": "status = ''done''", "price": "price_cents / 100.0"}',
    reverse => '{"title": "title", "status": "CASE WHEN is_done THEN ''done'' ELSE ''open'' END", "price_cents": "(price * 100)::int"}',
    max_failures => 3); END $$;
CREATE VIEW cut_equal AS
    SELECT (SELECT count(*) FROM (SELECT id, title, status = 'done', price_cents / 100.0 FROM cut_tasks
                                  EXCEPT ALL SELECT id, title, is_done, price FROM cut_tasks_v2) x) AS only_source,
           (SELECT count(*) FROM (SELECT id, title, is_done, price FROM cut_tasks_v2
                                  EXCEPT ALL SELECT id, title, status = 'done', price_cents / 100.0 FROM cut_tasks) x) AS only_target;
-- what stands in the way, all of it
SELECT parity.shadow_cutover('cut');
SELECT parity.shadow_rollback('cut');
SELECT parity.shadow_finish('cut');
SELECT parity.shadow_cutover('no such shadow');
SELECT * FROM parity.shadow_gates('no such shadow');
SELECT parity.shadow_start('cut');
SELECT parity.shadow_cutover('cut');
SELECT gate, passed, detail, acceptable FROM parity.shadow_gates('cut');
SELECT parity.shadow_cutover('cut', compare => 'quick');
SELECT parity.shadow_cutover('cut', compare => 'live');
SELECT parity.shadow_cutover('cut', lock_timeout => '-1 s');
SELECT parity.shadow_cutover('cut', lock_timeout => NULL);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT parity.shadow_cutover('cut');
ROLLBACK;
CALL parity.shadow_backfill('cut');
SELECT parity.shadow_cutover('cut');
SELECT status FROM parity.shadow_verify('cut');
SELECT gate FROM parity.shadow_gates('cut') WHERE NOT passed;
-- one at a time
UPDATE cut_tasks SET price_cents = 100000000 WHERE id = 10;
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
UPDATE cut_tasks SET price_cents = 10 WHERE id = 10;
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
SELECT * FROM parity.shadow_heal('cut');
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
UPDATE cut_tasks_v2 SET title = 'other' WHERE id = 3;
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
UPDATE cut_tasks_v2 SET title = 'title 3' WHERE id = 3;
SELECT status FROM parity.shadow_verify('cut');
ALTER TABLE cut_tasks DISABLE TRIGGER ALL;
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
ALTER TABLE cut_tasks ENABLE TRIGGER ALL;
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
SELECT parity.shadow_stop('cut');
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
UPDATE cut_tasks SET title = 'in between' WHERE id = 1000;
SELECT parity.shadow_start('cut');
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
CALL parity.shadow_backfill('cut');
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
SELECT status, differing FROM parity.shadow_verify('cut');
SELECT parity.shadow_cutover('cut', accept => '{verified}');
SELECT * FROM parity.shadow_heal('cut', everything => true);
SELECT status, differing FROM parity.shadow_verify('cut');
TRUNCATE cut_tasks;
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
INSERT INTO cut_tasks SELECT i, 'title ' || i, CASE WHEN i % 2 = 0 THEN 'done' ELSE 'open' END, i FROM generate_series(1, 100) i;
SELECT status, differing FROM parity.shadow_verify('cut');
-- a lie about the verification: the comparison under the lock finds it
BEGIN;
UPDATE cut_tasks_v2 SET title = 'unseen' WHERE id = 7;
DELETE FROM parity.shadow_mark;
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
SELECT parity.shadow_cutover('cut');
ROLLBACK;
-- rows that do not return
UPDATE cut_tasks SET status = 'half' WHERE id = 9;
SELECT parity.shadow_cutover('cut');
SELECT status, detail FROM parity.shadow_verify('cut');
SELECT gate, detail, acceptable FROM parity.shadow_gates('cut') WHERE NOT passed;
SELECT parity.shadow_cutover('cut', compare => 'verified');
SELECT parity.shadow_cutover('cut', accept => '{rows that do not return}');
SELECT * FROM cut_equal;
-- so the way back is not proven
SELECT parity.shadow_rollback('cut');
SELECT parity.shadow_rollback('cut', accept => '{tables,verified}');
SELECT * FROM parity.shadow_heal('cut', everything => true);
SELECT status, differing FROM parity.shadow_verify('cut');
SELECT parity.shadow_rollback('cut');
SELECT name, phase, direction, drift, reason FROM parity.shadow_status WHERE name = 'cut';
-- there and back, with writes on either side
SELECT parity.shadow_cutover('cut');
SELECT name, phase, direction, drift, reason FROM parity.shadow_status WHERE name = 'cut';
SELECT parity.shadow_cutover('cut');
INSERT INTO cut_tasks VALUES (5000, 'late', 'open', 1);
UPDATE cut_tasks SET title = 'late' WHERE false;
DELETE FROM cut_tasks;
TRUNCATE cut_tasks;
COPY cut_tasks FROM stdin;
5000	late	open	1
\.
INSERT INTO cut_tasks_v2 VALUES (2001, 'new', true, 1.5), (2002, 'new', false, 2.5);
UPDATE cut_tasks_v2 SET price = price + 1 WHERE id < 10;
UPDATE cut_tasks_v2 SET id = id + 10000 WHERE id < 5;
DELETE FROM cut_tasks_v2 WHERE id > 10 AND id < 20;
SELECT * FROM cut_tasks WHERE id > 2000 ORDER BY id;
SELECT * FROM cut_equal;
CALL parity.shadow_backfill('cut');
SELECT status, differing FROM parity.shadow_verify('cut');
SELECT parity.shadow_rollback('cut');
SELECT parity.shadow_rollback('cut');
-- the new table follows again, and nobody writes it who has not heard of that
UPDATE cut_tasks_v2 SET title = 'unaware' WHERE id = 2001;
TRUNCATE cut_tasks_v2;
INSERT INTO cut_tasks VALUES (3001, 'newer', 'done', 150);
UPDATE cut_tasks SET title = 'changed' WHERE id = 2001;
SELECT * FROM cut_equal;
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
SELECT parity.shadow_cutover('cut', compare => 'verified');
-- without a comparison, the way back is not known
SELECT parity.shadow_rollback('cut');
SELECT status FROM parity.shadow_verify('cut');
-- nor is the way forth again
BEGIN;
SELECT parity.shadow_rollback('cut', compare => 'verified');
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
ROLLBACK;
-- a verification that took long does not outdo a difference that another one has found meanwhile
BEGIN;
INSERT INTO parity.event (shadow, what, detail) VALUES ('cut', 'verify', '{"status": "differ"}');
SELECT parity.shadow_record(s, 'any', 0, '{}', clock_timestamp() - interval '1 minute') AS old,
    parity.shadow_record(s, 'any', 0, '{}', clock_timestamp()) AS new FROM parity.shadow s WHERE s.name = 'cut';
ROLLBACK;
-- what the old schema cannot hold
UPDATE cut_tasks_v2 SET is_done = NULL WHERE id = 2002;
SET client_min_messages = notice;
\set VERBOSITY terse
SELECT parity.shadow_rollback('cut');
\set VERBOSITY default
SET client_min_messages = warning;
SELECT * FROM cut_equal;
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
SELECT * FROM parity.shadow_heal('cut', everything => true);
SELECT status, differing FROM parity.shadow_verify('cut');
-- a write that the old table refuses
SELECT parity.shadow_cutover('cut');
ALTER TABLE cut_tasks ADD CONSTRAINT titled CHECK (title <> 'refused');
UPDATE cut_tasks_v2 SET title = 'refused' WHERE id = 2001;
SELECT key, operation, sqlstate FROM parity.drift WHERE shadow = 'cut';
SELECT parity.shadow_rollback('cut');
ALTER TABLE cut_tasks DROP CONSTRAINT titled;
SELECT * FROM parity.shadow_heal('cut');
SELECT status, differing FROM parity.shadow_verify('cut');
-- stopped after the cutover, and started again
SELECT parity.shadow_stop('cut');
UPDATE cut_tasks_v2 SET title = 'unfollowed' WHERE id = 2001;
SELECT parity.shadow_start('cut');
SELECT name, phase, direction FROM parity.shadow_status WHERE name = 'cut';
SELECT parity.shadow_rollback('cut');
SELECT * FROM parity.shadow_heal('cut', everything => true);
SELECT status, differing FROM parity.shadow_verify('cut');
SELECT parity.shadow_rollback('cut');
CALL parity.shadow_backfill('cut');
SELECT parity.shadow_cutover('cut');
-- the end
SELECT parity.shadow_finish('cut');
SELECT name, phase, direction FROM parity.shadow_status WHERE name = 'cut';
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('cut_tasks'::regclass, 'cut_tasks_v2'::regclass);
SELECT parity.shadow_start('cut');
SELECT parity.shadow_stop('cut');
SELECT parity.shadow_cutover('cut');
SELECT parity.shadow_rollback('cut');
SELECT parity.shadow_finish('cut');
SELECT parity.shadow_verify('cut');
SELECT what, count(*) FROM parity.event WHERE shadow = 'cut' GROUP BY what ORDER BY what;
SELECT detail - ARRAY['source', 'target', 'waited_ms', 'locked_ms'] FROM parity.event WHERE shadow = 'cut' AND what IN ('cutover', 'rollback') ORDER BY at;
SELECT parity.shadow_drop('cut');
-- a row whose way back is an error
CREATE TABLE cut_down (id int PRIMARY KEY, v int);
CREATE TABLE cut_down_v2 (id int PRIMARY KEY, w int);
INSERT INTO cut_down VALUES (1, 1), (3, 3);
DO $$ BEGIN PERFORM parity.shadow_create('cut', 'cut_down', 'cut_down_v2', columns => '{"w": "v"}', reverse => '{"v": "w * (w - 3) / (w - 3)"}'); END $$;
SELECT parity.shadow_start('cut');
CALL parity.shadow_backfill('cut');
SELECT status, detail FROM parity.shadow_verify('cut');
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE NOT passed;
SELECT parity.shadow_cutover('cut');
SELECT parity.shadow_cutover('cut', compare => 'verified');
SELECT parity.shadow_cutover('cut', accept => '{rows that do not return}');
SELECT parity.shadow_rollback('cut');
SELECT parity.shadow_drop('cut', force => true);
DROP TABLE cut_down, cut_down_v2;
-- a part of the rows
DO $$ BEGIN PERFORM parity.shadow_create('cut', 'cut_tasks', 'cut_part', filter => 'id > 2000'); END $$;
SELECT parity.shadow_start('cut');
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE gate = 'rows';
SELECT parity.shadow_drop('cut', force => true);
DO $$ BEGIN PERFORM parity.shadow_create('cut', 'cut_tasks', 'cut_part', percent => 30); END $$;
SELECT gate, detail FROM parity.shadow_gates('cut') WHERE gate = 'rows';
SELECT parity.shadow_drop('cut');
DROP TABLE cut_part;
-- live checksums, names swapped, and a chain
CREATE TABLE cut_a (id int PRIMARY KEY, t text);
INSERT INTO cut_a SELECT i, i FROM generate_series(1, 100) i;
DO $$ BEGIN PERFORM parity.shadow_create('cut ab', 'cut_a', 'cut_b'); PERFORM parity.shadow_start('cut ab'); END $$;
CALL parity.shadow_backfill('cut ab');
DO $$ BEGIN PERFORM parity.shadow_create('cut bc', 'cut_b', 'cut_c'); PERFORM parity.shadow_start('cut bc'); END $$;
CALL parity.shadow_backfill('cut bc');
SELECT status FROM parity.shadow_verify('cut ab');
SELECT status FROM parity.shadow_verify('cut bc');
SELECT parity.shadow_cutover('cut bc');
SELECT parity.track('cut_a'), parity.track('cut_b');
SELECT parity.shadow_cutover('cut ab', swap_names => true, compare => 'live');
INSERT INTO cut_a VALUES (101, 'into the new one');
SELECT s.source, s.target, s.swapped FROM parity.shadow s WHERE name = 'cut ab';
SELECT (SELECT count(*) FROM cut_a) AS a, (SELECT count(*) FROM cut_b) AS b, (SELECT count(*) FROM cut_c) AS c;
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgname LIKE 'parity_shadow%' AND tgrelid IN ('cut_a'::regclass, 'cut_b'::regclass, 'cut_c'::regclass) GROUP BY 1 ORDER BY 1;
SELECT parity.shadow_rollback('cut ab', compare => 'live');
SELECT s.source, s.target, s.swapped FROM parity.shadow s WHERE name = 'cut ab';
INSERT INTO cut_a VALUES (102, 'into the old one');
SELECT (SELECT count(*) FROM cut_a) AS a, (SELECT count(*) FROM cut_b) AS b, (SELECT count(*) FROM cut_c) AS c;
SELECT detail ->> 'mode' AS mode, detail ->> 'swapped' AS swapped FROM parity.event WHERE shadow = 'cut ab' AND what IN ('cutover', 'rollback') ORDER BY at;
SELECT parity.shadow_drop('cut ab', force => true), parity.shadow_drop('cut bc', force => true);
-- a way back that is not the same, a spec that leaves something out: no work for live checksums
SELECT parity.track('cut_c');
DO $$ BEGIN PERFORM parity.shadow_create('cut', 'cut_a', 'cut_c', reverse => '{"t": "upper(t)"}'); PERFORM parity.shadow_start('cut'); END $$;
SELECT parity.shadow_cutover('cut', compare => 'live');
SELECT parity.shadow_drop('cut', force => true);
DO $$ BEGIN PERFORM parity.shadow_create('cut', 'cut_a', 'cut_c'); PERFORM parity.shadow_start('cut'); END $$;
CALL parity.shadow_backfill('cut');
SELECT status FROM parity.shadow_verify('cut');
BEGIN;
SELECT parity.set_spec('cut_a', '{"exclude": ["t"]}'), parity.set_spec('cut_c', '{"exclude": ["t"]}');
SELECT parity.track('cut_a'), parity.track('cut_c');
SELECT parity.shadow_cutover('cut', compare => 'live');
ROLLBACK;
SELECT parity.untrack('cut_c');
SELECT parity.shadow_cutover('cut', compare => 'live');
SELECT parity.track('cut_c');
SELECT parity.shadow_cutover('cut', compare => 'live');
SELECT parity.shadow_finish('cut');
SELECT parity.shadow_drop('cut');
-- somebody else
CREATE ROLE regress_cut_other;
SET ROLE regress_cut_other;
SELECT parity.shadow_cutover('cut');
SELECT parity.shadow_rollback('cut');
SELECT parity.shadow_finish('cut');
SELECT * FROM parity.shadow_gates('cut');
RESET ROLE;
DROP ROLE regress_cut_other;
DROP VIEW cut_equal;
DROP TABLE cut_tasks, cut_tasks_v2, cut_a, cut_b, cut_c;
