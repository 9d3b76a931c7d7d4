/*
 * kind.c - the names of kinds and options: reading and writing them
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* which numbers a kind may carry in parentheses */
enum { NO_NUMBERS, PRECISION_SCALE, SECONDS_PRECISION };

static const struct {
    const char *name;
    int numbers;
} kinds[PARITY_NKINDS] = {
    [PARITY_BOOL] = {"bool", NO_NUMBERS},
    [PARITY_INT] = {"int", NO_NUMBERS},
    [PARITY_DECIMAL] = {"decimal", PRECISION_SCALE},
    [PARITY_FLOAT8] = {"float8", NO_NUMBERS},
    [PARITY_FLOAT4] = {"float4", NO_NUMBERS},
    [PARITY_TEXT] = {"text", NO_NUMBERS},
    [PARITY_CHAR] = {"char", NO_NUMBERS},
    [PARITY_BYTES] = {"bytes", NO_NUMBERS},
    [PARITY_TIMESTAMPTZ] = {"timestamptz", SECONDS_PRECISION},
    [PARITY_TIMESTAMP] = {"timestamp", SECONDS_PRECISION},
    [PARITY_DATE] = {"date", NO_NUMBERS},
    [PARITY_TIME] = {"time", SECONDS_PRECISION},
    [PARITY_TIMETZ] = {"timetz", SECONDS_PRECISION},
    [PARITY_INTERVAL] = {"interval", SECONDS_PRECISION},
    [PARITY_UUID] = {"uuid", NO_NUMBERS},
    [PARITY_JSON] = {"json", NO_NUMBERS},
    [PARITY_VECTOR] = {"vector", NO_NUMBERS},
};

#define BIT(kind) (1u << (kind))
#define STAMPS (BIT(PARITY_TIMESTAMPTZ) | BIT(PARITY_TIMESTAMP))
#define NO_BLOB (BIT(PARITY_BYTES) | BIT(PARITY_UUID) | BIT(PARITY_VECTOR))

/* every spelling of every option, in the order in which they are printed; number goes to the kind's field */
static const struct {
    const char *spelling;
    uint32_t option;
    uint8_t number;
    uint32_t kinds;
} options[] = {
    {"nonzero", PARITY_OPT_NONZERO, 0, BIT(PARITY_BOOL)},
    {"uint64", PARITY_OPT_UINT64, 0, BIT(PARITY_INT)},
    {"digits=15", PARITY_OPT_DIGITS15, 0, BIT(PARITY_DECIMAL)},
    {"fold=ascii", PARITY_OPT_FOLD, 0, BIT(PARITY_TEXT) | BIT(PARITY_CHAR)},
    {"text=utf8", PARITY_OPT_TEXT, 'u', BIT(PARITY_BYTES)},
    {"text=hex", PARITY_OPT_TEXT, 'h', BIT(PARITY_BYTES)},
    {"text=base64", PARITY_OPT_TEXT, 'b', BIT(PARITY_BYTES)},
    {"blob=utf8", PARITY_OPT_BLOB, 0, ~NO_BLOB},
    {"blob=jsonb", PARITY_OPT_JSONB, 0, BIT(PARITY_JSON)},
    {"epoch=s", PARITY_OPT_EPOCH, 0, STAMPS | BIT(PARITY_DATE) | BIT(PARITY_TIME)},
    {"epoch=ms", PARITY_OPT_EPOCH, 3, STAMPS | BIT(PARITY_DATE) | BIT(PARITY_TIME)},
    {"epoch=us", PARITY_OPT_EPOCH, 6, STAMPS | BIT(PARITY_DATE) | BIT(PARITY_TIME)},
    {"julian", PARITY_OPT_JULIAN, 0, STAMPS | BIT(PARITY_DATE)},
    {"zone=", PARITY_OPT_ZONE, 0, STAMPS | BIT(PARITY_TIMETZ)},
    {"unit=us", PARITY_OPT_UNIT, 6, BIT(PARITY_INTERVAL)},
    {"unit=ms", PARITY_OPT_UNIT, 3, BIT(PARITY_INTERVAL)},
    {"unit=s", PARITY_OPT_UNIT, 0, BIT(PARITY_INTERVAL)},
    {"dotnet", PARITY_OPT_DOTNET, 0, BIT(PARITY_UUID)},
    {"round", PARITY_OPT_ROUND, 0,
     BIT(PARITY_INT) | BIT(PARITY_DECIMAL) | BIT(PARITY_FLOAT8) | BIT(PARITY_FLOAT4) | STAMPS | BIT(PARITY_DATE) |
         BIT(PARITY_TIME) | BIT(PARITY_TIMETZ) | BIT(PARITY_INTERVAL)},
};

