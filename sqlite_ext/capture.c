/*
 * capture.c - the SQL of triggers that log what rows were before they changed
 *
 * The log of a table,
 *
 *   parity_live_log_<id>(seq INTEGER PRIMARY KEY, k1, …, what, v1, …, n1, …)
 *
 * has the row's key (the rowid, or the primary key of a WITHOUT ROWID table)
 * and the columns of the spec in the spec's order, all without a declared type,
 * so that every value keeps its storage class.  A log row says of its key:
 *
 *   what  0  there was no row of this key when one was about to come under it
 *         1  this is the row as it was, v1, …: it may be changed or go now
 *         2  the same, when another row was about to come under its key
 *         3  a row came under a key that no 0 or 2 had announced
 *         4  a change may have put out a row that was not logged
 *         5  the unique keys that a row was about to have, n1, …
 *         6  the same where a NULL was to become a default, so that they may differ
 *
 * Of each key the first row counts, so that a row may be logged although it does
 * not change then, and more than once.  Rows are logged before they change: by
 * BEFORE triggers, since what AFTER triggers see, the application's own AFTER
 * triggers may have changed already.  The triggers are plain SQL without any
 * function, so that connections without the module write on, and what an
 * application made of a function is of no concern.
 *
 * Keys that a table did not have.  parity_live has the least and the greatest
 * rowid (lo, hi) that there was when the log was last emptied; rows beyond are
 * new and need no log.  Most inserts do not log anything.
 *
 * REPLACE puts rows out without a DELETE trigger unless recursive_triggers is
 * on.  So the triggers look for a row of the same key, and for each unique index
 * for one with the same indexed values, and log it, whatever the conflict clause
 * is.  Three things happen between a BEFORE trigger and the change itself:
 *  - a NULL for a NOT NULL column becomes its default.  The triggers look for
 *    the default then; where it is not constant, for any value of that column;
 *  - rowids are chosen: one more than the greatest.  The triggers say so
 *    themselves where that is not beyond hi; a single row of VALUES has its rowid
 *    computed twice by some versions of SQLite, so that random() differs.  An
 *    AFTER trigger writes a 3 for a row whose key was not foreseen (not when
 *    another AFTER trigger has failed before it under OR FAIL, which alone keeps
 *    such a row);
 *  - columns that an UPDATE does not set are read again, in case the
 *    application's BEFORE triggers have changed this very row.  A key of one
 *    column is looked for by the application's own UPDATE then; of keys of more
 *    than one (or computed ones) the triggers note what they looked for (5), and
 *    an AFTER trigger compares (4).
 */
#include <string.h>

#include "module.h"

#define RECENT 1000 /* how many log rows back AFTER triggers look for what BEFORE triggers wrote */

/* -------------------------------------------------------------------- what is read */

/* A column of the table. */
typedef struct column {
    char *name;
    bool notnull, generated;
    int pk;
    char *fallback; /* what a NULL becomes under REPLACE, as SQL; NULL: nothing, or it varies */
    bool varies;    /* its default is an expression that need not give the same twice */
    bool drawn;     /* and one that may give what another row has */
} column;

/* A term of a unique index. */
typedef struct term {
    const column *column; /* NULL: an expression */
    char *expression;
    char *collation;
} term;

/* A unique index, other than the primary key of a WITHOUT ROWID table. */
typedef struct unique {
    struct unique *next;
    char *name;
    term *terms;
    int nterms;
    char *where;   /* of a partial index, or NULL */
    bool computed; /* has an expression, a generated column or one whose default is drawn */
    bool noted;    /* see 5 above */
    int first_note; /* its terms' notes are n<first_note>, … */
} unique;

/* What the SQL is made from. */
typedef struct plan {
    const sq_table *table;
    const char *self; /* what the table goes by in a statement */
    char *from;       /* its name, quoted, with that alias where it needs one */
    const parity_spec *spec;
    sqlite3_int64 id;
    column *columns;
    int ncolumns;
    unique *uniques;
    int nnotes;
    bool generated; /* it has a generated column */
    bool defaults;  /* it has a column where a NULL may become a default */
    bool sequence;  /* AUTOINCREMENT */
    bool varies;    /* a column of its primary key has a default that varies, and there is no rowid */
    sq_capture *out;
} plan;

/* ------------------------------------------------------------------- tokens of SQL */

/* A token of an SQL text: kind is 'i' a bare word, 'q' a quoted name, 's' a string, 'n' a number or blob, 'p' else. */
typedef struct token {
    const char *p;
    int n;
    char kind; /* 0: the end */
} token;

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (c & 0x80);
}

