-- Shadows: the proof. Both tables are read through the views that are the mapping.

-- One query over both sides, joined on the key: k, whether it is in from (a) and in to (b), and the columns c1, c2 …
-- of each as the mapping would have them.
CREATE FUNCTION parity.shadow_sides(parts pg_catalog.jsonb) RETURNS pg_catalog.text
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    types text[] := parity.shadow_texts(parts -> 'types');
    from_columns text[] := parity.shadow_texts(parts -> 'view_columns');
    to_columns text[] := parity.shadow_texts(parts -> 'to_view_columns');
    equal text[] := parity.shadow_texts(parts -> 'equal');
    n int4 := cardinality(types);
    k int4 := cardinality(equal);
BEGIN
    RETURN concat(
        '(SELECT true AS present, ', (SELECT string_agg(format('s.%s::%s AS c%s', from_columns[i], types[i], i), ', ' ORDER BY i)
                                      FROM generate_series(1, n) i), ' FROM ', parts ->> 'from_view', ' s) a FULL JOIN ',
        '(SELECT true AS present, ', (SELECT string_agg(format('s.%s AS c%s', to_columns[i], i), ', ' ORDER BY i)
                                      FROM generate_series(1, n) i), ' FROM ', parts ->> 'to_view', ' s) b ON ',
        (SELECT string_agg(format('a.c%1$s %2$s b.c%1$s', i, equal[i]), ' AND ' ORDER BY i) FROM generate_series(1, k) i));
END
$$;
COMMENT ON FUNCTION parity.shadow_sides(pg_catalog.jsonb) IS
    'internal: the join of both sides of a shadow on the key, columns c1, c2, ... of a, as mapped, and of b';

-- {"key", "change": "from", "to" or "changed", "columns"}, a row a row that differs
CREATE FUNCTION parity.shadow_differences(parts pg_catalog.jsonb) RETURNS pg_catalog.text
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    columns text[] := parity.shadow_texts(parts -> 'columns');
    n int4 := cardinality(columns);
    k int4 := (parts ->> 'keys')::int4;
    list text;
