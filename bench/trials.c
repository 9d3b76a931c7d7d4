/*
 * trials.c - how often a sketch is read back, how good its estimate is, and what it costs
 *
 *   trials [PERCENT]
 *
 * Prints tables in Markdown.  Each trial makes the difference of two tables
 * out of random rows: a quarter of its keys only on one side, a quarter only on
 * the other, a quarter changed, a quarter there once to three times more often
 * on one side.  What is read back is compared with what was put in.  PERCENT
 * (100) scales the numbers of trials.  The random numbers are the same every
 * time.  Ends with 1 when fewer than 99.9 % were read back, by more than chance
 * explains, or when anything was told complete that was not.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "field.h"

static uint64_t state = 1;

/* splitmix64 */
static uint64_t chance(void)
{
    uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *resize(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    ptr = realloc(ptr, size);
    if (ptr == NULL)
        exit(2);
    return ptr;
}

static const parity_mem mem = {resize, NULL};

static parity_sketch *new_sketch(uint32_t cells)
{
    parity_sketch *s = resize(NULL, NULL, parity_sketch_size(cells));

    parity_sketch_init(s, cells);
    return s;
}

static parity_hash random_hash(void)
{
    parity_hash h;

    h.lo = chance();
    h.hi = chance();
    return h;
}

/* Adds rows to the sketch, and to what the entry of their key has to be. */
static void put(parity_sketch *s, parity_entry *e, int sign, parity_hash row)
{
    parity_hash h = parity_field_reduce(row.lo, row.hi);

    if (sign > 0)
        parity_sketch_add(s, e->key, true, row);
    else
        parity_sketch_remove(s, e->key, true, row);
    e->n += sign;
    e->h = parity_field_add(e->h, sign > 0 ? h : parity_field_negate(h));
}

/* Makes s the sketch of d differences, which truth then holds. */
static void make(parity_sketch *s, parity_entry *truth, size_t d)
{
    parity_sketch_init(s, s->cells);
    for (size_t i = 0; i < d; i++) {
        parity_hash row = random_hash();

        memset(&truth[i], 0, sizeof truth[i]);
        truth[i].key = chance();
        switch (i % 4) {
        case 0:
            put(s, &truth[i], 1, row);
            break;
        case 1:
            put(s, &truth[i], -1, row);
            break;
        case 2:
            put(s, &truth[i], 1, row);
            put(s, &truth[i], -1, random_hash());
            break;
        default:
            for (uint64_t more = 1 + chance() % 3; more > 0; more--)
                put(s, &truth[i], i % 8 < 4 ? 1 : -1, row);
        }
    }
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const parity_entry *)a)->key, y = ((const parity_entry *)b)->key;

    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What trials with one size and load gave. */
typedef struct outcome {
    long complete, false_complete, false_entries;
    double *ns; /* of each decoding, or NULL */
    long n;
} outcome;

static void run(outcome *o, parity_sketch *s, parity_entry *truth, size_t d)
{
    parity_arena a;
    parity_entry *got;
    size_t n, same = 0;
    bool complete;
    double start;

    make(s, truth, d);
    parity_arena_init(&a, &mem);
    start = now();
    if (parity_sketch_decode(s, &a, &got, &n, &complete) != PARITY_OK)
        exit(2);
    if (o->ns != NULL)
        o->ns[o->n++] = now() - start;
    qsort(truth, d, sizeof *truth, by_key);
    for (size_t i = 0, j = 0; i < n; i++) {
        while (j < d && truth[j].key < got[i].key)
            j++;
        same += j < d && truth[j].key == got[i].key && truth[j].n == got[i].n &&
                parity_field_equal(truth[j].h, got[i].h);
    }
    o->complete += complete;
    o->false_complete += complete && (n != d || same != d);
    o->false_entries += (long)(n - same);
    parity_arena_free(&a);
}

static bool failed;

