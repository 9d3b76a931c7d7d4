/*
 * verify.c - the verdict on each pair of tables
 *
 * The local table is read under the bundle's spec (compare.c), so that both
 * sides frame the same columns in the same order under the same kinds; equal
 * digests are then equal data.  What makes a verdict other than `match`:
 *
 *   rounded       digests are equal once one side's values are rounded to the
 *                 types of the other
 *   incomparable  the only columns that differ are ones of which the digests
 *                 cannot tell: the remote side hashed loosely typed values (say
 *                 text) where this side has a type of its own (say uuid), or
 *                 values need an option to be read at all
 *   differ        everything else: never `match` for want of knowledge
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "verify.h"

struct parity_verify {
    parity_mem mem;
    parity_arena arena; /* lives as long as the comparison */
    parity_arena row_arena;
    parity_buf detail, names; /* of the current row */
    const parity_engine *engine;
    parity_bundle bundle;
    parity_mapping mapping;
    char **local; /* local tables: listed ones, then those that only the mapping names */
    int nlocal, nlisted;
    char **skipped;
    int nskipped;
    int *pair;   /* remote table -> local table, or -1, -2 */
    bool *taken; /* local tables that have a remote one */
    int next;
    parity_verify_row row;
};

typedef parity_comparison comparison;

const char *parity_verdict_text(parity_verdict verdict)
{
    static const char *const text[] = {"match",       "rounded",     "differ",
                                       "only local",  "only remote", "incomparable"};

    return text[verdict];
}

/* ------------------------------------------------------------------- sentences */

/* Starts another sentence of the detail. */
static parity_status sentence(parity_verify *v)
{
    return v->detail.len > 0 ? parity_buf_puts(&v->detail, "; ") : PARITY_OK;
}

#define SAY(...)                                                  \
    do {                                                          \
        PARITY_TRY(sentence(v));                                  \
        PARITY_TRY(parity_buf_printf(&v->detail, __VA_ARGS__));   \
    } while (0)

/* Adds a name to a list of at most eight, after the first with a comma. */
static parity_status list_name(parity_buf *b, const char *name, int *n)
{
    ++*n;
    if (*n > 8)
        return *n == 9 ? parity_buf_puts(b, ", ...") : PARITY_OK;
    return parity_buf_printf(b, "%s%s", *n > 1 ? ", " : "", name);
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "value" : "values";
}

/* What was read with a doubt in one column, on one side. */
static parity_status say_notes(parity_verify *v, const char *name, const char *where, const parity_kind *kind,
                               uint64_t bad, uint64_t option, const char *example, uint64_t zoneless, uint64_t digits)
{
    char text[PARITY_KIND_TEXT_MAX];

    parity_kind_print(kind, text);
    if (bad > 0) {
        SAY("%s: %" PRIu64 " %s %s cannot be read as %s", name, bad, plural(bad), where, text);
        if (example != NULL)
            PARITY_TRY(parity_buf_printf(&v->detail, ", such as %s", example));
        if (option > 0)
            PARITY_TRY(parity_buf_printf(&v->detail, " (%" PRIu64 " would be with the option %s)", option,
                                         parity_options_for(kind, example != NULL && strncmp(example, "BLOB", 4) == 0)));
    }
    if (zoneless > 0)
        SAY("%s: %" PRIu64 " %s %s without a zone, read as UTC", name, zoneless, plural(zoneless), where);
    if (digits > 0)
        SAY("%s: %" PRIu64 " REAL %s %s, read by the shortest digits", name, digits, plural(digits), where);
    return PARITY_OK;
}

/* The storage class and start of a tally's BAD example, or NULL. */
static const char *tally_example(parity_arena *a, const parity_column_tally *c)
{
    static const char *const classes[] = {"", "INTEGER", "REAL", "TEXT", "BLOB"};
    char text[16 + PARITY_EXAMPLE_MAX];
    int n;

    if (c->example_class < 1 || c->example_class > 4)
        return NULL;
    n = snprintf(text, sizeof text, "%s %.*s", classes[c->example_class], (int)c->example_len, c->example);
    return parity_arena_copy(a, text, (size_t)n);
}

/* ----------------------------------------------------------------------- open */

/* Index of a local table by name: exactly, then ignoring case when that is unambiguous; -1. */
static int find_local(const parity_verify *v, const char *name)
{
    int found = -1;

    for (int i = 0; i < v->nlisted; i++)
        if (strcmp(v->local[i], name) == 0)
            return i;
    for (int i = 0; i < v->nlisted; i++)
        if (parity_name_equal_nocase(v->local[i], name))
            found = found == -1 ? i : -2;
    return found < 0 ? -1 : found;
}

