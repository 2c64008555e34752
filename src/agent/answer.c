/* Reading of backends' answers; see answer.h. The events stand in PROTOCOL 4. */
#include "agent/answer.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

#define EVENT_TREE_MAX (16u << 20) /* bytes of one event as a tree */

static int on_event(const struct rp_sse_event *sse, void *arg);

void rp_answer_init(struct rp_answer *a, const struct rp_answer_params *p)
{
    *a = (struct rp_answer){.p = *p};
    /* A line of data is as long as its event, but for "data: ". */
    rp_sse_init(&a->sse, p->max_event + 64, p->max_event, on_event, a);
    rp_buf_init(&a->plain, p->max_event);
    rp_buf_init(&a->excerpt, RP_ANSWER_EXCERPT);
}

void rp_answer_fini(struct rp_answer *a)
{
    rp_sse_fini(&a->sse);
    rp_buf_fini(&a->plain);
    rp_buf_fini(&a->excerpt);
}

void rp_answer_stop(struct rp_answer *a)
{
    a->done = true;
}

static void give(struct rp_answer *a, enum rp_agent_event_type type, struct rp_str text)
{
    const struct rp_agent_event ev = {.type = type, .text = text, .status = a->status};

    if (!a->done)
        a->p.fn(&ev, a->p.arg);
}

void rp_answer_fail(struct rp_answer *a, const char *code, const char *why)
{
    const struct rp_agent_event ev = {
        .type = RP_AGENT_ERROR, .code = code, .why = a->why, .status = a->status};

    if (a->done)
        return;
    a->done = true;
    a->code = code;
    (void)snprintf(a->why, sizeof(a->why), "%s", why);
    a->p.fn(&ev, a->p.arg);
}

RP_PRINTF(3, 4)
static void failf(struct rp_answer *a, const char *code, const char *fmt, ...)
{
    char why[sizeof(a->why)];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    rp_answer_fail(a, code, why);
}

/* ---- text ---- */

static bool is_high_half(struct rp_str s)
{
    return s.len == 3 && (unsigned char)s.p[0] == 0xed && ((unsigned char)s.p[1] & 0xf0) == 0xa0;
}

static bool is_low_half(struct rp_str s)
{
    return s.len == 3 && (unsigned char)s.p[0] == 0xed && ((unsigned char)s.p[1] & 0xf0) == 0xb0;
}

static unsigned half_bits(const char *p)
{
    return ((unsigned char)p[1] & 0x0fu) << 6 | ((unsigned char)p[2] & 0x3fu);
}

static struct rp_str joined(char out[static 4], const char *high, const char *low)
{
    unsigned code = 0x10000 + (half_bits(high) << 10 | half_bits(low));

    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return rp_str_n(out, 4);
}

static void give_text(struct rp_answer *a, struct rp_str text)
{
    if (text.len > 0)
        give(a, RP_AGENT_TEXT, text);
}

/* A half whose other one did not come. */
static void flush_half(struct rp_answer *a)
{
    if (a->has_half)
        give_text(a, RP_STR("\xef\xbf\xbd"));
    a->has_half = false;
}

/* JavaScript's strings are UTF-16, and a backend that cuts a model's text at any index may put the
 * two halves of an emoji into two events: "\ud83d", then "\ude00". A half at the end of a piece
 * therefore waits for the next piece. */
static void on_text(struct rp_answer *a, struct rp_str text)
{
    char both[4];

    if (text.len == 0)
        return;
    if (a->has_half && is_low_half(rp_str_first(text, 3))) {
        a->has_half = false;
        give_text(a, joined(both, a->half, text.p));
        text = rp_str_from(text, 3);
    }
    flush_half(a);
    if (text.len >= 3 && is_high_half(rp_str_from(text, text.len - 3))) {
        text.len -= 3;
        memcpy(a->half, text.p + text.len, 3);
        a->has_half = true;
    }
    give_text(a, text);
}

/* ---- events ---- */

static void drop(struct rp_answer *a, const char *why)
{
    /* A rude backend may send thousands: the first tells it all, the count is in the record. */
    enum rp_log_level level = a->dropped++ ? RP_LOG_DEBUG : RP_LOG_WARN;

    rp_log("agent", level, &a->p.ctx, "an event of the answer was dropped: %s", why);
}

static void on_tts(struct rp_answer *a, const struct rp_json *content)
{
    struct rp_buf number;

    if (rp_json_is(content, RP_JSON_STRING)) {
        a->events++;
        on_text(a, content->string);
    } else if (rp_json_is(content, RP_JSON_NUMBER)) {
        a->events++;
        rp_buf_init(&number, 64);
        rp_json_write(&number, content);
        on_text(a, rp_buf_view(&number));
        rp_buf_fini(&number);
    } else {
        drop(a, "the content of response.tts is no text");
    }
}

