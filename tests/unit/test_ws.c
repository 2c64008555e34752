/* Tests of WebSockets over real sockets: our server against raw bytes, our client against raw
 * bytes, and both against each other. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/resolve.h"
#include "net/ws_int.h"
#include "net_server.h"
#include "net_ws.h"
#include "tests.h"

struct world {
    struct net_server server;
    struct rp_loop *client;
    char url[64];
    int listener; /* for a peer that the test plays */
    uint16_t port;
    char raw_url[64];
};

static int start(void **state)
{
    static struct world w;

    w.server.ping_every_us = w.server.close_timeout_us = 0;
    net_server_start(&w.server, (struct rp_http_server_params){.port = 0});
    w.client = net_start("client");
    (void)snprintf(w.url, sizeof(w.url), "ws://127.0.0.1:%u/ws", (unsigned)w.server.port);
    w.listener = net_listen(&w.port);
    (void)snprintf(w.raw_url, sizeof(w.raw_url), "ws://localhost:%u?q", (unsigned)w.port);
    *state = &w;
    return 0;
}

static int stop(void **state)
{
    struct world *w = *state;

    net_stop(w->client);
    if (w->server.http)
        net_server_stop(&w->server);
    (void)close(w->listener);
    rp_resolve_reset();
    return 0;
}

#define HANDSHAKE                                                                                  \
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"     \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                 \
    "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
#define ACCEPTED                                                                                   \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

static void expect(int fd, struct rp_str bytes)
{
    struct rp_buf b;

    rp_buf_init(&b, SIZE_MAX);
    net_recv(fd, &b, bytes.len);
    assert_memory_equal(b.p, bytes.p, bytes.len);
    rp_buf_fini(&b);
}

/* A connection to our server, shaken hands. */
static int open_raw(struct world *w)
{
    int fd = net_dial(w->server.port);

    net_send(fd, RP_STR(HANDSHAKE));
    expect(fd, RP_STR(ACCEPTED));
    return fd;
}

static void server_byte_by_byte(void **state)
{
    static const char frames[] = "\x81\x82\0\0\0\0hi" /* text */
                                 "\x02\x81\0\0\0\0"
                                 "a"                 /* binary, in two */
                                 "\x89\x81\0\0\0\0p" /* ping */
                                 "\x80\x81\0\0\0\0"
                                 "b"                           /* … the second */
                                 "\x88\x84\0\0\0\0\x03\xe9ok"; /* close 1001 */
    static const char answers[] = "\x81\x02hi\x8a\x01p\x82\x02"
                                  "ab\x88\x02\x03\xe9";
    struct world *w = *state;
    struct rp_str bytes = rp_str_n(frames, sizeof(frames) - 1);
    int fd = open_raw(w);

    for (size_t i = 0; i < bytes.len; i++)
        net_send(fd, rp_str_n(bytes.p + i, 1));
    expect(fd, rp_str_n(answers, sizeof(answers) - 1));
    assert_true(net_is_closed(fd));
    (void)close(fd);
    net_latch_wait(&w->server.ws_closed, 1);
    assert_int_equal(w->server.last_code, 1001);
    assert_string_equal(w->server.last_reason, "ok");

    /* All at once, right behind the handshake. */
    fd = net_dial(w->server.port);
    {
        char all[1024];
        size_t len = sizeof(HANDSHAKE) - 1;
        memcpy(all, HANDSHAKE, len);
        memcpy(all + len, bytes.p, bytes.len);
        net_send(fd, rp_str_n(all, len + bytes.len));
    }
    expect(fd, RP_STR(ACCEPTED));
    expect(fd, rp_str_n(answers, sizeof(answers) - 1));
    assert_true(net_is_closed(fd));
    (void)close(fd);
}

