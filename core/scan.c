/*
 * scan.c - one pass over a table: rows in, one mergeable tally out
 *
 * A row is framed once into buf.  The row hash is taken of the whole, a column's
 * hash of its own part with the key's hash as the seed, so that the pass costs
 * one framing whatever is asked of it.  When a value of the row would change by
 * rounding, the row is framed a second time with rounded values.
 */
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "field.h"
#include "internal.h"

size_t parity_tally_size(int ncolumns, uint32_t cells)
{
    return sizeof(parity_tally) + (size_t)ncolumns * sizeof(parity_column_tally) +
           (cells > 0 ? parity_sketch_size(cells) : 0);
}

parity_digest parity_rounded(const parity_digest *exact, const parity_digest *rounding)
{
    parity_digest out = *exact;

    parity_digest_merge(&out, rounding, NULL);
    return out;
}

parity_sketch *parity_tally_sketch(parity_tally *t)
{
    return t->cells > 0 ? (parity_sketch *)(void *)&t->column[t->ncolumns] : NULL;
}

void parity_tally_init(parity_tally *t, int ncolumns, uint32_t cells)
{
    memset(t, 0, parity_tally_size(ncolumns, cells));
    t->ncolumns = (uint32_t)ncolumns;
    t->cells = cells;
    if (cells > 0)
        parity_sketch_init(parity_tally_sketch(t), cells);
}

void parity_tally_merge(parity_tally *t, const parity_tally *other)
{
    parity_digest_merge(&t->digest, &other->digest, NULL);
    parity_digest_merge(&t->rounding, &other->rounding, NULL);
    parity_digest_merge(&t->keys, &other->keys, NULL);
    parity_digest_merge(&t->rounding_keys, &other->rounding_keys, NULL);
    for (uint32_t i = 0; i < t->ncolumns; i++) {
        parity_column_tally *c = &t->column[i];
        const parity_column_tally *o = &other->column[i];

        parity_digest_merge(&c->digest, &o->digest, NULL);
        parity_digest_merge(&c->rounding, &o->rounding, NULL);
        c->bad += o->bad;
        c->option += o->option;
        c->rounds += o->rounds;
        c->zoneless += o->zoneless;
        c->digits += o->digits;
        c->nulls += o->nulls;
        if (c->example_class == 0 && o->example_class != 0) {
            c->example_class = o->example_class;
            c->example_len = o->example_len;
            memcpy(c->example, o->example, sizeof c->example);
        }
    }
    if (t->cells > 0)
        parity_sketch_merge(parity_tally_sketch(t), (const parity_sketch *)(const void *)&other->column[t->ncolumns]);
}

parity_status parity_scan_init(parity_scan *s, const parity_mem *mem, int ncolumns, const bool *key, bool columns)
{
    memset(s, 0, sizeof *s);
    s->ncolumns = ncolumns;
    s->key = key;
    s->columns = columns;
    s->only_key = -1;
    for (int i = 0; key != NULL && i < ncolumns; i++)
        if (key[i]) {
            s->only_key = s->has_key ? -1 : i;
            s->has_key = true;
        }
    parity_buf_init(&s->buf, mem);
    parity_buf_init(&s->key_buf, mem);
    parity_buf_init(&s->scratch, mem);
    s->ends = mem->resize(mem->ctx, NULL, (size_t)(ncolumns + 1) * sizeof *s->ends);
    return s->ends == NULL ? PARITY_NOMEM : PARITY_OK;
}

void parity_scan_free(parity_scan *s)
{
    const parity_mem *mem = s->buf.mem;

    if (mem == NULL)
        return;
    parity_buf_free(&s->buf);
    parity_buf_free(&s->key_buf);
    parity_buf_free(&s->scratch);
    if (s->ends != NULL)
        mem->resize(mem->ctx, s->ends, 0);
    s->ends = NULL;
}

