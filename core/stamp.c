/*
 * stamp.c - timestamptz, timestamp, date, time, timetz: their frames, and how
 * text, counts from an epoch and Julian days are read
 *
 * Everything is counted from 2000-01-01 00:00 UTC.  Moments are kept as whole
 * seconds and billionths until the range has been checked: the last µs that a
 * stamp may hold is only 705 s below what an i64 can.
 */
#include "stamp.h"

#include <string.h>

#define DAY_US INT64_C(86400000000)
#define FIRST_DAY (-2451545)                 /* 4714-11-24 BC */
#define LAST_DAY 2145031948                  /* 5874897-12-31 */
#define FIRST_SECOND INT64_C(-211813488000)  /* 4714-11-24 00:00 BC */
#define END_SECOND INT64_C(9223371331200)    /* 294277-01-01 00:00 */
#define UNIX_SECONDS INT64_C(946684800)      /* from 1970 to 2000 */
#define JULIAN_US INT64_C(211813444800000000) /* from -4713-11-24 12:00 to 2000 */
#define JULIAN_LAST_MS 464269060799999.0     /* 9999-12-31 23:59:59.999 */

/* ------------------------------------------------------------------- frames */

parity_status parity_put_stamp(parity_buf *b, int64_t us2000)
{
    PARITY_TRY(parity_buf_reserve(b, 9));
    b->data[b->len] = PARITY_TAG_STAMP;
    parity_store64(b->data + b->len + 1, (uint64_t)us2000);
    b->len += 9;
    return PARITY_OK;
}

parity_status parity_put_date(parity_buf *b, int32_t days2000)
{
    PARITY_TRY(parity_buf_reserve(b, 5));
    b->data[b->len] = PARITY_TAG_DATE;
    parity_store32(b->data + b->len + 1, (uint32_t)days2000);
    b->len += 5;
    return PARITY_OK;
}

parity_status parity_put_time(parity_buf *b, int64_t us)
{
    PARITY_TRY(parity_buf_reserve(b, 9));
    b->data[b->len] = PARITY_TAG_TIME;
    parity_store64(b->data + b->len + 1, (uint64_t)us);
    b->len += 9;
    return PARITY_OK;
}

parity_status parity_put_timetz(parity_buf *b, int64_t us, int32_t east)
{
    PARITY_TRY(parity_buf_reserve(b, 13));
    b->data[b->len] = PARITY_TAG_TIMETZ;
    parity_store64(b->data + b->len + 1, (uint64_t)us);
    parity_store32(b->data + b->len + 9, (uint32_t)east);
    b->len += 13;
    return PARITY_OK;
}

parity_status parity_put_fine(parity_buf *b, const char *fine, size_t nfine)
{
    PARITY_TRY(parity_buf_reserve(b, 5 + nfine));
    b->data[b->len] = PARITY_TAG_FINE;
    parity_store32(b->data + b->len + 1, (uint32_t)nfine);
    memcpy(b->data + b->len + 5, fine, nfine);
    b->len += 5 + nfine;
    return PARITY_OK;
}

size_t parity_fine_digits(uint32_t value, int width, char *out)
{
    size_t n = (size_t)width;

    for (size_t i = n; i-- > 0; value /= 10)
        out[i] = (char)('0' + value % 10);
    while (n > 0 && out[n - 1] == '0')
        n--;
    return n;
}

