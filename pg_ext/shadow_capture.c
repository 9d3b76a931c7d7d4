/*
 * shadow_capture.c - the trigger functions: from a statement's rows to the table that follows
 *
 * What a backend needs to know of a shadow is worked out once and kept (a
 * follower), with saved plans, until PostgreSQL says that one of the relations,
 * types or functions has changed.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "postmaster/bgworker.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "override.h"
#include "shadow.h"

/* How the transition tables are called in the triggers' definitions. */
#define NEW_TABLE "parity_new"
#define OLD_TABLE "parity_old"

typedef enum event { ON_INSERT, ON_UPDATE, ON_DELETE, EVENTS } event;

static const char *const operations[] = {"insert", "update", "delete"};

/* How a statement's rows are written. */
typedef enum way {
    PLAINLY,   /* without a statement; an INSERT's rows that are not there yet */
    BY_UPSERT, /* by one, whatever is there */
    BY_STATE   /* as the rows are now, whatever the transition tables say */
} way;

/* The statements; those that read transition tables are planned for each event and size. */
typedef enum work {
    UPSERT_NEW,
    UPDATE_NEW,   /* the rows that are there */
    DELETE_OLD,
    DELETE_OUT,   /* rows of new that the condition leaves out */
    STATE_DELETE, /* keys of old and new that are no longer in from */
    STATE_UPSERT, /* keys of old and new from from */
    KEYS,         /* of old and new, as JSON */
    ROW_DELETE,   /* one key, given as parameters, if it is no longer in from */
    ROW_UPSERT,   /* one key from from */
    LEFT_OUT,     /* keys of old and new of which a row is in one table only */
    ROW_LEFT_OUT, /* one key, if it is such */
    WORKS
} work;

/* PostgreSQL plans for the number of rows that there are when it plans: few must not have the plan of many. */
#define SIZES 4

typedef struct follower_key {
    int64 id;
    Oid rel; /* whose trigger it is: from, or a partition of it */
    uint32 zero;
} follower_key;

typedef struct follower follower;

/* What stays while followers come and go. */
typedef struct place_of {
    follower_key key;
    follower *current;
    uint64 epoch;   /* the transaction in which ... */
    CommandId last; /* ... the shadow wrote last, and the last command of that */
} place_of;

struct follower {
    place_of *at;
    follower_key key;
    bool valid;
    bool off; /* nothing is to be done */
    int busy; /* it is at work, perhaps several times: a trigger of the table that follows may write from again */
    MemoryContext context;
    ParityShadow shadow;
    ParityMapping map;
    ParityMapping *parsed; /* the same, for as long as plans may need it */
    Oid *key_types;      /* of from */
    AttrNumber *key_attributes; /* of rel */
    bool pin;            /* settings matter to what is called */
    bool force;          /* row-level security holds for the owner as well */
    bool looked;         /* at the table that follows: it was not locked */
    List *parts;         /* of it */
    ParityDeferrable constraints; /* of it */
    bool vetoed;         /* rules or triggers of it may leave rows out */
    uint64 doubted;      /* the transaction in which that was last noted ... */
    SubTransactionId doubted_in; /* ... if what was noted there is not undone */
    SPIPlanPtr plans[WORKS][EVENTS][SIZES];
    ParityPlain *plain; /* NULL until it is needed */
    int upserts;        /* how many INSERTs are not to try it */
};

/* For so many statements after a conflict, no INSERT is tried plainly. */
#define UPSERTS_AFTER_CONFLICT 100

static HTAB *followers;
static uint64 transactions = 1;

/* ------------------------------------------------------------------- what is kept */

static void relation_callback(Datum arg, Oid relid)
{
    HASH_SEQ_STATUS scan;
    place_of *at;

    (void)arg;
    if (followers == NULL)
        return;
    hash_seq_init(&scan, followers);
    while ((at = hash_seq_search(&scan)) != NULL) {
        follower *f = at->current;

        if (f != NULL && (!OidIsValid(relid) || relid == f->key.rel || relid == f->map.from || relid == f->map.to ||
                          relid == f->map.from_view || relid == f->map.to_view || list_member_oid(f->parts, relid)))
            f->valid = false;
    }
}

static void object_callback(Datum arg, int cache, uint32 hash)
{
    (void)cache;
    (void)hash;
    relation_callback(arg, InvalidOid);
}

static void transaction_callback(XactEvent what, void *arg)
{
    (void)arg;
    if (what == XACT_EVENT_COMMIT || what == XACT_EVENT_ABORT || what == XACT_EVENT_PREPARE)
        transactions++;
}

