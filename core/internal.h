/*
 * internal.h - what the files of core/ share with each other and no engine sees
 *
 * A reader takes one non-NULL value (class INTEGER, REAL, STRING or BLOB; with
 * blob=utf8 the caller has already turned a BLOB into a STRING) and either
 * appends its frame to b, or leaves b as it was and sets *bad: the caller then
 * writes the BAD frame.  It ors PARITY_NOTE_ROUNDS, _ZONELESS and _DIGITS into
 * *notes, and together with *bad PARITY_NOTE_OPTION when an option of the kind
 * that is not set would read values of this storage class.  scratch may be used
 * freely; its contents mean nothing between calls.
 */
#ifndef PARITY_INTERNAL_H
#define PARITY_INTERNAL_H

#include "parity.h"

#define PARITY_TRY(call)                       \
    do {                                       \
        parity_status try_status_ = (call);    \
        if (try_status_ != PARITY_OK)          \
            return try_status_;                \
    } while (0)

/* ---- eight bytes at a time, the first one lowest whatever the machine's order */

static inline uint64_t parity_load64(const void *p)
{
    uint64_t v = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(&v, p, sizeof v);
#else
    const unsigned char *bytes = p;

    for (int i = 8; i-- > 0;)
        v = v << 8 | bytes[i];
#endif
    return v;
}

