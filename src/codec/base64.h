/* Base64 with the standard alphabet (RFC 4648, 4).
 *
 * Decoding takes what a browser's atob() takes, except white space: padding may be missing, but
 * where it stands it must be right; bits that belong to no byte are ignored. Anything else is
 * refused. */
#ifndef RP_CODEC_BASE64_H
#define RP_CODEC_BASE64_H

#include "base/buf.h"
#include "base/str.h"

/* Characters for `len` bytes, padding included. */
#define RP_BASE64_LEN(len) (((len) + 2) / 3 * 4)
/* Never fewer than the bytes that `len` characters decode to. */
#define RP_BASE64_DECODED_MAX(len) ((len) / 4 * 3 + 2)

/* Writes RP_BASE64_LEN(len) characters, no NUL; returns that number. */
size_t rp_base64_encode(char *out, const void *data, size_t len);
/* The same at the end of a buffer; RP_ELIMIT, RP_ENOMEM or 0. */
int rp_base64_append(struct rp_buf *b, const void *data, size_t len);
/* Decodes into `out` of `size` bytes; *len is how many there are. RP_EPROTO: not base64; RP_ELIMIT:
 * they do not fit. On error `out` may hold a part, *len is untouched. */
int rp_base64_decode(void *out, size_t size, size_t *len, struct rp_str text);

#endif
