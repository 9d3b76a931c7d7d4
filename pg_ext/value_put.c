/*
 * value_put.c - framing a Datum: numerics, and all that value.h does not inline
 */
#include "value.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_enum.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/cash.h"
#include "utils/jsonb.h"
#include "utils/syscache.h"
#include "utils/xid8.h"

const struct varlena *parity_unpack(const struct varlena *value)
{
    return pg_detoast_datum_packed((struct varlena *)(uintptr_t)value);
}

/* ---------------------------------------------------------------- numeric */

/*
 * The stored form of a numeric, behind the varlena header; since 9.1, in the
 * machine's byte order:
 *
 *   u16 header   11xx............  special: C000 NaN, D000 infinity, F000 -infinity
 *                10sddddddwwwwwww  short: s sign, d display scale, w weight (7 bits, signed)
 *                0sdddddddddddddd  long: s sign, d display scale
 *   i16 weight   long form only
 *   i16 digits   base 10000, most significant first, no zeros at either end
 *
 * The value is the sum of digit[i] * 10000^(weight - i).
 */
#define NUMERIC_FORM 0xC000u
#define NUMERIC_IS_SPECIAL 0xC000u
#define NUMERIC_IS_SHORT 0x8000u /* one bit of NUMERIC_FORM */
#define NUMERIC_SPECIAL 0xF000u
#define NUMERIC_NAN 0xC000u
#define NUMERIC_INFINITY 0xD000u

typedef struct Numeric_ {
    bool negative;
    int ndigits;
    int weight;
    int scale; /* display scale */
    const char *digits;
} Numeric_;

static inline unsigned get16(const char *p)
{
    uint16 v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* Takes a numeric that is not special apart. */
static inline Numeric_ open_numeric(const char *p, size_t n, unsigned header)
{
    Numeric_ x;

    if (header & NUMERIC_IS_SHORT) {
        x.negative = (header & 0x2000) != 0;
        x.scale = header >> 7 & 0x3F;
        x.weight = (int)(header & 0x3F) - (int)(header & 0x40);
        x.digits = p + 2;
        x.ndigits = (int)(n - 2) / 2;
    } else {
        x.negative = (header & NUMERIC_FORM) == 0x4000;
        x.scale = header & 0x3FFF;
        x.weight = (int16)get16(p + 2);
        x.digits = p + 4;
        x.ndigits = (int)(n - 4) / 2;
    }
    return x;
}

/* A whole number of at most four groups that fits 64 bits; NULL otherwise. */
static unsigned char *whole_at(unsigned char *p, const Numeric_ *x)
{
    uint64 v = 0;

    if (x->ndigits > 4 || x->weight > 3)
        return NULL;
    for (int i = 0; i <= x->weight; i++)
        v = v * 10000 + (i < x->ndigits ? get16(x->digits + 2 * i) : 0);
    return parity_frame64(p, PARITY_TAG_INT, x->negative ? -v : v);
}

/* Four digits, with leading zeros. */
static inline void put_group(unsigned char *p, unsigned group)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";

    memcpy(p, pairs + 2 * (group / 100), 2);
    memcpy(p + 2, pairs + 2 * (group % 100), 2);
}

unsigned char *parity_numeric_at(unsigned char *p, const struct varlena *value)
{
    const char *data = VARDATA_ANY(value);
    unsigned header = get16(data), group;
    unsigned char *out = p + 10;
    int exponent, n;
    Numeric_ x;

    if (unlikely((header & NUMERIC_FORM) == NUMERIC_IS_SPECIAL))
        return NULL;
    x = open_numeric(data, VARSIZE_ANY_EXHDR(value), header);
    if (x.ndigits == 0)
        return parity_frame64(p, PARITY_TAG_INT, 0);
    if (x.weight >= x.ndigits - 1)
        return whole_at(p, &x);
    if (unlikely(x.ndigits * 4 + 10 > PARITY_ROOM))
        return NULL;
    /* a fraction: the zeros in front of the first digit go where the frame's head is written later */
    group = get16(x.digits);
    n = x.ndigits * 4;
    if (group < 1000) {
        int zeros = group >= 100 ? 1 : group >= 10 ? 2 : 3;

        out -= zeros;
        n -= zeros;
    }
    put_group(out, group);
    for (int i = 1; i < x.ndigits; i++) {
        group = get16(x.digits + 2 * i);
        put_group(out + 4 * i, group);
    }
    exponent = (x.weight - x.ndigits + 1) * 4;
    if (unlikely(group == 0 || get16(x.digits) == 0))
        return NULL; /* PostgreSQL strips such groups */
    if (group % 10 == 0) {
        int zeros = group % 1000 == 0 ? 3 : group % 100 == 0 ? 2 : 1;

        n -= zeros;
        exponent += zeros;
    }
    p[0] = PARITY_TAG_DEC;
    p[1] = x.negative;
    parity_le32(p + 2, (uint32)exponent);
    parity_le32(p + 6, (uint32)n);
    return p + 10 + n;
}

