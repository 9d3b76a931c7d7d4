-- statements of several parts that write the same keys, where the table that follows has BEFORE triggers
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE par_owners (id int PRIMARY KEY);
CREATE TABLE par_old (id int PRIMARY KEY, owner int REFERENCES par_owners ON DELETE CASCADE, what text);
CREATE TABLE par_new (LIKE par_old INCLUDING ALL);
CREATE FUNCTION par_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.what := upper(NEW.what); RETURN NEW; END $$;
CREATE TRIGGER change BEFORE INSERT OR UPDATE ON par_old FOR EACH ROW EXECUTE FUNCTION par_change();
CREATE TRIGGER change BEFORE INSERT OR UPDATE ON par_new FOR EACH ROW EXECUTE FUNCTION par_change();
INSERT INTO par_owners SELECT generate_series(1, 5);
INSERT INTO par_old SELECT i, i % 5 + 1, 'row ' || i FROM generate_series(1, 20) i;
DO $$ BEGIN PERFORM parity.shadow_create('par', 'par_old', 'par_new'); END $$;
SELECT parity.shadow_start('par');
CALL parity.shadow_backfill('par');
-- keys change places
WITH d AS (DELETE FROM par_old WHERE id IN (1, 2, 3) RETURNING *)
    INSERT INTO par_old SELECT id % 3 + 1, owner, what FROM d ORDER BY 1;
-- a cascade takes away what another part has just changed
WITH d AS (DELETE FROM par_owners WHERE id = 4) UPDATE par_old SET what = 'changed' WHERE id < 10;
WITH d AS (DELETE FROM par_owners WHERE id = 5), i AS (INSERT INTO par_old VALUES (30, 1, 'new'))
    DELETE FROM par_old WHERE id IN (9, 10, 11);
SELECT key, operation, message FROM parity.drift WHERE shadow = 'par';
(TABLE par_old EXCEPT TABLE par_new) UNION ALL (TABLE par_new EXCEPT TABLE par_old);
SELECT status, source_rows, detail FROM parity.shadow_verify('par');
-- a row that a trigger leaves out is still put aside
CREATE FUNCTION par_leave_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER leave_out BEFORE DELETE ON par_new FOR EACH ROW WHEN (OLD.id = 12) EXECUTE FUNCTION par_leave_out();
DELETE FROM par_old WHERE id IN (12, 13);
SELECT key, operation, message FROM parity.drift WHERE shadow = 'par' ORDER BY 1;
SELECT parity.shadow_drop('par', force => true);
DROP TABLE par_old, par_new, par_owners;
DROP FUNCTION par_change(), par_leave_out();
