/*
 * engine.c - this database as the core sees it
 *
 * Errors are raised here, through the core: it holds nothing but memory, which
 * goes with its context.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "compat.h"
#include "relation.h"

#define DEFAULT_SCHEMA "public"

static MemoryContext begin_work(MemoryContext *work)
{
    *work = AllocSetContextCreate(CurrentMemoryContext, "parity engine", ALLOCSET_DEFAULT_SIZES);
    return MemoryContextSwitchTo(*work);
}

static void end_work(MemoryContext caller, MemoryContext work)
{
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(work);
}

/* The relation of that name, or InvalidOid with err filled. */
static Oid find(const char *schema, const char *table, parity_error *err)
{
    const char *name = schema != NULL ? parity_pg_from_utf8(schema) : DEFAULT_SCHEMA;
    Oid nsp = get_namespace_oid(name, true);
    Oid relid = OidIsValid(nsp) ? get_relname_relid(parity_pg_from_utf8(table), nsp) : InvalidOid;

    if (!OidIsValid(relid))
        parity_fail(err, PARITY_NO_TABLE, NULL, NULL, "table \"%.100s\" does not exist in schema \"%.100s\"", table,
                    schema != NULL ? schema : DEFAULT_SCHEMA);
    return relid;
}

static parity_status list(void *ctx, parity_arena *a, const char *schema, char ***names, int *n, char ***skipped,
                          int *nskipped, parity_error *err)
{
    parity_pg_engine *e = ctx;
    MemoryContext work, caller = begin_work(&work);
    int nlisted;
    parity_pg_listed *listed =
        parity_pg_list(schema != NULL ? parity_pg_from_utf8(schema) : DEFAULT_SCHEMA, &nlisted);

    (void)err;
    *names = parity_arena_alloc(a, sizeof(char *) * (size_t)(nlisted + 1));
    *skipped = parity_arena_alloc(a, sizeof(char *) * (size_t)(nlisted + 1));
    *n = *nskipped = 0;
    for (int i = 0; i < nlisted; i++) {
        const char *name = parity_pg_to_utf8(listed[i].name);
        char *copy = parity_arena_copy(a, name, strlen(name));

        if (listed[i].skipped)
            (*skipped)[(*nskipped)++] = copy;
        else
            (*names)[(*n)++] = copy;
    }
    e->ntables = *n;
    end_work(caller, work);
    return PARITY_OK;
}

static parity_status describe(void *ctx, parity_arena *a, const char *schema, const char *table,
                              parity_local_table *out, parity_error *err)
{
    MemoryContext work, caller = begin_work(&work);
    Oid relid = find(schema, table, err);

    (void)ctx;
    if (OidIsValid(relid))
        parity_pg_describe(a, relid, out);
    end_work(caller, work);
    return OidIsValid(relid) ? PARITY_OK : PARITY_NO_TABLE;
}

static parity_status scan(void *ctx, parity_arena *a, const parity_spec *spec, uint32_t cells, parity_tally **out,
                          parity_error *err)
{
    parity_pg_engine *e = ctx;
    MemoryContext work, caller = begin_work(&work);
    Oid relid = find(spec->schema, spec->table, err);

    if (OidIsValid(relid)) {
        *out = parity_pg_scan_tally(a, relid, spec, NULL, cells);
        e->scanned++;
        parity_pg_progress(e->scanned, Max(e->ntables, e->scanned), relid, (*out)->digest.rows);
    }
    end_work(caller, work);
    return OidIsValid(relid) ? PARITY_OK : PARITY_NO_TABLE;
}

static parity_status fetch(void *ctx, const parity_spec *spec, const parity_spec *guard, const parity_wanted *wanted,
                           size_t wanted_size, const int64_t *integers, size_t nintegers, parity_each_row each,
                           void *each_ctx, parity_error *err)
{
    MemoryContext work, caller = begin_work(&work);
    Oid relid = find(spec->schema, spec->table, err);
    parity_status status = PARITY_NO_TABLE;

    (void)ctx;
    if (OidIsValid(relid))
        status = parity_pg_fetch(relid, spec, guard, wanted, wanted_size, integers, nintegers, each, each_ctx);
    end_work(caller, work);
    return status;
}

static parity_status references(void *ctx, parity_arena *a, const char *schema, const char *table, bool incoming,
                                parity_reference **out, int *n, parity_error *err)
{
    MemoryContext work, caller = begin_work(&work);
    Oid relid = find(schema, table, err);

    (void)ctx;
    if (OidIsValid(relid))
        parity_pg_references(a, relid, incoming, out, n);
    end_work(caller, work);
    return OidIsValid(relid) ? PARITY_OK : PARITY_NO_TABLE;
}

static parity_status own_spec(void *ctx, parity_arena *a, const char *schema, const char *table, parity_spec *out,
                              parity_error *err)
{
    MemoryContext work, caller = begin_work(&work);
    Oid relid = find(schema, table, err);

    (void)ctx;
    if (OidIsValid(relid))
        parity_pg_spec(a, relid, out);
    end_work(caller, work);
    return OidIsValid(relid) ? PARITY_OK : PARITY_NO_TABLE;
}

static parity_status accepts(void *ctx, const char *schema, const char *table, const char *column, const char *literal,
                             size_t n, bool *ok, parity_error *err)
{
    MemoryContext work, caller = begin_work(&work);
    Oid relid = find(schema, table, err);

    (void)ctx;
    if (OidIsValid(relid))
        *ok = parity_pg_accepts(relid, column, literal, n);
    end_work(caller, work);
    return OidIsValid(relid) ? PARITY_OK : PARITY_NO_TABLE;
}

void parity_pg_engine_init(parity_pg_engine *e)
{
    memset(e, 0, sizeof *e);
    e->engine.ctx = e;
    e->engine.name = "postgresql";
    e->engine.list = list;
    e->engine.describe = describe;
    e->engine.scan = scan;
    e->engine.fetch = fetch;
    e->engine.references = references;
    e->engine.own_spec = own_spec;
    e->engine.accepts = accepts;
}
