/*
 * reason.c - why two frames of a column differ, and what would make them equal
 *
 * A reason is what can be seen from the two values.  An option is only named
 * when under it the two are equal: numbers and BAD values are read again under
 * it, moments are rounded by the function that their reader uses, and for
 * texts the option does no more than what was compared.  What cannot be seen
 * from a frame is how its value is stored: digits=15 takes it for a REAL, zone=
 * for text without a zone, `round` of a date for one without a zone, uint64 for
 * an INTEGER, and dotnet for a BLOB.
 */
#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stamp.h"

#define DAY_US INT64_C(86400000000)
#define QUARTER_US INT64_C(900000000)
#define SHIFT_MAX_US (26 * INT64_C(3600000000)) /* from the zone -12:00 to +14:00 */
#define ZONE_MAX (15 * 3600 + 59 * 60)
#define FIRST_DAY (-2451545)                    /* of a STAMP: 4714-11-24 BC */
#define LAST_DAY 106751982                      /* of a STAMP: 294276-12-31 */
#define UNIX_US (-INT64_C(946684800000000))     /* 1970 */

/* What reading a value again takes. */
typedef struct work {
    parity_buf text, frames; /* a value, and the frames of both */
    parity_buf *scratch;
} work;

/* ------------------------------------------------------------------- answers */

static const char *const words[] = {
    [PARITY_R_VALUE] = "value",
    [PARITY_R_PRECISION] = "precision",
    [PARITY_R_BLANKS] = "trailing blanks",
    [PARITY_R_CASE] = "case",
    [PARITY_R_ZONE] = "time zone shift",
    [PARITY_R_FLOAT4] = "float4 rounding",
    [PARITY_R_UNICODE] = "unicode form",
    [PARITY_R_BAD] = "BAD",
};

static void set_reason(parity_reason *out, parity_reason_id id)
{
    out->id = id;
    snprintf(out->text, sizeof out->text, "%s", words[id]);
}

static void set_option(parity_reason *out, const char *option)
{
    if (strlen(option) < sizeof out->option)
        snprintf(out->option, sizeof out->option, "%s", option);
}

/* Names the one option of k that bit is, as it is written. */
static void set_option_of(parity_reason *out, const parity_kind *k, uint32_t bit)
{
    parity_kind bare = *k;
    char text[PARITY_KIND_TEXT_MAX];
    const char *blank;

    bare.has_scale = false;
    bare.options = bit;
    parity_kind_print(&bare, text);
    blank = strchr(text, ' ');
    if (blank != NULL)
        set_option(out, blank + 1);
}

/* Names a whole kind. */
static void set_kind(parity_reason *out, const parity_kind *k)
{
    char text[PARITY_KIND_TEXT_MAX];

    parity_kind_print(k, text);
    set_option(out, text);
}

static void set_shift(parity_reason *out, int64_t us)
{
    int seconds = (int)(us / 1000000), size = seconds < 0 ? -seconds : seconds;

    out->id = PARITY_R_ZONE;
    out->shift = seconds;
    snprintf(out->text, sizeof out->text, "%s of %s%02d:%02d", words[PARITY_R_ZONE], seconds < 0 ? "-" : "",
             size / 3600, size / 60 % 60);
}

/* zone=, for the kind k; nothing when there is no such option, or no such zone. */
static void set_zone(parity_reason *out, const parity_kind *k, int32_t zone)
{
    parity_kind zoned = *k;

    if (!(parity_kind_options((parity_kind_id)k->id) & PARITY_OPT_ZONE) || zone > ZONE_MAX || zone < -ZONE_MAX ||
        zone % 60 != 0)
        return;
    zoned.zone = zone;
    set_option_of(out, &zoned, PARITY_OPT_ZONE);
}

/* ------------------------------------------------------------- reading again */

/* Whether k with `round` is a kind that there is, and is not k. */
static bool may_round(const parity_kind *k)
{
    return (parity_kind_options((parity_kind_id)k->id) & PARITY_OPT_ROUND) && !(k->options & PARITY_OPT_ROUND) &&
           (k->id != PARITY_DECIMAL || k->has_scale);
}

/*
 * The kinds with `round` that may accept two values, in the order in which they
 * are tried; returns how many.  The first needs but the option.
 */
