/* What the sessions of one loop share, and what all sessions of the process share.
 *
 * A shard is one loop with everything that only its thread touches: the HTTP client, the pacer, the
 * live sessions. The environment is immutable after the start. app/server.c makes both. */
#ifndef RP_SESSION_SHARD_H
#define RP_SESSION_SHARD_H

#include <stdatomic.h>

#include "agent/webhook.h"
#include "audio/vad.h"
#include "net/http_client.h"
#include "session/speaker.h"
#include "store/store.h"
#include "stt/stt.h"
#include "tts/tts.h"

struct rp_env {
    struct rp_store *store;
    const struct rp_vad_model *vad;
    const struct rp_stt_engine *stt;
    const struct rp_tts_engine *tts;
    const char *node_id;
    int64_t connect_timeout_us, first_byte_timeout_us, idle_timeout_us;
    atomic_int live; /* sessions on all shards */
};

struct rp_shard {
    struct rp_loop *loop;
    struct rp_env *env;
    struct rp_http_client *http;
    struct rp_pacer pacer;
    struct rp_list sessions;
    bool draining;             /* live sessions end as soon as they can */
    uint64_t ignored, invalid; /* messages of clients, of sessions that have ended */
};

/* On the shard's loop. */
int rp_shard_init(struct rp_shard *s, struct rp_loop *loop, struct rp_env *env);
/* Ends every session in good order (reason "shutdown"). */
void rp_shard_end_sessions(struct rp_shard *s);
/* No session may be left; `done` runs on the loop. */
void rp_shard_close(struct rp_shard *s, void (*done)(void *arg), void *arg);

#endif
