/*
 * forms.c - what a value looks like, for parity_infer
 */
#include <math.h>
#include <string.h>

#include "infer.h"

const char *sq_form_name(sq_form f)
{
    static const char *const names[SQ_NFORMS] = {
        [SQ_FORM_BIT] = "0 or 1",
        [SQ_FORM_EPOCH_S] = "epoch s",
        [SQ_FORM_EPOCH_MS] = "epoch ms",
        [SQ_FORM_EPOCH_US] = "epoch us",
        [SQ_FORM_JULIAN] = "julian",
        [SQ_FORM_INTEGER] = "integer",
        [SQ_FORM_WHOLE] = "whole real",
        [SQ_FORM_FRACTION] = "real",
        [SQ_FORM_EMPTY] = "empty",
        [SQ_FORM_UUID] = "uuid",
        [SQ_FORM_DIGITS] = "digits",
        [SQ_FORM_DECIMAL] = "decimal",
        [SQ_FORM_NUMBER_WORD] = "number word",
        [SQ_FORM_DATE] = "date",
        [SQ_FORM_STAMP] = "stamp",
        [SQ_FORM_STAMP_Z] = "stamp Z",
        [SQ_FORM_STAMP_OFFSET] = "stamp offset",
        [SQ_FORM_STAMP_T] = "stamp T",
        [SQ_FORM_STAMP_T_Z] = "stamp T Z",
        [SQ_FORM_STAMP_T_OFFSET] = "stamp T offset",
        [SQ_FORM_INFINITY] = "infinity",
        [SQ_FORM_TIME] = "time",
        [SQ_FORM_TIMETZ] = "time zone",
        [SQ_FORM_INTERVAL] = "interval",
        [SQ_FORM_BOOL_WORD] = "bool word",
        [SQ_FORM_JSON] = "json",
        [SQ_FORM_TEXT] = "text",
        [SQ_FORM_16_BYTES] = "16 bytes",
        [SQ_FORM_UTF8_BYTES] = "utf8 bytes",
        [SQ_FORM_BYTES] = "bytes",
        [SQ_FORM_NOT_UTF8] = "not utf8",
        [SQ_FORM_NUL] = "nul",
    };

    return names[f];
}

bool sq_is_utf8(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;

    for (size_t i = 0; i < n;) {
        unsigned char c = u[i++];
        unsigned char low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
        unsigned char high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
        int more = c < 0x80 ? 0 : c < 0xC2 ? -1 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : -1;

        if (more < 0)
            return false;
        for (; more > 0; more--, low = 0x80, high = 0xBF) {
            if (i == n || u[i] < low || u[i] > high)
                return false;
            i++;
        }
    }
    return true;
}

/* The unit in which x falls between 1980 and 2100, or a Julian day between 1900 and 2100. */
static bool stamp_number(double x, sq_form *out)
{
    static const double scale[3] = {1, 1e3, 1e6};

    for (int u = 0; u < 3; u++)
        if (x >= SQ_YEAR_1980 * scale[u] && x < SQ_YEAR_2100 * scale[u]) {
            *out = (sq_form)(SQ_FORM_EPOCH_S + u);
            return true;
        }
    if (x >= SQ_JULIAN_1900 && x < SQ_JULIAN_2100) {
        *out = SQ_FORM_JULIAN;
        return true;
    }
    return false;
}

/* Whether the kind reads the value. */
static parity_status reads(parity_kind_id id, const parity_value *v, parity_buf *buf, parity_buf *scratch, bool *out)
{
    parity_kind kind;
    unsigned notes = 0;
    parity_status s;

    memset(&kind, 0, sizeof kind);
    kind.id = (uint8_t)id;
    buf->len = 0;
    s = parity_put_value(buf, scratch, &kind, v, &notes);
    *out = (notes & PARITY_NOTE_BAD) == 0;
    return s;
}

