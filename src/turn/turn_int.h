/* Private to the turn machine: its state, and what its files say to each other.
 *
 *     turn.c            life, dispatch, the settling loop, the end of the session
 *     turn_listen.c     what is heard of the caller: speech, words, hints, button, keyboard
 *     turn_user.c       the caller's turn: suspected, open, paused, closing
 *     turn_assistant.c  one turn of the agent: request, text and data in order
 *     turn_floor.c      which of them may be heard, the ledger's reports, cut and end
 *     turn_data.c       data requests beside the conversation
 *     turn_check.c      the invariants
 *
 * An event changes what is known; then every part *settles*: it looks at the whole state and does
 * what is due, until nobody has anything left to do. A timer is a question asked while settling
 * ("is it later than x?"); where the answer is no, x becomes a candidate for the next deadline. So
 * a timer cannot outlive what it belongs to, and no event has to think of all the others. */
#ifndef RP_TURN_TURN_INT_H
#define RP_TURN_TURN_INT_H

#include "base/buf.h"
#include "base/ids.h"
#include "base/list.h"
#include "base/random.h"
#include "turn/heard.h"
#include "turn/turn.h"

/* Milliseconds as samples and as microseconds. */
#define RP_TURN_SAMPLES(ms) ((int64_t)(ms) * (RP_TURN_RATE / 1000))
#define RP_TURN_US(ms)      ((int64_t)(ms)*1000)

enum {
    /* What we keep, in bytes. */
    RP_TURN_TEXT_MAX = 256 << 10, /* of an answer */
    RP_TURN_USER_MAX = 256 << 10, /* of the caller's words; of typed text */
    RP_TURN_DATA_MAX = 1 << 20,   /* JSON that waits: to be posted, or behind withheld text */
    RP_TURN_DATA_OPEN = 8,        /* data requests in flight */
    RP_TURN_DATA_QUEUE = 64,      /* and waiting to be posted */
    RP_TURN_SLOTS = 16,           /* assistant turns that are alive */
    RP_TURN_SLOTS_KEPT = 4,       /* of these, never for data: floor, cut, resumed, greeting */

    /* Times in milliseconds; what an agent's config may change stands in options.h. */
    RP_TURN_LEAD_IN_MS = 200,       /* audio before the detected onset that the recogniser gets */
    RP_TURN_LEAD_OUT_MS = 100,      /* and behind the last speech sample */
    RP_TURN_PRE_ROLL_MS = 1000,     /* of speech that began while we did not listen */
    RP_TURN_STITCH_MS = 500,        /* a faded suspicion this recent still belongs to the speech */
    RP_TURN_LAG_MS = 250,           /* the detector's own delay, in the rule for bursts */
    RP_TURN_HEARTBEAT_MS = 200,     /* a TICK at least this often while the caller speaks */
    RP_TURN_HINT_MS = 150,          /* no audio for so long after vad_end: it was true */
    RP_TURN_FINAL_MS = 4000,        /* the recogniser's time for a final */
    RP_TURN_LAST_WORDS_MS = 2000,   /* the same when the session ends */
    RP_TURN_HOLD_MARGIN_MS = 120,   /* sending resumes when the client has only this left */
    RP_TURN_HOLD_FIRST_MS = 500,    /* how long a suspicion holds back an answer's beginning */
    RP_TURN_REPLAY_GRACE_MS = 400,  /* waiting for replay_finished after the clock says "played" */
    RP_TURN_PATIENCE_MS = 3000,     /* a voice without words while an answer waits */
    RP_TURN_PAUSE_MS = 450,         /* longest wait that pauses within the turn can ask for */
    RP_TURN_PATIENCE_STEP_MS = 150, /* more for a caller who was cut off, */
    RP_TURN_PATIENCE_MAX_MS = 450,  /* at most; a quarter less with each turn that was not */
    RP_TURN_AGENT_MS = 120000,      /* an agent without a sign of life */
    RP_TURN_SYNTH_MS = 20000,       /* a synthesiser or sender without one */
    RP_TURN_LAST_SENTENCE_MS = 10000, /* time is up: the sentence may take this long */
    RP_TURN_POLL_MS = 50,             /* how often its end is looked for */
    RP_TURN_ECHO_MS = 500,            /* an echo is at most this late */
};