/* Any numeric, by way of its decimal text. */
static void put_numeric(parity_buf *b, parity_buf *scratch, const struct varlena *value)
{
    const char *p = VARDATA_ANY(value);
    unsigned header = get16(p);
    unsigned char *out;
    Numeric_ x;

    if ((header & NUMERIC_FORM) == NUMERIC_IS_SPECIAL) {
        unsigned special = header & NUMERIC_SPECIAL;

        parity_pg_check(
            parity_put_dec_special(b, special == NUMERIC_NAN ? 2 : special == NUMERIC_INFINITY ? 3 : 4), NULL);
        return;
    }
    x = open_numeric(p, VARSIZE_ANY_EXHDR(value), header);
    scratch->len = 0;
    parity_pg_check(parity_buf_reserve(scratch, (size_t)x.ndigits * 4 + 1), NULL);
    out = scratch->data;
    for (int i = 0; i < x.ndigits; i++)
        put_group(out + 4 * i, get16(x.digits + 2 * i));
    parity_pg_check(parity_put_number(b, x.negative, (const char *)out, (size_t)x.ndigits * 4,
                                      ((int64)x.weight - x.ndigits + 1) * 4),
                    NULL);
}

/* ------------------------------------------------------------------ texts */

typedef struct Label {
    Oid value; /* key of the hash table */
    size_t n;
    const char *text; /* UTF-8 */
} Label;

/* An enum's label; the catalogs are asked once a value. */
static const Label *label_of(ParityReader *r, Oid value)
{
    MemoryContext old;
    HeapTuple tuple;
    Label *label;
    bool found;

    if (r->labels == NULL) {
        HASHCTL ctl;

        memset(&ctl, 0, sizeof ctl);
        ctl.keysize = sizeof(Oid);
        ctl.entrysize = sizeof(Label);
        ctl.hcxt = r->context;
        r->labels = hash_create("parity enum labels", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    }
    label = hash_search(r->labels, &value, HASH_FIND, &found);
    if (found)
        return label;
    tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
    if (!HeapTupleIsValid(tuple))
        ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
                        errmsg("invalid internal value for enum: %u", value)));
    old = MemoryContextSwitchTo(r->context);
    label = hash_search(r->labels, &value, HASH_ENTER, &found);
    label->n = 0;
    label->text = pstrdup(NameStr(((Form_pg_enum)GETSTRUCT(tuple))->enumlabel));
    label->n = strlen(label->text);
    label->text = parity_pg_utf8(label->text, &label->n);
    MemoryContextSwitchTo(old);
    ReleaseSysCache(tuple);
    return label;
}

/* What the output function of the type prints. */
static const char *printed(ParityReader *r, Datum value, size_t *n)
{
    const char *text = parity_pg_print(r, value);

    *n = strlen(text);
    return parity_pg_utf8(text, n);
}

/* As the output function of "char" prints since 16: bytes that are not ASCII as \ooo. */
static const char *print_qchar(char c, size_t *n)
{
    unsigned char byte = (unsigned char)c;
    char *text = palloc(5);

    if (byte >= 0x80)
        *n = (size_t)snprintf(text, 5, "\\%03o", byte);
    else {
        text[0] = c;
        text[1] = '\0';
        *n = c != '\0';
    }
    return text;
}

/* Hundredths as a decimal, whatever lc_monetary says. */
static const char *print_money(Cash cash, size_t *n)
{
    uint64 cents = cash < 0 ? -(uint64)cash : (uint64)cash;
    char *text = palloc(32);

    *n = (size_t)snprintf(text, 32, "%s" UINT64_FORMAT ".%02u", cash < 0 ? "-" : "", cents / 100,
                          (unsigned)(cents % 100));
    return text;
}

