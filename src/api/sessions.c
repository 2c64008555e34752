/* Sessions with their transcripts, and conversations: what can be known of calls. */
#include "api/api_int.h"
#include "base/err.h"

#define TURNS_AT_ONCE 1000

/* ---- one session ---- */

/* Without the closing brace: a transcript may follow. */
static void write_session(struct rp_jw *w, const struct rp_store_session *s)
{
    static const char *const statuses[] = {"authorized", "live", "ended"};
    const char *recording = s->recording_status ? s->recording_status : "not_available";

    rp_jw_obj(w);
    rp_jw_key_z(w, "session_id", s->id);
    rp_jw_key_z(w, "agent_id", s->agent_id);
    rp_jw_key_z(w, "conversation_id", s->conversation_id);
    rp_jw_key_z(w, "status", statuses[s->status]);
    rp_jw_key_z(w, "channel", s->channel);
    rp_api_key_time(w, "authorized_at", s->authorized_ms);
    rp_api_key_time(w, "started_at", s->started_ms);
    rp_api_key_time(w, "ended_at", s->ended_ms);
    rp_jw_key_z(w, "end_reason", s->end_reason);
    rp_api_key_num_opt(w, "duration_ms", (double)s->duration_ms);
    rp_api_key_json(w, "metadata", s->metadata, "{}");
    rp_jw_key_z(w, "from_phone_number", s->from_phone_number);
    rp_jw_key_z(w, "from_phone_country", s->from_phone_country);
    rp_jw_key_z(w, "to_phone_number", s->to_phone_number);
    rp_jw_key_z(w, "to_phone_country", s->to_phone_country);
    rp_jw_key_z(w, "ip_address", s->ip_address);
    rp_jw_key_z(w, "country_code", s->country_code);
    rp_jw_key_z(w, "sdk_version", s->sdk_version);
    rp_api_key_num_opt(w, "transcription_duration_seconds", s->transcription_s);
    rp_api_key_num_opt(w, "tts_duration_seconds", s->tts_s);
    rp_api_key_num_opt(w, "latency_ms", (double)s->latency_ms);
    rp_jw_key_int(w, "turn_count", s->nturns);
    rp_jw_key_z(w, "recording_status", recording);
    rp_jw_key_z(w, "recording_url", NULL);
}

/* A transcript has one entry for what the caller said and what the agent answered; a greeting has
 * an answer only, words that nobody answered have none. `user` waits for its answer. */
struct transcript {
    bool open; /* a user's turn has been written and its answer has not */
    int64_t next_seq;
};

static void begin_entry(struct rp_jw *w, int64_t wall_ms)
{
    rp_jw_obj(w);
    rp_api_key_time(w, "timestamp", wall_ms);
}

static void write_answer(struct rp_jw *w, const struct rp_store_turn *t)
{
    rp_jw_key(w, "assistant_message");
    if (t)
        rp_jw_str(w, t->text);
    else
        rp_jw_null(w);
    rp_api_key_num_opt(w, "latency_ms", t ? (double)t->latency_ms : -1);
    if (t) {
        rp_jw_key_z(w, "turn_id", t->turn_id);
        rp_api_key_json(w, "latency", t->latency, "null");
    }
    rp_jw_end(w);
}

static void close_entry(struct rp_jw *w, struct transcript *tr)
{
    if (tr->open)
        write_answer(w, NULL);
    tr->open = false;
}

static void write_turn(struct rp_jw *w, struct transcript *tr, const struct rp_store_turn *t)
{
    if ((t->flags & RP_STORE_TURN_DATA) && t->text.len == 0)
        return; /* no words */
    if (!t->assistant) {
        close_entry(w, tr);
        begin_entry(w, t->wall_ms);
        rp_jw_key_str(w, "user_message", t->text);
        tr->open = true;
        return;
    }
    if (!tr->open) {
        begin_entry(w, t->wall_ms);
        rp_jw_key_z(w, "user_message", NULL);
    }
    write_answer(w, t);
    tr->open = false;
}

static void ask_for_turns(struct rp_api_call *c, const char *session_id);

static void got_turns(struct rp_store_req *req, void *arg)
{
    struct rp_store_turn_list *q = RP_STORE_OF(turn_list, req);
    struct rp_api_call *c = arg;
    struct transcript *tr = c->state;

    if (rp_api_failed(c, req))
        return;
    for (size_t i = 0; i < q->n; i++)
        write_turn(&c->w, tr, &q->turns[i]);
    if (q->more) {
        tr->next_seq = q->turns[q->n - 1].seq + 1;
        ask_for_turns(c, q->session_id);
        return;
    }
    close_entry(&c->w, tr);
    rp_jw_end(&c->w);
    rp_jw_end(&c->w);
    rp_api_send(c, 200);
}

static void ask_for_turns(struct rp_api_call *c, const char *session_id)
{
    const struct transcript *tr = c->state;
    struct rp_store_turn_list *q = RP_API_ASK(turn_list, c, got_turns);

    if (!q)
        return;
    q->session_id = rp_store_z(&q->req, session_id);
    q->from_seq = tr->next_seq;
    q->limit = TURNS_AT_ONCE;
    rp_api_submit(c, &q->req);
}

static void got_session(struct rp_store_req *req, void *arg)
{
    struct rp_store_session_get *q = RP_STORE_OF(session_get, req);
    struct rp_api_call *c = arg;

    if (rp_api_failed(c, req))
        return;
    c->state = rp_arena_zalloc(&c->mem, sizeof(struct transcript));
    if (!c->state) {
        rp_api_error_of(c, RP_ENOMEM, NULL);
        return;
    }
    write_session(&c->w, &q->session);
    rp_jw_key(&c->w, "transcript");
    rp_jw_arr(&c->w);
    ask_for_turns(c, q->session.id);
}

