/*
 * sketch.c - functions and aggregates over sketches
 *
 *   parity_sketch_agg(cells, key_columns, kinds, v1, …)   aggregate: the sketch of the rows
 *   parity_sketch_add(a, b), parity_sketch_sub(a, b)
 *   parity_sketch_sum(s)         aggregate: the sum of sketches, NULLs passed over
 *   parity_sketch_cells(s), parity_sketch_estimate(s)
 *   parity_sketch_decode(s)      table-valued: key_hash, rows, complete
 *
 * A sketch is text, base64 of its wire form.  The first key_columns of the
 * values are the key (0: there is none); cells NULL is 1,024, another number is
 * made a power of two.  kinds.c says what kinds is.  A sum of sketches of
 * several sizes is of the smallest.
 *
 * Which rows of two tables differ, when both sketches are at hand:
 *
 *   SELECT key_hash, rows, complete FROM parity_sketch_decode(parity_sketch_sub(
 *     (SELECT parity_sketch_agg(NULL, 1, 'int, text', id, title) FROM here.tasks),
 *     (SELECT parity_sketch_agg(NULL, 1, 'int, text', id, title) FROM there.tasks)));
 *
 * rows above 0: so many rows more in the first; below 0: in the second; 0: a
 * row of that key that changed.
 */
#include "module.h"

int sq_cells(sqlite3_value *value, uint32_t *out, sq_error *e)
{
    static const char hint[] = "NULL is 1024, more cells name more rows that differ: 1.4 cells a row and 64";
    int type = value != NULL ? sqlite3_value_type(value) : SQLITE_NULL;
    sqlite3_int64 n;

    *out = PARITY_CELLS_DEFAULT;
    if (type == SQLITE_NULL)
        return SQLITE_OK;
    if (type != SQLITE_INTEGER)
        return sq_fail(e, PARITY_INVALID, NULL, hint, "cells must be an integer from 0 to %u", PARITY_CELLS_MAX);
    n = sqlite3_value_int64(value);
    if (n < 0 || n > PARITY_CELLS_MAX)
        return sq_fail(e, PARITY_INVALID, NULL, hint, "cells must be from 0 to %u, not %lld", PARITY_CELLS_MAX,
                       (long long)n);
    *out = n == 0 ? 0 : parity_cells_round((uint64_t)n);
    return SQLITE_OK;
}

/* An empty sketch in memory of its own, or NULL. */
static parity_sketch *new_sketch(uint32_t cells)
{
    parity_sketch *s = sqlite3_malloc64(parity_sketch_size(cells));

    if (s != NULL)
        parity_sketch_init(s, cells);
    return s;
}

/* The result: s as text, or NULL in C for the empty one. */
static void result_sketch(sqlite3_context *ctx, const parity_sketch *s)
{
    parity_sketch *empty = NULL;
    parity_status status = PARITY_NOMEM;
    parity_arena a;
    parity_buf b;

    parity_arena_init(&a, &sq_mem);
    parity_buf_init(&b, &sq_mem);
    if (s == NULL)
        s = empty = new_sketch(PARITY_CELLS_DEFAULT);
    if (s != NULL)
        status = parity_sketch_print(&b, &a, s);
    sqlite3_free(empty);
    parity_arena_free(&a);
    if (status == PARITY_OK) {
        /* SQLite takes the buffer over, and frees it when the result is too long */
        sqlite3_result_text64(ctx, (const char *)b.data, b.len, sqlite3_free, SQLITE_UTF8);
    } else {
        parity_buf_free(&b);
        sqlite3_result_error_nomem(ctx);
    }
}

/* ------------------------------------------------------------- parity_sketch_agg */

/* The aggregate's state. */
typedef struct row_sketch {
    parity_sketch *sketch;
    sq_framer *framer;
    bool *key; /* an entry a value */
    int nkey;
} row_sketch;

static void free_state(row_sketch *s)
{
    sq_framer_free(s->framer);
    sqlite3_free(s->sketch);
    s->framer = NULL;
    s->sketch = NULL;
}

