/*
 * bundle.c - parity.bundle: all tables of a schema, read under one snapshot, as one text
 *
 * The function is STABLE, so every scan uses the snapshot of the statement that
 * calls it.  Behind it stands what the functions that take bundles share.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/xlogdefs.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

#include "bundle.h"
#include "compat.h"
#include "relation.h"
#include "sketch.h"
#include "value.h"

/* "PostgreSQL 15.18": without what a distributor adds. */
static char *server_version(void)
{
    char *version = psprintf("PostgreSQL %s", GetConfigOption("server_version", false, false));
    char *blank = strchr(version + strlen("PostgreSQL "), ' ');

    if (blank != NULL)
        *blank = '\0';
    return version;
}

/* When the statement began, "2026-01-02T03:04:05Z". */
static char *statement_time(void)
{
    char *out = palloc(32);
    pg_time_t t = timestamptz_to_time_t(GetCurrentStatementStartTimestamp());

    pg_strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", pg_gmtime(&t));
    return out;
}

/* How far the write-ahead log is, on a standby how far it was replayed. */
static char *wal_position(void)
{
    Datum lsn = OidFunctionCall0(RecoveryInProgress() ? F_PG_LAST_WAL_REPLAY_LSN : F_PG_CURRENT_WAL_LSN);

    return DatumGetCString(DirectFunctionCall1(pg_lsn_out, lsn));
}

void parity_pg_head(parity_bundle *head)
{
    memset(head, 0, sizeof *head);
    head->engine = "postgresql";
    head->version = PARITY_RELEASE;
    head->server = server_version();
    head->time = statement_time();
    head->position = wal_position();
}

static int compare_listed(const void *a, const void *b)
{
    return strcmp(((const parity_pg_listed *)a)->name, ((const parity_pg_listed *)b)->name);
}

/* The relations that the caller names, in name order. */
static parity_pg_listed *named_tables(ArrayType *array, int *n)
{
    Datum *values;
    bool *nulls;
    int count;
    parity_pg_listed *out;

    deconstruct_array(array, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT, &values, &nulls, &count);
    out = palloc0(sizeof(*out) * (size_t)(count + 1));
    for (int i = 0; i < count; i++) {
        if (nulls[i])
            ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the tables of a bundle hold a NULL")));
        out[i].relid = DatumGetObjectId(values[i]);
        parity_pg_lock_relation(out[i].relid);
        out[i].name = get_rel_name(out[i].relid);
    }
    if (count > 1)
        qsort(out, (size_t)count, sizeof(*out), compare_listed);
    for (int i = 1; i < count; i++)
        if (strcmp(out[i - 1].name, out[i].name) == 0)
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                            errmsg("table \"%s\" stands twice in a bundle", out[i].name),
                            errdetail("A bundle knows tables by their names, without a schema.")));
    *n = count;
    return out;
}

/* The schema that all tables are in, or NULL. */
static char *common_schema(const parity_pg_listed *tables, int n)
{
    Oid nsp = n > 0 ? get_rel_namespace(tables[0].relid) : InvalidOid;

    for (int i = 1; i < n; i++)
        if (get_rel_namespace(tables[i].relid) != nsp)
            return NULL;
    return OidIsValid(nsp) ? parity_pg_to_utf8(get_namespace_name(nsp)) : NULL;
}

/* Reads the table and appends it; false, and nothing appended, when it has no columns and was not named. */
static bool add_table(parity_buf *out, const parity_pg_listed *table, uint32 cells, bool named, bool first,
                      uint64 *rows)
{
    MemoryContext caller = CurrentMemoryContext;
    parity_pg_room room;
    parity_spec spec;

    parity_pg_room_open(&room, caller);
    MemoryContextSwitchTo(room.context);
    parity_pg_spec(&room.arena, table->relid, &spec);
    if (named)
        parity_pg_require_columns(&spec);
    if (spec.ncolumns > 0) {
        parity_tally *tally = parity_pg_scan_tally(&room.arena, table->relid, &spec, NULL, cells);

        parity_pg_check(parity_bundle_add(out, &spec, tally, first), NULL);
        *rows = tally->digest.rows;
    }
    MemoryContextSwitchTo(caller);
    parity_pg_room_close(&room);
    return spec.ncolumns > 0;
}

