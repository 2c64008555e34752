/* The last so many samples; see ring.h. */
#include "audio/ring.h"

#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"

int rp_ring_init(struct rp_ring *r, size_t cap)
{
    RP_ASSERT(cap > 0);
    *r = (struct rp_ring){.buf = rp_calloc(cap, sizeof(*r->buf)), .cap = cap};
    return r->buf ? 0 : RP_ENOMEM;
}

void rp_ring_fini(struct rp_ring *r)
{
    rp_free(r->buf);
    *r = (struct rp_ring){0};
}

void rp_ring_write(struct rp_ring *r, const int16_t *pcm, size_t n)
{
    int64_t held;

    if (n > r->cap) { /* only the last samples can stay */
        r->end += (int64_t)(n - r->cap);
        pcm = pcm ? pcm + (n - r->cap) : NULL;
        n = r->cap;
    }
    while (n > 0) {
        size_t at = (size_t)(r->end % (int64_t)r->cap);
        size_t part = RP_MIN(n, r->cap - at);
        if (pcm)
            memcpy(r->buf + at, pcm, part * sizeof(*pcm));
        else
            memset(r->buf + at, 0, part * sizeof(*r->buf));
        pcm = pcm ? pcm + part : NULL;
        r->end += (int64_t)part;
        n -= part;
    }
    held = r->end - r->start;
    if (held > (int64_t)r->cap)
        r->start = r->end - (int64_t)r->cap;
}

void rp_ring_drop(struct rp_ring *r, int64_t pos)
{
    if (pos > r->start)
        r->start = RP_MIN(pos, r->end);
}

size_t rp_ring_peek(const struct rp_ring *r, int64_t from, const int16_t **at)
{
    size_t index;

    if (from < r->start || from >= r->end)
        return 0;
    index = (size_t)(from % (int64_t)r->cap);
    *at = r->buf + index;
    return RP_MIN((size_t)(r->end - from), r->cap - index);
}

size_t rp_ring_read(const struct rp_ring *r, int64_t from, int16_t *out, size_t n)
{
    size_t done = 0;

    while (done < n) {
        const int16_t *at;
        size_t part = rp_ring_peek(r, from + (int64_t)done, &at);
        if (part == 0)
            break;
        part = RP_MIN(part, n - done);
        memcpy(out + done, at, part * sizeof(*out));
        done += part;
    }
    return done;
}
