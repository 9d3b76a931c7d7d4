/*
 * json.c - canonical JSON (docs/FORMAT.md, "Canonical JSON") and the kind json
 *
 * The first pass reads the document and writes its canonical text, but leaves
 * the members of each object in the order in which they came.  When the keys of
 * every object were in order, that is the result.  An object whose keys were
 * not leaves a record: where its text lies, and where its members lie, sorted
 * and without duplicates.  The second pass copies the text, from its end to its
 * start, and takes the members of those objects in the order of their records.
 *
 * So every byte is read once and copied at most three times, and the rest is
 * sorting: O(n log n) whatever the nesting, the number of duplicates or the
 * length of common prefixes.  Nothing recurses.  What is open is a stack in
 * scratch, which also holds members and records; all of these are made of
 * 32-bit words and found by their offset in words, since scratch moves when it
 * grows.  Offsets into the text count from its start.
 */
#include <math.h>
#include <string.h>

#include "internal.h"
#include "json_scan.h"

/* Inside this file PARITY_MALFORMED says that the input is not JSON. */

/* Room that is kept beyond one byte of text for each byte of input that is left: no token grows by more. */
#define SLACK 64

/* An object, open (then it is part of the stack) or a record.  The first one stands for the document. */
typedef struct object {
    uint32_t parent;   /* the object around it (second pass: around it and recorded) */
    uint32_t start;    /* its text */
    uint32_t end;
    uint32_t arrays;   /* arrays now open between it and whatever is innermost */
    uint32_t count;    /* members */
    uint32_t members;  /* open: the newest member; record: the array of members */
    uint32_t before;   /* the newest record when it was opened, 0: none */
    uint32_t disorder; /* a key was not greater than the one before */
    uint32_t low;      /* second pass: where the range that it lies in starts */
} object;

typedef struct member {
    uint32_t prev;    /* the member before it in the same object, 0: none */
    uint32_t start;   /* its text, from the key's quote on */
    uint32_t end;
    uint32_t key;     /* length of the key's text between the quotes */
    uint32_t escaped; /* there is a backslash in it */
    uint32_t records; /* the newest record at its end */
} member;

#define WORDS(type) (sizeof(type) / sizeof(uint32_t))

typedef struct reader {
    const unsigned char *s, *e; /* the input that is left */
    unsigned char *w;           /* where the text goes on */
    unsigned char *limit;       /* the end of its room: at least e - s + SLACK behind w */
    parity_buf *out, *scratch;
    size_t base;      /* where in out the text starts */
    uint32_t top;     /* the innermost open object */
    uint32_t records; /* the newest record, 0: none */
} reader;

static inline void *at(const parity_buf *scratch, uint32_t offset)
{
    return scratch->data + sizeof(uint32_t) * (size_t)offset;
}

static inline object *object_at(const reader *r, uint32_t offset)
{
    return at(r->scratch, offset);
}

static inline member *member_at(const reader *r, uint32_t offset)
{
    return at(r->scratch, offset);
}

static inline uint32_t text_offset(const reader *r)
{
    return (uint32_t)((size_t)(r->w - r->out->data) - r->base);
}

/* Appends n words to scratch. */
static inline parity_status push(parity_buf *scratch, size_t n, uint32_t *offset)
{
    size_t words = scratch->len / sizeof(uint32_t);

    if (n > UINT32_MAX - words)
        return PARITY_LIMIT;
    PARITY_TRY(parity_buf_reserve(scratch, n * sizeof(uint32_t)));
    *offset = (uint32_t)words;
    scratch->len += n * sizeof(uint32_t);
    return PARITY_OK;
}

/* ---- tokens */

