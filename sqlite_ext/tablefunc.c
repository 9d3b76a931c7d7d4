/*
 * tablefunc.c - table-valued functions: one virtual table module for all of them
 *
 * A function is a sq_tablefunc.  Its arguments are the hidden columns behind
 * its results; the module is eponymous only, keeps no table and may not be used
 * from a schema (SQLITE_VTAB_DIRECTONLY).
 */
#include <string.h>

#include "module.h"

#define MAX_ARGS 4

typedef struct functable {
    sqlite3_vtab base;
    sqlite3 *db;
    const sq_tablefunc *f;
} functable;

struct sq_cursor {
    sqlite3_vtab_cursor base;
    sqlite3_value *args[MAX_ARGS]; /* copies; NULL: not given */
    void *state;                   /* NULL: not open */
    bool row;
    sqlite3_int64 rowid;
};

static int table_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **error)
{
    functable *t;
    int rc;

    (void)argc;
    (void)argv;
    (void)error;
    rc = sqlite3_declare_vtab(db, ((const sq_tablefunc *)aux)->declare);
    if (rc == SQLITE_OK)
        rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (rc != SQLITE_OK)
        return rc;
    t = sqlite3_malloc64(sizeof *t);
    if (t == NULL)
        return SQLITE_NOMEM;
    memset(t, 0, sizeof *t);
    t->db = db;
    t->f = aux;
    *out = &t->base;
    return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

/* Bit i of idxNum: argument i is given, and they come in their order. */
static int table_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    const sq_tablefunc *f = ((functable *)table)->f;
    int at[MAX_ARGS], given = 0;

    for (int i = 0; i < f->nargs; i++)
        at[i] = -1;
    for (int i = 0; i < info->nConstraint; i++) {
        int arg = info->aConstraint[i].iColumn - f->nresults;

        if (arg < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        /* an argument that comes from a table further on: this order of tables will not do */
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT;
        if (at[arg] < 0)
            at[arg] = i;
    }
    info->idxNum = 0;
    for (int i = 0; i < f->nargs; i++)
        if (at[i] >= 0) {
            info->idxNum |= 1 << i;
            info->aConstraintUsage[at[i]].argvIndex = ++given;
            info->aConstraintUsage[at[i]].omit = 1;
        }
    info->estimatedCost = 1e6;
    info->estimatedRows = 100;
    return SQLITE_OK;
}

static int cursor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    sq_cursor *c = sqlite3_malloc64(sizeof *c);

    (void)table;
    if (c == NULL)
        return SQLITE_NOMEM;
    memset(c, 0, sizeof *c);
    *out = &c->base;
    return SQLITE_OK;
}

/* Forgets what the last filter opened. */
static void cursor_reset(sq_cursor *c)
{
    const sq_tablefunc *f = ((functable *)c->base.pVtab)->f;

    if (c->state != NULL) {
        f->close(c->state);
        sqlite3_free(c->state);
        c->state = NULL;
    }
    for (int i = 0; i < MAX_ARGS; i++) {
        sqlite3_value_free(c->args[i]);
        c->args[i] = NULL;
    }
    c->row = false;
    c->rowid = 0;
}

static int cursor_close(sqlite3_vtab_cursor *cursor)
{
    cursor_reset((sq_cursor *)cursor);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int cursor_next(sqlite3_vtab_cursor *cursor)
{
    sq_cursor *c = (sq_cursor *)cursor;
    functable *t = (functable *)cursor->pVtab;
    sq_error e;

    sq_error_init(&e);
    c->row = false;
    c->rowid++;
    return t->f->next(c->state, &c->row, &e) == SQLITE_OK ? SQLITE_OK : sq_table_error(&t->base, &e);
}

static int cursor_filter(sqlite3_vtab_cursor *cursor, int given, const char *text, int argc, sqlite3_value **argv)
{
    sq_cursor *c = (sq_cursor *)cursor;
    functable *t = (functable *)cursor->pVtab;
    const sq_tablefunc *f = t->f;
    sq_error e;

    (void)text;
    sq_error_init(&e);
    cursor_reset(c);
    for (int i = 0, next = 0; i < f->nargs && next < argc; i++)
        if (given & (1 << i)) {
            c->args[i] = sqlite3_value_dup(argv[next++]);
            if (c->args[i] == NULL)
                return SQLITE_NOMEM;
        }
    for (int i = 0; i < f->nrequired; i++)
        if (c->args[i] == NULL) {
            sq_fail(&e, PARITY_INVALID, NULL, f->usage, "%s needs an argument more", f->name);
            return sq_table_error(&t->base, &e);
        }
    c->state = sqlite3_malloc64(f->size);
    if (c->state == NULL)
        return SQLITE_NOMEM;
    memset(c->state, 0, f->size);
    if (f->open(t->db, c->state, c->args, &e) != SQLITE_OK)
        return sq_table_error(&t->base, &e);
    return cursor_next(cursor);
}

static int cursor_eof(sqlite3_vtab_cursor *cursor)
{
    return !((sq_cursor *)cursor)->row;
}

static int cursor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int i)
{
    sq_cursor *c = (sq_cursor *)cursor;
    const sq_tablefunc *f = ((functable *)cursor->pVtab)->f;

    if (i < f->nresults)
        return f->column(c->state, ctx, i);
    if (c->args[i - f->nresults] != NULL)
        sqlite3_result_value(ctx, c->args[i - f->nresults]);
    return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out)
{
    *out = ((sq_cursor *)cursor)->rowid;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .xConnect = table_connect,
    .xBestIndex = table_best_index,
    .xDisconnect = table_disconnect,
    .xOpen = cursor_open,
    .xClose = cursor_close,
    .xFilter = cursor_filter,
    .xNext = cursor_next,
    .xEof = cursor_eof,
    .xColumn = cursor_column,
    .xRowid = cursor_rowid,
};

int sq_tablefunc_register(sqlite3 *db, const sq_tablefunc *f)
{
    return sqlite3_create_module_v2(db, f->name, &module, (void *)f, NULL);
}
