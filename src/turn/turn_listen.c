/* Listening to the caller: what the detector, the recogniser, the client's hints, the button and
 * the keyboard say, and what time makes of it. What then happens to the turn is in turn_user.c. */
#include "base/check.h"
#include "turn/endpoint.h"
#include "turn/turn_int.h"
#include "turn/words.h"

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
    if (!rp_turn_is_automatic(t)) {
        v->claimed = true;
        return;
    }
    if (u->phase == RP_TURN_PAUSED) {
        if (at - u->last < RP_TURN_SAMPLES(t->o.max_silence_ms)) {
            v->claimed = true;
            v->onset = at;
            rp_turn_user_go_on(t);
            return;
        }
        rp_turn_user_close(t);
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
        rp_turn_user_pause(t);
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
    if (rp_str_eq(text, rp_turn_user_words(u)))
        return;
    rp_turn_user_set_words(t, text);
    /* As long as all that is recognised is what the agent is saying, nobody is interrupting it. */
    u->echo =
        rp_turn_user_is_suspicion(t) && rp_turn_is_echo(t, rp_turn_user_words(u), u->onset, true);
    rp_turn_user_show(t);
}

/* The words' need, and what is known of the caller: who was cut off lately, or has paused for long
 * in this turn already, is given more. */
static int32_t need_ms(const struct rp_turn *t)
{
    const struct rp_turn_user *u = &t->user;
    int32_t need =
        rp_endpoint_silence_ms(rp_turn_user_words(u), t->o.min_silence_ms, t->o.max_silence_ms);

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
    if (!failed && !rp_str_eq(rp_str_trim(text), rp_turn_user_words(u))) {
        rp_turn_user_set_words(t, text);
        if (u->phase == RP_TURN_PAUSED)
            rp_turn_user_show(t);
    }
    if (u->phase == RP_TURN_CLOSING) {
        rp_turn_user_finish(t);
    } else if (u->phase == RP_TURN_PAUSED) {
        u->final_have = true;
        u->need_ms = need_ms(t);
        t->changed = true;
    } else if (u->probing && !u->nwords) {
        u->last = RP_MAX(t->voice.voiced, u->onset);
        rp_turn_user_drop(t, RP_TURN_NOTE_NOISE); /* and the rest of this stretch with it */
    } else {
        u->probing = false;
        rp_turn_user_show(t);
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
    rp_turn_user_close(t);
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
        rp_turn_user_split(t);
        t->ptt_pos = t->pos;
    } else if (u->phase == RP_TURN_QUIET) {
        u->phase = RP_TURN_PAUSED;
        u->onset = u->last = t->pos;
    }
    if (!u->open)
        rp_turn_user_open(t);
    if (t->floor)
        rp_turn_floor_cut(t, false);
    rp_turn_user_close(t);
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

    if (rp_turn_is_automatic(t) || down == t->ptt_down || t->ending) {
        rp_turn_note(t, RP_TURN_NOTE_PTT_IGNORED);
        return;
    }
    t->ptt_down = down;
    t->ptt_pos = t->pos;
    if (down || !u->ptt || u->phase != RP_TURN_SPEAKING)
        return;
    u->last = t->pos;
    rp_turn_user_close(t);
}

static void on_hint(struct rp_turn *t, enum rp_turn_event_type type)
{
    if (t->hints_off || !rp_turn_is_automatic(t)) {
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

    if (rp_turn_user_is_suspicion(t)) {
        if (!u->echo && lasted >= RP_TURN_SAMPLES(t->o.min_interrupt_ms) &&
            u->nwords >= (uint32_t)t->o.min_interrupt_words)
            rp_turn_user_open(t);
    } else if (u->nwords || lasted >= RP_TURN_SAMPLES(t->o.min_speech_ms)) {
        rp_turn_user_open(t);
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
        rp_turn_user_split(t);
        t->ptt_down = false;
        rp_turn_user_close(t);
        return;
    }
    if (u->ptt)
        return;
    /* Should audio stop coming, somebody has to look at the clock. */
    (void)rp_turn_due(t, t->now + RP_TURN_US(RP_TURN_HEARTBEAT_MS));
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
        rp_turn_user_ask(t, t->pos, false);
    }
}

static void settle_paused(struct rp_turn *t)
{
    struct rp_turn_user *u = &t->user;

    if (has_been_silent(t, t->o.max_silence_ms)) {
        rp_turn_user_close(t);
    } else if (u->final_have) {
        bool silent = has_been_silent(t, u->need_ms);
        if (has_waited(t, u->need_ms) && silent)
            rp_turn_user_close(t);
    } else if (!u->urgent && has_been_silent(t, t->o.min_silence_ms)) {
        rp_turn_user_hurry(t);
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
    rp_turn_user_finish(t);
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
        rp_turn_user_begin_button(t);
    } else if (!v->claimed && (v->speaking || v->finished)) {
        rp_turn_user_begin_voice(t);
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
