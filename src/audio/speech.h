/* Finds speech in a stream: where it begins and where it ends, in samples.
 *
 *     samples ─► windows of 32 ms ─► level gate ─► network (vad.h) ─► evidence ─► start, stop
 *                                      silence: no work  └─► steady tones count against it
 * (steady.h)
 *
 * Speech starts when the evidence, a sum of the network's log odds, is strong enough: three windows
 * that leave no doubt, more when they do. Its onset is dated back to the first sample that stands
 * out. It stops when nothing has sounded like speech for `stop_ms`; what it means for the
 * conversation is the turn machine's business, which gets the position of the last sample of speech
 * at any time.
 *
 * The same samples give the same answers however they are cut, and on each run. 8 kB a session,
 * allocates nothing. Owned by one thread. */
#ifndef RP_AUDIO_SPEECH_H
#define RP_AUDIO_SPEECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/level.h"
#include "audio/vad.h"

struct rp_speech_params {
    int min_speech_ms; /* of undoubted speech until it counts; in steps of 32 ms */
    int stop_ms;       /* silence behind the last sample of speech until it has stopped */
};

#define RP_SPEECH_MIN_MS   96
#define RP_SPEECH_STOP_MS  120
#define RP_SPEECH_DEFAULTS ((struct rp_speech_params){RP_SPEECH_MIN_MS, RP_SPEECH_STOP_MS})

enum rp_speech_event { RP_SPEECH_NONE, RP_SPEECH_START, RP_SPEECH_STOP };

enum { RP_SPEECH_HISTORY = 6 }; /* windows kept, the current one included */

struct rp_speech {
    bool speaking;
    int64_t pos;       /* everything before it has been judged */
    int64_t start;     /* first sample of the speech going on, or of the last one; -1: none yet */
    int64_t end;       /* behind its last sample so far; `pos` at init: none yet */
    float probability; /* of the window judged last; 0 where the gate was shut */
    struct rp_level level;
    /* Written by the owner before it hands over the end of a window: that window holds nothing but
     * the agent's own voice (echo.h). It neither begins speech nor keeps it going. */
    bool own_voice;

    /* Private. */
    struct rp_speech_params params;
    struct rp_vad vad;
    int16_t pcm[RP_SPEECH_HISTORY][RP_VAD_WINDOW]; /* by window number */
    float block_db[RP_SPEECH_HISTORY][RP_LEVEL_BLOCKS];
    bool own[RP_SPEECH_HISTORY]; /* own_voice of each */
    int64_t origin;              /* position of the first sample */
    int64_t nwindows;            /* windows complete */
    size_t filled;               /* samples of the window that is not */
    int unheard;                 /* windows just past that the gate kept from the network */
    int gate_left;               /* windows until the gate may shut */
    float evidence;              /* for speech that has not started */
    int64_t candidate;           /* where it would start */
    int64_t loud_end;            /* behind the last sample of speech that stands out of the noise */
    float loudest_db;            /* block of this speech */
};

/* A stream begins at position `pos`. Borrows the model; there is nothing to release. */
void rp_speech_init(struct rp_speech *s, const struct rp_vad_model *model,
                    struct rp_speech_params params, int64_t pos);
/* Takes samples off the front of *pcm, at most up to the end of a window, and says what that window
 * has brought. Call until *n is 0. */
enum rp_speech_event rp_speech_take(struct rp_speech *s, const int16_t **pcm, size_t *n);
/* Length so far of the speech going on, in ms; 0 when there is none. */
int rp_speech_ms(const struct rp_speech *s);

#endif
