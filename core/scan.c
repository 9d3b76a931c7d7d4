/*
 * scan.c - one pass over a table: rows in, one mergeable tally out
 *
 * A row is framed once into buf.  The row hash is taken of the whole, a column's
 * hash of its own part with the key's hash as the seed, so that the pass costs
 * one framing whatever is asked of it.  When a value of the row would change by
 * rounding, the row is framed a second time with rounded values; the rounded
 * digests of all other rows are the exact ones.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

size_t parity_tally_size(int ncolumns)
{
    return sizeof(parity_tally) + (size_t)ncolumns * sizeof(parity_column_tally);
}

void parity_tally_init(parity_tally *t, int ncolumns)
{
    memset(t, 0, parity_tally_size(ncolumns));
    t->ncolumns = (uint32_t)ncolumns;
}

void parity_tally_merge(parity_tally *t, const parity_tally *other)
{
    parity_digest_merge(&t->digest, &other->digest, NULL);
    parity_digest_merge(&t->rounded, &other->rounded, NULL);
    parity_digest_merge(&t->keys, &other->keys, NULL);
    parity_digest_merge(&t->rounded_keys, &other->rounded_keys, NULL);
    for (uint32_t i = 0; i < t->ncolumns; i++) {
        parity_column_tally *c = &t->column[i];
        const parity_column_tally *o = &other->column[i];

        parity_digest_merge(&c->digest, &o->digest, NULL);
        parity_digest_merge(&c->rounded, &o->rounded, NULL);
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
}

parity_status parity_scan_init(parity_scan *s, const parity_mem *mem, int ncolumns, const bool *key, bool columns)
{
    memset(s, 0, sizeof *s);
    s->ncolumns = ncolumns;
    s->key = key;
    s->columns = columns;
    for (int i = 0; i < ncolumns; i++)
        s->has_key |= key != NULL && key[i];
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

/* The hash of the key frame, which is one column's frame more often than not. */
static parity_status hash_key(parity_scan *s, parity_hash *out)
{
    const unsigned char *data = s->buf.data;
    size_t start = 0, n = 0;
    bool one = false;

    s->key_buf.len = 0;
    for (int i = 0; i < s->ncolumns; i++) {
        if (!s->key[i])
            continue;
        if (n > 0 && !one) {
            PARITY_TRY(parity_buf_put(&s->key_buf, data + start, n));
            one = true;
        }
        start = i > 0 ? s->ends[i - 1] : 0;
        n = s->ends[i] - start;
        if (one)
            PARITY_TRY(parity_buf_put(&s->key_buf, data + start, n));
    }
    *out = one ? parity_hash_bytes(s->key_buf.data, s->key_buf.len, 0) : parity_hash_bytes(data + start, n, 0);
    return PARITY_OK;
}

parity_status parity_scan_row(parity_scan *s, parity_tally *tally, parity_put_column put, void *ctx)
{
    bool rounds = false;
    parity_hash row, key = {0, 0};
    size_t start = 0;

    PARITY_TRY(frame_row(s, tally, put, ctx, false, &rounds));
    row = parity_hash_bytes(s->buf.data, s->buf.len, 0);
    parity_digest_add(&tally->digest, row);
    if (!s->columns)
        return PARITY_OK;
    if (s->has_key) {
        PARITY_TRY(hash_key(s, &key));
        parity_digest_add(&tally->keys, key);
    }
    for (int i = 0; i < s->ncolumns; i++) {
        const unsigned char *frame = s->buf.data + start;
        parity_hash h = parity_hash_bytes(frame, s->ends[i] - start, key.lo);

        tally->column[i].nulls += frame[0] == PARITY_TAG_NULL;
        parity_digest_add(&tally->column[i].digest, h);
        if (!rounds)
            parity_digest_add(&tally->column[i].rounded, h);
        start = s->ends[i];
    }
    if (!rounds) {
        parity_digest_add(&tally->rounded, row);
        if (s->has_key)
            parity_digest_add(&tally->rounded_keys, key);
        return PARITY_OK;
    }
    PARITY_TRY(frame_row(s, tally, put, ctx, true, &rounds));
    parity_digest_add(&tally->rounded, parity_hash_bytes(s->buf.data, s->buf.len, 0));
    if (s->has_key) {
        PARITY_TRY(hash_key(s, &key));
        parity_digest_add(&tally->rounded_keys, key);
    }
    start = 0;
    for (int i = 0; i < s->ncolumns; i++) {
        parity_digest_add(&tally->column[i].rounded,
                          parity_hash_bytes(s->buf.data + start, s->ends[i] - start, key.lo));
        start = s->ends[i];
    }
    return PARITY_OK;
}
