/* One call: from the claimed key to the stored end; see session.h.
 *
 * Two lives have to end: the turn machine's (END_SESSION) and the socket's (`closed`). Whichever
 * comes first brings about the other; when both are over the memory goes at the loop's safe point.
 *
 * The machine is not re-entrant. What its actions cause at once (audio that goes out while speech
 * resumes, say) waits in `waiting` until the step is over. */
#include "session/session_int.h"

#include "agent/demo.h"
#include "agent/headers.h"
#include "agent/webhook.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"

#define CONFIG_MEM  (4u << 20)
#define MESSAGE_MAX (4u << 20)  /* from the client */
#define OUT_MAX     (16u << 20) /* to the client */
#define PING_US     20000000
#define WAITING_MAX (1u << 20)
#define QUEUE_PAUSE (512u << 10) /* bytes in the socket's queue beyond which audio waits */

/* ---- the machine ---- */

static void arm_deadline(struct rp_session *s)
{
    int64_t at = rp_turn_deadline_us(s->turn);
    int64_t now = rp_now_us() - s->begin_us;

    if (at == RP_TURN_NEVER)
        rp_timer_stop(&s->deadline);
    else
        rp_timer_start(&s->deadline, at > now ? at - now : 0);
}

static void step_one(struct rp_session *s, struct rp_turn_event *ev)
{
    ev->now_us = rp_now_us() - s->begin_us;
    ev->pos = rp_listener_pos(s->listener);
    if (ev->type == RP_TURN_EV_TICK)
        ev->at = rp_listener_speech_end(s->listener);
    rp_turn_step(s->turn, ev, rp_session_act, s);
}

void rp_session_step(struct rp_session *s, struct rp_turn_event *ev)
{
    RP_ON_LOOP(s->shard->loop);
    if (s->ended)
        return;
    if (s->stepping) {
        RP_ASSERT(ev->text.len == 0 && ev->code.len == 0);
        if (rp_buf_add(&s->waiting, ev, sizeof(*ev)) != 0)
            rp_log("session", RP_LOG_ERROR, &s->log, "an event was lost: %s",
                   rp_err_text(rp_buf_err(&s->waiting)));
        return;
    }
    s->stepping = true;
    step_one(s, ev);
    for (size_t at = 0; at < s->waiting.len && !s->end_reason; at += sizeof(*ev)) {
        struct rp_turn_event next;
        memcpy(&next, s->waiting.p + at, sizeof(next));
        step_one(s, &next);
    }
    rp_buf_clear(&s->waiting);
    s->stepping = false;
    if (s->end_reason) {
        rp_session_over(s, s->end_reason);
        return;
    }
    arm_deadline(s);
    rp_listener_pump(s->listener);
}

static void simple_event(struct rp_session *s, enum rp_turn_event_type type)
{
    rp_session_step(s, &(struct rp_turn_event){.type = type});
}

static void deadline_reached(struct rp_timer *t)
{
    struct rp_session *s = RP_CONTAINER_OF(t, struct rp_session, deadline);

    rp_listener_sync(s->listener, rp_now_us());
    simple_event(s, RP_TURN_EV_TICK);
}

static void time_is_up(struct rp_timer *t)
{
    simple_event(RP_CONTAINER_OF(t, struct rp_session, max_duration), RP_TURN_EV_TIME_UP);
}

/* ---- the client ---- */

