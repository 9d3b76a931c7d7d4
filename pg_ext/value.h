/*
 * value.h - from a Datum to its frame
 *
 * A reader is made once for a column: it knows the type, the kind to read it
 * under and how to go about it.  parity_reader_put is the hot path of every
 * digest: for the common types it writes the frame in place, without a call
 * through fmgr, an allocation or a look into a catalog.  value.c decides,
 * value_put.c writes what is not inlined here, value_output.c runs output
 * functions under pinned settings.
 */
#ifndef PARITY_PG_VALUE_H
#define PARITY_PG_VALUE_H

#include "parity_pg.h"

#include <math.h>

#include "port/pg_bswap.h"
#include "utils/date.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* How a type's values are read.  The first group is framed inline. */
typedef enum ParityHow {
    PARITY_HOW_BOOL,
    PARITY_HOW_INT2,
    PARITY_HOW_INT4,
    PARITY_HOW_INT8,
    PARITY_HOW_OID, /* oid, xid, cid: 32 bits without a sign */
    PARITY_HOW_FLOAT8,
    PARITY_HOW_TEXT, /* any varlena of text: text, varchar, citext */
    PARITY_HOW_BPCHAR,
    PARITY_HOW_BYTEA,
    PARITY_HOW_NUMERIC,
    PARITY_HOW_DATE,
    PARITY_HOW_STAMP, /* timestamp, timestamptz */
    PARITY_HOW_TIME,
    PARITY_HOW_TIMETZ,
    PARITY_HOW_INTERVAL,
    PARITY_HOW_UUID,

    PARITY_HOW_FLOAT4,
    PARITY_HOW_XID8,
    PARITY_HOW_MONEY,
    PARITY_HOW_NAME,
    PARITY_HOW_QCHAR,   /* "char" */
    PARITY_HOW_CSTRING, /* also unknown literals */
    PARITY_HOW_ENUM,
    PARITY_HOW_JSON,
    PARITY_HOW_JSONB,
    PARITY_HOW_ARRAY,
    PARITY_HOW_TO_JSON, /* composites, hstore */
    PARITY_HOW_VECTOR,
    PARITY_HOW_OUTPUT /* what the type's output function prints */
} ParityHow;

/* The number of ways above that are framed inline. */
#define PARITY_INLINE (PARITY_HOW_UUID + 1)

/* What is pinned while a function of the type runs; each includes the one before. */
typedef enum ParityPin {
    PARITY_PIN_NONE,     /* depends on no setting */
    PARITY_PIN_FORMATS,  /* zone, date and interval style, digits, bytea */
    PARITY_PIN_NAMESPACE /* search_path and lc_monetary */
} ParityPin;

/* How values of a type become JSON.  value_json.c */
typedef struct ParityJson ParityJson;

typedef struct ParityReader {
    uint8 step;       /* how, where that is framed inline; otherwise PARITY_INLINE */
    uint8 how;        /* ParityHow: of the type */
    bool native;      /* the kind is the type's own: frames come straight from the Datum */
    bool coarse;      /* the kind is the type's own, but for numbers that may round a value */
    bool convert;     /* text has to be converted to UTF-8 */
    uint8 pin;        /* ParityPin: for function */
    Oid type;         /* base type */
    int32 typmod;
    parity_kind kind;
    parity_kind round; /* kind with the round option */
    FmgrInfo function; /* the output function; fn_oid is invalid when there is none */
    ParityJson *json;  /* arrays, composites, hstore: instead of function */
    HTAB *labels;      /* enum labels seen so far */
    MemoryContext context;
} ParityReader;

/*
 * The kind of a type: its own, with the numbers of its typmod (-1: none).
 * is_text tells whether it is text that other kinds may read.  false when
 * values of the type cannot be read at all (void, internal and the like).
 */
extern bool parity_pg_natural_kind(Oid type, int32 typmod, parity_kind *kind, bool *is_text);

/* Prepares r; what it needs lives in context.  kind NULL: the type's own. */
extern void parity_reader_init(ParityReader *r, Oid type, int32 typmod, const parity_kind *kind,
                               MemoryContext context);

/* parity_reader_put for what is not inlined. */
extern void parity_reader_put_other(ParityReader *r, Datum value, bool rounded, parity_buf *b, parity_buf *scratch,
                                    unsigned *notes, parity_value *example);
/*
 * Writes a numeric's frame to p, where PARITY_ROOM bytes are free, and returns
 * its end; NULL when it takes more than that, or more than a moment.  value is
 * packed and not compressed, at any alignment.
 */
