/*
 * candidate.c - the values that a frame may stand for: as an integer, a REAL,
 * text or a BLOB under its kind and options
 *
 * None of them is sure to be read as the frame: that is for parity_fits to say.
 */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json_scan.h"
#include "literal.h"
#include "stamp.h"

#define UNIX_SECONDS INT64_C(946684800)       /* from 1970 to 2000 */
#define JULIAN_US INT64_C(211813444800000000) /* from -4713-11-24 12:00 to 2000 */
#define DAY_US INT64_C(86400000000)
#define DAY_MS 86400000.0

void parity_because(parity_work *w, const char *format, ...)
{
    va_list args;

    if (w->why[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(w->why, sizeof w->why, format, args);
    va_end(args);
}

parity_status parity_fits(parity_work *w, const parity_value *v, bool *out)
{
    unsigned notes = 0;

    w->again.len = 0;
    PARITY_TRY(parity_put_value(&w->again, w->scratch, &w->t->kind, v, &notes));
    *out = w->again.len == w->n && memcmp(w->again.data, w->frame, w->n) == 0;
    return PARITY_OK;
}

void parity_set_string(parity_value *v, const parity_buf *text)
{
    v->cls = PARITY_STRING;
    v->p = text->len > 0 ? (const char *)text->data : ""; /* of no text data may be NULL */
    v->n = text->len;
}

const char *parity_skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* ---------------------------------------------------------------- candidates */

void parity_order_forms(const parity_work *w, parity_form out[PARITY_NFORMS])
{
    static const parity_form
        numbers_first[] = {PARITY_F_INTEGER, PARITY_F_REAL, PARITY_F_TEXT, PARITY_F_OTHER_TEXT, PARITY_F_BLOB},
        text_first[] = {PARITY_F_TEXT, PARITY_F_OTHER_TEXT, PARITY_F_INTEGER, PARITY_F_REAL, PARITY_F_BLOB},
        real_first[] = {PARITY_F_REAL, PARITY_F_INTEGER, PARITY_F_TEXT, PARITY_F_OTHER_TEXT, PARITY_F_BLOB},
        blob_first[] = {PARITY_F_BLOB, PARITY_F_TEXT, PARITY_F_OTHER_TEXT, PARITY_F_INTEGER, PARITY_F_REAL};
    const parity_kind *k = &w->t->kind;
    const parity_form *order = text_first;

    switch (w->f.tag) {
    case PARITY_TAG_INT:
        order = numbers_first;
        break;
    case PARITY_TAG_DEC:
        order = w->t->store == PARITY_STORE_ANY_TEXT ? text_first : numbers_first;
        break;
    case PARITY_TAG_F64:
        order = real_first;
        break;
    case PARITY_TAG_BYTES:
        order = k->options & PARITY_OPT_TEXT ? text_first : blob_first;
        break;
    case PARITY_TAG_UUID:
        order = (k->options & PARITY_OPT_DOTNET) || w->t->store == PARITY_STORE_BLOB ? blob_first : text_first;
        break;
    case PARITY_TAG_JSON:
        order = k->id == PARITY_VECTOR && w->t->store == PARITY_STORE_BLOB ? blob_first : text_first;
        break;
    default:
        if (k->options & (PARITY_OPT_EPOCH | PARITY_OPT_JULIAN | PARITY_OPT_UNIT))
            order = numbers_first;
    }
    if (w->t->strict)
        order = text_first; /* types read text */
    memcpy(out, order, sizeof numbers_first);
}

/* Seconds and µs (0 to 999,999) of a moment or span that counts as a number; false when it has none. */
static bool count_of(const parity_work *w, int64_t *sec, int64_t *us)
{
    const parity_kind *k = &w->t->kind;
    const parity_frame *f = &w->f;
    bool moment = f->tag == PARITY_TAG_STAMP || f->tag == PARITY_TAG_DATE;
    int64_t i = f->i, from = moment ? UNIX_SECONDS : 0;

    if (f->tag == PARITY_TAG_INTERVAL ? !(k->options & PARITY_OPT_UNIT) || f->months != 0
                                      : !(k->options & PARITY_OPT_EPOCH) || (!moment && f->tag != PARITY_TAG_TIME))
        return false;
    if (f->tag == PARITY_TAG_DATE) {
        *sec = i * 86400 + from;
        *us = 0;
        return i != INT32_MAX && i != INT32_MIN;
    }
    if (f->tag == PARITY_TAG_STAMP && (i == INT64_MAX || i == INT64_MIN))
        return false;
    *sec = i / 1000000;
    *us = i % 1000000;
    if (*us < 0) {
        *us += 1000000;
        --*sec;
    }
    *sec += from;
    if (f->tag == PARITY_TAG_INTERVAL)
        *sec += (int64_t)f->days * 86400;
    return true;
}

/* The same as a whole number of the kind's units. */
static bool whole_count(const parity_work *w, int64_t *out)
{
    int64_t sec, us, per_second = w->t->kind.unit == 0 ? 1 : w->t->kind.unit == 3 ? 1000 : 1000000;

    if (w->f.nfine > 0 || !count_of(w, &sec, &us) || us % (1000000 / per_second) != 0 ||
        sec >= INT64_MAX / per_second || sec <= INT64_MIN / per_second)
        return false;
    *out = sec * per_second + us / (1000000 / per_second);
    return true;
}

/* The double nearest to digits * 10^exponent; false when it is infinite. */
static parity_status nearest(parity_work *w, bool negative, const char *digits, size_t n, int64_t exponent, double *out,
                             bool *finite)
{
    parity_number x;

    x.negative = negative;
    x.digits = digits;
    x.ndigits = n;
    x.exponent = exponent;
    PARITY_TRY(parity_number_to_double(&x, w->scratch, out));
    *finite = *out >= -DBL_MAX && *out <= DBL_MAX;
    return PARITY_OK;
}

static parity_status make_real(parity_work *w, double *out, bool *made)
{
    const parity_kind *k = &w->t->kind;
    const parity_frame *f = &w->f;
    char digits[PARITY_FINE_MAX + 24];
    int64_t sec, us, total;
    uint64_t size;
    int n;

    *made = true;
    switch (f->tag) {
    case PARITY_TAG_INT:
        *out = (double)f->i;
        return PARITY_OK;
    case PARITY_TAG_DEC:
        if (f->dec_class >= 2) {
            *out = f->dec_class == 3 ? HUGE_VAL : -HUGE_VAL;
            *made = f->dec_class != 2;
            return PARITY_OK;
        }
        return nearest(w, f->dec_class == 1, f->p, f->n, f->exponent, out, made);
    case PARITY_TAG_F64:
        *out = f->r;
        *made = f->r == f->r;
        return PARITY_OK;
    case PARITY_TAG_BAD:
        *out = f->r;
        *made = f->bad_class == 2 && f->r == f->r;
        return PARITY_OK;
    case PARITY_TAG_STAMP:
    case PARITY_TAG_DATE:
        if (k->options & PARITY_OPT_JULIAN) {
            us = f->tag == PARITY_TAG_DATE ? f->i * (DAY_US / 1000) : f->i / 1000; /* ms, near enough: it is checked */
            *out = ((double)us + (double)(JULIAN_US / 1000)) / DAY_MS;
            *made = f->nfine == 0 && *out >= 0;
            return PARITY_OK;
        }
        break;
    default:
        break;
    }
    *made = count_of(w, &sec, &us) && sec < INT64_MAX / 1000000 && sec > INT64_MIN / 1000000;
    if (!*made)
        return PARITY_OK;
    total = sec * 1000000 + us;
    *made = f->nfine <= PARITY_FINE_MAX;
    if (!*made)
        return PARITY_OK;
    size = total < 0 ? 0 - (uint64_t)total - (f->nfine > 0) : (uint64_t)total;
    n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)size);
    if (total < 0)
        parity_turn_fine(f->fine, f->nfine, digits + n);
    else if (f->nfine > 0)
        memcpy(digits + n, f->fine, f->nfine);
    return nearest(w, total < 0, digits, (size_t)n + f->nfine, k->unit - 6 - (int64_t)f->nfine, out, made);
}

