/*
 * table.c - which tables there are, what they are called, what columns they
 * have, how they are stored and which others they refer to
 *
 * Names are compared here and not by SQL, since a connection may have replaced
 * NOCASE or LIKE.
 */
#include <stdlib.h>
#include <string.h>

#include "module.h"

/* --------------------------------------------------------------------- schemas */

/* The names of all attached databases, in the order in which SQLite looks for a table: temp before main. */
static int list_schemas(sqlite3 *db, parity_arena *a, char ***out, int *nout, sq_error *e)
{
    sqlite3_stmt *stmt;
    int n = 0, cap = 0;
    bool row;
    int rc;

    *out = NULL;
    *nout = 0;
    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA database_list"));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        if (n == cap) {
            char **more = parity_arena_alloc(a, (size_t)(cap = cap * 2 + 16) * sizeof *more);

            if (more == NULL) {
                rc = sq_nomem(e);
                break;
            }
            if (n > 0)
                memcpy(more, *out, (size_t)n * sizeof *more);
            *out = more;
        }
        rc = sq_column_copy(a, stmt, 1, &(*out)[n], e);
        if (rc != SQLITE_OK)
            break;
        if ((*out)[n] == NULL)
            continue;
        if (n == 1 && sqlite3_stricmp((*out)[1], "temp") == 0) {
            char *main_name = (*out)[0];

            (*out)[0] = (*out)[1];
            (*out)[1] = main_name;
        }
        n++;
    }
    sqlite3_finalize(stmt);
    *nout = n;
    return rc;
}

int sq_find_schema(sqlite3 *db, parity_arena *a, const char *name, char **out, sq_error *e)
{
    char **schemas;
    int n;

    SQ_TRY(list_schemas(db, a, &schemas, &n, e));
    for (int i = 0; i < n; i++)
        if (sqlite3_stricmp(schemas[i], name) == 0) {
            *out = schemas[i];
            return SQLITE_OK;
        }
    return sq_fail(e, PARITY_INVALID, NULL, "PRAGMA database_list names those that are", "no database is attached as %s",
                   name);
}

/* ---------------------------------------------------------------------- tables */

/* Whether PRAGMA table_xinfo knows the name. */
static int has_columns(sqlite3 *db, const char *schema, const char *name, bool *out, sq_error *e)
{
    sqlite3_stmt *stmt;
    int rc;

    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".table_xinfo(\"%w\")", schema, name));
    rc = sq_step(db, stmt, out, e);
    sqlite3_finalize(stmt);
    return rc;
}

int sq_find_table_in(sqlite3 *db, parity_arena *a, char *schema, const char *name, sq_table *out, sq_error *e)
{
    sqlite3_stmt *stmt;
    bool row, known;
    int rc;

    out->schema = schema;
    out->name = NULL;
    SQ_TRY(sq_prepare(db, &stmt, e,
                      "SELECT m.name FROM \"%w\".sqlite_master m"
                      " WHERE m.type IN ('table','view')",
                      schema));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row && out->name == NULL) {
        const char *found = (const char *)sqlite3_column_text(stmt, 0);

        if (found == NULL && sqlite3_column_type(stmt, 0) == SQLITE_NULL)
            continue;
        if (found == NULL)
            rc = sq_nomem(e);
        else if (sqlite3_stricmp(found, name) == 0 && (out->name = parity_arena_copy(a, found, strlen(found))) == NULL)
            rc = sq_nomem(e);
        if (rc != SQLITE_OK)
            break;
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_OK || out->name != NULL)
        return rc;
    /* the schema table itself, and virtual tables that need not be created */
    SQ_TRY(has_columns(db, schema, name, &known, e));
    if (known) {
        /* its columns go by its first name alone */
        if (sqlite3_stricmp(name, "sqlite_temp_schema") == 0 || sqlite3_stricmp(name, "sqlite_temp_master") == 0)
            name = "sqlite_temp_master";
        else if (sqlite3_stricmp(name, "sqlite_schema") == 0 || sqlite3_stricmp(name, "sqlite_master") == 0)
            name = sqlite3_stricmp(schema, "temp") == 0 ? "sqlite_temp_master" : "sqlite_master";
        out->name = parity_arena_copy(a, name, strlen(name));
        if (out->name == NULL)
            return sq_nomem(e);
    }
    return SQLITE_OK;
}

