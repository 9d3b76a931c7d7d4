/*
 * checksum.c - parity.checksum, parity.column_checksums and parity.buckets
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "relation.h"

/* The arguments that all functions take: rel, filter, spec. */
typedef struct reading {
    Oid relid;
    char *filter;
    parity_spec spec;
} reading;

/* filter is argument number at, spec the next one. */
static void read_arguments(FunctionCallInfo fcinfo, int at, parity_pg_room *room, reading *out)
{
    parity_pg_require(fcinfo, 0, "rel");
    out->relid = PG_GETARG_OID(0);
    out->filter = PG_ARGISNULL(at) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(at));
    if (out->filter != NULL)
        parity_pg_check_filter(out->filter);
    parity_pg_room_open(room, CurrentMemoryContext);
    parity_pg_spec_given(&room->arena, out->relid, PG_ARGISNULL(at + 1) ? NULL : PG_GETARG_JSONB_P(at + 1),
                         &out->spec);
}

PG_FUNCTION_INFO_V1(parity_sql_checksum);
Datum parity_sql_checksum(PG_FUNCTION_ARGS)
{
    parity_pg_room room;
    reading r;
    parity_digest *out = palloc(sizeof *out);

    read_arguments(fcinfo, 1, &room, &r);
    parity_pg_scan_digest(r.relid, &r.spec, r.filter, out);
    parity_pg_room_close(&room);
    PG_RETURN_POINTER(out);
}

PG_FUNCTION_INFO_V1(parity_sql_column_checksums);
Datum parity_sql_column_checksums(PG_FUNCTION_ARGS)
{
    parity_pg_room room;
    reading r;
    parity_tally *tally;
    TupleDesc desc;
    Tuplestorestate *rows = parity_pg_begin_rows(fcinfo, &desc);

    read_arguments(fcinfo, 1, &room, &r);
    tally = parity_pg_scan_tally(&room.arena, r.relid, &r.spec, r.filter, 0);
    for (int i = 0; i < r.spec.ncolumns; i++) {
        const parity_column *column = &r.spec.columns[i];
        char kind[PARITY_KIND_TEXT_MAX];
        bool nulls[3] = {false, false, false};
        Datum values[3];

        values[0] = PointerGetDatum(parity_pg_text(column->name, strlen(column->name)));
        values[1] = PointerGetDatum(cstring_to_text_with_len(kind, (int)parity_kind_print(&column->kind, kind)));
        values[2] = PointerGetDatum(&tally->column[i].digest);
        tuplestore_putvalues(rows, desc, values, nulls);
    }
    parity_pg_room_close(&room);
    return (Datum)0;
}

PG_FUNCTION_INFO_V1(parity_sql_buckets);
Datum parity_sql_buckets(PG_FUNCTION_ARGS)
{
    parity_pg_room room;
    reading r;
    parity_buckets *buckets;
    TupleDesc desc;
    Tuplestorestate *rows = parity_pg_begin_rows(fcinfo, &desc);

    parity_pg_require(fcinfo, 1, "bits");
    parity_pg_check_bits(PG_GETARG_INT32(1));
    read_arguments(fcinfo, 2, &room, &r);
    buckets = parity_pg_scan_buckets(&room.arena, r.relid, &r.spec, r.filter, (uint32)PG_GETARG_INT32(1));
    for (uint32 i = 0; i < (uint32)1 << buckets->bits; i++) {
        bool nulls[2] = {false, false};
        Datum values[2];

        if (buckets->digest[i].rows == 0)
            continue;
        values[0] = Int32GetDatum((int32)i);
        values[1] = PointerGetDatum(&buckets->digest[i]);
        tuplestore_putvalues(rows, desc, values, nulls);
    }
    parity_pg_room_close(&room);
    return (Datum)0;
}
