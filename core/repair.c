/*
 * repair.c - the guarded statements that make local rows equal to remote ones
 *
 * Nothing is run here.  What is printed is one transaction: deletes (tables
 * that refer to others first), updates, inserts (referenced tables first; see
 * order.c), a report of how many took effect, COMMIT.
 *
 * A statement finds its row by the key, for an index, and takes effect only if
 * the row is still the one that was seen: row_hash over all its columns is the
 * guard.  An insert takes effect only if there is still no row of that key.
 * Rows that no guard can tell apart (duplicates in a table without a key) go by
 * number: the statement takes one of them, and only if there are still as many
 * as were seen.  So a repair can be run late, or twice, and does nothing wrong.
 */
#include <inttypes.h>
#include <string.h>

#include "repairs.h"

/* ---------------------------------------------------------------------- pieces */

static parity_status put_name(parity_buf *b, const char *name)
{
    PARITY_TRY(parity_buf_puts(b, "\""));
    for (; *name != '\0'; name++) {
        if (*name == '"')
            PARITY_TRY(parity_buf_puts(b, "\""));
        PARITY_TRY(parity_buf_put(b, name, 1));
    }
    return parity_buf_puts(b, "\"");
}

static parity_status put_table(parity_buf *b, const parity_job *j)
{
    if (j->c.local.schema != NULL) {
        PARITY_TRY(put_name(b, j->c.local.schema));
        PARITY_TRY(parity_buf_puts(b, "."));
    }
    return put_name(b, j->c.local.name);
}

static parity_status put_equal(parity_repairs *r, parity_buf *b)
{
    return parity_buf_puts(b, r->strict ? " OPERATOR(pg_catalog.=) " : " = ");
}

static parity_status put_hash_literal(parity_repairs *r, parity_buf *b, parity_hash hash)
{
    unsigned char bytes[16];

    parity_hash_store(hash, bytes);
    PARITY_TRY(parity_buf_puts(b, r->strict ? "pg_catalog.decode('" : "x'"));
    for (int i = 0; i < 16; i++)
        PARITY_TRY(parity_buf_printf(b, "%02x", bytes[i]));
    return parity_buf_puts(b, r->strict ? "', 'hex')" : "'");
}

static const parity_local_column *find_local(const parity_job *j, const char *name)
{
    for (int l = 0; l < j->c.local.ncolumns; l++)
        if (strcmp(j->c.local.columns[l].name, name) == 0)
            return &j->c.local.columns[l];
    return NULL;
}

/* `row_hash(columns from first to before last of spec)`, of those for which pick is true (NULL: all). */
static parity_status put_row_hash(parity_repairs *r, parity_buf *b, const parity_job *j, const parity_spec *spec,
                                  int first, int last, const bool *pick)
{
    const char *comma = "";

    PARITY_TRY(parity_buf_puts(b, r->strict ? "parity.row_hash(" : "parity_row_hash('"));
    for (int i = first; i < last && !r->strict; i++) {
        char kind[PARITY_KIND_TEXT_MAX];

        if (pick != NULL && !pick[i])
            continue;
        parity_kind_print(&spec->columns[i].kind, kind);
        PARITY_TRY(parity_buf_printf(b, "%s%s", comma, kind));
        comma = ", ";
    }
    if (!r->strict)
        PARITY_TRY(parity_buf_puts(b, "', "));
    comma = "";
    for (int i = first; i < last; i++) {
        const parity_local_column *column = find_local(j, spec->columns[i].name);
        bool composite = column != NULL && column->store == PARITY_STORE_ROW;

        if (pick != NULL && !pick[i])
            continue;
        /* a composite would stand for its fields; to_json would run casts that anyone may have made */
        PARITY_TRY(parity_buf_printf(b, "%s%s", comma, composite ? "ARRAY[" : ""));
        PARITY_TRY(put_name(b, spec->columns[i].name));
        PARITY_TRY(parity_buf_puts(b, composite ? "]" : ""));
        comma = ", ";
    }
    return parity_buf_puts(b, ")");
}

