/*
 * live_read.c - live_checksum, live_buckets, live_verify and live_status
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "live.h"

typedef enum state {
    EXACT,
    PENDING,   /* a leaf has no base yet */
    LATER,     /* tracked, or tracked anew, since the snapshot was taken */
    STALE,     /* a mark says so */
    RECHECK,   /* the catalogs say so */
    LOCKED,    /* live_status does not wait */
    UNTRACKED
} state;

/* What is known of a tracked relation. */
typedef struct answer {
    state state;
    char *reason;      /* STALE, RECHECK */
    TimestampTz since; /* STALE */
    ParityLive live;   /* unless UNTRACKED, LATER or restored */
    bool has_live;
    int64 deltas;      /* not folded yet */
    ParitySums *sums;  /* when they were asked for */
} answer;

/* ------------------------------------------------------------------------ rights */

/* Raises an error unless the user may read all of the spec's columns and all rows of rel. */
static void check_select(Oid rel, const parity_spec *spec)
{
    if (pg_class_aclcheck(rel, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
        for (int i = 0; i < spec->ncolumns; i++) {
            AttrNumber n = get_attnum(rel, parity_pg_from_utf8(spec->columns[i].name));

            if (n == InvalidAttrNumber || pg_attribute_aclcheck(rel, n, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
                aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(rel)), get_rel_name(rel));
        }
    /* raises when row_security is off, as it is in the functions that lead here */
    check_enable_rls(rel, InvalidOid, false);
}

/* --------------------------------------------------------------------- reading a leaf */

/* Whether the user may read a partition as a table of its own. */
static bool may_read(Oid leaf)
{
    return pg_class_aclcheck(leaf, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
           check_enable_rls(leaf, InvalidOid, true) != RLS_ENABLED;
}

/* The sums of a leaf of rel, read from its rows under the active snapshot. */
static ParitySums *scan_leaf(Oid rel, Oid leaf, const parity_spec *spec, int bits)
{
    ParitySums *sums = parity_sums_make(CurrentMemoryContext, bits);
    char *filter = NULL;
    Oid from = leaf;

    /* with the rights that the user has on rel */
    if (leaf != rel && !may_read(leaf)) {
        from = rel;
        filter = psprintf("tableoid OPERATOR(pg_catalog.=) %u::pg_catalog.oid", leaf);
    }
    if (bits == 0)
        parity_pg_scan_digest(from, spec, filter, &sums->digest[0]);
    else {
        parity_pg_room room;
        parity_buckets *buckets;

        parity_pg_room_open(&room, CurrentMemoryContext);
        buckets = parity_pg_scan_buckets(&room.arena, from, spec, filter, (uint32)bits);
        for (uint32 i = 0; i < sums->n; i++)
            sums->digest[i] = buckets->digest[i];
        parity_pg_room_close(&room);
    }
    return sums;
}

/* Whether the current transaction is in the middle of a statement that may be changing the leaf. */
static bool in_a_statement(Oid leaf)
{
    Relation rel;
    int count;

    if (!FullTransactionIdIsValid(GetTopFullTransactionIdIfAny()))
        return false;
    if (DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum)0)) > 0)
        return true;
    rel = RelationIdGetRelation(leaf);
    if (!RelationIsValid(rel))
        return false;
    count = rel->rd_refcnt;
    RelationClose(rel);
    return count > 1;
}

/* What a base that snapshot sees says of a leaf. */
typedef enum leaf_state { LEAF_SUMS, LEAF_TRUNCATED, LEAF_PENDING, LEAF_RECHECK } leaf_state;

