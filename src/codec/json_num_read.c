/* Decimal text to double, correctly rounded, independent of the locale.
 *
 * Nearly every number in the wild has few digits and a small exponent: then one multiplication or
 * division of exact doubles rounds correctly by itself. Otherwise the first 19 digits are
 * multiplied by a power of ten of 128 bits, as Daniel Lemire does (Number parsing at a gigabyte per
 * second, 2021); but instead of proving when the bits cut off cannot matter, we look whether they
 * do, and then compare exactly with the points half-way to the neighbours. */
#include <float.h>
#include <math.h>

#include "base/check.h"
#include "codec/codec_int.h"
#include "codec/json_big.h"
#include "codec/json_int.h"
#include "codec/json_pow10.h"

_Static_assert(FLT_EVAL_METHOD == 0, "doubles must be rounded after every operation");

#define WORD_DIGITS 19 /* any so many decimal digits fit 64 bits */
/* A point half-way between doubles has at most 767 significant digits: of what comes behind 800 it
 * only matters whether it is all zeros. */
#define DIGITS_MAX 800

/* The powers of ten that a double holds exactly. */
static const double exact_pow10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* A number taken apart: `word` * 10^exp10, more exactly text * 10^exponent. */
struct decimal {
    struct rp_str text; /* the digits with their point, without sign and exponent */
    uint64_t word;      /* the first significant digits */
    int64_t exp10;
    int64_t ndigits; /* digits in `word` */
    bool exact;      /* only zeros were left out of `word` */
};

