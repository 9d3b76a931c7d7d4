/*
 * rows.c - rows bundles: the rows of one table that the other side asked for
 *
 *   {"parity":"p1","engine":"postgresql",…,"table":{spec},
 *    "keys":[{"key":1},{"key_hash":"…"},{"bucket":3,"bits":8}],
 *    "rows":["base64 of a row's frames",…],"digest":"p1-2-…"}
 *
 * A row travels as its frames: what is hashed is what is sent, so that what
 * arrives can be compared and checked byte by byte.  repairs.c reads it.
 */
#include <stdio.h>
#include <string.h>

#include "verify.h"

typedef struct writing {
    parity_buf *out;
    const char *table;
    int ncolumns;
    parity_digest digest;
    parity_error *err;
} writing;

/* A parity_each_row: appends the row. */
static parity_status write_row(void *ctx, const parity_row_key *key, const unsigned char *frames, const uint32_t *ends,
                               const unsigned char *guard_frames, const uint32_t *guard_ends)
{
    writing *w = ctx;

    (void)key;
    (void)guard_frames;
    (void)guard_ends;
    PARITY_TRY(parity_buf_puts(w->out, w->digest.rows == 0 ? "\n\"" : ",\n\""));
    parity_digest_add_row(&w->digest, frames, ends[w->ncolumns - 1]);
    PARITY_TRY(parity_base64_encode(w->out, frames, ends[w->ncolumns - 1]));
    PARITY_TRY(parity_buf_puts(w->out, "\""));
    if (w->out->len > PARITY_BUNDLE_MAX_BYTES)
        return parity_fail(w->err, PARITY_LIMIT, NULL, "Ask for fewer keys or buckets at a time.",
                           "the rows of table \"%.100s\" take more than %d MB", w->table,
                           (int)(PARITY_BUNDLE_MAX_BYTES >> 20));
    return PARITY_OK;
}

static parity_status write_bundle(parity_arena *a, const parity_engine *engine, const char *schema, const char *table,
                                  const char *json, size_t n, const parity_bundle *head, parity_buf *out,
                                  parity_error *err)
{
    parity_local_table local;
    parity_spec spec;
    parity_keys keys;
    parity_node *root;
    writing w = {out, table, 0, {0, 0, 0}, err};
    char digest[PARITY_DIGEST_TEXT_MAX];

    memset(&local, 0, sizeof local);
    memset(&spec, 0, sizeof spec);
    PARITY_TRY(parity_doc_parse(a, "list of keys", json, n, &root, err));
    PARITY_TRY(engine->describe(engine->ctx, a, schema, table, &local, err));
    PARITY_TRY(engine->own_spec(engine->ctx, a, schema, table, &spec, err));
    if (spec.ncolumns == 0)
        return parity_fail(err, PARITY_INVALID, NULL, NULL, "table \"%.100s\" has no columns to read", table);
    w.ncolumns = spec.ncolumns;
    PARITY_TRY(parity_keys_read(a, &spec, root, "list of keys", &keys, err));
    PARITY_TRY(parity_head_print(out, head));
    PARITY_TRY(parity_buf_puts(out, ",\"table\":"));
    PARITY_TRY(parity_spec_print(out, &spec));
    PARITY_TRY(parity_buf_puts(out, ",\n\"keys\":"));
    PARITY_TRY(parity_keys_print(out, &keys));
    PARITY_TRY(parity_buf_puts(out, ",\n\"rows\":["));
    if (keys.n > 0 || keys.bitmap != NULL)
        PARITY_TRY(engine->fetch(engine->ctx, &spec, NULL, keys.wanted, keys.wanted_size,
                                 parity_keys_integers(&keys, &local, &spec), keys.n, write_row, &w, err));
    parity_digest_print(&w.digest, digest);
    return parity_buf_printf(out, "],\n\"digest\":\"%s\"}", digest);
}

parity_status parity_rows_write(const parity_mem *mem, const parity_engine *engine, const char *schema,
                                const char *table, const char *keys, size_t nkeys, const parity_bundle *head,
                                parity_buf *out, parity_error *err)
{
    parity_arena a;
    parity_status status;

    parity_arena_init(&a, mem);
    status = write_bundle(&a, engine, schema, table, keys, nkeys, head, out, err);
    parity_arena_free(&a);
    return status;
}
