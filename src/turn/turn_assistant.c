/* The agent's turns: one has the floor, and gives out text, data and speech in order.
 *
 *   posted --> withheld --> started --> text_done --> ended --> closed
 *      |      (the caller   (turn.start) (request     (response  (turn.end, when it has
 *      |       speaks)                    done)        .end)      been played)
 *      +------------------------+-- cut: the caller goes on, or interrupts ----> t->cut
 *
 * Nothing but pump() gives out content, and it gives out only what is the floor's. */
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "turn/turn_int.h"
#include "turn/words.h"

static void emit_plain(struct rp_turn *t, struct rp_turn_asst *a, enum rp_turn_action_type type)
{
    rp_turn_emit(t, &(struct rp_turn_action){.type = type, .turn = a->number, .id = a->id});
}

static void emit_text(struct rp_turn *t, struct rp_turn_asst *a, enum rp_turn_action_type type,
                      struct rp_str text)
{
    rp_turn_emit(
        t, &(struct rp_turn_action){.type = type, .turn = a->number, .id = a->id, .text = text});
}

/* The turn's text: all that has gone out, or (if nothing is waiting) all that came. */
static struct rp_str text_of(const struct rp_turn_asst *a)
{
    return rp_str_from(rp_str_first(rp_buf_view(&a->text), a->released), a->base);
}

static bool has_waiting(const struct rp_turn_asst *a)
{
    return a->released < a->text.len || !rp_list_empty(&a->items);
}

static bool has_been_heard(const struct rp_turn *t, const struct rp_turn_asst *a)
{
    return a->synth_done && !has_waiting(a) && rp_heard_played(&a->heard, t->now) >= a->total;
}

/* What of text_of() was heard, for a turn that was cut. */
static struct rp_str heard_of(const struct rp_turn *t, const struct rp_turn_asst *a)
{
    struct rp_str text = text_of(a);

    if (!a->interrupted)
        return text;
    return rp_str_first(text, rp_heard_prefix(&a->heard, text, rp_heard_played(&a->heard, t->now)));
}

/* --- life --------------------------------------------------------------------------------- */

struct rp_turn_asst *rp_turn_asst_new(struct rp_turn *t, enum rp_turn_request request)
{
    unsigned nfree = 0;
    struct rp_turn_asst *a = NULL;

    for (size_t i = 0; i < RP_COUNT(t->slots); i++) {
        if (t->slots[i].number)
            continue;
        nfree++;
        a = &t->slots[i];
    }
    if (!a || (request == RP_TURN_DATA && nfree <= RP_TURN_SLOTS_KEPT))
        return NULL;
    a->number = ++t->last_number;
    a->request = request;
    a->posted_us = a->first_text_us = a->first_audio_us = -1;
    a->start_us = a->alive_us = a->progress_us = t->now;
    rp_turn_new_id(t, a->id, RP_ID_ASSISTANT_TURN);
    return a;
}

struct rp_turn_asst *rp_turn_asst_find(struct rp_turn *t, uint32_t number)
{
    if (number == 0)
        return NULL;
    for (size_t i = 0; i < RP_COUNT(t->slots); i++)
        if (t->slots[i].number == number)
            return &t->slots[i];
    return NULL;
}

static void free_slot(struct rp_turn *t, struct rp_turn_asst *a)
{
    RP_LIST_EACH (&a->items, struct rp_turn_item, item, node) {
        t->waiting_bytes -= item->len;
        rp_list_remove(&item->node);
        rp_free(item);
    }
    rp_buf_fini(&a->text);
    rp_heard_fini(&a->heard);
    if (t->floor == a)
        t->floor = NULL;
    if (t->cut == a)
        t->cut = NULL;
    *a = (struct rp_turn_asst){0};
    rp_buf_init(&a->text, RP_TURN_TEXT_MAX);
    rp_list_init(&a->items);
    rp_heard_init(&a->heard);
    t->changed = true;
}

