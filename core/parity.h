/*
 * parity.h - the engine-neutral core of parity
 *
 * Everything that two engines must agree on is here: how a value becomes
 * bytes (docs/FORMAT.md is the norm), how bytes become digests, how a table's
 * spec, a bundle and a mapping are written and read, and how two sides are
 * compared.  The core knows neither PostgreSQL nor SQLite: it includes the C
 * library and xxhash.h, takes memory only from its caller and returns a status.
 *
 * Conventions, unless a comment says otherwise:
 *  - text is UTF-8 given as pointer and length and need not end in NUL;
 *  - a function that can fail returns parity_status and, where it takes one,
 *    fills a parity_error; results are then undefined but safe to free;
 *  - PARITY_NOMEM is returned when the allocator returns NULL.  An allocator
 *    may also jump out (longjmp): the core holds no resource but memory;
 *  - pointers are not NULL.
 */
#ifndef PARITY_H
#define PARITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PARITY_FORMAT "p1" /* the canonical form and hash, in every digest's text */

/* ------------------------------------------------------------ errors, memory */

typedef enum parity_status {
    PARITY_OK = 0,
    PARITY_NOMEM,     /* the allocator returned NULL */
    PARITY_INVALID,   /* a wrong argument: kind, option, spec, mapping */
    PARITY_MALFORMED, /* text that is not what it should be: bundle, digest, JSON */
    PARITY_VERSION,   /* a bundle or digest of another version */
    PARITY_NO_TABLE,  /* names a table that does not exist */
    PARITY_NO_COLUMN, /* names a column that does not exist */
    PARITY_LIMIT,     /* beyond a stated bound */
    PARITY_RANGE,     /* a count out of range */
    PARITY_MISMATCH,  /* assert_match: tables do not match */
    PARITY_ENGINE     /* an engine callback failed and keeps its own error */
} parity_status;

/* What went wrong, in words; each is NUL-terminated, "" when there is nothing to say. */
typedef struct parity_error {
    parity_status status;
    char message[256];
    char detail[768];
    char hint[512];
} parity_error;

/* Fills err (when not NULL) and returns status.  printf-like; detail and hint may be NULL. */
parity_status parity_fail(parity_error *err, parity_status status, const char *detail, const char *hint,
                          const char *message, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;

/* resize(ctx, NULL, n) allocates, resize(ctx, p, n) resizes, resize(ctx, p, 0) frees and returns NULL. */
typedef struct parity_mem {
    void *(*resize)(void *ctx, void *ptr, size_t size);
    void *ctx;
} parity_mem;

/* A growing byte buffer, kept from row to row: set len to 0 to reuse it. */
typedef struct parity_buf {
    unsigned char *data;
    size_t len;
    size_t cap;
    const parity_mem *mem;
} parity_buf;

void parity_buf_init(parity_buf *b, const parity_mem *mem);
void parity_buf_free(parity_buf *b);
/* Slow path of parity_buf_reserve: grows cap to at least len + extra. */
parity_status parity_buf_grow(parity_buf *b, size_t extra);
parity_status parity_buf_put(parity_buf *b, const void *bytes, size_t n);
parity_status parity_buf_puts(parity_buf *b, const char *text);
/* Appends printf-formatted text of any length, without a NUL. */
parity_status parity_buf_printf(parity_buf *b, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* Makes room for extra more bytes behind data[len]. */
static inline parity_status parity_buf_reserve(parity_buf *b, size_t extra)
{
    return b->cap - b->len >= extra ? PARITY_OK : parity_buf_grow(b, extra);
}

/* Memory that is freed all at once; pointers into it stay put.  Zero it, set mem, then use it. */
typedef struct parity_arena {
    const parity_mem *mem;
    void *blocks;
    size_t used, size; /* of the newest block */
    size_t total;      /* bytes handed out */
} parity_arena;

void parity_arena_init(parity_arena *a, const parity_mem *mem);
void parity_arena_free(parity_arena *a);
/* n zeroed bytes, aligned for pointers, 64-bit integers and doubles; NULL when there is no memory. */
void *parity_arena_alloc(parity_arena *a, size_t n);
/* A NUL-terminated copy of n bytes. */
char *parity_arena_copy(parity_arena *a, const char *text, size_t n);

/* --------------------------------------------------------------------- kinds */

typedef enum parity_kind_id {
    PARITY_BOOL, PARITY_INT, PARITY_DECIMAL, PARITY_FLOAT8, PARITY_FLOAT4, PARITY_TEXT, PARITY_CHAR,
    PARITY_BYTES, PARITY_TIMESTAMPTZ, PARITY_TIMESTAMP, PARITY_DATE, PARITY_TIME, PARITY_TIMETZ,
    PARITY_INTERVAL, PARITY_UUID, PARITY_JSON, PARITY_VECTOR,
    PARITY_NKINDS
} parity_kind_id;

/* options, as bits of parity_kind.options */
#define PARITY_OPT_NONZERO 0x0001u
#define PARITY_OPT_UINT64 0x0002u
#define PARITY_OPT_DIGITS15 0x0004u
#define PARITY_OPT_FOLD 0x0008u
#define PARITY_OPT_TEXT 0x0010u  /* text=…: see text */
#define PARITY_OPT_BLOB 0x0020u  /* blob=utf8 */
#define PARITY_OPT_JSONB 0x0040u /* blob=jsonb */
#define PARITY_OPT_EPOCH 0x0080u /* epoch=…: see unit */
#define PARITY_OPT_JULIAN 0x0100u
#define PARITY_OPT_ZONE 0x0200u /* zone=…: see zone */
#define PARITY_OPT_UNIT 0x0400u /* unit=…: see unit */
#define PARITY_OPT_DOTNET 0x0800u
#define PARITY_OPT_ROUND 0x1000u

/* A kind with its numbers and options.  Plain data: copy and compare field by field. */
typedef struct parity_kind {
    uint8_t id;        /* parity_kind_id */
    uint8_t text;      /* with PARITY_OPT_TEXT: 'u' utf8, 'h' hex, 'b' base64 */
    uint8_t unit;      /* with PARITY_OPT_EPOCH or _UNIT: decimals of a second, 0 (s), 3 (ms) or 6 (us) */
    bool has_scale;    /* decimal(p,s), or (p) of the time kinds */
    int32_t precision; /* decimal: p; 0 without */
    int32_t scale;     /* decimal: s; time kinds: p, 0 to 6; meaningless unless has_scale */
    int32_t zone;      /* with PARITY_OPT_ZONE: seconds east */
    uint32_t options;
} parity_kind;

#define PARITY_KIND_TEXT_MAX 160

/* Reads `name[(n[,n])][ option]…`.  PARITY_INVALID names what is wrong and lists what is valid. */
parity_status parity_kind_parse(const char *text, size_t n, parity_kind *out, parity_error *err);
/* Writes it, NUL-terminated; returns the length. */
size_t parity_kind_print(const parity_kind *k, char out[PARITY_KIND_TEXT_MAX]);
/* The bare name, such as "timestamptz". */
const char *parity_kind_name(parity_kind_id id);
/* The kind that a type declared in SQLite suggests (FORMAT.md, last table); declared may be empty. */
parity_kind parity_kind_of_declared(const char *declared, size_t n);
bool parity_kind_equal(const parity_kind *a, const parity_kind *b);

/* ---- bytes: fixed-width little-endian, written whatever the machine's order */

static inline void parity_store32(unsigned char *p, uint32_t v)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(p, &v, sizeof v); /* compilers do not always see that the loop is this */
#else
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i));
#endif
}

