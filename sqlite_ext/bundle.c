/*
 * bundle.c - parity_bundle([tables json [, cells [, schema]]]): all that one
 * database says of its tables, as one JSON text
 *
 * cells is the size of a table's sketch: NULL is 1,024, 0 leaves sketches out,
 * another number is made a power of two.
 *
 * Without a list of tables: all ordinary tables of the schema.  SQLite's
 * internal tables, parity_override, virtual tables and their shadow tables are
 * left out unless named, and listed as skipped.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module.h"

/* YYYY-MM-DDTHH:MM:SSZ; the C library's own way to break down a time is not the same everywhere. */
void sq_now(char out[32])
{
    long long seconds = (long long)time(NULL), days = seconds / 86400, rest = seconds % 86400;
    long long era, day, year, month, of_year;

    days += 719468; /* from 0000-03-01 */
    era = days / 146097;
    day = days % 146097;
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    of_year = day - (365 * year + year / 4 - year / 100);
    month = (5 * of_year + 2) / 153;
    day = of_year - (153 * month + 2) / 5 + 1;
    month += month < 10 ? 3 : -9;
    year += era * 400 + (month <= 2);
    sqlite3_snprintf(32, out, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lldZ", year, month, day, rest / 3600,
                     rest / 60 % 60, rest % 60);
}

static int data_version(sqlite3 *db, const char *schema, char out[32], sq_error *e)
{
    sqlite3_stmt *stmt;
    bool row;
    int rc;

    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".data_version", schema));
    rc = sq_step(db, stmt, &row, e);
    sqlite3_snprintf(32, out, "%lld", rc == SQLITE_OK && row ? sqlite3_column_int64(stmt, 0) : 0LL);
    sqlite3_finalize(stmt);
    return rc;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

/* The tables that are named, sorted, each once. */
static int named_tables(sqlite3 *db, parity_arena *a, char *schema, sq_text list, char ***out, int *nout, sq_error *e)
{
    char **names;
    int n, kept = 0;

    SQ_TRY(sq_json_strings(a, "the list of tables", list.p, list.n, &names, &n, e));
    for (int i = 0; i < n; i++) {
        sq_table t;

        SQ_TRY(sq_find_table_in(db, a, schema, names[i], &t, e));
        if (t.name == NULL)
            return sq_fail(e, PARITY_NO_TABLE, NULL, "the third argument names the database, main if it is NULL",
                           "no such table: %s.%s", schema, names[i]);
        names[i] = t.name;
    }
    if (n > 1)
        qsort(names, (size_t)n, sizeof *names, by_text);
    for (int i = 0; i < n; i++)
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    *out = names;
    *nout = kept;
    return SQLITE_OK;
}

/* All tables: those to read, and those that are skipped. */
static int all_tables(sqlite3 *db, parity_arena *a, char *schema, char ***out, int *nout, parity_bundle *head,
                      sq_error *e)
{
    sq_listed *tables;
    int n;

    SQ_TRY(sq_list(db, a, schema, &tables, &n, e));
    *out = parity_arena_alloc(a, (size_t)(n + 1) * sizeof **out);
    head->skipped = parity_arena_alloc(a, (size_t)(n + 1) * sizeof *head->skipped);
    if (*out == NULL || head->skipped == NULL)
        return sq_nomem(e);
    *nout = 0;
    for (int i = 0; i < n; i++) {
        if (tables[i].skipped)
            head->skipped[head->nskipped++] = tables[i].name;
        else
            (*out)[(*nout)++] = tables[i].name;
    }
    return SQLITE_OK;
}

int sq_bundle_head(sqlite3 *db, char *schema, sq_head *out, sq_error *e)
{
    parity_bundle *head = &out->bundle;

    memset(out, 0, sizeof *out);
    SQ_TRY(data_version(db, schema, out->position, e));
    sqlite3_snprintf(sizeof out->server, out->server, "SQLite %s", sqlite3_libversion());
    sq_now(out->time);
    head->engine = "sqlite";
    head->version = PARITY_RELEASE;
    head->server = out->server;
    head->time = out->time;
    head->position = out->position;
    head->schema = schema;
    return SQLITE_OK;
}

/* Reads one table and adds it. */
static int add_table(sqlite3 *db, char *schema, char *name, uint32_t cells, bool first, parity_buf *b, sq_error *e)
{
    sq_table t = {schema, name};
    sq_text no_filter = {NULL, 0};
    parity_arena a;
    parity_spec spec;
    int rc;

    parity_arena_init(&a, &sq_mem);
    rc = sq_spec(db, &a, &t, &spec, e);
    if (rc == SQLITE_OK) {
        parity_tally *tally = sq_new_tally(&a, spec.ncolumns, cells);

        rc = tally == NULL ? sq_nomem(e) : sq_scan(db, &spec, no_filter, true, tally, e);
        if (rc == SQLITE_OK)
            rc = sq_core(e, parity_bundle_add(b, &spec, tally, first));
    }
    parity_arena_free(&a);
    return rc;
}

/* Writes the bundle, with the snapshot held. */
static int write_bundle(sqlite3 *db, parity_arena *a, char *schema, sq_text list, uint32_t cells, parity_buf *b,
                        sq_error *e)
{
    sq_head head;
    char **tables = NULL;
    int n = 0;

    SQ_TRY(sq_bundle_head(db, schema, &head, e));
    if (list.p != NULL)
        SQ_TRY(named_tables(db, a, schema, list, &tables, &n, e));
    else
        SQ_TRY(all_tables(db, a, schema, &tables, &n, &head.bundle, e));
    head.bundle.partial = list.p != NULL;
    SQ_TRY(sq_core(e, parity_bundle_begin(b, &head.bundle)));
    for (int i = 0; i < n; i++)
        SQ_TRY(add_table(db, schema, tables[i], cells, i == 0, b, e));
    return sq_core(e, parity_bundle_end(b));
}

void sq_fn_bundle(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sqlite3 *db = sqlite3_context_db_handle(ctx);
    sqlite3_stmt *snapshot = NULL;
    sq_text list = {NULL, 0}, name = {NULL, 0};
    char *schema = NULL;
    uint32_t cells = PARITY_CELLS_DEFAULT;
    parity_arena a;
    parity_buf b;
    sq_error e;
    int rc = SQLITE_OK;

    sq_error_init(&e);
    parity_arena_init(&a, &sq_mem);
    parity_buf_init(&b, &sq_mem);
    if (argc > 0)
        rc = sq_text_of(argv[0], &list, &e);
    if (rc == SQLITE_OK && argc > 1)
        rc = sq_cells(argv[1], &cells, &e);
    if (rc == SQLITE_OK && argc > 2)
        rc = sq_text_plain(argv[2], "the schema", &name, &e);
    if (rc == SQLITE_OK)
        rc = sq_find_schema(db, &a, name.p != NULL ? name.p : "main", &schema, &e);
    if (rc == SQLITE_OK)
        rc = sq_snapshot(db, schema, &snapshot, &e);
    if (rc == SQLITE_OK)
        rc = write_bundle(db, &a, schema, list, cells, &b, &e);
    sqlite3_finalize(snapshot);
    parity_arena_free(&a);
    if (rc != SQLITE_OK) {
        parity_buf_free(&b);
        sq_result_error(ctx, &e);
    } else {
        /* SQLite takes the buffer over, and frees it when the result is too long */
        sqlite3_result_text64(ctx, (const char *)b.data, b.len, sqlite3_free, SQLITE_UTF8);
    }
}
