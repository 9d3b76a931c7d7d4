-- Shadows: making and dropping them. What a mapping says is tried on the engine itself, each expression alone and
-- undone at once, so that everything that is wrong can be told together.

CREATE FUNCTION parity.shadow_relation(rel pg_catalog.oid) RETURNS pg_catalog.text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = rel
$$;
COMMENT ON FUNCTION parity.shadow_relation(pg_catalog.oid) IS 'internal: the name of a table, qualified and quoted';

CREATE FUNCTION parity.shadow_table_problems(rel pg_catalog.oid, role pg_catalog.text) RETURNS SETOF pg_catalog.text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c pg_class;
    me text;
    rights text;
    other text;
BEGIN
    SELECT * INTO c FROM pg_class WHERE oid = rel;
    me := format('%s %s', role, rel::regclass);
    IF c.relkind NOT IN ('r', 'p') THEN
        RETURN NEXT format('%s is %s, not an ordinary or partitioned table', me,
            CASE c.relkind WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view' WHEN 'f' THEN 'a foreign table'
                WHEN 'S' THEN 'a sequence' WHEN 'c' THEN 'a type' ELSE 'an index' END);
        RETURN;
    END IF;
    IF c.relpersistence = 't' THEN
        RETURN NEXT format('%s is temporary', me);
    END IF;
    IF rel < 16384 OR c.relnamespace::regnamespace::text IN ('pg_catalog', 'information_schema', 'pg_toast') THEN
        RETURN NEXT format('%s is a system table', me);
    ELSIF c.relnamespace = 'parity'::regnamespace THEN
        RETURN NEXT format('%s is one of parity''s own tables', me);
    END IF;
    SELECT i.inhparent::regclass::text INTO other FROM pg_inherits i WHERE i.inhrelid = rel LIMIT 1;
    IF c.relispartition THEN
        RETURN NEXT format('%s is a partition of %s, through which it is written too: shadow that one', me, other);
    ELSIF other IS NOT NULL THEN
        RETURN NEXT format('%s inherits from %s, through which it is written too', me, other);
    END IF;
    IF c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = rel) THEN
        RETURN NEXT format('%s has tables that inherit from it: their rows are its rows, but no key holds over them', me);
    END IF;
    SELECT string_agg(t.relid::text, ', ' ORDER BY t.relid::text) INTO other
    FROM pg_partition_tree(rel) t JOIN pg_class p ON p.oid = t.relid WHERE c.relkind = 'p' AND p.relkind = 'f';
    IF other IS NOT NULL THEN
        RETURN NEXT format('%s has partitions that are foreign tables: %s', me, other);
    END IF;
    SELECT string_agg(t.relid::text, ', ' ORDER BY t.relid::text) INTO other
    FROM pg_partition_tree(rel) t JOIN pg_class p ON p.oid = t.relid WHERE c.relkind = 'p' AND p.relowner <> c.relowner;
    IF other IS NOT NULL THEN
        RETURN NEXT format('%s has partitions that belong to others: %s', me, other);
    END IF;
    IF c.relforcerowsecurity THEN
        RETURN NEXT format('%s has FORCE ROW LEVEL SECURITY, which would hide rows from its owner', me);
    END IF;
    SELECT string_agg(r.rulename::text, ', ' ORDER BY r.rulename) INTO other
    FROM pg_rewrite r WHERE r.ev_class = rel AND r.ev_type <> '1';
    IF other IS NOT NULL THEN
        RETURN NEXT format('%s has rules, which would rewrite what is written into it%s: %s', me,
            CASE role WHEN 'source' THEN ' after a cutover' ELSE '' END, other);
    END IF;
    IF NOT pg_has_role(c.relowner, 'USAGE') THEN
        RETURN NEXT format('%s belongs to %s, as which %s may not act', me, c.relowner::regrole, quote_ident(CURRENT_USER));
    END IF;
    SELECT string_agg(p, ', ') INTO rights FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
    WHERE NOT has_table_privilege(c.relowner, rel, p);
    IF rights IS NOT NULL THEN
        RETURN NEXT format('%s: its owner %s has lost the right to %s', me, c.relowner::regrole, rights);
    END IF;
    IF NOT has_schema_privilege(c.relowner, c.relnamespace, 'USAGE') THEN
        RETURN NEXT format('%s: its owner %s has no USAGE on schema %s', me, c.relowner::regrole, c.relnamespace::regnamespace);
    END IF;
END
$$;
COMMENT ON FUNCTION parity.shadow_table_problems(pg_catalog.oid, pg_catalog.text) IS
    'internal: why a table cannot be the source or the target of a shadow';

CREATE FUNCTION parity.shadow_base_type(type pg_catalog.oid) RETURNS pg_catalog.oid
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE t AS (
        SELECT y.oid, y.typtype, y.typbasetype FROM pg_type y WHERE y.oid = type
        UNION ALL
        SELECT y.oid, y.typtype, y.typbasetype FROM t JOIN pg_type y ON y.oid = t.typbasetype WHERE t.typtype = 'd')
    SELECT t.oid FROM t WHERE t.typtype <> 'd'
$$;
COMMENT ON FUNCTION parity.shadow_base_type(pg_catalog.oid) IS 'internal: the type under a domain';

