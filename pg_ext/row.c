/*
 * row.c - readers for a call's arguments, and what the aggregates share
 */
#include "row.h"

#include "access/htup_details.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

parity_kind *parity_kinds_parse(const char *text, size_t n, MemoryContext context, int *nkinds)
{
    const char *end = text + n;
    parity_kind *kinds;
    int count = 1;

    for (const char *p = text; p < end; p++)
        count += *p == '\n';
    kinds = MemoryContextAlloc(context, sizeof *kinds * (size_t)count);
    for (int i = 0; i < count; i++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        parity_error err;

        if (stop == NULL)
            stop = end;
        parity_pg_check(parity_kind_parse(text, (size_t)(stop - text), &kinds[i], &err), &err);
        text = stop + 1;
    }
    *nkinds = count;
    return kinds;
}

bool parity_row_is_literal(FunctionCallInfo fcinfo, int arg)
{
    Aggref *aggregate = AggGetAggref(fcinfo);
    Node *call = fcinfo->flinfo->fn_expr;

    if (aggregate != NULL)
        return arg >= 1 && arg <= list_length(aggregate->args) &&
               IsA(list_nth_node(TargetEntry, aggregate->args, arg - 1)->expr, Const);
    return call != NULL && IsA(call, FuncExpr) && arg < list_length(((FuncExpr *)call)->args) &&
           IsA(list_nth(((FuncExpr *)call)->args, arg), Const);
}

void parity_row_constant(ParityRow *row, FunctionCallInfo fcinfo, int slot, int arg, const char *name)
{
    const struct varlena *now, *then = row->texts[slot];
    Datum value = fcinfo->args[arg].value;

    if (fcinfo->args[arg].isnull)
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", name)));
    /* the same pointer does not mean the same text: an expression may reuse memory */
    now = parity_packed(value);
    if (then == NULL) {
        MemoryContext old = MemoryContextSwitchTo(row->context);

        row->texts[slot] = (struct varlena *)cstring_to_text_with_len(VARDATA_ANY(now), (int)VARSIZE_ANY_EXHDR(now));
        row->fixed[slot] = parity_row_is_literal(fcinfo, arg);
        MemoryContextSwitchTo(old);
    } else if (VARSIZE_ANY_EXHDR(now) != VARSIZE_ANY_EXHDR(then) ||
               memcmp(VARDATA_ANY(now), VARDATA_ANY(then), VARSIZE_ANY_EXHDR(then)) != 0)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be the same in every row", name)));
    parity_packed_done(now, value);
}

/* Whether an argument of this type stands for its fields. */
static bool is_row_type(Oid type)
{
    type = getBaseType(type);
    return type == RECORDOID || get_typtype(type) == TYPTYPE_COMPOSITE;
}

/* The declared type modifier of an argument, where it can be known. */
static int32 argument_typmod(FunctionCallInfo fcinfo, int arg)
{
    Aggref *aggregate = AggGetAggref(fcinfo);
    Node *call = fcinfo->flinfo->fn_expr;

    if (aggregate != NULL && arg >= 1 && arg <= list_length(aggregate->args))
        return exprTypmod((Node *)list_nth_node(TargetEntry, aggregate->args, arg - 1)->expr);
    if (call != NULL && IsA(call, FuncExpr) && arg < list_length(((FuncExpr *)call)->args))
        return exprTypmod(list_nth(((FuncExpr *)call)->args, arg));
    return -1;
}

