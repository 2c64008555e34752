/* Natural numbers just long enough for comparing a decimal with a double exactly. */
#ifndef RP_CODEC_JSON_BIG_H
#define RP_CODEC_JSON_BIG_H

#include <stdint.h>

/* Reading compares D * 2^k with m * 5^n. With 800 digits in D and the smallest double neither side
 * exceeds 4000 bits. */
#define RP_JSON_BIG_LIMBS 64

struct rp_json_big {
    unsigned len; /* limbs in use; the last one is not 0 */
    uint64_t limb[RP_JSON_BIG_LIMBS];
};

void rp_json_big_set(struct rp_json_big *b, uint64_t value);
/* b * factor + add */
void rp_json_big_mul(struct rp_json_big *b, uint64_t factor, uint64_t add);
/* b * 5^n */
void rp_json_big_mul_pow5(struct rp_json_big *b, unsigned n);
/* b * 2^n */
void rp_json_big_shift(struct rp_json_big *b, unsigned n);
/* < 0, 0, > 0 */
int rp_json_big_cmp(const struct rp_json_big *a, const struct rp_json_big *b);
#endif
