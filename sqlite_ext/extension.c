/*
 * extension.c - parity for SQLite (3.34 or newer): registration
 *
 * parity says whether two databases hold the same data, also when one of them
 * is SQLite and the other PostgreSQL.  A worked example, in the shell:
 *
 *   .load ./parity
 *   CREATE TABLE tasks(id INTEGER PRIMARY KEY, done BOOLEAN, due DATETIME);
 *   INSERT INTO tasks VALUES(1, 't', '2024-01-01T00:00:00Z'), (2, 0, NULL);
 *   SELECT parity_checksum('tasks');           -- p1-2-… : rows, and the sum of their hashes
 *   SELECT * FROM parity_column_checksums('tasks');   -- the same, a column at a time
 *   SELECT parity_bundle();                    -- all tables, for the other side's parity.verify
 *   SELECT * FROM parity_verify(readfile('pg.parity'));  -- this database against a bundle
 *   SELECT * FROM parity_diff('tasks', readfile('pg.parity'));      -- the rows that differ
 *
 * With the other side's rows bundle of these rows (its parity.rows) at hand:
 *
 *   SELECT * FROM parity_explain('tasks', readfile('rows'));        -- each cell that differs, and why
 *   SELECT statement FROM parity_repair('tasks', readfile('rows')); -- what makes them equal
 *
 * A table is read under a spec: the kind of each column, the key.  It is inferred:
 *
 *   SELECT parity_spec('tasks');
 *   SELECT column_name, kind, note FROM parity_infer('tasks');   -- what the values look like
 *   SELECT parity_set_spec('tasks', '{"columns":{"due":"timestamptz epoch=ms"}}');
 *
 * A checksum that need not read the table again (live.c):
 *
 *   SELECT parity_track('tasks');                -- triggers in plain SQL log what changes from now on
 *   UPDATE tasks SET done = 1 WHERE id = 2;      -- by any connection, with this module or without
 *   SELECT parity_live_checksum('tasks');        -- what parity_checksum gives, from the log alone
 *   SELECT * FROM parity_live_status;
 *
 * Functions of values (deterministic, usable anywhere):
 *   parity_row_hash(kinds, v1, …)        parity_digest_agg(kinds, v1, …)
 *   parity_digest_add(a, b)              parity_digest_sub(a, b)
 *   parity_digest_rows(d)                parity_digest_sum(d)
 *   parity_in_rollout(percent, kinds, v1, …)
 *   parity_sketch_agg(cells, key_columns, kinds, v1, …)
 *   parity_sketch_add(a, b)              parity_sketch_sub(a, b)
 *   parity_sketch_sum(s)                 parity_sketch_cells(s)
 *   parity_sketch_estimate(s)
 * Functions that read tables or write (top-level SQL only, not from views and triggers):
 *   parity_spec(table)                   parity_set_spec(table, overrides)
 *   parity_checksum(table [, filter [, spec]])
 *   parity_bundle([tables json [, cells [, schema]]])
 *   parity_assert_match(bundle [, mapping])   parity_adopt(bundle [, mapping])
 *   parity_rows(table, keys)
 *   parity_track(table)                  parity_untrack(table)
 *   parity_live_checksum(table)
 * Table-valued functions:
 *   parity_column_checksums(table [, filter [, spec]])   parity_infer(table)
 *   parity_buckets(table, bits [, filter [, spec]])
 *   parity_verify(bundle [, mapping])    parity_diff(table, bundle)
 *   parity_explain(table, rows_bundle)   parity_recheck(table, rows_bundle)
 *   parity_repair(table, rows_bundle)    parity_sketch_decode(s)
 *   parity_live_verify(table)            parity_live_status([schema])
 *
 * A table is named as table or schema.table; a filter is what could stand
 * behind WHERE.  docs/FORMAT.md says what a digest is taken of.
 */
#include "module.h"
SQLITE_EXTENSION_INIT1

#define PURE (SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC)
#define READS (SQLITE_UTF8 | SQLITE_DIRECTONLY)

typedef void (*function)(sqlite3_context *, int, sqlite3_value **);
typedef void (*finisher)(sqlite3_context *);

