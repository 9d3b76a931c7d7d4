/*
 * SQL literals: what is written for a frame, and what is refused and why.
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

/* A new NUL-terminated text: the literal of a frame, or the reason why there is none behind "no: ". */
static char *literal_of(const parity_target *t, const unsigned char *frame, size_t n)
{
    parity_buf b, scratch;
    const char *why = "";
    char *text;

    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_buf_puts(&b, "="), PARITY_OK); /* it appends */
    assert_int_equal(parity_literal(&b, &scratch, t, frame, n, &why), PARITY_OK);
    assert_int_equal(b.data[0], '=');
    if (why != NULL) {
        assert_int_equal(b.len, 1);
        text = malloc(strlen(why) + 5);
        sprintf(text, "no: %s", why);
    } else {
        assert_null(memchr(b.data, 0, b.len)); /* it becomes part of a statement */
        text = malloc(b.len);
        memcpy(text, b.data + 1, b.len - 1);
        text[b.len - 1] = '\0';
    }
    parity_buf_free(&b);
    parity_buf_free(&scratch);
    return text;
}

/* The frame that a value has under a kind, as a literal for t. */
static void check(const parity_target *t, const char *from, const parity_value *v, const char *want)
{
    parity_kind k = kind_of(from);
    parity_buf frame, scratch;
    unsigned notes = 0;
    char *got;

    parity_buf_init(&frame, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_put_value(&frame, &scratch, &k, v, &notes), PARITY_OK);
    got = literal_of(t, frame.data, frame.len);
    if (strcmp(got, want) != 0)
        fail_msg("'%.*s' as %s:\n  want %s\n  got  %s", v->cls >= PARITY_STRING ? (int)v->n : 0, v->p, from, want, got);
    free(got);
    parity_buf_free(&frame);
    parity_buf_free(&scratch);
}

static parity_value text_value(const char *text, size_t n)
{
    parity_value v = {.cls = PARITY_STRING, .p = text, .n = n};

    return v;
}

/* ----------------------------------------------------------------- PostgreSQL */

typedef struct pg_case {
    const char *from, *text; /* the frame: text under this kind */
    const char *kind;        /* of the column, as it is read; NULL: from */
    const char *natural;     /* NULL: kind */
    const char *want;
} pg_case;

/*
 * The text that one of PostgreSQL's literals stands for, in its place.  A
 * backslash without E before the quotes would depend on
 * standard_conforming_strings.
 */
static size_t unquote(char *literal)
{
    const char *p = literal;
    char *w = literal;
    bool escaped = *p == 'E';

    p += escaped;
    if (*p != '\'')
        return strlen(literal); /* true, false, NULL */
    for (p++; *p != '\'' || p[1] == '\''; *w++ = *p++) {
        assert_int_not_equal(*p, '\0');
        if (*p == '\\')
            assert_true(escaped && p[1] == '\\');
        p += *p == '\'' || *p == '\\';
    }
    assert_int_equal(p[1], '\0'); /* nothing of the text is outside the quotes */
    return (size_t)(w - literal);
}

/* The frame of what is stored: what the type reads of the literal without its quotes. */
static void check_stored_frame(const parity_target *t, const char *from, const parity_value *v, bool want)
{
    parity_kind k = kind_of(from), natural = t->natural;
    parity_buf frame, stored, again, scratch;
    unsigned notes = 0;
    bool ok;

    parity_buf_init(&frame, &test_mem);
    parity_buf_init(&stored, &test_mem);
    parity_buf_init(&again, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_put_value(&frame, &scratch, &k, v, &notes), PARITY_OK);
    assert_int_equal(parity_stored_frame(&stored, &scratch, t, frame.data, frame.len, &ok), PARITY_OK);
    assert_int_equal(ok, want);
    if (ok) {
        char *literal = literal_of(t, frame.data, frame.len);
        parity_value text = text_value(literal, unquote(literal));

        if (natural.id == PARITY_BYTES) {
            natural.options = PARITY_OPT_TEXT;
            natural.text = 'h';
        }
        assert_int_equal(parity_put_value(&again, &scratch, &natural, &text, &notes), PARITY_OK);
        assert_int_equal(again.len, stored.len);
        assert_memory_equal(again.data, stored.data, stored.len);
        free(literal);
    } else {
        assert_int_equal(stored.len, 0);
    }
    parity_buf_free(&frame);
    parity_buf_free(&stored);
    parity_buf_free(&again);
    parity_buf_free(&scratch);
}

