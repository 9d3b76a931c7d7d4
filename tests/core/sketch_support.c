#include "sketch_support.h"

#include <stdlib.h>
#include <string.h>

static uint64_t state;

void sketch_seed(uint64_t seed)
{
    state = seed;
}

/* splitmix64 */
uint64_t sketch_chance(void)
{
    uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static parity_hash random_hash(void)
{
    parity_hash h;

    h.lo = sketch_chance();
    h.hi = sketch_chance();
    return h;
}

void sketch_rows(sketch_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rows[i].hash = random_hash();
        rows[i].hashed = i % 3 != 0;
        rows[i].key = i % 3 == 0 ? i : i % 3 == 1 ? sketch_chance() : rows[i].hash.lo;
    }
}

parity_sketch *sketch_of(const sketch_row *rows, size_t n, uint32_t cells)
{
    parity_sketch *s = malloc(parity_sketch_size(cells));

    assert_non_null(s);
    parity_sketch_init(s, cells);
    for (size_t i = 0; i < n; i++)
        parity_sketch_add(s, rows[i].key, rows[i].hashed, rows[i].hash);
    return s;
}

parity_sketch *sketch_copy(const parity_sketch *s)
{
    parity_sketch *copy = malloc(parity_sketch_size(s->cells));

    assert_non_null(copy);
    return memcpy(copy, s, parity_sketch_size(s->cells));
}

void sketch_same(const parity_sketch *a, const parity_sketch *b)
{
    assert_int_equal(a->cells, b->cells);
    assert_true(a->rows == b->rows);
    assert_true(a->hashed == b->hashed);
    assert_memory_equal(a->strata, b->strata, sizeof a->strata);
    assert_memory_equal(a->cell, b->cell, a->cells * sizeof a->cell[0]);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const parity_entry *)a)->key, y = ((const parity_entry *)b)->key;

    return (x > y) - (x < y);
}

parity_entry *sketch_truth(const sketch_row *a, size_t na, const sketch_row *b, size_t nb, size_t *n)
{
    parity_entry *e = malloc((na + nb + 1) * sizeof *e);
    size_t kept = 0;

    assert_non_null(e);
    for (size_t i = 0; i < na + nb; i++) {
        const sketch_row *row = i < na ? &a[i] : &b[i - na];
        parity_hash h = parity_field_reduce(row->hash.lo, row->hash.hi);

        e[i].key = row->key;
        e[i].n = i < na ? 1 : -1;
        e[i].h = i < na ? h : parity_field_negate(h);
    }
    qsort(e, na + nb, sizeof *e, by_key);
    for (size_t i = 0; i < na + nb;) {
        parity_entry sum = e[i];

        while (++i < na + nb && e[i].key == sum.key) {
            sum.n += e[i].n;
            sum.h = parity_field_add(sum.h, e[i].h);
        }
        if (sum.n != 0 || !parity_field_is_zero(sum.h))
            e[kept++] = sum;
    }
    *n = kept;
    return e;
}

size_t sketch_change(const sketch_row *a, size_t n, sketch_row *b, size_t changes)
{
    memcpy(b, a, n * sizeof *a);
    while (changes-- > 0) {
        size_t i = n > 0 ? (size_t)(sketch_chance() % n) : 0, what = n > 0 ? sketch_chance() % 4 : 0;

        if (what == 0) {
            b[n].hash = random_hash();
            b[n].hashed = true;
            b[n++].key = sketch_chance();
        } else if (what == 1) {
            b[i] = b[--n];
        } else if (what == 2) {
            b[i].hash = random_hash();
        } else {
            for (size_t more = 1 + sketch_chance() % 3; more > 0; more--)
                b[n++] = b[i];
        }
    }
    return n;
}

void sketch_wire(const parity_sketch *s, parity_buf *b)
{
    parity_arena a;

    parity_arena_init(&a, &test_mem);
    b->len = 0;
    assert_int_equal(parity_sketch_write(b, &a, s), PARITY_OK);
    parity_arena_free(&a);
}
