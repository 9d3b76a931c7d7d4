/*
 * render.c - from a frame to what people read: taking frames apart, and writing
 * them as text and as JSON
 *
 * Text and JSON are such that the readers of the kinds take them back to the
 * same frame; where a value has no such form (BAD, text that is not UTF-8), it
 * is written for people all the same, and parity_frame_json says so.  Frames
 * may come from the other side: parity_frame_read lets nothing pass that
 * FORMAT.md does not allow, so that whatever is behind it can rely on ranges.
 */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "stamp.h"

#define DAY_US INT64_C(86400000000)
#define FIRST_DAY (-2451545)                                  /* 4714-11-24 BC */
#define LAST_DAY 2145031948                                   /* 5874897-12-31 */
#define FIRST_US (INT64_C(-211813488000) * 1000000)           /* 4714-11-24 00:00 BC */
#define END_US (INT64_C(9223371331200) * 1000000)             /* 294277-01-01 00:00 */
#define EAST_MAX (15 * 3600 + 59 * 60 + 59)
#define PLAIN_DEC 60 /* numbers that take no more characters are written without an exponent */
#define PLAIN_F64 24
#define JSON_DEPTH 24 /* what a JSON value may have of the levels of a document: the list of keys around it has some */

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* ------------------------------------------------------------- taking apart */

static uint32_t load32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool has(const unsigned char *p, const unsigned char *end, size_t n)
{
    return (size_t)(end - p) >= n;
}

/* Reads a u32 length and so many bytes. */
static bool read_counted(const unsigned char **pp, const unsigned char *end, parity_frame *out)
{
    const unsigned char *p = *pp;

    if (!has(p, end, 4))
        return false;
    out->n = load32(p);
    p += 4;
    if (!has(p, end, out->n))
        return false;
    out->p = (const char *)p;
    *pp = p + out->n;
    return true;
}

static bool read_i64(const unsigned char **pp, const unsigned char *end, int64_t *out)
{
    if (!has(*pp, end, 8))
        return false;
    *out = (int64_t)parity_load64(*pp);
    *pp += 8;
    return true;
}

static bool read_i32(const unsigned char **pp, const unsigned char *end, int32_t *out)
{
    if (!has(*pp, end, 4))
        return false;
    *out = (int32_t)load32(*pp);
    *pp += 4;
    return true;
}

/* A double as F64 has it: one 0, one NaN. */
static bool read_f64(const unsigned char **pp, const unsigned char *end, double *out)
{
    uint64_t bits;

    if (!has(*pp, end, 8))
        return false;
    bits = parity_load64(*pp);
    memcpy(out, &bits, sizeof bits);
    *pp += 8;
    return *out == *out ? bits != UINT64_C(1) << 63 : bits == UINT64_C(0x7FF8000000000000);
}

static bool all_digits(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < '0' || p[i] > '9')
            return false;
    return true;
}

static bool read_dec(const unsigned char **pp, const unsigned char *end, parity_frame *out)
{
    if (!has(*pp, end, 1))
        return false;
    out->dec_class = *(*pp)++;
    if (out->dec_class >= 2)
        return out->dec_class <= 4;
    return read_i32(pp, end, &out->exponent) && read_counted(pp, end, out) && out->n > 0 && out->p[0] != '0' &&
           out->p[out->n - 1] != '0' && all_digits(out->p, out->n);
}

static bool read_bad(const unsigned char **pp, const unsigned char *end, parity_frame *out)
{
    if (!has(*pp, end, 1))
        return false;
    out->bad_class = *(*pp)++;
    switch (out->bad_class) {
    case 1:
        return read_i64(pp, end, &out->i);
    case 2:
        return read_f64(pp, end, &out->r);
    case 3:
    case 4:
        return read_counted(pp, end, out);
    default:
        return false;
    }
}

