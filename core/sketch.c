/*
 * sketch.c - a fixed-size linear summary of (key, row hash) pairs, and reading it back
 *
 * An invertible Bloom lookup table over the field of row hashes (Goodrich and
 * Mitzenmacher, "Invertible Bloom Lookup Tables", 2011; Eppstein et al., "What's
 * the Difference?", 2011, for its use as a set difference and for the strata).
 * What is new against these is the cell: instead of a key, a check sum and a
 * value it holds sum h and sum key * h in the prime field of the digest.  A cell
 * that only one key touched then gives the key by a division, a changed row (the
 * same key, another hash) is one difference and not two, and rows that stand
 * there many times are no special case, since multiplying by their number has
 * an inverse.
 *
 * Four subtables, not three: two keys that share all cells can never be told
 * apart, and with three cells a key such pairs are what fails first.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "field.h"
#include "internal.h"

#define SUBTABLES 4
#define SEED UINT64_C(0x5061726974793173)
#define WIRE_VERSION 1
#define WIRE_HEADER 24
#define WIRE_CELL 36
#define WIRE_ENTRY 28
#define WIRE_LEVEL (PARITY_STRATA_COUNTERS * 4)

enum { FORM_CELLS, FORM_ENTRIES };

/* Where a key goes. */
typedef struct place {
    uint32_t cell[SUBTABLES]; /* index into all cells */
    uint32_t level, counter;
} place;

/* Of a number that is not 0. */
static inline uint32_t trailing_zeros(uint32_t x)
{
#if defined(__GNUC__)
    return (uint32_t)__builtin_ctz(x); /* a loop would mispredict a branch in every row */
#else
    uint32_t n = 0;

    for (; (x & 1) == 0; x >>= 1)
        n++;
    return n;
#endif
}

static inline place place_of(uint64_t key, uint32_t cells)
{
    unsigned char bytes[8];
    XXH128_hash_t g;
    uint64_t quarter = cells / SUBTABLES;
    uint32_t lane[SUBTABLES];
    place p;

    parity_store64(bytes, key);
    g = XXH3_128bits_withSeed(bytes, sizeof bytes, SEED);
    lane[0] = (uint32_t)g.low64;
    lane[1] = (uint32_t)(g.low64 >> 32);
    lane[2] = (uint32_t)g.high64;
    lane[3] = (uint32_t)(g.high64 >> 32);
    for (uint32_t j = 0; j < SUBTABLES; j++)
        p.cell[j] = (uint32_t)(j * quarter + (lane[j] * quarter >> 32));
    p.level = trailing_zeros(lane[0] | UINT32_C(1) << (PARITY_STRATA_LEVELS - 1));
    p.counter = lane[1] % PARITY_STRATA_COUNTERS;
    return p;
}

uint32_t parity_cells_round(uint64_t wanted)
{
    uint32_t cells = PARITY_CELLS_MIN;

    while (cells < wanted && cells < PARITY_CELLS_MAX)
        cells *= 2;
    return cells;
}

uint32_t parity_cells_for(uint64_t d)
{
    return parity_cells_round(d > PARITY_CELLS_MAX ? PARITY_CELLS_MAX : d + d * 2 / 5 + 64);
}

size_t parity_sketch_size(uint32_t cells)
{
    return sizeof(parity_sketch) + (size_t)cells * sizeof(parity_cell);
}

void parity_sketch_init(parity_sketch *s, uint32_t cells)
{
    memset(s, 0, parity_sketch_size(cells));
    s->cells = cells;
}

/* ------------------------------------------------------------------ the algebra */

static inline void cell_add(parity_cell *c, uint32_t n, parity_hash h, parity_hash x)
{
    c->n += n;
    c->h = parity_field_add(c->h, h);
    c->x = parity_field_add(c->x, x);
}

/* Adds a weight: n rows of which the residues' sum is h; strata says what it is worth in the strata. */
static inline void add_weight(parity_sketch *s, uint64_t key, uint32_t n, parity_hash h, uint32_t strata)
{
    place p = place_of(key, s->cells);
    parity_hash x = parity_field_scale(key, h);

    for (int j = 0; j < SUBTABLES; j++)
        cell_add(&s->cell[p.cell[j]], n, h, x);
    s->strata[p.level][p.counter] += strata;
}

