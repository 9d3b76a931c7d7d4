/*
 * spec.c - how a table is read: the inferred spec and the stored overrides
 *
 * A spec is inferred each time it is needed: every column that is not
 * generated, under the kind that its declared type suggests, with the primary
 * key as key.  Overrides are JSON as parity_spec_override reads it, a row a
 * table in
 *
 *   CREATE TABLE parity_override(table_name TEXT PRIMARY KEY COLLATE NOCASE,
 *                                overrides TEXT NOT NULL)
 *
 * of the same schema, made by the first parity_set_spec.  Whatever else goes by
 * that name (a view, a table of another shape, text that is not JSON) is an
 * error and not a table without overrides.
 */
#include <string.h>

#include "module.h"

/* A kind that no table has: marks a column whose kind no override named. */
#define NO_KIND 255

/* Whether the primary key has an index: a rowid alias is the one that has none. */
static int has_key_index(sqlite3 *db, const sq_table *t, bool *out, sq_error *e)
{
    sqlite3_stmt *stmt;
    bool row;
    int rc;

    *out = false;
    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".index_list(\"%w\")", t->schema, t->name));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        const char *origin = (const char *)sqlite3_column_text(stmt, 3);

        if (origin == NULL) {
            rc = sq_nomem(e);
            break;
        }
        *out |= strcmp(origin, "pk") == 0;
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* Whether the engine keeps the primary key distinct and not NULL: a rowid alias, or NOT NULL throughout. */
static int is_unique_key(sqlite3 *db, const sq_table *t, const sq_columninfo *columns, int n, bool *out, sq_error *e)
{
    int nkey = 0;
    bool notnull = true, indexed;

    *out = false;
    for (int i = 0; i < n; i++) {
        nkey += columns[i].pk != 0;
        notnull &= columns[i].pk == 0 || columns[i].notnull;
    }
    if (nkey == 0 || notnull || nkey > 1) {
        *out = nkey > 0 && notnull;
        return SQLITE_OK;
    }
    SQ_TRY(has_key_index(db, t, &indexed, e));
    *out = !indexed;
    return SQLITE_OK;
}

/* The column that is another name of the rowid, or -1: a lone INTEGER PRIMARY KEY, but not one with DESC. */
static int rowid_column(sqlite3 *db, const sq_table *t, const sq_columninfo *columns, int n, const sq_storage *storage,
                        int *out, sq_error *e)
{
    int found = -1, nkey = 0;
    bool indexed;

    *out = -1;
    for (int i = 0; i < n; i++)
        if (columns[i].pk != 0) {
            found = i;
            nkey++;
        }
    if (nkey != 1 || !storage->ordinary || storage->without_rowid ||
        sqlite3_stricmp(columns[found].declared, "INTEGER") != 0)
        return SQLITE_OK;
    SQ_TRY(has_key_index(db, t, &indexed, e));
    *out = indexed ? -1 : found;
    return SQLITE_OK;
}

/* The inferred spec, unsorted, of columns in the table's own order. */
static int infer(sqlite3 *db, parity_arena *a, const sq_table *t, sq_columninfo **columns, int *n, parity_spec *out,
                 sq_error *e)
{
    SQ_TRY(sq_columns(db, a, t, columns, n, e));
    memset(out, 0, sizeof *out);
    out->schema = t->schema;
    out->table = t->name;
    out->columns = parity_arena_alloc(a, (size_t)*n * sizeof *out->columns);
    out->left_out = parity_arena_alloc(a, (size_t)*n * sizeof *out->left_out);
    if (out->columns == NULL || out->left_out == NULL)
        return sq_nomem(e);
    for (int i = 0; i < *n; i++) {
        const sq_columninfo *c = &(*columns)[i];

        if (c->generated) {
            out->left_out[out->nleft_out++] = c->name;
        } else {
            out->columns[out->ncolumns].name = c->name;
            out->columns[out->ncolumns].kind = parity_kind_of_declared(c->declared, strlen(c->declared));
            out->columns[out->ncolumns].key = c->pk != 0;
            out->ncolumns++;
        }
    }
    return is_unique_key(db, t, *columns, *n, &out->unique, e);
}

