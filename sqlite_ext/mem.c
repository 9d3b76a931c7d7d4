/*
 * mem.c - core's allocator on top of SQLite's
 */
#include "module.h"

static void *resize(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (size == 0) {
        sqlite3_free(ptr);
        return NULL;
    }
    return sqlite3_realloc64(ptr, size);
}

const parity_mem sq_mem = {resize, NULL};
