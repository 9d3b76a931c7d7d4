/*
 * shortest.c - the decimal digits of binary floating-point numbers, exactly
 *
 * A double or float x > 0 is c * 2^q.  The numbers that round to it lie between
 * x - low and x + high, where low = high = 2^(q-1), but low = 2^(q-2) when c is
 * the smallest mantissa of its exponent (a power of two).  FORMAT.md wants the
 * number strictly between with the fewest digits, and of several the closest.
 *
 * Choose k so that the interval's width times 10^k lies in [1, 10].  Then among
 * the multiples of 10^-k strictly inside there is at least one (a width of just
 * 1 happens only for q = k = 0, where x is whole and the bounds are halves), and
 * at most one is also a multiple of 10^(1-k).  If there is such a one it has
 * fewer digits than all others; if not, the multiples of 10^-k are the shortest,
 * and the one next to x counts.  (A multiple of 10 and a smaller number that is
 * none can have equally many digits only as 10 against 1 to 9: that is 2 * 2^-1074
 * for doubles, where 10 is also the closest, and no float.)  So all that is needed
 * is n = floor(x * 10^k), the remainder, and four comparisons.
 *
 * For 10^k with 0 <= k <= 25, which is any x from 5e-10 to 3e16, this is one
 * multiplication of 64 bits by 64 bits; all else uses long integers.
 * Nothing here is approximated.
 */
#include "number.h"

#include <string.h>

_Static_assert(FLT_RADIX == 2 && DBL_MANT_DIG == 53 && DBL_MAX_EXP == 1024 && sizeof(double) == 8 &&
                   FLT_MANT_DIG == 24 && FLT_MAX_EXP == 128 && sizeof(float) == 4,
               "float and double must be the IEEE 754 formats");

const uint64_t parity_pow5[28] = {
    UINT64_C(1), UINT64_C(5), UINT64_C(25), UINT64_C(125), UINT64_C(625), UINT64_C(3125), UINT64_C(15625),
    UINT64_C(78125), UINT64_C(390625), UINT64_C(1953125), UINT64_C(9765625), UINT64_C(48828125),
    UINT64_C(244140625), UINT64_C(1220703125), UINT64_C(6103515625), UINT64_C(30517578125),
    UINT64_C(152587890625), UINT64_C(762939453125), UINT64_C(3814697265625), UINT64_C(19073486328125),
    UINT64_C(95367431640625), UINT64_C(476837158203125), UINT64_C(2384185791015625),
    UINT64_C(11920928955078125), UINT64_C(59604644775390625), UINT64_C(298023223876953125),
    UINT64_C(1490116119384765625), UINT64_C(7450580596923828125)};

const uint64_t parity_pow10[20] = {
    UINT64_C(1), UINT64_C(10), UINT64_C(100), UINT64_C(1000), UINT64_C(10000), UINT64_C(100000),
    UINT64_C(1000000), UINT64_C(10000000), UINT64_C(100000000), UINT64_C(1000000000),
    UINT64_C(10000000000), UINT64_C(100000000000), UINT64_C(1000000000000), UINT64_C(10000000000000),
    UINT64_C(100000000000000), UINT64_C(1000000000000000), UINT64_C(10000000000000000),
    UINT64_C(100000000000000000), UINT64_C(1000000000000000000), UINT64_C(10000000000000000000)};

/* c * 2^q */
typedef struct binary {
    uint64_t c;
    int q;
    bool narrow; /* the interval is half as wide downwards */
} binary;

static binary split8(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t c = bits & ((UINT64_C(1) << 52) - 1);
    int e = (int)(bits >> 52 & 0x7FF);
    if (e == 0)
        return (binary){c, -1074, false};
    return (binary){c | UINT64_C(1) << 52, e - 1075, c == 0 && e > 1};
}

static binary split4(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t c = bits & ((UINT32_C(1) << 23) - 1);
    int e = (int)(bits >> 23 & 0xFF);
    if (e == 0)
        return (binary){c, -149, false};
    return (binary){c | UINT32_C(1) << 23, e - 150, c == 0 && e > 1};
}

