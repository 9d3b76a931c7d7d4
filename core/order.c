/*
 * order.c - in which order repair deletes, updates and inserts, so that no foreign key is broken on the way
 *
 * The plain order is: deletes, rows that refer to others first; updates;
 * inserts, referenced rows first.  Deletes come before inserts because a new row
 * may take a unique value of an old one.  Two moves do not fit in: an update
 * that leaves a row which is to be deleted, and one that goes to a row which is
 * to be inserted.  Such rows, and what they refer to in turn, are set apart:
 * deleted after the updates, or inserted before them.
 */
#include <stdlib.h>
#include <string.h>

#include "repairs.h"

/* Where a hash of some columns stands. */
typedef struct place {
    uint64_t hash;
    size_t at; /* of the job's cases */
} place;

/* A foreign key between two of the tables, as columns of their specs. */
struct parity_link {
    parity_job *to;
    int *columns, *referenced;
    int n;
    place *gone, *come; /* the cases of `to` only here and only there, by their referenced columns */
    size_t ngone, ncome;
};

static int spec_column(const parity_job *j, const char *name)
{
    for (int i = 0; i < j->c.spec.ncolumns; i++)
        if (strcmp(j->c.spec.columns[i].name, name) == 0)
            return i;
    return -1;
}

static bool is_of(const parity_reference *ref, const parity_job *j)
{
    return strcmp(ref->table, j->c.local.name) == 0 &&
           (ref->schema == NULL || j->c.local.schema == NULL || strcmp(ref->schema, j->c.local.schema) == 0);
}

/* The hash of some columns of a row; *has is false when one is NULL, and refers to nothing. */
static parity_status hash_columns(parity_repairs *r, const parity_found *f, const int *columns, int n, uint64_t *out,
                                  bool *has)
{
    *has = true;
    r->frames.len = 0;
    for (int i = 0; i < n; i++) {
        size_t size;
        const unsigned char *frame = parity_found_frame(f, columns[i], &size);

        *has &= frame[0] != PARITY_TAG_NULL;
        PARITY_TRY(parity_buf_put(&r->frames, frame, size));
    }
    *out = parity_hash_bytes(r->frames.data, r->frames.len, 0).lo;
    return PARITY_OK;
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = ((const place *)a)->hash, y = ((const place *)b)->hash;

    return (x > y) - (x < y);
}

/* The cases of one change of a job, sorted by the hash of some columns. */
static parity_status index_cases(parity_repairs *r, const parity_job *j, parity_change change, const int *columns,
                                 int n, place **out, size_t *nout)
{
    place *places = parity_arena_alloc(&r->arena, (j->ncases + 1) * sizeof *places);
    size_t found = 0;
    bool has;

    if (places == NULL)
        return PARITY_NOMEM;
    for (size_t i = 0; i < j->ncases; i++) {
        if (j->cases[i].change != change)
            continue;
        places[found].at = i;
        PARITY_TRY(hash_columns(r, parity_case_row(&j->cases[i]), columns, n, &places[found].hash, &has));
        found += has;
    }
    if (found > 0)
        qsort(places, found, sizeof *places, by_hash);
    *out = places;
    *nout = found;
    return PARITY_OK;
}

/* Reads a foreign key of job j; *is is false when it leads out of the tables at hand, or is of columns not read. */
static parity_status read_link(parity_repairs *r, parity_job *j, const parity_reference *ref, parity_link *out, bool *is)
{
    int *columns = parity_arena_alloc(&r->arena, ((size_t)ref->ncolumns + 1) * 2 * sizeof *columns);

    if (columns == NULL)
        return PARITY_NOMEM;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < r->njobs && out->to == NULL; i++)
        if (is_of(ref, &r->jobs[i]))
            out->to = &r->jobs[i];
    *is = out->to != NULL;
    out->columns = columns;
    out->referenced = columns + ref->ncolumns;
    out->n = ref->ncolumns;
    for (int i = 0; i < ref->ncolumns && *is; i++) {
        out->columns[i] = spec_column(j, ref->columns[i]);
        out->referenced[i] = spec_column(out->to, ref->referenced[i]);
        *is = out->columns[i] >= 0 && out->referenced[i] >= 0;
    }
    if (!*is)
        return PARITY_OK;
    PARITY_TRY(index_cases(r, out->to, PARITY_C_ONLY_LOCAL, out->referenced, out->n, &out->gone, &out->ngone));
    return index_cases(r, out->to, PARITY_C_ONLY_REMOTE, out->referenced, out->n, &out->come, &out->ncome);
}

/* The case that a row refers to by a link; NULL when it is none of these. */
static parity_status find_case(parity_repairs *r, const parity_link *link, const parity_found *row, bool gone,
                               parity_case **out)
{
    place want = {0, 0}, *found = NULL;
    bool has;

    PARITY_TRY(hash_columns(r, row, link->columns, link->n, &want.hash, &has));
    if (has && (gone ? link->ngone : link->ncome) > 0)
        found = bsearch(&want, gone ? link->gone : link->come, gone ? link->ngone : link->ncome, sizeof want, by_hash);
    *out = found != NULL ? &link->to->cases[found->at] : NULL;
    return PARITY_OK;
}

