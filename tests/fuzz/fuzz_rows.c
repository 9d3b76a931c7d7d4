/*
 * Rows bundles against two small tables, with and without a key: explained,
 * rechecked and repaired.  The first byte chooses the dialect (bit 0), whether
 * the table is named (bit 1), and what the rest is: a rows bundle; a list of
 * keys, for which a bundle is written and then compared, without a difference;
 * or frames, each with its length in front, which are put into a bundle.
 */
#include "support.h"

static size_t in_use;

static void *resize(void *ctx, void *ptr, size_t size)
{
    size_t *block = ptr ? (size_t *)ptr - 2 : NULL;

    (void)ctx;
    if (block != NULL)
        in_use -= block[0];
    if (size == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, size + 2 * sizeof *block);
    require(block != NULL);
    block[0] = size;
    in_use += size;
    return block + 2;
}

static const parity_mem mem = {resize, NULL};

/* ---- an engine */

#define COLUMNS 7
#define ROWS 4

#define I(v) {PARITY_INTEGER, v, 0, NULL, 0}
#define R(v) {PARITY_REAL, 0, v, NULL, 0}
#define T(v) {PARITY_STRING, 0, 0, v, sizeof v - 1}
#define B(v) {PARITY_BLOB, 0, 0, v, sizeof v - 1}
#define NOTHING {PARITY_NULL, 0, 0, NULL, 0}

static const struct {
    const char *name, *kind;
    uint8_t strict_store, store;
} columns[COLUMNS] = {
    {"id", "int", PARITY_STORE_TEXT, PARITY_STORE_INTEGER},
    {"name", "text", PARITY_STORE_TEXT, PARITY_STORE_ANY_TEXT},
    {"price", "decimal(10,2)", PARITY_STORE_TEXT, PARITY_STORE_NUMERIC},
    {"at", "timestamptz", PARITY_STORE_TEXT, PARITY_STORE_ANY_TEXT},
    {"bin", "bytes", PARITY_STORE_TEXT, PARITY_STORE_BLOB},
    {"doc", "json", PARITY_STORE_JSON, PARITY_STORE_ANY_TEXT},
    {"x", "float8", PARITY_STORE_TEXT, PARITY_STORE_REAL},
};

static const parity_value values[ROWS][COLUMNS] = {
    {I(1), T("one"), T("1.50"), T("2024-01-01 00:00:00+00"), B("\1\2"), T("{\"a\":1}"), R(0.5)},
    {I(2), T("two  "), T("2"), T("2024-01-01 01:00:00+01"), B(""), T("[]"), R(1e300)},
    {I(-3), NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING},
    {I(4), T("bad"), T("much"), T("soon"), T("0x"), T("{"), T("?")},
};

typedef struct engine_state {
    bool strict; /* without the last row, which no strict type holds */
} engine_state;

typedef struct row_state {
    const parity_spec *spec;
    int row;
} row_state;

static parity_status put(void *ctx, int i, bool rounded, parity_buf *b, parity_buf *scratch, unsigned *notes,
                         parity_value *example)
{
    const row_state *r = ctx;
    const parity_column *c = &r->spec->columns[i];

    (void)rounded, (void)example;
    for (int k = 0; k < COLUMNS; k++)
        if (strcmp(columns[k].name, c->name) == 0)
            return parity_put_value(b, scratch, &c->kind, &values[r->row][k], notes);
    abort();
}

static parity_status list(void *ctx, parity_arena *a, const char *schema, char ***names, int *n, char ***skipped,
                          int *nskipped, parity_error *err)
{
    (void)ctx, (void)schema, (void)err;
    *names = parity_arena_alloc(a, 2 * sizeof **names);
    *skipped = NULL;
    *nskipped = 0;
    (*names)[0] = parity_arena_copy(a, "t", 1);
    (*names)[1] = parity_arena_copy(a, "u", 1);
    *n = 2;
    return PARITY_OK;
}

