-- Live checksums. The four tables are internal: the module reads and writes them itself, nobody needs rights on them.
-- They are not dumped: a restored table is tracked anew.

CREATE TABLE parity.live (
    rel pg_catalog.regclass NOT NULL,
    id pg_catalog.int8 NOT NULL,
    bits pg_catalog.int4 NOT NULL,
    columns pg_catalog.text NOT NULL,
    types pg_catalog.text NOT NULL,
    tracked_at pg_catalog.timestamptz NOT NULL,
    origin pg_catalog.int8 NOT NULL
);
CREATE INDEX live_rel ON parity.live (rel);
COMMENT ON TABLE parity.live IS 'internal: the tables that parity.track follows; see parity.live_status';
COMMENT ON COLUMN parity.live.id IS 'of this tracking; its triggers are called with it';
COMMENT ON COLUMN parity.live.bits IS 'the digest is kept in 2 to the power of bits buckets';
COMMENT ON COLUMN parity.live.columns IS 'the spec under which the table is read';
COMMENT ON COLUMN parity.live.types IS 'the types of its columns, and the catalog rows that their text depends on';

COMMENT ON COLUMN parity.live.origin IS 'the database that wrote the row: rows that a subscription copied do not count';

CREATE TABLE parity.live_base (
    id pg_catalog.int8 NOT NULL,
    leaf pg_catalog.oid NOT NULL,
    seq pg_catalog.int8 NOT NULL,
    file pg_catalog.oid NOT NULL,
    triggers pg_catalog.text NOT NULL,
    truncates pg_catalog.int8 NOT NULL,
    covers pg_catalog.bytea NOT NULL,
    sums pg_catalog.bytea NOT NULL
);
CREATE INDEX live_base_key ON parity.live_base (id, leaf, seq);
COMMENT ON TABLE parity.live_base IS
    'internal: a digest of each tracked table or partition, and of which transactions it is';

-- many small rows come and go
CREATE TABLE parity.live_delta (
    id pg_catalog.int8 NOT NULL,
    leaf pg_catalog.oid NOT NULL,
    xid pg_catalog.int8 NOT NULL,
    sums pg_catalog.bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0,
        toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 20000);
CREATE INDEX live_delta_key ON parity.live_delta (id, leaf, xid);
COMMENT ON TABLE parity.live_delta IS 'internal: what each transaction added to the digests of tracked tables';

CREATE TABLE parity.live_stale (
    id pg_catalog.int8 NOT NULL,
    at pg_catalog.timestamptz NOT NULL,
    reason pg_catalog.text NOT NULL
);
CREATE INDEX live_stale_key ON parity.live_stale (id);
COMMENT ON TABLE parity.live_stale IS 'internal: when and why a live checksum was given up';

ALTER TABLE parity.live REPLICA IDENTITY NOTHING;
ALTER TABLE parity.live_base REPLICA IDENTITY NOTHING;
ALTER TABLE parity.live_delta REPLICA IDENTITY NOTHING;
ALTER TABLE parity.live_stale REPLICA IDENTITY NOTHING;
REVOKE ALL ON TABLE parity.live, parity.live_base, parity.live_delta, parity.live_stale FROM PUBLIC;

CREATE FUNCTION parity.live_capture() RETURNS pg_catalog.trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'parity_live_capture';
COMMENT ON FUNCTION parity.live_capture() IS 'trigger function of parity.track';

CREATE FUNCTION parity.track(rel pg_catalog.regclass, bits pg_catalog.int4 DEFAULT NULL) RETURNS pg_catalog.void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'parity_sql_track'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.track(pg_catalog.regclass, pg_catalog.int4) IS
    'keep the digest of a table, which the caller owns, up to date by triggers, so that parity.live_checksum tells it at once; with bits also one a bucket (parity.live_buckets); of a table that is tracked already, start anew';

CREATE FUNCTION parity.untrack(rel pg_catalog.regclass) RETURNS pg_catalog.void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'parity_sql_untrack'
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION parity.untrack(pg_catalog.regclass) IS 'end parity.track of a table: its triggers and all that was kept go';

CREATE FUNCTION parity.live_checksum(rel pg_catalog.regclass) RETURNS parity.digest
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'parity_sql_live_checksum'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.live_checksum(pg_catalog.regclass) IS
    'what parity.checksum would give in this snapshot, of a tracked table, without reading it; an error when that cannot be known';

CREATE FUNCTION parity.live_buckets(rel pg_catalog.regclass)
    RETURNS TABLE (bucket pg_catalog.int4, digest parity.digest)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 256 AS 'MODULE_PATHNAME', 'parity_sql_live_buckets'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.live_buckets(pg_catalog.regclass) IS
    'what parity.buckets would give with the bits that the table is tracked with, without reading it';

CREATE FUNCTION parity.live_verify(rel pg_catalog.regclass)
    RETURNS TABLE (match pg_catalog.bool, live parity.digest, checksum parity.digest)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'parity_sql_live_verify'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.live_verify(pg_catalog.regclass) IS
    'the live checksum beside one that is read from the table in the same snapshot; marks the live one as stale when they differ';

CREATE FUNCTION parity.live_compact(rel pg_catalog.regclass DEFAULT NULL) RETURNS pg_catalog.int8
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'parity_sql_live_compact'
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION parity.live_compact(pg_catalog.regclass) IS
    'fold what transactions added into the digests of a tracked table, or of all that the caller owns; how many rows were folded. Commits do the same now and then';

CREATE FUNCTION parity.live_report()
    RETURNS TABLE (rel pg_catalog.regclass, status pg_catalog.text, reason pg_catalog.text, bits pg_catalog.int4,
                   deltas pg_catalog.int8, tracked_at pg_catalog.timestamptz)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 20 AS 'MODULE_PATHNAME', 'parity_sql_live_report'
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION parity.live_report() IS 'what parity.live_status shows';

CREATE VIEW parity.live_status AS
    SELECT r.rel, r.status, r.reason, r.bits, r.deltas, r.tracked_at FROM parity.live_report() r;
COMMENT ON VIEW parity.live_status IS
    'the tracked tables: exact, stale since a time, recheck needed (see reason; parity.track mends it), or first digest pending (the first parity.live_checksum reads the table)';
COMMENT ON COLUMN parity.live_status.deltas IS 'rows that live_checksum adds up; compaction folds them';
GRANT SELECT ON parity.live_status TO PUBLIC;