/* ------------------------------------------------------------ stored overrides */

/* Whether the schema has the table of overrides; an error when something else has its name. */
static int has_overrides(sqlite3 *db, const char *schema, bool *out, sq_error *e)
{
    static const char hint[] = "parity keeps overrides in a table parity_override(table_name, overrides);"
                               " rename what has this name";
    sqlite3_stmt *stmt;
    int found = 0, others = 0;
    bool row, table = false, trigger = false;
    int rc;

    *out = false;
    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".table_xinfo(" SQ_OVERRIDES ")", schema));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        const char *name = (const char *)sqlite3_column_text(stmt, 1);

        if (name == NULL) {
            rc = sq_nomem(e);
            break;
        }
        if (sqlite3_stricmp(name, "table_name") == 0 || sqlite3_stricmp(name, "overrides") == 0)
            found++;
        else
            others += sqlite3_column_int(stmt, 6) != 1; /* not the hidden ones of a virtual table */
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_OK || found + others == 0)
        return rc;
    if (found != 2 || others != 0)
        return sq_fail(e, PARITY_INVALID, "it has other columns than table_name and overrides", hint,
                       "%s." SQ_OVERRIDES " is not parity's", schema);
    SQ_TRY(sq_prepare(db, &stmt, e,
                      "SELECT m.tbl_name, m.type = 'trigger' FROM \"%w\".sqlite_master m"
                      " WHERE m.type = 'trigger' OR (m.type = 'table' AND m.rootpage > 0)",
                      schema));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);

        if (name == NULL || sqlite3_stricmp(name, SQ_OVERRIDES) != 0)
            continue;
        if (sqlite3_column_int(stmt, 1))
            trigger = true;
        else
            table = true;
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_OK)
        return rc;
    if (trigger)
        return sq_fail(e, PARITY_INVALID, "it has a trigger", hint, "%s." SQ_OVERRIDES " is not parity's", schema);
    if (!table)
        return sq_fail(e, PARITY_INVALID, "it is a view or a virtual table", hint, "%s." SQ_OVERRIDES " is not parity's",
                       schema);
    *out = true;
    return SQLITE_OK;
}