extern unsigned char *parity_numeric_at(unsigned char *p, const struct varlena *value);
/* As parity_packed, for a value that is compressed, out of line or expanded. */
extern const struct varlena *parity_unpack(const struct varlena *value);

/* What the reader's output function prints, or the JSON of arrays, composites and hstore, under its pinned settings. */
extern char *parity_pg_print(ParityReader *r, Datum value);
/* A writer of JSON for values of type; lives in context. */
extern ParityJson *parity_json_open(Oid type, MemoryContext context);
/* The JSON of a value as to_json writes it, in the server's encoding; to be called under pinned settings. */
extern char *parity_json_text(ParityJson *j, Datum value);
/* Whether type is the one of the extension hstore. */
extern bool parity_pg_is_hstore(Oid type);
/* Whether values of a base type print the names of other objects, which may be renamed. */
extern bool parity_pg_prints_names(Oid type);
/* What is to be pinned around a function that prints values of type. */
extern ParityPin parity_pg_pin(Oid type);
/* n bytes of text in the server's encoding as UTF-8 (the argument itself when nothing changes). */
extern const char *parity_pg_utf8(const char *text, size_t *n);

/* ---- the inlined part */

/* A varlena that can be read with VARDATA_ANY, in place when it is stored so. */
static inline const struct varlena *parity_packed(Datum value)
{
    const struct varlena *p = (const struct varlena *)DatumGetPointer(value);

    return unlikely(VARATT_IS_COMPRESSED(p) || VARATT_IS_EXTERNAL(p)) ? parity_unpack(p) : p;
}

/* Frees what parity_packed made. */
static inline void parity_packed_done(const struct varlena *p, Datum value)
{
    if (unlikely((const void *)p != (const void *)DatumGetPointer(value)))
        pfree((void *)(uintptr_t)p);
}

/* Enough for any frame of fixed size, and a numeric's that parity_numeric_at writes. */
#define PARITY_ROOM 64

static inline void parity_le32(unsigned char *p, uint32 v)
{
#ifdef WORDS_BIGENDIAN
    v = pg_bswap32(v);
#endif
    memcpy(p, &v, sizeof v);
}

static inline void parity_le64(unsigned char *p, uint64 v)
{
#ifdef WORDS_BIGENDIAN
    v = pg_bswap64(v);
#endif
    memcpy(p, &v, sizeof v);
}

/* A frame of a tag and 64 bits at p; returns its end. */
static inline unsigned char *parity_frame64(unsigned char *p, unsigned char tag, uint64 v)
{
    p[0] = tag;
    parity_le64(p + 1, v);
    return p + 9;
}

/*
 * The place where the next frame goes.  It is kept apart from the buffer for
 * the length of a row: the compiler cannot know that a byte written does not
 * change the buffer's own fields, and would load and store them each time.
 */
typedef struct ParityCursor {
    unsigned char *at, *end;
} ParityCursor;

static inline ParityCursor parity_cursor_open(const parity_buf *b)
{
    ParityCursor c = {b->data + b->len, b->data + b->cap};

    return c;
}

static inline void parity_cursor_close(const ParityCursor *c, parity_buf *b)
{
    b->len = (size_t)(c->at - b->data); /* both NULL before the first room was made */
}

/* c with room for n more bytes. */
static inline ParityCursor parity_cursor_room(ParityCursor c, parity_buf *b, size_t n)
{
    if (unlikely((size_t)(c.end - c.at) < n)) {
        parity_cursor_close(&c, b);
        parity_pg_check(parity_buf_grow(b, n), NULL);
        c = parity_cursor_open(b);
    }
    return c;
}

