/*
 * fetch.c - the rows of a table that core names, with their frames
 *
 * Of every row that is read the key is framed, and the rest only when that key
 * is wanted.  Which rows are read is up to the wanted keys: integers of a
 * column that holds them as such are looked up, in portions,
 *
 *   … WHERE ("t"."id" IN (1,5,9, …))
 *
 * all others are found in one pass over the table.  Either way the key of a row
 * decides, so that IN may find too many rows and never too few.
 */
#include <stdlib.h>
#include <string.h>

#include "module.h"

#define PORTION 1000 /* integers a query: some 20 kB of SQL, within what a connection with low limits takes */

typedef struct fetcher {
    parity_scan scan; /* under spec */
    const parity_spec *spec, *guard;
    const parity_wanted *wanted;
    const int *place;   /* of each of spec's columns among those that are read */
    bool *key;          /* of spec's columns */
    parity_buf frames, scratch; /* under guard */
    uint32_t *ends;
    const sq_row *row; /* the one that is being framed */
    parity_each_row each;
    void *each_ctx;
    parity_status stopped; /* what each returned, unless that was PARITY_OK */
} fetcher;

static parity_status put_value(const sq_row *row, int at, const parity_kind *kind, parity_buf *b, parity_buf *scratch)
{
    unsigned notes = 0;
    parity_value v;

    if (sq_row_value(row, at, &v) != SQLITE_OK)
        return PARITY_NOMEM;
    return parity_put_value(b, scratch, kind, &v, &notes);
}

/* parity_put_column, of spec's columns; what a pass notes besides is not asked for. */
static parity_status put_column(void *ctx, int i, bool rounded, parity_buf *b, parity_buf *scratch, unsigned *notes,
                                parity_value *example)
{
    const fetcher *f = ctx;

    (void)rounded;
    (void)notes;
    (void)example;
    return put_value(f->row, f->place[i], &f->spec->columns[i].kind, b, scratch);
}

static int put_guard(fetcher *f, sq_error *e)
{
    f->frames.len = 0;
    for (int i = 0; i < f->guard->ncolumns; i++) {
        SQ_TRY(sq_row_core(e, put_value(f->row, i, &f->guard->columns[i].kind, &f->frames, &f->scratch)));
        if (f->frames.len > UINT32_MAX)
            return sq_row_core(e, PARITY_LIMIT);
        f->ends[i] = (uint32_t)f->frames.len;
    }
    return SQLITE_OK;
}

static int fetch_row(void *ctx, const sq_row *row, sq_error *e)
{
    fetcher *f = ctx;
    parity_row_key key;
    bool hit;

    f->row = row;
    SQ_TRY(sq_row_core(e, parity_scan_wanted(&f->scan, f->wanted, true, put_column, f, &key, &hit)));
    if (!hit)
        return SQLITE_OK;
    if (f->guard != NULL)
        SQ_TRY(put_guard(f, e));
    f->stopped = f->each(f->each_ctx, &key, f->scan.buf.data, f->scan.ends, f->guard != NULL ? f->frames.data : NULL,
                         f->guard != NULL ? f->ends : NULL);
    return sq_core(e, f->stopped);
}

/* Whether the column is a primary key by itself, so that IN finds its rows without a pass over the table. */
static int is_indexed(sqlite3 *db, parity_arena *a, const parity_spec *spec, const char *column, bool *out, sq_error *e)
{
    sq_table t = {spec->schema, spec->table};
    sq_columninfo *columns;
    int n, nkey = 0;

    *out = false;
    SQ_TRY(sq_columns(db, a, &t, &columns, &n, e));
    for (int i = 0; i < n; i++) {
        nkey += columns[i].pk != 0;
        *out |= columns[i].pk != 0 && strcmp(columns[i].name, column) == 0;
    }
    *out &= nkey == 1;
    return SQLITE_OK;
}

/* The key column of spec when integers can be looked up in it, else NULL. */
static int lookup_column(sqlite3 *db, parity_arena *a, const parity_spec *spec, size_t nintegers, const char **out,
                         sq_error *e)
{
    const parity_column *key = NULL;
    bool indexed = true;

    *out = NULL;
    for (int i = 0; i < spec->ncolumns; i++)
        if (spec->columns[i].key && key == NULL)
            key = &spec->columns[i];
        else if (spec->columns[i].key)
            return SQLITE_OK;
    /* other kinds, and int with an option, frame as integers what does not compare equal to them in SQL */
    if (key == NULL || key->kind.id != PARITY_INT || key->kind.options != 0)
        return SQLITE_OK;
    /* without an index each portion is a pass, and one pass finds them all */
    if (nintegers > PORTION)
        SQ_TRY(is_indexed(db, a, spec, key->name, &indexed, e));
    if (indexed)
        *out = key->name;
    return SQLITE_OK;
}

