/*
 * live_track.c - parity_track(table) and parity_untrack(table)
 *
 * Each is one transaction, or part of the caller's: a savepoint.
 */
#include <string.h>

#include "live.h"

#define SAVEPOINT "parity_live_track"

/* Whether an object is one of table id. */
static bool belongs(const sq_entry *x, sqlite3_int64 id)
{
    static const char *const formats[] = {SQ_LIVE "_log_%lld", SQ_LIVE "_mark_%lld", SQ_LIVE "_sentinel_%lld"};
    char name[64];

    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        sqlite3_snprintf(sizeof name, name, formats[i], id);
        if (sqlite3_stricmp(x->name, name) == 0)
            return true;
    }
    sqlite3_snprintf(sizeof name, name, SQ_LIVE "_%lld_", id);
    return sqlite3_strnicmp(x->name, name, (int)strlen(name)) == 0;
}

/*
 * Drops what belongs to table id.  A table that is one of keep (n objects, the
 * same SQL) is emptied instead: a table cannot be dropped while a statement reads.
 */
static int remove_objects(sqlite3 *db, const char *schema, const sq_entry *entries, sqlite3_int64 id, const sq_object *keep,
                          int n, sq_error *e)
{
    /* tables first: when one cannot be dropped, nothing of the schema has changed, and other statements go on */
    for (int tables = 1; tables >= 0; tables--)
        for (const sq_entry *x = entries; x != NULL; x = x->next) {
            const char *type = strcmp(x->type, "table") == 0 ? "TABLE" : strcmp(x->type, "view") == 0 ? "VIEW" : "TRIGGER";
            bool kept = false;

            if (!belongs(x, id) || (strcmp(type, "TABLE") == 0) != tables || strcmp(x->type, "index") == 0)
                continue;
            for (int i = 0; i < n && tables; i++)
                kept |= strcmp(keep[i].type, "table") == 0 && strcmp(keep[i].name, x->name) == 0 &&
                        sq_live_is_sql(x->sql, keep[i].type, keep[i].sql);
            if (kept) {
                SQ_TRY(sq_run(db, e, "DELETE FROM \"%w\".\"%w\"", schema, x->name));
            } else if (sq_run(db, e, "DROP %s \"%w\".\"%w\"", type, schema, x->name) != SQLITE_OK) {
                if ((e->rc & 0xff) == SQLITE_LOCKED)
                    return sq_fail(e, PARITY_INVALID, "SQLite drops no table while another statement reads",
                                   "call it in a SELECT without FROM, with no other statement open",
                                   "the table %s cannot be dropped now", x->name);
                return e->rc;
            }
        }
    return SQLITE_OK;
}

/*
 * A savepoint, and how it is left.  All is prepared before it is opened: when
 * memory has run out in a function, SQLite prepares nothing on that connection
 * until the statement that called the function has ended.
 */
typedef struct bracket {
    sqlite3_stmt *open, *release;
    sqlite3_stmt *undo; /* ROLLBACK, or within a transaction of the caller's ROLLBACK TO, to be followed by release */
    bool outermost, opened;
} bracket;

/* Opens it so that it writes from the beginning, and waits for other writers as any statement does. */
static int begin(sqlite3 *db, const char *schema, bool exists, bracket *k, sq_error *e)
{
    bool row;

    k->outermost = sqlite3_get_autocommit(db) != 0;
    SQ_TRY(sq_prepare(db, &k->open, e, "SAVEPOINT " SAVEPOINT));
    SQ_TRY(sq_prepare(db, &k->release, e, "RELEASE " SAVEPOINT));
    SQ_TRY(sq_prepare(db, &k->undo, e, k->outermost ? "ROLLBACK" : "ROLLBACK TO " SAVEPOINT));
    SQ_TRY(sq_step(db, k->open, &row, e));
    k->opened = true;
    if (exists)
        return sq_run(db, e, "DELETE FROM \"%w\"." SQ_LIVE " WHERE id IS NULL", schema);
    return sq_run(db, e, "CREATE TABLE \"%w\"." SQ_LIVE_STATE, schema);
}

