/*
 * live_state.c - what must hold for a live checksum to be believed
 *
 * What no trigger sees leaves a trace in the catalogs:
 *
 *  - Triggers that were disabled, dropped or renamed, also if that was undone:
 *    each change makes a new version of the trigger's row in pg_trigger, at
 *    another place and, unless it was the same transaction, with another xmin.
 *    Freezing keeps both.
 *  - Columns and overrides: the spec is made anew and compared with the stored
 *    one; with it the numbers and types of the columns, and the versions of the
 *    catalog rows that their text depends on: labels of enums, fields of
 *    composites.
 *  - Rewrites (ALTER TYPE … USING, SET UNLOGGED, VACUUM FULL): another file.
 *    Which of them change values cannot be told from the catalogs, so that all
 *    of them ask for a recheck.
 *
 * Types are stored as text: a line `column <number> <type>` for each column of
 * the spec, then `field <relation> <number> <version>`, which must all be the
 * same, and `label <oid> <version>`, which must still be there: a label that was
 * added changes no row.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "live.h"
#include "value.h"

char *parity_live_row_version(HeapTuple row)
{
    return psprintf("%u (%u,%u)", HeapTupleHeaderGetRawXmin(row->t_data), ItemPointerGetBlockNumber(&row->t_self),
                    ItemPointerGetOffsetNumber(&row->t_self));
}

/* --------------------------------------------------------------------------- types */

static void put_type(StringInfo out, List **seen, Oid type, const char *column);

/* The labels of an enum. */
static void put_labels(StringInfo out, Oid type)
{
    Relation rel = table_open(EnumRelationId, AccessShareLock);
    ScanKeyData key;
    SysScanDesc scan;
    HeapTuple row;

    ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(type));
    scan = systable_beginscan(rel, EnumTypIdLabelIndexId, true, NULL, 1, &key);
    while (HeapTupleIsValid(row = systable_getnext(scan)))
        appendStringInfo(out, "label %u %s\n", ((Form_pg_enum)GETSTRUCT(row))->oid, parity_live_row_version(row));
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
}

/* The fields of a composite type, and their types. */
static void put_fields(StringInfo out, List **seen, Oid type, const char *column)
{
    Oid relid = get_typ_typrelid(type);
    Relation rel = table_open(AttributeRelationId, AccessShareLock);
    List *types = NIL;
    ScanKeyData key;
    SysScanDesc scan;
    HeapTuple row;
    ListCell *cell;

    ScanKeyInit(&key, Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
    scan = systable_beginscan(rel, AttributeRelidNumIndexId, true, NULL, 1, &key);
    while (HeapTupleIsValid(row = systable_getnext(scan))) {
        Form_pg_attribute a = (Form_pg_attribute)GETSTRUCT(row);

        if (a->attnum <= 0)
            continue;
        appendStringInfo(out, "field %u %d %s\n", relid, a->attnum, parity_live_row_version(row));
        if (!a->attisdropped)
            types = lappend_oid(types, a->atttypid);
    }
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
    foreach (cell, types)
        put_type(out, seen, lfirst_oid(cell), column);
}

/* What the text of a type's values depends on; column is whose, for the error. */
static void put_type(StringInfo out, List **seen, Oid type, const char *column)
{
    Oid element;

    check_stack_depth();
    type = getBaseType(type);
    if (parity_pg_prints_names(type))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("column \"%s\" cannot be tracked: values of type %s are names of other objects", column,
                               format_type_be(type)),
                        errdetail("Renaming such an object would change the digest without a change of the table."),
                        errhint("Leave the column out: parity.set_spec with \"exclude\".")));
    if (type < FirstNormalObjectId && !OidIsValid(get_element_type(type)) && get_typtype(type) == TYPTYPE_BASE)
        return;
    if (list_member_oid(*seen, type))
        return;
    *seen = lappend_oid(*seen, type);
    element = get_element_type(type);
    if (OidIsValid(element)) {
        put_type(out, seen, element, column);
        return;
    }
    switch (get_typtype(type)) {
    case TYPTYPE_ENUM:
        put_labels(out, type);
        break;
    case TYPTYPE_COMPOSITE:
        put_fields(out, seen, type, column);
        break;
    case TYPTYPE_RANGE:
        put_type(out, seen, get_range_subtype(type), column);
        break;
    case TYPTYPE_MULTIRANGE:
        put_type(out, seen, get_multirange_range(type), column);
        break;
    default:
        break;
    }
}

/* ---------------------------------------------------------------------------- spec */

char *parity_live_type_line(Oid type, int32 typmod)
{
    /* text of any length is read alike, and going from one to the other touches no row */
    if (type == TEXTOID || type == VARCHAROID)
        return pstrdup("text\n");
    return psprintf("%u %d\n", type, typmod);
}

