/* The server of the net tests; see net_server.h. On the loops RP_ASSERT checks, see net_call.c. */
#include "net_server.h"

#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "tests.h"

static void respond_text(struct rp_http_req *r, int status, struct rp_str body)
{
    rp_http_respond(r, status, "text/plain", NULL, 0, body);
}

static void info(struct rp_http_req *r)
{
    struct rp_buf b;

    rp_buf_init(&b, 65536);
    (void)rp_buf_printf(&b, "%.*s|%.*s|%.*s|%.*s|%s|%s", RP_STR_ARG(rp_http_req_method(r)),
                        RP_STR_ARG(rp_http_req_path(r)), RP_STR_ARG(rp_http_req_query(r)),
                        RP_STR_ARG(rp_http_req_header(r, "x-test")), rp_http_req_peer(r),
                        rp_http_req_is_tls(r) ? "tls" : "plain");
    respond_text(r, 200, rp_buf_view(&b));
    rp_buf_fini(&b);
}

/* An answer that comes later, unless the client has gone. */
struct later {
    struct rp_timer timer;
    struct rp_http_req *req;
};

static void answer_later(struct rp_timer *timer)
{
    struct later *later = RP_CONTAINER_OF(timer, struct later, timer);

    respond_text(later->req, 200, RP_STR("later"));
    rp_free(later);
}

static void later_gone(struct rp_http_req *r, void *arg)
{
    struct later *later = arg;

    RP_ASSERT(later->req == r);
    rp_timer_stop(&later->timer);
    rp_free(later);
}

static void start_later(struct rp_http_req *r)
{
    struct later *later = rp_zalloc(sizeof(*later));

    later->req = r;
    rp_timer_init(&later->timer, rp_http_req_loop(r), answer_later);
    rp_timer_start(&later->timer, 1000);
    rp_http_req_on_gone(r, later_gone, later);
}

static void request_gone(struct rp_http_req *r, void *arg)
{
    struct net_server *s = arg;

    (void)r;
    net_latch_add(&s->gone);
}

static void stream_gone(struct rp_http_stream *stream, void *arg)
{
    struct net_server *s = arg;

    (void)stream;
    net_latch_add(&s->gone);
}

static void more_of_endless(struct rp_http_stream *stream, void *arg)
{
    static char piece[32768];

    (void)arg;
    RP_ASSERT(rp_http_stream_write(stream, rp_str_n(piece, sizeof(piece))) == 0);
}

static int64_t number(struct rp_http_req *r)
{
    int64_t n = 0;

    RP_ASSERT(rp_str_to_i64(rp_http_req_query(r), &n) == 0);
    return n;
}

static void stream_chunks(struct net_server *s, struct rp_http_req *r)
{
    int64_t n = number(r);
    struct rp_http_stream *stream;
    char text[32];

    RP_ASSERT(
        rp_http_respond_stream(&stream, r, 200, "text/event-stream", NULL, 0, stream_gone, s) == 0);
    for (int64_t i = 0; i < n; i++) {
        int len = snprintf(text, sizeof(text), "chunk %lld\n", (long long)i);
        RP_ASSERT(rp_http_stream_write(stream, rp_str_n(text, (size_t)len)) == 0);
    }
    RP_ASSERT(rp_http_stream_write(stream, rp_str_z("")) == 0);
    rp_http_stream_end(stream);
}

static void stream_endless(struct net_server *s, struct rp_http_req *r)
{
    struct rp_http_stream *stream;

    RP_ASSERT(rp_http_respond_stream(&stream, r, 200, NULL, NULL, 0, stream_gone, s) == 0);
    rp_http_stream_on_drained(stream, more_of_endless);
    more_of_endless(stream, s);
}

static void big(struct rp_http_req *r)
{
    size_t n = (size_t)number(r);
    char *bytes = rp_zalloc(n);

    respond_text(r, 200, rp_str_n(bytes, n));
    rp_free(bytes);
}

/* WebSockets. "close", "abort" and "pause" do what they say, "flood" sends until the queue is full;
 * everything else comes back. */
static void resume(struct rp_timer *timer)
{
    struct later *later = RP_CONTAINER_OF(timer, struct later, timer);

    rp_ws_pause((struct rp_ws *)later->req, false);
    rp_free(later);
}

static void pause_for_a_while(struct rp_ws *ws)
{
    struct later *later = rp_zalloc(sizeof(*later));

    later->req = (void *)ws;
    rp_timer_init(&later->timer, rp_ws_loop(ws), resume);
    rp_timer_start(&later->timer, 5000);
    rp_ws_pause(ws, true);
}

static void on_message(struct rp_ws *ws, bool binary, char *data, size_t len, void *arg)
{
    struct net_server *s = arg;
    struct rp_str text = rp_str_n(data, len);
    static char bytes[65536];

    RP_ON_LOOP(rp_ws_loop(ws));
    if (rp_str_eq_z(text, "close")) {
        rp_ws_close(ws, 4001, "as asked");
        RP_ASSERT(rp_ws_send(ws, false, "x", 1) == RP_ECLOSED);
    } else if (rp_str_eq_z(text, "abort")) {
        rp_ws_abort(ws);
    } else if (rp_str_eq_z(text, "pause")) {
        pause_for_a_while(ws);
    } else if (rp_str_eq_z(text, "flood")) {
        while (rp_ws_send(ws, true, bytes, sizeof(bytes)) == 0)
            ;
        RP_ASSERT(rp_ws_send(ws, true, bytes, sizeof(bytes)) == RP_ELIMIT);
        RP_ASSERT(rp_ws_queued(ws) <= RP_WS_MAX_QUEUE + 20);
        net_latch_add(&s->limited);
    } else {
        RP_ASSERT(rp_ws_send(ws, binary, data, len) == 0);
    }
}

