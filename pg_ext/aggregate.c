/*
 * aggregate.c - row_hash, digest_agg, digest_agg_as and tally_agg
 *
 * A transition function finds its readers in fn_extra, frames the row into a
 * buffer that it keeps, and adds the hash to a state that it changes in place.
 * States are flat, so that a combine function is all that parallel query needs.
 */
#include "row.h"

PG_FUNCTION_INFO_V1(parity_row_hash);
PG_FUNCTION_INFO_V1(parity_digest_accum);
PG_FUNCTION_INFO_V1(parity_digest_accum_inv);
PG_FUNCTION_INFO_V1(parity_digest_accum_as);
PG_FUNCTION_INFO_V1(parity_tally_accum);
PG_FUNCTION_INFO_V1(parity_tally_combine);

/* ----------------------------------------------------------------- digests */

/* The digest state: the argument itself within an aggregate, otherwise a copy. */
static inline parity_digest *digest_state(FunctionCallInfo fcinfo)
{
    parity_digest *d;

    if (likely(AggCheckCallContext(fcinfo, NULL) && !PG_ARGISNULL(0)))
        return (parity_digest *)PG_GETARG_POINTER(0);
    d = palloc0(sizeof *d);
    if (!PG_ARGISNULL(0))
        *d = *(const parity_digest *)PG_GETARG_POINTER(0);
    return d;
}

static inline parity_hash hash_of_row(ParityRow *row, FunctionCallInfo fcinfo)
{
    parity_row_put(row, fcinfo);
    return parity_hash_bytes(row->buf.data, row->buf.len, 0);
}

static inline ParityRow *natural_row(FunctionCallInfo fcinfo, int first)
{
    if (unlikely(fcinfo->flinfo->fn_extra == NULL))
        fcinfo->flinfo->fn_extra = parity_row_open(fcinfo, first, NULL, 0);
    return fcinfo->flinfo->fn_extra;
}

/* row_hash(VARIADIC "any") */
Datum parity_row_hash(PG_FUNCTION_ARGS)
{
    parity_hash hash = hash_of_row(natural_row(fcinfo, 0), fcinfo);
    bytea *out = palloc(VARHDRSZ + 16);

    SET_VARSIZE(out, VARHDRSZ + 16);
    parity_hash_store(hash, (unsigned char *)VARDATA(out));
    PG_RETURN_BYTEA_P(out);
}

/* (state, VARIADIC "any") */
Datum parity_digest_accum(PG_FUNCTION_ARGS)
{
    parity_digest *d = digest_state(fcinfo);
    ParityRow *row = natural_row(fcinfo, 1);

    parity_row_put(row, fcinfo);
    parity_digest_add_row(d, row->buf.data, row->buf.len);
    PG_RETURN_POINTER(d);
}

/* The inverse, for moving window frames. */
Datum parity_digest_accum_inv(PG_FUNCTION_ARGS)
{
    parity_digest *d = digest_state(fcinfo);
    parity_digest one = {0};
    parity_error err;

    parity_digest_add(&one, hash_of_row(natural_row(fcinfo, 1), fcinfo));
    parity_pg_check(parity_digest_subtract(d, &one, &err), &err);
    PG_RETURN_POINTER(d);
}

/* (state, kinds, VARIADIC "any") */
Datum parity_digest_accum_as(PG_FUNCTION_ARGS)
{
    parity_digest *d = digest_state(fcinfo);
    ParityRow *row = fcinfo->flinfo->fn_extra;

    if (unlikely(row == NULL))
        fcinfo->flinfo->fn_extra = row = parity_row_open_kinds(fcinfo, 2);
    else
        parity_row_check_constant(row, fcinfo, 0, 1, "kinds");
    parity_row_put(row, fcinfo);
    parity_digest_add_row(d, row->buf.data, row->buf.len);
    PG_RETURN_POINTER(d);
}

/* ----------------------------------------------------------------- tallies */

/*
 * The state of tally_agg is a bytea: the length word, four bytes of zeros, the
 * core's parity_tally.  It comes from palloc, so the tally is aligned; only
 * one that has been in a tuple may not be.  With a sketch of many cells it is
 * tens of megabytes: it is copied once, when the first row has made it.
 */
static size_t tally_bytes(int ncolumns, uint32 cells)
{
    return PARITY_TALLY_OFFSET + parity_tally_size(ncolumns, cells);
}

