/*
 * Sketches from outside: whatever stands in the bytes, reading them ends, takes
 * no more memory than was said, and what is told complete adds up.  And the
 * allocator that fails at each call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "sketch_support.h"

#define HEAD 24
#define LEVEL (PARITY_STRATA_COUNTERS * 4)
#define CELL 36
#define ENTRY 28

static sketch_row rows[4000];

/* Opens a copy of exactly n bytes; when that succeeds, expands, decodes and writes it.  Returns whether it did. */
static bool survives(const unsigned char *p, size_t n)
{
    unsigned char *copy = malloc(n > 0 ? n : 1);
    parity_sketch_wire w;
    parity_error err;
    parity_status status;

    if (n > 0)
        memcpy(copy, p, n);
    memset(&err, 0, sizeof err);
    status = parity_sketch_open(copy, n, &w, &err);
    if (status != PARITY_OK) {
        assert_true(status == PARITY_MALFORMED || status == PARITY_VERSION);
        assert_int_equal(err.status, status);
        assert_true(err.message[0] != '\0' && err.detail[0] != '\0');
    } else if (w.cells <= 1 << 14) { /* a list may say a million */
        parity_sketch *s = malloc(parity_sketch_size(w.cells)), *used = malloc(parity_sketch_size(w.cells));
        parity_buf b, again;
        parity_arena a;
        parity_entry *e;
        size_t count;
        bool complete;
        parity_sketch_wire w2;

        assert_true(w.cells >= PARITY_CELLS_MIN && w.entries <= w.cells);
        parity_sketch_expand(&w, s, w.cells);
        assert_true(s->rows == w.rows && s->hashed == w.hashed && s->cells == w.cells);
        memcpy(used, s, parity_sketch_size(w.cells));
        parity_arena_init(&a, &test_mem);
        assert_int_equal(parity_sketch_decode(used, &a, &e, &count, &complete), PARITY_OK);
        assert_true(count <= w.cells);
        assert_true(a.total <= w.cells * (sizeof *e + 8) + 1000);
        for (size_t i = 1; i < count; i++)
            assert_true(e[i - 1].key < e[i].key);
        if (complete) { /* the entries give the cells again */
            parity_sketch *made = malloc(parity_sketch_size(w.cells));
            uint32_t all = 0;

            parity_sketch_init(made, w.cells);
            for (size_t i = 0; i < count; i++) {
                parity_sketch_add(made, e[i].key, false, e[i].h);
                all += (uint32_t)e[i].n;
            }
            assert_int_equal(all, (uint32_t)w.rows);
            for (uint32_t j = 0; j < w.cells; j++) {
                assert_true(parity_field_equal(made->cell[j].h, s->cell[j].h));
                assert_true(parity_field_equal(made->cell[j].x, s->cell[j].x));
            }
            free(made);
        }
        parity_sketch_estimate(s);
        parity_buf_init(&b, &test_mem);
        parity_buf_init(&again, &test_mem);
        assert_int_equal(parity_sketch_write(&b, &a, s), PARITY_OK);
        assert_int_equal(parity_sketch_open(b.data, b.len, &w2, &err), PARITY_OK);
        assert_true(w2.rows == w.rows && w2.hashed == w.hashed && w2.cells == w.cells);
        parity_sketch_expand(&w2, s, w2.cells);
        assert_int_equal(parity_sketch_write(&again, &a, s), PARITY_OK);
        assert_int_equal(b.len, again.len);
        assert_memory_equal(b.data, again.data, b.len);
        parity_sketch_expand(&w, s, PARITY_CELLS_MIN);
        parity_buf_free(&b);
        parity_buf_free(&again);
        parity_arena_free(&a);
        free(s), free(used);
    }
    free(copy);
    return status == PARITY_OK;
}

/* The wire form of n rows. */
static void make(parity_buf *b, size_t n, uint32_t cells)
{
    parity_sketch *s;

    sketch_rows(rows, n);
    s = sketch_of(rows, n, cells);
    sketch_wire(s, b);
    free(s);
}

static void test_lengths(void **state)
{
    parity_buf b;

    (void)state;
    sketch_seed(11);
    parity_buf_init(&b, &test_mem);
    for (size_t n = 0; n <= 60; n += 5) {
        make(&b, n, 16);
        assert_true(survives(b.data, b.len));
        for (size_t cut = 0; cut < b.len; cut++)
            assert_false(survives(b.data, cut));
        for (size_t more = 1; more < 80; more++) {
            unsigned char *longer = calloc(1, b.len + more);

            memcpy(longer, b.data, b.len);
            assert_false(survives(longer, b.len + more));
            free(longer);
        }
    }
    parity_buf_free(&b);
}