static void client_event(const struct rp_client_event *ev, void *arg)
{
    static const enum rp_turn_event_type types[] = {
        [RP_CLIENT_READY] = RP_TURN_EV_READY,
        [RP_CLIENT_HINT_START] = RP_TURN_EV_HINT_START,
        [RP_CLIENT_HINT_END] = RP_TURN_EV_HINT_END,
        [RP_CLIENT_HINT_FAILED] = RP_TURN_EV_HINT_FAILED,
        [RP_CLIENT_PTT_START] = RP_TURN_EV_PTT_START,
        [RP_CLIENT_PTT_END] = RP_TURN_EV_PTT_END,
        [RP_CLIENT_TYPED] = RP_TURN_EV_TYPED,
        [RP_CLIENT_DATA] = RP_TURN_EV_DATA,
    };
    struct rp_session *s = arg;
    struct rp_turn_event out = {.text = ev->text};

    switch (ev->type) {
    case RP_CLIENT_PLAYED:
        out.type = RP_TURN_EV_PLAYED;
        out.at = RP_TURN_FINISHED;
        break;
    case RP_CLIENT_PLAYED_TO:
        out.type = RP_TURN_EV_PLAYED;
        out.at = (int64_t)(ev->offset_ms * RP_TURN_RATE / 1000);
        out.interrupted = true;
        break;
    case RP_CLIENT_AUDIO: /* went to the listener */
        return;
    case RP_CLIENT_BYE:
        out.type = RP_TURN_EV_CLOSED;
        out.text = RP_STR("");
        break;
    case RP_CLIENT_HINT_END:
        rp_listener_no_more(s->listener);
        /* fall through */
    default:
        out.type = types[ev->type];
        break;
    }
    rp_session_step(s, &out);
}

/* What has to keep its place behind the audio goes through the listener's inbox. */
static void decoded(const struct rp_client_event *ev, void *arg)
{
    struct rp_session *s = arg;

    if (s->ended)
        return;
    switch (ev->type) {
    case RP_CLIENT_AUDIO:
        rp_listener_audio(s->listener, ev->pcm, ev->n);
        break;
    case RP_CLIENT_HINT_START:
    case RP_CLIENT_HINT_END:
    case RP_CLIENT_HINT_FAILED:
    case RP_CLIENT_PTT_START:
    case RP_CLIENT_PTT_END:
    case RP_CLIENT_TYPED:
        rp_listener_event(s->listener, ev);
        break;
    default:
        client_event(ev, s);
        break;
    }
}

static void got_message(struct rp_ws *ws, bool binary, char *data, size_t len, void *arg)
{
    struct rp_session *s = arg;
    const char *why;

    (void)ws;
    if (s->ended)
        return;
    if (s->transport.ops->decode(&s->transport, binary, data, len, decoded, s, &why) != 0)
        rp_log("session", RP_LOG_DEBUG, &s->log, "a message of the client was ignored: %s", why);
}

static void drained(struct rp_ws *ws, void *arg)
{
    struct rp_session *s = arg;

    (void)ws;
    if (!s->ended)
        rp_speaker_writable(s->speaker);
}

bool rp_session_send(struct rp_session *s, const struct rp_client_msg *msg)
{
    int err;

    if (!s->ws)
        return true; /* nobody listens any more; the turn runs out all the same */
    rp_buf_clear(&s->out);
    s->transport.ops->encode(&s->transport, msg, &s->out);
    err = rp_buf_err(&s->out);
    if (!err && s->out.len)
        err = rp_ws_send(s->ws, false, s->out.p, s->out.len);
    if (err == RP_ELIMIT && s->out.len) {
        rp_log("session", RP_LOG_WARN, &s->log, "the client is too slow: connection dropped");
        rp_ws_abort(s->ws);
    } else if (err && err != RP_ECLOSED) {
        rp_log("session", RP_LOG_WARN, &s->log, "a message could not be sent: %s",
               rp_err_text(err));
    }
    return err == 0;
}

/* ---- the listener ---- */

static void heard_speech(bool starts, int64_t at, void *arg)
{
    rp_session_step(arg, &(struct rp_turn_event){.type = starts ? RP_TURN_EV_SPEECH_START
                                                                : RP_TURN_EV_SPEECH_STOP,
                                                 .at = at});
}

static void audio_processed(void *arg)
{
    simple_event(arg, RP_TURN_EV_TICK);
}

static bool audio_wanted(void *arg)
{
    const struct rp_session *s = arg;

    return !s->ended && !s->stepping && rp_turn_wants_audio(s->turn);
}

static void inbox_full(bool full, void *arg)
{
    struct rp_session *s = arg;

    if (s->ws)
        rp_ws_pause(s->ws, full);
}

