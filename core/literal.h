/*
 * literal.h - what the files that write literals share: the work on one frame,
 * and the candidates for it (candidate.c)
 */
#ifndef PARITY_LITERAL_H
#define PARITY_LITERAL_H

#include "internal.h"

typedef struct parity_work {
    const parity_target *t;
    parity_frame f;             /* what is wanted */
    const unsigned char *frame; /* and its bytes */
    size_t n;
    parity_buf text;   /* of the candidate */
    parity_buf stored; /* of what becomes of it */
    parity_buf seen;   /* strict: of what the kind is given to read */
    parity_buf again;  /* frames read back */
    parity_buf *scratch;
    char why[PARITY_KIND_TEXT_MAX + 80]; /* the first reason that a candidate had, or "" */
} parity_work;

/* Keeps a reason, unless there is one. */
void parity_because(parity_work *w, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* Whether v under the column's kind is the wanted frame. */
parity_status parity_fits(parity_work *w, const parity_value *v, bool *out);
void parity_set_string(parity_value *v, const parity_buf *text);
/* The first character from p on that is no digit, or end. */
const char *parity_skip_digits(const char *p, const char *end);

typedef enum parity_form {
    PARITY_F_INTEGER, PARITY_F_REAL, PARITY_F_TEXT, PARITY_F_OTHER_TEXT, PARITY_F_BLOB, PARITY_NFORMS
} parity_form;

/* The forms of the wanted frame in the order in which they are tried. */
void parity_order_forms(const parity_work *w, parity_form out[PARITY_NFORMS]);
/* Makes a candidate, its bytes in w->text; *made is false when the frame has none of this form. */
parity_status parity_make_candidate(parity_work *w, parity_form which, parity_value *v, bool *made);
/* The floats that the numbers of a vector name, to w->text: not checked. */
parity_status parity_make_floats(parity_work *w, bool *made);
/* Text in quotes, those in it doubled. */
parity_status parity_put_quoted(parity_buf *b, const char *p, size_t n, char quote);
/* A string of the strict dialect: E'…' where it holds a backslash, which then reads the same under all settings. */
parity_status parity_put_string(parity_buf *b, const char *p, size_t n);

/* literal_sqlite.c; either appends a literal or gives a reason. */
parity_status parity_sqlite_literal(parity_buf *b, parity_work *w);

#endif