/* Every SQL function: a scalar has call, an aggregate step and final, a window function all but call. */
static const struct {
    const char *name;
    int nargs;
    int flags;
    function call;
    function step;
    finisher final;
    finisher value;
    function inverse;
} functions[] = {
    {"parity_row_hash", -1, PURE, sq_fn_row_hash, NULL, NULL, NULL, NULL},
    {"parity_in_rollout", -1, PURE, sq_fn_in_rollout, NULL, NULL, NULL, NULL},
    {"parity_digest_agg", -1, PURE, NULL, sq_agg_step, sq_agg_final, sq_agg_value, sq_agg_inverse},
    {"parity_digest_add", 2, PURE, sq_fn_digest_add, NULL, NULL, NULL, NULL},
    {"parity_digest_sub", 2, PURE, sq_fn_digest_sub, NULL, NULL, NULL, NULL},
    {"parity_digest_rows", 1, PURE, sq_fn_digest_rows, NULL, NULL, NULL, NULL},
    {"parity_digest_sum", 1, PURE, NULL, sq_sum_step, sq_sum_value, sq_sum_value, sq_sum_inverse},
    {"parity_sketch_agg", -1, PURE, NULL, sq_sketch_agg_step, sq_sketch_agg_final, sq_sketch_agg_value,
     sq_sketch_agg_inverse},
    {"parity_sketch_add", 2, PURE, sq_fn_sketch_add, NULL, NULL, NULL, NULL},
    {"parity_sketch_sub", 2, PURE, sq_fn_sketch_sub, NULL, NULL, NULL, NULL},
    {"parity_sketch_sum", 1, PURE, NULL, sq_sketch_sum_step, sq_sketch_sum_final, NULL, NULL},
    {"parity_sketch_cells", 1, PURE, sq_fn_sketch_cells, NULL, NULL, NULL, NULL},
    {"parity_sketch_estimate", 1, PURE, sq_fn_sketch_estimate, NULL, NULL, NULL, NULL},
    {"parity_spec", 1, READS, sq_fn_spec, NULL, NULL, NULL, NULL},
    {"parity_set_spec", 2, READS, sq_fn_set_spec, NULL, NULL, NULL, NULL},
    {"parity_checksum", 1, READS, sq_fn_checksum, NULL, NULL, NULL, NULL},
    {"parity_checksum", 2, READS, sq_fn_checksum, NULL, NULL, NULL, NULL},
    {"parity_checksum", 3, READS, sq_fn_checksum, NULL, NULL, NULL, NULL},
    {"parity_bundle", 0, READS, sq_fn_bundle, NULL, NULL, NULL, NULL},
    {"parity_bundle", 1, READS, sq_fn_bundle, NULL, NULL, NULL, NULL},
    {"parity_bundle", 2, READS, sq_fn_bundle, NULL, NULL, NULL, NULL},
    {"parity_bundle", 3, READS, sq_fn_bundle, NULL, NULL, NULL, NULL},
    {"parity_assert_match", 1, READS, sq_fn_assert_match, NULL, NULL, NULL, NULL},
    {"parity_assert_match", 2, READS, sq_fn_assert_match, NULL, NULL, NULL, NULL},
    {"parity_adopt", 1, READS, sq_fn_adopt, NULL, NULL, NULL, NULL},
    {"parity_adopt", 2, READS, sq_fn_adopt, NULL, NULL, NULL, NULL},
    {"parity_rows", 2, READS, sq_fn_rows, NULL, NULL, NULL, NULL},
    {"parity_track", 1, READS, sq_fn_track, NULL, NULL, NULL, NULL},
    {"parity_untrack", 1, READS, sq_fn_untrack, NULL, NULL, NULL, NULL},
    {"parity_live_checksum", 1, READS, sq_fn_live_checksum, NULL, NULL, NULL, NULL},
    {SQ_FIRST, 3, READS, NULL, sq_first_step, sq_first_final, NULL, NULL},
    {SQ_READER, -1, READS, NULL, sq_reader_step, sq_reader_final, NULL, NULL},
};

static const sq_tablefunc *const tablefuncs[] = {&sq_column_checksums, &sq_buckets, &sq_verify, &sq_infer,
                                               &sq_diff, &sq_explain, &sq_recheck, &sq_repair,
                                               &sq_sketch_decode, &sq_live_verify, &sq_live_status};

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#elif defined(__GNUC__)
#define EXPORTED __attribute__((visibility("default")))
#else
#define EXPORTED
#endif

/* The entry point, which .load and sqlite3_load_extension find by the file's name. */
EXPORTED int sqlite3_parity_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);

int sqlite3_parity_init(sqlite3 *db, char **error, const sqlite3_api_routines *api)
{
    int rc = SQLITE_OK;

    SQLITE_EXTENSION_INIT2(api);
    (void)api;
    if (sqlite3_libversion_number() < 3034000) {
        *error = sqlite3_mprintf("parity needs SQLite 3.34 or newer, this is %s", sqlite3_libversion());
        return SQLITE_ERROR;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions && rc == SQLITE_OK; i++) {
        if (functions[i].value != NULL)
            rc = sqlite3_create_window_function(db, functions[i].name, functions[i].nargs, functions[i].flags, NULL,
                                                functions[i].step, functions[i].final, functions[i].value,
                                                functions[i].inverse, NULL);
        else
            rc = sqlite3_create_function_v2(db, functions[i].name, functions[i].nargs, functions[i].flags, NULL,
                                            functions[i].call, functions[i].step, functions[i].final, NULL);
    }
    for (size_t i = 0; i < sizeof tablefuncs / sizeof *tablefuncs && rc == SQLITE_OK; i++)
        rc = sq_tablefunc_register(db, tablefuncs[i]);
    return rc;
}