void rp_api_session_get(struct rp_api_call *c)
{
    struct rp_store_session_get *q = RP_API_ASK(session_get, c, got_session);

    if (!q)
        return;
    q->agent_id = rp_store_z_of(&q->req, c->params[0]);
    q->id = rp_store_z_of(&q->req, c->params[1]);
    rp_api_submit(c, &q->req);
}

/* ---- lists ---- */

static void listed(struct rp_store_req *req, void *arg)
{
    struct rp_store_session_list *q = RP_STORE_OF(session_list, req);
    struct rp_api_call *c = arg;

    if (rp_api_failed(c, req))
        return;
    rp_jw_obj(&c->w);
    rp_jw_key(&c->w, "sessions");
    rp_jw_arr(&c->w);
    for (size_t i = 0; i < q->n; i++) {
        write_session(&c->w, &q->sessions[i]);
        rp_jw_end(&c->w);
    }
    rp_jw_end(&c->w);
    rp_api_key_cursor(&c->w, &q->page, q->n ? q->sessions[q->n - 1].id : NULL);
    rp_jw_end(&c->w);
    rp_api_send(c, 200);
}

/* `status` of the query; -1: any. False: the call has been answered. */
static bool read_status(struct rp_api_call *c, int *status)
{
    static const char *const names[] = {
        [RP_STORE_AUTHORIZED] = "authorized", [RP_STORE_LIVE] = "live", [RP_STORE_ENDED] = "ended"};
    struct rp_str wanted = rp_api_query(c, "status");

    *status = -1;
    for (size_t i = 0; i < RP_COUNT(names); i++)
        if (rp_str_eq_z(wanted, names[i]))
            *status = (int)i;
    if (!wanted.p || *status >= 0)
        return true;
    rp_api_error(c, 400, "status must be one of: authorized, live, ended.");
    return false;
}

static void list_sessions(struct rp_api_call *c, struct rp_str agent_id)
{
    struct rp_store_session_list *q;
    int status;

    if (!read_status(c, &status))
        return;
    q = RP_API_ASK(session_list, c, listed);
    if (!q || !rp_api_page(c, &q->req, &q->page))
        return;
    q->agent_id = rp_store_z_of(&q->req, agent_id);
    q->conversation_id = rp_store_z_of(&q->req, rp_api_query(c, "conversation_id"));
    q->status = status;
    rp_api_submit(c, &q->req);
}

void rp_api_sessions_list(struct rp_api_call *c)
{
    list_sessions(c, rp_api_query(c, "agent_id"));
}

static void conversations_listed(struct rp_store_req *req, void *arg)
{
    struct rp_store_conversation_list *q = RP_STORE_OF(conversation_list, req);
    struct rp_api_call *c = arg;

    if (rp_api_failed(c, req))
        return;
    rp_jw_obj(&c->w);
    rp_jw_key(&c->w, "conversations");
    rp_jw_arr(&c->w);
    for (size_t i = 0; i < q->n; i++) {
        const struct rp_store_conversation *k = &q->conversations[i];

        rp_jw_obj(&c->w);
        rp_jw_key_z(&c->w, "conversation_id", k->id);
        rp_jw_key_z(&c->w, "agent_id", k->agent_id);
        rp_api_key_json(&c->w, "custom_metadata", k->custom_metadata, "null");
        rp_api_key_json(&c->w, "custom_headers", k->custom_headers, "null");
        rp_api_key_time(&c->w, "created_at", k->created_ms);
        rp_api_key_time(&c->w, "updated_at", k->updated_ms);
        rp_jw_key_int(&c->w, "session_count", k->sessions);
        rp_jw_end(&c->w);
    }
    rp_jw_end(&c->w);
    rp_api_key_cursor(&c->w, &q->page, q->n ? q->conversations[q->n - 1].id : NULL);
    rp_jw_end(&c->w);
    rp_api_send(c, 200);
}

static void list_conversations(struct rp_api_call *c, struct rp_str agent_id)
{
    struct rp_store_conversation_list *q = RP_API_ASK(conversation_list, c, conversations_listed);

    if (!q || !rp_api_page(c, &q->req, &q->page))
        return;
    q->agent_id = rp_store_z_of(&q->req, agent_id);
    rp_api_submit(c, &q->req);
}

void rp_api_conversations_list(struct rp_api_call *c)
{
    list_conversations(c, rp_api_query(c, "agent_id"));
}

/* ---- lists of one agent: 404 if there is none such ---- */

static void ask_for_agent(struct rp_api_call *c, rp_store_done_fn *then)
{
    struct rp_store_agent_get *q = RP_API_ASK(agent_get, c, then);

    if (!q)
        return;
    q->id = rp_store_z_of(&q->req, c->params[0]);
    rp_api_submit(c, &q->req);
}

static void list_its_sessions(struct rp_store_req *req, void *arg)
{
    struct rp_api_call *c = arg;

    if (!rp_api_failed(c, req))
        list_sessions(c, c->params[0]);
}

void rp_api_agent_sessions_list(struct rp_api_call *c)
{
    ask_for_agent(c, list_its_sessions);
}

static void list_its_conversations(struct rp_store_req *req, void *arg)
{
    struct rp_api_call *c = arg;

    if (!rp_api_failed(c, req))
        list_conversations(c, c->params[0]);
}

void rp_api_agent_conversations_list(struct rp_api_call *c)
{
    ask_for_agent(c, list_its_conversations);
}
