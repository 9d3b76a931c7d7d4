-- Shadows: the cutover, the way back, and the end. What has to hold is asked twice, before the tables are locked and
-- after it; what the tables hold is compared under the lock.

CREATE FUNCTION parity.shadow_old_snapshots(start pg_catalog.xid8) RETURNS pg_catalog.int4
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'parity_sql_shadow_old_snapshots';
COMMENT ON FUNCTION parity.shadow_old_snapshots(pg_catalog.xid8) IS
    'internal: how many transactions in this database, other than one''s own, may have a snapshot in which a transaction was not over yet';

CREATE FUNCTION parity.shadow_is_older(x pg_catalog.xid, start pg_catalog.xid8) RETURNS pg_catalog.bool
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'parity_sql_shadow_is_older';
COMMENT ON FUNCTION parity.shadow_is_older(pg_catalog.xid, pg_catalog.xid8) IS
    'internal: whether one transaction is as old as another, or older';

-- Everything but the data: what is stored of the shadow, and the catalogs. mode is how the tables will be compared.
CREATE FUNCTION parity.shadow_check(s parity.shadow, with_names pg_catalog.bool, mode pg_catalog.text)
    RETURNS TABLE (gate pg_catalog.text, passed pg_catalog.bool, detail pg_catalog.text, acceptable pg_catalog.bool)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET row_security = on
    AS $$
#variable_conflict use_column
DECLARE
    forward bool := s.direction = 'forward';
    follows regclass := CASE WHEN forward THEN s.source ELSE s.target END;  -- afterwards
    words text;
    n int8;
    item record;
