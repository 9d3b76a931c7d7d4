/*
 * shadow_map.c - a shadow's mapping, from its two views
 *
 * A view's query is kept by PostgreSQL as a tree, in which tables, columns,
 * functions and operators are numbers: it stays right when any of them is
 * renamed, and says what it means whatever the search_path.  Here it is turned
 * back into text, for statements, with every name qualified.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "shadow.h"

/* ------------------------------------------------------------------------- a view */

typedef struct opened {
    Relation view;
    Query *query;
    int varno; /* of its table */
    Oid table;
} opened;

/* Opens a view of one table; raises when it is another kind of view. */
static void open_view(Oid id, opened *out)
{
    RangeTblEntry *rte;
    RangeTblRef *ref = NULL;

    LockRelationOid(id, AccessShareLock);
    out->view = try_relation_open(id, NoLock);
    if (out->view == NULL)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("a view of the shadow's mapping does not exist any more"),
                        errhint("Drop the shadow and create it again.")));
    if (out->view->rd_rel->relkind == RELKIND_VIEW) {
        out->query = get_view_query(out->view);
        if (list_length(out->query->jointree->fromlist) == 1 && IsA(linitial(out->query->jointree->fromlist), RangeTblRef))
            ref = linitial(out->query->jointree->fromlist);
    }
    rte = ref == NULL ? NULL : rt_fetch(ref->rtindex, out->query->rtable);
    if (rte == NULL || rte->rtekind != RTE_RELATION || out->query->hasAggs || out->query->hasWindowFuncs ||
        out->query->hasTargetSRFs || out->query->distinctClause != NIL || out->query->groupClause != NIL ||
        out->query->setOperations != NULL || out->query->limitCount != NULL || out->query->limitOffset != NULL)
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("\"%s\" is not a view of the rows of one table", RelationGetRelationName(out->view))));
    out->varno = ref->rtindex;
    out->table = rte->relid;
}

static void close_view(opened *v)
{
    relation_close(v->view, NoLock);
}

/* An expression of the view, of columns of its table as number 1. */
static Node *expression_of(const opened *v, Node *node)
{
    Node *copy = copyObjectImpl(node);

    if (v->varno != 1)
        ChangeVarNodes(copy, v->varno, 1, 0);
    return copy;
}

/* With every name qualified: whatever the user has set. */
static char *print(const opened *v, Node *node)
{
    int level = NewGUCNestLevel();
    char *out;

    (void)set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    (void)set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    /* it opens the table: that of the other view is locked by others perhaps, and nothing of it is printed */
    out = deparse_expression(node, deparse_context_for("s", v->table), true, false);
    AtEOXact_GUC(true, level);
    return out;
}

/* The number of the column that an expression is, or 0. */
static AttrNumber plain_column(Node *node, int varno)
{
    Var *var = (Var *)node;

    return node != NULL && IsA(node, Var) && (int)var->varno == varno && var->varlevelsup == 0 && var->varattno > 0 ? var->varattno : 0;
}

static TargetEntry *entry(const opened *v, int number)
{
    int i = 0;
    ListCell *cell;

    foreach (cell, v->query->targetList) {
        TargetEntry *e = lfirst_node(TargetEntry, cell);

        if (!e->resjunk && ++i == number)
            return e;
    }
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("view \"%s\" has too few columns", RelationGetRelationName(v->view)),
                    errhint("Drop the shadow and create it again.")));
}

/* -------------------------------------------------------------- what expressions do */

typedef struct traits {
    bool clock, subquery, foreign;
    bool setting; /* a result depends on a setting that is not pinned */
    bool money;
} traits;

static bool is_own_language(Oid function)
{
    HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    bool own = function < FirstNormalObjectId;

    if (HeapTupleIsValid(row)) {
        Oid language = ((Form_pg_proc)GETSTRUCT(row))->prolang;

        own = own || language == INTERNALlanguageId || language == ClanguageId;
        ReleaseSysCache(row);
    }
    return own;
}

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool begins_with(const char *name, const char *start)
{
    return strncmp(name, start, strlen(start)) == 0;
}

