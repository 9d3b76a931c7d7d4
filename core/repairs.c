/*
 * repairs.c - reads rows bundles, finds the local rows that they speak of, and pairs the two
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repairs.h"

#define MAX_JOBS 1000

static parity_status bad(parity_error *err, const char *why)
{
    return parity_fail(err, PARITY_MALFORMED, why, "parity.rows and parity_rows print a rows bundle.",
                       "invalid rows bundle");
}

/* ---------------------------------------------------------------- remote rows */

static parity_status read_row(parity_repairs *r, parity_job *j, const parity_node *node, parity_error *err)
{
    parity_found *f = &j->found[j->nfound];
    int ncolumns = j->remote.spec.ncolumns;
    unsigned char *bytes;
    uint32_t *ends;
    size_t n;

    if (node->type != PARITY_N_STRING)
        return bad(err, "A row is not a string.");
    n = strlen(node->text);
    bytes = parity_arena_alloc(&r->arena, n / 4 * 3 + 3);
    ends = parity_arena_alloc(&r->arena, (size_t)ncolumns * sizeof *ends);
    if (bytes == NULL || ends == NULL)
        return PARITY_NOMEM;
    if (!parity_base64_decode((const unsigned char *)node->text, n, bytes, &n))
        return bad(err, "A row is not base64.");
    if (parity_frames_check(bytes, n, ncolumns, ends, NULL) != PARITY_OK)
        return bad(err, "A row is not frames of the table's columns.");
    f->frames = bytes;
    f->ends = ends;
    f->hash = parity_hash_bytes(bytes, n, 0);
    PARITY_TRY(parity_row_key_of(bytes, ends, ncolumns, j->key, &r->scratch, &f->key));
    if (!parity_wanted_has(j->keys.wanted, &f->key))
        return bad(err, "It holds a row that was not asked for.");
    j->nfound++;
    return PARITY_OK;
}

/* Whether the rows are those that were written: a text that was cut or edited must not become deletes. */
static parity_status check_digest(const parity_job *j, const parity_node *node, parity_error *err)
{
    parity_digest sum = {0, 0, 0}, said;

    if (node == NULL || node->type != PARITY_N_STRING ||
        parity_digest_parse(node->text, strlen(node->text), &said, NULL) != PARITY_OK)
        return bad(err, "It has no digest.");
    for (size_t i = 0; i < j->nfound; i++)
        parity_digest_add(&sum, j->found[i].hash);
    return parity_digest_equal(&sum, &said) ? PARITY_OK : bad(err, "Its rows are not those of its digest.");
}

/* ----------------------------------------------------------------- local rows */

typedef struct fetching {
    parity_repairs *r;
    parity_job *j;
} fetching;

/* A parity_each_row: keeps a copy. */
static parity_status keep_row(void *ctx, const parity_row_key *key, const unsigned char *frames, const uint32_t *ends,
                              const unsigned char *guard_frames, const uint32_t *guard_ends)
{
    parity_repairs *r = ((fetching *)ctx)->r;
    parity_job *j = ((fetching *)ctx)->j;
    int ncolumns = j->c.spec.ncolumns;
    size_t n = ends[ncolumns - 1];
    unsigned char *bytes = parity_arena_alloc(&r->arena, n + 1);
    uint32_t *copy = parity_arena_alloc(&r->arena, (size_t)ncolumns * sizeof *copy);
    parity_found *f;

    if (bytes == NULL || copy == NULL)
        return PARITY_NOMEM;
    if (j->nlocal == j->room) {
        size_t room = j->room == 0 ? 64 : j->room * 2;
        parity_found *more = parity_arena_alloc(&r->arena, room * sizeof *more);

        if (more == NULL)
            return PARITY_NOMEM;
        if (j->nlocal > 0)
            memcpy(more, j->local, j->nlocal * sizeof *more);
        j->local = more;
        j->room = room;
    }
    f = &j->local[j->nlocal];
    memcpy(bytes, frames, n);
    memcpy(copy, ends, (size_t)ncolumns * sizeof *copy);
    f->key = *key;
    f->frames = bytes;
    f->ends = copy;
    f->hash = parity_hash_bytes(bytes, n, 0);
    if (guard_frames != NULL) {
        parity_hash *guards = parity_arena_alloc(&r->arena, (size_t)j->nguards * sizeof *guards);
        size_t start = 0;

        if (guards == NULL)
            return PARITY_NOMEM;
        r->frames.len = 0;
        for (int i = 0; i < j->guard.ncolumns; i++) {
            PARITY_TRY(parity_guard_frame(&r->frames, guard_frames + start, guard_ends[i] - start, j->wrapped[i]));
            start = guard_ends[i];
            if (i + 1 < j->guard.ncolumns && (i + 1) % PARITY_GUARD_COLUMNS != 0)
                continue;
            guards[i / PARITY_GUARD_COLUMNS] = parity_hash_bytes(r->frames.data, r->frames.len, 0);
            r->frames.len = 0;
        }
        f->guards = guards;
    }
    j->nlocal++;
    return PARITY_OK;
}