/* The text of a value, in UTF-8. */
static const char *text_of(ParityReader *r, Datum value, size_t *n)
{
    const char *text;

    switch ((ParityHow)r->how) {
    case PARITY_HOW_TEXT:
    case PARITY_HOW_BPCHAR:
    case PARITY_HOW_JSON: {
        const struct varlena *packed = parity_packed(value);

        *n = VARSIZE_ANY_EXHDR(packed);
        if (r->how == PARITY_HOW_BPCHAR) /* padding is no part of the value, as in a cast to text */
            while (*n > 0 && VARDATA_ANY(packed)[*n - 1] == ' ')
                --*n;
        return parity_pg_utf8(VARDATA_ANY(packed), n);
    }
    case PARITY_HOW_JSONB: {
        Jsonb *json = DatumGetJsonbP(value);

        text = JsonbToCString(NULL, &json->root, (int)VARSIZE(json));
        break;
    }
    case PARITY_HOW_NAME:
        text = NameStr(*DatumGetName(value));
        break;
    case PARITY_HOW_CSTRING:
        text = DatumGetCString(value);
        break;
    case PARITY_HOW_QCHAR:
        return print_qchar(DatumGetChar(value), n);
    case PARITY_HOW_MONEY:
        return print_money(DatumGetCash(value), n);
    case PARITY_HOW_ENUM: {
        const Label *label = label_of(r, DatumGetObjectId(value));

        *n = label->n;
        return label->text;
    }
    default:
        return printed(r, value, n);
    }
    *n = strlen(text);
    return parity_pg_utf8(text, n);
}

/* ------------------------------------------------------------------- json */

/* The JSON of an array, composite or hstore; of an array with bounds other than 1 under those bounds. */
static const char *array_json(ParityReader *r, Datum value, size_t *n)
{
    const char *text = parity_pg_print(r, value);
    ArrayType *array;
    StringInfoData out;
    bool plain = true;

    *n = strlen(text);
    if (r->how != PARITY_HOW_ARRAY)
        return parity_pg_utf8(text, n);
    array = DatumGetArrayTypeP(value);
    for (int i = 0; i < ARR_NDIM(array); i++)
        plain = plain && ARR_LBOUND(array)[i] == 1;
    if (plain)
        return parity_pg_utf8(text, n);
    initStringInfo(&out);
    appendStringInfoString(&out, "{\"");
    for (int i = 0; i < ARR_NDIM(array); i++)
        appendStringInfo(&out, "[%d:%d]", ARR_LBOUND(array)[i], ARR_LBOUND(array)[i] + ARR_DIMS(array)[i] - 1);
    appendStringInfoString(&out, "\":");
    appendBinaryStringInfo(&out, text, (int)*n);
    appendStringInfoChar(&out, '}');
    *n = (size_t)out.len;
    return parity_pg_utf8(out.data, n);
}

/* ---------------------------------------------------------------- putting */

/* The value as the input of a kind that is not the type's own. */
static void make_input(ParityReader *r, Datum value, parity_value *v)
{
    memset(v, 0, sizeof *v);
    v->cls = PARITY_INTEGER;
    switch ((ParityHow)r->how) {
    case PARITY_HOW_BOOL:
        v->i = DatumGetBool(value);
        return;
    case PARITY_HOW_INT2:
        v->i = DatumGetInt16(value);
        return;
    case PARITY_HOW_INT4:
        v->i = DatumGetInt32(value);
        return;
    case PARITY_HOW_INT8:
        v->i = DatumGetInt64(value);
        return;
    case PARITY_HOW_OID:
        v->i = DatumGetUInt32(value);
        return;
    case PARITY_HOW_XID8: {
        uint64 xid = U64FromFullTransactionId(DatumGetFullTransactionId(value));

        v->i = (int64)xid;
        if (xid <= (uint64)PG_INT64_MAX)
            return;
        break;
    }
    case PARITY_HOW_FLOAT4:
        v->cls = PARITY_REAL;
        v->r = parity_float4_as_double(DatumGetFloat4(value));
        return;
    case PARITY_HOW_FLOAT8:
        v->cls = PARITY_REAL;
        v->r = DatumGetFloat8(value);
        return;
    case PARITY_HOW_BYTEA: {
        const struct varlena *packed = parity_packed(value);

        v->cls = PARITY_BLOB;
        v->p = VARDATA_ANY(packed);
        v->n = VARSIZE_ANY_EXHDR(packed);
        return;
    }
    default:
        break;
    }
    v->cls = PARITY_STRING;
    v->p = text_of(r, value, &v->n);
}

/*
 * Whether a value is one that the kind's coarser numbers leave alone, so that
 * its native frame is also the one that the kind gives, rounded or not.
 */