static void make_cache(void)
{
    HASHCTL control;

    memset(&control, 0, sizeof control);
    control.keysize = sizeof(follower_key);
    control.entrysize = sizeof(place_of);
    control.hcxt = TopMemoryContext;
    CacheRegisterRelcacheCallback(relation_callback, (Datum)0);
    CacheRegisterSyscacheCallback(TYPEOID, object_callback, (Datum)0);
    CacheRegisterSyscacheCallback(PROCOID, object_callback, (Datum)0);
    RegisterXactCallback(transaction_callback, NULL);
    followers = hash_create("parity shadows", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Whether an index calls functions that are not PostgreSQL's own, or cannot be looked at. */
static bool indexes_call_foreign(Relation rel)
{
    bool out = false;
    ListCell *cell;

    foreach (cell, RelationGetIndexList(rel)) {
        Relation index;

        if (!ConditionalLockRelationOid(lfirst_oid(cell), AccessShareLock))
            return true;
        index = index_open(lfirst_oid(cell), NoLock);
        out = out || parity_shadow_calls_foreign((Node *)RelationGetIndexExpressions(index)) ||
              parity_shadow_calls_foreign((Node *)RelationGetIndexPredicate(index));
        index_close(index, NoLock);
    }
    return out;
}

/* Whether the write may run functions that look names up or depend on settings: then these are set for it. */
static bool needs_pins(const ParityMapping *m, Relation to)
{
    const TupleConstr *constr = RelationGetDescr(to)->constr;
    bool out = m->stable || m->foreign || to->rd_rel->relkind != RELKIND_RELATION;

    for (int i = 0; !out && constr != NULL && i < constr->num_check; i++)
        out = parity_shadow_calls_foreign(stringToNode(constr->check[i].ccbin));
    for (int i = 0; !out && constr != NULL && i < constr->num_defval; i++)
        out = parity_shadow_calls_foreign(stringToNode(constr->defval[i].adbin));
    for (int i = 0; !out && to->trigdesc != NULL && i < to->trigdesc->numtriggers; i++) {
        /* a foreign key's as well: what it cascades to may have triggers */
        out = get_func_namespace(to->trigdesc->triggers[i].tgfoid) != parity_pg_schema();
    }
    /* a domain's check or default, also where the mapping names no column; a cast that somebody made */
    for (int i = 0; !out && i < RelationGetDescr(to)->natts; i++)
        out = TupleDescAttr(RelationGetDescr(to), i)->atttypid >= FirstNormalObjectId;
    for (int i = 0; !out && i < m->n; i++)
        out = exprType(m->columns[i].node) >= FirstNormalObjectId;
    return out || indexes_call_foreign(to);
}

/* Whether rules or triggers of a table, or of a partition of it, may leave rows out. */
static bool may_leave_out(Relation to)
{
    const TriggerDesc *t = to->trigdesc;
    bool out = to->rd_rules != NULL || (t != NULL && (t->trig_insert_before_row || t->trig_update_before_row || t->trig_delete_before_row));
    ListCell *cell;

    if (to->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
        return out;
    foreach (cell, find_inheritance_children(RelationGetRelid(to), NoLock)) {
        Relation part;

        if (!ConditionalLockRelationOid(lfirst_oid(cell), AccessShareLock))
            return true;
        part = try_relation_open(lfirst_oid(cell), NoLock);
        if (part == NULL)
            continue;
        out = may_leave_out(part) || out;
        relation_close(part, NoLock);
    }
    return out;
}

/* What there is to know of the table that follows; nobody waits for it here, the write itself does, and not for long. */
static void look_at_target(follower *f)
{
    Relation to = NULL;

    f->pin = f->looked = true;
    f->vetoed = false;
    if (ConditionalLockRelationOid(f->map.to, AccessShareLock))
        to = try_relation_open(f->map.to, NoLock);
    else
        f->looked = false;
    if (to == NULL)
        return;
    parity_shadow_deferrable(to, &f->constraints);
    if (to->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
        f->parts = find_all_inheritors(f->map.to, NoLock, NULL);
    f->vetoed = may_leave_out(to);
    f->pin = needs_pins(&f->map, to);
    relation_close(to, NoLock);
}

/* The key's columns of rel, which may be a partition with its columns in another order. */
static void find_keys(follower *f, Relation rel)
{
    f->key_types = palloc(sizeof *f->key_types * (size_t)f->map.keys);
    f->key_attributes = palloc(sizeof *f->key_attributes * (size_t)f->map.keys);
    for (int i = 0; i < f->map.keys; i++) {
        const char *name = get_attname(f->map.from, f->map.columns[i].from_attribute, false);

        f->key_types[i] = get_atttype(f->map.from, f->map.columns[i].from_attribute);
        f->key_attributes[i] = get_attnum(RelationGetRelid(rel), name);
    }
}

/* Whether somebody other than its owner made the trigger that calls: on a table that is not the shadow's. */
static bool belongs(Relation rel, Oid from)
{
    List *ancestors;
    bool found;

    if (RelationGetRelid(rel) == from)
        return true;
    if (!rel->rd_rel->relispartition)
        return false;
    ancestors = get_partition_ancestors(RelationGetRelid(rel));
    found = list_member_oid(ancestors, from);
    list_free(ancestors);
    return found;
}

/* The owner of a table, and whether row-level security holds for him as well; without opening it. */
static Oid owner_of(Oid rel, bool *forced)
{
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(rel));
    Oid owner = InvalidOid;

    if (HeapTupleIsValid(row)) {
        owner = ((Form_pg_class)GETSTRUCT(row))->relowner;
        *forced = *forced || ((Form_pg_class)GETSTRUCT(row))->relforcerowsecurity;
        ReleaseSysCache(row);
    }
    return owner;
}

static void free_plans(follower *f)
{
    SPIPlanPtr *plans = &f->plans[0][0][0];

    for (int i = 0; i < WORKS * EVENTS * SIZES; i++)
        if (plans[i] != NULL)
            SPI_freeplan(plans[i]);
}

/* The variable itself, which is read whenever a lock is waited for; the caller puts it back. */
static void limit_lock_timeout(const follower *f)
{
    if (f->shadow.lock_timeout > 0 && (LockTimeout == 0 || LockTimeout > f->shadow.lock_timeout))
        LockTimeout = f->shadow.lock_timeout;
}

static void build(follower *f, Relation rel)
{
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    MemoryContext caller;

    free_plans(f);
    if (f->context != NULL)
        MemoryContextDelete(f->context);
    memset(f->plans, 0, sizeof f->plans);
    f->context = NULL;
    memset(&f->map, 0, sizeof f->map);
    memset(&f->shadow, 0, sizeof f->shadow);
    memset(&f->constraints, 0, sizeof f->constraints);
    f->plain = NULL;
    f->parts = NIL;
    f->context = AllocSetContextCreate(TopMemoryContext, "parity shadow", ALLOCSET_SMALL_SIZES);
    caller = MemoryContextSwitchTo(f->context);
    f->off = !parity_shadow_find(f->key.id, NULL, snapshot, &f->shadow) || !parity_shadow_is_on(&f->shadow, snapshot);
    if (!f->off) {
        Oid from = f->shadow.is_backward ? f->shadow.target : f->shadow.source;

        f->off = !belongs(rel, from);
    }
    if (!f->off) {
        limit_lock_timeout(f);
        parity_shadow_mapping(&f->shadow, f->shadow.is_backward, &f->map);
        f->parsed = palloc(sizeof *f->parsed);
        *f->parsed = f->map;
        f->force = false;
        if (owner_of(f->map.from, &f->force) != f->shadow.owner || owner_of(f->map.to, &f->force) != f->shadow.owner)
            ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                            errmsg("the tables of shadow \"%s\" no longer belong to its owner", f->shadow.name),
                            errhint("Give them back to him with ALTER TABLE ... OWNER TO, or drop the shadow.")));
        find_keys(f, rel);
        look_at_target(f);
    }
    MemoryContextSwitchTo(caller);
    UnregisterSnapshot(snapshot);
}

static void make_valid(follower *f, Relation rel)
{
    while (!f->valid) {
        f->valid = true;
        PG_TRY();
        {
            build(f, rel);
        }
        PG_CATCH();
        {
            f->valid = false;
            PG_RE_THROW();
        }
        PG_END_TRY();
    }
}

/* The same in a subtransaction: false when the mapping is none any more, and the shadow has been stopped for it. */
static bool make_valid_or_stop(follower *f, Relation rel)
{
    MemoryContext context = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    ErrorData *volatile error = NULL;
    int timeout = LockTimeout;
    ParityShadow s;

    BeginInternalSubTransaction(NULL);
    MemoryContextSwitchTo(context);
    PG_TRY();
    {
        make_valid(f, rel);
        ReleaseCurrentSubTransaction();
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(context);
        error = CopyErrorData();
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
    }
    PG_END_TRY();
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = owner;
    LockTimeout = timeout;
    if (error == NULL)
        return true;
    if (f->shadow.name == NULL || f->shadow.abort || !parity_shadow_may_quarantine(error))
        ReThrowError(error);
    s = f->shadow;
    parity_shadow_stop(&s, f->key.rel, error);
    return false;
}

/* What a trigger needs to know, or NULL when it is to do nothing. */
static follower *follower_of(FunctionCallInfo fcinfo, TriggerData *data)
{
    place_of *at = fcinfo->flinfo->fn_extra;
    follower *f;

    if (at == NULL) {
        follower_key key = {0, RelationGetRelid(data->tg_relation), 0};
        bool found;

        if (data->tg_trigger->tgnargs == 1)
            key.id = strtoll(data->tg_trigger->tgargs[0], NULL, 10);
        if (followers == NULL)
            make_cache();
        at = hash_search(followers, &key, HASH_ENTER, &found);
        if (!found)
            memset((char *)at + sizeof key, 0, sizeof *at - sizeof key);
        fcinfo->flinfo->fn_extra = at;
    }
    f = at->current;
    /* what is at work is left as it is, and lost: that is rare */
    if (f == NULL || (unlikely(!f->valid) && f->busy > 0)) {
        f = MemoryContextAllocZero(TopMemoryContext, sizeof *f);
        f->at = at;
        f->key = at->key;
        at->current = f;
    }
    if (unlikely(!f->valid) && !make_valid_or_stop(f, data->tg_relation))
        return NULL;
    return f;
}

/* --------------------------------------------------------------------- statements */

/* The keys that the event's transition tables hold. */
static char *key_set(const follower *f, event e)
{
    const char *keys = parity_shadow_from_key(&f->map, "s");

    switch (e) {
    case ON_INSERT:
        return psprintf("SELECT DISTINCT %s FROM " NEW_TABLE " s", keys);
    case ON_DELETE:
        return psprintf("SELECT DISTINCT %s FROM " OLD_TABLE " s", keys);
    default:
        return psprintf("SELECT %s FROM " OLD_TABLE " s UNION SELECT %s FROM " NEW_TABLE " s", keys, keys);
    }
}

/* The parameters stand for the columns of an alias p. */
static char *row_match(const follower *f, const char *alias, bool from)
{
    return parity_shadow_key_match(&f->map, alias, from, "p", true);
}

/* One row p of the parameters, with the names of from's key columns. */
static char *parameters(const follower *f)
{
    StringInfoData values, names;

    initStringInfo(&values);
    initStringInfo(&names);
    for (int i = 0; i < f->map.keys; i++) {
        appendStringInfo(&values, "%s$%d", i > 0 ? ", " : "", i + 1);
        appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
                         quote_identifier(get_attname(f->map.from, f->map.columns[i].from_attribute, false)));
    }
    return psprintf("(SELECT %s) p(%s)", values.data, names.data);
}

