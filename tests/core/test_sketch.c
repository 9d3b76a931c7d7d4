/*
 * Sketches: the golden vectors, the algebra, reading back, the wire form.
 * What is hostile is in test_sketch_wire.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sketch_support.h"

/* ---- golden vectors */

/* A row of a vector: frames apart by blanks. */
typedef struct vector_row {
    unsigned char *frames;
    uint32_t ends[16];
    bool key[16];
    int ncolumns;
} vector_row;

static vector_row read_row(const char *text, const char *key)
{
    vector_row row;
    char *hex = malloc(strlen(text) + 1), *w = hex;
    size_t n;

    memset(&row, 0, sizeof row);
    for (const char *p = text;; p++) {
        if (*p == ' ' || *p == '\0')
            row.ends[row.ncolumns++] = (uint32_t)((w - hex) / 2);
        else
            *w++ = *p;
        if (*p == '\0')
            break;
    }
    *w = '\0';
    row.frames = from_hex(hex, &n);
    free(hex);
    for (const char *p = key; *p >= '0' && *p <= '9';) {
        row.key[strtol(p, (char **)&p, 10)] = true;
        p += *p == ',';
    }
    return row;
}

static parity_row_key key_of(const vector_row *row)
{
    parity_row_key key;
    parity_buf scratch;

    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_row_key_of(row->frames, row->ends, row->ncolumns, row->key, &scratch, &key), PARITY_OK);
    parity_buf_free(&scratch);
    return key;
}

/* What earlier lines were about. */
static struct {
    char *name[64], *text[64]; /* the sketches seen, and their text forms */
    int n;
    parity_sketch *sketch;
    char key[32];
    parity_arena arena; /* of entries */
    parity_entry *entry;
    size_t nentries, at;
    bool complete;
} seen;

static const char *text_of(const char *name)
{
    for (int i = 0; i < seen.n; i++)
        if (strcmp(seen.name[i], name) == 0)
            return seen.text[i];
    fail_msg("no sketch %s", name);
    return "";
}

static void check_text(const vector_line *line, const parity_sketch *s, const char *want)
{
    parity_arena a;
    parity_buf b;

    parity_arena_init(&a, &test_mem);
    parity_buf_init(&b, &test_mem);
    assert_int_equal(parity_sketch_print(&b, &a, s), PARITY_OK);
    assert_int_equal(parity_buf_put(&b, "", 1), PARITY_OK);
    if (strcmp((char *)b.data, want) != 0)
        vector_fail(line, "text form", want, (char *)b.data);
    parity_buf_free(&b);
    parity_arena_free(&a);
}

/* Reads the text form and expands it to cells (0: its own number); to be freed. */
static parity_sketch *parsed(const vector_line *line, const char *text, uint32_t cells)
{
    parity_sketch_wire w;
    parity_sketch *s;
    parity_error err;
    parity_arena a;

    parity_arena_init(&a, &test_mem);
    if (parity_sketch_parse(&a, text, strlen(text), &w, &err) != PARITY_OK)
        vector_fail(line, "parse", "ok", err.detail);
    cells = cells > 0 ? cells : w.cells;
    s = malloc(parity_sketch_size(cells));
    parity_sketch_expand(&w, s, cells);
    parity_arena_free(&a);
    return s;
}

/* Reads back a copy, for the lines entry and decoded. */
static void decode(const parity_sketch *s)
{
    parity_sketch *copy = sketch_copy(s);

    parity_arena_free(&seen.arena);
    parity_arena_init(&seen.arena, &test_mem);
    assert_int_equal(parity_sketch_decode(copy, &seen.arena, &seen.entry, &seen.nentries, &seen.complete), PARITY_OK);
    seen.at = 0;
    free(copy);
}

