/* Data requests: they run beside the conversation and interrupt nobody (scene 16).
 *
 * Posted in order, a bounded number at once. Data of an answer goes to the client as it comes;
 * speech waits for the floor, which turn_assistant.c gives to the oldest. */
#include "base/check.h"
#include "base/mem.h"
#include "turn/turn_int.h"

static void on_data(struct rp_turn *t, struct rp_str json)
{
    if (t->ending)
        return;
    if (t->data_queued == RP_TURN_DATA_QUEUE || rp_turn_item_add(t, &t->data_queue, json, 0) != 0) {
        rp_turn_note(t, RP_TURN_NOTE_DATA_DROPPED);
        return;
    }
    t->data_queued++;
}

static void on_plain(struct rp_turn *t, const struct rp_turn_event *ev)
{
    struct rp_turn_asst *a = rp_turn_asst_find(t, ev->turn);

    if (!a || a->state != RP_TURN_REQ_OPEN || a->request != RP_TURN_DATA) {
        rp_turn_note(t, RP_TURN_NOTE_STALE_EVENT);
        return;
    }
    a->alive_us = t->now;
    a->plain = true;
    rp_turn_emit(t, &(struct rp_turn_action){
                        .type = RP_TURN_DO_DATA, .turn = a->number, .id = a->id, .text = ev->text});
}

void rp_turn_data_event(struct rp_turn *t, const struct rp_turn_event *ev)
{
    if (ev->type == RP_TURN_EV_DATA)
        on_data(t, ev->text);
    else
        on_plain(t, ev);
}

/* The answer is complete and has nothing to say. */
static void finish(struct rp_turn *t, struct rp_turn_asst *a)
{
    struct rp_turn_action end = {.type = RP_TURN_DO_RESPONSE_END, .turn = a->number, .id = a->id};

    if (a->failed && t->o.report_errors)
        rp_turn_emit(t, &(struct rp_turn_action){.type = RP_TURN_DO_ERROR,
                                                 .turn = a->number,
                                                 .id = a->id,
                                                 .code = rp_str_z(a->code),
                                                 .text = rp_str_z(a->why)});
    /* Nothing was begun by an empty or plain answer, so nothing ends. */
    if (a->failed || a->has_data)
        rp_turn_emit(t, &end);
    t->hung_up |= a->hangup;
    rp_turn_asst_close(t, a);
}

void rp_turn_data_settle(struct rp_turn *t)
{
    unsigned open = 0;

    for (size_t i = 0; i < RP_COUNT(t->slots); i++) {
        struct rp_turn_asst *a = &t->slots[i];

        if (!a->number || a->request != RP_TURN_DATA)
            continue;
        if (a->state == RP_TURN_REQ_OPEN)
            open++;
        else if (a != t->floor && a != t->cut && a->text.len == 0)
            finish(t, a);
    }
    while (!t->ending && open < RP_TURN_DATA_OPEN && !rp_list_empty(&t->data_queue)) {
        struct rp_turn_item *item = RP_LIST_FIRST(&t->data_queue, struct rp_turn_item, node);
        struct rp_turn_asst *a = rp_turn_asst_new(t, RP_TURN_DATA);

        if (!a)
            return;
        rp_turn_asst_post(t, a, rp_str_n(item->json, item->len));
        open++;
        t->data_queued--;
        t->waiting_bytes -= item->len;
        rp_list_remove(&item->node);
        rp_free(item);
    }
}
