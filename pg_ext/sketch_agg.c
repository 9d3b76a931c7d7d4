/*
 * sketch_agg.c - the aggregates sketch_agg and sum(parity.sketch)
 *
 * The state of both is a bytea: the length word, a word of flags, the core's
 * parity_sketch, which is changed in place.  It comes from palloc, so the
 * sketch is aligned; only one that has been in a tuple may not be.
 *
 * Sketches of several sizes are added up in the smallest of them, whatever
 * their order; those of no rows fit any size.
 */
#include "sketch.h"

#include "row.h"

PG_FUNCTION_INFO_V1(parity_sketch_accum);
PG_FUNCTION_INFO_V1(parity_sketch_accum_inv);
PG_FUNCTION_INFO_V1(parity_sketch_sum_accum);
PG_FUNCTION_INFO_V1(parity_sketch_merge_states);
PG_FUNCTION_INFO_V1(parity_sketch_final);

typedef struct SketchState {
    int32 vl_len_; /* varlena's, always of four bytes */
    uint32 sized;  /* 1: cells is what some sketch of rows asked for; 0: all were of no rows */
    parity_sketch sketch;
} SketchState;

#define SKETCH_STATE_SIZE(cells) (offsetof(SketchState, sketch) + parity_sketch_size(cells))

StaticAssertDecl(offsetof(SketchState, sketch) % MAXIMUM_ALIGNOF == 0, "the sketch in a state is aligned");

static SketchState *new_state(uint32 cells)
{
    SketchState *out = palloc(SKETCH_STATE_SIZE(cells));

    SET_VARSIZE(out, SKETCH_STATE_SIZE(cells));
    out->sized = 1;
    parity_sketch_init(&out->sketch, cells);
    return out;
}

/* A state that has been checked to be one; a state is a bytea, which anybody can make. */
static SketchState *check_state(struct varlena *value)
{
    SketchState *state = (SketchState *)value;
    bool whole = VARATT_IS_4B_U(value) && VARSIZE(value) >= SKETCH_STATE_SIZE(PARITY_CELLS_MIN);

    if (whole) {
        uint32 cells = state->sketch.cells;

        whole = state->sized <= 1 && cells >= PARITY_CELLS_MIN && cells <= PARITY_CELLS_MAX &&
                (cells & (cells - 1)) == 0 && VARSIZE(value) == SKETCH_STATE_SIZE(cells);
    }
    if (!whole)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of parity.sketch_agg")));
    return state;
}

/* As check_state for a value of any kind of bytea, aligned. */
static SketchState *unpack_state(Datum value)
{
    struct varlena *state = PG_DETOAST_DATUM(value);

    if ((const void *)TYPEALIGN(MAXIMUM_ALIGNOF, (uintptr_t)state) != (const void *)state) {
        struct varlena *copy = palloc(VARSIZE(state));

        memcpy(copy, state, VARSIZE(state));
        state = copy;
    }
    return check_state(state);
}

static void require_aggregate(FunctionCallInfo fcinfo, const char *name)
{
    if (!AggCheckCallContext(fcinfo, NULL))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s can only be called as an aggregate", name)));
}

/* --------------------------------------------------------------- sketch_agg */

typedef struct SketchCall {
    ParityRow *row;
    NullableDatum cells_given; /* the argument, which has to stay as it is */
    int32 key_columns;
    uint32 cells;
    parity_buf scratch; /* for the key */
    /* of the current row, grown as need be */
    uint32 *ends;
    bool *key; /* the first key_columns are true */
    int ncolumns, room;
} SketchCall;

static SketchCall *open_call(FunctionCallInfo fcinfo)
{
    SketchCall *call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof *call);

    call->cells_given = fcinfo->args[1];
    call->cells = PG_ARGISNULL(1) ? PARITY_CELLS_DEFAULT : parity_pg_cells(PG_GETARG_INT32(1), 1);
    if (PG_ARGISNULL(2))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", "key_columns"),
                        errhint("It is the number of columns in front that are the key; 0: there is no key.")));
    call->key_columns = PG_GETARG_INT32(2);
    call->row = parity_row_open(fcinfo, 3, NULL, 0);
    parity_buf_init(&call->scratch, call->row->buf.mem);
    return call;
}

