/*
 * infer.c - parity_infer(table): what the values of a table look like, and
 * which kind to pin for each column
 *
 * One scan.  Every value is counted by storage class and by form (forms.c) and
 * read under each of a few candidate kinds with core's own readers; the kind
 * that is proposed is, in this order,
 *
 *   1. the kind of the declared type, if it reads every value, else the same with
 *      an option: blob=utf8 or jsonb, text=hex, base64 or utf8, nonzero, dotnet,
 *      and epoch and julian by the rule below;
 *   2. the kind of the declared type as it is, when all that it cannot read are
 *      numbers that count something (stamps, times, intervals) whose unit is not
 *      clear: a person has to say;
 *   3. the first that reads every value of uuid, date, timestamp, timestamptz,
 *      time, timetz, interval, decimal, json, text, bytes;
 *   4. the kind of the declared type with the fewest values left BAD.
 *
 * The unit of numbers in a stamp column is one for the whole column, never one
 * a value: s, ms or us is proposed when all numbers fall between 1900 and 2100
 * in that unit, at least one of them after 1980, and none would fall between
 * 1980 and 2100 in another unit; julian when all fall between 1900 and 2100 as
 * Julian days; both when the INTEGERs are the one and the REALs the other.
 * Otherwise none is.
 */
#include <math.h>
#include <string.h>

#include "infer.h"

#define MAX_CANDIDATES 20

/* A kind that is tried, and what it could not read, by storage class. */
typedef struct candidate {
    parity_kind kind;
    bool declared; /* the declared type's, perhaps with an option */
    bool out;      /* has failed, and need not be tried any more */
    uint64_t bad[5];
} candidate;

/* Numbers of one storage class as stamps: how many fall into or out of what a unit allows. */
typedef struct stamps {
    uint64_t in[3], out[3]; /* in: 1980 to 2100; out: not even 1900 to 2100; by s, ms, us */
    uint64_t not_julian;
} stamps;

typedef struct column {
    const sq_columninfo *info;
    parity_kind natural;
    candidate candidates[MAX_CANDIDATES];
    int ncandidates;
    uint64_t nulls, classes[5], forms[SQ_NFORMS];
    stamps integers, reals;
    uint64_t timed;             /* under date: values with a time of day */
    uint64_t fractions;         /* under int: values that are not whole numbers */
    uint64_t rfc, dotnet;       /* 16-byte BLOBs that look like a UUID in either order */
    uint64_t backslash_x;       /* texts that begin with \x */
    char example[80];           /* the first value that the declared type's kind cannot read */
    parity_kind kind;           /* what is proposed */
    parity_buf note;
} column;

typedef struct cursor {
    parity_arena arena;
    column *columns;
    int ncolumns, next, current;
    parity_buf buf, scratch;
} cursor;

static parity_kind kind_of(parity_kind_id id)
{
    parity_kind k;

    memset(&k, 0, sizeof k);
    k.id = (uint8_t)id;
    return k;
}

static bool is_stamp(const parity_kind *k)
{
    return k->id == PARITY_TIMESTAMP || k->id == PARITY_TIMESTAMPTZ || k->id == PARITY_DATE;
}

static bool is_temporal(const parity_kind *k)
{
    return is_stamp(k) || k->id == PARITY_TIME || k->id == PARITY_TIMETZ || k->id == PARITY_INTERVAL;
}

/* ------------------------------------------------------------------- candidates */

static void try_kind(column *c, parity_kind k, uint32_t option, char text, bool declared)
{
    candidate *n = &c->candidates[c->ncandidates++];

    memset(n, 0, sizeof *n);
    n->kind = k;
    n->kind.options |= option;
    n->kind.text = (uint8_t)text;
    n->declared = declared;
}