/* The token at *p, behind which *p is moved. */
static token next_token(const char **p)
{
    const char *s = *p, *start;
    token t = {NULL, 0, 0};
    char end;

    for (;;) {
        while (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r' || *s == '\f')
            s++;
        if (s[0] == '-' && s[1] == '-') {
            while (*s != '\0' && *s != '\n')
                s++;
        } else if (s[0] == '/' && s[1] == '*') {
            const char *close = strstr(s + 2, "*/");

            s = close != NULL ? close + 2 : s + strlen(s);
        } else {
            break;
        }
    }
    start = s;
    if (*s == '\0') {
        *p = s;
        return t;
    }
    if ((*s == 'x' || *s == 'X') && s[1] == '\'') {
        t.kind = 'n';
        s++;
    }
    switch (*s) {
    case '\'':
    case '"':
    case '`':
    case '[':
        end = *s == '[' ? ']' : *s;
        if (t.kind == 0)
            t.kind = *s == '\'' ? 's' : 'q';
        for (s++; *s != '\0'; s++)
            if (*s == end && (end == ']' || s[1] != end)) {
                s++;
                break;
            } else if (*s == end) {
                s++;
            }
        break;
    default:
        if (*s >= '0' && *s <= '9') {
            t.kind = 'n';
            while (is_word(*s) || *s == '.' || ((*s == '+' || *s == '-') && (s[-1] == 'e' || s[-1] == 'E')))
                s++;
        } else if (is_word(*s)) {
            t.kind = 'i';
            while (is_word(*s))
                s++;
        } else {
            t.kind = 'p';
            s++;
        }
        break;
    }
    t.p = start;
    t.n = (int)(s - start);
    *p = s;
    return t;
}

static bool token_is(const token *t, const char *word)
{
    return t->kind != 0 && t->kind != 'q' && t->kind != 's' && t->n == (int)strlen(word) &&
           sqlite3_strnicmp(t->p, word, t->n) == 0;
}

static bool token_is_any(const token *t, const char *const *words)
{
    for (; *words != NULL; words++)
        if (token_is(t, *words))
            return true;
    return false;
}

/* Whether a quoted name is a column's. */
static bool names_column(const plan *p, const token *t)
{
    for (int i = 0; i < p->ncolumns; i++) {
        const char *name = p->columns[i].name, *s = t->p + 1, *end = t->p + t->n - 1;

        while (s < end && *name != '\0' && sqlite3_strnicmp(s, name, 1) == 0) {
            if (*s == *t->p && t->p[0] != '[')
                s++;
            s++;
            name++;
        }
        if (s == end && *name == '\0')
            return true;
    }
    return false;
}

/*
 * Why an index's expression or condition cannot be repeated in a trigger; NULL
 * when it can.  A column of NEW has no affinity, so that it compares in another
 * way than the table's.
 */
static const char *unusable(const plan *p, const char *text, bool compares)
{
    static const char *const comparing[] = {"IN", "BETWEEN", "=", "<", ">", "!", NULL};
    static const char *const null[] = {"NULL", "NOT", NULL};
    token t = next_token(&text), next;

    for (; t.kind != 0; t = next) {
        next = next_token(&text);
        if (t.kind == 'q' && t.p[0] == '"' && !names_column(p, &t))
            return "it has a text in double quotes";
        if (t.kind == 'p' && t.p[0] == '-' && next.kind == 'p' && next.p[0] == '>') { /* -> and ->> */
            do
                next = next_token(&text);
            while (next.kind == 'p' && next.p[0] == '>');
            continue;
        }
        if (compares &&
            (token_is_any(&t, comparing) || (token_is(&t, "IS") && !token_is_any(&next, null)) ||
             (token_is(&t, "CASE") && !token_is(&next, "WHEN"))))
            return "it compares values";
    }
    return NULL;
}

/* Copies n bytes of text to the arena. */
static int copy(parity_arena *a, const char *text, size_t n, char **out, sq_error *e)
{
    *out = parity_arena_copy(a, text, n);
    return *out == NULL ? sq_nomem(e) : SQLITE_OK;
}

/* Takes a text that was made piece by piece to the arena. */
static int finish(parity_arena *a, sqlite3_str *sql, char **out, sq_error *e)
{
    int rc = sqlite3_str_errcode(sql), n = sqlite3_str_length(sql);
    char *text = sqlite3_str_finish(sql);

    if (rc == SQLITE_OK)
        rc = copy(a, text != NULL ? text : "", (size_t)n, out, e);
    else if (rc == SQLITE_TOOBIG)
        rc = sq_fail(e, PARITY_LIMIT, NULL, NULL, "the triggers would be too long");
    else
        rc = sq_nomem(e);
    sqlite3_free(text);
    return rc;
}

/* -------------------------------------------------------------------------- columns */

/* What a default, as PRAGMA table_xinfo tells it, gives: SQL to repeat in *out, or what it is otherwise. */
static int read_default(parity_arena *a, const char *text, char **out, bool *varies, bool *drawn, sq_error *e)
{
    static const char *const constants[] = {"NULL", "TRUE", "FALSE", "CURRENT_TIME", "CURRENT_DATE",
                                            "CURRENT_TIMESTAMP", NULL};
    const char *p = text;
    token t = next_token(&p), second = next_token(&p);
    bool random = false;
    sqlite3_str *sql;

    if (t.kind == 0 || (token_is(&t, "NULL") && second.kind == 0))
        return SQLITE_OK;
    if (second.kind == 0 && (t.kind == 'q' || (t.kind == 'i' && !token_is_any(&t, constants)))) {
        /* a bare word, or one in double quotes, is a text here */
        sql = sqlite3_str_new(NULL);
        sqlite3_str_appendchar(sql, 1, '\'');
        for (const char *s = t.kind == 'q' ? t.p + 1 : t.p, *end = t.p + t.n - (t.kind == 'q'); s < end; s++) {
            sqlite3_str_appendchar(sql, *s == '\'' ? 2 : 1, *s);
            if (t.kind == 'q' && *s == *t.p && *t.p != '[')
                s++;
        }
        sqlite3_str_appendchar(sql, 1, '\'');
        return finish(a, sql, out, e);
    }
    p = text;
    for (t = next_token(&p); t.kind != 0; t = next_token(&p)) {
        *varies |= t.kind == 'q' || (t.kind == 'i' && !token_is_any(&t, constants));
        random |= token_is(&t, "randomblob");
    }
    /* what is made of random bytes is taken for unique, as the application does */
    *drawn = *varies && !random;
    if (*varies)
        return SQLITE_OK;
    /* a comment in it must not swallow what follows */
    sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "(%s\n)", text);
    return finish(a, sql, out, e);
}

/*
 * Makes of a default what a column of that affinity stores: a text that looks
 * like a number becomes one only where it does.  The comparison has CAST's
 * affinity, which is NUMERIC, applied to the default.
 */
static int apply_affinity(parity_arena *a, parity_store_as store, char **value, sq_error *e)
{
    sqlite3_str *sql;

    if (*value == NULL || store == PARITY_STORE_BLOB)
        return SQLITE_OK;
    sql = sqlite3_str_new(NULL);
    if (store == PARITY_STORE_ANY_TEXT)
        sqlite3_str_appendf(sql, "(CASE WHEN typeof(%s) IN ('integer', 'real') THEN CAST(%s AS TEXT) ELSE %s END)", *value,
                            *value, *value);
    else {
        const char *type = store == PARITY_STORE_REAL ? "REAL" : "NUMERIC";

        sqlite3_str_appendf(sql, "(CASE WHEN CAST(%s AS %s) = %s THEN CAST(%s AS %s) ELSE %s END)", *value, type, *value,
                            *value, type, *value);
    }
    return finish(a, sql, value, e);
}

