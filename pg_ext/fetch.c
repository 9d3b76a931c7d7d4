/*
 * fetch.c - the rows of a relation that are wanted, by their keys
 *
 * As in scan.c one SQL query does the reading.  Its condition is a function
 * that looks the row up in the wanted set, so that a row which nobody asked for
 * costs the framing of its key; or, for integer keys, a plain condition, for
 * which PostgreSQL may have an index.  A cursor hands the rows over in small
 * batches: memory does not grow with their number.
 */
#include "row.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/portal.h"

#include "relation.h"

#define BATCH_ROWS 500

/* ------------------------------------------------------------- row_wanted */

typedef struct WantedCall {
    ParityRow *row;
    parity_scan scan;
    bool keyed;
    parity_wanted *set; /* a copy, aligned and checked */
    size_t size;
    bool fixed; /* the set is a literal, which cannot change */
} WantedCall;

PG_FUNCTION_INFO_V1(parity_row_wanted);

static void read_set(WantedCall *call, const struct varlena *value)
{
    size_t n = VARSIZE_ANY_EXHDR(value);

    call->set = MemoryContextAllocHuge(call->row->context, n + sizeof(uint64));
    memcpy(call->set, VARDATA_ANY(value), n);
    call->size = n;
    if (!parity_wanted_check(call->set, n))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid set of rows to look for"),
                        errhint("parity.row_wanted is internal to parity.diff, rows, explain, recheck and repair.")));
}

/* A set that could change has to be the one of the first row. */
static void check_set(WantedCall *call, Datum value)
{
    const struct varlena *now = parity_packed(value);

    if (VARSIZE_ANY_EXHDR(now) != call->size || memcmp(VARDATA_ANY(now), call->set, call->size) != 0)
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be the same in every row", "wanted")));
    parity_packed_done(now, value);
}

/* First call: reads the set and kinds. */
static WantedCall *open_wanted(FunctionCallInfo fcinfo)
{
    MemoryContext context = fcinfo->flinfo->fn_mcxt;
    WantedCall *call = MemoryContextAllocZero(context, sizeof *call);
    bool *key;

    if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("%s must not be NULL", PG_ARGISNULL(0) ? "wanted" : "keyed")));
    call->row = parity_row_open_kinds(fcinfo, 3);
    call->fixed = parity_row_is_literal(fcinfo, 0);
    call->keyed = PG_GETARG_BOOL(2);
    read_set(call, parity_packed(PG_GETARG_DATUM(0)));
    key = MemoryContextAlloc(context, sizeof *key * (size_t)call->row->nkinds);
    for (int i = 0; i < call->row->nkinds; i++)
        key[i] = call->keyed;
    parity_pg_check(parity_scan_init(&call->scan, call->row->buf.mem, call->row->nkinds, key, false), NULL);
    return call;
}

/* (wanted, kinds, keyed, VARIADIC "any"): the key columns if keyed, else all columns of a table without a key */
Datum parity_row_wanted(PG_FUNCTION_ARGS)
{
    WantedCall *call = fcinfo->flinfo->fn_extra;
    parity_row_key key;
    bool hit;

    if (unlikely(call == NULL))
        fcinfo->flinfo->fn_extra = call = open_wanted(fcinfo);
    else {
        parity_row_check_constant(call->row, fcinfo, 0, 1, "kinds");
        if (unlikely(PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_GETARG_BOOL(2) != call->keyed))
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                            errmsg("%s must be the same in every row", PG_ARGISNULL(0) ? "wanted" : "keyed")));
        if (unlikely(!call->fixed))
            check_set(call, PG_GETARG_DATUM(0));
    }
    parity_row_take(call->row, fcinfo);
    parity_pg_check(parity_scan_wanted(&call->scan, call->set, false, parity_row_column, call->row, &key, &hit), NULL);
    PG_RETURN_BOOL(hit);
}

/* -------------------------------------------------------------- the query */

