/*
 * error.c - failures: from core's statuses and SQLite's codes to a function's
 * or a virtual table's error
 *
 * Core's words are written "message: detail (hint)".  An error of SQLite's
 * keeps its own code and words.  Running out of memory is always SQLITE_NOMEM,
 * without words.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "module.h"

void sq_error_init(sq_error *e)
{
    e->rc = SQLITE_OK;
    e->text = NULL;
    e->core.status = PARITY_OK;
    e->core.message[0] = e->core.detail[0] = e->core.hint[0] = '\0';
}

void sq_error_free(sq_error *e)
{
    sqlite3_free(e->text);
    sq_error_init(e);
}

static int code_of(parity_status status)
{
    switch (status) {
    case PARITY_OK:
        return SQLITE_OK;
    case PARITY_NOMEM:
        return SQLITE_NOMEM;
    case PARITY_LIMIT:
        return SQLITE_TOOBIG;
    default:
        return SQLITE_ERROR;
    }
}

int sq_fail(sq_error *e, parity_status status, const char *detail, const char *hint, const char *message, ...)
{
    char words[sizeof e->core.message];
    va_list args;

    va_start(args, message);
    vsnprintf(words, sizeof words, message, args);
    va_end(args);
    return sq_core(e, parity_fail(&e->core, status, detail, hint, "%s", words));
}

int sq_core(sq_error *e, parity_status status)
{
    if (status != PARITY_OK) {
        sqlite3_free(e->text);
        e->text = NULL;
        e->rc = code_of(status);
    }
    return code_of(status);
}

int sq_db(sq_error *e, sqlite3 *db, int rc)
{
    int extended = sqlite3_extended_errcode(db);

    sqlite3_free(e->text);
    e->text = NULL;
    e->rc = (extended & 0xff) == (rc & 0xff) ? extended : rc;
    if ((rc & 0xff) == SQLITE_NOMEM)
        return sq_nomem(e);
    e->text = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return e->text == NULL ? sq_nomem(e) : e->rc;
}

int sq_nomem(sq_error *e)
{
    return sq_core(e, PARITY_NOMEM);
}

int sq_error_move(sq_error *e, sq_error *from)
{
    sqlite3_free(e->text);
    *e = *from;
    sq_error_init(from);
    return e->rc;
}

parity_status sq_status(const sq_error *e)
{
    return e->rc == SQLITE_OK ? PARITY_OK : (e->rc & 0xff) == SQLITE_NOMEM ? PARITY_NOMEM : PARITY_ENGINE;
}

/* The words, from sqlite3_malloc; NULL when there is no memory. */
static char *join(const sq_error *e)
{
    const parity_error *c = &e->core;

    if (c->message[0] == '\0')
        return sqlite3_mprintf("parity: %s", sqlite3_errstr(e->rc));
    return sqlite3_mprintf("%s%s%s%s%s%s", c->message, c->detail[0] ? ": " : "", c->detail, c->hint[0] ? " (" : "",
                           c->hint, c->hint[0] ? ")" : "");
}

void sq_result_error(sqlite3_context *ctx, sq_error *e)
{
    if ((e->rc & 0xff) != SQLITE_NOMEM && e->text == NULL)
        e->text = join(e);
    if ((e->rc & 0xff) == SQLITE_NOMEM || e->text == NULL) {
        sqlite3_result_error_nomem(ctx);
    } else {
        sqlite3_result_error(ctx, e->text, -1);
        sqlite3_result_error_code(ctx, e->rc);
    }
    sq_error_free(e);
}

int sq_table_error(sqlite3_vtab *table, sq_error *e)
{
    int rc = e->rc;

    if ((rc & 0xff) != SQLITE_NOMEM && e->text == NULL && (e->text = join(e)) == NULL)
        rc = SQLITE_NOMEM;
    sqlite3_free(table->zErrMsg);
    table->zErrMsg = NULL;
    if ((rc & 0xff) != SQLITE_NOMEM) {
        table->zErrMsg = e->text;
        e->text = NULL;
    }
    sq_error_free(e);
    return rc;
}