static void record(struct rp_turn *t, struct rp_turn_asst *a)
{
    struct rp_str heard = heard_of(t, a);

    if (a->request == RP_TURN_DATA && !a->spoke)
        return;
    rp_turn_emit(t,
                 &(struct rp_turn_action){.type = RP_TURN_DO_RECORD,
                                          .turn = a->number,
                                          .id = a->id,
                                          .record = &(struct rp_turn_record){
                                              .text = text_of(a),
                                              .request = a->request,
                                              .heard = heard,
                                              .words_heard = rp_words_count(heard),
                                              .interrupted = a->interrupted,
                                              .failed = a->failed,
                                              .samples_heard = rp_heard_played(&a->heard, t->now),
                                              .posted_us = a->posted_us,
                                              .first_text_us = a->first_text_us,
                                              .first_audio_us = a->first_audio_us,
                                              .start_us = a->start_us,
                                              .end_us = a->end_us}});
}

void rp_turn_asst_close(struct rp_turn *t, struct rp_turn_asst *a)
{
    record(t, a);
    free_slot(t, a);
}

void rp_turn_asst_cancel(struct rp_turn *t, struct rp_turn_asst *a)
{
    if (a->state != RP_TURN_REQ_OPEN)
        return;
    a->state = RP_TURN_REQ_DONE;
    emit_plain(t, a, RP_TURN_DO_CANCEL);
}

/* What was heard of the turn before, for the backend: of a resumed turn, all of the text that it
 * knows under the first turn's id. */
static void tell_interruption(const struct rp_turn *t, struct rp_turn_action *post)
{
    const struct rp_turn_asst *cut = t->cut;

    post->interrupted = true;
    post->other_id = cut->origin[0] ? cut->origin : cut->id;
    post->heard = rp_str_first(rp_buf_view(&cut->text), cut->base + heard_of(t, cut).len);
    post->words_heard = rp_words_count(post->heard);
}

void rp_turn_asst_post(struct rp_turn *t, struct rp_turn_asst *a, struct rp_str text)
{
    struct rp_turn_action post = {.type = RP_TURN_DO_POST,
                                  .turn = a->number,
                                  .id = a->id,
                                  .request = a->request,
                                  .text = text};

    a->state = RP_TURN_REQ_OPEN;
    a->posted_us = a->alive_us = t->now;
    if (a->request == RP_TURN_MESSAGE && t->cut)
        tell_interruption(t, &post);
    rp_turn_emit(t, &post);
}

static void fail(struct rp_turn *t, struct rp_turn_asst *a, const char *code, const char *why)
{
    if (a->failed)
        return;
    a->failed = true;
    (void)snprintf(a->code, sizeof(a->code), "%s", code);
    (void)snprintf(a->why, sizeof(a->why), "%s", why);
    t->changed = true;
}

/* --- giving out --------------------------------------------------------------------------- */

/* Not begun, and the caller is speaking: wait what comes of it. Behind a mere suspicion an answer
 * does not wait for long. */
static bool is_withheld(struct rp_turn *t, const struct rp_turn_asst *a)
{
    if (a->started || t->user.phase == RP_TURN_QUIET)
        return false;
    return t->user.open || !rp_turn_due(t, t->user.begin_us + RP_TURN_US(RP_TURN_HOLD_FIRST_MS));
}

static void start(struct rp_turn *t, struct rp_turn_asst *a)
{
    if (a->started)
        return;
    a->started = true;
    a->start_us = t->now;
    emit_plain(t, a, RP_TURN_DO_TURN_START);
}

static void speak(struct rp_turn *t, struct rp_turn_asst *a, struct rp_str text, bool filler)
{
    if (a->mute)
        return;
    a->spoke = true;
    a->synth_done = false;
    a->progress_us = t->now;
    rp_turn_emit(t, &(struct rp_turn_action){.type = RP_TURN_DO_SPEAK,
                                             .turn = a->number,
                                             .id = a->id,
                                             .text = text,
                                             .text_from = (uint32_t)(a->released - a->base),
                                             .filler = filler});
}

static void give_text(struct rp_turn *t, struct rp_turn_asst *a, size_t to)
{
    struct rp_str text = rp_str_from(rp_str_first(rp_buf_view(&a->text), to), a->released);

    if (text.len == 0)
        return;
    start(t, a);
    emit_text(t, a, RP_TURN_DO_TEXT_DELTA, text);
    speak(t, a, text, false);
    a->released = to;
}

