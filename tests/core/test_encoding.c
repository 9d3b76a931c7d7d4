/*
 * The kinds bytes and uuid.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "support.h"

/* Reads n bytes as a class under a kind; the frame as hex, to be freed. */
static char *frame_of(const char *kind_text, parity_class cls, const void *p, size_t n, unsigned *notes)
{
    parity_kind kind;
    parity_error err;
    parity_buf b, scratch;
    char *hex, *copy = malloc(n > 0 ? n : 1); /* no byte more */
    parity_value v = {.cls = cls, .i = 1, .r = 1.0, .p = copy, .n = n};

    assert_non_null(copy);
    if (n > 0)
        memcpy(copy, p, n);
    *notes = 0;
    assert_int_equal(parity_kind_parse(kind_text, strlen(kind_text), &kind, &err), PARITY_OK);
    parity_buf_init(&b, &test_mem);
    parity_buf_init(&scratch, &test_mem);
    assert_int_equal(parity_put_value(&b, &scratch, &kind, &v, notes), PARITY_OK);
    hex = to_hex(b.data, b.len);
    parity_buf_free(&b);
    parity_buf_free(&scratch);
    free(copy);
    return hex;
}

/* Fails unless the text is read as a frame of that tag and payload (hex); with NULL, unless it is BAD. */
static void check_text(const char *kind, const char *text, const char *tag, const char *payload)
{
    unsigned notes;
    char want[512], *got = frame_of(kind, PARITY_STRING, text, strlen(text), &notes);

    if (payload != NULL) {
        snprintf(want, sizeof want, "%s%s", tag, payload);
        if (strcmp(got, want) != 0)
            fail_msg("%s '%s':\n  want %s\n  got  %s", kind, text, want, got);
        assert_int_equal(notes, 0);
    } else {
        if (strncmp(got, "0f03", 4) != 0)
            fail_msg("%s '%s': not BAD but %s", kind, text, got);
        assert_int_equal(notes, PARITY_NOTE_BAD);
    }
    free(got);
}

typedef struct text_case {
    const char *text, *payload; /* NULL: BAD */
} text_case;

static void check_texts(const char *kind, const char *tag, const text_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_text(kind, c[i].text, tag, c[i].payload);
}

#define CHECK_TEXTS(kind, tag, table) check_texts(kind, tag, table, sizeof table / sizeof table[0])

/* ---- bytes */

static void test_hex(void **state)
{
    static const text_case cases[] = {
        {"", "00000000"},
        {"\\x", "00000000"},
        {"00", "0100000000"},
        {"\\xDEADbeef", "04000000deadbeef"},
        {"0123456789abcdefABCDEF", "0b0000000123456789abcdefabcdef"},
        {"0", NULL},
        {"\\x0", NULL},
        {"0g", NULL},
        {"g0", NULL},
        {"\\X00", NULL},
        {"x00", NULL},
        {"0x00", NULL},
        {"\\x\\x00", NULL},
        {"00 00", NULL},
        {" 00", NULL},
        {"00\n", NULL},
        {"\xC3\xA9", NULL},
        {"@0", NULL},
        {"`0", NULL},
        {"/0", NULL},
        {":0", NULL},
    };

    (void)state;
    CHECK_TEXTS("bytes text=hex", "05", cases);
}

static void test_base64(void **state)
{
    static const text_case cases[] = {
        {"", "00000000"},
        {"AA==", "0100000000"},
        {"/w==", "01000000ff"},
        {"+/8=", "02000000fbff"},
        {"AAEC", "03000000000102"},
        {"Zm9vYmFy", "06000000666f6f626172"},
        {"Zm9vYmE=", "05000000666f6f6261"},
        {"Zm9vYg==", "04000000666f6f62"},
        /* CR and LF stand anywhere */
        {"Zm9v\r\nYmFy\n", "06000000666f6f626172"},
        {"\nZ\nm\r9vYg\n=\n=\n", "04000000666f6f62"},
        {"\r\n", "00000000"},
        {"Zm9v YmFy", NULL},
        {"Zm9vYg", NULL},
        {"Zm9vYg=", NULL},
        {"Zm9vYg===", NULL},
        {"Zm9vYmE", NULL},
        {"Zm9vYmE==", NULL},
        {"Zm9v=", NULL},
        {"Zm9v====", NULL},
        {"====", NULL},
        {"A", NULL},
        {"A===", NULL},
        {"AA==AA==", NULL},
        {"AA=A", NULL},
        {"=AAA", NULL},
        /* bits that nothing uses must be 0 */
        {"AB==", NULL},
        {"AAB=", NULL},
        {"Zm9-", NULL},
        {"Zm9_", NULL},
        {"Zm9,", NULL},
        {"Zm9\xFF", NULL},
    };

    (void)state;
    CHECK_TEXTS("bytes text=base64", "05", cases);
}

