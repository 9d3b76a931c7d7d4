/*
 * digest.c - the type parity.digest: 24 bytes, the core's parity_digest
 *
 * In binary (send, recv) a digest is its rows and the high and the low half of
 * its sum, 64 bits each, big-endian.
 */
#include "parity_pg.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

StaticAssertDecl(sizeof(parity_digest) == 24, "parity.digest is declared with 24 bytes");

#define PG_GETARG_DIGEST(n) ((parity_digest *)PG_GETARG_POINTER(n))

PG_FUNCTION_INFO_V1(parity_digest_in);
PG_FUNCTION_INFO_V1(parity_digest_out);
PG_FUNCTION_INFO_V1(parity_digest_recv);
PG_FUNCTION_INFO_V1(parity_digest_send);
PG_FUNCTION_INFO_V1(parity_digest_eq);
PG_FUNCTION_INFO_V1(parity_digest_ne);
PG_FUNCTION_INFO_V1(parity_digest_lt);
PG_FUNCTION_INFO_V1(parity_digest_le);
PG_FUNCTION_INFO_V1(parity_digest_gt);
PG_FUNCTION_INFO_V1(parity_digest_ge);
PG_FUNCTION_INFO_V1(parity_digest_cmp);
PG_FUNCTION_INFO_V1(parity_digest_hash);
PG_FUNCTION_INFO_V1(parity_digest_hash_extended);
PG_FUNCTION_INFO_V1(parity_digest_plus);
PG_FUNCTION_INFO_V1(parity_digest_minus);
PG_FUNCTION_INFO_V1(parity_digest_count);
PG_FUNCTION_INFO_V1(parity_digest_sum);

Datum parity_digest_in(PG_FUNCTION_ARGS)
{
    const char *text = PG_GETARG_CSTRING(0);
    parity_digest *d = palloc(sizeof *d);
    parity_error err;

    if (parity_digest_parse(text, strlen(text), d, &err) != PARITY_OK)
        ereturn(fcinfo->context, (Datum)0,
                (errcode(parity_pg_sqlstate(err.status)),
                 errmsg("invalid input syntax for type %s: \"%s\"", "parity.digest", text),
                 err.detail[0] != '\0' ? errdetail_internal("%s", err.detail) : 0,
                 err.hint[0] != '\0' ? errhint("%s", err.hint) : 0));
    PG_RETURN_POINTER(d);
}

Datum parity_digest_out(PG_FUNCTION_ARGS)
{
    char *text = palloc(PARITY_DIGEST_TEXT_MAX);

    parity_digest_print(PG_GETARG_DIGEST(0), text);
    PG_RETURN_CSTRING(text);
}

Datum parity_digest_recv(PG_FUNCTION_ARGS)
{
    StringInfo in = (StringInfo)PG_GETARG_POINTER(0);
    parity_digest *d = palloc(sizeof *d);

    d->rows = (uint64)pq_getmsgint64(in);
    d->hi = (uint64)pq_getmsgint64(in);
    d->lo = (uint64)pq_getmsgint64(in);
    if (d->hi > (uint64)PG_INT64_MAX || (d->hi == (uint64)PG_INT64_MAX && d->lo == PG_UINT64_MAX))
        ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("invalid external \"parity.digest\" value"),
                        errdetail("The sum is not below 2^127 - 1.")));
    PG_RETURN_POINTER(d);
}

Datum parity_digest_send(PG_FUNCTION_ARGS)
{
    const parity_digest *d = PG_GETARG_DIGEST(0);
    StringInfoData out;

    pq_begintypsend(&out);
    pq_sendint64(&out, d->rows);
    pq_sendint64(&out, d->hi);
    pq_sendint64(&out, d->lo);
    PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* An order for sorting and indexes: rows, then sum. */
static int compare(FunctionCallInfo fcinfo)
{
    const parity_digest *a = PG_GETARG_DIGEST(0), *b = PG_GETARG_DIGEST(1);

    if (a->rows != b->rows)
        return a->rows < b->rows ? -1 : 1;
    if (a->hi != b->hi)
        return a->hi < b->hi ? -1 : 1;
    if (a->lo != b->lo)
        return a->lo < b->lo ? -1 : 1;
    return 0;
}

Datum parity_digest_eq(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(compare(fcinfo) == 0);
}

Datum parity_digest_ne(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(compare(fcinfo) != 0);
}

Datum parity_digest_lt(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(compare(fcinfo) < 0);
}

Datum parity_digest_le(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

Datum parity_digest_gt(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(compare(fcinfo) > 0);
}

Datum parity_digest_ge(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

Datum parity_digest_cmp(PG_FUNCTION_ARGS)
{
    PG_RETURN_INT32(compare(fcinfo));
}

Datum parity_digest_hash(PG_FUNCTION_ARGS)
{
    return hash_any((const unsigned char *)PG_GETARG_DIGEST(0), sizeof(parity_digest));
}

Datum parity_digest_hash_extended(PG_FUNCTION_ARGS)
{
    return hash_any_extended((const unsigned char *)PG_GETARG_DIGEST(0), sizeof(parity_digest),
                             (uint64)PG_GETARG_INT64(1));
}

static parity_digest *copy(const parity_digest *d)
{
    parity_digest *out = palloc(sizeof *out);

    *out = *d;
    return out;
}

Datum parity_digest_plus(PG_FUNCTION_ARGS)
{
    parity_digest *d = copy(PG_GETARG_DIGEST(0));
    parity_error err;

    parity_pg_check(parity_digest_merge(d, PG_GETARG_DIGEST(1), &err), &err);
    PG_RETURN_POINTER(d);
}

Datum parity_digest_minus(PG_FUNCTION_ARGS)
{
    parity_digest *d = copy(PG_GETARG_DIGEST(0));
    parity_error err;

    parity_pg_check(parity_digest_subtract(d, PG_GETARG_DIGEST(1), &err), &err);
    PG_RETURN_POINTER(d);
}

/* The number of rows, which a bigint holds unless somebody adds digests to test it. */
Datum parity_digest_count(PG_FUNCTION_ARGS)
{
    uint64 rows = PG_GETARG_DIGEST(0)->rows;

    if (rows > (uint64)PG_INT64_MAX)
        ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("bigint out of range"),
                        errdetail("The digest has " UINT64_FORMAT " rows.", rows)));
    PG_RETURN_INT64((int64)rows);
}

/* Adds the second digest to the first: in place where the first is an aggregate's state. */
Datum parity_digest_sum(PG_FUNCTION_ARGS)
{
    parity_digest *d = PG_GETARG_DIGEST(0);
    parity_error err;

    if (!AggCheckCallContext(fcinfo, NULL))
        d = copy(d);
    parity_pg_check(parity_digest_merge(d, PG_GETARG_DIGEST(1), &err), &err);
    PG_RETURN_POINTER(d);
}