static int rounding_kinds(const parity_kind *kind, const parity_kind *remote, parity_kind out[2])
{
    int n = 0;

    if (may_round(kind))
        out[n++] = *kind;
    if (!parity_kind_equal(kind, remote)) { /* the other side's type, read as this side reads */
        parity_kind k = kind->id == remote->id ? *kind : *remote;

        if (kind->id != remote->id)
            k.options = 0;
        k.has_scale = remote->has_scale;
        k.precision = remote->precision;
        k.scale = remote->scale;
        k.options &= ~PARITY_OPT_ROUND;
        if (may_round(&k))
            out[n++] = k;
    }
    for (int i = 0; i < n; i++)
        out[i].options |= PARITY_OPT_ROUND;
    return n;
}

/* Names k, which rounding_kinds gave. */
static void set_rounding(parity_reason *out, const parity_kind *kind, const parity_kind *k)
{
    parity_kind rounded = *kind;

    rounded.options |= PARITY_OPT_ROUND;
    if (parity_kind_equal(&rounded, k))
        set_option_of(out, kind, PARITY_OPT_ROUND);
    else
        set_kind(out, k);
}

static bool is_number(const parity_frame *f)
{
    return f->tag == PARITY_TAG_INT || f->tag == PARITY_TAG_DEC || f->tag == PARITY_TAG_F64;
}

static bool is_special(const parity_frame *f)
{
    return f->tag == PARITY_TAG_DEC ? f->dec_class > 1 : f->tag == PARITY_TAG_F64 && !(f->r - f->r == 0.0);
}

/* The number of a finite frame, without zeros at the end of its digits. */
static void number_of(const parity_frame *f, parity_number *out)
{
    uint64_t size = f->i < 0 ? 0 - (uint64_t)f->i : (uint64_t)f->i;

    if (f->tag == PARITY_TAG_F64) {
        parity_number_of_double(f->r, out);
        return;
    }
    if (f->tag == PARITY_TAG_DEC) {
        out->negative = f->dec_class == 1;
        out->digits = f->p;
        out->ndigits = f->n;
        out->exponent = f->exponent;
        return;
    }
    out->negative = f->i < 0;
    out->digits = out->small;
    out->ndigits = 0;
    out->exponent = 0;
    if (size == 0)
        return;
    for (; size % 10 == 0; size /= 10)
        out->exponent++;
    out->ndigits = (size_t)snprintf(out->small, sizeof out->small, "%" PRIu64, size);
}

/* A number as the input of a kind: a double as REAL where that is what the kind holds, else text (in w->text). */
static parity_status put_number_again(work *w, const parity_kind *k, const parity_frame *f)
{
    parity_value v = {.cls = PARITY_STRING};
    parity_number x;
    unsigned notes = 0;

    w->text.len = 0;
    if (f->tag == PARITY_TAG_F64 && (k->id == PARITY_FLOAT8 || k->id == PARITY_FLOAT4)) {
        v.cls = PARITY_REAL;
        v.r = f->r;
    } else {
        number_of(f, &x);
        if (x.ndigits == 0) {
            PARITY_TRY(parity_buf_puts(&w->text, "0"));
        } else {
            PARITY_TRY(parity_buf_puts(&w->text, x.negative ? "-" : ""));
            PARITY_TRY(parity_buf_put(&w->text, x.digits, x.ndigits));
            PARITY_TRY(parity_buf_printf(&w->text, "e%" PRId64, x.exponent));
        }
        v.p = (const char *)w->text.data;
        v.n = w->text.len;
    }
    return parity_put_value(&w->frames, w->scratch, k, &v, &notes);
}

/* Whether the two halves of w->frames, the second of which begins at middle, are the same. */
static bool same_frames(const work *w, size_t middle)
{
    return w->frames.len == 2 * middle && w->frames.data[0] != PARITY_TAG_BAD &&
           memcmp(w->frames.data, w->frames.data + middle, middle) == 0;
}

/* Whether two finite numbers are the same under k. */
static parity_status same_number_under(work *w, const parity_kind *k, const parity_frame *a, const parity_frame *b,
                                       bool *same)
{
    size_t middle;

    w->frames.len = 0;
    PARITY_TRY(put_number_again(w, k, a));
    middle = w->frames.len;
    PARITY_TRY(put_number_again(w, k, b));
    *same = same_frames(w, middle);
    return PARITY_OK;
}

/* ------------------------------------------------------------------- numbers */

/* The place of the first digit: 0 is that of the ones. */
static int64_t top_place(const parity_number *x)
{
    return (int64_t)x->ndigits + x->exponent - 1;
}