/* Restores the room behind r->w after a token that grew. */
static parity_status make_room(reader *r)
{
    size_t need = (size_t)(r->e - r->s) + SLACK, cap;

    r->out->len = (size_t)(r->w - r->out->data);
    if (need < SLACK || need > UINT32_MAX - (r->out->len - r->base))
        return PARITY_LIMIT;
    PARITY_TRY(parity_buf_reserve(r->out, need));
    cap = r->out->cap;
    if (cap - r->base > UINT32_MAX)
        cap = r->base + UINT32_MAX;
    r->w = r->out->data + r->out->len;
    r->limit = r->out->data + cap;
    return PARITY_OK;
}

static inline parity_status keep_room(reader *r)
{
    return r->limit - r->w >= r->e - r->s + SLACK ? PARITY_OK : make_room(r);
}

/* The high bit of each byte that ends a run of plain bytes; those above the lowest one may be wrong. */
static inline uint64_t ends_run(uint64_t x)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t quote = x ^ ones * '"', escape = x ^ ones * '\\';

    return (((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) | ((escape - ones) & ~escape)) & ones * 0x80;
}

/* The value of four hex digits, or -1. */
static int32_t hex4(const unsigned char *s)
{
    int a = parity_json_hex(s[0]), b = parity_json_hex(s[1]), c = parity_json_hex(s[2]), d = parity_json_hex(s[3]);

    return (a | b | c | d) < 0 ? -1 : (a << 12 | b << 8 | c << 4 | d);
}

/* Writes a character as a canonical string has it; *escaped when that takes a backslash. */
static unsigned char *put_character(unsigned char *w, uint32_t c, bool *escaped)
{
    static const char digits[] = "0123456789abcdef";

    if (c < 0x20 || (c >= 0xD800 && c <= 0xDFFF)) {
        *escaped = true;
        *w++ = '\\';
        *w++ = 'u';
        *w++ = (unsigned char)digits[c >> 12];
        *w++ = (unsigned char)digits[c >> 8 & 15];
        *w++ = (unsigned char)digits[c >> 4 & 15];
        *w++ = (unsigned char)digits[c & 15];
    } else if (c < 0x80) {
        if (c == '"' || c == '\\') {
            *escaped = true;
            *w++ = '\\';
        }
        *w++ = (unsigned char)c;
    } else if (c < 0x800) {
        *w++ = (unsigned char)(0xC0 | c >> 6);
        *w++ = (unsigned char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *w++ = (unsigned char)(0xE0 | c >> 12);
        *w++ = (unsigned char)(0x80 | (c >> 6 & 0x3F));
        *w++ = (unsigned char)(0x80 | (c & 0x3F));
    } else {
        *w++ = (unsigned char)(0xF0 | c >> 18);
        *w++ = (unsigned char)(0x80 | (c >> 12 & 0x3F));
        *w++ = (unsigned char)(0x80 | (c >> 6 & 0x3F));
        *w++ = (unsigned char)(0x80 | (c & 0x3F));
    }
    return w;
}

/* Reads the escape at r->s. */
static parity_status read_escape(reader *r, bool *escaped)
{
    const unsigned char *s = r->s;
    int32_t c, low;

    if (r->e - s < 2)
        return PARITY_MALFORMED;
    r->s += 2;
    switch (s[1]) {
    case '"': case '\\': case '/': c = s[1]; break;
    case 'b': c = '\b'; break;
    case 'f': c = '\f'; break;
    case 'n': c = '\n'; break;
    case 'r': c = '\r'; break;
    case 't': c = '\t'; break;
    case 'u':
        if (r->e - s < 6 || (c = hex4(s + 2)) < 0)
            return PARITY_MALFORMED;
        r->s += 4;
        if (c >= 0xD800 && c <= 0xDBFF && r->e - s >= 12 && s[6] == '\\' && s[7] == 'u') {
            low = hex4(s + 8);
            if (low >= 0xDC00 && low <= 0xDFFF) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                r->s += 6;
            }
        }
        break;
    default:
        return PARITY_MALFORMED;
    }
    r->w = put_character(r->w, (uint32_t)c, escaped);
    return keep_room(r);
}

