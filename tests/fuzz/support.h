/*
 * support.h - what the fuzz targets share
 */
#ifndef PARITY_FUZZ_SUPPORT_H
#define PARITY_FUZZ_SUPPORT_H

#include <stdlib.h>
#include <string.h>

#include "internal.h"

static inline void *plain_resize(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

/* Stops the run when a property does not hold. */
static inline void require(int truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