static int digit_at(const parity_number *x, int64_t place)
{
    int64_t i = top_place(x) - place;

    return i < 0 || i >= (int64_t)x->ndigits ? 0 : x->digits[i] - '0';
}

/* Whether x without its digits below lowest, and with up one more in the last one that is left, is y. */
static bool is_cut(const parity_number *x, const parity_number *y, int64_t lowest, bool up)
{
    int64_t top = top_place(x), other = y->ndigits == 0 ? lowest - 1 : top_place(y);
    int carry = up;

    if (x->ndigits == 0 || top < lowest)
        top = lowest - 1;
    if (other > top + 1 || top > other)
        return false;
    for (int64_t place = lowest; place <= other; place++) {
        int digit = digit_at(x, place) + carry;

        carry = digit == 10;
        if (digit % 10 != digit_at(y, place))
            return false;
    }
    return carry == 0;
}

/* Whether x, cut or rounded to as many decimals as y has, is y; false unless y has fewer. */
static bool cut_or_rounded(const parity_number *x, const parity_number *y)
{
    int64_t lowest = y->ndigits == 0 || y->exponent > 0 ? 0 : y->exponent;

    if (x->ndigits == 0 || x->exponent >= lowest || (y->ndigits > 0 && x->negative != y->negative))
        return false;
    return is_cut(x, y, lowest, false) || (digit_at(x, lowest - 1) >= 5 && is_cut(x, y, lowest, true));
}

/* Rounds to 15 significant digits. */
static void to_fifteen(const parity_number *x, parity_number *out)
{
    size_t n = x->ndigits < 15 ? x->ndigits : 15;

    out->negative = x->negative;
    out->digits = out->small;
    out->exponent = x->exponent + (int64_t)(x->ndigits - n);
    if (n > 0)
        memcpy(out->small, x->digits, n);
    if (x->ndigits > 15 && x->digits[15] >= '5') {
        for (; n > 0 && out->small[n - 1] == '9'; out->exponent++)
            n--;
        if (n == 0)
            out->small[n++] = '1';
        else
            out->small[n - 1]++;
    }
    for (; n > 0 && out->small[n - 1] == '0'; out->exponent++)
        n--;
    out->ndigits = n;
}

static bool same_number(const parity_number *x, const parity_number *y)
{
    return x->ndigits == y->ndigits &&
           (x->ndigits == 0 || (x->negative == y->negative && x->exponent == y->exponent &&
                                memcmp(x->digits, y->digits, x->ndigits) == 0));
}

/* Whether it is a whole number that an integer column may hold. */
static bool is_whole(const parity_number *x)
{
    return x->ndigits == 0 || (x->exponent >= 0 && top_place(x) < 19);
}

/* Whether the numbers are the same in 15 digits; such whole numbers are two integers. */
static bool same_fifteen(const parity_number *x, const parity_number *y)
{
    parity_number a, b;

    if (is_whole(x) && is_whole(y))
        return false;
    to_fifteen(x, &a);
    to_fifteen(y, &b);
    return same_number(&a, &b);
}

/* Whether digits=15 makes them equal when the longer one is a REAL, which is one that has its shortest digits. */
static parity_status same_digits15(work *w, const parity_kind *kind, const parity_frame *longer,
                                   const parity_frame *other, bool *same)
{
    parity_kind k = *kind;
    parity_number x, named;
    parity_value v = {.cls = PARITY_REAL};
    unsigned notes = 0;
    size_t middle;

    *same = false;
    number_of(longer, &x);
    PARITY_TRY(parity_number_to_double(&x, w->scratch, &v.r));
    if (!(v.r - v.r == 0.0))
        return PARITY_OK;
    parity_number_of_double(v.r, &named);
    if (!same_number(&x, &named))
        return PARITY_OK;
    k.options |= PARITY_OPT_DIGITS15;
    w->frames.len = 0;
    PARITY_TRY(parity_put_value(&w->frames, w->scratch, &k, &v, &notes));
    middle = w->frames.len;
    PARITY_TRY(put_number_again(w, &k, other));
    *same = same_frames(w, middle);
    return PARITY_OK;
}

/* Whether x, a number of ten digits or more, is a float that was widened to a double. */
static bool is_widened(const parity_number *x, double r, float f)
{
    parity_number named;

    if (x->ndigits < 10 || x->exponent >= 0 || r != (double)f)
        return false;
    parity_number_of_double(r, &named);
    return same_number(x, &named);
}