static parity_status make_integer(const parity_work *w, int64_t *out, bool *made)
{
    const parity_frame *f = &w->f;
    uint64_t v = 0;

    *made = false;
    switch (f->tag) {
    case PARITY_TAG_INT:
        *out = f->i;
        *made = true;
        break;
    case PARITY_TAG_BAD:
        *out = f->i;
        *made = f->bad_class == 1;
        break;
    case PARITY_TAG_F64:
        *made = f->r >= -0x1p63 && f->r < 0x1p63 && (double)(int64_t)f->r == f->r;
        *out = *made ? (int64_t)f->r : 0;
        break;
    case PARITY_TAG_DEC: /* uint64: what is beyond i64 is stored as negative */
        if (!(w->t->kind.options & PARITY_OPT_UINT64) || f->dec_class != 0 || f->exponent < 0 || f->exponent > 20 ||
            f->n > 20)
            break;
        for (size_t i = 0; i < f->n + (size_t)f->exponent; i++) {
            unsigned digit = i < f->n ? (unsigned)(f->p[i] - '0') : 0;

            if (v > (UINT64_MAX - digit) / 10)
                return PARITY_OK;
            v = v * 10 + digit;
        }
        memcpy(out, &v, sizeof v);
        *made = true;
        break;
    default:
        *made = whole_count(w, out);
    }
    return PARITY_OK;
}

