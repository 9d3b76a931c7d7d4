/*
 * shadow_state.c - rows of parity.shadow and parity.shadow_mark, as trigger functions read them
 *
 * Read by scans of the heap, which need no right of the user's; that is done
 * once when a backend meets a shadow, and after each change.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "live.h"
#include "override.h"
#include "shadow.h"

/* columns of parity.shadow */
enum {
    S_NAME = 1,
    S_ID,
    S_OWNER,
    S_SOURCE,
    S_TARGET,
    S_SOURCE_VIEW,
    S_TARGET_VIEW,
    S_KEY_COLUMNS,
    S_FORWARD_COLUMNS,
    S_BACKWARD_COLUMNS,
    S_ON_ERROR = 15,
    S_MAX_FAILURES,
    S_FAILURE_WINDOW,
    S_LOCK_TIMEOUT,
    S_SEARCH_PATH,
    S_PHASE,
    S_DIRECTION,
    S_RUN
};
/* of parity.shadow_mark */
enum { M_ID = 1, M_RUN, M_KIND };

static Relation open_table(const char *name)
{
    Oid id = get_relname_relid(name, parity_pg_schema());

    if (!OidIsValid(id) || get_rel_relkind(id) != RELKIND_RELATION)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("parity.%s is not what the extension made", name),
                        errhint("Drop the extension and create it again.")));
    return table_open(id, AccessShareLock);
}

static Datum at(HeapTuple row, Relation rel, int column)
{
    bool isnull;
    Datum value = heap_getattr(row, column, RelationGetDescr(rel), &isnull);

    if (isnull)
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a row of parity.%s has no %s",
                                                                         RelationGetRelationName(rel),
                                                                         NameStr(TupleDescAttr(RelationGetDescr(rel), column - 1)->attname))));
    return value;
}

static char *text_at(HeapTuple row, Relation rel, int column)
{
    return TextDatumGetCString(at(row, rel, column));
}

/* An interval in ms, at most a day. */
static int milliseconds(const Interval *i)
{
    int64 us = i->time + (int64)i->day * USECS_PER_DAY + (int64)i->month * 30 * USECS_PER_DAY;

    return us <= 0 ? 0 : (int)Min(Max(us / 1000, 1), 86400000);
}

static void take(HeapTuple row, Relation rel, ParityShadow *out)
{
    char *word;

    memset(out, 0, sizeof *out);
    out->name = text_at(row, rel, S_NAME);
    out->id = DatumGetInt64(at(row, rel, S_ID));
    out->owner = DatumGetObjectId(at(row, rel, S_OWNER));
    out->source = DatumGetObjectId(at(row, rel, S_SOURCE));
    out->target = DatumGetObjectId(at(row, rel, S_TARGET));
    out->source_view = DatumGetObjectId(at(row, rel, S_SOURCE_VIEW));
    out->target_view = DatumGetObjectId(at(row, rel, S_TARGET_VIEW));
    out->keys = DatumGetInt32(at(row, rel, S_KEY_COLUMNS));
    out->forward = DatumGetInt32(at(row, rel, S_FORWARD_COLUMNS));
    out->backward = DatumGetInt32(at(row, rel, S_BACKWARD_COLUMNS));
    word = text_at(row, rel, S_ON_ERROR);
    out->abort = strcmp(word, "abort") == 0;
    out->max_failures = DatumGetInt32(at(row, rel, S_MAX_FAILURES));
    out->lock_timeout = milliseconds(DatumGetIntervalP(at(row, rel, S_LOCK_TIMEOUT)));
    out->search_path = text_at(row, rel, S_SEARCH_PATH);
    out->phase = text_at(row, rel, S_PHASE);
    word = text_at(row, rel, S_DIRECTION);
    out->is_backward = strcmp(word, "backward") == 0;
    out->run = DatumGetInt64(at(row, rel, S_RUN));
}

bool parity_shadow_find(int64 id, const char *name, Snapshot snapshot, ParityShadow *out)
{
    Relation rel = open_table("shadow");
    SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
    bool found = false;
    HeapTuple row;

    while (!found && HeapTupleIsValid(row = systable_getnext(scan)))
        if (name != NULL ? strcmp(text_at(row, rel, S_NAME), name) == 0 : DatumGetInt64(at(row, rel, S_ID)) == id) {
            take(row, rel, out);
            found = true;
        }
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
    return found;
}

void parity_shadow_require(const char *name, ParityShadow *out)
{
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    bool found = parity_shadow_find(0, name, snapshot, out) && has_privs_of_role(GetUserId(), out->owner);

    UnregisterSnapshot(snapshot);
    if (!found)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("shadow \"%s\" does not exist", name),
                        errhint("parity.shadow_status lists those of tables that you own.")));
}

