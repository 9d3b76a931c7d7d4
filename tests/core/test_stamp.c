/*
 * The kinds timestamptz, timestamp, date, time, timetz and interval.
 *
 * Frames are compared as text, so that the tables can be read:
 *   STAMP 2024-01-01 12:34:56.789012    in UTC, year 0 is 1 BC
 *   DATE 2024-01-01
 *   TIME 12:34:56.000000
 *   TIMETZ 12:34:56.000000 +3600        seconds east
 *   INTERVAL 1 2 3                      months, days, µs
 *   FINE 7 STAMP …, BAD
 * and behind them the notes: option, rounds, zoneless.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "support.h"

/* ------------------------------------------------------------ frames as text */

static uint64_t load(const unsigned char *p, int bytes)
{
    uint64_t v = 0;

    for (int i = bytes; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static int leap(long year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* A date by counting years and months from 2000, in no way as the reader does it. */
static int print_day(char *out, size_t size, int64_t day)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    long year = 2000;
    int month = 0, length;

    for (; day < 0; day += 365 + leap(year))
        year--;
    for (; day >= 365 + leap(year); year++)
        day -= 365 + leap(year);
    while (day >= (length = days[month] + (month == 1 && leap(year)))) {
        day -= length;
        month++;
    }
    return snprintf(out, size, "%04ld-%02d-%02d", year, month + 1, (int)day + 1);
}

static int print_clock(char *out, size_t size, int64_t us)
{
    return snprintf(out, size, "%02d:%02d:%02d.%06d", (int)(us / 3600000000), (int)(us / 60000000 % 60),
                    (int)(us / 1000000 % 60), (int)(us % 1000000));
}

static void print_frame(char *out, size_t size, const unsigned char *p, size_t n)
{
    const unsigned char *end = p + n;
    int64_t us, day;
    int used = 0;

#define PRINT(...) (used += snprintf(out + used, size - (size_t)used, __VA_ARGS__))
    if (*p == PARITY_TAG_FINE) {
        uint32_t length = (uint32_t)load(p + 1, 4);

        assert_true(length > 0 && p[5 + length - 1] != '0');
        PRINT("FINE %.*s ", (int)length, (const char *)p + 5);
        p += 5 + length;
    }
    us = n >= 9 ? (int64_t)load(p + 1, 8) : 0;
    switch (*p) {
    case PARITY_TAG_STAMP:
        PRINT("STAMP ");
        if (us == INT64_MAX || us == INT64_MIN) {
            PRINT(us > 0 ? "infinity" : "-infinity");
        } else {
            day = us / 86400000000;
            if (us % 86400000000 < 0)
                day--;
            used += print_day(out + used, size - (size_t)used, day);
            PRINT(" ");
            used += print_clock(out + used, size - (size_t)used, us - day * 86400000000);
        }
        p += 9;
        break;
    case PARITY_TAG_DATE:
        day = (int32_t)load(p + 1, 4);
        PRINT("DATE ");
        if (day == INT32_MAX || day == INT32_MIN)
            PRINT(day > 0 ? "infinity" : "-infinity");
        else
            used += print_day(out + used, size - (size_t)used, day);
        p += 5;
        break;
    case PARITY_TAG_TIME:
    case PARITY_TAG_TIMETZ:
        PRINT(*p == PARITY_TAG_TIME ? "TIME " : "TIMETZ ");
        used += print_clock(out + used, size - (size_t)used, us);
        if (*p == PARITY_TAG_TIMETZ) {
            PRINT(" %+d", (int)(int32_t)load(p + 9, 4));
            p += 4;
        }
        p += 9;
        break;
    case PARITY_TAG_INTERVAL:
        PRINT("INTERVAL %d %d %lld", (int)(int32_t)load(p + 1, 4), (int)(int32_t)load(p + 5, 4),
              (long long)load(p + 9, 8));
        p += 17;
        break;
    case PARITY_TAG_BAD:
        PRINT("BAD");
        p = end;
        break;
    default:
        fail_msg("a frame with tag %02x", *p);
    }
    assert_ptr_equal(p, end);
}

/* ------------------------------------------------------------------- checks */

static void check(const char *kind_text, const parity_value *v, const char *input, const char *want)
{
    parity_kind kind;
    parity_error err;
    parity_buf b, scratch;
    unsigned notes = 0;
    char got[512];

    if (parity_kind_parse(kind_text, strlen(kind_text), &kind, &err) != PARITY_OK)
        fail_msg("kind %s: %s", kind_text, err.message);
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_put_null(&b), PARITY_OK); /* what stands before a frame stays */
    assert_int_equal(parity_put_value(&b, &scratch, &kind, v, &notes), PARITY_OK);
    assert_int_equal(b.data[0], PARITY_TAG_NULL);
    print_frame(got, sizeof got - 64, b.data + 1, b.len - 1);
    assert_int_equal(strcmp(got, "BAD") == 0, (notes & PARITY_NOTE_BAD) != 0);
    if (notes & PARITY_NOTE_OPTION)
        strcat(got, " option");
    if (notes & PARITY_NOTE_ROUNDS)
        strcat(got, " rounds");
    if (notes & PARITY_NOTE_ZONELESS)
        strcat(got, " zoneless");
    if (strcmp(got, want) != 0)
        fail_msg("%s of %s:\n  want %s\n  got  %s", kind_text, input, want, got);
    parity_buf_free(&b);
    parity_buf_free(&scratch);
}

static void check_bytes(const char *kind, parity_class cls, const char *text, size_t n, const char *want)
{
    char *copy = malloc(n > 0 ? n : 1); /* no byte more, so that a sanitizer sees any read beyond */
    parity_value v = {.cls = cls, .p = n > 0 ? copy : NULL, .n = n};

    assert_non_null(copy);
    memcpy(copy, text, n);
    check(kind, &v, text, want);
    free(copy);
}

typedef struct text_case {
    const char *kind, *text, *want;
} text_case;

static void check_texts(const text_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_bytes(c[i].kind, PARITY_STRING, c[i].text, strlen(c[i].text), c[i].want);
}

#define CHECK_TEXTS(table) check_texts(table, sizeof table / sizeof table[0])

typedef struct number_case {
    const char *kind;
    int is_real;
    int64_t i;
    double r;
    const char *want;
} number_case;

#define INT(x) 0, (x), 0.0
#define REAL(x) 1, 0, (x)

static void check_numbers(const number_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        parity_value v = {.cls = c[i].is_real ? PARITY_REAL : PARITY_INTEGER, .i = c[i].i, .r = c[i].r};
        char input[64];

        if (c[i].is_real)
            snprintf(input, sizeof input, "%.17g", c[i].r);
        else
            snprintf(input, sizeof input, "%lld", (long long)c[i].i);
        check(c[i].kind, &v, input, c[i].want);
    }
}

