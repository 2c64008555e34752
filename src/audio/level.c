/* Levels and noise floor; see level.h. */
#include "audio/level.h"

#include <math.h>

#include "audio/pcm.h"

#define SPELL_WINDOWS 62 /* two seconds */
#define RELEASE_DB    0.64f

/* A room louder than this is listened to all the time. */
#define QUIET_FLOOR_DB (-45.0f)
/* Parts of steady noise scatter by less than this; any audible onset exceeds it. */
#define STANDS_OUT_DB 4.0f

void rp_level_init(struct rp_level *l)
{
    *l = (struct rp_level){
        .window_db = RP_PCM_SILENCE_DB,
        .block_db = {RP_PCM_SILENCE_DB, RP_PCM_SILENCE_DB, RP_PCM_SILENCE_DB, RP_PCM_SILENCE_DB},
        .meter_db = RP_PCM_SILENCE_DB,
        .floor_db = RP_PCM_SILENCE_DB,
        .lowest_db = {0.0f, 0.0f},
    };
}

void rp_level_window(struct rp_level *l, const int16_t pcm[RP_LEVEL_WINDOW])
{
    float power = 0.0f;

    for (int b = 0; b < RP_LEVEL_BLOCKS; b++) {
        float rms = rp_pcm_rms(pcm + b * RP_LEVEL_BLOCK, RP_LEVEL_BLOCK);
        l->block_db[b] = rp_pcm_dbfs(rms);
        power += rms * rms / RP_LEVEL_BLOCKS;
    }
    l->window_db = rp_pcm_dbfs(sqrtf(power));
    l->meter_db = fmaxf(l->window_db, l->meter_db - RELEASE_DB);

    if (l->nwindows == SPELL_WINDOWS) {
        l->lowest_db[1] = l->lowest_db[0];
        l->lowest_db[0] = 0.0f;
        l->nwindows = 0;
        l->full_spell = true;
    }
    l->nwindows++;
    l->lowest_db[0] = fminf(l->lowest_db[0], l->window_db);
    l->floor_db = fminf(l->lowest_db[0], l->lowest_db[1]);
}

bool rp_level_is_quiet(const struct rp_level *l)
{
    if (!l->full_spell || l->floor_db > QUIET_FLOOR_DB)
        return false;
    for (int b = 0; b < RP_LEVEL_BLOCKS; b++)
        if (l->block_db[b] > l->floor_db + STANDS_OUT_DB)
            return false;
    return true;
}
