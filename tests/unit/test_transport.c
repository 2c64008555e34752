/* The browser's protocol: what comes in, wrong or right, and the exact bytes that go out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests.h"
#include "transport/transport.h"

struct seen {
    char text[4096];
    size_t len, samples;
    int16_t first, last;
};

static void see(const struct rp_client_event *ev, void *arg)
{
    static const char *const names[] = {
        [RP_CLIENT_READY] = "ready",
        [RP_CLIENT_AUDIO] = "audio",
        [RP_CLIENT_HINT_START] = "hint_start",
        [RP_CLIENT_HINT_END] = "hint_end",
        [RP_CLIENT_HINT_FAILED] = "hint_fail",
        [RP_CLIENT_PTT_START] = "ptt_start",
        [RP_CLIENT_PTT_END] = "ptt_end",
        [RP_CLIENT_TYPED] = "typed",
        [RP_CLIENT_DATA] = "data",
        [RP_CLIENT_PLAYED] = "played",
        [RP_CLIENT_PLAYED_TO] = "played_to",
        [RP_CLIENT_BYE] = "bye",
    };
    struct seen *s = arg;

    if (ev->type == RP_CLIENT_AUDIO) {
        if (s->samples == 0)
            s->first = ev->pcm[0];
        s->samples += ev->n;
        s->last = ev->pcm[ev->n - 1];
    }
    s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len, "%s(%.*s)",
                               names[ev->type], RP_STR_ARG(ev->text));
}

static int decode(struct rp_transport *t, const char *json, struct seen *seen)
{
    const char *why;
    char *copy = rp_strdup(json);
    int err = t->ops->decode(t, false, copy, strlen(copy), see, seen, &why);

    assert_true((err == 0) == (why == NULL));
    rp_free(copy);
    return err;
}

static void messages_become_events(void **state)
{
    static const struct {
        const char *json, *events;
    } cases[] = {
        {"{\"type\":\"client.ready\"}", "ready()"},
        {"{\"type\":\"client.ready\",\"event_id\":7,\"more\":{\"a\":[]}}", "ready()"},
        {"{\"type\":\"client.audio\",\"content\":\"AQACAA==\"}", "audio()"},
        {" {\"content\" : \"AQACAA==\" , \"type\" : \"client.audio\" } ", "audio()"},
        {"{\"type\":\"client.audio\",\"content\":\"AQACAA==\",\"x\":1}", "audio()"},
        {"{\"type\":\"client.audio\",\"content\":\"\"}", ""},
        {"{\"type\":\"vad_events\",\"event\":\"vad_start\"}", "hint_start()"},
        {"{\"type\":\"vad_events\",\"event\":\"vad_end\"}", "hint_end()"},
        {"{\"type\":\"vad_events\",\"event\":\"vad_model_failed\"}", "hint_fail()"},
        {"{\"type\":\"trigger.turn.start\",\"role\":\"user\"}", "ptt_start()"},
        {"{\"type\":\"trigger.turn.end\",\"role\":\"user\"}", "ptt_end()"},
        {"{\"type\":\"trigger.response.audio.replay_finished\",\"reason\":\"completed\"}",
         "played()"},
        {"{\"type\":\"trigger.response.audio.replay_finished\",\"turn_id\":\"asst-1\"}",
         "played(asst-1)"},
        {"{\"type\":\"trigger.response.audio.replay_finished\",\"turn_id\":7}", "played()"},
        {"{\"type\":\"trigger.response.audio.interrupted\",\"playback_offset\":1.5,"
         "\"interruption_context\":{\"turn_id\":\"asst-2\",\"playback_offset_ms\":1500}}",
         "played_to(asst-2)"},
        {"{\"type\":\"client.response.text\",\"content\":\"hi \\u00e9\"}", "typed(hi \xc3\xa9)"},
        {"{\"type\":\"client.response.data\",\"data\":{\"b\":1,\"a\":[true,null]}}",
         "data({\"b\":1,\"a\":[true,null]})"},
        {"{\"type\":\"something.else\"}", ""},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct seen seen = {.len = 0};
        struct rp_transport t;
        rp_transport_init(&t, &rp_transport_browser);
        assert_int_equal(decode(&t, cases[i].json, &seen), 0);
        assert_string_equal(seen.text, cases[i].events);
        assert_int_equal(t.invalid, 0);
        assert_int_equal(t.ignored, i == RP_COUNT(cases) - 1 ? 1 : 0);
    }
}

static void what_is_wrong_is_counted_and_passed_over(void **state)
{
    static const char *const cases[] = {
        "",
        "x",
        "[]",
        "7",
        "\"client.ready\"",
        "{\"type\":7}",
        "{}",
        "{\"type\":\"client.ready\"",
        "{\"type\":\"client.audio\"}",
        "{\"type\":\"client.audio\",\"content\":7}",
        "{\"type\":\"client.audio\",\"content\":\"!!!!\"}",
        "{\"type\":\"client.audio\",\"content\":\"AQACAA==AQ\"}",
        "{\"type\":\"vad_events\"}",
        "{\"type\":\"vad_events\",\"event\":\"vad_middle\"}",
        "{\"type\":\"trigger.turn.start\"}",
        "{\"type\":\"trigger.turn.end\",\"role\":\"agent\"}",
        "{\"type\":\"trigger.response.audio.interrupted\"}",
        "{\"type\":\"trigger.response.audio.interrupted\",\"playback_offset\":-1}",
        "{\"type\":\"trigger.response.audio.interrupted\",\"playback_offset\":1e999}",
        "{\"type\":\"client.response.text\"}",
        "{\"type\":\"client.response.text\",\"content\":{}}",
        "{\"type\":\"client.response.data\"}",
        "{\"type\":\"client.response.data\",\"data\":[1]}",
    };
    struct rp_transport t;
    struct seen seen = {.len = 0};
    const char *why;
    char binary[] = {1, 2, 3};

    (void)state;
    rp_transport_init(&t, &rp_transport_browser);
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        assert_int_equal(decode(&t, cases[i], &seen), RP_EPROTO);
        assert_int_equal(t.invalid, i + 1);
    }
    assert_int_equal(t.ops->decode(&t, true, binary, 3, see, &seen, &why), RP_EPROTO);
    assert_string_equal(seen.text, "");
    /* And the connection goes on. */
    assert_int_equal(decode(&t, "{\"type\":\"client.ready\"}", &seen), 0);
    assert_string_equal(seen.text, "ready()");
}

