/*
 * sketch.c - the type parity.sketch, its arithmetic, and reading rows back
 *
 * A value is the wire form of docs/FORMAT.md behind a varlena's length word:
 * small for few rows, about 36 bytes a cell otherwise.  It is checked each
 * time it is opened, as it may come from anywhere.  Text is the base64 of it.
 * The aggregates are in sketch_agg.c.
 */
#include "sketch.h"

#include "access/detoast.h"
#include "common/base64.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "relation.h"

PG_FUNCTION_INFO_V1(parity_sketch_in);
PG_FUNCTION_INFO_V1(parity_sketch_out);
PG_FUNCTION_INFO_V1(parity_sketch_recv);
PG_FUNCTION_INFO_V1(parity_sketch_send);
PG_FUNCTION_INFO_V1(parity_sketch_eq);
PG_FUNCTION_INFO_V1(parity_sketch_ne);
PG_FUNCTION_INFO_V1(parity_sketch_plus);
PG_FUNCTION_INFO_V1(parity_sketch_minus);
PG_FUNCTION_INFO_V1(parity_sketch_decode_rows);
PG_FUNCTION_INFO_V1(parity_sketch_estimate_keys);
PG_FUNCTION_INFO_V1(parity_sketch_count_cells);

uint32 parity_pg_cells(int32 cells, uint32 least)
{
    if (cells < (int32)least || (uint32)cells > PARITY_CELLS_MAX)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%d cells are out of range", cells),
                        least == 0 ? errhint("\"cells\" is 0, for no sketches, or a number up to %u.", PARITY_CELLS_MAX)
                                   : errhint("\"cells\" is a number from %u to %u.", least, PARITY_CELLS_MAX)));
    return cells == 0 ? 0 : parity_cells_round((uint64)cells);
}

void parity_pg_sketch_open(Datum value, parity_sketch_wire *out)
{
    const struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
    parity_error err = {0};

    parity_pg_check(parity_sketch_open(VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed), out, &err), &err);
}

struct varlena *parity_pg_sketch_make(const parity_sketch *s)
{
    parity_pg_room room;
    parity_buf b;

    parity_pg_room_open(&room, CurrentMemoryContext);
    parity_buf_init(&b, parity_pg_mem(CurrentMemoryContext));
    parity_pg_check(parity_buf_put(&b, "\0\0\0", VARHDRSZ), NULL);
    parity_pg_check(parity_sketch_write(&b, &room.arena, s), NULL);
    parity_pg_room_close(&room);
    SET_VARSIZE(b.data, b.len);
    return (struct varlena *)b.data;
}

/* n bytes of the wire form as a value. */
static struct varlena *value_of(const void *p, size_t n)
{
    struct varlena *out = palloc(VARHDRSZ + n);

    SET_VARSIZE(out, VARHDRSZ + n);
    memcpy(VARDATA(out), p, n);
    return out;
}

/* The sketch of a value, expanded to its own number of cells. */
static parity_sketch *expand(parity_arena *a, Datum value)
{
    parity_sketch_wire wire;
    parity_sketch *out;

    parity_pg_sketch_open(value, &wire);
    out = parity_arena_alloc(a, parity_sketch_size(wire.cells));
    parity_sketch_expand(&wire, out, wire.cells);
    return out;
}

/* ------------------------------------------------------------------ in and out */

Datum parity_sketch_in(PG_FUNCTION_ARGS)
{
    const char *text = PG_GETARG_CSTRING(0);
    parity_sketch_wire wire;
    parity_error err = {0};
    parity_pg_room room;
    parity_status status;
    struct varlena *out = NULL;
    int n = (int)strlen(text), start = pg_mbcliplen(text, n, 40);

    parity_pg_room_open(&room, CurrentMemoryContext);
    status = parity_sketch_parse(&room.arena, text, (size_t)n, &wire, &err);
    if (status == PARITY_OK)
        out = value_of(wire.p, wire.n);
    parity_pg_room_close(&room);
    if (out == NULL)
        ereturn(fcinfo->context, (Datum)0,
                (errcode(parity_pg_sqlstate(status)),
                 errmsg("invalid input syntax for type %s: \"%.*s%s\"", "parity.sketch", start, text,
                        start < n ? "..." : ""),
                 errdetail_internal("%s", err.detail), err.hint[0] != '\0' ? errhint("%s", err.hint) : 0));
    PG_RETURN_POINTER(out);
}

Datum parity_sketch_out(PG_FUNCTION_ARGS)
{
    struct varlena *value = PG_GETARG_VARLENA_PP(0);
    int n = (int)VARSIZE_ANY_EXHDR(value);
    int room = pg_b64_enc_len(n);
    char *out = palloc((Size)room + 1);

    n = pg_b64_encode((const void *)VARDATA_ANY(value), n, out, room);
    if (n < 0)
        elog(ERROR, "could not print a sketch");
    out[n] = '\0';
    PG_RETURN_CSTRING(out);
}

