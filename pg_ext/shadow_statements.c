/*
 * shadow_statements.c - a mapping as parts of statements, for what is written in SQL
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "shadow.h"

/* Adds "name": or a comma and it. */
static void name_member(StringInfo out, const char *name)
{
    appendStringInfoString(out, out->len > 1 ? ", " : "");
    escape_json(out, name);
    appendStringInfoString(out, ": ");
}

static void text_member(StringInfo out, const char *name, const char *value)
{
    name_member(out, name);
    if (value == NULL)
        appendStringInfoString(out, "null");
    else
        escape_json(out, value);
}

typedef char *(*part_of)(const ParityMapping *m, int i);

static void list_member_of(StringInfo out, const char *name, const ParityMapping *m, int n, part_of part)
{
    name_member(out, name);
    appendStringInfoChar(out, '[');
    for (int i = 0; i < n; i++) {
        if (i > 0)
            appendStringInfoString(out, ", ");
        escape_json(out, part(m, i));
    }
    appendStringInfoChar(out, ']');
}

static char *column_name(Oid table, AttrNumber n)
{
    return pstrdup(quote_identifier(get_attname(table, n, false)));
}

static char *part_column(const ParityMapping *m, int i) { return unconstify(char *, m->columns[i].column); }
static char *part_view_column(const ParityMapping *m, int i) { return unconstify(char *, m->columns[i].view_column); }
static char *part_to_view_column(const ParityMapping *m, int i) { return unconstify(char *, m->columns[i].to_view_column); }

