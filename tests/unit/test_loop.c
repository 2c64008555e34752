/* Tests of the loop: order of messages, timers against a model, the safe point. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "net/loop.h"
#include "net/timer_heap.h"
#include "tests.h"

static void heap_gives_timers_in_order(void **state)
{
    static struct rp_timer timers[500];
    struct rp_timer_heap heap = {NULL};
    struct rp_rng rng = {7};
    size_t armed = 0;

    (void)state;
    for (size_t i = 0; i < RP_COUNT(timers); i++)
        timers[i] = (struct rp_timer){.armed = false};
    for (int step = 0; step < 100000; step++) {
        struct rp_timer *t = &timers[rp_rng_below(&rng, RP_COUNT(timers))];
        if (t->armed) {
            rp_timer_heap_remove(&heap, t);
            armed--;
        } else {
            t->due_us = (int64_t)rp_rng_below(&rng, 1000);
            rp_timer_heap_add(&heap, t);
            armed++;
        }
        t->armed = !t->armed;
        if (step % 1000 == 0)
            for (size_t i = 0; i < RP_COUNT(timers); i++)
                assert_true(!timers[i].armed || heap.root->due_us <= timers[i].due_us);
    }
    for (int64_t last = 0; heap.root; armed--) {
        assert_true(heap.root->due_us >= last);
        last = heap.root->due_us;
        rp_timer_heap_remove(&heap, heap.root);
    }
    assert_int_equal(armed, 0);
}

/* Messages that a second thread posts, and what the loop saw of them. */
#define NPOSTS 20000
struct post {
    struct rp_msg msg;
    int poster, number;
    struct ledger *ledger;
};
struct ledger {
    struct rp_loop *loop;
    int next[3]; /* by poster */
    int seen;
};
struct poster {
    struct ledger *ledger;
    struct post *posts;
    int index;
};

static void post_arrived(struct rp_msg *msg)
{
    struct post *p = RP_CONTAINER_OF(msg, struct post, msg);

    RP_ON_LOOP(p->ledger->loop);
    assert_int_equal(p->number, p->ledger->next[p->poster]++);
    if (++p->ledger->seen == 3 * NPOSTS)
        rp_loop_stop(p->ledger->loop);
}

static void *post_many(void *arg)
{
    struct poster *p = arg;

    for (int i = 0; i < NPOSTS; i++) {
        p->posts[i] = (struct post){.poster = p->index, .number = i, .ledger = p->ledger};
        rp_msg_init(&p->posts[i].msg, post_arrived);
        rp_loop_post(p->ledger->loop, &p->posts[i].msg);
    }
    return NULL;
}

