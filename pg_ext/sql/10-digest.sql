CREATE TYPE parity.digest;

CREATE FUNCTION parity.digest_in(pg_catalog.cstring) RETURNS parity.digest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_in';
COMMENT ON FUNCTION parity.digest_in(pg_catalog.cstring) IS 'I/O';

CREATE FUNCTION parity.digest_out(parity.digest) RETURNS pg_catalog.cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_out';
COMMENT ON FUNCTION parity.digest_out(parity.digest) IS 'I/O';

CREATE FUNCTION parity.digest_recv(pg_catalog.internal) RETURNS parity.digest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_recv';
COMMENT ON FUNCTION parity.digest_recv(pg_catalog.internal) IS 'I/O';

CREATE FUNCTION parity.digest_send(parity.digest) RETURNS pg_catalog.bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_send';
COMMENT ON FUNCTION parity.digest_send(parity.digest) IS 'I/O';

CREATE TYPE parity.digest (
    INPUT = parity.digest_in,
    OUTPUT = parity.digest_out,
    RECEIVE = parity.digest_recv,
    SEND = parity.digest_send,
    INTERNALLENGTH = 24,
    ALIGNMENT = double
);
COMMENT ON TYPE parity.digest IS
    'digest of a set of rows: their number and the sum of their hashes, written p1-<rows>-<32 hex digits>; does not depend on their order, can be added and subtracted';

-- comparison

CREATE FUNCTION parity.digest_eq(parity.digest, parity.digest) RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_eq';
COMMENT ON FUNCTION parity.digest_eq(parity.digest, parity.digest) IS 'implementation of = operator';

CREATE FUNCTION parity.digest_ne(parity.digest, parity.digest) RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_ne';
COMMENT ON FUNCTION parity.digest_ne(parity.digest, parity.digest) IS 'implementation of <> operator';

CREATE FUNCTION parity.digest_lt(parity.digest, parity.digest) RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_lt';
COMMENT ON FUNCTION parity.digest_lt(parity.digest, parity.digest) IS 'implementation of < operator';

CREATE FUNCTION parity.digest_le(parity.digest, parity.digest) RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_le';
COMMENT ON FUNCTION parity.digest_le(parity.digest, parity.digest) IS 'implementation of <= operator';

CREATE FUNCTION parity.digest_gt(parity.digest, parity.digest) RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_gt';
COMMENT ON FUNCTION parity.digest_gt(parity.digest, parity.digest) IS 'implementation of > operator';

CREATE FUNCTION parity.digest_ge(parity.digest, parity.digest) RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_ge';
COMMENT ON FUNCTION parity.digest_ge(parity.digest, parity.digest) IS 'implementation of >= operator';

CREATE FUNCTION parity.digest_cmp(parity.digest, parity.digest) RETURNS pg_catalog.int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_cmp';
COMMENT ON FUNCTION parity.digest_cmp(parity.digest, parity.digest) IS 'less-equal-greater, for sorting and indexes';

CREATE FUNCTION parity.digest_hash(parity.digest) RETURNS pg_catalog.int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_hash';
COMMENT ON FUNCTION parity.digest_hash(parity.digest) IS 'hash';

CREATE FUNCTION parity.digest_hash_extended(parity.digest, pg_catalog.int8) RETURNS pg_catalog.int8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_hash_extended';
COMMENT ON FUNCTION parity.digest_hash_extended(parity.digest, pg_catalog.int8) IS 'hash';

