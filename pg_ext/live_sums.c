/*
 * live_sums.c - what the rows of parity.live_base and parity.live_delta hold
 *
 * Sums are stored as one entry a bucket that is not zero, all little-endian:
 *
 *   4 bytes   bucket, ascending
 *   8 bytes   rows, wrapping: of a delta it may be negative
 *   16 bytes  sum of the row hashes mod 2^127 - 1, low half first
 *
 * and a coverage as end, number, and so many transactions, 8 bytes each.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"

#include "live.h"

#define ENTRY 28

ParitySums *parity_sums_make(MemoryContext context, int bits)
{
    uint32 n = (uint32)1 << bits;
    ParitySums *s = MemoryContextAllocZero(context, offsetof(ParitySums, digest) + n * sizeof *s->digest);

    s->n = n;
    return s;
}

void parity_sums_add(ParitySums *to, const ParitySums *by)
{
    for (uint32 i = 0; i < by->n; i++)
        parity_digest_shift(&to->digest[i], &by->digest[i]);
}

static bool is_zero(const parity_digest *d)
{
    return (d->rows | d->lo | d->hi) == 0;
}

bool parity_sums_is_zero(const ParitySums *s)
{
    for (uint32 i = 0; i < s->n; i++)
        if (!is_zero(&s->digest[i]))
            return false;
    return true;
}

parity_digest parity_sums_total(const ParitySums *s)
{
    parity_digest out = {0, 0, 0};

    for (uint32 i = 0; i < s->n; i++)
        parity_digest_shift(&out, &s->digest[i]);
    return out;
}

static uint32 load32(const unsigned char *p)
{
    return p[0] | (uint32)p[1] << 8 | (uint32)p[2] << 16 | (uint32)p[3] << 24;
}

static uint64 load64(const unsigned char *p)
{
    return load32(p) | (uint64)load32(p + 4) << 32;
}

bytea *parity_sums_write(const ParitySums *s)
{
    uint32 n = 0;
    unsigned char *p;
    bytea *out;

    for (uint32 i = 0; i < s->n; i++)
        n += !is_zero(&s->digest[i]);
    out = palloc(VARHDRSZ + n * ENTRY);
    SET_VARSIZE(out, VARHDRSZ + n * ENTRY);
    p = (unsigned char *)VARDATA(out);
    for (uint32 i = 0; i < s->n; i++) {
        if (is_zero(&s->digest[i]))
            continue;
        parity_store32(p, i);
        parity_store64(p + 4, s->digest[i].rows);
        parity_store64(p + 12, s->digest[i].lo);
        parity_store64(p + 20, s->digest[i].hi);
        p += ENTRY;
    }
    return out;
}

pg_noreturn static void corrupted(void)
{
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("a stored live checksum is damaged"),
                    errhint("parity.track takes a new first digest of the table.")));
}

void parity_sums_read(ParitySums *to, Datum stored)
{
    bytea *b = DatumGetByteaPP(stored);
    const unsigned char *p = (const unsigned char *)VARDATA_ANY(b);
    size_t n = VARSIZE_ANY_EXHDR(b);

    if (n % ENTRY != 0)
        corrupted();
    for (const unsigned char *end = p + n; p < end; p += ENTRY) {
        uint32 bucket = load32(p);
        parity_digest d = {load64(p + 4), load64(p + 12), load64(p + 20)};

        if (bucket >= to->n || d.hi > PG_INT64_MAX || (d.hi == PG_INT64_MAX && d.lo == PG_UINT64_MAX))
            corrupted();
        parity_digest_shift(&to->digest[bucket], &d);
    }
    if ((Pointer)b != DatumGetPointer(stored))
        pfree(b);
}

/* ----------------------------------------------------------------------- coverage */

/* A transaction's number with its epoch; it is not in the future. */
static uint64 widen(TransactionId xid, FullTransactionId next)
{
    uint64 epoch = EpochFromFullTransactionId(next);

    if (xid > XidFromFullTransactionId(next))
        epoch--;
    return epoch << 32 | xid;
}

static int ascending(const void *a, const void *b)
{
    uint64 x = *(const uint64 *)a, y = *(const uint64 *)b;

    return x < y ? -1 : x > y;
}

/* Takes repetitions out of sorted numbers; how many are left. */
static size_t unique(uint64 *a, size_t n)
{
    size_t left = 0;

    for (size_t i = 0; i < n; i++)
        if (left == 0 || a[left - 1] != a[i])
            a[left++] = a[i];
    return left;
}

ParityCoverage *parity_coverage_of(Snapshot snapshot)
{
    FullTransactionId next = ReadNextFullTransactionId(), own = GetTopFullTransactionIdIfAny();
    ParityCoverage *c = palloc(offsetof(ParityCoverage, without) + (snapshot->xcnt + 1) * sizeof *c->without);

    c->end = widen(snapshot->xmax, next);
    c->n = 0;
    for (uint32 i = 0; i < snapshot->xcnt; i++)
        c->without[c->n++] = widen(snapshot->xip[i], next);
    /* a snapshot does not list the transaction that takes it, which may go on to change rows */
    if (FullTransactionIdIsValid(own))
        c->without[c->n++] = U64FromFullTransactionId(own);
    qsort(c->without, c->n, sizeof *c->without, ascending);
    /* a transaction that is just being prepared is in a snapshot twice: its own entry and the prepared one */
    c->n = (uint32)unique(c->without, c->n);
    parity_coverage_cut(c, c->end);
    return c;
}

void parity_coverage_cut(ParityCoverage *c, uint64 end)
{
    c->end = end;
    while (c->n > 0 && c->without[c->n - 1] >= end)
        c->n--;
}

bytea *parity_coverage_write(const ParityCoverage *c)
{
    size_t n = 8 * (2 + (size_t)c->n);
    bytea *out = palloc(VARHDRSZ + n);
    unsigned char *p = (unsigned char *)VARDATA(out);

    SET_VARSIZE(out, VARHDRSZ + n);
    parity_store64(p, c->end);
    parity_store64(p + 8, c->n);
    for (uint32 i = 0; i < c->n; i++)
        parity_store64(p + 16 + 8 * (size_t)i, c->without[i]);
    return out;
}

ParityCoverage *parity_coverage_read(Datum stored)
{
    bytea *b = DatumGetByteaPP(stored);
    const unsigned char *p = (const unsigned char *)VARDATA_ANY(b);
    size_t n = VARSIZE_ANY_EXHDR(b);
    ParityCoverage *c;

    if (n < 16 || n % 8 != 0 || load64(p + 8) != n / 8 - 2)
        corrupted();
    c = palloc(offsetof(ParityCoverage, without) + n);
    c->end = load64(p);
    c->n = (uint32)(n / 8 - 2);
    for (uint32 i = 0; i < c->n; i++)
        c->without[i] = load64(p + 16 + 8 * (size_t)i);
    return c;
}
