/*
 * relation.c - memory, encodings, locks and lists that specs and scans share
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "relation.h"

void parity_pg_room_open(parity_pg_room *room, MemoryContext parent)
{
    room->context = AllocSetContextCreate(parent, "parity", ALLOCSET_DEFAULT_SIZES);
    room->mem = parity_pg_mem(room->context);
    parity_arena_init(&room->arena, room->mem);
}

void parity_pg_room_close(parity_pg_room *room)
{
    MemoryContextDelete(room->context);
    room->context = NULL;
}

char *parity_pg_to_utf8(const char *text)
{
    return (char *)pg_server_to_any(text, (int)strlen(text), PG_UTF8);
}

char *parity_pg_from_utf8(const char *text)
{
    return (char *)pg_any_to_server(text, (int)strlen(text), PG_UTF8);
}

text *parity_pg_text(const char *utf8, size_t n)
{
    char *converted;

    if (n > MaxAllocSize - VARHDRSZ)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("the text is longer than 1 GB")));
    converted = pg_any_to_server(utf8, (int)n, PG_UTF8);
    return converted == utf8 ? cstring_to_text_with_len(utf8, (int)n) : cstring_to_text(converted);
}

Jsonb *parity_pg_jsonb(const char *utf8, size_t n)
{
    char *converted = text_to_cstring(parity_pg_text(utf8, n));

    return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(converted)));
}

char *parity_pg_json_text(Jsonb *json, size_t *n)
{
    char *out = parity_pg_to_utf8(JsonbToCString(NULL, &json->root, VARSIZE(json)));

    *n = strlen(out);
    return out;
}

void parity_pg_require(FunctionCallInfo fcinfo, int arg, const char *name)
{
    if (PG_ARGISNULL(arg))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the argument \"%s\" is NULL", name)));
}

Tuplestorestate *parity_pg_begin_rows(FunctionCallInfo fcinfo, TupleDesc *desc)
{
    ReturnSetInfo *rsinfo = (ReturnSetInfo *)fcinfo->resultinfo;
    MemoryContext caller;
    Tuplestorestate *out;

    if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) || (rsinfo->allowedModes & SFRM_Materialize) == 0)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("a function that returns rows was called where rows cannot be taken")));
    caller = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
    if (get_call_result_type(fcinfo, NULL, desc) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    out = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
    rsinfo->returnMode = SFRM_Materialize;
    rsinfo->setResult = out;
    rsinfo->setDesc = *desc;
    MemoryContextSwitchTo(caller);
    return out;
}

Datum parity_pg_count(uint64 n)
{
    if (n > (uint64)PG_INT64_MAX)
        ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                        errmsg("a count of " UINT64_FORMAT " rows is out of range for type bigint", n)));
    return Int64GetDatum((int64)n);
}

void parity_pg_lock_relation(Oid relid)
{
    Relation rel;
    char kind;
    char *name;

    LockRelationOid(relid, AccessShareLock);
    rel = try_relation_open(relid, NoLock);
    if (rel == NULL)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relid)));
    kind = rel->rd_rel->relkind;
    name = pstrdup(RelationGetRelationName(rel));
    relation_close(rel, NoLock);
    if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_FOREIGN_TABLE &&
        kind != RELKIND_VIEW && kind != RELKIND_MATVIEW)
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" cannot be read as a table", name),
                        errhint("Tables, partitioned tables, foreign tables, views and materialized views can be.")));
    pfree(name);
}

parity_pg_listed *parity_pg_list(const char *schema, int *n)
{
    MemoryContext caller = CurrentMemoryContext;
    Oid nsp = get_namespace_oid(schema, true);
    Oid types[1] = {OIDOID};
    Datum values[1];
    parity_pg_listed *out;

    if (!OidIsValid(nsp))
        ereport(ERROR, (errcode(ERRCODE_INVALID_SCHEMA_NAME), errmsg("schema \"%s\" does not exist", schema)));
    values[0] = ObjectIdGetDatum(nsp);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    if (SPI_execute_with_args(
            "SELECT c.oid, c.relname,"
            " c.relkind NOT IN ('r', 'p') OR c.relispartition OR EXISTS (SELECT FROM pg_catalog.pg_depend d"
            "  WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass"
            "  AND d.objid OPERATOR(pg_catalog.=) c.oid AND d.objsubid OPERATOR(pg_catalog.=) 0"
            "  AND d.deptype OPERATOR(pg_catalog.=) 'e')"
            " FROM pg_catalog.pg_class c WHERE c.relnamespace OPERATOR(pg_catalog.=) $1"
            " AND c.relkind IN ('r', 'p', 'f', 'v', 'm')"
            " ORDER BY c.relname COLLATE pg_catalog.\"C\"",
            1, types, values, NULL, true, 0) != SPI_OK_SELECT)
        elog(ERROR, "could not list the tables of schema \"%s\"", schema);
    *n = (int)SPI_processed;
    out = MemoryContextAllocZero(caller, sizeof(*out) * (size_t)(*n + 1));
    for (int i = 0; i < *n; i++) {
        HeapTuple row = SPI_tuptable->vals[i];
        TupleDesc desc = SPI_tuptable->tupdesc;
        bool isnull;

        out[i].relid = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
        out[i].name = MemoryContextStrdup(caller, NameStr(*DatumGetName(SPI_getbinval(row, desc, 2, &isnull))));
        out[i].skipped = DatumGetBool(SPI_getbinval(row, desc, 3, &isnull));
    }
    SPI_finish();
    return out;
}

/* A copy in the arena of a name that a query gave in column i, in UTF-8. */
static char *name_at(parity_arena *a, int row, int i)
{
    bool isnull;
    Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, i, &isnull);
    char *name = parity_pg_to_utf8(NameStr(*DatumGetName(value)));

    return parity_arena_copy(a, name, strlen(name));
}

