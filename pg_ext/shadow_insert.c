/*
 * shadow_insert.c - the rows of an INSERT, put plainly into the table that follows
 *
 * They go there as COPY puts them, some at a time.  A key that is there already
 * is an error then, of which the caller makes an upsert.  A backfill's rows, which
 * come out of a query, go the same way.
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
#include "tcop/pquery.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
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

/* Rows as they come, made into rows of the table. */
typedef struct mapper {
    DestReceiver receiver; /* for those that come out of a query; the first field */
    writer *into;
    const ParityPlain *plan;
    ExprContext *context;
    ProjectionInfo *projection;
    ExprState *condition;
    uint64 n; /* that were put there */
    ResourceOwner owner; /* of what is open; a query has one of its own */
} mapper;

static void begin_map(mapper *m, TupleDesc from)
{
    EState *estate = m->into->into.estate;
    TupleTableSlot *out = ExecInitExtraTupleSlot(estate, RelationGetDescr(m->into->into.rel->ri_RelationDesc), &TTSOpsVirtual);

    m->context = GetPerTupleExprContext(estate);
    m->projection = ExecBuildProjectionInfo(m->plan->targets, m->context, out, NULL, from);
    m->condition = ExecInitQual(m->plan->condition, NULL);
}

static void map(mapper *m, TupleTableSlot *row)
{
    CHECK_FOR_INTERRUPTS();
    ResetPerTupleExprContext(m->into->into.estate);
    m->context->ecxt_scantuple = row;
    if (ExecQual(m->condition, m->context)) {
        add(m->into, ExecProject(m->projection));
        m->n++;
    }
}

static void write_all(mapper *m, TupleDesc from, Tuplestorestate *rows)
{
    TupleTableSlot *in = ExecInitExtraTupleSlot(m->into->into.estate, from, &TTSOpsMinimalTuple);

    begin_map(m, from);
    tuplestore_select_read_pointer(rows, 0);
    tuplestore_rescan(rows);
    while (tuplestore_gettupleslot(rows, true, false, in)) {
        map(m, in);
        /* what was called may have read the same rows */
        tuplestore_select_read_pointer(rows, 0);
    }
    flush(m->into);
    tuplestore_rescan(rows);
}

/* ------------------------------------------------------------------ rows of a query */

/* Out of the query's memory and owner into the writer's; the caller's owner, to be put back. */
static ResourceOwner enter(const mapper *m, MemoryContext *context)
{
    ResourceOwner owner = CurrentResourceOwner;

    CurrentResourceOwner = m->owner;
    *context = MemoryContextSwitchTo(m->into->into.estate->es_query_cxt);
    return owner;
}

static void leave(ResourceOwner owner, MemoryContext context)
{
    CurrentResourceOwner = owner;
    MemoryContextSwitchTo(context);
}

static void start_receiving(DestReceiver *self, int operation, TupleDesc from)
{
    mapper *m = (mapper *)self;
    MemoryContext context;
    ResourceOwner owner = enter(m, &context);

    (void)operation;
    begin_map(m, from);
    leave(owner, context);
}

static bool receive(TupleTableSlot *row, DestReceiver *self)
{
    mapper *m = (mapper *)self;
    MemoryContext context;
    ResourceOwner owner = enter(m, &context);

    map(m, row);
    leave(owner, context);
    return true;
}

static void end_receiving(DestReceiver *self)
{
    (void)self;
}

static void begin_insert(writer *w, Relation to)
{
    parity_shadow_begin_write(&w->into, to, NULL);
    w->has_triggers = to->trigdesc != NULL && to->trigdesc->trig_insert_after_row;
}

uint64 parity_shadow_fill(const ParityPlain *p, Relation to, Portal rows)
{
    writer *w = palloc0(sizeof *w);
    mapper m = {{receive, start_receiving, end_receiving, end_receiving, DestNone}, w, p, NULL, NULL, NULL, 0, CurrentResourceOwner};

    begin_insert(w, to);
    (void)PortalRunFetch(rows, FETCH_FORWARD, FETCH_ALL, &m.receiver);
    flush(w);
    parity_shadow_end_write(&w->into);
    pfree(w);
    return m.n;
}

/* --------------------------------------------------------------- rows of a trigger */

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
    mapper m = {.plan = p};
    writer *w;

    if (p->moves != NULL && tuplestore_tuple_count(data->tg_newtable) == 1) {
        PreventCommandIfReadOnly("INSERT");
        CommandCounterIncrement();
        if (insert_one(p, to, data)) {
            CommandCounterIncrement();
            return 1;
        }
    }
    w = palloc0(sizeof *w);
    m.into = w;
    begin_insert(w, to);
    write_all(&m, RelationGetDescr(data->tg_relation), data->tg_newtable);
    parity_shadow_end_write(&w->into);
    pfree(w);
    return m.n;
}
