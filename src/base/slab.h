/* A slab: blocks of one size, kept for reuse.
 *
 * The audio path of a shard takes its buffers here, so that after warming up it allocates nothing.
 * At most `max_free` unused blocks are kept; the rest goes back. Owned by one thread. */
#ifndef RP_BASE_SLAB_H
#define RP_BASE_SLAB_H

#include <stddef.h>

struct rp_slab {
    struct rp_slab_free *free;
    size_t size, nfree, max_free, live;
};

void rp_slab_init(struct rp_slab *s, size_t block_size, size_t max_free);
/* Every block must have been put back. */
void rp_slab_fini(struct rp_slab *s);
/* Uninitialised memory, or NULL. */
void *rp_slab_get(struct rp_slab *s);
/* NULL is harmless. */
void rp_slab_put(struct rp_slab *s, void *block);

#endif