parity_status parity_guard_frame(parity_buf *b, const unsigned char *frame, size_t n, bool wrapped)
{
    unsigned char head[5] = {PARITY_TAG_JSON};

    if (!wrapped || (frame[0] != PARITY_TAG_NULL && (frame[0] != PARITY_TAG_JSON || n < 5)))
        return parity_buf_put(b, frame, n);
    if (frame[0] == PARITY_TAG_NULL) {
        frame = (const unsigned char *)"     null";
        n = 9;
    }
    parity_store32(head + 1, (uint32_t)(n - 5 + 2));
    PARITY_TRY(parity_buf_put(b, head, sizeof head));
    PARITY_TRY(parity_buf_puts(b, "["));
    PARITY_TRY(parity_buf_put(b, frame + 5, n - 5));
    return parity_buf_puts(b, "]");
}

/* The columns that guard a row: those of the spec, then all others here that hold something of their own. */
static parity_status make_guard(parity_repairs *r, parity_job *j)
{
    parity_spec *g = &j->guard;
    bool *used = parity_arena_alloc(&r->arena, (size_t)j->c.local.ncolumns + 1);

    *g = j->c.spec;
    g->columns = parity_arena_alloc(&r->arena, ((size_t)j->c.local.ncolumns + 1) * sizeof *g->columns);
    j->wrapped = parity_arena_alloc(&r->arena, (size_t)j->c.local.ncolumns + 1);
    if (used == NULL || g->columns == NULL || j->wrapped == NULL)
        return PARITY_NOMEM;
    g->ncolumns = 0;
    for (int i = 0; i < j->c.spec.ncolumns; i++) {
        const parity_local_column *l = parity_job_column(j, i);

        used[l - j->c.local.columns] = true;
        g->columns[g->ncolumns] = j->c.spec.columns[i];
        if (l->strict)
            g->columns[g->ncolumns].kind = l->natural; /* as row_hash reads it there */
        j->wrapped[g->ncolumns++] = l->store == PARITY_STORE_ROW;
    }
    for (int l = 0; l < j->c.local.ncolumns; l++) {
        const parity_local_column *column = &j->c.local.columns[l];
        parity_column *out = &g->columns[g->ncolumns];

        if (used[l] || column->generated || column->excluded)
            continue;
        memset(out, 0, sizeof *out);
        out->name = column->name;
        out->kind = column->natural;
        j->wrapped[g->ncolumns++] = column->store == PARITY_STORE_ROW;
    }
    j->nguards = (g->ncolumns + PARITY_GUARD_COLUMNS - 1) / PARITY_GUARD_COLUMNS;
    return PARITY_OK;
}

/* -------------------------------------------------------------------- pairing */

static int compare_hashes(parity_hash a, parity_hash b)
{
    return a.hi != b.hi ? (a.hi > b.hi) - (a.hi < b.hi) : (a.lo > b.lo) - (a.lo < b.lo);
}

/* By key (integers as such), then hash, then the first guard. */
static int by_key(const void *a, const void *b)
{
    const parity_found *x = a, *y = b;
    int order = (x->key.hashed > y->key.hashed) - (x->key.hashed < y->key.hashed);

    if (order == 0 && x->key.hashed)
        order = (x->key.key > y->key.key) - (x->key.key < y->key.key);
    else if (order == 0)
        order = ((int64_t)x->key.key > (int64_t)y->key.key) - ((int64_t)x->key.key < (int64_t)y->key.key);
    if (order == 0)
        order = compare_hashes(x->hash, y->hash);
    if (order == 0 && x->guards != NULL && y->guards != NULL)
        order = compare_hashes(x->guards[0], y->guards[0]);
    return order;
}