static void check_pg(const pg_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        parity_target t = {.schema = "public", .table = "t", .column = "c", .strict = true};
        parity_value v = text_value(c[i].text, strlen(c[i].text));

        t.kind = kind_of(c[i].kind != NULL ? c[i].kind : c[i].from);
        t.natural = kind_of(c[i].natural != NULL ? c[i].natural : c[i].kind != NULL ? c[i].kind : c[i].from);
        if (t.natural.id == PARITY_JSON || t.natural.id == PARITY_VECTOR)
            t.store = PARITY_STORE_JSON;
        check(&t, c[i].from, &v, c[i].want);
        check_stored_frame(&t, c[i].from, &v, strncmp(c[i].want, "no: ", 4) != 0);
    }
}

#define CHECK_PG(cases) check_pg(cases, sizeof cases / sizeof cases[0])

static void test_pg_own(void **state)
{
    static const pg_case cases[] = {
        {"bool", "t", NULL, NULL, "true"}, {"bool", "0", NULL, NULL, "false"},
        {"int", "-9223372036854775808", NULL, NULL, "'-9223372036854775808'"},
        {"int", "9223372036854775808", NULL, NULL, "no: int cannot hold it"},
        {"int", "1.5", NULL, NULL, "no: it would be rounded to int"},
        {"decimal", "-0.10", NULL, NULL, "'-0.1'"}, {"decimal", "nan", NULL, NULL, "'NaN'"},
        {"decimal", "inf", NULL, NULL, "'Infinity'"}, {"decimal", "1e100", NULL, NULL, "'1e+100'"},
        {"decimal", "1e131071", NULL, NULL, "'1e+131071'"},
        {"decimal", "1e131072", NULL, NULL, "no: decimal cannot hold it"},
        {"decimal", "1e-16383", NULL, NULL, "'1e-16383'"},
        {"decimal", "1e-16384", NULL, NULL, "no: decimal cannot hold it"},
        {"decimal(10,2)", "99999999.99", NULL, NULL, "'99999999.99'"},
        {"decimal(10,2)", "100000000", NULL, NULL, "no: decimal(10,2) cannot hold it"},
        {"decimal(10,2)", "0.001", NULL, NULL, "no: it would be rounded to decimal(10,2)"},
        {"decimal(10,2)", "nan", NULL, NULL, "'NaN'"},
        {"decimal(10,2)", "inf", NULL, NULL, "no: decimal(10,2) cannot hold it"},
        {"decimal(5,-2)", "9999900", NULL, NULL, "'9999900'"},
        {"decimal(5,-2)", "10", NULL, NULL, "no: it would be rounded to decimal(5,-2)"},
        {"float8", "0.1", NULL, NULL, "'0.1'"}, {"float8", "-inf", NULL, NULL, "'-Infinity'"},
        {"float8", "nan", NULL, NULL, "'NaN'"},
        {"float8", "0.10000000000000000001", NULL, NULL, "no: it would be rounded to float8"},
        {"float8", "1e-400", NULL, NULL, "no: it would be rounded to float8"},
        {"float4", "0.1", NULL, NULL, "'0.1'"}, {"float4", "3.4028235e38", NULL, NULL, "'3.4028235e+38'"},
        {"float4", "1e39", NULL, NULL, "no: float4 cannot hold it"},
        {"float4", "0.123456789", NULL, NULL, "no: it would be rounded to float4"},
        {"text", "", NULL, NULL, "''"}, {"text", "it's \"x\"\n", NULL, NULL, "'it''s \"x\"\n'"},
        {"text", "''", NULL, NULL, "''''''"},
        /* a backslash: read the same whatever standard_conforming_strings is */
        {"text", "it's \\ \"x\"\n", NULL, NULL, "E'it''s \\\\ \"x\"\n'"},
        {"text", "\\", NULL, NULL, "E'\\\\'"}, {"text", "\\\\n", NULL, NULL, "E'\\\\\\\\n'"},
        {"text", "\\'", NULL, NULL, "E'\\\\'''"}, {"text", "'\\", NULL, NULL, "E'''\\\\'"},
        {"text", "\\'||'' ; DROP TABLE t; --", NULL, NULL, "E'\\\\''||'''' ; DROP TABLE t; --'"},
        {"text", "'||version()||'\\", NULL, NULL, "E'''||version()||''\\\\'"},
        {"char", "\\' ", NULL, NULL, "E'\\\\'''"},
        {"text", "\xFF", NULL, NULL, "no: text that is not UTF-8"},
        {"text", "\xED\xA0\x80", NULL, NULL, "no: text that is not UTF-8"},
        {"char", "x ", NULL, NULL, "'x'"},
        {"bytes text=hex", "00ff", "bytes", NULL, "E'\\\\x00ff'"}, {"bytes text=hex", "", "bytes", NULL, "E'\\\\x'"},
        {"timestamptz", "2024-01-01T02:00:00.5+02", NULL, NULL, "'2024-01-01 00:00:00.5+00'"},
        {"timestamptz", "2024-01-01 00:00:00.5004", NULL, "timestamptz(3)", "no: timestamptz(3) cannot hold it"},
        {"timestamptz", "2024-01-01 00:00:00.504", NULL, "timestamptz(3)", "'2024-01-01 00:00:00.504+00'"},
        {"timestamptz", "2024-01-01 00:00:00.1234567", NULL, NULL, "no: it has digits behind the microsecond"},
        {"timestamptz", "294276-12-31 23:59:59.9999999", NULL, NULL, "no: it has digits behind the microsecond"},
        {"timestamptz", "294276-12-31 23:59:59.9999", NULL, "timestamptz(3)", "no: timestamptz(3) cannot hold it"},
        {"timestamptz", "0044-03-15 BC", NULL, NULL, "'0044-03-15 00:00:00+00 BC'"},
        {"timestamptz", "infinity", NULL, NULL, "'infinity'"},
        {"timestamp", "2024-01-01 12:00Z", NULL, NULL, "'2024-01-01 12:00:00'"},
        {"timestamp zone=+02:00", "2024-01-01 12:00", NULL, "timestamp", "'2024-01-01 12:00:00'"},
        {"date", "2024-01-01", NULL, NULL, "'2024-01-01'"}, {"date", "-infinity", NULL, NULL, "'-infinity'"},
        {"date", "2024-01-01 12:00", NULL, NULL, "no: date cannot hold it"},
        {"date", "5874897-12-31", NULL, NULL, "'5874897-12-31'"},
        {"time", "24:00", NULL, NULL, "'24:00:00'"}, {"timetz", "01:02:03+05:30", NULL, NULL, "'01:02:03+05:30'"},
        {"interval", "-1 mon +5 days 01:00", NULL, NULL, "'-1 mons +5 days 01:00:00'"},
        {"interval", "1 day", NULL, NULL, "'1 day'"},
        {"interval", "2562047788:00:54.775807", NULL, "interval(0)", "no: interval(0) cannot hold it"},
        {"uuid", "00112233445566778899AABBCCDDEEFF", NULL, NULL, "'00112233-4455-6677-8899-aabbccddeeff'"},
        {"json", "{\"a\":\"it's\"}", NULL, NULL, "'{\"a\":\"it''s\"}'"}, {"json", "null", NULL, NULL, "'null'"},
        {"json", "[1e131071,1e-16383]", NULL, NULL, "'[1e131071,1e-16383]'"},
        {"json", "1e131072", NULL, NULL, "no: a number in it that numeric cannot hold"},
        {"json", "[-1e-16384]", NULL, NULL, "no: a number in it that numeric cannot hold"},
        {"json", "\"\\\\u0000\"", NULL, NULL, "E'\"\\\\\\\\u0000\"'"},
        {"json", "{\"\\\\'\":\"\\n\"}", NULL, NULL, "E'{\"\\\\\\\\''\":\"\\\\u000a\"}'"},
        {"json", "\"\\u0000\"", NULL, NULL, "no: JSON text that holds \\u0000"},
        {"json", "\"\\ud800\"", NULL, NULL, "no: JSON text that holds an unpaired surrogate"},
        {"json", "\"\xFF\"", NULL, NULL, "no: text that is not UTF-8"},
        {"vector", "[1.5,-0.1]", NULL, NULL, "'[15e-1,-1e-1]'"},
        {"vector", "[0.123456789]", NULL, NULL, "no: its numbers would be rounded to float4"},
        {"vector", "[]", NULL, NULL, "no: vector holds no empty array"},
    };
    static const char with_nul[] = "a\0b";
    parity_target t = {.schema = "public", .table = "t", .column = "c", .strict = true};
    parity_value v = text_value(with_nul, 3);

    (void)state;
    CHECK_PG(cases);
    t.kind = t.natural = kind_of("text");
    check(&t, "text", &v, "no: text holds NUL");
    v.cls = PARITY_NULL;
    check(&t, "text", &v, "NULL");
    v.cls = PARITY_BLOB;
    check(&t, "text", &v, "no: it is BAD");
    t.store = 200; /* a type that nobody knows how to write */
    v.cls = PARITY_STRING;
    v.n = 1;
    check(&t, "text", &v, "no: there is no literal for this column's type");
}

