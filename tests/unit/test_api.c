/* Tests of api/: calls over real sockets against a real store. The tables hold request and answer;
 * `$A` in either stands for the id of the first agent, `$C` for a conversation, `$S` for a session.
 */
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api/config_edit.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "net_util.h"
#include "tests.h"

#define OWN_KEY "own-key-of-the-test"

struct fixture {
    char dir[64];
    struct rp_store *store;
    struct rp_api *api;
    struct rp_loop *loop;
    struct rp_http_server *http;
    uint16_t port;
    struct net_latch closed;
    atomic_bool full, unready;
    atomic_int changes; /* calls of agent_changed */
    char agent[RP_ID_MAX], conversation[RP_ID_MAX], session[RP_ID_MAX];
};

static bool has_room(void *arg)
{
    return !((struct fixture *)arg)->full;
}

static bool is_ready(const char **why, void *arg)
{
    *why = "draining";
    return !((struct fixture *)arg)->unready;
}

static void agent_changed(const char *id, void *arg)
{
    (void)id;
    ((struct fixture *)arg)->changes++;
}

static void handle(struct rp_http_req *req, void *arg)
{
    struct fixture *f = arg;

    if (!rp_api_handle(f->api, req))
        rp_http_respond(req, 404, "text/plain", NULL, 0, RP_STR("not the API's"));
}

static void serve(void *arg)
{
    struct fixture *f = arg;
    const struct rp_http_server_params p = {.host = "127.0.0.1",
                                            .loops = &f->loop,
                                            .nloops = 1,
                                            .max_body = 2u << 20,
                                            .max_connections = 100,
                                            .idle_timeout_us = 60000000,
                                            .handler = handle,
                                            .arg = f};

    assert_int_equal(rp_http_server_new(&f->http, f->loop, &p, NULL), 0);
    f->port = rp_http_server_port(f->http);
}

static int set_up(void **state)
{
    struct fixture *f = rp_zalloc(sizeof(*f));
    const struct rp_store_params sp = {.data_dir = f->dir, .batch_us = 100};
    const struct rp_api_params ap = {.api_key = OWN_KEY,
                                     .has_room = has_room,
                                     .is_ready = is_ready,
                                     .agent_changed = agent_changed,
                                     .arg = f};
    struct rp_api_params with_store = ap;

    assert_non_null(f);
    f->closed = (struct net_latch)NET_LATCH_INIT;
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/riposte-api-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(rp_store_open(&f->store, &sp, NULL), 0);
    with_store.store = f->store;
    assert_int_equal(rp_api_new(&f->api, &with_store), 0);
    f->loop = net_start("api");
    net_on(f->loop, serve, f);
    *state = f;
    return 0;
}

static void http_closed(void *arg)
{
    net_latch_add(&((struct fixture *)arg)->closed);
}

static void close_http(void *arg)
{
    struct fixture *f = arg;

    rp_http_server_close(f->http, http_closed, f);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    net_on(f->loop, close_http, f);
    net_latch_wait(&f->closed, 1);
    rp_store_close(f->store);
    net_stop(f->loop);
    rp_api_free(f->api);
    (void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    rp_free(f);
    return 0;
}

/* ---- a client ---- */

/* One call; the whole answer, headers and all, in `out`. The status comes back. */
static int ask_with(struct fixture *f, struct rp_buf *out, const char *method, const char *path,
                    const char *key, struct rp_str body)
{
    int fd = net_dial(f->port);
    struct rp_buf b;
    int64_t status;

    rp_buf_init(&b, 4u << 20);
    (void)rp_buf_printf(&b, "%s %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n", method, path);
    if (key)
        (void)rp_buf_printf(&b, "Authorization: %s\r\n", key);
    (void)rp_buf_printf(&b, "Content-Length: %zu\r\n\r\n", body.len);
    (void)rp_buf_str(&b, body);
    net_send(fd, rp_buf_view(&b));
    rp_buf_fini(&b);
    rp_buf_clear(out);
    net_recv_until(fd, out, NULL);
    (void)close(fd);
    assert_true(out->len > 12);
    assert_int_equal(rp_str_to_i64(rp_str_n(out->p + 9, 3), &status), 0);
    return (int)status;
}

static void expand(struct fixture *f, struct rp_buf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        const char *id = *c != '$'     ? NULL
                         : c[1] == 'A' ? f->agent
                         : c[1] == 'C' ? f->conversation
                         : c[1] == 'S' ? f->session
                                       : NULL;
        if (id) {
            (void)rp_buf_z(out, id);
            c++;
        } else {
            (void)rp_buf_char(out, *c);
        }
    }
}

