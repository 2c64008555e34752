/* Tests of agent/answer: what a backend's answer, well-formed or not, becomes. */
#include <stdio.h>

#include "agent/answer.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests.h"

/* Events are written down as T<text> J<json> P<json> H E and !<code>, each followed by '|'; NUL is
 * written as ~. */
struct trace {
    struct rp_buf text;
    struct rp_answer *answer;
    int stop_after; /* events; 0: never */
};

static void on_event(const struct rp_agent_event *ev, void *arg)
{
    static const char letters[] = {
        [RP_AGENT_TEXT] = 'T',   [RP_AGENT_JSON] = 'J', [RP_AGENT_PLAIN] = 'P',
        [RP_AGENT_HANGUP] = 'H', [RP_AGENT_END] = 'E',  [RP_AGENT_ERROR] = '!'};
    struct trace *t = arg;

    (void)rp_buf_char(&t->text, letters[ev->type]);
    if (ev->type == RP_AGENT_ERROR) {
        assert_true(strlen(ev->why) > 0);
        (void)rp_buf_z(&t->text, ev->code);
    } else {
        for (size_t i = 0; i < ev->text.len; i++)
            (void)rp_buf_char(&t->text, ev->text.p[i] ? ev->text.p[i] : '~');
    }
    (void)rp_buf_char(&t->text, '|');
    if (t->stop_after > 0 && --t->stop_after == 0)
        rp_answer_stop(t->answer);
}

struct answer_case {
    const char *name;
    enum rp_agent_type type;
    int status;
    const char *content_type;
    struct rp_str body;
    const char *events;
};

#define SSE        "text/event-stream"
#define MSG        RP_AGENT_MESSAGE, 200, SSE
#define LINE(json) "data: " json "\n\n"

