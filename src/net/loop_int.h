/* What the other files of net/ may know of a loop. */
#ifndef RP_NET_LOOP_INT_H
#define RP_NET_LOOP_INT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <uv.h>

#include "net/loop.h"
#include "net/timer_heap.h"

/* One read of a socket, and one TLS record in the clear, at a time: no connection needs memory of
 * its own to read into. */
#define RP_LOOP_READ_SIZE  65536
#define RP_LOOP_PLAIN_SIZE 16384

/* Something that nobody owns any more and that ends by itself, such as a socket that waits for its
 * peer's goodbye. When the loop is freed it is cut short. */
struct rp_goodbye {
    struct rp_node node;
    void (*cut)(struct rp_goodbye *g);
};

struct rp_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t prepare;
    uv_timer_t alarm; /* stands for the earliest timer of the heap */
    struct rp_timer_heap timers;
    struct rp_msg *deferred, **deferred_end; /* a queue */
    struct rp_list goodbyes;
    int64_t now_us;
    int64_t slow_logged_us; /* when a slow callback was last named */
    const char *name;
    pthread_t thread;
    bool has_thread;
    char *read_buf, *plain_buf;

    /* From here on: any thread. */
    _Atomic(struct rp_msg *) inbox; /* a stack, newest first */
    atomic_bool running, stopping;
    atomic_uint_fast64_t iterations, slow_callbacks;
    atomic_int_fast64_t worst_us;
};

/* Every callback from libuv or libcurl is put between these two, which time it. `name` is a
 * literal. */
int64_t rp_loop_enter(struct rp_loop *l);
void rp_loop_leave(struct rp_loop *l, int64_t entered_us, const char *name);

#endif
