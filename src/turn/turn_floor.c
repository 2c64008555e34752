/* The floor: whose turn may be heard, how it ends, and what of it was heard.
 *
 * At most one turn has it. It is left in good order (complete), or cut because the caller speaks. A
 * turn that was cut stays in t->cut until the next message has told the backend what was heard. */
#include <stdio.h>

#include "base/check.h"
#include "turn/turn_int.h"
#include "turn/words.h"

/* --- the end of a turn -------------------------------------------------------------------- */

static void complete(struct rp_turn *t, struct rp_turn_asst *a)
{
    rp_turn_asst_cancel(t, a);
    if (!a->text_done && a->spoke)
        rp_turn_asst_emit(t, a, RP_TURN_DO_STOP_SPEAKING);
    if (!a->text_done && rp_turn_asst_text(a).len > 0)
        rp_turn_asst_emit_text(t, a, RP_TURN_DO_TEXT, rp_turn_asst_text(a));
    if (!a->ended)
        rp_turn_asst_emit(t, a, RP_TURN_DO_RESPONSE_END);
    if (a->started)
        rp_turn_asst_emit(t, a, RP_TURN_DO_TURN_END);
    a->end_us = t->now;
    t->hung_up |= a->hangup;
    rp_turn_cut_done(t, false);
    /* The client dropped the rest by itself, and said where (scene 21). */
    a->interrupted = rp_heard_played(&a->heard, t->now) < a->total;
    if (!a->interrupted) {
        rp_turn_asst_close(t, a);
        return;
    }
    t->cut = a;
    t->cut_by_voice = false;
    t->floor = NULL;
}

void rp_turn_floor_cut(struct rp_turn *t, bool by_voice)
{
    struct rp_turn_asst *a = t->floor;
    bool is_empty = a->state == RP_TURN_REQ_DONE && a->text.len == 0 && rp_list_empty(&a->items);

    a->held = false;
    if (a->hangup && t->o.hangup_on_barge_in == RP_TURN_HANGUP_CANCEL)
        a->hangup = false;
    if (a->started ? !a->spoke || rp_turn_asst_all_heard(t, a) : is_empty) {
        complete(t, a);
        return;
    }
    rp_heard_stop(&a->heard, t->now, INT64_MAX);
    a->interrupted = true;
    a->end_us = t->now;
    t->hung_up |= a->hangup;
    if (a->spoke)
        rp_turn_asst_emit(t, a, RP_TURN_DO_STOP_SPEAKING);
    rp_turn_asst_cancel(t, a);
    if (a->started)
        rp_turn_asst_emit(t, a, RP_TURN_DO_TURN_END);
    rp_turn_cut_done(t, false);
    t->cut = a;
    t->cut_by_voice = by_voice;
    t->floor = NULL;
}

/* What had come of a turn's text and was not heard is spoken as a new turn (scene 7). */
static void resume(struct rp_turn *t, struct rp_turn_asst *cut)
{
    size_t from = cut->base + rp_turn_asst_heard(t, cut).len;
    struct rp_turn_asst *a;

    while (from < cut->text.len && (unsigned char)cut->text.p[from] <= ' ')
        from++;
    if (!rp_words_any(rp_str_from(rp_buf_view(&cut->text), from)))
        return;
    a = rp_turn_asst_new(t, RP_TURN_NO_GREETING);
    if (!a)
        return;
    a->state = RP_TURN_REQ_DONE;
    a->base = a->released = from;
    (void)snprintf(a->origin, sizeof(a->origin), "%s", cut->origin[0] ? cut->origin : cut->id);
    a->text = cut->text;
    rp_buf_init(&cut->text, RP_TURN_TEXT_MAX);
    t->floor = a;
}

void rp_turn_cut_done(struct rp_turn *t, bool with_resume)
{
    struct rp_turn_asst *a = t->cut;

    if (!a)
        return;
    rp_turn_asst_record(t, a);
    if (with_resume && !t->ending && !t->floor)
        resume(t, a);
    rp_turn_asst_free(t, a);
}

static void on_synth(struct rp_turn *t, struct rp_turn_asst *a, const struct rp_turn_event *ev)
{
    int64_t at = RP_MIN(RP_MAX(ev->at, 0), UINT32_MAX);

    a->progress_us = t->now;
    switch (ev->type) {
    case RP_TURN_EV_SYNTH_SPAN:
        if (rp_heard_word(&a->heard, ev->text_from, ev->text_to, ev->at, ev->end) != 0)
            rp_turn_note(t, RP_TURN_NOTE_NO_MEMORY);
        break;
    case RP_TURN_EV_SYNTH_FAILED:
        a->mute = true;
        rp_turn_asst_fail(t, a, "speech_failed", "the answer could not be spoken");
        a->synth_done = true;
        a->total = at;
        break;
    case RP_TURN_EV_SYNTH_DONE:
        a->synth_done = true;
        a->total = at;
        break;
    default: /* AUDIO_SENT */
        if (a->first_audio_us < 0)
            a->first_audio_us = t->now;
        rp_heard_sent(&a->heard, t->now, at);
        break;
    }
}

