/*
 * Verdicts: two sides in memory, a bundle made of one, compared with the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* tables below leave out what is false or NULL */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* A table in memory.  A cell is NULL, or a class letter and text: "i5", "r1.5", "tabc", "b00ff". */
typedef struct mem_table {
    const char *name;
    const char *as;
    struct {
        const char *name;
        const char *kind;
        bool key, strict, is_text, overridden, excluded, generated;
    } columns[6];
    const char *cells[8][6];
    int nrows;
} mem_table;

typedef struct mem_side {
    const mem_table *const *tables; /* NULL at the end */
    const char *const *skipped;     /* NULL at the end, or NULL */
} mem_side;

static int column_count(const mem_table *t)
{
    int n = 0;

    while (n < 6 && t->columns[n].name != NULL)
        n++;
    return n;
}

static parity_status mem_list(void *ctx, parity_arena *a, const char *schema, char ***names, int *n, char ***skipped,
                              int *nskipped, parity_error *err)
{
    const mem_side *side = ctx;
    int count = 0;

    (void)schema;
    (void)err;
    while (side->tables[count] != NULL)
        count++;
    *names = parity_arena_alloc(a, (size_t)(count + 1) * sizeof(char *));
    if (*names == NULL)
        return PARITY_NOMEM;
    for (*n = 0; *n < count; ++*n)
        (*names)[*n] = (char *)side->tables[*n]->name;
    *skipped = (char **)side->skipped;
    for (*nskipped = 0; side->skipped != NULL && side->skipped[*nskipped] != NULL;)
        ++*nskipped;
    return PARITY_OK;
}

static const mem_table *find(const mem_side *side, const char *name)
{
    for (int i = 0; side->tables[i] != NULL; i++)
        if (strcmp(side->tables[i]->name, name) == 0)
            return side->tables[i];
    return NULL;
}

static parity_kind kind_of(const char *text)
{
    parity_kind k;
    parity_error err;

    if (parity_kind_parse(text, strlen(text), &k, &err) != PARITY_OK)
        fail_msg("%s: %s", text, err.message);
    return k;
}

static parity_status mem_describe(void *ctx, parity_arena *a, const char *schema, const char *table,
                                  parity_local_table *out, parity_error *err)
{
    const mem_table *t = find(ctx, table);

    (void)schema;
    if (t == NULL)
        return parity_fail(err, PARITY_NO_TABLE, NULL, NULL, "no such table: %s", table);
    out->name = (char *)t->name;
    out->as = (char *)t->as;
    out->ncolumns = column_count(t);
    out->columns = parity_arena_alloc(a, 6 * sizeof *out->columns);
    if (out->columns == NULL)
        return PARITY_NOMEM;
    for (int i = 0; i < out->ncolumns; i++) {
        out->columns[i].name = (char *)t->columns[i].name;
        out->columns[i].kind = kind_of(t->columns[i].kind);
        out->columns[i].strict = t->columns[i].strict;
        out->columns[i].is_text = t->columns[i].is_text;
        out->columns[i].overridden = t->columns[i].overridden;
        out->columns[i].excluded = t->columns[i].excluded;
        out->columns[i].generated = t->columns[i].generated;
    }
    return PARITY_OK;
}

typedef struct mem_row {
    const mem_table *table;
    const parity_spec *spec;
    int row;
} mem_row;

static parity_status mem_put(void *ctx, int i, bool rounded, parity_buf *b, parity_buf *scratch, unsigned *notes,
                             parity_value *example)
{
    const mem_row *row = ctx;
    parity_kind k = row->spec->columns[i].kind;
    parity_value v = {PARITY_NULL, 0, 0, NULL, 0};
    const char *cell = NULL;

    for (int c = 0; c < column_count(row->table); c++)
        if (strcmp(row->table->columns[c].name, row->spec->columns[i].name) == 0)
            cell = row->table->cells[row->row][c];
    if (cell != NULL) {
        v.cls = cell[0] == 'i' ? PARITY_INTEGER : cell[0] == 'r' ? PARITY_REAL : cell[0] == 't' ? PARITY_STRING : PARITY_BLOB;
        v.i = strtoll(cell + 1, NULL, 10);
        v.r = strtod(cell + 1, NULL);
        v.p = cell + 1;
        v.n = strlen(cell + 1);
    }
    if (rounded)
        k.options |= PARITY_OPT_ROUND;
    *example = v;
    return parity_put_value(b, scratch, &k, &v, notes);
}