static parity_status describe(void *ctx, parity_arena *a, const char *schema, const char *table,
                              parity_local_table *out, parity_error *err)
{
    const engine_state *e = ctx;

    (void)schema;
    if (strcmp(table, "t") != 0 && strcmp(table, "u") != 0)
        return parity_fail(err, PARITY_NO_TABLE, NULL, NULL, "no such table: %s", table);
    memset(out, 0, sizeof *out);
    out->schema = parity_arena_copy(a, "main", 4);
    out->name = parity_arena_copy(a, table, 1);
    out->row_id = e->strict ? "ctid" : "rowid";
    out->ncolumns = COLUMNS;
    out->columns = parity_arena_alloc(a, COLUMNS * sizeof *out->columns);
    for (int i = 0; i < COLUMNS; i++) {
        parity_local_column *c = &out->columns[i];

        c->name = parity_arena_copy(a, columns[i].name, strlen(columns[i].name));
        require(parity_kind_parse(columns[i].kind, strlen(columns[i].kind), &c->kind, err) == PARITY_OK);
        c->natural = c->kind;
        c->strict = e->strict;
        c->is_text = e->strict && i == 1;
        c->integer = i == 0;
        c->identity = e->strict && i == 0;
        c->rowid = !e->strict && i == 0;
        c->type = e->strict ? parity_arena_copy(a, "text", 4) : NULL;
        c->store = e->strict ? columns[i].strict_store : columns[i].store;
    }
    return PARITY_OK;
}

static parity_status own_spec(void *ctx, parity_arena *a, const char *schema, const char *table, parity_spec *out,
                              parity_error *err)
{
    (void)ctx, (void)schema;
    memset(out, 0, sizeof *out);
    out->table = parity_arena_copy(a, table, strlen(table));
    out->ncolumns = COLUMNS;
    out->columns = parity_arena_alloc(a, COLUMNS * sizeof *out->columns);
    for (int i = 0; i < COLUMNS; i++) {
        out->columns[i].name = parity_arena_copy(a, columns[i].name, strlen(columns[i].name));
        require(parity_kind_parse(columns[i].kind, strlen(columns[i].kind), &out->columns[i].kind, err) == PARITY_OK);
    }
    out->columns[0].key = out->unique = table[0] == 't';
    parity_spec_sort(out);
    return PARITY_OK;
}

static parity_status references(void *ctx, parity_arena *a, const char *schema, const char *table, bool incoming,
                                parity_reference **out, int *n, parity_error *err)
{
    (void)ctx, (void)schema, (void)err;
    *out = parity_arena_alloc(a, sizeof **out);
    (*out)->table = parity_arena_copy(a, "u", 1);
    *n = !incoming && table[0] == 't'; /* t refers to u */
    return PARITY_OK;
}

static parity_status fetch(void *ctx, const parity_spec *spec, const parity_spec *guard, const parity_wanted *wanted,
                           size_t wanted_size, const int64_t *integers, size_t nintegers, parity_each_row each,
                           void *each_ctx, parity_error *err)
{
    const engine_state *e = ctx;
    parity_scan scan, guards;
    bool *key = resize(NULL, NULL, (size_t)spec->ncolumns);
    row_state row = {spec, 0}, guard_row = {guard, 0};
    parity_status status;

    (void)integers, (void)nintegers, (void)err;
    require(parity_wanted_check(wanted, wanted_size));
    for (int i = 0; i < spec->ncolumns; i++)
        key[i] = spec->columns[i].key;
    status = parity_scan_init(&scan, &mem, spec->ncolumns, key, false);
    require(status == PARITY_OK);
    if (guard != NULL)
        require(parity_scan_init(&guards, &mem, guard->ncolumns, NULL, false) == PARITY_OK);
    for (; row.row < ROWS - e->strict && status == PARITY_OK; row.row++) {
        parity_row_key k;
        bool hit;

        status = parity_scan_wanted(&scan, wanted, true, put, &row, &k, &hit);
        if (status != PARITY_OK || !hit)
            continue;
        if (guard != NULL) {
            unsigned notes = 0;

            guard_row.row = row.row;
            guards.buf.len = 0;
            for (int i = 0; i < guard->ncolumns; i++) {
                require(put(&guard_row, i, false, &guards.buf, &guards.scratch, &notes, NULL) == PARITY_OK);
                guards.ends[i] = (uint32_t)guards.buf.len;
            }
        }
        status = each(each_ctx, &k, scan.buf.data, scan.ends, guard != NULL ? guards.buf.data : NULL,
                      guard != NULL ? guards.ends : NULL);
    }
    parity_scan_free(&scan);
    if (guard != NULL)
        parity_scan_free(&guards);
    resize(NULL, key, 0);
    return status;
}