#define NOPTIONS (sizeof options / sizeof options[0])

const char *parity_kind_name(parity_kind_id id)
{
    return kinds[id].name;
}

const char *parity_options_for(const parity_kind *k, bool blob)
{
    if (blob)
        return k->id == PARITY_JSON ? "blob=utf8 or blob=jsonb" : "blob=utf8";
    switch (k->id) {
    case PARITY_BOOL:
        return "nonzero";
    case PARITY_BYTES:
        return "text=utf8, text=hex or text=base64";
    case PARITY_TIMESTAMPTZ:
    case PARITY_TIMESTAMP:
    case PARITY_DATE:
        return "epoch=s, epoch=ms, epoch=us or julian";
    case PARITY_TIME:
        return "epoch=s, epoch=ms or epoch=us";
    case PARITY_TIMETZ:
        return "zone=+HH:MM";
    case PARITY_INTERVAL:
        return "unit=us, unit=ms or unit=s";
    default:
        return "blob=utf8";
    }
}

uint32_t parity_kind_options(parity_kind_id id)
{
    uint32_t all = 0;

    for (size_t i = 0; i < NOPTIONS; i++)
        if (options[i].kinds & BIT(id))
            all |= options[i].option;
    return all;
}

/* Reads a number of at most four digits as it is printed (-2, not +2, -0 or 02) and moves *at behind it. */
static bool read_number(const char *text, size_t n, size_t *at, int32_t *out)
{
    size_t start;
    bool negative = *at < n && text[*at] == '-';
    int32_t value = 0;

    if (negative)
        ++*at;
    for (start = *at; *at < n && text[*at] >= '0' && text[*at] <= '9' && *at - start < 5; ++*at)
        value = value * 10 + (text[*at] - '0');
    *out = negative ? -value : value;
    if (*at > start && text[start] == '0' && (negative || *at - start > 1))
        return false;
    return *at > start && *at - start < 5;
}

/* Lists the kinds, or a kind's options, for a hint. */
static void list_kinds(char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "Kinds: ");

    for (int i = 0; i < PARITY_NKINDS && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%s", i ? ", " : "", kinds[i].name);
}

static void list_options(char *out, size_t size, int id)
{
    size_t len = (size_t)snprintf(out, size, "Options of %s: ", kinds[id].name);
    bool any = false;

    for (size_t i = 0; i < NOPTIONS && len < size; i++)
        if (options[i].kinds & BIT(id)) {
            len += (size_t)snprintf(out + len, size - len, "%s%s%s", any ? ", " : "", options[i].spelling,
                                    options[i].option == PARITY_OPT_ZONE ? "+HH:MM" : "");
            any = true;
        }
    if (!any)
        snprintf(out, size, "%s has no options.", kinds[id].name);
}

/* `±HH:MM` */
static bool read_zone(const char *p, size_t n, int32_t *seconds)
{
    int32_t hours, minutes;

    if (n != 6 || (p[0] != '+' && p[0] != '-') || p[3] != ':')
        return false;
    for (int i = 1; i < 6; i++)
        if (i != 3 && (p[i] < '0' || p[i] > '9'))
            return false;
    hours = (p[1] - '0') * 10 + p[2] - '0';
    minutes = (p[4] - '0') * 10 + p[5] - '0';
    if (hours > 15 || minutes > 59)
        return false;
    *seconds = (hours * 3600 + minutes * 60) * (p[0] == '-' ? -1 : 1);
    return true;
}

