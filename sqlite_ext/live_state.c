/*
 * live_state.c - whether a live checksum is exact, and what it is
 */
#include <stdarg.h>
#include <string.h>

#include "live.h"

/* -------------------------------------------------------------- the aggregate parity_first */

/* Of the log rows of one key. */
typedef struct first {
    sqlite3_int64 seq;        /* the first one; 0: none yet */
    sqlite3_int64 announced;  /* the first with what 0 or 2; 0: none */
    sqlite3_int64 unforeseen; /* the first with what 3; 0: none */
    int what;                 /* of the first */
    bool strict;
} first;

/* parity_first(seq, what, strict): strict means that a key has to be announced. */
void sq_first_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    first *f = sqlite3_aggregate_context(ctx, sizeof *f);
    sqlite3_int64 seq = sqlite3_value_int64(argv[0]);
    int what = sqlite3_value_int(argv[1]);

    (void)argc;
    if (f == NULL) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    f->strict = sqlite3_value_int(argv[2]) != 0;
    if (f->seq == 0 || seq < f->seq) {
        f->seq = seq;
        f->what = what;
    }
    if ((what == 0 || what == 2) && (f->announced == 0 || seq < f->announced))
        f->announced = seq;
    if (what == 3 && (f->unforeseen == 0 || seq < f->unforeseen))
        f->unforeseen = seq;
}

/*
 * The first row's seq; -1 when it may not be what it says it is: a row came
 * unforeseen, and an AFTER trigger may have logged it as one that had been there,
 * or it may have put out another that was not logged.
 */
void sq_first_final(sqlite3_context *ctx)
{
    first *f = sqlite3_aggregate_context(ctx, 0);

    if (f == NULL)
        return;
    if (f->unforeseen != 0 && (f->announced == 0 || f->announced > f->unforeseen) && (f->strict || f->what != 3))
        sqlite3_result_int64(ctx, -1);
    else
        sqlite3_result_int64(ctx, f->seq);
}

/* -------------------------------------------------------------------------- reading */

const sq_entry *sq_live_entry(const sq_entry *list, const char *name)
{
    while (list != NULL && sqlite3_stricmp(list->name, name) != 0)
        list = list->next;
    return list;
}

int sq_live_entries(sqlite3 *db, parity_arena *a, const char *schema, sq_entry **out, sq_error *e)
{
    sqlite3_stmt *stmt;
    bool row;
    int rc;

    *out = NULL;
    SQ_TRY(sq_prepare(db, &stmt, e, "SELECT m.name, m.type, m.tbl_name, m.sql, m.rowid FROM \"%w\".sqlite_master m",
                      schema));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        sq_entry *n;

        if (name == NULL && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
            rc = sq_nomem(e);
        if (rc != SQLITE_OK)
            break;
        if (name == NULL || sqlite3_strnicmp(name, SQ_LIVE, sizeof SQ_LIVE - 1) != 0)
            continue;
        n = parity_arena_alloc(a, sizeof *n);
        rc = n == NULL ? sq_nomem(e) : sq_column_copy(a, stmt, 0, &n->name, e);
        if (rc == SQLITE_OK)
            rc = sq_column_copy(a, stmt, 1, &n->type, e);
        if (rc == SQLITE_OK)
            rc = sq_column_copy(a, stmt, 2, &n->table, e);
        if (rc == SQLITE_OK)
            rc = sq_column_copy(a, stmt, 3, &n->sql, e);
        if (rc != SQLITE_OK)
            break;
        n->at = sqlite3_column_int64(stmt, 4);
        if (n->type == NULL || n->table == NULL || n->sql == NULL)
            continue;
        n->next = *out;
        *out = n;
    }
    sqlite3_finalize(stmt);
    return rc;
}

bool sq_live_is_sql(const char *sql, const char *type, const char *text)
{
    size_t n = strlen(type);

    return sqlite3_strnicmp(sql, "CREATE ", 7) == 0 && sqlite3_strnicmp(sql + 7, type, (int)n) == 0 &&
           sql[7 + n] == ' ' && strcmp(sql + 8 + n, text) == 0;
}

