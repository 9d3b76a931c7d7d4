/*
 * shadow_insert.c - the rows of an INSERT, put plainly into the table that follows
 *
 * An upsert looks for each row first, and is slow for it: each row is put into
 * the table by itself, marked as not yet sure, and marked again.  Where nothing
 * but the row itself is to be seen to, the rows are put there as COPY does it,
 * some at a time.  A key that is there already is an error then, of which the
 * caller makes an upsert.
 *
 * What COPY does, an INSERT ... SELECT of the same rows does as well: defaults,
 * generated columns, constraints, row triggers that come after.  What is left to
 * the statement: partitions, rules, row-level security that holds for the owner,
 * triggers that come before, triggers of statements (another shadow's), and
 * whatever has to see one row before the next.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "override.h"
#include "shadow.h"

/* How much is put into the table at a time: as COPY has it. */
#define BATCH_ROWS 1000
#define BATCH_BYTES 65535

struct ParityInsert {
    Oid to;
    List *targets; /* an expression for each column of to, ready to be run */
    List *condition;
    /*
     * Of a mapping that only moves values, into a table with nothing but NOT NULL
     * and plain btree indexes: for each column of to the attribute of from, 0 for
     * NULL.  Otherwise NULL.
     */
    AttrNumber *moves;
    int natts;
};

/* --------------------------------------------------------- whether it can be done so */

/* Whether a trigger stands in the way. */
static bool trigger_hinders(const Trigger *t, int64 id)
{
    if (t->tgnewtable != NULL || t->tgoldtable != NULL)
        return true;
    if (TRIGGER_FOR_ROW(t->tgtype))
        return TRIGGER_FOR_INSERT(t->tgtype) && !TRIGGER_FOR_AFTER(t->tgtype);
    if (!TRIGGER_FOR_INSERT(t->tgtype) && !TRIGGER_FOR_UPDATE(t->tgtype))
        return false;
    /* the shadow's own guard, which has nothing to say to its own writes */
    return get_func_namespace(t->tgfoid) != parity_pg_schema() || strcmp(get_func_name(t->tgfoid), "shadow_guard") != 0 ||
           t->tgnargs != 1 || strtoll(t->tgargs[0], NULL, 10) != id;
}

/* Whether the key has the index without which an upsert is an error. */
static bool key_is_unique(Relation to, const ParityMapping *m)
{
    bool found = false;
    ListCell *cell;

    foreach (cell, RelationGetIndexList(to)) {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        const FormData_pg_index *form = index->rd_index;
        bool same = form->indisunique && form->indimmediate && form->indisvalid && form->indisready &&
                    form->indnkeyatts == m->keys && RelationGetIndexPredicate(index) == NIL;

        for (int i = 0; same && i < m->keys; i++) {
            same = false;
            for (int k = 0; k < form->indnkeyatts; k++)
                same = same || form->indkey.values[k] == m->columns[i].to_attribute;
        }
        found = found || same;
        index_close(index, NoLock);
    }
    return found;
}

static bool is_plain(Relation to, const ParityMapping *m, int64 id)
{
    const FormData_pg_class *form = to->rd_rel;
    const TriggerDesc *triggers;

    if (form->relkind != RELKIND_RELATION || form->relam != HEAP_TABLE_AM_OID || form->relispartition ||
        form->relforcerowsecurity || (to->rd_rules != NULL && to->rd_rules->numLocks > 0) ||
        pg_class_aclcheck(RelationGetRelid(to), form->relowner, ACL_INSERT) != ACLCHECK_OK)
        return false;
    /* a copy: a look at a catalog may take the relation's own away */
    triggers = CopyTriggerDesc(to->trigdesc);
    for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
        if (trigger_hinders(&triggers->triggers[i], id))
            return false;
    return key_is_unique(to, m);
}

/* -------------------------------------------------------------------------- planning */

/* What a column is given that the mapping does not name. */
static Expr *value_by_default(Relation to, Form_pg_attribute a)
{
    Node *value = NULL;

    if (a->attisdropped)
        return (Expr *)makeNullConst(INT4OID, -1, InvalidOid);
    /* what is generated is made of the others, later */
    if (a->attgenerated == '\0')
        value = build_column_default(to, a->attnum);
    if (value == NULL) {
        value = (Node *)makeConst(a->atttypid, -1, a->attcollation, a->attlen, (Datum)0, true, a->attbyval);
        /* a domain may refuse NULL */
        if (a->attgenerated == '\0')
            value = coerce_to_domain(value, InvalidOid, -1, a->atttypid, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, false);
    }
    return (Expr *)value;
}