CREATE FUNCTION parity.shadow_keys(rel pg_catalog.oid)
    RETURNS TABLE (index pg_catalog.regclass, is_primary pg_catalog.bool, columns pg_catalog.int2[], problem pg_catalog.text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT i.indexrelid::regclass, i.indisprimary, k.columns,
           CASE WHEN m.amname <> 'btree' OR i.indisexclusion THEN 'is no btree'
                WHEN 0 = ANY (k.columns) THEN 'is on an expression'
                WHEN i.indpred IS NOT NULL THEN 'is partial'
                WHEN NOT i.indimmediate THEN 'is deferrable'
                WHEN NOT i.indisvalid OR NOT i.indisready THEN 'is invalid'
                WHEN n.names IS NOT NULL THEN format('is on columns that may be NULL: %s', n.names)
                WHEN o.names IS NOT NULL THEN format('compares otherwise than its columns'' types do: %s', o.names)
                WHEN t.names IS NOT NULL THEN format('is on columns whose types cannot be keys of a shadow: %s', t.names)
           END
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am m ON m.oid = c.relam
    CROSS JOIN LATERAL (SELECT array_agg(i.indkey[j] ORDER BY j) FROM generate_series(0, i.indnkeyatts - 1) j) k(columns)
    CROSS JOIN LATERAL (
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = rel AND a.attnum = ANY (k.columns)
          AND (NOT a.attnotnull OR EXISTS (SELECT FROM pg_constraint x WHERE x.conrelid = rel AND x.contype = 'n'
                                           AND x.conkey = ARRAY[a.attnum] AND NOT x.convalidated))) n(names)
    CROSS JOIN LATERAL (
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY j) FROM generate_series(0, i.indnkeyatts - 1) j
        JOIN pg_attribute a ON a.attrelid = rel AND a.attnum = i.indkey[j]
        JOIN pg_opclass p ON p.oid = i.indclass[j]
        WHERE NOT p.opcdefault OR i.indcollation[j] <> a.attcollation) o(names)
    CROSS JOIN LATERAL (
        SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_type y ON y.oid = parity.shadow_base_type(a.atttypid)
        WHERE a.attrelid = rel AND a.attnum = ANY (k.columns)
          AND (y.typtype = 'c' OR y.typcategory = 'A' OR y.oid = 'jsonb'::regtype)) t(names)
    WHERE i.indrelid = rel AND i.indisunique
    ORDER BY i.indisprimary DESC, i.indnkeyatts, c.relname
$$;
COMMENT ON FUNCTION parity.shadow_keys(pg_catalog.oid) IS
    'internal: the unique indexes of a table, the primary key first, and why one cannot be the key of a shadow';

