/*
 * test_rollout.c - percentages, positions, and that a larger percentage only adds keys
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static parity_status read_value(const parity_value *v, const char *kind, parity_buf *b)
{
    parity_buf scratch;
    parity_kind k;
    parity_error err;
    unsigned notes = 0;
    parity_status s;

    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_kind_parse(kind, strcspn(kind, ";"), &k, &err), PARITY_OK);
    s = parity_put_value(b, &scratch, &k, v, &notes);
    parity_buf_free(&scratch);
    return s;
}

/* Frames a `class:payload` under the kind at the front of kinds. */
static void put_word(const char *word, const char *kind, parity_buf *b)
{
    const char *payload = strchr(word, ':') + 1;
    parity_value v = {.cls = PARITY_NULL};
    unsigned char *owned = NULL;

    switch (word[0]) {
    case 'i':
        v.cls = PARITY_INTEGER;
        v.i = strtoll(payload, NULL, 10);
        break;
    case 'r': {
        uint64_t bits = strtoull(payload, NULL, 16);

        v.cls = PARITY_REAL;
        memcpy(&v.r, &bits, sizeof bits);
        break;
    }
    case 't':
    case 'b':
        v.cls = word[0] == 't' ? PARITY_STRING : PARITY_BLOB;
        owned = from_hex(payload, &v.n);
        v.p = (const char *)owned;
        break;
    default:
        assert_int_equal(word[0], 'n');
    }
    assert_int_equal(read_value(&v, kind, b), PARITY_OK);
    free(owned);
}

static parity_status percent_of(const char *word, parity_percent *out, parity_error *err)
{
    parity_buf b;
    parity_status s;

    parity_buf_init(&b, &test_mem);
    put_word(word, "decimal", &b);
    s = parity_percent_read(b.data, b.len, out, err);
    parity_buf_free(&b);
    return s;
}

static uint64_t position_of(const char *kinds, char *values)
{
    uint64_t position;
    parity_buf b;

    parity_buf_init(&b, &test_mem);
    for (char *save, *word = strtok_r(values, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        put_word(word, kinds, &b);
        kinds += strcspn(kinds, ";");
        kinds += *kinds == ';';
    }
    position = parity_rollout_position(b.data, b.len);
    parity_buf_free(&b);
    return position;
}

static void check_line(const vector_line *line)
{
    const char *want = line->field[line->nfields - 1];
    parity_percent percent;
    parity_error err;
    char got[32];

    if (strcmp(line->field[0], "key") == 0) {
        snprintf(got, sizeof got, "%016" PRIx64, position_of(line->field[1], line->field[2]));
    } else if (percent_of(line->field[1], &percent, &err) != PARITY_OK) {
        assert_int_equal(err.status, PARITY_INVALID);
        assert_string_equal(err.message, "percent must be a number from 0 to 100");
        snprintf(got, sizeof got, "error");
    } else if (strcmp(line->field[0], "percent") == 0) {
        snprintf(got, sizeof got, "%" PRIu64, percent.bound);
        if (percent.all)
            snprintf(got, sizeof got, "18446744073709551616");
    } else {
        snprintf(got, sizeof got, "%d", parity_rollout_has(&percent, position_of(line->field[2], line->field[3])));
    }
    if (strcmp(got, want) != 0)
        vector_fail(line, line->field[0], want, got);
}

static void test_vectors(void **state)
{
    (void)state;
    assert_true(each_vector("rollout.tsv", check_line) >= 300);
}

/* Each hundredth of a percent, over 100,000 keys: near its share, and never less than the one before. */
static void test_uniform_and_monotone(void **state)
{
    enum { KEYS = 100000 };
    parity_percent percent, before = {0, false};
    uint64_t *position = malloc(KEYS * sizeof *position);
    parity_buf b;

    (void)state;
    parity_buf_init(&b, &test_mem);
    for (int i = 0; i < KEYS; i++) {
        b.len = 0;
        assert_int_equal(parity_put_int(&b, i), PARITY_OK);
        position[i] = parity_rollout_position(b.data, b.len);
    }
    for (int hundredths = 0; hundredths <= 10000; hundredths++) {
        char text[16];
        parity_value v = {.cls = PARITY_STRING, .p = text};
        parity_error err;
        long in = 0;

        v.n = (size_t)snprintf(text, sizeof text, "%d.%02d", hundredths / 100, hundredths % 100);
        b.len = 0;
        assert_int_equal(read_value(&v, "decimal", &b), PARITY_OK);
        assert_int_equal(parity_percent_read(b.data, b.len, &percent, &err), PARITY_OK);
        assert_true(hundredths == 0 || percent.all || percent.bound > before.bound);
        before = percent;
        if (hundredths % 250 != 0)
            continue;
        for (int i = 0; i < KEYS; i++)
            in += parity_rollout_has(&percent, position[i]);
        assert_true(labs(in - (long)hundredths * 10) <= KEYS / 100);
        assert_true(hundredths != 0 || in == 0);
        assert_true(hundredths != 10000 || in == KEYS);
    }
    parity_buf_free(&b);
    free(position);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_uniform_and_monotone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