int sq_live_exists(const sq_entry *entries, const char *schema, bool *out, sq_error *e)
{
    const sq_entry *found = sq_live_entry(entries, SQ_LIVE);

    *out = found != NULL;
    if (found == NULL || (strcmp(found->type, "table") == 0 && sq_live_is_sql(found->sql, "TABLE", SQ_LIVE_STATE)))
        return SQLITE_OK;
    return sq_fail(e, PARITY_INVALID, "it is not the table that parity_track makes", "rename what has this name",
                   "%s." SQ_LIVE " is not parity's", schema);
}

/* The table that the triggers of table id are on, or NULL. */
static char *followed(const sq_entry *entries, sqlite3_int64 id)
{
    static const char *const suffixes[] = {"insert", "update", "delete"};
    char name[64];

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const sq_entry *found;

        sqlite3_snprintf(sizeof name, name, SQ_LIVE "_%lld_%s", id, suffixes[i]);
        found = sq_live_entry(entries, name);
        if (found != NULL && strcmp(found->type, "trigger") == 0)
            return found->table;
    }
    return NULL;
}

int sq_live_states(sqlite3 *db, parity_arena *a, const char *schema, const sq_entry *entries, sq_state **out,
                       sq_error *e)
{
    sqlite3_stmt *stmt;
    bool row;
    int rc;

    *out = NULL;
    SQ_TRY(sq_live_exists(entries, schema, &row, e));
    if (!row)
        return SQLITE_OK;
    SQ_TRY(sq_prepare(db, &stmt, e,
                      "SELECT l.id, l.lo, l.hi, l.schema_version, l.table_name, l.digest, l.stale_since, l.reason, l.spec"
                      " FROM \"%w\"." SQ_LIVE " l ORDER BY l.id",
                      schema));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        sq_state *s = parity_arena_alloc(a, sizeof *s);
        char **texts[5];

        if (s == NULL) {
            rc = sq_nomem(e);
            break;
        }
        s->id = sqlite3_column_int64(stmt, 0);
        s->lo = sqlite3_column_int64(stmt, 1);
        s->hi = sqlite3_column_int64(stmt, 2);
        s->version = sqlite3_column_int64(stmt, 3);
        texts[0] = &s->stored;
        texts[1] = &s->digest;
        texts[2] = &s->stale_since;
        texts[3] = &s->reason;
        texts[4] = &s->spec;
        for (int i = 0; i < 5 && rc == SQLITE_OK; i++)
            rc = sq_column_copy(a, stmt, 4 + i, texts[i], e);
        if (rc != SQLITE_OK)
            break;
        s->followed = followed(entries, s->id);
        *out = s;
        out = &s->next;
    }
    sqlite3_finalize(stmt);
    return rc;
}

static const char *name_of(const sq_state *s)
{
    return s->followed != NULL ? s->followed : s->stored;
}

const sq_state *sq_live_find(const sq_state *list, const char *name)
{
    for (const sq_state *s = list; s != NULL; s = s->next)
        if (s->followed != NULL && sqlite3_stricmp(s->followed, name) == 0)
            return s;
    for (const sq_state *s = list; s != NULL; s = s->next)
        if (s->followed == NULL && sqlite3_stricmp(s->stored, name) == 0)
            return s;
    return NULL;
}

/* The one number that a PRAGMA or a query gives; *found is false when there is no row. */
static int read_number(sqlite3 *db, sqlite3_stmt *stmt, sqlite3_int64 *out, bool *found, sq_error *e)
{
    int rc = sq_step(db, stmt, found, e);

    if (rc == SQLITE_OK && *found)
        *out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rc;
}

int sq_live_version(sqlite3 *db, const char *schema, sqlite3_int64 *out, sq_error *e)
{
    sqlite3_stmt *stmt;
    bool found;

    *out = 0;
    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".schema_version", schema));
    return read_number(db, stmt, out, &found, e);
}

