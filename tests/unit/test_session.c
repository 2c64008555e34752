/* One whole call inside one process: a real store, real speech, real sockets, the demo agent. A
 * recording is sent at once; what comes back is checked for order and for words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/open_socket.h"
#include "app/recording.h"
#include "app/speech.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "net/http_server.h"
#include "net/ws.h"
#include "session/config.h"
#include "session/shard.h"
#include "tests.h"

#define LIMIT_US 60000000
#define CHUNK    800 /* 100 ms at 8 kHz */

struct rig {
    char dir[64];
    struct rp_env env;
    struct rp_shard shard;
    struct rp_loop *loop;
    struct rp_speech_engines *speech;
    struct rp_http_server *http;
    struct rp_ws *ws;
    struct rp_timer limit;
    struct rp_recording recording;
    char log[65536]; /* types of messages, in order, audio once a run */
    char transcript[4096], answer[4096];
    int ends;
    size_t samples;
    bool timed_out;
    int close_code;
};

/* ---- the server's side ---- */

static void handle(struct rp_http_req *req, void *arg)
{
    struct rig *r = arg;

    if (!rp_open_socket(&r->shard, req, NULL))
        rp_http_respond(req, 404, NULL, NULL, 0, RP_STR(""));
}

static void make_agent(struct rig *r, const char *config)
{
    struct rp_store_agent_create *q = RP_STORE_NEW(agent_create, NULL, NULL, NULL);

    q->agent = (struct rp_store_agent){
        .id = rp_store_z(&q->req, "ag-test"),
        .name = rp_store_z(&q->req, "Test"),
        .type = rp_store_z(&q->req, "voice"),
        .config = rp_store_str(&q->req, rp_str_z(config)),
        .secret = rp_store_z(&q->req, "whsec_test"),
        .created_ms = rp_wall_ms(),
    };
    assert_int_equal(rp_store_wait(r->env.store, &q->req), 0);
    rp_store_req_free(&q->req);
}

static void authorize(struct rig *r, const char *key)
{
    struct rp_store_session_authorize *q = RP_STORE_NEW(session_authorize, NULL, NULL, NULL);
    char session[RP_ID_MAX], conversation[RP_ID_MAX];

    q->session = (struct rp_store_session){
        .id = rp_store_z(&q->req, rp_id_new(session, RP_ID_SESSION)),
        .conversation_id = rp_store_z(&q->req, rp_id_new(conversation, RP_ID_CONVERSATION)),
        .agent_id = rp_store_z(&q->req, "ag-test"),
        .channel = rp_store_z(&q->req, "browser"),
        .authorized_ms = rp_wall_ms(),
        .key_expires_ms = rp_wall_ms() + 60000,
    };
    q->key = rp_store_hash(rp_str_z(key));
    q->new_conversation = true;
    if (rp_store_wait(r->env.store, &q->req) != 0)
        fail_msg("authorize: %s", q->req.why);
    rp_store_req_free(&q->req);
}

/* ---- the client's side ---- */

static void send_text(struct rig *r, const char *json)
{
    assert_int_equal(rp_ws_send(r->ws, false, json, strlen(json)), 0);
}

static void send_recording(struct rig *r)
{
    struct rp_buf b;

    rp_buf_init(&b, 1 << 20);
    for (size_t at = 0; at < r->recording.n; at += CHUNK) {
        size_t n = RP_MIN(CHUNK, r->recording.n - at);
        rp_buf_clear(&b);
        (void)rp_buf_z(&b, "{\"type\":\"client.audio\",\"content\":\"");
        (void)rp_base64_append(&b, r->recording.pcm + at, n * 2);
        (void)rp_buf_z(&b, "\"}");
        send_text(r, b.p);
    }
    rp_buf_fini(&b);
}

static void on_open(struct rp_ws *ws, void *arg)
{
    (void)ws;
    send_text(arg, "{\"type\":\"client.ready\"}");
}

static void note(struct rig *r, struct rp_str type, struct rp_str role)
{
    size_t len = strlen(r->log);
    char entry[128];

    (void)snprintf(entry, sizeof(entry), "%.*s%s%.*s ", RP_STR_ARG(type), role.p ? ":" : "",
                   RP_STR_ARG(role));
    if (len >= strlen(entry) && strcmp(r->log + len - strlen(entry), entry) == 0)
        return;
    (void)snprintf(r->log + len, sizeof(r->log) - len, "%s", entry);
}

static void on_message(struct rp_ws *ws, bool binary, char *data, size_t len, void *arg)
{
    struct rig *r = arg;
    struct rp_arena a;
    struct rp_json *m;
    struct rp_str type;

    assert_false(binary);
    rp_arena_init(&a, 1 << 20);
    assert_int_equal(rp_json_parse(&m, &a, rp_str_n(data, len), NULL), 0);
    type = rp_json_get_str(m, "type");
    note(r, type, rp_json_get_str(m, "role"));
    if (rp_str_eq_z(type, "user.transcript"))
        (void)snprintf(r->transcript + strlen(r->transcript),
                       sizeof(r->transcript) - strlen(r->transcript), "%.*s ",
                       RP_STR_ARG(rp_json_get_str(m, "content")));
    if (rp_str_eq_z(type, "response.text"))
        (void)snprintf(r->answer, sizeof(r->answer), "%.*s",
                       RP_STR_ARG(rp_json_get_str(m, "content")));
    if (rp_str_eq_z(type, "response.audio"))
        r->samples += rp_json_get_str(m, "content").len / 4 * 3 / 2;
    if (rp_str_eq_z(type, "response.end")) {
        r->ends++;
        if (r->ends == 1 && r->recording.n)
            send_recording(r);
        if (r->ends == 1 && !r->recording.n)
            send_text(r, "{\"type\":\"client.response.text\",\"content\":\"Blue elephants\"}");
        if (r->ends > 1 && strlen(r->transcript))
            rp_ws_close(ws, 1000, "done");
    }
    rp_arena_fini(&a);
}

