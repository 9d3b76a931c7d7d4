/*
 * value.c - SQLite's values as core's loosely typed ones
 *
 * The storage class is the value's own (sqlite3_value_type), never the
 * column's affinity.  Text is asked for before its length: the first call
 * may convert from UTF-16, and the length is that of what it made.  A value
 * of type TEXT without a pointer, or a BLOB with bytes but without a pointer,
 * is one that could not be converted or expanded for want of memory.
 */
#include <string.h>

#include "module.h"

int sq_column(sqlite3_stmt *stmt, int i, parity_value *out)
{
    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
        out->cls = PARITY_INTEGER;
        out->i = sqlite3_column_int64(stmt, i);
        return SQLITE_OK;
    case SQLITE_FLOAT:
        out->cls = PARITY_REAL;
        out->r = sqlite3_column_double(stmt, i);
        return SQLITE_OK;
    case SQLITE_TEXT:
        out->cls = PARITY_STRING;
        out->p = (const char *)sqlite3_column_text(stmt, i);
        out->n = out->p != NULL ? (size_t)sqlite3_column_bytes(stmt, i) : 0;
        return out->p != NULL ? SQLITE_OK : SQLITE_NOMEM;
    case SQLITE_BLOB:
        out->cls = PARITY_BLOB;
        out->p = sqlite3_column_blob(stmt, i);
        out->n = (size_t)sqlite3_column_bytes(stmt, i);
        return out->p != NULL || out->n == 0 ? SQLITE_OK : SQLITE_NOMEM;
    default:
        out->cls = PARITY_NULL;
        return SQLITE_OK;
    }
}

int sq_text_of(sqlite3_value *value, sq_text *out, sq_error *e)
{
    out->p = NULL;
    out->n = 0;
    if (value == NULL || sqlite3_value_type(value) == SQLITE_NULL)
        return SQLITE_OK;
    /* a BLOB's bytes are taken as they are: sqlite3_value_text would convert them in a UTF-16 database */
    if (sqlite3_value_type(value) == SQLITE_BLOB) {
        out->p = sqlite3_value_blob(value);
        out->n = (size_t)sqlite3_value_bytes(value);
        if (out->p == NULL && out->n == 0)
            out->p = "";
    } else {
        out->p = (const char *)sqlite3_value_text(value);
        out->n = out->p != NULL ? (size_t)sqlite3_value_bytes(value) : 0;
    }
    return out->p == NULL ? sq_nomem(e) : SQLITE_OK;
}

int sq_text_plain(sqlite3_value *value, const char *what, sq_text *out, sq_error *e)
{
    SQ_TRY(sq_text_of(value, out, e));
    if (out->p == NULL)
        return SQLITE_OK;
    if (sqlite3_value_type(value) == SQLITE_BLOB)
        return sq_fail(e, PARITY_INVALID, NULL, NULL, "%s is a BLOB, not text", what);
    if (strlen(out->p) != out->n)
        return sq_fail(e, PARITY_INVALID, NULL, NULL, "%s holds a NUL character", what);
    return SQLITE_OK;
}

int sq_text_required(sqlite3_value *value, const char *what, sq_text *out, sq_error *e)
{
    SQ_TRY(sq_text_plain(value, what, out, e));
    return out->p == NULL ? sq_fail(e, PARITY_INVALID, NULL, NULL, "%s is NULL", what) : SQLITE_OK;
}

int sq_column_copy(parity_arena *a, sqlite3_stmt *stmt, int i, char **out, sq_error *e)
{
    const char *text;

    *out = NULL;
    if (sqlite3_column_type(stmt, i) == SQLITE_NULL)
        return SQLITE_OK;
    text = (const char *)sqlite3_column_text(stmt, i);
    if (text != NULL)
        *out = parity_arena_copy(a, text, strlen(text));
    return *out == NULL ? sq_nomem(e) : SQLITE_OK;
}

void sq_result_text(sqlite3_context *ctx, const char *text)
{
    if (text != NULL)
        sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_result_null(ctx);
}