/* How many of nvalues values are the key. */
static int key_columns(sqlite3_value *value, int nvalues, int *out, sq_error *e)
{
    sqlite3_int64 n = sqlite3_value_int64(value);

    *out = 0;
    if (sqlite3_value_type(value) != SQLITE_INTEGER || n < 0 || n > nvalues)
        return sq_fail(e, PARITY_INVALID, NULL, "that many of the first values are the key; 0: the rows have none",
                       "key_columns must be an integer from 0 to %d, the number of values", nvalues);
    *out = (int)n;
    return SQLITE_OK;
}

static int sketch_begin(row_sketch *s, int argc, sqlite3_value **argv, sq_error *e)
{
    uint32_t cells;

    if (argc < 4)
        return sq_fail(e, PARITY_INVALID, NULL, "parity_sketch_agg(cells, key_columns, kinds, v1, …)",
                       "parity_sketch_agg needs cells, key_columns, kinds and at least one value");
    SQ_TRY(sq_cells(argv[0], &cells, e));
    SQ_TRY(key_columns(argv[1], argc - 3, &s->nkey, e));
    SQ_TRY(sq_framer_new(argv[2], "parity_sketch_agg", argc - 3, &s->framer, e));
    s->key = parity_arena_alloc(&s->framer->arena, (size_t)s->framer->n * sizeof *s->key);
    s->sketch = new_sketch(cells != 0 ? cells : PARITY_CELLS_MIN);
    if (s->key == NULL || s->sketch == NULL) {
        free_state(s);
        return sq_nomem(e);
    }
    for (int i = 0; i < s->nkey; i++)
        s->key[i] = true;
    return SQLITE_OK;
}

/* Adds the row of a step, or removes that of an inverse. */
static int sketch_row(row_sketch *s, int argc, sqlite3_value **argv, bool inverse, sq_error *e)
{
    sq_framer *f;
    parity_row_key key;
    parity_hash h;
    uint32_t cells;
    int nkey;

    if (s->sketch == NULL)
        SQ_TRY(sketch_begin(s, argc, argv, e));
    f = s->framer;
    SQ_TRY(sq_cells(argv[0], &cells, e));
    if ((cells != 0 ? cells : PARITY_CELLS_MIN) != s->sketch->cells)
        return sq_fail(e, PARITY_INVALID, NULL, NULL, "cells changes from row to row");
    SQ_TRY(key_columns(argv[1], argc - 3, &nkey, e));
    if (nkey != s->nkey)
        return sq_fail(e, PARITY_INVALID, NULL, NULL, "key_columns changes from row to row");
    SQ_TRY(sq_framer_same(f, argv[2], e));
    SQ_TRY(sq_framer_row(f, argv + 3, e));
    SQ_TRY(sq_core(e, parity_row_key_of(f->buf.data, f->ends, f->n, s->key, &f->scratch, &key)));
    h = parity_hash_bytes(f->buf.data, f->buf.len, 0);
    if (inverse)
        parity_sketch_remove(s->sketch, key.key, key.hashed, h);
    else
        parity_sketch_add(s->sketch, key.key, key.hashed, h);
    return SQLITE_OK;
}

static void sketch_step(sqlite3_context *ctx, int argc, sqlite3_value **argv, bool inverse)
{
    row_sketch *s = sqlite3_aggregate_context(ctx, sizeof *s);
    sq_error e;

    if (s == NULL) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    sq_error_init(&e);
    if (sketch_row(s, argc, argv, inverse, &e) != SQLITE_OK)
        sq_result_error(ctx, &e);
}

void sq_sketch_agg_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sketch_step(ctx, argc, argv, false);
}

void sq_sketch_agg_inverse(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sketch_step(ctx, argc, argv, true);
}

void sq_sketch_agg_value(sqlite3_context *ctx)
{
    row_sketch *s = sqlite3_aggregate_context(ctx, 0);

    result_sketch(ctx, s != NULL ? s->sketch : NULL);
}