static bool same_key(const parity_found *a, const parity_found *b)
{
    return a->key.hashed == b->key.hashed && a->key.key == b->key.key;
}

static bool same_guards(const parity_job *j, const parity_found *a, const parity_found *b)
{
    return j->nguards > 0 && memcmp(a->guards, b->guards, (size_t)j->nguards * sizeof *a->guards) == 0;
}

/* Whether the key columns are framed alike: a row key is a hash, of which two may be the same. */
static bool same_key_values(const parity_job *j, const parity_found *a, const parity_found *b)
{
    for (int i = 0; i < j->c.spec.ncolumns; i++)
        if (j->key[i] && !parity_found_equal(a, b, i))
            return false;
    return j->keyed;
}

/* Counts the local rows that no guard can tell apart. */
static parity_status count_copies(parity_repairs *r, parity_job *j)
{
    for (size_t i = 0; i < j->nlocal; i++) {
        parity_found *f = &j->local[i];

        if (i > 0 && same_key(f - 1, f) && compare_hashes(f[-1].hash, f->hash) == 0 && same_guards(j, f - 1, f)) {
            f->copies = f[-1].copies;
        } else {
            f->copies = parity_arena_alloc(&r->arena, sizeof *f->copies);
            if (f->copies == NULL)
                return PARITY_NOMEM;
        }
        ++*f->copies;
    }
    return PARITY_OK;
}

static void add_case(parity_job *j, parity_change change, const parity_found *local, const parity_found *remote,
                     uint32_t *copies)
{
    parity_case *c = &j->cases[j->ncases++];

    c->change = change;
    c->local = local;
    c->remote = remote;
    c->copies = copies;
}

/* The rows of one key: equal ones cancel, what is left is paired in order or stands alone. */
static parity_status pair_group(parity_repairs *r, parity_job *j, size_t l, size_t l_end, size_t f, size_t f_end)
{
    const parity_found **here = parity_arena_alloc(&r->arena, (l_end - l + 1) * sizeof *here);
    const parity_found **there = parity_arena_alloc(&r->arena, (f_end - f + 1) * sizeof *there);
    uint32_t **copies = parity_arena_alloc(&r->arena, (f_end - f + 1) * sizeof *copies);
    uint32_t *equal = NULL; /* copies of the last local row that was cancelled, or of a remote one without any */
    const parity_found *last = NULL;
    size_t nhere = 0, nthere = 0;
    bool shared = l_end > l || f_end > f + 1;

    if (here == NULL || there == NULL || copies == NULL)
        return PARITY_NOMEM;
    while (l < l_end || f < f_end) {
        int order = l == l_end ? 1 : f == f_end ? -1 : compare_hashes(j->local[l].hash, j->found[f].hash);

        if (order < 0) {
            here[nhere++] = &j->local[l++];
            continue;
        }
        if (last == NULL || compare_hashes(last->hash, j->found[f].hash) != 0) {
            equal = parity_arena_alloc(&r->arena, sizeof *equal);
            if (equal == NULL)
                return PARITY_NOMEM;
            last = &j->found[f];
        }
        if (order == 0) {
            ++*equal;
            l++;
            f++;
            continue;
        }
        copies[nthere] = equal;
        there[nthere++] = &j->found[f++];
    }
    for (size_t i = 0; i < nhere || i < nthere; i++) {
        if (i < nhere && i < nthere && same_key_values(j, here[i], there[i])) {
            add_case(j, PARITY_C_CHANGED, here[i], there[i], NULL);
            continue;
        }
        if (i < nhere)
            add_case(j, PARITY_C_ONLY_LOCAL, here[i], NULL, NULL);
        if (i < nthere) {
            add_case(j, PARITY_C_ONLY_REMOTE, NULL, there[i], copies[i]);
            j->cases[j->ncases - 1].shared = shared;
        }
    }
    return PARITY_OK;
}

