/*
 * Any input under any kind: the first line is the kind, then a class letter,
 * then the payload.  Checks that a frame is written, that it does not depend
 * on what stood in the buffers, that a BAD value says so, and that rounding is
 * idempotent as far as notes go.
 */
#include "support.h"

static const parity_mem mem = {plain_resize, NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = memchr(data, '\n', size);
    size_t n = line ? (size_t)(line - data) : 0;
    parity_kind kind, again;
    parity_error err;
    parity_value v = {PARITY_STRING, 0, 0, NULL, 0};
    parity_buf b, c, scratch;
    unsigned notes = 0, notes2 = 0, rounded_notes = 0;
    char text[PARITY_KIND_TEXT_MAX];

    if (line == NULL || size - n < 2)
        return 0;
    if (parity_kind_parse((const char *)data, n, &kind, &err) != PARITY_OK) {
        require(err.message[0] != '\0');
        return 0;
    }
    parity_kind_print(&kind, text);
    require(parity_kind_parse(text, strlen(text), &again, &err) == PARITY_OK);
    require(parity_kind_equal(&kind, &again));
    data += n + 2;
    size -= n + 2;
    switch (data[-1] & 3) {
    case 0:
        if (size < 8)
            return 0;
        v.cls = PARITY_INTEGER;
        memcpy(&v.i, data, 8);
        break;
    case 1:
        if (size < 8)
            return 0;
        v.cls = PARITY_REAL;
        memcpy(&v.r, data, 8);
        break;
    case 2:
        v.cls = PARITY_BLOB;
        break;
    }
    v.p = (const char *)data;
    v.n = size;
    parity_buf_init(&b, &mem);
    parity_buf_init(&c, &mem);
    parity_buf_init(&scratch, &mem);
    require(parity_put_value(&b, &scratch, &kind, &v, &notes) == PARITY_OK);
    require(b.len > 0);
    require((b.data[0] == PARITY_TAG_BAD) == ((notes & PARITY_NOTE_BAD) != 0));
    /* behind other bytes, with used buffers: the same frame */
    require(parity_buf_puts(&c, "xyz") == PARITY_OK);
    require(parity_put_value(&c, &scratch, &kind, &v, &notes2) == PARITY_OK);
    require(notes == notes2 && c.len == b.len + 3 && memcmp(c.data + 3, b.data, b.len) == 0);
    /* what says that rounding changes nothing is right */
    if (!(kind.options & PARITY_OPT_ROUND) && !(notes & (PARITY_NOTE_ROUNDS | PARITY_NOTE_BAD))) {
        kind.options |= PARITY_OPT_ROUND;
        c.len = 0;
        parity_kind_print(&kind, text);
        if (parity_kind_parse(text, strlen(text), &again, &err) == PARITY_OK && (again.options & PARITY_OPT_ROUND)) {
            require(parity_put_value(&c, &scratch, &kind, &v, &rounded_notes) == PARITY_OK);
            require(c.len == b.len && memcmp(c.data, b.data, b.len) == 0);
        }
    }
    parity_buf_free(&b);
    parity_buf_free(&c);
    parity_buf_free(&scratch);
    return 0;
}
