/*
 * shadow_plain.c - whether rows can be written into the table that follows without a statement, and how
 *
 * A statement costs an executor, and what its plan does besides: an upsert looks
 * for each row first, puts it into the table by itself, and marks it twice; an
 * UPDATE or DELETE joins the transition table with the whole table, or carries
 * rows through a nested loop.  Where nothing but the row itself is to be seen to,
 * it is put into the table as COPY does it (shadow_insert.c), or found by its key
 * and changed (shadow_change.c).
 *
 * What these do, a statement for the same rows does as well: defaults, generated
 * columns, constraints, row triggers that come after.  What is left to the
 * statement: partitions, rules, row-level security that holds for the owner,
 * triggers that come before, triggers of statements (another shadow's), and
 * whatever has to see one row before the next.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
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
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "compat.h"
#include "override.h"
#include "shadow_plain.h"

/* --------------------------------------------------------- whether it can be done so */

/* Whether a trigger is the shadow's own guard, which has nothing to say to its own writes. */
static bool is_own_guard(const Trigger *t, int64 id)
{
    return get_func_namespace(t->tgfoid) == parity_pg_schema() && strcmp(get_func_name(t->tgfoid), "shadow_guard") == 0 &&
           t->tgnargs == 1 && strtoll(t->tgargs[0], NULL, 10) == id;
}

/* Whether a trigger stands in the way; triggers of statements also of an event that an upsert has besides. */
static bool trigger_hinders(const Trigger *t, int64 id, int16 event, int16 besides)
{
    if (TRIGGER_FOR_ROW(t->tgtype) && t->tgnewtable == NULL && t->tgoldtable == NULL)
        return (t->tgtype & event) != 0 && !TRIGGER_FOR_AFTER(t->tgtype);
    return (t->tgtype & (event | besides)) != 0 && !is_own_guard(t, id);
}

static bool triggers_hinder(Relation to, int64 id, int16 event, int16 besides)
{
    /* a copy: a look at a catalog may take the relation's own away */
    const TriggerDesc *triggers = CopyTriggerDesc(to->trigdesc);
    bool out = false;

    for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
        out = out || trigger_hinders(&triggers->triggers[i], id, event, besides);
    return out;
}

static bool may(Relation to, AclMode mode)
{
    return pg_class_aclcheck(RelationGetRelid(to), to->rd_rel->relowner, mode) == ACLCHECK_OK;
}

/* Whether an index has the key's columns and no others, without which an upsert is an error. */
static bool has_key(const FormData_pg_index *form, const ParityMapping *m)
{
    bool same = form->indisunique && form->indimmediate && form->indisvalid && form->indisready && form->indnkeyatts == m->keys;

    for (int i = 0; same && i < m->keys; i++) {
        same = false;
        for (int k = 0; k < form->indnkeyatts; k++)
            same = same || form->indkey.values[k] == m->columns[i].to_attribute;
    }
    return same;
}

/*
 * How a column of an index is compared with the values that it is given; false when SQL might do it otherwise: what the
 * name of an operator stands for between two types is known of PostgreSQL's own only.
 */
static bool compare_by(Relation index, int n, const ParityMapping *m, const ParityMapped *c, ParityPlainKey *out)
{
    Oid family = index->rd_opfamily[n], left = index->rd_opcintype[n], to, from, collation, equal;
    int32 typmod;

    get_atttypetypmodcoll(m->from, c->from_attribute, &from, &typmod, &collation);
    get_atttypetypmodcoll(m->to, c->to_attribute, &to, &typmod, &collation);
    out->from_attribute = c->from_attribute;
    out->to_attribute = c->to_attribute;
    out->type = from == to ? left : from;
    out->collation = index->rd_indcollation[n];
    equal = get_opfamily_member(family, left, out->type, BTEqualStrategyNumber);
    if (!OidIsValid(equal) || collation != out->collation)
        return false;
    out->equal = get_opcode(equal);
    return from == to ? equal == lookup_type_cache(to, TYPECACHE_EQ_OPR)->eq_opr
                      : to == left && from < FirstNormalObjectId && to < FirstNormalObjectId && family < FirstNormalObjectId &&
                            equal < FirstNormalObjectId;
}