/* `row_hash(…) = hash`, as many as it takes, joined by AND. */
static parity_status put_guards(parity_repairs *r, parity_buf *b, const parity_job *j, const parity_spec *spec,
                                const parity_hash *guards)
{
    for (int first = 0; first < spec->ncolumns; first += PARITY_GUARD_COLUMNS) {
        int last = first + PARITY_GUARD_COLUMNS < spec->ncolumns ? first + PARITY_GUARD_COLUMNS : spec->ncolumns;

        PARITY_TRY(parity_buf_puts(b, first > 0 ? " AND " : ""));
        PARITY_TRY(put_row_hash(r, b, j, spec, first, last, NULL));
        PARITY_TRY(put_equal(r, b));
        PARITY_TRY(put_hash_literal(r, b, guards[first / PARITY_GUARD_COLUMNS]));
    }
    return PARITY_OK;
}

static void make_target(const parity_job *j, int i, parity_target *out)
{
    const parity_local_column *l = parity_job_column(j, i);

    memset(out, 0, sizeof *out);
    out->schema = j->c.local.schema;
    out->table = j->c.local.name;
    out->column = l->name;
    out->strict = l->strict;
    out->kind = j->c.spec.columns[i].kind;
    out->natural = l->natural;
    out->store = l->store;
    out->type = l->type;
}

/* Appends the literal of column i of a row; *why as in parity_literal. */
static parity_status put_literal(parity_repairs *r, parity_buf *b, const parity_job *j, const parity_found *f, int i,
                                 const char **why)
{
    const parity_local_column *l = parity_job_column(j, i);
    parity_target target;
    size_t n, start = b->len;
    const unsigned char *frame = parity_found_frame(f, i, &n);
    bool ok = true;

    make_target(j, i, &target);
    PARITY_TRY(parity_literal(b, &r->scratch, &target, frame, n, why));
    if (*why != NULL || !l->limited || r->engine->accepts == NULL)
        return PARITY_OK;
    PARITY_TRY(r->engine->accepts(r->engine->ctx, target.schema, target.table, target.column,
                                  (const char *)b->data + start, b->len - start, &ok, NULL));
    if (!ok) {
        b->len = start;
        *why = "the column does not take it";
    }
    return PARITY_OK;
}

/* ------------------------------------------------------------------------- keys */

/*
 * Whether `column = literal` finds every row whose column i is framed like this
 * one's: the engine's own equality has to know all forms that are read alike.
 */
static bool is_plain(const parity_repairs *r, const parity_job *j, const parity_found *f, int i)
{
    const parity_local_column *l = parity_job_column(j, i);
    const parity_kind *kind = &j->c.spec.columns[i].kind;
    size_t n;
    int tag = parity_found_frame(f, i, &n)[0];

    if (tag == PARITY_TAG_NULL || tag == PARITY_TAG_BAD)
        return false;
    if (r->strict)
        return kind->id == l->natural.id && kind->id != PARITY_JSON && kind->id != PARITY_VECTOR &&
               (kind->id != PARITY_TEXT || l->is_text) &&
               (kind->options & (PARITY_OPT_FOLD | PARITY_OPT_ROUND)) == 0;
    if (tag == PARITY_TAG_INT && l->integer)
        return true;
    return tag == PARITY_TAG_TEXT && kind->id == PARITY_TEXT && l->store == PARITY_STORE_ANY_TEXT &&
           (kind->options & (PARITY_OPT_FOLD | PARITY_OPT_BLOB)) == 0;
}

