/* Base64, 32 characters at a time; see base64_int.h.
 *
 * Four characters are 24 bits and share a lane of 32. Decoding:
 *
 *     characters    A        B        C        D        (D in the highest byte of the lane)
 *     values        00aaaaaa 00bbbbbb 00cccccc 00dddddd
 *     as a number   00000000 aaaaaabb bbbbcccc ccdddddd
 *     bytes         aaaaaabb bbbbcccc ccdddddd
 *
 * and the other way round for encoding. Between values and characters lie five ranges, each with an
 * offset of its own: comparisons give masks that choose the offsets. Written with the vectors of
 * the compiler, since these say what they do; AVX2 is what makes them pay, so without it the tables
 * of base64.c do all the work. */
#include "codec/base64_int.h"

#include <stdint.h>
#include <string.h>

#define CHARS 32 /* in a block */
#define BYTES 24

#if defined(__x86_64__)

#define TARGET __attribute__((target("avx2")))

typedef int8_t bytes_vec __attribute__((vector_size(CHARS)));
typedef uint32_t lanes_vec __attribute__((vector_size(CHARS)));

/* Shuffles stay inside the halves of a vector where they are of bytes; only whole lanes cross. */
#define SHUFFLE(v, ...) __builtin_shufflevector((v), (v), __VA_ARGS__)

/* clang-format off */
/* The three low bytes of each lane, the highest first, to the beginning of its half. */
#define PACK_BYTES                                                                                 \
     2,  1,  0,  6,  5,  4, 10,  9,  8, 14, 13, 12,  3,  7, 11, 15,                                \
    18, 17, 16, 22, 21, 20, 26, 25, 24, 30, 29, 28, 19, 23, 27, 31
/* Back from there into the lanes; their highest bytes do not matter. */
#define UNPACK_BYTES                                                                               \
     2,  1,  0, 12,  5,  4,  3, 13,  8,  7,  6, 14, 11, 10,  9, 15,                                \
    18, 17, 16, 28, 21, 20, 19, 29, 24, 23, 22, 30, 27, 26, 25, 31
/* clang-format on */
/* Twelve bytes at the beginning of each half to 24 in a row, and back. */
#define PACK_LANES   0, 1, 2, 4, 5, 6, 3, 7
#define UNPACK_LANES 0, 1, 2, 6, 3, 4, 5, 7

/* `offset` where `mask` is set. */
#define WHERE(mask, offset) ((mask) & (int8_t)(offset))

TARGET static bytes_vec to_values(bytes_vec c, bytes_vec *valid)
{
    const bytes_vec upper = (c >= 'A') & (c <= 'Z'), lower = (c >= 'a') & (c <= 'z');
    const bytes_vec digit = (c >= '0') & (c <= '9'), plus = c == '+', slash = c == '/';

    *valid &= upper | lower | digit | plus | slash;
    return c + WHERE(upper, -'A') + WHERE(lower, 26 - 'a') + WHERE(digit, 52 - '0') +
           WHERE(plus, 62 - '+') + WHERE(slash, 63 - '/');
}

TARGET static bytes_vec to_chars(bytes_vec v)
{
    /* Each range begins where the one before ends: add how far its characters are from there. */
    return v + 'A' + WHERE(v > 25, 'a' - 'Z' - 1) + WHERE(v > 51, '0' - 'z' - 1) +
           WHERE(v > 61, '+' - '9' - 1) + WHERE(v > 62, '/' - '+' - 1);
}

TARGET static size_t decode(unsigned char *out, const unsigned char *in, size_t len)
{
    bytes_vec valid = ~(bytes_vec){0};
    uint64_t words[CHARS / sizeof(uint64_t)];
    size_t done;

    for (done = 0; len - done >= CHARS; done += CHARS, out += BYTES) {
        bytes_vec v;
        lanes_vec x;
        memcpy(&v, in + done, sizeof(v));
        x = (lanes_vec)to_values(v, &valid);
        x = (x & 0xff) << 18 | (x & 0xff00) << 4 | (x >> 10 & 0x3fc0) | x >> 24;
        v = SHUFFLE((bytes_vec)x, PACK_BYTES);
        x = SHUFFLE((lanes_vec)v, PACK_LANES);
        memcpy(out, &x, BYTES);
    }
    memcpy(words, &valid, sizeof(words));
    return (words[0] & words[1] & words[2] & words[3]) == UINT64_MAX ? done : 0;
}

TARGET static size_t encode(char *out, const unsigned char *in, size_t len)
{
    size_t done;

    /* A whole vector is read, for fewer instructions, though only 24 bytes of it are used. */
    for (done = 0; len - done >= sizeof(lanes_vec); done += BYTES, out += CHARS) {
        bytes_vec v;
        lanes_vec x;
        memcpy(&x, in + done, sizeof(x));
        v = (bytes_vec)SHUFFLE(x, UNPACK_LANES);
        x = (lanes_vec)SHUFFLE(v, UNPACK_BYTES);
        x = (x >> 18 & 0x3f) | (x >> 4 & 0x3f00) | (x & 0xfc0) << 10 | (x & 0x3f) << 24;
        v = to_chars((bytes_vec)x);
        memcpy(out, &v, sizeof(v));
    }
    return done;
}

size_t rp_base64_decode_blocks(unsigned char *out, const unsigned char *in, size_t len)
{
    return __builtin_cpu_supports("avx2") ? decode(out, in, len) : 0;
}

size_t rp_base64_encode_blocks(char *out, const unsigned char *in, size_t len)
{
    return __builtin_cpu_supports("avx2") ? encode(out, in, len) : 0;
}

#else

size_t rp_base64_decode_blocks(unsigned char *out, const unsigned char *in, size_t len)
{
    (void)out, (void)in, (void)len;
    return 0;
}

size_t rp_base64_encode_blocks(char *out, const unsigned char *in, size_t len)
{
    (void)out, (void)in, (void)len;
    return 0;
}

#endif