BEGIN
    gate := 'phase';
    acceptable := false;
    SELECT min(m.reason) INTO words FROM parity.shadow_mark m WHERE m.id = s.id AND m.run = s.run AND m.kind = 'stopped';
    passed := s.phase IN ('shadowing', 'cut over') AND words IS NULL;
    detail := CASE WHEN s.phase NOT IN ('shadowing', 'cut over') THEN format('it is in phase "%s": writes are not shadowed', s.phase)
                   WHEN words IS NOT NULL THEN format('it has stopped itself: %s', words) ELSE s.phase END;
    RETURN NEXT;

    gate := 'database';
    passed := s.origin = parity.shadow_place();
    detail := CASE WHEN passed THEN 'as it was started in' WHEN s.origin IS NULL THEN 'it was never started'
                   ELSE 'it was started in another database, of which this is a copy: stop and start it' END;
    RETURN NEXT;

    IF forward THEN
        gate := 'backfill';
        passed := EXISTS (SELECT FROM parity.shadow_work w WHERE w.id = s.id AND w.complete AND w.started_at >= s.started_at);
        detail := CASE WHEN passed THEN 'complete' ELSE 'not complete since the shadow was started' END;
        RETURN NEXT;

        gate := 'rows';
        passed := s.filter IS NULL AND (s.percent IS NULL OR s.percent = 100);
        detail := CASE WHEN passed THEN 'all' WHEN s.filter IS NOT NULL THEN 'only those of a filter are shadowed'
                       ELSE format('only %s percent are shadowed', s.percent) END;
        RETURN NEXT;
    END IF;

    gate := 'drift';
    SELECT count(DISTINCT d.key) INTO n FROM parity.drift d WHERE d.shadow = s.name;
    passed := n = 0;
    detail := CASE WHEN passed THEN 'none' ELSE format('%s keys in parity.drift', n) END;
    RETURN NEXT;

    gate := 'verified';
    SELECT string_agg(DISTINCT m.reason, '; ') INTO words FROM parity.shadow_mark m
        WHERE m.id = s.id AND NOT (m.kind = 'stopped' AND m.run = s.run)
          -- the same key's action on the other table was shadowed: whoever reads the tables sees whether they are equal
          AND (m.kind <> 'cascade' OR mode = 'verified');
    passed := s.verified_at IS NOT NULL AND words IS NULL AND s.verified_as = parity.shadow_signature(s.name) IS TRUE;
    detail := CASE WHEN s.phase IN ('shadowing', 'cut over') AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid IN (s.source, s.target))
                        THEN 'one of the tables is part of another one, and what is written by way of that is not seen: detach it, or end the inheritance'
                   WHEN parity.shadow_signature(s.name) IS NULL AND s.phase IN ('shadowing', 'cut over')
                        THEN 'a trigger of the shadow is missing or disabled: stop and start it'
                   WHEN s.verified_at IS NULL THEN 'the tables were not found equal since the shadow was started, cut over or rolled back'
                   WHEN words IS NOT NULL THEN format('not since: %s', words)
                   WHEN NOT passed THEN 'not since triggers, partitions, the mapping, or one of the tables were changed'
                   ELSE format('at %s', s.verified_at) END;
    RETURN NEXT;

    gate := 'other shadows';
    SELECT string_agg(format('"%s"', x.name), ', ' ORDER BY x.name) INTO words FROM parity.shadow x
        WHERE x.id <> s.id AND x.phase IN ('shadowing', 'cut over')
          AND follows = CASE x.direction WHEN 'forward' THEN x.target ELSE x.source END;
    passed := words IS NULL;
    detail := CASE WHEN passed THEN 'none in the way' ELSE format('%s would follow another table as well, by shadow %s', follows, words) END;
    RETURN NEXT;

    gate := 'prepared transactions';
    acceptable := true;
    SELECT string_agg(quote_literal(p.gid), ', ' ORDER BY p.prepared) INTO words FROM pg_prepared_xacts p
        WHERE p.database = current_database()
          AND (parity.shadow_is_older(p.transaction, s.start_xid)
               -- its locks are without a process; until a restart they keep the virtual transaction of who prepared it
               OR EXISTS (SELECT FROM pg_locks x JOIN pg_locks l ON l.virtualtransaction = x.virtualtransaction AND l.pid IS NULL
                          WHERE x.transactionid = p.transaction AND x.pid IS NULL
                            AND l.relation IN (s.source, s.target) AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())));
    passed := words IS NULL;
    detail := coalesce(words, 'none');
    RETURN NEXT;

    gate := 'old snapshots';
    n := parity.shadow_old_snapshots(s.start_xid);
    passed := coalesce(n, 0) = 0;
    -- who may not see the activity of others is told how many
    SELECT string_agg(a.pid::text, ', ' ORDER BY a.backend_start) INTO words FROM pg_stat_activity a
        WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND parity.shadow_is_older(a.backend_xmin, s.start_xid);
    detail := CASE WHEN passed THEN 'none' ELSE format('%s transactions are as old as the start of the shadow%s', n, ' (pid ' || words || ')') END;
    RETURN NEXT;

    IF with_names THEN
        FOR item IN SELECT i.item, i.detail FROM parity.shadow_inventory(s.name) i LOOP
            gate := item.item;
            passed := false;
            detail := item.detail;
            RETURN NEXT;
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION parity.shadow_check(parity.shadow, pg_catalog.bool, pg_catalog.text) IS
    'internal: what has to hold before the tables of a shadow change their roles, apart from what is in them';

CREATE FUNCTION parity.shadow_gates(name pg_catalog.text, swap_names pg_catalog.bool DEFAULT false)
    RETURNS TABLE (gate pg_catalog.text, passed pg_catalog.bool, detail pg_catalog.text, acceptable pg_catalog.bool)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET row_security = on
    AS $$
#variable_conflict use_column
DECLARE
    s parity.shadow;
BEGIN
    SELECT x.* INTO s FROM parity.shadow x WHERE x.name = shadow_gates.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('shadow "%s" does not exist', shadow_gates.name),
            HINT = 'parity.shadow_status lists those of tables that you own.';
    END IF;
    RETURN QUERY SELECT c.gate, c.passed, c.detail, c.acceptable FROM parity.shadow_check(s, coalesce(swap_names, false), 'auto') c;
    IF s.direction = 'forward' AND s.verified_at IS NOT NULL THEN
        RETURN QUERY SELECT 'rows that do not return', s.unreturning = 0 IS TRUE,
            CASE WHEN s.unreturning = 0 THEN 'none' ELSE format('%s, when last verified', coalesce(s.unreturning::text, 'some')) END, true;
    END IF;
