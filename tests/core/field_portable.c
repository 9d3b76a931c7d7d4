/*
 * field_portable.c - core/field.h and field.c once more, without 128-bit integers
 */
#define PARITY_PORTABLE
#define parity_field_invert portable_invert
#include "field.c"

parity_hash portable_scale(uint64_t k, parity_hash a);
parity_hash portable_multiply(parity_hash a, parity_hash b);

parity_hash portable_scale(uint64_t k, parity_hash a)
{
    return parity_field_scale(k, a);
}

parity_hash portable_multiply(parity_hash a, parity_hash b)
{
    return parity_field_multiply(a, b);
}
