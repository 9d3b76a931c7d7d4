/*
 * Numbers: digits of doubles and floats, decimal text, frames, rounding.
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "support.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static double double_of_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The same random numbers in every run. */
static uint64_t next_random(void)
{
    static uint64_t state = UINT64_C(88172645463325252);
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* A frame in words: "INT 5", "DEC -15e-1", "DEC 2" (NaN; 3, 4 infinities), "F64 0.1", "F64 nan". */
static void describe_frame(const parity_buf *b, char *out, size_t size)
{
    const unsigned char *p = b->data;
    uint64_t word = 0;
    if (b->len == 0) {
        snprintf(out, size, "nothing");
        return;
    }
    if (p[0] == PARITY_TAG_INT || p[0] == PARITY_TAG_F64) {
        assert_int_equal(b->len, 9);
        for (int i = 7; i >= 0; i--)
            word = word << 8 | p[1 + i];
        if (p[0] == PARITY_TAG_INT)
            snprintf(out, size, "INT %" PRId64, (int64_t)word);
        else if (word == UINT64_C(0x7FF8000000000000))
            snprintf(out, size, "F64 nan");
        else
            for (int digits = 1; digits <= 17; digits++) {
                snprintf(out, size, "F64 %.*g", digits, double_of_bits(word));
                if (strtod(out + 4, NULL) == double_of_bits(word))
                    break;
            }
        return;
    }
    assert_int_equal(p[0], PARITY_TAG_DEC);
    if (b->len == 2) {
        snprintf(out, size, "DEC %d", p[1]);
        return;
    }
    int32_t exponent = (int32_t)((uint32_t)p[2] | (uint32_t)p[3] << 8 | (uint32_t)p[4] << 16 | (uint32_t)p[5] << 24);
    size_t n = (size_t)p[6] | (size_t)p[7] << 8 | (size_t)p[8] << 16 | (size_t)p[9] << 24;
    assert_int_equal(b->len, 10 + n);
    assert_true(p[1] <= 1);
    snprintf(out, size, "DEC %s%.*se%d", p[1] ? "-" : "", (int)n, (const char *)p + 10, (int)exponent);
}

/* ---- digits */

static const struct {
    double x;
    const char *digits;
} shortest_doubles[] = {
    {1, "1e0"},
    {100, "1e2"},
    {0.1, "1e-1"},
    {12.34, "1234e-2"},
    {0.07, "7e-2"},
    {1e15, "1e15"},
    {0.30000000000000004, "30000000000000004e-17"},
    {40.070985, "40070985e-6"},
    {123456789012345.67, "12345678901234567e-2"},
    {1.5e-12, "15e-13"},
    {9007199254740991.0, "9007199254740991e0"},
    {9007199254740992.0, "9007199254740992e0"},
    {9007199254740994.0, "9007199254740994e0"},
    {0x1p60, "1152921504606847e3"},
    {0x1p63, "9223372036854776e3"},
    {1e22, "1e22"},
    {1e23, "9999999999999999e7"},   /* 10^23 lies just on the boundary, which is excluded */
    {7e22, "70000000000000004e6"},  /* so does 7 * 10^22 */
    {9e22, "9e22"},
    {0x1p-44, "5684341886080802e-29"}, /* ...801 is as close, but odd */
    {0x1p-24, "5960464477539063e-23"}, /* ...062 is below the nearer boundary of a power of two */
    {0x1p-25, "29802322387695312e-24"},
    {4745.0 / 524288, "9050369262695312e-18"},  /* ...125: down to even */
    {2347.0 / 1048576, "22382736206054688e-19"}, /* ...875: up to even */
    {5e-324, "5e-324"},
    {1e-323, "1e-323"},
    {2.225073858507201e-308, "2225073858507201e-323"}, /* the largest subnormal */
    {DBL_MIN, "22250738585072014e-324"},
    {DBL_MAX, "17976931348623157e292"},
};

static void test_shortest_doubles(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(shortest_doubles); i++) {
        char digits[20], got[48];
        int exponent, n = parity_shortest8(shortest_doubles[i].x, digits, &exponent);
        snprintf(got, sizeof got, "%.*se%d", n, digits, exponent);
        assert_string_equal(got, shortest_doubles[i].digits);
    }
}

static const struct {
    float x;
    const char *digits;
    double named;
} shortest_floats[] = {
    {1, "1e0", 1},
    {0.1f, "1e-1", 0.1},
    {40.070985f, "40070984e-6", 40.070984},
    {64057792, "64057792e0", 64057792}, /* 64057790 lies just on the boundary */
    {16777216, "16777216e0", 16777216},
    {0x1p33f, "8589935e3", 8589935000},
    {0x1p56f, "72057594e9", 72057594000000000}, /* 7205759e10 is below the nearer boundary */
    {0x1p-100f, "7888609e-37", 7.888609e-31},
    {1e-45f, "1e-45", 1e-45},
    {1e-44f, "1e-44", 1e-44},
    {0x1p-127f, "5877472e-45", 5.877472e-39},
    {FLT_MIN, "11754944e-45", 1.1754944e-38},
    {FLT_MAX, "34028235e31", 3.4028235e38},
};

