/*
 * live.h - live checksums: the digest of a table, kept by triggers
 *
 * The design.  A live checksum is what parity.checksum would give in the same
 * snapshot, read in a time that does not depend on the table.  PostgreSQL's own
 * visibility rules do the work:
 *
 *  - A row trigger adds the hash of each new row, and takes away that of each
 *    old one, in the memory of the backend (live_pending.c).  When the
 *    transaction commits or is prepared, one row of the sum goes to
 *    parity.live_delta.  No two writers share a row or a lock, and a snapshot
 *    sees just the sums of the transactions whose changes it sees.
 *  - parity.live_base holds for each leaf (the table itself, or a partition) a
 *    digest, and says of which transactions: those that a snapshot saw
 *    (ParityCoverage).  A reader takes the newest base it sees, and adds the
 *    deltas it sees of transactions that the base does not cover.
 *  - Compaction takes a fresh snapshot, writes a base that covers it, and
 *    deletes the deltas that are in it.  Readers see all of that or none.
 *    Writers are not concerned.  A lock that only compactors take keeps two of
 *    them apart; who does not get it does nothing.
 *  - Since a base says what it covers, the first digest is read without a lock,
 *    from any snapshot that is younger than the triggers.
 *
 * The transaction's own changes are still in memory; they are kept by command,
 * so that an open cursor does not see what came after it (live_pending.c).
 *
 * What triggers cannot see is found by looking at the catalogs: each base
 * carries the file of the leaf and the versions of the triggers' own catalog
 * rows, and parity.live the columns and the versions of what their types are
 * made of (live_state.c).  Nothing is believed that does not agree.
 */
#ifndef PARITY_PG_LIVE_H
#define PARITY_PG_LIVE_H

#include "postgres.h"

#include "access/htup.h"
#include "access/relation.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "relation.h"

#define PARITY_LIVE_MAX_BITS 12
/* The name that the trigger function has in the schema parity. */
#define PARITY_LIVE_FUNCTION "live_capture"

/* ------------------------------------------------------------- sums: live_sums.c */

/* A digest, or one for each bucket; or the difference of such, in which rows wrap. */
typedef struct ParitySums {
    uint32 n; /* 2 to the power of the bits */
    parity_digest digest[FLEXIBLE_ARRAY_MEMBER];
} ParitySums;

/* Empty ones for so many bits. */
extern ParitySums *parity_sums_make(MemoryContext context, int bits);
extern void parity_sums_add(ParitySums *to, const ParitySums *by);
extern bool parity_sums_is_zero(const ParitySums *s);
/* The sum of all buckets. */
extern parity_digest parity_sums_total(const ParitySums *s);
/* What is stored: the buckets that are not zero. */
extern bytea *parity_sums_write(const ParitySums *s);
/* Adds what parity_sums_write made; raises data_corrupted when it is not that. */
extern void parity_sums_read(ParitySums *to, Datum stored);

/* ------------------------------------------------------------ coverage: live_sums.c */

/* A set of transactions: those below end, without some. */
typedef struct ParityCoverage {
    uint64 end;
    uint32 n;
    uint64 without[FLEXIBLE_ARRAY_MEMBER]; /* ascending */
} ParityCoverage;

/* The transactions that a snapshot sees, without the current one; in CurrentMemoryContext. */
extern ParityCoverage *parity_coverage_of(Snapshot snapshot);
/* Lowers the end. */
extern void parity_coverage_cut(ParityCoverage *c, uint64 end);
extern bytea *parity_coverage_write(const ParityCoverage *c);
extern ParityCoverage *parity_coverage_read(Datum stored);

/* ------------------------------------------------------------- tables: live_store.c */

/* The tables' OIDs, with which they are opened: found once. */
typedef struct ParityLiveTables {
    Oid function; /* parity.live_capture */
    Oid live, base, delta, stale;
} ParityLiveTables;

/* Raises when the tables are not those that the extension made. */
extern void parity_live_tables(ParityLiveTables *out);

