/*
 * spec.c - how a relation is read: the inferred spec and the overrides stored for it
 *
 * A spec is inferred from the catalogs each time it is needed: every column
 * that is not generated, under the kind of its type, with the primary key as
 * key.  Overrides are what a table's owner stored in parity.override.
 *
 * An override decides what a comparison looks at, so that whoever can store one
 * can hide a difference.  Nobody writes the table but set_spec and adopt, which
 * check that the caller owns the relation; override.c does the writing.
 *
 * Rows are kept by OID, so they survive a rename.  PostgreSQL does not tell an
 * extension that a relation was dropped, short of an event trigger on every
 * DROP of the database; instead every set_spec removes the rows whose relation
 * is gone, pg_dump leaves them out, and a row counts only when its overrides
 * fit the relation.  What is left is an OID that comes round again, after four
 * billion others and without a set_spec in between, for a relation whose
 * columns have the names that the overrides name.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "override.h"
#include "relation.h"
#include "value.h"

/* A relation's columns as the catalogs have them. */
typedef struct columns {
    int n;
    char **names; /* UTF-8 */
    Oid *types;
    int32 *typmods;
    parity_kind *kinds;
    bool *is_text;
    bool *generated;
    bool *identity; /* GENERATED ALWAYS AS IDENTITY */
    bool *notnull;
    bool *key;
    bool unique; /* a primary key, none of whose columns is generated */
} columns;

/* Reads the catalogs into the arena. */
static void read_columns(parity_arena *a, Oid relid, columns *out)
{
    Relation rel;
    TupleDesc desc;
    Oid constraint;
    Bitmapset *key;

    parity_pg_lock_relation(relid);
    rel = relation_open(relid, NoLock);
    desc = RelationGetDescr(rel);
    out->n = 0;
    out->names = parity_arena_alloc(a, sizeof(char *) * (size_t)(desc->natts + 1));
    out->types = parity_arena_alloc(a, sizeof(Oid) * (size_t)(desc->natts + 1));
    out->typmods = parity_arena_alloc(a, sizeof(int32) * (size_t)(desc->natts + 1));
    out->kinds = parity_arena_alloc(a, sizeof(parity_kind) * (size_t)(desc->natts + 1));
    out->is_text = parity_arena_alloc(a, sizeof(bool) * (size_t)(desc->natts + 1));
    out->generated = parity_arena_alloc(a, sizeof(bool) * (size_t)(desc->natts + 1));
    out->identity = parity_arena_alloc(a, sizeof(bool) * (size_t)(desc->natts + 1));
    out->notnull = parity_arena_alloc(a, sizeof(bool) * (size_t)(desc->natts + 1));
    out->key = parity_arena_alloc(a, sizeof(bool) * (size_t)(desc->natts + 1));
    key = get_primary_key_attnos(relid, true, &constraint);
    out->unique = key != NULL;
    for (int i = 0; i < desc->natts; i++) {
        Form_pg_attribute att = TupleDescAttr(desc, i);
        char *name;

        if (att->attisdropped)
            continue;
        name = parity_pg_to_utf8(NameStr(att->attname));
        out->names[out->n] = parity_arena_copy(a, name, strlen(name));
        if (!parity_pg_natural_kind(att->atttypid, att->atttypmod, &out->kinds[out->n], &out->is_text[out->n]))
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("column \"%s\" of \"%s\" is of type %s, which has no values to read",
                                   NameStr(att->attname), RelationGetRelationName(rel),
                                   format_type_be(att->atttypid))));
        out->types[out->n] = att->atttypid;
        out->typmods[out->n] = att->atttypmod;
        out->generated[out->n] = att->attgenerated != '\0';
        out->identity[out->n] = att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS;
        out->notnull[out->n] = att->attnotnull;
        out->key[out->n] = bms_is_member(att->attnum - FirstLowInvalidHeapAttributeNumber, key);
        if (out->key[out->n] && out->generated[out->n])
            out->unique = false;
        out->n++;
    }
    bms_free(key);
    relation_close(rel, NoLock);
}

/* The inferred spec, unsorted. */
static void infer(parity_arena *a, Oid relid, columns *cols, parity_spec *out)
{
    char *text;

    read_columns(a, relid, cols);
    memset(out, 0, sizeof(*out));
    text = parity_pg_to_utf8(get_namespace_name(get_rel_namespace(relid)));
    out->schema = parity_arena_copy(a, text, strlen(text));
    text = parity_pg_to_utf8(get_rel_name(relid));
    out->table = parity_arena_copy(a, text, strlen(text));
    out->columns = parity_arena_alloc(a, sizeof(parity_column) * (size_t)(cols->n + 1));
    out->left_out = parity_arena_alloc(a, sizeof(char *) * (size_t)(cols->n + 1));
    out->unique = cols->unique;
    for (int i = 0; i < cols->n; i++) {
        parity_column *col;

        if (cols->generated[i]) {
            out->left_out[out->nleft_out++] = cols->names[i];
            continue;
        }
        col = &out->columns[out->ncolumns++];
        col->name = cols->names[i];
        col->kind = cols->kinds[i];
        col->key = cols->key[i];
    }
}

