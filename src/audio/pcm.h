/* Sixteen-bit linear audio: bytes to samples and back, mixing, fades, levels.
 *
 * Samples are native int16_t; on the wire they are little-endian. Levels are relative to full scale
 * (32768): a sine that just does not clip has an RMS of 0.707, i.e. -3 dBFS. Pure functions, no
 * allocation; any thread. */
#ifndef RP_AUDIO_PCM_H
#define RP_AUDIO_PCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What rp_pcm_dbfs gives for digital silence: below the level of any real sample. */
#define RP_PCM_SILENCE_DB (-120.0f)

/* The first half of a sample whose other half is still to come. Zeroed: none. */
struct rp_pcm_carry {
    uint8_t byte;
    bool held;
};

/* Bytes of a stream, cut anywhere, to samples. `out` has room for (len + 1) / 2 samples. Gives the
 * number written; an odd byte waits in the carry for the next call. */
size_t rp_pcm_from_le(struct rp_pcm_carry *carry, const uint8_t *bytes, size_t len, int16_t *out);
/* `bytes` has room for 2 * n bytes. */
void rp_pcm_to_le(const int16_t *pcm, size_t n, uint8_t *bytes);

/* The nearest sample to x * 32768, saturated; NaN gives 0. */
int16_t rp_pcm_from_float(float x);
/* Adds `src` to `dst`, saturated. */
void rp_pcm_mix(int16_t *dst, const int16_t *src, size_t n);
/* Multiplies by a gain that goes linearly from `from` (at the first sample) to `to` (at the sample
 * after the last), saturated. A fade-out is 1 to 0; equal values are a plain gain. */
void rp_pcm_ramp(int16_t *pcm, size_t n, float from, float to);

/* Root of the mean square, 0..1; 0 for n == 0. */
float rp_pcm_rms(const int16_t *pcm, size_t n);
/* Greatest magnitude, 0..32768. */
int rp_pcm_peak(const int16_t *pcm, size_t n);
/* 20 log10 of a level between 0 and 1, not below RP_PCM_SILENCE_DB. */
float rp_pcm_dbfs(float level);

#endif
