#define _POSIX_C_SOURCE 200809L
/*
 * Every golden vector, against core: frames and notes of values, row hashes,
 * digests of tables and of columns, texts of digests and kinds, column order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* Reads the class and payload of a vector. */
static parity_value vector_value(const char *cls, const char *payload, unsigned char **owned)
{
    parity_value v = {PARITY_NULL, 0, 0, NULL, 0};
    uint64_t bits;

    *owned = NULL;
    if (strcmp(cls, "null") == 0)
        return v;
    if (strcmp(cls, "int") == 0) {
        v.cls = PARITY_INTEGER;
        v.i = strtoll(payload, NULL, 10);
    } else if (strcmp(cls, "real") == 0) {
        v.cls = PARITY_REAL;
        bits = strtoull(payload, NULL, 16);
        memcpy(&v.r, &bits, sizeof bits);
    } else {
        assert_true(strcmp(cls, "text") == 0 || strcmp(cls, "blob") == 0);
        v.cls = strcmp(cls, "text") == 0 ? PARITY_STRING : PARITY_BLOB;
        *owned = from_hex(payload, &v.n);
        v.p = (const char *)*owned;
    }
    return v;
}

static int failures;

static void check_value(const vector_line *line)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {{"bad", PARITY_NOTE_BAD},
                 {"option", PARITY_NOTE_OPTION},
                 {"rounds", PARITY_NOTE_ROUNDS},
                 {"zoneless", PARITY_NOTE_ZONELESS},
                 {"digits", PARITY_NOTE_DIGITS}};
    parity_kind kind;
    parity_error err;
    parity_buf b, scratch;
    unsigned char *owned;
    unsigned notes = 0, want = 0;
    parity_value v;
    char *got;

    assert_true(line->nfields >= 5);
    if (parity_kind_parse(line->field[0], strlen(line->field[0]), &kind, &err) != PARITY_OK)
        vector_fail(line, "kind", line->field[0], err.message);
    v = vector_value(line->field[1], line->field[2], &owned);
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_put_value(&b, &scratch, &kind, &v, &notes), PARITY_OK);
    got = to_hex(b.data, b.len);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strstr(line->field[4], names[i].name) != NULL)
            want |= names[i].bit;
    if (strcmp(got, line->field[3]) != 0 || notes != want) {
        fprintf(stderr, "%s:%d: %s | %s | %s | %s\n  want %s notes %02x\n  got  %s notes %02x\n", line->file, line->number,
                    line->field[0], line->field[1], line->field[2], line->nfields > 5 ? line->field[5] : "",
                    line->field[3], want, got, notes);
        failures++;
    }
    free(got);
    free(owned);
    parity_buf_free(&b);
    parity_buf_free(&scratch);
}

static void test_values(void **state)
{
    (void)state;
    failures = 0;
    assert_true(each_vector("value.tsv", check_value) >= 500);
    assert_int_equal(failures, 0);
}


static void test_rounded(void **state)
{
    (void)state;
    failures = 0;
    assert_true(each_vector("rounded.tsv", check_value) >= 300);
    assert_int_equal(failures, 0);
}

/* A list of kinds and one row of values, as a vector writes them. */
typedef struct row_of_values {
    parity_kind kind[2048];
    parity_value value[2048];
    unsigned char *owned[2048];
    int n;
} row_of_values;

static int read_kinds(const char *text, parity_kind *kind)
{
    int n = 0;

    for (;; n++, text++) {
        size_t len = strcspn(text, ";");
        parity_error err;

        if (parity_kind_parse(text, len, &kind[n], &err) != PARITY_OK)
            fail_msg("%s: %s", text, err.message);
        text += len;
        if (*text == '\0')
            return n + 1;
    }
}

static void read_values(row_of_values *row, char *text)
{
    char *save, *word;

    row->n = 0;
    for (word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        char *colon = strchr(word, ':');

        *colon = '\0';
        row->value[row->n] = vector_value(word, colon + 1, &row->owned[row->n]);
        row->n++;
    }
}

static void free_values(row_of_values *row)
{
    for (int i = 0; i < row->n; i++)
        free(row->owned[i]);
}

static parity_status put_value(void *ctx, int i, bool rounded, parity_buf *b, parity_buf *scratch, unsigned *notes,
                               parity_value *example)
{
    row_of_values *row = ctx;
    parity_kind kind = row->kind[i];

    if (rounded)
        kind.options |= PARITY_OPT_ROUND;
    *example = row->value[i];
    return parity_put_value(b, scratch, &kind, &row->value[i], notes);
}