/* Sets apart what a row refers to, and on from there, without recursion. */
static parity_status set_apart(parity_repairs *r, const parity_job *j, const parity_found *row, bool gone)
{
    parity_case *pending = NULL;

    for (;;) {
        for (int i = 0; i < j->nlinks; i++) {
            parity_case *c;

            PARITY_TRY(find_case(r, &j->links[i], row, gone, &c));
            if (c == NULL || c->apart)
                continue;
            c->apart = true;
            c->job = j->links[i].to;
            c->pending = pending;
            pending = c;
        }
        if (pending == NULL)
            return PARITY_OK;
        j = pending->job;
        row = parity_case_row(pending);
        pending = pending->pending;
    }
}

parity_status parity_order_begin(parity_repairs *r)
{
    for (int i = 0; i < r->njobs; i++) {
        parity_job *j = &r->jobs[i];

        j->links = parity_arena_alloc(&r->arena, ((size_t)j->nreferences + 1) * sizeof *j->links);
        if (j->links == NULL)
            return PARITY_NOMEM;
        for (int k = 0; k < j->nreferences; k++) {
            bool is;

            PARITY_TRY(read_link(r, j, &j->references[k], &j->links[j->nlinks], &is));
            j->nlinks += is;
        }
    }
    for (int i = 0; i < r->njobs; i++) {
        const parity_job *j = &r->jobs[i];

        for (size_t c = 0; c < j->ncases && j->nlinks > 0; c++) {
            if (j->cases[c].change != PARITY_C_CHANGED)
                continue;
            PARITY_TRY(set_apart(r, j, j->cases[c].local, true));
            PARITY_TRY(set_apart(r, j, j->cases[c].remote, false));
        }
    }
    return PARITY_OK;
}

/* For each case of the list the one of the list that it refers to by a link to its own table, or SIZE_MAX. */
static parity_status find_parents(parity_repairs *r, const parity_job *j, const parity_link *link, const size_t *list,
                                  const size_t *place_of, size_t n, bool gone, size_t *parent)
{
    for (size_t i = 0; i < n; i++) {
        parity_case *c;

        PARITY_TRY(find_case(r, link, parity_case_row(&j->cases[list[i]]), gone, &c));
        parent[i] = c != NULL ? place_of[c - j->cases] : SIZE_MAX;
        if (parent[i] == i)
            parent[i] = SIZE_MAX;
    }
    return PARITY_OK;
}

parity_status parity_order_cases(parity_repairs *r, const parity_job *j, parity_change change, bool apart, size_t **out,
                                 size_t *nout)
{
    size_t *list = parity_arena_alloc(&r->arena, (j->ncases + 1) * sizeof *list), n = 0, placed = 0;
    size_t *place_of = parity_arena_alloc(&r->arena, (j->ncases + 1) * sizeof *place_of);
    size_t *ordered = parity_arena_alloc(&r->arena, (j->ncases + 1) * sizeof *ordered);
    bool *done = parity_arena_alloc(&r->arena, j->ncases + 1), moved = true;
    size_t **parents = parity_arena_alloc(&r->arena, ((size_t)j->nlinks + 1) * sizeof *parents);
    int nparents = 0;

    if (list == NULL || place_of == NULL || ordered == NULL || done == NULL || parents == NULL)
        return PARITY_NOMEM;
    for (size_t i = 0; i < j->ncases; i++) {
        place_of[i] = SIZE_MAX;
        if (j->cases[i].change == change && j->cases[i].apart == apart) {
            place_of[i] = n;
            list[n++] = i;
        }
    }
    for (int k = 0; k < j->nlinks && n > 1 && change != PARITY_C_CHANGED; k++) {
        if (j->links[k].to != j)
            continue;
        parents[nparents] = parity_arena_alloc(&r->arena, n * sizeof **parents);
        if (parents[nparents] == NULL)
            return PARITY_NOMEM;
        PARITY_TRY(find_parents(r, j, &j->links[k], list, place_of, n, change == PARITY_C_ONLY_LOCAL,
                                parents[nparents]));
        nparents++;
    }
    /* a row is ready when those that it refers to are done; when none is they refer to each other in a circle */
    while (placed < n) {
        bool circle = !moved;

        moved = false;
        for (size_t i = 0; i < n; i++) {
            bool ready = !done[i];

            for (int k = 0; k < nparents && ready && !circle; k++)
                ready = parents[k][i] == SIZE_MAX || done[parents[k][i]];
            if (!ready)
                continue;
            done[i] = moved = true;
            ordered[placed++] = list[i];
        }
    }
    for (size_t i = 0; i < n / 2 && change == PARITY_C_ONLY_LOCAL; i++) {
        size_t last = ordered[n - 1 - i];

        ordered[n - 1 - i] = ordered[i];
        ordered[i] = last;
    }
    *out = ordered;
    *nout = n;
    return PARITY_OK;
}