/*
 * Functions of PostgreSQL's whose result is the time, the session or the transaction; those that are not immutable
 * also when it is what the catalogs say, or how a row is stored.
 */
static bool tells_the_clock(const char *name, bool stable)
{
    static const char *const names[] = {"now", "transaction_timestamp", "statement_timestamp", "clock_timestamp", "timeofday",
                                        "current_setting", "pg_current_xact_id", "txid_current", "pg_backend_pid",
                                        "current_schema", "current_schemas", "current_database", "current_query",
                                        "inet_client_addr", "inet_client_port", "session_user", "pg_trigger_depth"};
    static const char *const others[] = {"age", "mxid_age", "timezone", "current_user", "getpgusername", "getdatabaseencoding",
                                         "version", "format_type", "oidvectortypes", "obj_description",
                                         "col_description", "shobj_description", "row_security_active", "database_to_xml",
                                         "database_to_xml_and_xmlschema", "database_to_xmlschema"};
    static const char *const starts[] = {"pg_", "has_", "reg", "to_reg", "txid_", "inet_", "table_to_xml", "schema_to_xml",
                                         "query_to_xml", "cursor_to_xml"};

    if (is_one_of(name, names, lengthof(names)))
        return true;
    for (size_t i = 0; stable && i < lengthof(starts); i++)
        if (begins_with(name, starts[i]))
            return true;
    return stable && is_one_of(name, others, lengthof(others));
}

/* Functions that are not immutable since they read default_text_search_config or xmloption. */
static bool reads_a_setting(const char *name)
{
    static const char *const names[] = {"get_current_ts_config", "to_tsvector", "json_to_tsvector", "jsonb_to_tsvector",
                                        "to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery",
                                        "ts_headline", "ts_match_tt", "ts_match_tq", "xml", "xml_in", "xml_is_well_formed"};

    return is_one_of(name, names, lengthof(names));
}

static bool look_at_function(Oid function, void *context)
{
    traits *t = context;
    char *name = function < FirstNormalObjectId ? get_func_name(function) : NULL;

    if (name != NULL) {
        bool stable = func_volatile(function) == PROVOLATILE_STABLE;

        t->clock = t->clock || tells_the_clock(name, stable);
        t->setting = t->setting || (stable && reads_a_setting(name));
    }
    t->foreign = t->foreign || !is_own_language(function);
    return false;
}

