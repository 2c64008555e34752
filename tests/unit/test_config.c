/* Tests of session/config: what is refused and how it is said, what is filled in, what comes out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "session/config.h"
#include "tests.h"

static int set_up(void **state)
{
    struct rp_arena *a = rp_zalloc(sizeof(*a));

    assert_non_null(a);
    rp_arena_init(a, 4u << 20);
    *state = a;
    return 0;
}

static int tear_down(void **state)
{
    rp_arena_fini(*state);
    rp_free(*state);
    return 0;
}

static struct rp_config_report report;

static int parse(struct rp_arena *a, const char *json, const struct rp_config **out)
{
    report = (struct rp_config_report){.nerrors = 0};
    return rp_config_parse_text(out, a, rp_str_z(json), NULL, &report);
}

static const struct rp_config *good(struct rp_arena *a, const char *json)
{
    const struct rp_config *c = NULL;

    if (parse(a, json, &c) != 0)
        fail_msg("%s: %s: %s", json, report.errors[0].path, report.errors[0].text);
    return c;
}

/* ---- bad configs ---- */

#define WRAP(inner)     "{\"clients\":{},\"plugins\":[" inner "]}"
#define PLUGIN(use, op) WRAP("{\"use\":\"" use "\",\"options\":{" op "}}")
#define HOOK(op)        PLUGIN("agent.webhook", op)
#define TURN(op)        PLUGIN("turn_manager", op)
#define ROOT(inner)     "{\"clients\":{},\"plugins\":[]," inner "}"