#define CHECK_NUMBERS(table) check_numbers(table, sizeof table / sizeof table[0])

/* ------------------------------------------------------------------- stamps */

static void stamp_grammar(void **state)
{
    static const text_case cases[] = {
        {"timestamptz", "2024-01-01 12:34:56.789012+00", "STAMP 2024-01-01 12:34:56.789012"},
        {"timestamptz", "2024-01-01T12:34:56.789Z", "STAMP 2024-01-01 12:34:56.789000"},
        {"timestamptz", "2024-01-01t12:34z", "STAMP 2024-01-01 12:34:00.000000"},
        {"timestamptz", "2024-01-01    12:34   Z", "STAMP 2024-01-01 12:34:00.000000"},
        {"timestamp", "2024-01-01 12:34:56", "STAMP 2024-01-01 12:34:56.000000"},
        {"timestamp", "2024-01-01", "STAMP 2024-01-01 00:00:00.000000"},
        {"timestamptz", "2024-01-01", "STAMP 2024-01-01 00:00:00.000000 zoneless"},
        {"timestamptz", "2024-01-01 12:34:56", "STAMP 2024-01-01 12:34:56.000000 zoneless"},
        {"timestamp", "1999-12-31 23:59:59.999999", "STAMP 1999-12-31 23:59:59.999999"},
        /* zones are subtracted, also under timestamp */
        {"timestamp", "2024-01-01 02:00+02", "STAMP 2024-01-01 00:00:00.000000"},
        {"timestamptz", "2024-01-01 02:00-0530", "STAMP 2024-01-01 07:30:00.000000"},
        {"timestamptz", "2024-01-01 02:00 -05:30", "STAMP 2024-01-01 07:30:00.000000"},
        {"timestamptz", "2024-01-01 00:00+15:59:59", "STAMP 2023-12-31 08:00:01.000000"},
        {"timestamptz", "2024-12-31 23:00-00:00:01", "STAMP 2024-12-31 23:00:01.000000"},
        {"timestamptz", "2024-12-31 23:00-02", "STAMP 2025-01-01 01:00:00.000000"},
        /* the end of a day */
        {"timestamp", "2024-02-28 24:00", "STAMP 2024-02-29 00:00:00.000000"},
        {"timestamp", "2024-12-31 24:00:00.000", "STAMP 2025-01-01 00:00:00.000000"},
        {"timestamp", "2024-12-31 24:00:00+01", "STAMP 2024-12-31 23:00:00.000000"},
        {"timestamp", "2024-12-31 24:01", "BAD"},
        {"timestamp", "2024-12-31 24:00:01", "BAD"},
        {"timestamp", "2024-12-31 24:00:00.000000001", "BAD"},
        /* years */
        {"timestamp", "0001-01-01", "STAMP 0001-01-01 00:00:00.000000"},
        {"timestamp", "0001-12-31 BC", "STAMP 0000-12-31 00:00:00.000000"},
        {"timestamp", "0044-03-15 12:00:00 BC", "STAMP -043-03-15 12:00:00.000000"},
        {"timestamptz", "0044-03-15 12:00:00+01 BC", "STAMP -043-03-15 11:00:00.000000"},
        {"timestamptz", "0044-03-15 12:00:00 BC", "STAMP -043-03-15 12:00:00.000000 zoneless"},
        {"timestamp", "12024-01-01 01:00", "STAMP 12024-01-01 01:00:00.000000"},
        {"timestamp", "0012024-01-01", "STAMP 12024-01-01 00:00:00.000000"},
        {"timestamp", "00012024-01-01", "BAD"},
        {"timestamp", "0000-01-01", "BAD"},
        {"timestamp", "0000000-01-01", "BAD"},
        {"timestamp", "999-01-01 00:00", "BAD"},
        {"timestamp", "-2024-01-01", "BAD"},
        {"timestamp", "+2024-01-01", "BAD"},
        /* leap years: 1 BC and 5 BC are, 1900 is not */
        {"timestamp", "2024-02-29", "STAMP 2024-02-29 00:00:00.000000"},
        {"timestamp", "2000-02-29", "STAMP 2000-02-29 00:00:00.000000"},
        {"timestamp", "0001-02-29 BC", "STAMP 0000-02-29 00:00:00.000000"},
        {"timestamp", "0005-02-29 BC", "STAMP -004-02-29 00:00:00.000000"},
        {"timestamp", "0101-02-29 BC", "BAD"},
        {"timestamp", "0004-02-29 BC", "BAD"},
        {"timestamp", "1900-02-29", "BAD"},
        {"timestamp", "2023-02-29", "BAD"},
        {"timestamp", "2024-02-30", "BAD"},
        {"timestamp", "2024-04-31", "BAD"},
        {"timestamp", "2024-01-32", "BAD"},
        {"timestamp", "2024-01-00", "BAD"},
        {"timestamp", "2024-00-01", "BAD"},
        {"timestamp", "2024-13-01", "BAD"},
        /* infinity */
        {"timestamptz", "infinity", "STAMP infinity"},
        {"timestamptz", "-Infinity", "STAMP -infinity"},
        {"timestamp", "+INFINITY", "STAMP infinity"},
        {"timestamptz zone=+01:00 round", "infinity", "STAMP infinity"},
        {"timestamp", "inf", "BAD"},
        {"timestamp", "infinity ", "BAD"},
        {"timestamp", "--infinity", "BAD"},
        {"timestamp", "infinit", "BAD"},
        /* decimals */
        {"timestamp", "2024-01-01 00:00:00.1", "STAMP 2024-01-01 00:00:00.100000"},
        {"timestamp", "2024-01-01 00:00:00.000001000", "STAMP 2024-01-01 00:00:00.000001"},
        {"timestamp", "2024-01-01 00:00:00.0000001", "FINE 1 STAMP 2024-01-01 00:00:00.000000 rounds"},
        {"timestamp", "1970-01-01 00:00:00.123456789", "FINE 789 STAMP 1970-01-01 00:00:00.123456 rounds"},
        {"timestamp", "1970-01-01 00:00:00.123456080", "FINE 08 STAMP 1970-01-01 00:00:00.123456 rounds"},
        {"timestamp", "2024-01-01 00:00:00.1234567890", "BAD"},
        {"timestamp", "2024-01-01 00:00:00.", "BAD"},
        {"timestamp", "2024-01-01 00:00:00,5", "BAD"},
        {"timestamp", "2024-01-01 00:00.5", "BAD"},
        /* what is not a stamp */
        {"timestamp", "", "BAD"},
        {"timestamp", "2024-01-01 ", "BAD"},
        {"timestamp", " 2024-01-01", "BAD"},
        {"timestamp", "2024-01-01T", "BAD"},
        {"timestamp", "2024-01-01Z", "BAD"},
        {"timestamp", "2024-01-01 Z", "BAD"},
        {"timestamp", "2024-01-01 12:00 ", "BAD"},
        {"timestamp", "2024-01-01 12:00Z ", "BAD"},
        {"timestamp", "2024-01-01\t12:00", "BAD"},
        {"timestamp", "2024-01-01T 12:00", "BAD"},
        {"timestamp", "2024-01-01 12:00\tZ", "BAD"},
        {"timestamp", "2024-01-01 12", "BAD"},
        {"timestamp", "2024-01-01 12:", "BAD"},
        {"timestamp", "2024-01-01 12:0", "BAD"},
        {"timestamp", "2024-01-01 12:00:", "BAD"},
        {"timestamp", "2024-01-01 12:00:0", "BAD"},
        {"timestamp", "2024-01-01 12:60", "BAD"},
        {"timestamp", "2024-01-01 12:00:60", "BAD"},
        {"timestamp", "2024-01-01 25:00", "BAD"},
        {"timestamp", "2024-1-1 12:00", "BAD"},
        {"timestamp", "2024/01/01", "BAD"},
        {"timestamp", "20240101T120000", "BAD"},
        {"timestamp", "2024-01-01 12:00 UTC", "BAD"},
        {"timestamp", "2024-01-01 12:00+2", "BAD"},
        {"timestamp", "2024-01-01 12:00+16", "BAD"},
        {"timestamp", "2024-01-01 12:00+02:", "BAD"},
        {"timestamp", "2024-01-01 12:00+02:0", "BAD"},
        {"timestamp", "2024-01-01 12:00+020", "BAD"},
        {"timestamp", "2024-01-01 12:00+02:60", "BAD"},
        {"timestamp", "2024-01-01 12:00+02:00:60", "BAD"},
        {"timestamp", "2024-01-01 12:00+02:00:0", "BAD"},
        {"timestamp", "2024-01-01 12:00+02:00:00:00", "BAD"},
        {"timestamp", "2024-01-01 12:00  BC", "BAD"},
        {"timestamp", "2024-01-01  BC", "BAD"},
        {"timestamp", "2024-01-01BC", "BAD"},
        {"timestamp", "2024-01-01 bc", "BAD"},
        {"timestamp", "2024-01-01 BC ", "BAD"},
        {"timestamp", "2024-01-01 BC 12:00", "BAD"},
        {"timestamp", "now", "BAD"},
    };

    (void)state;
    CHECK_TEXTS(cases);
    check_bytes("timestamp", PARITY_STRING, "2024-01-01\0", 11, "BAD");
}