END
$$;
COMMENT ON FUNCTION parity.shadow_gates(pg_catalog.text, pg_catalog.bool) IS
    'what parity.shadow_cutover, or after it parity.shadow_rollback, would find now, before it compares the tables; nothing is locked or read for it';

-- Whether either table's digest is that of all that the other one is to have, so that live checksums can stand for both.
CREATE FUNCTION parity.shadow_is_identity(s parity.shadow) RETURNS pg_catalog.bool
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
    WITH columns AS (
        SELECT a.attrelid AS rel, count(*) AS n,
               string_agg(format('%I %s %s %s', a.attname, a.atttypid, a.atttypmod, a.attcollation), ',' ORDER BY a.attnum) AS list
        FROM pg_attribute a WHERE a.attrelid IN (s.source, s.target) AND a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid),
    mapped AS (
        SELECT count(*) AS n, bool_and(f.attname = t.attname) AND count(f.attname) = count(*) AND count(t.attname) = count(*) AS plain
        FROM parity.shadow_inspect(s.source_view) i JOIN parity.shadow_inspect(s.target_view) o ON o.number = i.number
            LEFT JOIN pg_attribute f ON f.attrelid = s.source AND f.attnum = i.plain
            LEFT JOIN pg_attribute t ON t.attrelid = s.target AND t.attnum = o.plain
        WHERE i.number > 0)
    SELECT a.list = b.list AND a.n = s.forward_columns AND a.n = s.backward_columns AND m.plain AND m.n = 2 * a.n
        AND NOT EXISTS (SELECT FROM parity.override o WHERE o.rel IN (s.source, s.target))
        AND NOT EXISTS (SELECT FROM parity.shadow_inspect(s.source_view) i WHERE i.number = 0)
    FROM columns a, columns b, mapped m WHERE a.rel = s.source AND b.rel = s.target
$$;
COMMENT ON FUNCTION parity.shadow_is_identity(parity.shadow) IS
    'internal: whether the tables of a shadow have the same columns, and it maps each to itself, there and back';

-- What is there of live checksums that can be compared: their digests, or why not.
CREATE FUNCTION parity.shadow_live(s parity.shadow) RETURNS pg_catalog.jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    source parity.digest;
    target parity.digest;
    words text;
BEGIN
    IF parity.shadow_is_identity(s) IS NOT TRUE THEN
        RETURN jsonb_build_object('problem', 'the mapping does more than take all columns of both tables as they are');
    END IF;
    -- in one snapshot
    SELECT parity.live_checksum(s.source), parity.live_checksum(s.target) INTO source, target;
    RETURN jsonb_build_object('mode', 'live', 'equal', source OPERATOR(parity.=) target, 'returns', source OPERATOR(parity.=) target,
        'source', source::text, 'target', target::text,
        'source_rows', parity.digest_rows(source), 'target_rows', parity.digest_rows(target));
EXCEPTION
    WHEN object_not_in_prerequisite_state THEN
        GET STACKED DIAGNOSTICS words = PG_EXCEPTION_DETAIL;
        RETURN jsonb_build_object('problem', concat_ws(': ', SQLERRM, nullif(words, '')));
END
$$;
COMMENT ON FUNCTION parity.shadow_live(parity.shadow) IS
    'internal: what the live checksums of both tables of a shadow say, or as problem why they say nothing';

CREATE FUNCTION parity.shadow_compare(s parity.shadow, mode pg_catalog.text) RETURNS pg_catalog.jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    parts jsonb;
    found_both jsonb;
    forward bool := s.direction = 'forward';
