CREATE TYPE parity.sketch;

CREATE FUNCTION parity.sketch_in(pg_catalog.cstring) RETURNS parity.sketch
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_in';
COMMENT ON FUNCTION parity.sketch_in(pg_catalog.cstring) IS 'I/O';

CREATE FUNCTION parity.sketch_out(parity.sketch) RETURNS pg_catalog.cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_out';
COMMENT ON FUNCTION parity.sketch_out(parity.sketch) IS 'I/O';

CREATE FUNCTION parity.sketch_recv(pg_catalog.internal) RETURNS parity.sketch
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_recv';
COMMENT ON FUNCTION parity.sketch_recv(pg_catalog.internal) IS 'I/O';

CREATE FUNCTION parity.sketch_send(parity.sketch) RETURNS pg_catalog.bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_send';
COMMENT ON FUNCTION parity.sketch_send(parity.sketch) IS 'I/O';

-- external: sums of hashes do not compress
CREATE TYPE parity.sketch (
    INPUT = parity.sketch_in,
    OUTPUT = parity.sketch_out,
    RECEIVE = parity.sketch_recv,
    SEND = parity.sketch_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = external
);
COMMENT ON TYPE parity.sketch IS
    'summary of a set of rows in a fixed number of cells: of the difference of two of them the rows that differ can be read back; does not depend on the order of rows, can be added and subtracted; written in base64';

-- comparison

CREATE FUNCTION parity.sketch_eq(parity.sketch, parity.sketch) RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_eq';
COMMENT ON FUNCTION parity.sketch_eq(parity.sketch, parity.sketch) IS 'implementation of = operator';

CREATE FUNCTION parity.sketch_ne(parity.sketch, parity.sketch) RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_ne';
COMMENT ON FUNCTION parity.sketch_ne(parity.sketch, parity.sketch) IS 'implementation of <> operator';

CREATE OPERATOR parity.= (
    LEFTARG = parity.sketch, RIGHTARG = parity.sketch, FUNCTION = parity.sketch_eq,
    COMMUTATOR = OPERATOR(parity.=), NEGATOR = OPERATOR(parity.<>),
    RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel
);
COMMENT ON OPERATOR parity.= (parity.sketch, parity.sketch) IS
    'equal: the same bytes; the same rows in sketches of two sizes are not';