static struct rp_str body_of(const struct rp_buf *answer)
{
    struct rp_str all = rp_buf_view(answer);
    ptrdiff_t at = rp_str_find_str(all, RP_STR("\r\n\r\n"));

    assert_true(at > 0);
    return rp_str_from(all, (size_t)at + 4);
}

/* A call with the own key; `body` NULL: none. */
static int ask(struct fixture *f, struct rp_buf *out, const char *method, const char *path,
               const char *body)
{
    struct rp_buf p, b;
    int status;

    rp_buf_init(&p, 4096);
    rp_buf_init(&b, 65536);
    expand(f, &p, path);
    expand(f, &b, body ? body : "");
    status = ask_with(f, out, method, p.p, "Bearer " OWN_KEY, rp_buf_view(&b));
    rp_buf_fini(&p);
    rp_buf_fini(&b);
    return status;
}

/* The tree of an answer, in `a`. */
static const struct rp_json *ask_json(struct fixture *f, struct rp_arena *a, int status,
                                      const char *method, const char *path, const char *body)
{
    struct rp_json *tree = NULL;
    struct rp_buf out;
    int got;

    rp_buf_init(&out, 4u << 20);
    got = ask(f, &out, method, path, body);
    if (got != status)
        fail_msg("%s %s: %s", method, path, out.p);
    assert_int_equal(rp_json_parse(&tree, a, body_of(&out), NULL), 0);
    rp_buf_fini(&out);
    return tree;
}

static void keep(char *to, struct rp_str s)
{
    assert_non_null(s.p);
    assert_true(s.len < RP_ID_MAX);
    (void)snprintf(to, RP_ID_MAX, "%.*s", RP_STR_ARG(s));
}

static void make_agent(struct fixture *f, struct rp_arena *a)
{
    keep(f->agent, rp_json_get_str(ask_json(f, a, 201, "POST", "/v1/agents", NULL), "id"));
}

/* ---- what is refused ---- */

#define BIG "B" /* stands for a body that is too large */

