/* Carries out what the turn machine decides; see session.h.
 *
 * Nothing here decides: each action of turn/turn.h has its few lines. What an action causes at once
 * is an event again and waits until the machine's step is over (rp_session_step). */
#include "session/session_int.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

/* ---- to the client ---- */

static void tell(struct rp_session *s, enum rp_client_msg_type type, const struct rp_turn_action *a)
{
    (void)rp_session_send(s, &(struct rp_client_msg){.type = type,
                                                     .user = a->user,
                                                     .turn_id = a->id,
                                                     .text = a->text,
                                                     .counter = a->counter});
}

static void tell_error(struct rp_session *s, const struct rp_turn_action *a)
{
    struct rp_client_msg msg = {.type = RP_MSG_DATA, .turn_id = a->id};
    struct rp_buf json;
    struct rp_jw w = {.b = &json};

    rp_buf_init(&json, 16384);
    rp_jw_obj(&w);
    rp_jw_key_z(&w, "type", "riposte.error");
    rp_jw_key_str(&w, "code", a->code);
    rp_jw_key_str(&w, "message", a->text);
    rp_jw_end(&w);
    msg.text = rp_buf_view(&json);
    if (rp_buf_err(&json) == 0)
        (void)rp_session_send(s, &msg);
    rp_buf_fini(&json);
}

/* ---- to the agent ---- */

static struct rp_session_call *call_of(struct rp_session *s, uint32_t turn)
{
    for (size_t i = 0; i < RP_SESSION_CALLS; i++)
        if (s->calls[i].call && s->calls[i].turn == turn)
            return &s->calls[i];
    return NULL;
}

/* The machine learns of a request that could not even start like of any other failure. */
static void post_failed(struct rp_session *s, uint32_t turn)
{
    rp_session_step(s, &(struct rp_turn_event){.type = RP_TURN_EV_AGENT_ERROR, .turn = turn});
}

static void post(struct rp_session *s, const struct rp_turn_action *a)
{
    static const enum rp_agent_type types[] = {
        [RP_TURN_MESSAGE] = RP_AGENT_MESSAGE,
        [RP_TURN_DATA] = RP_AGENT_DATA,
        [RP_TURN_WELCOME] = RP_AGENT_WELCOME,
        [RP_TURN_SESSION_START] = RP_AGENT_SESSION_START,
    };
    struct rp_agent_request req = {
        .type = types[a->request],
        .turn_id = a->id,
        .text = a->request == RP_TURN_MESSAGE ? a->text : RP_STR(""),
        .data_json = a->request == RP_TURN_DATA ? a->text : RP_STR(""),
        .interrupted = a->interrupted,
        .words_heard = a->words_heard,
        .text_heard = a->heard,
        .interrupted_turn_id = a->other_id,
    };
    struct rp_session_call *slot = NULL;
    int err = RP_ELIMIT;

    for (size_t i = 0; i < RP_SESSION_CALLS && !slot; i++)
        if (!s->calls[i].call)
            slot = &s->calls[i];
    if (slot) {
        slot->turn = a->turn;
        err = s->agent->ops->request(&slot->call, s->agent, &req, rp_session_agent_event, s);
    }
    if (err) {
        rp_log("session", RP_LOG_ERROR, &s->log, "the agent could not be asked: %s",
               rp_err_text(err));
        if (slot)
            slot->call = NULL;
        post_failed(s, a->turn);
    }
}

static void cancel(struct rp_session *s, uint32_t turn)
{
    struct rp_session_call *slot = call_of(s, turn);

    if (!slot)
        return;
    s->agent->ops->cancel(slot->call);
    slot->call = NULL;
}

void rp_session_agent_event(struct rp_agent_call *call, const struct rp_agent_event *ev, void *arg)
{
    struct rp_session *s = arg;
    struct rp_session_call *slot = NULL;
    struct rp_turn_event out = {.text = ev->text};

    for (size_t i = 0; i < RP_SESSION_CALLS && !slot; i++)
        if (s->calls[i].call == call)
            slot = &s->calls[i];
    RP_ASSERT(slot);
    out.turn = slot->turn;
    switch (ev->type) {
    case RP_AGENT_TEXT:
        out.type = RP_TURN_EV_AGENT_TEXT;
        break;
    case RP_AGENT_JSON:
        out.type = RP_TURN_EV_AGENT_DATA;
        break;
    case RP_AGENT_PLAIN:
        out.type = RP_TURN_EV_AGENT_PLAIN;
        break;
    case RP_AGENT_HANGUP:
        out.type = RP_TURN_EV_AGENT_HANGUP;
        out.text = RP_STR("");
        break;
    case RP_AGENT_END:
        out.type = RP_TURN_EV_AGENT_END;
        out.text = RP_STR("");
        slot->call = NULL;
        break;
    case RP_AGENT_ERROR:
        out.type = RP_TURN_EV_AGENT_ERROR;
        out.code = rp_str_z(ev->code);
        out.text = rp_str_z(ev->why);
        slot->call = NULL;
        rp_log("session", RP_LOG_WARN, &s->log, "the agent failed (%s, status %d): %s", ev->code,
               ev->status, ev->why);
        break;
    }
    rp_session_step(s, &out);
}

