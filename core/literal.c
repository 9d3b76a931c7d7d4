/*
 * literal.c - from a frame to an SQL literal that is read back as this frame
 *
 * A frame does not say how its value is stored, so candidates are made
 * (candidate.c), in the order of what people expect.  Of each it is worked out
 * what the column would hold: SQLite converts by affinity (literal_sqlite.c),
 * PostgreSQL by the column's type.  What it would hold is read under the
 * column's kind, and the first candidate that gives the wanted frame is
 * written.  So nothing here needs to know what the readers know; a candidate
 * that is no good costs a try.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json_scan.h"
#include "literal.h"

/* What PostgreSQL's numeric holds: digits in front of the point and behind it. */
#define NUMERIC_WHOLE 131072
#define NUMERIC_SCALE 16383
#define FLOAT4_BEYOND 0x1.ffffffp127 /* from here on the nearest float is infinity */

static bool has_nul(const char *p, size_t n)
{
    return n > 0 && memchr(p, '\0', n) != NULL;
}

/* ---------------------------------------------------------------- PostgreSQL */

static void cannot_hold(parity_work *w, bool rounds)
{
    const parity_kind *natural = &w->t->natural;
    char name[PARITY_KIND_TEXT_MAX];

    if (w->f.nfine > 0) {
        parity_because(w, "it has digits behind the microsecond");
        return;
    }
    parity_kind_print(natural, name);
    switch (natural->id) {
    case PARITY_INT:
    case PARITY_DECIMAL:
    case PARITY_FLOAT8:
    case PARITY_FLOAT4:
        if (rounds) {
            parity_because(w, "it would be rounded to %s", name);
            return;
        }
        break;
    default:
        break;
    }
    parity_because(w, "%s cannot hold it", name);
}

/* Whether PostgreSQL's numeric, with the precision and scale of k if it has them, holds a number. */
static bool numeric_holds(const parity_kind *k, size_t digits, int64_t exponent)
{
    int64_t whole = (int64_t)digits + exponent;

    if (digits == 0)
        return true;
    if (k->has_scale)
        return whole <= (int64_t)k->precision - k->scale && exponent >= -(int64_t)k->scale;
    return whole <= NUMERIC_WHOLE && exponent >= -NUMERIC_SCALE;
}

/* What jsonb refuses, in canonical JSON: U+0000, unpaired surrogates, numbers beyond numeric. */
static const char *not_in_jsonb(const char *p, size_t n)
{
    static const parity_kind numeric = {.id = PARITY_DECIMAL};
    const char *end = p + n;
    const unsigned char *stop = (const unsigned char *)end;
    bool inside = false;

    for (; p < end; p++) {
        if (inside && *p == '\\') {
            p++;
            if (*p != 'u')
                continue;
            if (memcmp(p + 1, "0000", 4) == 0)
                return "JSON text that holds \\u0000";
            if (p[1] == 'd' && p[2] >= '8')
                return "JSON text that holds an unpaired surrogate";
        } else if (*p == '"') {
            inside = !inside;
        } else if (!inside && (*p == '-' || (*p >= '0' && *p <= '9'))) {
            parity_json_parts parts;
            const unsigned char *next = parity_json_scan_number((const unsigned char *)p, stop, &parts);
            int64_t exponent = 0;

            if (next == NULL)
                return "no JSON";
            for (const unsigned char *c = parts.exponent; c < parts.exponent_end; c++)
                exponent = exponent * 10 + (*c - '0'); /* an i32 */
            if (!numeric_holds(&numeric, (size_t)(parts.whole_end - parts.whole),
                               parts.exponent_negative ? -exponent : exponent))
                return "a number in it that numeric cannot hold";
            p = (const char *)next - 1;
        }
    }
    return NULL;
}

static bool is_populated(const parity_target *t)
{
    return t->store == PARITY_STORE_POPULATE || t->store == PARITY_STORE_ROW;
}