/* The frame of a remote value as row_hash will read it here once it is stored; *ok is false where that is not known. */
static parity_status stored_frame(parity_repairs *r, parity_buf *b, const parity_job *j, const parity_found *f, int i,
                                  bool *ok)
{
    parity_target target;
    size_t n;
    const unsigned char *frame = parity_found_frame(f, i, &n);

    *ok = true;
    make_target(j, i, &target);
    if (!target.strict)
        return parity_buf_put(b, frame, n);
    r->part.len = 0;
    PARITY_TRY(parity_stored_frame(&r->part, &r->scratch, &target, frame, n, ok));
    return *ok ? parity_guard_frame(b, r->part.data, r->part.len, target.store == PARITY_STORE_ROW) : PARITY_OK;
}

/*
 * The hashes of a remote row as the local row_hash will give them once it is
 * stored: of all columns of the spec, a guard's number of them at a time; with
 * pick just one, of the columns picked.  *ok is false when that is not known.
 */
static parity_status future_hashes(parity_repairs *r, const parity_job *j, const parity_found *f, const bool *pick,
                                   parity_hash *out, bool *ok)
{
    int n = j->c.spec.ncolumns;

    *ok = true;
    r->frames.len = 0;
    for (int i = 0; i < n && *ok; i++) {
        if (pick == NULL || pick[i])
            PARITY_TRY(stored_frame(r, &r->frames, j, f, i, ok));
        if (i + 1 < n && (pick != NULL || (i + 1) % PARITY_GUARD_COLUMNS != 0))
            continue;
        *out++ = parity_hash_bytes(r->frames.data, r->frames.len, 0);
        r->frames.len = 0;
    }
    return PARITY_OK;
}

/* ------------------------------------------------------------------- conditions */

static bool is_self(const parity_job *j, const parity_reference *ref)
{
    return strcmp(ref->table, j->c.local.name) == 0 &&
           (ref->schema == NULL || j->c.local.schema == NULL || strcmp(ref->schema, j->c.local.schema) == 0);
}

/* `"id" = 5 AND `: what an index can find of the key.  *all tells whether that was every key column. */
static parity_status put_key(parity_repairs *r, parity_buf *b, const parity_job *j, const parity_found *f, bool *all)
{
    *all = j->keyed;
    for (int i = 0; i < j->c.spec.ncolumns; i++) {
        size_t start = b->len;
        const char *why = "";

        if (!j->key[i])
            continue;
        if (is_plain(r, j, f, i)) {
            PARITY_TRY(put_name(b, j->c.spec.columns[i].name));
            PARITY_TRY(put_equal(r, b));
            PARITY_TRY(put_literal(r, b, j, f, i, &why));
        }
        if (why == NULL) {
            PARITY_TRY(parity_buf_puts(b, " AND "));
        } else {
            b->len = start;
            *all = false;
        }
    }
    return PARITY_OK;
}

/*
 * The condition that finds a local row as it was seen, from condition on; where
 * others cannot be told from it, one of them and only if there are as many as
 * there should be.  *ok is false when they cannot be told apart at all.
 */
static parity_status put_where(parity_repairs *r, parity_buf *b, const parity_job *j, const parity_found *f, bool *ok)
{
    size_t start, n;
    char *condition;
    bool all;

    *ok = true;
    PARITY_TRY(parity_buf_puts(b, " WHERE "));
    start = b->len;
    PARITY_TRY(put_key(r, b, j, f, &all));
    PARITY_TRY(put_guards(r, b, j, &j->guard, f->guards));
    if ((j->keyed || j->own_key != NULL) && *f->copies == 1)
        return PARITY_OK;
    *ok = j->c.local.row_id != NULL;
    if (!*ok)
        return PARITY_OK;
    n = b->len - start;
    condition = parity_arena_copy(&r->arena, (const char *)b->data + start, n);
    if (condition == NULL)
        return PARITY_NOMEM;
    if (r->strict)
        PARITY_TRY(parity_buf_printf(b, " AND %s OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT %s FROM ", j->c.local.row_id,
                                     j->c.local.row_id));
    else
        PARITY_TRY(parity_buf_printf(b, " AND %s IN (SELECT %s FROM ", j->c.local.row_id, j->c.local.row_id));
    PARITY_TRY(put_table(b, j));
    PARITY_TRY(parity_buf_puts(b, " WHERE "));
    PARITY_TRY(parity_buf_put(b, condition, n));
    PARITY_TRY(parity_buf_printf(b, " LIMIT 1)%s AND (SELECT %s(*) FROM ", r->strict ? ")" : "",
                                 r->strict ? "pg_catalog.count" : "count"));
    PARITY_TRY(put_table(b, j));
    PARITY_TRY(parity_buf_puts(b, " WHERE "));
    PARITY_TRY(parity_buf_put(b, condition, n));
    PARITY_TRY(parity_buf_puts(b, ")"));
    PARITY_TRY(put_equal(r, b));
    PARITY_TRY(parity_buf_printf(b, "%" PRIu32, *f->copies));
    --*f->copies;
    return PARITY_OK;
}

