/* Tells the agent's own voice, come back through the caller's microphone, from the caller's.
 *
 * It is told what the caller hears and when, and compares it with what the microphone picks up, in
 * twelve bands, as energies: that survives loudspeakers, rooms, telephones and echo cancellers,
 * which a comparison of wave forms does not. Delay and loudness of the echo need not be known; up
 * to 600 ms behind the time of playing, and from 3 dB below what was played. A headset, where no
 * echo comes, is found out within the agent's first words, and then any voice is the caller's at
 * once.
 *
 * Positions are samples at 16 kHz of the caller's clock, the same for both sides. 10 kB a session,
 * allocates in `new` only. Owned by one thread. How it works stands at the head of echo.c. */
#ifndef RP_AUDIO_ECHO_H
#define RP_AUDIO_ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RP_ECHO_WINDOW = 512 };
/* What is played further ahead of the microphone than this many samples is not compared. */
#define RP_ECHO_AHEAD (7 * 16000)

struct rp_echo;

/* RP_ENOMEM. */
int rp_echo_new(struct rp_echo **out);
void rp_echo_free(struct rp_echo *e);

/* The caller will hear these samples from `pos` on. Pieces come in the order of their positions; a
 * gap between them is silence. */
void rp_echo_plays(struct rp_echo *e, const int16_t *pcm, size_t n, int64_t pos);
/* Playing was cut: nothing that was said to be heard from `pos` on will be. */
void rp_echo_cut(struct rp_echo *e, int64_t pos);

/* The microphone has heard these samples, the first of them at `pos`; windows follow each other.
 * Whether the agent's voice (and noise) is all there is in them: rp_speech.own_voice. */
bool rp_echo_window(struct rp_echo *e, const int16_t pcm[RP_ECHO_WINDOW], int64_t pos);
/* The share of the last window's energy that is something else, 0..1. For tests and for looking. */
float rp_echo_unexplained(const struct rp_echo *e);

#endif
