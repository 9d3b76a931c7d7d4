/*
 * keys.c - lists of keys as diff prints them and rows takes them
 *
 * FORMAT.md, "Keys as JSON".  Whatever form an element has, what is looked for
 * is its row key, which both sides compute alike.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

void parity_key_hash_text(uint64_t key, char out[17])
{
    snprintf(out, 17, "%016" PRIx64, key);
}

static parity_status wrong(parity_error *err, const char *what, const char *why)
{
    return parity_fail(err, PARITY_INVALID, why,
                       "An element is a key as diff prints it, {\"key_hash\": …}, a row of diff, or {\"bucket\": …, "
                       "\"bits\": …}.",
                       "invalid %s", what);
}

/* The member of an object for a column: by its name here, or there, or by either but for case and underscores. */
static const parity_node *member_of_column(const parity_node *object, const parity_column *c)
{
    const parity_node *found = parity_node_member(object, c->name);

    if (found == NULL && c->as != NULL)
        found = parity_node_member(object, c->as);
    for (const parity_node *n = object->first; n != NULL && found == NULL; n = n->next)
        if (parity_name_compare(n->key, c->name) == 0 || (c->as != NULL && parity_name_compare(n->key, c->as) == 0))
            found = n;
    return found;
}

/* Whether the object has the members of a key of several columns (without a key: all columns), and no others. */
static bool is_row_of(const parity_node *object, const parity_spec *spec, int nkey)
{
    uint32_t wanted = 0;

    for (int i = 0; i < spec->ncolumns; i++) {
        if (nkey > 0 && !spec->columns[i].key)
            continue;
        wanted++;
        if (member_of_column(object, &spec->columns[i]) == NULL)
            return false;
    }
    return wanted == object->count;
}

typedef struct reading {
    parity_arena *arena;
    const parity_spec *spec;
    const char *what;
    int nkey;
    parity_buf frames, scratch;
    parity_keys *out;
} reading;

/* A key given by its values. */
static parity_status read_values(reading *r, const parity_node *node, parity_error *err)
{
    const parity_spec *spec = r->spec;
    bool *key = parity_arena_alloc(r->arena, (size_t)spec->ncolumns + 1);
    uint32_t *ends = parity_arena_alloc(r->arena, ((size_t)spec->ncolumns + 1) * sizeof *ends);
    bool object = r->nkey != 1;
    parity_row_key row;

    if (key == NULL || ends == NULL)
        return PARITY_NOMEM;
    if (object && (node->type != PARITY_N_OBJECT || !is_row_of(node, spec, r->nkey)))
        return wrong(err, r->what,
                     r->nkey > 1 ? "A key of several columns is an object with just these."
                                 : "A row of a table without a key is an object with all its columns.");
    r->frames.len = 0;
    for (int i = 0; i < spec->ncolumns; i++) {
        const parity_column *c = &spec->columns[i];

        key[i] = c->key;
        if (c->key || r->nkey == 0) {
            bool ok;

            PARITY_TRY(parity_frame_of_json(&r->frames, &r->scratch, &c->kind,
                                            object ? member_of_column(node, c) : node, &ok));
            if (!ok) {
                char kind[PARITY_KIND_TEXT_MAX], why[PARITY_KIND_TEXT_MAX + 200];

                parity_kind_print(&c->kind, kind);
                snprintf(why, sizeof why, "A value of the key column \"%.100s\" is not one of kind %s.", c->name, kind);
                return wrong(err, r->what, why);
            }
        }
        ends[i] = (uint32_t)r->frames.len;
    }
    PARITY_TRY(parity_row_key_of(r->frames.data, ends, spec->ncolumns, key, &r->scratch, &row));
    r->out->integer[r->out->n] = !row.hashed;
    r->out->keys[r->out->n++] = row.key;
    return PARITY_OK;
}

static parity_status read_hash(reading *r, const parity_node *node, parity_error *err)
{
    uint64_t key = 0;

    if (node->type != PARITY_N_STRING || strlen(node->text) != 16 ||
        strspn(node->text, "0123456789abcdef") != 16)
        return wrong(err, r->what, "A key hash is 16 lower-case hex digits.");
    for (int i = 0; i < 16; i++)
        key = key << 4 | (uint64_t)(node->text[i] <= '9' ? node->text[i] - '0' : node->text[i] - 'a' + 10);
    r->out->integer[r->out->n] = false;
    r->out->keys[r->out->n++] = key;
    return PARITY_OK;
}

