/*
 * live_track.c - track, untrack and live_compact
 *
 * track makes its triggers in SQL, so that all that PostgreSQL checks, locks and
 * records for triggers is done as ever: a row trigger for INSERT, UPDATE and
 * DELETE, which partitions inherit, also those that come later, and one for
 * TRUNCATE on each leaf.  Both are ENABLE ALWAYS: they fire for what a
 * subscription applies, and under any session_replication_role.  CREATE TRIGGER
 * locks the table against writers until the transaction ends.  The digest of a
 * small table is read under that lock; of a larger one without it, by the first
 * reader that comes later.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "live.h"

/* The digest of a table of at most so many blocks, those of its large values included, is read at once. */
#define AT_ONCE 1024

static void must_own(Oid rel)
{
    if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(rel)))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", rel)));
    if (!object_ownercheck(RelationRelationId, rel, GetUserId()))
        aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(rel)), get_rel_name(rel));
}

pg_noreturn static void cannot_track(Oid rel, const char *why, const char *hint)
{
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" cannot be tracked", get_rel_name(rel)),
                    errdetail("%s", why), hint != NULL ? errhint("%s", hint) : 0));
}

/* Raises an error for what triggers cannot follow. */
static void must_be_trackable(Oid rel)
{
    char kind = get_rel_relkind(rel);

    if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
        cannot_track(rel, "Tables and partitioned tables can be.", NULL);
    if (IsCatalogRelationOid(rel) || getExtensionOfObject(RelationRelationId, rel) == get_extension_oid("parity", true))
        cannot_track(rel, "It is a table of PostgreSQL's or of parity's own.", NULL);
    if (get_rel_persistence(rel) == RELPERSISTENCE_TEMP)
        cannot_track(rel, "It is a temporary table, which other sessions cannot see.", NULL);
    if (get_rel_persistence(rel) == RELPERSISTENCE_UNLOGGED)
        cannot_track(rel, "It is unlogged, so that a crash empties it without a trigger.",
                     "ALTER TABLE ... SET LOGGED makes it an ordinary table.");
    if (kind == RELKIND_RELATION && has_subclass(rel) && find_inheritance_children(rel, NoLock) != NIL)
        cannot_track(rel, "Tables inherit from it, which its triggers do not see.", "Track each of the tables by itself.");
}

static void run(const char *sql)
{
    int rc = SPI_execute(sql, false, 0);

    if (rc != SPI_OK_UTILITY)
        elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(rc));
}

/* Adds a relation's triggers that were made for id, or that belong to nothing. */
static List *add_triggers(List *triggers, const ParityLiveTables *t, Oid relid, int64 id, Snapshot snapshot)
{
    Relation rel = table_open(TriggerRelationId, AccessShareLock);
    ScanKeyData key;
    SysScanDesc scan;
    HeapTuple row;

    ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
    scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 1, &key);
    while (HeapTupleIsValid(row = systable_getnext(scan))) {
        Form_pg_trigger form = (Form_pg_trigger)GETSTRUCT(row);
        int64 its;
        ParityLive live;

        if (form->tgfoid != t->function || OidIsValid(form->tgparentid))
            continue;
        its = parity_live_trigger_id(row, RelationGetDescr(rel));
        if (its == id || !parity_live_find(t, InvalidOid, its, snapshot, &live))
            triggers = lappend_oid(triggers, form->oid);
    }
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
    return triggers;
}

/*
 * Drops the triggers of rel, its partitions, and those that were partitions and
 * belong to the user.  A trigger that somebody made on a table of his own is his.
 */
static void drop_triggers(const ParityLiveTables *t, Oid rel, int64 id)
{
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    List *members = list_make1_oid(rel), *triggers = NIL;
    ListCell *cell;

    /* tables that inherit are not partitions */
    if (get_rel_relkind(rel) == RELKIND_PARTITIONED_TABLE)
        members = find_all_inheritors(rel, NoLock, NULL);

    foreach (cell, members)
        triggers = add_triggers(triggers, t, lfirst_oid(cell), id, snapshot);
    foreach (cell, parity_live_leaves(t, id, snapshot)) {
        Oid leaf = lfirst_oid(cell);

        if (!list_member_oid(members, leaf) && SearchSysCacheExists1(RELOID, ObjectIdGetDatum(leaf)) &&
            object_ownercheck(RelationRelationId, leaf, GetUserId()))
            triggers = add_triggers(triggers, t, leaf, id, snapshot);
    }
    UnregisterSnapshot(snapshot);
    /* not as the user: partitions may have other owners by now */
    foreach (cell, triggers) {
        ObjectAddress address;

        ObjectAddressSet(address, TriggerRelationId, lfirst_oid(cell));
        performDeletion(&address, DROP_RESTRICT, 0);
    }
}