void parity_sketch_add(parity_sketch *s, uint64_t key, bool hashed, parity_hash row)
{
    parity_hash h = parity_field_reduce(row.lo, row.hi);

    s->rows++;
    s->hashed += hashed;
    add_weight(s, key, 1, h, (uint32_t)h.lo);
}

void parity_sketch_remove(parity_sketch *s, uint64_t key, bool hashed, parity_hash row)
{
    parity_hash h = parity_field_reduce(row.lo, row.hi);

    s->rows--;
    s->hashed -= hashed;
    add_weight(s, key, UINT32_MAX, parity_field_negate(h), 0 - (uint32_t)h.lo);
}

void parity_sketch_merge(parity_sketch *s, const parity_sketch *other)
{
    s->rows += other->rows;
    s->hashed += other->hashed;
    for (int level = 0; level < PARITY_STRATA_LEVELS; level++)
        for (int i = 0; i < PARITY_STRATA_COUNTERS; i++)
            s->strata[level][i] += other->strata[level][i];
    for (uint32_t i = 0; i < s->cells; i++)
        cell_add(&s->cell[i], other->cell[i].n, other->cell[i].h, other->cell[i].x);
}

void parity_sketch_subtract(parity_sketch *s, const parity_sketch *other)
{
    s->rows -= other->rows;
    s->hashed -= other->hashed;
    for (int level = 0; level < PARITY_STRATA_LEVELS; level++)
        for (int i = 0; i < PARITY_STRATA_COUNTERS; i++)
            s->strata[level][i] -= other->strata[level][i];
    for (uint32_t i = 0; i < s->cells; i++) {
        const parity_cell *o = &other->cell[i];

        cell_add(&s->cell[i], 0 - o->n, parity_field_negate(o->h), parity_field_negate(o->x));
    }
}

void parity_sketch_fold(parity_sketch *s, uint32_t cells)
{
    for (; s->cells > cells; s->cells /= 2)
        for (uint32_t i = 0; i < s->cells / 2; i++) {
            parity_cell sum = s->cell[2 * i];

            cell_add(&sum, s->cell[2 * i + 1].n, s->cell[2 * i + 1].h, s->cell[2 * i + 1].x);
            s->cell[i] = sum;
        }
}

/* The sum of a subtable. */
static parity_cell subtable_sum(const parity_sketch *s, uint32_t j)
{
    uint32_t quarter = s->cells / SUBTABLES;
    parity_cell sum;

    memset(&sum, 0, sizeof sum);
    for (uint32_t i = j * quarter; i < (j + 1) * quarter; i++)
        cell_add(&sum, s->cell[i].n, s->cell[i].h, s->cell[i].x);
    return sum;
}

/* Whether the subtables have one sum, which the number of rows agrees with. */
static bool sums_agree(const parity_sketch *s)
{
    parity_cell first = subtable_sum(s, 0);

    if (first.n != (uint32_t)s->rows)
        return false;
    for (uint32_t j = 1; j < SUBTABLES; j++) {
        parity_cell sum = subtable_sum(s, j);

        if (sum.n != first.n || !parity_field_equal(sum.h, first.h) || !parity_field_equal(sum.x, first.x))
            return false;
    }
    return true;
}

/* --------------------------------------------------------------------- decoding */

static bool cell_is_zero(const parity_cell *c)
{
    return c->n == 0 && parity_field_is_zero(c->h) && parity_field_is_zero(c->x);
}

/* Whether just one key touched the cell, as far as can be told; then the key and its places. */
static bool is_pure(const parity_sketch *s, uint32_t i, uint64_t *key, place *p)
{
    const parity_cell *c = &s->cell[i];
    parity_hash quotient;

    if (parity_field_is_zero(c->h))
        return false;
    quotient = parity_field_multiply(c->x, parity_field_invert(c->h));
    if (quotient.hi != 0)
        return false;
    *key = quotient.lo;
    *p = place_of(*key, s->cells);
    return p->cell[i / (s->cells / SUBTABLES)] == i;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const parity_entry *)a)->key, y = ((const parity_entry *)b)->key;

    return (x > y) - (x < y);
}

