/* Tests of the resolver and of what stands on it, with name servers that are slow, broken or
 * treacherous: this file's getaddrinfo takes the place of the C library's, for libcurl as well. */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/resolve.h"
#include "net_call.h"
#include "net_ws.h"
#include "tests.h"

/*  slow*.test   waits until the gate is open, then 127.0.0.1
 *  two.test     127.0.0.2, then 127.0.0.1
 *  meta.test    127.0.0.1, then 169.254.169.254
 *  nx.test      no such name        again.test   the name server fails
 *  *.test       127.0.0.1                                              */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int asked, waiting; /* for names in .test */
} dns = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

typedef int getaddrinfo_fn(const char *node, const char *service, const struct addrinfo *hints,
                           struct addrinfo **result);

static void wait_at_gate(const char *name)
{
    (void)pthread_mutex_lock(&dns.lock);
    dns.asked++;
    if (strncmp(name, "slow", 4) == 0) {
        dns.waiting++;
        (void)pthread_cond_broadcast(&dns.changed);
        while (!dns.open)
            (void)pthread_cond_wait(&dns.changed, &dns.lock);
        dns.waiting--;
    }
    (void)pthread_mutex_unlock(&dns.lock);
}

static void await_waiting(int n)
{
    (void)pthread_mutex_lock(&dns.lock);
    while (dns.waiting < n)
        (void)pthread_cond_wait(&dns.changed, &dns.lock);
    (void)pthread_mutex_unlock(&dns.lock);
}

static int locked_read(const int *value)
{
    int copy;

    (void)pthread_mutex_lock(&dns.lock);
    copy = *value;
    (void)pthread_mutex_unlock(&dns.lock);
    return copy;
}

static void set_gate(bool open)
{
    (void)pthread_mutex_lock(&dns.lock);
    dns.open = open;
    if (!open)
        dns.asked = 0;
    (void)pthread_cond_broadcast(&dns.changed);
    (void)pthread_mutex_unlock(&dns.lock);
}

/* The library's names are reserved ones.
 * NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    static const struct {
        const char *name, *first, *second;
    } two[] = {{"two.test", "127.0.0.2", "127.0.0.1"}, {"meta.test", "127.0.0.1", "169.254.1.1"}};
    getaddrinfo_fn *real = (getaddrinfo_fn *)dlsym(RTLD_NEXT, "getaddrinfo");
    int err;

    if (!node || !rp_str_ends(rp_str_z(node), RP_STR(".test")))
        return real(node, service, hints, result);
    wait_at_gate(node);
    if (strcmp(node, "nx.test") == 0)
        return EAI_NONAME;
    if (strcmp(node, "again.test") == 0)
        return EAI_AGAIN;
    for (size_t i = 0; i < RP_COUNT(two); i++)
        if (strcmp(node, two[i].name) == 0) {
            err = real(two[i].first, service, hints, result);
            return err ? err : real(two[i].second, service, hints, &(*result)->ai_next);
        }
    return real("127.0.0.1", service, hints, result);
}

static int start(void **state)
{
    static struct net_client c;

    set_gate(false);
    net_client_start(&c);
    *state = &c;
    return 0;
}

static int stop(void **state)
{
    set_gate(true); /* stopping waits for the threads */
    net_client_stop(*state);
    return 0;
}

/* A lookup made from the test's thread. */
struct lookup {
    struct net_client *client;
    const char *name;
    struct rp_lookup *lookup;
    struct rp_resolved result;
    struct net_latch done;
};

static void on_resolved(const struct rp_resolved *result, void *arg)
{
    struct lookup *l = arg;

    RP_ON_LOOP(l->client->loop);
    l->lookup = NULL;
    l->result = *result;
    net_latch_add(&l->done);
}

static void resolve_now(void *arg)
{
    struct lookup *l = arg;

    RP_ASSERT(rp_resolve(&l->lookup, l->client->loop, rp_str_z(l->name), on_resolved, l) == 0);
    RP_ASSERT(net_latch_count(&l->done) == 0);
}

static void cancel_now(void *arg)
{
    struct lookup *l = arg;

    rp_resolve_cancel(l->lookup);
}

static void begin(struct lookup *l, struct net_client *c, const char *name)
{
    const struct net_latch fresh = NET_LATCH_INIT;

    *l = (struct lookup){.client = c, .name = name, .done = fresh};
    net_on(c->loop, resolve_now, l);
}

static int resolve(struct lookup *l, struct net_client *c, const char *name)
{
    begin(l, c, name);
    net_latch_wait(&l->done, 1);
    return l->result.err;
}

