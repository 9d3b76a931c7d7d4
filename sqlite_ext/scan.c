/*
 * scan.c - every read of a table's rows
 *
 * The rows of a table reach the module as the arguments of a hidden aggregate,
 *
 *   SELECT parity_reader(?1, "t"."a", "t"."b", …) FROM "schema"."t" WHERE …
 *
 * since arguments (sqlite3_value) cost less than a statement's columns
 * (sqlite3_column_…).  ?1 is the reader's state as a pointer, which SQL cannot
 * make.  A table with more columns than a function may have arguments is
 * stepped through instead.
 *
 * A filter is the caller's SQL and runs with the caller's rights.  All that is
 * ensured is that it is one condition: brackets, quotes and comments are
 * followed as SQLite's tokenizer does, so that it cannot leave the brackets
 * that are put around it, and then SQLite must accept it there.
 */
#include <string.h>

#include "module.h"

#define POINTER_TYPE "parity_reader"

/* The state of one read. */
typedef struct reader {
    sq_row_function each;
    void *ctx;
    sq_error *error;
    bool begun; /* the aggregate's first step was made */
} reader;

void sq_reader_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    reader **slot = sqlite3_aggregate_context(ctx, sizeof *slot);
    reader *r;
    sq_row row;

    if (slot == NULL) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    /* the pointer is asked for once: sqlite3_value_pointer compares its name each time */
    r = *slot;
    if (r == NULL) {
        r = argc > 0 ? sqlite3_value_pointer(argv[0], POINTER_TYPE) : NULL;
        if (r == NULL || r->begun) {
            sqlite3_result_error(ctx, SQ_READER " is internal to parity", -1);
            return;
        }
        *slot = r;
        r->begun = true;
    }
    row.values = argv + 1;
    row.stmt = NULL;
    if (r->each(r->ctx, &row, r->error) != SQLITE_OK) {
        /* ends the statement; sq_read reports r->error */
        if ((r->error->rc & 0xff) == SQLITE_NOMEM)
            sqlite3_result_error_nomem(ctx);
        else
            sqlite3_result_error(ctx, "parity: stopped", -1);
    }
}

/* What the aggregate gives, so that another one of its name is noticed. */
static sqlite3_int64 mark(void)
{
    return (sqlite3_int64)(intptr_t)&sq_mem;
}

void sq_reader_final(sqlite3_context *ctx)
{
    sqlite3_result_int64(ctx, mark());
}

/* ---------------------------------------------------------------------- filters */

/*
 * Moves behind the quoted text, comment or other token at p, as SQLite's
 * tokenizer would; NULL when it does not end.
 */
static const char *next_token(const char *p)
{
    char quote = *p == '[' ? ']' : *p;

    switch (*p) {
    case '\'': case '"': case '`':
        for (p++; *p != '\0'; p++)
            if (*p == quote && *++p != quote)
                return p;
        return NULL;
    case '[':
        p = strchr(p, quote);
        return p != NULL ? p + 1 : NULL;
    case '-':
        if (p[1] != '-')
            return p + 1;
        while (*p != '\0' && *p != '\n')
            p++;
        return p;
    case '/':
        if (p[1] != '*' || p[2] == '\0')
            return p + 1;
        p = strstr(p + 2, "*/");
        return p != NULL ? p + 2 : NULL;
    default:
        return p + 1;
    }
}

static int check_filter(const char *filter, sq_error *e)
{
    const char *problem = NULL, *p = filter;
    int depth = 0;

    while (problem == NULL && *p != '\0') {
        switch (*p) {
        case '(':
            depth++;
            break;
        case ')':
            if (--depth < 0)
                problem = "it closes a bracket that it did not open";
            break;
        case ';':
            problem = "it holds a semicolon";
            break;
        case '?':
            problem = "it holds a parameter";
            break;
        default:
            break;
        }
        p = next_token(p);
        if (p == NULL) {
            problem = "a quoted text or a comment does not end";
            break;
        }
    }
    if (problem == NULL && depth != 0)
        problem = "it opens a bracket that it does not close";
    if (problem != NULL)
        return sq_fail(e, PARITY_INVALID, problem, "a filter is what could stand behind WHERE",
                       "the filter is not one SQL condition");
    return SQLITE_OK;
}