static void check_row(const vector_line *line)
{
    static row_of_values row;
    parity_buf b, scratch;
    unsigned char hash[16];
    char *got;

    assert_int_equal(line->nfields, 4);
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    read_values(&row, line->field[1]);
    assert_int_equal(read_kinds(line->field[0], row.kind), row.n);
    for (int i = 0; i < row.n; i++) {
        unsigned notes = 0;
        parity_value example;

        assert_int_equal(put_value(&row, i, false, &b, &scratch, &notes, &example), PARITY_OK);
    }
    got = to_hex(b.data, b.len);
    if (strcmp(got, line->field[2]) != 0)
        vector_fail(line, "frames", line->field[2], got);
    free(got);
    parity_hash_store(parity_hash_bytes(b.data, b.len, 0), hash);
    got = to_hex(hash, 16);
    if (strcmp(got, line->field[3]) != 0)
        vector_fail(line, "row hash", line->field[3], got);
    free(got);
    free_values(&row);
    parity_buf_free(&b);
    parity_buf_free(&scratch);
}

static void test_rows(void **state)
{
    (void)state;
    assert_true(each_vector("row.tsv", check_row) >= 50);
}

/* the table that the lines of table.tsv are filling */
static struct {
    row_of_values row;
    bool key[2048];
    int ncolumns;
    parity_scan scan;
    parity_tally *tally, *half[2]; /* half: rows in turn, to be merged */
    int rows;
    bool open;
} table;

static void close_table(void)
{
    if (!table.open)
        return;
    parity_scan_free(&table.scan);
    free(table.tally);
    free(table.half[0]);
    free(table.half[1]);
    table.open = false;
}

static void open_table(const vector_line *line)
{
    bool has_key = strcmp(line->field[3], "-") != 0;

    close_table();
    memset(&table, 0, sizeof table);
    table.ncolumns = read_kinds(line->field[2], table.row.kind);
    for (char *p = line->field[3]; has_key && *p != '\0';)
        table.key[strtol(p, &p, 10)] = true, p += *p == ',';
    assert_int_equal(parity_scan_init(&table.scan, &test_mem, table.ncolumns, table.key, true), PARITY_OK);
    table.tally = malloc(parity_tally_size(table.ncolumns, 0));
    parity_tally_init(table.tally, table.ncolumns, 0);
    for (int i = 0; i < 2; i++) {
        table.half[i] = malloc(parity_tally_size(table.ncolumns, 0));
        parity_tally_init(table.half[i], table.ncolumns, 0);
    }
    table.open = true;
}

static void check_digest(const vector_line *line, const parity_digest *d, const char *want)
{
    char text[PARITY_DIGEST_TEXT_MAX];

    parity_digest_print(d, text);
    if (strcmp(text, want) != 0)
        vector_fail(line, "digest", want, text);
}

static void check_table(const vector_line *line)
{
    const char *what = line->field[0];

    if (strcmp(what, "table") == 0) {
        open_table(line);
    } else if (strcmp(what, "row") == 0) {
        read_values(&table.row, line->field[2]);
        assert_int_equal(table.row.n, table.ncolumns);
        assert_int_equal(parity_scan_row(&table.scan, table.tally, put_value, &table.row), PARITY_OK);
        assert_int_equal(parity_scan_row(&table.scan, table.half[table.rows++ & 1], put_value, &table.row), PARITY_OK);
        free_values(&table.row);
    } else if (strcmp(what, "digest") == 0) {
        parity_tally_merge(table.half[0], table.half[1]);
        assert_memory_equal(&table.half[0]->digest, &table.tally->digest, sizeof(parity_digest));
        check_digest(line, &table.tally->digest, line->field[2]);
        check_digest(line, &table.half[0]->digest, line->field[2]);
    } else if (strcmp(what, "key") == 0) {
        check_digest(line, &table.tally->keys, line->field[2]);
        check_digest(line, &table.half[0]->keys, line->field[2]);
    } else {
        assert_string_equal(what, "column");
        check_digest(line, &table.tally->column[atoi(line->field[2])].digest, line->field[3]);
        check_digest(line, &table.half[0]->column[atoi(line->field[2])].digest, line->field[3]);
    }
}

static void test_tables(void **state)
{
    (void)state;
    assert_true(each_vector("table.tsv", check_table) >= 100);
    close_table();
}