/* Whether a pattern of to_char and the like asks for the words or signs of a language: lc_time, lc_numeric, lc_monetary. */
static bool is_localized(const char *pattern, bool of_time)
{
    bool quoted = false;

    for (const char *c = pattern; *c != '\0'; c++) {
        if (*c == '\\' && c[1] != '\0')
            c++;
        else if (*c == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (of_time ? pg_strncasecmp(c, "TM", 2) == 0 : strchr("LDGldg", *c) != NULL)
            return true;
        else if (!of_time && (pg_strncasecmp(c, "PL", 2) == 0 || pg_strncasecmp(c, "SG", 2) == 0))
            c++; /* a sign, of no language */
    }
    return false;
}

static bool formats_by_language(const FuncExpr *call)
{
    const char *name = call->funcid < FirstNormalObjectId ? get_func_name(call->funcid) : NULL;
    const Const *pattern;
    bool of_time;
    Oid type;

    if (name == NULL || list_length(call->args) != 2 ||
        (strcmp(name, "to_char") != 0 && strcmp(name, "to_number") != 0 && strcmp(name, "to_date") != 0 &&
         strcmp(name, "to_timestamp") != 0))
        return false;
    type = exprType(linitial(call->args));
    of_time = strcmp(name, "to_number") != 0 &&
              (strcmp(name, "to_char") != 0 || type == TIMESTAMPOID || type == TIMESTAMPTZOID || type == INTERVALOID);
    pattern = lsecond(call->args);
    /* what is not constant may ask for anything */
    return !IsA(pattern, Const) || (!pattern->constisnull && is_localized(TextDatumGetCString(pattern->constvalue), of_time));
}

/* Whether a type is money, or has it in it. */
static bool has_money(Oid type)
{
    Oid element;
    bool found = false;

    check_stack_depth();
    type = getBaseType(type);
    if (type == CASHOID)
        return true;
    element = get_element_type(type);
    if (OidIsValid(element))
        return has_money(element);
    if (get_typtype(type) == TYPTYPE_COMPOSITE) {
        TupleDesc desc = lookup_rowtype_tupdesc(type, -1);

        for (int i = 0; i < desc->natts; i++)
            found = found || (!TupleDescAttr(desc, i)->attisdropped && has_money(TupleDescAttr(desc, i)->atttypid));
        ReleaseTupleDesc(desc);
    }
    return found;
}

/* Whether a node stands for a value of its own, and not for one below it. */
static bool is_value(const Node *node)
{
    return IsA(node, Var) || IsA(node, Const) || IsA(node, FuncExpr) || IsA(node, OpExpr) || IsA(node, CoerceViaIO) ||
           IsA(node, ArrayCoerceExpr);
}

static bool look(Node *node, void *context)
{
    traits *t = context;

    if (node == NULL)
        return false;
    if (IsA(node, SQLValueFunction))
        t->clock = true;
    if (IsA(node, SubLink) || IsA(node, Query))
        t->subquery = true;
    if (IsA(node, FuncExpr) && formats_by_language((const FuncExpr *)node))
        t->setting = true;
    (void)check_functions_in_node(node, look_at_function, t);
    if (IsA(node, Query))
        return false;
    t->money = t->money || (is_value(node) && has_money(exprType(node)));
    return expression_tree_walker(node, look, context);
}

bool parity_shadow_calls_foreign(Node *node)
{
    traits t = {0};

    (void)look(node, &t);
    return t.foreign;
}

/* Why an expression cannot be part of a mapping, or NULL. */
static const char *objection(Oid table, Node *node)
{
    Bitmapset *used = NULL;
    traits t = {0};
    int i = -1;

    (void)look(node, &t);
    if (t.subquery)
        return "has a subquery: a mapping says what a row becomes by itself";
    if (contain_volatile_functions(node))
        return "is volatile: the same row would become another each time";
    if (t.clock)
        return "depends on the time or the session: the same row would become another each time";
    /* how money is read and printed is lc_monetary's */
    if (t.setting || (t.money && contain_mutable_functions(node)))
        return "depends on a setting, such as default_text_search_config or lc_monetary: the same row would become another in another session";
    pull_varattnos(node, 1, &used);
    while ((i = bms_next_member(used, i)) >= 0) {
        AttrNumber n = (AttrNumber)(i + FirstLowInvalidHeapAttributeNumber);

        if (n < 0)
            return "uses a system column, which says where a row lies, not what it is";
        if (n == 0)
            return "uses the whole row: name the columns";
        if (get_attgenerated(table, n) == 'v')
            return "uses a virtual generated column, which triggers do not see";
    }
    return NULL;
}

/* ---------------------------------------------------------------------------- names */

char *parity_shadow_operator(Oid type, int strategy, bool *builtin)
{
    TypeCacheEntry *cached = lookup_type_cache(type, strategy);
    Oid op = strategy == TYPECACHE_EQ_OPR ? cached->eq_opr : strategy == TYPECACHE_LT_OPR ? cached->lt_opr : cached->gt_opr;
    HeapTuple row;
    Form_pg_operator form;
    char *out;

    if (!OidIsValid(op))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
                        errmsg("type %s has no order, so that it cannot be a key", format_type_be(type))));
    row = SearchSysCache1(OPEROID, ObjectIdGetDatum(op));
    if (!HeapTupleIsValid(row))
        elog(ERROR, "cache lookup failed for operator %u", op);
    form = (Form_pg_operator)GETSTRUCT(row);
    out = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)), NameStr(form->oprname));
    *builtin = *builtin && form->oprnamespace == PG_CATALOG_NAMESPACE;
    ReleaseSysCache(row);
    return out;
}

/* Whether equal values of a type are the same bytes. */
static bool is_bitwise(Oid type, Oid collation)
{
    switch (getBaseType(type)) {
    case BOOLOID:
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case OIDOID:
    case UUIDOID:
    case DATEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
    case BYTEAOID:
        return true;
    case TEXTOID:
    case VARCHAROID:
        return !OidIsValid(collation) || get_collation_isdeterministic(collation);
    default:
        return false;
    }
}