static leaf_state look_at_leaf(const ParityLiveTables *t, const ParityLive *live, Oid leaf, Snapshot snapshot,
                               ParityLiveBase *base, char **reason)
{
    bool partition = leaf != live->rel, complete, seen;
    char *triggers = parity_live_triggers(t, leaf, live->id, snapshot, &complete, &seen);
    Oid file = parity_live_file(leaf);

    if (get_rel_relkind(leaf) != RELKIND_RELATION) {
        *reason = psprintf("its partition \"%s\" is not an ordinary table", get_rel_name(leaf));
        return LEAF_RECHECK;
    }
    if (get_rel_persistence(leaf) != RELPERSISTENCE_PERMANENT) {
        *reason = psprintf("\"%s\" is unlogged, so that a crash empties it", get_rel_name(leaf));
        return LEAF_RECHECK;
    }
    if (!complete || (!partition && strstr(triggers, "truncate") == NULL)) {
        *reason = psprintf("the triggers of \"%s\" were changed, disabled or removed", get_rel_name(leaf));
        return LEAF_RECHECK;
    }
    if (!partition && has_subclass(leaf) && find_inheritance_children(leaf, NoLock) != NIL) {
        *reason = pstrdup("a table inherits from it");
        return LEAF_RECHECK;
    }
    if (!parity_live_base(t, live->id, leaf, snapshot, base))
        return LEAF_PENDING;
    if (strcmp(base->triggers, triggers) != 0) {
        /* a partition that was detached and attached again has triggers of its own again: it is read anew */
        if (partition && strtoul(base->triggers, NULL, 10) != strtoul(triggers, NULL, 10))
            return LEAF_PENDING;
        *reason = psprintf("the triggers of \"%s\" were changed, disabled or removed", get_rel_name(leaf));
        return LEAF_RECHECK;
    }
    if (base->file != file) {
        ParityLiveBase newest;
        Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
        bool truncated = parity_live_base(t, live->id, leaf, latest, &newest) && newest.file == file &&
                         newest.truncates > base->truncates;

        UnregisterSnapshot(latest);
        /* TRUNCATE takes the rows from older snapshots, too, and COPY FREEZE may even give them others */
        if (truncated || in_a_statement(leaf)) /* of which TRUNCATE's trigger may be still to come */
            return LEAF_TRUNCATED;
        if (partition && strstr(triggers, "truncate") == NULL)
            return LEAF_PENDING;
        *reason = psprintf("\"%s\" was rewritten (ALTER TABLE, VACUUM FULL, CLUSTER or the like)", get_rel_name(leaf));
        return LEAF_RECHECK;
    }
    return LEAF_SUMS;
}

void parity_live_first(const ParityLiveTables *t, const ParityLive *live, Oid leaf, const parity_spec *spec,
                       Snapshot snapshot)
{
    parity_live_keep(t, live, leaf, snapshot, scan_leaf(live->rel, leaf, spec, live->bits));
}

/* Adds a leaf to a->sums, if they are asked for, or finds out why that cannot be done. */
static void add_leaf(const ParityLiveTables *t, Oid leaf, const parity_spec *spec, Snapshot snapshot, answer *a)
{
    ParityLive *live = &a->live;
    ParityLiveBase base;
    const char *stale;
    char *reason = NULL;
    leaf_state found = look_at_leaf(t, live, leaf, snapshot, &base, &reason);
    ParityOwn own = PARITY_OWN_NONE;
    ParitySums *sums;
    bool busy;

    if (found == LEAF_RECHECK) {
        a->state = RECHECK;
        a->reason = reason;
        return;
    }
    sums = parity_sums_make(CurrentMemoryContext, live->bits);
    own = parity_pending_read(live->id, leaf, snapshot, sums, &stale);
    if (stale != NULL) {
        a->state = STALE;
        a->reason = pstrdup(stale);
        a->since = GetCurrentTransactionStartTimestamp();
        return;
    }
    if (found == LEAF_SUMS) {
        a->deltas += parity_live_deltas(t, live->id, leaf, base.covers, snapshot, false, sums, false, NULL);
        parity_sums_read(sums, base.sums);
    } else if (found == LEAF_PENDING && a->state == EXACT)
        a->state = PENDING;
    if (a->sums == NULL)
        return;
    busy = in_a_statement(leaf);
    if (found == LEAF_PENDING || found == LEAF_TRUNCATED || own == PARITY_OWN_UNSURE || busy) {
        sums = scan_leaf(live->rel, leaf, spec, live->bits);
        /* rows of a statement that is under way are told by its triggers later */
        if (found == LEAF_PENDING && !busy)
            parity_live_keep(t, live, leaf, snapshot, sums);
    }
    parity_sums_add(a->sums, sums);
}

/*
 * What can be said of a relation under snapshot, which is the active one.
 * spec NULL: only the state.  The relation is locked.
 */
static void examine(const ParityLiveTables *t, Oid rel, const parity_spec *spec, Snapshot snapshot, answer *a)
{
    ListCell *cell;
    ParityLive newest;
    Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
    bool now = parity_live_find(t, rel, 0, latest, &newest);

    UnregisterSnapshot(latest);
    memset(a, 0, sizeof *a);
    a->has_live = parity_live_find(t, rel, 0, snapshot, &a->live);
    /* tracked, anew or no longer since the snapshot was taken: what it sees is in the table */
    if (a->has_live != now || (now && newest.id != a->live.id)) {
        if (now)
            a->live = newest;
        a->has_live = true;
        a->state = LATER;
        return;
    }
    if (!now) {
        if (parity_live_foreign_triggers(t, rel)) {
            a->state = RECHECK;
            a->reason = "it has triggers of parity.track, but was not tracked here: it comes from a dump or a copy";
        } else
            a->state = UNTRACKED;
        return;
    }
    a->reason = parity_live_changed(&a->live);
    if (a->reason != NULL) {
        a->state = RECHECK;
        return;
    }
    a->reason = parity_live_stale(t, a->live.id, snapshot, &a->since);
    if (a->reason != NULL) {
        a->state = STALE;
        return;
    }
    if (spec != NULL)
        a->sums = parity_sums_make(CurrentMemoryContext, a->live.bits);
    foreach (cell, parity_live_members(rel)) {
        CHECK_FOR_INTERRUPTS();
        add_leaf(t, lfirst_oid(cell), spec, snapshot, a);
        if (a->state == RECHECK || a->state == STALE)
            return;
    }
}