static const struct {
    const char *method, *path, *body;
    int status;
    const char *error; /* the whole sentence; NULL: not looked at */
} refused[] = {
    {"GET", "/v1/nothing", NULL, 404, "There is no call GET /v1/nothing."},
    {"GET", "/v1/agents/$A/nothing", NULL, 404, NULL},
    {"PUT", "/v1/agents", "{}", 405, "PUT is not possible here: use GET, POST."},
    {"OPTIONS", "/v1/agents/web/authorize_session", NULL, 405,
     "OPTIONS is not possible here: use POST."},
    {"POST", "/healthz", NULL, 405, "POST is not possible here: use GET."},
    {"GET", "/v1/agents/ag-none", NULL, 404, "There is no such agent."},
    {"DELETE", "/v1/agents/ag-none", NULL, 404, "There is no such agent."},
    {"POST", "/v1/agents/ag-none", "{}", 404, "There is no such agent."},
    {"GET", "/v1/agents/ag-none/sessions", NULL, 404, "There is no such agent."},
    {"GET", "/v1/agents/$A/sessions/lc_conn_none", NULL, 404, "There is no such session."},
    {"DELETE", "/v1/keys/key_none", NULL, 404, "There is no such key."},
    {"GET", "/v1/agents?limit=0", NULL, 400, "limit must be a whole number from 1 to 200."},
    {"GET", "/v1/sessions?limit=201", NULL, 400, "limit must be a whole number from 1 to 200."},
    {"GET", "/v1/sessions?limit=x", NULL, 400, "limit must be a whole number from 1 to 200."},
    {"GET", "/v1/sessions?status=dead", NULL, 400,
     "status must be one of: authorized, live, ended."},

    {"POST", "/v1/agents", "{", 400,
     "The body is not JSON: a key in quotes or } is missing (at byte 1)."},
    {"POST", "/v1/agents", "[]", 400, "The body must be a JSON object, not an array."},
    {"POST", "/v1/agents", BIG, 413, "The body is too large: 524288 bytes at most."},
    {"POST", "/v1/agents", "{\"name\":5}", 400, "name must be a string, not a number."},
    {"POST", "/v1/agents", "{\"name\":\" \"}", 400, "name must not be empty."},
    {"POST", "/v1/agents", "{\"name\":\"a\\u0000\"}", 400,
     "name must not contain the character U+0000."},
    {"POST", "/v1/agents", "{\"template_id\":\"x\"}", 400,
     "There is no template \"x\": GET /v1/templates lists them."},
    {"POST", "/v1/agents", "{\"config\":{}}", 400,
     "The config is not valid: clients: is missing; plugins: is missing"},
    {"POST", "/v1/agents/$A", NULL, 400, "The body is missing: send a JSON object."},
    {"POST", "/v1/agents/$A", "{\"webhook_url\":\"ftp://x\"}", 400,
     "webhook_url: must begin with https:// or http://."},
    {"POST", "/v1/agents/$A", "{\"config\":[]}", 400, "config must be an object, not an array."},
    {"POST", "/v1/agents/$A",
     "{\"config\":{\"clients\":{},\"plugins\":[{\"use\":\"agent.llm\",\"options\":{\"provider\":"
     "\"p\",\"model_id\":\"m\"}}]},\"webhook_url\":\"https://e.x/\"}",
     400,
     "webhook_url cannot be set: the config's plugins have no place for it. Take agent.llm out of "
     "them first."},
    {"POST", "/v1/agents/$A/webhook_secret", "{\"action\":\"burn\"}", 400,
     "action must be one of: rotate, activate, restore, drop."},
    {"POST", "/v1/agents/$A/webhook_secret", "{\"action\":\"activate\"}", 409,
     "No secret is pending: rotate it first."},

    {"POST", "/v1/agents/web/authorize_session", NULL, 400,
     "The body is missing: send a JSON object."},
    {"POST", "/v1/agents/web/authorize_session", "nonsense", 400, NULL},
    {"POST", "/v1/agents/web/authorize_session", "{}", 400,
     "agent_id is missing: the id of the agent, such as \"ag-…\"."},
    {"POST", "/v1/agents/web/authorize_session", "{\"agent_id\":7}", 400,
     "agent_id must be a string, not a number."},
    {"POST", "/v1/agents/web/authorize_session", "{\"agent_id\":\"ag-none\"}", 400,
     "There is no agent \"ag-none\". GET /v1/agents lists them."},
    {"POST", "/v1/agents/web/authorize_session",
     "{\"agent_id\":\"$A\",\"conversation_id\":\"lc_conv_none\"}", 400,
     "This agent has no conversation \"lc_conv_none\". Leave conversation_id out to begin one."},
    {"POST", "/v1/agents/web/authorize_session", "{\"agent_id\":\"$A\",\"conversation_id\":\"\"}",
     400, "conversation_id must not be empty. Leave it out to begin one."},
    {"POST", "/v1/agents/web/authorize_session", "{\"agent_id\":\"$A\",\"conversation_id\":{}}",
     400, "conversation_id must be a string, not an object."},
    {"POST", "/v1/agents/web/authorize_session", "{\"agent_id\":\"$A\",\"metadata\":[]}", 400,
     "metadata must be an object, not an array."},
    {"POST", "/v1/agents/web/authorize_session", "{\"agent_id\":\"$A\",\"custom_metadata\":1}", 400,
     "custom_metadata must be an object, not a number."},
    {"POST", "/v1/agents/web/authorize_session",
     "{\"agent_id\":\"$A\",\"custom_headers\":{\"content-type\":\"x\"}}", 400,
     "custom_headers: \"content-type\" may not be set: Riposte sets it itself."},
    {"POST", "/v1/agents/web/authorize_session", "{\"agent_id\":\"$A\",\"config\":{}}", 400,
     "config is not valid: clients: is missing; plugins: is missing"},
    {"POST", "/v1/agents/web/authorize_session",
     "{\"agent_id\":\"$A\",\"config\":{\"clients\":{\"browser\":false},\"plugins\":[]}}", 400,
     "The agent takes no browser sessions: set clients.browser to true in its config."},
    {"POST", "/v1/pipelines/authorize_session", "{\"agent_id\":\"$A\"}", 400,
     "pipeline_id is missing: the id of the agent, such as \"ag-…\"."},
    {"POST", "/v1/pipelines/authorize_session",
     "{\"pipeline_id\":\"$A\",\"session_id\":\"lc_conn_none\"}", 400,
     "There is no session \"lc_conn_none\" of this pipeline. Leave session_id out to begin a "
     "conversation."},
};

