/* Brings speech to one loudness while it is being made.
 *
 * The loudness is that of the parts that matter: the mean power of the 20 ms frames that are not
 * more than 10 dB below the mean. What is known of it grows with each frame seen; the caller lets
 * some frames be seen ahead of those it takes. The gain moves so slowly that nobody hears it.
 * Pure; owned by one thread. */
#ifndef RP_TTS_LEVELLER_H
#define RP_TTS_LEVELLER_H

#include <stddef.h>
#include <stdint.h>

#define RP_LEVELLER_FRAME  320  /* samples: 20 ms at 16 kHz */
#define RP_LEVELLER_FRAMES 1500 /* so many are looked at, then the gain stays */

struct rp_leveller {
    float target;   /* wanted power */
    float max_gain; /* and its inverse the least */
    float gain;     /* of the last sample; 0: not begun */
    size_t frames;
    float power[RP_LEVELLER_FRAMES];
};

/* A new stream, to come out at `target_db` (dBFS RMS), changed by `max_db` at most. */
void rp_leveller_init(struct rp_leveller *l, float target_db, float max_db);
/* The stream's next frame is known. */
void rp_leveller_see(struct rp_leveller *l, const int16_t frame[static RP_LEVELLER_FRAME]);
/* Changes the next samples (at most a frame) to the wanted loudness, as far as it is known. */
void rp_leveller_run(struct rp_leveller *l, int16_t *pcm, size_t n);

#endif
