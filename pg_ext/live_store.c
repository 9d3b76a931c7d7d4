/*
 * live_store.c - the tables parity.live, live_base, live_delta and live_stale
 *
 * They are read and written through the heap and their indexes, without SQL:
 * a writer of a tracked table needs no right on them, and nothing of his (a
 * search path, a rule, a role) has a say in it.  Rows that come are no news to
 * subscribers of a publication, so they are not logged for logical decoding;
 * of rows that go, decoding tells no more than that.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "live.h"
#include "override.h"

/* columns */
enum { LIVE_REL = 1, LIVE_ID, LIVE_BITS, LIVE_COLUMNS, LIVE_TYPES, LIVE_AT, LIVE_ORIGIN, LIVE_N = LIVE_ORIGIN };
enum {
    BASE_ID = 1,
    BASE_LEAF,
    BASE_SEQ,
    BASE_FILE,
    BASE_TRIGGERS,
    BASE_TRUNCATES,
    BASE_COVERS,
    BASE_SUMS,
    BASE_N = BASE_SUMS
};
enum { DELTA_ID = 1, DELTA_LEAF, DELTA_XID, DELTA_SUMS, DELTA_N = DELTA_SUMS };
enum { STALE_ID = 1, STALE_AT, STALE_REASON, STALE_N = STALE_REASON };

/* ------------------------------------------------------------------------- opening */

static Oid own_table(Oid schema, const char *name)
{
    Oid id = get_relname_relid(name, schema);

    if (!OidIsValid(id) || get_rel_relkind(id) != RELKIND_RELATION ||
        getExtensionOfObject(RelationRelationId, id) != get_extension_oid("parity", false))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("parity.%s is not what the extension made", name),
                        errhint("Drop the extension and create it again.")));
    return id;
}

void parity_live_tables(ParityLiveTables *out)
{
    Oid schema = parity_pg_schema();

    out->live = own_table(schema, "live");
    out->base = own_table(schema, "live_base");
    out->delta = own_table(schema, "live_delta");
    out->stale = own_table(schema, "live_stale");
    out->function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(PARITY_LIVE_FUNCTION),
                                    PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(schema));
}

/*
 * Adds a row and its index entries.  There is more than one index while
 * REINDEX CONCURRENTLY makes another one.
 */
static void add_row(Oid table, Datum *values)
{
    bool nulls[BASE_N] = {false};
    Relation rel = table_open(table, RowExclusiveLock);
    HeapTuple row = heap_form_tuple(RelationGetDescr(rel), values, nulls);
    List *indexes;
    ListCell *cell;

    heap_insert(rel, row, GetCurrentCommandId(true), HEAP_INSERT_NO_LOGICAL, NULL);
    indexes = RelationGetIndexList(rel);
    foreach (cell, indexes) {
        Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);
        Datum keys[INDEX_MAX_KEYS];

        if (index->rd_index->indisready) {
            for (int i = 0; i < index->rd_index->indnatts; i++) {
                int attribute = index->rd_index->indkey.values[i];

                if (attribute <= 0)
                    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                                    errmsg("index \"%s\" on an expression of an internal table of parity is not supported",
                                           RelationGetRelationName(index)),
                                    errhint("Drop the index.")));
                keys[i] = values[attribute - 1];
            }
            parity_index_insert(index, keys, nulls, &row->t_self, rel, BuildIndexInfo(index));
        }
        index_close(index, NoLock);
    }
    list_free(indexes);
    heap_freetuple(row);
    table_close(rel, NoLock);
}

/* A scan in the order of the table's index. */
typedef struct cursor {
    Relation rel, index;
    SysScanDesc scan;
} cursor;

/* Opens the index over the table's first columns: looked up each time, since REINDEX CONCURRENTLY puts another one in its place. */
static Relation open_index(Relation rel)
{
    List *indexes = RelationGetIndexList(rel);
    Relation found = NULL;
    ListCell *cell;

    foreach (cell, indexes) {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        bool ok = index->rd_index->indisvalid && index->rd_rel->relam == BTREE_AM_OID &&
                  index->rd_index->indnatts <= 3 && RelationGetIndexPredicate(index) == NIL;

        for (int i = 0; ok && i < index->rd_index->indnatts; i++)
            ok = index->rd_index->indkey.values[i] == i + 1;
        if (ok && (found == NULL || index->rd_index->indnatts > found->rd_index->indnatts)) {
            if (found != NULL)
                index_close(found, AccessShareLock);
            found = index;
        } else
            index_close(index, AccessShareLock);
    }
    list_free(indexes);
    if (found == NULL)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("parity.%s has lost its index", RelationGetRelationName(rel)),
                        errhint("Drop the extension and create it again.")));
    return found;
}

