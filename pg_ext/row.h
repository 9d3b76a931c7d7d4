/*
 * row.h - from a call's arguments to a row's frames
 *
 * What row_hash and the aggregates share: readers for the arguments, made on
 * the first call and kept in fn_extra, and buffers that are used again for
 * each row.  A composite argument is taken apart into its fields.
 */
#ifndef PARITY_PG_ROW_H
#define PARITY_PG_ROW_H

#include "value.h"

#include "access/tupdesc.h"

/* The fields of a row type, without dropped ones. */
typedef struct ParityShape {
    MemoryContext context; /* of this and all below */
    Oid type;
    int32 typmod;
    uint64 identifier; /* changes when the type is altered */
    TupleDesc desc;
    int nfields;
    int *attribute; /* nfields: places in desc, from 0 */
    ParityReader *readers;
    Datum *values; /* desc->natts: of the current row */
    bool *nulls;
} ParityShape;

/* One argument. */
typedef struct ParityArgument {
    ParityReader reader; /* when not is_row */
    bool is_row;         /* stands for its fields */
    Oid type;
    ParityShape *shape; /* when is_row; NULL until it is known */
} ParityArgument;

typedef struct ParityRow {
    MemoryContext context;
    int first; /* number of the first argument that is a value */
    int nargs;
    bool flat; /* no argument is a row */
    ParityArgument *args;
    const parity_kind *kinds; /* one for each column, or NULL: natural kinds */
    int nkinds;
    parity_buf buf, scratch;
    struct varlena *texts[2]; /* copies of constant text arguments: see parity_row_constant */
    bool fixed[2];            /* the argument is a literal, which cannot change */
    /* the current row: see parity_row_take */
    const NullableDatum *current;
    ParityShape *shape;
} ParityRow;

/*
 * Prepares the reading of arguments from number first on.  With kinds there
 * must be one for each column; a single argument that is a row then stands for
 * its fields only if there is more than one kind.
 */
extern ParityRow *parity_row_open(FunctionCallInfo fcinfo, int first, const parity_kind *kinds, int nkinds);

/* Reads kinds, one a line, into context. */
extern parity_kind *parity_kinds_parse(const char *text, size_t n, MemoryContext context, int *nkinds);

/* parity_row_open under the kinds that argument 1 gives, which is kept as constant 0. */
extern ParityRow *parity_row_open_kinds(FunctionCallInfo fcinfo, int first);

/* Whether an argument, of an aggregate or of a plain function, is a literal. */
extern bool parity_row_is_literal(FunctionCallInfo fcinfo, int arg);

/*
 * The text argument arg, which must be the same in every row, as slot 0 or 1
 * of row.  name is what errors call it.
 */
extern void parity_row_constant(ParityRow *row, FunctionCallInfo fcinfo, int slot, int arg, const char *name);

/* parity_row_constant, but for a literal after the first row. */
static inline void parity_row_check_constant(ParityRow *row, FunctionCallInfo fcinfo, int slot, int arg,
                                             const char *name)
{
    if (unlikely(!row->fixed[slot]))
        parity_row_constant(row, fcinfo, slot, arg, name);
}

/*
 * Takes a row argument apart into its shape's values and nulls.  Returns the
 * shape: not the one of the last row if the type changed.
 */
extern ParityShape *parity_row_fields(ParityRow *row, ParityArgument *argument, Datum value, bool isnull);

/* Frames the arguments of the current call into row->buf, some of which are rows. */
extern void parity_row_put_nested(ParityRow *row, FunctionCallInfo fcinfo);

/* Frames the arguments of the current call into row->buf. */
static inline void parity_row_put(ParityRow *row, FunctionCallInfo fcinfo)
{
    const NullableDatum *arg = &fcinfo->args[row->first];
    const NullableDatum *end = arg + row->nargs;
    ParityArgument *a = row->args;
    parity_buf *b = &row->buf;
    unsigned notes = 0;
    ParityCursor c;

    b->len = 0;
    if (unlikely(!row->flat)) {
        parity_row_put_nested(row, fcinfo);
        return;
    }
    c = parity_cursor_open(b);
    for (; arg < end; arg++, a++)
        c = parity_reader_put_at(c, &a->reader, arg->value, arg->isnull, false, b, &row->scratch, &notes, NULL);
    parity_cursor_close(&c, b);
}

/* ---- rows that the core reads, column by column */

/* Takes up the arguments of the current call; of rows opened with kinds. */
static inline void parity_row_take(ParityRow *row, FunctionCallInfo fcinfo)
{
    row->current = &fcinfo->args[row->first];
    if (unlikely(!row->flat))
        row->shape = parity_row_fields(row, &row->args[0], row->current[0].value, row->current[0].isnull);
}

/*
 * Frames the arguments of the current call, none of them a row, for
 * parity_scan_framed; false when there was something to note.
 */
static inline bool parity_row_put_framed(ParityRow *row, FunctionCallInfo fcinfo, parity_scan *s)
{
    const NullableDatum *arg = &fcinfo->args[row->first];
    ParityArgument *a = row->args;
    uint32 *end = s->ends, *last = end + row->nargs;
    unsigned notes = 0;
    ParityCursor c;

    s->buf.len = 0;
    c = parity_cursor_open(&s->buf);
    for (; end < last; arg++, a++) {
        c = parity_reader_put_at(c, &a->reader, arg->value, arg->isnull, false, &s->buf, &s->scratch, &notes, NULL);
        *end++ = (uint32)(c.at - s->buf.data);
    }
    parity_cursor_close(&c, &s->buf);
    return notes == 0;
}

/* A parity_put_column; ctx is the ParityRow. */
extern parity_status parity_row_column(void *ctx, int i, bool rounded, parity_buf *b, parity_buf *scratch,
                                       unsigned *notes, parity_value *example);

/* A call (state, kinds, keys, number, VARIADIC "any") of an aggregate over a scan by the core. */
typedef struct ParityPass {
    ParityRow *row;
    parity_scan scan;
    int32 number; /* cells of a sketch, bits of buckets */
    bool noted;   /* a row had notes, as others will: the core frames them column by column */
} ParityPass;

/* On the first call; name is what errors call the number. */
extern ParityPass *parity_pass_open(FunctionCallInfo fcinfo, const char *name);
/* On later ones: kinds, keys and number must be those of the first. */
static inline void parity_pass_check(ParityPass *pass, FunctionCallInfo fcinfo, const char *name)
{
    parity_row_check_constant(pass->row, fcinfo, 0, 1, "kinds");
    parity_row_check_constant(pass->row, fcinfo, 1, 2, "keys");
    if (unlikely(PG_ARGISNULL(3) || PG_GETARG_INT32(3) != pass->number))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be the same in every row", name)));
}

/* Raises an error unless the function, which name names, is called by an aggregate. */
static inline void parity_only_aggregate(FunctionCallInfo fcinfo, const char *name)
{
    if (unlikely(!AggCheckCallContext(fcinfo, NULL)))
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s can only be called as an aggregate", name)));
}

/* A state, a bytea of any form, in memory and aligned: itself or a copy. */
extern struct varlena *parity_state_unpack(Datum value);

#endif