/* Adds up what is of the same key: a forged sketch may give one twice. */
static size_t join_entries(parity_entry *e, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && e[kept - 1].key == e[i].key) {
            e[kept - 1].n = (int32_t)((uint32_t)e[kept - 1].n + (uint32_t)e[i].n);
            e[kept - 1].h = parity_field_add(e[kept - 1].h, e[i].h);
        } else {
            e[kept++] = e[i];
        }
    }
    /* and then may leave nothing of it */
    n = kept;
    kept = 0;
    for (size_t i = 0; i < n; i++)
        if (e[i].n != 0 || !parity_field_is_zero(e[i].h))
            e[kept++] = e[i];
    return kept;
}

parity_status parity_sketch_decode(parity_sketch *s, parity_arena *a, parity_entry **out, size_t *n, bool *complete)
{
    uint32_t cells = s->cells, taken = 0, pending = 0;
    uint32_t *stack = parity_arena_alloc(a, (size_t)cells * sizeof *stack);
    bool *stacked = parity_arena_alloc(a, cells); /* so that the stack never holds a cell twice */
    parity_entry *entries = NULL;
    parity_hash total = subtable_sum(s, 0).h;
    bool agree = sums_agree(s);
    size_t room = 0;

    *out = NULL;
    *n = 0;
    *complete = false;
    if (stack == NULL || stacked == NULL)
        return PARITY_NOMEM;
    for (uint32_t i = cells; i-- > 0;)
        if (!cell_is_zero(&s->cell[i])) {
            stack[pending++] = i;
            stacked[i] = true;
        }
    /* each entry empties a cell, so that an honest sketch has at most as many as cells are filled */
    room = pending;
    entries = parity_arena_alloc(a, (room + 1) * sizeof *entries);
    if (entries == NULL)
        return PARITY_NOMEM;
    while (pending > 0) {
        uint32_t i = stack[--pending];
        parity_cell c = s->cell[i];
        uint64_t key;
        place p;

        stacked[i] = false;
        if (!is_pure(s, i, &key, &p))
            continue;
        if (taken == room)
            break;
        entries[taken].key = key;
        entries[taken].n = (int32_t)c.n;
        entries[taken++].h = c.h;
        c.n = 0 - c.n;
        c.h = parity_field_negate(c.h);
        c.x = parity_field_negate(c.x);
        for (int j = 0; j < SUBTABLES; j++) {
            uint32_t at = p.cell[j];

            cell_add(&s->cell[at], c.n, c.h, c.x);
            if (!stacked[at] && !cell_is_zero(&s->cell[at])) {
                stack[pending++] = at;
                stacked[at] = true;
            }
        }
    }
    *complete = agree;
    for (uint32_t i = 0; i < cells && *complete; i++)
        *complete = cell_is_zero(&s->cell[i]);
    qsort(entries, taken, sizeof *entries, by_key);
    *n = join_entries(entries, taken);
    for (size_t i = 0; i < *n; i++)
        total = parity_field_subtract(total, entries[i].h);
    *complete &= parity_field_is_zero(total);
    *out = entries;
    return PARITY_OK;
}

uint64_t parity_sketch_estimate(const parity_sketch *s)
{
    double sum = 0;
    int level = PARITY_STRATA_LEVELS;

    while (level-- > 0) {
        int zeros = 0;

        for (int i = 0; i < PARITY_STRATA_COUNTERS; i++)
            zeros += s->strata[level][i] == 0;
        if (zeros < 26)
            break;
        sum += PARITY_STRATA_COUNTERS * log((double)PARITY_STRATA_COUNTERS / zeros);
    }
    /* what is above level stands for 2^-(level + 1) of all keys */
    return (uint64_t)(ldexp(sum, level + 1) + 0.5);
}

/* -------------------------------------------------------------------- wire form */

static void store_residue(unsigned char *p, parity_hash h)
{
    parity_store64(p, h.lo);
    parity_store64(p + 8, h.hi);
}

