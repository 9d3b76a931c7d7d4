/*
 * Sketches from outside.  The first byte chooses: two wire forms (two bytes say
 * how long the first is), added and subtracted; a text form; cells as they
 * come, with the last cell of each subtable making the sums agree; a set of
 * wanted rows.  Whatever is read is read back, written and read again.
 */
#include "field.h"
#include "support.h"

static const parity_mem mem = {plain_resize, NULL};

#define CELLS_MAX (1u << 12) /* a list may say more: nothing new, and slow */

static parity_sketch *new_sketch(uint32_t cells)
{
    parity_sketch *s = plain_resize(NULL, NULL, parity_sketch_size(cells));

    require(s != NULL);
    parity_sketch_init(s, cells);
    return s;
}

/* Writes s, reads that, and has the same cells; reads it back.  s is used up. */
static void check_sketch(parity_sketch *s)
{
    parity_sketch *again = new_sketch(s->cells);
    parity_sketch_wire w;
    parity_arena a;
    parity_buf b, c;
    parity_entry *e;
    parity_error err;
    size_t n;
    bool complete;

    parity_arena_init(&a, &mem);
    parity_buf_init(&b, &mem);
    parity_buf_init(&c, &mem);
    require(parity_sketch_write(&b, &a, s) == PARITY_OK);
    require(parity_sketch_open(b.data, b.len, &w, &err) == PARITY_OK);
    require(w.cells == s->cells && w.rows == s->rows && w.hashed == s->hashed);
    parity_sketch_expand(&w, again, s->cells);
    require(memcmp(again->cell, s->cell, s->cells * sizeof s->cell[0]) == 0);
    require(parity_sketch_write(&c, &a, again) == PARITY_OK);
    require(b.len == c.len && memcmp(b.data, c.data, b.len) == 0);
    parity_sketch_fold(again, PARITY_CELLS_MIN);
    parity_sketch_estimate(s);
    require(parity_sketch_decode(s, &a, &e, &n, &complete) == PARITY_OK);
    require(n <= s->cells);
    for (size_t i = 1; i < n; i++)
        require(e[i - 1].key < e[i].key);
    for (uint32_t i = 0; i < s->cells && complete; i++)
        require(s->cell[i].n == 0 && parity_field_is_zero(s->cell[i].h) && parity_field_is_zero(s->cell[i].x));
    parity_buf_free(&b);
    parity_buf_free(&c);
    parity_arena_free(&a);
    plain_resize(NULL, again, 0);
}

static void check_wire(const parity_sketch_wire *w)
{
    parity_sketch *s;

    require(w->cells >= PARITY_CELLS_MIN && w->cells <= PARITY_CELLS_MAX && w->entries <= w->cells);
    if (w->cells > CELLS_MAX)
        return;
    s = new_sketch(w->cells);
    parity_sketch_expand(w, s, w->cells);
    check_sketch(s);
    plain_resize(NULL, s, 0);
}

static void two_wires(const uint8_t *data, size_t size)
{
    parity_sketch_wire x, y;
    parity_error err;
    parity_sketch *out;
    parity_arena a;
    size_t first;

    if (size < 2)
        return;
    first = (size_t)(data[0] | data[1] << 8);
    data += 2;
    size -= 2;
    first = first < size ? first : size;
    memset(&err, 0, sizeof err);
    if (parity_sketch_open(data, first, &x, &err) != PARITY_OK) {
        require(err.message[0] != '\0');
        return;
    }
    check_wire(&x);
    if (parity_sketch_open(data + first, size - first, &y, &err) != PARITY_OK)
        return;
    check_wire(&y);
    if (x.cells > CELLS_MAX || y.cells > CELLS_MAX)
        return;
    parity_arena_init(&a, &mem);
    require(parity_sketch_combine(&a, &x, &y, false, &out) == PARITY_OK);
    require(out->rows == x.rows + y.rows);
    check_sketch(out);
    require(parity_sketch_combine(&a, &x, &y, true, &out) == PARITY_OK);
    require(out->rows == x.rows - y.rows);
    check_sketch(out);
    require(parity_sketch_combine(&a, &x, &x, true, &out) == PARITY_OK);
    for (uint32_t i = 0; i < out->cells; i++)
        require(out->cell[i].n == 0 && parity_field_is_zero(out->cell[i].h) && parity_field_is_zero(out->cell[i].x));
    parity_arena_free(&a);
}

static void text_form(const uint8_t *data, size_t size)
{
    parity_sketch_wire w;
    parity_arena a;
    parity_error err;

    memset(&err, 0, sizeof err);
    parity_arena_init(&a, &mem);
    if (parity_sketch_parse(&a, (const char *)data, size, &w, &err) == PARITY_OK)
        check_wire(&w);
    else
        require(err.message[0] != '\0');
    parity_arena_free(&a);
}

/* Half a number, so that near ones and equal ones come up. */
static parity_hash short_residue(const uint8_t *p)
{
    return parity_field_scale(p[0], parity_field_reduce(p[1] | (uint64_t)p[2] << 56, (uint64_t)p[3] << 60));
}

static void some_cells(const uint8_t *data, size_t size)
{
    uint32_t cells, quarter;
    parity_sketch *s;
    parity_cell sum;

    if (size < 1)
        return;
    cells = PARITY_CELLS_MIN << data[0] % 4;
    quarter = cells / 4;
    s = new_sketch(cells);
    for (data++, size--; size >= 8; data += 8, size -= 8) {
        parity_cell *c = &s->cell[data[0] % cells];
        parity_hash h = short_residue(data + 2);

        /* the x of a key that is a byte, or of none */
        c->n += (uint32_t)(int32_t)(int8_t)data[1];
        c->h = parity_field_add(c->h, h);
        c->x = parity_field_add(c->x, data[7] ? parity_field_scale(data[6], h) : short_residue(data + 3));
        s->strata[data[0] % PARITY_STRATA_LEVELS][data[1] % PARITY_STRATA_COUNTERS] += data[2];
    }
    memset(&sum, 0, sizeof sum);
    for (uint32_t j = 0; j < 4; j++) {
        parity_cell rest = sum, *last = &s->cell[(j + 1) * quarter - 1];

        for (uint32_t i = j * quarter; i < (j + 1) * quarter; i++) {
            rest.n -= s->cell[i].n;
            rest.h = parity_field_subtract(rest.h, s->cell[i].h);
            rest.x = parity_field_subtract(rest.x, s->cell[i].x);
        }
        if (j == 0) { /* the others are to have what the first has */
            sum.n = 0 - rest.n;
            sum.h = parity_field_negate(rest.h);
            sum.x = parity_field_negate(rest.x);
            continue;
        }
        last->n += rest.n;
        last->h = parity_field_add(last->h, rest.h);
        last->x = parity_field_add(last->x, rest.x);
    }
    s->rows = sum.n;
    check_sketch(s);
    plain_resize(NULL, s, 0);
}

static void wanted(const uint8_t *data, size_t size)
{
    uint64_t *copy = plain_resize(NULL, NULL, size + 1);

    require(copy != NULL);
    memcpy(copy, data, size);
    if (parity_wanted_check(copy, size))
        for (uint64_t key = 0; key < 70; key++) {
            parity_row_key k = {key, key << 58, false};

            parity_wanted_has((parity_wanted *)(void *)copy, &k);
        }
    plain_resize(NULL, copy, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const what[])(const uint8_t *, size_t) = {two_wires, text_form, some_cells, wanted};

    if (size > 0)
        what[data[0] % 4](data + 1, size - 1);
    return 0;
}