CREATE OPERATOR parity.<> (
    LEFTARG = parity.sketch, RIGHTARG = parity.sketch, FUNCTION = parity.sketch_ne,
    COMMUTATOR = OPERATOR(parity.<>), NEGATOR = OPERATOR(parity.=),
    RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR parity.<> (parity.sketch, parity.sketch) IS 'not equal';

-- arithmetic

CREATE FUNCTION parity.sketch_plus(parity.sketch, parity.sketch) RETURNS parity.sketch
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_plus';
COMMENT ON FUNCTION parity.sketch_plus(parity.sketch, parity.sketch) IS 'implementation of + operator';

CREATE FUNCTION parity.sketch_minus(parity.sketch, parity.sketch) RETURNS parity.sketch
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_minus';
COMMENT ON FUNCTION parity.sketch_minus(parity.sketch, parity.sketch) IS 'implementation of - operator';

CREATE OPERATOR parity.+ (
    LEFTARG = parity.sketch, RIGHTARG = parity.sketch, FUNCTION = parity.sketch_plus,
    COMMUTATOR = OPERATOR(parity.+)
);
COMMENT ON OPERATOR parity.+ (parity.sketch, parity.sketch) IS
    'the sketch of the rows of both; of two sizes the smaller';

CREATE OPERATOR parity.- (
    LEFTARG = parity.sketch, RIGHTARG = parity.sketch, FUNCTION = parity.sketch_minus
);
COMMENT ON OPERATOR parity.- (parity.sketch, parity.sketch) IS
    'the rows of the first without those of the second: what parity.sketch_decode reads; of two sizes the smaller';

-- reading

CREATE FUNCTION parity.sketch_decode(sketch parity.sketch)
    RETURNS TABLE (key_hash pg_catalog.text, rows pg_catalog.int8, residue pg_catalog.bytea, complete pg_catalog.bool)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 100 AS 'MODULE_PATHNAME', 'parity_sketch_decode_rows';
COMMENT ON FUNCTION parity.sketch_decode(parity.sketch) IS
    'what a sketch holds, a row a key: the key in 16 hex digits, the number of rows (negative: more in what was subtracted; 0: as many but others) and the sum of their hashes; complete: that is all; a row of NULLs: nothing can be read back';

CREATE FUNCTION parity.sketch_estimate(sketch parity.sketch) RETURNS pg_catalog.int8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_estimate_keys';
COMMENT ON FUNCTION parity.sketch_estimate(parity.sketch) IS
    'how many keys a sketch holds, roughly, also where it cannot be read back: for sketches of a fitting number of cells, about 1.4 times as many and 64';

CREATE FUNCTION parity.sketch_cells(sketch parity.sketch) RETURNS pg_catalog.int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_count_cells';
COMMENT ON FUNCTION parity.sketch_cells(parity.sketch) IS 'the number of cells of a sketch';

-- aggregates

CREATE FUNCTION parity.sketch_accum(pg_catalog.bytea, cells pg_catalog.int4, key_columns pg_catalog.int4, VARIADIC "any")
    RETURNS pg_catalog.bytea
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_accum';
COMMENT ON FUNCTION parity.sketch_accum(pg_catalog.bytea, pg_catalog.int4, pg_catalog.int4, VARIADIC "any") IS
    'transition function of parity.sketch_agg';

CREATE FUNCTION parity.sketch_accum_inv(pg_catalog.bytea, cells pg_catalog.int4, key_columns pg_catalog.int4, VARIADIC "any")
    RETURNS pg_catalog.bytea
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_accum_inv';
COMMENT ON FUNCTION parity.sketch_accum_inv(pg_catalog.bytea, pg_catalog.int4, pg_catalog.int4, VARIADIC "any") IS
    'inverse transition function of parity.sketch_agg';

CREATE FUNCTION parity.sketch_sum_accum(pg_catalog.bytea, parity.sketch) RETURNS pg_catalog.bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_sum_accum';
COMMENT ON FUNCTION parity.sketch_sum_accum(pg_catalog.bytea, parity.sketch) IS
    'transition function of parity.sum(parity.sketch)';

CREATE FUNCTION parity.sketch_merge(pg_catalog.bytea, pg_catalog.bytea) RETURNS pg_catalog.bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_merge_states';
COMMENT ON FUNCTION parity.sketch_merge(pg_catalog.bytea, pg_catalog.bytea) IS
    'combine function of parity.sketch_agg and parity.sum(parity.sketch)';

CREATE FUNCTION parity.sketch_final(pg_catalog.bytea) RETURNS parity.sketch
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'parity_sketch_final';
COMMENT ON FUNCTION parity.sketch_final(pg_catalog.bytea) IS
    'final function of parity.sketch_agg and parity.sum(parity.sketch)';

CREATE AGGREGATE parity.sketch_agg(cells pg_catalog.int4, key_columns pg_catalog.int4, VARIADIC "any") (
    SFUNC = parity.sketch_accum,
    STYPE = pg_catalog.bytea,
    SSPACE = 48200,
    FINALFUNC = parity.sketch_final,
    COMBINEFUNC = parity.sketch_merge,
    MSFUNC = parity.sketch_accum,
    MINVFUNC = parity.sketch_accum_inv,
    MSTYPE = pg_catalog.bytea,
    MSSPACE = 48200,
    MFINALFUNC = parity.sketch_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE parity.sketch_agg(pg_catalog.int4, pg_catalog.int4, VARIADIC "any") IS
    'sketch of the rows that its arguments make, of which the first key_columns columns are the key (0: no key); cells: 16 to 1048576, rounded up to a power of two (NULL: 1024); a composite argument stands for its fields; of no rows an empty sketch, which fits any number of cells';

CREATE AGGREGATE parity.sum(parity.sketch) (
    SFUNC = parity.sketch_sum_accum,
    STYPE = pg_catalog.bytea,
    SSPACE = 48200,
    FINALFUNC = parity.sketch_final,
    COMBINEFUNC = parity.sketch_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE parity.sum(parity.sketch) IS
    'the sketch of the rows of all of them; of several sizes the smallest';
