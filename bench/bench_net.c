/* What sockets cost: CPU time of the server's loop, with the load made by another thread of this
 * process over loopback.
 *
 *     bench_net ws [SESSIONS [SECONDS [URL]]]     each sends 10 messages of 2.2 kB a second and
 * gets them back; with a URL only the client's side is ours bench_net http [REQUESTS] one after the
 * other on 16 connections bench_net cancel [CALLS]                    calls that wait for an answer
 * are cancelled
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "net/http_client.h"
#include "net/http_server.h"

#define RATE        10
#define MESSAGE_LEN 2200

static struct rp_loop *server_loop, *client_loop;
static struct rp_http_server *server;

/* CPU time of a loop's thread, asked for on the loop. */
struct cpu_probe {
    struct rp_msg msg;
    int64_t us;
    atomic_bool known;
};

static void read_cpu(struct rp_msg *msg)
{
    struct cpu_probe *p = RP_CONTAINER_OF(msg, struct cpu_probe, msg);
    struct timespec ts;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    p->us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
    atomic_store(&p->known, true);
}

static void nap(int64_t us)
{
    struct timespec ts = {us / 1000000, us % 1000000 * 1000};

    (void)nanosleep(&ts, NULL);
}

static int64_t cpu_of(struct rp_loop *l)
{
    struct cpu_probe p = {.us = 0};

    rp_msg_init(&p.msg, read_cpu);
    rp_loop_post(l, &p.msg);
    while (!atomic_load(&p.known))
        nap(100);
    return p.us;
}

/* The server. */

static void echo(struct rp_ws *ws, bool binary, char *data, size_t len, void *arg)
{
    (void)arg;
    (void)rp_ws_send(ws, binary, data, len);
}

static void ignore_close(struct rp_ws *ws, int code, struct rp_str reason, void *arg)
{
    (void)ws;
    (void)code;
    (void)reason;
    (void)arg;
}

static void hang(struct rp_http_req *r, void *arg)
{
    (void)r;
    (void)arg;
}

static void handle(struct rp_http_req *r, void *arg)
{
    const struct rp_ws_cb cb = {.max_message = 1 << 20, .message = echo, .closed = ignore_close};
    struct rp_ws *ws;

    if (rp_http_req_wants_ws(r))
        (void)rp_http_upgrade(&ws, r, &cb, arg);
    else if (rp_str_eq_z(rp_http_req_path(r), "/hang"))
        rp_http_req_on_gone(r, hang, NULL);
    else
        rp_http_respond(r, 200, "text/plain", NULL, 0, RP_STR("hello, world\n"));
}

static void start_server(void)
{
    const struct rp_http_server_params params = {.host = "127.0.0.1",
                                                 .loops = &server_loop,
                                                 .nloops = 1,
                                                 .max_body = 1 << 20,
                                                 .max_connections = 100000,
                                                 .idle_timeout_us = 600000000,
                                                 .handler = handle};
    struct rlimit files;

    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    RP_ASSERT(rp_loop_new(&server_loop, "server") == 0 && rp_loop_new(&client_loop, "client") == 0);
    RP_ASSERT(rp_http_server_new(&server, server_loop, &params, NULL) == 0);
    RP_ASSERT(rp_loop_start(server_loop) == 0);
}

/* WebSockets. */

struct session {
    struct rp_ws *ws;
    struct rp_timer timer;
    int64_t next_us;
};

static char message[MESSAGE_LEN];
static atomic_int opened;
static atomic_long received;

static void send_one(struct rp_timer *timer)
{
    struct session *s = RP_CONTAINER_OF(timer, struct session, timer);

    if (s->ws)
        (void)rp_ws_send(s->ws, false, message, sizeof(message));
    s->next_us += 1000000 / RATE;
    rp_timer_start(timer, s->next_us - rp_now_us());
}

static void on_opened(struct rp_ws *ws, void *arg)
{
    static struct rp_rng spread = {1};
    struct session *s = arg;

    (void)ws;
    atomic_fetch_add(&opened, 1);
    s->next_us =
        rp_now_us() + (int64_t)rp_rng_below(&spread, 1000000 / RATE); /* spread out evenly */
    rp_timer_start(&s->timer, s->next_us - rp_now_us());
}

static void on_echo(struct rp_ws *ws, bool binary, char *data, size_t len, void *arg)
{
    (void)ws;
    (void)binary;
    (void)data;
    (void)len;
    (void)arg;
    atomic_fetch_add_explicit(&received, 1, memory_order_relaxed);
}

static void on_closed(struct rp_ws *ws, int code, struct rp_str reason, void *arg)
{
    struct session *s = arg;

    (void)ws;
    s->ws = NULL;
    (void)fprintf(stderr, "closed: %d %.*s\n", code, RP_STR_ARG(reason));
}

