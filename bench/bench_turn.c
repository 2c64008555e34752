/* What the turn machine costs: nanoseconds an event, over a conversation of spoken turns, an answer
 * with word times, and a barge-in, in the mix of events that a call has (mostly ticks and audio).
 *
 *     bench_turn [SESSIONS]      5,000 by default
 *
 * CPU time of one thread. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "turn/turn_int.h"

struct call {
    struct rp_turn *t;
    int64_t now_us, pos, sent;
    uint64_t token;
    uint32_t turn;
    uint64_t events, actions;
};

static void on_action(const struct rp_turn_action *a, void *arg)
{
    struct call *c = arg;

    c->actions++;
    if (a->type == RP_TURN_DO_STT_FINALIZE)
        c->token = a->token;
    if (a->type == RP_TURN_DO_POST)
        c->turn = a->turn;
}

static void step(struct call *c, struct rp_turn_event ev)
{
    ev.now_us = c->now_us;
    ev.pos = c->pos;
    c->events++;
    rp_turn_step(c->t, &ev, on_action, c);
}

/* Time goes on in windows of the detector, with audio of the agent beside it. */
static void run(struct call *c, int ms, bool speaking, bool sending)
{
    for (int at = 0; at < ms; at += 32) {
        c->now_us += 32000;
        c->pos += 512;
        step(c, (struct rp_turn_event){.type = RP_TURN_EV_TICK, .at = speaking ? c->pos : 0});
        if (!sending)
            continue;
        c->sent += 512;
        step(c,
             (struct rp_turn_event){.type = RP_TURN_EV_AUDIO_SENT, .turn = c->turn, .at = c->sent});
    }
}

static void speak_turn(struct call *c)
{
    step(c, (struct rp_turn_event){.type = RP_TURN_EV_SPEECH_START, .at = c->pos - 1600});
    for (size_t i = 0; i < 3; i++) {
        run(c, 500, true, false);
        step(c, (struct rp_turn_event){
                    .type = RP_TURN_EV_INTERIM,
                    .text = rp_str_first(RP_STR("what time is it now"), 4 + (5 * i))});
    }
    step(c, (struct rp_turn_event){.type = RP_TURN_EV_SPEECH_STOP, .at = c->pos - 2000});
    run(c, 100, false, false);
    step(c, (struct rp_turn_event){.type = RP_TURN_EV_FINAL,
                                   .token = c->token,
                                   .text = RP_STR("What time is it now?")});
    run(c, 500, false, false);
}

static void answer(struct call *c)
{
    static const char text[] = "It is a quarter past two in the afternoon. ";

    for (int i = 0; i < 4; i++)
        step(c, (struct rp_turn_event){
                    .type = RP_TURN_EV_AGENT_TEXT, .turn = c->turn, .text = rp_str_z(text)});
    for (uint32_t i = 0; i < 40; i++)
        step(c, (struct rp_turn_event){.type = RP_TURN_EV_SYNTH_SPAN,
                                       .turn = c->turn,
                                       .text_from = i * 4,
                                       .text_to = (i * 4) + 3,
                                       .at = i * 4000,
                                       .end = (i * 4000) + 4000});
    step(c, (struct rp_turn_event){.type = RP_TURN_EV_AGENT_END, .turn = c->turn});
    c->sent = 0;
    run(c, 4000, false, true);
}

int main(int argc, char **argv)
{
    long sessions = argc > 1 ? strtol(argv[1], NULL, 10) : 5000;
    struct rp_turn_options o;
    struct rp_turn_params p = {.options = &o, .greeting = RP_TURN_NO_GREETING};
    struct call c = {0};
    int64_t begin = rp_cpu_us(), spent;

    rp_turn_options_default(&o);
    for (long i = 0; i < sessions; i++) {
        p.seed = (uint64_t)i;
        c.now_us = c.pos = 0;
        if (rp_turn_new(&c.t, &p) != 0)
            abort();
        for (int k = 0; k < 4; k++) { /* each turn but the first cuts the answer before it */
            speak_turn(&c);
            answer(&c);
        }
        step(&c, (struct rp_turn_event){.type = RP_TURN_EV_CLOSED});
        RP_ASSERT(rp_turn_over(c.t));
        rp_turn_free(c.t);
    }
    spent = rp_cpu_us() - begin;
    (void)printf("%.0f ns an event, %.1f million events a second (%llu events, %llu actions); "
                 "%zu bytes a session\n",
                 (double)spent * 1000 / (double)c.events, (double)c.events / (double)spent,
                 (unsigned long long)c.events, (unsigned long long)c.actions,
                 sizeof(struct rp_turn));
    return 0;
}
