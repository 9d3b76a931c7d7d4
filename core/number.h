/*
 * number.h - what number.c and shortest.c share with each other only
 */
#ifndef PARITY_NUMBER_H
#define PARITY_NUMBER_H

#include "internal.h"

#include <float.h>

/* Products and quotients of two doubles are rounded only once (not so on the x87). */
#define PARITY_DOUBLE_ARITHMETIC (FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 16)

extern const uint64_t parity_pow5[28];  /* all that fit */
extern const uint64_t parity_pow10[20]; /* all that fit */

/* The number of the shortest digits of a finite x > 0, as an integer of at most 18 digits times 10^*exponent. */
uint64_t parity_coefficient8(double x, int *exponent); /* without zeros at its end */
uint64_t parity_coefficient4(float x, int *exponent);  /* may have zeros at its end */

/* Takes all factors of 10 out of v > 0 and counts them into *exponent. */
static inline uint64_t parity_strip_zeros(uint64_t v, int64_t *exponent)
{
    if (v % 10 != 0)
        return v;
    while (v % 100000000 == 0) {
        v /= 100000000;
        *exponent += 8;
    }
    if (v % 10000 == 0) {
        v /= 10000;
        *exponent += 4;
    }
    if (v % 100 == 0) {
        v /= 100;
        *exponent += 2;
    }
    if (v % 10 == 0) {
        v /= 10;
        *exponent += 1;
    }
    return v;
}

/* Writes the digits of v, without a NUL; returns how many they are (at most 20).  Writes 8 bytes at least. */
int parity_write_u64(char *out, uint64_t v);

#endif
