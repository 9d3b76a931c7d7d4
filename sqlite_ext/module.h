/*
 * module.h - what the files of sqlite_ext/ share
 *
 * Conventions: a function that can fail returns an SQLite result code, takes
 * a sq_error as its last argument and fills it whenever it returns something
 * other than SQLITE_OK.  Memory comes from SQLite's allocator, through core's
 * buffers and arenas (sq_mem).  Names and texts are UTF-8 and end in NUL.
 */
#ifndef PARITY_SQLITE_MODULE_H
#define PARITY_SQLITE_MODULE_H

#include "parity.h"

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3

#ifndef SQLITE_INNOCUOUS
#error "parity needs the headers of SQLite 3.34 or newer"
#endif

/* Returns the call's result code unless it is SQLITE_OK. */
#define SQ_TRY(call)                \
    do {                            \
        int sq_try_rc_ = (call);    \
        if (sq_try_rc_ != SQLITE_OK) \
            return sq_try_rc_;      \
    } while (0)

/* --------------------------------------------------- errors, memory: error.c, mem.c */

/* What failed: core's words, or SQLite's own code and words. */
typedef struct sq_error {
    int rc;            /* SQLITE_OK: nothing failed */
    char *text;        /* from sqlite3_malloc, SQLite's or already joined words; NULL: use core */
    parity_error core; /* core's words; core.message is "" when there are none */
} sq_error;

void sq_error_init(sq_error *e);
void sq_error_free(sq_error *e);
/* Records a failure of this module in core's form; detail and hint may be NULL.  Returns e->rc. */
int sq_fail(sq_error *e, parity_status status, const char *detail, const char *hint, const char *message, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;
/* Records a status that core returned, with its words in e->core; SQLITE_OK for PARITY_OK. */
int sq_core(sq_error *e, parity_status status);
/* Records what db says of its last failed call, which returned rc. */
int sq_db(sq_error *e, sqlite3 *db, int rc);
/* Records that there is no memory. */
int sq_nomem(sq_error *e);
/* Moves what is in from to e, and returns its code. */
int sq_error_move(sq_error *e, sq_error *from);
/* The status with which an engine callback tells core of the failure in e. */
parity_status sq_status(const sq_error *e);
/* Raise it, and free it: as a function's result, or as a virtual table's error (the code is returned). */
void sq_result_error(sqlite3_context *ctx, sq_error *e);
int sq_table_error(sqlite3_vtab *table, sq_error *e);

extern const parity_mem sq_mem; /* sqlite3_realloc64 and sqlite3_free */

/* --------------------------------------------------------------- values: value.c */

/*
 * One value as core reads it.  Text and bytes live as long as the value and are
 * converted in place.  The only failure is SQLITE_NOMEM.
 */
static inline int sq_value(sqlite3_value *value, parity_value *out)
{
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        out->cls = PARITY_INTEGER;
        out->i = sqlite3_value_int64(value);
        return SQLITE_OK;
    case SQLITE_FLOAT:
        out->cls = PARITY_REAL;
        out->r = sqlite3_value_double(value);
        return SQLITE_OK;
    case SQLITE_TEXT:
        out->cls = PARITY_STRING;
        out->p = (const char *)sqlite3_value_text(value);
        out->n = out->p != NULL ? (size_t)sqlite3_value_bytes(value) : 0;
        return out->p != NULL ? SQLITE_OK : SQLITE_NOMEM;
    case SQLITE_BLOB:
        out->cls = PARITY_BLOB;
        out->p = sqlite3_value_blob(value);
        out->n = (size_t)sqlite3_value_bytes(value);
        return out->p != NULL || out->n == 0 ? SQLITE_OK : SQLITE_NOMEM;
    default:
        out->cls = PARITY_NULL;
        return SQLITE_OK;
    }
}

int sq_column(sqlite3_stmt *stmt, int i, parity_value *out);