void sq_sketch_agg_final(sqlite3_context *ctx)
{
    row_sketch *s = sqlite3_aggregate_context(ctx, 0);

    sq_sketch_agg_value(ctx);
    if (s != NULL)
        free_state(s);
}

/* ------------------------------------------------------------- sums of sketches */

/* Reads a sketch argument, to memory from a; *null for SQL NULL. */
static int read_sketch(parity_arena *a, sqlite3_value *value, parity_sketch_wire *out, bool *null, sq_error *e)
{
    sq_text text;

    SQ_TRY(sq_text_of(value, &text, e));
    *null = text.p == NULL;
    return *null ? SQLITE_OK : sq_core(e, parity_sketch_parse(a, text.p, text.n, out, &e->core));
}

/* The same, expanded to its own size: *out is in the arena, and NULL for SQL NULL. */
static int read_expanded(parity_arena *a, sqlite3_value *value, parity_sketch **out, sq_error *e)
{
    parity_sketch_wire w;
    bool null;

    *out = NULL;
    SQ_TRY(read_sketch(a, value, &w, &null, e));
    if (null)
        return SQLITE_OK;
    *out = parity_arena_alloc(a, parity_sketch_size(w.cells));
    if (*out == NULL)
        return sq_nomem(e);
    parity_sketch_expand(&w, *out, w.cells);
    return SQLITE_OK;
}

static void combine_two(sqlite3_context *ctx, sqlite3_value **argv, bool subtract)
{
    parity_sketch_wire a, b;
    parity_sketch *out = NULL;
    parity_arena arena;
    bool no_a, no_b = false;
    sq_error e;
    int rc;

    sq_error_init(&e);
    parity_arena_init(&arena, &sq_mem);
    rc = read_sketch(&arena, argv[0], &a, &no_a, &e);
    if (rc == SQLITE_OK)
        rc = read_sketch(&arena, argv[1], &b, &no_b, &e);
    if (rc == SQLITE_OK && !no_a && !no_b)
        rc = sq_core(&e, parity_sketch_combine(&arena, &a, &b, subtract, &out));
    if (rc != SQLITE_OK)
        sq_result_error(ctx, &e);
    else if (out != NULL)
        result_sketch(ctx, out);
    parity_arena_free(&arena);
}

void sq_fn_sketch_add(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    combine_two(ctx, argv, false);
}

void sq_fn_sketch_sub(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    combine_two(ctx, argv, true);
}

void sq_fn_sketch_cells(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    parity_sketch_wire w;
    parity_arena a;
    bool null;
    sq_error e;

    (void)argc;
    sq_error_init(&e);
    parity_arena_init(&a, &sq_mem);
    if (read_sketch(&a, argv[0], &w, &null, &e) != SQLITE_OK)
        sq_result_error(ctx, &e);
    else if (!null)
        sqlite3_result_int64(ctx, w.cells);
    parity_arena_free(&a);
}

void sq_fn_sketch_estimate(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    parity_sketch *s;
    parity_arena a;
    sq_error e;

    (void)argc;
    sq_error_init(&e);
    parity_arena_init(&a, &sq_mem);
    if (read_expanded(&a, argv[0], &s, &e) != SQLITE_OK) {
        sq_result_error(ctx, &e);
    } else if (s != NULL) {
        uint64_t n = parity_sketch_estimate(s);

        sqlite3_result_int64(ctx, n > INT64_MAX ? INT64_MAX : (sqlite3_int64)n);
    }
    parity_arena_free(&a);
}

/* The state of a sum. */
typedef struct sketch_sum {
    parity_sketch *sketch; /* of the smallest size that was added; NULL: nothing was */
    bool filled;           /* with a sketch that holds something: those of no rows have no say in the size */
} sketch_sum;