static void choose_candidates(column *c)
{
    static const parity_kind_id others[] = {PARITY_UUID, PARITY_DATE, PARITY_TIMESTAMP, PARITY_TIME, PARITY_TIMETZ,
                                            PARITY_INTERVAL, PARITY_DECIMAL, PARITY_JSON, PARITY_TEXT};
    parity_kind k = c->natural;

    try_kind(c, k, 0, 0, true);
    switch (k.id) {
    case PARITY_BOOL:
        try_kind(c, k, PARITY_OPT_NONZERO, 0, true);
        break;
    case PARITY_BYTES:
        try_kind(c, k, PARITY_OPT_TEXT, 'h', true);
        try_kind(c, k, PARITY_OPT_TEXT, 'b', true);
        try_kind(c, k, PARITY_OPT_TEXT, 'u', true);
        break;
    case PARITY_JSON:
        try_kind(c, k, PARITY_OPT_JSONB, 0, true);
        break;
    default:
        break;
    }
    if (k.id != PARITY_BYTES && k.id != PARITY_UUID && k.id != PARITY_VECTOR)
        try_kind(c, k, PARITY_OPT_BLOB, 0, true);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i] != k.id)
            try_kind(c, kind_of(others[i]), 0, 0, false);
    if (k.id != PARITY_TEXT)
        try_kind(c, kind_of(PARITY_TEXT), PARITY_OPT_BLOB, 0, false);
    if (k.id != PARITY_BYTES) {
        try_kind(c, kind_of(PARITY_BYTES), 0, 0, false);
        try_kind(c, kind_of(PARITY_BYTES), PARITY_OPT_TEXT, 'u', false);
    }
}

/* ------------------------------------------------------------------------ the scan */

static void count_stamp(stamps *s, double x)
{
    static const double scale[3] = {1, 1e3, 1e6};

    for (int u = 0; u < 3; u++) {
        s->in[u] += x >= SQ_YEAR_1980 * scale[u] && x < SQ_YEAR_2100 * scale[u];
        s->out[u] += !(x >= SQ_YEAR_1900 * scale[u] && x < SQ_YEAR_2100 * scale[u]);
    }
    s->not_julian += !(x >= SQ_JULIAN_1900 && x < SQ_JULIAN_2100);
}

/* The start of a value, printable. */
static void keep_example(column *c, const parity_value *v)
{
    char text[41];
    size_t n = 0;

    switch (v->cls) {
    case PARITY_INTEGER:
        sqlite3_snprintf(sizeof c->example, c->example, "INTEGER %lld", (long long)v->i);
        return;
    case PARITY_REAL:
        sqlite3_snprintf(sizeof c->example, c->example, "REAL %!.15g", v->r);
        return;
    case PARITY_STRING:
        for (; n < v->n && n < 40; n++)
            text[n] = v->p[n] >= ' ' && v->p[n] < 127 ? v->p[n] : '?';
        text[n] = '\0';
        sqlite3_snprintf(sizeof c->example, c->example, "TEXT '%s'%s", text, n < v->n ? "..." : "");
        return;
    default:
        for (; n < v->n && n < 16; n++)
            sqlite3_snprintf(3, text + 2 * n, "%02x", (unsigned char)v->p[n]);
        text[2 * n] = '\0';
        sqlite3_snprintf(sizeof c->example, c->example, "BLOB x'%s'%s", text, n < v->n ? "..." : "");
        return;
    }
}

static void count_blob(column *c, const parity_value *v)
{
    const unsigned char *p = (const unsigned char *)v->p;

    if (v->n != 16 || (p[8] & 0xC0) != 0x80)
        return;
    c->rfc += p[6] >> 4 >= 1 && p[6] >> 4 <= 8;
    c->dotnet += p[7] >> 4 >= 1 && p[7] >> 4 <= 8;
}