static char *column_name(Oid table, AttrNumber n)
{
    return pstrdup(quote_identifier(get_attname(table, n, false)));
}

static Oid column_type(Oid table, AttrNumber n, int32 *typmod, Oid *collation)
{
    Oid type;

    get_atttypetypmodcoll(table, n, &type, typmod, collation);
    return type;
}

static char column_identity(Oid table, AttrNumber n)
{
    HeapTuple row = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(n));
    char out = '\0';

    if (HeapTupleIsValid(row)) {
        out = ((Form_pg_attribute)GETSTRUCT(row))->attidentity;
        ReleaseSysCache(row);
    }
    return out;
}

static void put(StringInfo out, const char *separator, const char *text)
{
    if (out->len > 0)
        appendStringInfoString(out, separator);
    appendStringInfoString(out, text);
}

/* The ends of an upsert. */
static void put_conflict(ParityMapping *m)
{
    StringInfoData target, set;

    initStringInfo(&target);
    initStringInfo(&set);
    for (int i = 0; i < m->keys; i++)
        put(&target, ", ", m->columns[i].column);
    m->conflict_target = psprintf("ON CONFLICT (%s)", target.data);
    for (int pass = 0; pass < 2 && set.len == 0; pass++)
        for (int i = 0; i < m->n; i++) {
            int32 typmod;
            Oid collation, type = column_type(m->to, m->columns[i].to_attribute, &typmod, &collation);

            /* what identifies the row is the same, unless values that are equal may look different */
            if (i < m->keys && pass == 0 && is_bitwise(type, collation))
                continue;
            if (column_identity(m->to, m->columns[i].to_attribute) == ATTRIBUTE_IDENTITY_ALWAYS)
                continue;
            put(&set, ", ", psprintf("%s = EXCLUDED.%s", m->columns[i].column, m->columns[i].column));
        }
    m->unchecked = set.len == 0;
    m->conflict = m->unchecked ? psprintf("%s DO NOTHING", m->conflict_target)
                               : psprintf("%s DO UPDATE SET %s", m->conflict_target, set.data);
}

/* ------------------------------------------------- expressions that are not read as text */

/* What stands for a column's expression, and for the condition: no statement has a name of three or four parts else. */
static char *mark(const char *column)
{
    return psprintf("mapping.s.%s", column);
}

#define CONDITION_MARK "mapping.s.all.rows"

static Node *parse_mark(ParseState *pstate, ColumnRef *ref)
{
    const ParityMapping *m = pstate->p_ref_hook_state;
    ParseNamespaceItem *item;
    Node *out = NULL;
    int levels;

    if (list_length(ref->fields) < 3)
        return NULL;
    if (list_length(ref->fields) == 4)
        out = m->condition;
    else
        for (int i = 0; out == NULL && i < m->n; i++)
            if (strcmp(quote_identifier(strVal(lthird(ref->fields))), m->columns[i].column) == 0)
                out = m->columns[i].node;
    item = refnameNamespaceItem(pstate, NULL, strVal(lsecond(ref->fields)), ref->location, &levels);
    if (out == NULL || item == NULL)
        elog(ERROR, "no such expression in the mapping");
    out = copyObjectImpl(out);
    if (item->p_rtindex != 1)
        ChangeVarNodes(out, 1, item->p_rtindex, 0);
    if (levels > 0)
        IncrementVarSublevelsUp(out, levels, 0);
    return out;
}

void parity_shadow_parse(ParseState *pstate, void *mapping)
{
    pstate->p_pre_columnref_hook = parse_mark;
    pstate->p_ref_hook_state = mapping;
}

/* ------------------------------------------------------------------------- the mapping */