static char *status_text(const answer *a)
{
    switch (a->state) {
    case PENDING:
    case LATER:
        return "first digest pending";
    case STALE:
        return psprintf("stale since %s", timestamptz_to_str(a->since));
    case RECHECK:
        return "recheck needed";
    case LOCKED:
        return "locked";
    default:
        return "exact";
    }
}

/* ---------------------------------------------------------------------- SQL functions */

/* A relation name as it stands in the hint's string constant. */
static char *quoted_name(Oid rel)
{
    return quote_literal_cstr(parity_pg_relation_name(rel));
}

/* The sums of a relation by bucket; raises when they cannot be told.  *bits is what it is tracked with. */
static ParitySums *read_sums(Oid rel, int *bits)
{
    Snapshot snapshot = GetActiveSnapshot();
    ParityLiveTables tables;
    parity_pg_room room;
    parity_spec spec;
    ParitySums *sums;
    answer a;

    parity_live_register();
    parity_pg_lock_relation(rel);
    parity_live_tables(&tables);
    parity_pg_room_open(&room, CurrentMemoryContext);
    parity_pg_spec(&room.arena, rel, &spec);
    parity_pg_require_columns(&spec);
    check_select(rel, &spec);
    examine(&tables, rel, &spec, snapshot, &a);
    switch (a.state) {
    case UNTRACKED:
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("table \"%s\" is not tracked", get_rel_name(rel)),
                        errhint("SELECT parity.track(%s) starts it.", quoted_name(rel))));
        break;
    case STALE:
    case RECHECK:
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("the live checksum of \"%s\" is not exact", get_rel_name(rel)),
                        errdetail("%s: %s", status_text(&a), a.reason),
                        errhint("SELECT parity.track(%s) takes a new first digest.", quoted_name(rel))));
        break;
    case LATER:
        *bits = a.live.bits;
        sums = scan_leaf(rel, rel, &spec, a.live.bits);
        break;
    default:
        *bits = a.live.bits;
        sums = a.sums;
        break;
    }
    parity_pg_room_close(&room);
    return sums;
}

static Datum digest_datum(parity_digest d)
{
    parity_digest *out = palloc(sizeof *out);

    *out = d;
    return PointerGetDatum(out);
}

PG_FUNCTION_INFO_V1(parity_sql_live_checksum);
Datum parity_sql_live_checksum(PG_FUNCTION_ARGS)
{
    int bits;

    parity_pg_require(fcinfo, 0, "rel");
    return digest_datum(parity_sums_total(read_sums(PG_GETARG_OID(0), &bits)));
}

PG_FUNCTION_INFO_V1(parity_sql_live_buckets);
Datum parity_sql_live_buckets(PG_FUNCTION_ARGS)
{
    TupleDesc desc;
    Tuplestorestate *rows = parity_pg_begin_rows(fcinfo, &desc);
    ParitySums *sums;
    int bits;

    parity_pg_require(fcinfo, 0, "rel");
    sums = read_sums(PG_GETARG_OID(0), &bits);
    for (uint32 i = 0; i < sums->n; i++) {
        bool nulls[2] = {false, false};
        Datum values[2];

        if (sums->digest[i].rows == 0)
            continue;
        values[0] = Int32GetDatum((int32)i);
        values[1] = PointerGetDatum(&sums->digest[i]);
        tuplestore_putvalues(rows, desc, values, nulls);
    }
    return (Datum)0;
}

static bool same_members(const List *a, const List *b)
{
    return list_difference_oid(a, b) == NIL && list_difference_oid(b, a) == NIL;
}