/* Every bit of every byte, and some other values. */
static void test_flips(void **state)
{
    static const size_t counts[] = {0, 1, 5, 30, 60};
    parity_buf b;

    (void)state;
    sketch_seed(12);
    parity_buf_init(&b, &test_mem);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        size_t cells_at;
        bool list;

        make(&b, counts[i], 16);
        list = b.data[1] == 1;
        cells_at = HEAD + b.data[3] * (size_t)LEVEL;
        assert_int_equal(list, counts[i] <= 5);
        for (size_t at = 0; at < b.len; at++) {
            unsigned char was = b.data[at];

            for (int k = 0; k < 12; k++) {
                bool read;

                b.data[at] = k < 8 ? (unsigned char)(was ^ 1 << k) : (unsigned char)sketch_chance();
                if (b.data[at] == was)
                    continue;
                read = survives(b.data, b.len);
                /* version, form, levels, entries, the low half of rows; a cell; the n of an entry */
                if (read && (at < 2 || (at == 2 && !list) || (at >= 3 && at < 12) || (!list && at >= cells_at) ||
                             (list && at >= HEAD && (at - HEAD) % ENTRY >= 8 && (at - HEAD) % ENTRY < 12)))
                    fail_msg("%zu rows: byte %zu may be %02x instead of %02x", counts[i], at, b.data[at], was);
            }
            b.data[at] = was;
        }
    }
    parity_buf_free(&b);
}

/* Several bytes at once, with the sums of the subtables put right. */
static void test_random_cells(void **state)
{
    int read = 0;

    (void)state;
    sketch_seed(13);
    for (int turn = 0; turn < 2000; turn++) {
        uint32_t cells = 16u << sketch_chance() % 3, quarter = cells / 4, full = 1 + sketch_chance() % 6;
        size_t n = HEAD + cells * (size_t)CELL;
        unsigned char *wire = calloc(1, n), *p = wire + HEAD;
        uint32_t count = (uint32_t)sketch_chance();
        parity_hash h = parity_field_reduce(sketch_chance(), sketch_chance()), x;

        /* the x of a key, most of the time: cells that look pure wherever they stand */
        x = sketch_chance() % 4 ? parity_field_scale(sketch_chance() % 8, h)
                                : parity_field_reduce(sketch_chance(), sketch_chance());
        wire[0] = 1;
        wire[2] = (unsigned char)(cells == 16 ? 4 : cells == 32 ? 5 : 6);
        parity_store64(wire + 8, count);
        for (int j = 0; j < 4; j++) {
            parity_hash rest_h = h, rest_x = x;
            uint32_t rest_n = count;

            for (uint32_t i = 0; i < full; i++) {
                uint32_t at = (uint32_t)j * quarter + (uint32_t)sketch_chance() % quarter;
                unsigned char *cell = p + at * (size_t)CELL;
                bool last = i == full - 1;
                parity_hash put_h = rest_h, put_x = rest_x;
                uint32_t put_n = rest_n;

                if (!last) {
                    put_h = sketch_chance() & 1 ? h : parity_field_negate(h);
                    put_x = parity_field_scale(sketch_chance() % 8, put_h);
                    put_n = sketch_chance() & 1 ? 1 : UINT32_MAX;
                }
                rest_h = parity_field_subtract(rest_h, put_h);
                rest_x = parity_field_subtract(rest_x, put_x);
                rest_n -= put_n;
                put_n += parity_load32(cell);
                put_h = parity_field_add(put_h, (parity_hash){parity_load64(cell + 4), parity_load64(cell + 12)});
                put_x = parity_field_add(put_x, (parity_hash){parity_load64(cell + 20), parity_load64(cell + 28)});
                parity_store32(cell, put_n);
                parity_store64(cell + 4, put_h.lo);
                parity_store64(cell + 12, put_h.hi);
                parity_store64(cell + 20, put_x.lo);
                parity_store64(cell + 28, put_x.hi);
            }
        }
        read += survives(wire, n);
        free(wire);
    }
    assert_int_equal(read, 2000);
}

/*
 * In one subtable a row stands where it belongs, in the others it does not: it
 * is taken out of one place and thereby planted in three, taken out there, and
 * so on for ever.
 */
static void test_endless(void **state)
{
    (void)state;
    sketch_seed(14);
    for (int turn = 0; turn < 200; turn++) {
        uint32_t cells = 16u << sketch_chance() % 5, quarter = cells / 4;
        sketch_row row;
        parity_sketch *one, *s;
        parity_arena a;
        parity_entry *e;
        size_t n;
        bool complete;

        sketch_rows(&row, 1);
        row.key = sketch_chance();
        one = sketch_of(&row, 1, cells);
        s = sketch_copy(one);
        for (uint32_t j = 1 + turn % 3; j < 4; j++) {
            uint32_t at = j * quarter;
            parity_cell moved;

            while (one->cell[at].n == 0)
                at++;
            moved = s->cell[at];
            memset(&s->cell[at], 0, sizeof s->cell[at]);
            s->cell[j * quarter + (at + 1) % quarter] = moved;
        }
        {
            /* as bytes: no reader can see it */
            size_t size = HEAD + cells * (size_t)CELL;
            unsigned char *wire = calloc(1, size);

            wire[0] = 1;
            while (1u << wire[2] < cells)
                wire[2]++;
            wire[8] = 1;
            for (uint32_t i = 0; i < cells; i++) {
                unsigned char *p = wire + HEAD + i * (size_t)CELL;

                parity_store32(p, s->cell[i].n);
                parity_store64(p + 4, s->cell[i].h.lo);
                parity_store64(p + 12, s->cell[i].h.hi);
                parity_store64(p + 20, s->cell[i].x.lo);
                parity_store64(p + 28, s->cell[i].x.hi);
            }
            assert_true(survives(wire, size));
            free(wire);
        }
        parity_arena_init(&a, &test_mem);
        assert_int_equal(parity_sketch_decode(s, &a, &e, &n, &complete), PARITY_OK);
        assert_false(complete);
        assert_true(n <= cells);
        parity_arena_free(&a);
        free(one), free(s);
    }
}