static inline bool cells_valid(uint32 cells)
{
    return cells == 0 || (cells >= PARITY_CELLS_MIN && cells <= PARITY_CELLS_MAX && (cells & (cells - 1)) == 0);
}

pg_noreturn static void invalid_tally(void)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of parity.tally_agg")));
}

/* The tally in an aligned state, which has been checked to be as long as its columns and cells make it. */
static parity_tally *open_tally(struct varlena *state)
{
    parity_tally *t = (parity_tally *)((char *)state + PARITY_TALLY_OFFSET);
    size_t n;

    if (!VARATT_IS_4B_U(state))
        invalid_tally();
    n = VARSIZE(state);
    if (n < PARITY_TALLY_OFFSET + sizeof *t || t->ncolumns > PARITY_SPEC_MAX_COLUMNS || !cells_valid(t->cells) ||
        n != tally_bytes((int)t->ncolumns, t->cells) ||
        (t->cells != 0 && parity_tally_sketch(t)->cells != t->cells))
        invalid_tally();
    return t;
}

parity_tally *parity_pg_tally(Datum value)
{
    parity_tally *t = open_tally(parity_state_unpack(value));

    for (uint32 i = 0; i < t->ncolumns; i++)
        if (t->column[i].example_len > PARITY_EXAMPLE_MAX)
            invalid_tally();
    return t;
}

/* First call: reads kinds, keys and cells. */
static ParityPass *open_pass(FunctionCallInfo fcinfo)
{
    ParityPass *pass = parity_pass_open(fcinfo, "cells");

    if (pass->number < 0 || !cells_valid((uint32)pass->number))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid number of cells: %d", pass->number),
                        errhint("It is 0, for no sketch, or a power of two from %u to %u.", PARITY_CELLS_MIN,
                                PARITY_CELLS_MAX)));
    return pass;
}

/* (state, kinds, keys, cells, VARIADIC "any") */
Datum parity_tally_accum(PG_FUNCTION_ARGS)
{
    ParityPass *pass = fcinfo->flinfo->fn_extra;
    struct varlena *state;
    parity_tally *t;

    parity_only_aggregate(fcinfo, "parity.tally_accum");
    if (unlikely(pass == NULL))
        fcinfo->flinfo->fn_extra = pass = open_pass(fcinfo);
    else
        parity_pass_check(pass, fcinfo, "cells");
    if (unlikely(PG_ARGISNULL(0))) {
        size_t size = tally_bytes(pass->scan.ncolumns, (uint32)pass->number);

        /* the executor copies it to where states live */
        state = palloc(size);
        memset(state, 0, PARITY_TALLY_OFFSET);
        SET_VARSIZE(state, size);
        t = (parity_tally *)((char *)state + PARITY_TALLY_OFFSET);
        parity_tally_init(t, pass->scan.ncolumns, (uint32)pass->number);
    } else {
        state = (struct varlena *)PG_GETARG_POINTER(0);
        t = open_tally(state);
        if (unlikely(t->ncolumns != (uint32)pass->scan.ncolumns || t->cells != (uint32)pass->number))
            invalid_tally();
    }
    if (pass->row->flat && !pass->noted && parity_row_put_framed(pass->row, fcinfo, &pass->scan)) {
        parity_pg_check(parity_scan_framed(&pass->scan, t), NULL);
        PG_RETURN_POINTER(state);
    }
    pass->noted = true;
    parity_row_take(pass->row, fcinfo);
    parity_pg_check(parity_scan_row(&pass->scan, t, parity_row_column, pass->row), NULL);
    PG_RETURN_POINTER(state);
}

/* (state, state): the second is added to the first. */
Datum parity_tally_combine(PG_FUNCTION_ARGS)
{
    struct varlena *state = (struct varlena *)PG_GETARG_POINTER(0);
    const parity_tally *other;
    parity_tally *t;

    parity_only_aggregate(fcinfo, "parity.tally_combine");
    t = open_tally(state);
    other = open_tally(parity_state_unpack(PG_GETARG_DATUM(1)));
    if (other->ncolumns != t->ncolumns || other->cells != t->cells)
        invalid_tally();
    parity_tally_merge(t, other);
    PG_RETURN_POINTER(state);
}
