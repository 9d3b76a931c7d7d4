/*
 * verify.c - a bundle from the other side against this database
 *
 *   parity_verify(bundle [, mapping])        table-valued, a row a table
 *   parity_assert_match(bundle [, mapping])  NULL, or an error that names what does not match
 *   parity_adopt(bundle [, mapping])         stores the other side's kinds and options here
 *
 * A table is read when its row is asked for, and all are read in one snapshot.
 */
#include <string.h>

#include "module.h"

typedef struct cursor {
    sq_engine engine;
    parity_verify *verify;
    const parity_verify_row *row;
} cursor;

static int verify_open(sqlite3 *db, void *state, sqlite3_value **args, sq_error *e)
{
    cursor *c = state;

    sq_engine_init(&c->engine, db);
    return sq_verify_open(&c->engine, args[0], args[1], &c->verify, e);
}

static int verify_next(void *state, bool *row, sq_error *e)
{
    cursor *c = state;
    int rc = sq_engine_core(&c->engine, e, parity_verify_next(c->verify, &c->row, &e->core));

    *row = rc == SQLITE_OK && c->row != NULL;
    return rc;
}

static void result_count(sqlite3_context *ctx, bool has, uint64_t n)
{
    if (has)
        sqlite3_result_int64(ctx, n > INT64_MAX ? INT64_MAX : (sqlite3_int64)n);
}

/* A JSON array of names. */
static int result_names(sqlite3_context *ctx, const char *const *names, int n)
{
    parity_buf b;
    parity_status s;

    parity_buf_init(&b, &sq_mem);
    s = parity_buf_puts(&b, "[");
    for (int i = 0; i < n && s == PARITY_OK; i++) {
        s = i > 0 ? parity_buf_puts(&b, ",") : PARITY_OK;
        if (s == PARITY_OK)
            s = sq_json_put_string(&b, names[i]);
    }
    if (s == PARITY_OK)
        s = parity_buf_puts(&b, "]");
    if (s == PARITY_OK)
        sqlite3_result_text64(ctx, (const char *)b.data, b.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    parity_buf_free(&b);
    return s == PARITY_OK ? SQLITE_OK : SQLITE_NOMEM;
}

static int verify_column(void *state, sqlite3_context *ctx, int i)
{
    const parity_verify_row *row = ((cursor *)state)->row;

    switch (i) {
    case 0:
        sq_result_text(ctx, row->table_name);
        break;
    case 1:
        sq_result_text(ctx, row->remote_name);
        break;
    case 2:
        sq_result_text(ctx, parity_verdict_text(row->verdict));
        break;
    case 3:
        result_count(ctx, row->has_local_rows, row->local_rows);
        break;
    case 4:
        result_count(ctx, row->has_remote_rows, row->remote_rows);
        break;
    case 5:
        result_count(ctx, row->has_differing, row->differing);
        break;
    case 6:
        return result_names(ctx, row->columns, row->ncolumns);
    default:
        sq_result_text(ctx, row->detail);
        break;
    }
    return SQLITE_OK;
}

static void verify_close(void *state)
{
    cursor *c = state;

    if (c->verify != NULL)
        parity_verify_close(c->verify);
    sq_engine_close(&c->engine);
}

const sq_tablefunc sq_verify = {
    .name = "parity_verify",
    .declare = "CREATE TABLE x(table_name TEXT, remote_name TEXT, status TEXT, local_rows INTEGER,"
               " remote_rows INTEGER, differing INTEGER, columns TEXT, detail TEXT,"
               " bundle HIDDEN, mapping HIDDEN)",
    .nresults = 8,
    .nargs = 2,
    .nrequired = 1,
    .usage = "parity_verify(bundle [, mapping])",
    .size = sizeof(cursor),
    .open = verify_open,
    .next = verify_next,
    .column = verify_column,
    .close = verify_close,
};

void sq_fn_assert_match(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    cursor c;
    sq_error e;
    int rc;

    memset(&c, 0, sizeof c);
    sq_error_init(&e);
    sq_engine_init(&c.engine, sqlite3_context_db_handle(ctx));
    rc = sq_verify_open(&c.engine, argv[0], argc > 1 ? argv[1] : NULL, &c.verify, &e);
    if (rc == SQLITE_OK)
        rc = sq_engine_core(&c.engine, &e, parity_verify_assert(c.verify, &e.core));
    verify_close(&c);
    if (rc != SQLITE_OK)
        sq_result_error(ctx, &e);
}

/* -------------------------------------------------------------------------- adopt */

/* Copies from core all that is to be stored, in order. */
static int collect(cursor *c, parity_arena *a, sq_stored **out, sq_error *e)
{
    parity_buf json;
    int rc = SQLITE_OK;

    parity_buf_init(&json, &sq_mem);
    for (int i = 0; rc == SQLITE_OK; i++) {
        const char *schema, *table;
        sq_stored *item;
        char *text;

        json.len = 0;
        rc = sq_engine_core(&c->engine, e, parity_verify_adopt(c->verify, i, &schema, &table, &json, &e->core));
        if (rc != SQLITE_OK || table == NULL)
            break;
        if (schema == NULL)
            schema = "main";
        item = parity_arena_alloc(a, sizeof *item);
        text = parity_arena_copy(a, (const char *)json.data, json.len);
        if (item == NULL || text == NULL || (item->table.schema = parity_arena_copy(a, schema, strlen(schema))) == NULL ||
            (item->table.name = parity_arena_copy(a, table, strlen(table))) == NULL) {
            rc = sq_nomem(e);
            break;
        }
        item->overrides.p = text;
        item->overrides.n = json.len;
        *out = item;
        out = &item->next;
    }
    parity_buf_free(&json);
    return rc;
}

void sq_fn_adopt(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sqlite3 *db = sqlite3_context_db_handle(ctx);
    sq_stored *items = NULL;
    parity_arena a;
    sqlite3_int64 n = 0;
    cursor c;
    sq_error e;
    int rc;

    memset(&c, 0, sizeof c);
    parity_arena_init(&a, &sq_mem);
    sq_error_init(&e);
    sq_engine_init(&c.engine, db);
    rc = sq_verify_open(&c.engine, argv[0], argc > 1 ? argv[1] : NULL, &c.verify, &e);
    if (rc == SQLITE_OK)
        rc = collect(&c, &a, &items, &e);
    /* the snapshot goes before anything is written: a reader that turns writer may find its view outdated */
    verify_close(&c);
    for (sq_stored *i = items; i != NULL && rc == SQLITE_OK; i = i->next, n++)
        rc = sq_check_overrides(db, &i->table, i->overrides, &e);
    if (rc == SQLITE_OK && items != NULL)
        rc = sq_store_overrides(db, items->table.schema, items, &e);
    if (rc == SQLITE_OK)
        sqlite3_result_int64(ctx, n);
    else
        sq_result_error(ctx, &e);
    parity_arena_free(&a);
}
