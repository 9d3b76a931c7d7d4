/*
 * sketch_support.h - random rows, and what tests of sketches share
 */
#ifndef PARITY_TEST_SKETCH_SUPPORT_H
#define PARITY_TEST_SKETCH_SUPPORT_H

#include "field.h"
#include "support.h"

/* A row as a sketch sees it. */
typedef struct sketch_row {
    uint64_t key;
    bool hashed;
    parity_hash hash;
} sketch_row;

/* The next of a fixed series of random numbers, which sketch_seed starts. */
void sketch_seed(uint64_t seed);
uint64_t sketch_chance(void);
/* n rows: a third with small integer keys, a third with hashed ones, a third without a key. */
void sketch_rows(sketch_row *rows, size_t n);
/* A new sketch of n rows, to be freed. */
parity_sketch *sketch_of(const sketch_row *rows, size_t n, uint32_t cells);
parity_sketch *sketch_copy(const parity_sketch *s);
/* Fails unless both are the same, every counter and cell. */
void sketch_same(const parity_sketch *a, const parity_sketch *b);
/*
 * The differences between two lists of rows, sorted by key, to be freed: told
 * by sorting.
 */
parity_entry *sketch_truth(const sketch_row *a, size_t na, const sketch_row *b, size_t nb, size_t *n);
/*
 * Makes b of n rows a: changes differences, each an insert, a delete, an
 * update or one to three duplicates; b has room for n + 3 * changes rows.
 */
size_t sketch_change(const sketch_row *a, size_t n, sketch_row *b, size_t changes);
/* The wire form, in b. */
void sketch_wire(const parity_sketch *s, parity_buf *b);

#endif