/*
 * Every name is qualified, and every operator; expressions of the mapping come from its views, or, over transition
 * tables, as trees (parity_shadow_parse): a writer's search_path decides nothing.
 */
static char *statement(const follower *f, work w, event e, int size)
{
    const ParityMapping *m = &f->map;
    const char *where = m->condition != NULL ? psprintf(" WHERE (%s)", m->condition_mark) : "";
    char *view = parity_pg_relation_name(m->from_view);
    StringInfoData set;

    switch (w) {
    case UPSERT_NEW:
        return psprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM " NEW_TABLE " s%s %s", m->to_name,
                        m->list, m->values, where, m->conflict);
    case UPDATE_NEW:
        initStringInfo(&set);
        for (int i = m->keys; i < m->n; i++)
            appendStringInfo(&set, "%s%s = %s", i > m->keys ? ", " : "", m->columns[i].column, m->columns[i].mark);
        return psprintf("UPDATE %s t SET %s FROM " NEW_TABLE " s WHERE %s", m->to_name, set.data,
                        parity_shadow_key_match(m, "t", false, "s", true));
    case DELETE_OLD:
        /* many: the keys alone, behind a wall, since PostgreSQL would carry whole rows along */
        return psprintf("DELETE FROM %s t USING %s s WHERE %s", m->to_name,
                        size > 0 ? psprintf("(SELECT %s FROM " OLD_TABLE " s OFFSET 0)", parity_shadow_from_key(m, "s")) : OLD_TABLE,
                        parity_shadow_key_match(m, "t", false, "s", true));
    case DELETE_OUT:
        /* a row that was changed twice is there twice, and in the table as it was made last */
        return psprintf("DELETE FROM %s t USING (SELECT %s FROM " NEW_TABLE " s WHERE (%s) IS NOT TRUE) k WHERE %s"
                        " AND NOT EXISTS (SELECT FROM %s v WHERE %s)",
                        m->to_name, parity_shadow_from_key(m, "s"), m->condition_mark,
                        parity_shadow_key_match(m, "t", false, "k", true), view, parity_shadow_view_match(m, "v", "k"));
    case STATE_DELETE:
        return psprintf("DELETE FROM %s t USING (%s) k WHERE %s AND NOT EXISTS (SELECT FROM %s v WHERE %s)", m->to_name,
                        key_set(f, e), parity_shadow_key_match(m, "t", false, "k", true), view, parity_shadow_view_match(m, "v", "k"));
    case STATE_UPSERT:
        return psprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s v WHERE EXISTS (SELECT FROM (%s) k WHERE %s) %s",
                        m->to_name, m->list, m->view_values, view, key_set(f, e), parity_shadow_view_match(m, "v", "k"), m->conflict);
    case KEYS:
        return psprintf("SELECT %s FROM (%s) k", parity_shadow_key_json(m, "k"), key_set(f, e));
    case ROW_DELETE:
        return psprintf("DELETE FROM %s t USING %s WHERE %s AND NOT EXISTS (SELECT FROM %s v WHERE %s)", m->to_name,
                        parameters(f), row_match(f, "t", false), view, parity_shadow_view_match(m, "v", "p"));
    case ROW_UPSERT:
        return psprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s v, %s WHERE %s %s", m->to_name,
                        m->list, m->view_values, view, parameters(f), parity_shadow_view_match(m, "v", "p"), m->conflict);
    case LEFT_OUT:
        return psprintf("SELECT FROM (%s) k WHERE CASE WHEN EXISTS (SELECT FROM %s t WHERE %s) THEN NOT EXISTS (SELECT FROM %s v WHERE %s)"
                        " ELSE EXISTS (SELECT FROM %s v WHERE %s) END",
                        key_set(f, e), m->to_name, parity_shadow_key_match(m, "t", false, "k", true), view,
                        parity_shadow_view_match(m, "v", "k"), view, parity_shadow_view_match(m, "v", "k"));
    case ROW_LEFT_OUT:
        return psprintf("SELECT FROM %s WHERE CASE WHEN EXISTS (SELECT FROM %s t WHERE %s) THEN NOT EXISTS (SELECT FROM %s v WHERE %s)"
                        " ELSE EXISTS (SELECT FROM %s v WHERE %s) END",
                        parameters(f), m->to_name, row_match(f, "t", false), view, parity_shadow_view_match(m, "v", "p"), view,
                        parity_shadow_view_match(m, "v", "p"));
    default:
        elog(ERROR, "no such statement: %d", (int)w);
    }
}

