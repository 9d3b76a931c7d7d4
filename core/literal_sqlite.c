/*
 * literal_sqlite.c - SQLite's literals: what affinity makes of a value when it
 * is stored, and how to write a value so that every version of SQLite reads it
 * as it is
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "literal.h"

/* ------------------------------------------------------------------- writing */

static parity_status put_hex(parity_buf *b, const char *p, size_t n)
{
    parity_frame f = {.tag = PARITY_TAG_BYTES, .p = p, .n = n};
    parity_kind k = {.id = PARITY_BYTES};
    size_t start = b->len;

    /* as \x…, whose first two bytes become X' */
    PARITY_TRY(parity_frame_raw_text(b, &k, &f));
    memcpy(b->data + start, "X'", 2);
    return parity_buf_puts(b, "'");
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F;
}

static bool contains(const char *p, size_t n, const char *word)
{
    size_t length = strlen(word);

    for (const char *end = p + n; n >= length; n = (size_t)(end - ++p)) {
        p = memchr(p, word[0], n - length + 1);
        if (p == NULL)
            return false;
        if (memcmp(p, word, length) == 0)
            return true;
    }
    return false;
}

/*
 * A mark that text does not hold, to be followed by two hex digits: `\`, or a
 * letter or two from g on between tildes.  No end of a mark with its digits is
 * the start of one, so that marks are found where they were put and nowhere
 * else.
 */
static bool find_mark(const char *p, size_t n, char mark[5])
{
    memcpy(mark, "\\", 2);
    if (!contains(p, n, mark))
        return true;
    for (int i = 0; i < 20 * 21; i++) {
        int length = 0;

        mark[length++] = '~';
        mark[length++] = (char)('g' + i % 20);
        if (i >= 20)
            mark[length++] = (char)('g' + i / 20 - 1);
        mark[length++] = '~';
        mark[length] = '\0';
        if (!contains(p, n, mark))
            return true;
    }
    return false;
}

/*
 * Text for SQLite.  Control characters would not survive every way from here to
 * the one who runs it, and NUL none: they are put in by replace() and char(),
 * as .dump does it, which is right in a database of any encoding.  CAST from a
 * BLOB is not, as it takes bytes for text of that encoding, but bytes that are
 * not UTF-8 have no other way.
 */
static parity_status put_sqlite_text(parity_buf *b, const char *p, size_t n)
{
    bool used[128] = {false}, any = false;
    char mark[5];
    size_t start;

    for (size_t i = 0; i < n; i++)
        if (is_control(p[i]))
            any = used[(unsigned char)p[i]] = true;
    if (!parity_utf8_valid(p, n) || (any && !find_mark(p, n, mark))) {
        PARITY_TRY(parity_buf_puts(b, "CAST("));
        PARITY_TRY(put_hex(b, p, n));
        return parity_buf_puts(b, " AS TEXT)");
    }
    for (int c = 0; any && c < 128; c++)
        if (used[c])
            PARITY_TRY(parity_buf_puts(b, "replace("));
    PARITY_TRY(parity_buf_puts(b, "'"));
    for (size_t i = 0; i < n; i++) {
        for (start = i; i < n && p[i] != '\'' && !is_control(p[i]); i++)
            ;
        PARITY_TRY(parity_buf_put(b, p + start, i - start));
        if (i < n && p[i] == '\'')
            PARITY_TRY(parity_buf_puts(b, "''"));
        else if (i < n)
            PARITY_TRY(parity_buf_printf(b, "%s%02x", mark, (unsigned)p[i]));
    }
    PARITY_TRY(parity_buf_puts(b, "'"));
    for (int c = 0; any && c < 128; c++)
        if (used[c])
            PARITY_TRY(parity_buf_printf(b, ",'%s%02x',char(%d))", mark, (unsigned)c, c));
    return PARITY_OK;
}