static inline void parity_store64(unsigned char *p, uint64_t v)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(p, &v, sizeof v);
#else
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(v >> (8 * i));
#endif
}

/* -------------------------------------------------------------------- values */

typedef enum parity_class {
    PARITY_NULL = 0, PARITY_INTEGER = 1, PARITY_REAL = 2, PARITY_STRING = 3, PARITY_BLOB = 4
} parity_class;

/* A loosely typed value as SQLite stores it: the input of a kind. */
typedef struct parity_value {
    parity_class cls;
    int64_t i;     /* PARITY_INTEGER */
    double r;      /* PARITY_REAL */
    const char *p; /* PARITY_STRING (UTF-8), PARITY_BLOB; may be NULL when n is 0 */
    size_t n;
} parity_value;

/* what a reader noticed, or-ed into *notes */
#define PARITY_NOTE_BAD 0x01u     /* framed as BAD */
#define PARITY_NOTE_OPTION 0x02u  /* BAD, but an option of the kind would read this storage class */
#define PARITY_NOTE_ROUNDS 0x04u  /* with `round` the frame would differ */
#define PARITY_NOTE_ZONELESS 0x08u /* timestamptz: text without a zone was read as UTC */
#define PARITY_NOTE_DIGITS 0x10u  /* a REAL was read by its shortest digits (decimal) */

/* tags, as in FORMAT.md */
enum {
    PARITY_TAG_NULL = 0x00, PARITY_TAG_INT = 0x01, PARITY_TAG_DEC = 0x02, PARITY_TAG_F64 = 0x03,
    PARITY_TAG_TEXT = 0x04, PARITY_TAG_BYTES = 0x05, PARITY_TAG_STAMP = 0x06, PARITY_TAG_DATE = 0x07,
    PARITY_TAG_TIME = 0x08, PARITY_TAG_TIMETZ = 0x09, PARITY_TAG_INTERVAL = 0x0A, PARITY_TAG_UUID = 0x0B,
    PARITY_TAG_JSON = 0x0C, PARITY_TAG_FINE = 0x0D, PARITY_TAG_BAD = 0x0F
};

/*
 * Appends the frame of v, read under kind k, to b, and ors PARITY_NOTE_ bits
 * into *notes.  With the ROUND option in k the rounded frame is written (and
 * PARITY_NOTE_ROUNDS is still set when that changed anything).
 * scratch is a second reusable buffer (JSON, long numbers); it must not be b.
 * PARITY_LIMIT when a frame would pass 4 GiB.
 */
parity_status parity_put_value(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                               unsigned *notes);

/* Appends the frame of an INTEGER, REAL or STRING, or sets *bad and appends nothing; see parity_put_planned. */
typedef parity_status (*parity_reader)(parity_buf *b, parity_buf *scratch, const parity_kind *k,
                                       const parity_value *v, unsigned *notes, bool *bad);

/* A kind made ready for many values of any class; kind must outlive it. */
typedef struct parity_plan {
    const parity_kind *kind;
    parity_reader read;
    unsigned plain; /* PARITY_PLAIN_ bits */
} parity_plan;

/* what is framed as it is, with no option to look at and no conversion */
#define PARITY_PLAIN_INT 0x1u  /* any INTEGER, as INT */
#define PARITY_PLAIN_BIT 0x2u  /* INTEGER 0 and 1, as INT */
#define PARITY_PLAIN_F64 0x4u  /* any REAL but NaN and 0, as F64 */
#define PARITY_PLAIN_TEXT 0x8u /* any STRING, as TEXT */

void parity_plan_init(parity_plan *plan, const parity_kind *k);

/* As parity_put_value for an INTEGER, REAL or STRING, without its dispatch. */
static inline parity_status parity_put_planned(parity_buf *b, parity_buf *scratch, const parity_plan *plan,
                                               const parity_value *v, unsigned *notes)
{
    unsigned seen = 0;
    bool bad = false;
    parity_status s = plan->read(b, scratch, plan->kind, v, &seen, &bad);

    if (bad && s == PARITY_OK)
        return parity_put_value(b, scratch, plan->kind, v, notes);
    *notes |= seen;
    return s;
}