bool parity_round_us(const parity_kind *k, const char *fine, size_t nfine, int64_t *us)
{
    static const uint32_t units[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    int64_t v = *us;

    if (nfine > 0 && (fine[0] > '5' || (fine[0] == '5' && (nfine > 1 || (v & 1) != 0)))) {
        if (v == INT64_MAX)
            return false;
        v++;
    }
    if (k->has_scale && k->scale >= 0 && k->scale < 6) {
        uint64_t unit = units[k->scale];
        uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

        size = (size + unit / 2) / unit * unit;
        if (size > INT64_MAX)
            return false;
        v = v < 0 ? -(int64_t)size : (int64_t)size;
    }
    *us = v;
    return true;
}

/* ------------------------------------------------------ numbers as moments */

/* sec and us of a whole number of units. */
static void seconds_of_int(int64_t i, int unit, parity_seconds *out)
{
    int64_t per_second = unit == 0 ? 1 : unit == 3 ? 1000 : 1000000;
    int64_t sec = i / per_second, rest = i % per_second;

    if (rest < 0) {
        sec--;
        rest += per_second;
    }
    out->sec = sec;
    out->us = (int32_t)(rest * (1000000 / per_second));
    out->nfine = 0;
}

/* Turns the seconds -(sec, us, fine) into the form that is rounded towards -infinity. */
static void negate(parity_seconds *s)
{
    bool borrow = s->nfine > 0;

    for (uint32_t i = 0; i < s->nfine; i++)
        s->fine[i] = (char)((i + 1 < s->nfine ? '9' : '9' + 1) - (s->fine[i] - '0'));
    s->us = -s->us - (borrow ? 1 : 0);
    s->sec = -s->sec;
    if (s->us < 0) {
        s->us += 1000000;
        s->sec--;
    }
}

bool parity_seconds_read(const parity_value *v, int unit, parity_seconds *out)
{
    parity_number x;
    int64_t point, at;

    if (v->cls == PARITY_INTEGER) {
        seconds_of_int(v->i, unit, out);
        return true;
    }
    if (!(v->r - v->r == 0.0)) /* infinite, NaN */
        return false;
    parity_number_of_double(v->r, &x);
    point = (int64_t)x.ndigits + x.exponent - unit; /* digits before the point; below 0: zeros behind it */
    if (x.ndigits == 0)
        point = 0;
    if (point > 18)
        return false;
    out->sec = 0;
    for (at = 0; at < point; at++)
        out->sec = out->sec * 10 + (at < (int64_t)x.ndigits ? x.digits[at] - '0' : 0);
    out->us = 0;
    for (at = point; at < point + 6; at++)
        out->us = out->us * 10 + (at >= 0 && at < (int64_t)x.ndigits ? x.digits[at] - '0' : 0);
    out->nfine = 0;
    for (; at < (int64_t)x.ndigits; at++) {
        if (out->nfine == PARITY_FINE_MAX)
            return false;
        out->fine[out->nfine++] = at < 0 ? '0' : x.digits[at];
    }
    while (out->nfine > 0 && out->fine[out->nfine - 1] == '0')
        out->nfine--;
    if (x.negative)
        negate(out);
    return true;
}

/* --------------------------------------------------------- frames, rounded */

/* Writes a STAMP, TIME or TIMETZ (with east) of kind k, under FINE where there are digits, rounded if k says so. */
static parity_status put_us(parity_buf *b, const parity_kind *k, int tag, int64_t us, int32_t east, const char *fine,
                            size_t nfine, unsigned *notes)
{
    if (parity_may_round(k, nfine)) {
        int64_t rounded = us;
        bool kept = parity_round_us(k, fine, nfine, &rounded) &&
                    (tag == PARITY_TAG_STAMP ? rounded < END_SECOND * 1000000 : rounded <= DAY_US);

        if (kept && (nfine > 0 || rounded != us)) {
            *notes |= PARITY_NOTE_ROUNDS;
            if (k->options & PARITY_OPT_ROUND) {
                us = rounded;
                nfine = 0;
            }
        }
    }
    if (nfine > 0)
        PARITY_TRY(parity_put_fine(b, fine, nfine));
    if (tag == PARITY_TAG_STAMP)
        return parity_put_stamp(b, us);
    return tag == PARITY_TAG_TIME ? parity_put_time(b, us) : parity_put_timetz(b, us, east);
}

/* Writes a value of kind date that has a time of day: a STAMP, or with `round` its day. */
static parity_status put_date_stamp(parity_buf *b, const parity_kind *k, int64_t us, int64_t day, const char *fine,
                                    size_t nfine, unsigned *notes)
{
    if (day >= FIRST_DAY) { /* else its own clock is before the first date: it stays as it is */
        *notes |= PARITY_NOTE_ROUNDS;
        if (k->options & PARITY_OPT_ROUND)
            return parity_put_date(b, (int32_t)day);
    }
    if (nfine > 0)
        PARITY_TRY(parity_put_fine(b, fine, nfine));
    return parity_put_stamp(b, us);
}

/* --------------------------------------------------------------------- text */

/* A time of day as its own clock shows it. */
typedef struct clock {
    int32_t sec;         /* 0 to 86,400 */
    uint32_t billionths; /* 0 when sec is 86,400 */
} clock;

/* Reads HH:MM[:SS[.f]] at *pp and moves it behind. */
static inline bool read_clock(const char **pp, const char *end, clock *out)
{
    const char *p = *pp;
    unsigned hour, minute, second = 0;

    if (end - p < 5 || p[2] != ':')
        return false;
    hour = parity_two_digits(p);
    minute = parity_two_digits(p + 3);
    if (hour > 24 || minute > 59)
        return false;
    p += 5;
    out->billionths = 0;
    if (p < end && *p == ':') {
        if (end - p < 3 || (second = parity_two_digits(p + 1)) > 59)
            return false;
        p += 3;
        if (p < end && *p == '.') {
            p++;
            if (!parity_read_decimals(&p, end, &out->billionths))
                return false;
        }
    }
    if (hour == 24 && (minute | second | out->billionths) != 0)
        return false;
    out->sec = (int32_t)(hour * 3600 + minute * 60 + second);
    *pp = p;
    return true;
}

/* Reads a zone at *pp, which is before end, and moves it behind; *east in seconds. */
static inline bool read_zone(const char **pp, const char *end, int32_t *east)
{
    const char *p = *pp;
    bool west = *p == '-';
    unsigned hour, minute = 0, second = 0;

    if (end - p == 6 && memcmp(p, "+00:00", 6) == 0) { /* nearly always */
        *pp = end;
        *east = 0;
        return true;
    }
    if (*p == 'Z' || *p == 'z') {
        *pp = p + 1;
        *east = 0;
        return true;
    }
    if ((*p != '+' && *p != '-') || end - p < 3 || (hour = parity_two_digits(p + 1)) > 15)
        return false;
    p += 3;
    if (p < end && (*p == ':' || (*p >= '0' && *p <= '9'))) {
        p += *p == ':';
        if (end - p < 2 || (minute = parity_two_digits(p)) > 59)
            return false;
        p += 2;
        if (p < end && *p == ':') {
            if (end - p < 3 || (second = parity_two_digits(p + 1)) > 59)
                return false;
            p += 3;
        }
    }
    *east = (int32_t)(hour * 3600 + minute * 60 + second);
    if (west)
        *east = -*east;
    *pp = p;
    return true;
}

/* A date as written. */
typedef struct date {
    uint32_t year;
    unsigned month, day; /* more than 99 when they were no digits */
    bool bc;
} date;

/*
 * Eight characters at once.  PATTERN(mask, text) has '0' where mask has FF and
 * the separator in text elsewhere: xor-ed with it, digits become their values
 * and separators 0.  not_in_pattern then looks for a byte above 9, or for a
 * separator above 0, by adding what lifts it to the highest bit; no sum passes
 * 255 but where that bit was set before, so that a carry changes nothing.
 */
static inline uint64_t not_in_pattern(uint64_t t, uint64_t digits)
{
    return (t | (t + ((digits & PARITY_BYTES8(0x76)) | (~digits & PARITY_BYTES8(0x7F))))) & PARITY_BYTES8(0x80);
}

/* In each byte the number that it makes as tens with the next one as ones: at most 99. */
static inline uint64_t pairs_of(uint64_t digits)
{
    return digits * 10 + (digits >> 8);
}

static inline unsigned byte_of(uint64_t v, int i)
{
    return (unsigned)(v >> (8 * i) & 0xFF);
}

/* The usual start of a stamp, YYYY-MM-DD HH:MM:SS (or with T), 19 characters.  False: it must be read step by step. */
static inline bool read_head(const char *p, date *on, clock *at)
{
    /* "YYYY-MM-", "DD HH:MM" and "HH:MM:SS", the lowest byte first */
    const uint64_t date_digits = UINT64_C(0x00FFFF00FFFFFFFF), day_digits = UINT64_C(0xFFFF00FFFF00FFFF),
                   time_digits = day_digits;
    uint64_t date = parity_load64(p) ^ UINT64_C(0x2D30302D30303030),
             middle = parity_load64(p + 8) ^ UINT64_C(0x30303A3030203030),
             time = parity_load64(p + 11) ^ UINT64_C(0x30303A30303A3030);
    unsigned hour, minute, second;

    if (p[10] == 'T')
        middle ^= (uint64_t)(' ' ^ 'T') << 16;
    if ((not_in_pattern(date, date_digits) | not_in_pattern(middle, day_digits) | not_in_pattern(time, time_digits)) != 0)
        return false;
    date = pairs_of(date);
    time = pairs_of(time);
    hour = byte_of(time, 0);
    minute = byte_of(time, 3);
    second = byte_of(time, 6);
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    on->year = byte_of(date, 0) * 100 + byte_of(date, 2);
    on->month = byte_of(date, 5);
    on->day = byte_of(pairs_of(middle), 0);
    at->sec = (int32_t)(hour * 3600 + minute * 60 + second);
    at->billionths = 0;
    return true;
}

/* Reads .f at *pp, which is 19 characters or more behind the start of the text, and moves it behind. */
static inline bool read_fraction(const char **pp, const char *end, uint32_t *billionths)
{
    const char *p = *pp + 1;

    /* just six digits, the usual case: "S.ffffff" */
    if (end - p >= 6 && (end - p == 6 || (unsigned)(p[6] - '0') > 9)) {
        uint64_t six = parity_load64(p - 2) >> 16 ^ (PARITY_BYTES8(0x30) >> 16);

        if (not_in_pattern(six, ~UINT64_C(0)) == 0) {
            six = pairs_of(six);
            *billionths = (byte_of(six, 0) * 10000 + byte_of(six, 2) * 100 + byte_of(six, 4)) * 1000;
            *pp = p + 6;
            return true;
        }
    }
    *pp = p;
    return parity_read_decimals(pp, end, billionths);
}

/* Text that is a stamp or a date. */
typedef struct stamp {
    int infinite; /* 1, -1: nothing else is set */
    bool has_zone;
    int32_t east;
    int64_t day; /* of its own clock, from 2000-01-01 */
    clock at;
} stamp;

bool parity_read_infinity(const char *p, size_t n, int *sign)
{
    static const char word[] = "infinity";

    *sign = 1;
    if (n == 9 && (*p == '+' || *p == '-')) {
        *sign = *p == '-' ? -1 : 1;
        p++;
        n--;
    }
    if (n != 8)
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((p[i] | 0x20) != word[i])
            return false;
    }
    return true;
}

