/* Tests of the worker pool: lanes, bounds, cancelling, ending. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/workers.h"
#include "tests.h"

/* A gate that jobs wait at, so that a test decides what runs when. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int waiting;
};

struct fixture {
    struct rp_loop *loop;
    struct rp_workers *pool;
    struct gate gate;
    atomic_int running_last, most_last, ran;
    int done, expected; /* on the loop */
    int order[64];
};

struct test_job {
    struct rp_job job;
    struct fixture *f;
    int number;
    bool ran;
};

static void gate_wait(struct gate *g)
{
    (void)pthread_mutex_lock(&g->lock);
    g->waiting++;
    (void)pthread_cond_broadcast(&g->changed);
    while (!g->open)
        (void)pthread_cond_wait(&g->changed, &g->lock);
    g->waiting--;
    (void)pthread_mutex_unlock(&g->lock);
}

static void gate_open(struct gate *g)
{
    (void)pthread_mutex_lock(&g->lock);
    g->open = true;
    (void)pthread_cond_broadcast(&g->changed);
    (void)pthread_mutex_unlock(&g->lock);
}

static void gate_await(struct gate *g, int waiting)
{
    (void)pthread_mutex_lock(&g->lock);
    while (g->waiting < waiting)
        (void)pthread_cond_wait(&g->changed, &g->lock);
    (void)pthread_mutex_unlock(&g->lock);
}

static void run_at_gate(struct rp_job *job, unsigned worker)
{
    struct test_job *t = RP_CONTAINER_OF(job, struct test_job, job);

    assert_true(worker < rp_workers_count(t->f->pool));
    gate_wait(&t->f->gate);
    t->ran = true;
}

static void run_and_count(struct rp_job *job, unsigned worker)
{
    struct test_job *t = RP_CONTAINER_OF(job, struct test_job, job);
    int last;

    (void)worker;
    if (job->lane == RP_LANE_INTERIM) {
        last = atomic_fetch_add(&t->f->running_last, 1) + 1;
        if (last > atomic_load(&t->f->most_last))
            atomic_store(&t->f->most_last, last);
        (void)sched_yield();
        atomic_fetch_sub(&t->f->running_last, 1);
    }
    t->ran = true;
    atomic_fetch_add(&t->f->ran, 1);
}

static void run_until_cancelled(struct rp_job *job, unsigned worker)
{
    (void)worker;
    gate_wait(&RP_CONTAINER_OF(job, struct test_job, job)->f->gate);
    while (!atomic_load(&job->cancelled))
        (void)sched_yield();
}

static void job_done(struct rp_job *job)
{
    struct test_job *t = RP_CONTAINER_OF(job, struct test_job, job);

    RP_ON_LOOP(t->f->loop);
    t->f->order[t->f->done++ % 64] = t->number;
    if (t->f->done == t->f->expected)
        rp_loop_stop(t->f->loop);
}

static void setup(struct fixture *f, unsigned nthreads, size_t max_queued)
{
    *f = (struct fixture){.gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0}};
    assert_int_equal(rp_loop_new(&f->loop, "test"), 0);
    assert_int_equal(rp_workers_new(&f->pool, nthreads, max_queued), 0);
}

static int submit(struct fixture *f, struct test_job *t, int number, enum rp_lane lane,
                  void (*run)(struct rp_job *job, unsigned worker))
{
    *t = (struct test_job){.f = f, .number = number};
    t->job = (struct rp_job){.lane = lane, .run = run, .done = job_done, .loop = f->loop};
    return rp_workers_submit(f->pool, &t->job);
}

