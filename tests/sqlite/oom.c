/*
 * oom.c - the SQLite module when memory runs out
 *
 * Links core, the module and SQLite into one program, puts a counter between
 * SQLite and malloc, and runs each statement below again and again: the first
 * time with its first allocation failing, then with the second, and so on until
 * it ends without any that failed; once with just that one failing and once
 * with all behind it as well.  Each run must end in SQLITE_NOMEM or in the very
 * result that the statement has with memory enough, and leave a connection that
 * works and no transaction open, and live checksums that are what the checksums
 * are.  At the end nothing may be left allocated.
 *
 *   oom [statement number]
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

int sqlite3_parity_init(sqlite3 *db, char **error, const void *api);

/* ---- the allocator ---------------------------------------------------------- */

static sqlite3_mem_methods system_methods;
static long countdown;    /* fails when it reaches 0; negative: never */
static int persistent;    /* and stays failed */
static int failed;        /* whether one has */
static long outstanding;

static int fails(void)
{
    if (countdown > 0 && --countdown == 0) {
        failed = 1;
        if (persistent)
            countdown = 1;
        return 1;
    }
    return 0;
}

static void *counted_malloc(int n)
{
    void *p = fails() ? NULL : system_methods.xMalloc(n);

    outstanding += p != NULL;
    return p;
}

static void counted_free(void *p)
{
    outstanding -= p != NULL;
    system_methods.xFree(p);
}

static void *counted_realloc(void *p, int n)
{
    return fails() ? NULL : system_methods.xRealloc(p, n);
}

/* ---- statements -------------------------------------------------------------- */

static const char setup[] =
    "CREATE TABLE tasks(id INTEGER PRIMARY KEY, done BOOLEAN, due DATETIME, price DECIMAL, u UUID, doc JSON, note TEXT,"
    " b BLOB, f REAL, g INT AS (id + 1));"
    "INSERT INTO tasks VALUES(1, 't', '2024-01-01 10:00', '12.50', '6ba7b810-9dad-11d1-80b4-00c04fd430c8',"
    " '{\"b\":[1,2.50,\"x\\u00e9\"],\"a\":{}}', 'some text', x'00ff', 0.1),"
    " (2, 0, 'soon', 1e300, x'6ba7b8109dad11d180b400c04fd430c8', '[1,2', 'grün', zeroblob(3000), 40.070985),"
    " (3, NULL, 1704067200000, NULL, NULL, NULL, NULL, NULL, NULL);"
    "CREATE TABLE tags(name TEXT, task INT, PRIMARY KEY(name, task)) WITHOUT ROWID;"
    "INSERT INTO tags VALUES('a', 1), ('b', 2);"
    "CREATE VIEW v AS SELECT id, note FROM tasks;"
    "CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1);"
    "ATTACH ':memory:' AS aux;"
    "CREATE TABLE aux.tasks(id INTEGER PRIMARY KEY, done BOOLEAN);"
    "INSERT INTO aux.tasks VALUES(1, 1);"
    "CREATE TEMP TABLE bundle(b);"
    "INSERT INTO bundle SELECT parity_bundle();"
    "CREATE TEMP TABLE strict(b);"
    "INSERT INTO strict SELECT replace(b, '\"sqlite\"', '\"postgresql\"') FROM bundle;"
    /* a pair of tables that differ */
    "ATTACH ':memory:' AS there;"
    "CREATE TABLE there.makers(id INTEGER PRIMARY KEY, name TEXT);"
    "CREATE TABLE there.parts(maker INT REFERENCES makers, name TEXT, price DECIMAL, b BLOB,"
    " PRIMARY KEY(maker, name)) WITHOUT ROWID;"
    "CREATE TABLE there.loose(a INT, b REAL);"
    "INSERT INTO there.makers VALUES(1, 'one'), (2, 'two'), (3, 'three');"
    "INSERT INTO there.parts VALUES(1, 'nut', 1.5, NULL), (2, 'bolt', '2.50', x'00'), (3, 'gear', 'much', x'ff');"
    "INSERT INTO there.loose VALUES(1, 0.5), (1, 0.5), (2, NULL);"
    "CREATE TABLE there.tags(name TEXT, task INT, PRIMARY KEY(name, task)) WITHOUT ROWID;"
    "INSERT INTO there.tags VALUES('a', 1), ('c', 3);"
    "ATTACH ':memory:' AS here;"
    "CREATE TABLE here.makers(id INTEGER PRIMARY KEY, name TEXT);"
    "CREATE TABLE here.parts(maker INT REFERENCES makers, name TEXT, price DECIMAL, b BLOB,"
    " PRIMARY KEY(maker, name)) WITHOUT ROWID;"
    "CREATE TABLE here.loose(a INT, b REAL);"
    "INSERT INTO here.makers VALUES(1, 'One '), (2, 'two'), (4, 'four');"
    "INSERT INTO here.parts VALUES(1, 'nut', '1.501', NULL), (2, 'bolt', 2.5, x'00'), (4, 'nut', 3, NULL);"
    "INSERT INTO here.loose VALUES(1, 0.5), (2, 1e300), (2, 1e300);"
    "CREATE TEMP TABLE theirs(b, makers, parts, loose, tags);"
    "INSERT INTO theirs(b) SELECT parity_bundle('[\"makers\",\"parts\",\"loose\"]', 16, 'there');"
    "UPDATE theirs SET makers = parity_rows('there.makers', '[1,2,3,4]'),"
    " tags = parity_rows('there.tags', '[{\"name\":\"b\",\"task\":2},{\"name\":\"c\",\"task\":3}]'),"
    " parts = (SELECT parity_rows('there.parts', json_group_array(json_object('key', json(key), 'key_hash', key_hash)))"
    "  FROM parity_diff('here.parts', b)),"
    " loose = (SELECT parity_rows('there.loose', json_group_array(json_object('key', json(key), 'key_hash', key_hash)))"
    "  FROM parity_diff('here.loose', b));"
    /* tracked tables, and one to be tracked */
    "ATTACH ':memory:' AS live;"
    "CREATE TABLE live.t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL DEFAULT 'x' UNIQUE, b INT);"
    "INSERT INTO live.t(a, b) VALUES('a', 1), ('b', 2);"
    "CREATE UNIQUE INDEX live.u ON t(lower(a), b) WHERE b > 0;"
    "CREATE TABLE live.w(a TEXT, b INT, c DEFAULT (1 + 1), PRIMARY KEY(a COLLATE NOCASE, b)) WITHOUT ROWID;"
    "INSERT INTO live.w VALUES('a', 1, 2), ('b', 2, 3);"
    "CREATE TABLE live.p(a, b);"
    "INSERT INTO live.p VALUES(1, 2), (3, 4);"
    "CREATE TABLE live.gone(a);"
    "SELECT parity_track('live.t'), parity_track('live.w'), parity_track('live.gone');"
    "DROP TABLE live.gone;"
    "CREATE TEMP TABLE sketches(a, b);"
    "INSERT INTO sketches SELECT parity_sketch_agg(32, 1, 'int', value), parity_sketch_agg(16, 1, 'int', value * 3)"
    " FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 40) SELECT * FROM n);";