static void stt_event(const struct rp_stt_event *ev, void *arg)
{
    struct rp_session *s = arg;
    struct rp_turn_event out = {.token = ev->token, .text = ev->text};

    switch (ev->type) {
    case RP_STT_INTERIM:
        out.type = RP_TURN_EV_INTERIM;
        break;
    case RP_STT_FINAL:
        out.type = RP_TURN_EV_FINAL;
        break;
    case RP_STT_FAILED:
        rp_log("session", RP_LOG_WARN, &s->log, "recognition failed: %s", ev->why);
        out.type = RP_TURN_EV_STT_FAILED;
        out.text = RP_STR("");
        break;
    }
    rp_session_step(s, &out);
}

/* ---- the speaker ---- */

static bool send_audio(const int16_t *pcm, size_t n, int64_t plays_us, void *arg)
{
    struct rp_session *s = arg;

    if (s->ws && rp_ws_queued(s->ws) > QUEUE_PAUSE)
        return false;
    if (!rp_session_send(s, &(struct rp_client_msg){.type = RP_MSG_AUDIO,
                                                    .turn_id = s->speaking_id,
                                                    .counter = ++s->delta_id,
                                                    .pcm = pcm,
                                                    .n = n}))
        return false;
    s->spoken_samples += (int64_t)n;
    rp_listener_plays(s->listener, pcm, n, plays_us);
    return true;
}

static void audio_sent(int64_t n, void *arg)
{
    struct rp_session *s = arg;

    rp_session_step(
        s, &(struct rp_turn_event){.type = RP_TURN_EV_AUDIO_SENT, .turn = s->speaking, .at = n});
}

static void word_placed(uint32_t from, uint32_t to, int64_t at, int64_t end, bool estimated,
                        void *arg)
{
    struct rp_session *s = arg;

    rp_session_step(s, &(struct rp_turn_event){.type = RP_TURN_EV_SYNTH_SPAN,
                                               .turn = s->speaking,
                                               .text_from = from,
                                               .text_to = to,
                                               .at = at,
                                               .end = end,
                                               .estimated = estimated});
}

static void all_synthesised(int64_t n, void *arg)
{
    struct rp_session *s = arg;

    rp_session_step(
        s, &(struct rp_turn_event){.type = RP_TURN_EV_SYNTH_DONE, .turn = s->speaking, .at = n});
}

static void synthesis_failed(const char *why, void *arg)
{
    struct rp_session *s = arg;

    rp_log("session", RP_LOG_WARN, &s->log, "synthesis failed on a part: %s", why);
}

static void text_backlog(bool full, void *arg)
{
    struct rp_session *s = arg;

    for (size_t i = 0; i < RP_SESSION_CALLS; i++)
        if (s->calls[i].call && s->calls[i].turn == s->speaking)
            s->agent->ops->pause(s->calls[i].call, full);
}

static void tts_event(const struct rp_tts_event *ev, void *arg)
{
    struct rp_session *s = arg;

    rp_speaker_tts_event(s->speaker, ev);
}

/* ---- the end ---- */

static void release(struct rp_msg *msg)
{
    struct rp_session *s = RP_CONTAINER_OF(msg, struct rp_session, release);

    rp_turn_free(s->turn);
    rp_listener_free(s->listener);
    rp_speaker_free(s->speaker);
    rp_buf_fini(&s->out);
    rp_buf_fini(&s->waiting);
    rp_arena_fini(&s->mem);
    rp_free(s);
}

static void release_if_done(struct rp_session *s)
{
    if (!s->ended || s->ws)
        return;
    rp_list_remove(&s->node);
    atomic_fetch_sub(&s->shard->env->live, 1);
    s->shard->ignored += s->transport.ignored;
    s->shard->invalid += s->transport.invalid;
    s->release.fn = release;
    rp_loop_defer(s->shard->loop, &s->release);
}

static void finish_stored(struct rp_store_req *req, void *arg)
{
    (void)arg;
    if (req->err)
        rp_log("session", RP_LOG_ERROR, NULL, "the end of a session was not stored: %s", req->why);
}