BEGIN
    IF mode = 'live' THEN
        RETURN parity.shadow_live(s);
    ELSIF mode = 'verified' THEN
        RETURN jsonb_build_object('mode', mode, 'equal', true,
            -- what the other direction would make of it was not asked since
            'returns', CASE WHEN forward THEN s.unreturning = 0 IS TRUE END, 'unreturning', CASE WHEN forward THEN s.unreturning END);
    END IF;
    parts := parity.shadow_statements(s.name);
    found_both := parity.shadow_read_digests(parts, parity.shadow_statements(s.name, CASE WHEN forward THEN 'backward' ELSE 'forward' END));
    RETURN jsonb_build_object('mode', mode, 'equal', found_both -> 'equal', 'returns', coalesce(found_both -> 'returns', 'false'),
        'failure', found_both -> 'failure',
        'source', found_both -> CASE WHEN forward THEN 'from' ELSE 'to' END,
        'target', found_both -> CASE WHEN forward THEN 'to' ELSE 'from' END,
        'source_rows', found_both -> CASE WHEN forward THEN 'from_rows' ELSE 'to_rows' END,
        'target_rows', found_both -> CASE WHEN forward THEN 'to_rows' ELSE 'from_rows' END);
END
$$;
COMMENT ON FUNCTION parity.shadow_compare(parity.shadow, pg_catalog.text) IS
    'internal: what both tables of a shadow hold: by their live checksums, in full, or as they were last verified';

-- One for both ways: the roles of the tables change, in one transaction.
CREATE FUNCTION parity.shadow_turn(name pg_catalog.text, what pg_catalog.text, swap_names pg_catalog.bool,
                                   patience pg_catalog.interval, accept pg_catalog.text[], compare pg_catalog.text)
    RETURNS pg_catalog.void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp SET row_security = on SET lock_timeout = '2s'
    AS $$
#variable_conflict use_variable
DECLARE
    s parity.shadow;
    cutover bool := what = 'cutover';
    passive text := CASE what WHEN 'cutover' THEN 'cut over' ELSE 'rolled back' END;
    mode text := compare;
    probe jsonb;
    result jsonb;
    failed text[];
    pleas text[];
    carried jsonb;
    locked timestamptz;
    asked timestamptz := clock_timestamp();
    seconds text;
