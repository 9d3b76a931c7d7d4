/*
 * value.c - which kind a type has, and how its values are read
 *
 * docs/FORMAT.md, "PostgreSQL types", is the norm.
 */
#include "value.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* Whether type belongs to the extension that has its name, and that name is one of ours. */
static bool type_of_extension(Oid type, ParityHow *how)
{
    static const struct {
        const char *name;
        ParityHow how;
    } known[] = {
        {"citext", PARITY_HOW_TEXT}, {"hstore", PARITY_HOW_TO_JSON}, {"vector", PARITY_HOW_VECTOR}};
    HeapTuple tuple;
    char name[NAMEDATALEN];

    /* base types are made by superusers only: an extension's owner may give it types of other sorts under any name */
    if (type < FirstNormalObjectId || get_typtype(type) != TYPTYPE_BASE)
        return false;
    tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(tuple))
        return false;
    strlcpy(name, NameStr(((Form_pg_type)GETSTRUCT(tuple))->typname), sizeof name);
    ReleaseSysCache(tuple);
    for (size_t i = 0; i < lengthof(known); i++) {
        Oid extension;
        char *owner;

        if (strcmp(name, known[i].name) != 0)
            continue;
        extension = getExtensionOfObject(TypeRelationId, type);
        owner = OidIsValid(extension) ? get_extension_name(extension) : NULL;
        if (owner == NULL || strcmp(owner, name) != 0)
            return false;
        *how = known[i].how;
        return true;
    }
    return false;
}

bool parity_pg_is_hstore(Oid type)
{
    ParityHow how;

    return type_of_extension(type, &how) && how == PARITY_HOW_TO_JSON;
}

/* How values of a base type are read; false when they cannot be. */
static bool classify(Oid type, ParityHow *how)
{
    switch (type) {
    case BOOLOID:
        *how = PARITY_HOW_BOOL;
        return true;
    case INT2OID:
        *how = PARITY_HOW_INT2;
        return true;
    case INT4OID:
        *how = PARITY_HOW_INT4;
        return true;
    case INT8OID:
        *how = PARITY_HOW_INT8;
        return true;
    case OIDOID:
    case XIDOID:
    case CIDOID:
        *how = PARITY_HOW_OID;
        return true;
    case XID8OID:
        *how = PARITY_HOW_XID8;
        return true;
    case FLOAT4OID:
        *how = PARITY_HOW_FLOAT4;
        return true;
    case FLOAT8OID:
        *how = PARITY_HOW_FLOAT8;
        return true;
    case NUMERICOID:
        *how = PARITY_HOW_NUMERIC;
        return true;
    case CASHOID:
        *how = PARITY_HOW_MONEY;
        return true;
    case TEXTOID:
    case VARCHAROID:
        *how = PARITY_HOW_TEXT;
        return true;
    case BPCHAROID:
        *how = PARITY_HOW_BPCHAR;
        return true;
    case NAMEOID:
        *how = PARITY_HOW_NAME;
        return true;
    case CHAROID:
        *how = PARITY_HOW_QCHAR;
        return true;
    case UNKNOWNOID:
    case CSTRINGOID:
        *how = PARITY_HOW_CSTRING;
        return true;
    case BYTEAOID:
        *how = PARITY_HOW_BYTEA;
        return true;
    case DATEOID:
        *how = PARITY_HOW_DATE;
        return true;
    case TIMEOID:
        *how = PARITY_HOW_TIME;
        return true;
    case TIMETZOID:
        *how = PARITY_HOW_TIMETZ;
        return true;
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
        *how = PARITY_HOW_STAMP;
        return true;
    case INTERVALOID:
        *how = PARITY_HOW_INTERVAL;
        return true;
    case UUIDOID:
        *how = PARITY_HOW_UUID;
        return true;
    case JSONOID:
        *how = PARITY_HOW_JSON;
        return true;
    case JSONBOID:
        *how = PARITY_HOW_JSONB;
        return true;
    case RECORDOID:
        *how = PARITY_HOW_TO_JSON;
        return true;
    case ANYARRAYOID: /* columns of pg_statistic; to_json does not take them */
        *how = PARITY_HOW_OUTPUT;
        return true;
    default:
        break;
    }
    if (OidIsValid(get_element_type(type))) {
        *how = PARITY_HOW_ARRAY;
        return true;
    }
    switch (get_typtype(type)) {
    case TYPTYPE_ENUM:
        *how = PARITY_HOW_ENUM;
        return true;
    case TYPTYPE_COMPOSITE:
        *how = PARITY_HOW_TO_JSON;
        return true;
    case TYPTYPE_PSEUDO:
    case '\0':
        return false;
    default:
        if (!type_of_extension(type, how))
            *how = PARITY_HOW_OUTPUT;
        return true;
    }
}

