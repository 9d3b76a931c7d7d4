/*
 * shadow_deferred.c - deferrable constraints of the table that is written
 *
 * A deferred constraint would fail the COMMIT of whoever wrote the other table.
 * So what a shadow has written is checked at once: if anything waits for the
 * end of the transaction, the constraints are made immediate and deferred again.
 * That they are deferred is known then; others are left as the user set them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "shadow.h"

/* SET CONSTRAINTS finds them by schema and name: whether there is one of another table. */
static bool is_shared(Form_pg_constraint wanted)
{
    Relation rel = table_open(ConstraintRelationId, AccessShareLock);
    ScanKeyData keys[2];
    SysScanDesc scan;
    bool out = false;
    HeapTuple row;

    ScanKeyInit(&keys[0], Anum_pg_constraint_conname, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(&wanted->conname));
    ScanKeyInit(&keys[1], Anum_pg_constraint_connamespace, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(wanted->connamespace));
    scan = systable_beginscan(rel, ConstraintNameNspIndexId, true, NULL, 2, keys);
    while (!out && HeapTupleIsValid(row = systable_getnext(scan))) {
        Form_pg_constraint form = (Form_pg_constraint)GETSTRUCT(row);

        /* a partition's goes with that of the whole */
        out = form->oid != wanted->oid && !OidIsValid(form->conparentid) && form->conrelid != wanted->conrelid;
    }
    systable_endscan(scan);
    table_close(rel, AccessShareLock);
    return out;
}

void parity_shadow_deferrable(Relation to, ParityDeferrable *out)
{
    /* a copy: a look at a catalog may take the relation's own away */
    const TriggerDesc *triggers = CopyTriggerDesc(to->trigdesc);

    out->deferred = out->immediate = NIL;
    for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++) {
        const Trigger *t = &triggers->triggers[i];
        HeapTuple row;

        if (!t->tgdeferrable || !OidIsValid(t->tgconstraint))
            continue;
        row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(t->tgconstraint));
        if (!HeapTupleIsValid(row))
            continue;
        if (!is_shared((Form_pg_constraint)GETSTRUCT(row))) {
            Form_pg_constraint form = (Form_pg_constraint)GETSTRUCT(row);
            RangeVar *name = makeRangeVar(get_namespace_name(form->connamespace), pstrdup(NameStr(form->conname)), -1);

            if (t->tginitdeferred)
                out->deferred = lappend(out->deferred, name);
            else
                out->immediate = lappend(out->immediate, name);
        }
        ReleaseSysCache(row);
    }
}

static bool is_pending(Oid table)
{
    bool out = false;
    ListCell *cell;

    foreach (cell, find_all_inheritors(table, NoLock, NULL))
        out = out || AfterTriggerPendingOnRel(lfirst_oid(cell));
    return out;
}

static void check(Oid to, List *constraints)
{
    ConstraintsSetStmt *set;

    if (constraints == NIL || !is_pending(to))
        return;
    set = makeNode(ConstraintsSetStmt);
    set->constraints = constraints;
    AfterTriggerSetState(set);
    set->deferred = true;
    AfterTriggerSetState(set);
}

void parity_shadow_check_deferred(Oid to, const ParityDeferrable *constraints)
{
    check(to, constraints->deferred);
    check(to, constraints->immediate);
}