/*
 * The condition under which a remote row is still missing: no row has its key;
 * or, where others may have it, as many rows are equal to it as were.  *ok is
 * false when neither can be told.
 */
static parity_status put_absent(parity_repairs *r, parity_buf *b, const parity_job *j, const parity_case *c, bool *ok)
{
    bool count = !j->keyed || c->shared, all;
    parity_hash *hashes = parity_arena_alloc(&r->arena, ((size_t)j->nguards + 1) * sizeof *hashes);

    if (hashes == NULL)
        return PARITY_NOMEM;
    PARITY_TRY(parity_buf_puts(b, " WHERE "));
    if (count)
        PARITY_TRY(parity_buf_printf(b, "(SELECT %s(*) FROM ", r->strict ? "pg_catalog.count" : "count"));
    else
        PARITY_TRY(parity_buf_puts(b, "NOT EXISTS (SELECT 1 FROM "));
    PARITY_TRY(put_table(b, j));
    PARITY_TRY(parity_buf_puts(b, " WHERE "));
    PARITY_TRY(put_key(r, b, j, c->remote, &all));
    *ok = true;
    if (count) {
        PARITY_TRY(future_hashes(r, j, c->remote, NULL, hashes, ok));
        PARITY_TRY(put_guards(r, b, j, &j->c.spec, hashes));
    } else if (all) {
        b->len -= strlen(" AND ");
    } else {
        PARITY_TRY(future_hashes(r, j, c->remote, j->key, hashes, ok));
        PARITY_TRY(put_row_hash(r, b, j, &j->c.spec, 0, j->c.spec.ncolumns, j->key));
        PARITY_TRY(put_equal(r, b));
        PARITY_TRY(put_hash_literal(r, b, hashes[0]));
    }
    PARITY_TRY(parity_buf_puts(b, ")"));
    if (count) {
        PARITY_TRY(put_equal(r, b));
        PARITY_TRY(parity_buf_printf(b, "%" PRIu32, (*c->copies)++));
    }
    return PARITY_OK;
}

/*
 * What has to hold for a row to be deleted: no row refers to it by a key that
 * would then be deleted or changed too.  The table's own rows are parity_row.
 */
static parity_status put_unreferenced(parity_repairs *r, parity_buf *b, const parity_job *j)
{
    for (int k = 0; k < j->nincoming; k++) {
        const parity_reference *ref = &j->incoming[k];
        bool self = is_self(j, ref);

        /* a row that refers to itself is no hindrance, as long as it can be told from others */
        if (!ref->acts || (self && (j->c.local.row_id == NULL || strchr(j->c.local.row_id, '(') != NULL)))
            continue;
        PARITY_TRY(parity_buf_puts(b, " AND NOT EXISTS (SELECT 1 FROM "));
        if (ref->schema != NULL) {
            PARITY_TRY(put_name(b, ref->schema));
            PARITY_TRY(parity_buf_puts(b, "."));
        }
        PARITY_TRY(put_name(b, ref->table));
        PARITY_TRY(parity_buf_puts(b, " AS parity_child WHERE "));
        for (int i = 0; i < ref->ncolumns; i++) {
            PARITY_TRY(parity_buf_puts(b, i > 0 ? " AND parity_child." : "parity_child."));
            PARITY_TRY(put_name(b, ref->columns[i]));
            PARITY_TRY(put_equal(r, b));
            PARITY_TRY(parity_buf_puts(b, "parity_row."));
            PARITY_TRY(put_name(b, ref->referenced[i]));
        }
        if (self)
            PARITY_TRY(parity_buf_printf(b, " AND parity_child.%s %s parity_row.%s", j->c.local.row_id,
                                         r->strict ? "OPERATOR(pg_catalog.<>)" : "<>", j->c.local.row_id));
        PARITY_TRY(parity_buf_puts(b, ")"));
    }
    return PARITY_OK;
}