static parity_status mem_scan(void *ctx, parity_arena *a, const parity_spec *spec, uint32_t cells, parity_tally **out,
                              parity_error *err)
{
    mem_row row = {find(ctx, spec->table), spec, 0};
    bool key[6];
    parity_scan scan;
    parity_status status;

    (void)err;
    *out = parity_arena_alloc(a, parity_tally_size(spec->ncolumns, cells));
    if (*out == NULL)
        return PARITY_NOMEM;
    parity_tally_init(*out, spec->ncolumns, cells);
    for (int i = 0; i < spec->ncolumns; i++)
        key[i] = spec->columns[i].key;
    status = parity_scan_init(&scan, &test_mem, spec->ncolumns, key, true);
    for (row.row = 0; status == PARITY_OK && row.row < row.table->nrows; row.row++)
        status = parity_scan_row(&scan, *out, mem_put, &row);
    parity_scan_free(&scan);
    return status;
}

/* The bundle of a side, as its own engine would write it. */
static char *bundle_of(const mem_side *side, const char *engine, bool partial)
{
    parity_bundle head;
    parity_arena a;
    parity_buf b;
    char *text;

    memset(&head, 0, sizeof head);
    head.engine = (char *)engine;
    head.version = head.server = head.time = head.position = head.schema = (char *)"x";
    head.partial = partial;
    head.skipped = (char **)side->skipped;
    while (side->skipped != NULL && side->skipped[head.nskipped] != NULL)
        head.nskipped++;
    parity_arena_init(&a, &test_mem);
    parity_buf_init(&b, &test_mem);
    assert_int_equal(parity_bundle_begin(&b, &head), PARITY_OK);
    for (int i = 0; side->tables[i] != NULL; i++) {
        const mem_table *t = side->tables[i];
        parity_spec spec;
        parity_tally *tally;

        memset(&spec, 0, sizeof spec);
        spec.table = (char *)t->name;
        spec.as = (char *)t->as;
        spec.columns = parity_arena_alloc(&a, 6 * sizeof *spec.columns);
        spec.left_out = parity_arena_alloc(&a, 6 * sizeof *spec.left_out);
        for (int c = 0; c < column_count(t); c++) {
            if (t->columns[c].generated) {
                spec.left_out[spec.nleft_out++] = (char *)t->columns[c].name;
                continue;
            }
            spec.columns[spec.ncolumns].name = (char *)t->columns[c].name;
            spec.columns[spec.ncolumns].kind = kind_of(t->columns[c].kind);
            spec.columns[spec.ncolumns++].key = t->columns[c].key;
            spec.unique |= t->columns[c].key;
        }
        parity_spec_sort(&spec);
        assert_int_equal(mem_scan((void *)side, &a, &spec, 0, &tally, NULL), PARITY_OK);
        assert_int_equal(parity_bundle_add(&b, &spec, tally, i == 0), PARITY_OK);
    }
    assert_int_equal(parity_bundle_end(&b), PARITY_OK);
    text = malloc(b.len + 1);
    memcpy(text, b.data, b.len);
    text[b.len] = '\0';
    parity_buf_free(&b);
    parity_arena_free(&a);
    return text;
}

