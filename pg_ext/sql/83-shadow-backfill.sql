-- Shadows: the backfill. Workers take ranges of keys in turn, in short transactions of their own, and fill each in one.

CREATE FUNCTION parity.shadow_texts(list pg_catalog.jsonb) RETURNS pg_catalog.text[]
    LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$ SELECT coalesce(array_agg(e.t ORDER BY e.n), '{}') FROM jsonb_array_elements_text(list) WITH ORDINALITY e(t, n) $$;
COMMENT ON FUNCTION parity.shadow_texts(pg_catalog.jsonb) IS 'internal: a JSON array of texts as an array';

CREATE FUNCTION parity.shadow_aliased(list pg_catalog.jsonb, alias pg_catalog.text DEFAULT 's') RETURNS pg_catalog.text[]
    LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$ SELECT coalesce(array_agg(alias || '.' || e.t ORDER BY e.n), '{}') FROM jsonb_array_elements_text(list) WITH ORDINALITY e(t, n) $$;
COMMENT ON FUNCTION parity.shadow_aliased(pg_catalog.jsonb, pg_catalog.text) IS
    'internal: a JSON array of column names as an array, each behind an alias';

CREATE FUNCTION parity.shadow_key_values(key pg_catalog.jsonb, types pg_catalog.text[]) RETURNS pg_catalog.text[]
    LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT array_agg(format('%L::%s', key ->> (k.n - 1)::int4, k.type) ORDER BY k.n)
    FROM unnest(types) WITH ORDINALITY k(type, n) $$;
COMMENT ON FUNCTION parity.shadow_key_values(pg_catalog.jsonb, pg_catalog.text[]) IS
    'internal: the values of a key as SQL, in the types of the key columns';

CREATE FUNCTION parity.shadow_key_equal(columns pg_catalog.text[], equal pg_catalog.text[], "values" pg_catalog.text[])
    RETURNS pg_catalog.text
    LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT string_agg(format('%s %s %s', k.c, k.op, k.v), ' AND ' ORDER BY k.n)
    FROM unnest(columns, equal, "values") WITH ORDINALITY k(c, op, v, n) $$;
COMMENT ON FUNCTION parity.shadow_key_equal(pg_catalog.text[], pg_catalog.text[], pg_catalog.text[]) IS
    'internal: the condition that key columns have these values';

CREATE FUNCTION parity.shadow_key_range(parts pg_catalog.jsonb, relation pg_catalog.text, after pg_catalog.jsonb, upto pg_catalog.jsonb)
    RETURNS pg_catalog.text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT concat_ws(' AND ',
        CASE WHEN after IS NOT NULL THEN format(parts -> 'after' ->> relation, VARIADIC parity.shadow_texts(after)) END,
        CASE WHEN upto IS NOT NULL THEN format(parts -> 'upto' ->> relation, VARIADIC parity.shadow_texts(upto)) END) $$;
COMMENT ON FUNCTION parity.shadow_key_range(pg_catalog.jsonb, pg_catalog.text, pg_catalog.jsonb, pg_catalog.jsonb) IS
    'internal: the condition that a row''s key is behind after and not behind upto; relation: of rows of from, from_view, or to';

-- A mapping is read through its view: as text it would be parsed anew, under a path in which others may make operators.
CREATE FUNCTION parity.shadow_through_view(parts pg_catalog.jsonb) RETURNS pg_catalog.jsonb
    LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT parts || jsonb_build_object('from', parts -> 'from_view', 'from_key', to_jsonb(k.list),
                                       'key_json', format(parts ->> 'key_format', VARIADIC k.aliased))
    FROM (SELECT (parity.shadow_texts(parts -> 'view_columns'))[1:n] AS list, (parity.shadow_aliased(parts -> 'view_columns'))[1:n] AS aliased
          FROM jsonb_array_length(parts -> 'equal') n) k $$;
COMMENT ON FUNCTION parity.shadow_through_view(pg_catalog.jsonb) IS
    'internal: the parts of a shadow''s statements with the view that is the mapping in place of the table that is read';

