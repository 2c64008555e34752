/* UTF-8; see utf8.h. */
#include "codec/utf8.h"

#include "codec/codec_int.h"

int rp_utf8_step(const char *p, const char *end)
{
    const unsigned char *u = (const unsigned char *)p;
    const size_t have = (size_t)(end - p);
    unsigned char low = 0x80, high = 0xbf; /* what the second byte may be */
    int len;

    if (u[0] < 0x80)
        return 1;
    if (u[0] < 0xc2 || u[0] > 0xf4)
        return -1;
    if (u[0] < 0xe0) {
        len = 2;
    } else if (u[0] < 0xf0) {
        len = 3;
        if (u[0] == 0xe0)
            low = 0xa0; /* else overlong */
        if (u[0] == 0xed)
            high = 0x9f; /* else a surrogate */
    } else {
        len = 4;
        if (u[0] == 0xf0)
            low = 0x90; /* else overlong */
        if (u[0] == 0xf4)
            high = 0x8f; /* else beyond U+10FFFF */
    }
    if (have < 2 || u[1] < low || u[1] > high)
        return -1;
    for (int i = 2; i < len; i++)
        if (have <= (size_t)i || (u[i] & 0xc0) != 0x80)
            return -i;
    return len;
}

size_t rp_utf8_put(char out[static RP_UTF8_MAX], uint32_t cp)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

bool rp_utf8_valid(struct rp_str s)
{
    const char *p = s.p, *end = rp_codec_end(s);

    while (p < end) {
        int len = rp_utf8_step(p, end);
        if (len < 0)
            return false;
        p += len;
    }
    return true;
}

uint32_t rp_utf8_at(struct rp_str s, size_t *len)
{
    int n = rp_utf8_step(s.p, s.p + s.len);
    uint32_t c = (unsigned char)s.p[0];

    *len = (size_t)(n < 0 ? -n : n);
    if (n <= 1)
        return n < 0 ? RP_UTF8_BAD_CHAR : c;
    c &= 0xffu >> (n + 1);
    for (int i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)s.p[i] & 0x3fu);
    return c;
}