static int read_columns(sqlite3 *db, parity_arena *a, plan *p, sq_error *e)
{
    sqlite3_stmt *stmt;
    sq_storage storage;
    sq_columninfo *known;
    int n = 0, rc;
    bool row;

    SQ_TRY(sq_columns(db, a, p->table, &known, &p->ncolumns, e));
    p->columns = parity_arena_alloc(a, (size_t)p->ncolumns * sizeof *p->columns);
    if (p->columns == NULL)
        return sq_nomem(e);
    SQ_TRY(sq_storage_of(db, p->table, &storage, e));
    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".table_xinfo(\"%w\")", p->table->schema, p->table->name));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row && n < p->ncolumns) {
        column *c = &p->columns[n];
        const char *declared;
        char *text;

        if (sqlite3_column_int(stmt, 6) == 1)
            continue;
        c->name = known[n].name;
        c->notnull = known[n].notnull;
        c->generated = known[n].generated;
        c->pk = known[n].pk;
        declared = known[n].declared;
        n++;
        rc = sq_column_copy(a, stmt, 4, &text, e);
        if (rc == SQLITE_OK && text != NULL && !c->generated)
            rc = read_default(a, text, &c->fallback, &c->varies, &c->drawn, e);
        if (rc == SQLITE_OK)
            rc = apply_affinity(a, sq_store_of(declared, &storage), &c->fallback, e);
        if (rc != SQLITE_OK)
            break;
        if (!c->notnull)
            c->fallback = NULL; /* NULL stays */
        p->generated |= c->generated;
        p->defaults |= c->notnull && (c->fallback != NULL || c->varies);
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* ------------------------------------------------------------------- unique indexes */

/* Takes the expressions and the condition of an index from its SQL. */
static int parse_index(parity_arena *a, plan *p, unique *u, const char *sql, sq_error *e)
{
    const char *at = sql, *start, *end;
    token t, last = {NULL, 0, 0};
    int depth = 1, i = 0;

    do
        t = next_token(&at);
    while (t.kind != 0 && !token_is(&t, "ON"));
    do
        t = next_token(&at);
    while (t.kind != 0 && !token_is(&t, "("));
    start = at;
    while (depth > 0) {
        t = next_token(&at);
        if (t.kind == 0)
            return sq_fail(e, PARITY_INVALID, NULL, NULL, "the SQL of index \"%.100s\" is not understood", u->name);
        if (token_is(&t, "("))
            depth++;
        else if (token_is(&t, ")"))
            depth--;
        if (depth == 0 || (depth == 1 && token_is(&t, ","))) {
            end = token_is(&last, "ASC") || token_is(&last, "DESC") ? last.p : t.p;
            if (i < u->nterms && u->terms[i].column == NULL)
                SQ_TRY(copy(a, start, (size_t)(end - start), &u->terms[i].expression, e));
            i++;
            start = at;
        }
        last = t;
    }
    t = next_token(&at);
    if (token_is(&t, "WHERE"))
        SQ_TRY(copy(a, at, strlen(at), &u->where, e));
    for (i = 0; i < u->nterms; i++) {
        const char *why = NULL;

        if (u->terms[i].column == NULL && u->terms[i].expression == NULL)
            why = "its SQL is not understood";
        else if (u->terms[i].column == NULL)
            why = unusable(p, u->terms[i].expression, true);
        if (why == NULL && u->where != NULL)
            why = unusable(p, u->where, false);
        if (why != NULL)
            return sq_fail(e, PARITY_INVALID, why, "an index on a generated column can be followed",
                           "the unique index \"%.100s\" cannot be followed by triggers", u->name);
    }
    return SQLITE_OK;
}

/* The SQL of an index or a table; *out is NULL when it has none. */
static int object_sql(sqlite3 *db, parity_arena *a, const plan *p, const char *type, const char *name, char **out,
                      sq_error *e)
{
    sqlite3_stmt *stmt;
    bool row;
    int rc;

    *out = NULL;
    SQ_TRY(sq_prepare(db, &stmt, e,
                      "SELECT m.sql FROM \"%w\".sqlite_master m WHERE m.type = %Q AND m.name = %Q", p->table->schema,
                      type, name));
    rc = sq_step(db, stmt, &row, e);
    if (rc == SQLITE_OK && row)
        rc = sq_column_copy(a, stmt, 0, out, e);
    sqlite3_finalize(stmt);
    return rc;
}

/* Reads the terms of an index, those that are its key. */
static int read_terms(sqlite3 *db, parity_arena *a, const plan *p, unique *u, sq_error *e)
{
    sqlite3_stmt *stmt;
    bool row;
    int rc, cap = 0;

    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".index_xinfo(\"%w\")", p->table->schema, u->name));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        char *name = NULL;
        term *t;

        if (sqlite3_column_int(stmt, 5) == 0)
            continue;
        if (u->nterms == cap) {
            term *more = parity_arena_alloc(a, (size_t)(cap = cap * 2 + 8) * sizeof *more);

            if (more == NULL) {
                rc = sq_nomem(e);
                break;
            }
            if (u->nterms > 0)
                memcpy(more, u->terms, (size_t)u->nterms * sizeof *more);
            u->terms = more;
        }
        t = &u->terms[u->nterms++];
        memset(t, 0, sizeof *t);
        rc = sq_column_copy(a, stmt, 2, &name, e);
        if (rc == SQLITE_OK)
            rc = sq_column_copy(a, stmt, 4, &t->collation, e);
        if (rc != SQLITE_OK)
            break;
        for (int i = 0; name != NULL && i < p->ncolumns; i++)
            if (sqlite3_stricmp(p->columns[i].name, name) == 0)
                t->column = &p->columns[i];
        u->computed |= t->column == NULL || t->column->generated || t->column->drawn;
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* Reads all unique indexes; the primary key of a WITHOUT ROWID table becomes the key of the log. */
static int read_uniques(sqlite3 *db, parity_arena *a, plan *p, const char *rowid, sq_error *e)
{
    sq_capture *out = p->out;
    unique *u;
    sqlite3_stmt *stmt;
    bool row;
    int rc;

    SQ_TRY(sq_prepare(db, &stmt, e, "PRAGMA \"%w\".index_list(\"%w\")", p->table->schema, p->table->name));
    while ((rc = sq_step(db, stmt, &row, e)) == SQLITE_OK && row) {
        bool has_rowid = false, primary;
        char *sql, *origin = NULL;
        unique **at = &p->uniques;

        if (sqlite3_column_int(stmt, 2) == 0)
            continue;
        u = parity_arena_alloc(a, sizeof *u);
        if (u == NULL) {
            rc = sq_nomem(e);
            break;
        }
        rc = sq_column_copy(a, stmt, 1, &u->name, e);
        if (rc == SQLITE_OK)
            rc = sq_column_copy(a, stmt, 3, &origin, e);
        if (rc == SQLITE_OK && u->name == NULL)
            continue;
        if (rc == SQLITE_OK)
            rc = read_terms(db, a, p, u, e);
        if (rc == SQLITE_OK)
            rc = object_sql(db, a, p, "index", u->name, &sql, e);
        if (rc == SQLITE_OK && sql != NULL)
            rc = parse_index(a, p, u, sql, e);
        if (rc != SQLITE_OK)
            break;
        primary = origin != NULL && strcmp(origin, "pk") == 0;
        out->indexed |= sql == NULL;
        if (primary && !out->rowid) {
            out->nkeys = u->nterms;
            out->keys = parity_arena_alloc(a, (size_t)u->nterms * sizeof *out->keys);
            out->collations = parity_arena_alloc(a, (size_t)u->nterms * sizeof *out->collations);
            if (out->keys == NULL || out->collations == NULL) {
                rc = sq_nomem(e);
                break;
            }
            for (int i = 0; i < u->nterms; i++) {
                out->keys[i] = u->terms[i].column->name;
                out->collations[i] = u->terms[i].collation;
            }
            continue;
        }
        /* the rowid among its columns: no other row can have all of them */
        for (int i = 0; i < u->nterms; i++)
            has_rowid |= rowid != NULL && u->terms[i].column != NULL && strcmp(u->terms[i].column->name, rowid) == 0;
        if (has_rowid)
            continue;
        u->noted = u->nterms > 1 || u->computed;
        /* by name: the order in which SQLite tells them is not always the same */
        while (*at != NULL && strcmp((*at)->name, u->name) < 0)
            at = &(*at)->next;
        u->next = *at;
        *at = u;
    }
    sqlite3_finalize(stmt);
    for (u = p->uniques; u != NULL; u = u->next)
        if (u->noted) {
            u->first_note = p->nnotes + 1;
            p->nnotes += u->nterms;
        }
    return rc;
}