static void server_closes_on_faults(void **state)
{
    static const struct {
        const char *send;
        size_t send_len;
        const char *expected; /* NULL: no close frame */
        size_t expected_len;
        int code;
    } cases[] = {
        {"\x81\x00", 2,
         "\x88\x18\x03\xea"
         "the frame is not valid",
         26, 1002},
        {"\x81\x81\0\0\0\0\xff", 7,
         "\x88\x17\x03\xef"
         "the text is not UTF-8",
         25, 1007},
        {"\x81\xff\0\0\0\0\0\x01\x86\xa1\0\0\0\0", 14,
         "\x88\x18\x03\xf1"
         "the message is too big",
         26, 1009},
        {"\x88\x80\0\0\0\0", 6, "\x88\x00", 2, 1005},
        {"\x81\x80\0\0\0\0", 0, NULL, 0, 1006},
        {"\x81\x85\0\0\0\0abort", 11, NULL, 0, 1006},
    };
    struct world *w = *state;

    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        int fd = open_raw(w);
        net_send(fd, rp_str_n(cases[i].send, cases[i].send_len));
        if (cases[i].expected)
            expect(fd, rp_str_n(cases[i].expected, cases[i].expected_len));
        if (cases[i].send_len) /* else it is us who close, without a word */
            assert_true(net_is_closed(fd));
        (void)close(fd);
        net_latch_wait(&w->server.ws_closed, (int)i + 1);
        assert_int_equal(w->server.last_code, cases[i].code);
    }
}

static void server_closes_as_told(void **state)
{
    struct world *w = *state;
    int fd = open_raw(w);

    net_send(fd, RP_STR("\x81\x85\0\0\0\0close"));
    expect(fd, RP_STR("\x88\x0a\x0f\xa1"
                      "as asked"));
    /* What is still on its way to it is no message any more; then the answer. */
    net_send(fd, RP_STR("\x81\x82\0\0\0\0hi\x88\x82\0\0\0\0\x0f\xa1"));
    assert_true(net_is_closed(fd));
    (void)close(fd);
    net_latch_wait(&w->server.ws_closed, 1);
    assert_int_equal(w->server.last_code, 4001);
}

static void server_gives_up_on_mute_peers(void **state)
{
    struct world w = {.server = {.ping_every_us = 10000, .close_timeout_us = 10000}};
    int mute, stubborn;

    (void)state;
    net_server_start(&w.server, (struct rp_http_server_params){.port = 0});
    mute = open_raw(&w);
    expect(mute, RP_STR("\x89\x00\x89\x00"));
    assert_true(net_is_closed(mute));
    net_latch_wait(&w.server.ws_closed, 1);
    assert_int_equal(w.server.last_code, 1006);
    assert_string_equal(w.server.last_reason, "the peer does not answer pings");
    (void)close(mute);

    stubborn = open_raw(&w);
    net_send(stubborn, RP_STR("\x81\x85\0\0\0\0close"));
    net_latch_wait(&w.server.ws_closed, 2);
    assert_int_equal(w.server.last_code, 1006);
    assert_string_equal(w.server.last_reason, "the peer did not close in time");
    (void)close(stubborn);
    net_server_stop(&w.server);
}

/* Our client answers pings. It shares the server's loop, so that a slow machine delays both alike.
 */
static void pongs_keep_it_alive(void **state)
{
    struct world w = {.server = {.ping_every_us = 10000}};
    struct net_ws c = {.bytes = 0};

    (void)state;
    net_server_start(&w.server, (struct rp_http_server_params){.port = 0});
    (void)snprintf(w.url, sizeof(w.url), "ws://127.0.0.1:%u/ws", (unsigned)w.server.port);
    net_ws_open(&c, w.server.shards[0], w.url);
    for (int i = 1; i <= 3; i++) { /* each takes three pings to be found out */
        int mute = open_raw(&w);
        net_latch_wait(&w.server.ws_closed, i);
        (void)close(mute);
    }
    assert_int_equal(net_latch_count(&c.closed), 0);
    net_ws_close(&c, 1000, NULL);
    net_ws_fini(&c);
    assert_int_equal(c.code, 1000);
    net_server_stop(&w.server);
}