/* Columns that are read under a kind that is not their type's. */
static void test_pg_others(void **state)
{
    static const pg_case cases[] = {
        {"int", "1", "bool", "bool", "true"}, {"bool", "1", "bool", "int", "'1'"},
        {"int", "5", "int", "bool", "no: bool cannot hold it"},
        {"int", "5", NULL, "text", "'5'"}, {"int", "5", NULL, "decimal(10,2)", "'5'"},
        {"decimal", "5", NULL, "int", "'5'"},
        {"decimal", "1.5", NULL, "int", "no: it would be rounded to int"}, {"decimal", "1.5", NULL, "float8", "'1.5'"},
        {"decimal", "0.1234567890123456789", NULL, "float8", "no: it would be rounded to float8"},
        {"float8", "0.1", NULL, "decimal(10,1)", "'0.1'"},
        {"float8", "0.125", NULL, "decimal(10,2)", "no: it would be rounded to decimal(10,2)"},
        {"float8", "16777217", NULL, "float4", "no: it would be rounded to float4"},
        {"int uint64", "18446744073709551615", NULL, "int", "'-1'"},
        {"int uint64", "-1", NULL, "int", "no: no value of this column is read as it"},
        {"text", "1.50", NULL, "decimal(10,2)", "'1.5'"},
        {"text", "1.5", NULL, "decimal(10,2)", "no: no value of this column is read as it"},
        {"text", "1.50", NULL, "decimal", "'1.50'"},
        {"text", "01", NULL, "decimal", "no: no value of this column is read as it"},
        {"text", "-0", NULL, "decimal", "no: no value of this column is read as it"},
        {"text", "-0.00", NULL, "decimal", "no: no value of this column is read as it"},
        {"text", "5", NULL, "int", "'5'"}, {"text", "+5", NULL, "int", "no: no value of this column is read as it"},
        {"text", "x", NULL, "int", "no: int cannot hold it"},
        {"text", "00112233-4455-6677-8899-aabbccddeeff", NULL, "uuid", "'00112233-4455-6677-8899-aabbccddeeff'"},
        {"text", "00112233-4455-6677-8899-AABBCCDDEEFF", NULL, "uuid", "no: no value of this column is read as it"},
        {"uuid", "{00112233-4455-6677-8899-aabbccddeeff}", NULL, "text", "'00112233-4455-6677-8899-aabbccddeeff'"},
        {"text", "a ", NULL, "char", "no: no value of this column is read as it"}, {"char", "a", NULL, "text", "'a'"},
        {"text blob=utf8", "ab", NULL, "bytes", "E'\\\\x6162'"},
        {"uuid dotnet", "00112233445566778899aabbccddeeff", NULL, "bytes", "E'\\\\x33221100554477668899aabbccddeeff'"},
        {"bytes text=base64", "AAE=", NULL, "text", "'AAE='"}, {"vector", "[1]", NULL, "bytes", "E'\\\\x0000803f'"},
        {"timestamptz", "2024-01-01 12:00+02", NULL, "timestamp", "'2024-01-01 10:00:00'"},
        {"timestamp", "2024-01-01 12:00", NULL, "timestamptz", "'2024-01-01 12:00:00+00'"},
        {"timestamp zone=+02:00", "2024-01-01 12:00", NULL, "timestamptz", "'2024-01-01 10:00:00+00'"},
        {"timestamptz", "2024-01-01 00:00", NULL, "date", "'2024-01-01'"},
        {"timestamptz", "2024-01-01 12:00", NULL, "date", "no: date cannot hold it"},
        {"date", "2024-01-01", NULL, "timestamptz", "'2024-01-01 00:00:00+00'"},
        {"date", "2024-01-01 12:00", NULL, "timestamptz", "'2024-01-01 12:00:00+00'"},
        {"timestamptz epoch=s", "2000-01-01 00:00", NULL, "int", "'946684800'"},
        {"timestamptz epoch=ms", "2000-01-01 00:00:00.5", NULL, "int", "'946684800500'"},
        {"timestamptz epoch=s", "2000-01-01 00:00:00.5", NULL, "int", "no: int cannot hold it"},
        {"timestamptz epoch=s", "2000-01-01 00:00:00.5", NULL, "float8", "'946684800.5'"},
        {"timestamptz epoch=s", "2000-01-01 00:00", NULL, "text", "'2000-01-01 00:00:00+00:00'"},
        {"interval unit=s", "1 day 00:00:01", NULL, "int", "'86401'"},
        {"json", "{}", "text", "json", "no: no value of this column is read as it"},
        {"text", "{}", NULL, "json", "no: no value of this column is read as it"},
        {"decimal(10,2) round", "1.005", NULL, "decimal", "'1.01'"}, {"text fold=ascii", "AB", NULL, "text", "'ab'"},
    };

    (void)state;
    CHECK_PG(cases);
}

