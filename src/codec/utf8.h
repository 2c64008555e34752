/* UTF-8 as the WHATWG decoder reads it, and walking over text that may be broken or cut off. */
#ifndef RP_CODEC_UTF8_H
#define RP_CODEC_UTF8_H

#include "base/str.h"

/* Longest form of one code point. */
#define RP_UTF8_MAX 4
/* U+FFFD, which takes the place of what cannot be decoded. */
#define RP_UTF8_BAD "\xef\xbf\xbd"

/* Looks at the bytes from `p`, of which there is at least one before `end`. Positive: the length of
 * the code point there. Negative: so many bytes become one U+FFFD (a "maximal subpart": as many as
 * could have begun a code point, at least one; Encoding Standard, 8.1.1). */
int rp_utf8_step(const char *p, const char *end);
/* Writes a code point up to U+10FFFF, surrogates in the generalised three-byte form; its length. */
size_t rp_utf8_put(char out[static RP_UTF8_MAX], uint32_t cp);
/* Whether all of `s` is well formed. */
bool rp_utf8_valid(struct rp_str s);

#define RP_UTF8_BAD_CHAR 0xfffdu
/* The code point at the front of `s` (not empty) and its length; RP_UTF8_BAD_CHAR for bytes that
 * are none, with the number that rp_utf8_step tells. */
uint32_t rp_utf8_at(struct rp_str s, size_t *len);

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