/* Days from 2000-01-01 to a date of the proleptic Gregorian calendar; year 0 is 1 BC, |year| < 10,000,000. */
static inline int64_t days_of_date(int32_t year, unsigned month, unsigned day)
{
    /* Years begin in March and are counted from 25,000 cycles of 400 years before 1 BC. */
    uint32_t y = (uint32_t)(year + 10000000) - (month <= 2);
    uint32_t m = month > 2 ? month - 3 : month + 9;
    uint32_t century = y / 100;

    return (int64_t)y * 365 + y / 4 - century + century / 4 + (153 * m + 2) / 5 + day - INT64_C(3653155426);
}

static inline bool is_date(int32_t year, unsigned month, unsigned day)
{
    static const unsigned char days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month - 1 > 11 || day - 1 > 30)
        return false;
    if (day <= days[month])
        return true;
    return month == 2 && day == 29 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline bool is_bc(const char *p, const char *end)
{
    return end - p == 3 && p[0] == ' ' && p[1] == 'B' && p[2] == 'C';
}

/* What may stand behind the clock: a zone, BC. */
static inline bool read_tail(const char *p, const char *end, stamp *out, bool *bc)
{
    if (p == end || (*bc = is_bc(p, end)))
        return true;
    while (p < end && *p == ' ')
        p++;
    if (p == end || !read_zone(&p, end, &out->east))
        return false;
    out->has_zone = true;
    return p == end || (*bc = is_bc(p, end));
}