static void check_rows(const vector_line *line)
{
    vector_row row = read_row(line->field[2], line->field[1]);
    parity_row_key key = key_of(&row);
    char got[32];

    if (strcmp(line->field[0], "key") == 0) {
        snprintf(got, sizeof got, "%016llx", (unsigned long long)key.key);
        if (strcmp(got, line->field[3]) != 0 || key.hashed != (strcmp(line->field[4], "hashed") == 0))
            vector_fail(line, "row key", line->field[3], got);
        snprintf(got, sizeof got, "%016llx", (unsigned long long)key.hash);
        if (strcmp(got, line->field[5]) != 0)
            vector_fail(line, "key hash", line->field[5], got);
    } else {
        snprintf(got, sizeof got, "%u", parity_bucket_of(key.hash, (uint32_t)atoi(line->field[3])));
        if (strcmp(got, line->field[4]) != 0)
            vector_fail(line, "bucket", line->field[4], got);
    }
    free(row.frames);
}

static void check_add(const vector_line *line)
{
    vector_row row = read_row(line->field[2], seen.key);
    parity_row_key key = key_of(&row);
    parity_hash hash = parity_hash_bytes(row.frames, row.ends[row.ncolumns - 1], 0);

    if (line->field[0][0] == 'a')
        parity_sketch_add(seen.sketch, key.key, key.hashed, hash);
    else
        parity_sketch_remove(seen.sketch, key.key, key.hashed, hash);
    free(row.frames);
}

static void check_entry(const vector_line *line)
{
    char got[128];
    const parity_entry *e = &seen.entry[seen.at++];

    if (seen.at > seen.nentries)
        vector_fail(line, "entry", line->field[2], "no more");
    snprintf(got, sizeof got, "%016llx\t%d\t%016llx%016llx", (unsigned long long)e->key, (int)e->n,
             (unsigned long long)e->h.hi, (unsigned long long)e->h.lo);
    got[16] = '\0';
    if (strcmp(got, line->field[2]) != 0)
        vector_fail(line, "key", line->field[2], got);
    if (e->n != atoi(line->field[3]) || strcmp(strchr(got + 17, '\t') + 1, line->field[4]) != 0)
        vector_fail(line, "entry", line->field[4], got + 17);
}

static void check_pair(const vector_line *line)
{
    parity_arena a;
    parity_sketch_wire x, y;
    parity_sketch *out;
    const char *first = text_of(line->field[1]), *second = text_of(line->field[2]);

    parity_arena_init(&a, &test_mem);
    assert_int_equal(parity_sketch_parse(&a, first, strlen(first), &x, NULL), PARITY_OK);
    assert_int_equal(parity_sketch_parse(&a, second, strlen(second), &y, NULL), PARITY_OK);
    assert_int_equal(parity_sketch_combine(&a, &x, &y, line->field[0][0] == 'm', &out), PARITY_OK);
    check_text(line, out, line->field[3]);
    parity_arena_free(&a);
}

static void check_malformed(const vector_line *line)
{
    const char *text = strcmp(line->field[2], "-") == 0 ? "" : line->field[2];
    parity_sketch_wire w;
    parity_error err;
    parity_arena a;
    parity_status status;

    parity_arena_init(&a, &test_mem);
    memset(&err, 0, sizeof err);
    status = parity_sketch_parse(&a, text, strlen(text), &w, &err);
    if (status != PARITY_MALFORMED && status != PARITY_VERSION)
        vector_fail(line, "parse", "malformed", "read");
    assert_int_equal(err.status, status);
    assert_true(err.message[0] != '\0' && err.detail[0] != '\0');
    parity_arena_free(&a);
}