CREATE FUNCTION parity.shadow_path(name pg_catalog.text) RETURNS pg_catalog.text
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp SET row_security = on
    AS $$ SELECT s.search_path FROM parity.shadow s WHERE s.name = shadow_path.name $$;
COMMENT ON FUNCTION parity.shadow_path(pg_catalog.text) IS 'internal: the search_path that a shadow''s mapping is run with';

-- What reads or writes the two tables runs in these: settings pinned, and row-level security that would hide rows an
-- error. The state's own tables have such policies, so what reads those stays outside. Functions of a mapping find what
-- they find when a write is shadowed; so every name and operator of a statement is qualified.
CREATE FUNCTION parity.shadow_read(path pg_catalog.text, statement pg_catalog.text) RETURNS SETOF pg_catalog.jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex
    AS $$
BEGIN
    PERFORM set_config('search_path', coalesce(path, 'pg_catalog, pg_temp'), true);
    RETURN QUERY EXECUTE statement;
END
$$;
COMMENT ON FUNCTION parity.shadow_read(pg_catalog.text, pg_catalog.text) IS
    'internal: runs a query that gives one column of JSON, with a search_path, pinned settings, and the caller''s rights';

CREATE FUNCTION parity.shadow_write(name pg_catalog.text, statement pg_catalog.text) RETURNS pg_catalog.int8
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex
    AS $$ BEGIN RETURN parity.shadow_run(name, statement); END $$;
COMMENT ON FUNCTION parity.shadow_write(pg_catalog.text, pg_catalog.text) IS
    'internal: parity.shadow_run with pinned settings and no hidden rows';

CREATE FUNCTION parity.shadow_put(name pg_catalog.text, statement pg_catalog.text) RETURNS pg_catalog.int8
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex
    AS $$ BEGIN RETURN parity.shadow_fill(name, statement); END $$;
COMMENT ON FUNCTION parity.shadow_put(pg_catalog.text, pg_catalog.text) IS
    'internal: parity.shadow_fill with pinned settings and no hidden rows';

-- a waiting application looks for a deadlock after deadlock_timeout; who waits less has given way by then
CREATE FUNCTION parity.shadow_patience(lock_timeout pg_catalog.interval) RETURNS pg_catalog.text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT greatest(ceil(date_part('epoch', least(CASE WHEN lock_timeout > '0' THEN lock_timeout END,
                                                  current_setting('deadlock_timeout')::interval / 2)) * 1000), 1)::text || 'ms' $$;
COMMENT ON FUNCTION parity.shadow_patience(pg_catalog.interval) IS
    'internal: the lock_timeout of what writes beside the application: the shadow''s, at most half of deadlock_timeout';

-- the row lock keeps cutover, rollback and stop out until the transaction ends
CREATE FUNCTION parity.shadow_hold(name pg_catalog.text, phases pg_catalog.text[], doing pg_catalog.text)
    RETURNS parity.shadow
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET row_security = on
    AS $$
DECLARE
    s parity.shadow;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('%s must run in READ COMMITTED', doing),
            DETAIL = format('This transaction is %s, and would not see what others have written since it began.',
                            upper(current_setting('transaction_isolation')));
    END IF;
    SELECT x.* INTO s FROM parity.shadow x WHERE x.name = shadow_hold.name FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('shadow "%s" does not exist', name),
            HINT = 'parity.shadow_status lists those of tables that you own.';
    END IF;
    IF s.phase <> ALL (phases) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('%s cannot be done: shadow "%s" is in phase "%s"', doing, name, s.phase),
            DETAIL = format('It is done in phase "%s".', array_to_string(phases, '" or "')),
            HINT = CASE WHEN s.phase IN ('created', 'stopped') THEN format('SELECT parity.shadow_start(%L) starts it.', name)
                        ELSE 'parity.shadow_status tells the phases of shadows.' END;
    END IF;
    IF EXISTS (SELECT FROM parity.shadow_mark m WHERE m.id = s.id AND m.run = s.run AND m.kind = 'stopped') THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('%s cannot be done: shadow "%s" has stopped', doing, name),
            DETAIL = (SELECT min(m.reason) FROM parity.shadow_mark m WHERE m.id = s.id AND m.run = s.run AND m.kind = 'stopped'),
            HINT = format('SELECT parity.shadow_start(%L) starts it again.', name);
    END IF;
    RETURN s;