static char *type_text(Oid table, AttrNumber n)
{
    int32 typmod;
    Oid collation, type;

    get_atttypetypmodcoll(table, n, &type, &typmod, &collation);
    return format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

/* Of the key, without a length: a value that is longer is no other value. */
static char *key_type(Oid table, AttrNumber n)
{
    return format_type_extended(get_atttype(table, n), -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

static char *part_type(const ParityMapping *m, int i) { return type_text(m->to, m->columns[i].to_attribute); }
static char *part_key_type(const ParityMapping *m, int i) { return key_type(m->to, m->columns[i].to_attribute); }
static char *part_from_key(const ParityMapping *m, int i) { return column_name(m->from, m->columns[i].from_attribute); }
static char *part_from_type(const ParityMapping *m, int i) { return key_type(m->from, m->columns[i].from_attribute); }

static char *key_operator(const ParityMapping *m, int i, int strategy, bool *builtin)
{
    return parity_shadow_operator(get_atttype(m->from, m->columns[i].from_attribute), strategy, builtin);
}

static char *part_equal(const ParityMapping *m, int i)
{
    bool builtin;

    return key_operator(m, i, TYPECACHE_EQ_OPR, &builtin);
}

static char *joined(const ParityMapping *m, int n, part_of part, const char *alias)
{
    StringInfoData out;

    initStringInfo(&out);
    for (int i = 0; i < n; i++)
        appendStringInfo(&out, "%s%s.%s", i > 0 ? ", " : "", alias, part(m, i));
    return out.data;
}

/* ---------------------------------------------------------------- ranges of the key */

/* As it has to stand in a format. */
static char *escaped(const char *text)
{
    StringInfoData out;

    initStringInfo(&out);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '%')
            appendStringInfoChar(&out, '%');
        appendStringInfoChar(&out, *c);
    }
    return out.data;
}

/*
 * The condition that the key, in columns of an alias s, is behind a value (after), or not behind it: a format of the
 * value's texts.  Row comparison takes its operators by name and wants them in a btree class; where they are not
 * pg_catalog's it is spelled out.  NOT (a > b) is what the planner makes a <= b of, which an index can serve.
 */
static char *key_range(const ParityMapping *m, part_of column, part_of type, bool after)
{
    StringInfoData columns, values;
    char *out = NULL;
    bool builtin = true;

    initStringInfo(&columns);
    initStringInfo(&values);
    for (int i = m->keys - 1; i >= 0; i--) {
        char *greater = escaped(key_operator(m, i, TYPECACHE_GT_OPR, &builtin));
        char *less = escaped(key_operator(m, i, TYPECACHE_LT_OPR, &builtin));
        char *equal = escaped(key_operator(m, i, TYPECACHE_EQ_OPR, &builtin));
        char *c = psprintf("s.%s", escaped(column(m, i))), *v = psprintf("%%%d$L::%s", i + 1, escaped(type(m, i)));

        if (out == NULL)
            out = psprintf(after ? "%s %s %s" : "NOT (%s %s %s)", c, greater, v);
        else
            out = psprintf("(%s %s %s OR (%s %s %s AND %s))", c, after ? greater : less, v, c, equal, v, out);
        if (i == 0 && m->keys > 1)
            out = psprintf("NOT (%s %s %s) AND %s", c, after ? less : greater, v, out);
    }
    if (m->keys == 1 || !builtin)
        return out;
    for (int i = 0; i < m->keys; i++) {
        appendStringInfo(&columns, "%ss.%s", i > 0 ? ", " : "", escaped(column(m, i)));
        appendStringInfo(&values, "%s%%%d$L::%s", i > 0 ? ", " : "", i + 1, escaped(type(m, i)));
    }
    return psprintf("ROW(%s) OPERATOR(pg_catalog.%s) ROW(%s)", columns.data, after ? ">" : "<=", values.data);
}

static void ranges_member(StringInfo out, const char *name, const ParityMapping *m, bool after)
{
    name_member(out, name);
    appendStringInfoChar(out, '{');
    escape_json(out, "from");
    appendStringInfoString(out, ": ");
    escape_json(out, key_range(m, part_from_key, part_from_type, after));
    appendStringInfoString(out, ", \"from_view\": ");
    escape_json(out, key_range(m, part_view_column, part_from_type, after));
    appendStringInfoString(out, ", \"to\": ");
    escape_json(out, key_range(m, part_column, part_key_type, after));
    appendStringInfoChar(out, '}');
}

/* parity.shadow_statements(name, direction) */
PG_FUNCTION_INFO_V1(parity_sql_shadow_statements);
Datum parity_sql_shadow_statements(PG_FUNCTION_ARGS)
{
    bool backward;
    ParityShadow s;
    ParityMapping m;
    StringInfoData out;

    parity_pg_require(fcinfo, 0, "name");
    parity_shadow_require(text_to_cstring(PG_GETARG_TEXT_PP(0)), &s);
    backward = s.is_backward;
    if (!PG_ARGISNULL(1)) {
        char *word = text_to_cstring(PG_GETARG_TEXT_PP(1));

        backward = strcmp(word, "backward") == 0;
        if (!backward && strcmp(word, "forward") != 0)
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"%s\" is not a direction", word),
                            errhint("It is forward or backward.")));
    }
    if (strcmp(s.phase, "finished") == 0)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("shadow \"%s\" is finished", s.name),
                        errhint("Its tables have nothing to do with each other any more; parity.shadow_drop forgets it.")));
    parity_shadow_mapping(&s, backward, &m);
    initStringInfo(&out);
    appendStringInfoChar(&out, '{');
    text_member(&out, "name", s.name);
    text_member(&out, "id", psprintf(INT64_FORMAT, s.id));
    text_member(&out, "direction", backward ? "backward" : "forward");
    text_member(&out, "from", m.from_name);
    text_member(&out, "to", m.to_name);
    text_member(&out, "from_oid", psprintf("%u", m.from));
    text_member(&out, "to_oid", psprintf("%u", m.to));
    text_member(&out, "from_view", parity_pg_relation_name(m.from_view));
    text_member(&out, "to_view", parity_pg_relation_name(m.to_view));
    name_member(&out, "keys");
    appendStringInfo(&out, "%d", m.keys);
    list_member_of(&out, "columns", &m, m.n, part_column);
    list_member_of(&out, "types", &m, m.n, part_type);
    name_member(&out, "filtered");
    appendStringInfoString(&out, m.condition != NULL ? "true" : "false");
    list_member_of(&out, "view_columns", &m, m.n, part_view_column);
    list_member_of(&out, "to_view_columns", &m, m.n, part_to_view_column);
    list_member_of(&out, "from_key", &m, m.keys, part_from_key);
    list_member_of(&out, "from_key_types", &m, m.keys, part_from_type);
    list_member_of(&out, "to_key", &m, m.keys, part_column);
    list_member_of(&out, "to_key_types", &m, m.keys, part_key_type);
    list_member_of(&out, "equal", &m, m.keys, part_equal);
    ranges_member(&out, "after", &m, true);
    ranges_member(&out, "upto", &m, false);
    text_member(&out, "column_list", m.list);
    text_member(&out, "view_list", joined(&m, m.n, part_view_column, "s"));
    text_member(&out, "from_key_list", joined(&m, m.keys, part_from_key, "s"));
    text_member(&out, "key_json", parity_shadow_key_json(&m, "s"));
    text_member(&out, "key_format", parity_shadow_key_json(&m, NULL));
    text_member(&out, "overriding", "OVERRIDING SYSTEM VALUE");
    text_member(&out, "conflict", m.conflict);
    text_member(&out, "conflict_target", m.conflict_target);
    appendStringInfoChar(&out, '}');
    PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}
