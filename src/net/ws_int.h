/* What ws.c, ws_client.c and http_conn.c share of a WebSocket. */
#ifndef RP_NET_WS_INT_H
#define RP_NET_WS_INT_H

#include "net/stream.h"
#include "net/tls.h"
#include "net/ws.h"
#include "net/ws_frame.h"

#define RP_WS_MAX_REASON (RP_WS_MAX_CONTROL - 2)

/*     OPENING ─► OPEN ─► CLOSING ─► DONE       CLOSING: our close frame is sent, the peer's not
 * here └─────────┴───────────────►           DONE: `closed` is deferred                          */
enum rp_ws_state { RP_WS_OPENING, RP_WS_OPEN, RP_WS_CLOSING, RP_WS_DONE };

struct rp_ws {
    struct rp_loop *loop;
    struct rp_stream *stream;      /* NULL while there is none, and once DONE */
    struct rp_ws_opening *opening; /* client side, while OPENING */
    struct rp_ws_cb cb;
    void *arg;
    enum rp_ws_state state;
    struct rp_ws_parser parser;
    struct rp_buf held; /* read but not parsed: came before a pause, or behind the handshake */
    struct rp_msg msg;  /* deferred: parse `held`, or report the end */
    bool msg_queued;
    bool paused;
    int missed_pongs;
    struct rp_timer ping_timer, close_timer;
    int code;                    /* of the end */
    char reason[RP_TLS_WHY_LEN]; /* the peer's, or a sentence of ours */
    size_t reason_len;
    struct rp_ws **holder;       /* the server's connection: set to NULL once DONE */
    void (*released)(void *arg); /* the socket is gone; may be later than the end of this struct */
    void *released_arg;
};

/* A connection whose handshake is still to be done. */
int rp_ws_new(struct rp_ws **out, struct rp_loop *l, bool is_client, const struct rp_ws_cb *cb,
              void *arg);
/* The handshake is done: takes the stream. `rest` are bytes that came behind it; they are parsed at
 * the safe point. */
int rp_ws_begin(struct rp_ws *ws, struct rp_stream *stream, struct rp_str rest);
/* For a failure before it was handed out. */
void rp_ws_free(struct rp_ws *ws);
/* Ends it: drops the stream if it has one, then reports. */
void rp_ws_end(struct rp_ws *ws, int code, struct rp_str reason);
/* Gives up the attempt to open. */
void rp_ws_opening_free(struct rp_ws_opening *o);

/* The Sec-WebSocket-Accept that answers a key (RFC 6455 4.2.2). */
#define RP_WS_ACCEPT_LEN 28
void rp_ws_accept_key(char out[static RP_WS_ACCEPT_LEN], struct rp_str key);

#endif