/* Leaves it; rc is what has failed, with its words in e. */
static int end(sqlite3 *db, bracket *k, int rc, sq_error *e)
{
    bool row;

    if (rc == SQLITE_OK)
        rc = sq_step(db, k->release, &row, e);
    /* some errors have rolled all back already */
    if (rc != SQLITE_OK && k->opened && !sqlite3_get_autocommit(db)) {
        sqlite3_reset(k->release);
        sqlite3_step(k->undo);
        if (!k->outermost)
            sqlite3_step(k->release);
    }
    sqlite3_finalize(k->open);
    sqlite3_finalize(k->release);
    sqlite3_finalize(k->undo);
    return rc;
}

/* Why a table cannot be tracked at all. */
static int check_trackable(sqlite3 *db, const sq_table *t, sq_error *e)
{
    const char *why = NULL;
    sq_storage storage;

    SQ_TRY(sq_storage_of(db, t, &storage, e));
    if (sqlite3_stricmp(t->schema, "temp") == 0)
        why = "it is temporary";
    else if (sqlite3_strnicmp(t->name, "sqlite_", 7) == 0)
        why = "it is SQLite's own";
    else if (sqlite3_strnicmp(t->name, "parity_", 7) == 0)
        why = "it is parity's own";
    else if (!storage.ordinary)
        why = "it is a view or a virtual table";
    if (why != NULL)
        return sq_fail(e, PARITY_INVALID, why, NULL, "table \"%.200s\" cannot be tracked", t->name);
    return SQLITE_OK;
}

/* Prepares one of each kind of write, so that triggers that SQLite would refuse then are an error now. */
static int try_writes(sq_live *l, sq_error *e)
{
    const char *schema = l->table.schema, *name = l->table.name;
    const char *column = NULL;
    sqlite3_stmt *stmt;
    sq_columninfo *columns;
    int n;

    SQ_TRY(sq_columns(l->db, l->a, &l->table, &columns, &n, e));
    for (int i = 0; i < n && column == NULL; i++)
        if (!columns[i].generated)
            column = columns[i].name;
    SQ_TRY(sq_prepare(l->db, &stmt, e, "INSERT INTO \"%w\".\"%w\" DEFAULT VALUES", schema, name));
    sqlite3_finalize(stmt);
    SQ_TRY(sq_prepare(l->db, &stmt, e, "UPDATE \"%w\".\"%w\" SET \"%w\" = NULL", schema, name, column));
    sqlite3_finalize(stmt);
    SQ_TRY(sq_prepare(l->db, &stmt, e, "DELETE FROM \"%w\".\"%w\"", schema, name));
    sqlite3_finalize(stmt);
    return SQLITE_OK;
}

