/*
 * interval.c - interval: its frame, and how text and counts of seconds are read
 *
 * Text is added up item by item into months, days, seconds and 10^-12 seconds
 * (a millisecond may have nine decimals), wider than their fields: only what
 * they come to, negated if "ago" says so, must fit.
 */
#include "stamp.h"

#include <string.h>

#define PICO INT64_C(1000000000000) /* in a second */

parity_status parity_put_interval(parity_buf *b, int32_t months, int32_t days, int64_t us)
{
    unsigned char *p;

    PARITY_TRY(parity_buf_reserve(b, 17));
    p = b->data + b->len;
    p[0] = PARITY_TAG_INTERVAL;
    parity_store32(p + 1, (uint32_t)months);
    parity_store32(p + 5, (uint32_t)days);
    parity_store64(p + 9, (uint64_t)us);
    b->len += 17;
    return PARITY_OK;
}

/* Whether these are the fields of PostgreSQL's infinity or -infinity (17 and later). */
static bool is_infinite(int32_t months, int32_t days, int64_t us)
{
    return (months == INT32_MAX && days == INT32_MAX && us == INT64_MAX) ||
           (months == INT32_MIN && days == INT32_MIN && us == INT64_MIN);
}

/* Writes the interval, under FINE where there are digits, rounded if k says so. */
static parity_status put_rounded(parity_buf *b, const parity_kind *k, int32_t months, int32_t days, int64_t us,
                                 const char *fine, size_t nfine, unsigned *notes)
{
    if (parity_may_round(k, nfine) && !is_infinite(months, days, us)) {
        int64_t rounded = us;

        if (parity_round_us(k, fine, nfine, &rounded) && (nfine > 0 || rounded != us)) {
            *notes |= PARITY_NOTE_ROUNDS;
            if (k->options & PARITY_OPT_ROUND) {
                us = rounded;
                nfine = 0;
            }
        }
    }
    if (nfine > 0)
        PARITY_TRY(parity_put_fine(b, fine, nfine));
    return parity_put_interval(b, months, days, us);
}

/* --------------------------------------------------------------- adding up */

#define LOW INT64_C(1000000000)

/* high * 10^9 + low, of either sign: room for more than 100,000 of the largest items. */
typedef struct wide {
    int64_t high, low;
} wide;

typedef struct span {
    wide months, days;
    wide sec;     /* rounded towards -infinity */
    int64_t pico; /* 0 to 10^12 - 1 */
} span;

static bool add(int64_t *sum, int64_t x)
{
    if (x > 0 ? *sum > INT64_MAX - x : *sum < INT64_MIN - x)
        return false;
    *sum += x;
    return true;
}

/* Adds or subtracts x * factor; x is below 10^19. */
static bool add_wide(wide *sum, bool negative, uint64_t x, uint32_t factor)
{
    int64_t high = (int64_t)(x / LOW * factor), low = (int64_t)(x % LOW * factor);

    return add(&sum->high, negative ? -high : high) && add(&sum->low, negative ? -low : low);
}

/* The sum, when it is less than 10^14 either way. */
static bool narrow(const wide *sum, int64_t *out)
{
    int64_t carry = sum->low / LOW, high = sum->high;

    if (!add(&high, carry) || high < -99998 || high > 99998)
        return false;
    *out = high * LOW + sum->low % LOW;
    return true;
}

/* Adds or subtracts x * factor seconds and pico, below 10^12. */
static bool add_seconds(span *s, bool negative, uint64_t x, uint32_t factor, int64_t pico)
{
    int64_t carry = 0;

    s->pico += negative ? -pico : pico;
    if (s->pico >= PICO) {
        s->pico -= PICO;
        carry = 1;
    } else if (s->pico < 0) {
        s->pico += PICO;
        carry = -1;
    }
    return add(&s->sec.low, carry) && add_wide(&s->sec, negative, x, factor);
}

typedef enum unit { MONTHS, DAYS, SECONDS, MS, US } unit;