static parity_kind_id kind_of(ParityHow how, Oid type)
{
    switch (how) {
    case PARITY_HOW_BOOL:
        return PARITY_BOOL;
    case PARITY_HOW_INT2:
    case PARITY_HOW_INT4:
    case PARITY_HOW_INT8:
    case PARITY_HOW_OID:
    case PARITY_HOW_XID8:
        return PARITY_INT;
    case PARITY_HOW_FLOAT8:
        return PARITY_FLOAT8;
    case PARITY_HOW_FLOAT4:
        return PARITY_FLOAT4;
    case PARITY_HOW_NUMERIC:
    case PARITY_HOW_MONEY:
        return PARITY_DECIMAL;
    case PARITY_HOW_BPCHAR:
        return PARITY_CHAR;
    case PARITY_HOW_BYTEA:
        return PARITY_BYTES;
    case PARITY_HOW_DATE:
        return PARITY_DATE;
    case PARITY_HOW_STAMP:
        return type == TIMESTAMPTZOID ? PARITY_TIMESTAMPTZ : PARITY_TIMESTAMP;
    case PARITY_HOW_TIME:
        return PARITY_TIME;
    case PARITY_HOW_TIMETZ:
        return PARITY_TIMETZ;
    case PARITY_HOW_INTERVAL:
        return PARITY_INTERVAL;
    case PARITY_HOW_UUID:
        return PARITY_UUID;
    case PARITY_HOW_JSON:
    case PARITY_HOW_JSONB:
    case PARITY_HOW_ARRAY:
    case PARITY_HOW_TO_JSON:
        return PARITY_JSON;
    case PARITY_HOW_VECTOR:
        return PARITY_VECTOR;
    case PARITY_HOW_TEXT:
    case PARITY_HOW_NAME:
    case PARITY_HOW_QCHAR:
    case PARITY_HOW_CSTRING:
    case PARITY_HOW_ENUM:
    case PARITY_HOW_OUTPUT:
        break;
    }
    return PARITY_TEXT;
}

/* The natural kind of a base type, with the numbers of its typmod. */
static parity_kind natural_kind(ParityHow how, Oid type, int32 typmod)
{
    parity_kind kind;

    memset(&kind, 0, sizeof kind);
    kind.id = (uint8)kind_of(how, type);
    switch (how) {
    case PARITY_HOW_NUMERIC:
        if (typmod >= (int32)VARHDRSZ) {
            uint32 packed = (uint32)(typmod - (int32)VARHDRSZ);

            /* scale: 11 bits with a sign since 15, below 1024 before */
            kind.has_scale = true;
            kind.precision = (int32)(packed >> 16 & 0xffff);
            kind.scale = (int32)((packed & 0x7ff) ^ 1024) - 1024;
        }
        break;
    case PARITY_HOW_INTERVAL:
        typmod = typmod < 0 ? -1 : INTERVAL_PRECISION(typmod);
        /* FALLTHROUGH */
    case PARITY_HOW_STAMP:
    case PARITY_HOW_TIME:
    case PARITY_HOW_TIMETZ:
        if (typmod >= 0 && typmod <= 6) {
            kind.has_scale = true;
            kind.scale = typmod;
        }
        break;
    default:
        break;
    }
    return kind;
}

