/* Tests of agent/demo: what it understands, and that it keeps the promises of agent.h. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/demo.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests.h"

struct bench {
    struct rp_loop *loop;
    struct rp_agent *agent;
    struct rp_agent_call *call;
    struct rp_buf trace; /* text joined; |J…|, |P…|, |H| and |E| between */
    int events;
    int act_at; /* event at which `act` runs; 0: never */
    void (*act)(struct bench *b);
    struct rp_timer timer;
};

static int64_t half_past_three(void)
{
    return 1767281400000; /* 2026-01-01T15:30:00Z */
}

static void on_event(struct rp_agent_call *call, const struct rp_agent_event *ev, void *arg)
{
    struct bench *b = arg;

    assert_ptr_equal(call, b->call);
    if (ev->type == RP_AGENT_JSON)
        (void)rp_buf_printf(&b->trace, "|J%.*s|", RP_STR_ARG(ev->text));
    else if (ev->type == RP_AGENT_PLAIN)
        (void)rp_buf_printf(&b->trace, "|P%.*s|", RP_STR_ARG(ev->text));
    else if (ev->type == RP_AGENT_HANGUP)
        (void)rp_buf_z(&b->trace, "|H|");
    else
        (void)rp_buf_str(&b->trace, ev->text);
    if (ev->type == RP_AGENT_END) {
        (void)rp_buf_z(&b->trace, "|E|");
        b->call = NULL;
        rp_loop_stop(b->loop);
    }
    if (++b->events == b->act_at)
        b->act(b);
}

static void open_bench(struct bench *b)
{
    struct rp_agent_demo_params p = {.word_us = 1, .wall_ms = half_past_three};

    *b = (struct bench){.trace = {0}};
    rp_buf_init(&b->trace, 1u << 20);
    assert_int_equal(rp_loop_new(&b->loop, "test"), 0);
    p.loop = b->loop;
    assert_int_equal(rp_agent_demo_open(&b->agent, &p), 0);
}

static void close_bench(struct bench *b)
{
    if (b->agent)
        b->agent->ops->close(b->agent);
    rp_loop_free(b->loop);
    rp_buf_fini(&b->trace);
}

static void ask(struct bench *b, const struct rp_agent_request *req)
{
    rp_buf_clear(&b->trace);
    b->events = 0;
    assert_int_equal(b->agent->ops->request(&b->call, b->agent, req, on_event, b), 0);
    assert_int_equal(b->events, 0); /* never from inside request() */
    rp_loop_run(b->loop);
}

static void it_understands_a_few_wishes(void **state)
{
    static const struct {
        const char *said, *answer;
    } cases[] = {
        {"What time is it?", "It is 3:30 PM.|E|"},
        {"what's the time", "It is 3:30 PM.|E|"},
        {"Could you tell me the time, please?", "It is 3:30 PM.|E|"},
        {"It was the best of times, it was the worst of times.",
         "You said: It was the best of times, it was the worst of times.|E|"},
        {"Goodbye!", "Goodbye. It was nice to talk to you.|H||E|"},
        {"Okay, good bye.", "Goodbye. It was nice to talk to you.|H||E|"},
        {"Bye-bye", "Goodbye. It was nice to talk to you.|H||E|"},
        {"Please hang up now.", "Goodbye. It was nice to talk to you.|H||E|"},
        {"When she said goodbye to them all, nobody moved.",
         "You said: When she said goodbye to them all, nobody moved.|E|"},
        {"the bylaws", "You said: the bylaws|E|"},
        {"Can you send me some data?",
         "Here is some data for you. |J{\"you_said\":\"Can you send me some data?\",\"time\":"
         "\"2026-01-01T15:30:00.000Z\"}|It should be on your screen now.|E|"},
        {"Help.", "I am the demo agent of Riposte. I repeat what you say. You can also ask me for "
                  "the time, ask me to send data, or say goodbye.|E|"},
        {"", "You said: |E|"},
    };
    struct bench b;

    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    open_bench(&b);
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        const struct rp_agent_request req = {
            .type = RP_AGENT_MESSAGE, .turn_id = "t1", .text = rp_str_z(cases[i].said)};
        ask(&b, &req);
        assert_string_equal(b.trace.p, cases[i].answer);
    }
    close_bench(&b);
}

static void it_greets_and_echoes_data(void **state)
{
    struct bench b;

    (void)state;
    open_bench(&b);
    ask(&b, &(struct rp_agent_request){.type = RP_AGENT_WELCOME, .turn_id = "t1"});
    assert_string_equal(b.trace.p,
                        "Hello, this is Riposte. Say something, and I will repeat it.|E|");
    assert_true(b.events > 5); /* word by word */
    ask(&b, &(struct rp_agent_request){
                .type = RP_AGENT_DATA, .turn_id = "t2", .data_json = RP_STR("[1,\"x\"]")});
    assert_string_equal(b.trace.p, "|P{\"echo\":[1,\"x\"]}||E|");
    close_bench(&b);
}

static void cancel_now(struct bench *b)
{
    if (b->call)
        b->agent->ops->cancel(b->call);
    rp_loop_stop(b->loop);
}

static void close_now(struct bench *b)
{
    b->agent->ops->close(b->agent);
    b->agent = NULL;
    rp_loop_stop(b->loop);
}

static void it_may_be_ended_inside_any_event(void **state)
{
    static void (*const acts[])(struct bench *) = {cancel_now, close_now};
    const struct rp_agent_request req = {
        .type = RP_AGENT_MESSAGE, .turn_id = "t1", .text = RP_STR("Bye")};
    struct bench b;

    (void)state;
    for (size_t act = 0; act < RP_COUNT(acts); act++) {
        for (int at = 1; at <= 10; at++) { /* 8 words, HANGUP, END */
            open_bench(&b);
            b.act = acts[act];
            b.act_at = at;
            ask(&b, &req);
            assert_int_equal(b.events, at);
            close_bench(&b);
        }
    }
}

static void resume(struct rp_timer *t)
{
    struct bench *b = RP_CONTAINER_OF(t, struct bench, timer);

    assert_int_equal(b->events, 2); /* nothing came while it paused */
    b->agent->ops->pause(b->call, false);
}

static void pause_for_a_while(struct bench *b)
{
    b->agent->ops->pause(b->call, true);
    rp_timer_start(&b->timer, 20000);
}

static void it_waits_while_paused(void **state)
{
    struct bench b;

    (void)state;
    open_bench(&b);
    rp_timer_init(&b.timer, b.loop, resume);
    b.act = pause_for_a_while;
    b.act_at = 2;
    ask(&b, &(struct rp_agent_request){.type = RP_AGENT_WELCOME, .turn_id = "t1"});
    assert_true(rp_str_ends(rp_buf_view(&b.trace), RP_STR("repeat it.|E|")));
    close_bench(&b);
}

int test_demo(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_understands_a_few_wishes),
        cmocka_unit_test(it_greets_and_echoes_data),
        cmocka_unit_test(it_may_be_ended_inside_any_event),
        cmocka_unit_test(it_waits_while_paused),
    };
    return cmocka_run_group_tests_name("demo", tests, NULL, NULL);
}