/* What the detector says, whoever listens. */
struct rp_turn_voice {
    bool speaking;
    bool claimed;                /* this stretch of speech belongs to a turn, or was dismissed */
    bool finished;               /* an unclaimed stretch that is over already */
    bool unheard;                /* it began while nobody was listening */
    bool presumed;               /* its end is the client's word (vad_end), not the detector's */
    int64_t onset, voiced, last; /* first sample, latest one so far, end of the stretch */
};

/*            onset            speech fades          speech again
 *   QUIET ----------> SPEAKING ----------> PAUSED ----------> SPEAKING
 *                        |                   |  silence long enough for the words: finished
 *      button, typed text|                   |  silence long enough for any words
 *                        v                   v
 *                      CLOSING: decided; the final words are on their way   -> finished, QUIET */
enum rp_turn_phase { RP_TURN_QUIET, RP_TURN_SPEAKING, RP_TURN_PAUSED, RP_TURN_CLOSING };

/* The caller's turn; at most one. */
struct rp_turn_user {
    enum rp_turn_phase phase;
    bool open; /* turn.start has gone out; before that it is a suspicion */
    bool ptt;
    bool has_audio;  /* there is an utterance */
    bool urgent;     /* the final has been asked for urgently */
    bool final_have; /* `words` is the final for the present pause */
    bool echo;       /* the interim is made of the agent's own words */
    bool probing;    /* a final asked for in mid-speech, to see whether there are any words */
    char id[RP_ID_MAX];
    int64_t onset, last; /* first speech sample, end of the last one */
    int64_t begin_us;    /* real time of the suspicion */
    int64_t start_us;    /* and of turn.start */
    int64_t stop_us;     /* real time at which the pause was noticed */
    int64_t lag_us;      /* how much of it had passed by then, on the media clock */
    int64_t asked_us;    /* for the final */
    int64_t closing_us;
    int64_t probed_to;        /* up to this sample there were no words */
    uint64_t token;           /* of the final that we wait for; 0: none */
    int32_t longest_pause_ms; /* within the turn */
    uint32_t nwords;          /* in `words` */
    int32_t need_ms;          /* silence that these words need */
    struct rp_buf words;      /* latest interim or final */
    struct rp_buf typed;
};

struct rp_turn_item { /* data that waits for the text before it, or to be posted */
    struct rp_node node;
    size_t text_at; /* length of the text that goes first */
    size_t len;
    char json[];
};

enum rp_turn_request_state { RP_TURN_REQ_NONE, RP_TURN_REQ_OPEN, RP_TURN_REQ_DONE };

/* A turn of the agent. The one that has the floor (t->floor) may speak; `data` turns wait for it;
 * the one that was cut last (t->cut) is kept until the next message has told about it. */
struct rp_turn_asst {
    uint32_t number; /* 0: the slot is free */
    char id[RP_ID_MAX];
    enum rp_turn_request request; /* NO_GREETING: the rest of a turn that was cut by mistake */
    enum rp_turn_request_state state;
    bool started;   /* turn.start has gone out */
    bool spoke;     /* something has been given to the synthesiser */
    bool filled;    /* the filler has been said */
    bool text_done; /* all text has gone out */
    bool synth_done;
    bool ended;    /* response.end has gone out */
    bool held;     /* sending is on hold */
    bool replayed; /* the client says that nothing is left to play */
    bool plain;    /* the answer was plain JSON */
    bool has_data; /* data has been forwarded */
    bool hangup;
    bool failed, told; /* the failure, and that the client knows */
    bool mute;         /* the synthesiser has given up */
    bool interrupted;
    struct rp_buf text;   /* all that came */
    size_t base;          /* where this turn's text begins in it (resumed turns) */
    size_t released;      /* how much has gone out */
    struct rp_list items; /* data waiting behind text */
    struct rp_heard heard;
    int64_t total; /* samples, once synth_done */
    int64_t posted_us, first_text_us, first_audio_us, start_us, end_us;
    int64_t alive_us;    /* last sign of life of the agent */
    int64_t progress_us; /* of the synthesiser or the sender */
    int64_t held_us;
    char code[32]; /* of the failure */
    char why[200];
    char origin[RP_ID_MAX]; /* resumed: the turn whose text it is */
};

