/*
 * vector.c - the kind vector: a JSON array of numbers, or a BLOB of floats
 */
#include <math.h>
#include <string.h>

#include "internal.h"
#include "json_scan.h"

/* Puts the shortest digits of a finite f, which name the double that stands for it. */
static parity_status put_float(parity_buf *b, float f, bool *bad)
{
    parity_number x;
    int exponent = 0;

    x.negative = f < 0;
    x.digits = x.small;
    x.ndigits = f == 0 ? 0 : (size_t)parity_shortest4(fabsf(f), x.small, &exponent);
    x.exponent = exponent;
    return parity_json_number(b, &x, bad);
}

/* Takes the zeros off both ends. */
static void trim(parity_number *x)
{
    while (x->ndigits > 0 && x->digits[0] == '0') {
        x->digits++;
        x->ndigits--;
    }
    while (x->ndigits > 0 && x->digits[x->ndigits - 1] == '0') {
        x->ndigits--;
        x->exponent++;
    }
}

/* Whether the shortest digits of the finite d are the trimmed x. */
static bool is_shortest(double d, const parity_number *x)
{
    parity_number y;

    /* 15 digits survive a double that is not subnormal; up to 10^16 they are on no boundary */
    if (x->ndigits <= 15 && x->exponent <= 1 && fabs(d) >= 1e-290)
        return true;
    parity_number_of_double(d, &y);
    trim(&y);
    return y.ndigits == x->ndigits && y.exponent == x->exponent && memcmp(y.digits, x->digits, x->ndigits) == 0;
}

/* Puts the number at s as float4 reads decimal text. */
static parity_status put_number(parity_buf *b, parity_buf *scratch, const unsigned char *s, size_t n, bool *bad)
{
    parity_number x;
    double d;
    bool ok;

    PARITY_TRY(parity_number_parse((const char *)s, n, scratch, &x, &ok));
    if (!ok) {
        *bad = true;
        return PARITY_OK;
    }
    trim(&x);
    PARITY_TRY(parity_number_to_double(&x, scratch, &d));
    if (fabs(d) <= 3.4028234663852886e38 && (double)(float)d == d && x.ndigits > 0 && is_shortest(d, &x))
        return put_float(b, (float)d, bad);
    return parity_json_number(b, &x, bad); /* its own digits, also when these are those of a double */
}

static parity_status put_array(parity_buf *b, parity_buf *scratch, const unsigned char *s, size_t n, bool *bad)
{
    const unsigned char *e = s + n, *next;
    parity_json_parts parts;

    *bad = true;
    s = parity_json_blanks(s, e);
    if (s == e || *s++ != '[')
        return PARITY_OK;
    PARITY_TRY(parity_buf_puts(b, "["));
    s = parity_json_blanks(s, e);
    if (s == e || *s != ']') {
        for (;;) {
            next = parity_json_scan_number(s, e, &parts);
            if (next == NULL)
                return PARITY_OK;
            *bad = false;
            PARITY_TRY(put_number(b, scratch, s, (size_t)(next - s), bad));
            if (*bad)
                return PARITY_OK;
            *bad = true;
            s = parity_json_blanks(next, e);
            if (s == e || *s != ',')
                break;
            PARITY_TRY(parity_buf_puts(b, ","));
            s = parity_json_blanks(s + 1, e);
        }
    }
    if (s == e || *s++ != ']' || parity_json_blanks(s, e) != e)
        return PARITY_OK;
    *bad = false;
    return parity_buf_puts(b, "]");
}

static parity_status put_floats(parity_buf *b, const unsigned char *s, size_t n, bool *bad)
{
    *bad = n % 4 != 0;
    if (*bad)
        return PARITY_OK;
    PARITY_TRY(parity_buf_puts(b, "["));
    for (size_t i = 0; i < n && !*bad; i += 4) {
        uint32_t bits = (uint32_t)s[i] | (uint32_t)s[i + 1] << 8 | (uint32_t)s[i + 2] << 16 | (uint32_t)s[i + 3] << 24;
        float f;

        memcpy(&f, &bits, sizeof f);
        if (i > 0)
            PARITY_TRY(parity_buf_puts(b, ","));
        if (isfinite(f))
            PARITY_TRY(put_float(b, f, bad));
        else
            *bad = true;
    }
    return *bad ? PARITY_OK : parity_buf_puts(b, "]");
}

parity_status parity_read_vector(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                                 unsigned *notes, bool *bad)
{
    size_t start = b->len;
    const unsigned char *s = (const unsigned char *)(v->cls >= PARITY_STRING && v->n > 0 ? v->p : "");
    parity_status status = PARITY_OK;

    (void)k;
    (void)notes;
    *bad = true;
    PARITY_TRY(parity_buf_reserve(b, 5));
    b->data[b->len] = PARITY_TAG_JSON;
    b->len += 5;
    if (v->cls == PARITY_STRING)
        status = put_array(b, scratch, s, v->n, bad);
    else if (v->cls == PARITY_BLOB)
        status = put_floats(b, s, v->n, bad);
    if (status == PARITY_OK && !*bad && b->len - start - 5 > UINT32_MAX)
        status = PARITY_LIMIT;
    if (status != PARITY_OK || *bad)
        b->len = start;
    else
        parity_store32(b->data + start + 1, (uint32_t)(b->len - start - 5));
    return status;
}