void parity_live_describe(Oid rel, int bits, char **columns, char **types)
{
    parity_pg_room room;
    parity_spec spec;
    parity_buf json;
    StringInfoData lines, depends;
    List *seen = NIL;

    parity_pg_room_open(&room, CurrentMemoryContext);
    parity_pg_spec(&room.arena, rel, &spec);
    parity_pg_require_columns(&spec);
    initStringInfo(&lines);
    initStringInfo(&depends);
    for (int i = 0; i < spec.ncolumns; i++) {
        const char *name = parity_pg_from_utf8(spec.columns[i].name);
        AttrNumber n = get_attnum(rel, name);
        Oid type, collation;
        int32 typmod;

        if (get_attgenerated(rel, n) == 'v')
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("column \"%s\" cannot be tracked: it is a virtual generated column", name),
                            errdetail("Its values are computed when they are read, so that triggers do not see them."),
                            errhint("Leave the column out: parity.set_spec with \"exclude\".")));
        get_atttypetypmodcoll(rel, n, &type, &typmod, &collation);
        appendStringInfo(&lines, "column %d %s", n, parity_live_type_line(type, typmod));
        put_type(&depends, &seen, type, name);
    }
    appendStringInfoString(&lines, depends.data);
    *types = lines.data;
    /* names of the table may change, and a key matters for buckets only */
    spec.schema = spec.as = NULL;
    spec.table = "t";
    spec.unique = false;
    spec.nleft_out = 0;
    for (int i = 0; i < spec.ncolumns; i++) {
        spec.columns[i].as = NULL;
        spec.columns[i].key = spec.columns[i].key && bits > 0;
    }
    parity_buf_init(&json, room.mem);
    parity_pg_check(parity_spec_print(&json, &spec), NULL);
    *columns = pnstrdup((const char *)json.data, json.len);
    parity_pg_room_close(&room);
}

void parity_live_spec(parity_arena *a, const char *columns, parity_spec *out)
{
    parity_error err = {0};

    parity_pg_check(parity_spec_parse(a, columns, strlen(columns), out, &err), &err);
}

/* The lines that do, or do not, speak of labels. */
static char *lines_of(const char *text, bool labels)
{
    StringInfoData out;

    initStringInfo(&out);
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");

        n += text[n] != '\0';
        if ((strncmp(text, "label ", 6) == 0) == labels)
            appendBinaryStringInfo(&out, text, (int)n);
        text += n;
    }
    return out.data;
}

/* Whether what was stored of types still holds: labels may have come, all else is the same. */
static bool types_hold(const char *stored, const char *now)
{
    char *labels = lines_of(stored, true), *found = lines_of(now, true), *line, *rest = NULL;

    if (strcmp(lines_of(stored, false), lines_of(now, false)) != 0)
        return false;
    for (line = strtok_r(labels, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        size_t n = strlen(line);
        const char *p = found;

        while ((p = strstr(p, line)) != NULL && ((p > found && p[-1] != '\n') || p[n] != '\n'))
            p++;
        if (p == NULL)
            return false;
    }
    return true;
}

char *parity_live_changed(const ParityLive *live)
{
    char *columns, *types;

    parity_live_describe(live->rel, live->bits, &columns, &types);
    if (strcmp(columns, live->columns) != 0)
        return "its columns, or the spec under which it is read, have changed";
    if (!types_hold(live->types, types))
        return "the type of a column has changed";
    return NULL;
}

/* ------------------------------------------------------------------------- triggers */

int64 parity_live_trigger_id(HeapTuple row, TupleDesc desc)
{
    Form_pg_trigger form = (Form_pg_trigger)GETSTRUCT(row);
    bool isnull;
    Datum args = heap_getattr(row, Anum_pg_trigger_tgargs, desc, &isnull);
    bytea *text;

    if (isnull || form->tgnargs != 1)
        return 0;
    text = DatumGetByteaPP(args);
    /* the argument ends in NUL */
    if (VARSIZE_ANY_EXHDR(text) < 2 || VARDATA_ANY(text)[VARSIZE_ANY_EXHDR(text) - 1] != '\0')
        return 0;
    return strtoll(VARDATA_ANY(text), NULL, 10);
}

/* Whether a snapshot is younger than a version of a catalog's row. */
static bool is_seen(HeapTuple row, Snapshot snapshot)
{
    TransactionId xmin = HeapTupleHeaderGetXmin(row->t_data);

    if (!TransactionIdIsNormal(xmin))
        return true;
    if (TransactionIdIsCurrentTransactionId(xmin))
        return !IsolationUsesXactSnapshot() && HeapTupleHeaderGetCmin(row->t_data) < snapshot->curcid;
    return !XidInMVCCSnapshot(xmin, snapshot);
}

bool parity_live_file_seen(Oid relid, Snapshot snapshot)
{
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
    Relation rel;
    bool seen;

    if (!HeapTupleIsValid(row))
        return false;
    seen = is_seen(row, snapshot);
    ReleaseSysCache(row);
    rel = table_open(relid, NoLock);
    /* TRUNCATE gives no new file to a table whose file is of the same transaction */
    seen = seen && rel->rd_createSubid == InvalidSubTransactionId && !parity_has_new_file(rel);
    table_close(rel, NoLock);
    return seen;
}

List *parity_live_trigger_rows(Oid relid, Oid function, int64 id, Snapshot snapshot)
{
    Relation rel = table_open(TriggerRelationId, AccessShareLock);
    List *out = NIL;
    ScanKeyData key;
    SysScanDesc scan;
    HeapTuple row;

    ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
    scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 1, &key);
    while (HeapTupleIsValid(row = systable_getnext(scan))) {
        Form_pg_trigger form = (Form_pg_trigger)GETSTRUCT(row);
        ParityTrigger *one;
        bool unconditional;

        if (form->tgfoid != function || parity_live_trigger_id(row, RelationGetDescr(rel)) != id)
            continue;
        one = palloc(sizeof *one);
        one->oid = form->oid;
        one->type = form->tgtype;
        one->enabled = form->tgenabled;
        one->version = parity_live_row_version(row);
        one->seen = snapshot == NULL || is_seen(row, snapshot);
        (void)heap_getattr(row, Anum_pg_trigger_tgqual, RelationGetDescr(rel), &unconditional);
        one->plain = unconditional && form->tgattr.dim1 == 0 && !form->tgdeferrable && !OidIsValid(form->tgconstraint);
        out = lappend(out, one);
    }
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
    return out;
}

