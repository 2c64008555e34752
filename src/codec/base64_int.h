/* The part of base64 that goes by vectors, where the machine has them. */
#ifndef RP_CODEC_BASE64_INT_H
#define RP_CODEC_BASE64_INT_H

#include <stddef.h>

/* Encodes the beginning of `in`; returns how many bytes it took, a multiple of 3. */
size_t rp_base64_encode_blocks(char *out, const unsigned char *in, size_t len);
/* Decodes the beginning of `in`; returns how many characters it took, a multiple of 4. 0 if one of
 * them is not of the alphabet: whoever goes over them again finds it. */
size_t rp_base64_decode_blocks(unsigned char *out, const unsigned char *in, size_t len);

#endif
