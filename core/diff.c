/*
 * diff.c - the rows in which a local table differs from its counterpart in a bundle
 *
 * One pass over the local table makes its sketch; the difference to the
 * bundle's is decoded.  Integer keys come straight out of it.  Other keys come
 * out as hashes, and one more pass over the local table names those that are
 * here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify.h"

struct parity_diff {
    parity_mem mem;
    parity_arena arena;
    parity_buf json, scratch;
    const parity_engine *engine;
    parity_bundle bundle;
    parity_mapping mapping; /* none */
    parity_comparison c;
    parity_difference difference;
    const char **keys; /* of the entries, in JSON; NULL: not known */
    size_t next;
    parity_diff_row row;
    char *notice;
};

const char *parity_change_text(parity_change c)
{
    static const char *const text[] = {"changed", "only local", "only remote"};

    return text[c];
}

parity_status parity_counterpart(parity_arena *a, const parity_bundle *bundle, const parity_local_table *local,
                                 const parity_bundle_table **out, parity_error *err)
{
    size_t n = (size_t)bundle->ntables + 1;
    parity_names remote = {parity_arena_alloc(a, n * sizeof(char *)), parity_arena_alloc(a, n * sizeof(char *)),
                           bundle->ntables};
    const char *name = local->name, *as = local->as;
    parity_names here = {&name, &as, 1};
    int *pair = parity_arena_alloc(a, n * sizeof *pair);

    if (!remote.name || !remote.as || !pair)
        return PARITY_NOMEM;
    for (int r = 0; r < bundle->ntables; r++) {
        remote.name[r] = bundle->tables[r].spec.table;
        remote.as[r] = bundle->tables[r].spec.as;
    }
    PARITY_TRY(parity_pair_names(a, &remote, &here, NULL, pair));
    for (int r = 0; r < bundle->ntables; r++)
        if (pair[r] == 0) {
            *out = &bundle->tables[r];
            return PARITY_OK;
        }
    return parity_fail(err, PARITY_NO_TABLE, "Tables are paired by name, ignoring case and underscores.",
                       "If it has another name there, store it here: set_spec with {\"as\": \"name there\"}.",
                       "the bundle has no table for \"%.100s\"", local->name);
}

parity_status parity_comparable(const parity_comparison *c, parity_error *err)
{
    const parity_spec *s = &c->remote->spec;

    for (int r = 0; r < s->ncolumns; r++) {
        if (c->excluded[r])
            return parity_fail(err, PARITY_INVALID, "A row's hash is of all columns that the other side reads.",
                               "Exclude it there, too, with set_spec, and make the bundle again.",
                               "column \"%.100s\" of table \"%.100s\" is excluded here and not there",
                               s->columns[r].name, c->local.name);
        if (c->column[r] < 0)
            return parity_fail(err, PARITY_NO_COLUMN, "A row's hash is of all columns that the other side reads.",
                               "Exclude it there, or name its counterpart here, with set_spec.",
                               "table \"%.100s\" has no column for \"%.100s\"", c->local.name, s->columns[r].name);
    }
    return PARITY_OK;
}

/* Unequal digests of columns that are read in ways which cannot be compared. */
static parity_status check_weak(const parity_comparison *c, parity_error *err)
{
    bool keyed = parity_spec_nkey(&c->spec) > 0;
    bool keys = !keyed || parity_digest_equal(&c->tally->keys, &c->remote->keys);

    for (int i = 0; i < c->spec.ncolumns; i++) {
        char there[PARITY_KIND_TEXT_MAX], here[PARITY_KIND_TEXT_MAX], detail[2 * PARITY_KIND_TEXT_MAX + 80];

        if (parity_digest_equal(&c->tally->column[i].digest, &c->remote->columns[i].digest) ||
            !parity_comparison_weak(c, i) || (!keys && !c->spec.columns[i].key))
            continue;
        parity_kind_print(&c->spec.columns[i].kind, there);
        parity_kind_print(&c->local.columns[c->column[i]].kind, here);
        snprintf(detail, sizeof detail, "It is read as %s there and as %s here.", there, here);
        return parity_fail(err, PARITY_INVALID, detail,
                           "Set this side's kind there with set_spec, or adopt a bundle of this side there, and make the "
                           "bundle again.",
                           "column \"%.100s\" of table \"%.100s\" cannot be compared", c->spec.columns[i].name,
                           c->local.name);
    }
    return PARITY_OK;
}

/* ------------------------------------------------------------------------ keys */