/* All forms of a date and what may follow it; at least 10 characters. */
static bool read_any(const char *p, const char *end, date *on, stamp *out)
{
    if (p[4] == '-') {
        unsigned high = parity_two_digits(p), low = parity_two_digits(p + 2);

        if (high > 99 || low > 99)
            return false;
        on->year = high * 100 + low;
        p += 4;
    } else {
        int digits = 0;
        unsigned digit;

        for (on->year = 0; digits < 7 && (digit = (unsigned)(*p - '0')) <= 9; p++, digits++)
            on->year = on->year * 10 + digit;
        if (digits < 5)
            return false;
    }
    if (end - p < 6 || p[0] != '-' || p[3] != '-')
        return false;
    on->month = parity_two_digits(p + 1);
    on->day = parity_two_digits(p + 4);
    p += 6;
    if (p == end || (on->bc = is_bc(p, end)))
        return true;
    if (*p == ' ') {
        while (p < end && *p == ' ')
            p++;
    } else if (*p == 'T' || *p == 't') {
        p++;
    } else {
        return false;
    }
    return read_clock(&p, end, &out->at) && read_tail(p, end, out, &on->bc);
}

static inline bool read_stamp(const char *p, size_t n, stamp *out)
{
    const char *end;
    date on;
    int32_t year;

    out->infinite = 0;
    out->day = 0;
    out->has_zone = false;
    out->east = 0;
    out->at.sec = 0;
    out->at.billionths = 0;
    if (n < 10)
        return n > 0 && parity_read_infinity(p, n, &out->infinite);
    end = p + n;
    on.bc = false;
    if (n >= 19 && read_head(p, &on, &out->at)) {
        p += 19;
        if (p < end && *p == '.' && !read_fraction(&p, end, &out->at.billionths))
            return false;
        if (!read_tail(p, end, out, &on.bc))
            return false;
    } else if (!read_any(p, end, &on, out)) {
        return false;
    }
    year = on.bc ? 1 - (int32_t)on.year : (int32_t)on.year;
    if (on.year == 0 || !is_date(year, on.month, on.day))
        return false;
    out->day = days_of_date(year, on.month, on.day);
    return true;
}