/* The class of plans that a statement needs. */
static int size_of(const TriggerData *data)
{
    int64 old = data->tg_oldtable != NULL ? tuplestore_tuple_count(data->tg_oldtable) : 0;
    int64 new = data->tg_newtable != NULL ? tuplestore_tuple_count(data->tg_newtable) : 0, n = Max(old, new);

    return n < 32 ? 0 : n < 1024 ? 1 : n < 32768 ? 2 : 3;
}

static SPIPlanPtr plan_of(follower *f, work w, event e, int size)
{
    SPIPlanPtr *slot = &f->plans[w][e][size];

    if (*slot == NULL) {
        bool row = w == ROW_DELETE || w == ROW_UPSERT || w == ROW_LEFT_OUT;
        char *sql = statement(f, w, e, size);
        SPIPlanPtr plan = row ? SPI_prepare(sql, f->map.keys, f->key_types)
                              : SPI_prepare_params(sql, parity_shadow_parse, f->parsed, 0);

        if (plan == NULL)
            elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
        if (SPI_keepplan(plan) != 0)
            elog(ERROR, "SPI_keepplan failed");
        *slot = plan;
    }
    return *slot;
}

/* Runs a statement under a fresh snapshot; how many rows it wrote. */
static uint64 run(follower *f, work w, event e, int size, Datum *values, const char *nulls)
{
    SPIPlanPtr plan = plan_of(f, w, e, size);
    int rc = SPI_execute_snapshot(plan, values, nulls, GetLatestSnapshot(), InvalidSnapshot, false, true, 0);

    if (rc < 0)
        elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(rc));
    return SPI_processed;
}

pg_noreturn static void refuse_left_out(const follower *f)
{
    ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
                    errmsg("\"%s\" did not take what was written", get_rel_name(f->map.to)),
                    errhint("A rule or a trigger of that table seems to leave rows out.")));
}

static void must_have_written(const follower *f, uint64 wanted, uint64 written)
{
    if (wanted != written && !f->map.unchecked)
        ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
                        errmsg("\"%s\" took " UINT64_FORMAT " of " UINT64_FORMAT " rows", get_rel_name(f->map.to), written, wanted),
                        errhint("A trigger of that table seems to leave rows out.")));
}

/* -------------------------------------------------------------- one statement's rows */

/* Whether the two transition tables have the same keys, row by row. */
static bool same_keys(const follower *f, TriggerData *data)
{
    TupleDesc desc = RelationGetDescr(data->tg_relation);
    TupleTableSlot *old = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
    TupleTableSlot *new = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
    bool same = tuplestore_tuple_count(data->tg_oldtable) == tuplestore_tuple_count(data->tg_newtable);

    tuplestore_rescan(data->tg_oldtable);
    tuplestore_rescan(data->tg_newtable);
    while (same && tuplestore_gettupleslot(data->tg_oldtable, true, false, old)) {
        CHECK_FOR_INTERRUPTS();
        same = tuplestore_gettupleslot(data->tg_newtable, true, false, new);
        for (int i = 0; same && i < f->map.keys; i++) {
            AttrNumber n = f->key_attributes[i];
            Form_pg_attribute a = TupleDescAttr(desc, n - 1);
            bool isnull;
            Datum x = slot_getattr(old, n, &isnull), y = slot_getattr(new, n, &isnull);

            same = datumIsEqual(x, y, a->attbyval, a->attlen);
        }
    }
    ExecDropSingleTupleTableSlot(old);
    ExecDropSingleTupleTableSlot(new);
    tuplestore_rescan(data->tg_oldtable);
    tuplestore_rescan(data->tg_newtable);
    return same;
}