void parity_shadow_mapping(const ParityShadow *s, bool backward, ParityMapping *out)
{
    int first = backward ? s->forward : 0;
    StringInfoData list, values, view_values;
    opened from, to;

    memset(out, 0, sizeof *out);
    out->from_view = backward ? s->target_view : s->source_view;
    out->to_view = backward ? s->source_view : s->target_view;
    open_view(out->from_view, &from);
    open_view(out->to_view, &to);
    out->from = from.table;
    out->to = to.table;
    if (out->from != (backward ? s->target : s->source) || out->to != (backward ? s->source : s->target))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("the views of shadow \"%s\" are not of its tables", s->name),
                        errhint("Drop the shadow and create it again.")));
    out->n = backward ? s->backward : s->forward;
    out->keys = s->keys;
    if (out->keys < 1 || out->keys > out->n)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("shadow \"%s\" has no key", s->name)));
    out->columns = palloc0(sizeof *out->columns * (size_t)out->n);
    initStringInfo(&list);
    initStringInfo(&values);
    initStringInfo(&view_values);
    for (int i = 0; i < out->n; i++) {
        TargetEntry *f = entry(&from, first + i + 1), *t = entry(&to, first + i + 1);
        ParityMapped *c = &out->columns[i];
        traits has = {0};

        c->node = expression_of(&from, (Node *)f->expr);
        c->view_column = pstrdup(quote_identifier(f->resname));
        c->to_view_column = pstrdup(quote_identifier(t->resname));
        c->from_attribute = plain_column(c->node, 1);
        c->to_attribute = plain_column((Node *)t->expr, to.varno);
        if (c->to_attribute == 0 || (i < out->keys && c->from_attribute == 0))
            ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                            errmsg("the views of shadow \"%s\" were replaced by others", s->name),
                            errhint("Drop the shadow and create it again.")));
        c->column = column_name(out->to, c->to_attribute);
        c->mark = c->from_attribute != 0 ? psprintf("s.%s", column_name(out->from, c->from_attribute)) : mark(c->column);
        put(&values, ", ", c->mark);
        (void)look(c->node, &has);
        out->foreign = out->foreign || has.foreign;
        out->stable = out->stable || contain_mutable_functions(c->node);
        put(&list, ", ", c->column);
        put(&view_values, ", ", psprintf("v.%s", c->view_column));
    }
    out->list = list.data;
    out->values = values.data;
    out->view_values = view_values.data;
    if (!backward && from.query->jointree->quals != NULL) {
        traits has = {0};

        out->condition = expression_of(&from, from.query->jointree->quals);
        out->condition_mark = CONDITION_MARK;
        (void)look(out->condition, &has);
        out->foreign = out->foreign || has.foreign;
        out->stable = out->stable || contain_mutable_functions(out->condition);
    }
    out->from_name = parity_pg_relation_name(out->from);
    out->to_name = parity_pg_relation_name(out->to);
    put_conflict(out);
    close_view(&from);
    close_view(&to);
}

typedef const char *(*name_of)(const ParityMapping *m, int i);

static const char *name_in_from(const ParityMapping *m, int i) { return column_name(m->from, m->columns[i].from_attribute); }
static const char *name_in_to(const ParityMapping *m, int i) { return m->columns[i].column; }
static const char *name_in_view(const ParityMapping *m, int i) { return m->columns[i].view_column; }

static char *match(const ParityMapping *m, const char *a, name_of name_a, const char *b, name_of name_b)
{
    StringInfoData out;
    bool builtin;

    initStringInfo(&out);
    for (int i = 0; i < m->keys; i++) {
        int32 typmod;
        Oid collation, type = column_type(m->to, m->columns[i].to_attribute, &typmod, &collation);

        put(&out, " AND ", psprintf("%s.%s %s %s.%s", a, name_a(m, i), parity_shadow_operator(type, TYPECACHE_EQ_OPR, &builtin), b, name_b(m, i)));
    }
    return out.data;
}

char *parity_shadow_key_match(const ParityMapping *m, const char *a, bool from_a, const char *b, bool from_b)
{
    return match(m, a, from_a ? name_in_from : name_in_to, b, from_b ? name_in_from : name_in_to);
}

char *parity_shadow_view_match(const ParityMapping *m, const char *v, const char *b)
{
    return match(m, v, name_in_view, b, name_in_from);
}