/* A text argument; p is NULL for SQL NULL. */
typedef struct sq_text {
    const char *p;
    size_t n;
} sq_text;

/* Any value as text; of a BLOB the bytes, without a NUL behind them.  value may be NULL, which is SQL NULL. */
int sq_text_of(sqlite3_value *value, sq_text *out, sq_error *e);
/* Text that ends in NUL and holds none, and is not a BLOB; what names the argument in the error. */
int sq_text_plain(sqlite3_value *value, const char *what, sq_text *out, sq_error *e);
/* The same, and not NULL. */
int sq_text_required(sqlite3_value *value, const char *what, sq_text *out, sq_error *e);
/* A text as the result, SQL NULL for NULL. */
void sq_result_text(sqlite3_context *ctx, const char *text);
/* Column i of a statement's row, copied to the arena; *out is NULL for SQL NULL. */
int sq_column_copy(parity_arena *a, sqlite3_stmt *stmt, int i, char **out, sq_error *e);

/* ---------------------------------------------------------------- SQL: statement.c */

/* Prepares SQL made by sqlite3_mprintf's rules (%w, %Q).  *out is NULL after a failure. */
int sq_prepare(sqlite3 *db, sqlite3_stmt **out, sq_error *e, const char *format, ...);
/* Prepares sql, which is freed with sqlite3_free and may be NULL: no memory. */
int sq_prepare_text(sqlite3 *db, char *sql, sqlite3_stmt **out, sq_error *e);
/* *row tells whether there is one; anything but a row or the end is an error. */
int sq_step(sqlite3 *db, sqlite3_stmt *stmt, bool *row, sq_error *e);
/* Runs SQL to its end, whatever rows it returns. */
int sq_run(sqlite3 *db, sq_error *e, const char *format, ...);
/*
 * A statement that reads schema and stands on its first row, so that all that
 * is read from that schema until sqlite3_finalize is of one snapshot.
 */
int sq_snapshot(sqlite3 *db, const char *schema, sqlite3_stmt **out, sq_error *e);

/* ---------------------------------------------------------------- small JSON: json.c */

/* A JSON array of strings: their number and decoded texts, in the arena.  what names it in errors. */
int sq_json_strings(parity_arena *a, const char *what, const char *json, size_t n, char ***out, int *nout,
                    sq_error *e);
/* Whether a spec argument is a whole spec (its member "columns" is an array) and not overrides. */
bool sq_json_is_spec(const char *json, size_t n);
/* Appends text as a JSON string. */
parity_status sq_json_put_string(parity_buf *b, const char *text);

/* -------------------------------------------------------------- tables: table.c, spec.c */

#define SQ_OVERRIDES "parity_override" /* where parity_set_spec stores, a table in each schema */

typedef struct sq_table {
    char *schema; /* as PRAGMA database_list spells it */
    char *name;   /* as the schema spells it */
} sq_table;

typedef struct sq_columninfo {
    char *name;
    char *declared; /* "" without a type */
    bool notnull;
    int pk;         /* position in the primary key, from 1; 0: none */
    bool generated;
} sq_columninfo;

typedef struct sq_listed {
    char *name;
    bool skipped; /* internal, virtual or a shadow: left out unless named */
} sq_listed;

/* The schema of that name, as it is spelled; an error when none is attached. */
int sq_find_schema(sqlite3 *db, parity_arena *a, const char *name, char **out, sq_error *e);
/*
 * The table or view that an argument names: an exact name, in the order in
 * which SQLite looks (temp, main, attached), else schema.table with or without
 * double quotes.
 */
int sq_find_table(sqlite3 *db, parity_arena *a, sq_text arg, sq_table *out, sq_error *e);
/* The table or view of one schema; out->name is NULL when there is none. */
int sq_find_table_in(sqlite3 *db, parity_arena *a, char *schema, const char *name, sq_table *out, sq_error *e);
/* Its columns in its own order, without a virtual table's hidden ones. */
int sq_columns(sqlite3 *db, parity_arena *a, const sq_table *t, sq_columninfo **out, int *nout, sq_error *e);
/* How SQLite stores a table. */
typedef struct sq_storage {
    bool ordinary;      /* in rows of its own: neither a view nor a virtual table */
    bool without_rowid;
    bool strict;        /* columns hold only what their type says */
} sq_storage;

