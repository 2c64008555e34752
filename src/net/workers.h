/* A bounded pool of threads for work that takes time: recognition, synthesis.
 *
 * Jobs wait in lanes; a lower lane is served only when the higher ones are empty, and one thread at
 * most is ever busy with the last lane, so that interims cannot starve finals. Threads run at lower
 * priority than the loops. Jobs own copies of their input; results go back by message. */
#ifndef RP_NET_WORKERS_H
#define RP_NET_WORKERS_H

#include <stdatomic.h>

#include "net/loop.h"

struct rp_workers;

enum rp_lane {
    RP_LANE_FINAL,     /* final transcripts of live turns */
    RP_LANE_SYNTHESIS, /* speech that somebody waits for */
    RP_LANE_INTERIM,   /* may be late or dropped */
    RP_LANES
};

/* Embedded in the job's own struct. */
struct rp_job {
    struct rp_node node;
    enum rp_lane lane;
    /* On a worker. `worker` is 0 … nthreads-1: engines keep one instance a worker. */
    void (*run)(struct rp_job *job, unsigned worker);
    /* On `loop`, after run, or after cancel (then without run if it had not begun). Here the job
     * may be freed. Always comes exactly once. */
    void (*done)(struct rp_job *job);
    struct rp_loop *loop;
    atomic_bool cancelled; /* long jobs look at it and stop early */
    /* The pool's. */
    struct rp_msg msg;
    struct rp_workers *pool;
    int64_t submitted_us;
};

/* `max_queued` bounds the jobs waiting in each lane; `nthreads` is at least 1. */
int rp_workers_new(struct rp_workers **out, unsigned nthreads, size_t max_queued);
/* Cancels every job, waits for those that run, and ends the threads. `done` of each is posted: free
 * the loops later than the pool. Not from a worker. NULL is harmless. */
void rp_workers_free(struct rp_workers *w);
unsigned rp_workers_count(const struct rp_workers *w);

/* Borrows the job until its `done`. RP_EAGAIN: the lane is full, nothing happens later. Sets
 * `cancelled` to false. Any thread. */
int rp_workers_submit(struct rp_workers *w, struct rp_job *job);
/* Withdraws a job: if it is waiting it will not run. `done` comes all the same, never from inside
 * this call. Any thread, but not once `done` has begun. */
void rp_job_cancel(struct rp_job *job);

struct rp_workers_stats {
    size_t queued[RP_LANES];
    uint64_t done[RP_LANES]; /* jobs that ran */
    int64_t worst_wait_us[RP_LANES];
    unsigned busy;
};
void rp_workers_stats(struct rp_workers *w, struct rp_workers_stats *out); /* any thread */

#endif
