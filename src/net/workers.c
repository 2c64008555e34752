/* The pool of speech workers; see workers.h.
 *
 * One lock guards everything but what a running job touches itself. Jobs take tens of milliseconds,
 * so the lock is never contended in earnest. */
#include "net/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define NICE 5

struct worker {
    struct rp_workers *pool;
    pthread_t thread;
    unsigned index;
    struct rp_job *job; /* guarded by the pool's lock; NULL while it waits */
};

struct rp_workers {
    unsigned nthreads; /* fixed */
    size_t max_queued; /* fixed */
    struct worker *workers;

    pthread_mutex_t lock; /* guards the rest; nothing else is locked under it */
    pthread_cond_t work;
    struct rp_list lanes[RP_LANES];
    size_t queued[RP_LANES];
    unsigned busy, busy_last; /* all, and those with a job of the last lane */
    bool ending;
    uint64_t done[RP_LANES];
    int64_t worst_wait_us[RP_LANES];
};

static void job_is_done(struct rp_msg *msg)
{
    struct rp_job *job = RP_CONTAINER_OF(msg, struct rp_job, msg);

    job->done(job);
}

static void post_done(struct rp_job *job)
{
    rp_msg_init(&job->msg, job_is_done);
    rp_loop_post(job->loop, &job->msg);
}

/* The next job that may be started, out of its lane; NULL: none. Locked. */
static struct rp_job *take_job(struct rp_workers *w)
{
    struct rp_job *job;
    int64_t waited;

    for (int lane = 0; lane < RP_LANES; lane++) {
        if (lane == RP_LANES - 1 && w->busy_last > 0)
            break;
        job = RP_LIST_FIRST(&w->lanes[lane], struct rp_job, node);
        if (!job)
            continue;
        rp_list_remove(&job->node);
        w->queued[lane]--;
        waited = rp_now_us() - job->submitted_us;
        w->worst_wait_us[lane] = RP_MAX(w->worst_wait_us[lane], waited);
        return job;
    }
    return NULL;
}

/* Runs one job. Locked before and after, not while it runs. */
static void run_job(struct worker *self, struct rp_job *job)
{
    struct rp_workers *w = self->pool;
    enum rp_lane lane = job->lane;

    self->job = job;
    w->busy++;
    w->busy_last += lane == RP_LANES - 1;
    (void)pthread_mutex_unlock(&w->lock);

    job->run(job, self->index);

    (void)pthread_mutex_lock(&w->lock);
    w->busy--;
    w->done[lane]++;
    if (lane == RP_LANES - 1) {
        w->busy_last--;
        (void)pthread_cond_signal(&w->work); /* the last lane is open again */
    }
    self->job = NULL;
    post_done(job); /* the last touch: its loop may free it at once */
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct rp_workers *w = self->pool;
    char name[16];

    (void)snprintf(name, sizeof(name), "speech-%u", self->index);
    (void)pthread_setname_np(pthread_self(), name);
    /* On Linux this concerns the calling thread alone. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);

    (void)pthread_mutex_lock(&w->lock);
    while (!w->ending) {
        struct rp_job *job = take_job(w);
        if (job)
            run_job(self, job);
        else
            (void)pthread_cond_wait(&w->work, &w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

int rp_workers_new(struct rp_workers **out, unsigned nthreads, size_t max_queued)
{
    struct rp_workers *w = rp_zalloc(sizeof(*w));
    sigset_t all, before;

    RP_ASSERT(nthreads > 0);
    if (!w)
        return RP_ENOMEM;
    w->workers = rp_calloc(nthreads, sizeof(*w->workers));
    if (!w->workers) {
        rp_free(w);
        return RP_ENOMEM;
    }
    w->max_queued = max_queued;
    for (int lane = 0; lane < RP_LANES; lane++)
        rp_list_init(&w->lanes[lane]);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->work, NULL);

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < nthreads; i++, w->nthreads++) {
        w->workers[i].pool = w;
        w->workers[i].index = i;
        if (pthread_create(&w->workers[i].thread, NULL, worker_main, &w->workers[i]) != 0)
            break;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (w->nthreads < nthreads) {
        rp_workers_free(w);
        return RP_ENOMEM;
    }
    *out = w;
    return 0;
}

void rp_workers_free(struct rp_workers *w)
{
    if (!w)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->ending = true;
    for (int lane = 0; lane < RP_LANES; lane++)
        RP_LIST_EACH(&w->lanes[lane], struct rp_job, job, node) {
            rp_list_remove(&job->node);
            atomic_store(&job->cancelled, true);
            post_done(job);
        }
    for (unsigned i = 0; i < w->nthreads; i++)
        if (w->workers[i].job)
            atomic_store(&w->workers[i].job->cancelled, true);
    (void)pthread_cond_broadcast(&w->work);
    (void)pthread_mutex_unlock(&w->lock);

    for (unsigned i = 0; i < w->nthreads; i++)
        (void)pthread_join(w->workers[i].thread, NULL);
    (void)pthread_cond_destroy(&w->work);
    (void)pthread_mutex_destroy(&w->lock);
    rp_free(w->workers);
    rp_free(w);
}

unsigned rp_workers_count(const struct rp_workers *w)
{
    return w->nthreads;
}

int rp_workers_submit(struct rp_workers *w, struct rp_job *job)
{
    int err = 0;

    RP_ASSERT(job->lane < RP_LANES);
    (void)pthread_mutex_lock(&w->lock);
    if (w->ending || w->queued[job->lane] >= w->max_queued) {
        err = RP_EAGAIN;
    } else {
        job->pool = w;
        job->submitted_us = rp_now_us();
        atomic_store(&job->cancelled, false);
        rp_list_append(&w->lanes[job->lane], &job->node);
        w->queued[job->lane]++;
        (void)pthread_cond_signal(&w->work);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return err;
}

void rp_job_cancel(struct rp_job *job)
{
    struct rp_workers *w = job->pool;

    (void)pthread_mutex_lock(&w->lock);
    atomic_store(&job->cancelled, true);
    if (rp_list_linked(&job->node)) {
        rp_list_remove(&job->node);
        w->queued[job->lane]--;
        post_done(job);
    }
    (void)pthread_mutex_unlock(&w->lock);
}

void rp_workers_stats(struct rp_workers *w, struct rp_workers_stats *out)
{
    *out = (struct rp_workers_stats){0};
    (void)pthread_mutex_lock(&w->lock);
    for (int lane = 0; lane < RP_LANES; lane++) {
        out->queued[lane] = w->queued[lane];
        out->done[lane] = w->done[lane];
        out->worst_wait_us[lane] = w->worst_wait_us[lane];
    }
    out->busy = w->busy;
    (void)pthread_mutex_unlock(&w->lock);
}
