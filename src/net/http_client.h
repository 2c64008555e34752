/* HTTP client: one for each loop (a libcurl multi handle on it), with pooled connections.
 *
 * Names are resolved off the loop. An address that is link-local (cloud metadata) is refused, also
 * when a name resolves to it; redirects are not followed. Cancelling closes or resets the request
 * at once and never blocks. */
#ifndef RP_NET_HTTP_CLIENT_H
#define RP_NET_HTTP_CLIENT_H

#include "base/str.h"
#include "net/loop.h"

struct rp_http_client;
struct rp_http_call;

int rp_http_client_new(struct rp_http_client **out, struct rp_loop *l);
/* Cancels what is under way and closes; `done` runs on the loop, then it is gone. */
void rp_http_client_close(struct rp_http_client *c, void (*done)(void *arg), void *arg);

struct rp_http_call_params {
    const char *method;         /* "POST" */
    const char *url;            /* http or https */
    const char *const *headers; /* "Name: value" lines, CR and LF already refused by the caller */
    size_t nheaders;
    struct rp_str body;            /* copied */
    int64_t connect_timeout_us;    /* resolve, connect, TLS; 0: 5 s */
    int64_t first_byte_timeout_us; /* from request sent to first byte of the answer; 0: 30 s */
    int64_t idle_timeout_us;       /* between bytes of the body; 0: 30 s */
    int64_t total_timeout_us;      /* 0: none */
    size_t max_response;           /* bytes of body; 0: 16 MiB; beyond: RP_ELIMIT */
    const char *ca_file;           /* NULL: the system's */
};

/* When it was what, in µs after the start of the call; -1: not reached. */
struct rp_http_timing {
    int64_t resolved, connected, sent, first_byte, done;
    bool reused; /* a pooled connection */
};

struct rp_http_result {
    int err;         /* 0: answered whole; RP_ETIMEOUT, RP_EUPSTREAM, RP_ELIMIT, RP_EDENIED … */
    int status;      /* 0: none came */
    const char *why; /* a sentence for people when err is set; borrowed during the callback */
    struct rp_http_timing timing;
    size_t received;
};

struct rp_http_call_cb {
    /* The header section has arrived (final status, not 1xx). May be NULL. */
    void (*headers)(struct rp_http_call *c, int status, struct rp_str content_type, void *arg);
    /* Bytes of the body, as they come; borrowed. May be NULL. */
    void (*data)(struct rp_http_call *c, struct rp_str bytes, void *arg);
    /* Last callback; the call is gone afterwards. */
    void (*done)(struct rp_http_call *c, const struct rp_http_result *result, void *arg);
};

/* Starts. On error nothing is called later. Callbacks never run from inside this call. */
int rp_http_call_start(struct rp_http_call **out, struct rp_http_client *c,
                       const struct rp_http_call_params *params, const struct rp_http_call_cb *cb,
                       void *arg);
/* Ends it at once; no callback afterwards, the call is gone. May be called from its own callbacks
 * except `done`. */
void rp_http_call_cancel(struct rp_http_call *c);
/* How far it has come so far. */
void rp_http_call_timing(const struct rp_http_call *c, struct rp_http_timing *out);
/* The body so far pauses the transfer when true (back-pressure). */
void rp_http_call_pause(struct rp_http_call *c, bool paused);

#endif