static void check_typed(parity_store_as store, const char *column, const char *type, const char *json,
                        const char *want)
{
    parity_target t = {.schema = "s\"1", .table = "it's", .column = column, .strict = true, .type = type};
    parity_value v = text_value(json, strlen(json));

    t.kind = t.natural = kind_of("json");
    t.store = (uint8_t)store;
    check(&t, "json", &v, want);
}

static void check_stored(parity_store_as store, const char *json, const char *want)
{
    check_typed(store, "c\"\\'", "\"s\"\"1\".\"it's\"[]", json, want);
}

static void test_pg_json(void **state)
{
    (void)state;
    check_stored(PARITY_STORE_POPULATE, "[1,\"it's\"]",
                 "(SELECT x.\"c\"\"\\'\" FROM pg_catalog.jsonb_to_record("
                 "E'{\"c\\\\\"\\\\\\\\''\":[1,\"it''s\"]}'::pg_catalog.jsonb)"
                 " AS x(\"c\"\"\\'\" \"s\"\"1\".\"it's\"[]))");
    check_typed(PARITY_STORE_POPULATE, "c", "pg_catalog.int4[]", "[[1,null],[2,3]]",
                "(SELECT x.\"c\" FROM pg_catalog.jsonb_to_record('{\"c\":[[1,null],[2,3]]}'::pg_catalog.jsonb)"
                " AS x(\"c\" pg_catalog.int4[]))");
    check_typed(PARITY_STORE_POPULATE, "c", "pg_catalog.text[]", "[\"\\\\'||''\",\"\\\"\"]",
                "(SELECT x.\"c\" FROM pg_catalog.jsonb_to_record("
                "E'{\"c\":[\"\\\\\\\\''||''''\",\"\\\\\"\"]}'::pg_catalog.jsonb) AS x(\"c\" pg_catalog.text[]))");
    check_stored(PARITY_STORE_POPULATE, "{\"[0:1]\":[1,2]}", "no: an array with a lower bound other than 1");
    check_stored(PARITY_STORE_POPULATE, "null", "no: it is not an array");
    check_stored(PARITY_STORE_POPULATE, "{}", "no: it is not an array");
    check_stored(PARITY_STORE_POPULATE, "[\"\\u0000\"]", "no: JSON text that holds \\u0000");
    check_typed(PARITY_STORE_ROW, "c", "public.pair", "{\"a\":1}",
                "(SELECT x.\"c\" FROM pg_catalog.jsonb_to_record('{\"c\":{\"a\":1}}'::pg_catalog.jsonb)"
                " AS x(\"c\" public.pair))");
    check_stored(PARITY_STORE_ROW, "[1]", "no: it is not an object of fields");
    check_stored(PARITY_STORE_ROW, "null", "no: it is not an object of fields");
    check_typed(PARITY_STORE_POPULATE, "c", NULL, "[1]", "no: there is no literal for this column's type");
    check_typed(PARITY_STORE_ROW, "c", NULL, "{\"a\":1}", "no: there is no literal for this column's type");
    check_typed(PARITY_STORE_JSON, "c", NULL, "[1]", "'[1]'"); /* which needs no type */
    check_stored(PARITY_STORE_HSTORE, "{}", "''");
    check_stored(PARITY_STORE_HSTORE, "{\"a\":null,\"b'\":\"1\"}", "'\"a\"=>NULL, \"b''\"=>\"1\"'");
    check_stored(PARITY_STORE_HSTORE, "{\"a\":null,\"b'\":\"\\\\ \\\" =>\",\"\":\"NULL\"}",
                 "E'\"\"=>\"NULL\", \"a\"=>NULL, \"b''\"=>\"\\\\\\\\ \\\\\" =>\"'");
    check_stored(PARITY_STORE_HSTORE, "{\"a\":1}", "no: hstore holds only strings");
    check_stored(PARITY_STORE_HSTORE, "{\"a\":{}}", "no: hstore holds only strings");
    check_stored(PARITY_STORE_HSTORE, "[]", "no: hstore holds only objects of strings");
}