/* floor(log10(2^e)), or with three_quarters floor(log10(3/4 * 2^e)); checked for all |e| <= 1100 */
static int floor_log10(int e, bool three_quarters)
{
    int64_t fixed = (int64_t)e * 1262611 - (three_quarters ? 524031 : 0); /* log10(2) * 2^22, -log10(3/4) * 2^22 */
    return (int)((fixed + (INT64_C(1000) << 22)) >> 22) - 1000;
}

/* *high * 2^64 + result = a * b */
static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *high)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    *high = (uint64_t)(product >> 64);
    return (uint64_t)product;
#else
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, mid = a1 * b0 + (low >> 32), mid2 = a0 * b1 + (uint32_t)mid;
    *high = a1 * b1 + (mid >> 32) + (mid2 >> 32);
    return mid2 << 32 | (uint32_t)low;
#endif
}

/* ---- long integers: n limbs of 32 bits, the lowest first, the highest not 0 */

#define BIG_LIMBS 32 /* the largest needed is 53 bits times 5^338: 838 bits */

typedef struct big {
    int n;
    uint32_t d[BIG_LIMBS];
} big;

static void big_set(big *a, uint64_t v)
{
    a->d[0] = (uint32_t)v;
    a->d[1] = (uint32_t)(v >> 32);
    a->n = a->d[1] != 0 ? 2 : a->d[0] != 0;
}

