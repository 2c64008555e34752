/* Randomness: secret bytes from the kernel, and a seeded generator for simulations. */
#ifndef RP_BASE_RANDOM_H
#define RP_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Bytes fit for keys. Ends the process if the kernel has none, which cannot be worked around. */
void rp_random_bytes(void *out, size_t len);

/* A small reproducible generator (splitmix64). Never for secrets. */
struct rp_rng {
    uint64_t state;
};

uint64_t rp_rng_next(struct rp_rng *r);
/* Evenly in [0, bound); bound > 0. */
uint64_t rp_rng_below(struct rp_rng *r, uint64_t bound);
/* Evenly in [0, 1). */
double rp_rng_unit(struct rp_rng *r);

#endif