static void require_constant(FunctionCallInfo fcinfo, const SketchCall *call)
{
    const char *changed = NULL;

    if (PG_ARGISNULL(1) != call->cells_given.isnull ||
        (!PG_ARGISNULL(1) && PG_GETARG_INT32(1) != DatumGetInt32(call->cells_given.value)))
        changed = "cells";
    else if (PG_ARGISNULL(2) || PG_GETARG_INT32(2) != call->key_columns)
        changed = "key_columns";
    if (changed != NULL)
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be the same in every row", changed)));
}

static void put_column(SketchCall *call, ParityReader *reader, Datum value, bool isnull)
{
    ParityRow *row = call->row;
    unsigned notes = 0;

    if (unlikely(call->ncolumns == call->room)) {
        int old = call->room;

        call->room = Max(2 * old, 16);
        if (old == 0) {
            call->ends = MemoryContextAlloc(row->context, sizeof *call->ends * (Size)call->room);
            call->key = MemoryContextAlloc(row->context, sizeof *call->key * (Size)call->room);
        } else {
            call->ends = repalloc(call->ends, sizeof *call->ends * (Size)call->room);
            call->key = repalloc(call->key, sizeof *call->key * (Size)call->room);
        }
        for (int i = old; i < call->room; i++)
            call->key[i] = i < call->key_columns;
    }
    parity_reader_put(reader, value, isnull, false, &row->buf, &row->scratch, &notes, NULL);
    if (unlikely(row->buf.len > PG_UINT32_MAX))
        parity_pg_raise_status(PARITY_LIMIT);
    call->ends[call->ncolumns++] = (uint32)row->buf.len;
}

/* Frames the arguments of the current call: its key and its hash. */
static void read_row(FunctionCallInfo fcinfo, parity_row_key *key, parity_hash *hash)
{
    SketchCall *call = fcinfo->flinfo->fn_extra;
    ParityRow *row;

    if (unlikely(call == NULL))
        fcinfo->flinfo->fn_extra = call = open_call(fcinfo);
    else
        require_constant(fcinfo, call);
    row = call->row;
    row->buf.len = 0;
    call->ncolumns = 0;
    for (int i = 0; i < row->nargs; i++) {
        const NullableDatum *arg = &fcinfo->args[row->first + i];
        ParityArgument *a = &row->args[i];
        ParityShape *s;

        if (!a->is_row) {
            put_column(call, &a->reader, arg->value, arg->isnull);
            continue;
        }
        s = parity_row_fields(row, a, arg->value, arg->isnull);
        for (int f = 0; f < s->nfields; f++)
            put_column(call, &s->readers[f], s->values[s->attribute[f]], s->nulls[s->attribute[f]]);
    }
    if (unlikely(call->key_columns < 0 || call->key_columns > call->ncolumns))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("%d key columns of %d columns", call->key_columns, call->ncolumns),
                        errhint("\"key_columns\" is the number of columns in front that are the key; 0: there is no "
                                "key.")));
    parity_pg_check(parity_row_key_of(row->buf.data, call->ends, call->ncolumns, call->key, &call->scratch, key), NULL);
    *hash = parity_hash_bytes(row->buf.data, row->buf.len, 0);
}

static SketchState *call_state(FunctionCallInfo fcinfo)
{
    const SketchCall *call = fcinfo->flinfo->fn_extra;
    SketchState *state;

    if (unlikely(PG_ARGISNULL(0)))
        return new_state(call->cells); /* the executor copies it to where states live */
    state = check_state((struct varlena *)PG_GETARG_POINTER(0));
    if (state->sketch.cells != call->cells)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of parity.sketch_agg")));
    return state;
}

/* (state, cells, key_columns, VARIADIC "any") */
Datum parity_sketch_accum(PG_FUNCTION_ARGS)
{
    SketchState *state;
    parity_row_key key;
    parity_hash hash;

    require_aggregate(fcinfo, "parity.sketch_accum");
    read_row(fcinfo, &key, &hash);
    state = call_state(fcinfo);
    parity_sketch_add(&state->sketch, key.key, key.hashed, hash);
    PG_RETURN_POINTER(state);
}

