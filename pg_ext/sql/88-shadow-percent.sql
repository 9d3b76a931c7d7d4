-- Shadows: another percentage of rows. The source's view is made anew from itself, as it is read by the engine now: what
-- was given at creation may have other names since.

CREATE FUNCTION parity.shadow_percent(name pg_catalog.text, percent pg_catalog.numeric,
                                      lock_timeout pg_catalog.interval DEFAULT '2 seconds')
    RETURNS pg_catalog.void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp SET row_security = on SET lock_timeout = '2s' AS $$
#variable_conflict use_variable
DECLARE
    s parity.shadow := parity.shadow_row(name);
    call text := 'parity.in_rollout(';
    before jsonb;
    after jsonb;
    condition text;
    tail text;
    parts text[];
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'a change of percent must run in READ COMMITTED',
            DETAIL = format('This transaction is %s, and would not see what others have written since it began.',
                            upper(current_setting('transaction_isolation')));
    ELSIF percent IS NULL OR NOT (percent >= 0 AND percent <= 100) THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('percent is %s, not from 0 to 100', coalesce(percent::text, 'NULL'));
    ELSIF s.percent IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('shadow "%s" takes all rows', name),
            DETAIL = 'It was created without percent.',
            HINT = 'Drop it and create it with percent; that keeps both tables.';
    ELSIF s.phase NOT IN ('created', 'shadowing', 'stopped') OR s.direction <> 'forward' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('shadow "%s" is %s', name, s.phase),
            DETAIL = format('Its direction is %s.', s.direction), HINT = 'The percentage is changed before the cutover.';
    END IF;
    IF percent = s.percent THEN
        RETURN;
    END IF;
    PERFORM parity.shadow_wait(lock_timeout);
    -- the writers that come after have the new condition
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', parity.shadow_relation(s.source));
    before := (SELECT jsonb_agg(to_jsonb(i) ORDER BY i.number) FROM parity.shadow_inspect(s.source_view) i);

    -- the call that shadow_create put last: of a number and the key, which come as they are in the first columns
    tail := (SELECT string_agg(', ' || (b ->> 'expression'), '' ORDER BY n) FROM jsonb_array_elements(before) WITH ORDINALITY x(b, n)
             WHERE (b ->> 'number')::int4 BETWEEN 1 AND s.key_columns) || ')';
    condition := CASE WHEN (before -> 0 ->> 'number')::int4 = 0 THEN before -> 0 ->> 'expression' END;
    IF condition NOT LIKE 'parity.in\_rollout(%' OR right(condition, length(tail)) <> tail THEN
        tail := tail || ')';
    END IF;
    parts := regexp_match(left(condition, -length(tail)),
                          '^((?:[(].* AND )?)parity[.]in_rollout[(]([(]?([0-9]+(?:[.][0-9]+)?)[)]?(?:::numeric)?)$');
    IF parts IS NULL OR right(condition, length(tail)) <> tail OR parts[3]::numeric <> s.percent THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('view %s of shadow "%s" is not as parity.shadow_create made it', s.source_view, name),
            DETAIL = format('Its condition is %s.', coalesce(condition, 'missing')),
            HINT = 'Drop the shadow and create it again.';
    END IF;
    condition := concat(parts[1], call, percent, tail);
    -- a verification holds the view, and wants the shadow's row at its end: give way before it looks for a deadlock
    PERFORM set_config('lock_timeout', parity.shadow_patience(lock_timeout), true);
    EXECUTE format('CREATE OR REPLACE VIEW %s%s AS SELECT %s FROM %s s WHERE %s', parity.shadow_relation(s.source_view),
        (SELECT format(' WITH (%s)', string_agg(format('%I = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', '))
         FROM pg_class c, unnest(c.reloptions) o WHERE c.oid = s.source_view HAVING count(*) > 0),
        (SELECT string_agg(format('%s AS %I', b ->> 'expression', b ->> 'name'), ', ' ORDER BY n)
         FROM jsonb_array_elements(before) WITH ORDINALITY x(b, n) WHERE (b ->> 'number')::int4 > 0),
        parity.shadow_relation(s.source), condition);
    after := (SELECT jsonb_agg(to_jsonb(i) ORDER BY i.number) FROM parity.shadow_inspect(s.source_view) i);
    condition := left(after -> 0 ->> 'expression', -length(tail));
    IF after - 0 <> before - 0 OR (after -> 0) - 'expression' <> (before -> 0) - 'expression'
       OR right(after -> 0 ->> 'expression', length(tail)) <> tail
       OR left(condition, length(parts[1] || call)) <> parts[1] || call
       OR (regexp_match(substr(condition, length(parts[1] || call) + 1), '^[(]?([0-9]+(?:[.][0-9]+)?)[)]?(?:::numeric)?$'))[1]::numeric
          IS DISTINCT FROM percent THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('the mapping of shadow "%s" cannot be made anew with another percentage', name),
            DETAIL = format('It would become %s.', after),
            HINT = 'Drop the shadow and create it again.';
    END IF;

    UPDATE parity.shadow x SET percent = shadow_percent.percent, verified_at = NULL, verified_as = NULL, unreturning = NULL
        WHERE x.name = s.name;
    -- what was filled was filled under the old one: the next call begins anew
    DELETE FROM parity.shadow_range r WHERE r.id = s.id;
    DELETE FROM parity.shadow_work w WHERE w.id = s.id;
    PERFORM parity.shadow_note(s.name, 'percent', jsonb_build_object('from', s.percent, 'to', percent));
    IF percent < s.percent AND s.run > 0 THEN
        RAISE NOTICE USING MESSAGE = format('rows of shadow "%s" beyond %s percent stay in the target', name, percent),
            DETAIL = 'parity.shadow_verify shows them as only in the target.',
            HINT = format('SELECT * FROM parity.shadow_heal(%L, everything => true) takes them away.', name);
    END IF;
END
$$;
COMMENT ON FUNCTION parity.shadow_percent(pg_catalog.text, pg_catalog.numeric, pg_catalog.interval) IS
    'let a shadow that was created with percent take more or fewer of the rows; waits for writers at most lock_timeout. Afterwards parity.shadow_backfill puts in what has come to be included, and parity.shadow_heal with everything takes away what no longer is';
