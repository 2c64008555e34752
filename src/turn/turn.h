/* The turn machine: who speaks, when a turn is over, what goes to the backend, what was heard.
 *
 * A pure function (state, event) -> (state, actions). It does no I/O, reads no clock, and logs
 * nothing: whatever influences a decision is in an event, so that a session can be replayed from
 * its events alone (turn_log.h). docs/turns.md draws the states; the scenes in tests/data/turns/
 * are the specification by example.
 *
 * Two clocks. `now_us` is real time since the session began. `pos` is the media clock: samples of
 * the caller's audio (16 kHz) that have been processed; it stands still when audio stops coming,
 * and runs faster than real time when a recording arrives at once. Both never go back.
 *
 * What the machine expects of its caller (the session):
 * - Events come in the order in which things happened; in particular push-to-talk edges, typed text
 *   and hints come after the audio that arrived before them has been processed.
 * - A TICK after each processed piece of audio (100 ms or less), and one when rp_turn_deadline_us
 *   is reached. An early or superfluous TICK is harmless.
 * - No audio is processed while rp_turn_wants_audio says no: a finished turn is waiting for its
 *   words, and the next one may not begin before. Audio, and what came behind it, waits in the
 *   session, up to a bound.
 * - When audio has not come for longer than the network allowance (0.5 s), `pos` goes on with real
 *   time at each deadline, and speech that was going on is over: the detector hears silence, or the
 *   session says SPEECH_STOP with `at` = the end of what came. Late audio is taken in order, from
 *   wherever `pos` has got to.
 *
 * Actions are handed to `emit` one by one during rp_turn_step, in the order in which they take
 * effect. `emit` may not call back into the machine. What an action points to is valid during the
 * call. One thread at a time; the machine allocates only what its turns keep, each with a cap. */
#ifndef RP_TURN_TURN_H
#define RP_TURN_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "turn/options.h"

#define RP_TURN_RATE     16000     /* samples a second, of both directions */
#define RP_TURN_NEVER    INT64_MAX /* no deadline */
#define RP_TURN_FINISHED INT64_MAX /* PLAYED: nothing is left to play */

struct rp_turn;

/* What happened. Fields in brackets; `now_us` and `pos` belong to all of them. */
#define RP_TURN_EVENTS(X)                                                                          \
    X(READY) /* client.ready: the greeting may start */                                            \
    X(TICK)  /* time or audio has gone on [at: inside speech, the end of the last sample that      \
              * sounded like it; 0: not known, `pos` then] */                                      \
    X(SPEECH_START) /* the detector hears the caller [at: first sample] */                         \
    X(SPEECH_STOP)  /* it no longer does [at: end of the last speech sample] */                    \
    X(INTERIM)      /* words so far of the open utterance [text] */                                \
    X(FINAL)        /* answer to STT_FINALIZE [token, text] */                                     \
    X(STT_FAILED)   /* that one failed [token], or the engine as a whole [0] */                    \
    X(HINT_START)   /* vad_start of the client */                                                  \
    X(HINT_END)     /* vad_end: no more audio may come */                                          \
    X(HINT_FAILED)  /* vad_model_failed: no hints from now on */                                   \
    X(PTT_START)    /* trigger.turn.start */                                                       \
    X(PTT_END)      /* trigger.turn.end */                                                         \
    X(TYPED)        /* client.response.text [text] */                                              \
    X(DATA)         /* client.response.data [text: JSON as JSON.stringify prints it] */            \
    X(AGENT_TEXT)   /* text to speak [turn, text] */                                               \
    X(AGENT_DATA)   /* data for the client [turn, text: JSON] */                                   \
    X(AGENT_PLAIN)  /* a data request was answered with plain JSON [turn, text: JSON] */           \
    X(AGENT_HANGUP) /* finish speaking, then end the session [turn] */                             \
    X(AGENT_END)    /* the answer is complete; last of the request [turn] */                       \
    X(AGENT_ERROR)  /* it failed; last of the request [turn, code, text: why] */                   \
    X(SYNTH_SPAN)   /* a word of the turn's text and its samples                                   \
                     * [turn, text_from, text_to, at, end, estimated] */                           \
    X(SYNTH_DONE)   /* all text spoken so far is audio now [turn, at: total samples]; said (again) \
                     * after SPEAK_END, even if nothing was left */                                \
    X(SYNTH_FAILED) /* the turn cannot be spoken any further [turn, at: total samples] */          \
    X(AUDIO_SENT)   /* audio has been handed to the client [turn, at: total samples] */            \
    X(PLAYED)       /* the client played so far [text: turn id or empty for the live turn,         \
                     * at: samples or RP_TURN_FINISHED, interrupted: it dropped the rest] */       \
    X(CLOSED)       /* the caller's socket is gone: END_SESSION follows within 2 s (the last words \
                     * are still waited for: keep the recogniser until then) */                    \
    X(TIME_UP)      /* the session has lasted long enough */

