/* Small things that several codecs need. */
#ifndef RP_CODEC_CODEC_INT_H
#define RP_CODEC_CODEC_INT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* The end of a view; an empty one may have no pointer to add to. */
static inline const char *rp_codec_end(struct rp_str s)
{
    return s.len ? s.p + s.len : s.p;
}

/* Why rp_arena_zalloc(a, size) has just given NULL: it says the same for its cap (RP_ELIMIT) and
 * for the machine's memory (RP_ENOMEM). Sizes are rounded up to the alignment. */
static inline int rp_codec_arena_err(const struct rp_arena *a, size_t size)
{
    const size_t left = a->cap - a->used, rounding = _Alignof(max_align_t) - 1;

    return left < rounding || size > left - rounding ? RP_ELIMIT : RP_ENOMEM;
}

#endif
