/*
 * spec.c - how a table is read: column order, JSON form, stored overrides
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* The next character of a name for comparing: ASCII lower-cased, underscores passed over; 0 at the end. */
static unsigned char next_folded(const char **p)
{
    while (**p == '_')
        ++*p;
    if (**p == '\0')
        return 0;
    return (unsigned char)(**p >= 'A' && **p <= 'Z' ? *(*p)++ - 'A' + 'a' : *(*p)++);
}

int parity_name_compare(const char *a, const char *b)
{
    unsigned char x, y;

    do {
        x = next_folded(&a);
        y = next_folded(&b);
    } while (x == y && x != 0);
    return (int)x - (int)y;
}

bool parity_name_equal_nocase(const char *a, const char *b)
{
    for (;; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a - 'A' + 'a') : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b - 'A' + 'a') : *b;

        if (x != y)
            return false;
        if (x == '\0')
            return true;
    }
}

static const char *shared_name(const parity_column *c)
{
    return c->as != NULL ? c->as : c->name;
}

static int compare_columns(const void *a, const void *b)
{
    const char *x = shared_name(a), *y = shared_name(b);
    int order = parity_name_compare(x, y);

    return order != 0 ? order : strcmp(x, y);
}

void parity_spec_sort(parity_spec *s)
{
    if (s->ncolumns > 1)
        qsort(s->columns, (size_t)s->ncolumns, sizeof s->columns[0], compare_columns);
}

int parity_spec_nkey(const parity_spec *s)
{
    int n = 0;

    for (int i = 0; i < s->ncolumns; i++)
        n += s->columns[i].key;
    return n;
}

static parity_status put_member(parity_buf *b, const char *name, const char *value)
{
    PARITY_TRY(parity_buf_printf(b, ",\"%s\":", name));
    return parity_json_string(b, value);
}

parity_status parity_spec_write(parity_buf *b, const parity_spec *s,
                                parity_status (*extra)(void *ctx, parity_buf *b, int i), void *ctx)
{
    bool first = true;

    PARITY_TRY(parity_buf_puts(b, "{\"table\":"));
    PARITY_TRY(parity_json_string(b, s->table));
    if (s->schema != NULL)
        PARITY_TRY(put_member(b, "schema", s->schema));
    if (s->as != NULL)
        PARITY_TRY(put_member(b, "as", s->as));
    PARITY_TRY(parity_buf_puts(b, ",\"columns\":["));
    for (int i = 0; i < s->ncolumns; i++) {
        const parity_column *c = &s->columns[i];
        char kind[PARITY_KIND_TEXT_MAX];

        PARITY_TRY(parity_buf_puts(b, i > 0 ? ",{\"name\":" : "{\"name\":"));
        PARITY_TRY(parity_json_string(b, c->name));
        if (c->as != NULL)
            PARITY_TRY(put_member(b, "as", c->as));
        parity_kind_print(&c->kind, kind);
        PARITY_TRY(put_member(b, "kind", kind));
        if (extra != NULL)
            PARITY_TRY(extra(ctx, b, i));
        PARITY_TRY(parity_buf_puts(b, "}"));
    }
    PARITY_TRY(parity_buf_puts(b, "],\"key\":["));
    for (int i = 0; i < s->ncolumns; i++)
        if (s->columns[i].key) {
            PARITY_TRY(parity_buf_puts(b, first ? "" : ","));
            PARITY_TRY(parity_json_string(b, s->columns[i].name));
            first = false;
        }
    PARITY_TRY(parity_buf_puts(b, "]"));
    if (s->unique)
        PARITY_TRY(parity_buf_puts(b, ",\"unique\":true"));
    if (s->nleft_out > 0) {
        PARITY_TRY(parity_buf_puts(b, ",\"left_out\":["));
        for (int i = 0; i < s->nleft_out; i++) {
            PARITY_TRY(parity_buf_puts(b, i > 0 ? "," : ""));
            PARITY_TRY(parity_json_string(b, s->left_out[i]));
        }
        PARITY_TRY(parity_buf_puts(b, "]"));
    }
    return PARITY_OK;
}

parity_status parity_spec_print(parity_buf *b, const parity_spec *s)
{
    PARITY_TRY(parity_spec_write(b, s, NULL, NULL));
    return parity_buf_puts(b, "}");
}

/* Whether the node can be a name; SQLite has tables and columns named "". */
static bool is_name(const parity_node *n)
{
    return n != NULL && n->type == PARITY_N_STRING;
}