static bool is_digit(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

/* Takes the digits from `p` on into `d`; returns where they end. */
static const char *take_digits(struct decimal *d, const char *p, const char *end, bool fraction)
{
    for (; is_digit(p, end); p++) {
        const unsigned digit = (unsigned)(*p - '0');
        if (d->ndigits < WORD_DIGITS) {
            d->word = d->word * 10 + digit;
            d->ndigits += d->word != 0; /* leading zeros do not count */
            d->exp10 -= fraction;
        } else {
            d->exact = d->exact && digit == 0;
            d->exp10 += !fraction;
        }
    }
    return p;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?  NULL if that is not what stands there. */
static const char *take_apart(struct decimal *d, const char *p, const char *end)
{
    const char *start = p, *q;
    int64_t exponent = 0;
    bool negative = false;

    *d = (struct decimal){.exact = true};
    if (!is_digit(p, end))
        return NULL;
    if (*p == '0')
        p++;
    else
        p = take_digits(d, p, end, false);
    if (p < end && *p == '.') {
        if (!is_digit(++p, end))
            return NULL;
        p = take_digits(d, p, end, true);
    }
    d->text = rp_str_n(start, (size_t)(p - start));
    if (p == end || (*p != 'e' && *p != 'E'))
        return p;
    q = p + 1;
    if (q < end && (*q == '+' || *q == '-'))
        negative = *q++ == '-';
    if (!is_digit(q, end))
        return NULL;
    for (; is_digit(q, end); q++)
        if (exponent < INT64_MAX / 100) /* no text is long enough to make up for more */
            exponent = exponent * 10 + (*q - '0');
    d->exp10 += negative ? -exponent : exponent;
    return q;
}

/* word * power: the upper 128 of 192 bits; *more is set if there is more. */
static unsigned __int128 product(uint64_t word, struct rp_json_pow10 power, bool *more)
{
    const unsigned __int128 low = (unsigned __int128)word * power.low;

    *more = (uint64_t)low != 0;
    return (unsigned __int128)word * power.high + (low >> 64);
}

/* Rounds high * 2^exp2, where high >= 2^63, half to even. `more`: and a bit less than 1 beside. */
static double rounded(uint64_t high, bool more, int exp2)
{
    const uint64_t half = (uint64_t)1 << 63;
    const int least = -1074; /* exponent of the smallest double */
    int drop = 64 - 53;
    uint64_t mantissa, rest;

    if (exp2 + drop < least)
        drop = least - exp2;
    if (drop > 64)
        return 0;
    mantissa = drop < 64 ? high >> drop : 0;
    rest = high << (64 - drop);
    mantissa += rest > half || (rest == half && (more || mantissa & 1));
    return ldexp((double)mantissa, exp2 + drop);
}

/* Reads the upper 64 bits of the number off the least and the greatest value that it may have,
 * given that the power of ten and maybe the digits were cut off. False if these differ, which is
 * rare; then *out is about right. */
static bool by_product(const struct decimal *d, double *out)
{
    const int exp10 = (int)d->exp10, zeros = __builtin_clzll(d->word);
    const uint64_t word = d->word << zeros, step = d->exact ? 0 : (uint64_t)1 << zeros;
    struct rp_json_pow10 power = rp_json_pow10(exp10);
    bool more, ignored;
    const unsigned __int128 least = product(word, power, &more);
    const int shift = least >> 127 == 0;
    const uint64_t high = (uint64_t)(least << shift >> 64);
    const bool exact = d->exact && rp_json_pow10_exact(exp10);

    more = more || !exact || (uint64_t)(least << shift) != 0;
    *out = rounded(high, more, rp_json_pow10_log2(exp10) + 1 - shift - zeros);
    if (exact)
        return true;
    if (!rp_json_pow10_exact(exp10))
        power.high += ++power.low == 0;
    return (uint64_t)(product(word + step, power, &ignored) << shift >> 64) == high;
}

/* The digits of `text` as a number; *exp10 (of the last digit read) is corrected by what is cut. */
static void load(struct rp_json_big *b, const struct decimal *d, int64_t *exp10)
{
    const char *p = d->text.p, *end = d->text.p + d->text.len;
    uint64_t word = 0, scale = 1;
    int count = 0;
    bool more = false;

    rp_json_big_set(b, 0);
    *exp10 = d->exp10;
    /* d->exp10 belongs to the digits in d->word; each one read beyond them lowers it. */
    for (; p < end; p++) {
        if (*p == '.' || (*p == '0' && count == 0))
            continue;
        if (count >= DIGITS_MAX) {
            more = more || *p != '0';
            continue;
        }
        count++;
        if (count > d->ndigits)
            --*exp10;
        word = word * 10 + (unsigned)(*p - '0');
        scale *= 10;
        if (count % WORD_DIGITS == 0) {
            rp_json_big_mul(b, scale, word);
            word = 0;
            scale = 1;
        }
    }
    rp_json_big_mul(b, scale, word);
    if (more) {
        rp_json_big_mul(b, 10, 1);
        --*exp10;
    }
}

static double from_bits(uint64_t bits)
{
    double d;

    memcpy(&d, &bits, sizeof(d));
    return d;
}

static uint64_t to_bits(double d)
{
    uint64_t bits;

    memcpy(&bits, &d, sizeof(bits));
    return bits;
}

/* A decimal to be compared exactly: digits * 2^exp2 against multiples of `unit`. */
struct exact {
    struct rp_json_big digits; /* times 5^exp10 if that is not negative */
    struct rp_json_big unit;   /* 5^-exp10, or 1 */
    int exp2;
};

/* Which side of the point half-way from the double `bits` to the next greater one: < 0, 0, > 0. */
static int cmp_half_way(const struct exact *x, uint64_t bits)
{
    const int biased = (int)(bits >> 52);
    const uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    const uint64_t mantissa = biased ? fraction | (uint64_t)1 << 52 : fraction;
    const int exp2 = (biased ? biased : 1) - 1075 - 1; /* one less, for the half */
    struct rp_json_big left = x->digits, right = x->unit;

    rp_json_big_mul(&right, 2 * mantissa + 1, 0);
    if (x->exp2 >= exp2)
        rp_json_big_shift(&left, (unsigned)(x->exp2 - exp2));
    else
        rp_json_big_shift(&right, (unsigned)(exp2 - x->exp2));
    return rp_json_big_cmp(&left, &right);
}

/* For what the product leaves open; `near` is a double in the neighbourhood. */
static double by_comparison(const struct decimal *d, double near)
{
    const uint64_t infinity = (uint64_t)0x7ff << 52;
    uint64_t bits = to_bits(near);
    struct exact x;
    int64_t exp10;
    int side;

    load(&x.digits, d, &exp10);
    rp_json_big_set(&x.unit, 1);
    x.exp2 = (int)exp10;
    if (exp10 >= 0)
        rp_json_big_mul_pow5(&x.digits, (unsigned)exp10);
    else
        rp_json_big_mul_pow5(&x.unit, (unsigned)-exp10);

    /* Half-way goes to the even neighbour; adjacent doubles have adjacent bit patterns. */
    while (bits < infinity && ((side = cmp_half_way(&x, bits)) > 0 || (side == 0 && bits & 1)))
        bits++;
    while (bits > 0 && ((side = cmp_half_way(&x, bits - 1)) < 0 || (side == 0 && bits & 1)))
        bits--;
    return from_bits(bits);
}

static double convert(const struct decimal *d)
{
    const int64_t magnitude = d->exp10 + d->ndigits; /* below 10^magnitude, by less than a tenth */
    double v;

    if (d->word == 0 || magnitude < -323) /* half of the smallest double is 2.47…e-324 */
        return 0;
    if (magnitude > 309)
        return INFINITY;
    if (d->exact && d->word <= (uint64_t)1 << 53) {
        if (d->exp10 >= 0 && d->exp10 < (int64_t)RP_COUNT(exact_pow10))
            return (double)d->word * exact_pow10[d->exp10];
        if (d->exp10 < 0 && -d->exp10 < (int64_t)RP_COUNT(exact_pow10))
            return (double)d->word / exact_pow10[-d->exp10];
    }
    return by_product(d, &v) ? v : by_comparison(d, v);
}

size_t rp_json_num_read(struct rp_str s, double *out)
{
    const char *end = rp_codec_end(s), *p = s.p;
    const bool negative = p < end && *p == '-';
    struct decimal d;
    double value;

    p = take_apart(&d, p + negative, end);
    if (!p)
        return 0;
    value = convert(&d);
    *out = negative ? -value : value;
    return (size_t)(p - s.p);
}