/* SELECT of the columns of wide, all of spec among them, of the rows that $1 names. */
static char *build_query(Oid relid, const parity_spec *spec, const parity_spec *wide, bool integers)
{
    bool keyed = parity_spec_nkey(spec) > 0;
    StringInfoData sql;

    initStringInfo(&sql);
    appendStringInfoString(&sql, "SELECT ");
    parity_pg_put_columns(&sql, wide, false, INT_MAX);
    appendStringInfo(&sql, " FROM %s WHERE ", parity_pg_relation_name(relid));
    if (integers) {
        parity_pg_put_columns(&sql, spec, true, INT_MAX);
        appendStringInfoString(&sql, " OPERATOR(pg_catalog.=) ANY ($1)");
    } else {
        appendStringInfoString(&sql, "parity.row_wanted($1, ");
        parity_pg_put_kinds(&sql, spec, keyed);
        appendStringInfo(&sql, ", %s, ", keyed ? "true" : "false");
        parity_pg_put_columns(&sql, spec, keyed, FUNC_MAX_ARGS - 3);
        appendStringInfoChar(&sql, ')');
    }
    return sql.data;
}

/* row_wanted is found by name: makes sure, before it runs, that it is this extension's. */
static void check_condition(SPIPlanPtr plan)
{
    CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));
    Query *query = linitial(source->query_list);
    Node *condition = query->jointree != NULL ? query->jointree->quals : NULL;

    if (condition == NULL || !IsA(condition, FuncExpr) ||
        getExtensionOfObject(ProcedureRelationId, ((FuncExpr *)condition)->funcid) !=
            get_extension_oid("parity", true))
        parity_pg_hidden();
}

