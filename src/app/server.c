/* The server: the one place that knows everybody; see server.h. */
#include "app/server.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "app/open_socket.h"
#include "app/speech.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/mem.h"
#include "dashboard/dashboard.h"
#include "net/http_server.h"
#include "session/config.h"
#include "session/shard.h"
#include "stt/none.h"
#include "tts/none.h"

#define MAX_BODY        (1u << 20)
#define IDLE_TIMEOUT_US 60000000
#define SWEEP_US        15000000
#define SESSIONS_END_US 5000000 /* the last words are still recognised, the ends stored */
#define WORKER_QUEUE    1024

struct rp_server {
    struct rp_env env;
    char node_id[RP_ID_MAX];
    char *url;
    struct rp_loop *acceptor;
    struct rp_shard *shards;
    struct rp_loop **loops;
    size_t nshards;
    struct rp_speech_engines *speech;
    struct rp_api *api;
    struct rp_dashboard *dashboard;
    struct rp_http_server *http;
    int64_t max_sessions;
    atomic_bool draining, http_closed;
    bool serving;
    struct rp_timer sweep; /* on the acceptor */
};

static int64_t cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n > 0 ? n : 1;
}

/* ---- requests ---- */

static struct rp_shard *shard_of(struct rp_server *s, const struct rp_loop *loop)
{
    for (size_t i = 0; i < s->nshards; i++)
        if (s->loops[i] == loop)
            return &s->shards[i];
    RP_ASSERT(!"a request on a loop that is no shard");
    return NULL;
}

/* Why nobody may come in now, or NULL. */
static const char *refusal(const struct rp_server *s)
{
    if (atomic_load(&s->draining))
        return "The server is about to stop. Try another one, or again in a moment.";
    if (atomic_load(&s->env.live) >= s->max_sessions)
        return "The server carries as many calls as it may. Try again when one has ended.";
    return NULL;
}

static void handle(struct rp_http_req *req, void *arg)
{
    struct rp_server *s = arg;

    if (rp_open_socket(shard_of(s, rp_http_req_loop(req)), req, refusal(s)))
        return;
    if (rp_api_handle(s->api, req) || rp_dashboard_handle(s->dashboard, req))
        return;
    rp_http_respond(req, 404, "application/json", NULL, 0,
                    RP_STR("{\"error\":\"There is nothing at this address.\"}"));
}

/* ---- what the API asks ---- */

static bool has_room(void *arg)
{
    return refusal(arg) == NULL;
}

static bool is_ready(const char **why, void *arg)
{
    struct rp_server *s = arg;

    if (atomic_load(&s->draining)) {
        *why = "draining";
        return false;
    }
    return rp_store_healthy(s->env.store, why);
}

/* ---- keys that expire unused, sessions that were lost ---- */

static void swept(struct rp_store_req *req, void *arg)
{
    struct rp_store_session_sweep *q = RP_STORE_OF(session_sweep, req);

    (void)arg;
    if (req->err)
        rp_log("app", RP_LOG_WARN, NULL, "expired sessions were not ended: %s", req->why);
    else if (q->n)
        rp_log("app", RP_LOG_DEBUG, NULL, "%zu sessions ended unused or lost", q->n);
}

static void sweep(struct rp_timer *t)
{
    struct rp_server *s = RP_CONTAINER_OF(t, struct rp_server, sweep);
    struct rp_store_session_sweep *q = RP_STORE_NEW(session_sweep, s->acceptor, swept, s);

    rp_timer_start(t, SWEEP_US);
    if (!q)
        return;
    q->now_ms = rp_wall_ms();
    rp_store_submit(s->env.store, &q->req);
}

/* ---- running something on a loop from the main thread ---- */

struct errand {
    struct rp_msg msg;
    void (*fn)(struct rp_server *s, size_t i);
    struct rp_server *server;
    size_t i;
    atomic_bool done;
};

static void run_errand(struct rp_msg *msg)
{
    struct errand *e = RP_CONTAINER_OF(msg, struct errand, msg);

    e->fn(e->server, e->i);
    atomic_store(&e->done, true);
}

/* Runs `fn` on the loop and waits until it has returned. */
static void on_loop(struct rp_server *s, struct rp_loop *loop,
                    void (*fn)(struct rp_server *, size_t), size_t i)
{
    struct errand e = {.msg.fn = run_errand, .fn = fn, .server = s, .i = i};

    rp_loop_post(loop, &e.msg);
    while (!atomic_load(&e.done))
        (void)usleep(500);
}

/* ---- start ---- */

static int fail(char **why, int err, const char *text)
{
    if (!*why)
        *why = rp_strdup(text);
    return err;
}

static int open_store(struct rp_server *s, const struct rp_options *o, char **why)
{
    return rp_store_open(
        &s->env.store,
        &(struct rp_store_params){.data_dir = o->data, .database_url = o->database_url}, why);
}