/* --------------------------------------------------------------------- SQLite */

typedef struct sqlite_case {
    const char *from, *text;
    const char *want[5]; /* by affinity: none, TEXT, NUMERIC, INTEGER, REAL; NULL: as the one before */
} sqlite_case;

#define NONE "no: no value of this column is read as it"

static void check_sqlite(const sqlite_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *want = NULL;

        for (int a = 0; a < 5; a++) {
            parity_target t = {.schema = "main", .table = "t", .column = "c"};
            parity_value v = text_value(c[i].text, strlen(c[i].text));

            t.kind = t.natural = kind_of(c[i].from);
            t.store = (uint8_t)(PARITY_STORE_BLOB + a);
            want = c[i].want[a] != NULL ? c[i].want[a] : want;
            check(&t, c[i].from, &v, want);
        }
    }
}

static void test_sqlite(void **state)
{
    static const sqlite_case cases[] = {
        {"bool", "t", {"1", "'1'", "1", "1", "1.0"}},
        {"int", "5", {"5", "'5'", "5", "5", "5.0"}},
        {"int", "-9223372036854775808", {"(-9223372036854775807-1)", "'-9223372036854775808'",
         "(-9223372036854775807-1)", NULL,
                                         "(-1*4611686018427387904.0*2.0)"}},
        {"int", "9007199254740993", {"9007199254740993", "'9007199254740993'", "9007199254740993", NULL, NONE}},
        {"int uint64", "18446744073709551615", {"-1", "'18446744073709551615'", "-1", "-1", NONE}},
        {"int uint64", "-5", {"-5.0", "'-5'", NONE, NONE, "-5.0"}},
        {"decimal", "5", {"5", "'5'", "5", "5", "5.0"}},
        {"decimal", "1.50", {"1.5", "'1.5'", "1.5", "1.5", "1.5"}},
        {"decimal", "0.1234567890123456789", {"'0.1234567890123456789'", NULL, NONE, NONE, NONE}},
        {"decimal", "nan", {"'NaN'", NULL, NULL, NULL, NULL}},
        {"decimal", "-inf", {"-9e999", "'-Infinity'", "-9e999", NULL, NULL}},
        {"decimal digits=15", "0.1", {"0.1", "'0.1'", "0.1", NULL, NULL}},
        {"float8", "5", {"5.0", "'5'", "5", "5", "5.0"}},
        {"float8", "0.1", {"0.1", "'0.1'", "0.1", NULL, NULL}},
        {"float8", "0.30000000000000004", {"(1351079888211149/4503599627370496.0)", "'0.30000000000000004'",
         "(1351079888211149/4503599627370496.0)", NULL, NULL}},
        {"float8", "1e18", {"1000000000000000000.0", "'1000000000000000000'", "1000000000000000000", NULL,
         "1000000000000000000.0"}},
        {"float8", "1e20", {"(95367431640625*1048576.0)", "'100000000000000000000'", "(95367431640625*1048576.0)",
         NULL, NULL}},
        {"float8", "-1.6543612251060553e-24", {"(-1/4611686018427387904.0/131072.0)", "'-1.6543612251060553e-24'",
         "(-1/4611686018427387904.0/131072.0)", NULL, NULL}},
        {"float8", "inf", {"9e999", "'Infinity'", "9e999", NULL, NULL}},
        {"float8", "nan", {"'NaN'", NULL, NULL, NULL, NULL}},
        {"text", "x'y", {"'x''y'", NULL, NULL, NULL, NULL}},
        {"text", "5", {"'5'", "'5'", "5", "5", NONE}},
        {"text", "5.0", {"'5.0'", "'5.0'", NONE, NONE, "5.0"}},
        {"text", "1.5", {"'1.5'", "'1.5'", "1.5", "1.5", "1.5"}},
        {"text", "05", {"'05'", "'05'", NONE, NONE, NONE}},
        {"text", " 5", {"' 5'", "' 5'", NONE, NONE, NONE}},
        {"text", "5.", {"'5.'", "'5.'", NONE, NONE, NONE}},
        {"text", "+", {"'+'", NULL, NULL, NULL, NULL}},
        {"text", "1e", {"'1e'", NULL, NULL, NULL, NULL}},
        {"text", "0x10", {"'0x10'", NULL, NULL, NULL, NULL}},
        {"text blob=utf8", "05", {"'05'", "'05'", "X'3035'", NULL, NULL}},
        {"text", "a\nb\\", {"replace('a~g~0ab\\','~g~0a',char(10))", NULL, NULL, NULL, NULL}},
        {"text", "'\t\r\n",
         {"replace(replace(replace('''\\09\\0d\\0a',"
          "'\\09',char(9)),'\\0a',char(10)),'\\0d',char(13))", NULL, NULL, NULL, NULL}},
        {"text", "~g~\\\x7F~h~", {"replace('~g~\\~i~7f~h~','~i~7f',char(127))", NULL, NULL, NULL, NULL}},
        {"text", "a\xFF", {"CAST(X'61ff' AS TEXT)", NULL, NULL, NULL, NULL}},
        {"bytes text=hex", "00ff", {"'\\x00ff'", NULL, NULL, NULL, NULL}},
        {"bytes text=utf8", "12", {"'12'", "'12'", "X'3132'", NULL, NULL}},
        {"bytes text=base64", "AAE=", {"'AAE='", NULL, NULL, NULL, NULL}},
        {"timestamptz", "2024-01-01T00:00:00.5Z", {"'2024-01-01 00:00:00.5+00:00'", NULL, NULL, NULL, NULL}},
        {"timestamp", "2024-01-01 00:00", {"'2024-01-01 00:00:00'", NULL, NULL, NULL, NULL}},
        {"timestamp zone=+02:00", "2024-01-01 00:00", {"'2024-01-01 00:00:00'", NULL, NULL, NULL, NULL}},
        {"timestamptz epoch=s", "2000-01-01 00:00", {"946684800", "'2000-01-01 00:00:00+00:00'", "946684800",
         "946684800", "946684800.0"}},
        {"timestamptz epoch=s", "2000-01-01 00:00:00.5", {"946684800.5", "'2000-01-01 00:00:00.5+00:00'",
         "946684800.5", NULL, NULL}},
        {"timestamptz epoch=ms", "1969-12-31 23:59:59.999", {"-1", "'1969-12-31 23:59:59.999+00:00'", "-1", "-1",
         "-1.0"}},
        {"timestamp julian", "2000-01-01 12:00", {"2451545.0", "'2000-01-01 12:00:00'", "2451545", "2451545",
         "2451545.0"}},
        {"date", "2024-01-01", {"'2024-01-01'", NULL, NULL, NULL, NULL}},
        {"date epoch=s", "2000-01-01", {"946684800", "'2000-01-01'", "946684800", "946684800", "946684800.0"}},
        {"time", "01:02", {"'01:02:00'", NULL, NULL, NULL, NULL}},
        {"timetz", "01:02+02", {"'01:02:00+02:00'", NULL, NULL, NULL, NULL}},
        {"interval unit=us", "-1 days", {"-86400000000", "'-1 days'", "-86400000000", NULL, "-86400000000.0"}},
        {"interval unit=s", "1 mon", {"'1 mon'", NULL, NULL, NULL, NULL}},
        {"uuid", "00112233445566778899AABBCCDDEEFF", {"X'00112233445566778899aabbccddeeff'",
         "'00112233-4455-6677-8899-aabbccddeeff'", NULL, NULL, NULL}},
        {"uuid dotnet", "00112233445566778899AABBCCDDEEFF", {"X'33221100554477668899aabbccddeeff'", NULL, NULL, NULL,
         NULL}},
        {"json", "{\"a\":1}", {"'{\"a\":1}'", NULL, NULL, NULL, NULL}},
        {"json", "5", {"'5'", "'5'", "5", "5", "5.0"}},
        {"json", "1e400", {"'1e400'", "'1e400'", NONE, NONE, NONE}},
        {"vector", "[1,-0.5]", {"X'0000803f000000bf'", "'[1,-5e-1]'", NULL, NULL, NULL}},
        {"vector", "[0.123456789]", {"'[123456789e-9]'", NULL, NULL, NULL, NULL}},
        /* BAD: the value as it is stored, where the column keeps it so */
        {"int", "x", {"'x'", NULL, NULL, NULL, NULL}},
        {"bool", "2", {"'2'", "'2'", NONE, NONE, NONE}},
    };

    (void)state;
    check_sqlite(cases, sizeof cases / sizeof cases[0]);
}