/* ---- what is done with a bundle */

/* Opens it and takes all rows; how many there were, or -1 when it is refused. */
static long all_rows(const parity_engine *engine, const char *table, const char *text, size_t n, int what)
{
    parity_repairs *r;
    parity_error err;
    parity_status status;
    long count = -1;

    memset(&err, 0, sizeof err);
    status = parity_repairs_open(&mem, engine, NULL, table, text, n, what == 2, &r, &err);
    require(status == PARITY_OK || err.message[0] != '\0');
    while (status == PARITY_OK) {
        const parity_explain_row *explained = NULL;
        const parity_recheck_row *rechecked = NULL;
        const char *statement = NULL;

        require(++count < 1000000);
        status = what == 0   ? parity_explain_next(r, &explained, &err)
                 : what == 1 ? parity_recheck_next(r, &rechecked, &err)
                             : parity_repair_next(r, &statement, &err);
        require(status == PARITY_OK || err.message[0] != '\0');
        if (explained != NULL) {
            require(explained->reason != NULL && explained->reason[0] != '\0');
        } else if (rechecked != NULL) {
            require(strlen(rechecked->key_hash) == 16);
        } else if (statement != NULL) {
            require(strlen(statement) > 0);
        } else {
            break;
        }
    }
    parity_repairs_close(r);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    engine_state e;
    parity_engine engine = {.ctx = &e, .list = list, .describe = describe, .fetch = fetch, .references = references,
                            .own_spec = own_spec};
    char empty[] = "", postgresql[] = "postgresql";
    parity_bundle head = {.engine = postgresql, .version = empty, .server = empty, .time = empty, .position = empty,
                          .schema = empty};
    parity_buf b;
    parity_error err;
    const char *table;

    if (size < 1)
        return 0;
    in_use = 0;
    e.strict = data[0] & 1;
    engine.name = e.strict ? "postgresql" : "sqlite";
    table = data[0] & 4 ? "u" : "t";
    parity_buf_init(&b, &mem);
    memset(&err, 0, sizeof err);
    switch (data[0] >> 3 & 3) {
    case 0:
    case 1:
        for (int what = 0; what < 3; what++)
            all_rows(&engine, data[0] & 2 ? table : NULL, (const char *)data + 1, size - 1, what);
        break;
    case 2:
        if (parity_rows_write(&mem, &engine, NULL, table, (const char *)data + 1, size - 1, &head, &b, &err) == PARITY_OK) {
            require(all_rows(&engine, table, (char *)b.data, b.len, 0) == 0);
            require(all_rows(&engine, table, (char *)b.data, b.len, 1) == 0);
            require(all_rows(&engine, table, (char *)b.data, b.len, 2) >= 0);
        } else {
            require(err.message[0] != '\0');
        }
        break;
    default:
        require(parity_rows_write(&mem, &engine, NULL, table, "[{\"bucket\":0,\"bits\":0}]", 23, &head, &b, &err) ==
                PARITY_OK);
        while (b.len > 0 && b.data[b.len - 1] != '[')
            b.len--;
        for (data++, size--; size > 0;) {
            size_t n = data[0] < size - 1 ? data[0] : size - 1;

            require(parity_buf_puts(&b, b.data[b.len - 1] == '[' ? "\"" : ",\"") == PARITY_OK);
            require(parity_base64_encode(&b, data + 1, n) == PARITY_OK);
            require(parity_buf_puts(&b, "\"") == PARITY_OK);
            data += n + 1;
            size -= n + 1;
        }
        require(parity_buf_puts(&b, "]}") == PARITY_OK);
        for (int what = 0; what < 3; what++)
            all_rows(&engine, table, (char *)b.data, b.len, what);
    }
    parity_buf_free(&b);
    require(in_use == 0);
    return 0;
}