static void cursor_open(cursor *c, Oid table, LOCKMODE lock, Snapshot snapshot, int nkeys, ScanKey keys)
{
    c->rel = table_open(table, lock);
    c->index = open_index(c->rel);
    c->scan = systable_beginscan_ordered(c->rel, c->index, snapshot, nkeys, keys);
}

static HeapTuple cursor_next(cursor *c, ScanDirection direction)
{
    CHECK_FOR_INTERRUPTS();
    return systable_getnext_ordered(c->scan, direction);
}

static void cursor_close(cursor *c)
{
    systable_endscan_ordered(c->scan);
    index_close(c->index, AccessShareLock);
    table_close(c->rel, NoLock);
}

static Datum column(const cursor *c, HeapTuple row, int attribute)
{
    bool isnull;
    Datum value = heap_getattr(row, attribute, RelationGetDescr(c->rel), &isnull);

    if (isnull)
        ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("parity.%s holds a row with a NULL",
                                                                RelationGetRelationName(c->rel))));
    return value;
}

/* A copy of a bytea or text, detoasted. */
static Datum copied(Datum value)
{
    return PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
}

static void key8(ScanKey key, int attribute, StrategyNumber strategy, int64 value)
{
    ScanKeyInit(key, (AttrNumber)attribute, strategy,
                strategy == BTEqualStrategyNumber          ? F_INT8EQ
                : strategy == BTGreaterEqualStrategyNumber ? F_INT8GE
                                                           : F_INT8GT,
                Int64GetDatum(value));
}

/* ---------------------------------------------------------------------- parity.live */

/*
 * What a row of parity.live was written in: a subscription copies tables whole,
 * these as well, and a row that came so speaks of another database.
 */
static int64 origin(void)
{
    return (int64)hash_combine64(GetSystemIdentifier(), MyDatabaseId);
}

static bool is_own(const cursor *c, HeapTuple row)
{
    return DatumGetInt64(column(c, row, LIVE_ORIGIN)) == origin();
}

static void read_live(const cursor *c, HeapTuple row, ParityLive *out)
{
    out->rel = DatumGetObjectId(column(c, row, LIVE_REL));
    out->id = DatumGetInt64(column(c, row, LIVE_ID));
    out->bits = DatumGetInt32(column(c, row, LIVE_BITS));
    out->columns = TextDatumGetCString(column(c, row, LIVE_COLUMNS));
    out->types = TextDatumGetCString(column(c, row, LIVE_TYPES));
    out->at = DatumGetTimestampTz(column(c, row, LIVE_AT));
    out->xmin = HeapTupleHeaderGetXmin(row->t_data);
    if (out->bits < 0 || out->bits > PARITY_LIVE_MAX_BITS)
        ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("parity.live holds a wrong number of bits")));
}

bool parity_live_find(const ParityLiveTables *t, Oid rel, int64 id, Snapshot snapshot, ParityLive *out)
{
    ScanKeyData key;
    bool found = false;
    cursor c;
    HeapTuple row;

    if (OidIsValid(rel))
        ScanKeyInit(&key, LIVE_REL, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rel));
    cursor_open(&c, t->live, AccessShareLock, snapshot, OidIsValid(rel) ? 1 : 0, &key);
    while (!found && HeapTupleIsValid(row = cursor_next(&c, ForwardScanDirection)))
        if (is_own(&c, row) && (OidIsValid(rel) || DatumGetInt64(column(&c, row, LIVE_ID)) == id)) {
            read_live(&c, row, out);
            found = true;
        }
    cursor_close(&c);
    return found;
}

