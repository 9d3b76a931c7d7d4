/*
 * value_json.c - arrays, composites and hstore as JSON
 *
 * What is written is what to_json writes.  to_json itself is not called: for
 * elements and fields of types that are not built in it looks for a cast to
 * json, and whoever owns an enum or a composite type may create such a cast.
 * A checksum by a superuser would then run a stranger's function, which a
 * plain SELECT of the same table does not.  Here only output functions run,
 * as in a SELECT, and hstore's own function, which is C.
 */
#include "value.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

typedef enum How { BOOLEAN, NUMBER, MOMENT, RAW, ARRAY, ROW, STRING } How;

struct ParityJson {
    How how;
    Oid type;          /* base type */
    FmgrInfo function; /* output; of RAW what gives json */
    /* ARRAY */
    ParityJson *element;
    int16 length;
    bool by_value;
    char align;
    /* ROW of a named type: its fields, NULL where one is dropped */
    TupleDesc desc;
    ParityJson **fields;
    MemoryContext context;
};

/* hstore's own cast to json, or InvalidOid. */
static Oid json_function(Oid type)
{
    Oid function = InvalidOid;
    HeapTuple tuple;

    if (!parity_pg_is_hstore(type) ||
        find_coercion_pathway(JSONOID, type, COERCION_EXPLICIT, &function) != COERCION_PATH_FUNC)
        return InvalidOid;
    tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple))
        return InvalidOid;
    if (((Form_pg_proc)GETSTRUCT(tuple))->prolang != ClanguageId)
        function = InvalidOid;
    ReleaseSysCache(tuple);
    return function;
}

ParityJson *parity_json_open(Oid type, MemoryContext context)
{
    MemoryContext old = MemoryContextSwitchTo(context);
    ParityJson *j = palloc0(sizeof *j);
    Oid element, function;
    bool is_varlena;

    check_stack_depth();
    type = getBaseType(type);
    j->type = type;
    j->context = context;
    element = get_element_type(type);
    if (OidIsValid(element)) {
        j->how = ARRAY;
        get_typlenbyvalalign(element, &j->length, &j->by_value, &j->align);
        j->element = parity_json_open(element, context);
        MemoryContextSwitchTo(old);
        return j;
    }
    if (type == RECORDARRAYOID) {
        j->how = ARRAY;
        get_typlenbyvalalign(RECORDOID, &j->length, &j->by_value, &j->align);
        j->element = parity_json_open(RECORDOID, context);
        MemoryContextSwitchTo(old);
        return j;
    }
    if (type == RECORDOID || get_typtype(type) == TYPTYPE_COMPOSITE) {
        j->how = ROW;
        if (type != RECORDOID) {
            j->desc = lookup_rowtype_tupdesc_copy(type, -1);
            j->fields = palloc0(sizeof *j->fields * (size_t)(j->desc->natts + 1));
            for (int i = 0; i < j->desc->natts; i++)
                if (!TupleDescAttr(j->desc, i)->attisdropped)
                    j->fields[i] = parity_json_open(TupleDescAttr(j->desc, i)->atttypid, context);
        }
        MemoryContextSwitchTo(old);
        return j;
    }
    switch (type) {
    case BOOLOID:
        j->how = BOOLEAN;
        break;
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case FLOAT4OID:
    case FLOAT8OID:
    case NUMERICOID:
        j->how = NUMBER;
        break;
    case DATEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
        j->how = MOMENT;
        break;
    case JSONOID:
    case JSONBOID:
        j->how = RAW;
        break;
    default:
        j->how = STRING;
        break;
    }
    getTypeOutputInfo(type, &function, &is_varlena);
    if (j->how == STRING && OidIsValid(json_function(type))) {
        function = json_function(type);
        j->how = RAW;
        j->type = InvalidOid; /* the function gives json, not a C string */
    }
    fmgr_info_cxt(function, &j->function, context);
    MemoryContextSwitchTo(old);
    return j;
}

static void write_value(ParityJson *j, Datum value, bool isnull, StringInfo out);