bool parity_frame_read(const unsigned char **pp, const unsigned char *end, parity_frame *out)
{
    const unsigned char *p = *pp;
    bool ok;

    memset(out, 0, sizeof *out);
    if (p == end)
        return false;
    out->tag = *p++;
    if (out->tag == PARITY_TAG_FINE) {
        if (!read_counted(&p, end, out) || out->n == 0 || out->p[out->n - 1] == '0' || !all_digits(out->p, out->n) ||
            p == end)
            return false;
        out->fine = out->p;
        out->nfine = out->n;
        out->p = NULL;
        out->n = 0;
        out->tag = *p++;
        if (out->tag != PARITY_TAG_STAMP && out->tag != PARITY_TAG_TIME && out->tag != PARITY_TAG_TIMETZ &&
            out->tag != PARITY_TAG_INTERVAL)
            return false;
    }
    switch (out->tag) {
    case PARITY_TAG_NULL:
        ok = true;
        break;
    case PARITY_TAG_INT:
        ok = read_i64(&p, end, &out->i);
        break;
    case PARITY_TAG_DEC:
        ok = read_dec(&p, end, out);
        break;
    case PARITY_TAG_F64:
        ok = read_f64(&p, end, &out->r);
        break;
    case PARITY_TAG_TEXT:
    case PARITY_TAG_BYTES:
    case PARITY_TAG_JSON:
        ok = read_counted(&p, end, out);
        break;
    case PARITY_TAG_STAMP:
        ok = read_i64(&p, end, &out->i) &&
             ((out->i >= FIRST_US && out->i < END_US) ||
              (out->nfine == 0 && (out->i == INT64_MAX || out->i == INT64_MIN)));
        break;
    case PARITY_TAG_DATE: {
        int32_t days = 0;

        ok = read_i32(&p, end, &days) &&
             ((days >= FIRST_DAY && days <= LAST_DAY) || days == INT32_MAX || days == INT32_MIN);
        out->i = days;
        break;
    }
    case PARITY_TAG_TIME:
    case PARITY_TAG_TIMETZ:
        ok = read_i64(&p, end, &out->i) && out->i >= 0 && out->i + (out->nfine > 0) <= DAY_US;
        if (ok && out->tag == PARITY_TAG_TIMETZ)
            ok = read_i32(&p, end, &out->east) && out->east >= -EAST_MAX && out->east <= EAST_MAX;
        break;
    case PARITY_TAG_INTERVAL:
        ok = read_i32(&p, end, &out->months) && read_i32(&p, end, &out->days) && read_i64(&p, end, &out->i);
        break;
    case PARITY_TAG_UUID:
        ok = has(p, end, 16);
        if (ok) {
            out->p = (const char *)p;
            out->n = 16;
            p += 16;
        }
        break;
    case PARITY_TAG_BAD:
        ok = read_bad(&p, end, out);
        break;
    default:
        ok = false;
    }
    if (ok)
        *pp = p;
    return ok;
}

parity_status parity_frames_check(const unsigned char *frames, size_t n, int ncolumns, uint32_t *ends,
                                  parity_error *err)
{
    static const char hint[] = "Was the text cut off, or changed on its way?";
    const unsigned char *p = frames, *end = frames + n;
    parity_frame f;

    if (n > UINT32_MAX)
        return parity_fail(err, PARITY_LIMIT, NULL, NULL, "a row takes more than 4 GiB");
    for (int i = 0; i < ncolumns; i++) {
        if (!parity_frame_read(&p, end, &f))
            return parity_fail(err, PARITY_MALFORMED, "The value of a column is cut off, or is none.", hint,
                               "malformed row: value %d of %d at byte %zu", i + 1, ncolumns, (size_t)(p - frames));
        ends[i] = (uint32_t)(p - frames);
    }
    if (p != end)
        return parity_fail(err, PARITY_MALFORMED, NULL, hint, "malformed row: something stands behind its %d values",
                           ncolumns);
    return PARITY_OK;
}

/* ------------------------------------------------------------------ numbers */

