/*
 * Row keys, sets of them to look for, buckets, and passes that use them.
 */
#include <stdlib.h>
#include <string.h>

#include "sketch_support.h"

/* ---- sets */

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static bool wants(const parity_wanted *w, uint64_t key, uint64_t hash)
{
    parity_row_key k = {key, hash, key == hash};

    return parity_wanted_has(w, &k);
}

static void test_keys(void **state)
{
    static const size_t counts[] = {0, 1, 2, 7, 8, 100, 5000};

    (void)state;
    sketch_seed(21);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (int zero = 0; zero < 2; zero++) {
            size_t n = counts[i], size;
            uint64_t *keys = malloc((n + 1) * sizeof *keys);
            parity_wanted *w;
            parity_arena a;

            for (size_t j = 0; j < n; j++) /* many small and near ones, some twice */
                keys[j] = j % 3 == 0 ? j / 2 + 1 : j % 3 == 1 ? sketch_chance() | 1 : j << 40 | 1;
            if (zero && n > 0)
                keys[n / 2] = 0;
            parity_arena_init(&a, &test_mem);
            assert_int_equal(parity_wanted_make(&a, keys, n, 0, NULL, &w, &size), PARITY_OK);
            assert_true(parity_wanted_check(w, size));
            assert_false(parity_wanted_check(w, size - 8));
            for (size_t j = 0; j < n; j++)
                assert_true(wants(w, keys[j], 0));
            qsort(keys, n, sizeof *keys, by_number);
            for (int tries = 0; tries < 2000; tries++) {
                uint64_t key = tries % 2 ? sketch_chance() : sketch_chance() % (n + 3);

                assert_int_equal(wants(w, key, key), bsearch(&key, keys, n, sizeof key, by_number) != NULL);
            }
            parity_arena_free(&a);
            free(keys);
        }
}

static void test_bucket_sets(void **state)
{
    (void)state;
    sketch_seed(22);
    for (uint32_t bits = 0; bits <= PARITY_BUCKET_BITS_MAX; bits++) {
        size_t words = bits < 6 ? 1 : (size_t)1 << (bits - 6), size;
        uint64_t *bitmap = calloc(words, sizeof *bitmap), key = 42;
        parity_wanted *w;
        parity_arena a;

        for (uint32_t i = 0; i >> bits == 0; i += 3)
            bitmap[i / 64] |= UINT64_C(1) << i % 64;
        parity_arena_init(&a, &test_mem);
        assert_int_equal(parity_wanted_make(&a, &key, 1, bits, bitmap, &w, &size), PARITY_OK);
        assert_true(parity_wanted_check(w, size));
        free(bitmap);
        for (int tries = 0; tries < 2000; tries++) {
            uint64_t hash = sketch_chance();

            assert_int_equal(wants(w, 7, hash), parity_bucket_of(hash, bits) % 3 == 0);
            assert_true(wants(w, 42, hash));
        }
        parity_arena_free(&a);
    }
}

/* Keys that any one hash function sends to one place take no longer than others. */
static void test_colliding_keys(void **state)
{
    enum { N = 200000 };
    const uint64_t inverse = UINT64_C(0xF1DE83E19937733D); /* of 0x9E3779B97F4A7C15 mod 2^64 */
    uint64_t *keys = malloc(N * sizeof *keys);
    parity_wanted *w;
    parity_arena a;
    size_t size;

    (void)state;
    assert_true(inverse * UINT64_C(0x9E3779B97F4A7C15) == 1);
    for (uint64_t i = 0; i < N; i++)
        keys[i] = (i + 1) * inverse;
    parity_arena_init(&a, &test_mem);
    assert_int_equal(parity_wanted_make(&a, keys, N, 0, NULL, &w, &size), PARITY_OK);
    assert_int_equal(w->nkeys, N);
    for (uint64_t i = 0; i < 2 * N; i++)
        assert_true(wants(w, (i + 1) * inverse, 0) == (i < N));
    parity_arena_free(&a);
    free(keys);
}