/*
 * Whether a double is what a float4 was made of it: the float widened, or its
 * shortest digits.  Fewer than seven digits are no sign of a float4: any coarser
 * column gives them.
 */
static bool came_from_float4(double x, float f)
{
    char digits[20];
    int exponent;

    return (x == (double)f || x == parity_float4_as_double(f)) && x != 0 &&
           parity_shortest8(x < 0 ? -x : x, digits, &exponent) >= 7;
}

/* Whether one is what a float4 keeps of the other. */
static parity_status same_float4(work *w, bool is_float4, const parity_frame *a, const parity_frame *b,
                                 const parity_number *x, const parity_number *y, bool *same)
{
    const double beyond = 0x1.ffffffp127; /* from here on the nearest float is infinity */
    double left, right;
    float f;

    *same = false;
    PARITY_TRY(parity_number_to_double(x, w->scratch, &left));
    PARITY_TRY(parity_number_to_double(y, w->scratch, &right));
    if (!(left > -beyond && left < beyond && right > -beyond && right < beyond))
        return PARITY_OK;
    f = (float)left;
    if (f == 0 || (float)right != f || left == right) /* the same double is not float4's doing */
        return PARITY_OK;
    if (is_float4)
        *same = true;
    else if (a->tag == PARITY_TAG_F64 || b->tag == PARITY_TAG_F64)
        *same = came_from_float4(left, f) || came_from_float4(right, f);
    else
        *same = is_widened(x, left, f) || is_widened(y, right, f);
    return PARITY_OK;
}

/* Names the rounding kind that accepts two numbers, if one does. */
static parity_status try_rounding(work *w, const parity_kind *kind, const parity_kind *remote_kind,
                                  const parity_frame *a, const parity_frame *b, bool *same, parity_reason *out)
{
    parity_kind kinds[2];
    int n = rounding_kinds(kind, remote_kind, kinds);

    *same = false;
    for (int i = 0; i < n && !*same; i++) {
        PARITY_TRY(same_number_under(w, &kinds[i], a, b, same));
        if (*same)
            set_rounding(out, kind, &kinds[i]);
    }
    return PARITY_OK;
}

/* Names the float4 kind that accepts two numbers, if one does. */
static parity_status try_float4(work *w, const parity_kind *kind, const parity_frame *a, const parity_frame *b,
                                parity_reason *out)
{
    parity_kind k = {.id = PARITY_FLOAT4, .options = kind->options & PARITY_OPT_BLOB};
    bool same = false;

    for (int rounding = 0; rounding < 2 && !same; rounding++) {
        if (rounding)
            k.options |= PARITY_OPT_ROUND;
        PARITY_TRY(same_number_under(w, &k, a, b, &same));
    }
    if (same)
        set_kind(out, &k);
    return PARITY_OK;
}

static parity_status numbers(work *w, const parity_kind *kind, const parity_kind *remote_kind, const parity_frame *a,
                             const parity_frame *b, parity_reason *out)
{
    parity_number x, y;
    bool is_float4 = kind->id == PARITY_FLOAT4 || remote_kind->id == PARITY_FLOAT4, same = false, rounds = false;

    if (kind->id == PARITY_BOOL || is_special(a) || is_special(b))
        return PARITY_OK;
    number_of(a, &x);
    number_of(b, &y);
    if (!is_float4 && same_fifteen(&x, &y)) {
        set_reason(out, PARITY_R_PRECISION);
        if (kind->id == PARITY_DECIMAL && !(kind->options & PARITY_OPT_DIGITS15)) {
            bool a_longer = x.ndigits >= y.ndigits;

            PARITY_TRY(same_digits15(w, kind, a_longer ? a : b, a_longer ? b : a, &same));
            if (same) {
                set_option_of(out, kind, PARITY_OPT_DIGITS15);
                return PARITY_OK;
            }
        }
        return try_rounding(w, kind, remote_kind, a, b, &rounds, out);
    }
    PARITY_TRY(same_float4(w, is_float4, a, b, &x, &y, &same));
    PARITY_TRY(try_rounding(w, kind, remote_kind, a, b, &rounds, out));
    if (same) {
        set_reason(out, PARITY_R_FLOAT4);
        return rounds ? PARITY_OK : try_float4(w, kind, a, b, out);
    }
    if (rounds || cut_or_rounded(&x, &y) || cut_or_rounded(&y, &x))
        set_reason(out, PARITY_R_PRECISION);
    return PARITY_OK;
}

/* ------------------------------------------------------------------- moments */

