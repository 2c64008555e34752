/* Contract of a speech synthesiser ("tts" link of the pipeline).
 *
 * One `struct rp_tts` serves one session. It takes segments of speakable text (clauses, as
 * sentence.h cuts them), in order, and answers with 16 kHz mono PCM and the times of the words, in
 * the same order. All segments of a turn are one stream of audio: a segment's first sample follows
 * the last one of the segment before. */
#ifndef RP_TTS_TTS_H
#define RP_TTS_TTS_H

#include "base/str.h"
#include "net/loop.h"
#include "net/workers.h"

#define RP_TTS_RATE 16000

struct rp_tts;

enum rp_tts_event_type {
    RP_TTS_AUDIO, /* pcm, n: the next samples of segment `seg` */
    RP_TTS_WORD, /* a word of segment `seg` begins at sample `at` (in the segment), ends at `end` */
    RP_TTS_DONE, /* segment `seg` is complete; `at` is its number of samples */
    RP_TTS_FAILED, /* segment `seg` could not be spoken; the next ones are still tried */
};

struct rp_tts_event {
    enum rp_tts_event_type type;
    uint64_t seg;
    const int16_t *pcm; /* borrowed during the call */
    size_t n;
    /* WORD: bytes [text_from, text_to) of the segment's text as it was given. Words come in order,
     * before or with the audio they lie in, and cover every word of the text (what is spoken as
     * several words, "$5", is one span). `estimated`: the engine gave no times. */
    uint32_t text_from, text_to;
    int64_t at, end;
    bool estimated;
    const char *why; /* FAILED: a sentence */
    int64_t work_us; /* DONE: engine time spent */
};

/* On the session's loop, never from inside a call into the engine, never after cancel for older
 * segments, never after close. */
typedef void rp_tts_event_fn(const struct rp_tts_event *ev, void *arg);

struct rp_tts_params {
    struct rp_loop *loop;
    const char *voice_id, *model_id, *language; /* of the plugin's options, or NULL */
    rp_tts_event_fn *cb;
    void *arg;
};

struct rp_tts_engine {
    const char *name; /* "local" */
    const struct rp_tts_ops *ops;
};

struct rp_tts_ops {
    int (*open)(struct rp_tts **out, const struct rp_tts_engine *e, const struct rp_tts_params *p);
    /* Queues a segment; `seg` counts up. The text is copied. RP_ELIMIT: too much is queued (the
     * caller keeps the text and tries again after the next DONE). */
    int (*speak)(struct rp_tts *t, uint64_t seg, struct rp_str text);
    /* Drops everything queued and under way at once. */
    void (*cancel)(struct rp_tts *t);
    /* Back-pressure: while paused no further segment is begun. */
    void (*pause)(struct rp_tts *t, bool paused);
    void (*close)(struct rp_tts *t);
};

struct rp_tts {
    const struct rp_tts_ops *ops;
};

#endif
