/*
 * encoding.c - the kinds bytes and uuid: hex, base64 and the forms of UUIDs
 */
#include <string.h>

#include "internal.h"

/*
 * Hex digits, once for each half of a byte, so that a pair is just or-ed.  What
 * is no digit has a bit beyond the byte, which survives or-ing.
 */
#define NO 0x100
#define NO6 NO, NO, NO, NO, NO, NO
#define NO9 NO6, NO, NO, NO
#define NO16 NO9, NO6, NO
#define DIGITS(s) 0, 1 << (s), 2 << (s), 3 << (s), 4 << (s), 5 << (s), 6 << (s), 7 << (s), 8 << (s), 9 << (s)
#define LETTERS(s) 10 << (s), 11 << (s), 12 << (s), 13 << (s), 14 << (s), 15 << (s)
#define HEX(s)                                                                                                    \
    {NO16, NO16, NO16, DIGITS(s), NO6, NO, LETTERS(s), NO9, NO16, NO, LETTERS(s), NO9, NO16, NO16, NO16, NO16,    \
     NO16, NO16, NO16, NO16, NO16}

static const uint16_t hex_high[256] = HEX(4), hex_low[256] = HEX(0);

/* base64 digits; NONE is no digit. */
#define NONE 0x80
#define N16 NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE

static const unsigned char base64_digit[256] = {
    N16, N16, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, 62, NONE, NONE, NONE, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NONE, NONE, NONE, NONE, NONE, NONE,
    NONE, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    NONE, NONE, NONE, NONE, NONE,
    NONE, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
    NONE, NONE, NONE, NONE, NONE, N16, N16, N16, N16, N16, N16, N16, N16,
};

/* Reads n pairs of hex digits to w; what it returns is NO or more when one is none. */
static inline unsigned read_pairs(const unsigned char *s, unsigned char *w, size_t n)
{
    unsigned seen = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned pair = (unsigned)hex_high[s[2 * i]] | hex_low[s[2 * i + 1]];

        seen |= pair;
        w[i] = (unsigned char)pair;
    }
    return seen;
}

/* ---- bytes */

/* Starts a BYTES frame of at most n bytes. */
static parity_status begin_bytes(parity_buf *b, size_t n)
{
    if (n > UINT32_MAX)
        return PARITY_LIMIT;
    PARITY_TRY(parity_buf_reserve(b, n + 5));
    b->data[b->len] = PARITY_TAG_BYTES;
    return PARITY_OK;
}

/* Ends it: its n bytes stand where they belong. */
static void end_bytes(parity_buf *b, size_t n)
{
    parity_store32(b->data + b->len + 1, (uint32_t)n);
    b->len += n + 5;
}

parity_status parity_put_bytes(parity_buf *b, const void *p, size_t n)
{
    PARITY_TRY(begin_bytes(b, n));
    if (n > 0)
        memcpy(b->data + b->len + 5, p, n);
    end_bytes(b, n);
    return PARITY_OK;
}

static parity_status put_hex(parity_buf *b, const unsigned char *s, size_t n, bool *bad)
{
    if (n >= 2 && s[0] == '\\' && s[1] == 'x') {
        s += 2;
        n -= 2;
    }
    *bad = n % 2 != 0;
    if (*bad)
        return PARITY_OK;
    PARITY_TRY(begin_bytes(b, n / 2));
    *bad = read_pairs(s, b->data + b->len + 5, n / 2) >= NO;
    if (!*bad)
        end_bytes(b, n / 2);
    return PARITY_OK;
}

parity_status parity_base64_encode(parity_buf *b, const unsigned char *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char *w;

    PARITY_TRY(parity_buf_reserve(b, n / 3 * 4 + 4));
    w = b->data + b->len;
    for (; n >= 3; n -= 3, p += 3) {
        uint32_t group = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

        *w++ = (unsigned char)digits[group >> 18];
        *w++ = (unsigned char)digits[group >> 12 & 63];
        *w++ = (unsigned char)digits[group >> 6 & 63];
        *w++ = (unsigned char)digits[group & 63];
    }
    if (n > 0) {
        uint32_t group = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0);

        *w++ = (unsigned char)digits[group >> 18];
        *w++ = (unsigned char)digits[group >> 12 & 63];
        *w++ = n > 1 ? (unsigned char)digits[group >> 6 & 63] : '=';
        *w++ = '=';
    }
    b->len = (size_t)(w - b->data);
    return PARITY_OK;
}

bool parity_base64_decode(const unsigned char *s, size_t n, unsigned char *w, size_t *length)
{
    const unsigned char *e = s + n, *from = w;
    uint32_t group = 0;
    unsigned digits = 0, padding = 0;

    for (;;) {
        /* whole groups, as long as nothing has to be ignored */
        while (digits == 0 && e - s >= 4) {
            unsigned char a = base64_digit[s[0]], b = base64_digit[s[1]], c = base64_digit[s[2]],
                          d = base64_digit[s[3]];

            if ((a | b | c | d) >= NONE)
                break;
            group = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | d;
            *w++ = (unsigned char)(group >> 16);
            *w++ = (unsigned char)(group >> 8);
            *w++ = (unsigned char)group;
            group = 0;
            s += 4;
        }
        if (s == e)
            break;
        if (*s == '=') {
            padding++;
        } else if (*s != '\r' && *s != '\n') {
            if (base64_digit[*s] == NONE || padding > 0)
                return false;
            group = group << 6 | base64_digit[*s];
            digits++;
            if (digits == 4) {
                *w++ = (unsigned char)(group >> 16);
                *w++ = (unsigned char)(group >> 8);
                *w++ = (unsigned char)group;
                group = 0;
                digits = 0;
            }
        }
        s++;
    }
    if (digits == 2 && padding == 2 && (group & 0x0F) == 0) {
        *w++ = (unsigned char)(group >> 4);
    } else if (digits == 3 && padding == 1 && (group & 0x03) == 0) {
        *w++ = (unsigned char)(group >> 10);
        *w++ = (unsigned char)(group >> 2);
    } else if (digits != 0 || padding != 0) {
        return false;
    }
    *length = (size_t)(w - from);
    return true;
}

