/*
 * jsonb.c - SQLite's JSONB (3.45 and later) as JSON text
 *
 * An element is a header and a payload.  The low four bits of the header's
 * first byte are the type, the high four the payload's length, or, from 12 on,
 * the number of bytes that hold it, big-endian: 1, 2, 4 or 8.
 *
 *    0 NULL  1 TRUE  2 FALSE       no payload
 *    3 INT   5 FLOAT               a number as JSON has it; INT without point and exponent
 *    4 INT5                        hexadecimal, -?0x…, of at most 64 bits
 *    6 FLOAT5                      digits may be missing on one side of the point
 *    7 TEXT                        a string's text, nothing to escape
 *    8 TEXTJ                       with JSON's escapes
 *    9 TEXT5                       with JSON5's escapes too, and bare quotes and control characters
 *   10 TEXTRAW                     the string itself
 *   11 ARRAY                       elements
 *   12 OBJECT                      labels, which are strings, and elements in turn
 *
 * A blob is one element.  SQLite trusts payloads; here each is checked, so that
 * none can be read as more than the one token it stands for.
 */
#include <string.h>

#include "internal.h"
#include "json_scan.h"

enum { INT = 3, INT5, FLOAT, FLOAT5, TEXT, TEXTJ, TEXT5, TEXTRAW, ARRAY, OBJECT };

/* An array or object that is open. */
typedef struct level {
    size_t end;   /* of its payload */
    size_t count; /* elements so far, labels included */
    bool object;
} level;

/* The first levels need no memory. */
#define NEAR 16

typedef struct levels {
    level near[NEAR];
    parity_buf far;
    size_t depth;
} levels;

static level *innermost(levels *l)
{
    if (l->depth <= NEAR)
        return &l->near[l->depth - 1];
    return (level *)(void *)l->far.data + (l->depth - NEAR - 1);
}

static parity_status enter(levels *l, size_t end, bool object)
{
    level *top;

    if (l->depth >= NEAR) {
        PARITY_TRY(parity_buf_reserve(&l->far, sizeof(level)));
        l->far.len += sizeof(level);
    }
    l->depth++;
    top = innermost(l);
    top->end = end;
    top->count = 0;
    top->object = object;
    return PARITY_OK;
}

static void leave(levels *l)
{
    if (l->depth > NEAR)
        l->far.len -= sizeof(level);
    l->depth--;
}

/* The type of the element at p[*at], whose payload becomes p[*at .. *end); -1 when it passes limit. */
static int read_header(const unsigned char *p, size_t limit, size_t *at, size_t *end)
{
    size_t size, i = *at;
    unsigned bytes;
    int type;

    if (i >= limit)
        return -1;
    type = p[i] & 0x0F;
    size = p[i] >> 4;
    i++;
    if (size >= 12) {
        uint64_t wide = 0;

        bytes = 1u << (size - 12);
        if (limit - i < bytes)
            return -1;
        while (bytes-- > 0)
            wide = wide << 8 | p[i++];
        if (wide > limit - i)
            return -1;
        size = (size_t)wide;
    }
    if (size > limit - i)
        return -1;
    *at = i;
    *end = i + size;
    return type;
}

static inline parity_status put_byte(parity_buf *out, char c)
{
    PARITY_TRY(parity_buf_reserve(out, 1));
    out->data[out->len++] = (unsigned char)c;
    return PARITY_OK;
}

/* Whether s up to e is one JSON number; without `any`, one that is written as an integer. */
static bool is_number(const unsigned char *s, const unsigned char *e, bool any)
{
    parity_json_parts parts;

    s = parity_json_scan_number(s, e, &parts);
    return s != NULL && s == e && (any || parts.whole_end == e);
}

static parity_status put_hex_integer(parity_buf *out, const unsigned char *s, const unsigned char *e, bool *bad)
{
    uint64_t u = 0;
    bool negative = s < e && *s == '-';

    s += negative;
    *bad = e - s < 3 || s[0] != '0' || (s[1] | 0x20) != 'x';
    for (s += 2; !*bad && s < e; s++) {
        int digit = parity_json_hex(*s);

        *bad = digit < 0 || u >> 60 != 0;
        u = u << 4 | (unsigned)(digit & 15);
    }
    return *bad ? PARITY_OK : parity_buf_printf(out, "%s%llu", negative ? "-" : "", (unsigned long long)u);
}

static parity_status put_float5(parity_buf *out, const unsigned char *s, const unsigned char *e, bool *bad)
{
    size_t start = out->len;

    for (const unsigned char *c = s; c < e; c++) {
        bool before = c > s && parity_json_digit(c[-1]), behind = c + 1 < e && parity_json_digit(c[1]);

        if (*c == '.' && !before && !behind) {
            *bad = true;
            return PARITY_OK;
        }
        if (*c == '.' && !before)
            PARITY_TRY(put_byte(out, '0'));
        PARITY_TRY(put_byte(out, (char)*c));
        if (*c == '.' && !behind)
            PARITY_TRY(put_byte(out, '0'));
    }
    *bad = out->len == start || !is_number(out->data + start, out->data + out->len, true);
    return PARITY_OK;
}

