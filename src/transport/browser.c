/* The browser's protocol: JSON text frames both ways (PROTOCOL 3).
 *
 * Ten audio messages a second come in from every caller, so these are recognised by a scanner that
 * builds nothing (codec/audio_frame.h); everything else is rare and takes the general JSON path. */
#include "transport/transport.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/audio_frame.h"
#include "codec/base64.h"
#include "codec/json.h"

/* A message that is not audio may hold data of a few MiB (the socket's own cap is 4 MiB); a tree of
 * small values takes a multiple of its text. */
#define TREE_CAP (64u << 20)

/* Bytes of audio in one message that need no memory of their own: half a second. */
#define SMALL 8192

struct decode {
    struct rp_transport *t;
    rp_client_event_fn *cb;
    void *arg;
};

static void give(const struct decode *d, enum rp_client_event_type type, struct rp_str text)
{
    d->cb(&(struct rp_client_event){.type = type, .text = text}, d->arg);
}

static int wrong(struct rp_transport *t, const char **why, const char *text)
{
    t->invalid++;
    *why = text;
    return RP_EPROTO;
}

/* base64 to samples: with garbage in it nothing of the message is heard. */
static int audio(const struct decode *d, struct rp_str content, const char **why)
{
    uint8_t small[SMALL];
    int16_t small_pcm[SMALL / 2 + 1];
    size_t size = RP_BASE64_DECODED_MAX(content.len), len, n;
    bool fits = size <= sizeof(small);
    uint8_t *bytes = fits ? small : rp_alloc(size);
    int16_t *pcm = fits ? small_pcm : rp_calloc(size / 2 + 1, sizeof(*pcm));
    int err = 0;

    if (!bytes || !pcm) {
        err = wrong(d->t, why, "client.audio: out of memory");
    } else if (rp_base64_decode(bytes, size, &len, content) != 0) {
        err = wrong(d->t, why, "client.audio: \"content\" is not base64");
    } else {
        n = rp_pcm_from_le(&d->t->carry, bytes, len, pcm);
        if (n)
            d->cb(&(struct rp_client_event){.type = RP_CLIENT_AUDIO, .pcm = pcm, .n = n}, d->arg);
    }
    if (!fits) {
        rp_free(bytes);
        rp_free(pcm);
    }
    return err;
}

static int vad_event(const struct decode *d, const struct rp_json *msg, const char **why)
{
    struct rp_str event = rp_json_get_str(msg, "event");

    if (rp_str_eq_z(event, "vad_start"))
        give(d, RP_CLIENT_HINT_START, RP_STR(""));
    else if (rp_str_eq_z(event, "vad_end"))
        give(d, RP_CLIENT_HINT_END, RP_STR(""));
    else if (rp_str_eq_z(event, "vad_model_failed"))
        give(d, RP_CLIENT_HINT_FAILED, RP_STR(""));
    else
        return wrong(d->t, why,
                     "vad_events: \"event\" is none of vad_start, vad_end, "
                     "vad_model_failed");
    return 0;
}

static int trigger(const struct decode *d, const struct rp_json *msg,
                   enum rp_client_event_type type, const char **why)
{
    if (!rp_str_eq_z(rp_json_get_str(msg, "role"), "user"))
        return wrong(d->t, why, "trigger.turn: \"role\" is not \"user\"");
    give(d, type, RP_STR(""));
    return 0;
}

static int replay_finished(const struct decode *d, const struct rp_json *msg)
{
    struct rp_str id = rp_json_get_str(msg, "turn_id");

    give(d, RP_CLIENT_PLAYED, id.p ? id : RP_STR(""));
    return 0;
}

static int interrupted(const struct decode *d, const struct rp_json *msg, const char **why)
{
    const struct rp_json *ctx = rp_json_get(msg, "interruption_context");
    double at =
        rp_json_get_num(ctx, "playback_offset_ms", rp_json_get_num(msg, "playback_offset", -1));
    struct rp_str id = rp_json_get_str(ctx, "turn_id");

    if (!(at >= 0 && at < 1e9))
        return wrong(d->t, why, "audio.interrupted: no usable playback offset");
    d->cb(&(struct rp_client_event){.type = RP_CLIENT_PLAYED_TO,
                                    .text = id.p ? id : RP_STR(""),
                                    .offset_ms = at},
          d->arg);
    return 0;
}

static int typed(const struct decode *d, const struct rp_json *msg, const char **why)
{
    struct rp_str text = rp_json_get_str(msg, "content");

    if (!text.p)
        return wrong(d->t, why, "client.response.text: \"content\" is not a string");
    give(d, RP_CLIENT_TYPED, text);
    return 0;
}

static int data_message(const struct decode *d, const struct rp_json *msg, const char **why)
{
    const struct rp_json *data = rp_json_get(msg, "data");
    struct rp_buf text;
    int err;

    if (!rp_json_is(data, RP_JSON_OBJECT))
        return wrong(d->t, why, "client.response.data: \"data\" is not an object");
    rp_buf_init(&text, 8u << 20);
    rp_json_write(&text, data);
    err = rp_buf_err(&text);
    if (!err)
        give(d, RP_CLIENT_DATA, rp_buf_view(&text));
    rp_buf_fini(&text);
    return err ? wrong(d->t, why, "client.response.data: too large") : 0;
}

