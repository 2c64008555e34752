/* What the files of the JSON reader and writer share. */
#ifndef RP_CODEC_JSON_INT_H
#define RP_CODEC_JSON_INT_H

#include "codec/json.h"

/* The longest number with room to spare: "-1.2345678901234567e-308" has 24 characters. */
#define RP_JSON_NUM_MAX 32

/* Reads the number at the start of `s`, correctly rounded (half to even; infinity on overflow).
 * Returns how many bytes it took; 0 if no JSON number stands there. */
size_t rp_json_num_read(struct rp_str s, double *out);
/* Prints a finite number as ECMAScript's Number::toString does; the length, no NUL. */
size_t rp_json_num_print(char out[static RP_JSON_NUM_MAX], double value);

/* The end of the run of bytes from `p` that a JSON string holds as they are: it stops at a quote, a
 * backslash, a control character, and before anything that is not well-formed UTF-8. */
const char *rp_json_plain(const char *p, const char *end);

#endif