/* An empty data folder gets an agent to talk to. */
static int make_first_agent(struct rp_server *s, char **why)
{
    struct rp_store_agent_create *q = RP_STORE_NEW(agent_create, NULL, NULL, NULL);
    char id[RP_ID_MAX], secret[RP_SECRET_MAX];
    int err;

    if (!q)
        return RP_ENOMEM;
    q->only_first = true;
    q->agent = (struct rp_store_agent){
        .id = rp_store_z(&q->req, rp_id_new(id, RP_ID_AGENT)),
        .name = rp_store_z(&q->req, "Demo"),
        .type = rp_store_z(&q->req, "voice"),
        .template_id = rp_store_z(&q->req, "demo"),
        .config = rp_store_str(&q->req, rp_config_template("demo")),
        .secret = rp_store_z(&q->req, rp_secret_new(secret, "whsec_")),
        .created_ms = rp_wall_ms(),
    };
    err = rp_store_wait(s->env.store, &q->req);
    if (err == RP_EEXIST)
        err = 0;
    if (err)
        (void)fail(why, err, q->req.why);
    rp_store_req_free(&q->req);
    return err;
}

/* Sessions that a former life of this node left live. */
static int end_lost_sessions(struct rp_server *s)
{
    size_t n = 1;
    int err = 0;

    while (n > 0 && !err) {
        struct rp_store_session_sweep *q = RP_STORE_NEW(session_sweep, NULL, NULL, NULL);
        if (!q)
            return RP_ENOMEM;
        q->now_ms = rp_wall_ms();
        q->lost_node = rp_store_z(&q->req, s->node_id);
        err = rp_store_wait(s->env.store, &q->req);
        n = err ? 0 : q->n;
        if (n)
            rp_log("app", RP_LOG_INFO, NULL, "%zu sessions of an earlier run were ended", n);
        rp_store_req_free(&q->req);
    }
    return err;
}

/* Who we are in the store: the machine's name, so that a restart finds its own lost sessions. */
static void name_node(struct rp_server *s)
{
    if (gethostname(s->node_id, sizeof(s->node_id) - 1) != 0 || !s->node_id[0])
        (void)snprintf(s->node_id, sizeof(s->node_id), "riposte");
    s->env.node_id = s->node_id;
}

static int start_loops(struct rp_server *s, int64_t nshards)
{
    int err = rp_loop_new(&s->acceptor, "acceptor");

    s->nshards = (size_t)(nshards ? nshards : RP_MAX(cores() / 4, 1));
    s->shards = rp_calloc(s->nshards, sizeof(*s->shards));
    s->loops = rp_calloc(s->nshards, sizeof(struct rp_loop *));
    if (!s->shards || !s->loops)
        return RP_ENOMEM;
    for (size_t i = 0; i < s->nshards && !err; i++) {
        err = rp_loop_new(&s->loops[i], "shard");
        if (!err)
            err = rp_shard_init(&s->shards[i], s->loops[i], &s->env);
    }
    for (size_t i = 0; i < s->nshards && !err; i++)
        err = rp_loop_start(s->loops[i]);
    return err;
}

static int open_speech(struct rp_server *s, const struct rp_options *o, char **why)
{
    int64_t n = o->speech_workers ? o->speech_workers : RP_MAX(cores() - (int64_t)s->nshards, 1);
    int err = rp_speech_open(&s->speech, o->speech_dir, (unsigned)n, WORKER_QUEUE, why);

    if (err)
        return err;
    s->env.vad = rp_speech_vad(s->speech);
    s->env.stt = strcmp(o->speech, "off") == 0 ? &rp_stt_none : rp_speech_stt(s->speech);
    s->env.tts = strcmp(o->speech, "off") == 0 ? &rp_tts_none : rp_speech_tts(s->speech);
    return 0;
}

static int open_pages(struct rp_server *s, const struct rp_options *o)
{
    const struct rp_api_params api = {
        .store = s->env.store,
        .api_key = o->api_key,
        .public_url = o->public_url,
        .strict_engines = o->strict_engines,
        .has_room = has_room,
        .is_ready = is_ready,
        .arg = s,
    };
    int err = rp_dashboard_new(&s->dashboard, s->env.store, o->public_url);

    return err ? err : rp_api_new(&s->api, &api);
}