/* ------------------------------------------------------------------- statements */

/* Makes r->text a comment: why a row is not repaired. */
static parity_status refuse(parity_repairs *r, const parity_job *j, const parity_case *c, int column, const char *why)
{
    const char *key;

    why = parity_arena_copy(&r->arena, why, strlen(why)); /* it may stand in scratch */
    if (why == NULL)
        return PARITY_NOMEM;
    PARITY_TRY(parity_case_key(r, j, c, &key));
    r->refused++;
    r->text.len = 0;
    PARITY_TRY(parity_buf_puts(&r->text, "-- not repaired: table "));
    PARITY_TRY(parity_json_string(&r->text, j->c.local.name));
    if (j->keyed && key != NULL) {
        PARITY_TRY(parity_buf_printf(&r->text, ", key %s", key));
    } else {
        char hash[17];

        parity_key_hash_text(parity_case_row(c)->key.key, hash);
        PARITY_TRY(parity_buf_printf(&r->text, ", key_hash %s", hash));
    }
    if (column >= 0) {
        PARITY_TRY(parity_buf_puts(&r->text, ", column "));
        PARITY_TRY(parity_json_string(&r->text, j->c.spec.columns[column].name));
    }
    return parity_buf_printf(&r->text, ": %s", why);
}

/* Ends a statement: what it did is counted. */
static parity_status finish(parity_repairs *r)
{
    if (!r->strict) {
        r->step = 1; /* the next row counts */
        return parity_buf_puts(&r->text, ";");
    }
    return parity_buf_puts(&r->text, " RETURNING 1) INSERT INTO pg_temp.parity_repaired SELECT pg_catalog.count(*) FROM "
                                     "done;");
}

static parity_status begin_statement(parity_repairs *r, const char *verb, const parity_job *j)
{
    r->text.len = 0;
    PARITY_TRY(parity_buf_printf(&r->text, "%s%s ", r->strict ? "WITH done AS (" : "", verb));
    return put_table(&r->text, j);
}

#define ROWID "an INTEGER PRIMARY KEY holds nothing but integers"

static bool fits_rowid(const parity_job *j, const parity_found *f, int i)
{
    size_t n;

    return !parity_job_column(j, i)->rowid || parity_found_frame(f, i, &n)[0] == PARITY_TAG_INT;
}

static parity_status put_delete(parity_repairs *r, const parity_job *j, const parity_case *c)
{
    bool ok;

    PARITY_TRY(begin_statement(r, "DELETE FROM", j));
    PARITY_TRY(parity_buf_puts(&r->text, " AS parity_row"));
    PARITY_TRY(put_where(r, &r->text, j, c->local, &ok));
    PARITY_TRY(put_unreferenced(r, &r->text, j));
    return ok ? finish(r) : refuse(r, j, c, -1, "equal rows cannot be told apart");
}