/* Frames of typed values, for engines that have types.  Each reserves its own room. */
parity_status parity_put_null(parity_buf *b);
parity_status parity_put_int(parity_buf *b, int64_t v);
parity_status parity_put_f64(parity_buf *b, double v);
/* The double that f's shortest digits name. */
double parity_float4_as_double(float f);
parity_status parity_put_text(parity_buf *b, const char *p, size_t n);
/* Without the blanks at its end. */
parity_status parity_put_char(parity_buf *b, const char *p, size_t n);
parity_status parity_put_bytes(parity_buf *b, const void *p, size_t n);
parity_status parity_put_stamp(parity_buf *b, int64_t us2000);
parity_status parity_put_date(parity_buf *b, int32_t days2000);
parity_status parity_put_time(parity_buf *b, int64_t us);
parity_status parity_put_timetz(parity_buf *b, int64_t us, int32_t east);
parity_status parity_put_interval(parity_buf *b, int32_t months, int32_t days, int64_t us);
parity_status parity_put_uuid(parity_buf *b, const unsigned char uuid[16]);
/* A number: ndigits ASCII digits (leading and trailing zeros allowed) times 10^exponent. */
parity_status parity_put_number(parity_buf *b, bool negative, const char *digits, size_t ndigits, int64_t exponent);
/* As parity_put_number for a coefficient that fits 64 bits: the fast path. */
parity_status parity_put_small_number(parity_buf *b, bool negative, uint64_t coefficient, int exponent);
/* class: 2 NaN, 3 +infinity, 4 -infinity */
parity_status parity_put_dec_special(parity_buf *b, int cls);
/* Canonical JSON of a JSON text; BAD (class TEXT) when it is not JSON. */
parity_status parity_put_json(parity_buf *b, parity_buf *scratch, const char *p, size_t n, unsigned *notes);
parity_status parity_put_bad(parity_buf *b, const parity_value *v);

/* ------------------------------------------------------------------- digests */

/* Rows and the sum of their residues mod 2^127 - 1.  Flat: may be stored and copied as 24 bytes. */
typedef struct parity_digest {
    uint64_t rows;
    uint64_t lo, hi; /* sum = hi * 2^64 + lo < 2^127 - 1 */
} parity_digest;

typedef struct parity_hash {
    uint64_t lo, hi;
} parity_hash;

#define PARITY_DIGEST_TEXT_MAX 64

/* XXH3 128 of n bytes. */
parity_hash parity_hash_bytes(const void *p, size_t n, uint64_t seed);
/* xxHash's canonical representation: big-endian, high half first. */
void parity_hash_store(parity_hash h, unsigned char out[16]);
/* Adds one row of hash h.  Rows wrap after 2^64. */
void parity_digest_add(parity_digest *d, parity_hash h);
/* Hashes a row's n bytes of frames and adds it: the hot path of every digest. */
void parity_digest_add_row(parity_digest *d, const void *p, size_t n);
/* Takes away one row, of hash h or of n bytes of frames; rows wrap below 0, so that d may be a difference. */
void parity_digest_remove(parity_digest *d, parity_hash h);
void parity_digest_remove_row(parity_digest *d, const void *p, size_t n);
/* *d += by, with rows that wrap: by may be a difference. */
void parity_digest_shift(parity_digest *d, const parity_digest *by);
/* *d += other, *d -= other: PARITY_RANGE when the number of rows leaves 0 to 2^64 - 1. */
parity_status parity_digest_merge(parity_digest *d, const parity_digest *other, parity_error *err);
parity_status parity_digest_subtract(parity_digest *d, const parity_digest *other, parity_error *err);
bool parity_digest_equal(const parity_digest *a, const parity_digest *b);
/* Writes `p1-<rows>-<sum>`, NUL-terminated; returns the length. */
size_t parity_digest_print(const parity_digest *d, char out[PARITY_DIGEST_TEXT_MAX]);
/* Reads just what parity_digest_print writes: PARITY_VERSION for another version, else PARITY_MALFORMED. */
parity_status parity_digest_parse(const char *text, size_t n, parity_digest *out, parity_error *err);

/* ------------------------------------------------------------------ sketches */

#define PARITY_CELLS_DEFAULT 1024u
#define PARITY_CELLS_MIN 16u
#define PARITY_CELLS_MAX (1u << 20)
#define PARITY_STRATA_LEVELS 28
#define PARITY_STRATA_COUNTERS 64

/* One cell: of the rows that fell into it, their number and two sums of residues.  Flat. */
typedef struct parity_cell {
    parity_hash h; /* sum of h, the row hash's residue */
    parity_hash x; /* sum of key * h */
    uint32_t n;    /* rows, wrapping */
    uint32_t unused;
} parity_cell;

/*
 * A linear summary of (key, row hash) pairs: of the difference of two of them
 * the pairs that differ can be read back.  Flat, parity_sketch_size(cells)
 * bytes, so that it can be an aggregate's state.  FORMAT.md, Sketch.
 */
typedef struct parity_sketch {
    uint32_t cells; /* a power of two, PARITY_CELLS_MIN to PARITY_CELLS_MAX */
    uint32_t unused;
    uint64_t rows;   /* wrapping, as a difference may be negative */
    uint64_t hashed; /* of these, the rows whose key is a hash and not the integer itself; wrapping */
    uint32_t strata[PARITY_STRATA_LEVELS][PARITY_STRATA_COUNTERS]; /* for parity_sketch_estimate */
    parity_cell cell[];
} parity_sketch;

/* A difference that was read back, or a row of a small sketch. */
typedef struct parity_entry {
    uint64_t key;
    int32_t n;     /* rows: above 0 more in the first, below 0 more in the second, 0 as many but others */
    parity_hash h; /* sum of the residues, first minus second */
} parity_entry;

/* The number of cells that serves: a power of two within the bounds, at least wanted where they let it. */
uint32_t parity_cells_round(uint64_t wanted);
/* The cells for d differences: 1.4 d + 64, rounded (the figures are in FORMAT.md). */
uint32_t parity_cells_for(uint64_t d);
size_t parity_sketch_size(uint32_t cells);
void parity_sketch_init(parity_sketch *s, uint32_t cells);
/* Adds, or removes, one row.  hashed: key is a hash, see parity_row_key. */
void parity_sketch_add(parity_sketch *s, uint64_t key, bool hashed, parity_hash row);
void parity_sketch_remove(parity_sketch *s, uint64_t key, bool hashed, parity_hash row);
/* *s += other, *s -= other; both have as many cells. */
void parity_sketch_merge(parity_sketch *s, const parity_sketch *other);
void parity_sketch_subtract(parity_sketch *s, const parity_sketch *other);
/* Makes s the sketch that it would be with fewer cells, a power of two. */
void parity_sketch_fold(parity_sketch *s, uint32_t cells);
/*
 * Reads back what s holds, which is used up: entries sorted by key, in memory
 * from a.  *complete tells whether that is all; what is there is genuine in
 * either case.  Takes at most as many steps as there are cells.
 */