static void test_sqlite_values(void **state)
{
    static const char with_nul[] = "a\0'b";
    parity_target t = {.schema = "main", .table = "t", .column = "c", .store = PARITY_STORE_BLOB};
    parity_value v = text_value(with_nul, 4);

    (void)state;
    t.kind = t.natural = kind_of("text");
    check(&t, "text", &v, "replace('a\\00''b','\\00',char(0))");
    v.cls = PARITY_BLOB;
    check(&t, "text", &v, "X'61002762'");
    v.cls = PARITY_NULL;
    check(&t, "text", &v, "NULL");
    t.kind = t.natural = kind_of("date");
    v.cls = PARITY_INTEGER;
    v.i = INT64_MIN;
    check(&t, "date", &v, "(-9223372036854775807-1)");
    v.cls = PARITY_REAL;
    v.r = 5;
    check(&t, "date", &v, "5.0");
    t.store = PARITY_STORE_NUMERIC; /* would make it an INTEGER */
    check(&t, "date", &v, NONE);
}

/* ---------------------------------------------------------------------- vectors */

static int written, refused;

/* In a column without affinity each value that SQLite can hold has a literal, BAD or not; NaN it cannot. */
static void check_vector(const vector_line *line)
{
    parity_target t = {.schema = "main", .table = "t", .column = "c"};
    size_t n;
    unsigned char *frame = from_hex(line->field[3], &n);
    bool is_nan = strcmp(line->field[1], "real") == 0 && (strncmp(line->field[2], "7ff8", 4) == 0 ||
                                                          strncmp(line->field[2], "fff8", 4) == 0);

    t.kind = t.natural = kind_of(line->field[0]);
    for (int a = 0; a < 5; a++) {
        char *got;

        t.store = (uint8_t)(PARITY_STORE_BLOB + a);
        got = literal_of(&t, frame, n);
        if (strncmp(got, "no: ", 4) != 0) {
            written++;
        } else {
            refused++;
            assert_string_equal(got, NONE);
            if (a == 0 && !is_nan)
                vector_fail(line, "literal", "one", got);
        }
        free(got);
    }
    t.strict = true;
    t.natural.options = 0;
    t.store = t.kind.id == PARITY_JSON || t.kind.id == PARITY_VECTOR ? PARITY_STORE_JSON : PARITY_STORE_TEXT;
    for (int i = 0; i < PARITY_NKINDS; i++) { /* its own type, and any other */
        char *got = literal_of(&t, frame, n);

        if (frame[0] == PARITY_TAG_BAD)
            assert_string_equal(got, "no: it is BAD");
        else if (i == 0 && strncmp(got, "no: ", 4) != 0)
            written++;
        free(got);
        memset(&t.natural, 0, sizeof t.natural);
        t.natural.id = (uint8_t)i;
        t.store = i == PARITY_JSON || i == PARITY_VECTOR ? PARITY_STORE_JSON : PARITY_STORE_TEXT;
    }
    free(frame);
}