static parity_status make_text(parity_work *w, bool other, bool *made)
{
    const parity_kind *k = &w->t->kind;
    const parity_frame *f = &w->f;

    *made = !other;
    if (f->tag == PARITY_TAG_BAD) {
        *made = !other && f->bad_class == 3;
        return *made ? parity_buf_put(&w->text, f->p, f->n) : PARITY_OK;
    }
    if (f->tag == PARITY_TAG_BYTES && !other) {
        if ((k->options & PARITY_OPT_TEXT) && k->text == 'u')
            return parity_buf_put(&w->text, f->p, f->n);
        if ((k->options & PARITY_OPT_TEXT) && k->text == 'b')
            return parity_base64_encode(&w->text, (const unsigned char *)f->p, f->n);
    }
    if (f->tag == PARITY_TAG_STAMP && k->id == PARITY_TIMESTAMPTZ && !other)
        return parity_put_stamp_text(&w->text, f, 0, "+00:00");
    if (f->tag == PARITY_TAG_STAMP && k->id == PARITY_TIMESTAMP && (k->options & PARITY_OPT_ZONE)) {
        /* on the clock of the zone, as the column's other values, before the same moment with Z */
        *made = true;
        if (!other)
            return parity_put_stamp_text(&w->text, f, k->zone, "");
    }
    if (f->tag == PARITY_TAG_TIMETZ && !other) { /* +HH:MM, which SQLite's functions read */
        PARITY_TRY(parity_frame_raw_text(&w->text, k, f));
        return parity_buf_puts(&w->text, f->east % 3600 == 0 ? ":00" : "");
    }
    return *made ? parity_frame_raw_text(&w->text, k, f) : PARITY_OK;
}

