/*
 * statement.c - SQL that the module runs on the caller's connection
 *
 * Only operators and tables are used, no SQL function or collation: an
 * application may have replaced them.  Columns are written "table"."column",
 * since SQLite takes a bare "column" that does not exist for a string.
 */
#include <stdarg.h>

#include "module.h"

int sq_prepare_text(sqlite3 *db, char *sql, sqlite3_stmt **out, sq_error *e)
{
    int rc;

    *out = NULL;
    if (sql == NULL)
        return sq_nomem(e);
    rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);
    sqlite3_free(sql);
    return rc == SQLITE_OK ? SQLITE_OK : sq_db(e, db, rc);
}

int sq_prepare(sqlite3 *db, sqlite3_stmt **out, sq_error *e, const char *format, ...)
{
    va_list args;
    char *sql;

    va_start(args, format);
    sql = sqlite3_vmprintf(format, args);
    va_end(args);
    return sq_prepare_text(db, sql, out, e);
}

int sq_step(sqlite3 *db, sqlite3_stmt *stmt, bool *row, sq_error *e)
{
    int rc = sqlite3_step(stmt);

    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : sq_db(e, db, rc);
}

int sq_run(sqlite3 *db, sq_error *e, const char *format, ...)
{
    sqlite3_stmt *stmt;
    bool row = true;
    va_list args;
    char *sql;
    int rc;

    va_start(args, format);
    sql = sqlite3_vmprintf(format, args);
    va_end(args);
    rc = sq_prepare_text(db, sql, &stmt, e);
    /* with PRAGMA count_changes a write returns a row */
    while (rc == SQLITE_OK && row)
        rc = sq_step(db, stmt, &row, e);
    sqlite3_finalize(stmt);
    return rc;
}

int sq_snapshot(sqlite3 *db, const char *schema, sqlite3_stmt **out, sq_error *e)
{
    bool row;
    int rc = sq_prepare(db, out, e, "SELECT 1 FROM \"%w\".sqlite_master", schema);

    if (rc == SQLITE_OK)
        rc = sq_step(db, *out, &row, e);
    if (rc != SQLITE_OK) {
        sqlite3_finalize(*out);
        *out = NULL;
    }
    return rc;
}
