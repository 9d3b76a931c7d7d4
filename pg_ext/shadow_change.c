/*
 * shadow_change.c - the rows of an UPDATE or DELETE, found by their key in the table that follows
 *
 * A trigger knows which rows were changed, not by which condition, so that each
 * has to be looked for: in the index of the key, which stays open meanwhile.  A
 * statement would do that through a join with the transition table, which is
 * carried along in full.
 *
 * Rows lie most often in the order in which they were put there, in both tables.
 * So the next one is first looked for where it would be then, right behind the
 * last; whether it is the one is told by its key.  While that fails it is tried
 * less and less.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "shadow_plain.h"

/* The rows of the table that follows, by key. */
typedef struct finder {
    const ParityPlain *plan;
    ParityWriter *writer;
    Relation index;
    IndexScanDesc scan;
    ScanKeyData keys[INDEX_MAX_KEYS];
    TupleTableSlot *found;
    BlockNumber blocks;     /* that the table had */
    ItemPointerData place;  /* of the row that was found last, as indexes know it; not valid when there is none */
    int failures;           /* of looking behind it, one after another */
    int skip;               /* how often that is not to be tried */
    bool by_index;          /* it never is: to look at a row is to have read it, under SERIALIZABLE */
} finder;

/* The most rows that are found by the index alone before the place behind one is looked at again. */
#define MOST_SKIPPED 256

static void begin_find(finder *f, const ParityPlain *p, ParityWriter *w)
{
    Relation to = w->rel->ri_RelationDesc;

    f->plan = p;
    f->writer = w;
    f->by_index = IsolationIsSerializable();
    f->index = index_open(p->index, AccessShareLock);
    f->scan = parity_index_beginscan(to, f->index, GetActiveSnapshot(), p->keys);
    f->found = table_slot_create(to, &w->estate->es_tupleTable);
    f->failures = f->skip = 0;
    f->blocks = RelationGetNumberOfBlocks(to);
    ItemPointerSetInvalid(&f->place);
    for (int i = 0; i < p->keys; i++)
        ScanKeyEntryInitialize(&f->keys[i], 0, (AttrNumber)(i + 1), BTEqualStrategyNumber, p->key[i].type,
                               p->key[i].collation, p->key[i].equal, (Datum)0);
}

static void end_find(finder *f)
{
    index_endscan(f->scan);
    index_close(f->index, NoLock);
}

/* Whether the row that is in found has the key that is wanted. */
static bool is_wanted(finder *f)
{
    for (int i = 0; i < f->plan->keys; i++) {
        bool isnull;
        Datum value = slot_getattr(f->found, f->plan->key[i].to_attribute, &isnull);

        if (isnull || !DatumGetBool(FunctionCall2Coll(&f->keys[i].sk_func, f->keys[i].sk_collation, value, f->keys[i].sk_argument)))
            return false;
    }
    return true;
}

/* Whether there is a row at a place that an index may point to: it is in found then. */
static bool is_at(finder *f, const ItemPointerData *place)
{
    ItemPointerData tid = *place;
    bool again = false;

    /* the page stays pinned for the next */
    return table_index_fetch_tuple(f->scan->xs_heapfetch, &tid, f->scan->xs_snapshot, f->found, &again, NULL);
}

/* Whether the row that is wanted is behind the last one. */
static bool is_behind(finder *f)
{
    bool there;

    if (f->by_index || !ItemPointerIsValid(&f->place))
        return false;
    if (f->skip > 0) {
        f->skip--;
        return false;
    }
    ItemPointerSetOffsetNumber(&f->place, OffsetNumberNext(ItemPointerGetOffsetNumber(&f->place)));
    there = is_at(f, &f->place);
    if (!there && ItemPointerGetBlockNumber(&f->place) + 1 < f->blocks) {
        /* it may have been the last of its page */
        ItemPointerSet(&f->place, ItemPointerGetBlockNumber(&f->place) + 1, FirstOffsetNumber);
        there = is_at(f, &f->place);
    }
    if (there && is_wanted(f)) {
        f->failures = 0;
        return true;
    }
    ExecClearTuple(f->found);
    f->skip = Min((1 << Min(f->failures, 16)) - 1, MOST_SKIPPED);
    f->failures++;
    return false;
}

/* Whether there is a row with the key of a row of from: it is in found then. */
static bool find(finder *f, TupleTableSlot *row)
{
    for (int i = 0; i < f->plan->keys; i++) {
        bool isnull;

        f->keys[i].sk_argument = slot_getattr(row, f->plan->key[i].from_attribute, &isnull);
        if (isnull)
            return false;
    }
    if (!is_behind(f)) {
        ItemPointer tid;

        index_rescan(f->scan, f->keys, f->plan->keys, NULL, 0);
        for (;;) {
            tid = index_getnext_tid(f->scan, ForwardScanDirection);
            if (tid == NULL) {
                ItemPointerSetInvalid(&f->place);
                return false;
            }
            f->place = *tid;
            if (index_fetch_heap(f->scan, f->found))
                break;
        }
    }
    return true;
}

/* Looks with a snapshot of now: somebody else has changed a row that was found, and has committed. */
static void look_anew(finder *f)
{
    ExecClearTuple(f->found);
    ItemPointerSetInvalid(&f->place);
    index_endscan(f->scan);
    PopActiveSnapshot();
    PushCopiedSnapshot(GetLatestSnapshot());
    UpdateActiveSnapshotCommandId();
    f->writer->estate->es_snapshot = GetActiveSnapshot();
    f->scan = parity_index_beginscan(f->writer->rel->ri_RelationDesc, f->index, GetActiveSnapshot(), f->plan->keys);
}