/* Reads the rows of n integers. */
static int read_portion(sqlite3 *db, const parity_spec *read, const char *column, const int64_t *integers, size_t n,
                        fetcher *f, sq_error *e)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    sq_text filter;
    char *text;
    int rc;

    sqlite3_str_appendf(sql, "\"%w\".\"%w\" IN (", read->table, column);
    for (size_t i = 0; i < n; i++)
        sqlite3_str_appendf(sql, "%s%lld", i > 0 ? "," : "", (sqlite3_int64)integers[i]);
    sqlite3_str_appendall(sql, ")");
    rc = sqlite3_str_errcode(sql);
    filter.n = (size_t)sqlite3_str_length(sql);
    filter.p = text = sqlite3_str_finish(sql);
    if (rc == SQLITE_TOOBIG)
        rc = sq_fail(e, PARITY_LIMIT, NULL, NULL, "the query for %d rows is too long for this connection", (int)n);
    else if (rc != SQLITE_OK || text == NULL)
        rc = sq_nomem(e);
    else
        rc = sq_read(db, read, filter, fetch_row, f, e);
    sqlite3_free(text);
    return rc;
}

static int by_value(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

    return (a > b) - (a < b);
}

/* Each integer once: IN sees to that within a portion, and portions that share one would read its row twice. */
static int make_distinct(parity_arena *a, const int64_t **integers, size_t *n, sq_error *e)
{
    int64_t *copy = parity_arena_alloc(a, *n * sizeof *copy);
    size_t kept = 0;

    if (copy == NULL)
        return sq_nomem(e);
    memcpy(copy, *integers, *n * sizeof *copy);
    qsort(copy, *n, sizeof *copy, by_value);
    for (size_t i = 0; i < *n; i++)
        if (kept == 0 || copy[kept - 1] != copy[i])
            copy[kept++] = copy[i];
    *integers = copy;
    *n = kept;
    return SQLITE_OK;
}

static int read_rows(sqlite3 *db, parity_arena *a, const parity_spec *read, const int64_t *integers, size_t nintegers,
                     fetcher *f, sq_error *e)
{
    sq_text no_filter = {NULL, 0};
    const char *column = NULL;

    if (integers != NULL)
        SQ_TRY(lookup_column(db, a, f->spec, nintegers, &column, e));
    if (column == NULL)
        return sq_read(db, read, no_filter, fetch_row, f, e);
    if (nintegers > PORTION)
        SQ_TRY(make_distinct(a, &integers, &nintegers, e));
    for (size_t at = 0; at < nintegers; at += PORTION) {
        size_t n = nintegers - at < PORTION ? nintegers - at : PORTION;

        SQ_TRY(read_portion(db, read, column, integers + at, n, f, e));
    }
    return SQLITE_OK;
}

/* Where spec's columns are among those of read. */
static int place_columns(const parity_spec *spec, const parity_spec *read, int *place, sq_error *e)
{
    for (int i = 0; i < spec->ncolumns; i++) {
        int j = 0;

        while (j < read->ncolumns && strcmp(read->columns[j].name, spec->columns[i].name) != 0)
            j++;
        if (j == read->ncolumns)
            return sq_fail(e, PARITY_NO_COLUMN, NULL, NULL, "column \"%.100s\" of table \"%.100s\" cannot be guarded",
                           spec->columns[i].name, spec->table);
        place[i] = j;
    }
    return SQLITE_OK;
}

parity_status sq_fetch(sq_engine *x, const parity_spec *spec, const parity_spec *guard, const parity_wanted *wanted,
                       const int64_t *integers, size_t nintegers, parity_each_row each, void *each_ctx)
{
    parity_spec read = guard != NULL ? *guard : *spec;
    size_t n = (size_t)spec->ncolumns;
    sq_error *e = &x->error;
    parity_arena a;
    fetcher f;
    int *place;
    int rc;

    memset(&f, 0, sizeof f);
    read.schema = spec->schema;
    read.table = spec->table;
    parity_arena_init(&a, &sq_mem);
    parity_buf_init(&f.frames, &sq_mem);
    parity_buf_init(&f.scratch, &sq_mem);
    f.spec = spec;
    f.guard = guard;
    f.wanted = wanted;
    f.each = each;
    f.each_ctx = each_ctx;
    f.place = place = parity_arena_alloc(&a, n * sizeof *place);
    f.key = parity_arena_alloc(&a, n * sizeof *f.key);
    f.ends = parity_arena_alloc(&a, (size_t)read.ncolumns * sizeof *f.ends);
    if (place == NULL || f.key == NULL || f.ends == NULL) {
        rc = sq_nomem(e);
    } else {
        for (size_t i = 0; i < n; i++)
            f.key[i] = spec->columns[i].key;
        rc = place_columns(spec, &read, place, e);
    }
    if (rc == SQLITE_OK)
        rc = sq_core(e, parity_scan_init(&f.scan, &sq_mem, spec->ncolumns, f.key, false));
    if (rc == SQLITE_OK)
        rc = read_rows(x->db, &a, &read, integers, nintegers, &f, e);
    parity_scan_free(&f.scan);
    parity_buf_free(&f.frames);
    parity_buf_free(&f.scratch);
    parity_arena_free(&a);
    if (f.stopped != PARITY_OK) {
        /* core's own error, which core has the words of */
        sq_error_free(e);
        return f.stopped;
    }
    return rc == SQLITE_OK ? PARITY_OK : sq_status(e);
}
