/*
 * live_capture.c - the trigger function: row hashes of what a statement changes
 *
 * How a leaf is read is worked out once a backend and kept (a tracker), until
 * PostgreSQL says that the leaf's definition has changed.  For each row there
 * is then neither a catalog to look at nor memory to be asked for.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_am.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "storage/bufmgr.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "live.h"
#include "row.h"

typedef struct tracker_key {
    int64 id;
    Oid leaf;
    uint32 zero;
} tracker_key;

typedef struct tracker {
    tracker_key key;
    bool valid;   /* the rest can be used */
    bool ignored; /* nothing is kept: untracked, or already marked */
    bool fragile; /* a column's type is made of others, which may change without the leaf */
    MemoryContext context;
    const char *broken; /* why the rows cannot be read as they should, or NULL */
    ParityLiveTables tables;
    int bits;
    int ncolumns;
    int last; /* the number of the last attribute that is read */
    int *attribute; /* ncolumns: from 0 */
    bool *is_key;   /* ncolumns */
    ParityReader *readers;
    uint32 *ends;
    parity_buf buf, scratch;
    uint64 epoch; /* of pending */
    ParityPending *pending;
} tracker;

static HTAB *trackers;

/* Forgets the tracker of a leaf, or all; in any case those that depend on more than their leaf. */
static void forget(Oid leaf, bool all)
{
    HASH_SEQ_STATUS scan;
    tracker *t;

    if (trackers == NULL)
        return;
    hash_seq_init(&scan, trackers);
    while ((t = hash_seq_search(&scan)) != NULL)
        if (all || t->key.leaf == leaf || t->fragile)
            t->valid = false;
}

static void relation_callback(Datum arg, Oid relid)
{
    (void)arg;
    forget(relid, !OidIsValid(relid));
}

/* A type or a label has changed. */
static void type_callback(Datum arg, int cache, uint32 hash)
{
    (void)arg;
    (void)cache;
    (void)hash;
    forget(InvalidOid, false);
}