static parity_status wrong_member(parity_error *err, const char *member, const char *want)
{
    return parity_fail(err, PARITY_INVALID, NULL, want, "invalid \"%s\" in a spec", member);
}

static parity_column *find_column(const parity_spec *s, const char *name)
{
    for (int i = 0; i < s->ncolumns; i++)
        if (strcmp(s->columns[i].name, name) == 0)
            return &s->columns[i];
    return NULL;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whether two of the columns share the name that the other side sees, or the own one. */
static parity_status check_distinct(parity_arena *a, const parity_spec *s, parity_error *err)
{
    char **names = parity_arena_alloc(a, (size_t)(s->ncolumns + 1) * sizeof *names);

    if (names == NULL)
        return PARITY_NOMEM;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < s->ncolumns; i++)
            names[i] = pass == 0 ? s->columns[i].name : (char *)shared_name(&s->columns[i]);
        qsort(names, (size_t)s->ncolumns, sizeof *names, compare_names);
        for (int i = 1; i < s->ncolumns; i++)
            if (strcmp(names[i - 1], names[i]) == 0)
                return parity_fail(err, PARITY_INVALID, NULL, NULL, "column \"%.100s\" stands twice in a spec",
                                   names[i]);
    }
    return PARITY_OK;
}

parity_status parity_spec_read(parity_arena *a, const parity_node *node, parity_spec *out, parity_error *err)
{
    const parity_node *table = parity_node_member(node, "table"), *columns = parity_node_member(node, "columns");
    const parity_node *schema = parity_node_member(node, "schema"), *as = parity_node_member(node, "as");
    const parity_node *key = parity_node_member(node, "key"), *unique = parity_node_member(node, "unique");
    const parity_node *left_out = parity_node_member(node, "left_out"), *n;
    int i = 0;

    memset(out, 0, sizeof *out);
    if (node->type != PARITY_N_OBJECT)
        return parity_fail(err, PARITY_INVALID, NULL, "parity_spec and parity.spec print a valid one.",
                           "a spec is a JSON object");
    if (!is_name(table))
        return wrong_member(err, "table", "It is the table's name.");
    if (schema != NULL && !is_name(schema))
        return wrong_member(err, "schema", "It is the schema's name.");
    if (as != NULL && !is_name(as))
        return wrong_member(err, "as", "It is the table's name on the other side.");
    if (columns == NULL || columns->type != PARITY_N_ARRAY)
        return wrong_member(err, "columns", "It is an array of {\"name\": …, \"kind\": …}.");
    if (columns->count == 0)
        return parity_fail(err, PARITY_INVALID, NULL, NULL, "spec of table \"%.100s\" has no columns", table->text);
    if (columns->count > PARITY_SPEC_MAX_COLUMNS)
        return parity_fail(err, PARITY_LIMIT, NULL, NULL, "spec of table \"%.100s\" has more than %d columns",
                           table->text, PARITY_SPEC_MAX_COLUMNS);
    out->table = (char *)table->text;
    out->schema = schema ? (char *)schema->text : NULL;
    out->as = as ? (char *)as->text : NULL;
    out->columns = parity_arena_alloc(a, columns->count * sizeof *out->columns);
    if (out->columns == NULL)
        return PARITY_NOMEM;
    out->ncolumns = (int)columns->count;
    for (n = columns->first; n != NULL; n = n->next, i++) {
        const parity_node *name = parity_node_member(n, "name"), *kind = parity_node_member(n, "kind");
        const parity_node *other = parity_node_member(n, "as");

        if (!is_name(name) || kind == NULL || kind->type != PARITY_N_STRING || (other != NULL && !is_name(other)))
            return wrong_member(err, "columns", "It is an array of {\"name\": …, \"kind\": …}.");
        out->columns[i].name = (char *)name->text;
        out->columns[i].as = other ? (char *)other->text : NULL;
        PARITY_TRY(parity_kind_parse(kind->text, strlen(kind->text), &out->columns[i].kind, err));
    }
    PARITY_TRY(check_distinct(a, out, err));
    if (key != NULL) {
        if (key->type != PARITY_N_ARRAY || key->count > columns->count)
            return wrong_member(err, "key", "It is an array of column names.");
        for (n = key->first; n != NULL; n = n->next) {
            parity_column *c = is_name(n) ? find_column(out, n->text) : NULL;

            if (c == NULL)
                return wrong_member(err, "key", "It is an array of column names, each one of \"columns\".");
            c->key = true;
        }
    }
    if (unique != NULL && unique->type != PARITY_N_TRUE && unique->type != PARITY_N_FALSE)
        return wrong_member(err, "unique", "It is true or false.");
    out->unique = unique != NULL && unique->type == PARITY_N_TRUE && parity_spec_nkey(out) > 0;
    if (left_out != NULL) {
        if (left_out->type != PARITY_N_ARRAY)
            return wrong_member(err, "left_out", "It is an array of column names.");
        out->left_out = parity_arena_alloc(a, (left_out->count + 1) * sizeof *out->left_out);
        if (out->left_out == NULL)
            return PARITY_NOMEM;
        for (n = left_out->first; n != NULL; n = n->next) {
            if (!is_name(n))
                return wrong_member(err, "left_out", "It is an array of column names.");
            out->left_out[out->nleft_out++] = (char *)n->text;
        }
    }
    return PARITY_OK;
}