/* Adds an item: x and billionths of a unit that is factor months, days or seconds, or a ms or µs. */
static bool add_item(span *s, bool negative, uint64_t x, uint32_t billionths, unit u, uint32_t factor)
{
    switch (u) {
    case MONTHS:
        return add_wide(&s->months, negative, x, factor);
    case DAYS:
        return add_wide(&s->days, negative, x, factor);
    case SECONDS:
        return add_seconds(s, negative, x, factor, (int64_t)billionths * 1000);
    case MS:
        return add_seconds(s, negative, x / 1000, 1, (int64_t)(x % 1000) * 1000000000 + billionths);
    default:
        return add_seconds(s, negative, x / 1000000, 1, (int64_t)(x % 1000000) * 1000000);
    }
}

/* An interval as its frame has it. */
typedef struct fields {
    int32_t months, days;
    int64_t us;
    char fine[6];
    size_t nfine;
} fields;

/* Negates what was added up (for "ago") and puts it into its fields; false when it does not fit. */
static bool finish(const span *s, bool ago, fields *out)
{
    const int64_t last = INT64_MAX / 1000000; /* seconds */
    int64_t months, days, sec, pico = s->pico, rest;

    if (!narrow(&s->months, &months) || !narrow(&s->days, &days) || !narrow(&s->sec, &sec))
        return false;
    if (ago) {
        months = -months;
        days = -days;
        sec = pico > 0 ? -sec - 1 : -sec;
        pico = pico > 0 ? PICO - pico : 0;
    }
    if (months > INT32_MAX || months < INT32_MIN || days > INT32_MAX || days < INT32_MIN)
        return false;
    out->months = (int32_t)months;
    out->days = (int32_t)days;
    rest = pico / 1000000;
    if (sec >= 0) {
        if (sec > last || (sec == last && rest > INT64_MAX % 1000000))
            return false;
        out->us = sec * 1000000 + rest;
    } else {
        /* sec + 1 is rounded towards 0, so that its product fits */
        if (sec + 1 < -last || (sec + 1 == -last && 1000000 - rest > INT64_MAX % 1000000 + 1))
            return false;
        out->us = (sec + 1) * 1000000 - (1000000 - rest);
    }
    out->nfine = pico % 1000000 == 0 ? 0 : parity_fine_digits((uint32_t)(pico % 1000000), 6, out->fine);
    return true;
}

/* --------------------------------------------------------------------- text */

static inline const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && *p == ' ')
        p++;
    return p;
}

static bool read_sign(const char **pp, const char *end)
{
    bool negative = *pp < end && **pp == '-';

    if (*pp < end && (**pp == '-' || **pp == '+'))
        (*pp)++;
    return negative;
}

/* Reads one or more digits, at most 19 without the zeros in front. */
static bool read_digits(const char **pp, const char *end, uint64_t *out)
{
    const char *p = *pp;
    uint64_t x = 0;
    unsigned digit;

    while (p < end && (digit = (unsigned)(*p - '0')) <= 9) {
        if (x >= UINT64_C(1000000000000000000))
            return false;
        x = x * 10 + digit;
        p++;
    }
    if (p == *pp)
        return false;
    *pp = p;
    *out = x;
    return true;
}

/* Reads digits and, if there is a point behind them, decimals: *has_point. */
static bool read_number(const char **pp, const char *end, uint64_t *x, uint32_t *billionths, bool *has_point)
{
    *billionths = 0;
    if (!read_digits(pp, end, x))
        return false;
    *has_point = *pp < end && **pp == '.';
    if (!*has_point)
        return true;
    (*pp)++;
    return parity_read_decimals(pp, end, billionths);
}

typedef struct unit_name {
    char name[13];
    uint8_t length;
    uint8_t unit;
    uint16_t factor;
} unit_name;

#define UNIT(name, unit, factor) {name, sizeof name - 1, unit, factor}