/* ------------------------------------------------------------------------- reading */

/* Appends "table"."column", … for all columns of the spec. */
static void append_columns(sqlite3_str *sql, const parity_spec *spec, const char *between)
{
    for (int i = 0; i < spec->ncolumns; i++)
        sqlite3_str_appendf(sql, "%s\"%w\".\"%w\"", i > 0 ? ", " : between, spec->table, spec->columns[i].name);
}

/* Steps through a plain SELECT. */
static int read_columns(sqlite3 *db, sqlite3_stmt *stmt, reader *r)
{
    sq_row row = {NULL, stmt};
    bool more;

    for (;;) {
        SQ_TRY(sq_step(db, stmt, &more, r->error));
        if (!more)
            return SQLITE_OK;
        SQ_TRY(r->each(r->ctx, &row, r->error));
    }
}

/* Runs the aggregate, which gives just one row. */
static int read_arguments(sqlite3 *db, sqlite3_stmt *stmt, reader *r)
{
    bool marked = false;
    int rows = 0, rc = sqlite3_bind_pointer(stmt, 1, r, POINTER_TYPE, NULL);

    if (rc != SQLITE_OK)
        return sq_db(r->error, db, rc);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && ++rows == 1)
        marked = sqlite3_column_int64(stmt, 0) == mark();
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return r->error->rc != SQLITE_OK ? r->error->rc : sq_db(r->error, db, rc);
    if (rows != 1 || !marked)
        return sq_fail(r->error, PARITY_INVALID, NULL, "register it under another name",
                       "the application has a function " SQ_READER " of its own");
    return SQLITE_OK;
}

/* A filter may read a table with another filter, and that one again: SQLite itself does not count such calls. */
#define MAX_DEPTH 10
static _Thread_local int depth;

int sq_read(sqlite3 *db, const parity_spec *spec, sq_text filter, sq_row_function each, void *ctx, sq_error *e)
{
    bool wide = spec->ncolumns + 1 > sqlite3_limit(db, SQLITE_LIMIT_FUNCTION_ARG, -1);
    reader r = {each, ctx, e, false};
    sqlite3_stmt *stmt;
    sqlite3_str *sql;
    int rc;

    if (filter.p != NULL)
        SQ_TRY(check_filter(filter.p, e));
    sql = sqlite3_str_new(db);
    sqlite3_str_appendall(sql, wide ? "SELECT " : "SELECT " SQ_READER "(?1");
    append_columns(sql, spec, wide ? "" : ", ");
    sqlite3_str_appendf(sql, "%s FROM \"%w\".\"%w\"", wide ? "" : ")", spec->schema, spec->table);
    if (filter.p != NULL)
        sqlite3_str_appendf(sql, " WHERE (\n%s\n)", filter.p);
    rc = sqlite3_str_errcode(sql);
    if (rc != SQLITE_OK) {
        sqlite3_free(sqlite3_str_finish(sql));
        if (rc == SQLITE_TOOBIG)
            return sq_fail(e, PARITY_LIMIT, NULL, NULL, "the filter is too long");
        return sq_nomem(e);
    }
    SQ_TRY(sq_prepare_text(db, sqlite3_str_finish(sql), &stmt, e));
    depth++;
    if (depth > MAX_DEPTH)
        rc = sq_fail(e, PARITY_LIMIT, NULL, NULL, "reads of tables are nested more than %d deep", MAX_DEPTH);
    else if (sqlite3_bind_parameter_count(stmt) != (wide ? 0 : 1))
        rc = sq_fail(e, PARITY_INVALID, "it holds a parameter", "a filter is what could stand behind WHERE",
                     "the filter is not one SQL condition");
    else
        rc = wide ? read_columns(db, stmt, &r) : read_arguments(db, stmt, &r);
    depth--;
    sqlite3_finalize(stmt);
    return rc;
}

