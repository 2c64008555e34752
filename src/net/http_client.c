/* The HTTP client: libcurl's multi interface, driven by the loop; see http_client.h.
 *
 * libcurl tells us which sockets to watch and when to wake it (on_socket, on_timeout_wanted); we
 * call it when something happens (rp_http_client_run). It may not be entered again from its own
 * callbacks, so what owners cancel there is only marked, and ended right after. */
#include <pthread.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/http_client_int.h"
#include "net/loop_int.h"
#include "net/tls.h"

#define MAX_POOLED 256 /* connections kept for reuse */

/* A socket of libcurl's that we watch. */
struct watch {
    struct rp_http_client *client;
    curl_socket_t fd;
    uv_poll_t poll;
};

static void end_if_closed(struct rp_http_client *c);

static void reap(struct rp_http_client *c)
{
    CURLMsg *msg;
    int left;

    RP_LIST_EACH(&c->doomed, struct rp_http_call, call, node)
        rp_http_call_free(call);
    while ((msg = curl_multi_info_read(c->multi, &left)) != NULL) {
        struct rp_http_call *call = NULL;
        CURLcode code = msg->data.result;
        if (msg->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        rp_http_call_finish_curl(call, code);
    }
}

void rp_http_client_run(struct rp_http_client *c, curl_socket_t fd, int flags)
{
    int running;

    RP_ASSERT(!c->in_curl);
    c->in_curl = true;
    (void)curl_multi_socket_action(c->multi, fd, flags, &running);
    c->in_curl = false;
    reap(c);
}

static void on_timer(struct rp_timer *timer)
{
    rp_http_client_run(RP_CONTAINER_OF(timer, struct rp_http_client, timer), CURL_SOCKET_TIMEOUT,
                       0);
}

static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *arg)
{
    struct rp_http_client *c = arg;

    (void)multi;
    if (timeout_ms < 0)
        rp_timer_stop(&c->timer);
    else
        rp_timer_start(&c->timer, (int64_t)timeout_ms * 1000);
    return 0;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    struct rp_http_client *c = w->client;
    int64_t entered = rp_loop_enter(c->loop);
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) | (status < 0 ? CURL_CSELECT_ERR : 0);

    rp_http_client_run(c, w->fd, flags);
    rp_loop_leave(c->loop, entered, "an HTTP request");
}

static void on_unwatched(uv_handle_t *handle)
{
    struct watch *w = handle->data;
    struct rp_http_client *c = w->client;

    rp_free(w);
    c->npolls--;
    end_if_closed(c);
}

static struct watch *watch_socket(struct rp_http_client *c, curl_socket_t fd)
{
    struct watch *w = rp_zalloc(sizeof(*w));

    if (!w)
        return NULL;
    if (uv_poll_init_socket(&c->loop->uv, &w->poll, fd) != 0) {
        rp_free(w);
        return NULL;
    }
    w->client = c;
    w->fd = fd;
    w->poll.data = w;
    c->npolls++;
    (void)curl_multi_assign(c->multi, fd, w);
    return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct rp_http_client *c = arg;
    struct watch *w = socket_arg;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            (void)curl_multi_assign(c->multi, fd, NULL);
            uv_close((uv_handle_t *)&w->poll, on_unwatched);
        }
        return 0;
    }
    if (!w)
        w = watch_socket(c, fd);
    if (!w)
        return -1;
    if (what != CURL_POLL_OUT)
        events |= UV_READABLE;
    if (what != CURL_POLL_IN)
        events |= UV_WRITABLE;
    return uv_poll_start(&w->poll, events, on_ready) == 0 ? 0 : -1;
}

int rp_http_client_add(struct rp_http_client *c, struct rp_http_call *call)
{
    if (curl_multi_add_handle(c->multi, call->easy) != CURLM_OK)
        return RP_ENOMEM;
    call->in_multi = true;
    return 0;
}

/* Also reads the system's certificates, which takes a tenth of a second: now, while the program
 * starts, rather than on the loop at the first request. */
static void init_curl(void)
{
    SSL_CTX *tls;

    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    if (rp_tls_client_ctx(&tls, NULL) == 0)
        SSL_CTX_free(tls);
}

int rp_http_client_new(struct rp_http_client **out, struct rp_loop *l)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct rp_http_client *c = rp_zalloc(sizeof(*c));

    (void)pthread_once(&once, init_curl);
    if (!c)
        return RP_ENOMEM;
    c->multi = curl_multi_init();
    if (!c->multi) {
        rp_free(c);
        return RP_ENOMEM;
    }
    c->loop = l;
    rp_list_init(&c->calls);
    rp_list_init(&c->doomed);
    rp_timer_init(&c->timer, l, on_timer);
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    (void)curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    (void)curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)MAX_POOLED);
    *out = c;
    return 0;
}

/* The end. */

static void end_if_closed(struct rp_http_client *c)
{
    void (*done)(void *arg) = c->done;
    void *done_arg = c->done_arg;

    if (c->multi || c->npolls > 0) /* the multi handle goes first, see close_soon */
        return;
    rp_free(c);
    done(done_arg);
}

static void close_soon(struct rp_msg *msg)
{
    struct rp_http_client *c = RP_CONTAINER_OF(msg, struct rp_http_client, close_msg);
    CURLM *multi = c->multi;

    while (!rp_list_empty(&c->calls))
        rp_http_call_finish(RP_LIST_FIRST(&c->calls, struct rp_http_call, node), RP_ECANCELED,
                            "the program is ending");
    (void)curl_multi_cleanup(multi);
    c->multi = NULL;
    rp_timer_stop(&c->timer);
    end_if_closed(c);
}

void rp_http_client_close(struct rp_http_client *c, void (*done)(void *arg), void *arg)
{
    RP_ON_LOOP(c->loop);
    RP_ASSERT(!c->closing);
    c->closing = true;
    c->done = done;
    c->done_arg = arg;
    rp_msg_init(&c->close_msg, close_soon);
    rp_loop_defer(c->loop, &c->close_msg);
}