/*
 * Reads one part of a name: "quoted", or unquoted up to a dot when stop is set,
 * else up to the end.  *out is NULL when it is not such a part.
 */
static int read_part(parity_arena *a, const char **p, bool stop, char **out, sq_error *e)
{
    size_t n = 0;
    char *text = parity_arena_alloc(a, strlen(*p) + 1);

    *out = NULL;
    if (text == NULL)
        return sq_nomem(e);
    if (**p != '"') {
        while (**p != '\0' && !(stop && **p == '.'))
            text[n++] = *(*p)++;
        *out = n > 0 ? text : NULL;
        return SQLITE_OK;
    }
    for ((*p)++; **p != '\0'; (*p)++) {
        if (**p == '"' && *++*p != '"') {
            *out = text;
            return SQLITE_OK;
        }
        text[n++] = **p;
    }
    return SQLITE_OK;
}

/* Splits schema.table, either part in double quotes or not; *table is NULL when arg is neither that nor "table". */
static int split_name(parity_arena *a, const char *arg, char **schema, char **table, sq_error *e)
{
    const char *p = arg;
    char *first;

    *schema = *table = NULL;
    SQ_TRY(read_part(a, &p, true, &first, e));
    if (first == NULL)
        return SQLITE_OK;
    if (*p == '\0') {
        *table = first;
        return SQLITE_OK;
    }
    if (*p++ != '.')
        return SQLITE_OK;
    *schema = first;
    SQ_TRY(read_part(a, &p, false, table, e));
    if (*p != '\0')
        *table = NULL;
    return SQLITE_OK;
}

static int find_anywhere(sqlite3 *db, parity_arena *a, char **schemas, int n, const char *name, sq_table *out,
                         sq_error *e)
{
    out->name = NULL;
    for (int i = 0; i < n && out->name == NULL; i++)
        SQ_TRY(sq_find_table_in(db, a, schemas[i], name, out, e));
    return SQLITE_OK;
}

int sq_find_table(sqlite3 *db, parity_arena *a, sq_text arg, sq_table *out, sq_error *e)
{
    char **schemas, *schema, *table;
    int n;

    SQ_TRY(list_schemas(db, a, &schemas, &n, e));
    SQ_TRY(find_anywhere(db, a, schemas, n, arg.p, out, e));
    if (out->name != NULL)
        return SQLITE_OK;
    SQ_TRY(split_name(a, arg.p, &schema, &table, e));
    if (table != NULL && schema == NULL) {
        SQ_TRY(find_anywhere(db, a, schemas, n, table, out, e));
    } else if (table != NULL) {
        int i = 0;

        while (i < n && sqlite3_stricmp(schemas[i], schema) != 0)
            i++;
        if (i < n) {
            SQ_TRY(sq_find_table_in(db, a, schemas[i], table, out, e));
        } else if (sqlite3_stricmp(schema, "temp") != 0) {
            char detail[200];

            sqlite3_snprintf(sizeof detail, detail, "no database is attached as %s", schema);
            return sq_fail(e, PARITY_NO_TABLE, detail, "PRAGMA database_list names those that are", "no such table: %s",
                           arg.p);
        }
    }
    if (out->name == NULL)
        return sq_fail(e, PARITY_NO_TABLE, NULL,
                       "write it as table, or as schema.table for an attached database; a part with a dot in it goes"
                       " in double quotes",
                       "no such table: %s", arg.p);
    return SQLITE_OK;
}

/* --------------------------------------------------------------------- columns */

