/*
 * live_compact.c - new bases: after TRUNCATE, of a first digest, and compaction
 *
 * A base may be written by whoever holds the leaf's lock (parity_live_lock) or
 * has locked the leaf against all others, as TRUNCATE has.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "live.h"

/* The file of a relation, as pg_class has it now. */
Oid parity_live_file(Oid relid)
{
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
    Oid file = InvalidOid;

    if (HeapTupleIsValid(row)) {
        file = ((Form_pg_class)GETSTRUCT(row))->relfilenode;
        ReleaseSysCache(row);
    }
    return file;
}

int64 parity_live_fold(const ParityLiveTables *t, int64 id, Oid leaf, int bits, uint64 limit)
{
    ParityLiveBase newest, base;
    uint64 stop = limit;
    Snapshot snapshot;
    ParitySums *sums;
    int64 n = 0;

    if (!parity_live_lock(t, id, leaf))
        return 0;
    snapshot = RegisterSnapshot(GetLatestSnapshot());
    if (!parity_live_base(t, id, leaf, snapshot, &newest)) {
        UnregisterSnapshot(snapshot);
        return 0;
    }
    /* a transaction that goes on with its old snapshot must not find a base that is newer than that */
    if (IsolationUsesXactSnapshot() && limit == 0) {
        UnregisterSnapshot(snapshot);
        snapshot = RegisterSnapshot(GetTransactionSnapshot());
        if (!parity_live_base(t, id, leaf, snapshot, &base) || base.seq != newest.seq) {
            UnregisterSnapshot(snapshot);
            return 0;
        }
    }
    base = newest;
    sums = parity_sums_make(CurrentMemoryContext, bits);
    base.covers = parity_coverage_of(snapshot);
    n = parity_live_deltas(t, id, leaf, newest.covers, snapshot, true, sums, true, &stop);
    if (n > 0) {
        if (stop > 0)
            parity_coverage_cut(base.covers, stop);
        parity_sums_read(sums, newest.sums);
        base.seq = newest.seq + 1;
        parity_live_put_base(t, id, leaf, &base, sums, &newest);
    }
    UnregisterSnapshot(snapshot);
    pfree(sums);
    return n;
}

void parity_live_keep(const ParityLiveTables *t, const ParityLive *live, Oid leaf, Snapshot snapshot,
                      const ParitySums *sums)
{
    ParityLiveBase base, older;
    bool complete, seen, found;
    Snapshot latest;

    if (RecoveryInProgress() || XactReadOnly || IsInParallelMode() || parity_pending_any(live->id, leaf) ||
        (IsolationUsesXactSnapshot() && TransactionIdIsCurrentTransactionId(live->xmin)) ||
        !parity_live_lock(t, live->id, leaf))
        return;
    memset(&base, 0, sizeof base);
    base.triggers = parity_live_triggers(t, leaf, live->id, snapshot, &complete, &seen);
    /* nothing happens unseen between the snapshot and the triggers; a later partition has none for TRUNCATE */
    if (!complete || !seen || (strstr(base.triggers, "truncate") == NULL && !parity_live_file_seen(leaf, snapshot)))
        return;
    latest = RegisterSnapshot(GetLatestSnapshot());
    found = parity_live_base(t, live->id, leaf, latest, &older);
    /*
     * Not when another one has kept a digest meanwhile; nor when deltas that the
     * snapshot does not see may have been folded into the base that is there.
     */
    if (found) {
        ParityLiveBase mine;

        if ((older.file == parity_live_file(leaf) && strcmp(older.triggers, base.triggers) == 0) ||
            !parity_live_base(t, live->id, leaf, snapshot, &mine) || mine.seq != older.seq) {
            UnregisterSnapshot(latest);
            return;
        }
    }
    base.seq = found ? older.seq + 1 : 1;
    base.truncates = found ? older.truncates : 0;
    base.file = parity_live_file(leaf);
    base.covers = parity_coverage_of(snapshot);
    /* what the digest already has: all that the snapshot sees */
    parity_live_deltas(t, live->id, leaf, NULL, snapshot, true, NULL, true, NULL);
    parity_live_put_base(t, live->id, leaf, &base, sums, found ? &older : NULL);
    UnregisterSnapshot(latest);
    CommandCounterIncrement();
}

void parity_live_truncated(const ParityLiveTables *t, int64 id, Oid leaf, int bits)
{
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    ParitySums *sums = parity_sums_make(CurrentMemoryContext, bits);
    ParityLiveBase base, older;
    bool complete, seen, found = parity_live_base(t, id, leaf, snapshot, &older);

    memset(&base, 0, sizeof base);
    base.triggers = parity_live_triggers(t, leaf, id, NULL, &complete, &seen);
    /* a partition that was detached still has its trigger for TRUNCATE, but nobody tells of its rows */
    if (!complete) {
        UnregisterSnapshot(snapshot);
        return;
    }
    base.seq = found ? older.seq + 1 : 1;
    base.truncates = found ? older.truncates + 1 : 1;
    base.file = parity_live_file(leaf);
    base.covers = parity_coverage_of(snapshot);
    /* all others that wrote the leaf have ended: TRUNCATE has locked it */
    parity_live_deltas(t, id, leaf, NULL, snapshot, false, NULL, true, NULL);
    parity_live_put_base(t, id, leaf, &base, sums, found ? &older : NULL);
    UnregisterSnapshot(snapshot);
    pfree(sums);
    CommandCounterIncrement();
}
