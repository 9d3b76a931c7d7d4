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
    bool acts; /* ON DELETE does something */
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
    out->acts = ref->acts;
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

            /* SQLite looks at references only at the end, but acts at once */
            if (!r->strict && !j->links[i].acts)
                continue;
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

/* While rows are put in order: a row of the list, and what waits for it. */
typedef struct waiting {
    size_t open;  /* rows that it refers to and that are not placed yet */
    size_t first; /* of the edges of rows that refer to it, SIZE_MAX: none */
    bool placed;
} waiting;

typedef struct edge {
    size_t child, next;
} edge;

typedef struct ordering {
    waiting *rows;
    edge *edges;
    size_t *placed; /* rows in order */
    size_t nplaced;
} ordering;

static void put_row(ordering *o, size_t row)
{
    if (!o->rows[row].placed) {
        o->rows[row].placed = true;
        o->placed[o->nplaced++] = row;
    }
}

/*
 * Places n rows so that each comes behind those that it refers to (Kahn, "Topological
 * sorting of large networks", 1962).  Where rows refer to each other in a
 * circle, the first of them goes first.
 */
static void place_rows(ordering *o, size_t n)
{
    size_t done = 0, next = 0;

    for (size_t i = 0; i < n; i++)
        if (o->rows[i].open == 0)
            put_row(o, i);
    while (done < n) {
        if (done == o->nplaced) {
            while (o->rows[next].placed)
                next++;
            put_row(o, next);
        }
        for (size_t e = o->rows[o->placed[done++]].first; e != SIZE_MAX; e = o->edges[e].next)
            if (--o->rows[o->edges[e].child].open == 0)
                put_row(o, o->edges[e].child);
    }
}

parity_status parity_order_cases(parity_repairs *r, const parity_job *j, parity_change change, bool apart, size_t **out,
                                 size_t *nout)
{
    size_t n = 0, nedges = 0, room = j->ncases + 1;
    size_t *list = parity_arena_alloc(&r->arena, room * sizeof *list);
    size_t *place_of = parity_arena_alloc(&r->arena, room * sizeof *place_of);
    ordering o = {parity_arena_alloc(&r->arena, room * sizeof *o.rows),
                  parity_arena_alloc(&r->arena, (room * (size_t)j->nlinks + 1) * sizeof *o.edges),
                  parity_arena_alloc(&r->arena, room * sizeof *o.placed), 0};

    if (list == NULL || place_of == NULL || o.rows == NULL || o.edges == NULL || o.placed == NULL)
        return PARITY_NOMEM;
    for (size_t i = 0; i < j->ncases; i++) {
        place_of[i] = SIZE_MAX;
        if (j->cases[i].change != change || j->cases[i].apart != apart)
            continue;
        o.rows[n].first = SIZE_MAX;
        place_of[i] = n;
        list[n++] = i;
    }
    for (int k = 0; k < j->nlinks && change != PARITY_C_CHANGED; k++)
        for (size_t i = 0; i < n && j->links[k].to == j; i++) {
            parity_case *c;
            size_t parent;

            PARITY_TRY(find_case(r, &j->links[k], parity_case_row(&j->cases[list[i]]), change == PARITY_C_ONLY_LOCAL,
                                 &c));
            parent = c != NULL ? place_of[c - j->cases] : SIZE_MAX;
            if (parent == SIZE_MAX || parent == i)
                continue;
            o.edges[nedges].child = i;
            o.edges[nedges].next = o.rows[parent].first;
            o.rows[parent].first = nedges++;
            o.rows[i].open++;
        }
    place_rows(&o, n);
    for (size_t i = 0; i < n; i++)
        place_of[change == PARITY_C_ONLY_LOCAL ? n - 1 - i : i] = list[o.placed[i]];
    *out = place_of;
    *nout = n;
    return PARITY_OK;
}
