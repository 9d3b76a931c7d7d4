/*
 * field.h - arithmetic mod p = 2^127 - 1, the field in which row hashes are summed
 *
 * p is a Mersenne prime: 2^127 = 1 (mod p), so the bits from 127 up are added
 * back at the bottom.  An element is a parity_hash below p.  Where the compiler
 * has 128-bit integers products use them; the portable product gives the same
 * and is compiled everywhere, so that tests can compare the two.
 */
#ifndef PARITY_FIELD_H
#define PARITY_FIELD_H

#include "parity.h"

#define PARITY_P_HI UINT64_C(0x7FFFFFFFFFFFFFFF)
#define PARITY_P_LO UINT64_C(0xFFFFFFFFFFFFFFFF)

/* a * b: the low half, and the high one to *hi. */
static inline uint64_t parity_mul64_portable(uint64_t a, uint64_t b, uint64_t *hi)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, m1 = a1 * b0 + (low >> 32), m2 = a0 * b1 + (uint32_t)m1;

    *hi = a1 * b1 + (m1 >> 32) + (m2 >> 32);
    return m2 << 32 | (uint32_t)low;
}

static inline uint64_t parity_mul64(uint64_t a, uint64_t b, uint64_t *hi)
{
#if defined(__SIZEOF_INT128__) && !defined(PARITY_PORTABLE)
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;

    *hi = (uint64_t)(product >> 64);
    return (uint64_t)product;
#else
    return parity_mul64_portable(a, b, hi);
#endif
}

/* The residue of hi * 2^64 + lo, of which hi is at most 2^64 - 1 and, give or take p, the rest below p. */
static inline parity_hash parity_field_reduce(uint64_t lo, uint64_t hi)
{
    parity_hash out;
    uint64_t carry = hi >> 63;

    hi &= PARITY_P_HI;
    lo += carry;
    hi += lo < carry;
    /* at most 2^127: p itself, or one more */
    if (hi > PARITY_P_HI || (hi == PARITY_P_HI && lo == PARITY_P_LO)) {
        carry = lo < PARITY_P_LO; /* a borrow */
        lo -= PARITY_P_LO;
        hi -= PARITY_P_HI + carry;
    }
    out.lo = lo;
    out.hi = hi;
    return out;
}

/* Any two 128-bit numbers of which the first is below p; the sum is below p. */
static inline parity_hash parity_field_add_any(parity_hash a, uint64_t lo, uint64_t hi)
{
    uint64_t carry = hi >> 63, sum_lo, sum_hi;

    hi &= PARITY_P_HI;
    lo += carry;
    hi += lo < carry;
    /* both are at most 2^127, so the sum fits 128 bits */
    sum_lo = a.lo + lo;
    sum_hi = a.hi + hi + (sum_lo < lo);
    return parity_field_reduce(sum_lo, sum_hi);
}

/* Of elements: */
static inline parity_hash parity_field_add(parity_hash a, parity_hash b)
{
    uint64_t lo = a.lo + b.lo, hi = a.hi + b.hi + (lo < b.lo);

    return parity_field_reduce(lo, hi);
}

static inline parity_hash parity_field_negate(parity_hash a)
{
    parity_hash out = {PARITY_P_LO - a.lo, PARITY_P_HI - a.hi};

    return a.lo == 0 && a.hi == 0 ? a : out;
}

static inline parity_hash parity_field_subtract(parity_hash a, parity_hash b)
{
    return parity_field_add(a, parity_field_negate(b));
}

static inline bool parity_field_is_zero(parity_hash a)
{
    return (a.lo | a.hi) == 0;
}

static inline bool parity_field_equal(parity_hash a, parity_hash b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

/* Whether lo and hi are an element: below p. */
static inline bool parity_field_valid(uint64_t lo, uint64_t hi)
{
    return hi < PARITY_P_HI || (hi == PARITY_P_HI && lo < PARITY_P_LO);
}

/* k * a for any 64-bit k. */
static inline parity_hash parity_field_scale(uint64_t k, parity_hash a)
{
    uint64_t h0, h1, w0 = parity_mul64(k, a.lo, &h0), w1 = parity_mul64(k, a.hi, &h1);
    parity_hash low;

    w1 += h0;
    h1 += w1 < h0;
    /* h1 : w1 : w0, of 191 bits */
    low.lo = w0;
    low.hi = w1 & PARITY_P_HI;
    return parity_field_add_any(parity_field_reduce(low.lo, low.hi), h1 << 1 | w1 >> 63, 0);
}

static inline parity_hash parity_field_multiply(parity_hash a, parity_hash b)
{
    parity_hash low = parity_field_scale(b.lo, a), high = parity_field_scale(b.hi, a);
    /* high * 2^64, of 191 bits */
    uint64_t top = high.hi << 1 | high.lo >> 63;
    parity_hash shifted = {0, high.lo & PARITY_P_HI};

    return parity_field_add_any(parity_field_add(low, shifted), top, 0);
}

/* 1 / a, as a^(p - 2); 0 of 0.  field.c */
parity_hash parity_field_invert(parity_hash a);

#endif
