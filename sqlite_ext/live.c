/*
 * live.c - live checksums: parity_track(table), parity_untrack(table),
 * parity_live_checksum(table), and the table-valued parity_live_verify(table)
 * and parity_live_status([schema])
 *
 * A tracked table has a row in parity_live, of the same schema: the digest of
 * the table as it was when its log (capture.c) was last emptied.  Of each key in
 * the log the first row is what that digest has of it, so that
 *
 *   digest now = digest then - digest(first rows of the log)
 *                            + digest(rows of the table now whose key is in the log)
 *                            + digest(rows of the table now beyond lo and hi)
 *
 * read in one snapshot.  If the database can be written, the result is kept and
 * the log emptied, both by one UPDATE of parity_live and a trigger on it, so
 * that a crash keeps both or neither; else the log just grows on.  A transaction
 * of the caller's that only reads is not made one that writes.
 *
 * A digest is given only when nothing speaks against it:
 *  - the log, its triggers and the table's spec are what parity_track would make
 *    now, so that a new unique key or another collation is noticed;
 *  - all triggers stand before the view parity_live_sentinel_<id> in
 *    sqlite_master: one that was dropped and made again stands behind it;
 *  - after any change of the schema the rows are counted once.  A unique index
 *    that came and went shows there if REPLACE put rows out by it;
 *  - the one row of parity_live_mark_<id> has the rowid that it was given, in a
 *    table whose rowids VACUUM or a dump may change.  The mark has an index if
 *    the table has one by a constraint, since VACUUM tells the two apart;
 *  - parity_live_verify has not found another digest.
 *
 * Nothing is noticed, but by parity_live_verify, of what no trigger sees:
 * connections whose triggers are switched off (SQLITE_DBCONFIG_ENABLE_TRIGGER),
 * incremental writes of blobs (sqlite3_blob_write), and rows that REPLACE puts
 * out because a DEFAULT of random bytes gave the same twice.
 */
#include <string.h>

#include "live.h"

int sq_live_untracked(const char *name, sq_error *e)
{
    char hint[300];

    sqlite3_snprintf(sizeof hint, hint, "SELECT parity_track(%Q) starts it.", name);
    return sq_fail(e, PARITY_INVALID, NULL, hint, "table \"%.200s\" is not tracked", name);
}

static int not_exact(const sq_live *l, sq_error *e)
{
    char hint[300], detail[600];

    sqlite3_snprintf(sizeof hint, hint, "SELECT parity_track(%Q) takes a new first digest.", l->table.name);
    sqlite3_snprintf(sizeof detail, detail, "%s%s%s", l->status, l->reason != NULL ? ": " : "",
                     l->reason != NULL ? l->reason : "");
    return sq_fail(e, PARITY_INVALID, detail, hint, "the live checksum of \"%.200s\" is not exact", l->table.name);
}

/* Examines the table that an argument names, in a snapshot that the caller ends; an error unless it is exact. */
static int enter(sqlite3 *db, parity_arena *a, sqlite3_value *arg, sq_live *l, sqlite3_stmt **snapshot, sq_error *e)
{
    sq_entry *entries;
    sq_state *states;
    const sq_state *s;
    sq_text name;
    sq_table t;

    SQ_TRY(sq_text_required(arg, "the table name", &name, e));
    SQ_TRY(sq_find_table(db, a, name, &t, e));
    SQ_TRY(sq_snapshot(db, t.schema, snapshot, e));
    SQ_TRY(sq_live_entries(db, a, t.schema, &entries, e));
    SQ_TRY(sq_live_states(db, a, t.schema, entries, &states, e));
    s = sq_live_find(states, t.name);
    if (s == NULL)
        return sq_live_untracked(t.name, e);
    SQ_TRY(sq_live_examine(db, a, t.schema, entries, s, l, e));
    return l->status == NULL ? SQLITE_OK : not_exact(l, e);
}

void sq_fn_live_checksum(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sqlite3_stmt *snapshot = NULL;
    parity_arena a;
    sq_error e;
    sq_live l;
    int rc;

    (void)argc;
    parity_arena_init(&a, &sq_mem);
    sq_error_init(&e);
    rc = enter(sqlite3_context_db_handle(ctx), &a, argv[0], &l, &snapshot, &e);
    /* within the snapshot, so that nothing was logged meanwhile that is not read */
    if (rc == SQLITE_OK)
        rc = sq_live_fold(&l, &e);
    sqlite3_finalize(snapshot);
    if (rc == SQLITE_OK)
        sq_result_digest(ctx, &l.digest);
    else
        sq_result_error(ctx, &e);
    parity_arena_free(&a);
}

/* The state of parity_live_verify and of parity_live_status. */
typedef struct cursor {
    sqlite3 *db;
    parity_arena arena;
    sq_live *rows;
    int nrows, at;
    parity_digest full; /* parity_live_verify */
} cursor;

static int next_row(void *state, bool *row, sq_error *e)
{
    cursor *c = state;

    (void)e;
    *row = ++c->at < c->nrows;
    return SQLITE_OK;
}

static void close_rows(void *state)
{
    parity_arena_free(&((cursor *)state)->arena);
}