/* As parity_reader_put below, at a cursor into b. */
static pg_attribute_always_inline ParityCursor parity_reader_put_at(ParityCursor c, ParityReader *r, Datum value,
                                                                    bool isnull, bool rounded, parity_buf *b,
                                                                    parity_buf *scratch, unsigned *notes,
                                                                    parity_value *example)
{
    const struct varlena *packed;
    unsigned char tag = PARITY_TAG_TEXT;
    unsigned char *p;
    size_t n;

    c = parity_cursor_room(c, b, PARITY_ROOM);
    p = c.at;
    if (isnull) {
        p[0] = PARITY_TAG_NULL;
        c.at = p + 1;
        return c;
    }
    switch (r->step) {
    case PARITY_HOW_BOOL:
        c.at = parity_frame64(p, PARITY_TAG_INT, DatumGetBool(value));
        return c;
    case PARITY_HOW_INT2:
        c.at = parity_frame64(p, PARITY_TAG_INT, (uint64)(int64)DatumGetInt16(value));
        return c;
    case PARITY_HOW_INT4:
        c.at = parity_frame64(p, PARITY_TAG_INT, (uint64)(int64)DatumGetInt32(value));
        return c;
    case PARITY_HOW_INT8:
        c.at = parity_frame64(p, PARITY_TAG_INT, (uint64)DatumGetInt64(value));
        return c;
    case PARITY_HOW_OID:
        c.at = parity_frame64(p, PARITY_TAG_INT, DatumGetUInt32(value));
        return c;
    case PARITY_HOW_FLOAT8: {
        double x = DatumGetFloat8(value);
        uint64 bits;

        memcpy(&bits, &x, sizeof bits);
        if (unlikely(x == 0))
            bits = 0;
        else if (unlikely(isnan(x)))
            bits = UINT64CONST(0x7FF8000000000000);
        c.at = parity_frame64(p, PARITY_TAG_F64, bits);
        return c;
    }
    case PARITY_HOW_BYTEA:
        tag = PARITY_TAG_BYTES;
        /* FALLTHROUGH */
    case PARITY_HOW_TEXT:
    case PARITY_HOW_BPCHAR:
        packed = parity_packed(value);
        n = VARSIZE_ANY_EXHDR(packed);
        if (r->step == PARITY_HOW_BPCHAR)
            while (n > 0 && VARDATA_ANY(packed)[n - 1] == ' ')
                n--;
        c = parity_cursor_room(c, b, n + 5);
        p = c.at;
        p[0] = tag;
        parity_le32(p + 1, (uint32)n);
        memcpy(p + 5, VARDATA_ANY(packed), n);
        c.at = p + 5 + n;
        parity_packed_done(packed, value);
        return c;
    case PARITY_HOW_NUMERIC:
        packed = parity_packed(value);
        p = parity_numeric_at(p, packed);
        parity_packed_done(packed, value);
        if (unlikely(p == NULL))
            break;
        c.at = p;
        return c;
    case PARITY_HOW_DATE:
        p[0] = PARITY_TAG_DATE;
        parity_le32(p + 1, (uint32)DatumGetDateADT(value));
        c.at = p + 5;
        return c;
    case PARITY_HOW_STAMP:
        c.at = parity_frame64(p, PARITY_TAG_STAMP, (uint64)DatumGetTimestamp(value));
        return c;
    case PARITY_HOW_TIME:
        c.at = parity_frame64(p, PARITY_TAG_TIME, (uint64)DatumGetTimeADT(value));
        return c;
    case PARITY_HOW_TIMETZ: {
        const TimeTzADT *t = DatumGetTimeTzADTP(value);

        p = parity_frame64(p, PARITY_TAG_TIMETZ, (uint64)t->time);
        parity_le32(p, (uint32)-t->zone); /* PostgreSQL counts seconds west */
        c.at = p + 4;
        return c;
    }
    case PARITY_HOW_INTERVAL: {
        const Interval *i = DatumGetIntervalP(value);

        p[0] = PARITY_TAG_INTERVAL;
        parity_le32(p + 1, (uint32)i->month);
        parity_le32(p + 5, (uint32)i->day);
        parity_le64(p + 9, (uint64)i->time);
        c.at = p + 17;
        return c;
    }
    case PARITY_HOW_UUID:
        p[0] = PARITY_TAG_UUID;
        memcpy(p + 1, DatumGetUUIDP(value)->data, UUID_LEN);
        c.at = p + 17;
        return c;
    default:
        break;
    }
    parity_cursor_close(&c, b);
    parity_reader_put_other(r, value, rounded, b, scratch, notes, example);
    return parity_cursor_open(b);
}

/*
 * Appends the frame of value to b.  rounded: as the kind's `round` option
 * would give it.  PARITY_NOTE_ bits are or-ed into *notes.  When the value was
 * BAD, *example (unless example is NULL) is set to it; what it points to lives
 * in CurrentMemoryContext or in value.  Memory that a value takes meanwhile
 * comes from CurrentMemoryContext, which should be one that ends with the row.
 */
static inline void parity_reader_put(ParityReader *r, Datum value, bool isnull, bool rounded, parity_buf *b,
                                     parity_buf *scratch, unsigned *notes, parity_value *example)
{
    ParityCursor c = parity_cursor_open(b);

    c = parity_reader_put_at(c, r, value, isnull, rounded, b, scratch, notes, example);
    parity_cursor_close(&c, b);
}

#endif
