/* Tests of codec/sse: streams of tests/data/sse/, whole and split at every place. */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/sse.h"
#include "tests.h"

/* Prints events as type|data|id, one a line, \n shown as \\n. */
static int print_event(const struct rp_sse_event *e, void *arg)
{
    struct rp_buf *out = arg;

    rp_buf_printf(out, "%.*s|", RP_STR_ARG(e->type));
    for (size_t i = 0; i < e->data.len; i++)
        if (e->data.p[i] == '\n')
            rp_buf_z(out, "\\n");
        else
            rp_buf_char(out, e->data.p[i]);
    rp_buf_printf(out, "|%.*s\n", RP_STR_ARG(e->id));
    return rp_buf_err(out);
}

/* Feeds `text` in three parts, cut at `a` and `b`. */
static int feed(struct rp_buf *out, struct rp_str text, size_t a, size_t b, int64_t *retry)
{
    struct rp_sse s;
    int err;

    rp_sse_init(&s, 1000, 1000, print_event, out);
    err = rp_sse_feed(&s, rp_str_first(text, a));
    if (!err)
        err = rp_sse_feed(&s, rp_str_from(rp_str_first(text, b), a));
    if (!err)
        err = rp_sse_feed(&s, rp_str_from(text, b));
    if (retry)
        *retry = s.retry_ms;
    if (rp_sse_partial(&s))
        rp_buf_z(out, "(partial)\n");
    rp_sse_fini(&s);
    return err;
}

static const struct {
    struct rp_str stream;
    const char *events;
} cases[] = {
#define CASE(stream, events)                                                                       \
    {                                                                                              \
        {stream, sizeof(stream) - 1}, events                                                       \
    }
    CASE("data: a\n\n", "message|a|\n"),
    CASE("data:a\r\rdata:  b\r\r", "message|a|\nmessage| b|\n"),
    CASE("data: a\r\n\r\ndata: b\r\n\r\n", "message|a|\nmessage|b|\n"),
    CASE("\xef\xbb\xbf"
         "data: a\n\n",
         "message|a|\n"),
    CASE("\xef\xbb\xbf\xef\xbb\xbf"
         "data: a\n\n",
         ""), /* only one mark is dropped; the rest is an unknown field */
    CASE("\n\xef\xbb\xbf"
         "data: a\n\n",
         ""),
    CASE("\xef\xbb\xbf\n\ndata: a\n\n", "message|a|\n"),
    CASE("\n\n\r\n\r:\n: ping\n\n", ""),
    CASE("data: a\ndata: b\ndata:\n\n", "message|a\\nb\\n|\n"),
    CASE("data\n\n", "message||\n"), /* empty data is an event */
    CASE("data\ndata\n\n", "message|\\n|\n"),
    CASE("data:\n\n", "message||\n"),
    CASE("event: x\n\ndata: a\n\n", "message|a|\n"), /* a name without data is forgotten */
    CASE("event: x\ndata: a\nevent: y\n\ndata: b\n\n", "y|a|\nmessage|b|\n"),
    CASE("event\nevent:\ndata: a\n\n", "message|a|\n"),
    CASE("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", "message|a|1\nmessage|b|1\nmessage|c|\n"),
    CASE("id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", "message|a|1\nmessage|b|1\n"),
    CASE("id: 7\n\ndata: b\n\n", "message|b|7\n"),
    CASE("Data: a\ndata : b\n data: c\nfoo: d\nfoo\n\n", ""),
    CASE("data: a: b:c\n\n", "message|a: b:c|\n"),
    CASE("data:\ta\n\n", "message|\ta|\n"),
    CASE("data: a\n", "(partial)\n"),
    CASE("data: a\n\ndata: b", "message|a|\n(partial)\n"),
    CASE("data: \xc3\xa9\xff\n\n", "message|\xc3\xa9\xff|\n"),
#undef CASE
};

static void reads_streams_split_anywhere(void **state)
{
    struct rp_buf out;

    (void)state;
    rp_buf_init(&out, 10000);
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        const struct rp_str stream = cases[i].stream;
        for (size_t a = 0; a <= stream.len; a++) {
            for (size_t b = a; b <= stream.len; b++) {
                rp_buf_clear(&out);
                assert_int_equal(feed(&out, stream, a, b, NULL), 0);
                if (!rp_str_eq_z(rp_buf_view(&out), cases[i].events))
                    fail_msg("case %zu cut at %zu and %zu: %s", i, a, b, out.p ? out.p : "");
            }
        }
    }
    rp_buf_fini(&out);
}

