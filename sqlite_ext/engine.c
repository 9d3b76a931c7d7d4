/*
 * engine.c - how core's verify reads this connection
 *
 * Columns of SQLite enforce no type (strict is false), so that they are read
 * under the other side's kinds unless a stored override names one.  The
 * snapshot is taken when core asks for the list of tables and held until the
 * comparison is closed.
 */
#include <string.h>

#include "module.h"

static parity_status list(void *ctx, parity_arena *a, const char *schema, char ***names, int *n, char ***skipped,
                          int *nskipped, parity_error *err)
{
    sq_engine *x = ctx;
    sq_listed *tables;
    char *found;
    int count, rc;

    (void)err;
    *n = *nskipped = 0;
    rc = sq_find_schema(x->db, a, schema != NULL ? schema : "main", &found, &x->error);
    if (rc == SQLITE_OK && x->snapshot == NULL)
        rc = sq_snapshot(x->db, found, &x->snapshot, &x->error);
    if (rc == SQLITE_OK)
        rc = sq_list(x->db, a, found, &tables, &count, &x->error);
    if (rc != SQLITE_OK)
        return sq_status(&x->error);
    *names = parity_arena_alloc(a, (size_t)(count + 1) * sizeof **names);
    *skipped = parity_arena_alloc(a, (size_t)(count + 1) * sizeof **skipped);
    if (*names == NULL || *skipped == NULL)
        return PARITY_NOMEM;
    for (int i = 0; i < count; i++) {
        if (tables[i].skipped)
            (*skipped)[(*nskipped)++] = tables[i].name;
        else
            (*names)[(*n)++] = tables[i].name;
    }
    return PARITY_OK;
}

static parity_status describe(void *ctx, parity_arena *a, const char *schema, const char *table,
                              parity_local_table *out, parity_error *err)
{
    sq_engine *x = ctx;
    sq_table t;
    int rc;

    (void)err;
    rc = sq_find_schema(x->db, a, schema != NULL ? schema : "main", &t.schema, &x->error);
    if (rc == SQLITE_OK) {
        t.name = parity_arena_copy(a, table, strlen(table));
        rc = t.name == NULL ? sq_nomem(&x->error) : sq_local_table(x->db, a, &t, out, &x->error);
    }
    return rc == SQLITE_OK ? PARITY_OK : sq_status(&x->error);
}

static parity_status scan(void *ctx, parity_arena *a, const parity_spec *spec, parity_tally **out, parity_error *err)
{
    sq_engine *x = ctx;
    parity_spec local = *spec;
    sq_text no_filter = {NULL, 0};

    (void)err;
    if (local.schema == NULL && sq_find_schema(x->db, a, "main", &local.schema, &x->error) != SQLITE_OK)
        return sq_status(&x->error);
    *out = sq_new_tally(a, spec->ncolumns);
    if (*out == NULL)
        return PARITY_NOMEM;
    if (sq_scan(x->db, &local, no_filter, true, *out, &x->error) != SQLITE_OK)
        return sq_status(&x->error);
    return PARITY_OK;
}

void sq_engine_init(sq_engine *x, sqlite3 *db)
{
    memset(x, 0, sizeof *x);
    x->db = db;
    x->engine.ctx = x;
    x->engine.name = "sqlite";
    x->engine.list = list;
    x->engine.describe = describe;
    x->engine.scan = scan;
    sq_error_init(&x->error);
}

void sq_engine_close(sq_engine *x)
{
    sqlite3_finalize(x->snapshot);
    x->snapshot = NULL;
    sq_error_free(&x->error);
}

int sq_engine_core(sq_engine *x, sq_error *e, parity_status status)
{
    if (status == PARITY_ENGINE && x->error.rc != SQLITE_OK)
        return sq_error_move(e, &x->error);
    return sq_core(e, status);
}

int sq_verify_open(sq_engine *x, sqlite3_value *bundle, sqlite3_value *mapping, parity_verify **out, sq_error *e)
{
    sq_text b, m;

    *out = NULL;
    SQ_TRY(sq_text_of(bundle, &b, e));
    SQ_TRY(sq_text_of(mapping, &m, e));
    if (b.p == NULL)
        return sq_fail(e, PARITY_INVALID, NULL, "readfile() gives NULL for a file that it cannot read",
                       "the bundle is NULL");
    return sq_engine_core(x, e, parity_verify_open(&sq_mem, &x->engine, b.p, b.n, m.p, m.n, out, &e->core));
}
