/*
 * repair.c - parity.rows, explain, recheck and repair: from the keys of a diff
 * to the statements that make the table equal
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "bundle.h"
#include "compat.h"
#include "relation.h"

PG_FUNCTION_INFO_V1(parity_sql_rows);
PG_FUNCTION_INFO_V1(parity_sql_explain);
PG_FUNCTION_INFO_V1(parity_sql_recheck);
PG_FUNCTION_INFO_V1(parity_sql_repair);

Datum parity_sql_rows(PG_FUNCTION_ARGS)
{
    MemoryContext caller = CurrentMemoryContext;
    parity_pg_room room;
    parity_pg_engine engine;
    parity_bundle head;
    parity_buf out;
    parity_error err = {0};
    char *schema, *table, *keys;
    size_t n;
    text *result;

    parity_pg_require(fcinfo, 0, "rel");
    parity_pg_require(fcinfo, 1, "keys");
    parity_pg_room_open(&room, caller);
    MemoryContextSwitchTo(room.context);
    keys = parity_pg_json_text(PG_GETARG_JSONB_P(1), &n);
    parity_pg_name_relation(PG_GETARG_OID(0), &schema, &table);
    parity_pg_engine_init(&engine);
    parity_pg_head(&head);
    head.schema = schema;
    parity_buf_init(&out, room.mem);
    parity_pg_check(parity_rows_write(room.mem, &engine.engine, schema, table, keys, n, &head, &out, &err), &err);
    MemoryContextSwitchTo(caller);
    result = parity_pg_text((char *)out.data, out.len);
    parity_pg_room_close(&room);
    PG_RETURN_TEXT_P(result);
}

/* A rows bundle against a table. */
typedef struct reading {
    MemoryContext caller;
    parity_pg_room room;
    parity_pg_engine engine;
    parity_repairs *repairs;
    parity_error err;
    /* where a result goes that is made all at once */
    MemoryContext each; /* of one row */
    TupleDesc desc;
    Tuplestorestate *rows;
} reading;

/* The arguments rel and rows_bundle; repair: rel may be NULL, for every table that the bundles name. */
static void open_reading(FunctionCallInfo fcinfo, bool repair, reading *r)
{
    char *schema = NULL, *table = NULL, *bundle;
    size_t n;

    if (!repair)
        parity_pg_require(fcinfo, 0, "rel");
    r->caller = CurrentMemoryContext;
    parity_pg_room_open(&r->room, r->caller);
    MemoryContextSwitchTo(r->room.context);
    bundle = parity_pg_text_argument(fcinfo, 1, "rows_bundle", &n);
    if (!PG_ARGISNULL(0))
        parity_pg_name_relation(PG_GETARG_OID(0), &schema, &table);
    parity_pg_engine_init(&r->engine);
    parity_pg_check(parity_repairs_open(r->room.mem, &r->engine.engine, schema, table, bundle, n, repair, &r->repairs,
                                        &r->err),
                    &r->err);
    MemoryContextSwitchTo(r->caller);
}

static void close_reading(reading *r)
{
    parity_repairs_close(r->repairs);
    MemoryContextSwitchTo(r->caller);
    parity_pg_room_close(&r->room);
}

/* open_reading for a result that is made all at once, each row in a context of its own. */
static void begin_rows(FunctionCallInfo fcinfo, reading *r)
{
    memset(r, 0, sizeof *r);
    r->rows = parity_pg_begin_rows(fcinfo, &r->desc);
    open_reading(fcinfo, false, r);
    r->each = AllocSetContextCreate(r->room.context, "parity row", ALLOCSET_SMALL_SIZES);
    MemoryContextSwitchTo(r->each);
}

/* Adds a row to the result and frees what its values took. */
static void put_row(reading *r, Datum *values, bool *nulls)
{
    tuplestore_putvalues(r->rows, r->desc, values, nulls);
    MemoryContextReset(r->each);
    CHECK_FOR_INTERRUPTS();
}

Datum parity_sql_explain(PG_FUNCTION_ARGS)
{
    reading r;
    const parity_explain_row *row;

    begin_rows(fcinfo, &r);
    for (;;) {
        bool nulls[5];
        Datum values[5];

        parity_pg_check(parity_explain_next(r.repairs, &row, &r.err), &r.err);
        if (row == NULL)
            break;
        values[0] = parity_pg_jsonb_datum(row->key, &nulls[0]);
        values[1] = parity_pg_text_datum(row->column_name, &nulls[1]);
        values[2] = parity_pg_text_datum(row->local_value, &nulls[2]);
        values[3] = parity_pg_text_datum(row->remote_value, &nulls[3]);
        values[4] = parity_pg_text_datum(row->reason, &nulls[4]);
        put_row(&r, values, nulls);
    }
    close_reading(&r);
    return (Datum)0;
}

Datum parity_sql_recheck(PG_FUNCTION_ARGS)
{
    reading r;
    const parity_recheck_row *row;

    begin_rows(fcinfo, &r);
    for (;;) {
        bool nulls[3];
        Datum values[3];

        parity_pg_check(parity_recheck_next(r.repairs, &row, &r.err), &r.err);
        if (row == NULL)
            break;
        values[0] = parity_pg_jsonb_datum(row->key, &nulls[0]);
        values[1] = parity_pg_text_datum(parity_change_text(row->change), &nulls[1]);
        values[2] = parity_pg_text_datum(row->key_hash, &nulls[2]);
        put_row(&r, values, nulls);
    }
    close_reading(&r);
    return (Datum)0;
}

/* A statement a call: a set of one column is no set of rows. */
Datum parity_sql_repair(PG_FUNCTION_ARGS)
{
    FuncCallContext *call;
    reading *r;
    const char *statement;

    if (SRF_IS_FIRSTCALL()) {
        MemoryContext caller;

        call = SRF_FIRSTCALL_INIT();
        caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
        call->user_fctx = r = palloc0(sizeof *r);
        open_reading(fcinfo, true, r);
        MemoryContextSwitchTo(caller);
    }
    call = SRF_PERCALL_SETUP();
    r = call->user_fctx;
    parity_pg_check(parity_repair_next(r->repairs, &statement, &r->err), &r->err);
    if (statement != NULL)
        SRF_RETURN_NEXT(call, PointerGetDatum(parity_pg_text(statement, strlen(statement))));
    /* a caller that stops earlier frees the same memory with the context that it is in */
    parity_repairs_close(r->repairs);
    SRF_RETURN_DONE(call);
}