int sq_storage_of(sqlite3 *db, const sq_table *t, sq_storage *out, sq_error *e);
/* How a column of a declared type stores values: its affinity.  spec.c */
parity_store_as sq_store_of(const char *declared, const sq_storage *storage);
/* Its foreign keys, with names as the schema spells them, without those whose other side does not exist. */
int sq_references(sqlite3 *db, parity_arena *a, const sq_table *t, parity_reference **out, int *nout, sq_error *e);
/* The foreign keys to it, of all tables of its schema. */
int sq_references_to(sqlite3 *db, parity_arena *a, const sq_table *t, parity_reference **out, int *nout, sq_error *e);
/* The tables (not views) of a schema, sorted by name. */
int sq_list(sqlite3 *db, parity_arena *a, const char *schema, sq_listed **out, int *nout, sq_error *e);

/* The spec of a table: inferred, with the stored overrides applied, sorted. */
int sq_spec(sqlite3 *db, parity_arena *a, const sq_table *t, parity_spec *out, sq_error *e);
/* The same when the caller gives a spec: a whole one, or overrides on top of the stored ones, or nothing. */
int sq_spec_given(sqlite3 *db, parity_arena *a, const sq_table *t, sq_text given, parity_spec *out, sq_error *e);
/* What core wants to know of a table that it compares. */
int sq_local_table(sqlite3 *db, parity_arena *a, const sq_table *t, parity_local_table *out, sq_error *e);
/* Whether overrides fit a table; they are text or a BLOB from the caller. */
int sq_check_overrides(sqlite3 *db, const sq_table *t, sq_text overrides, sq_error *e);
/* Overrides to be stored, of tables of one schema; the text ends in NUL. */
typedef struct sq_stored {
    struct sq_stored *next;
    sq_table table;
    sq_text overrides;
} sq_stored;

/* Stores them, which sq_check_overrides has accepted, all or none. */
int sq_store_overrides(sqlite3 *db, const char *schema, const sq_stored *list, sq_error *e);

/* -------------------------------------------------------- rows of loose values: kinds.c */

/* Kinds as read, and the buffers that frames are written to. */
typedef struct sq_framer {
    parity_arena arena;
    parity_kind *kinds;
    int n;
    sq_text list; /* what the kinds were read from */
    parity_buf buf, scratch;
    uint32_t *ends; /* of the frames in buf */
} sq_framer;

/* A framer for a list of kinds; function and nvalues are for the check of their number.  *out is NULL after a failure. */
int sq_framer_new(sqlite3_value *kinds, const char *function, int nvalues, sq_framer **out, sq_error *e);
/* NULL is allowed. */
void sq_framer_free(void *framer);
/* The framer for the kinds in argument arg of a scalar function, kept by SQLite while they are a constant. */
int sq_framer_keep(sqlite3_context *ctx, int arg, sqlite3_value *kinds, const char *function, int nvalues,
                   sq_framer **out, sq_error *e);
/* An error unless kinds is the list that it was made of. */
int sq_framer_same(const sq_framer *f, sqlite3_value *kinds, sq_error *e);
/* Writes the frames of f->n values to f->buf and f->ends. */
int sq_framer_row(sq_framer *f, sqlite3_value **values, sq_error *e);

/* ---------------------------------------------------------------------- scans: scan.c */

/* The row that is being read: an aggregate's arguments, or a statement's columns. */
typedef struct sq_row {
    sqlite3_value **values;
    sqlite3_stmt *stmt; /* used when values is NULL */
} sq_row;

