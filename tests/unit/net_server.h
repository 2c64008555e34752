/* A server for the tests of net/: two shards, an acceptor, and handlers for everything that the
 * tests need. */
#ifndef RP_NET_SERVER_FIXTURE_H
#define RP_NET_SERVER_FIXTURE_H

#include "net/http_server.h"
#include "net_util.h"

/*  GET  /hello         "hello", text/plain
 *  any  /echo          the body
 *  any  /info          method, path, query, header X-Test, peer
 *  any  /later         "later", from a timer
 *  GET  /hang          no answer at all; `gone` is counted
 *  GET  /headers       headers, one of which would split the answer
 *  GET  /stream?N      N chunks "chunk i\n"
 *  GET  /endless       chunks without end, as fast as they are taken; `gone` is counted
 *  GET  /big?N         N bytes
 *  GET  /ws            echoes messages; text commands: see net_server.c
 */
struct net_server {
    struct rp_loop *acceptor, *shards[2];
    struct rp_http_server *http;
    uint16_t port;
    int64_t ping_every_us, close_timeout_us; /* of WebSockets; set before the start */
    struct net_latch requests, gone, ws_opened, ws_closed, limited;
    int last_code; /* of a WebSocket's end; read it after ws_closed */
    char last_reason[200];
};

/* Starts it; `params` may preset what the test cares about, the rest is filled in. */
void net_server_start(struct net_server *s, struct rp_http_server_params params);
/* Closes it and frees the loops. */
void net_server_stop(struct net_server *s);

/* One request on a connection of its own; `request` up to the end of the headers' last line. The
 * whole answer is in `out`, which the caller releases. */
void net_server_ask(struct net_server *s, struct rp_buf *out, const char *request);

#endif