/* A row of parity.live. */
typedef struct ParityLive {
    Oid rel;
    int64 id;
    int bits;
    char *columns; /* the spec it is read under, UTF-8 JSON */
    char *types;   /* see live_state.c */
    TimestampTz at;
    TransactionId xmin;
} ParityLive;

/* Of a relation, as snapshot sees it, or (rel invalid) of an id; false when there is none. */
extern bool parity_live_find(const ParityLiveTables *t, Oid rel, int64 id, Snapshot snapshot, ParityLive *out);
extern void parity_live_insert(const ParityLiveTables *t, const ParityLive *row);
/* Calls each for every row; it may not change the table. */
extern void parity_live_each(const ParityLiveTables *t, Snapshot snapshot, void (*each)(void *ctx, const ParityLive *),
                             void *ctx);
/* Deletes all of an id: its row of parity.live, bases, deltas, marks; of a leaf only bases and deltas. */
extern void parity_live_remove(const ParityLiveTables *t, int64 id);
extern void parity_live_remove_leaf(const ParityLiveTables *t, int64 id, Oid leaf);
/* Deletes what belongs to no row of parity.live; the number of deltas among it. */
extern int64 parity_live_remove_orphans(const ParityLiveTables *t);

/* A row of parity.live_base. */
typedef struct ParityLiveBase {
    int64 seq; /* grows with each base of a leaf */
    Oid file;
    char *triggers;  /* see live_state.c */
    int64 truncates; /* how often TRUNCATE was seen */
    ParityCoverage *covers;
    Datum sums;
    ItemPointerData tid;
} ParityLiveBase;

/* The newest base of a leaf that snapshot sees. */
extern bool parity_live_base(const ParityLiveTables *t, int64 id, Oid leaf, Snapshot snapshot, ParityLiveBase *out);
/* Writes a base, and deletes the older one if there is one. */
extern void parity_live_put_base(const ParityLiveTables *t, int64 id, Oid leaf, const ParityLiveBase *base,
                                 const ParitySums *sums, const ParityLiveBase *older);
extern void parity_live_put_delta(const ParityLiveTables *t, int64 id, Oid leaf, const ParitySums *sums);
/*
 * Adds the deltas of a leaf that snapshot sees and that covers (NULL: nothing)
 * does not cover to sums (NULL: only counts), and returns their number.  With
 * remove they are deleted; *limit, unless NULL, is then how many at most, and
 * is set to 0, or to the transaction before which it stopped.
 */
extern int64 parity_live_deltas(const ParityLiveTables *t, int64 id, Oid leaf, const ParityCoverage *covers,
                                Snapshot snapshot, bool skip_own, ParitySums *sums, bool remove, uint64 *limit);
/* The leaves that have bases or deltas under an id, as a list of OIDs. */
extern List *parity_live_leaves(const ParityLiveTables *t, int64 id, Snapshot snapshot);
extern void parity_live_put_stale(const ParityLiveTables *t, int64 id, const char *reason);
/* The first mark of an id that snapshot sees, or NULL; *at is its time. */
extern char *parity_live_stale(const ParityLiveTables *t, int64 id, Snapshot snapshot, TimestampTz *at);
/* The lock that keeps compactors of a leaf apart, until the transaction ends; false when another one has it. */
extern bool parity_live_lock(const ParityLiveTables *t, int64 id, Oid leaf);

/* ------------------------------------------------- this transaction: live_pending.c */

typedef struct ParityPending ParityPending;

/* The sums of a leaf in this transaction; valid until it ends. */
extern ParityPending *parity_pending(int64 id, Oid leaf, int bits, const ParityLiveTables *t);
/* Identifies the transaction, so that a pointer can be kept from row to row. */
extern uint64 parity_pending_epoch(void);
/* Where to add what a command of this transaction did. */
extern ParitySums *parity_pending_sums(ParityPending *p, CommandId command);
/* What came before in this transaction is gone: TRUNCATE. */
extern void parity_pending_reset(ParityPending *p);
/* The leaf's sums can no longer be kept, why: a mark is written at commit. */
extern void parity_pending_stale(ParityPending *p, const char *reason);