/* Applies overrides that the caller gave. */
static void override(parity_arena *a, parity_spec *spec, Jsonb *overrides)
{
    parity_error err = {0};
    parity_status status;
    size_t n;
    char *json = parity_pg_json_text(overrides, &n);

    status = parity_spec_override(a, spec, json, n, &err);
    if (status != PARITY_OK)
        parity_pg_raise(status, &err);
}

/* Applies the stored overrides, or only sorts when there are none; an error says where they come from. */
static void override_stored(parity_arena *a, parity_spec *spec, Jsonb *overrides)
{
    parity_error err = {0};
    size_t n;
    char *json;

    if (overrides == NULL) {
        parity_spec_sort(spec);
        return;
    }
    json = parity_pg_json_text(overrides, &n);
    if (parity_spec_override(a, spec, json, n, &err) != PARITY_OK)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("the overrides stored for \"%s\" do not fit it", parity_pg_from_utf8(spec->table)),
                 errdetail("%s", parity_pg_from_utf8(err.message)),
                 errhint("Its owner can store others with parity.set_spec, or give it NULL to remove them.")));
}

void parity_pg_spec(parity_arena *a, Oid relid, parity_spec *out)
{
    columns cols;

    infer(a, relid, &cols, out);
    override_stored(a, out, parity_pg_read_override(relid));
}

/* Whether a jsonb object has an object at "columns" with this member. */
static bool names_column(Jsonb *overrides, const char *name)
{
    JsonbValue inner;
    JsonbValue found;

    if (overrides == NULL || !JB_ROOT_IS_OBJECT(overrides) ||
        getKeyJsonValueFromContainer(&overrides->root, "columns", 7, &inner) == NULL || inner.type != jbvBinary ||
        !JsonContainerIsObject(inner.val.binary.data))
        return false;
    return getKeyJsonValueFromContainer(inner.val.binary.data, name, (int)strlen(name), &found) != NULL;
}

/* How a literal of the type, whose own kind is natural, is written. */
static parity_store_as store_as(Oid type, const parity_kind *natural)
{
    Oid base = getBaseType(type);

    if (base == JSONOID || base == JSONBOID || natural->id == PARITY_VECTOR)
        return PARITY_STORE_JSON;
    if (parity_pg_is_hstore(base))
        return PARITY_STORE_HSTORE;
    if (get_typtype(base) == TYPTYPE_COMPOSITE)
        return PARITY_STORE_ROW;
    if (OidIsValid(get_element_type(base)))
        return PARITY_STORE_POPULATE;
    return PARITY_STORE_TEXT;
}

/* Whether `column = ANY (int8[])` finds the values that are framed as these integers, by an index if there is one. */
static bool is_integer(Oid type, const parity_kind *kind)
{
    Oid base = getBaseType(type);

    return (base == INT2OID || base == INT4OID || base == INT8OID) && kind->id == PARITY_INT && kind->options == 0;
}

/*
 * SQL that tells equal rows of a relation apart: an expression of one value,
 * as it is compared with those of a subquery.  NULL: there is none.
 */
static const char *row_id(Oid relid)
{
    switch (get_rel_relkind(relid)) {
    case RELKIND_RELATION:
        /* a ctid is a place in one table, not in those that inherit from it */
        return has_subclass(relid) ? "(tableoid, ctid)::pg_catalog.text" : "ctid";
    case RELKIND_PARTITIONED_TABLE:
        return "(tableoid, ctid)::pg_catalog.text";
    default:
        return NULL;
    }
}

/* The type as SQL names it whatever the search_path is, in UTF-8. */
static char *type_name(parity_arena *a, Oid type, int32 typmod)
{
    char *name = parity_pg_to_utf8(
        format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));

    return parity_arena_copy(a, name, strlen(name));
}

void parity_pg_describe(parity_arena *a, Oid relid, parity_local_table *out)
{
    columns cols;
    parity_spec spec;
    Jsonb *overrides = parity_pg_read_override(relid);

    infer(a, relid, &cols, &spec);
    override_stored(a, &spec, overrides);
    memset(out, 0, sizeof(*out));
    out->schema = spec.schema;
    out->name = spec.table;
    out->as = spec.as;
    out->row_id = row_id(relid);
    out->ncolumns = cols.n;
    out->columns = parity_arena_alloc(a, sizeof(parity_local_column) * (size_t)(cols.n + 1));
    for (int i = 0; i < cols.n; i++) {
        parity_local_column *col = &out->columns[i];
        const parity_column *read = NULL;

        col->name = cols.names[i];
        col->kind = col->natural = cols.kinds[i];
        if (getBaseType(cols.types[i]) == CASHOID) {
            /* cents: what has more digits would be rounded */
            col->natural.has_scale = true;
            col->natural.precision = 19;
            col->natural.scale = 2;
        }
        col->strict = true;
        col->identity = cols.identity[i];
        col->store = (uint8)store_as(cols.types[i], &col->natural);
        col->limited = cols.notnull[i] || parity_pg_is_limited(cols.types[i], cols.typmods[i], col->store);
        col->type = type_name(a, cols.types[i], cols.typmods[i]);
        col->is_text = cols.is_text[i];
        for (int j = 0; j < spec.ncolumns && read == NULL; j++)
            if (strcmp(spec.columns[j].name, col->name) == 0)
                read = &spec.columns[j];
        if (read != NULL) {
            col->kind = read->kind;
            col->as = read->as;
            col->overridden = names_column(overrides, parity_pg_from_utf8(col->name));
        } else if (cols.generated[i])
            col->generated = true;
        else
            col->excluded = true;
        col->integer = is_integer(cols.types[i], &col->kind);
    }
}

