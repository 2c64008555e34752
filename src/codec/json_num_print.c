/* Double to the shortest decimal that reads back as the same double, and of those the closest, in
 * the notation of ECMAScript (ECMA-262, 6.1.6.1.20).
 *
 * Whole numbers and numbers that somebody once wrote with up to 15 digits take quick paths; for the
 * rest the digits are generated exactly, after Steele and White. */
#include <math.h>

#include "codec/json_big.h"
#include "codec/json_int.h"

#define SHORT_DIGITS 15 /* decimals of so many digits are all told apart by doubles */
#define DIGITS_MAX   17 /* no double needs more */

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

/* A lower bound of the power of ten above v: 10^(result-1) <= v < 10^(result+1), nearly always with
 * the narrower v < 10^result. */
static int magnitude(double v)
{
    int exp2;

    (void)frexp(v, &exp2); /* 2^(exp2-1) <= v */
    return (int)ceil((exp2 - 1) * 0.30102999566398120 - 1e-10);
}

/* Two decimals of 15 digits never fall to the same double, so if one reads back as v it is the one,
 * and without its zeros the shortest. What the products below lose in rounding can only make us
 * miss it, never accept a wrong one: both factors of the check are exact, thus it rounds once. */
static bool short_digits(struct digits *out, double v)
{
    int exp10 = magnitude(v) - SHORT_DIGITS;
    double scaled;

    if (exp10 < -RP_JSON_EXACT_POW10 || exp10 > RP_JSON_EXACT_POW10)
        return false;
    scaled = exp10 < 0 ? v * rp_json_pow10[-exp10] : v / rp_json_pow10[exp10];
    if (scaled >= 1e15) { /* the bound was one too low */
        if (++exp10 > RP_JSON_EXACT_POW10)
            return false;
        scaled = exp10 < 0 ? v * rp_json_pow10[-exp10] : v / rp_json_pow10[exp10];
    }
    scaled = nearbyint(scaled);
    if (scaled < 1 || scaled > 1e15)
        return false;
    if ((exp10 < 0 ? scaled / rp_json_pow10[-exp10] : scaled * rp_json_pow10[exp10]) != v)
        return false;
    digits_of(out, (uint64_t)scaled, exp10);
    return true;
}

/* v = rest/unit; the doubles' neighbourhood reaches below/unit down and above/unit up. All four are
 * scaled so that whole numbers do. */
struct generator {
    struct rp_json_big rest, unit, below, above;
    bool inclusive; /* the ends of the neighbourhood read back as v, since v is even */
};

static void generator_init(struct generator *g, double v, int *point)
{
    uint64_t bits, mantissa;
    int biased, exp2;
    bool edge; /* a power of two: its lower neighbour is nearer */

    memcpy(&bits, &v, sizeof(bits));
    biased = (int)(bits >> 52);
    mantissa = bits & (((uint64_t)1 << 52) - 1);
    edge = mantissa == 0 && biased > 1;
    if (biased)
        mantissa |= (uint64_t)1 << 52;
    exp2 = (biased ? biased : 1) - 1075;
    g->inclusive = mantissa % 2 == 0;

    rp_json_big_set(&g->rest, mantissa);
    rp_json_big_set(&g->unit, 1);
    rp_json_big_set(&g->below, 1);
    rp_json_big_set(&g->above, 1);
    rp_json_big_shift(&g->rest, 1 + edge + (unsigned)(exp2 > 0 ? exp2 : 0));
    rp_json_big_shift(&g->unit, 1 + edge + (unsigned)(exp2 < 0 ? -exp2 : 0));
    rp_json_big_shift(&g->below, (unsigned)(exp2 > 0 ? exp2 : 0));
    rp_json_big_shift(&g->above, edge + (unsigned)(exp2 > 0 ? exp2 : 0));

    *point = magnitude(v);
    if (*point >= 0) {
        rp_json_big_mul_pow5(&g->unit, (unsigned)*point);
        rp_json_big_shift(&g->unit, (unsigned)*point);
    } else {
        struct rp_json_big *scaled[] = {&g->rest, &g->below, &g->above};
        for (int i = 0; i < 3; i++) {
            rp_json_big_mul_pow5(scaled[i], (unsigned)-*point);
            rp_json_big_shift(scaled[i], (unsigned)-*point);
        }
    }
}

static void times_ten(struct generator *g)
{
    rp_json_big_mul(&g->rest, 10, 0);
    rp_json_big_mul(&g->below, 10, 0);
    rp_json_big_mul(&g->above, 10, 0);
}

static bool within(int side, bool inclusive)
{
    return inclusive ? side >= 0 : side > 0;
}

static void exact_digits(struct digits *out, double v)
{
    struct generator g;
    bool low, high;
    int digit, half;

    generator_init(&g, v, &out->point);
    if (within(rp_json_big_cmp_sum(&g.rest, &g.above, &g.unit), g.inclusive))
        out->point++; /* the bound was one too low */
    else
        times_ten(&g);
    for (out->n = 0;; times_ten(&g)) {
        for (digit = 0; rp_json_big_cmp(&g.rest, &g.unit) >= 0; digit++)
            rp_json_big_sub(&g.rest, &g.unit);
        low = within(rp_json_big_cmp(&g.below, &g.rest), g.inclusive);
        high = within(rp_json_big_cmp_sum(&g.rest, &g.above, &g.unit), g.inclusive);
        if (low || high)
            break;
        RP_ASSERT(out->n < DIGITS_MAX);
        out->d[out->n++] = (char)('0' + digit);
    }
    if (low && high) { /* both ends will do: take the nearer one, or the even digit */
        rp_json_big_shift(&g.rest, 1);
        half = rp_json_big_cmp(&g.rest, &g.unit);
        high = half > 0 || (half == 0 && digit % 2 == 1);
    }
    out->d[out->n++] = (char)('0' + digit + high);
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
    if (v < 9007199254740992.0 && v == (double)(uint64_t)v)
        digits_of(&s, (uint64_t)v, 0);
    else if (!short_digits(&s, v))
        exact_digits(&s, v);

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