static parity_status pair_rows(parity_repairs *r, parity_job *j)
{
    size_t l = 0, f = 0;

    if (j->nlocal > 0)
        qsort(j->local, j->nlocal, sizeof *j->local, by_key);
    if (j->nfound > 0)
        qsort(j->found, j->nfound, sizeof *j->found, by_key);
    PARITY_TRY(count_copies(r, j));
    j->cases = parity_arena_alloc(&r->arena, (j->nlocal + j->nfound + 1) * sizeof *j->cases);
    if (j->cases == NULL)
        return PARITY_NOMEM;
    while (l < j->nlocal || f < j->nfound) {
        const parity_found *first;
        size_t l_end = l, f_end = f;
        parity_found probe_local, probe_found;

        if (l == j->nlocal || f == j->nfound) {
            first = l < j->nlocal ? &j->local[l] : &j->found[f];
        } else {
            /* by key alone */
            probe_local = j->local[l];
            probe_found = j->found[f];
            probe_local.hash = probe_found.hash;
            probe_local.guards = probe_found.guards = NULL;
            first = by_key(&probe_local, &probe_found) <= 0 ? &j->local[l] : &j->found[f];
        }
        while (l_end < j->nlocal && same_key(&j->local[l_end], first))
            l_end++;
        while (f_end < j->nfound && same_key(&j->found[f_end], first))
            f_end++;
        PARITY_TRY(pair_group(r, j, l, l_end, f, f_end));
        l = l_end;
        f = f_end;
    }
    return PARITY_OK;
}

/* A case by the hash of its own key. */
typedef struct by_own_key {
    uint64_t hash;
    size_t at;
} by_own_key;

static int by_hash(const void *a, const void *b)
{
    uint64_t x = ((const by_own_key *)a)->hash, y = ((const by_own_key *)b)->hash;

    return (x > y) - (x < y);
}

static bool same_own_key(const parity_job *j, const parity_found *a, const parity_found *b)
{
    for (int i = 0; i < j->c.spec.ncolumns; i++)
        if (j->own_key[i] && !parity_found_equal(a, b, i))
            return false;
    return true;
}

/*
 * Where only this side has a key: rows that stand here and there under the same
 * key are one changed row.  To delete and insert it would lose what only this
 * side knows of it, and what refers to it.
 */
static parity_status pair_by_own_key(parity_repairs *r, parity_job *j)
{
    by_own_key *here = parity_arena_alloc(&r->arena, (j->ncases + 1) * sizeof *here);
    size_t nhere = 0, kept = 0;
    parity_row_key key;

    if (here == NULL)
        return PARITY_NOMEM;
    for (size_t i = 0; i < j->ncases; i++) {
        if (j->cases[i].change != PARITY_C_ONLY_LOCAL)
            continue;
        PARITY_TRY(parity_row_key_of(j->cases[i].local->frames, j->cases[i].local->ends, j->c.spec.ncolumns, j->own_key,
                                     &r->scratch, &key));
        here[nhere].hash = key.hash;
        here[nhere++].at = i;
    }
    if (nhere > 0)
        qsort(here, nhere, sizeof *here, by_hash);
    for (size_t i = 0; i < j->ncases; i++) {
        parity_case *c = &j->cases[i], *other;
        by_own_key want, *found;

        if (c->change != PARITY_C_ONLY_REMOTE || nhere == 0)
            continue;
        PARITY_TRY(parity_row_key_of(c->remote->frames, c->remote->ends, j->c.spec.ncolumns, j->own_key, &r->scratch,
                                     &key));
        want.hash = key.hash;
        want.at = 0;
        found = bsearch(&want, here, nhere, sizeof *here, by_hash);
        other = found != NULL ? &j->cases[found->at] : NULL;
        if (other == NULL || other->change != PARITY_C_ONLY_LOCAL || !same_own_key(j, other->local, c->remote))
            continue;
        other->change = PARITY_C_CHANGED;
        other->remote = c->remote;
        c->remote = NULL; /* dealt with */
    }
    for (size_t i = 0; i < j->ncases; i++)
        if (j->cases[i].local != NULL || j->cases[i].remote != NULL)
            j->cases[kept++] = j->cases[i];
    j->ncases = kept;
    return PARITY_OK;
}

/* The key that is enforced here, if all its columns are read. */
static parity_status find_own_key(parity_repairs *r, parity_job *j, const char *schema, const char *table,
                                  parity_error *err)
{
    bool *key = parity_arena_alloc(&r->arena, (size_t)j->c.spec.ncolumns + 1);
    parity_spec own;
    int n = 0;

    memset(&own, 0, sizeof own);
    if (key == NULL)
        return PARITY_NOMEM;
    PARITY_TRY(r->engine->own_spec(r->engine->ctx, &r->arena, schema, table, &own, err));
    for (int k = 0; k < own.ncolumns; k++)
        for (int i = 0; i < j->c.spec.ncolumns && own.columns[k].key; i++)
            if (strcmp(own.columns[k].name, j->c.spec.columns[i].name) == 0) {
                key[i] = true;
                n++;
            }
    if (own.unique && n > 0 && n == parity_spec_nkey(&own))
        j->own_key = key;
    return PARITY_OK;
}

