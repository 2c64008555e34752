/* The event loop: libuv underneath, with our own timers, messages and safe point; see loop.h.
 *
 * One iteration is: callbacks of sockets, messages and timers in whatever order libuv has them;
 * then, as the last thing before the poll, what was deferred meanwhile, and the alarm is set for
 * the earliest timer. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop_int.h"

#define SLOW_LOG_EVERY_US 1000000

/* The loop that this thread is running. */
static _Thread_local const struct rp_loop *current;

int64_t rp_loop_enter(struct rp_loop *l)
{
    l->now_us = rp_now_us();
    return l->now_us;
}

void rp_loop_leave(struct rp_loop *l, int64_t entered_us, const char *name)
{
    int64_t took;

    l->now_us = rp_now_us();
    took = l->now_us - entered_us;
    if (took <= RP_LOOP_SLOW_US)
        return;
    atomic_fetch_add_explicit(&l->slow_callbacks, 1, memory_order_relaxed);
    if (took > atomic_load_explicit(&l->worst_us, memory_order_relaxed))
        atomic_store_explicit(&l->worst_us, took, memory_order_relaxed);
    if (l->slow_logged_us && l->now_us - l->slow_logged_us < SLOW_LOG_EVERY_US)
        return;
    l->slow_logged_us = l->now_us;
    rp_log("loop", RP_LOG_WARN, NULL, "%s: %s held the loop for %lld ms", l->name, name,
           (long long)(took / 1000));
}

static void run_message(struct rp_loop *l, struct rp_msg *msg, const char *kind)
{
    const char *name = msg->name ? msg->name : kind;
    int64_t entered = rp_loop_enter(l);

    msg->fn(msg); /* may free it */
    rp_loop_leave(l, entered, name);
}

/* Runs what was posted before this call. The stack is turned round, so that each poster's messages
 * come in its order. */
static void run_inbox(struct rp_loop *l)
{
    struct rp_msg *newest = atomic_exchange_explicit(&l->inbox, NULL, memory_order_acquire);
    struct rp_msg *oldest = NULL;

    while (newest) {
        struct rp_msg *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct rp_msg *next = oldest->next;
        run_message(l, oldest, "a message");
        oldest = next;
    }
}

static void run_deferred(struct rp_loop *l)
{
    while (l->deferred) {
        struct rp_msg *msg = l->deferred;
        l->deferred = msg->next;
        if (!l->deferred)
            l->deferred_end = &l->deferred;
        run_message(l, msg, "a deferred message");
    }
}

static void on_wake(uv_async_t *wake)
{
    struct rp_loop *l = wake->data;
    /* Read first: what was posted before the wish to stop is then in the inbox. */
    bool stop = atomic_load(&l->stopping);

    run_inbox(l);
    if (stop)
        uv_stop(&l->uv);
}

static void on_alarm(uv_timer_t *alarm)
{
    struct rp_loop *l = alarm->data;
    int64_t now = rp_now_us();

    while (l->timers.root && l->timers.root->due_us <= now) {
        struct rp_timer *t = l->timers.root;
        const char *name = t->name;
        int64_t entered = rp_loop_enter(l);
        rp_timer_stop(t);
        t->fn(t); /* may free it */
        rp_loop_leave(l, entered, name);
    }
}

/* libuv counts its timers in milliseconds of the same clock, rounded down; rounding up here means
 * that the alarm is never early. */
static void set_alarm(struct rp_loop *l)
{
    int64_t due_ms, now_ms;

    if (!l->timers.root) {
        (void)uv_timer_stop(&l->alarm);
        return;
    }
    uv_update_time(&l->uv);
    now_ms = (int64_t)uv_now(&l->uv);
    due_ms = (l->timers.root->due_us + 999) / 1000;
    (void)uv_timer_start(&l->alarm, on_alarm, due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0, 0);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct rp_loop *l = prepare->data;

    atomic_fetch_add_explicit(&l->iterations, 1, memory_order_relaxed);
    run_deferred(l);
    set_alarm(l);
}

static void ignore_sigpipe(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
}

int rp_loop_new(struct rp_loop **out, const char *name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct rp_loop *l = rp_zalloc(sizeof(*l));

    (void)pthread_once(&once, ignore_sigpipe);
    if (!l)
        return RP_ENOMEM;
    l->name = name;
    l->deferred_end = &l->deferred;
    rp_list_init(&l->goodbyes);
    l->read_buf = rp_alloc(RP_LOOP_READ_SIZE);
    l->plain_buf = rp_alloc(RP_LOOP_PLAIN_SIZE);
    if (!l->read_buf || !l->plain_buf || uv_loop_init(&l->uv) != 0)
        goto fail;
    if (uv_async_init(&l->uv, &l->wake, on_wake) != 0) {
        (void)uv_loop_close(&l->uv);
        goto fail;
    }
    /* These two cannot fail. */
    (void)uv_prepare_init(&l->uv, &l->prepare);
    (void)uv_timer_init(&l->uv, &l->alarm);
    l->wake.data = l->prepare.data = l->alarm.data = l;
    (void)uv_prepare_start(&l->prepare, on_prepare);
    l->now_us = rp_now_us();
    *out = l;
    return 0;

fail:
    rp_free(l->read_buf);
    rp_free(l->plain_buf);
    rp_free(l);
    return RP_ENOMEM;
}

