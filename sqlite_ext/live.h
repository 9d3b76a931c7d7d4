/*
 * live.h - what the files of live checksums share (live.c says how they work)
 */
#ifndef PARITY_SQLITE_LIVE_H
#define PARITY_SQLITE_LIVE_H

#include "module.h"

#define SQ_LIVE_STATE                                                                                              \
    "\"" SQ_LIVE "\"(id INTEGER PRIMARY KEY, lo INTEGER NOT NULL, hi INTEGER NOT NULL, table_name TEXT NOT NULL," \
    " digest TEXT NOT NULL, schema_version INTEGER NOT NULL, stale_since TEXT, reason TEXT, spec TEXT NOT NULL)"
#define SQ_LIVE_MAX_EXTRA 3 /* see sq_live_objects */
#define SQ_LIVE_MARK 2 /* the rowid of the only row of a mark; VACUUM would make it 1 */

/* An object of the schema whose name begins as ours do. */
typedef struct sq_entry {
    struct sq_entry *next;
    char *type, *name, *table, *sql;
    sqlite3_int64 at; /* its place in sqlite_master */
} sq_entry;

/* A row of parity_live. */
typedef struct sq_state {
    struct sq_state *next;
    sqlite3_int64 id, lo, hi, version;
    char *stored;   /* the table's name when the row was written */
    char *followed; /* the name of the table that the triggers are on; NULL: there are none */
    char *digest, *stale_since, *reason, *spec;
} sq_state;

/* What is known of a tracked table, in one snapshot. */
typedef struct sq_live {
    sqlite3 *db;
    parity_arena *a;
    sq_table table;
    const sq_entry *entries;
    const sq_state *state;
    parity_spec spec;
    sq_capture capture;
    char *spec_text;
    char *status, *reason; /* status is NULL: exact */
    parity_digest digest;  /* when it is exact */
    sqlite3_int64 lo, hi, version;
    sqlite3_int64 changes; /* rows of the log, and beyond lo and hi */
    bool dirty;            /* parity_live would change */
} sq_live;


/* ---- live_state.c */

/* The entry of that name, or NULL. */
const sq_entry *sq_live_entry(const sq_entry *list, const char *name);
/* All objects of a schema whose names begin with parity_live. */
int sq_live_entries(sqlite3 *db, parity_arena *a, const char *schema, sq_entry **out, sq_error *e);
/* Whether sql is CREATE, the type and the text. */
bool sq_live_is_sql(const char *sql, const char *type, const char *text);
/* Whether parity_live is there; an error when something else has its name. */
int sq_live_exists(const sq_entry *entries, const char *schema, bool *out, sq_error *e);
/* All rows of parity_live, by their ids; none where there is no such table. */
int sq_live_states(sqlite3 *db, parity_arena *a, const char *schema, const sq_entry *entries, sq_state **out,
                   sq_error *e);
/* The row of a table: the one whose triggers are on it, else one that had its name; or NULL. */
const sq_state *sq_live_find(const sq_state *list, const char *name);
/* PRAGMA schema_version */
int sq_live_version(sqlite3 *db, const char *schema, sqlite3_int64 *out, sq_error *e);
/* The least and the greatest rowid; 1 and 0 in an empty table, and where the key is not the rowid. */
int sq_live_range(sq_live *l, sqlite3_int64 *lo, sqlite3_int64 *hi, sq_error *e);
/* The rows that a statement gives, which is finalized. */
int sq_live_count(sqlite3 *db, sqlite3_stmt *stmt, sqlite3_int64 *out, sq_error *e);
/* The spec as it is kept: without the schema, which may be attached under another name. */
int sq_live_spec(parity_arena *a, const parity_spec *spec, const char *name, char **out, sq_error *e);
/* What there is beside the log and its triggers, at most SQ_LIVE_MAX_EXTRA; the sentinel is the last. */
int sq_live_objects(parity_arena *a, const sq_capture *c, sqlite3_int64 id, sq_object *out, int *n, sq_error *e);
/*
 * Fills l for a row of parity_live: status and reason, and when it is exact the
 * digest.  The table's name is set to what is known of it.
 */
int sq_live_examine(sqlite3 *db, parity_arena *a, char *schema, const sq_entry *entries, const sq_state *s, sq_live *l,
                    sq_error *e);
/* Keeps the digest and empties the log; marks the table stale.  Either only if the database can be written. */
int sq_live_fold(sq_live *l, sq_error *e);
int sq_live_stale(sq_live *l, sq_error *e);

/* ---- live.c */

/* The error that a table is not tracked. */
int sq_live_untracked(const char *name, sq_error *e);

#endif