END
$$;
COMMENT ON FUNCTION parity.shadow_hold(pg_catalog.text, pg_catalog.text[], pg_catalog.text) IS
    'internal: a shadow, held as it is until the transaction ends; an error when it is in none of these phases';

-- ------------------------------------------------------------------------------------------------- the steps of it

CREATE FUNCTION parity.shadow_backfill_finish(name pg_catalog.text, id pg_catalog.int8) RETURNS pg_catalog.bool
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET row_security = on
    AS $$
#variable_conflict use_column
DECLARE
    w parity.shadow_work;
BEGIN
    UPDATE parity.shadow_work x SET complete = true, finished_at = clock_timestamp(), heartbeat = clock_timestamp()
        WHERE x.id = shadow_backfill_finish.id AND NOT x.complete AND x.position IS NOT DISTINCT FROM x.upper
          AND NOT EXISTS (SELECT FROM parity.shadow_range r WHERE r.id = x.id)
        RETURNING x.* INTO w;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM parity.shadow_note(shadow_backfill_finish.name, 'backfill',
                jsonb_build_object('rows', w.rows, 'failed', w.failed, 'batches', w.batches, 'upto', w.upper,
                                   'seconds', round(date_part('epoch', w.finished_at - w.started_at)::numeric, 3)));
    RETURN true;
END
$$;
COMMENT ON FUNCTION parity.shadow_backfill_finish(pg_catalog.text, pg_catalog.int8) IS
    'internal: marks a backfill as complete when nothing is left of it; the caller has locked its row';

CREATE FUNCTION parity.shadow_backfill_begin(name pg_catalog.text, batch_rows pg_catalog.int4, pause pg_catalog.interval,
                                             max_batches pg_catalog.int4)
    RETURNS pg_catalog.void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET row_security = on
    AS $$
#variable_conflict use_column
DECLARE
    s parity.shadow;
    w parity.shadow_work;
    parts jsonb;
    last jsonb;
    question text;
    plan jsonb;
    whole bool;