static void stamp_ranges(void **state)
{
    static const text_case cases[] = {
        {"timestamp", "4714-11-24 00:00:00 BC", "STAMP -4713-11-24 00:00:00.000000"},
        {"timestamp", "4714-11-23 23:59:59.999999999 BC", "BAD"},
        {"timestamp", "4714-11-23 24:00 BC", "STAMP -4713-11-24 00:00:00.000000"},
        {"timestamp", "4714-11-23 23:00-01 BC", "STAMP -4713-11-24 00:00:00.000000"},
        {"timestamp", "4714-11-24 00:59:59+01 BC", "BAD"},
        {"timestamp", "294276-12-31 23:59:59.999999", "STAMP 294276-12-31 23:59:59.999999"},
        {"timestamp", "294277-01-01 00:00", "BAD"},
        {"timestamp", "294276-12-31 24:00", "BAD"},
        {"timestamp", "294277-01-01 00:59:59+01", "STAMP 294276-12-31 23:59:59.000000"},
        {"timestamp", "294276-12-31 23:00-01", "BAD"},
        {"timestamp zone=-00:01", "294276-12-31 23:59", "BAD"},
        {"timestamp", "5874897-12-31 00:00", "BAD"},
        {"timestamp", "9999999-12-31 24:00-15:59:59", "BAD"},
        {"timestamp", "9999999-01-01 00:00+15:59:59 BC", "BAD"},
        {"date", "5874897-12-31", "DATE 5874897-12-31"},
        {"date", "5874898-01-01", "BAD"},
        {"date", "5874897-12-31 00:00+15", "DATE 5874897-12-31"},
        {"date", "5874897-12-31 24:00", "BAD"},
        {"date", "5874897-12-31 00:01", "BAD"},
        {"date", "9999999-12-31", "BAD"},
        {"date", "4714-11-24 BC", "DATE -4713-11-24"},
        {"date", "4714-11-23 BC", "BAD"},
        {"date", "4714-11-23 24:00 BC", "DATE -4713-11-24"},
        {"date", "9999999-01-01 BC", "BAD"},
    };

    (void)state;
    CHECK_TEXTS(cases);
}

/* Every day of 3,000 years, in order: each is one more than the one before. */
static void every_day(void **state)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    parity_kind kind = {.id = PARITY_DATE};
    parity_buf b, scratch;
    int32_t want = 0;

    (void)state;
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    for (int year = -500; year < 2500; year++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= 31; day++) {
                char text[40];
                parity_value v = {.cls = PARITY_STRING, .p = text};
                unsigned notes = 0;

                v.n = (size_t)snprintf(text, sizeof text, "%04d-%02d-%02d%s", year > 0 ? year : 1 - year, month, day,
                                       year > 0 ? "" : " BC");
                b.len = 0;
                assert_int_equal(parity_put_value(&b, &scratch, &kind, &v, &notes), PARITY_OK);
                if (day > days[month - 1] + (month == 2 && leap(year))) {
                    assert_int_equal(b.data[0], PARITY_TAG_BAD);
                    continue;
                }
                assert_int_equal(b.data[0], PARITY_TAG_DATE);
                if (year == -500 && month == 1 && day == 1)
                    want = (int32_t)load(b.data + 1, 4);
                assert_int_equal((int32_t)load(b.data + 1, 4), want);
                if (year == 2000 && month == 1 && day == 1)
                    assert_int_equal(want, 0);
                want++;
            }
        }
    }
    parity_buf_free(&b);
    parity_buf_free(&scratch);
}