/* Keeps the start of a BAD value as printable text. */
static void keep_example(parity_column_tally *c, const parity_value *v)
{
    int n = 0;

    c->example_class = (uint8_t)v->cls;
    switch (v->cls) {
    case PARITY_INTEGER:
        n = snprintf(c->example, sizeof c->example, "%lld", (long long)v->i);
        break;
    case PARITY_REAL:
        n = snprintf(c->example, sizeof c->example, "%.17g", v->r);
        break;
    case PARITY_STRING:
        for (; (size_t)n < v->n && n < PARITY_EXAMPLE_MAX - 1; n++) {
            unsigned char ch = (unsigned char)v->p[n];

            /* bytes of other characters only if they make valid UTF-8: checked below */
            c->example[n] = ch < 0x20 || ch == 0x7F ? '.' : (char)ch;
        }
        c->example[n] = '\0';
        parity_utf8_trim(c->example);
        n = (int)strlen(c->example);
        if (!parity_utf8_valid(c->example, (size_t)n))
            for (int i = 0; i < n; i++)
                if ((unsigned char)c->example[i] >= 0x80)
                    c->example[i] = '?';
        break;
    default:
        for (size_t i = 0; i < v->n && n < PARITY_EXAMPLE_MAX - 3; i++)
            n += snprintf(c->example + n, sizeof c->example - (size_t)n, "%02x", (unsigned char)v->p[i]);
        break;
    }
    c->example_len = (uint8_t)(n > PARITY_EXAMPLE_MAX - 1 ? PARITY_EXAMPLE_MAX - 1 : n);
}

/* Frames the row into s->buf; *rounds tells whether rounding would change it. */
static parity_status frame_row(parity_scan *s, parity_tally *tally, parity_put_column put, void *ctx, bool rounded,
                               bool *rounds)
{
    unsigned all = 0;

    s->buf.len = 0;
    for (int i = 0; i < s->ncolumns; i++) {
        unsigned notes = 0;
        parity_value example;

        example.cls = PARITY_NULL;
        PARITY_TRY(put(ctx, i, rounded, &s->buf, &s->scratch, &notes, &example));
        if (s->buf.len > UINT32_MAX)
            return PARITY_LIMIT;
        s->ends[i] = (uint32_t)s->buf.len;
        if (notes == 0 || rounded)
            continue;
        all |= notes;
        tally->column[i].bad += (notes & PARITY_NOTE_BAD) != 0;
        tally->column[i].option += (notes & PARITY_NOTE_OPTION) != 0;
        tally->column[i].rounds += (notes & PARITY_NOTE_ROUNDS) != 0;
        tally->column[i].zoneless += (notes & PARITY_NOTE_ZONELESS) != 0;
        tally->column[i].digits += (notes & PARITY_NOTE_DIGITS) != 0;
        if ((notes & PARITY_NOTE_BAD) && tally->column[i].example_class == 0 && example.cls != PARITY_NULL)
            keep_example(&tally->column[i], &example);
    }
    *rounds = (all & PARITY_NOTE_ROUNDS) != 0;
    return PARITY_OK;
}

/*
 * Of a column's n bytes of frame, seeded with the row's key.  Most frames have
 * one of few lengths, for which the compiler leaves out what XXH3 decides by it.
 */
static inline parity_hash hash_frame(const unsigned char *frame, size_t n, uint64_t seed)
{
    XXH128_hash_t h = n == 9    ? XXH3_128bits_withSeed(frame, 9, seed)
                      : n == 1  ? XXH3_128bits_withSeed(frame, 1, seed)
                      : n == 17 ? XXH3_128bits_withSeed(frame, 17, seed)
                                : XXH3_128bits_withSeed(frame, n, seed);
    parity_hash out = {h.low64, h.high64};

    return out;
}

/*
 * The hash of the key frame, which is one column's frame more often than not.
 * *integer is the key when it is one INT frame, else NULL.
 */
