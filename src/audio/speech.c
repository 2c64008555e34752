/* Speech detector; see speech.h. */
#include "audio/speech.h"

#include <math.h>
#include <string.h>

#include "audio/pcm.h"
#include "audio/steady.h"
#include "base/check.h"

enum { WINDOW = RP_VAD_WINDOW, WINDOW_MS = 32, MS = RP_VAD_HZ / 1000 };

/* Evidence. One window cannot add more than MAX_ODDS - LEAK, whatever the network says. The leak
 * lets long stretches of "perhaps" come to nothing. */
#define MAX_ODDS   4.0f
#define LEAK       1.0f
#define PER_WINDOW 2.34f /* needed, for each window of min_speech_ms: 3 certain ones make 9 */
#define STEADY     0.6f  /* steadier than this is a tone */
#define OTHER_COSTS                                                                                \
    2.0f /* of a window that is speech-like, but a tone or the agent's own voice                   \
          */
/* Speech that stopped so recently is likely to go on: two thirds of the evidence will do. */
#define RESUME_MS    1000
#define RESUME_SHARE 0.67f

/* While there is speech, a window counts as such from here on. */
#define STAYS 0.35f
/* The network says "speech" for about so long after it has ended: the end may be dated back by it.
 */
#define LINGER_MS 96

/* The gate stays open for so long, and gives the network so many windows of the silence before. */
#define GATE_WINDOWS 16
#define WARM_UP      3

void rp_speech_init(struct rp_speech *s, const struct rp_vad_model *model,
                    struct rp_speech_params params, int64_t pos)
{
    memset(s, 0, sizeof(*s));
    s->params = params;
    s->origin = s->pos = s->end = pos;
    s->start = -1;
    rp_vad_init(&s->vad, model);
    rp_level_init(&s->level);
    for (int i = 0; i < RP_SPEECH_HISTORY; i++)
        for (int b = 0; b < RP_LEVEL_BLOCKS; b++)
            s->block_db[i][b] = RP_PCM_SILENCE_DB;
}

static int slot(int64_t window)
{
    return (int)(window % RP_SPEECH_HISTORY);
}

/* Windows and blocks are numbered from the beginning of the stream. */
static int64_t window_pos(const struct rp_speech *s, int64_t window)
{
    return s->origin + window * WINDOW;
}

static int64_t block_pos(const struct rp_speech *s, int64_t block)
{
    return s->origin + block * RP_LEVEL_BLOCK;
}

static float block_db(const struct rp_speech *s, int64_t block)
{
    return s->block_db[slot(block / RP_LEVEL_BLOCKS)][block % RP_LEVEL_BLOCKS];
}

static void note_loudness(struct rp_speech *s, int64_t window)
{
    for (int b = 0; b < RP_LEVEL_BLOCKS; b++)
        s->loudest_db = fmaxf(s->loudest_db, s->block_db[slot(window)][b]);
}

/* What stands out of the noise: by a third of what the voice stands out, 6 dB at most, and not so
 * far below the voice that it must be the room's answer to it. */
static float loud_db(const struct rp_speech *s)
{
    float above = s->loudest_db - s->level.floor_db;

    return fmaxf(s->level.floor_db + fminf(6.0f, above / 3.0f), s->loudest_db - 32.0f);
}

/* The position at which the sound of `window` stands out. Looks up to two windows back, because
 * soft consonants come before the network is sure of anything. */
static int64_t onset(const struct rp_speech *s, int64_t window)
{
    int64_t block = window * RP_LEVEL_BLOCKS, last = block + RP_LEVEL_BLOCKS - 1;
    int64_t oldest = RP_MAX(window - 2, 0) * RP_LEVEL_BLOCKS;
    float loud = loud_db(s);

    while (block < last && block_db(s, block) < loud)
        block++;
    if (block == window * RP_LEVEL_BLOCKS)
        while (block > oldest && block_db(s, block - 1) >= loud &&
               !s->own[slot((block - 1) / RP_LEVEL_BLOCKS)])
            block--;
    return RP_MAX(block_pos(s, block), s->end);
}

/* The window holds speech: moves its end. */
static void note_voice(struct rp_speech *s, int64_t window)
{
    int64_t block = (window + 1) * RP_LEVEL_BLOCKS, first = window * RP_LEVEL_BLOCKS;
    float loud = loud_db(s);

    while (block > first && block_db(s, block - 1) < loud)
        block--;
    if (block > first)
        s->loud_end = block_pos(s, block);
    s->end = RP_MAX(s->end, s->loud_end);
    s->end = RP_MAX(s->end, window_pos(s, window + 1) - LINGER_MS * MS);
}