static void dates(void **state)
{
    static const text_case cases[] = {
        {"date", "2024-02-29", "DATE 2024-02-29"},
        {"date", "0044-03-15 BC", "DATE -043-03-15"},
        {"date", "infinity", "DATE infinity"},
        {"date", "-INFINITY", "DATE -infinity"},
        {"date", "+infinity", "DATE infinity"},
        /* midnight on its own clock, in any zone */
        {"date", "2024-02-29 00:00", "DATE 2024-02-29"},
        {"date", "2024-02-29T00:00:00.000000000+05:30", "DATE 2024-02-29"},
        {"date", "2024-02-29 00:00:00-11", "DATE 2024-02-29"},
        {"date", "2024-02-28 24:00+02", "DATE 2024-02-29"},
        {"date", "0044-03-15 00:00 BC", "DATE -043-03-15"},
        /* any other time of day is an instant */
        {"date", "2024-02-29 00:00:01", "STAMP 2024-02-29 00:00:01.000000 rounds"},
        {"date", "2024-02-29 02:00+02", "STAMP 2024-02-29 00:00:00.000000 rounds"},
        {"date", "2024-02-29 00:00:00.000000001", "FINE 001 STAMP 2024-02-29 00:00:00.000000 rounds"},
        {"date round", "2024-02-29 00:00:00.000000001", "DATE 2024-02-29 rounds"},
        {"date round", "2024-02-29 23:59:59.9999999", "DATE 2024-02-29 rounds"},
        {"date round", "2024-02-29 01:00+02", "DATE 2024-02-29 rounds"},
        {"date round", "2024-02-29 23:00-02", "DATE 2024-02-29 rounds"},
        {"date round", "2024-02-29", "DATE 2024-02-29"},
        {"date round", "infinity", "DATE infinity"},
        /* a day before the first one is no date */
        {"date", "4714-11-23 23:00-02 BC", "STAMP -4713-11-24 01:00:00.000000"},
        {"date round", "4714-11-23 23:00-02 BC", "STAMP -4713-11-24 01:00:00.000000"},
        {"date", "2024-02-30", "BAD"},
        {"date", "2024-02-29 ", "BAD"},
        {"date", "20240229", "BAD"},
        {"date", "", "BAD"},
    };

    (void)state;
    CHECK_TEXTS(cases);
}

static void times(void **state)
{
    static const text_case cases[] = {
        {"time", "12:34:56.789012", "TIME 12:34:56.789012"},
        {"time", "12:34", "TIME 12:34:00.000000"},
        {"time", "00:00:00", "TIME 00:00:00.000000"},
        {"time", "24:00", "TIME 24:00:00.000000"},
        {"time", "24:00:00.000000000", "TIME 24:00:00.000000"},
        {"time", "24:00:00.000000001", "BAD"},
        {"time", "2000-01-01T12:34", "TIME 12:34:00.000000"},
        {"time", "2000-01-01 12:34:56", "TIME 12:34:56.000000"},
        {"time", "2000-01-01   24:00", "TIME 24:00:00.000000"},
        {"time", "2000-01-01t12:34", "TIME 12:34:00.000000"},
        {"time", "2000-01-01T 12:34", "BAD"},
        {"time", "2000-01-01", "BAD"},
        {"time", "2000-01-01 ", "BAD"},
        {"time", "2000-01-02 12:34", "BAD"},
        {"time", "12:34Z", "BAD"},
        {"time", "12:34+00", "BAD"},
        {"time", "12:34 ", "BAD"},
        {"time", " 12:34", "BAD"},
        {"time", "1:34", "BAD"},
        {"time", "123456", "BAD"},
        {"time", "12:34:56.", "BAD"},
        {"time", "12:60", "BAD"},
        {"time", "", "BAD"},
        {"time", "12:34:56.7890125", "FINE 5 TIME 12:34:56.789012 rounds"},
        {"time round", "12:34:56.7890125", "TIME 12:34:56.789012 rounds"},
        {"time round", "12:34:56.7890135", "TIME 12:34:56.789014 rounds"},
        {"time round", "23:59:59.9999999", "TIME 24:00:00.000000 rounds"},
        {"time(0) round", "23:59:59.5", "TIME 24:00:00.000000 rounds"},
        {"time(1)", "12:34:56.75", "TIME 12:34:56.750000 rounds"},
        {"time(1)", "12:34:56.7", "TIME 12:34:56.700000"},

        {"timetz", "12:34:56.789+05:30", "TIMETZ 12:34:56.789000 +19800"},
        {"timetz", "12:34-15:59:59", "TIMETZ 12:34:00.000000 -57599"},
        {"timetz", "24:00  Z", "TIMETZ 24:00:00.000000 +0"},
        {"timetz", "12:34 +0200", "TIMETZ 12:34:00.000000 +7200"},
        {"timetz", "12:34-00", "TIMETZ 12:34:00.000000 +0"},
        {"timetz", "12:34", "BAD option"},
        {"timetz", "12:34 ", "BAD"},
        {"timetz", "12:34+", "BAD"},
        {"timetz", "12:34+02 ", "BAD"},
        {"timetz", "12:34+02 BC", "BAD"},
        {"timetz", "2000-01-01 12:34+02", "BAD"},
        {"timetz", "", "BAD"},
        {"timetz zone=-03:30", "12:34", "TIMETZ 12:34:00.000000 -12600"},
        {"timetz zone=-03:30", "12:34Z", "TIMETZ 12:34:00.000000 +0"},
        {"timetz(2) round", "23:59:59.995+02", "TIMETZ 24:00:00.000000 +7200 rounds"},
        {"timetz", "00:00:00.000000999+02", "FINE 999 TIMETZ 00:00:00.000000 +7200 rounds"},
    };

    (void)state;
    CHECK_TEXTS(cases);
}