static void half_samples_wait_for_the_next_message(void **state)
{
    struct rp_transport t;
    struct seen seen = {.len = 0};

    (void)state;
    rp_transport_init(&t, &rp_transport_browser);
    /* One byte a message: 0x34 0x12 0x78 0x56. */
    assert_int_equal(decode(&t, "{\"type\":\"client.audio\",\"content\":\"NA==\"}", &seen), 0);
    assert_int_equal(seen.samples, 0);
    assert_int_equal(decode(&t, "{\"type\":\"client.audio\",\"content\":\"Eg==\"}", &seen), 0);
    assert_int_equal(decode(&t, "{\"type\":\"client.audio\",\"content\":\"eA==\"}", &seen), 0);
    assert_int_equal(decode(&t, "{\"type\":\"client.audio\",\"content\":\"Vg==\"}", &seen), 0);
    assert_int_equal(seen.samples, 2);
    assert_int_equal(seen.first, 0x1234);
    assert_int_equal(seen.last, 0x5678);
}

static void long_audio_is_whole(void **state)
{
    struct rp_transport t;
    struct seen seen = {.len = 0};
    struct rp_buf b;

    (void)state;
    rp_transport_init(&t, &rp_transport_browser);
    rp_buf_init(&b, 1 << 20);
    (void)rp_buf_z(&b, "{\"type\":\"client.audio\",\"content\":\"");
    for (int i = 0; i < 50000; i++)
        (void)rp_buf_z(&b, "AQAC"); /* 3 bytes */
    (void)rp_buf_z(&b, "\"}");
    assert_int_equal(decode(&t, b.p, &seen), 0);
    assert_int_equal(seen.samples, 75000);
    rp_buf_fini(&b);
}

static void replies_are_exact(void **state)
{
    static const int16_t pcm[] = {1, 2};
    static const struct {
        struct rp_client_msg msg;
        const char *json;
    } cases[] = {
        {{.type = RP_MSG_TURN_START, .user = true, .turn_id = "user-1"},
         "{\"type\":\"turn.start\",\"role\":\"user\",\"turn_id\":\"user-1\"}"},
        {{.type = RP_MSG_TURN_END, .turn_id = "asst-1"},
         "{\"type\":\"turn.end\",\"role\":\"assistant\",\"turn_id\":\"asst-1\"}"},
        {{.type = RP_MSG_INTERIM_DELTA, .turn_id = "u", .text = {"a \"b\"", 5}, .counter = 2},
         "{\"type\":\"user.transcript.interim_delta\",\"content\":\"a "
         "\\\"b\\\"\",\"turn_id\":\"u\","
         "\"delta_counter\":2}"},
        {{.type = RP_MSG_DELTA, .turn_id = "u", .text = {"a", 1}},
         "{\"type\":\"user.transcript.delta\",\"content\":\"a\",\"turn_id\":\"u\","
         "\"delta_counter\":0}"},
        {{.type = RP_MSG_TRANSCRIPT, .turn_id = "u", .text = {"a", 1}},
         "{\"type\":\"user.transcript\",\"content\":\"a\",\"turn_id\":\"u\"}"},
        {{.type = RP_MSG_TEXT_DELTA, .turn_id = "t", .text = {"a", 1}},
         "{\"type\":\"response.text.delta\",\"content\":\"a\",\"turn_id\":\"t\"}"},
        {{.type = RP_MSG_TEXT, .turn_id = "t", .text = {"a", 1}},
         "{\"type\":\"response.text\",\"content\":\"a\",\"turn_id\":\"t\"}"},
        {{.type = RP_MSG_DATA, .turn_id = "t", .text = {"{\"x\":1}", 7}},
         "{\"type\":\"response.data\",\"content\":{\"x\":1},\"turn_id\":\"t\"}"},
        {{.type = RP_MSG_RESPONSE_END, .turn_id = "t"},
         "{\"type\":\"response.end\",\"turn_id\":\"t\"}"},
        {{.type = RP_MSG_AUDIO, .turn_id = "t", .pcm = pcm, .n = 2, .counter = 9},
         "{\"type\":\"response.audio\",\"content\":\"AQACAA==\",\"delta_id\":\"9\","
         "\"turn_id\":\"t\"}"},
        {{.type = RP_MSG_CLEAR, .turn_id = "t"}, ""},
    };
    struct rp_transport t;
    struct rp_buf b;

    (void)state;
    rp_transport_init(&t, &rp_transport_browser);
    rp_buf_init(&b, 4096);
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        rp_buf_clear(&b);
        t.ops->encode(&t, &cases[i].msg, &b);
        assert_string_equal(b.p ? b.p : "", cases[i].json);
    }
    rp_buf_fini(&b);
}

int test_transport(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_become_events),
        cmocka_unit_test(what_is_wrong_is_counted_and_passed_over),
        cmocka_unit_test(half_samples_wait_for_the_next_message),
        cmocka_unit_test(long_audio_is_whole),
        cmocka_unit_test(replies_are_exact),
    };
    return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