/* Reads what only descriptions tell: stored names, and local columns that "exclude" names. */
static parity_status read_stored_names(parity_verify *v, const char **as, parity_error *err)
{
    for (int i = 0; i < v->nlisted; i++) {
        parity_local_table t;

        memset(&t, 0, sizeof t);
        PARITY_TRY(v->engine->describe(v->engine->ctx, &v->row_arena, v->mapping.schema, v->local[i], &t, err));
        if (t.as != NULL) {
            as[i] = parity_arena_copy(&v->arena, t.as, strlen(t.as));
            if (as[i] == NULL)
                return PARITY_NOMEM;
        }
        for (int c = 0; c < t.ncolumns; c++)
            parity_mapping_excludes(&v->mapping, v->local[i], t.columns[c].name);
        parity_arena_free(&v->row_arena);
    }
    return PARITY_OK;
}

static parity_status check_excludes(const parity_verify *v, parity_error *err)
{
    int i = 0;

    if (v->mapping.exclude == NULL)
        return PARITY_OK;
    for (const parity_node *n = v->mapping.exclude->first; n != NULL; n = n->next, i++)
        if (!v->mapping.exclude_used[i])
            return parity_fail(err, PARITY_INVALID, NULL, "Write table.column, with the names of either side.",
                               "invalid mapping: \"exclude\" names no column \"%.100s\"", n->text);
    return PARITY_OK;
}

static parity_status pair_tables(parity_verify *v, parity_error *err)
{
    parity_arena *a = &v->arena;
    parity_names remote, local;
    size_t nremote = (size_t)v->bundle.ntables + 1, nlocal;
    int *fixed = parity_arena_alloc(a, nremote * sizeof *fixed);
    char **listed = v->local;

    v->nlisted = v->nlocal;
    nlocal = (size_t)v->nlisted + nremote;
    v->local = parity_arena_alloc(a, nlocal * sizeof *v->local);
    v->taken = parity_arena_alloc(a, nlocal);
    v->pair = parity_arena_alloc(a, nremote * sizeof *v->pair);
    remote.name = parity_arena_alloc(a, nremote * sizeof *remote.name);
    remote.as = parity_arena_alloc(a, nremote * sizeof *remote.as);
    local.as = parity_arena_alloc(a, nlocal * sizeof *local.as);
    if (!fixed || !v->local || !v->taken || !v->pair || !remote.name || !remote.as || !local.as)
        return PARITY_NOMEM;
    if (v->nlisted > 0)
        memcpy(v->local, listed, (size_t)v->nlisted * sizeof *listed);
    PARITY_TRY(read_stored_names(v, local.as, err));
    PARITY_TRY(check_excludes(v, err));
    for (int r = 0; r < v->bundle.ntables; r++) {
        const parity_spec *s = &v->bundle.tables[r].spec;
        const char *mapped = parity_mapping_table(&v->mapping, s->table);

        remote.name[r] = s->table;
        remote.as[r] = s->as;
        fixed[r] = -1;
        if (mapped == NULL)
            continue;
        fixed[r] = find_local(v, mapped);
        if (fixed[r] < 0) {
            fixed[r] = v->nlocal; /* a view, a virtual table: describe knows */
            v->local[v->nlocal++] = (char *)mapped;
        }
        for (int other = 0; other < r; other++)
            if (fixed[other] == fixed[r])
                return parity_fail(err, PARITY_INVALID, NULL, NULL,
                                   "invalid mapping: table \"%.100s\" is given twice", mapped);
    }
    remote.n = v->bundle.ntables;
    local.name = (const char **)v->local;
    local.n = v->nlocal;
    PARITY_TRY(parity_pair_names(a, &remote, &local, fixed, v->pair));
    for (int r = 0; r < v->bundle.ntables; r++)
        if (v->pair[r] >= 0)
            v->taken[v->pair[r]] = true;
    return PARITY_OK;
}

