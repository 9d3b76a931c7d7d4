/*
 * Frames taken apart, as text and as JSON, and back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "support.h"

static parity_kind kind_of(const char *text)
{
    parity_kind kind;
    parity_error err;

    if (parity_kind_parse(text, strlen(text), &kind, &err) != PARITY_OK)
        fail_msg("%s: %s", text, err.message);
    return kind;
}

typedef struct buffers {
    parity_buf a, b, scratch;
} buffers;

static void init(buffers *x)
{
    parity_buf_init(&x->a, &test_mem);
    parity_buf_init(&x->b, &test_mem);
    parity_buf_init(&x->scratch, &test_mem);
}

static void done(buffers *x)
{
    parity_buf_free(&x->a);
    parity_buf_free(&x->b);
    parity_buf_free(&x->scratch);
}

/* Appends the frame of a value to b; the notes. */
static unsigned put(parity_buf *b, parity_buf *scratch, const parity_kind *k, parity_class cls, const void *p, size_t n)
{
    parity_value v = {.cls = cls, .p = p, .n = n};
    unsigned notes = 0;

    assert_int_equal(parity_put_value(b, scratch, k, &v, &notes), PARITY_OK);
    return notes;
}

/* Takes a whole frame apart. */
static parity_frame read_whole(const unsigned char *frame, size_t n)
{
    const unsigned char *p = frame;
    parity_frame f;

    assert_true(parity_frame_read(&p, frame + n, &f));
    assert_ptr_equal(p, frame + n);
    return f;
}

/* Whether no text within the bounds of FORMAT.md has the digits behind the µs of this frame. */
static bool too_fine(const parity_frame *f)
{
    return f->nfine > (f->tag == PARITY_TAG_INTERVAL ? 6 : 3);
}

/* ---------------------------------------------------------------------- vectors */

static int failures, exact_ones;

/* The text of a frame is read as this frame, under the kind with and without its options. */
static void check_text(const vector_line *line, const parity_kind *k, const unsigned char *frame, size_t n)
{
    parity_frame f = read_whole(frame, n);
    parity_kind reading = *k;
    buffers x;

    init(&x);
    assert_int_equal(parity_frame_text(&x.a, k, &f), PARITY_OK);
    assert_true(x.a.len > 0 || f.tag == PARITY_TAG_TEXT);
    assert_true(parity_utf8_valid((const char *)x.a.data, x.a.len));
    if (f.tag != PARITY_TAG_NULL && f.tag != PARITY_TAG_BAD && !too_fine(&f) &&
        ((f.tag != PARITY_TAG_TEXT && f.tag != PARITY_TAG_JSON) || parity_utf8_valid(f.p, f.n)) &&
        (f.tag != PARITY_TAG_TEXT || memchr(f.p, '\0', f.n) == NULL) &&
        !(k->id == PARITY_INT && f.tag == PARITY_TAG_DEC && f.dec_class >= 2)) {
        if (k->id == PARITY_BYTES) {
            reading.options = PARITY_OPT_TEXT;
            reading.text = 'h';
        }
        for (int bare = 0; bare < 2; bare++) {
            if (bare)
                reading.options &= PARITY_OPT_TEXT;
            x.b.len = 0;
            put(&x.b, &x.scratch, &reading, PARITY_STRING, x.a.data, x.a.len);
            if (x.b.len != n || memcmp(x.b.data, frame, n) != 0) {
                fprintf(stderr, "%s:%d: %s | %s | %s: text '%.*s' is not read back\n", line->file, line->number,
                        line->field[0], line->field[1], line->field[3], (int)x.a.len, (const char *)x.a.data);
                failures++;
            }
        }
    }
    done(&x);
}

/* How deep JSON without brackets in its strings is. */
static int depth_of(const char *p)
{
    int depth = 0, most = 0;

    for (; *p != '\0'; p++) {
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        most = depth > most ? depth : most;
    }
    return most;
}

