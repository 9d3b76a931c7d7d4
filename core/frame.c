/*
 * frame.c - from a value to its frame: the dispatcher, and the kinds that need
 * no parser of their own (bool, text, char)
 *
 * docs/FORMAT.md is the norm.  A frame is a tag byte and a payload that says
 * where it ends; see the table there.
 */
#include <string.h>

#include "internal.h"

/* A tag, a u32 length and n bytes. */
static parity_status put_counted(parity_buf *b, int tag, const void *p, size_t n)
{
    unsigned char *out;

    if (n > UINT32_MAX)
        return PARITY_LIMIT;
    PARITY_TRY(parity_buf_reserve(b, n + 5));
    out = b->data + b->len;
    out[0] = (unsigned char)tag;
    parity_store32(out + 1, (uint32_t)n);
    if (n > 0)
        memcpy(out + 5, p, n);
    b->len += n + 5;
    return PARITY_OK;
}

parity_status parity_put_null(parity_buf *b)
{
    PARITY_TRY(parity_buf_reserve(b, 1));
    b->data[b->len++] = PARITY_TAG_NULL;
    return PARITY_OK;
}

parity_status parity_put_text(parity_buf *b, const char *p, size_t n)
{
    return put_counted(b, PARITY_TAG_TEXT, p, n);
}

parity_status parity_put_char(parity_buf *b, const char *p, size_t n)
{
    while (n > 0 && p[n - 1] == ' ')
        n--;
    return put_counted(b, PARITY_TAG_TEXT, p, n);
}

parity_status parity_put_bad(parity_buf *b, const parity_value *v)
{
    unsigned char *out;
    uint64_t bits;
    double r = v->r;

    PARITY_TRY(parity_buf_reserve(b, 10));
    out = b->data + b->len;
    out[0] = PARITY_TAG_BAD;
    switch (v->cls) {
    case PARITY_INTEGER:
        out[1] = 1;
        parity_store64(out + 2, (uint64_t)v->i);
        b->len += 10;
        return PARITY_OK;
    case PARITY_REAL:
        out[1] = 2;
        if (r == 0)
            r = 0;
        memcpy(&bits, &r, sizeof bits);
        if (r != r)
            bits = UINT64_C(0x7FF8000000000000);
        parity_store64(out + 2, bits);
        b->len += 10;
        return PARITY_OK;
    default:
        if (v->n > UINT32_MAX)
            return PARITY_LIMIT;
        PARITY_TRY(parity_buf_reserve(b, v->n + 6));
        out = b->data + b->len;
        out[0] = PARITY_TAG_BAD;
        out[1] = v->cls == PARITY_STRING ? 3 : 4;
        parity_store32(out + 2, (uint32_t)v->n);
        if (v->n > 0)
            memcpy(out + 6, v->p, v->n);
        b->len += v->n + 6;
        return PARITY_OK;
    }
}

/* Whether p is word, ignoring ASCII case. */
static bool same_word(const char *p, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        char c = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] - 'A' + 'a') : p[i];

        if (word[i] == '\0' || c != word[i])
            return false;
    }
    return word[n] == '\0';
}

static parity_status read_bool(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                               unsigned *notes, bool *bad)
{
    static const char *const words[2][6] = {{"f", "false", "n", "no", "off", "0"}, {"t", "true", "y", "yes", "on", "1"}};

    (void)scratch;
    switch (v->cls) {
    case PARITY_INTEGER:
        if (v->i == 0 || v->i == 1)
            return parity_put_int(b, v->i);
        if (k->options & PARITY_OPT_NONZERO)
            return parity_put_int(b, 1);
        *notes |= PARITY_NOTE_OPTION;
        break;
    case PARITY_REAL:
        if (v->r == 0 || v->r == 1)
            return parity_put_int(b, v->r == 1);
        break;
    case PARITY_STRING:
        if (v->n > 5)
            break;
        for (int truth = 0; truth < 2; truth++)
            for (int i = 0; i < 6; i++)
                if (same_word(v->p, v->n, words[truth][i]))
                    return parity_put_int(b, truth);
        break;
    default:
        *notes |= PARITY_NOTE_OPTION; /* blob=utf8 */
        break;
    }
    *bad = true;
    return PARITY_OK;
}