parity_status parity_put_digits(parity_buf *b, bool negative, const char *digits, size_t n, int64_t exponent,
                                size_t plain)
{
    int64_t point = (int64_t)n + exponent; /* digits before the point; below 1: zeros behind it */
    size_t length = exponent >= 0 ? (size_t)point : point > 0 ? n + 1 : n + 2 + (size_t)-point;

    if (n == 0)
        return parity_buf_puts(b, "0");
    if (negative)
        PARITY_TRY(parity_buf_puts(b, "-"));
    if (length > plain) {
        PARITY_TRY(parity_buf_put(b, digits, 1));
        if (n > 1) {
            PARITY_TRY(parity_buf_puts(b, "."));
            PARITY_TRY(parity_buf_put(b, digits + 1, n - 1));
        }
        return parity_buf_printf(b, "e%+lld", (long long)(point - 1));
    }
    if (point <= 0) {
        PARITY_TRY(parity_buf_puts(b, "0."));
        for (; point < 0; point++)
            PARITY_TRY(parity_buf_puts(b, "0"));
        return parity_buf_put(b, digits, n);
    }
    PARITY_TRY(parity_buf_put(b, digits, exponent < 0 ? (size_t)point : n));
    for (; exponent > 0; exponent--)
        PARITY_TRY(parity_buf_puts(b, "0"));
    if (exponent == 0)
        return PARITY_OK;
    PARITY_TRY(parity_buf_puts(b, "."));
    return parity_buf_put(b, digits + point, n - (size_t)point);
}

/* A number or its word; *is_word tells which. */
static parity_status put_dec(parity_buf *b, const parity_frame *f, bool *is_word)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};

    *is_word = f->dec_class >= 2;
    if (*is_word)
        return parity_buf_puts(b, words[f->dec_class - 2]);
    return parity_put_digits(b, f->dec_class == 1, f->p, f->n, f->exponent, PLAIN_DEC);
}

static parity_status put_double(parity_buf *b, double r, bool *is_word)
{
    parity_number x;

    *is_word = !(r >= -DBL_MAX && r <= DBL_MAX);
    if (*is_word)
        return parity_buf_puts(b, r != r ? "NaN" : r > 0 ? "Infinity" : "-Infinity");
    parity_number_of_double(r, &x);
    return parity_put_digits(b, x.negative, x.digits, x.ndigits, x.exponent, PLAIN_F64);
}

/* ------------------------------------------------------------------ moments */

/* A day of the proleptic Gregorian calendar, counted from 2000-01-01. */
static void date_of_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    /* Years begin in March; day 0 is 0000-03-01, 730,425 days before 2000-01-01. */
    int64_t d = days + 730425, era = (d >= 0 ? d : d - 146096) / 146097;
    unsigned of_era = (unsigned)(d - era * 146097);
    unsigned y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;

    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = era * 400 + y + (*month <= 2);
}

/* YYYY-MM-DD; *bc: " BC" must come at the end. */
static parity_status put_day(parity_buf *b, int64_t days, bool *bc)
{
    int64_t year;
    unsigned month, day;

    date_of_days(days, &year, &month, &day);
    *bc = year <= 0;
    return parity_buf_printf(b, "%04lld-%02u-%02u", (long long)(*bc ? 1 - year : year), month, day);
}

/* The decimals of a second: its millionths without the zeros at their end, and the digits behind them. */
static parity_status put_decimals(parity_buf *b, uint32_t us, const char *fine, size_t nfine)
{
    char digits[6];
    size_t n = parity_fine_digits(us, 6, digits);

    if (nfine > 0)
        n = 6; /* all of digits is written */
    if (n == 0)
        return PARITY_OK;
    PARITY_TRY(parity_buf_puts(b, "."));
    PARITY_TRY(parity_buf_put(b, digits, n));
    return parity_buf_put(b, fine, nfine);
}