/* Runs verify and returns its rows as lines "local|remote|status|rows|rows|columns|detail". */
static char *verify(const mem_side *local, const char *bundle, const char *mapping)
{
    parity_engine engine = {(void *)local, "sqlite", mem_list, mem_describe, mem_scan, NULL, NULL, NULL, NULL};
    parity_verify *v;
    parity_error err;
    const parity_verify_row *row;
    parity_buf b;
    parity_status status;

    memset(&err, 0, sizeof err);
    parity_buf_init(&b, &test_mem);
    status = parity_verify_open(&test_mem, &engine, bundle, strlen(bundle), mapping, mapping ? strlen(mapping) : 0, &v,
                                &err);
    while (status == PARITY_OK && (status = parity_verify_next(v, &row, &err)) == PARITY_OK && row != NULL) {
        parity_buf_printf(&b, "%s|%s|%s|", row->table_name ? row->table_name : "-",
                          row->remote_name ? row->remote_name : "-", parity_verdict_text(row->verdict));
        if (row->has_local_rows)
            parity_buf_printf(&b, "%d", (int)row->local_rows);
        parity_buf_printf(&b, "|");
        if (row->has_remote_rows)
            parity_buf_printf(&b, "%d", (int)row->remote_rows);
        parity_buf_printf(&b, "|");
        for (int i = 0; i < row->ncolumns; i++)
            parity_buf_printf(&b, "%s%s", i ? "," : "", row->columns[i]);
        parity_buf_printf(&b, "|%s\n", row->detail ? row->detail : "");
    }
    if (status != PARITY_OK)
        parity_buf_printf(&b, "error %d: %s", (int)status, err.message);
    parity_buf_put(&b, "", 1);
    parity_verify_close(v);
    return (char *)b.data; /* from malloc: see test_mem */
}

static void expect(const mem_side *local, const mem_side *remote, const char *mapping, const char *want)
{
    char *bundle = bundle_of(remote, "postgresql", false);
    char *got = verify(local, bundle, mapping);

    assert_string_equal(got, want);
    free(got);
    free(bundle);
}