static void bench_ws(int sessions, int seconds, const char *url)
{
    const struct rp_ws_cb cb = {
        .max_message = 1 << 20, .opened = on_opened, .message = on_echo, .closed = on_closed};
    struct session *all = rp_calloc((size_t)sessions, sizeof(*all));
    int64_t server_cpu, client_cpu, started;
    char own[64];
    long before;
    double session_seconds;

    (void)snprintf(own, sizeof(own), "ws://127.0.0.1:%u/", (unsigned)rp_http_server_port(server));
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (char)('a' + i % 26);
    for (int i = 0; i < sessions; i++) {
        rp_timer_init(&all[i].timer, client_loop, send_one);
        RP_ASSERT(rp_ws_connect(&all[i].ws, client_loop, url ? url : own, NULL, &cb, &all[i]) == 0);
    }
    RP_ASSERT(rp_loop_start(client_loop) == 0);
    while (atomic_load(&opened) < sessions)
        nap(10000);
    nap(1000000);
    before = atomic_load(&received);
    started = rp_now_us();
    server_cpu = cpu_of(server_loop);
    client_cpu = cpu_of(client_loop);
    nap((int64_t)seconds * 1000000);
    server_cpu = cpu_of(server_loop) - server_cpu;
    client_cpu = cpu_of(client_loop) - client_cpu;
    session_seconds = sessions * (double)(rp_now_us() - started) / 1e6;
    (void)printf("%d sessions, %.1f messages a session-second\n", sessions,
                 (double)(atomic_load(&received) - before) / session_seconds);
    (void)printf("server %.4f, client %.4f CPU-ms a session-second\n",
                 (double)server_cpu / 1e3 / session_seconds,
                 (double)client_cpu / 1e3 / session_seconds);
}

/* Requests. */

static struct rp_http_client *client;
static char url[64];
static int calls_left;
static atomic_bool finished;

static void next_call(void);

static void call_done(struct rp_http_call *c, const struct rp_http_result *result, void *arg)
{
    (void)c;
    (void)arg;
    RP_ASSERT(result->err == 0 && result->status == 200);
    next_call();
}

static void next_call(void)
{
    static const struct rp_http_call_cb cb = {.done = call_done};
    const struct rp_http_call_params params = {.method = "GET", .url = url};
    struct rp_http_call *call;

    if (calls_left-- > 0)
        RP_ASSERT(rp_http_call_start(&call, client, &params, &cb, NULL) == 0);
    else
        atomic_store(&finished, true);
}

static void bench_http(int requests)
{
    int64_t started, server_cpu, client_cpu, took;

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)rp_http_server_port(server));
    RP_ASSERT(rp_http_client_new(&client, client_loop) == 0);
    calls_left = requests;
    for (int i = 0; i < 16; i++)
        next_call();
    server_cpu = cpu_of(server_loop);
    started = rp_now_us();
    RP_ASSERT(rp_loop_start(client_loop) == 0);
    client_cpu = cpu_of(client_loop);
    while (!atomic_load(&finished))
        nap(1000);
    took = rp_now_us() - started;
    server_cpu = cpu_of(server_loop) - server_cpu;
    client_cpu = cpu_of(client_loop) - client_cpu;
    (void)printf("%d requests, %.0f a second; CPU a request: server %.1f us, client %.1f us\n",
                 requests, requests / ((double)took / 1e6), (double)server_cpu / requests,
                 (double)client_cpu / requests);
}

/* Cancelling. */

struct waiting {
    struct rp_http_call *call;
    struct rp_timer timer;
    int64_t worst_us, sum_us;
    int left, calls;
};

static void never(struct rp_http_call *c, const struct rp_http_result *result, void *arg)
{
    (void)c;
    (void)arg;
    (void)fprintf(stderr, "unexpected end: %s\n", result->why);
    exit(1);
}

static void start_waiting(struct waiting *w)
{
    static const struct rp_http_call_cb cb = {.done = never};
    const struct rp_http_call_params params = {.method = "GET", .url = url};

    RP_ASSERT(rp_http_call_start(&w->call, client, &params, &cb, w) == 0);
    rp_timer_start(&w->timer, 2000);
}

static void cancel_it(struct rp_timer *timer)
{
    struct waiting *w = RP_CONTAINER_OF(timer, struct waiting, timer);
    int64_t took = rp_now_us();

    rp_http_call_cancel(w->call);
    took = rp_now_us() - took;
    w->sum_us += took;
    w->worst_us = RP_MAX(w->worst_us, took);
    if (--w->left > 0)
        start_waiting(w);
    else
        atomic_store(&finished, true);
}

static void bench_cancel(int calls)
{
    struct waiting w = {.left = calls, .calls = calls};

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/hang",
                   (unsigned)rp_http_server_port(server));
    RP_ASSERT(rp_http_client_new(&client, client_loop) == 0);
    rp_timer_init(&w.timer, client_loop, cancel_it);
    start_waiting(&w);
    RP_ASSERT(rp_loop_start(client_loop) == 0);
    while (!atomic_load(&finished))
        nap(1000);
    (void)printf("%d calls cancelled, %.1f us each, %lld us at worst\n", calls,
                 (double)w.sum_us / calls, (long long)w.worst_us);
}

int main(int argc, char **argv)
{
    struct rp_str what = rp_str_z(argc > 1 ? argv[1] : "");
    int n = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;

    start_server();
    if (rp_str_eq_z(what, "ws"))
        bench_ws(n ? n : 1000, argc > 3 ? (int)strtol(argv[3], NULL, 10) : 10,
                 argc > 4 ? argv[4] : NULL);
    else if (rp_str_eq_z(what, "http"))
        bench_http(n ? n : 50000);
    else if (rp_str_eq_z(what, "cancel"))
        bench_cancel(n ? n : 500);
    else
        (void)fprintf(stderr, "usage: bench_net ws|http|cancel [N]\n");
    (void)fflush(stdout);
    _Exit(0); /* nothing is worth closing one by one */
}