bool parity_shadow_has_stopped(const ParityShadow *s, Snapshot snapshot)
{
    Relation rel = open_table("shadow_mark");
    SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
    bool found = false;
    HeapTuple row;

    while (!found && HeapTupleIsValid(row = systable_getnext(scan)))
        found = DatumGetInt64(at(row, rel, M_ID)) == s->id && DatumGetInt64(at(row, rel, M_RUN)) == s->run &&
                strcmp(text_at(row, rel, M_KIND), "stopped") == 0;
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
    return found;
}

bool parity_shadow_is_on(const ParityShadow *s, Snapshot snapshot)
{
    return (strcmp(s->phase, "shadowing") == 0 || strcmp(s->phase, "cut over") == 0) &&
           !parity_shadow_has_stopped(s, snapshot);
}

/* ------------------------------------------------------------------------- signature */

/*
 * Adds what stands for a relation's triggers of a shadow; *rows and the like
 * count those that do what they should.
 */
static void put_triggers(StringInfo out, Oid relid, int64 id, Oid capture, Oid guard, int *captures, int *guards)
{
    Relation rel = table_open(TriggerRelationId, AccessShareLock);
    ScanKeyData key;
    SysScanDesc scan;
    HeapTuple row;

    ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
    scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 1, &key);
    while (HeapTupleIsValid(row = systable_getnext(scan))) {
        Form_pg_trigger form = (Form_pg_trigger)GETSTRUCT(row);
        bool unconditional;

        if ((form->tgfoid != capture && form->tgfoid != guard) || parity_live_trigger_id(row, RelationGetDescr(rel)) != id)
            continue;
        (void)heap_getattr(row, Anum_pg_trigger_tgqual, RelationGetDescr(rel), &unconditional);
        if (unconditional && form->tgattr.dim1 == 0 && !form->tgdeferrable &&
            (form->tgenabled == TRIGGER_FIRES_ALWAYS || form->tgenabled == TRIGGER_FIRES_ON_REPLICA)) {
            if (form->tgfoid == capture)
                *captures += 1;
            else
                *guards += 1;
        }
        appendStringInfo(out, "%u %u %u (%u,%u)\n", relid, form->oid, HeapTupleHeaderGetRawXmin(row->t_data),
                         ItemPointerGetBlockNumber(&row->t_self), ItemPointerGetOffsetNumber(&row->t_self));
    }
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
}

static Oid function_of(const char *name)
{
    return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
                           PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(parity_pg_schema()));
}

/* INSERT, UPDATE, DELETE, TRUNCATE and the row trigger for subscriptions; a partitioned table's row trigger and TRUNCATE. */
#define PLAIN_CAPTURES 5
#define PARTITIONED_CAPTURES 2
#define GUARDS 2

/* parity.shadow_signature(name) */
PG_FUNCTION_INFO_V1(parity_sql_shadow_signature);
Datum parity_sql_shadow_signature(PG_FUNCTION_ARGS)
{
    int captures = 0, guards = 0;
    Oid from, to, capture, guard;
    bool partitioned;
    StringInfoData out;
    ParityShadow s;
    ListCell *cell;

    parity_pg_require(fcinfo, 0, "name");
    parity_shadow_require(text_to_cstring(PG_GETARG_TEXT_PP(0)), &s);
    from = s.is_backward ? s.target : s.source;
    to = s.is_backward ? s.source : s.target;
    capture = function_of("shadow_capture");
    guard = function_of("shadow_guard");
    initStringInfo(&out);
    partitioned = get_rel_relkind(from) == RELKIND_PARTITIONED_TABLE;
    put_triggers(&out, from, s.id, capture, guard, &captures, &guards);
    if (captures != (partitioned ? PARTITIONED_CAPTURES : PLAIN_CAPTURES) || guards != 0)
        PG_RETURN_NULL();
    captures = 0;
    put_triggers(&out, to, s.id, capture, guard, &captures, &guards);
    if (captures != 0 || guards != GUARDS)
        PG_RETURN_NULL();
    /* partitions and tables that inherit: which there are, and that a partition's clone is there */
    foreach (cell, find_all_inheritors(from, AccessShareLock, NULL))
        if (lfirst_oid(cell) != from) {
            captures = guards = 0;
            put_triggers(&out, lfirst_oid(cell), s.id, capture, guard, &captures, &guards);
            if (captures < 1)
                PG_RETURN_NULL();
        }
    foreach (cell, find_all_inheritors(to, AccessShareLock, NULL))
        if (lfirst_oid(cell) != to)
            appendStringInfo(&out, "part %u\n", lfirst_oid(cell));
    PG_RETURN_TEXT_P(cstring_to_text(out.data));
}