Datum parity_sketch_recv(PG_FUNCTION_ARGS)
{
    StringInfo in = (StringInfo)PG_GETARG_POINTER(0);
    int n = in->len - in->cursor;
    const char *p = pq_getmsgbytes(in, n);
    parity_sketch_wire wire;
    parity_error err = {0};

    if (parity_sketch_open(p, (size_t)n, &wire, &err) != PARITY_OK)
        ereport(ERROR, (errcode(err.status == PARITY_MALFORMED ? ERRCODE_INVALID_BINARY_REPRESENTATION
                                                               : parity_pg_sqlstate(err.status)),
                        errmsg("invalid external \"parity.sketch\" value"), errdetail_internal("%s", err.detail)));
    PG_RETURN_POINTER(value_of(p, (size_t)n));
}

Datum parity_sketch_send(PG_FUNCTION_ARGS)
{
    struct varlena *value = PG_GETARG_VARLENA_PP(0);

    PG_RETURN_POINTER(value_of(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}

/* ------------------------------------------------------- comparison, arithmetic */

static bool same_bytes(FunctionCallInfo fcinfo)
{
    struct varlena *a, *b;

    if (toast_raw_datum_size(PG_GETARG_DATUM(0)) != toast_raw_datum_size(PG_GETARG_DATUM(1)))
        return false;
    a = PG_GETARG_VARLENA_PP(0);
    b = PG_GETARG_VARLENA_PP(1);
    return memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

Datum parity_sketch_eq(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(same_bytes(fcinfo));
}

Datum parity_sketch_ne(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(!same_bytes(fcinfo));
}

static struct varlena *combine(FunctionCallInfo fcinfo, bool subtract)
{
    parity_sketch_wire a, b;
    parity_sketch *sum;
    parity_pg_room room;
    struct varlena *out;

    parity_pg_sketch_open(PG_GETARG_DATUM(0), &a);
    parity_pg_sketch_open(PG_GETARG_DATUM(1), &b);
    parity_pg_room_open(&room, CurrentMemoryContext);
    parity_pg_check(parity_sketch_combine(&room.arena, &a, &b, subtract, &sum), NULL);
    out = parity_pg_sketch_make(sum);
    parity_pg_room_close(&room);
    return out;
}

Datum parity_sketch_plus(PG_FUNCTION_ARGS)
{
    PG_RETURN_POINTER(combine(fcinfo, false));
}

Datum parity_sketch_minus(PG_FUNCTION_ARGS)
{
    PG_RETURN_POINTER(combine(fcinfo, true));
}

/* ----------------------------------------------------------------- reading back */

/* sketch_decode(sketch) -> (key_hash, rows, residue, complete) */
Datum parity_sketch_decode_rows(PG_FUNCTION_ARGS)
{
    TupleDesc desc;
    Tuplestorestate *rows = parity_pg_begin_rows(fcinfo, &desc);
    parity_pg_room room;
    parity_entry *entries;
    size_t n;
    bool complete;

    if (PG_ARGISNULL(0))
        return (Datum)0;
    parity_pg_room_open(&room, CurrentMemoryContext);
    parity_pg_check(parity_sketch_decode(expand(&room.arena, PG_GETARG_DATUM(0)), &room.arena, &entries, &n, &complete),
                    NULL);
    for (size_t i = 0; i < n; i++) {
        char key_hash[32];
        bytea *residue = palloc(VARHDRSZ + 16);
        bool nulls[4] = {false, false, false, false};
        Datum values[4];

        CHECK_FOR_INTERRUPTS();
        snprintf(key_hash, sizeof key_hash, "%016llx", (unsigned long long)entries[i].key);
        SET_VARSIZE(residue, VARHDRSZ + 16);
        parity_hash_store(entries[i].h, (unsigned char *)VARDATA(residue));
        values[0] = CStringGetTextDatum(key_hash);
        values[1] = Int64GetDatum(entries[i].n);
        values[2] = PointerGetDatum(residue);
        values[3] = BoolGetDatum(complete);
        tuplestore_putvalues(rows, desc, values, nulls);
        pfree(residue);
        pfree(DatumGetPointer(values[0]));
    }
    if (n == 0 && !complete) {
        bool nulls[4] = {true, true, true, false};
        Datum values[4] = {0, 0, 0, BoolGetDatum(false)};

        tuplestore_putvalues(rows, desc, values, nulls);
    }
    parity_pg_room_close(&room);
    return (Datum)0;
}

Datum parity_sketch_estimate_keys(PG_FUNCTION_ARGS)
{
    parity_pg_room room;
    uint64 keys;

    parity_pg_room_open(&room, CurrentMemoryContext);
    keys = parity_sketch_estimate(expand(&room.arena, PG_GETARG_DATUM(0)));
    parity_pg_room_close(&room);
    PG_RETURN_INT64((int64)Min(keys, (uint64)PG_INT64_MAX));
}

Datum parity_sketch_count_cells(PG_FUNCTION_ARGS)
{
    parity_sketch_wire wire;

    parity_pg_sketch_open(PG_GETARG_DATUM(0), &wire);
    PG_RETURN_INT32((int32)wire.cells);
}
