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
#include "lib/stringinfo.h"
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

/* The columns' kinds as an SQL literal, one a line; kinds hold neither quotes nor backslashes. */
static void put_kinds(StringInfo sql, const parity_spec *spec)
{
    appendStringInfoString(sql, "E'");
    for (int i = 0; i < spec->ncolumns; i++) {
        char kind[PARITY_KIND_TEXT_MAX];

        parity_kind_print(&spec->columns[i].kind, kind);
        appendStringInfo(sql, "%s%s", i > 0 ? "\\n" : "", kind);
    }
    appendStringInfoChar(sql, '\'');
}

/* Writes the query; *filter_at is where the filter starts in it, in bytes. */
static char *build_query(Oid relid, const parity_spec *spec, const char *filter, bool tally, int *filter_at)
{
    /* two arguments come first, and an aggregate has its state */
    bool row = spec->ncolumns > FUNC_MAX_ARGS - 3;
    StringInfoData sql;

    initStringInfo(&sql);
    appendStringInfo(&sql, "SELECT parity.%s(", tally ? "tally_agg" : "digest_agg_as");
    put_kinds(&sql, spec);
    if (tally) {
        appendStringInfoString(&sql, ", '");
        for (int i = 0; i < spec->ncolumns; i++)
            appendStringInfoChar(&sql, spec->columns[i].key ? '1' : '0');
        appendStringInfoChar(&sql, '\'');
    }
    for (int i = 0; i < spec->ncolumns; i++)
        appendStringInfo(&sql, "%s%s", i == 0 && row ? ", ROW(" : ", ",
                         quote_identifier(parity_pg_from_utf8(spec->columns[i].name)));
    appendStringInfo(&sql, "%s FROM %s", row ? "))" : ")",
                     quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid)));
    *filter_at = 0;
    if (filter != NULL) {
        appendStringInfoString(&sql, " WHERE (\n");
        *filter_at = sql.len;
        appendStringInfo(&sql, "%s\n)", filter);
    }
    return sql.data;
}

/*
 * The aggregate is found by name: makes sure that it was this extension's,
 * which gives one row, and a type whose values are read as memory.
 */
static void check_result(bool tally)
{
    Oid type = SPI_gettypeid(SPI_tuptable->tupdesc, 1);
    bool ok = tally ? type == BYTEAOID
                    : get_typlen(type) == (int16)sizeof(parity_digest) &&
                          getExtensionOfObject(TypeRelationId, type) == get_extension_oid("parity", true);

    if (!ok || SPI_processed != 1)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("a function in the schema parity hides one of the extension"),
                        errhint("Nobody but the extension's owner should have the right CREATE on the schema.")));
}

/*
 * Runs the query; its one value in SPI's memory, *isnull when it is NULL.
 * Ends inside SPI: the caller copies and calls SPI_finish.
 */
static Datum run(Oid relid, const parity_spec *spec, const char *filter, bool tally, bool *isnull)
{
    ErrorContextCallback callback;
    filter_context context;
    SPIPlanPtr plan;
    char *sql;
    int at;

    parity_pg_lock_relation(relid);
    parity_pg_require_columns(spec);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    sql = build_query(relid, spec, filter, tally, &at);
    if (filter != NULL) {
        context.filter = filter;
        context.start = pg_mbstrlen_with_len(sql, at);
        callback.callback = filter_names_callback;
        callback.arg = &context;
        callback.previous = error_context_stack;
        error_context_stack = &callback;
    }
    plan = SPI_prepare_cursor(sql, 0, NULL, CURSOR_OPT_PARALLEL_OK);
    if (filter != NULL)
        error_context_stack = callback.previous;
    if (plan == NULL || SPI_execute_plan(plan, NULL, NULL, true, 0) != SPI_OK_SELECT)
        elog(ERROR, "could not digest relation %u", relid);
    check_result(tally);
    return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
}

void parity_pg_scan_digest(Oid relid, const parity_spec *spec, const char *filter, parity_digest *out)
{
    bool isnull;
    Datum value = run(relid, spec, filter, false, &isnull);

    memset(out, 0, sizeof *out);
    if (!isnull)
        memcpy(out, DatumGetPointer(value), sizeof *out);
    SPI_finish();
}

parity_tally *parity_pg_scan_tally(parity_arena *a, Oid relid, const parity_spec *spec, const char *filter)
{
    size_t size = parity_tally_size(spec->ncolumns);
    parity_tally *out = parity_arena_alloc(a, size);
    bool isnull;
    Datum value = run(relid, spec, filter, true, &isnull);

    if (isnull)
        parity_tally_init(out, spec->ncolumns);
    else {
        const parity_tally *tally = parity_pg_tally(value);

        if (tally->ncolumns != (uint32)spec->ncolumns)
            elog(ERROR, "a tally has %u columns instead of %d", tally->ncolumns, spec->ncolumns);
        memcpy(out, tally, size);
    }
    SPI_finish();
    return out;
}
