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
} ParityRow;

/*
 * Prepares the reading of arguments from number first on.  With kinds there
 * must be one for each column; a single argument that is a row then stands for
 * its fields only if there is more than one kind.
 */
extern ParityRow *parity_row_open(FunctionCallInfo fcinfo, int first, const parity_kind *kinds, int nkinds);

/* Reads kinds, one a line, into context. */
extern parity_kind *parity_kinds_parse(const char *text, size_t n, MemoryContext context, int *nkinds);

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

#endif