static parity_hash load_residue(const unsigned char *p)
{
    parity_hash h = {parity_load64(p), parity_load64(p + 8)};

    return h;
}

/*
 * What an entry made of known rows adds to the strata: one row, or n times the
 * same row of a table without a key, which is its own key.  false for others.
 */
static bool strata_of_entry(uint64_t key, uint32_t n, parity_hash h, uint32_t *out)
{
    parity_hash count = {n, 0}, one;

    if (n == 1) {
        *out = (uint32_t)h.lo;
        return true;
    }
    if (n == 0 || n > INT32_MAX)
        return false;
    one = parity_field_multiply(h, parity_field_invert(count));
    *out = n * (uint32_t)one.lo;
    return key == one.lo || key == one.lo - 1; /* the low half of one, or of one + p */
}

/* Decodes a copy; *n is -1 when the sketch is not one of few known rows. */
static parity_status few_rows(parity_arena *a, const parity_sketch *s, parity_entry **entries, int64_t *n)
{
    parity_sketch *copy;
    size_t found;
    bool complete;

    *n = -1;
    if (s->rows > s->cells)
        return PARITY_OK;
    copy = parity_arena_alloc(a, parity_sketch_size(s->cells));
    if (copy == NULL)
        return PARITY_NOMEM;
    memcpy(copy, s, parity_sketch_size(s->cells));
    PARITY_TRY(parity_sketch_decode(copy, a, entries, &found, &complete));
    for (size_t i = 0; i < found && complete; i++) {
        uint32_t strata;

        complete = strata_of_entry((*entries)[i].key, (uint32_t)(*entries)[i].n, (*entries)[i].h, &strata);
    }
    if (complete)
        *n = (int64_t)found;
    return PARITY_OK;
}

parity_status parity_sketch_write(parity_buf *b, parity_arena *a, const parity_sketch *s)
{
    parity_entry *entries = NULL;
    int64_t n;
    uint32_t log2 = 0, levels = 0;
    size_t size;
    unsigned char *w;

    PARITY_TRY(few_rows(a, s, &entries, &n));
    while ((UINT32_C(1) << log2) < s->cells)
        log2++;
    for (uint32_t level = 0; level < PARITY_STRATA_LEVELS && n < 0; level++)
        for (int i = 0; i < PARITY_STRATA_COUNTERS; i++)
            if (s->strata[level][i] != 0)
                levels = level + 1;
    size = WIRE_HEADER + (n < 0 ? levels * (size_t)WIRE_LEVEL + s->cells * (size_t)WIRE_CELL : (size_t)n * WIRE_ENTRY);
    PARITY_TRY(parity_buf_reserve(b, size));
    w = b->data + b->len;
    b->len += size;
    w[0] = WIRE_VERSION;
    w[1] = n < 0 ? FORM_CELLS : FORM_ENTRIES;
    w[2] = (unsigned char)log2;
    w[3] = (unsigned char)levels;
    parity_store32(w + 4, n < 0 ? 0 : (uint32_t)n);
    parity_store64(w + 8, s->rows);
    parity_store64(w + 16, s->hashed);
    w += WIRE_HEADER;
    for (uint32_t level = 0; level < levels; level++)
        for (int i = 0; i < PARITY_STRATA_COUNTERS; i++, w += 4)
            parity_store32(w, s->strata[level][i]);
    for (uint32_t i = 0; i < s->cells && n < 0; i++, w += WIRE_CELL) {
        parity_store32(w, s->cell[i].n);
        store_residue(w + 4, s->cell[i].h);
        store_residue(w + 20, s->cell[i].x);
    }
    for (int64_t i = 0; i < n; i++, w += WIRE_ENTRY) {
        parity_store64(w, entries[i].key);
        parity_store32(w + 8, (uint32_t)entries[i].n);
        store_residue(w + 12, entries[i].h);
    }
    return PARITY_OK;
}

static parity_status malformed(parity_error *err, const char *why)
{
    return parity_fail(err, PARITY_MALFORMED, why, NULL, "invalid sketch");
}

