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
#include "catalog/pg_rewrite.h"
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
    S_RUN,
    S_GUARDED = 32
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
    out->guarded = DatumGetBool(at(row, rel, S_GUARDED));
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

#define CAPTURE "shadow_capture"
#define GUARD "shadow_guard"
#define ROWS (TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE)
#define ANY_WRITE (TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE)

/* The triggers by type, 0 at the end; a subscription's applying needs rows of a plain table, whose statements have their own. */
static const int16 plain_captures[] = {TRIGGER_TYPE_INSERT, TRIGGER_TYPE_UPDATE, TRIGGER_TYPE_DELETE, TRIGGER_TYPE_TRUNCATE, ROWS, 0};
static const int16 plain_guards[] = {TRIGGER_TYPE_TRUNCATE, ANY_WRITE, 0};
/* of a partitioned table and its partitions, for both */
static const int16 partitioned[] = {ROWS, TRIGGER_TYPE_TRUNCATE, 0};
static const int16 none[] = {0};

/* Adds the versions of a relation's triggers that call function; whether there is one of each of types (or, if not all, of the first). */
static bool put_triggers(StringInfo out, Oid relid, int64 id, Oid function, const int16 *types, bool all)
{
    List *found = parity_live_trigger_rows(relid, function, id, NULL);
    int known = 0;
    bool good = true;
    ListCell *cell;

    foreach (cell, found) {
        const ParityTrigger *one = lfirst(cell);

        good = good && one->plain && (one->enabled == TRIGGER_FIRES_ALWAYS ||
                                      (one->enabled == TRIGGER_FIRES_ON_REPLICA && one->type == ROWS && types == plain_captures));
        appendStringInfo(out, "%u %u %s\n", relid, one->oid, one->version);
    }
    for (int i = 0; types[i] != 0; i++) {
        int times = 0;

        foreach (cell, found)
            times += ((ParityTrigger *)lfirst(cell))->type == types[i];
        good = good && (times == 1 || (times == 0 && !all && i > 0));
        known += times;
    }
    return good && known == list_length(found);
}

/* The file: another one when the table was rewritten, or truncated, whatever triggers there are. */
static void put_file(StringInfo out, Oid relid)
{
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

    if (HeapTupleIsValid(row)) {
        appendStringInfo(out, "file %u %u\n", relid, ((Form_pg_class)GETSTRUCT(row))->relfilenode);
        ReleaseSysCache(row);
    }
}

static Oid function_of(const char *name)
{
    return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
                           PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(parity_pg_schema()));
}

/* Adds the versions of others' rows of a catalog that are of a relation: of triggers, or of rules. */
static void put_versions(StringInfo out, Oid relid, Oid catalog, AttrNumber column, Oid index)
{
    Relation rel = table_open(catalog, AccessShareLock);
    ScanKeyData key;
    SysScanDesc scan;
    HeapTuple row;

    ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
    scan = systable_beginscan(rel, index, true, NULL, 1, &key);
    while (HeapTupleIsValid(row = systable_getnext(scan))) {
        const FormData_pg_trigger *form = catalog == TriggerRelationId ? (Form_pg_trigger)GETSTRUCT(row) : NULL;

        if (form == NULL || (!form->tgisinternal && get_func_namespace(form->tgfoid) != parity_pg_schema()))
            appendStringInfo(out, "%u %u %s\n", relid, catalog, parity_live_row_version(row));
    }
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
}

/* One of the two tables, with its partitions and with tables that inherit, which have no trigger; false when one is missing. */
static bool put_table(StringInfo out, Oid table, int64 id, Oid function, Oid other, const int16 *types)
{
    bool parts = get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE;
    ListCell *cell;

    if (!put_triggers(out, table, id, function, parts ? partitioned : types, true) || !put_triggers(out, table, id, other, none, true))
        return false;
    foreach (cell, find_all_inheritors(table, AccessShareLock, NULL)) {
        /* a partition that came later has no trigger for TRUNCATE, but another file after one */
        if (lfirst_oid(cell) != table && !put_triggers(out, lfirst_oid(cell), id, function, partitioned, false))
            return false;
        put_file(out, lfirst_oid(cell));
        /* what may change or leave out what is written */
        if (types == plain_guards) {
            put_versions(out, lfirst_oid(cell), TriggerRelationId, Anum_pg_trigger_tgrelid, TriggerRelidNameIndexId);
            put_versions(out, lfirst_oid(cell), RewriteRelationId, Anum_pg_rewrite_ev_class, RewriteRelRulenameIndexId);
        }
    }
    return true;
}

/* parity.shadow_signature(name) */
PG_FUNCTION_INFO_V1(parity_sql_shadow_signature);
Datum parity_sql_shadow_signature(PG_FUNCTION_ARGS)
{
    Oid capture = function_of(CAPTURE), guard = function_of(GUARD);
    StringInfoData out;
    ParityShadow s;

    parity_pg_require(fcinfo, 0, "name");
    parity_shadow_require(text_to_cstring(PG_GETARG_TEXT_PP(0)), &s);
    initStringInfo(&out);
    if (!put_table(&out, s.is_backward ? s.target : s.source, s.id, capture, guard, plain_captures) ||
        !put_table(&out, s.is_backward ? s.source : s.target, s.id, guard, capture, plain_guards))
        PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(out.data));
}
