/* HTTP client: one for each loop (a libcurl multi handle on it), with pooled connections; HTTP/1.1,
 * and HTTP/2 over TLS.
 *
 * Names are resolved off the loop. An address that is link-local (cloud metadata) is refused, also
 * when a name resolves to it; redirects are not followed, proxies of the environment not used.
 * Cancelling closes or resets the request at once and never blocks. */
#ifndef RP_NET_HTTP_CLIENT_H
#define RP_NET_HTTP_CLIENT_H

#include "base/str.h"
#include "net/loop.h"

struct rp_http_client;
struct rp_http_call;

int rp_http_client_new(struct rp_http_client **out, struct rp_loop *l);
/* Ends what is under way (its `done` comes with RP_ECANCELED) and closes the connections; then
 * `done` runs on the loop, never from inside this call, and the client is gone. */
void rp_http_client_close(struct rp_http_client *c, void (*done)(void *arg), void *arg);

/* Borrowed during the start, except as said. */
struct rp_http_call_params {
    const char *method; /* "POST" */
    const char *url;    /* http or https; see codec/url.h for what is refused */
    /* "Name: value" lines. Host, Content-Length and User-Agent come by themselves. */
    const char *const *headers;
    size_t nheaders;
    struct rp_str body;            /* copied */
    int64_t connect_timeout_us;    /* resolve, connect, TLS; 0: 5 s */
    int64_t first_byte_timeout_us; /* from request sent to first byte of the answer; 0: 30 s */
    int64_t idle_timeout_us;       /* between bytes of the body; 0: 30 s */
    int64_t total_timeout_us;      /* 0: none */
    size_t max_response;           /* bytes of body; 0: 16 MiB; beyond: RP_ELIMIT */
    const char *ca_file;           /* trusted authorities (PEM); NULL: the system's */
};

/* When it was what, in µs after the start of the call; -1: not reached. */
struct rp_http_timing {
    int64_t resolved, connected, sent, first_byte, done;
    bool reused; /* a pooled connection */
};

struct rp_http_result {
    /* 0: answered whole, with whatever status. RP_ETIMEOUT, RP_EUPSTREAM (cannot connect, TLS,
     * broke off), RP_ENOTFOUND (no such host), RP_EDENIED (link-local), RP_ELIMIT, RP_ECANCELED,
     * RP_ENOMEM. */
    int err;
    int status;      /* 0: none came */
    const char *why; /* a sentence for people when err is set; borrowed during the callback */
    struct rp_http_timing timing;
    size_t received;
};

/* None of these runs from inside a function of this header. A call may be started, paused or
 * cancelled in any of them. */
struct rp_http_call_cb {
    /* The header section has arrived (final status, not 1xx). May be NULL. `content_type` is "" if
     * there is none. */
    void (*headers)(struct rp_http_call *c, int status, struct rp_str content_type, void *arg);
    /* Bytes of the body, as they come; borrowed. May be NULL. */
    void (*data)(struct rp_http_call *c, struct rp_str bytes, void *arg);
    /* Last callback; the call is gone afterwards. */
    void (*done)(struct rp_http_call *c, const struct rp_http_result *result, void *arg);
};

/* Starts. RP_EINVAL (bad url, method or header), RP_ENOMEM, RP_ECLOSED (the client is closing):
 * nothing is called later. `cb` is copied. */
int rp_http_call_start(struct rp_http_call **out, struct rp_http_client *c,
                       const struct rp_http_call_params *params, const struct rp_http_call_cb *cb,
                       void *arg);
/* Ends it at once; no callback afterwards, the call is gone. May be called from its own callbacks
 * except `done`. Its connection is closed, unless other requests share it (HTTP/2): those go on. */
void rp_http_call_cancel(struct rp_http_call *c);
/* How far it has come so far. */
void rp_http_call_timing(const struct rp_http_call *c, struct rp_http_timing *out);
/* While paused no data is handed over, the peer is held back, and the idle time does not run. */
void rp_http_call_pause(struct rp_http_call *c, bool paused);

#endif