parity_status parity_verify_open(const parity_mem *mem, const parity_engine *engine, const char *bundle, size_t nbundle,
                                 const char *mapping, size_t nmapping, parity_verify **out, parity_error *err)
{
    parity_verify *v = mem->resize(mem->ctx, NULL, sizeof *v);

    *out = v;
    if (v == NULL)
        return PARITY_NOMEM;
    memset(v, 0, sizeof *v);
    v->mem = *mem;
    v->engine = engine;
    parity_arena_init(&v->arena, &v->mem);
    parity_arena_init(&v->row_arena, &v->mem);
    parity_buf_init(&v->detail, &v->mem);
    parity_buf_init(&v->names, &v->mem);
    PARITY_TRY(parity_bundle_parse(&v->arena, bundle, nbundle, &v->bundle, err));
    PARITY_TRY(parity_mapping_parse(&v->arena, mapping, nmapping, &v->bundle, &v->mapping, err));
    PARITY_TRY(engine->list(engine->ctx, &v->arena, v->mapping.schema, &v->local, &v->nlocal, &v->skipped,
                            &v->nskipped, err));
    return pair_tables(v, err);
}

void parity_verify_close(parity_verify *v)
{
    parity_mem mem;

    if (v == NULL)
        return;
    mem = v->mem;
    parity_buf_free(&v->detail);
    parity_buf_free(&v->names);
    parity_arena_free(&v->row_arena);
    parity_arena_free(&v->arena);
    mem.resize(mem.ctx, v, 0);
}

/* ---------------------------------------------------------------- comparing */

static const parity_bundle_column *remote_column(const comparison *c, int i)
{
    return &c->remote->columns[c->of_spec[i]];
}

/* The digests of column i of the spec, exact or rounded. */
static parity_digest local_digest(const comparison *c, int i, bool rounded)
{
    const parity_column_tally *t = &c->tally->column[i];

    return rounded ? parity_rounded(&t->digest, &t->rounding) : t->digest;
}

static const parity_digest *remote_digest(const comparison *c, int i, bool rounded)
{
    const parity_bundle_column *column = remote_column(c, i);

    return rounded && column->has_rounded ? &column->rounded : &column->digest;
}

static bool column_equal(const comparison *c, int i, bool local_rounded, bool remote_rounded)
{
    parity_digest local = local_digest(c, i, local_rounded);

    return parity_digest_equal(&local, remote_digest(c, i, remote_rounded));
}

static bool rows_equal(const comparison *c)
{
    return c->tally->digest.rows == c->remote->digest.rows;
}

static bool has_key(const comparison *c)
{
    return parity_spec_nkey(&c->remote->spec) > 0;
}

/* Whether the keys are equal: true for tables without one when the rows are as many. */
static bool keys_equal(const comparison *c, bool local_rounded, bool remote_rounded)
{
    parity_digest local = local_rounded ? parity_rounded(&c->tally->keys, &c->tally->rounding_keys) : c->tally->keys;
    const parity_digest *remote = remote_rounded ? &c->remote->rounded_keys : &c->remote->keys;

    if (!has_key(c))
        return rows_equal(c);
    return c->key_complete && parity_digest_equal(&local, remote);
}

static bool all_columns_equal(const comparison *c, bool local_rounded, bool remote_rounded)
{
    for (int i = 0; i < c->spec.ncolumns; i++)
        if (!column_equal(c, i, local_rounded, remote_rounded))
            return false;
    return true;
}

/*
 * Whether the compared columns are proven equal.  With every remote column
 * compared the row digests say so.  Else the column digests do, which pair
 * values with keys: but only when no key can stand twice.
 */
static bool proven_equal(const comparison *c, bool local_rounded, bool remote_rounded)
{
    if (remote_rounded && !c->remote->has_rounded)
        return false;
    if (c->whole) {
        parity_digest local = local_rounded ? parity_rounded(&c->tally->digest, &c->tally->rounding) : c->tally->digest;

        return parity_digest_equal(&local, remote_rounded ? &c->remote->rounded : &c->remote->digest);
    }
    return c->remote->spec.unique && has_key(c) && rows_equal(c) && keys_equal(c, local_rounded, remote_rounded) &&
           all_columns_equal(c, local_rounded, remote_rounded);
}

/* Whether unequal digests of column i may come from how values are read. */
static bool is_doubtful(const comparison *c, int i)
{
    return parity_comparison_weak(c, i) || c->tally->column[i].option > 0 || remote_column(c, i)->option > 0;
}

/* Whether every difference there is may come from how values are read. */
static bool only_doubts(const comparison *c)
{
    bool keys = keys_equal(c, false, false), doubtful_key = false;
    int doubts = 0;

    if (!rows_equal(c) || !c->key_complete || c->only_remote > 0 || c->only_local > 0)
        return false;
    for (int i = 0; i < c->spec.ncolumns; i++) {
        bool doubtful = is_doubtful(c, i);

        doubtful_key |= doubtful && c->spec.columns[i].key;
        doubts += doubtful;
        if (keys && !doubtful && !column_equal(c, i, false, false))
            return false;
    }
    return doubts > 0 && (keys || doubtful_key);
}