static void test_shortest_floats(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(shortest_floats); i++) {
        float x = shortest_floats[i].x;
        char digits[12], got[48];
        int exponent, n = parity_shortest4(x, digits, &exponent);
        snprintf(got, sizeof got, "%.*se%d", n, digits, exponent);
        assert_string_equal(got, shortest_floats[i].digits);
        assert_true(parity_float4_as_double(x) == shortest_floats[i].named);
        assert_true(parity_float4_as_double(-x) == -shortest_floats[i].named);
        assert_true(parity_float4_rule((double)x) == shortest_floats[i].named);
    }
    assert_true(parity_float4_as_double(0) == 0);
    assert_true(isinf(parity_float4_as_double(HUGE_VALF)));
    assert_true(parity_float4_as_double(-HUGE_VALF) == -HUGE_VAL);
    assert_true(isnan(parity_float4_as_double(NAN)));
    assert_true(parity_float4_rule(0.1) == 0.1);
    assert_true(parity_float4_rule(1e300) == 1e300);
    assert_true(parity_float4_rule(-HUGE_VAL) == -HUGE_VAL);
    assert_true(isnan(parity_float4_rule(NAN)));
}

/*
 * What shortest digits must be, for doubles of every size: they read back, and
 * no number of fewer digits does.  (Of an even mantissa also the numbers on the
 * boundary read back, which are excluded.)
 */
static void check_shortest8(double x)
{
    char digits[20], text[64];
    uint64_t bits;
    int exponent, n;
    if (!(x > 0) || isinf(x))
        return;
    n = parity_shortest8(x, digits, &exponent);
    assert_true(digits[0] != '0' && digits[n - 1] != '0');
    snprintf(text, sizeof text, "%.*se%d", n, digits, exponent);
    if (strtod(text, NULL) != x)
        fail_msg("%a: %s is another double", x, text);
    memcpy(&bits, &x, sizeof bits);
    if (n > 1 && (bits & 1) != 0) {
        snprintf(text, sizeof text, "%.*e", n - 2, x);
        if (strtod(text, NULL) == x)
            fail_msg("%a: %s is shorter than %.*se%d", x, text, n, digits, exponent);
    }
}

static void test_shortest_properties(void **state)
{
    (void)state;
    for (int i = 0; i < 40000; i++) {
        uint64_t bits = next_random() >> 1;
        check_shortest8(double_of_bits(bits));
        check_shortest8(double_of_bits((bits & ((UINT64_C(1) << 52) - 1)) | (963 + bits % 130) << 52));
        check_shortest8((double)(next_random() % 100000000) / 100);
        check_shortest8((double)(next_random() % 360000000) / 1e6);
    }
    for (int i = 0; i < 40000; i++) {
        uint32_t bits = (uint32_t)next_random() >> 1;
        float x = float_of_bits(bits);
        char digits[12], text[64];
        int exponent, n;
        if (!(x > 0) || isinf(x))
            continue;
        n = parity_shortest4(x, digits, &exponent);
        assert_true(digits[0] != '0' && digits[n - 1] != '0');
        snprintf(text, sizeof text, "%.*se%d", n, digits, exponent);
        assert_true(strtof(text, NULL) == x);
        assert_true(parity_float4_as_double(x) == strtod(text, NULL));
        if (n > 1 && (bits & 1) != 0) {
            snprintf(text, sizeof text, "%.*e", n - 2, (double)x);
            assert_true(strtof(text, NULL) != x);
        }
    }
}

/* Fifteen digits against printf's, which are exact in the C libraries that we know. */
static void test_digits15(void **state)
{
    static const double special[] = {0.1, 12.34, 0.30000000000000004, 5e-324, 1e-310, DBL_MIN, DBL_MAX, 1e22, 1e23,
                                     999999999999999.5, 99999999999999.95, 100000000000000.5, 1000000000000000.5,
                                     1000000000000002.5, 1000000000000005.0, 1000000000000015.0, 9007199254740993.0};
    (void)state;
    for (size_t i = 0; i < COUNT(special) + 40000; i++) {
        double x = i < COUNT(special) ? special[i] : i % 2 ? double_of_bits(next_random() >> 1)
                                                           : (double)next_random() * 0x1p-40;
        char digits[20], want[64], got[64];
        int exponent, n;
        if (!(x > 0) || isinf(x))
            continue;
        n = parity_digits15(x, digits, &exponent);
        assert_true(n >= 1 && n <= 15 && digits[n - 1] != '0');
        snprintf(want, sizeof want, "%.14e", x);
        snprintf(got, sizeof got, "%c.%.*s%.*se%+03d", digits[0], n - 1, digits + 1, 15 - n, "00000000000000",
                 exponent + n - 1);
        assert_string_equal(got, want);
    }
}