static const char *const statements[] = {
    "SELECT hex(parity_row_hash('int, text, json', 5, 'x', '{\"b\":1,\"a\":[1,2]}'))",
    "SELECT hex(parity_row_hash('[\"int\",\"text\"]', id, note)) FROM main.tasks",
    "SELECT hex(parity_row_hash(CASE id WHEN 1 THEN 'int' ELSE 'text' END, id)) FROM main.tasks",
    "SELECT parity_digest_agg('int,bool,timestamptz,decimal,uuid,json,text,bytes,float8',"
    " id, done, due, price, u, doc, note, b, f) FROM main.tasks",
    "SELECT parity_digest_agg('int', id) OVER (ORDER BY id ROWS 1 PRECEDING) FROM main.tasks",
    "SELECT parity_digest_sum(d) FROM (SELECT parity_digest_agg('int', id) d FROM main.tasks GROUP BY id)",
    "SELECT parity_digest_add(d, d), parity_digest_sub(d, d), parity_digest_rows(d)"
    " FROM (SELECT parity_digest_agg('int', id) d FROM main.tasks)",
    "SELECT parity_spec('main.tasks'), parity_spec('\"aux\".\"tasks\"'), parity_spec('TAGS'), parity_spec('v')",
    "SELECT parity_checksum('main.tasks')",
    "SELECT parity_checksum('tags', 'task > 1 -- more')",
    "SELECT parity_checksum('main.tasks', 'note IS NOT NULL',"
    " '{\"columns\":{\"due\":\"timestamptz epoch=ms\"},\"exclude\":[\"b\"],\"names\":{\"u\":\"uid\"}}')",
    "SELECT parity_checksum('main.tasks', NULL, parity_spec('main.tasks'))",
    "SELECT * FROM parity_column_checksums('main.tasks')",
    "SELECT * FROM parity_column_checksums('v', 'id < 3', '{\"key\":[\"id\"]}')",
    "SELECT * FROM parity_buckets('main.tasks', 4)",
    "SELECT x.*, y.* FROM parity_buckets('tags', 0, 'task > 0') x, parity_buckets('v', 1, NULL, '{\"key\":[\"note\"]}') y",
    "SELECT length(parity_bundle()), length(parity_bundle('[\"tags\",\"v\",\"boxes\"]', NULL, 'main')),"
    " length(parity_bundle(NULL, 0, 'aux'))",
    "SELECT table_name, status, columns, detail FROM bundle, parity_verify(b)",
    "SELECT table_name, status, columns, detail FROM strict, parity_verify(CAST(b AS BLOB), '{\"tags\":\"tags\"}')",
    "SELECT table_name, status, columns, detail FROM bundle, parity_verify(b, '{\"schema\":\"aux\"}')",
    "SELECT parity_assert_match(b) FROM bundle",
    "SELECT * FROM parity_infer('main.tasks')",
    "SELECT parity_set_spec('tags', '{\"columns\":{\"task\":\"text\"}}')",
    "SELECT parity_set_spec('tags', NULL)",
    "SELECT parity_adopt(b) FROM bundle",
    "SELECT parity_adopt(b, '{\"exclude\":[\"tasks.note\"]}') FROM strict",
    "SELECT parity_sketch_agg(16, 1, 'int,text,json', id, note, doc) FROM main.tasks",
    "SELECT length(parity_sketch_agg(NULL, 0, '[\"int\"]', id) OVER (ORDER BY id ROWS 1 PRECEDING)) FROM main.tasks",
    "SELECT parity_sketch_agg(16, 1, 'int', id) FROM main.tasks WHERE 0",
    "SELECT parity_sketch_add(a, b), parity_sketch_sub(b, a), parity_sketch_cells(a), parity_sketch_estimate(b)"
    " FROM sketches",
    "SELECT parity_sketch_sum(s) FROM (SELECT a AS s FROM sketches UNION ALL SELECT b FROM sketches)",
    "SELECT key_hash, rows, complete FROM sketches, parity_sketch_decode(a)",
    "SELECT key_hash, rows, complete FROM sketches, parity_sketch_decode(parity_sketch_sub(a, b))",
    "SELECT d.* FROM theirs, parity_diff('here.makers', b) d",
    "SELECT d.* FROM theirs, parity_diff('here.parts', CAST(b AS BLOB)) d",
    "SELECT d.* FROM theirs, parity_diff('here.loose', b) d",
    "SELECT length(parity_rows('here.makers', '[1,{\"key\":4},{\"bucket\":1,\"bits\":1}]')),"
    " length(parity_rows('here.parts', '[{\"maker\":1,\"name\":\"nut\"},{\"key_hash\":\"0123456789abcdef\"}]'))",
    "SELECT e.* FROM theirs, parity_explain('here.makers', makers) e",
    "SELECT e.* FROM theirs, parity_explain('here.parts', parts) e",
    "SELECT e.* FROM theirs, parity_recheck('here.loose', loose) e",
    "SELECT e.* FROM theirs, parity_recheck(NULL, tags) e",
    "SELECT e.* FROM theirs, parity_repair('here.makers', makers) e",
    "SELECT e.* FROM theirs, parity_repair('here.loose', loose) e",
    "SELECT e.* FROM theirs, parity_repair(NULL, '[' || tags || ']') e",
    "SELECT e.* FROM theirs, parity_repair('here.parts', CAST(parts AS BLOB)) e",
    /* a virtual table in the schema makes SQLite forget statements when it has no memory to read the schema: the one
       that would end the transaction too, so that it stays open then */
    "DROP TABLE IF EXISTS boxes",
    "SELECT parity_track('live.p')",
    "SELECT parity_track('live.w')",
    "SELECT parity_untrack('live.w')",
    "SELECT parity_live_checksum('live.t')",
    "SELECT parity_live_checksum('live.w')",
    "SELECT * FROM parity_live_verify('live.t')",
    "SELECT table_name, status, reason FROM parity_live_status('live') ORDER BY 1",
};