/* Whatever is in the bytes, a set that was checked can be asked. */
static void test_hostile_sets(void **state)
{
    uint64_t keys[] = {1, 2, 3, 0}, bitmap = 2;
    parity_wanted *w, *copy;
    parity_arena a;
    size_t size;
    unsigned char *bytes;

    (void)state;
    sketch_seed(23);
    parity_arena_init(&a, &test_mem);
    assert_int_equal(parity_wanted_make(&a, keys, 4, 3, &bitmap, &w, &size), PARITY_OK);
    copy = malloc(size);
    for (size_t n = 0; n < size; n++) {
        uint64_t *shorter = malloc(n + 1);

        memcpy(shorter, w, n);
        assert_false(parity_wanted_check(shorter, n));
        free(shorter);
    }
    bytes = (unsigned char *)copy;
    for (size_t at = 0; at < size; at++)
        for (int k = 0; k < 8; k++) {
            memcpy(copy, w, size);
            bytes[at] ^= (unsigned char)(1 << k);
            if (parity_wanted_check(copy, size))
                for (uint64_t key = 0; key < 100; key++)
                    wants(copy, key, key << 57);
        }
    free(copy);
    parity_arena_free(&a);
    parity_arena_init(&a, &test_mem);
    fail_after = 0;
    assert_int_equal(parity_wanted_make(&a, keys, 4, 3, &bitmap, &w, &size), PARITY_NOMEM);
    fail_after = -1;
    parity_arena_free(&a);
}

/* ---- rows through a pass */

#define COLUMNS 3
#define ROWS 500

/* A table of an integer (or text, or NULL), a text and an integer. */
typedef struct table {
    const int64_t *rows; /* three numbers a row */
    size_t at;
    int fail; /* the column whose put fails; -1: none */
} table;

static parity_status put(void *ctx, int i, bool rounded, parity_buf *b, parity_buf *scratch, unsigned *notes,
                         parity_value *example)
{
    const table *t = ctx;
    int64_t v = t->rows[t->at * COLUMNS + (size_t)i];
    char text[32];

    (void)rounded, (void)scratch, (void)notes, (void)example;
    if (i == t->fail)
        return PARITY_LIMIT;
    if (i == 1) {
        text[0] = (char)('a' + v % 26);
        return parity_put_text(b, text, 1);
    }
    return v % 17 == 5 ? parity_put_null(b) : v % 17 == 6 ? parity_put_text(b, "key", 3) : parity_put_int(b, v);
}

