/* Help for tests of net/: waiting across threads, loops with threads, plain blocking sockets. */
#ifndef RP_NET_UTIL_H
#define RP_NET_UTIL_H

#include <pthread.h>

#include "base/buf.h"
#include "net/loop.h"

/* Nothing here takes so long unless it is broken; then the test fails instead of hanging. */
#define NET_PATIENCE_S 60

/* A counter that one thread raises and another waits for. */
struct net_latch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
};
#define NET_LATCH_INIT                                                                             \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                                     \
    }
void net_latch_add(struct net_latch *l);
int net_latch_count(struct net_latch *l);
/* Until the count is at least `count`. */
void net_latch_wait(struct net_latch *l, int count);

/* A loop that runs on a thread of its own; net_stop ends and frees it. */
struct rp_loop *net_start(const char *name);
void net_stop(struct rp_loop *l);
/* Runs `fn(arg)` on the loop and waits for it. */
void net_on(struct rp_loop *l, void (*fn)(void *arg), void *arg);

/* A connected, blocking socket. */
int net_dial(uint16_t port);
/* A listening socket, and the next connection to it. */
int net_listen(uint16_t *port);
int net_accept(int listener);
void net_send(int fd, struct rp_str data);
/* Reads until the buffer ends in `tail` or, for NULL, until the end of the stream. */
void net_recv_until(int fd, struct rp_buf *b, const char *tail);
/* Reads exactly `len` more bytes. */
void net_recv(int fd, struct rp_buf *b, size_t len);
/* True once the peer has closed, in order or not. */
bool net_is_closed(int fd);

#endif
