/* A WAV file as a whole, at the rate of a caller. */
#ifndef RP_APP_RECORDING_H
#define RP_APP_RECORDING_H

#include <stddef.h>
#include <stdint.h>

struct rp_recording {
    int16_t *pcm;
    size_t n;
    size_t speech_end; /* samples up to where it is last loud: what follows is silence */
};

/* Reads `path` and converts to `rate_hz`. On failure says why on standard error. */
int rp_recording_load(struct rp_recording *r, const char *path, int rate_hz);
void rp_recording_fini(struct rp_recording *r);
/* Writes 16-bit mono. Says why on failure. */
int rp_recording_save(const char *path, const int16_t *pcm, size_t n, int rate_hz);

#endif
