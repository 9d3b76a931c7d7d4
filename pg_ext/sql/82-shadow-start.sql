-- Shadows: their triggers, and start and stop.

CREATE FUNCTION parity.shadow_row(name pg_catalog.text) RETURNS parity.shadow
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
DECLARE
    s parity.shadow;
BEGIN
    SELECT x.* INTO s FROM parity.shadow x
        WHERE x.name OPERATOR(pg_catalog.=) shadow_row.name AND pg_catalog.pg_has_role(x.owner, 'USAGE') FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = pg_catalog.format('shadow "%s" does not exist', shadow_row.name),
            HINT = 'parity.shadow_status lists those of tables that you own.';
    END IF;
    RETURN s;
END
$$;
COMMENT ON FUNCTION parity.shadow_row(pg_catalog.text) IS
    'internal: a shadow''s row, locked, so that one step is made at a time; an error unless the caller may act as its owner';

CREATE FUNCTION parity.shadow_note(shadow pg_catalog.text, what pg_catalog.text, detail pg_catalog.jsonb DEFAULT NULL)
    RETURNS pg_catalog.void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp SET row_security = on AS $$
    INSERT INTO parity.event (shadow, who, what, detail) VALUES ($1, SESSION_USER, $2, $3)
$$;
COMMENT ON FUNCTION parity.shadow_note(pg_catalog.text, pg_catalog.text, pg_catalog.jsonb) IS
    'internal: a row of parity.event';

-- The callers have a SET lock_timeout: what is set here ends with them.
CREATE FUNCTION parity.shadow_wait(patience pg_catalog.interval) RETURNS pg_catalog.void
    LANGUAGE sql VOLATILE AS $$
    SELECT pg_catalog.set_config('lock_timeout', pg_catalog.format('%sms',
        GREATEST(1, (EXTRACT(epoch FROM $1) OPERATOR(pg_catalog.*) 1000)::pg_catalog.int8)), true)
$$;
COMMENT ON FUNCTION parity.shadow_wait(pg_catalog.interval) IS 'internal: how long to wait for locks from now on';

CREATE FUNCTION parity.shadow_stem(id pg_catalog.int8) RETURNS pg_catalog.text
    LANGUAGE sql IMMUTABLE STRICT
    SET search_path = pg_catalog, pg_temp AS $$ SELECT format('parity_shadow_%s_', lpad(to_hex(id & 4294967295), 8, '0')) $$;
COMMENT ON FUNCTION parity.shadow_stem(pg_catalog.int8) IS 'internal: what the names of a shadow''s triggers begin with';

CREATE FUNCTION parity.shadow_disarm(s parity.shadow) RETURNS pg_catalog.void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stem text := parity.shadow_stem(s.id);
    t record;
BEGIN
    FOR t IN
        SELECT g.tgname, parity.shadow_relation(g.tgrelid) AS rel FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
        -- also of partitions that were detached since; anybody can make a trigger with any id on a table of his own
        WHERE (g.tgrelid IN (s.source, s.target) OR (c.relowner = s.owner AND starts_with(g.tgname::text, stem))
               OR g.tgrelid IN (SELECT p.relid FROM unnest(ARRAY[s.source, s.target]) r, pg_partition_tree(r) p))
            AND g.tgfoid IN ('parity.shadow_capture()'::regprocedure, 'parity.shadow_guard()'::regprocedure)
            AND g.tgargs = convert_to(s.id::text, 'UTF8') || '\x00'::bytea AND g.tgparentid = 0
        -- in the order in which a write locks the tables
        ORDER BY g.tgrelid <> CASE s.direction WHEN 'backward' THEN s.target ELSE s.source END, g.tgrelid, g.tgname
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.rel);
    END LOOP;
END
$$;
COMMENT ON FUNCTION parity.shadow_disarm(parity.shadow) IS 'internal: drops a shadow''s triggers';

-- The tables are locked against writers until the transaction ends: whoever writes later meets the triggers.
CREATE FUNCTION parity.shadow_arm(s parity.shadow) RETURNS pg_catalog.void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stem text := parity.shadow_stem(s.id);
    t record;
