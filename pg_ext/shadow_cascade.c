/*
 * shadow_cascade.c - what foreign keys do to the table that follows
 *
 * A foreign key with a referential action writes every table that has it: the
 * one that is written, which is captured, and the one that follows.  Where both
 * have the same, the write to the one that follows is what the capture would
 * make of the other, whichever comes first: it is neither refused nor noted.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "compat.h"
#include "shadow.h"

/* The column of to that a column of from goes into as it is, or 0. */
static bool goes_into(const ParityMapping *m, AttrNumber from, AttrNumber to)
{
    for (int i = 0; i < m->n; i++)
        if (m->columns[i].from_attribute == from && m->columns[i].to_attribute == to)
            return true;
    return false;
}

/* Whether a foreign key of from does to its rows what one of to does to theirs. */
static bool same_action(const ParityMapping *m, const ForeignKeyCacheInfo *from, const ForeignKeyCacheInfo *to)
{
    bool own = from->confrelid == m->from && to->confrelid == m->to, same;
    HeapTuple a, b;

    if (from->nkeys != to->nkeys || (from->confrelid != to->confrelid && !own))
        return false;
    for (int i = 0; i < to->nkeys; i++) {
        int j = 0;

        while (j < from->nkeys && !(goes_into(m, from->conkey[j], to->conkey[i]) &&
                                    (own ? goes_into(m, from->confkey[j], to->confkey[i]) : from->confkey[j] == to->confkey[i])))
            j++;
        if (j == from->nkeys)
            return false;
    }
    a = SearchSysCache1(CONSTROID, ObjectIdGetDatum(from->conoid));
    b = SearchSysCache1(CONSTROID, ObjectIdGetDatum(to->conoid));
    same = HeapTupleIsValid(a) && HeapTupleIsValid(b);
    if (same) {
        Form_pg_constraint x = (Form_pg_constraint)GETSTRUCT(a), y = (Form_pg_constraint)GETSTRUCT(b);

        same = x->confupdtype == y->confupdtype && x->confdeltype == y->confdeltype && x->confmatchtype == y->confmatchtype &&
               parity_is_enforced(x) && x->confupdtype != FKCONSTR_ACTION_SETDEFAULT &&
               x->confdeltype != FKCONSTR_ACTION_SETDEFAULT && !parity_sets_some_columns(a) && !parity_sets_some_columns(b);
    }
    if (HeapTupleIsValid(a))
        ReleaseSysCache(a);
    if (HeapTupleIsValid(b))
        ReleaseSysCache(b);
    return same;
}

static bool writes(const ForeignKeyCacheInfo *key)
{
    HeapTuple row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(key->conoid));
    bool out = true;

    if (HeapTupleIsValid(row)) {
        Form_pg_constraint c = (Form_pg_constraint)GETSTRUCT(row);

        out = (c->confupdtype != FKCONSTR_ACTION_NOACTION && c->confupdtype != FKCONSTR_ACTION_RESTRICT) ||
              (c->confdeltype != FKCONSTR_ACTION_NOACTION && c->confdeltype != FKCONSTR_ACTION_RESTRICT);
        ReleaseSysCache(row);
    }
    return out;
}

static bool agree(const ParityShadow *s)
{
    bool out = true;
    Relation from, to;
    List *theirs, *ours;
    ParityMapping m;
    ListCell *i, *j;

    parity_shadow_mapping(s, s->is_backward, &m);
    from = table_open(m.from, AccessShareLock);
    to = table_open(m.to, AccessShareLock);
    /* copies: a look at a catalog may take the relations' own away */
    theirs = copyObjectImpl(RelationGetFKeyList(to));
    ours = copyObjectImpl(RelationGetFKeyList(from));
    foreach (i, theirs) {
        bool found = !writes(lfirst(i));

        foreach (j, ours)
            found = found || same_action(&m, lfirst(j), lfirst(i));
        out = out && found;
    }
    table_close(to, NoLock);
    table_close(from, NoLock);
    return out;
}

bool parity_shadow_cascades_agree(const ParityShadow *s)
{
    MemoryContext context = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    volatile bool out = false;

    BeginInternalSubTransaction(NULL);
    MemoryContextSwitchTo(context);
    PG_TRY();
    {
        out = agree(s);
        ReleaseCurrentSubTransaction();
    }
    PG_CATCH();
    {
        ErrorData *error;

        MemoryContextSwitchTo(context);
        error = CopyErrorData();
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(context);
        CurrentResourceOwner = owner;
        /* the mapping may be none any more */
        if (!parity_shadow_may_quarantine(error))
            ReThrowError(error);
    }
    PG_END_TRY();
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = owner;
    return out;
}
