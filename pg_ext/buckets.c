/*
 * buckets.c - the aggregate behind parity.buckets
 */
#include "row.h"

PG_FUNCTION_INFO_V1(parity_buckets_accum);
PG_FUNCTION_INFO_V1(parity_buckets_combine);

/* The state is a bytea as that of tally_agg: the length word, four bytes of zeros, the core's parity_buckets. */
static size_t state_bytes(uint32 bits)
{
    return PARITY_TALLY_OFFSET + parity_buckets_size(bits);
}

pg_noreturn static void invalid_state(void)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of parity.buckets_agg")));
}

/* The buckets in an aligned state, which has been checked to be as long as they are many. */
static parity_buckets *open_state(struct varlena *state)
{
    parity_buckets *b = (parity_buckets *)((char *)state + PARITY_TALLY_OFFSET);

    if (!VARATT_IS_4B_U(state) || VARSIZE(state) < PARITY_TALLY_OFFSET + sizeof *b ||
        b->bits > PARITY_BUCKET_BITS_MAX || VARSIZE(state) != state_bytes(b->bits))
        invalid_state();
    return b;
}

parity_buckets *parity_pg_open_buckets(Datum value)
{
    return open_state(parity_state_unpack(value));
}

void parity_pg_check_bits(int32 bits)
{
    if (bits < 0 || bits > PARITY_BUCKET_BITS_MAX)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("bits must be from 0 to %d", PARITY_BUCKET_BITS_MAX),
                        errhint("bits 8 makes 256 buckets, bits 16 makes 65,536")));
}

/* (state, kinds, keys, bits, VARIADIC "any") */
Datum parity_buckets_accum(PG_FUNCTION_ARGS)
{
    ParityPass *pass = fcinfo->flinfo->fn_extra;
    struct varlena *state;
    parity_buckets *b;

    parity_only_aggregate(fcinfo, "parity.buckets_accum");
    if (unlikely(pass == NULL)) {
        pass = parity_pass_open(fcinfo, "bits");
        parity_pg_check_bits(pass->number);
        fcinfo->flinfo->fn_extra = pass;
    } else
        parity_pass_check(pass, fcinfo, "bits");
    if (unlikely(PG_ARGISNULL(0))) {
        size_t size = state_bytes((uint32)pass->number);

        state = palloc(size);
        memset(state, 0, PARITY_TALLY_OFFSET);
        SET_VARSIZE(state, size);
        b = (parity_buckets *)((char *)state + PARITY_TALLY_OFFSET);
        parity_buckets_init(b, (uint32)pass->number);
    } else {
        state = (struct varlena *)PG_GETARG_POINTER(0);
        b = open_state(state);
        if (unlikely(b->bits != (uint32)pass->number))
            invalid_state();
    }
    parity_row_take(pass->row, fcinfo);
    parity_pg_check(parity_scan_bucket(&pass->scan, b, parity_row_column, pass->row), NULL);
    PG_RETURN_POINTER(state);
}

/* (state, state): the second is added to the first. */
Datum parity_buckets_combine(PG_FUNCTION_ARGS)
{
    struct varlena *state = (struct varlena *)PG_GETARG_POINTER(0);
    const parity_buckets *other;
    parity_buckets *b;

    parity_only_aggregate(fcinfo, "parity.buckets_combine");
    b = open_state(state);
    other = open_state(parity_state_unpack(PG_GETARG_DATUM(1)));
    if (other->bits != b->bits)
        invalid_state();
    parity_buckets_merge(b, other);
    PG_RETURN_POINTER(state);
}
