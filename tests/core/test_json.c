/*
 * Canonical JSON, SQLite's JSONB, and the kinds json and vector.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "support.h"

/* What text becomes: canonical JSON, or NULL when it is not JSON. */
typedef struct json_case {
    const char *text, *canonical;
} json_case;

/* The canonical text of n bytes as a new NUL-terminated text, or NULL. */
static char *canonical_of(const char *text, size_t n)
{
    parity_buf out, scratch;
    char *copy = malloc(n > 0 ? n : 1), *result = NULL; /* no byte more, so that a sanitizer sees any read beyond */
    bool bad;

    assert_non_null(copy);
    memcpy(copy, text, n);
    parity_buf_init(&out, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_buf_puts(&out, "before"), PARITY_OK);
    assert_int_equal(parity_json_canonical(&out, &scratch, copy, n, &bad), PARITY_OK);
    if (bad) {
        assert_int_equal(out.len, 6);
    } else {
        assert_int_equal(parity_buf_put(&out, "", 1), PARITY_OK);
        result = malloc(out.len - 6);
        assert_non_null(result);
        memcpy(result, out.data + 6, out.len - 6);
    }
    assert_memory_equal(out.data, "before", 6);
    parity_buf_free(&out);
    parity_buf_free(&scratch);
    free(copy);
    return result;
}

static void check_case(const char *text, const char *want)
{
    char *got = canonical_of(text, strlen(text)), *again;

    if ((got == NULL) != (want == NULL) || (got != NULL && strcmp(got, want) != 0))
        fail_msg("%s\n  want %s\n  got  %s", text, want ? want : "BAD", got ? got : "BAD");
    if (got != NULL) {
        again = canonical_of(got, strlen(got));
        assert_non_null(again);
        assert_string_equal(again, got);
        free(again);
    }
    free(got);
}

static void check_cases(const json_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_case(c[i].text, c[i].canonical);
}

#define CHECK_CASES(table) check_cases(table, sizeof table / sizeof table[0])

static void test_scalars(void **state)
{
    static const json_case cases[] = {
        {"null", "null"},
        {" \t\r\ntrue\n ", "true"},
        {"false", "false"},
        {"", NULL},
        {" ", NULL},
        {"nul", NULL},
        {"nulll", NULL},
        {"True", NULL},
        {"true false", NULL},
        {"\v1", NULL},
        {"\xEF\xBB\xBF" "1", NULL},
    };

    (void)state;
    CHECK_CASES(cases);
}

static void test_numbers(void **state)
{
    static const json_case cases[] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.000e-7", "0"},
        {"0e99999999999999999999", "0"},
        {"5", "5"},
        {"-5", "-5"},
        {"10", "1e1"},
        {"100", "1e2"},
        {"-1200", "-12e2"},
        {"1.5", "15e-1"},
        {"1.50", "15e-1"},
        {"1.0", "1"},
        {"10.0", "1e1"},
        {"10.10", "101e-1"},
        {"0.05", "5e-2"},
        {"0.5e1", "5"},
        {"1e2", "1e2"},
        {"1E+02", "1e2"},
        {"150e-2", "15e-1"},
        {"1e00000000000000000000000003", "1e3"},
        {"123456789012345678901234567890", "12345678901234567890123456789e1"},
        {"0.1000000000000000055511151231257827", "1000000000000000055511151231257827e-34"},
        {"1e2147483647", "1e2147483647"},
        {"1e2147483648", NULL},
        {"10e2147483647", NULL},
        {"0.1e2147483648", "1e2147483647"},
        {"1e-2147483648", "1e-2147483648"},
        {"0.1e-2147483648", NULL},
        {"1e-99999999999999999999", NULL},
        {"{\"a\":1e2147483648,\"a\":1}", NULL}, /* also where another member counts */
        {"01", NULL},
        {"-01", NULL},
        {"+1", NULL},
        {"-", NULL},
        {".5", NULL},
        {"5.", NULL},
        {"5.e1", NULL},
        {"1e", NULL},
        {"1e+", NULL},
        {"1.5.5", NULL},
        {"0x10", NULL},
        {"NaN", NULL},
        {"Infinity", NULL},
    };

    (void)state;
    CHECK_CASES(cases);
}