int sq_live_range(sq_live *l, sqlite3_int64 *lo, sqlite3_int64 *hi, sq_error *e)
{
    const char *key = l->capture.keys[0];
    sqlite3_stmt *stmt;
    bool found;

    *lo = 1;
    *hi = 0;
    if (!l->capture.rowid)
        return SQLITE_OK;
    SQ_TRY(sq_prepare(l->db, &stmt, e, "SELECT t.\"%w\" FROM \"%w\".\"%w\" t ORDER BY t.\"%w\" LIMIT 1", key,
                      l->table.schema, l->table.name, key));
    SQ_TRY(read_number(l->db, stmt, lo, &found, e));
    SQ_TRY(sq_prepare(l->db, &stmt, e, "SELECT t.\"%w\" FROM \"%w\".\"%w\" t ORDER BY t.\"%w\" DESC LIMIT 1", key,
                      l->table.schema, l->table.name, key));
    return read_number(l->db, stmt, hi, &found, e);
}

int sq_live_count(sqlite3 *db, sqlite3_stmt *stmt, sqlite3_int64 *out, sq_error *e)
{
    bool row = true;
    int rc = SQLITE_OK;

    *out = -1;
    while (rc == SQLITE_OK && row) {
        rc = sq_step(db, stmt, &row, e);
        ++*out;
    }
    sqlite3_finalize(stmt);
    return rc;
}

int sq_live_spec(parity_arena *a, const parity_spec *spec, const char *name, char **out, sq_error *e)
{
    parity_spec copy = *spec;
    parity_buf b;
    int rc;

    copy.schema = NULL;
    copy.table = (char *)name;
    parity_buf_init(&b, &sq_mem);
    rc = sq_core(e, parity_spec_print(&b, &copy));
    if (rc == SQLITE_OK && (*out = parity_arena_copy(a, (const char *)b.data, b.len)) == NULL)
        rc = sq_nomem(e);
    parity_buf_free(&b);
    return rc;
}

/* -------------------------------------------------------------------------- objects */

/* Appends an object whose SQL begins with its name. */
static int add_object(parity_arena *a, sq_object *o, const char *type, char *name, char *sql, sq_error *e)
{
    o->type = type;
    o->name = name != NULL ? parity_arena_copy(a, name, strlen(name)) : NULL;
    o->sql = sql != NULL ? parity_arena_copy(a, sql, strlen(sql)) : NULL;
    sqlite3_free(name);
    sqlite3_free(sql);
    return o->name == NULL || o->sql == NULL ? sq_nomem(e) : SQLITE_OK;
}

int sq_live_objects(parity_arena *a, const sq_capture *c, sqlite3_int64 id, sq_object *out, int *n, sq_error *e)
{
    char *name, *sql;

    *n = 0;
    if (c->moves)
        SQ_TRY(add_object(a, &out[(*n)++], "table", sqlite3_mprintf(SQ_LIVE "_mark_%lld", id),
                          sqlite3_mprintf("\"" SQ_LIVE "_mark_%lld\"(x%s)", id, c->indexed ? " UNIQUE" : ""), e));
    name = sqlite3_mprintf(SQ_LIVE "_%lld_fold", id);
    if (c->moves)
        sql = sqlite3_mprintf("\"" SQ_LIVE "_%lld_fold\" AFTER UPDATE OF digest ON \"" SQ_LIVE "\" WHEN NEW.id = %lld BEGIN"
                              " DELETE FROM \"%w\"; UPDATE \"" SQ_LIVE "_mark_%lld\" SET rowid = %d WHERE rowid <> %d; END",
                              id, id, c->log, id, SQ_LIVE_MARK, SQ_LIVE_MARK);
    else
        sql = sqlite3_mprintf("\"" SQ_LIVE "_%lld_fold\" AFTER UPDATE OF digest ON \"" SQ_LIVE "\" WHEN NEW.id = %lld BEGIN"
                              " DELETE FROM \"%w\"; END",
                              id, id, c->log);
    SQ_TRY(add_object(a, &out[(*n)++], "trigger", name, sql, e));
    return add_object(a, &out[(*n)++], "view", sqlite3_mprintf(SQ_LIVE "_sentinel_%lld", id),
                      sqlite3_mprintf("\"" SQ_LIVE "_sentinel_%lld\" AS SELECT %lld AS id", id, id), e);
}

/* ----------------------------------------------------------------------- the verdict */