/* The expression of a column as INSERT would convert it; NULL when it would not. */
static Expr *value_of_column(const ParityMapped *c, Form_pg_attribute a)
{
    Node *node = copyObjectImpl(c->node);

    node = coerce_to_target_type(NULL, node, exprType(node), a->atttypid, a->atttypmod, COERCION_ASSIGNMENT,
                                 COERCE_IMPLICIT_CAST, -1);
    if (node != NULL)
        assign_expr_collations(NULL, node);
    return (Expr *)node;
}

/* Whether an index takes values of columns as they are, and at once. */
static bool index_is_simple(Relation index)
{
    const FormData_pg_index *form = index->rd_index;

    for (int i = 0; i < form->indnatts; i++)
        if (form->indkey.values[i] <= 0)
            return false;
    return index->rd_rel->relam == BTREE_AM_OID && form->indimmediate && !form->indisexclusion &&
           RelationGetIndexPredicate(index) == NIL;
}

/* The same of a table, as far as triggers and constraints go. */
static bool table_is_simple(Relation to)
{
    const TupleConstr *constr = RelationGetDescr(to)->constr;
    bool simple = to->trigdesc == NULL || !to->trigdesc->trig_insert_after_row;
    ListCell *cell;

    if (constr != NULL && (constr->num_check > 0 || constr->has_generated_stored))
        simple = false;
    foreach (cell, RelationGetIndexList(to)) {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);

        simple = simple && index_is_simple(index);
        index_close(index, NoLock);
    }
    return simple;
}

/* Where the columns' values are in a row of from, if that is all there is to the expressions. */
static AttrNumber *moves_of(List *targets, int natts)
{
    AttrNumber *out = palloc0(sizeof *out * (size_t)natts);
    ListCell *cell;

    foreach (cell, targets) {
        const TargetEntry *e = lfirst_node(TargetEntry, cell);
        const Expr *value = e->expr;

        /* the same bytes under the name of another type */
        while (IsA(value, RelabelType))
            value = ((const RelabelType *)value)->arg;
        if (IsA(value, Var) && ((const Var *)value)->varattno > 0)
            out[e->resno - 1] = ((const Var *)value)->varattno;
        else if (!IsA(value, Const) || !((const Const *)value)->constisnull)
            return NULL;
    }
    return out;
}

ParityInsert *parity_shadow_plan_insert(const ParityMapping *m, int64 id)
{
    Relation to = table_open(m->to, RowExclusiveLock);
    TupleDesc desc = RelationGetDescr(to);
    ParityInsert *out = NULL;
    List *targets = NIL;
    bool plain = is_plain(to, m, id);

    for (int i = 0; plain && i < desc->natts; i++) {
        Form_pg_attribute a = TupleDescAttr(desc, i);
        const ParityMapped *c = NULL;
        Expr *value;

        for (int k = 0; c == NULL && k < m->n; k++)
            if (m->columns[k].to_attribute == a->attnum)
                c = &m->columns[k];
        if (c != NULL && (a->attisdropped || a->attgenerated != '\0'))
            plain = false;
        else {
            value = c != NULL ? value_of_column(c, a) : value_by_default(to, a);
            /* a function that looks at the table would see the rows before its own */
            if (value == NULL || contain_volatile_functions_not_nextval((Node *)value))
                plain = false;
            else
                targets = lappend(targets, makeTargetEntry(expression_planner(value), a->attnum, NULL, false));
        }
    }
    if (plain) {
        out = palloc0(sizeof *out);
        out->to = m->to;
        out->targets = targets;
        out->natts = desc->natts;
        if (m->condition == NULL && table_is_simple(to))
            out->moves = moves_of(targets, desc->natts);
        if (m->condition != NULL)
            out->condition = make_ands_implicit(expression_planner(copyObjectImpl(m->condition)));
    }
    table_close(to, NoLock);
    return out;
}

ParityInsert *parity_shadow_copy_insert(const ParityInsert *p)
{
    ParityInsert *out = palloc(sizeof *out);

    out->to = p->to;
    out->targets = copyObjectImpl(p->targets);
    out->condition = copyObjectImpl(p->condition);
    out->natts = p->natts;
    out->moves = NULL;
    if (p->moves != NULL) {
        out->moves = palloc(sizeof *out->moves * (size_t)p->natts);
        memcpy(out->moves, p->moves, sizeof *out->moves * (size_t)p->natts);
    }
    return out;
}

/* --------------------------------------------------------------------------- writing */

typedef struct writer {
    EState *estate;
    ResultRelInfo *rel;
    CommandId command;
    bool has_triggers;
    TupleTableSlot *slots[BATCH_ROWS]; /* as many as were needed at once */
    int made, n;
    Size bytes;
} writer;