/* ------------------------------------------------------------------------- digests */

/* A digest in the making. */
typedef struct digester {
    parity_scan scan;
    parity_tally *tally;     /* or */
    parity_buckets *buckets; /* what the rows are added to */
    const parity_column *columns;
    bool *key;
    parity_plan *plans; /* of the columns' kinds */
    const sq_row *row;  /* the one that is being framed */
} digester;

static parity_status put_column(void *ctx, int i, bool rounded, parity_buf *b, parity_buf *scratch, unsigned *notes,
                                parity_value *example)
{
    digester *d = ctx;
    const parity_kind *kind = &d->columns[i].kind;
    parity_kind rounding;
    parity_value v;
    parity_status s;

    if (sq_row_value(d->row, i, &v) != SQLITE_OK)
        return PARITY_NOMEM;
    if (rounded) {
        rounding = *kind;
        rounding.options |= PARITY_OPT_ROUND;
        s = parity_put_value(b, scratch, &rounding, &v, notes);
    } else if (v.cls == PARITY_NULL || v.cls == PARITY_BLOB) {
        s = parity_put_value(b, scratch, kind, &v, notes);
    } else {
        s = parity_put_planned(b, scratch, &d->plans[i], &v, notes);
    }
    if (*notes & PARITY_NOTE_BAD)
        *example = v;
    return s;
}

int sq_row_core(sq_error *e, parity_status s)
{
    if (s == PARITY_LIMIT)
        return sq_fail(e, s, NULL, NULL, "the canonical form of a row passes 4 GiB");
    return sq_core(e, s);
}

static int digest_row(void *ctx, const sq_row *row, sq_error *e)
{
    digester *d = ctx;

    d->row = row;
    return sq_row_core(e, parity_scan_row(&d->scan, d->tally, put_column, d));
}

static int digest_bucket(void *ctx, const sq_row *row, sq_error *e)
{
    digester *d = ctx;

    d->row = row;
    return sq_row_core(e, parity_scan_bucket(&d->scan, d->buckets, put_column, d));
}

/* Appends the frame of a value that is not NULL. */
static int put_other(digester *d, const parity_plan *plan, const parity_value *v, sq_error *e)
{
    parity_scan *scan = &d->scan;
    unsigned notes = 0;
    parity_status s;

    if (v->cls == PARITY_BLOB)
        s = parity_put_value(&scan->buf, &scan->scratch, plan->kind, v, &notes);
    else
        s = parity_put_planned(&scan->buf, &scan->scratch, plan, v, &notes);
    return sq_row_core(e, s);
}

/*
 * The same when only the rows' digest is wanted: the loop that checksum spends
 * its time in.  What its plan calls plain is written as it comes from SQLite,
 * without a parity_value and a second switch over its class.
 */