static void check_sketch(const vector_line *line)
{
    const char *what = line->field[0];
    parity_sketch *s;

    if (strcmp(what, "key") == 0 || strcmp(what, "bucket") == 0) {
        check_rows(line);
    } else if (strcmp(what, "sketch") == 0) {
        free(seen.sketch);
        seen.sketch = sketch_of(NULL, 0, (uint32_t)atoi(line->field[2]));
        assert_true(strlen(line->field[3]) < sizeof seen.key && seen.n < 64);
        strcpy(seen.key, line->field[3]);
    } else if (strcmp(what, "add") == 0 || strcmp(what, "remove") == 0) {
        check_add(line);
    } else if (strcmp(what, "text") == 0) {
        check_text(line, seen.sketch, line->field[2]);
        seen.name[seen.n] = strdup(line->field[1]);
        seen.text[seen.n++] = strdup(line->field[2]);
        decode(seen.sketch);
    } else if (strcmp(what, "entry") == 0) {
        check_entry(line);
    } else if (strcmp(what, "decoded") == 0) {
        assert_int_equal(seen.at, seen.nentries);
        assert_int_equal(seen.nentries, atoi(line->field[2]));
        if (seen.complete != (strcmp(line->field[3], "complete") == 0))
            vector_fail(line, "decoded", line->field[3], seen.complete ? "complete" : "incomplete");
    } else if (strcmp(what, "estimate") == 0) {
        double off = (double)parity_sketch_estimate(seen.sketch) - atof(line->field[2]);

        if (off > 0.501 || off < -0.501)
            vector_fail(line, "estimate", line->field[2], off > 0 ? "more" : "less");
    } else if (strcmp(what, "fold") == 0) {
        s = sketch_copy(seen.sketch);
        parity_sketch_fold(s, (uint32_t)atoi(line->field[2]));
        check_text(line, s, line->field[3]);
        free(s);
    } else if (strcmp(what, "expand") == 0) {
        s = parsed(line, text_of(line->field[1]), (uint32_t)atoi(line->field[2]));
        check_text(line, s, line->field[3]);
        free(s);
    } else if (strcmp(what, "plus") == 0 || strcmp(what, "minus") == 0) {
        check_pair(line);
    } else if (strcmp(what, "malformed") == 0) {
        check_malformed(line);
    } else {
        assert_string_equal(what, "accepted");
        s = parsed(line, line->field[2], 0);
        check_text(line, s, line->field[3]);
        decode(s);
        free(s);
    }
}

static void test_vectors(void **state)
{
    (void)state;
    parity_arena_init(&seen.arena, &test_mem);
    assert_true(each_vector("sketch.txt", check_sketch) >= 1000);
    assert_true(seen.n >= 20);
    for (int i = 0; i < seen.n; i++) {
        free(seen.name[i]);
        free(seen.text[i]);
    }
    free(seen.sketch);
    parity_arena_free(&seen.arena);
}

/* ---- sizes */

static void test_sizes(void **state)
{
    static const struct {
        uint64_t wanted;
        uint32_t cells;
    } rounded[] = {{0, 16}, {1, 16}, {16, 16}, {17, 32}, {1000, 1024}, {1024, 1024}, {1025, 2048},
                   {1 << 20, 1 << 20}, {(1 << 20) + 1, 1 << 20}, {UINT64_MAX, 1 << 20}},
      needed[] = {{0, 64}, {1, 128}, {45, 128}, {46, 128}, {137, 256}, {138, 512}, {685, 1024}, {687, 2048},
                  {10000, 16384}, {700000, 1 << 20}, {1000000, 1 << 20}, {UINT64_MAX, 1 << 20}};

    (void)state;
    for (size_t i = 0; i < sizeof rounded / sizeof rounded[0]; i++)
        assert_int_equal(parity_cells_round(rounded[i].wanted), rounded[i].cells);
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        assert_int_equal(parity_cells_for(needed[i].wanted), needed[i].cells);
    assert_int_equal(parity_sketch_size(64) - parity_sketch_size(16), 48 * sizeof(parity_cell));
}

/* ---- the algebra */

#define MANY 3000

static sketch_row rows[MANY], other[MANY * 4];

