/* An arena; see arena.h. */
#include "base/arena.h"

#include <stdalign.h>

#include "base/mem.h"

#define BLOCK_SIZE 4096

struct rp_arena_block {
    struct rp_arena_block *next;
    size_t size, used;
    alignas(max_align_t) char data[];
};

void rp_arena_init(struct rp_arena *a, size_t cap)
{
    *a = (struct rp_arena){.cap = cap};
}

void rp_arena_fini(struct rp_arena *a)
{
    struct rp_arena_block *b = a->blocks;

    while (b) {
        struct rp_arena_block *next = b->next;
        rp_free(b);
        b = next;
    }
    rp_arena_init(a, a->cap);
}

void *rp_arena_zalloc(struct rp_arena *a, size_t size)
{
    struct rp_arena_block *b = a->blocks;
    size_t block_size;
    void *p;

    if (size > a->cap)
        return NULL;
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (size == 0)
        size = alignof(max_align_t);
    if (!b || b->size - b->used < size) {
        block_size = size > BLOCK_SIZE / 4 ? size : BLOCK_SIZE;
        if (block_size > a->cap - a->used)
            block_size = size;
        if (block_size > a->cap - a->used)
            return NULL;
        b = rp_alloc(sizeof(*b) + block_size);
        if (!b)
            return NULL;
        *b = (struct rp_arena_block){.size = block_size};
        /* A block made for one large object goes second, so that the open one stays in use. */
        if (block_size != BLOCK_SIZE && a->blocks) {
            b->next = a->blocks->next;
            a->blocks->next = b;
        } else {
            b->next = a->blocks;
            a->blocks = b;
        }
        a->used += block_size;
    }
    p = b->data + b->used;
    b->used += size;
    memset(p, 0, size);
    return p;
}

struct rp_str rp_arena_str(struct rp_arena *a, struct rp_str s)
{
    char *z = rp_arena_z(a, s);

    return rp_str_n(z, z ? s.len : 0);
}

char *rp_arena_z(struct rp_arena *a, struct rp_str s)
{
    char *z = s.len < SIZE_MAX ? rp_arena_zalloc(a, s.len + 1) : NULL;

    if (z && s.len)
        memcpy(z, s.p, s.len);
    return z;
}