BEGIN
    EXECUTE (SELECT format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', string_agg(parity.shadow_relation(r), ', ' ORDER BY i))
             FROM unnest(CASE s.direction WHEN 'backward' THEN ARRAY[s.target, s.source] ELSE ARRAY[s.source, s.target] END)
                 WITH ORDINALITY u(r, i));
    PERFORM parity.shadow_disarm(s);
    FOR t IN
        SELECT parity.shadow_relation(p.oid) AS rel, stem || v.suffix AS name, v.moment, v.rows, v.fires,
               -- what is refused is refused before it fails otherwise, as with a key that came from the other table
               CASE WHEN v.writes OR v.kind <> 'r' THEN 'AFTER' ELSE 'BEFORE' END AS time,
               CASE WHEN v.writes THEN 'shadow_capture' ELSE 'shadow_guard' END AS function
        FROM (VALUES
            (true, 'insert', 'INSERT', 'REFERENCING NEW TABLE AS parity_new FOR EACH STATEMENT', 'ALWAYS', 'r'),
            (true, 'update', 'UPDATE', 'REFERENCING OLD TABLE AS parity_old NEW TABLE AS parity_new FOR EACH STATEMENT', 'ALWAYS', 'r'),
            (true, 'delete', 'DELETE', 'REFERENCING OLD TABLE AS parity_old FOR EACH STATEMENT', 'ALWAYS', 'r'),
            -- a subscription applies rows without statements
            (true, 'row', 'INSERT OR UPDATE OR DELETE', 'FOR EACH ROW', 'REPLICA', 'r'),
            (true, 'truncate', 'TRUNCATE', 'FOR EACH STATEMENT', 'ALWAYS', 'r'),
            (false, 'guard', 'INSERT OR UPDATE OR DELETE', 'FOR EACH STATEMENT', 'ALWAYS', 'r'),
            (false, 'guard_truncate', 'TRUNCATE', 'FOR EACH STATEMENT', 'ALWAYS', 'r'),
            -- a statement that names a partition fires no statement trigger of the whole; row triggers come to partitions by themselves
            (true, 'row', 'INSERT OR UPDATE OR DELETE', 'FOR EACH ROW', 'ALWAYS', 'p'),
            (true, 'truncate', 'TRUNCATE', 'FOR EACH STATEMENT', 'ALWAYS', 'p'),
            (true, 'truncate', 'TRUNCATE', 'FOR EACH STATEMENT', 'ALWAYS', 'part'),
            (false, 'guard', 'INSERT OR UPDATE OR DELETE', 'FOR EACH ROW', 'ALWAYS', 'p'),
            (false, 'guard_truncate', 'TRUNCATE', 'FOR EACH STATEMENT', 'ALWAYS', 'p'),
            (false, 'guard_truncate', 'TRUNCATE', 'FOR EACH STATEMENT', 'ALWAYS', 'part')
        ) v(writes, suffix, moment, rows, fires, kind)
        JOIN pg_class c ON c.oid = CASE WHEN v.writes = (s.direction = 'forward') THEN s.source ELSE s.target END
        LEFT JOIN pg_partition_tree(c.oid) f ON true
        JOIN pg_class p ON p.oid = coalesce(f.relid, c.oid) AND p.relkind IN ('r', 'p')
        WHERE CASE WHEN p.oid = c.oid THEN v.kind = c.relkind ELSE v.kind = 'part' END
        ORDER BY v.writes DESC, c.oid <> p.oid, p.oid
    LOOP
        EXECUTE format('CREATE TRIGGER %I %s %s ON %s %s EXECUTE FUNCTION parity.%I(%L)', t.name, t.time, t.moment, t.rel, t.rows,
                       t.function, s.id::text);
        EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I', t.rel, t.fires, t.name);
    END LOOP;
END
$$;
COMMENT ON FUNCTION parity.shadow_arm(parity.shadow) IS
    'internal: makes a shadow''s triggers for its direction: those that write, and those that notice others'' writes';

CREATE FUNCTION parity.shadow_place() RETURNS pg_catalog.text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.concat(c.system_identifier, '/', d.oid) FROM pg_catalog.pg_control_system() c, pg_catalog.pg_database d
        WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
$$;
COMMENT ON FUNCTION parity.shadow_place() IS 'internal: what tells this database from others and from its own restored dump';

CREATE FUNCTION parity.shadow_start(name pg_catalog.text, lock_timeout pg_catalog.interval DEFAULT '2 seconds')
    RETURNS pg_catalog.void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp SET row_security = on SET lock_timeout = '2s' AS $$
DECLARE
    s parity.shadow := parity.shadow_row(name);
    again pg_catalog.bool := s.phase OPERATOR(pg_catalog.<>) 'created';
BEGIN
    IF s.phase OPERATOR(pg_catalog.=) 'finished' OR (s.phase OPERATOR(pg_catalog.=) ANY (ARRAY['shadowing', 'cut over']) AND NOT EXISTS
            (SELECT FROM parity.shadow_mark m WHERE m.id OPERATOR(pg_catalog.=) s.id AND m.run OPERATOR(pg_catalog.=) s.run
                AND m.kind OPERATOR(pg_catalog.=) 'stopped')) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('shadow "%s" is %s', name, s.phase),
            HINT = 'A shadow is started once it was created, or was stopped.';
    END IF;
    PERFORM parity.shadow_wait(lock_timeout);
    UPDATE parity.shadow x SET
            phase = CASE s.direction WHEN 'backward' THEN 'cut over' ELSE 'shadowing' END,
            run = s.run OPERATOR(pg_catalog.+) 1, started_at = pg_catalog.clock_timestamp(),
            start_xid = pg_catalog.pg_current_xact_id(), guarded = s.direction OPERATOR(pg_catalog.=) 'backward', verified_at = NULL, verified_as = NULL, origin = parity.shadow_place()
        WHERE x.name OPERATOR(pg_catalog.=) s.name RETURNING x.* INTO s;
    PERFORM parity.shadow_arm(s);
    PERFORM parity.shadow_note(s.name, 'start', pg_catalog.jsonb_build_object('run', s.run, 'again', again));