enum rp_turn_event_type {
#define X(name) RP_TURN_EV_##name,
    RP_TURN_EVENTS(X)
#undef X
        RP_TURN_EV_COUNT
};

struct rp_turn_event {
    enum rp_turn_event_type type;
    int64_t now_us;
    int64_t pos;
    uint32_t turn;  /* number of an assistant turn, as POST and SPEAK name it */
    uint64_t token; /* of STT_FINALIZE */
    int64_t at, end;
    uint32_t text_from, text_to;
    bool estimated, interrupted;
    struct rp_str text, code; /* borrowed during the call */
};

/* What is to be done. `turn` is the number and `id` the wire id of the turn that it belongs to. */
#define RP_TURN_ACTIONS(X)                                                                         \
    /* To the client, in this order. */                                                            \
    X(TURN_START)    /* turn.start [user, id] */                                                   \
    X(TURN_END)      /* turn.end [user, id] */                                                     \
    X(INTERIM_DELTA) /* user.transcript.interim_delta [id, counter, text] */                       \
    X(DELTA)         /* user.transcript.delta [id, counter, text] */                               \
    X(TRANSCRIPT)    /* user.transcript [id, text] */                                              \
    X(TEXT_DELTA)    /* response.text.delta [turn, id, text] */                                    \
    X(TEXT)          /* response.text [turn, id, text] */                                          \
    X(DATA)          /* response.data [turn, id, text: JSON] */                                    \
    X(ERROR)         /* response.data with riposte.error [turn, id, code, text] */                 \
    X(RESPONSE_END)  /* response.end [turn, id] */                                                 \
    /* To the recogniser. */                                                                       \
    X(STT_BEGIN)    /* an utterance begins; an open one is over [at] */                            \
    X(STT_FINALIZE) /* words up to `at`, please [token, at, urgent]. The same token again          \
                     * only raises its urgency */                                                  \
    X(STT_DISCARD)  /* the utterance is over */                                                    \
    /* To the agent. The answer is the turn that is named. */                                      \
    X(POST)   /* [turn, id, request, text: words or JSON; after a barge-in interrupted,            \
               * heard, words_heard, other_id: the turn that was cut] */                           \
    X(CANCEL) /* the request of [turn]; no event of it is expected any more */                     \
    /* To the synthesiser and the sender. */                                                       \
    X(SPEAK)         /* [turn, id, text, text_from: where it stands in the turn's text].           \
                      * `filler`: not part of the text; speak it at once and report no spans */    \
    X(SPEAK_END)     /* that was all of [turn]: speak what is still waiting for a full stop */     \
    X(STOP_SPEAKING) /* no more audio of [turn]: drop synthesis and everything queued, now */      \
    X(HOLD)          /* send no audio of [turn] for the moment; synthesis goes on */               \
    X(RESUME)        /* send again, without a gap */                                               \
    /* For the books. */                                                                           \
    X(RECORD)      /* a turn is over [record]; in the order of the conversation */                 \
    X(NOTE)        /* something odd was ignored, to be counted [note] */                           \
    X(END_SESSION) /* [reason]; the last action ever */

enum rp_turn_action_type {
#define X(name) RP_TURN_DO_##name,
    RP_TURN_ACTIONS(X)
#undef X
        RP_TURN_DO_COUNT
};

enum rp_turn_request { /* in the order of rp_agent_type */
                       RP_TURN_MESSAGE,
                       RP_TURN_DATA,
                       RP_TURN_WELCOME,
                       RP_TURN_SESSION_START, /* the older name of welcome */
                       RP_TURN_NO_GREETING,   /* params only */
};

enum rp_turn_reason {
    RP_TURN_REASON_CLOSED,  /* the caller left */
    RP_TURN_REASON_HANGUP,  /* the agent hung up */
    RP_TURN_REASON_TIME_UP, /* session_duration_timeout_minutes */
};