-- The caller's path is in force only while his expression is read.
CREATE FUNCTION parity.shadow_try(
        expression pg_catalog.text, is_filter pg_catalog.bool, rel pg_catalog.oid, to_rel pg_catalog.oid, to_column pg_catalog.name,
        place pg_catalog.text, path pg_catalog.text, checked pg_catalog.bool,
        OUT problem pg_catalog.text, OUT plain pg_catalog.int2, OUT uses pg_catalog.int2[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET check_function_bodies = on AS $$
DECLARE
    probe text := 'parity_probe_' || replace(gen_random_uuid()::text, '-', '');
    owner oid := (SELECT c.relowner FROM pg_class c WHERE c.oid = rel);
    ours text := current_setting('search_path');
    statement text;
BEGIN
    IF checked AND NOT parity.shadow_expression(expression) THEN
        problem := 'is not one expression';
        RETURN;
    END IF;
    statement := format(CASE WHEN is_filter THEN E'CREATE VIEW %s.%I AS SELECT 1 AS x FROM %s WHERE (%s\n)'
                             ELSE E'CREATE VIEW %s.%I AS SELECT (%4$s\n) AS x FROM %3$s' END,
                        place, probe, parity.shadow_relation(rel), expression);
    PERFORM set_config('search_path', path, true);
    EXECUTE statement;
    PERFORM pg_catalog.set_config('search_path', ours, true);
    SELECT i.plain, i.uses, i.objection INTO plain, uses, problem
    FROM parity.shadow_inspect(format('%s.%I', place, probe)::regclass) i
    WHERE i.number = CASE WHEN is_filter THEN 0 ELSE 1 END;
    -- a conversion that is not in the expression, but comes with the column
    IF problem IS NULL AND NOT is_filter
       AND EXISTS (SELECT FROM parity.shadow_inspect(format('%s.%I', place, probe)::regclass) i, pg_attribute a
                   WHERE i.number = 1 AND a.attrelid = to_rel AND a.attname = to_column AND i.type <> a.atttypid
                     AND 'money'::regtype IN (parity.shadow_base_type(i.type), parity.shadow_base_type(a.atttypid))) THEN
        problem := 'depends on a setting, lc_monetary: the same row would become another in another session';
    END IF;
    IF problem IS NULL THEN
        SELECT format('the tables'' owner %s may not execute %s', owner::regrole, string_agg(f.oid::regprocedure::text, ', ')) INTO problem
        FROM pg_rewrite r
        JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
        JOIN pg_proc f ON f.oid = CASE WHEN d.refclassid = 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode END
        WHERE r.ev_class = format('%s.%I', place, probe)::regclass
          AND (NOT has_function_privilege(owner, f.oid, 'EXECUTE') OR NOT has_schema_privilege(owner, f.pronamespace, 'USAGE'))
        HAVING count(*) > 0;
    END IF;
    -- the engine's own word on the assignment: a function's body is read, and nothing is run
    IF problem IS NULL AND NOT is_filter THEN
        EXECUTE format('CREATE FUNCTION %s.%I() RETURNS pg_catalog.void LANGUAGE sql AS %L', place, probe,
            format('INSERT INTO %s (%I) OVERRIDING SYSTEM VALUE SELECT v.x FROM %s.%I v',
                   parity.shadow_relation(to_rel), to_column, place, probe));
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'PARTY', MESSAGE = 'undo';
EXCEPTION
    WHEN SQLSTATE 'PARTY' THEN NULL;
    WHEN query_canceled OR out_of_memory OR lock_not_available OR serialization_failure OR deadlock_detected THEN RAISE;
    WHEN OTHERS THEN problem := replace(SQLERRM, E'\n', ' ');
END
$$;
COMMENT ON FUNCTION parity.shadow_try(pg_catalog.text, pg_catalog.bool, pg_catalog.oid, pg_catalog.oid, pg_catalog.name,
                                      pg_catalog.text, pg_catalog.text, pg_catalog.bool) IS
    'internal: what is wrong with an expression over a table that goes into a column of another, or which columns it uses; leaves nothing behind';

-- LIKE leaves out what is not of a column: the table's options, access method and tablespace come by name, its row-level
-- security is on (without policies), and a sequence is not shared but made anew. Policies, grants, foreign keys and
-- triggers do not come.
CREATE FUNCTION parity.shadow_copy(source pg_catalog.oid, place pg_catalog.text, name pg_catalog.text)
    RETURNS SETOF pg_catalog.text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c pg_class := (SELECT c FROM pg_class c WHERE c.oid = source);
    made text := format('%s.%I', place, name);
    options text := (SELECT format(' WITH (%s)', string_agg(format('%I = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', '))
                     FROM unnest(c.reloptions) o HAVING count(*) > 0);
    d record;
    sequence text;
    expression text;
    statement text;
BEGIN
    FOREACH statement IN ARRAY ARRAY[
        format('CREATE %sTABLE %s (LIKE %s INCLUDING ALL) USING %I%s%s', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END,
               made, parity.shadow_relation(source), (SELECT m.amname FROM pg_am m WHERE m.oid = c.relam), options,
               (SELECT format(' TABLESPACE %I', t.spcname) FROM pg_tablespace t WHERE t.oid = c.reltablespace)),
        CASE WHEN c.relrowsecurity THEN format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', made) END] LOOP
        IF statement IS NOT NULL THEN
            EXECUTE statement;
            RETURN NEXT statement;
        END IF;
    END LOOP;
    FOR d IN SELECT a.attname, pg_get_expr(e.adbin, e.adrelid) AS expression, s.*
             FROM pg_attrdef e
             JOIN pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum
             JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = e.oid AND p.refclassid = 'pg_class'::regclass
             JOIN pg_sequence s ON s.seqrelid = p.refobjid
             WHERE e.adrelid = source ORDER BY a.attnum LOOP
        sequence := left(name, 25) || '_' || left(d.attname, 25) || '_seq';
        FOR i IN 1 .. 1000 LOOP
            EXIT WHEN to_regclass(format('%s.%I', place, sequence)) IS NULL;
            sequence := format('%s_%s_seq%s', left(name, 25), left(d.attname, 25), i);
        END LOOP;
        sequence := format('%s.%I', place, sequence);
        expression := replace(d.expression, format('%L::regclass', d.seqrelid::regclass), format('%L::regclass', sequence));
        IF expression = d.expression THEN
            RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('the default of column %I shares sequence %s in a way that cannot be copied', d.attname, d.seqrelid::regclass);
        END IF;
        FOREACH statement IN ARRAY ARRAY[
            format('CREATE SEQUENCE %s AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s%s OWNED BY %s.%I',
                   sequence, format_type(d.seqtypid, NULL), d.seqincrement, d.seqmin, d.seqmax, d.seqstart, d.seqcache,
                   CASE WHEN d.seqcycle THEN ' CYCLE' ELSE '' END, made, d.attname),
            format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', made, d.attname, expression)] LOOP
            EXECUTE statement;
            RETURN NEXT statement;
        END LOOP;
    END LOOP;
    IF c.relowner::regrole::text <> quote_ident(CURRENT_USER) THEN
        statement := format('ALTER TABLE %s OWNER TO %s', made, c.relowner::regrole);
        EXECUTE statement;
        RETURN NEXT statement;
    END IF;
END
$$;
COMMENT ON FUNCTION parity.shadow_copy(pg_catalog.oid, pg_catalog.text, pg_catalog.text) IS
    'internal: makes a table like another, with sequences of its own; the statements that were run';

CREATE FUNCTION parity.shadow_make(
        shadow pg_catalog.text, source pg_catalog.oid, target_name pg_catalog.text, mapping pg_catalog.jsonb,
        way_back pg_catalog.jsonb, policy pg_catalog.text, condition pg_catalog.text, share pg_catalog.numeric,
        failures pg_catalog.int4, within pg_catalog.interval, patience pg_catalog.interval, dry_run pg_catalog.bool,
        path pg_catalog.text)
    RETURNS SETOF pg_catalog.text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
#variable_conflict use_variable
<<here>>
DECLARE
    ours text := current_setting('search_path');
    full_path text;                 -- the caller's, resolved, temporary objects last
    problems text[] := '{}';
    statements text[] := '{}';
    part text;
    parts text[];
    owner oid := (SELECT c.relowner FROM pg_class c WHERE c.oid = source);
    target oid;
    place text;                     -- the target's schema
    place_oid oid;
    trial text;                     -- where views are tried
    source_is_table bool;
    target_is_table bool := false;
    src int2[];                     -- by target column: the source column that goes into it as it is
    exprs text[];                   -- by target column: what goes into it
    used int2[] := '{}';            -- source columns that go into expressions, or into the filter
    back_exprs text[];              -- by source column: what comes back
    key record;
    source_key int2[];
    target_key int2[];
    target_columns int2[];
    source_columns int2[];
    t record;
    tried record;
    expression text;
    back_word text := 'back';
    closed text := E'(%s\n)';       -- it may end in a comment
    base text;
    view_names text[] := '{}';
    source_list text;
    target_list text;
    quals text;
    shadow_id int8;
    notes text;
BEGIN
    -- everything in a subtransaction: a dry run ends it
    BEGIN
        PERFORM set_config('search_path', path, true);
        full_path := (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(p), ', ')
                      FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) p
                      WHERE p OPERATOR(pg_catalog.!~) '^pg_(toast_)?temp_[0-9]+$');
        PERFORM pg_catalog.set_config('search_path', ours, true);
        full_path := concat_ws(', ', full_path, 'pg_temp');
        IF patience >= interval '0' THEN
            PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::int4::text, true);
        END IF;

        -- the arguments
        IF shadow IS NULL OR shadow = '' THEN
            problems := problems || 'a name is missing'::text;
        ELSIF EXISTS (SELECT FROM parity.shadow s WHERE s.name = shadow) THEN
            problems := problems || format('shadow "%s" exists already', shadow);
        END IF;
        IF policy IS NULL OR policy NOT IN ('quarantine', 'abort') THEN
            problems := problems || format('on_error is %s, not quarantine or abort', coalesce(quote_literal(policy), 'NULL'));
        END IF;
        IF NOT (share >= 0 AND share <= 100) THEN
            problems := problems || format('percent is %s, not from 0 to 100', share);
        END IF;
        IF failures IS NULL OR failures < 1 THEN
            problems := problems || format('max_failures is %s, not 1 or more', coalesce(failures::text, 'NULL'));
        END IF;
        IF within IS NULL OR within <= interval '0' THEN
            problems := problems || format('failure_window is %s, not longer than 0', coalesce(within::text, 'NULL'));
        END IF;
        IF patience IS NULL OR patience < interval '0' THEN
            problems := problems || format('lock_timeout is %s, not 0 or longer', coalesce(patience::text, 'NULL'));
        END IF;
        FOR t IN SELECT * FROM (VALUES ('columns', mapping), ('reverse', way_back)) v(word, given) WHERE given IS NOT NULL LOOP
            IF jsonb_typeof(t.given) <> 'object' THEN
                problems := problems || format('%s is not a JSON object of column names and expressions', t.word);
            ELSE
                problems := problems || ARRAY(SELECT format('%s: the expression of %I is not a text', t.word, e.key)
                                              FROM jsonb_each(t.given) e WHERE jsonb_typeof(e.value) <> 'string' ORDER BY e.key);
            END IF;
        END LOOP;
        mapping := CASE WHEN jsonb_typeof(mapping) = 'object' THEN mapping END;
        way_back := CASE WHEN jsonb_typeof(way_back) = 'object' THEN way_back ELSE '{}' END;

        -- the tables
        IF source IS NULL THEN
            problems := problems || 'a source is missing'::text;
        ELSIF owner IS NULL THEN
            problems := problems || format('source %s does not exist', source);
        ELSE
            problems := problems || ARRAY(SELECT p FROM parity.shadow_table_problems(source, 'source') p);
        END IF;
        source_is_table := coalesce((SELECT c.relkind IN ('r', 'p') AND c.oid >= 16384 FROM pg_class c WHERE c.oid = source), false);
        BEGIN
            parts := parse_ident(target_name);
            PERFORM set_config('search_path', full_path, true);
            target := pg_catalog.to_regclass(target_name);
            part := coalesce(pg_catalog.quote_ident(parts[1]), pg_catalog.quote_ident(pg_catalog.current_schema()));
            IF pg_catalog.cardinality(parts) OPERATOR(pg_catalog.=) 1 THEN
                part := pg_catalog.quote_ident(pg_catalog.current_schema());
            END IF;
            PERFORM pg_catalog.set_config('search_path', ours, true);
            IF target IS NOT NULL THEN
                problems := problems || ARRAY(SELECT p FROM parity.shadow_table_problems(target, 'target') p);
            ELSIF parts IS NULL THEN
                problems := problems || 'a target is missing'::text;
            ELSIF cardinality(parts) > 2 THEN
                problems := problems || format('target %s has too many dots', target_name);
            ELSIF part ~ '^pg_temp' THEN
                problems := problems || format('target %s would be temporary', target_name);
            ELSIF part IS NULL THEN
                problems := problems || 'target: the search_path names no schema to create it in'::text;
            ELSIF to_regnamespace(part) IS NULL THEN
                problems := problems || format('target: schema %s does not exist', part);
            ELSIF (SELECT c.relkind FROM pg_class c WHERE c.oid = source) = 'p' THEN
                problems := problems || format('target %s does not exist, and is not made like a partitioned source: create it and its partitions first', target_name);
            ELSIF NOT source_is_table THEN
                problems := problems || format('target %s does not exist, and there is no table to make it like', target_name);
            ELSIF cardinality(problems) = 0 OR pg_has_role(owner, 'USAGE') THEN
                statements := statements || ARRAY(SELECT s FROM parity.shadow_copy(source, part, parts[cardinality(parts)]) s);
                target := to_regclass(format('%s.%I', part, parts[cardinality(parts)]));
            END IF;
        EXCEPTION
            WHEN query_canceled OR out_of_memory OR lock_not_available OR serialization_failure OR deadlock_detected THEN RAISE;
            WHEN OTHERS THEN
                problems := problems || format('target %s: %s', target_name, replace(SQLERRM, E'\n', ' '));
                target := NULL;
        END;
        IF target IS NOT NULL THEN
            SELECT c.relkind IN ('r', 'p') AND c.relnamespace <> 'parity'::regnamespace, quote_ident(n.nspname), n.oid INTO target_is_table, place, place_oid
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target;
            -- one after the other, and no change of the tables meanwhile
            IF cardinality(problems) = 0 THEN
                EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', parity.shadow_relation(source));
                EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', parity.shadow_relation(target));
            END IF;
            IF target = source THEN
                problems := problems || format('source and target are the same table %s', source::regclass);
            ELSIF source_is_table AND (SELECT c.relowner <> owner FROM pg_class c WHERE c.oid = target) THEN
                problems := problems || format('source %s belongs to %s and target %s to %s: one role must own both', source::regclass,
                    owner::regrole, target::regclass, (SELECT c.relowner::regrole FROM pg_class c WHERE c.oid = target));
            END IF;
            IF (SELECT (s.relpersistence = 'u') <> (c.relpersistence = 'u') FROM pg_class s, pg_class c WHERE s.oid = source AND c.oid = target) THEN
                problems := problems || 'one of the tables is unlogged and the other is not: a crash would empty one of them'::text;
            END IF;
            problems := problems || ARRAY(
                SELECT CASE WHEN s.target = here.target THEN format('target %s follows a table already, by shadow "%s"', target::regclass, s.name)
                            ELSE format('target %s is the table that follows, since the cutover of shadow "%s"', target::regclass, s.name) END
                FROM parity.shadow s
                WHERE s.phase <> 'finished' AND (s.target = here.target OR s.source = here.target AND s.direction = 'backward')
                ORDER BY s.name);
            FOR t IN SELECT r.oid FROM (VALUES (owner), (quote_ident(CURRENT_USER)::regrole::oid)) r(oid)
                     WHERE r.oid IS NOT NULL AND NOT has_schema_privilege(r.oid, place_oid, 'CREATE') GROUP BY r.oid LOOP
                problems := problems || format('%s may not create views in the target''s schema %s', t.oid::regrole, place);
            END LOOP;
        END IF;
        trial := CASE WHEN place_oid IS NOT NULL AND has_schema_privilege(place_oid, 'CREATE') THEN place ELSE 'pg_temp' END;

        -- the filter
        IF source_is_table AND condition IS NOT NULL THEN
            SELECT * INTO tried FROM parity.shadow_try(condition, true, source, NULL, NULL, trial, full_path, true);
            IF tried.problem IS NOT NULL THEN
                problems := problems || format('filter: %s', tried.problem);
            ELSE
                used := used || tried.uses;
            END IF;
        END IF;

        IF source_is_table AND target_is_table AND target <> source THEN
            src := array_fill(NULL::int2, ARRAY[1600]);
            exprs := array_fill(NULL::text, ARRAY[1600]);
            back_exprs := exprs;

            -- forward: what goes into the target's columns
            problems := problems || ARRAY(
                SELECT format('column %I: the target has no such column', e.key) FROM jsonb_each(mapping) e
                WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
                                  AND a.attname::text = e.key) ORDER BY e.key);
            FOR t IN SELECT a.*, s.attnum AS same, s.atttypid AS same_type, s.attgenerated AS same_generated
                     FROM pg_attribute a
                     LEFT JOIN pg_attribute s ON s.attrelid = source AND s.attnum > 0 AND NOT s.attisdropped AND s.attname = a.attname
                     WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LOOP
                IF mapping IS NULL THEN
                    CONTINUE WHEN t.same IS NULL OR t.attgenerated <> '';
                    expression := quote_ident(t.attname);
                    IF t.same_type = t.atttypid AND t.same_generated <> 'v' THEN
                        src[t.attnum] := t.same;
                        exprs[t.attnum] := expression;
                        CONTINUE;
                    END IF;
                ELSE
                    CONTINUE WHEN NOT mapping ? t.attname::text;
                    exprs[t.attnum] := '';    -- named, whatever comes of it
                    IF jsonb_typeof(mapping -> t.attname::text) <> 'string' THEN
                        CONTINUE;
                    END IF;
                    expression := mapping ->> t.attname::text;
                    IF t.attgenerated <> '' THEN
                        problems := problems || format('column %I: is generated from other columns of the target', t.attname);
                        CONTINUE;
                    END IF;
                END IF;
                SELECT * INTO tried FROM parity.shadow_try(expression, false, source, target, t.attname, trial, full_path, mapping IS NOT NULL);
                exprs[t.attnum] := expression;
                IF tried.problem IS NOT NULL THEN
                    problems := problems || format('column %I: %s', t.attname, tried.problem);
                    used := used || coalesce(tried.uses, '{}');
                ELSIF tried.plain IS NOT NULL THEN
                    src[t.attnum] := tried.plain;
                    exprs[t.attnum] := (SELECT quote_ident(a.attname) FROM pg_attribute a WHERE a.attrelid = source AND a.attnum = tried.plain);
                ELSE
                    used := used || tried.uses;
                END IF;
            END LOOP;
            -- columns of the key need not be named
            FOR t IN SELECT a.attnum, a.attname, s.attnum AS same
                     FROM pg_attribute a JOIN pg_attribute s ON s.attrelid = source AND s.attnum > 0 AND NOT s.attisdropped AND s.attname = a.attname
                     WHERE mapping IS NOT NULL AND a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' LOOP
                IF exprs[t.attnum] IS NULL THEN
                    src[t.attnum] := t.same;
                END IF;
            END LOOP;

            -- the key
            SELECT s.columns AS source_key, f.columns AS target_key INTO key
            FROM parity.shadow_keys(source) s JOIN parity.shadow_keys(target) f ON cardinality(f.columns) = cardinality(s.columns)
            WHERE s.problem IS NULL AND f.problem IS NULL
              AND NOT EXISTS (SELECT FROM unnest(s.columns) c
                              WHERE NOT EXISTS (SELECT FROM unnest(f.columns) d WHERE src[d] = c))
            ORDER BY s.is_primary DESC, f.is_primary DESC, cardinality(s.columns), s.index::text, f.index::text LIMIT 1;
            IF key IS NULL THEN
                FOR t IN SELECT * FROM (VALUES (source, 'source'), (target, 'target')) v(rel, role) LOOP
                    SELECT string_agg(format('%s %s', k.index, k.problem), '; ' ORDER BY k.is_primary DESC, k.index::text) INTO notes
                    FROM parity.shadow_keys(t.rel) k WHERE k.problem IS NOT NULL;
                    IF NOT EXISTS (SELECT FROM parity.shadow_keys(t.rel) k WHERE k.problem IS NULL) THEN
                        problems := problems || concat(format('%s %s has no key: a primary key, or a unique index of columns that are NOT NULL', t.role, t.rel::regclass),
                                                       ' (' || notes || ')');
                    ELSIF t.role = 'target' THEN
                        problems := problems || concat(
                            format('target %s has no key into which a key of source %s goes as it is', target::regclass, source::regclass),
                            (SELECT format(': the source''s (%s), the target''s (%s)', string_agg(k.list, '), (') FILTER (WHERE k.rel = source),
                                           string_agg(k.list, '), (') FILTER (WHERE k.rel = target))
                             FROM (SELECT r.rel, (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY o.i)
                                                  FROM unnest(k.columns) WITH ORDINALITY o(c, i)
                                                  JOIN pg_attribute a ON a.attrelid = r.rel AND a.attnum = o.c) AS list
                                   FROM (VALUES (source), (target)) r(rel), LATERAL parity.shadow_keys(r.rel) k
                                   WHERE k.problem IS NULL ORDER BY k.is_primary DESC, 2) k
                             HAVING count(*) FILTER (WHERE k.rel = source) > 0),
                            '; ' || notes);
                    END IF;
                END LOOP;
                source_key := '{}';
                target_key := '{}';
            ELSE
                source_key := key.source_key;
                target_key := ARRAY(SELECT (SELECT d FROM unnest(key.target_key) d WHERE src[d] = c LIMIT 1)
                                    FROM unnest(source_key) WITH ORDINALITY o(c, i) ORDER BY i);
                FOR t IN SELECT f.attnum, f.attname, s.attname AS from_name, format_type(s.atttypid, s.atttypmod) AS from_type,
                                format_type(f.atttypid, f.atttypmod) AS to_type, s.attnum AS from_num,
                                CASE WHEN s.attcollation <> f.attcollation THEN 'collation'
                                     WHEN b.s <> b.f AND NOT (b.s, b.f) IN ((21, 23), (21, 20), (23, 20)) THEN 'type'
                                     WHEN f.atttypmod <> -1 AND f.atttypmod <> s.atttypmod
                                          AND NOT (s.atttypmod <> -1 AND f.atttypmod > s.atttypmod
                                                   AND (b.s IN (1042, 1043, 1562)
                                                        OR b.s = 1700 AND (f.atttypmod - 4) & 65535 = (s.atttypmod - 4) & 65535)) THEN 'length'
                                END AS differs
                         FROM unnest(source_key, target_key) k(c, d)
                         JOIN pg_attribute s ON s.attrelid = source AND s.attnum = k.c
                         JOIN pg_attribute f ON f.attrelid = target AND f.attnum = k.d
                         CROSS JOIN LATERAL (SELECT parity.shadow_base_type(s.atttypid)::int8, parity.shadow_base_type(f.atttypid)::int8) b(s, f) LOOP
                    exprs[t.attnum] := quote_ident(t.from_name);
                    back_exprs[t.from_num] := quote_ident(t.attname);
                    IF t.differs = 'collation' THEN
                        problems := problems || format('key column %I: has another collation than %I of the source', t.attname, t.from_name);
                    ELSIF t.differs IS NOT NULL THEN
                        problems := problems || format('key column %I: is of type %s, %I of the source of type %s: keys must be of one type',
                                                       t.attname, t.to_type, t.from_name, t.from_type);
                    END IF;
                END LOOP;
            END IF;
            -- same names count only in the key
            FOR t IN SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = target AND a.attnum > 0 LOOP
                IF exprs[t.attnum] IS NULL OR exprs[t.attnum] = '' THEN
                    src[t.attnum] := NULL;
                END IF;
            END LOOP;
            target_columns := target_key || ARRAY(
                SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
                AND exprs[a.attnum] <> '' AND a.attnum <> ALL (target_key) ORDER BY a.attnum);
            IF cardinality(target_columns) = 0 AND mapping IS NULL THEN
                problems := problems || 'the tables have no column of the same name'::text;
            END IF;
            FOR t IN SELECT a.attnum, a.attname, a.attidentity, a.attnotnull OR y.typnotnull AS needed,
                            a.atthasdef OR y.typdefault IS NOT NULL OR a.attidentity <> '' AS filled
                     FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
                     WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LOOP
                IF exprs[t.attnum] IS NULL AND t.needed AND NOT t.filled
                   -- one that the missing key would have brought is no problem of its own
                   AND NOT (key IS NULL AND EXISTS (SELECT FROM parity.shadow_keys(target) k WHERE t.attnum = ANY (k.columns))) THEN
                    problems := problems || format('column %I: is NOT NULL in the target and has neither a default nor a mapping', t.attname);
                ELSIF exprs[t.attnum] <> '' AND t.attidentity = 'a' AND t.attnum <> ALL (target_key) THEN
                    problems := problems || format('column %I: is GENERATED ALWAYS AS IDENTITY, which cannot be updated', t.attname);
                END IF;
            END LOOP;

            -- backward: what comes back into the source's columns
            problems := problems || ARRAY(
                SELECT format('reverse of column %I: the source has no such column', e.key) FROM jsonb_each(way_back) e
                WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped
                                  AND a.attname::text = e.key) ORDER BY e.key);
            FOR t IN SELECT a.*, a.attnotnull OR y.typnotnull AS needed, a.atthasdef OR y.typdefault IS NOT NULL OR a.attidentity <> '' AS filled
                     FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
                     WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LOOP
                part := NULL;
                IF way_back ? t.attname::text THEN
                    CONTINUE WHEN jsonb_typeof(way_back -> t.attname::text) <> 'string';
                    expression := way_back ->> t.attname::text;
                    IF t.attgenerated <> '' THEN
                        problems := problems || format('reverse of column %I: is generated from other columns of the source', t.attname);
                        CONTINUE;
                    END IF;
                    SELECT * INTO tried FROM parity.shadow_try(expression, false, target, source, t.attname, trial, full_path, true);
                    IF tried.problem IS NULL AND t.attnum = ANY (source_key)
                       AND tried.plain IS DISTINCT FROM target_key[array_position(source_key, t.attnum)] THEN
                        tried.problem := 'a column of the key comes back as it is';
                    END IF;
                    IF tried.problem IS NOT NULL THEN
                        problems := problems || format('reverse of column %I: %s', t.attname, tried.problem);
                    END IF;
                    back_exprs[t.attnum] := expression;
                ELSIF t.attgenerated <> '' OR t.attnum = ANY (source_key) THEN
                    CONTINUE;
                ELSE
                    -- the column of the same name, if it is one of those that are filled from it
                    SELECT a.attname, a.atttypid INTO tried FROM pg_attribute a
                    WHERE a.attrelid = target AND a.attnum = ANY (target_columns) AND src[a.attnum] = t.attnum
                    ORDER BY a.attname = t.attname DESC, a.atttypid = t.atttypid DESC, a.attnum LIMIT 1;
                    IF FOUND THEN
                        back_exprs[t.attnum] := quote_ident(tried.attname);
                        IF tried.atttypid <> t.atttypid THEN
                            SELECT * INTO tried FROM parity.shadow_try(back_exprs[t.attnum], false, target, source, t.attname, trial, full_path, false);
                            IF tried.problem IS NOT NULL THEN
                                problems := problems || format('reverse of column %I: is needed, since it does not come back by itself: %s', t.attname, tried.problem);
                            END IF;
                        END IF;
                    ELSIF t.attnum = ANY (used) THEN
                        problems := problems || format('reverse of column %I: is needed, since an expression or the filter uses it', t.attname);
                    ELSIF t.needed AND NOT t.filled
                          AND NOT (key IS NULL AND EXISTS (SELECT FROM parity.shadow_keys(source) k WHERE t.attnum = ANY (k.columns))) THEN
                        problems := problems || format('reverse of column %I: is needed, since it is NOT NULL in the source and has no default', t.attname);
                    END IF;
                END IF;
                IF back_exprs[t.attnum] IS NOT NULL AND t.attidentity = 'a' AND t.attnum <> ALL (source_key) THEN
                    problems := problems || format('reverse of column %I: is GENERATED ALWAYS AS IDENTITY, which cannot be updated', t.attname);
                END IF;
            END LOOP;
            source_columns := source_key || ARRAY(
                SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped
                AND back_exprs[a.attnum] IS NOT NULL AND a.attnum <> ALL (source_key) ORDER BY a.attnum);
        END IF;

        IF cardinality(problems) = 0 THEN
            -- the two views that are the mapping
            WHILE EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND starts_with(a.attname::text, back_word || ' ')) LOOP
                back_word := back_word || '_';
            END LOOP;
            SELECT string_agg(format('%s AS %I', CASE WHEN src[k.c] IS NULL THEN format(closed, exprs[k.c]) ELSE quote_ident(s.attname) END, a.attname), ', ' ORDER BY k.i),
                   string_agg(quote_ident(a.attname), ', ' ORDER BY k.i)
            INTO source_list, target_list
            FROM unnest(target_columns) WITH ORDINALITY k(c, i)
            JOIN pg_attribute a ON a.attrelid = target AND a.attnum = k.c
            LEFT JOIN pg_attribute s ON s.attrelid = source AND s.attnum = src[k.c];
            SELECT concat(source_list, ', ', string_agg(format('%I AS %I', a.attname, back_word || ' ' || k.i), ', ' ORDER BY k.i)),
                   concat(target_list, ', ', string_agg(format('%s AS %I', format(CASE WHEN way_back ? a.attname::text THEN closed ELSE '%s' END, back_exprs[k.c]), back_word || ' ' || k.i), ', ' ORDER BY k.i))
            INTO source_list, target_list
            FROM unnest(source_columns) WITH ORDINALITY k(c, i)
            JOIN pg_attribute a ON a.attrelid = source AND a.attnum = k.c;
            quals := concat_ws(' AND ', format(closed, condition),
                CASE WHEN share IS NOT NULL THEN
                    (SELECT format('parity.in_rollout(%s, %s)', share, string_agg(quote_ident(a.attname), ', ' ORDER BY k.i))
                     FROM unnest(source_key) WITH ORDINALITY k(c, i)
                     JOIN pg_attribute a ON a.attrelid = source AND a.attnum = k.c) END);
            IF condition IS NULL THEN
                quals := CASE WHEN share IS NULL THEN '' ELSE substr(quals, strpos(quals, 'parity.in_rollout')) END;
            END IF;
            base := left(shadow, 45);
            WHILE octet_length(base) > 45 LOOP
                base := left(base, -1);
            END LOOP;
            FOR t IN SELECT * FROM (VALUES ('_parity_source', source, source_list, nullif(quals, '')), ('_parity_target', target, target_list, NULL))
                     v(suffix, rel, list, quals) LOOP
                part := base || t.suffix;
                FOR i IN 1 .. 999 LOOP
                    EXIT WHEN NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = place_oid AND c.relname = part)
                          AND NOT EXISTS (SELECT FROM pg_type y WHERE y.typnamespace = place_oid AND y.typname = part);
                    part := base || t.suffix || i;
                END LOOP;
                part := format('%s.%I', place, part);
                view_names := view_names || part;
                expression := format('CREATE VIEW %s AS SELECT %s FROM %s%s', part, t.list, parity.shadow_relation(t.rel), ' WHERE ' || t.quals);
                statements := statements || expression;
                PERFORM set_config('search_path', full_path, true);
                EXECUTE expression;
                PERFORM pg_catalog.set_config('search_path', ours, true);
                parts := ARRAY[format('COMMENT ON VIEW %s IS %L', part, format('the mapping of shadow "%s"; it goes with parity.shadow_drop', shadow))];
                IF owner::regrole::text <> quote_ident(CURRENT_USER) THEN
                    parts := parts || format('ALTER VIEW %s OWNER TO %s', part, owner::regrole);
                END IF;
                -- default privileges would show the source's rows to others
                parts := parts || ARRAY(
                    SELECT format('REVOKE ALL ON %s FROM %s', part, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
                    FROM pg_class c, aclexplode(c.relacl) a
                    WHERE c.oid = part::regclass AND a.grantee NOT IN (c.relowner, owner) GROUP BY a.grantee ORDER BY a.grantee);
                FOREACH expression IN ARRAY parts LOOP
                    EXECUTE expression;
                END LOOP;
                statements := statements || parts;
            END LOOP;

            LOOP
                expression := replace(gen_random_uuid()::text, '-', '');
                shadow_id := ('x' || left(expression, 8) || right(expression, 8))::bit(64)::int8 & 9223372036854775807;
                EXIT WHEN shadow_id > 0 AND NOT EXISTS (SELECT FROM parity.shadow s WHERE s.id = shadow_id);
            END LOOP;
            BEGIN
                INSERT INTO parity.shadow (name, id, owner, source, target, source_view, target_view, key_columns, forward_columns,
                                           backward_columns, columns, reverse, filter, percent, on_error, max_failures,
                                           failure_window, lock_timeout, search_path, phase)
                VALUES (shadow, shadow_id, owner, source, target, view_names[1]::regclass, view_names[2]::regclass,
                        cardinality(source_key), cardinality(target_columns), cardinality(source_columns), mapping,
                        nullif(way_back, '{}'), condition, share, policy, failures, within, patience, full_path, 'created');
            EXCEPTION WHEN unique_violation THEN
                -- another owner's, or one made at the same time
                problems := problems || format('shadow "%s" exists already', shadow);
            END;
        END IF;
        -- SET CONSTRAINTS would reach both
        problems := problems || ARRAY(
            SELECT format('constraint %I of %s is deferrable, and one of %s has the same name: rename one', x.conname, x.conrelid::regclass, o.conrelid::regclass)
            FROM pg_constraint x JOIN pg_constraint o ON o.conname = x.conname AND o.connamespace = x.connamespace
                AND o.oid <> x.oid AND o.conparentid = 0 AND o.conrelid <> x.conrelid
            WHERE policy = 'quarantine' AND x.condeferrable AND x.conparentid = 0 AND target IN (x.conrelid, x.confrelid)
            ORDER BY 1);
        IF cardinality(problems) > 0 THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('shadow "%s" cannot be created', coalesce(shadow, '')),
                DETAIL = array_to_string(problems, E'\n');
        END IF;
        INSERT INTO parity.event (shadow, what, detail)
        VALUES (shadow, 'create', jsonb_build_object(
            'source', parity.shadow_relation(source), 'target', parity.shadow_relation(target), 'key_columns', cardinality(source_key),
            'forward_columns', cardinality(target_columns), 'backward_columns', cardinality(source_columns)));

        -- what is allowed, but should be known
        SELECT string_agg(format('trigger %I of %s', g.tgname, g.tgrelid::regclass), E'\n' ORDER BY g.tgrelid <> target, g.tgname) INTO notes
        FROM pg_trigger g JOIN pg_proc f ON f.oid = g.tgfoid
        WHERE g.tgrelid IN (source, target) AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 3 = 3
          AND f.pronamespace <> 'parity'::regnamespace;
        IF notes IS NOT NULL THEN
            RAISE NOTICE USING MESSAGE = format('row triggers may change or leave out what shadow "%s" writes', shadow), DETAIL = notes,
                HINT = 'The source''s fire for it after a cutover.';
        END IF;
        SELECT string_agg(format('constraint %I of %s', x.conname, x.conrelid::regclass), E'\n' ORDER BY x.conrelid <> target, x.conname) INTO notes
        FROM pg_constraint x WHERE x.conrelid IN (source, target) AND x.condeferrable;
        IF notes IS NOT NULL THEN
            RAISE NOTICE USING DETAIL = notes, MESSAGE = format(CASE policy
                WHEN 'abort' THEN 'what deferrable constraints refuse of the writes of shadow "%s" fails the writer''s COMMIT'
                ELSE 'deferrable constraints are checked with each write of shadow "%s": what a transaction makes good later is put aside' END, shadow);
        END IF;
        SELECT string_agg(format('column %I', a.attname), E'\n' ORDER BY a.attnum) INTO notes
        FROM pg_attribute a JOIN pg_attribute s ON s.attrelid = source AND s.attname = a.attname AND s.attnum > 0 AND NOT s.attisdropped
        WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attnum <> ALL (target_columns);
        IF notes IS NOT NULL THEN
            RAISE NOTICE USING MESSAGE = format('shadow "%s" does not fill all columns that source and target both have', shadow), DETAIL = notes,
                HINT = 'Where columns are given, these and the key are filled, and no others.';
        END IF;
        IF dry_run THEN
            RAISE EXCEPTION USING ERRCODE = 'PARTY', MESSAGE = 'undo';
        END IF;
    EXCEPTION WHEN SQLSTATE 'PARTY' THEN NULL;
    END;
    RETURN QUERY SELECT s FROM unnest(statements) WITH ORDINALITY u(s, i) ORDER BY i;
END
$$;
COMMENT ON FUNCTION parity.shadow_make(
    pg_catalog.text, pg_catalog.oid, pg_catalog.text, pg_catalog.jsonb, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text,
    pg_catalog.numeric, pg_catalog.int4, pg_catalog.interval, pg_catalog.interval, pg_catalog.bool, pg_catalog.text) IS
    'internal: parity.shadow_create, told the search_path with which its caller''s expressions are read';

CREATE FUNCTION parity.shadow_create(
        name pg_catalog.text, source pg_catalog.regclass, target pg_catalog.text, columns pg_catalog.jsonb DEFAULT NULL,
        reverse pg_catalog.jsonb DEFAULT NULL, on_error pg_catalog.text DEFAULT 'quarantine',
        filter pg_catalog.text DEFAULT NULL, percent pg_catalog.numeric DEFAULT NULL, max_failures pg_catalog.int4 DEFAULT 10,
        failure_window pg_catalog.interval DEFAULT '1 minute', lock_timeout pg_catalog.interval DEFAULT '1 second',
        dry_run pg_catalog.bool DEFAULT false)
    RETURNS SETOF pg_catalog.text LANGUAGE sql VOLATILE PARALLEL UNSAFE AS $$
    SELECT parity.shadow_make($1, $2::pg_catalog.oid, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, pg_catalog.current_setting('search_path'))
$$;
COMMENT ON FUNCTION parity.shadow_create(
    pg_catalog.text, pg_catalog.regclass, pg_catalog.text, pg_catalog.jsonb, pg_catalog.jsonb, pg_catalog.text, pg_catalog.text,
    pg_catalog.numeric, pg_catalog.int4, pg_catalog.interval, pg_catalog.interval, pg_catalog.bool) IS
    'let a table follow another under a mapping, once parity.shadow_start is called: columns names expressions over the source by target column, reverse the way back by source column; without columns those of the same name. A target that does not exist is made like the source. Tells the statements that were run, or with dry_run would be';

CREATE FUNCTION parity.shadow_remove(s parity.shadow) RETURNS pg_catalog.void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    t record;
    tables text;
BEGIN
    -- at once, in the order in which writers lock them
    SELECT string_agg(parity.shadow_relation(c.oid), ', ' ORDER BY (c.oid = s.source) <> (s.direction = 'forward')) INTO tables
    FROM pg_class c WHERE c.oid IN (s.source, s.target);
    IF tables IS NOT NULL AND s.run > 0 THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', tables);
    END IF;
    PERFORM parity.shadow_disarm(s);
    -- a view of others is not the shadow's
    FOR t IN SELECT c.oid FROM pg_class c
             WHERE c.oid IN (s.source_view, s.target_view) AND c.relkind = 'v' AND c.relowner = s.owner ORDER BY c.oid LOOP
        EXECUTE format('DROP VIEW %s', parity.shadow_relation(t.oid));
    END LOOP;
    DELETE FROM parity.drift d WHERE d.shadow = s.name;
    DELETE FROM parity.shadow_mark m WHERE m.id = s.id;
    DELETE FROM parity.shadow_work w WHERE w.id = s.id;
    DELETE FROM parity.shadow_range r WHERE r.id = s.id;
END
$$;
COMMENT ON FUNCTION parity.shadow_remove(parity.shadow) IS
    'internal: takes a shadow''s triggers and views away, its drift and its progress';

CREATE FUNCTION parity.shadow_drop(name pg_catalog.text, force pg_catalog.bool DEFAULT false) RETURNS pg_catalog.void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    s parity.shadow;
BEGIN
    SELECT * INTO s FROM parity.shadow x WHERE x.name = shadow_drop.name FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('shadow "%s" does not exist', name);
    END IF;
    IF s.phase IN ('shadowing', 'cut over') AND NOT coalesce(force, false) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('shadow "%s" is at work', name),
            DETAIL = format('Its phase is %s: once dropped, one table does not follow the other any more.', s.phase),
            HINT = 'parity.shadow_finish ends it when all is done, parity.shadow_stop before; force => true drops it as it is.';
    END IF;
    PERFORM parity.shadow_wait(s.lock_timeout);
    INSERT INTO parity.event (shadow, what, detail)
    VALUES (s.name, 'drop', jsonb_build_object(
        'phase', s.phase, 'drift', (SELECT count(*) FROM parity.drift d WHERE d.shadow = s.name),
        'source', coalesce(parity.shadow_relation(s.source), s.source::text), 'target', coalesce(parity.shadow_relation(s.target), s.target::text)));
    PERFORM parity.shadow_remove(s);
    DELETE FROM parity.shadow x WHERE x.name = s.name;
END
$$;
COMMENT ON FUNCTION parity.shadow_drop(pg_catalog.text, pg_catalog.bool) IS
    'forget a shadow: its triggers, views, drift and progress go, both tables stay as they are; refused while it is at work, unless force. Its events stay, for who may read all of parity.event';