parity_status parity_spec_parse(parity_arena *a, const char *json, size_t n, parity_spec *out, parity_error *err)
{
    parity_node *root;

    PARITY_TRY(parity_doc_parse(a, "spec", json, n, &root, err));
    return parity_spec_read(a, root, out, err);
}

/* no such column, with the columns that there are */
static parity_status no_column(const parity_spec *s, const char *name, parity_error *err)
{
    char hint[400];
    size_t len = (size_t)snprintf(hint, sizeof hint, "Columns: ");

    for (int i = 0; i < s->ncolumns && len < sizeof hint; i++)
        len += (size_t)snprintf(hint + len, sizeof hint - len, "%s%.64s", i > 0 ? ", " : "", s->columns[i].name);
    if (len >= sizeof hint) {
        memcpy(hint + sizeof hint - 4, "...", 4);
        parity_utf8_trim(hint);
    }
    return parity_fail(err, PARITY_NO_COLUMN, NULL, hint, "column \"%.100s\" of table \"%.100s\" does not exist", name,
                       s->table);
}

/* Takes a name out of left_out; false when it is not there. */
static bool take_back(parity_spec *s, const char *name)
{
    for (int i = 0; i < s->nleft_out; i++)
        if (strcmp(s->left_out[i], name) == 0) {
            s->left_out[i] = s->left_out[--s->nleft_out];
            return true;
        }
    return false;
}

static bool in_array(const parity_node *array, const char *name)
{
    for (const parity_node *n = array->first; n != NULL; n = n->next)
        if (strcmp(n->text, name) == 0)
            return true;
    return false;
}

/* `columns`: {"name": "kind", …} */
static parity_status override_kinds(parity_spec *s, const parity_node *columns, parity_error *err)
{
    if (columns->type != PARITY_N_OBJECT)
        return wrong_member(err, "columns", "It is an object: {\"column\": \"kind\", …}.");
    for (const parity_node *n = columns->first; n != NULL; n = n->next) {
        parity_column *c = find_column(s, n->key);

        if (n->type != PARITY_N_STRING)
            return wrong_member(err, "columns", "It is an object: {\"column\": \"kind\", …}.");
        if (c == NULL && take_back(s, n->key)) {
            c = &s->columns[s->ncolumns++]; /* room for all of left_out was made */
            memset(c, 0, sizeof *c);
            c->name = (char *)n->key;
        }
        if (c == NULL)
            return no_column(s, n->key, err);
        PARITY_TRY(parity_kind_parse(n->text, strlen(n->text), &c->kind, err));
    }
    return PARITY_OK;
}

static parity_status override_key(parity_spec *s, const parity_node *key, parity_error *err)
{
    bool same = true;

    if (key->type != PARITY_N_ARRAY)
        return wrong_member(err, "key", "It is an array of column names; [] is no key.");
    for (const parity_node *n = key->first; n != NULL; n = n->next) {
        if (!is_name(n))
            return wrong_member(err, "key", "It is an array of column names; [] is no key.");
        if (find_column(s, n->text) == NULL)
            return no_column(s, n->text, err);
    }
    for (int i = 0; i < s->ncolumns; i++) {
        bool now = in_array(key, s->columns[i].name);

        same &= now == s->columns[i].key;
        s->columns[i].key = now;
    }
    /* what the engine does not enforce may be there twice */
    s->unique &= same;
    return PARITY_OK;
}

