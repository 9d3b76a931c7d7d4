/*
 * digest.c - the hash, and the algebra that sums hashes
 *
 * A digest is a number of rows and the sum of their row hashes, as integers
 * mod p = 2^127 - 1 (field.h).  A sum does not depend on the order of the rows,
 * merges and subtracts, and counts duplicates, which XOR would cancel.  p is a
 * prime, so that the same residues serve the sketch.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "field.h"
#include "internal.h"

parity_hash parity_hash_bytes(const void *p, size_t n, uint64_t seed)
{
    XXH128_hash_t h = seed == 0 ? XXH3_128bits(p, n) : XXH3_128bits_withSeed(p, n, seed);
    parity_hash out = {h.low64, h.high64};

    return out;
}

void parity_hash_store(parity_hash h, unsigned char out[16])
{
    for (int i = 0; i < 8; i++) {
        out[i] = (unsigned char)(h.hi >> (56 - 8 * i));
        out[8 + i] = (unsigned char)(h.lo >> (56 - 8 * i));
    }
}

/* Adds any 128-bit number to the sum, which stays below p. */
static inline void add_residue(parity_digest *d, uint64_t lo, uint64_t hi)
{
    parity_hash sum = {d->lo, d->hi};

    sum = parity_field_add_any(sum, lo, hi);
    d->lo = sum.lo;
    d->hi = sum.hi;
}

void parity_digest_add(parity_digest *d, parity_hash h)
{
    d->rows++;
    add_residue(d, h.lo, h.hi);
}

void parity_digest_add_row(parity_digest *d, const void *p, size_t n)
{
    XXH128_hash_t h = XXH3_128bits(p, n);

    d->rows++;
    add_residue(d, h.low64, h.high64);
}

void parity_digest_remove(parity_digest *d, parity_hash h)
{
    parity_hash whole = parity_field_reduce(h.lo, h.hi), sum = {d->lo, d->hi};

    d->rows--;
    sum = parity_field_subtract(sum, whole);
    d->lo = sum.lo;
    d->hi = sum.hi;
}

void parity_digest_remove_row(parity_digest *d, const void *p, size_t n)
{
    parity_digest_remove(d, parity_hash_bytes(p, n, 0));
}

void parity_digest_shift(parity_digest *d, const parity_digest *by)
{
    d->rows += by->rows;
    add_residue(d, by->lo, by->hi);
}

parity_status parity_digest_merge(parity_digest *d, const parity_digest *other, parity_error *err)
{
    if (d->rows + other->rows < d->rows)
        return parity_fail(err, PARITY_RANGE, NULL, NULL, "number of rows of a digest is out of range");
    d->rows += other->rows;
    add_residue(d, other->lo, other->hi);
    return PARITY_OK;
}

parity_status parity_digest_subtract(parity_digest *d, const parity_digest *other, parity_error *err)
{
    if (other->rows > d->rows)
        return parity_fail(err, PARITY_RANGE, "The digest to subtract has more rows than the one it is taken from.",
                           NULL, "number of rows of a digest is out of range");
    d->rows -= other->rows;
    add_residue(d, PARITY_P_LO - other->lo, PARITY_P_HI - other->hi); /* p - other */
    return PARITY_OK;
}

bool parity_digest_equal(const parity_digest *a, const parity_digest *b)
{
    return a->rows == b->rows && a->lo == b->lo && a->hi == b->hi;
}

size_t parity_digest_print(const parity_digest *d, char out[PARITY_DIGEST_TEXT_MAX])
{
    return (size_t)snprintf(out, PARITY_DIGEST_TEXT_MAX, PARITY_FORMAT "-%" PRIu64 "-%016" PRIx64 "%016" PRIx64,
                            d->rows, d->hi, d->lo);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

parity_status parity_digest_parse(const char *text, size_t n, parity_digest *out, parity_error *err)
{
    const char *what = "A digest is written p1-<rows>-<32 lower-case hex digits>.";
    size_t at = 1;
    uint64_t rows = 0, half[2] = {0, 0};

    if (n < 2 || text[0] != 'p' || text[1] < '1' || text[1] > '9')
        return parity_fail(err, PARITY_MALFORMED, what, NULL, "invalid digest");
    while (at < n && text[at] >= '0' && text[at] <= '9')
        at++;
    if (at >= n || text[at] != '-')
        return parity_fail(err, PARITY_MALFORMED, what, NULL, "invalid digest");
    if (at != 2 || text[1] != '1')
        return parity_fail(err, PARITY_VERSION, "This version reads digests of version p1.",
                           "Make both digests with the same version of parity.", "digest of another version");
    at++;
    if (at >= n || text[at] < '0' || text[at] > '9' || (text[at] == '0' && at + 1 < n && text[at + 1] != '-'))
        return parity_fail(err, PARITY_MALFORMED, what, NULL, "invalid digest");
    for (; at < n && text[at] >= '0' && text[at] <= '9'; at++) {
        unsigned digit = (unsigned)(text[at] - '0');

        if (rows > (UINT64_MAX - digit) / 10)
            return parity_fail(err, PARITY_MALFORMED, what, NULL, "invalid digest");
        rows = rows * 10 + digit;
    }
    if (at >= n || text[at] != '-' || n - at != 33)
        return parity_fail(err, PARITY_MALFORMED, what, NULL, "invalid digest");
    at++;
    for (int i = 0; i < 32; i++) {
        int digit = hex_digit(text[at + (size_t)i]);

        if (digit < 0)
            return parity_fail(err, PARITY_MALFORMED, what, NULL, "invalid digest");
        half[i / 16] = half[i / 16] << 4 | (uint64_t)digit;
    }
    if (!parity_field_valid(half[1], half[0]))
        return parity_fail(err, PARITY_MALFORMED, "The sum is not below 2^127 - 1.", NULL, "invalid digest");
    out->rows = rows;
    out->hi = half[0];
    out->lo = half[1];
    return PARITY_OK;
}