int sq_columns(sqlite3 *db, parity_arena *a, const sq_table *t, sq_columninfo **out, int *nout, sq_error *e)
{
    sqlite3_stmt *stmt;
    int n = 0, cap = 0;
    bool row;
    int rc;

    *out = NULL;
    *nout = 0;
    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".table_xinfo(\"%w\")", t->schema, t->name));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        int hidden = sqlite3_column_int(stmt, 6); /* 1: of a virtual table; 2, 3: generated */
        sq_columninfo *c;

        if (hidden == 1)
            continue;
        if (n == cap) {
            sq_columninfo *more = parity_arena_alloc(a, (size_t)(cap = cap * 2 + 16) * sizeof *more);

            if (more == NULL) {
                rc = sq_nomem(e);
                break;
            }
            if (n > 0)
                memcpy(more, *out, (size_t)n * sizeof *more);
            *out = more;
        }
        c = &(*out)[n];
        rc = sq_column_copy(a, stmt, 1, &c->name, e);
        if (rc == SQLITE_OK)
            rc = sq_column_copy(a, stmt, 2, &c->declared, e);
        if (rc != SQLITE_OK)
            break;
        if (c->name == NULL)
            continue;
        if (c->declared == NULL && (c->declared = parity_arena_copy(a, "", 0)) == NULL) {
            rc = sq_nomem(e);
            break;
        }
        c->notnull = sqlite3_column_int(stmt, 3) != 0;
        c->pk = sqlite3_column_int(stmt, 5);
        c->generated = hidden != 0;
        n++;
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_OK)
        return rc;
    if (n == 0)
        return sq_fail(e, PARITY_NO_TABLE, NULL, NULL, "no such table: %s.%s", t->schema, t->name);
    *nout = n;
    return SQLITE_OK;
}

/* --------------------------------------------------------------------- storage */

/* Before SQLite 3.37, which has no STRICT tables. */
static int old_storage(sqlite3 *db, const sq_table *t, sq_storage *out, sq_error *e)
{
    sqlite3_stmt *stmt;
    bool row;
    int rc;

    /* a virtual table has no page of its own */
    SQ_TRY(sq_prepare(db, &stmt, e,
                      "SELECT m.name FROM \"%w\".sqlite_master m"
                      " WHERE m.type = 'table' AND m.rootpage > 0",
                      t->schema));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row && !out->ordinary) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);

        if (name == NULL) {
            rc = sq_nomem(e);
            break;
        }
        out->ordinary = sqlite3_stricmp(name, t->name) == 0;
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_OK || !out->ordinary)
        return rc;
    /* for a table's name it gives the primary key that is the table's own order, which there is without a rowid */
    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".index_info(\"%w\")", t->schema, t->name));
    rc = sq_step(db, stmt, &out->without_rowid, e);
    sqlite3_finalize(stmt);
    return rc;
}

int sq_storage_of(sqlite3 *db, const sq_table *t, sq_storage *out, sq_error *e)
{
    sqlite3_stmt *stmt;
    bool row;
    int rc;

    memset(out, 0, sizeof *out);
    if (sqlite3_libversion_number() < 3037000)
        return old_storage(db, t, out, e);
    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".table_list(\"%w\")", t->schema, t->name));
    rc = sq_step(db, stmt, &row, e);
    if (rc == SQLITE_OK && row) {
        const char *type = (const char *)sqlite3_column_text(stmt, 2);

        if (type == NULL)
            rc = sq_nomem(e);
        else
            out->ordinary = sqlite3_stricmp(type, "table") == 0 || sqlite3_stricmp(type, "shadow") == 0;
        out->without_rowid = sqlite3_column_int(stmt, 4) != 0;
        out->strict = sqlite3_column_int(stmt, 5) != 0;
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* ---------------------------------------------------------------- foreign keys */

/* A column of a foreign key, as PRAGMA foreign_key_list gives it. */
typedef struct fk_link {
    struct fk_link *next;
    int id;
    char *table, *from, *to; /* to is NULL for the primary key */
    bool acts;               /* ON DELETE changes rows */
} fk_link;

static int read_links(sqlite3 *db, parity_arena *a, const sq_table *t, fk_link **out, sq_error *e)
{
    sqlite3_stmt *stmt;
    bool row;
    int rc;

    *out = NULL;
    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".foreign_key_list(\"%w\")", t->schema, t->name));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        fk_link *l = parity_arena_alloc(a, sizeof *l);
        char *action = NULL;

        rc = l == NULL ? sq_nomem(e) : sq_column_copy(a, stmt, 2, &l->table, e);
        if (rc == SQLITE_OK)
            rc = sq_column_copy(a, stmt, 3, &l->from, e);
        if (rc == SQLITE_OK)
            rc = sq_column_copy(a, stmt, 4, &l->to, e);
        if (rc == SQLITE_OK)
            rc = sq_column_copy(a, stmt, 6, &action, e);
        if (rc != SQLITE_OK)
            break;
        l->acts = action != NULL && (sqlite3_stricmp(action, "CASCADE") == 0 ||
                                     sqlite3_stricmp(action, "SET NULL") == 0 ||
                                     sqlite3_stricmp(action, "SET DEFAULT") == 0);
        l->id = sqlite3_column_int(stmt, 0);
        if (l->table == NULL || l->from == NULL)
            continue;
        *out = l;
        out = &l->next;
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* The column that a link refers to, the i-th one of its key; NULL when there is none. */
static char *referenced_column(const fk_link *l, int i, const sq_columninfo *columns, int n)
{
    for (int j = 0; j < n; j++)
        if (l->to != NULL ? sqlite3_stricmp(columns[j].name, l->to) == 0 : columns[j].pk == i + 1)
            return columns[j].name;
    return NULL;
}

