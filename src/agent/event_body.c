/* Bodies of webhook requests; see event_body.h.
 *
 * The keys below are literals, none like an array index and none twice, in one fixed order; user's
 * values are printed by codec/json the way ECMAScript does. That is all it takes to survive the
 * round trip. */
#include "agent/event_body.h"

#include "base/clock.h"
#include "base/err.h"

static const char *const request_types[] = {
    [RP_AGENT_MESSAGE] = "message",
    [RP_AGENT_DATA] = "data",
    [RP_AGENT_WELCOME] = "welcome",
    [RP_AGENT_SESSION_START] = "session.start",
};

const char *rp_event_type_name(enum rp_agent_type type)
{
    return request_types[type];
}

static void begin(struct rp_jw *w, const char *type, const struct rp_agent_session *s)
{
    rp_jw_obj(w);
    rp_jw_key_z(w, "type", type);
    rp_jw_key_z(w, "session_id", s->session_id);
    rp_jw_key_z(w, "conversation_id", s->conversation_id);
}

/* What every event carries besides its own fields, and the end. */
static int finish(struct rp_jw *w, const struct rp_agent_session *s)
{
    if (s->metadata) {
        rp_jw_key_value(w, "metadata", s->metadata);
    } else {
        rp_jw_key(w, "metadata");
        rp_jw_obj(w);
        rp_jw_end(w);
    }
    if (s->custom_metadata)
        rp_jw_key_value(w, "custom_metadata", s->custom_metadata);
    if (s->from_phone_number)
        rp_jw_key_z(w, "from_phone_number", s->from_phone_number);
    if (s->to_phone_number)
        rp_jw_key_z(w, "to_phone_number", s->to_phone_number);
    rp_jw_end(w);
    return rp_buf_err(w->b);
}

static void time_field(struct rp_jw *w, const char *key, int64_t wall_ms)
{
    char iso[RP_ISO_TIME_LEN];

    rp_jw_key_z(w, key, rp_iso_time(iso, wall_ms));
}

static void num_or_null(struct rp_jw *w, const char *key, double v)
{
    if (v >= 0)
        rp_jw_key_num(w, key, v);
    else
        rp_jw_key_z(w, key, NULL);
}

int rp_event_body_request(struct rp_buf *b, const struct rp_agent_session *s,
                          const struct rp_agent_request *r)
{
    struct rp_jw w = {.b = b};

    begin(&w, request_types[r->type], s);
    rp_jw_key_z(&w, "turn_id", r->turn_id);
    switch (r->type) {
    case RP_AGENT_MESSAGE:
        rp_jw_key_str(&w, "text", r->text);
        break;
    case RP_AGENT_SESSION_START: /* some backends insist on a text */
        rp_jw_key_str(&w, "text", RP_STR(""));
        break;
    case RP_AGENT_DATA:
        rp_jw_key(&w, "data");
        rp_jw_raw(&w, r->data_json);
        break;
    case RP_AGENT_WELCOME:
        break;
    }
    if (r->interrupted) {
        rp_jw_key(&w, "interruption_context");
        rp_jw_obj(&w);
        rp_jw_key_bool(&w, "previous_turn_interrupted", true);
        rp_jw_key_int(&w, "words_heard", r->words_heard);
        rp_jw_key_str(&w, "text_heard", r->text_heard);
        rp_jw_key_z(&w, "assistant_turn_id", r->interrupted_turn_id);
        rp_jw_end(&w);
    }
    return finish(&w, s);
}

int rp_event_body_session_start(struct rp_buf *b, const struct rp_agent_session *s,
                                int64_t started_ms)
{
    struct rp_jw w = {.b = b};

    begin(&w, "session.start", s);
    rp_jw_key_z(&w, "agent_id", s->agent_id);
    time_field(&w, "started_at", started_ms);
    return finish(&w, s);
}

int rp_event_body_session_end(struct rp_buf *b, const struct rp_agent_session *s,
                              const struct rp_session_end *e)
{
    struct rp_jw w = {.b = b};

    begin(&w, "session.end", s);
    rp_jw_key_z(&w, "agent_id", s->agent_id);
    time_field(&w, "started_at", e->started_ms);
    time_field(&w, "ended_at", e->ended_ms);
    /* The wall clock may have been set back during the call. */
    rp_jw_key_int(&w, "duration", RP_MAX(e->ended_ms - e->started_ms, 0));
    num_or_null(&w, "transcription_duration_seconds", e->transcription_s);
    num_or_null(&w, "tts_duration_seconds", e->tts_s);
    num_or_null(&w, "latency", (double)e->latency_ms);
    rp_jw_key_z(&w, "ip_address", e->ip_address);
    rp_jw_key_z(&w, "country_code", e->country_code);
    rp_jw_key_z(&w, "recording_status", e->recording_enabled ? "enabled" : "disabled");
    rp_jw_key(&w, "transcript");
    rp_jw_arr(&w);
    for (size_t i = 0; i < e->ntranscript; i++) {
        const struct rp_transcript_item *item = &e->transcript[i];
        rp_jw_obj(&w);
        rp_jw_key_z(&w, "role", item->assistant ? "assistant" : "user");
        rp_jw_key_str(&w, "text", item->text);
        rp_jw_key_int(&w, "timestamp", item->wall_ms);
        rp_jw_end(&w);
    }
    rp_jw_end(&w);
    return finish(&w, s);
}

int rp_event_body_session_update(struct rp_buf *b, const struct rp_agent_session *s,
                                 const struct rp_session_update *u)
{
    struct rp_jw w = {.b = b};

    begin(&w, "session.update", s);
    rp_jw_key_z(&w, "recording_status", u->completed ? "completed" : "failed");
    rp_jw_key_z(&w, "recording_url", u->recording_url);
    num_or_null(&w, "recording_duration", u->recording_s);
    if (u->error_message)
        rp_jw_key_z(&w, "error_message", u->error_message);
    return finish(&w, s);
}