/* Reads the string at r->s, whose first byte is its quote. */
static parity_status read_string(reader *r, bool *escaped)
{
    *escaped = false;
    *r->w++ = *r->s++;
    for (;;) {
        const unsigned char *s = r->s, *e = r->e;
        unsigned char *w = r->w;

        while (e - s >= 8) {
            uint64_t x, stop;

            memcpy(&x, s, 8);
            memcpy(w, &x, 8);
            stop = ends_run(x);
            if (stop != 0) {
#if defined(__GNUC__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                s += __builtin_ctzll(stop) >> 3;
                w += __builtin_ctzll(stop) >> 3;
#endif
                break;
            }
            s += 8;
            w += 8;
        }
        while (s < e && parity_json_plain(*s))
            *w++ = *s++;
        r->s = s;
        r->w = w;
        if (s == e)
            return PARITY_MALFORMED;
        if (*s == '"') {
            *r->w++ = *r->s++;
            return PARITY_OK;
        }
        if (*s != '\\')
            return PARITY_MALFORMED;
        PARITY_TRY(read_escape(r, escaped));
    }
}

static unsigned char *put_digits(unsigned char *w, const unsigned char *from, const unsigned char *to)
{
    memcpy(w, from, (size_t)(to - from));
    return w + (to - from);
}

/* Writes `e` and an exponent that is not 0. */
static unsigned char *put_exponent(unsigned char *w, int64_t exponent)
{
    unsigned char digits[20];
    int n = 0;
    uint64_t u = exponent < 0 ? 0 - (uint64_t)exponent : (uint64_t)exponent;

    *w++ = 'e';
    if (exponent < 0)
        *w++ = '-';
    for (; u != 0; u /= 10)
        digits[n++] = (unsigned char)('0' + u % 10);
    while (n > 0)
        *w++ = digits[--n];
    return w;
}

/* Reads the number at r->s. */
static parity_status read_number(reader *r)
{
    parity_json_parts p;
    int64_t exponent = 0;
    const unsigned char *next = parity_json_scan_number(r->s, r->e, &p), *c;
    unsigned char *w = r->w;

    if (next == NULL)
        return PARITY_MALFORMED;
    r->s = next;
    while (p.fraction_end > p.fraction && p.fraction_end[-1] == '0')
        p.fraction_end--;
    if (*p.whole == '0') { /* 0, or 0.… */
        p.whole = p.whole_end;
        exponent -= p.fraction_end - p.fraction;
        while (p.fraction < p.fraction_end && *p.fraction == '0')
            p.fraction++;
        if (p.fraction == p.fraction_end) {
            *r->w++ = '0';
            return keep_room(r);
        }
    } else if (p.fraction == p.fraction_end) {
        const unsigned char *end = p.whole_end;

        while (p.whole_end[-1] == '0') /* the first digit is not 0 */
            p.whole_end--;
        exponent = end - p.whole_end;
    } else {
        exponent -= p.fraction_end - p.fraction;
    }
    if (p.exponent != NULL) {
        int64_t given = 0;

        for (c = p.exponent; c < p.exponent_end; c++)
            if (given < INT64_MAX / 20) /* beyond, it only matters that it is large */
                given = given * 10 + (*c - '0');
        exponent += p.exponent_negative ? -given : given;
    }
    if (exponent < INT32_MIN || exponent > INT32_MAX)
        return PARITY_MALFORMED;
    if (p.negative)
        *w++ = '-';
    w = put_digits(w, p.whole, p.whole_end);
    w = put_digits(w, p.fraction, p.fraction_end);
    if (exponent != 0)
        w = put_exponent(w, exponent);
    r->w = w;
    return keep_room(r);
}

static parity_status read_word(reader *r, const char *word, size_t n)
{
    if ((size_t)(r->e - r->s) < n || memcmp(r->s, word, n) != 0)
        return PARITY_MALFORMED;
    memcpy(r->w, word, n);
    r->s += n;
    r->w += n;
    return PARITY_OK;
}

/* ---- members and their order */