/* Whether there is anything of parity.track on rel; *live is its row, unless *tracked is false. */
static bool has_tracking(const ParityLiveTables *t, Oid rel, ParityLive *live, bool *tracked)
{
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());

    *tracked = parity_live_find(t, rel, 0, snapshot, live);
    UnregisterSnapshot(snapshot);
    return *tracked || parity_live_foreign_triggers(t, rel);
}

/*
 * Locks rel: for triggers to be made against writers, for triggers to be
 * dropped against all.  The stronger lock is taken at once: who has read the
 * table and goes on to write it must not wait for us while we wait for him.
 */
static void lock(const ParityLiveTables *t, Oid rel)
{
    ParityLive live;
    bool tracked;
    LOCKMODE mode = has_tracking(t, rel, &live, &tracked) ? AccessExclusiveLock : ShareRowExclusiveLock;

    LockRelationOid(rel, mode);
    must_own(rel);
    if (get_rel_relkind(rel) == RELKIND_PARTITIONED_TABLE)
        find_all_inheritors(rel, mode, NULL);
}

/* Ends what tracking of rel there is; false when there was none. */
static bool forget(const ParityLiveTables *t, Oid rel)
{
    ParityLive live;
    bool tracked;

    if (!has_tracking(t, rel, &live, &tracked))
        return false;
    /* unless it came about just now, these are held */
    LockRelationOid(rel, AccessExclusiveLock);
    if (get_rel_relkind(rel) == RELKIND_PARTITIONED_TABLE)
        find_all_inheritors(rel, AccessExclusiveLock, NULL);
    drop_triggers(t, rel, tracked ? live.id : 0);
    if (tracked)
        parity_live_remove(t, live.id);
    return true;
}

static int64 new_id(void)
{
    int64 id = 0;

    /* at random, so that no other database's rows can be taken for this one's */
    while (id <= 0) {
        if (!pg_strong_random(&id, sizeof id))
            ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a random number")));
        id &= PG_INT64_MAX;
    }
    return id;
}

static void make_trigger(Oid rel, int64 id, const char *suffix, const char *event, const char *level)
{
    char *name = psprintf("parity_live_%08x_%s", (uint32)id, suffix);
    char *table = parity_pg_relation_name(rel);

    run(psprintf("CREATE TRIGGER %s AFTER %s ON %s FOR EACH %s EXECUTE FUNCTION parity." PARITY_LIVE_FUNCTION
                 "('" INT64_FORMAT "')",
                 name, event, table, level, id));
    run(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, name));
}

/* The blocks of all leaves together. */
static uint64 blocks_of(List *leaves)
{
    uint64 blocks = 0;
    ListCell *cell;

    foreach (cell, leaves) {
        Relation rel = table_open(lfirst_oid(cell), NoLock);

        blocks += RelationGetNumberOfBlocks(rel);
        if (OidIsValid(rel->rd_rel->reltoastrelid)) {
            Relation toast = table_open(rel->rd_rel->reltoastrelid, AccessShareLock);

            blocks += RelationGetNumberOfBlocks(toast);
            table_close(toast, NoLock);
        }
        table_close(rel, NoLock);
    }
    return blocks;
}

/* Reads the digests of the leaves at once, if that takes but a moment. */
static void first_digest(const ParityLiveTables *t, const ParityLive *row, List *leaves)
{
    Snapshot snapshot;
    parity_pg_room room;
    parity_spec spec;
    ParityLive live;
    ListCell *cell;

    /* under an older snapshot than the lock's, or without the right to read, it is left to others */
    if (IsolationUsesXactSnapshot() || blocks_of(leaves) > AT_ONCE ||
        pg_class_aclcheck(row->rel, GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
        check_enable_rls(row->rel, InvalidOid, true) == RLS_ENABLED)
        return;
    PushActiveSnapshot(GetLatestSnapshot());
    snapshot = GetActiveSnapshot();
    parity_pg_room_open(&room, CurrentMemoryContext);
    parity_pg_spec(&room.arena, row->rel, &spec);
    if (parity_live_find(t, row->rel, 0, snapshot, &live))
        foreach (cell, leaves)
            parity_live_first(t, &live, lfirst_oid(cell), &spec, snapshot);
    parity_pg_room_close(&room);
    PopActiveSnapshot();
}

PG_FUNCTION_INFO_V1(parity_sql_track);
Datum parity_sql_track(PG_FUNCTION_ARGS)
{
    ParityLiveTables tables;
    ParityLive row;
    List *leaves;
    ListCell *cell;
    Oid rel;

    parity_pg_require(fcinfo, 0, "rel");
    rel = PG_GETARG_OID(0);
    PreventCommandIfReadOnly("parity.track()");
    PreventCommandDuringRecovery("parity.track()");
    memset(&row, 0, sizeof row);
    row.bits = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
    if (row.bits < 0 || row.bits > PARITY_LIVE_MAX_BITS)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("bits must be between 0 and %d", PARITY_LIVE_MAX_BITS)));
    must_own(rel);
    must_be_trackable(rel);
    parity_live_register();
    parity_live_tables(&tables);
    lock(&tables, rel);
    must_be_trackable(rel);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    forget(&tables, rel);
    leaves = parity_live_members(rel);
    foreach (cell, leaves)
        if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_RELATION ||
            get_rel_persistence(lfirst_oid(cell)) != RELPERSISTENCE_PERMANENT)
            cannot_track(rel, psprintf("Its partition \"%s\" is not an ordinary, logged table.",
                                       get_rel_name(lfirst_oid(cell))),
                         NULL);
    row.rel = rel;
    row.id = new_id();
    row.at = GetCurrentTransactionStartTimestamp();
    parity_live_describe(rel, row.bits, &row.columns, &row.types);
    parity_live_insert(&tables, &row);
    CommandCounterIncrement();
    make_trigger(rel, row.id, "rows", "INSERT OR UPDATE OR DELETE", "ROW");
    /* a partition of another owner's goes without: its file tells */
    foreach (cell, leaves)
        if (object_ownercheck(RelationRelationId, lfirst_oid(cell), GetUserId()))
            make_trigger(lfirst_oid(cell), row.id, "truncate", "TRUNCATE", "STATEMENT");
    CommandCounterIncrement();
    first_digest(&tables, &row, leaves);
    SPI_finish();
    PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(parity_sql_untrack);