/* -------------------------------------------------------------------- pieces of SQL */

static const column *column_of(const plan *p, const char *name)
{
    for (int i = 0; i < p->ncolumns; i++)
        if (sqlite3_stricmp(p->columns[i].name, name) == 0)
            return &p->columns[i];
    return NULL;
}

/* The value that the new row will have, once a NULL has become a default. */
static void put_new(sqlite3_str *s, const column *c)
{
    if (c->fallback != NULL)
        sqlite3_str_appendf(s, "CASE WHEN NEW.\"%w\" IS NULL THEN %s ELSE NEW.\"%w\" END", c->name, c->fallback, c->name);
    else
        sqlite3_str_appendf(s, "NEW.\"%w\"", c->name);
}

/* A key column of the new row. */
static void put_new_key(sqlite3_str *s, const plan *p, int i)
{
    const column *c = p->out->rowid ? NULL : column_of(p, p->out->keys[i]);

    if (c != NULL)
        put_new(s, c);
    else
        sqlite3_str_appendf(s, "NEW.\"%w\"", p->out->keys[i]);
}

/* What a term of an index is in the new row. */
static void put_new_term(sqlite3_str *s, const plan *p, const term *t)
{
    if (t->column != NULL) {
        put_new(s, t->column);
        return;
    }
    sqlite3_str_appendf(s, "(SELECT (%s\n) FROM (SELECT ", t->expression);
    for (int i = 0; i < p->ncolumns; i++) {
        if (i > 0)
            sqlite3_str_appendall(s, ", ");
        put_new(s, &p->columns[i]);
        sqlite3_str_appendf(s, " AS \"%w\"", p->columns[i].name);
    }
    sqlite3_str_appendall(s, "))");
}

/* "INSERT INTO log(k1, …, what, v1, …)", or without v. */
static void put_into(sqlite3_str *s, const plan *p, bool values)
{
    sqlite3_str_appendf(s, " INSERT INTO \"%w\"(", p->out->log);
    for (int i = 0; i < p->out->nkeys; i++)
        sqlite3_str_appendf(s, "k%d, ", i + 1);
    sqlite3_str_appendall(s, "what");
    for (int i = 0; values && i < p->spec->ncolumns; i++)
        sqlite3_str_appendf(s, ", v%d", i + 1);
    sqlite3_str_appendall(s, ")");
}

/* The key and the columns of a row: from is OLD, or NULL for the table. */
static void put_keys(sqlite3_str *s, const plan *p, const char *from)
{
    for (int i = 0; i < p->out->nkeys; i++)
        sqlite3_str_appendf(s, "\"%w\".\"%w\", ", from != NULL ? from : p->self, p->out->keys[i]);
}

static void put_values(sqlite3_str *s, const plan *p, const char *from)
{
    for (int i = 0; i < p->spec->ncolumns; i++)
        sqlite3_str_appendf(s, ", \"%w\".\"%w\"", from != NULL ? from : p->self, p->spec->columns[i].name);
}

/* Whether the key of a row is one that the table had; as one condition. */
static void put_in_range(sqlite3_str *s, const plan *p, const char *row)
{
    sqlite3_str_appendf(s, "EXISTS (SELECT 1 FROM " SQ_LIVE " WHERE " SQ_LIVE ".id = %lld AND %s.\"%w\" BETWEEN " SQ_LIVE
                        ".lo AND " SQ_LIVE ".hi)",
                        p->id, row, p->out->keys[0]);
}