static void on_ws_closed(struct rp_ws *ws, int code, struct rp_str reason, void *arg)
{
    struct net_server *s = arg;

    RP_ON_LOOP(rp_ws_loop(ws));
    (void)pthread_mutex_lock(&s->ws_closed.lock); /* there are two shards */
    s->last_code = code;
    (void)snprintf(s->last_reason, sizeof(s->last_reason), "%.*s", RP_STR_ARG(reason));
    (void)pthread_mutex_unlock(&s->ws_closed.lock);
    net_latch_add(&s->ws_closed);
}

static void open_ws(struct net_server *s, struct rp_http_req *r)
{
    const struct rp_ws_cb cb = {.max_message = 100000,
                                .ping_every_us = s->ping_every_us,
                                .close_timeout_us = s->close_timeout_us,
                                .message = on_message,
                                .closed = on_ws_closed};
    struct rp_ws *ws;

    if (!rp_http_req_wants_ws(r))
        respond_text(r, 400, RP_STR("no handshake"));
    else if (rp_str_eq_z(rp_http_req_query(r), "refuse"))
        respond_text(r, 401, RP_STR("no"));
    else if (rp_http_upgrade(&ws, r, &cb, s) != 0)
        respond_text(r, 503, RP_STR("cannot"));
    else
        net_latch_add(&s->ws_opened);
}

static void handle(struct rp_http_req *r, void *arg)
{
    static const struct rp_header headers[] = {
        {{"X-Good", 6}, {"yes", 3}},
        {{"X-Bad", 5}, {"a\r\nX-Injected: b", 17}},
    };
    struct net_server *s = arg;
    struct rp_str path = rp_http_req_path(r);

    RP_ON_LOOP(rp_http_req_loop(r));
    net_latch_add(&s->requests);
    if (rp_str_eq_z(path, "/hello"))
        respond_text(r, 200, RP_STR("hello"));
    else if (rp_str_eq_z(path, "/echo"))
        respond_text(r, 200, rp_http_req_body(r));
    else if (rp_str_starts(path, RP_STR("/info")))
        info(r);
    else if (rp_str_eq_z(path, "/later"))
        start_later(r);
    else if (rp_str_eq_z(path, "/hang"))
        rp_http_req_on_gone(r, request_gone, s);
    else if (rp_str_eq_z(path, "/headers"))
        rp_http_respond(r, 204, NULL, headers, RP_COUNT(headers), rp_str_z(""));
    else if (rp_str_eq_z(path, "/stream"))
        stream_chunks(s, r);
    else if (rp_str_eq_z(path, "/endless"))
        stream_endless(s, r);
    else if (rp_str_eq_z(path, "/big"))
        big(r);
    else if (rp_str_eq_z(path, "/ws"))
        open_ws(s, r);
    else
        respond_text(r, 404, RP_STR("no such page"));
}

struct start {
    struct net_server *s;
    struct rp_http_server_params params;
};

static void start_on_acceptor(void *arg)
{
    struct start *start = arg;
    char *why = NULL;

    if (rp_http_server_new(&start->s->http, start->s->acceptor, &start->params, &why) != 0)
        fail_msg("%s", why ? why : "cannot start");
    start->s->port = rp_http_server_port(start->s->http);
}

void net_server_start(struct net_server *s, struct rp_http_server_params params)
{
    struct start start = {s, params};
    int64_t ping_every_us = s->ping_every_us, close_timeout_us = s->close_timeout_us;

    *s = (struct net_server){.ping_every_us = ping_every_us,
                             .close_timeout_us = close_timeout_us,
                             .requests = NET_LATCH_INIT,
                             .gone = NET_LATCH_INIT,
                             .ws_opened = NET_LATCH_INIT,
                             .ws_closed = NET_LATCH_INIT,
                             .limited = NET_LATCH_INIT};
    s->acceptor = net_start("acceptor");
    s->shards[0] = net_start("shard-0");
    s->shards[1] = net_start("shard-1");
    start.params.loops = s->shards;
    start.params.nloops = 2;
    start.params.handler = handle;
    start.params.arg = s;
    if (!start.params.host)
        start.params.host = "127.0.0.1";
    if (!start.params.max_body)
        start.params.max_body = 100000;
    if (!start.params.max_connections)
        start.params.max_connections = 2000;
    if (!start.params.idle_timeout_us)
        start.params.idle_timeout_us = 30000000;
    net_on(s->acceptor, start_on_acceptor, &start);
}

static void server_closed(void *arg)
{
    net_latch_add(arg);
}

struct stop {
    struct net_server *s;
    struct net_latch latch;
};

static void stop_on_acceptor(void *arg)
{
    struct stop *stop = arg;

    rp_http_server_close(stop->s->http, server_closed, &stop->latch);
}

void net_server_stop(struct net_server *s)
{
    struct stop stop = {s, NET_LATCH_INIT};

    net_on(s->acceptor, stop_on_acceptor, &stop);
    net_latch_wait(&stop.latch, 1);
    net_stop(s->shards[0]);
    net_stop(s->shards[1]);
    net_stop(s->acceptor);
}

void net_server_ask(struct net_server *s, struct rp_buf *out, const char *request)
{
    int fd = net_dial(s->port);

    rp_buf_init(out, SIZE_MAX);
    net_send(fd, rp_str_z(request));
    net_send(fd, RP_STR("Host: a\r\nConnection: close\r\n\r\n"));
    net_recv_until(fd, out, NULL);
    (void)close(fd);
}
