-- Shadows: what is stored of them. The owner of both tables sees and writes his own rows (row-level security);
-- the trigger functions read and write through the heap, so that a writer of the source needs no right on any of it.

CREATE TABLE parity.shadow (
    name pg_catalog.text PRIMARY KEY,
    id pg_catalog.int8 NOT NULL UNIQUE,
    owner pg_catalog.regrole NOT NULL,
    source pg_catalog.regclass NOT NULL,
    target pg_catalog.regclass NOT NULL,
    source_view pg_catalog.regclass NOT NULL,
    target_view pg_catalog.regclass NOT NULL,
    key_columns pg_catalog.int4 NOT NULL
        CHECK (key_columns OPERATOR(pg_catalog.>=) 1 AND key_columns OPERATOR(pg_catalog.<=) 32),
    forward_columns pg_catalog.int4 NOT NULL
        CHECK (forward_columns OPERATOR(pg_catalog.>=) key_columns AND forward_columns OPERATOR(pg_catalog.<=) 1600),
    backward_columns pg_catalog.int4 NOT NULL
        CHECK (backward_columns OPERATOR(pg_catalog.>=) key_columns AND backward_columns OPERATOR(pg_catalog.<=) 1600),
    columns pg_catalog.jsonb,
    reverse pg_catalog.jsonb,
    filter pg_catalog.text,
    percent pg_catalog.numeric,
    on_error pg_catalog.text NOT NULL CHECK (on_error OPERATOR(pg_catalog.=) ANY (ARRAY['quarantine', 'abort'])),
    max_failures pg_catalog.int4 NOT NULL CHECK (max_failures OPERATOR(pg_catalog.>) 0),
    failure_window pg_catalog.interval NOT NULL,
    lock_timeout pg_catalog.interval NOT NULL,
    search_path pg_catalog.text NOT NULL,
    phase pg_catalog.text NOT NULL
        CHECK (phase OPERATOR(pg_catalog.=) ANY (ARRAY['created', 'shadowing', 'cut over', 'stopped', 'finished'])),
    direction pg_catalog.text NOT NULL DEFAULT 'forward'
        CHECK (direction OPERATOR(pg_catalog.=) ANY (ARRAY['forward', 'backward'])),
    run pg_catalog.int8 NOT NULL DEFAULT 0,
    created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    started_at pg_catalog.timestamptz,
    start_xid pg_catalog.xid8,
    verified_at pg_catalog.timestamptz,
    verified_as pg_catalog.text,
    origin pg_catalog.text,
    unreturning pg_catalog.int8,
    swapped pg_catalog.bool NOT NULL DEFAULT false,
    accepted pg_catalog.text[] NOT NULL DEFAULT '{}',
    guarded pg_catalog.bool NOT NULL DEFAULT false
);
COMMENT ON TABLE parity.shadow IS 'the shadows: which table follows which, under which mapping, and how far each has come; see parity.shadow_status';
COMMENT ON COLUMN parity.shadow.id IS 'its triggers are called with it';
COMMENT ON COLUMN parity.shadow.owner IS 'the role that owns both tables, as which rows are written into the one that follows';
COMMENT ON COLUMN parity.shadow.source_view IS
    'a view of the source that is the mapping: first what goes into the target''s columns, key first, then the columns that come back after cutover, key first';
COMMENT ON COLUMN parity.shadow.target_view IS
    'a view of the target: first the columns that the mapping fills, then the expressions that go back into the source''s columns';
COMMENT ON COLUMN parity.shadow.search_path IS 'that of the session that created it, with which rows are written';
COMMENT ON COLUMN parity.shadow.direction IS 'forward: the target follows the source; backward, after cutover: the source follows the target';
COMMENT ON COLUMN parity.shadow.run IS 'counts starts, cutovers and rollbacks';
COMMENT ON COLUMN parity.shadow.verified_as IS 'parity.shadow_signature, as it was when the tables were last found equal';
COMMENT ON COLUMN parity.shadow.origin IS 'the database in which it was started: what a dump brings has to be verified anew';
COMMENT ON COLUMN parity.shadow.unreturning IS
    'how many rows the way back did not make what they were, when the tables were last found equal; NULL: not known';
COMMENT ON COLUMN parity.shadow.swapped IS 'whether the last cutover swapped the tables'' names';
COMMENT ON COLUMN parity.shadow.accepted IS 'what the last cutover was told to accept';
COMMENT ON COLUMN parity.shadow.guarded IS
    'whether what others write into the table that follows is refused: it was the one that is written, and somebody may not know';

