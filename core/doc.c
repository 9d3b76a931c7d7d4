/*
 * doc.c - JSON documents that come from outside: bundles, specs, mappings
 *
 * Unlike json.c, which canonicalises values of any size and depth, this reads
 * small structured texts into nodes, with bounds: depth, memory, UTF-8, and no
 * NUL inside strings, since they become names.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

typedef struct reader {
    parity_arena *arena;
    const char *what;
    const char *text;
    size_t n, at;
    size_t budget; /* arena->total may not pass this */
    parity_error *err;
} reader;

static parity_status malformed(reader *r, const char *why)
{
    char detail[160];

    snprintf(detail, sizeof detail, "At byte %zu: %s.", r->at, why);
    return parity_fail(r->err, PARITY_MALFORMED, detail, "Was the text cut off, or printed with headers or alignment?",
                       "%s is not valid JSON", r->what);
}

static void skip_blanks(reader *r)
{
    while (r->at < r->n && (r->text[r->at] == ' ' || r->text[r->at] == '\t' || r->text[r->at] == '\n' ||
                            r->text[r->at] == '\r'))
        r->at++;
}

static parity_status take(reader *r, size_t size, void **out)
{
    if (size > r->budget || r->arena->total > r->budget - size)
        return parity_fail(r->err, PARITY_LIMIT, "It holds more values than a text of this length can need.",
                           "Was another text passed than the one that was meant?",
                           "%s takes too much memory", r->what);
    *out = parity_arena_alloc(r->arena, size);
    return *out == NULL ? PARITY_NOMEM : PARITY_OK;
}