static parity_status hash_key(const unsigned char *data, const uint32_t *ends, int ncolumns, const bool *key,
                              parity_buf *key_buf, parity_hash *out, const unsigned char **integer)
{
    size_t start = 0, n = 0;
    bool many = false;

    key_buf->len = 0;
    for (int i = 0; i < ncolumns; i++) {
        if (!key[i])
            continue;
        if (n > 0 && !many) {
            PARITY_TRY(parity_buf_put(key_buf, data + start, n));
            many = true;
        }
        start = i > 0 ? ends[i - 1] : 0;
        n = ends[i] - start;
        if (many)
            PARITY_TRY(parity_buf_put(key_buf, data + start, n));
    }
    *integer = !many && data[start] == PARITY_TAG_INT ? data + start + 1 : NULL;
    *out = many ? parity_hash_bytes(key_buf->data, key_buf->len, 0) : parity_hash_bytes(data + start, n, 0);
    return PARITY_OK;
}

/* The row key, of a key with that hash, or of a row with it. */
static inline parity_row_key row_key(parity_hash hash, const unsigned char *integer)
{
    parity_row_key out = {hash.lo, hash.lo, true};

    if (integer != NULL) {
        out.key = parity_load64(integer);
        out.hashed = false;
    }
    return out;
}

parity_status parity_row_key_of(const unsigned char *frames, const uint32_t *ends, int ncolumns, const bool *key,
                                parity_buf *scratch, parity_row_key *out)
{
    const unsigned char *integer = NULL;
    bool has_key = false;
    parity_hash hash;

    for (int i = 0; i < ncolumns; i++)
        has_key |= key != NULL && key[i];
    if (has_key)
        PARITY_TRY(hash_key(frames, ends, ncolumns, key, scratch, &hash, &integer));
    else
        hash = parity_hash_bytes(frames, ncolumns > 0 ? ends[ncolumns - 1] : 0, 0);
    *out = row_key(hash, integer);
    return PARITY_OK;
}

/* The key of the row in s->buf; row is its hash. */
static inline parity_status key_of_row(parity_scan *s, parity_hash row, parity_hash *hash, parity_row_key *out)
{
    const unsigned char *integer = NULL;

    *hash = row;
    if (s->only_key >= 0) {
        uint32_t start = s->only_key > 0 ? s->ends[s->only_key - 1] : 0;
        const unsigned char *frame = s->buf.data + start;

        *hash = hash_frame(frame, s->ends[s->only_key] - start, 0);
        integer = frame[0] == PARITY_TAG_INT ? frame + 1 : NULL;
    } else if (s->has_key)
        PARITY_TRY(hash_key(s->buf.data, s->ends, s->ncolumns, s->key, &s->key_buf, hash, &integer));
    *out = row_key(*hash, integer);
    return PARITY_OK;
}

/* Adds a row's hash, or takes it away again, without counting it. */
static inline void add_hash(parity_digest *d, parity_hash h)
{
    parity_hash sum = {d->lo, d->hi};

    sum = parity_field_add_any(sum, h.lo, h.hi);
    d->lo = sum.lo;
    d->hi = sum.hi;
}

static inline void take_hash(parity_digest *d, parity_hash h)
{
    add_hash(d, parity_field_negate(parity_field_reduce(h.lo, h.hi)));
}

/*
 * A row that rounding changes is framed a second time: what that adds to each
 * digest.  The exact frames are what is added already; each is taken away first,
 * while it is still in the buffer.
 */
static parity_status add_rounding(parity_scan *s, parity_tally *tally, parity_put_column put, void *ctx, parity_hash row,
                                  parity_hash hash)
{
    uint64_t seed = s->has_key ? hash.lo : 0;
    parity_row_key key;
    bool rounds;
    size_t start = 0;

    take_hash(&tally->rounding, row);
    if (s->has_key)
        take_hash(&tally->rounding_keys, hash);
    for (int i = 0; i < s->ncolumns; i++) {
        take_hash(&tally->column[i].rounding, hash_frame(s->buf.data + start, s->ends[i] - start, seed));
        start = s->ends[i];
    }
    PARITY_TRY(frame_row(s, tally, put, ctx, true, &rounds));
    row = parity_hash_bytes(s->buf.data, s->buf.len, 0);
    add_hash(&tally->rounding, row);
    PARITY_TRY(key_of_row(s, row, &hash, &key));
    seed = s->has_key ? hash.lo : 0;
    if (s->has_key)
        add_hash(&tally->rounding_keys, hash);
    start = 0;
    for (int i = 0; i < s->ncolumns; i++) {
        add_hash(&tally->column[i].rounding, hash_frame(s->buf.data + start, s->ends[i] - start, seed));
        start = s->ends[i];
    }
    return PARITY_OK;
}