BEGIN
    IF compare IS NULL OR compare NOT IN ('auto', 'live', 'full', 'verified') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('compare is %s, not auto, live, full or verified', coalesce(quote_literal(compare), 'NULL'));
    ELSIF patience IS NULL OR patience < '0' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('lock_timeout is %s, not 0 or longer', coalesce(patience::text, 'NULL'));
    ELSIF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('%s must run in READ COMMITTED', what),
            DETAIL = format('This transaction is %s, and would not see what others have written since it began.',
                            upper(current_setting('transaction_isolation')));
    END IF;
    accept := coalesce(accept, '{}');
    PERFORM parity.shadow_wait(patience);
    s := parity.shadow_row(name);
    IF s.phase <> ALL (ARRAY['shadowing', 'cut over', 'stopped', 'created']) OR (s.direction = 'backward') = cutover THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('shadow "%s" cannot be %s', name, passive),
            DETAIL = CASE WHEN s.phase = 'finished' THEN 'It is finished.'
                          WHEN cutover THEN 'It was cut over already.' ELSE 'It was not cut over.' END;
    END IF;

    -- what can be known without a lock, so that nobody waits for nothing
    IF mode IN ('auto', 'live') THEN
        probe := CASE WHEN s.phase IN ('shadowing', 'cut over') THEN parity.shadow_live(s) ELSE '{"problem": "it is not at work"}' END;
        IF mode = 'live' AND probe ? 'problem' AND s.phase IN ('shadowing', 'cut over') THEN
            RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('the tables of shadow "%s" cannot be compared by their live checksums', name),
                DETAIL = probe ->> 'problem', HINT = 'compare => ''full'' reads both tables.';
        END IF;
        mode := CASE WHEN mode = 'auto' AND probe ? 'problem' THEN 'full' ELSE 'live' END;
    END IF;
    FOR i IN 1 .. 2 LOOP
        SELECT array_agg(format('%s: %s', c.gate, c.detail)), array_agg(c.gate) FILTER (WHERE c.acceptable)
            INTO failed, pleas
            FROM parity.shadow_check(s, cutover AND swap_names, mode) c
            WHERE c.passed IS NOT TRUE AND NOT (c.acceptable AND c.gate = ANY (accept));
        -- under the lock, or, without one, in one snapshot, to tell all that is wrong
        IF i = 2 OR (failed IS NOT NULL AND s.phase IN ('shadowing', 'cut over')) THEN
            result := parity.shadow_compare(s, mode);
            IF result ? 'problem' THEN
                failed := failed || format('tables: %s', result ->> 'problem');
            ELSIF (result ->> 'equal')::bool IS NOT TRUE THEN
                failed := failed || format('tables: not equal: source %s (%s rows), target %s (%s rows)',
                    result ->> 'source', result ->> 'source_rows', result ->> 'target', result ->> 'target_rows');
            -- not known, when the way back of some row fails
            ELSIF cutover AND (result ->> 'returns')::bool IS NOT TRUE AND 'rows that do not return' <> ALL (accept) THEN
                failed := failed || concat('rows that do not return: ', coalesce(result ->> 'failure',
                    (result ->> 'unreturning') || ', when last verified', 'parity.shadow_verify tells which'));
                pleas := pleas || 'rows that do not return'::text;
            END IF;
        END IF;
        IF failed IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('shadow "%s" cannot be %s', name, passive),
                DETAIL = array_to_string(failed, E'\n'),
                HINT = CASE WHEN pleas IS NULL THEN 'parity.shadow_gates tells what has to hold.'
                            ELSE format('What is meant to be so can be accepted: accept => %L.', pleas) END;
        END IF;
        EXIT WHEN i = 2;
        IF mode = 'full' THEN
            SELECT format('The last parity.shadow_verify took %s s.', e.detail ->> 'seconds') INTO seconds FROM parity.event e
                WHERE e.shadow = s.name AND e.what = 'verify' ORDER BY e.at DESC LIMIT 1;
            RAISE NOTICE USING MESSAGE = format('both tables of shadow "%s" are read in full, locked against readers as well', name),
                DETAIL = concat_ws(' ', seconds, CASE WHEN compare = 'auto' THEN format('Live checksums cannot be used: %s.', probe ->> 'problem') END),
                HINT = 'compare => ''verified'' relies on the last parity.shadow_verify and on the triggers instead.';
        END IF;
        IF cutover THEN
            EXECUTE format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', parity.shadow_relation(s.source), parity.shadow_relation(s.target));
        ELSE
            EXECUTE format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', parity.shadow_relation(s.target), parity.shadow_relation(s.source));
        END IF;
        locked := clock_timestamp();
    END LOOP;

    UPDATE parity.shadow x SET
            phase = CASE WHEN cutover THEN 'cut over' ELSE 'shadowing' END,
            direction = CASE WHEN cutover THEN 'backward' ELSE 'forward' END,
            run = s.run + 1,
            guarded = true,
            swapped = cutover AND swap_names,
            accepted = CASE WHEN cutover THEN accept ELSE s.accepted END,
            -- what comes back is equal as well: then this was a verification of the other direction, too
            -- without a comparison, what comes back is known only where nothing can be lost on the way
            verified_at = CASE WHEN (result ->> 'returns')::bool
                               THEN CASE WHEN mode <> 'verified' THEN locked WHEN parity.shadow_is_identity(s) THEN s.verified_at END END,
            unreturning = CASE WHEN mode = 'verified' AND cutover THEN s.unreturning WHEN (result ->> 'returns')::bool THEN 0 END
        WHERE x.id = s.id;
    DELETE FROM parity.shadow_mark m WHERE m.id = s.id;
    IF (cutover AND swap_names) OR (NOT cutover AND s.swapped) THEN
        PERFORM parity.shadow_swap_names(s);
    END IF;
    SELECT x.* INTO s FROM parity.shadow x WHERE x.name = s.name;
    PERFORM parity.shadow_arm(s);
    carried := parity.shadow_carry(s);
    UPDATE parity.shadow x SET verified_as = parity.shadow_signature(s.name) WHERE x.id = s.id AND x.verified_at IS NOT NULL;
    IF NOT cutover AND NOT (result ->> 'returns')::bool THEN
        RAISE NOTICE USING MESSAGE = format('the target of shadow "%s" holds what the source cannot', name),
            HINT = 'parity.shadow_diff tells in which rows. It stays until these rows are written or healed.';
    END IF;
    PERFORM parity.shadow_note(s.name, what, result || jsonb_build_object(
        'run', s.run, 'swapped', swap_names OR s.swapped, 'accepted', accept, 'sequences', carried,
        'waited_ms', round(date_part('epoch', locked - asked)::numeric * 1000, 1),
        'locked_ms', round(date_part('epoch', clock_timestamp() - locked)::numeric * 1000, 1)));