parity_status parity_sketch_decode(parity_sketch *s, parity_arena *a, parity_entry **out, size_t *n, bool *complete);
/* How many keys differ, roughly (19 times of 20 within a quarter), for a sketch that cannot be decoded whole. */
uint64_t parity_sketch_estimate(const parity_sketch *s);

/*
 * The wire form: version, length-checked, little-endian.  A sketch that can be
 * decoded by itself is written as its entries, which can be expanded to any
 * number of cells; others cell by cell.  scratch memory comes from a.
 */
parity_status parity_sketch_write(parity_buf *b, parity_arena *a, const parity_sketch *s);
/* What the wire form says before it is expanded; p must outlive it. */
typedef struct parity_sketch_wire {
    const unsigned char *p;
    size_t n;
    uint32_t cells;
    bool list;       /* entries, not cells: fits any number of cells */
    uint32_t entries;
    uint64_t rows, hashed;
} parity_sketch_wire;
/* Checks every length, residue and sum: PARITY_MALFORMED, PARITY_VERSION. */
parity_status parity_sketch_open(const void *p, size_t n, parity_sketch_wire *out, parity_error *err);
/* Whether it is the sketch of rows of this digest: their number and sum. */
bool parity_sketch_wire_fits(const parity_sketch_wire *w, const parity_digest *d);
/* Writes it to out, which has room for cells cells: any number for a list, else w->cells or fewer. */
void parity_sketch_expand(const parity_sketch_wire *w, parity_sketch *out, uint32_t cells);
/* The text form, base64 of the wire form: what bundles, casts and SQLite have. */
parity_status parity_sketch_print(parity_buf *b, parity_arena *a, const parity_sketch *s);
/* The bytes of the text form, in a; checked by parity_sketch_open. */
parity_status parity_sketch_parse(parity_arena *a, const char *text, size_t n, parity_sketch_wire *out,
                                  parity_error *err);
/*
 * out = a + b or (subtract) a - b, in memory from arena.  Of two sizes the smaller; a list takes the other's, of two
 * lists the larger.
 */
parity_status parity_sketch_combine(parity_arena *arena, const parity_sketch_wire *a, const parity_sketch_wire *b,
                                    bool subtract, parity_sketch **out);

/* 2^bits digests, a table split by the top bits of its key hashes.  Flat. */
typedef struct parity_buckets {
    uint32_t bits; /* 0 to PARITY_BUCKET_BITS_MAX */
    uint32_t unused;
    parity_digest digest[];
} parity_buckets;

#define PARITY_BUCKET_BITS_MAX 16

size_t parity_buckets_size(uint32_t bits);
void parity_buckets_init(parity_buckets *b, uint32_t bits);
void parity_buckets_merge(parity_buckets *b, const parity_buckets *other);
/* Where a row of this key hash belongs. */
static inline uint32_t parity_bucket_of(uint64_t key_hash, uint32_t bits)
{
    return bits == 0 ? 0 : (uint32_t)(key_hash >> (64 - bits));
}

/* ------------------------------------------------------------------- rollout */

/* A percentage of all keys: those whose position is below the bound. */
typedef struct parity_percent {
    uint64_t bound;
    bool all; /* 100: the bound is 2^64 */
} parity_percent;

/* Reads one frame of the kind decimal: PARITY_INVALID unless it is a number from 0 to 100. */
parity_status parity_percent_read(const unsigned char *frame, size_t n, parity_percent *out, parity_error *err);
/* Where a key of these frames stands among all keys; independent of its key hash and its digest. */
uint64_t parity_rollout_position(const void *frames, size_t n);
/* Whether a key at this position is in; what is in stays in when the percentage grows. */
static inline bool parity_rollout_has(const parity_percent *percent, uint64_t position)
{
    return percent->all || position < percent->bound;
}

/* --------------------------------------------------------------------- specs */

typedef struct parity_column {
    char *name; /* on this side */
    char *as;   /* its name for ordering and matching with the other side; NULL: name */
    parity_kind kind;
    bool key;
} parity_column;

/* How a table is read.  Lives in an arena. */
typedef struct parity_spec {
    char *schema;  /* may be NULL */
    char *table;
    char *as;      /* the other side's table name, or NULL */
    parity_column *columns;
    int ncolumns;
    bool unique;   /* the key is one that the engine enforces */
    char **left_out; /* generated and excluded columns, not read */
    int nleft_out;
} parity_spec;

/*
 * Puts the columns into canonical order (FORMAT.md: by `as` or name, ASCII
 * lower-cased without underscores, byte-wise, then by the name itself).
 */
void parity_spec_sort(parity_spec *s);
/*
 * Writes the spec as JSON:
 *   {"table":"t","schema":"s","as":"T","columns":[{"name":"id","as":"Id","kind":"int"},…],
 *    "key":["id"],"unique":true,"left_out":["g"]}
 * Absent parts are left out.
 */
parity_status parity_spec_print(parity_buf *b, const parity_spec *s);
/* Reads it.  Column order is kept.  At least one column; names distinct; key columns exist. */
parity_status parity_spec_parse(parity_arena *a, const char *json, size_t n, parity_spec *out, parity_error *err);
/*
 * Applies stored overrides to an inferred spec and sorts it:
 *   {"columns":{"created_at":"timestamptz epoch=ms"},"key":["id"],"exclude":["x"],
 *    "names":{"created_at":"CreatedAt"},"as":"other_table"}
 * A column in `columns` that left_out names is read again.  PARITY_NO_COLUMN,
 * listing the columns, for one that does not exist; PARITY_INVALID for an
 * unknown member or a wrong type.  Table is used in messages.
 */
