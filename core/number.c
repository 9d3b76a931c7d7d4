/*
 * number.c - numbers: reading decimal text, framing, rounding, and the kinds
 * int, decimal, float8 and float4
 *
 * What is usual (whole numbers, decimals of up to 19 digits) goes through one
 * 64-bit coefficient; everything else is handled as a string of digits that
 * stays where it was read.  Such a string is never copied but into the frame:
 * rounding shortens it and says whether its last digit counts one more.
 */
#include "number.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXPONENT_LIMIT INT64_C(100000000000000000) /* exponents are saturated here; no text is that long */

static const double power_of_ten[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- digits of an integer */

static int count_digits(uint64_t v)
{
#ifdef __GNUC__
    int guess = (64 - __builtin_clzll(v | 1)) * 1233 >> 12; /* bits * log10(2) */
    return guess + (guess == 0 || v >= parity_pow10[guess]);
#else
    int n = 1;
    while (n < 20 && v >= parity_pow10[n])
        n++;
    return n;
#endif
}

/* The 8 digits of v < 10^8 as 8 bytes, the first in the lowest. */
static uint64_t eight_digits(uint32_t v)
{
    uint64_t w = v / 10000 | (uint64_t)(v % 10000) << 32;
    uint64_t tens = w * 10486 >> 20 & UINT64_C(0x0000007F0000007F); /* each half by 100 */
    w = tens | (w - 100 * tens) << 16;
    tens = w * 103 >> 10 & UINT64_C(0x000F000F000F000F); /* each quarter by 10 */
    return (tens | (w - 10 * tens) << 8) + UINT64_C(0x3030303030303030);
}

static inline int write_u64(char *out, uint64_t v)
{
    unsigned char *p = (unsigned char *)out;
    int n = count_digits(v);
    if (n <= 8) {
        parity_store64(p, eight_digits((uint32_t)v) >> (64 - 8 * n));
        return n;
    }
    uint64_t high = v / 100000000, low = eight_digits((uint32_t)(v - high * 100000000));
    if (n <= 16) {
        parity_store64(p, eight_digits((uint32_t)high) >> (128 - 8 * n));
    } else {
        uint64_t top = high / 100000000;
        parity_store64(p, eight_digits((uint32_t)top) >> (192 - 8 * n));
        parity_store64(p + n - 16, eight_digits((uint32_t)(high - top * 100000000)));
    }
    parity_store64(p + n - 8, low);
    return n;
}

int parity_write_u64(char *out, uint64_t v)
{
    return write_u64(out, v);
}

/* The inverse, for at most 19 digits. */
static uint64_t read_u64(const char *digits, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (uint64_t)(digits[i] - '0');
    return v;
}

/* ---- frames */

parity_status parity_put_int(parity_buf *b, int64_t v)
{
    PARITY_TRY(parity_buf_reserve(b, 9));
    unsigned char *p = b->data + b->len;
    p[0] = PARITY_TAG_INT;
    parity_store64(p + 1, (uint64_t)v);
    b->len += 9;
    return PARITY_OK;
}

parity_status parity_put_f64(parity_buf *b, double v)
{
    uint64_t bits;
    PARITY_TRY(parity_buf_reserve(b, 9));
    memcpy(&bits, &v, sizeof bits);
    if (v != v)
        bits = UINT64_C(0x7FF8000000000000);
    else if (v == 0)
        bits = 0;
    unsigned char *p = b->data + b->len;
    p[0] = PARITY_TAG_F64;
    parity_store64(p + 1, bits);
    b->len += 9;
    return PARITY_OK;
}

parity_status parity_put_dec_special(parity_buf *b, int cls)
{
    if (cls < 2 || cls > 4)
        return PARITY_INVALID;
    PARITY_TRY(parity_buf_reserve(b, 2));
    b->data[b->len++] = PARITY_TAG_DEC;
    b->data[b->len++] = (unsigned char)cls;
    return PARITY_OK;
}

/* Whether coefficient * 10^exponent, exponent >= 0, fits into an i64, and then the value. */
static bool whole_value(bool negative, uint64_t coefficient, int64_t exponent, int64_t *value)
{
    uint64_t limit = (uint64_t)INT64_MAX + negative;
    if (exponent > 18 || coefficient > limit / parity_pow10[exponent])
        return false;
    coefficient *= parity_pow10[exponent];
    *value = !negative || coefficient == 0 ? (int64_t)coefficient : -(int64_t)(coefficient - 1) - 1;
    return true;
}

/* Starts a DEC frame of n digits, for which it leaves room, and returns where they go. */
static parity_status start_dec(parity_buf *b, bool negative, int64_t exponent, size_t n, char **digits)
{
    if (n > UINT32_MAX)
        return PARITY_LIMIT;
    PARITY_TRY(parity_buf_reserve(b, 18 + n)); /* parity_write_u64 wants 8 bytes */
    unsigned char *p = b->data + b->len;
    p[0] = PARITY_TAG_DEC;
    p[1] = negative;
    parity_store32(p + 2, (uint32_t)exponent);
    parity_store32(p + 6, (uint32_t)n);
    *digits = (char *)p + 10;
    b->len += 10 + n;
    return PARITY_OK;
}

/* A DEC frame; coefficient is not 0 and has no zeros at its end. */
static inline parity_status put_dec(parity_buf *b, bool negative, uint64_t coefficient, int32_t exponent)
{
    PARITY_TRY(parity_buf_reserve(b, 10 + 20));
    unsigned char *p = b->data + b->len;
    int n = write_u64((char *)p + 10, coefficient);
    p[0] = PARITY_TAG_DEC;
    p[1] = negative;
    parity_store32(p + 2, (uint32_t)exponent);
    parity_store32(p + 6, (uint32_t)n);
    b->len += 10 + (size_t)n;
    return PARITY_OK;
}

parity_status parity_put_small_number(parity_buf *b, bool negative, uint64_t coefficient, int exponent)
{
    int64_t e = exponent, value;
    if (coefficient == 0)
        return parity_put_int(b, 0);
    if (e < 0)
        coefficient = parity_strip_zeros(coefficient, &e);
    if (e >= 0) {
        if (whole_value(negative, coefficient, e, &value))
            return parity_put_int(b, value);
        coefficient = parity_strip_zeros(coefficient, &e);
    }
    if (e > INT32_MAX || e < INT32_MIN)
        return PARITY_LIMIT;
    return put_dec(b, negative, coefficient, (int32_t)e);
}

/* A number without zeros at either end of its digits; n = 0 is the number 0. */
typedef struct trimmed {
    bool negative;
    bool bump; /* the last digit, which is not 9, counts one more; without digits the number is 1 * 10^exponent */
    const char *digits;
    size_t n;
    int64_t exponent;
} trimmed;

static trimmed trim(bool negative, const char *digits, size_t n, int64_t exponent)
{
    if (exponent > EXPONENT_LIMIT)
        exponent = EXPONENT_LIMIT;
    if (exponent < -EXPONENT_LIMIT)
        exponent = -EXPONENT_LIMIT;
    while (n > 0 && digits[n - 1] == '0') {
        n--;
        exponent++;
    }
    while (n > 0 && *digits == '0') {
        digits++;
        n--;
    }
    return (trimmed){negative, false, digits, n, exponent};
}

static trimmed trim_number(const parity_number *x)
{
    return trim(x->negative, x->digits, x->ndigits, x->exponent);
}

static parity_status put_trimmed(parity_buf *b, const trimmed *t, bool *bad)
{
    size_t n = t->n != 0 ? t->n : t->bump;
    int64_t value;
    char *digits;
    if (n == 0)
        return parity_put_int(b, 0);
    if (t->exponent >= 0 && n + (uint64_t)t->exponent <= 19 &&
        whole_value(t->negative, read_u64(t->digits, t->n) + t->bump, t->exponent, &value))
        return parity_put_int(b, value);
    if (t->exponent > INT32_MAX || t->exponent < INT32_MIN) {
        *bad = true;
        return PARITY_OK;
    }
    PARITY_TRY(start_dec(b, t->negative, t->exponent, n, &digits));
    if (t->n == 0) {
        digits[0] = '1';
    } else {
        memcpy(digits, t->digits, n);
        digits[n - 1] = (char)(digits[n - 1] + t->bump);
    }
    return PARITY_OK;
}

parity_status parity_put_number(parity_buf *b, bool negative, const char *digits, size_t ndigits, int64_t exponent)
{
    bool bad = false;
    trimmed t = trim(negative, digits, ndigits, exponent);
    PARITY_TRY(put_trimmed(b, &t, &bad));
    return bad ? PARITY_LIMIT : PARITY_OK;
}

parity_status parity_put_parsed(parity_buf *b, const parity_number *x, bool *bad)
{
    trimmed t = trim_number(x);
    return put_trimmed(b, &t, bad);
}

parity_status parity_json_number(parity_buf *b, const parity_number *x, bool *bad)
{
    trimmed t = trim_number(x);
    if (t.n == 0)
        return parity_buf_put(b, "0", 1);
    if (t.exponent > INT32_MAX || t.exponent < INT32_MIN) {
        *bad = true;
        return PARITY_OK;
    }
    PARITY_TRY(parity_buf_reserve(b, t.n + 13)); /* sign, e, sign, 10 digits */
    char *start = (char *)b->data + b->len, *p = start;
    if (t.negative)
        *p++ = '-';
    memcpy(p, t.digits, t.n);
    p += t.n;
    if (t.exponent != 0) {
        *p++ = 'e';
        if (t.exponent < 0)
            *p++ = '-';
        p += parity_write_u64(p, (uint64_t)(t.exponent < 0 ? -t.exponent : t.exponent));
    }
    b->len += (size_t)(p - start);
    return PARITY_OK;
}

/* ---- from doubles, to doubles */

void parity_number_of_double(double x, parity_number *out)
{
    int exponent = 0;
    out->negative = x < 0;
    out->digits = out->small;
    out->ndigits = x == 0 ? 0 : (size_t)parity_shortest8(x < 0 ? -x : x, out->small, &exponent);
    out->exponent = exponent;
}

parity_status parity_real_text(parity_buf *b, double x)
{
    char digits[20];
    int exponent = 0, n = 0;
    if (x != x)
        return parity_buf_put(b, "NaN", 3);
    if (x > DBL_MAX || x < -DBL_MAX)
        return parity_buf_puts(b, x > 0 ? "Inf" : "-Inf");
    if (x == 0)
        return parity_buf_put(b, "0.0", 3);
    PARITY_TRY(parity_buf_reserve(b, 40));
    char *start = (char *)b->data + b->len, *p = start;
    if (x < 0)
        *p++ = '-';
    n = parity_shortest8(x < 0 ? -x : x, digits, &exponent);
    int e = n + exponent - 1; /* of the first digit */
    if (e >= 0 && e <= 14) {
        for (int i = 0; i <= e || i < n; i++) {
            if (i == e + 1)
                *p++ = '.';
            *p++ = i < n ? digits[i] : '0';
        }
        if (n <= e + 1) {
            *p++ = '.';
            *p++ = '0';
        }
    } else if (e < 0 && e >= -4) {
        *p++ = '0';
        *p++ = '.';
        for (int i = e + 1; i < 0; i++)
            *p++ = '0';
        memcpy(p, digits, (size_t)n);
        p += n;
    } else {
        *p++ = digits[0];
        *p++ = '.';
        if (n == 1)
            *p++ = '0';
        memcpy(p, digits + 1, (size_t)n - 1);
        p += n - 1;
        *p++ = 'e';
        *p++ = e < 0 ? '-' : '+';
        e = e < 0 ? -e : e;
        if (e < 10)
            *p++ = '0';
        p += parity_write_u64(p, (uint64_t)e);
    }
    b->len += (size_t)(p - start);
    return PARITY_OK;
}

/* coefficient * 10^exponent where that takes one rounding at most; false where it does not. */
static bool easy_double(uint64_t coefficient, int64_t exponent, double *out)
{
    if (!PARITY_DOUBLE_ARITHMETIC || coefficient > UINT64_C(1) << 53)
        return false;
    if (exponent > 22 && exponent <= 22 + 15) {
        if (coefficient > (UINT64_C(1) << 53) / parity_pow10[exponent - 22])
            return false;
        coefficient *= parity_pow10[exponent - 22];
        exponent = 22;
    }
    if (exponent < -22 || exponent > 22)
        return false;
    *out = exponent < 0 ? (double)coefficient / power_of_ten[-exponent] : (double)coefficient * power_of_ten[exponent];
    return true;
}

/*
 * Digits behind the 770th only matter by not being all 0: no double, and no
 * middle between two, has more.
 */
#define DOUBLE_DIGITS 780

static double double_of(const trimmed *t)
{
    double x = 0;
    int64_t point = t->exponent + (int64_t)t->n; /* the value is below 10^point, and at least a tenth of that */
    if (t->n == 0 || point < -323)
        return 0;
    if (point > 309) {
        x = HUGE_VAL;
    } else if (t->n > 19 || !easy_double(read_u64(t->digits, t->n), t->exponent, &x)) {
        char text[DOUBLE_DIGITS + 32]; /* digits, e, exponent: no point, so that no locale matters */
        size_t n = t->n < DOUBLE_DIGITS ? t->n : DOUBLE_DIGITS;
        memcpy(text, t->digits, n);
        if (n < t->n)
            text[n++] = '1'; /* the last digit of all is not 0 */
        int64_t exponent = point - (int64_t)n;
        char *p = text + n;
        *p++ = 'e';
        if (exponent < 0)
            *p++ = '-';
        p += parity_write_u64(p, (uint64_t)(exponent < 0 ? -exponent : exponent));
        *p = 0;
        x = strtod(text, NULL);
    }
    return t->negative ? -x : x;
}

parity_status parity_number_to_double(const parity_number *x, parity_buf *scratch, double *out)
{
    (void)scratch;
    trimmed t = trim_number(x);
    *out = double_of(&t);
    return PARITY_OK;
}

/* Whether the shortest digits of x are the number t. */
static bool names_double(const trimmed *t, double x)
{
    int exponent;
    if (x > DBL_MAX || x < -DBL_MAX)
        return false;
    if (t->n == 0 || x == 0)
        return t->n == 0 && x == 0;
    if (t->n > 19)
        return false;
    uint64_t coefficient = parity_coefficient8(x < 0 ? -x : x, &exponent);
    return exponent == t->exponent && coefficient == read_u64(t->digits, t->n);
}

/* Whether coefficient * 10^exponent, the shortest digits of a finite x > 0, is its exact value. */
static bool is_exact(double x, uint64_t coefficient, int exponent)
{
    uint64_t mantissa;
    for (; exponent < 0; exponent++) { /* nearly always decided at once */
        if (coefficient % 5 != 0)
            return false;
        coefficient /= 5;
    }
    memcpy(&mantissa, &x, sizeof mantissa);
    bool subnormal = (mantissa >> 52 & 0x7FF) == 0;
    mantissa &= (UINT64_C(1) << 52) - 1;
    if (!subnormal)
        mantissa |= UINT64_C(1) << 52;
    for (; exponent > 0; exponent--) {
        if (mantissa % 5 != 0)
            return false;
        mantissa /= 5;
    }
    /* But for powers of two these are the two numbers: that close together, they are equal if their odd parts are. */
    while ((mantissa & 1) == 0)
        mantissa >>= 1;
    while ((coefficient & 1) == 0)
        coefficient >>= 1;
    return mantissa == coefficient;
}

/* The double that the shortest digits of a finite f > 0 name. */
static double named_by_float(float f)
{
    int exponent;
    double x;
    uint64_t coefficient = parity_coefficient4(f, &exponent);
    if (!easy_double(coefficient, exponent, &x)) {
        char digits[20];
        int n = parity_write_u64(digits, coefficient);
        trimmed t = trim(false, digits, (size_t)n, exponent);
        x = double_of(&t);
    }
    return x;
}

double parity_float4_as_double(float f)
{
    if (f > 0 && f <= FLT_MAX)
        return named_by_float(f);
    if (f < 0 && f >= -FLT_MAX)
        return -named_by_float(-f);
    return f;
}

double parity_float4_rule(double x)
{
    if (!(x >= -FLT_MAX && x <= FLT_MAX) || (double)(float)x != x)
        return x;
    return parity_float4_as_double((float)x);
}

/* Rounded to float4 as FORMAT.md has it. */
static double round_to_float4(double x)
{
    const double beyond = 0x1.ffffffp127; /* from here on the nearest float is infinity */
    return x > -beyond && x < beyond ? parity_float4_as_double((float)x) : x;
}

/* ---- reading */

/* Decimal text of up to 19 digits without an exponent, the usual case.  False: look at it properly. */
static bool parse_small(const char *p, size_t n, bool *negative, uint64_t *coefficient, int *exponent)
{
    uint64_t v = 0;
    size_t at = 0, point = 0; /* point: its place, counted from 1 */
    *negative = false;
    if (n > 0 && (*p == '-' || *p == '+')) {
        *negative = *p++ == '-';
        n--;
    }
    if (n == 0 || n > 20)
        return false;
    for (; at < n; at++) {
        unsigned digit = (unsigned char)p[at] - (unsigned)'0';
        if (digit <= 9)
            v = v * 10 + digit;
        else if (p[at] == '.' && point == 0)
            point = at + 1;
        else
            return false;
    }
    if (point == 0 ? n > 19 : point == n)
        return false;
    *coefficient = v;
    *exponent = point == 0 ? 0 : (int)point - (int)n;
    return true;
}

parity_status parity_number_parse(const char *p, size_t n, parity_buf *scratch, parity_number *out, bool *ok)
{
    size_t at = 0;
    int64_t exponent = 0;
    bool exponent_negative = false;
    *ok = false;
    out->negative = false;
    out->digits = out->small;
    out->ndigits = 0;
    out->exponent = 0;
    if (at < n && (p[at] == '+' || p[at] == '-'))
        out->negative = p[at++] == '-';
    size_t whole = at;
    while (at < n && is_digit(p[at]))
        at++;
    size_t nwhole = at - whole, fraction = at, nfraction = 0;
    if (at < n && p[at] == '.') {
        fraction = ++at;
        while (at < n && is_digit(p[at]))
            at++;
        nfraction = at - fraction;
        if (nfraction == 0)
            return PARITY_OK;
    }
    if (nwhole + nfraction == 0)
        return PARITY_OK;
    if (at < n && (p[at] == 'e' || p[at] == 'E')) {
        at++;
        if (at < n && (p[at] == '+' || p[at] == '-'))
            exponent_negative = p[at++] == '-';
        size_t first = at;
        for (; at < n && is_digit(p[at]); at++)
            if (exponent < EXPONENT_LIMIT)
                exponent = exponent * 10 + (p[at] - '0');
        if (at == first)
            return PARITY_OK;
        if (exponent > EXPONENT_LIMIT)
            exponent = EXPONENT_LIMIT;
        if (exponent_negative)
            exponent = -exponent;
    }
    if (at < n)
        return PARITY_OK;
    *ok = true;

    while (nwhole > 0 && p[whole] == '0') {
        whole++;
        nwhole--;
    }
    while (nfraction > 0 && p[fraction + nfraction - 1] == '0')
        nfraction--;
    out->exponent = exponent - (int64_t)nfraction;
    out->ndigits = nwhole + nfraction;
    if (nfraction == 0) {
        out->digits = p + whole;
    } else if (nwhole == 0) {
        out->digits = p + fraction;
    } else {
        char *digits = out->small;
        if (out->ndigits > sizeof out->small) {
            scratch->len = 0;
            PARITY_TRY(parity_buf_reserve(scratch, out->ndigits));
            scratch->len = out->ndigits;
            digits = (char *)scratch->data;
        }
        memcpy(digits, p + whole, nwhole);
        memcpy(digits + nwhole, p + fraction, nfraction);
        out->digits = digits;
    }
    return PARITY_OK;
}

/* `word` (lower case) in any case */
static bool is_word(const char *p, size_t n, const char *word)
{
    for (; n > 0 && *word != 0; p++, n--, word++)
        if ((*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p) != *word)
            return false;
    return n == 0 && *word == 0;
}

/* nan, [+-]?inf, [+-]?infinity: the class of DEC, or 0. */
static int read_special(const char *p, size_t n)
{
    int cls = 3;
    if (n == 0)
        return 0;
    if (is_word(p, n, "nan"))
        return 2;
    if (*p == '+' || *p == '-') {
        cls = *p == '-' ? 4 : 3;
        p++;
        n--;
    }
    return is_word(p, n, "inf") || is_word(p, n, "infinity") ? cls : 0;
}

/* ---- rounding */

/* Rounds to a multiple of 10^-scale, ties to even or away from zero; returns whether that changed the value. */
static bool round_trimmed(trimmed *t, int64_t scale, bool ties_to_even)
{
    if (t->n == 0 || t->exponent >= -scale)
        return false;
    int64_t keep = (int64_t)t->n + t->exponent + scale;
    bool up = false;
    if (keep >= 0) {
        size_t at = (size_t)keep; /* < n */
        up = t->digits[at] > '5' ||
             (t->digits[at] == '5' &&
              (at + 1 < t->n || !ties_to_even || (at > 0 && (t->digits[at - 1] & 1) != 0)));
    }
    t->n = keep > 0 ? (size_t)keep : 0;
    t->exponent = -scale;
    t->bump = up;
    while (t->n > 0 && t->digits[t->n - 1] == (up ? '9' : '0')) {
        t->n--;
        t->exponent++;
    }
    return true;
}

/* ---- the kinds */

/* Frames a number under int or decimal, rounded if k says so. */
static parity_status put_exact(parity_buf *b, const parity_kind *k, trimmed t, unsigned *notes, bool *bad)
{
    if (k->id == PARITY_INT || k->has_scale) {
        trimmed rounded = t;
        if (round_trimmed(&rounded, k->id == PARITY_INT ? 0 : k->scale, k->id == PARITY_INT)) {
            *notes |= PARITY_NOTE_ROUNDS;
            if (k->options & PARITY_OPT_ROUND)
                t = rounded;
        }
    }
    return put_trimmed(b, &t, bad);
}

/* The same for coefficient * 10^exponent. */
static parity_status put_exact_small(parity_buf *b, const parity_kind *k, bool negative, uint64_t coefficient,
                                     int exponent, unsigned *notes, bool *bad)
{
    bool plain = k->id == PARITY_INT ? exponent >= 0 : !k->has_scale || exponent >= -(int64_t)k->scale;
    if (plain || coefficient == 0)
        return parity_put_small_number(b, negative, coefficient, exponent);
    char digits[20];
    int n = parity_write_u64(digits, coefficient);
    return put_exact(b, k, trim(negative, digits, (size_t)n, exponent), notes, bad);
}

static parity_status put_float(parity_buf *b, const parity_kind *k, double x, unsigned *notes)
{
    if (k->id == PARITY_FLOAT4 && x == x) {
        double rounded = round_to_float4(x);
        if (x != rounded && (double)(float)x != x) {
            *notes |= PARITY_NOTE_ROUNDS;
            if ((k->options & PARITY_OPT_ROUND) == 0)
                rounded = x;
        }
        x = rounded; /* of a float the double that stands for it, rounded or not */
    }
    return parity_put_f64(b, x);
}

/* Whether t is the number of the shortest digits of a float; x is its double. */
static bool names_float(const trimmed *t, double x)
{
    char digits[12];
    int exponent;
    float f;
    if (t->n == 0 || t->n > 9 || !(x > -FLT_MAX && x < FLT_MAX))
        return false;
    f = (float)(x < 0 ? -x : x);
    return f > 0 && parity_shortest4(f, digits, &exponent) == (int)t->n && exponent == t->exponent &&
           memcmp(digits, t->digits, t->n) == 0;
}

/* Frames a number under float8 or float4. */
static parity_status put_number_as_float(parity_buf *b, const parity_kind *k, const trimmed *t, unsigned *notes,
                                         bool *bad)
{
    double x = double_of(t);
    if (names_double(t, x))
        return put_float(b, k, x, notes);
    /* shortest digits of a float that lie on the border between two doubles are not those of either */
    if (k->id == PARITY_FLOAT4 && names_float(t, x))
        return parity_put_f64(b, x);
    *notes |= PARITY_NOTE_ROUNDS;
    if (k->options & PARITY_OPT_ROUND)
        return parity_put_f64(b, k->id == PARITY_FLOAT4 ? round_to_float4(x) : x);
    return put_trimmed(b, t, bad);
}

static parity_status read_integer(parity_buf *b, const parity_kind *k, int64_t i, unsigned *notes, bool *bad)
{
    uint64_t magnitude = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    if (k->id == PARITY_FLOAT8 || k->id == PARITY_FLOAT4) {
        char digits[20];
        if (magnitude <= UINT64_C(1) << 53)
            return put_float(b, k, (double)i, notes);
        int n = parity_write_u64(digits, magnitude);
        trimmed t = trim(i < 0, digits, (size_t)n, 0);
        return put_number_as_float(b, k, &t, notes, bad);
    }
    if (k->id == PARITY_INT && i < 0 && (k->options & PARITY_OPT_UINT64))
        return parity_put_small_number(b, false, (uint64_t)i, 0);
    if (k->id == PARITY_DECIMAL && k->has_scale && k->scale < 0)
        return put_exact_small(b, k, i < 0, magnitude, 0, notes, bad);
    return parity_put_int(b, i);
}

static parity_status read_real(parity_buf *b, const parity_kind *k, double x, unsigned *notes, bool *bad)
{
    uint64_t coefficient;
    int exponent;
    if (k->id == PARITY_FLOAT8 || k->id == PARITY_FLOAT4)
        return put_float(b, k, x, notes);
    if (x != x) {
        *bad = k->id != PARITY_DECIMAL;
        return *bad ? PARITY_OK : parity_put_dec_special(b, 2);
    }
    if (x > DBL_MAX || x < -DBL_MAX)
        return parity_put_dec_special(b, x > 0 ? 3 : 4);
    if (x == 0)
        return parity_put_int(b, 0);
    if (k->id == PARITY_INT && x >= -0x1p63 && x < 0x1p63 && (double)(int64_t)x == x)
        return parity_put_int(b, (int64_t)x);
    double magnitude = x < 0 ? -x : x;
    if (k->id == PARITY_DECIMAL && (k->options & PARITY_OPT_DIGITS15)) {
        char digits[20];
        int n = parity_digits15(magnitude, digits, &exponent);
        return put_exact(b, k, trim(x < 0, digits, (size_t)n, exponent), notes, bad);
    }
    coefficient = parity_coefficient8(magnitude, &exponent);
    if (k->id == PARITY_DECIMAL && !is_exact(magnitude, coefficient, exponent))
        *notes |= PARITY_NOTE_DIGITS;
    if (k->id == PARITY_DECIMAL && exponent < 0 && (!k->has_scale || exponent >= -(int64_t)k->scale))
        return put_dec(b, x < 0, coefficient, exponent); /* as put_exact_small would, sooner */
    return put_exact_small(b, k, x < 0, coefficient, exponent, notes, bad);
}

static parity_status read_text(parity_buf *b, parity_buf *scratch, const parity_kind *k, const char *p, size_t n,
                               unsigned *notes, bool *bad)
{
    bool is_float = k->id == PARITY_FLOAT8 || k->id == PARITY_FLOAT4, negative, ok;
    uint64_t coefficient;
    int exponent;
    if (parse_small(p, n, &negative, &coefficient, &exponent)) {
        double x;
        if (!is_float)
            return put_exact_small(b, k, negative, coefficient, exponent, notes, bad);
        /* a number of 15 digits is the shortest one of its double */
        if (coefficient < parity_pow10[15] && easy_double(coefficient, exponent, &x))
            return put_float(b, k, negative ? -x : x, notes);
    }
    parity_number number;
    PARITY_TRY(parity_number_parse(p, n, scratch, &number, &ok));
    if (ok) {
        trimmed t = trim_number(&number);
        return is_float ? put_number_as_float(b, k, &t, notes, bad) : put_exact(b, k, t, notes, bad);
    }
    int special = k->id == PARITY_INT ? 0 : read_special(p, n);
    if (special == 0) {
        *bad = true;
        return PARITY_OK;
    }
    if (!is_float)
        return parity_put_dec_special(b, special);
    return parity_put_f64(b, special == 2 ? NAN : special == 3 ? HUGE_VAL : -HUGE_VAL);
}

parity_status parity_read_numeric(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                                  unsigned *notes, bool *bad)
{
    switch (v->cls) {
    case PARITY_INTEGER:
        return read_integer(b, k, v->i, notes, bad);
    case PARITY_REAL:
        return read_real(b, k, v->r, notes, bad);
    case PARITY_STRING:
        return read_text(b, scratch, k, v->p, v->n, notes, bad);
    default: /* blob=utf8 */
        *notes |= PARITY_NOTE_OPTION;
        *bad = true;
        return PARITY_OK;
    }
}
