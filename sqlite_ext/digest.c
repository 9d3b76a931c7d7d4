/*
 * digest.c - functions and aggregates over values and digests
 *
 *   parity_row_hash(kinds, v1, …)     16 bytes
 *   parity_digest_agg(kinds, v1, …)   aggregate: the digest of the rows
 *   parity_digest_add(a, b), parity_digest_sub(a, b), parity_digest_rows(d)
 *   parity_digest_sum(d)              aggregate: the sum of digests, NULLs passed over
 *
 * kinds names a kind for each value, in their order: 'int, decimal(10,2), text'
 * (commas or line ends between them), or a JSON array of strings.  It is read
 * once a statement.
 */
#include <string.h>

#include "module.h"

/* ------------------------------------------------------------------------- kinds */

/* Kinds as read, and the buffers that frames are written to. */
typedef struct framer {
    parity_arena arena;
    parity_kind *kinds;
    int n;
    parity_buf buf, scratch;
} framer;

static void free_framer(void *p)
{
    framer *f = p;

    if (f == NULL)
        return;
    parity_arena_free(&f->arena);
    parity_buf_free(&f->buf);
    parity_buf_free(&f->scratch);
    sqlite3_free(f);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Splits at commas outside brackets and at line ends; empty lines are passed over, empty kinds between commas are not. */
static int split_kinds(framer *f, sq_text text, sq_error *e)
{
    const char *p = text.p, *end = text.p + text.n;
    size_t most = 1;

    for (size_t i = 0; i < text.n; i++)
        most += p[i] == ',' || p[i] == '\n';
    f->kinds = parity_arena_alloc(&f->arena, most * sizeof *f->kinds);
    if (f->kinds == NULL)
        return sq_nomem(e);
    while (p < end) {
        const char *start = p, *stop;
        int depth = 0;
        bool comma;

        while (p < end && !(depth == 0 && (*p == ',' || *p == '\n'))) {
            depth += *p == '(' ? 1 : *p == ')' && depth > 0 ? -1 : 0;
            p++;
        }
        comma = p < end && *p == ',';
        stop = p++;
        while (start < stop && is_blank(*start))
            start++;
        while (stop > start && is_blank(stop[-1]))
            stop--;
        if (start < stop || comma)
            SQ_TRY(sq_core(e, parity_kind_parse(start, (size_t)(stop - start), &f->kinds[f->n++], &e->core)));
    }
    return SQLITE_OK;
}

static int read_kinds(framer *f, sq_text text, sq_error *e)
{
    size_t i = 0;
    char **names;
    int n;

    while (i < text.n && is_blank(text.p[i]))
        i++;
    if (i == text.n || text.p[i] != '[')
        return split_kinds(f, text, e);
    SQ_TRY(sq_json_strings(&f->arena, "the list of kinds", text.p, text.n, &names, &n, e));
    f->kinds = parity_arena_alloc(&f->arena, (size_t)(n + 1) * sizeof *f->kinds);
    if (f->kinds == NULL)
        return sq_nomem(e);
    for (; f->n < n; f->n++)
        SQ_TRY(sq_core(e, parity_kind_parse(names[f->n], strlen(names[f->n]), &f->kinds[f->n], &e->core)));
    return SQLITE_OK;
}

/* A framer for the list of kinds; function and nvalues are for the check of their number. */
static int new_framer(sqlite3_value *kinds, const char *function, int nvalues, framer **out, sq_error *e)
{
    sq_text text;
    int rc;

    *out = NULL;
    SQ_TRY(sq_text_required(kinds, "the list of kinds", &text, e));
    *out = sqlite3_malloc64(sizeof **out);
    if (*out == NULL)
        return sq_nomem(e);
    memset(*out, 0, sizeof **out);
    parity_arena_init(&(*out)->arena, &sq_mem);
    parity_buf_init(&(*out)->buf, &sq_mem);
    parity_buf_init(&(*out)->scratch, &sq_mem);
    rc = read_kinds(*out, text, e);
    if (rc == SQLITE_OK && (*out)->n != nvalues)
        rc = sq_fail(e, PARITY_INVALID, NULL, "give a kind for each value, as in 'int, decimal(10,2), text'",
                     "%s was given %d kinds and %d values", function, (*out)->n, nvalues);
    if (rc != SQLITE_OK) {
        free_framer(*out);
        *out = NULL;
    }
    return rc;
}

/* The hash of one row of values. */
static int hash_row(framer *f, sqlite3_value **values, parity_hash *out, sq_error *e)
{
    f->buf.len = 0;
    for (int i = 0; i < f->n; i++) {
        unsigned notes = 0;
        parity_value v;
        parity_status s;

        if (sq_value(values[i], &v) != SQLITE_OK)
            return sq_nomem(e);
        s = parity_put_value(&f->buf, &f->scratch, &f->kinds[i], &v, &notes);
        if (s == PARITY_LIMIT)
            return sq_fail(e, s, NULL, NULL, "the canonical form of a value passes 4 GiB");
        SQ_TRY(sq_core(e, s));
    }
    *out = parity_hash_bytes(f->buf.data, f->buf.len, 0);
    return SQLITE_OK;
}

static int need_values(const char *function, int argc, sq_error *e)
{
    if (argc < 2)
        return sq_fail(e, PARITY_INVALID, NULL, "the first argument is the list of their kinds",
                       "%s needs kinds and at least one value", function);
    return SQLITE_OK;
}

void sq_fn_row_hash(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    framer *f = sqlite3_get_auxdata(ctx, 0);
    unsigned char bytes[16];
    parity_hash h;
    sq_error e;
    int rc;

    sq_error_init(&e);
    rc = need_values("parity_row_hash", argc, &e);
    if (rc == SQLITE_OK && f == NULL) {
        rc = new_framer(argv[0], "parity_row_hash", argc - 1, &f, &e);
        if (rc == SQLITE_OK) {
            sqlite3_set_auxdata(ctx, 0, f, free_framer);
            /* without memory SQLite has freed it already */
            f = sqlite3_get_auxdata(ctx, 0);
            if (f == NULL)
                rc = sq_nomem(&e);
        }
    }
    if (rc == SQLITE_OK)
        rc = hash_row(f, argv + 1, &h, &e);
    if (rc != SQLITE_OK) {
        sq_result_error(ctx, &e);
        return;
    }
    parity_hash_store(h, bytes);
    sqlite3_result_blob(ctx, bytes, sizeof bytes, SQLITE_TRANSIENT);
}

/* ------------------------------------------------------------- parity_digest_agg */

/* The aggregate's state. */
typedef struct row_digest {
    parity_digest digest;
    framer *framer;
    char *kinds; /* the text that the framer was made of, to see a change */
    size_t nkinds;
} row_digest;

static int digest_begin(row_digest *d, int argc, sqlite3_value **argv, sq_error *e)
{
    sq_text text;

    SQ_TRY(need_values("parity_digest_agg", argc, e));
    SQ_TRY(new_framer(argv[0], "parity_digest_agg", argc - 1, &d->framer, e));
    SQ_TRY(sq_text_of(argv[0], &text, e));
    d->kinds = parity_arena_copy(&d->framer->arena, text.p, text.n);
    d->nkinds = text.n;
    return d->kinds == NULL ? sq_nomem(e) : SQLITE_OK;
}

/* Hashes the row of a step or an inverse. */
static int digest_row(row_digest *d, int argc, sqlite3_value **argv, parity_hash *h, sq_error *e)
{
    sq_text text;

    if (d->kinds == NULL)
        SQ_TRY(digest_begin(d, argc, argv, e));
    SQ_TRY(sq_text_of(argv[0], &text, e));
    if (text.p == NULL || text.n != d->nkinds || memcmp(text.p, d->kinds, text.n) != 0)
        return sq_fail(e, PARITY_INVALID, NULL, NULL, "the list of kinds changes from row to row");
    return hash_row(d->framer, argv + 1, h, e);
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
        free_framer(d->framer);
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
