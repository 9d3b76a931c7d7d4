/*
 * Reasons: each one and what comes close to it, in both directions; the option
 * that a reason names is tried by reading both values under it.  And the two
 * comparisons of Unicode texts behind them.
 *
 * A value is written as its class and itself: "t:text", "i:5", "r:0.1",
 * "x:00ff" (a BLOB in hex), "null".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "support.h"

typedef struct framed {
    unsigned char *blob; /* of x: */
    parity_buf bytes;
    parity_frame frame;
} framed;

static void parse_kind(const char *text, parity_kind *out)
{
    parity_error err;

    if (parity_kind_parse(text, strlen(text), out, &err) != PARITY_OK)
        fail_msg("%s: %s", text, err.message);
}

/* Reads a value as it is written above under a kind. */
static void read_value(const parity_kind *kind, const char *written, framed *out)
{
    parity_value v = {.cls = PARITY_NULL};
    const unsigned char *p;
    parity_buf scratch;
    unsigned notes = 0;

    out->blob = NULL;
    parity_buf_init(&scratch, &test_mem);
    parity_buf_init(&out->bytes, &test_mem);
    switch (written[0]) {
    case 't':
        v.cls = PARITY_STRING;
        v.p = written + 2;
        v.n = strlen(written + 2);
        break;
    case 'i':
        v.cls = PARITY_INTEGER;
        v.i = strtoll(written + 2, NULL, 10);
        break;
    case 'r':
        v.cls = PARITY_REAL;
        v.r = strtod(written + 2, NULL);
        break;
    case 'x':
        v.cls = PARITY_BLOB;
        out->blob = from_hex(written + 2, &v.n);
        v.p = (const char *)out->blob;
        break;
    default:
        assert_string_equal(written, "null");
    }
    assert_int_equal(parity_put_value(&out->bytes, &scratch, kind, &v, &notes), PARITY_OK);
    p = out->bytes.data;
    assert_true(parity_frame_read(&p, out->bytes.data + out->bytes.len, &out->frame));
    assert_ptr_equal(p, out->bytes.data + out->bytes.len);
    parity_buf_free(&scratch);
}

static void free_value(framed *f)
{
    parity_buf_free(&f->bytes);
    free(f->blob);
}

static bool same_value(const framed *a, const framed *b)
{
    return a->bytes.len == b->bytes.len && memcmp(a->bytes.data, b->bytes.data, a->bytes.len) == 0;
}

static parity_reason reason_of(const parity_kind *kind, const parity_kind *remote_kind, const framed *local,
                               const framed *remote)
{
    parity_reason out;
    parity_buf scratch;

    memset(&out, 'x', sizeof out);
    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_reason_of(&scratch, kind, remote_kind, &local->frame, &remote->frame, &out), PARITY_OK);
    parity_buf_free(&scratch);
    return out;
}

/* The kind that an option makes of another: the option is added, put in place of its like, or is a kind itself. */
static void kind_with(const parity_kind *kind, const char *option, parity_kind *out)
{
    char text[2 * PARITY_KIND_TEXT_MAX];
    parity_kind bare, added;
    parity_error err;

    if (parity_kind_parse(option, strlen(option), out, &err) == PARITY_OK)
        return;
    bare = *kind;
    bare.options = 0;
    snprintf(text + parity_kind_print(&bare, text), PARITY_KIND_TEXT_MAX, " %s", option);
    parse_kind(text, &added);
    *out = *kind;
    if (added.options & (PARITY_OPT_BLOB | PARITY_OPT_JSONB))
        out->options &= ~(PARITY_OPT_BLOB | PARITY_OPT_JSONB);
    out->options |= added.options;
    if (added.options & PARITY_OPT_ZONE)
        out->zone = added.zone;
    if (added.options & PARITY_OPT_TEXT)
        out->text = added.text;
    if (added.options & (PARITY_OPT_EPOCH | PARITY_OPT_UNIT))
        out->unit = added.unit;
}

/* Whether the option text is a list of possible ones. */
static bool is_list(const char *option)
{
    return strstr(option, " or ") != NULL || strcmp(option, "zone=+HH:MM") == 0;
}

/* Whether local under the option equals remote under it. */
static bool accepts(const parity_kind *kind, const char *option, const char *local, const char *remote)
{
    parity_kind accepting;
    framed a, b;
    bool same;

    kind_with(kind, option, &accepting);
    read_value(&accepting, local, &a);
    read_value(&accepting, remote, &b);
    same = same_value(&a, &b);
    free_value(&a);
    free_value(&b);
    return same;
}

typedef struct reason_case {
    const char *kind, *remote_kind; /* NULL: the same */
    const char *local, *remote;
    const char *reason, *option;
} reason_case;

static void check_reason(const reason_case *c, bool swapped)
{
    const char *local = swapped ? c->remote : c->local, *remote = swapped ? c->local : c->remote;
    const char *want = c->reason;
    parity_kind kind, remote_kind;
    framed a, b;
    parity_reason got;

    parse_kind(c->kind, &kind);
    remote_kind = kind;
    if (c->remote_kind != NULL)
        parse_kind(c->remote_kind, &remote_kind);
    if (swapped) {
        parity_kind other = kind;

        kind = remote_kind;
        remote_kind = other;
    }
    read_value(&kind, local, &a);
    read_value(&remote_kind, remote, &b);
    if (same_value(&a, &b))
        fail_msg("%s: %s and %s are the same", c->kind, local, remote);
    got = reason_of(&kind, &remote_kind, &a, &b);
    if (strcmp(got.text, want) != 0 || strcmp(got.option, c->option) != 0)
        fail_msg("%s: local %s, remote %s:\n  want '%s', '%s'\n  got  '%s', '%s'", c->kind, local, remote, want,
                 c->option, got.text, got.option);
    /* what takes an option is not equal without it, and is with it */
    if (got.option[0] != '\0' && !is_list(got.option) && c->remote_kind == NULL &&
        !accepts(&kind, got.option, local, remote))
        fail_msg("%s: %s and %s differ under '%s'", c->kind, local, remote, got.option);
    assert_int_equal(got.id == PARITY_R_ZONE, got.shift != 0);
    free_value(&a);
    free_value(&b);
}

/* In both directions. */
static void check_reasons(const reason_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        check_reason(&c[i], false);
        check_reason(&c[i], true);
    }
}

#define CHECK_REASONS(table) check_reasons(table, sizeof table / sizeof table[0])

/* --------------------------------------------------------------------- texts */