/* Reads one option word into out. */
static parity_status read_option(const char *word, size_t n, parity_kind *out, parity_error *err)
{
    char hint[400];

    for (size_t i = 0; i < NOPTIONS; i++) {
        size_t len = strlen(options[i].spelling);
        bool zone = options[i].option == PARITY_OPT_ZONE;

        if (!(options[i].kinds & BIT(out->id)) || (zone ? n < len : n != len) ||
            memcmp(word, options[i].spelling, len) != 0)
            continue;
        if (out->options & options[i].option)
            return parity_fail(err, PARITY_INVALID, NULL, NULL, "option \"%.*s\" given twice", (int)n, word);
        if (zone && !read_zone(word + len, n - len, &out->zone))
            return parity_fail(err, PARITY_INVALID, NULL, "A zone is written +HH:MM or -HH:MM.",
                               "invalid zone \"%.*s\"", n > 80 ? 80 : (int)n, word);
        out->options |= options[i].option;
        if (options[i].option == PARITY_OPT_TEXT)
            out->text = options[i].number;
        if (options[i].option == PARITY_OPT_EPOCH || options[i].option == PARITY_OPT_UNIT)
            out->unit = options[i].number;
        return PARITY_OK;
    }
    list_options(hint, sizeof hint, out->id);
    return parity_fail(err, PARITY_INVALID, NULL, hint, "unknown option \"%.*s\" for kind %s", n > 80 ? 80 : (int)n,
                       word, kinds[out->id].name);
}

parity_status parity_kind_parse(const char *text, size_t n, parity_kind *out, parity_error *err)
{
    size_t at = 0, start;
    int id = -1, shown = n > 100 ? 100 : (int)n;
    char hint[400];

    memset(out, 0, sizeof *out);
    while (at < n && text[at] != '(' && text[at] != ' ')
        at++;
    for (int i = 0; i < PARITY_NKINDS; i++)
        if (strlen(kinds[i].name) == at && memcmp(text, kinds[i].name, at) == 0)
            id = i;
    if (id < 0) {
        list_kinds(hint, sizeof hint);
        return parity_fail(err, PARITY_INVALID, NULL, hint, "unknown kind \"%.*s\"", shown, text);
    }
    out->id = (uint8_t)id;
    if (at < n && text[at] == '(') {
        int32_t first, second = 0;
        bool two = false, ok;

        at++;
        ok = read_number(text, n, &at, &first);
        if (ok && at < n && text[at] == ',') {
            at++;
            two = true;
            ok = read_number(text, n, &at, &second);
        }
        ok = ok && at < n && text[at] == ')';
        at++;
        if (kinds[id].numbers == PRECISION_SCALE)
            ok = ok && two && first >= 1 && first <= 1000 && second >= -1000 && second <= 1000;
        else
            ok = ok && kinds[id].numbers == SECONDS_PRECISION && !two && first >= 0 && first <= 6;
        if (!ok)
            return parity_fail(err, PARITY_INVALID, NULL,
                               kinds[id].numbers == PRECISION_SCALE
                                   ? "Write decimal(precision,scale): 1 to 1000, -1000 to 1000."
                               : kinds[id].numbers == SECONDS_PRECISION
                                   ? "The precision is the number of decimals of the second, 0 to 6."
                                   : "This kind takes no numbers.",
                               "invalid kind \"%.*s\"", shown, text);
        out->has_scale = true;
        out->precision = kinds[id].numbers == PRECISION_SCALE ? first : 0;
        out->scale = kinds[id].numbers == PRECISION_SCALE ? second : first;
    }
    while (at < n) {
        if (text[at] != ' ' || at + 1 >= n || text[at + 1] == ' ')
            return parity_fail(err, PARITY_INVALID, NULL, "Write the options behind the kind, a blank before each.",
                               "invalid kind \"%.*s\"", shown, text);
        start = ++at;
        while (at < n && text[at] != ' ')
            at++;
        PARITY_TRY(read_option(text + start, at - start, out, err));
    }
    if ((out->options & PARITY_OPT_BLOB) && (out->options & PARITY_OPT_JSONB))
        return parity_fail(err, PARITY_INVALID, NULL, NULL, "options blob=utf8 and blob=jsonb exclude each other");
    if (out->id == PARITY_DECIMAL && (out->options & PARITY_OPT_ROUND) && !out->has_scale)
        return parity_fail(err, PARITY_INVALID, NULL, "Write decimal(precision,scale) round.",
                           "option \"round\" of decimal needs a scale");
    return PARITY_OK;
}

