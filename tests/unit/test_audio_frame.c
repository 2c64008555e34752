/* Tests of codec/audio_frame. */
#include "base/err.h"
#include "base/mem.h"
#include "codec/audio_frame.h"
#include "codec/json.h"
#include "tests.h"

static void scans_only_the_exact_shape(void **state)
{
    static const struct {
        const char *message, *content; /* NULL: not quick */
    } cases[] = {
        {"{\"type\":\"client.audio\",\"content\":\"AAAA\"}", "AAAA"},
        {"{\"content\":\"AAAA\",\"type\":\"client.audio\"}", "AAAA"},
        {" {\t\"type\" : \"client.audio\",\r\n\"content\": \"AA==\" } \n", "AA=="},
        {"{\"type\":\"client.audio\",\"content\":\"\"}", ""},
        {"", NULL},
        {"{}", NULL},
        {"[]", NULL},
        {"{\"type\":\"client.audio\"}", NULL},
        {"{\"content\":\"AAAA\"}", NULL},
        {"{\"type\":\"client.ready\",\"content\":\"AAAA\"}", NULL},
        {"{\"type\":\"client.audio\",\"content\":null}", NULL},
        {"{\"type\":\"client.audio\",\"content\":\"AAAA\",\"event_id\":\"e\"}", NULL},
        {"{\"type\":\"client.audio\",\"content\":\"AAAA\",\"content\":\"BBBB\"}", NULL},
        {"{\"type\":\"client.audio\",\"type\":\"client.audio\",\"content\":\"A\"}", NULL},
        {"{\"type\":\"client.audio\",\"content\":\"AA\\/A\"}", NULL},
        {"{\"type\":\"client.audio\",\"content\":\"AAA\\\"\"}", NULL},
        {"{\"ty\\u0070e\":\"client.audio\",\"content\":\"AAAA\"}", NULL},
        {"{\"type\":\"client.audio\",\"content\":\"AAAA\"}x", NULL},
        {"{\"type\":\"client.audio\",\"content\":\"AAAA\",}", NULL},
        {"{\"type\":\"client.audio\" \"content\":\"AAAA\"}", NULL},
        {"{\"type\":\"client.audio\",\"content\":\"AAAA\"", NULL},
        {"{\"type\":\"client.audio\",\"content\":\"AAAA", NULL},
        {"{\"type\":\"client.audio\",\"content\":", NULL},
        {"{\"type\"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct rp_str content = {0};
        const bool quick = rp_audio_frame_scan(rp_str_z(cases[i].message), &content);
        if (quick != (cases[i].content != NULL))
            fail_msg("%s: %s", cases[i].message, quick ? "quick" : "not quick");
        assert_true(rp_str_eq(content, rp_str_z(cases[i].content)));
    }
    assert_false(rp_audio_frame_scan((struct rp_str){0}, &(struct rp_str){0}));
}

static void scans_twilio_media(void **state)
{
    static const char first[] =
        "{\"event\":\"media\",\"sequenceNumber\":\"3\",\"media\":{\"track\":\"inbound\","
        "\"chunk\":\"1\",\"timestamp\":\"5\",\"payload\":\"//8=\"},\"streamSid\":\"MZ1\"}";
    static const char *const others[] = {
        "{\"event\":\"mark\",\"media\":{\"payload\":\"//8=\"}}",
        "{\"event\":\"media\",\"media\":{\"payload\":1}}",
        "{\"event\":\"media\",\"media\":\"payload\"}",
        "{\"event\":\"media\",\"media\":{}}",
        "{\"event\":\"media\",\"media\":{\"track\":\"x\"}}",
        "{\"event\":\"media\",\"media\":{\"payload\":\"\"},\"media\":{\"track\":\"x\"}}",
        "{\"event\":\"media\",\"payload\":\"//8=\"}",
        "{\"event\":\"media\",\"media\":{\"payload\":\"//8=\"}",
        "{\"event\":\"media\",\"media\":{\"payload\":\"//8=\",\"new\":\"x\"}}",
    };
    struct rp_twilio_media m;

    (void)state;
    assert_true(rp_twilio_media_scan(rp_str_z(first), &m));
    assert_true(rp_str_eq_z(m.payload, "//8="));
    assert_true(rp_str_eq_z(m.track, "inbound"));
    assert_true(rp_str_eq_z(m.chunk, "1"));
    assert_true(rp_str_eq_z(m.timestamp, "5"));
    assert_true(rp_str_eq_z(m.sequence, "3"));
    assert_true(rp_str_eq_z(m.stream_sid, "MZ1"));
    assert_true(
        rp_twilio_media_scan(RP_STR("{\"media\": {\"payload\": \"\"}, \"event\": \"media\"}"), &m));
    assert_int_equal(m.payload.len, 0);
    assert_null(m.track.p);
    for (size_t i = 0; i < RP_COUNT(others); i++)
        if (rp_twilio_media_scan(rp_str_z(others[i]), &m))
            fail_msg("accepted: %s", others[i]);
}

static void decodes_samples(void **state)
{
    int16_t out[3];
    size_t n = 9;

    (void)state;
    assert_int_equal(rp_audio_samples(RP_STR("AQD//wCA"), out, 3, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(out[0], 1);
    assert_int_equal(out[1], -1);
    assert_int_equal(out[2], -32768);
    assert_int_equal(rp_audio_samples(RP_STR("AQD/"), out, 2, &n), 0); /* three bytes */
    assert_int_equal(n, 1);
    assert_int_equal(rp_audio_samples(RP_STR("AQD//wCA"), out, 2, &n), RP_ELIMIT);
    assert_int_equal(rp_audio_samples(RP_STR("AQD,"), out, 3, &n), RP_EPROTO);
    for (size_t chars = 0; chars < 20; chars++) {
        int16_t room[16];
        const struct rp_str text = rp_str_first(RP_STR("AAAAAAAAAAAAAAAAAAAA"), chars);
        assert_int_equal(rp_audio_samples(text, room, rp_audio_samples_max(text), &n),
                         chars % 4 == 1 ? RP_EPROTO : 0);
    }
}

static void writes_what_parses(void **state)
{
    static const int16_t samples[] = {1, -1, -32768, 256};
    static const uint8_t ulaw[] = {0xff, 0x7f, 0};
    uint64_t before;
    struct rp_buf b;

    (void)state;
    rp_buf_init(&b, 200);
    assert_int_equal(rp_audio_frame_write(&b, samples, 4, RP_STR("d-1"), RP_STR("asst-\"x")), 0);
    assert_string_equal(b.p, "{\"type\":\"response.audio\",\"content\":\"AQD//wCAAAE=\","
                             "\"delta_id\":\"d-1\",\"turn_id\":\"asst-\\\"x\"}");
    rp_buf_clear(&b);
    assert_int_equal(rp_twilio_media_write(&b, RP_STR("MZ1"), ulaw, 3), 0);
    assert_string_equal(
        b.p, "{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"/38A\"}}");
    before = rp_mem_thread_count(); /* a warm buffer is written without an allocation */
    rp_buf_clear(&b);
    assert_int_equal(rp_audio_frame_write(&b, samples, 4, RP_STR("d-1"), RP_STR("asst-x")), 0);
    assert_int_equal(rp_mem_thread_count(), before);
    while (rp_audio_frame_write(&b, samples, 4, RP_STR("d"), RP_STR("t")) == 0)
        ;
    assert_int_equal(rp_buf_err(&b), RP_ELIMIT);
    rp_buf_fini(&b);
}

int test_audio_frame(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scans_only_the_exact_shape),
        cmocka_unit_test(scans_twilio_media),
        cmocka_unit_test(decodes_samples),
        cmocka_unit_test(writes_what_parses),
    };
    return cmocka_run_group_tests_name("audio_frame", tests, NULL, NULL);
}
