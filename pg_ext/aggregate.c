/*
 * aggregate.c - row_hash, digest_agg, digest_agg_as and tally_agg
 *
 * A transition function finds its readers in fn_extra, frames the row into a
 * buffer that it keeps, and adds the hash to a state that it changes in place.
 * States are flat, so that a combine function is all that parallel query needs.
 */
#include "row.h"

#include "utils/builtins.h"

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

/* What the kinds argument, number 1, says; checked to be the same in every row. */
static ParityRow *row_of_kinds(FunctionCallInfo fcinfo, int first)
{
    const struct varlena *packed;
    parity_kind *kinds;
    ParityRow *row;
    int n;

    if (PG_ARGISNULL(1))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", "kinds")));
    packed = parity_packed(PG_GETARG_DATUM(1));
    kinds = parity_kinds_parse(VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed), fcinfo->flinfo->fn_mcxt, &n);
    row = parity_row_open(fcinfo, first, kinds, n);
    parity_row_constant(row, fcinfo, 0, 1, "kinds");
    return row;
}

/* (state, kinds, VARIADIC "any") */
Datum parity_digest_accum_as(PG_FUNCTION_ARGS)
{
    parity_digest *d = digest_state(fcinfo);
    ParityRow *row = fcinfo->flinfo->fn_extra;

    if (unlikely(row == NULL))
        fcinfo->flinfo->fn_extra = row = row_of_kinds(fcinfo, 2);
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
 * one that has been in a tuple may not be.
 */
typedef struct TallyCall {
    ParityRow *row;
    parity_scan scan;
    bool *key;
    /* of the current row */
    const NullableDatum *args;
    ParityShape *shape;
} TallyCall;

static size_t tally_bytes(int ncolumns)
{
    return PARITY_TALLY_OFFSET + parity_tally_size(ncolumns);
}

/* The tally in a state, which has been checked to be one of ncolumns columns (any number: -1). */
static parity_tally *open_tally(struct varlena *state, int ncolumns)
{
    parity_tally *t = (parity_tally *)((char *)state + PARITY_TALLY_OFFSET);
    size_t n = VARSIZE_ANY(state);
    bool whole = VARATT_IS_4B_U(state) && n >= tally_bytes(0);
    uint32 columns = 0;

    if (whole) {
        memcpy(&columns, (const char *)state + PARITY_TALLY_OFFSET + offsetof(parity_tally, ncolumns), sizeof columns);
        whole = columns <= PARITY_SPEC_MAX_COLUMNS && n == tally_bytes((int)columns);
    }
    if (!whole || (ncolumns >= 0 && columns != (uint32)ncolumns))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of parity.tally_agg")));
    return t;
}

/* As open_tally for a value of any kind of bytea, aligned. */
static parity_tally *unpack_tally(Datum value, int ncolumns)
{
    struct varlena *state = PG_DETOAST_DATUM(value);

    if ((const void *)TYPEALIGN(MAXIMUM_ALIGNOF, (uintptr_t)state) != (const void *)state) {
        struct varlena *copy = palloc(VARSIZE(state));

        memcpy(copy, state, VARSIZE(state));
        state = copy;
    }
    return open_tally(state, ncolumns);
}

parity_tally *parity_pg_tally(Datum value)
{
    parity_tally *t = unpack_tally(value, -1);

    for (uint32 i = 0; i < t->ncolumns; i++)
        if (t->column[i].example_len > PARITY_EXAMPLE_MAX)
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of parity.tally_agg")));
    return t;
}

/* A parity_put_column: column i of the row in ctx. */
static parity_status put_column(void *ctx, int i, bool rounded, parity_buf *b, parity_buf *scratch, unsigned *notes,
                                parity_value *example)
{
    TallyCall *call = ctx;
    const ParityShape *s = call->shape;

    if (s != NULL)
        parity_reader_put(&s->readers[i], s->values[s->attribute[i]], s->nulls[s->attribute[i]], rounded, b, scratch,
                          notes, example);
    else
        parity_reader_put(&call->row->args[i].reader, call->args[i].value, call->args[i].isnull, rounded, b, scratch,
                          notes, example);
    return PARITY_OK;
}

/* First call: reads kinds and keys. */
static TallyCall *open_call(FunctionCallInfo fcinfo)
{
    MemoryContext context = fcinfo->flinfo->fn_mcxt;
    TallyCall *call = MemoryContextAllocZero(context, sizeof *call);
    const char *keys;
    size_t n;

    call->row = row_of_kinds(fcinfo, 3);
    parity_row_constant(call->row, fcinfo, 1, 2, "keys");
    keys = VARDATA_ANY(call->row->texts[1]);
    n = VARSIZE_ANY_EXHDR(call->row->texts[1]);
    if (n != (size_t)call->row->nkinds || strspn(text_to_cstring((text *)call->row->texts[1]), "01") != n)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("keys must have one digit, 0 or 1, for each of the %d columns", call->row->nkinds)));
    call->key = MemoryContextAlloc(context, sizeof *call->key * n);
    for (size_t i = 0; i < n; i++)
        call->key[i] = keys[i] == '1';
    parity_pg_check(parity_scan_init(&call->scan, call->row->buf.mem, (int)n, call->key, true), NULL);
    return call;
}

/* (state, kinds, keys, VARIADIC "any") */
Datum parity_tally_accum(PG_FUNCTION_ARGS)
{
    TallyCall *call = fcinfo->flinfo->fn_extra;
    struct varlena *state;
    parity_tally *t;

    if (!AggCheckCallContext(fcinfo, NULL))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s can only be called as an aggregate",
                                                                       "parity.tally_accum")));
    if (unlikely(call == NULL))
        fcinfo->flinfo->fn_extra = call = open_call(fcinfo);
    else {
        parity_row_check_constant(call->row, fcinfo, 0, 1, "kinds");
        parity_row_check_constant(call->row, fcinfo, 1, 2, "keys");
    }
    if (unlikely(PG_ARGISNULL(0))) {
        /* the executor copies it to where states live */
        state = palloc0(tally_bytes(call->scan.ncolumns));
        SET_VARSIZE(state, tally_bytes(call->scan.ncolumns));
        t = (parity_tally *)((char *)state + PARITY_TALLY_OFFSET);
        parity_tally_init(t, call->scan.ncolumns);
    } else {
        state = (struct varlena *)PG_GETARG_POINTER(0);
        t = open_tally(state, call->scan.ncolumns);
    }
    call->args = &fcinfo->args[3];
    call->shape = call->row->flat ? NULL
                                  : parity_row_fields(call->row, &call->row->args[0], call->args[0].value,
                                                      call->args[0].isnull);
    parity_pg_check(parity_scan_row(&call->scan, t, put_column, call), NULL);
    PG_RETURN_POINTER(state);
}

/* (state, state): the second is added to the first. */
Datum parity_tally_combine(PG_FUNCTION_ARGS)
{
    struct varlena *state = (struct varlena *)PG_GETARG_POINTER(0);
    parity_tally *t;

    if (!AggCheckCallContext(fcinfo, NULL))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s can only be called as an aggregate",
                                                                       "parity.tally_combine")));
    t = open_tally(state, -1);
    parity_tally_merge(t, unpack_tally(PG_GETARG_DATUM(1), (int)t->ncolumns));
    PG_RETURN_POINTER(state);
}