PG_FUNCTION_INFO_V1(parity_sql_live_verify);
Datum parity_sql_live_verify(PG_FUNCTION_ARGS)
{
    TupleDesc desc;
    Tuplestorestate *rows = parity_pg_begin_rows(fcinfo, &desc);
    bool nulls[3] = {false, false, false}, match;
    parity_digest live, checksum;
    parity_pg_room room;
    parity_spec spec;
    List *before;
    Datum values[3];
    int bits;
    Oid rel;

    parity_pg_require(fcinfo, 0, "rel");
    rel = PG_GETARG_OID(0);
    parity_pg_lock_relation(rel);
    do {
        before = parity_live_members(rel);
        live = parity_sums_total(read_sums(rel, &bits));
        parity_pg_room_open(&room, CurrentMemoryContext);
        parity_pg_spec(&room.arena, rel, &spec);
        parity_pg_scan_digest(rel, &spec, NULL, &checksum);
        parity_pg_room_close(&room);
        match = parity_digest_equal(&live, &checksum);
        /* a partition may have come or gone between the two */
    } while (!match && !same_members(before, parity_live_members(rel)));
    if (!match && !RecoveryInProgress() && !XactReadOnly) {
        ParityLiveTables tables;
        ParityLive row;

        parity_live_tables(&tables);
        if (parity_live_find(&tables, rel, 0, GetActiveSnapshot(), &row))
            parity_live_put_stale(&tables, row.id, "parity.live_verify found that it was not what the table holds");
    }
    values[0] = BoolGetDatum(match);
    values[1] = PointerGetDatum(&live);
    values[2] = PointerGetDatum(&checksum);
    tuplestore_putvalues(rows, desc, values, nulls);
    return (Datum)0;
}

/* -------------------------------------------------------------------------- live_status */

/* Adds what was found of a relation; an error on the way is a reason as well. */
static void report(const ParityLiveTables *t, Oid rel, Snapshot snapshot, Tuplestorestate *rows, TupleDesc desc)
{
    MemoryContext context = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    bool nulls[6] = {false, false, false, false, false, false};
    Datum values[6];
    answer a;

    memset(&a, 0, sizeof a);
    /*
     * The locks go with the subtransaction, which changes nothing: whoever looks
     * at the state of all tables shall not stand in the way of any.
     */
    BeginInternalSubTransaction(NULL);
    MemoryContextSwitchTo(context);
    PG_TRY();
    {
        if (!ConditionalLockRelationOid(rel, AccessShareLock)) {
            a.state = LOCKED;
            a.reason = "another session has locked it";
            a.has_live = parity_live_find(t, rel, 0, snapshot, &a.live);
        } else if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(rel)))
            examine(t, rel, NULL, snapshot, &a);
        else
            a.state = UNTRACKED; /* dropped */
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(context);
        CurrentResourceOwner = owner;
    }
    PG_CATCH();
    {
        ErrorData *error;

        MemoryContextSwitchTo(context);
        error = CopyErrorData();
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(context);
        CurrentResourceOwner = owner;
        if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN ||
            error->sqlerrcode == ERRCODE_OUT_OF_MEMORY || error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
            ReThrowError(error);
        memset(&a, 0, sizeof a);
        a.state = RECHECK;
        a.reason = error->message;
        a.has_live = parity_live_find(t, rel, 0, snapshot, &a.live);
    }
    PG_END_TRY();
    if (a.state == UNTRACKED)
        return;
    values[0] = ObjectIdGetDatum(rel);
    values[1] = CStringGetTextDatum(status_text(&a));
    nulls[2] = a.reason == NULL;
    values[2] = a.reason != NULL ? CStringGetTextDatum(a.reason) : (Datum)0;
    nulls[3] = nulls[4] = nulls[5] = !a.has_live;
    values[3] = Int32GetDatum(a.live.bits);
    values[4] = Int64GetDatum(a.deltas);
    values[5] = TimestampTzGetDatum(a.live.at);
    tuplestore_putvalues(rows, desc, values, nulls);
}

static void collect(void *ctx, const ParityLive *live)
{
    List **rels = ctx;

    *rels = list_append_unique_oid(*rels, live->rel);
}

/* Adds the relations with triggers of ours, whether they are tracked or not, that the user may read. */
static List *with_triggers(const ParityLiveTables *t, List *rels)
{
    Relation rel = table_open(TriggerRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
    HeapTuple row;

    while (HeapTupleIsValid(row = systable_getnext(scan))) {
        Form_pg_trigger form = (Form_pg_trigger)GETSTRUCT(row);

        if (form->tgfoid == t->function && !OidIsValid(form->tgparentid) && (form->tgtype & TRIGGER_TYPE_ROW) &&
            pg_class_aclcheck(form->tgrelid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
            rels = list_append_unique_oid(rels, form->tgrelid);
    }
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
    return rels;
}

PG_FUNCTION_INFO_V1(parity_sql_live_report);
Datum parity_sql_live_report(PG_FUNCTION_ARGS)
{
    TupleDesc desc;
    Tuplestorestate *rows = parity_pg_begin_rows(fcinfo, &desc);
    Snapshot snapshot = GetActiveSnapshot();
    ParityLiveTables tables;
    List *rels = NIL;
    ListCell *cell;

    parity_live_register();
    parity_live_tables(&tables);
    parity_live_each(&tables, snapshot, collect, &rels);
    foreach (cell, with_triggers(&tables, rels)) {
        CHECK_FOR_INTERRUPTS();
        report(&tables, lfirst_oid(cell), snapshot, rows, desc);
    }
    return (Datum)0;
}
