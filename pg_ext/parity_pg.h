/*
 * parity_pg.h - what the files of pg_ext/ share
 */
#ifndef PARITY_PG_H
#define PARITY_PG_H

#include "postgres.h"

#include "compat.h"
#include "parity.h"
#include "utils/palloc.h"

/* parity.progress: a NOTICE a table during long work.  module.c */
extern bool parity_progress;

/* Raises status, with the words of err, as an error of its SQLSTATE.  error.c */
pg_noreturn extern void parity_pg_raise(parity_status status, const parity_error *err);
/* The same for a status that came without words. */
pg_noreturn extern void parity_pg_raise_status(parity_status status);
/* The SQLSTATE of a status, as errcode() takes it. */
extern int parity_pg_sqlstate(parity_status status);

/* Raises unless status is PARITY_OK; err may be NULL. */
static inline void parity_pg_check(parity_status status, const parity_error *err)
{
    if (unlikely(status != PARITY_OK)) {
        if (err != NULL)
            parity_pg_raise(status, err);
        parity_pg_raise_status(status);
    }
}

/* An allocator that takes from context; lives there, too.  error.c */
extern const parity_mem *parity_pg_mem(MemoryContext context);

/* -------------------------------------- the results of tally_agg and buckets_agg */

/* The tally, or the buckets, start this far into the bytea, so that they are as aligned as the bytea. */
#define PARITY_TALLY_OFFSET 8

/*
 * The tally in a value that tally_agg returned: checked, aligned, and copied
 * into CurrentMemoryContext where need be.  (Of no rows tally_agg returns NULL.)
 * aggregate.c
 */
extern parity_tally *parity_pg_tally(Datum value);
/* As parity_pg_tally for a value that buckets_agg returned.  buckets.c */
extern parity_buckets *parity_pg_open_buckets(Datum value);
/* Raises an error unless a table can be split by so many bits. */
extern void parity_pg_check_bits(int32 bits);

#endif