static Datum integer_array(const int64_t *integers, size_t n)
{
    Datum *values;

    if (n > MaxAllocSize / (2 * sizeof *values))
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many rows to look for: %zu", n)));
    if (n == 0)
        return PointerGetDatum(construct_empty_array(INT8OID));
    values = palloc(sizeof *values * n);
    for (size_t i = 0; i < n; i++)
        values[i] = Int64GetDatum(integers[i]);
    return PointerGetDatum(construct_array(values, (int)n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static Datum set_bytes(const parity_wanted *wanted, size_t size)
{
    bytea *out;

    if (size > MaxAllocSize - VARHDRSZ)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("too many rows to look for: " UINT64_FORMAT, (uint64)wanted->nkeys)));
    out = palloc(VARHDRSZ + size);
    SET_VARSIZE(out, VARHDRSZ + size);
    memcpy(VARDATA(out), wanted, size);
    return PointerGetDatum(out);
}

/* --------------------------------------------------------------- the rows */

/* How rows are framed under one spec. */
typedef struct framing {
    int ncolumns;
    int *at; /* places in the query's result, from 0 */
    bool *key;
    ParityReader *readers;
    parity_buf buf;
    uint32 *ends;
} framing;

static void open_framing(framing *f, const parity_spec *spec, const parity_spec *wide, TupleDesc desc,
                         MemoryContext context)
{
    f->ncolumns = spec->ncolumns;
    f->at = palloc(sizeof *f->at * (size_t)spec->ncolumns);
    f->key = palloc(sizeof *f->key * (size_t)spec->ncolumns);
    f->readers = palloc(sizeof *f->readers * (size_t)spec->ncolumns);
    f->ends = palloc(sizeof *f->ends * (size_t)spec->ncolumns);
    parity_buf_init(&f->buf, parity_pg_mem(context));
    for (int i = 0; i < spec->ncolumns; i++) {
        Form_pg_attribute att;
        int at = 0;

        while (at < wide->ncolumns && strcmp(wide->columns[at].name, spec->columns[i].name) != 0)
            at++;
        if (at == wide->ncolumns)
            elog(ERROR, "column \"%s\" is not among those that are read", spec->columns[i].name);
        att = TupleDescAttr(desc, at);
        f->at[i] = at;
        f->key[i] = spec->columns[i].key;
        parity_reader_init(&f->readers[i], att->atttypid, att->atttypmod, &spec->columns[i].kind, context);
    }
}

static void put_row(framing *f, const Datum *values, const bool *nulls, parity_buf *scratch)
{
    unsigned notes = 0;

    f->buf.len = 0;
    for (int i = 0; i < f->ncolumns; i++) {
        parity_reader_put(&f->readers[i], values[f->at[i]], nulls[f->at[i]], false, &f->buf, scratch, &notes, NULL);
        if (f->buf.len > PG_UINT32_MAX)
            ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a row is longer than 4 GB")));
        f->ends[i] = (uint32)f->buf.len;
    }
}

/* Takes the rows of the cursor batch by batch. */
static parity_status read_rows(Portal portal, const parity_spec *spec, const parity_spec *guard,
                               const parity_wanted *wanted, parity_each_row each, void *each_ctx)
{
    MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "parity fetch", ALLOCSET_DEFAULT_SIZES);
    MemoryContext each_row = AllocSetContextCreate(context, "parity fetch row", ALLOCSET_DEFAULT_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(context);
    const parity_spec *wide = guard != NULL ? guard : spec;
    TupleDesc desc = portal->tupDesc;
    Datum *values = palloc(sizeof *values * (size_t)desc->natts);
    bool *nulls = palloc(sizeof *nulls * (size_t)desc->natts);
    parity_status status = PARITY_OK;
    framing main, guarded;
    parity_buf scratch;
    bool more = true;

    parity_buf_init(&scratch, parity_pg_mem(context));
    open_framing(&main, spec, wide, desc, context);
    if (guard != NULL)
        open_framing(&guarded, guard, wide, desc, context);
    while (more && status == PARITY_OK) {
        SPI_cursor_fetch(portal, true, BATCH_ROWS);
        more = SPI_processed == BATCH_ROWS;
        for (uint64 i = 0; i < SPI_processed && status == PARITY_OK; i++) {
            parity_row_key key;

            CHECK_FOR_INTERRUPTS();
            MemoryContextReset(each_row);
            MemoryContextSwitchTo(each_row);
            heap_deform_tuple(SPI_tuptable->vals[i], desc, values, nulls);
            put_row(&main, values, nulls, &scratch);
            parity_pg_check(parity_row_key_of(main.buf.data, main.ends, main.ncolumns, main.key, &scratch, &key), NULL);
            if (parity_wanted_has(wanted, &key)) {
                if (guard != NULL)
                    put_row(&guarded, values, nulls, &scratch);
                status = each(each_ctx, &key, main.buf.data, main.ends, guard != NULL ? guarded.buf.data : NULL,
                              guard != NULL ? guarded.ends : NULL);
            }
            MemoryContextSwitchTo(context);
        }
        SPI_freetuptable(SPI_tuptable);
    }
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(context);
    return status;
}

parity_status parity_pg_fetch(Oid relid, const parity_spec *spec, const parity_spec *guard,
                              const parity_wanted *wanted, size_t wanted_size, const int64_t *integers,
                              size_t nintegers, parity_each_row each, void *each_ctx)
{
    Oid types[1];
    Datum values[1];
    SPIPlanPtr plan;
    Portal portal;
    parity_status status;

    parity_pg_lock_relation(relid);
    parity_pg_require_columns(spec);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    types[0] = integers != NULL ? INT8ARRAYOID : BYTEAOID;
    values[0] = integers != NULL ? integer_array(integers, nintegers) : set_bytes(wanted, wanted_size);
    plan = SPI_prepare_cursor(build_query(relid, spec, guard != NULL ? guard : spec, integers != NULL), 1, types,
                              CURSOR_OPT_NO_SCROLL | CURSOR_OPT_CUSTOM_PLAN);
    if (plan == NULL)
        elog(ERROR, "could not look for rows of relation %u", relid);
    if (integers == NULL)
        check_condition(plan);
    portal = SPI_cursor_open(NULL, plan, values, NULL, true);
    status = read_rows(portal, spec, guard, wanted, each, each_ctx);
    SPI_cursor_close(portal);
    SPI_finish();
    return status;
}