/* The overrides stored for a table; out->p is NULL when there are none. */
static int stored_overrides(sqlite3 *db, parity_arena *a, const sq_table *t, sq_text *out, sq_error *e)
{
    sqlite3_stmt *stmt;
    bool exists, row;
    int rc;

    out->p = NULL;
    out->n = 0;
    SQ_TRY(has_overrides(db, t->schema, &exists, e));
    if (!exists)
        return SQLITE_OK;
    SQ_TRY(sq_prepare(db, &stmt, e,
                      "SELECT \"" SQ_OVERRIDES "\".\"overrides\" FROM \"%w\"." SQ_OVERRIDES
                      " WHERE \"" SQ_OVERRIDES "\".\"table_name\" = ?1",
                      t->schema));
    rc = sqlite3_bind_text(stmt, 1, t->name, -1, SQLITE_STATIC);
    rc = rc == SQLITE_OK ? sq_step(db, stmt, &row, e) : sq_db(e, db, rc);
    if (rc == SQLITE_OK && row) {
        parity_value v;

        if (sq_column(stmt, 0, &v) != SQLITE_OK)
            rc = sq_nomem(e);
        else if (v.cls != PARITY_STRING)
            rc = sq_fail(e, PARITY_MALFORMED, NULL, "parity_set_spec(table, NULL) removes them",
                         "the overrides stored for %s are not text", t->name);
        else if ((out->p = parity_arena_copy(a, v.p, v.n)) == NULL)
            rc = sq_nomem(e);
        else
            out->n = v.n;
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* Applies the stored overrides, or only sorts; an error says where they come from. */
static int override_stored(sqlite3 *db, parity_arena *a, const sq_table *t, parity_spec *s, sq_error *e)
{
    sq_text json;
    parity_error err;
    parity_status status;
    char detail[sizeof err.message + sizeof err.detail];

    SQ_TRY(stored_overrides(db, a, t, &json, e));
    if (json.p == NULL) {
        parity_spec_sort(s);
        return SQLITE_OK;
    }
    status = parity_spec_override(a, s, json.p, json.n, &err);
    if (status == PARITY_OK || status == PARITY_NOMEM)
        return sq_core(e, status);
    sqlite3_snprintf(sizeof detail, detail, "%s%s%s", err.message, err.detail[0] ? ": " : "", err.detail);
    return sq_fail(e, status, detail, "parity_set_spec stores others, and removes them when it is given NULL",
                   "the overrides stored for %s do not fit it", t->name);
}

static int must_have_columns(const parity_spec *s, sq_error *e)
{
    if (s->ncolumns == 0)
        return sq_fail(e, PARITY_INVALID, NULL,
                       "generated columns are left out; an override that gives one a kind has it read",
                       "table %s has no column to read", s->table);
    return SQLITE_OK;
}

/* -------------------------------------------------------------- a spec as argument */

/* "Columns: a, b, …" */
static void list_columns(const sq_columninfo *columns, int n, char *out, int size)
{
    int length;

    sqlite3_snprintf(size, out, "Columns: ");
    for (int i = 0; i < n; i++) {
        length = (int)strlen(out);
        if (length > size - 80) {
            sqlite3_snprintf(size - length, out + length, ", ...");
            return;
        }
        sqlite3_snprintf(size - length, out + length, "%s%.64s", i > 0 ? ", " : "", columns[i].name);
    }
}

/* A whole spec from the caller: its columns must be there. */
static int whole_spec(sqlite3 *db, parity_arena *a, const sq_table *t, sq_text given, parity_spec *out, sq_error *e)
{
    sq_columninfo *columns;
    int n;

    SQ_TRY(sq_core(e, parity_spec_parse(a, given.p, given.n, out, &e->core)));
    SQ_TRY(sq_columns(db, a, t, &columns, &n, e));
    for (int i = 0; i < out->ncolumns; i++) {
        char *found = NULL;

        for (int j = 0; j < n; j++) {
            if (strcmp(columns[j].name, out->columns[i].name) == 0) {
                found = columns[j].name;
                break;
            }
            if (sqlite3_stricmp(columns[j].name, out->columns[i].name) == 0)
                found = columns[j].name;
        }
        if (found == NULL) {
            char hint[sizeof e->core.hint];

            list_columns(columns, n, hint, (int)sizeof hint);
            return sq_fail(e, PARITY_NO_COLUMN, NULL, hint, "column \"%.100s\" of table \"%.100s\" does not exist",
                           out->columns[i].name, t->name);
        }
        out->columns[i].name = found;
    }
    out->schema = t->schema;
    out->table = t->name;
    return SQLITE_OK;
}

int sq_spec_given(sqlite3 *db, parity_arena *a, const sq_table *t, sq_text given, parity_spec *out, sq_error *e)
{
    sq_columninfo *columns;
    int n;

    if (given.p != NULL && sq_json_is_spec(given.p, given.n))
        return whole_spec(db, a, t, given, out, e);
    SQ_TRY(infer(db, a, t, &columns, &n, out, e));
    SQ_TRY(override_stored(db, a, t, out, e));
    if (given.p != NULL)
        SQ_TRY(sq_core(e, parity_spec_override(a, out, given.p, given.n, &e->core)));
    return must_have_columns(out, e);
}

int sq_spec(sqlite3 *db, parity_arena *a, const sq_table *t, parity_spec *out, sq_error *e)
{
    sq_text none = {NULL, 0};

    return sq_spec_given(db, a, t, none, out, e);
}

/* ----------------------------------------------------------------- for comparisons */

/* Whether the declared type contains the word, ASCII case ignored. */
static bool declares(const char *declared, const char *word)
{
    int n = (int)strlen(word);

    for (; *declared != '\0'; declared++)
        if (sqlite3_strnicmp(declared, word, n) == 0)
            return true;
    return false;
}

/* The column's affinity, by SQLite's rules. */
parity_store_as sq_store_of(const char *declared, const sq_storage *storage)
{
    if (storage->strict && sqlite3_stricmp(declared, "ANY") == 0)
        return PARITY_STORE_BLOB;
    if (declares(declared, "INT"))
        return PARITY_STORE_INTEGER;
    if (declares(declared, "CHAR") || declares(declared, "CLOB") || declares(declared, "TEXT"))
        return PARITY_STORE_ANY_TEXT;
    if (declared[0] == '\0' || declares(declared, "BLOB"))
        return PARITY_STORE_BLOB;
    if (declares(declared, "REAL") || declares(declared, "FLOA") || declares(declared, "DOUB"))
        return PARITY_STORE_REAL;
    return PARITY_STORE_NUMERIC;
}

/* The name under which the rowid can be read: one that no column has; NULL when there is none. */
static const char *row_id_of(const sq_columninfo *columns, int n, const sq_storage *storage)
{
    static const char *const names[] = {"rowid", "oid", "_rowid_"};

    if (!storage->ordinary || storage->without_rowid)
        return NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool taken = false;

        for (int j = 0; j < n; j++)
            taken |= sqlite3_stricmp(columns[j].name, names[i]) == 0;
        if (!taken)
            return names[i];
    }
    return NULL;
}

int sq_local_table(sqlite3 *db, parity_arena *a, const sq_table *t, parity_local_table *out, sq_error *e)
{
    sq_columninfo *columns;
    sq_storage storage;
    parity_spec spec;
    int n, rowid;

    SQ_TRY(infer(db, a, t, &columns, &n, &spec, e));
    SQ_TRY(sq_storage_of(db, t, &storage, e));
    SQ_TRY(rowid_column(db, t, columns, n, &storage, &rowid, e));
    for (int i = 0; i < spec.ncolumns; i++)
        spec.columns[i].kind.id = NO_KIND;
    SQ_TRY(override_stored(db, a, t, &spec, e));
    memset(out, 0, sizeof *out);
    out->schema = t->schema;
    out->name = t->name;
    out->as = spec.as;
    out->row_id = row_id_of(columns, n, &storage);
    out->columns = parity_arena_alloc(a, (size_t)n * sizeof *out->columns);
    if (out->columns == NULL)
        return sq_nomem(e);
    out->ncolumns = n;
    for (int i = 0; i < n; i++) {
        parity_local_column *c = &out->columns[i];
        const parity_column *read = NULL;

        c->name = columns[i].name;
        c->natural = parity_kind_of_declared(columns[i].declared, strlen(columns[i].declared));
        c->kind = c->natural;
        c->store = (uint8_t)sq_store_of(columns[i].declared, &storage);
        c->rowid = i == rowid;
        for (int j = 0; j < spec.ncolumns && read == NULL; j++)
            if (strcmp(spec.columns[j].name, c->name) == 0)
                read = &spec.columns[j];
        if (read == NULL) {
            c->generated = columns[i].generated;
            c->excluded = !columns[i].generated;
            continue;
        }
        c->as = read->as;
        c->overridden = read->kind.id != NO_KIND;
        if (c->overridden)
            c->kind = read->kind;
        /* numbers are stored as numbers there, whatever they were written as, so that SQL finds them as such */
        c->integer = storage.ordinary && (c->store == PARITY_STORE_INTEGER || c->store == PARITY_STORE_NUMERIC) &&
                     c->kind.id == PARITY_INT && c->kind.options == 0;
    }
    return SQLITE_OK;
}

/* ----------------------------------------------------------------------- writing */

int sq_check_overrides(sqlite3 *db, const sq_table *t, sq_text overrides, sq_error *e)
{
    parity_arena a;
    sq_columninfo *columns;
    parity_spec spec;
    int n, rc;

    parity_arena_init(&a, &sq_mem);
    rc = infer(db, &a, t, &columns, &n, &spec, e);
    if (rc == SQLITE_OK)
        rc = sq_core(e, parity_spec_override(&a, &spec, overrides.p, overrides.n, &e->core));
    if (rc == SQLITE_OK)
        rc = must_have_columns(&spec, e);
    parity_arena_free(&a);
    return rc;
}

int sq_store_overrides(sqlite3 *db, const char *schema, const sq_stored *list, sq_error *e)
{
    sqlite3_stmt *stmt;
    sqlite3_str *sql;
    bool exists, row = true;
    int rc;

    SQ_TRY(has_overrides(db, schema, &exists, e));
    if (!exists)
        SQ_TRY(sq_run(db, e,
                      "CREATE TABLE \"%w\"." SQ_OVERRIDES
                      "(table_name TEXT PRIMARY KEY COLLATE NOCASE, overrides TEXT NOT NULL)",
                      schema));
    /* one statement, so that all are stored or none */
    sql = sqlite3_str_new(db);
    sqlite3_str_appendf(sql, "INSERT OR REPLACE INTO \"%w\"." SQ_OVERRIDES "(table_name, overrides) VALUES", schema);
    for (const sq_stored *s = list; s != NULL; s = s->next)
        sqlite3_str_appendf(sql, "%s(%Q,%Q)", s == list ? "" : ",", s->table.name, s->overrides.p);
    rc = sqlite3_str_errcode(sql);
    if (rc != SQLITE_OK) {
        sqlite3_free(sqlite3_str_finish(sql));
        return rc == SQLITE_TOOBIG ? sq_fail(e, PARITY_LIMIT, NULL, NULL, "the overrides are too long") : sq_nomem(e);
    }
    SQ_TRY(sq_prepare_text(db, sqlite3_str_finish(sql), &stmt, e));
    while (rc == SQLITE_OK && row)
        rc = sq_step(db, stmt, &row, e);
    sqlite3_finalize(stmt);
    return rc;
}

/* Removes what is stored for a table, if anything is. */
static int remove_overrides(sqlite3 *db, const sq_table *t, sq_error *e)
{
    bool exists;

    SQ_TRY(has_overrides(db, t->schema, &exists, e));
    if (!exists)
        return SQLITE_OK;
    return sq_run(db, e, "DELETE FROM \"%w\"." SQ_OVERRIDES " WHERE table_name = %Q", t->schema, t->name);
}

/* ------------------------------------------------------------------- SQL functions */

void sq_fn_spec(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sqlite3 *db = sqlite3_context_db_handle(ctx);
    parity_arena a;
    parity_spec spec;
    parity_buf json;
    sq_error e;
    sq_table t;
    sq_text name;
    int rc;

    (void)argc;
    sq_error_init(&e);
    parity_arena_init(&a, &sq_mem);
    parity_buf_init(&json, &sq_mem);
    rc = sq_text_required(argv[0], "the table name", &name, &e);
    if (rc == SQLITE_OK)
        rc = sq_find_table(db, &a, name, &t, &e);
    if (rc == SQLITE_OK)
        rc = sq_spec(db, &a, &t, &spec, &e);
    if (rc == SQLITE_OK)
        rc = sq_core(&e, parity_spec_print(&json, &spec));
    if (rc == SQLITE_OK)
        sqlite3_result_text64(ctx, (const char *)json.data, json.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sq_result_error(ctx, &e);
    parity_buf_free(&json);
    parity_arena_free(&a);
}

void sq_fn_set_spec(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sqlite3 *db = sqlite3_context_db_handle(ctx);
    parity_arena a;
    sq_stored stored;
    sq_error e;
    sq_text name;
    int rc;

    (void)argc;
    sq_error_init(&e);
    parity_arena_init(&a, &sq_mem);
    rc = sq_text_required(argv[0], "the table name", &name, &e);
    if (rc == SQLITE_OK)
        rc = sq_text_of(argv[1], &stored.overrides, &e);
    if (rc == SQLITE_OK)
        rc = sq_find_table(db, &a, name, &stored.table, &e);
    stored.next = NULL;
    if (rc == SQLITE_OK && stored.overrides.p == NULL) {
        rc = remove_overrides(db, &stored.table, &e);
    } else if (rc == SQLITE_OK) {
        rc = sq_check_overrides(db, &stored.table, stored.overrides, &e);
        /* what was read as JSON holds no NUL, but a BLOB does not end in one */
        if (rc == SQLITE_OK &&
            (stored.overrides.p = parity_arena_copy(&a, stored.overrides.p, stored.overrides.n)) == NULL)
            rc = sq_nomem(&e);
        if (rc == SQLITE_OK)
            rc = sq_store_overrides(db, stored.table.schema, &stored, &e);
    }
    if (rc != SQLITE_OK)
        sq_result_error(ctx, &e);
    parity_arena_free(&a);
}