static void rounding(void **state)
{
    static const text_case cases[] = {
        /* ties to the even µs, also before 2000, where the µs is rounded down too */
        {"timestamp round", "2024-01-01 00:00:00.0000005", "STAMP 2024-01-01 00:00:00.000000 rounds"},
        {"timestamp round", "2024-01-01 00:00:00.0000015", "STAMP 2024-01-01 00:00:00.000002 rounds"},
        {"timestamp round", "2024-01-01 00:00:00.000000501", "STAMP 2024-01-01 00:00:00.000001 rounds"},
        {"timestamp round", "2024-01-01 00:00:00.000000499", "STAMP 2024-01-01 00:00:00.000000 rounds"},
        {"timestamp round", "1999-12-31 23:59:59.9999995", "STAMP 2000-01-01 00:00:00.000000 rounds"},
        {"timestamp round", "1999-12-31 23:59:59.9999985", "STAMP 1999-12-31 23:59:59.999998 rounds"},
        {"timestamp round", "2024-01-01 00:00:00.000001", "STAMP 2024-01-01 00:00:00.000001"},
        /* (p): halves away from 2000 */
        {"timestamp(3)", "2024-01-01 00:00:00.0005", "STAMP 2024-01-01 00:00:00.000500 rounds"},
        {"timestamp(3) round", "2024-01-01 00:00:00.0005", "STAMP 2024-01-01 00:00:00.001000 rounds"},
        {"timestamp(3) round", "2024-01-01 00:00:00.000499", "STAMP 2024-01-01 00:00:00.000000 rounds"},
        {"timestamp(3) round", "1999-12-31 23:59:59.9995", "STAMP 1999-12-31 23:59:59.999000 rounds"},
        {"timestamp(3) round", "1999-12-31 23:59:59.999501", "STAMP 2000-01-01 00:00:00.000000 rounds"},
        {"timestamp(3) round", "2024-01-01 00:00:00.123", "STAMP 2024-01-01 00:00:00.123000"},
        {"timestamp(6) round", "2024-01-01 00:00:00.123456", "STAMP 2024-01-01 00:00:00.123456"},
        {"timestamptz(0) round", "2024-12-31 23:59:59.5Z", "STAMP 2025-01-01 00:00:00.000000 rounds"},
        /* twice: the digits first */
        {"timestamp(3) round", "2024-01-01 00:00:00.0004995", "STAMP 2024-01-01 00:00:00.001000 rounds"},
        /* what would leave the range stays, and so does not round */
        {"timestamp round", "294276-12-31 23:59:59.9999999", "FINE 9 STAMP 294276-12-31 23:59:59.999999"},
        {"timestamp(0) round", "294276-12-31 23:59:59.5", "STAMP 294276-12-31 23:59:59.500000"},
        {"timestamp(0)", "294276-12-31 23:59:59.5", "STAMP 294276-12-31 23:59:59.500000"},
        {"timestamp(0) round", "294276-12-31 23:59:59.4999994", "STAMP 294276-12-31 23:59:59.000000 rounds"},
        {"timestamp(0) round", "294276-12-31 23:59:59.4999996", "FINE 6 STAMP 294276-12-31 23:59:59.499999"},
        {"interval round", "-0.0000005 s", "INTERVAL 0 0 0 rounds"},
        {"interval round", "-0.0000015 s", "INTERVAL 0 0 -2 rounds"},
        {"interval round", "0.0000015 s", "INTERVAL 0 0 2 rounds"},
        {"interval(1) round", "1.25 s", "INTERVAL 0 0 1300000 rounds"},
        {"interval(1) round", "-1.25 s", "INTERVAL 0 0 -1300000 rounds"},
        {"interval(0)", "1.25 s", "INTERVAL 0 0 1250000 rounds"},
        {"interval(0) round", "9223372036854775807 us", "INTERVAL 0 0 9223372036854775807"},
        {"interval(0) round", "-9223372036854775808 us", "INTERVAL 0 0 -9223372036854775808"},
        {"interval round", "9223372036854.775807999 s", "FINE 999 INTERVAL 0 0 9223372036854775807"},
    };

    (void)state;
    CHECK_TEXTS(cases);
}

static void zones(void **state)
{
    static const text_case cases[] = {
        {"timestamptz zone=+02:00", "2024-01-01 12:00", "STAMP 2024-01-01 10:00:00.000000"},
        {"timestamptz zone=+02:00", "2024-01-01", "STAMP 2023-12-31 22:00:00.000000"},
        {"timestamptz zone=+02:00", "2024-01-01 12:00Z", "STAMP 2024-01-01 12:00:00.000000"},
        {"timestamp zone=-09:30", "2024-01-01 12:00", "STAMP 2024-01-01 21:30:00.000000"},
        {"timestamp zone=-09:30", "2024-01-01 12:00 BC", "STAMP -2023-01-01 21:30:00.000000"},
        {"timestamptz zone=+00:00", "2024-01-01 12:00", "STAMP 2024-01-01 12:00:00.000000"},
    };

    (void)state;
    CHECK_TEXTS(cases);
}

/* ------------------------------------------------------------------ numbers */

static void epochs(void **state)
{
    static const number_case cases[] = {
        {"timestamptz epoch=s", INT(0), "STAMP 1970-01-01 00:00:00.000000"},
        {"timestamptz epoch=s", INT(1704112496), "STAMP 2024-01-01 12:34:56.000000"},
        {"timestamptz epoch=ms", INT(1704112496789), "STAMP 2024-01-01 12:34:56.789000"},
        {"timestamptz epoch=us", INT(1704112496789012), "STAMP 2024-01-01 12:34:56.789012"},
        {"timestamp epoch=ms", INT(-1), "STAMP 1969-12-31 23:59:59.999000"},
        {"timestamp epoch=us", INT(-1), "STAMP 1969-12-31 23:59:59.999999"},
        {"timestamptz(3) epoch=us", INT(1500), "STAMP 1970-01-01 00:00:00.001500 rounds"},
        {"timestamptz(3) epoch=us round", INT(1500), "STAMP 1970-01-01 00:00:00.001000 rounds"},
        {"timestamptz epoch=s zone=+02:00", INT(0), "STAMP 1970-01-01 00:00:00.000000"},
        {"timestamptz epoch=s", REAL(0.1), "STAMP 1970-01-01 00:00:00.100000"},
        {"timestamptz epoch=s", REAL(-0.1), "STAMP 1969-12-31 23:59:59.900000"},
        {"timestamptz epoch=s", REAL(-0.0), "STAMP 1970-01-01 00:00:00.000000"},
        {"timestamptz epoch=s", REAL(1704112496.789012), "STAMP 2024-01-01 12:34:56.789012"},
        {"timestamptz epoch=ms", REAL(1704112496789.5), "STAMP 2024-01-01 12:34:56.789500"},
        {"timestamptz epoch=us", REAL(0.5), "FINE 5 STAMP 1970-01-01 00:00:00.000000 rounds"},
        {"timestamptz epoch=us", REAL(-0.25), "FINE 75 STAMP 1969-12-31 23:59:59.999999 rounds"},
        {"timestamptz epoch=s", REAL(1e-10), "FINE 0001 STAMP 1970-01-01 00:00:00.000000 rounds"},
        {"timestamptz epoch=s", REAL(-1.25e-10), "FINE 999875 STAMP 1969-12-31 23:59:59.999999 rounds"},
        {"timestamptz epoch=s round", REAL(-1.25e-10), "STAMP 1970-01-01 00:00:00.000000 rounds"},
        {"timestamptz epoch=s", REAL(1e100), "BAD"},
        {"timestamptz epoch=s", REAL(-1e100), "BAD"},
        {"timestamptz epoch=us", REAL(1e300), "BAD"},
        {"timestamptz epoch=s", REAL((double)INFINITY), "BAD"},
        {"timestamptz epoch=s", REAL(-(double)INFINITY), "BAD"},
        {"timestamptz epoch=s", INT(INT64_MAX), "BAD"},
        {"timestamptz epoch=s", INT(INT64_MIN), "BAD"},
        {"timestamptz epoch=us", INT(INT64_MAX), "STAMP 294247-01-10 04:00:54.775807"},
        {"timestamptz epoch=us", INT(INT64_MIN), "BAD"},
        {"timestamptz epoch=s", INT(9224318015999), "STAMP 294276-12-31 23:59:59.000000"},
        {"timestamptz epoch=s", INT(9224318016000), "BAD"},
        {"timestamptz epoch=s", INT(-210866803200), "STAMP -4713-11-24 00:00:00.000000"},
        {"timestamptz epoch=s", INT(-210866803201), "BAD"},
        {"date epoch=s", INT(86400), "DATE 1970-01-02"},
        {"date epoch=ms", INT(-86400000), "DATE 1969-12-31"},
        {"date epoch=s", INT(86401), "STAMP 1970-01-02 00:00:01.000000 rounds"},
        {"date epoch=s round", INT(86401), "DATE 1970-01-02 rounds"},
        {"date epoch=s round", INT(-1), "DATE 1969-12-31 rounds"},
        {"date epoch=us", REAL(0.5), "FINE 5 STAMP 1970-01-01 00:00:00.000000 rounds"},
        {"date epoch=us round", REAL(-0.5), "DATE 1969-12-31 rounds"},
        {"date epoch=s", REAL(86400.0), "DATE 1970-01-02"},
        {"date epoch=s", INT(185331707078400 - 1), "BAD"},
        {"date epoch=s", INT(185331707078400 - 86400), "DATE 5874897-12-31"},
        {"date epoch=s", INT(185331707078400), "BAD"},
        {"date epoch=s", INT(-210866803200), "DATE -4713-11-24"},
        {"date epoch=s", INT(-210866803200 - 86400), "BAD"},
        {"time epoch=s", INT(45296), "TIME 12:34:56.000000"},
        {"time epoch=ms", INT(45296789), "TIME 12:34:56.789000"},
        {"time epoch=s", REAL(45296.789), "TIME 12:34:56.789000"},
        {"time epoch=s", INT(86400), "TIME 24:00:00.000000"},
        {"time epoch=us", INT(86400000001), "BAD"},
        {"time epoch=s", INT(-1), "BAD"},
        {"time epoch=us", REAL(-0.5), "BAD"},
        {"time epoch=us", REAL(0.5), "FINE 5 TIME 00:00:00.000000 rounds"},
        {"time epoch=us", REAL(86400000000.5), "BAD"},
    };

    (void)state;
    CHECK_NUMBERS(cases);
}