static void test_texts(void **state)
{
    static const reason_case cases[] = {
        {"text", NULL, "t:ab", "t:ab  ", "trailing blanks", "char"},
        {"text", NULL, "t:", "t: ", "trailing blanks", "char"},
        {"text blob=utf8", NULL, "t:ab", "x:616220", "trailing blanks", "char blob=utf8"},
        {"text fold=ascii", NULL, "t:AB", "t:ab ", "trailing blanks", "char fold=ascii"},
        {"char", "text", "t:ab", "t:ab ", "trailing blanks", "char"},
        {"text", NULL, "t:ab", "t: ab", "value", ""},
        {"text", NULL, "t:ab", "t:ab\t", "value", ""},
        {"text", NULL, "t:ab", "t:ab\xC2\xA0", "value", ""},
        {"text", NULL, "t:ab", "t:aB", "case", "fold=ascii"},
        {"char", NULL, "t:ab", "t:AB ", "case", "fold=ascii"},
        {"text", NULL, "t:\xC3\xA9" "A", "t:\xC3\xA9" "a", "case", "fold=ascii"},
        {"text", NULL, "t:[", "t:{", "value", ""},
        {"text", NULL, "t:@", "t:`", "value", ""},
        {"text", NULL, "t:ab", "t:AB ", "value", ""},
        {"text", NULL, "t:\xC3\xA9", "t:\xC3\x89", "case", ""},
        {"text", NULL, "t:a\xC3\xA9", "t:A\xC3\x89", "case", ""},
        {"text", NULL, "t:k", "t:\xE2\x84\xAA", "case", ""},
        {"text", NULL, "t:ss", "t:\xC3\x9F", "value", ""},
        {"text", NULL, "t:\xC3\xA9", "t:e\xCC\x81", "unicode form", ""},
        {"text", NULL, "t:\xE2\x84\xA6", "t:\xCE\xA9", "unicode form", ""},
        {"text", NULL, "t:\xEA\xB0\x81", "t:\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", "unicode form", ""},
        {"text", NULL, "t:\xC3\x89", "t:e\xCC\x81", "value", ""},
        {"text", NULL, "t:\xEF\xAC\x81", "t:fi", "value", ""},
        {"text", NULL, "t:\xFF\xC3\xA9", "t:\xFF" "e\xCC\x81", "value", ""},
        {"text", NULL, "t:\xC3\xA9", "t:\xE9", "value", ""},
        {"text", NULL, "t:a", "t:b", "value", ""},
        {"text", NULL, "t:", "t:b", "value", ""},
        {"text", NULL, "t:b", "null", "value", ""},
        {"json", NULL, "t:{\"a\":\"\xC3\xA9\"}", "t:{\"a\":\"e\xCC\x81\"}", "unicode form", ""},
        {"json", NULL, "t:{\"a\":\"\xFF\xC3\xA9\"}", "t:{\"a\":\"\xFF" "e\xCC\x81\"}", "value", ""},
        {"json", NULL, "t:{\"a\":\"A\"}", "t:{\"a\":\"a\"}", "value", ""},
        {"json", NULL, "t:[1.0001]", "t:[1]", "value", ""},
        {"bytes", NULL, "x:6162", "x:616220", "value", ""},
    };

    (void)state;
    CHECK_REASONS(cases);
}

/* ------------------------------------------------------------------- numbers */