static void test_strings(void **state)
{
    static const json_case cases[] = {
        {"\"\"", "\"\""},
        {"\"plain\"", "\"plain\""},
        {"\"exactly eight\"", "\"exactly eight\""},
        {"\"\\\"\\\\\\/\"", "\"\\\"\\\\/\""},
        {"\"\\b\\f\\n\\r\\t\"", "\"\\u0008\\u000c\\u000a\\u000d\\u0009\""},
        {"\"\\u0000\\u001F\\u007f\\u0041\"", "\"\\u0000\\u001f\x7F" "A\""},
        {"\"\\u00e9\\u20AC\\uffff\"", "\"\xC3\xA9\xE2\x82\xAC\xEF\xBF\xBF\""},
        {"\"\\ud83d\\ude00\"", "\"\xF0\x9F\x98\x80\""},
        {"\"\\uDBFF\\uDFFF\"", "\"\xF4\x8F\xBF\xBF\""},
        /* surrogates without a partner */
        {"\"\\uD83D\"", "\"\\ud83d\""},
        {"\"\\uDE00x\"", "\"\\ude00x\""},
        {"\"\\uD83D\\u0041\"", "\"\\ud83dA\""},
        {"\"\\uD83D\\uD83D\\uDE00\"", "\"\\ud83d\xF0\x9F\x98\x80\""},
        {"\"\\uDE00\\uD83D\"", "\"\\ude00\\ud83d\""},
        {"\"\\uD83D\\n\"", "\"\\ud83d\\u000a\""},
        /* the same characters, spelt out */
        {"\"\\\\ud83d\"", "\"\\\\ud83d\""},
        /* what is not UTF-8 stays as it is */
        {"\"\xED\xA0\x80\xFF\"", "\"\xED\xA0\x80\xFF\""},
        {"\"a\nb\"", NULL},
        {"\"12345678\x1f\"", NULL},
        {"\"a", NULL},
        {"\"", NULL},
        {"\"\\", NULL},
        {"\"\\\"", NULL},
        {"\"\\x41\"", NULL},
        {"\"\\'\"", NULL},
        {"\"\\u12\"", NULL},
        {"\"\\u12G4\"", NULL},
        {"\"\\ud800\\u12\"", NULL},
        {"\"\\U0041\"", NULL},
        {"'a'", NULL},
    };

    (void)state;
    CHECK_CASES(cases);
}

static void test_containers(void **state)
{
    static const json_case cases[] = {
        {"[]", "[]"},
        {" [ ] ", "[]"},
        {"{}", "{}"},
        {"{ }", "{}"},
        {"[1, [2, []], {}]", "[1,[2,[]],{}]"},
        {"{\"a\" : 1 , \"b\" : [ 1 , 2 ] }", "{\"a\":1,\"b\":[1,2]}"},
        {"[", NULL},
        {"]", NULL},
        {"[1", NULL},
        {"[1,]", NULL},
        {"[,1]", NULL},
        {"[1 2]", NULL},
        {"[1]]", NULL},
        {"[1}", NULL},
        {"{", NULL},
        {"}", NULL},
        {"{\"a\"}", NULL},
        {"{\"a\":}", NULL},
        {"{\"a\":1,}", NULL},
        {"{\"a\":1", NULL},
        {"{\"a\":1]", NULL},
        {"{\"a\":[1}", NULL},
        {"{\"a\":[}", NULL},
        {"[{]}", NULL},
        {"{,}", NULL},
        {"{a:1}", NULL},
        {"{1:1}", NULL},
        {"{null:1}", NULL},
        {"{\"a\" 1}", NULL},
        {"{\"a\":1 \"b\":2}", NULL},
        {"{} {}", NULL},
        {"[1]/**/", NULL},
    };

    (void)state;
    CHECK_CASES(cases);
}