/* Within the savepoint: makes everything, with nothing left of an older tracking. */
static int track(sq_live *l, sq_error *e)
{
    const char *schema = l->table.schema;
    sq_object objects[16], extra[SQ_LIVE_MAX_EXTRA];
    char digest[PARITY_DIGEST_TEXT_MAX];
    sqlite3_int64 id = 0;
    parity_tally *tally;
    sq_text no_filter = {NULL, 0};
    const sq_state *old;
    sq_state *states;
    sq_entry *entries;
    int n = 0, nextra;

    SQ_TRY(sq_live_entries(l->db, l->a, schema, &entries, e));
    SQ_TRY(sq_live_states(l->db, l->a, schema, entries, &states, e));
    old = sq_live_find(states, l->table.name);
    for (const sq_state *s = states; s != NULL; s = s->next)
        if (s->id > id)
            id = s->id;
    id = old != NULL ? old->id : id + 1;
    SQ_TRY(sq_spec(l->db, l->a, &l->table, &l->spec, e));
    SQ_TRY(sq_live_spec(l->a, &l->spec, l->table.name, &l->spec_text, e));
    SQ_TRY(sq_capture_of(l->db, l->a, &l->table, &l->spec, id, &l->capture, e));
    SQ_TRY(sq_live_objects(l->a, &l->capture, id, extra, &nextra, e));
    for (int i = 0; i < l->capture.nobjects; i++)
        objects[n++] = l->capture.objects[i];
    for (int i = 0; i < nextra; i++)
        objects[n++] = extra[i];
    SQ_TRY(remove_objects(l->db, schema, entries, id, objects, n, e));
    for (int i = 0; i < n; i++) {
        const sq_entry *there = sq_live_entry(entries, objects[i].name);

        if (there != NULL && strcmp(objects[i].type, "table") == 0 && sq_live_is_sql(there->sql, "TABLE", objects[i].sql))
            continue;
        SQ_TRY(sq_run(l->db, e, "CREATE %s \"%w\".%s", objects[i].type, schema, objects[i].sql));
    }
    if (l->capture.moves)
        SQ_TRY(sq_run(l->db, e, "INSERT INTO \"%w\"." SQ_LIVE "_mark_%lld(rowid, x) VALUES(%d, 0)", schema, id, SQ_LIVE_MARK));
    SQ_TRY(try_writes(l, e));
    tally = sq_new_tally(l->a, l->spec.ncolumns, 0);
    if (tally == NULL)
        return sq_nomem(e);
    SQ_TRY(sq_scan(l->db, &l->spec, no_filter, false, tally, e));
    SQ_TRY(sq_live_range(l, &l->lo, &l->hi, e));
    SQ_TRY(sq_live_version(l->db, schema, &l->version, e));
    parity_digest_print(&tally->digest, digest);
    return sq_run(l->db, e,
                  "INSERT OR REPLACE INTO \"%w\"." SQ_LIVE "(id, lo, hi, table_name, digest, schema_version, spec)"
                  " VALUES(%lld, %lld, %lld, %Q, %Q, %lld, %Q)",
                  schema, id, l->lo, l->hi, l->table.name, digest, l->version, l->spec_text);
}

/* Whether parity_live is there, as far as can be told before the savepoint. */
static int look(sqlite3 *db, parity_arena *a, const char *schema, bool *out, sq_error *e)
{
    sq_entry *entries;

    SQ_TRY(sq_live_entries(db, a, schema, &entries, e));
    return sq_live_exists(entries, schema, out, e);
}

void sq_fn_track(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sqlite3 *db = sqlite3_context_db_handle(ctx);
    bracket k = {NULL, NULL, NULL, false, false};
    bool exists;
    parity_arena a;
    sq_text name;
    sq_error e;
    sq_live l;
    int rc;

    (void)argc;
    memset(&l, 0, sizeof l);
    l.db = db;
    l.a = &a;
    parity_arena_init(&a, &sq_mem);
    sq_error_init(&e);
    rc = sq_text_required(argv[0], "the table name", &name, &e);
    if (rc == SQLITE_OK)
        rc = sq_find_table(db, &a, name, &l.table, &e);
    if (rc == SQLITE_OK)
        rc = check_trackable(db, &l.table, &e);
    if (rc == SQLITE_OK)
        rc = look(db, &a, l.table.schema, &exists, &e);
    if (rc == SQLITE_OK) {
        rc = begin(db, l.table.schema, exists, &k, &e);
        if (rc == SQLITE_OK)
            rc = track(&l, &e);
        rc = end(db, &k, rc, &e);
    }
    if (rc != SQLITE_OK)
        sq_result_error(ctx, &e);
    parity_arena_free(&a);
}