size_t parity_kind_print(const parity_kind *k, char out[PARITY_KIND_TEXT_MAX])
{
    const size_t size = PARITY_KIND_TEXT_MAX;
    size_t len = (size_t)snprintf(out, size, "%s", kinds[k->id].name);

    if (k->has_scale && kinds[k->id].numbers == PRECISION_SCALE)
        len += (size_t)snprintf(out + len, size - len, "(%d,%d)", (int)k->precision, (int)k->scale);
    else if (k->has_scale)
        len += (size_t)snprintf(out + len, size - len, "(%d)", (int)k->scale);
    for (size_t i = 0; i < NOPTIONS; i++) {
        if (!(k->options & options[i].option & (options[i].kinds & BIT(k->id) ? ~0u : 0)))
            continue;
        if ((options[i].option == PARITY_OPT_TEXT && options[i].number != k->text) ||
            ((options[i].option & (PARITY_OPT_EPOCH | PARITY_OPT_UNIT)) && options[i].number != k->unit))
            continue;
        len += (size_t)snprintf(out + len, size - len, " %s", options[i].spelling);
        if (options[i].option == PARITY_OPT_ZONE) {
            int32_t east = k->zone < 0 ? -k->zone : k->zone;

            len += (size_t)snprintf(out + len, size - len, "%c%02d:%02d", k->zone < 0 ? '-' : '+', (int)(east / 3600),
                                    (int)(east / 60 % 60));
        }
    }
    return len;
}

bool parity_kind_equal(const parity_kind *a, const parity_kind *b)
{
    char x[PARITY_KIND_TEXT_MAX], y[PARITY_KIND_TEXT_MAX];

    parity_kind_print(a, x);
    parity_kind_print(b, y);
    return strcmp(x, y) == 0;
}

parity_kind parity_kind_of_declared(const char *declared, size_t n)
{
    parity_kind k;
    char type[128];
    size_t len = 0;
    int depth = 0;

    memset(&k, 0, sizeof k);
    k.id = PARITY_TEXT;
    /* upper-case, without parentheses and what is in them, blanks single and none at the ends; the start of it */
    for (size_t i = 0; i < n && len < sizeof type - 1; i++) {
        char c = declared[i];

        if (c == '(')
            depth++;
        else if (c == ')')
            depth -= depth > 0;
        else if (depth > 0)
            continue;
        else if (c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r') {
            if (len > 0 && type[len - 1] != ' ')
                type[len++] = ' ';
        } else
            type[len++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    while (len > 0 && type[len - 1] == ' ')
        len--;
    type[len] = '\0';

#define IS(word) (strcmp(type, word) == 0)
#define HAS(word) (strstr(type, word) != NULL)
    if (len == 0 || IS("ANY") || IS("ENUM") || IS("SET")) /* MySQL's ENUM has a NUM in it */
        k.id = PARITY_TEXT;
    else if (strncmp(type, "INTERVAL", 8) == 0)
        k.id = PARITY_INTERVAL;
    else if (HAS("INT") && (HAS("CHAR") || HAS("TEXT") || HAS("CLOB")))
        k.id = PARITY_TEXT;
    else if (HAS("BOOL"))
        k.id = PARITY_BOOL;
    else if (IS("UUID") || IS("GUID") || IS("UNIQUEIDENTIFIER"))
        k.id = PARITY_UUID;
    else if (HAS("JSON"))
        k.id = PARITY_JSON;
    else if (IS("TIMESTAMPTZ") || IS("DATETIMEOFFSET") || IS("TIMESTAMP WITH TIME ZONE"))
        k.id = PARITY_TIMESTAMPTZ;
    else if (HAS("DATETIME") || HAS("TIMESTAMP"))
        k.id = PARITY_TIMESTAMP;
    else if (IS("DATE"))
        k.id = PARITY_DATE;
    else if (IS("TIMETZ") || IS("TIME WITH TIME ZONE"))
        k.id = PARITY_TIMETZ;
    else if (IS("TIME") || IS("TIME WITHOUT TIME ZONE"))
        k.id = PARITY_TIME;
    else if (IS("VECTOR") || IS("F32_BLOB"))
        k.id = PARITY_VECTOR;
    else if (HAS("DEC") || HAS("NUM") || HAS("MONEY"))
        k.id = PARITY_DECIMAL;
    else if (HAS("REAL") || HAS("FLOA") || HAS("DOUB"))
        k.id = PARITY_FLOAT8;
    else if (HAS("INT"))
        k.id = PARITY_INT;
    else if (HAS("CHAR") || HAS("CLOB") || HAS("TEXT") || HAS("STRING"))
        k.id = PARITY_TEXT;
    else if (HAS("BLOB") || HAS("BINARY") || HAS("BYTEA"))
        k.id = PARITY_BYTES;
#undef IS
#undef HAS
    return k;
}
