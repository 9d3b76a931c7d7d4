/*
 * unicode.c - texts that differ in their Unicode form, or in case, only
 *
 * Both comparisons go through the two texts side by side and allocate nothing.
 * The canonical one takes each character apart and puts the marks behind a
 * character into canonical order, a bounded number of them at a time.
 */
#include "internal.h"
#include "unicode_table.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

#define NO_CODE UINT32_C(0xFFFFFFFF) /* the end of a text */

/* ------------------------------------------------------------------- tables */

static uint8_t class_of(uint32_t c)
{
    size_t low = 0, high = COUNT(unicode_classes);

    if (c < unicode_classes[0].first)
        return 0;
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (unicode_classes[middle].first <= c)
            low = middle + 1;
        else
            high = middle;
    }
    if (c - unicode_classes[low - 1].first >= unicode_classes[low - 1].count)
        return 0;
    return unicode_classes[low - 1].class;
}

/* Finds c in a table of pairs. */
#define FIND_PAIR(table, c, first_out, second_out)                 \
    for (size_t low = 0, high = COUNT(table); low < high;) {       \
        size_t middle = (low + high) / 2;                          \
                                                                   \
        if (table[middle].code == (c)) {                           \
            *(first_out) = table[middle].first;                    \
            *(second_out) = table[middle].second;                  \
            return true;                                           \
        }                                                          \
        if (table[middle].code < (c))                              \
            low = middle + 1;                                      \
        else                                                       \
            high = middle;                                         \
    }

/* One step of canonical decomposition; *second is 0 when there is one part only. */
static bool take_apart(uint32_t c, uint32_t *first, uint32_t *second)
{
    const uint32_t syllables = 0xAC00, leads = 0x1100, vowels = 0x1161, trails = 0x11A7;

    if (c < 0xC0)
        return false;
    if (c - syllables < 11172) {
        uint32_t s = c - syllables;

        /* with a trailing consonant: the syllable without it is taken apart next */
        *first = s % 28 != 0 ? c - s % 28 : leads + s / 588;
        *second = s % 28 != 0 ? trails + s % 28 : vowels + s / 28 % 21;
        return true;
    }
    FIND_PAIR(unicode_pairs, c, first, second)
    FIND_PAIR(unicode_large_pairs, c, first, second)
    return false;
}

static uint32_t fold(uint32_t c)
{
    size_t low = 0, high = COUNT(unicode_folds);

    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (unicode_folds[middle].first <= c)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || c > unicode_folds[low - 1].last ||
        (c - unicode_folds[low - 1].first) % (uint32_t)unicode_folds[low - 1].step != 0)
        return c;
    return (uint32_t)((int32_t)c + unicode_folds[low - 1].delta);
}

/* ------------------------------------------------------------------- reading */

/* The character at *p of valid UTF-8 that ends at end. */
static uint32_t next_code(const unsigned char **p, const unsigned char *end)
{
    const unsigned char *u = *p;
    uint32_t c;
    int more;

    if (u == end)
        return NO_CODE;
    c = *u++;
    more = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    if (more > 0)
        c &= 0x3Fu >> more;
    for (int i = 0; i < more; i++)
        c = c << 6 | (*u++ & 0x3Fu);
    *p = u;
    return c;
}

/*
 * More marks than this behind one character are put into order by pieces: two
 * orders of such a heap of marks may then pass for different ones.  Equal are
 * only texts that are.
 */
#define RUN_MAX 64

/* A text as its canonical decomposition. */
typedef struct decomposed {
    const unsigned char *p, *end;
    uint32_t parts[PARITY_UNICODE_STEPS + 3]; /* of one character, the next one last; Hangul takes two steps */
    int nparts;
    uint32_t run[RUN_MAX]; /* marks in order, or one character of class 0 */
    uint8_t classes[RUN_MAX];
    int nrun, at;
} decomposed;

/* The next part, without putting marks into order; it stays the next one. */
static uint32_t peek_part(decomposed *d)
{
    uint32_t c, first, second;

    if (d->nparts == 0) {
        c = next_code(&d->p, d->end);
        if (c == NO_CODE)
            return NO_CODE;
        while (take_apart(c, &first, &second)) {
            if (second != 0)
                d->parts[d->nparts++] = second;
            c = first;
        }
        d->parts[d->nparts++] = c;
    }
    return d->parts[d->nparts - 1];
}

static void fill_run(decomposed *d)
{
    d->at = d->nrun = 0;
    while (d->nrun < RUN_MAX) {
        uint32_t c = peek_part(d);
        uint8_t class = c == NO_CODE ? 0 : class_of(c);
        int i = d->nrun;

        if (c == NO_CODE || (class == 0 && d->nrun > 0))
            return;
        d->nparts--;
        d->nrun++;
        for (; i > 0 && d->classes[i - 1] > class; i--) {
            d->run[i] = d->run[i - 1];
            d->classes[i] = d->classes[i - 1];
        }
        d->run[i] = c;
        d->classes[i] = class;
        if (class == 0)
            return;
    }
}

static uint32_t next_decomposed(decomposed *d)
{
    if (d->at == d->nrun) {
        fill_run(d);
        if (d->nrun == 0)
            return NO_CODE;
    }
    return d->run[d->at++];
}

static void decompose(decomposed *d, const char *p, size_t n)
{
    d->p = (const unsigned char *)p;
    d->end = d->p + n;
    d->nparts = d->nrun = d->at = 0;
}

/* --------------------------------------------------------------- comparisons */

static bool same_bytes(const char *a, size_t na, const char *b, size_t nb)
{
    return na == nb && (na == 0 || memcmp(a, b, na) == 0);
}

bool parity_text_same_form(const char *a, size_t na, const char *b, size_t nb)
{
    decomposed left, right;
    uint32_t c;

    if (same_bytes(a, na, b, nb))
        return true;
    if (na == 0 || nb == 0 || !parity_utf8_valid(a, na) || !parity_utf8_valid(b, nb))
        return false;
    decompose(&left, a, na);
    decompose(&right, b, nb);
    do {
        c = next_decomposed(&left);
        if (c != next_decomposed(&right))
            return false;
    } while (c != NO_CODE);
    return true;
}

bool parity_text_same_folded(const char *a, size_t na, const char *b, size_t nb)
{
    const unsigned char *left = (const unsigned char *)a, *left_end;
    const unsigned char *right = (const unsigned char *)b, *right_end;
    uint32_t c;

    if (same_bytes(a, na, b, nb))
        return true;
    if (na == 0 || nb == 0 || !parity_utf8_valid(a, na) || !parity_utf8_valid(b, nb))
        return false;
    left_end = left + na;
    right_end = right + nb;
    do {
        c = next_code(&left, left_end);
        uint32_t other = next_code(&right, right_end);

        if (c != other && (c == NO_CODE || other == NO_CODE || fold(c) != fold(other)))
            return false;
    } while (c != NO_CODE);
    return true;
}
