/* Inside of a session, shared by session.c and actions.c. */
#ifndef RP_SESSION_SESSION_INT_H
#define RP_SESSION_SESSION_INT_H

#include "agent/agent.h"
#include "agent/webhook.h"
#include "base/ids.h"
#include "base/log.h"
#include "session/config.h"
#include "session/listener.h"
#include "session/session.h"
#include "session/speaker.h"
#include "turn/turn.h"

/* One message and eight data requests at most; a cancelled one leaves at once. */
#define RP_SESSION_CALLS 10

struct rp_session_call {
    struct rp_agent_call *call; /* NULL: free */
    uint32_t turn;
};

/* Figures of the user's turn that the next answer is measured against. */
struct rp_session_asked {
    bool known;
    int64_t speech_end_us, decided_us;
};

struct rp_session {
    struct rp_node node; /* in its shard */
    struct rp_shard *shard;
    struct rp_arena mem; /* ids, config: for life */
    const struct rp_config *config;
    const char *id, *conversation_id, *agent_id;
    struct rp_agent_session who;
    struct rp_log_ctx log;

    struct rp_ws *ws; /* NULL once closed */
    struct rp_transport transport;
    struct rp_buf out; /* the message being written */
    uint64_t delta_id;

    struct rp_stt *stt;
    struct rp_tts *tts;
    struct rp_listener *listener;
    struct rp_speaker *speaker;
    uint32_t speaking; /* number of the turn in the speaker, 0: none */
    char speaking_id[RP_ID_MAX];
    struct rp_agent *agent;
    struct rp_session_call calls[RP_SESSION_CALLS];

    struct rp_turn *turn;
    bool stepping;
    struct rp_buf waiting; /* events (without texts) that came while the machine was stepping */
    struct rp_timer deadline, max_duration;
    int64_t begin_us; /* rp_now_us() at the start: the machine's zero */
    int64_t begin_wall_ms;

    const char *asked_to_end; /* why we want it to end, if it was us */
    const char *end_reason;   /* set once the machine is over */
    bool ended;
    struct rp_msg release;

    /* Figures. */
    int64_t next_seq;
    struct rp_session_asked asked;
    int64_t latency_sum_ms, latency_count;
    int64_t heard_samples, spoken_samples;
    uint64_t notes[RP_TURN_NOTE_COUNT];
};

/* One event for the machine; its actions are carried out before this returns (or, from inside an
 * action, soon after). Fills in the times. */
void rp_session_step(struct rp_session *s, struct rp_turn_event *ev);
/* Carries out one action (an rp_turn_emit_fn). */
void rp_session_act(const struct rp_turn_action *a, void *arg);
/* The agent's answer (an rp_agent_event_fn). */
void rp_session_agent_event(struct rp_agent_call *call, const struct rp_agent_event *ev, void *arg);
/* Sends one message to the client. False: its queue is full. */
bool rp_session_send(struct rp_session *s, const struct rp_client_msg *msg);
/* The machine is done with: releases everything but the socket and the memory. */
void rp_session_over(struct rp_session *s, const char *reason);
/* Stores a turn and logs its latency. */
void rp_session_record(struct rp_session *s, const char *turn_id, const struct rp_turn_record *r);

/* Stores what became of a request to the backend (an rp_webhook_log_fn; `arg` is the shard, since
 * it may come after the session's end). */
void rp_session_log_hook(const struct rp_webhook_record *record, void *arg);

#endif