/* The same for statements that read parity_live. */
static void put_range(sqlite3_str *s, const plan *p, const char *row)
{
    sqlite3_str_appendf(s, SQ_LIVE ".id = %lld AND %s.\"%w\" BETWEEN " SQ_LIVE ".lo AND " SQ_LIVE ".hi", p->id, row,
                        p->out->keys[0]);
}

/* The greatest rowid there is; NULL in an empty table. */
static void put_greatest(sqlite3_str *s, const plan *p)
{
    sqlite3_str_appendf(s, "(SELECT \"%w\".\"%w\" FROM %s ORDER BY \"%w\".\"%w\" DESC LIMIT 1)", p->self,
                        p->out->keys[0], p->from, p->self, p->out->keys[0]);
}

/* Whether the update changes what the index is made of; always for those of which that is not plain to see. */
static void put_changed(sqlite3_str *s, const unique *u)
{
    if (u->computed || u->where != NULL) {
        sqlite3_str_appendall(s, "1");
        return;
    }
    for (int i = 0; i < u->nterms; i++)
        sqlite3_str_appendf(s, "%sNEW.\"%w\" COLLATE \"BINARY\" IS NOT OLD.\"%w\"", i > 0 ? " OR " : "",
                            u->terms[i].column->name, u->terms[i].column->name);
}

/* Whether a NULL of the new row is to become a default; *any is false when that cannot be. */
static void put_defaults(sqlite3_str *s, const plan *p, bool *any)
{
    *any = false;
    for (int i = 0; i < p->ncolumns; i++) {
        const column *c = &p->columns[i];

        if (!c->notnull || (c->fallback == NULL && !c->varies))
            continue;
        sqlite3_str_appendf(s, "%sNEW.\"%w\" IS NULL", *any ? " OR " : "(", c->name);
        *any = true;
    }
    sqlite3_str_appendall(s, *any ? ")" : "0");
}

/* Logs the rows that have the new row's values in a unique index; of the term `any` any value, unless it is -1. */
static void put_probe(sqlite3_str *s, const plan *p, const unique *u, bool update, int any)
{
    put_into(s, p, true);
    sqlite3_str_appendall(s, " SELECT ");
    put_keys(s, p, NULL);
    sqlite3_str_appendall(s, "1");
    put_values(s, p, NULL);
    sqlite3_str_appendf(s, " FROM %s WHERE ", p->from);
    if (update) {
        sqlite3_str_appendall(s, "(");
        put_changed(s, u);
        sqlite3_str_appendall(s, ")");
    } else {
        sqlite3_str_appendall(s, "1");
    }
    for (int i = 0; i < u->nterms; i++) {
        const term *t = &u->terms[i];

        if (i == any) {
            sqlite3_str_appendf(s, " AND NEW.\"%w\" IS NULL", t->column->name);
            continue;
        }
        if (t->column != NULL)
            sqlite3_str_appendf(s, " AND \"%w\".\"%w\"", p->self, t->column->name);
        else
            sqlite3_str_appendf(s, " AND (%s\n)", t->expression);
        sqlite3_str_appendf(s, " COLLATE \"%w\" = ", t->collation);
        put_new_term(s, p, t);
    }
    if (u->where != NULL)
        sqlite3_str_appendf(s, " AND (%s\n)", u->where);
    if (p->out->rowid) {
        /* +: this is no reason to go through the table by its rowids */
        sqlite3_str_appendf(s, " AND +\"%w\".\"%w\" BETWEEN", p->self, p->out->keys[0]);
        sqlite3_str_appendf(s, " (SELECT " SQ_LIVE ".lo FROM " SQ_LIVE " WHERE " SQ_LIVE ".id = %lld) AND", p->id);
        sqlite3_str_appendf(s, " (SELECT " SQ_LIVE ".hi FROM " SQ_LIVE " WHERE " SQ_LIVE ".id = %lld)", p->id);
    }
    sqlite3_str_appendall(s, ";");
}

/*
 * When a NULL becomes a default, generated columns of NEW are not computed again,
 * and a default that varies is not known.  Logs all rows then that may have what
 * the new row will have.
 */
static void put_wide_probe(sqlite3_str *s, const plan *p, const unique *u)
{
    bool any;

    put_into(s, p, true);
    sqlite3_str_appendall(s, " SELECT ");
    put_keys(s, p, NULL);
    sqlite3_str_appendall(s, "1");
    put_values(s, p, NULL);
    sqlite3_str_appendf(s, " FROM %s WHERE ", p->from);
    put_defaults(s, p, &any);
    for (int i = 0; i < u->nterms; i++) {
        const column *c = u->terms[i].column;

        if (c == NULL || c->generated || c->varies)
            continue;
        sqlite3_str_appendf(s, " AND \"%w\".\"%w\" COLLATE \"%w\" = ", p->self, c->name, u->terms[i].collation);
        put_new(s, c);
    }
    if (u->where != NULL)
        sqlite3_str_appendf(s, " AND (%s\n)", u->where);
    sqlite3_str_appendall(s, ";");
}

static void put_probes(sqlite3_str *s, const plan *p, bool update)
{
    for (const unique *u = p->uniques; u != NULL; u = u->next) {
        put_probe(s, p, u, update, -1);
        for (int i = 0; i < u->nterms; i++)
            if (u->terms[i].column != NULL && u->terms[i].column->varies && u->terms[i].column->notnull)
                put_probe(s, p, u, update, i);
        if (u->computed && p->defaults)
            put_wide_probe(s, p, u);
    }
}

