/*
 * buckets.c - a table split by the top bits of its key hashes, a digest each
 */
#include <string.h>

#include "internal.h"

size_t parity_buckets_size(uint32_t bits)
{
    return sizeof(parity_buckets) + (sizeof(parity_digest) << bits);
}

void parity_buckets_init(parity_buckets *b, uint32_t bits)
{
    memset(b, 0, parity_buckets_size(bits));
    b->bits = bits;
}

void parity_buckets_merge(parity_buckets *b, const parity_buckets *other)
{
    for (uint32_t i = 0; i >> b->bits == 0; i++)
        parity_digest_merge(&b->digest[i], &other->digest[i], NULL);
}