CREATE OPERATOR parity.= (
    LEFTARG = parity.digest, RIGHTARG = parity.digest, FUNCTION = parity.digest_eq,
    COMMUTATOR = OPERATOR(parity.=), NEGATOR = OPERATOR(parity.<>),
    RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR parity.= (parity.digest, parity.digest) IS 'equal: the same rows, as far as a hash can tell';

CREATE OPERATOR parity.<> (
    LEFTARG = parity.digest, RIGHTARG = parity.digest, FUNCTION = parity.digest_ne,
    COMMUTATOR = OPERATOR(parity.<>), NEGATOR = OPERATOR(parity.=),
    RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR parity.<> (parity.digest, parity.digest) IS 'not equal';

CREATE OPERATOR parity.< (
    LEFTARG = parity.digest, RIGHTARG = parity.digest, FUNCTION = parity.digest_lt,
    COMMUTATOR = OPERATOR(parity.>), NEGATOR = OPERATOR(parity.>=),
    RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR parity.< (parity.digest, parity.digest) IS 'less than, by rows and then by sum: an order for sorting';

CREATE OPERATOR parity.<= (
    LEFTARG = parity.digest, RIGHTARG = parity.digest, FUNCTION = parity.digest_le,
    COMMUTATOR = OPERATOR(parity.>=), NEGATOR = OPERATOR(parity.>),
    RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR parity.<= (parity.digest, parity.digest) IS 'less than or equal, by rows and then by sum';

CREATE OPERATOR parity.> (
    LEFTARG = parity.digest, RIGHTARG = parity.digest, FUNCTION = parity.digest_gt,
    COMMUTATOR = OPERATOR(parity.<), NEGATOR = OPERATOR(parity.<=),
    RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR parity.> (parity.digest, parity.digest) IS 'greater than, by rows and then by sum';

CREATE OPERATOR parity.>= (
    LEFTARG = parity.digest, RIGHTARG = parity.digest, FUNCTION = parity.digest_ge,
    COMMUTATOR = OPERATOR(parity.<=), NEGATOR = OPERATOR(parity.<),
    RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR parity.>= (parity.digest, parity.digest) IS 'greater than or equal, by rows and then by sum';

CREATE OPERATOR CLASS parity.digest_ops DEFAULT FOR TYPE parity.digest USING btree AS
    OPERATOR 1 parity.<, OPERATOR 2 parity.<=, OPERATOR 3 parity.=, OPERATOR 4 parity.>=, OPERATOR 5 parity.>,
    FUNCTION 1 parity.digest_cmp(parity.digest, parity.digest);
COMMENT ON OPERATOR CLASS parity.digest_ops USING btree IS 'order of digests: by rows, then by sum';
COMMENT ON OPERATOR FAMILY parity.digest_ops USING btree IS 'order of digests: by rows, then by sum';

CREATE OPERATOR CLASS parity.digest_ops DEFAULT FOR TYPE parity.digest USING hash AS
    OPERATOR 1 parity.=,
    FUNCTION 1 parity.digest_hash(parity.digest),
    FUNCTION 2 parity.digest_hash_extended(parity.digest, pg_catalog.int8);
COMMENT ON OPERATOR CLASS parity.digest_ops USING hash IS 'hashing of digests, for GROUP BY and joins';
COMMENT ON OPERATOR FAMILY parity.digest_ops USING hash IS 'hashing of digests, for GROUP BY and joins';

-- arithmetic

CREATE FUNCTION parity.digest_plus(parity.digest, parity.digest) RETURNS parity.digest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_plus';
COMMENT ON FUNCTION parity.digest_plus(parity.digest, parity.digest) IS 'implementation of + operator';

CREATE FUNCTION parity.digest_minus(parity.digest, parity.digest) RETURNS parity.digest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_minus';
COMMENT ON FUNCTION parity.digest_minus(parity.digest, parity.digest) IS 'implementation of - operator';

CREATE OPERATOR parity.+ (
    LEFTARG = parity.digest, RIGHTARG = parity.digest, FUNCTION = parity.digest_plus,
    COMMUTATOR = OPERATOR(parity.+)
);
COMMENT ON OPERATOR parity.+ (parity.digest, parity.digest) IS 'the digest of the rows of both';

CREATE OPERATOR parity.- (
    LEFTARG = parity.digest, RIGHTARG = parity.digest, FUNCTION = parity.digest_minus
);
COMMENT ON OPERATOR parity.- (parity.digest, parity.digest) IS
    'the digest of the rows of the first without those of the second';

CREATE FUNCTION parity.digest_rows(digest parity.digest) RETURNS pg_catalog.int8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_count';
COMMENT ON FUNCTION parity.digest_rows(parity.digest) IS 'the number of rows in a digest';

CREATE FUNCTION parity.digest_sum(parity.digest, parity.digest) RETURNS parity.digest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_sum';
COMMENT ON FUNCTION parity.digest_sum(parity.digest, parity.digest) IS
    'adds the second digest to the first; transition and combine function of aggregates';

CREATE FUNCTION parity.digest_subtract(parity.digest, parity.digest) RETURNS parity.digest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_digest_minus';
COMMENT ON FUNCTION parity.digest_subtract(parity.digest, parity.digest) IS
    'subtracts the second digest from the first; inverse transition function';

CREATE AGGREGATE parity.sum(parity.digest) (
    SFUNC = parity.digest_sum,
    STYPE = parity.digest,
    INITCOND = 'p1-0-00000000000000000000000000000000',
    COMBINEFUNC = parity.digest_sum,
    MSFUNC = parity.digest_sum,
    MINVFUNC = parity.digest_subtract,
    MSTYPE = parity.digest,
    MINITCOND = 'p1-0-00000000000000000000000000000000',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE parity.sum(parity.digest) IS 'the digest of the rows of all of them';