/* Whether this frame has JSON that is read back, by what FORMAT.md says. */
static bool has_json(const parity_kind *k, const parity_frame *f)
{
    switch (f->tag) {
    case PARITY_TAG_BAD:
        return false;
    case PARITY_TAG_TEXT:
        return parity_utf8_valid(f->p, f->n) && memchr(f->p, '\0', f->n) == NULL;
    case PARITY_TAG_DEC:
        return f->dec_class < 2 || k->id != PARITY_INT;
    case PARITY_TAG_JSON: /* a string would be read as what it holds; escapes of NUL and surrogates are no documents */
        return parity_utf8_valid(f->p, f->n) && f->p[0] != '"' && !(f->n == 4 && memcmp(f->p, "null", 4) == 0) &&
               strstr(f->p, "\\u0000") == NULL && strstr(f->p, "\\ud") == NULL && depth_of(f->p) <= 24;
    default:
        return !too_fine(f);
    }
}

static void check_json(const vector_line *line, const parity_kind *k, const unsigned char *frame, size_t n)
{
    parity_frame f = read_whole(frame, n);
    parity_arena arena;
    parity_node *node;
    parity_error err;
    buffers x;
    bool exact, ok;

    init(&x);
    parity_arena_init(&arena, &test_mem);
    assert_int_equal(parity_frame_json(&x.a, &x.scratch, k, frame, n, &exact), PARITY_OK);
    if (exact != has_json(k, &f)) {
        fprintf(stderr, "%s:%d: %s | %s: JSON '%.*s' is %sexact\n", line->file, line->number, line->field[0],
                line->field[3], (int)x.a.len, (const char *)x.a.data, exact ? "" : "not ");
        failures++;
    }
    if (exact) {
        exact_ones++;
        if (parity_doc_parse(&arena, "value", (const char *)x.a.data, x.a.len, &node, &err) != PARITY_OK)
            fail_msg("%s:%d: %s", line->file, line->number, err.detail);
        assert_int_equal(parity_frame_of_json(&x.b, &x.scratch, k, node, &ok), PARITY_OK);
        assert_true(ok);
        assert_int_equal(x.b.len, n);
        assert_memory_equal(x.b.data, frame, n);
    } else { /* for people, but JSON all the same */
        unsigned notes = 0;

        assert_int_equal(parity_put_json(&x.b, &x.scratch, (const char *)x.a.data, x.a.len, &notes), PARITY_OK);
        assert_int_equal(notes, 0);
    }
    parity_arena_free(&arena);
    done(&x);
}

static void check_vector(const vector_line *line)
{
    parity_kind k = kind_of(line->field[0]);
    size_t n;
    unsigned char *frame = from_hex(line->field[3], &n);

    check_text(line, &k, frame, n);
    check_json(line, &k, frame, n);
    free(frame);
}

static void test_vectors(void **state)
{
    (void)state;
    failures = exact_ones = 0;
    assert_true(each_vector("value.tsv", check_vector) >= 2500);
    assert_true(each_vector("rounded.tsv", check_vector) >= 500);
    assert_true(exact_ones >= 1200);
    assert_int_equal(failures, 0);
}

/* ---------------------------------------------------------------- malformed frames */

/* No part of a frame is one, and nothing is read beyond its end. */
static void check_prefixes(const vector_line *line)
{
    size_t n;
    unsigned char *frame = from_hex(line->field[3], &n);

    for (size_t i = 0; i < n; i++) {
        unsigned char *part = malloc(i > 0 ? i : 1); /* no byte more */
        const unsigned char *p = part;
        parity_frame f;

        memcpy(part, frame, i);
        assert_false(parity_frame_read(&p, part + i, &f));
        assert_ptr_equal(p, part);
        free(part);
    }
    free(frame);
}

static void test_prefixes(void **state)
{
    (void)state;
    assert_true(each_vector("value.tsv", check_prefixes) >= 2500);
}

