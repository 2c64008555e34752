/* A slab of equal blocks; see slab.h. */
#include "base/slab.h"

#include "base/check.h"
#include "base/mem.h"

struct rp_slab_free {
    struct rp_slab_free *next;
};

void rp_slab_init(struct rp_slab *s, size_t block_size, size_t max_free)
{
    *s = (struct rp_slab){.size = RP_MAX(block_size, sizeof(struct rp_slab_free)),
                          .max_free = max_free};
}

void rp_slab_fini(struct rp_slab *s)
{
    RP_ASSERT(s->live == 0);
    while (s->free) {
        struct rp_slab_free *next = s->free->next;
        rp_free(s->free);
        s->free = next;
    }
    s->nfree = 0;
}

void *rp_slab_get(struct rp_slab *s)
{
    struct rp_slab_free *block = s->free;

    if (block) {
        s->free = block->next;
        s->nfree--;
    } else {
        block = rp_alloc(s->size);
    }
    s->live += block != NULL;
    return block;
}

void rp_slab_put(struct rp_slab *s, void *block)
{
    struct rp_slab_free *b = block;

    if (!b)
        return;
    s->live--;
    if (s->nfree >= s->max_free) {
        rp_free(b);
        return;
    }
    b->next = s->free;
    s->free = b;
    s->nfree++;
}