static void on_data(struct rp_answer *a, const struct rp_json *content)
{
    struct rp_buf text;

    a->events++;
    rp_buf_init(&text, SIZE_MAX / 2); /* bounded by max_event: printing adds little */
    if (content)
        rp_json_write(&text, content);
    else
        (void)rp_buf_z(&text, "null"); /* JSON.stringify leaves out what is undefined */
    if (rp_buf_err(&text))
        rp_answer_fail(a, RP_AGENT_E_OWN, "the memory is exhausted");
    else
        give(a, RP_AGENT_JSON, rp_buf_view(&text));
    rp_buf_fini(&text);
}

static void finish(struct rp_answer *a)
{
    flush_half(a);
    give(a, RP_AGENT_END, RP_STR(""));
    a->done = true;
}

static void on_typed(struct rp_answer *a, struct rp_str type, const struct rp_json *ev)
{
    if (rp_str_eq_z(type, "response.tts")) {
        on_tts(a, rp_json_get(ev, "content"));
    } else if (rp_str_eq_z(type, "response.data")) {
        on_data(a, rp_json_get(ev, "content"));
    } else if (rp_str_eq_z(type, "response.end")) {
        a->events++;
        finish(a);
    } else if (rp_str_eq_z(type, "response.hangup")) {
        /* What the backend might still say after this is not to be heard (TURNS 20). */
        a->events++;
        flush_half(a);
        give(a, RP_AGENT_HANGUP, RP_STR(""));
        finish(a);
    } else if (rp_str_eq_z(type, "response.error")) {
        /* The text may be any exception of theirs, so it stays in the excerpt. */
        a->events++;
        rp_answer_fail(a, RP_AGENT_E_BACKEND, "the backend reported an error of its own");
    } else {
        drop(a, "its type is unknown");
    }
}

static bool of_this_turn(const struct rp_answer *a, const struct rp_json *turn_id)
{
    if (!turn_id || rp_json_is(turn_id, RP_JSON_NULL))
        return true;
    return rp_json_is(turn_id, RP_JSON_STRING) && rp_str_eq_z(turn_id->string, a->p.turn_id);
}

static int on_event(const struct rp_sse_event *sse, void *arg)
{
    struct rp_answer *a = arg;
    struct rp_json *ev = NULL;
    struct rp_arena arena;
    struct rp_str type;
    int err;

    rp_arena_init(&arena, EVENT_TREE_MAX);
    err = rp_json_parse(&ev, &arena, sse->data, NULL);
    type = rp_json_get_str(ev, "type");
    if (err == RP_ELIMIT)
        rp_answer_fail(a, RP_AGENT_E_LIMIT,
                       "an event of the answer is too deeply nested or too large");
    else if (err == RP_ENOMEM)
        rp_answer_fail(a, RP_AGENT_E_OWN, "the memory is exhausted");
    else if (err)
        drop(a, "it is not JSON");
    else if (!type.p)
        drop(a, "it has no type");
    else if (!of_this_turn(a, rp_json_get(ev, "turn_id")))
        drop(a, "it belongs to another turn");
    else
        on_typed(a, type, ev);
    rp_arena_fini(&arena);
    return a->done ? RP_EOF : 0;
}

/* ---- the whole ---- */

/* Type and subtype without parameters; case is left to the caller. */
static struct rp_str essence(struct rp_str content_type)
{
    return rp_str_trim(rp_str_split(&content_type, ';'));
}

static bool is_json(struct rp_str type)
{
    return rp_str_eq_nocase(type, RP_STR("application/json")) ||
           rp_str_eq_nocase(type, RP_STR("text/json")) ||
           (type.len > 5 && rp_str_eq_nocase(rp_str_from(type, type.len - 5), RP_STR("+json")));
}

static void copy_printable(char *out, size_t size, struct rp_str s)
{
    size_t n = RP_MIN(s.len, size - 1);

    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] > ' ' && s.p[i] < 127 && s.p[i] != '"' ? s.p[i] : '?';
    out[n] = '\0';
}

static void fail_status(struct rp_answer *a)
{
    if (a->status >= 300 && a->status < 400)
        rp_answer_fail(a, RP_AGENT_E_STATUS, "the answer is a redirect, which is not followed");
    else if (a->status == 401 || a->status == 403)
        rp_answer_fail(
            a, RP_AGENT_E_STATUS,
            "the backend refused the request; does it have this agent's webhook secret?");
    else if (a->status == 404 || a->status == 405)
        rp_answer_fail(a, RP_AGENT_E_STATUS,
                       "the backend does not take POST requests there; is the path right?");
    else
        rp_answer_fail(a, RP_AGENT_E_STATUS,
                       a->status >= 500 ? "the backend failed" : "the backend refused the request");
}