static int verify_open(sqlite3 *db, void *state, sqlite3_value **args, sq_error *e)
{
    sq_text no_filter = {NULL, 0};
    sqlite3_stmt *snapshot = NULL;
    parity_tally *tally = NULL;
    cursor *c = state;
    int rc;

    c->at = -1;
    c->nrows = 1;
    parity_arena_init(&c->arena, &sq_mem);
    c->rows = parity_arena_alloc(&c->arena, sizeof *c->rows);
    if (c->rows == NULL)
        return sq_nomem(e);
    rc = enter(db, &c->arena, args[0], c->rows, &snapshot, e);
    if (rc == SQLITE_OK && (tally = sq_new_tally(&c->arena, c->rows->spec.ncolumns, 0)) == NULL)
        rc = sq_nomem(e);
    if (rc == SQLITE_OK)
        rc = sq_scan(db, &c->rows->spec, no_filter, false, tally, e);
    if (rc == SQLITE_OK) {
        c->full = tally->digest;
        rc = parity_digest_equal(&c->full, &c->rows->digest) ? sq_live_fold(c->rows, e) : sq_live_stale(c->rows, e);
    }
    sqlite3_finalize(snapshot);
    return rc;
}

static int verify_column(void *state, sqlite3_context *ctx, int i)
{
    const cursor *c = state;

    if (i == 0)
        sqlite3_result_int(ctx, parity_digest_equal(&c->full, &c->rows->digest));
    else
        sq_result_digest(ctx, i == 1 ? &c->rows->digest : &c->full);
    return SQLITE_OK;
}

const sq_tablefunc sq_live_verify = {
    .name = "parity_live_verify",
    .declare = "CREATE TABLE x(match INTEGER, live TEXT, checksum TEXT, \"table\" HIDDEN)",
    .nresults = 3,
    .nargs = 1,
    .nrequired = 1,
    .usage = "parity_live_verify(table)",
    .size = sizeof(cursor),
    .open = verify_open,
    .next = next_row,
    .column = verify_column,
    .close = close_rows,
};

/* The rows of the log of a table that is not exact, if there is such a log. */
static int count_log(sq_live *l, sq_error *e)
{
    sqlite3_stmt *stmt;
    char name[64];

    sqlite3_snprintf(sizeof name, name, SQ_LIVE "_log_%lld", l->state->id);
    if (sq_live_entry(l->entries, name) == NULL)
        return SQLITE_OK;
    SQ_TRY(sq_prepare(l->db, &stmt, e, "SELECT 1 FROM \"%w\".\"%w\"", l->table.schema, name));
    return sq_live_count(l->db, stmt, &l->changes, e);
}

static int status_open(sqlite3 *db, void *state_, sqlite3_value **args, sq_error *e)
{
    sqlite3_stmt *snapshot = NULL;
    cursor *c = state_;
    sq_text wanted;
    sq_entry *entries;
    sq_state *states;
    char *schema;
    int rc, n = 0;

    c->at = -1;
    parity_arena_init(&c->arena, &sq_mem);
    SQ_TRY(sq_text_plain(args[0], "the schema", &wanted, e));
    SQ_TRY(sq_find_schema(db, &c->arena, wanted.p != NULL ? wanted.p : "main", &schema, e));
    SQ_TRY(sq_snapshot(db, schema, &snapshot, e));
    rc = sq_live_entries(db, &c->arena, schema, &entries, e);
    if (rc == SQLITE_OK)
        rc = sq_live_states(db, &c->arena, schema, entries, &states, e);
    for (const sq_state *s = rc == SQLITE_OK ? states : NULL; s != NULL; s = s->next)
        n++;
    c->rows = parity_arena_alloc(&c->arena, (size_t)(n + 1) * sizeof *c->rows);
    if (rc == SQLITE_OK && c->rows == NULL)
        rc = sq_nomem(e);
    for (const sq_state *s = rc == SQLITE_OK ? states : NULL; s != NULL && rc == SQLITE_OK; s = s->next) {
        sq_live *l = &c->rows[c->nrows];

        rc = sq_live_examine(db, &c->arena, schema, entries, s, l, e);
        if (rc == SQLITE_OK && l->status != NULL)
            rc = count_log(l, e);
        c->nrows += rc == SQLITE_OK;
    }
    sqlite3_finalize(snapshot);
    return rc;
}

static int status_column(void *state, sqlite3_context *ctx, int i)
{
    const cursor *c = state;
    const sq_live *l = &c->rows[c->at];

    switch (i) {
    case 0:
        sq_result_text(ctx, l->table.name);
        break;
    case 1:
        sq_result_text(ctx, l->status != NULL ? l->status : "exact");
        break;
    case 2:
        sq_result_text(ctx, l->reason);
        break;
    default:
        sqlite3_result_int64(ctx, l->changes);
        break;
    }
    return SQLITE_OK;
}

const sq_tablefunc sq_live_status = {
    .name = "parity_live_status",
    .declare = "CREATE TABLE x(table_name TEXT, status TEXT, reason TEXT, changes INTEGER, \"schema\" HIDDEN)",
    .nresults = 4,
    .nargs = 1,
    .nrequired = 0,
    .usage = "parity_live_status([schema])",
    .size = sizeof(cursor),
    .open = status_open,
    .next = next_row,
    .column = status_column,
    .close = close_rows,
};