/* ----------------------------------------------------------------------- a job */

static parity_status read_job(parity_repairs *r, const parity_node *root, const char *schema, const char *table,
                              bool repair, parity_job *j, parity_error *err)
{
    const parity_node *rows = parity_node_member(root, "rows"), *keys = parity_node_member(root, "keys");
    const parity_node *spec = parity_node_member(root, "table");
    const parity_engine *engine = r->engine;
    fetching fetching = {r, j};
    parity_error inner;
    parity_bundle head;
    parity_status status;

    if (root->type == PARITY_N_OBJECT && parity_node_member(root, "tables") != NULL)
        return parity_fail(err, PARITY_MALFORMED, "It was printed by parity.bundle or parity_bundle.",
                           "parity.rows and parity_rows print a rows bundle.", "the text is a bundle, not a rows bundle");
    PARITY_TRY(parity_head_read(root, &head, err));
    if (rows == NULL || keys == NULL || spec == NULL)
        return bad(err, "It has no rows, keys or table.");
    j->loose = strcmp(head.engine, "sqlite") == 0;
    if (rows->type != PARITY_N_ARRAY || spec->type != PARITY_N_OBJECT)
        return bad(err, "Its rows are not an array, or its table is not an object.");
    status = parity_spec_read(&r->arena, spec, &j->remote.spec, &inner);
    if (status == PARITY_NOMEM)
        return status;
    if (status != PARITY_OK)
        return bad(err, inner.message);
    j->c.arena = &r->arena;
    j->c.mapping = &r->mapping;
    j->c.remote = &j->remote;
    PARITY_TRY(engine->describe(engine->ctx, &r->arena, schema, table, &j->c.local, err));
    PARITY_TRY(parity_comparison_pair(&j->c, err));
    PARITY_TRY(parity_comparable(&j->c, err));
    j->key = parity_arena_alloc(&r->arena, (size_t)j->c.spec.ncolumns + 1);
    j->found = parity_arena_alloc(&r->arena, ((size_t)rows->count + 1) * sizeof *j->found);
    if (j->key == NULL || j->found == NULL)
        return PARITY_NOMEM;
    for (int i = 0; i < j->c.spec.ncolumns; i++)
        j->keyed |= j->key[i] = j->c.spec.columns[i].key;
    PARITY_TRY(parity_keys_read(&r->arena, &j->c.spec, keys, "keys of a rows bundle", &j->keys, err));
    for (const parity_node *n = rows->first; n != NULL; n = n->next)
        PARITY_TRY(read_row(r, j, n, err));
    PARITY_TRY(check_digest(j, parity_node_member(root, "digest"), err));
    if (repair) {
        PARITY_TRY(make_guard(r, j));
        PARITY_TRY(find_own_key(r, j, schema, table, err));
        PARITY_TRY(engine->references(engine->ctx, &r->arena, schema, table, false, &j->references, &j->nreferences,
                                      err));
        PARITY_TRY(engine->references(engine->ctx, &r->arena, schema, table, true, &j->incoming, &j->nincoming, err));
    }
    if (j->keys.n > 0 || j->keys.bitmap != NULL)
        PARITY_TRY(engine->fetch(engine->ctx, &j->c.spec, repair ? &j->guard : NULL, j->keys.wanted,
                                 j->keys.wanted_size, parity_keys_integers(&j->keys, &j->c.local, &j->c.spec),
                                 j->keys.n, keep_row, &fetching, err));
    PARITY_TRY(pair_rows(r, j));
    return !j->keyed && j->own_key != NULL ? pair_by_own_key(r, j) : PARITY_OK;
}

/* ------------------------------------------------------------------ which tables */

