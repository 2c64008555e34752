/* Tests of WebSocket frames: messages however they are cut, and every way to break the rules. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "net/ws_frame.h"
#include "tests.h"

#define MAX_MESSAGE 70000

/* Appends a frame; `flags` are FIN and RSV bits. The mask is fixed. */
static void add_frame(struct rp_buf *b, unsigned flags, unsigned opcode, const char *data,
                      size_t len, bool masked)
{
    static const unsigned char mask[4] = {0x12, 0xe4, 0x56, 0x78};
    unsigned char head[RP_WS_MAX_FRAME_HEAD];
    size_t n = rp_ws_frame_head(head, (enum rp_ws_opcode)opcode, len, masked ? mask : NULL);

    head[0] = (unsigned char)(flags | opcode);
    assert_int_equal(rp_buf_add(b, head, n), 0);
    assert_int_equal(rp_buf_add(b, data, len), 0);
    if (masked)
        rp_ws_mask(b->p + b->len - len, len, mask, 0);
}

static void add_text(struct rp_buf *b, unsigned flags, unsigned opcode, const char *text)
{
    add_frame(b, flags, opcode, text, strlen(text), true);
}

/* Feeds in pieces; a line for each event, "! code" for a failure. */
static void run(struct rp_buf *log, struct rp_str in, size_t cut, size_t step, bool from_client)
{
    struct rp_ws_parser p;
    int got = 0;

    rp_buf_init(log, SIZE_MAX);
    rp_ws_parser_init(&p, from_client, MAX_MESSAGE);
    for (size_t at = 0; at < in.len && got >= 0;) {
        size_t n = step ? RP_MIN(step, in.len - at) : at < cut ? cut - at : in.len - at;
        char *copy = rp_alloc(n ? n : 1), *data = copy;
        struct rp_ws_event ev;
        memcpy(copy, in.p + at, n);
        at += n;
        while ((got = rp_ws_parser_next(&p, &data, &n, &ev)) > 0) {
            (void)rp_buf_printf(log, "%d:", (int)ev.opcode);
            if (ev.opcode == RP_WS_CLOSE)
                (void)rp_buf_printf(log, "%d:", ev.code);
            (void)rp_buf_add(log, ev.data, ev.len);
            (void)rp_buf_char(log, '\n');
            if (ev.len) /* may be changed */
                memset(ev.data, 'x', ev.len);
        }
        if (got == 0)
            assert_int_equal(n, 0);
        else
            (void)rp_buf_printf(log, "! %d\n", -got);
        rp_free(copy);
    }
    rp_ws_parser_fini(&p);
}

static void check(struct rp_buf *in, bool from_client, const char *expected)
{
    struct rp_buf log;

    for (size_t cut = 0; cut <= in->len; cut++) {
        run(&log, rp_buf_view(in), cut, 0, from_client);
        if (!rp_str_eq_z(rp_buf_view(&log), expected))
            fail_msg("cut at %zu gives \"%s\" instead of \"%s\"", cut, log.p, expected);
        rp_buf_fini(&log);
    }
    run(&log, rp_buf_view(in), 0, 1, from_client);
    assert_string_equal(log.p ? log.p : "", expected);
    rp_buf_fini(&log);
    rp_buf_clear(in);
}

static void messages_however_cut(void **state)
{
    struct rp_buf b;

    (void)state;
    rp_buf_init(&b, SIZE_MAX);
    add_text(&b, 0x80, RP_WS_TEXT, "hello, world");
    add_text(&b, 0x80, RP_WS_BINARY, "");
    add_text(&b, 0x00, RP_WS_TEXT, "one ");
    add_text(&b, 0x80, RP_WS_PING, "between");
    add_text(&b, 0x00, RP_WS_CONTINUATION, "");
    add_text(&b, 0x00, RP_WS_CONTINUATION, "two ");
    add_text(&b, 0x80, RP_WS_PONG, "");
    add_text(&b, 0x80, RP_WS_CONTINUATION, "three");
    add_text(&b, 0x00, RP_WS_BINARY, "");
    add_text(&b, 0x80, RP_WS_CONTINUATION, "");
    add_text(&b, 0x80, RP_WS_CLOSE,
             "\x03\xe8"
             "bye");
    check(&b, true, "1:hello, world\n2:\n9:between\n10:\n1:one two three\n2:\n8:1000:bye\n");

    add_frame(&b, 0x80, RP_WS_TEXT, "unmasked", 8, false);
    add_frame(&b, 0x80, RP_WS_CLOSE, "", 0, false);
    check(&b, false, "1:unmasked\n8:1005:\n");

    /* A character in two fragments. */
    add_text(&b, 0x00, RP_WS_TEXT, "\xe2\x82");
    add_text(&b, 0x80, RP_WS_CONTINUATION, "\xac");
    check(&b, true, "1:\xe2\x82\xac\n");
    rp_buf_fini(&b);
}

static void long_messages_in_any_step(void **state)
{
    static const size_t lens[] = {125, 126, 127, 65535, 65536, MAX_MESSAGE};
    static const size_t steps[] = {1, 3, 4096, 65536, SIZE_MAX};
    char *text = rp_alloc(MAX_MESSAGE);
    struct rp_buf b, log;

    (void)state;
    for (size_t i = 0; i < MAX_MESSAGE; i++)
        text[i] = (char)('a' + i % 26);
    rp_buf_init(&b, SIZE_MAX);
    for (size_t i = 0; i < RP_COUNT(lens); i++)
        for (size_t k = 0; k < RP_COUNT(steps); k++) {
            add_frame(&b, 0x80, RP_WS_TEXT, text, lens[i], true);
            add_frame(&b, 0x80, RP_WS_TEXT, "end", 3, true);
            run(&log, rp_buf_view(&b), 0, steps[k], true);
            assert_int_equal(log.len, lens[i] + 3 + 6);
            assert_memory_equal(log.p + 2, text, lens[i]);
            assert_memory_equal(log.p + 3 + lens[i], "1:end\n", 6);
            rp_buf_fini(&log);
            rp_buf_clear(&b);
        }
    rp_buf_fini(&b);
    rp_free(text);
}