static parity_status put_base64(parity_buf *b, const unsigned char *s, size_t n, bool *bad)
{
    size_t length;

    PARITY_TRY(begin_bytes(b, n / 4 * 3 + 3));
    *bad = !parity_base64_decode(s, n, b->data + b->len + 5, &length);
    if (!*bad)
        end_bytes(b, length);
    return PARITY_OK;
}

parity_status parity_read_bytes(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                                unsigned *notes, bool *bad)
{
    const unsigned char *s = (const unsigned char *)(v->cls >= PARITY_STRING && v->n > 0 ? v->p : "");

    (void)scratch;
    *bad = false;
    if (v->cls == PARITY_BLOB)
        return parity_put_bytes(b, s, v->n);
    if (v->cls == PARITY_STRING && !(k->options & PARITY_OPT_TEXT)) {
        *notes |= PARITY_NOTE_OPTION;
    } else if (v->cls == PARITY_STRING) {
        switch (k->text) {
        case 'u':
            return parity_put_bytes(b, s, v->n);
        case 'h':
            return put_hex(b, s, v->n, bad);
        case 'b':
            return put_base64(b, s, v->n, bad);
        }
    }
    *bad = true;
    return PARITY_OK;
}

/* ---- uuid */

static inline void store_uuid(parity_buf *b, const unsigned char uuid[16])
{
    b->data[b->len] = PARITY_TAG_UUID;
    memcpy(b->data + b->len + 1, uuid, 16);
    b->len += 17;
}

parity_status parity_put_uuid(parity_buf *b, const unsigned char uuid[16])
{
    PARITY_TRY(parity_buf_reserve(b, 17));
    store_uuid(b, uuid);
    return PARITY_OK;
}

/*
 * Eight hex digits at once, to the four bytes that they make, the first one
 * lowest.  In *wrong a high half of a byte is not 0 when one is none.  letter is
 * 1 for what lies in ASCII's columns of letters, which are made small ones;
 * value is right if it is below 16, and 10 or more just for letters.  Only what
 * is wrong borrows from the byte above it.
 */
static inline uint32_t eight_pairs(uint64_t c, uint64_t *wrong)
{
    uint64_t letter = c >> 6 & PARITY_BYTES8(1);
    uint64_t value = (c | letter << 5) - PARITY_BYTES8('0') - letter * ('a' - 10 - '0');

    *wrong |= value | ((value + PARITY_BYTES8(6)) ^ letter << 4);
    value = (value << 4 | value >> 8) & UINT64_C(0x00FF00FF00FF00FF);
    value = (value | value >> 8) & UINT64_C(0x0000FFFF0000FFFF);
    return (uint32_t)(value | value >> 16);
}

static bool read_uuid_text(const unsigned char *s, size_t n, unsigned char uuid[16])
{
    uint64_t wrong = 0, second, third;

    if (n != 36 && n != 32) {
        if ((n != 38 && n != 34) || s[0] != '{' || s[n - 1] != '}')
            return false;
        s++;
        n -= 2;
    }
    if (n == 32)
        return read_pairs(s, uuid, 16) < NO;
    if (s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-')
        return false;
    second = (parity_load64(s + 9) & UINT32_MAX) | parity_load64(s + 14) << 32;
    third = (parity_load64(s + 19) & UINT32_MAX) | parity_load64(s + 24) << 32;
    parity_store32(uuid, eight_pairs(parity_load64(s), &wrong));
    parity_store32(uuid + 4, eight_pairs(second, &wrong));
    parity_store32(uuid + 8, eight_pairs(third, &wrong));
    parity_store32(uuid + 12, eight_pairs(parity_load64(s + 28), &wrong));
    return (wrong & PARITY_BYTES8(0xF0)) == 0;
}

parity_status parity_read_uuid(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                               unsigned *notes, bool *bad)
{
    const unsigned char *s = (const unsigned char *)v->p;
    unsigned char uuid[16];

    (void)scratch;
    (void)notes;
    *bad = true;
    PARITY_TRY(parity_buf_reserve(b, 17));
    if (v->cls == PARITY_STRING) {
        *bad = !read_uuid_text(s, v->n, uuid);
    } else if (v->cls == PARITY_BLOB && v->n == 16) {
        static const unsigned char dotnet[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

        *bad = false;
        memcpy(uuid, s, 16);
        if (k->options & PARITY_OPT_DOTNET)
            for (int i = 0; i < 16; i++)
                uuid[i] = s[dotnet[i]];
    }
    if (!*bad)
        store_uuid(b, uuid);
    return PARITY_OK;
}