/*
 * JSON text whose frame has been checked.  Of an array or composite it is made
 * a value by a record of this one column: the table's row type would have its
 * other columns checked, too, and their domains may refuse NULL.
 */
static parity_status put_json_literal(parity_buf *b, parity_work *w, const char *p, size_t n)
{
    const parity_target *t = w->t;
    size_t name = strlen(t->column);

    if (!is_populated(t))
        return parity_put_string(b, p, n);
    w->stored.len = 0;
    PARITY_TRY(parity_buf_puts(&w->stored, "{"));
    PARITY_TRY(parity_json_string(&w->stored, t->column));
    PARITY_TRY(parity_buf_puts(&w->stored, ":"));
    PARITY_TRY(parity_buf_put(&w->stored, p, n));
    PARITY_TRY(parity_buf_puts(&w->stored, "}"));
    PARITY_TRY(parity_buf_puts(b, "(SELECT x."));
    PARITY_TRY(parity_put_quoted(b, t->column, name, '"'));
    PARITY_TRY(parity_buf_puts(b, " FROM pg_catalog.jsonb_to_record("));
    PARITY_TRY(parity_put_string(b, (const char *)w->stored.data, w->stored.len));
    PARITY_TRY(parity_buf_puts(b, "::pg_catalog.jsonb) AS x("));
    PARITY_TRY(parity_put_quoted(b, t->column, name, '"'));
    PARITY_TRY(parity_buf_puts(b, " "));
    PARITY_TRY(parity_buf_puts(b, t->type));
    return parity_buf_puts(b, "))");
}

/* A string of hstore: `"` and `\` behind a `\`. */
static parity_status put_hstore_string(parity_buf *b, const char *text)
{
    PARITY_TRY(parity_buf_puts(b, "\""));
    for (size_t run; *text != '\0'; text += run) {
        run = strcspn(text, "\"\\");
        PARITY_TRY(parity_buf_put(b, text, run));
        if (text[run] != '\0') {
            PARITY_TRY(parity_buf_puts(b, "\\"));
            PARITY_TRY(parity_buf_put(b, text + run++, 1));
        }
    }
    return parity_buf_puts(b, "\"");
}

static parity_status put_pairs(parity_work *w, const parity_node *node)
{
    for (const parity_node *m = node->first; m != NULL; m = m->next) {
        if (m->type != PARITY_N_STRING && m->type != PARITY_N_NULL) {
            parity_because(w, "hstore holds only strings");
            return PARITY_OK;
        }
        PARITY_TRY(parity_buf_puts(&w->stored, m == node->first ? "" : ", "));
        PARITY_TRY(put_hstore_string(&w->stored, m->key));
        PARITY_TRY(parity_buf_puts(&w->stored, "=>"));
        if (m->type == PARITY_N_NULL)
            PARITY_TRY(parity_buf_puts(&w->stored, "NULL"));
        else
            PARITY_TRY(put_hstore_string(&w->stored, m->text));
    }
    return PARITY_OK;
}

static parity_status put_hstore(parity_buf *b, parity_work *w, const char *p, size_t n)
{
    parity_arena arena;
    parity_node *node;
    parity_status status;

    parity_arena_init(&arena, b->mem);
    status = parity_doc_parse(&arena, "value", p, n, &node, NULL);
    w->stored.len = 0;
    if (status == PARITY_OK && node->type == PARITY_N_OBJECT)
        status = put_pairs(w, node);
    else if (status != PARITY_NOMEM) {
        parity_because(w, "hstore holds only objects of strings");
        status = PARITY_OK;
    }
    parity_arena_free(&arena);
    if (status != PARITY_OK || w->why[0] != '\0')
        return status;
    return parity_put_string(b, (const char *)w->stored.data, w->stored.len);
}

