/* Tests of what goes out to backends: bodies to the byte, signatures, merged headers and metadata.
 */
#include <stdio.h>

#include "agent/event_body.h"
#include "agent/headers.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/signature.h"
#include "tests.h"

static struct rp_arena arena;

static int setup(void **state)
{
    (void)state;
    rp_arena_init(&arena, 4u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rp_arena_fini(&arena);
    return 0;
}

static const struct rp_json *json(const char *text)
{
    struct rp_json *node = NULL;

    assert_int_equal(rp_json_parse(&node, &arena, rp_str_z(text), NULL), 0);
    return node;
}

static const struct rp_agent_session browser = {
    .agent_id = "ag-1", .session_id = "lc_conn_1", .conversation_id = "lc_conv_1"};

static const struct {
    struct rp_agent_request request;
    const char *body;
} requests[] = {
    {{.type = RP_AGENT_MESSAGE, .turn_id = "asst-1", .text = {"Hi \"you\"\n", 9}},
     "{\"type\":\"message\",\"session_id\":\"lc_conn_1\",\"conversation_id\":\"lc_conv_1\","
     "\"turn_id\":\"asst-1\",\"text\":\"Hi \\\"you\\\"\\n\",\"metadata\":{}}"},
    {{.type = RP_AGENT_MESSAGE,
      .turn_id = "asst-2",
      .text = {"\0\x1f/\xc3\xa9\xed\xa0\xbd", 8}, /* NUL, control, slash, é, lone surrogate */
      .interrupted = true,
      .words_heard = 2,
      .text_heard = {"It is", 5},
      .interrupted_turn_id = "asst-1"},
     "{\"type\":\"message\",\"session_id\":\"lc_conn_1\",\"conversation_id\":\"lc_conv_1\","
     "\"turn_id\":\"asst-2\",\"text\":\"\\u0000\\u001f/\xc3\xa9\\ud83d\","
     "\"interruption_context\":{\"previous_turn_interrupted\":true,\"words_heard\":2,"
     "\"text_heard\":\"It is\",\"assistant_turn_id\":\"asst-1\"},\"metadata\":{}}"},
    {{.type = RP_AGENT_DATA, .turn_id = "asst-3", .data_json = {"{\"a\":[1,null]}", 14}},
     "{\"type\":\"data\",\"session_id\":\"lc_conn_1\",\"conversation_id\":\"lc_conv_1\","
     "\"turn_id\":\"asst-3\",\"data\":{\"a\":[1,null]},\"metadata\":{}}"},
    {{.type = RP_AGENT_WELCOME, .turn_id = "asst-4"},
     "{\"type\":\"welcome\",\"session_id\":\"lc_conn_1\",\"conversation_id\":\"lc_conv_1\","
     "\"turn_id\":\"asst-4\",\"metadata\":{}}"},
    {{.type = RP_AGENT_SESSION_START, .turn_id = "asst-5"},
     "{\"type\":\"session.start\",\"session_id\":\"lc_conn_1\",\"conversation_id\":\"lc_conv_1\","
     "\"turn_id\":\"asst-5\",\"text\":\"\",\"metadata\":{}}"},
};

static void requests_are_exact(void **state)
{
    struct rp_buf b;

    (void)state;
    rp_buf_init(&b, 1u << 20);
    for (size_t i = 0; i < RP_COUNT(requests); i++) {
        assert_int_equal(rp_event_body_request(&b, &browser, &requests[i].request), 0);
        assert_string_equal(b.p, requests[i].body);
        rp_buf_clear(&b);
    }
    rp_buf_fini(&b);
}

static void callers_and_metadata_come_with_every_event(void **state)
{
    struct rp_agent_session phone = browser;
    struct rp_agent_request r = {.type = RP_AGENT_WELCOME, .turn_id = "asst-1"};
    struct rp_buf b;

    (void)state;
    phone.from_phone_number = "+14155550123";
    phone.to_phone_number = "+14155559876";
    phone.metadata = json("{\"z\":1e400,\"2\":-0,\"1\":\"a\",\"z\":\"last\"}");
    phone.custom_metadata = json("{\"tenant_id\":\"t_42\"}");
    rp_buf_init(&b, 1u << 20);
    assert_int_equal(rp_event_body_request(&b, &phone, &r), 0);
    assert_string_equal(
        b.p, "{\"type\":\"welcome\",\"session_id\":\"lc_conn_1\",\"conversation_id\":\"lc_conv_1\","
             "\"turn_id\":\"asst-1\",\"metadata\":{\"1\":\"a\",\"2\":0,\"z\":\"last\"},"
             "\"custom_metadata\":{\"tenant_id\":\"t_42\"},"
             "\"from_phone_number\":\"+14155550123\",\"to_phone_number\":\"+14155559876\"}");
    rp_buf_fini(&b);
}

static void session_webhooks_are_exact(void **state)
{
    const struct rp_transcript_item transcript[] = {
        {false, RP_STR("hello"), 1767225601000},
        {true, RP_STR("Hi!"), 1767225602500},
    };
    struct rp_session_end end = {
        .started_ms = 1767225600000,
        .ended_ms = 1767225603500,
        .transcription_s = 1.25,
        .tts_s = -1,
        .latency_ms = 480,
        .ip_address = "127.0.0.1",
        .transcript = transcript,
        .ntranscript = 2,
    };
    struct rp_session_update update = {
        .completed = true, .recording_url = "http://h/r", .recording_s = 3.5};
    struct rp_buf b;

    (void)state;
    rp_buf_init(&b, 1u << 20);
    assert_int_equal(rp_event_body_session_start(&b, &browser, 1767225600000), 0);
    assert_string_equal(
        b.p, "{\"type\":\"session.start\",\"session_id\":\"lc_conn_1\",\"conversation_id\":"
             "\"lc_conv_1\",\"agent_id\":\"ag-1\",\"started_at\":\"2026-01-01T00:00:00.000Z\","
             "\"metadata\":{}}");
    rp_buf_clear(&b);
    assert_int_equal(rp_event_body_session_end(&b, &browser, &end), 0);
    assert_string_equal(
        b.p, "{\"type\":\"session.end\",\"session_id\":\"lc_conn_1\",\"conversation_id\":"
             "\"lc_conv_1\",\"agent_id\":\"ag-1\",\"started_at\":\"2026-01-01T00:00:00.000Z\","
             "\"ended_at\":\"2026-01-01T00:00:03.500Z\",\"duration\":3500,"
             "\"transcription_duration_seconds\":1.25,\"tts_duration_seconds\":null,"
             "\"latency\":480,\"ip_address\":\"127.0.0.1\",\"country_code\":null,"
             "\"recording_status\":\"disabled\",\"transcript\":["
             "{\"role\":\"user\",\"text\":\"hello\",\"timestamp\":1767225601000},"
             "{\"role\":\"assistant\",\"text\":\"Hi!\",\"timestamp\":1767225602500}],"
             "\"metadata\":{}}");
    rp_buf_clear(&b);
    assert_int_equal(rp_event_body_session_update(&b, &browser, &update), 0);
    assert_string_equal(
        b.p, "{\"type\":\"session.update\",\"session_id\":\"lc_conn_1\",\"conversation_id\":"
             "\"lc_conv_1\",\"recording_status\":\"completed\",\"recording_url\":\"http://h/r\","
             "\"recording_duration\":3.5,\"metadata\":{}}");
    rp_buf_clear(&b);
    update = (struct rp_session_update){.recording_s = -1, .error_message = "disk full"};
    assert_int_equal(rp_event_body_session_update(&b, &browser, &update), 0);
    assert_string_equal(
        b.p, "{\"type\":\"session.update\",\"session_id\":\"lc_conn_1\",\"conversation_id\":"
             "\"lc_conv_1\",\"recording_status\":\"failed\",\"recording_url\":null,"
             "\"recording_duration\":null,\"error_message\":\"disk full\",\"metadata\":{}}");
    rp_buf_fini(&b);
}

static void a_clock_set_back_gives_no_negative_duration(void **state)
{
    struct rp_session_end end = {.started_ms = 2000, .ended_ms = 1000};
    struct rp_buf b;

    (void)state;
    rp_buf_init(&b, 1u << 20);
    assert_int_equal(rp_event_body_session_end(&b, &browser, &end), 0);
    assert_non_null(strstr(b.p, "\"duration\":0,"));
    rp_buf_fini(&b);
}

static void a_body_over_its_limit_is_refused(void **state)
{
    struct rp_agent_request r = {.type = RP_AGENT_MESSAGE, .turn_id = "asst-1"};
    struct rp_buf b;

    (void)state;
    rp_buf_init(&b, 100);
    assert_int_equal(rp_event_body_request(&b, &browser, &r), RP_ELIMIT);
    rp_buf_fini(&b);
}

static void signatures_match_another_implementation(void **state)
{
    static const char long_secret[] =
        "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
        "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
        "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"; /* over one block: hashed */
    char value[RP_SIGNATURE_MAX];

    (void)state;
    /* Expected values: Python's hmac module. */
    assert_int_equal(rp_signature(value, RP_STR("whsec_test"), 1767225600,
                                  RP_STR("{\"type\":\"message\",\"text\":\"hi\"}")),
                     0);
    assert_string_equal(value, "t=1767225600,v1="
                               "c412dc5e118255e09efb144e81cc5c8c30ff478d73bfd60faa3f34e55c7886e5");
    assert_int_equal(rp_signature(value, RP_STR("k"), 0, RP_STR("")), 0);
    assert_string_equal(value,
                        "t=0,v1=6b4a4b8b3c40f1e8f53a3d36682e5f99f7ad2ac1df1c93dfe336f329167641e7");
    assert_int_equal(rp_signature(value, rp_str_z(long_secret), -5, RP_STR("\xc3\xa9\0x")), 0);
    assert_string_equal(value,
                        "t=-5,v1=c7b6645491ae4ce62ca56475512f9ea97f3a8b52db18eced2ed78cd65e72b273");
    assert_int_equal(rp_signature(value, RP_STR(""), 0, RP_STR("x")), RP_EINVAL);
    assert_int_equal(rp_signature(value, RP_STR("k"), INT64_MIN, RP_STR("x")), 0);
    assert_int_equal(strlen(value) + 1, RP_SIGNATURE_MAX);
}

static void bad_headers_are_refused(void **state)
{
    static const struct {
        struct rp_str name, value;
        const char *why;
    } cases[] = {
        {RP_STR("x-tenant"), RP_STR("t_42"), NULL},
        {RP_STR("X-Empty"), RP_STR(""), NULL},
        {RP_STR("Authorization"), RP_STR("Bearer \xc3\xa9\t."), NULL},
        {RP_STR(""), RP_STR("v"), "name"},
        {RP_STR("a b"), RP_STR("v"), "name"},
        {RP_STR("a:b"), RP_STR("v"), "name"},
        {RP_STR("a\0b"), RP_STR("v"), "name"},
        {RP_STR("n\xc3\xa9"), RP_STR("v"), "name"},
        {RP_STR("CONTENT-TYPE"), RP_STR("v"), "sets it itself"},
        {RP_STR("Layercode-Signature"), RP_STR("v"), "sets it itself"},
        {RP_STR("riposte-signature-next"), RP_STR("v"), "sets it itself"},
        {RP_STR("Host"), RP_STR("v"), "sets it itself"},
        {RP_STR("content-length"), RP_STR("1"), "sets it itself"},
        {RP_STR("transfer-encoding"), RP_STR("chunked"), "sets it itself"},
        {RP_STR("x"), RP_STR("a\r\nb: c"), "line breaks"},
        {RP_STR("x"), RP_STR("a\nb"), "line breaks"},
        {RP_STR("x"), RP_STR("a\0b"), "line breaks"},
        {RP_STR("x"), RP_STR("\x7f"), "line breaks"},
        {RP_STR("x"), {NULL, 0}, "string"},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        const char *why = rp_header_refused(cases[i].name, cases[i].value);
        if (!cases[i].why)
            assert_null(why);
        else if (!why || !strstr(why, cases[i].why))
            fail_msg("case %zu: \"%s\"", i, why ? why : "accepted");
    }
}

static void assert_merged(bool headers, const char *const *texts, size_t n, const char *expected)
{
    const struct rp_json *layers[4], *merged = NULL;
    struct rp_buf b;

    for (size_t i = 0; i < n; i++)
        layers[i] = texts[i] ? json(texts[i]) : NULL;
    assert_int_equal(headers ? rp_headers_merge(&merged, &arena, layers, n)
                             : rp_metadata_merge(&merged, &arena, layers, n),
                     0);
    if (!expected) {
        assert_null(merged);
        return;
    }
    rp_buf_init(&b, 1u << 20);
    rp_json_write(&b, merged);
    assert_string_equal(b.p, expected);
    rp_buf_fini(&b);
}
#define ASSERT_MERGED(headers, expected, ...)                                                      \
    assert_merged(headers, (const char *[]){__VA_ARGS__},                                          \
                  RP_COUNT(((const char *[]){__VA_ARGS__})), expected)

static void the_more_special_layer_wins(void **state)
{
    (void)state;
    ASSERT_MERGED(true, "{\"X-B\":\"session\",\"x-a\":\"hook\",\"x-c\":\"plugin\"}",
                  "{\"x-b\":\"hook\",\"x-a\":\"hook\"}", NULL, "{\"x-c\":\"plugin\"}",
                  "{\"X-B\":\"session\"}");
    ASSERT_MERGED(true, "{\"ok\":\"1\"}", "{\"host\":\"evil\",\"n\":1,\"ok\":\"1\"}");
    ASSERT_MERGED(true, NULL, "{}", NULL);
    ASSERT_MERGED(false, "{\"1\":2,\"b\":{\"x\":2},\"a\":\"hook\"}",
                  "{\"b\":{\"y\":1},\"a\":\"hook\"}", "{\"b\":{\"x\":2}}", "{\"1\":2}");
    ASSERT_MERGED(false, "{\"\\u0000\":\"\\ud800\",\"__proto__\":1}", "{\"\\u0000\":\"\\ud800\"}",
                  "{\"__proto__\":1}");
    ASSERT_MERGED(false, NULL, NULL, "{}", "[1]");
}

static void memory_may_fail_at_any_point(void **state)
{
    const struct rp_json *layers[2];
    const struct rp_json *merged;
    struct rp_arena small;
    int err;

    (void)state;
    layers[0] = json("{\"a\":\"1\",\"b\":\"2\"}");
    layers[1] = json("{\"b\":\"3\"}");
    for (int what = 0; what < 2; what++) {
        for (uint64_t n = 1;; n++) {
            rp_arena_init(&small, 1u << 20);
            merged = NULL;
            rp_mem_fail_after(n);
            err = what ? rp_headers_merge(&merged, &small, layers, 2)
                       : rp_metadata_merge(&merged, &small, layers, 2);
            rp_mem_fail_after(0);
            rp_arena_fini(&small);
            if (!err)
                break;
            assert_int_equal(err, RP_ENOMEM);
            assert_null(merged);
            assert_true(n < 100);
        }
    }
}

int test_event_body(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_exact),
        cmocka_unit_test(callers_and_metadata_come_with_every_event),
        cmocka_unit_test(session_webhooks_are_exact),
        cmocka_unit_test(a_clock_set_back_gives_no_negative_duration),
        cmocka_unit_test(a_body_over_its_limit_is_refused),
        cmocka_unit_test(signatures_match_another_implementation),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(the_more_special_layer_wins),
        cmocka_unit_test(memory_may_fail_at_any_point),
    };
    return cmocka_run_group_tests_name("event_body", tests, setup, teardown);
}