void rp_answer_headers(struct rp_answer *a, int status, struct rp_str content_type)
{
    struct rp_str type = essence(content_type);

    a->status = status;
    copy_printable(a->type, sizeof(a->type), type);
    if (status < 200 || status > 299) {
        a->mode = RP_ANSWER_FAILED;
        fail_status(a);
    } else if (rp_str_eq_nocase(type, RP_STR("text/event-stream"))) {
        a->mode = RP_ANSWER_STREAM;
    } else if (a->p.type == RP_AGENT_DATA && is_json(type)) {
        a->mode = RP_ANSWER_PLAIN;
    } else {
        a->mode = RP_ANSWER_OTHER;
    }
}

static void feed_stream(struct rp_answer *a, struct rp_str bytes)
{
    int err = rp_sse_feed(&a->sse, bytes);

    if (err == RP_ELIMIT)
        failf(a, RP_AGENT_E_LIMIT, "an event of the answer is larger than %zu bytes",
              a->p.max_event);
    else if (err && err != RP_EOF)
        rp_answer_fail(a, RP_AGENT_E_OWN, "the memory is exhausted");
}

void rp_answer_data(struct rp_answer *a, struct rp_str bytes)
{
    int err;

    if (bytes.len == 0)
        return;
    a->received += bytes.len;
    (void)rp_buf_str(&a->excerpt,
                     rp_str_first(bytes, RP_ANSWER_EXCERPT - a->excerpt.len)); /* or none */
    if (a->done)
        return;
    switch (a->mode) {
    case RP_ANSWER_STREAM:
        feed_stream(a, bytes);
        break;
    case RP_ANSWER_PLAIN:
        err = rp_buf_str(&a->plain, bytes);
        if (err == RP_ELIMIT)
            failf(a, RP_AGENT_E_LIMIT, "the answer is larger than %zu bytes", a->p.max_event);
        else if (err)
            rp_answer_fail(a, RP_AGENT_E_OWN, "the memory is exhausted");
        break;
    case RP_ANSWER_OTHER:
        failf(a, RP_AGENT_E_TYPE, "the answer has the content type \"%s\", not text/event-stream",
              a->type);
        break;
    case RP_ANSWER_WAITING:
    case RP_ANSWER_FAILED:
        break;
    }
}

static void end_plain(struct rp_answer *a)
{
    struct rp_json *value = NULL;
    struct rp_arena arena;
    struct rp_buf text;
    int err;

    if (rp_str_trim(rp_buf_view(&a->plain)).len == 0) {
        finish(a);
        return;
    }
    rp_arena_init(&arena, EVENT_TREE_MAX);
    rp_buf_init(&text, SIZE_MAX / 2); /* bounded by the answer itself */
    err = rp_json_parse(&value, &arena, rp_buf_view(&a->plain), NULL);
    if (!err) {
        rp_json_write(&text, value);
        err = rp_buf_err(&text);
    }
    if (err == RP_EPROTO) {
        rp_answer_fail(a, RP_AGENT_E_GARBAGE, "the answer says that it is JSON, but is not");
    } else if (err == RP_ELIMIT) {
        rp_answer_fail(a, RP_AGENT_E_LIMIT, "the answer is too deeply nested or too large");
    } else if (err) {
        rp_answer_fail(a, RP_AGENT_E_OWN, "the memory is exhausted");
    } else {
        a->events++;
        give(a, RP_AGENT_PLAIN, rp_buf_view(&text));
        finish(a);
    }
    rp_buf_fini(&text);
    rp_arena_fini(&arena);
}

static void end_stream(struct rp_answer *a)
{
    struct rp_str begin = rp_str_trim(rp_buf_view(&a->excerpt));

    if (rp_sse_partial(&a->sse))
        drop(a, "the stream ended before the blank line that completes it");
    /* Nothing, or comments alone to keep the connection open: the backend has nothing to say. */
    if (a->events > 0 || (a->dropped == 0 && (begin.len == 0 || begin.p[0] == ':')))
        finish(a);
    else if (a->dropped > 0)
        failf(a, RP_AGENT_E_GARBAGE, "the answer has no event that can be used; dropped: %u",
              a->dropped);
    else
        rp_answer_fail(a, RP_AGENT_E_GARBAGE, "the answer has no events, only other text");
}

void rp_answer_end(struct rp_answer *a)
{
    if (a->done)
        return;
    if (a->mode == RP_ANSWER_STREAM)
        end_stream(a);
    else if (a->mode == RP_ANSWER_PLAIN)
        end_plain(a);
    else if (a->mode == RP_ANSWER_OTHER)
        finish(a); /* nothing came: nothing to say */
    else
        rp_answer_fail(a, RP_AGENT_E_CUT, "there was no answer");
}