PG_FUNCTION_INFO_V1(parity_sql_bundle);
Datum parity_sql_bundle(PG_FUNCTION_ARGS)
{
    bool named = !PG_ARGISNULL(0);
    parity_bundle head;
    parity_buf tables, out;
    parity_pg_room room;
    parity_pg_listed *listed;
    uint32 cells = PG_ARGISNULL(1) ? PARITY_CELLS_DEFAULT : parity_pg_cells(PG_GETARG_INT32(1), 0);
    int n, ntables = 0, done = 0;
    text *result;

    parity_pg_require(fcinfo, 2, "schema");
    parity_pg_room_open(&room, CurrentMemoryContext);
    parity_pg_head(&head);
    head.partial = named;
    if (named) {
        listed = named_tables(PG_GETARG_ARRAYTYPE_P(0), &n);
        head.schema = common_schema(listed, n);
    } else {
        char *schema = text_to_cstring(PG_GETARG_TEXT_PP(2));

        listed = parity_pg_list(schema, &n);
        head.schema = parity_pg_to_utf8(schema);
    }
    head.skipped = palloc(sizeof(char *) * (size_t)(n + 1));
    for (int i = 0; i < n; i++) {
        if (listed[i].skipped)
            head.skipped[head.nskipped++] = parity_pg_to_utf8(listed[i].name);
        else
            ntables++;
    }

    /* What is left out stands in the head, and is known once all tables have been looked at. */
    parity_buf_init(&tables, room.mem);
    for (int i = 0; i < n; i++) {
        uint64 rows = 0;

        if (listed[i].skipped)
            continue;
        if (add_table(&tables, &listed[i], cells, named, tables.len == 0, &rows)) {
            parity_pg_progress(++done, ntables, listed[i].relid, rows);
            continue;
        }
        ntables--;
        head.skipped[head.nskipped++] = parity_pg_to_utf8(listed[i].name);
        ereport(NOTICE, (errmsg("table \"%s\" has no columns to read and is left out", listed[i].name)));
    }
    parity_buf_init(&out, room.mem);
    parity_pg_check(parity_bundle_begin(&out, &head), NULL);
    parity_pg_check(parity_buf_put(&out, tables.data, tables.len), NULL);
    parity_pg_check(parity_bundle_end(&out), NULL);
    parity_buf_free(&tables);
    result = parity_pg_text((char *)out.data, out.len);
    parity_pg_room_close(&room);
    PG_RETURN_TEXT_P(result);
}

/* --------------------------------------------------------------------- shared */

char *parity_pg_text_argument(FunctionCallInfo fcinfo, int arg, const char *name, size_t *n)
{
    text *value;

    parity_pg_require(fcinfo, arg, name);
    value = PG_GETARG_TEXT_PP(arg);
    *n = VARSIZE_ANY_EXHDR(value);
    return (char *)parity_pg_utf8(VARDATA_ANY(value), n);
}

void parity_pg_name_relation(Oid relid, char **schema, char **table)
{
    parity_pg_lock_relation(relid);
    *schema = parity_pg_to_utf8(get_namespace_name(get_rel_namespace(relid)));
    *table = parity_pg_to_utf8(get_rel_name(relid));
}

Datum parity_pg_text_datum(const char *utf8, bool *isnull)
{
    *isnull = utf8 == NULL;
    return *isnull ? (Datum)0 : PointerGetDatum(parity_pg_text(utf8, strlen(utf8)));
}

/*
 * Whether jsonb can hold this canonical JSON, which says more than it can: the
 * character NUL, unpaired surrogates, numbers beyond numeric's range.
 */
static bool fits_jsonb(const char *json)
{
    bool quoted = false;

    for (const char *p = json; *p != '\0'; p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (quoted && *p == '\\') {
            p++;
            if (*p == 'u' && (strncmp(p + 1, "0000", 4) == 0 || pg_tolower((unsigned char)p[1]) == 'd'))
                return false;
        } else if (!quoted && *p >= '0' && *p <= '9') {
            size_t digits = strspn(p, "0123456789.");
            long exponent = 0;

            p += digits;
            if (*p == 'e' || *p == 'E') {
                char *end;

                exponent = strtol(p + 1, &end, 10);
                p = end;
            }
            /* numeric: 131,072 digits in front of the point, 16,383 behind it */
            if (exponent < -16000 || exponent > 131000 || digits > 16000 || (long)digits + exponent > 131000)
                return false;
            p--;
        }
    }
    return true;
}

Datum parity_pg_jsonb_datum(const char *utf8, bool *isnull)
{
    *isnull = utf8 == NULL || !fits_jsonb(utf8);
    return *isnull ? (Datum)0 : PointerGetDatum(parity_pg_jsonb(utf8, strlen(utf8)));
}
