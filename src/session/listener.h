/* The hearing half of a session: the caller's audio in, speech edges out.
 *
 *     client ─► inbox ─► resampler ─► echo, level, VAD ─► speech starts, stops
 *              (≤ 60 s)   16 kHz  └─► recogniser
 *
 * It keeps the media clock: the position counts the caller's samples at 16 kHz. Where audio is
 * missing for longer than the network allowance, the missing time is filled with silence, so that
 * positions keep pace with real time. It decides nothing: the turn machine gets its edges.
 *
 * A recording may come much faster than real time. It then waits in the inbox and is taken a second
 * at a time, so that other sessions of the loop go on; what came behind it on the socket (a button,
 * typed text) waits with it. On the session's loop only. */
#ifndef RP_SESSION_LISTENER_H
#define RP_SESSION_LISTENER_H

#include "audio/vad.h"
#include "net/loop.h"
#include "stt/stt.h"
#include "transport/transport.h"

struct rp_listener;

struct rp_listener_cb {
    /* Speech begins at sample `at` (its true onset), or has ended there. */
    void (*speech)(bool starts, int64_t at, void *arg);
    /* A piece of audio has been processed: time has gone on. */
    void (*processed)(void *arg);
    /* An event that waited behind audio; borrowed. */
    void (*event)(const struct rp_client_event *ev, void *arg);
    /* Whether the next piece may be processed now; otherwise rp_listener_pump later. */
    bool (*wanted)(void *arg);
    /* The inbox is full (stop reading the socket) or has room again. */
    void (*full)(bool full, void *arg);
};

struct rp_listener_params {
    struct rp_loop *loop;
    const struct rp_vad_model *vad;
    struct rp_stt *stt; /* borrowed */
    unsigned in_rate;
    struct rp_listener_cb cb;
    void *arg;
};

int rp_listener_new(struct rp_listener **out, const struct rp_listener_params *p);
/* Not from inside its callbacks. NULL is harmless. */
void rp_listener_free(struct rp_listener *l);

/* Samples from the client, at in_rate. */
void rp_listener_audio(struct rp_listener *l, const int16_t *pcm, size_t n);
/* An event that has to keep its place behind the audio; comes back by `event`, at once if nothing
 * waits. */
void rp_listener_event(struct rp_listener *l, const struct rp_client_event *ev);
/* Goes on after `wanted` said no. */
void rp_listener_pump(struct rp_listener *l);
/* No audio is to be expected after what is here (the client said so): no allowance. */
void rp_listener_no_more(struct rp_listener *l);

/* The media clock as of the audio processed. */
int64_t rp_listener_pos(const struct rp_listener *l);
/* While somebody speaks: the end of the last sample that sounded like it; else 0. */
int64_t rp_listener_speech_end(const struct rp_listener *l);
/* Counts missing time up to `now_us` (rp_now_us()'s clock) as silence, if the allowance is over. */
void rp_listener_sync(struct rp_listener *l, int64_t now_us);

/* The caller will hear these samples (16 kHz) from `plays_us` on: what may come back as an echo. */
void rp_listener_plays(struct rp_listener *l, const int16_t *pcm, size_t n, int64_t plays_us);
/* Playback has been cut now. */
void rp_listener_plays_no_more(struct rp_listener *l, int64_t now_us);

#endif
