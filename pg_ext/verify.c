/*
 * verify.c - parity.verify, assert_match and adopt: the core's comparison, run over this database
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "bundle.h"
#include "compat.h"
#include "relation.h"

typedef struct comparison {
    parity_pg_engine engine;
    parity_verify *verify;
} comparison;

/* Opens the comparison of the arguments bundle and mapping; all of it lives in CurrentMemoryContext. */
static comparison *open_comparison(FunctionCallInfo fcinfo)
{
    comparison *out = palloc0(sizeof *out);
    const parity_mem *mem = parity_pg_mem(CurrentMemoryContext);
    parity_error err = {0};
    parity_status status;
    char *bundle;
    char *mapping = NULL;
    size_t n, nmapping = 0;

    bundle = parity_pg_text_argument(fcinfo, 0, "bundle", &n);
    if (!PG_ARGISNULL(1))
        mapping = parity_pg_json_text(PG_GETARG_JSONB_P(1), &nmapping);
    parity_pg_engine_init(&out->engine);
    status = parity_verify_open(mem, &out->engine.engine, bundle, n, mapping, nmapping, &out->verify, &err);
    parity_pg_check(status, &err);
    return out;
}

static Datum row_datum(TupleDesc desc, const parity_verify_row *row)
{
    bool nulls[8] = {false, false, false, false, false, false, false, false};
    Datum values[8] = {0};
    Datum *columns = palloc(sizeof(Datum) * (size_t)(row->ncolumns + 1));

    for (int i = 0; i < row->ncolumns; i++)
        columns[i] = parity_pg_text_datum(row->columns[i], &nulls[6]);
    values[0] = parity_pg_text_datum(row->table_name, &nulls[0]);
    values[1] = parity_pg_text_datum(row->remote_name, &nulls[1]);
    values[2] = parity_pg_text_datum(parity_verdict_text(row->verdict), &nulls[2]);
    if (!(nulls[3] = !row->has_local_rows))
        values[3] = parity_pg_count(row->local_rows);
    if (!(nulls[4] = !row->has_remote_rows))
        values[4] = parity_pg_count(row->remote_rows);
    if (!(nulls[5] = !row->has_differing))
        values[5] = parity_pg_count(row->differing);
    values[6] = PointerGetDatum(construct_array(columns, row->ncolumns, TEXTOID, -1, false, TYPALIGN_INT));
    values[7] = parity_pg_text_datum(row->detail, &nulls[7]);
    return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/* A row a call, so that a caller sees each table when it is done. */
PG_FUNCTION_INFO_V1(parity_sql_verify);
Datum parity_sql_verify(PG_FUNCTION_ARGS)
{
    FuncCallContext *call;
    comparison *c;
    const parity_verify_row *row;
    parity_error err = {0};

    if (SRF_IS_FIRSTCALL()) {
        MemoryContext caller;
        TupleDesc desc;

        call = SRF_FIRSTCALL_INIT();
        caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
        if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
            elog(ERROR, "return type must be a row type");
        call->tuple_desc = BlessTupleDesc(desc);
        call->user_fctx = open_comparison(fcinfo);
        MemoryContextSwitchTo(caller);
    }
    call = SRF_PERCALL_SETUP();
    c = call->user_fctx;
    parity_pg_check(parity_verify_next(c->verify, &row, &err), &err);
    if (row != NULL)
        SRF_RETURN_NEXT(call, row_datum(call->tuple_desc, row));
    /* a caller that stops earlier frees the same memory with the context that it is in */
    parity_verify_close(c->verify);
    SRF_RETURN_DONE(call);
}

PG_FUNCTION_INFO_V1(parity_sql_assert_match);
Datum parity_sql_assert_match(PG_FUNCTION_ARGS)
{
    comparison *c = open_comparison(fcinfo);
    parity_error err = {0};

    parity_pg_check(parity_verify_assert(c->verify, &err), &err);
    parity_verify_close(c->verify);
    PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(parity_sql_adopt);
Datum parity_sql_adopt(PG_FUNCTION_ARGS)
{
    TupleDesc desc;
    Tuplestorestate *rows = parity_pg_begin_rows(fcinfo, &desc);
    comparison *c = open_comparison(fcinfo);
    parity_buf json;

    parity_buf_init(&json, parity_pg_mem(CurrentMemoryContext));
    for (int i = 0;; i++) {
        parity_error err = {0};
        const char *schema, *table;
        bool nulls[2] = {false, false};
        Datum values[2];
        Jsonb *overrides;
        Oid nsp;

        json.len = 0;
        parity_pg_check(parity_verify_adopt(c->verify, i, &schema, &table, &json, &err), &err);
        if (table == NULL)
            break;
        overrides = parity_pg_jsonb((char *)json.data, json.len);
        nsp = get_namespace_oid(parity_pg_from_utf8(schema), false);
        parity_pg_set_spec(get_relname_relid(parity_pg_from_utf8(table), nsp), overrides);
        values[0] = parity_pg_text_datum(table, &nulls[0]);
        values[1] = PointerGetDatum(overrides);
        tuplestore_putvalues(rows, desc, values, nulls);
    }
    parity_buf_free(&json);
    parity_verify_close(c->verify);
    return (Datum)0;
}
