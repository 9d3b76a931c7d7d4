/*
 * checksum.c - parity.checksum and parity.column_checksums
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "relation.h"

/* The arguments that both functions take: rel, filter, spec. */
typedef struct reading {
    Oid relid;
    char *filter;
    parity_spec spec;
} reading;

static void read_arguments(FunctionCallInfo fcinfo, parity_pg_room *room, reading *out)
{
    parity_pg_require(fcinfo, 0, "rel");
    out->relid = PG_GETARG_OID(0);
    out->filter = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
    if (out->filter != NULL)
        parity_pg_check_filter(out->filter);
    parity_pg_room_open(room, CurrentMemoryContext);
    parity_pg_spec_given(&room->arena, out->relid, PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2), &out->spec);
}

PG_FUNCTION_INFO_V1(parity_sql_checksum);
Datum parity_sql_checksum(PG_FUNCTION_ARGS)
{
    parity_pg_room room;
    reading r;
    parity_digest *out = palloc(sizeof *out);

    read_arguments(fcinfo, &room, &r);
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

    read_arguments(fcinfo, &room, &r);
    tally = parity_pg_scan_tally(&room.arena, r.relid, &r.spec, r.filter);
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