static void give_data(struct rp_turn *t, struct rp_turn_asst *a, struct rp_str json)
{
    start(t, a);
    a->has_data = true;
    emit_text(t, a, RP_TURN_DO_DATA, json);
}

/* Everything that has come, in its order (scene 17). */
static void give_waiting(struct rp_turn *t, struct rp_turn_asst *a)
{
    RP_LIST_EACH (&a->items, struct rp_turn_item, item, node) {
        give_text(t, a, item->text_at);
        give_data(t, a, rp_str_n(item->json, item->len));
        t->waiting_bytes -= item->len;
        rp_list_remove(&item->node);
        rp_free(item);
    }
    give_text(t, a, a->text.len);
}

/* The client is told of a failure; where nothing was said, the fallback line is (scene 18). */
static void give_failure(struct rp_turn *t, struct rp_turn_asst *a)
{
    if (!a->failed || a->told)
        return;
    a->told = true;
    if (t->o.report_errors)
        rp_turn_emit(t, &(struct rp_turn_action){.type = RP_TURN_DO_ERROR,
                                                 .turn = a->number,
                                                 .id = a->id,
                                                 .code = rp_str_z(a->code),
                                                 .text = rp_str_z(a->why)});
    if (a->text.len > 0 || a->request == RP_TURN_DATA || t->ending)
        return;
    if (rp_buf_z(&a->text, t->o.fallback) != 0)
        rp_turn_note(t, RP_TURN_NOTE_NO_MEMORY);
    give_text(t, a, a->text.len);
}

static void pump(struct rp_turn *t, struct rp_turn_asst *a)
{
    give_waiting(t, a);
    if (a->state == RP_TURN_REQ_OPEN || a->text_done)
        return;
    give_failure(t, a);
    a->text_done = true;
    a->progress_us = t->now;
    if (a->spoke && !a->mute)
        emit_plain(t, a, RP_TURN_DO_SPEAK_END);
    a->synth_done |= !a->spoke;
    if (text_of(a).len > 0)
        emit_text(t, a, RP_TURN_DO_TEXT, text_of(a));
}

/* --- the end of a turn -------------------------------------------------------------------- */

static void complete(struct rp_turn *t, struct rp_turn_asst *a)
{
    rp_turn_asst_cancel(t, a);
    if (!a->text_done && a->spoke)
        emit_plain(t, a, RP_TURN_DO_STOP_SPEAKING);
    if (!a->text_done && text_of(a).len > 0)
        emit_text(t, a, RP_TURN_DO_TEXT, text_of(a));
    if (!a->ended)
        emit_plain(t, a, RP_TURN_DO_RESPONSE_END);
    if (a->started)
        emit_plain(t, a, RP_TURN_DO_TURN_END);
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
    if (a->started ? !a->spoke || has_been_heard(t, a) : is_empty) {
        complete(t, a);
        return;
    }
    rp_heard_stop(&a->heard, t->now, INT64_MAX);
    a->interrupted = true;
    a->end_us = t->now;
    t->hung_up |= a->hangup;
    if (a->spoke)
        emit_plain(t, a, RP_TURN_DO_STOP_SPEAKING);
    rp_turn_asst_cancel(t, a);
    if (a->started)
        emit_plain(t, a, RP_TURN_DO_TURN_END);
    rp_turn_cut_done(t, false);
    t->cut = a;
    t->cut_by_voice = by_voice;
    t->floor = NULL;
}

/* What had come of a turn's text and was not heard is spoken as a new turn (scene 7). */
static void resume(struct rp_turn *t, struct rp_turn_asst *cut)
{
    size_t from = cut->base + heard_of(t, cut).len;
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
    record(t, a);
    if (with_resume && !t->ending && !t->floor)
        resume(t, a);
    free_slot(t, a);
}

/* --- events ------------------------------------------------------------------------------- */