/* Tries the candidates that are left. */
static parity_status try_value(cursor *x, column *c, const parity_value *v)
{
    for (int i = 0; i < c->ncandidates; i++) {
        candidate *n = &c->candidates[i];
        unsigned notes = 0;
        parity_status s;

        if (n->out)
            continue;
        x->buf.len = 0;
        s = parity_put_value(&x->buf, &x->scratch, &n->kind, v, &notes);
        if (s != PARITY_OK)
            return s;
        if (notes & PARITY_NOTE_BAD) {
            n->bad[v->cls]++;
            /* numbers may yet turn out to be stamps */
            if (!n->declared && !(is_stamp(&n->kind) && (v->cls == PARITY_INTEGER || v->cls == PARITY_REAL)))
                n->out = true;
            if (i == 0 && c->example[0] == '\0')
                keep_example(c, v);
        } else if (n->kind.id == PARITY_DATE && x->buf.data[0] != PARITY_TAG_DATE) {
            /* date reads it, but as the stamp that it is */
            c->timed += i == 0;
            n->out |= !n->declared;
        } else if (i == 0 && n->kind.id == PARITY_INT) {
            c->fractions += x->buf.data[0] != PARITY_TAG_INT;
        }
    }
    return PARITY_OK;
}

static parity_status count_value(cursor *x, column *c, const parity_value *v)
{
    sq_form form = SQ_FORM_TEXT;
    parity_status s;

    if (v->cls == PARITY_NULL) {
        c->nulls++;
        return PARITY_OK;
    }
    s = sq_form_of(v, &x->buf, &x->scratch, &form);
    if (s != PARITY_OK)
        return s;
    c->forms[form]++;
    switch (v->cls) {
    case PARITY_INTEGER:
        count_stamp(&c->integers, (double)v->i);
        break;
    case PARITY_REAL:
        count_stamp(&c->reals, v->r);
        break;
    case PARITY_STRING:
        c->forms[SQ_FORM_NOT_UTF8] += !sq_is_utf8(v->p, v->n);
        c->forms[SQ_FORM_NUL] += memchr(v->p, '\0', v->n) != NULL;
        c->backslash_x += v->n >= 2 && v->p[0] == '\\' && v->p[1] == 'x';
        break;
    default:
        count_blob(c, v);
        break;
    }
    c->classes[v->cls]++;
    return try_value(x, c, v);
}

static int infer_row(void *ctx, const sq_row *row, sq_error *e)
{
    cursor *x = ctx;

    for (int i = 0; i < x->ncolumns; i++) {
        parity_value v;
        parity_status s;

        if (sq_row_value(row, i, &v) != SQLITE_OK)
            return sq_nomem(e);
        if (v.cls == PARITY_BLOB && v.p == NULL)
            v.p = "";
        s = count_value(x, &x->columns[i], &v);
        if (s == PARITY_LIMIT)
            return sq_fail(e, s, NULL, NULL, "the canonical form of a value passes 4 GiB");
        SQ_TRY(sq_core(e, s));
    }
    return SQLITE_OK;
}

/* ---------------------------------------------------------------------- the choice */

/* The one unit that fits, as decimals of a second, or -1. */
static int unit_of(const stamps *a, const stamps *b)
{
    int found = -1;

    for (int u = 0; u < 3; u++) {
        if (a->in[u] + b->in[u] == 0)
            continue;
        if (found >= 0 || a->out[u] + b->out[u] > 0)
            return -1;
        found = u;
    }
    return found < 0 ? -1 : found * 3;
}

/* The options under which a stamp kind reads the column's numbers; 0 when it is not clear. */
static uint32_t stamp_options(const column *c, int *unit)
{
    static const stamps none = {{0, 0, 0}, {0, 0, 0}, 0};
    bool integers = c->classes[PARITY_INTEGER] > 0, reals = c->classes[PARITY_REAL] > 0;

    *unit = -1;
    if (!integers && !reals)
        return 0;
    if (c->integers.not_julian + c->reals.not_julian == 0)
        return PARITY_OPT_JULIAN;
    if (integers && reals && c->reals.not_julian == 0) {
        *unit = unit_of(&c->integers, &none);
        return *unit >= 0 ? PARITY_OPT_EPOCH | PARITY_OPT_JULIAN : 0;
    }
    *unit = unit_of(&c->integers, &c->reals);
    return *unit >= 0 ? PARITY_OPT_EPOCH : 0;
}

