/*
 * Any bytes as SQLite's JSONB.  What is not malformed stands for JSON text (only
 * an exponent may be too large for a canonical form), and is the same text as
 * the element of an array around it.
 */
#include "support.h"

static const parity_mem mem = {plain_resize, NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parity_buf text, canonical, scratch, other, around;
    bool bad, bad_number;
    unsigned char header[9] = {0xFB};

    parity_buf_init(&text, &mem);
    parity_buf_init(&canonical, &mem);
    parity_buf_init(&scratch, &mem);
    parity_buf_init(&other, &mem);
    parity_buf_init(&around, &mem);
    require(parity_buf_puts(&text, "x") == PARITY_OK);
    require(parity_jsonb_text(&text, data, size, &bad) == PARITY_OK);
    require(text.data[0] == 'x' && (text.len == 1) == bad);

    /* the same element as the one element of an array */
    for (int i = 0; i < 8; i++)
        header[1 + i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
    require(parity_buf_put(&around, header, sizeof header) == PARITY_OK);
    require(parity_buf_put(&around, data, size) == PARITY_OK);
    if (!bad) {
        bool bad_around;

        require(parity_jsonb_text(&other, around.data, around.len, &bad_around) == PARITY_OK && !bad_around);
        require(other.len == text.len + 1 && other.data[0] == '[' && other.data[other.len - 1] == ']');
        require(memcmp(other.data + 1, text.data + 1, text.len - 1) == 0);

        /* the text is one JSON value */
        require(parity_json_canonical(&canonical, &scratch, (char *)text.data + 1, text.len - 1, &bad_number) ==
                PARITY_OK);
        if (bad_number) {
            for (size_t i = 1; i < text.len; i++) /* without its exponents nothing is wrong with it */
                if (text.data[i] == '"')
                    for (i++; text.data[i] != '"'; i++)
                        i += text.data[i] == '\\';
                else if ((text.data[i] | 0x20) == 'e' && text.data[i - 1] >= '0' && text.data[i - 1] <= '9')
                    for (size_t k = i + 1; k < text.len; k++) {
                        if (text.data[k] >= '0' && text.data[k] <= '9')
                            text.data[k] = '0';
                        else if (text.data[k] != '+' && text.data[k] != '-')
                            break;
                    }
            require(parity_json_canonical(&canonical, &scratch, (char *)text.data + 1, text.len - 1, &bad_number) ==
                    PARITY_OK);
            require(!bad_number);
        }
    }
    parity_buf_free(&text);
    parity_buf_free(&canonical);
    parity_buf_free(&scratch);
    parity_buf_free(&other);
    parity_buf_free(&around);
    return 0;
}