void parity_live_insert(const ParityLiveTables *t, const ParityLive *row)
{
    Datum values[LIVE_N];

    values[LIVE_REL - 1] = ObjectIdGetDatum(row->rel);
    values[LIVE_ID - 1] = Int64GetDatum(row->id);
    values[LIVE_BITS - 1] = Int32GetDatum(row->bits);
    values[LIVE_COLUMNS - 1] = CStringGetTextDatum(row->columns);
    values[LIVE_TYPES - 1] = CStringGetTextDatum(row->types);
    values[LIVE_AT - 1] = TimestampTzGetDatum(row->at);
    values[LIVE_ORIGIN - 1] = Int64GetDatum(origin());
    add_row(t->live, values);
}

void parity_live_each(const ParityLiveTables *t, Snapshot snapshot, void (*each)(void *ctx, const ParityLive *),
                      void *ctx)
{
    cursor c;
    HeapTuple row;

    cursor_open(&c, t->live, AccessShareLock, snapshot, 0, NULL);
    while (HeapTupleIsValid(row = cursor_next(&c, ForwardScanDirection))) {
        ParityLive live;

        if (!is_own(&c, row))
            continue;
        read_live(&c, row, &live);
        each(ctx, &live);
    }
    cursor_close(&c);
}

/* ------------------------------------------------------------------------- removing */

/* Deletes the rows that snapshot sees and keys select; their number. */
static int64 remove_rows(Oid table, Snapshot snapshot, int nkeys, ScanKey keys)
{
    int64 n = 0;
    cursor c;
    HeapTuple row;

    cursor_open(&c, table, RowExclusiveLock, snapshot, nkeys, keys);
    while (HeapTupleIsValid(row = cursor_next(&c, ForwardScanDirection))) {
        simple_heap_delete(c.rel, &row->t_self);
        n++;
    }
    cursor_close(&c);
    return n;
}

void parity_live_remove_leaf(const ParityLiveTables *t, int64 id, Oid leaf)
{
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    ScanKeyData keys[2];

    key8(&keys[0], BASE_ID, BTEqualStrategyNumber, id);
    ScanKeyInit(&keys[1], BASE_LEAF, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(leaf));
    remove_rows(t->base, snapshot, 2, keys);
    remove_rows(t->delta, snapshot, 2, keys);
    UnregisterSnapshot(snapshot);
    CommandCounterIncrement();
}

/* Bases, deltas and marks of an id; the number of deltas. */
static int64 remove_sums(const ParityLiveTables *t, int64 id, Snapshot snapshot)
{
    ScanKeyData key;
    int64 n;

    key8(&key, 1, BTEqualStrategyNumber, id);
    remove_rows(t->base, snapshot, 1, &key);
    remove_rows(t->stale, snapshot, 1, &key);
    n = remove_rows(t->delta, snapshot, 1, &key);
    return n;
}

void parity_live_remove(const ParityLiveTables *t, int64 id)
{
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    cursor c;
    HeapTuple row;

    cursor_open(&c, t->live, RowExclusiveLock, snapshot, 0, NULL);
    while (HeapTupleIsValid(row = cursor_next(&c, ForwardScanDirection)))
        if (DatumGetInt64(column(&c, row, LIVE_ID)) == id)
            simple_heap_delete(c.rel, &row->t_self);
    cursor_close(&c);
    remove_sums(t, id, snapshot);
    UnregisterSnapshot(snapshot);
    CommandCounterIncrement();
}

/* The least id above one in a table's index, or false. */
static bool next_id(Oid table, Snapshot snapshot, bool first, int64 *id)
{
    ScanKeyData key;
    cursor c;
    HeapTuple row;

    key8(&key, 1, BTGreaterStrategyNumber, *id);
    cursor_open(&c, table, AccessShareLock, snapshot, first ? 0 : 1, &key);
    row = cursor_next(&c, ForwardScanDirection);
    if (HeapTupleIsValid(row))
        *id = DatumGetInt64(column(&c, row, 1));
    cursor_close(&c);
    return HeapTupleIsValid(row);
}

/* Deletes the rows of parity.live that came from another database. */
static void remove_alien(const ParityLiveTables *t, Snapshot snapshot)
{
    cursor c;
    HeapTuple row;

    cursor_open(&c, t->live, RowExclusiveLock, snapshot, 0, NULL);
    while (HeapTupleIsValid(row = cursor_next(&c, ForwardScanDirection)))
        if (!is_own(&c, row))
            simple_heap_delete(c.rel, &row->t_self);
    cursor_close(&c);
}

