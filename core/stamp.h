/*
 * stamp.h - what stamp.c and interval.c share: digits of clocks and seconds,
 * counts of seconds with decimals of any length, FINE frames and rounding
 */
#ifndef PARITY_STAMP_H
#define PARITY_STAMP_H

#include "internal.h"

#define PARITY_DAY_SECONDS 86400

/* The number that two digits make, or one above 99 when they are not digits. */
static inline unsigned parity_two_digits(const char *p)
{
    unsigned tens = (unsigned)(p[0] - '0'), ones = (unsigned)(p[1] - '0');

    return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

/* Reads 1 to 9 decimals at *pp and moves it behind them; *billionths are those of the unit. */
static inline bool parity_read_decimals(const char **pp, const char *end, uint32_t *billionths)
{
    static const uint32_t scale[10] = {0, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    const char *p = *pp, *start = p;
    uint32_t value = 0;
    unsigned digit;

    while (p < end && (digit = (unsigned)(*p - '0')) <= 9) {
        if (p - start == 9)
            return false;
        value = value * 10 + digit;
        p++;
    }
    *pp = p;
    *billionths = value * scale[p - start];
    return p > start;
}

/* Room for all decimals that a double can have behind a millionth of a µs. */
#define PARITY_FINE_MAX 352

/* Seconds, exactly: sec and us are rounded towards -infinity, fine has the digits behind them, no zeros at its end. */
typedef struct parity_seconds {
    int64_t sec;
    int32_t us; /* 0 to 999,999 */
    uint32_t nfine;
    char fine[PARITY_FINE_MAX];
} parity_seconds;

/*
 * Reads an INTEGER, or a REAL by its shortest digits, that counts units of
 * 10^-unit seconds (unit 0, 3 or 6).  False for an infinite one and for 10^18
 * seconds or more.
 */
bool parity_seconds_read(const parity_value *v, int unit, parity_seconds *out);
/* Writes value < 10^width as width digits without the zeros at the end; returns how many are left. */
size_t parity_fine_digits(uint32_t value, int width, char *out);
/* Whether p is [+-]? "infinity" in any case, and which one: *sign 1 or -1. */
bool parity_read_infinity(const char *p, size_t n, int *sign);
/* Writes the head of a FINE frame; the frame that it holds must follow. */
parity_status parity_put_fine(parity_buf *b, const char *fine, size_t nfine);
/*
 * Rounds *us and the digits behind it to the µs and then to the kind's (p), as
 * FORMAT.md's "Rounding" has it.  False, and *us as it was, on overflow.
 */
bool parity_round_us(const parity_kind *k, const char *fine, size_t nfine, int64_t *us);

/* Whether rounding may change a value of kind k that has nfine digits behind its µs. */
static inline bool parity_may_round(const parity_kind *k, size_t nfine)
{
    return nfine > 0 || (k->has_scale && k->scale < 6);
}

#endif