/* "a, b, c": the columns of a relation, for a hint. */
static char *column_list(const columns *cols)
{
    StringInfoData out;

    initStringInfo(&out);
    for (int i = 0; i < cols->n; i++) {
        if (out.len > 400) {
            appendStringInfoString(&out, ", ...");
            break;
        }
        appendStringInfo(&out, "%s%s", i > 0 ? ", " : "", parity_pg_from_utf8(cols->names[i]));
    }
    return out.data;
}

void parity_pg_require_columns(const parity_spec *spec)
{
    if (spec->ncolumns == 0)
        ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
                        errmsg("table \"%s\" has no columns to read", parity_pg_from_utf8(spec->table)),
                        spec->nleft_out > 0 ? errdetail("Generated and excluded columns are left out.") : 0));
}

void parity_pg_spec_given(parity_arena *a, Oid relid, Jsonb *json, parity_spec *out)
{
    columns cols;
    parity_spec inferred;
    parity_error err = {0};
    parity_status status;
    JsonbValue found;
    char *text;
    size_t n;

    if (json == NULL || !JB_ROOT_IS_OBJECT(json) ||
        getKeyJsonValueFromContainer(&json->root, "columns", 7, &found) == NULL || found.type != jbvBinary ||
        !JsonContainerIsArray(found.val.binary.data)) {
        parity_pg_spec(a, relid, out);
        if (json != NULL)
            override(a, out, json);
        return;
    }
    infer(a, relid, &cols, &inferred);
    text = parity_pg_json_text(json, &n);
    status = parity_spec_parse(a, text, n, out, &err);
    if (status != PARITY_OK)
        parity_pg_raise(status, &err);
    for (int i = 0; i < out->ncolumns; i++) {
        bool exists = false;

        for (int j = 0; j < cols.n && !exists; j++)
            exists = strcmp(cols.names[j], out->columns[i].name) == 0;
        if (!exists)
            ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                            errmsg("column \"%s\" of table \"%s\" does not exist",
                                   parity_pg_from_utf8(out->columns[i].name), parity_pg_from_utf8(inferred.table)),
                            errhint("Columns: %s", column_list(&cols))));
    }
    out->schema = inferred.schema;
    out->table = inferred.table;
}

void parity_pg_set_spec(Oid relid, Jsonb *overrides)
{
    parity_pg_lock_relation(relid);
    if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
        aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)), get_rel_name(relid));
    if (overrides != NULL) {
        parity_pg_room room;
        parity_spec spec;
        columns cols;

        parity_pg_room_open(&room, CurrentMemoryContext);
        infer(&room.arena, relid, &cols, &spec);
        override(&room.arena, &spec, overrides);
        parity_pg_room_close(&room);
    }
    parity_pg_write_override(relid, overrides);
}

PG_FUNCTION_INFO_V1(parity_sql_spec);
Datum parity_sql_spec(PG_FUNCTION_ARGS)
{
    parity_pg_room room;
    parity_spec spec;
    parity_buf json;
    Jsonb *out;

    parity_pg_require(fcinfo, 0, "rel");
    parity_pg_room_open(&room, CurrentMemoryContext);
    parity_pg_spec(&room.arena, PG_GETARG_OID(0), &spec);
    parity_buf_init(&json, room.mem);
    if (parity_spec_print(&json, &spec) != PARITY_OK)
        elog(ERROR, "could not print a spec");
    out = parity_pg_jsonb((char *)json.data, json.len);
    parity_pg_room_close(&room);
    /* the catalogs are no secret, but who may not read the table should not keep others from altering it */
    UnlockRelationOid(PG_GETARG_OID(0), AccessShareLock);
    PG_RETURN_JSONB_P(out);
}

PG_FUNCTION_INFO_V1(parity_sql_set_spec);
Datum parity_sql_set_spec(PG_FUNCTION_ARGS)
{
    parity_pg_require(fcinfo, 0, "rel");
    parity_pg_set_spec(PG_GETARG_OID(0), PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1));
    PG_RETURN_VOID();
}