/* ----------------------------------------------------------------------- changing them */

typedef struct changer {
    ParityWriter writer;
    finder finder;
    const ParityPlain *plan;
    ProjectionInfo *projection;   /* of an UPDATE: what is set ... */
    TupleTableSlot *out, *stored; /* ... and the row with it, before and as it is stored */
} changer;

/* Of the row that is in the finder's found; in is the one of from. */
typedef TM_Result (*change)(changer *c, TupleTableSlot *in);

static TM_Result update_one(changer *c, TupleTableSlot *in)
{
    ParityWriter *w = &c->writer;
    Relation to = w->rel->ri_RelationDesc;
    ExprContext *context = GetPerTupleExprContext(w->estate);
    MemoryContext caller = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
    TupleTableSlot *found = c->finder.found, *out = c->out, *set;
    ItemPointerData place = found->tts_tid;
    parity_update_indexes indexes;
    LockTupleMode mode;
    TM_FailureData failure;
    TM_Result result;

    context->ecxt_scantuple = in;
    set = ExecProject(c->projection);
    slot_getallattrs(found);
    ExecClearTuple(out);
    memcpy(out->tts_values, found->tts_values, sizeof *out->tts_values * (size_t)c->plan->natts);
    memcpy(out->tts_isnull, found->tts_isnull, sizeof *out->tts_isnull * (size_t)c->plan->natts);
    for (int i = 0; i < list_length(c->plan->sets); i++) {
        out->tts_values[c->plan->columns[i] - 1] = set->tts_values[i];
        out->tts_isnull[c->plan->columns[i] - 1] = set->tts_isnull[i];
    }
    ExecStoreVirtualTuple(out);
    out->tts_tableOid = RelationGetRelid(to);
    if (RelationGetDescr(to)->constr != NULL)
        ExecConstraints(w->rel, out, w->estate);
    ExecCopySlot(c->stored, out);
    c->stored->tts_tableOid = RelationGetRelid(to);
    result = table_tuple_update(to, &place, c->stored, w->command, GetActiveSnapshot(), InvalidSnapshot, true, &failure, &mode, &indexes);
    if (result == TM_Ok) {
        List *recheck = NIL;

        if (w->rel->ri_NumIndices > 0 && parity_needs_indexes(indexes))
            recheck = parity_update_index_tuples(w->rel, c->stored, w->estate, indexes);
        if (to->trigdesc != NULL && to->trigdesc->trig_update_after_row)
            parity_update_triggers(w->estate, w->rel, &place, c->stored, recheck);
    }
    MemoryContextSwitchTo(caller);
    return result;
}

static TM_Result delete_one(changer *c, TupleTableSlot *in)
{
    ParityWriter *w = &c->writer;
    Relation to = w->rel->ri_RelationDesc;
    ItemPointer place = &c->finder.found->tts_tid;
    TM_FailureData failure;
    TM_Result result = table_tuple_delete(to, place, w->command, GetActiveSnapshot(), InvalidSnapshot, true, &failure, false);

    (void)in;
    if (result == TM_Ok && to->trigdesc != NULL && to->trigdesc->trig_delete_after_row)
        parity_delete_triggers(w->estate, w->rel, place);
    return result;
}

/* How many were changed. */
static uint64 change_all(changer *c, TupleDesc from, Tuplestorestate *rows, change one)
{
    TupleTableSlot *in = ExecInitExtraTupleSlot(c->writer.estate, from, &TTSOpsMinimalTuple);
    uint64 n = 0;

    begin_find(&c->finder, c->plan, &c->writer);
    tuplestore_select_read_pointer(rows, 0);
    tuplestore_rescan(rows);
    while (tuplestore_gettupleslot(rows, true, false, in)) {
        TM_Result result = TM_Updated;

        while ((result == TM_Updated || result == TM_Deleted) && find(&c->finder, in)) {
            CHECK_FOR_INTERRUPTS();
            ResetPerTupleExprContext(c->writer.estate);
            result = one(c, in);
            if (result == TM_Updated || result == TM_Deleted)
                look_anew(&c->finder);
        }
        n += result == TM_Ok;
        /* what was called may have read the same rows */
        tuplestore_select_read_pointer(rows, 0);
    }
    tuplestore_rescan(rows);
    end_find(&c->finder);
    parity_shadow_end_write(&c->writer);
    return n;
}

uint64 parity_shadow_update(const ParityPlain *p, Relation to, TriggerData *data)
{
    TupleDesc from = RelationGetDescr(data->tg_relation);
    changer c = {.plan = p};
    TupleTableSlot *set;
    EState *estate;

    CheckCmdReplicaIdentity(to, CMD_UPDATE);
    parity_shadow_begin_write(&c.writer, to, p->updated);
    estate = c.writer.estate;
    set = ExecInitExtraTupleSlot(estate, ExecTypeFromTL(p->sets), &TTSOpsVirtual);
    c.out = ExecInitExtraTupleSlot(estate, RelationGetDescr(to), &TTSOpsVirtual);
    c.stored = table_slot_create(to, &estate->es_tupleTable);
    c.projection = ExecBuildProjectionInfo(p->sets, GetPerTupleExprContext(estate), set, NULL, from);
    return change_all(&c, from, data->tg_newtable, update_one);
}

void parity_shadow_delete(const ParityPlain *p, Relation to, TriggerData *data)
{
    changer c = {.plan = p};

    CheckCmdReplicaIdentity(to, CMD_DELETE);
    parity_shadow_begin_write(&c.writer, to, NULL);
    (void)change_all(&c, RelationGetDescr(data->tg_relation), data->tg_oldtable, delete_one);
}
