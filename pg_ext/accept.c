/*
 * accept.c - whether a column takes a literal, asked of its type
 *
 * Length, range, labels, constraints of domains and syntax are the types' own
 * business: the literal is given to the input function in a subtransaction, and
 * an error is a no.  Some types cut what is too long without an error: what they
 * print has to be all of it.  What a type runs may be anyone's code: it runs as the
 * table's owner, whose table it is, in a restricted security context, as VACUUM
 * and amcheck do with the functions of an index.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "relation.h"

/* Whether the type takes every value of its kind. */
static bool is_unlimited(Oid type, int32 typmod)
{
    switch (type) {
    case BOOLOID:
    case INT8OID:
    case TEXTOID:
    case BYTEAOID:
    case FLOAT8OID:
    case DATEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
    case TIMEOID:
    case UUIDOID:
    case JSONOID:
    case JSONBOID:
        return true;
    case VARCHAROID:
    case NUMERICOID:
        return typmod < 0;
    default:
        return false;
    }
}

bool parity_pg_is_limited(Oid type, int32 typmod, int store)
{
    switch (store) {
    case PARITY_STORE_POPULATE:
    case PARITY_STORE_ROW:
        return true;
    case PARITY_STORE_TEXT:
        return !is_unlimited(type, typmod);
    default:
        /* a domain's constraints, a vector's dimensions */
        return typmod >= 0 || getBaseType(type) != type;
    }
}

/* Whether the type's input function cuts what it cannot hold, as the seconds of an interval day, without an error. */
static bool cuts(Oid type)
{
    Oid base = getBaseType(type);

    return base == VARCHAROID || base == NAMEOID || base == CHAROID || base == INTERVALOID;
}

/* The text that a literal stands for: '…' with doubled quotes, E'…' with doubled backslashes as well; others as is. */
static char *unquote(const char *literal)
{
    bool escapes = literal[0] == 'E' && literal[1] == '\'';
    size_t n = strlen(literal);
    char *out, *w;

    if (!escapes && literal[0] != '\'')
        return pstrdup(literal);
    w = out = palloc(n + 1);
    for (size_t i = escapes ? 2 : 1; i + 1 < n; i++) {
        *w++ = literal[i];
        i += literal[i] == '\'' || (escapes && literal[i] == '\\');
    }
    *w = '\0';
    return out;
}

/*
 * Gives the literal (NULL: SQL NULL), in the server's encoding, to the type,
 * and raises what the type raises.  False when it keeps another text.
 */
static bool take(Oid type, int32 typmod, const char *literal)
{
    Oid input, output, param;
    bool varlena;
    char *text;
    Datum value;

    if (literal != NULL && literal[0] == '(') {
        if (SPI_connect() != SPI_OK_CONNECT)
            elog(ERROR, "SPI_connect failed");
        SPI_execute(psprintf("SELECT %s", literal), true, 1);
        SPI_finish();
        return true;
    }
    text = literal != NULL ? unquote(literal) : NULL;
    getTypeInputInfo(type, &input, &param);
    value = OidInputFunctionCall(input, text, param, typmod); /* of a domain it looks at the constraints, too */
    if (text == NULL || !cuts(type))
        return true;
    getTypeOutputInfo(type, &output, &varlena);
    if (getBaseType(type) == INTERVALOID) {
        /* has several texts: all of it as this session prints it */
        getTypeInputInfo(INTERVALOID, &input, &param);
        text = OidOutputFunctionCall(output, OidInputFunctionCall(input, text, param, -1));
    }
    return strcmp(OidOutputFunctionCall(output, value), text) == 0;
}

static Oid relation_owner(Oid relid)
{
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
    Oid out;

    if (!HeapTupleIsValid(tuple))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relid)));
    out = ((Form_pg_class)GETSTRUCT(tuple))->relowner;
    ReleaseSysCache(tuple);
    return out;
}

bool parity_pg_accepts(Oid relid, const char *column, const char *literal, size_t n)
{
    MemoryContext caller = CurrentMemoryContext, work;
    ResourceOwner owner = CurrentResourceOwner;
    HeapTuple tuple = SearchSysCacheAttName(relid, parity_pg_from_utf8(column));
    bool is_null = n == 4 && memcmp(literal, "NULL", 4) == 0, notnull;
    const char *text = is_null ? NULL : pnstrdup(literal, n);
    volatile bool ok = true;
    Oid type, user;
    int32 typmod;
    int context;

    if (!HeapTupleIsValid(tuple))
        return true;
    type = ((Form_pg_attribute)GETSTRUCT(tuple))->atttypid;
    typmod = ((Form_pg_attribute)GETSTRUCT(tuple))->atttypmod;
    notnull = ((Form_pg_attribute)GETSTRUCT(tuple))->attnotnull;
    ReleaseSysCache(tuple);
    if (is_null && notnull)
        return false;
    if (is_unlimited(type, typmod))
        return true; /* NOT NULL is all that there was to ask */
    work = AllocSetContextCreate(caller, "parity literal", ALLOCSET_SMALL_SIZES);
    GetUserIdAndSecContext(&user, &context);
    BeginInternalSubTransaction(NULL);
    MemoryContextSwitchTo(work);
    SetUserIdAndSecContext(relation_owner(relid), context | SECURITY_RESTRICTED_OPERATION);
    PG_TRY();
    {
        ok = take(type, typmod, text != NULL ? parity_pg_from_utf8(text) : NULL);
        SetUserIdAndSecContext(user, context);
        ReleaseCurrentSubTransaction();
    }
    PG_CATCH();
    {
        int code = geterrcode();

        MemoryContextSwitchTo(caller);
        /* a cancelled query, or one that runs out of memory, is no answer */
        if (code == ERRCODE_QUERY_CANCELED || ERRCODE_TO_CATEGORY(code) == ERRCODE_OPERATOR_INTERVENTION ||
            ERRCODE_TO_CATEGORY(code) == ERRCODE_INSUFFICIENT_RESOURCES)
            PG_RE_THROW();
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction(); /* also sets the user back */
        ok = false;
    }
    PG_END_TRY();
    MemoryContextSwitchTo(caller);
    CurrentResourceOwner = owner;
    MemoryContextDelete(work);
    return ok;
}