static void on_played(struct rp_turn *t, const struct rp_turn_event *ev)
{
    struct rp_turn_asst *a = t->floor && t->floor->started ? t->floor : NULL;

    t->no_reports = false;
    if (ev->text.len > 0 && !(a && rp_str_eq_z(ev->text, a->id)))
        a = t->cut && rp_str_eq_z(ev->text, t->cut->id) ? t->cut : NULL;
    if (!a) {
        rp_turn_note(t, RP_TURN_NOTE_OLD_PLAYBACK);
    } else if (ev->interrupted) {
        rp_heard_stop(&a->heard, t->now, ev->at);
    } else if (a == t->floor) {
        /* "Nothing left" is no position: clients say it early, and often (scene 21). */
        if (ev->at != RP_TURN_FINISHED)
            rp_heard_report(&a->heard, t->now, ev->at);
        a->replayed = a->ended && ev->at >= a->total;
    }
}

void rp_turn_asst_event(struct rp_turn *t, const struct rp_turn_event *ev)
{
    struct rp_turn_asst *a = rp_turn_asst_find(t, ev->turn);

    switch (ev->type) {
    case RP_TURN_EV_PLAYED:
        on_played(t, ev);
        break;
    case RP_TURN_EV_SYNTH_SPAN:
    case RP_TURN_EV_SYNTH_DONE:
    case RP_TURN_EV_SYNTH_FAILED:
    case RP_TURN_EV_AUDIO_SENT:
        if (a && a == t->floor && a->spoke)
            on_synth(t, a, ev);
        else
            rp_turn_note(t, RP_TURN_NOTE_STALE_EVENT);
        break;
    default:
        if (a && a->state == RP_TURN_REQ_OPEN)
            rp_turn_asst_answer(t, a, ev);
        else
            rp_turn_note(t, RP_TURN_NOTE_STALE_EVENT);
        break;
    }
}

/* --- settling ----------------------------------------------------------------------------- */

bool rp_turn_floor_protected(const struct rp_turn *t)
{
    const struct rp_turn_asst *a = t->floor;
    bool greets;

    if (!a || !a->started)
        return false;
    greets = a->request == RP_TURN_WELCOME || a->request == RP_TURN_SESSION_START;
    return !t->o.can_interrupt || (greets && t->o.protect_greeting);
}

void rp_turn_floor_hold(struct rp_turn *t)
{
    struct rp_turn_asst *a = t->floor;

    if (!a->spoke || a->ended || a->held)
        return;
    a->held = true;
    a->held_us = t->now;
    rp_turn_asst_emit(t, a, RP_TURN_DO_HOLD);
}

/* The client lives on its lead meanwhile; it may not run dry over a mere suspicion (scene 6). */
static void settle_hold(struct rp_turn *t, struct rp_turn_asst *a)
{
    int64_t until = a->held_us + RP_TURN_US(RP_TURN_HOLD_FIRST_MS);

    if (!a->held)
        return;
    if (a->heard.sent > 0)
        until = rp_heard_end_us(&a->heard) - RP_TURN_US(RP_TURN_HOLD_MARGIN_MS);
    if (t->user.phase != RP_TURN_QUIET && !rp_turn_due(t, until))
        return;
    a->held = false;
    a->progress_us = t->now;
    rp_turn_asst_emit(t, a, RP_TURN_DO_RESUME);
}

static void settle_synth(struct rp_turn *t, struct rp_turn_asst *a)
{
    if (!a->text_done || a->ended)
        return;
    if (a->synth_done && a->heard.sent >= a->total) {
        a->ended = true;
        rp_turn_asst_emit(t, a, RP_TURN_DO_RESPONSE_END);
    } else if (!a->held && rp_turn_due(t, a->progress_us + RP_TURN_US(RP_TURN_SYNTH_MS))) {
        rp_turn_note(t, RP_TURN_NOTE_SYNTH_LATE);
        rp_turn_asst_fail(t, a, "speech_failed", "the answer could not be spoken");
        rp_turn_asst_emit(t, a, RP_TURN_DO_STOP_SPEAKING);
        a->synth_done = true;
        a->total = a->heard.sent;
    }
}

static void settle_played(struct rp_turn *t, struct rp_turn_asst *a)
{
    int64_t end_us = rp_heard_end_us(&a->heard);

    if (!a->ended)
        return;
    if (a->heard.sent > 0) {
        if (!rp_turn_due(t, end_us))
            return;
        if (!a->replayed && !t->no_reports) {
            if (!rp_turn_due(t, end_us + RP_TURN_US(RP_TURN_REPLAY_GRACE_MS)))
                return;
            t->no_reports = true;
        }
    }
    complete(t, a);
}

