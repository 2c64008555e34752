/* Tests of the HTTP client against our own server, and against a peer that the test plays itself,
 * byte by byte. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/resolve.h"
#include "net_call.h"
#include "net_server.h"
#include "tests.h"

struct peer {
    struct net_client client;
    int listener;
    uint16_t port;
    char url[64];
};

static int start(void **state)
{
    static struct peer p;

    net_client_start(&p.client);
    p.listener = net_listen(&p.port);
    (void)snprintf(p.url, sizeof(p.url), "http://127.0.0.1:%u/x?y=z", (unsigned)p.port);
    *state = &p;
    return 0;
}

static int stop(void **state)
{
    struct peer *p = *state;

    net_client_stop(&p->client);
    (void)close(p->listener);
    return 0;
}

/* Takes the next connection and reads a request without a body. */
static int take_request(struct peer *p)
{
    struct rp_buf b;
    int fd = net_accept(p->listener);

    rp_buf_init(&b, 65536);
    net_recv_until(fd, &b, "\r\n\r\n");
    rp_buf_fini(&b);
    return fd;
}

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

static void talks_to_our_server(void **state)
{
    struct net_server s = {.ping_every_us = 0};
    struct net_client c;
    struct net_call call = {.status = 0}, again = {.status = 0};
    char *body = rp_alloc(90000), url[64];

    (void)state;
    net_server_start(&s, (struct rp_http_server_params){.port = 0});
    net_client_start(&c);
    memset(body, 'b', 90000);
    (void)snprintf(url, sizeof(url), "http://localhost:%u/echo", (unsigned)s.port);
    net_call_run(&call, &c, "POST", url, rp_str_n(body, 90000));
    assert_int_equal(call.result.err, 0);
    assert_int_equal(call.result.status, 200);
    assert_int_equal(call.status, 200);
    assert_string_equal(call.type, "text/plain");
    assert_int_equal(call.body.len, 90000);
    assert_int_equal(call.result.received, 90000);
    assert_memory_equal(call.body.p, body, 90000);
    assert_false(call.result.timing.reused);
    assert_in_range(call.result.timing.connected, call.result.timing.resolved, INT32_MAX);
    assert_in_range(call.result.timing.sent, call.result.timing.connected, INT32_MAX);
    assert_in_range(call.result.timing.first_byte, call.result.timing.sent, INT32_MAX);
    assert_in_range(call.result.timing.done, call.result.timing.first_byte, INT32_MAX);
    net_call_fini(&call);

    (void)snprintf(url, sizeof(url), "http://localhost:%u/stream?3", (unsigned)s.port);
    net_call_run(&again, &c, "GET", url, rp_str_z(""));
    assert_string_equal(again.body.p, "chunk 0\nchunk 1\nchunk 2\n");
    assert_true(again.result.timing.reused);
    net_call_fini(&again);
    net_client_stop(&c);
    net_server_stop(&s);
    rp_free(body);
}

static void sends_these_bytes(void **state)
{
    static const char *const headers[] = {"Content-Type: application/json",
                                          "X-Empty:", "X-Signature: t=1,v1=ab"};
    static const struct {
        const char *method, *body, *expected;
    } cases[] = {
        {"POST", "{}",
         "POST /x?y=z HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: riposte/" RP_VERSION
         "\r\nAccept: */*\r\nContent-Type: application/json\r\nX-Empty:\r\n"
         "X-Signature: t=1,v1=ab\r\nContent-Length: 2\r\n\r\n{}"},
        {"POST", "",
         "POST /x?y=z HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: riposte/" RP_VERSION
         "\r\nAccept: */*\r\nContent-Type: application/json\r\nX-Empty:\r\n"
         "X-Signature: t=1,v1=ab\r\nContent-Length: 0\r\n\r\n"},
        {"PUT", "text",
         "PUT /x?y=z HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: riposte/" RP_VERSION
         "\r\nAccept: */*\r\nContent-Type: application/json\r\nX-Empty:\r\n"
         "X-Signature: t=1,v1=ab\r\nContent-Length: 4\r\n\r\ntext"},
        {"GET", "",
         "GET /x?y=z HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: riposte/" RP_VERSION
         "\r\nAccept: */*\r\nContent-Type: application/json\r\nX-Empty:\r\n"
         "X-Signature: t=1,v1=ab\r\n\r\n"},
    };
    struct peer *p = *state;

    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct net_call call = {.params = {.headers = headers, .nheaders = RP_COUNT(headers)}};
        struct rp_buf got;
        char *port, text[8];
        int fd;

        net_call_start(&call, &p->client, cases[i].method, p->url, rp_str_z(cases[i].body));
        fd = net_accept(p->listener);
        rp_buf_init(&got, 65536);
        (void)snprintf(text, sizeof(text), "%u", (unsigned)p->port);
        net_recv(fd, &got, strlen(cases[i].expected) - 4 + strlen(text));
        port = strstr(got.p, text);
        assert_non_null(port);
        assert_memory_equal(got.p, cases[i].expected, (size_t)(port - got.p));
        assert_string_equal(port + strlen(text), strstr(cases[i].expected, "PORT") + 4);
        net_send(fd, RP_STR("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"));
        net_latch_wait(&call.done, 1);
        assert_int_equal(call.result.err, 0);
        assert_int_equal(call.result.status, 204);
        rp_buf_fini(&got);
        net_call_fini(&call);
        (void)close(fd);
    }
}

