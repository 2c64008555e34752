/* Walking over UTF-8 that may be broken or cut off. */
#ifndef RP_TURN_UTF8_H
#define RP_TURN_UTF8_H

#include "base/str.h"

#define RP_UTF8_BAD 0xfffdu

/* Bytes that a character with this first byte has; 1 for a byte that cannot be first. */
static inline size_t rp_utf8_len(char first)
{
    unsigned char c = (unsigned char)first;

    return c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
}

static inline bool rp_utf8_continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The character at the start of `s` (not empty) and its length; RP_UTF8_BAD and 1 for bytes that
 * are none. Overlong forms and surrogates are not told apart from characters: nothing here depends
 * on that. */
static inline uint32_t rp_utf8_at(struct rp_str s, size_t *len)
{
    size_t n = rp_utf8_len(s.p[0]);
    uint32_t c = (unsigned char)s.p[0];

    *len = 1;
    if (n == 1)
        return c < 0x80 ? c : RP_UTF8_BAD;
    if (n > s.len)
        return RP_UTF8_BAD;
    c &= 0xffu >> (n + 1);
    for (size_t i = 1; i < n; i++) {
        if (!rp_utf8_continues(s.p[i]))
            return RP_UTF8_BAD;
        c = c << 6 | ((unsigned char)s.p[i] & 0x3fu);
    }
    *len = n;
    return c;
}

/* How many bytes at the end of `s` are the beginning of a character whose rest is missing. */
static inline size_t rp_utf8_tail(struct rp_str s)
{
    for (size_t n = 1; n <= 3 && n <= s.len; n++) {
        char c = s.p[s.len - n];

        if (!rp_utf8_continues(c))
            return rp_utf8_len(c) > n ? n : 0;
    }
    return 0;
}

#endif