static void notes_the_reconnection_time(void **state)
{
    static const struct {
        const char *stream;
        int64_t retry;
    } times[] = {
        {"", -1},
        {"retry: 1500\n", 1500},
        {"retry:0\n", 0},
        {"retry: 15s\n", -1},
        {"retry: 3\nretry\n", 3},
        {"retry: -1\n", -1},
        {"retry: 99999999999999999999999\n", 86400000},
    };
    struct rp_buf out;
    int64_t retry;

    (void)state;
    rp_buf_init(&out, 100);
    for (size_t i = 0; i < RP_COUNT(times); i++) {
        assert_int_equal(feed(&out, rp_str_z(times[i].stream), 3, 5, &retry), 0);
        assert_int_equal(retry, times[i].retry);
    }
    rp_buf_fini(&out);
}

/* A stream of `len` bytes of data, in one line or in lines of ten, fed in pieces of `piece`. */
static int feed_long(size_t len, bool lines, size_t piece, struct rp_buf *out)
{
    struct rp_buf stream;
    struct rp_str rest;
    struct rp_sse s;
    int err = 0;

    rp_buf_init(&stream, 10000);
    rp_buf_z(&stream, "data:");
    for (size_t i = 0; i < len; i++)
        rp_buf_z(&stream, lines && i % 10 == 9 ? "\ndata:" : "x");
    rp_buf_z(&stream, "\n\n");
    assert_int_equal(rp_buf_err(&stream), 0);
    rp_sse_init(&s, 105, 200, print_event, out);
    for (rest = rp_buf_view(&stream); rest.len && !err; rest = rp_str_from(rest, piece))
        err = rp_sse_feed(&s, rp_str_first(rest, piece));
    if (err)
        assert_int_equal(rp_sse_feed(&s, RP_STR("\n\ndata: a\n\n")), err); /* for good */
    rp_sse_fini(&s);
    rp_buf_fini(&stream);
    return err;
}

static void keeps_its_caps(void **state)
{
    struct rp_buf out;

    (void)state;
    rp_buf_init(&out, 10000);
    for (size_t piece = 1; piece < 400; piece += 7) {
        assert_int_equal(feed_long(100, false, piece, &out), 0);
        assert_int_equal(feed_long(101, false, piece, &out), RP_ELIMIT);
        assert_int_equal(feed_long(200, true, piece, &out), 0);
        assert_int_equal(feed_long(201, true, piece, &out), RP_ELIMIT);
        rp_buf_clear(&out);
    }
    rp_buf_fini(&out);
}

static int stop_at_second(const struct rp_sse_event *e, void *arg)
{
    int *count = arg;

    (void)e;
    return ++*count == 2 ? RP_ECANCELED : 0;
}

static void stops_when_told(void **state)
{
    struct rp_sse s;
    int count = 0;

    (void)state;
    rp_sse_init(&s, 100, 100, stop_at_second, &count);
    assert_int_equal(rp_sse_feed(&s, RP_STR("data: 1\n\ndata: 2\n\ndata: 3\n\n")), RP_ECANCELED);
    assert_int_equal(rp_sse_feed(&s, RP_STR("data: 4\n\n")), RP_ECANCELED);
    assert_int_equal(count, 2);
    rp_sse_fini(&s);
}

static void survives_lack_of_memory(void **state)
{
    uint64_t n;
    int err;

    (void)state;
    for (n = 1;; n++) {
        struct rp_sse s;
        int count = -10;
        rp_sse_init(&s, 1000, 1000, stop_at_second, &count);
        rp_mem_fail_after(n);
        err = rp_sse_feed(&s, RP_STR("event: x\nid: 1\ndata: abc\nda"));
        if (!err)
            err = rp_sse_feed(&s, RP_STR("ta: def\n\n"));
        rp_mem_fail_after(0);
        assert_int_equal(count, err ? -10 : -9);
        rp_sse_fini(&s);
        if (!err)
            break;
        assert_int_equal(err, RP_ENOMEM);
    }
    assert_true(n > 4); /* type, id, data, line */
}

int test_sse(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_streams_split_anywhere),
        cmocka_unit_test(notes_the_reconnection_time),
        cmocka_unit_test(keeps_its_caps),
        cmocka_unit_test(stops_when_told),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