/* Finds a tracked table by its name, also one that was dropped: as table, or as schema.table. */
static int find_tracked(sqlite3 *db, parity_arena *a, sq_text arg, char **schema, sq_error *e)
{
    sqlite3_stmt *stmt;
    sq_table t;
    bool row;
    int rc = sq_find_table(db, a, arg, &t, e);

    if (rc == SQLITE_OK) {
        *schema = t.schema;
        return SQLITE_OK;
    }
    if (e->core.status != PARITY_NO_TABLE)
        return rc;
    /* the error stays, unless one is found */
    *schema = NULL;
    if (sq_prepare(db, &stmt, e, "PRAGMA database_list") != SQLITE_OK)
        return e->rc;
    for (;;) {
        sq_error inner;
        sq_entry *entries;
        sq_state *states;
        char *name;

        sq_error_init(&inner);
        rc = sq_step(db, stmt, &row, &inner);
        if (rc == SQLITE_OK && row)
            rc = sq_column_copy(a, stmt, 1, &name, &inner);
        if (rc == SQLITE_OK && row)
            rc = sq_live_entries(db, a, name, &entries, &inner);
        if (rc == SQLITE_OK && row)
            rc = sq_live_states(db, a, name, entries, &states, &inner);
        if (rc != SQLITE_OK) {
            sq_error_move(e, &inner);
            break;
        }
        if (!row)
            break;
        for (const sq_state *s = states; s != NULL && *schema == NULL; s = s->next) {
            char *full = sqlite3_mprintf("%s.%s", name, s->stored);

            if (full != NULL && (sqlite3_stricmp(arg.p, s->stored) == 0 || sqlite3_stricmp(arg.p, full) == 0))
                *schema = name;
            sqlite3_free(full);
        }
        if (*schema != NULL)
            break;
    }
    sqlite3_finalize(stmt);
    if (*schema == NULL)
        return e->rc;
    sq_error_free(e);
    return SQLITE_OK;
}

/* Within the savepoint. */
static int untrack(sqlite3 *db, parity_arena *a, char *schema, sq_text arg, sq_error *e)
{
    const sq_state *s;
    const char *name = arg.p;
    sq_state *states;
    sq_entry *entries;
    sq_error none;
    sq_table t;

    sq_error_init(&none);
    if (sq_find_table(db, a, arg, &t, &none) == SQLITE_OK)
        name = t.name;
    else if (none.core.status != PARITY_NO_TABLE)
        return sq_error_move(e, &none);
    sq_error_free(&none);
    SQ_TRY(sq_live_entries(db, a, schema, &entries, e));
    SQ_TRY(sq_live_states(db, a, schema, entries, &states, e));
    s = sq_live_find(states, name);
    if (s == NULL && sqlite3_strnicmp(name, schema, (int)strlen(schema)) == 0 && name[strlen(schema)] == '.')
        s = sq_live_find(states, name + strlen(schema) + 1);
    if (s == NULL)
        return sq_live_untracked(name, e);
    SQ_TRY(remove_objects(db, schema, entries, s->id, NULL, 0, e));
    if (states->next != NULL)
        return sq_run(db, e, "DELETE FROM \"%w\"." SQ_LIVE " WHERE id = %lld", schema, s->id);
    return sq_run(db, e, "DROP TABLE \"%w\"." SQ_LIVE, schema);
}

void sq_fn_untrack(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sqlite3 *db = sqlite3_context_db_handle(ctx);
    bracket k = {NULL, NULL, NULL, false, false};
    bool exists;
    parity_arena a;
    sq_text name;
    sq_error e;
    char *schema;
    int rc;

    (void)argc;
    parity_arena_init(&a, &sq_mem);
    sq_error_init(&e);
    rc = sq_text_required(argv[0], "the table name", &name, &e);
    if (rc == SQLITE_OK)
        rc = find_tracked(db, &a, name, &schema, &e);
    if (rc == SQLITE_OK)
        rc = look(db, &a, schema, &exists, &e);
    if (rc == SQLITE_OK && !exists)
        rc = sq_live_untracked(name.p, &e);
    if (rc == SQLITE_OK) {
        rc = begin(db, schema, exists, &k, &e);
        if (rc == SQLITE_OK)
            rc = untrack(db, &a, schema, name, &e);
        rc = end(db, &k, rc, &e);
    }
    if (rc != SQLITE_OK)
        sq_result_error(ctx, &e);
    parity_arena_free(&a);
}