/* Where the comparison of decoded keys stands in a canonical text. */
typedef struct cursor {
    const unsigned char *s, *e;
    unsigned char more[2]; /* what is left of an unpaired surrogate */
    int nmore;
} cursor;

/* The next byte of the decoded key, or -1; an unpaired surrogate is three, ED A0 80 to ED BF BF. */
static inline int next_byte(cursor *c)
{
    const unsigned char *s = c->s;
    int32_t unit;

    if (c->nmore > 0)
        return c->more[--c->nmore];
    if (s == c->e)
        return -1;
    if (*s != '\\') {
        c->s = s + 1;
        return *s;
    }
    if (s[1] != 'u') {
        c->s = s + 2;
        return s[1];
    }
    c->s = s + 6;
    unit = hex4(s + 2);
    if (unit < 0x20)
        return unit;
    c->more[0] = (unsigned char)(0x80 | (unit & 0x3F));
    c->more[1] = (unsigned char)(0x80 | (unit >> 6 & 0x3F));
    c->nmore = 2;
    return 0xED;
}

static int compare_bytes(const unsigned char *x, size_t nx, const unsigned char *y, size_t ny)
{
    int c = memcmp(x, y, nx < ny ? nx : ny);

    return c != 0 ? c : (nx > ny) - (nx < ny);
}

/*
 * Orders keys by their decoded bytes; should these be equal, by their canonical text: an unpaired surrogate and the
 * same three bytes, which are not UTF-8, are different keys.
 */
static int compare_escaped(const unsigned char *x, size_t nx, const unsigned char *y, size_t ny)
{
    cursor a = {.s = x, .e = x + nx}, b = {.s = y, .e = y + ny};
    int c, d;

    do {
        c = next_byte(&a);
        d = next_byte(&b);
    } while (c == d && c >= 0);
    return c != d ? c - d : compare_bytes(x, nx, y, ny);
}

static inline int compare_keys(const unsigned char *text, const member *a, const member *b)
{
    const unsigned char *x = text + a->start + 1, *y = text + b->start + 1;

    if (a->escaped | b->escaped)
        return compare_escaped(x, a->key, y, b->key);
    return compare_bytes(x, a->key, y, b->key);
}

#define RUN 8 /* runs of so many members are sorted by insertion */

static void sort_run(const unsigned char *text, member *m, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        member x = m[i];
        size_t j = i;

        for (; j > 0 && compare_keys(text, &m[j - 1], &x) > 0; j--)
            m[j] = m[j - 1];
        m[j] = x;
    }
}

/* Merges the sorted a and b into out; of equal members those of a come first. */
static void merge_runs(const unsigned char *text, const member *a, size_t na, const member *b, size_t nb, member *out)
{
    if (nb == 0 || compare_keys(text, &a[na - 1], &b[0]) <= 0) {
        memcpy(out, a, na * sizeof *a);
        memcpy(out + na, b, nb * sizeof *b);
        return;
    }
    while (na > 0 && nb > 0) {
        if (compare_keys(text, a, b) <= 0) {
            *out++ = *a++;
            na--;
        } else {
            *out++ = *b++;
            nb--;
        }
    }
    memcpy(out, a, na * sizeof *a);
    memcpy(out + na, b, nb * sizeof *b);
}

/* Sorts m, stably; space is as large, and not used for up to RUN members. */
static void sort_members(const unsigned char *text, member *m, member *space, size_t n)
{
    member *from = m, *to = space;

    for (size_t i = 0; i < n; i += RUN)
        sort_run(text, m + i, n - i < RUN ? n - i : RUN);
    for (size_t width = RUN; width < n; width *= 2) {
        member *swap = from;

        for (size_t i = 0; i < n; i += 2 * width) {
            size_t na = n - i < width ? n - i : width;
            size_t nb = n - i - na < width ? n - i - na : width;

            merge_runs(text, from + i, na, from + i + na, nb, to + i);
        }
        from = to;
        to = swap;
    }
    if (from != m)
        memcpy(m, from, n * sizeof *m);
}

