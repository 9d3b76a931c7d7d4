/*
 * field.c - the inverse mod 2^127 - 1
 */
#include "field.h"

/* x^(2^n) */
static parity_hash square_times(parity_hash x, int n)
{
    while (n-- > 0)
        x = parity_field_multiply(x, x);
    return x;
}

parity_hash parity_field_invert(parity_hash a)
{
    /* Fermat: the exponent is 2^127 - 3 = (2^125 - 1) * 4 + 1; r(n) = a^(2^n - 1), r(m + n) = r(m)^(2^n) * r(n) */
    parity_hash r2 = parity_field_multiply(square_times(a, 1), a);
    parity_hash r4 = parity_field_multiply(square_times(r2, 2), r2);
    parity_hash r8 = parity_field_multiply(square_times(r4, 4), r4);
    parity_hash r16 = parity_field_multiply(square_times(r8, 8), r8);
    parity_hash r32 = parity_field_multiply(square_times(r16, 16), r16);
    parity_hash r64 = parity_field_multiply(square_times(r32, 32), r32);
    parity_hash r = parity_field_multiply(square_times(r64, 32), r32);

    r = parity_field_multiply(square_times(r, 16), r16);
    r = parity_field_multiply(square_times(r, 8), r8);
    r = parity_field_multiply(square_times(r, 4), r4);
    r = parity_field_multiply(square_times(r, 1), a);
    return parity_field_multiply(square_times(r, 2), a);
}