/* Notes that the checksum is not exact. */
static int doubt(sq_live *l, sq_error *e, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = sqlite3_vmprintf(format, args);
    va_end(args);
    l->reason = text != NULL ? parity_arena_copy(l->a, text, strlen(text)) : NULL;
    sqlite3_free(text);
    l->status = parity_arena_copy(l->a, "recheck needed", 14);
    return l->reason == NULL || l->status == NULL ? sq_nomem(e) : SQLITE_OK;
}

/* Turns an error of the table's (not one of memory, I/O, an interrupt) into a doubt. */
static int doubt_error(sq_live *l, sq_error *e)
{
    char words[sizeof e->core.message];

    if (e->rc != SQLITE_ERROR || e->core.message[0] == '\0')
        return e->rc;
    memcpy(words, e->core.message, sizeof words);
    sq_error_free(e);
    return doubt(l, e, "%s", words);
}

static int check_object(sq_live *l, const sq_object *o, const sq_entry *sentinel, sq_error *e)
{
    const sq_entry *found = sq_live_entry(l->entries, o->name);

    if (found == NULL)
        return doubt(l, e, "the %s %s was removed", o->type, o->name);
    if (strcmp(found->type, o->type) != 0 || !sq_live_is_sql(found->sql, o->type, o->sql))
        return doubt(l, e, "the %s %s was changed, or the table's columns or unique keys were", o->type, o->name);
    if (sentinel != NULL && found->at > sentinel->at)
        return doubt(l, e, "the %s %s was removed and made again", o->type, o->name);
    return SQLITE_OK;
}

/* Whether all that the table needs now is there and untouched. */
static int check_objects(sq_live *l, sq_error *e)
{
    sq_object extra[SQ_LIVE_MAX_EXTRA];
    const sq_entry *sentinel;
    int n;

    SQ_TRY(sq_live_objects(l->a, &l->capture, l->state->id, extra, &n, e));
    sentinel = sq_live_entry(l->entries, extra[n - 1].name);
    for (int i = 0; i < l->capture.nobjects && l->status == NULL; i++)
        SQ_TRY(check_object(l, &l->capture.objects[i], sentinel, e));
    for (int i = 0; i < n && l->status == NULL; i++)
        SQ_TRY(check_object(l, &extra[i], sentinel, e));
    return SQLITE_OK;
}

/* Whether rows may have got other rowids. */
static int has_moved(sq_live *l, bool *out, sq_error *e)
{
    sqlite3_stmt *stmt;
    sqlite3_int64 at = 0;
    bool found;

    *out = false;
    if (!l->capture.moves)
        return SQLITE_OK;
    SQ_TRY(sq_prepare(l->db, &stmt, e, "SELECT m.rowid FROM \"%w\"." SQ_LIVE "_mark_%lld m", l->table.schema,
                      l->state->id));
    SQ_TRY(read_number(l->db, stmt, &at, &found, e));
    *out = at != SQ_LIVE_MARK;
    return SQLITE_OK;
}

/* Digests a table under a spec with a filter, which is freed and may be NULL: no memory. */
static int digest_of(sq_live *l, const parity_spec *spec, char *filter, parity_digest *out, sq_error *e)
{
    sq_text text = {filter, filter != NULL ? strlen(filter) : 0};
    parity_tally *tally = sq_new_tally(l->a, spec->ncolumns, 0);
    int rc = tally == NULL || filter == NULL ? sq_nomem(e) : sq_scan(l->db, spec, text, false, tally, e);

    sqlite3_free(filter);
    if (rc == SQLITE_OK)
        *out = tally->digest;
    return rc;
}

/* The log rows of the keys that count, as what stands behind FROM. */
static char *counted(const sq_live *l)
{
    if (l->capture.rowid)
        return sqlite3_mprintf("\"%w\".\"%w\" l WHERE l.what < 4 AND l.k1 BETWEEN %lld AND %lld", l->table.schema,
                               l->capture.log, l->state->lo, l->state->hi);
    return sqlite3_mprintf("\"%w\".\"%w\" l WHERE l.what < 4", l->table.schema, l->capture.log);
}

