/* A caller without a browser; see caller.h. */
#include "app/caller.h"

#include <stdio.h>
#include <string.h>

#include "audio/pcm.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/audio_frame.h"
#include "codec/base64.h"
#include "net/ws.h"

#define CHUNK       (RP_CALLER_RATE / 10)
#define CHUNK_US    100000
#define FAST_CHUNKS 8 /* a turn of the loop, when a recording goes out at once */
#define ANSWER_MAX  65536
#define HEARD_MAX   ((size_t)RP_CALLER_PLAY_RATE * 2 * 3600)
#define MESSAGE_MEM (16u << 20)

struct rp_caller {
    struct rp_caller_params p;
    struct rp_caller_cb cb;
    void *arg;
    struct rp_arena mem;
    struct rp_http_call *call; /* authorizing */
    struct rp_buf answer;      /* … and what came back */
    int status;
    struct rp_ws *ws;
    const char *session_id, *conversation_id;
    struct rp_timer mic, playback, end;
    int64_t opened_us, next_chunk_us;
    const int16_t *speech; /* the recording being spoken */
    size_t nspeech;
    int64_t plays_until;
    struct rp_buf heard;
    char why[256];
    bool failed;
};

static void end_with(struct rp_caller *c, const char *why)
{
    if (why && !c->failed) {
        c->failed = true;
        (void)snprintf(c->why, sizeof(c->why), "%s", why);
    }
    rp_timer_start(&c->end, 0);
}

static void ended(struct rp_timer *t)
{
    struct rp_caller *c = RP_CONTAINER_OF(t, struct rp_caller, end);

    rp_timer_stop(&c->mic);
    rp_timer_stop(&c->playback);
    c->cb.closed(c, c->failed ? c->why : NULL, c->arg);
}

/* ---- out ---- */

static void send_text(struct rp_caller *c, struct rp_buf *b)
{
    if (c->ws && rp_buf_err(b) == 0)
        (void)rp_ws_send(c->ws, false, b->p, b->len);
    rp_buf_fini(b);
}

static void send_simple(struct rp_caller *c, const char *type, const char *key, struct rp_str value)
{
    struct rp_buf b;
    struct rp_jw w = {.b = &b};

    rp_buf_init(&b, 1u << 20);
    rp_jw_obj(&w);
    rp_jw_key_z(&w, "type", type);
    if (key)
        rp_jw_key_str(&w, key, value);
    rp_jw_end(&w);
    send_text(c, &b);
}

static void send_audio(struct rp_caller *c, const int16_t *pcm, size_t n)
{
    uint8_t bytes[CHUNK * 2];
    struct rp_buf b;

    rp_pcm_to_le(pcm, n, bytes);
    rp_buf_init(&b, 16384);
    (void)rp_buf_z(&b, "{\"type\":\"client.audio\",\"content\":\"");
    (void)rp_base64_append(&b, bytes, n * 2);
    (void)rp_buf_z(&b, "\"}");
    send_text(c, &b);
}

static void next_chunk(struct rp_caller *c)
{
    static const int16_t silence[CHUNK];
    size_t n = RP_MIN(c->nspeech, CHUNK);

    if (n == 0) {
        if (!c->p.gated)
            send_audio(c, silence, CHUNK);
        return;
    }
    send_audio(c, c->speech, n);
    c->speech += n;
    c->nspeech -= n;
    if (c->nspeech == 0)
        c->cb.spoken(c, c->arg);
}

static void mic(struct rp_timer *t)
{
    struct rp_caller *c = RP_CONTAINER_OF(t, struct rp_caller, mic);
    int64_t now = rp_now_us();

    if (!c->ws)
        return;
    for (int i = 0; c->p.fast && c->nspeech > 0 && i < FAST_CHUNKS; i++)
        next_chunk(c);
    while (c->next_chunk_us <= now) {
        next_chunk(c);
        c->next_chunk_us += CHUNK_US;
    }
    rp_timer_start(&c->mic, c->p.fast && c->nspeech > 0 ? 1000 : c->next_chunk_us - now);
}

/* ---- in ---- */

static void played(struct rp_timer *t)
{
    struct rp_caller *c = RP_CONTAINER_OF(t, struct rp_caller, playback);

    send_simple(c, "trigger.response.audio.replay_finished", "reason", RP_STR("completed"));
    c->cb.played(c, c->arg);
}

static size_t heard_samples(const struct rp_caller *c)
{
    return c->heard.len / sizeof(int16_t);
}

/* Brings the record of what was heard to `n` samples: silence is added, or what never sounded cut.
 */