static void big_multiply(big *a, uint32_t by)
{
    uint64_t carry = 0;
    for (int i = 0; i < a->n; i++) {
        carry += (uint64_t)a->d[i] * by;
        a->d[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        a->d[a->n++] = (uint32_t)carry;
}

static void big_multiply_pow5(big *a, int k)
{
    for (; k > 13; k -= 13)
        big_multiply(a, (uint32_t)parity_pow5[13]);
    big_multiply(a, (uint32_t)parity_pow5[k]);
}

static void big_shift(big *a, int bits)
{
    int limbs = bits / 32;
    bits %= 32;
    if (a->n == 0)
        return;
    if (bits != 0)
        big_multiply(a, UINT32_C(1) << bits);
    memmove(a->d + limbs, a->d, (size_t)a->n * sizeof a->d[0]);
    memset(a->d, 0, (size_t)limbs * sizeof a->d[0]);
    a->n += limbs;
}

static int big_compare(const big *a, const big *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (int i = a->n - 1; i >= 0; i--)
        if (a->d[i] != b->d[i])
            return a->d[i] < b->d[i] ? -1 : 1;
    return 0;
}

static void big_add(big *a, const big *b)
{
    uint64_t carry = 0;
    for (int i = 0; i < b->n || carry != 0; i++) {
        if (i >= a->n)
            a->d[a->n++] = 0;
        carry += (uint64_t)a->d[i] + (i < b->n ? b->d[i] : 0);
        a->d[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* a -= b * by << 32 * at, as far as a's limbs go; returns whether that went below 0 (a is then 2^(32 n) too large). */
static bool big_subtract(big *a, const big *b, uint32_t by, int at)
{
    uint64_t carry = 0, borrow = 0;
    for (int i = at; i < a->n; i++) {
        carry += i - at < b->n ? (uint64_t)b->d[i - at] * by : 0;
        uint64_t difference = (uint64_t)a->d[i] - (uint32_t)carry - borrow;
        a->d[i] = (uint32_t)difference;
        borrow = difference >> 63;
        carry >>= 32;
    }
    return borrow != 0;
}

static void big_trim(big *a)
{
    while (a->n > 0 && a->d[a->n - 1] == 0)
        a->n--;
}

/*
 * Returns floor(a / b), which must be below 2^64, and leaves the remainder in a.
 * b's highest bit is set.  Knuth's algorithm D.
 */
static uint64_t big_divide(big *a, const big *b)
{
    uint64_t quotient = 0;
    for (int at = a->n - b->n; at >= 0; at--) {
        uint64_t head = a->d[at + b->n - 1];
        if (at + b->n < a->n)
            head |= (uint64_t)a->d[at + b->n] << 32;
        uint64_t limb = head / b->d[b->n - 1]; /* at most two too large */
        if (limb > UINT32_MAX)
            limb = UINT32_MAX;
        bool below = limb != 0 && big_subtract(a, b, (uint32_t)limb, at);
        while (below) {
            uint64_t carry = 0;
            limb--;
            for (int i = at; i < a->n; i++) {
                carry += (uint64_t)a->d[i] + (i - at < b->n ? b->d[i - at] : 0);
                a->d[i] = (uint32_t)carry;
                carry >>= 32;
            }
            below = carry == 0;
        }
        quotient = quotient << 32 | limb;
    }
    big_trim(a);
    return quotient;
}

/* Sets a / b = c * 2^q * 10^k and unit / b = 2^q * 10^k, all whole, the highest bit of b set. */
static void big_scale(uint64_t c, int q, int k, big *a, big *b, big *unit)
{
    int twos = q + k, normal = 0;
    big_set(a, c);
    big_set(b, 1);
    big_set(unit, 1);
    if (k >= 0) {
        big_multiply_pow5(a, k);
        big_multiply_pow5(unit, k);
    } else {
        big_multiply_pow5(b, -k);
    }
    if (twos < 0)
        big_shift(b, -twos);
    while ((b->d[b->n - 1] << normal & UINT32_C(0x80000000)) == 0)
        normal++;
    big_shift(b, normal);
    big_shift(a, normal + (twos > 0 ? twos : 0));
    big_shift(unit, normal + (twos > 0 ? twos : 0));
}

/* ---- shortest digits */

/*
 * Chooses from n = floor(x * 10^k), n + 1 and the multiples of 10 around them,
 * given which of these lie inside the interval; half compares the remainder with 1/2.
 */
static uint64_t choose(uint64_t n, bool ten_below, bool ten_above, bool n_inside, bool next_inside, int half)
{
    if (ten_below | ten_above)
        return n - n % 10 + (ten_above ? 10 : 0);
    if (n_inside && next_inside)
        return n + (half > 0 || (half == 0 && (n & 1) != 0));
    return n + !n_inside;
}

static uint64_t shortest_big(binary x, int k)
{
    big rest, one, low, high, gap;
    big_scale(4 * x.c, x.q - 2, k, &rest, &one, &low); /* low: a quarter of 2^q */
    uint64_t n = big_divide(&rest, &one);
    high = low;
    big_multiply(&high, 2);
    if (!x.narrow)
        low = high;

    uint32_t last = (uint32_t)(n % 10);
    gap = one;
    big_multiply(&gap, last);
    big_trim(&gap);
    big_add(&gap, &rest);
    bool ten_below = big_compare(&gap, &low) < 0;
    gap = one;
    big_multiply(&gap, 10 - last);
    big_subtract(&gap, &rest, 1, 0);
    big_trim(&gap);
    bool ten_above = big_compare(&gap, &high) < 0;
    gap = one;
    big_subtract(&gap, &rest, 1, 0);
    big_trim(&gap);
    return choose(n, ten_below, ten_above, big_compare(&rest, &low) < 0, big_compare(&gap, &high) < 0,
                  big_compare(&rest, &gap));
}

static uint64_t shortest(binary x, int *exponent)
{
    if (x.q <= 0 && x.q > -64 && x.c >> -x.q << -x.q == x.c) { /* whole and below 2^53: itself */
        *exponent = 0;
        return x.c >> -x.q;
    }
    int k = -floor_log10(x.q, x.narrow), shift = 2 - x.q - k;
    *exponent = -k;
    if (k < 0 || k > 25 || shift < 0 || shift > 60)
        return shortest_big(x, k);
    /* x * 10^k = 4c * 5^k / 2^shift: 55 bits times 59 bits; the remainder and ten times the divisor fit 64 bits */
    uint64_t unit = parity_pow5[k], high, low = multiply(4 * x.c, unit, &high);
    uint64_t one = UINT64_C(1) << shift, rest = low & (one - 1);
    uint64_t n = shift == 0 ? low : high << (64 - shift) | low >> shift;
    uint64_t last = n % 10, gap_low = x.narrow ? unit : 2 * unit, gap_high = 2 * unit;
    return choose(n, last * one + rest < gap_low, (10 - last) * one - rest < gap_high, rest < gap_low,
                  one - rest < gap_high, rest < one - rest ? -1 : rest > one - rest);
}

/*
 * Whether x, not whole, is the double of a number with the given decimals (at
 * most 22) and at most 15 digits.  It is then the only such number of x, and
 * lies inside the interval: a middle between two doubles has more digits.
 */
static inline bool has_decimals(double x, int decimals, double power, uint64_t *coefficient, int *exponent)
{
    double product = x * power;
    if (!PARITY_DOUBLE_ARITHMETIC || product >= 1e15)
        return false;
    uint64_t n = (uint64_t)(product + 0.5);
    double error = product - (double)n;
    if (error > product * DBL_EPSILON || error < -product * DBL_EPSILON || (double)n / power != x)
        return false;
    while (n % 10 == 0) {
        n /= 10;
        decimals--;
    }
    *coefficient = n;
    *exponent = -decimals;
    return true;
}

uint64_t parity_coefficient8(double x, int *exponent)
{
    uint64_t n;
    int64_t e = 0;
    if (x < 9e15 && (double)(n = (uint64_t)x) == x) {
        n = parity_strip_zeros(n, &e);
        *exponent = (int)e;
        return n;
    }
    /* prices and coordinates, the usual cases, a little faster */
    if (has_decimals(x, 2, 1e2, &n, exponent) || has_decimals(x, 6, 1e6, &n, exponent))
        return n;
    n = shortest(split8(x), exponent);
    e = *exponent;
    n = parity_strip_zeros(n, &e);
    *exponent = (int)e;
    return n;
}

uint64_t parity_coefficient4(float x, int *exponent)
{
    return shortest(split4(x), exponent);
}

int parity_shortest8(double x, char digits[20], int *exponent)
{
    return parity_write_u64(digits, parity_coefficient8(x, exponent));
}

int parity_shortest4(float x, char digits[12], int *exponent)
{
    int64_t e;
    uint64_t n = parity_coefficient4(x, exponent);
    e = *exponent;
    n = parity_strip_zeros(n, &e);
    *exponent = (int)e;
    return parity_write_u64(digits, n);
}

/* ---- 15 digits */

int parity_digits15(double x, char digits[20], int *exponent)
{
    uint64_t n = parity_coefficient8(x, exponent);
    if (n < parity_pow10[15] && x >= DBL_MIN) /* a number of 15 digits survives the way to a normal double and back */
        return parity_write_u64(digits, n);

    /* n = floor(x * 10^k) has 15 or 16 digits; half compares what is left over with 1/2 */
    binary v = split8(x);
    int magnitude = v.q, half;
    for (uint64_t c = v.c; c > 1; c >>= 1)
        magnitude++;
    int k = 14 - floor_log10(magnitude, false), shift = -v.q - k;
    bool exact;
    if (k >= 0 && k <= 25 && shift > 0 && shift <= 63) {
        uint64_t high, low = multiply(v.c, parity_pow5[k], &high), one = UINT64_C(1) << shift, rest = low & (one - 1);
        n = high << (64 - shift) | low >> shift;
        exact = rest == 0;
        half = rest < one - rest ? -1 : rest > one - rest;
    } else {
        big rest, one, unit;
        big_scale(v.c, v.q, k, &rest, &one, &unit);
        n = big_divide(&rest, &one);
        exact = rest.n == 0;
        big_multiply(&rest, 2);
        half = big_compare(&rest, &one);
    }
    if (n >= parity_pow10[15]) {
        uint64_t last = n % 10;
        half = last < 5 ? -1 : last > 5 || !exact;
        n /= 10;
        k--;
    }
    n += half > 0 || (half == 0 && (n & 1) != 0);
    int64_t stripped = 0;
    n = parity_strip_zeros(n, &stripped);
    *exponent = (int)stripped - k;
    return parity_write_u64(digits, n);
}
