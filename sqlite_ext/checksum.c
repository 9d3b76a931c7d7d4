/*
 * checksum.c - parity_checksum(table [, filter [, spec]]) and the table-valued
 * parity_column_checksums(table, filter, spec)
 *
 * The spec, the stored overrides and the rows are read in one snapshot.
 */
#include <string.h>

#include "module.h"

/* What a checksum is taken of. */
typedef struct subject {
    parity_arena arena;
    parity_spec spec;
    parity_tally *tally;
} subject;

/* Reads the arguments (table, filter, spec; each may be NULL in C) and the table. */
static int take(sqlite3 *db, subject *s, sqlite3_value **args, bool columns, sq_error *e)
{
    sq_text name, filter, given;
    sqlite3_stmt *snapshot = NULL;
    sq_table t;
    int rc;

    SQ_TRY(sq_text_required(args[0], "the table name", &name, e));
    SQ_TRY(sq_text_plain(args[1], "the filter", &filter, e));
    SQ_TRY(sq_text_of(args[2], &given, e));
    SQ_TRY(sq_find_table(db, &s->arena, name, &t, e));
    SQ_TRY(sq_snapshot(db, t.schema, &snapshot, e));
    rc = sq_spec_given(db, &s->arena, &t, given, &s->spec, e);
    if (rc == SQLITE_OK) {
        s->tally = sq_new_tally(&s->arena, s->spec.ncolumns, 0);
        rc = s->tally == NULL ? sq_nomem(e) : sq_scan(db, &s->spec, filter, columns, s->tally, e);
    }
    sqlite3_finalize(snapshot);
    return rc;
}

void sq_fn_checksum(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sqlite3_value *args[3] = {argv[0], argc > 1 ? argv[1] : NULL, argc > 2 ? argv[2] : NULL};
    subject s;
    sq_error e;

    memset(&s, 0, sizeof s);
    parity_arena_init(&s.arena, &sq_mem);
    sq_error_init(&e);
    if (take(sqlite3_context_db_handle(ctx), &s, args, false, &e) == SQLITE_OK)
        sq_result_digest(ctx, &s.tally->digest);
    else
        sq_result_error(ctx, &e);
    parity_arena_free(&s.arena);
}

/* ----------------------------------------------------------- parity_column_checksums */

typedef struct cursor {
    subject subject;
    int next, current;
} cursor;

static int columns_open(sqlite3 *db, void *state, sqlite3_value **args, sq_error *e)
{
    cursor *c = state;

    parity_arena_init(&c->subject.arena, &sq_mem);
    return take(db, &c->subject, args, true, e);
}

static int columns_next(void *state, bool *row, sq_error *e)
{
    cursor *c = state;

    (void)e;
    *row = c->next < c->subject.spec.ncolumns;
    c->current = c->next++;
    return SQLITE_OK;
}

static int columns_column(void *state, sqlite3_context *ctx, int i)
{
    const cursor *c = state;
    const parity_column *column = &c->subject.spec.columns[c->current];
    char kind[PARITY_KIND_TEXT_MAX];

    switch (i) {
    case 0:
        sqlite3_result_text(ctx, column->name, -1, SQLITE_TRANSIENT);
        break;
    case 1:
        parity_kind_print(&column->kind, kind);
        sqlite3_result_text(ctx, kind, -1, SQLITE_TRANSIENT);
        break;
    default:
        sq_result_digest(ctx, &c->subject.tally->column[c->current].digest);
        break;
    }
    return SQLITE_OK;
}

static void columns_close(void *state)
{
    cursor *c = state;

    parity_arena_free(&c->subject.arena);
}

const sq_tablefunc sq_column_checksums = {
    .name = "parity_column_checksums",
    .declare = "CREATE TABLE x(column_name TEXT, kind TEXT, digest TEXT,"
               " \"table\" HIDDEN, \"filter\" HIDDEN, spec HIDDEN)",
    .nresults = 3,
    .nargs = 3,
    .nrequired = 1,
    .usage = "parity_column_checksums(table [, filter [, spec]])",
    .size = sizeof(cursor),
    .open = columns_open,
    .next = columns_next,
    .column = columns_column,
    .close = columns_close,
};
