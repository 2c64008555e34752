/* A session in miniature: drives agent/webhook against a backend, for tests/integration.
 *
 *     webhook_ask CONFIG
 *
 * CONFIG is a JSON object: url, secret, and optionally pending_secret, metadata, custom_headers,
 * connect_ms, first_byte_ms, idle_ms, max_body, max_event, max_answer, ca_file. Commands come as
 * lines on standard input, one JSON object each:
 *
 *     {"do":"request","id":"a","type":"message","text":"hi","data":…,
 *      "in_event":2,"then":"cancel"|"close"|"pause"|"request"}    optional: inside its second event
 *     {"do":"cancel"|"pause"|"resume","id":"a"}
 *     {"do":"close"}                        the agent; the HTTP client stays until the input ends
 *
 * Events and log records go to standard output as JSON lines; "id" is also the turn's id. The last
 * line counts the blocks of memory that are left, which has to be none. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/webhook.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/mem.h"

#define MAX_CALLS 64

struct ask {
    struct rp_agent_call *call; /* NULL: over */
    char id[RP_ID_MAX];
    int events, act_at;
    char act[16];
};

static struct {
    struct rp_loop *loop;
    struct rp_http_client *http;
    struct rp_agent *agent;
    struct rp_agent_session session;
    struct rp_arena arena;
    struct ask asks[MAX_CALLS];
    size_t nasks;
} g;

static void die(const char *what)
{
    (void)fprintf(stderr, "webhook_ask: %s\n", what);
    exit(1);
}

static void print_line(struct rp_jw *w)
{
    rp_jw_end(w);
    if (rp_buf_err(w->b))
        die("a line is too long");
    (void)printf("%s\n", w->b->p);
    (void)fflush(stdout);
    rp_buf_fini(w->b);
}

static struct rp_jw begin_line(struct rp_buf *b, const char *kind)
{
    struct rp_jw w = {.b = b};

    rp_buf_init(b, 64u << 20);
    rp_jw_obj(&w);
    rp_jw_key_z(&w, "kind", kind);
    return w;
}

static void on_record(const struct rp_webhook_record *r, void *arg)
{
    struct rp_buf b;
    struct rp_jw w = begin_line(&b, "record");

    (void)arg;
    rp_jw_key_z(&w, "id", r->turn_id);
    rp_jw_key_z(&w, "type", r->type);
    rp_jw_key_z(&w, "url", r->url);
    rp_jw_key_int(&w, "status", r->status);
    rp_jw_key_bool(&w, "cancelled", r->cancelled);
    rp_jw_key_z(&w, "code", r->code);
    rp_jw_key_z(&w, "why", r->why);
    rp_jw_key_int(&w, "connected", r->timing.connected);
    rp_jw_key_int(&w, "sent_us", r->timing.sent);
    rp_jw_key_int(&w, "first_byte_us", r->timing.first_byte);
    rp_jw_key_int(&w, "done_us", r->timing.done);
    rp_jw_key_bool(&w, "reused", r->timing.reused);
    rp_jw_key_int(&w, "sent", (int64_t)r->sent);
    rp_jw_key_int(&w, "received", (int64_t)r->received);
    rp_jw_key_int(&w, "events", r->events);
    rp_jw_key_int(&w, "dropped", r->dropped);
    rp_jw_key_str(&w, "request", r->request);
    rp_jw_key_str(&w, "response", r->response);
    print_line(&w);
}

static void request(const struct rp_json *cmd);

static void act(struct ask *a)
{
    if (strcmp(a->act, "cancel") == 0 && a->call) {
        g.agent->ops->cancel(a->call);
        a->call = NULL;
    } else if (strcmp(a->act, "close") == 0) {
        g.agent->ops->close(g.agent);
        g.agent = NULL;
    } else if (strcmp(a->act, "pause") == 0 && a->call) {
        g.agent->ops->pause(a->call, true);
    } else if (strcmp(a->act, "request") == 0) {
        struct rp_json *cmd;
        if (rp_json_parse(&cmd, &g.arena,
                          RP_STR("{\"id\":\"inner\",\"type\":\"message\",\"text\":\"inner\"}"),
                          NULL))
            die("out of memory");
        request(cmd);
    }
}

