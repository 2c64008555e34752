/* HTTP calls made from a test's thread, on a client that lives on a loop. */
#ifndef RP_NET_CALL_H
#define RP_NET_CALL_H

#include "net/http_client.h"
#include "net_util.h"

struct net_client {
    struct rp_loop *loop;
    struct rp_http_client *http;
};

void net_client_start(struct net_client *c);
/* Closes it, which ends all calls, and its loop. */
void net_client_close(struct net_client *c);
/* The same, and waits for look-ups that nobody waits for any more. */
void net_client_stop(struct net_client *c);

struct net_call {
    struct net_client *client;
    struct rp_http_call_params params;
    struct rp_http_call *call;
    int started; /* what the start returned */
    struct net_latch headers, data, done;
    int status; /* as of `headers` */
    char type[64];
    struct rp_buf body; /* read it when no callback can come */
    struct rp_http_result result;
    char why[256];
    /* In these callbacks `victim` (may be the call itself) is cancelled. */
    bool cancel_in_headers, cancel_in_data;
    struct net_call *victim;
    bool pause_in_headers;
    struct net_call *next; /* started in `done`; see net_call_init */
};

/* Prepares a call with the method, url and body given and whatever else is in call->params. */
void net_call_init(struct net_call *call, const char *method, const char *url, struct rp_str body);
/* The same, and starts it. */
void net_call_start(struct net_call *call, struct net_client *c, const char *method,
                    const char *url, struct rp_str body);
/* The same, and waits for its end. */
void net_call_run(struct net_call *call, struct net_client *c, const char *method, const char *url,
                  struct rp_str body);
void net_call_cancel(struct net_call *call);
void net_call_pause(struct net_call *call, bool paused);
void net_call_fini(struct net_call *call);

#endif
