/* How loud it is, and how loud it is when nobody speaks.
 *
 * Looks at windows of 512 samples (32 ms), each in four blocks. The noise floor is the quietest
 * window of the last two to four seconds: speech has gaps that short, noise has not. Levels are RMS
 * in dBFS (pcm.h). Owned by one thread; nothing to release. */
#ifndef RP_AUDIO_LEVEL_H
#define RP_AUDIO_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

enum { RP_LEVEL_WINDOW = 512, RP_LEVEL_BLOCKS = 4, RP_LEVEL_BLOCK = 128 };

struct rp_level {
    float window_db;                 /* of the window seen last */
    float block_db[RP_LEVEL_BLOCKS]; /* of its four parts, in order */
    float meter_db;                  /* for showing: rises at once, falls by 20 dB a second */
    float floor_db;                  /* RP_PCM_SILENCE_DB until there was a window */

    float lowest_db[2]; /* private: of this spell and of the one before */
    int nwindows;       /* private: in this spell */
    bool full_spell;    /* private: one has gone by */
};

void rp_level_init(struct rp_level *l);
void rp_level_window(struct rp_level *l, const int16_t pcm[RP_LEVEL_WINDOW]);

/* Whether the window seen last is certain to hold no beginning of speech: no part of it stands out
 * of a low noise floor. Says no as long as the floor is not known. */
bool rp_level_is_quiet(const struct rp_level *l);

#endif
