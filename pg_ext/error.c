/*
 * error.c - the core's status as a PostgreSQL error, the core's memory from a
 * memory context
 */
#include "parity_pg.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

int parity_pg_sqlstate(parity_status status)
{
    switch (status) {
    case PARITY_NOMEM:
        return ERRCODE_OUT_OF_MEMORY;
    case PARITY_INVALID:
        return ERRCODE_INVALID_PARAMETER_VALUE;
    case PARITY_MALFORMED:
        return ERRCODE_INVALID_TEXT_REPRESENTATION;
    case PARITY_VERSION:
        return ERRCODE_FEATURE_NOT_SUPPORTED;
    case PARITY_NO_TABLE:
        return ERRCODE_UNDEFINED_TABLE;
    case PARITY_NO_COLUMN:
        return ERRCODE_UNDEFINED_COLUMN;
    case PARITY_LIMIT:
        return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
    case PARITY_RANGE:
        return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
    case PARITY_MISMATCH:
        return ERRCODE_DATA_EXCEPTION;
    case PARITY_OK:
    case PARITY_ENGINE:
        break;
    }
    return ERRCODE_INTERNAL_ERROR;
}

/* The core's words, which are UTF-8, as they can stand in a message; never an error of its own for invalid bytes. */
static const char *in_server_encoding(const char *utf8)
{
    size_t n = strlen(utf8);
    char *copy;

    if (pg_verify_mbstr(PG_UTF8, utf8, (int)n, true))
        return pg_any_to_server(utf8, (int)n, PG_UTF8);
    copy = pstrdup(utf8);
    for (char *p = copy; *p != '\0'; p++)
        if (IS_HIGHBIT_SET(*p))
            *p = '?';
    return copy;
}

void parity_pg_raise(parity_status status, const parity_error *err)
{
    ereport(ERROR, (errcode(parity_pg_sqlstate(status)), errmsg_internal("%s", in_server_encoding(err->message)),
                    err->detail[0] != '\0' ? errdetail_internal("%s", in_server_encoding(err->detail)) : 0,
                    err->hint[0] != '\0' ? errhint("%s", in_server_encoding(err->hint)) : 0));
    pg_unreachable();
}

void parity_pg_raise_status(parity_status status)
{
    static const char *const words[] = {
        [PARITY_NOMEM] = "out of memory",
        [PARITY_INVALID] = "invalid argument",
        [PARITY_MALFORMED] = "malformed text",
        [PARITY_VERSION] = "this format is of another version",
        [PARITY_NO_TABLE] = "no such table",
        [PARITY_NO_COLUMN] = "no such column",
        [PARITY_LIMIT] = "a value is too large to be digested",
        [PARITY_RANGE] = "a number of rows is out of range",
        [PARITY_MISMATCH] = "tables do not match",
    };

    ereport(ERROR, (errcode(parity_pg_sqlstate(status)),
                    errmsg_internal("%s", (size_t)status < lengthof(words) && words[status] != NULL
                                              ? words[status]
                                              : "unexpected status of the core")));
    pg_unreachable();
}

static void *resize_in_context(void *context, void *ptr, size_t size)
{
    if (ptr == NULL)
        return size == 0 ? NULL : MemoryContextAllocHuge(context, size);
    if (size == 0) {
        pfree(ptr);
        return NULL;
    }
    return repalloc_huge(ptr, size);
}

const parity_mem *parity_pg_mem(MemoryContext context)
{
    parity_mem *mem = MemoryContextAlloc(context, sizeof *mem);

    mem->resize = resize_in_context;
    mem->ctx = context;
    return mem;
}
