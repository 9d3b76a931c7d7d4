/*
 * live_pending.c - what the current transaction did to tracked tables
 *
 * For each leaf a list of changes, one a command: its sums, the command's
 * number, and the subtransaction it belongs to.
 *
 *  - A subtransaction that aborts takes its changes with it; they are the last
 *    ones.  One that commits leaves them to its parent.
 *  - A snapshot of this transaction, such as an open cursor's, sees the changes
 *    of commands before its own.  When a list grows long, old commands are put
 *    together; a snapshot between them is then told that it cannot know.
 *  - Before the transaction commits or is prepared, what is left is written as
 *    one delta a leaf.  Nothing that can still fail or change rows comes after
 *    that but other modules' callbacks; what they change is written at once.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "live.h"

/* Changes of a leaf that are kept apart before old ones are put together: fewer where each is large. */
#define KEEP(bits) Max(2, 64 >> ((bits) / 2))
/* One commit in so many folds the deltas of the leaves that it wrote, and how many it folds at most. */
#define FOLD_ONE_IN 256
#define FOLD_AT_MOST 20000

typedef struct change {
    SubTransactionId sub;
    CommandId first, last; /* the commands */
    bool reset;            /* TRUNCATE: what came before does not count */
    const char *stale;     /* why the sums cannot be kept, or NULL */
    ParitySums *sums;      /* unless it is one of these */
} change;

typedef struct pending_key {
    int64 id;
    Oid leaf;
    uint32 zero;
} pending_key;

struct ParityPending {
    pending_key key;
    int bits;
    ParityLiveTables tables;
    change *changes;
    int n, room;
};

static HTAB *pendings;          /* of this transaction, or NULL */
static MemoryContext memory;    /* that they live in */
static uint64 epoch = 1;        /* of transactions of this backend that changed tracked tables */
static bool written;            /* this transaction has written its deltas */
static bool registered;

static void transaction_callback(XactEvent event, void *arg);
static void subtransaction_callback(SubXactEvent event, SubTransactionId sub, SubTransactionId parent, void *arg);

void parity_live_register(void)
{
    if (registered)
        return;
    RegisterXactCallback(transaction_callback, NULL);
    RegisterSubXactCallback(subtransaction_callback, NULL);
    registered = true;
}

uint64 parity_pending_epoch(void)
{
    return epoch;
}

