/*
 * engine.c - how core reads this connection
 *
 * Columns of SQLite enforce no type (strict is false), so that they are read
 * under the other side's kinds unless a stored override names one.  The
 * snapshot is taken by the first callback that reads a schema and held until
 * the comparison is closed, so that all passes over a table see the same rows.
 */
#include <string.h>

#include "module.h"

/* Finds the schema that core names (NULL: main), and sees to the snapshot. */
static int enter(sq_engine *x, parity_arena *a, const char *schema, char **out)
{
    SQ_TRY(sq_find_schema(x->db, a, schema != NULL ? schema : "main", out, &x->error));
    return x->snapshot != NULL ? SQLITE_OK : sq_snapshot(x->db, *out, &x->snapshot, &x->error);
}

/* The same, for one of its tables. */
static int enter_table(sq_engine *x, parity_arena *a, const char *schema, const char *table, sq_table *out)
{
    SQ_TRY(enter(x, a, schema, &out->schema));
    out->name = parity_arena_copy(a, table, strlen(table));
    return out->name == NULL ? sq_nomem(&x->error) : SQLITE_OK;
}

static parity_status list(void *ctx, parity_arena *a, const char *schema, char ***names, int *n, char ***skipped,
                          int *nskipped, parity_error *err)
{
    sq_engine *x = ctx;
    sq_listed *tables;
    char *found;
    int count, rc;

    (void)err;
    *n = *nskipped = 0;
    rc = enter(x, a, schema, &found);
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
    int rc = enter_table(x, a, schema, table, &t);

    (void)err;
    if (rc == SQLITE_OK)
        rc = sq_local_table(x->db, a, &t, out, &x->error);
    return rc == SQLITE_OK ? PARITY_OK : sq_status(&x->error);
}

static parity_status scan(void *ctx, parity_arena *a, const parity_spec *spec, uint32_t cells, parity_tally **out,
                          parity_error *err)
{
    sq_engine *x = ctx;
    parity_spec local = *spec;
    sq_text no_filter = {NULL, 0};

    (void)err;
    if (enter(x, a, spec->schema, &local.schema) != SQLITE_OK)
        return sq_status(&x->error);
    *out = sq_new_tally(a, spec->ncolumns, cells);
    if (*out == NULL)
        return PARITY_NOMEM;
    if (sq_scan(x->db, &local, no_filter, true, *out, &x->error) != SQLITE_OK)
        return sq_status(&x->error);
    return PARITY_OK;
}

static parity_status fetch(void *ctx, const parity_spec *spec, const parity_spec *guard, const parity_wanted *wanted,
                           size_t wanted_size, const int64_t *integers, size_t nintegers, parity_each_row each,
                           void *each_ctx, parity_error *err)
{
    sq_engine *x = ctx;
    parity_spec local = *spec;
    parity_arena a;
    parity_status s;

    (void)wanted_size;
    (void)err;
    parity_arena_init(&a, &sq_mem);
    if (enter(x, &a, spec->schema, &local.schema) != SQLITE_OK)
        s = sq_status(&x->error);
    else
        s = sq_fetch(x, &local, guard, wanted, integers, nintegers, each, each_ctx);
    parity_arena_free(&a);
    return s;
}

static parity_status references(void *ctx, parity_arena *a, const char *schema, const char *table, bool incoming,
                                parity_reference **out, int *n, parity_error *err)
{
    sq_engine *x = ctx;
    sq_table t;
    int rc = enter_table(x, a, schema, table, &t);

    (void)err;
    if (rc == SQLITE_OK)
        rc = incoming ? sq_references_to(x->db, a, &t, out, n, &x->error)
                      : sq_references(x->db, a, &t, out, n, &x->error);
    return rc == SQLITE_OK ? PARITY_OK : sq_status(&x->error);
}

static parity_status own_spec(void *ctx, parity_arena *a, const char *schema, const char *table, parity_spec *out,
                              parity_error *err)
{
    sq_engine *x = ctx;
    sq_table t;
    int rc = enter_table(x, a, schema, table, &t);

    (void)err;
    if (rc == SQLITE_OK)
        rc = sq_spec(x->db, a, &t, out, &x->error);
    return rc == SQLITE_OK ? PARITY_OK : sq_status(&x->error);
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
    x->engine.fetch = fetch;
    x->engine.references = references;
    x->engine.own_spec = own_spec;
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