/* Checks the cells, without room for them: residues and the sums of the subtables. */
static parity_status check_cells(const parity_sketch_wire *w, const unsigned char *p, parity_error *err)
{
    uint32_t quarter = w->cells / SUBTABLES;
    parity_cell sum[SUBTABLES];

    memset(sum, 0, sizeof sum);
    for (uint32_t i = 0; i < w->cells; i++, p += WIRE_CELL) {
        parity_hash h = load_residue(p + 4), x = load_residue(p + 20);

        if (!parity_field_valid(h.lo, h.hi) || !parity_field_valid(x.lo, x.hi))
            return malformed(err, "A residue is not below 2^127 - 1.");
        cell_add(&sum[i / quarter], parity_load32(p), h, x);
    }
    if (sum[0].n != (uint32_t)w->rows)
        return malformed(err, "Its cells hold another number of rows than it says.");
    for (int j = 1; j < SUBTABLES; j++)
        if (sum[j].n != sum[0].n || !parity_field_equal(sum[j].h, sum[0].h) || !parity_field_equal(sum[j].x, sum[0].x))
            return malformed(err, "Its subtables have different sums.");
    return PARITY_OK;
}

static parity_status check_entries(const parity_sketch_wire *w, const unsigned char *p, parity_error *err)
{
    uint64_t last = 0;
    uint32_t rows = 0;

    for (uint32_t i = 0; i < w->entries; i++, p += WIRE_ENTRY) {
        uint64_t key = parity_load64(p);
        uint32_t n = parity_load32(p + 8), strata;
        parity_hash h = load_residue(p + 12);

        if (i > 0 && key <= last)
            return malformed(err, "Its entries are not in the order of their keys.");
        if (!parity_field_valid(h.lo, h.hi))
            return malformed(err, "A residue is not below 2^127 - 1.");
        if (!strata_of_entry(key, n, h, &strata))
            return malformed(err, "An entry is not of one row.");
        last = key;
        rows += n;
    }
    return rows == (uint32_t)w->rows ? PARITY_OK
                                     : malformed(err, "Its entries hold another number of rows than it says.");
}

parity_status parity_sketch_open(const void *p, size_t n, parity_sketch_wire *out, parity_error *err)
{
    const unsigned char *bytes = p;
    uint64_t levels, want;

    memset(out, 0, sizeof *out);
    if (n < WIRE_HEADER)
        return malformed(err, "It is cut off.");
    if (bytes[0] != WIRE_VERSION)
        return parity_fail(err, PARITY_VERSION, "This version reads sketches of version 1.",
                           "Use the same version of parity on both sides.", "sketch of another version");
    if (bytes[1] > FORM_ENTRIES || bytes[2] > 20 || (UINT32_C(1) << bytes[2]) < PARITY_CELLS_MIN)
        return malformed(err, "It has an impossible form or number of cells.");
    out->p = bytes;
    out->n = n;
    out->cells = UINT32_C(1) << bytes[2];
    out->list = bytes[1] == FORM_ENTRIES;
    levels = bytes[3];
    out->entries = parity_load32(bytes + 4);
    out->rows = parity_load64(bytes + 8);
    out->hashed = parity_load64(bytes + 16);
    if (levels > (out->list ? 0 : PARITY_STRATA_LEVELS) || out->entries > (out->list ? out->cells : 0))
        return malformed(err, "It has an impossible number of levels or entries.");
    want = WIRE_HEADER + (out->list ? (uint64_t)out->entries * WIRE_ENTRY
                                    : levels * WIRE_LEVEL + (uint64_t)out->cells * WIRE_CELL);
    if (n != want)
        return malformed(err, n < want ? "It is cut off." : "It is longer than it says.");
    bytes += WIRE_HEADER;
    if (levels > 0) {
        uint32_t seen = 0;

        for (size_t i = (size_t)(levels - 1) * WIRE_LEVEL; i < levels * WIRE_LEVEL; i++)
            seen |= bytes[i];
        if (seen == 0)
            return malformed(err, "Its last level is all zero.");
    }
    return out->list ? check_entries(out, bytes, err) : check_cells(out, bytes + levels * WIRE_LEVEL, err);
}