/* Errors that are the statements' own: with memory failing they must not turn into anything else but SQLITE_NOMEM. */
static const char *const failing[] = {
    "SELECT parity_checksum('nope')",
    "SELECT parity_checksum('tags', '1) UNION SELECT (1')",
    "SELECT parity_checksum('tags', 'nope = 1')",
    "SELECT parity_checksum('tags', NULL, '{\"columns\":{\"nope\":\"int\"}}')",
    "SELECT * FROM parity_buckets('tags', 17)",
    "SELECT * FROM parity_buckets('tags', 4, 'nope = 1')",
    "SELECT parity_row_hash('nosuch', 1)",
    "SELECT parity_bundle('[\"nope\"]')",
    "SELECT * FROM parity_verify('{\"parity\":')",
    "SELECT * FROM parity_verify",
    "SELECT parity_assert_match(b, '{\"schema\":\"aux\"}') FROM bundle",
    "SELECT parity_set_spec('tags', '{\"exclude\":[\"nope\"]}')",
    "SELECT parity_adopt(substr(b, 1, 500)) FROM bundle",
    "SELECT parity_sketch_agg(-1, 1, 'int', 5)",
    "SELECT parity_sketch_agg(16, 2, 'int', 5)",
    "SELECT parity_sketch_agg(id + 20, 1, 'int', 5) FROM main.tasks UNION SELECT parity_sketch_agg(id, 1, 'nosuch', 5)"
    " FROM main.tasks",
    "SELECT parity_sketch_sum(substr(a, 1, 100)) FROM sketches",
    "SELECT * FROM parity_sketch_decode('AAAA')",
    "SELECT parity_bundle(NULL, -1)",
    "SELECT parity_rows('here.makers', '[\"x\",')",
    "SELECT parity_rows('here.makers', '[{\"nope\":1}]')",
    "SELECT d.* FROM theirs, parity_diff('tasks', b) d",
    "SELECT d.* FROM theirs, parity_diff('here.makers', substr(b, 1, 500)) d",
    "SELECT e.* FROM theirs, parity_explain('tags', makers) e",
    "SELECT e.* FROM theirs, parity_repair('here.parts', substr(parts, 1, 300)) e",
    "SELECT e.* FROM theirs, parity_recheck(NULL, '[' || tags || ',' || tags || ']') e",
    "SELECT parity_track('v')",
    "SELECT parity_live_checksum('tags')",
    "SELECT parity_untrack('live.nope')",
};