static void write_by_state(follower *f, event e, int size)
{
    (void)run(f, STATE_DELETE, e, size, NULL, NULL);
    (void)run(f, STATE_UPSERT, e, size, NULL, NULL);
}

/* Whether anything of the shadow was written since the statement whose trigger this is began. */
static bool wrote_since(const follower *f)
{
    return f->at->epoch == transactions && (!ActiveSnapshotSet() || f->at->last >= GetActiveSnapshot()->curcid);
}

/* Planned when it is first needed: what goes wrong then is a failure of the write. */
static const ParityPlain *plain_of(follower *f)
{
    if (f->plain == NULL) {
        ParityPlain *plan = parity_shadow_plan_plain(&f->map, f->shadow.id);
        MemoryContext caller = MemoryContextSwitchTo(f->context);

        f->plain = parity_shadow_copy_plain(plan);
        MemoryContextSwitchTo(caller);
    }
    return f->plain;
}

static CmdType command_of(event e)
{
    return e == ON_INSERT ? CMD_INSERT : e == ON_UPDATE ? CMD_UPDATE : CMD_DELETE;
}

typedef struct place {
    const char *doing, *shadow, *table;
} place;

static void tell_place(void *arg)
{
    const place *p = arg;

    errcontext("%s %s by shadow \"%s\"", p->doing, p->table, p->shadow);
}

/* Whether it is not known that it cannot be. */
static bool can_be_plain(const follower *f, event e)
{
    return f->plain == NULL || parity_shadow_can(f->plain, command_of(e));
}

/* Writes a statement's rows without one; false when that cannot be, or is not all that is to be done. */
static bool write_plainly(follower *f, TriggerData *data, event e)
{
    static const char *const doing[] = {"INSERT into", "UPDATE of", "DELETE from"};
    place here = {doing[e], f->shadow.name, f->map.to_name};
    ErrorContextCallback context = {error_context_stack, tell_place, &here};
    uint64 wanted = (uint64)tuplestore_tuple_count(e == ON_DELETE ? data->tg_oldtable : data->tg_newtable);
    const ParityPlain *plan;
    bool done = false;
    Relation to;

    error_context_stack = &context;
    to = table_open(f->map.to, RowExclusiveLock);
    plan = f->valid ? plain_of(f) : NULL;
    /* the table may be another one since it was locked */
    if (plan != NULL && f->valid && parity_shadow_can(plan, command_of(e))) {
        if (e == ON_DELETE) {
            parity_shadow_delete(plan, to, data);
            done = true;
        } else if (e == ON_UPDATE)
            done = parity_shadow_update(plan, to, data) == wanted;
        else {
            uint64 written = parity_shadow_insert(plan, to, data);

            if (f->map.condition == NULL)
                must_have_written(f, wanted, written);
            done = true;
        }
    }
    table_close(to, NoLock);
    error_context_stack = context.previous;
    return done;
}

/* Whether it is worth trying. */
static bool may_write_plainly(follower *f, TriggerData *data, event e)
{
    if (TRIGGER_FIRED_FOR_ROW(data->tg_event) || TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) ||
        RelationGetRelid(data->tg_relation) != f->map.from || !can_be_plain(f, e))
        return false;
    if (e != ON_INSERT || f->upserts == 0)
        return true;
    f->upserts--;
    return false;
}

static void write_statement(follower *f, TriggerData *data, event e, way how)
{
    int size = size_of(data);

    if (how == PLAINLY && write_plainly(f, data, e))
        return;
    SPI_connect();
    if (SPI_register_trigger_data(data) != SPI_OK_TD_REGISTER)
        elog(ERROR, "SPI_register_trigger_data failed");
    if (how == BY_STATE)
        write_by_state(f, e, size);
    else if (e == ON_DELETE)
        (void)run(f, DELETE_OLD, e, size, NULL, NULL);
    else {
        uint64 wanted = (uint64)tuplestore_tuple_count(data->tg_newtable), written = 0;

        /* what is there has been changed plainly, if it was; the rest is not there */
        if (e == ON_UPDATE && f->map.condition == NULL && f->map.n > f->map.keys && (how != PLAINLY || !can_be_plain(f, e)))
            written = run(f, UPDATE_NEW, e, size, NULL, NULL);
        if (written != wanted) {
            written = run(f, UPSERT_NEW, e, size, NULL, NULL);
            if (f->map.condition == NULL)
                must_have_written(f, wanted, written);
        }
        if (e == ON_UPDATE && f->map.condition != NULL)
            (void)run(f, DELETE_OUT, e, size, NULL, NULL);
    }
    SPI_finish();
}