/* Notes the unique keys that the new row is to have, when one of them changes. */
static void put_note(sqlite3_str *s, const plan *p, bool update)
{
    bool wide = p->defaults, first = true;

    sqlite3_str_appendf(s, " INSERT INTO \"%w\"(", p->out->log);
    for (int i = 0; wide && i < p->out->nkeys; i++)
        sqlite3_str_appendf(s, "k%d, ", i + 1);
    sqlite3_str_appendall(s, "what");
    for (int i = 0; i < p->nnotes; i++)
        sqlite3_str_appendf(s, ", n%d", i + 1);
    sqlite3_str_appendall(s, ") SELECT ");
    for (int i = 0; wide && i < p->out->nkeys; i++) {
        put_new_key(s, p, i);
        sqlite3_str_appendall(s, ", ");
    }
    if (wide) {
        sqlite3_str_appendall(s, "CASE WHEN ");
        put_defaults(s, p, &wide);
        sqlite3_str_appendall(s, " THEN 6 ELSE 5 END");
    } else {
        sqlite3_str_appendall(s, "5");
    }
    for (const unique *u = p->uniques; u != NULL; u = u->next)
        for (int i = 0; u->noted && i < u->nterms; i++) {
            sqlite3_str_appendall(s, ", ");
            put_new_term(s, p, &u->terms[i]);
        }
    for (const unique *u = p->uniques; update && u != NULL; u = u->next)
        if (u->noted) {
            sqlite3_str_appendall(s, first ? " WHERE " : " OR ");
            put_changed(s, u);
            first = false;
        }
    sqlite3_str_appendall(s, ";");
}

/* Compares the unique keys that the row has now with the notes. */
static void put_compare(sqlite3_str *s, const plan *p, bool update)
{
    for (const unique *u = p->uniques; u != NULL; u = u->next) {
        if (!u->noted || (!update && !u->computed))
            continue;
        sqlite3_str_appendf(s, " INSERT INTO \"%w\"(what) SELECT 4 WHERE ", p->out->log);
        if (update) {
            sqlite3_str_appendall(s, "(");
            put_changed(s, u);
            sqlite3_str_appendall(s, ") AND ");
        }
        sqlite3_str_appendall(s, "NOT EXISTS (SELECT 1 FROM (SELECT what");
        for (int i = 0; i < p->out->nkeys; i++)
            sqlite3_str_appendf(s, ", k%d", i + 1);
        for (int i = 0; i < u->nterms; i++)
            sqlite3_str_appendf(s, ", n%d", u->first_note + i);
        sqlite3_str_appendf(s, " FROM \"%w\" ORDER BY seq DESC LIMIT %d) r WHERE ", p->out->log, RECENT);
        if (u->computed && p->defaults) {
            sqlite3_str_appendall(s, "(r.what = 6");
            for (int i = 0; i < p->out->nkeys; i++)
                sqlite3_str_appendf(s, " AND (r.k%d = NEW.\"%w\" OR r.k%d IS NULL%s)", i + 1, p->out->keys[i], i + 1,
                                    p->out->rowid ? " OR r.k1 = -1" : "");
            sqlite3_str_appendall(s, ") OR ");
        }
        sqlite3_str_appendall(s, "(r.what IN (5, 6)");
        for (int i = 0; i < u->nterms; i++) {
            sqlite3_str_appendf(s, " AND r.n%d IS ", u->first_note + i);
            put_new_term(s, p, &u->terms[i]);
        }
        sqlite3_str_appendall(s, "));");
    }
}

/* Whether an update changes the key. */
static void put_moved(sqlite3_str *s, const plan *p)
{
    sqlite3_str_appendall(s, "(");
    for (int i = 0; i < p->out->nkeys; i++)
        sqlite3_str_appendf(s, "%sNEW.\"%w\" COLLATE \"BINARY\" IS NOT OLD.\"%w\"", i > 0 ? " OR " : "", p->out->keys[i],
                            p->out->keys[i]);
    sqlite3_str_appendall(s, ")");
}

/* Logs the row that has the key of the new row, or that there is none: what an INSERT, or an UPDATE of a key, needs. */
static void put_arrival(sqlite3_str *s, const plan *p, bool update)
{
    const sq_capture *out = p->out;

    put_into(s, p, true);
    sqlite3_str_appendall(s, " SELECT ");
    for (int i = 0; i < out->nkeys; i++) {
        put_new_key(s, p, i);
        sqlite3_str_appendall(s, ", ");
    }
    sqlite3_str_appendf(s, "CASE WHEN \"%w\".\"%w\" IS NULL THEN 0 ELSE 2 END", p->self, out->keys[0]);
    put_values(s, p, NULL);
    sqlite3_str_appendf(s, " FROM %s LEFT JOIN %s ON ", out->rowid ? SQ_LIVE : "(SELECT 1)", p->from);
    for (int i = 0; i < out->nkeys; i++) {
        sqlite3_str_appendf(s, "%s\"%w\".\"%w\"", i > 0 ? " AND " : "", p->self, out->keys[i]);
        if (!out->rowid)
            sqlite3_str_appendf(s, " COLLATE \"%w\"", out->collations[i]);
        sqlite3_str_appendall(s, " = ");
        put_new_key(s, p, i);
    }
    if (out->rowid || update)
        sqlite3_str_appendall(s, " WHERE ");
    if (update)
        put_moved(s, p);
    if (out->rowid && update)
        sqlite3_str_appendall(s, " AND ");
    if (out->rowid)
        put_range(s, p, "NEW");
    sqlite3_str_appendall(s, ";");
}

/* Logs the row that is changed or deleted. */
static void put_departure(sqlite3_str *s, const plan *p)
{
    put_into(s, p, true);
    sqlite3_str_appendall(s, " SELECT ");
    put_keys(s, p, "OLD");
    sqlite3_str_appendall(s, "1");
    put_values(s, p, "OLD");
    if (p->out->rowid) {
        sqlite3_str_appendall(s, " FROM " SQ_LIVE " WHERE ");
        put_range(s, p, "OLD");
    }
    sqlite3_str_appendall(s, ";");
}

/* -------------------------------------------------------------------------- triggers */