/*
 * Whether every SQLite makes the finite x > 0, which is not whole, of its
 * shortest digits.  They all start with an integer and a power of ten, which
 * are exact here, and divide; but some in 64 bits and then round once more,
 * which goes wrong next to the middle between two doubles.
 */
static bool is_easy_decimal(double x)
{
    char digits[20];
    int exponent, n = parity_shortest8(x, digits, &exponent);
    uint64_t s = 0;
    double power = 1, rest, below, above;

    if (FLT_EVAL_METHOD != 0 || exponent >= 0 || exponent < -22 || n > 15)
        return false;
    for (int i = 0; i < n; i++)
        s = s * 10 + (uint64_t)(digits[i] - '0');
    for (int i = 0; i > exponent; i--)
        power *= 10;
    rest = fabs(fma(-x, power, (double)s)); /* exact: of a quotient that is rounded right */
    below = x - nextafter(x, 0);
    above = nextafter(x, HUGE_VAL) - x;
    return rest < (below < above ? below : above) * power * 0.499;
}

/* A REAL for SQLite, exactly: as a quotient or product of whole numbers where digits are not safe. */
static parity_status put_sqlite_real(parity_buf *b, double r)
{
    double x = r < 0 ? -r : r;
    int exponent;
    uint64_t mantissa;
    bool divide;

    if (x > DBL_MAX)
        return parity_buf_puts(b, r > 0 ? "9e999" : "-9e999");
    if (x < 0x1p63 && (double)(uint64_t)x == x) /* 0 has no sign in a frame */
        return parity_buf_printf(b, "%s%llu.0", r < 0 ? "-" : "", (unsigned long long)x);
    if (x < 0x1p63 && is_easy_decimal(x))
        return parity_real_text(b, r);
    mantissa = (uint64_t)ldexp(frexp(x, &exponent), 53);
    exponent -= 53;
    for (; (mantissa & 1) == 0; mantissa >>= 1)
        exponent++;
    divide = exponent < 0;
    if (divide)
        exponent = -exponent;
    PARITY_TRY(parity_buf_printf(b, "(%s%llu", r < 0 ? "-" : "", (unsigned long long)mantissa));
    for (; exponent > 0; exponent -= 62)
        PARITY_TRY(parity_buf_printf(b, "%c%llu.0", divide ? '/' : '*', 1ULL << (exponent < 62 ? exponent : 62)));
    return parity_buf_puts(b, ")");
}

static parity_status put_sqlite(parity_buf *b, const parity_value *v)
{
    switch (v->cls) {
    case PARITY_INTEGER:
        if (v->i == INT64_MIN) /* its digits alone are beyond an integer */
            return parity_buf_puts(b, "(-9223372036854775807-1)");
        return parity_buf_printf(b, "%lld", (long long)v->i);
    case PARITY_REAL:
        return put_sqlite_real(b, v->r);
    case PARITY_STRING:
        return put_sqlite_text(b, v->p, v->n);
    default:
        return put_hex(b, v->p, v->n);
    }
}

/* ------------------------------------------------------------------ affinity */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * Whether SQLite takes text for a number; it is then in w->stored as decimal
 * text, and *whole tells whether it has neither point nor exponent.
 */
static parity_status looks_like_number(parity_work *w, const parity_value *v, bool *number, bool *whole)
{
    const char *p = v->p, *end = p + v->n, *start, *point, *digits;
    bool dot;

    *number = false;
    while (p < end && is_space(*p))
        p++;
    while (end > p && is_space(end[-1]))
        end--;
    start = p;
    p += p < end && (*p == '+' || *p == '-');
    digits = p;
    point = p = parity_skip_digits(p, end);
    dot = p < end && *p == '.';
    if (dot)
        p = parity_skip_digits(p + 1, end);
    if (p - digits - dot == 0)
        return PARITY_OK;
    w->stored.len = 0;
    /* 5. is a number there */
    PARITY_TRY(parity_buf_put(&w->stored, start, (size_t)((dot && p == point + 1 ? point : p) - start)));
    *whole = !dot && p == end;
    if (p < end && (*p | 0x20) == 'e') {
        const char *e = p++;

        p += p < end && (*p == '+' || *p == '-');
        digits = p;
        p = parity_skip_digits(p, end);
        if (p == digits)
            return PARITY_OK;
        PARITY_TRY(parity_buf_put(&w->stored, e, (size_t)(p - e)));
    }
    *number = p == end;
    return PARITY_OK;
}