/* Whether a rows bundle is of the table that the caller named. */
static parity_status check_table(parity_repairs *r, const parity_node *root, const char *schema, const char *table,
                                 parity_error *err)
{
    const parity_node *spec = parity_node_member(root, "table");
    const parity_node *name = spec != NULL ? parity_node_member(spec, "table") : NULL;
    const parity_node *as = spec != NULL ? parity_node_member(spec, "as") : NULL;
    parity_local_table local;
    parity_bundle one;
    parity_bundle_table there;
    const parity_bundle_table *found;

    if (name == NULL || name->type != PARITY_N_STRING)
        return PARITY_OK; /* read_job says it better */
    memset(&local, 0, sizeof local);
    memset(&one, 0, sizeof one);
    memset(&there, 0, sizeof there);
    PARITY_TRY(r->engine->describe(r->engine->ctx, &r->arena, schema, table, &local, err));
    there.spec.table = (char *)name->text;
    there.spec.as = as != NULL && as->type == PARITY_N_STRING ? (char *)as->text : NULL;
    one.tables = &there;
    one.ntables = 1;
    if (parity_counterpart(&r->arena, &one, &local, &found, NULL) == PARITY_NO_TABLE)
        return parity_fail(err, PARITY_INVALID, "Tables are paired by name, ignoring case and underscores.",
                           "If it has another name there, store it here: set_spec with {\"as\": \"name there\"}.",
                           "the rows are of table \"%.100s\", not of \"%.100s\"", name->text, table);
    return PARITY_OK;
}

/* The local table of each rows bundle, by name. */
static parity_status find_tables(parity_repairs *r, const parity_node *first, int n, const char *schema,
                                 const char **tables, parity_error *err)
{
    parity_names remote = {parity_arena_alloc(&r->arena, ((size_t)n + 1) * sizeof(char *)),
                           parity_arena_alloc(&r->arena, ((size_t)n + 1) * sizeof(char *)), n};
    int *pair = parity_arena_alloc(&r->arena, ((size_t)n + 1) * sizeof *pair), i = 0, nskipped;
    parity_names local;
    char **skipped;

    memset(&local, 0, sizeof local);
    if (!remote.name || !remote.as || !pair)
        return PARITY_NOMEM;
    for (const parity_node *root = first; i < n; root = root->next, i++) {
        const parity_node *spec = parity_node_member(root, "table");
        const parity_node *name = spec != NULL ? parity_node_member(spec, "table") : NULL;
        const parity_node *as = spec != NULL ? parity_node_member(spec, "as") : NULL;

        if (name == NULL || name->type != PARITY_N_STRING)
            return bad(err, "It does not name its table.");
        remote.name[i] = name->text;
        remote.as[i] = as != NULL && as->type == PARITY_N_STRING ? as->text : NULL;
        for (int k = 0; k < i; k++)
            if (strcmp(remote.name[k], name->text) == 0)
                return parity_fail(err, PARITY_INVALID, NULL, "Ask for all keys of a table at once.",
                                   "table \"%.100s\" has two rows bundles", name->text);
    }
    PARITY_TRY(r->engine->list(r->engine->ctx, &r->arena, schema, (char ***)&local.name, &local.n, &skipped, &nskipped,
                               err));
    local.as = parity_arena_alloc(&r->arena, ((size_t)local.n + 1) * sizeof *local.as);
    if (local.as == NULL)
        return PARITY_NOMEM;
    for (i = 0; i < local.n; i++) {
        parity_local_table t;

        memset(&t, 0, sizeof t);
        PARITY_TRY(r->engine->describe(r->engine->ctx, &r->arena, schema, local.name[i], &t, err));
        local.as[i] = t.as;
    }
    PARITY_TRY(parity_pair_names(&r->arena, &remote, &local, NULL, pair));
    for (i = 0; i < n; i++) {
        if (pair[i] < 0)
            return parity_fail(err, PARITY_NO_TABLE, "Tables are paired by name, ignoring case and underscores.",
                               "If it has another name here, store it: set_spec with {\"as\": \"name there\"}.",
                               "there is no table here for \"%.100s\"", remote.name[i]);
        tables[i] = local.name[pair[i]];
    }
    return PARITY_OK;
}

/* Whether job a refers to the table of job b. */
static bool refers(const parity_job *a, const parity_job *b)
{
    for (int i = 0; i < a->nreferences; i++)
        if (strcmp(a->references[i].table, b->c.local.name) == 0 &&
            (a->references[i].schema == NULL || b->c.local.schema == NULL ||
             strcmp(a->references[i].schema, b->c.local.schema) == 0))
            return true;
    return false;
}