static const struct {
    const char *json, *message;
} bad[] = {
    {"", "is not JSON: the text ends where a value is expected (at byte 0)"},
    {"[]", "a config must be an object, not an array"},
    {"{}", "clients: is missing; plugins: is missing"},
    {"{\"clients\":null,\"plugins\":[]}", "clients: is missing"},
    {"{\"clients\":[],\"plugins\":{}}",
     "clients: must be an object, not an array; plugins: must be an array, not an object"},
    {"{\"clients\":{\"browser\":1},\"plugins\":[]}",
     "clients.browser: must be true, false or {\"enabled\": …}, not a number"},
    {"{\"clients\":{\"twilio\":{\"enabled\":\"yes\",\"x\":1}},\"plugins\":[]}",
     "clients.twilio.x: is not known here; the only key is: enabled; "
     "clients.twilio: must be true, false or {\"enabled\": …}, not a string"},
    {"{\"clients\":{\"phone\":true},\"plugins\":[]}",
     "clients.phone: is not known here; use one of: browser, twilio"},
    {ROOT("\"type\":\"text\""), "type: \"text\" is not known here; use one of: voice"},
    {ROOT("\"tpye\":\"voice\""),
     "tpye: is not known here; use one of: type, clients, plugins, metadata, session_webhook, "
     "session_duration_timeout_minutes, vad, recording"},
    {ROOT("\"metadata\":[1]"), "metadata: must be an object, not an array"},
    {ROOT("\"session_duration_timeout_minutes\":0"),
     "session_duration_timeout_minutes: must be a whole number from 1 to 1440, not 0"},
    {ROOT("\"session_duration_timeout_minutes\":1441"),
     "session_duration_timeout_minutes: must be a whole number from 1 to 1440, not 1441"},
    {ROOT("\"session_duration_timeout_minutes\":30.5"),
     "session_duration_timeout_minutes: must be a whole number from 1 to 1440, not 30.5"},
    {ROOT("\"session_duration_timeout_minutes\":1e999"),
     "session_duration_timeout_minutes: must be a whole number from 1 to 1440, not inf"},
    {ROOT("\"session_duration_timeout_minutes\":\"30\""),
     "session_duration_timeout_minutes: must be a whole number, not a string"},
    {ROOT("\"recording\":true"), "recording: must be an object, not a boolean"},
    {ROOT("\"recording\":{}"), "recording.enabled: is missing"},
    {ROOT("\"vad\":{\"positive_speech_threshold\":1.5}"),
     "vad.positive_speech_threshold: must be a number from 0 to 1, not 1.5"},
    {ROOT("\"vad\":{\"model\":\"v6\"}"),
     "vad.model: \"v6\" is not known here; use one of: v5, legacy"},
    {ROOT("\"vad\":{\"gate_audio\":\"no\"}"),
     "vad.gate_audio: must be true or false, not a string"},
    {ROOT("\"session_webhook\":{}"), "session_webhook.url: is missing"},
    {ROOT("\"session_webhook\":{\"url\":\"\"}"),
     "session_webhook.url: must begin with https:// or http://"},
    {ROOT("\"session_webhook\":{\"url\":\"https://e.x/\",\"events\":[\"message\",1]}"),
     "session_webhook.events[0]: \"message\" is not known here; use one of: session.start, "
     "session.end, session.update; session_webhook.events[1]: must be an event's name, not a "
     "number"},
    {WRAP("7"), "plugins[0]: must be {\"use\": name, \"options\": {…}}, not a number"},
    {WRAP("{}"), "plugins[0].use: must be the name of a plugin, such as \"agent.webhook\""},
    {WRAP("{\"use\":\"agent.webook\"}"),
     "plugins[0].use: \"agent.webook\" is no plugin; use one of: stt.local, stt.deepgram, "
     "stt.assemblyai, stt.openai, turn_manager, agent.webhook, agent.llm, agent.demo, tts.local, "
     "tts.rime, tts.cartesia, tts.elevenlabs, tts.inworld, tts.deepgram, tts.openai"},
    {WRAP("{\"use\":\"tts.local\"},{\"use\":\"tts.rime\"}"),
     "plugins[1].use: only one tts plugin is possible, and plugins[0] is one already"},
    {WRAP("{\"use\":\"agent.demo\"},{\"use\":\"agent.llm\"}"),
     "plugins[1].use: only one agent plugin is possible, and plugins[0] is one already"},
    {WRAP("{\"use\":\"tts.local\",\"option\":{}}"),
     "plugins[0].option: is not known here; use one of: use, options"},
    {WRAP("{\"use\":\"tts.local\",\"options\":[]}"),
     "plugins[0].options: must be an object, not an array"},
    {PLUGIN("agent.demo", "\"x\":1"),
     "plugins[0].options.x: is not known here; there are no options"},
    {PLUGIN("tts.local", "\"voice\":\"x\""),
     "plugins[0].options.voice: is not known here; use one of: model_id, language, "
     "api_key, voice_id"},
    {PLUGIN("stt.deepgram", "\"language\":\"a\\u0000b\""),
     "plugins[0].options.language: must not contain the character U+0000"},
    {PLUGIN("agent.llm", "\"provider\":\"\""),
     "plugins[0].options.provider: must not be empty; plugins[0].options.model_id: is missing"},
    {HOOK("\"url\":5"), "plugins[0].options.url: must be a string, not a number"},
    {HOOK("\"url\":\"ftp://x/\""), "plugins[0].options.url: must begin with https:// or http://"},
    {HOOK("\"url\":\"wss://x/\""), "plugins[0].options.url: must begin with https:// or http://"},
    {HOOK("\"url\":\"http://169.254.169.254/latest\""),
     "plugins[0].options.url: must not lead to a link-local address (169.254.0.0/16, fe80::/10): "
     "clouds keep secrets there"},
    {HOOK("\"url\":\"http://[fe80::1]/\""),
     "plugins[0].options.url: must not lead to a link-local address (169.254.0.0/16, fe80::/10): "
     "clouds keep secrets there"},
    {HOOK("\"url\":\"http://[::ffff:169.254.169.254]/\""),
     "plugins[0].options.url: must not lead to a link-local address (169.254.0.0/16, fe80::/10): "
     "clouds keep secrets there"},
    {HOOK("\"events\":\"message\""),
     "plugins[0].options.events: must be an array of event names, not a string"},
    {HOOK("\"events\":[\"hangup\"]"),
     "plugins[0].options.events[0]: \"hangup\" is not known here; use one of: message, data, "
     "welcome, session.start, session.end, session.update"},
    {HOOK("\"custom_headers\":{\"x-a\":1}"),
     "plugins[0].options.custom_headers: \"x-a\" must be a string"},
    {HOOK("\"custom_headers\":{\"x-a\":\"1\\r\\nx: y\"}"),
     "plugins[0].options.custom_headers: \"x-a\" may not contain line breaks or control "
     "characters"},
    {HOOK("\"custom_headers\":{\"Layercode-Signature\":\"t=0\"}"),
     "plugins[0].options.custom_headers: \"Layercode-Signature\" may not be set: Riposte sets it "
     "itself"},
    {HOOK("\"custom_metadata\":\"x\""),
     "plugins[0].options.custom_metadata: must be an object, not a string"},
    {HOOK("\"idle_timeout_ms\":5"),
     "plugins[0].options.idle_timeout_ms: must be a whole number from 100 to 600000, not 5"},
    {TURN("\"mode\":\"manual\""),
     "plugins[0].options.mode: must be \"automatic\" or \"push_to_talk\""},
    {TURN("\"can_interrupt\":1"), "plugins[0].options.can_interrupt: must be true or false"},
    {TURN("\"min_silence_ms\":99"),
     "plugins[0].options.min_silence_ms: must be a whole number from 100 to 5000"},
    {TURN("\"min_silence_ms\":2000,\"max_silence_ms\":1000"),
     "plugins[0].options.max_silence_ms: must not be less than min_silence_ms: 1000 is less than "
     "2000"},
    {TURN("\"fallback\":\"a\\u0000b\""),
     "plugins[0].options.fallback: must be a text of at most 500 bytes"},
};