static void hands_over_bytes_as_they_come(void **state)
{
    struct peer *p = *state;
    struct net_call call = {.status = 0};
    int fd;

    net_call_start(&call, &p->client, "GET", p->url, rp_str_z(""));
    fd = take_request(p);
    net_send(fd, RP_STR("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"));
    net_send(fd, RP_STR(OK_HEAD));
    net_latch_wait(&call.headers, 1);
    assert_int_equal(call.status, 200);
    assert_string_equal(call.type, "text/event-stream");
    for (int i = 1; i <= 20; i++) {
        net_send(fd, RP_STR("d"));
        net_latch_wait(&call.data, i); /* each, before the next is sent */
    }
    (void)close(fd);
    net_latch_wait(&call.done, 1);
    assert_int_equal(call.result.err, 0);
    assert_int_equal(call.result.received, 20);
    net_call_fini(&call);
}

static void cancels_in_every_state(void **state)
{
    enum { AT_ONCE, CONNECTED, IN_HEADERS, BETWEEN, IN_DATA, PAUSED, STATES };
    struct peer *p = *state;

    for (int at = AT_ONCE; at < STATES; at++) {
        struct net_call call = {.cancel_in_headers = at == IN_HEADERS,
                                .cancel_in_data = at == IN_DATA,
                                .pause_in_headers = at == PAUSED};
        int fd = -1;
        call.victim = &call;
        net_call_start(&call, &p->client, "GET", p->url, rp_str_z(""));
        if (at == AT_ONCE) {
            net_call_cancel(&call);
            net_call_fini(&call);
            continue;
        }
        fd = take_request(p);
        if (at == CONNECTED)
            net_call_cancel(&call);
        else
            net_send(fd, RP_STR(OK_HEAD));
        if (at == BETWEEN || at == PAUSED) {
            net_latch_wait(&call.headers, 1);
            net_send(fd, RP_STR("data"));
            if (at == BETWEEN)
                net_latch_wait(&call.data, 1);
            net_call_cancel(&call);
        }
        if (at == IN_DATA)
            net_send(fd, RP_STR("data"));
        assert_true(net_is_closed(fd)); /* at once, though neither side has finished */
        if (at == IN_HEADERS || at == IN_DATA)
            net_latch_wait(&call.done, 1);
        assert_int_equal(net_latch_count(&call.data), at == BETWEEN || at == IN_DATA);
        (void)close(fd);
        net_call_fini(&call);
    }
}

static void cancels_another_call(void **state)
{
    struct peer *p = *state;
    struct net_call victim = {.status = 0}, call = {.cancel_in_data = true, .victim = &victim};
    int fd, victim_fd;

    net_call_start(&victim, &p->client, "GET", p->url, rp_str_z(""));
    victim_fd = take_request(p);
    net_call_start(&call, &p->client, "GET", p->url, rp_str_z(""));
    fd = take_request(p);
    net_send(fd, RP_STR("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndata"));
    net_latch_wait(&call.done, 1);
    assert_int_equal(call.result.err, 0);
    assert_true(net_is_closed(victim_fd));
    (void)close(fd);
    (void)close(victim_fd);
    net_call_fini(&call);
    net_call_fini(&victim);
}