/* HH:MM:SS[.f] of 0 or more µs. */
static parity_status put_clock(parity_buf *b, uint64_t us, const char *fine, size_t nfine)
{
    uint64_t sec = us / 1000000;

    PARITY_TRY(parity_buf_printf(b, "%02llu:%02u:%02u", (unsigned long long)(sec / 3600), (unsigned)(sec / 60 % 60),
                                 (unsigned)(sec % 60)));
    return put_decimals(b, (uint32_t)(us % 1000000), fine, nfine);
}

/* +HH[:MM[:SS]] */
static parity_status put_zone(parity_buf *b, int32_t east)
{
    int size = (int)(east < 0 ? -east : east);

    PARITY_TRY(parity_buf_printf(b, "%c%02d", east < 0 ? '-' : '+', size / 3600));
    if (size % 3600 != 0)
        PARITY_TRY(parity_buf_printf(b, ":%02d", size / 60 % 60));
    if (size % 60 != 0)
        PARITY_TRY(parity_buf_printf(b, ":%02d", size % 60));
    return PARITY_OK;
}

/* A STAMP on the clock of a zone, without the zone; *bc as in put_day. */
static parity_status put_stamp_clock(parity_buf *b, const parity_frame *f, int32_t east, bool *bc)
{
    int64_t day = f->i / DAY_US, us = f->i % DAY_US + (int64_t)east * 1000000;

    for (; us < 0; us += DAY_US)
        day--;
    for (; us >= DAY_US; us -= DAY_US)
        day++;
    PARITY_TRY(put_day(b, day, bc));
    PARITY_TRY(parity_buf_puts(b, " "));
    return put_clock(b, (uint64_t)us, f->fine, f->nfine);
}

parity_status parity_put_stamp_text(parity_buf *b, const parity_frame *f, int32_t east, const char *zone)
{
    bool bc;

    if (f->i == INT64_MAX || f->i == INT64_MIN)
        return parity_buf_puts(b, f->i > 0 ? "infinity" : "-infinity");
    PARITY_TRY(put_stamp_clock(b, f, east, &bc));
    PARITY_TRY(parity_buf_puts(b, zone));
    return parity_buf_puts(b, bc ? " BC" : "");
}

/* A STAMP as its kind reads it. */
static parity_status put_stamp(parity_buf *b, const parity_kind *k, const parity_frame *f)
{
    if (k->id == PARITY_TIMESTAMP)
        return parity_put_stamp_text(b, f, 0, k->options & PARITY_OPT_ZONE ? "Z" : "");
    if (k->id == PARITY_DATE && (k->options & PARITY_OPT_ROUND)) /* what has a DATE was rounded to it: this has none */
        return parity_put_stamp_text(b, f, -EAST_MAX, "-15:59:59");
    if (k->id == PARITY_DATE && f->nfine == 0 && f->i % DAY_US == 0)
        return parity_put_stamp_text(b, f, 3600, "+01"); /* a clock at 00:00 would make it a DATE */
    return parity_put_stamp_text(b, f, 0, "+00");
}

static parity_status put_date(parity_buf *b, const parity_frame *f)
{
    bool bc;

    if (f->i == INT32_MAX || f->i == INT32_MIN)
        return parity_buf_puts(b, f->i > 0 ? "infinity" : "-infinity");
    PARITY_TRY(put_day(b, f->i, &bc));
    return parity_buf_puts(b, bc ? " BC" : "");
}

void parity_turn_fine(const char *fine, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (char)((i + 1 < n ? '9' : '9' + 1) - (fine[i] - '0'));
}

/* One field of an interval, as PostgreSQL prints it; *before: the field before it was negative. */
static parity_status put_field(parity_buf *b, int32_t value, const char *unit, bool *first, bool *before)
{
    if (value == 0)
        return PARITY_OK;
    PARITY_TRY(parity_buf_printf(b, "%s%s%d %s%s", *first ? "" : " ", *before && value > 0 ? "+" : "", (int)value, unit,
                                 value == 1 ? "" : "s"));
    *first = false;
    *before = value < 0;
    return PARITY_OK;
}

