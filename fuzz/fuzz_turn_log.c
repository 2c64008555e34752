/* A session's event log, from disk: read, written again, and replayed. Whatever events it holds,
 * the turn machine keeps its invariants, gives the same actions twice, and ends when the caller
 * leaves.
 */
#include "base/check.h"
#include "base/err.h"
#include "turn/endpoint.h"
#include "turn/turn_int.h"
#include "turn/turn_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum { /* of the actions, as one number */
    uint64_t hash;
    bool over;
};

static void add(struct sum *s, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        s->hash = (s->hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
}

static void on_action(const struct rp_turn_action *a, void *arg)
{
    struct sum *s = arg;

    RP_ASSERT(!s->over);
    s->over = a->type == RP_TURN_DO_END_SESSION;
    add(s, &a->type, sizeof(a->type));
    add(s, &a->turn, sizeof(a->turn));
    add(s, &a->token, sizeof(a->token));
    add(s, a->text.p, a->text.len);
    add(s, a->heard.p, a->heard.len);
    if (a->id)
        add(s, a->id, strlen(a->id));
    if (a->record)
        RP_ASSERT(a->record->user || rp_str_starts(a->record->text, a->record->heard));
}

static void step(struct rp_turn *t, const struct rp_turn_event *ev, struct sum *s)
{
    rp_turn_step(t, ev, on_action, s);
    RP_ASSERT(!rp_turn_check(t));
    RP_ASSERT(rp_turn_over(t) == s->over);
}

/* RP_EOF or RP_EPROTO; `again`, if not NULL, gets the log as we would write it. */
static int replay(struct rp_str bytes, struct sum *s, struct rp_buf *again)
{
    struct rp_turn_log_reader r;
    struct rp_turn_options o;
    struct rp_turn_params p;
    struct rp_turn_log log;
    struct rp_turn *t;
    struct rp_turn_event ev;
    int err = rp_turn_log_open(&r, bytes, &p, &o);

    if (err)
        return err;
    if (again)
        (void)rp_turn_log_begin(&log, again, &p);
    if (rp_turn_new(&t, &p) != 0)
        return RP_EPROTO;
    while ((err = rp_turn_log_next(&r, &ev)) == 0) {
        int32_t ms = rp_endpoint_silence_ms(ev.text, 100, 200);

        RP_ASSERT(ms >= 100 && ms <= 200);
        if (again)
            (void)rp_turn_log_add(&log, &ev);
        step(t, &ev, s);
    }
    ev = (struct rp_turn_event){.type = RP_TURN_EV_CLOSED, .now_us = r.now_us, .pos = r.pos};
    step(t, &ev, s);
    for (int i = 0; i < 3 && !rp_turn_over(t); i++) {
        ev.type = RP_TURN_EV_TICK;
        ev.now_us += 1000000;
        step(t, &ev, s);
    }
    /* A clock at its very end does not go on; nobody lives to see it. */
    RP_ASSERT(rp_turn_over(t) || ev.now_us > (int64_t)1 << 42);
    rp_turn_free(t);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rp_str bytes = rp_str_n((const char *)data, size);
    struct sum first = {0}, second = {0};
    struct rp_buf again;
    int err;

    rp_buf_init(&again, (size_t)16 << 20);
    err = replay(bytes, &first, &again);
    if (err == RP_EOF && !rp_buf_err(&again)) {
        RP_ASSERT(replay(rp_buf_view(&again), &second, NULL) == RP_EOF);
        RP_ASSERT(first.hash == second.hash);
    }
    rp_buf_fini(&again);
    return 0;
}