static void test_refused(void **state)
{
    static const char *const frames[] = {
        "0e", "10", "ff",
        "0205", "02ff",                          /* class of DEC */
        "02000000000000000000",                  /* DEC without digits */
        "020000000000010000" "0030",             /* … of which the first is 0 */
        "0200000000000200" "00003130",           /* … the last */
        "0200000000000200" "00003161",           /* … that are none */
        "0200000000ffffffffff31",                /* … more than there are */
        "030000000000000080", "03010000000000f07f", "03000000000000f8ff", /* -0, other NaNs */
        "06ffffffffffffff7f" "00",               /* something behind it: see below */
        "06feffffffffffff7f", "060100000000000080",
        "07feffff7f", "0701000080",              /* beyond the last and the first day */
        "08ffffffffffffffff", "080160d71d14000000", /* before and behind a day */
        "0900000000000000000" "0e1000000",       /* 16 hours east */
        "0900000000000000000" "01fffffff",
        "0d00000000" "060000000000000000",       /* no digits */
        "0d0100000030" "060000000000000000",     /* 0 at the end */
        "0d0100000061" "060000000000000000",
        "0d0100000037" "010000000000000000",     /* in front of an INT */
        "0d0100000037" "0d0100000037" "060000000000000000",
        "0d0100000037" "06ffffffffffffff7f",     /* fractions of infinity */
        "0d0100000037" "080060d71d14000000",
        "0f00", "0f05", "0f02000000000000f8ff", "0f020000000000000080",
        "0400000080", "05ffffffff00", "0cffffff7f7b7d",
    };

    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        size_t n;
        unsigned char *frame = from_hex(frames[i], &n);
        const unsigned char *p = frame;
        parity_error err;
        parity_frame f;
        uint32_t end;

        if (parity_frame_read(&p, frame + n, &f) && p == frame + n)
            fail_msg("%s is a frame", frames[i]);
        assert_int_equal(parity_frames_check(frame, n, 1, &end, &err), PARITY_MALFORMED);
        assert_int_equal(err.status, PARITY_MALFORMED);
        free(frame);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Random bytes behind every tag: what is a frame can be printed under any kind, as valid UTF-8 and JSON. */
static void test_random(void **state)
{
    uint64_t seed = UINT64_C(0x9E3779B97F4A7C15);
    int read = 0;

    (void)state;
    for (int i = 0; i < 40000; i++) {
        size_t n = next_random(&seed) % 48;
        unsigned char *frame = malloc(n + 1);
        const unsigned char *p = frame;
        parity_frame f;
        buffers x;
        bool exact;

        for (size_t j = 0; j < n; j++)
            frame[j] = (unsigned char)(next_random(&seed) >> 32);
        if (n > 0)
            frame[0] = (unsigned char)(next_random(&seed) % 16);
        if (n > 5 && (frame[0] == 4 || frame[0] == 5 || frame[0] == 12 || frame[0] == 13)) {
            memset(frame + 1, 0, 4);
            frame[1] = (unsigned char)(next_random(&seed) % (n - 4));
        }
        if (n > 10 && frame[0] == 13) { /* digits in front of some moment */
            frame[1] %= 8;
            for (int j = 0; j < frame[1]; j++)
                frame[5 + j] = (unsigned char)('1' + next_random(&seed) % 9);
            frame[5 + frame[1]] = (unsigned char)(next_random(&seed) % 2 == 0 ? 6 : 10);
        }
        if (parity_frame_read(&p, frame + n, &f)) {
            size_t length = (size_t)(p - frame);
            parity_kind k;

            memset(&k, 0, sizeof k);
            read++;
            init(&x);
            for (k.id = 0; k.id < PARITY_NKINDS; k.id++) {
                unsigned notes = 0;

                x.a.len = x.b.len = 0;
                assert_int_equal(parity_frame_text(&x.a, &k, &f), PARITY_OK);
                assert_true(parity_utf8_valid((const char *)x.a.data, x.a.len));
                x.a.len = 0;
                assert_int_equal(parity_frame_json(&x.a, &x.scratch, &k, frame, length, &exact), PARITY_OK);
                assert_int_equal(parity_put_json(&x.b, &x.scratch, (const char *)x.a.data, x.a.len, &notes), PARITY_OK);
                assert_int_equal(notes, 0);
                assert_int_equal(parity_frame_json(&x.a, &x.scratch, &k, frame, length - 1, &exact),
                                 PARITY_MALFORMED);
            }
            done(&x);
        } else {
            assert_ptr_equal(p, frame);
        }
        free(frame);
    }
    assert_true(read > 5000);
}

static void test_row(void **state)
{
    static const parity_kind text = {.id = PARITY_TEXT};
    uint32_t ends[3];
    parity_error err;
    buffers x;

    (void)state;
    init(&x);
    assert_int_equal(parity_put_int(&x.a, 5), PARITY_OK);
    assert_int_equal(parity_put_null(&x.a), PARITY_OK);
    put(&x.a, &x.scratch, &text, PARITY_STRING, "abc", 3);
    assert_int_equal(parity_frames_check(x.a.data, x.a.len, 3, ends, &err), PARITY_OK);
    assert_int_equal(ends[0], 9);
    assert_int_equal(ends[1], 10);
    assert_int_equal(ends[2], 18);
    assert_int_equal(parity_frames_check(x.a.data, x.a.len, 2, ends, &err), PARITY_MALFORMED);
    assert_string_equal(err.message, "malformed row: something stands behind its 2 values");
    assert_int_equal(parity_frames_check(x.a.data, x.a.len - 1, 3, ends, &err), PARITY_MALFORMED);
    assert_string_equal(err.message, "malformed row: value 3 of 3 at byte 10");
    assert_int_equal(parity_frames_check(x.a.data, x.a.len, 4, ends, &err), PARITY_MALFORMED);
    assert_string_equal(err.message, "malformed row: value 4 of 4 at byte 18");
    assert_int_equal(parity_frames_check(x.a.data, 0, 0, ends, &err), PARITY_OK);
    done(&x);
}

/* ------------------------------------------------------------------------ texts */

typedef struct text_case {
    const char *kind, *text, *want; /* want NULL: text itself */
} text_case;

static void test_texts(void **state)
{
    static const text_case cases[] = {
        {"bool", "yes", "true"}, {"bool", "0", "false"},
        {"int", "-9223372036854775808", NULL}, {"int", "9223372036854775808", NULL}, {"int", "1e3", "1000"},
        {"decimal", "0.00010", "0.0001"}, {"decimal", "-12.50", "-12.5"},
        {"decimal", "1e40", "10000000000000000000000000000000000000000"},
        {"decimal", "1e59", "100000000000000000000000000000000000000000000000000000000000"},
        {"decimal", "1e60", "1e+60"}, {"decimal", "-125e100", "-1.25e+102"}, {"decimal", "1.5e-70", NULL},
        {"decimal", "nan", "NaN"}, {"decimal", "-inf", "-Infinity"}, {"decimal", "1e-2147483648", NULL},
        {"decimal", "12345678901e2147483637", "1.2345678901e+2147483647"},
        {"decimal", "12345678901e2147483647", "1.2345678901e+2147483657"},
        {"float8", "0.1", NULL}, {"float8", "1e23", "100000000000000000000000"}, {"float8", "1e300", "1e+300"},
        {"float8", "5e-324", NULL}, {"float8", "inf", "Infinity"}, {"float8", "nan", "NaN"}, {"float8", "-0", "0"},
        {"float4", "3.4028235e38", "3.4028235e+38"}, {"float4", "16777216", NULL},
        {"text", "", NULL}, {"text", "a\tb'\"\xC3\xA9", NULL}, {"char", "x  ", "x"},
        {"bytes text=hex", "00fF", "\\x00ff"},
        {"timestamptz", "2024-01-01T00:00:00.5Z", "2024-01-01 00:00:00.5+00"},
        {"timestamptz", "2024-01-01 01:00:00+01", "2024-01-01 00:00:00+00"},
        {"timestamptz zone=+02:00", "2024-01-01 02:00:00", "2024-01-01 00:00:00+00"},
        {"timestamp", "2024-01-01 00:00:00.123456789", NULL},
        {"timestamp zone=+02:00", "2024-01-01 00:00:00", "2023-12-31 22:00:00Z"},
        {"timestamptz", "0044-03-15 12:00:00+00 BC", NULL}, {"timestamptz", "4714-11-24 00:00:00+00 BC", NULL},
        {"timestamptz", "0001-12-31 23:59:59.999999+00 BC", NULL}, {"timestamptz", "0001-01-01 00:00:00+00", NULL},
        {"timestamptz", "294276-12-31 23:59:59.999999999+00", NULL}, {"timestamptz", "2000-02-29 12:00:00+00", NULL},
        {"timestamp", "1999-12-31 23:59:59.999999", NULL}, {"timestamptz", "-INFINITY", "-infinity"},
        {"timestamp", "infinity", NULL},
        {"date", "2024-02-29", NULL}, {"date", "4714-11-24 BC", NULL}, {"date", "5874897-12-31", NULL},
        {"date", "infinity", NULL}, {"date", "1900-03-01", NULL}, {"date", "2100-12-31", NULL},
        {"date", "2024-02-29 12:00", "2024-02-29 12:00:00+00"},
        {"date", "2024-02-29 02:00+02", "2024-02-29 01:00:00+01"}, /* a STAMP at midnight in UTC */
        {"date", "2023-12-31 23:00:00.5+01", "2023-12-31 22:00:00.5+00"},
        {"time", "24:00", "24:00:00"}, {"time", "00:00:00.000001", NULL},
        {"time", "01:02:03.123456700", "01:02:03.1234567"},
        {"timetz", "01:02:03+05:30", NULL}, {"timetz", "24:00:00-15:59:59", NULL}, {"timetz", "01:02Z", "01:02:00+00"},
        {"timetz zone=-02:00", "01:02", "01:02:00-02"},
        {"interval", "1 year 2 mons 3 days 04:05:06.789", NULL}, {"interval", "0 days", "00:00:00"},
        {"interval", "-1 years -2 mons +3 days -04:05:06", NULL}, {"interval", "-1 days +02:03:00", NULL},
        {"interval", "1 day -00:00:01", NULL}, {"interval", "-00:00:00.0000005", NULL},
        {"interval", "-00:00:01.5000005", NULL}, {"interval", "00:00:00.000000001", NULL},
        {"interval", "1 day 0.000000001 ms", NULL}, {"interval", "-1 days -1500.000000001 ms", NULL},
        {"interval", "infinity", NULL}, {"interval", "-infinity", NULL}, {"interval", "14 months", "1 year 2 mons"},
        {"interval", "-178956970 years -8 mons -2147483647 days -2562047788:00:54.775808", NULL},
        {"interval", "1 mon -1 days", NULL}, {"interval", "2562047788:00:54.7758079", NULL},
        {"uuid", "{00112233-4455-6677-8899-AABBCCDDEEFF}", "00112233-4455-6677-8899-aabbccddeeff"},
        {"json", "{\"b\":[1.50,null],\"a\":\"x\"}", "{\"a\":\"x\",\"b\":[15e-1,null]}"},
        {"vector", "[1.5, 2]", "[15e-1,2]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *want = cases[i].want != NULL ? cases[i].want : cases[i].text;
        parity_kind k = kind_of(cases[i].kind);
        parity_buf again;
        parity_frame f;
        buffers x;

        init(&x);
        if (put(&x.a, &x.scratch, &k, PARITY_STRING, cases[i].text, strlen(cases[i].text)) & PARITY_NOTE_BAD)
            fail_msg("%s '%s' is BAD", cases[i].kind, cases[i].text);
        f = read_whole(x.a.data, x.a.len);
        assert_int_equal(parity_frame_text(&x.b, &k, &f), PARITY_OK);
        assert_int_equal(parity_buf_put(&x.b, "", 1), PARITY_OK);
        if (strcmp((const char *)x.b.data, want) != 0)
            fail_msg("%s '%s':\n  want %s\n  got  %s", cases[i].kind, cases[i].text, want, (const char *)x.b.data);
        parity_buf_init(&again, &test_mem);
        put(&again, &x.scratch, &k, PARITY_STRING, x.b.data, x.b.len - 1);
        assert_int_equal(again.len, x.a.len);
        assert_memory_equal(again.data, x.a.data, again.len);
        parity_buf_free(&again);
        done(&x);
    }
}

/* What text cannot be read as is shown all the same. */
static void test_shown(void **state)
{
    static const struct {
        const char *frame, *want;
    } cases[] = {
        {"00", "NULL"},
        {"0f010500000000000000", "INTEGER 5"},
        {"0f02000000000000f83f", "REAL 1.5"},
        {"0f03030000006162ff", "TEXT ab\xEF\xBF\xBD"},
        {"0f0402000000" "00ff", "BLOB \\x00ff"},
        {"0405000000" "6100ffc3a9", "a\xEF\xBF\xBD\xEF\xBF\xBD\xC3\xA9"},
        {"0403000000" "eda080", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"0d07000000" "31323334353637" "0a0000000000000000ffffffffffffffff", "-00:00:00.0000008765433"},
         /* too fine to be read */
    };
    static const parity_kind k = {.id = PARITY_TEXT};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n;
        unsigned char *frame = from_hex(cases[i].frame, &n);
        parity_frame f = read_whole(frame, n);
        buffers x;

        init(&x);
        assert_int_equal(parity_frame_text(&x.a, &k, &f), PARITY_OK);
        assert_int_equal(parity_buf_put(&x.a, "", 1), PARITY_OK);
        assert_string_equal((const char *)x.a.data, cases[i].want);
        done(&x);
        free(frame);
    }
}

/* ------------------------------------------------------------------------- keys */

/* The frame of a JSON value under a kind as hex; NULL: it has none. */
static char *frame_of_json(const char *kind, const char *json)
{
    parity_kind k = kind_of(kind);
    parity_arena arena;
    parity_node *node;
    parity_error err;
    char *hex = NULL;
    buffers x;
    bool ok;

    init(&x);
    parity_arena_init(&arena, &test_mem);
    if (parity_doc_parse(&arena, "value", json, strlen(json), &node, &err) != PARITY_OK)
        fail_msg("%s: %s", json, err.detail);
    assert_int_equal(parity_buf_puts(&x.a, "x"), PARITY_OK); /* it appends */
    assert_int_equal(parity_frame_of_json(&x.a, &x.scratch, &k, node, &ok), PARITY_OK);
    assert_int_equal(x.a.data[0], 'x');
    if (ok)
        hex = to_hex(x.a.data + 1, x.a.len - 1);
    else
        assert_int_equal(x.a.len, 1);
    parity_arena_free(&arena);
    done(&x);
    return hex;
}

static void test_of_json(void **state)
{
    static const struct {
        const char *kind, *json, *want;
    } cases[] = {
        {"int", "null", "00"}, {"json", "null", "00"}, {"text", "null", "00"},
        {"int", "5", "010500000000000000"}, {"int uint64", "-5", "01fbffffffffffffff"},
        {"int", "\"5\"", "010500000000000000"},
        {"int", "5e0", "010500000000000000"}, {"int", "\"x\"", NULL}, {"int", "true", NULL}, {"int", "[5]", NULL},
        {"bool", "true", "010100000000000000"}, {"bool", "false", "010000000000000000"}, {"bool nonzero", "2", NULL},
        {"text", "5", "040100000035"}, {"text", "\"\\u00e9\"", "0402000000c3a9"}, {"text", "{}", NULL},
        {"text fold=ascii", "\"A\"", "040100000061"},
        {"bytes", "\"\\\\x00ff\"", "050200000000ff"}, {"bytes text=utf8", "\"\\\\x00ff\"", "050200000000ff"},
        {"bytes", "12", NULL}, {"bytes", "\"xyz\"", NULL},
        {"timestamptz epoch=s", "0", NULL}, {"timestamptz epoch=s", "\"2000-01-01 00:00:00+00\"", "060000000000000000"},
        {"timestamptz zone=+02:00", "\"2000-01-01 02:00\"", "060000000000000000"},
        {"json", "true", "0c0400000074727565"}, {"json", "5", "0c0100000035"}, {"json", "\"5\"", "0c0100000035"},
        {"json", "\"x\"", NULL}, {"json", "[1.0, {\"b\":\"\\n\\\"\",\"a\":null}]",
         "0c1d0000005b312c7b2261223a6e756c6c2c2262223a225c75303030615c22227d5d"},
        {"vector", "[1, 2.5]", "0c090000005b312c3235652d315d"}, {"vector", "{}", NULL}, {"vector", "[true]", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got = frame_of_json(cases[i].kind, cases[i].json);

        if (cases[i].want == NULL ? got != NULL : got == NULL || strcmp(got, cases[i].want) != 0)
            fail_msg("%s %s: want %s, got %s", cases[i].kind, cases[i].json, cases[i].want ? cases[i].want : "none",
                     got ? got : "none");
        free(got);
    }
}

/* Writes the key of a row of the columns "a b", c and d. */
static void check_key(const bool key[3], const char *want, bool want_exact, const char *second)
{
    parity_column columns[3] = {{.name = "a\"b"}, {.name = "c"}, {.name = "d"}};
    parity_spec spec = {.table = "t", .columns = columns, .ncolumns = 3};
    uint32_t ends[3];
    buffers x;
    bool exact;

    init(&x);
    for (int i = 0; i < 3; i++)
        columns[i].key = key[i];
    columns[0].kind = kind_of("int");
    columns[1].kind = kind_of("text");
    columns[2].kind = kind_of("decimal");
    put(&x.a, &x.scratch, &columns[0].kind, PARITY_STRING, "7", 1);
    ends[0] = (uint32_t)x.a.len;
    put(&x.a, &x.scratch, &columns[1].kind, PARITY_STRING, second, strlen(second));
    ends[1] = (uint32_t)x.a.len;
    put(&x.a, &x.scratch, &columns[2].kind, PARITY_NULL, NULL, 0);
    ends[2] = (uint32_t)x.a.len;
    assert_int_equal(parity_key_json(&x.b, &x.scratch, &spec, x.a.data, ends, &exact), PARITY_OK);
    assert_int_equal(parity_buf_put(&x.b, "", 1), PARITY_OK);
    assert_string_equal((const char *)x.b.data, want);
    assert_int_equal(exact, want_exact);
    done(&x);
}

static void test_key(void **state)
{
    (void)state;
    check_key((bool[]){true, false, false}, "7", true, "x");
    check_key((bool[]){false, true, false}, "\"x\\u000a\\\"\"", true, "x\n\"");
    check_key((bool[]){true, false, true}, "{\"a\\\"b\":7,\"d\":null}", true, "x");
    check_key((bool[]){false, false, false}, "{\"a\\\"b\":7,\"c\":\"x\",\"d\":null}", true, "x");
    check_key((bool[]){false, false, false}, "{\"a\\\"b\":7,\"c\":\"\xEF\xBF\xBD\",\"d\":null}", false, "\xFF");
    check_key((bool[]){false, true, false}, "\"\xEF\xBF\xBD\"", false, "\xFF");
}

/* JSON that a list of keys would be too deep for is not exact. */
static void test_deep(void **state)
{
    static const parity_kind k = {.id = PARITY_JSON};

    (void)state;
    for (int depth = 1; depth < 100; depth++) {
        char text[201];
        buffers x;
        bool exact;

        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        init(&x);
        put(&x.a, &x.scratch, &k, PARITY_STRING, text, 2 * (size_t)depth);
        assert_int_equal(parity_frame_json(&x.b, &x.scratch, &k, x.a.data, x.a.len, &exact), PARITY_OK);
        assert_int_equal(x.b.len, 2 * depth);
        assert_int_equal(exact, depth <= 24);
        done(&x);
    }
}

/* ----------------------------------------------------------------------- memory */

static void test_memory(void **state)
{
    static const struct {
        const char *kind, *text;
    } cases[] = {
        {"text", "a'b"}, {"decimal", "1.5"}, {"interval", "1 day 01:00"}, {"json", "{\"b\":1,\"a\":[1,{\"x\":\"y\"}]}"},
        {"timestamptz", "2024-01-01"}, {"uuid", "00112233-4455-6677-8899-aabbccddeeff"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        parity_kind k = kind_of(cases[i].kind);
        parity_status status = PARITY_NOMEM;
        buffers x;

        init(&x);
        put(&x.a, &x.scratch, &k, PARITY_STRING, cases[i].text, strlen(cases[i].text));
        for (long n = 0; status != PARITY_OK; n++) {
            bool exact;

            assert_true(n < 100);
            parity_buf_free(&x.b);
            parity_buf_free(&x.scratch);
            fail_after = n;
            status = parity_frame_json(&x.b, &x.scratch, &k, x.a.data, x.a.len, &exact);
            fail_after = -1;
            assert_true(status == PARITY_OK || status == PARITY_NOMEM);
            assert_true(status != PARITY_OK || exact);
        }
        done(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors), cmocka_unit_test(test_prefixes), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random),  cmocka_unit_test(test_row),      cmocka_unit_test(test_texts),
        cmocka_unit_test(test_shown),   cmocka_unit_test(test_of_json),  cmocka_unit_test(test_key),
        cmocka_unit_test(test_deep),    cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