static void test_order(void **state)
{
    static const json_case cases[] = {
        {"{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}"},
        {"{\"b\":1,\"aa\":2,\"a\":3,\"\":4}", "{\"\":4,\"a\":3,\"aa\":2,\"b\":1}"},
        {"{\"Z\":1,\"a\":2,\"_\":3,\"0\":4}", "{\"0\":4,\"Z\":1,\"_\":3,\"a\":2}"},
        /* the last one counts */
        {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
        {"{\"a\":[1],\"b\":2,\"a\":{\"x\":0}}", "{\"a\":{\"x\":0},\"b\":2}"},
        {"{\"a\":1,\"\\u0061\":2}", "{\"a\":2}"},
        {"{\"a\":1,\"a\":2,\"a\":3,\"b\":4,\"b\":5}", "{\"a\":3,\"b\":5}"},
        /* nested: an object in order around one that is not, and the other way round */
        {"{\"a\":{\"d\":1,\"c\":2},\"b\":3}", "{\"a\":{\"c\":2,\"d\":1},\"b\":3}"},
        {"{\"b\":{\"c\":1,\"d\":2},\"a\":3}", "{\"a\":3,\"b\":{\"c\":1,\"d\":2}}"},
        {"{\"b\":[{\"d\":1,\"c\":2},{\"f\":3,\"e\":4}],\"a\":[[{\"h\":5,\"g\":6}]]}",
         "{\"a\":[[{\"g\":6,\"h\":5}]],\"b\":[{\"c\":2,\"d\":1},{\"e\":4,\"f\":3}]}"},
        {"[{\"b\":1,\"a\":2},0,{\"a\":1},{\"b\":{\"d\":1,\"c\":{\"f\":1,\"e\":2}},\"a\":2}]",
         "[{\"a\":2,\"b\":1},0,{\"a\":1},{\"a\":2,\"b\":{\"c\":{\"e\":2,\"f\":1},\"d\":1}}]"},
        {"{\"b\":{\"y\":1,\"x\":2},\"b\":{\"z\":1,\"w\":2},\"a\":{\"y\":1,\"x\":2}}",
         "{\"a\":{\"x\":2,\"y\":1},\"b\":{\"w\":2,\"z\":1}}"},
        {"{\"b\":{},\"a\":{\"b\":{},\"a\":[]}}", "{\"a\":{\"a\":[],\"b\":{}},\"b\":{}}"},
        /* by decoded bytes, not by their spelling: 09 < 21 < 22 < 23 < 5C < 61 < C3 */
        {"{\"a\":1,\"\\\\\":2,\"#\":3,\"\\\"\":4,\"!\":5,\"\\t\":6,\"\\u00e9\":7}",
         "{\"\\u0009\":6,\"!\":5,\"\\\"\":4,\"#\":3,\"\\\\\":2,\"a\":1,\"\xC3\xA9\":7}"},
        {"{\"a\\nb\":1,\"a\\u000ab\":2,\"a\\n\":3,\"a\":4}", "{\"a\":4,\"a\\u000a\":3,\"a\\u000ab\":2}"},
        /* an unpaired surrogate counts as ED A0 80 …: above U+D7FF, below U+E000 and U+1F600 */
        {"{\"\\ud83d\\ude00\":1,\"\\ue000\":2,\"\\udfff\":3,\"\\ud800\":4,\"\\ud7ff\":5}",
         "{\"\xED\x9F\xBF\":5,\"\\ud800\":4,\"\\udfff\":3,\"\xEE\x80\x80\":2,\"\xF0\x9F\x98\x80\":1}"},
        {"{\"\\uD800\":1,\"\\ud800\":2}", "{\"\\ud800\":2}"},
        /* it is neither its own spelling nor bytes that are not UTF-8 */
        {"{\"\\ud800\":1,\"\\\\ud800\":2}", "{\"\\\\ud800\":2,\"\\ud800\":1}"},
        {"{\"\xED\xA0\x80\":1,\"\\ud800\":2}", "{\"\\ud800\":2,\"\xED\xA0\x80\":1}"},
    };

    (void)state;
    CHECK_CASES(cases);
}

/* Objects of many sizes, their keys shuffled and repeated: against qsort. */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void test_many_members(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (unsigned n = 1; n < 300; n += n < 40 ? 1 : 37) {
        char *keys[300], last[1000][8] = {{0}}, *text = malloc(40 * n + 3), *want = malloc(40 * n + 3);
        size_t at = 0, end = 0;

        assert_true(text != NULL && want != NULL);
        text[at++] = '{';
        for (unsigned i = 0; i < n; i++) {
            unsigned key = (seed = seed * 1664525u + 1013904223u) >> 16 & 0xFFFF;

            key %= n % 2 ? 1000 : n / 2 + 1; /* few and many duplicates */
            keys[i] = malloc(16);
            assert_non_null(keys[i]);
            snprintf(keys[i], 16, "key%u", key);
            snprintf(last[key], sizeof last[key], "%u", i * 2 + 1);
            at += (size_t)sprintf(text + at, "%s\"%s\":%s", i ? "," : "", keys[i], last[key]);
        }
        strcpy(text + at, "}");
        qsort(keys, n, sizeof keys[0], by_text);
        want[end++] = '{';
        for (unsigned i = 0; i < n; i++)
            if (i + 1 == n || strcmp(keys[i], keys[i + 1]) != 0)
                end += (size_t)sprintf(want + end, "%s\"%s\":%s", end > 1 ? "," : "", keys[i],
                                       last[strtoul(keys[i] + 3, NULL, 10)]);
        strcpy(want + end, "}");
        check_case(text, want);
        for (unsigned i = 0; i < n; i++)
            free(keys[i]);
        free(text);
        free(want);
    }
}

/* open, times times, then middle, then close, times times. */
static char *nested(const char *open, const char *middle, const char *close, size_t times)
{
    size_t no = strlen(open), nm = strlen(middle), nc = strlen(close);
    char *text = malloc((no + nc) * times + nm + 1), *at = text;

    assert_non_null(text);
    for (size_t i = 0; i < times; i++, at += no)
        memcpy(at, open, no);
    memcpy(at, middle, nm);
    at += nm;
    for (size_t i = 0; i < times; i++, at += nc)
        memcpy(at, close, nc);
    *at = '\0';
    return text;
}

/* A million levels, and documents on which a careless algorithm takes hours. */
static void test_hostile(void **state)
{
    static const struct {
        const char *open, *middle, *close;
        size_t times;
        const char *want_open, *want_middle, *want_close; /* NULL: not JSON */
    } cases[] = {
        {"[", "", "]", 1000000, "[", "", "]"},
        {"[", "", "", 1000000, NULL, NULL, NULL},
        {"", "", "]", 1000000, NULL, NULL, NULL},
        {"{\"a\":", "1", "}", 1000000, "{\"a\":", "1", "}"},
        {"{\"a\":", "1", "", 1000000, NULL, NULL, NULL},
        {"[{\"a\":", "[]", "}]", 300000, "[{\"a\":", "[]", "}]"},
        {"{\"b\":", "0", ",\"a\":1}", 300000, "{\"a\":1,\"b\":", "0", "}"},
        {"{\"b\":1,\"a\":", "0", "}", 300000, "{\"a\":", "0", ",\"b\":1}"},
        {"{\"b\":[{\"d\":1,\"c\":", "0", "}],\"a\":1}", 100000, "{\"a\":1,\"b\":[{\"c\":", "0", ",\"d\":1}]}"},
        {"{\"a\":1,\"b\":1,\"a\":", "0", "}", 100000, "{\"a\":", "0", ",\"b\":1}"},
        {"{\"a\":", "0", ",\"a\":1}", 100000, "{\"a\":1}", "", ""},
        {"[1,", "0", ",10]", 100000, "[1,", "0", ",1e1]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = nested(cases[i].open, cases[i].middle, cases[i].close, cases[i].times);
        char *got = canonical_of(text, strlen(text)), *want;

        if (cases[i].want_open == NULL) {
            assert_null(got);
        } else {
            want = nested(cases[i].want_open, cases[i].want_middle, cases[i].want_close,
                          cases[i].want_middle[0] == '\0' && cases[i].want_close[0] == '\0' ? 1 : cases[i].times);
            assert_non_null(got);
            assert_int_equal(strcmp(got, want), 0);
            free(want);
        }
        free(got);
        free(text);
    }
}

static void test_one_key(void **state)
{
    const size_t n = 300000;
    char *text = malloc(12 * n + 16), *got;
    size_t at = 0;

    (void)state;
    assert_non_null(text);
    text[at++] = '{';
    for (size_t i = 0; i < n; i++)
        at += (size_t)sprintf(text + at, "\"k\":%zu,", i);
    strcpy(text + at, "\"k\":7}");
    got = canonical_of(text, strlen(text));
    assert_non_null(got);
    assert_string_equal(got, "{\"k\":7}");
    free(got);
    free(text);
}

/* Every allocation fails once: NULL from the allocator is PARITY_NOMEM, and nothing is lost. */
static void test_no_memory(void **state)
{
    char *text = nested("{\"b\":[1,2,\"\\n\\n\\n\"],\"a\":", "[{\"z\":0,\"y\":10}]", "}", 2000);
    long tries = 0;

    (void)state;
    for (parity_status status = PARITY_NOMEM; status != PARITY_OK; tries++) {
        parity_buf out, scratch;
        unsigned notes = 0;

        assert_true(tries < 1000);
        parity_buf_init(&out, &test_mem);
        parity_buf_init(&scratch, &test_mem);
        fail_after = tries;
        status = parity_put_json(&out, &scratch, text, strlen(text), &notes);
        fail_after = -1;
        if (status != PARITY_OK)
            assert_int_equal(status, PARITY_NOMEM);
        assert_int_equal(notes, 0);
        parity_buf_free(&out);
        parity_buf_free(&scratch);
    }
    assert_true(tries > 5);
    free(text);
}

/* ---- frames */

/* The frame of v under the kind, as hex, and its notes. */
static char *frame_of(const char *kind_text, const parity_value *v, unsigned *notes)
{
    parity_kind kind;
    parity_error err;
    parity_buf b, scratch;
    char *hex;

    *notes = 0;
    assert_int_equal(parity_kind_parse(kind_text, strlen(kind_text), &kind, &err), PARITY_OK);
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_put_value(&b, &scratch, &kind, v, notes), PARITY_OK);
    hex = to_hex(b.data, b.len);
    parity_buf_free(&b);
    parity_buf_free(&scratch);
    return hex;
}

/* Fails unless the frame of v is JSON of the text, or with text NULL one that is BAD. */
static void check_frame(const char *kind, const parity_value *v, const char *text, unsigned want_notes)
{
    unsigned notes;
    char *hex = frame_of(kind, v, &notes), *want;

    if (text == NULL) {
        if (strncmp(hex, "0f", 2) != 0)
            fail_msg("%s: not BAD but %s", kind, hex);
    } else {
        size_t n = strlen(text);
        unsigned char *frame = malloc(n + 5);

        assert_non_null(frame);
        frame[0] = PARITY_TAG_JSON;
        parity_store32(frame + 1, (uint32_t)n);
        memcpy(frame + 5, text, n);
        want = to_hex(frame, n + 5);
        if (strcmp(hex, want) != 0)
            fail_msg("%s: want %s (%s)\n  got %s", kind, want, text, hex);
        free(want);
        free(frame);
    }
    assert_int_equal(notes, want_notes);
    free(hex);
}

static void check_text(const char *kind, const char *in, const char *out)
{
    parity_value v = {.cls = PARITY_STRING, .p = in, .n = strlen(in)};

    check_frame(kind, &v, out, out != NULL ? 0 : PARITY_NOTE_BAD);
}

static void check_blob(const char *kind, const char *hex, const char *out)
{
    parity_value v = {.cls = PARITY_BLOB};
    unsigned char *bytes = from_hex(hex, &v.n);

    v.p = (const char *)bytes;
    check_frame(kind, &v, out, out != NULL ? 0 : PARITY_NOTE_BAD);
    free(bytes);
}

static void test_json_frames(void **state)
{
    static const struct {
        int64_t i;
        const char *text;
    } integers[] = {
        {0, "0"},
        {5, "5"},
        {-100, "-1e2"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    static const struct {
        double r;
        const char *text;
    } reals[] = {{0.0, "0"}, {-0.0, "0"}, {5.0, "5"}, {0.1, "1e-1"}, {-1e300, "-1e300"}, {5e-324, "5e-324"}};
    parity_value v = {.cls = PARITY_INTEGER};
    parity_buf b, scratch;
    unsigned notes = 0;

    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        v.i = integers[i].i;
        check_frame("json", &v, integers[i].text, 0);
    }
    v.cls = PARITY_REAL;
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        v.r = reals[i].r;
        check_frame("json", &v, reals[i].text, 0);
    }
    v.r = INFINITY;
    check_frame("json", &v, NULL, PARITY_NOTE_BAD);
    v.r = -INFINITY;
    check_frame("json", &v, NULL, PARITY_NOTE_BAD);
    v = (parity_value){.cls = PARITY_BLOB, .p = "[1]", .n = 3};
    check_frame("json", &v, NULL, PARITY_NOTE_BAD | PARITY_NOTE_OPTION);
    check_frame("json blob=utf8", &v, "[1]", 0);
    check_frame("json blob=jsonb", &v, NULL, PARITY_NOTE_BAD);

    /* a BAD frame of text leaves what stands before it alone */
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_put_null(&b), PARITY_OK);
    assert_int_equal(parity_put_json(&b, &scratch, "{", 1, &notes), PARITY_OK);
    assert_int_equal(notes, PARITY_NOTE_BAD);
    assert_int_equal(parity_put_json(&b, &scratch, "{ }", 3, &notes), PARITY_OK);
    assert_int_equal(b.len, 1 + 7 + 7);
    assert_memory_equal(b.data, "\x00\x0F\x03\x01\x00\x00\x00{\x0C\x02\x00\x00\x00{}", 15);
    parity_buf_free(&b);
    parity_buf_free(&scratch);
}

