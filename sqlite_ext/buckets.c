/*
 * buckets.c - parity_buckets(table, bits [, filter [, spec]]), table-valued
 *
 * The table split by the top bits of its key hashes, a digest each: two sides
 * see which parts differ, and ask for the rows of these only.
 *
 *   SELECT * FROM parity_buckets('tasks', 8);     -- bucket, digest: at most 256 rows
 *
 * Buckets without rows are left out.  The spec, the stored overrides and the
 * rows are read in one snapshot, when the function is called.
 */
#include "module.h"

typedef struct cursor {
    parity_arena arena;
    parity_buckets *buckets;
    uint32_t next, current;
} cursor;

static int read_bits(sqlite3_value *value, uint32_t *out, sq_error *e)
{
    sqlite3_int64 bits = sqlite3_value_int64(value);

    if (sqlite3_value_type(value) != SQLITE_INTEGER || bits < 0 || bits > PARITY_BUCKET_BITS_MAX)
        return sq_fail(e, PARITY_INVALID, NULL, "bits 8 makes 256 buckets, bits 16 makes 65,536",
                       "bits must be from 0 to %d", PARITY_BUCKET_BITS_MAX);
    *out = (uint32_t)bits;
    return SQLITE_OK;
}

static int buckets_open(sqlite3 *db, void *state, sqlite3_value **args, sq_error *e)
{
    cursor *c = state;
    sqlite3_stmt *snapshot = NULL;
    sq_text name, filter, given;
    parity_spec spec;
    uint32_t bits = 0;
    sq_table t;
    int rc;

    parity_arena_init(&c->arena, &sq_mem);
    SQ_TRY(sq_text_required(args[0], "the table name", &name, e));
    SQ_TRY(read_bits(args[1], &bits, e));
    SQ_TRY(sq_text_plain(args[2], "the filter", &filter, e));
    SQ_TRY(sq_text_of(args[3], &given, e));
    SQ_TRY(sq_find_table(db, &c->arena, name, &t, e));
    SQ_TRY(sq_snapshot(db, t.schema, &snapshot, e));
    rc = sq_spec_given(db, &c->arena, &t, given, &spec, e);
    if (rc == SQLITE_OK) {
        c->buckets = parity_arena_alloc(&c->arena, parity_buckets_size(bits));
        if (c->buckets == NULL) {
            rc = sq_nomem(e);
        } else {
            parity_buckets_init(c->buckets, bits);
            rc = sq_scan_buckets(db, &spec, filter, c->buckets, e);
        }
    }
    sqlite3_finalize(snapshot);
    return rc;
}

static int buckets_next(void *state, bool *row, sq_error *e)
{
    cursor *c = state;
    uint32_t n = (uint32_t)1 << c->buckets->bits;

    (void)e;
    while (c->next < n && c->buckets->digest[c->next].rows == 0)
        c->next++;
    *row = c->next < n;
    c->current = c->next++;
    return SQLITE_OK;
}

static int buckets_column(void *state, sqlite3_context *ctx, int i)
{
    const cursor *c = state;

    if (i == 0)
        sqlite3_result_int64(ctx, c->current);
    else
        sq_result_digest(ctx, &c->buckets->digest[c->current]);
    return SQLITE_OK;
}

static void buckets_close(void *state)
{
    cursor *c = state;

    parity_arena_free(&c->arena);
}

const sq_tablefunc sq_buckets = {
    .name = "parity_buckets",
    .declare = "CREATE TABLE x(bucket INTEGER, digest TEXT,"
               " \"table\" HIDDEN, bits HIDDEN, \"filter\" HIDDEN, spec HIDDEN)",
    .nresults = 2,
    .nargs = 4,
    .nrequired = 2,
    .usage = "parity_buckets(table, bits [, filter [, spec]])",
    .size = sizeof(cursor),
    .open = buckets_open,
    .next = buckets_next,
    .column = buckets_column,
    .close = buckets_close,
};
