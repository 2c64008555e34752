/* A hash map from byte strings to pointers.
 *
 * Keys are copied, values are borrowed. Open addressing, grown at 3/4; the hash is seeded at
 * random, so that a peer who chooses keys cannot choose collisions. Not thread-safe. */
#ifndef RP_BASE_MAP_H
#define RP_BASE_MAP_H

#include "base/str.h"

struct rp_map {
    struct rp_map_slot *slots;
    size_t size, used, filled; /* slots, live keys, live keys and tombstones */
    uint64_t seed;
};

void rp_map_init(struct rp_map *m);
void rp_map_fini(struct rp_map *m);
/* Sets or replaces. RP_ENOMEM changes nothing. `value` is not NULL. */
int rp_map_set(struct rp_map *m, struct rp_str key, void *value);
/* NULL if absent. */
void *rp_map_get(const struct rp_map *m, struct rp_str key);
/* Removes and returns the value; NULL if absent. */
void *rp_map_del(struct rp_map *m, struct rp_str key);
/* Walks: *at starts at 0; false at the end. The map may not grow meanwhile, but `key` may be
 * deleted. */
bool rp_map_next(const struct rp_map *m, size_t *at, struct rp_str *key, void **value);

#endif
