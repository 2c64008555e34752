/* Double to the shortest decimal that reads back as the same double, and of those the closest, in
 * the notation of ECMAScript (ECMA-262, 6.1.6.1.20).
 *
 * The digits come from Raffaello Giulietti's "Schubfach" (The Schubfach way to render doubles,
 * 2022): scaled by a power of ten, the neighbourhood of a double is between 1 and 10 wide; so it
 * holds one whole number at least, and one multiple of ten at most, which is then the shortest.
 * Three products of 64 by 128 bits place its middle and its ends. */
#include <math.h>

#include "codec/json_int.h"
#include "codec/json_pow10.h"

/* 0.d1d2…dn * 10^point */
struct digits {
    char d[24];
    int n;
    int point;
};

/* `value` as digits, without the zeros at its end. */
static void digits_of(struct digits *out, uint64_t value, int exp10)
{
    char reversed[24];
    int n = 0;

    for (; value % 10 == 0; exp10++)
        value /= 10;
    for (; value > 0; value /= 10)
        reversed[n++] = (char)('0' + value % 10);
    out->n = n;
    out->point = n + exp10;
    for (int i = 0; i < n; i++)
        out->d[i] = reversed[n - 1 - i];
}

/* floor(x * power / 2^128), made odd if that was not all: still right for comparing with even
 * numbers. `power` is a bit too great, which shows as 1 in the part cut off. */
static uint64_t scaled(uint64_t x, struct rp_json_pow10 power)
{
    const unsigned __int128 low = (unsigned __int128)x * power.low;
    const unsigned __int128 high = (unsigned __int128)x * power.high + (low >> 64);

    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* The power of ten that is not less than 10^k. */
static struct rp_json_pow10 power_above(int k)
{
    struct rp_json_pow10 power = rp_json_pow10(k);

    if (!rp_json_pow10_exact(k))
        power.high += ++power.low == 0;
    return power;
}

/* mantissa * 2^exp2, not 0. `edge`: its lower neighbour is nearer than the upper one. */
static void shortest(struct digits *out, uint64_t mantissa, int exp2, bool edge)
{
    /* floor(log10(width)), where the neighbourhood is 2^exp2 wide, or 3/4 of that. */
    const int k = (exp2 * 1262611 - (edge ? 524031 : 0)) >> 22;
    const int shift = exp2 + rp_json_pow10_log2(-k) + 1;
    const struct rp_json_pow10 power = power_above(-k);
    /* In quarters of 10^k. The ends belong to the neighbourhood if the mantissa is even. */
    const uint64_t middle = scaled(4 * mantissa << shift, power);
    const uint64_t low = scaled((4 * mantissa - 2 + edge) << shift, power) + mantissa % 2;
    const uint64_t high = scaled((4 * mantissa + 2) << shift, power) - mantissa % 2;
    const uint64_t below = middle / 4, tens = below / 10;
    bool down, up;

    if (tens > 0) {
        down = low <= 40 * tens;
        up = 40 * tens + 40 <= high;
        if (down != up) {
            digits_of(out, tens + up, k + 1);
            return;
        }
    }
    down = low <= 4 * below;
    up = 4 * below + 4 <= high;
    if (down == up) /* both will do: the nearer one, or the even one */
        up = middle > 4 * below + 2 || (middle == 4 * below + 2 && below % 2 == 1);
    digits_of(out, below + up, k);
}

static void digits_of_double(struct digits *out, double v)
{
    uint64_t bits, fraction;
    int biased;

    if (v < 9007199254740992.0 && v == (double)(uint64_t)v) {
        digits_of(out, (uint64_t)v, 0);
        return;
    }
    memcpy(&bits, &v, sizeof(bits));
    fraction = bits & (((uint64_t)1 << 52) - 1);
    biased = (int)(bits >> 52);
    if (biased == 0)
        shortest(out, fraction, -1074, false);
    else
        shortest(out, fraction | (uint64_t)1 << 52, biased - 1075, fraction == 0 && biased > 1);
}

static char *put(char *at, const char *from, int len)
{
    memcpy(at, from, (size_t)len);
    return at + len;
}

static char *put_zeros(char *at, int len)
{
    memset(at, '0', (size_t)len);
    return at + len;
}

static char *put_exponent(char *at, int exponent)
{
    struct digits e;

    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    exponent = exponent < 0 ? -exponent : exponent;
    digits_of(&e, (uint64_t)exponent, 0);
    at = put(at, e.d, e.n);
    return put_zeros(at, e.point - e.n);
}

size_t rp_json_num_print(char out[static RP_JSON_NUM_MAX], double value)
{
    const double v = fabs(value);
    struct digits s;
    char *at = out;

    if (v == 0) {
        *at = '0'; /* -0 has no sign in ECMAScript */
        return 1;
    }
    if (value < 0)
        *at++ = '-';
    digits_of_double(&s, v);

    if (s.n <= s.point && s.point <= 21) { /* 12300 */
        at = put(at, s.d, s.n);
        at = put_zeros(at, s.point - s.n);
    } else if (0 < s.point && s.point <= 21) { /* 12.3 */
        at = put(at, s.d, s.point);
        *at++ = '.';
        at = put(at, s.d + s.point, s.n - s.point);
    } else if (-6 < s.point && s.point <= 0) { /* 0.00123 */
        at = put(at, "0.", 2);
        at = put_zeros(at, -s.point);
        at = put(at, s.d, s.n);
    } else { /* 1.23e-7 */
        at = put(at, s.d, 1);
        if (s.n > 1) {
            *at++ = '.';
            at = put(at, s.d + 1, s.n - 1);
        }
        at = put_exponent(at, s.point - 1);
    }
    return (size_t)(at - out);
}