/* At the number of differences that each size is meant for. */
static void capacity(long percent)
{
    static const struct {
        uint32_t cells;
        size_t d;
        long trials;
    } sizes[] = {{256, 168, 100000}, {1024, 742, 5000}, {4096, 3064, 2000}, {16384, 12448, 2000}};

    printf("| cells | bytes | differences | trials | read back | share | µs a decoding, median |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        parity_sketch *s = new_sketch(sizes[i].cells);
        parity_entry *truth = resize(NULL, NULL, sizes[i].d * sizeof *truth);
        long trials = sizes[i].trials * percent / 100;
        outcome o = {0, 0, 0, resize(NULL, NULL, (size_t)trials * sizeof(double)), 0};

        state = sizes[i].cells;
        for (long t = 0; t < trials; t++)
            run(&o, s, truth, sizes[i].d);
        qsort(o.ns, (size_t)trials, sizeof *o.ns, by_number);
        printf("| %u | %u | %zu | %ld | %ld | %.3f %% | %.0f |\n", sizes[i].cells, sizes[i].cells * 36, sizes[i].d,
               trials, o.complete, 100.0 * (double)o.complete / (double)trials, o.ns[trials / 2] / 1000);
        /* three standard deviations: at just 99.9 % half of all runs have a few too many */
        failed |= (double)(trials - o.complete) > (double)trials / 1000 + 3 * sqrt((double)trials / 1000);
        failed |= o.false_complete || o.false_entries;
        free(s), free(truth), free(o.ns);
    }
}

/* With more differences than fit. */
static void overload(long percent)
{
    outcome o = {0, 0, 0, NULL, 0};
    long trials = 100000 * percent / 100;

    for (long t = 0; t < trials; t++) {
        uint32_t cells = 16u << t % 5;
        /* 168 differences fit 256 cells */
        size_t d = (size_t)((double)cells * 168 / 256 * (1.2 + 1.8 * (double)(chance() % 1000) / 1000));
        parity_sketch *s = new_sketch(cells);
        parity_entry *truth = resize(NULL, NULL, d * sizeof *truth);

        run(&o, s, truth, d);
        free(s), free(truth);
    }
    printf("\n%ld sketches of 16 to 256 cells with 1.2 to 3 times the differences that fit: %ld were read back all the "
           "same, %ld were told complete and were not, %ld entries were read that had not been put in.\n", trials, o.complete, o.false_complete, o.false_entries);
    failed |= o.false_complete || o.false_entries;
}

static void estimates(long percent)
{
    static const struct {
        uint64_t d;
        long trials;
    } sizes[] = {{1000, 2000}, {10000, 1000}, {100000, 300}, {1000000, 100}};

    printf("\n| differences | trials | median error of the estimate | 95th percentile | largest |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        long trials = sizes[i].trials * percent / 100;
        double *error = resize(NULL, NULL, (size_t)trials * sizeof *error);
        parity_sketch *s = new_sketch(PARITY_CELLS_MIN);

        for (long t = 0; t < trials; t++) {
            parity_sketch_init(s, PARITY_CELLS_MIN);
            for (uint64_t k = 0; k < sizes[i].d; k++)
                parity_sketch_add(s, chance(), true, random_hash());
            error[t] = fabs((double)parity_sketch_estimate(s) / (double)sizes[i].d - 1) * 100;
        }
        qsort(error, (size_t)trials, sizeof *error, by_number);
        printf("| %llu | %ld | %.1f %% | %.1f %% | %.1f %% |\n", (unsigned long long)sizes[i].d, trials,
               error[trials / 2], error[trials * 95 / 100], error[trials - 1]);
        free(error), free(s);
    }
}

static void inserts(void)
{
    static const uint32_t sizes[] = {1024, 16384, 1u << 20};
    enum { ROWS = 1 << 20 };
    uint64_t *keys = resize(NULL, NULL, ROWS * sizeof *keys);
    parity_hash *hashes = resize(NULL, NULL, ROWS * sizeof *hashes);

    for (size_t i = 0; i < ROWS; i++) {
        keys[i] = chance();
        hashes[i] = random_hash();
    }
    printf("\n| cells | ns a row, median of 9 |\n|---|---|\n");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        parity_sketch *s = new_sketch(sizes[i]);
        double ns[9];

        for (int turn = 0; turn < 9; turn++) {
            double start = now();

            for (size_t row = 0; row < ROWS; row++)
                parity_sketch_add(s, keys[row], true, hashes[row]);
            ns[turn] = (now() - start) / ROWS;
        }
        qsort(ns, 9, sizeof ns[0], by_number);
        printf("| %u | %.1f |\n", sizes[i], ns[4]);
        free(s);
    }
    free(keys), free(hashes);
}

int main(int argc, char **argv)
{
    long percent = argc > 1 ? atol(argv[1]) : 100;

    capacity(percent);
    overload(percent);
    estimates(percent);
    inserts();
    if (failed)
        fprintf(stderr, "trials: fewer were read back than should be, or something was that should not\n");
    return failed;
}