/* Adds the row in s->buf; *row is its hash, *hash its key's. */
static inline parity_status add_row(parity_scan *s, parity_tally *tally, parity_hash *row, parity_hash *hash)
{
    const unsigned char *frame = s->buf.data;
    parity_row_key key;
    uint64_t seed;

    *row = hash_frame(s->buf.data, s->buf.len, 0);
    tally->digest.rows++;
    add_hash(&tally->digest, *row);
    if (!s->columns)
        return PARITY_OK;
    PARITY_TRY(key_of_row(s, *row, hash, &key));
    seed = s->has_key ? hash->lo : 0;
    if (s->has_key) {
        tally->keys.rows++;
        add_hash(&tally->keys, *hash);
    }
    if (tally->cells > 0)
        parity_sketch_add(parity_tally_sketch(tally), key.key, key.hashed, *row);
    for (int i = 0; i < s->ncolumns; i++) {
        const unsigned char *end = s->buf.data + s->ends[i];
        parity_column_tally *c = &tally->column[i];

        c->nulls += frame[0] == PARITY_TAG_NULL;
        c->digest.rows++;
        add_hash(&c->digest, hash_frame(frame, (size_t)(end - frame), seed));
        frame = end;
    }
    return PARITY_OK;
}

parity_status parity_scan_row(parity_scan *s, parity_tally *tally, parity_put_column put, void *ctx)
{
    bool rounds = false;
    parity_hash row, hash;

    PARITY_TRY(frame_row(s, tally, put, ctx, false, &rounds));
    PARITY_TRY(add_row(s, tally, &row, &hash));
    return rounds && s->columns ? add_rounding(s, tally, put, ctx, row, hash) : PARITY_OK;
}

parity_status parity_scan_framed(parity_scan *s, parity_tally *tally)
{
    parity_hash row, hash;

    return s->buf.len > UINT32_MAX ? PARITY_LIMIT : add_row(s, tally, &row, &hash);
}

/* Frames the columns of the row for which key is wanted; the others are left empty. */
static parity_status frame_columns(parity_scan *s, parity_put_column put, void *ctx, bool keys_only)
{
    unsigned notes = 0;

    s->buf.len = 0;
    for (int i = 0; i < s->ncolumns; i++) {
        parity_value example;

        example.cls = PARITY_NULL;
        if (!keys_only || s->key[i])
            PARITY_TRY(put(ctx, i, false, &s->buf, &s->scratch, &notes, &example));
        if (s->buf.len > UINT32_MAX)
            return PARITY_LIMIT;
        s->ends[i] = (uint32_t)s->buf.len;
    }
    return PARITY_OK;
}

parity_status parity_scan_bucket(parity_scan *s, parity_buckets *buckets, parity_put_column put, void *ctx)
{
    parity_hash row, hash;
    parity_row_key key;

    PARITY_TRY(frame_columns(s, put, ctx, false));
    row = parity_hash_bytes(s->buf.data, s->buf.len, 0);
    PARITY_TRY(key_of_row(s, row, &hash, &key));
    parity_digest_add(&buckets->digest[parity_bucket_of(key.hash, buckets->bits)], row);
    return PARITY_OK;
}

parity_status parity_scan_wanted(parity_scan *s, const parity_wanted *w, bool whole, parity_put_column put, void *ctx,
                                 parity_row_key *key, bool *hit)
{
    parity_hash row = {0, 0}, hash;

    PARITY_TRY(frame_columns(s, put, ctx, s->has_key));
    if (!s->has_key)
        row = parity_hash_bytes(s->buf.data, s->buf.len, 0);
    PARITY_TRY(key_of_row(s, row, &hash, key));
    *hit = parity_wanted_has(w, key);
    return *hit && whole && s->has_key ? frame_columns(s, put, ctx, false) : PARITY_OK;
}
