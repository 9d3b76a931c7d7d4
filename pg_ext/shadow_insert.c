/*
 * shadow_insert.c - the rows of an INSERT, put plainly into the table that follows
 *
 * They go there as COPY puts them, some at a time.  A key that is there already
 * is an error then, of which the caller makes an upsert.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_attribute.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "shadow_plain.h"

/* How much is put into the table at a time: as COPY has it. */
#define BATCH_ROWS 1000
#define BATCH_BYTES 65535

typedef struct writer {
    ParityWriter into;
    bool has_triggers;
    TupleTableSlot *slots[BATCH_ROWS]; /* as many as were needed at once */
    int made, n;
    Size bytes;
} writer;

/* Puts what has been gathered into the table and its indexes. */
static void flush(writer *w)
{
    Relation to = w->into.rel->ri_RelationDesc;
    MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(w->into.estate));

    if (w->n == 1)
        table_tuple_insert(to, w->slots[0], w->into.command, 0, NULL);
    else if (w->n > 1)
        table_multi_insert(to, w->slots, w->n, w->into.command, 0, NULL);
    for (int i = 0; i < w->n; i++) {
        List *recheck = NIL;

        if (w->into.rel->ri_NumIndices > 0)
            recheck = parity_insert_index_tuples(w->into.rel, w->slots[i], w->into.estate);
        if (w->has_triggers)
            ExecARInsertTriggers(w->into.estate, w->into.rel, w->slots[i], recheck, NULL);
        ExecClearTuple(w->slots[i]);
        ResetPerTupleExprContext(w->into.estate);
    }
    MemoryContextSwitchTo(caller);
    w->n = 0;
    w->bytes = 0;
}

/* Takes a row as it was projected. */
static void add(writer *w, TupleTableSlot *row)
{
    Relation to = w->into.rel->ri_RelationDesc;
    const TupleConstr *constr = RelationGetDescr(to)->constr;
    TupleTableSlot *slot;
    bool shouldfree;

    if (w->n == w->made)
        w->slots[w->made++] = table_slot_create(to, &w->into.estate->es_tupleTable);
    slot = w->slots[w->n++];
    row->tts_tableOid = RelationGetRelid(to);
    if (constr != NULL && !constr->has_generated_stored)
        ExecConstraints(w->into.rel, row, w->into.estate);
    ExecCopySlot(slot, row);
    slot->tts_tableOid = RelationGetRelid(to);
    if (constr != NULL && constr->has_generated_stored) {
        parity_compute_generated(w->into.rel, w->into.estate, slot);
        ExecConstraints(w->into.rel, slot, w->into.estate);
    }
    w->bytes += ExecFetchSlotHeapTuple(slot, true, &shouldfree)->t_len;
    if (w->n == BATCH_ROWS || w->bytes > BATCH_BYTES)
        flush(w);
}

static uint64 write_all(writer *w, const ParityPlain *p, TupleDesc from, Tuplestorestate *rows)
{
    TupleTableSlot *in = ExecInitExtraTupleSlot(w->into.estate, from, &TTSOpsMinimalTuple);
    TupleTableSlot *out = ExecInitExtraTupleSlot(w->into.estate, RelationGetDescr(w->into.rel->ri_RelationDesc), &TTSOpsVirtual);
    ExprContext *context = GetPerTupleExprContext(w->into.estate);
    ProjectionInfo *projection = ExecBuildProjectionInfo(p->targets, context, out, NULL, from);
    ExprState *condition = ExecInitQual(p->condition, NULL);
    uint64 n = 0;

    tuplestore_select_read_pointer(rows, 0);
    tuplestore_rescan(rows);
    while (tuplestore_gettupleslot(rows, true, false, in)) {
        CHECK_FOR_INTERRUPTS();
        ResetPerTupleExprContext(w->into.estate);
        context->ecxt_scantuple = in;
        if (!ExecQual(condition, context))
            continue;
        add(w, ExecProject(projection));
        n++;
        /* what was called may have read the same rows */
        tuplestore_select_read_pointer(rows, 0);
    }
    flush(w);
    tuplestore_rescan(rows);
    return n;
}

/* Puts one row into an index whose columns are the table's. */
static void index_one(Relation index, Relation to, HeapTuple tuple, const Datum *values, const bool *isnull)
{
    IndexInfo *info = BuildIndexInfo(index);
    bool nulls[INDEX_MAX_KEYS];
    Datum keys[INDEX_MAX_KEYS];

    if (!info->ii_ReadyForInserts)
        return;
    for (int i = 0; i < info->ii_NumIndexAttrs; i++) {
        keys[i] = values[info->ii_IndexAttrNumbers[i] - 1];
        nulls[i] = isnull[info->ii_IndexAttrNumbers[i] - 1];
    }
    (void)parity_index_insert_checked(index, keys, nulls, &tuple->t_self, to,
                                      info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, info);
}

/*
 * One row whose values are only moved: most of the time that it would take goes
 * into making an executor ready.  false, with nothing done, when a NULL is where
 * none may be: the executor tells that better.
 */
static bool insert_one(const ParityPlain *p, Relation to, TriggerData *data)
{
    TupleTableSlot *in = MakeSingleTupleTableSlot(RelationGetDescr(data->tg_relation), &TTSOpsMinimalTuple);
    TupleDesc desc = RelationGetDescr(to);
    Datum *values = palloc(sizeof *values * (size_t)desc->natts);
    bool *isnull = palloc(sizeof *isnull * (size_t)desc->natts), ok = true;

    tuplestore_select_read_pointer(data->tg_newtable, 0);
    tuplestore_rescan(data->tg_newtable);
    if (!tuplestore_gettupleslot(data->tg_newtable, true, false, in))
        elog(ERROR, "the row is not there");
    slot_getallattrs(in);
    for (int i = 0; i < desc->natts; i++) {
        AttrNumber n = p->moves[i];

        isnull[i] = n == 0 || in->tts_isnull[n - 1];
        values[i] = isnull[i] ? (Datum)0 : in->tts_values[n - 1];
        ok = ok && !(isnull[i] && TupleDescAttr(desc, i)->attnotnull);
    }
    if (ok) {
        HeapTuple tuple = heap_form_tuple(desc, values, isnull);
        ListCell *cell;

        tuple->t_tableOid = RelationGetRelid(to);
        heap_insert(to, tuple, GetCurrentCommandId(true), 0, NULL);
        foreach (cell, RelationGetIndexList(to)) {
            Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);

            index_one(index, to, tuple, values, isnull);
            index_close(index, RowExclusiveLock);
        }
    }
    ExecDropSingleTupleTableSlot(in);
    tuplestore_rescan(data->tg_newtable);
    return ok;
}

uint64 parity_shadow_insert(const ParityPlain *p, Relation to, TriggerData *data)
{
    writer *w;
    uint64 n;

    if (p->moves != NULL && tuplestore_tuple_count(data->tg_newtable) == 1) {
        PreventCommandIfReadOnly("INSERT");
        CommandCounterIncrement();
        if (insert_one(p, to, data)) {
            CommandCounterIncrement();
            return 1;
        }
    }
    w = palloc0(sizeof *w);
    parity_shadow_begin_write(&w->into, to, NULL);
    w->has_triggers = to->trigdesc != NULL && to->trigdesc->trig_insert_after_row;
    n = write_all(w, p, RelationGetDescr(data->tg_relation), data->tg_newtable);
    parity_shadow_end_write(&w->into);
    pfree(w);
    return n;
}
