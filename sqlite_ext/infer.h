/*
 * infer.h - the forms that parity_infer counts (forms.c, infer.c)
 */
#ifndef PARITY_SQLITE_INFER_H
#define PARITY_SQLITE_INFER_H

#include "module.h"

/* What a value looks like; each value has one, and the FORM_TEXT_… ones beside it. */
typedef enum sq_form {
    SQ_FORM_BIT, SQ_FORM_EPOCH_S, SQ_FORM_EPOCH_MS, SQ_FORM_EPOCH_US, SQ_FORM_JULIAN, SQ_FORM_INTEGER,
    SQ_FORM_WHOLE, SQ_FORM_FRACTION,
    SQ_FORM_EMPTY, SQ_FORM_UUID, SQ_FORM_DIGITS, SQ_FORM_DECIMAL, SQ_FORM_NUMBER_WORD, SQ_FORM_DATE,
    SQ_FORM_STAMP, SQ_FORM_STAMP_Z, SQ_FORM_STAMP_OFFSET, SQ_FORM_STAMP_T, SQ_FORM_STAMP_T_Z,
    SQ_FORM_STAMP_T_OFFSET, SQ_FORM_INFINITY, SQ_FORM_TIME, SQ_FORM_TIMETZ, SQ_FORM_INTERVAL,
    SQ_FORM_BOOL_WORD, SQ_FORM_JSON, SQ_FORM_TEXT,
    SQ_FORM_16_BYTES, SQ_FORM_UTF8_BYTES, SQ_FORM_BYTES,
    SQ_FORM_NOT_UTF8, SQ_FORM_NUL, /* of texts, counted besides */
    SQ_NFORMS
} sq_form;

/* The name that is printed, such as "stamp T Z". */
const char *sq_form_name(sq_form f);

/*
 * The form of a value that is not NULL.  Text is tried with core's own readers,
 * into buf and scratch.
 */
parity_status sq_form_of(const parity_value *v, parity_buf *buf, parity_buf *scratch, sq_form *out);
/* Whether the bytes are UTF-8. */
bool sq_is_utf8(const char *p, size_t n);

/* Seconds since 1970: within these two a number is taken for a stamp, between the first and the last it may be one. */
#define SQ_YEAR_1900 (-2208988800.0)
#define SQ_YEAR_1980 315532800.0
#define SQ_YEAR_2100 4102444800.0
/* Julian days of 1900 and 2100. */
#define SQ_JULIAN_1900 2415020.5
#define SQ_JULIAN_2100 2488069.5

#endif
