/*
 * mem.c - buffers, arenas and error texts on top of the caller's allocator
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

parity_status parity_fail(parity_error *err, parity_status status, const char *detail, const char *hint,
                          const char *message, ...)
{
    va_list args;

    if (err == NULL)
        return status;
    err->status = status;
    va_start(args, message);
    vsnprintf(err->message, sizeof err->message, message, args);
    va_end(args);
    snprintf(err->detail, sizeof err->detail, "%s", detail ? detail : "");
    snprintf(err->hint, sizeof err->hint, "%s", hint ? hint : "");
    /* what is cut off must not end inside a UTF-8 character */
    parity_utf8_trim(err->message);
    parity_utf8_trim(err->detail);
    parity_utf8_trim(err->hint);
    return status;
}

/* Removes an incomplete UTF-8 character from the end of a NUL-terminated text. */
void parity_utf8_trim(char *text)
{
    size_t n = strlen(text), start = n;

    while (start > 0 && n - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0) {
        unsigned char lead = (unsigned char)text[start - 1];
        size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;

        if (want > 1 && n - (start - 1) < want)
            text[start - 1] = '\0';
    }
}

bool parity_utf8_valid(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;

    for (size_t i = 0; i < n;) {
        unsigned char lead = u[i];
        size_t more = lead < 0x80 ? 0 : lead >= 0xC2 && lead < 0xE0 ? 1 : (lead & 0xF0) == 0xE0 ? 2
                                      : lead >= 0xF0 && lead < 0xF5 ? 3 : 4;

        if (more == 4 || n - i <= more)
            return false;
        for (size_t j = 1; j <= more; j++)
            if ((u[i + j] & 0xC0) != 0x80)
                return false;
        if ((lead == 0xE0 && u[i + 1] < 0xA0) || (lead == 0xED && u[i + 1] > 0x9F) ||
            (lead == 0xF0 && u[i + 1] < 0x90) || (lead == 0xF4 && u[i + 1] > 0x8F))
            return false;
        i += more + 1;
    }
    return true;
}

void parity_buf_init(parity_buf *b, const parity_mem *mem)
{
    b->data = NULL;
    b->len = b->cap = 0;
    b->mem = mem;
}

void parity_buf_free(parity_buf *b)
{
    if (b->data != NULL)
        b->mem->resize(b->mem->ctx, b->data, 0);
    b->data = NULL;
    b->len = b->cap = 0;
}

parity_status parity_buf_grow(parity_buf *b, size_t extra)
{
    size_t want, cap;
    unsigned char *data;

    if (extra > SIZE_MAX / 4 - b->len)
        return PARITY_NOMEM;
    want = b->len + extra;
    cap = b->cap < 512 ? 512 : b->cap * 2;
    if (cap < want)
        cap = want;
    data = b->mem->resize(b->mem->ctx, b->data, cap);
    if (data == NULL)
        return PARITY_NOMEM;
    b->data = data;
    b->cap = cap;
    return PARITY_OK;
}

parity_status parity_buf_put(parity_buf *b, const void *bytes, size_t n)
{
    PARITY_TRY(parity_buf_reserve(b, n));
    if (n > 0)
        memcpy(b->data + b->len, bytes, n);
    b->len += n;
    return PARITY_OK;
}

parity_status parity_buf_puts(parity_buf *b, const char *text)
{
    return parity_buf_put(b, text, strlen(text));
}

parity_status parity_buf_printf(parity_buf *b, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return PARITY_LIMIT;
    PARITY_TRY(parity_buf_reserve(b, (size_t)n + 1));
    va_start(args, format);
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
    return PARITY_OK;
}

/* What anything in an arena is aligned for; SQLite's allocator promises no more than 8 bytes. */
typedef union arena_align {
    uint64_t number;
    double real;
    void *pointer;
} arena_align;

/* A block's header; what it holds follows, aligned. */
typedef struct arena_block {
    struct arena_block *next;
    arena_align align[];
} arena_block;

#define ARENA_BLOCK 8192

void parity_arena_init(parity_arena *a, const parity_mem *mem)
{
    memset(a, 0, sizeof *a);
    a->mem = mem;
}

void parity_arena_free(parity_arena *a)
{
    arena_block *block = a->blocks;

    while (block != NULL) {
        arena_block *next = block->next;

        a->mem->resize(a->mem->ctx, block, 0);
        block = next;
    }
    parity_arena_init(a, a->mem);
}

void *parity_arena_alloc(parity_arena *a, size_t n)
{
    const size_t align = sizeof(arena_align);
    unsigned char *p;

    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + align - 1) / align * align;
    if (a->blocks == NULL || a->size - a->used < n) {
        size_t size = n > ARENA_BLOCK ? n : ARENA_BLOCK;
        arena_block *block = a->mem->resize(a->mem->ctx, NULL, sizeof(arena_block) + size);

        if (block == NULL)
            return NULL;
        if (a->blocks != NULL && size == n && a->size - a->used > 256) {
            /* a block of its own, behind the newest one, which has room left */
            arena_block *newest = a->blocks;

            block->next = newest->next;
            newest->next = block;
            a->total += n;
            memset(block->align, 0, n);
            return block->align;
        }
        block->next = a->blocks;
        a->blocks = block;
        a->size = size;
        a->used = 0;
    }
    p = (unsigned char *)((arena_block *)a->blocks)->align + a->used;
    a->used += n;
    a->total += n;
    memset(p, 0, n);
    return p;
}

char *parity_arena_copy(parity_arena *a, const char *text, size_t n)
{
    char *copy = n < SIZE_MAX ? parity_arena_alloc(a, n + 1) : NULL;

    if (copy != NULL && n > 0)
        memcpy(copy, text, n);
    return copy;
}
