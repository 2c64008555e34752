/* Randomness; see random.h. */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/check.h"

void rp_random_bytes(void *out, size_t len)
{
    char *p = out;

    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        RP_ASSERT(n > 0);
        p += n;
        len -= (size_t)n;
    }
}

/* Sebastiano Vigna's splitmix64, https://prng.di.unimi.it/splitmix64.c (public domain). */
uint64_t rp_rng_next(struct rp_rng *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t rp_rng_below(struct rp_rng *r, uint64_t bound)
{
    return (uint64_t)(((unsigned __int128)rp_rng_next(r) * bound) >> 64);
}

double rp_rng_unit(struct rp_rng *r)
{
    return (double)(rp_rng_next(r) >> 11) * 0x1.0p-53;
}