/* Cells that disagree, given past the check of the bytes: never told complete. */
static void test_sums_that_disagree(void **state)
{
    (void)state;
    sketch_seed(15);
    for (int turn = 0; turn < 300; turn++) {
        parity_sketch *s;
        parity_arena a;
        parity_entry *e;
        size_t n, count = sketch_chance() % 12;
        bool complete;
        parity_cell *cell;

        sketch_rows(rows, count);
        s = sketch_of(rows, count, 64);
        cell = &s->cell[sketch_chance() % 64];
        if (turn % 4 == 0)
            cell->n++;
        else if (turn % 4 == 1)
            cell->h.lo ^= 1;
        else if (turn % 4 == 2)
            cell->x.lo ^= 1;
        else
            s->rows++;
        parity_arena_init(&a, &test_mem);
        assert_int_equal(parity_sketch_decode(s, &a, &e, &n, &complete), PARITY_OK);
        assert_false(complete);
        parity_arena_free(&a);
        free(s);
    }
}

/* ---- text */

static void test_text(void **state)
{
    parity_buf wire, text;
    parity_arena a;
    parity_sketch_wire w;
    parity_sketch *s;

    (void)state;
    sketch_seed(16);
    parity_buf_init(&wire, &test_mem);
    parity_buf_init(&text, &test_mem);
    parity_arena_init(&a, &test_mem);
    for (size_t n = 0; n < 40; n += 3) {
        sketch_rows(rows, n);
        s = sketch_of(rows, n, 16);
        sketch_wire(s, &wire);
        text.len = 0;
        assert_int_equal(parity_sketch_print(&text, &a, s), PARITY_OK);
        assert_int_equal(text.len, (wire.len + 2) / 3 * 4);
        assert_null(memchr(text.data, '\n', text.len));
        assert_int_equal(parity_sketch_parse(&a, (char *)text.data, text.len, &w, NULL), PARITY_OK);
        assert_int_equal(w.n, wire.len);
        assert_memory_equal(w.p, wire.data, wire.len);
        for (size_t cut = 0; cut < text.len; cut++) {
            char *shorter = malloc(cut + 1); /* no byte more may be read */

            memcpy(shorter, text.data, cut);
            assert_int_not_equal(parity_sketch_parse(&a, shorter, cut, &w, NULL), PARITY_OK);
            free(shorter);
        }
        free(s);
        parity_arena_free(&a);
        parity_arena_init(&a, &test_mem);
    }
    parity_buf_free(&wire);
    parity_buf_free(&text);
}

/* ---- no memory */

/* What may fail; returns its status. */
static parity_status all_of_it(size_t n, uint32_t cells)
{
    parity_arena a;
    parity_buf b;
    parity_sketch *s = sketch_of(rows, n, cells), *out;
    parity_sketch_wire w;
    parity_entry *e;
    size_t count;
    bool complete;
    parity_status status;

    parity_arena_init(&a, &test_mem);
    parity_buf_init(&b, &test_mem);
    status = parity_sketch_print(&b, &a, s);
    if (status == PARITY_OK)
        status = parity_sketch_parse(&a, (char *)b.data, b.len, &w, NULL);
    if (status == PARITY_OK)
        status = parity_sketch_combine(&a, &w, &w, true, &out);
    if (status == PARITY_OK)
        status = parity_sketch_decode(out, &a, &e, &count, &complete);
    if (status == PARITY_OK) {
        assert_true(complete && count == 0);
        status = parity_sketch_decode(s, &a, &e, &count, &complete);
    }
    parity_buf_free(&b);
    parity_arena_free(&a);
    free(s);
    return status;
}

static void test_no_memory(void **state)
{
    static const size_t counts[] = {0, 3, 100, 3000};
    static const uint32_t sizes[] = {16, 16, 64, 1024};

    (void)state;
    sketch_seed(17);
    sketch_rows(rows, 3000);
    for (int i = 0; i < 4; i++) {
        int failed = 0;

        for (long tries = 0;; tries++) {
            parity_status status;

            fail_after = tries;
            status = all_of_it(counts[i], sizes[i]);
            fail_after = -1;
            if (status == PARITY_OK)
                break;
            assert_int_equal(status, PARITY_NOMEM);
            failed++;
        }
        assert_true(failed >= 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_flips),
        cmocka_unit_test(test_random_cells),
        cmocka_unit_test(test_endless),
        cmocka_unit_test(test_sums_that_disagree),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
