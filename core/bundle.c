/*
 * bundle.c - one text that says all about one side's tables
 *
 *   {"parity":"p1","engine":"postgresql","version":"0.1.0","server":"PostgreSQL 15.18",
 *    "time":"2026-01-02T03:04:05Z","position":"0/1949B38","schema":"public",
 *    "tables":[
 *    {"table":"tasks","schema":"public",
 *     "columns":[{"name":"id","kind":"int","digest":"p1-2-…"},…],
 *     "key":["id"],"unique":true,"digest":"p1-2-…","keys":"p1-2-…"},
 *    …],
 *    "skipped":["…"]}
 *
 * A table is its spec with digests and a sketch added.  Counts that are 0 are left out; the
 * rounded digests are there only when some value would change by rounding.
 * Members that a reader does not know are passed over, so that a bundle may
 * gain some.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "verify.h"

static parity_status put_text(parity_buf *b, const char *name, const char *value)
{
    PARITY_TRY(parity_buf_printf(b, ",\"%s\":", name));
    return parity_json_string(b, value ? value : "");
}

static parity_status put_digest(parity_buf *b, const char *name, const parity_digest *d)
{
    char text[PARITY_DIGEST_TEXT_MAX];

    parity_digest_print(d, text);
    return put_text(b, name, text);
}

static parity_status put_rounded(parity_buf *b, const char *name, const parity_digest *exact,
                                 const parity_digest *rounding)
{
    parity_digest d = parity_rounded(exact, rounding);

    return put_digest(b, name, &d);
}

static parity_status put_count(parity_buf *b, const char *name, uint64_t n)
{
    return n == 0 ? PARITY_OK : parity_buf_printf(b, ",\"%s\":%" PRIu64, name, n);
}

parity_status parity_head_print(parity_buf *b, const parity_bundle *head)
{
    PARITY_TRY(parity_buf_puts(b, "{\"parity\":\"" PARITY_FORMAT "\""));
    PARITY_TRY(put_text(b, "engine", head->engine));
    PARITY_TRY(put_text(b, "version", head->version));
    PARITY_TRY(put_text(b, "server", head->server));
    PARITY_TRY(put_text(b, "time", head->time));
    PARITY_TRY(put_text(b, "position", head->position));
    return put_text(b, "schema", head->schema);
}

parity_status parity_bundle_begin(parity_buf *b, const parity_bundle *head)
{
    PARITY_TRY(parity_head_print(b, head));
    if (head->partial)
        PARITY_TRY(parity_buf_puts(b, ",\"partial\":true"));
    if (head->nskipped > 0) {
        PARITY_TRY(parity_buf_puts(b, ",\"skipped\":["));
        for (int i = 0; i < head->nskipped; i++) {
            PARITY_TRY(parity_buf_puts(b, i > 0 ? "," : ""));
            PARITY_TRY(parity_json_string(b, head->skipped[i]));
        }
        PARITY_TRY(parity_buf_puts(b, "]"));
    }
    return parity_buf_puts(b, ",\"tables\":[\n");
}

typedef struct adding {
    const parity_tally *tally;
    bool rounded;
} adding;

static const char *const class_names[] = {"", "INTEGER", "REAL", "TEXT", "BLOB"};

/* what a bundle says of a column beside the spec */
static parity_status add_column(void *ctx, parity_buf *b, int i)
{
    const adding *adding = ctx;
    const parity_column_tally *c = &adding->tally->column[i];

    PARITY_TRY(put_digest(b, "digest", &c->digest));
    if (adding->rounded)
        PARITY_TRY(put_rounded(b, "rounded", &c->digest, &c->rounding));
    PARITY_TRY(put_count(b, "bad", c->bad));
    PARITY_TRY(put_count(b, "option", c->option));
    PARITY_TRY(put_count(b, "rounds", c->rounds));
    PARITY_TRY(put_count(b, "zoneless", c->zoneless));
    PARITY_TRY(put_count(b, "digits", c->digits));
    PARITY_TRY(put_count(b, "nulls", c->nulls));
    if (c->example_class >= 1 && c->example_class <= 4) {
        char text[16 + PARITY_EXAMPLE_MAX];

        snprintf(text, sizeof text, "%s %.*s", class_names[c->example_class], (int)c->example_len, c->example);
        PARITY_TRY(put_text(b, "example", text));
    }
    return PARITY_OK;
}

