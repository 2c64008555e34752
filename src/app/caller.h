/* A caller without a browser: authorizes a session, opens the socket, speaks, listens.
 *
 * It behaves like the published browser SDK with its own VAD off: the microphone is always on (what
 * is not a recording is silence), audio goes out in messages of 100 ms, playback takes as long as
 * it would in a loudspeaker and is dropped when a turn of the user starts. `riposte talk` and the
 * benchmarks are made of callers. On its loop only. */
#ifndef RP_APP_CALLER_H
#define RP_APP_CALLER_H

#include "codec/json.h"
#include "net/http_client.h"
#include "net/loop.h"

#define RP_CALLER_RATE      8000  /* of what it speaks */
#define RP_CALLER_PLAY_RATE 16000 /* of what it hears */

struct rp_caller;

struct rp_caller_params {
    struct rp_loop *loop;
    struct rp_http_client *http;
    const char *url; /* base URL of the server */
    const char *api_key;
    const char *agent_id;
    const char *conversation_id; /* NULL: a new one */
    bool fast;                   /* recordings go out at once, not in real time */
    bool gated;                  /* no audio but recordings, as a client with a VAD gate */
    bool deaf;                   /* does not keep what it hears (benchmarks) */
};

struct rp_caller_cb {
    /* The socket is open, the session has begun. */
    void (*opened)(struct rp_caller *c, void *arg);
    /* A message other than audio; borrowed. `at_us`: when it came. */
    void (*message)(struct rp_caller *c, struct rp_str type, const struct rp_json *msg,
                    int64_t at_us, void *arg);
    /* `n` samples of the answer's turn came. */
    void (*audio)(struct rp_caller *c, struct rp_str turn_id, size_t n, int64_t at_us, void *arg);
    /* The recording's last sample has been sent. */
    void (*spoken)(struct rp_caller *c, void *arg);
    /* The last audio that came has been played. */
    void (*played)(struct rp_caller *c, void *arg);
    /* Over; last callback, also when it could not begin. `why` NULL: closed in good order. Then
     * rp_caller_free may be called. */
    void (*closed)(struct rp_caller *c, const char *why, void *arg);
};

/* Starts. On error no callback comes. */
int rp_caller_new(struct rp_caller **out, const struct rp_caller_params *p,
                  const struct rp_caller_cb *cb, void *arg);
/* Only after `closed`. */
void rp_caller_free(struct rp_caller *c);
/* Hangs up; `closed` follows. */
void rp_caller_hang_up(struct rp_caller *c);

/* Speaks a recording (8 kHz; borrowed until `spoken` or `closed`). */
void rp_caller_speak(struct rp_caller *c, const int16_t *pcm, size_t n);
void rp_caller_type(struct rp_caller *c, struct rp_str text);
/* Presses or releases the push-to-talk button. */
void rp_caller_push(struct rp_caller *c, bool down);

const char *rp_caller_session_id(const struct rp_caller *c);
const char *rp_caller_conversation_id(const struct rp_caller *c);
/* What was heard so far, from the opening of the socket on, at 16 kHz; borrowed. */
const int16_t *rp_caller_heard(const struct rp_caller *c, size_t *n);
/* When the socket opened, on rp_now_us()'s clock. */
int64_t rp_caller_opened_us(const struct rp_caller *c);

#endif
