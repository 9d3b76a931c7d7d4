/*
 * Texts from the other side: a bundle (then compared with an empty side, with
 * and without the rest of the input as the mapping), a spec, overrides, a
 * digest.  The first byte chooses.  Memory is bounded as parity.h says.
 */
#include "support.h"

static size_t in_use, peak;

static void *resize(void *ctx, void *ptr, size_t size)
{
    size_t *block = ptr ? (size_t *)ptr - 2 : NULL;

    (void)ctx;
    if (block != NULL)
        in_use -= block[0];
    if (size == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, size + 2 * sizeof *block);
    if (block == NULL)
        abort();
    block[0] = size;
    in_use += size;
    if (in_use > peak)
        peak = in_use;
    return block + 2;
}

static const parity_mem mem = {resize, NULL};

static parity_status list_none(void *ctx, parity_arena *a, const char *schema, char ***names, int *n, char ***skipped,
                               int *nskipped, parity_error *err)
{
    (void)ctx, (void)a, (void)schema, (void)err;
    *names = *skipped = NULL;
    *n = *nskipped = 0;
    return PARITY_OK;
}

static parity_status describe_none(void *ctx, parity_arena *a, const char *schema, const char *table,
                                   parity_local_table *out, parity_error *err)
{
    (void)ctx, (void)a, (void)schema, (void)out;
    return parity_fail(err, PARITY_NO_TABLE, NULL, NULL, "no such table: %s", table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;
    parity_arena a;
    parity_error err;
    parity_buf b, c;

    if (size < 1)
        return 0;
    size--;
    memset(&err, 0, sizeof err);
    parity_arena_init(&a, &mem);
    parity_buf_init(&b, &mem);
    parity_buf_init(&c, &mem);
    in_use = peak = 0;
    if (data[0] % 4 == 0) {
        parity_bundle bundle;
        parity_status status = parity_bundle_parse(&a, text, size, &bundle, &err);
        const char *split = memchr(text, '\0', size);
        size_t n = split ? (size_t)(split - text) : size;
        parity_engine engine = {NULL, "sqlite", list_none, describe_none, NULL, NULL, NULL, NULL, NULL};
        parity_verify *v;
        const parity_verify_row *row;

        require(peak <= 16 * size + (1 << 20) + 65536);
        require(status == PARITY_OK || err.message[0] != '\0');
        parity_arena_free(&a);
        status = parity_verify_open(&mem, &engine, text, n, split ? split + 1 : NULL, split ? size - n - 1 : 0, &v, &err);
        while (status == PARITY_OK && (status = parity_verify_next(v, &row, &err)) == PARITY_OK && row != NULL)
            require(!parity_verify_accepts(v, row));
        parity_verify_close(v);
    } else if (data[0] % 4 == 1) {
        parity_spec spec, again;

        if (parity_spec_parse(&a, text, size, &spec, &err) == PARITY_OK) {
            require(parity_spec_print(&b, &spec) == PARITY_OK);
            require(parity_spec_parse(&a, (const char *)b.data, b.len, &again, &err) == PARITY_OK);
            require(parity_spec_print(&c, &again) == PARITY_OK);
            require(b.len == c.len && memcmp(b.data, c.data, b.len) == 0);
        }
    } else if (data[0] % 4 == 2) {
        static const char base[] = "{\"table\":\"t\",\"columns\":[{\"name\":\"a\",\"kind\":\"int\"},"
                                   "{\"name\":\"b\",\"kind\":\"text\"}],\"key\":[\"a\"],\"left_out\":[\"g\"]}";
        parity_spec spec;

        require(parity_spec_parse(&a, base, sizeof base - 1, &spec, &err) == PARITY_OK);
        if (parity_spec_override(&a, &spec, text, size, &err) == PARITY_OK) {
            require(spec.ncolumns > 0);
            require(parity_spec_print(&b, &spec) == PARITY_OK);
        } else
            require(err.message[0] != '\0');
    } else {
        parity_digest d;
        char out[PARITY_DIGEST_TEXT_MAX];

        if (parity_digest_parse(text, size, &d, &err) == PARITY_OK) {
            size_t n = parity_digest_print(&d, out);

            require(n == size && memcmp(out, text, n) == 0);
        }
    }
    parity_buf_free(&b);
    parity_buf_free(&c);
    parity_arena_free(&a);
    require(in_use == 0);
    return 0;
}