/* Whether x, cut or rounded to u (a power of ten, 1 to 10^6) µs, is y; false unless that changes x. */
static bool near_unit(const parity_frame *x, const parity_frame *y, int64_t u, int64_t towards)
{
    int64_t rest = x->i % u, gap;
    bool half;

    if (rest < 0)
        rest += u;
    if (y->nfine > 0 || (rest == 0 && x->nfine == 0))
        return false;
    /* y is close to x, or both are not what is looked for */
    gap = (int64_t)((uint64_t)y->i - (uint64_t)x->i);
    if (gap > u || gap < -u || (gap < 0) != (y->i < x->i))
        return false;
    half = u == 1 ? x->nfine > 0 && x->fine[0] >= '5' : rest >= u / 2;
    /* down, to the nearest, or (what counts from 1970, or from 0) towards that */
    return gap == -rest || (gap == u - rest && (half || x->i < towards));
}

static bool same_fine(const parity_frame *a, const parity_frame *b)
{
    return a->nfine == b->nfine && (a->nfine == 0 || memcmp(a->fine, b->fine, a->nfine) == 0);
}

/* Whether one is the other with fewer decimals of the second. */
static bool fewer_decimals(const parity_frame *a, const parity_frame *b, int64_t towards)
{
    size_t shorter = a->nfine < b->nfine ? a->nfine : b->nfine;

    if (shorter > 0)
        return a->i == b->i && memcmp(a->fine, b->fine, shorter) == 0;
    for (int64_t u = 1; u <= 1000000; u *= 10)
        if (near_unit(a, b, u, towards) || near_unit(b, a, u, towards))
            return true;
    return false;
}

/* Rounds f's µs as the reader of k does; true when no digits are left behind them. */
static bool round_moment(const parity_kind *k, const parity_frame *f, int64_t *us)
{
    int64_t rounded = f->i;
    bool fits = parity_round_us(k, f->fine, f->nfine, &rounded);

    if (f->tag == PARITY_TAG_STAMP)
        fits = fits && rounded < (LAST_DAY + 1) * DAY_US;
    *us = fits ? rounded : f->i;
    return fits || f->nfine == 0;
}

static int64_t day_of(int64_t us)
{
    return us / DAY_US - (us % DAY_US < 0);
}

/* Whether a kind reads what this tag holds. */
static bool reads_tag(const parity_kind *k, int tag)
{
    switch (tag) {
    case PARITY_TAG_STAMP:
        return k->id == PARITY_TIMESTAMPTZ || k->id == PARITY_TIMESTAMP;
    case PARITY_TAG_TIME:
        return k->id == PARITY_TIME;
    case PARITY_TAG_TIMETZ:
        return k->id == PARITY_TIMETZ;
    default:
        return k->id == PARITY_INTERVAL;
    }
}

/* Names the rounding kind that makes two moments of the same tag equal, or of two that a date may be one day. */
static bool try_rounding_moments(const parity_kind *kind, const parity_kind *remote_kind, const parity_frame *a,
                                 const parity_frame *b, parity_reason *out)
{
    parity_kind kinds[2];
    int n = rounding_kinds(kind, remote_kind, kinds);

    for (int i = 0; i < n; i++) {
        int64_t x, y;
        bool same;

        if (kinds[i].id == PARITY_DATE)
            same = (a->tag == PARITY_TAG_STAMP || a->tag == PARITY_TAG_DATE) &&
                   (a->tag == PARITY_TAG_DATE ? a->i : day_of(a->i)) ==
                       (b->tag == PARITY_TAG_DATE ? b->i : day_of(b->i));
        else
            same = a->tag == b->tag && reads_tag(&kinds[i], a->tag) && round_moment(&kinds[i], a, &x) &&
                   round_moment(&kinds[i], b, &y) && x == y;
        if (same) {
            set_rounding(out, kind, &kinds[i]);
            return true;
        }
    }
    return false;
}

static bool is_infinite(const parity_frame *f)
{
    return f->tag == PARITY_TAG_DATE ? f->i == INT32_MAX || f->i == INT32_MIN : f->i == INT64_MAX || f->i == INT64_MIN;
}

/* Whether f is a point in time that a STAMP can hold, and then its µs. */
static bool instant_of(const parity_frame *f, int64_t *us)
{
    if (is_infinite(f))
        return false;
    *us = f->i;
    if (f->tag == PARITY_TAG_DATE) {
        if (f->i < FIRST_DAY || f->i > LAST_DAY)
            return false;
        *us = f->i * DAY_US;
    }
    return *us >= FIRST_DAY * DAY_US && *us < (LAST_DAY + 1) * DAY_US;
}