static const struct answer_case cases[] = {
    {"an ordinary answer", MSG,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"Hi \",\"turn_id\":\"t1\"}") LINE(
         "{\"type\":\"response.data\",\"content\":{\"b\":1e2,\"1\":[null]},\"turn_id\":\"t1\"}")
                LINE("{\"type\":\"response.tts\",\"content\":\"you.\",\"turn_id\":\"t1\"}")
                    LINE("{\"type\":\"response.end\",\"turn_id\":\"t1\"}")),
     "THi |J{\"1\":[null],\"b\":100}|Tyou.|E|"},
    {"type with parameters and case", RP_AGENT_MESSAGE, 201, "Text/Event-Stream ; charset=UTF-8",
     RP_STR(LINE("{\"type\":\"response.end\"}")), "E|"},
    {"a stream that just closes", MSG,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"a\"}")), "Ta|E|"},
    {"nothing at all", MSG, RP_STR(""), "E|"},
    {"comments alone", MSG, RP_STR(": keep-alive\n\n:\n"), "E|"},
    {"bytes after the end", MSG,
     RP_STR(LINE("{\"type\":\"response.end\"}")
                LINE("{\"type\":\"response.tts\",\"content\":\"late\"}")),
     "E|"},
    {"byte order mark, CRLF, comments, names, ids", MSG,
     RP_STR("\xef\xbb\xbf: hello\r\nid: 7\r\nevent: x\r\ndata: {\"type\":\r\ndata: "
            "\"response.tts\",\"content\":\"a\\nb\"}\r\n\r\n"),
     "Ta\nb|E|"},
    {"no type", MSG,
     RP_STR(LINE("{\"textToBeShown\":\"x\"}")
                LINE("{\"type\":\"response.tts\",\"content\":\"a\"}")),
     "Ta|E|"},
    {"a closing mark as other streams have it", MSG,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"a\"}") LINE("[DONE]")), "Ta|E|"},
    {"events of another turn", MSG,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"old\",\"turn_id\":\"t0\"}")
                LINE("{\"type\":\"response.end\",\"turn_id\":\"t0\"}")
                    LINE("{\"type\":\"response.tts\",\"content\":\"odd\",\"turn_id\":1}")
                        LINE("{\"type\":\"response.tts\",\"content\":\"new\",\"turn_id\":null}")),
     "Tnew|E|"},
    {"text that is none", MSG,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":null}") LINE("{\"type\":\"response.tts\"}")
                LINE("{\"type\":\"response.tts\",\"content\":{\"a\":1}}")
                    LINE("{\"type\":\"response.tts\",\"content\":42.50}")
                        LINE("{\"type\":\"response.tts\",\"content\":\"\"}")),
     "T42.5|E|"},
    {"data of every kind", MSG,
     RP_STR(LINE("{\"type\":\"response.data\",\"content\":null}")
                LINE("{\"type\":\"response.data\"}")
                    LINE("{\"type\":\"response.data\",\"content\":\"\\ud800\"}")),
     "Jnull|Jnull|J\"\\ud800\"|E|"},
    {"an unknown type", MSG,
     RP_STR(LINE("{\"type\":\"response.dance\"}") LINE("{\"type\":\"response.end\"}")), "E|"},
    {"hang up", MSG,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"Bye.\"}") LINE(
         "{\"type\":\"response.hangup\"}") LINE("{\"type\":\"response.tts\",\"content\":\"x\"}")),
     "TBye.|H|E|"},
    {"an error of the backend", MSG,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"a\"}")
                LINE("{\"type\":\"response.error\",\"error\":\"boom\"}")),
     "Ta|!backend_error|"},
    {"an emoji cut in two", MSG,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"hi \\ud83d\"}")
                LINE("{\"type\":\"response.tts\",\"content\":\"\"}")
                    LINE("{\"type\":\"response.tts\",\"content\":\"\\ude00!\"}")),
     "Thi |T\xf0\x9f\x98\x80|T!|E|"},
    {"halves without their other half", MSG,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"a\\ud83d\"}")
                LINE("{\"type\":\"response.tts\",\"content\":\"b\\ud83d\"}")),
     "Ta|T\xef\xbf\xbd|Tb|T\xef\xbf\xbd|E|"},
    {"bytes that are no UTF-8", MSG,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"a\xff\"}")), "Ta\xef\xbf\xbd|E|"},
    {"NUL in the text", MSG, RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"a\\u0000b\"}")),
     "Ta~b|E|"},
    {"the blank line is missing", MSG,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"a\"}") "data: "
                                                                  "{\"type\":\"response.tts\","
                                                                  "\"content\":\"b\"}\n"),
     "Ta|E|"},
    {"only events of another turn", MSG,
     RP_STR(LINE("{\"type\":\"response.end\",\"turn_id\":\"t0\"}")), "!bad_answer|"},
    {"garbage in the right type", MSG, RP_STR("\x00\x01\xfe\nhello\n\n\r\r"), "!bad_answer|"},
    {"a page in the right type", MSG, RP_STR("<html>\n\n</html>"), "!bad_answer|"},
    {"JSON that is no object", MSG, RP_STR(LINE("[1]") LINE("\"x\"") LINE("3")), "!bad_answer|"},
    {"a status with an explanation", RP_AGENT_MESSAGE, 500, "text/plain", RP_STR("oh no"),
     "!bad_status|"},
    {"an error that says it streams", RP_AGENT_MESSAGE, 404, SSE,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"a\"}")), "!bad_status|"},
    {"a redirect", RP_AGENT_WELCOME, 302, "", RP_STR(""), "!bad_status|"},
    {"another type", RP_AGENT_MESSAGE, 200, "text/html; charset=utf-8", RP_STR("<p>Hi"),
     "!bad_content_type|"},
    {"JSON to a message", RP_AGENT_MESSAGE, 200, "application/json", RP_STR("{}"),
     "!bad_content_type|"},
    {"another type and nothing in it", RP_AGENT_MESSAGE, 204, "", RP_STR(""), "E|"},
    {"an empty page", RP_AGENT_WELCOME, 200, "text/html", RP_STR(""), "E|"},
    {"JSON to data", RP_AGENT_DATA, 200, "application/json; charset=utf-8",
     RP_STR(" {\"b\": 1.0, \"b\": 2, \"0\": \"\\/\"}\n"), "P{\"0\":\"/\",\"b\":2}|E|"},
    {"a JSON dialect to data", RP_AGENT_DATA, 202, "application/problem+JSON", RP_STR("7"),
     "P7|E|"},
    {"empty JSON to data", RP_AGENT_DATA, 200, "application/json", RP_STR(" \n"), "E|"},
    {"an empty answer to data", RP_AGENT_DATA, 204, "", RP_STR(""), "E|"},
    {"a stream to data", RP_AGENT_DATA, 200, SSE,
     RP_STR(LINE("{\"type\":\"response.tts\",\"content\":\"a\"}")), "Ta|E|"},
    {"text to data", RP_AGENT_DATA, 200, "text/plain", RP_STR("OK"), "!bad_content_type|"},
    {"garbage to data", RP_AGENT_DATA, 200, "application/json", RP_STR("{oops"), "!bad_answer|"},
};

/* Feeds the body in two pieces, or with `step` in pieces of that many bytes. */
static char *run(const struct answer_case *c, size_t split, size_t step, size_t max_event,
                 int stop_after)
{
    struct rp_answer a;
    struct trace t = {.answer = &a, .stop_after = stop_after};
    const struct rp_answer_params p = {
        .type = c->type, .turn_id = "t1", .max_event = max_event, .fn = on_event, .arg = &t};
    char *text;

    rp_buf_init(&t.text, 1u << 20);
    rp_answer_init(&a, &p);
    rp_answer_headers(&a, c->status, rp_str_z(c->content_type));
    if (step) {
        for (size_t at = 0; at < c->body.len; at += step)
            rp_answer_data(&a, rp_str_first(rp_str_from(c->body, at), step));
    } else {
        rp_answer_data(&a, rp_str_first(c->body, split));
        rp_answer_data(&a, rp_str_from(c->body, split));
    }
    rp_answer_end(&a);
    rp_answer_end(&a); /* harmless */
    rp_answer_fail(&a, RP_AGENT_E_CUT, "too late");
    assert_int_equal(a.received, c->body.len);
    assert_int_equal(a.excerpt.len, RP_MIN(c->body.len, RP_ANSWER_EXCERPT));
    rp_answer_fini(&a);
    text = rp_buf_take(&t.text);
    assert_non_null(text);
    return text;
}

