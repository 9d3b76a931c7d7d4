/*
 * json_scan.h - what the readers of JSON text, JSONB and vectors share: blanks and numbers
 */
#ifndef PARITY_JSON_SCAN_H
#define PARITY_JSON_SCAN_H

#include <stdbool.h>

static inline bool parity_json_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* The value of a hex digit of either case, or -1. */
static inline int parity_json_hex(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A byte that stands for itself inside a JSON string. */
static inline bool parity_json_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

/* Skips the blanks of RFC 8259. */
static inline const unsigned char *parity_json_blanks(const unsigned char *s, const unsigned char *e)
{
    while (s < e && *s <= 0x20 && (*s == ' ' || *s == '\n' || *s == '\r' || *s == '\t'))
        s++;
    return s;
}

/* Where the parts of a number of RFC 8259 lie. */
typedef struct parity_json_parts {
    bool negative;
    const unsigned char *whole, *whole_end;
    const unsigned char *fraction, *fraction_end; /* both whole_end without a fraction */
    bool exponent_negative;
    const unsigned char *exponent, *exponent_end; /* both NULL without an exponent */
} parity_json_parts;

/* Reads a number at s; returns its end, or NULL when none stands there. */
static inline const unsigned char *parity_json_scan_number(const unsigned char *s, const unsigned char *e,
                                                           parity_json_parts *out)
{
    out->negative = s < e && *s == '-';
    s += out->negative;
    if (s == e || !parity_json_digit(*s))
        return 0;
    out->whole = s;
    if (*s == '0')
        s++;
    else
        while (s < e && parity_json_digit(*s))
            s++;
    out->whole_end = out->fraction = out->fraction_end = s;
    out->exponent = out->exponent_end = 0;
    out->exponent_negative = false;
    if (s < e && *s == '.') {
        out->fraction = ++s;
        while (s < e && parity_json_digit(*s))
            s++;
        if (s == out->fraction)
            return 0;
        out->fraction_end = s;
    }
    if (s < e && (*s | 0x20) == 'e') {
        s++;
        if (s < e && (*s == '+' || *s == '-'))
            out->exponent_negative = *s++ == '-';
        out->exponent = s;
        while (s < e && parity_json_digit(*s))
            s++;
        if (s == out->exponent)
            return 0;
        out->exponent_end = s;
    }
    return s;
}

#endif