static void julian_days(void **state)
{
    static const number_case cases[] = {
        {"timestamp julian", REAL(2451544.5), "STAMP 2000-01-01 00:00:00.000000"},
        {"timestamp julian", REAL(2440587.5), "STAMP 1970-01-01 00:00:00.000000"},
        {"timestamp julian", REAL(2460311.02426839), "STAMP 2024-01-01 12:34:56.789000"},
        {"timestamptz julian", INT(2451545), "STAMP 2000-01-01 12:00:00.000000"},
        {"timestamp julian", REAL(0.0), "STAMP -4713-11-24 12:00:00.000000"},
        {"timestamp julian", REAL(1.55 / 86400000.0), "STAMP -4713-11-24 12:00:00.002000"},
        {"timestamp julian", REAL(1.45 / 86400000.0), "STAMP -4713-11-24 12:00:00.001000"},
        {"timestamp julian", REAL(-1e-9), "STAMP -4713-11-24 12:00:00.000000"},
        {"timestamp julian", REAL(-0.001), "BAD"},
        {"timestamp julian", INT(-1), "BAD"},
        {"timestamp julian", REAL(5373484.49999999), "STAMP 9999-12-31 23:59:59.999000"},
        {"timestamp julian", REAL(5373484.5), "BAD"},
        {"timestamp julian", INT(INT64_MAX), "BAD"},
        {"timestamp julian", REAL((double)INFINITY), "BAD"},
        {"timestamp julian", REAL(-(double)INFINITY), "BAD"},
        {"timestamp(0) julian", REAL(2460311.02426839), "STAMP 2024-01-01 12:34:56.789000 rounds"},
        {"date julian", REAL(2451544.5), "DATE 2000-01-01"},
        {"date julian", INT(2451545), "STAMP 2000-01-01 12:00:00.000000 rounds"},
        {"date julian round", INT(2451545), "DATE 2000-01-01 rounds"},
        {"timestamp epoch=s julian", INT(2451545), "STAMP 1970-01-29 08:59:05.000000"},
        {"timestamp epoch=s julian", REAL(2451545.0), "STAMP 2000-01-01 12:00:00.000000"},
    };

    (void)state;
    CHECK_NUMBERS(cases);
}

static void options_that_are_missing(void **state)
{
    static const number_case cases[] = {
        {"timestamptz", INT(0), "BAD option"},      {"timestamptz", REAL(0.5), "BAD option"},
        {"timestamp", INT(0), "BAD option"},        {"date", REAL(0.0), "BAD option"},
        {"date", INT(0), "BAD option"},             {"time", INT(0), "BAD option"},
        {"time", REAL(0.0), "BAD option"},          {"timetz", INT(0), "BAD"},
        {"timetz", REAL(0.0), "BAD"},               {"interval", INT(0), "BAD option"},
        {"interval", REAL(0.0), "BAD option"},      {"timestamptz round", INT(0), "BAD option"},
    };
    static const char *const kinds[] = {"timestamptz", "timestamp", "date", "time", "timetz", "interval"};

    (void)state;
    CHECK_NUMBERS(cases);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        check_bytes(kinds[i], PARITY_BLOB, "12:34", 5, "BAD option");
    check_bytes("time blob=utf8", PARITY_BLOB, "12:34", 5, "TIME 12:34:00.000000");
    check_bytes("time blob=utf8", PARITY_BLOB, "12:3", 4, "BAD");
    check_bytes("interval blob=utf8", PARITY_BLOB, "1 day", 5, "INTERVAL 0 1 0");
    check_bytes("timetz blob=utf8", PARITY_BLOB, "12:34", 5, "BAD option");
}

/* ---------------------------------------------------------------- intervals */