static void slow_readers_are_limited(void **state)
{
    struct world *w = *state;
    struct rp_buf b;
    int fd = open_raw(w);
    char head[10] = "\x82\x7f\0\0\0\0\0\x01\0\0";
    size_t n = 0;

    net_send(fd, RP_STR("\x81\x85\0\0\0\0flood"));
    net_latch_wait(&w->server.limited, 1);
    net_send(fd, RP_STR("\x88\x82\0\0\0\0\x03\xe8"));
    rp_buf_init(&b, SIZE_MAX);
    net_recv_until(fd, &b, NULL);
    /* Everything that was taken comes, whole, then the close frame. */
    for (; n + 65546 <= b.len; n += 65546)
        assert_memory_equal(b.p + n, head, sizeof(head));
    assert_true(n > RP_WS_MAX_QUEUE - 70000);
    assert_int_equal(b.len - n, 4);
    assert_memory_equal(b.p + n, "\x88\x02\x03\xe8", 4);
    rp_buf_fini(&b);
    (void)close(fd);
}

static void pausing_keeps_the_order(void **state)
{
    struct world *w = *state;
    struct net_ws c = {.headers = "X-Test: 1\r\n"};
    char text[16];

    net_ws_open(&c, w->client, w->url);
    for (int i = 0; i < 100; i++) {
        int len = snprintf(text, sizeof(text), "%d", i);
        if (i % 10 == 5)
            net_ws_send(&c, false, RP_STR("pause"));
        net_ws_send(&c, false, rp_str_n(text, (size_t)len));
        if (i % 30 == 7)
            net_ws_pause(&c, true);
        if (i % 30 == 9)
            net_ws_pause(&c, false);
    }
    net_latch_wait(&c.message, 100);
    assert_string_equal(c.last.p, "99");
    assert_int_equal(c.bytes, 190);
    assert_true(net_latch_count(&c.drained) > 0);
    net_ws_close(&c, 1000, "bye");
    net_ws_fini(&c);
    assert_int_equal(c.code, 1000);
    net_latch_wait(&w->server.ws_closed, 1);
    assert_int_equal(w->server.last_code, 1000);
    assert_string_equal(w->server.last_reason, "bye");
}

static void both_ends_close_at_once(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 100; i++) {
        struct net_ws c = {.close_in_message = i % 3 == 0};
        net_ws_open(&c, w->client, w->url);
        net_ws_send(&c, false, rp_str_z(i % 2 ? "close" : "echo"));
        if (i % 3 == 1)
            net_ws_close(&c, 1000, NULL);
        if (i % 3 == 2)
            net_ws_abort(&c);
        if (i % 6 == 3)
            net_ws_close(&c, 1000, NULL);
        net_ws_fini(&c);
        net_latch_wait(&w->server.ws_closed, i + 1);
    }
}

static void client_reports_why_it_does_not_open(void **state)
{
    static const struct {
        const char *answer; /* NULL: nobody answers */
        const char *reason;
    } cases[] = {
        {"HTTP/1.1 401 Unauthorized\r\n\r\n", "the server answered 401 Unauthorized"},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
         "the server's handshake is not valid"},
        {"SSH-2.0\r\n\r\n", "the server does not speak HTTP"},
        {"HTTP/1.1 2", "the peer closed the connection"},
        {NULL, "the connection took too long to open"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct net_ws c = {.cb.open_timeout_us = cases[i].answer ? 0 : 10000};
        int fd;
        net_ws_connect(&c, w->client, w->raw_url);
        assert_int_equal(c.started, 0);
        fd = net_accept(w->listener);
        if (cases[i].answer) {
            struct rp_buf b;
            rp_buf_init(&b, 65536);
            net_recv_until(fd, &b, "\r\n\r\n");
            net_send(fd, rp_str_z(cases[i].answer));
            rp_buf_fini(&b);
            (void)close(fd);
        }
        net_ws_fini(&c);
        assert_int_equal(c.code, 1006);
        assert_string_equal(c.reason, cases[i].reason);
        assert_int_equal(net_latch_count(&c.opened), 0);
        if (!cases[i].answer)
            (void)close(fd);
    }
}

