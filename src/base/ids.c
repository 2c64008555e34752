/* Identifiers; see ids.h. */
#include "base/ids.h"

#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"

/* Crockford's base 32: no i, l, o, u, and ASCII order is numeric order. */
static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

static char *put(char *at, uint64_t value, int ndigits)
{
    for (int i = ndigits - 1; i >= 0; i--) {
        at[i] = digits[value & 31];
        value >>= 5;
    }
    return at + ndigits;
}

static char *build(char *out, const char *prefix, int64_t wall_ms, uint64_t hi, uint64_t lo)
{
    size_t len = strlen(prefix);
    char *at;

    RP_ASSERT(len <= 16);
    memcpy(out, prefix, len);
    at = put(out + len, (uint64_t)wall_ms, 10);
    at = put(at, hi, 8);
    at = put(at, lo, 8);
    *at = '\0';
    return out;
}

char *rp_id_new(char out[static RP_ID_MAX], const char *prefix)
{
    uint64_t random[2];

    rp_random_bytes(random, sizeof(random));
    return build(out, prefix, rp_wall_ms(), random[0], random[1]);
}

char *rp_id_at(char out[static RP_ID_MAX], const char *prefix, int64_t wall_ms, uint64_t seed)
{
    struct rp_rng rng = {seed};
    uint64_t hi = rp_rng_next(&rng);

    return build(out, prefix, wall_ms, hi, rp_rng_next(&rng));
}

char *rp_secret_new(char out[static RP_SECRET_MAX], const char *prefix)
{
    uint64_t random[4];
    size_t len = strlen(prefix);
    char *at;

    RP_ASSERT(len <= 16);
    rp_random_bytes(random, sizeof(random));
    memcpy(out, prefix, len);
    at = out + len;
    for (size_t i = 0; i < RP_COUNT(random); i++)
        at = put(at, random[i], 8);
    *at = '\0';
    return out;
}