parity_status parity_spec_override(parity_arena *a, parity_spec *s, const char *json, size_t n, parity_error *err);
int parity_spec_nkey(const parity_spec *s);

/* --------------------------------------------------------------------- scans */

#define PARITY_EXAMPLE_MAX 62

/* What one pass over a table says of one column.  Flat. */
typedef struct parity_column_tally {
    parity_digest digest;
    parity_digest rounding; /* what rounding every value adds to it: see parity_rounded */
    uint64_t bad;          /* values framed as BAD */
    uint64_t option;       /* of these, those that an option would read */
    uint64_t rounds;       /* values that rounding changes */
    uint64_t zoneless;     /* values read as UTC for want of a zone */
    uint64_t digits;       /* REALs read by their shortest digits */
    uint64_t nulls;
    uint8_t example_class; /* parity_class of the first BAD value seen, 0: none */
    uint8_t example_len;
    char example[PARITY_EXAMPLE_MAX]; /* its start, as printable UTF-8 text */
} parity_column_tally;

/*
 * What one pass over a table says of the table: one flat, mergeable block of
 * parity_tally_size(ncolumns, cells) bytes, so that it can be an aggregate's state.
 */
typedef struct parity_tally {
    uint32_t ncolumns;
    uint32_t cells;        /* 0, or there is a sketch of so many cells behind the columns */
    parity_digest digest;   /* of whole rows */
    parity_digest rounding; /* what rounding every value adds to it: see parity_rounded */
    parity_digest keys;
    parity_digest rounding_keys;
    parity_column_tally column[];
} parity_tally;

/* cells 0: without a sketch; else a power of two, as parity_cells_round gives it. */
size_t parity_tally_size(int ncolumns, uint32_t cells);
void parity_tally_init(parity_tally *t, int ncolumns, uint32_t cells);
/* *t += other; both have the same numbers of columns and cells. */
void parity_tally_merge(parity_tally *t, const parity_tally *other);
/*
 * The digest of rounded values: of most rows it is the exact one, so only the
 * differences of the others are summed, in a digest of no rows.
 */
parity_digest parity_rounded(const parity_digest *exact, const parity_digest *rounding);
/* The sketch, or NULL. */
parity_sketch *parity_tally_sketch(parity_tally *t);

/*
 * Appends the frame of column i of the current row to b.  rounded asks for the
 * value as the `round` option would give it; it is only set in a second call
 * for the same row, when the first one set PARITY_NOTE_ROUNDS somewhere.
 * *example may be set, when PARITY_NOTE_BAD is, to the value that was BAD (the
 * pointers must live until the row is done).
 */
typedef parity_status (*parity_put_column)(void *ctx, int i, bool rounded, parity_buf *b, parity_buf *scratch,
                                           unsigned *notes, parity_value *example);

/* A running pass.  buf and scratch are reused from row to row: no allocation once they are large enough. */
typedef struct parity_scan {
    int ncolumns;
    const bool *key;   /* ncolumns */
    bool has_key;
    int only_key;      /* the key's column when it has just one, else -1 */
    bool columns;      /* also digest each column and the keys */
    parity_buf buf, key_buf, scratch;
    uint32_t *ends;    /* ncolumns: where each frame ends */
} parity_scan;

/* key has ncolumns entries and must outlive the scan.  columns false: only tally->digest (and notes). */
parity_status parity_scan_init(parity_scan *s, const parity_mem *mem, int ncolumns, const bool *key, bool columns);
void parity_scan_free(parity_scan *s);
/* Reads one row through put and adds it to tally: to its sketch as well, when it has one. */
parity_status parity_scan_row(parity_scan *s, parity_tally *tally, parity_put_column put, void *ctx);
/*
 * The same for a row that the engine has framed itself, into s->buf with the
 * frames' ends in s->ends, and of which there was nothing to note.
 */
parity_status parity_scan_framed(parity_scan *s, parity_tally *tally);
/* Reads one row through put and adds it to its bucket. */
parity_status parity_scan_bucket(parity_scan *s, parity_buckets *buckets, parity_put_column put, void *ctx);

/* What stands for a row in a sketch. */
typedef struct parity_row_key {
    uint64_t key;  /* the integer of a key of one INT frame; else the low half of the key frame's hash; without
                      a key of the row hash */
    uint64_t hash; /* the low half of the key frame's hash, without a key of the row hash: what buckets go by */
    bool hashed;   /* key is a hash */
} parity_row_key;

/* The row key of a row that is framed: ends as in parity_scan, key has an entry a column. */
parity_status parity_row_key_of(const unsigned char *frames, const uint32_t *ends, int ncolumns, const bool *key,
                                parity_buf *scratch, parity_row_key *out);

/* A set of row keys to look for, and of buckets; flat, so that it can be passed as bytes. */
typedef struct parity_wanted {
    uint64_t bits;       /* of the buckets; there are 2^bits, at least 64 bits are stored */
    uint64_t log2;       /* of the number of bits of the filter, at least 6 */
    uint64_t nkeys;
    uint64_t any_bucket; /* 0: no bucket is wanted */
    uint64_t data[];     /* a bit a bucket; the filter; the keys, ascending */
} parity_wanted;

/* Makes the set in memory from a: n keys in any order, and the buckets (of bits bits) in a bitmap, NULL: none. */
parity_status parity_wanted_make(parity_arena *a, const uint64_t *keys, size_t n, uint32_t bits,
                                 const uint64_t *bitmap, parity_wanted **out, size_t *size);
/* Whether n bytes are a set that parity_wanted_has can be asked; p is aligned as uint64_t. */
bool parity_wanted_check(const void *p, size_t n);
bool parity_wanted_has(const parity_wanted *w, const parity_row_key *k);
/*
 * For a pass that looks for rows: frames the key columns of a row (all, without
 * a key) through put and tells whether the row is wanted; when it is and whole
 * is set, s->buf and s->ends then hold all of it.
 */
