/* Base64; see base64.h. Audio passes through here ten times a second in each direction of a
 * session, so its bulk goes by vectors (base64_vec.c) and the rest by tables, in loops without a
 * branch: errors are gathered and looked at once. */
#include "codec/base64.h"

#include "base/err.h"
#include "codec/base64_int.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* What a character stands for, with VALID added; 0 for those outside the alphabet. */
#define VALID 0x40
static const unsigned char values[256] = {
#define V(c, n)  [c] = VALID + (n)
#define V4(c, n) V((c), (n)), V((c) + 1, (n) + 1), V((c) + 2, (n) + 2), V((c) + 3, (n) + 3)
#define V8(c, n) V4((c), (n)), V4((c) + 4, (n) + 4)
#define V26(c, n)                                                                                  \
    V8((c), (n)), V8((c) + 8, (n) + 8), V8((c) + 16, (n) + 16), V((c) + 24, (n) + 24),             \
        V((c) + 25, (n) + 25)
    V26('A', 0), V26('a', 26), V8('0', 52), V('8', 60), V('9', 61), V('+', 62), V('/', 63),
#undef V26
#undef V8
#undef V4
#undef V
};

size_t rp_base64_encode(char *out, const void *data, size_t len)
{
    const unsigned char *in = data;
    const size_t rest = len % 3, whole = len - rest;
    char *start = out;
    size_t i = rp_base64_encode_blocks(out, in, whole);
    uint32_t v;

    for (out += i / 3 * 4; i < whole; i += 3, out += 4) {
        v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        out[0] = alphabet[v >> 18];
        out[1] = alphabet[v >> 12 & 63];
        out[2] = alphabet[v >> 6 & 63];
        out[3] = alphabet[v & 63];
    }
    if (rest) {
        v = (uint32_t)in[whole] << 16 | (rest == 2 ? (uint32_t)in[whole + 1] << 8 : 0);
        out[0] = alphabet[v >> 18];
        out[1] = alphabet[v >> 12 & 63];
        out[2] = rest == 2 ? alphabet[v >> 6 & 63] : '=';
        out[3] = '=';
        out += 4;
    }
    return (size_t)(out - start);
}

int rp_base64_append(struct rp_buf *b, const void *data, size_t len)
{
    char *at;
    int err = rp_buf_reserve(b, len < SIZE_MAX / 2 ? RP_BASE64_LEN(len) : SIZE_MAX, &at);

    if (!err)
        rp_buf_grew(b, rp_base64_encode(at, data, len));
    return err;
}

/* 24 bits of the four characters at `p`; *valid loses VALID if one is none of ours. */
static uint32_t group(const unsigned char *p, unsigned *valid)
{
    const uint32_t a = values[p[0]], b = values[p[1]], c = values[p[2]], d = values[p[3]];

    *valid &= a & b & c & d;
    return (a << 18) + (b << 12) + (c << 6) + d - ((uint32_t)VALID << 18) -
           ((uint32_t)VALID << 12) - ((uint32_t)VALID << 6) - VALID;
}

int rp_base64_decode(void *out, size_t size, size_t *len, struct rp_str text)
{
    const unsigned char *in = (const unsigned char *)text.p;
    unsigned char *at = out, last[4] = "AAAA";
    unsigned valid = VALID;
    size_t rest, whole, bytes, i;
    uint32_t v;

    if (text.len > 0 && text.len % 4 == 0 && text.p[text.len - 1] == '=')
        text.len -= text.p[text.len - 2] == '=' ? 2 : 1;
    rest = text.len % 4;
    whole = text.len - rest;
    bytes = whole / 4 * 3 + (rest ? rest - 1 : 0);
    if (rest == 1)
        return RP_EPROTO;
    if (bytes > size)
        return RP_ELIMIT;

    i = rp_base64_decode_blocks(at, in, whole);
    for (at += i / 4 * 3; i < whole; i += 4, at += 3) {
        v = group(in + i, &valid);
        at[0] = (unsigned char)(v >> 16);
        at[1] = (unsigned char)(v >> 8);
        at[2] = (unsigned char)v;
    }
    if (rest) {
        memcpy(last, in + whole, rest);
        v = group(last, &valid);
        *at++ = (unsigned char)(v >> 16);
        if (rest == 3)
            *at = (unsigned char)(v >> 8);
    }
    if (!(valid & VALID))
        return RP_EPROTO;
    *len = bytes;
    return 0;
}
