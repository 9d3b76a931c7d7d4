/*
 * kinds.c - rows of loose values: the list of kinds that functions of values
 * take, and the frames of a row under it
 *
 * The list names a kind for each value, in their order: 'int, decimal(10,2), text'
 * (commas or line ends between them), or a JSON array of strings.  It is read
 * once a statement.
 */
#include <string.h>

#include "module.h"

void sq_framer_free(void *p)
{
    sq_framer *f = p;

    if (f == NULL)
        return;
    parity_arena_free(&f->arena);
    parity_buf_free(&f->buf);
    parity_buf_free(&f->scratch);
    sqlite3_free(f);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Splits at commas outside brackets and at line ends; empty lines are passed over, empty kinds between commas are not. */
static int split_kinds(sq_framer *f, sq_text text, sq_error *e)
{
    const char *p = text.p, *end = text.p + text.n;
    size_t most = 1;

    for (size_t i = 0; i < text.n; i++)
        most += p[i] == ',' || p[i] == '\n';
    f->kinds = parity_arena_alloc(&f->arena, most * sizeof *f->kinds);
    if (f->kinds == NULL)
        return sq_nomem(e);
    while (p < end) {
        const char *start = p, *stop;
        int depth = 0;
        bool comma;

        while (p < end && !(depth == 0 && (*p == ',' || *p == '\n'))) {
            depth += *p == '(' ? 1 : *p == ')' && depth > 0 ? -1 : 0;
            p++;
        }
        comma = p < end && *p == ',';
        stop = p++;
        while (start < stop && is_blank(*start))
            start++;
        while (stop > start && is_blank(stop[-1]))
            stop--;
        if (start < stop || comma)
            SQ_TRY(sq_core(e, parity_kind_parse(start, (size_t)(stop - start), &f->kinds[f->n++], &e->core)));
    }
    return SQLITE_OK;
}

static int read_kinds(sq_framer *f, sq_text text, sq_error *e)
{
    size_t i = 0;
    char **names;
    int n;

    while (i < text.n && is_blank(text.p[i]))
        i++;
    if (i == text.n || text.p[i] != '[')
        return split_kinds(f, text, e);
    SQ_TRY(sq_json_strings(&f->arena, "the list of kinds", text.p, text.n, &names, &n, e));
    f->kinds = parity_arena_alloc(&f->arena, (size_t)(n + 1) * sizeof *f->kinds);
    if (f->kinds == NULL)
        return sq_nomem(e);
    for (; f->n < n; f->n++)
        SQ_TRY(sq_core(e, parity_kind_parse(names[f->n], strlen(names[f->n]), &f->kinds[f->n], &e->core)));
    return SQLITE_OK;
}

/* The kinds, as many as there are values. */
static int fill_framer(sq_framer *f, sq_text text, const char *function, int nvalues, sq_error *e)
{
    SQ_TRY(read_kinds(f, text, e));
    if (f->n != nvalues)
        return sq_fail(e, PARITY_INVALID, NULL, "give a kind for each value, as in 'int, decimal(10,2), text'",
                       "%s was given %d kinds and %d values", function, f->n, nvalues);
    f->ends = parity_arena_alloc(&f->arena, (size_t)nvalues * sizeof *f->ends);
    f->list.p = parity_arena_copy(&f->arena, text.p, text.n);
    f->list.n = text.n;
    return f->ends == NULL || f->list.p == NULL ? sq_nomem(e) : SQLITE_OK;
}

int sq_framer_new(sqlite3_value *kinds, const char *function, int nvalues, sq_framer **out, sq_error *e)
{
    sq_text text;
    int rc;

    *out = NULL;
    SQ_TRY(sq_text_required(kinds, "the list of kinds", &text, e));
    *out = sqlite3_malloc64(sizeof **out);
    if (*out == NULL)
        return sq_nomem(e);
    memset(*out, 0, sizeof **out);
    parity_arena_init(&(*out)->arena, &sq_mem);
    parity_buf_init(&(*out)->buf, &sq_mem);
    parity_buf_init(&(*out)->scratch, &sq_mem);
    rc = fill_framer(*out, text, function, nvalues, e);
    if (rc != SQLITE_OK) {
        sq_framer_free(*out);
        *out = NULL;
    }
    return rc;
}

int sq_framer_keep(sqlite3_context *ctx, int arg, sqlite3_value *kinds, const char *function, int nvalues,
                   sq_framer **out, sq_error *e)
{
    *out = sqlite3_get_auxdata(ctx, arg);
    if (*out != NULL)
        return SQLITE_OK;
    SQ_TRY(sq_framer_new(kinds, function, nvalues, out, e));
    sqlite3_set_auxdata(ctx, arg, *out, sq_framer_free);
    /* without memory SQLite has freed it already */
    *out = sqlite3_get_auxdata(ctx, arg);
    return *out != NULL ? SQLITE_OK : sq_nomem(e);
}

int sq_framer_same(const sq_framer *f, sqlite3_value *kinds, sq_error *e)
{
    sq_text text;

    SQ_TRY(sq_text_of(kinds, &text, e));
    if (text.p == NULL || text.n != f->list.n || memcmp(text.p, f->list.p, text.n) != 0)
        return sq_fail(e, PARITY_INVALID, NULL, NULL, "the list of kinds changes from row to row");
    return SQLITE_OK;
}

int sq_framer_row(sq_framer *f, sqlite3_value **values, sq_error *e)
{
    f->buf.len = 0;
    for (int i = 0; i < f->n; i++) {
        unsigned notes = 0;
        parity_value v;
        parity_status s;

        if (sq_value(values[i], &v) != SQLITE_OK)
            return sq_nomem(e);
        s = parity_put_value(&f->buf, &f->scratch, &f->kinds[i], &v, &notes);
        if (s == PARITY_LIMIT)
            return sq_fail(e, s, NULL, NULL, "the canonical form of a value passes 4 GiB");
        SQ_TRY(sq_core(e, s));
        if (f->buf.len > UINT32_MAX)
            return sq_fail(e, PARITY_LIMIT, NULL, NULL, "the canonical form of a row passes 4 GiB");
        f->ends[i] = (uint32_t)f->buf.len;
    }
    return SQLITE_OK;
}