parity_status parity_make_floats(parity_work *w, bool *made)
{
    const unsigned char *s = (const unsigned char *)w->f.p, *e = s + w->f.n, *next;
    parity_json_parts parts;
    parity_number x;

    *made = false;
    if (s == e || *s++ != '[')
        return PARITY_OK;
    while (s < e && *s != ']') {
        double d = 0;
        uint32_t bits;
        float single;
        bool ok;

        next = parity_json_scan_number(s, e, &parts);
        if (next == NULL)
            return PARITY_OK;
        PARITY_TRY(parity_number_parse((const char *)s, (size_t)(next - s), w->scratch, &x, &ok));
        if (ok)
            PARITY_TRY(parity_number_to_double(&x, w->scratch, &d));
        if (!ok || !(d >= -FLT_MAX && d <= FLT_MAX))
            return PARITY_OK;
        single = (float)d;
        memcpy(&bits, &single, sizeof bits);
        PARITY_TRY(parity_buf_reserve(&w->text, 4));
        parity_store32(w->text.data + w->text.len, bits);
        w->text.len += 4;
        s = next + (next < e && *next == ',');
    }
    *made = true;
    return PARITY_OK;
}

static parity_status make_blob(parity_work *w, bool *made)
{
    static const unsigned char dotnet[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    const parity_kind *k = &w->t->kind;
    const parity_frame *f = &w->f;

    *made = true;
    if (f->tag == PARITY_TAG_BYTES || (f->tag == PARITY_TAG_BAD && f->bad_class == 4))
        return parity_buf_put(&w->text, f->p, f->n);
    if (f->tag == PARITY_TAG_UUID) {
        for (int i = 0; i < 16; i++)
            PARITY_TRY(parity_buf_put(&w->text, f->p + (k->options & PARITY_OPT_DOTNET ? dotnet[i] : i), 1));
        return PARITY_OK;
    }
    if (k->id == PARITY_VECTOR && f->tag == PARITY_TAG_JSON)
        return parity_make_floats(w, made);
    *made = (k->options & PARITY_OPT_BLOB) != 0;
    return *made ? make_text(w, false, made) : PARITY_OK;
}

parity_status parity_make_candidate(parity_work *w, parity_form which, parity_value *v, bool *made)
{
    memset(v, 0, sizeof *v);
    w->text.len = 0;
    switch (which) {
    case PARITY_F_INTEGER:
        v->cls = PARITY_INTEGER;
        return make_integer(w, &v->i, made);
    case PARITY_F_REAL:
        v->cls = PARITY_REAL;
        return make_real(w, &v->r, made);
    case PARITY_F_TEXT:
    case PARITY_F_OTHER_TEXT:
        PARITY_TRY(make_text(w, which == PARITY_F_OTHER_TEXT, made));
        parity_set_string(v, &w->text);
        return PARITY_OK;
    default:
        PARITY_TRY(make_blob(w, made));
        parity_set_string(v, &w->text);
        v->cls = PARITY_BLOB;
        return PARITY_OK;
    }
}

/* ------------------------------------------------------------------- writing */

parity_status parity_put_quoted(parity_buf *b, const char *p, size_t n, char quote)
{
    const char *end;

    if (n == 0)
        p = ""; /* which may be NULL */
    end = p + n;
    PARITY_TRY(parity_buf_put(b, &quote, 1));
    while (n > 0 && p < end) {
        const char *next = memchr(p, quote, (size_t)(end - p));

        if (next == NULL) {
            PARITY_TRY(parity_buf_put(b, p, (size_t)(end - p)));
            break;
        }
        PARITY_TRY(parity_buf_put(b, p, (size_t)(next - p) + 1));
        PARITY_TRY(parity_buf_put(b, &quote, 1));
        p = next + 1;
    }
    return parity_buf_put(b, &quote, 1);
}

parity_status parity_put_string(parity_buf *b, const char *p, size_t n)
{
    const char *end;

    if (n == 0 || memchr(p, '\\', n) == NULL)
        return parity_put_quoted(b, p, n, '\'');
    end = p + n;
    PARITY_TRY(parity_buf_puts(b, "E'"));
    while (p < end) {
        const char *start = p;

        while (p < end && *p != '\'' && *p != '\\')
            p++;
        PARITY_TRY(parity_buf_put(b, start, (size_t)(p - start)));
        if (p < end) {
            PARITY_TRY(parity_buf_put(b, p, 1));
            PARITY_TRY(parity_buf_put(b, p++, 1));
        }
    }
    return parity_buf_puts(b, "'");
}