static void test_order_and_sums(void **state)
{
    parity_sketch *whole, *part, *rest, *empty, *copy;

    (void)state;
    sketch_seed(1);
    sketch_rows(rows, MANY);
    whole = sketch_of(rows, MANY, 256);
    memcpy(other, rows, sizeof rows);
    for (size_t i = MANY - 1; i > 0; i--) {
        size_t j = sketch_chance() % (i + 1);
        sketch_row t = other[i];

        other[i] = other[j];
        other[j] = t;
    }
    part = sketch_of(other, MANY, 256);
    sketch_same(part, whole);
    free(part);
    part = sketch_of(other, 1000, 256);
    rest = sketch_of(other + 1000, MANY - 1000, 256);
    copy = sketch_copy(part);
    parity_sketch_merge(copy, rest);
    sketch_same(copy, whole);
    parity_sketch_subtract(copy, rest);
    sketch_same(copy, part);
    for (size_t i = 0; i < 1000; i++)
        parity_sketch_remove(copy, other[i].key, other[i].hashed, other[i].hash);
    empty = sketch_of(NULL, 0, 256);
    sketch_same(copy, empty);
    /* below nothing, and back */
    parity_sketch_subtract(copy, whole);
    assert_true(copy->rows == 0 - (uint64_t)MANY);
    assert_true(copy->hashed == 0 - (uint64_t)(MANY / 3 * 2));
    parity_sketch_merge(copy, whole);
    sketch_same(copy, empty);
    free(whole), free(part), free(rest), free(empty), free(copy);
}

static void test_fold(void **state)
{
    parity_sketch *large, *folded, *direct;

    (void)state;
    sketch_seed(2);
    sketch_rows(rows, MANY);
    large = sketch_of(rows, MANY, 8192);
    for (uint32_t from = 8192; from >= 16; from /= 2)
        for (uint32_t cells = from; cells >= 16; cells /= 4) {
            folded = sketch_copy(large);
            parity_sketch_fold(folded, from);
            parity_sketch_fold(folded, cells);
            direct = sketch_of(rows, MANY, cells);
            sketch_same(folded, direct);
            free(folded), free(direct);
        }
    free(large);
}

/* ---- reading back */

/* Reads s back and compares with the truth: equal when complete, else a part of it.  Returns whether it was. */
static bool check_decode(parity_sketch *s, const parity_entry *truth, size_t n)
{
    parity_arena a;
    parity_entry *got;
    size_t count, j = 0;
    bool complete;

    parity_arena_init(&a, &test_mem);
    assert_int_equal(parity_sketch_decode(s, &a, &got, &count, &complete), PARITY_OK);
    assert_true(count <= s->cells);
    for (size_t i = 0; i < count; i++) {
        while (j < n && truth[j].key < got[i].key)
            j++;
        if (j == n || truth[j].key != got[i].key || truth[j].n != got[i].n ||
            !parity_field_equal(truth[j].h, got[i].h))
            fail_msg("entry %zu is not one of the %zu true ones", i, n);
        j++;
    }
    assert_int_equal(complete, count == n);
    parity_arena_free(&a);
    return complete;
}

static void test_differences(void **state)
{
    (void)state;
    sketch_seed(3);
    for (int turn = 0; turn < 600; turn++) {
        uint32_t cells = 16u << sketch_chance() % 8;
        size_t n = sketch_chance() % 1000, changes = sketch_chance() % (cells * 3 / 4), nb, ntruth;
        parity_sketch *a, *b;
        parity_entry *truth;

        sketch_rows(rows, n);
        nb = sketch_change(rows, n, other, changes);
        truth = sketch_truth(rows, n, other, nb, &ntruth);
        a = sketch_of(rows, n, cells);
        b = sketch_of(other, nb, cells);
        parity_sketch_subtract(a, b);
        if (!check_decode(a, truth, ntruth) && ntruth * 2 < cells && cells >= 256)
            fail_msg("%zu differences in %u cells were not read back", ntruth, cells);
        free(truth), free(a), free(b);
    }
}

/* The same rows, any number of times on either side. */
static void test_multisets(void **state)
{
    (void)state;
    sketch_seed(4);
    for (int turn = 0; turn < 300; turn++) {
        size_t na = 0, nb = 0, ntruth, distinct = 1 + sketch_chance() % 40;
        sketch_row some[40];
        parity_sketch *a, *b;
        parity_entry *truth;

        sketch_rows(some, distinct);
        for (size_t i = 0; i < distinct; i++) {
            if (i > 0 && sketch_chance() % 4 == 0) /* another row of the same key */
                some[i].key = some[i - 1].key;
            for (size_t more = sketch_chance() % 20; more > 0; more--)
                rows[na++] = some[i];
            for (size_t more = sketch_chance() % 20; more > 0; more--)
                other[nb++] = some[i];
        }
        truth = sketch_truth(rows, na, other, nb, &ntruth);
        a = sketch_of(rows, na, 256);
        b = sketch_of(other, nb, 256);
        parity_sketch_subtract(a, b);
        assert_true(check_decode(a, truth, ntruth));
        free(truth), free(a), free(b);
    }
}

