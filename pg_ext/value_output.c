/*
 * value_output.c - output functions that print the same in every session
 *
 * What a type's output function prints may depend on TimeZone, DateStyle,
 * IntervalStyle, extra_float_digits, bytea_output and quote_all_identifiers.
 * They are C variables that the output functions read, so they are set and put
 * back around the call, which costs next to nothing; going through the
 * settings' own machinery would cost more than most calls.  Names of objects
 * (regclass and its kin) also depend on search_path, and money inside an array
 * or a composite on lc_monetary: these two have state of their own behind the
 * variable, so for types that hold such values they are set as a function's
 * SET clause would, which parallel workers may do, too.
 */
#include "value.h"

#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_proc.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/typcache.h"

const char *parity_pg_utf8(const char *text, size_t *n)
{
    char *converted;

    if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
        return text;
    converted = pg_server_to_any(text, (int)*n, PG_UTF8);
    if (converted != text)
        *n = strlen(converted);
    return converted;
}

/* What printing a type of an extension depends on cannot be known: its volatility tells at least whether. */
static ParityPin pin_of_foreign(Oid type)
{
    Oid function;
    bool is_varlena;

    getTypeOutputInfo(type, &function, &is_varlena);
    return func_volatile(function) == PROVOLATILE_IMMUTABLE ? PARITY_PIN_FORMATS : PARITY_PIN_NAMESPACE;
}

static ParityPin pin_of_row(Oid type)
{
    TupleDesc desc = lookup_rowtype_tupdesc_copy(type, -1);
    ParityPin pin = PARITY_PIN_FORMATS;

    for (int i = 0; i < desc->natts && pin < PARITY_PIN_NAMESPACE; i++)
        if (!TupleDescAttr(desc, i)->attisdropped)
            pin = Max(pin, parity_pg_pin(TupleDescAttr(desc, i)->atttypid));
    FreeTupleDesc(desc);
    return pin;
}

bool parity_pg_prints_names(Oid type)
{
    switch (type) {
    case REGPROCOID:
    case REGPROCEDUREOID:
    case REGOPEROID:
    case REGOPERATOROID:
    case REGCLASSOID:
    case REGTYPEOID:
    case REGCOLLATIONOID:
    case REGCONFIGOID:
    case REGDICTIONARYOID:
    case REGROLEOID:
    case REGNAMESPACEOID:
    case ACLITEMOID:
        return true;
    default:
        return false;
    }
}

ParityPin parity_pg_pin(Oid type)
{
    Oid element;

    check_stack_depth();
    type = getBaseType(type);
    if (parity_pg_prints_names(type))
        return PARITY_PIN_NAMESPACE;
    switch (type) {
    case BOOLOID:
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case OIDOID:
    case XIDOID:
    case CIDOID:
    case XID8OID:
    case TIDOID:
    case NUMERICOID:
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case NAMEOID:
    case CHAROID:
    case UUIDOID:
    case JSONOID:
    case JSONBOID:
    case XMLOID:
    case INETOID:
    case CIDROID:
    case MACADDROID:
    case MACADDR8OID:
    case BITOID:
    case VARBITOID:
    case TSVECTOROID:
    case TSQUERYOID:
    case PG_LSNOID:
        return PARITY_PIN_NONE;
    case CASHOID:
    case RECORDOID: /* may hold anything */
    case RECORDARRAYOID:
    case ANYARRAYOID:
        return PARITY_PIN_NAMESPACE;
    default:
        break;
    }
    element = get_element_type(type);
    if (OidIsValid(element))
        return Max(parity_pg_pin(element), PARITY_PIN_FORMATS);
    switch (get_typtype(type)) {
    case TYPTYPE_COMPOSITE:
        return pin_of_row(type);
    case TYPTYPE_RANGE:
        return Max(parity_pg_pin(get_range_subtype(type)), PARITY_PIN_FORMATS);
    case TYPTYPE_MULTIRANGE:
        return Max(parity_pg_pin(get_multirange_range(type)), PARITY_PIN_FORMATS);
    case TYPTYPE_ENUM:
        return PARITY_PIN_NONE;
    default:
        return type < FirstNormalObjectId ? PARITY_PIN_FORMATS : pin_of_foreign(type);
    }
}

/* The settings, as the output functions read them. */
typedef struct Formats {
    pg_tz *zone;
    int date_style, date_order, interval_style, float_digits, bytea;
    bool quote_all;
} Formats;

static Formats get_formats(void)
{
    Formats f = {session_timezone, DateStyle, DateOrder, IntervalStyle, extra_float_digits, bytea_output,
                 quote_all_identifiers};

    return f;
}

static void set_formats(const Formats *f)
{
    session_timezone = f->zone;
    DateStyle = f->date_style;
    DateOrder = f->date_order;
    IntervalStyle = f->interval_style;
    extra_float_digits = f->float_digits;
    bytea_output = f->bytea;
    quote_all_identifiers = f->quote_all;
}

static char *print(ParityReader *r, Datum value)
{
    return r->json != NULL ? parity_json_text(r->json, value) : OutputFunctionCall(&r->function, value);
}

static char *print_with_formats(ParityReader *r, Datum value)
{
    static Formats pinned;
    Formats saved = get_formats();
    char *volatile result = NULL;

    if (pinned.zone == NULL) {
        /* GMT is UTC that needs no file; both are printed as +00 */
        pinned.date_style = USE_ISO_DATES;
        pinned.date_order = DATEORDER_MDY;
        pinned.interval_style = INTSTYLE_POSTGRES;
        pinned.float_digits = 1;
        pinned.bytea = BYTEA_OUTPUT_HEX;
        pinned.quote_all = false;
        pinned.zone = pg_tzset("GMT");
    }
    PG_TRY();
    {
        set_formats(&pinned);
        result = print(r, value);
    }
    PG_FINALLY();
    {
        set_formats(&saved);
    }
    PG_END_TRY();
    return result;
}

static void set_for_call(const char *name, const char *value)
{
    (void)set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

char *parity_pg_print(ParityReader *r, Datum value)
{
    char *result;
    int level;

    switch ((ParityPin)r->pin) {
    case PARITY_PIN_NONE:
        return print(r, value);
    case PARITY_PIN_FORMATS:
        return print_with_formats(r, value);
    case PARITY_PIN_NAMESPACE:
        break;
    }
    level = NewGUCNestLevel();
    set_for_call("search_path", "pg_catalog, pg_temp"); /* temporary objects hide nothing */
    set_for_call("lc_monetary", "C");
    result = print_with_formats(r, value);
    AtEOXact_GUC(true, level);
    return result;
}