/* The same rows by a pass and by hand: sketch, buckets, and what is looked for. */
static void check_pass(const bool *key)
{
    int64_t numbers[ROWS * COLUMNS];
    table t = {numbers, 0, -1};
    parity_scan scan;
    parity_tally *tally = malloc(parity_tally_size(COLUMNS, 64));
    parity_buckets *buckets = malloc(parity_buckets_size(4)), *half = malloc(parity_buckets_size(4));
    parity_sketch *by_hand = sketch_of(NULL, 0, 64);
    parity_digest whole = {0, 0, 0}, sum = {0, 0, 0}, bucket[16];
    parity_buf scratch;
    parity_arena a;
    parity_wanted *wanted;
    uint64_t some[ROWS], bitmap = 0x8001;
    size_t size, nsome = 0;
    parity_row_key k, again;
    bool hit;

    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        numbers[i] = (int64_t)(sketch_chance() % 300);
    memset(bucket, 0, sizeof bucket);
    parity_buf_init(&scratch, &test_mem);
    parity_arena_init(&a, &test_mem);
    parity_tally_init(tally, COLUMNS, 64);
    parity_buckets_init(buckets, 4);
    parity_buckets_init(half, 4);
    assert_int_equal(parity_scan_init(&scan, &test_mem, COLUMNS, key, true), PARITY_OK);
    for (t.at = 0; t.at < ROWS; t.at++) {
        parity_hash h;

        assert_int_equal(parity_scan_row(&scan, tally, put, &t), PARITY_OK);
        h = parity_hash_bytes(scan.buf.data, scan.buf.len, 0);
        assert_int_equal(parity_row_key_of(scan.buf.data, scan.ends, COLUMNS, key, &scratch, &k), PARITY_OK);
        if (!k.hashed)
            assert_true(k.key == (uint64_t)numbers[t.at * COLUMNS] || k.key == (uint64_t)numbers[t.at * COLUMNS + 2]);
        else
            assert_true(k.key == k.hash);
        parity_sketch_add(by_hand, k.key, k.hashed, h);
        parity_digest_add(&whole, h);
        parity_digest_add(&bucket[k.hash >> 60], h);
        assert_int_equal(parity_scan_bucket(&scan, t.at % 2 ? half : buckets, put, &t), PARITY_OK);
        if (t.at % 5 == 0)
            some[nsome++] = k.key;
    }
    sketch_same(parity_tally_sketch(tally), by_hand);
    parity_buckets_merge(buckets, half);
    for (int i = 0; i < 16; i++) {
        assert_true(parity_digest_equal(&buckets->digest[i], &bucket[i]));
        assert_int_equal(parity_digest_merge(&sum, &buckets->digest[i], NULL), PARITY_OK);
    }
    assert_true(parity_digest_equal(&sum, &whole));
    assert_true(parity_digest_equal(&tally->digest, &whole));

    assert_int_equal(parity_wanted_make(&a, some, nsome, 4, &bitmap, &wanted, &size), PARITY_OK);
    for (t.at = 0; t.at < ROWS; t.at++) {
        bool want = false;

        assert_int_equal(parity_scan_bucket(&scan, half, put, &t), PARITY_OK); /* leaves the row framed */
        assert_int_equal(parity_row_key_of(scan.buf.data, scan.ends, COLUMNS, key, &scratch, &k), PARITY_OK);
        for (size_t i = 0; i < nsome; i++)
            want |= some[i] == k.key;
        want |= bitmap >> (k.hash >> 60) & 1;
        for (int whole_row = 0; whole_row < 2; whole_row++) {
            assert_int_equal(parity_scan_wanted(&scan, wanted, whole_row, put, &t, &again, &hit), PARITY_OK);
            assert_int_equal(hit, want);
            assert_true(again.key == k.key && again.hash == k.hash && again.hashed == k.hashed);
            if (hit && whole_row) {
                uint32_t ends[COLUMNS];
                parity_error err;

                assert_int_equal(parity_row_key_of(scan.buf.data, scan.ends, COLUMNS, key, &scratch, &again), PARITY_OK);
                assert_true(again.key == k.key);
                assert_int_equal(scan.ends[COLUMNS - 1], scan.buf.len);
                assert_int_equal(parity_frames_check(scan.buf.data, scan.buf.len, COLUMNS, ends, &err), PARITY_OK);
                assert_memory_equal(ends, scan.ends, sizeof ends);
            }
        }
    }
    t.at = 0;
    t.fail = 1;
    assert_int_equal(parity_scan_bucket(&scan, half, put, &t), PARITY_LIMIT);
    parity_scan_free(&scan);
    parity_buf_free(&scratch);
    parity_arena_free(&a);
    free(tally), free(buckets), free(half), free(by_hand);
}

static void test_pass(void **state)
{
    (void)state;
    sketch_seed(24);
    for (int mask = 0; mask < 8; mask++) {
        bool key[COLUMNS] = {mask & 1, mask >> 1 & 1, mask >> 2 & 1};

        check_pass(key);
    }
}

/* A key of several columns is put together in the scratch buffer. */
static void test_no_memory(void **state)
{
    static const unsigned char frames[] = {0, 0, 0};
    static const uint32_t ends[] = {1, 2, 3};
    static const bool key[] = {true, false, true};
    parity_buf scratch;
    parity_row_key k;

    (void)state;
    parity_buf_init(&scratch, &test_mem);
    fail_after = 0;
    assert_int_equal(parity_row_key_of(frames, ends, 3, key, &scratch, &k), PARITY_NOMEM);
    fail_after = -1;
    assert_int_equal(parity_row_key_of(frames, ends, 3, key, &scratch, &k), PARITY_OK);
    assert_true(k.hashed && k.key == parity_hash_bytes(frames, 2, 0).lo);
    parity_buf_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_bucket_sets),
        cmocka_unit_test(test_colliding_keys), cmocka_unit_test(test_hostile_sets),
        cmocka_unit_test(test_pass),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