/* One foreign key, whose links start at l; out->table is NULL when its other side does not exist. */
static int make_reference(sqlite3 *db, parity_arena *a, const sq_table *t, const fk_link *l, parity_reference *out,
                          sq_error *e)
{
    sq_columninfo *columns;
    sq_table parent;
    int id = l->id, n, count = 0;

    memset(out, 0, sizeof *out);
    out->acts = l->acts;
    SQ_TRY(sq_find_table_in(db, a, t->schema, l->table, &parent, e));
    if (parent.name == NULL)
        return SQLITE_OK;
    SQ_TRY(sq_columns(db, a, &parent, &columns, &n, e));
    for (const fk_link *i = l; i != NULL && i->id == id; i = i->next)
        count++;
    out->columns = parity_arena_alloc(a, (size_t)count * sizeof *out->columns);
    out->referenced = parity_arena_alloc(a, (size_t)count * sizeof *out->referenced);
    if (out->columns == NULL || out->referenced == NULL)
        return sq_nomem(e);
    for (; l != NULL && l->id == id; l = l->next) {
        out->columns[out->ncolumns] = l->from;
        out->referenced[out->ncolumns] = referenced_column(l, out->ncolumns, columns, n);
        if (out->referenced[out->ncolumns++] == NULL)
            return SQLITE_OK;
    }
    out->schema = parent.schema;
    out->table = parent.name;
    return SQLITE_OK;
}

int sq_references(sqlite3 *db, parity_arena *a, const sq_table *t, parity_reference **out, int *nout, sq_error *e)
{
    int n = 0;
    fk_link *links;

    *out = NULL;
    *nout = 0;
    SQ_TRY(read_links(db, a, t, &links, e));
    for (const fk_link *l = links; l != NULL; l = l->next)
        n += l->next == NULL || l->next->id != l->id;
    if (n == 0)
        return SQLITE_OK;
    *out = parity_arena_alloc(a, (size_t)n * sizeof **out);
    if (*out == NULL)
        return sq_nomem(e);
    for (const fk_link *l = links, *last = NULL; l != NULL; last = l, l = l->next) {
        if (last != NULL && last->id == l->id)
            continue;
        SQ_TRY(make_reference(db, a, t, l, &(*out)[*nout], e));
        *nout += (*out)[*nout].table != NULL;
    }
    return SQLITE_OK;
}

int sq_references_to(sqlite3 *db, parity_arena *a, const sq_table *t, parity_reference **out, int *nout, sq_error *e)
{
    sq_listed *tables;
    fk_link **links;
    int ntables, n = 0;

    *out = NULL;
    *nout = 0;
    SQ_TRY(sq_list(db, a, t->schema, &tables, &ntables, e));
    links = parity_arena_alloc(a, (size_t)(ntables + 1) * sizeof *links);
    if (links == NULL)
        return sq_nomem(e);
    for (int i = 0; i < ntables; i++) {
        sq_table from = {t->schema, tables[i].name};

        SQ_TRY(read_links(db, a, &from, &links[i], e));
        for (const fk_link *l = links[i]; l != NULL; l = l->next)
            n += sqlite3_stricmp(l->table, t->name) == 0;
    }
    if (n == 0)
        return SQLITE_OK;
    *out = parity_arena_alloc(a, (size_t)n * sizeof **out);
    if (*out == NULL)
        return sq_nomem(e);
    for (int i = 0; i < ntables; i++) {
        sq_table from = {t->schema, tables[i].name};

        for (const fk_link *l = links[i], *last = NULL; l != NULL; last = l, l = l->next) {
            parity_reference *ref = &(*out)[*nout];

            if ((last != NULL && last->id == l->id) || sqlite3_stricmp(l->table, t->name) != 0)
                continue;
            SQ_TRY(make_reference(db, a, &from, l, ref, e));
            if (ref->table == NULL)
                continue;
            ref->table = from.name;
            ++*nout;
        }
    }
    return SQLITE_OK;
}