/* json, jsonb, vector, arrays, composites, hstore. */
static parity_status json_literal(parity_buf *b, parity_work *w)
{
    const parity_target *t = w->t;
    parity_value v;
    const char *p = w->f.p, *reason;
    size_t n = w->f.n;
    bool made, good = false;

    memset(&v, 0, sizeof v);
    v.cls = PARITY_STRING;
    v.p = p;
    v.n = n;
    if (w->f.tag == PARITY_TAG_JSON)
        PARITY_TRY(parity_fits(w, &v, &good));
    if (!good) {
        parity_because(w, "no value of this column is read as it");
        return PARITY_OK;
    }
    if (!parity_utf8_valid(p, n)) {
        parity_because(w, "text that is not UTF-8");
        return PARITY_OK;
    }
    if (t->natural.id == PARITY_VECTOR) {
        static const parity_kind vector = {.id = PARITY_VECTOR};
        unsigned notes = 0;

        w->text.len = w->again.len = 0;
        PARITY_TRY(parity_make_floats(w, &made));
        if (made) {
            parity_set_string(&v, &w->text);
            v.cls = PARITY_BLOB;
            PARITY_TRY(parity_put_value(&w->again, w->scratch, &vector, &v, &notes));
        }
        if (!made || w->again.len != n + 5 || memcmp(w->again.data + 5, p, n) != 0)
            parity_because(w, "its numbers would be rounded to float4");
        else if (n == 2)
            parity_because(w, "vector holds no empty array");
        return w->why[0] != '\0' ? PARITY_OK : parity_put_string(b, p, n);
    }
    reason = not_in_jsonb(p, n);
    if (reason != NULL) {
        parity_because(w, "%s", reason);
        return PARITY_OK;
    }
    if (t->store == PARITY_STORE_HSTORE)
        return put_hstore(b, w, p, n);
    if (t->store == PARITY_STORE_POPULATE && n > 3 && memcmp(p, "{\"[", 3) == 0)
        parity_because(w, "an array with a lower bound other than 1");
    else if (t->store == PARITY_STORE_POPULATE && p[0] != '[')
        parity_because(w, "it is not an array");
    else if (t->store == PARITY_STORE_ROW && p[0] != '{')
        parity_because(w, "it is not an object of fields");
    if (w->why[0] != '\0')
        return PARITY_OK;
    return put_json_literal(b, w, p, n);
}

/* Decimal text as PostgreSQL prints it: no sign in front of 0, no zeros in front of digits. */
static bool is_printed_number(const char *p, size_t n)
{
    const char *end = p + n, *digits, *point;
    bool negative = n > 0 && *p == '-', zero = true;

    digits = p += negative;
    point = p = parity_skip_digits(p, end);
    if (point == digits || (*digits == '0' && point - digits > 1))
        return false;
    if (p < end && *p == '.') {
        p = parity_skip_digits(p + 1, end);
        if (p == point + 1)
            return false;
    }
    if (p != end || p - point - 1 > NUMERIC_SCALE)
        return false;
    for (p = digits; p < end; p++)
        zero = zero && (*p == '0' || *p == '.');
    return !(negative && zero);
}

