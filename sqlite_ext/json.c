/*
 * json.c - the little JSON that this side reads and writes by itself: lists of
 * names.  SQLite's own JSON functions may be missing or replaced; documents
 * with more in them (specs, bundles, mappings) are core's.
 */
#include <string.h>

#include "module.h"

/* What is left to read. */
typedef struct reader {
    const char *p, *end;
} reader;

static void skip_blanks(reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static bool take(reader *r, char c)
{
    skip_blanks(r);
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* Moves behind the string whose opening quote was taken; false when it does not end. */
static bool skip_string(reader *r)
{
    for (; r->p < r->end; r->p++) {
        if (*r->p == '"') {
            r->p++;
            return true;
        }
        if (*r->p == '\\' && ++r->p == r->end)
            return false;
    }
    return false;
}

static bool hex4(const char *p, const char *end, unsigned *out)
{
    *out = 0;
    if (end - p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return false;
        *out = *out * 16 + digit;
    }
    return true;
}

static char *put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | (c >> 6));
        *out++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | (c >> 12));
        *out++ = (char)(0x80 | ((c >> 6) & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    } else {
        *out++ = (char)(0xF0 | (c >> 18));
        *out++ = (char)(0x80 | ((c >> 12) & 0x3F));
        *out++ = (char)(0x80 | ((c >> 6) & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    }
    return out;
}

/* Decodes the inside of a string into out, which has room for as many bytes; false when it is not JSON. */
static bool decode(const char *p, const char *end, char *out)
{
    while (p < end) {
        unsigned c, low;

        if ((unsigned char)*p < 0x20)
            return false;
        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        switch (p[1]) {
        case '"': case '\\': case '/':
            *out++ = p[1];
            break;
        case 'b':
            *out++ = '\b';
            break;
        case 'f':
            *out++ = '\f';
            break;
        case 'n':
            *out++ = '\n';
            break;
        case 'r':
            *out++ = '\r';
            break;
        case 't':
            *out++ = '\t';
            break;
        case 'u':
            if (!hex4(p + 2, end, &c) || c == 0)
                return false;
            p += 4;
            if (c >= 0xD800 && c < 0xDC00) {
                if (end - p < 4 || p[2] != '\\' || p[3] != 'u' || !hex4(p + 4, end, &low) || low < 0xDC00 ||
                    low > 0xDFFF)
                    return false;
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                p += 6;
            } else if (c >= 0xDC00 && c < 0xE000) {
                return false;
            }
            out = put_utf8(out, c);
            break;
        default:
            return false;
        }
        p += 2;
    }
    *out = '\0';
    return true;
}

int sq_json_strings(parity_arena *a, const char *what, const char *json, size_t n, char ***out, int *nout, sq_error *e)
{
    reader r = {json, json + n};
    size_t quotes = 0;
    int count = 0;

    *nout = 0;
    for (size_t i = 0; i < n; i++)
        quotes += json[i] == '"';
    *out = parity_arena_alloc(a, (quotes / 2 + 1) * sizeof **out);
    if (*out == NULL)
        return sq_nomem(e);
    if (!take(&r, '['))
        goto malformed;
    if (!take(&r, ']')) {
        do {
            const char *start;
            char *text;

            if (!take(&r, '"'))
                goto malformed;
            start = r.p;
            if (!skip_string(&r))
                goto malformed;
            text = parity_arena_alloc(a, (size_t)(r.p - start));
            if (text == NULL)
                return sq_nomem(e);
            if (!decode(start, r.p - 1, text))
                goto malformed;
            (*out)[count++] = text;
        } while (take(&r, ','));
        if (!take(&r, ']'))
            goto malformed;
    }
    skip_blanks(&r);
    if (r.p != r.end)
        goto malformed;
    *nout = count;
    return SQLITE_OK;

malformed:
    return sq_fail(e, PARITY_MALFORMED, NULL, "write it as [\"first\",\"second\"]",
                   "%s is not a JSON array of strings", what);
}

bool sq_json_is_spec(const char *json, size_t n)
{
    reader r = {json, json + n};
    int depth = 0;

    if (!take(&r, '{'))
        return false;
    for (skip_blanks(&r); r.p < r.end; skip_blanks(&r)) {
        char c = *r.p++;

        if (c == '"') {
            const char *start = r.p;

            if (!skip_string(&r))
                return false;
            if (depth == 0 && r.p - start == 8 && memcmp(start, "columns\"", 8) == 0 && take(&r, ':'))
                return take(&r, '[');
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth-- == 0)
                return false;
        }
    }
    return false;
}

parity_status sq_json_put_string(parity_buf *b, const char *text)
{
    parity_status s = parity_buf_puts(b, "\"");

    for (; *text != '\0' && s == PARITY_OK; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            s = parity_buf_printf(b, "\\%c", c);
        else if (c < 0x20)
            s = parity_buf_printf(b, "\\u%04x", c);
        else
            s = parity_buf_put(b, text, 1);
    }
    return s == PARITY_OK ? parity_buf_puts(b, "\"") : s;
}
