/*
 * accept.c - whether a column's type takes a literal, asked of the type itself
 *
 * Length, range, labels, constraints of domains and syntax are the types' own
 * business: the literal is given to the input function in a subtransaction, and
 * an error is a no.  What a type runs may be anyone's code: it runs as the
 * table's owner, whose table it is, in a restricted security context, as VACUUM
 * and amcheck do with the functions of an index.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
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
    return store == PARITY_STORE_POPULATE || store == PARITY_STORE_ROW ||
           (store == PARITY_STORE_TEXT && !is_unlimited(type, typmod));
}

/* The text that a quoted literal stands for. */
static char *unquote(const char *literal, size_t n)
{
    char *out = palloc(n + 1), *w = out;

    for (size_t i = 1; i + 1 < n; i++) {
        *w++ = literal[i];
        i += literal[i] == '\'';
    }
    *w = '\0';
    return out;
}

/* Gives the literal, in the server's encoding, to the type; raises what the type raises. */
static void take(Oid type, int32 typmod, const char *literal, size_t n)
{
    Oid input, param;

    if (n > 0 && literal[0] == '\'') {
        getTypeInputInfo(type, &input, &param); /* of a domain it looks at the constraints, too */
        OidInputFunctionCall(input, unquote(literal, n), param, typmod);
        return;
    }
    if (literal[0] != '(')
        return; /* NULL */
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    SPI_execute(psprintf("SELECT %.*s", (int)n, literal), true, 1);
    SPI_finish();
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
    AttrNumber attnum = get_attnum(relid, parity_pg_from_utf8(column));
    char *text = pnstrdup(literal, n);
    volatile bool ok = true;
    Oid type, collation, user;
    int32 typmod;
    int context;

    if (attnum <= 0)
        return true;
    get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
    work = AllocSetContextCreate(caller, "parity literal", ALLOCSET_SMALL_SIZES);
    GetUserIdAndSecContext(&user, &context);
    BeginInternalSubTransaction(NULL);
    MemoryContextSwitchTo(work);
    SetUserIdAndSecContext(relation_owner(relid), context | SECURITY_RESTRICTED_OPERATION);
    PG_TRY();
    {
        text = parity_pg_from_utf8(text);
        take(type, typmod, text, strlen(text));
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