/* ---------------------------------------------------------------------- listing */

static int by_name(const void *x, const void *y)
{
    return strcmp(((const sq_listed *)x)->name, ((const sq_listed *)y)->name);
}

static sq_listed *find_listed(sq_listed *list, int n, const char *name)
{
    sq_listed wanted = {(char *)name, false};

    return n > 0 ? bsearch(&wanted, list, (size_t)n, sizeof *list, by_name) : NULL;
}

/* Marks the shadow tables: those that SQLite itself knows, before 3.37 those named after a virtual table. */
static int mark_shadows(sqlite3 *db, const char *schema, sq_listed *list, int n, char **virtuals, int nvirtuals,
                        sq_error *e)
{
    sqlite3_stmt *stmt;
    bool row;
    int rc;

    if (nvirtuals == 0)
        return SQLITE_OK;
    if (sqlite3_libversion_number() < 3037000) {
        for (int i = 0; i < n; i++)
            for (int j = 0; j < nvirtuals && !list[i].skipped; j++) {
                int length = (int)strlen(virtuals[j]);

                list[i].skipped = sqlite3_strnicmp(list[i].name, virtuals[j], length) == 0 &&
                                  list[i].name[length] == '_';
            }
        return SQLITE_OK;
    }
    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".table_list", schema));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        const char *in = (const char *)sqlite3_column_text(stmt, 0);
        const char *name = (const char *)sqlite3_column_text(stmt, 1);
        const char *type = (const char *)sqlite3_column_text(stmt, 2);
        sq_listed *found;

        if (in == NULL || name == NULL || type == NULL) {
            rc = sq_nomem(e);
            break;
        }
        if (sqlite3_stricmp(in, schema) == 0 && sqlite3_stricmp(type, "shadow") == 0 &&
            (found = find_listed(list, n, name)) != NULL)
            found->skipped = true;
    }
    sqlite3_finalize(stmt);
    return rc;
}

int sq_list(sqlite3 *db, parity_arena *a, const char *schema, sq_listed **out, int *nout, sq_error *e)
{
    sqlite3_stmt *stmt;
    char **virtuals = NULL;
    int n = 0, nvirtuals = 0, cap = 0;
    bool row;
    int rc;

    *out = NULL;
    *nout = 0;
    /* a virtual table has no page of its own */
    SQ_TRY(sq_prepare(db, &stmt, e,
                      "SELECT m.name, m.rootpage FROM \"%w\".sqlite_master m"
                      " WHERE m.type = 'table'",
                      schema));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        char *name;

        rc = sq_column_copy(a, stmt, 0, &name, e);
        if (rc != SQLITE_OK)
            break;
        if (name == NULL)
            continue;
        if (n == cap) {
            int larger = cap * 2 + 64;
            sq_listed *more = parity_arena_alloc(a, (size_t)larger * sizeof *more);
            char **more_virtuals = parity_arena_alloc(a, (size_t)larger * sizeof *more_virtuals);

            if (more == NULL || more_virtuals == NULL) {
                rc = sq_nomem(e);
                break;
            }
            if (n > 0) {
                memcpy(more, *out, (size_t)n * sizeof *more);
                memcpy(more_virtuals, virtuals, (size_t)nvirtuals * sizeof *more_virtuals);
            }
            *out = more;
            virtuals = more_virtuals;
            cap = larger;
        }
        (*out)[n].name = name;
        (*out)[n].skipped = sqlite3_strnicmp(name, "sqlite_", 7) == 0 || sqlite3_stricmp(name, SQ_OVERRIDES) == 0 ||
                            sqlite3_stricmp(name, SQ_LIVE) == 0 ||
                            sqlite3_strnicmp(name, SQ_LIVE "_", sizeof SQ_LIVE) == 0;
        if (sqlite3_column_int64(stmt, 1) == 0) {
            (*out)[n].skipped = true;
            virtuals[nvirtuals++] = name;
        }
        n++;
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_OK)
        return rc;
    if (n > 0)
        qsort(*out, (size_t)n, sizeof **out, by_name);
    *nout = n;
    return mark_shadows(db, schema, *out, n, virtuals, nvirtuals, e);
}