static void put_before_insert(sqlite3_str *s, const plan *p)
{
    const sq_capture *out = p->out;
    bool notes = false;

    for (const unique *u = p->uniques; u != NULL; u = u->next)
        notes |= u->computed;
    if (out->rowid && p->uniques == NULL) {
        /* NEW.rowid is -1 where SQLite is to choose one; EXISTS costs less than the value of a subquery */
        sqlite3_str_appendf(s, " WHEN EXISTS (SELECT 1 FROM " SQ_LIVE " WHERE " SQ_LIVE ".id = %lld AND NEW.\"%w\" <= "
                            SQ_LIVE ".hi AND (NEW.\"%w\" >= " SQ_LIVE ".lo OR (NEW.\"%w\" = -1 AND (",
                            p->id, out->keys[0], out->keys[0], out->keys[0]);
        put_greatest(s, p);
        sqlite3_str_appendall(s, " < " SQ_LIVE ".hi) IS NOT 0)))");
    }
    sqlite3_str_appendall(s, " BEGIN");
    put_arrival(s, p, false);
    if (out->rowid) {
        put_into(s, p, false);
        sqlite3_str_appendf(s, " SELECT CASE WHEN g.k IS NULL THEN 1 ELSE g.k + 1 END, 0 FROM " SQ_LIVE ", (SELECT ");
        put_greatest(s, p);
        sqlite3_str_appendf(s, " AS k) g WHERE NEW.\"%w\" = -1 AND " SQ_LIVE ".id = %lld AND (g.k < " SQ_LIVE
                            ".hi) IS NOT 0;",
                            out->keys[0], p->id);
    }
    if (p->sequence) {
        /* sqlite_sequence may be ahead of the table */
        put_into(s, p, false);
        sqlite3_str_appendf(s, " SELECT q.seq + 1, 0 FROM " SQ_LIVE ", sqlite_sequence q WHERE NEW.\"%w\" = -1 AND "
                            SQ_LIVE ".id = %lld AND q.name = %Q AND q.seq < " SQ_LIVE ".hi AND (",
                            out->keys[0], p->id, p->table->name);
        put_greatest(s, p);
        sqlite3_str_appendall(s, " < q.seq) IS NOT 0;");
    }
    put_probes(s, p, false);
    if (notes)
        put_note(s, p, false);
}

/* Logs a key that was not announced; range: unless the table cannot have had it. */
static void put_unforeseen(sqlite3_str *s, const plan *p, bool update, bool range)
{
    const sq_capture *out = p->out;

    put_into(s, p, false);
    sqlite3_str_appendall(s, " SELECT ");
    for (int i = 0; i < out->nkeys; i++)
        sqlite3_str_appendf(s, "NEW.\"%w\", ", out->keys[i]);
    sqlite3_str_appendall(s, "3 WHERE ");
    if (out->rowid && range) {
        put_in_range(s, p, "NEW");
        sqlite3_str_appendall(s, " AND ");
    }
    if (update) {
        put_moved(s, p);
        sqlite3_str_appendall(s, " AND ");
    }
    sqlite3_str_appendall(s, "NOT EXISTS (SELECT 1 FROM (SELECT ");
    for (int i = 0; i < out->nkeys; i++)
        sqlite3_str_appendf(s, "k%d, ", i + 1);
    sqlite3_str_appendf(s, "what FROM \"%w\" ORDER BY seq DESC LIMIT %d) r WHERE r.what IN (0, 2)", out->log, RECENT);
    for (int i = 0; i < out->nkeys; i++)
        sqlite3_str_appendf(s, " AND r.k%d = NEW.\"%w\"", i + 1, out->keys[i]);
    sqlite3_str_appendall(s, ");");
}

static void put_after_insert(sqlite3_str *s, const plan *p)
{
    const sq_capture *out = p->out;
    bool plain = true;

    for (const unique *u = p->uniques; u != NULL; u = u->next)
        plain &= !u->computed;
    if (out->rowid && plain) {
        sqlite3_str_appendall(s, " WHEN ");
        put_in_range(s, p, "NEW");
    }
    sqlite3_str_appendall(s, " BEGIN");
    put_unforeseen(s, p, false, !plain);
    put_compare(s, p, false);
}

static void put_before_update(sqlite3_str *s, const plan *p)
{
    bool any = false;

    sqlite3_str_appendall(s, " BEGIN");
    /* SQLite computes generated columns of NEW from those columns alone that the trigger names */
    for (int i = 0; p->generated && i < p->ncolumns; i++)
        if (!p->columns[i].generated) {
            sqlite3_str_appendf(s, "%sNEW.\"%w\"", any ? ", " : " SELECT ", p->columns[i].name);
            any = true;
        }
    if (any)
        sqlite3_str_appendall(s, ";");
    put_departure(s, p);
    put_arrival(s, p, true);
    put_probes(s, p, true);
    if (p->nnotes > 0)
        put_note(s, p, true);
}

static void put_after_update(sqlite3_str *s, const plan *p)
{
    sqlite3_str_appendall(s, " BEGIN");
    if (p->varies)
        put_unforeseen(s, p, true, false);
    put_compare(s, p, true);
}

static void put_before_delete(sqlite3_str *s, const plan *p)
{
    sqlite3_str_appendall(s, " BEGIN");
    put_departure(s, p);
}

/* The columns whose update put_compare is about; none when it is about any. */
static void put_of(sqlite3_str *s, const plan *p)
{
    bool any = false;

    if (p->varies)
        return;
    for (const unique *u = p->uniques; u != NULL; u = u->next)
        if (u->noted && (u->computed || u->where != NULL))
            return;
    for (const unique *u = p->uniques; u != NULL; u = u->next)
        for (int i = 0; u->noted && i < u->nterms; i++) {
            sqlite3_str_appendf(s, "%s\"%w\"", any ? ", " : " OF ", u->terms[i].column->name);
            any = true;
        }
}

/* Adds a trigger to the list of objects. */
static int add_trigger(parity_arena *a, plan *p, const char *suffix, const char *event,
                       void (*body)(sqlite3_str *, const plan *), sq_error *e)
{
    sq_object *o = &p->out->objects[p->out->nobjects++];
    sqlite3_str *s = sqlite3_str_new(NULL);
    char *name = sqlite3_mprintf(SQ_LIVE "_%lld_%s", p->id, suffix);
    int rc = name == NULL ? sq_nomem(e) : copy(a, name, strlen(name), &o->name, e);

    sqlite3_free(name);
    o->type = "trigger";
    if (rc == SQLITE_OK) {
        sqlite3_str_appendf(s, "\"%w\" %s", o->name, event);
        if (body == put_after_update)
            put_of(s, p);
        sqlite3_str_appendf(s, " ON \"%w\"", p->table->name);
        body(s, p);
        sqlite3_str_appendall(s, " END");
    }
    if (rc != SQLITE_OK) {
        sqlite3_free(sqlite3_str_finish(s));
        return rc;
    }
    return finish(a, s, &o->sql, e);
}