/* The index by which rows are found, if there is one, and whether there is one that makes the key unique. */
static bool find_key(Relation to, const ParityMapping *m, ParityPlain *out)
{
    bool found = false;
    ListCell *cell;

    foreach (cell, RelationGetIndexList(to)) {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        bool same = has_key(index->rd_index, m) && RelationGetIndexPredicate(index) == NIL;

        found = found || same;
        if (same && !OidIsValid(out->index) && index->rd_rel->relam == BTREE_AM_OID) {
            out->index = RelationGetRelid(index);
            out->keys = m->keys;
            out->key = palloc(sizeof *out->key * (size_t)m->keys);
            for (int n = 0; n < m->keys; n++)
                for (int i = 0; i < m->keys; i++)
                    if (m->columns[i].to_attribute == index->rd_index->indkey.values[n] &&
                        !compare_by(index, n, m, &m->columns[i], &out->key[n]))
                        out->index = InvalidOid;
        }
        index_close(index, NoLock);
    }
    return found;
}

/* Whether a table can be written so at all. */
static bool is_plain(Relation to)
{
    const FormData_pg_class *form = to->rd_rel;

    return form->relkind == RELKIND_RELATION && form->relam == HEAP_TABLE_AM_OID && !form->relispartition &&
           !form->relforcerowsecurity && (to->rd_rules == NULL || to->rd_rules->numLocks == 0);
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

/*
 * Whether an expression, or a domain that it makes a value of, calls functions that may look at the table: they would
 * not see the rows before their own.  What an INSERT is given by nextval is told in any order.
 */
static bool looks_around(Node *node, void *context)
{
    if (node == NULL)
        return false;
    if (IsA(node, CoerceToDomain)) {
        /* it lives as long as the context does, which gives it back */
        DomainConstraintRef *domain = palloc(sizeof *domain);
        ListCell *cell;

        InitDomainConstraintRef(((const CoerceToDomain *)node)->resulttype, domain, CurrentMemoryContext, false);
        foreach (cell, domain->constraints)
            if (contain_volatile_functions((Node *)((const DomainConstraintState *)lfirst(cell))->check_expr))
                return true;
    }
    return expression_tree_walker(node, looks_around, context);
}

static bool checks_look_around(Relation to)
{
    const TupleConstr *constr = RelationGetDescr(to)->constr;
    bool out = false;

    for (int i = 0; constr != NULL && !out && i < constr->num_check; i++)
        out = contain_volatile_functions(stringToNode(constr->check[i].ccbin));
    return out;
}

/* An expression for each column of to, NIL when rows cannot be put there so. */
static List *plan_targets(const ParityMapping *m, Relation to)
{
    TupleDesc desc = RelationGetDescr(to);
    List *out = NIL;

    if (checks_look_around(to))
        return NIL;
    for (int i = 0; i < desc->natts; i++) {
        Form_pg_attribute a = TupleDescAttr(desc, i);
        const ParityMapped *c = NULL;
        Expr *value;

        for (int k = 0; c == NULL && k < m->n; k++)
            if (m->columns[k].to_attribute == a->attnum)
                c = &m->columns[k];
        if (c != NULL && (a->attisdropped || a->attgenerated != '\0'))
            return NIL;
        value = c != NULL ? value_of_column(c, a) : value_by_default(to, a);
        if (value == NULL || contain_volatile_functions_not_nextval((Node *)value) || looks_around((Node *)value, NULL))
            return NIL;
        out = lappend(out, makeTargetEntry(expression_planner(value), a->attnum, NULL, false));
    }
    return out;
}

/* The same of what an UPDATE sets. */
static bool plan_sets(const ParityMapping *m, Relation to, ParityPlain *out)
{
    TupleDesc desc = RelationGetDescr(to);
    int n = m->n - m->keys;

    out->columns = palloc(sizeof *out->columns * (size_t)Max(n, 1));
    for (int i = 0; i < n; i++) {
        const ParityMapped *c = &m->columns[m->keys + i];
        Form_pg_attribute a = TupleDescAttr(desc, c->to_attribute - 1);
        Expr *value = a->attisdropped || a->attgenerated != '\0' || a->attidentity == ATTRIBUTE_IDENTITY_ALWAYS
                          ? NULL
                          : value_of_column(c, a);

        if (value == NULL || contain_volatile_functions((Node *)value))
            return false;
        out->sets = lappend(out->sets, makeTargetEntry(expression_planner(value), (AttrNumber)(i + 1), NULL, false));
        out->columns[i] = c->to_attribute;
        out->updated = bms_add_member(out->updated, c->to_attribute - FirstLowInvalidHeapAttributeNumber);
    }
    for (int i = 0; i < desc->natts; i++)
        if (TupleDescAttr(desc, i)->attgenerated != '\0')
            return false;
    return n > 0;
}

ParityPlain *parity_shadow_plan_plain(const ParityMapping *m, int64 id)
{
    Relation to = table_open(m->to, RowExclusiveLock);
    ParityPlain *out = palloc0(sizeof *out);
    bool unique, by_key;

    out->to = m->to;
    out->natts = RelationGetDescr(to)->natts;
    if (is_plain(to)) {
        unique = find_key(to, m, out);
        if (unique && may(to, ACL_INSERT) && !triggers_hinder(to, id, TRIGGER_TYPE_INSERT, TRIGGER_TYPE_UPDATE))
            out->targets = plan_targets(m, to);
        out->insert = out->targets != NIL;
        if (out->insert && m->condition == NULL && table_is_simple(to))
            out->moves = moves_of(out->targets, out->natts);
        if (m->condition != NULL)
            out->condition = make_ands_implicit(expression_planner(copyObjectImpl(m->condition)));
        /* a statement would change rows of tables that inherit as well */
        by_key = OidIsValid(out->index) && !to->rd_rel->relhassubclass && may(to, ACL_SELECT);
        out->update = by_key && m->condition == NULL && may(to, ACL_UPDATE) && !triggers_hinder(to, id, TRIGGER_TYPE_UPDATE, 0) &&
                      plan_sets(m, to, out);
        out->delete = by_key && may(to, ACL_DELETE) && !triggers_hinder(to, id, TRIGGER_TYPE_DELETE, 0);
    }
    table_close(to, NoLock);
    return out;
}

static void *copy(const void *what, size_t size)
{
    return what != NULL ? memcpy(palloc(size), what, size) : NULL;
}

ParityPlain *parity_shadow_copy_plain(const ParityPlain *p)
{
    ParityPlain *out = copy(p, sizeof *p);

    out->targets = copyObjectImpl(p->targets);
    out->condition = copyObjectImpl(p->condition);
    out->moves = copy(p->moves, sizeof *p->moves * (size_t)p->natts);
    out->sets = copyObjectImpl(p->sets);
    out->columns = copy(p->columns, sizeof *p->columns * (size_t)Max(list_length(p->sets), 1));
    out->updated = bms_copy(p->updated);
    out->key = copy(p->key, sizeof *p->key * (size_t)p->keys);
    return out;
}

bool parity_shadow_can(const ParityPlain *p, CmdType what)
{
    return what == CMD_INSERT ? p->insert : what == CMD_UPDATE ? p->update : what == CMD_DELETE && p->delete;
}

/* ----------------------------------------------------------------------- an executor */

void parity_shadow_begin_write(ParityWriter *w, Relation to, const Bitmapset *updated)
{
    PreventCommandIfReadOnly("INSERT, UPDATE or DELETE of a shadow");
    /* as SPI does it: under a snapshot of its own, between two commands */
    CommandCounterIncrement();
    PushCopiedSnapshot(GetLatestSnapshot());
    UpdateActiveSnapshotCommandId();
    w->command = GetCurrentCommandId(true);
    w->estate = CreateExecutorState();
    w->caller = MemoryContextSwitchTo(w->estate->es_query_cxt);
    w->rel = parity_open_result(w->estate, to, updated);
    w->estate->es_output_cid = w->command;
    w->estate->es_snapshot = GetActiveSnapshot();
    ExecOpenIndices(w->rel, false);
    AfterTriggerBeginQuery();
}

void parity_shadow_end_write(ParityWriter *w)
{
    AfterTriggerEndQuery(w->estate);
    ExecResetTupleTable(w->estate->es_tupleTable, false);
    ExecCloseIndices(w->rel);
    MemoryContextSwitchTo(w->caller);
    FreeExecutorState(w->estate);
    PopActiveSnapshot();
    CommandCounterIncrement();
}
