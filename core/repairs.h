/*
 * repairs.h - a rows bundle against the local tables: what repairs.c (reading
 * and pairing of rows), explain.c and repair.c (what is said of them) share
 */
#ifndef PARITY_REPAIRS_H
#define PARITY_REPAIRS_H

#include "verify.h"

/* Columns that one call of row_hash takes in a guard: SQLite allows 127 arguments, PostgreSQL 100. */
#define PARITY_GUARD_COLUMNS 90

/* A row of either side. */
typedef struct parity_found {
    parity_row_key key;
    parity_hash hash; /* of the frames */
    const unsigned char *frames;
    const uint32_t *ends;
    const parity_hash *guards; /* local rows, for repair: one for each PARITY_GUARD_COLUMNS columns of guard */
    uint32_t *copies;          /* how many such rows are here as things go: shared by all of the same guards */
} parity_found;

typedef struct parity_link parity_link; /* order.c */

/* One difference. */
typedef struct parity_case {
    parity_change change;
    const parity_found *local, *remote; /* NULL where there is none */
    uint32_t *copies; /* only remote: of how many equal rows here */
    bool shared;      /* only remote: other rows have its key */
    bool apart;       /* deleted after the updates, or inserted before them: order.c */
    struct parity_job *job;      /* while order.c follows references */
    struct parity_case *pending;
} parity_case;

/* One table. */
typedef struct parity_job {
    parity_comparison c;
    parity_bundle_table remote; /* its spec */
    parity_spec guard;          /* the local columns by which a row is guarded, for repair */
    int nguards;                /* calls of row_hash that these take */
    bool *key;                  /* a column: of c.spec */
    bool keyed;
    bool *own_key;              /* a column: of the key that is enforced here, all of whose columns are read; or NULL */
    bool loose;                 /* the other side is SQLite */
    parity_keys keys;
    parity_found *local, *found; /* local rows, and remote ones */
    size_t nlocal, nfound, room;
    parity_case *cases;
    size_t ncases;
    parity_reference *references; /* of this table to others */
    int nreferences;
    parity_reference *incoming; /* of others to this one */
    int nincoming;
    bool *wrapped; /* a column: of guard, a composite, which row_hash is given in an array */
    parity_link *links; /* those between the tables at hand */
    int nlinks;
} parity_job;

/* Where repair is: see repair.c. */
typedef enum parity_phase {
    PARITY_PHASE_BEGIN, PARITY_PHASE_DELETE, PARITY_PHASE_INSERT_FIRST, PARITY_PHASE_UPDATE, PARITY_PHASE_DELETE_LAST,
    PARITY_PHASE_INSERT, PARITY_PHASE_END
} parity_phase;

struct parity_repairs {
    parity_mem mem;
    parity_arena arena;
    const parity_engine *engine;
    bool strict; /* PostgreSQL's dialect */
    parity_mapping mapping; /* none */
    parity_job *jobs; /* referenced tables before those that refer to them */
    int njobs;
    parity_buf text, scratch, part, frames, key_text; /* of the current row */
    /* where the caller is */
    int job;
    size_t at;
    int column;
    parity_phase phase;
    int step;      /* repair: what follows a statement: 1 its effect is counted, 2 changes() is made 0 */
    size_t *order; /* repair: the cases of the current phase and job */
    size_t norder;
    uint64_t refused; /* rows that no statement can repair */
    struct parity_column_story *stories; /* explain: a column of the current job each */
    parity_column *all;                  /* explain: the columns of the current job, none of them a key */
    parity_explain_row explain;
    parity_recheck_row recheck;
};

/* The frame of column i of a row. */
static inline const unsigned char *parity_found_frame(const parity_found *f, int i, size_t *n)
{
    size_t start = i > 0 ? f->ends[i - 1] : 0;

    *n = f->ends[i] - start;
    return f->frames + start;
}

/* Whether column i of two rows is framed alike. */
static inline bool parity_found_equal(const parity_found *a, const parity_found *b, int i)
{
    size_t na, nb;
    const unsigned char *fa = parity_found_frame(a, i, &na), *fb = parity_found_frame(b, i, &nb);

    return na == nb && memcmp(fa, fb, na) == 0;
}

/* The local column that column i of c.spec is. */
static inline const parity_local_column *parity_job_column(const parity_job *j, int i)
{
    return &j->c.local.columns[j->c.column[j->c.of_spec[i]]];
}

/* The row that a case is of. */
static inline const parity_found *parity_case_row(const parity_case *c)
{
    return c->local != NULL ? c->local : c->remote;
}

/* Appends a frame as row_hash is given its column in a guard: a composite as the JSON of an array of it.  repairs.c */
parity_status parity_guard_frame(parity_buf *b, const unsigned char *frame, size_t n, bool wrapped);
/* Writes the key of a case to r->key_text, NUL-terminated; *out is NULL when it has no JSON. */
parity_status parity_case_key(parity_repairs *r, const parity_job *j, const parity_case *c, const char **out);

/* ---- order.c */

/* Finds what has to be set apart; before the first case is asked for. */
parity_status parity_order_begin(parity_repairs *r);
/*
 * The cases of one change, those set apart or the others, in an order in which
 * each row comes behind those of its table that it refers to; deletes the other
 * way round.
 */
parity_status parity_order_cases(parity_repairs *r, const parity_job *j, parity_change change, bool apart, size_t **out,
                                 size_t *nout);

#endif