static parity_status put_update(parity_repairs *r, const parity_job *j, const parity_case *c)
{
    const char *why = NULL;
    int set = 0, generated = -1;
    bool ok;

    /* OR ABORT: a constraint of SQLite may say OR REPLACE, which would delete other rows */
    PARITY_TRY(begin_statement(r, r->strict ? "UPDATE" : "UPDATE OR ABORT", j));
    PARITY_TRY(parity_buf_puts(&r->text, " SET "));
    for (int i = 0; i < j->c.spec.ncolumns; i++) {
        const parity_local_column *l = parity_job_column(j, i);

        if (parity_found_equal(c->local, c->remote, i))
            continue;
        if (parity_comparison_weak(&j->c, i))
            return refuse(r, j, c, i, "its kinds on the two sides cannot be compared");
        if (l->generated || l->identity) {
            generated = i;
            if (l->identity)
                return refuse(r, j, c, i, "an identity column that is always generated cannot be set");
            continue;
        }
        if (!fits_rowid(j, c->remote, i))
            return refuse(r, j, c, i, ROWID);
        PARITY_TRY(parity_buf_puts(&r->text, set++ > 0 ? ", " : ""));
        PARITY_TRY(put_name(&r->text, l->name));
        PARITY_TRY(parity_buf_puts(&r->text, " = "));
        PARITY_TRY(put_literal(r, &r->text, j, c->remote, i, &why));
        if (why != NULL)
            return refuse(r, j, c, i, why);
    }
    if (set == 0)
        return refuse(r, j, c, generated, "the column is generated");
    PARITY_TRY(put_where(r, &r->text, j, c->local, &ok));
    return ok ? finish(r) : refuse(r, j, c, -1, "equal rows cannot be told apart");
}

static parity_status put_insert(parity_repairs *r, const parity_job *j, const parity_case *c)
{
    const char *comma = "", *why = NULL;
    bool ok = true;

    PARITY_TRY(begin_statement(r, r->strict ? "INSERT INTO" : "INSERT OR ABORT INTO", j));
    PARITY_TRY(parity_buf_puts(&r->text, " ("));
    for (int i = 0; i < j->c.spec.ncolumns; i++) {
        if (parity_job_column(j, i)->generated)
            continue;
        PARITY_TRY(parity_buf_puts(&r->text, comma));
        PARITY_TRY(put_name(&r->text, parity_job_column(j, i)->name));
        comma = ", ";
    }
    PARITY_TRY(parity_buf_puts(&r->text, r->strict ? ") OVERRIDING SYSTEM VALUE SELECT " : ") SELECT "));
    comma = "";
    for (int i = 0; i < j->c.spec.ncolumns; i++) {
        if (parity_job_column(j, i)->generated)
            continue;
        if (!fits_rowid(j, c->remote, i))
            return refuse(r, j, c, i, ROWID);
        PARITY_TRY(parity_buf_puts(&r->text, comma));
        PARITY_TRY(put_literal(r, &r->text, j, c->remote, i, &why));
        if (why != NULL)
            return refuse(r, j, c, i, why);
        comma = ", ";
    }
    PARITY_TRY(put_absent(r, &r->text, j, c, &ok));
    return ok ? finish(r) : refuse(r, j, c, -1, "it cannot be told whether the row is there");
}

/* --------------------------------------------------------------------- the whole */

/* What a value's text form means must not depend on the session; the rest is as the application has it. */
static const char *const begin_strict[] = {
    "BEGIN;",
    "SET LOCAL DateStyle = 'ISO, YMD';",
    "SET LOCAL IntervalStyle = postgres;",
    "SET LOCAL TimeZone = 'UTC';",
    "SET LOCAL lc_monetary = 'C';",
    "SET LOCAL row_security = off;",
    "SET CONSTRAINTS ALL DEFERRED;",
    "CREATE TEMP TABLE parity_repaired (effect pg_catalog.int8 NOT NULL) ON COMMIT DROP;",
    NULL,
};

static const char *const begin_sqlite[] = {
    "BEGIN IMMEDIATE;",
    "PRAGMA defer_foreign_keys = ON;",
    "DROP TABLE IF EXISTS temp.parity_repaired;",
    "CREATE TEMP TABLE parity_repaired(effect INTEGER NOT NULL);",
    "DELETE FROM temp.parity_repaired;",
    NULL,
};