/* How many values stay BAD under a candidate with the options that the whole column suggests; *k is it with them. */
static uint64_t bad_under(const column *c, const candidate *n, parity_kind *k)
{
    uint64_t numbers = n->bad[PARITY_INTEGER] + n->bad[PARITY_REAL];
    uint64_t others = n->bad[PARITY_STRING] + n->bad[PARITY_BLOB];
    uint32_t options;
    int unit;

    *k = n->kind;
    if (n->out)
        return UINT64_MAX;
    if (is_stamp(k) && numbers > 0 && (options = stamp_options(c, &unit)) != 0) {
        k->options |= options;
        if (options & PARITY_OPT_EPOCH)
            k->unit = (uint8_t)unit;
        numbers = 0;
    }
    return numbers + others;
}

/* Whether a candidate that reads everything says something about the column, and not only that it was empty. */
static bool is_sensible(const column *c, const candidate *n)
{
    uint64_t binary = c->classes[PARITY_BLOB] - c->forms[SQ_FORM_UTF8_BYTES];

    if ((n->kind.options & PARITY_OPT_BLOB) && binary > 0)
        return false;
    if ((n->kind.options & PARITY_OPT_TEXT) && n->kind.text != 'u') {
        /* hex and base64 digits are text as well: short ones prove nothing */
        return n->kind.text == 'h' ? c->backslash_x == c->classes[PARITY_STRING] : false;
    }
    if (n->kind.id == PARITY_DATE && !n->declared && c->classes[PARITY_INTEGER] + c->classes[PARITY_REAL] > 0)
        return false;
    if (n->declared || n->kind.id == PARITY_DECIMAL || n->kind.id == PARITY_TEXT || n->kind.id == PARITY_BYTES)
        return true;
    return c->classes[PARITY_STRING] + (n->kind.id == PARITY_UUID ? c->classes[PARITY_BLOB] : 0) > 0;
}

/* Sets c->kind and returns how many values it leaves BAD. */
static uint64_t choose(column *c)
{
    uint64_t least = UINT64_MAX;
    parity_kind k;

    for (int i = 0; i < c->ncandidates; i++) {
        const candidate *n = &c->candidates[i];

        if (n->declared && is_sensible(c, n) && bad_under(c, n, &c->kind) == 0)
            return 0;
    }
    if (is_temporal(&c->natural) &&
        c->candidates[0].bad[PARITY_STRING] + c->candidates[0].bad[PARITY_BLOB] == 0)
        return bad_under(c, &c->candidates[0], &c->kind);
    for (int i = 0; i < c->ncandidates; i++) {
        const candidate *n = &c->candidates[i];

        if (!n->declared && is_sensible(c, n) && bad_under(c, n, &c->kind) == 0) {
            if (c->kind.id == PARITY_TIMESTAMP && c->forms[SQ_FORM_STAMP] + c->forms[SQ_FORM_STAMP_T] == 0)
                c->kind.id = PARITY_TIMESTAMPTZ;
            return 0;
        }
    }
    for (int i = 0; i < c->ncandidates; i++) {
        const candidate *n = &c->candidates[i];

        if (n->declared && is_sensible(c, n) && bad_under(c, n, &k) < least) {
            least = bad_under(c, n, &k);
            c->kind = k;
        }
    }
    return least;
}

/* ------------------------------------------------------------------------- the note */

