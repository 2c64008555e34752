/* Changes the sampling rate of a stream, packet by packet.
 *
 * Sample k of the output is the signal at the time of input sample k * from / to: the filter's
 * delay is taken out, so positions before and behind it convert by the ratio alone. What the filter
 * needs is that many samples of the future, so the newest few milliseconds come out with the next
 * packet (rp_resample_latency) or with rp_resample_flush. Owned by one thread; allocates in `new`
 * only. */
#ifndef RP_AUDIO_RESAMPLE_H
#define RP_AUDIO_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct rp_resample;

/* Any rates of 4,000 to 192,000 Hz, mono; equal rates copy. RP_EINVAL, RP_ENOMEM. */
int rp_resample_new(struct rp_resample **out, int from_hz, int to_hz);
void rp_resample_free(struct rp_resample *r);
/* A new stream: forgets the past. */
void rp_resample_reset(struct rp_resample *r);
/* The greatest number of samples that rp_resample_run gives for n samples of input. */
size_t rp_resample_room(const struct rp_resample *r, size_t n);
/* Takes all n samples, writes to `out`, which has the room told above, and gives the number
 * written. */
size_t rp_resample_run(struct rp_resample *r, const int16_t *in, size_t n, int16_t *out);
/* The samples held back at the end of a stream, as if silence followed; then resets. `out` has room
 * for rp_resample_room(r, 0) samples. */
size_t rp_resample_flush(struct rp_resample *r, int16_t *out);
/* How far the output lags behind the input, in samples of the output rate. */
int rp_resample_latency(const struct rp_resample *r);

#endif
