/* The caller's turn: when it begins, when it is over, and its words. turn_int.h draws the phases.
 *
 * A turn begins as a suspicion that the client knows nothing of. It is opened (turn.start) once the
 * voice has lasted long enough; if the agent is speaking, that is what cuts the agent off. While
 * the agent has not begun to answer yet, opening alone does not cancel its request: that takes
 * words, so that a cough during the wait cannot eat the question. */
#include "base/check.h"
#include "base/mem.h"
#include "turn/turn_int.h"
#include "turn/words.h"

bool rp_turn_is_automatic(const struct rp_turn *t)
{
    return t->o.mode == RP_TURN_AUTOMATIC;
}

/* The agent is audible, or about to be, and this may be an interruption. */
bool rp_turn_user_is_suspicion(const struct rp_turn *t)
{
    return t->user.phase != RP_TURN_QUIET && !t->user.open && t->floor && t->floor->started;
}

struct rp_str rp_turn_user_words(const struct rp_turn_user *u)
{
    return rp_str_trim(rp_buf_view(&u->words));
}

static void set_text(struct rp_turn *t, struct rp_buf *b, struct rp_str text)
{
    rp_buf_clear(b);
    if (rp_buf_str(b, rp_str_trim(text)) != 0)
        rp_turn_note(t, RP_TURN_NOTE_NO_MEMORY);
    b->err = 0;
}

void rp_turn_user_set_words(struct rp_turn *t, struct rp_str text)
{
    struct rp_turn_user *u = &t->user;

    set_text(t, &u->words, text);
    u->nwords = rp_words_count(rp_turn_user_words(u));
}

/* --- asking the recogniser ---------------------------------------------------------------- */

void rp_turn_user_ask(struct rp_turn *t, int64_t to, bool urgent)
{
    struct rp_turn_user *u = &t->user;

    u->token = ++t->last_token;
    u->final_have = false;
    u->urgent = urgent;
    u->asked_us = t->now;
    rp_turn_emit(
        t, &(struct rp_turn_action){
               .type = RP_TURN_DO_STT_FINALIZE, .token = u->token, .at = to, .urgent = urgent});
    t->last_asked = to;
}

void rp_turn_user_hurry(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    if (u->urgent || !u->token)
        return;
    u->urgent = true;
    rp_turn_emit(t, &(struct rp_turn_action){.type = RP_TURN_DO_STT_FINALIZE,
                                             .token = u->token,
                                             .at = t->last_asked,
                                             .urgent = true});
}

void rp_turn_user_show(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    if (u->open && u->nwords)
        rp_turn_emit(t, &(struct rp_turn_action){.type = RP_TURN_DO_INTERIM_DELTA,
                                                 .user = true,
                                                 .id = u->id,
                                                 .text = rp_turn_user_words(u)});
}

/* --- begin and end ------------------------------------------------------------------------ */

/* Back to QUIET; the buffers keep their memory. */
static void clear(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;
    struct rp_buf words = u->words, typed = u->typed;

    if (u->has_audio) {
        t->used_to = RP_MAX(t->used_to, u->last);
        rp_turn_emit(t, &(struct rp_turn_action){.type = RP_TURN_DO_STT_DISCARD});
    }
    rp_buf_clear(&words);
    rp_buf_clear(&typed);
    *u = (struct rp_turn_user){.words = words, .typed = typed};
    t->changed = true;
}

/* What is left of this stretch of speech belongs to the next turn. */
void rp_turn_user_split(struct rp_turn *t)
{
    struct rp_turn_voice *v = &t->voice;

    if (!v->speaking || !rp_turn_is_automatic(t))
        return;
    v->claimed = v->unheard = false;
    v->onset = v->voiced = t->pos;
}

void rp_turn_user_open(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;
    struct rp_turn_asst *f = t->floor;

    if (f && f->started)
        rp_turn_floor_cut(t, !u->ptt && !u->typed.len);
    u->open = true;
    u->start_us = t->now;
    rp_turn_new_id(t, u->id, RP_ID_USER_TURN);
    rp_turn_emit(
        t, &(struct rp_turn_action){.type = RP_TURN_DO_TURN_START, .user = true, .id = u->id});
    rp_turn_user_show(t);
}

static void end_turn(struct rp_turn *t)
{
    if (t->user.open)
        rp_turn_emit(t, &(struct rp_turn_action){
                            .type = RP_TURN_DO_TURN_END, .user = true, .id = t->user.id});
}