static inline uint32_t parity_load32(const void *p)
{
    const unsigned char *bytes = p;

    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The same byte eight times. */
#define PARITY_BYTES8(byte) (UINT64_C(0x0101010101010101) * (byte))

/* ---- texts: mem.c */

/* Removes an incomplete UTF-8 character from the end of a NUL-terminated text. */
void parity_utf8_trim(char *text);
/* Whether n bytes are valid UTF-8 (no surrogates, no overlong forms, nothing beyond 10FFFF). */
bool parity_utf8_valid(const char *p, size_t n);

/* ---- numbers: number.c, shortest.c */

/* A decimal number as read: zeros at either end of digits are allowed. */
typedef struct parity_number {
    bool negative;
    const char *digits; /* ASCII; points into the input, small or a scratch buffer */
    size_t ndigits;     /* 0 is the number 0 */
    int64_t exponent;   /* saturated well within i64, so that small sums with it cannot overflow */
    char small[48];
} parity_number;

/* Shortest digits of a finite x > 0: value = digits * 10^*exponent, no zeros at either end; returns their number. */
int parity_shortest8(double x, char digits[20], int *exponent);
int parity_shortest4(float x, char digits[12], int *exponent);
/* 15 significant digits, correctly rounded, without zeros at the end. */
int parity_digits15(double x, char digits[20], int *exponent);
/* The number of the shortest digits of a finite x (digits are in out->small). */
void parity_number_of_double(double x, parity_number *out);
/*
 * Reads decimal text.  *ok is false when p is not decimal text.  Digits that
 * are not contiguous and do not fit into small are put together in scratch.
 */
parity_status parity_number_parse(const char *p, size_t n, parity_buf *scratch, parity_number *out, bool *ok);
/* The nearest double, ties to even; infinity beyond.  May use scratch, but not the part that x->digits points into. */
parity_status parity_number_to_double(const parity_number *x, parity_buf *scratch, double *out);
/* Frames the number; *bad when its exponent does not fit. */
parity_status parity_put_parsed(parity_buf *b, const parity_number *x, bool *bad);
/* Writes the number as canonical JSON has it (`-15e-1`); *bad when its exponent does not fit. */
parity_status parity_json_number(parity_buf *b, const parity_number *x, bool *bad);
/* Writes x as FORMAT.md's "REAL as text". */
parity_status parity_real_text(parity_buf *b, double x);
/* The float4 rule for REAL x: the double that stands for it. */
double parity_float4_rule(double x);

/* ---- readers, a file a kind family */

/* int, decimal, float8, float4: number.c */
parity_status parity_read_numeric(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                                  unsigned *notes, bool *bad);
/* timestamptz, timestamp, date, time, timetz: stamp.c */
parity_status parity_read_time(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                               unsigned *notes, bool *bad);
/* interval.c */
parity_status parity_read_interval(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                                   unsigned *notes, bool *bad);
/* json: json.c, with the JSONB decoder of jsonb.c */
parity_status parity_read_json(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                               unsigned *notes, bool *bad);
/* vector.c */
parity_status parity_read_vector(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                                 unsigned *notes, bool *bad);
/* bytes, uuid: encoding.c */
parity_status parity_read_bytes(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                                unsigned *notes, bool *bad);
parity_status parity_read_uuid(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                               unsigned *notes, bool *bad);

/* Writes SQLite JSONB as JSON text to out; *bad when it is malformed.  jsonb.c */
parity_status parity_jsonb_text(parity_buf *out, const unsigned char *p, size_t n, bool *bad);
/* Canonical JSON of p to out (no tag, no length); *bad, and out as it was, when p is not JSON.  Any depth, no recursion. json.c */
parity_status parity_json_canonical(parity_buf *out, parity_buf *scratch, const char *p, size_t n, bool *bad);

/* Appends n bytes as base64 of RFC 4648, padded, in one line.  encoding.c */
parity_status parity_base64_encode(parity_buf *b, const unsigned char *p, size_t n);
/* Decodes n characters to w, which has room for n / 4 * 3 + 3; false when they are not base64 (CR and LF are ignored). */
bool parity_base64_decode(const unsigned char *s, size_t n, unsigned char *w, size_t *length);

/* ---- JSON documents from outside, small and bounded: doc.c */

typedef enum parity_node_type {
    PARITY_N_NULL, PARITY_N_FALSE, PARITY_N_TRUE, PARITY_N_NUMBER, PARITY_N_STRING, PARITY_N_ARRAY, PARITY_N_OBJECT
} parity_node_type;

/* A value of a document.  Strings are decoded and NUL-terminated; numbers are their text. */
typedef struct parity_node {
    const char *key; /* inside an object */
    const char *text;
    struct parity_node *first, *next; /* members or elements */
    uint32_t count;                   /* of members or elements */
    uint8_t type;
} parity_node;

/*
 * Reads a document of at most PARITY_DOC_MAX_DEPTH levels: valid UTF-8, no NUL
 * in strings, no member twice in an object of at most 64.  what ("bundle")
 * names it in errors, PARITY_MALFORMED or PARITY_LIMIT.  Takes at most 10 times
 * n bytes plus 1 MiB from a.
 */
parity_status parity_doc_parse(parity_arena *a, const char *what, const char *text, size_t n, parity_node **out,
                               parity_error *err);
/* The member of an object, or NULL. */
const parity_node *parity_node_member(const parity_node *object, const char *key);
/* Reads a whole number >= 0; false when it is none or does not fit. */
bool parity_node_u64(const parity_node *n, uint64_t *out);
/* Appends a JSON string; bytes that are not UTF-8 become U+FFFD. */
parity_status parity_json_string(parity_buf *b, const char *text);

/* ---- lists of keys: keys.c */

/* What a list of keys asks for. */
typedef struct parity_keys {
    uint64_t *keys; /* row keys, as asked */
    bool *integer;  /* which of them were given as the integer of a key of one column */
    size_t n;
    bool integers;  /* all of them, and no buckets */
    uint32_t bits;
    uint64_t *bitmap; /* of buckets, or NULL */
    parity_wanted *wanted;
    size_t wanted_size;
} parity_keys;

/*
 * Reads an array of keys, key hashes, rows of diff and buckets (FORMAT.md, Keys
 * as JSON) of a table that is read under spec.  what ("keys") begins messages.
 */
parity_status parity_keys_read(parity_arena *a, const parity_spec *spec, const parity_node *array, const char *what,
                               parity_keys *out, parity_error *err);
/* Writes them as a JSON array of {"key": integer}, {"key_hash": text} and {"bucket": …, "bits": …}. */
parity_status parity_keys_print(parity_buf *b, const parity_keys *k);
/* The text of a row key: 16 hex digits. */
void parity_key_hash_text(uint64_t key, char out[17]);
/* The row keys as integers when the engine may look them up so: column is the only key column; else NULL. */
const int64_t *parity_keys_integers(const parity_keys *k, const parity_local_table *t, const parity_spec *spec);

/* ---- frames as text: render.c */

/* Appends the text that reads back as the frame under k, bytes and all; nothing for NULL and BAD. */
parity_status parity_frame_raw_text(parity_buf *b, const parity_kind *k, const parity_frame *f);
/*
 * FINE digits count upwards from µs that were rounded down: the digits that count downwards, from what is
 * nearer to 0 by a µs.
 */
void parity_turn_fine(const char *fine, size_t n, char *out);
/*
 * Appends digits * 10^exponent as a number of JSON, without an exponent when that takes no more than plain bytes;
 * no zeros at either end of digits, none of them is 0.
 */
parity_status parity_put_digits(parity_buf *b, bool negative, const char *digits, size_t n, int64_t exponent,
                                size_t plain);
/* Appends a STAMP on the clock of a zone, with the zone as it is to be written. */
parity_status parity_put_stamp_text(parity_buf *b, const parity_frame *f, int32_t east, const char *zone);
/*
 * Appends the frame that a JSON value stands for under k, as keys are read (FORMAT.md, Keys as JSON); *ok is
 * false, and nothing appended, when it stands for none.
 */
parity_status parity_frame_of_json(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_node *node,
                                   bool *ok);

/* ---- literals: literal.c */

/*
 * Appends the frame under t->natural of what a strict column holds once parity_literal's literal is stored in it;
 * *ok is false, and nothing appended, when there is no literal.
 */
parity_status parity_stored_frame(parity_buf *b, parity_buf *scratch, const parity_target *t,
                                  const unsigned char *frame, size_t n, bool *ok);

/* ---- names and specs: spec.c */

/* Compares names in canonical order: ASCII lower-cased, without underscores. */
int parity_name_compare(const char *a, const char *b);
/* Equal when ASCII case is ignored. */
bool parity_name_equal_nocase(const char *a, const char *b);
/* As parity_spec_parse, from a node; what begins messages. */
parity_status parity_spec_read(parity_arena *a, const parity_node *node, parity_spec *out, parity_error *err);
/* Writes the members of a spec without the columns' closing: see parity_spec_print; extra adds members to column i. */
parity_status parity_spec_write(parity_buf *b, const parity_spec *s,
                                parity_status (*extra)(void *ctx, parity_buf *b, int i), void *ctx);
/* The options that say how loosely typed values are read, and that change nothing for typed ones. */
#define PARITY_OPTS_READING                                                                                   \
    (PARITY_OPT_NONZERO | PARITY_OPT_UINT64 | PARITY_OPT_DIGITS15 | PARITY_OPT_TEXT | PARITY_OPT_BLOB |        \
     PARITY_OPT_JSONB | PARITY_OPT_EPOCH | PARITY_OPT_JULIAN | PARITY_OPT_ZONE | PARITY_OPT_UNIT |             \
     PARITY_OPT_DOTNET)
/* In words, the options that may read BAD values of a kind, blobs or others. */
const char *parity_options_for(const parity_kind *k, bool blob);
/* The options that a kind may have. */
uint32_t parity_kind_options(parity_kind_id id);

#endif