static void set_heard(struct rp_caller *c, size_t n)
{
    static const int16_t silence[1024];

    if (n < heard_samples(c))
        c->heard.len = n * sizeof(int16_t);
    while (heard_samples(c) < n && rp_buf_err(&c->heard) == 0)
        (void)rp_buf_add(&c->heard, silence,
                         RP_MIN(n - heard_samples(c), RP_COUNT(silence)) * sizeof(int16_t));
}

static size_t sample_at(const struct rp_caller *c, int64_t at_us)
{
    return (size_t)((at_us - c->opened_us) * RP_CALLER_PLAY_RATE / 1000000);
}

static void got_audio(struct rp_caller *c, const struct rp_json *msg, int64_t now)
{
    struct rp_str content = rp_json_get_str(msg, "content");
    struct rp_str turn = rp_json_get_str(msg, "turn_id");
    size_t n = rp_audio_samples_max(content);
    int16_t *pcm = n ? rp_calloc(n, sizeof(*pcm)) : NULL;

    if (pcm && rp_audio_samples(content, pcm, n, &n) == 0) {
        int64_t from = RP_MAX(c->plays_until, now);
        if (!c->p.deaf) {
            set_heard(c, RP_MAX(heard_samples(c), sample_at(c, from)));
            (void)rp_buf_add(&c->heard, pcm, n * sizeof(*pcm));
        }
        c->plays_until = from + (int64_t)n * 1000000 / RP_CALLER_PLAY_RATE;
        rp_timer_start(&c->playback, c->plays_until - now);
        c->cb.audio(c, turn, n, now, c->arg);
    } else {
        end_with(c, "the server sent audio that is none");
    }
    rp_free(pcm);
}

static void drop_playback(struct rp_caller *c, int64_t now)
{
    if (c->plays_until <= now)
        return;
    c->plays_until = now;
    rp_timer_stop(&c->playback);
    if (!c->p.deaf)
        set_heard(c, RP_MIN(heard_samples(c), sample_at(c, now)));
    c->cb.played(c, c->arg);
}

static void got_message(struct rp_ws *ws, bool binary, char *data, size_t len, void *arg)
{
    struct rp_caller *c = arg;
    int64_t now = rp_now_us();
    struct rp_arena mem;
    struct rp_json *msg;
    struct rp_str type;

    (void)ws;
    rp_arena_init(&mem, MESSAGE_MEM);
    if (binary || rp_json_parse(&msg, &mem, rp_str_n(data, len), NULL) != 0) {
        end_with(c, "the server sent something that is not JSON");
    } else {
        type = rp_json_get_str(msg, "type");
        if (rp_str_eq_z(type, "response.audio"))
            got_audio(c, msg, now);
        else if (type.p)
            c->cb.message(c, type, msg, now, c->arg);
        if (type.p && rp_str_eq_z(type, "turn.start") &&
            rp_str_eq_z(rp_json_get_str(msg, "role"), "user"))
            drop_playback(c, now);
    }
    rp_arena_fini(&mem);
}

static void socket_opened(struct rp_ws *ws, void *arg)
{
    struct rp_caller *c = arg;

    (void)ws;
    c->opened_us = c->next_chunk_us = rp_now_us();
    send_simple(c, "client.ready", NULL, RP_STR(""));
    rp_timer_start(&c->mic, 0);
    c->cb.opened(c, c->arg);
}

static void socket_closed(struct rp_ws *ws, int code, struct rp_str reason, void *arg)
{
    struct rp_caller *c = arg;
    char why[200];

    (void)ws;
    c->ws = NULL;
    (void)snprintf(why, sizeof(why), "the connection was lost (%d %.*s)", code, RP_STR_ARG(reason));
    end_with(c, code == 1000 || code == 1001 ? NULL : why);
}

/* ---- authorizing ---- */

static void open_socket(struct rp_caller *c, const char *key)
{
    static const struct rp_ws_cb cb = {
        .max_message = 4u << 20,
        .opened = socket_opened,
        .message = got_message,
        .closed = socket_closed,
    };
    struct rp_buf url;
    int err;

    rp_buf_init(&url, 4096);
    (void)rp_buf_printf(&url, "ws%s/v1/agents/web/websocket?client_session_key=%s",
                        c->p.url + strlen("http"), key);
    err =
        rp_buf_err(&url) ? rp_buf_err(&url) : rp_ws_connect(&c->ws, c->p.loop, url.p, NULL, &cb, c);
    rp_buf_fini(&url);
    if (err)
        end_with(c, "the server's URL cannot be used");
}

static void got_answer(struct rp_http_call *call, struct rp_str bytes, void *arg)
{
    struct rp_caller *c = arg;

    (void)call;
    (void)rp_buf_str(&c->answer, bytes);
}