static parity_status read_bucket(reading *r, const parity_node *node, parity_error *err)
{
    const parity_node *bucket = parity_node_member(node, "bucket"), *bits = parity_node_member(node, "bits");
    uint64_t number, nbits;

    if (bits == NULL || !parity_node_u64(bits, &nbits) || nbits > PARITY_BUCKET_BITS_MAX ||
        !parity_node_u64(bucket, &number) || number >> nbits != 0)
        return wrong(err, r->what, "A bucket is a number below 2^bits, and bits are from 0 to 16.");
    if (r->out->bitmap == NULL) {
        size_t words = nbits < 6 ? 1 : (size_t)1 << (nbits - 6);

        r->out->bitmap = parity_arena_alloc(r->arena, words * sizeof *r->out->bitmap);
        if (r->out->bitmap == NULL)
            return PARITY_NOMEM;
        r->out->bits = (uint32_t)nbits;
    }
    if (r->out->bits != nbits)
        return wrong(err, r->what, "All buckets of a list have the same number of bits.");
    r->out->bitmap[number / 64] |= UINT64_C(1) << (number % 64);
    return PARITY_OK;
}

static parity_status read_element(reading *r, const parity_node *node, parity_error *err)
{
    const parity_node *hash, *key;

    if (node->type != PARITY_N_OBJECT || (r->nkey != 1 && is_row_of(node, r->spec, r->nkey)))
        return read_values(r, node, err);
    if (parity_node_member(node, "bucket") != NULL)
        return read_bucket(r, node, err);
    hash = parity_node_member(node, "key_hash");
    key = parity_node_member(node, "key");
    if (hash == NULL && key == NULL)
        return read_values(r, node, err);
    if (hash != NULL && hash->type == PARITY_N_NULL)
        hash = NULL;
    if (key != NULL && key->type == PARITY_N_NULL)
        key = NULL;
    /* a key of several columns may go by other names on the side that printed it; its hash is the same on both */
    if (key != NULL && (hash == NULL || r->nkey == 1))
        return read_values(r, key, err);
    /* the last row of a diff that is not complete has neither */
    return hash != NULL ? read_hash(r, hash, err) : PARITY_OK;
}

parity_status parity_keys_read(parity_arena *a, const parity_spec *spec, const parity_node *array, const char *what,
                               parity_keys *out, parity_error *err)
{
    reading r = {a, spec, what, parity_spec_nkey(spec), {0}, {0}, out};
    parity_status status = PARITY_OK;

    memset(out, 0, sizeof *out);
    if (array->type != PARITY_N_ARRAY)
        return wrong(err, what, "It is not an array.");
    out->keys = parity_arena_alloc(a, ((size_t)array->count + 1) * sizeof *out->keys);
    out->integer = parity_arena_alloc(a, (size_t)array->count + 1);
    if (out->keys == NULL || out->integer == NULL)
        return PARITY_NOMEM;
    parity_buf_init(&r.frames, a->mem);
    parity_buf_init(&r.scratch, a->mem);
    for (const parity_node *n = array->first; n != NULL && status == PARITY_OK; n = n->next)
        status = read_element(&r, n, err);
    parity_buf_free(&r.frames);
    parity_buf_free(&r.scratch);
    PARITY_TRY(status);
    out->integers = out->bitmap == NULL;
    for (size_t i = 0; i < out->n; i++)
        out->integers &= out->integer[i];
    return parity_wanted_make(a, out->keys, out->n, out->bits, out->bitmap, &out->wanted, &out->wanted_size);
}

parity_status parity_keys_print(parity_buf *b, const parity_keys *k)
{
    const char *comma = "";

    PARITY_TRY(parity_buf_puts(b, "["));
    for (size_t i = 0; i < k->n; i++) {
        if (k->integer[i])
            PARITY_TRY(parity_buf_printf(b, "%s{\"key\":%" PRId64 "}", comma, (int64_t)k->keys[i]));
        else
            PARITY_TRY(parity_buf_printf(b, "%s{\"key_hash\":\"%016" PRIx64 "\"}", comma, k->keys[i]));
        comma = ",";
    }
    for (uint32_t i = 0; k->bitmap != NULL && i >> k->bits == 0; i++) {
        if ((k->bitmap[i / 64] >> (i % 64) & 1) == 0)
            continue;
        PARITY_TRY(parity_buf_printf(b, "%s{\"bucket\":%" PRIu32 ",\"bits\":%" PRIu32 "}", comma, i, k->bits));
        comma = ",";
    }
    return parity_buf_puts(b, "]");
}

const int64_t *parity_keys_integers(const parity_keys *k, const parity_local_table *t, const parity_spec *spec)
{
    for (int i = 0; i < spec->ncolumns && k->integers && parity_spec_nkey(spec) == 1; i++)
        for (int l = 0; l < t->ncolumns && spec->columns[i].key; l++)
            if (strcmp(t->columns[l].name, spec->columns[i].name) == 0 && t->columns[l].integer)
                return (const int64_t *)k->keys; /* the same 64 bits */
    return NULL;
}