/* The inverse, for moving window frames. */
Datum parity_sketch_accum_inv(PG_FUNCTION_ARGS)
{
    SketchState *state;
    parity_row_key key;
    parity_hash hash;

    require_aggregate(fcinfo, "parity.sketch_accum_inv");
    read_row(fcinfo, &key, &hash);
    state = call_state(fcinfo);
    parity_sketch_remove(&state->sketch, key.key, key.hashed, hash);
    PG_RETURN_POINTER(state);
}

/* -------------------------------------------------------------- sum, combine */

/* Folds a state in place; its memory stays as long as it was. */
static void fold_state(SketchState *state, uint32 cells)
{
    parity_sketch_fold(&state->sketch, cells);
    SET_VARSIZE(state, SKETCH_STATE_SIZE(cells));
}

/* Room for a sketch of so many cells, kept from call to call. */
static parity_sketch *room_for(FunctionCallInfo fcinfo, uint32 cells)
{
    SketchState *room = fcinfo->flinfo->fn_extra;

    if (room == NULL || VARSIZE(room) < SKETCH_STATE_SIZE(cells)) {
        MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

        if (room != NULL)
            pfree(room);
        fcinfo->flinfo->fn_extra = NULL;
        fcinfo->flinfo->fn_extra = room = new_state(cells);
        MemoryContextSwitchTo(old);
    }
    return &room->sketch;
}

/* (state, sketch) */
Datum parity_sketch_sum_accum(PG_FUNCTION_ARGS)
{
    SketchState *state;
    parity_sketch_wire wire;
    parity_sketch *expanded;

    require_aggregate(fcinfo, "parity.sketch_sum_accum");
    state = PG_ARGISNULL(0) ? NULL : check_state((struct varlena *)PG_GETARG_POINTER(0));
    if (PG_ARGISNULL(1)) {
        if (state == NULL)
            PG_RETURN_NULL();
        PG_RETURN_POINTER(state);
    }
    parity_pg_sketch_open(PG_GETARG_DATUM(1), &wire);
    if (wire.list && wire.entries == 0 && wire.rows == 0 && wire.hashed == 0) {
        if (state == NULL) {
            state = new_state(PARITY_CELLS_DEFAULT);
            state->sized = 0;
        }
        PG_RETURN_POINTER(state);
    }
    if (state == NULL || !state->sized) {
        state = new_state(wire.cells);
        parity_sketch_expand(&wire, &state->sketch, wire.cells);
        PG_RETURN_POINTER(state);
    }
    if (wire.cells < state->sketch.cells)
        fold_state(state, wire.cells);
    expanded = room_for(fcinfo, state->sketch.cells);
    parity_sketch_expand(&wire, expanded, state->sketch.cells);
    parity_sketch_merge(&state->sketch, expanded);
    PG_RETURN_POINTER(state);
}

/* (state, state): the second is added to the first. */
Datum parity_sketch_merge_states(PG_FUNCTION_ARGS)
{
    SketchState *state, *other;

    require_aggregate(fcinfo, "parity.sketch_merge");
    state = check_state((struct varlena *)PG_GETARG_POINTER(0));
    other = unpack_state(PG_GETARG_DATUM(1));
    if (!other->sized)
        PG_RETURN_POINTER(state);
    if (!state->sized)
        PG_RETURN_POINTER(other);
    if (other->sketch.cells < state->sketch.cells)
        fold_state(state, other->sketch.cells);
    else if (other->sketch.cells > state->sketch.cells) {
        SketchState *copy = (SketchState *)PG_DETOAST_DATUM_COPY(PointerGetDatum(other));

        fold_state(copy, state->sketch.cells);
        other = copy;
    }
    parity_sketch_merge(&state->sketch, &other->sketch);
    PG_RETURN_POINTER(state);
}

/* (state) -> sketch; of no rows an empty one. */
Datum parity_sketch_final(PG_FUNCTION_ARGS)
{
    SketchState *state;

    require_aggregate(fcinfo, "parity.sketch_final");
    state = PG_ARGISNULL(0) ? new_state(PARITY_CELLS_DEFAULT) : unpack_state(PG_GETARG_DATUM(0));
    PG_RETURN_POINTER(parity_pg_sketch_make(&state->sketch));
}
