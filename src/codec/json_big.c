/* Natural numbers; see json_big.h. Little-endian limbs of 64 bits. */
#include "codec/json_big.h"

#include <string.h>

#include "base/check.h"

void rp_json_big_set(struct rp_json_big *b, uint64_t value)
{
    b->len = value != 0;
    b->limb[0] = value;
}

static void push(struct rp_json_big *b, uint64_t limb)
{
    if (limb == 0)
        return;
    RP_ASSERT(b->len < RP_JSON_BIG_LIMBS);
    b->limb[b->len++] = limb;
}

void rp_json_big_mul(struct rp_json_big *b, uint64_t factor, uint64_t add)
{
    uint64_t carry = add;

    for (unsigned i = 0; i < b->len; i++) {
        unsigned __int128 t = (unsigned __int128)b->limb[i] * factor + carry;
        b->limb[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    push(b, carry);
}

void rp_json_big_mul_pow5(struct rp_json_big *b, unsigned n)
{
    static const uint64_t pow5_27 = 7450580596923828125u; /* the greatest in 64 bits */
    uint64_t rest = 1;

    for (; n >= 27; n -= 27)
        rp_json_big_mul(b, pow5_27, 0);
    for (; n > 0; n--)
        rest *= 5;
    if (rest > 1)
        rp_json_big_mul(b, rest, 0);
}

void rp_json_big_shift(struct rp_json_big *b, unsigned n)
{
    const unsigned whole = n / 64, bits = n % 64;

    if (b->len == 0)
        return;
    if (bits)
        rp_json_big_mul(b, (uint64_t)1 << bits, 0);
    if (whole) {
        RP_ASSERT(b->len + whole <= RP_JSON_BIG_LIMBS);
        memmove(b->limb + whole, b->limb, b->len * sizeof(b->limb[0]));
        memset(b->limb, 0, whole * sizeof(b->limb[0]));
        b->len += whole;
    }
}

int rp_json_big_cmp(const struct rp_json_big *a, const struct rp_json_big *b)
{
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    for (unsigned i = a->len; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}