static void make_cache(void)
{
    HASHCTL control;

    memset(&control, 0, sizeof control);
    control.keysize = sizeof(tracker_key);
    control.entrysize = sizeof(tracker);
    control.hcxt = TopMemoryContext;
    /* first, so that there is no cache that is not told of changes */
    CacheRegisterRelcacheCallback(relation_callback, (Datum)0);
    CacheRegisterSyscacheCallback(TYPEOID, type_callback, (Datum)0);
    CacheRegisterSyscacheCallback(ENUMOID, type_callback, (Datum)0);
    trackers = hash_create("parity live trackers", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/*
 * The attribute of a column, if it and the tracked relation's are what they
 * were: type is behind the number in a line of live.types.  -1 otherwise.
 */
static int find_attribute(TupleDesc desc, Oid rel, const char *name, const char *type_line)
{
    char *type;

    if (strncmp(type_line, "column ", 7) != 0 || strtol(type_line + 7, &type, 10) != get_attnum(rel, name))
        return -1;
    for (int i = 0; i < desc->natts; i++) {
        Form_pg_attribute a = TupleDescAttr(desc, i);
        const char *line;

        if (a->attisdropped || strcmp(NameStr(a->attname), name) != 0)
            continue;
        line = parity_live_type_line(a->atttypid, a->atttypmod);
        return strncmp(type + 1, line, strlen(line)) == 0 ? i : -1;
    }
    return -1;
}

/* Works out how to read the leaf's rows as live says. */
static void build_readers(tracker *t, const ParityLive *live, TupleDesc desc)
{
    parity_pg_room room;
    parity_spec spec;
    const char *line = live->types;
    const parity_mem *mem = parity_pg_mem(t->context);

    parity_pg_room_open(&room, CurrentMemoryContext);
    parity_live_spec(&room.arena, live->columns, &spec);
    t->ncolumns = spec.ncolumns;
    t->attribute = MemoryContextAlloc(t->context, sizeof *t->attribute * (size_t)spec.ncolumns);
    t->is_key = MemoryContextAlloc(t->context, sizeof *t->is_key * (size_t)spec.ncolumns);
    t->ends = MemoryContextAlloc(t->context, sizeof *t->ends * (size_t)spec.ncolumns);
    t->readers = MemoryContextAllocZero(t->context, sizeof *t->readers * (size_t)spec.ncolumns);
    t->last = 0;
    for (int i = 0; i < spec.ncolumns; i++) {
        const char *name = parity_pg_from_utf8(spec.columns[i].name);
        int at = find_attribute(desc, live->rel, name, line);
        Form_pg_attribute a;

        if (at < 0) {
            t->broken = MemoryContextStrdup(t->context,
                                            psprintf("column \"%s\" was changed, renamed or dropped before a write", name));
            break;
        }
        a = TupleDescAttr(desc, at);
        parity_reader_init(&t->readers[i], a->atttypid, a->atttypmod, &spec.columns[i].kind, t->context);
        t->attribute[i] = at;
        t->is_key[i] = spec.columns[i].key;
        t->last = Max(t->last, at + 1);
        line = strchr(line, '\n');
        if (line == NULL)
            break;
        line++;
    }
    parity_buf_init(&t->buf, mem);
    parity_buf_init(&t->scratch, mem);
    parity_pg_room_close(&room);
}

/* Whether the leaf is of the tracked relation: anybody may make a trigger with any id on a table of his own. */
static bool belongs(Relation leaf, Oid rel)
{
    List *ancestors;
    bool found;

    if (RelationGetRelid(leaf) == rel)
        return true;
    if (!leaf->rd_rel->relispartition)
        return false;
    ancestors = get_partition_ancestors(RelationGetRelid(leaf));
    found = list_member_oid(ancestors, rel);
    list_free(ancestors);
    return found;
}

/* How many row triggers of the leaf are called with the tracker's id: with more than one, rows would count twice. */
static int count_row_triggers(const tracker *t, Relation leaf)
{
    int n = 0;

    for (int i = 0; leaf->trigdesc != NULL && i < leaf->trigdesc->numtriggers; i++) {
        const Trigger *one = &leaf->trigdesc->triggers[i];

        n += one->tgfoid == t->tables.function && TRIGGER_FOR_ROW(one->tgtype) && one->tgnargs == 1 &&
             strtoll(one->tgargs[0], NULL, 10) == t->key.id;
    }
    return n;
}

static void build(tracker *t, Relation leaf)
{
    Snapshot snapshot;
    TimestampTz at;
    ParityLive live;

    if (t->context != NULL)
        MemoryContextDelete(t->context);
    t->context = NULL;
    t->context = AllocSetContextCreate(TopMemoryContext, "parity live tracker", ALLOCSET_SMALL_SIZES);
    t->broken = NULL;
    t->epoch = 0;
    t->pending = NULL;
    parity_live_tables(&t->tables);
    snapshot = RegisterSnapshot(GetLatestSnapshot());
    t->ignored = !parity_live_find(&t->tables, InvalidOid, t->key.id, snapshot, &live) || !belongs(leaf, live.rel) ||
                 parity_live_stale(&t->tables, t->key.id, snapshot, &at) != NULL;
    if (!t->ignored) {
        t->bits = live.bits;
        t->fragile = strstr(live.types, "field ") != NULL || strstr(live.types, "label ") != NULL;
        build_readers(t, &live, RelationGetDescr(leaf));
        if (count_row_triggers(t, leaf) > 1)
            t->broken = "another trigger was made that is called with its number";
    }
    UnregisterSnapshot(snapshot);
}

/* Builds it, and again when the leaf's definition changes meanwhile. */
static void make_valid(tracker *t, Relation leaf)
{
    while (!t->valid) {
        /* set first: what is told while it is built must not be lost */
        t->valid = true;
        PG_TRY();
        {
            build(t, leaf);
        }
        PG_CATCH();
        {
            t->valid = false;
            PG_RE_THROW();
        }
        PG_END_TRY();
    }
}

/* The tracker of the trigger that was called, ready for use. */
static tracker *tracker_of(FunctionCallInfo fcinfo, TriggerData *data)
{
    tracker *t = fcinfo->flinfo->fn_extra;

    if (t == NULL) {
        tracker_key key = {0, RelationGetRelid(data->tg_relation), 0};
        bool found;

        if (data->tg_trigger->tgnargs == 1)
            key.id = strtoll(data->tg_trigger->tgargs[0], NULL, 10);
        if (trackers == NULL)
            make_cache();
        t = hash_search(trackers, &key, HASH_ENTER, &found);
        if (!found)
            memset((char *)t + sizeof key, 0, sizeof *t - sizeof key);
        fcinfo->flinfo->fn_extra = t;
    }
    if (unlikely(!t->valid))
        make_valid(t, data->tg_relation);
    if (!t->ignored && t->epoch != parity_pending_epoch()) {
        t->pending = parity_pending(t->key.id, t->key.leaf, t->bits, &t->tables);
        t->epoch = parity_pending_epoch();
    }
    return t;
}

/* A buffer that a large row has made larger than this is given back. */
#define LARGE_BUFFER (1024 * 1024)

static void give_back(parity_buf *b)
{
    const parity_mem *mem = b->mem;

    if (b->cap <= LARGE_BUFFER)
        return;
    parity_buf_free(b);
    parity_buf_init(b, mem);
}

/* The row in a slot, as frames in the tracker's buffer. */
static void frame(tracker *t, TupleTableSlot *slot)
{
    unsigned notes = 0;
    ParityCursor c;

    slot_getsomeattrs(slot, t->last);
    t->buf.len = 0;
    c = parity_cursor_open(&t->buf);
    for (int i = 0; i < t->ncolumns; i++) {
        int at = t->attribute[i];

        c = parity_reader_put_at(c, &t->readers[i], slot->tts_values[at], slot->tts_isnull[at], false, &t->buf,
                                 &t->scratch, &notes, NULL);
        t->ends[i] = (uint32)(c.at - t->buf.data);
    }
    parity_cursor_close(&c, &t->buf);
    if (unlikely(t->buf.len > PG_UINT32_MAX))
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("the canonical form of a row passes 4 GiB")));
}