static parity_status put_interval(parity_buf *b, const parity_frame *f)
{
    bool first = true, before = false, negative = f->i < 0;
    uint64_t us = negative ? 0 - (uint64_t)f->i : (uint64_t)f->i;
    char small[PARITY_FINE_MAX];
    const char *fine = f->fine;

    if (f->nfine == 0 && f->months == INT32_MAX && f->days == INT32_MAX && f->i == INT64_MAX)
        return parity_buf_puts(b, "infinity");
    if (f->nfine == 0 && f->months == INT32_MIN && f->days == INT32_MIN && f->i == INT64_MIN)
        return parity_buf_puts(b, "-infinity");
    PARITY_TRY(put_field(b, f->months / 12, "year", &first, &before));
    PARITY_TRY(put_field(b, f->months % 12, "mon", &first, &before));
    PARITY_TRY(put_field(b, f->days, "day", &first, &before));
    if (!first && f->i == 0 && f->nfine == 0)
        return PARITY_OK;
    if (negative && f->nfine > 0 && f->nfine <= sizeof small) {
        parity_turn_fine(f->fine, f->nfine, small);
        fine = small;
        us--;
    }
    PARITY_TRY(parity_buf_printf(b, "%s%s", first ? "" : " ", negative ? "-" : before ? "+" : ""));
    if (f->nfine <= 3 || f->nfine > 6)
        return put_clock(b, us, fine, f->nfine);
    /* a second has nine decimals at most, but a millisecond as well */
    PARITY_TRY(parity_buf_printf(b, "%llu.%03u", (unsigned long long)(us / 1000), (unsigned)(us % 1000)));
    PARITY_TRY(parity_buf_put(b, fine, f->nfine));
    return parity_buf_puts(b, " ms");
}

/* ------------------------------------------------------------------- others */

static parity_status put_hex(parity_buf *b, const char *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char *w;

    PARITY_TRY(parity_buf_reserve(b, 2 * n));
    w = b->data + b->len;
    for (size_t i = 0; i < n; i++) {
        *w++ = (unsigned char)digits[(unsigned char)p[i] >> 4];
        *w++ = (unsigned char)digits[(unsigned char)p[i] & 15];
    }
    b->len += 2 * n;
    return PARITY_OK;
}

static parity_status put_uuid(parity_buf *b, const char *p)
{
    static const unsigned char groups[5] = {4, 2, 2, 2, 6};

    for (int i = 0; i < 5; p += groups[i++]) {
        PARITY_TRY(parity_buf_puts(b, i > 0 ? "-" : ""));
        PARITY_TRY(put_hex(b, p, groups[i]));
    }
    return PARITY_OK;
}

/* Text with U+FFFD for NUL and for each byte that is not UTF-8. */
static parity_status put_readable(parity_buf *b, const char *p, size_t n)
{
    size_t run;

    if (parity_utf8_valid(p, n) && (n == 0 || memchr(p, '\0', n) == NULL))
        return parity_buf_put(b, p, n);
    for (size_t i = 0; i < n; i += run) {
        unsigned char c = (unsigned char)p[i];

        run = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
        if (c != 0 && n - i >= run && parity_utf8_valid(p + i, run)) {
            PARITY_TRY(parity_buf_put(b, p + i, run));
        } else {
            run = 1;
            PARITY_TRY(parity_buf_put(b, replacement, 3));
        }
    }
    return PARITY_OK;
}

