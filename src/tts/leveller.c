/* One loudness for speech; see leveller.h. */
#include "tts/leveller.h"

#include <math.h>

#include "audio/pcm.h"
#include "base/check.h"

#define SILENCE_POWER 1e-6f  /* -60 dBFS: frames below are not speech */
#define GATE          0.1f   /* -10 dB */
#define STEP          1.006f /* change of gain in a frame: 2.6 dB a second */

void rp_leveller_init(struct rp_leveller *l, float target_db, float max_db)
{
    l->target = powf(10, target_db / 10);
    l->max_gain = powf(10, max_db / 20);
    l->gain = 0;
    l->frames = 0;
}

void rp_leveller_see(struct rp_leveller *l, const int16_t frame[static RP_LEVELLER_FRAME])
{
    float rms = rp_pcm_rms(frame, RP_LEVELLER_FRAME);

    if (l->frames < RP_LEVELLER_FRAMES)
        l->power[l->frames++] = rms * rms;
}

/* Mean power of the frames above `floor`; 0 if there are none. */
static float mean_above(const struct rp_leveller *l, float floor)
{
    float sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < l->frames; i++)
        if (l->power[i] > floor) {
            sum += l->power[i];
            n++;
        }
    return n ? sum / (float)n : 0;
}

void rp_leveller_run(struct rp_leveller *l, int16_t *pcm, size_t n)
{
    float power = mean_above(l, RP_MAX(SILENCE_POWER, GATE * mean_above(l, SILENCE_POWER)));
    float want = power > 0 ? sqrtf(l->target / power) : 1, from = l->gain;

    want = fminf(fmaxf(want, 1 / l->max_gain), l->max_gain);
    if (from == 0)
        from = want;
    want = fminf(fmaxf(want, from / STEP), from * STEP);
    rp_pcm_ramp(pcm, n, from, want);
    l->gain = want;
}