static void on_event(struct rp_agent_call *call, const struct rp_agent_event *ev, void *arg)
{
    static const char *const names[] = {
        [RP_AGENT_TEXT] = "text",     [RP_AGENT_JSON] = "json", [RP_AGENT_PLAIN] = "plain",
        [RP_AGENT_HANGUP] = "hangup", [RP_AGENT_END] = "end",   [RP_AGENT_ERROR] = "error"};
    struct ask *a = arg;
    struct rp_buf b;
    struct rp_jw w = begin_line(&b, names[ev->type]);

    if (call != a->call)
        die("an event of a call that is over");
    rp_jw_key_z(&w, "id", a->id);
    if (ev->type == RP_AGENT_TEXT)
        rp_jw_key_str(&w, "text", ev->text);
    if (ev->type == RP_AGENT_JSON || ev->type == RP_AGENT_PLAIN) {
        rp_jw_key(&w, "text");
        rp_jw_raw(&w, ev->text);
    }
    if (ev->type == RP_AGENT_ERROR) {
        rp_jw_key_z(&w, "code", ev->code);
        rp_jw_key_z(&w, "why", ev->why);
    }
    if (ev->type == RP_AGENT_END || ev->type == RP_AGENT_ERROR) {
        rp_jw_key_int(&w, "status", ev->status);
        rp_jw_key_int(&w, "sent_us", ev->sent_us);
        rp_jw_key_int(&w, "first_byte_us", ev->first_byte_us);
        a->call = NULL;
    }
    print_line(&w);
    if (++a->events == a->act_at)
        act(a);
}

static void request(const struct rp_json *cmd)
{
    static const char *const types[] = {"message", "data", "welcome", "session.start"};
    struct rp_agent_request r = {.type = RP_AGENT_MESSAGE};
    struct rp_str type = rp_json_get_str(cmd, "type");
    struct rp_buf data, b;
    struct ask *a = &g.asks[g.nasks];
    int err;

    if (++g.nasks > MAX_CALLS)
        die("too many calls");
    (void)snprintf(a->id, sizeof(a->id), "%.*s", RP_STR_ARG(rp_json_get_str(cmd, "id")));
    a->act_at = (int)rp_json_get_num(cmd, "in_event", 0);
    (void)snprintf(a->act, sizeof(a->act), "%.*s", RP_STR_ARG(rp_json_get_str(cmd, "then")));
    for (size_t i = 0; i < RP_COUNT(types); i++)
        if (rp_str_eq_z(type, types[i]))
            r.type = (enum rp_agent_type)i;
    rp_buf_init(&data, 64u << 20);
    rp_jw_value(&(struct rp_jw){.b = &data}, rp_json_get(cmd, "data"));
    r.turn_id = a->id;
    r.text = rp_json_get_str(cmd, "text");
    r.data_json = rp_buf_view(&data);
    err = g.agent->ops->request(&a->call, g.agent, &r, on_event, a);
    rp_buf_fini(&data);
    if (err) {
        struct rp_jw w = begin_line(&b, "refused");
        rp_jw_key_z(&w, "id", a->id);
        rp_jw_key_z(&w, "err", rp_err_name(err));
        print_line(&w);
    }
}

static struct ask *find(struct rp_str id)
{
    for (size_t i = 0; i < g.nasks; i++)
        if (rp_str_eq_z(id, g.asks[i].id))
            return &g.asks[i];
    return NULL;
}

static void obey(const struct rp_json *cmd)
{
    struct rp_str what = rp_json_get_str(cmd, "do");
    struct ask *a = find(rp_json_get_str(cmd, "id"));

    if (rp_str_eq_z(what, "request")) {
        request(cmd);
    } else if (rp_str_eq_z(what, "close")) {
        g.agent->ops->close(g.agent);
        g.agent = NULL;
    } else if (!a || !a->call) {
        return; /* it ended before the command arrived */
    } else if (rp_str_eq_z(what, "cancel")) {
        g.agent->ops->cancel(a->call);
        a->call = NULL;
    } else {
        g.agent->ops->pause(a->call, rp_str_eq_z(what, "pause"));
    }
}