static parity_status override_exclude(parity_spec *s, const parity_node *exclude, parity_error *err)
{
    int kept = 0;

    if (exclude->type != PARITY_N_ARRAY)
        return wrong_member(err, "exclude", "It is an array of column names.");
    for (const parity_node *n = exclude->first; n != NULL; n = n->next) {
        if (!is_name(n))
            return wrong_member(err, "exclude", "It is an array of column names.");
        if (find_column(s, n->text) == NULL) {
            bool known = false;

            for (int i = 0; i < s->nleft_out; i++)
                known |= strcmp(s->left_out[i], n->text) == 0;
            if (!known)
                return no_column(s, n->text, err);
        }
    }
    for (int i = 0; i < s->ncolumns; i++) {
        if (!in_array(exclude, s->columns[i].name)) {
            s->columns[kept++] = s->columns[i];
            continue;
        }
        if (s->columns[i].key)
            return parity_fail(err, PARITY_INVALID, NULL, "Set another \"key\" as well, or [] for none.",
                               "key column \"%.100s\" cannot be excluded", s->columns[i].name);
        s->left_out[s->nleft_out++] = s->columns[i].name;
    }
    s->ncolumns = kept;
    if (kept == 0)
        return parity_fail(err, PARITY_INVALID, NULL, NULL, "all columns of table \"%.100s\" are excluded", s->table);
    return PARITY_OK;
}

static parity_status override_names(parity_spec *s, const parity_node *names, parity_error *err)
{
    if (names->type != PARITY_N_OBJECT)
        return wrong_member(err, "names", "It is an object: {\"column\": \"name on the other side\", …}.");
    for (const parity_node *n = names->first; n != NULL; n = n->next) {
        parity_column *c = find_column(s, n->key);

        if (!is_name(n))
            return wrong_member(err, "names", "It is an object: {\"column\": \"name on the other side\", …}.");
        if (c == NULL)
            return no_column(s, n->key, err);
        c->as = strcmp(c->name, n->text) == 0 ? NULL : (char *)n->text;
    }
    return PARITY_OK;
}

parity_status parity_spec_override(parity_arena *a, parity_spec *s, const char *json, size_t n, parity_error *err)
{
    static const char *const known[] = {"columns", "key", "exclude", "names", "as"};
    const parity_node *member[5];
    parity_node *root;
    parity_column *columns;
    char **left_out;
    size_t total = (size_t)s->ncolumns + (size_t)s->nleft_out + 1;

    PARITY_TRY(parity_doc_parse(a, "overrides", json, n, &root, err));
    if (root->type != PARITY_N_OBJECT)
        return parity_fail(err, PARITY_INVALID, NULL, "Members: columns, key, exclude, names, as.",
                           "overrides are a JSON object");
    for (const parity_node *m = root->first; m != NULL; m = m->next) {
        bool found = false;

        for (int i = 0; i < 5; i++)
            found |= strcmp(m->key, known[i]) == 0;
        if (!found)
            return parity_fail(err, PARITY_INVALID, NULL, "Members: columns, key, exclude, names, as.",
                               "unknown member \"%.100s\" in overrides", m->key);
    }
    for (int i = 0; i < 5; i++)
        member[i] = parity_node_member(root, known[i]);
    columns = parity_arena_alloc(a, total * sizeof *columns);
    left_out = parity_arena_alloc(a, total * sizeof *left_out);
    if (columns == NULL || left_out == NULL)
        return PARITY_NOMEM;
    memcpy(columns, s->columns, (size_t)s->ncolumns * sizeof *columns);
    if (s->nleft_out > 0)
        memcpy(left_out, s->left_out, (size_t)s->nleft_out * sizeof *left_out);
    s->columns = columns;
    s->left_out = left_out;
    if (member[0] != NULL)
        PARITY_TRY(override_kinds(s, member[0], err));
    if (member[1] != NULL)
        PARITY_TRY(override_key(s, member[1], err));
    if (member[2] != NULL)
        PARITY_TRY(override_exclude(s, member[2], err));
    if (member[3] != NULL)
        PARITY_TRY(override_names(s, member[3], err));
    if (member[4] != NULL) {
        if (!is_name(member[4]))
            return wrong_member(err, "as", "It is the table's name on the other side.");
        s->as = (char *)member[4]->text;
    }
    PARITY_TRY(check_distinct(a, s, err));
    parity_spec_sort(s);
    return PARITY_OK;
}