int64 parity_live_remove_orphans(const ParityLiveTables *t)
{
    Oid tables[3];
    Snapshot snapshot;
    int64 n = 0;

    /* one at a time; another one does it if there is */
    if (!parity_live_lock(t, 0, InvalidOid))
        return 0;
    tables[0] = t->base;
    tables[1] = t->delta;
    tables[2] = t->stale;
    snapshot = RegisterSnapshot(GetLatestSnapshot());
    remove_alien(t, snapshot);
    for (int i = 0; i < 3; i++) {
        int64 id = 0;
        ParityLive live;

        for (bool first = true; next_id(tables[i], snapshot, first, &id); first = false)
            if (!parity_live_find(t, InvalidOid, id, snapshot, &live)) {
                n += remove_sums(t, id, snapshot);
                CommandCounterIncrement();
            }
        UnregisterSnapshot(snapshot);
        snapshot = RegisterSnapshot(GetLatestSnapshot());
    }
    UnregisterSnapshot(snapshot);
    return n;
}

/* ----------------------------------------------------------------------------- bases */

bool parity_live_base(const ParityLiveTables *t, int64 id, Oid leaf, Snapshot snapshot, ParityLiveBase *out)
{
    ScanKeyData keys[2];
    bool found;
    cursor c;
    HeapTuple row;

    key8(&keys[0], BASE_ID, BTEqualStrategyNumber, id);
    ScanKeyInit(&keys[1], BASE_LEAF, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(leaf));
    /* the newest first, so that older ones that are not yet vacuumed away are not looked at */
    cursor_open(&c, t->base, AccessShareLock, snapshot, 2, keys);
    row = cursor_next(&c, BackwardScanDirection);
    found = HeapTupleIsValid(row);
    if (found) {
        out->seq = DatumGetInt64(column(&c, row, BASE_SEQ));
        out->file = DatumGetObjectId(column(&c, row, BASE_FILE));
        out->triggers = TextDatumGetCString(column(&c, row, BASE_TRIGGERS));
        out->truncates = DatumGetInt64(column(&c, row, BASE_TRUNCATES));
        out->covers = parity_coverage_read(column(&c, row, BASE_COVERS));
        out->sums = copied(column(&c, row, BASE_SUMS));
        out->tid = row->t_self;
    }
    cursor_close(&c);
    return found;
}

void parity_live_put_base(const ParityLiveTables *t, int64 id, Oid leaf, const ParityLiveBase *base,
                          const ParitySums *sums, const ParityLiveBase *older)
{
    Datum values[BASE_N];

    values[BASE_ID - 1] = Int64GetDatum(id);
    values[BASE_LEAF - 1] = ObjectIdGetDatum(leaf);
    values[BASE_SEQ - 1] = Int64GetDatum(base->seq);
    values[BASE_FILE - 1] = ObjectIdGetDatum(base->file);
    values[BASE_TRIGGERS - 1] = CStringGetTextDatum(base->triggers);
    values[BASE_TRUNCATES - 1] = Int64GetDatum(base->truncates);
    values[BASE_COVERS - 1] = PointerGetDatum(parity_coverage_write(base->covers));
    values[BASE_SUMS - 1] = PointerGetDatum(parity_sums_write(sums));
    add_row(t->base, values);
    if (older != NULL) {
        Relation rel = table_open(t->base, RowExclusiveLock);
        ItemPointerData tid = older->tid;

        simple_heap_delete(rel, &tid);
        table_close(rel, NoLock);
    }
}

/* ---------------------------------------------------------------------------- deltas */

void parity_live_put_delta(const ParityLiveTables *t, int64 id, Oid leaf, const ParitySums *sums)
{
    Datum values[DELTA_N];

    values[DELTA_ID - 1] = Int64GetDatum(id);
    values[DELTA_LEAF - 1] = ObjectIdGetDatum(leaf);
    values[DELTA_XID - 1] = Int64GetDatum((int64)U64FromFullTransactionId(GetTopFullTransactionId()));
    values[DELTA_SUMS - 1] = PointerGetDatum(parity_sums_write(sums));
    add_row(t->delta, values);
}