CREATE TABLE parity.drift (
    shadow pg_catalog.text NOT NULL,
    key pg_catalog.jsonb NOT NULL,
    operation pg_catalog.text NOT NULL,
    sqlstate pg_catalog.text NOT NULL,
    message pg_catalog.text NOT NULL,
    at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    attempts pg_catalog.int4 NOT NULL DEFAULT 0
);
CREATE INDEX drift_shadow ON parity.drift (shadow, key);
COMMENT ON TABLE parity.drift IS 'keys of rows that could not be written into the table that follows; parity.shadow_heal mends them';
COMMENT ON COLUMN parity.drift.key IS 'the key''s values in order, as a JSON array';
COMMENT ON COLUMN parity.drift.operation IS 'insert, update, delete, backfill, or heal';
COMMENT ON COLUMN parity.drift.attempts IS 'how often parity.shadow_heal has tried since';

CREATE TABLE parity.event (
    at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    shadow pg_catalog.text NOT NULL,
    who pg_catalog.name NOT NULL DEFAULT CURRENT_USER,
    what pg_catalog.text NOT NULL,
    detail pg_catalog.jsonb
);
CREATE INDEX event_shadow ON parity.event (shadow, at);
COMMENT ON TABLE parity.event IS 'what was done with shadows and what happened to them: when, by whom, with which figures';

-- What makes a shadow's last verification worthless; rows only come (no writer waits for another) and go with the
-- verification that saw them.
CREATE TABLE parity.shadow_mark (
    id pg_catalog.int8 NOT NULL,
    run pg_catalog.int8 NOT NULL,
    kind pg_catalog.text NOT NULL
        CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['stopped', 'truncated', 'foreign write', 'altered write', 'cascade'])),
    at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    reason pg_catalog.text NOT NULL
);
CREATE INDEX shadow_mark_key ON parity.shadow_mark (id, run);
COMMENT ON TABLE parity.shadow_mark IS
    'internal: since when a shadow is stopped, or was emptied by TRUNCATE, or its following table written by others or by a foreign key''s action, or its writes perhaps altered there';

CREATE TABLE parity.shadow_work (
    id pg_catalog.int8 PRIMARY KEY,
    position pg_catalog.jsonb,
    upper pg_catalog.jsonb,
    complete pg_catalog.bool NOT NULL DEFAULT false,
    rows pg_catalog.int8 NOT NULL DEFAULT 0,
    failed pg_catalog.int8 NOT NULL DEFAULT 0,
    batches pg_catalog.int8 NOT NULL DEFAULT 0,
    estimated pg_catalog.int8,
    started_at pg_catalog.timestamptz,
    heartbeat pg_catalog.timestamptz,
    finished_at pg_catalog.timestamptz
);
COMMENT ON TABLE parity.shadow_work IS 'internal: how far the backfill of a shadow has come; see parity.shadow_progress';
COMMENT ON COLUMN parity.shadow_work.position IS 'all keys up to here were given to a worker';
COMMENT ON COLUMN parity.shadow_work.upper IS 'the last key that is to be filled';

CREATE TABLE parity.shadow_range (
    id pg_catalog.int8 NOT NULL,
    after pg_catalog.jsonb,
    upto pg_catalog.jsonb NOT NULL
);
CREATE INDEX shadow_range_id ON parity.shadow_range (id);
COMMENT ON TABLE parity.shadow_range IS
    'internal: a range of keys that a worker of the backfill took, locked while it is at work; one that is not locked was left behind';

DO $$
DECLARE
    t pg_catalog.text;
BEGIN
    FOREACH t IN ARRAY ARRAY['shadow', 'drift', 'event', 'shadow_mark', 'shadow_work', 'shadow_range'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE parity.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE pg_catalog.format('GRANT SELECT, INSERT, UPDATE, DELETE ON parity.%I TO PUBLIC', t);
        PERFORM pg_catalog.pg_extension_config_dump('parity.' OPERATOR(pg_catalog.||) t, '');
    END LOOP;
END
$$;
-- whoever may act as the owner of both tables may do with a shadow of them as he likes, and nobody else
CREATE POLICY owner ON parity.shadow
    USING (pg_catalog.pg_has_role(owner, 'USAGE'))
    WITH CHECK (pg_catalog.pg_has_role(owner, 'USAGE')
        AND EXISTS (SELECT FROM pg_catalog.pg_class c
                    WHERE c.oid OPERATOR(pg_catalog.=) source AND c.relowner OPERATOR(pg_catalog.=) owner)
        AND EXISTS (SELECT FROM pg_catalog.pg_class c
                    WHERE c.oid OPERATOR(pg_catalog.=) target AND c.relowner OPERATOR(pg_catalog.=) owner)
        -- they are dropped with the shadow, by whomever; 0 once that is done
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                        WHERE c.oid OPERATOR(pg_catalog.=) ANY (ARRAY[source_view, target_view]::pg_catalog.oid[])
                            AND c.relowner OPERATOR(pg_catalog.<>) owner));