static void client_refuses_and_is_refused(void **state)
{
    static const char *const bad_urls[] = {"http://a/", "ws://", "ws://a b/", "wss://u:p@a/"};
    static const char *const bad_headers[] = {"X", "X: a", "X: a\r\nY", "X: a\nY: b\r\n", "\r\n"};
    struct world *w = *state;
    struct net_ws c = {.started = 1};
    char url[80];

    for (size_t i = 0; i < RP_COUNT(bad_urls); i++) {
        net_ws_connect(&c, w->client, bad_urls[i]);
        assert_int_equal(c.started, RP_EINVAL);
    }
    for (size_t i = 0; i < RP_COUNT(bad_headers); i++) {
        c.headers = bad_headers[i];
        net_ws_connect(&c, w->client, w->url);
        assert_int_equal(c.started, RP_EINVAL);
    }
    c.headers = NULL;
    net_ws_connect(&c, w->client, "ws://169.254.169.254/");
    net_ws_fini(&c);
    assert_non_null(strstr(c.reason, "link-local"));
    (void)snprintf(url, sizeof(url), "%s?refuse", w->url);
    net_ws_connect(&c, w->client, url);
    net_ws_fini(&c);
    assert_string_equal(c.reason, "the server answered 401 Unauthorized");
    (void)close(w->listener); /* nobody there */
    net_ws_connect(&c, w->client, w->raw_url);
    net_ws_fini(&c);
    assert_string_equal(c.reason, "connection refused");
    w->listener = net_listen(&w->port);
}

/* The answer to a handshake that the test has read. */
static void accept_of(const struct rp_buf *request, char *answer, size_t size)
{
    const char *name = "Sec-WebSocket-Key: ", *key = strstr(request->p, name);
    char accept[RP_WS_ACCEPT_LEN];

    assert_non_null(key);
    rp_ws_accept_key(accept, rp_str_n(key + strlen(name), 24));
    (void)snprintf(answer, size,
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n\r\n",
                   RP_WS_ACCEPT_LEN, accept);
}