static void test_numbers(void **state)
{
    static const reason_case cases[] = {
        {"decimal(10,2)", NULL, "t:1.005", "t:1.01", "precision", "round"},
        {"decimal(10,2)", NULL, "t:-1.005", "t:-1.01", "precision", "round"},
        {"decimal(10,2)", NULL, "t:1.006", "t:1.009", "precision", "round"},
        {"decimal(10,2)", NULL, "t:9.999", "t:10", "precision", "round"},
        {"decimal(10,2)", NULL, "t:1.005", "t:1.02", "value", ""},
        {"decimal(10,2)", NULL, "t:1.005", "t:-1.01", "value", ""},
        {"decimal(10,-2)", NULL, "t:12345", "t:12300", "precision", "round"},
        {"decimal(10,2)", NULL, "t:1.019", "t:1.01", "precision", ""}, /* cut */
        {"decimal", NULL, "t:1.005", "t:1.01", "precision", ""},
        {"decimal", NULL, "t:1.005", "t:1", "precision", ""},
        {"decimal", NULL, "t:1.005", "t:1.006", "value", ""},
        {"decimal", NULL, "t:0.004", "t:0", "precision", ""},
        {"decimal", NULL, "t:-0.9", "t:-1", "precision", ""},
        {"decimal", NULL, "t:-0.9", "t:1", "value", ""},
        {"decimal", NULL, "t:0.6", "t:2", "value", ""},
        {"decimal", NULL, "t:199.99", "t:200", "precision", ""},
        {"decimal", NULL, "t:199.99", "t:2000", "value", ""},
        {"decimal", NULL, "t:0.5", "t:5e2000000000", "value", ""},
        {"decimal", NULL, "t:5e-2000000000", "t:0", "precision", ""},
        {"decimal", NULL, "t:123", "t:100", "value", ""},
        {"decimal", NULL, "t:nan", "t:0", "value", ""},
        {"decimal", NULL, "t:inf", "t:-inf", "value", ""},
        {"decimal", "decimal(10,2)", "t:1.005", "t:1.01", "precision", "decimal(10,2) round"},
        {"decimal", NULL, "r:0.30000000000000004", "t:0.3", "precision", "digits=15"},
        {"decimal(10,2)", NULL, "r:19.990000000000002", "t:19.99", "precision", "digits=15"},
        {"decimal", NULL, "r:0.1234567890123437", "t:0.123456789012344", "precision", "digits=15"},
        {"decimal digits=15", NULL, "t:0.30000000000000004", "t:0.3", "precision", ""},
        {"decimal", NULL, "t:0.300000000000000041", "t:0.3", "precision", ""}, /* no double has these digits */
        {"decimal", NULL, "r:0.30000000000001", "t:0.3", "precision", ""},
        {"decimal", NULL, "t:999999999999999.96", "t:1e15", "precision", ""},
        {"decimal", NULL, "r:0.10000000149011612", "t:0.1", "float4 rounding", "float4"},
        {"decimal", NULL, "r:3.1415927410125732", "t:3.14159265", "float4 rounding", "float4 round"},
        {"decimal(10,2)", NULL, "r:0.10000000149011612", "t:0.1", "float4 rounding", "round"},
        {"decimal", NULL, "r:0.10000000149011613", "t:0.2", "value", ""},
        {"int", NULL, "t:1.5", "i:2", "precision", "round"},
        {"int", NULL, "t:1.9", "i:1", "precision", ""},
        {"int", NULL, "t:2.1", "i:1", "value", ""},
        {"int", NULL, "i:1", "i:2", "value", ""},
        {"int", NULL, "i:16777216", "i:16777217", "value", ""},
        {"int", NULL, "i:123456789012345678", "i:123456789012345679", "value", ""},
        {"int", NULL, "i:-9223372036854775808", "i:9223372036854775807", "value", ""},
        {"int", NULL, "i:-1", "t:18446744073709551615", "value", "uint64"},
        {"int", NULL, "i:-1", "t:18446744073709551614", "value", ""},
        {"bool", NULL, "i:0", "i:1", "value", ""},
        {"float8", NULL, "r:0.1", "r:0.10000000149011612", "float4 rounding", "float4"},
        {"float8", NULL, "r:-0.1", "r:-0.10000000149011612", "float4 rounding", "float4"},
        {"float8", NULL, "r:3.141592653589793", "r:3.1415927410125732", "float4 rounding", "float4 round"},
        {"float8", NULL, "r:3.141592653589793", "r:3.1415927", "float4 rounding", "float4 round"},
        {"float8 blob=utf8", NULL, "r:0.1", "r:0.10000000149011612", "float4 rounding", "float4 blob=utf8"},
        {"float8", NULL, "r:3.1415926501", "r:3.1415926502", "value", ""}, /* neither is a float */
        {"float8", NULL, "r:1e-60", "r:2e-60", "value", ""},
        {"float8", NULL, "r:1e300", "r:2e300", "value", ""},
        {"float8", NULL, "r:1e-60", "r:0", "precision", ""},
        {"float4", NULL, "r:1e-60", "r:0", "precision", "round"},
        {"float8", NULL, "r:0.1", "r:-0.10000000149011612", "value", ""},
        {"float8", NULL, "r:16777216", "r:16777217", "float4 rounding", "float4 round"},
        {"float8", NULL, "r:0.1", "r:0.1000001", "precision", ""},
        {"float8", NULL, "r:0.30000000000000004", "r:0.3", "precision", ""},
        {"float8", NULL, "r:1e300", "r:1.0000000000000002e300", "precision", ""},
        {"float8", NULL, "t:0.10000000000000000001", "r:0.1", "precision", "round"},
        {"float8", NULL, "i:9007199254740993", "r:9007199254740992", "precision", "round"},
        {"float8", NULL, "r:9007199254740992", "r:9007199254740994", "float4 rounding", "float4 round"},
        {"float8", NULL, "r:9007199254740994", "r:9007199254740996", "value", ""},
        {"float8", NULL, "r:inf", "r:1e308", "value", ""},
        {"float8", NULL, "t:nan", "r:0", "value", ""},
        {"float4", NULL, "r:3.1415927", "r:3.141592653589793", "float4 rounding", "round"},
        {"float4", NULL, "r:3.1415927", "r:3.1415929", "value", ""},
        {"float4", "float8", "r:0.1", "r:0.10000000149011612", "float4 rounding", ""},
        {"float4", NULL, "r:16777217", "r:16777216", "float4 rounding", "round"},
        {"int", NULL, "i:1", "null", "value", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* what is named for kinds that differ depends on the side */
        bool one_way = cases[i].remote_kind != NULL;

        if (!one_way || cases[i].option[0] != '\0')
            check_reason(&cases[i], false);
        if (!one_way)
            check_reason(&cases[i], true);
    }
}

/* Two kinds: what this side reads is what the option is named for. */
static void test_two_kinds(void **state)
{
    static const reason_case cases[] = {
        {"decimal(10,2)", "decimal", "t:1.01", "t:1.005", "precision", "round"},
        {"decimal blob=utf8", "decimal(10,2)", "t:1.005", "t:1.01", "precision", "decimal(10,2) blob=utf8 round"},
        {"text", "decimal(10,2)", "t:1.005", "t:1.01", "value", ""},
        {"float4", "float8", "r:0.1", "r:0.10000000149011612", "float4 rounding", "round"},
        {"float8", "float4", "r:0.10000000149011612", "r:0.1", "float4 rounding", "float4 round"},
        {"timestamp epoch=ms", "timestamp(3)", "t:2024-01-01 10:00:00.1234", "t:2024-01-01 10:00:00.123", "precision",
         "timestamp(3) epoch=ms round"},
        {"timestamptz", "date", "t:2024-01-01 10:00:00", "t:2024-01-01", "precision", "date round"},
        {"date", "timestamptz", "t:2024-01-01", "t:2024-01-01 10:00:00", "precision", "round"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_reason(&cases[i], false);
        if (cases[i].option[0] != '\0') {
            parity_kind kind;

            parse_kind(cases[i].kind, &kind);
            assert_true(accepts(&kind, cases[i].option, cases[i].local, cases[i].remote));
        }
    }
}

/* A generator of its own: the same numbers everywhere. */
static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Writes n * 10^-decimals. */
static void write_decimal(char *out, size_t size, int64_t n, int decimals)
{
    int64_t unit = 1, magnitude = n < 0 ? -n : n;

    for (int i = 0; i < decimals; i++)
        unit *= 10;
    if (decimals == 0)
        snprintf(out, size, "t:%" PRId64, n);
    else
        snprintf(out, size, "t:%s%" PRId64 ".%0*" PRId64, n < 0 ? "-" : "", magnitude / unit, decimals,
                 magnitude % unit);
}

/* Numbers of up to 14 digits, cut or rounded to fewer decimals, and one off: reckoned in integers. */
static void test_random_numbers(void **state)
{
    int precisions = 0, values = 0;

    (void)state;
    seed = UINT64_C(0x70617269747933);
    for (int i = 0; i < 40000; i++) {
        int decimals = 1 + (int)(next_random() % 6), fewer = (int)(next_random() % (unsigned)decimals);
        int64_t bound = 1, unit = 1, n, rest, magnitude, other;
        char local[64], remote[64], kind[32];
        bool cut, rounded;

        for (int d = (int)(next_random() % 13) + 1; d > 0; d--)
            bound *= 10;
        for (int d = fewer; d < decimals; d++)
            unit *= 10;
        magnitude = (int64_t)(next_random() % (uint64_t)bound);
        n = next_random() % 2 ? magnitude : -magnitude;
        rest = magnitude % unit;
        other = magnitude / unit + (int64_t)(next_random() % 4) - 1;
        if (rest == 0 || magnitude % 10 == 0 || other < 0 || (other % 10 == 0 && fewer > 0))
            continue; /* so that the decimals are those that can be seen */
        cut = other == magnitude / unit;
        rounded = other == magnitude / unit + (2 * rest >= unit);
        write_decimal(local, sizeof local, n, decimals);
        write_decimal(remote, sizeof remote, n < 0 ? -other : other, fewer);
        snprintf(kind, sizeof kind, "decimal(20,%d)", fewer);
        check_reasons(&(reason_case){kind, NULL, local, remote, cut || rounded ? "precision" : "value",
                                     rounded ? "round" : ""}, 1);
        check_reasons(&(reason_case){"decimal", NULL, local, remote, cut || rounded ? "precision" : "value", ""}, 1);
        *(cut || rounded ? &precisions : &values) += 1;
    }
    assert_in_range(precisions, 5000, 40000);
    assert_in_range(values, 5000, 40000);
}

/* Doubles, and what float4 makes of them. */
/* A difference in the tenth digit of a short number is one of precision, whatever float4 would make of it. */
static void test_short_numbers(void **state)
{
    static const reason_case cases[] = {
        {"float8", NULL, "r:38.48000000099999", "r:38.48", "precision", ""},
        {"float8", NULL, "r:0.5", "r:0.50000000001", "precision", ""},
        {"float8", NULL, "r:0.1", "r:0.10000000149011612", "float4 rounding", "float4"},
    };

    (void)state;
    check_reasons(cases, sizeof cases / sizeof *cases);
}

static void test_random_floats(void **state)
{
    int seen = 0;

    (void)state;
    seed = UINT64_C(0x666C6F617434);
    for (int i = 0; i < 20000; i++) {
        double x = (double)(int64_t)next_random() / (double)(1 + (next_random() >> (next_random() % 60)));
        float f = (float)x;
        char exact[64], widened[64], named[64], six[64];

        if ((double)f == x || parity_float4_as_double(f) == x)
            continue;
        snprintf(exact, sizeof exact, "r:%.17g", x);
        snprintf(widened, sizeof widened, "r:%.17g", (double)f);
        snprintf(named, sizeof named, "r:%.17g", parity_float4_as_double(f));
        snprintf(six, sizeof six, "%.6g", (double)f);
        if (strtod(six, NULL) != (double)f) /* six digits are no sign of a float4 */
            check_reasons(&(reason_case){"float8", NULL, exact, widened, "float4 rounding", "float4 round"}, 1);
        if (strtod(six, NULL) != parity_float4_as_double(f))
            check_reasons(&(reason_case){"float8", NULL, exact, named, "float4 rounding", "float4 round"}, 1);
        check_reasons(&(reason_case){"float4", NULL, exact, named, "float4 rounding", "round"}, 1);
        if (parity_float4_as_double(f) != (double)f)
            check_reasons(&(reason_case){"float8", NULL, named, widened, "float4 rounding", "float4"}, 1);
        seen++;
    }
    assert_in_range(seen, 15000, 20000);
}

/* ------------------------------------------------------------------- moments */

static void test_moments(void **state)
{
    static const reason_case cases[] = {
        {"timestamp", NULL, "t:2024-01-01 10:00:00.123456789", "t:2024-01-01 10:00:00.123457", "precision", "round"},
        {"timestamp", NULL, "t:2024-01-01 10:00:00.123456789", "t:2024-01-01 10:00:00.123456", "precision", ""},
        {"timestamp", NULL, "t:2024-01-01 10:00:00.1234567", "t:2024-01-01 10:00:00.1234568", "precision", "round"},
        {"timestamp", NULL, "t:2024-01-01 10:00:00.1234564", "t:2024-01-01 10:00:00.1234566", "value", ""},
        {"timestamp", NULL, "t:2024-01-01 10:00:00.12345678", "t:2024-01-01 10:00:00.1234567", "precision", "round"},
        {"timestamp", NULL, "t:2024-01-01 10:00:00.123456", "t:2024-01-01 10:00:00.123", "precision", ""},
        {"timestamp(3)", NULL, "t:2024-01-01 10:00:00.123456", "t:2024-01-01 10:00:00.123", "precision", "round"},
        {"timestamp(3)", NULL, "t:2024-01-01 10:00:00.1239", "t:2024-01-01 10:00:00.123", "precision", ""},
        {"timestamptz(0)", NULL, "t:2024-01-01 10:00:00.5Z", "t:2024-01-01 10:00:01Z", "precision", "round"},
        {"timestamptz(0)", NULL, "t:2024-01-01 10:00:00.5Z", "t:2024-01-01 10:00:00Z", "precision", ""},
        {"timestamptz", NULL, "t:2024-01-01 10:00:00.5Z", "t:2024-01-01 10:00:01Z", "precision", ""},
        {"timestamptz", NULL, "t:2024-01-01 10:00:59.9Z", "t:2024-01-01 10:01:00Z", "precision", ""},
        {"timestamptz", NULL, "t:2024-01-01 10:00:59.4Z", "t:2024-01-01 10:01:00Z", "value", ""},
        {"timestamptz", NULL, "t:1969-12-31 23:59:58.3Z", "t:1969-12-31 23:59:59Z", "precision", ""}, /* towards 1970 */
        {"timestamptz", NULL, "t:1969-12-31 23:59:58.3Z", "t:1969-12-31 23:59:58Z", "precision", ""},
        {"timestamptz", NULL, "t:1970-01-01 00:00:58.3Z", "t:1970-01-01 00:00:59Z", "value", ""},
        {"timestamp", NULL, "t:2024-01-01 10:00:00", "t:2024-01-01 10:00:01", "value", ""},
        {"timestamp", NULL, "t:infinity", "t:2024-01-01", "value", ""},
        {"timestamp", NULL, "t:infinity", "t:-infinity", "value", ""},
        {"timestamp", NULL, "t:4714-11-24 BC", "t:294276-12-31 23:59:59.999999", "value", ""},
        {"timestamp(0)", NULL, "t:294276-12-31 23:59:59.9", "t:294276-12-31 23:59:59", "precision", ""},
        {"timestamp(0)", NULL, "t:294276-12-31 23:59:59.9", "t:294276-12-31 23:59:59.8", "value", ""}, /* stay */
        {"date", NULL, "t:2024-01-01", "t:2024-01-01 10:20:30", "precision", "round"},
        {"date", NULL, "t:2024-01-01 05:00", "t:2024-01-01 10:20:30.1234567", "precision", "round"},
        {"date", NULL, "t:2024-01-01", "t:2024-01-02", "value", ""},
        {"date", NULL, "t:2024-01-01", "t:2024-01-02 10:20:30", "value", ""},
        {"date", NULL, "t:infinity", "t:2024-01-02 10:20:30", "value", ""},
        {"date", NULL, "t:500000-01-01", "t:2024-01-02 10:20:30", "value", ""},
        {"time", NULL, "t:10:00:00.123456", "t:10:00:00.12", "precision", ""},
        {"time(2)", NULL, "t:10:00:00.123456", "t:10:00:00.12", "precision", "round"},
        {"time(0)", NULL, "t:23:59:59.9", "t:24:00:00", "precision", "round"},
        {"time", NULL, "t:10:00:00.0000005", "t:10:00:00", "precision", "round"},
        {"time", NULL, "t:10:00", "t:12:00", "value", ""},
        {"timetz(0)", NULL, "t:10:00:00.4+02", "t:10:00+02", "precision", "round"},
        {"timetz", NULL, "t:10:00:00.4+02", "t:10:00+01", "value", ""},
        {"timetz", NULL, "t:10:00+02", "t:08:00+00", "value", ""},
        {"interval", NULL, "t:1.0000005 s", "t:1 s", "precision", "round"},
        {"interval(0)", NULL, "t:1 day 1.4 s", "t:1 day 1 s", "precision", "round"},
        {"interval", NULL, "t:-1.7 s", "t:-1 s", "precision", ""},
        {"interval", NULL, "t:-1.7 s", "t:-2 s", "precision", ""},
        {"interval", NULL, "t:-1.7 s", "t:-3 s", "value", ""},
        {"interval", NULL, "t:1 day 1.4 s", "t:2 days 1 s", "value", ""},
        {"interval", NULL, "t:infinity", "t:1 day", "value", ""},
        {"interval", NULL, "t:infinity", "t:-infinity", "value", ""},
        {"uuid", NULL, "x:00112233445566778899aabbccddeeff", "t:33221100-5544-7766-8899-aabbccddeeff", "value",
         "dotnet"},
        {"uuid", NULL, "x:00112233445566778899aabbccddeeff", "t:33221100-5544-7766-8899-aabbccddeefe", "value", ""},
        {"date", NULL, "t:2024-01-01", "null", "value", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_reason(&cases[i], false);
        if (cases[i].kind[0] != 'u') /* dotnet is for BLOBs: the named text changes nothing */
            check_reason(&cases[i], true);
    }
}

typedef struct shift_case {
    const char *kind, *local, *remote; /* only local text lacks a zone */
    const char *reason;
    int32_t shift;
    const char *option, *back; /* the options for local and, the other way round, for remote */
} shift_case;

static void test_shifts(void **state)
{
    static const shift_case cases[] = {
        {"timestamptz", "t:2024-01-01 12:00:00", "t:2024-01-01 10:00:00Z", "time zone shift of 02:00", 7200,
         "zone=+02:00", "zone=-02:00"},
        {"timestamp", "t:2024-01-01 12:00:00", "t:2024-01-01 10:00:00Z", "time zone shift of 02:00", 7200,
         "zone=+02:00", "zone=-02:00"},
        {"timestamptz", "t:2024-01-01 01:30:00.5", "t:2024-01-01 10:00:00.5Z", "time zone shift of -08:30", -30600,
         "zone=-08:30", "zone=+08:30"},
        {"timestamptz", "t:2024-01-01 10:00:00.1234567", "t:2024-01-01 04:15:00.1234567Z", "time zone shift of 05:45",
         20700, "zone=+05:45", "zone=-05:45"},
        {"timestamptz zone=+01:00", "t:2024-01-01 12:00:00", "t:2024-01-01 10:00:00Z", "time zone shift of 01:00", 3600,
         "zone=+02:00", "zone=+00:00"},
        {"timestamptz", "t:2024-01-01 15:45:00", "t:2024-01-01 00:00:00Z", "time zone shift of 15:45", 56700,
         "zone=+15:45", "zone=-15:45"},
        {"timestamptz", "t:2024-01-01 16:00:00", "t:2024-01-01 00:00:00Z", "time zone shift of 16:00", 57600, "", ""},
        {"timestamptz", "t:2024-01-02 02:00:00", "t:2024-01-01 00:00:00Z", "time zone shift of 26:00", 93600, "", ""},
        {"timestamptz", "t:2024-01-02 02:15:00", "t:2024-01-01 00:00:00Z", "value", 0, "", ""},
        {"timestamptz", "t:2024-01-01 02:14:00", "t:2024-01-01 00:00:00Z", "value", 0, "", ""},
        {"timestamptz", "t:2024-01-01 02:00:01", "t:2024-01-01 00:00:00Z", "value", 0, "", ""},
        {"timestamptz", "t:2024-01-01 02:00:00.0000001", "t:2024-01-01 00:00:00Z", "value", 0, "", ""},
        {"date", "t:2024-01-02", "t:2024-01-01 22:00:00Z", "time zone shift of 02:00", 7200, "", ""},
        {"date", "t:2024-01-01", "t:2024-01-01 02:00:00Z", "precision", 0, "round", "round"},
        {"timetz zone=+00:00", "t:10:00:00", "t:10:00:00+02", "time zone shift of 02:00", 7200, "zone=+02:00", ""},
        {"timetz", "t:10:00:00+00", "t:10:00:00+02", "time zone shift of 02:00", 7200, "", ""},
        {"timetz", "t:10:00:00+00", "t:10:00:00+02:01", "value", 0, "", ""},
        {"timetz", "t:10:00:00-13", "t:10:00:00+13", "time zone shift of 26:00", 93600, "", ""},
        {"timetz", "t:10:00:00-13", "t:10:00:00+13:15", "value", 0, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const shift_case *c = &cases[i];
        parity_kind kind;
        framed a, b;
        parity_reason got, back;
        char other[64];

        parse_kind(c->kind, &kind);
        read_value(&kind, c->local, &a);
        read_value(&kind, c->remote, &b);
        got = reason_of(&kind, &kind, &a, &b);
        back = reason_of(&kind, &kind, &b, &a);
        if (strcmp(got.text, c->reason) != 0 || strcmp(got.option, c->option) != 0 || strcmp(back.option, c->back) != 0)
            fail_msg("%s: local %s, remote %s:\n  got '%s', '%s' and '%s', '%s'", c->kind, c->local, c->remote,
                     got.text, got.option, back.text, back.option);
        assert_int_equal(got.shift, c->shift);
        assert_int_equal(back.shift, -c->shift);
        assert_int_equal(back.id, got.id);
        if (c->shift != 0) {
            const char *hours = c->reason + strlen("time zone shift of ");

            assert_int_equal(got.id, PARITY_R_ZONE);
            snprintf(other, sizeof other, "time zone shift of %s%s", *hours == '-' ? "" : "-", hours + (*hours == '-'));
            assert_string_equal(back.text, other);
        } else {
            assert_string_equal(back.text, c->reason);
        }
        if (c->option[0] != '\0' && !accepts(&kind, c->option, c->local, c->remote))
            fail_msg("%s: %s and %s differ under %s", c->kind, c->local, c->remote, c->option);
        free_value(&a);
        free_value(&b);
    }
}

/* Moments cut or rounded to each number of decimals, and shifted by each quarter of an hour. */
static void test_random_moments(void **state)
{
    int precisions = 0;

    (void)state;
    seed = UINT64_C(0x7374616D70);
    for (int i = 0; i < 20000; i++) {
        int64_t us = (int64_t)(next_random() % UINT64_C(1000000000000000)); /* from 2000 on */
        int64_t unit = 1, other, shift;
        int p = (int)(next_random() % 7), quarters = (int)(next_random() % 240) - 120;
        char kind_text[32];
        parity_kind kind;
        parity_frame a = {.tag = PARITY_TAG_STAMP, .i = us}, b = a;
        parity_reason got;
        parity_buf scratch;
        bool cut, rounded;

        for (int d = p; d < 6; d++)
            unit *= 10;
        other = (us / unit + (int64_t)(next_random() % 3) - (next_random() % 8 == 0)) * unit;
        cut = other == us / unit * unit;
        rounded = other == (us + unit / 2) / unit * unit;
        snprintf(kind_text, sizeof kind_text, "timestamptz(%d)", p);
        parse_kind(kind_text, &kind);
        parity_buf_init(&scratch, &test_mem);
        b.i = other;
        if (us % 10 != 0 && other / unit % 10 != 0 && p < 6) {
            assert_int_equal(parity_reason_of(&scratch, &kind, &kind, &a, &b, &got), PARITY_OK);
            assert_int_equal(got.id, cut || rounded ? PARITY_R_PRECISION : PARITY_R_VALUE);
            assert_string_equal(got.option, rounded ? "round" : "");
            precisions += cut || rounded;
        }
        shift = quarters * INT64_C(900);
        b.i = us - shift * 1000000;
        kind.has_scale = false;
        if (shift != 0) {
            assert_int_equal(parity_reason_of(&scratch, &kind, &kind, &a, &b, &got), PARITY_OK);
            assert_int_equal(got.id, quarters <= 104 && quarters >= -104 ? PARITY_R_ZONE : PARITY_R_VALUE);
            assert_int_equal(got.shift, got.id == PARITY_R_ZONE ? shift : 0);
            assert_int_equal(got.option[0] != '\0', quarters < 64 && quarters > -64);
        }
        parity_buf_free(&scratch);
    }
    assert_in_range(precisions, 5000, 20000);
}

/* Frames that no reader writes, as a hostile bundle may hold them: the ends of every range against each other. */
static void test_extremes(void **state)
{
    static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, INT64_MIN + 999999, -1, 0, 1, INT32_MIN, INT32_MAX,
                                   INT64_MAX - 999999, INT64_MAX - 1, INT64_MAX};
    static const uint8_t tags[] = {PARITY_TAG_INT, PARITY_TAG_STAMP, PARITY_TAG_DATE, PARITY_TAG_TIME,
                                   PARITY_TAG_TIMETZ, PARITY_TAG_INTERVAL, PARITY_TAG_NULL};
    static const char *const kinds[] = {"int", "decimal(10,2)", "float8", "float4", "timestamptz(0)", "date", "time(3)",
                                        "timetz", "interval(0)", "text"};
    const size_t nends = sizeof ends / sizeof ends[0], ntags = sizeof tags;
    parity_buf scratch;

    (void)state;
    parity_buf_init(&scratch, &test_mem);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        parity_kind kind;

        parse_kind(kinds[k], &kind);
        for (size_t i = 0; i < nends * ntags * 2; i++)
            for (size_t j = 0; j < nends * ntags * 2; j++) {
                parity_frame f[2];
                parity_reason got;

                for (int side = 0; side < 2; side++) {
                    size_t n = side == 0 ? i : j;
                    bool fine = n % 2 == 1;

                    memset(&f[side], 0, sizeof f[side]);
                    n /= 2;
                    f[side].tag = tags[n % ntags];
                    f[side].i = ends[n / ntags];
                    if (f[side].tag == PARITY_TAG_DATE)
                        f[side].i = (int32_t)f[side].i;
                    f[side].east = (int32_t)f[side].i;
                    if (fine && f[side].tag != PARITY_TAG_INT && f[side].tag != PARITY_TAG_DATE &&
                        f[side].tag != PARITY_TAG_NULL) {
                        f[side].fine = "7";
                        f[side].nfine = 1;
                    }
                }
                assert_int_equal(parity_reason_of(&scratch, &kind, &kind, &f[0], &f[1], &got), PARITY_OK);
                if (f[0].tag != f[1].tag && !(f[0].tag + f[1].tag == PARITY_TAG_STAMP + PARITY_TAG_DATE))
                    assert_int_equal(got.id, PARITY_R_VALUE);
                else if (f[0].tag == PARITY_TAG_INTERVAL && got.id == PARITY_R_PRECISION)
                    assert_true((double)f[0].i - (double)f[1].i <= 1e6 && (double)f[1].i - (double)f[0].i <= 1e6);
            }
    }
    parity_buf_free(&scratch);
}

/* ----------------------------------------------------------------------- BAD */

static void test_bad(void **state)
{
    static const reason_case cases[] = {
        {"int", NULL, "t:abc", "i:1", "BAD", ""},
        {"int", NULL, "t:abc", "t:abd", "BAD", ""},
        {"int", NULL, "t:abc", "null", "BAD", ""},
        {"int", NULL, "x:3131", "i:11", "BAD", "blob=utf8"},
        {"int", NULL, "x:3132", "i:11", "BAD", "blob=utf8"},
        {"bool", NULL, "i:7", "i:1", "BAD", "nonzero"},
        {"bool", NULL, "r:7.5", "i:1", "BAD", ""},
        {"bytes", NULL, "t:00ff", "x:00ff", "BAD", "text=hex"},
        {"bytes", NULL, "t:AP8=", "x:00ff", "BAD", "text=base64"},
        {"bytes", NULL, "t:ab", "x:6162", "BAD", "text=utf8"},
        {"bytes", NULL, "t:00ff", "x:00fe", "BAD", "text=utf8, text=hex or text=base64"},
        {"bytes text=hex", NULL, "t:AP8=", "x:00ff", "BAD", "text=base64"},
        {"timestamptz", NULL, "i:1704103200", "t:2024-01-01 10:00:00Z", "BAD", "epoch=s"},
        {"timestamptz", NULL, "i:1704103200000", "t:2024-01-01 10:00:00Z", "BAD", "epoch=ms"},
        {"timestamp", NULL, "i:1704103200000000", "t:2024-01-01 10:00:00", "BAD", "epoch=us"},
        {"timestamp", NULL, "r:2460310.9166666665", "t:2024-01-01 10:00:00", "BAD", "julian"},
        {"timestamp", NULL, "i:1704103201", "t:2024-01-01 10:00:00", "BAD", "epoch=s, epoch=ms, epoch=us or julian"},
        {"timestamp", NULL, "i:1704103201", "null", "BAD", "epoch=s, epoch=ms, epoch=us or julian"},
        {"timestamp epoch=s", NULL, "i:1704103200000000", "t:2024-01-01 10:00:00", "BAD", "epoch=us"},
        {"date", NULL, "i:1704067200", "t:2024-01-01", "BAD", "epoch=s"},
        {"time", NULL, "i:36000000", "t:10:00", "BAD", "epoch=ms"},
        {"time", NULL, "i:36000001", "t:10:00", "BAD", "epoch=s, epoch=ms or epoch=us"},
        {"timestamp", NULL, "t:01.01.2024", "t:2024-01-01", "BAD", ""},
        {"timetz", NULL, "t:10:00", "t:10:00+02", "BAD", "zone=+02:00"},
        {"timetz", NULL, "t:10:00", "t:10:00-03:30", "BAD", "zone=-03:30"},
        {"timetz", NULL, "t:10:01", "t:10:00+02", "BAD", "zone=+HH:MM"},
        {"interval", NULL, "i:90000", "t:90 s", "BAD", "unit=ms"},
        {"interval", NULL, "i:90001", "t:90 s", "BAD", "unit=us, unit=ms or unit=s"},
        {"interval", NULL, "i:86401", "t:1 day 1 s", "BAD", "unit=s"},
        {"json", NULL, "x:5b315d", "t:[1]", "BAD", "blob=utf8"},
        {"json", NULL, "x:2b1331", "t:[1]", "BAD", "blob=jsonb"},
        {"json", NULL, "x:2b1332", "t:[1]", "BAD", "blob=utf8 or blob=jsonb"},
        {"json", NULL, "x:1b01", "t:[true]", "BAD", "blob=jsonb"},
        {"json blob=utf8", NULL, "x:1b01", "t:[true]", "BAD", "blob=jsonb"},
        {"uuid", NULL, "x:00", "t:00112233-4455-6677-8899-aabbccddeeff", "BAD", ""},
        {"text", NULL, "x:6162", "t:ab", "BAD", "blob=utf8"},
        {"text", NULL, "x:6162", "t:ab ", "BAD", "blob=utf8"},
        {"vector", NULL, "t:x", "t:[1,2]", "BAD", ""},
        {"float8", NULL, "x:312e35", "r:1.5", "BAD", "blob=utf8"},
        {"decimal", NULL, "x:312e35", "t:1.5", "BAD", "blob=utf8"},
        {"decimal", NULL, "x:6e616e", "t:nan", "BAD", "blob=utf8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int swapped = 0; swapped < 2; swapped++) {
            const reason_case *c = &cases[i];
            const char *local = swapped ? c->remote : c->local, *remote = swapped ? c->local : c->remote;
            parity_kind kind;
            framed a, b;
            parity_reason got;

            parse_kind(c->kind, &kind);
            read_value(&kind, local, &a);
            read_value(&kind, remote, &b);
            got = reason_of(&kind, &kind, &a, &b);
            if (strcmp(got.text, c->reason) != 0 || strcmp(got.option, c->option) != 0)
                fail_msg("%s: local %s, remote %s:\n  want '%s'\n  got  '%s', '%s'", c->kind, local, remote, c->option,
                         got.text, got.option);
            assert_int_equal(got.id, PARITY_R_BAD);
            free_value(&a);
            free_value(&b);
            /* a hint for values that differ all the same is the only one that may not make them equal */
            if (got.option[0] == '\0' || is_list(got.option))
                continue;
            if (!accepts(&kind, got.option, local, remote))
                assert_string_equal(got.option, "blob=utf8");
        }
    assert_true(accepts(&(parity_kind){.id = PARITY_INT}, "blob=utf8", "x:3131", "i:11"));
    assert_true(accepts(&(parity_kind){.id = PARITY_JSON}, "blob=jsonb", "x:1b01", "t:[true]"));
}

/* An allocator that fails at each call in turn. */
static void test_out_of_memory(void **state)
{
    static const reason_case cases[] = {
        {"decimal(10,2)", NULL, "t:1.005", "t:1.01", "precision", "round"},
        {"decimal", NULL, "r:0.30000000000000004", "t:0.3", "precision", "digits=15"},
        {"float8", NULL, "r:0.1", "r:0.10000000149011612", "float4 rounding", "float4"},
        {"bytes", NULL, "t:AP8=", "x:00ff", "BAD", "text=base64"},
        {"json", NULL, "x:1b01", "t:[true]", "BAD", "blob=jsonb"},
        {"uuid", NULL, "x:00112233445566778899aabbccddeeff", "t:33221100-5544-7766-8899-aabbccddeeff", "value",
         "dotnet"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        parity_kind kind;
        framed a, b;
        parity_reason got;
        parity_buf scratch;
        int failures = 0;

        parse_kind(cases[i].kind, &kind);
        read_value(&kind, cases[i].local, &a);
        read_value(&kind, cases[i].remote, &b);
        for (;; failures++) {
            parity_status status;

            parity_buf_init(&scratch, &test_mem);
            fail_after = failures;
            status = parity_reason_of(&scratch, &kind, &kind, &a.frame, &b.frame, &got);
            fail_after = -1;
            parity_buf_free(&scratch);
            if (status == PARITY_OK)
                break;
            assert_int_equal(status, PARITY_NOMEM);
        }
        assert_in_range(failures, 1, 50);
        assert_string_equal(got.text, cases[i].reason);
        assert_string_equal(got.option, cases[i].option);
        free_value(&a);
        free_value(&b);
    }
}

/* ------------------------------------------------------------------- Unicode */

static void check_unicode(const vector_line *line)
{
    size_t na, nb;
    char *a, *b;

    assert_int_equal(line->nfields, 4);
    a = (char *)from_hex(line->field[0], &na);
    b = (char *)from_hex(line->field[1], &nb);
    a = realloc(a, na > 0 ? na : 1); /* no byte more */
    b = realloc(b, nb > 0 ? nb : 1);
    for (int swapped = 0; swapped < 2; swapped++) {
        bool form = swapped ? parity_text_same_form(b, nb, a, na) : parity_text_same_form(a, na, b, nb);
        bool folded = swapped ? parity_text_same_folded(b, nb, a, na) : parity_text_same_folded(a, na, b, nb);

        if (form != (line->field[2][0] == '1'))
            vector_fail(line, "form", line->field[2], form ? "1" : "0");
        if (folded != (line->field[3][0] == '1'))
            vector_fail(line, "folded", line->field[3], folded ? "1" : "0");
    }
    assert_true(parity_text_same_form(a, na, a, na));
    assert_true(parity_text_same_folded(b, nb, b, nb));
    free(a);
    free(b);
}

static void test_unicode_vectors(void **state)
{
    (void)state;
    assert_in_range(each_vector("unicode.txt", check_unicode), 4000, 20000);
}

/* All Hangul syllables, by the formula of The Unicode Standard, 3.12. */
static void test_hangul(void **state)
{
    (void)state;
    for (uint32_t s = 0; s < 11172; s++) {
        uint32_t syllable = 0xAC00 + s, parts[3] = {0x1100 + s / 588, 0x1161 + s % 588 / 28, 0x11A7 + s % 28};
        size_t nparts = s % 28 == 0 ? 2 : 3;
        char whole[3], apart[9];

        for (size_t i = 0; i <= nparts; i++) {
            uint32_t c = i == nparts ? syllable : parts[i];
            char *out = i == nparts ? whole : apart + 3 * i;

            out[0] = (char)(0xE0 | c >> 12);
            out[1] = (char)(0x80 | (c >> 6 & 0x3F));
            out[2] = (char)(0x80 | (c & 0x3F));
        }
        assert_true(parity_text_same_form(whole, 3, apart, 3 * nparts));
        assert_false(parity_text_same_form(whole, 3, apart, 3 * nparts - 3));
        apart[2]++;
        assert_false(parity_text_same_form(whole, 3, apart, 3 * nparts));
    }
}

/* What is not UTF-8 is only equal to itself. */
static void test_invalid_utf8(void **state)
{
    static const char *const invalid[] = {"\xFF", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80",
                                          "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xE2\x84", "\xF0\x9F\x98",
                                          "\x80", "\xC3\x28"};

    (void)state;
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        for (int place = 0; place < 2; place++) {
            char a[16], b[16], c[16];

            snprintf(a, sizeof a, place ? "\xC3\xA9%s" : "%s\xC3\xA9", invalid[i]);
            snprintf(b, sizeof b, place ? "e\xCC\x81%s" : "%se\xCC\x81", invalid[i]);
            snprintf(c, sizeof c, place ? "\xC3\x89%s" : "%s\xC3\x89", invalid[i]);
            assert_true(parity_text_same_form(a, strlen(a), a, strlen(a)));
            assert_true(parity_text_same_folded(a, strlen(a), a, strlen(a)));
            assert_false(parity_text_same_form(a, strlen(a), b, strlen(b)));
            assert_false(parity_text_same_form(b, strlen(b), a, strlen(a)));
            assert_false(parity_text_same_folded(a, strlen(a), c, strlen(c)));
            assert_false(parity_text_same_folded(c, strlen(c), a, strlen(a)));
        }
    assert_true(parity_text_same_form(NULL, 0, "", 0));
    assert_true(parity_text_same_folded("", 0, NULL, 0));
    assert_false(parity_text_same_form(NULL, 0, "a", 1));
    assert_false(parity_text_same_folded("a", 1, NULL, 0));
    assert_false(parity_text_same_form("a", 1, "a\0", 2));
    assert_true(parity_text_same_form("\0\xC3\xA9", 3, "\0e\xCC\x81", 4));
}

/* Marks behind one character: any number in the same order, 64 of them in any order, and never a wrong "equal". */
static void test_long_runs(void **state)
{
    enum { MOST = 300 };
    char a[2 * MOST + 2], b[2 * MOST + 2];

    (void)state;
    for (size_t n = 1; n <= MOST; n++) {
        size_t below = n / 2, above = n - below;

        /* U+00E9 and grave accents, e and acute and grave: the marks are in the same order */
        memcpy(a, "\xC3\xA9", 2);
        memcpy(b, "e\xCC\x81", 3);
        for (size_t i = 0; i + 1 < n; i++) {
            memcpy(a + 2 + 2 * i, "\xCC\x80", 2);
            memcpy(b + 3 + 2 * i, "\xCC\x80", 2);
        }
        assert_true(parity_text_same_form(a, 2 * n, b, 2 * n + 1));
        assert_int_equal(parity_text_same_form(a, 2 * n, b, 2 * n - 1), false);
        if (n >= 2) {
            b[2 * n] ^= 1; /* another last mark */
            assert_false(parity_text_same_form(a, 2 * n, b, 2 * n + 1));
        }
        /* dots below (220) and accents above (230), in two orders */
        a[0] = b[0] = 'o';
        for (size_t i = 0; i < n; i++) {
            memcpy(a + 1 + 2 * i, i < below ? "\xCC\xA3" : "\xCC\x81", 2);
            memcpy(b + 1 + 2 * i, i < above ? "\xCC\x81" : "\xCC\xA3", 2);
        }
        if (n <= 64)
            assert_true(parity_text_same_form(a, 2 * n + 1, b, 2 * n + 1));
        b[2 * n] ^= 3;
        assert_false(parity_text_same_form(a, 2 * n + 1, b, 2 * n + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_two_kinds),
        cmocka_unit_test(test_random_numbers),
        cmocka_unit_test(test_short_numbers),
        cmocka_unit_test(test_random_floats),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_shifts),
        cmocka_unit_test(test_random_moments),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_unicode_vectors),
        cmocka_unit_test(test_hangul),
        cmocka_unit_test(test_invalid_utf8),
        cmocka_unit_test(test_long_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
