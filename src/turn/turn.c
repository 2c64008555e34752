/* The turn machine: life, dispatch, settling. See turn.h for the contract, turn_int.h for the plan
 * of the files, docs/turns.md for the drawing. */
#include "turn/turn.h"

#include <stdio.h>

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "turn/turn_int.h"

/* Passes of the settling loop that no event can need: each pass that goes on has ended, begun or
 * posted something, and the queues are bounded. */
enum { PASSES_MAX = 1000 };

static const int64_t CLOCK_MAX = (int64_t)1 << 42;

void rp_turn_emit(struct rp_turn *t, const struct rp_turn_action *a)
{
    t->changed = true;
    t->emit(a, t->arg);
}

void rp_turn_note(struct rp_turn *t, enum rp_turn_note note)
{
    t->emit(&(struct rp_turn_action){.type = RP_TURN_DO_NOTE, .note = note}, t->arg);
}

bool rp_turn_due(struct rp_turn *t, int64_t when_us)
{
    if (t->now >= when_us)
        return true;
    t->deadline = RP_MIN(t->deadline, when_us);
    return false;
}

bool rp_turn_due_pos(struct rp_turn *t, int64_t pos)
{
    if (t->pos >= pos)
        return true;
    /* As if audio flowed in real time; if it does not, the question is asked again then. */
    t->deadline = RP_MIN(t->deadline, t->now + ((pos - t->pos) * 1000000 / RP_TURN_RATE) + 1);
    return false;
}

void rp_turn_new_id(struct rp_turn *t, char out[static RP_ID_MAX], const char *prefix)
{
    (void)rp_id_at(out, prefix, t->wall_ms + t->now / 1000, rp_rng_next(&t->rng));
}

int rp_turn_item_add(struct rp_turn *t, struct rp_list *l, struct rp_str json, size_t text_at)
{
    struct rp_turn_item *item;

    if (t->waiting_bytes + json.len > RP_TURN_DATA_MAX)
        return RP_ELIMIT;
    item = rp_zalloc(sizeof(*item) + json.len);
    if (!item)
        return RP_ENOMEM;
    t->waiting_bytes += json.len;
    item->text_at = text_at;
    item->len = json.len;
    if (json.len)
        memcpy(item->json, json.p, json.len);
    rp_list_append(l, &item->node);
    return 0;
}

void rp_turn_items_free(struct rp_turn *t, struct rp_list *l)
{
    RP_LIST_EACH(l, struct rp_turn_item, item, node) {
        t->waiting_bytes -= item->len;
        rp_list_remove(&item->node);
        rp_free(item);
    }
}

int rp_turn_new(struct rp_turn **out, const struct rp_turn_params *p)
{
    struct rp_turn *t = rp_zalloc(sizeof(*t));

    if (!t)
        return RP_ENOMEM;
    t->o = *p->options;
    (void)snprintf(t->texts[0], sizeof(t->texts[0]), "%s", t->o.fallback ? t->o.fallback : "");
    (void)snprintf(t->texts[1], sizeof(t->texts[1]), "%s", t->o.filler ? t->o.filler : "");
    t->o.fallback = t->texts[0];
    t->o.filler = t->texts[1];
    /* Two options that contradict each other: the longer wait wins. */
    t->o.max_silence_ms = RP_MAX(t->o.max_silence_ms, t->o.min_silence_ms);
    t->greeting = p->greeting;
    t->rng.state = p->seed;
    t->wall_ms = p->wall_ms;
    t->deadline = RP_TURN_NEVER;
    t->voice.claimed = true;
    rp_buf_init(&t->user.words, RP_TURN_USER_MAX);
    rp_buf_init(&t->user.typed, RP_TURN_USER_MAX);
    rp_buf_init(&t->typed_wait, RP_TURN_USER_MAX);
    rp_list_init(&t->data_queue);
    for (size_t i = 0; i < RP_COUNT(t->slots); i++) {
        rp_buf_init(&t->slots[i].text, RP_TURN_TEXT_MAX);
        rp_list_init(&t->slots[i].items);
        rp_heard_init(&t->slots[i].heard);
    }
    *out = t;
    return 0;
}

void rp_turn_free(struct rp_turn *t)
{
    if (!t)
        return;
    rp_turn_user_fini(t);
    rp_turn_items_free(t, &t->data_queue);
    for (size_t i = 0; i < RP_COUNT(t->slots); i++) {
        rp_buf_fini(&t->slots[i].text);
        rp_turn_items_free(t, &t->slots[i].items);
        rp_heard_fini(&t->slots[i].heard);
    }
    rp_free(t);
}