typedef enum ParityOwn {
    PARITY_OWN_NONE,   /* this transaction has changed nothing that snapshot could see */
    PARITY_OWN_ADDED,  /* added */
    PARITY_OWN_UNSURE, /* snapshot is older than a part of what was added up: read the table */
} ParityOwn;

/* Adds what this transaction did to a leaf, as far as snapshot sees it; *stale is why it cannot be known, or NULL. */
extern ParityOwn parity_pending_read(int64 id, Oid leaf, Snapshot snapshot, ParitySums *to, const char **stale);
/* After what was added to parity_pending_sums: writes it at once when the transaction's end has begun. */
extern void parity_pending_done(ParityPending *p);
/* Has the end of transactions told to this file; needed before the first call of parity_pending only. */
extern void parity_live_register(void);
/* Whether this transaction has anything in memory of a leaf. */
extern bool parity_pending_any(int64 id, Oid leaf);

/* -------------------------------------------------------- what must hold: live_state.c */

/* The spec under which rel is tracked, as stored in parity.live, and the versions of its columns' types. */
extern void parity_live_describe(Oid rel, int bits, char **columns, char **types);
/* How a column's type stands in types. */
extern char *parity_live_type_line(Oid type, int32 typmod);
/* Why what was stored no longer holds, or NULL. */
extern char *parity_live_changed(const ParityLive *live);
/* The triggers of a leaf for an id, as text; *complete when they are what tracking needs, *seen when snapshot sees
   all of them. */
extern char *parity_live_triggers(const ParityLiveTables *t, Oid leaf, int64 id, Snapshot snapshot, bool *complete,
                                  bool *seen);
/*
 * Whether snapshot is younger than the file of a relation, or rather than the
 * last change of its row in pg_class, and the file not of this transaction: then
 * it has not been truncated since.
 */
extern bool parity_live_file_seen(Oid relid, Snapshot snapshot);
/* What tells a version of a catalog's row from all others. */
extern char *parity_live_row_version(HeapTuple row);

/* A trigger of the extension's. */
typedef struct ParityTrigger {
    Oid oid;
    int16 type;
    char enabled;
    bool plain; /* fires for every row, and at once */
    bool seen;  /* its version, by a snapshot */
    char *version;
} ParityTrigger;

/* Those of rel that call function with the id; snapshot may be NULL. */
extern List *parity_live_trigger_rows(Oid rel, Oid function, int64 id, Snapshot snapshot);
/* The id that a trigger, a row of pg_trigger, was made with, or 0. */
extern int64 parity_live_trigger_id(HeapTuple row, TupleDesc desc);
/* Whether the relation has a trigger of parity.track of which parity.live knows nothing. */
extern bool parity_live_foreign_triggers(const ParityLiveTables *t, Oid rel);
/* The leaves of a relation, locked with AccessShareLock; itself unless it is partitioned. */
extern List *parity_live_members(Oid rel);
/* The spec that parity_live_describe wrote. */
extern void parity_live_spec(parity_arena *a, const char *columns, parity_spec *out);

/* ----------------------------------------------------------- compaction: live_compact.c */

/* The file of a relation, as pg_class has it now. */
extern Oid parity_live_file(Oid relid);
/*
 * Folds the deltas of a leaf; the number of them.  limit: how many at most, 0:
 * all.  Does nothing when another transaction is at it.
 */
extern int64 parity_live_fold(const ParityLiveTables *t, int64 id, Oid leaf, int bits, uint64 limit);
/* Keeps sums, read from the leaf under snapshot, as its base, unless that cannot be done. */
extern void parity_live_keep(const ParityLiveTables *t, const ParityLive *live, Oid leaf, Snapshot snapshot,
                             const ParitySums *sums);
/* An empty base of a leaf that has just been truncated. */
extern void parity_live_truncated(const ParityLiveTables *t, int64 id, Oid leaf, int bits);

/* --------------------------------------------------------------- reading: live_read.c */

/* Reads a leaf of rel in a scan under snapshot, which is the active one, and keeps its digest as a base if it can. */
extern void parity_live_first(const ParityLiveTables *t, const ParityLive *live, Oid leaf, const parity_spec *spec,
                              Snapshot snapshot);

#endif
