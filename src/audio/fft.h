/* The spectrum of 512 real samples. Pure; any thread. */
#ifndef RP_AUDIO_FFT_H
#define RP_AUDIO_FFT_H

#include <stdint.h>

enum { RP_FFT_LEN = 512, RP_FFT_BINS = RP_FFT_LEN / 2 + 1 };

struct rp_spectrum {
    float re[RP_FFT_BINS], im[RP_FFT_BINS]; /* bin k is k / 512 of the sampling rate */
};

/* Of the samples (full scale 1) under a Hann window. */
void rp_fft(const int16_t pcm[RP_FFT_LEN], struct rp_spectrum *out);

#endif