/* ---- JSONB */

static void test_jsonb(void **state)
{
    static const struct {
        const char *hex, *text; /* as parity_jsonb_text writes it; NULL: malformed */
    } cases[] = {
        {"00", "null"},
        {"01", "true"},
        {"02", "false"},
        {"1331", "1"},                                  /* INT */
        {"332d3432", "-42"},
        {"44307831 46", "31"},                          /* INT5: 0x1F */
        {"542d30786666", "-255"},
        {"c4123078 46464646464646464646464646464646", "18446744073709551615"},
        {"c4133078 3130303030303030303030303030303030", NULL}, /* 65 bits */
        {"c4133078 3046464646464646464646464646464646", "18446744073709551615"},
        {"35312e35", "1.5"},                            /* FLOAT */
        {"5539 65393939", "9e999"},                     /* Infinity, as SQLite keeps it */
        {"262e35", "0.5"},                              /* FLOAT5 */
        {"362d2e35", "-0.5"},
        {"26352e", "5.0"},
        {"46352e6533", "5.0e3"},
        {"07", "\"\""},                                 /* TEXT */
        {"27c3a9", "\"\xC3\xA9\""},
        {"285c6e", "\"\\n\""},                          /* TEXTJ */
        {"685c7564383030", "\"\\ud800\""},
        {"495c783431", "\"\\u0041\""},                  /* TEXT5 */
        {"295c76", "\"\\u000b\""},
        {"295c30", "\"\\u0000\""},
        {"295c27", "\"\\u0027\""},
        {"495c0d0a62", "\"b\""},
        {"395c0d62", "\"b\""},
        {"395c0a62", "\"b\""},
        {"495ce280a8", "\"\""},
        {"495ce280a9", "\"\""},
        {"392209 27", "\"\\u0022\\u0009'\""},           /* bare ", a control character and ' */
        {"295c6e", "\"\\n\""},
        {"4a225c0a00", "\"\\u0022\\u005c\\u000a\\u0000\""}, /* TEXTRAW */
        {"0b", "[]"},
        {"0c", "{}"},
        {"6b133113321333", "[1,2,3]"},
        {"4c17611331", "{\"a\":1}"},
        {"bc176113311762 4b13311332", "{\"a\":1,\"b\":[1,2]}"},
        {"3b0b0b0b", "[[],[],[]]"},
        {"3b2b1331", "[[1]]"},
        {"4c07 0c 07 00", "{\"\":{},\"\":null}"},
        /* sizes that are longer than they need to be */
        {"c30131", "1"},
        {"d3000131", "1"},
        {"e30000000131", "1"},
        {"f3000000000000000131", "1"},
        {"cc0c1761262e3517624430783146", "{\"a\":0.5,\"b\":31}"},
        /* malformed: lengths */
        {"", NULL},
        {"13", NULL},
        {"133132", NULL},
        {"c3", NULL},
        {"d300", NULL},
        {"e3000001", NULL},
        {"f30000000000000001", NULL},
        {"f3ffffffffffffffff31", NULL},
        {"1b1331", NULL},
        {"2b1331 00", NULL},
        {"3b13311b", NULL},
        {"4b1b133100", NULL},                           /* within the blob, beyond the inner array */
        {"1b2300", NULL},
        {"4b2b13313200", NULL},
        /* malformed: types and payloads */
        {"0d", NULL},
        {"0e", NULL},
        {"0f", NULL},
        {"1000", NULL},
        {"1131", NULL},
        {"03", NULL},
        {"33312c32", NULL},                             /* a payload must not become two elements */
        {"33312e35", NULL},
        {"233031", NULL},
        {"232d2d", NULL},
        {"04", NULL},
        {"243078", NULL},
        {"34307867", NULL},
        {"24 3131", NULL},
        {"05", NULL},
        {"25312e", NULL},
        {"06", NULL},
        {"162e", NULL},
        {"262d2e", NULL},
        {"262b2e", NULL},
        {"46302e2e31", NULL},
        {"172200", NULL},
        {"1722", NULL},
        {"175c", NULL},
        {"1709", NULL},
        {"57222c2231", NULL},
        {"1822", NULL},
        {"185c", NULL},
        {"285c78", NULL},
        {"585c75303030", NULL},
        {"1809", NULL},
        {"195c", NULL},
        {"295c78", NULL},
        {"495c7834 67", NULL},
        {"295c61", NULL},
        {"395ce280", NULL},
        {"495ce280aa", NULL},
        /* malformed: objects */
        {"2c1761", NULL},
        {"4c13311331", NULL},
        {"2c0b0b", NULL},
        {"2c0000", NULL},
        {"6c1761133117 62", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char hex[128] = "", *canonical = NULL;
        size_t n;
        unsigned char *bytes;
        parity_buf out;
        bool bad;

        for (const char *c = cases[i].hex; *c != '\0'; c++) /* blanks are for the reader */
            if (*c != ' ')
                strncat(hex, c, 1);
        bytes = from_hex(hex, &n);
        parity_buf_init(&out, &test_mem);
        assert_int_equal(parity_jsonb_text(&out, bytes, n, &bad), PARITY_OK);
        assert_int_equal(parity_buf_put(&out, "", 1), PARITY_OK);
        if (bad != (cases[i].text == NULL) || strcmp((char *)out.data, bad ? "" : cases[i].text) != 0)
            fail_msg("%s: want %s\n  got %s", cases[i].hex, cases[i].text ? cases[i].text : "BAD",
                     bad ? "BAD" : (char *)out.data);
        if (!bad)
            canonical = canonical_of((char *)out.data, out.len - 1);
        assert_true(bad || canonical != NULL);
        check_blob("json blob=jsonb", hex, canonical);
        free(canonical);
        free(bytes);
        parity_buf_free(&out);
    }
}

/* Deep JSONB: each level a header of 5 bytes around the next. */
static void test_jsonb_depth(void **state)
{
    const size_t depth = 200000, n = depth * 5;
    unsigned char *bytes = malloc(n);
    parity_buf out;
    bool bad;

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < depth; i++) {
        size_t rest = n - (i + 1) * 5;

        bytes[i * 5] = 0xEB;
        for (int k = 0; k < 4; k++)
            bytes[i * 5 + 1 + (size_t)k] = (unsigned char)(rest >> (24 - 8 * k));
    }
    parity_buf_init(&out, &test_mem);
    assert_int_equal(parity_jsonb_text(&out, bytes, n, &bad), PARITY_OK);
    assert_false(bad);
    assert_int_equal(out.len, 2 * depth);
    assert_int_equal(out.data[depth - 1], '[');
    assert_int_equal(out.data[depth], ']');
    out.len = 0;
    assert_int_equal(parity_jsonb_text(&out, bytes, n - 1, &bad), PARITY_OK);
    assert_true(bad);
    for (long tries = 0; tries < 4; tries++) { /* no memory, in the text or in the stack */
        parity_buf_free(&out);
        fail_after = tries;
        assert_int_equal(parity_jsonb_text(&out, bytes, n, &bad), PARITY_NOMEM);
        fail_after = -1;
    }
    parity_buf_free(&out);
    free(bytes);
}

