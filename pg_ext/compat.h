/*
 * compat.h - what differs between PostgreSQL 13 and 18
 *
 * Every test of PG_VERSION_NUM is here.  Older versions are given what newer
 * ones have, under its newest name, so that no other file knows of versions.
 */
#ifndef PARITY_COMPAT_H
#define PARITY_COMPAT_H

#include "postgres.h"

#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "fmgr.h"
#include "parser/parse_relation.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#if PG_VERSION_NUM < 130000
#error "parity needs PostgreSQL 13 or newer"
#endif

/* 18: a module says its name and version. */
#if PG_VERSION_NUM < 180000
#define PARITY_MODULE_MAGIC PG_MODULE_MAGIC
#else
#define PARITY_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "parity", .version = PARITY_RELEASE)
#endif

/* 18: what does not return is marked in front. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 18: a constraint may be there without being enforced. */
#if PG_VERSION_NUM < 180000
#define parity_is_enforced(constraint) true
#else
#define parity_is_enforced(constraint) ((constraint)->conenforced)
#endif

/* 16: varlena macros moved to a header of their own; errors can be given back instead of raised. */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#else
#define ereturn(context, value, ...) ereport(ERROR, __VA_ARGS__)
#endif

/* 16: files are named by another word. */
#if PG_VERSION_NUM >= 160000
#define parity_has_new_file(rel) \
    ((rel)->rd_newRelfilelocatorSubid != InvalidSubTransactionId || (rel)->rd_firstRelfilelocatorSubid != InvalidSubTransactionId)
#else
#define parity_has_new_file(rel) \
    ((rel)->rd_newRelfilenodeSubid != InvalidSubTransactionId || (rel)->rd_firstRelfilenodeSubid != InvalidSubTransactionId)
#endif

/* 16: one function for objects of every class; here it is only asked about relations. */
#if PG_VERSION_NUM < 160000
#define object_ownercheck(classid, objectid, roleid) pg_class_ownercheck(objectid, roleid)
#endif

/* 15: ON DELETE SET NULL may name columns. */
#if PG_VERSION_NUM >= 150000
#define parity_sets_some_columns(row) (!heap_attisnull(row, Anum_pg_constraint_confdelsetcols, NULL))
#else
#define parity_sets_some_columns(row) false
#endif

/* 15: renamed. */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/* 14: index_insert is told whether the indexed columns are unchanged; multiranges; a renamed type. */
#if PG_VERSION_NUM >= 140000
#define parity_index_insert_checked(index, values, nulls, tid, table, check, info) \
    index_insert(index, values, nulls, tid, table, check, false, info)
#else
#define parity_index_insert_checked(index, values, nulls, tid, table, check, info) \
    index_insert(index, values, nulls, tid, table, check, info)
#define PG_LSNOID LSNOID
#define TYPTYPE_MULTIRANGE 'm'
#define get_multirange_range(type) InvalidOid
#endif

#define parity_index_insert(index, values, nulls, tid, table, info) \
    parity_index_insert_checked(index, values, nulls, tid, table, UNIQUE_CHECK_NO, info)

/* 14: what rows are put into is an argument, not a field of the state. 16, 18: rights and pruning have lists. */
#if PG_VERSION_NUM < 140000
#define parity_compute_generated(rel, estate, slot) ExecComputeStoredGenerated(estate, slot, CMD_INSERT)
#define parity_insert_index_tuples(rel, slot, estate) ExecInsertIndexTuples(slot, estate, false, NULL, NIL)
#else
#define parity_compute_generated(rel, estate, slot) ExecComputeStoredGenerated(rel, estate, slot, CMD_INSERT)
#if PG_VERSION_NUM < 160000
#define parity_insert_index_tuples(rel, slot, estate) ExecInsertIndexTuples(rel, slot, estate, false, false, NULL, NIL)
#else
#define parity_insert_index_tuples(rel, slot, estate) \
    ExecInsertIndexTuples(rel, slot, estate, false, false, NULL, NIL, false)
#endif
#endif

/* 18: a scan counts for EXPLAIN. */
#if PG_VERSION_NUM < 180000
#define parity_index_beginscan(table, index, snapshot, keys) index_beginscan(table, index, snapshot, keys, 0)
#else
#define parity_index_beginscan(table, index, snapshot, keys) index_beginscan(table, index, snapshot, NULL, keys, 0)
#endif

/* 16: which indexes an UPDATE has to write. */
#if PG_VERSION_NUM < 160000
typedef bool parity_update_indexes;
#define parity_needs_indexes(update) (update)
#else
typedef TU_UpdateIndexes parity_update_indexes;
#define parity_needs_indexes(update) ((update) != TU_None)
#endif

static inline List *parity_update_index_tuples(ResultRelInfo *rel, TupleTableSlot *slot, EState *estate, parity_update_indexes update)
{
    (void)update;
#if PG_VERSION_NUM < 140000
    (void)rel;
    return ExecInsertIndexTuples(slot, estate, false, NULL, NIL);
#elif PG_VERSION_NUM < 160000
    return ExecInsertIndexTuples(rel, slot, estate, true, false, NULL, NIL);
#else
    return ExecInsertIndexTuples(rel, slot, estate, true, false, NULL, NIL, update == TU_Summarizing);
#endif
}

/* 15: row triggers know of rows that go from one partition to another. */
#if PG_VERSION_NUM < 150000
#define parity_update_triggers(estate, rel, tid, slot, recheck) ExecARUpdateTriggers(estate, rel, tid, NULL, slot, recheck, NULL)
#define parity_delete_triggers(estate, rel, tid) ExecARDeleteTriggers(estate, rel, tid, NULL, NULL)
#else
#define parity_update_triggers(estate, rel, tid, slot, recheck) \
    ExecARUpdateTriggers(estate, rel, NULL, NULL, tid, NULL, slot, recheck, NULL, false)
#define parity_delete_triggers(estate, rel, tid) ExecARDeleteTriggers(estate, rel, tid, NULL, NULL, false)
#endif

/* An open relation as the one that is written; updated: the columns that an UPDATE sets, as rights have them. */
static inline ResultRelInfo *parity_open_result(EState *estate, Relation rel, const Bitmapset *updated)
{
    ResultRelInfo *out = makeNode(ResultRelInfo);
    RangeTblEntry *entry = makeNode(RangeTblEntry);

    entry->rtekind = RTE_RELATION;
    entry->relid = RelationGetRelid(rel);
    entry->relkind = rel->rd_rel->relkind;
    entry->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
    {
        List *rights = NIL;

        addRTEPermissionInfo(&rights, entry)->updatedCols = bms_copy(updated);
#if PG_VERSION_NUM >= 180000
        ExecInitRangeTable(estate, list_make1(entry), rights, bms_make_singleton(1));
#else
        ExecInitRangeTable(estate, list_make1(entry), rights);
#endif
    }
#else
    entry->updatedCols = bms_copy(updated);
    ExecInitRangeTable(estate, list_make1(entry));
#endif
    InitResultRelInfo(out, rel, 1, NULL, 0);
#if PG_VERSION_NUM >= 140000
    estate->es_opened_result_relations = lappend(estate->es_opened_result_relations, out);
#else
    estate->es_result_relations = out;
    estate->es_num_result_relations = 1;
    estate->es_result_relation_info = out;
#endif
    return out;
}

/* Before 14 it is xid.c's own. */
#ifndef PG_GETARG_TRANSACTIONID
#define PG_GETARG_TRANSACTIONID(n) DatumGetTransactionId(PG_GETARG_DATUM(n))
#endif

#endif