/* One row of a partition, or of a subscription. */
static void write_row(follower *f, TriggerData *data, event e)
{
    TupleTableSlot *slots[2] = {e == ON_INSERT ? NULL : data->tg_trigslot,
                                e == ON_INSERT ? data->tg_trigslot : e == ON_UPDATE ? data->tg_newslot : NULL};
    Datum *values = palloc(sizeof *values * (size_t)f->map.keys * 2), *old = values, *new = values + f->map.keys;
    bool isnull, same = slots[0] != NULL && slots[1] != NULL;

    for (int i = 0; i < f->map.keys; i++) {
        Form_pg_attribute a = TupleDescAttr(RelationGetDescr(data->tg_relation), f->key_attributes[i] - 1);

        if (slots[0] != NULL)
            old[i] = slot_getattr(slots[0], f->key_attributes[i], &isnull);
        if (slots[1] != NULL)
            new[i] = slot_getattr(slots[1], f->key_attributes[i], &isnull);
        same = same && datumIsEqual(old[i], new[i], a->attbyval, a->attlen);
    }
    SPI_connect();
    if (slots[0] != NULL && !same)
        (void)run(f, ROW_DELETE, ON_INSERT, 0, old, NULL);
    if (slots[1] != NULL && run(f, ROW_UPSERT, ON_INSERT, 0, new, NULL) == 0)
        (void)run(f, ROW_DELETE, ON_INSERT, 0, new, NULL);
    /* the old key may have a row again */
    if (slots[0] != NULL && !same)
        (void)run(f, ROW_UPSERT, ON_INSERT, 0, old, NULL);
    if (f->vetoed && ((slots[0] != NULL && run(f, ROW_LEFT_OUT, ON_INSERT, 0, old, NULL) > 0) ||
                      (slots[1] != NULL && run(f, ROW_LEFT_OUT, ON_INSERT, 0, new, NULL) > 0)))
        refuse_left_out(f);
    SPI_finish();
}

static void write_truncate(follower *f)
{
    /* not TRUNCATE, which other tables' foreign keys, or a statement that truncates both, would not allow */
    const char *sql = f->key.rel == f->map.from
                          ? psprintf("DELETE FROM %s", f->map.to_name)
                          /* of a partition: what is nowhere else */
                          : psprintf("DELETE FROM %s t WHERE NOT EXISTS (SELECT FROM %s s WHERE %s)", f->map.to_name, f->map.from_name,
                                     parity_shadow_key_match(&f->map, "t", false, "s", true));
    SPIPlanPtr plan;

    SPI_connect();
    plan = SPI_prepare(sql, 0, NULL);
    if (plan == NULL || SPI_execute_snapshot(plan, NULL, NULL, GetLatestSnapshot(), InvalidSnapshot, false, true, 0) < 0)
        elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(SPI_result));
    SPI_finish();
}

/* The same keys are there and here, whatever rules and triggers there do. */
static void check_left_out(follower *f, TriggerData *data, event e)
{
    SPI_connect();
    if (SPI_register_trigger_data(data) != SPI_OK_TD_REGISTER)
        elog(ERROR, "SPI_register_trigger_data failed");
    if (run(f, LEFT_OUT, e, size_of(data), NULL, NULL) > 0) {
        /* another part of the same statement may have written a key, and its trigger is yet to come */
        write_by_state(f, e, size_of(data));
        if (run(f, LEFT_OUT, e, size_of(data), NULL, NULL) > 0)
            refuse_left_out(f);
    }
    SPI_finish();
}

static void write_now(follower *f, TriggerData *data, event e, way how)
{
    if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
        write_truncate(f);
    else if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
        write_row(f, data, e);
    else {
        write_statement(f, data, e, how);
        if (f->vetoed)
            check_left_out(f, data, e);
    }
}

static void set_for_write(const char *name, const char *value)
{
    (void)set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Until the capture ends. */
static void pin_settings(const follower *f)
{
    set_for_write("search_path", f->shadow.search_path);
    set_for_write("TimeZone", "UTC");
    set_for_write("DateStyle", "ISO, YMD");
    set_for_write("IntervalStyle", "postgres");
    set_for_write("extra_float_digits", "1");
    set_for_write("bytea_output", "hex");
}

/* ------------------------------------------------------------------------- failures */

/* Puts the keys of a statement aside. */
static void quarantine(follower *f, TriggerData *data, event e, const ErrorData *error)
{
    int64 n = 0;

    /* keys are read back with these */
    pin_settings(f);
    if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event)) {
        parity_shadow_mark(&f->shadow, "stopped", psprintf("TRUNCATE could not be followed: %s", error->message));
        CacheInvalidateRelcacheByRelid(f->map.from);
        parity_shadow_failed(&f->shadow, f->map.from, "truncate", 0, error);
        return;
    }
    SPI_connect();
    if (TRIGGER_FIRED_FOR_ROW(data->tg_event)) {
        TupleTableSlot *slots[2] = {data->tg_trigslot, e == ON_UPDATE ? data->tg_newslot : NULL};
        Datum keys[2];
        StringInfoData sql;
        SPIPlanPtr plan;

        initStringInfo(&sql);
        appendStringInfo(&sql, "SELECT %s FROM %s", parity_shadow_key_json(&f->map, "p"), parameters(f));
        plan = SPI_prepare(sql.data, f->map.keys, f->key_types);
        for (int s = 0; s < 2 && slots[s] != NULL; s++) {
            Datum *values = palloc(sizeof *values * (size_t)f->map.keys), key;
            bool isnull;

            for (int i = 0; i < f->map.keys; i++)
                values[i] = slot_getattr(slots[s], f->key_attributes[i], &isnull);
            if (plan == NULL || SPI_execute_plan(plan, values, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
                elog(ERROR, "could not print a key: %s", SPI_result_code_string(SPI_result));
            key = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
            if (n == 0 || !datumIsEqual(keys[0], key, false, -1))
                keys[n++] = key;
        }
        parity_shadow_put_drift(&f->shadow, keys, (int)n, operations[e], error);
    } else {
        Portal portal;

        if (SPI_register_trigger_data(data) != SPI_OK_TD_REGISTER)
            elog(ERROR, "SPI_register_trigger_data failed");
        portal = SPI_cursor_open(NULL, plan_of(f, KEYS, e, size_of(data)), NULL, NULL, true);
        for (;;) {
            SPITupleTable *table;
            Datum *keys;
            int got;

            SPI_cursor_fetch(portal, true, 1000);
            table = SPI_tuptable;
            got = (int)SPI_processed;
            if (got == 0)
                break;
            keys = palloc(sizeof *keys * (size_t)got);
            for (int i = 0; i < got; i++) {
                bool isnull;

                keys[i] = SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull);
            }
            parity_shadow_put_drift(&f->shadow, keys, got, operations[e], error);
            n += got;
            pfree(keys);
            SPI_freetuptable(table);
        }
        SPI_cursor_close(portal);
    }
    SPI_finish();
    parity_shadow_failed(&f->shadow, f->map.from, operations[e], n, error);
}