/* The network's opinion as log odds, bounded and less the leak. */
static float odds_of(float p)
{
    float odds = logf((p + 1e-6f) / (1.0f - p + 1e-6f));

    return fmaxf(-MAX_ODDS, fminf(MAX_ODDS, odds)) - LEAK;
}

static bool is_tone(const struct rp_speech *s, int64_t window)
{
    return window >= 2 && rp_steadiness(s->pcm[slot(window - 2)], s->pcm[slot(window - 1)],
                                        s->pcm[slot(window)]) > STEADY;
}

static float evidence_needed(const struct rp_speech *s)
{
    int windows = RP_MAX((s->params.min_speech_ms + WINDOW_MS - 1) / WINDOW_MS, 1);
    bool resumes = s->start >= 0 && s->candidate < s->end + RESUME_MS * MS;

    return (float)windows * PER_WINDOW * (resumes ? RESUME_SHARE : 1.0f);
}

/* Nobody is speaking: has somebody begun? */
static enum rp_speech_event consider(struct rp_speech *s, int64_t window)
{
    float odds = odds_of(s->probability), before = s->evidence;

    if (odds > 0.0f && (s->own[slot(window)] || is_tone(s, window)))
        odds = -OTHER_COSTS;
    s->evidence = fmaxf(0.0f, before + odds);
    if (s->evidence <= 0.0f)
        return RP_SPEECH_NONE;
    if (before <= 0.0f)
        s->loudest_db = RP_PCM_SILENCE_DB;
    note_loudness(s, window);
    if (before <= 0.0f)
        s->candidate = onset(s, window);
    if (s->evidence < evidence_needed(s))
        return RP_SPEECH_NONE;
    s->speaking = true;
    s->start = s->end = s->loud_end = s->candidate;
    note_voice(s, window);
    return RP_SPEECH_START;
}

/* Somebody is speaking: still? */
static enum rp_speech_event follow(struct rp_speech *s, int64_t window)
{
    if (s->probability >= STAYS && !s->own[slot(window)]) {
        note_loudness(s, window);
        note_voice(s, window);
        return RP_SPEECH_NONE;
    }
    if (window_pos(s, window + 1) - s->end < (int64_t)s->params.stop_ms * MS)
        return RP_SPEECH_NONE;
    s->speaking = false;
    s->evidence = 0.0f;
    return RP_SPEECH_STOP;
}

static enum rp_speech_event hear(struct rp_speech *s, int64_t window)
{
    s->probability = rp_vad_window(&s->vad, s->pcm[slot(window)]);
    return s->speaking ? follow(s, window) : consider(s, window);
}

/* The gate: whether the network may be spared this window. */
static bool is_shut(struct rp_speech *s)
{
    if (!rp_level_is_quiet(&s->level))
        s->gate_left = GATE_WINDOWS;
    else if (s->gate_left > 0)
        s->gate_left--;
    return s->gate_left == 0 && !s->speaking && s->evidence <= 0.0f;
}

static enum rp_speech_event complete(struct rp_speech *s)
{
    enum rp_speech_event event = RP_SPEECH_NONE;
    int64_t window = s->nwindows++;

    s->filled = 0;
    s->pos = window_pos(s, window + 1);
    s->own[slot(window)] = s->own_voice;
    rp_level_window(&s->level, s->pcm[slot(window)]);
    memcpy(s->block_db[slot(window)], s->level.block_db, sizeof(s->level.block_db));
    if (is_shut(s)) {
        s->unheard++;
        s->probability = 0.0f;
        return RP_SPEECH_NONE;
    }
    if (s->unheard > WARM_UP) { /* a gap: the network begins anew, shortly before what woke us */
        rp_vad_init(&s->vad, s->vad.model);
        s->unheard = WARM_UP;
    }
    for (; s->unheard >= 0; s->unheard--) { /* quiet windows cannot start or stop anything */
        RP_ASSERT(event == RP_SPEECH_NONE);
        event = hear(s, window - s->unheard);
    }
    s->unheard = 0;
    return event;
}

enum rp_speech_event rp_speech_take(struct rp_speech *s, const int16_t **pcm, size_t *n)
{
    size_t part = RP_MIN(*n, WINDOW - s->filled);

    memcpy(s->pcm[slot(s->nwindows)] + s->filled, *pcm, part * sizeof(**pcm));
    s->filled += part;
    *pcm += part;
    *n -= part;
    return s->filled == WINDOW ? complete(s) : RP_SPEECH_NONE;
}

int rp_speech_ms(const struct rp_speech *s)
{
    return s->speaking ? (int)((s->end - s->start) / MS) : 0;
}