static void bad_configs_are_refused_by_field(void **state)
{
    struct rp_arena *a = *state;
    struct rp_buf text;
    int wrong = 0;

    rp_buf_init(&text, 8192);
    for (size_t i = 0; i < RP_COUNT(bad); i++) {
        const struct rp_config *c = NULL;
        int err = parse(a, bad[i].json, &c);

        rp_buf_clear(&text);
        rp_config_report_text(&text, &report);
        if (err != RP_EPROTO || c || !text.p || strcmp(text.p, bad[i].message) != 0) {
            print_error("%s\n  gives %d: %s\n  wanted:  %s\n", bad[i].json, err,
                        text.p ? text.p : "", bad[i].message);
            wrong++;
        }
    }
    rp_buf_fini(&text);
    assert_int_equal(wrong, 0);
}

static void all_errors_up_to_a_bound_are_told(void **state)
{
    struct rp_arena *a = *state;
    const struct rp_config *c;
    struct rp_buf json, text;

    rp_buf_init(&json, 8192);
    rp_buf_init(&text, 65536);
    (void)rp_buf_z(&json, "{\"clients\":{},\"plugins\":[");
    for (int i = 0; i < 16; i++)
        (void)rp_buf_z(&json, i ? ",{\"a\":1,\"b\":2}" : "{\"a\":1,\"b\":2}");
    (void)rp_buf_z(&json, "]}");
    assert_int_equal(parse(a, json.p, &c), RP_EPROTO);
    assert_int_equal(report.nerrors, RP_CONFIG_FINDINGS);
    assert_int_equal(report.more_errors, 3 * 16 - RP_CONFIG_FINDINGS);
    rp_config_report_text(&text, &report);
    assert_true(rp_str_ends(rp_buf_view(&text), RP_STR("; and 16 more")));
    rp_buf_fini(&json);
    rp_buf_fini(&text);
}

static void keys_are_not_repeated_in_messages(void **state)
{
    const struct rp_config *c;
    struct rp_buf json;

    rp_buf_init(&json, 8192);
    (void)rp_buf_z(&json, "{\"clients\":{},\"plugins\":[{\"use\":\"tts.rime\",\"options\":"
                          "{\"api_key\":\"sk-secret");
    for (int i = 0; i < 1024; i++)
        (void)rp_buf_char(&json, 'x');
    (void)rp_buf_z(&json, "\"}}]}");
    assert_int_equal(parse(*state, json.p, &c), RP_EPROTO);
    assert_string_equal(report.errors[0].text, "is too long: 1024 bytes at most, not 1033");
    rp_buf_fini(&json);
}

