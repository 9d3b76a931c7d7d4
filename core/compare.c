/*
 * compare.c - a remote table and a local one, side by side: which column is
 * compared with which, and how the local table is read for it
 */
#include <string.h>

#include "verify.h"

static bool is_stamp(int kind)
{
    return kind == PARITY_TIMESTAMPTZ || kind == PARITY_TIMESTAMP || kind == PARITY_DATE;
}

/*
 * The kind under which a local column is read: the remote one, with the reading
 * options stored here.  A type that holds values of this kind knows what they
 * are: how loosely typed ones are read there says nothing of them.
 */
static parity_kind reading_kind(const parity_kind *remote, const parity_local_column *local)
{
    parity_kind k = *remote;
    uint32_t own = local->overridden ? local->kind.options & parity_kind_options(k.id) : 0;

    if (local->strict && !local->is_text &&
        (local->natural.id == k.id || (is_stamp(local->natural.id) && is_stamp(k.id))))
        k.options &= ~PARITY_OPTS_READING;
    if (own & PARITY_OPT_ROUND)
        k.options |= PARITY_OPT_ROUND & (k.id == PARITY_DECIMAL && !k.has_scale ? 0 : ~0u);
    own &= PARITY_OPTS_READING;
    if (own == 0)
        return k;
    k.options = (k.options & ~PARITY_OPTS_READING) | own;
    k.text = local->kind.text;
    k.unit = local->kind.unit;
    k.zone = local->kind.zone;
    return k;
}

/* Fixes local columns that the mapping names: -1 where it names none. */
static parity_status fix_columns(parity_comparison *c, int *fixed, parity_error *err)
{
    const parity_mapping *m = c->mapping;
    const parity_spec *s = &c->remote->spec;

    for (int r = 0; r < s->ncolumns; r++) {
        const char *name = parity_mapping_column(m, s->table, s->columns[r].name);
        size_t n = strlen(c->local.name);

        fixed[r] = -1;
        if (name == NULL)
            continue;
        for (int pass = 0; pass < 2 && fixed[r] < 0; pass++) {
            const char *want = name;

            if (pass == 1 && strncmp(name, c->local.name, n) == 0 && name[n] == '.')
                want = name + n + 1;
            for (int l = 0; l < c->local.ncolumns; l++)
                if (strcmp(c->local.columns[l].name, want) == 0)
                    fixed[r] = l;
        }
        if (fixed[r] < 0)
            return parity_fail(err, PARITY_NO_COLUMN, NULL, "The mapping gives it; parity_spec lists the columns.",
                               "column \"%.100s\" of table \"%.100s\" does not exist", name, c->local.name);
        for (int other = 0; other < r; other++)
            if (fixed[other] == fixed[r])
                return parity_fail(err, PARITY_INVALID, NULL, NULL,
                                   "invalid mapping: column \"%.100s\" of table \"%.100s\" is given twice", name,
                                   c->local.name);
    }
    return PARITY_OK;
}

