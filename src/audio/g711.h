/* µ-law of ITU-T G.711: one byte a sample at 8 kHz, as telephones send it.
 *
 * Samples here are 16 bit; the standard's 14-bit values are these divided by four. Silence is 0xff.
 * Pure functions, no allocation; any thread. */
#ifndef RP_AUDIO_G711_H
#define RP_AUDIO_G711_H

#include <stddef.h>
#include <stdint.h>

#define RP_ULAW_SILENCE 0xff

/* `pcm` has room for n samples. */
void rp_ulaw_decode(const uint8_t *ulaw, size_t n, int16_t *pcm);
/* `ulaw` has room for n bytes. */
void rp_ulaw_encode(const int16_t *pcm, size_t n, uint8_t *ulaw);

#endif
