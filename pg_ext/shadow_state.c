/*
 * shadow_state.c - rows of parity.shadow and parity.shadow_mark, as trigger functions read them
 *
 * Read by scans of the heap, which need no right of the user's; that is done
 * once when a backend meets a shadow, and after each change.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
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
    S_VERIFIED_AS = 27,
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
/* before the statement: what is refused has not failed otherwise yet */
static const int16 plain_guards[] = {TRIGGER_TYPE_TRUNCATE | TRIGGER_TYPE_BEFORE, ANY_WRITE | TRIGGER_TYPE_BEFORE, 0};
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

/*
 * The file: another one when the table was rewritten, or truncated, whatever triggers there are.  One that this
 * transaction made may be truncated as it is: until the commit it goes by another name.
 */
static void put_file(StringInfo out, Oid relid)
{
    Relation rel = try_relation_open(relid, NoLock);

    if (rel == NULL)
        return;
    appendStringInfo(out, "file %u %u%s\n", relid, rel->rd_rel->relfilenode,
                     rel->rd_createSubid != InvalidSubTransactionId || parity_has_new_file(rel) ? " new" : "");
    relation_close(rel, NoLock);
}

static Oid function_of(const char *name)
{
    return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
                           PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(parity_pg_schema()));
}

/* A function's version; PostgreSQL's own stay as they are. */
static void put_function(StringInfo out, Oid function)
{
    HeapTuple row = function >= FirstNormalObjectId ? SearchSysCache1(PROCOID, ObjectIdGetDatum(function)) : NULL;

    if (HeapTupleIsValid(row)) {
        appendStringInfo(out, "function %u %s\n", function, parity_live_row_version(row));
        ReleaseSysCache(row);
    }
}

typedef void (*take_row)(StringInfo out, Oid id, HeapTuple row);

/* Goes through the rows of a catalog that have an oid in a column, by an index that begins with it. */
static void each_row(StringInfo out, Oid catalog, Oid index, AttrNumber column, Oid id, take_row take_one)
{
    Relation rel = table_open(catalog, AccessShareLock);
    ScanKeyData key;
    SysScanDesc scan;
    HeapTuple row;

    ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(id));
    scan = systable_beginscan(rel, index, true, NULL, 1, &key);
    while (HeapTupleIsValid(row = systable_getnext(scan)))
        take_one(out, id, row);
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
}

/* Another trigger than the extension's, with its function. */
static void put_trigger(StringInfo out, Oid relid, HeapTuple row)
{
    Form_pg_trigger form = (Form_pg_trigger)GETSTRUCT(row);

    if (form->tgisinternal || get_func_namespace(form->tgfoid) == parity_pg_schema())
        return;
    appendStringInfo(out, "trigger %u %s\n", relid, parity_live_row_version(row));
    put_function(out, form->tgfoid);
}

/* The same if it may change what is written. */
static void put_changing_trigger(StringInfo out, Oid relid, HeapTuple row)
{
    int16 type = ((Form_pg_trigger)GETSTRUCT(row))->tgtype;

    if (TRIGGER_FOR_ROW(type) && TRIGGER_FOR_BEFORE(type))
        put_trigger(out, relid, row);
}

static void put_rule(StringInfo out, Oid relid, HeapTuple row)
{
    appendStringInfo(out, "rule %u %s\n", relid, parity_live_row_version(row));
}

/* A table's columns: ALTER TABLE leaves its mark there, also when the table becomes another one's part, or ends to be it. */
static void put_column(StringInfo out, Oid relid, HeapTuple row)
{
    int attnum = ((Form_pg_attribute)GETSTRUCT(row))->attnum;

    if (attnum > 0)
        appendStringInfo(out, "column %u %d %s\n", relid, attnum, parity_live_row_version(row));
}

/* What a view's query calls. */
static void put_called(StringInfo out, HeapTuple row)
{
    Form_pg_depend form = (Form_pg_depend)GETSTRUCT(row);

    if (form->refclassid == ProcedureRelationId)
        put_function(out, form->refobjid);
    else if (form->refclassid == OperatorRelationId && form->refobjid >= FirstNormalObjectId)
        put_function(out, get_opcode(form->refobjid));
}

/* A view's query, and the functions in it. */
static void put_view_rule(StringInfo out, Oid view, HeapTuple row)
{
    Oid rule = ((Form_pg_rewrite)GETSTRUCT(row))->oid;
    Relation rel = table_open(DependRelationId, AccessShareLock);
    ScanKeyData keys[2];
    SysScanDesc scan;
    HeapTuple one;

    put_rule(out, view, row);
    ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(RewriteRelationId));
    ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rule));
    scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 2, keys);
    while (HeapTupleIsValid(one = systable_getnext(scan)))
        put_called(out, one);
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
}

static void put_rules(StringInfo out, Oid relid, take_row take_one)
{
    each_row(out, RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, relid, take_one);
}