static void starts_one_when_another_ends(void **state)
{
    struct peer *p = *state;
    struct net_call second = {.status = 0}, first = {.next = &second};
    int fd;

    net_call_init(&second, "GET", p->url, rp_str_z(""));
    net_call_start(&first, &p->client, "GET", p->url, rp_str_z(""));
    fd = take_request(p);
    net_send(fd, RP_STR("HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"));
    net_latch_wait(&first.done, 1);
    assert_int_equal(first.result.status, 302); /* which is not followed */
    /* The second comes over the same connection. */
    {
        struct rp_buf b;
        rp_buf_init(&b, 65536);
        net_recv_until(fd, &b, "\r\n\r\n");
        assert_memory_equal(b.p, "GET /x?y=z ", 11);
        rp_buf_fini(&b);
    }
    net_send(fd, RP_STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    net_latch_wait(&second.done, 1);
    assert_true(second.result.timing.reused);
    (void)close(fd);
    net_call_fini(&first);
    net_call_fini(&second);
}

static void tries_again_when_the_pooled_connection_is_dead(void **state)
{
    struct peer *p = *state;
    struct net_call first = {.status = 0}, second = {.status = 0};
    struct rp_buf b;
    int fd;

    net_call_start(&first, &p->client, "GET", p->url, rp_str_z(""));
    fd = take_request(p);
    net_send(fd, RP_STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    net_latch_wait(&first.done, 1);
    net_call_start(&second, &p->client, "POST", p->url, RP_STR("body"));
    rp_buf_init(&b, 65536);
    net_recv_until(fd, &b, "body");
    (void)close(fd); /* just as it asks: no answer ever came on this one */
    fd = net_accept(p->listener);
    rp_buf_clear(&b);
    net_recv_until(fd, &b, "body");
    net_send(fd, RP_STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    net_latch_wait(&second.done, 1);
    assert_int_equal(second.result.err, 0);
    (void)close(fd);
    rp_buf_fini(&b);
    net_call_fini(&first);
    net_call_fini(&second);
}

static void gives_up_in_time(void **state)
{
    struct peer *p = *state;
    struct {
        struct rp_http_call_params params;
        const char *send;
        const char *why;
        bool tls;
    } cases[] = {
        {{.connect_timeout_us = 20000}, "", "timed out while connecting", true},
        {{.first_byte_timeout_us = 20000}, "", "timed out while waiting for the answer", false},
        {{.idle_timeout_us = 20000}, OK_HEAD "x", "timed out while receiving the answer", false},
        {{.first_byte_timeout_us = 20000},
         "HTTP/1.1 2",
         "timed out while waiting for the answer",
         false},
        {{.idle_timeout_us = 20000},
         "HTTP/1.1 200 OK\r\nX: ",
         "timed out while receiving the answer",
         false},
        {{.total_timeout_us = 20000},
         OK_HEAD,
         "timed out while waiting for the whole of it",
         false},
    };

    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct net_call call = {.params = cases[i].params};
        char url[64];
        int fd;
        (void)snprintf(url, sizeof(url), "%s://127.0.0.1:%u/", cases[i].tls ? "https" : "http",
                       (unsigned)p->port);
        /* What is not under test must not come first. */
        if (!cases[i].tls && !call.params.first_byte_timeout_us)
            call.params.first_byte_timeout_us = NET_PATIENCE_S * INT64_C(1000000);
        net_call_start(&call, &p->client, "GET", url, rp_str_z(""));
        fd = cases[i].tls ? net_accept(p->listener) : take_request(p);
        net_send(fd, rp_str_z(cases[i].send));
        net_latch_wait(&call.done, 1);
        assert_int_equal(call.result.err, RP_ETIMEOUT);
        assert_string_equal(call.why, cases[i].why);
        (void)close(fd);
        net_call_fini(&call);
    }
}

static void refuses_link_local_addresses(void **state)
{
    static const char *const urls[] = {
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.1.1]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://[fd00:ec2::254]/",
    };
    static const char *const bad[] = {"ftp://a/", "ws://a/",     "http://",
                                      "a",        "http://a b/", "http://2852039166/"};
    struct peer *p = *state;

    for (size_t i = 0; i < RP_COUNT(urls); i++) {
        struct net_call call = {.status = 0};
        net_call_run(&call, &p->client, "GET", urls[i], rp_str_z(""));
        assert_int_equal(call.result.err, RP_EDENIED);
        assert_non_null(strstr(call.why, "link-local"));
        net_call_fini(&call);
    }
    for (size_t i = 0; i < RP_COUNT(bad); i++) {
        struct net_call call = {.status = 0};
        net_call_start(&call, &p->client, "GET", bad[i], rp_str_z(""));
        assert_int_equal(call.started, RP_EINVAL);
        net_call_fini(&call);
    }
}

static void refuses_bad_headers(void **state)
{
    static const char *const bad[] = {"X: a\r\nY: b", "X: a\nY: b", "no colon", ": v", "X y: v"};
    struct peer *p = *state;

    for (size_t i = 0; i < RP_COUNT(bad); i++) {
        struct net_call call = {.params = {.headers = &bad[i], .nheaders = 1}};
        net_call_start(&call, &p->client, "GET", p->url, rp_str_z(""));
        assert_int_equal(call.started, RP_EINVAL);
        net_call_fini(&call);
    }
}

static void reports_broken_peers(void **state)
{
    static const struct {
        const char *answer;
        int err, status;
    } cases[] = {
        {"", RP_EUPSTREAM, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", RP_EUPSTREAM, 200},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", RP_EUPSTREAM, 200},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", RP_EUPSTREAM, 200},
        {"SSH-2.0-OpenSSH\r\n", RP_EUPSTREAM, 0},
        {"HTTP/1.1 200 OK\r\n\r\n12345678901", RP_ELIMIT, 200},
        {"HTTP/1.1 200 OK\r\n\r\n1234567890", 0, 200},
    };
    struct peer *p = *state;
    struct net_call call = {.status = 0};
    int fd;

    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct net_call bad = {.params = {.max_response = 10}};
        net_call_start(&bad, &p->client, "GET", p->url, rp_str_z(""));
        fd = take_request(p);
        net_send(fd, rp_str_z(cases[i].answer));
        (void)close(fd);
        net_latch_wait(&bad.done, 1);
        assert_int_equal(bad.result.err, cases[i].err);
        assert_int_equal(bad.result.status, cases[i].status);
        if (cases[i].err)
            assert_string_not_equal(bad.why, "");
        net_call_fini(&bad);
    }
    (void)close(p->listener); /* nobody there */
    net_call_run(&call, &p->client, "GET", p->url, rp_str_z(""));
    assert_int_equal(call.result.err, RP_EUPSTREAM);
    net_call_fini(&call);
    p->listener = net_listen(&p->port);
}

