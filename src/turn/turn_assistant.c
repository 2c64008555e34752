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

void rp_turn_asst_emit(struct rp_turn *t, struct rp_turn_asst *a, enum rp_turn_action_type type)
{
    rp_turn_emit(t, &(struct rp_turn_action){.type = type, .turn = a->number, .id = a->id});
}

void rp_turn_asst_emit_text(struct rp_turn *t, struct rp_turn_asst *a,
                            enum rp_turn_action_type type, struct rp_str text)
{
    rp_turn_emit(
        t, &(struct rp_turn_action){.type = type, .turn = a->number, .id = a->id, .text = text});
}

/* The turn's text: all that has gone out, or (if nothing is waiting) all that came. */
struct rp_str rp_turn_asst_text(const struct rp_turn_asst *a)
{
    return rp_str_from(rp_str_first(rp_buf_view(&a->text), a->released), a->base);
}

static bool has_waiting(const struct rp_turn_asst *a)
{
    return a->released < a->text.len || !rp_list_empty(&a->items);
}

/* To its end so far: all of its audio, or, while the synthesiser has not said that this was all,
 * all of its words. */
bool rp_turn_asst_all_heard(const struct rp_turn *t, const struct rp_turn_asst *a)
{
    int64_t played = rp_heard_played(&a->heard, t->now);
    struct rp_str text = rp_turn_asst_text(a);

    if (has_waiting(a))
        return false;
    if (a->synth_done)
        return played >= a->total;
    return text.len > 0 &&
           !rp_words_any(rp_str_from(text, rp_heard_prefix(&a->heard, text, played)));
}

/* What of rp_turn_asst_text() was heard, for a turn that was cut. */
struct rp_str rp_turn_asst_heard(const struct rp_turn *t, const struct rp_turn_asst *a)
{
    struct rp_str text = rp_turn_asst_text(a);

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

void rp_turn_asst_free(struct rp_turn *t, struct rp_turn_asst *a)
{
    RP_LIST_EACH(&a->items, struct rp_turn_item, item, node) {
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

void rp_turn_asst_record(struct rp_turn *t, struct rp_turn_asst *a)
{
    struct rp_str heard = rp_turn_asst_heard(t, a);

    /* Data without speech, and the rest of a turn that was not begun: nobody knows of these. */
    if ((a->request == RP_TURN_DATA && !a->spoke) ||
        (a->request == RP_TURN_NO_GREETING && !a->started))
        return;
    rp_turn_emit(t,
                 &(struct rp_turn_action){.type = RP_TURN_DO_RECORD,
                                          .turn = a->number,
                                          .id = a->id,
                                          .record = &(struct rp_turn_record){
                                              .text = rp_turn_asst_text(a),
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
    rp_turn_asst_record(t, a);
    rp_turn_asst_free(t, a);
}

void rp_turn_asst_cancel(struct rp_turn *t, struct rp_turn_asst *a)
{
    if (a->state != RP_TURN_REQ_OPEN)
        return;
    a->state = RP_TURN_REQ_DONE;
    rp_turn_asst_emit(t, a, RP_TURN_DO_CANCEL);
}

/* What was heard of the turn before, for the backend: of a resumed turn, all of the text that it
 * knows under the first turn's id. */
static void tell_interruption(const struct rp_turn *t, struct rp_turn_action *post)
{
    const struct rp_turn_asst *cut = t->cut;

    post->interrupted = true;
    post->other_id = cut->origin[0] ? cut->origin : cut->id;
    post->heard = rp_str_first(rp_buf_view(&cut->text), cut->base + rp_turn_asst_heard(t, cut).len);
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

void rp_turn_asst_fail(struct rp_turn *t, struct rp_turn_asst *a, const char *code, const char *why)
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
bool rp_turn_asst_withheld(struct rp_turn *t, const struct rp_turn_asst *a)
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
    rp_turn_asst_emit(t, a, RP_TURN_DO_TURN_START);
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
    rp_turn_asst_emit_text(t, a, RP_TURN_DO_TEXT_DELTA, text);
    speak(t, a, text, false);
    a->released = to;
}

static void give_data(struct rp_turn *t, struct rp_turn_asst *a, struct rp_str json)
{
    start(t, a);
    a->has_data = true;
    rp_turn_asst_emit_text(t, a, RP_TURN_DO_DATA, json);
}

/* Everything that has come, in its order (scene 17). */
static void give_waiting(struct rp_turn *t, struct rp_turn_asst *a)
{
    RP_LIST_EACH(&a->items, struct rp_turn_item, item, node) {
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

/* A slow backend (scene 19): the filler belongs to the turn, not to its text. */
static void give_filler(struct rp_turn *t, struct rp_turn_asst *a)
{
    if (a->filled || a->state != RP_TURN_REQ_OPEN || a->text.len > 0 || !t->o.filler[0] ||
        !rp_turn_due(t, a->posted_us + RP_TURN_US(t->o.filler_after_ms)))
        return;
    a->filled = true;
    start(t, a);
    speak(t, a, rp_str_z(t->o.filler), true);
}

void rp_turn_asst_pump(struct rp_turn *t, struct rp_turn_asst *a)
{
    give_waiting(t, a);
    if (a->state == RP_TURN_REQ_OPEN)
        give_filler(t, a);
    if (a->state == RP_TURN_REQ_OPEN || a->text_done)
        return;
    give_failure(t, a);
    a->text_done = true;
    a->progress_us = t->now;
    if (a->spoke && !a->mute)
        rp_turn_asst_emit(t, a, RP_TURN_DO_SPEAK_END);
    a->synth_done |= !a->spoke;
    if (rp_turn_asst_text(a).len > 0)
        rp_turn_asst_emit_text(t, a, RP_TURN_DO_TEXT, rp_turn_asst_text(a));
}

/* --- events ------------------------------------------------------------------------------- */

void rp_turn_asst_answer(struct rp_turn *t, struct rp_turn_asst *a, const struct rp_turn_event *ev)
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
        rp_turn_asst_fail(t, a, "answer_too_large", "the answer is longer than we keep");
        break;
    case RP_TURN_EV_AGENT_DATA:
        if (a != t->floor && a->request == RP_TURN_DATA) {
            /* Data waits for nobody; only the speech of such an answer does (scene 16). */
            a->has_data = true;
            rp_turn_asst_emit_text(t, a, RP_TURN_DO_DATA, ev->text);
        } else if (a == t->floor && !rp_turn_asst_withheld(t, a)) {
            give_waiting(t, a);
            give_data(t, a, ev->text);
        } else if (rp_turn_item_add(t, &a->items, ev->text, a->text.len) != 0) {
            rp_turn_note(t, RP_TURN_NOTE_DATA_DROPPED);
        }
        break;
    case RP_TURN_EV_AGENT_HANGUP:
        a->hangup = true;
        break;
    case RP_TURN_EV_AGENT_ERROR:
        rp_turn_asst_fail(t, a, "internal_error", "the agent could not be asked");
        if (ev->code.len > 0)
            (void)snprintf(a->code, sizeof(a->code), "%.*s", RP_STR_ARG(ev->code));
        if (ev->text.len > 0)
            (void)snprintf(a->why, sizeof(a->why), "%.*s", RP_STR_ARG(ev->text));
        a->state = RP_TURN_REQ_DONE;
        break;
    default: /* END */
        a->state = RP_TURN_REQ_DONE;
        break;
    }
}