/* ------------------------------------------------------------------ the report */

static parity_status say_one_sided(comparison *c)
{
    parity_verify *v = c->v;
    const parity_spec *s = &c->remote->spec;
    int n = 0;

    if (c->only_remote > 0) {
        SAY("%s only there: ", c->only_remote == 1 ? "column" : "columns");
        for (int r = 0; r < s->ncolumns; r++)
            if (c->column[r] < 0 && !c->excluded[r])
                PARITY_TRY(list_name(&v->detail, s->columns[r].name, &n));
        for (int r = 0; r < s->ncolumns; r++)
            if (c->column[r] == -2 && !c->excluded[r])
                SAY("more than one column here fits the name %s: say which in the mapping", s->columns[r].name);
    }
    if (c->only_local > 0) {
        n = 0;
        SAY("%s only here: ", c->only_local == 1 ? "column" : "columns");
        for (int l = 0; l < c->local.ncolumns; l++)
            if (!c->local_used[l])
                PARITY_TRY(list_name(&v->detail, c->local.columns[l].name, &n));
        for (int l = 0; l < c->local.ncolumns; l++)
            for (int i = 0; !c->local_used[l] && i < s->nleft_out; i++)
                if (parity_name_compare(s->left_out[i], c->local.columns[l].name) == 0)
                    SAY("%s is generated or excluded there: exclude it in the mapping, or name its kind there with "
                        "set_spec",
                        s->left_out[i]);
    }
    return PARITY_OK;
}

/* Columns of which the kinds do not let themselves be compared, and what would help. */
static parity_status say_weak(comparison *c)
{
    parity_verify *v = c->v;
    bool keys = keys_equal(c, false, false);

    for (int i = 0; i < c->spec.ncolumns; i++) {
        const parity_local_column *local = &c->local.columns[c->column[c->of_spec[i]]];
        char there[PARITY_KIND_TEXT_MAX], here[PARITY_KIND_TEXT_MAX];

        if (column_equal(c, i, false, false) || !parity_comparison_weak(c, i) || (!keys && !c->spec.columns[i].key))
            continue;
        parity_kind_print(&c->remote->spec.columns[c->of_spec[i]].kind, there);
        parity_kind_print(&local->kind, here);
        SAY("%s: %s there and %s here cannot be compared: set the kind \"%s\" there with set_spec, or adopt a bundle of "
            "this side there",
            c->spec.columns[i].name, there, here, here);
    }
    return PARITY_OK;
}

/* Columns that differ where this side's type may have rounded what the other side has: only that side can tell. */
static parity_status say_coarser(comparison *c)
{
    parity_verify *v = c->v;

    if (!keys_equal(c, false, false))
        return PARITY_OK;
    for (int i = 0; i < c->spec.ncolumns; i++) {
        const parity_local_column *local = &c->local.columns[c->column[c->of_spec[i]]];
        const parity_kind *there = &c->remote->spec.columns[c->of_spec[i]].kind;
        char here[PARITY_KIND_TEXT_MAX];

        if (column_equal(c, i, false, false) || !local->strict || remote_column(c, i)->has_rounded || parity_comparison_weak(c, i) ||
            !local->kind.has_scale || there->has_scale)
            continue;
        parity_kind_print(&local->kind, here);
        SAY("%s: %s here may have rounded values from there: verify a bundle of this side there to tell",
            c->spec.columns[i].name, here);
    }
    return PARITY_OK;
}

/* Values that rounding changes; only_equal: just in columns that are equal once rounded. */
static parity_status say_rounding(comparison *c, bool local_rounded, bool remote_rounded, bool only_equal)
{
    parity_verify *v = c->v;

    for (int i = 0; i < c->spec.ncolumns; i++) {
        uint64_t here = local_rounded ? c->tally->column[i].rounds : 0;
        uint64_t there = remote_rounded ? remote_column(c, i)->rounds : 0;
        const char *name = c->spec.columns[i].name;
        char kind[PARITY_KIND_TEXT_MAX];

        if (only_equal && (column_equal(c, i, false, false) || !column_equal(c, i, local_rounded, remote_rounded)))
            continue;
        parity_kind_print(&c->spec.columns[i].kind, kind);
        if (here > 0)
            SAY("%s: %" PRIu64 " %s here %s equal only once rounded to %s", name, here, plural(here),
                here == 1 ? "is" : "are", kind);
        if (there > 0)
            SAY("%s: %" PRIu64 " %s there %s equal only once rounded to %s", name, there, plural(there),
                there == 1 ? "is" : "are", kind);
    }
    return PARITY_OK;
}

