/*
 * rollout.c - whether a key falls into a percentage of all keys
 *
 *   parity_in_rollout(percent, kinds, v1, …)   1 or 0
 *
 *   SELECT * FROM users WHERE parity_in_rollout(12.5, 'int', id);
 *
 * Always the same keys, more of them as the percentage grows, and those that
 * PostgreSQL's parity.in_rollout(percent, v1, …) takes.  percent is read as
 * decimal(p,s) reads it: a REAL by its shortest digits.
 */
#include "module.h"

static int read_percent(sq_framer *f, sqlite3_value *value, parity_percent *out, sq_error *e)
{
    static const parity_kind decimal = {.id = PARITY_DECIMAL};
    parity_value v;
    unsigned notes = 0;

    if (sq_value(value, &v) != SQLITE_OK)
        return sq_nomem(e);
    f->buf.len = 0;
    SQ_TRY(sq_core(e, parity_put_value(&f->buf, &f->scratch, &decimal, &v, &notes)));
    return sq_core(e, parity_percent_read(f->buf.data, f->buf.len, out, &e->core));
}

/* The percentage, kept by SQLite while it is a constant. */
static int keep_percent(sqlite3_context *ctx, sq_framer *f, sqlite3_value *value, parity_percent *out, sq_error *e)
{
    const parity_percent *kept = sqlite3_get_auxdata(ctx, 0);
    parity_percent *copy;

    if (kept != NULL) {
        *out = *kept;
        return SQLITE_OK;
    }
    SQ_TRY(read_percent(f, value, out, e));
    copy = sqlite3_malloc64(sizeof *copy);
    if (copy == NULL)
        return sq_nomem(e);
    *copy = *out;
    sqlite3_set_auxdata(ctx, 0, copy, sqlite3_free);
    return SQLITE_OK;
}

void sq_fn_in_rollout(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    parity_percent percent;
    sq_framer *f = NULL;
    sq_error e;
    int rc = SQLITE_OK;

    sq_error_init(&e);
    if (argc < 3)
        rc = sq_fail(&e, PARITY_INVALID, NULL, "the first arguments are the percentage and the list of their kinds",
                     "%s needs percent, kinds and at least one value", "parity_in_rollout");
    if (rc == SQLITE_OK)
        rc = sq_framer_keep(ctx, 1, argv[1], "parity_in_rollout", argc - 2, &f, &e);
    if (rc == SQLITE_OK)
        rc = keep_percent(ctx, f, argv[0], &percent, &e);
    if (rc == SQLITE_OK)
        rc = sq_framer_row(f, argv + 2, &e);
    if (rc == SQLITE_OK)
        sqlite3_result_int(ctx, parity_rollout_has(&percent, parity_rollout_position(f->buf.data, f->buf.len)));
    else
        sq_result_error(ctx, &e);
}
