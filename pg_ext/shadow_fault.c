/*
 * shadow_fault.c - what happens when a shadow's write fails
 *
 * The rows that are written here are parity's own, in statements that are the
 * same for everybody; they run as the owner of these tables, so that a writer
 * needs no right on them, and no value of his is part of the statements' text.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "override.h"
#include "shadow.h"

bool parity_shadow_may_quarantine(const ErrorData *error)
{
    switch (error->sqlerrcode) {
    case ERRCODE_QUERY_CANCELED:
        /* the time was the shadow's as well; what the user wanted to end, ends */
        return error->message_id != NULL && strcmp(error->message_id, "canceling statement due to statement timeout") == 0;
    case ERRCODE_ADMIN_SHUTDOWN:
    case ERRCODE_CRASH_SHUTDOWN:
    case ERRCODE_OUT_OF_MEMORY:
    case ERRCODE_T_R_SERIALIZATION_FAILURE:
        return false;
    default:
        return true;
    }
}

static Oid owner_of_tables(void)
{
    Oid id = get_relname_relid("drift", parity_pg_schema());
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(id));
    Oid owner;

    if (!HeapTupleIsValid(row))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("parity.drift is not what the extension made"),
                        errhint("Drop the extension and create it again.")));
    owner = ((Form_pg_class)GETSTRUCT(row))->relowner;
    ReleaseSysCache(row);
    return owner;
}

/* Runs a statement as the owner of parity's tables, under a fresh snapshot; gives the first column of the first row. */
static int64 run(const char *sql, int n, Oid *types, Datum *values, const char *nulls)
{
    volatile int64 out = 0;
    int security;
    Oid user;

    GetUserIdAndSecContext(&user, &security);
    SetUserIdAndSecContext(owner_of_tables(), security | SECURITY_LOCAL_USERID_CHANGE);
    PG_TRY();
    {
        SPIPlanPtr plan;

        SPI_connect();
        plan = SPI_prepare(sql, n, types);
        if (plan == NULL)
            elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
        if (SPI_execute_snapshot(plan, values, nulls, GetLatestSnapshot(), InvalidSnapshot, false, true, 0) < 0)
            elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(SPI_result));
        if (SPI_tuptable != NULL && SPI_processed > 0) {
            bool isnull;

            out = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
        }
        SPI_finish();
    }
    PG_FINALLY();
    {
        SetUserIdAndSecContext(user, security);
    }
    PG_END_TRY();
    return out;
}

static char *sqlstate_of(const ErrorData *error)
{
    return pstrdup(unpack_sql_state(error->sqlerrcode));
}

void parity_shadow_put_drift(const ParityShadow *s, const Datum *keys, int n, const char *operation, const ErrorData *error)
{
    Oid types[5] = {TEXTOID, get_array_type(JSONBOID), TEXTOID, TEXTOID, TEXTOID};
    Datum values[5];

    values[0] = CStringGetTextDatum(s->name);
    values[1] = PointerGetDatum(construct_array(unconstify(Datum *, keys), n, JSONBOID, -1, false, TYPALIGN_INT));
    values[2] = CStringGetTextDatum(operation);
    values[3] = CStringGetTextDatum(sqlstate_of(error));
    values[4] = CStringGetTextDatum(error->message != NULL ? error->message : "");
    (void)run("INSERT INTO parity.drift (shadow, key, operation, sqlstate, message)"
              " SELECT $1, k, $3, $4, $5 FROM pg_catalog.unnest($2) k",
              5, types, values, NULL);
}

void parity_shadow_event(const ParityShadow *s, const char *what, const char *detail)
{
    Oid types[4] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID};
    Datum values[4];

    values[0] = CStringGetTextDatum(s->name);
    values[1] = CStringGetTextDatum(what);
    values[2] = CStringGetTextDatum(detail);
    values[3] = CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false));
    (void)run("INSERT INTO parity.event (shadow, what, detail, who) VALUES ($1, $2, $3::pg_catalog.jsonb, $4)", 4, types,
              values, NULL);
}

void parity_shadow_mark(const ParityShadow *s, const char *kind, const char *reason)
{
    Oid types[4] = {INT8OID, INT8OID, TEXTOID, TEXTOID};
    Datum values[4];

    values[0] = Int64GetDatum(s->id);
    values[1] = Int64GetDatum(s->run);
    values[2] = CStringGetTextDatum(kind);
    values[3] = CStringGetTextDatum(reason);
    /* one a transaction: another one's may be about to go with a verification that has not seen this write */
    (void)run("INSERT INTO parity.shadow_mark (id, run, kind, reason) SELECT $1, $2, $3, $4"
              " WHERE NOT EXISTS (SELECT FROM parity.shadow_mark m WHERE m.id OPERATOR(pg_catalog.=) $1"
              "  AND m.run OPERATOR(pg_catalog.=) $2 AND m.kind OPERATOR(pg_catalog.=) $3"
              "  AND m.xmin OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id()::pg_catalog.xid)",
              4, types, values, NULL);
}

static void stop(const ParityShadow *s, Oid from, const char *reason, const char *detail)
{
    parity_shadow_mark(s, "stopped", reason);
    parity_shadow_event(s, "self-stop", detail);
    /* so that every session hears of it */
    CacheInvalidateRelcacheByRelid(from);
}

void parity_shadow_failed(const ParityShadow *s, Oid from, const char *operation, int64 keys, const ErrorData *error)
{
    Oid types[7] = {TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, INT8OID};
    Datum values[7];
    int64 failures;

    values[0] = CStringGetTextDatum(s->name);
    values[1] = CStringGetTextDatum(operation);
    values[2] = Int64GetDatum(keys);
    values[3] = CStringGetTextDatum(sqlstate_of(error));
    values[4] = CStringGetTextDatum(error->message != NULL ? error->message : "");
    values[5] = CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false));
    values[6] = Int64GetDatum(s->run);
    failures = run("WITH put AS (INSERT INTO parity.event (shadow, what, detail, who) VALUES ($1, 'failure',"
                   "  pg_catalog.jsonb_build_object('operation', $2, 'keys', $3, 'sqlstate', $4, 'message', $5, 'run', $7), $6))"
                   " SELECT 1 OPERATOR(pg_catalog.+) pg_catalog.count(*) FROM parity.event e, parity.shadow s"
                   " WHERE s.name OPERATOR(pg_catalog.=) $1 AND e.shadow OPERATOR(pg_catalog.=) $1"
                   " AND e.what OPERATOR(pg_catalog.=) 'failure'"
                   " AND (e.detail OPERATOR(pg_catalog.->>) 'run') OPERATOR(pg_catalog.=) $7::pg_catalog.text"
                   /* not those of a dropped shadow of that name */
                   " AND e.at OPERATOR(pg_catalog.>=) s.started_at"
                   " AND e.at OPERATOR(pg_catalog.>) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) s.failure_window)",
                   7, types, values, NULL);
    if (failures < s->max_failures)
        return;
    stop(s, from, psprintf(INT64_FORMAT " writes failed, the last one: %s", failures, error->message),
         psprintf("{\"failures\": " INT64_FORMAT "}", failures));
}

void parity_shadow_stop(const ParityShadow *s, Oid from, const ErrorData *error)
{
    StringInfoData detail;

    initStringInfo(&detail);
    appendStringInfo(&detail, "{\"sqlstate\": \"%s\", \"message\": ", sqlstate_of(error));
    escape_json(&detail, error->message);
    appendStringInfoChar(&detail, '}');
    stop(s, from, psprintf("the mapping cannot be followed any more: %s", error->message), detail.data);
}
