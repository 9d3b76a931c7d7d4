-- foreign keys' actions write both tables of a shadow by themselves: neither refused nor noted, where both tables have the same
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE cas_owners (id int PRIMARY KEY, name text);
CREATE TABLE cas_old (id int PRIMARY KEY, owner int REFERENCES cas_owners ON DELETE CASCADE ON UPDATE CASCADE, parent int, what text);
CREATE TABLE cas_new (what text, id bigint PRIMARY KEY, parent bigint, owner_id int);
ALTER TABLE cas_old ADD FOREIGN KEY (parent) REFERENCES cas_old ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE cas_new ADD FOREIGN KEY (parent) REFERENCES cas_new ON DELETE SET NULL ON UPDATE CASCADE,
    ADD FOREIGN KEY (owner_id) REFERENCES cas_owners ON DELETE CASCADE ON UPDATE CASCADE;
INSERT INTO cas_owners SELECT i, 'owner ' || i FROM generate_series(1, 9) i;
INSERT INTO cas_old SELECT i, i % 9 + 1, nullif(i / 2, 0), 'row ' || i FROM generate_series(1, 40) i;
DO $$ BEGIN PERFORM parity.shadow_create('cas', 'cas_old', 'cas_new', columns => '{"owner_id": "owner", "parent": "parent", "what": "what"}'); END $$;
CREATE VIEW cas_differ AS
    SELECT x.* FROM (SELECT id::bigint, owner, parent::bigint, what FROM cas_old EXCEPT SELECT id, owner_id, parent, what FROM cas_new) x
    UNION ALL
    SELECT x.* FROM (SELECT id, owner_id, parent, what FROM cas_new EXCEPT SELECT id::bigint, owner, parent::bigint, what FROM cas_old) x;
CREATE VIEW cas_noted AS SELECT phase, drift, reason FROM parity.shadow_status WHERE name = 'cas';
SELECT parity.shadow_start('cas');
CALL parity.shadow_backfill('cas');
SELECT status FROM parity.shadow_verify('cas');

-- forward
DELETE FROM cas_owners WHERE id = 2;
UPDATE cas_owners SET id = 103 WHERE id = 3;
UPDATE cas_old SET id = 1006 WHERE id = 6;
DELETE FROM cas_old WHERE id = 7;
WITH d AS (DELETE FROM cas_owners WHERE id = 103) UPDATE cas_old SET what = 'both' WHERE id BETWEEN 8 AND 12;
SELECT * FROM cas_noted;
SELECT * FROM cas_differ;

-- a trigger's writes are not the foreign key's
CREATE FUNCTION cas_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE cas_new SET what = 'by a trigger' WHERE id = 5; RETURN NULL; END $$;
CREATE TRIGGER write AFTER DELETE ON cas_owners FOR EACH ROW EXECUTE FUNCTION cas_write();
DELETE FROM cas_owners WHERE id = 9;
SELECT * FROM cas_noted;
DROP TRIGGER write ON cas_owners;
SELECT * FROM parity.shadow_heal('cas', everything => true);
SELECT status FROM parity.shadow_verify('cas');
SELECT * FROM cas_noted;

-- after a cutover: what is done to the other tables does not fail
SELECT parity.shadow_cutover('cas');
DELETE FROM cas_owners WHERE id = 4;
UPDATE cas_owners SET id = 105 WHERE id = 5;
UPDATE cas_new SET id = 1008 WHERE id = 8;
DELETE FROM cas_new WHERE id = 9;
WITH d AS (DELETE FROM cas_owners WHERE id = 105) UPDATE cas_new SET what = 'both again' WHERE id BETWEEN 12 AND 16;
SELECT * FROM cas_noted;
SELECT * FROM cas_differ;
-- but to the old one by itself it does
DELETE FROM cas_old WHERE id = 1;
WITH d AS (DELETE FROM cas_owners WHERE id = 6) UPDATE cas_old SET what = 'no';
SELECT parity.shadow_rollback('cas');
SELECT * FROM cas_noted;

-- where the tables have not the same it is noted, in both directions
ALTER TABLE cas_new DROP CONSTRAINT cas_new_owner_id_fkey, ADD FOREIGN KEY (owner_id) REFERENCES cas_owners ON DELETE SET NULL ON UPDATE CASCADE;
DELETE FROM cas_owners WHERE id = 7;
SELECT * FROM cas_noted;
SELECT * FROM cas_differ;
SELECT status FROM parity.shadow_verify('cas');
SELECT * FROM cas_noted;
ALTER TABLE cas_new DROP CONSTRAINT cas_new_owner_id_fkey;
SELECT parity.shadow_cutover('cas');
DELETE FROM cas_owners WHERE id = 8;
SELECT * FROM cas_noted;
SELECT count(*) FROM cas_differ;
SELECT gate, detail FROM parity.shadow_gates('cas') WHERE NOT passed;
SELECT parity.shadow_drop('cas', force => true);
DROP VIEW cas_differ, cas_noted;
DROP TABLE cas_old, cas_new, cas_owners;
DROP FUNCTION cas_write();
