/*
 * wanted.c - the set of rows that a pass over a table looks for
 *
 * A hash set of row keys with open addressing, and a bitmap of buckets, in one
 * flat block, so that an engine can hand it to a function as bytes.  It is
 * asked once for every row of a table.
 */
#include <string.h>

#include "internal.h"

/* Words of the bitmap. */
static inline size_t bitmap_words(const parity_wanted *w)
{
    return w->bits < 6 ? 1 : (size_t)1 << (w->bits - 6);
}

static inline size_t slot_of(uint64_t key, uint64_t log2)
{
    return (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> (64 - log2)); /* Knuth's multiplicative hashing */
}

static void add_key(parity_wanted *w, uint64_t key)
{
    uint64_t *slots = w->data + bitmap_words(w);
    size_t mask = ((size_t)1 << w->log2) - 1, i = slot_of(key, w->log2);

    if (key == 0) {
        w->nkeys += w->zero == 0;
        w->zero = 1;
        return;
    }
    while (slots[i] != 0 && slots[i] != key)
        i = (i + 1) & mask;
    w->nkeys += slots[i] == 0;
    slots[i] = key;
}

parity_status parity_wanted_make(parity_arena *a, const uint64_t *keys, size_t n, uint32_t bits,
                                 const uint64_t *bitmap, parity_wanted **out, size_t *size)
{
    parity_wanted head = {bitmap != NULL ? bits : 0, 4, 0, bitmap != NULL, 0}, *w;
    size_t words = bitmap_words(&head);

    while (((uint64_t)1 << head.log2) < 2 * (uint64_t)n + 2)
        head.log2++;
    *size = sizeof head + (words + ((size_t)1 << head.log2)) * sizeof(uint64_t);
    w = parity_arena_alloc(a, *size);
    if (w == NULL)
        return PARITY_NOMEM;
    *w = head;
    if (bitmap != NULL)
        memcpy(w->data, bitmap, words * sizeof *bitmap);
    for (size_t i = 0; i < n; i++)
        add_key(w, keys[i]);
    *out = w;
    return PARITY_OK;
}

bool parity_wanted_check(const void *p, size_t n)
{
    const parity_wanted *w = p;
    const uint64_t *slots;
    size_t used = 0;

    if (n < sizeof *w || w->bits > PARITY_BUCKET_BITS_MAX || w->log2 < 1 || w->log2 > 40 ||
        n != sizeof *w + (bitmap_words(w) + ((size_t)1 << w->log2)) * sizeof(uint64_t))
        return false;
    /* a slot has to be free, or a search would not end */
    slots = w->data + bitmap_words(w);
    for (size_t i = 0; i >> w->log2 == 0; i++)
        used += slots[i] != 0;
    return used < (size_t)1 << w->log2;
}

bool parity_wanted_has(const parity_wanted *w, const parity_row_key *k)
{
    const uint64_t *slots = w->data + bitmap_words(w);
    size_t mask = ((size_t)1 << w->log2) - 1, i;

    if (w->any_bucket) {
        uint32_t bucket = parity_bucket_of(k->hash, (uint32_t)w->bits);

        if (w->data[bucket / 64] >> (bucket % 64) & 1)
            return true;
    }
    if (w->nkeys == 0)
        return false;
    if (k->key == 0)
        return w->zero != 0;
    for (i = slot_of(k->key, w->log2); slots[i] != 0; i = (i + 1) & mask)
        if (slots[i] == k->key)
            return true;
    return false;
}