ParityPending *parity_pending(int64 id, Oid leaf, int bits, const ParityLiveTables *t)
{
    pending_key key = {id, leaf, 0};
    ParityPending *p;
    bool found;

    parity_live_register();
    if (pendings == NULL) {
        HASHCTL control;

        memset(&control, 0, sizeof control);
        memory = AllocSetContextCreate(TopTransactionContext, "parity live changes", ALLOCSET_DEFAULT_SIZES);
        control.keysize = sizeof(pending_key);
        control.entrysize = sizeof(ParityPending);
        control.hcxt = memory;
        pendings = hash_create("parity live changes", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    }
    p = hash_search(pendings, &key, HASH_ENTER, &found);
    if (!found) {
        p->bits = bits;
        p->tables = *t;
        p->changes = NULL;
        p->n = p->room = 0;
    }
    return p;
}

static ParityPending *find(int64 id, Oid leaf)
{
    pending_key key = {id, leaf, 0};

    return pendings == NULL ? NULL : hash_search(pendings, &key, HASH_FIND, NULL);
}

static bool is_plain(const change *c)
{
    return !c->reset && c->stale == NULL;
}

/* Puts the older half together, as far as that is of the same subtransactions. */
static void put_together(ParityPending *p)
{
    int half = (p->n + 1) / 2, n = 0;

    for (int i = 0; i < p->n; i++) {
        change *c = &p->changes[i], *into = n > 0 ? &p->changes[n - 1] : NULL;

        if (i < half && into != NULL && is_plain(into) && is_plain(c) && into->sub == c->sub) {
            parity_sums_add(into->sums, c->sums);
            into->last = Max(into->last, c->last);
            into->first = Min(into->first, c->first);
            pfree(c->sums);
        } else
            p->changes[n++] = *c;
    }
    p->n = n;
}

static change *add_change(ParityPending *p, CommandId command)
{
    change *c;

    if (p->n >= KEEP(p->bits) && p->n >= p->room)
        put_together(p);
    if (p->n >= p->room) {
        int room = p->room == 0 ? 2 : p->room * 2;

        p->changes = p->changes == NULL ? MemoryContextAlloc(memory, (Size)room * sizeof *p->changes)
                                        : repalloc_huge(p->changes, (Size)room * sizeof *p->changes);
        p->room = room;
    }
    c = &p->changes[p->n];
    memset(c, 0, sizeof *c);
    c->sub = GetCurrentSubTransactionId();
    c->first = c->last = command;
    return c;
}

ParitySums *parity_pending_sums(ParityPending *p, CommandId command)
{
    change *c;

    if (p->n > 0) {
        c = &p->changes[p->n - 1];
        if (is_plain(c) && c->first == command && c->last == command && c->sub == GetCurrentSubTransactionId())
            return c->sums;
    }
    c = add_change(p, command);
    c->sums = parity_sums_make(memory, p->bits);
    p->n++;
    return c->sums;
}

void parity_pending_reset(ParityPending *p)
{
    change *c = add_change(p, GetCurrentCommandId(false));

    c->reset = true;
    p->n++;
}

void parity_pending_stale(ParityPending *p, const char *reason)
{
    change *c;

    for (int i = 0; i < p->n; i++)
        if (p->changes[i].stale != NULL)
            return;
    c = add_change(p, GetCurrentCommandId(false));
    c->stale = MemoryContextStrdup(memory, reason);
    p->n++;
}

bool parity_pending_any(int64 id, Oid leaf)
{
    const ParityPending *p = find(id, leaf);

    return p != NULL && p->n > 0;
}

ParityOwn parity_pending_read(int64 id, Oid leaf, Snapshot snapshot, ParitySums *to, const char **stale)
{
    const ParityPending *p = find(id, leaf);
    ParityOwn own = PARITY_OWN_NONE;
    int from = 0;

    *stale = NULL;
    if (p == NULL)
        return own;
    for (int i = 0; i < p->n; i++) {
        const change *c = &p->changes[i];

        if (c->first >= snapshot->curcid)
            continue;
        if (c->stale != NULL)
            *stale = c->stale;
        if (c->reset)
            from = i + 1;
    }
    for (int i = from; i < p->n; i++) {
        const change *c = &p->changes[i];

        if (!is_plain(c) || c->first >= snapshot->curcid)
            continue;
        if (c->last >= snapshot->curcid)
            return PARITY_OWN_UNSURE;
        parity_sums_add(to, c->sums);
        own = PARITY_OWN_ADDED;
    }
    return own;
}

/* ------------------------------------------------------- the end of the transaction */

/* Writes what a leaf's list comes to, and empties it; whether a delta was written. */
static bool write_changes(ParityPending *p)
{
    ParitySums *sum = NULL;
    const char *stale = NULL;
    bool any;

    if (p->n == 0)
        return false;
    for (int i = 0; i < p->n; i++) {
        const change *c = &p->changes[i];

        if (c->stale != NULL)
            stale = c->stale;
        else if (c->reset)
            sum = NULL;
        else if (sum == NULL)
            sum = c->sums;
        else
            parity_sums_add(sum, c->sums);
    }
    p->n = 0;
    /* in a transaction that has dropped the extension there is nothing to write to */
    if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(p->tables.delta)))
        return false;
    if (stale != NULL)
        parity_live_put_stale(&p->tables, p->key.id, stale);
    any = sum != NULL && !parity_sums_is_zero(sum);
    if (any)
        parity_live_put_delta(&p->tables, p->key.id, p->key.leaf, sum);
    return any;
}

void parity_pending_done(ParityPending *p)
{
    if (unlikely(written))
        write_changes(p);
}

/*
 * Whether this commit is one that folds: by its number, so that it does not
 * matter how many sessions there are and how short they live.
 */
static bool is_folding_commit(void)
{
    TransactionId xid = GetTopTransactionIdIfAny();

    return TransactionIdIsValid(xid) && murmurhash32(xid) % FOLD_ONE_IN == 0 && !IsolationIsSerializable();
}

static void write_all(bool fold)
{
    HASH_SEQ_STATUS all;
    ParityPending *p;

    if (pendings == NULL || written)
        return;
    fold = fold && is_folding_commit();
    if (fold)
        CommandCounterIncrement(); /* a base that this command wrote is seen */
    hash_seq_init(&all, pendings);
    while ((p = hash_seq_search(&all)) != NULL)
        if (write_changes(p) && fold)
            parity_live_fold(&p->tables, p->key.id, p->key.leaf, p->bits, FOLD_AT_MOST);
    written = true;
}

static void transaction_callback(XactEvent event, void *arg)
{
    (void)arg;
    switch (event) {
    case XACT_EVENT_PRE_COMMIT:
        write_all(true);
        break;
    case XACT_EVENT_PRE_PREPARE:
        write_all(false);
        break;
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PREPARE:
        if (pendings != NULL)
            epoch++;
        pendings = NULL;
        memory = NULL;
        written = false;
        break;
    default:
        break;
    }
}

static void subtransaction_callback(SubXactEvent event, SubTransactionId sub, SubTransactionId parent, void *arg)
{
    HASH_SEQ_STATUS all;
    ParityPending *p;

    (void)arg;
    if (pendings == NULL || (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB))
        return;
    hash_seq_init(&all, pendings);
    while ((p = hash_seq_search(&all)) != NULL)
        /* a subtransaction's changes are the last ones when it ends */
        for (int i = p->n - 1; i >= 0 && p->changes[i].sub == sub; i--) {
            if (event == SUBXACT_EVENT_COMMIT_SUB)
                p->changes[i].sub = parent;
            else
                p->n = i;
        }
}