/* Whether a foreign key's action on DELETE changes rows. */
static bool acts(char action)
{
    return action == FKCONSTR_ACTION_CASCADE || action == FKCONSTR_ACTION_SETNULL ||
           action == FKCONSTR_ACTION_SETDEFAULT;
}

/*
 * A key that references a partitioned table is stored once more for each of
 * its partitions, as a child of a constraint of the same table: these are left
 * out.  A partition's own copy of its parent's key is a child, too, but of
 * another table's.  Of the keys to a table those that the partitions of the
 * other table have are left out in the same way; those to its own partitions,
 * and to tables that inherit from it, belong to it: their rows are its rows.
 */
void parity_pg_references(parity_arena *a, Oid relid, bool incoming, parity_reference **out, int *n)
{
    static const char sql[] =
        "WITH RECURSIVE here (oid) AS (SELECT $1%s)"
        " SELECT k.oid, s.nspname, t.relname, l.attname, r.attname, k.confdeltype"
        " FROM pg_catalog.pg_constraint k"
        " CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey))"
        "  WITH ORDINALITY AS c (here, there, at)"
        " JOIN pg_catalog.pg_class t ON t.oid OPERATOR(pg_catalog.=) k.%s"
        " JOIN pg_catalog.pg_namespace s ON s.oid OPERATOR(pg_catalog.=) t.relnamespace"
        " JOIN pg_catalog.pg_attribute l ON l.attrelid OPERATOR(pg_catalog.=) k.conrelid"
        "  AND l.attnum OPERATOR(pg_catalog.=) c.here"
        " JOIN pg_catalog.pg_attribute r ON r.attrelid OPERATOR(pg_catalog.=) k.confrelid"
        "  AND r.attnum OPERATOR(pg_catalog.=) c.there"
        " WHERE k.%s OPERATOR(pg_catalog.=) ANY (SELECT h.oid FROM here h) AND k.contype OPERATOR(pg_catalog.=) 'f'"
        " AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p WHERE p.oid OPERATOR(pg_catalog.=) k.conparentid"
        "  AND p.%s OPERATOR(pg_catalog.=) ANY (SELECT h.oid FROM here h))"
        " ORDER BY k.conname COLLATE pg_catalog.\"C\", k.oid, c.at";
    static const char children[] = " UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i"
                                   " JOIN here h ON i.inhparent OPERATOR(pg_catalog.=) h.oid";
    const char *here = incoming ? "confrelid" : "conrelid", *there = incoming ? "conrelid" : "confrelid";
    char *query = psprintf(sql, incoming ? children : "", there, here, here);
    Oid types[1] = {OIDOID};
    Datum values[1];
    Oid last = InvalidOid;
    int rows;

    parity_pg_lock_relation(relid);
    values[0] = ObjectIdGetDatum(relid);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    if (SPI_execute_with_args(query, 1, types, values, NULL, true, 0) != SPI_OK_SELECT)
        elog(ERROR, "could not read the foreign keys of relation %u", relid);
    rows = (int)SPI_processed;
    *out = parity_arena_alloc(a, sizeof(**out) * (size_t)(rows + 1));
    *n = 0;
    for (int i = 0; i < rows; i++) {
        bool isnull;
        Oid key = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
        parity_reference *ref;

        if (i == 0 || key != last) {
            ref = &(*out)[(*n)++];
            ref->schema = name_at(a, i, 2);
            ref->table = name_at(a, i, 3);
            ref->acts = acts(DatumGetChar(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 6, &isnull)));
            ref->columns = parity_arena_alloc(a, sizeof(char *) * INDEX_MAX_KEYS);
            ref->referenced = parity_arena_alloc(a, sizeof(char *) * INDEX_MAX_KEYS);
            last = key;
        }
        ref = &(*out)[*n - 1];
        ref->columns[ref->ncolumns] = name_at(a, i, 4);
        ref->referenced[ref->ncolumns++] = name_at(a, i, 5);
    }
    SPI_finish();
}

void parity_pg_progress(int i, int n, Oid relid, uint64 rows)
{
    if (parity_progress)
        ereport(NOTICE, (errmsg("parity: table %d of %d: %s.%s, " UINT64_FORMAT " rows", i, n,
                                get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), rows)));
}