static bool fits(const ParityReader *r, Datum value)
{
    static const int64 unit[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    int64 us;

    switch ((ParityHow)r->how) {
    case PARITY_HOW_NUMERIC: {
        const struct varlena *packed = parity_packed(value);
        unsigned header = get16(VARDATA_ANY(packed));
        bool special = (header & NUMERIC_FORM) == NUMERIC_IS_SPECIAL;
        Numeric_ x = {0};

        if (!special)
            x = open_numeric(VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed), header);
        parity_packed_done(packed, value);
        return special || x.scale <= r->kind.scale;
    }
    case PARITY_HOW_STAMP:
        us = DatumGetTimestamp(value);
        if (TIMESTAMP_NOT_FINITE(us))
            return true;
        break;
    case PARITY_HOW_TIME:
        us = DatumGetTimeADT(value);
        break;
    case PARITY_HOW_TIMETZ:
        us = DatumGetTimeTzADTP(value)->time;
        break;
    default:
        return false;
    }
    return us % unit[r->kind.scale] == 0;
}

/* The frames of the type's own kind: those that are not inlined, and those of values that fit. */
static void put_native(ParityReader *r, Datum value, parity_buf *b, parity_buf *scratch, unsigned *notes,
                       parity_value *example)
{
    parity_value v = {.cls = PARITY_STRING};
    unsigned seen = 0;

    switch ((ParityHow)r->how) {
    case PARITY_HOW_NUMERIC: {
        const struct varlena *packed = parity_packed(value);

        put_numeric(b, scratch, packed);
        parity_packed_done(packed, value);
        return;
    }
    case PARITY_HOW_STAMP:
        parity_pg_check(parity_put_stamp(b, DatumGetTimestamp(value)), NULL);
        return;
    case PARITY_HOW_TIME:
        parity_pg_check(parity_put_time(b, DatumGetTimeADT(value)), NULL);
        return;
    case PARITY_HOW_TIMETZ: {
        const TimeTzADT *t = DatumGetTimeTzADTP(value);

        parity_pg_check(parity_put_timetz(b, t->time, -t->zone), NULL);
        return;
    }
    case PARITY_HOW_FLOAT4:
        parity_pg_check(parity_put_f64(b, parity_float4_as_double(DatumGetFloat4(value))), NULL);
        return;
    case PARITY_HOW_XID8:
        parity_pg_check(
            parity_put_small_number(b, false, U64FromFullTransactionId(DatumGetFullTransactionId(value)), 0), NULL);
        return;
    case PARITY_HOW_MONEY: {
        Cash cash = DatumGetCash(value);

        parity_pg_check(parity_put_small_number(b, cash < 0, cash < 0 ? -(uint64)cash : (uint64)cash, -2), NULL);
        return;
    }
    case PARITY_HOW_BPCHAR:
        v.p = text_of(r, value, &v.n);
        parity_pg_check(parity_put_char(b, v.p, v.n), NULL);
        return;
    case PARITY_HOW_JSON:
    case PARITY_HOW_JSONB:
        v.p = text_of(r, value, &v.n);
        parity_pg_check(parity_put_json(b, scratch, v.p, v.n, &seen), NULL);
        break;
    case PARITY_HOW_ARRAY:
    case PARITY_HOW_TO_JSON:
        v.p = array_json(r, value, &v.n);
        parity_pg_check(parity_put_json(b, scratch, v.p, v.n, &seen), NULL);
        break;
    case PARITY_HOW_VECTOR:
        v.p = text_of(r, value, &v.n);
        parity_pg_check(parity_put_value(b, scratch, &r->kind, &v, &seen), NULL);
        break;
    default:
        v.p = text_of(r, value, &v.n);
        parity_pg_check(parity_put_text(b, v.p, v.n), NULL);
        return;
    }
    *notes |= seen;
    if ((seen & PARITY_NOTE_BAD) != 0 && example != NULL)
        *example = v;
}

void parity_reader_put_other(ParityReader *r, Datum value, bool rounded, parity_buf *b, parity_buf *scratch,
                             unsigned *notes, parity_value *example)
{
    unsigned seen = 0;
    parity_value v;

    if (r->native) {
        put_native(r, value, b, scratch, notes, example);
        return;
    }
    if (r->coarse && fits(r, value)) {
        put_native(r, value, b, scratch, notes, example);
        return;
    }
    make_input(r, value, &v);
    parity_pg_check(parity_put_value(b, scratch, rounded ? &r->round : &r->kind, &v, &seen), NULL);
    *notes |= seen;
    if ((seen & PARITY_NOTE_BAD) != 0 && example != NULL)
        *example = v;
}