parity_status parity_scan_wanted(parity_scan *s, const parity_wanted *w, bool whole, parity_put_column put, void *ctx,
                                 parity_row_key *key, bool *hit);

/* ------------------------------------------------------------------- bundles */

/* Bounds of what is read from the other side; beyond them PARITY_LIMIT. */
#define PARITY_BUNDLE_MAX_BYTES ((size_t)256 << 20)
#define PARITY_BUNDLE_MAX_TABLES 100000
#define PARITY_SPEC_MAX_COLUMNS 32767
#define PARITY_DOC_MAX_DEPTH 32

typedef struct parity_bundle_column {
    parity_digest digest;
    bool has_rounded;
    parity_digest rounded;
    uint64_t bad, option, rounds, zoneless, digits, nulls;
    char *example; /* storage class and start of a BAD value, or NULL */
} parity_bundle_column;

typedef struct parity_bundle_table {
    parity_spec spec;
    parity_digest digest, keys;
    bool has_rounded;
    parity_digest rounded, rounded_keys;
    bool has_sketch;
    parity_sketch_wire sketch; /* fits digest */
    parity_bundle_column *columns; /* spec.ncolumns */
} parity_bundle_table;

typedef struct parity_bundle {
    char *engine;   /* "postgresql" or "sqlite" */
    char *version;  /* of parity */
    char *server, *time, *position, *schema;
    bool partial; /* the tables were named: others are not missing from it */
    parity_bundle_table *tables;
    int ntables;
    char **skipped; /* tables that were left out on purpose */
    int nskipped;
} parity_bundle;

/* Writes the start of a bundle: all members of head but its tables. */
parity_status parity_bundle_begin(parity_buf *b, const parity_bundle *head);
/* Adds a table, with the tally's sketch if there is one; first is true for the first one. */
parity_status parity_bundle_add(parity_buf *b, const parity_spec *spec, const parity_tally *tally, bool first);
parity_status parity_bundle_end(parity_buf *b);
/*
 * Reads a bundle, checking every member, length and number before it is used.
 * Takes at most 16 times n bytes plus 1 MiB from a.
 */
parity_status parity_bundle_parse(parity_arena *a, const char *text, size_t n, parity_bundle *out, parity_error *err);

/* -------------------------------------------------------------------- verify */

typedef enum parity_verdict {
    PARITY_V_MATCH, PARITY_V_ROUNDED, PARITY_V_DIFFER, PARITY_V_ONLY_LOCAL, PARITY_V_ONLY_REMOTE,
    PARITY_V_INCOMPARABLE
} parity_verdict;

/* The word that verify prints: "match", "rounded", "differ", "only local", "only remote", "incomparable". */
const char *parity_verdict_text(parity_verdict v);

/* A local column as the engine knows it, before any spec. */
typedef struct parity_local_column {
    char *name;
    parity_kind kind;  /* natural kind, with numbers; with stored overrides applied */
    bool overridden;   /* a stored override gives the kind */
    bool strict;       /* the engine enforces a type of this kind (PostgreSQL); false for SQLite's */
    bool is_text;      /* strict: the type is text-like, so that any kind may read it as text */
    bool generated;
    bool excluded;     /* by a stored override */
    char *as;          /* stored name of the other side, or NULL */
    parity_kind natural; /* kind without overrides; of a strict column what its type holds */
    bool integer;      /* `"column" IN (1, 2)` finds every row whose value is framed as one of these integers */
    bool identity;     /* strict: GENERATED ALWAYS AS IDENTITY, so that UPDATE cannot set it */
    bool limited;      /* strict: the column does not take all values of its kind: see accepts */
    bool rowid;        /* SQLite: another name of the rowid, which holds nothing but integers */
    char *type;        /* strict: the type as SQL names it, schema and numbers included; else NULL */
    uint8_t store;     /* parity_store: how a value is written in SQL */
} parity_local_column;

/* How a literal for a column is written.  Text in quotes, unless it says otherwise. */
typedef enum parity_store_as {
    PARITY_STORE_TEXT,     /* strict: any type that reads its own text form */
    PARITY_STORE_JSON,     /* strict: json, jsonb and vector: the JSON text */
    PARITY_STORE_POPULATE, /* strict: arrays: jsonb_to_record of a column of that type */
    PARITY_STORE_ROW,      /* strict: composites: the same; row_hash would take their fields */
    PARITY_STORE_HSTORE,   /* strict: hstore's own text form of a JSON object */
    /* SQLite: by the column's affinity */
    PARITY_STORE_BLOB, PARITY_STORE_ANY_TEXT, PARITY_STORE_NUMERIC, PARITY_STORE_INTEGER, PARITY_STORE_REAL
} parity_store_as;

typedef struct parity_local_table {
    char *schema, *name;
    char *as; /* stored name of the other side, or NULL */
    parity_local_column *columns;
    int ncolumns;
    const char *row_id; /* SQL that tells equal rows apart: "ctid", "rowid"; NULL: there is none */
} parity_local_table;

/* A foreign key of a local table, or one of another table to it. */
typedef struct parity_reference {
    char *schema, *table; /* the other table */
    char **columns;       /* of the table that refers */
    char **referenced;    /* of the one that is referred to */
    int ncolumns;
    bool acts; /* ON DELETE does something: CASCADE, SET NULL, SET DEFAULT */
} parity_reference;

/*
 * A row that fetch found: its key, its frames under spec, and (guard_frames
 * NULL without a guard) under guard.  The pointers live until the call returns.
 */
typedef parity_status (*parity_each_row)(void *ctx, const parity_row_key *key, const unsigned char *frames,
                                         const uint32_t *ends, const unsigned char *guard_frames,
                                         const uint32_t *guard_ends);

/*
 * What the engine does for verify.  Callbacks return PARITY_ENGINE when the
 * engine has an error of its own to raise (or jump), else a status with err
 * filled.  Memory comes from a.
 */