BEGIN
    IF batch_rows IS NULL OR batch_rows < 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'batch_rows must be at least 1';
    ELSIF pause IS NULL OR pause < '0' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'pause must not be negative';
    ELSIF max_batches < 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'max_batches must be at least 1, or NULL for all';
    END IF;
    s := parity.shadow_hold(shadow_backfill_begin.name, ARRAY['shadowing'], 'backfill');
    INSERT INTO parity.shadow_work (id, complete) VALUES (s.id, true) ON CONFLICT DO NOTHING;
    SELECT x.* INTO w FROM parity.shadow_work x WHERE x.id = s.id FOR UPDATE;
    -- one that was begun before the shadow was last started knows nothing of what was written in between
    IF NOT w.complete AND w.started_at >= s.started_at THEN
        RETURN;
    END IF;
    parts := parity.shadow_statements(shadow_backfill_begin.name, 'forward');
    SELECT r INTO last FROM parity.shadow_read(s.search_path, format('SELECT %s FROM %s s ORDER BY %s LIMIT 1',
        parts ->> 'key_json',
        parts ->> 'from',
        array_to_string(parity.shadow_aliased(parts -> 'from_key'), ' DESC, ') || ' DESC')) r;
    -- what the planner expects; of percent it knows nothing
    whole := s.percent IS NOT NULL OR NOT (parts -> 'filtered')::bool;
    question := format('EXPLAIN (FORMAT JSON) SELECT FROM %s', parts ->> CASE WHEN whole THEN 'from' ELSE 'from_view' END);
    PERFORM set_config('search_path', s.search_path, true);
    EXECUTE question INTO plan;
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    DELETE FROM parity.shadow_range r WHERE r.id = s.id;
    UPDATE parity.shadow_work x
        SET position = NULL, upper = last, complete = false, rows = 0, failed = 0, batches = 0,
            estimated = CASE WHEN last IS NULL THEN 0
                             ELSE round((plan #>> '{0,Plan,Plan Rows}')::numeric
                                        * CASE WHEN whole THEN coalesce(s.percent, 100) ELSE 100 END / 100) END,
            started_at = clock_timestamp(), heartbeat = clock_timestamp(), finished_at = NULL
        WHERE x.id = s.id;
END
$$;
COMMENT ON FUNCTION parity.shadow_backfill_begin(pg_catalog.text, pg_catalog.int4, pg_catalog.interval, pg_catalog.int4) IS
    'internal: begins a backfill with an upper bound, unless one is under way';

CREATE FUNCTION parity.shadow_backfill_claim(name pg_catalog.text, batch_rows pg_catalog.int4, more pg_catalog.bool)
    RETURNS pg_catalog.text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET row_security = on
    AS $$
#variable_conflict use_column
DECLARE
    s parity.shadow := parity.shadow_hold(shadow_backfill_claim.name, ARRAY['shadowing'], 'backfill');
    w parity.shadow_work;
    parts jsonb;
    next jsonb;
    free bool;
BEGIN
    SELECT x.* INTO w FROM parity.shadow_work x WHERE x.id = s.id FOR UPDATE;
    IF NOT FOUND OR w.started_at < s.started_at THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('the backfill of shadow "%s" has to begin anew', shadow_backfill_claim.name),
            DETAIL = 'The shadow was started again, or its percentage was changed, meanwhile.',
            HINT = 'Call parity.shadow_backfill again.';
    ELSIF w.complete THEN
        RETURN 'complete';
    END IF;
    PERFORM FROM parity.shadow_range r WHERE r.id = s.id LIMIT 1 FOR UPDATE SKIP LOCKED;
    free := FOUND;
    IF w.position IS DISTINCT FROM w.upper AND (more OR NOT free) THEN
        parts := parity.shadow_statements(shadow_backfill_claim.name, 'forward');
        SELECT r INTO next FROM parity.shadow_read(s.search_path, format(
            'SELECT %1$s FROM (SELECT %2$s FROM %3$s s WHERE %4$s ORDER BY %2$s OFFSET %5$s LIMIT 1) s',
            parts ->> 'key_json', parts ->> 'from_key_list', parts ->> 'from',
            parity.shadow_key_range(parts, 'from', w.position, w.upper), batch_rows - 1)) r;
        next := coalesce(next, w.upper);
        INSERT INTO parity.shadow_range (id, after, upto) VALUES (s.id, w.position, next);
        UPDATE parity.shadow_work x SET position = next, heartbeat = clock_timestamp() WHERE x.id = s.id;
        RETURN 'work';
    ELSIF free THEN
        RETURN 'work';
    ELSIF parity.shadow_backfill_finish(shadow_backfill_claim.name, s.id) THEN
        RETURN 'complete';
    END IF;
    RETURN 'wait';
END
$$;
COMMENT ON FUNCTION parity.shadow_backfill_claim(pg_catalog.text, pg_catalog.int4, pg_catalog.bool) IS
    'internal: sees to it that there is a range to work on; with more also when there is one already; work, wait (for other workers), or complete';

CREATE FUNCTION parity.shadow_backfill_step(name pg_catalog.text, batch_rows pg_catalog.int4) RETURNS pg_catalog.jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET row_security = on
    AS $$
#variable_conflict use_column
DECLARE
    s parity.shadow := parity.shadow_hold(shadow_backfill_step.name, ARRAY['shadowing'], 'backfill');
    parts jsonb;
    mapped jsonb;
    types text[];
    source text;
    head text;
    tail text;
    view_keys text[];
    view_span text;
    place tid;
    low jsonb;
    high jsonb;
    middle jsonb;
    one jsonb;
    list jsonb[];
    filled bool := false;
    by_row bool := false;
    outcome text := 'done';
    written int8 := 0;
    missed int8 := 0;
    code text;
    words text;
    before text := current_setting('lock_timeout');
BEGIN
    SELECT r.ctid, r.after, r.upto INTO place, low, high FROM parity.shadow_range r
        WHERE r.id = s.id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN '{"state": "none"}';
    END IF;
    parts := parity.shadow_statements(shadow_backfill_step.name, 'forward');
    view_span := parity.shadow_key_range(parts, 'from_view', low, high);
    source := format('SELECT %s FROM %s s WHERE ', parts ->> 'view_list', parts ->> 'from_view');
    head := concat('INSERT INTO ', parts ->> 'to', ' (', parts ->> 'column_list', ') ', parts ->> 'overriding', ' ', source);
    tail := concat(' FOR SHARE OF s ', parts ->> 'conflict_target', ' DO NOTHING');
    PERFORM set_config('lock_timeout', parity.shadow_patience(s.lock_timeout), true);
    BEGIN
        BEGIN
            -- where nothing is yet: without ON CONFLICT, which costs as much again, and without INSERT where that can be
            IF (SELECT r = 'true' FROM parity.shadow_read(s.search_path, format('SELECT pg_catalog.to_jsonb(NOT EXISTS (SELECT FROM %s s WHERE %s))',
                    parts ->> 'to', parity.shadow_key_range(parts, 'to', low, high))) r) THEN
                BEGIN
                    written := coalesce(parity.shadow_put(shadow_backfill_step.name, concat(source, view_span, ' FOR SHARE OF s')),
                                        parity.shadow_write(shadow_backfill_step.name, concat(head, view_span, ' FOR SHARE OF s')));
                    filled := true;
                EXCEPTION
                    WHEN unique_violation THEN NULL;
                END;
            END IF;
            IF NOT filled THEN
                written := parity.shadow_write(shadow_backfill_step.name, concat(head, view_span, tail));
            END IF;
        EXCEPTION
            WHEN lock_not_available OR deadlock_detected OR serialization_failure OR out_of_memory
                OR data_corrupted OR index_corrupted THEN RAISE;
            WHEN OTHERS THEN by_row := true;
        END;
        IF by_row THEN
            mapped := parity.shadow_through_view(parts);
            types := parity.shadow_texts(parts -> 'from_key_types');
            view_keys := parity.shadow_aliased(mapped -> 'from_key');
            BEGIN
                list := ARRAY(SELECT parity.shadow_read(s.search_path, concat('SELECT ', mapped ->> 'key_json', ' FROM ', mapped ->> 'from',
                    ' s WHERE ', view_span, ' ORDER BY ', array_to_string(view_keys, ', '))));
            EXCEPTION
                WHEN lock_not_available OR deadlock_detected OR serialization_failure OR out_of_memory
                    OR data_corrupted OR index_corrupted THEN RAISE;
                -- it may be the condition that fails
                WHEN OTHERS THEN
                    list := ARRAY(SELECT parity.shadow_read(s.search_path, concat('SELECT ', parts ->> 'key_json', ' FROM ', parts ->> 'from',
                        ' s WHERE ', parity.shadow_key_range(parts, 'from', low, high), ' ORDER BY ', parts ->> 'from_key_list')));
            END;
            FOREACH one IN ARRAY list LOOP
                BEGIN
                    written := written + parity.shadow_write(shadow_backfill_step.name, concat(head,
                        parity.shadow_key_equal(view_keys, parity.shadow_texts(parts -> 'equal'),
                                                parity.shadow_key_values(one, types)), tail));
                EXCEPTION
                    WHEN lock_not_available OR deadlock_detected OR serialization_failure OR out_of_memory
                        OR data_corrupted OR index_corrupted THEN RAISE;
                    WHEN OTHERS THEN
                        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, words = MESSAGE_TEXT;
                        missed := missed + 1;
                        INSERT INTO parity.drift (shadow, key, operation, sqlstate, message)
                            VALUES (shadow_backfill_step.name, one, 'backfill', code, words);
                END;
            END LOOP;
            -- when nothing at all can be written, it is not the rows; undo what was put aside
            IF missed > 1 AND missed = cardinality(list)
               AND (missed >= batch_rows OR NOT EXISTS (SELECT FROM parity.shadow_work x WHERE x.id = s.id AND x.rows > 0))
            THEN
                outcome := 'failed';
                RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = words;
            END IF;
        END IF;
    EXCEPTION
        WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, words = MESSAGE_TEXT;
            outcome := 'busy';
        WHEN object_not_in_prerequisite_state THEN
            IF outcome <> 'failed' THEN
                RAISE;
            END IF;
    END;
    IF outcome = 'failed' THEN
        PERFORM parity.shadow_note(shadow_backfill_step.name, 'failure',
                    jsonb_build_object('during', 'backfill', 'rows', missed, 'after', low, 'upto', high,
                                       'sqlstate', code, 'message', words));
        RETURN jsonb_build_object('state', outcome, 'rows', missed, 'sqlstate', code, 'message', words);
    END IF;
    DELETE FROM parity.shadow_range r WHERE r.ctid = place;
    IF outcome = 'busy' THEN
        -- in two parts: what is locked is soon alone
        BEGIN
            SELECT r INTO middle FROM parity.shadow_read(s.search_path, format(
                'SELECT k FROM (SELECT %1$s AS k, pg_catalog.row_number() OVER (ORDER BY %2$s) AS i, pg_catalog.count(*) OVER () AS n '
                'FROM %3$s s WHERE %4$s) x WHERE n OPERATOR(pg_catalog.>) 1 AND i OPERATOR(pg_catalog.=) (n OPERATOR(pg_catalog./) 2)',
                parts ->> 'key_json', parts ->> 'from_key_list', parts ->> 'from', parity.shadow_key_range(parts, 'from', low, high))) r;
        EXCEPTION
            WHEN lock_not_available THEN NULL;
        END;
        PERFORM set_config('lock_timeout', before, true);
        IF middle IS NOT NULL THEN
            INSERT INTO parity.shadow_range (id, after, upto) VALUES (s.id, low, middle);
            low := middle;
        END IF;
        INSERT INTO parity.shadow_range (id, after, upto) VALUES (s.id, low, high);
        UPDATE parity.shadow_work x SET heartbeat = clock_timestamp() WHERE x.id = s.id;
        RETURN jsonb_build_object('state', outcome, 'sqlstate', code, 'message', words);
    END IF;
    -- it may have to wait for another worker's COMMIT
    PERFORM set_config('lock_timeout', before, true);
    UPDATE parity.shadow_work x
        SET rows = x.rows + written, failed = x.failed + missed, batches = x.batches + 1, heartbeat = clock_timestamp()
        WHERE x.id = s.id;
    PERFORM parity.shadow_backfill_finish(shadow_backfill_step.name, s.id);
    RETURN jsonb_build_object('state', outcome, 'rows', written, 'failed', missed);
END
$$;
COMMENT ON FUNCTION parity.shadow_backfill_step(pg_catalog.text, pg_catalog.int4) IS
    'internal: fills one range that nobody is at work on: done, none, busy (a lock was not to be had; the range is left, in two parts), or failed';

-- no SET here, it would forbid COMMIT: so every name is qualified
CREATE PROCEDURE parity.shadow_backfill(name pg_catalog.text, batch_rows pg_catalog.int4 DEFAULT 5000,
                                        pause pg_catalog.interval DEFAULT '0', max_batches pg_catalog.int4 DEFAULT NULL)
    LANGUAGE plpgsql
    AS $$
DECLARE
    claim pg_catalog.text;
    step pg_catalog.jsonb;
    state pg_catalog.text;
    batches pg_catalog.int4 := 0;
    busy pg_catalog.int4 := 0;
BEGIN
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    PERFORM parity.shadow_backfill_begin(name, batch_rows, pause, max_batches);
    LOOP
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        claim := parity.shadow_backfill_claim(name, batch_rows, busy OPERATOR(pg_catalog.>) 0);
        EXIT WHEN claim OPERATOR(pg_catalog.=) 'complete';
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        state := 'none';
        IF claim OPERATOR(pg_catalog.=) 'work' THEN
            step := parity.shadow_backfill_step(name, batch_rows);
            state := step OPERATOR(pg_catalog.->>) 'state';
            COMMIT;
            SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        END IF;
        IF state OPERATOR(pg_catalog.=) 'done' THEN
            busy := 0;
            batches := batches OPERATOR(pg_catalog.+) 1;
            EXIT WHEN batches OPERATOR(pg_catalog.>=) max_batches;
            IF pause OPERATOR(pg_catalog.>) '0' THEN
                PERFORM pg_catalog.pg_sleep(pg_catalog.date_part('epoch', pause));
            END IF;
        ELSIF state OPERATOR(pg_catalog.=) 'failed' THEN
            RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = pg_catalog.format('backfill of shadow "%s" has stopped: none of %s rows could be written', name,
                                            step OPERATOR(pg_catalog.->>) 'rows'),
                DETAIL = pg_catalog.format('%s (SQLSTATE %s)', step OPERATOR(pg_catalog.->>) 'message',
                                           step OPERATOR(pg_catalog.->>) 'sqlstate'),
                HINT = 'Mend the cause and call parity.shadow_backfill again: it goes on where it was.';
        ELSIF state OPERATOR(pg_catalog.=) 'busy' THEN
            busy := busy OPERATOR(pg_catalog.+) 1;
            IF busy OPERATOR(pg_catalog.>=) 100 THEN
                RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
                    MESSAGE = pg_catalog.format('backfill of shadow "%s" got no further: rows are locked by others', name),
                    DETAIL = pg_catalog.format('The last of 100 attempts: %s (SQLSTATE %s)',
                                               step OPERATOR(pg_catalog.->>) 'message',
                                               step OPERATOR(pg_catalog.->>) 'sqlstate'),
                    HINT = 'End the transaction that holds them and call parity.shadow_backfill again: it goes on where it was.';
            END IF;
        ELSE
            -- the rest is with other workers
            PERFORM pg_catalog.pg_sleep(0.05);
        END IF;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE parity.shadow_backfill(pg_catalog.text, pg_catalog.int4, pg_catalog.interval, pg_catalog.int4) IS
    'puts the rows that are there already into the table that follows, batch by batch, each in a transaction of its own; goes on where one was interrupted, and begins anew after a complete one; may run in several sessions at once';

CREATE VIEW parity.shadow_progress AS
    SELECT s.name, s.phase, w.rows, w.estimated, w.batches, w.failed, coalesce(w.complete, false) AS complete, r.rate,
           CASE WHEN NOT w.complete AND r.rate OPERATOR(pg_catalog.>) 0 AND w.estimated OPERATOR(pg_catalog.>=) w.rows
                THEN w.heartbeat OPERATOR(pg_catalog.+) pg_catalog.make_interval(
                    secs => (w.estimated OPERATOR(pg_catalog.-) w.rows)::pg_catalog.float8 OPERATOR(pg_catalog./) r.rate)
           END AS expected_end,
           w.started_at, w.heartbeat, w.finished_at,
           (SELECT pg_catalog.count(*) FROM parity.shadow_range g WHERE g.id OPERATOR(pg_catalog.=) s.id) AS ranges
    FROM parity.shadow s LEFT JOIN parity.shadow_work w ON w.id OPERATOR(pg_catalog.=) s.id
        CROSS JOIN LATERAL (SELECT pg_catalog.round((w.rows::pg_catalog.float8 OPERATOR(pg_catalog./)
            CASE WHEN w.heartbeat OPERATOR(pg_catalog.>) w.started_at
                 THEN pg_catalog.date_part('epoch', w.heartbeat OPERATOR(pg_catalog.-) w.started_at) END)) AS rate) r
    WHERE pg_catalog.pg_has_role(s.owner, 'USAGE');
COMMENT ON VIEW parity.shadow_progress IS 'how far the backfills of shadows are, of tables that the user may act as the owner of';
COMMENT ON COLUMN parity.shadow_progress.rows IS 'that were written; those that were there already do not count';
COMMENT ON COLUMN parity.shadow_progress.failed IS 'rows that went to parity.drift';
COMMENT ON COLUMN parity.shadow_progress.rate IS 'rows written a second';
COMMENT ON COLUMN parity.shadow_progress.heartbeat IS 'when a worker last did something';
COMMENT ON COLUMN parity.shadow_progress.ranges IS 'ranges of keys that workers are at, or have left behind';
GRANT SELECT ON parity.shadow_progress TO PUBLIC;