END
$$;
COMMENT ON FUNCTION parity.shadow_turn(pg_catalog.text, pg_catalog.text, pg_catalog.bool, pg_catalog.interval, pg_catalog.text[], pg_catalog.text) IS
    'internal: parity.shadow_cutover and parity.shadow_rollback';

CREATE FUNCTION parity.shadow_cutover(name pg_catalog.text, swap_names pg_catalog.bool DEFAULT false,
                                      lock_timeout pg_catalog.interval DEFAULT '2 seconds', accept pg_catalog.text[] DEFAULT '{}',
                                      compare pg_catalog.text DEFAULT 'auto')
    RETURNS pg_catalog.void LANGUAGE sql VOLATILE AS $$
    SELECT parity.shadow_turn($1, 'cutover', COALESCE($2, false), $3, $4, $5)
$$;
COMMENT ON FUNCTION parity.shadow_cutover(pg_catalog.text, pg_catalog.bool, pg_catalog.interval, pg_catalog.text[], pg_catalog.text) IS
    'let the target be the table that is written, and the source follow it: proves both equal while it locks them, for which it waits at most lock_timeout; swap_names gives each the other''s name. All that speaks against it is told in one error; what of it is acceptable may be named in accept. compare: live (by parity.live_checksum of both, at once), full, auto (live if possible), or verified (relies on the last parity.shadow_verify and the triggers)';

CREATE FUNCTION parity.shadow_rollback(name pg_catalog.text, lock_timeout pg_catalog.interval DEFAULT '2 seconds',
                                       compare pg_catalog.text DEFAULT 'auto', accept pg_catalog.text[] DEFAULT '{}')
    RETURNS pg_catalog.void LANGUAGE sql VOLATILE AS $$
    SELECT parity.shadow_turn($1, 'rollback', false, $2, $4, $3)
$$;
COMMENT ON FUNCTION parity.shadow_rollback(pg_catalog.text, pg_catalog.interval, pg_catalog.text, pg_catalog.text[]) IS
    'undo parity.shadow_cutover: the source is written again, with all that was written since, and the target follows it; names that were swapped are swapped back';

CREATE FUNCTION parity.shadow_finish(name pg_catalog.text, lock_timeout pg_catalog.interval DEFAULT '2 seconds')
    RETURNS pg_catalog.void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp SET row_security = on SET lock_timeout = '2s'
    AS $$
#variable_conflict use_variable
DECLARE
    s parity.shadow;
BEGIN
    PERFORM parity.shadow_wait(lock_timeout);
    s := parity.shadow_row(name);
    IF s.phase <> 'cut over' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('shadow "%s" cannot be finished', name),
            DETAIL = format('It is in phase "%s"; only after parity.shadow_cutover the target can do without the source.', s.phase),
            HINT = 'parity.shadow_stop and parity.shadow_drop give it up.';
    END IF;
    PERFORM parity.shadow_remove(s);
    UPDATE parity.shadow x SET phase = 'finished', source_view = 0, target_view = 0, verified_at = NULL, verified_as = NULL
        WHERE x.id = s.id;
    PERFORM parity.shadow_note(s.name, 'finish', NULL);
END
$$;
COMMENT ON FUNCTION parity.shadow_finish(pg_catalog.text, pg_catalog.interval) IS
    'end a shadow after its cutover: the old table does not follow any more and may be dropped; both stay as they are';
