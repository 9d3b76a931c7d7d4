/*
 * verify.h - what pair.c (who is compared with whom), compare.c (how) and those
 * that do it share: verify.c (the verdict), diff.c (the rows), repairs.c
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

/* ---- compare.c */

/* A remote table and a local one, side by side.  Arrays have an entry a remote column. */
typedef struct parity_comparison {
    parity_verify *v; /* whose row is being made; NULL outside verify */
    parity_arena *arena;
    const parity_mapping *mapping;
    const parity_bundle_table *remote; /* of a rows bundle only the spec */
    parity_local_table local;
    int *column;       /* remote column -> local column, -1 */
    bool *excluded;    /* remote columns that are not compared */
    bool *local_used;  /* local columns that are compared or excluded */
    parity_spec spec;  /* how the local table is read */
    int *of_spec;      /* column of spec -> remote column */
    bool whole;        /* every remote column is compared */
    bool key_complete; /* every key column is */
    int only_remote, only_local, nexcluded;
    parity_tally *tally;
} parity_comparison;

/* Pairs the columns of remote and local and builds the spec that the local table is read under: all else of c. */
parity_status parity_comparison_pair(parity_comparison *c, parity_error *err);
/*
 * Whether unequal digests, or frames, of column i of the spec say nothing,
 * because the remote side hashed another kind of value than the local type holds.
 */
bool parity_comparison_weak(const parity_comparison *c, int i);
/* The cells to scan the local table with; 0 when rows cannot be compared by sketches. */
uint32_t parity_comparison_cells(const parity_comparison *c);

/* What the two sketches say: local minus remote. */
typedef struct parity_difference {
    bool known;    /* there were two sketches */
    bool complete; /* entries are all differences */
    bool hashed;   /* some row key is a hash */
    parity_entry *entries;
    size_t n;
    uint64_t estimate; /* of all differences */
    uint32_t cells;
} parity_difference;

/* Subtracts and decodes; uses up the tally's sketch. */
parity_status parity_comparison_decode(parity_comparison *c, parity_difference *out);
/* The cells to ask for when it is not complete. */
uint32_t parity_difference_cells(const parity_difference *d);

/* ---- diff.c */

/* The bundle's table that a local one is paired with: PARITY_NO_TABLE. */
parity_status parity_counterpart(parity_arena *a, const parity_bundle *bundle, const parity_local_table *local,
                                 const parity_bundle_table **out, parity_error *err);
/* PARITY_INVALID or PARITY_NO_COLUMN unless every column of the remote table is compared. */
parity_status parity_comparable(const parity_comparison *c, parity_error *err);

/* ---- bundle.c */

/* Writes the brace and the members that bundles and rows bundles begin with. */
parity_status parity_head_print(parity_buf *b, const parity_bundle *head);
/* Reads and checks them. */
parity_status parity_head_read(const parity_node *root, parity_bundle *out, parity_error *err);

#endif
