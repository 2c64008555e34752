/* The caller's turn: when it begins, when it is over, and its words. turn_int.h draws the phases.
 *
 * A turn begins as a suspicion that the client knows nothing of. It is opened (turn.start) once the
 * voice has lasted long enough; if the agent is speaking, that is what cuts the agent off. While
 * the agent has not begun to answer yet, opening alone does not cancel its request: that takes
 * words, so that a cough during the wait cannot eat the question. */
#include "base/check.h"
#include "base/mem.h"
#include "turn/endpoint.h"
#include "turn/turn_int.h"
#include "turn/words.h"

static int64_t max_silence(const struct rp_turn *t)
{
    return RP_TURN_SAMPLES(t->o.max_silence_ms);
}

static bool is_automatic(const struct rp_turn *t)
{
    return t->o.mode == RP_TURN_AUTOMATIC;
}

/* The agent is audible, or about to be, and this may be an interruption. */
static bool is_suspicion(const struct rp_turn *t)
{
    return t->user.phase != RP_TURN_QUIET && !t->user.open && t->floor && t->floor->started;
}

static struct rp_str words_of(const struct rp_turn_user *u)
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

static void set_words(struct rp_turn *t, struct rp_str text)
{
    struct rp_turn_user *u = &t->user;

    set_text(t, &u->words, text);
    u->nwords = rp_words_count(words_of(u));
}

/* --- asking the recogniser ---------------------------------------------------------------- */

static void ask_final(struct rp_turn *t, int64_t to, bool urgent)
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

static void ask_urgently(struct rp_turn *t)
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

static void show_words(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    if (u->open && u->nwords)
        rp_turn_emit(t, &(struct rp_turn_action){.type = RP_TURN_DO_INTERIM_DELTA,
                                                 .user = true,
                                                 .id = u->id,
                                                 .text = words_of(u)});
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
static void split_speech(struct rp_turn *t)
{
    struct rp_turn_voice *v = &t->voice;

    if (!v->speaking || !is_automatic(t))
        return;
    v->claimed = v->unheard = false;
    v->onset = v->voiced = t->pos;
}

static void open_turn(struct rp_turn *t)
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
    show_words(t);
}

static void end_turn(struct rp_turn *t)
{
    if (t->user.open)
        rp_turn_emit(t, &(struct rp_turn_action){
                            .type = RP_TURN_DO_TURN_END, .user = true, .id = t->user.id});
}

/* Nothing came of it: the agent goes on. */
static void drop(struct rp_turn *t, enum rp_turn_note note)
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
    return words_of(u);
}

/* Was the turn nothing but what the agent was saying at that very moment? */
static bool was_echo(const struct rp_turn *t)
{
    const struct rp_turn_user *u = &t->user;

    return !u->ptt && !u->typed.len && rp_turn_is_echo(t, words_of(u), u->onset, false);
}

/* Was the turn before ended too early? Then the caller went on before hearing anything. */
static void learn(struct rp_turn *t)
{
    const struct rp_turn_user *u = &t->user;
    bool went_on = t->cut && t->cut_by_voice && t->cut->heard.sent == 0 && u->has_audio &&
                   u->onset - t->used_to < max_silence(t);

    if (went_on)
        t->patience_ms = RP_MIN(t->patience_ms + RP_TURN_PATIENCE_STEP_MS, RP_TURN_PATIENCE_MAX_MS);
    else
        t->patience_ms -= t->patience_ms / 4;
}