/* ---- running ------------------------------------------------------------------- */

static int problems;
static long runs;

static void complain(const char *sql, long n, const char *what, const char *more)
{
    printf("%s\n  allocation %ld%s: %s %s\n", sql, n, persistent ? " and all behind it" : "", what, more);
    problems++;
}

/* All rows as one text, from malloc; NULL after an error, with its code in *rc. */
static char *run(sqlite3 *db, const char *sql, int *rc)
{
    size_t n = 0, cap = 1 << 16;
    char *out = malloc(cap);
    sqlite3_stmt *stmt;

    out[0] = '\0';
    *rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    while (*rc == SQLITE_OK || *rc == SQLITE_ROW) {
        *rc = sqlite3_step(stmt);
        if (*rc != SQLITE_ROW)
            break;
        for (int i = 0; i < sqlite3_column_count(stmt) && *rc == SQLITE_ROW; i++) {
            int type = sqlite3_column_type(stmt, i);
            const char *text = (const char *)sqlite3_column_text(stmt, i);

            if (text == NULL && type != SQLITE_NULL)
                *rc = SQLITE_NOMEM;
            else
                n += (size_t)snprintf(out + n, cap - n, "%s|", text != NULL ? text : "NULL");
            if (n >= cap)
                abort();
        }
    }
    {
        int final = sqlite3_finalize(stmt);

        if (*rc == SQLITE_DONE && final != SQLITE_OK)
            *rc = final;
    }
    if (*rc == SQLITE_DONE)
        return out;
    free(out);
    return NULL;
}

static sqlite3 *open_database(const char *encoding)
{
    char pragma[64], *error = NULL;
    sqlite3 *db;

    if (sqlite3_open(":memory:", &db) != SQLITE_OK || sqlite3_parity_init(db, &error, NULL) != SQLITE_OK)
        abort();
    /* every allocation is to reach the counter */
    sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    snprintf(pragma, sizeof pragma, "PRAGMA encoding = '%s'", encoding);
    if (sqlite3_exec(db, pragma, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db, setup, NULL, NULL, &error) != SQLITE_OK) {
        printf("setup: %s\n", error);
        exit(1);
    }
    return db;
}

/* Where live checksums are concerned: the same things are tracked again, and something waits in their logs. */
static void clean_up_live(sqlite3 *db)
{
    sqlite3_exec(db, "SELECT parity_untrack('live.p')", NULL, NULL, NULL);
    sqlite3_exec(db,
                 "SELECT parity_track('live.w') WHERE NOT EXISTS (SELECT 1 FROM live.parity_live WHERE table_name = 'w')",
                 NULL, NULL, NULL);
    sqlite3_exec(db, "UPDATE live.t SET b = b; UPDATE live.w SET a = a", NULL, NULL, NULL);
}

