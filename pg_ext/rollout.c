/*
 * rollout.c - in_rollout: whether a key falls into a percentage of all keys
 */
#include "row.h"

#include "catalog/pg_type.h"

PG_FUNCTION_INFO_V1(parity_in_rollout);

/* What is kept from row to row. */
typedef struct ParityRollout {
    ParityRow *row;
    ParityReader reader; /* of the percentage */
    parity_buf buf;      /* its frame */
    parity_percent percent;
    bool fixed; /* the percentage is a literal, and read */
} ParityRollout;

static ParityRollout *rollout_open(FunctionCallInfo fcinfo)
{
    MemoryContext context = fcinfo->flinfo->fn_mcxt;
    ParityRollout *r = MemoryContextAllocZero(context, sizeof *r);

    r->row = parity_row_open(fcinfo, 1, NULL, 0);
    parity_reader_init(&r->reader, NUMERICOID, -1, NULL, context);
    parity_buf_init(&r->buf, r->row->buf.mem);
    return r;
}

static void read_percent(ParityRollout *r, FunctionCallInfo fcinfo)
{
    unsigned notes = 0;
    parity_error err;

    r->buf.len = 0;
    parity_reader_put(&r->reader, fcinfo->args[0].value, fcinfo->args[0].isnull, false, &r->buf, &r->row->scratch,
                      &notes, NULL);
    parity_pg_check(parity_percent_read(r->buf.data, r->buf.len, &r->percent, &err), &err);
    r->fixed = parity_row_is_literal(fcinfo, 0);
}

/* in_rollout(percent, VARIADIC "any") */
Datum parity_in_rollout(PG_FUNCTION_ARGS)
{
    ParityRollout *r = fcinfo->flinfo->fn_extra;

    if (unlikely(r == NULL))
        fcinfo->flinfo->fn_extra = r = rollout_open(fcinfo);
    if (!r->fixed)
        read_percent(r, fcinfo);
    parity_row_put(r->row, fcinfo);
    PG_RETURN_BOOL(parity_rollout_has(&r->percent, parity_rollout_position(r->row->buf.data, r->row->buf.len)));
}