/* Referenced tables first; where they refer to each other in a circle, as they came. */
static void order_jobs(parity_repairs *r)
{
    for (int done = 0; done < r->njobs; done++) {
        int pick = done;
        parity_job job;

        for (int i = done; i < r->njobs; i++) {
            bool free = true;

            for (int k = done; k < r->njobs; k++)
                free &= k == i || !refers(&r->jobs[i], &r->jobs[k]);
            if (free) {
                pick = i;
                break;
            }
        }
        job = r->jobs[pick];
        memmove(&r->jobs[done + 1], &r->jobs[done], (size_t)(pick - done) * sizeof job);
        r->jobs[done] = job;
    }
    for (int i = 0; i < r->njobs; i++)
        r->jobs[i].c.remote = &r->jobs[i].remote; /* which has moved */
}

parity_status parity_repairs_open(const parity_mem *mem, const parity_engine *engine, const char *schema,
                                  const char *table, const char *rows, size_t n, bool repair, parity_repairs **out,
                                  parity_error *err)
{
    parity_repairs *r = mem->resize(mem->ctx, NULL, sizeof *r);
    const parity_node *first;
    const char **tables;
    parity_node *root;
    int i = 0;

    *out = r;
    if (r == NULL)
        return PARITY_NOMEM;
    memset(r, 0, sizeof *r);
    r->mem = *mem;
    r->engine = engine;
    r->strict = strcmp(engine->name, "postgresql") == 0;
    parity_arena_init(&r->arena, &r->mem);
    parity_buf_init(&r->text, &r->mem);
    parity_buf_init(&r->scratch, &r->mem);
    parity_buf_init(&r->part, &r->mem);
    parity_buf_init(&r->frames, &r->mem);
    parity_buf_init(&r->key_text, &r->mem);
    PARITY_TRY(parity_doc_parse(&r->arena, "rows bundle", rows, n, &root, err));
    if (root->type != PARITY_N_OBJECT && root->type != PARITY_N_ARRAY)
        return bad(err, "It is not an object.");
    first = root->type == PARITY_N_ARRAY ? root->first : root;
    r->njobs = root->type == PARITY_N_ARRAY ? (int)root->count : 1;
    if (r->njobs > MAX_JOBS)
        return bad(err, "It is of more than 1000 tables.");
    for (const parity_node *t = first; i < r->njobs; t = t->next, i++)
        if (t->type != PARITY_N_OBJECT)
            return bad(err, "It is not an object.");
    if (table == NULL && !repair)
        return parity_fail(err, PARITY_INVALID, NULL, "Only repair takes several tables at once.", "the table is NULL");
    if (table != NULL && r->njobs != 1)
        return parity_fail(err, PARITY_INVALID, NULL, "With several rows bundles give NULL as the table.",
                           "%d rows bundles for one table", r->njobs);
    r->jobs = parity_arena_alloc(&r->arena, ((size_t)r->njobs + 1) * sizeof *r->jobs);
    tables = parity_arena_alloc(&r->arena, ((size_t)r->njobs + 1) * sizeof *tables);
    if (r->jobs == NULL || tables == NULL)
        return PARITY_NOMEM;
    if (table != NULL) {
        PARITY_TRY(check_table(r, first, schema, table, err));
        tables[0] = table;
    } else {
        PARITY_TRY(find_tables(r, first, r->njobs, schema, tables, err));
    }
    i = 0;
    for (const parity_node *t = first; i < r->njobs; t = t->next, i++)
        PARITY_TRY(read_job(r, t, schema, tables[i], repair, &r->jobs[i], err));
    order_jobs(r);
    return PARITY_OK;
}

void parity_repairs_close(parity_repairs *r)
{
    parity_mem mem;

    if (r == NULL)
        return;
    mem = r->mem;
    parity_buf_free(&r->text);
    parity_buf_free(&r->scratch);
    parity_buf_free(&r->part);
    parity_buf_free(&r->frames);
    parity_buf_free(&r->key_text);
    parity_arena_free(&r->arena);
    mem.resize(mem.ctx, r, 0);
}

parity_status parity_case_key(parity_repairs *r, const parity_job *j, const parity_case *c, const char **out)
{
    const parity_found *f = parity_case_row(c);
    bool exact;

    r->key_text.len = 0;
    PARITY_TRY(parity_key_json(&r->key_text, &r->scratch, &j->c.spec, f->frames, f->ends, &exact));
    PARITY_TRY(parity_buf_put(&r->key_text, "", 1));
    *out = exact ? (const char *)r->key_text.data : NULL;
    return PARITY_OK;
}
