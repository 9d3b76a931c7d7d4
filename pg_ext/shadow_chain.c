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

#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"

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