typedef struct parity_engine {
    void *ctx;
    const char *name; /* "postgresql" or "sqlite" */
    /*
     * The tables of the schema (NULL: the default one: "public", "main"), names only, and those left out
     * (virtual, internal) in skipped.
     */
    parity_status (*list)(void *ctx, parity_arena *a, const char *schema, char ***names, int *n, char ***skipped,
                          int *nskipped, parity_error *err);
    /* Columns of one table that list named, in its own order. */
    parity_status (*describe)(void *ctx, parity_arena *a, const char *schema, const char *table,
                              parity_local_table *out, parity_error *err);
    /*
     * Scans the table under spec (names are local ones, order is the frame order, key flags set), with column
     * digests and, unless cells is 0, a sketch: fills a tally of spec->ncolumns columns, allocated from a.
     */
    parity_status (*scan)(void *ctx, parity_arena *a, const parity_spec *spec, uint32_t cells, parity_tally **out,
                          parity_error *err);
    /*
     * Calls each for every row of the table whose key under spec is in wanted (which takes wanted_size bytes).
     * integers, unless NULL, are the wanted keys, all of them integers of the only key column, which has
     * `integer` set: the engine may look them up by `"column" IN (…)`.  guard, unless NULL, has the columns of
     * spec and maybe more, under other kinds: each gets those frames as well.
     */
    parity_status (*fetch)(void *ctx, const parity_spec *spec, const parity_spec *guard, const parity_wanted *wanted,
                           size_t wanted_size, const int64_t *integers, size_t nintegers, parity_each_row each,
                           void *each_ctx, parity_error *err);
    /* The foreign keys of a table, or (incoming) those of all tables, itself included, to it; from a. */
    parity_status (*references)(void *ctx, parity_arena *a, const char *schema, const char *table, bool incoming,
                                parity_reference **out, int *n, parity_error *err);
    /* The table's spec with stored overrides, as bundle and rows read it. */
    parity_status (*own_spec)(void *ctx, parity_arena *a, const char *schema, const char *table, parity_spec *out,
                              parity_error *err);
    /* Whether a limited column takes a literal that parity_literal made.  NULL where no column is limited. */
    parity_status (*accepts)(void *ctx, const char *schema, const char *table, const char *column, const char *literal,
                             size_t n, bool *ok, parity_error *err);
} parity_engine;

/* One row of verify.  NULL texts are SQL NULL. */
typedef struct parity_verify_row {
    const char *table_name, *remote_name;
    parity_verdict verdict;
    bool has_local_rows, has_remote_rows, has_differing;
    uint64_t local_rows, remote_rows;
    uint64_t differing; /* what diff would print; an estimate when detail says so */
    const char *const *columns; /* names on the local side (the remote's for a column only there) */
    int ncolumns;
    const char *detail; /* NULL when there is nothing to say */
} parity_verify_row;

typedef struct parity_verify parity_verify;

/*
 * Prepares a comparison: parses the bundle and the mapping (JSON or NULL),
 * lists the local tables and pairs them.  All memory, including *out, is taken
 * from mem and freed by parity_verify_close, which must be called after any
 * outcome that set *out (also an error).
 */
parity_status parity_verify_open(const parity_mem *mem, const parity_engine *engine, const char *bundle, size_t nbundle,
                                 const char *mapping, size_t nmapping, parity_verify **out, parity_error *err);
/* The next row, or NULL at the end.  The row lives until the next call. */
parity_status parity_verify_next(parity_verify *v, const parity_verify_row **row, parity_error *err);
void parity_verify_close(parity_verify *v);
/* Whether a row counts as matching under the mapping's "accept". */
bool parity_verify_accepts(const parity_verify *v, const parity_verify_row *row);
/*
 * Runs the comparison to its end and fails with PARITY_MISMATCH, naming the
 * tables, unless every row is accepted.
 */
parity_status parity_verify_assert(parity_verify *v, parity_error *err);
/*
 * For adopt: the i-th paired table's overrides, as JSON for set_spec, that make
 * the local side read as the bundle does.  *table is NULL behind the last one.
 */
parity_status parity_verify_adopt(parity_verify *v, int i, const char **schema, const char **table, parity_buf *json,
                                  parity_error *err);

/* ---------------------------------------------------------------------- frames */

/* A frame taken apart.  FINE and what it stands in front of are one. */
typedef struct parity_frame {
    uint8_t tag;           /* PARITY_TAG_…; of a FINE frame that of what follows it */
    const char *fine;      /* its digits, or NULL */
    size_t nfine;
    int64_t i;             /* INT; STAMP, TIME, TIMETZ, INTERVAL: us; DATE: days */
    int32_t east;          /* TIMETZ: seconds */
    int32_t months, days;  /* INTERVAL */
    double r;              /* F64, BAD REAL */
    uint8_t dec_class;     /* DEC: 0 to 4 */
    int32_t exponent;      /* DEC */
    uint8_t bad_class;     /* BAD: 1 INTEGER (i), 2 REAL (r), 3 TEXT, 4 BLOB */
    const char *p;         /* DEC digits, TEXT, BYTES, UUID (16), JSON, BAD TEXT and BLOB */
    size_t n;
} parity_frame;

/* Reads the frame at *p and moves *p behind it; false when it is not one, or reaches beyond end. */
bool parity_frame_read(const unsigned char **p, const unsigned char *end, parity_frame *out);
/*
 * Reads the frames of a row of ncolumns columns, which fill n bytes exactly:
 * their ends to ends.  PARITY_MALFORMED.
 */
parity_status parity_frames_check(const unsigned char *frames, size_t n, int ncolumns, uint32_t *ends,
                                  parity_error *err);
/*
 * Appends a value as people read it: NULL as `NULL`, numbers by their digits,
 * text as it is, bytes as \x…, instants in ISO 8601 with `+00` under
 * timestamptz, JSON as its canonical text, BAD as its storage class and value.
 * Bytes that are not UTF-8 and NUL become U+FFFD.
 */
parity_status parity_frame_text(parity_buf *b, const parity_kind *k, const parity_frame *f);
/*
 * Appends a value as JSON: what parity_frame_of_json reads back to the same
 * frame under the same kind; *exact is false where it does not (a BAD value,
 * text that is not UTF-8): it is then for people.
 */
