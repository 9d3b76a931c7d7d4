/*
 * scan.c - one SQL query that digests a relation, run by SPI
 *
 * The query names its columns and leaves the rest to PostgreSQL, so that
 * partitions, foreign tables, views, column privileges and parallel plans work
 * as in any query.  It runs with the caller's rights under the caller's
 * snapshot.  The SQL functions that lead here pin search_path, the formats and
 * row_security = off: policies that would hide rows are then an error.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "relation.h"

/* The filter and where it starts in the text that is being parsed, in characters. */
typedef struct filter_context {
    const char *filter;
    int start;
} filter_context;

/* Makes an error's position one in the filter. */
static void place_in_filter(const filter_context *c, int position)
{
    int length = pg_mbstrlen(c->filter);

    /* behind the filter stands at most "\n)" */
    if (position > c->start && position <= c->start + length + 3) {
        errposition(0);
        internalerrposition(Min(position - c->start, length + 1));
        internalerrquery(c->filter);
    }
}

static void filter_syntax_callback(void *arg)
{
    int position = geterrposition();

    if (geterrcode() == ERRCODE_SYNTAX_ERROR)
        errhint("A filter is one SQL condition, as it stands behind WHERE.");
    place_in_filter(arg, position);
}

static void filter_names_callback(void *arg)
{
    int code = geterrcode();

    if (code == ERRCODE_UNDEFINED_FUNCTION || code == ERRCODE_UNDEFINED_TABLE || code == ERRCODE_UNDEFINED_OBJECT)
        errhint("A filter is read under the search path pg_catalog: functions, operators, types and tables of other "
                "schemas are written with their schema.");
    place_in_filter(arg, getinternalerrposition());
}

/* Whether the text is one SELECT with a WHERE and nothing behind it. */
static bool is_one_condition(const char *sql)
{
    List *statements = pg_parse_query(sql);
    SelectStmt *s;

    if (list_length(statements) != 1)
        return false;
    s = (SelectStmt *)linitial_node(RawStmt, statements)->stmt;
    return IsA(s, SelectStmt) && s->op == SETOP_NONE && s->whereClause != NULL && list_length(s->targetList) == 1 &&
           s->distinctClause == NIL && s->intoClause == NULL && s->fromClause == NIL && s->groupClause == NIL &&
           s->havingClause == NULL && s->windowClause == NIL && s->valuesLists == NIL && s->sortClause == NIL &&
           s->limitOffset == NULL && s->limitCount == NULL && s->lockingClause == NIL && s->withClause == NULL;
}

/*
 * The filter has to be a condition both bare and in parentheses: bare, so that
 * its own parentheses match; in them, so that nothing can follow it.
 */
void parity_pg_check_filter(const char *filter)
{
    static const char *const heads[] = {"SELECT 1 WHERE\n", "SELECT 1 WHERE (\n"};
    static const char *const tails[] = {"\n", "\n)"};
    ErrorContextCallback callback;
    filter_context context;

    callback.callback = filter_syntax_callback;
    callback.arg = &context;
    callback.previous = error_context_stack;
    for (int i = 0; i < 2; i++) {
        char *sql = psprintf("%s%s%s", heads[i], filter, tails[i]);
        bool ok;

        context.filter = filter;
        context.start = (int)strlen(heads[i]);
        error_context_stack = &callback;
        ok = is_one_condition(sql);
        error_context_stack = callback.previous;
        if (!ok)
            ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("the filter is more than one condition"),
                            errhint("A filter is one SQL condition, as it stands behind WHERE.")));
        pfree(sql);
    }
}

void parity_pg_put_kinds(StringInfo sql, const parity_spec *spec, bool only_key)
{
    bool first = true;

    appendStringInfoString(sql, "E'");
    for (int i = 0; i < spec->ncolumns; i++) {
        char kind[PARITY_KIND_TEXT_MAX];

        if (only_key && !spec->columns[i].key)
            continue;
        /* kinds hold neither quotes nor backslashes */
        parity_kind_print(&spec->columns[i].kind, kind);
        appendStringInfo(sql, "%s%s", first ? "" : "\\n", kind);
        first = false;
    }
    appendStringInfoChar(sql, '\'');
}

void parity_pg_put_columns(StringInfo sql, const parity_spec *spec, bool only_key, int room)
{
    int n = only_key ? parity_spec_nkey(spec) : spec->ncolumns;
    bool first = true;

    if (n > room)
        appendStringInfoString(sql, "ROW(");
    for (int i = 0; i < spec->ncolumns; i++) {
        if (only_key && !spec->columns[i].key)
            continue;
        appendStringInfo(sql, "%s%s", first ? "" : ", ",
                         quote_identifier(parity_pg_from_utf8(spec->columns[i].name)));
        first = false;
    }
    if (n > room)
        appendStringInfoChar(sql, ')');
}

char *parity_pg_relation_name(Oid relid)
{
    return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
}

/* The aggregates that read a relation. */
typedef enum scan_result { SCAN_DIGEST, SCAN_TALLY, SCAN_BUCKETS } scan_result;

typedef struct query {
    Oid relid;
    const parity_spec *spec;
    const char *filter;
    scan_result result;
    uint32 number; /* SCAN_TALLY: cells; SCAN_BUCKETS: bits */
} query;