static void store_end(struct rp_shard *shard, const char *id, const char *reason,
                      int64_t started_ms, const struct rp_session *s)
{
    struct rp_store_session_finish *q =
        RP_STORE_NEW(session_finish, shard->loop, finish_stored, NULL);

    if (!q) {
        rp_log("session", RP_LOG_ERROR, NULL, "the end of a session was not stored: %s",
               rp_err_text(RP_ENOMEM));
        return;
    }
    q->id = rp_store_z(&q->req, id);
    q->end_reason = rp_store_z(&q->req, reason);
    q->recording_status = rp_store_z(&q->req, "not_available");
    q->ended_ms = rp_wall_ms();
    q->duration_ms = RP_MAX(q->ended_ms - started_ms, 0);
    q->transcription_s = s ? (double)s->heard_samples / RP_STT_RATE : 0;
    q->tts_s = s ? (double)s->spoken_samples / RP_TTS_RATE : 0;
    q->latency_ms = s && s->latency_count ? s->latency_sum_ms / s->latency_count : -1;
    rp_store_submit(shard->env->store, &q->req);
}

void rp_session_over(struct rp_session *s, const char *reason)
{
    if (s->ended)
        return;
    s->ended = true;
    s->end_reason = reason;
    rp_timer_stop(&s->deadline);
    rp_timer_stop(&s->max_duration);
    rp_speaker_stop(s->speaker);
    s->stt->ops->close(s->stt);
    s->tts->ops->close(s->tts);
    s->agent->ops->close(s->agent);
    rp_log("session", RP_LOG_INFO, &s->log, "session ended: %s, %lld ms", reason,
           (long long)((rp_now_us() - s->begin_us) / 1000));
    store_end(s->shard, s->id, reason, s->begin_wall_ms, s);
    if (s->ws)
        rp_ws_close(s->ws, strcmp(reason, "shutdown") == 0 ? 1001 : 1000, reason);
    release_if_done(s);
}

static void ws_closed(struct rp_ws *ws, int code, struct rp_str reason, void *arg)
{
    struct rp_session *s = arg;

    (void)ws;
    (void)reason;
    rp_log("session", RP_LOG_DEBUG, &s->log, "socket closed with %d", code);
    s->ws = NULL;
    if (s->ended)
        release_if_done(s);
    else
        simple_event(s, RP_TURN_EV_CLOSED);
}

void rp_session_end(struct rp_session *s, const char *reason)
{
    if (s->ended || s->asked_to_end)
        return;
    s->asked_to_end = reason;
    simple_event(s, RP_TURN_EV_CLOSED);
}

/* ---- the beginning ---- */

static const struct rp_ws_cb socket_cb = {
    .max_message = MESSAGE_MAX,
    .ping_every_us = PING_US,
    .message = got_message,
    .closed = ws_closed,
    .drained = drained,
};

static const char *copy(struct rp_session *s, const char *z, int *err)
{
    char *c = z ? rp_arena_z(&s->mem, rp_str_z(z)) : NULL;

    if (z && !c)
        *err = RP_ENOMEM;
    return c;
}

static const struct rp_json *parse(struct rp_session *s, struct rp_str json, int *err)
{
    struct rp_json *tree = NULL;

    if (json.p && !*err)
        *err = rp_json_parse(&tree, &s->mem, json, NULL);
    return tree;
}

static int read_config(struct rp_session *s, const struct rp_store_session_claim *claim)
{
    struct rp_str text = claim->session.config.p ? claim->session.config : claim->agent.config;
    struct rp_config_report report = {0};
    struct rp_buf why;
    int err = rp_config_parse_text(&s->config, &s->mem, rp_arena_str(&s->mem, text), NULL, &report);

    if (err != RP_EPROTO)
        return err;
    rp_buf_init(&why, 4096);
    rp_config_report_text(&why, &report);
    rp_log("session", RP_LOG_ERROR, &s->log, "the stored config is not usable: %s",
           why.p ? why.p : "");
    rp_buf_fini(&why);
    return err;
}

