/* The speaking half of a session: text in, paced audio out.
 *
 *     text ─► clauses ─► synthesiser ─► queue ─► 128 ms chunks, at most LEAD ahead of playback
 *            sentence.h     tts.h
 *
 * One speaker serves one session and speaks one turn at a time. It decides nothing: the turn
 * machine starts, holds and stops it, and learns from its callbacks what has been synthesised and
 * sent. On the session's loop only. */
#ifndef RP_SESSION_SPEAKER_H
#define RP_SESSION_SPEAKER_H

#include "base/list.h"
#include "base/slab.h"
#include "net/loop.h"
#include "tts/tts.h"

struct rp_speaker;

/* What a shard's speakers share: the tick and the buffers. */
struct rp_pacer {
    struct rp_loop *loop;
    struct rp_timer tick;
    struct rp_list speaking;
    struct rp_slab chunks;
};
void rp_pacer_init(struct rp_pacer *p, struct rp_loop *loop);
/* No speaker may be left. */
void rp_pacer_fini(struct rp_pacer *p);

struct rp_speaker_cb {
    /* Sends these samples (16 kHz, a multiple of 128) to the client, who will play them from
     * `plays_us` on (rp_now_us()'s clock). False when the client cannot take them now: they are
     * offered again after rp_speaker_writable. */
    bool (*send)(const int16_t *pcm, size_t n, int64_t plays_us, void *arg);
    /* `n` samples of the turn have been sent so far. */
    void (*sent)(int64_t n, void *arg);
    /* Bytes [from, to) of the turn's text sound from sample `at` to `end` of the turn's audio. */
    void (*word)(uint32_t from, uint32_t to, int64_t at, int64_t end, bool estimated, void *arg);
    /* All text of the finished turn has been synthesised; its audio has `n` samples. Comes once for
     * each finish that was not stopped. */
    void (*synthesised)(int64_t n, void *arg);
    /* The synthesiser failed on a part, which is left out. */
    void (*failed)(const char *why, void *arg);
    /* Too much text waits to be spoken (true), or no longer. */
    void (*backlog)(bool full, void *arg);
};

/* `tts` is borrowed; its events are handed in by rp_speaker_tts_event. */
int rp_speaker_new(struct rp_speaker **out, struct rp_pacer *pacer, struct rp_tts *tts,
                   const struct rp_speaker_cb *cb, void *arg);
void rp_speaker_free(struct rp_speaker *s);
void rp_speaker_tts_event(struct rp_speaker *s, const struct rp_tts_event *ev);

/* A new turn; whatever was being spoken is stopped. */
void rp_speaker_begin(struct rp_speaker *s);
/* More of the turn's text, which stands at byte `from` of it; pieces follow one another without a
 * hole. RP_ELIMIT, RP_ENOMEM: it was not taken. */
int rp_speaker_text(struct rp_speaker *s, struct rp_str text, uint32_t from);
/* Words that are not part of the turn's text: spoken in their place, without word times. */
int rp_speaker_filler(struct rp_speaker *s, struct rp_str text);
/* The turn's text is complete. */
void rp_speaker_finish(struct rp_speaker *s);
/* Drops text, synthesis and queued audio at once. No callback about them afterwards. */
void rp_speaker_stop(struct rp_speaker *s);
/* Sends nothing while held; synthesis goes on. */
void rp_speaker_hold(struct rp_speaker *s, bool held);
/* The client can take audio again. */
void rp_speaker_writable(struct rp_speaker *s);

#endif