/* What the alphabets contain, byte by byte. */
static void test_alphabets(void **state)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    (void)state;
    for (int c = 1; c < 256; c++) {
        char text[5] = {(char)c, 'A', '=', '=', '\0'}, want[32], *frame;
        const char *digit = strchr(base64, c);
        unsigned notes;

        if (c == '\r' || c == '\n')
            check_text("bytes text=base64", text, "05", NULL); /* A== is left */
        else if (digit == NULL)
            check_text("bytes text=base64", text, "05", NULL);
        else {
            snprintf(want, sizeof want, "01000000%02x", (unsigned)(digit - base64) << 2);
            check_text("bytes text=base64", text, "05", want);
        }
        for (int place = 0; place < 2; place++) {
            char pair[3] = "00";
            bool is_hex = strchr("0123456789abcdefABCDEF", c) != NULL;

            pair[place] = (char)c;
            snprintf(want, sizeof want, "0501000000%02lx", is_hex ? strtoul(pair, NULL, 16) : 0);
            frame = frame_of("bytes text=hex", PARITY_STRING, pair, 2, &notes);
            assert_int_equal(strcmp(frame, want) == 0, is_hex);
            assert_int_equal(notes, is_hex ? 0 : PARITY_NOTE_BAD);
            free(frame);
        }
    }
}

static void test_bytes(void **state)
{
    unsigned notes;
    char *frame;

    (void)state;
    frame = frame_of("bytes", PARITY_BLOB, "\x00\xFFz", 3, &notes);
    assert_string_equal(frame, "050300000000ff7a");
    assert_int_equal(notes, 0);
    free(frame);
    frame = frame_of("bytes", PARITY_BLOB, NULL, 0, &notes);
    assert_string_equal(frame, "0500000000");
    free(frame);
    frame = frame_of("bytes text=hex", PARITY_BLOB, "zz", 2, &notes);
    assert_string_equal(frame, "05020000007a7a");
    free(frame);
    frame = frame_of("bytes text=utf8", PARITY_STRING, "\\x00", 4, &notes);
    assert_string_equal(frame, "05040000005c783030");
    free(frame);
    /* text without an option, and what no option reads */
    frame = frame_of("bytes", PARITY_STRING, "00", 2, &notes);
    assert_string_equal(frame, "0f03020000003030");
    assert_int_equal(notes, PARITY_NOTE_BAD | PARITY_NOTE_OPTION);
    free(frame);
    frame = frame_of("bytes text=hex", PARITY_INTEGER, NULL, 0, &notes);
    assert_string_equal(frame, "0f010100000000000000");
    assert_int_equal(notes, PARITY_NOTE_BAD);
    free(frame);
    frame = frame_of("bytes text=hex", PARITY_REAL, NULL, 0, &notes);
    assert_string_equal(frame, "0f02000000000000f03f");
    assert_int_equal(notes, PARITY_NOTE_BAD);
    free(frame);
}

/* ---- uuid */

#define UUID "00112233445566778899aabbccddeeff"

static void test_uuid_text(void **state)
{
    static const text_case cases[] = {
        {"00112233-4455-6677-8899-aabbccddeeff", UUID},
        {"00112233-4455-6677-8899-AABBCCDDEEFF", UUID},
        {"00112233445566778899aAbBcCdDeEfF", UUID},
        {"{00112233-4455-6677-8899-aabbccddeeff}", UUID},
        {"{00112233445566778899aabbccddeeff}", UUID},
        {"", NULL},
        {"{}", NULL},
        {"00112233-4455-6677-8899-aabbccddeef", NULL},
        {"00112233-4455-6677-8899-aabbccddeefff", NULL},
        {"00112233-4455-6677-8899-aabbccddeefg", NULL},
        {"g0112233-4455-6677-8899-aabbccddeeff", NULL},
        {"0011-2233-4455-6677-8899-aabb-ccdd-eeff", NULL},
        {"0011223-34455-6677-8899-aabbccddeeff", NULL},
        {"00112233-4455-66778899-aabbccddeeff-", NULL},
        {"00112233_4455_6677_8899_aabbccddeeff", NULL},
        {"001122334455-6677-8899-aabbccddeeff", NULL},
        {"0011223344556677-8899aabbccddeeff", NULL},
        {"00112233445566778899aabbccddeef", NULL},
        {"00112233445566778899aabbccddeefff", NULL},
        {"{00112233-4455-6677-8899-aabbccddeeff", NULL},
        {"00112233-4455-6677-8899-aabbccddeeff}", NULL},
        {"{{00112233445566778899aabbccddeeff}}", NULL},
        {"(00112233-4455-6677-8899-aabbccddeeff)", NULL},
        {"}00112233-4455-6677-8899-aabbccddeeff{", NULL},
        {" 00112233-4455-6677-8899-aabbccddeeff", NULL},
        {"00112233-4455-6677-8899-aabbccddeeff ", NULL},
        {"urn:uuid:00112233-4455-6677-8899-aabbccddeeff", NULL},
    };

    (void)state;
    CHECK_TEXTS("uuid", "0b", cases);
    CHECK_TEXTS("uuid dotnet", "0b", cases);
}

