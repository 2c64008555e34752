/* Tests of the HTTP server over real sockets: exact bytes, order, limits, ends. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "net_server.h"
#include "tests.h"

static int start(void **state)
{
    static struct net_server s;

    s.ping_every_us = 0;
    net_server_start(&s, (struct rp_http_server_params){.port = 0});
    *state = &s;
    return 0;
}

static int stop(void **state)
{
    net_server_stop(*state);
    return 0;
}

/* Replaces the date, which is not the same each time. */
static void mask_date(struct rp_buf *b)
{
    char *at = b->p;

    while ((at = strstr(at, "\r\nDate: ")) != NULL) {
        assert_memory_equal(at + 33, " GMT\r\n", 6);
        memcpy(at + 8, "Thu, 01 Jan 1970 00:00:00", 25);
        at += 8;
    }
}
#define DATE "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"

static void expect(int fd, const char *answer)
{
    struct rp_buf b;

    rp_buf_init(&b, SIZE_MAX);
    net_recv(fd, &b, strlen(answer));
    mask_date(&b);
    assert_string_equal(b.p, answer);
    rp_buf_fini(&b);
}

static void answers_byte_by_byte(void **state)
{
    struct net_server *s = *state;
    int fd = net_dial(s->port);

    net_send(fd, RP_STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    expect(fd, "HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
               "hello");
    net_send(fd, RP_STR("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    expect(fd, "HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
    net_send(fd, RP_STR("GET /headers HTTP/1.1\r\nHost: a\r\n\r\n"));
    expect(fd, "HTTP/1.1 204 No Content\r\n" DATE "X-Good: yes\r\n\r\n");
    net_send(fd, RP_STR("PUT /info/x%20y?q=1 HTTP/1.0\r\nX-Test: v\r\nConnection: keep-alive\r\n"
                        "\r\n"));
    expect(fd, "HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/plain\r\nContent-Length: 37\r\n"
               "Connection: keep-alive\r\n\r\nPUT|/info/x%20y|q=1|v|127.0.0.1|plain");
    net_send(fd, RP_STR("GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    expect(fd, "HTTP/1.1 404 Not Found\r\n" DATE
               "Content-Type: text/plain\r\nContent-Length: 12\r\nConnection: close\r\n\r\n"
               "no such page");
    assert_true(net_is_closed(fd));
    (void)close(fd);
}

static void bodies_and_pipelines(void **state)
{
    struct net_server *s = *state;
    int fd = net_dial(s->port);
    const char *head = "HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/plain\r\n";
    char text[2048];

    /* Six at once, the third of which is answered later; the order is kept. */
    net_send(fd, RP_STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none"
                        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "2\r\ntw\r\n1\r\no\r\n0\r\n\r\n"
                        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
                        "GET /stream?2 HTTP/1.1\r\nHost: a\r\n\r\n"
                        "HEAD /stream?2 HTTP/1.1\r\nHost: a\r\n\r\n"
                        "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    (void)snprintf(text, sizeof(text),
                   "%sContent-Length: 3\r\n\r\none%sContent-Length: 3\r\n\r\ntwo"
                   "%sContent-Length: 5\r\n\r\nlater"
                   "HTTP/1.1 200 OK\r\n" DATE
                   "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "8\r\nchunk 0\n\r\n8\r\nchunk 1\n\r\n0\r\n\r\n"
                   "HTTP/1.1 200 OK\r\n" DATE
                   "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "%sContent-Length: 5\r\n\r\nhello",
                   head, head, head, head);
    expect(fd, text);

    net_send(fd, RP_STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                        "Expect: 100-continue\r\n\r\n"));
    expect(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    net_send(fd, RP_STR("ab"));
    (void)snprintf(text, sizeof(text), "%sContent-Length: 2\r\n\r\nab", head);
    expect(fd, text);
    (void)close(fd);

    /* HTTP/1.0 has no chunks: the end of the connection is the end of the body. */
    fd = net_dial(s->port);
    net_send(fd, RP_STR("GET /stream?1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    expect(fd, "HTTP/1.1 200 OK\r\n" DATE
               "Content-Type: text/event-stream\r\nConnection: close\r\n\r\nchunk 0\n");
    assert_true(net_is_closed(fd));
    (void)close(fd);
}

static void a_client_may_close_its_half(void **state)
{
    struct net_server *s = *state;
    struct rp_buf b;
    int fd = net_dial(s->port);

    rp_buf_init(&b, SIZE_MAX);
    net_send(fd, RP_STR("GET /big?5000000 HTTP/1.1\r\nHost: a\r\n\r\n"));
    (void)shutdown(fd, SHUT_WR);
    net_recv_until(fd, &b, NULL);
    assert_true(b.len > 5000000);
    rp_buf_fini(&b);
    (void)close(fd);
}

static void refusals_reach_the_client(void **state)
{
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n", "413"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         "400"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: x\r\n\r\n", "417"},
        {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
         "426"},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n\r\n",
         "400"},
    };
    struct net_server *s = *state;
    char *junk = rp_zalloc(200000);

    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct rp_buf b;
        int fd = net_dial(s->port);
        rp_buf_init(&b, SIZE_MAX);
        net_send(fd, rp_str_z(cases[i].request));
        /* More that nobody reads: the answer must get through all the same. */
        net_send(fd, rp_str_n(junk, 200000));
        net_recv_until(fd, &b, NULL);
        assert_memory_equal(b.p + 9, cases[i].status, 3);
        assert_non_null(strstr(b.p, "Connection: close\r\n"));
        rp_buf_fini(&b);
        (void)close(fd);
    }
    rp_free(junk);
    assert_int_equal(net_latch_count(&s->requests), 0);
}

static void handlers_hear_of_lost_clients(void **state)
{
    struct net_server *s = *state;
    int fd = net_dial(s->port);

    net_send(fd, RP_STR("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n"));
    net_latch_wait(&s->requests, 1);
    (void)close(fd);
    net_latch_wait(&s->gone, 1);

    fd = net_dial(s->port);
    net_send(fd, RP_STR("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n"));
    net_latch_wait(&s->requests, 2);
    (void)close(fd);
    net_latch_wait(&s->gone, 2);

    fd = net_dial(s->port); /* /later forgets its timer */
    net_send(fd, RP_STR("GET /later HTTP/1.1\r\nHost: a\r\n\r\n"));
    net_latch_wait(&s->requests, 3);
    (void)close(fd);
}

static void stopping_with_requests_open(void **state)
{
    struct net_server *s = *state;
    int hanging = net_dial(s->port), idle = net_dial(s->port), midway = net_dial(s->port);

    net_send(hanging, RP_STR("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n"));
    net_send(midway, RP_STR("GET /ha"));
    net_latch_wait(&s->requests, 1);
    net_server_stop(s);
    assert_int_equal(net_latch_count(&s->gone), 1);
    assert_true(net_is_closed(hanging));
    assert_true(net_is_closed(idle));
    assert_true(net_is_closed(midway));
    (void)close(hanging);
    (void)close(idle);
    (void)close(midway);
}

static void slow_clients_are_timed_out(void **state)
{
    struct net_server s = {.ping_every_us = 0};
    struct rp_buf b;
    int idle, midway, unread;

    (void)state;
    net_server_start(&s, (struct rp_http_server_params){.idle_timeout_us = 50000});
    idle = net_dial(s.port);
    midway = net_dial(s.port);
    unread = net_dial(s.port);
    net_send(midway, RP_STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"));
    net_send(unread, RP_STR("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n"));
    rp_buf_init(&b, SIZE_MAX);
    net_recv_until(idle, &b, NULL);
    assert_int_equal(b.len, 0);
    net_recv_until(midway, &b, NULL);
    assert_memory_equal(b.p + 9, "408", 3);
    net_latch_wait(&s.gone, 1); /* the one that does not read */
    rp_buf_fini(&b);
    (void)close(idle);
    (void)close(midway);
    (void)close(unread);
    net_server_stop(&s);
}

static void too_many_connections(void **state)
{
    struct net_server s = {.ping_every_us = 0};
    int fds[3];
    struct rp_buf b;

    (void)state;
    net_server_start(&s, (struct rp_http_server_params){.max_connections = 2});
    for (int i = 0; i < 3; i++)
        fds[i] = net_dial(s.port);
    net_send(fds[2], RP_STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    rp_buf_init(&b, SIZE_MAX);
    net_recv_until(fds[2], &b, NULL);
    assert_memory_equal(b.p + 9, "503", 3);
    rp_buf_fini(&b);
    for (int i = 0; i < 3; i++)
        (void)close(fds[i]);
    net_server_stop(&s);
}

static void listens_on_ipv6_and_reports_failure(void **state)
{
    struct net_server s = {.ping_every_us = 0};
    struct rp_http_server_params params = {.host = "localhost", .nloops = 1};
    struct rp_http_server *http;
    struct rp_loop *l;
    struct rp_buf b;
    char *why = NULL;

    (void)state;
    net_server_start(&s, (struct rp_http_server_params){.host = "::"});
    net_server_ask(&s, &b, "GET /info HTTP/1.1\r\n");
    assert_non_null(strstr(b.p, "GET|/info|||127.0.0.1|plain"));
    rp_buf_fini(&b);

    assert_int_equal(rp_loop_new(&l, "test"), 0);
    params.loops = &l;
    assert_int_equal(rp_http_server_new(&http, l, &params, &why), RP_EINVAL);
    assert_string_equal(why,
                        "cannot listen on localhost port 0: it is not an IPv4 or IPv6 address");
    rp_free(why);
    params.host = "127.0.0.1";
    params.port = s.port;
    assert_int_equal(rp_http_server_new(&http, l, &params, &why), RP_EIO);
    assert_non_null(strstr(why, "Address already in use"));
    rp_free(why);
    params.tls_cert = params.tls_key = "/nonexistent";
    assert_int_equal(rp_http_server_new(&http, l, &params, &why), RP_EIO);
    assert_non_null(strstr(why, "/nonexistent"));
    rp_free(why);
    rp_loop_free(l);
    net_server_stop(&s);
}

int test_http_server(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_byte_by_byte, start, stop),
        cmocka_unit_test_setup_teardown(bodies_and_pipelines, start, stop),
        cmocka_unit_test_setup_teardown(a_client_may_close_its_half, start, stop),
        cmocka_unit_test_setup_teardown(refusals_reach_the_client, start, stop),
        cmocka_unit_test_setup_teardown(handlers_hear_of_lost_clients, start, stop),
        cmocka_unit_test_setup(stopping_with_requests_open, start),
        cmocka_unit_test(slow_clients_are_timed_out),
        cmocka_unit_test(too_many_connections),
        cmocka_unit_test(listens_on_ipv6_and_reports_failure),
    };
    return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
