/*
 * test_digest.c - taking rows away, and differences of digests
 */
#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "field.h"
#include "parity.h"

static uint64_t state = 88172645463325252u;

static uint64_t chance(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* Hashes at the edges of the field, and others. */
static parity_hash some_hash(void)
{
    static const parity_hash edges[] = {
        {0, 0}, {1, 0}, {PARITY_P_LO, PARITY_P_HI}, {PARITY_P_LO - 1, PARITY_P_HI}, {0, PARITY_P_HI + 1},
        {UINT64_MAX, UINT64_MAX}, {UINT64_MAX - 1, UINT64_MAX}, {UINT64_MAX, 0}, {0, UINT64_MAX},
    };
    uint64_t pick = chance() % 20;
    parity_hash any;

    if (pick < sizeof edges / sizeof *edges)
        return edges[pick];
    any.lo = chance();
    any.hi = chance();
    return any;
}

/* What was added and taken away again leaves nothing, whichever came first. */
static void test_remove_undoes_add(void **unused)
{
    (void)unused;
    for (int round = 0; round < 10000; round++) {
        parity_digest d = {0, 0, 0}, none = {0, 0, 0};
        parity_hash h[8];

        for (int i = 0; i < 8; i++)
            h[i] = some_hash();
        for (int i = 0; i < 8; i++) {
            if (i % 2)
                parity_digest_add(&d, h[i]);
            else
                parity_digest_remove(&d, h[i]);
        }
        assert_true(parity_field_valid(d.lo, d.hi));
        assert_true(d.rows == 0);
        for (int i = 7; i >= 0; i--) {
            if (i % 2)
                parity_digest_remove(&d, h[i]);
            else
                parity_digest_add(&d, h[i]);
        }
        assert_true(parity_digest_equal(&d, &none));
    }
}

static void test_rows_wrap(void **unused)
{
    parity_digest less = {0, 0, 0}, three = {0, 0, 0};

    (void)unused;
    parity_digest_remove_row(&less, "a", 1);
    assert_true(less.rows == UINT64_MAX);
    parity_digest_add_row(&three, "a", 1);
    parity_digest_add_row(&three, "b", 1);
    parity_digest_add_row(&three, "c", 1);
    parity_digest_shift(&three, &less);
    assert_true(three.rows == 2);
    parity_digest_remove_row(&three, "b", 1);
    parity_digest_remove_row(&three, "c", 1);
    assert_true(three.rows == 0 && three.lo == 0 && three.hi == 0);
}

/* A digest with a difference added is the digest of the rows after it, as merge and subtract have it. */
static void test_shift_is_merge_and_subtract(void **unused)
{
    (void)unused;
    for (int round = 0; round < 10000; round++) {
        parity_digest before = {0, 0, 0}, change = {0, 0, 0}, gone = {0, 0, 0}, come = {0, 0, 0}, after;
        parity_error err;

        for (int i = 0; i < 6; i++) {
            parity_hash h = some_hash();

            parity_digest_add(&before, h);
            if (chance() & 1) {
                parity_digest_remove(&change, h);
                parity_digest_add(&gone, h);
            }
            h = some_hash();
            parity_digest_add(&change, h);
            parity_digest_add(&come, h);
        }
        after = before;
        parity_digest_shift(&after, &change);
        assert_int_equal(parity_digest_merge(&before, &come, &err), PARITY_OK);
        assert_int_equal(parity_digest_subtract(&before, &gone, &err), PARITY_OK);
        assert_true(parity_digest_equal(&before, &after));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remove_undoes_add),
        cmocka_unit_test(test_rows_wrap),
        cmocka_unit_test(test_shift_is_merge_and_subtract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
