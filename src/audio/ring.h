/* The last so many samples of a stream, addressed by absolute position.
 *
 * Position 0 is the first sample ever written; positions never wrap. Holds pre-roll and the audio
 * of an utterance until it is recognised. Memory is taken once, at init. Owned by one thread. */
#ifndef RP_AUDIO_RING_H
#define RP_AUDIO_RING_H

#include <stddef.h>
#include <stdint.h>

struct rp_ring {
    int16_t *buf;
    size_t cap;    /* samples */
    int64_t start; /* position of the oldest sample held */
    int64_t end;   /* position behind the newest one */
};

/* Holds the last `cap` (> 0) samples. RP_ENOMEM. */
int rp_ring_init(struct rp_ring *r, size_t cap);
void rp_ring_fini(struct rp_ring *r);
/* Appends; the oldest samples give way. NULL writes n samples of silence (audio that got lost). */
void rp_ring_write(struct rp_ring *r, const int16_t *pcm, size_t n);
/* Forgets what is before `pos`, which may be ahead of the end: then everything is forgotten. */
void rp_ring_drop(struct rp_ring *r, int64_t pos);
/* Copies the samples from `from` on, at most n, and gives their number; 0 if the sample at `from`
 * is gone or has not come yet. */
size_t rp_ring_read(const struct rp_ring *r, int64_t from, int16_t *out, size_t n);
/* The same without a copy: *at borrows from the ring until the next write. Gives how many samples
 * lie there in one piece, which may be fewer than are held. */
size_t rp_ring_peek(const struct rp_ring *r, int64_t from, const int16_t **at);

#endif