static ParityShape *open_shape(ParityRow *row, Oid type, int32 typmod)
{
    MemoryContext context = AllocSetContextCreate(row->context, "parity row type", ALLOCSET_SMALL_SIZES);
    MemoryContext old = MemoryContextSwitchTo(context);
    ParityShape *s = palloc0(sizeof *s);
    int n = 0, live = 0;

    s->context = context;
    s->type = type;
    s->typmod = typmod;
    s->identifier = assign_record_type_identifier(type, typmod);
    s->desc = lookup_rowtype_tupdesc_copy(type, typmod);
    for (int i = 0; i < s->desc->natts; i++)
        live += !TupleDescAttr(s->desc, i)->attisdropped;
    if (row->kinds != NULL && live != row->nkinds)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("%d kinds for a row of %d columns", row->nkinds, live)));
    s->attribute = palloc(sizeof *s->attribute * (size_t)(live + 1));
    s->readers = palloc(sizeof *s->readers * (size_t)(live + 1));
    s->values = palloc0(sizeof *s->values * (size_t)(s->desc->natts + 1));
    s->nulls = palloc0(sizeof *s->nulls * (size_t)(s->desc->natts + 1));
    for (int i = 0; i < s->desc->natts; i++) {
        Form_pg_attribute a = TupleDescAttr(s->desc, i);

        if (a->attisdropped)
            continue;
        parity_reader_init(&s->readers[n], a->atttypid, a->atttypmod, row->kinds == NULL ? NULL : &row->kinds[n],
                           context);
        s->attribute[n++] = i;
    }
    s->nfields = n;
    MemoryContextSwitchTo(old);
    return s;
}

ParityShape *parity_row_fields(ParityRow *row, ParityArgument *argument, Datum value, bool isnull)
{
    ParityShape *s = argument->shape;
    HeapTupleHeader header;
    HeapTupleData tuple;

    if (isnull) {
        if (s == NULL)
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("cannot tell the columns of a NULL record"),
                            errhint("Cast it to a named row type, or pass its columns one by one.")));
        memset(s->nulls, true, sizeof *s->nulls * (size_t)s->desc->natts);
        return s;
    }
    header = DatumGetHeapTupleHeader(value);
    if (unlikely(s == NULL || s->type != HeapTupleHeaderGetTypeId(header) ||
                 s->typmod != HeapTupleHeaderGetTypMod(header) ||
                 s->identifier != assign_record_type_identifier(s->type, s->typmod))) {
        if (s != NULL)
            MemoryContextDelete(s->context);
        argument->shape = NULL;
        argument->shape = s = open_shape(row, HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
    }
    tuple.t_len = HeapTupleHeaderGetDatumLength(header);
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_tableOid = InvalidOid;
    tuple.t_data = header;
    heap_deform_tuple(&tuple, s->desc, s->values, s->nulls);
    return s;
}

void parity_row_put_nested(ParityRow *row, FunctionCallInfo fcinfo)
{
    const NullableDatum *arg = &fcinfo->args[row->first];
    parity_buf *b = &row->buf;
    unsigned notes = 0;

    for (int i = 0; i < row->nargs; i++) {
        ParityArgument *a = &row->args[i];
        ParityShape *s;
        ParityCursor c;

        if (!a->is_row) {
            parity_reader_put(&a->reader, arg[i].value, arg[i].isnull, false, b, &row->scratch, &notes, NULL);
            continue;
        }
        s = parity_row_fields(row, a, arg[i].value, arg[i].isnull);
        c = parity_cursor_open(b);
        for (int f = 0; f < s->nfields; f++) {
            int at = s->attribute[f];

            c = parity_reader_put_at(c, &s->readers[f], s->values[at], s->nulls[at], false, b, &row->scratch, &notes,
                                     NULL);
        }
        parity_cursor_close(&c, b);
    }
}