struct rp_turn {
    struct rp_turn_options o; /* texts point to `texts` */
    char texts[2][RP_TURN_TEXT_OPTION_MAX + 1];
    enum rp_turn_request greeting;
    struct rp_rng rng;
    int64_t wall_ms;

    int64_t now, pos;
    int64_t deadline;
    bool changed; /* somebody acted: settle once more */
    rp_turn_emit_fn *emit;
    void *arg;

    struct rp_turn_voice voice;
    struct rp_turn_user user;
    int32_t patience_ms; /* more silence for a caller who was cut off lately */
    uint64_t last_token;
    int64_t last_asked;           /* `at` of the last STT_FINALIZE */
    int64_t used_to;              /* samples before this belong to turns that are over */
    int64_t faded_from, faded_to; /* the last suspicion that faded */
    bool hints_off, hint_end;     /* vad_end was the last hint, */
    int64_t hint_us, hint_pos;    /* here */
    bool ptt_down;
    int64_t ptt_pos;
    struct rp_buf typed_wait; /* typed while a protected answer was being spoken */

    struct rp_turn_asst slots[RP_TURN_SLOTS];
    uint32_t last_number;
    struct rp_turn_asst *floor, *cut;
    bool cut_by_voice; /* and not by a button or typed text */
    bool ready, greeting_due;
    bool no_reports;           /* the client does not say when it has played a turn */
    struct rp_list data_queue; /* of rp_turn_item, to be posted */
    size_t waiting_bytes;      /* of JSON: in data_queue and in items of turns */
    unsigned data_queued;

    bool hung_up; /* a turn with a hang-up is over: the session is to end */
    bool ending;
    enum rp_turn_reason reason;
    int64_t ending_us;
    size_t last_text; /* time is up: speak to here in the floor's text */
    bool over;
};

/* turn.c */
void rp_turn_emit(struct rp_turn *t, const struct rp_turn_action *a);
void rp_turn_note(struct rp_turn *t, enum rp_turn_note note);
/* Is it that late? If not, the deadline is moved there at the latest. */
bool rp_turn_due(struct rp_turn *t, int64_t when_us);
/* The same on the media clock. */
bool rp_turn_due_pos(struct rp_turn *t, int64_t pos);
void rp_turn_new_id(struct rp_turn *t, char out[static RP_ID_MAX], const char *prefix);
/* The session is going to end; what may still be finished depends on the reason. */
void rp_turn_end_session(struct rp_turn *t, enum rp_turn_reason reason);
/* A copy, appended; RP_ELIMIT when too much waits already, RP_ENOMEM. */
int rp_turn_item_add(struct rp_turn *t, struct rp_list *l, struct rp_str json, size_t text_at);
void rp_turn_items_free(struct rp_turn *t, struct rp_list *l);

bool rp_turn_is_automatic(const struct rp_turn *t);

/* turn_user.c: the life of the caller's turn */
/* The agent is audible, or about to be, and what is heard of the caller may be an interruption. */
bool rp_turn_user_is_suspicion(const struct rp_turn *t);
/* Latest interim or final, trimmed. */
struct rp_str rp_turn_user_words(const struct rp_turn_user *u);
void rp_turn_user_set_words(struct rp_turn *t, struct rp_str text);
/* As an interim, if the client knows of the turn. */
void rp_turn_user_show(struct rp_turn *t);
/* Asks for the words up to `to`; asks again for the same with more urgency. */
void rp_turn_user_ask(struct rp_turn *t, int64_t to, bool urgent);
void rp_turn_user_hurry(struct rp_turn *t);
/* In the order of a turn's life. */
void rp_turn_user_begin_voice(struct rp_turn *t);
void rp_turn_user_begin_button(struct rp_turn *t);
void rp_turn_user_open(struct rp_turn *t);
void rp_turn_user_pause(struct rp_turn *t);
void rp_turn_user_go_on(struct rp_turn *t);
void rp_turn_user_close(struct rp_turn *t);
void rp_turn_user_finish(struct rp_turn *t);
/* Nothing came of it: the agent goes on. */
void rp_turn_user_drop(struct rp_turn *t, enum rp_turn_note note);
/* What is left of the present stretch of speech belongs to the next turn. */
void rp_turn_user_split(struct rp_turn *t);
void rp_turn_user_end_session(struct rp_turn *t);
void rp_turn_user_fini(struct rp_turn *t);