static void authorized(struct rp_http_call *call, const struct rp_http_result *r, void *arg)
{
    struct rp_caller *c = arg;
    struct rp_json *msg = NULL;
    const char *key = NULL;
    char why[256];

    (void)call;
    c->call = NULL;
    if (!r->err && rp_json_parse(&msg, &c->mem, rp_buf_view(&c->answer), NULL) == 0) {
        struct rp_str session = rp_json_get_str(msg, "session_id");
        struct rp_str conversation = rp_json_get_str(msg, "conversation_id");
        key = rp_json_get_str(msg, "client_session_key").p;
        c->session_id = session.p;
        c->conversation_id = conversation.p;
    }
    if (key && r->status < 300) {
        open_socket(c, key);
        return;
    }
    (void)snprintf(why, sizeof(why), "the session was not authorized: %s (HTTP %d)",
                   r->err                            ? r->why
                   : rp_json_get_str(msg, "error").p ? rp_json_get_str(msg, "error").p
                                                     : "no key in the answer",
                   r->status);
    end_with(c, why);
}

static int authorize(struct rp_caller *c)
{
    static const struct rp_http_call_cb cb = {.data = got_answer, .done = authorized};
    char auth[256], url[512];
    const char *headers[] = {auth, "Content-Type: application/json"};
    struct rp_buf body;
    struct rp_jw w = {.b = &body};
    int err;

    (void)snprintf(auth, sizeof(auth), "Authorization: Bearer %s", c->p.api_key);
    /* The older form of the call tells the session's id as well. */
    (void)snprintf(url, sizeof(url), "%s/v1/pipelines/authorize_session", c->p.url);
    rp_buf_init(&body, 4096);
    rp_jw_obj(&w);
    rp_jw_key_z(&w, "pipeline_id", c->p.agent_id);
    if (c->p.conversation_id)
        rp_jw_key_z(&w, "session_id", c->p.conversation_id);
    rp_jw_end(&w);
    err = rp_http_call_start(&c->call, c->p.http,
                             &(struct rp_http_call_params){.method = "POST",
                                                           .url = url,
                                                           .headers = headers,
                                                           .nheaders = RP_COUNT(headers),
                                                           .body = rp_buf_view(&body)},
                             &cb, c);
    rp_buf_fini(&body);
    return err;
}

/* ---- life ---- */

int rp_caller_new(struct rp_caller **out, const struct rp_caller_params *p,
                  const struct rp_caller_cb *cb, void *arg)
{
    struct rp_caller *c = rp_zalloc(sizeof(*c));
    int err;

    if (!c)
        return RP_ENOMEM;
    c->p = *p;
    c->cb = *cb;
    c->arg = arg;
    rp_arena_init(&c->mem, 1u << 20);
    rp_buf_init(&c->answer, ANSWER_MAX);
    rp_buf_init(&c->heard, HEARD_MAX);
    rp_timer_init(&c->mic, p->loop, mic);
    rp_timer_init(&c->playback, p->loop, played);
    rp_timer_init(&c->end, p->loop, ended);
    err = authorize(c);
    if (err) {
        rp_caller_free(c);
        return err;
    }
    *out = c;
    return 0;
}

void rp_caller_free(struct rp_caller *c)
{
    if (!c)
        return;
    rp_arena_fini(&c->mem);
    rp_buf_fini(&c->answer);
    rp_buf_fini(&c->heard);
    rp_free(c);
}

void rp_caller_hang_up(struct rp_caller *c)
{
    if (c->call) {
        rp_http_call_cancel(c->call);
        c->call = NULL;
        end_with(c, NULL);
    } else if (c->ws) {
        rp_ws_close(c->ws, 1000, "bye");
    }
}

void rp_caller_speak(struct rp_caller *c, const int16_t *pcm, size_t n)
{
    c->speech = pcm;
    c->nspeech = n;
    if (c->p.fast && c->ws)
        rp_timer_start(&c->mic, 0);
}

void rp_caller_type(struct rp_caller *c, struct rp_str text)
{
    drop_playback(c, rp_now_us());
    send_simple(c, "client.response.text", "content", text);
}

void rp_caller_push(struct rp_caller *c, bool down)
{
    if (down)
        drop_playback(c, rp_now_us());
    send_simple(c, down ? "trigger.turn.start" : "trigger.turn.end", "role", RP_STR("user"));
}

const char *rp_caller_session_id(const struct rp_caller *c)
{
    return c->session_id ? c->session_id : "";
}

const char *rp_caller_conversation_id(const struct rp_caller *c)
{
    return c->conversation_id ? c->conversation_id : "";
}

const int16_t *rp_caller_heard(const struct rp_caller *c, size_t *n)
{
    *n = heard_samples(c);
    return (const int16_t *)(const void *)c->heard.p;
}

int64_t rp_caller_opened_us(const struct rp_caller *c)
{
    return c->opened_us;
}
