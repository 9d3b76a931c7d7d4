/*
 * diff.c - parity.diff: the rows in which a table differs from a bundle's
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "bundle.h"
#include "compat.h"
#include "relation.h"

static void put_row(Tuplestorestate *rows, TupleDesc desc, const parity_diff_row *row)
{
    bool nulls[6];
    Datum values[6];

    values[0] = parity_pg_jsonb_datum(row->key, &nulls[0]);
    values[1] = parity_pg_text_datum(row->is_row ? parity_change_text(row->change) : NULL, &nulls[1]);
    values[2] = parity_pg_text_datum(row->is_row ? row->key_hash : NULL, &nulls[2]);
    values[3] = BoolGetDatum(row->complete);
    nulls[3] = false;
    values[4] = Int64GetDatum(row->rows);
    nulls[4] = !row->is_row;
    values[5] = parity_pg_text_datum(row->detail, &nulls[5]);
    tuplestore_putvalues(rows, desc, values, nulls);
}

PG_FUNCTION_INFO_V1(parity_sql_diff);
Datum parity_sql_diff(PG_FUNCTION_ARGS)
{
    TupleDesc desc;
    Tuplestorestate *rows = parity_pg_begin_rows(fcinfo, &desc);
    MemoryContext caller = CurrentMemoryContext, each;
    parity_pg_room room;
    parity_pg_engine engine;
    parity_diff *diff;
    parity_error err = {0};
    const parity_diff_row *row;
    char *schema, *table, *bundle;
    const char *notice;
    size_t n;

    parity_pg_require(fcinfo, 0, "rel");
    parity_pg_room_open(&room, caller);
    MemoryContextSwitchTo(room.context);
    bundle = parity_pg_text_argument(fcinfo, 1, "bundle", &n);
    parity_pg_name_relation(PG_GETARG_OID(0), &schema, &table);
    parity_pg_engine_init(&engine);
    parity_pg_check(parity_diff_open(room.mem, &engine.engine, schema, table, bundle, n, &diff, &err), &err);
    each = AllocSetContextCreate(room.context, "parity row", ALLOCSET_SMALL_SIZES);
    MemoryContextSwitchTo(each);
    while ((row = parity_diff_next(diff)) != NULL) {
        CHECK_FOR_INTERRUPTS();
        put_row(rows, desc, row);
        MemoryContextReset(each);
    }
    notice = parity_diff_notice(diff);
    if (notice != NULL)
        ereport(NOTICE, (errmsg_internal("%s", parity_pg_from_utf8(notice))));
    parity_diff_close(diff);
    MemoryContextSwitchTo(caller);
    parity_pg_room_close(&room);
    return (Datum)0;
}