/* ---- good ones ---- */

static void defaults_are_filled_in(void **state)
{
    const struct rp_config *c = good(*state, "{\"clients\":{},\"plugins\":[]}");

    assert_true(c->browser);
    assert_false(c->twilio);
    assert_null(c->metadata);
    assert_int_equal(c->max_duration_ms, 30 * 60000);
    assert_int_equal(c->recording, RP_CONFIG_RECORDING_DEFAULT);
    assert_int_equal(c->agent, RP_CONFIG_DEMO);
    assert_null(c->webhook.url.p);
    assert_int_equal(c->webhook.events, 0);
    assert_null(c->session_webhook.url.p);
    assert_int_equal(c->session_webhook.events, 0);
    assert_null(c->stt.provider.p);
    assert_false(c->vad.given);
    assert_false(c->vad.gate_audio);
    assert_int_equal(c->turn.mode, RP_TURN_AUTOMATIC);
    assert_int_equal(report.nwarnings, 0);
}

static void everything_is_taken_over(void **state)
{
    const struct rp_config *c = good(
        *state,
        "{\"type\":\"voice\",\"clients\":{\"browser\":{\"enabled\":false},\"twilio\":true},"
        "\"metadata\":{\"a\":[1]},\"recording\":{\"enabled\":true},"
        "\"session_duration_timeout_minutes\":1440,\"vad\":{\"gate_audio\":true,"
        "\"redemption_frames\":7},"
        "\"session_webhook\":{\"url\":\"https://a.example/s\",\"events\":[\"session.end\"],"
        "\"custom_headers\":{\"x-t\":\"1\"},\"custom_metadata\":{\"t\":1}},"
        "\"plugins\":[{\"use\":\"stt.local\",\"options\":{\"model_id\":\"tiny\","
        "\"language\":\"en\"}},{\"use\":\"turn_manager\",\"options\":{\"mode\":\"push_to_talk\","
        "\"disable_interruptions_during_welcome\":true,\"base_timeout_ms\":900,"
        "\"fallback\":\"Sorry.\"}},"
        "{\"use\":\"agent.webhook\",\"options\":{\"url\":\"http://127.0.0.1:3000/api\","
        "\"events\":[\"data\",\"welcome\",\"session.start\"],\"first_byte_timeout_ms\":5000,"
        "\"custom_headers\":{},\"custom_metadata\":{\"b\":null}}},"
        "{\"use\":\"tts.local\",\"options\":{\"voice_id\":\"slt\","
        "\"model_id\":null}}]}");

    assert_false(c->browser);
    assert_true(c->twilio);
    assert_non_null(rp_json_get(c->metadata, "a"));
    assert_int_equal(c->recording, RP_CONFIG_RECORDING_ON);
    assert_int_equal(c->max_duration_ms, 1440 * 60000);
    assert_true(c->vad.given && c->vad.gate_audio);
    assert_int_equal(c->vad.redemption_frames, 7);
    assert_int_equal(c->vad.frame_samples, 512);
    assert_string_equal(c->session_webhook.url.p, "https://a.example/s");
    assert_int_equal(c->session_webhook.events, RP_CONFIG_SESSION_END);
    assert_non_null(c->session_webhook.custom_headers);
    assert_string_equal(c->stt.provider.p, "local");
    assert_string_equal(c->stt.model_id.p, "tiny");
    assert_int_equal(c->turn.mode, RP_TURN_PUSH_TO_TALK);
    assert_true(c->turn.protect_greeting);
    assert_int_equal(c->turn.max_silence_ms, 900);
    assert_string_equal(c->turn.fallback, "Sorry.");
    assert_int_equal(c->agent, RP_CONFIG_WEBHOOK);
    assert_string_equal(c->webhook.url.p, "http://127.0.0.1:3000/api");
    assert_int_equal(c->webhook.events,
                     RP_CONFIG_MESSAGE | RP_CONFIG_DATA | RP_CONFIG_WELCOME); /* one greeting */
    assert_int_equal(c->webhook.first_byte_timeout_ms, 5000);
    assert_int_equal(c->webhook.idle_timeout_ms, 0);
    assert_null(c->webhook.custom_headers);
    assert_string_equal(c->tts.voice_id.p, "slt");
    assert_null(c->tts.model_id.p);
}

