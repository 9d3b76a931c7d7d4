/*
 * verify.h - what pair.c (who is compared with whom) and verify.c (the verdict) share
 */
#ifndef PARITY_VERIFY_H
#define PARITY_VERIFY_H

#include "internal.h"

/* The caller's mapping, read: see parity_mapping_parse. */
typedef struct parity_mapping {
    const parity_node *root; /* NULL without a mapping */
    const char *schema;      /* other local schema, or NULL */
    const parity_node *exclude;
    bool *exclude_used; /* one for each element of exclude */
    bool accept_rounded;
} parity_mapping;

/* Reads a mapping and checks it against the bundle: PARITY_INVALID for what names nothing. */
parity_status parity_mapping_parse(parity_arena *a, const char *json, size_t n, const parity_bundle *bundle,
                                   parity_mapping *out, parity_error *err);
/* The local name that the mapping gives a remote table or one of its columns, or NULL. */
const char *parity_mapping_table(const parity_mapping *m, const char *remote);
const char *parity_mapping_column(const parity_mapping *m, const char *table, const char *column);
/* Whether "table.column" is excluded; marks it as used. */
bool parity_mapping_excludes(const parity_mapping *m, const char *table, const char *column);

/* One side's names for pairing. */
typedef struct parity_names {
    const char **name;
    const char **as; /* the other side's name as this side has it stored, or NULL */
    int n;
} parity_names;

/*
 * Pairs remote names with local ones: by fixed (what the mapping says: local
 * index, or -1), then by stored names, exactly, ignoring case, ignoring case
 * and underscores; in each round only where one fits just one.  out[r] is the
 * local index, -1 for none, -2 where several fit.
 */
parity_status parity_pair_names(parity_arena *a, const parity_names *remote, const parity_names *local,
                                const int *fixed, int *out);

#endif