/* Adds the sketch; the memory that this takes goes at once. */
static parity_status put_sketch(parity_buf *b, const parity_tally *tally)
{
    const parity_sketch *sketch = (const parity_sketch *)(const void *)&tally->column[tally->ncolumns];
    parity_arena a;
    parity_status status;

    if (tally->cells == 0)
        return PARITY_OK;
    parity_arena_init(&a, b->mem);
    PARITY_TRY(parity_buf_puts(b, ",\"sketch\":\""));
    status = parity_sketch_print(b, &a, sketch);
    parity_arena_free(&a);
    return status == PARITY_OK ? parity_buf_puts(b, "\"") : status;
}

parity_status parity_bundle_add(parity_buf *b, const parity_spec *spec, const parity_tally *tally, bool first)
{
    adding adding = {tally, false};

    for (int i = 0; i < spec->ncolumns; i++)
        adding.rounded |= tally->column[i].rounds > 0;
    PARITY_TRY(parity_buf_puts(b, first ? "" : ",\n"));
    PARITY_TRY(parity_spec_write(b, spec, add_column, &adding));
    PARITY_TRY(put_digest(b, "digest", &tally->digest));
    PARITY_TRY(put_digest(b, "keys", &tally->keys));
    if (adding.rounded) {
        PARITY_TRY(put_rounded(b, "rounded", &tally->digest, &tally->rounding));
        PARITY_TRY(put_rounded(b, "rounded_keys", &tally->keys, &tally->rounding_keys));
    }
    PARITY_TRY(put_sketch(b, tally));
    return parity_buf_puts(b, "}");
}

parity_status parity_bundle_end(parity_buf *b)
{
    return parity_buf_puts(b, "\n]}");
}

/* ------------------------------------------------------------------- reading */

static parity_status bad_member(parity_error *err, const char *member, const char *why)
{
    return parity_fail(err, PARITY_MALFORMED, why, "Make the bundle again with parity.bundle or parity_bundle.",
                       "invalid \"%s\" in bundle", member);
}

static parity_status read_text(const parity_node *root, const char *name, char **out, parity_error *err)
{
    const parity_node *n = parity_node_member(root, name);

    if (n == NULL || n->type != PARITY_N_STRING)
        return bad_member(err, name, n == NULL ? "It is missing." : "It is not a string.");
    *out = (char *)n->text;
    return PARITY_OK;
}

/* *found tells whether it is there; required makes its absence an error. */
static parity_status read_digest(const parity_node *object, const char *name, bool required, bool *found,
                                 parity_digest *out, parity_error *err)
{
    const parity_node *n = parity_node_member(object, name);
    parity_error inner;

    *found = n != NULL;
    if (n == NULL)
        return required ? bad_member(err, name, "It is missing.") : PARITY_OK;
    if (n->type != PARITY_N_STRING)
        return bad_member(err, name, "It is not a digest.");
    if (parity_digest_parse(n->text, strlen(n->text), out, &inner) != PARITY_OK)
        return bad_member(err, name, inner.detail);
    return PARITY_OK;
}

static parity_status read_count(const parity_node *object, const char *name, uint64_t max, uint64_t *out,
                                parity_error *err)
{
    const parity_node *n = parity_node_member(object, name);

    *out = 0;
    if (n != NULL && (!parity_node_u64(n, out) || *out > max))
        return bad_member(err, name, "It is not a possible number of values.");
    return PARITY_OK;
}