/* Twice as many, and again: the number of rows leaves 32 bits, and then 64. */
static void test_many_times(void **state)
{
    static const sketch_row one = {7, true, {7, 8}};
    parity_sketch *s = sketch_of(&one, 1, 16);
    parity_hash h = parity_field_reduce(7, 8);

    (void)state;
    for (int doubled = 0; doubled <= 70; doubled++) {
        parity_arena a;
        parity_entry *e;
        size_t n;
        bool complete;
        parity_buf b;
        parity_sketch_wire w;
        parity_sketch *again, *copy = sketch_copy(s);

        parity_arena_init(&a, &test_mem);
        assert_int_equal(parity_sketch_decode(copy, &a, &e, &n, &complete), PARITY_OK);
        assert_true(complete && n == 1 && e->key == 7 && parity_field_equal(e->h, h));
        assert_true(e->n == (int32_t)(doubled < 32 ? UINT32_C(1) << doubled : 0));
        parity_buf_init(&b, &test_mem);
        sketch_wire(s, &b);
        assert_int_equal(parity_sketch_open(b.data, b.len, &w, NULL), PARITY_OK);
        assert_int_equal(w.list, doubled <= 4); /* entries only of at most as many rows as cells */
        again = malloc(parity_sketch_size(16));
        parity_sketch_expand(&w, again, 16);
        sketch_same(again, s);
        parity_buf_free(&b);
        parity_arena_free(&a);
        free(copy);
        memcpy(again, s, parity_sketch_size(16));
        parity_sketch_merge(s, again);
        free(again);
        h = parity_field_add(h, h);
    }
    free(s);
}

static void test_estimate(void **state)
{
    parity_sketch *s = sketch_of(NULL, 0, 16);
    uint64_t n = 0;

    (void)state;
    sketch_seed(5);
    assert_int_equal(parity_sketch_estimate(s), 0);
    for (uint64_t goal = 1; goal <= 1000000; goal *= 10) {
        uint64_t estimate;

        for (; n < goal; n++) {
            parity_hash h = {sketch_chance(), sketch_chance()};

            parity_sketch_add(s, n, false, h);
        }
        estimate = parity_sketch_estimate(s);
        if (estimate < goal / 2 || estimate > goal * 2)
            fail_msg("%llu keys are estimated as %llu", (unsigned long long)goal, (unsigned long long)estimate);
    }
    free(s);
}

/* ---- the wire form */

static void test_round_trip(void **state)
{
    parity_buf b, again;
    int lists = 0;

    (void)state;
    sketch_seed(6);
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&again, &test_mem);
    for (int turn = 0; turn < 200; turn++) {
        uint32_t cells = 16u << sketch_chance() % 7;
        size_t n = sketch_chance() % (cells + cells / 2);
        parity_sketch *s, *back;
        parity_sketch_wire w;
        parity_digest d = {0, 0, 0};
        parity_error err;

        sketch_rows(rows, n);
        for (size_t i = 2; i < n && turn % 2 == 0; i += 9)
            rows[i] = rows[i / 9 * 3 + 2]; /* some without a key twice: i % 3 is 2 */
        s = sketch_of(rows, n, cells);
        sketch_wire(s, &b);
        if (parity_sketch_open(b.data, b.len, &w, &err) != PARITY_OK)
            fail_msg("%s", err.detail);
        assert_true(w.cells == cells && w.rows == n && w.hashed == s->hashed);
        lists += w.list;
        back = malloc(parity_sketch_size(1 << 12));
        for (uint32_t to = 16; to <= (w.list ? 1 << 12 : cells); to *= 2) {
            parity_sketch *direct = sketch_of(rows, n, to);

            parity_sketch_expand(&w, back, to);
            sketch_same(back, direct);
            free(direct);
        }
        parity_sketch_expand(&w, back, cells);
        sketch_wire(back, &again);
        assert_int_equal(again.len, b.len);
        assert_memory_equal(again.data, b.data, b.len);
        for (size_t i = 0; i < n; i++)
            parity_digest_add(&d, rows[i].hash);
        assert_true(parity_sketch_wire_fits(&w, &d));
        d.lo ^= 1;
        assert_false(parity_sketch_wire_fits(&w, &d));
        d.lo ^= 1;
        d.rows++;
        assert_false(parity_sketch_wire_fits(&w, &d));
        free(s), free(back);
    }
    assert_true(lists > 20 && lists < 180);
    parity_buf_free(&b);
    parity_buf_free(&again);
}

