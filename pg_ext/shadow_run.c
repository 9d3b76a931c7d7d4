/*
 * shadow_run.c - statements that are run as a shadow's own write: backfill, heal, and what brings a table in step
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/portal.h"

#include "compat.h"
#include "shadow.h"

/* A violation is one of this statement: parity.shadow_backfill and parity.shadow_heal put its key aside. */
static void check_written(Oid to)
{
    Relation rel = try_relation_open(to, AccessShareLock);
    ParityDeferrable constraints;

    if (rel == NULL)
        return;
    parity_shadow_deferrable(rel, &constraints);
    relation_close(rel, NoLock);
    parity_shadow_check_deferred(to, &constraints);
}

/* Writes with a statement into to; how many rows. */
typedef uint64 (*way)(const ParityShadow *s, Oid to, const char *statement);

static uint64 run_as_shadow(FunctionCallInfo fcinfo, way write)
{
    ParityShadow s;
    volatile uint64 rows = 0;
    int level, settings;
    Oid from, to;

    parity_pg_require(fcinfo, 0, "name");
    parity_pg_require(fcinfo, 1, "statement");
    parity_shadow_require(text_to_cstring(PG_GETARG_TEXT_PP(0)), &s);
    from = s.is_backward ? s.target : s.source;
    to = s.is_backward ? s.source : s.target;
    /* the written table's triggers find what they find in a capture */
    settings = NewGUCNestLevel();
    (void)set_config_option("search_path", s.search_path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    level = parity_shadow_enter(s.id, from, to);
    PG_TRY();
    {
        SPI_connect();
        rows = write(&s, to, text_to_cstring(PG_GETARG_TEXT_PP(1)));
        check_written(to);
        parity_shadow_doubt(&s, to);
        SPI_finish();
    }
    PG_FINALLY();
    {
        parity_shadow_leave(level);
    }
    PG_END_TRY();
    AtEOXact_GUC(true, settings);
    return rows;
}

static uint64 execute(const ParityShadow *s, Oid to, const char *statement)
{
    int rc = SPI_execute(statement, false, 0);

    (void)s;
    (void)to;
    if (rc < 0)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("parity.shadow_run cannot run the statement: %s", SPI_result_code_string(rc))));
    return SPI_processed;
}

/* parity.shadow_run(name, statement) */
PG_FUNCTION_INFO_V1(parity_sql_shadow_run);
Datum parity_sql_shadow_run(PG_FUNCTION_ARGS)
{
    PG_RETURN_INT64((int64)run_as_shadow(fcinfo, execute));
}

#define NOT_PLAIN PG_UINT64_MAX

/* The mapping for rows that have its columns already, as a query gives them: perhaps longer than they should be. */
static void read_mapped(ParityMapping *m, TupleDesc desc)
{
    for (int i = 0; i < m->n; i++) {
        Node *node = m->columns[i].node;

        m->columns[i].node = (Node *)makeVar(1, (AttrNumber)(i + 1), exprType(node), TupleDescAttr(desc, i)->atttypmod,
                                             exprCollation(node), 0);
    }
    m->condition = NULL;
}

static bool gives(TupleDesc desc, const ParityMapping *m)
{
    bool same = desc != NULL && desc->natts == m->n;

    for (int i = 0; same && i < m->n; i++)
        same = TupleDescAttr(desc, i)->atttypid == exprType(m->columns[i].node);
    return same;
}

static uint64 fill(const ParityShadow *s, Oid to, const char *query)
{
    SPIPlanPtr plan = SPI_prepare(query, 0, NULL);
    const ParityPlain *plain;
    uint64 rows = NOT_PLAIN;
    ParityMapping m;
    Portal portal;
    Relation rel;

    if (plan == NULL || !SPI_is_cursor_plan(plan))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("parity.shadow_fill cannot run the statement: it is no query")));
    rel = table_open(to, RowExclusiveLock);
    parity_shadow_mapping(s, s->is_backward, &m);
    portal = SPI_cursor_open(NULL, plan, NULL, NULL, false);
    if (!gives(portal->tupDesc, &m))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("parity.shadow_fill cannot run the statement: it does not give the mapping's columns")));
    read_mapped(&m, portal->tupDesc);
    plain = parity_shadow_plan_plain(&m, s->id);
    /* it asks for the owner's rights; who cannot act as he has an INSERT ask for his own */
    if (object_ownercheck(RelationRelationId, to, GetUserId()) && parity_shadow_can(plain, CMD_INSERT))
        rows = parity_shadow_fill(plain, rel, portal);
    SPI_cursor_close(portal);
    table_close(rel, NoLock);
    return rows;
}

/* parity.shadow_fill(name, query) */
PG_FUNCTION_INFO_V1(parity_sql_shadow_fill);
Datum parity_sql_shadow_fill(PG_FUNCTION_ARGS)
{
    uint64 rows = run_as_shadow(fcinfo, fill);

    if (rows == NOT_PLAIN)
        PG_RETURN_NULL();
    PG_RETURN_INT64((int64)rows);
}
