/*
 * shadow_gate.c - what a cutover asks of other transactions
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "fmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/xid8.h"

#include "compat.h"

/* Whether x, an xid of a transaction that still matters, is start or came before it. */
static bool is_older(TransactionId x, FullTransactionId start)
{
    uint64 next = U64FromFullTransactionId(ReadNextFullTransactionId()), then = U64FromFullTransactionId(start);

    /* nothing that still runs is that old: the server would not hand out ids any more */
    if (!TransactionIdIsNormal(x) || next < then || next - then > (uint64)PG_INT32_MAX)
        return false;
    return TransactionIdPrecedesOrEquals(x, XidFromFullTransactionId(start));
}

/* parity.shadow_is_older(x, start) */
PG_FUNCTION_INFO_V1(parity_sql_shadow_is_older);
Datum parity_sql_shadow_is_older(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(is_older(PG_GETARG_TRANSACTIONID(0), PG_GETARG_FULLTRANSACTIONID(1)));
}

/* parity.shadow_old_snapshots(start): as CREATE INDEX CONCURRENTLY finds those that it waits for */
PG_FUNCTION_INFO_V1(parity_sql_shadow_old_snapshots);
Datum parity_sql_shadow_old_snapshots(PG_FUNCTION_ARGS)
{
    FullTransactionId start = PG_GETARG_FULLTRANSACTIONID(0);
    int n = 0;

    if (is_older(XidFromFullTransactionId(start), start))
        (void)GetCurrentVirtualXIDs(XidFromFullTransactionId(start), true, false, PROC_IS_AUTOVACUUM | PROC_IN_VACUUM, &n);
    PG_RETURN_INT32(n);
}
