/* The HTTP server: listens, accepts, and spreads connections over the shards; see http_server.h.
 *
 * The acceptor alone touches the listener and the TLS context; a shard alone its connections.
 * Between them go messages: a new socket one way, "end" and "ended" at the close. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http_int.h"
#include "net/loop_int.h"
#include "net/resolve.h"
#include "net/tls.h"

#define BACKLOG         1024
#define ACCEPT_AT_ONCE  64     /* then other callbacks get their turn */
#define REFUSE_AT_ONCE  64     /* connections beyond the cap that are still told so */
#define NO_FDS_PAUSE_US 100000 /* when descriptors have run out */

struct rp_http_listener {
    struct rp_http_server *server;
    int fd;
    uv_poll_t poll;
    struct rp_timer retry;
};

/* A new connection on its way to a shard. */
struct handover {
    struct rp_msg msg;
    struct rp_http_shard *shard;
    int fd;
    SSL_CTX *tls; /* a reference, or NULL */
    bool refuse;
    char peer[INET6_ADDRSTRLEN];
};

/* Accepting. */

static void start_conn(struct rp_msg *msg)
{
    struct handover *h = RP_CONTAINER_OF(msg, struct handover, msg);

    rp_http_conn_start(h->shard, h->fd, h->tls, h->peer, h->refuse);
    SSL_CTX_free(h->tls);
    rp_free(h);
}

static struct rp_http_shard *least_loaded(struct rp_http_server *s)
{
    struct rp_http_shard *best = &s->shards[0];

    for (size_t i = 1; i < s->nshards; i++)
        if (atomic_load(&s->shards[i].nconns) < atomic_load(&best->nconns))
            best = &s->shards[i];
    return best;
}

/* The address as text; that of IPv4 in IPv6 as IPv4. */
static void peer_text(char out[static INET6_ADDRSTRLEN], const union rp_sockaddr *a)
{
    out[0] = '\0';
    if (a->any.sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &a->v4.sin_addr, out, INET6_ADDRSTRLEN);
    else if (a->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
        (void)inet_ntop(AF_INET, &a->v6.sin6_addr.s6_addr[12], out, INET6_ADDRSTRLEN);
    else if (a->any.sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &a->v6.sin6_addr, out, INET6_ADDRSTRLEN);
}

/* Takes the socket. */
static void hand_over(struct rp_http_server *s, int fd, const union rp_sockaddr *from)
{
    size_t before = atomic_load(&s->nconns);
    struct handover *h = NULL;

    if (before < s->max_connections + REFUSE_AT_ONCE)
        h = rp_zalloc(sizeof(*h));
    if (!h) {
        (void)close(fd);
        return;
    }
    h->shard = least_loaded(s);
    h->fd = fd;
    h->tls = s->tls;
    if (h->tls)
        (void)SSL_CTX_up_ref(h->tls);
    h->refuse = before >= s->max_connections;
    peer_text(h->peer, from);
    atomic_fetch_add(&s->nconns, 1);
    atomic_fetch_add(&h->shard->nconns, 1);
    rp_msg_init(&h->msg, start_conn);
    rp_loop_post(h->shard->loop, &h->msg);
}

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void accept_again(struct rp_timer *timer)
{
    struct rp_http_listener *ln = RP_CONTAINER_OF(timer, struct rp_http_listener, retry);

    (void)uv_poll_start(&ln->poll, UV_READABLE, on_acceptable);
}

static void accept_some(struct rp_http_listener *ln)
{
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        union rp_sockaddr from = {0};
        socklen_t len = sizeof(from);
        int fd = accept4(ln->fd, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            hand_over(ln->server, fd, &from);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            rp_log("net", RP_LOG_WARN, NULL, "cannot accept a connection: %s", strerror(errno));
            (void)uv_poll_stop(&ln->poll);
            rp_timer_start(&ln->retry, NO_FDS_PAUSE_US);
            return;
        } else if (errno == EAGAIN) {
            return;
        } /* else the client has given up already: the next one */
    }
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct rp_http_listener *ln = poll->data;
    int64_t entered = rp_loop_enter(ln->server->acceptor);

    (void)status;
    (void)events;
    accept_some(ln);
    rp_loop_leave(ln->server->acceptor, entered, "accepting connections");
}

/* Listening. */

static void explain(char **why, const char *host, int port, const char *reason)
{
    struct rp_buf b;

    if (!why)
        return;
    rp_buf_init(&b, 1024);
    (void)rp_buf_printf(&b, "cannot listen on %s port %d: %s", host, port, reason);
    *why = rp_buf_take(&b);
}

static int parse_host(union rp_sockaddr *out, const char *host, uint16_t port)
{
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
    } else if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
    } else {
        return RP_EINVAL;
    }
    return 0;
}

/* A listening socket, or -1 with errno. "::" takes IPv4 as well. */
static int open_socket(union rp_sockaddr *at, uint16_t *port)
{
    socklen_t len = at->any.sa_family == AF_INET ? sizeof(at->v4) : sizeof(at->v6);
    int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1, off = 0;
    int saved;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (at->any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, &at->any, len) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, &at->any, &len) == 0) {
        *port = ntohs(at->any.sa_family == AF_INET ? at->v4.sin_port : at->v6.sin6_port);
        return fd;
    }
    saved = errno;
    (void)close(fd);
    errno = saved;
    return -1;
}

