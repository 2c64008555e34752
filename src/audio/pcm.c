/* Sixteen-bit linear audio; see pcm.h. */
#include "audio/pcm.h"

#include <math.h>

static int16_t saturate(int32_t x)
{
    return (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
}

static int16_t from_le(uint8_t low, uint8_t high)
{
    return (int16_t)(uint16_t)(low | high << 8);
}

size_t rp_pcm_from_le(struct rp_pcm_carry *carry, const uint8_t *bytes, size_t len, int16_t *out)
{
    size_t n = 0, i = 0;

    if (carry->held && len > 0) {
        out[n++] = from_le(carry->byte, bytes[i++]);
        carry->held = false;
    }
    for (; i + 1 < len; i += 2)
        out[n++] = from_le(bytes[i], bytes[i + 1]);
    if (i < len) {
        carry->byte = bytes[i];
        carry->held = true;
    }
    return n;
}

void rp_pcm_to_le(const int16_t *pcm, size_t n, uint8_t *bytes)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t u = (uint16_t)pcm[i];
        bytes[2 * i] = (uint8_t)(u & 0xff);
        bytes[2 * i + 1] = (uint8_t)(u >> 8);
    }
}

int16_t rp_pcm_from_float(float x)
{
    float scaled = x * 32768.0f;

    if (!(scaled > (float)INT16_MIN)) /* NaN comes here as well */
        return isnan(scaled) ? 0 : INT16_MIN;
    return scaled >= (float)INT16_MAX ? INT16_MAX : (int16_t)lrintf(scaled);
}

void rp_pcm_mix(int16_t *dst, const int16_t *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = saturate(dst[i] + src[i]);
}

void rp_pcm_ramp(int16_t *pcm, size_t n, float from, float to)
{
    float step = n ? (to - from) / (float)n : 0.0f;

    for (size_t i = 0; i < n; i++)
        pcm[i] = rp_pcm_from_float((float)pcm[i] * (from + step * (float)i) / 32768.0f);
}

float rp_pcm_rms(const int16_t *pcm, size_t n)
{
    int64_t sum = 0;

    if (n == 0)
        return 0.0f;
    for (size_t i = 0; i < n; i++)
        sum += (int32_t)pcm[i] * pcm[i];
    return sqrtf((float)sum / (float)n) / 32768.0f;
}

int rp_pcm_peak(const int16_t *pcm, size_t n)
{
    int peak = 0;

    for (size_t i = 0; i < n; i++) {
        int mag = pcm[i] < 0 ? -pcm[i] : pcm[i];
        peak = mag > peak ? mag : peak;
    }
    return peak;
}

float rp_pcm_dbfs(float level)
{
    float db = level > 0.0f ? 20.0f * log10f(level) : RP_PCM_SILENCE_DB;

    return db < RP_PCM_SILENCE_DB ? RP_PCM_SILENCE_DB : db;
}