/* Each byte value at each place of each form. */
static void test_uuid_bytes(void **state)
{
    static const char *const forms[] = {"00112233-4455-6677-8899-aabbccddeeff", UUID,
                                        "{00112233-4455-6677-8899-aabbccddeeff}", "{" UUID "}"};

    (void)state;
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        size_t n = strlen(forms[f]);

        for (size_t place = 0; place < n; place++) {
            for (int c = 0; c < 256; c++) {
                char text[40], want[40], *got;
                unsigned notes;
                char was = forms[f][place];
                bool valid = strchr("-{}", was) != NULL ? c == was
                                                        : c != 0 && strchr("0123456789abcdefABCDEF", c) != NULL;
                size_t digit = 0;

                memcpy(text, forms[f], n + 1);
                text[place] = (char)c;
                got = frame_of("uuid", PARITY_STRING, text, n, &notes);
                assert_int_equal(notes, valid ? 0 : PARITY_NOTE_BAD);
                if (valid) {
                    for (size_t i = 0; i < n; i++)
                        if (strchr("-{}", text[i]) == NULL)
                            want[digit++] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] + 32 : text[i]);
                    want[digit] = '\0';
                    assert_int_equal(digit, 32);
                    assert_string_equal(got + 2, want);
                }
                free(got);
            }
        }
    }
}

static void test_uuid_blob(void **state)
{
    static const unsigned char bytes[17] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
                                            0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0x00};
    unsigned notes;
    char *frame;

    (void)state;
    frame = frame_of("uuid", PARITY_BLOB, bytes, 16, &notes);
    assert_string_equal(frame, "0b" UUID);
    assert_int_equal(notes, 0);
    free(frame);
    frame = frame_of("uuid dotnet", PARITY_BLOB, bytes, 16, &notes);
    assert_string_equal(frame, "0b33221100554477668899aabbccddeeff");
    free(frame);
    for (size_t n = 0; n <= 17; n += n == 0 ? 15 : 2) {
        frame = frame_of("uuid", PARITY_BLOB, bytes, n, &notes);
        assert_memory_equal(frame, "0f04", 4);
        assert_int_equal(notes, PARITY_NOTE_BAD);
        free(frame);
    }
    frame = frame_of("uuid", PARITY_INTEGER, NULL, 0, &notes);
    assert_memory_equal(frame, "0f01", 4);
    assert_int_equal(notes, PARITY_NOTE_BAD);
    free(frame);
    frame = frame_of("uuid", PARITY_REAL, NULL, 0, &notes);
    assert_memory_equal(frame, "0f02", 4);
    assert_int_equal(notes, PARITY_NOTE_BAD);
    free(frame);
}

/* The frames of typed values, and an allocator that fails. */
static void test_put(void **state)
{
    static const unsigned char uuid[17] = "0123456789abcdef";
    parity_buf b;

    (void)state;
    parity_buf_init(&b, &test_mem);
    assert_int_equal(parity_put_uuid(&b, uuid), PARITY_OK);
    assert_int_equal(parity_put_bytes(&b, "xyz", 3), PARITY_OK);
    assert_int_equal(parity_put_bytes(&b, NULL, 0), PARITY_OK);
    assert_int_equal(b.len, 17 + 8 + 5);
    assert_memory_equal(b.data, "\x0B" "0123456789abcdef\x05\x03\x00\x00\x00xyz\x05\x00\x00\x00\x00", 30);
    assert_int_equal(parity_put_bytes(&b, uuid, (size_t)UINT32_MAX + 1), PARITY_LIMIT);
    assert_int_equal(b.len, 30);
    parity_buf_free(&b);
    fail_after = 0;
    assert_int_equal(parity_put_uuid(&b, uuid), PARITY_NOMEM);
    assert_int_equal(parity_put_bytes(&b, uuid, 16), PARITY_NOMEM);
    fail_after = -1;
    parity_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_alphabets),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_uuid_text),
        cmocka_unit_test(test_uuid_bytes),
        cmocka_unit_test(test_uuid_blob),
        cmocka_unit_test(test_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
