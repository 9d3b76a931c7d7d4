/*
 * rollout.c - whether a key falls into a percentage of all keys
 *
 * A key has a position, a number below 2^64 that its hash gives; a percentage
 * has a bound; the keys below the bound are in.  All is integers, so that two
 * engines agree on every key, and a larger percentage only adds keys.
 */
#include "internal.h"

#define SEED UINT64_C(0x5061726974793172) /* so that positions say nothing of buckets and digests */
#define PLACES 19                         /* decimals of the fraction that count */
#define TEN_19 UINT64_C(10000000000000000000)

static const char below[] = "It is below 0.", above[] = "It is above 100.";

static parity_status refuse(parity_error *err, const char *detail)
{
    return parity_fail(err, PARITY_INVALID, detail, NULL, "percent must be a number from 0 to 100");
}

/* A fraction of 10^-19, below 1, as a fraction of 2^-64, rounded up. */
static uint64_t scale(uint64_t parts)
{
    uint64_t bound = 0;

    for (int i = 0; i < 64; i++) {
        bool half = parts >= TEN_19 / 2;

        parts = (half ? parts - TEN_19 / 2 : parts) * 2;
        bound = bound << 1 | half;
    }
    return bound + (parts > 0);
}

/* Digits times 10^exponent percent, not 100. */
static parity_status read_digits(parity_percent *out, const char *digits, size_t n, int32_t exponent,
                                 parity_error *err)
{
    int64_t first = (int64_t)exponent + (int64_t)n - 2; /* the fraction is 0.digits times 10^first */
    uint64_t parts = 0;

    if (first > 0)
        return refuse(err, above);
    for (int64_t i = first; i < first + PLACES; i++)
        parts = parts * 10 + (i >= 0 && i < (int64_t)n ? (uint64_t)(digits[i] - '0') : 0);
    out->bound = scale(parts);
    return PARITY_OK;
}

parity_status parity_percent_read(const unsigned char *frame, size_t n, parity_percent *out, parity_error *err)
{
    const unsigned char *p = frame;
    parity_frame f;

    out->bound = 0;
    out->all = false;
    if (!parity_frame_read(&p, frame + n, &f))
        return refuse(err, "It is not a number.");
    if (f.tag == PARITY_TAG_NULL)
        return refuse(err, "It is NULL.");
    if (f.tag == PARITY_TAG_INT) {
        if (f.i < 0 || f.i > 100)
            return refuse(err, f.i < 0 ? below : above);
        out->all = f.i == 100;
        out->bound = out->all ? 0 : scale((uint64_t)f.i * (TEN_19 / 100));
        return PARITY_OK;
    }
    if (f.tag != PARITY_TAG_DEC)
        return refuse(err, "It is not a number.");
    if (f.dec_class == 2)
        return refuse(err, "It is NaN.");
    if (f.dec_class == 1 || f.dec_class == 4)
        return refuse(err, below);
    if (f.dec_class == 3)
        return refuse(err, above);
    return read_digits(out, f.p, f.n, f.exponent, err);
}

uint64_t parity_rollout_position(const void *frames, size_t n)
{
    return parity_hash_bytes(frames, n, SEED).hi;
}