/* turn_listen.c: what the caller's turn learns */
void rp_turn_user_event(struct rp_turn *t, const struct rp_turn_event *ev);
void rp_turn_user_settle(struct rp_turn *t);

/* turn_assistant.c: one turn of the agent */
struct rp_turn_asst *rp_turn_asst_new(struct rp_turn *t, enum rp_turn_request request);
/* By number; NULL if it is over. */
struct rp_turn_asst *rp_turn_asst_find(struct rp_turn *t, uint32_t number);
void rp_turn_asst_free(struct rp_turn *t, struct rp_turn_asst *a);
/* Into the books; and out of its slot. */
void rp_turn_asst_record(struct rp_turn *t, struct rp_turn_asst *a);
void rp_turn_asst_close(struct rp_turn *t, struct rp_turn_asst *a);
void rp_turn_asst_emit(struct rp_turn *t, struct rp_turn_asst *a, enum rp_turn_action_type type);
void rp_turn_asst_emit_text(struct rp_turn *t, struct rp_turn_asst *a,
                            enum rp_turn_action_type type, struct rp_str text);
/* The turn's text, as far as it has gone out, and what of that was heard. */
struct rp_str rp_turn_asst_text(const struct rp_turn_asst *a);
struct rp_str rp_turn_asst_heard(const struct rp_turn *t, const struct rp_turn_asst *a);
bool rp_turn_asst_all_heard(const struct rp_turn *t, const struct rp_turn_asst *a);
/* Posts the request of a new turn; for a message with what was heard of the turn that was cut. */
void rp_turn_asst_post(struct rp_turn *t, struct rp_turn_asst *a, struct rp_str text);
/* If its request is open. */
void rp_turn_asst_cancel(struct rp_turn *t, struct rp_turn_asst *a);
void rp_turn_asst_fail(struct rp_turn *t, struct rp_turn_asst *a, const char *code,
                       const char *why);
/* An event of its open request. */
void rp_turn_asst_answer(struct rp_turn *t, struct rp_turn_asst *a, const struct rp_turn_event *ev);
/* The floor's turn waits what comes of the caller's words, and has not begun. */
bool rp_turn_asst_withheld(struct rp_turn *t, const struct rp_turn_asst *a);
/* Gives out what is there. */
void rp_turn_asst_pump(struct rp_turn *t, struct rp_turn_asst *a);

/* turn_floor.c: whose turn may be heard */
void rp_turn_asst_event(struct rp_turn *t, const struct rp_turn_event *ev);
void rp_turn_floor_settle(struct rp_turn *t);
/* The floor's turn is over, as of now: interrupted, unless it has been heard to its end. */
void rp_turn_floor_cut(struct rp_turn *t, bool by_voice);
/* A suspicion: sending ahead pauses, if there is anything to send. */
void rp_turn_floor_hold(struct rp_turn *t);
/* Is the floor's turn one that may not be interrupted? */
bool rp_turn_floor_protected(const struct rp_turn *t);
/* Are these words what the agent was saying while they were heard? */
bool rp_turn_is_echo(const struct rp_turn *t, struct rp_str words, int64_t from, bool may_be_cut);
/* The next message goes out, or there is none: the turn that was cut goes into the books. With
 * `resume` the rest of it becomes a new turn. */
void rp_turn_cut_done(struct rp_turn *t, bool resume);
void rp_turn_floor_end_session(struct rp_turn *t, enum rp_turn_reason reason);

/* turn_data.c */
void rp_turn_data_event(struct rp_turn *t, const struct rp_turn_event *ev);
void rp_turn_data_settle(struct rp_turn *t);

/* For tests: what is wrong with the state, or NULL. */
const char *rp_turn_check(const struct rp_turn *t);

#endif