static void test_vectors(void **state)
{
    (void)state;
    written = refused = 0;
    assert_true(each_vector("value.tsv", check_vector) >= 2500);
    assert_true(each_vector("rounded.tsv", check_vector) >= 500);
    assert_true(written >= 15000);
    assert_true(refused >= 500);
}

/* ---------------------------------------------------------------- malformed, memory */

static void test_malformed(void **state)
{
    parity_target t = {.schema = "main", .table = "t", .column = "c", .store = PARITY_STORE_BLOB};
    static const unsigned char frames[][12] = {{0x01, 5}, {0x00, 0x00}, {0x0E}, {0x04, 0xFF, 0xFF, 0xFF, 0xFF}};
    static const unsigned char not_canonical[] = {0x02, 0, 0, 0, 0, 0, 1, 0, 0, 0, '5'};
    static const size_t sizes[] = {2, 2, 1, 5};
    char *got;

    (void)state;
    t.kind = t.natural = kind_of("int");
    for (int strict = 0; strict < 2; strict++) {
        t.strict = strict == 1;
        t.store = t.strict ? PARITY_STORE_TEXT : PARITY_STORE_BLOB;
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            got = literal_of(&t, frames[i], sizes[i]);
            assert_string_equal(got, "no: it is not a frame");
            free(got);
        }
    }
    /* a frame that no reader writes: 5 as DEC */
    got = literal_of(&t, not_canonical, sizeof not_canonical);
    assert_string_equal(got, NONE);
    free(got);
    t.strict = false;
    t.store = PARITY_STORE_BLOB;
    got = literal_of(&t, not_canonical, sizeof not_canonical);
    assert_string_equal(got, NONE);
    free(got);
}

