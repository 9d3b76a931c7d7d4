/*
 * pair.c - which local table and column is compared with which remote one
 */
#include <stdio.h>
#include <string.h>

#include "verify.h"

static parity_status wrong_mapping(parity_error *err, const char *what, const char *hint)
{
    return parity_fail(err, PARITY_INVALID, NULL, hint, "invalid mapping: %s", what);
}

/* Whether text is "table.column" for these two. */
static bool is_dotted(const char *text, const char *table, const char *column)
{
    size_t n = strlen(table);

    return strncmp(text, table, n) == 0 && text[n] == '.' && strcmp(text + n + 1, column) == 0;
}

/* Whether text names a table of the bundle, or a column as "table.column". */
static bool names_something(const parity_bundle *bundle, const char *text, bool tables_too)
{
    for (int i = 0; i < bundle->ntables; i++) {
        const parity_spec *s = &bundle->tables[i].spec;
        size_t n = strlen(s->table);

        if (tables_too && strcmp(text, s->table) == 0)
            return true;
        if (strncmp(text, s->table, n) != 0 || text[n] != '.')
            continue;
        for (int j = 0; j < s->ncolumns; j++)
            if (strcmp(text + n + 1, s->columns[j].name) == 0)
                return true;
    }
    return false;
}

parity_status parity_mapping_parse(parity_arena *a, const char *json, size_t n, const parity_bundle *bundle,
                                   parity_mapping *out, parity_error *err)
{
    parity_node *root;

    memset(out, 0, sizeof *out);
    if (json == NULL)
        return PARITY_OK;
    PARITY_TRY(parity_doc_parse(a, "mapping", json, n, &root, err));
    if (root->type == PARITY_N_NULL)
        return PARITY_OK;
    if (root->type != PARITY_N_OBJECT)
        return wrong_mapping(err, "it is not a JSON object",
                             "Write {\"remote table\": \"local table\", \"remote table.column\": \"local column\"}.");
    out->root = root;
    for (const parity_node *m = root->first; m != NULL; m = m->next) {
        char what[200];

        if (strcmp(m->key, "exclude") == 0 && m->type == PARITY_N_ARRAY) {
            out->exclude = m;
            for (const parity_node *e = m->first; e != NULL; e = e->next)
                if (e->type != PARITY_N_STRING || strchr(e->text, '.') == NULL)
                    return wrong_mapping(err, "\"exclude\" holds something that is no column",
                                         "Write \"exclude\": [\"table.column\"].");
            continue;
        }
        if (m->type != PARITY_N_STRING || m->text[0] == '\0') {
            snprintf(what, sizeof what, "\"%.100s\" is not a name", m->key);
            return wrong_mapping(err, what, "A value is the name of a local table or column; \"exclude\" is an array.");
        }
        if (strcmp(m->key, "schema") == 0 && !names_something(bundle, m->key, true)) {
            out->schema = m->text;
            continue;
        }
        if (strcmp(m->key, "accept") == 0 && !names_something(bundle, m->key, true)) {
            if (strcmp(m->text, "rounded") != 0)
                return wrong_mapping(err, "\"accept\" can only be \"rounded\"", NULL);
            out->accept_rounded = true;
            continue;
        }
        if (!names_something(bundle, m->key, true)) {
            snprintf(what, sizeof what, "the bundle has no table or column \"%.100s\"", m->key);
            return wrong_mapping(err, what, "Keys are the bundle's names: a table, or table.column.");
        }
    }
    if (out->exclude != NULL) {
        const parity_node *e;
        int i = 0;

        out->exclude_used = parity_arena_alloc(a, out->exclude->count + 1);
        if (out->exclude_used == NULL)
            return PARITY_NOMEM;
        for (e = out->exclude->first; e != NULL; e = e->next, i++)
            out->exclude_used[i] = names_something(bundle, e->text, false);
    }
    return PARITY_OK;
}

const char *parity_mapping_table(const parity_mapping *m, const char *remote)
{
    const parity_node *n = m->root ? parity_node_member(m->root, remote) : NULL;

    return n != NULL && n->type == PARITY_N_STRING ? n->text : NULL;
}

const char *parity_mapping_column(const parity_mapping *m, const char *table, const char *column)
{
    if (m->root == NULL)
        return NULL;
    for (const parity_node *n = m->root->first; n != NULL; n = n->next)
        if (n->type == PARITY_N_STRING && is_dotted(n->key, table, column))
            return n->text;
    return NULL;
}

bool parity_mapping_excludes(const parity_mapping *m, const char *table, const char *column)
{
    int i = 0;

    if (m->exclude == NULL)
        return false;
    for (const parity_node *n = m->exclude->first; n != NULL; n = n->next, i++)
        if (is_dotted(n->text, table, column)) {
            m->exclude_used[i] = true;
            return true;
        }
    return false;
}

/* the rounds of parity_pair_names, most exact first */
enum { STORED, EXACT, NO_CASE, NO_UNDERSCORE, ROUNDS };

static bool fits(const parity_names *remote, int r, const parity_names *local, int l, int round)
{
    switch (round) {
    case STORED:
        return (remote->as[r] != NULL && parity_name_equal_nocase(remote->as[r], local->name[l])) ||
               (local->as[l] != NULL && parity_name_equal_nocase(local->as[l], remote->name[r]));
    case EXACT:
        return strcmp(remote->name[r], local->name[l]) == 0;
    case NO_CASE:
        return parity_name_equal_nocase(remote->name[r], local->name[l]);
    default:
        return parity_name_compare(remote->name[r], local->name[l]) == 0;
    }
}

parity_status parity_pair_names(parity_arena *a, const parity_names *remote, const parity_names *local,
                                const int *fixed, int *out)
{
    bool *taken = parity_arena_alloc(a, (size_t)local->n + 1);
    int *found = parity_arena_alloc(a, ((size_t)remote->n + 1) * sizeof *found);
    int *claims = parity_arena_alloc(a, ((size_t)local->n + 1) * sizeof *claims);

    if (taken == NULL || found == NULL || claims == NULL)
        return PARITY_NOMEM;
    for (int r = 0; r < remote->n; r++) {
        out[r] = fixed != NULL ? fixed[r] : -1;
        if (out[r] >= 0)
            taken[out[r]] = true;
    }
    for (int round = 0; round < ROUNDS; round++) {
        memset(claims, 0, (size_t)local->n * sizeof *claims);
        for (int r = 0; r < remote->n; r++) {
            found[r] = -1;
            for (int l = 0; out[r] < 0 && l < local->n; l++) {
                if (taken[l] || !fits(remote, r, local, l, round))
                    continue;
                claims[l]++;
                found[r] = found[r] == -1 ? l : -2;
            }
        }
        for (int r = 0; r < remote->n; r++) {
            if (out[r] >= 0 || found[r] == -1)
                continue;
            if (found[r] == -2 || claims[found[r]] > 1) {
                out[r] = -2; /* until a later round, which is wider, cannot do better either */
                continue;
            }
            out[r] = found[r];
            taken[found[r]] = true;
        }
    }
    return PARITY_OK;
}
