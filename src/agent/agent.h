/* Contract of an agent ("agent" link of the pipeline): whoever answers what the caller said.
 *
 * The session hands over a request; the agent answers with a stream of text, data and an end. Each
 * request belongs to one assistant turn. Several may be under way at once (one `message`, some
 * `data`); the session decides how many. */
#ifndef RP_AGENT_AGENT_H
#define RP_AGENT_AGENT_H

#include "base/str.h"
#include "codec/json.h"
#include "net/loop.h"

struct rp_agent;
struct rp_agent_call;

enum rp_agent_type {
    RP_AGENT_MESSAGE,
    RP_AGENT_DATA,
    RP_AGENT_WELCOME,
    RP_AGENT_SESSION_START, /* the older name of welcome (PROTOCOL 4) */
};

/* Who is talking; the same for all requests of a session. Borrowed until close. */
struct rp_agent_session {
    const char *agent_id, *session_id, *conversation_id;
    const char *from_phone_number, *to_phone_number; /* NULL: a browser */
    const struct rp_json *metadata;                  /* NULL prints {} */
    const struct rp_json *custom_metadata;           /* merged as PROTOCOL 2 says, or NULL */
    const struct rp_json *custom_headers;            /* merged, or NULL */
};

struct rp_agent_request {
    enum rp_agent_type type;
    const char *turn_id;     /* of the assistant turn that the answer will be */
    struct rp_str text;      /* MESSAGE */
    struct rp_str data_json; /* DATA: as JSON.stringify prints it */
    bool interrupted;        /* MESSAGE: the turn just before was cut off; then: */
    uint32_t words_heard;
    struct rp_str text_heard;
    const char *interrupted_turn_id;
};

enum rp_agent_event_type {
    RP_AGENT_TEXT,   /* text to speak (any piece, as it came) */
    RP_AGENT_JSON,   /* data for the client: `text` is JSON as JSON.stringify prints it */
    RP_AGENT_PLAIN,  /* a `data` request was answered with plain JSON: `text`, then END */
    RP_AGENT_HANGUP, /* finish speaking, then end the session; END follows */
    RP_AGENT_END,    /* complete; last event of the call */
    RP_AGENT_ERROR,  /* failed; last event of the call */
};

/* Machine-readable names of what went wrong (the `code` of riposte.error, and of the log). */
#define RP_AGENT_E_REFUSED "connection_failed" /* no connection, no TLS, address refused */
#define RP_AGENT_E_TIMEOUT "timeout"           /* connect, first byte or idle, `why` says which */
#define RP_AGENT_E_STATUS  "bad_status"        /* not 2xx (redirects included) */
#define RP_AGENT_E_TYPE    "bad_content_type"  /* not an event stream */
#define RP_AGENT_E_CUT     "connection_lost"   /* broke off in the middle */
#define RP_AGENT_E_GARBAGE "bad_answer"        /* no event, or no JSON, that can be understood */
#define RP_AGENT_E_LIMIT   "answer_too_large"  /* a line, an event or the whole answer */
#define RP_AGENT_E_BACKEND "backend_error"     /* the backend sent response.error */
#define RP_AGENT_E_OWN     "internal_error"    /* our own limits: memory, queue */

struct rp_agent_event {
    enum rp_agent_event_type type;
    struct rp_str text;             /* borrowed during the call */
    const char *code, *why;         /* ERROR; `why` is a sentence without secrets */
    int status;                     /* HTTP status, 0: none */
    int64_t sent_us, first_byte_us; /* END, ERROR: after the start of the call; -1: not reached */
};

/* On the session's loop, never from inside request(), never after cancel of that call or close. */
typedef void rp_agent_event_fn(struct rp_agent_call *call, const struct rp_agent_event *ev,
                               void *arg);

struct rp_agent_ops {
    /* On 0 *out is valid until its END or ERROR event has returned, or cancel. On error nothing is
     * called later. The request is copied. */
    int (*request)(struct rp_agent_call **out, struct rp_agent *a,
                   const struct rp_agent_request *req, rp_agent_event_fn *cb, void *arg);
    /* At once: the connection is reset if need be. */
    void (*cancel)(struct rp_agent_call *call);
    /* Back-pressure while too much text waits to be spoken. */
    void (*pause)(struct rp_agent_call *call, bool paused);
    /* Cancels all calls. */
    void (*close)(struct rp_agent *a);
};

struct rp_agent {
    const struct rp_agent_ops *ops;
};

struct rp_agent_call {
    struct rp_agent *agent;
    void *user; /* the session's, free to use */
};

#endif
