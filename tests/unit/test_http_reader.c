/* Tests of the request reader: what it takes, what it refuses, and that no cut changes either. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/http_reader.h"
#include "tests.h"

#define MAX_BODY 64

/* What became of a stream of bytes: a line for each request, "REFUSED n" at the end of a bad one.
 */
static void run(struct rp_buf *log, struct rp_str input, size_t cut, bool bytewise)
{
    struct rp_http_reader *r = rp_alloc(sizeof(*r));
    size_t at = 0;

    rp_buf_init(log, 65536);
    rp_http_reader_init(r, MAX_BODY);
    while (at < input.len) {
        size_t len = bytewise ? 1 : at < cut ? cut - at : input.len - at;
        /* A copy of its own, so that reading beyond it is seen. */
        char *copy = rp_alloc(len);
        struct rp_str piece = rp_str_n(memcpy(copy, input.p + at, len), len);
        enum rp_http_read what = RP_HTTP_MORE;
        at += len;
        while (piece.len && (what = rp_http_reader_feed(r, &piece)) == RP_HTTP_WHOLE) {
            (void)rp_buf_printf(log, "%.*s %.*s ?%.*s [%.*s]%s\n", RP_STR_ARG(r->head.method),
                                RP_STR_ARG(r->head.path), RP_STR_ARG(r->head.query),
                                RP_STR_ARG(rp_buf_view(&r->body)), r->keep_alive ? "" : " close");
            rp_http_reader_next(r);
        }
        rp_free(copy);
        if (what == RP_HTTP_REFUSED) {
            (void)rp_buf_printf(log, "REFUSED %d\n", r->refuse);
            break;
        }
    }
    if (rp_http_reader_midway(r))
        (void)rp_buf_z(log, "midway\n");
    rp_http_reader_fini(r);
    rp_free(r);
}

static void check(const char *input, const char *expected)
{
    struct rp_str in = rp_str_z(input);
    struct rp_buf log;

    for (size_t cut = 0; cut <= in.len; cut++) {
        run(&log, in, cut, false);
        if (!rp_str_eq_z(rp_buf_view(&log), expected))
            fail_msg("cut at %zu of:\n%s\ngives:\n%s\ninstead of:\n%s", cut, input, log.p,
                     expected);
        rp_buf_fini(&log);
    }
    run(&log, in, 0, true);
    assert_string_equal(log.p ? log.p : "", expected);
    rp_buf_fini(&log);
}

#define HOST "Host: a\r\n"

static void takes_requests_however_cut(void **state)
{
    (void)state;
    check("GET / HTTP/1.1\r\n" HOST "\r\n", "GET / ? []\n");
    check("GET /a/b?x=1&y=?2 HTTP/1.1\r\n" HOST "\r\n", "GET /a/b ?x=1&y=?2 []\n");
    check("GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\nhost:\t b \r\n\r\n",
          "GET /1 ? []\nGET /2 ? []\n");
    check("\r\n\r\nPUT / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\n" HOST
          "\r\n",
          "PUT / ? [hello]\nGET /2 ? []\n");
    check("POST / HTTP/1.1\r\n" HOST "content-length: 0\r\n\r\n", "POST / ? []\n");
    check("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: CHUNKED\r\n\r\n"
          "3;ext=\"v\"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\nMore: y\r\n\r\n"
          "GET /2 HTTP/1.1\r\n" HOST "\r\n",
          "POST / ? [abc0123456789]\nGET /2 ? []\n");
    check("GET / HTTP/1.0\r\n\r\n", "GET / ? [] close\n");
    check("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / ? []\n");
    check("GET / HTTP/1.1\r\n" HOST "Connection: foo, Close\r\n\r\n", "GET / ? [] close\n");
    check("GET http://example.org:80/p?q HTTP/1.1\r\n" HOST "\r\n", "GET /p ?q []\n");
    check("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * ? []\n");
    check("GET / HTTP/1.1\r\n" HOST "Empty:\r\n\r\n", "GET / ? []\n");
    check("GET / HTTP/1.1\r\n" HOST, "midway\n");
    check("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhell", "midway\n");
    check("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n", "midway\n");
}