/* ---- decimal text */

static const struct {
    const char *text;
    const char *json; /* NULL: not decimal text */
} texts[] = {
    {"0", "0"}, {"-0", "0"}, {"+0.000", "0"}, {"0e99999999999999999999", "0"}, {"00012.3400", "1234e-2"},
    {"1", "1"}, {"-1", "-1"}, {"+1", "1"}, {".5", "5e-1"}, {"-.5", "-5e-1"}, {"1.5", "15e-1"}, {"100", "1e2"},
    {"1e2", "1e2"}, {"1E+2", "1e2"}, {"15e-1", "15e-1"}, {"1.50e1", "15"}, {"0.001e3", "1"},
    {"12345678901234567890.123456789012345678901234567", "12345678901234567890123456789012345678901234567e-27"},
    {"12345678901234567890123456789.123456789012345678901234567",
     "12345678901234567890123456789123456789012345678901234567e-27"},
    {"1e2147483647", "1e2147483647"}, {"10e2147483646", "1e2147483647"}, {"0.1e2147483648", "1e2147483647"},
    {"1e-2147483648", "1e-2147483648"},
    {"1e2147483648", "bad"}, {"1e-2147483649", "bad"}, {"1e99999999999999999999999", "bad"},
    {"-1e-99999999999999999999999", "bad"},
    {"", NULL}, {"+", NULL}, {"-", NULL}, {".", NULL}, {"5.", NULL}, {"-5.", NULL}, {"5.e1", NULL}, {".e1", NULL},
    {"e1", NULL}, {"1e", NULL}, {"1e+", NULL}, {"1e1.5", NULL}, {"--1", NULL}, {"+-1", NULL}, {"1.2.3", NULL},
    {" 1", NULL}, {"1 ", NULL}, {"1,5", NULL}, {"1_000", NULL}, {"0x10", NULL}, {"nan", NULL}, {"inf", NULL},
    {"1\n", NULL}, {"\xD9\xA1", NULL},
};

static void test_decimal_text(void **state)
{
    parity_buf b, scratch;
    (void)state;
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    for (size_t i = 0; i < COUNT(texts); i++) {
        parity_number number;
        bool ok, bad = false;
        size_t n = strlen(texts[i].text);
        char *exact = malloc(n > 0 ? n : 1); /* so that reading on behind the end is seen */
        assert_non_null(exact);
        memcpy(exact, texts[i].text, n);
        assert_int_equal(parity_number_parse(exact, n, &scratch, &number, &ok), PARITY_OK);
        if (ok != (texts[i].json != NULL))
            fail_msg("'%s' is%s decimal text", texts[i].text, ok ? " not" : "");
        if (ok) {
            b.len = 0;
            assert_int_equal(parity_json_number(&b, &number, &bad), PARITY_OK);
            if (bad) {
                assert_int_equal(b.len, 0);
                assert_string_equal("bad", texts[i].json);
            } else {
                assert_int_equal(parity_buf_put(&b, "", 1), PARITY_OK);
                assert_string_equal((char *)b.data, texts[i].json);
            }
        }
        free(exact);
    }
    parity_buf_free(&b);
    parity_buf_free(&scratch);
}

static const struct {
    const char *text;
    double x;
} doubles[] = {
    {"0", 0}, {"1", 1}, {"-12.34", -12.34}, {"1e22", 1e22}, {"1e23", 1e23}, {"123e35", 123e35},
    {"9007199254740993", 9007199254740992.0},             /* a tie: to even */
    {"9007199254740993.0000000000000000000000000001", 9007199254740994.0},
    {"9007199254740995", 9007199254740996.0},
    {"1.7976931348623157e308", DBL_MAX}, {"1.7976931348623158e308", DBL_MAX},
    /* the middle above DBL_MAX, and just below it */
    {"1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070963"
     "3028641669288791094655554785194040263065748867150582068190890200070838367627385484581771153176447573027"
     "006985557136695962284291481986083493647529271907416844436551"
     "0704342711559699508093042880177904174497792", HUGE_VAL},
    {"1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070963"
     "3028641669288791094655554785194040263065748867150582068190890200070838367627385484581771153176447573027"
     "006985557136695962284291481986083493647529271907416844436551"
     "0704342711559699508093042880177904174497791", DBL_MAX},
    {"1e309", HUGE_VAL}, {"-1e400", -HUGE_VAL}, {"1e99999999999999999999", HUGE_VAL},
    {"5e-324", 5e-324}, {"2.4703282292062328e-324", 5e-324}, {"2.4703282292062327e-324", 0}, {"1e-400", 0},
    {"1e-99999999999999999999", 0},
    {"0.000000000000000000000000000000000000000000000000000000000000000000001e69", 1},
    {"1000000000000000000000000000000000000000000000000000000000000000000000e-69", 1},
};