/* Text that becomes a number in a column of numeric affinity. */
static parity_status to_number(parity_work *w, parity_value *v)
{
    parity_number x;
    parity_frame f;
    bool number = false, whole = false, ok, bad = false;
    double r;

    PARITY_TRY(looks_like_number(w, v, &number, &whole));
    if (!number)
        return PARITY_OK;
    PARITY_TRY(parity_number_parse((const char *)w->stored.data, w->stored.len, w->scratch, &x, &ok));
    if (!ok)
        return PARITY_OK;
    if (whole) {
        const unsigned char *p;

        w->again.len = 0;
        PARITY_TRY(parity_put_parsed(&w->again, &x, &bad));
        p = w->again.data;
        if (!bad && parity_frame_read(&p, p + w->again.len, &f) && f.tag == PARITY_TAG_INT) {
            v->cls = PARITY_INTEGER;
            v->i = f.i;
            return PARITY_OK;
        }
    }
    PARITY_TRY(parity_number_to_double(&x, w->scratch, &r));
    v->cls = PARITY_REAL;
    v->r = r == 0 ? 0 : r;
    return PARITY_OK;
}

/* Makes v what a column of this affinity holds when v is stored; *known is false when versions differ about it. */
static parity_status apply_affinity(parity_work *w, parity_value *v, bool *known)
{
    int store = w->t->store;

    *known = true;
    if (store == PARITY_STORE_ANY_TEXT) {
        *known = v->cls != PARITY_REAL; /* becomes text of 15 digits, or of 17 */
        if (v->cls == PARITY_INTEGER) {
            w->stored.len = 0;
            PARITY_TRY(parity_buf_printf(&w->stored, "%lld", (long long)v->i));
            parity_set_string(v, &w->stored);
        }
        return PARITY_OK;
    }
    if (store != PARITY_STORE_NUMERIC && store != PARITY_STORE_INTEGER && store != PARITY_STORE_REAL)
        return PARITY_OK;
    if (v->cls == PARITY_STRING)
        PARITY_TRY(to_number(w, v));
    if (store == PARITY_STORE_REAL && v->cls == PARITY_INTEGER) {
        v->cls = PARITY_REAL;
        v->r = (double)v->i;
    } else if (store != PARITY_STORE_REAL && v->cls == PARITY_REAL && v->r > -0x1p63 && v->r < 0x1p63 &&
               (double)(int64_t)v->r == v->r) {
        v->cls = PARITY_INTEGER;
        v->i = (int64_t)v->r;
    }
    return PARITY_OK;
}

parity_status parity_sqlite_literal(parity_buf *b, parity_work *w)
{
    parity_form forms[PARITY_NFORMS];

    parity_order_forms(w, forms);
    for (int i = 0; i < PARITY_NFORMS; i++) {
        parity_value v;
        bool made, known, good;

        PARITY_TRY(parity_make_candidate(w, forms[i], &v, &made));
        if (!made)
            continue;
        PARITY_TRY(apply_affinity(w, &v, &known));
        if (!known)
            continue;
        PARITY_TRY(parity_fits(w, &v, &good));
        if (good) {
            w->why[0] = '\0';
            return put_sqlite(b, &v); /* what is stored: stored again, it stays as it is */
        }
    }
    parity_because(w, "no value of this column is read as it");
    return PARITY_OK;
}