static int dispatch(const struct decode *d, const struct rp_json *msg, const char **why)
{
    struct rp_str type = rp_json_get_str(msg, "type");

    if (!type.p)
        return wrong(d->t, why, "the message has no \"type\"");
    if (rp_str_eq_z(type, "client.audio")) {
        struct rp_str content = rp_json_get_str(msg, "content");
        if (!content.p)
            return wrong(d->t, why, "client.audio: \"content\" is not a string");
        return audio(d, content, why);
    }
    if (rp_str_eq_z(type, "client.ready")) {
        give(d, RP_CLIENT_READY, RP_STR(""));
        return 0;
    }
    if (rp_str_eq_z(type, "vad_events"))
        return vad_event(d, msg, why);
    if (rp_str_eq_z(type, "trigger.turn.start"))
        return trigger(d, msg, RP_CLIENT_PTT_START, why);
    if (rp_str_eq_z(type, "trigger.turn.end"))
        return trigger(d, msg, RP_CLIENT_PTT_END, why);
    if (rp_str_eq_z(type, "trigger.response.audio.replay_finished"))
        return replay_finished(d, msg);
    if (rp_str_eq_z(type, "trigger.response.audio.interrupted"))
        return interrupted(d, msg, why);
    if (rp_str_eq_z(type, "client.response.text"))
        return typed(d, msg, why);
    if (rp_str_eq_z(type, "client.response.data"))
        return data_message(d, msg, why);
    d->t->ignored++;
    return 0;
}

static int decode(struct rp_transport *t, bool binary, char *data, size_t len,
                  rp_client_event_fn *cb, void *arg, const char **why)
{
    const struct decode d = {t, cb, arg};
    struct rp_json_error error;
    struct rp_arena arena;
    struct rp_str content;
    struct rp_json *msg;
    int err;

    *why = NULL;
    if (binary)
        return wrong(t, why, "a binary message: this protocol is JSON text");
    if (rp_audio_frame_scan(rp_str_n(data, len), &content))
        return audio(&d, content, why);
    rp_arena_init(&arena, TREE_CAP);
    err = rp_json_parse(&msg, &arena, rp_str_n(data, len), &error);
    if (err == RP_EPROTO)
        err = wrong(t, why, "not JSON");
    else if (err)
        err = wrong(t, why, "JSON nested too deep or too large");
    else if (!rp_json_is(msg, RP_JSON_OBJECT))
        err = wrong(t, why, "not a JSON object");
    else
        err = dispatch(&d, msg, why);
    rp_arena_fini(&arena);
    return err;
}

static const char *type_of(enum rp_client_msg_type type)
{
    switch (type) {
    case RP_MSG_TURN_START:
        return "turn.start";
    case RP_MSG_TURN_END:
        return "turn.end";
    case RP_MSG_INTERIM_DELTA:
        return "user.transcript.interim_delta";
    case RP_MSG_DELTA:
        return "user.transcript.delta";
    case RP_MSG_TRANSCRIPT:
        return "user.transcript";
    case RP_MSG_TEXT_DELTA:
        return "response.text.delta";
    case RP_MSG_TEXT:
        return "response.text";
    case RP_MSG_DATA:
        return "response.data";
    case RP_MSG_RESPONSE_END:
        return "response.end";
    case RP_MSG_AUDIO:
    case RP_MSG_CLEAR:
        break;
    }
    return NULL;
}

static void encode(struct rp_transport *t, const struct rp_client_msg *msg, struct rp_buf *out)
{
    const char *type = type_of(msg->type);
    struct rp_jw w = {.b = out};

    (void)t;
    if (msg->type == RP_MSG_AUDIO) {
        char delta_id[32];
        (void)snprintf(delta_id, sizeof(delta_id), "%llu", (unsigned long long)msg->counter);
        (void)rp_audio_frame_write(out, msg->pcm, msg->n, rp_str_z(delta_id),
                                   rp_str_z(msg->turn_id));
        return;
    }
    if (!type)
        return; /* no such message here: a new turn's start clears the player */
    rp_jw_obj(&w);
    rp_jw_key_z(&w, "type", type);
    if (msg->type == RP_MSG_TURN_START || msg->type == RP_MSG_TURN_END) {
        rp_jw_key_z(&w, "role", msg->user ? "user" : "assistant");
    } else if (msg->type == RP_MSG_DATA) {
        rp_jw_key(&w, "content");
        rp_jw_raw(&w, msg->text);
    } else if (msg->type != RP_MSG_RESPONSE_END) {
        rp_jw_key_str(&w, "content", msg->text);
    }
    rp_jw_key_z(&w, "turn_id", msg->turn_id);
    if (msg->type == RP_MSG_INTERIM_DELTA || msg->type == RP_MSG_DELTA)
        rp_jw_key_int(&w, "delta_counter", (int64_t)msg->counter);
    rp_jw_end(&w);
}

const struct rp_transport_ops rp_transport_browser = {
    .name = "browser",
    .in_rate = 8000,
    .out_rate = 16000,
    .decode = decode,
    .encode = encode,
};