static parity_status read_column(const parity_node *node, const parity_bundle_table *t, parity_bundle_column *c,
                                 parity_error *err)
{
    const parity_node *example = parity_node_member(node, "example");
    uint64_t rows = t->digest.rows;
    bool found;

    PARITY_TRY(read_digest(node, "digest", true, &found, &c->digest, err));
    PARITY_TRY(read_digest(node, "rounded", t->has_rounded, &c->has_rounded, &c->rounded, err));
    if (c->digest.rows != rows || (c->has_rounded && c->rounded.rows != rows))
        return bad_member(err, "digest", "A column has another number of rows than its table.");
    PARITY_TRY(read_count(node, "bad", rows, &c->bad, err));
    PARITY_TRY(read_count(node, "option", c->bad, &c->option, err));
    PARITY_TRY(read_count(node, "rounds", rows, &c->rounds, err));
    PARITY_TRY(read_count(node, "zoneless", rows, &c->zoneless, err));
    PARITY_TRY(read_count(node, "digits", rows, &c->digits, err));
    PARITY_TRY(read_count(node, "nulls", rows, &c->nulls, err));
    if (example != NULL) {
        if (example->type != PARITY_N_STRING || strlen(example->text) > 16 + 3 * PARITY_EXAMPLE_MAX)
            return bad_member(err, "example", "It is not a short string.");
        c->example = (char *)example->text;
    }
    return PARITY_OK;
}

static parity_status read_sketch(parity_arena *a, const parity_node *table, parity_bundle_table *t, parity_error *err)
{
    const parity_node *n = parity_node_member(table, "sketch");
    parity_error inner;
    parity_status status;

    if (n == NULL)
        return PARITY_OK;
    if (n->type != PARITY_N_STRING)
        return bad_member(err, "sketch", "It is not a string.");
    status = parity_sketch_parse(a, n->text, strlen(n->text), &t->sketch, &inner);
    if (status == PARITY_MALFORMED || status == PARITY_VERSION)
        return bad_member(err, "sketch", inner.detail);
    PARITY_TRY(status);
    if (!parity_sketch_wire_fits(&t->sketch, &t->digest))
        return bad_member(err, "sketch", "It is of other rows than the digest.");
    t->has_sketch = true;
    return PARITY_OK;
}

static parity_status read_table(parity_arena *a, const parity_node *node, parity_bundle_table *t, parity_error *err)
{
    parity_error inner;
    parity_status status;
    bool found;
    int i = 0;

    status = parity_spec_read(a, node, &t->spec, &inner);
    if (status == PARITY_INVALID) {
        char detail[sizeof inner.message + sizeof inner.hint + 4];

        snprintf(detail, sizeof detail, "%s.%s%s", inner.message, inner.hint[0] ? " " : "", inner.hint);
        return bad_member(err, "tables", detail);
    }
    if (status != PARITY_OK) {
        if (err != NULL)
            *err = inner;
        return status;
    }
    PARITY_TRY(read_digest(node, "digest", true, &found, &t->digest, err));
    PARITY_TRY(read_digest(node, "keys", true, &found, &t->keys, err));
    PARITY_TRY(read_digest(node, "rounded", false, &t->has_rounded, &t->rounded, err));
    PARITY_TRY(read_digest(node, "rounded_keys", t->has_rounded, &found, &t->rounded_keys, err));
    if (t->keys.rows != (parity_spec_nkey(&t->spec) > 0 ? t->digest.rows : 0) ||
        (t->has_rounded && (t->rounded.rows != t->digest.rows || t->rounded_keys.rows != t->keys.rows)))
        return bad_member(err, "keys", "It has another number of rows than the table.");
    PARITY_TRY(read_sketch(a, node, t, err));
    t->columns = parity_arena_alloc(a, (size_t)t->spec.ncolumns * sizeof *t->columns);
    if (t->columns == NULL)
        return PARITY_NOMEM;
    for (const parity_node *n = parity_node_member(node, "columns")->first; n != NULL; n = n->next)
        PARITY_TRY(read_column(n, t, &t->columns[i++], err));
    return PARITY_OK;
}

