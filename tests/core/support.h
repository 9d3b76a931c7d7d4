/*
 * support.h - what the unit tests of core/ share
 */
#ifndef PARITY_TEST_SUPPORT_H
#define PARITY_TEST_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "parity.h"

/* malloc, realloc and free; fails when fail_after has counted down to 0 (negative: never). */
extern long fail_after;
extern const parity_mem test_mem;

/* One line of a vector file, split at tabs. */
typedef struct vector_line {
    const char *file;
    int number;
    int nfields;
    char *field[16];
} vector_line;

/* Calls check for every line of tests/vectors/NAME that is neither empty nor a comment; returns how many. */
int each_vector(const char *name, void (*check)(const vector_line *line));
/* Fails the test, naming the line. */
void vector_fail(const vector_line *line, const char *what, const char *want, const char *got);
/* Decodes hex ("" or "-" is empty) to a new block; *n is its length. */
unsigned char *from_hex(const char *hex, size_t *n);
/* Encodes to a new NUL-terminated text. */
char *to_hex(const void *p, size_t n);

#endif
