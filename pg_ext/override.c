/*
 * override.c - the table parity.override, read and written without SQL
 *
 * The table is found by OID: the relation "override" in the extension's own
 * schema that is a member of the extension, and its columns are checked.  It
 * is read and written through the heap, so that no name is looked up a second
 * time, no trigger or rule runs, and nobody's rights are borrowed: a name that
 * is resolved again after a check could be another table's by then.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "override.h"

/* columns of the table */
enum { REL = 1, OVERRIDES = 2, NCOLUMNS = 2 };

/* Opens the table under lock, or raises that it is not what it was made as. */
static Relation open_table(LOCKMODE lock)
{
    Oid extension = get_extension_oid("parity", false);
    Oid id = get_relname_relid("override", parity_pg_schema());
    Relation table = OidIsValid(id) ? try_relation_open(id, lock) : NULL;
    bool ok = table != NULL && table->rd_rel->relkind == RELKIND_RELATION &&
              getExtensionOfObject(RelationRelationId, id) == extension;

    if (ok) {
        TupleDesc desc = RelationGetDescr(table);

        ok = desc->natts == NCOLUMNS && TupleDescAttr(desc, REL - 1)->atttypid == REGCLASSOID &&
             TupleDescAttr(desc, OVERRIDES - 1)->atttypid == JSONBOID &&
             !TupleDescAttr(desc, REL - 1)->attisdropped && !TupleDescAttr(desc, OVERRIDES - 1)->attisdropped;
    }
    if (!ok)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("the table parity.override is not the one that the extension made"),
                        errhint("Drop the extension and create it again.")));
    return table;
}

static SysScanDesc scan(Relation table, Oid relid, Snapshot snapshot)
{
    ScanKeyData key;

    ScanKeyInit(&key, REL, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
    return systable_beginscan(table, InvalidOid, false, snapshot, 1, &key);
}

Jsonb *parity_pg_read_override(Oid relid)
{
    Relation table = open_table(AccessShareLock);
    SysScanDesc rows = scan(table, relid, GetActiveSnapshot());
    HeapTuple row = systable_getnext(rows);
    Jsonb *out = NULL;

    if (HeapTupleIsValid(row)) {
        bool isnull;
        Datum value = heap_getattr(row, OVERRIDES, RelationGetDescr(table), &isnull);

        if (!isnull)
            out = DatumGetJsonbPCopy(value);
    }
    systable_endscan(rows);
    table_close(table, AccessShareLock);
    return out;
}

/* Removes the rows of relations that are no more. */
static void remove_orphans(Relation table, Snapshot snapshot)
{
    SysScanDesc rows = systable_beginscan(table, InvalidOid, false, snapshot, 0, NULL);
    HeapTuple row;

    while (HeapTupleIsValid(row = systable_getnext(rows))) {
        bool isnull;
        Oid relid = DatumGetObjectId(heap_getattr(row, REL, RelationGetDescr(table), &isnull));

        if (isnull || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
            CatalogTupleDelete(table, &row->t_self);
    }
    systable_endscan(rows);
}

void parity_pg_write_override(Oid relid, Jsonb *overrides)
{
    /* one writer at a time; readers go on */
    Relation table = open_table(ShareRowExclusiveLock);
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    SysScanDesc rows;
    HeapTuple row;

    PreventCommandIfReadOnly("parity.set_spec()");
    remove_orphans(table, snapshot);
    rows = scan(table, relid, snapshot);
    row = systable_getnext(rows);
    if (overrides == NULL) {
        if (HeapTupleIsValid(row))
            CatalogTupleDelete(table, &row->t_self);
    } else {
        Datum values[NCOLUMNS] = {ObjectIdGetDatum(relid), PointerGetDatum(overrides)};
        bool nulls[NCOLUMNS] = {false, false};
        HeapTuple made = heap_form_tuple(RelationGetDescr(table), values, nulls);

        if (HeapTupleIsValid(row))
            CatalogTupleUpdate(table, &row->t_self, made);
        else
            CatalogTupleInsert(table, made);
        heap_freetuple(made);
    }
    systable_endscan(rows);
    UnregisterSnapshot(snapshot);
    table_close(table, NoLock); /* until the transaction ends */
    CommandCounterIncrement();
}

Oid parity_pg_schema(void)
{
    Oid extension = get_extension_oid("parity", false);
    Relation catalog = table_open(ExtensionRelationId, AccessShareLock);
    ScanKeyData key;
    SysScanDesc rows;
    HeapTuple row;
    Oid schema = InvalidOid;

    ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(extension));
    rows = systable_beginscan(catalog, ExtensionOidIndexId, true, NULL, 1, &key);
    row = systable_getnext(rows);
    if (HeapTupleIsValid(row))
        schema = ((Form_pg_extension)GETSTRUCT(row))->extnamespace;
    systable_endscan(rows);
    table_close(catalog, AccessShareLock);
    return schema;
}