static void agents_and_their_events(void **state)
{
    struct rp_arena *a = *state;
    const struct rp_config *c = good(a, HOOK("\"url\":\"https://e.x/\""));

    assert_int_equal(c->webhook.events, RP_CONFIG_MESSAGE | RP_CONFIG_SESSION_START);
    c = good(a, HOOK("\"url\":\"https://e.x/\",\"events\":[]"));
    assert_int_equal(c->webhook.events, RP_CONFIG_MESSAGE);
    c = good(a, HOOK("\"url\":\"https://e.x/\",\"events\":[\"session.end\",\"session.start\"]"));
    assert_int_equal(c->webhook.events,
                     RP_CONFIG_MESSAGE | RP_CONFIG_SESSION_START | RP_CONFIG_SESSION_END);
    c = good(a, HOOK("\"url\":\"\""));
    assert_int_equal(c->agent, RP_CONFIG_DEMO);
    c = good(a, ROOT("\"session_webhook\":{\"url\":\"https://e.x/\"}"));
    assert_int_equal(c->session_webhook.events,
                     RP_CONFIG_SESSION_START | RP_CONFIG_SESSION_END | RP_CONFIG_SESSION_UPDATE);
}

static bool has_rime(struct rp_str provider, void *arg)
{
    (void)arg;
    return rp_str_eq_z(provider, "rime") || rp_str_eq_z(provider, "local");
}

static void providers_without_engine_are_warned_about(void **state)
{
    static const char json[] =
        WRAP("{\"use\":\"stt.deepgram\"},{\"use\":\"tts.rime\"},"
             "{\"use\":\"agent.llm\",\"options\":{\"provider\":\"p\",\"model_id\":\"m\"}}");
    struct rp_arena *a = *state;
    struct rp_config_rules rules = {.has_tts = has_rime};
    const struct rp_config *c = NULL;

    report = (struct rp_config_report){.nerrors = 0};
    assert_int_equal(rp_config_parse_text(&c, a, rp_str_z(json), &rules, &report), 0);
    assert_int_equal(report.nwarnings, 2);
    assert_string_equal(report.warnings[0].path, "plugins[0].use");
    assert_string_equal(
        report.warnings[0].text,
        "this server has no engine or key for \"deepgram\": sessions use local recognition");
    assert_string_equal(report.warnings[1].path, "plugins[2].use");

    rules.strict = true;
    report = (struct rp_config_report){.nerrors = 0};
    assert_int_equal(rp_config_parse_text(&c, a, rp_str_z(json), &rules, &report), RP_EPROTO);
    assert_int_equal(report.nerrors, 2);
    assert_string_equal(report.errors[0].text,
                        "this server has no engine or key for \"deepgram\"; use \"local\", or "
                        "switch RIPOSTE_STRICT_ENGINES off");
}

static void templates_are_valid(void **state)
{
    size_t n = 0;

    for (const struct rp_config_template *t; (t = rp_config_template_get(n)); n++) {
        (void)good(*state, t->config);
        assert_int_equal(report.nwarnings, 0);
        assert_string_equal(rp_config_template(t->id).p, t->config);
    }
    assert_true(n >= 2);
    assert_non_null(rp_config_template(NULL).p);
    assert_null(rp_config_template("none").p);
}

static void assert_client(const struct rp_config *c, const char *wanted)
{
    struct rp_buf b;
    struct rp_jw w = {.b = &b};

    rp_buf_init(&b, 4096);
    rp_config_write_client(&w, c);
    assert_string_equal(b.p, wanted);
    rp_buf_fini(&b);
}