static parity_status read_skipped(parity_arena *a, const parity_node *root, parity_bundle *out, parity_error *err)
{
    const parity_node *skipped = parity_node_member(root, "skipped");

    if (skipped == NULL)
        return PARITY_OK;
    if (skipped->type != PARITY_N_ARRAY || skipped->count > PARITY_BUNDLE_MAX_TABLES)
        return bad_member(err, "skipped", "It is not an array of table names.");
    out->skipped = parity_arena_alloc(a, (skipped->count + 1) * sizeof *out->skipped);
    if (out->skipped == NULL)
        return PARITY_NOMEM;
    for (const parity_node *n = skipped->first; n != NULL; n = n->next) {
        if (n->type != PARITY_N_STRING)
            return bad_member(err, "skipped", "It is not an array of table names.");
        out->skipped[out->nskipped++] = (char *)n->text;
    }
    return PARITY_OK;
}

parity_status parity_head_read(const parity_node *root, parity_bundle *out, parity_error *err)
{
    const parity_node *version;

    version = parity_node_member(root, "parity");
    if (version == NULL || version->type != PARITY_N_STRING)
        return parity_fail(err, PARITY_MALFORMED, "It has no member \"parity\".",
                           "parity.bundle and parity_bundle print a bundle.", "the text is JSON but not a bundle");
    if (strcmp(version->text, PARITY_FORMAT) != 0) {
        char detail[160];

        snprintf(detail, sizeof detail, "It is of version %.32s; this parity reads version %s.", version->text,
                 PARITY_FORMAT);
        return parity_fail(err, PARITY_VERSION, detail, "Use the same version of parity on both sides.",
                           "bundle of another version");
    }
    PARITY_TRY(read_text(root, "engine", &out->engine, err));
    PARITY_TRY(read_text(root, "version", &out->version, err));
    PARITY_TRY(read_text(root, "server", &out->server, err));
    PARITY_TRY(read_text(root, "time", &out->time, err));
    PARITY_TRY(read_text(root, "position", &out->position, err));
    PARITY_TRY(read_text(root, "schema", &out->schema, err));
    if (strcmp(out->engine, "postgresql") != 0 && strcmp(out->engine, "sqlite") != 0)
        return bad_member(err, "engine", "It is neither postgresql nor sqlite.");
    return PARITY_OK;
}

parity_status parity_bundle_parse(parity_arena *a, const char *text, size_t n, parity_bundle *out, parity_error *err)
{
    const parity_node *tables, *partial;
    parity_node *root;
    int i = 0;

    memset(out, 0, sizeof *out);
    PARITY_TRY(parity_doc_parse(a, "bundle", text, n, &root, err));
    if (parity_node_member(root, "rows") != NULL && parity_node_member(root, "tables") == NULL)
        return parity_fail(err, PARITY_MALFORMED, "It was printed by parity.rows or parity_rows.",
                           "parity.bundle and parity_bundle print a bundle.", "the text is a rows bundle");
    PARITY_TRY(parity_head_read(root, out, err));
    partial = parity_node_member(root, "partial");
    out->partial = partial != NULL && partial->type == PARITY_N_TRUE;
    PARITY_TRY(read_skipped(a, root, out, err));
    tables = parity_node_member(root, "tables");
    if (tables == NULL || tables->type != PARITY_N_ARRAY)
        return bad_member(err, "tables", "It is not an array of tables.");
    if (tables->count > PARITY_BUNDLE_MAX_TABLES)
        return parity_fail(err, PARITY_LIMIT, NULL, "Name the tables, in several bundles.", "bundle has more than %d tables", PARITY_BUNDLE_MAX_TABLES);
    out->tables = parity_arena_alloc(a, (tables->count + 1) * sizeof *out->tables);
    if (out->tables == NULL)
        return PARITY_NOMEM;
    out->ntables = (int)tables->count;
    for (const parity_node *t = tables->first; t != NULL; t = t->next, i++)
        PARITY_TRY(read_table(a, t, &out->tables[i], err));
    for (i = 0; i < out->ntables; i++)
        for (int j = 0; j < i && out->ntables <= 2000; j++)
            if (strcmp(out->tables[i].spec.table, out->tables[j].spec.table) == 0)
                return bad_member(err, "tables", "A table stands twice.");
    return PARITY_OK;
}