static void clean_up(sqlite3 *db)
{
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_exec(db, "DROP TABLE IF EXISTS main.parity_override", NULL, NULL, NULL);
}

/* The statement with every one of its allocations failing in turn; well_rc is how it ends without. */
#define LIVE                                                                    \
    "SELECT parity_live_checksum('live.t') = parity_checksum('live.t'),"        \
    " parity_live_checksum('live.w') = parity_checksum('live.w')"

static void try_statement(sqlite3 *db, const char *sql)
{
    int rc, well_rc;
    char *well, *usable;
    bool live = strstr(sql, "'live") != NULL;

    clean_up(db);
    if (live)
        clean_up_live(db);
    well = run(db, sql, &well_rc);
    clean_up(db);
    if (live)
        clean_up_live(db);
    usable = run(db, "SELECT parity_checksum('tags')", &rc);
    for (persistent = 0; persistent < 2; persistent++) {
        /* these allocate thousands of times, much of it to read the schema again: after the first some only */
        for (long n = 1;; n += live && n > 100 ? 11 + persistent : 1) {
            char *got, *after;
            int autocommit;

            failed = 0;
            countdown = n;
            got = run(db, sql, &rc);
            countdown = -1;
            autocommit = sqlite3_get_autocommit(db);
            runs++;
            if (rc != well_rc && (rc & 0xff) != SQLITE_NOMEM)
                complain(sql, n, "ends in", sqlite3_errmsg(db));
            else if (!failed && rc != well_rc)
                complain(sql, n, "ends without memory, but none was refused", "");
            else if (got != NULL && (well == NULL || strcmp(got, well) != 0))
                complain(sql, n, "gives another result:", got);
            if (!autocommit)
                complain(sql, n, "leaves a transaction open", "");
            free(got);
            clean_up(db);
            after = run(db, "SELECT parity_checksum('tags')", &rc);
            if (after == NULL || strcmp(after, usable) != 0)
                complain(sql, n, "leaves a connection that does not work:", sqlite3_errmsg(db));
            free(after);
            if (live) {
                clean_up_live(db);
                after = run(db, LIVE, &rc);
                if (after == NULL || strcmp(after, "1|1|") != 0)
                    complain(sql, n, "leaves a live checksum that is wrong:", after != NULL ? after : sqlite3_errmsg(db));
                free(after);
                clean_up_live(db);
            }
            if (!failed || problems > 20)
                break;
        }
    }
    persistent = 0;
    free(well);
    free(usable);
}

/* Registration itself. */
static void try_registration(void)
{
    for (long n = 1;; n++) {
        char *error = NULL;
        sqlite3 *db;
        int rc;

        if (sqlite3_open(":memory:", &db) != SQLITE_OK)
            abort();
        failed = 0;
        countdown = n;
        rc = sqlite3_parity_init(db, &error, NULL);
        countdown = -1;
        runs++;
        if (rc != SQLITE_OK && rc != SQLITE_NOMEM)
            complain("registration", n, "ends in", sqlite3_errstr(rc));
        sqlite3_free(error);
        if (sqlite3_close(db) != SQLITE_OK)
            complain("registration", n, "leaves the connection in use", "");
        if (!failed)
            break;
    }
}

int main(int argc, char **argv)
{
    static const char *const encodings[] = {"UTF-8", "UTF-16le"};
    int count = (int)(sizeof statements / sizeof *statements), all = count + (int)(sizeof failing / sizeof *failing);
    int only = argc > 1 ? atoi(argv[1]) : -1;
    sqlite3_mem_methods counted;

    countdown = -1;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_methods);
    counted = system_methods;
    counted.xMalloc = counted_malloc;
    counted.xFree = counted_free;
    counted.xRealloc = counted_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &counted) != SQLITE_OK)
        abort();
    try_registration();
    for (int e = 0; e < 2; e++) {
        sqlite3 *db = open_database(encodings[e]);

        for (int i = 0; i < all; i++)
            if (only < 0 || only == i)
                try_statement(db, i < count ? statements[i] : failing[i - count]);
        if (sqlite3_close(db) != SQLITE_OK)
            complain(encodings[e], 0, "leaves the connection in use", "");
    }
    sqlite3_shutdown();
    if (outstanding != 0) {
        printf("%ld allocations were not freed\n", outstanding);
        problems++;
    }
    printf("%d statements, %ld runs, %d problems\n", all, runs, problems);
    return problems > 0;
}
