/*
 * shadow_chain.c - telling a shadow's own writes from all others
 *
 * While a shadow writes, an entry stands on a stack.  A trigger of the written
 * table belongs to that write if it is called one level deeper than the entry
 * was made: what a trigger of that table does in statements of its own is
 * deeper, and is shadowed as anybody's.  pg_trigger_depth() alone would not do:
 * a foreign key's cascade is deep as well, and must be shadowed.
 */
#include "postgres.h"

#include "access/relation.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"

#include "shadow.h"

#define MAX_CHAIN 32

typedef struct step {
    int64 id;
    Oid from, to;
    int depth; /* of triggers, where the write was begun */
} step;

static step chain[MAX_CHAIN];
static int length;

static int depth(void)
{
    return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum)0));
}

int parity_shadow_enter(int64 id, Oid from, Oid to)
{
    int level = length;

    if (length >= MAX_CHAIN)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("more than %d shadows write one after another", MAX_CHAIN)));
    chain[length].id = id;
    chain[length].from = from;
    chain[length].to = to;
    chain[length].depth = depth();
    length++;
    return level;
}

void parity_shadow_leave(int level)
{
    length = level;
}

Oid parity_shadow_own_target(int64 id)
{
    const step *last = length > 0 ? &chain[length - 1] : NULL;

    return last != NULL && last->id == id && depth() == last->depth + 1 ? last->to : InvalidOid;
}

bool parity_shadow_came_from(Oid rel, Oid there)
{
    if (length == 0 || chain[length - 1].to != rel || depth() != chain[length - 1].depth + 1)
        return false;
    /* back through the links that followed one from the other */
    for (int i = length - 1; chain[i].from != there; i--)
        if (i == 0 || chain[i - 1].to != chain[i].from || chain[i].depth != chain[i - 1].depth + 1)
            return false;
    return true;
}

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

/* parity.shadow_run(name, statement) */
PG_FUNCTION_INFO_V1(parity_sql_shadow_run);
Datum parity_sql_shadow_run(PG_FUNCTION_ARGS)
{
    ParityShadow s;
    volatile uint64 rows = 0;
    int level, rc, settings;

    parity_pg_require(fcinfo, 0, "name");
    parity_pg_require(fcinfo, 1, "statement");
    parity_shadow_require(text_to_cstring(PG_GETARG_TEXT_PP(0)), &s);
    /* the written table's triggers find what they find in a capture */
    settings = NewGUCNestLevel();
    (void)set_config_option("search_path", s.search_path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    level = s.is_backward ? parity_shadow_enter(s.id, s.target, s.source) : parity_shadow_enter(s.id, s.source, s.target);
    PG_TRY();
    {
        SPI_connect();
        rc = SPI_execute(text_to_cstring(PG_GETARG_TEXT_PP(1)), false, 0);
        if (rc < 0)
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                            errmsg("parity.shadow_run cannot run the statement: %s", SPI_result_code_string(rc))));
        rows = SPI_processed;
        check_written(s.is_backward ? s.source : s.target);
        parity_shadow_doubt(&s, s.is_backward ? s.source : s.target);
        SPI_finish();
    }
    PG_FINALLY();
    {
        parity_shadow_leave(level);
    }
    PG_END_TRY();
    AtEOXact_GUC(true, settings);
    PG_RETURN_INT64((int64)rows);
}