/* What options made equal that is not: said whatever the verdict. */
static parity_status say_options(comparison *c, int i)
{
    parity_verify *v = c->v;
    const parity_column *column = &c->spec.columns[i];
    uint64_t here = c->tally->column[i].rounds, there = remote_column(c, i)->rounds;

    if (column->kind.options & PARITY_OPT_FOLD)
        SAY("%s: compared without case, as the option fold=ascii says", column->name);
    if (column->kind.options & PARITY_OPT_NONZERO)
        SAY("%s: any number but 0 counts as true, as the option nonzero says", column->name);
    if (!(column->kind.options & PARITY_OPT_ROUND))
        return PARITY_OK;
    if (here > 0)
        SAY("%s: %" PRIu64 " %s here rounded, as the option round says", column->name, here, plural(here));
    if (there > 0)
        SAY("%s: %" PRIu64 " %s there rounded, as the option round says", column->name, there, plural(there));
    return PARITY_OK;
}

/* Generated columns of this side that nothing is compared with. */
static parity_status say_generated(comparison *c)
{
    parity_verify *v = c->v;
    int n = 0;

    for (int l = 0; l < c->local.ncolumns; l++) {
        bool paired = false;

        for (int r = 0; r < c->remote->spec.ncolumns; r++)
            paired |= c->column[r] == l;
        if (paired || !c->local.columns[l].generated)
            continue;
        if (n == 0)
            SAY("generated here and not compared: ");
        PARITY_TRY(list_name(&v->detail, c->local.columns[l].name, &n));
    }
    return PARITY_OK;
}

static parity_status say_all_notes(comparison *c)
{
    parity_verify *v = c->v;

    for (int i = 0; i < c->spec.ncolumns; i++) {
        const parity_column_tally *t = &c->tally->column[i];
        const parity_bundle_column *r = remote_column(c, i);
        const parity_column *column = &c->spec.columns[i];

        PARITY_TRY(say_options(c, i));
        PARITY_TRY(say_notes(v, column->name, "here", &column->kind, t->bad, t->option,
                             tally_example(&v->row_arena, t), t->zoneless, t->digits));
        PARITY_TRY(say_notes(v, column->name, "there", &c->remote->spec.columns[c->of_spec[i]].kind, r->bad, r->option,
                             r->example, r->zoneless, r->digits));
    }
    return PARITY_OK;
}

/* Fills row.columns with the columns for which pick holds. */
static parity_status name_columns(comparison *c, bool (*pick)(const comparison *, int, bool, bool), bool local_rounded,
                                  bool remote_rounded)
{
    const char **names = parity_arena_alloc(&c->v->row_arena, (size_t)(c->spec.ncolumns + 1) * sizeof *names);
    int n = 0;

    if (names == NULL)
        return PARITY_NOMEM;
    for (int i = 0; i < c->spec.ncolumns; i++)
        if (pick(c, i, local_rounded, remote_rounded))
            names[n++] = c->spec.columns[i].name;
    c->v->row.columns = names;
    c->v->row.ncolumns = n;
    return PARITY_OK;
}

static bool pick_unequal(const comparison *c, int i, bool local_rounded, bool remote_rounded)
{
    return !column_equal(c, i, local_rounded, remote_rounded);
}

static bool pick_rounding(const comparison *c, int i, bool local_rounded, bool remote_rounded)
{
    return (local_rounded && c->tally->column[i].rounds > 0) || (remote_rounded && remote_column(c, i)->rounds > 0);
}

/* Why two tables that are not equal differ. */
static parity_status say_difference(comparison *c)
{
    parity_verify *v = c->v;
    bool one_sided = c->only_local > 0 || c->only_remote > 0;

    if (!c->key_complete) {
        SAY("a key column is not compared, so columns cannot be");
        return PARITY_OK;
    }
    if (has_key(c) && !keys_equal(c, false, false)) {
        SAY("keys differ");
        return PARITY_OK;
    }
    if (!rows_equal(c)) {
        SAY("the number of rows differs, and without a key columns cannot be compared");
        return PARITY_OK;
    }
    PARITY_TRY(name_columns(c, pick_unequal, false, false));
    if (v->row.ncolumns > 0) {
        if (one_sided)
            SAY("other columns differ too");
        return PARITY_OK;
    }
    if (proven_equal(c, false, false)) {
        if (one_sided)
            SAY("the other columns match");
    } else if (!c->whole)
        SAY("the digests of the other columns are equal, but without a unique key that does not prove their rows to be");
    else
        SAY("every column holds the same values, but not in the same rows");
    return PARITY_OK;
}