static void on_closed(struct rp_ws *ws, int code, struct rp_str reason, void *arg)
{
    struct rig *r = arg;

    (void)ws;
    (void)reason;
    r->ws = NULL;
    r->close_code = code;
    rp_timer_stop(&r->limit);
    rp_loop_stop(r->loop);
}

static void too_long(struct rp_timer *t)
{
    struct rig *r = RP_CONTAINER_OF(t, struct rig, limit);

    r->timed_out = true;
    rp_ws_abort(r->ws);
}

static const struct rp_ws_cb client_cb = {
    .max_message = 1 << 22, .opened = on_open, .message = on_message, .closed = on_closed};

/* ---- the rig ---- */

static void stop_loop(void *arg)
{
    struct rig *r = arg;

    rp_loop_stop(r->loop);
}

static void set_up(struct rig *r, const char *config)
{
    struct rp_http_server_params p = {.host = "127.0.0.1",
                                      .loops = &r->loop,
                                      .nloops = 1,
                                      .max_body = 1 << 20,
                                      .max_connections = 10,
                                      .idle_timeout_us = LIMIT_US,
                                      .handler = handle,
                                      .arg = r};
    char *why = NULL;

    memset(r, 0, sizeof(*r));
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/riposte-test-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    assert_int_equal(
        rp_store_open(&r->env.store, &(struct rp_store_params){.data_dir = r->dir}, &why), 0);
    assert_int_equal(rp_speech_open(&r->speech, RP_SPEECH_DIR, 1, 64, &why), 0);
    r->env.vad = rp_speech_vad(r->speech);
    r->env.stt = rp_speech_stt(r->speech);
    r->env.tts = rp_speech_tts(r->speech);
    r->env.node_id = "test";
    assert_int_equal(rp_loop_new(&r->loop, "shard"), 0);
    assert_int_equal(rp_shard_init(&r->shard, r->loop, &r->env), 0);
    assert_int_equal(rp_http_server_new(&r->http, r->loop, &p, &why), 0);
    rp_timer_init(&r->limit, r->loop, too_long);
    make_agent(r, config);
}

static void tear_down(struct rig *r)
{
    char command[128];

    while (atomic_load(&r->env.live) > 0) { /* the machine waits for the last words */
        rp_timer_start(&r->limit, 10000);
        r->limit.fn = too_long;
        break;
    }
    rp_timer_stop(&r->limit);
    rp_http_server_close(r->http, stop_loop, r);
    rp_loop_run(r->loop);
    rp_speech_stop(r->speech);
    rp_store_close(r->env.store);
    rp_shard_close(&r->shard, stop_loop, r);
    rp_loop_run(r->loop);
    rp_loop_free(r->loop);
    rp_speech_free(r->speech);
    rp_recording_fini(&r->recording);
    (void)snprintf(command, sizeof(command), "rm -rf %s", r->dir);
    assert_int_equal(system(command), 0);
}

static void call(struct rig *r)
{
    char url[256];

    authorize(r, "key");
    (void)snprintf(url, sizeof(url),
                   "ws://127.0.0.1:%u/v1/agents/web/websocket?client_session_key=key",
                   rp_http_server_port(r->http));
    assert_int_equal(rp_ws_connect(&r->ws, r->loop, url, NULL, &client_cb, r), 0);
    rp_timer_start(&r->limit, LIMIT_US);
    rp_loop_run(r->loop);
    assert_false(r->timed_out);
    assert_int_equal(r->close_code, 1000);
}

#define DEMO "{\"type\":\"voice\",\"clients\":{\"browser\":true},\"plugins\":[]}"

static void typed_words_are_answered(void **state)
{
    struct rig r;

    (void)state;
    set_up(&r, DEMO);
    call(&r);
    if (strncmp(r.log, "turn.start:assistant response.text.delta ", 41) != 0)
        fail_msg("%s", r.log);
    assert_non_null(strstr(r.log, "turn.start:user user.transcript turn.end:user"));
    assert_string_equal(r.transcript, "Blue elephants ");
    assert_non_null(strstr(r.answer, "lue elephants"));
    assert_true(r.samples > 16000);
    tear_down(&r);
}

static void a_recording_is_understood_and_answered(void **state)
{
    struct rig r;

    (void)state;
    set_up(&r, DEMO);
    assert_int_equal(rp_recording_load(&r.recording, RP_SPEECH_DIR "/recordings/beckett.wav", 8000),
                     0);
    call(&r);
    print_message("%s\n%s\n%s\n", r.log, r.transcript, r.answer);
    assert_non_null(strstr(r.log, "turn.start:user"));
    assert_true(strlen(r.transcript) > 20);
    tear_down(&r);
}

int test_session(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed_words_are_answered),
        cmocka_unit_test(a_recording_is_understood_and_answered),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