static void check_deferred(follower *f)
{
    if (!f->looked) {
        MemoryContext caller = MemoryContextSwitchTo(f->context);

        look_at_target(f);
        MemoryContextSwitchTo(caller);
    }
    parity_shadow_check_deferred(f->map.to, &f->constraints);
}

/* Writes in a subtransaction; false, and the error in context, when that failed and may be put aside. */
static bool write_guarded(follower *f, TriggerData *data, event e, way how, ErrorData **error)
{
    MemoryContext context = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    volatile bool ok = true;

    BeginInternalSubTransaction(NULL);
    MemoryContextSwitchTo(context);
    PG_TRY();
    {
        write_now(f, data, e, how);
        if (!f->shadow.abort)
            check_deferred(f);
        ReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(context);
        CurrentResourceOwner = owner;
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(context);
        *error = CopyErrorData();
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(context);
        CurrentResourceOwner = owner;
        ok = false;
    }
    PG_END_TRY();
    if (!ok && !parity_shadow_may_quarantine(*error))
        ReThrowError(*error);
    return ok;
}

/* true when it is to be tried again with what is known by then; only the first time. */
static bool write_or_quarantine(follower *f, TriggerData *data, event e, bool first)
{
    bool by_state = wrote_since(f) || (e == ON_UPDATE && !TRIGGER_FIRED_FOR_ROW(data->tg_event) && !same_keys(f, data));
    way how = by_state ? BY_STATE : may_write_plainly(f, data, e) ? PLAINLY : BY_UPSERT;
    ErrorData *error = NULL;

    if (how == PLAINLY && e == ON_INSERT) {
        if (write_guarded(f, data, e, how, &error))
            return false;
        if (error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION) {
            f->upserts = UPSERTS_AFTER_CONFLICT;
            how = BY_UPSERT;
            error = NULL;
        } else if (f->shadow.abort)
            ReThrowError(error);
    }
    /* an UPDATE may have to be made again, see below */
    if (f->shadow.abort && (e != ON_UPDATE || by_state)) {
        write_now(f, data, e, how);
        return false;
    }
    if (error == NULL && write_guarded(f, data, e, how, &error))
        return false;
    /* a row that was changed twice in one statement, as by two foreign keys, is in the transition table twice */
    if (error->sqlerrcode == ERRCODE_CARDINALITY_VIOLATION && !by_state && write_guarded(f, data, e, BY_STATE, &error))
        return false;
    /* something was altered while the write waited for a lock: a name in its statement may be an old one */
    if (first && !f->valid)
        return true;
    if (f->shadow.abort)
        ReThrowError(error);
    quarantine(f, data, e, error);
    return false;
}

/* Everything that a write needs around it, put back whatever happens; true when it is to be tried again. */
static bool capture(follower *f, TriggerData *data, event e, bool first)
{
    int security, link, timeout = LockTimeout, level = NewGUCNestLevel();
    volatile bool again = false;
    CommandId next;
    Oid user;

    GetUserIdAndSecContext(&user, &security);
    link = parity_shadow_enter(f->shadow.id, f->map.from, f->map.to);
    /* where it need not be, the last of these is left to referential actions, which are known by it */
    SetUserIdAndSecContext(f->shadow.owner, (security & ~SECURITY_NOFORCE_RLS) | SECURITY_LOCAL_USERID_CHANGE |
                                                (f->force ? SECURITY_NOFORCE_RLS : 0));
    limit_lock_timeout(f);
    f->busy++;
    PG_TRY();
    {
        if (f->pin)
            pin_settings(f);
        again = write_or_quarantine(f, data, e, first);
    }
    PG_FINALLY();
    {
        f->busy--;
        LockTimeout = timeout;
        SetUserIdAndSecContext(user, security);
        parity_shadow_leave(link);
    }
    PG_END_TRY();
    AtEOXact_GUC(true, level);
    f->at->epoch = transactions;
    /* the number that comes next was not used yet: it is that of the next statement, which sees all of this */
    CommandCounterIncrement();
    next = GetCurrentCommandId(false);
    f->at->last = next > FirstCommandId ? next - 1 : FirstCommandId;
    return again;
}

/*
 * What changes rows of the table that follows may be gone before anybody asks.  After the write that table is locked:
 * what is there now is what was there then.
 */
static void doubt(follower *f)
{
    /* what came while the write waited for the lock is known to PostgreSQL, but not to the follower yet */
    if (f->valid && (!f->vetoed || (f->doubted == transactions && f->doubted_in == GetCurrentSubTransactionId())))
        return;
    if (!OidIsValid(f->map.to))
        return;
    f->doubted = transactions;
    f->doubted_in = GetCurrentSubTransactionId();
    parity_shadow_doubt(&f->shadow, f->map.to);
}

/* ------------------------------------------------------------------ trigger functions */

static void must_be_trigger(FunctionCallInfo fcinfo, const char *name, bool may_be_before)
{
    TriggerEvent fired = CALLED_AS_TRIGGER(fcinfo) ? ((TriggerData *)fcinfo->context)->tg_event : 0;

    if (!CALLED_AS_TRIGGER(fcinfo) ||
        !(TRIGGER_FIRED_AFTER(fired) || (may_be_before && TRIGGER_FIRED_BEFORE(fired) && TRIGGER_FIRED_FOR_STATEMENT(fired))))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("parity.%s is a trigger function of shadows", name),
                        errhint("parity.shadow_start makes the triggers that call it.")));
}

static event event_of(const TriggerData *data)
{
    return TRIGGER_FIRED_BY_UPDATE(data->tg_event)   ? ON_UPDATE
           : TRIGGER_FIRED_BY_DELETE(data->tg_event) ? ON_DELETE
                                                     : ON_INSERT;
}