static void client_byte_by_byte(void **state)
{
    struct world *w = *state;
    struct net_ws c = {.headers = "Authorization: Token x\r\n"};
    struct rp_buf b;
    char answer[512];
    size_t len;
    int fd;

    net_ws_connect(&c, w->client, w->raw_url);
    fd = net_accept(w->listener);
    rp_buf_init(&b, 65536);
    net_recv_until(fd, &b, "\r\n\r\n");
    assert_memory_equal(b.p, "GET /?q HTTP/1.1\r\nHost: localhost:", 34);
    assert_non_null(strstr(b.p, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "));
    assert_non_null(strstr(b.p, "==\r\nAuthorization: Token x\r\n\r\n"));
    accept_of(&b, answer, sizeof(answer));
    len = strlen(answer);
    (void)snprintf(answer + len, sizeof(answer) - len, "\x81\x02hi"); /* a message right behind */
    for (size_t i = 0; answer[i]; i++)
        net_send(fd, rp_str_n(answer + i, 1));
    net_latch_wait(&c.message, 1);
    assert_string_equal(c.last.p, "hi");
    net_ws_send(&c, true, RP_STR("yo"));
    rp_buf_clear(&b);
    net_recv(fd, &b, 8);
    assert_memory_equal(b.p, "\x82\x82", 2);
    assert_int_equal(b.p[6] ^ b.p[2], 'y'); /* masked */
    assert_int_equal(b.p[7] ^ b.p[3], 'o');
    net_send(fd, RP_STR("\x81\x80\0\0\0\0")); /* which a server must not do */
    net_ws_fini(&c);
    assert_int_equal(c.code, 1002);
    rp_buf_fini(&b);
    (void)close(fd);
}

static void client_is_stopped_in_every_state(void **state)
{
    enum { AT_ONCE, CONNECTED, IN_OPENED, OPEN, STATES };
    struct world *w = *state;

    for (int i = 0; i < 2 * STATES; i++) {
        int at = i / 2;
        struct net_ws c = {.abort_in_opened = at == IN_OPENED};
        int fd = -1;
        net_ws_connect(&c, w->client, at == OPEN || at == IN_OPENED ? w->url : w->raw_url);
        if (at == CONNECTED)
            fd = net_accept(w->listener);
        if (at == OPEN)
            net_latch_wait(&c.opened, 1);
        if (i % 2)
            net_ws_abort(&c);
        else
            net_ws_close(&c, 1000, "stop");
        net_ws_fini(&c);
        if (at != OPEN || i % 2)
            assert_int_equal(c.code, 1006);
        if (fd >= 0) {
            struct rp_buf b;
            rp_buf_init(&b, SIZE_MAX);
            net_recv_until(fd, &b, NULL); /* to the end */
            rp_buf_fini(&b);
            (void)close(fd);
        }
    }
}

static void shutting_down_says_1001(void **state)
{
    struct world *w = *state;
    struct net_ws c[10] = {{.bytes = 0}};

    for (size_t i = 0; i < RP_COUNT(c); i++)
        net_ws_open(&c[i], w->client, w->url);
    net_server_stop(&w->server);
    w->server.http = NULL;
    for (size_t i = 0; i < RP_COUNT(c); i++) {
        net_ws_fini(&c[i]);
        assert_int_equal(c[i].code, 1001);
        assert_string_equal(c[i].reason, "the server is shutting down");
    }
    assert_int_equal(net_latch_count(&w->server.ws_closed), 10);
}

static void a_thousand_connections(void **state)
{
    enum { N = 1000, MESSAGES = 3 };
    struct world *w = *state;
    struct net_ws *c = rp_calloc(N, sizeof(*c));
    struct rlimit files;
    char text[2200];

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_cur < 2 * N + 100)
        skip();
    memset(text, 't', sizeof(text));
    for (int i = 0; i < N; i++)
        net_ws_connect(&c[i], w->client, w->url);
    net_latch_wait(&w->server.ws_opened, N);
    assert_int_equal(rp_http_server_connections(w->server.http), N);
    for (int i = 0; i < N; i++) {
        net_latch_wait(&c[i].opened, 1);
        for (int k = 0; k < MESSAGES; k++)
            net_ws_send(&c[i], false, rp_str_n(text, sizeof(text)));
    }
    for (int i = 0; i < N; i++) {
        net_latch_wait(&c[i].message, MESSAGES);
        assert_int_equal(c[i].bytes, MESSAGES * sizeof(text));
        net_ws_close(&c[i], 1000, NULL);
    }
    for (int i = 0; i < N; i++)
        net_ws_fini(&c[i]);
    net_latch_wait(&w->server.ws_closed, N);
    rp_free(c);
}

/* Every allocation of the start fails in turn. */
static void connect_without_memory(void *arg)
{
    struct world *w = arg;
    struct net_ws none = {.loop = w->client};
    const struct rp_ws_cb cb = {.max_message = 1};
    int64_t live = rp_mem_live();

    for (uint64_t n = 1; n <= 4; n++) {
        rp_mem_fail_after(n);
        RP_ASSERT(rp_ws_connect(&none.ws, w->client, w->raw_url, NULL, &cb, NULL) == RP_ENOMEM);
        rp_mem_fail_after(0);
        RP_ASSERT(rp_mem_live() == live);
    }
}

static void survives_want_of_memory(void **state)
{
    struct world *w = *state;

    net_on(w->client, connect_without_memory, w);
}

int test_ws(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(server_byte_by_byte, start, stop),
        cmocka_unit_test_setup_teardown(server_closes_on_faults, start, stop),
        cmocka_unit_test_setup_teardown(server_closes_as_told, start, stop),
        cmocka_unit_test(server_gives_up_on_mute_peers),
        cmocka_unit_test(pongs_keep_it_alive),
        cmocka_unit_test_setup_teardown(slow_readers_are_limited, start, stop),
        cmocka_unit_test_setup_teardown(pausing_keeps_the_order, start, stop),
        cmocka_unit_test_setup_teardown(both_ends_close_at_once, start, stop),
        cmocka_unit_test_setup_teardown(client_byte_by_byte, start, stop),
        cmocka_unit_test_setup_teardown(client_reports_why_it_does_not_open, start, stop),
        cmocka_unit_test_setup_teardown(client_refuses_and_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(client_is_stopped_in_every_state, start, stop),
        cmocka_unit_test_setup_teardown(shutting_down_says_1001, start, stop),
        cmocka_unit_test_setup_teardown(a_thousand_connections, start, stop),
        cmocka_unit_test_setup_teardown(survives_want_of_memory, start, stop),
    };
    return cmocka_run_group_tests_name("ws", tests, NULL, NULL);
}