static parity_status judge(comparison *c)
{
    parity_verify *v = c->v;
    parity_verify_row *row = &v->row;
    bool one_sided = c->only_local > 0 || c->only_remote > 0;

    PARITY_TRY(say_one_sided(c));
    if (!one_sided && proven_equal(c, false, false)) {
        row->verdict = PARITY_V_MATCH;
        row->has_differing = true;
    } else {
        bool rounded = false;

        for (int variant = 1; variant < 4 && !one_sided && !rounded; variant++) {
            bool here = variant & 1, there = variant & 2;

            if (!proven_equal(c, here, there))
                continue;
            rounded = true;
            row->verdict = PARITY_V_ROUNDED;
            PARITY_TRY(name_columns(c, pick_rounding, here, there));
            PARITY_TRY(say_rounding(c, here, there, false));
        }
        if (!rounded) {
            bool doubts = only_doubts(c);

            row->verdict = doubts ? PARITY_V_INCOMPARABLE : PARITY_V_DIFFER;
            PARITY_TRY(say_difference(c));
            if (row->verdict == PARITY_V_DIFFER && !one_sided && !c->whole && row->ncolumns == 0 &&
                c->key_complete && keys_equal(c, false, false) && rows_equal(c))
                row->verdict = PARITY_V_INCOMPARABLE; /* nothing differs, and nothing proves that nothing does */
            PARITY_TRY(say_weak(c));
            PARITY_TRY(say_coarser(c));
            PARITY_TRY(say_rounding(c, true, false, true));
            PARITY_TRY(say_rounding(c, false, c->remote->has_rounded, true));
        }
    }
    if (c->nexcluded > 0)
        SAY("%d %s excluded", c->nexcluded, c->nexcluded == 1 ? "column is" : "columns are");
    PARITY_TRY(say_generated(c));
    return say_all_notes(c);
}

/* How many rows differ, exactly when the sketches say so. */
static parity_status count_differing(comparison *c)
{
    parity_verify *v = c->v;
    parity_difference d;

    if (v->row.verdict != PARITY_V_DIFFER && v->row.verdict != PARITY_V_ROUNDED)
        return PARITY_OK;
    PARITY_TRY(parity_comparison_decode(c, &d));
    if (!d.known)
        return PARITY_OK;
    v->row.has_differing = true;
    v->row.differing = d.complete ? d.n : d.estimate;
    if (d.complete)
        return PARITY_OK;
    SAY("differing is an estimate: ");
    if (parity_difference_cells(&d) > d.cells)
        return parity_buf_printf(&v->detail, "a bundle with cells => %" PRIu32 " would tell", parity_difference_cells(&d));
    return parity_buf_puts(&v->detail, "compare buckets to find the rows");
}

static parity_status compare(parity_verify *v, int r, parity_error *err)
{
    comparison c;
    parity_verify_row *row = &v->row;
    const char *table = v->local[v->pair[r]];

    memset(&c, 0, sizeof c);
    c.v = v;
    c.arena = &v->row_arena;
    c.mapping = &v->mapping;
    c.remote = &v->bundle.tables[r];
    row->has_remote_rows = true;
    row->remote_rows = c.remote->digest.rows;
    row->remote_name = c.remote->spec.table;
    row->table_name = table;
    PARITY_TRY(v->engine->describe(v->engine->ctx, &v->row_arena, v->mapping.schema, table, &c.local, err));
    PARITY_TRY(parity_comparison_pair(&c, err));
    if (c.spec.ncolumns == 0) {
        row->verdict = PARITY_V_INCOMPARABLE;
        SAY("there is no column to compare");
        return PARITY_OK;
    }
    PARITY_TRY(v->engine->scan(v->engine->ctx, &v->row_arena, &c.spec, parity_comparison_cells(&c), &c.tally, err));
    row->has_local_rows = true;
    row->local_rows = c.tally->digest.rows;
    PARITY_TRY(judge(&c));
    return count_differing(&c);
}

/* --------------------------------------------------------------- tables alone */