/* Writes the query; *filter_at is where the filter starts in it, in bytes. */
static char *build_query(const query *q, int *filter_at)
{
    static const char *const aggregates[] = {"digest_agg_as", "tally_agg", "buckets_agg"};
    int before = 2; /* the aggregate's state and the kinds */
    StringInfoData sql;

    initStringInfo(&sql);
    appendStringInfo(&sql, "SELECT parity.%s(", aggregates[q->result]);
    parity_pg_put_kinds(&sql, q->spec, false);
    if (q->result != SCAN_DIGEST) {
        appendStringInfoString(&sql, ", '");
        for (int i = 0; i < q->spec->ncolumns; i++)
            appendStringInfoChar(&sql, q->spec->columns[i].key ? '1' : '0');
        appendStringInfo(&sql, "', %u", q->number);
        before = 4;
    }
    appendStringInfoString(&sql, ", ");
    parity_pg_put_columns(&sql, q->spec, false, FUNC_MAX_ARGS - before);
    appendStringInfo(&sql, ") FROM %s", parity_pg_relation_name(q->relid));
    *filter_at = 0;
    if (q->filter != NULL) {
        appendStringInfoString(&sql, " WHERE (\n");
        *filter_at = sql.len;
        appendStringInfo(&sql, "%s\n)", q->filter);
    }
    return sql.data;
}

void parity_pg_hidden(void)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("a function in the schema parity hides one of the extension"),
                    errhint("Nobody but the extension's owner should have the right CREATE on the schema.")));
}

/*
 * The aggregate is found by name: makes sure that it was this extension's,
 * which gives one row, and a type whose values are read as memory.
 */
static void check_result(scan_result result)
{
    Oid type = SPI_gettypeid(SPI_tuptable->tupdesc, 1);
    bool ok = result != SCAN_DIGEST
                  ? type == BYTEAOID
                  : get_typlen(type) == (int16)sizeof(parity_digest) &&
                        getExtensionOfObject(TypeRelationId, type) == get_extension_oid("parity", true);

    if (!ok || SPI_processed != 1)
        parity_pg_hidden();
}

/*
 * Runs the query; its one value in SPI's memory, *isnull when it is NULL.
 * Ends inside SPI: the caller copies and calls SPI_finish.
 */
static Datum run(const query *q, bool *isnull)
{
    ErrorContextCallback callback;
    filter_context context;
    SPIPlanPtr plan;
    char *sql;
    int at;

    parity_pg_lock_relation(q->relid);
    parity_pg_require_columns(q->spec);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    sql = build_query(q, &at);
    if (q->filter != NULL) {
        context.filter = q->filter;
        context.start = pg_mbstrlen_with_len(sql, at);
        callback.callback = filter_names_callback;
        callback.arg = &context;
        callback.previous = error_context_stack;
        error_context_stack = &callback;
    }
    plan = SPI_prepare_cursor(sql, 0, NULL, CURSOR_OPT_PARALLEL_OK);
    if (q->filter != NULL)
        error_context_stack = callback.previous;
    if (plan == NULL || SPI_execute_plan(plan, NULL, NULL, true, 0) != SPI_OK_SELECT)
        elog(ERROR, "could not digest relation %u", q->relid);
    check_result(q->result);
    return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
}

void parity_pg_scan_digest(Oid relid, const parity_spec *spec, const char *filter, parity_digest *out)
{
    query q = {relid, spec, filter, SCAN_DIGEST, 0};
    bool isnull;
    Datum value = run(&q, &isnull);

    memset(out, 0, sizeof *out);
    if (!isnull)
        memcpy(out, DatumGetPointer(value), sizeof *out);
    SPI_finish();
}

parity_tally *parity_pg_scan_tally(parity_arena *a, Oid relid, const parity_spec *spec, const char *filter,
                                   uint32 cells)
{
    query q = {relid, spec, filter, SCAN_TALLY, cells};
    size_t size = parity_tally_size(spec->ncolumns, cells);
    bool isnull;
    Datum value = run(&q, &isnull);
    parity_tally *out = parity_arena_alloc(a, size);

    if (isnull)
        parity_tally_init(out, spec->ncolumns, cells);
    else {
        const parity_tally *tally = parity_pg_tally(value);

        if (tally->ncolumns != (uint32)spec->ncolumns || tally->cells != cells)
            parity_pg_hidden();
        memcpy(out, tally, size);
    }
    SPI_finish();
    return out;
}

parity_buckets *parity_pg_scan_buckets(parity_arena *a, Oid relid, const parity_spec *spec, const char *filter,
                                       uint32 bits)
{
    query q = {relid, spec, filter, SCAN_BUCKETS, bits};
    size_t size = parity_buckets_size(bits);
    bool isnull;
    Datum value = run(&q, &isnull);
    parity_buckets *out = parity_arena_alloc(a, size);

    if (isnull)
        parity_buckets_init(out, bits);
    else {
        const parity_buckets *buckets = parity_pg_open_buckets(value);

        if (buckets->bits != bits)
            parity_pg_hidden();
        memcpy(out, buckets, size);
    }
    SPI_finish();
    return out;
}
