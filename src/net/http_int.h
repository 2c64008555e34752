/* What the files of the HTTP server share: server and shards, connection, request. */
#ifndef RP_NET_HTTP_INT_H
#define RP_NET_HTTP_INT_H

#include <netinet/in.h>
#include <stdatomic.h>

#include "net/http_reader.h"
#include "net/http_server.h"
#include "net/stream.h"

/* The part of a server that lives on one loop. */
struct rp_http_shard {
    struct rp_http_server *server;
    struct rp_loop *loop;
    struct rp_list conns; /* struct rp_http_conn */
    atomic_size_t nconns; /* also those on their way here */
    bool closing;
    struct rp_msg close_msg; /* acceptor to shard, and back when there are no connections left */
};

/* READING a request ─► HANDLING it ─┬─► (STREAMING the answer) ─► READING the next, or GONE
 *                                   └─► UPGRADED, until the socket is gone */
enum rp_http_state {
    RP_HTTP_READING,
    RP_HTTP_HANDLING,
    RP_HTTP_STREAMING,
    RP_HTTP_UPGRADED,
    RP_HTTP_GONE /* the stream is on its way out by itself */
};

/* Handles of the public header; members of the connection, one request at a time. */
struct rp_http_req {
    void (*gone)(struct rp_http_req *r, void *arg);
    void *gone_arg;
};
struct rp_http_stream {
    void (*gone)(struct rp_http_stream *s, void *arg);
    void (*drained)(struct rp_http_stream *s, void *arg);
    void *arg;
    bool chunked;
    bool headless; /* the answer to a HEAD: the body is swallowed */
    bool broken;   /* a piece of the body is missing */
};

struct rp_http_conn {
    struct rp_node node; /* in the shard */
    struct rp_http_shard *shard;
    struct rp_stream *stream;
    struct rp_ws *ws; /* while UPGRADED */
    enum rp_http_state state;
    struct rp_http_reader *reader; /* freed when UPGRADED */
    struct rp_buf rest;            /* what came behind the request at hand */
    struct rp_http_req req;
    struct rp_http_stream answer;
    struct rp_timer timer;  /* see on_timer */
    uint64_t sent_before;   /* rp_stream_sent at the timer's last look */
    struct rp_msg next_msg; /* deferred: go on with `rest` */
    bool next_queued;
    bool processing;  /* in process(), which goes on by itself */
    bool has_begun;   /* bytes of the request at hand have come */
    bool keep_alive;  /* after this answer */
    bool socket_gone; /* and the connection only waits for its deferred message */
    bool is_tls;
    char peer[INET6_ADDRSTRLEN];
};

/* Takes the socket. `refuse`: only to be told 503. Frees itself, and then counts itself out. */
void rp_http_conn_start(struct rp_http_shard *shard, int fd, SSL_CTX *tls, const char *peer,
                        bool refuse);
/* For the server's end: WebSockets with 1001, others at once but for what is queued. */
void rp_http_conn_end(struct rp_http_conn *c);

/* The answer has been queued whole: on to the next request, or to the end. */
void rp_http_conn_answered(struct rp_http_conn *c);
/* The connection cannot go on: drops it without a word. Nobody is told. */
void rp_http_conn_drop(struct rp_http_conn *c);
/* The socket is gone, which was the stream's or the WebSocket's; `arg` is the connection. */
void rp_http_conn_socket_gone(void *arg);

/* Answers with a status and its name, and closes behind it. */
void rp_http_refuse(struct rp_http_conn *c, int status);
/* What is wrong with a handshake: 400, 426; 0: nothing, or it is none. */
int rp_http_ws_fault(const struct rp_http_conn *c);

/* A connection has gone: counts it out, and ends a closing shard with its last one. */
void rp_http_shard_left(struct rp_http_shard *shard);

struct rp_http_server {
    struct rp_loop *acceptor;
    rp_http_handler_fn *handler;
    void *handler_arg;
    size_t max_body, max_connections;
    int64_t idle_timeout_us;
    char *tls_cert, *tls_key;
    SSL_CTX *tls; /* for new connections; the acceptor's */
    uint16_t port;
    struct rp_http_listener *listener; /* NULL: no longer listening */
    struct rp_http_shard *shards;
    size_t nshards;
    atomic_size_t nconns;
    size_t parts_open; /* while closing: shards still to end */
    void (*done)(void *arg);
    void *done_arg;
};

#endif