/* A number under numeric: w->stored is what is written, w->seen what PostgreSQL prints of it. */
static parity_status store_numeric(parity_work *w, const parity_value *v, const parity_frame *f)
{
    const parity_kind *natural = &w->t->natural;
    bool as_text = w->t->kind.id == PARITY_TEXT || w->t->kind.id == PARITY_CHAR, holds = true;
    char digits[24];
    size_t plain = as_text || natural->has_scale ? NUMERIC_WHOLE + NUMERIC_SCALE + 2 : 60;

    w->stored.len = w->seen.len = 0;
    if (f->tag == PARITY_TAG_DEC && f->dec_class >= 2) {
        holds = f->dec_class == 2 || !natural->has_scale;
        PARITY_TRY(parity_frame_raw_text(&w->stored, natural, f));
    } else if (as_text && !natural->has_scale && is_printed_number(v->p, v->n)) {
        holds = f->tag == PARITY_TAG_INT || numeric_holds(natural, f->n, f->exponent);
        PARITY_TRY(parity_buf_put(&w->stored, v->p, v->n)); /* numeric keeps zeros at the end */
    } else if (f->tag == PARITY_TAG_DEC) {
        holds = numeric_holds(natural, f->n, f->exponent);
        if (holds)
            PARITY_TRY(parity_put_digits(&w->stored, f->dec_class == 1, f->p, f->n, f->exponent, plain));
    } else {
        int n = snprintf(digits, sizeof digits, "%lld", (long long)f->i), zeros = 0;

        while (f->i != 0 && zeros < n && digits[n - 1 - zeros] == '0')
            zeros++;
        holds = numeric_holds(natural, f->i == 0 ? 0 : (size_t)(n - (f->i < 0) - zeros), zeros);
        PARITY_TRY(parity_buf_put(&w->stored, digits, (size_t)n));
    }
    if (!holds) {
        cannot_hold(w, false);
        return PARITY_OK;
    }
    PARITY_TRY(parity_buf_put(&w->seen, w->stored.data, w->stored.len));
    if (natural->has_scale && natural->scale > 0 && (f->tag == PARITY_TAG_INT || f->dec_class < 2)) {
        const char *point = memchr(w->seen.data, '.', w->seen.len);
        size_t behind = point == NULL ? 0 : w->seen.len - (size_t)(point + 1 - (const char *)w->seen.data);

        PARITY_TRY(parity_buf_puts(&w->seen, point == NULL ? "." : ""));
        for (; behind < (size_t)natural->scale; behind++)
            PARITY_TRY(parity_buf_puts(&w->seen, "0"));
    }
    return PARITY_OK;
}

/* Whether the µs of a moment or interval have no more decimals than its type, and no rounding can do harm. */
static bool is_coarse(const parity_kind *natural, const parity_frame *f)
{
    static const int32_t units[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};

    switch (f->tag) {
    case PARITY_TAG_STAMP:
        if (f->i == INT64_MAX || f->i == INT64_MIN)
            return true;
        break;
    case PARITY_TAG_INTERVAL:
        if (f->months == f->days && ((f->months == INT32_MAX && f->i == INT64_MAX) ||
                                     (f->months == INT32_MIN && f->i == INT64_MIN)))
            return true;
        if (f->i > INT64_MAX - 500000 || f->i < INT64_MIN + 500000) /* rounding would overflow, unnoticed */
            return false;
        break;
    case PARITY_TAG_TIME:
    case PARITY_TAG_TIMETZ:
        break;
    default:
        return true;
    }
    return !natural->has_scale || f->i % units[natural->scale] == 0;
}

/* A type of fixed form: what v is under it, in w->stored as it is written, and in *seen as the kind is given it. */
static parity_status store_typed(parity_work *w, const parity_value *v, parity_value *seen)
{
    const parity_kind *natural = &w->t->natural;
    parity_frame f;
    const unsigned char *p;
    unsigned notes = 0;

    w->again.len = 0;
    PARITY_TRY(parity_put_value(&w->again, w->scratch, natural, v, &notes));
    p = w->again.data;
    if ((notes & (PARITY_NOTE_BAD | PARITY_NOTE_ROUNDS)) || !parity_frame_read(&p, p + w->again.len, &f)) {
        cannot_hold(w, (notes & PARITY_NOTE_ROUNDS) != 0);
        return PARITY_OK;
    }
    if (f.nfine > 0 || !is_coarse(natural, &f)) { /* so near the end of its range that it was not rounded */
        cannot_hold(w, false);
        return PARITY_OK;
    }
    switch (natural->id) {
    case PARITY_BOOL:
        seen->cls = PARITY_INTEGER;
        seen->i = f.i;
        w->stored.len = 0;
        return parity_buf_puts(&w->stored, f.i != 0 ? "true" : "false");
    case PARITY_INT:
        if (f.tag != PARITY_TAG_INT) {
            cannot_hold(w, false);
            return PARITY_OK;
        }
        seen->cls = PARITY_INTEGER;
        seen->i = f.i;
        break;
    case PARITY_FLOAT8:
    case PARITY_FLOAT4:
        if (f.tag != PARITY_TAG_F64 ||
            (natural->id == PARITY_FLOAT4 && fabs(f.r) >= FLOAT4_BEYOND && fabs(f.r) <= DBL_MAX)) {
            cannot_hold(w, false);
            return PARITY_OK;
        }
        seen->cls = PARITY_REAL;
        seen->r = f.r;
        break;
    case PARITY_DECIMAL:
        PARITY_TRY(store_numeric(w, v, &f));
        parity_set_string(seen, &w->seen);
        return PARITY_OK;
    case PARITY_DATE:
        if (f.tag != PARITY_TAG_DATE) {
            cannot_hold(w, false);
            return PARITY_OK;
        }
        break;
    default:
        break;
    }
    /* as PostgreSQL prints it, so that it reads it whatever the session's settings are */
    w->stored.len = 0;
    PARITY_TRY(parity_frame_raw_text(&w->stored, natural, &f));
    if (seen->cls == PARITY_NULL)
        parity_set_string(seen, &w->stored);
    return PARITY_OK;
}