/* Those that databases print come first. */
static const unit_name unit_names[] = {
    UNIT("years", MONTHS, 12), UNIT("year", MONTHS, 12), UNIT("mons", MONTHS, 1), UNIT("mon", MONTHS, 1),
    UNIT("days", DAYS, 1), UNIT("day", DAYS, 1), UNIT("hours", SECONDS, 3600), UNIT("hour", SECONDS, 3600),
    UNIT("mins", SECONDS, 60), UNIT("min", SECONDS, 60), UNIT("secs", SECONDS, 1), UNIT("sec", SECONDS, 1),
    UNIT("months", MONTHS, 1), UNIT("month", MONTHS, 1), UNIT("weeks", DAYS, 7), UNIT("week", DAYS, 7),
    UNIT("minutes", SECONDS, 60), UNIT("minute", SECONDS, 60), UNIT("seconds", SECONDS, 1),
    UNIT("second", SECONDS, 1), UNIT("s", SECONDS, 1), UNIT("ms", MS, 1), UNIT("msec", MS, 1),
    UNIT("msecs", MS, 1), UNIT("millisecond", MS, 1), UNIT("milliseconds", MS, 1), UNIT("us", US, 1),
    UNIT("usec", US, 1), UNIT("usecs", US, 1), UNIT("microsecond", US, 1), UNIT("microseconds", US, 1),
    UNIT("m", SECONDS, 60), UNIT("h", SECONDS, 3600), UNIT("hr", SECONDS, 3600), UNIT("hrs", SECONDS, 3600),
    UNIT("d", DAYS, 1), UNIT("w", DAYS, 7), UNIT("y", MONTHS, 12), UNIT("yr", MONTHS, 12),
    UNIT("yrs", MONTHS, 12), UNIT("decade", MONTHS, 120), UNIT("decades", MONTHS, 120),
    UNIT("century", MONTHS, 1200), UNIT("centuries", MONTHS, 1200),
};

/* Reads a run of letters, lower-cased, of at most 12; its length, 0 when there is none or it is longer. */
static size_t read_word(const char **pp, const char *end, char word[12])
{
    size_t n = 0;
    const char *p;

    for (p = *pp; p < end && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')); p++) {
        if (n == 12)
            return 0;
        word[n++] = (char)(*p | 0x20);
    }
    *pp = p;
    return n;
}

static const unit_name *find_unit(const char *word, size_t n)
{
    for (size_t i = 0; i < sizeof unit_names / sizeof unit_names[0]; i++) {
        const unit_name *u = &unit_names[i];

        if (u->name[0] == word[0] && u->length == n && memcmp(u->name, word, n) == 0)
            return u;
    }
    return NULL;
}

/* Reads the rest of H+:MM[:SS[.f]] behind the hours. */
static bool read_clock_item(const char **pp, const char *end, span *s, bool negative, uint64_t hours)
{
    const char *p = *pp;
    unsigned minute, second = 0;
    uint32_t billionths = 0;

    if (end - p < 3 || (minute = parity_two_digits(p + 1)) > 59)
        return false;
    p += 3;
    if (p < end && *p == ':') {
        if (end - p < 3 || (second = parity_two_digits(p + 1)) > 59)
            return false;
        p += 3;
        if (p < end && *p == '.') {
            p++;
            if (!parity_read_decimals(&p, end, &billionths))
                return false;
        }
    }
    *pp = p;
    return add_item(s, negative, hours, 0, SECONDS, 3600) &&
           add_item(s, negative, minute * 60 + second, billionths, SECONDS, 1);
}

/* ["@" blanks] item { blanks item } [ blanks "ago" ] */
static bool read_items(const char *p, const char *end, span *s, bool *ago)
{
    bool had_clock = false, had_item = false;
    char word[12];

    *ago = false;
    if (*p == '@') {
        if (++p == end || *p != ' ')
            return false;
        p = skip_blanks(p, end);
    }
    for (;;) {
        bool negative, has_point;
        uint64_t x;
        uint32_t billionths;

        if (had_item && p < end && (*p | 0x20) == 'a') {
            *ago = true;
            return read_word(&p, end, word) == 3 && memcmp(word, "ago", 3) == 0 && p == end;
        }
        negative = read_sign(&p, end);
        if (had_clock || !read_number(&p, end, &x, &billionths, &has_point))
            return false;
        if (!has_point && p < end && *p == ':') {
            if (!read_clock_item(&p, end, s, negative, x))
                return false;
            had_clock = true;
        } else {
            const unit_name *u;
            size_t n;

            p = skip_blanks(p, end);
            n = read_word(&p, end, word);
            u = n == 0 ? NULL : find_unit(word, n);
            if (u == NULL || (has_point && !(u->unit == MS || (u->unit == SECONDS && u->factor == 1))) ||
                !add_item(s, negative, x, billionths, (unit)u->unit, u->factor))
                return false;
        }
        had_item = true;
        if (p == end)
            return true;
        if (*p != ' ')
            return false;
        p = skip_blanks(p, end);
    }
}

