CREATE FUNCTION parity.row_hash(VARIADIC "any") RETURNS pg_catalog.bytea
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_row_hash';
COMMENT ON FUNCTION parity.row_hash(VARIADIC "any") IS
    'hash of one row, 16 bytes; a composite argument stands for its fields';

CREATE FUNCTION parity.in_rollout(percent pg_catalog.numeric, VARIADIC "any") RETURNS pg_catalog.bool
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_in_rollout';
COMMENT ON FUNCTION parity.in_rollout(pg_catalog.numeric, VARIADIC "any") IS
    'whether a key is among so many percent of all keys: always the same ones, and more as the percentage grows';

CREATE FUNCTION parity.digest_accum(parity.digest, VARIADIC "any") RETURNS parity.digest
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_accum';
COMMENT ON FUNCTION parity.digest_accum(parity.digest, VARIADIC "any") IS 'transition function of parity.digest_agg';

CREATE FUNCTION parity.digest_accum_inv(parity.digest, VARIADIC "any") RETURNS parity.digest
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_accum_inv';
COMMENT ON FUNCTION parity.digest_accum_inv(parity.digest, VARIADIC "any") IS
    'inverse transition function of parity.digest_agg';

CREATE AGGREGATE parity.digest_agg(VARIADIC "any") (
    SFUNC = parity.digest_accum,
    STYPE = parity.digest,
    INITCOND = 'p1-0-00000000000000000000000000000000',
    COMBINEFUNC = parity.digest_sum,
    MSFUNC = parity.digest_accum,
    MINVFUNC = parity.digest_accum_inv,
    MSTYPE = parity.digest,
    MINITCOND = 'p1-0-00000000000000000000000000000000',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE parity.digest_agg(VARIADIC "any") IS
    'digest of the rows that its arguments make; a composite argument stands for its fields';

CREATE FUNCTION parity.digest_accum_as(parity.digest, kinds pg_catalog.text, VARIADIC "any") RETURNS parity.digest
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_accum_as';
COMMENT ON FUNCTION parity.digest_accum_as(parity.digest, pg_catalog.text, VARIADIC "any") IS
    'transition function of parity.digest_agg_as';

CREATE AGGREGATE parity.digest_agg_as(kinds pg_catalog.text, VARIADIC "any") (
    SFUNC = parity.digest_accum_as,
    STYPE = parity.digest,
    INITCOND = 'p1-0-00000000000000000000000000000000',
    COMBINEFUNC = parity.digest_sum,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE parity.digest_agg_as(pg_catalog.text, VARIADIC "any") IS
    'digest of rows whose columns are read under kinds, one a line; a single composite argument stands for its fields';

CREATE FUNCTION parity.tally_accum(pg_catalog.bytea, kinds pg_catalog.text, keys pg_catalog.text, cells pg_catalog.int4, VARIADIC "any")
    RETURNS pg_catalog.bytea
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_tally_accum';
COMMENT ON FUNCTION parity.tally_accum(pg_catalog.bytea, pg_catalog.text, pg_catalog.text, pg_catalog.int4, VARIADIC "any") IS
    'transition function of parity.tally_agg';

CREATE FUNCTION parity.tally_combine(pg_catalog.bytea, pg_catalog.bytea) RETURNS pg_catalog.bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_tally_combine';
COMMENT ON FUNCTION parity.tally_combine(pg_catalog.bytea, pg_catalog.bytea) IS
    'combine function of parity.tally_agg';

CREATE AGGREGATE parity.tally_agg(kinds pg_catalog.text, keys pg_catalog.text, cells pg_catalog.int4, VARIADIC "any") (
    SFUNC = parity.tally_accum,
    STYPE = pg_catalog.bytea,
    COMBINEFUNC = parity.tally_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE parity.tally_agg(pg_catalog.text, pg_catalog.text, pg_catalog.int4, VARIADIC "any") IS
    'internal: everything that one pass over a table tells, for parity.column_checksums, bundle and verify';

CREATE FUNCTION parity.buckets_accum(pg_catalog.bytea, kinds pg_catalog.text, keys pg_catalog.text, bits pg_catalog.int4, VARIADIC "any")
    RETURNS pg_catalog.bytea
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_buckets_accum';
COMMENT ON FUNCTION parity.buckets_accum(pg_catalog.bytea, pg_catalog.text, pg_catalog.text, pg_catalog.int4, VARIADIC "any") IS
    'transition function of parity.buckets_agg';

CREATE FUNCTION parity.buckets_combine(pg_catalog.bytea, pg_catalog.bytea) RETURNS pg_catalog.bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_buckets_combine';
COMMENT ON FUNCTION parity.buckets_combine(pg_catalog.bytea, pg_catalog.bytea) IS
    'combine function of parity.buckets_agg';

CREATE AGGREGATE parity.buckets_agg(kinds pg_catalog.text, keys pg_catalog.text, bits pg_catalog.int4, VARIADIC "any") (
    SFUNC = parity.buckets_accum,
    STYPE = pg_catalog.bytea,
    COMBINEFUNC = parity.buckets_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE parity.buckets_agg(pg_catalog.text, pg_catalog.text, pg_catalog.int4, VARIADIC "any") IS
    'internal: digests by the top bits of the key hash, for parity.buckets';

CREATE FUNCTION parity.row_wanted(wanted pg_catalog.bytea, kinds pg_catalog.text, keyed pg_catalog.bool, VARIADIC "any")
    RETURNS pg_catalog.bool
    LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'parity_row_wanted';
COMMENT ON FUNCTION parity.row_wanted(pg_catalog.bytea, pg_catalog.text, pg_catalog.bool, VARIADIC "any") IS
    'internal: whether a row, given by its key columns, or without a key by all of them, is one of a set that diff and rows look for';
