/* One event loop and its thread: a shard, or the background loop.
 *
 * A session lives on one loop for life; its functions begin with RP_ON_LOOP. Loops share nothing:
 * whoever wants something from another loop posts a message. A loop never blocks; a callback that
 * holds it longer than 5 ms is counted and named in the log. */
#ifndef RP_NET_LOOP_H
#define RP_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/list.h"

struct rp_loop;

/* A loop that is not running yet. `name` (borrowed, a literal) is the thread's name. The first call
 * makes the process ignore SIGPIPE: a peer that went away is an error code, not a signal. */
int rp_loop_new(struct rp_loop **out, const char *name);
/* Starts its thread, with all signals blocked there. */
int rp_loop_start(struct rp_loop *l);
/* Runs it on the calling thread instead, until rp_loop_stop (tests, the CLI, main). */
void rp_loop_run(struct rp_loop *l);
/* Asks it to stop; any thread. Messages already posted are still run. */
void rp_loop_stop(struct rp_loop *l);
/* Joins the thread if there is one (after rp_loop_stop), runs what is still posted or deferred, and
 * releases the loop. Every socket and timer on it must have been closed or stopped (asserted), but
 * connections that were closed by both sides and only wait for the last packets are cut. NULL is
 * harmless. */
void rp_loop_free(struct rp_loop *l);

/* True on the loop's own thread, and on any thread while it is not running. */
bool rp_loop_here(const struct rp_loop *l);
#define RP_ON_LOOP(l) RP_ASSERT(rp_loop_here(l))

/* Runs `fn(msg)` on the loop soon, in the order of posting (per posting thread). Any thread. Never
 * fails for lack of memory: the caller embeds the message, which must stay alive until `fn` starts;
 * `fn` may free it. A message may be posted again once its `fn` has started. */
struct rp_msg {
    struct rp_msg *next; /* the loop's */
    void (*fn)(struct rp_msg *msg);
    const char *name; /* for the log of slow callbacks; may be NULL */
};
#define rp_msg_init(msg, function) (*(msg) = (struct rp_msg){.fn = (function), .name = #function})
void rp_loop_post(struct rp_loop *l, struct rp_msg *msg);

/* Runs `msg` at the loop's safe point: after the present callback has returned, before the next
 * sleep. For freeing what callers up the stack may still use, and for work that is worth doing once
 * for everything that happened in this iteration. On the loop only. */
void rp_loop_defer(struct rp_loop *l, struct rp_msg *msg);

/* One-shot timers in a heap, embedded in their owner. No callback after stop or after re-arming.
 * They never fire early, and up to a millisecond late when the loop is not busy. */
struct rp_timer {
    struct rp_loop *loop;
    void (*fn)(struct rp_timer *t);
    const char *name;                     /* of fn */
    int64_t due_us;                       /* on rp_now_us()'s clock; valid while armed */
    struct rp_timer *child, *next, *prev; /* the loop's heap */
    bool armed;
};
#define rp_timer_init(t, l, function) rp_timer_init_named((t), (l), (function), #function)
void rp_timer_init_named(struct rp_timer *t, struct rp_loop *l, void (*fn)(struct rp_timer *t),
                         const char *name);
/* Arms or re-arms; a negative delay is 0. On the loop only. */
void rp_timer_start(struct rp_timer *t, int64_t delay_us);
/* Harmless when it is not armed. On the loop only. */
void rp_timer_stop(struct rp_timer *t);

/* Time as of the current callback, on rp_now_us()'s clock. On the loop only. */
int64_t rp_loop_now_us(const struct rp_loop *l);

#define RP_LOOP_SLOW_US 5000

struct rp_loop_stats {
    uint64_t iterations;
    uint64_t slow_callbacks; /* over RP_LOOP_SLOW_US */
    int64_t worst_us;
};
/* Any thread. */
void rp_loop_stats(const struct rp_loop *l, struct rp_loop_stats *out);

#endif