static void pausing_holds_the_peer_back(void **state)
{
    struct net_server s = {.ping_every_us = 0};
    struct peer *p = *state;
    struct net_call call = {.pause_in_headers = true, .params = {.max_response = 100000000}};
    char url[64];

    net_server_start(&s, (struct rp_http_server_params){.port = 0});
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/big?50000000", (unsigned)s.port);
    net_call_start(&call, &p->client, "GET", url, rp_str_z(""));
    net_latch_wait(&call.headers, 1);
    for (int i = 0; i < 3; i++) {
        net_call_pause(&call, false);
        net_latch_wait(&call.data, net_latch_count(&call.data) + 1);
        net_call_pause(&call, true);
    }
    assert_true(call.body.len < 50000000);
    net_call_pause(&call, false);
    net_latch_wait(&call.done, 1);
    assert_int_equal(call.result.err, 0);
    assert_int_equal(call.body.len, 50000000);
    net_call_fini(&call);
    net_server_stop(&s);
}

static void no_idle_timeout_while_paused(void **state)
{
    struct peer *p = *state;
    struct net_call paused = {.pause_in_headers = true, .params = {.idle_timeout_us = 10000}};
    struct net_call later = {.params = {.first_byte_timeout_us = 100000}};
    int fd, later_fd;

    net_call_start(&paused, &p->client, "GET", p->url, rp_str_z(""));
    fd = take_request(p);
    net_send(fd, RP_STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    net_latch_wait(&paused.headers, 1);
    /* A timeout that is begun later and is ten times as long. */
    net_call_start(&later, &p->client, "GET", p->url, rp_str_z(""));
    later_fd = take_request(p);
    net_latch_wait(&later.done, 1);
    assert_int_equal(later.result.err, RP_ETIMEOUT);
    assert_int_equal(net_latch_count(&paused.done), 0);
    net_call_pause(&paused, false);
    net_latch_wait(&paused.done, 1);
    assert_int_equal(paused.result.err, 0);
    assert_string_equal(paused.body.p, "ok");
    (void)close(fd);
    (void)close(later_fd);
    net_call_fini(&paused);
    net_call_fini(&later);
}

static void closing_ends_what_is_under_way(void **state)
{
    struct net_client c;
    struct net_call waiting = {.status = 0}, resolving = {.status = 0};
    struct peer *p = *state;
    int fd;

    net_client_start(&c);
    net_call_start(&waiting, &c, "GET", p->url, rp_str_z(""));
    fd = take_request(p);
    net_call_start(&resolving, &c, "GET", "http://localhost:1/", rp_str_z(""));
    net_client_stop(&c);
    assert_int_equal(net_latch_count(&waiting.done), 1);
    assert_int_equal(waiting.result.err, RP_ECANCELED);
    assert_int_equal(net_latch_count(&resolving.done), 1);
    (void)close(fd);
    net_call_fini(&waiting);
    net_call_fini(&resolving);
}

static void never_done(struct rp_http_call *c, const struct rp_http_result *result, void *arg)
{
    (void)c;
    (void)result;
    (void)arg;
    fail_msg("it was cancelled");
}

/* Every allocation of the start fails in turn. */
static void start_without_memory(void *arg)
{
    static const char *const headers[] = {"X-Empty:"};
    static const struct rp_http_call_cb cb = {.done = never_done};
    struct peer *p = arg;
    const struct rp_http_call_params params = {
        .method = "POST", .url = p->url, .headers = headers, .nheaders = 1, .body = {"x", 1}};
    struct rp_http_call *call;
    int64_t live = rp_mem_live();
    uint64_t n;

    for (n = 1; n < 20; n++) {
        int err;
        rp_mem_fail_after(n);
        err = rp_http_call_start(&call, p->client.http, &params, &cb, NULL);
        rp_mem_fail_after(0);
        if (err == 0)
            break;
        assert_int_equal(err, RP_ENOMEM);
        assert_int_equal(rp_mem_live(), live);
    }
    assert_in_range(n, 3, 19);
    rp_http_call_cancel(call);
}

static void survives_want_of_memory(void **state)
{
    struct peer *p = *state;

    net_on(p->client.loop, start_without_memory, p);
}

int test_http_client(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks_to_our_server),
        cmocka_unit_test_setup_teardown(sends_these_bytes, start, stop),
        cmocka_unit_test_setup_teardown(hands_over_bytes_as_they_come, start, stop),
        cmocka_unit_test_setup_teardown(cancels_in_every_state, start, stop),
        cmocka_unit_test_setup_teardown(cancels_another_call, start, stop),
        cmocka_unit_test_setup_teardown(starts_one_when_another_ends, start, stop),
        cmocka_unit_test_setup_teardown(tries_again_when_the_pooled_connection_is_dead, start,
                                        stop),
        cmocka_unit_test_setup_teardown(gives_up_in_time, start, stop),
        cmocka_unit_test_setup_teardown(refuses_link_local_addresses, start, stop),
        cmocka_unit_test_setup_teardown(refuses_bad_headers, start, stop),
        cmocka_unit_test_setup_teardown(reports_broken_peers, start, stop),
        cmocka_unit_test_setup_teardown(pausing_holds_the_peer_back, start, stop),
        cmocka_unit_test_setup_teardown(no_idle_timeout_while_paused, start, stop),
        cmocka_unit_test_setup_teardown(closing_ends_what_is_under_way, start, stop),
        cmocka_unit_test_setup_teardown(survives_want_of_memory, start, stop),
    };
    return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