static double read_double(const char *text, size_t n, parity_buf *scratch)
{
    parity_number number;
    bool ok;
    double x;
    assert_int_equal(parity_number_parse(text, n, scratch, &number, &ok), PARITY_OK);
    assert_true(ok);
    assert_int_equal(parity_number_to_double(&number, scratch, &x), PARITY_OK);
    return x;
}

static void test_to_double(void **state)
{
    parity_buf scratch;
    char text[3000];
    (void)state;
    parity_buf_init(&scratch, &test_mem);
    for (size_t i = 0; i < COUNT(doubles); i++) {
        double x = read_double(doubles[i].text, strlen(doubles[i].text), &scratch);
        if (x != doubles[i].x)
            fail_msg("%s gives %a, not %a", doubles[i].text, x, doubles[i].x);
    }
    /* 2^53 + 1, a tie, is decided by a digit two thousand places behind the point */
    memset(text, '0', sizeof text);
    memcpy(text, "9007199254740993.", 17);
    assert_true(read_double(text, 2500, &scratch) == 9007199254740992.0);
    text[2499] = '1';
    assert_true(read_double(text, 2500, &scratch) == 9007199254740994.0);
    /* whatever a double is written as with 17 digits reads back */
    for (int i = 0; i < 40000; i++) {
        double x = double_of_bits(next_random());
        if (isnan(x) || isinf(x))
            continue;
        int n = snprintf(text, sizeof text, i % 2 ? "%.16e" : "%.25e", x);
        assert_true(read_double(text, (size_t)n, &scratch) == x);
    }
    parity_buf_free(&scratch);
}

/* ---- REAL as text */

static const struct {
    double x;
    const char *text;
} real_texts[] = {
    {0, "0.0"}, {-0.0, "0.0"}, {5, "5.0"}, {-5, "-5.0"}, {0.5, "0.5"}, {12.34, "12.34"}, {0.00012, "0.00012"},
    {0.0001, "0.0001"}, {0.00001, "1.0e-05"}, {2.5e-07, "2.5e-07"}, {1e14, "100000000000000.0"},
    {123456789012345.0, "123456789012345.0"}, {123456789012345.67, "123456789012345.67"}, {1e15, "1.0e+15"},
    {1e16, "1.0e+16"}, {-1.25e100, "-1.25e+100"}, {5e-324, "5.0e-324"}, {DBL_MAX, "1.7976931348623157e+308"},
    {HUGE_VAL, "Inf"}, {-HUGE_VAL, "-Inf"},
};

static void test_real_text(void **state)
{
    parity_buf b;
    (void)state;
    parity_buf_init(&b, &test_mem);
    for (size_t i = 0; i < COUNT(real_texts); i++) {
        b.len = 0;
        assert_int_equal(parity_real_text(&b, real_texts[i].x), PARITY_OK);
        assert_int_equal(parity_buf_put(&b, "", 1), PARITY_OK);
        assert_string_equal((char *)b.data, real_texts[i].text);
    }
    parity_buf_free(&b);
}

/* ---- frames */