ParityRow *parity_row_open(FunctionCallInfo fcinfo, int first, const parity_kind *kinds, int nkinds)
{
    MemoryContext context = fcinfo->flinfo->fn_mcxt;
    MemoryContext old = MemoryContextSwitchTo(context);
    const parity_mem *mem = parity_pg_mem(context);
    ParityRow *row = palloc0(sizeof *row);

    row->context = context;
    row->first = first;
    row->nargs = PG_NARGS() - first;
    row->flat = true;
    row->kinds = kinds;
    row->nkinds = nkinds;
    row->args = palloc0(sizeof *row->args * (size_t)(row->nargs + 1));
    parity_buf_init(&row->buf, mem);
    parity_buf_init(&row->scratch, mem);
    if (get_fn_expr_variadic(fcinfo->flinfo))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("VARIADIC with an array is not supported"),
                        errhint("Pass the columns one by one, or the array itself, without VARIADIC.")));
    for (int i = 0; i < row->nargs; i++) {
        ParityArgument *a = &row->args[i];

        a->type = get_fn_expr_argtype(fcinfo->flinfo, first + i);
        if (!OidIsValid(a->type))
            ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_DATATYPE),
                            errmsg("cannot tell the type of argument %d", first + i + 1)));
        a->is_row = is_row_type(a->type) && (kinds == NULL || (row->nargs == 1 && nkinds > 1));
        row->flat = row->flat && !a->is_row;
    }
    if (kinds != NULL && row->flat && nkinds != row->nargs)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("%d kinds for %d columns", nkinds, row->nargs)));
    for (int i = 0; i < row->nargs; i++) {
        ParityArgument *a = &row->args[i];

        if (!a->is_row)
            parity_reader_init(&a->reader, a->type, argument_typmod(fcinfo, first + i),
                               kinds == NULL ? NULL : &kinds[i], context);
        else if (getBaseType(a->type) != RECORDOID)
            a->shape = open_shape(row, getBaseType(a->type), -1);
    }
    MemoryContextSwitchTo(old);
    return row;
}

ParityRow *parity_row_open_kinds(FunctionCallInfo fcinfo, int first)
{
    const struct varlena *packed;
    parity_kind *kinds;
    ParityRow *row;
    int n;

    if (PG_ARGISNULL(1))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", "kinds")));
    packed = parity_packed(PG_GETARG_DATUM(1));
    kinds = parity_kinds_parse(VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed), fcinfo->flinfo->fn_mcxt, &n);
    row = parity_row_open(fcinfo, first, kinds, n);
    parity_row_constant(row, fcinfo, 0, 1, "kinds");
    return row;
}

parity_status parity_row_column(void *ctx, int i, bool rounded, parity_buf *b, parity_buf *scratch, unsigned *notes,
                                parity_value *example)
{
    ParityRow *row = ctx;
    const ParityShape *s = row->shape;

    if (row->flat)
        parity_reader_put(&row->args[i].reader, row->current[i].value, row->current[i].isnull, rounded, b, scratch,
                          notes, example);
    else
        parity_reader_put(&s->readers[i], s->values[s->attribute[i]], s->nulls[s->attribute[i]], rounded, b, scratch,
                          notes, example);
    return PARITY_OK;
}

ParityPass *parity_pass_open(FunctionCallInfo fcinfo, const char *name)
{
    MemoryContext context = fcinfo->flinfo->fn_mcxt;
    ParityPass *pass = MemoryContextAllocZero(context, sizeof *pass);
    const char *keys;
    bool *key;
    size_t n;

    pass->row = parity_row_open_kinds(fcinfo, 4);
    parity_row_constant(pass->row, fcinfo, 1, 2, "keys");
    if (PG_ARGISNULL(3))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", name)));
    pass->number = PG_GETARG_INT32(3);
    keys = VARDATA_ANY(pass->row->texts[1]);
    n = VARSIZE_ANY_EXHDR(pass->row->texts[1]);
    if (n != (size_t)pass->row->nkinds || strspn(text_to_cstring((text *)pass->row->texts[1]), "01") != n)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("keys must have one digit, 0 or 1, for each of the %d columns", pass->row->nkinds)));
    key = MemoryContextAlloc(context, sizeof *key * n);
    for (size_t i = 0; i < n; i++)
        key[i] = keys[i] == '1';
    parity_pg_check(parity_scan_init(&pass->scan, pass->row->buf.mem, (int)n, key, true), NULL);
    return pass;
}

struct varlena *parity_state_unpack(Datum value)
{
    struct varlena *state = PG_DETOAST_DATUM(value);

    if ((const void *)TYPEALIGN(MAXIMUM_ALIGNOF, (uintptr_t)state) != (const void *)state) {
        struct varlena *copy = palloc(VARSIZE(state));

        memcpy(copy, state, VARSIZE(state));
        state = copy;
    }
    return state;
}