static void interval_items(void **state)
{
    static const text_case cases[] = {
        {"interval", "1 year 2 mons 3 days 04:05:06.789", "INTERVAL 14 3 14706789000"},
        {"interval", "-1 year -2 mons +3 days -04:05:06", "INTERVAL -14 3 -14706000000"},
        {"interval", "@ 1 year 2 mons -3 days 4 hours 5 mins 6.5 secs ago", "INTERVAL -14 3 -14706500000"},
        {"interval", "00:00:00", "INTERVAL 0 0 0"},
        {"interval", "0:00", "INTERVAL 0 0 0"},
        {"interval", "1:30", "INTERVAL 0 0 5400000000"},
        {"interval", "100:00:00.000001", "INTERVAL 0 0 360000000001"},
        {"interval", "-00:00:00.0000001", "FINE 9 INTERVAL 0 0 -1 rounds"},
        {"interval", "00:00:00.123456789", "FINE 789 INTERVAL 0 0 123456 rounds"},
        {"interval", "1.123456789 ms", "FINE 456789 INTERVAL 0 0 1123 rounds"},
        {"interval", "-1.123456789 ms", "FINE 543211 INTERVAL 0 0 -1124 rounds"},
        {"interval", "1.123456789 ms ago", "FINE 543211 INTERVAL 0 0 -1124 rounds"},
        {"interval", "0.0000004 s 0.0000006 s", "INTERVAL 0 0 1"},
        {"interval", "1 s -0.0000001 s", "FINE 9 INTERVAL 0 0 999999 rounds"},
        {"interval", "1us 1usec 1usecs 1microsecond 1microseconds", "INTERVAL 0 0 5"},
        {"interval", "1ms 1msec 1msecs 1millisecond 1milliseconds", "INTERVAL 0 0 5000"},
        {"interval", "1s 1sec 1secs 1second 1seconds", "INTERVAL 0 0 5000000"},
        {"interval", "1m 1min 1mins 1minute 1minutes", "INTERVAL 0 0 300000000"},
        {"interval", "1h 1hr 1hrs 1hour 1hours", "INTERVAL 0 0 18000000000"},
        {"interval", "1d 1day 1days", "INTERVAL 0 3 0"},
        {"interval", "1w 1week 1weeks", "INTERVAL 0 21 0"},
        {"interval", "1mon 1mons 1month 1months", "INTERVAL 4 0 0"},
        {"interval", "1y 1yr 1yrs 1year 1years", "INTERVAL 60 0 0"},
        {"interval", "1decade 1 decades", "INTERVAL 240 0 0"},
        {"interval", "1century 1   centuries", "INTERVAL 2400 0 0"},
        {"interval", "1 DAY  2 Hours   AGO", "INTERVAL 0 -1 -7200000000"},
        {"interval", "0000000000000000000000001 day", "INTERVAL 0 1 0"},
        {"interval", "1 day 2", "BAD"},
        {"interval", "1", "BAD"},
        {"interval", "@ 0", "BAD"},
        {"interval", "", "BAD"},
        {"interval", "@", "BAD"},
        {"interval", "@ ", "BAD"},
        {"interval", "@1 day", "BAD"},
        {"interval", "ago", "BAD"},
        {"interval", "@ ago", "BAD"},
        {"interval", "1 day ago ", "BAD"},
        {"interval", "1 day ago ago", "BAD"},
        {"interval", "1 day ago 1 day", "BAD"},
        {"interval", "1 dayago", "BAD"},
        {"interval", "1 ago", "BAD"},
        {"interval", "1 day2 hours", "BAD"},
        {"interval", "1 day ", "BAD"},
        {"interval", " 1 day", "BAD"},
        {"interval", "1\tday", "BAD"},
        {"interval", "- 1 day", "BAD"},
        {"interval", "--1 day", "BAD"},
        {"interval", "1.5 days", "BAD"},
        {"interval", "1.5 us", "BAD"},
        {"interval", "1.5 mins", "BAD"},
        {"interval", "1. s", "BAD"},
        {"interval", ".5 s", "BAD"},
        {"interval", "1.1234567890 s", "BAD"},
        {"interval", "1e3 s", "BAD"},
        {"interval", "1 fortnight", "BAD"},
        {"interval", "1 dayss", "BAD"},
        {"interval", "1 microsecondss", "BAD"},
        {"interval", "day", "BAD"},
        {"interval", "1:2", "BAD"},
        {"interval", "1:60", "BAD"},
        {"interval", "1:00:60", "BAD"},
        {"interval", "1:00:00.", "BAD"},
        {"interval", "1:00.5", "BAD"},
        {"interval", "1.5:00", "BAD"},
        {"interval", ":30", "BAD"},
        {"interval", "1:30 1 day", "BAD"},
        {"interval", "1:30 1:30", "BAD"},
        {"interval", "1-2", "BAD"},
        {"interval", "infinity", "INTERVAL 2147483647 2147483647 9223372036854775807"},
        {"interval(3) round", "-Infinity", "INTERVAL -2147483648 -2147483648 -9223372036854775808"},
        {"interval", "infinity ago", "BAD"},
    };

    (void)state;
    CHECK_TEXTS(cases);
    check_bytes("interval", PARITY_STRING, "1 day\0", 6, "BAD");
}

static void interval_iso(void **state)
{
    static const text_case cases[] = {
        {"interval", "P1Y2M3W4DT5H6M7.5S", "INTERVAL 14 25 18367500000"},
        {"interval", "P-1Y+2M-3DT-4H5M-6.5S", "INTERVAL -10 -3 -14106500000"},
        {"interval", "p1dt2h", "INTERVAL 0 1 7200000000"},
        {"interval", "PT0S", "INTERVAL 0 0 0"},
        {"interval", "P0D", "INTERVAL 0 0 0"},
        {"interval", "PT1M", "INTERVAL 0 0 60000000"},
        {"interval", "P1M", "INTERVAL 1 0 0"},
        {"interval", "PT-0.0000001S", "FINE 9 INTERVAL 0 0 -1 rounds"},
        {"interval", "P", "BAD"},
        {"interval", "PT", "BAD"},
        {"interval", "P1DT", "BAD"},
        {"interval", "P1", "BAD"},
        {"interval", "P1D ", "BAD"},
        {"interval", "P 1D", "BAD"},
        {"interval", "-P1D", "BAD"},
        {"interval", "P1.5D", "BAD"},
        {"interval", "PT1.5M", "BAD"},
        {"interval", "P1D1Y", "BAD"},
        {"interval", "P1D1D", "BAD"},
        {"interval", "PT1S1M", "BAD"},
        {"interval", "P1H", "BAD"},
        {"interval", "PT1D", "BAD"},
        {"interval", "PT1HT1M", "BAD"},
        {"interval", "P1D ago", "BAD"},
        {"interval", "P0001-02-03T04:05:06", "BAD"},
    };

    (void)state;
    CHECK_TEXTS(cases);
}