static void test_frames(void **state)
{
    static const struct {
        bool negative;
        uint64_t coefficient;
        int exponent;
        const char *frame;
    } small[] = {
        {false, 0, 0, "INT 0"}, {true, 0, 5, "INT 0"}, {false, 1234, -2, "DEC 1234e-2"}, {true, 1200, -2, "INT -12"},
        {false, 1250, -2, "DEC 125e-1"}, {false, 1, 18, "INT 1000000000000000000"}, {false, 1, 19, "DEC 1e19"},
        {false, 9223372036854775807u, 0, "INT 9223372036854775807"},
        {true, 9223372036854775808u, 0, "INT -9223372036854775808"},
        {false, 9223372036854775808u, 0, "DEC 9223372036854775808e0"},
        {true, 9223372036854775809u, 0, "DEC -9223372036854775809e0"},
        {false, UINT64_MAX, 0, "DEC 18446744073709551615e0"}, {false, UINT64_MAX, -20, "DEC 18446744073709551615e-20"},
        {false, 10000000000000000000u, -19, "INT 1"}, {false, 10000000000000000000u, 0, "DEC 1e19"},
        {false, 1, INT32_MAX, "DEC 1e2147483647"}, {false, 10, -INT32_MAX, "DEC 1e-2147483646"},
    };
    parity_buf b;
    char got[128], digits[24];
    (void)state;
    parity_buf_init(&b, &test_mem);
    for (size_t i = 0; i < COUNT(small); i++) {
        b.len = 0;
        assert_int_equal(
            parity_put_small_number(&b, small[i].negative, small[i].coefficient, small[i].exponent), PARITY_OK);
        describe_frame(&b, got, sizeof got);
        assert_string_equal(got, small[i].frame);
        /* the long way gives the same */
        int n = snprintf(digits, sizeof digits, "00%" PRIu64, small[i].coefficient);
        b.len = 0;
        assert_int_equal(parity_put_number(&b, small[i].negative, digits, (size_t)n, small[i].exponent), PARITY_OK);
        describe_frame(&b, got, sizeof got);
        assert_string_equal(got, small[i].frame);
    }
    for (int i = 0; i < 40000; i++) {
        unsigned char first[64];
        uint64_t coefficient = next_random() >> next_random() % 64;
        int exponent = (int)(next_random() % 60) - 30, n;
        bool negative = next_random() & 1;
        b.len = 0;
        assert_int_equal(parity_put_small_number(&b, negative, coefficient, exponent), PARITY_OK);
        size_t size = b.len;
        memcpy(first, b.data, size);
        n = snprintf(digits, sizeof digits, "%" PRIu64, coefficient);
        b.len = 0;
        assert_int_equal(parity_put_number(&b, negative, digits, (size_t)n, exponent), PARITY_OK);
        assert_int_equal(b.len, size);
        assert_memory_equal(b.data, first, size);
    }
    b.len = 0;
    assert_int_equal(parity_put_small_number(&b, false, 10, INT32_MAX), PARITY_LIMIT);
    assert_int_equal(parity_put_number(&b, false, "1", 1, (int64_t)INT32_MAX + 1), PARITY_LIMIT);
    assert_int_equal(parity_put_number(&b, false, "1", 1, INT64_MIN), PARITY_LIMIT);
    assert_int_equal(parity_put_dec_special(&b, 5), PARITY_INVALID);
    assert_int_equal(b.len, 0);
    assert_int_equal(parity_put_number(&b, true, "000", 3, INT64_MAX), PARITY_OK);
    describe_frame(&b, got, sizeof got);
    assert_string_equal(got, "INT 0");
    for (int cls = 2; cls <= 4; cls++) {
        b.len = 0;
        assert_int_equal(parity_put_dec_special(&b, cls), PARITY_OK);
        assert_int_equal(b.len, 2);
        assert_int_equal(b.data[1], cls);
    }
    b.len = 0;
    assert_int_equal(parity_put_f64(&b, -0.0), PARITY_OK);
    assert_memory_equal(b.data, "\3\0\0\0\0\0\0\0\0", 9);
    b.len = 0;
    assert_int_equal(parity_put_f64(&b, double_of_bits(UINT64_C(0xFFF0000000000123))), PARITY_OK);
    assert_memory_equal(b.data, "\3\0\0\0\0\0\0\xF8\x7F", 9);
    b.len = 0;
    assert_int_equal(parity_put_int(&b, -2), PARITY_OK);
    assert_memory_equal(b.data, "\1\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9);
    parity_buf_free(&b);
}

/* ---- the kinds */

#define T(text) {PARITY_STRING, 0, 0, text, sizeof(text) - 1}
#define R(x) {PARITY_REAL, 0, x, NULL, 0}
#define I(x) {PARITY_INTEGER, x, 0, NULL, 0}

enum { ROUNDS = PARITY_NOTE_ROUNDS, DIGITS = PARITY_NOTE_DIGITS, OPTION = PARITY_NOTE_OPTION };

static const struct {
    const char *kind; /* without round */
    parity_value value;
    const char *frame;
    const char *rounded; /* with round; NULL: the same */
    unsigned notes;
} reads[] = {
    {"int", I(5), "INT 5", NULL, 0},
    {"int", I(INT64_MIN), "INT -9223372036854775808", NULL, 0},
    {"int uint64", I(-1), "DEC 18446744073709551615e0", NULL, 0},
    {"int uint64", I(INT64_MIN), "DEC 9223372036854775808e0", NULL, 0},
    {"int uint64", I(7), "INT 7", NULL, 0},
    {"int", R(5.0), "INT 5", NULL, 0},
    {"int", R(-0.0), "INT 0", NULL, 0},
    {"int", R(-0x1p63), "INT -9223372036854775808", NULL, 0},
    {"int", R(0x1p63), "DEC 9223372036854776e3", NULL, 0},
    {"int", R(0x1p62), "INT 4611686018427387904", NULL, 0},
    {"int", R(0.5), "DEC 5e-1", "INT 0", ROUNDS},
    {"int", R(-1.5), "DEC -15e-1", "INT -2", ROUNDS},
    {"int", R(2.5), "DEC 25e-1", "INT 2", ROUNDS},
    {"int", R(HUGE_VAL), "DEC 3", NULL, 0},
    {"int", R(-HUGE_VAL), "DEC 4", NULL, 0},
    {"int", R(NAN), "bad", NULL, 0},
    {"int", T("9223372036854775807"), "INT 9223372036854775807", NULL, 0},
    {"int", T("-9223372036854775808"), "INT -9223372036854775808", NULL, 0},
    {"int", T("9223372036854775808"), "DEC 9223372036854775808e0", NULL, 0},
    {"int", T("-9223372036854775809"), "DEC -9223372036854775809e0", NULL, 0},
    {"int", T("9223372036854775806.5"), "DEC 92233720368547758065e-1", "INT 9223372036854775806", ROUNDS},
    {"int", T("9223372036854775807.5"), "DEC 92233720368547758075e-1", "DEC 9223372036854775808e0", ROUNDS},
    {"int", T("12.00"), "INT 12", NULL, 0},
    {"int", T("0.50000000000000000000000000001"), "DEC 50000000000000000000000000001e-29", "INT 1", ROUNDS},
    {"int", T("1e-99999999999"), "bad", "INT 0", ROUNDS},
    {"int", T("1e99999999999"), "bad", NULL, 0},
    {"int", T("nan"), "bad", NULL, 0},
    {"int", T("inf"), "bad", NULL, 0},
    {"int", T(""), "bad", NULL, 0},
    {"int", T("5."), "bad", NULL, 0},
    {"int", T("."), "bad", NULL, 0},
    {"int", T("-.5e1"), "INT -5", NULL, 0},
    {"int", {PARITY_BLOB, 0, 0, "12", 2}, "bad", NULL, OPTION},

    {"decimal", R(12.34), "DEC 1234e-2", NULL, DIGITS},
    {"decimal", R(-0.5), "DEC -5e-1", NULL, 0},
    {"decimal", R(0.0), "INT 0", NULL, 0},
    {"decimal", R(3.0), "INT 3", NULL, 0},
    {"decimal", R(1e22), "DEC 1e22", NULL, 0},
    {"decimal", R(1e23), "DEC 9999999999999999e7", NULL, DIGITS},
    {"decimal", R(0x1p63), "DEC 9223372036854776e3", NULL, DIGITS},
    {"decimal", R(0.1 + 0.2), "DEC 30000000000000004e-17", NULL, DIGITS},
    {"decimal digits=15", R(0.1 + 0.2), "DEC 3e-1", NULL, 0},
    {"decimal digits=15", R(-2.0 / 3), "DEC -666666666666667e-15", NULL, 0},
    {"decimal", R(HUGE_VAL), "DEC 3", NULL, 0},
    {"decimal", R(NAN), "DEC 2", NULL, 0},
    {"decimal", T("12.50"), "DEC 125e-1", NULL, 0},
    {"decimal", T("NaN"), "DEC 2", NULL, 0},
    {"decimal", T("-nan"), "bad", NULL, 0},
    {"decimal", T("+Inf"), "DEC 3", NULL, 0},
    {"decimal", T("-INFINITY"), "DEC 4", NULL, 0},
    {"decimal", T("infinit"), "bad", NULL, 0},
    {"decimal", T("1e2147483648"), "bad", NULL, 0},
    {"decimal", T("1e400"), "DEC 1e400", NULL, 0},
    {"decimal", T("12\0"), "bad", NULL, 0},
    {"decimal(10,2)", I(7), "INT 7", NULL, 0},
    {"decimal(10,2)", T("9.995"), "DEC 9995e-3", "INT 10", ROUNDS},
    {"decimal(10,2)", T("-9.995"), "DEC -9995e-3", "INT -10", ROUNDS},
    {"decimal(10,2)", T("9.985"), "DEC 9985e-3", "DEC 999e-2", ROUNDS},
    {"decimal(10,2)", T("9.9849999999999999999999"), "DEC 99849999999999999999999e-22", "DEC 998e-2", ROUNDS},
    {"decimal(10,2)", T("9.990"), "DEC 999e-2", NULL, 0},
    {"decimal(10,2)", T("1.101"), "DEC 1101e-3", "DEC 11e-1", ROUNDS},
    {"decimal(10,2)", T("0.004"), "DEC 4e-3", "INT 0", ROUNDS},
    {"decimal(10,2)", T("0.005"), "DEC 5e-3", "DEC 1e-2", ROUNDS},
    {"decimal(10,2)", T("-0.0049"), "DEC -49e-4", "INT 0", ROUNDS},
    {"decimal(10,2)", T("1e-99999999999"), "bad", "INT 0", ROUNDS},
    {"decimal(10,2)", T("9223372036854775807.999"), "DEC 9223372036854775807999e-3", "DEC 9223372036854775808e0",
     ROUNDS},
    {"decimal(10,2)", R(12.345), "DEC 12345e-3", "DEC 1235e-2", ROUNDS | DIGITS},
    {"decimal(10,2)", R(12.34), "DEC 1234e-2", NULL, DIGITS},
    {"decimal(10,2)", T("nan"), "DEC 2", NULL, 0},
    {"decimal(3,-2)", I(12345), "INT 12345", "INT 12300", ROUNDS},
    {"decimal(3,-2)", I(12350), "INT 12350", "INT 12400", ROUNDS},
    {"decimal(3,-2)", I(-50), "INT -50", "INT -100", ROUNDS},
    {"decimal(3,-2)", I(49), "INT 49", "INT 0", ROUNDS},
    {"decimal(3,-2)", I(12300), "INT 12300", NULL, 0},
    {"decimal(3,-2)", R(99950.5), "DEC 999505e-1", "INT 100000", ROUNDS},

    {"float8", R(12.34), "F64 12.34", NULL, 0},
    {"float8", R(NAN), "F64 nan", NULL, 0},
    {"float8", R(HUGE_VAL), "F64 inf", NULL, 0},
    {"float8", I(5), "F64 5", NULL, 0},
    {"float8", I(9007199254740992), "F64 9007199254740992", NULL, 0},
    {"float8", I(9007199254740993), "INT 9007199254740993", "F64 9007199254740992", ROUNDS},
    {"float8", I(1000000000000000000), "F64 1e+18", NULL, 0},
    {"float8", I(INT64_MIN), "INT -9223372036854775808", "F64 -9.223372036854776e+18", ROUNDS},
    {"float8", T("-0"), "F64 0", NULL, 0},
    {"float8", T("12.340"), "F64 12.34", NULL, 0},
    {"float8", T("0.10000000000000000555"), "DEC 10000000000000000555e-20", "F64 0.1", ROUNDS},
    {"float8", T("0.30000000000000004"), "F64 0.30000000000000004", NULL, 0},
    {"float8", T("8.000000000000001"), "DEC 8000000000000001e-15", "F64 8.000000000000002", ROUNDS},
    {"float8", T("1e22"), "F64 1e+22", NULL, 0},
    {"float8", T("1e23"), "DEC 1e23", "F64 1e+23", ROUNDS},
    {"float8", T("1e400"), "DEC 1e400", "F64 inf", ROUNDS},
    {"float8", T("-1e-400"), "DEC -1e-400", "F64 0", ROUNDS},
    {"float8", T("1e99999999999"), "bad", "F64 inf", ROUNDS},
    {"float8", T("nAn"), "F64 nan", NULL, 0},
    {"float8", T("-inf"), "F64 -inf", NULL, 0},
    {"float8", T("1x"), "bad", NULL, 0},
    {"float8", {PARITY_BLOB, 0, 0, "1", 1}, "bad", NULL, OPTION},

    {"float4", R(0.1), "F64 0.1", NULL, 0},
    {"float4", R(0.1f), "F64 0.1", NULL, 0},
    {"float4", R(40.070985), "F64 40.070985", "F64 40.070984", ROUNDS},
    {"float4", R(40.070984), "F64 40.070984", NULL, 0},
    {"float4", T("0.10000000149011612"), "F64 0.1", NULL, 0},
    {"float4", I(16777217), "F64 16777217", "F64 16777216", ROUNDS},
    {"float4", T("1e23"), "F64 1e+23", NULL, 0},
    {"float4", R(1e300), "F64 1e+300", NULL, 0},
    {"float4", R(0x1.ffffffp127), "F64 3.4028235677973366e+38", NULL, 0}, /* its nearest float is infinity */
    {"float4", R(0x1.fffffefp127), "F64 3.4028235614590836e+38", "F64 3.4028235e+38", ROUNDS},
    {"float4", R(1e-60), "F64 1e-60", "F64 0", ROUNDS},
    {"float4", R(-HUGE_VAL), "F64 -inf", NULL, 0},
    {"float4", R(NAN), "F64 nan", NULL, 0},
    {"float4", T("infinity"), "F64 inf", NULL, 0},
};

static void test_reads(void **state)
{
    parity_buf b, scratch;
    char got[256], name[64];
    (void)state;
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    for (size_t i = 0; i < COUNT(reads); i++) {
        for (int rounded = 0; rounded <= 1; rounded++) {
            parity_kind kind;
            parity_error error;
            unsigned notes = 0;
            bool bad = false;
            const char *want = rounded && reads[i].rounded != NULL ? reads[i].rounded : reads[i].frame;
            if (rounded && strcmp(reads[i].kind, "decimal") == 0)
                continue; /* has no round without a scale */
            if (rounded && strcmp(reads[i].kind, "decimal digits=15") == 0)
                continue;
            assert_int_equal(parity_kind_parse(reads[i].kind, strlen(reads[i].kind), &kind, &error), PARITY_OK);
            if (rounded)
                kind.options |= PARITY_OPT_ROUND;
            b.len = 0;
            assert_int_equal(parity_read_numeric(&b, &scratch, &kind, &reads[i].value, &notes, &bad), PARITY_OK);
            if (bad)
                assert_int_equal(b.len, 0);
            if (bad)
                snprintf(got, sizeof got, "bad");
            else
                describe_frame(&b, got, sizeof got);
            snprintf(name, sizeof name, "case %zu, %s%s", i, reads[i].kind, rounded ? " round" : "");
            if (strcmp(got, want) != 0)
                fail_msg("%s: %s, not %s", name, got, want);
            if (notes != reads[i].notes)
                fail_msg("%s: notes %x, not %x", name, notes, reads[i].notes);
        }
    }
    parity_buf_free(&b);
    parity_buf_free(&scratch);
}

/* A million digits around the point, rounded with a carry through half of them. */
static void test_long_numbers(void **state)
{
    enum { HALF = 500000 };
    parity_kind kind = {.id = PARITY_DECIMAL, .has_scale = true, .precision = 10, .scale = 2};
    parity_buf b, scratch;
    char *text = malloc(2 * HALF + 1);
    parity_value value = {PARITY_STRING, 0, 0, text, 2 * HALF + 1};
    unsigned notes = 0;
    bool bad = false;
    (void)state;
    assert_non_null(text);
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    memset(text, '9', value.n);
    text[0] = '1';
    text[HALF] = '.';
    assert_int_equal(parity_read_numeric(&b, &scratch, &kind, &value, &notes, &bad), PARITY_OK);
    assert_false(bad);
    assert_int_equal(notes, PARITY_NOTE_ROUNDS);
    assert_int_equal(b.len, 10 + 2 * HALF);
    assert_memory_equal(b.data + 10, text, HALF);
    assert_memory_equal(b.data + 10 + HALF, text + HALF + 1, HALF);

    char got[64];
    kind.options |= PARITY_OPT_ROUND;
    b.len = 0;
    assert_int_equal(parity_read_numeric(&b, &scratch, &kind, &value, &notes, &bad), PARITY_OK);
    describe_frame(&b, got, sizeof got);
    assert_string_equal(got, "DEC 2e499999");

    kind.id = PARITY_FLOAT8;
    b.len = 0;
    assert_int_equal(parity_read_numeric(&b, &scratch, &kind, &value, &notes, &bad), PARITY_OK);
    describe_frame(&b, got, sizeof got);
    assert_string_equal(got, "F64 inf");
    free(text);
    parity_buf_free(&b);
    parity_buf_free(&scratch);
}

/* Every allocation failing once: PARITY_NOMEM, nothing half written, then all is well. */
static void test_out_of_memory(void **state)
{
    static const char text[] = "12345678901234567890123456789012345.123456789012345678901234567890";
    parity_kind kind = {.id = PARITY_DECIMAL};
    parity_value value = {PARITY_STRING, 0, 0, text, sizeof text - 1};
    int failures = 0;
    (void)state;
    for (long after = 0;; after++) {
        parity_buf b, scratch;
        unsigned notes = 0;
        bool bad = false;
        parity_buf_init(&b, &test_mem);
        parity_buf_init(&scratch, &test_mem);
        fail_after = after;
        parity_status status = parity_read_numeric(&b, &scratch, &kind, &value, &notes, &bad);
        fail_after = -1;
        if (status != PARITY_OK) {
            assert_int_equal(status, PARITY_NOMEM);
            assert_int_equal(b.len, 0);
            failures++;
        }
        parity_buf_free(&b);
        parity_buf_free(&scratch);
        if (status == PARITY_OK)
            break;
    }
    assert_int_equal(failures, 2); /* the digits put together, the frame */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shortest_doubles), cmocka_unit_test(test_shortest_floats),
        cmocka_unit_test(test_shortest_properties), cmocka_unit_test(test_digits15),
        cmocka_unit_test(test_decimal_text), cmocka_unit_test(test_to_double), cmocka_unit_test(test_real_text),
        cmocka_unit_test(test_frames), cmocka_unit_test(test_reads), cmocka_unit_test(test_long_numbers),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