BEGIN
    list := (SELECT string_agg('%1$s.c' || i, ', ' ORDER BY i) FROM generate_series(1, n) i);
    RETURN concat(
        'SELECT pg_catalog.jsonb_build_object(''key'', CASE WHEN a.present THEN ',
        format(parts ->> 'key_format', VARIADIC ARRAY(SELECT 'a.c' || i FROM generate_series(1, k) i)), ' ELSE ',
        format(parts ->> 'key_format', VARIADIC ARRAY(SELECT 'b.c' || i FROM generate_series(1, k) i)), ' END, ',
        '''change'', CASE WHEN b.present IS NULL THEN ''from'' WHEN a.present IS NULL THEN ''to'' ELSE ''changed'' END, ',
        '''columns'', CASE WHEN a.present AND b.present THEN pg_catalog.array_remove(ARRAY[',
        (SELECT string_agg(format('CASE WHEN parity.row_hash(ROW(a.c%1$s)) OPERATOR(pg_catalog.<>) parity.row_hash(ROW(b.c%1$s)) THEN %2$L END', i,
                                  (parse_ident(columns[i]))[1]), ', ' ORDER BY i)
         FROM generate_series(1, n) i),
        ']::pg_catalog.text[], NULL) END) AS r FROM ', parity.shadow_sides(parts),
        ' WHERE a.present IS NULL OR b.present IS NULL OR parity.row_hash(ROW(', format(list, 'a'),
        ')) OPERATOR(pg_catalog.<>) parity.row_hash(ROW(', format(list, 'b'), '))');
END
$$;
COMMENT ON FUNCTION parity.shadow_differences(pg_catalog.jsonb) IS 'internal: the query for the rows in which the sides of a shadow differ';

CREATE FUNCTION parity.shadow_diff(name pg_catalog.text, max_rows pg_catalog.int8 DEFAULT NULL)
    RETURNS TABLE (key pg_catalog.jsonb, change pg_catalog.text, columns pg_catalog.text[])
    LANGUAGE plpgsql VOLATILE ROWS 100 SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    parts jsonb := parity.shadow_statements(name);
    forward bool := parts ->> 'direction' = 'forward';
    d jsonb;
BEGIN
    IF max_rows < 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'max_rows must not be negative';
    END IF;
    FOR d IN SELECT r FROM parity.shadow_read(parity.shadow_path(name), parity.shadow_differences(parts)
                                              || coalesce(' LIMIT ' || max_rows, '')) r LOOP
        key := d -> 'key';
        change := CASE d ->> 'change' WHEN 'changed' THEN 'changed'
                  WHEN CASE WHEN forward THEN 'from' ELSE 'to' END THEN 'only in source' ELSE 'only in target' END;
        columns := CASE WHEN change = 'changed' THEN parity.shadow_texts(d -> 'columns') END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION parity.shadow_diff(pg_catalog.text, pg_catalog.int8) IS
    'the rows in which a shadow''s tables are not equal under its mapping: only in source, only in target, or changed, and in which columns';

CREATE FUNCTION parity.shadow_count_differences(parts pg_catalog.jsonb) RETURNS pg_catalog.text
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT concat('WITH d AS (', parity.shadow_differences(parts), '), ',
                  'e AS (SELECT r OPERATOR(pg_catalog.->>) ''change'' AS change, r OPERATOR(pg_catalog.->) ''columns'' AS columns FROM d) ',
                  'SELECT pg_catalog.jsonb_build_object(''rows'', pg_catalog.count(*), ',
                  (SELECT string_agg(format('%1$L, pg_catalog.count(*) FILTER (WHERE change OPERATOR(pg_catalog.=) %1$L), ', w), '')
                   FROM unnest(ARRAY['from', 'to', 'changed']) w),
                  '''columns'', (SELECT pg_catalog.jsonb_agg(DISTINCT c) FROM e, pg_catalog.jsonb_array_elements_text(',
                  'CASE WHEN change OPERATOR(pg_catalog.=) ''changed'' THEN columns ELSE ''[]'' END) c)) FROM e') $$;
COMMENT ON FUNCTION parity.shadow_count_differences(pg_catalog.jsonb) IS
    'internal: the query for how many rows of a shadow differ in which way, and in which columns';

-- Both sides in one snapshot: their digests, and with back, the parts of the other direction, whether what comes back
-- of the one has the digest of what the other has.
CREATE FUNCTION parity.shadow_digests(parts pg_catalog.jsonb, back pg_catalog.jsonb) RETURNS pg_catalog.text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    up text := (SELECT string_agg(format('s.%s::%s', c, type), ', ' ORDER BY n)
                FROM unnest(parity.shadow_texts(parts -> 'view_columns'), parity.shadow_texts(parts -> 'types'))
                    WITH ORDINALITY x(c, type, n));
    down text := (SELECT string_agg(format('s.%s::%s', c, type), ', ' ORDER BY n)
                  FROM unnest(parity.shadow_texts(back -> 'view_columns'), parity.shadow_texts(back -> 'types'))
                      WITH ORDINALITY x(c, type, n));
    there text := array_to_string(parity.shadow_aliased(parts -> 'to_view_columns'), ', ');
    here text := array_to_string(parity.shadow_aliased(back -> 'to_view_columns'), ', ');
BEGIN
    RETURN concat(
        'SELECT pg_catalog.jsonb_build_object(''from'', f.d::pg_catalog.text, ''to'', t.d::pg_catalog.text, ''from_rows'', parity.digest_rows(f.d), ',
        '''to_rows'', parity.digest_rows(t.d), ''equal'', f.d OPERATOR(parity.=) t.d, ''returns'', f.r OPERATOR(parity.=) t.r) ',
        'FROM (SELECT parity.digest_agg(ROW(', up, ')) AS d, ',
        coalesce('parity.digest_agg(ROW(' || here || '))', 'NULL::parity.digest'), ' AS r FROM ', parts ->> 'from_view', ' s) f, ',
        '(SELECT parity.digest_agg(ROW(', there, ')) AS d, ',
        coalesce('parity.digest_agg(ROW(' || down || '))', 'NULL::parity.digest'), ' AS r FROM ', parts ->> 'to_view', ' s) t');
END
$$;
COMMENT ON FUNCTION parity.shadow_digests(pg_catalog.jsonb, pg_catalog.jsonb) IS
    'internal: the query for the digests of both sides of a shadow, and for whether what comes back is equal';

-- What comes back may fail (a division by zero): that is told, and the digests are taken without it.
CREATE FUNCTION parity.shadow_read_digests(parts pg_catalog.jsonb, back pg_catalog.jsonb) RETURNS pg_catalog.jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    path text := parity.shadow_path(parts ->> 'name');
    out jsonb;
    failure text;
BEGIN
    IF back IS NOT NULL THEN
        BEGIN
            SELECT r INTO out FROM parity.shadow_read(path, parity.shadow_digests(parts, back)) r;
            RETURN out;
        EXCEPTION
            WHEN lock_not_available OR deadlock_detected OR serialization_failure OR out_of_memory
                OR data_corrupted OR index_corrupted OR insufficient_privilege THEN RAISE;
            -- if it is not the way back, the next query fails as well
            WHEN OTHERS THEN failure := SQLERRM;
        END;
    END IF;
    SELECT r INTO out FROM parity.shadow_read(path, parity.shadow_digests(parts, NULL)) r;
    RETURN CASE WHEN failure IS NULL THEN out ELSE out || jsonb_build_object('failure', failure) END;
EXCEPTION
    WHEN data_exception THEN
        RAISE EXCEPTION USING ERRCODE = SQLSTATE,
            MESSAGE = format('the mapping of shadow "%s" fails for a row of %s: %s', parts ->> 'name', parts ->> 'from', SQLERRM),
            HINT = 'Rows that were written since the shadow was started are in parity.drift. Change the row, or create the shadow with another mapping.';
END
$$;
COMMENT ON FUNCTION parity.shadow_read_digests(pg_catalog.jsonb, pg_catalog.jsonb) IS
    'internal: the digests of both sides of a shadow, and with back whether what comes back is equal, or why that fails';

CREATE FUNCTION parity.shadow_no_return(parts pg_catalog.jsonb, back pg_catalog.jsonb) RETURNS pg_catalog.text
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    equal text[] := parity.shadow_texts(parts -> 'equal');
    k int4 := cardinality(equal);
    up text[] := parity.shadow_aliased(parts -> 'view_columns', 'a');
    there text[] := parity.shadow_aliased(parts -> 'to_view_columns', 'b');
    types text[] := parity.shadow_texts(parts -> 'types');
BEGIN
    RETURN concat(
        'SELECT pg_catalog.jsonb_build_object(''rows'', pg_catalog.count(*), ',
        '''keys'', COALESCE(pg_catalog.jsonb_agg(x.k ORDER BY x.i) FILTER (WHERE x.i OPERATOR(pg_catalog.<=) 5), ''[]'')) ',
        'FROM (SELECT pg_catalog.row_number() OVER () AS i, ', format(parts ->> 'key_format', VARIADIC there[1:k]), ' AS k FROM ',
        parts ->> 'from_view', ' a JOIN ', parts ->> 'to_view', ' b ON ',
        (SELECT string_agg(format('%s::%s %s %s', up[i], types[i], equal[i], there[i]), ' AND ' ORDER BY i)
         FROM generate_series(1, k) i),
        ' WHERE parity.row_hash(ROW(', array_to_string(parity.shadow_aliased(back -> 'to_view_columns', 'a'), ', '),
        ')) OPERATOR(pg_catalog.<>) parity.row_hash(ROW(',
        (SELECT string_agg(format('b.%s::%s', c, type), ', ' ORDER BY n)
         FROM unnest(parity.shadow_texts(back -> 'view_columns'), parity.shadow_texts(back -> 'types'))
             WITH ORDINALITY x(c, type, n)),
        '))) x');
END
$$;
COMMENT ON FUNCTION parity.shadow_no_return(pg_catalog.jsonb, pg_catalog.jsonb) IS
    'internal: the query for the rows of which the way back makes something else than they were';

-- A step that holds the shadow may wait for the tables, which a verification has locked: so that does not wait long.
-- Without a signature the tables were found to differ: that takes an older verification back.
CREATE FUNCTION parity.shadow_record(s parity.shadow, signature pg_catalog.text, unreturning pg_catalog.int8, seen pg_catalog.tid[],
                                     began pg_catalog.timestamptz)
    RETURNS pg_catalog.bool
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET row_security = on SET lock_timeout = '1s'
    AS $$
BEGIN
    PERFORM set_config('lock_timeout', parity.shadow_patience(s.lock_timeout), true);
    IF signature IS NULL THEN
        UPDATE parity.shadow x SET verified_at = NULL, verified_as = NULL, unreturning = NULL
            WHERE x.id = s.id AND x.run = s.run AND x.verified_at IS NOT NULL;
        RETURN true;
    END IF;
    -- the snapshot of one that took long may be older than a difference that another one has found
    UPDATE parity.shadow x SET verified_at = clock_timestamp(), verified_as = signature, unreturning = shadow_record.unreturning
        WHERE x.id = s.id AND x.run = s.run
          AND NOT EXISTS (SELECT FROM parity.event e WHERE e.shadow = s.name AND e.at >= began
                          AND e.what = 'verify' AND e.detail ->> 'status' = 'differ');
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM parity.shadow_mark m WHERE m.ctid = ANY (seen);
    RETURN true;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN false;
END
$$;
COMMENT ON FUNCTION parity.shadow_record(parity.shadow, pg_catalog.text, pg_catalog.int8, pg_catalog.tid[], pg_catalog.timestamptz) IS
    'internal: records a verification, and takes the marks away that it saw, or takes an older one back; false when another step, or a difference found, came in between';

-- INOUT: the result has a column name too
CREATE FUNCTION parity.shadow_verify(INOUT name pg_catalog.text, OUT status pg_catalog.text, OUT source_rows pg_catalog.int8,
                                     OUT target_rows pg_catalog.int8, OUT differing pg_catalog.int8,
                                     OUT columns pg_catalog.text[], OUT detail pg_catalog.text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp SET row_security = on
    AS $$
DECLARE
    s parity.shadow;
    parts jsonb := parity.shadow_statements(name);
    back jsonb;
    forward bool := parts ->> 'direction' = 'forward';
    -- an older snapshot than the triggers and marks are read with proves nothing
    fresh bool := current_setting('transaction_isolation') IN ('read committed', 'read uncommitted');
    signature text;
    seen tid[] := '{}';
    found_both jsonb;
    lost jsonb;
    failure text;
    returns bool;
    changes jsonb;
    drifted int8;
    notes text[] := '{}';
    began timestamptz := clock_timestamp();
BEGIN
    SELECT x.* INTO STRICT s FROM parity.shadow x WHERE x.name = shadow_verify.name;
    -- who has them locked comes first, with the marks that he leaves
    EXECUTE format('LOCK TABLE %s, %s IN ACCESS SHARE MODE', parts ->> 'from', parts ->> 'to');
    -- what is stored of the verification is older than its snapshot: what comes between makes it worthless
    IF s.phase IN ('shadowing', 'cut over') THEN
        signature := parity.shadow_signature(name);
    END IF;
    IF fresh THEN
        seen := ARRAY(SELECT m.ctid FROM parity.shadow_mark m
                      WHERE m.id = s.id AND NOT (m.kind = 'stopped' AND m.run = s.run) FOR UPDATE SKIP LOCKED);
    END IF;
    IF forward AND s.backward_columns > 0 THEN
        back := parity.shadow_statements(name, 'backward');
    END IF;
    found_both := parity.shadow_read_digests(parts, back);
    failure := found_both ->> 'failure';
    status := CASE WHEN (found_both ->> 'equal')::bool THEN 'match' ELSE 'differ' END;
    source_rows := found_both ->> CASE WHEN forward THEN 'from_rows' ELSE 'to_rows' END;
    target_rows := found_both ->> CASE WHEN forward THEN 'to_rows' ELSE 'from_rows' END;
    differing := 0;
    IF status = 'differ' THEN
        SELECT r INTO changes FROM parity.shadow_read(s.search_path, parity.shadow_count_differences(parts)) r;
        differing := changes -> 'rows';
        notes := notes || concat_ws(', ',
            nullif((changes ->> CASE WHEN forward THEN 'from' ELSE 'to' END)::int8, 0) || ' only in source',
            nullif((changes ->> CASE WHEN forward THEN 'to' ELSE 'from' END)::int8, 0) || ' only in target',
            nullif((changes ->> 'changed')::int8, 0) || ' changed');
        columns := ARRAY(SELECT (parse_ident(c))[1] FROM unnest(parity.shadow_texts(parts -> 'columns')) WITH ORDINALITY x(c, n)
                         WHERE changes -> 'columns' ? (parse_ident(c))[1] ORDER BY n);
    END IF;
    IF failure IS NOT NULL THEN
        returns := false;
        notes := notes || format('the way back of some row fails: %s', failure);
    ELSIF back IS NOT NULL AND status = 'match' THEN
        returns := (found_both ->> 'returns')::bool;
        IF NOT returns THEN
            SELECT r INTO lost FROM parity.shadow_read(s.search_path, parity.shadow_no_return(parts, back)) r;
            notes := notes || format('%s rows would not come back as they are, such as those with the keys %s',
                                     lost ->> 'rows', lost ->> 'keys');
        END IF;
    END IF;

    IF s.phase NOT IN ('shadowing', 'cut over') THEN
        notes := notes || format('writes are not shadowed: the shadow is in phase "%s"', s.phase);
    ELSIF EXISTS (SELECT FROM parity.shadow_mark m WHERE m.id = s.id AND m.run = s.run AND m.kind = 'stopped') THEN
        notes := notes || 'writes are not shadowed: the shadow has stopped itself'::text;
    ELSIF signature IS NULL THEN
        notes := notes || 'writes are not shadowed: a trigger of the shadow is missing or disabled'::text;
    END IF;
    IF forward AND NOT EXISTS (SELECT FROM parity.shadow_work w WHERE w.id = s.id AND w.complete AND w.started_at >= s.started_at) THEN
        notes := notes || 'the backfill is not complete'::text;
    END IF;
    SELECT count(DISTINCT d.key) INTO drifted FROM parity.drift d WHERE d.shadow = s.name;
    IF drifted > 0 THEN
        notes := notes || format('%s keys in parity.drift', drifted);
    END IF;
    detail := nullif(array_to_string(notes, '; '), '');

    IF NOT fresh THEN
        detail := concat_ws('; ', detail, format('not recorded, since the transaction is %s', upper(current_setting('transaction_isolation'))));
    ELSIF (status = 'differ' OR signature IS NOT NULL)
       -- what no row explains is not known
       AND NOT parity.shadow_record(s, CASE status WHEN 'match' THEN signature END,
                                    CASE WHEN NOT forward THEN s.unreturning WHEN returns THEN 0
                                         WHEN NOT returns THEN nullif((lost ->> 'rows')::int8, 0) END, seen, began) THEN
        detail := concat_ws('; ', detail, 'not recorded, since another step of the shadow, or a difference found, came in between');
    END IF;
    PERFORM parity.shadow_note(name, 'verify', jsonb_build_object(
        'status', status, 'source_rows', source_rows, 'target_rows', target_rows, 'differing', differing,
        'columns', columns, 'source', found_both ->> CASE WHEN forward THEN 'from' ELSE 'to' END,
        'target', found_both ->> CASE WHEN forward THEN 'to' ELSE 'from' END, 'returns', returns,
        'rows_that_do_not_return', (lost ->> 'rows')::int8, 'detail', detail,
        'seconds', round(date_part('epoch', clock_timestamp() - began)::numeric, 3)));
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION parity.shadow_verify(pg_catalog.text) IS
    'compares a shadow''s tables, under its mapping, in one snapshot: match or differ, in how many rows and in which columns; detail also tells of rows that a cutover could not bring back as they are';
