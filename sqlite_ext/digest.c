/*
 * digest.c - functions and aggregates over values and digests
 *
 *   parity_row_hash(kinds, v1, …)     16 bytes
 *   parity_digest_agg(kinds, v1, …)   aggregate: the digest of the rows
 *   parity_digest_add(a, b), parity_digest_sub(a, b), parity_digest_rows(d)
 *   parity_digest_sum(d)              aggregate: the sum of digests, NULLs passed over
 *
 * kinds.c says what kinds is.
 */
#include "module.h"

static int need_values(const char *function, int argc, sq_error *e)
{
    if (argc < 2)
        return sq_fail(e, PARITY_INVALID, NULL, "the first argument is the list of their kinds",
                       "%s needs kinds and at least one value", function);
    return SQLITE_OK;
}

void sq_fn_row_hash(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sq_framer *f = NULL;
    unsigned char bytes[16];
    sq_error e;
    int rc;

    sq_error_init(&e);
    rc = need_values("parity_row_hash", argc, &e);
    if (rc == SQLITE_OK)
        rc = sq_framer_keep(ctx, 0, argv[0], "parity_row_hash", argc - 1, &f, &e);
    if (rc == SQLITE_OK)
        rc = sq_framer_row(f, argv + 1, &e);
    if (rc != SQLITE_OK) {
        sq_result_error(ctx, &e);
        return;
    }
    parity_hash_store(parity_hash_bytes(f->buf.data, f->buf.len, 0), bytes);
    sqlite3_result_blob(ctx, bytes, sizeof bytes, SQLITE_TRANSIENT);
}

/* ------------------------------------------------------------- parity_digest_agg */

/* The aggregate's state. */
typedef struct row_digest {
    parity_digest digest;
    sq_framer *framer;
} row_digest;

/* Hashes the row of a step or an inverse. */
static int digest_row(row_digest *d, int argc, sqlite3_value **argv, parity_hash *h, sq_error *e)
{
    if (d->framer == NULL) {
        SQ_TRY(need_values("parity_digest_agg", argc, e));
        SQ_TRY(sq_framer_new(argv[0], "parity_digest_agg", argc - 1, &d->framer, e));
    }
    SQ_TRY(sq_framer_same(d->framer, argv[0], e));
    SQ_TRY(sq_framer_row(d->framer, argv + 1, e));
    *h = parity_hash_bytes(d->framer->buf.data, d->framer->buf.len, 0);
    return SQLITE_OK;
}

static void digest_step(sqlite3_context *ctx, int argc, sqlite3_value **argv, bool inverse)
{
    row_digest *d = sqlite3_aggregate_context(ctx, sizeof *d);
    parity_hash h;
    sq_error e;
    int rc;

    if (d == NULL) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    sq_error_init(&e);
    rc = digest_row(d, argc, argv, &h, &e);
    if (rc == SQLITE_OK && inverse) {
        parity_digest one = {0, 0, 0};

        parity_digest_add(&one, h);
        rc = sq_core(&e, parity_digest_subtract(&d->digest, &one, &e.core));
    } else if (rc == SQLITE_OK) {
        parity_digest_add(&d->digest, h);
    }
    if (rc != SQLITE_OK)
        sq_result_error(ctx, &e);
}

void sq_agg_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    digest_step(ctx, argc, argv, false);
}

void sq_agg_inverse(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    digest_step(ctx, argc, argv, true);
}

void sq_result_digest(sqlite3_context *ctx, const parity_digest *d)
{
    char text[PARITY_DIGEST_TEXT_MAX];
    size_t n = parity_digest_print(d, text);

    sqlite3_result_text(ctx, text, (int)n, SQLITE_TRANSIENT);
}

void sq_agg_value(sqlite3_context *ctx)
{
    static const parity_digest none = {0, 0, 0};
    row_digest *d = sqlite3_aggregate_context(ctx, 0);

    sq_result_digest(ctx, d != NULL ? &d->digest : &none);
}

void sq_agg_final(sqlite3_context *ctx)
{
    row_digest *d = sqlite3_aggregate_context(ctx, 0);

    sq_agg_value(ctx);
    if (d != NULL)
        sq_framer_free(d->framer);
}

/* ---------------------------------------------------------------- sums of digests */

/* Reads a digest argument; *null for SQL NULL. */
static int read_digest(sqlite3_value *value, parity_digest *out, bool *null, sq_error *e)
{
    sq_text text;

    SQ_TRY(sq_text_of(value, &text, e));
    *null = text.p == NULL;
    return *null ? SQLITE_OK : sq_core(e, parity_digest_parse(text.p, text.n, out, &e->core));
}

typedef parity_status (*combine)(parity_digest *d, const parity_digest *other, parity_error *err);

static void combine_two(sqlite3_context *ctx, sqlite3_value **argv, combine f)
{
    parity_digest a, b;
    bool no_a, no_b = false;
    sq_error e;
    int rc;

    sq_error_init(&e);
    rc = read_digest(argv[0], &a, &no_a, &e);
    if (rc == SQLITE_OK)
        rc = read_digest(argv[1], &b, &no_b, &e);
    if (rc == SQLITE_OK && (no_a || no_b))
        return;
    if (rc == SQLITE_OK)
        rc = sq_core(&e, f(&a, &b, &e.core));
    if (rc == SQLITE_OK)
        sq_result_digest(ctx, &a);
    else
        sq_result_error(ctx, &e);
}

void sq_fn_digest_add(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    combine_two(ctx, argv, parity_digest_merge);
}

void sq_fn_digest_sub(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    combine_two(ctx, argv, parity_digest_subtract);
}

void sq_fn_digest_rows(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    parity_digest d;
    bool null;
    sq_error e;
    int rc;

    (void)argc;
    sq_error_init(&e);
    rc = read_digest(argv[0], &d, &null, &e);
    if (rc == SQLITE_OK && null)
        return;
    if (rc == SQLITE_OK && d.rows > INT64_MAX)
        rc = sq_fail(&e, PARITY_RANGE, NULL, NULL, "the number of rows does not fit into an INTEGER");
    if (rc == SQLITE_OK)
        sqlite3_result_int64(ctx, (sqlite3_int64)d.rows);
    else
        sq_result_error(ctx, &e);
}

static void sum_step(sqlite3_context *ctx, sqlite3_value **argv, combine f)
{
    parity_digest *sum = sqlite3_aggregate_context(ctx, sizeof *sum);
    parity_digest d;
    bool null;
    sq_error e;
    int rc;

    if (sum == NULL) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    sq_error_init(&e);
    rc = read_digest(argv[0], &d, &null, &e);
    if (rc == SQLITE_OK && !null)
        rc = sq_core(&e, f(sum, &d, &e.core));
    if (rc != SQLITE_OK)
        sq_result_error(ctx, &e);
}

void sq_sum_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    sum_step(ctx, argv, parity_digest_merge);
}

void sq_sum_inverse(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    sum_step(ctx, argv, parity_digest_subtract);
}

void sq_sum_value(sqlite3_context *ctx)
{
    static const parity_digest none = {0, 0, 0};
    const parity_digest *sum = sqlite3_aggregate_context(ctx, 0);

    sq_result_digest(ctx, sum != NULL ? sum : &none);
}