/* timestamptz, timestamp, date */
static inline parity_status read_stamp_text(parity_buf *b, const parity_kind *k, const parity_value *v, unsigned *notes,
                                            bool *bad)
{
    bool is_date_kind = k->id == PARITY_DATE;
    stamp s;
    int64_t sec, us;
    uint32_t rest;
    char fine[3];
    size_t nfine = 0;

    if (!read_stamp(v->p, v->n, &s)) {
        *bad = true;
        return PARITY_OK;
    }
    if (s.infinite != 0) {
        if (is_date_kind)
            return parity_put_date(b, s.infinite > 0 ? INT32_MAX : INT32_MIN);
        return parity_put_stamp(b, s.infinite > 0 ? INT64_MAX : INT64_MIN);
    }
    if (is_date_kind && s.at.sec % PARITY_DAY_SECONDS == 0 && s.at.billionths == 0) {
        int64_t day = s.day + s.at.sec / PARITY_DAY_SECONDS;

        if (day >= FIRST_DAY && day <= LAST_DAY)
            return parity_put_date(b, (int32_t)day);
        *bad = true;
        return PARITY_OK;
    }
    if (!s.has_zone && !is_date_kind) {
        if (k->options & PARITY_OPT_ZONE)
            s.east = k->zone;
    }
    sec = s.day * PARITY_DAY_SECONDS + s.at.sec - s.east;
    if (sec < FIRST_SECOND || sec >= END_SECOND) {
        *bad = true;
        return PARITY_OK;
    }
    if (k->id == PARITY_TIMESTAMPTZ && !s.has_zone && !(k->options & PARITY_OPT_ZONE))
        *notes |= PARITY_NOTE_ZONELESS;
    us = sec * 1000000 + s.at.billionths / 1000;
    rest = s.at.billionths % 1000;
    if (rest != 0)
        nfine = parity_fine_digits(rest, 3, fine);
    if (is_date_kind)
        return put_date_stamp(b, k, us, s.day, fine, nfine, notes);
    return put_us(b, k, PARITY_TAG_STAMP, us, 0, fine, nfine, notes);
}

/* time, timetz */
static parity_status read_clock_text(parity_buf *b, const parity_kind *k, const parity_value *v, unsigned *notes,
                                     bool *bad)
{
    static const char prefix[] = "2000-01-01";
    const char *p = v->p, *end;
    clock at;
    int32_t east = 0;
    uint32_t rest;
    char fine[3];
    size_t nfine = 0;

    *bad = true;
    if (v->n == 0)
        return PARITY_OK;
    end = p + v->n;
    if (k->id == PARITY_TIME && end - p > 10 && memcmp(p, prefix, 10) == 0 && (p[10] == 'T' || p[10] == 't' || p[10] == ' ')) {
        p += 11;
        while (p[-1] == ' ' && p < end && *p == ' ')
            p++;
    }
    if (!read_clock(&p, end, &at))
        return PARITY_OK;
    if (k->id == PARITY_TIMETZ) {
        if (p == end) {
            if (!(k->options & PARITY_OPT_ZONE)) {
                *notes |= PARITY_NOTE_OPTION;
                return PARITY_OK;
            }
            east = k->zone;
        } else {
            while (p < end && *p == ' ')
                p++;
            if (p == end || !read_zone(&p, end, &east))
                return PARITY_OK;
        }
    }
    if (p != end)
        return PARITY_OK;
    *bad = false;
    rest = at.billionths % 1000;
    if (rest != 0)
        nfine = parity_fine_digits(rest, 3, fine);
    return put_us(b, k, k->id == PARITY_TIME ? PARITY_TAG_TIME : PARITY_TAG_TIMETZ,
                  (int64_t)at.sec * 1000000 + at.billionths / 1000, east, fine, nfine, notes);
}

