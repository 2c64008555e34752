/* One connection of the HTTP server: reads requests, gives them to the handler one at a time, and
 * watches the clock. Answers are in http_answer.c. */
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http_int.h"
#include "net/ws_int.h"

/* Requests that are sent ahead of our answers wait here; beyond, the socket is left unread. */
#define MAX_REST 65536
/* No further request is begun while so much of the answers has not been taken. */
#define MAX_UNREAD 262144

static void on_read(char *data, size_t len, void *arg);
static void on_drained(void *arg);
static void on_lost(int err, void *arg);

static const struct rp_stream_cb stream_cb = {
    .read = on_read, .drained = on_drained, .lost = on_lost};

/* The end. */

static void free_conn(struct rp_http_conn *c)
{
    struct rp_http_shard *shard = c->shard;

    if (c->reader)
        rp_http_reader_fini(c->reader);
    rp_free(c->reader);
    rp_buf_fini(&c->rest);
    rp_list_remove(&c->node);
    rp_free(c);
    rp_http_shard_left(shard);
}

void rp_http_conn_socket_gone(void *arg)
{
    struct rp_http_conn *c = arg;

    c->socket_gone = true;
    if (!c->next_queued)
        free_conn(c);
}

/* Lets go of the stream; `politely`: after what is queued has been sent. */
static void leave(struct rp_http_conn *c, bool politely)
{
    c->state = RP_HTTP_GONE;
    rp_timer_stop(&c->timer);
    if (politely)
        rp_stream_finish(c->stream, rp_http_conn_socket_gone, c);
    else
        rp_stream_close(c->stream, rp_http_conn_socket_gone, c);
}

/* The same when somebody may still be at work on an answer. */
static void leave_and_tell(struct rp_http_conn *c, bool politely)
{
    enum rp_http_state was = c->state;

    leave(c, politely);
    if (was == RP_HTTP_HANDLING && c->req.gone)
        c->req.gone(&c->req, c->req.gone_arg);
    else if (was == RP_HTTP_STREAMING && c->answer.gone)
        c->answer.gone(&c->answer, c->answer.arg);
}

void rp_http_conn_drop(struct rp_http_conn *c)
{
    leave(c, false);
}

void rp_http_conn_end(struct rp_http_conn *c)
{
    if (c->state == RP_HTTP_UPGRADED) {
        if (c->ws)
            rp_ws_close(c->ws, RP_WS_GOING_AWAY, "the server is shutting down");
    } else if (c->state != RP_HTTP_GONE) {
        leave_and_tell(c, rp_stream_queued(c->stream) > 0);
    }
}

static void on_lost(int err, void *arg)
{
    struct rp_http_conn *c = arg;
    bool all_answered = c->state == RP_HTTP_READING && !c->has_begun;

    /* A client may close its half once it has asked. */
    leave_and_tell(c, err == RP_EOF && all_answered && rp_stream_queued(c->stream) > 0);
}

/* Requests. */

static void run_handler(struct rp_http_conn *c)
{
    const struct rp_http_server *server = c->shard->server;
    int fault = rp_http_ws_fault(c);

    c->state = RP_HTTP_HANDLING;
    c->keep_alive = c->reader->keep_alive;
    c->req = (struct rp_http_req){NULL, NULL};
    if (fault)
        rp_http_refuse(c, fault);
    else
        server->handler(&c->req, server->handler_arg);
}