static inline int sq_row_value(const sq_row *row, int i, parity_value *out)
{
    return row->values != NULL ? sq_value(row->values[i], out) : sq_column(row->stmt, i, out);
}

typedef int (*sq_row_function)(void *ctx, const sq_row *row, sq_error *e);

/*
 * Calls each for every row of the spec's table, with the spec's columns in
 * their order.  filter is one SQL condition, or p is NULL.
 */
int sq_read(sqlite3 *db, const parity_spec *spec, sq_text filter, sq_row_function each, void *ctx, sq_error *e);
/*
 * Digests the table: rows only, or with columns also each column and the key.
 * tally has room for the spec's columns; a sketch in it is filled as well.
 */
int sq_scan(sqlite3 *db, const parity_spec *spec, sq_text filter, bool columns, parity_tally *tally, sq_error *e);
/* An empty tally of n columns, with a sketch unless cells is 0, from the arena; or NULL. */
parity_tally *sq_new_tally(parity_arena *a, int n, uint32_t cells);
/* Digests the table's rows, each into its bucket. */
int sq_scan_buckets(sqlite3 *db, const parity_spec *spec, sq_text filter, parity_buckets *buckets, sq_error *e);
/* As sq_core, for what framing a row returned. */
int sq_row_core(sq_error *e, parity_status status);
/* The hidden aggregate through which sq_read reads. */
#define SQ_READER "parity_reader"
void sq_reader_step(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_reader_final(sqlite3_context *ctx);

/* ------------------------------------------------------------- change capture: capture.c */

#define SQ_LIVE "parity_live" /* the table of tracked tables, and how the names of all that belongs to them begin */

/* An object of the schema. */
typedef struct sq_object {
    const char *type; /* "table", "trigger" or "view" */
    char *name;
    char *sql; /* what stands behind CREATE and the type */
} sq_object;

/* How changes of a table are logged. */
typedef struct sq_capture {
    bool rowid;        /* the key is the rowid, else the primary key's columns */
    char **keys;       /* the key's columns; the name under which the rowid can be read */
    char **collations; /* of the keys, unless rowid */
    int nkeys;
    bool strict;  /* a row whose key was not announced may have put out another */
    bool moves;   /* the rowids are no column's: VACUUM or a dump may change them */
    bool indexed; /* a constraint of the table has an index */
    char *log;    /* the log's name */
    sq_object *objects; /* the log and the triggers, in the order in which they are made */
    int nobjects;
} sq_capture;

/* What must be there for table id of SQ_LIVE; an error when its changes cannot be followed. */
int sq_capture_of(sqlite3 *db, parity_arena *a, const sq_table *t, const parity_spec *spec, sqlite3_int64 id,
                  sq_capture *out, sq_error *e);

/* ------------------------------------------------ engine callbacks: engine.c, fetch.c */

/* How core reads this connection. */
typedef struct sq_engine {
    parity_engine engine; /* engine.ctx is this struct: do not copy it */
    sqlite3 *db;
    sqlite3_stmt *snapshot; /* held on the schema that was read first */
    sq_error error;         /* of the callback that returned PARITY_ENGINE */
} sq_engine;

void sq_engine_init(sq_engine *x, sqlite3 *db);
void sq_engine_close(sq_engine *x);
/* As sq_core, for calls that may come back with the engine's own error. */
int sq_engine_core(sq_engine *x, sq_error *e, parity_status status);
/* parity_engine's fetch, of a table whose schema is known. */
parity_status sq_fetch(sq_engine *x, const parity_spec *spec, const parity_spec *guard, const parity_wanted *wanted,
                       const int64_t *integers, size_t nintegers, parity_each_row each, void *each_ctx);
/* parity_verify_open over a bundle and a mapping as SQL values (mapping may be NULL). */
int sq_verify_open(sq_engine *x, sqlite3_value *bundle, sqlite3_value *mapping, parity_verify **out, sq_error *e);

/* ------------------------------------------------ table-valued functions: tablefunc.c */

typedef struct sq_cursor sq_cursor;

/* What makes one table-valued function. */
typedef struct sq_tablefunc {
    const char *name;
    const char *declare;  /* CREATE TABLE x(results…, arguments… HIDDEN) */
    int nresults;         /* columns before the arguments */
    int nargs;            /* at most 4 */
    int nrequired;        /* arguments that must be given */
    const char *usage;    /* for the error when they are not */
    size_t size;          /* of the function's own state, zeroed before open */
    int (*open)(sqlite3 *db, void *state, sqlite3_value **args, sq_error *e); /* args not given are NULL */
    int (*next)(void *state, bool *row, sq_error *e); /* to the first or next row; *row false at the end */
    int (*column)(void *state, sqlite3_context *ctx, int i);
    void (*close)(void *state); /* after open, whatever it returned */
} sq_tablefunc;

/* Registers it; SQLITE_DIRECTONLY. */
int sq_tablefunc_register(sqlite3 *db, const sq_tablefunc *f);

extern const sq_tablefunc sq_column_checksums, sq_buckets, sq_verify, sq_infer, sq_sketch_decode, sq_diff,
    sq_explain, sq_recheck, sq_repair, sq_live_verify, sq_live_status;

/* ---------------------------------------------------------------------- SQL functions */

/* digest.c */
void sq_result_digest(sqlite3_context *ctx, const parity_digest *d);
void sq_fn_row_hash(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_fn_digest_add(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_fn_digest_sub(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_fn_digest_rows(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_agg_step(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_agg_inverse(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_agg_value(sqlite3_context *ctx);
void sq_agg_final(sqlite3_context *ctx);
void sq_sum_step(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_sum_inverse(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_sum_value(sqlite3_context *ctx);
/* rollout.c */
void sq_fn_in_rollout(sqlite3_context *ctx, int argc, sqlite3_value **argv);
/* sketch.c */
/* The cells that an argument asks for, as a sketch has them: NULL is the default, 0 is 0. */
int sq_cells(sqlite3_value *value, uint32_t *out, sq_error *e);
void sq_sketch_agg_step(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_sketch_agg_inverse(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_sketch_agg_value(sqlite3_context *ctx);
void sq_sketch_agg_final(sqlite3_context *ctx);
void sq_fn_sketch_add(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_fn_sketch_sub(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_fn_sketch_cells(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_fn_sketch_estimate(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_sketch_sum_step(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_sketch_sum_final(sqlite3_context *ctx);
/* spec.c */
void sq_fn_spec(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_fn_set_spec(sqlite3_context *ctx, int argc, sqlite3_value **argv);
/* checksum.c */
void sq_fn_checksum(sqlite3_context *ctx, int argc, sqlite3_value **argv);
/* live.c */
void sq_fn_track(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_fn_untrack(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_fn_live_checksum(sqlite3_context *ctx, int argc, sqlite3_value **argv);
/* The hidden aggregate through which live.c reads logs. */
#define SQ_FIRST "parity_first"
void sq_first_step(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_first_final(sqlite3_context *ctx);
/* bundle.c */
/* The time now as a bundle writes it. */
void sq_now(char out[32]);
/* What a bundle says of this database, and the texts that it points to: do not copy it. */
typedef struct sq_head {
    parity_bundle bundle; /* without tables */
    char server[64], time[32], position[32];
} sq_head;

/* The head for tables of one schema, which must outlive it. */
int sq_bundle_head(sqlite3 *db, char *schema, sq_head *out, sq_error *e);
void sq_fn_bundle(sqlite3_context *ctx, int argc, sqlite3_value **argv);
/* diff.c */
void sq_fn_rows(sqlite3_context *ctx, int argc, sqlite3_value **argv);
/* verify.c */
void sq_fn_assert_match(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void sq_fn_adopt(sqlite3_context *ctx, int argc, sqlite3_value **argv);

#endif