/* STAMP and DATE. */
static void instants(const parity_kind *kind, const parity_kind *remote_kind, const parity_frame *a,
                     const parity_frame *b, parity_reason *out)
{
    int64_t x, y, shift;
    bool dates = a->tag == PARITY_TAG_DATE, other_date = b->tag == PARITY_TAG_DATE;

    if (!instant_of(a, &x) || !instant_of(b, &y) || (dates && other_date))
        return;
    if (try_rounding_moments(kind, remote_kind, a, b, out) ||
        (dates != other_date ? day_of(x) == day_of(y) : fewer_decimals(a, b, UNIX_US))) {
        set_reason(out, PARITY_R_PRECISION);
        return;
    }
    if (!same_fine(a, b) || (x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x) > SHIFT_MAX_US)
        return;
    shift = x - y;
    if (shift == 0 || shift % QUARTER_US != 0)
        return;
    set_shift(out, shift);
    if (!dates && !other_date)
        set_zone(out, kind, (kind->options & PARITY_OPT_ZONE ? kind->zone : 0) + out->shift);
}

/* TIME, TIMETZ and INTERVAL. */
static void clocks(const parity_kind *kind, const parity_kind *remote_kind, const parity_frame *a,
                   const parity_frame *b, parity_reason *out)
{
    int64_t shift;

    if (a->tag == PARITY_TAG_INTERVAL && (a->months != b->months || a->days != b->days))
        return;
    if (a->tag == PARITY_TAG_TIMETZ && a->east != b->east) {
        /* the same clock in another zone, from -26:00 to 26:00 */
        shift = (int64_t)b->east - a->east;
        if (a->i != b->i || !same_fine(a, b) || shift * 1000000 % QUARTER_US != 0 || shift * 1000000 > SHIFT_MAX_US ||
            shift * 1000000 < -SHIFT_MAX_US)
            return;
        set_shift(out, shift * 1000000);
        /* its text may lack a zone only under zone= */
        if ((kind->options & PARITY_OPT_ZONE) && kind->zone == a->east)
            set_zone(out, kind, b->east);
        return;
    }
    if (try_rounding_moments(kind, remote_kind, a, b, out) || fewer_decimals(a, b, 0))
        set_reason(out, PARITY_R_PRECISION);
}

/* --------------------------------------------------------------------- texts */

static bool same_bytes(const char *a, size_t na, const char *b, size_t nb)
{
    return na == nb && (na == 0 || memcmp(a, b, na) == 0);
}

static size_t without_blanks(const char *p, size_t n)
{
    while (n > 0 && p[n - 1] == ' ')
        n--;
    return n;
}

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_ascii_folded(const char *a, size_t na, const char *b, size_t nb)
{
    if (na != nb)
        return false;
    for (size_t i = 0; i < na; i++)
        if (ascii_lower(a[i]) != ascii_lower(b[i]))
            return false;
    return true;
}

static void texts(const parity_kind *kind, const parity_frame *a, const parity_frame *b, parity_reason *out)
{
    if (same_bytes(a->p, without_blanks(a->p, a->n), b->p, without_blanks(b->p, b->n))) {
        set_reason(out, PARITY_R_BLANKS);
        if (kind->id == PARITY_TEXT || kind->id == PARITY_CHAR) {
            parity_kind k = *kind;

            k.id = PARITY_CHAR;
            set_kind(out, &k);
        }
    } else if (same_ascii_folded(a->p, a->n, b->p, b->n)) {
        set_reason(out, PARITY_R_CASE);
        if (parity_kind_options((parity_kind_id)kind->id) & PARITY_OPT_FOLD)
            set_option_of(out, kind, PARITY_OPT_FOLD);
    } else if (parity_text_same_form(a->p, a->n, b->p, b->n)) {
        set_reason(out, PARITY_R_UNICODE);
    } else if (parity_text_same_folded(a->p, a->n, b->p, b->n)) {
        set_reason(out, PARITY_R_CASE);
    }
}

/* ----------------------------------------------------------------------- BAD */