/* ---- to the synthesiser ---- */

static void speak(struct rp_session *s, const struct rp_turn_action *a)
{
    int err;

    if (s->speaking != a->turn) {
        rp_speaker_begin(s->speaker);
        s->speaking = a->turn;
        (void)snprintf(s->speaking_id, sizeof(s->speaking_id), "%s", a->id);
    }
    err = a->filler ? rp_speaker_filler(s->speaker, a->text)
                    : rp_speaker_text(s->speaker, a->text, a->text_from);
    if (err)
        rp_log("session", RP_LOG_WARN, &s->log, "text was not spoken: %s", rp_err_text(err));
}

static void speak_end(struct rp_session *s, uint32_t turn)
{
    if (s->speaking == turn)
        rp_speaker_finish(s->speaker);
    else /* it never had a word to speak */
        rp_session_step(s, &(struct rp_turn_event){.type = RP_TURN_EV_SYNTH_DONE, .turn = turn});
}

static void stop_speaking(struct rp_session *s)
{
    rp_speaker_stop(s->speaker);
    rp_listener_plays_no_more(s->listener, rp_now_us());
    (void)rp_session_send(s,
                          &(struct rp_client_msg){.type = RP_MSG_CLEAR, .turn_id = s->speaking_id});
}

/* ---- the books ---- */

static const char *reason_text(enum rp_turn_reason reason)
{
    switch (reason) {
    case RP_TURN_REASON_CLOSED:
        return "closed";
    case RP_TURN_REASON_HANGUP:
        return "hangup";
    case RP_TURN_REASON_TIME_UP:
        return "time_up";
    }
    return "unknown";
}

void rp_session_act(const struct rp_turn_action *a, void *arg)
{
    struct rp_session *s = arg;

    switch (a->type) {
    case RP_TURN_DO_TURN_START:
        tell(s, RP_MSG_TURN_START, a);
        break;
    case RP_TURN_DO_TURN_END:
        tell(s, RP_MSG_TURN_END, a);
        break;
    case RP_TURN_DO_INTERIM_DELTA:
        tell(s, RP_MSG_INTERIM_DELTA, a);
        break;
    case RP_TURN_DO_DELTA:
        tell(s, RP_MSG_DELTA, a);
        break;
    case RP_TURN_DO_TRANSCRIPT:
        tell(s, RP_MSG_TRANSCRIPT, a);
        break;
    case RP_TURN_DO_TEXT_DELTA:
        tell(s, RP_MSG_TEXT_DELTA, a);
        break;
    case RP_TURN_DO_TEXT:
        tell(s, RP_MSG_TEXT, a);
        break;
    case RP_TURN_DO_DATA:
        tell(s, RP_MSG_DATA, a);
        break;
    case RP_TURN_DO_RESPONSE_END:
        tell(s, RP_MSG_RESPONSE_END, a);
        break;
    case RP_TURN_DO_ERROR:
        tell_error(s, a);
        break;
    case RP_TURN_DO_STT_BEGIN:
        s->stt->ops->begin(s->stt, a->at);
        break;
    case RP_TURN_DO_STT_FINALIZE:
        s->stt->ops->finalize(s->stt, a->token, a->at, a->urgent);
        break;
    case RP_TURN_DO_STT_DISCARD:
        s->stt->ops->discard(s->stt);
        break;
    case RP_TURN_DO_POST:
        post(s, a);
        break;
    case RP_TURN_DO_CANCEL:
        cancel(s, a->turn);
        break;
    case RP_TURN_DO_SPEAK:
        speak(s, a);
        break;
    case RP_TURN_DO_SPEAK_END:
        speak_end(s, a->turn);
        break;
    case RP_TURN_DO_STOP_SPEAKING:
        if (s->speaking == a->turn)
            stop_speaking(s);
        break;
    case RP_TURN_DO_HOLD:
    case RP_TURN_DO_RESUME:
        if (s->speaking == a->turn)
            rp_speaker_hold(s->speaker, a->type == RP_TURN_DO_HOLD);
        break;
    case RP_TURN_DO_RECORD:
        rp_session_record(s, a->id, a->record);
        break;
    case RP_TURN_DO_NOTE:
        s->notes[a->note]++;
        rp_log("turn", RP_LOG_DEBUG, &s->log, "%s", rp_turn_note_text(a->note));
        break;
    case RP_TURN_DO_END_SESSION:
        s->end_reason = s->asked_to_end ? s->asked_to_end : reason_text(a->reason);
        break;
    case RP_TURN_DO_COUNT:
        break;
    }
}
