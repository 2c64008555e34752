/* WebSocket clients driven from a test's thread; see net_ws.h. On the loop RP_ASSERT checks, see
 * net_call.c. */
#include "net_ws.h"

#include <stdio.h>

#include "base/check.h"

static void on_opened(struct rp_ws *ws, void *arg)
{
    struct net_ws *w = arg;

    RP_ON_LOOP(w->loop);
    RP_ASSERT(ws == w->ws && net_latch_count(&w->closed) == 0);
    if (w->abort_in_opened)
        rp_ws_abort(ws);
    net_latch_add(&w->opened);
}

static void on_message(struct rp_ws *ws, bool binary, char *data, size_t len, void *arg)
{
    struct net_ws *w = arg;

    (void)binary;
    RP_ON_LOOP(w->loop);
    RP_ASSERT(net_latch_count(&w->opened) == 1 && net_latch_count(&w->closed) == 0);
    rp_buf_clear(&w->last);
    RP_ASSERT(rp_buf_add(&w->last, data, len) == 0);
    w->bytes += len;
    if (w->close_in_message)
        rp_ws_close(ws, 1000, "enough");
    net_latch_add(&w->message);
}

static void on_closed(struct rp_ws *ws, int code, struct rp_str reason, void *arg)
{
    struct net_ws *w = arg;

    RP_ON_LOOP(w->loop);
    RP_ASSERT(ws == w->ws && net_latch_count(&w->closed) == 0);
    w->ws = NULL;
    w->code = code;
    (void)snprintf(w->reason, sizeof(w->reason), "%.*s", RP_STR_ARG(reason));
    net_latch_add(&w->closed);
}

static void on_drained(struct rp_ws *ws, void *arg)
{
    struct net_ws *w = arg;

    RP_ASSERT(rp_ws_queued(ws) == 0);
    net_latch_add(&w->drained);
}

static void connect_now(void *arg)
{
    struct net_ws *w = arg;

    w->started = rp_ws_connect(&w->ws, w->loop, w->url, w->headers, &w->cb, w);
    RP_ASSERT(net_latch_count(&w->closed) == 0);
}

void net_ws_connect(struct net_ws *w, struct rp_loop *l, const char *url)
{
    const struct net_latch fresh = NET_LATCH_INIT;

    w->loop = l;
    w->url = url;
    w->opened = w->message = w->drained = w->closed = fresh;
    w->cb.opened = on_opened;
    w->cb.message = on_message;
    w->cb.closed = on_closed;
    w->cb.drained = on_drained;
    if (!w->cb.max_message)
        w->cb.max_message = 1 << 20;
    rp_buf_init(&w->last, SIZE_MAX);
    net_on(l, connect_now, w);
}

void net_ws_open(struct net_ws *w, struct rp_loop *l, const char *url)
{
    net_ws_connect(w, l, url);
    RP_ASSERT(w->started == 0);
    net_latch_wait(&w->opened, 1);
}

struct op {
    struct net_ws *w;
    bool flag;
    struct rp_str data;
    int code;
    const char *reason;
};

static void send_now(void *arg)
{
    struct op *op = arg;

    RP_ASSERT(rp_ws_send(op->w->ws, op->flag, op->data.p, op->data.len) == 0);
}

void net_ws_send(struct net_ws *w, bool binary, struct rp_str data)
{
    struct op op = {.w = w, .flag = binary, .data = data};

    net_on(w->loop, send_now, &op);
}

static void close_now(void *arg)
{
    struct op *op = arg;

    if (op->w->ws) /* else it has ended by itself */
        rp_ws_close(op->w->ws, op->code, op->reason);
}

void net_ws_close(struct net_ws *w, int code, const char *reason)
{
    struct op op = {.w = w, .code = code, .reason = reason};

    net_on(w->loop, close_now, &op);
}

static void abort_now(void *arg)
{
    struct op *op = arg;

    if (op->w->ws)
        rp_ws_abort(op->w->ws);
}

void net_ws_abort(struct net_ws *w)
{
    struct op op = {.w = w};

    net_on(w->loop, abort_now, &op);
}

static void pause_now(void *arg)
{
    struct op *op = arg;

    rp_ws_pause(op->w->ws, op->flag);
}

void net_ws_pause(struct net_ws *w, bool paused)
{
    struct op op = {.w = w, .flag = paused};

    net_on(w->loop, pause_now, &op);
}

void net_ws_fini(struct net_ws *w)
{
    net_latch_wait(&w->closed, 1);
    rp_buf_fini(&w->last);
}