/* ------------------------------------------------------------------ numbers */

/* A moment in UTC under timestamptz, timestamp or date; the caller has checked that a STAMP can hold us. */
static parity_status put_instant(parity_buf *b, const parity_kind *k, int64_t us, const char *fine, size_t nfine,
                                 unsigned *notes)
{
    if (k->id == PARITY_DATE) {
        int64_t day = us / DAY_US - (us % DAY_US < 0);

        if (us == day * DAY_US && nfine == 0)
            return parity_put_date(b, (int32_t)day);
        return put_date_stamp(b, k, us, day, fine, nfine, notes);
    }
    return put_us(b, k, PARITY_TAG_STAMP, us, 0, fine, nfine, notes);
}

static parity_status read_julian(parity_buf *b, const parity_kind *k, double day, unsigned *notes, bool *bad)
{
    volatile double ms = day * 86400000.0; /* volatile: no fused multiply-add, which rounds once */

    ms = ms + 0.5;
    /* Below JULIAN_LAST_MS + 1 the conversion cuts towards 0, which is floor from 0 on. */
    if (!(ms >= 0.0 && ms < JULIAN_LAST_MS + 1.0)) {
        *bad = true;
        return PARITY_OK;
    }
    return put_instant(b, k, (int64_t)ms * 1000 - JULIAN_US, NULL, 0, notes);
}

/* INTEGER and REAL that count from 1970, for `time` from midnight. */
static parity_status read_epoch(parity_buf *b, const parity_kind *k, const parity_value *v, unsigned *notes, bool *bad)
{
    parity_seconds s;
    int64_t sec;

    *bad = true;
    if (!parity_seconds_read(v, k->unit, &s))
        return PARITY_OK;
    if (k->id == PARITY_TIME) {
        if (s.sec < 0 || s.sec > PARITY_DAY_SECONDS || (s.sec == PARITY_DAY_SECONDS && (s.us != 0 || s.nfine != 0)))
            return PARITY_OK;
        *bad = false;
        return put_us(b, k, PARITY_TAG_TIME, s.sec * 1000000 + s.us, 0, s.fine, s.nfine, notes);
    }
    if (s.sec < FIRST_SECOND + UNIX_SECONDS || s.sec > (LAST_DAY + INT64_C(1)) * PARITY_DAY_SECONDS + UNIX_SECONDS)
        return PARITY_OK;
    sec = s.sec - UNIX_SECONDS;
    if (sec >= END_SECOND) { /* only a date reaches further */
        int64_t day = sec / PARITY_DAY_SECONDS;

        if (k->id != PARITY_DATE || sec % PARITY_DAY_SECONDS != 0 || s.us != 0 || s.nfine != 0 || day > LAST_DAY)
            return PARITY_OK;
        *bad = false;
        return parity_put_date(b, (int32_t)day);
    }
    *bad = false;
    return put_instant(b, k, sec * 1000000 + s.us, s.fine, s.nfine, notes);
}

/* ------------------------------------------------------------------- reader */

parity_status parity_read_time(parity_buf *b, parity_buf *scratch, const parity_kind *k, const parity_value *v,
                               unsigned *notes, bool *bad)
{
    (void)scratch;
    *bad = false;
    switch (v->cls) {
    case PARITY_STRING:
        if (k->id == PARITY_TIME || k->id == PARITY_TIMETZ)
            return read_clock_text(b, k, v, notes, bad);
        return read_stamp_text(b, k, v, notes, bad);
    case PARITY_INTEGER:
    case PARITY_REAL:
        if ((k->options & PARITY_OPT_JULIAN) && (v->cls == PARITY_REAL || !(k->options & PARITY_OPT_EPOCH)))
            return read_julian(b, k, v->cls == PARITY_REAL ? v->r : (double)v->i, notes, bad);
        if (k->options & PARITY_OPT_EPOCH)
            return read_epoch(b, k, v, notes, bad);
        if (k->id != PARITY_TIMETZ)
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