int64 parity_live_deltas(const ParityLiveTables *t, int64 id, Oid leaf, const ParityCoverage *covers,
                         Snapshot snapshot, bool skip_own, ParitySums *sums, bool remove, uint64 *limit)
{
    FullTransactionId own_full = GetTopFullTransactionIdIfAny();
    uint64 own = FullTransactionIdIsValid(own_full) ? U64FromFullTransactionId(own_full) : 0;
    uint64 from = covers != NULL ? covers->end : 0, last = 0;
    uint32 nwithout = covers != NULL ? covers->n : 0;
    int64 n = 0;
    bool full = false;

    /* first those that a base left out, one by one, then all behind it */
    for (uint32 i = 0; i <= nwithout && !full; i++) {
        bool behind = i == nwithout;
        ScanKeyData keys[3];
        cursor c;
        HeapTuple row;

        key8(&keys[0], DELTA_ID, BTEqualStrategyNumber, id);
        ScanKeyInit(&keys[1], DELTA_LEAF, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(leaf));
        key8(&keys[2], DELTA_XID, behind ? BTGreaterEqualStrategyNumber : BTEqualStrategyNumber,
             (int64)(behind ? from : covers->without[i]));
        cursor_open(&c, t->delta, remove ? RowExclusiveLock : AccessShareLock, snapshot, 3, keys);
        while (HeapTupleIsValid(row = cursor_next(&c, ForwardScanDirection))) {
            uint64 xid = (uint64)DatumGetInt64(column(&c, row, DELTA_XID));

            if (skip_own && own != 0 && xid == own)
                continue;
            if (limit != NULL && *limit > 0 && behind && (uint64)n >= *limit && xid != last) {
                *limit = xid;
                full = true;
                break;
            }
            if (sums != NULL)
                parity_sums_read(sums, column(&c, row, DELTA_SUMS));
            if (remove)
                simple_heap_delete(c.rel, &row->t_self);
            last = xid;
            n++;
        }
        cursor_close(&c);
    }
    if (limit != NULL && !full)
        *limit = 0;
    return n;
}

List *parity_live_leaves(const ParityLiveTables *t, int64 id, Snapshot snapshot)
{
    Oid tables[2];
    List *out = NIL;

    tables[0] = t->base;
    tables[1] = t->delta;
    for (int i = 0; i < 2; i++) {
        Oid last = InvalidOid;

        for (;;) {
            ScanKeyData keys[2];
            cursor c;
            HeapTuple row;

            key8(&keys[0], 1, BTEqualStrategyNumber, id);
            ScanKeyInit(&keys[1], 2, BTGreaterStrategyNumber, F_OIDGT, ObjectIdGetDatum(last));
            cursor_open(&c, tables[i], AccessShareLock, snapshot, 2, keys);
            row = cursor_next(&c, ForwardScanDirection);
            if (HeapTupleIsValid(row))
                last = DatumGetObjectId(column(&c, row, 2));
            cursor_close(&c);
            if (!HeapTupleIsValid(row))
                break;
            out = list_append_unique_oid(out, last);
        }
    }
    return out;
}

/* ----------------------------------------------------------------------------- marks */

void parity_live_put_stale(const ParityLiveTables *t, int64 id, const char *reason)
{
    Datum values[STALE_N];

    values[STALE_ID - 1] = Int64GetDatum(id);
    values[STALE_AT - 1] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
    values[STALE_REASON - 1] = CStringGetTextDatum(reason);
    add_row(t->stale, values);
}

char *parity_live_stale(const ParityLiveTables *t, int64 id, Snapshot snapshot, TimestampTz *at)
{
    char *reason = NULL;
    ScanKeyData key;
    cursor c;
    HeapTuple row;

    key8(&key, STALE_ID, BTEqualStrategyNumber, id);
    cursor_open(&c, t->stale, AccessShareLock, snapshot, 1, &key);
    while (HeapTupleIsValid(row = cursor_next(&c, ForwardScanDirection))) {
        TimestampTz when = DatumGetTimestampTz(column(&c, row, STALE_AT));

        if (reason != NULL && when >= *at)
            continue;
        *at = when;
        reason = TextDatumGetCString(column(&c, row, STALE_REASON));
    }
    cursor_close(&c);
    return reason;
}

/* ------------------------------------------------------------------------------ lock */

bool parity_live_lock(const ParityLiveTables *t, int64 id, Oid leaf)
{
    LOCKTAG tag;

    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, t->base, leaf, (uint16)id);
    return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}