static int by_oid(const ListCell *a, const ListCell *b)
{
    const ParityTrigger *x = lfirst(a), *y = lfirst(b);
    int rows = (y->type & TRIGGER_TYPE_ROW) - (x->type & TRIGGER_TYPE_ROW);

    /* the row trigger comes first */
    return rows != 0 ? rows : x->oid < y->oid ? -1 : x->oid > y->oid;
}

char *parity_live_triggers(const ParityLiveTables *t, Oid leaf, int64 id, Snapshot snapshot, bool *complete, bool *seen)
{
    List *found = parity_live_trigger_rows(leaf, t->function, id, snapshot);
    int rows = 0, truncates = 0;
    bool good = true;
    StringInfoData out;
    ListCell *cell;

    *seen = true;
    list_sort(found, by_oid);
    initStringInfo(&out);
    foreach (cell, found) {
        const ParityTrigger *one = lfirst(cell);

        *seen = *seen && one->seen;
        rows += one->type == (TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE);
        truncates += one->type == TRIGGER_TYPE_TRUNCATE;
        /* anybody with the right TRIGGER could make others that are called with the same id */
        good = good && one->enabled == TRIGGER_FIRES_ALWAYS && one->plain;
        appendStringInfo(&out, "%u %s\n", one->oid, one->version);
    }
    /* a partition that came later has no trigger for TRUNCATE: another file tells */
    if (truncates > 0)
        appendStringInfoString(&out, "truncate\n");
    *complete = good && rows == 1 && truncates <= 1 && list_length(found) == rows + truncates;
    return out.data;
}

bool parity_live_foreign_triggers(const ParityLiveTables *t, Oid relid)
{
    Relation rel = table_open(TriggerRelationId, AccessShareLock);
    Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
    bool found = false;
    ScanKeyData key;
    SysScanDesc scan;
    HeapTuple row;

    ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
    scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 1, &key);
    while (!found && HeapTupleIsValid(row = systable_getnext(scan))) {
        Form_pg_trigger form = (Form_pg_trigger)GETSTRUCT(row);
        ParityLive live;

        found = form->tgfoid == t->function && !OidIsValid(form->tgparentid) && (form->tgtype & TRIGGER_TYPE_ROW) &&
                !parity_live_find(t, InvalidOid, parity_live_trigger_id(row, RelationGetDescr(rel)), latest, &live);
    }
    systable_endscan(scan);
    UnregisterSnapshot(latest);
    table_close(rel, AccessShareLock);
    return found;
}

List *parity_live_members(Oid rel)
{
    List *out = NIL;
    ListCell *cell;

    if (get_rel_relkind(rel) != RELKIND_PARTITIONED_TABLE)
        return list_make1_oid(rel);
    foreach (cell, find_all_inheritors(rel, AccessShareLock, NULL))
        if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_PARTITIONED_TABLE)
            out = lappend_oid(out, lfirst_oid(cell));
    return out;
}