static void bad_requests_are_refused(void **state)
{
    struct fixture *f = *state;
    struct rp_arena a;
    struct rp_buf out;
    char *big = rp_zalloc((1u << 20) + 1);
    int wrong = 0;

    rp_arena_init(&a, 4u << 20);
    rp_buf_init(&out, 4u << 20);
    memset(big, ' ', 1u << 20);
    make_agent(f, &a);
    for (size_t i = 0; i < RP_COUNT(refused); i++) {
        const char *body = refused[i].body;
        struct rp_json *tree = NULL;
        int status;

        if (body && strcmp(body, BIG) == 0)
            status = ask_with(f, &out, refused[i].method, refused[i].path, "Bearer " OWN_KEY,
                              rp_str_n(big, 1u << 20));
        else
            status = ask(f, &out, refused[i].method, refused[i].path, body);
        assert_int_equal(rp_json_parse(&tree, &a, body_of(&out), NULL), 0);
        if (status != refused[i].status ||
            (refused[i].error && !rp_str_eq_z(rp_json_get_str(tree, "error"), refused[i].error))) {
            print_error("%s %s %s\n  gives %s\n  wanted %d %s\n", refused[i].method,
                        refused[i].path, body ? body : "", out.p, refused[i].status,
                        refused[i].error ? refused[i].error : "");
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(f->changes, 0);
    rp_free(big);
    rp_buf_fini(&out);
    rp_arena_fini(&a);
}

static void keys_are_asked_for(void **state)
{
    static const struct {
        const char *key;
        const char *error;
    } cases[] = {
        {NULL, "The API key is missing: send it as \\\"Authorization: Bearer KEY\\\"."},
        {"Basic dTpw", "The API key is missing"},
        {"Bearer ", "The API key is missing"},
        {"Bearer wrong", "The API key is not valid."},
        {"Bearer " OWN_KEY "x", "The API key is not valid."},
    };
    struct fixture *f = *state;
    struct rp_buf out;

    rp_buf_init(&out, 4u << 20);
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        assert_int_equal(ask_with(f, &out, "GET", "/v1/agents", cases[i].key, RP_STR("")), 401);
        assert_non_null(strstr(out.p, cases[i].error));
        assert_int_equal(ask_with(f, &out, "POST", "/v1/agents/web/authorize_session", cases[i].key,
                                  RP_STR("{}")),
                         400);
        assert_non_null(strstr(out.p, cases[i].error));
    }
    assert_int_equal(ask_with(f, &out, "GET", "/v1/agents", "bearer  " OWN_KEY " ", RP_STR("")),
                     200);
    rp_buf_fini(&out);
}

static void keys_are_made_and_revoked(void **state)
{
    struct fixture *f = *state;
    struct rp_arena a;
    struct rp_buf out;
    const struct rp_json *made, *listed;
    char key[128], path[128];

    rp_arena_init(&a, 1u << 20);
    rp_buf_init(&out, 4u << 20);
    made = ask_json(f, &a, 201, "POST", "/v1/keys", "{\"name\":\"CI\"}");
    (void)snprintf(key, sizeof(key), "Bearer %.*s", RP_STR_ARG(rp_json_get_str(made, "key")));
    (void)snprintf(path, sizeof(path), "/v1/keys/%.*s", RP_STR_ARG(rp_json_get_str(made, "id")));
    for (int i = 0; i < 3; i++) /* asked once, then believed */
        assert_int_equal(ask_with(f, &out, "GET", "/v1/agents", key, RP_STR("")), 200);
    listed = ask_json(f, &a, 200, "GET", "/v1/keys", NULL);
    assert_int_equal(rp_json_get(listed, "keys")->count, 1);
    assert_null(rp_json_get(rp_json_get(listed, "keys")->first, "key"));
    assert_true(rp_str_eq_z(rp_json_get_str(rp_json_get(listed, "keys")->first, "name"), "CI"));
    assert_int_equal(ask(f, &out, "DELETE", path, NULL), 204);
    assert_int_equal(ask_with(f, &out, "GET", "/v1/agents", key, RP_STR("")), 401);
    assert_int_equal(ask(f, &out, "DELETE", path, NULL), 404);
    rp_buf_fini(&out);
    rp_arena_fini(&a);
}

/* ---- agents ---- */

static const struct rp_json *plugin(const struct rp_json *agent, const char *use)
{
    RP_JSON_EACH(rp_json_path(agent, "config.plugins"), p) {
        if (rp_str_eq_z(rp_json_get_str(p, "use"), use))
            return p;
    }
    return NULL;
}

static void agents_have_the_forms_of_the_contract(void **state)
{
    struct fixture *f = *state;
    struct rp_arena a;
    const struct rp_json *made, *listed, *one;

    rp_arena_init(&a, 4u << 20);
    made = ask_json(f, &a, 201, "POST", "/v1/agents", "{\"name\":\"Anna\"}");
    assert_true(rp_str_starts(rp_json_get_str(made, "id"), RP_STR("ag-")));
    assert_true(rp_str_eq_z(rp_json_get_str(made, "name"), "Anna"));
    assert_true(rp_str_eq_z(rp_json_get_str(made, "type"), "voice"));
    assert_true(rp_str_eq_z(rp_json_get_str(made, "agent_template_id"), "default"));
    assert_true(rp_str_starts(rp_json_get_str(made, "webhook_secret"), RP_STR("whsec_")));
    assert_true(rp_json_is(rp_json_get(made, "webhook_url"), RP_JSON_NULL));
    assert_true(rp_json_is(rp_json_get(made, "assigned_phone_numbers"), RP_JSON_ARRAY));
    assert_int_equal(rp_json_get(made, "warnings")->count, 0);
    assert_non_null(plugin(made, "agent.webhook"));
    keep(f->agent, rp_json_get_str(made, "id"));

    listed = ask_json(f, &a, 200, "GET", "/v1/agents", NULL);
    one = rp_json_get(listed, "agents")->first;
    assert_true(rp_str_eq_z(rp_json_get_str(one, "id"), f->agent));
    assert_null(rp_json_get(one, "config"));
    one = ask_json(f, &a, 200, "GET", "/v1/agents/$A", NULL);
    assert_non_null(rp_json_get(one, "config"));
    assert_null(rp_json_get(one, "webhook_secret"));
    rp_arena_fini(&a);
}

static void webhook_url_is_set_and_cleared(void **state)
{
    struct fixture *f = *state;
    struct rp_arena a;
    const struct rp_json *one;

    rp_arena_init(&a, 4u << 20);
    keep(f->agent,
         rp_json_get_str(ask_json(f, &a, 201, "POST", "/v1/agents", "{\"template_id\":\"demo\"}"),
                         "id"));
    one = ask_json(f, &a, 200, "POST", "/v1/agents/$A",
                   "{\"webhook_url\":\"https://e.example/hook\",\"name\":\"New\"}");
    assert_true(rp_str_eq_z(rp_json_get_str(one, "name"), "New"));
    assert_true(rp_str_eq_z(rp_json_get_str(one, "webhook_url"), "https://e.example/hook"));
    assert_true(rp_str_eq_z(rp_json_str(rp_json_path(plugin(one, "agent.webhook"), "options.url")),
                            "https://e.example/hook"));
    assert_null(plugin(one, "agent.demo"));
    assert_int_equal(rp_json_path(one, "config.plugins")->count, 4);
    one = ask_json(f, &a, 200, "POST", "/v1/agents/$A", "{\"webhook_url\":\"\"}");
    assert_true(rp_json_is(rp_json_get(one, "webhook_url"), RP_JSON_NULL));
    assert_null(rp_json_path(plugin(one, "agent.webhook"), "options.url"));
    assert_true(rp_str_eq_z(rp_json_get_str(one, "name"), "New"));
    assert_int_equal(f->changes, 2);

    one = ask_json(f, &a, 200, "POST", "/v1/agents/$A",
                   "{\"config\":{\"clients\":{},\"plugins\":[]},\"webhook_url\":\"http://a.b/\"}");
    assert_int_equal(rp_json_path(one, "config.plugins")->count, 1);
    assert_true(rp_str_eq_z(rp_json_get_str(one, "webhook_url"), "http://a.b/"));
    rp_arena_fini(&a);
}

static void provider_keys_are_not_given_out(void **state)
{
    static const char with_key[] =
        "{\"config\":{\"clients\":{},\"plugins\":[{\"use\":\"tts.rime\",\"options\":"
        "{\"api_key\":\"sk-1\",\"voice_id\":\"v\"}},{\"use\":\"stt.deepgram\"}]}}";
    static const char sent_back[] =
        "{\"config\":{\"clients\":{},\"plugins\":[{\"use\":\"stt.deepgram\",\"options\":"
        "{\"api_key\":\"********\"}},{\"use\":\"tts.rime\",\"options\":"
        "{\"api_key\":\"********\",\"voice_id\":\"w\"}}]}}";
    struct fixture *f = *state;
    struct rp_store_agent_get *q = RP_STORE_NEW(agent_get, NULL, NULL, NULL);
    struct rp_arena a;
    const struct rp_json *one;

    rp_arena_init(&a, 4u << 20);
    make_agent(f, &a);
    one = ask_json(f, &a, 200, "POST", "/v1/agents/$A", with_key);
    assert_true(rp_str_eq_z(rp_json_str(rp_json_path(plugin(one, "tts.rime"), "options.api_key")),
                            "********"));
    assert_int_equal(rp_json_get(one, "warnings")->count, 2);
    (void)ask_json(f, &a, 200, "POST", "/v1/agents/$A", sent_back);
    q->id = f->agent;
    assert_int_equal(rp_store_wait(f->store, &q->req), 0);
    assert_string_equal(q->agent.config.p,
                        "{\"clients\":{},\"plugins\":[{\"use\":\"stt.deepgram\",\"options\":{}},"
                        "{\"use\":\"tts.rime\",\"options\":{\"api_key\":\"sk-1\",\"voice_id\":"
                        "\"w\"}}]}");
    rp_store_req_free(&q->req);
    rp_arena_fini(&a);
}

static void secrets_rotate_over_the_api(void **state)
{
    struct fixture *f = *state;
    struct rp_arena a;
    const struct rp_json *s;
    struct rp_str first, second;

    rp_arena_init(&a, 4u << 20);
    make_agent(f, &a);
    s = ask_json(f, &a, 200, "GET", "/v1/agents/$A/webhook_secret", NULL);
    first = rp_json_get_str(s, "webhook_secret");
    assert_true(rp_json_is(rp_json_get(s, "pending_secret"), RP_JSON_NULL));
    s = ask_json(f, &a, 200, "POST", "/v1/agents/$A/webhook_secret", "{\"action\":\"rotate\"}");
    second = rp_json_get_str(s, "pending_secret");
    assert_true(rp_str_starts(second, RP_STR("whsec_")) && !rp_str_eq(first, second));
    s = ask_json(f, &a, 200, "POST", "/v1/agents/$A/webhook_secret", "{\"action\":\"activate\"}");
    assert_true(rp_str_eq(rp_json_get_str(s, "webhook_secret"), second));
    assert_true(rp_json_get_bool(s, "can_restore", false));
    s = ask_json(f, &a, 200, "POST", "/v1/agents/$A/webhook_secret", "{\"action\":\"restore\"}");
    assert_true(rp_str_eq(rp_json_get_str(s, "webhook_secret"), first));
    rp_arena_fini(&a);
}

/* ---- sessions ---- */

/* The claim that a socket with this key would make. */
static int claim(struct fixture *f, struct rp_str key)
{
    struct rp_store_session_claim *q = RP_STORE_NEW(session_claim, NULL, NULL, NULL);
    int err;

    q->key = rp_store_hash(key);
    q->now_ms = rp_wall_ms();
    q->node_id = "n";
    err = rp_store_wait(f->store, &q->req);
    if (!err)
        keep(f->session, rp_str_z(q->session.id));
    rp_store_req_free(&q->req);
    return err;
}

static void sessions_are_authorized(void **state)
{
    struct fixture *f = *state;
    struct rp_arena a;
    const struct rp_json *one, *two;

    rp_arena_init(&a, 4u << 20);
    make_agent(f, &a);
    one = ask_json(f, &a, 200, "POST", "/v1/agents/web/authorize_session",
                   "{\"agent_id\":\"$A\",\"metadata\":{\"b\":1,\"a\":2},\"sdk_version\":\"2.8.10\","
                   "\"conversation_id\":null,\"event_id\":1}");
    assert_int_equal(one->count, 3);
    assert_true(rp_str_starts(rp_json_get_str(one, "client_session_key"), RP_STR("lc_sesskey_")));
    assert_true(rp_str_starts(rp_json_get_str(one, "conversation_id"), RP_STR("lc_conv_")));
    assert_true(
        rp_str_eq_z(rp_json_str(rp_json_path(one, "config.transcription.trigger")), "automatic"));
    keep(f->conversation, rp_json_get_str(one, "conversation_id"));

    /* The same conversation again: another key, and the first one is worthless. */
    two = ask_json(f, &a, 200, "POST", "/v1/agents/web/authorize_session",
                   "{\"agent_id\":\"$A\",\"conversation_id\":\"$C\",\"config\":{\"clients\":{},"
                   "\"plugins\":[{\"use\":\"turn_manager\",\"options\":{\"mode\":\"push_to_talk\"}}"
                   "]}}");
    assert_true(rp_str_eq_z(rp_json_get_str(two, "conversation_id"), f->conversation));
    assert_true(rp_str_eq_z(rp_json_str(rp_json_path(two, "config.transcription.trigger")),
                            "push_to_talk"));
    assert_int_equal(claim(f, rp_json_get_str(one, "client_session_key")), RP_EDENIED);
    assert_int_equal(claim(f, rp_json_get_str(two, "client_session_key")), 0);
    rp_arena_fini(&a);
}

static void the_older_form_resumes_by_session(void **state)
{
    struct fixture *f = *state;
    struct rp_arena a;
    const struct rp_json *one, *two;

    rp_arena_init(&a, 4u << 20);
    make_agent(f, &a);
    one = ask_json(f, &a, 200, "POST", "/v1/pipelines/authorize_session",
                   "{\"pipeline_id\":\"$A\",\"session_id\":null}");
    assert_int_equal(one->count, 3);
    keep(f->session, rp_json_get_str(one, "session_id"));
    keep(f->conversation, rp_json_get_str(one, "conversation_id"));
    two = ask_json(f, &a, 200, "POST", "/v1/pipelines/authorize_session",
                   "{\"pipeline_id\":\"$A\",\"session_id\":\"$S\"}");
    assert_true(rp_str_eq_z(rp_json_get_str(two, "conversation_id"), f->conversation));
    assert_false(rp_str_eq_z(rp_json_get_str(two, "session_id"), f->session));
    two = ask_json(f, &a, 200, "POST", "/v1/pipelines/authorize_session",
                   "{\"pipeline_id\":\"$A\",\"session_id\":\"$C\"}");
    assert_true(rp_str_eq_z(rp_json_get_str(two, "conversation_id"), f->conversation));
    rp_arena_fini(&a);
}

static void append_turn(struct fixture *f, int64_t seq, bool assistant, const char *text)
{
    struct rp_store_turn_append *q = RP_STORE_NEW(turn_append, NULL, NULL, NULL);

    q->session_id = f->session;
    q->turn = (struct rp_store_turn){.seq = seq,
                                     .assistant = assistant,
                                     .turn_id = "t",
                                     .text = rp_str_z(text),
                                     .wall_ms = 1000 * seq,
                                     .latency_ms = assistant ? 321 : -1};
    assert_int_equal(rp_store_wait(f->store, &q->req), 0);
    rp_store_req_free(&q->req);
}

static void assert_json(const struct rp_json *tree, const char *wanted)
{
    struct rp_buf b;

    rp_buf_init(&b, 65536);
    rp_json_write(&b, tree);
    assert_string_equal(b.p, wanted);
    rp_buf_fini(&b);
}

static void transcripts_pair_what_was_said(void **state)
{
    struct fixture *f = *state;
    struct rp_arena a;
    const struct rp_json *s;

    rp_arena_init(&a, 4u << 20);
    make_agent(f, &a);
    s = ask_json(f, &a, 200, "POST", "/v1/agents/web/authorize_session",
                 "{\"agent_id\":\"$A\",\"metadata\":{\"k\":[1]}}");
    keep(f->conversation, rp_json_get_str(s, "conversation_id"));
    assert_int_equal(claim(f, rp_json_get_str(s, "client_session_key")), 0);
    append_turn(f, 0, true, "Hi.");
    append_turn(f, 1, false, "one");
    append_turn(f, 2, false, "two");
    append_turn(f, 3, true, "Two.");
    append_turn(f, 4, false, "three");
    s = ask_json(f, &a, 200, "GET", "/v1/agents/$A/sessions/$S", NULL);
    assert_json(rp_json_get(s, "transcript"),
                "[{\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"user_message\":null,"
                "\"assistant_message\":\"Hi.\",\"latency_ms\":321,"
                "\"turn_id\":\"t\",\"latency\":null},"
                "{\"timestamp\":\"1970-01-01T00:00:01.000Z\",\"user_message\":\"one\","
                "\"assistant_message\":null,\"latency_ms\":null},"
                "{\"timestamp\":\"1970-01-01T00:00:02.000Z\",\"user_message\":\"two\","
                "\"assistant_message\":\"Two.\",\"latency_ms\":321,"
                "\"turn_id\":\"t\",\"latency\":null},"
                "{\"timestamp\":\"1970-01-01T00:00:04.000Z\",\"user_message\":\"three\","
                "\"assistant_message\":null,\"latency_ms\":null}]");
    assert_json(rp_json_get(s, "metadata"), "{\"k\":[1]}");
    assert_true(rp_str_eq_z(rp_json_get_str(s, "status"), "live"));
    assert_true(rp_json_is(rp_json_get(s, "duration_ms"), RP_JSON_NULL));
    assert_true(rp_str_eq_z(rp_json_get_str(s, "recording_status"), "not_available"));

    s = ask_json(f, &a, 200, "GET", "/v1/agents/$A/sessions?status=live&conversation_id=$C", NULL);
    assert_int_equal(rp_json_get(s, "sessions")->count, 1);
    assert_null(rp_json_get(rp_json_get(s, "sessions")->first, "transcript"));
    s = ask_json(f, &a, 200, "GET", "/v1/sessions?status=ended", NULL);
    assert_int_equal(rp_json_get(s, "sessions")->count, 0);
    s = ask_json(f, &a, 200, "GET", "/v1/agents/$A/conversations", NULL);
    assert_int_equal(
        (int)rp_json_get_num(rp_json_get(s, "conversations")->first, "session_count", 0), 1);
    rp_arena_fini(&a);
}

static void lists_are_paged(void **state)
{
    struct fixture *f = *state;
    struct rp_arena a;
    const struct rp_json *page;
    char path[128] = "/v1/agents?limit=2";
    int pages = 0, agents = 0;

    rp_arena_init(&a, 4u << 20);
    for (int i = 0; i < 5; i++)
        make_agent(f, &a);
    for (;;) {
        struct rp_str cursor;

        page = ask_json(f, &a, 200, "GET", path, NULL);
        pages++;
        agents += (int)rp_json_get(page, "agents")->count;
        cursor = rp_json_get_str(page, "next_cursor");
        if (!cursor.p)
            break;
        (void)snprintf(path, sizeof(path), "/v1/agents?limit=2&cursor=%.*s", RP_STR_ARG(cursor));
    }
    assert_int_equal(pages, 3);
    assert_int_equal(agents, 5);
    rp_arena_fini(&a);
}

/* ---- the rest ---- */

static void limits_and_health(void **state)
{
    struct fixture *f = *state;
    struct rp_arena a;
    struct rp_buf out;

    rp_arena_init(&a, 1u << 20);
    rp_buf_init(&out, 4u << 20);
    make_agent(f, &a);
    assert_int_equal(ask_with(f, &out, "GET", "/healthz", NULL, RP_STR("")), 200);
    assert_int_equal(ask_with(f, &out, "HEAD", "/healthz", NULL, RP_STR("")), 200);
    assert_int_equal(body_of(&out).len, 0);
    assert_int_equal(ask_with(f, &out, "GET", "/readyz", NULL, RP_STR("")), 200);
    f->unready = true;
    assert_int_equal(ask_with(f, &out, "GET", "/readyz", NULL, RP_STR("")), 503);
    assert_non_null(strstr(out.p, "\"reason\":\"draining\""));
    f->full = true;
    assert_int_equal(
        ask(f, &out, "POST", "/v1/agents/web/authorize_session", "{\"agent_id\":\"$A\"}"), 429);
    assert_non_null(strstr(out.p, "Retry-After: 5\r\n"));
    assert_int_equal(ask_with(f, &out, "GET", "/", NULL, RP_STR("")), 404);
    assert_non_null(strstr(out.p, "not the API's"));
    assert_int_equal(ask(f, &out, "GET", "/v1/agents/", NULL), 200);
    assert_int_equal(ask(f, &out, "GET", "/v1/templates", NULL), 200);
    assert_int_equal(ask(f, &out, "GET", "/v1/webhook_logs?failed=true", NULL), 200);
    rp_buf_fini(&out);
    rp_arena_fini(&a);
}

static void clients_that_hang_up_leave_nothing(void **state)
{
    struct fixture *f = *state;
    struct rp_arena a;

    rp_arena_init(&a, 1u << 20);
    for (int i = 0; i < 20; i++) {
        int fd = net_dial(f->port);
        net_send(fd, RP_STR("POST /v1/agents HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n"
                            "Authorization: Bearer " OWN_KEY "\r\n\r\n{}"));
        (void)close(fd);
    }
    make_agent(f, &a); /* tear-down finds whatever was left */
    rp_arena_fini(&a);
}

int test_api(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(bad_requests_are_refused),
        TEST(keys_are_asked_for),
        TEST(keys_are_made_and_revoked),
        TEST(agents_have_the_forms_of_the_contract),
        TEST(webhook_url_is_set_and_cleared),
        TEST(provider_keys_are_not_given_out),
        TEST(secrets_rotate_over_the_api),
        TEST(sessions_are_authorized),
        TEST(the_older_form_resumes_by_session),
        TEST(transcripts_pair_what_was_said),
        TEST(lists_are_paged),
        TEST(limits_and_health),
        TEST(clients_that_hang_up_leave_nothing),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