static void refuses_what_could_be_read_two_ways(void **state)
{
    static const char *const bad[] = {
        HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        HOST "Content-Length: 5\r\nContent-Length: 5\r\n",
        HOST "Content-Length: 5, 5\r\n",
        HOST "Content-Length: -1\r\n",
        HOST "Content-Length: +5\r\n",
        HOST "Content-Length: 0x5\r\n",
        HOST "Content-Length:\r\n",
        HOST "Content-Length: 99999999999999999999\r\n",
        HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        HOST "Content-Length : 5\r\n",
        HOST "Name\r\n",
        HOST ": value\r\n",
        HOST "Na me: value\r\n",
        HOST "A: b\r\n folded\r\n",
        HOST "A: b\nC: d\r\n",
        HOST "A: b\rC: d\r\n",
        HOST "A: \x01\r\n",
        HOST HOST,
        "Host: a, b\r\n",
        "Host: a/b\r\n",
        "",
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < RP_COUNT(bad); i++) {
        (void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", bad[i]);
        check(text, "REFUSED 400\n");
    }
    check("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", "REFUSED 501\n");
    check("GET / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "REFUSED 400\n");
}

static void refuses_bad_request_lines(void **state)
{
    static const char *const bad[] = {
        "GET / HTTP/1.1 \r\n",       "GET  / HTTP/1.1\r\n",
        "GET /a b HTTP/1.1\r\n",     "GET /\r\n",
        "GET / http/1.1\r\n",        "GET / HTTP/1.10\r\n",
        "GET * HTTP/1.1\r\n",        "GET a HTTP/1.1\r\n",
        "GET /\x7f HTTP/1.1\r\n",    "GET /\xc3 HTTP/1.1\r\n",
        "GET /#f HTTP/1.1\r\n",      "G@T / HTTP/1.1\r\n",
        "GET http://a HTTP/1.1\r\n", "GET http://a?b/c HTTP/1.1\r\n",
        " GET / HTTP/1.1\r\n",       "CONNECT a:80 HTTP/1.1\r\n",
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < RP_COUNT(bad); i++) {
        (void)snprintf(text, sizeof(text), "%s" HOST "\r\n", bad[i]);
        check(text, "REFUSED 400\n");
    }
    check("GET / HTTP/2.0\r\n" HOST "\r\n", "REFUSED 505\n");
    check("\x16\x03\x01\x02", "REFUSED 400\n"); /* somebody speaks TLS to us */
}

static void keeps_limits(void **state)
{
    struct rp_buf b;
    struct rp_buf log;

    (void)state;
    check("POST / HTTP/1.1\r\n" HOST "Content-Length: 65\r\n\r\n", "REFUSED 413\n");
    check("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n41\r\n", "REFUSED 413\n");
    check("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
          "20\r\n0123456789abcdef0123456789abcdef\r\n21\r\n",
          "REFUSED 413\n");
    check("POST / HTTP/1.1\r\n" HOST "Expect: magic\r\n\r\n", "REFUSED 417\n");

    rp_buf_init(&b, 100000);
    (void)rp_buf_z(&b, "GET /");
    while (b.len < 9000)
        (void)rp_buf_char(&b, 'a');
    (void)rp_buf_z(&b, " HTTP/1.1\r\n" HOST "\r\n");
    run(&log, rp_buf_view(&b), 0, false);
    assert_string_equal(log.p, "REFUSED 414\n");
    rp_buf_fini(&log);
    rp_buf_clear(&b);
    (void)rp_buf_z(&b, "GET / HTTP/1.1\r\n" HOST "X: ");
    while (b.len < 20000)
        (void)rp_buf_char(&b, 'a');
    run(&log, rp_buf_view(&b), 0, true);
    assert_string_equal(log.p, "REFUSED 431\n");
    rp_buf_fini(&log);
    rp_buf_clear(&b);
    (void)rp_buf_z(&b, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < RP_HTTP_MAX_HEADERS; i++)
        (void)rp_buf_printf(&b, "X-%d: y\r\n", i);
    (void)rp_buf_z(&b, "\r\n");
    run(&log, rp_buf_view(&b), 0, false);
    assert_string_equal(log.p, "REFUSED 431\n");
    rp_buf_fini(&log);
    rp_buf_fini(&b);
}

static void refuses_broken_chunks(void **state)
{
    static const char *const bad[] = {
        "\r\n",           "g\r\n",      "3 \r\nabc\r\n",        "3\nabc\r\n",
        "3\r\nabcd\r\n",  "3\r\nabc\n", "1000000000000000\r\n", "-1\r\n",
        "0x3\r\nabc\r\n", "3;a\nb\r\n", "0\r\nA: b\n\r\n",      "0\r\n\rX",
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < RP_COUNT(bad); i++) {
        (void)snprintf(text, sizeof(text),
                       "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%s", bad[i]);
        check(text, "REFUSED 400\n");
    }
}

static void answers_and_lists(void **state)
{
    struct rp_http_head *h = rp_alloc(sizeof(*h));

    (void)state;
    assert_int_equal(rp_http_parse_response(h, RP_STR("HTTP/1.1 101 Switching Protocols\r\n"
                                                      "Upgrade: a, WebSocket\r\nupgrade: b\r\n"
                                                      "\r\n")),
                     0);
    assert_int_equal(h->status, 101);
    assert_true(rp_http_head_lists(h, "UPGRADE", "websocket"));
    assert_true(rp_http_head_lists(h, "Upgrade", "b"));
    assert_false(rp_http_head_lists(h, "Upgrade", "web"));
    assert_int_equal(rp_http_head_count(h, "Upgrade"), 2);
    assert_null(rp_http_head_get(h, "Missing").p);
    assert_int_equal(rp_http_parse_response(h, RP_STR("HTTP/1.1 200\r\n\r\n")), 0);
    assert_int_equal(rp_http_parse_response(h, RP_STR("HTTP/1.1 20 OK\r\n\r\n")), RP_EPROTO);
    assert_int_equal(rp_http_parse_response(h, RP_STR("HTTP/2 200 OK\r\n\r\n")), RP_EPROTO);
    assert_int_equal(rp_http_parse_response(h, RP_STR("ICY 200 OK\r\n\r\n")), RP_EPROTO);
    assert_string_equal(rp_http_status_text(404), "Not Found");
    rp_free(h);
}

int test_http_reader(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_requests_however_cut),
        cmocka_unit_test(refuses_what_could_be_read_two_ways),
        cmocka_unit_test(refuses_bad_request_lines),
        cmocka_unit_test(keeps_limits),
        cmocka_unit_test(refuses_broken_chunks),
        cmocka_unit_test(answers_and_lists),
    };
    return cmocka_run_group_tests_name("http_reader", tests, NULL, NULL);
}