static bool fits_any(char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (parity_name_compare(names[i], name) == 0)
            return true;
    return false;
}

static parity_status only_remote(parity_verify *v, int r)
{
    const parity_bundle_table *t = &v->bundle.tables[r];

    v->row.verdict = PARITY_V_ONLY_REMOTE;
    v->row.remote_name = t->spec.table;
    v->row.has_remote_rows = true;
    v->row.remote_rows = t->digest.rows;
    if (v->pair[r] == -2)
        SAY("more than one table here fits the name: say which in the mapping");
    else if (fits_any(v->skipped, v->nskipped, t->spec.table))
        SAY("a table of that name is left out here (virtual, internal, of an extension or without columns): name it in "
            "the mapping to compare it");
    return PARITY_OK;
}

static parity_status only_local(parity_verify *v, int l, parity_error *err)
{
    parity_local_table t;
    parity_spec spec;
    parity_column column;
    parity_tally *tally;

    memset(&t, 0, sizeof t);
    memset(&spec, 0, sizeof spec);
    memset(&column, 0, sizeof column);
    v->row.verdict = PARITY_V_ONLY_LOCAL;
    v->row.table_name = v->local[l];
    if (fits_any(v->bundle.skipped, v->bundle.nskipped, v->local[l]))
        SAY("a table of that name is left out there (virtual, internal, of an extension or without columns): name it in "
            "the bundle to compare it");
    PARITY_TRY(v->engine->describe(v->engine->ctx, &v->row_arena, v->mapping.schema, v->local[l], &t, err));
    if (t.ncolumns == 0)
        return PARITY_OK;
    /* one column is enough to count the rows */
    column.name = t.columns[0].name;
    column.kind = t.columns[0].kind;
    spec.schema = t.schema;
    spec.table = t.name;
    spec.columns = &column;
    spec.ncolumns = 1;
    PARITY_TRY(v->engine->scan(v->engine->ctx, &v->row_arena, &spec, 0, &tally, err));
    v->row.has_local_rows = true;
    v->row.local_rows = tally->digest.rows;
    return PARITY_OK;
}

parity_status parity_verify_next(parity_verify *v, const parity_verify_row **row, parity_error *err)
{
    int i;

    parity_arena_free(&v->row_arena);
    memset(&v->row, 0, sizeof v->row);
    v->detail.len = 0;
    *row = NULL;
    i = v->next;
    if (i < v->bundle.ntables) {
        v->next++;
        if (v->pair[i] >= 0)
            PARITY_TRY(compare(v, i, err));
        else
            PARITY_TRY(only_remote(v, i));
    } else {
        for (i -= v->bundle.ntables; i < v->nlisted && (v->taken[i] || v->bundle.partial); i++)
            ;
        v->next = v->bundle.ntables + i + 1;
        if (i >= v->nlisted) {
            v->next = v->bundle.ntables + v->nlisted;
            return PARITY_OK;
        }
        PARITY_TRY(only_local(v, i, err));
    }
    if (v->detail.len > 0) {
        PARITY_TRY(parity_buf_put(&v->detail, "", 1));
        v->row.detail = (const char *)v->detail.data;
    }
    *row = &v->row;
    return PARITY_OK;
}

bool parity_verify_accepts(const parity_verify *v, const parity_verify_row *row)
{
    return row->verdict == PARITY_V_MATCH || (row->verdict == PARITY_V_ROUNDED && v->mapping.accept_rounded);
}

parity_status parity_verify_assert(parity_verify *v, parity_error *err)
{
    const parity_verify_row *row;
    int wrong = 0, tables = 0, listed = 0;

    v->names.len = 0;
    for (;;) {
        const char *name;

        PARITY_TRY(parity_verify_next(v, &row, err));
        if (row == NULL)
            break;
        tables++;
        if (parity_verify_accepts(v, row))
            continue;
        wrong++;
        name = row->table_name ? row->table_name : row->remote_name;
        if (listed >= 0 && v->names.len + strlen(name) < 600) {
            PARITY_TRY(parity_buf_printf(&v->names, "%s%s: %s", listed > 0 ? ", " : "", name,
                                         parity_verdict_text(row->verdict)));
            listed++;
        } else if (listed >= 0) {
            PARITY_TRY(parity_buf_puts(&v->names, ", ..."));
            listed = -1;
        }
    }
    if (tables == 0)
        return parity_fail(err, PARITY_MISMATCH, "Neither side has a table to compare.", NULL, "nothing was compared");
    if (wrong == 0)
        return PARITY_OK;
    PARITY_TRY(parity_buf_put(&v->names, "", 1));
    return parity_fail(err, PARITY_MISMATCH, (const char *)v->names.data,
                       "verify says for each table what differs.", "%d of %d %s not match", wrong, tables,
                       tables == 1 ? "table does" : wrong == 1 ? "tables does" : "tables do");
}