static void every_case_split_everywhere(void **state)
{
    (void)state;
    (void)rp_log_set(RP_LOG_ERROR, NULL); /* dropped events are the subject here */
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        const struct answer_case *c = &cases[i];
        for (size_t split = 0; split <= c->body.len; split++) {
            char *events = run(c, split, 0, 1u << 20, 0);
            if (strcmp(events, c->events) != 0)
                fail_msg("%s, split at %zu: %s", c->name, split, events);
            rp_free(events);
        }
        for (size_t step = 1; step <= 3; step++) {
            char *events = run(c, 0, step, 1u << 20, 0);
            if (strcmp(events, c->events) != 0)
                fail_msg("%s, %zu bytes at a time: %s", c->name, step, events);
            rp_free(events);
        }
    }
    (void)rp_log_set(RP_LOG_WARN, NULL);
}

static void what_is_too_large_ends_the_turn(void **state)
{
    static char long_line[5000];
    struct answer_case c = {"a line without end", MSG, {long_line, sizeof(long_line)}, NULL};
    char *events;

    (void)state;
    memset(long_line, 'a', sizeof(long_line));
    memcpy(long_line, "data: ", 6);
    for (size_t step = 1; step <= 5000; step *= 10) {
        events = run(&c, 0, step, 1000, 0);
        assert_string_equal(events, "!answer_too_large|");
        rp_free(events);
    }
    c.type = RP_AGENT_DATA;
    c.content_type = "application/json";
    events = run(&c, 0, 100, 1000, 0);
    assert_string_equal(events, "!answer_too_large|");
    rp_free(events);
}

static void a_deep_event_ends_the_turn(void **state)
{
    struct answer_case c = {"deep", MSG, {NULL, 0}, NULL};
    struct rp_buf body;
    char *events;

    (void)state;
    rp_buf_init(&body, 1u << 20);
    (void)rp_buf_z(&body, "data: {\"type\":\"response.data\",\"content\":");
    for (int i = 0; i < 100; i++)
        (void)rp_buf_char(&body, '[');
    for (int i = 0; i < 100; i++)
        (void)rp_buf_char(&body, ']');
    (void)rp_buf_z(&body, "}\n\n");
    c.body = rp_buf_view(&body);
    events = run(&c, 0, 7, 1u << 20, 0);
    assert_string_equal(events, "!answer_too_large|");
    rp_free(events);
    rp_buf_fini(&body);
}

static void stopping_inside_an_event_is_final(void **state)
{
    char *events;

    (void)state;
    events = run(&cases[0], 0, 0, 1u << 20, 2);
    assert_string_equal(events, "THi |J{\"1\":[null],\"b\":100}|");
    rp_free(events);
}

static void memory_may_fail_at_any_point(void **state)
{
    struct trace t;
    struct rp_answer a;
    const struct answer_case *c = &cases[0];
    bool failed = true;

    (void)state;
    for (uint64_t n = 1; failed; n++) {
        const struct rp_answer_params p = {
            .type = c->type, .turn_id = "t1", .max_event = 4096, .fn = on_event, .arg = &t};
        t = (struct trace){.answer = &a};
        rp_buf_init(&t.text, 1u << 20);
        rp_answer_init(&a, &p);
        /* The trace must not be what fails: its memory comes first. */
        assert_int_equal(rp_buf_z(&t.text, "................................................"), 0);
        (void)rp_buf_z(&t.text, "................................................................");
        rp_buf_clear(&t.text);
        rp_mem_fail_after(n);
        rp_answer_headers(&a, c->status, rp_str_z(c->content_type));
        for (size_t at = 0; at < c->body.len; at += 10)
            rp_answer_data(&a, rp_str_first(rp_str_from(c->body, at), 10));
        rp_answer_end(&a);
        rp_mem_fail_after(0);
        failed = strcmp(t.text.p, c->events) != 0;
        if (failed) /* then it says so, last */
            assert_true(rp_str_ends(rp_buf_view(&t.text), RP_STR("!internal_error|")));
        rp_answer_fini(&a);
        rp_buf_fini(&t.text);
        assert_true(n < 100);
    }
}

int test_answer(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_split_everywhere),
        cmocka_unit_test(what_is_too_large_ends_the_turn),
        cmocka_unit_test(a_deep_event_ends_the_turn),
        cmocka_unit_test(stopping_inside_an_event_is_final),
        cmocka_unit_test(memory_may_fail_at_any_point),
    };
    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
