/*
 * wanted.c - the set of rows that a pass over a table looks for
 *
 * Row keys in ascending order, a filter in front of them and a bitmap of
 * buckets, in one flat block, so that an engine can hand it to a function as
 * bytes.  It is asked once for every row of a table, nearly always in vain: the
 * filter, a bit for each hash of a key, says so at once.  Behind it is a binary
 * search and no hash table, because the keys come from the other side, who
 * could choose them so that they collide.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Words of the buckets' bitmap, and of the filter. */
static inline size_t bucket_words(const parity_wanted *w)
{
    return w->bits < 6 ? 1 : (size_t)1 << (w->bits - 6);
}

static inline size_t filter_words(const parity_wanted *w)
{
    return (size_t)1 << (w->log2 - 6);
}

static inline uint64_t filter_bit(uint64_t key, uint64_t log2)
{
    return key * UINT64_C(0x9E3779B97F4A7C15) >> (64 - log2); /* Knuth's multiplicative hashing */
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

parity_status parity_wanted_make(parity_arena *a, const uint64_t *keys, size_t n, uint32_t bits,
                                 const uint64_t *bitmap, parity_wanted **out, size_t *size)
{
    parity_wanted head = {bitmap != NULL ? bits : 0, 6, 0, bitmap != NULL}, *w;
    size_t buckets = bucket_words(&head), filter;
    uint64_t *sorted;

    while (((uint64_t)1 << head.log2) < 16 * (uint64_t)n)
        head.log2++;
    filter = filter_words(&head);
    w = parity_arena_alloc(a, sizeof head + (buckets + filter + n) * sizeof(uint64_t));
    if (w == NULL)
        return PARITY_NOMEM;
    *w = head;
    if (bitmap != NULL)
        memcpy(w->data, bitmap, buckets * sizeof *bitmap);
    sorted = w->data + buckets + filter;
    if (n > 0) {
        memcpy(sorted, keys, n * sizeof *keys);
        qsort(sorted, n, sizeof *sorted, by_value);
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t bit = filter_bit(sorted[i], w->log2);

        w->data[buckets + bit / 64] |= UINT64_C(1) << (bit % 64);
        if (w->nkeys == 0 || sorted[w->nkeys - 1] != sorted[i])
            sorted[w->nkeys++] = sorted[i];
    }
    *size = sizeof head + (buckets + filter + (size_t)w->nkeys) * sizeof(uint64_t);
    *out = w;
    return PARITY_OK;
}

bool parity_wanted_check(const void *p, size_t n)
{
    const parity_wanted *w = p;

    return n >= sizeof *w && w->bits <= PARITY_BUCKET_BITS_MAX && w->log2 >= 6 && w->log2 <= 40 &&
           w->nkeys <= n / sizeof(uint64_t) &&
           n == sizeof *w + (bucket_words(w) + filter_words(w) + (size_t)w->nkeys) * sizeof(uint64_t);
}

bool parity_wanted_has(const parity_wanted *w, const parity_row_key *k)
{
    const uint64_t *filter = w->data + bucket_words(w), *keys = filter + filter_words(w);
    uint64_t bit = filter_bit(k->key, w->log2);
    size_t low = 0, high = (size_t)w->nkeys;

    if (w->any_bucket) {
        uint32_t bucket = parity_bucket_of(k->hash, (uint32_t)w->bits);

        if (w->data[bucket / 64] >> (bucket % 64) & 1)
            return true;
    }
    if ((filter[bit / 64] >> (bit % 64) & 1) == 0)
        return false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (keys[middle] < k->key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < w->nkeys && keys[low] == k->key;
}