parity_status parity_frame_raw_text(parity_buf *b, const parity_kind *k, const parity_frame *f)
{
    bool is_word;

    switch (f->tag) {
    case PARITY_TAG_INT:
        return parity_buf_printf(b, "%lld", (long long)f->i);
    case PARITY_TAG_DEC:
        return put_dec(b, f, &is_word);
    case PARITY_TAG_F64:
        return put_double(b, f->r, &is_word);
    case PARITY_TAG_TEXT:
    case PARITY_TAG_JSON:
        return parity_buf_put(b, f->p, f->n);
    case PARITY_TAG_BYTES:
        PARITY_TRY(parity_buf_puts(b, "\\x"));
        return put_hex(b, f->p, f->n);
    case PARITY_TAG_STAMP:
        return put_stamp(b, k, f);
    case PARITY_TAG_DATE:
        return put_date(b, f);
    case PARITY_TAG_TIME:
        return put_clock(b, (uint64_t)f->i, f->fine, f->nfine);
    case PARITY_TAG_TIMETZ:
        PARITY_TRY(put_clock(b, (uint64_t)f->i, f->fine, f->nfine));
        return put_zone(b, f->east);
    case PARITY_TAG_INTERVAL:
        return put_interval(b, f);
    case PARITY_TAG_UUID:
        return put_uuid(b, f->p);
    default:
        return PARITY_OK; /* NULL, BAD: no text is read as them */
    }
}

parity_status parity_frame_text(parity_buf *b, const parity_kind *k, const parity_frame *f)
{
    bool is_word;

    switch (f->tag) {
    case PARITY_TAG_NULL:
        return parity_buf_puts(b, "NULL");
    case PARITY_TAG_INT:
        if (k->id == PARITY_BOOL && (f->i == 0 || f->i == 1))
            return parity_buf_puts(b, f->i == 1 ? "true" : "false");
        return parity_frame_raw_text(b, k, f);
    case PARITY_TAG_TEXT:
    case PARITY_TAG_JSON:
        return put_readable(b, f->p, f->n);
    case PARITY_TAG_BAD:
        switch (f->bad_class) {
        case 1:
            return parity_buf_printf(b, "INTEGER %lld", (long long)f->i);
        case 2:
            PARITY_TRY(parity_buf_puts(b, "REAL "));
            return put_double(b, f->r, &is_word);
        case 3:
            PARITY_TRY(parity_buf_puts(b, "TEXT "));
            return put_readable(b, f->p, f->n);
        default:
            PARITY_TRY(parity_buf_puts(b, "BLOB \\x"));
            return put_hex(b, f->p, f->n);
        }
    default:
        return parity_frame_raw_text(b, k, f);
    }
}

/* --------------------------------------------------------------------- JSON */

/* Appends the frame of text under k, as a key in JSON is read; *ok is false, and nothing appended, when it is BAD. */
static parity_status put_key_text(parity_buf *b, parity_buf *scratch, const parity_kind *k, const char *p, size_t n,
                                  bool *ok)
{
    parity_kind kind = *k;
    parity_value v = {.cls = PARITY_STRING, .p = p, .n = n};
    size_t start = b->len;
    unsigned notes = 0;

    if (kind.id == PARITY_BYTES) {
        kind.options |= PARITY_OPT_TEXT;
        kind.text = 'h';
    }
    PARITY_TRY(parity_put_value(b, scratch, &kind, &v, &notes));
    *ok = (notes & PARITY_NOTE_BAD) == 0;
    if (!*ok)
        b->len = start;
    return PARITY_OK;
}

/* Writes a document as JSON; it is no deeper than PARITY_DOC_MAX_DEPTH. */
static parity_status put_node(parity_buf *b, const parity_node *node)
{
    switch ((parity_node_type)node->type) {
    case PARITY_N_NULL:
        return parity_buf_puts(b, "null");
    case PARITY_N_FALSE:
        return parity_buf_puts(b, "false");
    case PARITY_N_TRUE:
        return parity_buf_puts(b, "true");
    case PARITY_N_NUMBER:
        return parity_buf_puts(b, node->text);
    case PARITY_N_STRING:
        return parity_json_string(b, node->text);
    case PARITY_N_ARRAY:
    case PARITY_N_OBJECT:
        break;
    }
    PARITY_TRY(parity_buf_puts(b, node->type == PARITY_N_ARRAY ? "[" : "{"));
    for (const parity_node *m = node->first; m != NULL; m = m->next) {
        PARITY_TRY(parity_buf_puts(b, m == node->first ? "" : ","));
        if (node->type == PARITY_N_OBJECT) {
            PARITY_TRY(parity_json_string(b, m->key));
            PARITY_TRY(parity_buf_puts(b, ":"));
        }
        PARITY_TRY(put_node(b, m));
    }
    return parity_buf_puts(b, node->type == PARITY_N_ARRAY ? "]" : "}");
}