bool parity_sketch_wire_fits(const parity_sketch_wire *w, const parity_digest *d)
{
    const unsigned char *p = w->p + WIRE_HEADER + w->p[3] * (size_t)WIRE_LEVEL;
    uint32_t n = w->list ? w->entries : w->cells / SUBTABLES;
    parity_hash sum = {0, 0};

    for (uint32_t i = 0; i < n; i++)
        sum = parity_field_add(sum, load_residue(w->list ? p + (size_t)i * WIRE_ENTRY + 12
                                                         : p + (size_t)i * WIRE_CELL + 4));
    return w->rows == d->rows && w->hashed <= w->rows && sum.lo == d->lo && sum.hi == d->hi;
}

/* Writes the cells of the wire form, folded to cells. */
static void expand_cells(const unsigned char *p, uint32_t from, parity_sketch *out)
{
    uint32_t step = from / out->cells;

    for (uint32_t i = 0; i < from; i++, p += WIRE_CELL)
        cell_add(&out->cell[i / step], parity_load32(p), load_residue(p + 4), load_residue(p + 20));
}

void parity_sketch_expand(const parity_sketch_wire *w, parity_sketch *out, uint32_t cells)
{
    const unsigned char *p = w->p + WIRE_HEADER;

    parity_sketch_init(out, cells);
    out->rows = w->rows;
    out->hashed = w->hashed;
    for (uint32_t i = 0; i < w->entries; i++, p += WIRE_ENTRY) {
        uint64_t key = parity_load64(p);
        parity_hash h = load_residue(p + 12);
        uint32_t n = parity_load32(p + 8), strata = 0;

        strata_of_entry(key, n, h, &strata);
        add_weight(out, key, n, h, strata);
    }
    if (w->list)
        return;
    for (uint32_t level = 0; level < w->p[3]; level++)
        for (int i = 0; i < PARITY_STRATA_COUNTERS; i++, p += 4)
            out->strata[level][i] = parity_load32(p);
    expand_cells(p, w->cells, out);
}

parity_status parity_sketch_print(parity_buf *b, parity_arena *a, const parity_sketch *s)
{
    parity_buf wire;
    parity_status status;

    parity_buf_init(&wire, b->mem);
    status = parity_sketch_write(&wire, a, s);
    if (status == PARITY_OK)
        status = parity_base64_encode(b, wire.data, wire.len);
    parity_buf_free(&wire);
    return status;
}

parity_status parity_sketch_parse(parity_arena *a, const char *text, size_t n, parity_sketch_wire *out,
                                  parity_error *err)
{
    unsigned char *bytes = parity_arena_alloc(a, n / 4 * 3 + 3);
    size_t length;

    if (bytes == NULL)
        return PARITY_NOMEM;
    if (memchr(text, '\n', n) != NULL || memchr(text, '\r', n) != NULL)
        return malformed(err, "It has line breaks.");
    if (!parity_base64_decode((const unsigned char *)text, n, bytes, &length))
        return malformed(err, "It is not base64.");
    return parity_sketch_open(bytes, length, out, err);
}

/* The cells for a wire form against another: a list takes any. */
static uint32_t common_cells(const parity_sketch_wire *a, const parity_sketch_wire *b)
{
    if (a->list != b->list)
        return a->list ? b->cells : a->cells;
    if (a->list)
        return a->cells > b->cells ? a->cells : b->cells;
    return a->cells < b->cells ? a->cells : b->cells;
}

parity_status parity_sketch_combine(parity_arena *arena, const parity_sketch_wire *a, const parity_sketch_wire *b,
                                    bool subtract, parity_sketch **out)
{
    uint32_t cells = common_cells(a, b);
    parity_sketch *x = parity_arena_alloc(arena, parity_sketch_size(cells));
    parity_sketch *y = parity_arena_alloc(arena, parity_sketch_size(cells));

    if (x == NULL || y == NULL)
        return PARITY_NOMEM;
    parity_sketch_expand(a, x, cells);
    parity_sketch_expand(b, y, cells);
    if (subtract)
        parity_sketch_subtract(x, y);
    else
        parity_sketch_merge(x, y);
    *out = x;
    return PARITY_OK;
}