/* "SELECT parity_first(…) AS seq FROM … GROUP BY the key" */
static char *first_rows(const sq_live *l)
{
    char *from = counted(l), *out;
    sqlite3_str *s = sqlite3_str_new(l->db);

    sqlite3_str_appendf(s, "SELECT " SQ_FIRST "(l.seq, l.what, %d) AS seq FROM %s GROUP BY l.k1", l->capture.strict,
                        from != NULL ? from : "");
    for (int i = 1; i < l->capture.nkeys; i++)
        sqlite3_str_appendf(s, ", l.k%d", i + 1);
    out = sqlite3_str_finish(s);
    if (from == NULL) {
        sqlite3_free(out);
        out = NULL;
    }
    sqlite3_free(from);
    return out;
}

/* Whether a query gives a row; sql is freed and may be NULL: no memory. */
static int any_row(sq_live *l, char *sql, bool *out, sq_error *e)
{
    sqlite3_stmt *stmt;
    int rc;

    *out = false;
    SQ_TRY(sq_prepare_text(l->db, sql, &stmt, e));
    rc = sq_step(l->db, stmt, out, e);
    sqlite3_finalize(stmt);
    return rc;
}

/* Looks for log rows that say that the log does not tell all. */
static int check_log(sq_live *l, sq_error *e)
{
    char *rows;
    bool found;

    SQ_TRY(any_row(l,
                   sqlite3_mprintf("SELECT 1 FROM \"%w\".\"%w\" l WHERE l.what = 4 LIMIT 1", l->table.schema, l->capture.log),
                   &found, e));
    if (found)
        return doubt(l, e, "a row got another unique key than could be foreseen");
    SQ_TRY(any_row(l,
                   sqlite3_mprintf("SELECT 1 FROM \"%w\".\"%w\" l WHERE l.what = 3 LIMIT 1", l->table.schema, l->capture.log),
                   &found, e));
    if (!found)
        return SQLITE_OK;
    rows = first_rows(l);
    if (rows == NULL)
        return sq_nomem(e);
    SQ_TRY(any_row(l, sqlite3_mprintf("SELECT 1 FROM (%z) f WHERE f.seq < 0 LIMIT 1", rows), &found, e));
    if (found)
        return doubt(l, e, "a row came under a key that could not be foreseen");
    return SQLITE_OK;
}

/* The collation that a column was declared with. */
static const char *column_collation(const sq_live *l, const char *name)
{
    const char *collation = NULL;

    if (sqlite3_table_column_metadata(l->db, l->table.schema, l->table.name, name, NULL, &collation, NULL, NULL, NULL) !=
        SQLITE_OK)
        return NULL;
    return collation;
}

/* The condition that a row's key is in the log. */
static char *in_log(const sq_live *l)
{
    const sq_capture *c = &l->capture;
    sqlite3_str *s = sqlite3_str_new(l->db);
    char *from = counted(l), *out;

    sqlite3_str_appendall(s, "(");
    for (int i = 0; i < c->nkeys; i++) {
        const char *collation = c->rowid ? NULL : column_collation(l, c->keys[i]);

        sqlite3_str_appendf(s, "%s\"%w\".\"%w\"", i > 0 ? ", " : "", l->table.name, c->keys[i]);
        /* only where it must be told: SQLite then goes through the whole table */
        if (!c->rowid && (collation == NULL || sqlite3_stricmp(collation, c->collations[i]) != 0))
            sqlite3_str_appendf(s, " COLLATE \"%w\"", c->collations[i]);
    }
    sqlite3_str_appendall(s, ") IN (SELECT l.k1");
    for (int i = 1; i < c->nkeys; i++)
        sqlite3_str_appendf(s, ", l.k%d", i + 1);
    sqlite3_str_appendf(s, " FROM %s)", from != NULL ? from : "");
    out = sqlite3_str_finish(s);
    if (from == NULL) {
        sqlite3_free(out);
        out = NULL;
    }
    sqlite3_free(from);
    return out;
}