char *parity_shadow_from_key(const ParityMapping *m, const char *alias)
{
    StringInfoData out;

    initStringInfo(&out);
    for (int i = 0; i < m->keys; i++)
        put(&out, ", ", psprintf("%s.%s", alias, column_name(m->from, m->columns[i].from_attribute)));
    return out.data;
}

/* Whether to_json of a value is a JSON text or number that the type reads. */
static bool is_scalar(Oid type)
{
    return type < FirstNormalObjectId && !OidIsValid(get_element_type(type)) && get_typtype(type) == TYPTYPE_BASE &&
           type != JSONOID && type != JSONBOID;
}

char *parity_shadow_key_json(const ParityMapping *m, const char *alias)
{
    StringInfoData out;

    initStringInfo(&out);
    for (int i = 0; i < m->keys; i++) {
        AttrNumber n = m->columns[i].from_attribute;
        int32 typmod;
        Oid collation, type = column_type(m->from, n, &typmod, &collation);
        const char *column = alias != NULL ? psprintf("%s.%s", alias, column_name(m->from, n)) : "%s";

        /* to_json of other types may run casts that others made; what is JSON of its own could not be read back as text */
        put(&out, ", ", psprintf("%s%s", column, is_scalar(type) ? "" : "::pg_catalog.text"));
    }
    return psprintf("pg_catalog.jsonb_build_array(%s)", out.data);
}

/* --------------------------------------------------------------------- SQL functions */

/* parity.shadow_expression(text) */
PG_FUNCTION_INFO_V1(parity_sql_shadow_expression);
Datum parity_sql_shadow_expression(PG_FUNCTION_ARGS)
{
    parity_pg_check_filter(text_to_cstring(PG_GETARG_TEXT_PP(0)));
    PG_RETURN_BOOL(true);
}

static void put_inspected(const opened *v, int number, const char *name, Node *tree, Tuplestorestate *rows, TupleDesc desc)
{
    Node *node = expression_of(v, tree);
    const char *why = objection(v->table, node);
    AttrNumber plain = plain_column(node, 1);
    Bitmapset *used = NULL;
    bool nulls[8] = {false};
    Datum values[8], *numbers;
    int n = 0, i = -1;

    pull_varattnos(node, 1, &used);
    numbers = palloc(sizeof *numbers * (size_t)(bms_num_members(used) + 1));
    while ((i = bms_next_member(used, i)) >= 0)
        numbers[n++] = Int16GetDatum((int16)(i + FirstLowInvalidHeapAttributeNumber));
    values[0] = Int32GetDatum(number);
    nulls[1] = name == NULL;
    values[1] = name != NULL ? CStringGetTextDatum(name) : (Datum)0;
    values[2] = ObjectIdGetDatum(exprType(node));
    values[3] = Int32GetDatum(exprTypmod(node));
    values[4] = CStringGetTextDatum(print(v, node));
    nulls[5] = plain == 0;
    values[5] = Int16GetDatum(plain);
    values[6] = PointerGetDatum(construct_array(numbers, n, INT2OID, 2, true, TYPALIGN_SHORT));
    nulls[7] = why == NULL;
    values[7] = why != NULL ? CStringGetTextDatum(why) : (Datum)0;
    tuplestore_putvalues(rows, desc, values, nulls);
}

/* parity.shadow_inspect(view) */
PG_FUNCTION_INFO_V1(parity_sql_shadow_inspect);
Datum parity_sql_shadow_inspect(PG_FUNCTION_ARGS)
{
    TupleDesc desc;
    Tuplestorestate *rows = parity_pg_begin_rows(fcinfo, &desc);
    ListCell *cell;
    opened v;
    int n = 0;

    parity_pg_require(fcinfo, 0, "view");
    open_view(PG_GETARG_OID(0), &v);
    if (v.query->jointree->quals != NULL)
        put_inspected(&v, 0, NULL, v.query->jointree->quals, rows, desc);
    foreach (cell, v.query->targetList) {
        TargetEntry *e = lfirst_node(TargetEntry, cell);

        if (!e->resjunk)
            put_inspected(&v, ++n, e->resname, (Node *)e->expr, rows, desc);
    }
    close_view(&v);
    return (Datum)0;
}