#define SIDE(name, ...)                                          \
    static const mem_table *const name##_tables[] = {__VA_ARGS__, NULL}; \
    static const mem_side name = {name##_tables, NULL}

static const mem_table users = {"users", NULL, {{"id", "int", .key = true}, {"name", "text"}, {"at", "timestamptz"}},
                                {{"i1", "tAda", "t2024-01-01 00:00:00Z"}, {"i2", "tBob", NULL}}, 2};

static void test_match(void **state)
{
    static const mem_table other = {"Users", NULL, {{"AT", "text"}, {"Id", "text"}, {"Name", "text"}},
                                    {{NULL, "t2", "tBob"}, {"t2024-01-01T01:00:00+01", "i1", "tAda"}}, 2};
    SIDE(local, &other);
    SIDE(remote, &users);
    SIDE(nothing, NULL);

    (void)state;
    expect(&remote, &remote, NULL, "users|users|match|2|2||\n");
    expect(&local, &remote, NULL, "Users|users|match|2|2||\n");
    expect(&nothing, &nothing, NULL, "");
}

static void test_cells(void **state)
{
    static const mem_table changed = {"users", NULL, {{"id", "int", .key = true}, {"name", "text"}, {"at", "timestamptz"}},
                                      {{"i1", "tAda ", "t2024-01-01 00:00:00Z"}, {"i2", "tBob", NULL}}, 2};
    static const mem_table moved = {"users", NULL, {{"id", "int", .key = true}, {"name", "text"}, {"at", "timestamptz"}},
                                    {{"i1", "tAda", "t2024-01-01 00:00:00Z"}, {"i3", "tBob", NULL}}, 2};
    static const mem_table fewer = {"users", NULL, {{"id", "int", .key = true}, {"name", "text"}, {"at", "timestamptz"}},
                                    {{"i1", "tAda", "t2024-01-01 00:00:00Z"}}, 1};
    SIDE(a, &users);
    SIDE(b, &changed);
    SIDE(c, &moved);
    SIDE(d, &fewer);

    (void)state;
    expect(&a, &b, NULL, "users|users|differ|2|2|name|\n");
    expect(&a, &c, NULL, "users|users|differ|2|2||keys differ\n");
    expect(&a, &d, NULL, "users|users|differ|2|1||keys differ\n");
}

static void test_without_key(void **state)
{
    static const mem_table one = {"log", NULL, {{"a", "int"}, {"b", "int"}}, {{"i1", "i2"}, {"i3", "i4"}}, 2};
    static const mem_table swapped = {"log", NULL, {{"a", "int"}, {"b", "int"}}, {{"i1", "i4"}, {"i3", "i2"}}, 2};
    static const mem_table twice = {"log", NULL, {{"a", "int"}, {"b", "int"}}, {{"i1", "i2"}, {"i3", "i4"}, {"i3", "i4"}}, 3};
    static const mem_table more = {"log", NULL, {{"a", "int"}, {"b", "int"}, {"c", "int"}}, {{"i1", "i2", NULL}, {"i3", "i4", NULL}}, 2};
    SIDE(a, &one);
    SIDE(b, &swapped);
    SIDE(c, &twice);
    SIDE(d, &more);

    (void)state;
    expect(&a, &a, NULL, "log|log|match|2|2||\n");
    expect(&a, &b, NULL, "log|log|differ|2|2||every column holds the same values, but not in the same rows\n");
    expect(&a, &c, NULL,
           "log|log|differ|2|3||the number of rows differs, and without a key columns cannot be compared\n");
    /* without a key, column digests do not prove rows */
    expect(&a, &d, "{\"exclude\":[\"log.c\"]}",
           "log|log|incomparable|2|2||the digests of the other columns are equal, but without a unique key that does not "
           "prove their rows to be; 1 column is excluded\n");
    expect(&b, &d, "{\"exclude\":[\"log.c\"]}",
           "log|log|incomparable|2|2||the digests of the other columns are equal, but without a unique key that does not "
           "prove their rows to be; 1 column is excluded\n");
}

static void test_one_sided(void **state)
{
    static const mem_table more = {"users", NULL, {{"id", "int", .key = true}, {"name", "text"}, {"at", "timestamptz"}, {"age", "int"}},
                                   {{"i1", "tAda", "t2024-01-01 00:00:00Z", "i9"}, {"i2", "tBob", NULL, NULL}}, 2};
    static const mem_table generated = {"users", NULL, {{"id", "int", .key = true}, {"name", "text"}, {"at", "timestamptz"}, {"age", "int", .generated = true}},
                                   {{"i1", "tAda", "t2024-01-01 00:00:00Z", "i9"}, {"i2", "tBob", NULL, NULL}}, 2};
    static const mem_table other = {"orders", NULL, {{"id", "int", .key = true}}, {{"i1"}}, 1};
    static const mem_table no_key_column = {"users", NULL, {{"name", "text"}, {"at", "timestamptz"}}, {{"tAda", NULL}}, 1};
    SIDE(a, &users);
    SIDE(b, &more);
    SIDE(c, &other);
    SIDE(d, &no_key_column);
    SIDE(e, &generated);

    (void)state;
    expect(&a, &b, NULL, "users|users|differ|2|2||column only there: age; the other columns match\n");
    expect(&b, &a, NULL, "users|users|differ|2|2||column only here: age; the other columns match\n");
    expect(&b, &e, NULL,
           "users|users|differ|2|2||column only here: age; age is generated or excluded there: exclude it in the mapping, "
           "or name its kind there with set_spec; the other columns match\n");
    expect(&e, &b, NULL, "users|users|match|2|2||\n");
    expect(&e, &a, NULL, "users|users|match|2|2||generated here and not compared: age\n");
    expect(&a, &b, "{\"exclude\":[\"users.age\"]}", "users|users|match|2|2||1 column is excluded\n");
    expect(&b, &a, "{\"exclude\":[\"users.age\"]}", "users|users|match|2|2||1 column is excluded\n");
    expect(&a, &c, NULL, "-|orders|only remote||1||\nusers|-|only local|2|||\n");
    expect(&d, &a, NULL,
           "users|users|differ|1|2||column only there: id; a key column is not compared, so columns cannot be\n");
}

static void test_rounded(void **state)
{
    static const mem_table typed = {"p", NULL, {{"id", "int", .key = true}, {"lat", "float4"}, {"at", "timestamptz(3)"}, {"price", "decimal(10,2)"}},
                                    {{"i1", "r40.070984", "t2024-01-01 00:00:00.124Z", "t12.35"}, {"i2", "r0.1", NULL, "t1.00"}}, 2};
    static const mem_table loose = {"p", NULL, {{"id", "int"}, {"lat", "float8"}, {"at", "text"}, {"price", "text"}},
                                    {{"i1", "r40.070985", "t2024-01-01T00:00:00.1235Z", "t12.345"}, {"i2", "r0.1", NULL, "i1"}}, 2};
    static const mem_table wrong = {"p", NULL, {{"id", "int"}, {"lat", "float8"}, {"at", "text"}, {"price", "text"}},
                                    {{"i1", "r40.070985", "t2024-01-01T00:00:00.1235Z", "t12.355"}, {"i2", "r0.1", NULL, "i1"}}, 2};
    SIDE(pg, &typed);
    SIDE(lite, &loose);
    SIDE(bad, &wrong);

    (void)state;
    expect(&pg, &pg, NULL, "p|p|match|2|2||\n");
    expect(&lite, &pg, NULL,
           "p|p|rounded|2|2|at,lat,price|at: 1 value here is equal only once rounded to timestamptz(3); lat: 1 value here "
           "is equal only once rounded to float4; price: 1 value here is equal only once rounded to decimal(10,2)\n");
    /* 12.355 rounds to 12.36: a real difference beside two rounded ones */
    expect(&bad, &pg, NULL,
           "p|p|differ|2|2|at,lat,price|at: 1 value here is equal only once rounded to timestamptz(3); lat: 1 value here "
           "is equal only once rounded to float4\n");
}

static void test_remote_rounds(void **state)
{
    /* the remote side is SQLite and has pinned PostgreSQL's kind, so that its bundle knows what rounding gives */
    static const mem_table loose = {"p", NULL, {{"id", "int", .key = true}, {"price", "decimal(10,2)"}}, {{"i1", "t12.345"}}, 1};
    static const mem_table typed = {"p", NULL, {{"id", "int", .strict = true}, {"price", "decimal(10,2)", .strict = true}}, {{"i1", "t12.35"}}, 1};
    SIDE(lite, &loose);
    SIDE(pg, &typed);
    char *bundle = bundle_of(&lite, "sqlite", false);
    char *got = verify(&pg, bundle, NULL);

    (void)state;
    assert_string_equal(got, "p|p|rounded|1|1|price|price: 1 value there is equal only once rounded to decimal(10,2)\n");
    free(got);
    free(bundle);
}

static void test_doubts(void **state)
{
    static const mem_table loose = {"t", NULL, {{"id", "text", .key = true}, {"at", "text"}, {"n", "int"}},
                                    {{"t6ba7b810-9dad-11d1-80b4-00c04fd430c8", "t2024-01-01T00:00:00", "i1"}}, 1};
    static const mem_table typed = {"t", NULL, {{"id", "uuid", .strict = true}, {"at", "timestamptz", .strict = true}, {"n", "int", .strict = true}},
                                    {{"t6ba7b810-9dad-11d1-80b4-00c04fd430c8", "t2024-01-01 00:00:00+00", "i1"}}, 1};
    static const mem_table wrong = {"t", NULL, {{"id", "uuid", .strict = true}, {"at", "timestamptz", .strict = true}, {"n", "int", .strict = true}},
                                    {{"t6ba7b810-9dad-11d1-80b4-00c04fd430c8", "t2024-01-01 00:00:00+00", "i2"}}, 1};
    static const mem_table epoch = {"t", NULL, {{"id", "text"}, {"at", "int"}, {"n", "int"}},
                                    {{"t6ba7b810-9dad-11d1-80b4-00c04fd430c8", "i1704067200", "i1"}}, 1};
    static const mem_table pinned = {"t", NULL, {{"id", "text"}, {"at", "timestamptz epoch=s", .overridden = true}, {"n", "int"}},
                                     {{"t6ba7b810-9dad-11d1-80b4-00c04fd430c8", "i1704067200", "i1"}}, 1};
    SIDE(lite, &loose);
    SIDE(pg, &typed);
    SIDE(bad, &wrong);
    SIDE(numbers, &epoch);
    SIDE(set, &pinned);

    (void)state;
    /* text against timestamptz: the remote digest is of the text as it was written, the local of one form of it */
    expect(&pg, &lite, NULL,
           "t|t|incomparable|1|1|at|at: text there and timestamptz here cannot be compared: set the kind \"timestamptz\" "
           "there with set_spec, or adopt a bundle of this side there\n");
    /* a difference that is sure wins */
    expect(&bad, &lite, NULL,
           "t|t|differ|1|1|at,n|at: text there and timestamptz here cannot be compared: set the kind \"timestamptz\" "
           "there with set_spec, or adopt a bundle of this side there\n");
    expect(&numbers, &pg, NULL,
           "t|t|incomparable|1|1|at|at: 1 value here cannot be read as timestamptz, such as INTEGER 1704067200 (1 would "
           "be with the option epoch=s, epoch=ms, epoch=us or julian)\n");
    expect(&set, &pg, NULL, "t|t|match|1|1||\n");
}

static void test_names(void **state)
{
    static const mem_table a1 = {"user_data", NULL, {{"id", "int", .key = true}}, {{"i1"}}, 1};
    static const mem_table a2 = {"UserData", NULL, {{"ID", "int"}}, {{"i1"}}, 1};
    static const mem_table a3 = {"USERDATA", NULL, {{"ID", "int"}}, {{"i1"}}, 1};
    static const mem_table as = {"people", "user_data", {{"ID", "int"}}, {{"i1"}}, 1};
    static const mem_table columns = {"user_data", NULL, {{"key", "int"}}, {{"i1"}}, 1};
    SIDE(remote, &a1);
    SIDE(one, &a2);
    SIDE(two, &a2, &a3);
    SIDE(stored, &as);
    SIDE(other_column, &columns);

    (void)state;
    expect(&one, &remote, NULL, "UserData|user_data|match|1|1||\n");
    expect(&two, &remote, NULL,
           "-|user_data|only remote||1||more than one table here fits the name: say which in the mapping\n"
           "UserData|-|only local|1|||\nUSERDATA|-|only local|1|||\n");
    expect(&two, &remote, "{\"user_data\":\"USERDATA\"}", "USERDATA|user_data|match|1|1||\nUserData|-|only local|1|||\n");
    expect(&stored, &remote, NULL, "people|user_data|match|1|1||\n");
    expect(&other_column, &remote, "{\"user_data.id\":\"key\"}", "user_data|user_data|match|1|1||\n");
    expect(&other_column, &remote, "{\"user_data.id\":\"user_data.key\"}", "user_data|user_data|match|1|1||\n");
    expect(&other_column, &remote, "{\"user_data.id\":\"none\"}",
           "error 6: column \"none\" of table \"user_data\" does not exist");
    expect(&one, &remote, "{\"nothing\":\"x\"}", "error 2: invalid mapping: the bundle has no table or column \"nothing\"");
    expect(&one, &remote, "{\"exclude\":[\"a.b\"]}", "error 2: invalid mapping: \"exclude\" names no column \"a.b\"");
    expect(&one, &remote, "{\"user_data\":\"missing\"}", "error 5: no such table: missing");
    expect(&one, &remote, "[]", "error 2: invalid mapping: it is not a JSON object");
    expect(&one, &remote, "{\"accept\":\"all\"}", "error 2: invalid mapping: \"accept\" can only be \"rounded\"");
}

static void test_partial(void **state)
{
    static const mem_table other = {"orders", NULL, {{"id", "int", .key = true}}, {{"i1"}}, 1};
    SIDE(remote, &users);
    SIDE(local, &users, &other);
    char *bundle = bundle_of(&remote, "postgresql", true);
    char *got = verify(&local, bundle, NULL);

    (void)state;
    assert_string_equal(got, "users|users|match|2|2||\n");
    free(got);
    free(bundle);
}

static void test_assert_adopt(void **state)
{
    static const mem_table lite = {"Users", NULL, {{"Id", "int", .key = true}, {"Name", "text"}, {"At", "text", .overridden = true}},
                                   {{"i1", "tAda", "t2024-01-01 00:00:00"}, {"i2", "tBob", NULL}}, 2};
    SIDE(local, &lite);
    SIDE(remote, &users);
    parity_engine engine = {(void *)&local, "sqlite", mem_list, mem_describe, mem_scan, NULL, NULL, NULL, NULL};
    char *bundle = bundle_of(&remote, "postgresql", false);
    const char *schema, *table;
    parity_verify *v;
    parity_error err;
    parity_buf json;

    (void)state;
    parity_buf_init(&json, &test_mem);
    assert_int_equal(parity_verify_open(&test_mem, &engine, bundle, strlen(bundle), NULL, 0, &v, &err), PARITY_OK);
    assert_int_equal(parity_verify_assert(v, &err), PARITY_OK);
    assert_int_equal(parity_verify_adopt(v, 0, &schema, &table, &json, &err), PARITY_OK);
    assert_string_equal(table, "Users");
    parity_buf_put(&json, "", 1);
    assert_string_equal((char *)json.data,
                        "{\"columns\":{\"At\":\"timestamptz\",\"Id\":\"int\",\"Name\":\"text\"},\"key\":[\"Id\"],"
                        "\"names\":{\"At\":\"at\",\"Id\":\"id\",\"Name\":\"name\"},\"as\":\"users\"}");
    assert_int_equal(parity_verify_adopt(v, 1, &schema, &table, &json, &err), PARITY_OK);
    assert_null(table);
    parity_verify_close(v);
    parity_buf_free(&json);
    free(bundle);
}

static void test_assert_fails(void **state)
{
    static const mem_table changed = {"users", NULL, {{"id", "int", .key = true}, {"name", "text"}, {"at", "timestamptz"}},
                                      {{"i1", "tAda ", NULL}, {"i2", "tBob", NULL}}, 2};
    SIDE(local, &changed);
    SIDE(remote, &users);
    SIDE(nothing, NULL);
    const mem_side *sides[] = {&local, &nothing};
    const mem_side *others[] = {&remote, &nothing};
    const char *want[] = {"1 of 1 table does not match", "nothing was compared"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        parity_engine engine = {(void *)sides[i], "sqlite", mem_list, mem_describe, mem_scan, NULL, NULL, NULL, NULL};
        char *bundle = bundle_of(others[i], "postgresql", false);
        parity_verify *v;
        parity_error err;

        assert_int_equal(parity_verify_open(&test_mem, &engine, bundle, strlen(bundle), NULL, 0, &v, &err), PARITY_OK);
        assert_int_equal(parity_verify_assert(v, &err), PARITY_MISMATCH);
        assert_string_equal(err.message, want[i]);
        parity_verify_close(v);
        free(bundle);
    }
}

/* Every allocation fails once: a status, no leak, no crash. */
static void test_out_of_memory(void **state)
{
    SIDE(remote, &users);
    char *bundle = bundle_of(&remote, "postgresql", false);
    const char *mapping = "{\"users.name\":\"name\",\"exclude\":[\"users.at\"]}";
    long n = 0;

    (void)state;
    for (;; n++) {
        parity_engine engine = {(void *)&remote, "sqlite", mem_list, mem_describe, mem_scan, NULL, NULL, NULL, NULL};
        parity_verify *v;
        parity_error err;
        const parity_verify_row *row;
        parity_status status;

        fail_after = n;
        status = parity_verify_open(&test_mem, &engine, bundle, strlen(bundle), mapping, strlen(mapping), &v, &err);
        if (status == PARITY_OK)
            status = parity_verify_next(v, &row, &err);
        if (status == PARITY_OK)
            assert_int_equal(row->verdict, PARITY_V_MATCH);
        fail_after = -1;
        parity_verify_close(v);
        if (status == PARITY_OK)
            break;
        assert_int_equal(status, PARITY_NOMEM);
    }
    assert_true(n >= 3);
    free(bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),        cmocka_unit_test(test_cells),         cmocka_unit_test(test_without_key),
        cmocka_unit_test(test_one_sided),    cmocka_unit_test(test_rounded),       cmocka_unit_test(test_remote_rounds),
        cmocka_unit_test(test_doubts),       cmocka_unit_test(test_names),         cmocka_unit_test(test_partial),
        cmocka_unit_test(test_assert_adopt), cmocka_unit_test(test_assert_fails),  cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
