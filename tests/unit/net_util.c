/* Help for tests of net/; see net_util.h. */
#include "net_util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests.h"

void net_latch_add(struct net_latch *l)
{
    (void)pthread_mutex_lock(&l->lock);
    l->count++;
    (void)pthread_cond_broadcast(&l->changed);
    (void)pthread_mutex_unlock(&l->lock);
}

int net_latch_count(struct net_latch *l)
{
    int count;

    (void)pthread_mutex_lock(&l->lock);
    count = l->count;
    (void)pthread_mutex_unlock(&l->lock);
    return count;
}

void net_latch_wait(struct net_latch *l, int count)
{
    struct timespec until;
    int err = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += NET_PATIENCE_S;
    (void)pthread_mutex_lock(&l->lock);
    while (l->count < count && err == 0)
        err = pthread_cond_timedwait(&l->changed, &l->lock, &until);
    (void)pthread_mutex_unlock(&l->lock);
    if (err)
        fail_msg("waited in vain for %d, there are %d", count, l->count);
}

struct rp_loop *net_start(const char *name)
{
    struct rp_loop *l;

    assert_int_equal(rp_loop_new(&l, name), 0);
    assert_int_equal(rp_loop_start(l), 0);
    return l;
}

void net_stop(struct rp_loop *l)
{
    rp_loop_stop(l);
    rp_loop_free(l);
}

struct call {
    struct rp_msg msg;
    void (*fn)(void *arg);
    void *arg;
    struct net_latch latch;
};

static void run_call(struct rp_msg *msg)
{
    struct call *call = RP_CONTAINER_OF(msg, struct call, msg);

    call->fn(call->arg);
    net_latch_add(&call->latch);
}

void net_on(struct rp_loop *l, void (*fn)(void *arg), void *arg)
{
    struct call call = {.fn = fn, .arg = arg, .latch = NET_LATCH_INIT};

    rp_msg_init(&call.msg, run_call);
    rp_loop_post(l, &call.msg);
    net_latch_wait(&call.latch, 1);
    /* The loop may still be inside net_latch_add. */
    (void)pthread_mutex_lock(&call.latch.lock);
    (void)pthread_mutex_unlock(&call.latch.lock);
}

/* So that a broken test ends by itself. */
static int be_impatient(int fd)
{
    struct timeval patience = {.tv_sec = NET_PATIENCE_S};

    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

static int tcp_socket(void)
{
    return be_impatient(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

int net_dial(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = tcp_socket();

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

int net_listen(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    int fd = tcp_socket();

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

int net_accept(int listener)
{
    return be_impatient(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
}

void net_send(int fd, struct rp_str data)
{
    while (data.len) {
        ssize_t n = send(fd, data.p, data.len, MSG_NOSIGNAL);
        if (n <= 0)
            fail_msg("cannot send: %d", errno);
        data = rp_str_from(data, (size_t)n);
    }
}

void net_recv_until(int fd, struct rp_buf *b, const char *tail)
{
    while (!tail || !rp_str_ends(rp_buf_view(b), rp_str_z(tail))) {
        char *at;
        ssize_t n;
        size_t want = tail ? 1 : 65536; /* not a byte beyond the tail */
        assert_int_equal(rp_buf_reserve(b, want, &at), 0);
        n = recv(fd, at, want, 0);
        if (n == 0 && !tail)
            return;
        if (n <= 0)
            fail_msg("no more (%d) after: %s", n ? errno : 0, b->p);
        rp_buf_grew(b, (size_t)n);
    }
}

void net_recv(int fd, struct rp_buf *b, size_t len)
{
    while (len) {
        char *at;
        ssize_t n;
        assert_int_equal(rp_buf_reserve(b, len, &at), 0);
        n = recv(fd, at, len, 0);
        if (n <= 0)
            fail_msg("no more (%d) after: %s", n ? errno : 0, b->p);
        rp_buf_grew(b, (size_t)n);
        len -= (size_t)n;
    }
}

bool net_is_closed(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, 0);

    return n == 0 || (n < 0 && errno != EAGAIN);
}