/*
 * The same where text may have characters that UTF-8 has not: a row that cannot
 * be read is not the writer's fault.  false: the live checksum is given up.
 */
static bool frame_or_give_up(tracker *t, TupleTableSlot *slot)
{
    MemoryContext context = CurrentMemoryContext;
    volatile bool ok = true;

    PG_TRY();
    {
        frame(t, slot);
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(context);
        if (geterrcode() != ERRCODE_UNTRANSLATABLE_CHARACTER && geterrcode() != ERRCODE_CHARACTER_NOT_IN_REPERTOIRE)
            PG_RE_THROW();
        FlushErrorState();
        ok = false;
    }
    PG_END_TRY();
    if (!ok)
        parity_pending_stale(t->pending, "a value has a character without an equivalent in UTF-8");
    return ok;
}

static void add(tracker *t, ParitySums *sums, TupleTableSlot *slot, bool remove)
{
    uint32 bucket = 0;

    if (likely(GetDatabaseEncoding() == PG_UTF8))
        frame(t, slot);
    else if (!frame_or_give_up(t, slot))
        return;
    if (sums->n > 1) {
        parity_row_key key;

        parity_pg_check(parity_row_key_of(t->buf.data, t->ends, t->ncolumns, t->is_key, &t->scratch, &key), NULL);
        bucket = parity_bucket_of(key.hash, (uint32)t->bits);
    }
    if (remove)
        parity_digest_remove_row(&sums->digest[bucket], t->buf.data, t->buf.len);
    else
        parity_digest_add_row(&sums->digest[bucket], t->buf.data, t->buf.len);
    if (unlikely(t->buf.cap > LARGE_BUFFER || t->scratch.cap > LARGE_BUFFER)) {
        give_back(&t->buf);
        give_back(&t->scratch);
    }
}

/*
 * The command that made the change: the row's own, since the statement's
 * triggers and functions may have moved the transaction on.
 */
static CommandId command_of(const TriggerData *data)
{
    bool is_delete = TRIGGER_FIRED_BY_DELETE(data->tg_event);
    HeapTuple row = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
    TransactionId xid;

    if (data->tg_relation->rd_rel->relam != HEAP_TABLE_AM_OID)
        return GetCurrentCommandId(false);
    xid = is_delete ? HeapTupleHeaderGetUpdateXid(row->t_data) : HeapTupleHeaderGetXmin(row->t_data);
    if (!TransactionIdIsCurrentTransactionId(xid)) /* COPY FREEZE */
        return GetCurrentCommandId(false);
    return is_delete ? HeapTupleHeaderGetCmax(row->t_data) : HeapTupleHeaderGetCmin(row->t_data);
}

PG_FUNCTION_INFO_V1(parity_live_capture);
Datum parity_live_capture(PG_FUNCTION_ARGS)
{
    TriggerData *data = (TriggerData *)fcinfo->context;
    ParitySums *sums;
    tracker *t;

    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event) ||
        TRIGGER_FIRED_FOR_ROW(data->tg_event) == TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("parity.live_capture is the trigger function of parity.track"),
                        errhint("parity.track makes the triggers that call it.")));
    t = tracker_of(fcinfo, data);
    if (t->ignored)
        return PointerGetDatum(NULL);
    if (unlikely(t->broken != NULL)) {
        parity_pending_stale(t->pending, t->broken);
        parity_pending_done(t->pending);
        return PointerGetDatum(NULL);
    }
    if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event)) {
        /* first, while the command's number is that of the base */
        parity_pending_reset(t->pending);
        /* what a trigger that came before this one wrote cannot be told from what TRUNCATE took away */
        if (RelationGetNumberOfBlocks(data->tg_relation) > 0)
            parity_pending_stale(t->pending, "another AFTER TRUNCATE trigger wrote rows before the one of parity.track");
        parity_live_truncated(&t->tables, t->key.id, t->key.leaf, t->bits);
        parity_pending_done(t->pending);
        return PointerGetDatum(NULL);
    }
    sums = parity_pending_sums(t->pending, command_of(data));
    if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
        add(t, sums, data->tg_trigslot, false);
    else {
        add(t, sums, data->tg_trigslot, true);
        if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
            add(t, sums, data->tg_newslot, false);
    }
    parity_pending_done(t->pending);
    return PointerGetDatum(NULL);
}