/* The frame that f was. */
static parity_status put_frame(parity_buf *b, const parity_frame *f)
{
    parity_value v = {.i = f->i, .r = f->r, .p = f->p, .n = f->n};

    if (f->nfine > 0)
        PARITY_TRY(parity_put_fine(b, f->fine, f->nfine));
    switch (f->tag) {
    case PARITY_TAG_INT:
        return parity_put_int(b, f->i);
    case PARITY_TAG_DEC:
        if (f->dec_class > 1)
            return parity_put_dec_special(b, f->dec_class);
        return parity_put_number(b, f->dec_class == 1, f->p, f->n, f->exponent);
    case PARITY_TAG_F64:
        return parity_put_f64(b, f->r);
    case PARITY_TAG_TEXT:
        return parity_put_text(b, f->p, f->n);
    case PARITY_TAG_BYTES:
        return parity_put_bytes(b, f->p, f->n);
    case PARITY_TAG_STAMP:
        return parity_put_stamp(b, f->i);
    case PARITY_TAG_DATE:
        return parity_put_date(b, (int32_t)f->i);
    case PARITY_TAG_TIME:
        return parity_put_time(b, f->i);
    case PARITY_TAG_TIMETZ:
        return parity_put_timetz(b, f->i, f->east);
    case PARITY_TAG_INTERVAL:
        return parity_put_interval(b, f->months, f->days, f->i);
    case PARITY_TAG_UUID:
        return parity_put_uuid(b, (const unsigned char *)f->p);
    case PARITY_TAG_JSON: {
        size_t start = b->len;

        PARITY_TRY(parity_put_text(b, f->p, f->n));
        b->data[start] = PARITY_TAG_JSON;
        return PARITY_OK;
    }
    case PARITY_TAG_BAD:
        v.cls = (parity_class)f->bad_class;
        return parity_put_bad(b, &v);
    default:
        return parity_put_null(b);
    }
}

/* Whether v is read as other under k. */
static parity_status reads_as(work *w, const parity_kind *k, const parity_value *v, const parity_frame *other,
                              bool *same)
{
    unsigned notes = 0;
    size_t middle;

    w->frames.len = 0;
    PARITY_TRY(parity_put_value(&w->frames, w->scratch, k, v, &notes));
    middle = w->frames.len;
    *same = false;
    if (notes & PARITY_NOTE_BAD)
        return PARITY_OK;
    PARITY_TRY(put_frame(&w->frames, other));
    *same = same_frames(w, middle);
    return PARITY_OK;
}

/* Names the option of k under which the BAD value f is read as other; else those that would read it at all. */
static parity_status bad_option(work *w, const parity_kind *kind, const parity_frame *f, const parity_frame *other,
                                parity_reason *out)
{
    static const struct {
        uint32_t option;
        uint8_t text, unit;
    } tries[] = {
        {PARITY_OPT_NONZERO, 0, 0}, {PARITY_OPT_TEXT, 'h', 0},  {PARITY_OPT_TEXT, 'b', 0},
        {PARITY_OPT_TEXT, 'u', 0},  {PARITY_OPT_BLOB, 0, 0},    {PARITY_OPT_JSONB, 0, 0},
        {PARITY_OPT_EPOCH, 0, 0},   {PARITY_OPT_EPOCH, 0, 3},   {PARITY_OPT_EPOCH, 0, 6},
        {PARITY_OPT_JULIAN, 0, 0},  {PARITY_OPT_ZONE, 0, 0},    {PARITY_OPT_UNIT, 0, 6},
        {PARITY_OPT_UNIT, 0, 3},    {PARITY_OPT_UNIT, 0, 0},
    };
    parity_value v = {.cls = (parity_class)f->bad_class, .i = f->i, .r = f->r, .p = f->p, .n = f->n};
    unsigned notes = 0;

    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        parity_kind k = *kind;
        bool same;

        if (!(parity_kind_options((parity_kind_id)k.id) & tries[i].option))
            continue;
        if (tries[i].option & (PARITY_OPT_BLOB | PARITY_OPT_JSONB))
            k.options &= ~(PARITY_OPT_BLOB | PARITY_OPT_JSONB);
        k.options |= tries[i].option;
        if (tries[i].option == PARITY_OPT_TEXT)
            k.text = tries[i].text;
        if (tries[i].option & (PARITY_OPT_EPOCH | PARITY_OPT_UNIT))
            k.unit = tries[i].unit;
        if (tries[i].option == PARITY_OPT_ZONE) {
            if (k.id != PARITY_TIMETZ || other->tag != PARITY_TAG_TIMETZ || other->east % 60 != 0 ||
                other->east > ZONE_MAX || other->east < -ZONE_MAX)
                continue; /* elsewhere text without a zone is not BAD */
            k.zone = other->east;
        }
        PARITY_TRY(reads_as(w, &k, &v, other, &same));
        if (same) {
            set_option_of(out, &k, tries[i].option);
            return PARITY_OK;
        }
    }
    w->frames.len = 0;
    PARITY_TRY(parity_put_value(&w->frames, w->scratch, kind, &v, &notes));
    if (notes & PARITY_NOTE_OPTION)
        set_option(out, parity_options_for(kind, f->bad_class == PARITY_BLOB));
    return PARITY_OK;
}