static void clients_are_told_what_they_read(void **state)
{
    assert_client(good(*state, WRAP("")),
                  "{\"transcription\":{\"trigger\":\"automatic\",\"automatic\":true,"
                  "\"can_interrupt\":true},\"vad\":{\"enabled\":true,\"gate_audio\":false,"
                  "\"buffer_frames\":10,\"model\":\"v5\",\"positive_speech_threshold\":0.15,"
                  "\"negative_speech_threshold\":0.05,\"redemption_frames\":4,"
                  "\"min_speech_frames\":2,\"pre_speech_pad_frames\":0,\"frame_samples\":512}}");
    assert_client(good(*state, "{\"clients\":{},\"vad\":{\"enabled\":false,\"gate_audio\":true,"
                               "\"buffer_frames\":3,\"frame_samples\":1536},\"plugins\":[{\"use\":"
                               "\"turn_manager\",\"options\":{\"mode\":\"push_to_talk\","
                               "\"can_interrupt\":false}}]}"),
                  "{\"transcription\":{\"trigger\":\"push_to_talk\",\"automatic\":false,"
                  "\"can_interrupt\":false},\"vad\":{\"enabled\":false,\"gate_audio\":true,"
                  "\"buffer_frames\":3,\"model\":\"v5\",\"positive_speech_threshold\":0.15,"
                  "\"negative_speech_threshold\":0.05,\"redemption_frames\":4,"
                  "\"min_speech_frames\":2,\"pre_speech_pad_frames\":0,\"frame_samples\":1536}}");
}

/* docs/config.md holds a table made of the rows; RP_WRITE_DOCS=1 writes it anew. */
static void docs_agree_with_the_table(void **state)
{
    static const char begin[] = "<!-- table: begin -->\n", end[] = "<!-- table: end -->";
    struct rp_buf table;
    size_t len;
    char *doc = test_read_file(RP_SOURCE_DIR "/docs/config.md", &len);
    char *from = strstr(doc, begin), *to = strstr(doc, end);

    (void)state;
    assert_non_null(from);
    assert_non_null(to);
    from += sizeof(begin) - 1;
    rp_buf_init(&table, 65536);
    (void)rp_buf_z(&table, "| field | type | accepted | default | meaning |\n"
                           "| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < rp_config_row_count(); i++) {
        struct rp_config_row r;

        rp_config_row_get(i, &r);
        (void)rp_buf_printf(&table, "| `%s` | %s | ", r.path, r.type);
        for (const char *c = r.range; *c; c++)
            (void)rp_buf_z(&table, *c == '|' ? ", " : (char[]){*c, '\0'});
        (void)rp_buf_z(&table, " | ");
        for (const char *c = r.fallback; *c; c++)
            (void)rp_buf_z(&table, *c == '|' ? ", " : (char[]){*c, '\0'});
        (void)rp_buf_printf(&table, " | %s |\n", r.help);
    }
    if (getenv("RP_WRITE_DOCS")) {
        FILE *f = fopen(RP_SOURCE_DIR "/docs/config.md", "wb");
        assert_non_null(f);
        (void)fwrite(doc, 1, (size_t)(from - doc), f);
        (void)fwrite(table.p, 1, table.len, f);
        (void)fwrite(to, 1, strlen(to), f);
        assert_int_equal(fclose(f), 0);
    } else if ((size_t)(to - from) != table.len || memcmp(from, table.p, table.len) != 0) {
        fail_msg("docs/config.md is not what the table says: run build/tests/unit/unit config "
                 "with RP_WRITE_DOCS=1");
    }
    rp_buf_fini(&table);
    rp_free(doc);
}

int test_config(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(bad_configs_are_refused_by_field),
        TEST(all_errors_up_to_a_bound_are_told),
        TEST(keys_are_not_repeated_in_messages),
        TEST(defaults_are_filled_in),
        TEST(everything_is_taken_over),
        TEST(agents_and_their_events),
        TEST(providers_without_engine_are_warned_about),
        TEST(templates_are_valid),
        TEST(clients_are_told_what_they_read),
        TEST(docs_agree_with_the_table),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