PG_FUNCTION_INFO_V1(parity_shadow_capture);
Datum parity_shadow_capture(PG_FUNCTION_ARGS)
{
    TriggerData *data = (TriggerData *)fcinfo->context;
    event e;
    follower *f;

    must_be_trigger(fcinfo, "shadow_capture", false);
    e = event_of(data);
    if (TRIGGER_FIRED_FOR_STATEMENT(data->tg_event) && !TRIGGER_FIRED_BY_TRUNCATE(data->tg_event)) {
        if ((e != ON_DELETE && data->tg_newtable == NULL) || (e != ON_INSERT && data->tg_oldtable == NULL))
            ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                            errmsg("trigger \"%s\" has no transition table", data->tg_trigger->tgname),
                            errhint("parity.shadow_start makes the triggers that call it.")));
        /* nothing was written: by far the most of the second triggers of INSERT ... ON CONFLICT and MERGE */
        if (tuplestore_tuple_count(e == ON_DELETE ? data->tg_oldtable : data->tg_newtable) == 0)
            return PointerGetDatum(NULL);
    }
    /* of a table that has statement triggers, rows that come without a statement */
    if (TRIGGER_FIRED_FOR_ROW(data->tg_event) && MyBgworkerEntry == NULL && !data->tg_relation->rd_rel->relispartition)
        return PointerGetDatum(NULL);
    for (bool first = true, again = true; again; first = false) {
        f = follower_of(fcinfo, data);
        if (f == NULL || f->off || parity_shadow_came_from(f->map.from, f->map.to))
            return PointerGetDatum(NULL);
        again = capture(f, data, e, first);
    }
    doubt(f);
    if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
        parity_shadow_mark(&f->shadow, "truncated", "the table that is written was truncated");
    return PointerGetDatum(NULL);
}

/* Whether a foreign key of a table may act on it by statements of this event. */
static bool has_action(Oid table, event e)
{
    Relation rel = table_open(ConstraintRelationId, AccessShareLock);
    ScanKeyData key;
    SysScanDesc scan;
    bool out = false;
    HeapTuple row;

    ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
    scan = systable_beginscan(rel, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
    while (!out && HeapTupleIsValid(row = systable_getnext(scan))) {
        Form_pg_constraint form = (Form_pg_constraint)GETSTRUCT(row);

        if (form->contype != CONSTRAINT_FOREIGN)
            continue;
        if (e == ON_DELETE)
            out = form->confdeltype == FKCONSTR_ACTION_CASCADE;
        else if (e == ON_UPDATE)
            out = form->confdeltype == FKCONSTR_ACTION_SETNULL || form->confdeltype == FKCONSTR_ACTION_SETDEFAULT ||
                  form->confupdtype == FKCONSTR_ACTION_CASCADE || form->confupdtype == FKCONSTR_ACTION_SETNULL ||
                  form->confupdtype == FKCONSTR_ACTION_SETDEFAULT;
    }
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
    return out;
}

/*
 * Whether it is a foreign key's action that fires a trigger before a statement: PostgreSQL runs these, and a shadow what
 * it writes, without row-level security for the owner, and nobody else can.
 */
static bool is_cascade(const TriggerData *data)
{
    int security;
    Oid user;

    GetUserIdAndSecContext(&user, &security);
    return (security & SECURITY_NOFORCE_RLS) != 0 && TRIGGER_FIRED_BEFORE(data->tg_event) &&
           !TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) && has_action(RelationGetRelid(data->tg_relation), event_of(data));
}

/* What a guard remembers while one statement's rows are gone through. */
typedef struct guarded {
    Oid target; /* that the shadow is writing into, last time ... */
    bool own;   /* ... and whether the relation is a part of it */
    bool marked;
} guarded;

PG_FUNCTION_INFO_V1(parity_shadow_guard);
Datum parity_shadow_guard(PG_FUNCTION_ARGS)
{
    TriggerData *data = (TriggerData *)fcinfo->context;
    guarded *g = fcinfo->flinfo->fn_extra;
    Oid own, table;
    Snapshot snapshot;
    ParityShadow s;
    bool found;
    int64 id;

    must_be_trigger(fcinfo, "shadow_guard", true);
    if (g == NULL)
        fcinfo->flinfo->fn_extra = g = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof *g);
    id = data->tg_trigger->tgnargs == 1 ? strtoll(data->tg_trigger->tgargs[0], NULL, 10) : 0;
    own = parity_shadow_own_target(id);
    if (OidIsValid(own) && own != g->target) {
        g->target = own;
        g->own = belongs(data->tg_relation, own);
    }
    if ((OidIsValid(own) && g->own) || g->marked)
        return PointerGetDatum(NULL);
    snapshot = RegisterSnapshot(GetLatestSnapshot());
    found = parity_shadow_find(id, NULL, snapshot, &s);
    UnregisterSnapshot(snapshot);
    table = !found ? InvalidOid : s.is_backward ? s.source : s.target;
    if (!found || !belongs(data->tg_relation, table))
        return PointerGetDatum(NULL);
    if (is_cascade(data)) {
        /* who wrote a table that this one refers to can do nothing about it */
        if (!parity_shadow_cascades_agree(&s))
            parity_shadow_mark(&s, "cascade", "a foreign key's action has written the table that follows");
        g->marked = true;
        return PointerGetDatum(NULL);
    }
    if (s.guarded && (strcmp(s.phase, "cut over") == 0 || strcmp(s.phase, "shadowing") == 0))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("table \"%s\" was replaced by \"%s\"", get_rel_name(table),
                               get_rel_name(s.is_backward ? s.target : s.source)),
                        errdetail("It only follows the other one, by shadow \"%s\".", s.name),
                        errhint("Write to the other table; parity.%s makes this one the first again.",
                                s.is_backward ? "shadow_rollback" : "shadow_cutover")));
    parity_shadow_mark(&s, "foreign write", "the table that follows was written by others");
    g->marked = true;
    return PointerGetDatum(NULL);
}
