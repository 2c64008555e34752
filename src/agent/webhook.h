/* The agent behind a webhook: one signed POST for each request, the answer streamed back.
 *
 * Every failure ends only its own call, with an ERROR that says what happened where (host, status,
 * time), never a secret or a whole URL. On the loop of the session, like all of it. */
#ifndef RP_AGENT_WEBHOOK_H
#define RP_AGENT_WEBHOOK_H

#include "agent/agent.h"
#include "net/http_client.h"

/* What became of one request, for the webhook log. Everything is borrowed during the callback. */
struct rp_webhook_record {
    const char *type; /* "message" … */
    const char *url;
    const char *agent_id, *session_id, *turn_id;
    int64_t started_wall_ms;
    int status;       /* 0: none came */
    bool cancelled;   /* by us, before the answer was complete */
    const char *code; /* RP_AGENT_E_…, NULL: fine (or cancelled) */
    const char *why;
    struct rp_http_timing timing;
    size_t sent, received;           /* bytes of the bodies */
    unsigned events, dropped;        /* of the answer; plain JSON counts as one */
    struct rp_str request, response; /* the beginnings of the bodies */
};

typedef void rp_webhook_log_fn(const struct rp_webhook_record *record, void *arg);

struct rp_agent_webhook_params {
    struct rp_loop *loop;
    struct rp_http_client *http; /* must outlive the agent */
    const char *url;
    struct rp_str secret;
    struct rp_str pending_secret;                                       /* empty: none */
    const struct rp_agent_session *session;                             /* borrowed until close */
    int64_t connect_timeout_us, first_byte_timeout_us, idle_timeout_us; /* 0: the client's */
    size_t max_body;                                                    /* of a request; 0: 8 MiB */
    size_t max_event, max_answer; /* of an answer; 0: 1 MiB, 16 MiB */
    const char *ca_file;          /* borrowed until close; NULL: the system's */
    rp_webhook_log_fn *log;       /* may be NULL; also runs for answers that end after close */
    void *log_arg;
};

/* Strings and secrets are copied. RP_EINVAL: no url or no secret; RP_ENOMEM. */
int rp_agent_webhook_open(struct rp_agent **out, const struct rp_agent_webhook_params *p);

#endif