static void test_memory(void **state)
{
    static const struct {
        const char *kind, *text;
        bool strict;
        uint8_t store;
    } cases[] = {
        {"text", "a\nb", false, PARITY_STORE_BLOB},   {"text", "05", false, PARITY_STORE_NUMERIC},
        {"decimal", "1.5", true, PARITY_STORE_TEXT},  {"json", "{\"a\":\"b\"}", true, PARITY_STORE_HSTORE},
        {"json", "[1]", true, PARITY_STORE_POPULATE}, {"vector", "[1]", true, PARITY_STORE_JSON},
        {"text", "it's \\", true, PARITY_STORE_TEXT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        parity_target t = {.schema = "s", .table = "t", .column = "c", .strict = cases[i].strict,
                           .type = "pg_catalog.int4[]"};
        parity_value v = text_value(cases[i].text, strlen(cases[i].text));
        parity_status status = PARITY_NOMEM;
        parity_buf frame, b, scratch;
        unsigned notes = 0;

        t.kind = t.natural = kind_of(cases[i].kind);
        t.store = cases[i].store;
        parity_buf_init(&frame, &test_mem);
        parity_buf_init(&scratch, &test_mem);
        parity_buf_init(&b, &test_mem);
        assert_int_equal(parity_put_value(&frame, &scratch, &t.kind, &v, &notes), PARITY_OK);
        for (long n = 0; status != PARITY_OK; n++) {
            const char *why;

            assert_true(n < 100);
            parity_buf_free(&b);
            parity_buf_free(&scratch);
            fail_after = n;
            status = parity_literal(&b, &scratch, &t, frame.data, frame.len, &why);
            fail_after = -1;
            assert_true(status == PARITY_OK || (status == PARITY_NOMEM && b.len == 0));
        }
        parity_buf_free(&frame);
        parity_buf_free(&b);
        parity_buf_free(&scratch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pg_own),        cmocka_unit_test(test_pg_others), cmocka_unit_test(test_pg_json),
        cmocka_unit_test(test_sqlite),        cmocka_unit_test(test_sqlite_values), cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_malformed),     cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