bool parity_pg_natural_kind(Oid type, int32 typmod, parity_kind *kind, bool *is_text)
{
    Oid base = getBaseTypeAndTypmod(type, &typmod);
    ParityHow how;

    if (!classify(base, &how))
        return false;
    *kind = natural_kind(how, base, typmod);
    *is_text = how == PARITY_HOW_TEXT || how == PARITY_HOW_BPCHAR || how == PARITY_HOW_NAME ||
               how == PARITY_HOW_QCHAR || how == PARITY_HOW_CSTRING;
    return true;
}

/* Whether a type whose own kind has this id is read in its own way under kind, but for the kind's numbers. */
static bool same_frames(Oid type, const parity_kind *own, const parity_kind *kind)
{
    if (own->id != kind->id)
        return false;
    switch (kind->id) {
    case PARITY_INT:
        return (kind->options & PARITY_OPT_UINT64) == 0;
    case PARITY_TEXT:
    case PARITY_CHAR:
        return (kind->options & PARITY_OPT_FOLD) == 0;
    case PARITY_TIMESTAMP:
        return type == TIMESTAMPTZOID || (kind->options & PARITY_OPT_ZONE) == 0;
    default:
        return true;
    }
}

/* Whether the numbers of kind may round a value of the type, whose own kind has the same id. */
static bool may_round(ParityHow how, const parity_kind *own, const parity_kind *kind)
{
    if (!kind->has_scale)
        return false;
    switch (how) {
    case PARITY_HOW_MONEY:
        return kind->scale < 2;
    case PARITY_HOW_NUMERIC:
        return !own->has_scale || own->scale > kind->scale;
    case PARITY_HOW_STAMP:
    case PARITY_HOW_TIME:
    case PARITY_HOW_TIMETZ:
    case PARITY_HOW_INTERVAL:
        return (own->has_scale ? own->scale : 6) > kind->scale;
    default:
        return false;
    }
}

static void init_output(ParityReader *r)
{
    Oid function;
    bool is_varlena;

    getTypeOutputInfo(r->type, &function, &is_varlena);
    fmgr_info_cxt(function, &r->function, r->context);
}

void parity_reader_init(ParityReader *r, Oid type, int32 typmod, const parity_kind *kind, MemoryContext context)
{
    MemoryContext old = MemoryContextSwitchTo(context);
    parity_kind own;
    ParityHow how;

    memset(r, 0, sizeof *r);
    r->type = getBaseTypeAndTypmod(type, &typmod);
    r->typmod = typmod;
    r->context = context;
    r->convert = GetDatabaseEncoding() != PG_UTF8 && GetDatabaseEncoding() != PG_SQL_ASCII;
    if (!classify(r->type, &how))
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("cannot digest values of type %s", format_type_be(type))));
    r->how = (uint8)how;
    own = natural_kind(how, r->type, typmod);
    r->kind = kind == NULL ? own : *kind;
    r->round = r->kind;
    r->round.options |= PARITY_OPT_ROUND;
    r->native = kind == NULL;
    if (kind != NULL && same_frames(r->type, &own, kind)) {
        r->native = !may_round(how, &own, kind);
        r->coarse = !r->native;
    }
    r->step = PARITY_INLINE;
    if (r->native && how < PARITY_INLINE &&
        !(r->convert && (how == PARITY_HOW_TEXT || how == PARITY_HOW_BPCHAR)))
        r->step = r->how;
    if (how == PARITY_HOW_ARRAY || how == PARITY_HOW_TO_JSON || how == PARITY_HOW_OUTPUT ||
        how == PARITY_HOW_VECTOR || !r->native) {
        r->pin = (uint8)parity_pg_pin(r->type);
        if (r->native && (how == PARITY_HOW_ARRAY || how == PARITY_HOW_TO_JSON))
            r->json = parity_json_open(r->type, context);
        else
            init_output(r);
    }
    MemoryContextSwitchTo(old);
}