parity_status parity_frame_of_json(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_node *node,
                                   bool *ok)
{
    bool is_json = k->id == PARITY_JSON || k->id == PARITY_VECTOR;
    parity_buf text;
    parity_status status;

    *ok = true;
    switch ((parity_node_type)node->type) {
    case PARITY_N_NULL:
        return parity_put_null(b);
    case PARITY_N_NUMBER:
        *ok = k->id != PARITY_BYTES; /* its digits are not hex digits */
        return *ok ? put_key_text(b, scratch, k, node->text, strlen(node->text), ok) : PARITY_OK;
    case PARITY_N_STRING:
        return put_key_text(b, scratch, k, node->text, strlen(node->text), ok);
    case PARITY_N_FALSE:
    case PARITY_N_TRUE:
        if (!is_json)
            return put_key_text(b, scratch, k, node->type == PARITY_N_TRUE ? "t" : "f", 1, ok);
        break;
    case PARITY_N_ARRAY:
    case PARITY_N_OBJECT:
        break;
    }
    *ok = is_json;
    if (!is_json)
        return PARITY_OK;
    parity_buf_init(&text, scratch->mem);
    status = put_node(&text, node);
    if (status == PARITY_OK)
        status = put_key_text(b, scratch, k, (const char *)text.data, text.len, ok);
    parity_buf_free(&text);
    return status;
}

/* Appends text as a JSON string, with U+FFFD for what no string of ours holds; text is changed. */
static parity_status put_string(parity_buf *b, parity_buf *text)
{
    PARITY_TRY(parity_buf_put(text, "", 1));
    return parity_json_string(b, (const char *)text->data);
}

/* Whether a canonical JSON text is no deeper than levels. */
static bool is_shallow(const char *p, size_t n, int levels)
{
    bool inside = false; /* a string */
    int depth = 0;

    for (size_t i = 0; i < n; i++) {
        if (inside) {
            if (p[i] == '\\')
                i++;
            else if (p[i] == '"')
                inside = false;
        } else if (p[i] == '"') {
            inside = true;
        } else if (p[i] == '{' || p[i] == '[') {
            if (++depth > levels)
                return false;
        } else if (p[i] == '}' || p[i] == ']') {
            depth--;
        }
    }
    return true;
}

/* A JSON frame: *exact when the document that it is reads as this frame again. */
static parity_status put_json_value(parity_buf *b, parity_buf *scratch, parity_buf *text, const parity_kind *k,
                                    const parity_frame *f, const unsigned char *frame, size_t n, bool *exact)
{
    parity_arena arena;
    parity_node *node;
    parity_status status;
    size_t start = b->len;
    bool bad;

    *exact = false;
    PARITY_TRY(parity_json_canonical(b, scratch, f->p, f->n, &bad));
    if (bad) { /* no JSON at all: only a frame that was made up */
        PARITY_TRY(put_readable(text, f->p, f->n));
        return put_string(b, text);
    }
    b->len = start;
    PARITY_TRY(put_readable(b, f->p, f->n));
    if (!is_shallow(f->p, f->n, JSON_DEPTH))
        return PARITY_OK;
    parity_arena_init(&arena, b->mem);
    status = parity_doc_parse(&arena, "value", (const char *)b->data + start, b->len - start, &node, NULL);
    if (status == PARITY_OK)
        status = parity_frame_of_json(text, scratch, k, node, exact);
    else if (status != PARITY_NOMEM)
        status = PARITY_OK;
    if (*exact)
        *exact = status == PARITY_OK && text->len == n && memcmp(text->data, frame, n) == 0;
    parity_arena_free(&arena);
    return status;
}