/* Who is talking, as every request to the agent tells it. */
static int describe(struct rp_session *s, const struct rp_store_session_claim *claim)
{
    int err = 0;
    const struct rp_config *c = s->config;
    const struct rp_json *headers[] = {c->session_webhook.custom_headers, c->webhook.custom_headers,
                                       parse(s, claim->conversation.custom_headers, &err)};
    const struct rp_json *metadata[] = {c->session_webhook.custom_metadata,
                                        c->webhook.custom_metadata,
                                        parse(s, claim->conversation.custom_metadata, &err)};
    const struct rp_json *own[] = {c->metadata, parse(s, claim->session.metadata, &err)};

    s->id = copy(s, claim->session.id, &err);
    s->conversation_id = copy(s, claim->session.conversation_id, &err);
    s->agent_id = copy(s, claim->agent.id, &err);
    if (err)
        return err;
    s->log = (struct rp_log_ctx){.session = s->id, .agent = s->agent_id};
    s->who = (struct rp_agent_session){
        .agent_id = s->agent_id,
        .session_id = s->id,
        .conversation_id = s->conversation_id,
        .from_phone_number = copy(s, claim->session.from_phone_number, &err),
        .to_phone_number = copy(s, claim->session.to_phone_number, &err),
    };
    if (!err)
        err = rp_metadata_merge(&s->who.metadata, &s->mem, own, RP_COUNT(own));
    if (!err)
        err = rp_metadata_merge(&s->who.custom_metadata, &s->mem, metadata, RP_COUNT(metadata));
    if (!err)
        err = rp_headers_merge(&s->who.custom_headers, &s->mem, headers, RP_COUNT(headers));
    return err;
}

static int open_agent(struct rp_session *s, const struct rp_store_session_claim *claim)
{
    struct rp_env *env = s->shard->env;
    const struct rp_config_hook *hook = &s->config->webhook;

    if (s->config->agent != RP_CONFIG_WEBHOOK)
        return rp_agent_demo_open(&s->agent,
                                  &(struct rp_agent_demo_params){.loop = s->shard->loop});
    const struct rp_agent_webhook_params p = {
        .loop = s->shard->loop,
        .http = s->shard->http,
        .url = hook->url.p,
        .secret = rp_str_z(claim->agent.secret),
        .pending_secret = rp_str_z(claim->agent.secret_pending),
        .session = &s->who,
        .connect_timeout_us = hook->connect_timeout_ms > 0 ? hook->connect_timeout_ms * 1000
                                                           : env->connect_timeout_us,
        .first_byte_timeout_us = hook->first_byte_timeout_ms > 0
                                     ? hook->first_byte_timeout_ms * 1000
                                     : env->first_byte_timeout_us,
        .idle_timeout_us =
            hook->idle_timeout_ms > 0 ? hook->idle_timeout_ms * 1000 : env->idle_timeout_us,
        .log = rp_session_log_hook,
        .log_arg = s->shard,
    };
    return rp_agent_webhook_open(&s->agent, &p);
}

static int open_speech(struct rp_session *s)
{
    const struct rp_env *env = s->shard->env;
    const struct rp_config *c = s->config;
    const struct rp_stt_params stt = {.loop = s->shard->loop,
                                      .model_id = c->stt.model_id.p,
                                      .language = c->stt.language.p,
                                      .cb = stt_event,
                                      .arg = s};
    const struct rp_tts_params tts = {.loop = s->shard->loop,
                                      .voice_id = c->tts.voice_id.p,
                                      .model_id = c->tts.model_id.p,
                                      .language = c->tts.language.p,
                                      .cb = tts_event,
                                      .arg = s};
    static const struct rp_speaker_cb speaker = {.send = send_audio,
                                                 .sent = audio_sent,
                                                 .word = word_placed,
                                                 .synthesised = all_synthesised,
                                                 .failed = synthesis_failed,
                                                 .backlog = text_backlog};
    int err = env->stt->ops->open(&s->stt, env->stt, &stt);

    if (!err)
        err = env->tts->ops->open(&s->tts, env->tts, &tts);
    if (!err)
        err = rp_speaker_new(&s->speaker, &s->shard->pacer, s->tts, &speaker, s);
    if (!err)
        err = rp_listener_new(&s->listener, &(struct rp_listener_params){
                                                .loop = s->shard->loop,
                                                .vad = env->vad,
                                                .stt = s->stt,
                                                .in_rate = s->transport.ops->in_rate,
                                                .cb = {heard_speech, audio_processed, client_event,
                                                       audio_wanted, inbox_full},
                                                .arg = s,
                                            });
    return err;
}

