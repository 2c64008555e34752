/* Contract of a speech recogniser ("stt" link of the pipeline).
 *
 * Riposte itself decides when somebody speaks and when a turn ends; a recogniser turns spans of
 * audio into words. One `struct rp_stt` serves one session. The session feeds it every sample of
 * the caller (16 kHz, positions counted from the session's first sample) and marks utterances:
 *
 *     audio audio audio  begin(from)  audio audio  finalize(1, to)  …  finalize(2, to')  discard
 *     ------------------^~~~~~~~~~~~~ interims ~~~~~~^ final 1          ^ final 2
 *
 * A final is asked for on speculation when silence begins; if speech goes on, a later finalize of
 * the same utterance replaces it (the older answer may still come, told apart by its token). A
 * streaming provider may answer from what it has heard already; a local engine runs on the workers.
 */
#ifndef RP_STT_STT_H
#define RP_STT_STT_H

#include "base/str.h"
#include "net/loop.h"
#include "net/workers.h"

#define RP_STT_RATE 16000

struct rp_stt; /* every engine's session state begins with one */

enum rp_stt_event_type {
    RP_STT_INTERIM, /* words so far of the open utterance; replaces the interim before */
    RP_STT_FINAL,   /* answer to finalize(token): all words of the utterance up to its `to` */
    RP_STT_FAILED,  /* this finalize (token) or, with token 0, the engine as a whole failed */
};

struct rp_stt_event {
    enum rp_stt_event_type type;
    uint64_t token;
    struct rp_str text; /* UTF-8, no surrounding space, may be empty; borrowed during the call */
    int64_t to;         /* sample position up to which the words were heard */
    int64_t work_us;    /* engine time spent, for the metrics */
    const char *why;    /* FAILED: a sentence */
};

/* On the session's loop, never from inside a call into the engine, never after close. */
typedef void rp_stt_event_fn(const struct rp_stt_event *ev, void *arg);

struct rp_stt_params {
    struct rp_loop *loop;
    const char *model_id; /* of the plugin's options, or NULL */
    const char *language; /* "en" …, or NULL */
    rp_stt_event_fn *cb;
    void *arg;
};

/* One engine: process-wide, immutable after start, shared by all loops. */
struct rp_stt_engine {
    const char *name; /* "local" */
    const struct rp_stt_ops *ops;
};

struct rp_stt_ops {
    /* On 0 the caller owns *out (close); on error *out is untouched. */
    int (*open)(struct rp_stt **out, const struct rp_stt_engine *e, const struct rp_stt_params *p);
    /* The next `n` samples of the caller; copied. Never blocks. */
    void (*audio)(struct rp_stt *s, const int16_t *pcm, size_t n);
    /* The stream's position jumps to `pos` (audio was missing: it counts as silence). */
    void (*skip)(struct rp_stt *s, int64_t pos);
    /* An utterance begins at `from` (at most 2 s back; earlier is clamped). An open one is
     * discarded. */
    void (*begin)(struct rp_stt *s, int64_t from);
    /* Wants all words of the open utterance up to `to` (may lie slightly ahead of or behind what
     * was fed). `urgent`: somebody is waiting now (the turn has been decided). */
    void (*finalize)(struct rp_stt *s, uint64_t token, int64_t to, bool urgent);
    /* The utterance is over (its final came or nobody wants it). */
    void (*discard)(struct rp_stt *s);
    /* Ends it; no callback afterwards. NULL is harmless. */
    void (*close)(struct rp_stt *s);
};

struct rp_stt {
    const struct rp_stt_ops *ops;
};

#endif