/* Puts what has been gathered into the table and its indexes. */
static void flush(writer *w)
{
    Relation to = w->rel->ri_RelationDesc;
    MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(w->estate));

    if (w->n == 1)
        table_tuple_insert(to, w->slots[0], w->command, 0, NULL);
    else if (w->n > 1)
        table_multi_insert(to, w->slots, w->n, w->command, 0, NULL);
    for (int i = 0; i < w->n; i++) {
        List *recheck = NIL;

        if (w->rel->ri_NumIndices > 0)
            recheck = parity_insert_index_tuples(w->rel, w->slots[i], w->estate);
        if (w->has_triggers)
            ExecARInsertTriggers(w->estate, w->rel, w->slots[i], recheck, NULL);
        ExecClearTuple(w->slots[i]);
        ResetPerTupleExprContext(w->estate);
    }
    MemoryContextSwitchTo(caller);
    w->n = 0;
    w->bytes = 0;
}

/* Takes a row as it was projected. */
static void add(writer *w, TupleTableSlot *row)
{
    Relation to = w->rel->ri_RelationDesc;
    const TupleConstr *constr = RelationGetDescr(to)->constr;
    TupleTableSlot *slot;
    bool shouldfree;

    if (w->n == w->made)
        w->slots[w->made++] = table_slot_create(to, &w->estate->es_tupleTable);
    slot = w->slots[w->n++];
    row->tts_tableOid = RelationGetRelid(to);
    if (constr != NULL && !constr->has_generated_stored)
        ExecConstraints(w->rel, row, w->estate);
    ExecCopySlot(slot, row);
    slot->tts_tableOid = RelationGetRelid(to);
    if (constr != NULL && constr->has_generated_stored) {
        parity_compute_generated(w->rel, w->estate, slot);
        ExecConstraints(w->rel, slot, w->estate);
    }
    w->bytes += ExecFetchSlotHeapTuple(slot, true, &shouldfree)->t_len;
    if (w->n == BATCH_ROWS || w->bytes > BATCH_BYTES)
        flush(w);
}

static uint64 write_all(writer *w, const ParityInsert *p, TupleDesc from, Tuplestorestate *rows)
{
    TupleTableSlot *in = ExecInitExtraTupleSlot(w->estate, from, &TTSOpsMinimalTuple);
    TupleTableSlot *out = ExecInitExtraTupleSlot(w->estate, RelationGetDescr(w->rel->ri_RelationDesc), &TTSOpsVirtual);
    ExprContext *context = GetPerTupleExprContext(w->estate);
    ProjectionInfo *projection = ExecBuildProjectionInfo(p->targets, context, out, NULL, from);
    ExprState *condition = ExecInitQual(p->condition, NULL);
    uint64 n = 0;

    tuplestore_select_read_pointer(rows, 0);
    tuplestore_rescan(rows);
    while (tuplestore_gettupleslot(rows, true, false, in)) {
        CHECK_FOR_INTERRUPTS();
        ResetPerTupleExprContext(w->estate);
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
static bool insert_one(const ParityInsert *p, Relation to, TriggerData *data)
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

uint64 parity_shadow_insert(const ParityInsert *p, Relation to, TriggerData *data)
{
    MemoryContext caller;
    writer *w;
    uint64 n;

    if (!to->rd_islocaltemp)
        PreventCommandIfReadOnly("INSERT");
    /* as SPI does it: under a snapshot of its own, between two commands */
    CommandCounterIncrement();
    if (p->moves != NULL && tuplestore_tuple_count(data->tg_newtable) == 1 && insert_one(p, to, data)) {
        CommandCounterIncrement();
        return 1;
    }
    w = palloc0(sizeof *w);
    PushCopiedSnapshot(GetLatestSnapshot());
    UpdateActiveSnapshotCommandId();
    w->command = GetCurrentCommandId(true);
    w->estate = CreateExecutorState();
    caller = MemoryContextSwitchTo(w->estate->es_query_cxt);
    w->rel = parity_open_result(w->estate, to);
    w->estate->es_output_cid = w->command;
    w->estate->es_snapshot = GetActiveSnapshot();
    w->has_triggers = to->trigdesc != NULL && to->trigdesc->trig_insert_after_row;
    ExecOpenIndices(w->rel, false);
    if (w->has_triggers)
        AfterTriggerBeginQuery();
    n = write_all(w, p, RelationGetDescr(data->tg_relation), data->tg_newtable);
    if (w->has_triggers)
        AfterTriggerEndQuery(w->estate);
    ExecResetTupleTable(w->estate->es_tupleTable, false);
    ExecCloseIndices(w->rel);
    MemoryContextSwitchTo(caller);
    FreeExecutorState(w->estate);
    PopActiveSnapshot();
    CommandCounterIncrement();
    pfree(w);
    return n;
}
