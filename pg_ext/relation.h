/*
 * relation.h - a relation's spec, and reading a relation under a spec
 *
 * Names and texts that go to or come from the core are UTF-8; those that
 * PostgreSQL sees are in the server's encoding.  A spec's own strings are UTF-8.
 */
#ifndef PARITY_PG_RELATION_H
#define PARITY_PG_RELATION_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/tuplestore.h"

#include "parity.h"
#include "parity_pg.h"

/* An arena in a memory context of its own. */
typedef struct parity_pg_room {
    MemoryContext context;
    const parity_mem *mem;
    parity_arena arena;
} parity_pg_room;

void parity_pg_room_open(parity_pg_room *room, MemoryContext parent);
/* Frees all that was taken from it. */
void parity_pg_room_close(parity_pg_room *room);

/* Between the server's encoding and UTF-8; the result may be the argument. */
char *parity_pg_to_utf8(const char *text);
char *parity_pg_from_utf8(const char *text);
/* n bytes of UTF-8 as a palloc'd text. */
text *parity_pg_text(const char *utf8, size_t n);
/* As parity_pg_text for a jsonb value. */
Jsonb *parity_pg_jsonb(const char *utf8, size_t n);
/* The text of a jsonb value, in UTF-8. */
char *parity_pg_json_text(Jsonb *json, size_t *n);

/* Raises null_value_not_allowed when an argument that is required is NULL. */
void parity_pg_require(FunctionCallInfo fcinfo, int arg, const char *name);

/* Starts the result of a function that returns rows all at once; the rows go into what it returns. */
Tuplestorestate *parity_pg_begin_rows(FunctionCallInfo fcinfo, TupleDesc *desc);
/* A count as bigint; raises numeric_value_out_of_range. */
Datum parity_pg_count(uint64 n);

/*
 * Locks a relation until the transaction's end, so that its name and columns
 * stay as they are, and checks that it is one that can be read.
 */
void parity_pg_lock_relation(Oid relid);

/*
 * The columns of a relation as parity_verify wants them, from the catalogs and
 * with the stored overrides applied.  Locks it.
 */
void parity_pg_describe(parity_arena *a, Oid relid, parity_local_table *out);
/*
 * The spec: inferred, with the stored overrides applied, sorted.  Locks it.
 * May have no columns.
 */
void parity_pg_spec(parity_arena *a, Oid relid, parity_spec *out);
/*
 * The spec to read relid under when the caller gave json (or NULL: parity_pg_spec):
 * a whole spec as parity.spec prints it, or overrides on top of the stored ones.
 */
void parity_pg_spec_given(parity_arena *a, Oid relid, Jsonb *json, parity_spec *out);
/* Raises invalid_table_definition when the spec has no columns. */
void parity_pg_require_columns(const parity_spec *spec);
/* Stores overrides (NULL: removes them) after checking that the caller owns relid and that they fit it. */
void parity_pg_set_spec(Oid relid, Jsonb *overrides);

/* Raises an error unless filter (server encoding) is a single SQL condition. */
void parity_pg_check_filter(const char *filter);
/*
 * Read relid under spec in one scan with the caller's rights and snapshot;
 * filter may be NULL.  What the last two return is taken from a.
 */
void parity_pg_scan_digest(Oid relid, const parity_spec *spec, const char *filter, parity_digest *out);
/* cells: of the tally's sketch, or 0. */
parity_tally *parity_pg_scan_tally(parity_arena *a, Oid relid, const parity_spec *spec, const char *filter,
                                   uint32 cells);
parity_buckets *parity_pg_scan_buckets(parity_arena *a, Oid relid, const parity_spec *spec, const char *filter,
                                       uint32 bits);

/* Appends the kinds of a spec's columns, or of its key columns, as an SQL literal, one a line. */
void parity_pg_put_kinds(StringInfo sql, const parity_spec *spec, bool only_key);
/* Appends the columns, or the key columns, as arguments; as one, ROW(...), when they are more than room. */
void parity_pg_put_columns(StringInfo sql, const parity_spec *spec, bool only_key, int room);
/* The relation as SQL names it, with its schema. */
char *parity_pg_relation_name(Oid relid);
/* Raises that a function found by its name in the schema parity is not this extension's. */
pg_noreturn void parity_pg_hidden(void);

/* Whether a type may not take all values of its kind, NULL aside.  accept.c */
bool parity_pg_is_limited(Oid type, int32 typmod, int store);
/*
 * Whether a column takes a literal (UTF-8) that parity_literal made, and keeps
 * it as it is; asks its type in a subtransaction, with the rights of the table's
 * owner.
 */
bool parity_pg_accepts(Oid relid, const char *column, const char *literal, size_t n);

/*
 * Calls each for the rows that are wanted: parity_engine's fetch, with the
 * caller's rights and snapshot.  The status is the first that each gave which
 * is not PARITY_OK.
 */
parity_status parity_pg_fetch(Oid relid, const parity_spec *spec, const parity_spec *guard,
                              const parity_wanted *wanted, size_t wanted_size, const int64_t *integers,
                              size_t nintegers, parity_each_row each, void *each_ctx);
/* The foreign keys of a relation, or (incoming) those of all relations to it. */
void parity_pg_references(parity_arena *a, Oid relid, bool incoming, parity_reference **out, int *n);

/* The callbacks with which the core reads this database. */
typedef struct parity_pg_engine {
    parity_engine engine;
    int ntables; /* of the schema, for progress */
    int scanned;
} parity_pg_engine;

void parity_pg_engine_init(parity_pg_engine *e);

/* A table of a schema. */
typedef struct parity_pg_listed {
    Oid relid;
    char *name;   /* server encoding */
    bool skipped; /* left out of bundle and verify unless named */
} parity_pg_listed;

/*
 * The relations of a schema in name order, in the current memory context: its
 * ordinary and partitioned tables, and, marked as skipped, partitions, members
 * of extensions, views, materialized views and foreign tables.
 */
parity_pg_listed *parity_pg_list(const char *schema, int *n);

/* A NOTICE for each table while parity.progress is on. */
void parity_pg_progress(int i, int n, Oid relid, uint64 rows);

#endif