/* ------------------------------------------------------------------------ adopt */

static parity_status put_overrides(parity_buf *json, const comparison *c)
{
    const parity_spec *s = &c->remote->spec;
    bool names = false, first = true;

    PARITY_TRY(parity_buf_puts(json, "{\"columns\":{"));
    for (int i = 0; i < c->spec.ncolumns; i++) {
        char kind[PARITY_KIND_TEXT_MAX];

        parity_kind_print(&c->spec.columns[i].kind, kind);
        PARITY_TRY(parity_buf_puts(json, i > 0 ? "," : ""));
        PARITY_TRY(parity_json_string(json, c->spec.columns[i].name));
        PARITY_TRY(parity_buf_puts(json, ":"));
        PARITY_TRY(parity_json_string(json, kind));
        names |= strcmp(c->spec.columns[i].name, s->columns[c->of_spec[i]].name) != 0;
    }
    PARITY_TRY(parity_buf_puts(json, "},\"key\":["));
    for (int i = 0; i < c->spec.ncolumns; i++)
        if (c->spec.columns[i].key) {
            PARITY_TRY(parity_buf_puts(json, first ? "" : ","));
            PARITY_TRY(parity_json_string(json, c->spec.columns[i].name));
            first = false;
        }
    PARITY_TRY(parity_buf_puts(json, "]"));
    if (names) {
        first = true;
        PARITY_TRY(parity_buf_puts(json, ",\"names\":{"));
        for (int i = 0; i < c->spec.ncolumns; i++) {
            const char *other = s->columns[c->of_spec[i]].name;

            if (strcmp(c->spec.columns[i].name, other) == 0)
                continue;
            PARITY_TRY(parity_buf_puts(json, first ? "" : ","));
            PARITY_TRY(parity_json_string(json, c->spec.columns[i].name));
            PARITY_TRY(parity_buf_puts(json, ":"));
            PARITY_TRY(parity_json_string(json, other));
            first = false;
        }
        PARITY_TRY(parity_buf_puts(json, "}"));
    }
    if (strcmp(c->local.name, s->table) != 0) {
        PARITY_TRY(parity_buf_puts(json, ",\"as\":"));
        PARITY_TRY(parity_json_string(json, s->table));
    }
    first = true;
    for (int l = 0; l < c->local.ncolumns; l++) {
        const parity_local_column *column = &c->local.columns[l];
        bool excluded = column->excluded || parity_mapping_excludes(&c->v->mapping, c->local.name, column->name);

        for (int r = 0; r < s->ncolumns; r++)
            excluded |= c->column[r] == l && c->excluded[r];
        if (!excluded)
            continue;
        PARITY_TRY(parity_buf_puts(json, first ? ",\"exclude\":[" : ","));
        PARITY_TRY(parity_json_string(json, column->name));
        first = false;
    }
    return parity_buf_puts(json, first ? "}" : "]}");
}

parity_status parity_verify_adopt(parity_verify *v, int i, const char **schema, const char **table, parity_buf *json,
                                  parity_error *err)
{
    *schema = *table = NULL;
    parity_arena_free(&v->row_arena);
    for (int r = 0; r < v->bundle.ntables; r++) {
        comparison c;

        if (v->pair[r] < 0 || i-- > 0)
            continue;
        memset(&c, 0, sizeof c);
        c.v = v;
        c.arena = &v->row_arena;
        c.mapping = &v->mapping;
        c.remote = &v->bundle.tables[r];
        PARITY_TRY(v->engine->describe(v->engine->ctx, &v->row_arena, v->mapping.schema, v->local[v->pair[r]],
                                       &c.local, err));
        PARITY_TRY(parity_comparison_pair(&c, err));
        if (!c.key_complete)
            return parity_fail(err, PARITY_INVALID, NULL, "Map the column, or do not exclude it.",
                               "a key column of table \"%.100s\" has no counterpart here", c.local.name);
        json->len = 0;
        PARITY_TRY(put_overrides(json, &c));
        *schema = c.local.schema;
        *table = c.local.name;
        return PARITY_OK;
    }
    return PARITY_OK;
}