/* ---- vector */

static void test_vector(void **state)
{
    static const json_case texts[] = {
        {"[]", "[]"},
        {" [ 1 , 2.50,\n-0 ] ", "[1,25e-1,0]"},
        {"[0.1]", "[1e-1]"},
        {"[0.10000000149011612]", "[1e-1]"},            /* exactly a float: what its digits name */
        {"[0.1000000014901161]", "[1000000014901161e-16]"},
        {"[40.070984]", "[40070984e-6]"},
        {"[16777217]", "[16777217]"},                   /* a double, no float */
        {"[64057792]", "[64057792]"},
        {"[0.100000001490116119384765625]", "[100000001490116119384765625e-27]"}, /* no double's digits: stays */
        {"[36028797018964100]", "[360287970189641e2]"}, /* on a boundary between doubles */
        {"[1e400,1e-400]", "[1e400,1e-400]"},
        {"[3.4028234663852886e38]", "[34028235e31]"},
        {"[1e2147483647]", "[1e2147483647]"},
        {"[1e2147483648]", NULL},
        {"", NULL},
        {"[", NULL},
        {"[1", NULL},
        {"[1,]", NULL},
        {"[,1]", NULL},
        {"[1 2]", NULL},
        {"[1]x", NULL},
        {"[1]]", NULL},
        {"[[1]]", NULL},
        {"[null]", NULL},
        {"[\"1\"]", NULL},
        {"[+1]", NULL},
        {"[.5]", NULL},
        {"[01]", NULL},
        {"[NaN]", NULL},
        {"{}", NULL},
        {"1", NULL},
        {"{1:1}/3", NULL},
    };
    static const json_case blobs[] = {
        {"", "[]"},
        {"cdcccc3d", "[1e-1]"},
        {"0000803f000000c0", "[1,-2]"},
        {"00000080", "[0]"},
        {"01000000", "[1e-45]"},
        {"ffff7f7f", "[34028235e31]"},
        {"0000c842", "[1e2]"},
        {"0000807f", NULL},
        {"000080ff", NULL},
        {"0000c07f", NULL},
        {"0000803f0000807f", NULL},
        {"00", NULL},
        {"0000803f00", NULL},
    };
    parity_value v = {.cls = PARITY_INTEGER};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_text("vector", texts[i].text, texts[i].canonical);
    for (size_t i = 0; i < sizeof blobs / sizeof blobs[0]; i++)
        check_blob("vector", blobs[i].text, blobs[i].canonical);
    check_frame("vector", &v, NULL, PARITY_NOTE_BAD);
    v.cls = PARITY_REAL;
    check_frame("vector", &v, NULL, PARITY_NOTE_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_many_members),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_one_key),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_json_frames),
        cmocka_unit_test(test_jsonb),
        cmocka_unit_test(test_jsonb_depth),
        cmocka_unit_test(test_vector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