/* ---- standard input, read by a thread ---- */

struct command {
    struct rp_msg msg;
    char *line; /* NULL: the input has ended */
};

static void client_closed(void *arg)
{
    (void)arg;
    rp_loop_stop(g.loop);
}

static void on_command(struct rp_msg *msg)
{
    struct command *c = RP_CONTAINER_OF(msg, struct command, msg);
    struct rp_json *cmd;

    if (c->line) {
        if (rp_json_parse(&cmd, &g.arena, rp_str_z(c->line), NULL))
            die("a command is not JSON");
        obey(cmd);
    } else {
        if (g.agent)
            g.agent->ops->close(g.agent);
        rp_http_client_close(g.http, client_closed, NULL);
    }
    rp_free(c->line);
    rp_free(c);
}

static void post(const char *line)
{
    struct command *c = rp_zalloc(sizeof(*c));

    if (!c)
        die("out of memory");
    c->msg.fn = on_command;
    c->line = rp_strdup(line);
    rp_loop_post(g.loop, &c->msg);
}

static void *read_commands(void *arg)
{
    char *line = NULL;
    size_t size = 0;

    (void)arg;
    while (getline(&line, &size, stdin) > 0)
        post(line);
    free(line); /* getline's; lint: libc memory */
    post(NULL);
    return NULL;
}

static int64_t ms_option(const struct rp_json *config, const char *key)
{
    return (int64_t)(rp_json_get_num(config, key, 0) * 1000);
}

static void open_agent(const struct rp_json *config)
{
    struct rp_agent_webhook_params p = {
        .loop = g.loop,
        .http = g.http,
        .url = rp_arena_z(&g.arena, rp_json_get_str(config, "url")),
        .secret = rp_json_get_str(config, "secret"),
        .pending_secret = rp_json_get_str(config, "pending_secret"),
        .session = &g.session,
        .connect_timeout_us = ms_option(config, "connect_ms"),
        .first_byte_timeout_us = ms_option(config, "first_byte_ms"),
        .idle_timeout_us = ms_option(config, "idle_ms"),
        .max_body = (size_t)rp_json_get_num(config, "max_body", 0),
        .max_event = (size_t)rp_json_get_num(config, "max_event", 0),
        .max_answer = (size_t)rp_json_get_num(config, "max_answer", 0),
        .log = on_record,
    };

    if (rp_json_get(config, "ca_file"))
        p.ca_file = rp_arena_z(&g.arena, rp_json_get_str(config, "ca_file"));
    g.session = (struct rp_agent_session){.agent_id = "ag-1",
                                          .session_id = "lc_conn_1",
                                          .conversation_id = "lc_conv_1",
                                          .metadata = rp_json_get(config, "metadata"),
                                          .custom_headers = rp_json_get(config, "custom_headers")};
    if (rp_agent_webhook_open(&g.agent, &p))
        die("the agent cannot be opened");
}

int main(int argc, char **argv)
{
    struct rp_json *config;
    pthread_t reader;

    rp_arena_init(&g.arena, 64u << 20);
    if (argc != 2 || rp_json_parse(&config, &g.arena, rp_str_z(argv[1]), NULL))
        die("usage: webhook_ask CONFIG");
    if (rp_loop_new(&g.loop, "ask") || rp_http_client_new(&g.http, g.loop))
        die("no loop");
    open_agent(config);
    if (pthread_create(&reader, NULL, read_commands, NULL))
        die("no thread");
    rp_loop_run(g.loop);
    pthread_join(reader, NULL);
    rp_loop_free(g.loop);
    rp_arena_fini(&g.arena);
    (void)printf("{\"kind\":\"left\",\"blocks\":%lld}\n", (long long)rp_mem_live());
    return 0;
}