/* The form of ISO 8601; *p is the P. */
static bool read_iso(const char *p, const char *end, span *s)
{
    static const struct {
        char letter;
        uint8_t unit;
        uint16_t factor;
    } letters[7] = {{'y', MONTHS, 12}, {'m', MONTHS, 1}, {'w', DAYS, 7}, {'d', DAYS, 1},
                    {'h', SECONDS, 3600}, {'m', SECONDS, 60}, {'s', SECONDS, 1}};
    int next = 0, last = 4; /* of the letters that may still come in this part */

    for (p++; p < end;) {
        bool negative, has_point;
        uint64_t x;
        uint32_t billionths;
        int i;

        if (last == 4 && (*p | 0x20) == 't') {
            next = 4;
            last = 7;
            if (++p == end)
                return false;
        }
        negative = read_sign(&p, end);
        if (!read_number(&p, end, &x, &billionths, &has_point) || p == end)
            return false;
        for (i = next; i < last && letters[i].letter != (*p | 0x20); i++)
            ;
        if (i == last || (has_point && i != 6) ||
            !add_item(s, negative, x, billionths, (unit)letters[i].unit, letters[i].factor))
            return false;
        next = i + 1;
        p++;
    }
    return next > 0;
}

/* ------------------------------------------------------------------- reader */

static parity_status read_text(parity_buf *b, const parity_kind *k, const parity_value *v, unsigned *notes, bool *bad)
{
    span s = {{0, 0}, {0, 0}, {0, 0}, 0};
    bool ago = false, is_interval;
    fields f;
    int sign;

    if (parity_read_infinity(v->p, v->n, &sign))
        return sign > 0 ? parity_put_interval(b, INT32_MAX, INT32_MAX, INT64_MAX)
                        : parity_put_interval(b, INT32_MIN, INT32_MIN, INT64_MIN);
    if (v->n > 0 && (*v->p | 0x20) == 'p')
        is_interval = read_iso(v->p, v->p + v->n, &s);
    else
        is_interval = v->n > 0 && read_items(v->p, v->p + v->n, &s, &ago);
    if (!is_interval || !finish(&s, ago, &f)) {
        *bad = true;
        return PARITY_OK;
    }
    return put_rounded(b, k, f.months, f.days, f.us, f.fine, f.nfine, notes);
}

static parity_status read_count(parity_buf *b, const parity_kind *k, const parity_value *v, unsigned *notes, bool *bad)
{
    parity_seconds s;
    int64_t days, rest;

    *bad = true;
    if (!parity_seconds_read(v, k->unit, &s))
        return PARITY_OK;
    days = s.sec / PARITY_DAY_SECONDS;
    rest = s.sec % PARITY_DAY_SECONDS;
    if (rest < 0) {
        days--;
        rest += PARITY_DAY_SECONDS;
    }
    if (days < INT32_MIN || days > INT32_MAX)
        return PARITY_OK;
    *bad = false;
    return put_rounded(b, k, 0, (int32_t)days, rest * 1000000 + s.us, s.fine, s.nfine, notes);
}

parity_status parity_read_interval(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                                   unsigned *notes, bool *bad)
{
    (void)scratch;
    *bad = false;
    switch (v->cls) {
    case PARITY_STRING:
        return read_text(b, k, v, notes, bad);
    case PARITY_INTEGER:
    case PARITY_REAL:
        if (k->options & PARITY_OPT_UNIT)
            return read_count(b, k, v, notes, bad);
        *notes |= PARITY_NOTE_OPTION;
        break;
    default:
        if (!(k->options & PARITY_OPT_BLOB))
            *notes |= PARITY_NOTE_OPTION;
        break;
    }
    *bad = true;
    return PARITY_OK;
}