static int start_listening(struct rp_http_server *s, const char *host, uint16_t port, char **why)
{
    struct rp_http_listener *ln = rp_zalloc(sizeof(*ln));
    union rp_sockaddr at;
    int err = RP_ENOMEM;

    if (!ln)
        return err;
    err = parse_host(&at, host, port);
    if (err) {
        explain(why, host, port, "it is not an IPv4 or IPv6 address");
        goto fail;
    }
    err = RP_EIO;
    ln->fd = open_socket(&at, &s->port);
    if (ln->fd < 0) {
        explain(why, host, port, strerror(errno));
        goto fail;
    }
    if (uv_poll_init(&s->acceptor->uv, &ln->poll, ln->fd) != 0) {
        explain(why, host, port, "the event loop takes no more sockets");
        (void)close(ln->fd);
        goto fail;
    }
    ln->server = s;
    ln->poll.data = ln;
    rp_timer_init(&ln->retry, s->acceptor, accept_again);
    (void)uv_poll_start(&ln->poll, UV_READABLE, on_acceptable);
    s->listener = ln;
    return 0;

fail:
    rp_free(ln);
    return err;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct rp_http_listener *ln = handle->data;

    (void)close(ln->fd);
    rp_free(ln);
}

void rp_http_server_stop_accepting(struct rp_http_server *s)
{
    struct rp_http_listener *ln = s->listener;

    RP_ON_LOOP(s->acceptor);
    if (!ln)
        return;
    s->listener = NULL;
    rp_timer_stop(&ln->retry);
    uv_close((uv_handle_t *)&ln->poll, on_listener_closed);
}

/* Beginning. */

static void free_server(struct rp_http_server *s)
{
    SSL_CTX_free(s->tls);
    rp_free(s->tls_cert);
    rp_free(s->tls_key);
    rp_free(s->shards);
    rp_free(s);
}

int rp_http_server_reload_tls(struct rp_http_server *s, char **why)
{
    SSL_CTX *tls;
    int err;

    RP_ON_LOOP(s->acceptor);
    if (!s->tls_cert)
        return 0;
    err = rp_tls_server_ctx(&tls, s->tls_cert, s->tls_key, why);
    if (err)
        return err;
    SSL_CTX_free(s->tls); /* connections hold references of their own */
    s->tls = tls;
    return 0;
}

static int copy_params(struct rp_http_server *s, const struct rp_http_server_params *p)
{
    s->handler = p->handler;
    s->handler_arg = p->arg;
    s->max_body = p->max_body;
    s->max_connections = p->max_connections;
    s->idle_timeout_us = p->idle_timeout_us;
    s->tls_cert = rp_strdup(p->tls_cert);
    s->tls_key = rp_strdup(p->tls_key);
    s->shards = rp_calloc(p->nloops, sizeof(*s->shards));
    if (!s->shards || (p->tls_cert && (!s->tls_cert || !s->tls_key)))
        return RP_ENOMEM;
    for (; s->nshards < p->nloops; s->nshards++) {
        s->shards[s->nshards].server = s;
        s->shards[s->nshards].loop = p->loops[s->nshards];
        rp_list_init(&s->shards[s->nshards].conns);
    }
    return 0;
}

int rp_http_server_new(struct rp_http_server **out, struct rp_loop *acceptor,
                       const struct rp_http_server_params *params, char **why)
{
    struct rp_http_server *s = rp_zalloc(sizeof(*s));
    int err;

    RP_ON_LOOP(acceptor);
    RP_ASSERT(params->nloops > 0 && !params->tls_cert == !params->tls_key);
    if (why)
        *why = NULL;
    if (!s)
        return RP_ENOMEM;
    s->acceptor = acceptor;
    err = copy_params(s, params);
    if (!err)
        err = rp_http_server_reload_tls(s, why);
    if (!err)
        err = start_listening(s, params->host, params->port, why);
    if (err) {
        free_server(s);
        return err;
    }
    *out = s;
    return 0;
}

uint16_t rp_http_server_port(const struct rp_http_server *s)
{
    return s->port;
}

size_t rp_http_server_connections(const struct rp_http_server *s)
{
    return atomic_load(&s->nconns);
}

/* The end. */

static void part_ended(struct rp_msg *msg)
{
    struct rp_http_server *s = RP_CONTAINER_OF(msg, struct rp_http_shard, close_msg)->server;
    void (*done)(void *arg) = s->done;
    void *done_arg = s->done_arg;

    if (--s->parts_open > 0)
        return;
    free_server(s);
    done(done_arg);
}

static void end_if_empty(struct rp_http_shard *shard)
{
    /* The list misses a connection that is on its way here, the count does not. */
    if (!shard->closing || atomic_load(&shard->nconns) > 0)
        return;
    rp_msg_init(&shard->close_msg, part_ended);
    rp_loop_post(shard->server->acceptor, &shard->close_msg);
}

void rp_http_shard_left(struct rp_http_shard *shard)
{
    atomic_fetch_sub(&shard->server->nconns, 1);
    atomic_fetch_sub(&shard->nconns, 1);
    end_if_empty(shard);
}

static void close_shard(struct rp_msg *msg)
{
    struct rp_http_shard *shard = RP_CONTAINER_OF(msg, struct rp_http_shard, close_msg);

    shard->closing = true;
    RP_LIST_EACH(&shard->conns, struct rp_http_conn, c, node)
        rp_http_conn_end(c);
    end_if_empty(shard);
}

void rp_http_server_close(struct rp_http_server *s, void (*done)(void *arg), void *arg)
{
    RP_ON_LOOP(s->acceptor);
    RP_ASSERT(s->parts_open == 0);
    rp_http_server_stop_accepting(s);
    s->done = done;
    s->done_arg = arg;
    s->parts_open = s->nshards;
    for (size_t i = 0; i < s->nshards; i++) {
        rp_msg_init(&s->shards[i].close_msg, close_shard);
        rp_loop_post(s->shards[i].loop, &s->shards[i].close_msg);
    }
}