static parity_digest digest_of(const char *text)
{
    parity_digest d;
    parity_error err;

    if (parity_digest_parse(text, strlen(text), &d, &err) != PARITY_OK)
        fail_msg("%s: %s", text, err.message);
    return d;
}

static void check_digest_line(const vector_line *line)
{
    const char *what = line->field[0], *want = line->field[line->nfields - 1];
    parity_digest d = {0, 0, 0}, other;
    parity_error err;
    parity_status status = PARITY_OK;

    if (strcmp(what, "residue") == 0) {
        size_t n;
        unsigned char *bytes = from_hex(line->field[1], &n);
        parity_hash h = {0, 0};
        char text[PARITY_DIGEST_TEXT_MAX];

        for (int i = 0; i < 8; i++) {
            h.hi = h.hi << 8 | bytes[i];
            h.lo = h.lo << 8 | bytes[8 + i];
        }
        free(bytes);
        parity_digest_add(&d, h);
        parity_digest_print(&d, text);
        if (strcmp(text + 5, want) != 0)
            vector_fail(line, "residue", want, text + 5);
        return;
    }
    if (strcmp(what, "parse") == 0) {
        const char *text = strcmp(line->field[1], "-") == 0 ? "" : line->field[1];

        status = parity_digest_parse(text, strlen(text), &d, &err);
    } else if (strcmp(what, "sum") == 0) {
        for (char *save, *word = strtok_r(line->field[1], ",", &save); word; word = strtok_r(NULL, ",", &save)) {
            other = digest_of(word);
            assert_int_equal(parity_digest_merge(&d, &other, &err), PARITY_OK);
        }
    } else {
        d = digest_of(line->field[1]);
        other = digest_of(line->field[2]);
        status = what[0] == 'a' ? parity_digest_merge(&d, &other, &err) : parity_digest_subtract(&d, &other, &err);
    }
    if ((status != PARITY_OK) != (strcmp(want, "error") == 0))
        vector_fail(line, "status", want, status == PARITY_OK ? "ok" : err.message);
    if (status == PARITY_OK)
        check_digest(line, &d, want);
}

static void test_digests(void **state)
{
    (void)state;
    assert_true(each_vector("digest.tsv", check_digest_line) >= 50);
}

static void check_kind(const vector_line *line)
{
    const char *text = strcmp(line->field[0], "-") == 0 ? "" : line->field[0];
    parity_kind kind;
    parity_error err;
    char printed[PARITY_KIND_TEXT_MAX];

    if (parity_kind_parse(text, strlen(text), &kind, &err) != PARITY_OK) {
        if (strcmp(line->field[1], "error") != 0)
            vector_fail(line, "kind", line->field[1], err.message);
        assert_int_equal(err.status, PARITY_INVALID);
        return;
    }
    parity_kind_print(&kind, printed);
    if (strcmp(printed, line->field[1]) != 0)
        vector_fail(line, "kind", line->field[1], printed);
}

static void test_kinds(void **state)
{
    (void)state;
    assert_true(each_vector("kind.tsv", check_kind) >= 100);
}

static void check_declared(const vector_line *line)
{
    const char *declared = strcmp(line->field[0], "-") == 0 ? "" : line->field[0];
    parity_kind kind = parity_kind_of_declared(declared, strlen(declared));
    char printed[PARITY_KIND_TEXT_MAX];

    parity_kind_print(&kind, printed);
    if (strcmp(printed, line->field[1]) != 0)
        vector_fail(line, "declared", line->field[1], printed);
}

static void test_declared(void **state)
{
    (void)state;
    assert_true(each_vector("declared.tsv", check_declared) >= 50);
}

static void check_order(const vector_line *line)
{
    parity_spec spec;
    parity_column columns[2048];
    char got[4096] = "";

    memset(&spec, 0, sizeof spec);
    memset(columns, 0, sizeof columns);
    spec.columns = columns;
    for (char *save, *word = strtok_r(line->field[0], " ", &save); word; word = strtok_r(NULL, " ", &save))
        columns[spec.ncolumns++].name = word;
    parity_spec_sort(&spec);
    for (int i = 0; i < spec.ncolumns; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? " " : "", columns[i].name);
    if (strcmp(got, line->field[1]) != 0)
        vector_fail(line, "order", line->field[1], got);
}

static void test_order(void **state)
{
    (void)state;
    assert_true(each_vector("columns.tsv", check_order) >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),  cmocka_unit_test(test_rounded),  cmocka_unit_test(test_rows),
        cmocka_unit_test(test_tables),  cmocka_unit_test(test_digests),  cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_declared), cmocka_unit_test(test_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