void rp_turn_end_session(struct rp_turn *t, enum rp_turn_reason reason)
{
    if (t->ending && reason != RP_TURN_REASON_CLOSED)
        return;
    if (!t->ending)
        t->ending_us = t->now;
    /* A caller who leaves while the agent says goodbye: the first reason stands. */
    if (!t->ending)
        t->reason = reason;
    t->ending = true;
    t->greeting_due = false;
    rp_turn_floor_end_session(t, reason);
    rp_turn_user_end_session(t);
    rp_buf_clear(&t->typed_wait);
    rp_turn_items_free(t, &t->data_queue);
    t->data_queued = 0;
}

/* The last thing ever: when nobody has anything left to say. */
static void end_settle(struct rp_turn *t)
{
    if (t->hung_up && !t->ending)
        rp_turn_end_session(t, RP_TURN_REASON_HANGUP);
    if (!t->ending || t->floor || t->user.phase != RP_TURN_QUIET)
        return;
    rp_turn_cut_done(t, false);
    rp_turn_emit(t, &(struct rp_turn_action){.type = RP_TURN_DO_END_SESSION, .reason = t->reason});
    t->over = true;
    t->deadline = RP_TURN_NEVER;
}

static void settle(struct rp_turn *t)
{
    int passes = 0;

    do {
        RP_ASSERT(passes++ < PASSES_MAX);
        t->changed = false;
        t->deadline = RP_TURN_NEVER;
        rp_turn_user_settle(t);
        rp_turn_floor_settle(t);
        rp_turn_data_settle(t);
        end_settle(t);
    } while (t->changed && !t->over);
}

void rp_turn_step(struct rp_turn *t, const struct rp_turn_event *ev, rp_turn_emit_fn *emit,
                  void *arg)
{
    if (t->over)
        return;
    t->emit = emit;
    t->arg = arg;
    /* Neither goes back, nor beyond what can be multiplied by a million. */
    t->now = RP_MIN(RP_MAX(t->now, ev->now_us), CLOCK_MAX);
    t->pos = RP_MIN(RP_MAX(t->pos, ev->pos), CLOCK_MAX);
    switch (ev->type) {
    case RP_TURN_EV_READY:
        if (!t->ready)
            t->greeting_due = t->greeting != RP_TURN_NO_GREETING && !t->ending;
        t->ready = true;
        break;
    case RP_TURN_EV_TICK:
    case RP_TURN_EV_SPEECH_START:
    case RP_TURN_EV_SPEECH_STOP:
    case RP_TURN_EV_INTERIM:
    case RP_TURN_EV_FINAL:
    case RP_TURN_EV_STT_FAILED:
    case RP_TURN_EV_HINT_START:
    case RP_TURN_EV_HINT_END:
    case RP_TURN_EV_HINT_FAILED:
    case RP_TURN_EV_PTT_START:
    case RP_TURN_EV_PTT_END:
    case RP_TURN_EV_TYPED:
        rp_turn_user_event(t, ev);
        break;
    case RP_TURN_EV_DATA:
    case RP_TURN_EV_AGENT_PLAIN:
        rp_turn_data_event(t, ev);
        break;
    case RP_TURN_EV_AGENT_TEXT:
    case RP_TURN_EV_AGENT_DATA:
    case RP_TURN_EV_AGENT_HANGUP:
    case RP_TURN_EV_AGENT_END:
    case RP_TURN_EV_AGENT_ERROR:
    case RP_TURN_EV_SYNTH_SPAN:
    case RP_TURN_EV_SYNTH_DONE:
    case RP_TURN_EV_SYNTH_FAILED:
    case RP_TURN_EV_AUDIO_SENT:
    case RP_TURN_EV_PLAYED:
        rp_turn_asst_event(t, ev);
        break;
    case RP_TURN_EV_CLOSED:
        rp_turn_end_session(t, RP_TURN_REASON_CLOSED);
        break;
    case RP_TURN_EV_TIME_UP:
        rp_turn_end_session(t, RP_TURN_REASON_TIME_UP);
        break;
    case RP_TURN_EV_COUNT:
        break;
    }
    settle(t);
    t->emit = NULL;
    t->arg = NULL;
}

int64_t rp_turn_deadline_us(const struct rp_turn *t)
{
    return t->deadline;
}

bool rp_turn_wants_audio(const struct rp_turn *t)
{
    return t->user.phase != RP_TURN_CLOSING && !t->ending;
}

bool rp_turn_over(const struct rp_turn *t)
{
    return t->over;
}