static void names_addresses_and_failures(void **state)
{
    struct net_client *c = *state;
    struct lookup l;
    char longest[400];

    assert_int_equal(resolve(&l, c, "127.0.0.1"), 0);
    assert_int_equal(l.result.naddrs, 1);
    assert_int_equal(l.result.addrs[0].v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(resolve(&l, c, "::1"), 0);
    assert_int_equal(l.result.addrs[0].any.sa_family, AF_INET6);
    assert_int_equal(resolve(&l, c, "two.test"), 0);
    assert_int_equal(l.result.naddrs, 2);
    assert_int_equal(resolve(&l, c, "meta.test"), RP_EDENIED);
    assert_int_equal(resolve(&l, c, "169.254.0.1"), RP_EDENIED);
    assert_int_equal(resolve(&l, c, "nx.test"), RP_ENOTFOUND);
    assert_string_equal(l.result.why, "the host name is not known");
    assert_int_equal(resolve(&l, c, "again.test"), RP_EUPSTREAM);
    assert_int_equal(resolve(&l, c, ""), RP_ENOTFOUND);
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(resolve(&l, c, longest), RP_ENOTFOUND);
    /* What was found is remembered, what failed is not. */
    assert_int_equal(locked_read(&dns.asked), 4);
    assert_int_equal(resolve(&l, c, "TWO.test"), 0);
    assert_int_equal(locked_read(&dns.asked), 4);
    assert_int_equal(resolve(&l, c, "again.test"), RP_EUPSTREAM);
    assert_int_equal(locked_read(&dns.asked), 5);
}

static void one_question_for_many(void **state)
{
    struct net_client *c = *state;
    struct lookup l[5];

    for (size_t i = 0; i < RP_COUNT(l); i++)
        begin(&l[i], c, "slow.test");
    await_waiting(1);
    net_on(c->loop, cancel_now, &l[1]);
    set_gate(true);
    for (size_t i = 0; i < RP_COUNT(l); i++)
        if (i != 1) {
            net_latch_wait(&l[i].done, 1);
            assert_int_equal(l[i].result.err, 0);
        }
    assert_int_equal(net_latch_count(&l[1].done), 0);
    assert_int_equal(locked_read(&dns.asked), 1);
}

static void more_names_than_threads(void **state)
{
    enum { N = 100 };
    struct net_client *c = *state;
    struct lookup *l = rp_calloc(N, sizeof(*l));
    char(*names)[16] = rp_calloc(N, sizeof(*names));

    for (int i = 0; i < N; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "slow%d.test", i);
        begin(&l[i], c, names[i]);
    }
    await_waiting(32);
    for (int i = 0; i < N; i += 3) /* some of them running, some waiting */
        net_on(c->loop, cancel_now, &l[i]);
    assert_int_equal(locked_read(&dns.waiting), 32);
    set_gate(true);
    for (int i = 0; i < N; i++)
        if (i % 3)
            net_latch_wait(&l[i].done, 1);
    rp_free(l);
    rp_free(names);
}

/* The case that cost another client 4.8 s of a frozen loop. */
static void a_slow_name_server_holds_nobody_else(void **state)
{
    struct net_client *c = *state;
    struct net_call slow = {.status = 0}, slow_too = {.status = 0}, quick = {.status = 0};
    struct net_ws ws = {.bytes = 0};
    struct rp_buf b;
    uint16_t port;
    int listener = net_listen(&port), fd;
    char url[64];

    net_call_start(&slow, c, "GET", "http://slow.test:1/", rp_str_z(""));
    net_call_start(&slow_too, c, "GET", "http://slow2.test:1/", rp_str_z(""));
    net_ws_connect(&ws, c->loop, "ws://slow.test:1/");
    await_waiting(2);
    (void)snprintf(url, sizeof(url), "http://quick.test:%u/", (unsigned)port);
    net_call_start(&quick, c, "GET", url, rp_str_z(""));
    fd = net_accept(listener);
    rp_buf_init(&b, 65536);
    net_recv_until(fd, &b, "\r\n\r\n");
    net_send(fd, RP_STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    net_latch_wait(&quick.done, 1);
    assert_int_equal(quick.result.err, 0);

    net_call_cancel(&slow); /* returns, though the name server has not */
    net_ws_abort(&ws);
    net_ws_fini(&ws);
    /* Even the client can be closed. */
    {
        struct net_client another;
        struct net_call pending = {.status = 0};
        net_client_start(&another);
        net_call_start(&pending, &another, "GET", "http://slow3.test:1/", rp_str_z(""));
        await_waiting(3);
        net_client_close(&another);
        assert_int_equal(pending.result.err, RP_ECANCELED);
        net_call_fini(&pending);
    }
    set_gate(true);
    net_latch_wait(&slow_too.done, 1);
    assert_int_equal(slow_too.result.err, RP_EUPSTREAM); /* nobody listens on port 1 */
    assert_int_equal(locked_read(&dns.asked), 4);        /* libcurl has not asked by itself */
    rp_buf_fini(&b);
    (void)close(fd);
    (void)close(listener);
    net_call_fini(&slow);
    net_call_fini(&slow_too);
    net_call_fini(&quick);
}

static void the_next_address_is_tried(void **state)
{
    struct net_client *c = *state;
    struct net_call call = {.status = 0};
    struct net_ws ws = {.bytes = 0};
    uint16_t port;
    int listener = net_listen(&port), fd; /* on 127.0.0.1 alone */
    char url[64];

    (void)snprintf(url, sizeof(url), "http://two.test:%u/", (unsigned)port);
    net_call_start(&call, c, "GET", url, rp_str_z(""));
    fd = net_accept(listener);
    net_call_cancel(&call);
    (void)close(fd);
    (void)snprintf(url, sizeof(url), "ws://two.test:%u/", (unsigned)port);
    net_ws_connect(&ws, c->loop, url);
    fd = net_accept(listener);
    net_ws_abort(&ws);
    net_ws_fini(&ws);
    (void)close(fd);
    (void)close(listener);
    net_call_fini(&call);
}

int test_resolve(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_addresses_and_failures, start, stop),
        cmocka_unit_test_setup_teardown(one_question_for_many, start, stop),
        cmocka_unit_test_setup_teardown(more_names_than_threads, start, stop),
        cmocka_unit_test_setup_teardown(a_slow_name_server_holds_nobody_else, start, stop),
        cmocka_unit_test_setup_teardown(the_next_address_is_tried, start, stop),
    };
    return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