/* Adds what the log says to l->digest. */
static int add_log(sq_live *l, sq_error *e)
{
    const sq_capture *c = &l->capture;
    parity_digest before, now;
    parity_spec images;
    char *rows;

    SQ_TRY(check_log(l, e));
    if (l->status != NULL)
        return SQLITE_OK;
    memset(&images, 0, sizeof images);
    images.schema = l->table.schema;
    images.table = c->log;
    images.ncolumns = l->spec.ncolumns;
    images.columns = parity_arena_alloc(l->a, (size_t)images.ncolumns * sizeof *images.columns);
    if (images.columns == NULL)
        return sq_nomem(e);
    for (int i = 0; i < images.ncolumns; i++) {
        char name[16];

        sqlite3_snprintf(sizeof name, name, "v%d", i + 1);
        images.columns[i].kind = l->spec.columns[i].kind;
        images.columns[i].name = parity_arena_copy(l->a, name, strlen(name));
        if (images.columns[i].name == NULL)
            return sq_nomem(e);
    }
    rows = first_rows(l);
    if (rows == NULL)
        return sq_nomem(e);
    SQ_TRY(digest_of(l, &images,
                     sqlite3_mprintf("\"%w\".\"what\" IN (1, 2) AND \"%w\".\"seq\" IN (%z)", c->log, c->log, rows), &before,
                     e));
    SQ_TRY(digest_of(l, &l->spec, in_log(l), &now, e));
    SQ_TRY(sq_core(e, parity_digest_merge(&l->digest, &now, &e->core)));
    if (before.rows > l->digest.rows)
        return doubt(l, e, "the log has more rows than the table had");
    return sq_core(e, parity_digest_subtract(&l->digest, &before, &e->core));
}

/* Adds the rows with rowids that the table did not have. */
static int add_new(sq_live *l, sq_error *e)
{
    const char *t = l->table.name, *key = l->capture.keys[0];
    parity_digest after, before;

    SQ_TRY(digest_of(l, &l->spec, sqlite3_mprintf("\"%w\".\"%w\" > %lld", t, key, l->state->hi), &after, e));
    SQ_TRY(sq_core(e, parity_digest_merge(&l->digest, &after, &e->core)));
    l->changes += (sqlite3_int64)after.rows;
    /* an empty table has lo 1 and hi 0 */
    SQ_TRY(digest_of(l, &l->spec, sqlite3_mprintf("\"%w\".\"%w\" < %lld", t, key, l->state->lo), &before, e));
    l->changes += (sqlite3_int64)before.rows;
    return sq_core(e, parity_digest_merge(&l->digest, &before, &e->core));
}

/* Sees to it that as many rows are there as the digest has. */
static int check_count(sq_live *l, const char *reason, sq_error *e)
{
    sqlite3_stmt *stmt;
    sqlite3_int64 n;

    SQ_TRY(sq_prepare(l->db, &stmt, e, "SELECT 1 FROM \"%w\".\"%w\"", l->table.schema, l->table.name));
    SQ_TRY(sq_live_count(l->db, stmt, &n, e));
    return (uint64_t)n == l->digest.rows ? SQLITE_OK : doubt(l, e, "%s", reason);
}

/* Reads the log and the table, once the objects are found to be right. */
static int compute(sq_live *l, sq_error *e)
{
    static const char moved_reason[] = "rows may have got other rowids (VACUUM, or a dump that was read back) while"
                                       " changes waited in the log";
    const sq_state *s = l->state;
    sqlite3_stmt *stmt;
    bool moved;

    SQ_TRY(sq_core(e, parity_digest_parse(s->digest, strlen(s->digest), &l->digest, &e->core)));
    SQ_TRY(sq_live_version(l->db, l->table.schema, &l->version, e));
    SQ_TRY(has_moved(l, &moved, e));
    SQ_TRY(sq_prepare(l->db, &stmt, e, "SELECT 1 FROM \"%w\".\"%w\"", l->table.schema, l->capture.log));
    SQ_TRY(sq_live_count(l->db, stmt, &l->changes, e));
    if (moved && l->changes > 0)
        return doubt(l, e, "%s", moved_reason);
    if (moved) {
        SQ_TRY(check_count(l, moved_reason, e));
    } else {
        if (l->changes > 0)
            SQ_TRY(add_log(l, e));
        if (l->status == NULL && l->capture.rowid)
            SQ_TRY(add_new(l, e));
        if (l->status == NULL && l->version != s->version)
            SQ_TRY(check_count(l, "the schema was changed, and the number of rows is not what the log says", e));
    }
    if (l->status != NULL)
        return SQLITE_OK;
    l->dirty = moved || l->changes > 0 || l->version != s->version || strcmp(name_of(s), s->stored) != 0;
    return l->dirty ? sq_live_range(l, &l->lo, &l->hi, e) : SQLITE_OK;
}