/* The length of the JSON escape at s, which is a backslash; 0 when it is none. */
static size_t escape_length(const unsigned char *s, const unsigned char *e)
{
    if (e - s < 2)
        return 0;
    switch (s[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        return 2;
    case 'u':
        for (int i = 2; i < 6; i++)
            if (e - s <= i || parity_json_hex(s[i]) < 0)
                return 0;
        return 6;
    default:
        return 0;
    }
}

/*
 * The escape at s, which JSON does not have: its length, 0 when JSON5 does not have it either (as SQLite reads
 * JSON5).  *c is the byte that it stands for, -1 when it stands for nothing.
 */
static size_t escape5_length(const unsigned char *s, const unsigned char *e, int *c)
{
    size_t n = (size_t)(e - s);

    *c = -1;
    if (n < 2)
        return 0;
    switch (s[1]) {
    case '\'': *c = '\''; return 2;
    case 'v': *c = 0x0B; return 2;
    case '0': *c = 0; return 2;
    case 'x':
        if (n < 4 || (parity_json_hex(s[2]) | parity_json_hex(s[3])) < 0)
            return 0;
        *c = parity_json_hex(s[2]) << 4 | parity_json_hex(s[3]);
        return 4;
    case '\n':
        return 2;
    case '\r':
        return n >= 3 && s[2] == '\n' ? 3 : 2;
    case 0xE2: /* U+2028, U+2029 */
        return n >= 4 && s[2] == 0x80 && (s[3] == 0xA8 || s[3] == 0xA9) ? 4 : 0;
    default:
        return 0;
    }
}

static parity_status put_string(parity_buf *out, int type, const unsigned char *s, const unsigned char *e, bool *bad)
{
    PARITY_TRY(put_byte(out, '"'));
    while (s < e) {
        const unsigned char *run = s;
        size_t n = 0;
        int c = -1;

        while (s < e && parity_json_plain(*s))
            s++;
        PARITY_TRY(parity_buf_put(out, run, (size_t)(s - run)));
        if (s == e)
            break;
        if (*s == '\\' && (type == TEXTJ || type == TEXT5)) {
            n = escape_length(s, e);
            if (n > 0) {
                PARITY_TRY(parity_buf_put(out, s, n));
            } else if (type == TEXT5) {
                n = escape5_length(s, e, &c);
            }
        } else if (type == TEXT5 || type == TEXTRAW) {
            n = 1;
            c = *s;
        }
        if (n == 0) {
            *bad = true;
            return PARITY_OK;
        }
        if (c >= 0)
            PARITY_TRY(parity_buf_printf(out, "\\u%04x", (unsigned)c));
        s += n;
    }
    return put_byte(out, '"');
}

/* Writes an element other than an array or object. */
static parity_status put_scalar(parity_buf *out, int type, const unsigned char *s, const unsigned char *e, bool *bad)
{
    static const char *const words[] = {"null", "true", "false"};

    switch (type) {
    case 0: case 1: case 2:
        *bad = s != e;
        return parity_buf_puts(out, words[type]);
    case INT: case FLOAT:
        *bad = !is_number(s, e, type == FLOAT);
        return parity_buf_put(out, s, (size_t)(e - s));
    case INT5:
        return put_hex_integer(out, s, e, bad);
    case FLOAT5:
        return put_float5(out, s, e, bad);
    case TEXT: case TEXTJ: case TEXT5: case TEXTRAW:
        return put_string(out, type, s, e, bad);
    default:
        *bad = true;
        return PARITY_OK;
    }
}

/* Closes what ends at `at`; bad when an object ends behind a label. */
static parity_status close_levels(parity_buf *out, levels *l, size_t at, bool *bad)
{
    while (!*bad && l->depth > 0 && innermost(l)->end == at) {
        *bad = innermost(l)->object && innermost(l)->count % 2 != 0;
        PARITY_TRY(put_byte(out, innermost(l)->object ? '}' : ']'));
        leave(l);
    }
    return PARITY_OK;
}

static parity_status put_elements(parity_buf *out, levels *l, const unsigned char *p, size_t n, bool *bad)
{
    size_t i = 0, end;

    do {
        level *top = l->depth > 0 ? innermost(l) : NULL;
        int type = read_header(p, top != NULL ? top->end : n, &i, &end);
        bool label = top != NULL && top->object && top->count % 2 == 0;

        *bad = type < 0 || (top == NULL && end != n) || (label && (type < TEXT || type > TEXTRAW));
        if (*bad)
            break;
        if (top != NULL && top->count++ > 0)
            PARITY_TRY(put_byte(out, label || !top->object ? ',' : ':'));
        if (type == ARRAY || type == OBJECT) {
            PARITY_TRY(put_byte(out, type == ARRAY ? '[' : '{'));
            PARITY_TRY(enter(l, end, type == OBJECT));
        } else {
            PARITY_TRY(put_scalar(out, type, p + i, p + end, bad));
            i = end;
        }
        PARITY_TRY(close_levels(out, l, i, bad));
    } while (!*bad && l->depth > 0);
    return PARITY_OK;
}

parity_status parity_jsonb_text(parity_buf *out, const unsigned char *p, size_t n, bool *bad)
{
    size_t start = out->len;
    levels l;
    parity_status status;

    parity_buf_init(&l.far, out->mem);
    l.depth = 0;
    *bad = false;
    status = put_elements(out, &l, p, n, bad);
    parity_buf_free(&l.far);
    if (status != PARITY_OK || *bad)
        out->len = start;
    return status;
}