static parity_status say(column *c, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

static parity_status say(column *c, const char *format, ...)
{
    parity_status s = c->note.len > 0 ? parity_buf_puts(&c->note, "; ") : PARITY_OK;
    va_list args;
    char *text;

    if (s != PARITY_OK)
        return s;
    va_start(args, format);
    text = sqlite3_vmprintf(format, args);
    va_end(args);
    s = text == NULL ? PARITY_NOMEM : parity_buf_puts(&c->note, text);
    sqlite3_free(text);
    return s;
}

#define SAY(...)                          \
    do {                                  \
        parity_status s_ = say(__VA_ARGS__); \
        if (s_ != PARITY_OK)              \
            return s_;                    \
    } while (0)

static uint64_t stamp_texts(const column *c)
{
    uint64_t n = 0;

    for (int f = SQ_FORM_DATE; f <= SQ_FORM_INFINITY; f++)
        n += c->forms[f];
    return n;
}

/* What a column that is safe as it is could also be. */
static parity_status say_natural(column *c)
{
    static const char *const units[] = {"s", "ms", "us"};
    uint64_t texts = c->classes[PARITY_STRING], values = texts + c->classes[PARITY_BLOB] + c->classes[PARITY_INTEGER] +
                                                         c->classes[PARITY_REAL];

    if (c->kind.id == PARITY_TEXT && texts > 0 && texts == values) {
        if (c->forms[SQ_FORM_UUID] == texts)
            SAY(c, "all are UUIDs: uuid would read them as well");
        else if (c->forms[SQ_FORM_DATE] == texts)
            SAY(c, "all are dates: date would read them as well");
        else if (stamp_texts(c) == texts)
            SAY(c, "all are stamps: timestamptz would read them as well");
        else if (c->forms[SQ_FORM_JSON] == texts)
            SAY(c, "all are JSON: json would read them as well");
        else if (c->forms[SQ_FORM_BOOL_WORD] == texts)
            SAY(c, "all are words for true and false: bool would read them as well");
    }
    if (c->kind.id == PARITY_BYTES && values > 0 && c->forms[SQ_FORM_16_BYTES] == values)
        SAY(c, "all have 16 bytes: uuid would read them as well");
    for (int u = 0; u < 3; u++)
        if ((c->kind.id == PARITY_INT || c->kind.id == PARITY_TEXT) && values > 0 && c->integers.in[u] == values)
            SAY(c, "all could be stamps: timestamptz epoch=%s would read them as such", units[u]);
    return PARITY_OK;
}

static parity_status say_options(column *c)
{
    static const char *const units[] = {"s", "ms", "us"};

    if (is_stamp(&c->kind) && (c->kind.options & PARITY_OPT_EPOCH))
        SAY(c, "numbers are taken for %s since 1970: all fall between 1900 and 2100 in that unit, and none after 1980"
               " in another", units[c->kind.unit / 3]);
    if (is_stamp(&c->kind) && (c->kind.options & PARITY_OPT_JULIAN))
        SAY(c, "REALs are taken for Julian days: all fall between 1900 and 2100");
    if (c->kind.id == PARITY_BOOL && (c->kind.options & PARITY_OPT_NONZERO))
        SAY(c, "%llu INTEGERs other than 0 and 1 count as true",
            (unsigned long long)c->candidates[0].bad[PARITY_INTEGER]);
    if (c->kind.options & PARITY_OPT_DOTNET)
        SAY(c, "the BLOBs have the version digit where .NET's order puts it");
    if (c->kind.id == PARITY_BYTES && (c->kind.options & PARITY_OPT_TEXT) && c->kind.text == 'u')
        SAY(c, "TEXT is read as its own bytes; text=hex or text=base64 if it stands for others");
    if (is_stamp(&c->kind) && c->forms[SQ_FORM_STAMP] + c->forms[SQ_FORM_STAMP_T] > 0)
        SAY(c, "%llu texts have no zone and are read as UTC; zone=+HH:MM if they are of another",
            (unsigned long long)(c->forms[SQ_FORM_STAMP] + c->forms[SQ_FORM_STAMP_T]));
    if (c->kind.id == PARITY_DATE && c->timed > 0)
        SAY(c, "%llu have a time of day, which a date column of PostgreSQL would lose", (unsigned long long)c->timed);
    if (c->kind.id == PARITY_INT && c->fractions > 0)
        SAY(c, "%llu are not whole numbers within 64 bits, which an integer column of PostgreSQL cannot hold",
            (unsigned long long)c->fractions);
    return PARITY_OK;
}

static parity_status write_note(column *c, uint64_t bad)
{
    char natural[PARITY_KIND_TEXT_MAX];

    parity_kind_print(&c->natural, natural);
    if (c->info->generated)
        SAY(c, "generated: left out of the spec unless an override gives it a kind");
    if (c->kind.id != c->natural.id) {
        parity_kind k;

        SAY(c, "%s, which the declared type suggests, leaves %llu BAD, such as %s", natural,
            (unsigned long long)bad_under(c, &c->candidates[0], &k), c->example);
    }
    if (bad > 0) {
        SAY(c, "%llu are BAD under it, such as %s", (unsigned long long)bad, c->example);
        if (is_stamp(&c->kind))
            SAY(c, "pin epoch=s, ms or us, or julian, if you know what the numbers count");
        else if (c->kind.id == PARITY_INTERVAL)
            SAY(c, "pin unit=us, ms or s if you know what the numbers count (Django: us)");
        else if (c->kind.id == PARITY_TIME)
            SAY(c, "pin epoch=s, ms or us if you know what the numbers count");
    }
    if (c->forms[SQ_FORM_NOT_UTF8] > 0)
        SAY(c, "%llu texts are not UTF-8, which PostgreSQL cannot hold", (unsigned long long)c->forms[SQ_FORM_NOT_UTF8]);
    if (c->forms[SQ_FORM_NUL] > 0)
        SAY(c, "%llu texts hold a NUL, which PostgreSQL cannot hold", (unsigned long long)c->forms[SQ_FORM_NUL]);
    {
        parity_status s = say_options(c);

        return s == PARITY_OK ? say_natural(c) : s;
    }
}

static parity_status conclude(column *c)
{
    uint64_t blobs = c->forms[SQ_FORM_16_BYTES];
    uint64_t bad = choose(c);

    /* no UUID in RFC order looks like this */
    if (c->kind.id == PARITY_UUID && blobs >= 8 && c->dotnet == blobs && c->rfc < blobs)
        c->kind.options |= PARITY_OPT_DOTNET;
    return write_note(c, bad);
}

/* --------------------------------------------------------------- the table function */

static int infer_open(sqlite3 *db, void *state, sqlite3_value **args, sq_error *e)
{
    cursor *x = state;
    sqlite3_stmt *snapshot = NULL;
    sq_text name, no_filter = {NULL, 0};
    sq_columninfo *infos;
    parity_spec spec;
    sq_table t;
    int n, rc;

    parity_arena_init(&x->arena, &sq_mem);
    parity_buf_init(&x->buf, &sq_mem);
    parity_buf_init(&x->scratch, &sq_mem);
    SQ_TRY(sq_text_required(args[0], "the table name", &name, e));
    SQ_TRY(sq_find_table(db, &x->arena, name, &t, e));
    SQ_TRY(sq_snapshot(db, t.schema, &snapshot, e));
    rc = sq_columns(db, &x->arena, &t, &infos, &n, e);
    if (rc == SQLITE_OK) {
        memset(&spec, 0, sizeof spec);
        spec.schema = t.schema;
        spec.table = t.name;
        spec.ncolumns = n;
        spec.columns = parity_arena_alloc(&x->arena, (size_t)n * sizeof *spec.columns);
        x->columns = parity_arena_alloc(&x->arena, (size_t)n * sizeof *x->columns);
        if (spec.columns == NULL || x->columns == NULL)
            rc = sq_nomem(e);
    }
    if (rc == SQLITE_OK) {
        x->ncolumns = n;
        for (int i = 0; i < n; i++) {
            spec.columns[i].name = infos[i].name;
            x->columns[i].info = &infos[i];
            x->columns[i].natural = parity_kind_of_declared(infos[i].declared, strlen(infos[i].declared));
            choose_candidates(&x->columns[i]);
            parity_buf_init(&x->columns[i].note, &sq_mem);
        }
        rc = sq_read(db, &spec, no_filter, infer_row, x, e);
    }
    for (int i = 0; i < x->ncolumns && rc == SQLITE_OK; i++)
        rc = sq_core(e, conclude(&x->columns[i]));
    sqlite3_finalize(snapshot);
    return rc;
}

static int infer_next(void *state, bool *row, sq_error *e)
{
    cursor *x = state;

    (void)e;
    *row = x->next < x->ncolumns;
    x->current = x->next++;
    return SQLITE_OK;
}

/* {"form":count,…} */
static int result_forms(sqlite3_context *ctx, const column *c)
{
    parity_buf b;
    parity_status s;

    parity_buf_init(&b, &sq_mem);
    s = parity_buf_puts(&b, "{");
    for (int f = 0; f < SQ_NFORMS && s == PARITY_OK; f++)
        if (c->forms[f] > 0)
            s = parity_buf_printf(&b, "%s\"%s\":%llu", b.len > 1 ? "," : "", sq_form_name((sq_form)f),
                                  (unsigned long long)c->forms[f]);
    if (s == PARITY_OK)
        s = parity_buf_puts(&b, "}");
    if (s == PARITY_OK)
        sqlite3_result_text64(ctx, (const char *)b.data, b.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    parity_buf_free(&b);
    return s == PARITY_OK ? SQLITE_OK : SQLITE_NOMEM;
}

static int infer_column(void *state, sqlite3_context *ctx, int i)
{
    const cursor *x = state;
    const column *c = &x->columns[x->current];
    char kind[PARITY_KIND_TEXT_MAX];

    switch (i) {
    case 0:
        sqlite3_result_text(ctx, c->info->name, -1, SQLITE_TRANSIENT);
        break;
    case 1:
        sqlite3_result_text(ctx, c->info->declared, -1, SQLITE_TRANSIENT);
        break;
    case 2:
        parity_kind_print(&c->kind, kind);
        sqlite3_result_text(ctx, kind, -1, SQLITE_TRANSIENT);
        break;
    case 3:
        sqlite3_result_int64(ctx, (sqlite3_int64)c->nulls);
        break;
    case 4: case 5: case 6: case 7:
        sqlite3_result_int64(ctx, (sqlite3_int64)c->classes[i - 4 + PARITY_INTEGER]);
        break;
    case 8:
        return result_forms(ctx, c);
    default:
        if (c->note.len > 0)
            sqlite3_result_text64(ctx, (const char *)c->note.data, c->note.len, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    }
    return SQLITE_OK;
}

static void infer_close(void *state)
{
    cursor *x = state;

    for (int i = 0; i < x->ncolumns; i++)
        parity_buf_free(&x->columns[i].note);
    parity_buf_free(&x->buf);
    parity_buf_free(&x->scratch);
    parity_arena_free(&x->arena);
}

const sq_tablefunc sq_infer = {
    .name = "parity_infer",
    .declare = "CREATE TABLE x(column_name TEXT, declared TEXT, kind TEXT, nulls INTEGER, integers INTEGER,"
               " reals INTEGER, texts INTEGER, blobs INTEGER, forms TEXT, note TEXT, \"table\" HIDDEN)",
    .nresults = 10,
    .nargs = 1,
    .nrequired = 1,
    .usage = "parity_infer(table)",
    .size = sizeof(cursor),
    .open = infer_open,
    .next = infer_next,
    .column = infer_column,
    .close = infer_close,
};
