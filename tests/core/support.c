#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

long fail_after = -1;

static void *test_resize(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    if (fail_after == 0)
        return NULL;
    if (fail_after > 0)
        fail_after--;
    return realloc(ptr, size);
}

const parity_mem test_mem = {test_resize, NULL};

int each_vector(const char *name, void (*check)(const vector_line *line))
{
    char path[256];
    char *text = NULL;
    size_t cap = 0;
    int lines = 0;
    vector_line line = {path, 0, 0, {NULL}};
    FILE *file;

    snprintf(path, sizeof path, "tests/vectors/%s", name);
    file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot open %s: run from the repository's root", path);
    while (getline(&text, &cap, file) > 0) {
        char *at = text;

        line.number++;
        text[strcspn(text, "\n")] = '\0';
        if (text[0] == '#' || text[0] == '\0')
            continue;
        for (line.nfields = 0; line.nfields < 16; at++) {
            line.field[line.nfields++] = at;
            at += strcspn(at, "\t");
            if (*at == '\0')
                break;
            *at = '\0';
        }
        check(&line);
        lines++;
    }
    free(text);
    fclose(file);
    return lines;
}

void vector_fail(const vector_line *line, const char *what, const char *want, const char *got)
{
    print_error("%s:%d: %s:", line->file, line->number, what);
    for (int i = 0; i < line->nfields; i++)
        print_error(" %s |", line->field[i]);
    print_error("\n  want %s\n  got  %s\n", want, got);
    fail();
}

unsigned char *from_hex(const char *hex, size_t *n)
{
    size_t len = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
    unsigned char *out = malloc(len + 1);

    for (size_t i = 0; i < len; i++) {
        unsigned byte;

        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            fail_msg("not hex: %s", hex);
        out[i] = (unsigned char)byte;
    }
    out[len] = 0;
    *n = len;
    return out;
}

char *to_hex(const void *p, size_t n)
{
    char *out = malloc(2 * n + 1);

    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", ((const unsigned char *)p)[i]);
    out[2 * n] = '\0';
    return out;
}