static void lanes_come_in_order(void **state)
{
    struct fixture f;
    struct test_job jobs[7];
    struct rp_workers_stats stats;
    const int expected[] = {0, 5, 6, 3, 4, 1, 2};

    (void)state;
    setup(&f, 1, 2);
    assert_int_equal(submit(&f, &jobs[0], 0, RP_LANE_INTERIM, run_at_gate), 0);
    gate_await(&f.gate, 1);
    for (int i = 1; i <= 6; i++)
        assert_int_equal(
            submit(&f, &jobs[i], i, (enum rp_lane)(RP_LANE_INTERIM - (i - 1) / 2), run_and_count),
            0);
    for (int lane = 0; lane < RP_LANES; lane++) {
        struct test_job extra;
        assert_int_equal(submit(&f, &extra, 9, (enum rp_lane)lane, run_and_count), RP_EAGAIN);
    }
    rp_workers_stats(f.pool, &stats);
    assert_int_equal(stats.busy, 1);
    assert_int_equal(stats.queued[RP_LANE_FINAL], 2);

    f.expected = 7;
    gate_open(&f.gate);
    rp_loop_run(f.loop);
    for (int i = 0; i < 7; i++)
        assert_int_equal(f.order[i], expected[i]);
    rp_workers_stats(f.pool, &stats);
    assert_int_equal(stats.done[RP_LANE_INTERIM], 3);
    rp_workers_free(f.pool);
    rp_loop_free(f.loop);
}

static void one_thread_at_most_for_the_last_lane(void **state)
{
    enum { N = 3000 };
    struct fixture f;
    struct test_job *jobs = rp_calloc(N, sizeof(*jobs));

    (void)state;
    setup(&f, 4, N);
    f.expected = N;
    for (int i = 0; i < N; i++)
        assert_int_equal(
            submit(&f, &jobs[i], i, i % 3 ? RP_LANE_INTERIM : RP_LANE_FINAL, run_and_count), 0);
    rp_loop_run(f.loop);
    assert_int_equal(atomic_load(&f.ran), N);
    assert_int_equal(atomic_load(&f.most_last), 1);
    rp_workers_free(f.pool);
    rp_loop_free(f.loop);
    rp_free(jobs);
}

static void cancelled_jobs_are_done_all_the_same(void **state)
{
    struct fixture f;
    struct test_job waiting, running;

    (void)state;
    setup(&f, 1, 8);
    assert_int_equal(submit(&f, &running, 0, RP_LANE_FINAL, run_until_cancelled), 0);
    gate_await(&f.gate, 1);
    assert_int_equal(submit(&f, &waiting, 1, RP_LANE_FINAL, run_and_count), 0);
    rp_job_cancel(&waiting.job);
    rp_job_cancel(&waiting.job);
    gate_open(&f.gate);
    rp_job_cancel(&running.job);
    f.expected = 2;
    rp_loop_run(f.loop);
    assert_false(waiting.ran);
    assert_int_equal(f.order[0], 1);
    assert_int_equal(f.order[1], 0);
    rp_workers_free(f.pool);
    rp_loop_free(f.loop);
}

static void freeing_cancels_what_waits(void **state)
{
    struct fixture f;
    struct test_job jobs[3];

    (void)state;
    setup(&f, 1, 8);
    assert_int_equal(submit(&f, &jobs[0], 0, RP_LANE_FINAL, run_until_cancelled), 0);
    gate_await(&f.gate, 1);
    assert_int_equal(submit(&f, &jobs[1], 1, RP_LANE_SYNTHESIS, run_and_count), 0);
    assert_int_equal(submit(&f, &jobs[2], 2, RP_LANE_INTERIM, run_and_count), 0);
    gate_open(&f.gate);
    rp_workers_free(f.pool);
    assert_false(jobs[1].ran);
    assert_true(atomic_load(&jobs[1].job.cancelled));
    f.expected = 3;
    rp_loop_run(f.loop);
    assert_int_equal(f.done, 3);
    rp_loop_free(f.loop);
    rp_workers_free(NULL);
}

int test_workers(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_come_in_order),
        cmocka_unit_test(one_thread_at_most_for_the_last_lane),
        cmocka_unit_test(cancelled_jobs_are_done_all_the_same),
        cmocka_unit_test(freeing_cancels_what_waits),
    };
    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