static enum rp_turn_request greeting_of(const struct rp_config *c)
{
    if (c->agent != RP_CONFIG_WEBHOOK || (c->webhook.events & RP_CONFIG_WELCOME))
        return RP_TURN_WELCOME;
    return c->webhook.events & RP_CONFIG_SESSION_START ? RP_TURN_SESSION_START
                                                       : RP_TURN_NO_GREETING;
}

static int open_turns(struct rp_session *s)
{
    struct rp_turn_params p = {.options = &s->config->turn,
                               .greeting = greeting_of(s->config),
                               .wall_ms = s->begin_wall_ms};

    rp_random_bytes(&p.seed, sizeof(p.seed));
    return rp_turn_new(&s->turn, &p);
}

/* Of a session that never got its socket. */
static void discard(struct rp_session *s)
{
    if (s->stt)
        s->stt->ops->close(s->stt);
    if (s->speaker)
        rp_speaker_free(s->speaker);
    if (s->tts)
        s->tts->ops->close(s->tts);
    if (s->agent)
        s->agent->ops->close(s->agent);
    rp_listener_free(s->listener);
    rp_turn_free(s->turn);
    rp_arena_fini(&s->mem);
    rp_free(s);
}

static int build(struct rp_session *s, const struct rp_store_session_claim *claim)
{
    int err = read_config(s, claim);

    if (!err)
        err = describe(s, claim);
    if (!err)
        err = open_speech(s);
    if (!err)
        err = open_agent(s, claim);
    if (!err)
        err = open_turns(s);
    return err;
}

static void refuse(struct rp_http_req *req, int err)
{
    struct rp_str body =
        RP_STR("{\"error\":\"The session could not be started: the server is out of "
               "resources or the agent's config is not usable. See its log.\"}");

    rp_http_respond(req, err == RP_EPROTO ? 500 : 503, "application/json", NULL, 0, body);
}

void rp_session_open(struct rp_shard *shard, struct rp_http_req *req,
                     const struct rp_transport_ops *transport,
                     const struct rp_store_session_claim *claim)
{
    struct rp_session *s = rp_zalloc(sizeof(*s));
    int err = s ? 0 : RP_ENOMEM;

    RP_ON_LOOP(shard->loop);
    if (s) {
        s->shard = shard;
        rp_arena_init(&s->mem, CONFIG_MEM);
        rp_transport_init(&s->transport, transport);
        rp_buf_init(&s->out, OUT_MAX);
        rp_buf_init(&s->waiting, WAITING_MAX);
        rp_timer_init(&s->deadline, shard->loop, deadline_reached);
        rp_timer_init(&s->max_duration, shard->loop, time_is_up);
        s->begin_us = rp_now_us();
        s->begin_wall_ms = rp_wall_ms();
        err = build(s, claim);
    }
    if (!err)
        err = rp_http_upgrade(&s->ws, req, &socket_cb, s);
    else
        refuse(req, err);
    if (err) {
        rp_log("session", RP_LOG_ERROR, NULL, "session %s could not be started: %s",
               claim->session.id, rp_err_text(err));
        store_end(shard, claim->session.id, "failed_to_start", claim->session.started_ms, NULL);
        if (s)
            discard(s);
        return;
    }
    rp_list_append(&shard->sessions, &s->node);
    atomic_fetch_add(&shard->env->live, 1);
    rp_timer_start(&s->max_duration, s->config->max_duration_ms * 1000);
    rp_log("session", RP_LOG_INFO, &s->log, "session started: %s, conversation %s", transport->name,
           s->conversation_id);
    arm_deadline(s);
}