/* The first line: what is to be done, and how to run it. */
static parity_status put_summary(parity_repairs *r)
{
    uint64_t n[3] = {0, 0, 0};

    for (int i = 0; i < r->njobs; i++)
        for (size_t c = 0; c < r->jobs[i].ncases; c++)
            n[r->jobs[i].cases[c].change]++;
    r->text.len = 0;
    return parity_buf_printf(&r->text,
                             "-- rows to delete: %" PRIu64 ", to update: %" PRIu64 ", to insert: %" PRIu64
                             "; run with %s, so that an error undoes all",
                             n[PARITY_C_ONLY_LOCAL], n[PARITY_C_CHANGED], n[PARITY_C_ONLY_REMOTE],
                             r->strict ? "psql -v ON_ERROR_STOP=1" : "sqlite3 -bail and the module parity loaded");
}

/* Whether equal rows could come in twice at the same moment: no key that is enforced here stands against it. */
static bool needs_lock(const parity_repairs *r, const parity_job *j)
{
    return r->strict && j->own_key == NULL && j->ncases > 0 && j->c.local.row_id != NULL;
}

/* The line at of the beginning: the summary, the fixed ones, locks.  *more is false behind the last. */
static parity_status put_begin(parity_repairs *r, size_t at, bool *more)
{
    const char *const *lines = r->strict ? begin_strict : begin_sqlite;
    size_t n = 0;

    *more = true;
    if (at == 0)
        return put_summary(r);
    r->text.len = 0;
    while (lines[n] != NULL)
        n++;
    if (at <= n)
        return parity_buf_puts(&r->text, lines[at - 1]);
    at -= n;
    for (int i = 0; i < r->njobs; i++) {
        if (!needs_lock(r, &r->jobs[i]) || --at > 0)
            continue;
        PARITY_TRY(parity_buf_puts(&r->text, "LOCK TABLE "));
        PARITY_TRY(put_table(&r->text, &r->jobs[i]));
        return parity_buf_puts(&r->text, " IN SHARE ROW EXCLUSIVE MODE;");
    }
    *more = false;
    return PARITY_OK;
}

static parity_status put_end(parity_repairs *r, int line, bool *more)
{
    const char *count = r->strict ? "pg_catalog.count" : "count", *schema = r->strict ? "pg_catalog." : "";
    const char *temp = r->strict ? "pg_temp" : "temp";

    *more = true;
    r->text.len = 0;
    if (line == 0) {
        PARITY_TRY(parity_buf_printf(&r->text, "SELECT %s(*) AS statements", count));
        for (int zero = 0; zero < 2; zero++) {
            PARITY_TRY(parity_buf_printf(&r->text, ", %s(*) FILTER (WHERE effect ", count));
            if (r->strict)
                PARITY_TRY(parity_buf_printf(&r->text, "OPERATOR(%s%s) 0", schema, zero ? "=" : ">"));
            else
                PARITY_TRY(parity_buf_printf(&r->text, "%s 0", zero ? "=" : ">"));
            PARITY_TRY(parity_buf_printf(&r->text, ") AS %s", zero ? "left_alone" : "took_effect"));
        }
        return parity_buf_printf(&r->text, ", %" PRIu64 " AS not_repaired FROM %s.parity_repaired;", r->refused, temp);
    }
    if (line == 1 && !r->strict)
        return parity_buf_puts(&r->text, "DROP TABLE temp.parity_repaired;");
    if (line == (r->strict ? 1 : 2))
        return parity_buf_puts(&r->text, "COMMIT;");
    *more = false;
    return PARITY_OK;
}