/* Index of the entry of a key, or -1. */
static ptrdiff_t find_entry(const parity_difference *d, uint64_t key)
{
    size_t low = 0, high = d->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (d->entries[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < d->n && d->entries[low].key == key ? (ptrdiff_t)low : -1;
}

/* A parity_each_row: keeps the key of a row that differs. */
static parity_status keep_key(void *ctx, const parity_row_key *key, const unsigned char *frames, const uint32_t *ends,
                              const unsigned char *guard_frames, const uint32_t *guard_ends)
{
    parity_diff *d = ctx;
    ptrdiff_t at = find_entry(&d->difference, key->key);
    bool exact;

    (void)guard_frames;
    (void)guard_ends;
    if (at < 0 || d->keys[at] != NULL)
        return PARITY_OK;
    d->json.len = 0;
    PARITY_TRY(parity_key_json(&d->json, &d->scratch, &d->c.spec, frames, ends, &exact));
    if (!exact)
        return PARITY_OK;
    d->keys[at] = parity_arena_copy(&d->arena, (const char *)d->json.data, d->json.len);
    return d->keys[at] == NULL ? PARITY_NOMEM : PARITY_OK;
}

static int by_integer(const void *a, const void *b)
{
    int64_t x = (int64_t)((const parity_entry *)a)->key, y = (int64_t)((const parity_entry *)b)->key;

    return (x > y) - (x < y);
}

/* The keys as the numbers that they are. */
static parity_status integer_keys(parity_diff *d)
{
    qsort(d->difference.entries, d->difference.n, sizeof *d->difference.entries, by_integer);
    for (size_t i = 0; i < d->difference.n; i++) {
        char text[24];
        int n = snprintf(text, sizeof text, "%" PRId64, (int64_t)d->difference.entries[i].key);

        d->keys[i] = parity_arena_copy(&d->arena, text, (size_t)n);
        if (d->keys[i] == NULL)
            return PARITY_NOMEM;
    }
    return PARITY_OK;
}

static parity_status find_keys(parity_diff *d, parity_error *err)
{
    parity_difference *x = &d->difference;
    parity_wanted *wanted;
    uint64_t *keys;
    size_t size;

    d->keys = parity_arena_alloc(&d->arena, (x->n + 1) * sizeof *d->keys);
    keys = parity_arena_alloc(&d->arena, (x->n + 1) * sizeof *keys);
    if (d->keys == NULL || keys == NULL)
        return PARITY_NOMEM;
    if (x->n == 0)
        return PARITY_OK;
    if (!x->hashed && parity_spec_nkey(&d->c.spec) == 1)
        return integer_keys(d);
    for (size_t i = 0; i < x->n; i++)
        keys[i] = x->entries[i].key;
    PARITY_TRY(parity_wanted_make(&d->arena, keys, x->n, 0, NULL, &wanted, &size));
    return d->engine->fetch(d->engine->ctx, &d->c.spec, NULL, wanted, size, NULL, 0, keep_key, d, err);
}

static parity_status set_notice(parity_diff *d)
{
    uint32_t cells = parity_difference_cells(&d->difference);
    char text[400];
    int n;

    if (d->difference.complete)
        return PARITY_OK;
    n = snprintf(text, sizeof text,
                 "not all differing rows of table \"%.100s\" could be read: about %" PRIu64
                 " differ, more than a sketch of %" PRIu32 " cells holds; ",
                 d->c.local.name, d->difference.estimate, d->difference.cells);
    if (cells > d->difference.cells)
        snprintf(text + n, sizeof text - (size_t)n, "make the bundle with cells => %" PRIu32 ", its second argument", cells);
    else
        snprintf(text + n, sizeof text - (size_t)n, "compare buckets");
    d->notice = parity_arena_copy(&d->arena, text, strlen(text));
    return d->notice == NULL ? PARITY_NOMEM : PARITY_OK;
}

/* ------------------------------------------------------------------ the interface */

parity_status parity_diff_open(const parity_mem *mem, const parity_engine *engine, const char *schema,
                               const char *table, const char *bundle, size_t nbundle, parity_diff **out,
                               parity_error *err)
{
    parity_diff *d = mem->resize(mem->ctx, NULL, sizeof *d);

    *out = d;
    if (d == NULL)
        return PARITY_NOMEM;
    memset(d, 0, sizeof *d);
    d->mem = *mem;
    d->engine = engine;
    parity_arena_init(&d->arena, &d->mem);
    parity_buf_init(&d->json, &d->mem);
    parity_buf_init(&d->scratch, &d->mem);
    d->c.arena = &d->arena;
    d->c.mapping = &d->mapping;
    PARITY_TRY(parity_bundle_parse(&d->arena, bundle, nbundle, &d->bundle, err));
    PARITY_TRY(engine->describe(engine->ctx, &d->arena, schema, table, &d->c.local, err));
    PARITY_TRY(parity_counterpart(&d->arena, &d->bundle, &d->c.local, &d->c.remote, err));
    PARITY_TRY(parity_comparison_pair(&d->c, err));
    PARITY_TRY(parity_comparable(&d->c, err));
    if (!d->c.remote->has_sketch)
        return parity_fail(err, PARITY_INVALID, "It was made with cells => 0.",
                           "Make the bundle again without cells, or with the number of cells that verify names.",
                           "the bundle has no sketch of table \"%.100s\"", d->c.remote->spec.table);
    PARITY_TRY(engine->scan(engine->ctx, &d->arena, &d->c.spec, parity_comparison_cells(&d->c), &d->c.tally, err));
    PARITY_TRY(check_weak(&d->c, err));
    PARITY_TRY(parity_comparison_decode(&d->c, &d->difference));
    PARITY_TRY(find_keys(d, err));
    return set_notice(d);
}

const parity_diff_row *parity_diff_next(parity_diff *d)
{
    parity_diff_row *row = &d->row;
    size_t i = d->next++;

    memset(row, 0, sizeof *row);
    row->complete = d->difference.complete;
    row->detail = d->notice;
    if (i < d->difference.n) {
        const parity_entry *e = &d->difference.entries[i];

        row->is_row = true;
        row->key = d->keys[i];
        row->change = e->n > 0 ? PARITY_C_ONLY_LOCAL : e->n < 0 ? PARITY_C_ONLY_REMOTE : PARITY_C_CHANGED;
        row->rows = e->n;
        parity_key_hash_text(e->key, row->key_hash);
        return row;
    }
    /* a diff that is not complete never looks like one that is */
    return i == d->difference.n && d->notice != NULL ? row : NULL;
}

const char *parity_diff_notice(const parity_diff *d)
{
    return d->notice;
}

void parity_diff_close(parity_diff *d)
{
    parity_mem mem;

    if (d == NULL)
        return;
    mem = d->mem;
    parity_buf_free(&d->json);
    parity_buf_free(&d->scratch);
    parity_arena_free(&d->arena);
    mem.resize(mem.ctx, d, 0);
}