static int add_log(parity_arena *a, plan *p, sq_error *e)
{
    sq_object *o = &p->out->objects[p->out->nobjects++];
    sqlite3_str *s = sqlite3_str_new(NULL);

    o->type = "table";
    o->name = p->out->log;
    sqlite3_str_appendf(s, "\"%w\"(seq INTEGER PRIMARY KEY", p->out->log);
    for (int i = 0; i < p->out->nkeys; i++) {
        sqlite3_str_appendf(s, ", k%d", i + 1);
        if (!p->out->rowid)
            sqlite3_str_appendf(s, " COLLATE \"%w\"", p->out->collations[i]);
    }
    sqlite3_str_appendall(s, ", what");
    for (int i = 0; i < p->spec->ncolumns; i++)
        sqlite3_str_appendf(s, ", v%d", i + 1);
    for (int i = 0; i < p->nnotes; i++)
        sqlite3_str_appendf(s, ", n%d", i + 1);
    sqlite3_str_appendall(s, ")");
    return finish(a, s, &o->sql, e);
}

/* The name under which the rowid can be read; *column is that of the column that is the same. */
static int read_rowid(sqlite3 *db, parity_arena *a, const sq_table *t, char **name, const char **column, sq_error *e)
{
    parity_local_table local;

    SQ_TRY(sq_local_table(db, a, t, &local, e));
    *column = NULL;
    for (int i = 0; i < local.ncolumns; i++)
        if (local.columns[i].rowid)
            *column = local.columns[i].name;
    if (*column == NULL && local.row_id == NULL)
        return sq_fail(e, PARITY_INVALID, "it has columns of all the names that the rowid goes by, and no INTEGER PRIMARY KEY",
                       "give it an INTEGER PRIMARY KEY", "the rows of table \"%.100s\" cannot be told apart", t->name);
    return copy(a, *column != NULL ? *column : local.row_id, strlen(*column != NULL ? *column : local.row_id), name, e);
}

/* Whether the table is AUTOINCREMENT, which no PRAGMA tells. */
static int read_sequence(sqlite3 *db, parity_arena *a, plan *p, sq_error *e)
{
    const char *at;
    char *sql;
    token t;

    SQ_TRY(object_sql(db, a, p, "table", p->table->name, &sql, e));
    if (sql == NULL)
        return SQLITE_OK;
    at = sql;
    do {
        t = next_token(&at);
        p->sequence |= token_is(&t, "AUTOINCREMENT");
    } while (t.kind != 0);
    return SQLITE_OK;
}

int sq_capture_of(sqlite3 *db, parity_arena *a, const sq_table *t, const parity_spec *spec, sqlite3_int64 id,
                  sq_capture *out, sq_error *e)
{
    const char *rowid = NULL;
    sq_storage storage;
    plan p;
    char *name;
    bool check;
    int rc;

    memset(out, 0, sizeof *out);
    memset(&p, 0, sizeof p);
    p.table = t;
    p.spec = spec;
    p.id = id;
    p.out = out;
    p.self = sqlite3_stricmp(t->name, "old") == 0 || sqlite3_stricmp(t->name, "new") == 0 ? "parity_row" : t->name;
    name = sqlite3_mprintf(p.self != t->name ? "\"%w\" AS parity_row" : "\"%w\"", t->name);
    rc = name == NULL ? sq_nomem(e) : copy(a, name, strlen(name), &p.from, e);
    sqlite3_free(name);
    if (rc != SQLITE_OK)
        return rc;
    SQ_TRY(sq_storage_of(db, t, &storage, e));
    out->rowid = !storage.without_rowid;
    SQ_TRY(read_columns(db, a, &p, e));
    if (out->rowid) {
        out->nkeys = 1;
        out->keys = parity_arena_alloc(a, sizeof *out->keys);
        if (out->keys == NULL)
            return sq_nomem(e);
        SQ_TRY(read_rowid(db, a, t, &out->keys[0], &rowid, e));
        out->moves = rowid == NULL;
        SQ_TRY(read_sequence(db, a, &p, e));
    }
    SQ_TRY(read_uniques(db, a, &p, rowid, e));
    name = sqlite3_mprintf(SQ_LIVE "_log_%lld", id);
    rc = name == NULL ? sq_nomem(e) : copy(a, name, strlen(name), &out->log, e);
    sqlite3_free(name);
    if (rc != SQLITE_OK)
        return rc;
    out->objects = parity_arena_alloc(a, 6 * sizeof *out->objects);
    if (out->objects == NULL)
        return sq_nomem(e);
    out->strict = out->rowid;
    for (int i = 0; !out->rowid && i < out->nkeys; i++) {
        p.varies |= column_of(&p, out->keys[i])->varies;
        out->strict |= column_of(&p, out->keys[i])->drawn;
    }
    check = out->rowid || p.varies;
    for (const unique *u = p.uniques; u != NULL; u = u->next)
        check |= u->computed;
    SQ_TRY(add_log(a, &p, e));
    SQ_TRY(add_trigger(a, &p, "insert", "BEFORE INSERT", put_before_insert, e));
    if (check)
        SQ_TRY(add_trigger(a, &p, "inserted", "AFTER INSERT", put_after_insert, e));
    SQ_TRY(add_trigger(a, &p, "update", "BEFORE UPDATE", put_before_update, e));
    if (p.nnotes > 0 || p.varies)
        SQ_TRY(add_trigger(a, &p, "updated", "AFTER UPDATE", put_after_update, e));
    return add_trigger(a, &p, "delete", "BEFORE DELETE", put_before_delete, e);
}
