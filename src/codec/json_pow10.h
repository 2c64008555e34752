/* Powers of ten in 128 bits, for converting numbers both ways. */
#ifndef RP_CODEC_JSON_POW10_H
#define RP_CODEC_JSON_POW10_H

#include <stdbool.h>
#include <stdint.h>

/* Reading begins at 10^-342 (19 digits of the smallest double), printing ends at 10^324. The build
 * fails if the table that json_pow10.py makes has other ends. */
#define RP_JSON_POW10_FIRST (-342)
#define RP_JSON_POW10_LAST  324

/* 10^k lies between high:low * 2^e (included) and (high:low + 1) * 2^e, where 2^127 <= high:low and
 * e = floor(log2(10^k)) - 127. */
struct rp_json_pow10 {
    uint64_t high, low;
};

struct rp_json_pow10 rp_json_pow10(int k);

/* Whether the table has all of 10^k: 5^55 is the last with 128 bits. */
static inline bool rp_json_pow10_exact(int k)
{
    return k >= 0 && k <= 55;
}

/* floor(log2(10^k)) in that range. */
static inline int rp_json_pow10_log2(int k)
{
    return (k * 1741647) >> 19;
}

#endif