CREATE POLICY owner ON parity.drift
    USING (EXISTS (SELECT FROM parity.shadow s WHERE s.name OPERATOR(pg_catalog.=) shadow));
-- the events of an older shadow of that name may be another role's
CREATE POLICY owner ON parity.event
    USING (EXISTS (SELECT FROM parity.shadow s WHERE s.name OPERATOR(pg_catalog.=) shadow
        AND s.created_at OPERATOR(pg_catalog.<=) at));
CREATE POLICY owner ON parity.shadow_mark
    USING (EXISTS (SELECT FROM parity.shadow s WHERE s.id OPERATOR(pg_catalog.=) shadow_mark.id));
CREATE POLICY owner ON parity.shadow_work
    USING (EXISTS (SELECT FROM parity.shadow s WHERE s.id OPERATOR(pg_catalog.=) shadow_work.id));
CREATE POLICY owner ON parity.shadow_range
    USING (EXISTS (SELECT FROM parity.shadow s WHERE s.id OPERATOR(pg_catalog.=) shadow_range.id));

-- ------------------------------------------------------------------------------------- what the module tells and does

CREATE FUNCTION parity.shadow_capture() RETURNS pg_catalog.trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'parity_shadow_capture';
COMMENT ON FUNCTION parity.shadow_capture() IS
    'trigger function of shadows: writes what a statement changed into the table that follows';

CREATE FUNCTION parity.shadow_guard() RETURNS pg_catalog.trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'parity_shadow_guard';
COMMENT ON FUNCTION parity.shadow_guard() IS
    'trigger function of shadows: notes, or after a cutover refuses, what others write into the table that follows';

CREATE FUNCTION parity.shadow_expression(expression pg_catalog.text) RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'parity_sql_shadow_expression';
COMMENT ON FUNCTION parity.shadow_expression(pg_catalog.text) IS
    'whether a text is one SQL expression, and nothing behind it; an error where it does not parse';

CREATE FUNCTION parity.shadow_inspect(view pg_catalog.regclass)
    RETURNS TABLE (number pg_catalog.int4, name pg_catalog.text, type pg_catalog.oid, typmod pg_catalog.int4,
                   expression pg_catalog.text, plain pg_catalog.int2, uses pg_catalog.int2[], objection pg_catalog.text)
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'parity_sql_shadow_inspect'
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION parity.shadow_inspect(pg_catalog.regclass) IS
    'the columns of a view of one table (and, as number 0, its condition): expressions over the alias s, the column that one is, those that it uses, and what speaks against it in a mapping';

CREATE FUNCTION parity.shadow_statements(name pg_catalog.text, direction pg_catalog.text DEFAULT NULL)
    RETURNS pg_catalog.jsonb
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'parity_sql_shadow_statements'
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION parity.shadow_statements(pg_catalog.text, pg_catalog.text) IS
    'the parts, quoted, of which statements on a shadow''s tables are made';

CREATE FUNCTION parity.shadow_run(name pg_catalog.text, statement pg_catalog.text) RETURNS pg_catalog.int8
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'parity_sql_shadow_run';
COMMENT ON FUNCTION parity.shadow_run(pg_catalog.text, pg_catalog.text) IS
    'runs a statement with the caller''s rights as a write of the shadow''s own, which is not shadowed back; how many rows it wrote';

CREATE FUNCTION parity.shadow_fill(name pg_catalog.text, statement pg_catalog.text) RETURNS pg_catalog.int8
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'parity_sql_shadow_fill';
COMMENT ON FUNCTION parity.shadow_fill(pg_catalog.text, pg_catalog.text) IS
    'internal: puts the rows of a query that gives a mapping''s columns into the table that follows as COPY does it, as the shadow''s own write; how many, or NULL when it takes an INSERT';

CREATE FUNCTION parity.shadow_signature(name pg_catalog.text) RETURNS pg_catalog.text
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'parity_sql_shadow_signature'
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION parity.shadow_signature(pg_catalog.text) IS
    'a digest of the versions of a shadow''s triggers, its mapping, columns, partitions and their files: another one, and writes may have gone by; NULL when a trigger is missing or disabled, or one of the tables has a parent';