/* All other frames: a number or a string, whose text is in text. */
static parity_status put_plain_value(parity_buf *b, parity_buf *scratch, parity_buf *text, const parity_kind *k,
                                     const parity_frame *f, const unsigned char *frame, size_t n, bool *exact)
{
    bool is_word = f->tag != PARITY_TAG_INT;
    parity_buf again;
    parity_status status;

    *exact = f->tag != PARITY_TAG_BAD;
    if (f->tag == PARITY_TAG_DEC)
        PARITY_TRY(put_dec(text, f, &is_word));
    else if (f->tag == PARITY_TAG_F64)
        PARITY_TRY(put_double(text, f->r, &is_word));
    else if (f->tag == PARITY_TAG_TEXT && parity_utf8_valid(f->p, f->n) && memchr(f->p, '\0', f->n) == NULL)
        PARITY_TRY(parity_buf_put(text, f->p, f->n));
    else if (f->tag == PARITY_TAG_TEXT || f->tag == PARITY_TAG_BAD) {
        *exact = false;
        PARITY_TRY(parity_frame_text(text, k, f));
    } else
        PARITY_TRY(parity_frame_raw_text(text, k, f));
    if (*exact) {
        parity_buf_init(&again, b->mem);
        status = put_key_text(&again, scratch, k, (const char *)text->data, text->len, exact);
        if (*exact)
            *exact = status == PARITY_OK && again.len == n && memcmp(again.data, frame, n) == 0;
        parity_buf_free(&again);
        PARITY_TRY(status);
    }
    return is_word ? put_string(b, text) : parity_buf_put(b, text->data, text->len);
}

parity_status parity_frame_json(parity_buf *b, parity_buf *scratch, const parity_kind *k, const unsigned char *frame,
                                size_t n, bool *exact)
{
    const unsigned char *p = frame;
    parity_buf text;
    parity_frame f;
    parity_status status;

    *exact = false;
    if (!parity_frame_read(&p, frame + n, &f) || p != frame + n)
        return PARITY_MALFORMED;
    if (f.tag == PARITY_TAG_NULL) {
        *exact = true;
        return parity_buf_puts(b, "null");
    }
    parity_buf_init(&text, scratch->mem);
    if (f.tag == PARITY_TAG_JSON)
        status = put_json_value(b, scratch, &text, k, &f, frame, n, exact);
    else
        status = put_plain_value(b, scratch, &text, k, &f, frame, n, exact);
    parity_buf_free(&text);
    return status;
}

parity_status parity_key_json(parity_buf *b, parity_buf *scratch, const parity_spec *spec, const unsigned char *frames,
                              const uint32_t *ends, bool *exact)
{
    int nkey = parity_spec_nkey(spec);
    bool first = true, one;

    *exact = true;
    if (nkey != 1)
        PARITY_TRY(parity_buf_puts(b, "{"));
    for (int i = 0; i < spec->ncolumns; i++) {
        const parity_column *c = &spec->columns[i];
        uint32_t start = i > 0 ? ends[i - 1] : 0;

        if (nkey > 0 && !c->key)
            continue;
        if (nkey != 1) {
            PARITY_TRY(parity_buf_puts(b, first ? "" : ","));
            PARITY_TRY(parity_json_string(b, c->name));
            PARITY_TRY(parity_buf_puts(b, ":"));
        }
        PARITY_TRY(parity_frame_json(b, scratch, &c->kind, frames + start, ends[i] - start, &one));
        *exact = *exact && one;
        first = false;
    }
    return nkey != 1 ? parity_buf_puts(b, "}") : PARITY_OK;
}