static char *public_url(const struct rp_options *o, const char *host, uint16_t port)
{
    struct rp_buf b;

    rp_buf_init(&b, 1024);
    if (o->public_url)
        (void)rp_buf_z(&b, o->public_url);
    else
        (void)rp_buf_printf(&b, strchr(host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
                            o->tls_cert ? "https" : "http",
                            strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1"
                            : strcmp(host, "::") == 0    ? "::1"
                                                         : host,
                            port);
    while (b.len && b.p[b.len - 1] == '/')
        b.p[--b.len] = '\0';
    return rp_buf_take(&b);
}

static int start_serving(struct rp_server *s, const struct rp_options *o, char **why)
{
    struct rp_http_server_params p = {
        .tls_cert = o->tls_cert,
        .tls_key = o->tls_key,
        .loops = s->loops,
        .nloops = s->nshards,
        .max_body = MAX_BODY,
        .max_connections = (size_t)o->max_connections,
        .idle_timeout_us = IDLE_TIMEOUT_US,
        .handler = handle,
        .arg = s,
    };
    char host[64];
    int err = rp_listen_parse(o->listen, host, &p.port);

    if (err)
        return err;
    p.host = host;
    err = rp_http_server_new(&s->http, s->acceptor, &p, why);
    if (err)
        return err;
    s->url = public_url(o, host, rp_http_server_port(s->http));
    rp_timer_init(&s->sweep, s->acceptor, sweep);
    rp_timer_start(&s->sweep, SWEEP_US);
    return s->url ? rp_loop_start(s->acceptor) : RP_ENOMEM;
}

int rp_server_new(struct rp_server **out, const struct rp_options *o, char **why)
{
    struct rp_server *s = rp_zalloc(sizeof(*s));
    int err = s ? 0 : RP_ENOMEM;

    *why = NULL;
    if (err)
        return err;
    s->max_sessions = o->max_sessions;
    s->env.connect_timeout_us = o->webhook_connect_ms * 1000;
    s->env.first_byte_timeout_us = o->webhook_first_byte_ms * 1000;
    s->env.idle_timeout_us = o->webhook_idle_ms * 1000;
    name_node(s);
    err = open_store(s, o, why);
    if (!err)
        err = make_first_agent(s, why);
    if (!err)
        err = end_lost_sessions(s);
    if (!err)
        err = start_loops(s, o->shards);
    if (!err)
        err = open_speech(s, o, why);
    if (!err)
        err = open_pages(s, o);
    if (!err)
        err = start_serving(s, o, why);
    if (err) {
        rp_server_free(s);
        return err;
    }
    s->serving = true;
    *out = s;
    return 0;
}

const char *rp_server_url(const struct rp_server *s)
{
    return s->url;
}

char *rp_server_owner_link(struct rp_server *s)
{
    return rp_dashboard_owner_link(s->env.store, s->url);
}

int rp_server_live_sessions(const struct rp_server *s)
{
    return atomic_load(&s->env.live);
}

/* ---- signals ---- */

static void reload(struct rp_server *s, size_t i)
{
    char *why = NULL;

    (void)i;
    if (rp_http_server_reload_tls(s->http, &why) != 0)
        rp_log("app", RP_LOG_ERROR, NULL, "the certificate stays as it was: %s", why ? why : "");
    else
        rp_log("app", RP_LOG_INFO, NULL, "certificate read again");
    rp_free(why);
}

void rp_server_reload(struct rp_server *s)
{
    on_loop(s, s->acceptor, reload, 0);
}

void rp_server_drain(struct rp_server *s)
{
    atomic_store(&s->draining, true);
}

/* ---- end ---- */

static void end_sessions(struct rp_server *s, size_t i)
{
    rp_shard_end_sessions(&s->shards[i]);
}

static void http_closed(void *arg)
{
    struct rp_server *s = arg;

    atomic_store(&s->http_closed, true);
}

static void close_http(struct rp_server *s, size_t i)
{
    (void)i;
    rp_timer_stop(&s->sweep);
    rp_http_server_close(s->http, http_closed, s);
}

static void shard_closed(void *arg)
{
    struct rp_shard *shard = arg;

    rp_loop_stop(shard->loop);
}

static void close_shard(struct rp_server *s, size_t i)
{
    rp_shard_close(&s->shards[i], shard_closed, &s->shards[i]);
}

static void wait_for_sessions(struct rp_server *s)
{
    int64_t until = rp_now_us() + SESSIONS_END_US;

    while (atomic_load(&s->env.live) > 0 && rp_now_us() < until)
        (void)usleep(2000);
}

/* Sessions first, so that their ends are stored; then sockets; then workers and store, whose last
 * answers go to the loops; then the loops. */
static void stop_serving(struct rp_server *s)
{
    atomic_store(&s->draining, true);
    for (size_t i = 0; i < s->nshards; i++)
        on_loop(s, s->loops[i], end_sessions, i);
    wait_for_sessions(s);
    on_loop(s, s->acceptor, close_http, 0);
    while (!atomic_load(&s->http_closed))
        (void)usleep(500);
    wait_for_sessions(s); /* those that did not make it in time lost their sockets just now */
    rp_speech_stop(s->speech);
    rp_store_close(s->env.store);
    for (size_t i = 0; i < s->nshards; i++)
        on_loop(s, s->loops[i], close_shard, i);
    for (size_t i = 0; i < s->nshards; i++)
        rp_loop_free(s->loops[i]);
    rp_loop_stop(s->acceptor);
    rp_loop_free(s->acceptor);
    rp_speech_free(s->speech);
    rp_api_free(s->api);
    rp_dashboard_free(s->dashboard);
}

void rp_server_free(struct rp_server *s)
{
    if (!s)
        return;
    if (s->serving)
        stop_serving(s);
    else /* a start that failed: the process ends, only what is on disk is closed */
        rp_store_close(s->env.store);
    rp_free(s->url);
    rp_free(s->shards);
    rp_free(s->loops);
    rp_free(s);
}