#define RP_TURN_NOTES(X)                                                                           \
    X(PTT_IGNORED, "a push-to-talk edge out of place")                                             \
    X(HINT_IGNORED, "a hint that does not apply")                                                  \
    X(BLANK_TEXT, "typed text without a word")                                                     \
    X(TYPED_DROPPED, "typed text beyond the limit")                                                \
    X(DATA_DROPPED, "data beyond the limit")                                                       \
    X(STALE_EVENT, "an event of a turn or request that is over")                                   \
    X(OLD_PLAYBACK, "a playback report of an older turn")                                          \
    X(NOT_HEARD, "speech that the options exclude")                                                \
    X(FADED, "a suspected interruption that faded")                                                \
    X(ECHO, "the agent's own words came back")                                                     \
    X(NOISE, "a voice without words")                                                              \
    X(FALSE_INTERRUPTION, "an interruption without words")                                         \
    X(STT_LATE, "the recogniser did not answer in time")                                           \
    X(SYNTH_LATE, "the synthesiser did not answer in time")                                        \
    X(AGENT_LATE, "the agent did not answer in time")                                              \
    X(TEXT_LIMIT, "an answer longer than we keep")                                                 \
    X(NO_MEMORY, "out of memory: something of a turn was lost")

enum rp_turn_note {
#define X(name, text) RP_TURN_NOTE_##name,
    RP_TURN_NOTES(X)
#undef X
        RP_TURN_NOTE_COUNT
};

struct rp_turn_record {
    bool user;
    struct rp_str text; /* user: what was said; assistant: what was handed over to be spoken */
    /* User. */
    bool typed;            /* (some of) it was typed */
    int64_t from, to;      /* first speech sample, end of the last one; equal if only typed */
    int64_t speech_end_us; /* real time of the end of speech; of typed text: its arrival */
    int64_t decided_us;    /* real time at which the turn was declared over */
    /* Assistant. */
    enum rp_turn_request request; /* what it answers; RP_TURN_NO_GREETING: a resumed turn */
    struct rp_str heard;          /* prefix of `text` */
    uint32_t words_heard;
    bool interrupted; /* cut before its end */
    bool failed;      /* the agent or the synthesiser failed */
    int64_t samples_heard;
    int64_t posted_us, first_text_us, first_audio_us; /* real time; -1: never */
    /* Both. */
    int64_t start_us, end_us; /* real time of its beginning (turn.start) and end */
};

struct rp_turn_action {
    enum rp_turn_action_type type;
    const char *id;
    bool user;
    uint32_t turn;
    struct rp_str text;
    uint32_t counter;
    uint64_t token;
    int64_t at;
    bool urgent, filler;
    uint32_t text_from;
    enum rp_turn_request request;
    bool interrupted;
    struct rp_str heard;
    uint32_t words_heard;
    const char *other_id;
    struct rp_str code;
    const struct rp_turn_record *record;
    enum rp_turn_note note;
    enum rp_turn_reason reason;
};

typedef void rp_turn_emit_fn(const struct rp_turn_action *a, void *arg);

struct rp_turn_params {
    const struct rp_turn_options *options; /* copied */
    enum rp_turn_request greeting;         /* WELCOME, SESSION_START or NO_GREETING, on READY */
    uint64_t seed;                         /* of the turn ids */
    int64_t wall_ms;                       /* wall time at now_us == 0, for the turn ids */
};

/* RP_ENOMEM, or 0 and *out is the caller's (rp_turn_free). The options must lie in their ranges. */
int rp_turn_new(struct rp_turn **out, const struct rp_turn_params *p);
/* Without an action: a session that is still live should be CLOSED before. NULL is harmless. */
void rp_turn_free(struct rp_turn *t);

/* One event. Cannot fail: what cannot be kept is noted, and its turn ends in good order. */
void rp_turn_step(struct rp_turn *t, const struct rp_turn_event *ev, rp_turn_emit_fn *emit,
                  void *arg);

/* Real time at which a TICK must come at the latest, if nothing else comes before. */
int64_t rp_turn_deadline_us(const struct rp_turn *t);
/* May the next piece of the caller's audio be processed? Ask after each step. */
bool rp_turn_wants_audio(const struct rp_turn *t);
/* END_SESSION has been emitted; everything that comes now is ignored. */
bool rp_turn_over(const struct rp_turn *t);

const char *rp_turn_event_name(enum rp_turn_event_type type);
const char *rp_turn_action_name(enum rp_turn_action_type type);
const char *rp_turn_note_name(enum rp_turn_note note);
/* A short sentence without a full stop. */
const char *rp_turn_note_text(enum rp_turn_note note);

#endif