static void on_agent(struct rp_turn *t, struct rp_turn_asst *a, const struct rp_turn_event *ev)
{
    a->alive_us = t->now;
    switch (ev->type) {
    case RP_TURN_EV_AGENT_TEXT:
        if (a->first_text_us < 0)
            a->first_text_us = t->now;
        if (rp_buf_str(&a->text, ev->text) == 0)
            break;
        rp_turn_note(t, RP_TURN_NOTE_TEXT_LIMIT);
        rp_turn_asst_cancel(t, a);
        fail(t, a, "answer_too_large", "the answer is longer than we keep");
        break;
    case RP_TURN_EV_AGENT_DATA:
        if (a != t->floor && a->request == RP_TURN_DATA) {
            /* Data waits for nobody; only the speech of such an answer does (scene 16). */
            a->has_data = true;
            emit_text(t, a, RP_TURN_DO_DATA, ev->text);
        } else if (a == t->floor && !is_withheld(t, a)) {
            give_waiting(t, a);
            give_data(t, a, ev->text);
        } else if (t->waiting_bytes + ev->text.len > RP_TURN_DATA_MAX ||
                   rp_turn_item_add(&a->items, ev->text, a->text.len) != 0) {
            rp_turn_note(t, RP_TURN_NOTE_DATA_DROPPED);
        } else {
            t->waiting_bytes += ev->text.len;
        }
        break;
    case RP_TURN_EV_AGENT_HANGUP:
        a->hangup = true;
        break;
    case RP_TURN_EV_AGENT_ERROR:
        fail(t, a, "", "");
        (void)snprintf(a->code, sizeof(a->code), "%.*s", RP_STR_ARG(ev->code));
        (void)snprintf(a->why, sizeof(a->why), "%.*s", RP_STR_ARG(ev->text));
        a->state = RP_TURN_REQ_DONE;
        break;
    default: /* END */
        a->state = RP_TURN_REQ_DONE;
        break;
    }
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
        fail(t, a, "speech_failed", "the answer could not be spoken");
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
            on_agent(t, a, ev);
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
    emit_plain(t, a, RP_TURN_DO_HOLD);
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
    emit_plain(t, a, RP_TURN_DO_RESUME);
}

static void settle_filler(struct rp_turn *t, struct rp_turn_asst *a)
{
    if (a->filled || a->state != RP_TURN_REQ_OPEN || a->text.len > 0 || !t->o.filler[0] ||
        !rp_turn_due(t, a->posted_us + RP_TURN_US(t->o.filler_after_ms)))
        return;
    a->filled = true;
    start(t, a);
    speak(t, a, rp_str_z(t->o.filler), true);
}

static void settle_synth(struct rp_turn *t, struct rp_turn_asst *a)
{
    if (!a->text_done || a->ended)
        return;
    if (a->synth_done && a->heard.sent >= a->total) {
        a->ended = true;
        emit_plain(t, a, RP_TURN_DO_RESPONSE_END);
    } else if (!a->held && rp_turn_due(t, a->progress_us + RP_TURN_US(RP_TURN_SYNTH_MS))) {
        rp_turn_note(t, RP_TURN_NOTE_SYNTH_LATE);
        fail(t, a, "speech_failed", "the answer could not be spoken");
        emit_plain(t, a, RP_TURN_DO_STOP_SPEAKING);
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
    struct rp_str text = text_of(a);
    size_t heard;

    if (!t->ending || t->reason != RP_TURN_REASON_TIME_UP)
        return;
    heard = rp_heard_prefix(&a->heard, text, rp_heard_played(&a->heard, t->now));
    if (heard >= t->last_text && heard < text.len)
        rp_turn_floor_cut(t, false);
    else if (rp_turn_due(t, t->ending_us + RP_TURN_US(RP_TURN_LAST_SENTENCE_MS)))
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
        fail(t, a, "timeout", "the agent gave no sign of life");
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
    if (t->floor && !is_withheld(t, t->floor)) {
        pump(t, t->floor);
        settle_filler(t, t->floor);
    }
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
    return rp_words_within(words, rp_heard_between(&a->heard, text_of(a), first, last), may_be_cut);
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
        t->last_text = sentence_end(
            text_of(a), rp_heard_prefix(&a->heard, text_of(a), rp_heard_played(&a->heard, t->now)));
}
