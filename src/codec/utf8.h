/* UTF-8 as the WHATWG decoder reads it. */
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

#endif