/* The turn is over and its final words are in `words`. */
static void finish(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;
    bool typed = u->typed.len > 0;
    struct rp_turn_asst *a;
    struct rp_str text;

    if (is_suspicion(t) && !typed && u->nwords < (uint32_t)t->o.min_interrupt_words) {
        drop(t, RP_TURN_NOTE_FADED);
        return;
    }
    if (was_echo(t)) {
        drop(t, RP_TURN_NOTE_ECHO);
        return;
    }
    if (!typed && !u->nwords) {
        drop(t, RP_TURN_NOTE_NOISE);
        return;
    }
    if (!u->open)
        open_turn(t);
    if (t->floor) /* its answer has not begun: the caller went on instead */
        rp_turn_floor_cut(t, !u->ptt && !typed);
    if (u->nwords)
        rp_turn_emit(t,
                     &(struct rp_turn_action){
                         .type = RP_TURN_DO_DELTA, .user = true, .id = u->id, .text = words_of(u)});
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
static void close_turn(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    u->closing_us = t->now;
    if (u->final_have || !u->has_audio) {
        u->phase = RP_TURN_CLOSING;
        finish(t);
        return;
    }
    if (u->phase == RP_TURN_PAUSED && u->token)
        ask_urgently(t);
    else
        ask_final(t, u->last, true);
    u->phase = RP_TURN_CLOSING;
}

/* Speech has faded: wait whether it goes on, and get its words meanwhile. */
static void pause_turn(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    u->phase = RP_TURN_PAUSED;
    u->last = t->voice.last;
    u->stop_us = t->now;
    u->lag_us = (t->pos - u->last) * 1000000 / RP_TURN_RATE;
    if (t->hint_end && t->pos == t->hint_pos)
        u->lag_us += t->now - t->hint_us;
    u->probing = false;
    if (is_suspicion(t) &&
        (u->last - u->onset < RP_TURN_SAMPLES(t->o.min_interrupt_ms) || u->echo)) {
        drop(t, u->echo ? RP_TURN_NOTE_ECHO : RP_TURN_NOTE_FADED);
        return;
    }
    ask_final(t, RP_MIN(u->last + RP_TURN_SAMPLES(RP_TURN_LEAD_OUT_MS), t->pos), false);
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

static void begin_voice(struct rp_turn *t)
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
    if (is_suspicion(t))
        rp_turn_floor_hold(t);
    if (v->finished && !v->speaking)
        pause_turn(t);
    v->finished = false;
}

static void begin_button(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    u->ptt = true;
    t->ptt_pos = RP_MAX(t->ptt_pos, t->pos - RP_TURN_SAMPLES(RP_TURN_PRE_ROLL_MS));
    begin_utterance(t, t->ptt_pos);
    open_turn(t);
    if (t->floor)
        rp_turn_floor_cut(t, false);
    listen_from(t, t->ptt_pos);
}

/* --- events ------------------------------------------------------------------------------- */

static void on_speech_start(struct rp_turn *t, int64_t at)
{
    struct rp_turn_voice *v = &t->voice;
    struct rp_turn_user *u = &t->user;

    if (v->speaking)
        return;
    at = RP_MIN(RP_MAX(at, v->last), t->pos);
    v->speaking = true;
    v->presumed = false;
    v->voiced = t->pos;
    t->hint_end = false;
    if (!is_automatic(t)) {
        v->claimed = true;
        return;
    }
    if (u->phase == RP_TURN_PAUSED) {
        if (at - u->last < max_silence(t)) { /* the same turn goes on (scenes 3, 14) */
            u->phase = RP_TURN_SPEAKING;
            u->longest_pause_ms =
                RP_MAX(u->longest_pause_ms, (int32_t)((at - u->last) / RP_TURN_SAMPLES(1)));
            u->token = 0;
            u->final_have = false;
            u->stop_us = 0;
            v->claimed = true;
            v->onset = at;
            t->changed = true;
            return;
        }
        close_turn(t);
    }
    if (!v->finished)
        v->onset = at;
    v->claimed = false;
    v->unheard = u->phase == RP_TURN_QUIET && rp_turn_floor_protected(t);
}

static void on_speech_stop(struct rp_turn *t, int64_t at)
{
    struct rp_turn_voice *v = &t->voice;

    v->presumed = false;
    if (!v->speaking)
        return;
    v->speaking = false;
    v->last = v->voiced = RP_MIN(RP_MAX(at, v->onset), t->pos);
    if (!v->claimed && t->user.phase == RP_TURN_CLOSING) {
        v->finished = true; /* its turn comes when the one before has its words */
    } else if (!v->claimed) {
        v->claimed = true;
        rp_turn_note(t, RP_TURN_NOTE_NOT_HEARD);
    } else if (t->user.phase == RP_TURN_SPEAKING && !t->user.ptt) {
        pause_turn(t);
    }
}

static void on_tick(struct rp_turn *t, int64_t voiced)
{
    struct rp_turn_voice *v = &t->voice;

    if (v->presumed && voiced > v->last) /* vad_end was wrong: the speech goes on */
        on_speech_start(t, v->last);
    if (v->speaking)
        v->voiced = RP_MAX(v->voiced, voiced ? RP_MIN(voiced, t->pos) : t->pos);
}

static void on_interim(struct rp_turn *t, struct rp_str text)
{
    struct rp_turn_user *u = &t->user;

    if (!u->has_audio || (u->phase == RP_TURN_PAUSED && u->final_have))
        return;
    text = rp_str_trim(text);
    if (rp_str_eq(text, words_of(u)))
        return;
    set_words(t, text);
    /* As long as all that is recognised is what the agent is saying, nobody is interrupting it. */
    u->echo = is_suspicion(t) && rp_turn_is_echo(t, words_of(u), u->onset, true);
    show_words(t);
}

/* The words' need, and what is known of the caller: who was cut off lately, or has paused for long
 * in this turn already, is given more. */
static int32_t need_ms(const struct rp_turn *t)
{
    const struct rp_turn_user *u = &t->user;
    int32_t need = rp_endpoint_silence_ms(words_of(u), t->o.min_silence_ms, t->o.max_silence_ms);

    need = RP_MAX(need, RP_MIN(u->longest_pause_ms * 3 / 4, RP_TURN_PAUSE_MS));
    return RP_MIN(need + t->patience_ms, t->o.max_silence_ms);
}

static void on_final(struct rp_turn *t, uint64_t token, struct rp_str text, bool failed)
{
    struct rp_turn_user *u = &t->user;

    if (!u->token || token != u->token) {
        rp_turn_note(t, RP_TURN_NOTE_STALE_EVENT);
        return;
    }
    u->token = 0;
    /* Without a final, the last interim is what we know. */
    if (!failed && !rp_str_eq(rp_str_trim(text), words_of(u))) {
        set_words(t, text);
        if (u->phase == RP_TURN_PAUSED)
            show_words(t);
    }
    if (u->phase == RP_TURN_CLOSING) {
        finish(t);
    } else if (u->phase == RP_TURN_PAUSED) {
        u->final_have = true;
        u->need_ms = need_ms(t);
        t->changed = true;
    } else if (u->probing && !u->nwords) {
        u->last = t->voice.voiced;
        drop(t, RP_TURN_NOTE_NOISE); /* and the rest of this stretch with it */
    } else {
        u->probing = false;
        show_words(t);
    }
}

static void on_stt_failed(struct rp_turn *t, uint64_t token)
{
    struct rp_turn_user *u = &t->user;

    if (token) {
        on_final(t, token, RP_STR(""), true);
        return;
    }
    if (!u->has_audio)
        return;
    /* The engine is gone: the turn ends with the words that we have. */
    u->token = 0;
    u->last = RP_MAX(u->last, u->phase == RP_TURN_SPEAKING ? t->pos : u->last);
    u->final_have = true;
    close_turn(t);
}

/* Several texts are lines of one turn. */
static bool add_typed(struct rp_turn *t, struct rp_buf *b, struct rp_str text)
{
    size_t before = b->len;

    if (before)
        (void)rp_buf_char(b, '\n');
    if (rp_buf_str(b, text) == 0)
        return true;
    b->len = before;
    b->err = 0;
    rp_turn_note(t, RP_TURN_NOTE_TYPED_DROPPED);
    return false;
}

static void type_now(struct rp_turn *t, struct rp_str text)
{
    struct rp_turn_user *u = &t->user;

    if (!add_typed(t, &u->typed, text))
        return;
    if (u->phase == RP_TURN_CLOSING)
        return;
    if (u->phase == RP_TURN_SPEAKING) {
        u->last = t->pos;
        split_speech(t);
        t->ptt_pos = t->pos;
    } else if (u->phase == RP_TURN_QUIET) {
        u->phase = RP_TURN_PAUSED;
        u->onset = u->last = t->pos;
    }
    if (!u->open)
        open_turn(t);
    if (t->floor)
        rp_turn_floor_cut(t, false);
    close_turn(t);
}

static void on_typed(struct rp_turn *t, struct rp_str text)
{
    text = rp_str_trim(text);
    if (t->ending)
        return;
    if (text.len == 0) {
        rp_turn_note(t, RP_TURN_NOTE_BLANK_TEXT);
    } else if (t->user.phase != RP_TURN_QUIET || !rp_turn_floor_protected(t)) {
        type_now(t, text);
    } else {
        add_typed(t, &t->typed_wait, text);
    }
}

static void on_button(struct rp_turn *t, bool down)
{
    struct rp_turn_user *u = &t->user;

    if (is_automatic(t) || down == t->ptt_down || t->ending) {
        rp_turn_note(t, RP_TURN_NOTE_PTT_IGNORED);
        return;
    }
    t->ptt_down = down;
    t->ptt_pos = t->pos;
    if (down || !u->ptt || u->phase != RP_TURN_SPEAKING)
        return;
    u->last = t->pos;
    close_turn(t);
}

static void on_hint(struct rp_turn *t, enum rp_turn_event_type type)
{
    if (t->hints_off || !is_automatic(t)) {
        rp_turn_note(t, RP_TURN_NOTE_HINT_IGNORED);
        return;
    }
    t->hints_off = type == RP_TURN_EV_HINT_FAILED;
    t->hint_end = type == RP_TURN_EV_HINT_END;
    t->hint_us = t->now;
    t->hint_pos = t->pos;
}

void rp_turn_user_event(struct rp_turn *t, const struct rp_turn_event *ev)
{
    switch (ev->type) {
    case RP_TURN_EV_TICK:
        on_tick(t, ev->at);
        break;
    case RP_TURN_EV_SPEECH_START:
        on_speech_start(t, ev->at);
        break;
    case RP_TURN_EV_SPEECH_STOP:
        on_speech_stop(t, ev->at);
        break;
    case RP_TURN_EV_INTERIM:
        on_interim(t, ev->text);
        break;
    case RP_TURN_EV_FINAL:
        on_final(t, ev->token, ev->text, false);
        break;
    case RP_TURN_EV_STT_FAILED:
        on_stt_failed(t, ev->token);
        break;
    case RP_TURN_EV_PTT_START:
    case RP_TURN_EV_PTT_END:
        on_button(t, ev->type == RP_TURN_EV_PTT_START);
        break;
    case RP_TURN_EV_TYPED:
        on_typed(t, ev->text);
        break;
    case RP_TURN_EV_HINT_START:
    case RP_TURN_EV_HINT_END:
    case RP_TURN_EV_HINT_FAILED:
        on_hint(t, ev->type);
        break;
    default:
        break;
    }
}

/* --- settling ----------------------------------------------------------------------------- */

/* Has the pause lasted `ms`? By samples, or, after a true vad_end, by the clock. */
static bool has_been_silent(struct rp_turn *t, int64_t ms)
{
    const struct rp_turn_user *u = &t->user;
    bool by_hint = false;

    if (t->hint_end) {
        int64_t by_then_us = (t->hint_pos - u->last) * 1000000 / RP_TURN_RATE;
        by_hint = rp_turn_due(t, t->hint_us + RP_TURN_US(ms) - by_then_us);
    }
    return rp_turn_due_pos(t, u->last + RP_TURN_SAMPLES(ms)) || by_hint;
}

/* Nobody is kept waiting when audio comes faster than real time (scene 14): words that are already
 * on their way here come before the end of the turn. What the detector itself took to notice the
 * pause counts as waiting. */
static bool has_waited(struct rp_turn *t, int64_t ms)
{
    const struct rp_turn_user *u = &t->user;

    return rp_turn_due(t,
                       u->stop_us + RP_TURN_US(ms) - RP_MIN(u->lag_us, RP_TURN_US(RP_TURN_LAG_MS)));
}

/* The suspicion becomes a turn, if it has lasted long enough. */
static void settle_suspicion(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;
    int64_t end = u->phase == RP_TURN_SPEAKING ? t->voice.voiced : u->last;
    int64_t lasted = end - u->onset;

    if (is_suspicion(t)) {
        if (!u->echo && lasted >= RP_TURN_SAMPLES(t->o.min_interrupt_ms) &&
            u->nwords >= (uint32_t)t->o.min_interrupt_words)
            open_turn(t);
    } else if (u->nwords || lasted >= RP_TURN_SAMPLES(t->o.min_speech_ms)) {
        open_turn(t);
    }
}

static void settle_speaking(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;
    struct rp_turn_voice *v = &t->voice;
    int32_t patience_ms = t->o.no_words_ms;

    if (t->floor) /* an answer is waiting for what comes of this */
        patience_ms = RP_MIN(patience_ms, RP_TURN_PATIENCE_MS);
    if (t->pos - u->onset >= RP_TURN_SAMPLES(t->o.max_turn_ms)) {
        u->last = t->pos;
        split_speech(t);
        t->ptt_down = false;
        close_turn(t);
        return;
    }
    if (u->ptt)
        return;
    if (t->hint_end && t->pos == t->hint_pos) {
        /* vad_end, and indeed nothing comes any more. */
        if (rp_turn_due(t, t->hint_us + RP_TURN_US(RP_TURN_HINT_MS))) {
            on_speech_stop(t, v->voiced);
            v->presumed = true;
        }
        return;
    }
    if (u->probing) {
        if (rp_turn_due(t, u->asked_us + RP_TURN_US(RP_TURN_FINAL_MS))) {
            rp_turn_note(t, RP_TURN_NOTE_STT_LATE);
            on_final(t, u->token, RP_STR(""), true);
        }
    } else if (!u->nwords && v->voiced - u->probed_to >= RP_TURN_SAMPLES(patience_ms)) {
        u->probing = true;
        u->probed_to = v->voiced;
        ask_final(t, t->pos, false);
    }
}

static void settle_paused(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    if (has_been_silent(t, t->o.max_silence_ms)) {
        close_turn(t);
    } else if (u->final_have) {
        bool silent = has_been_silent(t, u->need_ms);
        if (has_waited(t, u->need_ms) && silent)
            close_turn(t);
    } else if (!u->urgent && has_been_silent(t, t->o.min_silence_ms)) {
        ask_urgently(t);
    }
}

static void settle_closing(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;
    int64_t until = u->closing_us + RP_TURN_US(RP_TURN_FINAL_MS);

    if (t->ending)
        until = RP_MIN(until, t->ending_us + RP_TURN_US(RP_TURN_LAST_WORDS_MS));
    if (!rp_turn_due(t, until))
        return;
    rp_turn_note(t, RP_TURN_NOTE_STT_LATE);
    u->token = 0;
    finish(t);
}

static void settle_quiet(struct rp_turn *t)
{
    struct rp_turn_voice *v = &t->voice;

    if (t->ending || rp_turn_floor_protected(t))
        return;
    if (t->typed_wait.len) {
        type_now(t, rp_buf_view(&t->typed_wait));
        rp_buf_clear(&t->typed_wait);
    } else if (t->ptt_down) {
        begin_button(t);
    } else if (!v->claimed && (v->speaking || v->finished)) {
        begin_voice(t);
    }
}

void rp_turn_user_settle(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    if (u->phase == RP_TURN_QUIET)
        settle_quiet(t);
    if ((u->phase == RP_TURN_SPEAKING || u->phase == RP_TURN_PAUSED) && !u->open)
        settle_suspicion(t);
    /* The caller has gone on before the answer began, and there are words to prove it (scene 4). */
    if (u->phase != RP_TURN_QUIET && u->open && t->floor && !t->floor->started && u->nwords > 0 &&
        u->nwords >= (uint32_t)t->o.min_interrupt_words)
        rp_turn_floor_cut(t, !u->ptt && !u->typed.len);
    if (u->phase == RP_TURN_SPEAKING)
        settle_speaking(t);
    if (u->phase == RP_TURN_PAUSED)
        settle_paused(t);
    if (u->phase == RP_TURN_CLOSING)
        settle_closing(t);
}

void rp_turn_user_end_session(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    t->voice.claimed = true;
    t->voice.finished = false;
    t->ptt_down = false;
    if (u->phase == RP_TURN_QUIET || u->phase == RP_TURN_CLOSING)
        return;
    if (is_suspicion(t)) {
        drop(t, RP_TURN_NOTE_FADED);
        return;
    }
    if (u->phase == RP_TURN_SPEAKING)
        u->last = u->ptt ? t->pos : t->voice.voiced;
    close_turn(t);
}

void rp_turn_user_fini(struct rp_turn *t)
{
    rp_buf_fini(&t->user.words);
    rp_buf_fini(&t->user.typed);
    rp_buf_fini(&t->typed_wait);
}