static void messages_keep_their_order(void **state)
{
    struct ledger ledger = {0};
    struct poster posters[3];
    pthread_t threads[3];

    (void)state;
    assert_int_equal(rp_loop_new(&ledger.loop, "test"), 0);
    assert_true(rp_loop_here(ledger.loop));
    assert_int_equal(rp_loop_start(ledger.loop), 0);
    assert_false(rp_loop_here(ledger.loop));
    for (int i = 0; i < 3; i++) {
        posters[i] = (struct poster){&ledger, rp_calloc(NPOSTS, sizeof(struct post)), i};
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        (void)pthread_join(threads[i], NULL);
    rp_loop_free(ledger.loop);
    assert_int_equal(ledger.seen, 3 * NPOSTS);
    for (int i = 0; i < 3; i++)
        rp_free(posters[i].posts);
}

struct clock_test {
    struct rp_loop *loop;
    struct rp_timer timers[3];
    struct rp_msg msg;
    int order[8], n;
};

static void note(struct clock_test *t, int what)
{
    t->order[t->n++] = what;
}

static void third_fires(struct rp_timer *timer)
{
    struct clock_test *t = RP_CONTAINER_OF(timer, struct clock_test, timers[2]);

    assert_true(rp_now_us() >= timer->due_us);
    note(t, 3);
    rp_loop_stop(t->loop);
}

static void first_fires(struct rp_timer *timer)
{
    struct clock_test *t = RP_CONTAINER_OF(timer, struct clock_test, timers[0]);

    assert_true(rp_now_us() >= timer->due_us);
    assert_false(timer->armed);
    note(t, 1);
    rp_timer_stop(&t->timers[1]); /* due at the same moment, and yet it must not come */
    rp_loop_defer(t->loop, &t->msg);
    note(t, 2);
    rp_timer_start(&t->timers[2], 0);
}

static void never_fires(struct rp_timer *timer)
{
    (void)timer;
    fail_msg("a stopped timer has fired");
}

static void deferred_runs(struct rp_msg *msg)
{
    note(RP_CONTAINER_OF(msg, struct clock_test, msg), 9);
}

static void timers_and_safe_point(void **state)
{
    struct clock_test t = {0};

    (void)state;
    assert_int_equal(rp_loop_new(&t.loop, "test"), 0);
    rp_timer_init(&t.timers[0], t.loop, first_fires);
    rp_timer_init(&t.timers[1], t.loop, never_fires);
    rp_timer_init(&t.timers[2], t.loop, third_fires);
    rp_msg_init(&t.msg, deferred_runs);
    rp_timer_start(&t.timers[1], 3600 * INT64_C(1000000));
    rp_timer_start(&t.timers[2], 3600 * INT64_C(1000000));
    rp_timer_start(&t.timers[0], 2000);
    rp_timer_start(&t.timers[1], 2001); /* re-armed: due with the first, or just after it */
    rp_loop_run(t.loop);
    assert_int_equal(t.n, 4);
    assert_int_equal(t.order[0], 1);
    assert_int_equal(t.order[1], 2);
    /* The deferred message comes after the callback; the third timer may be due at once or not. */
    assert_int_equal(t.order[2] + t.order[3], 12);
    assert_false(t.timers[1].armed);
    rp_loop_free(t.loop);
}

static void slow_fires(struct rp_timer *timer)
{
    struct timespec ts = {.tv_nsec = 2 * RP_LOOP_SLOW_US * 1000};

    (void)nanosleep(&ts, NULL); /* it is the point here to be slow */
    rp_loop_stop(timer->loop);
}

static void slow_callbacks_are_counted(void **state)
{
    struct rp_loop *l;
    struct rp_timer t;
    struct rp_loop_stats stats;

    (void)state;
    assert_int_equal(rp_loop_new(&l, "test"), 0);
    rp_timer_init(&t, l, slow_fires);
    rp_timer_start(&t, 0);
    rp_loop_run(l);
    rp_loop_stats(l, &stats);
    assert_int_equal(stats.slow_callbacks, 1);
    assert_true(stats.worst_us >= 2 * RP_LOOP_SLOW_US);
    assert_true(stats.iterations >= 1);
    rp_loop_free(l);
}

static void lonely_fires(struct rp_msg *msg)
{
    *(int *)(void *)(msg + 1) += 1;
}

static void nothing_posted_is_lost(void **state)
{
    struct {
        struct rp_msg msg;
        int runs;
    } before = {.runs = 0}, after = {.runs = 0};
    struct rp_loop *l;

    (void)state;
    assert_int_equal(rp_loop_new(&l, "test"), 0);
    rp_msg_init(&before.msg, lonely_fires);
    rp_msg_init(&after.msg, lonely_fires);
    rp_loop_post(l, &before.msg);
    rp_loop_stop(l);
    rp_loop_run(l);
    assert_int_equal(before.runs, 1);
    rp_loop_post(l, &after.msg);
    rp_loop_free(l);
    assert_int_equal(after.runs, 1);
    rp_loop_free(NULL);
    for (uint64_t n = 1; n <= 3; n++) {
        rp_mem_fail_after(n);
        assert_int_not_equal(rp_loop_new(&l, "test"), 0);
    }
    rp_mem_fail_after(0);
}

int test_loop(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heap_gives_timers_in_order), cmocka_unit_test(messages_keep_their_order),
        cmocka_unit_test(timers_and_safe_point),      cmocka_unit_test(slow_callbacks_are_counted),
        cmocka_unit_test(nothing_posted_is_lost),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
