/* One call: the actor that owns a caller's connection and everything behind it.
 *
 *     socket ─► transport ─► listener ─┐                ┌─► transport ─► socket
 *     agent's answer ──────────────────┼─► turn machine ┼─► speaker (synthesis, pacing)
 *     recogniser's words ──────────────┘   (pure)       ├─► agent (webhook, demo)
 *                                                       └─► store, log
 *
 * session.c turns what happens into events of the turn machine (turn/turn.h), actions.c carries out
 * what it decides. A session lives on one shard for life; all functions are called there. */
#ifndef RP_SESSION_SESSION_H
#define RP_SESSION_SESSION_H

#include "net/http_server.h"
#include "session/shard.h"
#include "store/store.h"
#include "transport/transport.h"

struct rp_session;

/* Upgrades the request and starts the call of a session that was just claimed. The request is gone
 * afterwards in any case: on failure it has been answered, and the session's end stored. `claim` is
 * borrowed during the call. */
void rp_session_open(struct rp_shard *shard, struct rp_http_req *req,
                     const struct rp_transport_ops *transport,
                     const struct rp_store_session_claim *claim);

/* Ends it in good order: the socket is closed with 1001 and `reason` is stored. */
void rp_session_end(struct rp_session *s, const char *reason);

#endif