static int hex4(const char *p)
{
    int v = 0;

    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                 : c >= 'A' && c <= 'F'   ? c - 'A' + 10
                                                                          : -1;

        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

/* Reads a string at a quote and decodes it. */
static parity_status read_string(reader *r, const char **out)
{
    size_t end = r->at + 1, len = 0;
    bool escaped = false;
    char *copy;
    void *p = NULL;

    for (; end < r->n && r->text[end] != '"'; end++) {
        if ((unsigned char)r->text[end] < 0x20)
            return r->at = end, malformed(r, "control character inside a string");
        if (r->text[end] == '\\') {
            escaped = true;
            end++;
        }
    }
    if (end >= r->n)
        return malformed(r, "string without end");
    if (!parity_utf8_valid(r->text + r->at + 1, end - r->at - 1))
        return malformed(r, "not UTF-8");
    PARITY_TRY(take(r, end - r->at, &p));
    copy = p;
    if (!escaped) {
        memcpy(copy, r->text + r->at + 1, end - r->at - 1);
        r->at = end + 1;
        *out = copy;
        return PARITY_OK;
    }
    for (r->at++; r->at < end; r->at++) {
        char c = r->text[r->at];
        int code, low;

        if (c != '\\') {
            copy[len++] = c;
            continue;
        }
        switch (c = r->text[++r->at]) {
        case '"':
        case '\\':
        case '/':
            copy[len++] = c;
            break;
        case 'b':
            copy[len++] = '\b';
            break;
        case 'f':
            copy[len++] = '\f';
            break;
        case 'n':
            copy[len++] = '\n';
            break;
        case 'r':
            copy[len++] = '\r';
            break;
        case 't':
            copy[len++] = '\t';
            break;
        case 'u':
            code = end - r->at > 4 ? hex4(r->text + r->at + 1) : -1;
            if (code <= 0)
                return malformed(r, code == 0 ? "NUL inside a string" : "invalid escape");
            r->at += 4;
            if (code >= 0xD800 && code < 0xDC00) {
                low = end - r->at > 6 && r->text[r->at + 1] == '\\' && r->text[r->at + 2] == 'u'
                          ? hex4(r->text + r->at + 3)
                          : -1;
                if (low < 0xDC00 || low > 0xDFFF)
                    return malformed(r, "unpaired surrogate");
                r->at += 6;
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                copy[len++] = (char)(0xF0 | code >> 18);
                copy[len++] = (char)(0x80 | (code >> 12 & 0x3F));
                copy[len++] = (char)(0x80 | (code >> 6 & 0x3F));
                copy[len++] = (char)(0x80 | (code & 0x3F));
            } else if (code >= 0xDC00 && code <= 0xDFFF) {
                return malformed(r, "unpaired surrogate");
            } else if (code >= 0x800) {
                copy[len++] = (char)(0xE0 | code >> 12);
                copy[len++] = (char)(0x80 | (code >> 6 & 0x3F));
                copy[len++] = (char)(0x80 | (code & 0x3F));
            } else if (code >= 0x80) {
                copy[len++] = (char)(0xC0 | code >> 6);
                copy[len++] = (char)(0x80 | (code & 0x3F));
            } else
                copy[len++] = (char)code;
            break;
        default:
            return malformed(r, "invalid escape");
        }
    }
    copy[len] = '\0';
    r->at = end + 1;
    *out = copy;
    return PARITY_OK;
}

/* Reads a number's text at its first character. */
static parity_status read_number(reader *r, const char **out)
{
    size_t start = r->at, digits;
    void *p = NULL;

    if (r->text[r->at] == '-')
        r->at++;
    digits = r->at;
    while (r->at < r->n && r->text[r->at] >= '0' && r->text[r->at] <= '9')
        r->at++;
    if (r->at == digits || (r->text[digits] == '0' && r->at - digits > 1))
        return malformed(r, "invalid number");
    if (r->at < r->n && r->text[r->at] == '.') {
        digits = ++r->at;
        while (r->at < r->n && r->text[r->at] >= '0' && r->text[r->at] <= '9')
            r->at++;
        if (r->at == digits)
            return malformed(r, "invalid number");
    }
    if (r->at < r->n && (r->text[r->at] == 'e' || r->text[r->at] == 'E')) {
        r->at++;
        if (r->at < r->n && (r->text[r->at] == '+' || r->text[r->at] == '-'))
            r->at++;
        digits = r->at;
        while (r->at < r->n && r->text[r->at] >= '0' && r->text[r->at] <= '9')
            r->at++;
        if (r->at == digits)
            return malformed(r, "invalid number");
    }
    PARITY_TRY(take(r, r->at - start + 1, &p));
    memcpy(p, r->text + start, r->at - start);
    *out = p;
    return PARITY_OK;
}

static bool word(reader *r, const char *w)
{
    size_t len = strlen(w);

    if (r->n - r->at < len || memcmp(r->text + r->at, w, len) != 0)
        return false;
    r->at += len;
    return true;
}

static parity_status read_value(reader *r, int depth, parity_node **out)
{
    parity_node *node, **tail;
    void *p = NULL;
    char open;

    skip_blanks(r);
    if (r->at >= r->n)
        return malformed(r, "the text ends too early");
    if (depth > PARITY_DOC_MAX_DEPTH)
        return parity_fail(r->err, PARITY_LIMIT, NULL, "Was another text passed than the one that was meant?",
                           "%s is nested more than %d levels deep", r->what,
                           PARITY_DOC_MAX_DEPTH);
    PARITY_TRY(take(r, sizeof *node, &p));
    node = *out = p;
    open = r->text[r->at];
    if (open == '"') {
        node->type = PARITY_N_STRING;
        return read_string(r, &node->text);
    }
    if (open == '-' || (open >= '0' && open <= '9')) {
        node->type = PARITY_N_NUMBER;
        return read_number(r, &node->text);
    }
    if (open != '{' && open != '[') {
        node->type = word(r, "null")    ? PARITY_N_NULL
                     : word(r, "true")  ? PARITY_N_TRUE
                     : word(r, "false") ? PARITY_N_FALSE
                                        : PARITY_N_OBJECT + 1;
        return node->type > PARITY_N_OBJECT ? malformed(r, "unexpected character") : PARITY_OK;
    }
    node->type = open == '{' ? PARITY_N_OBJECT : PARITY_N_ARRAY;
    tail = &node->first;
    r->at++;
    skip_blanks(r);
    if (r->at < r->n && r->text[r->at] == (open == '{' ? '}' : ']')) {
        r->at++;
        return PARITY_OK;
    }
    for (;;) {
        const char *key = NULL;

        if (open == '{') {
            skip_blanks(r);
            if (r->at >= r->n || r->text[r->at] != '"')
                return malformed(r, "a member's name is expected");
            PARITY_TRY(read_string(r, &key));
            for (const parity_node *m = node->count <= 64 ? node->first : NULL; m != NULL; m = m->next)
                if (strcmp(m->key, key) == 0)
                    return malformed(r, "a member stands twice");
            skip_blanks(r);
            if (r->at >= r->n || r->text[r->at] != ':')
                return malformed(r, "\":\" is expected");
            r->at++;
        }
        PARITY_TRY(read_value(r, depth + 1, tail));
        (*tail)->key = key;
        tail = &(*tail)->next;
        node->count++;
        skip_blanks(r);
        if (r->at < r->n && r->text[r->at] == ',') {
            r->at++;
            continue;
        }
        if (r->at < r->n && r->text[r->at] == (open == '{' ? '}' : ']')) {
            r->at++;
            return PARITY_OK;
        }
        return malformed(r, r->at >= r->n ? "the text ends too early" : "\",\" or a closing bracket is expected");
    }
}

parity_status parity_doc_parse(parity_arena *a, const char *what, const char *text, size_t n, parity_node **out,
                               parity_error *err)
{
    reader r = {a, what, text, n, 0, 0, err};

    if (n > PARITY_BUNDLE_MAX_BYTES)
        return parity_fail(err, PARITY_LIMIT, NULL, "Was another text passed than the one that was meant?", "%s is larger than %zu bytes", what,
                           PARITY_BUNDLE_MAX_BYTES);
    r.budget = a->total + 10 * n + (1 << 20);
    /* a byte order mark, as some shells write it */
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        r.at = 3;
    PARITY_TRY(read_value(&r, 1, out));
    skip_blanks(&r);
    return r.at < n ? malformed(&r, "something stands behind the JSON value") : PARITY_OK;
}

const parity_node *parity_node_member(const parity_node *object, const char *key)
{
    if (object->type != PARITY_N_OBJECT)
        return NULL;
    for (const parity_node *m = object->first; m != NULL; m = m->next)
        if (strcmp(m->key, key) == 0)
            return m;
    return NULL;
}

bool parity_node_u64(const parity_node *n, uint64_t *out)
{
    uint64_t v = 0;

    if (n == NULL || n->type != PARITY_N_NUMBER)
        return false;
    for (const char *p = n->text; *p != '\0'; p++) {
        unsigned digit = (unsigned)(*p - '0');

        if (*p < '0' || *p > '9' || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

parity_status parity_json_string(parity_buf *b, const char *text)
{
    size_t n = strlen(text), run;

    PARITY_TRY(parity_buf_put(b, "\"", 1));
    for (size_t i = 0; i < n; i += run) {
        unsigned char c = (unsigned char)text[i];

        run = 1;
        if (c == '"' || c == '\\')
            PARITY_TRY(parity_buf_printf(b, "\\%c", c));
        else if (c < 0x20)
            PARITY_TRY(parity_buf_printf(b, "\\u%04x", c));
        else if (c < 0x80)
            PARITY_TRY(parity_buf_put(b, text + i, 1));
        else {
            run = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
            if (n - i >= run && parity_utf8_valid(text + i, run))
                PARITY_TRY(parity_buf_put(b, text + i, run));
            else {
                run = 1;
                PARITY_TRY(parity_buf_put(b, "\xEF\xBF\xBD", 3));
            }
        }
    }
    return parity_buf_put(b, "\"", 1);
}