/* Of members with the same key keeps the last one; returns how many are left. */
static size_t drop_duplicates(const unsigned char *text, member *m, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || compare_keys(text, &m[i], &m[i + 1]) != 0)
            m[kept++] = m[i];
    return kept;
}

static parity_status open_object(reader *r)
{
    uint32_t offset;
    object *o;

    PARITY_TRY(push(r->scratch, WORDS(object), &offset));
    o = object_at(r, offset);
    memset(o, 0, sizeof *o);
    o->parent = r->top;
    o->start = text_offset(r);
    o->before = r->records;
    r->top = offset;
    return PARITY_OK;
}

/* Reads a key and its colon. */
static parity_status open_member(reader *r)
{
    uint32_t offset;
    member *m;
    object *o;
    bool escaped;

    PARITY_TRY(push(r->scratch, WORDS(member), &offset));
    o = object_at(r, r->top);
    m = member_at(r, offset);
    m->prev = o->members;
    m->start = text_offset(r);
    m->end = m->records = 0;
    PARITY_TRY(read_string(r, &escaped));
    m->key = text_offset(r) - m->start - 2;
    m->escaped = escaped;
    if (m->prev != 0 && !o->disorder)
        o->disorder = compare_keys(r->out->data + r->base, member_at(r, m->prev), m) >= 0;
    o->members = offset;
    o->count++;
    r->s = parity_json_blanks(r->s, r->e);
    if (r->s == r->e || *r->s != ':')
        return PARITY_MALFORMED;
    *r->w++ = *r->s++;
    return PARITY_OK;
}

static void close_member(reader *r)
{
    member *m = member_at(r, object_at(r, r->top)->members);

    m->end = text_offset(r);
    m->records = r->records;
}

/* Makes a record of the innermost object, whose keys were not in order. */
static parity_status record_object(reader *r)
{
    object *o = object_at(r, r->top);
    size_t count = o->count, keep;
    uint32_t first = r->top + (uint32_t)WORDS(object), newest = o->members, offset;
    member *m;

    if (newest != first + (count - 1) * WORDS(member)) { /* records lie in between */
        PARITY_TRY(push(r->scratch, count * WORDS(member), &first));
        m = member_at(r, first);
        for (size_t i = count; i-- > 0; newest = m[i].prev)
            m[i] = *member_at(r, newest);
    }
    keep = r->scratch->len;
    if (count > RUN)
        PARITY_TRY(push(r->scratch, count * WORDS(member), &offset));
    else
        offset = first;
    m = member_at(r, first);
    sort_members(r->out->data + r->base, m, member_at(r, offset), count);
    count = drop_duplicates(r->out->data + r->base, m, count);
    r->scratch->len = keep;
    o = object_at(r, r->top);
    o->count = (uint32_t)count;
    o->members = first;
    o->end = text_offset(r);
    r->records = r->top;
    return PARITY_OK;
}

/* Closes the innermost object, behind its brace. */
static parity_status close_object(reader *r)
{
    object *o = object_at(r, r->top);
    uint32_t parent = o->parent;

    if (o->disorder)
        PARITY_TRY(record_object(r));
    else if (r->records == o->before) /* nothing in it that the second pass needs */
        r->scratch->len = sizeof(uint32_t) * (size_t)r->top;
    r->top = parent;
    return PARITY_OK;
}

/* ---- the two passes */