/* Time is up: the sentence under way may be finished (scene 23). */
static void settle_last_sentence(struct rp_turn *t, struct rp_turn_asst *a)
{
    struct rp_str text = rp_turn_asst_text(a);
    size_t heard;

    if (!t->ending || t->reason != RP_TURN_REASON_TIME_UP)
        return;
    heard = rp_heard_prefix(&a->heard, text, rp_heard_played(&a->heard, t->now));
    if ((heard >= t->last_text && heard < text.len) ||
        rp_turn_due(t, t->ending_us + RP_TURN_US(RP_TURN_LAST_SENTENCE_MS)))
        rp_turn_floor_cut(t, false);
    else
        (void)rp_turn_due(t, t->now + RP_TURN_US(RP_TURN_POLL_MS));
}

static void settle_requests(struct rp_turn *t)
{
    for (size_t i = 0; i < RP_COUNT(t->slots); i++) {
        struct rp_turn_asst *a = &t->slots[i];

        if (!a->number || a->state != RP_TURN_REQ_OPEN ||
            !rp_turn_due(t, a->alive_us + RP_TURN_US(RP_TURN_AGENT_MS)))
            continue;
        rp_turn_note(t, RP_TURN_NOTE_AGENT_LATE);
        rp_turn_asst_cancel(t, a);
        rp_turn_asst_fail(t, a, "timeout", "the agent gave no sign of life");
    }
}

/* Who speaks next, if nobody does: the greeting, then the oldest data answer with something to say.
 * (An answer to the caller takes the floor when it is posted.) */
static void give_floor(struct rp_turn *t)
{
    struct rp_turn_asst *next = NULL;

    if (t->greeting_due && t->floor && t->floor->request == RP_TURN_MESSAGE)
        t->greeting_due = false; /* the caller was quicker */
    if (t->floor || t->ending)
        return;
    if (t->greeting_due) {
        t->greeting_due = false;
        next = rp_turn_asst_new(t, t->greeting);
        t->floor = next;
        if (next)
            rp_turn_asst_post(t, next, RP_STR(""));
        return;
    }
    if (t->user.phase != RP_TURN_QUIET || !t->voice.claimed)
        return;
    for (size_t i = 0; i < RP_COUNT(t->slots); i++) {
        struct rp_turn_asst *a = &t->slots[i];

        if (a->number && a != t->cut && a->text.len > a->released &&
            (!next || a->number < next->number))
            next = a;
    }
    t->floor = next;
}

void rp_turn_floor_settle(struct rp_turn *t)
{
    settle_requests(t);
    give_floor(t);
    if (t->floor && !rp_turn_asst_withheld(t, t->floor))
        rp_turn_asst_pump(t, t->floor);
    if (t->floor)
        settle_hold(t, t->floor);
    if (t->floor)
        settle_synth(t, t->floor);
    if (t->floor)
        settle_played(t, t->floor);
    if (t->floor)
        settle_last_sentence(t, t->floor);
}

bool rp_turn_is_echo(const struct rp_turn *t, struct rp_str words, int64_t from, bool may_be_cut)
{
    const struct rp_turn_asst *a = t->floor ? t->floor : t->cut_by_voice ? t->cut : NULL;
    int64_t from_us = t->now - ((t->pos - from) * 1000000 / RP_TURN_RATE);
    int64_t first, last;

    if (!a || a->heard.sent == 0)
        return false;
    first = rp_heard_playing(&a->heard, from_us) - RP_TURN_SAMPLES(RP_TURN_ECHO_MS);
    last = rp_heard_played(&a->heard, t->now);
    return rp_words_within(words, rp_heard_between(&a->heard, rp_turn_asst_text(a), first, last),
                           may_be_cut);
}

/* The end of the sentence that is being heard at `from`. */
static size_t sentence_end(struct rp_str text, size_t from)
{
    static const char stops[] = ".!?";
    size_t i = from > 0 ? from - 1 : 0;

    for (; i < text.len; i++) {
        bool is_stop = memchr(stops, text.p[i], sizeof(stops) - 1) != NULL;
        if (is_stop && (i + 1 == text.len || (unsigned char)text.p[i + 1] <= ' '))
            return i + 1;
    }
    return text.len;
}

void rp_turn_floor_end_session(struct rp_turn *t, enum rp_turn_reason reason)
{
    struct rp_turn_asst *a = t->floor;

    for (size_t i = 0; i < RP_COUNT(t->slots); i++) {
        struct rp_turn_asst *other = &t->slots[i];

        if (!other->number)
            continue;
        rp_turn_asst_cancel(t, other);
        if (other != t->floor && other != t->cut)
            rp_turn_asst_close(t, other);
    }
    if (!a)
        return;
    if (reason == RP_TURN_REASON_CLOSED || !a->started)
        rp_turn_floor_cut(t, false);
    else if (reason == RP_TURN_REASON_TIME_UP)
        t->last_text =
            sentence_end(rp_turn_asst_text(a), rp_heard_prefix(&a->heard, rp_turn_asst_text(a),
                                                               rp_heard_played(&a->heard, t->now)));
}
