/* Sounds for the tests of audio/: people's voices out of the speech pack, and noises made by code.
 */
#ifndef RP_TEST_AUDIO_CLIPS_H
#define RP_TEST_AUDIO_CLIPS_H

#include <stddef.h>
#include <stdint.h>

#include "audio/vad.h"

enum { CLIP_HZ = 16000 };

struct clip {
    int16_t *pcm; /* mono, 16 kHz; release with rp_free */
    size_t n;
};

/* The network, from the speech pack. */
struct rp_vad_model *clip_model(void);
/* A WAV of the speech pack's recordings/, resampled; at most its first `max_s` seconds. */
struct clip clip_recording(const char *name, int max_s);
/* The text as the local synthesiser says it. */
struct clip clip_spoken(const char *text);
/* How many noises there are, their names, and one of them, `seconds` long. */
size_t clip_noise_count(void);
const char *clip_noise_name(size_t i);
struct clip clip_noise(size_t i, int seconds);

/* Pseudo-random, -1 to 1; *seed is the state. */
float clip_random(uint32_t *seed);
/* Changes the loudness so that the RMS is that many dBFS. */
void clip_set_level(struct clip c, float dbfs);
/* As a telephone passes it: 8 kHz and back. Keeps the length. */
void clip_telephone(struct clip c);
/* Adds `other`, repeated as needed, `snr_db` below `c`; both by RMS. */
void clip_add_noise(struct clip c, struct clip other, float snr_db);

#endif