static void broken_frames(void **state)
{
    static const struct {
        const char *what;
        size_t len;
        const char *bytes;
        const char *expected;
    } cases[] = {
        {"RSV1", 6, "\xc1\x80\0\0\0\0", "! 1002\n"},
        {"RSV2", 6, "\xa1\x80\0\0\0\0", "! 1002\n"},
        {"RSV3", 6, "\x91\x80\0\0\0\0", "! 1002\n"},
        {"opcode 3", 6, "\x83\x80\0\0\0\0", "! 1002\n"},
        {"opcode 11", 6, "\x8b\x80\0\0\0\0", "! 1002\n"},
        {"not masked", 2, "\x81\x00", "! 1002\n"},
        {"fragmented ping", 6, "\x09\x80\0\0\0\0", "! 1002\n"},
        {"long ping", 8, "\x89\xfe\x00\x7e\0\0\0\0", "! 1002\n"},
        {"continuation of nothing", 6, "\x80\x80\0\0\0\0", "! 1002\n"},
        {"text inside a text", 12, "\x01\x80\0\0\0\0\x81\x80\0\0\0\0", "! 1002\n"},
        {"16 bits for 125", 8, "\x82\xfe\x00\x7d\0\0\0\0", "! 1002\n"},
        {"64 bits for 65535", 14, "\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", "! 1002\n"},
        {"negative length", 14, "\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", "! 1002\n"},
        {"too long", 14, "\x82\xff\0\0\0\0\0\x01\x11\x71\0\0\0\0", "! 1009\n"},
        {"much too long", 14, "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", "! 1009\n"},
        {"close of one byte", 7, "\x88\x81\0\0\0\0\x03", "! 1002\n"},
        {"close 999", 8, "\x88\x82\0\0\0\0\x03\xe7", "! 1002\n"},
        {"close 1005", 8, "\x88\x82\0\0\0\0\x03\xed", "! 1002\n"},
        {"close 1006", 8, "\x88\x82\0\0\0\0\x03\xee", "! 1002\n"},
        {"close 2999", 8, "\x88\x82\0\0\0\0\x0b\xb7", "! 1002\n"},
        {"close 3000", 8, "\x88\x82\0\0\0\0\x0b\xb8", "8:3000:\n"},
        {"close 5000", 8, "\x88\x82\0\0\0\0\x13\x88", "! 1002\n"},
        {"close with bad text", 9, "\x88\x83\0\0\0\0\x03\xe8\xff", "! 1007\n"},
        {"bad text", 7, "\x81\x81\0\0\0\0\xff", "! 1007\n"},
        {"half a character", 8, "\x81\x82\0\0\0\0\xe2\x82", "! 1007\n"},
        {"a surrogate", 9, "\x81\x83\0\0\0\0\xed\xa0\x80", "! 1007\n"},
        {"bad bytes in binary", 7, "\x82\x81\0\0\0\0\xff", "2:\xff\n"},
    };
    struct rp_buf b;

    (void)state;
    rp_buf_init(&b, SIZE_MAX);
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        (void)rp_buf_add(&b, cases[i].bytes, cases[i].len);
        check(&b, true, cases[i].expected);
    }
    (void)rp_buf_add(&b, "\x81\x80\0\0\0\0", 6); /* masked, from a server */
    check(&b, false, "! 1002\n");
    rp_buf_fini(&b);
}

static void fragments_over_the_cap(void **state)
{
    char *text = rp_zalloc(40000);
    struct rp_buf b, log;

    (void)state;
    rp_buf_init(&b, SIZE_MAX);
    add_frame(&b, 0x00, RP_WS_BINARY, text, 40000, true);
    add_frame(&b, 0x80, RP_WS_CONTINUATION, text, 40000, true);
    run(&log, rp_buf_view(&b), 0, 0, true);
    assert_string_equal(log.p, "! 1009\n");
    rp_buf_fini(&log);
    rp_buf_fini(&b);
    rp_free(text);
}

static void masks_at_any_offset(void **state)
{
    static const unsigned char mask[4] = {1, 2, 4, 8};
    struct rp_rng rng = {3};
    char data[64], expected[64];

    (void)state;
    for (int round = 0; round < 2000; round++) {
        size_t len = rp_rng_below(&rng, sizeof(data)), at = rp_rng_below(&rng, 9);
        for (size_t i = 0; i < len; i++) {
            data[i] = (char)rp_rng_next(&rng);
            expected[i] = (char)((unsigned char)data[i] ^ mask[(at + i) % 4]);
        }
        rp_ws_mask(data, len, mask, at);
        assert_memory_equal(data, expected, len);
    }
}

int test_ws_frame(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_however_cut), cmocka_unit_test(long_messages_in_any_step),
        cmocka_unit_test(broken_frames),        cmocka_unit_test(fragments_over_the_cap),
        cmocka_unit_test(masks_at_any_offset),
    };
    return cmocka_run_group_tests_name("ws_frame", tests, NULL, NULL);
}
