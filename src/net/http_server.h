/* HTTP and WebSocket server: one listening socket, connections spread over loops.
 *
 * The acceptor (the loop it was made on) hands each new connection to the least loaded of the given
 * loops, where it stays. A request's body is read whole (up to a cap) before the handler runs; the
 * handler runs on the connection's loop and answers now or later, exactly once. */
#ifndef RP_NET_HTTP_SERVER_H
#define RP_NET_HTTP_SERVER_H

#include "base/str.h"
#include "net/http_parse.h"
#include "net/loop.h"
#include "net/ws.h"

struct rp_http_server;
struct rp_http_req; /* lives until it was answered or upgraded, or its connection died */

typedef void rp_http_handler_fn(struct rp_http_req *req, void *arg);

struct rp_http_server_params {
    const char *host;               /* "127.0.0.1", "::", a name is refused */
    uint16_t port;                  /* 0: any free one, see rp_http_server_port */
    const char *tls_cert, *tls_key; /* PEM files; both NULL: plain */
    struct rp_loop **loops;
    size_t nloops;
    size_t max_body;         /* bytes; beyond: 413 */
    size_t max_connections;  /* beyond: refused with 503 */
    int64_t idle_timeout_us; /* of a kept-alive connection, and for a request to arrive whole */
    rp_http_handler_fn *handler;
    void *arg;
};

/* Listens. RP_EINVAL (bad address), RP_EIO (cannot listen, certificate unusable); *why (may be
 * NULL) is then a sentence, to be released with rp_free. */
int rp_http_server_new(struct rp_http_server **out, struct rp_loop *acceptor,
                       const struct rp_http_server_params *params, char **why);
uint16_t rp_http_server_port(const struct rp_http_server *s);
/* Reads the certificate files again for new connections; the old ones stay on failure (RP_EIO, *why
 * as above). Without TLS nothing happens. On the acceptor. */
int rp_http_server_reload_tls(struct rp_http_server *s, char **why);
/* No new connections from here on; those that are open live on. On the acceptor. */
void rp_http_server_stop_accepting(struct rp_http_server *s);
/* Closes every connection (WebSockets with 1001, and what is queued is still sent, for some
 * seconds), then calls `done` on the acceptor; the server is gone by then. Requests that are not
 * answered yet are gone at once. On the acceptor; the loops must run on until `done`. */
void rp_http_server_close(struct rp_http_server *s, void (*done)(void *arg), void *arg);
size_t rp_http_server_connections(const struct rp_http_server *s); /* any thread */

/* What was asked; views borrow from the request. On its loop, as everything below. */
struct rp_loop *rp_http_req_loop(const struct rp_http_req *r);
struct rp_str rp_http_req_method(const struct rp_http_req *r);
struct rp_str rp_http_req_path(const struct rp_http_req *r);  /* as sent, not decoded, no query */
struct rp_str rp_http_req_query(const struct rp_http_req *r); /* behind the '?', not decoded */
struct rp_str rp_http_req_header(const struct rp_http_req *r,
                                 const char *name); /* p NULL: absent */
struct rp_str rp_http_req_body(const struct rp_http_req *r);
const char *rp_http_req_peer(const struct rp_http_req *r); /* address as text */
bool rp_http_req_is_tls(const struct rp_http_req *r);

/* For handlers that answer later. `gone` runs if the connection dies first; afterwards the request
 * may not be touched and not be answered. */
void rp_http_req_on_gone(struct rp_http_req *r, void (*gone)(struct rp_http_req *r, void *arg),
                         void *arg);

/* Answers; the request is gone afterwards. Date and (unless given) Content-Length are added; `type`
 * NULL: no body type. A HEAD request gets the head alone. A header whose value holds control
 * characters is left out, and logged: nothing a caller passes on can become a second header.
 * "Connection: close" among the headers ends the connection behind the answer. */
void rp_http_respond(struct rp_http_req *r, int status, const char *type,
                     const struct rp_header *headers, size_t nheaders, struct rp_str body);

/* A body in pieces, e.g. server-sent events: chunked, unless the headers name a Content-Length,
 * which the caller then keeps to. On 0 the request is gone, and *out is owned by the caller until
 * it ends it or `gone` (may be NULL) has run. On error (RP_ENOMEM) the request can still be
 * answered. */
struct rp_http_stream;
int rp_http_respond_stream(struct rp_http_stream **out, struct rp_http_req *r, int status,
                           const char *type, const struct rp_header *headers, size_t nheaders,
                           void (*gone)(struct rp_http_stream *s, void *arg), void *arg);
#define RP_HTTP_MAX_QUEUE ((size_t)1 << 20)
/* Copies. RP_ELIMIT when the reader would be RP_HTTP_MAX_QUEUE behind, RP_ENOMEM: end it then,
 * which cuts the connection so that the reader cannot take the body for whole. */
int rp_http_stream_write(struct rp_http_stream *s, struct rp_str data);
/* Bytes queued and not yet taken by the kernel; `drained` runs whenever there are none left. */
size_t rp_http_stream_queued(const struct rp_http_stream *s);
void rp_http_stream_on_drained(struct rp_http_stream *s,
                               void (*drained)(struct rp_http_stream *s, void *arg));
void rp_http_stream_end(struct rp_http_stream *s);

/* Whether this is a WebSocket handshake. (A faulty one never gets to the handler.) */
bool rp_http_req_wants_ws(const struct rp_http_req *r);
/* Accepts it: on 0 the request is gone and *out lives as ws.h says. On error (RP_ENOMEM, RP_ECLOSED
 * when the server is closing) the request is still to be answered. To refuse the upgrade, answer
 * with rp_http_respond. */
int rp_http_upgrade(struct rp_ws **out, struct rp_http_req *r, const struct rp_ws_cb *cb,
                    void *arg);

#endif