/* A difference, which may be a list by chance: what it says must survive. */
static void test_round_trip_of_differences(void **state)
{
    parity_buf b;

    (void)state;
    sketch_seed(7);
    parity_buf_init(&b, &test_mem);
    for (int turn = 0; turn < 300; turn++) {
        size_t n = sketch_chance() % 50, nb, ntruth;
        parity_sketch *x, *y;
        parity_entry *truth;
        parity_sketch_wire w;

        sketch_rows(rows, n);
        nb = sketch_change(rows, n, other, sketch_chance() % 8);
        truth = sketch_truth(rows, n, other, nb, &ntruth);
        x = sketch_of(rows, n, 64);
        y = sketch_of(other, nb, 64);
        parity_sketch_subtract(x, y);
        sketch_wire(x, &b);
        assert_int_equal(parity_sketch_open(b.data, b.len, &w, NULL), PARITY_OK);
        parity_sketch_expand(&w, y, 64);
        assert_memory_equal(y->cell, x->cell, sizeof y->cell[0] * 64);
        assert_true(y->rows == x->rows && y->hashed == x->hashed);
        assert_true(parity_sketch_estimate(y) == parity_sketch_estimate(x));
        assert_true(check_decode(y, truth, ntruth));
        free(truth), free(x), free(y);
    }
    parity_buf_free(&b);
}

static void test_combine(void **state)
{
    parity_buf b[2];

    (void)state;
    sketch_seed(8);
    parity_buf_init(&b[0], &test_mem);
    parity_buf_init(&b[1], &test_mem);
    for (int turn = 0; turn < 200; turn++) {
        uint32_t cells[2] = {16u << sketch_chance() % 6, 16u << sketch_chance() % 6}, want;
        size_t n[2];
        parity_sketch_wire w[2];
        parity_sketch *out, *x, *y;
        parity_arena a;
        bool subtract = sketch_chance() & 1;

        parity_arena_init(&a, &test_mem);
        sketch_rows(rows, 2000);
        for (int i = 0; i < 2; i++) {
            parity_sketch *s;

            n[i] = sketch_chance() % (sketch_chance() & 1 ? 1000 : 10);
            s = sketch_of(rows + 1000 * i, n[i], cells[i]);
            sketch_wire(s, &b[i]);
            free(s);
            assert_int_equal(parity_sketch_open(b[i].data, b[i].len, &w[i], NULL), PARITY_OK);
        }
        want = w[0].list && !w[1].list                    ? cells[1]
               : w[1].list && !w[0].list                  ? cells[0]
               : (cells[0] < cells[1]) == (w[0].list != 0) ? cells[1]
                                                          : cells[0];
        assert_int_equal(parity_sketch_combine(&a, &w[0], &w[1], subtract, &out), PARITY_OK);
        assert_int_equal(out->cells, want);
        x = sketch_of(rows, n[0], want);
        y = sketch_of(rows + 1000, n[1], want);
        if (subtract)
            parity_sketch_subtract(x, y);
        else
            parity_sketch_merge(x, y);
        sketch_same(out, x);
        free(x), free(y);
        parity_arena_free(&a);
    }
    parity_buf_free(&b[0]);
    parity_buf_free(&b[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_order_and_sums),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_multisets),
        cmocka_unit_test(test_many_times),
        cmocka_unit_test(test_estimate),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_round_trip_of_differences),
        cmocka_unit_test(test_combine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
