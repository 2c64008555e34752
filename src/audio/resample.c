/* Rate conversion by speexdsp; see resample.h. */
#include "audio/resample.h"

#include <speex/speex_resampler.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"

#define MIN_HZ 4000
#define MAX_HZ 192000
/* Of 0..10: a filter of 64 input samples, 4 ms of delay from 8 kHz, images more than 60 dB down. */
#define QUALITY 4

struct rp_resample {
    SpeexResamplerState *speex; /* NULL when the rates are equal */
    int64_t from_hz, to_hz;
    int64_t taken, given; /* samples of this stream */
    int in_latency;       /* input samples */
};

int rp_resample_new(struct rp_resample **out, int from_hz, int to_hz)
{
    struct rp_resample *r;
    int err = RESAMPLER_ERR_SUCCESS;

    if (from_hz < MIN_HZ || from_hz > MAX_HZ || to_hz < MIN_HZ || to_hz > MAX_HZ)
        return RP_EINVAL;
    r = rp_zalloc(sizeof(*r));
    if (!r)
        return RP_ENOMEM;
    r->from_hz = from_hz;
    r->to_hz = to_hz;
    if (from_hz != to_hz) {
        r->speex = speex_resampler_init(1, (unsigned)from_hz, (unsigned)to_hz, QUALITY, &err);
        if (!r->speex) {
            rp_free(r);
            return err == RESAMPLER_ERR_ALLOC_FAILED ? RP_ENOMEM : RP_EINVAL;
        }
        r->in_latency = speex_resampler_get_input_latency(r->speex);
    }
    rp_resample_reset(r);
    *out = r;
    return 0;
}

void rp_resample_free(struct rp_resample *r)
{
    if (!r)
        return;
    if (r->speex)
        speex_resampler_destroy(r->speex);
    rp_free(r);
}

void rp_resample_reset(struct rp_resample *r)
{
    r->taken = r->given = 0;
    if (!r->speex)
        return;
    (void)speex_resampler_reset_mem(r->speex);
    (void)speex_resampler_skip_zeros(r->speex);
}

size_t rp_resample_room(const struct rp_resample *r, size_t n)
{
    return (n + (size_t)r->in_latency) * (size_t)r->to_hz / (size_t)r->from_hz + 2;
}

size_t rp_resample_run(struct rp_resample *r, const int16_t *in, size_t n, int16_t *out)
{
    size_t done = 0, used = 0, room = rp_resample_room(r, n);

    if (!r->speex) {
        memcpy(out, in, n * sizeof(*in));
        return n;
    }
    while (used < n) {
        spx_uint32_t in_len = (spx_uint32_t)RP_MIN(n - used, 1u << 20);
        spx_uint32_t out_len = (spx_uint32_t)RP_MIN(room - done, 1u << 24);
        int err =
            speex_resampler_process_int(r->speex, 0, in + used, &in_len, out + done, &out_len);
        RP_ASSERT(err == RESAMPLER_ERR_SUCCESS && in_len + out_len > 0);
        used += in_len;
        done += out_len;
    }
    r->taken += (int64_t)n;
    r->given += (int64_t)done;
    return done;
}

size_t rp_resample_flush(struct rp_resample *r, int16_t *out)
{
    static const int16_t silence[256];
    int64_t want = r->taken * r->to_hz / r->from_hz - r->given;
    size_t left = (size_t)r->in_latency + 1, done = 0;

    while (r->speex && left > 0 && (int64_t)done < want) {
        spx_uint32_t in_len = (spx_uint32_t)RP_MIN(left, RP_COUNT(silence));
        spx_uint32_t out_len = (spx_uint32_t)(want - (int64_t)done);
        int err = speex_resampler_process_int(r->speex, 0, silence, &in_len, out + done, &out_len);
        RP_ASSERT(err == RESAMPLER_ERR_SUCCESS);
        left -= in_len;
        done += out_len;
    }
    rp_resample_reset(r);
    return done;
}

int rp_resample_latency(const struct rp_resample *r)
{
    return (int)(r->in_latency * r->to_hz / r->from_hz);
}
