/* WebSocket clients driven from a test's thread. */
#ifndef RP_NET_WS_FIXTURE_H
#define RP_NET_WS_FIXTURE_H

#include "net/ws.h"
#include "net_util.h"

struct net_ws {
    struct rp_loop *loop;
    struct rp_ws_cb cb; /* the limits may be preset */
    const char *url, *headers;
    int started;
    struct rp_ws *ws;
    struct net_latch opened, message, drained, closed;
    struct rp_buf last; /* the last message; read it when no other can come */
    size_t bytes;       /* of all messages */
    int code;
    char reason[256];
    bool abort_in_opened, close_in_message;
};

/* Connects, and waits until that is under way. */
void net_ws_connect(struct net_ws *w, struct rp_loop *l, const char *url);
/* The same, and waits for `opened`. */
void net_ws_open(struct net_ws *w, struct rp_loop *l, const char *url);
void net_ws_send(struct net_ws *w, bool binary, struct rp_str data);
void net_ws_close(struct net_ws *w, int code, const char *reason);
void net_ws_abort(struct net_ws *w);
void net_ws_pause(struct net_ws *w, bool paused);
/* Waits for the end and releases what is left. */
void net_ws_fini(struct net_ws *w);

#endif