/* Nothing came of it: the agent goes on. */
void rp_turn_user_drop(struct rp_turn *t, enum rp_turn_note note)
{
    struct rp_turn_user *u = &t->user;
    bool was_open = u->open;
    bool is_false = was_open && t->cut && t->cut_by_voice;

    rp_turn_note(t, is_false ? RP_TURN_NOTE_FALSE_INTERRUPTION : note);
    if (note == RP_TURN_NOTE_FADED) {
        t->faded_from = u->onset;
        t->faded_to = u->last;
    }
    end_turn(t);
    clear(t);
    if (was_open)
        rp_turn_cut_done(t, is_false && t->o.resume_false_interruption);
}

static void record(struct rp_turn *t, struct rp_str text, bool typed)
{
    const struct rp_turn_user *u = &t->user;
    int64_t speech_end_us = t->now;

    if (u->has_audio)
        speech_end_us = u->stop_us ? u->stop_us - u->lag_us : u->closing_us;
    rp_turn_emit(t, &(struct rp_turn_action){
                        .type = RP_TURN_DO_RECORD,
                        .user = true,
                        .id = u->id,
                        .record = &(struct rp_turn_record){.user = true,
                                                           .text = text,
                                                           .typed = typed,
                                                           .from = u->onset,
                                                           .to = u->last,
                                                           .speech_end_us = speech_end_us,
                                                           .decided_us = t->now,
                                                           .start_us = u->start_us,
                                                           .end_us = t->now}});
}

/* Spoken words first, typed ones behind them (scene 15), in `words`. */
static struct rp_str join_typed(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    if (u->nwords && u->typed.len)
        (void)rp_buf_char(&u->words, ' ');
    if (!u->nwords)
        rp_buf_clear(&u->words);
    if (rp_buf_str(&u->words, rp_buf_view(&u->typed)) != 0)
        rp_turn_note(t, RP_TURN_NOTE_NO_MEMORY);
    u->words.err = 0;
    return rp_turn_user_words(u);
}

/* Was the turn nothing but what the agent was saying at that very moment? */
static bool was_echo(const struct rp_turn *t)
{
    const struct rp_turn_user *u = &t->user;

    return !u->ptt && !u->typed.len && rp_turn_is_echo(t, rp_turn_user_words(u), u->onset, false);
}

/* Was the turn before ended too early? Then the caller went on before hearing anything. */
static void learn(struct rp_turn *t)
{
    const struct rp_turn_user *u = &t->user;
    bool went_on = t->cut && t->cut_by_voice && t->cut->heard.sent == 0 && u->has_audio &&
                   u->onset - t->used_to < RP_TURN_SAMPLES(t->o.max_silence_ms);

    if (went_on)
        t->patience_ms = RP_MIN(t->patience_ms + RP_TURN_PATIENCE_STEP_MS, RP_TURN_PATIENCE_MAX_MS);
    else
        t->patience_ms -= t->patience_ms / 4;
}

/* The turn is over and its final words are in `words`. */
void rp_turn_user_finish(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;
    bool typed = u->typed.len > 0;
    struct rp_turn_asst *a;
    struct rp_str text;

    if (rp_turn_user_is_suspicion(t) && !typed && u->nwords < (uint32_t)t->o.min_interrupt_words) {
        rp_turn_user_drop(t, RP_TURN_NOTE_FADED);
        return;
    }
    if (was_echo(t)) {
        rp_turn_user_drop(t, RP_TURN_NOTE_ECHO);
        return;
    }
    if (!typed && !u->nwords) {
        rp_turn_user_drop(t, RP_TURN_NOTE_NOISE);
        return;
    }
    if (!u->open)
        rp_turn_user_open(t);
    if (t->floor) /* its answer has not begun: the caller went on instead */
        rp_turn_floor_cut(t, !u->ptt && !typed);
    if (u->nwords)
        rp_turn_emit(t, &(struct rp_turn_action){.type = RP_TURN_DO_DELTA,
                                                 .user = true,
                                                 .id = u->id,
                                                 .text = rp_turn_user_words(u)});
    text = join_typed(t);
    rp_turn_emit(t, &(struct rp_turn_action){
                        .type = RP_TURN_DO_TRANSCRIPT, .user = true, .id = u->id, .text = text});
    end_turn(t);
    a = t->ending ? NULL : rp_turn_asst_new(t, RP_TURN_MESSAGE);
    if (a) {
        t->floor = a;
        rp_turn_asst_post(t, a, text);
    }
    learn(t);
    rp_turn_cut_done(t, false);
    record(t, text, typed);
    clear(t);
}

