-- Shadows: the healing. What is to be there is taken from the table that is written, as it is now.

-- Three statements, each under a snapshot of its own: put the row; if there is none, take it away; and put it once more,
-- as one may have come in between whose shadow the second took away.
CREATE FUNCTION parity.shadow_heal_key(parts pg_catalog.jsonb, key pg_catalog.jsonb) RETURNS pg_catalog.void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    types text[] := parity.shadow_texts(parts -> 'from_key_types');
    equal text[] := parity.shadow_texts(parts -> 'equal');
    mapped jsonb := parity.shadow_through_view(parts);
    here text := parity.shadow_key_equal(parity.shadow_aliased(mapped -> 'from_key'), equal, parity.shadow_key_values(key, types));
    there_values text[] := parity.shadow_key_values(key, parity.shadow_texts(parts -> 'to_key_types'));
    there text := parity.shadow_key_equal(parity.shadow_aliased(parts -> 'to_key', 't'), equal, there_values);
    rows text := concat(mapped ->> 'from', ' s WHERE ', here);
    put text := concat('INSERT INTO ', parts ->> 'to', ' (', array_to_string(parity.shadow_texts(parts -> 'columns'), ', '), ') ',
                       parts ->> 'overriding', ' SELECT ', array_to_string(parity.shadow_aliased(parts -> 'view_columns'), ', '),
                       ' FROM ', rows, ' FOR SHARE OF s ', parts ->> 'conflict');
BEGIN
    IF parity.shadow_write(parts ->> 'name', put) = 0 THEN
        BEGIN
            PERFORM parity.shadow_read(parity.shadow_path(parts ->> 'name'),
                format('SELECT pg_catalog.to_jsonb(ROW(%s) IS NOT NULL)', array_to_string(there_values, ', ')));
        EXCEPTION
            WHEN data_exception OR check_violation OR not_null_violation THEN
                -- the other table's key is wider: no row can have it there
                RETURN;
        END;
        PERFORM parity.shadow_write(parts ->> 'name',
            concat('DELETE FROM ', parts ->> 'to', ' t WHERE ', there, ' AND NOT EXISTS (SELECT FROM ', rows, ')'));
        PERFORM parity.shadow_write(parts ->> 'name', put);
    END IF;
END
$$;
COMMENT ON FUNCTION parity.shadow_heal_key(pg_catalog.jsonb, pg_catalog.jsonb) IS
    'internal: makes the row of one key in the table that follows what the other table says';

-- SET lock_timeout: so that what it is set to within ends with the function
CREATE FUNCTION parity.shadow_heal(name pg_catalog.text, max_rows pg_catalog.int8 DEFAULT NULL,
                                   everything pg_catalog.bool DEFAULT false)
    RETURNS TABLE (healed pg_catalog.int8, failed pg_catalog.int8)
    LANGUAGE plpgsql VOLATILE ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on SET lock_timeout = '1s'
    AS $$
DECLARE
    s parity.shadow := parity.shadow_hold(name, ARRAY['shadowing', 'cut over'], 'heal');
    parts jsonb := parity.shadow_statements(name);
    one jsonb;
    seen tid[];
    known bool;
    stuck jsonb[] := '{}';
    code text;
    words text;
BEGIN
    IF max_rows < 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'max_rows must not be negative';
    END IF;
    healed := 0;
    failed := 0;
    PERFORM set_config('lock_timeout', parity.shadow_patience(s.lock_timeout), true);
    FOR one, known IN
        SELECT k.key, k.known FROM (
            SELECT DISTINCT d.key, true AS known FROM parity.drift d WHERE d.shadow = s.name
            UNION ALL
            SELECT x.key, false FROM parity.shadow_diff(s.name, max_rows) x
                WHERE everything AND NOT EXISTS (SELECT FROM parity.drift d WHERE d.shadow = s.name AND d.key = x.key)) k
        ORDER BY k.known DESC, k.key LIMIT max_rows
    LOOP
        seen := ARRAY(SELECT d.ctid FROM parity.drift d WHERE d.shadow = s.name AND d.key = one FOR UPDATE SKIP LOCKED);
        -- another session is at it
        CONTINUE WHEN known AND cardinality(seen) = 0;
        BEGIN
            PERFORM parity.shadow_heal_key(parts, one);
            DELETE FROM parity.drift d WHERE d.ctid = ANY (seen);
            healed := healed + 1;
        EXCEPTION
            WHEN serialization_failure OR out_of_memory OR data_corrupted OR index_corrupted THEN RAISE;
            WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, words = MESSAGE_TEXT;
                failed := failed + 1;
                IF code = '23505' THEN
                    stuck := stuck || one;
                END IF;
                IF known THEN
                    UPDATE parity.drift d SET attempts = d.attempts + 1, sqlstate = code, message = words WHERE d.ctid = ANY (seen);
                ELSE
                    INSERT INTO parity.drift (shadow, key, operation, sqlstate, message, attempts)
                        VALUES (s.name, one, 'heal', code, words, 1);
                END IF;
        END;
    END LOOP;
    -- rows that have exchanged a unique value are in each other's way: all away, and then all anew
    IF cardinality(stuck) > 1 AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.contype = 'f'
                AND c.confrelid = (parts ->> 'to_oid')::oid AND c.confdeltype NOT IN ('a', 'r')) THEN
        seen := ARRAY(SELECT d.ctid FROM parity.drift d WHERE d.shadow = s.name AND d.key = ANY (stuck) FOR UPDATE SKIP LOCKED);
        BEGIN
            FOREACH one IN ARRAY stuck LOOP
                PERFORM parity.shadow_write(s.name, format('DELETE FROM %s t WHERE %s', parts ->> 'to', parity.shadow_key_equal(
                    parity.shadow_aliased(parts -> 'to_key', 't'), parity.shadow_texts(parts -> 'equal'),
                    parity.shadow_key_values(one, parity.shadow_texts(parts -> 'to_key_types')))));
            END LOOP;
            FOREACH one IN ARRAY stuck LOOP
                PERFORM parity.shadow_heal_key(parts, one);
            END LOOP;
            DELETE FROM parity.drift d WHERE d.ctid = ANY (seen);
            healed := healed + cardinality(stuck);
            failed := failed - cardinality(stuck);
        EXCEPTION
            WHEN serialization_failure OR out_of_memory OR data_corrupted OR index_corrupted THEN RAISE;
            WHEN OTHERS THEN NULL;
        END;
    END IF;
    PERFORM parity.shadow_note(s.name, 'heal', jsonb_build_object('healed', healed, 'failed', failed, 'everything', everything));
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION parity.shadow_heal(pg_catalog.text, pg_catalog.int8, pg_catalog.bool) IS
    'writes the rows in parity.drift, as they are now, into the table that follows, and with everything also all that parity.shadow_diff finds; what fails stays in parity.drift';
