/* Tells tones from voices.
 *
 * The voice detector takes some music for speech. But the notes of a jingle, a ring tone or a hum
 * keep their frequencies to the hertz for longer than any voice does: the pitch of speech glides,
 * and its harmonics glide by a multiple of that. */
#ifndef RP_AUDIO_STEADY_H
#define RP_AUDIO_STEADY_H

#include <stdint.h>

#include "audio/fft.h"

/* How well the phases of the newest of three adjoining windows follow from the two before: 1 for
 * tones, about 0 for speech and noise and where something begins. Given the oldest window first.
 * Costs 9 µs. */
float rp_steadiness(const int16_t *oldest, const int16_t *middle, const int16_t *newest);

#endif