/* What the reader has said after it was fed. */
static void act_on(struct rp_http_conn *c, enum rp_http_read what)
{
    if (!c->has_begun && what == RP_HTTP_MORE && rp_http_reader_midway(c->reader)) {
        c->has_begun = true;
        rp_timer_start(&c->timer, c->shard->server->idle_timeout_us);
    }
    if (what == RP_HTTP_WHOLE) {
        run_handler(c);
    } else if (what == RP_HTTP_REFUSED) {
        rp_http_refuse(c, c->reader->refuse);
    } else if (c->reader->expects_continue) {
        c->reader->expects_continue = false;
        if (c->reader->body.len == 0)
            (void)rp_stream_write(c->stream, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
}

/* Reads from `rest` as many requests as can be begun now. */
static void process(struct rp_http_conn *c)
{
    c->processing = true;
    while (c->state == RP_HTTP_READING && c->rest.len &&
           rp_stream_queued(c->stream) <= MAX_UNREAD) {
        struct rp_str data = rp_buf_view(&c->rest);
        enum rp_http_read what = rp_http_reader_feed(c->reader, &data);
        rp_buf_consume(&c->rest, c->rest.len - data.len);
        act_on(c, what);
    }
    c->processing = false;
    if (c->state <= RP_HTTP_STREAMING)
        rp_stream_pause(c->stream, c->rest.len > MAX_REST);
    if (c->rest.len == 0)
        rp_buf_fini(&c->rest);
}

static void process_soon(struct rp_msg *msg)
{
    struct rp_http_conn *c = RP_CONTAINER_OF(msg, struct rp_http_conn, next_msg);

    c->next_queued = false;
    if (c->socket_gone)
        free_conn(c);
    else
        process(c);
}

static void on_read(char *data, size_t len, void *arg)
{
    struct rp_http_conn *c = arg;
    struct rp_str bytes = rp_str_n(data, len);
    enum rp_http_read what = RP_HTTP_MORE;
    bool direct = c->state == RP_HTTP_READING && c->rest.len == 0;

    if (direct)
        what = rp_http_reader_feed(c->reader, &bytes);
    if (bytes.len && what != RP_HTTP_REFUSED && rp_buf_str(&c->rest, bytes) != 0) {
        leave_and_tell(c, false);
        return;
    }
    if (direct) {
        c->processing = true;
        act_on(c, what);
    }
    process(c);
}

void rp_http_conn_answered(struct rp_http_conn *c)
{
    if (!c->keep_alive || c->shard->closing) {
        leave(c, true);
        return;
    }
    c->state = RP_HTTP_READING;
    c->has_begun = false;
    rp_http_reader_next(c->reader);
    rp_timer_start(&c->timer, c->shard->server->idle_timeout_us);
    if (!c->processing && !c->next_queued) {
        c->next_queued = true;
        rp_loop_defer(c->shard->loop, &c->next_msg);
    }
}

static void on_drained(void *arg)
{
    struct rp_http_conn *c = arg;

    if (c->state == RP_HTTP_STREAMING && c->answer.drained)
        c->answer.drained(&c->answer, c->answer.arg);
    else if (c->state == RP_HTTP_READING && c->rest.len)
        process(c);
}

/* Either a client takes too long to send a request, or it does not take what we send. */
static void on_timer(struct rp_timer *timer)
{
    struct rp_http_conn *c = RP_CONTAINER_OF(timer, struct rp_http_conn, timer);
    uint64_t sent = rp_stream_sent(c->stream);
    bool waits = rp_stream_queued(c->stream) > 0;

    if (waits && sent == c->sent_before) {
        leave_and_tell(c, false);
    } else if (waits || c->state != RP_HTTP_READING) {
        c->sent_before = waits ? sent : UINT64_MAX;
        rp_timer_start(&c->timer, c->shard->server->idle_timeout_us);
    } else if (c->has_begun) {
        rp_http_refuse(c, 408);
    } else {
        leave(c, true);
    }
}

void rp_http_conn_start(struct rp_http_shard *shard, int fd, SSL_CTX *tls, const char *peer,
                        bool refuse)
{
    struct rp_http_conn *c = rp_zalloc(sizeof(*c));

    if (c)
        c->reader = rp_alloc(sizeof(*c->reader));
    if (!c || !c->reader || shard->closing) {
        (void)close(fd);
        goto fail;
    }
    if (rp_stream_adopt(&c->stream, shard->loop, fd, tls, &stream_cb, c) != 0)
        goto fail;
    c->shard = shard;
    rp_http_reader_init(c->reader, shard->server->max_body);
    rp_buf_init(&c->rest, SIZE_MAX);
    rp_msg_init(&c->next_msg, process_soon);
    rp_timer_init(&c->timer, shard->loop, on_timer);
    c->sent_before = UINT64_MAX;
    c->is_tls = tls != NULL;
    (void)snprintf(c->peer, sizeof(c->peer), "%s", peer);
    rp_list_append(&shard->conns, &c->node);
    rp_timer_start(&c->timer, shard->server->idle_timeout_us);
    if (refuse)
        rp_http_refuse(c, 503);
    return;

fail:
    if (c)
        rp_free(c->reader);
    rp_free(c);
    rp_http_shard_left(shard);
}