/* Names uint64 or dotnet when f, as it would be stored for that, is read as other under it. */
static parity_status other_reading(work *w, const parity_kind *kind, const parity_frame *f, const parity_frame *other,
                                   parity_reason *out)
{
    parity_value v = {.cls = PARITY_INTEGER, .i = f->i};
    uint32_t option = PARITY_OPT_UINT64;
    parity_kind k = *kind;
    bool same;

    if (f->tag == PARITY_TAG_UUID) {
        v.cls = PARITY_BLOB;
        v.p = f->p;
        v.n = 16;
        option = PARITY_OPT_DOTNET;
    } else if (f->tag != PARITY_TAG_INT) {
        return PARITY_OK;
    }
    if ((kind->options & option) || !(parity_kind_options((parity_kind_id)kind->id) & option))
        return PARITY_OK;
    k.options |= option;
    PARITY_TRY(reads_as(w, &k, &v, other, &same));
    if (same)
        set_option_of(out, &k, option);
    return PARITY_OK;
}

static parity_status bad_values(work *w, const parity_kind *kind, const parity_kind *remote_kind,
                                const parity_frame *a, const parity_frame *b, parity_reason *out)
{
    set_reason(out, PARITY_R_BAD);
    if (a->tag == PARITY_TAG_BAD)
        PARITY_TRY(bad_option(w, kind, a, b, out));
    if (b->tag == PARITY_TAG_BAD && out->option[0] == '\0')
        PARITY_TRY(bad_option(w, remote_kind, b, a, out));
    return PARITY_OK;
}

/* ----------------------------------------------------------------------- all */

static parity_status find_reason(work *w, const parity_kind *kind, const parity_kind *remote_kind,
                                 const parity_frame *a, const parity_frame *b, parity_reason *out)
{
    bool same_tag = a->tag == b->tag;

    if (a->tag == PARITY_TAG_BAD || b->tag == PARITY_TAG_BAD)
        return bad_values(w, kind, remote_kind, a, b, out);
    if (is_number(a) && is_number(b))
        PARITY_TRY(numbers(w, kind, remote_kind, a, b, out));
    if (out->id == PARITY_R_VALUE && (is_number(a) || a->tag == PARITY_TAG_UUID)) {
        PARITY_TRY(other_reading(w, kind, a, b, out));
        return out->option[0] != '\0' ? PARITY_OK : other_reading(w, remote_kind, b, a, out);
    }
    if ((a->tag == PARITY_TAG_STAMP || a->tag == PARITY_TAG_DATE) &&
        (b->tag == PARITY_TAG_STAMP || b->tag == PARITY_TAG_DATE))
        instants(kind, remote_kind, a, b, out);
    else if (same_tag && (a->tag == PARITY_TAG_TIME || a->tag == PARITY_TAG_TIMETZ || a->tag == PARITY_TAG_INTERVAL))
        clocks(kind, remote_kind, a, b, out);
    else if (same_tag && a->tag == PARITY_TAG_TEXT)
        texts(kind, a, b, out);
    else if (same_tag && a->tag == PARITY_TAG_JSON && parity_text_same_form(a->p, a->n, b->p, b->n))
        set_reason(out, PARITY_R_UNICODE);
    return PARITY_OK;
}

parity_status parity_reason_of(parity_buf *scratch, const parity_kind *kind, const parity_kind *remote_kind,
                               const parity_frame *local, const parity_frame *remote, parity_reason *out)
{
    work w = {.scratch = scratch};
    parity_status status;

    parity_buf_init(&w.text, scratch->mem);
    parity_buf_init(&w.frames, scratch->mem);
    out->shift = 0;
    out->option[0] = '\0';
    set_reason(out, PARITY_R_VALUE);
    status = find_reason(&w, kind, remote_kind, local, remote, out);
    parity_buf_free(&w.text);
    parity_buf_free(&w.frames);
    return status;
}
