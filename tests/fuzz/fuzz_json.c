/*
 * Any bytes as JSON text.  What is JSON has a canonical form that is JSON again
 * and its own canonical form, also when blanks are put around every token and
 * when the members of its objects are turned round; what is not leaves no text.
 */
#include "support.h"

static const parity_mem mem = {plain_resize, NULL};

/* The end of the string whose quote is at s. */
static const char *skip_string(const char *s)
{
    for (s++; *s != '"'; s++)
        if (*s == '\\')
            s++;
    return s + 1;
}

/* The end of the value at s; the text is canonical and shallow. */
static const char *skip_value(const char *s)
{
    int depth = 0;

    do {
        if (*s == '"') {
            s = skip_string(s);
            continue;
        }
        depth += (*s == '[' || *s == '{') - (*s == ']' || *s == '}');
        s++;
    } while (depth > 0 || (*s != '\0' && *s != ',' && *s != ']' && *s != '}'));
    return s;
}

/* Writes the value at s with the members of each object in reverse; depth bounds the recursion of this test. */
static const char *put_reversed(parity_buf *b, const char *s, int depth)
{
    const char *member[64], *end = skip_value(s);
    size_t n = 0;

    if (*s == '[' && s[1] != ']' && depth > 0) {
        do {
            parity_buf_put(b, s, 1);
            s = put_reversed(b, s + 1, depth - 1);
        } while (*s == ',');
        parity_buf_puts(b, "]");
        return end;
    }
    if (*s == '{' && s[1] != '}' && depth > 0) {
        for (const char *at = s; *at != '}' && n < 64; at = skip_value(skip_string(at + 1) + 1))
            member[n++] = at + 1;
        if (n < 64) {
            for (size_t i = n; i-- > 0;) {
                const char *key_end = skip_string(member[i]);

                parity_buf_puts(b, i + 1 == n ? "{" : ",");
                parity_buf_put(b, member[i], (size_t)(key_end + 1 - member[i]));
                put_reversed(b, key_end + 1, depth - 1);
            }
            parity_buf_puts(b, "}");
            return end;
        }
    }
    parity_buf_put(b, s, (size_t)(end - s));
    return end;
}

/* Puts blanks around every token of canonical text. */
static void put_spaced(parity_buf *b, const char *s)
{
    while (*s != '\0') {
        const char *end = *s == '"' ? skip_string(s) : s + 1;

        if (strchr("[]{},:\"", *s) != NULL) {
            parity_buf_puts(b, " \t");
            parity_buf_put(b, s, (size_t)(end - s));
            parity_buf_puts(b, "\r\n");
        } else {
            parity_buf_put(b, s, 1);
        }
        s = end;
    }
}

/* Fails unless the canonical form of text is want. */
static void check(const parity_buf *text, const parity_buf *want)
{
    parity_buf out, scratch;
    bool bad;

    parity_buf_init(&out, &mem);
    parity_buf_init(&scratch, &mem);
    require(parity_json_canonical(&out, &scratch, (const char *)text->data, text->len, &bad) == PARITY_OK);
    require(!bad && out.len == want->len && memcmp(out.data, want->data, out.len) == 0);
    parity_buf_free(&out);
    parity_buf_free(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parity_buf out, scratch, other;
    unsigned notes = 0;
    bool bad;

    parity_buf_init(&out, &mem);
    parity_buf_init(&scratch, &mem);
    parity_buf_init(&other, &mem);
    require(parity_buf_puts(&out, "x") == PARITY_OK);
    require(parity_json_canonical(&out, &scratch, (const char *)data, size, &bad) == PARITY_OK);
    require(out.data[0] == 'x' && (out.len == 1) == bad);

    require(parity_put_json(&other, &scratch, (const char *)data, size, &notes) == PARITY_OK);
    require(notes == (bad ? PARITY_NOTE_BAD : 0) && other.data[0] == (bad ? PARITY_TAG_BAD : PARITY_TAG_JSON));
    require(bad ? other.len == size + 6 && memcmp(other.data + 6, data, size) == 0
                : other.len == out.len + 4 && memcmp(other.data + 5, out.data + 1, out.len - 1) == 0);

    if (!bad) {
        memmove(out.data, out.data + 1, --out.len);
        check(&out, &out);
        require(parity_buf_put(&out, "", 1) == PARITY_OK);
        out.len--;
        require(strlen((char *)out.data) == out.len); /* a NUL is always escaped */
        other.len = 0;
        put_spaced(&other, (char *)out.data);
        check(&other, &out);
        other.len = 0;
        put_reversed(&other, (char *)out.data, 32);
        require(other.len == out.len);
        check(&other, &out);
    }
    parity_buf_free(&out);
    parity_buf_free(&scratch);
    parity_buf_free(&other);
    return 0;
}
