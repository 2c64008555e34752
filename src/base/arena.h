/* An arena: many small allocations that are freed together.
 *
 * A turn or a request gets one; whatever is parsed or built for it lives as long as the arena. The
 * cap bounds what a peer can make us hold. Not thread-safe. */
#ifndef RP_BASE_ARENA_H
#define RP_BASE_ARENA_H

#include "base/str.h"

struct rp_arena {
    struct rp_arena_block *blocks;
    size_t used; /* bytes in all blocks */
    size_t cap;
};

void rp_arena_init(struct rp_arena *a, size_t cap);
/* Frees everything; the arena is then as after init. */
void rp_arena_fini(struct rp_arena *a);
/* Zeroed, aligned for any type; NULL beyond the cap or out of memory. */
void *rp_arena_zalloc(struct rp_arena *a, size_t size);
/* A copy in the arena, followed by a NUL that does not count. p == NULL on failure. */
struct rp_str rp_arena_str(struct rp_arena *a, struct rp_str s);
/* The same as a C string (bytes after a NUL inside are lost to it); NULL on failure. */
char *rp_arena_z(struct rp_arena *a, struct rp_str s);

#endif
