/*
 * Arithmetic mod 2^127 - 1: against sums of doublings, and with 128-bit
 * integers against without.
 */
#include <string.h>

#include "field.h"
#include "support.h"

/* core/field.h compiled without 128-bit integers: field_portable.c */
parity_hash portable_scale(uint64_t k, parity_hash a);
parity_hash portable_multiply(parity_hash a, parity_hash b);
parity_hash portable_invert(parity_hash a);

static uint64_t state = 1;

/* splitmix64 */
static uint64_t chance(void)
{
    uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static const uint64_t edges[] = {
    0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 0x100000000, 0x100000001,
    UINT64_C(0xFFFFFFFF00000000), UINT64_C(0xFFFFFFFF00000001), UINT64_C(0x7FFFFFFFFFFFFFFE),
    UINT64_C(0x7FFFFFFFFFFFFFFF), UINT64_C(0x8000000000000000), UINT64_C(0x8000000000000001),
    UINT64_C(0xFFFFFFFFFFFFFFFE), UINT64_C(0xFFFFFFFFFFFFFFFF), UINT64_C(0xAAAAAAAAAAAAAAAA),
    UINT64_C(0x5555555555555555),
};

#define EDGES (sizeof edges / sizeof edges[0])

/* Half of the time an edge. */
static uint64_t number(void)
{
    return chance() & 1 ? chance() : edges[chance() % EDGES];
}

static parity_hash element(void)
{
    for (;;) {
        parity_hash a = {number(), number() & PARITY_P_HI};

        if (parity_field_valid(a.lo, a.hi))
            return a;
    }
}

static void check(parity_hash got, parity_hash want, const char *what, parity_hash a, parity_hash b)
{
    if (got.lo != want.lo || got.hi != want.hi)
        fail_msg("%s of %016llx%016llx and %016llx%016llx: %016llx%016llx and not %016llx%016llx", what,
                 (unsigned long long)a.hi, (unsigned long long)a.lo, (unsigned long long)b.hi,
                 (unsigned long long)b.lo, (unsigned long long)got.hi, (unsigned long long)got.lo,
                 (unsigned long long)want.hi, (unsigned long long)want.lo);
}

/* a + b of elements, by comparing and taking away. */
static parity_hash slow_add(parity_hash a, parity_hash b)
{
    parity_hash sum;

    sum.lo = a.lo + b.lo;
    sum.hi = a.hi + b.hi + (sum.lo < a.lo); /* below 2^128 */
    if (sum.hi > PARITY_P_HI || (sum.hi == PARITY_P_HI && sum.lo == PARITY_P_LO)) {
        uint64_t borrow = sum.lo < PARITY_P_LO;

        sum.lo -= PARITY_P_LO;
        sum.hi -= PARITY_P_HI + borrow;
    }
    return sum;
}

/* a * b, where b is any 128-bit number. */
static parity_hash slow_multiply(parity_hash a, parity_hash b)
{
    parity_hash sum = {0, 0};

    for (int bit = 127; bit >= 0; bit--) {
        sum = slow_add(sum, sum);
        if ((bit >= 64 ? b.hi >> (bit - 64) : b.lo >> bit) & 1)
            sum = slow_add(sum, a);
    }
    return sum;
}

static void check_product(uint64_t a, uint64_t b)
{
    uint64_t hi, portable_hi, lo = parity_mul64(a, b, &hi), portable_lo = parity_mul64_portable(a, b, &portable_hi);

    if (lo != portable_lo || hi != portable_hi)
        fail_msg("%llx * %llx", (unsigned long long)a, (unsigned long long)b);
}

static void test_products(void **unused)
{
    uint64_t hi;

    (void)unused;
    assert_true(parity_mul64_portable(UINT64_MAX, UINT64_MAX, &hi) == 1 && hi == UINT64_MAX - 1);
    assert_true(parity_mul64_portable(UINT64_C(1) << 32, UINT64_C(1) << 32, &hi) == 0 && hi == 1);
    for (size_t i = 0; i < EDGES; i++)
        for (size_t j = 0; j < EDGES; j++)
            check_product(edges[i], edges[j]);
    for (int i = 0; i < 1000000; i++)
        check_product(number(), number());
}

/* Any 128-bit number, and the sum of one with an element. */
static void test_residues(void **unused)
{
    static const parity_hash one = {1, 0};

    (void)unused;
    for (int i = 0; i < 200000; i++) {
        parity_hash any = {number(), number()}, a = element(), want = slow_multiply(one, any);

        check(parity_field_reduce(any.lo, any.hi), want, "residue", any, a);
        check(parity_field_add_any(a, any.lo, any.hi), slow_add(a, want), "sum with any", a, any);
    }
    check(parity_field_reduce(PARITY_P_LO, PARITY_P_HI), (parity_hash){0, 0}, "p", one, one);
    check(parity_field_reduce(UINT64_MAX, UINT64_MAX), one, "2^128 - 1", one, one);
    check(parity_field_reduce(UINT64_MAX - 1, UINT64_MAX), (parity_hash){0, 0}, "2p", one, one);
    assert_false(parity_field_valid(PARITY_P_LO, PARITY_P_HI));
    assert_true(parity_field_valid(PARITY_P_LO - 1, PARITY_P_HI));
    assert_false(parity_field_valid(0, PARITY_P_HI + 1));
}

static void check_pair(parity_hash a, parity_hash b)
{
    parity_hash zero = {0, 0}, product = slow_multiply(a, b);

    check(parity_field_add(a, b), slow_add(a, b), "sum", a, b);
    check(parity_field_subtract(parity_field_add(a, b), b), a, "sum less b", a, b);
    check(parity_field_add(a, parity_field_negate(a)), zero, "sum with its negative", a, b);
    assert_true(parity_field_is_zero(parity_field_subtract(a, a)));
    check(parity_field_multiply(a, b), product, "product", a, b);
    check(portable_multiply(a, b), product, "portable product", a, b);
    b.hi = 0;
    product = slow_multiply(a, b);
    check(parity_field_scale(b.lo, a), product, "multiple", a, b);
    check(portable_scale(b.lo, a), product, "portable multiple", a, b);
}

static void check_inverse(parity_hash a)
{
    parity_hash inverse = parity_field_invert(a), one = {!parity_field_is_zero(a), 0};

    assert_true(parity_field_valid(inverse.lo, inverse.hi));
    check(portable_invert(a), inverse, "portable inverse", a, one);
    check(slow_multiply(a, inverse), one, "inverse", a, inverse);
}

static void test_elements(void **unused)
{
    static const parity_hash last = {PARITY_P_LO - 1, PARITY_P_HI};

    (void)unused;
    for (size_t i = 0; i < EDGES * EDGES; i++) {
        parity_hash a = {edges[i % EDGES], edges[i / EDGES] & PARITY_P_HI};

        if (!parity_field_valid(a.lo, a.hi))
            a = last;
        check_pair(a, last);
        check_pair(last, a);
        check_inverse(a);
        for (size_t j = 0; j < EDGES * EDGES; j++) {
            parity_hash b = {edges[j % EDGES], edges[j / EDGES] & PARITY_P_HI};

            if (parity_field_valid(b.lo, b.hi))
                check(parity_field_multiply(a, b), portable_multiply(a, b), "product", a, b);
        }
    }
    for (int i = 0; i < 50000; i++)
        check_pair(element(), element());
    for (int i = 0; i < 5000; i++)
        check_inverse(element());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_residues),
        cmocka_unit_test(test_elements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