parity_status parity_comparison_pair(parity_comparison *c, parity_error *err)
{
    parity_arena *a = c->arena;
    const parity_spec *s = &c->remote->spec;
    size_t nremote = (size_t)s->ncolumns + 1, nlocal = (size_t)c->local.ncolumns + 1;
    parity_names remote = {parity_arena_alloc(a, nremote * sizeof(char *)),
                           parity_arena_alloc(a, nremote * sizeof(char *)), s->ncolumns};
    parity_names local = {parity_arena_alloc(a, nlocal * sizeof(char *)),
                          parity_arena_alloc(a, nlocal * sizeof(char *)), c->local.ncolumns};
    int *fixed = parity_arena_alloc(a, nremote * sizeof *fixed);

    c->column = parity_arena_alloc(a, nremote * sizeof *c->column);
    c->of_spec = parity_arena_alloc(a, nremote * sizeof *c->of_spec);
    c->excluded = parity_arena_alloc(a, nremote);
    c->local_used = parity_arena_alloc(a, nlocal);
    c->spec.columns = parity_arena_alloc(a, nremote * sizeof *c->spec.columns);
    if (!remote.name || !remote.as || !local.name || !local.as || !fixed || !c->column || !c->of_spec ||
        !c->excluded || !c->local_used || !c->spec.columns)
        return PARITY_NOMEM;
    for (int r = 0; r < s->ncolumns; r++) {
        remote.name[r] = s->columns[r].name;
        remote.as[r] = s->columns[r].as;
    }
    for (int l = 0; l < c->local.ncolumns; l++) {
        local.name[l] = c->local.columns[l].name;
        local.as[l] = c->local.columns[l].as;
    }
    PARITY_TRY(fix_columns(c, fixed, err));
    PARITY_TRY(parity_pair_names(a, &remote, &local, fixed, c->column));
    c->spec.schema = c->local.schema;
    c->spec.table = c->local.name;
    c->spec.unique = s->unique;
    c->whole = c->key_complete = true;
    for (int r = 0; r < s->ncolumns; r++) {
        int l = c->column[r];
        parity_column *out;

        c->excluded[r] = parity_mapping_excludes(c->mapping, s->table, s->columns[r].name);
        if (l >= 0)
            c->excluded[r] |= c->local.columns[l].excluded ||
                              parity_mapping_excludes(c->mapping, c->local.name, c->local.columns[l].name);
        if (l >= 0)
            c->local_used[l] = true;
        if (l < 0 || c->excluded[r]) {
            c->whole = false;
            c->key_complete &= !s->columns[r].key;
            c->only_remote += !c->excluded[r];
            c->nexcluded += c->excluded[r];
            continue;
        }
        out = &c->spec.columns[c->spec.ncolumns];
        c->of_spec[c->spec.ncolumns++] = r;
        out->name = c->local.columns[l].name;
        out->kind = reading_kind(&s->columns[r].kind, &c->local.columns[l]);
        out->key = s->columns[r].key;
    }
    for (int l = 0; l < c->local.ncolumns; l++) {
        const parity_local_column *column = &c->local.columns[l];

        if (c->local_used[l])
            continue;
        c->local_used[l] = true;
        if (column->excluded || parity_mapping_excludes(c->mapping, c->local.name, column->name))
            c->nexcluded++;
        else if (!column->generated) {
            c->local_used[l] = false;
            c->only_local++;
        }
    }
    if (!c->key_complete)
        for (int i = 0; i < c->spec.ncolumns; i++)
            c->spec.columns[i].key = false;
    return PARITY_OK;
}

static bool is_numeric(int kind)
{
    return kind == PARITY_BOOL || kind == PARITY_INT || kind == PARITY_DECIMAL || kind == PARITY_FLOAT8 ||
           kind == PARITY_FLOAT4;
}

bool parity_comparison_weak(const parity_comparison *c, int i)
{
    const parity_local_column *local = &c->local.columns[c->column[c->of_spec[i]]];
    int remote = c->spec.columns[i].kind.id, own = local->kind.id;

    if (local->overridden && (local->kind.options & ~c->spec.columns[i].kind.options & PARITY_OPT_FOLD))
        return true; /* folded by wish of this side, and not there */
    if (!local->strict || local->is_text || remote == own)
        return false;
    if (own == PARITY_FLOAT4)
        return true; /* what a driver made of a float may be its shortest digits or its exact value: float4 reads both */
    return !(is_numeric(remote) && is_numeric(own)) && !(is_stamp(remote) && is_stamp(own)) &&
           !(remote == PARITY_TEXT && own == PARITY_CHAR);
}

uint32_t parity_comparison_cells(const parity_comparison *c)
{
    const parity_sketch_wire *w = &c->remote->sketch;

    if (!c->remote->has_sketch || !c->whole)
        return 0;
    return w->list && w->cells < PARITY_CELLS_DEFAULT ? PARITY_CELLS_DEFAULT : w->cells;
}

parity_status parity_comparison_decode(parity_comparison *c, parity_difference *out)
{
    parity_sketch *local = parity_tally_sketch(c->tally), *remote;

    memset(out, 0, sizeof *out);
    if (local == NULL)
        return PARITY_OK;
    remote = parity_arena_alloc(c->arena, parity_sketch_size(local->cells));
    if (remote == NULL)
        return PARITY_NOMEM;
    parity_sketch_expand(&c->remote->sketch, remote, local->cells);
    out->hashed = local->hashed > 0 || remote->hashed > 0;
    parity_sketch_subtract(local, remote);
    out->known = true;
    out->estimate = parity_sketch_estimate(local);
    out->cells = local->cells;
    PARITY_TRY(parity_sketch_decode(local, c->arena, &out->entries, &out->n, &out->complete));
    if (out->estimate < out->n)
        out->estimate = out->n;
    return PARITY_OK;
}

uint32_t parity_difference_cells(const parity_difference *d)
{
    /* a third more than estimated, so that one more try is enough */
    uint32_t cells = parity_cells_for(d->estimate + d->estimate / 3);

    return cells > d->cells ? cells : parity_cells_round((uint64_t)d->cells * 2);
}