/* text and char: a TEXT frame at the end of b, then trimmed and folded in place. */
static parity_status read_text(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                               unsigned *notes, bool *bad)
{
    size_t start = b->len;
    unsigned char *text;
    size_t n;

    (void)scratch;
    switch (v->cls) {
    case PARITY_STRING:
        PARITY_TRY(put_counted(b, PARITY_TAG_TEXT, v->p, v->n));
        break;
    case PARITY_INTEGER:
        PARITY_TRY(parity_buf_reserve(b, 5));
        b->data[start] = PARITY_TAG_TEXT;
        b->len += 5;
        PARITY_TRY(parity_buf_printf(b, "%lld", (long long)v->i));
        break;
    case PARITY_REAL:
        PARITY_TRY(parity_buf_reserve(b, 5));
        b->data[start] = PARITY_TAG_TEXT;
        b->len += 5;
        PARITY_TRY(parity_real_text(b, v->r));
        break;
    default:
        *notes |= PARITY_NOTE_OPTION; /* blob=utf8 */
        *bad = true;
        return PARITY_OK;
    }
    text = b->data + start + 5;
    n = b->len - start - 5;
    if (k->id == PARITY_CHAR)
        while (n > 0 && text[n - 1] == ' ')
            n--;
    if (k->options & PARITY_OPT_FOLD)
        for (size_t i = 0; i < n; i++)
            if (text[i] >= 'A' && text[i] <= 'Z')
                text[i] = (unsigned char)(text[i] - 'A' + 'a');
    parity_store32(b->data + start + 1, (uint32_t)n);
    b->len = start + 5 + n;
    return PARITY_OK;
}

static const parity_reader readers[PARITY_NKINDS] = {
    [PARITY_BOOL] = read_bool,
    [PARITY_INT] = parity_read_numeric,
    [PARITY_DECIMAL] = parity_read_numeric,
    [PARITY_FLOAT8] = parity_read_numeric,
    [PARITY_FLOAT4] = parity_read_numeric,
    [PARITY_TEXT] = read_text,
    [PARITY_CHAR] = read_text,
    [PARITY_BYTES] = parity_read_bytes,
    [PARITY_TIMESTAMPTZ] = parity_read_time,
    [PARITY_TIMESTAMP] = parity_read_time,
    [PARITY_DATE] = parity_read_time,
    [PARITY_TIME] = parity_read_time,
    [PARITY_TIMETZ] = parity_read_time,
    [PARITY_INTERVAL] = parity_read_interval,
    [PARITY_UUID] = parity_read_uuid,
    [PARITY_JSON] = parity_read_json,
    [PARITY_VECTOR] = parity_read_vector,
};

void parity_plan_init(parity_plan *plan, const parity_kind *k)
{
    plan->kind = k;
    plan->read = readers[k->id];
    plan->plain = 0;
    if (k->id == PARITY_INT && !(k->options & PARITY_OPT_UINT64))
        plan->plain = PARITY_PLAIN_INT;
    if (k->id == PARITY_DECIMAL && (!k->has_scale || k->scale >= 0))
        plan->plain = PARITY_PLAIN_INT;
    if (k->id == PARITY_BOOL)
        plan->plain = PARITY_PLAIN_BIT;
    if (k->id == PARITY_FLOAT8)
        plan->plain = PARITY_PLAIN_F64;
    if (k->id == PARITY_TEXT && !(k->options & PARITY_OPT_FOLD))
        plan->plain = PARITY_PLAIN_TEXT;
}

parity_status parity_put_value(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                               unsigned *notes)
{
    parity_value as_text;
    const parity_value *in = v;
    parity_status status;
    unsigned seen = 0;
    bool bad = false;

    if (v->cls == PARITY_NULL)
        return parity_put_null(b);
    if (v->cls == PARITY_BLOB && (k->options & PARITY_OPT_BLOB)) {
        as_text = *v;
        as_text.cls = PARITY_STRING;
        in = &as_text;
    }
    status = readers[k->id](b, scratch, k, in, &seen, &bad);
    if (status != PARITY_OK || !bad) {
        *notes |= seen;
        return status;
    }
    *notes |= PARITY_NOTE_BAD | (seen & PARITY_NOTE_OPTION);
    return parity_put_bad(b, v);
}