parity_status parity_frame_json(parity_buf *b, parity_buf *scratch, const parity_kind *k, const unsigned char *frame,
                                size_t n, bool *exact);
/*
 * The key of a row as JSON: the value of one key column, else an object of
 * them; without a key an object of all columns.  *exact as above.
 */
parity_status parity_key_json(parity_buf *b, parity_buf *scratch, const parity_spec *spec, const unsigned char *frames,
                              const uint32_t *ends, bool *exact);

/*
 * Where a literal goes.  strict, kind (with options, as the table is read),
 * natural and store are of the local column.
 */
typedef struct parity_target {
    const char *schema, *table, *column;
    bool strict;
    parity_kind kind, natural;
    uint8_t store;    /* parity_store_as */
    const char *type; /* strict: as in parity_local_column */
} parity_target;

/*
 * Appends an SQL literal which, stored in that column, is read back as this
 * frame: checked by reading it.  *why is NULL then; else why there is none
 * ("it would be rounded to decimal(10,2)", "text holds NUL"), NUL-terminated
 * in scratch, and nothing was appended.  strict: PostgreSQL's dialect, else SQLite's.
 */
parity_status parity_literal(parity_buf *b, parity_buf *scratch, const parity_target *t, const unsigned char *frame,
                             size_t n, const char **why);

/* Why two frames of a column differ. */
typedef enum parity_reason_id {
    PARITY_R_VALUE, PARITY_R_PRECISION, PARITY_R_BLANKS, PARITY_R_CASE, PARITY_R_ZONE, PARITY_R_FLOAT4,
    PARITY_R_UNICODE, PARITY_R_BAD
} parity_reason_id;

typedef struct parity_reason {
    parity_reason_id id;
    int32_t shift;     /* PARITY_R_ZONE: seconds, local minus remote */
    char text[64];     /* "value", "precision", "trailing blanks", "case", "time zone shift of 02:00", … */
    char option[48];   /* what would accept it: an option ("round", "zone=+02:00"), a whole kind ("char", "float4
                          round"), for BAD values those that may be meant; "": nothing */
} parity_reason;

/* kind is how the column is read on this side, remote_kind on the other. */
parity_status parity_reason_of(parity_buf *scratch, const parity_kind *kind, const parity_kind *remote_kind,
                               const parity_frame *local, const parity_frame *remote, parity_reason *out);
/* Equal when Unicode normalization (NFC) is ignored; equal when case is (simple case folding). */
bool parity_text_same_form(const char *a, size_t na, const char *b, size_t nb);
bool parity_text_same_folded(const char *a, size_t na, const char *b, size_t nb);

/* ------------------------------------------------------------------------ diff */

typedef enum parity_change { PARITY_C_CHANGED, PARITY_C_ONLY_LOCAL, PARITY_C_ONLY_REMOTE } parity_change;

/* "changed", "only local", "only remote" */
const char *parity_change_text(parity_change c);

/* One row of diff.  key and detail may be NULL. */
typedef struct parity_diff_row {
    bool is_row;     /* false: the last row of a diff that is not complete, with nothing but complete and detail */
    const char *key; /* JSON */
    parity_change change;
    char key_hash[17]; /* 16 hex digits: the key in the sketch */
    bool complete;
    int64_t rows;      /* local minus remote: 0 for a changed row */
    const char *detail;
} parity_diff_row;

typedef struct parity_diff parity_diff;

/*
 * The rows in which a local table differs from its counterpart in a bundle.
 * schema NULL: the default one.  Errors: PARITY_NO_TABLE when the bundle has no
 * such table, PARITY_INVALID when the two cannot be compared row by row.
 * Memory as with parity_verify_open; all reading of the table is done here.
 */
parity_status parity_diff_open(const parity_mem *mem, const parity_engine *engine, const char *schema,
                               const char *table, const char *bundle, size_t nbundle, parity_diff **out,
                               parity_error *err);
/* The next row, in the order of the keys, or NULL at the end. */
const parity_diff_row *parity_diff_next(parity_diff *d);
/* NULL when the rows are all there are; else what to do to get them all, for a NOTICE. */
const char *parity_diff_notice(const parity_diff *d);
void parity_diff_close(parity_diff *d);

/* ---------------------------------------------------- rows, explain, recheck, repair */

/*
 * Appends the rows bundle of the rows that keys (JSON) name.  head gives the
 * members for people.  PARITY_MALFORMED, PARITY_INVALID for keys that are none.
 */
parity_status parity_rows_write(const parity_mem *mem, const parity_engine *engine, const char *schema,
                                const char *table, const char *keys, size_t nkeys, const parity_bundle *head,
                                parity_buf *out, parity_error *err);

typedef struct parity_explain_row {
    const char *key, *column_name, *local_value, *remote_value; /* NULL: SQL NULL */
    const char *reason;
} parity_explain_row;

typedef struct parity_recheck_row {
    const char *key; /* JSON, or NULL */
    parity_change change;
    char key_hash[17];
} parity_recheck_row;

typedef struct parity_repairs parity_repairs; /* a rows bundle against the local tables */

/*
 * Reads the local rows that a rows bundle speaks of.  table NULL: the bundle
 * may be a JSON array of rows bundles, each of which names its table; repair
 * then puts all into one transaction in the order of the foreign keys.
 * repair: also reads what parity_repair_next needs.  Memory as with
 * parity_verify_open.
 */
parity_status parity_repairs_open(const parity_mem *mem, const parity_engine *engine, const char *schema,
                                  const char *table, const char *rows, size_t n, bool repair, parity_repairs **out,
                                  parity_error *err);
/* The next row, or NULL at the end; it lives until the next call.  A caller uses one of the three. */
parity_status parity_explain_next(parity_repairs *r, const parity_explain_row **row, parity_error *err);
parity_status parity_recheck_next(parity_repairs *r, const parity_recheck_row **row, parity_error *err);
/* The next statement or comment, without a NUL inside. */
parity_status parity_repair_next(parity_repairs *r, const char **statement, parity_error *err);
void parity_repairs_close(parity_repairs *r);

#endif
