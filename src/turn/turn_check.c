/* Invariants of the turn machine's state, for the simulation and the fuzzers. What can be seen from
 * outside, in the actions, is checked there; here is what only the inside knows. */
#include "base/check.h"
#include "turn/turn_int.h"

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return #cond;                                                                          \
    } while (0)

static const char *check_user(const struct rp_turn *t)
{
    const struct rp_turn_user *u = &t->user;

    if (u->phase == RP_TURN_QUIET) {
        CHECK(!u->open && !u->ptt && !u->has_audio && !u->token);
        CHECK(u->words.len == 0 && u->typed.len == 0);
        /* Nothing that should begin a turn is left lying. */
        CHECK(t->ending || rp_turn_floor_protected(t) || t->typed_wait.len == 0);
        CHECK(t->ending || rp_turn_floor_protected(t) || !t->ptt_down);
        CHECK(t->ending || rp_turn_floor_protected(t) || t->voice.claimed ||
              !(t->voice.speaking || t->voice.finished));
        return NULL;
    }
    CHECK(u->has_audio || u->typed.len > 0);
    CHECK(u->onset <= u->last && u->last <= t->pos);
    CHECK(u->phase != RP_TURN_CLOSING || u->token);
    /* Once the caller's turn is open, no turn of the agent is. */
    CHECK(!u->open || !t->floor || !t->floor->started);
    return NULL;
}

static const char *check_asst(const struct rp_turn *t, const struct rp_turn_asst *a)
{
    CHECK(a->number <= t->last_number);
    CHECK(a->base <= a->released && a->released <= a->text.len);
    CHECK(a->text.len <= RP_TURN_TEXT_MAX);
    CHECK(a->heard.stopped_at <= a->heard.sent);
    CHECK(rp_heard_played(&a->heard, t->now) <= a->heard.sent);
    CHECK(a->state != RP_TURN_REQ_NONE);
    CHECK(!a->ended || (a->text_done && a->synth_done && a->heard.sent >= a->total));
    CHECK(a->started || !a->spoke);
    if (a == t->floor) {
        CHECK(!a->interrupted);
        CHECK(!a->started || a->released == a->text.len);
        CHECK(!a->started || rp_list_empty(&a->items));
    } else if (a == t->cut) {
        CHECK(a->interrupted && a->state == RP_TURN_REQ_DONE);
    } else { /* data, waiting for its answer or for the floor */
        CHECK(a->request == RP_TURN_DATA && !a->started && rp_list_empty(&a->items));
        CHECK(a->state == RP_TURN_REQ_OPEN || a->text.len > 0);
    }
    return NULL;
}

static const char *check_sums(const struct rp_turn *t)
{
    size_t bytes = 0;
    unsigned queued = 0, open = 0;

    RP_LIST_EACH(&t->data_queue, struct rp_turn_item, item, node) {
        queued++;
        bytes += item->len;
    }
    for (size_t i = 0; i < RP_COUNT(t->slots); i++) {
        const struct rp_turn_asst *a = &t->slots[i];

        RP_LIST_EACH(&a->items, struct rp_turn_item, item, node)
            bytes += item->len;
        open += a->number && a->request == RP_TURN_DATA && a->state == RP_TURN_REQ_OPEN;
    }
    CHECK(queued == t->data_queued && queued <= RP_TURN_DATA_QUEUE);
    CHECK(bytes == t->waiting_bytes && bytes <= RP_TURN_DATA_MAX);
    CHECK(open <= RP_TURN_DATA_OPEN);
    return NULL;
}

const char *rp_turn_check(const struct rp_turn *t)
{
    const char *wrong = check_user(t);

    if (t->over) {
        CHECK(t->deadline == RP_TURN_NEVER && !t->floor && !t->cut);
        return NULL;
    }
    for (size_t i = 0; i < RP_COUNT(t->slots) && !wrong; i++)
        if (t->slots[i].number)
            wrong = check_asst(t, &t->slots[i]);
    if (!wrong)
        wrong = check_sums(t);
    if (wrong)
        return wrong;
    CHECK(!t->floor || t->floor->number);
    CHECK(!t->cut || (t->cut->number && t->cut != t->floor));
    CHECK(t->deadline > t->now);
    return NULL;
}