/* What is done in a phase. */
static const struct {
    parity_change change;
    bool apart;
} phases[] = {
    [PARITY_PHASE_DELETE] = {PARITY_C_ONLY_LOCAL, false},
    [PARITY_PHASE_INSERT_FIRST] = {PARITY_C_ONLY_REMOTE, true},
    [PARITY_PHASE_UPDATE] = {PARITY_C_CHANGED, false},
    [PARITY_PHASE_DELETE_LAST] = {PARITY_C_ONLY_LOCAL, true},
    [PARITY_PHASE_INSERT] = {PARITY_C_ONLY_REMOTE, false},
};

/* The next case of a phase, in order; NULL at its end. */
static parity_status next_case(parity_repairs *r, const parity_job **job, const parity_case **out)
{
    parity_change change = phases[r->phase].change;

    *out = NULL;
    while (r->job < r->njobs) {
        parity_job *j = &r->jobs[change == PARITY_C_ONLY_LOCAL ? r->njobs - 1 - r->job : r->job];

        if (r->order == NULL)
            PARITY_TRY(parity_order_cases(r, j, change, phases[r->phase].apart, &r->order, &r->norder));
        if (r->at < r->norder) {
            *job = j;
            *out = &j->cases[r->order[r->at++]];
            return PARITY_OK;
        }
        r->job++;
        r->at = 0;
        r->order = NULL;
    }
    return PARITY_OK;
}

/* SQLite's shell reads CR LF as LF, in names as well: the statement would be of another table or column. */
static bool names_are_plain(const parity_repairs *r, const parity_job *j)
{
    bool plain = r->strict || (strchr(j->c.local.name, '\r') == NULL &&
                               (j->c.local.schema == NULL || strchr(j->c.local.schema, '\r') == NULL));

    for (int l = 0; l < j->c.local.ncolumns && plain && !r->strict; l++)
        plain = strchr(j->c.local.columns[l].name, '\r') == NULL;
    return plain;
}

/* Puts the next line into r->text; *more is false at the end. */
static parity_status next_line(parity_repairs *r, bool *more)
{
    const parity_job *j;
    const parity_case *c;

    *more = true;
    if (r->phase == PARITY_PHASE_BEGIN) {
        size_t cases = 0;

        for (int i = 0; i < r->njobs; i++)
            cases += r->jobs[i].ncases;
        *more = cases > 0;
        if (*more && r->at == 0)
            PARITY_TRY(parity_order_begin(r));
        if (*more)
            PARITY_TRY(put_begin(r, r->at++, more));
        if (*more || cases == 0)
            return PARITY_OK;
        *more = true;
        r->phase++;
        r->at = 0;
    }
    if (r->step > 0) {
        bool count = r->step == 1;

        /* the second makes changes() 0, which a statement that fails leaves as it is */
        r->step = count ? 2 : 0;
        r->text.len = 0;
        return parity_buf_puts(&r->text, count ? "INSERT INTO temp.parity_repaired SELECT changes();"
                                               : "DELETE FROM temp.parity_repaired WHERE 0;");
    }
    while (r->phase < PARITY_PHASE_END) {
        PARITY_TRY(next_case(r, &j, &c));
        if (c != NULL && !names_are_plain(r, j))
            return refuse(r, j, c, -1, "a name holds a carriage return, which the shell would not keep");
        if (c != NULL)
            return c->change == PARITY_C_CHANGED      ? put_update(r, j, c)
                   : c->change == PARITY_C_ONLY_LOCAL ? put_delete(r, j, c)
                                                      : put_insert(r, j, c);
        r->phase++;
        r->job = 0;
        r->at = 0;
    }
    return put_end(r, (int)r->at++, more);
}

parity_status parity_repair_next(parity_repairs *r, const char **statement, parity_error *err)
{
    bool more;

    (void)err;
    *statement = NULL;
    PARITY_TRY(next_line(r, &more));
    if (!more)
        return PARITY_OK;
    PARITY_TRY(parity_buf_put(&r->text, "", 1));
    *statement = (const char *)r->text.data;
    return PARITY_OK;
}