Datum parity_sql_untrack(PG_FUNCTION_ARGS)
{
    ParityLiveTables tables;
    Oid rel;

    parity_pg_require(fcinfo, 0, "rel");
    rel = PG_GETARG_OID(0);
    PreventCommandIfReadOnly("parity.untrack()");
    PreventCommandDuringRecovery("parity.untrack()");
    must_own(rel);
    parity_live_register();
    parity_live_tables(&tables);
    lock(&tables, rel);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    if (!forget(&tables, rel))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("table \"%s\" is not tracked", get_rel_name(rel))));
    SPI_finish();
    PG_RETURN_VOID();
}

/* ---------------------------------------------------------------------------- compaction */

/* Folds a tracked relation's deltas, leaf by leaf, except those that are locked. */
static int64 compact(const ParityLiveTables *t, const ParityLive *live)
{
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    List *leaves = parity_live_leaves(t, live->id, snapshot);
    int64 n = 0;
    ListCell *cell;

    UnregisterSnapshot(snapshot);
    foreach (cell, leaves) {
        Oid leaf = lfirst_oid(cell);

        CHECK_FOR_INTERRUPTS();
        /* who has locked it against readers may be truncating it */
        if (!ConditionalLockRelationOid(leaf, AccessShareLock))
            continue;
        if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(leaf))) {
            if (parity_live_lock(t, live->id, leaf))
                parity_live_remove_leaf(t, live->id, leaf);
            continue;
        }
        n += parity_live_fold(t, live->id, leaf, live->bits, 0);
        CommandCounterIncrement();
    }
    return n;
}

static void collect(void *ctx, const ParityLive *live)
{
    List **all = ctx;
    ParityLive *copy = palloc(sizeof *copy);

    *copy = *live;
    *all = lappend(*all, copy);
}

PG_FUNCTION_INFO_V1(parity_sql_live_compact);
Datum parity_sql_live_compact(PG_FUNCTION_ARGS)
{
    ParityLiveTables tables;
    Snapshot snapshot;
    List *all = NIL;
    ListCell *cell;
    int64 n = 0;

    PreventCommandIfReadOnly("parity.live_compact()");
    PreventCommandDuringRecovery("parity.live_compact()");
    parity_live_register();
    parity_live_tables(&tables);
    snapshot = RegisterSnapshot(GetLatestSnapshot());
    if (PG_ARGISNULL(0))
        parity_live_each(&tables, snapshot, collect, &all);
    else {
        Oid rel = PG_GETARG_OID(0);
        ParityLive live;

        must_own(rel);
        if (!parity_live_find(&tables, rel, 0, snapshot, &live))
            ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                            errmsg("table \"%s\" is not tracked", get_rel_name(rel)),
                            errhint("SELECT parity.track(%s) starts it.",
                                    quote_literal_cstr(parity_pg_relation_name(rel)))));
        collect(&all, &live);
    }
    UnregisterSnapshot(snapshot);
    foreach (cell, all) {
        const ParityLive *live = lfirst(cell);

        if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(live->rel))) {
            if (parity_live_lock(&tables, live->id, InvalidOid))
                parity_live_remove(&tables, live->id);
        } else if (object_ownercheck(RelationRelationId, live->rel, GetUserId()))
            n += compact(&tables, live);
    }
    if (PG_ARGISNULL(0))
        parity_live_remove_orphans(&tables);
    PG_RETURN_INT64(n);
}