static int digest_row_only(void *ctx, const sq_row *row, sq_error *e)
{
    digester *d = ctx;
    parity_buf *b = &d->scan.buf;
    sqlite3_value **values = row->values;
    int n = d->scan.ncolumns;

    if (values == NULL) /* a statement's row, see sq_read */
        return digest_row(ctx, row, e);
    b->len = 0;
    for (int i = 0; i < n; i++) {
        const parity_plan *plan = &d->plans[i];
        sqlite3_value *value = values[i];
        unsigned char *p;
        parity_value v;

        if (parity_buf_reserve(b, 16) != PARITY_OK)
            return sq_nomem(e);
        p = b->data + b->len;
        switch (sqlite3_value_type(value)) {
        case SQLITE_INTEGER:
            v.i = sqlite3_value_int64(value);
            if ((plan->plain & PARITY_PLAIN_INT) || ((plan->plain & PARITY_PLAIN_BIT) && (uint64_t)v.i <= 1)) {
                p[0] = PARITY_TAG_INT;
                parity_store64(p + 1, (uint64_t)v.i);
                b->len += 9;
                continue;
            }
            v.cls = PARITY_INTEGER;
            break;
        case SQLITE_FLOAT:
            v.r = sqlite3_value_double(value);
            if ((plan->plain & PARITY_PLAIN_F64) && v.r == v.r && v.r != 0) {
                uint64_t bits;

                memcpy(&bits, &v.r, sizeof bits);
                p[0] = PARITY_TAG_F64;
                parity_store64(p + 1, bits);
                b->len += 9;
                continue;
            }
            v.cls = PARITY_REAL;
            break;
        case SQLITE_TEXT:
            v.p = (const char *)sqlite3_value_text(value);
            if (v.p == NULL)
                return sq_nomem(e);
            v.n = (size_t)sqlite3_value_bytes(value);
            if ((plan->plain & PARITY_PLAIN_TEXT) && v.n < b->cap - b->len - 5) {
                p[0] = PARITY_TAG_TEXT;
                parity_store32(p + 1, (uint32_t)v.n);
                memcpy(p + 5, v.p, v.n);
                b->len += 5 + v.n;
                continue;
            }
            v.cls = PARITY_STRING;
            break;
        case SQLITE_NULL:
            p[0] = PARITY_TAG_NULL;
            b->len++;
            continue;
        default:
            if (sq_value(value, &v) != SQLITE_OK)
                return sq_nomem(e);
            break;
        }
        SQ_TRY(put_other(d, plan, &v, e));
    }
    if (b->len > UINT32_MAX)
        return sq_row_core(e, PARITY_LIMIT);
    parity_digest_add_row(&d->tally->digest, b->data, b->len);
    return SQLITE_OK;
}

parity_tally *sq_new_tally(parity_arena *a, int n, uint32_t cells)
{
    parity_tally *t = parity_arena_alloc(a, parity_tally_size(n, cells));

    if (t != NULL)
        parity_tally_init(t, n, cells);
    return t;
}

/* To be freed whatever it returns. */
static int digester_init(digester *d, const parity_spec *spec, bool columns, sq_error *e)
{
    size_t n = (size_t)spec->ncolumns;

    memset(d, 0, sizeof *d);
    d->columns = spec->columns;
    d->key = sqlite3_malloc64(n * sizeof *d->key);
    d->plans = sqlite3_malloc64(n * sizeof *d->plans);
    if (d->key == NULL || d->plans == NULL)
        return sq_nomem(e);
    for (size_t i = 0; i < n; i++) {
        d->key[i] = spec->columns[i].key;
        parity_plan_init(&d->plans[i], &spec->columns[i].kind);
    }
    return sq_core(e, parity_scan_init(&d->scan, &sq_mem, spec->ncolumns, d->key, columns));
}

static void digester_free(digester *d)
{
    parity_scan_free(&d->scan);
    sqlite3_free(d->plans);
    sqlite3_free(d->key);
}

int sq_scan(sqlite3 *db, const parity_spec *spec, sq_text filter, bool columns, parity_tally *tally, sq_error *e)
{
    bool all = columns || tally->cells != 0;
    digester d;
    int rc = digester_init(&d, spec, columns, e);

    d.tally = tally;
    if (rc == SQLITE_OK)
        rc = sq_read(db, spec, filter, all ? digest_row : digest_row_only, &d, e);
    digester_free(&d);
    return rc;
}

int sq_scan_buckets(sqlite3 *db, const parity_spec *spec, sq_text filter, parity_buckets *buckets, sq_error *e)
{
    digester d;
    int rc = digester_init(&d, spec, false, e);

    d.buckets = buckets;
    if (rc == SQLITE_OK)
        rc = sq_read(db, spec, filter, digest_bucket, &d, e);
    digester_free(&d);
    return rc;
}
