/*
 * diff.c - which rows differ, and what they hold
 *
 *   parity_diff(table, bundle)   table-valued, a row a differing row
 *   parity_rows(table, keys)     the values of the rows that keys name, as a rows bundle
 *
 * What parity_diff gives as key or key_hash is what the other side's rows
 * function takes, as a JSON array:
 *
 *   SELECT json_group_array(json_object('key', json(key), 'key_hash', key_hash))
 *     FROM parity_diff('tasks', readfile('pg.parity'));
 *
 * The table is read in one snapshot, and all of it before the first row is given.
 */
#include "module.h"

/* The table that an argument names. */
static int find_table(sqlite3 *db, parity_arena *a, sqlite3_value *arg, sq_table *out, sq_error *e)
{
    sq_text name;

    SQ_TRY(sq_text_required(arg, "the table name", &name, e));
    return sq_find_table(db, a, name, out, e);
}

/* ---------------------------------------------------------------------------- diff */

typedef struct cursor {
    parity_diff *diff;
    const parity_diff_row *row;
} cursor;

static int diff_open(sqlite3 *db, void *state, sqlite3_value **args, sq_error *e)
{
    cursor *c = state;
    sq_engine engine;
    parity_arena a;
    sq_text bundle;
    sq_table t;
    int rc;

    SQ_TRY(sq_text_of(args[1], &bundle, e));
    if (bundle.p == NULL)
        return sq_fail(e, PARITY_INVALID, NULL, "readfile() gives NULL for a file that it cannot read",
                       "the bundle is NULL");
    parity_arena_init(&a, &sq_mem);
    sq_engine_init(&engine, db);
    rc = find_table(db, &a, args[0], &t, e);
    if (rc == SQLITE_OK)
        rc = sq_engine_core(&engine, e, parity_diff_open(&sq_mem, &engine.engine, t.schema, t.name, bundle.p,
                                                         bundle.n, &c->diff, &e->core));
    /* what is left to give is in memory: the table may be written to meanwhile */
    sq_engine_close(&engine);
    parity_arena_free(&a);
    return rc;
}

static int diff_next(void *state, bool *row, sq_error *e)
{
    cursor *c = state;

    (void)e;
    c->row = parity_diff_next(c->diff);
    *row = c->row != NULL;
    return SQLITE_OK;
}

static int diff_column(void *state, sqlite3_context *ctx, int i)
{
    const parity_diff_row *row = ((cursor *)state)->row;

    switch (i) {
    case 0:
        sq_result_text(ctx, row->is_row ? row->key : NULL);
        break;
    case 1:
        sq_result_text(ctx, row->is_row ? parity_change_text(row->change) : NULL);
        break;
    case 2:
        sq_result_text(ctx, row->is_row ? row->key_hash : NULL);
        break;
    case 3:
        sqlite3_result_int(ctx, row->complete);
        break;
    case 4:
        if (row->is_row)
            sqlite3_result_int64(ctx, row->rows);
        break;
    default:
        sq_result_text(ctx, row->detail);
        break;
    }
    return SQLITE_OK;
}

static void diff_close(void *state)
{
    cursor *c = state;

    if (c->diff != NULL)
        parity_diff_close(c->diff);
}

const sq_tablefunc sq_diff = {
    .name = "parity_diff",
    .declare = "CREATE TABLE x(\"key\" TEXT, change TEXT, key_hash TEXT, complete INTEGER, rows INTEGER,"
               " detail TEXT, \"table\" HIDDEN, bundle HIDDEN)",
    .nresults = 6,
    .nargs = 2,
    .nrequired = 2,
    .usage = "parity_diff(table, bundle)",
    .size = sizeof(cursor),
    .open = diff_open,
    .next = diff_next,
    .column = diff_column,
    .close = diff_close,
};

/* ---------------------------------------------------------------------------- rows */

/* Writes the rows bundle. */
static int write_rows(sqlite3 *db, parity_arena *a, sqlite3_value **argv, sqlite3_stmt **snapshot, parity_buf *b,
                      sq_error *e)
{
    sq_engine engine;
    sq_head head;
    sq_text keys;
    sq_table t;
    int rc;

    SQ_TRY(sq_text_of(argv[1], &keys, e));
    if (keys.p == NULL)
        return sq_fail(e, PARITY_INVALID, NULL, "an empty list of keys is []", "the list of keys is NULL");
    SQ_TRY(find_table(db, a, argv[0], &t, e));
    SQ_TRY(sq_snapshot(db, t.schema, snapshot, e));
    SQ_TRY(sq_bundle_head(db, t.schema, &head, e));
    sq_engine_init(&engine, db);
    rc = sq_engine_core(&engine, e, parity_rows_write(&sq_mem, &engine.engine, t.schema, t.name, keys.p, keys.n,
                                                      &head.bundle, b, &e->core));
    sq_engine_close(&engine);
    return rc;
}

void sq_fn_rows(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sqlite3_stmt *snapshot = NULL;
    parity_arena a;
    parity_buf b;
    sq_error e;
    int rc;

    (void)argc;
    sq_error_init(&e);
    parity_arena_init(&a, &sq_mem);
    parity_buf_init(&b, &sq_mem);
    rc = write_rows(sqlite3_context_db_handle(ctx), &a, argv, &snapshot, &b, &e);
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