/* What may change, or leave out, what is written into a table. */
static void put_changing(StringInfo out, Oid table)
{
    ListCell *cell;

    foreach (cell, find_all_inheritors(table, NoLock, NULL)) {
        each_row(out, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, lfirst_oid(cell), put_changing_trigger);
        put_rules(out, lfirst_oid(cell), put_rule);
    }
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
        each_row(out, AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, lfirst_oid(cell), put_column);
        /* what may change or leave out what is written */
        if (types == plain_guards) {
            each_row(out, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, lfirst_oid(cell), put_trigger);
            put_rules(out, lfirst_oid(cell), put_rule);
        }
    }
    return true;
}

/* The casts that a mapping's values go through on their way into the columns. */
static void put_casts(StringInfo out, Oid from_view, Oid to_view, int first, int n)
{
    for (int i = first + 1; i <= first + n; i++) {
        Oid from = get_atttype(from_view, (AttrNumber)i), to = get_atttype(to_view, (AttrNumber)i), function = InvalidOid;

        if (OidIsValid(from) && OidIsValid(to) && from != to) {
            (void)find_coercion_pathway(to, from, COERCION_ASSIGNMENT, &function);
            put_function(out, function);
        }
    }
}

static void put_mapping(StringInfo out, const ParityShadow *s)
{
    put_rules(out, s->source_view, put_view_rule);
    put_rules(out, s->target_view, put_view_rule);
    put_casts(out, s->source_view, s->target_view, 0, Min(s->forward, MaxHeapAttributeNumber));
    put_casts(out, s->target_view, s->source_view, s->forward, Min(s->backward, MaxHeapAttributeNumber));
}

/* Whether a table is written by way of another one, whose statements are not its own: no trigger of it would hear of them. */
static bool has_parent(Oid table)
{
    Relation rel = table_open(InheritsRelationId, AccessShareLock);
    ScanKeyData key;
    SysScanDesc scan;
    bool found;

    ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
    scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
    found = HeapTupleIsValid(systable_getnext(scan));
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
    return found;
}

/* 64 bits of a text in hexadecimal digits, empty of none. */
static char *digits_of(StringInfo text, uint64 seed)
{
    return text->len == 0 ? pstrdup("")
                          : psprintf("%016llx", (unsigned long long)hash_bytes_extended((unsigned char *)text->data, text->len, seed));
}

/* "all/what changes rows": digits of the versions, the latter by themselves. */
static char *signature_of(StringInfo all, Oid follows)
{
    StringInfoData changing;

    initStringInfo(&changing);
    put_changing(&changing, follows);
    return psprintf("%s%s/%s", digits_of(all, 0), digits_of(all, 1), digits_of(&changing, 0));
}

/* parity.shadow_signature(name) */
PG_FUNCTION_INFO_V1(parity_sql_shadow_signature);
Datum parity_sql_shadow_signature(PG_FUNCTION_ARGS)
{
    Oid capture = function_of(CAPTURE), guard = function_of(GUARD), from, to;
    StringInfoData out;
    ParityShadow s;

    parity_pg_require(fcinfo, 0, "name");
    parity_shadow_require(text_to_cstring(PG_GETARG_TEXT_PP(0)), &s);
    from = s.is_backward ? s.target : s.source;
    to = s.is_backward ? s.source : s.target;
    initStringInfo(&out);
    if (has_parent(from) || has_parent(to) || !put_table(&out, from, s.id, capture, guard, plain_captures) ||
        !put_table(&out, to, s.id, guard, capture, plain_guards))
        PG_RETURN_NULL();
    put_mapping(&out, &s);
    PG_RETURN_TEXT_P(cstring_to_text(signature_of(&out, to)));
}

/* As what a shadow was last verified; NULL when it was not. */
static char *verified_as(int64 id)
{
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    Relation rel = open_table("shadow");
    SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
    char *out = NULL;
    HeapTuple row;

    while (HeapTupleIsValid(row = systable_getnext(scan)))
        if (DatumGetInt64(at(row, rel, S_ID)) == id) {
            bool isnull;
            Datum value = heap_getattr(row, S_VERIFIED_AS, RelationGetDescr(rel), &isnull);

            out = isnull ? NULL : TextDatumGetCString(value);
            break;
        }
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
    UnregisterSnapshot(snapshot);
    return out;
}

void parity_shadow_doubt(const ParityShadow *s, Oid to)
{
    StringInfoData changing;
    const char *verified, *then;

    initStringInfo(&changing);
    put_changing(&changing, to);
    if (changing.len == 0)
        return;
    verified = verified_as(s->id);
    then = verified != NULL ? strchr(verified, '/') : NULL;
    if (then == NULL || strcmp(then + 1, digits_of(&changing, 0)) != 0)
        parity_shadow_mark(s, "altered write", "triggers or rules of the table that follows may have changed what was written");
}