static parity_status read_document(reader *r)
{
    bool escaped;
    object *o;

value:
    r->s = parity_json_blanks(r->s, r->e);
    if (r->s == r->e)
        return PARITY_MALFORMED;
    switch (*r->s) {
    case '{':
        PARITY_TRY(open_object(r));
        *r->w++ = *r->s++;
        r->s = parity_json_blanks(r->s, r->e);
        if (r->s < r->e && *r->s == '}') {
            *r->w++ = *r->s++;
            PARITY_TRY(close_object(r));
            goto behind;
        }
        goto key;
    case '[':
        object_at(r, r->top)->arrays++;
        *r->w++ = *r->s++;
        r->s = parity_json_blanks(r->s, r->e);
        if (r->s < r->e && *r->s == ']') {
            *r->w++ = *r->s++;
            object_at(r, r->top)->arrays--;
            goto behind;
        }
        goto value;
    case '"':
        PARITY_TRY(read_string(r, &escaped));
        goto behind;
    case 't':
        PARITY_TRY(read_word(r, "true", 4));
        goto behind;
    case 'f':
        PARITY_TRY(read_word(r, "false", 5));
        goto behind;
    case 'n':
        PARITY_TRY(read_word(r, "null", 4));
        goto behind;
    default:
        PARITY_TRY(read_number(r));
        goto behind;
    }

key:
    r->s = parity_json_blanks(r->s, r->e);
    if (r->s == r->e || *r->s != '"')
        return PARITY_MALFORMED;
    PARITY_TRY(open_member(r));
    goto value;

behind: /* a value */
    r->s = parity_json_blanks(r->s, r->e);
    o = object_at(r, r->top);
    if (r->s == r->e)
        return r->top == 0 && o->arrays == 0 ? PARITY_OK : PARITY_MALFORMED;
    if (o->arrays > 0) {
        if (*r->s == ',') {
            *r->w++ = *r->s++;
            goto value;
        }
        if (*r->s == ']') {
            *r->w++ = *r->s++;
            o->arrays--;
            goto behind;
        }
    } else if (r->top != 0) {
        if (*r->s == ',') {
            close_member(r);
            *r->w++ = *r->s++;
            goto key;
        }
        if (*r->s == '}') {
            close_member(r);
            *r->w++ = *r->s++;
            PARITY_TRY(close_object(r));
            goto behind;
        }
    }
    return PARITY_MALFORMED;
}

static inline unsigned char *copy_back(unsigned char *d, const unsigned char *text, uint32_t from, uint32_t to)
{
    d -= to - from;
    memcpy(d, text + from, to - from);
    return d;
}

/*
 * The second pass.  A range of the text is copied from its end: record is the
 * newest record that ends in or before it, so the outermost of those that lie
 * at its end; what lies before that one starts with the record that was the
 * newest when it was opened.
 */
static parity_status rearrange(reader *r)
{
    uint32_t low = 0, high = text_offset(r), record = r->records, inside = 0;
    size_t n = high;
    const unsigned char *text = r->out->data + r->base;
    unsigned char *d, *end;

    PARITY_TRY(parity_buf_reserve(r->scratch, n));
    d = end = r->scratch->data + r->scratch->len + n;
    for (;;) {
        object *o = object_at(r, record);

        if (record != 0 && o->start >= low) {
            d = copy_back(d, text, o->end, high);
            *--d = '}';
            o->parent = inside;
            o->low = low;
            inside = record;
        } else {
            d = copy_back(d, text, low, high);
            if (inside == 0)
                break;
            o = object_at(r, inside);
            *--d = o->count > 0 ? ',' : '{';
        }
        if (o->count > 0) {
            const member *m = member_at(r, o->members) + --o->count;

            low = m->start;
            high = m->end;
            record = m->records;
        } else {
            low = o->low;
            high = o->start;
            record = o->before;
            inside = o->parent;
        }
    }
    memcpy(r->out->data + r->base, d, (size_t)(end - d));
    r->w = r->out->data + r->base + (end - d);
    return PARITY_OK;
}

parity_status parity_json_canonical(parity_buf *out, parity_buf *scratch, const char *p, size_t n, bool *bad)
{
    const unsigned char *s = (const unsigned char *)(n > 0 ? p : "");
    reader r = {.s = s, .e = s + n, .out = out, .scratch = scratch, .base = out->len};
    parity_status status;

    *bad = false;
    scratch->len = 0;
    PARITY_TRY(parity_buf_reserve(out, SLACK));
    r.w = out->data + out->len;
    PARITY_TRY(make_room(&r));
    PARITY_TRY(open_object(&r));
    status = read_document(&r);
    if (status == PARITY_OK && r.records != 0)
        status = rearrange(&r);
    out->len = status == PARITY_OK ? (size_t)(r.w - out->data) : r.base;
    if (status == PARITY_MALFORMED) {
        *bad = true;
        return PARITY_OK;
    }
    return status;
}