/* The turn is decided; its final words may still be on their way. */
void rp_turn_user_close(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    u->closing_us = t->now;
    if (u->final_have || !u->has_audio) {
        u->phase = RP_TURN_CLOSING;
        rp_turn_user_finish(t);
        return;
    }
    if (u->phase == RP_TURN_PAUSED && u->token)
        rp_turn_user_hurry(t);
    else
        rp_turn_user_ask(t, u->last, true);
    u->phase = RP_TURN_CLOSING;
}

/* Speech has faded: wait whether it goes on, and get its words meanwhile. */
void rp_turn_user_pause(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    u->phase = RP_TURN_PAUSED;
    u->last = RP_MAX(t->voice.last, u->onset);
    u->stop_us = t->now;
    u->lag_us = (t->pos - u->last) * 1000000 / RP_TURN_RATE;
    if (t->hint_end && t->pos == t->hint_pos)
        u->lag_us += t->now - t->hint_us;
    u->probing = false;
    if (rp_turn_user_is_suspicion(t) &&
        (u->last - u->onset < RP_TURN_SAMPLES(t->o.min_interrupt_ms) || u->echo)) {
        rp_turn_user_drop(t, u->echo ? RP_TURN_NOTE_ECHO : RP_TURN_NOTE_FADED);
        return;
    }
    rp_turn_user_ask(t, RP_MIN(u->last + RP_TURN_SAMPLES(RP_TURN_LEAD_OUT_MS), t->pos), false);
}

/* Speech again: the same turn (scenes 3, 14). A final that was asked for is of no use any more. */
void rp_turn_user_go_on(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;
    int64_t pause_ms = (t->voice.onset - u->last) / RP_TURN_SAMPLES(1);

    u->phase = RP_TURN_SPEAKING;
    u->longest_pause_ms = RP_MAX(u->longest_pause_ms, (int32_t)pause_ms);
    u->token = 0;
    u->final_have = false;
    u->stop_us = 0;
    t->changed = true;
}

static void begin_utterance(struct rp_turn *t, int64_t onset)
{
    struct rp_turn_user *u = &t->user;

    u->phase = RP_TURN_SPEAKING;
    u->onset = u->last = u->probed_to = onset;
    u->has_audio = true;
    u->begin_us = t->now;
}

static void listen_from(struct rp_turn *t, int64_t from)
{
    rp_turn_emit(t, &(struct rp_turn_action){.type = RP_TURN_DO_STT_BEGIN, .at = from});
}

void rp_turn_user_begin_voice(struct rp_turn *t)
{
    struct rp_turn_voice *v = &t->voice;
    int64_t onset = v->onset, from;

    if (v->unheard)
        onset = RP_MAX(onset, t->pos - RP_TURN_SAMPLES(RP_TURN_PRE_ROLL_MS));
    from = onset - RP_TURN_SAMPLES(RP_TURN_LEAD_IN_MS);
    if (t->faded_to && onset - t->faded_to < RP_TURN_SAMPLES(RP_TURN_STITCH_MS))
        from = RP_MIN(from, t->faded_from - RP_TURN_SAMPLES(RP_TURN_LEAD_IN_MS));
    t->faded_to = 0;
    v->claimed = true;
    v->unheard = false;
    begin_utterance(t, onset);
    listen_from(t, RP_MAX(from, t->used_to));
    if (rp_turn_user_is_suspicion(t))
        rp_turn_floor_hold(t);
    if (v->finished && !v->speaking)
        rp_turn_user_pause(t);
    v->finished = false;
}

void rp_turn_user_begin_button(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    u->ptt = true;
    t->ptt_pos = RP_MAX(t->ptt_pos, t->pos - RP_TURN_SAMPLES(RP_TURN_PRE_ROLL_MS));
    begin_utterance(t, t->ptt_pos);
    rp_turn_user_open(t);
    if (t->floor)
        rp_turn_floor_cut(t, false);
    listen_from(t, t->ptt_pos);
}

void rp_turn_user_end_session(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    t->voice.claimed = true;
    t->voice.finished = false;
    t->ptt_down = false;
    if (u->phase == RP_TURN_QUIET || u->phase == RP_TURN_CLOSING)
        return;
    if (rp_turn_user_is_suspicion(t)) {
        rp_turn_user_drop(t, RP_TURN_NOTE_FADED);
        return;
    }
    if (u->phase == RP_TURN_SPEAKING)
        u->last = u->ptt ? t->pos : RP_MAX(t->voice.voiced, u->onset);
    rp_turn_user_close(t);
}

void rp_turn_user_fini(struct rp_turn *t)
{
    rp_buf_fini(&t->user.words);
    rp_buf_fini(&t->user.typed);
    rp_buf_fini(&t->typed_wait);
}
