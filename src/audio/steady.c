/* Steadiness of tones; see steady.h.
 *
 * A tone of constant frequency turns its phase by the same angle from each window to the next. So
 * in its bin the product newest × conj(middle)² × oldest has the phase 0, whatever the frequency
 * is. The result is the mean of that phase's cosine over the telephone band, each bin weighted by
 * its mean amplitude. A harmonic that glides by c hertz a second is off by 2 pi c (32 ms)². */
#include "audio/steady.h"

#include <math.h>

enum { FIRST_BIN = 3, LAST_BIN = 121 }; /* 94 to 3,780 Hz */

float rp_steadiness(const int16_t *oldest, const int16_t *middle, const int16_t *newest)
{
    struct rp_spectrum a, b, c;
    float sum = 0.0f, weights = 0.0f;

    rp_fft(oldest, &a);
    rp_fft(middle, &b);
    rp_fft(newest, &c);
    for (int k = FIRST_BIN; k <= LAST_BIN; k++) {
        float ac_re = a.re[k] * c.re[k] - a.im[k] * c.im[k];
        float ac_im = a.re[k] * c.im[k] + a.im[k] * c.re[k];
        float bb_re = b.re[k] * b.re[k] - b.im[k] * b.im[k];
        float bb_im = 2.0f * b.re[k] * b.im[k];
        float re = ac_re * bb_re + ac_im * bb_im; /* of a c × conj(b²) */
        float im = ac_im * bb_re - ac_re * bb_im;
        float size = sqrtf(re * re + im * im);
        if (size > 0.0f) {
            float weight = sqrtf(sqrtf(size));
            sum += weight * re / size;
            weights += weight;
        }
    }
    return weights > 0.0f ? sum / weights : 0.0f;
}
