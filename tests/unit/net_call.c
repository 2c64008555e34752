/* HTTP calls made from a test's thread; see net_call.h.
 *
 * What runs on the loop checks with RP_ASSERT: a failed assertion of cmocka would jump into the
 * stack of another thread. */
#include "net_call.h"

#include <stdio.h>

#include "base/check.h"
#include "base/err.h"
#include "net/resolve.h"

static void new_client(void *arg)
{
    struct net_client *c = arg;

    RP_ASSERT(rp_http_client_new(&c->http, c->loop) == 0);
}

void net_client_start(struct net_client *c)
{
    c->loop = net_start("client");
    net_on(c->loop, new_client, c);
}

struct closing {
    struct net_client *client;
    struct net_latch closed;
};

static void client_closed(void *arg)
{
    struct closing *closing = arg;

    net_latch_add(&closing->closed);
}

static void close_client(void *arg)
{
    struct closing *closing = arg;

    rp_http_client_close(closing->client->http, client_closed, closing);
}

void net_client_close(struct net_client *c)
{
    struct closing closing = {c, NET_LATCH_INIT};

    net_on(c->loop, close_client, &closing);
    net_latch_wait(&closing.closed, 1);
    net_stop(c->loop);
}

void net_client_stop(struct net_client *c)
{
    net_client_close(c);
    rp_resolve_reset();
}

static void cancel_victim(struct net_call *call)
{
    rp_http_call_cancel(call->victim->call);
    call->victim->call = NULL;
    net_latch_add(&call->victim->done);
}

static void on_headers(struct rp_http_call *c, int status, struct rp_str type, void *arg)
{
    struct net_call *call = arg;

    RP_ON_LOOP(call->client->loop);
    RP_ASSERT(net_latch_count(&call->headers) == 0);
    call->status = status;
    (void)snprintf(call->type, sizeof(call->type), "%.*s", RP_STR_ARG(type));
    net_latch_add(&call->headers);
    if (call->pause_in_headers)
        rp_http_call_pause(c, true);
    if (call->cancel_in_headers)
        cancel_victim(call);
}

static void on_data(struct rp_http_call *c, struct rp_str bytes, void *arg)
{
    struct net_call *call = arg;

    (void)c;
    RP_ASSERT(net_latch_count(&call->headers) == 1);
    RP_ASSERT(rp_buf_str(&call->body, bytes) == 0);
    net_latch_add(&call->data);
    if (call->cancel_in_data) {
        call->cancel_in_data = false;
        cancel_victim(call);
    }
}

static void start_now(void *arg);

static void on_done(struct rp_http_call *c, const struct rp_http_result *result, void *arg)
{
    struct net_call *call = arg;

    RP_ON_LOOP(call->client->loop);
    RP_ASSERT(c == call->call);
    call->call = NULL;
    call->result = *result;
    (void)snprintf(call->why, sizeof(call->why), "%s", result->why ? result->why : "");
    if (call->next) {
        call->next->client = call->client;
        start_now(call->next);
    }
    net_latch_add(&call->done);
}

static void start_now(void *arg)
{
    static const struct rp_http_call_cb cb = {on_headers, on_data, on_done};
    struct net_call *call = arg;

    call->started = rp_http_call_start(&call->call, call->client->http, &call->params, &cb, call);
    RP_ASSERT(net_latch_count(&call->done) == 0); /* nothing from inside the start */
}

void net_call_init(struct net_call *call, const char *method, const char *url, struct rp_str body)
{
    const struct net_latch fresh = NET_LATCH_INIT;

    call->headers = call->data = call->done = fresh;
    call->params.method = method;
    call->params.url = url;
    call->params.body = body;
    rp_buf_init(&call->body, SIZE_MAX);
}

void net_call_start(struct net_call *call, struct net_client *c, const char *method,
                    const char *url, struct rp_str body)
{
    net_call_init(call, method, url, body);
    call->client = c;
    net_on(c->loop, start_now, call);
}

void net_call_run(struct net_call *call, struct net_client *c, const char *method, const char *url,
                  struct rp_str body)
{
    net_call_start(call, c, method, url, body);
    RP_ASSERT(call->started == 0);
    net_latch_wait(&call->done, 1);
}

static void cancel_now(void *arg)
{
    struct net_call *call = arg;

    rp_http_call_cancel(call->call);
    call->call = NULL;
}

void net_call_cancel(struct net_call *call)
{
    net_on(call->client->loop, cancel_now, call);
}

static void pause_now(void *arg)
{
    rp_http_call_pause(((struct net_call *)arg)->call, true);
}

static void resume_now(void *arg)
{
    rp_http_call_pause(((struct net_call *)arg)->call, false);
}

void net_call_pause(struct net_call *call, bool paused)
{
    net_on(call->client->loop, paused ? pause_now : resume_now, call);
}

void net_call_fini(struct net_call *call)
{
    rp_buf_fini(&call->body);
}