static void interval_ranges(void **state)
{
    static const text_case cases[] = {
        {"interval", "2147483647 months 2147483647 days", "INTERVAL 2147483647 2147483647 0"},
        {"interval", "-2147483648 months -2147483648 days", "INTERVAL -2147483648 -2147483648 0"},
        {"interval", "2147483648 days ago", "INTERVAL 0 -2147483648 0"},
        {"interval", "2147483648 days", "BAD"},
        {"interval", "-2147483648 days ago", "BAD"},
        {"interval", "2147483648 months", "BAD"},
        {"interval", "-2147483649 days", "BAD"},
        {"interval", "178956970 years 7 mons", "INTERVAL 2147483647 0 0"},
        {"interval", "178956970 years 8 mons", "BAD"},
        {"interval", "306783378 weeks 1 day", "INTERVAL 0 2147483647 0"},
        {"interval", "306783378 weeks 2 days", "BAD"},
        {"interval", "1789570 centuries", "BAD"},
        {"interval", "2562047788:00:54.775807", "INTERVAL 0 0 9223372036854775807"},
        {"interval", "2562047788:00:54.775808", "BAD"},
        {"interval", "-2562047788:00:54.775808", "INTERVAL 0 0 -9223372036854775808"},
        {"interval", "-2562047788:00:54.775809", "BAD"},
        {"interval", "-2562047788:00:54.7758081", "BAD"},
        {"interval", "2562047788:00:54.7758071", "FINE 1 INTERVAL 0 0 9223372036854775807 rounds"},
        {"interval", "@ 2562047788 hours 54.775808 secs ago", "INTERVAL 0 0 -9223372036854775808"},
        {"interval", "9223372036854775808 us ago", "INTERVAL 0 0 -9223372036854775808"},
        {"interval", "9223372036854775808 us", "BAD"},
        {"interval", "9223372036854775807 us 1 us -1 us", "INTERVAL 0 0 9223372036854775807"},
        {"interval", "9999999999999999999 hours -9999999999999999998 hours", "INTERVAL 0 0 3600000000"},
        {"interval", "9999999999999999999 centuries -9999999999999999999 centuries", "INTERVAL 0 0 0"},
        {"interval", "99999999999999999999 days", "BAD"},
        {"interval", "18446744073709551617 us", "BAD"},
    };

    (void)state;
    CHECK_TEXTS(cases);
}

static void interval_counts(void **state)
{
    static const number_case cases[] = {
        {"interval unit=us", INT(0), "INTERVAL 0 0 0"},
        {"interval unit=us", INT(93784000005), "INTERVAL 0 1 7384000005"},
        {"interval unit=us", INT(-1), "INTERVAL 0 -1 86399999999"},
        {"interval unit=us", INT(-86400000000), "INTERVAL 0 -1 0"},
        {"interval unit=ms", INT(1500), "INTERVAL 0 0 1500000"},
        {"interval unit=s", INT(86400), "INTERVAL 0 1 0"},
        {"interval unit=s", REAL(0.1), "INTERVAL 0 0 100000"},
        {"interval unit=s", REAL(-0.1), "INTERVAL 0 -1 86399900000"},
        {"interval unit=us", REAL(-0.25), "FINE 75 INTERVAL 0 -1 86399999999 rounds"},
        {"interval unit=us round", REAL(-0.25), "INTERVAL 0 -1 86400000000 rounds"},
        {"interval unit=ms", REAL(0.0001), "FINE 1 INTERVAL 0 0 0 rounds"},
        {"interval(0) unit=ms round", INT(1500), "INTERVAL 0 0 2000000 rounds"},
        {"interval unit=us", INT(INT64_MAX), "INTERVAL 0 106751991 14454775807"},
        {"interval unit=us", INT(INT64_MIN), "INTERVAL 0 -106751992 71945224192"},
        {"interval unit=s", INT(INT64_MAX), "BAD"},
        {"interval unit=s", INT(INT64_MIN), "BAD"},
        {"interval unit=s", INT(INT64_C(2147483648) * 86400 - 1), "INTERVAL 0 2147483647 86399000000"},
        {"interval unit=s", INT(INT64_C(2147483648) * 86400), "BAD"},
        {"interval unit=s", INT(INT64_C(-2147483648) * 86400), "INTERVAL 0 -2147483648 0"},
        {"interval unit=s", INT(INT64_C(-2147483648) * 86400 - 1), "BAD"},
        {"interval unit=us", REAL(1e18), "INTERVAL 0 11574074 6400000000"},
        {"interval unit=s", REAL(1e300), "BAD"},
        {"interval unit=s", REAL((double)INFINITY), "BAD"},
    };

    (void)state;
    CHECK_NUMBERS(cases);
}

/* --------------------------------------------------------------------- rest */

static void typed_frames(void **state)
{
    parity_buf b;
    char *hex;

    (void)state;
    parity_buf_init(&b, &test_mem);
    assert_int_equal(parity_put_stamp(&b, -2), PARITY_OK);
    assert_int_equal(parity_put_date(&b, 0x01020304), PARITY_OK);
    assert_int_equal(parity_put_time(&b, 0x0102030405), PARITY_OK);
    assert_int_equal(parity_put_timetz(&b, 1, -2), PARITY_OK);
    assert_int_equal(parity_put_interval(&b, 1, -2, 3), PARITY_OK);
    hex = to_hex(b.data, b.len);
    assert_string_equal(hex, "06feffffffffffffff"
                             "0704030201"
                             "080504030201000000"
                             "090100000000000000feffffff"
                             "0a01000000feffffff0300000000000000");
    free(hex);
    parity_buf_free(&b);
}

/* Wherever memory ends, PARITY_NOMEM comes back and nothing else happens. */
static void out_of_memory(void **state)
{
    static const text_case cases[] = {
        {"timestamp", "2024-01-01 00:00:00.123456789", NULL},
        {"date", "2024-01-01", NULL},
        {"timetz", "12:34:56.123456789Z", NULL},
        {"interval", "1 day 0.123456789 ms", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        parity_kind kind;
        parity_error err;
        parity_buf b, scratch;
        unsigned notes = 0;
        parity_value v = {.cls = PARITY_STRING, .p = cases[i].text, .n = strlen(cases[i].text)};

        assert_int_equal(parity_kind_parse(cases[i].kind, strlen(cases[i].kind), &kind, &err), PARITY_OK);
        parity_buf_init(&b, &test_mem);
        parity_buf_init(&scratch, &test_mem);
        fail_after = 0;
        assert_int_equal(parity_put_value(&b, &scratch, &kind, &v, &notes), PARITY_NOMEM);
        fail_after = -1;
        assert_int_equal(parity_put_value(&b, &scratch, &kind, &v, &notes), PARITY_OK);
        parity_buf_free(&b);
        parity_buf_free(&scratch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamp_grammar), cmocka_unit_test(stamp_ranges),
        cmocka_unit_test(every_day), cmocka_unit_test(dates),
        cmocka_unit_test(times), cmocka_unit_test(rounding),
        cmocka_unit_test(zones), cmocka_unit_test(epochs),
        cmocka_unit_test(julian_days), cmocka_unit_test(options_that_are_missing),
        cmocka_unit_test(interval_items), cmocka_unit_test(interval_iso),
        cmocka_unit_test(interval_ranges), cmocka_unit_test(interval_counts),
        cmocka_unit_test(typed_frames), cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