/* Text types: w->stored is v itself. */
static parity_status store_text(parity_work *w, const parity_value *v, parity_value *seen)
{
    if (has_nul(v->p, v->n)) {
        parity_because(w, "text holds NUL");
        return PARITY_OK;
    }
    if (!parity_utf8_valid(v->p, v->n)) {
        parity_because(w, "text that is not UTF-8");
        return PARITY_OK;
    }
    w->stored.len = 0;
    PARITY_TRY(parity_buf_put(&w->stored, v->p, v->n));
    parity_set_string(seen, &w->stored);
    while (w->t->natural.id == PARITY_CHAR && seen->n > 0 && seen->p[seen->n - 1] == ' ')
        seen->n--;
    return PARITY_OK;
}

/* What a column of this type would hold of v; seen stays NULL when it cannot, and w->why then says why. */
static parity_status store_strict(parity_work *w, parity_value *v, parity_value *seen)
{
    parity_frame f;
    size_t start = w->text.len;

    memset(seen, 0, sizeof *seen);
    if (v->cls == PARITY_BLOB) {
        if (w->t->natural.id != PARITY_BYTES)
            return PARITY_OK;
        memset(&f, 0, sizeof f);
        f.tag = PARITY_TAG_BYTES;
        f.p = v->p;
        f.n = v->n;
        w->stored.len = 0;
        PARITY_TRY(parity_frame_raw_text(&w->stored, &w->t->natural, &f));
        *seen = *v;
        return PARITY_OK;
    }
    if (w->t->natural.id == PARITY_BYTES)
        return PARITY_OK;
    if (v->cls != PARITY_STRING) {
        memset(&f, 0, sizeof f);
        f.tag = v->cls == PARITY_INTEGER ? PARITY_TAG_INT : PARITY_TAG_F64;
        f.i = v->i;
        f.r = v->r;
        PARITY_TRY(parity_frame_raw_text(&w->text, &w->t->kind, &f));
        parity_set_string(v, &w->text);
        v->p += start;
        v->n -= start;
    }
    if (w->t->natural.id == PARITY_TEXT || w->t->natural.id == PARITY_CHAR)
        return store_text(w, v, seen);
    return store_typed(w, v, seen);
}