/* One dimension of an array; *item counts the elements that were written. */
static void write_dimension(ParityJson *j, int dim, int ndim, const int *dims, const Datum *items, const bool *nulls,
                            int *item, StringInfo out)
{
    appendStringInfoChar(out, '[');
    for (int i = 0; i < dims[dim]; i++) {
        if (i > 0)
            appendStringInfoChar(out, ',');
        if (dim + 1 < ndim)
            write_dimension(j, dim + 1, ndim, dims, items, nulls, item, out);
        else {
            write_value(j->element, items[*item], nulls[*item], out);
            ++*item;
        }
    }
    appendStringInfoChar(out, ']');
}

static void write_array(ParityJson *j, Datum value, StringInfo out)
{
    ArrayType *array = DatumGetArrayTypeP(value);
    Datum *items;
    bool *nulls;
    int n, item = 0;

    if (ARR_NDIM(array) == 0) {
        appendStringInfoString(out, "[]");
        return;
    }
    CHECK_FOR_INTERRUPTS();
    deconstruct_array(array, ARR_ELEMTYPE(array), j->length, j->by_value, j->align, &items, &nulls, &n);
    write_dimension(j, 0, ARR_NDIM(array), ARR_DIMS(array), items, nulls, &item, out);
    pfree(items);
    pfree(nulls);
}

static void write_row(ParityJson *j, Datum value, StringInfo out)
{
    HeapTupleHeader header = DatumGetHeapTupleHeader(value);
    TupleDesc desc = j->desc;
    HeapTupleData tuple;
    Datum *values;
    bool *nulls;
    bool first = true;

    if (desc == NULL)
        desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
    tuple.t_len = HeapTupleHeaderGetDatumLength(header);
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_tableOid = InvalidOid;
    tuple.t_data = header;
    values = palloc(sizeof *values * (size_t)(desc->natts + 1));
    nulls = palloc(sizeof *nulls * (size_t)(desc->natts + 1));
    heap_deform_tuple(&tuple, desc, values, nulls);
    appendStringInfoChar(out, '{');
    for (int i = 0; i < desc->natts; i++) {
        Form_pg_attribute att = TupleDescAttr(desc, i);

        if (att->attisdropped)
            continue;
        if (!first)
            appendStringInfoChar(out, ',');
        first = false;
        escape_json(out, NameStr(att->attname));
        appendStringInfoChar(out, ':');
        /* the fields of an anonymous record are known only now: a row may have others than the last */
        write_value(j->fields != NULL ? j->fields[i] : parity_json_open(att->atttypid, CurrentMemoryContext),
                    values[i], nulls[i], out);
    }
    appendStringInfoChar(out, '}');
    pfree(values);
    pfree(nulls);
    if (j->desc == NULL)
        ReleaseTupleDesc(desc);
}

static void write_value(ParityJson *j, Datum value, bool isnull, StringInfo out)
{
    char moment[MAXDATELEN + 1];
    const char *printed;

    check_stack_depth();
    if (isnull) {
        appendStringInfoString(out, "null");
        return;
    }
    switch (j->how) {
    case BOOLEAN:
        appendStringInfoString(out, DatumGetBool(value) ? "true" : "false");
        return;
    case NUMBER:
        printed = OutputFunctionCall(&j->function, value);
        /* NaN and infinities are no JSON numbers */
        if ((*printed >= '0' && *printed <= '9') || (*printed == '-' && printed[1] >= '0' && printed[1] <= '9'))
            appendStringInfoString(out, printed);
        else
            escape_json(out, printed);
        return;
    case MOMENT:
        JsonEncodeDateTime(moment, value, j->type, NULL);
        escape_json(out, moment);
        return;
    case RAW:
        if (OidIsValid(j->type))
            appendStringInfoString(out, OutputFunctionCall(&j->function, value));
        else {
            const struct varlena *json = DatumGetTextPP(FunctionCall1(&j->function, value));

            appendBinaryStringInfo(out, VARDATA_ANY(json), (int)VARSIZE_ANY_EXHDR(json));
        }
        return;
    case ARRAY:
        write_array(j, value, out);
        return;
    case ROW:
        write_row(j, value, out);
        return;
    case STRING:
        escape_json(out, OutputFunctionCall(&j->function, value));
        return;
    }
}

char *parity_json_text(ParityJson *j, Datum value)
{
    StringInfoData out;

    initStringInfo(&out);
    write_value(j, value, false, &out);
    return out.data;
}
