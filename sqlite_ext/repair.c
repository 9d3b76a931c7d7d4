/*
 * repair.c - a rows bundle from the other side against this database
 *
 *   parity_explain(table, rows_bundle)   table-valued: each cell that differs, and why
 *   parity_recheck(table, rows_bundle)   table-valued: the keys that still differ
 *   parity_repair(table, rows_bundle)    table-valued: the statements that make the rows equal, guarded
 *
 * table NULL: the rows bundle, or each of a JSON array of them, names its table
 * of main.  None of them writes.  The statements are one transaction, for the
 * shell:
 *
 *   sqlite3 app.db -cmd '.load ./parity' "SELECT statement FROM parity_repair('tasks', readfile('rows'))" > fix.sql
 *   sqlite3 app.db -cmd '.load ./parity' -bail < fix.sql
 */
#include "module.h"

typedef struct cursor {
    sq_engine engine;
    parity_repairs *repairs;
    union {
        const parity_explain_row *explain;
        const parity_recheck_row *recheck;
        const char *statement;
    } row;
} cursor;

static int open_rows(sqlite3 *db, cursor *c, sqlite3_value **args, bool repair, sq_error *e)
{
    sq_table t = {NULL, NULL};
    sq_text name, rows;
    parity_arena a;
    int rc = SQLITE_OK;

    sq_engine_init(&c->engine, db);
    SQ_TRY(sq_text_plain(args[0], "the table name", &name, e));
    SQ_TRY(sq_text_of(args[1], &rows, e));
    if (rows.p == NULL)
        return sq_fail(e, PARITY_INVALID, NULL, "readfile() gives NULL for a file that it cannot read",
                       "the rows bundle is NULL");
    parity_arena_init(&a, &sq_mem);
    if (name.p != NULL)
        rc = sq_find_table(db, &a, name, &t, e);
    if (rc == SQLITE_OK)
        rc = sq_engine_core(&c->engine, e, parity_repairs_open(&sq_mem, &c->engine.engine, t.schema, t.name, rows.p,
                                                               rows.n, repair, &c->repairs, &e->core));
    /* what is left to give is in memory: the statements may be run while they are read */
    sq_engine_close(&c->engine);
    parity_arena_free(&a);
    return rc;
}

static void close_rows(void *state)
{
    cursor *c = state;

    if (c->repairs != NULL)
        parity_repairs_close(c->repairs);
    sq_engine_close(&c->engine);
}

/* ------------------------------------------------------------------------- explain */

static int explain_open(sqlite3 *db, void *state, sqlite3_value **args, sq_error *e)
{
    return open_rows(db, state, args, false, e);
}

static int explain_next(void *state, bool *row, sq_error *e)
{
    cursor *c = state;
    int rc = sq_engine_core(&c->engine, e, parity_explain_next(c->repairs, &c->row.explain, &e->core));

    *row = rc == SQLITE_OK && c->row.explain != NULL;
    return rc;
}

static int explain_column(void *state, sqlite3_context *ctx, int i)
{
    const parity_explain_row *row = ((cursor *)state)->row.explain;
    const char *const texts[] = {row->key, row->column_name, row->local_value, row->remote_value, row->reason};

    sq_result_text(ctx, texts[i]);
    return SQLITE_OK;
}

const sq_tablefunc sq_explain = {
    .name = "parity_explain",
    .declare = "CREATE TABLE x(\"key\" TEXT, column_name TEXT, local_value TEXT, remote_value TEXT, reason TEXT,"
               " \"table\" HIDDEN, rows_bundle HIDDEN)",
    .nresults = 5,
    .nargs = 2,
    .nrequired = 2,
    .usage = "parity_explain(table, rows_bundle)",
    .size = sizeof(cursor),
    .open = explain_open,
    .next = explain_next,
    .column = explain_column,
    .close = close_rows,
};

/* ------------------------------------------------------------------------- recheck */

static int recheck_next(void *state, bool *row, sq_error *e)
{
    cursor *c = state;
    int rc = sq_engine_core(&c->engine, e, parity_recheck_next(c->repairs, &c->row.recheck, &e->core));

    *row = rc == SQLITE_OK && c->row.recheck != NULL;
    return rc;
}

static int recheck_column(void *state, sqlite3_context *ctx, int i)
{
    const parity_recheck_row *row = ((cursor *)state)->row.recheck;
    const char *const texts[] = {row->key, parity_change_text(row->change), row->key_hash};

    sq_result_text(ctx, texts[i]);
    return SQLITE_OK;
}

const sq_tablefunc sq_recheck = {
    .name = "parity_recheck",
    .declare = "CREATE TABLE x(\"key\" TEXT, change TEXT, key_hash TEXT, \"table\" HIDDEN, rows_bundle HIDDEN)",
    .nresults = 3,
    .nargs = 2,
    .nrequired = 2,
    .usage = "parity_recheck(table, rows_bundle)",
    .size = sizeof(cursor),
    .open = explain_open,
    .next = recheck_next,
    .column = recheck_column,
    .close = close_rows,
};

/* -------------------------------------------------------------------------- repair */

static int repair_open(sqlite3 *db, void *state, sqlite3_value **args, sq_error *e)
{
    return open_rows(db, state, args, true, e);
}

static int repair_next(void *state, bool *row, sq_error *e)
{
    cursor *c = state;
    int rc = sq_engine_core(&c->engine, e, parity_repair_next(c->repairs, &c->row.statement, &e->core));

    *row = rc == SQLITE_OK && c->row.statement != NULL;
    return rc;
}

static int repair_column(void *state, sqlite3_context *ctx, int i)
{
    (void)i;
    sq_result_text(ctx, ((cursor *)state)->row.statement);
    return SQLITE_OK;
}

const sq_tablefunc sq_repair = {
    .name = "parity_repair",
    .declare = "CREATE TABLE x(statement TEXT, \"table\" HIDDEN, rows_bundle HIDDEN)",
    .nresults = 1,
    .nargs = 2,
    .nrequired = 2,
    .usage = "parity_repair(table, rows_bundle)",
    .size = sizeof(cursor),
    .open = repair_open,
    .next = repair_next,
    .column = repair_column,
    .close = close_rows,
};