/* What stands between date and time, and the zone, of a text that is a stamp. */
static sq_form stamp_form(const char *p, size_t n)
{
    const char *colon = memchr(p, ':', n);
    bool t, z, offset = false;

    if (colon == NULL)
        return p[0] >= '0' && p[0] <= '9' ? SQ_FORM_DATE : SQ_FORM_INFINITY;
    if (n > 3 && memcmp(p + n - 3, " BC", 3) == 0)
        n -= 3;
    t = memchr(p, 'T', n) != NULL || memchr(p, 't', n) != NULL;
    z = p[n - 1] == 'Z' || p[n - 1] == 'z';
    for (const char *q = colon; q < p + n; q++)
        offset |= *q == '+' || *q == '-';
    return (sq_form)((t ? SQ_FORM_STAMP_T : SQ_FORM_STAMP) + (z ? 1 : offset ? 2 : 0));
}

static bool is_bool_word(const char *p, size_t n)
{
    static const char *const words[] = {"t", "f", "true", "false", "y", "n", "yes", "no", "on", "off"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && sqlite3_strnicmp(words[i], p, (int)n) == 0)
            return true;
    return false;
}

static parity_status text_form(const parity_value *v, parity_buf *buf, parity_buf *scratch, sq_form *out)
{
    static const struct {
        parity_kind_id kind;
        sq_form form;
    } tests[] = {
        {PARITY_UUID, SQ_FORM_UUID},      {PARITY_DECIMAL, SQ_FORM_DECIMAL},   {PARITY_TIMESTAMPTZ, SQ_FORM_STAMP},
        {PARITY_TIME, SQ_FORM_TIME},      {PARITY_TIMETZ, SQ_FORM_TIMETZ},     {PARITY_INTERVAL, SQ_FORM_INTERVAL},
    };
    bool yes = false;
    parity_status s = PARITY_OK;

    *out = SQ_FORM_TEXT;
    if (v->n == 0) {
        *out = SQ_FORM_EMPTY;
        return s;
    }
    if (is_bool_word(v->p, v->n)) {
        *out = SQ_FORM_BOOL_WORD;
        return s;
    }
    if (v->p[0] == '{' || v->p[0] == '[' || v->p[0] == ' ' || v->p[0] == '\n') {
        s = reads(PARITY_JSON, v, buf, scratch, &yes);
        if (s != PARITY_OK || yes) {
            *out = SQ_FORM_JSON;
            return s;
        }
    }
    /* nothing that follows is longer than a few words, but for numbers */
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (v->n > 200 && tests[i].kind != PARITY_DECIMAL)
            continue;
        s = reads(tests[i].kind, v, buf, scratch, &yes);
        if (s != PARITY_OK || yes) {
            *out = tests[i].form;
            break;
        }
    }
    if (*out == SQ_FORM_STAMP)
        *out = stamp_form(v->p, v->n);
    if (*out == SQ_FORM_DECIMAL) {
        size_t digits = 0, letters = 0;

        for (size_t i = v->p[0] == '+' || v->p[0] == '-'; i < v->n; i++) {
            digits += v->p[i] >= '0' && v->p[i] <= '9';
            letters += v->p[i] == 'n' || v->p[i] == 'N';
        }
        if (letters > 0)
            *out = SQ_FORM_NUMBER_WORD;
        else if (digits + (v->p[0] == '+' || v->p[0] == '-') == v->n)
            *out = SQ_FORM_DIGITS;
    }
    return s;
}

parity_status sq_form_of(const parity_value *v, parity_buf *buf, parity_buf *scratch, sq_form *out)
{
    switch (v->cls) {
    case PARITY_INTEGER:
        if (v->i == 0 || v->i == 1)
            *out = SQ_FORM_BIT;
        else if (!stamp_number((double)v->i, out))
            *out = SQ_FORM_INTEGER;
        return PARITY_OK;
    case PARITY_REAL:
        if (!stamp_number(v->r, out))
            *out = v->r == floor(v->r) ? SQ_FORM_WHOLE : SQ_FORM_FRACTION;
        return PARITY_OK;
    case PARITY_STRING:
        return text_form(v, buf, scratch, out);
    default:
        *out = v->n == 16 ? SQ_FORM_16_BYTES : sq_is_utf8(v->p, v->n) ? SQ_FORM_UTF8_BYTES : SQ_FORM_BYTES;
        return PARITY_OK;
    }
}