END
$$;
COMMENT ON FUNCTION parity.shadow_start(pg_catalog.text, pg_catalog.interval) IS
    'begin to write each change of the source into the target as well; waits for writers at most lock_timeout. After a stop, what was written meanwhile has to be found by parity.shadow_verify and mended by parity.shadow_heal';

CREATE FUNCTION parity.shadow_stop(name pg_catalog.text, lock_timeout pg_catalog.interval DEFAULT '2 seconds')
    RETURNS pg_catalog.void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp SET row_security = on SET lock_timeout = '2s' AS $$
DECLARE
    s parity.shadow := parity.shadow_row(name);
BEGIN
    IF s.phase OPERATOR(pg_catalog.<>) ALL (ARRAY['shadowing', 'cut over']) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('shadow "%s" is %s', name, s.phase), HINT = 'Only a shadow that was started can be stopped.';
    END IF;
    PERFORM parity.shadow_wait(lock_timeout);
    PERFORM parity.shadow_disarm(s);
    UPDATE parity.shadow x SET phase = 'stopped', verified_at = NULL, verified_as = NULL
        WHERE x.name OPERATOR(pg_catalog.=) s.name;
    INSERT INTO parity.shadow_mark (id, run, kind, reason) VALUES (s.id, s.run, 'stopped', 'parity.shadow_stop');
    PERFORM parity.shadow_note(s.name, 'stop', NULL);
END
$$;
COMMENT ON FUNCTION parity.shadow_stop(pg_catalog.text, pg_catalog.interval) IS
    'end the writing into the target; all that was written stays';

CREATE VIEW parity.shadow_status AS
    SELECT s.name, s.source, s.target,
        CASE WHEN s.phase OPERATOR(pg_catalog.=) ANY (ARRAY['shadowing', 'cut over']) AND (stop.reason IS NOT NULL OR gone.reason IS NOT NULL)
             THEN 'stopped' ELSE s.phase END AS phase,
        s.direction, s.on_error,
        (SELECT pg_catalog.count(*) FROM parity.drift d WHERE d.shadow OPERATOR(pg_catalog.=) s.name) AS drift,
        (SELECT w.complete AND w.started_at OPERATOR(pg_catalog.>=) s.started_at FROM parity.shadow_work w
         WHERE w.id OPERATOR(pg_catalog.=) s.id) AS backfilled,
        s.verified_at,
        pg_catalog.concat_ws('; ', gone.reason, stop.reason, parent.reason, marks.reasons) AS reason,
        s.started_at
    FROM parity.shadow s
        LEFT JOIN LATERAL (SELECT pg_catalog.min(m.reason) AS reason FROM parity.shadow_mark m
            WHERE m.id OPERATOR(pg_catalog.=) s.id AND m.run OPERATOR(pg_catalog.=) s.run
                AND m.kind OPERATOR(pg_catalog.=) 'stopped') stop ON true
        LEFT JOIN LATERAL (SELECT 'one of its tables does not exist any more' AS reason FROM pg_catalog.pg_class c
            WHERE c.oid OPERATOR(pg_catalog.=) ANY (ARRAY[s.source, s.target]::pg_catalog.oid[])
            HAVING pg_catalog.count(*) OPERATOR(pg_catalog.<) 2) gone ON true
        LEFT JOIN LATERAL (SELECT 'one of its tables is part of another one: what is written by way of that is not seen' AS reason
            FROM pg_catalog.pg_inherits i WHERE i.inhrelid OPERATOR(pg_catalog.=) ANY (ARRAY[s.source, s.target]::pg_catalog.oid[])
                AND s.phase OPERATOR(pg_catalog.=) ANY (ARRAY['shadowing', 'cut over']) LIMIT 1) parent ON true
        LEFT JOIN LATERAL (SELECT pg_catalog.string_agg(DISTINCT m.reason, '; ') AS reasons FROM parity.shadow_mark m
            WHERE m.id OPERATOR(pg_catalog.=) s.id AND NOT (m.run OPERATOR(pg_catalog.=) s.run AND m.kind OPERATOR(pg_catalog.=) 'stopped')) marks ON true
    WHERE pg_catalog.pg_has_role(s.owner, 'USAGE');
COMMENT ON VIEW parity.shadow_status IS
    'the shadows of the tables that one owns: their phase, keys that wait for parity.shadow_heal, when they were last found equal, and what has happened since';
COMMENT ON COLUMN parity.shadow_status.reason IS 'why it is stopped, or has to be verified anew';
GRANT SELECT ON parity.shadow_status TO PUBLIC;