/* Adds the sketch that w says. */
static int sum_add(sketch_sum *sum, const parity_sketch_wire *w, sq_error *e)
{
    bool empty = w->list && w->entries == 0;
    parity_sketch *other;

    if (empty && sum->filled)
        return SQLITE_OK;
    if (!empty && !sum->filled) {
        sqlite3_free(sum->sketch);
        sum->sketch = NULL;
    }
    sum->filled |= !empty;
    if (sum->sketch != NULL && w->cells < sum->sketch->cells)
        parity_sketch_fold(sum->sketch, w->cells);
    other = new_sketch(sum->sketch != NULL ? sum->sketch->cells : w->cells);
    if (other == NULL)
        return sq_nomem(e);
    parity_sketch_expand(w, other, other->cells);
    if (sum->sketch == NULL) {
        sum->sketch = other;
    } else {
        parity_sketch_merge(sum->sketch, other);
        sqlite3_free(other);
    }
    return SQLITE_OK;
}

void sq_sketch_sum_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sketch_sum *sum = sqlite3_aggregate_context(ctx, sizeof *sum);
    parity_sketch_wire w;
    parity_arena a;
    bool null;
    sq_error e;
    int rc;

    (void)argc;
    if (sum == NULL) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    sq_error_init(&e);
    parity_arena_init(&a, &sq_mem);
    rc = read_sketch(&a, argv[0], &w, &null, &e);
    if (rc == SQLITE_OK && !null)
        rc = sum_add(sum, &w, &e);
    if (rc != SQLITE_OK)
        sq_result_error(ctx, &e);
    parity_arena_free(&a);
}

void sq_sketch_sum_final(sqlite3_context *ctx)
{
    sketch_sum *sum = sqlite3_aggregate_context(ctx, 0);

    result_sketch(ctx, sum != NULL ? sum->sketch : NULL);
    if (sum != NULL) {
        sqlite3_free(sum->sketch);
        sum->sketch = NULL;
    }
}

/* ----------------------------------------------------------- parity_sketch_decode */

typedef struct cursor {
    parity_arena arena;
    parity_entry *entries;
    size_t n, next;
    const parity_entry *current; /* NULL: the row that says that nothing could be read back */
    bool complete;
} cursor;

static int decode_open(sqlite3 *db, void *state, sqlite3_value **args, sq_error *e)
{
    cursor *c = state;
    parity_sketch *s;

    (void)db;
    parity_arena_init(&c->arena, &sq_mem);
    c->complete = true;
    SQ_TRY(read_expanded(&c->arena, args[0], &s, e));
    if (s == NULL)
        return SQLITE_OK;
    return sq_core(e, parity_sketch_decode(s, &c->arena, &c->entries, &c->n, &c->complete));
}

static int decode_next(void *state, bool *row, sq_error *e)
{
    cursor *c = state;

    (void)e;
    *row = c->next < c->n || (c->next == 0 && !c->complete);
    c->current = c->next < c->n ? &c->entries[c->next] : NULL;
    c->next++;
    return SQLITE_OK;
}

static int decode_column(void *state, sqlite3_context *ctx, int i)
{
    const cursor *c = state;
    char text[17];

    if (i == 2) {
        sqlite3_result_int(ctx, c->complete);
    } else if (c->current == NULL) {
        sqlite3_result_null(ctx);
    } else if (i == 1) {
        sqlite3_result_int(ctx, c->current->n);
    } else {
        sqlite3_snprintf(sizeof text, text, "%016llx", (unsigned long long)c->current->key);
        sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
    }
    return SQLITE_OK;
}

static void decode_close(void *state)
{
    parity_arena_free(&((cursor *)state)->arena);
}

const sq_tablefunc sq_sketch_decode = {
    .name = "parity_sketch_decode",
    .declare = "CREATE TABLE x(key_hash TEXT, rows INTEGER, complete INTEGER, sketch HIDDEN)",
    .nresults = 3,
    .nargs = 1,
    .nrequired = 1,
    .usage = "parity_sketch_decode(sketch)",
    .size = sizeof(cursor),
    .open = decode_open,
    .next = decode_next,
    .column = decode_column,
    .close = decode_close,
};
