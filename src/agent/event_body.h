/* Bodies of everything Riposte posts to a customer's backend: agent requests and session webhooks.
 *
 * Published backends verify the signature over JSON.stringify(JSON.parse(body)), so a body is
 * exactly what that would print (PROTOCOL 4). Pure: ids, times and values are handed in.
 *
 * All builders append to `b`, whose cap is the limit on a body, and return rp_buf_err(b). */
#ifndef RP_AGENT_EVENT_BODY_H
#define RP_AGENT_EVENT_BODY_H

#include "agent/agent.h"
#include "base/buf.h"

/* The `type` of a request's body: "message" … */
const char *rp_event_type_name(enum rp_agent_type type);

int rp_event_body_request(struct rp_buf *b, const struct rp_agent_session *s,
                          const struct rp_agent_request *r);

/* session.start to the session webhook: authorized, or the phone answered. */
int rp_event_body_session_start(struct rp_buf *b, const struct rp_agent_session *s,
                                int64_t started_ms);

struct rp_transcript_item {
    bool assistant; /* else the user */
    struct rp_str text;
    int64_t wall_ms;
};

struct rp_session_end {
    int64_t started_ms, ended_ms;  /* wall time; `duration` is the difference */
    double transcription_s, tts_s; /* seconds of speech in and out; negative: not known, null */
    int64_t latency_ms;            /* negative: not known, null */
    const char *ip_address, *country_code; /* NULL: null */
    bool recording_enabled;
    const struct rp_transcript_item *transcript;
    size_t ntranscript;
};

int rp_event_body_session_end(struct rp_buf *b, const struct rp_agent_session *s,
                              const struct rp_session_end *e);

struct rp_session_update {
    bool completed;            /* the recording is ready; else it failed */
    const char *recording_url; /* NULL: null */
    double recording_s;        /* negative: null */
    const char *error_message; /* NULL: left out */
};

int rp_event_body_session_update(struct rp_buf *b, const struct rp_agent_session *s,
                                 const struct rp_session_update *u);

#endif