void rp_loop_run(struct rp_loop *l)
{
    current = l;
    atomic_store(&l->running, true);
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
    run_deferred(l);
    atomic_store(&l->stopping, false);
    atomic_store(&l->running, false);
    current = NULL;
}

static void *thread_main(void *arg)
{
    struct rp_loop *l = arg;

    (void)pthread_setname_np(pthread_self(), l->name);
    rp_loop_run(l);
    return NULL;
}

int rp_loop_start(struct rp_loop *l)
{
    sigset_t all, before;
    int failed;

    RP_ASSERT(!l->has_thread);
    atomic_store(&l->running, true); /* already for whoever asks rp_loop_here next */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&l->thread, NULL, thread_main, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        atomic_store(&l->running, false);
        return RP_ENOMEM;
    }
    l->has_thread = true;
    return 0;
}

void rp_loop_stop(struct rp_loop *l)
{
    atomic_store(&l->stopping, true);
    (void)uv_async_send(&l->wake);
}

static void assert_closing(uv_handle_t *handle, void *arg)
{
    (void)arg;
    RP_ASSERT(uv_is_closing(handle));
}

void rp_loop_free(struct rp_loop *l)
{
    int err;

    if (!l)
        return;
    if (l->has_thread)
        (void)pthread_join(l->thread, NULL);
    RP_ASSERT(!atomic_load(&l->running));
    /* Sockets that were closed in the last moments report so here, which may defer and post. */
    do {
        run_inbox(l);
        run_deferred(l);
        RP_LIST_EACH(&l->goodbyes, struct rp_goodbye, g, node)
            g->cut(g);
        (void)uv_run(&l->uv, UV_RUN_NOWAIT);
    } while (atomic_load(&l->inbox) || l->deferred);
    RP_ASSERT(!l->timers.root);
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->alarm, NULL);
    uv_walk(&l->uv, assert_closing, NULL);
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
    err = uv_loop_close(&l->uv);
    RP_ASSERT(err == 0);
    rp_free(l->read_buf);
    rp_free(l->plain_buf);
    rp_free(l);
}

bool rp_loop_here(const struct rp_loop *l)
{
    return current == l || !atomic_load(&l->running);
}

void rp_loop_post(struct rp_loop *l, struct rp_msg *msg)
{
    struct rp_msg *newest = atomic_load_explicit(&l->inbox, memory_order_relaxed);

    do {
        msg->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&l->inbox, &newest, msg, memory_order_release,
                                                    memory_order_relaxed));
    /* Whoever put the first message on the empty stack has rung the bell for all. */
    if (!newest)
        (void)uv_async_send(&l->wake);
}

void rp_loop_defer(struct rp_loop *l, struct rp_msg *msg)
{
    RP_ON_LOOP(l);
    msg->next = NULL;
    *l->deferred_end = msg;
    l->deferred_end = &msg->next;
}

void rp_timer_init_named(struct rp_timer *t, struct rp_loop *l, void (*fn)(struct rp_timer *t),
                         const char *name)
{
    *t = (struct rp_timer){.loop = l, .fn = fn, .name = name};
}

void rp_timer_start(struct rp_timer *t, int64_t delay_us)
{
    RP_ON_LOOP(t->loop);
    rp_timer_stop(t);
    t->due_us = rp_now_us() + RP_MAX(delay_us, 0);
    t->armed = true;
    rp_timer_heap_add(&t->loop->timers, t);
}

void rp_timer_stop(struct rp_timer *t)
{
    if (!t->armed)
        return;
    RP_ON_LOOP(t->loop);
    rp_timer_heap_remove(&t->loop->timers, t);
    t->armed = false;
}

int64_t rp_loop_now_us(const struct rp_loop *l)
{
    return l->now_us;
}

void rp_loop_stats(const struct rp_loop *l, struct rp_loop_stats *out)
{
    out->iterations = atomic_load_explicit(&l->iterations, memory_order_relaxed);
    out->slow_callbacks = atomic_load_explicit(&l->slow_callbacks, memory_order_relaxed);
    out->worst_us = atomic_load_explicit(&l->worst_us, memory_order_relaxed);
}