static parity_status strict_literal(parity_buf *b, parity_work *w)
{
    bool is_json = w->t->natural.id == PARITY_JSON || w->t->natural.id == PARITY_VECTOR;
    parity_form forms[PARITY_NFORMS];

    if (w->f.tag == PARITY_TAG_BAD) {
        parity_because(w, "it is BAD");
        return PARITY_OK;
    }
    if (is_json ? is_populated(w->t) && w->t->type == NULL : w->t->store != PARITY_STORE_TEXT) {
        parity_because(w, "there is no literal for this column's type");
        return PARITY_OK;
    }
    if (is_json)
        return json_literal(b, w);
    parity_order_forms(w, forms);
    for (int i = 0; i < PARITY_NFORMS; i++) {
        parity_value v, seen;
        bool made, good = false;

        PARITY_TRY(parity_make_candidate(w, forms[i], &v, &made));
        if (!made)
            continue;
        PARITY_TRY(store_strict(w, &v, &seen));
        if (seen.cls != PARITY_NULL)
            PARITY_TRY(parity_fits(w, &seen, &good));
        if (good) {
            w->why[0] = '\0';
            if (w->t->natural.id == PARITY_BOOL)
                return parity_buf_put(b, w->stored.data, w->stored.len);
            return parity_put_string(b, (const char *)w->stored.data, w->stored.len);
        }
    }
    parity_because(w, "no value of this column is read as it");
    return PARITY_OK;
}

/* ---------------------------------------------------------------------- both */

static parity_status write_literal(parity_buf *b, parity_work *w)
{
    const unsigned char *p = w->frame;

    if (!parity_frame_read(&p, w->frame + w->n, &w->f) || p != w->frame + w->n) {
        parity_because(w, "it is not a frame");
        return PARITY_OK;
    }
    if (w->f.tag == PARITY_TAG_NULL)
        return parity_buf_puts(b, "NULL");
    return w->t->strict ? strict_literal(b, w) : parity_sqlite_literal(b, w);
}

static void open_work(parity_work *w, parity_buf *scratch, const parity_target *t, const unsigned char *frame, size_t n)
{
    memset(w, 0, sizeof *w);
    w->t = t;
    w->frame = frame;
    w->n = n;
    w->scratch = scratch;
    parity_buf_init(&w->text, scratch->mem);
    parity_buf_init(&w->stored, scratch->mem);
    parity_buf_init(&w->seen, scratch->mem);
    parity_buf_init(&w->again, scratch->mem);
}

static void close_work(parity_work *w)
{
    parity_buf_free(&w->text);
    parity_buf_free(&w->stored);
    parity_buf_free(&w->seen);
    parity_buf_free(&w->again);
}

parity_status parity_literal(parity_buf *b, parity_buf *scratch, const parity_target *t, const unsigned char *frame,
                             size_t n, const char **why)
{
    parity_work w;
    size_t start = b->len;
    parity_status status;

    open_work(&w, scratch, t, frame, n);
    *why = NULL;
    status = write_literal(b, &w);
    if (status == PARITY_OK && w.why[0] != '\0') {
        scratch->len = 0;
        status = parity_buf_put(scratch, w.why, strlen(w.why) + 1);
        *why = status == PARITY_OK ? (const char *)scratch->data : NULL;
    }
    if (status != PARITY_OK || w.why[0] != '\0')
        b->len = start;
    close_work(&w);
    return status;
}

parity_status parity_stored_frame(parity_buf *b, parity_buf *scratch, const parity_target *t,
                                  const unsigned char *frame, size_t n, bool *ok)
{
    parity_kind natural = t->natural;
    parity_value v;
    parity_work w;
    size_t start = b->len;
    unsigned notes = 0;
    parity_status status;

    open_work(&w, scratch, t, frame, n);
    status = write_literal(b, &w);
    b->len = start;
    *ok = status == PARITY_OK && w.why[0] == '\0';
    if (*ok) {
        parity_set_string(&v, &w.stored);
        if (w.f.tag == PARITY_TAG_NULL) {
            v.cls = PARITY_NULL;
        } else if (natural.id == PARITY_JSON || natural.id == PARITY_VECTOR) {
            v.p = w.f.p;
            v.n = w.f.n;
        } else if (natural.id == PARITY_BYTES) {
            natural.options = PARITY_OPT_TEXT;
            natural.text = 'h';
        }
        status = parity_put_value(b, scratch, &natural, &v, &notes);
        *ok = status == PARITY_OK && (notes & (PARITY_NOTE_BAD | PARITY_NOTE_ROUNDS)) == 0;
        if (!*ok)
            b->len = start;
    }
    close_work(&w);
    return status;
}
