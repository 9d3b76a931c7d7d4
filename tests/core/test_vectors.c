/*
 * Every golden vector, against core: frames and notes of values.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* Reads the class and payload of a vector. */
parity_value vector_value(const char *cls, const char *payload, unsigned char **owned)
{
    parity_value v = {PARITY_NULL, 0, 0, NULL, 0};
    uint64_t bits;

    *owned = NULL;
    if (strcmp(cls, "null") == 0)
        return v;
    if (strcmp(cls, "int") == 0) {
        v.cls = PARITY_INTEGER;
        v.i = strtoll(payload, NULL, 10);
    } else if (strcmp(cls, "real") == 0) {
        v.cls = PARITY_REAL;
        bits = strtoull(payload, NULL, 16);
        memcpy(&v.r, &bits, sizeof bits);
    } else {
        assert_true(strcmp(cls, "text") == 0 || strcmp(cls, "blob") == 0);
        v.cls = strcmp(cls, "text") == 0 ? PARITY_STRING : PARITY_BLOB;
        *owned = from_hex(payload, &v.n);
        v.p = (const char *)*owned;
    }
    return v;
}

static int failures;

static void check_value(const vector_line *line)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {{"bad", PARITY_NOTE_BAD},
                 {"option", PARITY_NOTE_OPTION},
                 {"rounds", PARITY_NOTE_ROUNDS},
                 {"zoneless", PARITY_NOTE_ZONELESS},
                 {"digits", PARITY_NOTE_DIGITS}};
    parity_kind kind;
    parity_error err;
    parity_buf b, scratch;
    unsigned char *owned;
    unsigned notes = 0, want = 0;
    parity_value v;
    char *got;

    assert_true(line->nfields >= 5);
    if (parity_kind_parse(line->field[0], strlen(line->field[0]), &kind, &err) != PARITY_OK)
        vector_fail(line, "kind", line->field[0], err.message);
    v = vector_value(line->field[1], line->field[2], &owned);
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_put_value(&b, &scratch, &kind, &v, &notes), PARITY_OK);
    got = to_hex(b.data, b.len);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strstr(line->field[4], names[i].name) != NULL)
            want |= names[i].bit;
    if (strcmp(got, line->field[3]) != 0 || notes != want) {
        fprintf(stderr, "%s:%d: %s | %s | %s | %s\n  want %s notes %02x\n  got  %s notes %02x\n", line->file, line->number,
                    line->field[0], line->field[1], line->field[2], line->nfields > 5 ? line->field[5] : "",
                    line->field[3], want, got, notes);
        failures++;
    }
    free(got);
    free(owned);
    parity_buf_free(&b);
    parity_buf_free(&scratch);
}

static void test_values(void **state)
{
    (void)state;
    failures = 0;
    assert_true(each_vector("value.tsv", check_value) >= 500);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