int sq_live_examine(sqlite3 *db, parity_arena *a, char *schema, const sq_entry *entries, const sq_state *s, sq_live *l,
                   sq_error *e)
{
    sq_storage storage;
    const char *name = name_of(s);

    memset(l, 0, sizeof *l);
    l->db = db;
    l->a = a;
    l->entries = entries;
    l->state = s;
    SQ_TRY(sq_find_table_in(db, a, schema, name, &l->table, e));
    if (l->table.name == NULL) {
        l->table.name = (char *)name;
        return doubt(l, e, "the table was dropped");
    }
    if (s->stale_since != NULL) {
        char *text = sqlite3_mprintf("stale since %s", s->stale_since);

        l->status = text != NULL ? parity_arena_copy(a, text, strlen(text)) : NULL;
        sqlite3_free(text);
        l->reason = s->reason;
        return l->status == NULL ? sq_nomem(e) : SQLITE_OK;
    }
    SQ_TRY(sq_storage_of(db, &l->table, &storage, e));
    if (!storage.ordinary)
        return doubt(l, e, "it is no table any more");
    if (sq_spec(db, a, &l->table, &l->spec, e) != SQLITE_OK)
        return doubt_error(l, e);
    SQ_TRY(sq_live_spec(a, &l->spec, s->stored, &l->spec_text, e));
    if (strcmp(l->spec_text, s->spec) != 0)
        return doubt(l, e, "the table's columns or their kinds were changed");
    if (sq_capture_of(db, a, &l->table, &l->spec, s->id, &l->capture, e) != SQLITE_OK)
        return doubt_error(l, e);
    SQ_TRY(check_objects(l, e));
    if (l->status != NULL)
        return SQLITE_OK;
    return compute(l, e);
}

/* -------------------------------------------------------------------------- writing */

/*
 * Whether parity_live may be written now: not while a statement that writes is
 * under way, which may have logged a row (and called a function of the
 * application's, which has come here) and not yet have changed it.
 */
static bool may_write(const sq_live *l)
{
    if (sqlite3_db_readonly(l->db, l->table.schema) != 0)
        return false;
    for (sqlite3_stmt *s = sqlite3_next_stmt(l->db, NULL); s != NULL; s = sqlite3_next_stmt(l->db, s))
        if (sqlite3_stmt_busy(s) && !sqlite3_stmt_readonly(s))
            return false;
    return sqlite3_get_autocommit(l->db) || sqlite3_txn_state(l->db, l->table.schema) == SQLITE_TXN_WRITE;
}

/* Lets pass that the database cannot be written, now or at all. */
static int forgive(sq_error *e)
{
    switch (e->rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        sq_error_free(e);
        return SQLITE_OK;
    default:
        return e->rc;
    }
}

int sq_live_fold(sq_live *l, sq_error *e)
{
    char digest[PARITY_DIGEST_TEXT_MAX];

    if (!l->dirty || !may_write(l))
        return SQLITE_OK;
    parity_digest_print(&l->digest, digest);
    SQ_TRY(sq_live_spec(l->a, &l->spec, l->table.name, &l->spec_text, e));
    if (sq_run(l->db, e,
               "UPDATE \"%w\"." SQ_LIVE " SET lo = %lld, hi = %lld, table_name = %Q, digest = %Q, schema_version = %lld,"
               " spec = %Q WHERE id = %lld",
               l->table.schema, l->lo, l->hi, l->table.name, digest, l->version, l->spec_text, l->state->id) != SQLITE_OK)
        return forgive(e);
    return SQLITE_OK;
}

int sq_live_stale(sq_live *l, sq_error *e)
{
    char now[32];

    if (!may_write(l))
        return SQLITE_OK;
    sq_now(now);
    if (sq_run(l->db, e, "UPDATE \"%w\"." SQ_LIVE " SET stale_since = %Q, reason = %Q WHERE id = %lld", l->table.schema,
               now, "parity_live_verify found another digest", l->state->id) != SQLITE_OK)
        return forgive(e);
    return SQLITE_OK;
}