/* ---- frames */

/* Starts a JSON frame; its text follows. */
static parity_status begin_frame(parity_buf *b)
{
    PARITY_TRY(parity_buf_reserve(b, 5));
    b->data[b->len] = PARITY_TAG_JSON;
    b->len += 5;
    return PARITY_OK;
}

/* Sets the length of the frame that starts at start, or takes it back. */
static parity_status end_frame(parity_buf *b, size_t start, parity_status status, bool bad)
{
    size_t n = b->len - start - 5;

    if (status == PARITY_OK && !bad && n > UINT32_MAX)
        status = PARITY_LIMIT;
    if (status != PARITY_OK || bad)
        b->len = start;
    else
        parity_store32(b->data + start + 1, (uint32_t)n);
    return status;
}

static parity_status put_text(parity_buf *b, parity_buf *scratch, const char *p, size_t n, bool *bad)
{
    size_t start = b->len;
    parity_status status;

    PARITY_TRY(begin_frame(b));
    status = parity_json_canonical(b, scratch, p, n, bad);
    return end_frame(b, start, status, *bad);
}

static parity_status put_number(parity_buf *b, const parity_number *x, bool *bad)
{
    size_t start = b->len;
    parity_status status;

    PARITY_TRY(begin_frame(b));
    status = parity_json_number(b, x, bad);
    return end_frame(b, start, status, *bad);
}

parity_status parity_put_json(parity_buf *b, parity_buf *scratch, const char *p, size_t n, unsigned *notes)
{
    bool bad = false;

    PARITY_TRY(put_text(b, scratch, p, n, &bad));
    if (bad) {
        parity_value v = {.cls = PARITY_STRING, .p = p, .n = n};

        *notes |= PARITY_NOTE_BAD;
        return parity_put_bad(b, &v);
    }
    return PARITY_OK;
}

/* A BLOB that is JSONB. */
static parity_status put_jsonb(parity_buf *b, parity_buf *scratch, const parity_value *v, bool *bad)
{
    parity_buf text;
    parity_status status;

    parity_buf_init(&text, scratch->mem);
    status = parity_jsonb_text(&text, (const unsigned char *)v->p, v->n, bad);
    if (status == PARITY_OK && !*bad)
        status = put_text(b, scratch, (const char *)text.data, text.len, bad);
    parity_buf_free(&text);
    return status;
}

static void number_of_integer(int64_t i, parity_number *x)
{
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    size_t n = sizeof x->small;

    for (; u != 0; u /= 10)
        x->small[--n] = (char)('0' + u % 10);
    x->negative = i < 0;
    x->digits = x->small + n;
    x->ndigits = sizeof x->small - n;
    x->exponent = 0;
}

parity_status parity_read_json(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                               unsigned *notes, bool *bad)
{
    parity_number x;

    *bad = false;
    switch (v->cls) {
    case PARITY_STRING:
        return put_text(b, scratch, v->p, v->n, bad);
    case PARITY_INTEGER:
        number_of_integer(v->i, &x);
        return put_number(b, &x, bad);
    case PARITY_REAL:
        if (!isfinite(v->r))
            break;
        parity_number_of_double(v->r, &x);
        return put_number(b, &x, bad);
    case PARITY_BLOB:
        if (k->options & PARITY_OPT_JSONB)
            return put_jsonb(b, scratch, v, bad);
        if (!(k->options & PARITY_OPT_BLOB))
            *notes |= PARITY_NOTE_OPTION;
        break;
    default:
        break;
    }
    *bad = true;
    return PARITY_OK;
}
