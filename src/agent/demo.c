/* The demo agent; see demo.h. What it understands is a table of phrases, matched on whole words
 * without case or punctuation, since its input comes out of speech recognition. */
#include "agent/demo.h"

#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define WORD_US    20000
#define ANSWER_MAX (1u << 20)

struct demo {
    struct rp_agent base;
    struct rp_agent_demo_params p;
    struct rp_list calls;
};

/* An answer is a text, with data for the client somewhere inside. */
struct call {
    struct rp_agent_call base;
    struct demo *owner;
    struct rp_node node;
    rp_agent_event_fn *cb;
    void *arg;
    struct rp_timer next;
    int64_t started_us, first_us; /* first_us: -1 before the first event */
    struct rp_buf text, json;
    size_t at;      /* what of the text was given */
    size_t json_at; /* where the data belongs */
    bool has_json;  /* and was not given yet */
    bool plain;     /* the data is the whole answer */
    bool hangup;
    bool over; /* END was given, or is being given */
};

/* ---- what was said ---- */

enum intent { ECHO, GOODBYE, TIME, DATA, HELP };

static const struct {
    enum intent intent;
    const char *phrase;
    size_t max_words; /* in longer utterances the phrase is talk, not a wish */
} phrases[] = {
    {GOODBYE, "goodbye", 6},
    {GOODBYE, "good bye", 6},
    {GOODBYE, "bye", 6},
    {GOODBYE, "bye bye", 6},
    {GOODBYE, "hang up", 7},
    {GOODBYE, "end the call", 8},
    {TIME, "time is it", 12},
    {TIME, "the time is", 8},
    {TIME, "is the time", 10},
    {TIME, "whats the time", 10},
    {TIME, "me the time", 10},
    {TIME, "have the time", 10},
    {TIME, "know the time", 10},
    {TIME, "time please", 6},
    {DATA, "send data", 8},
    {DATA, "send me data", 8},
    {DATA, "send some data", 8},
    {DATA, "send me some data", 8},
    {DATA, "send the data", 8},
    {DATA, "show me data", 8},
    {DATA, "show me some data", 8},
    {DATA, "give me data", 8},
    {DATA, "give me some data", 8},
    {DATA, "data please", 6},
    {HELP, "help", 4},
    {HELP, "what can you do", 8},
    {HELP, "who are you", 6},
};

/* Letters and digits in lower case, one space before, between and after the words; apostrophes join
 * ("what's" and "whats" are the same to a recogniser). Gives the number of words. */
static size_t plain_words(struct rp_buf *out, struct rp_str text)
{
    size_t words = 0;
    bool inside = false;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c + ('a' - 'A'));
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80) {
            if (!inside) {
                (void)rp_buf_char(out, ' ');
                words++;
            }
            inside = true;
            (void)rp_buf_char(out, (char)c);
        } else if (c != '\'') {
            inside = false;
        }
    }
    (void)rp_buf_char(out, ' ');
    return words;
}

static bool has_phrase(struct rp_str words, const char *phrase)
{
    size_t len = strlen(phrase);

    for (size_t i = 0; i + len + 2 <= words.len; i++)
        if (words.p[i] == ' ' && words.p[i + 1 + len] == ' ' &&
            memcmp(words.p + i + 1, phrase, len) == 0)
            return true;
    return false;
}

static enum intent understand(struct rp_str text)
{
    enum intent found = ECHO;
    struct rp_buf words;
    size_t n;

    rp_buf_init(&words, 2 * text.len + 2);
    n = plain_words(&words, text);
    for (size_t i = 0; i < RP_COUNT(phrases) && found == ECHO && !rp_buf_err(&words); i++)
        if (n <= phrases[i].max_words && has_phrase(rp_buf_view(&words), phrases[i].phrase))
            found = phrases[i].intent;
    rp_buf_fini(&words);
    return found;
}

/* ---- what is answered ---- */

static int64_t wall_ms(const struct demo *d)
{
    return d->p.wall_ms ? d->p.wall_ms() : rp_wall_ms();
}

static void say_time(struct call *c)
{
    time_t now = (time_t)(wall_ms(c->owner) / 1000);
    struct tm tm;

    if (!localtime_r(&now, &tm)) {
        (void)rp_buf_z(&c->text, "My clock has stopped.");
        return;
    }
    (void)rp_buf_printf(&c->text, "It is %d:%02d %s.", (tm.tm_hour + 11) % 12 + 1, tm.tm_min,
                        tm.tm_hour < 12 ? "AM" : "PM");
}

static void send_data(struct call *c, struct rp_str said)
{
    struct rp_jw w = {.b = &c->json};
    char iso[RP_ISO_TIME_LEN];

    (void)rp_buf_z(&c->text, "Here is some data for you. ");
    c->json_at = c->text.len;
    c->has_json = true;
    (void)rp_buf_z(&c->text, "It should be on your screen now.");
    rp_jw_obj(&w);
    rp_jw_key_str(&w, "you_said", said);
    rp_jw_key_z(&w, "time", rp_iso_time(iso, wall_ms(c->owner)));
    rp_jw_end(&w);
}

static void answer_message(struct call *c, struct rp_str said)
{
    switch (understand(said)) {
    case GOODBYE:
        (void)rp_buf_z(&c->text, "Goodbye. It was nice to talk to you.");
        c->hangup = true;
        break;
    case TIME:
        say_time(c);
        break;
    case DATA:
        send_data(c, said);
        break;
    case HELP:
        (void)rp_buf_z(&c->text,
                       "I am the demo agent of Riposte. I repeat what you say. You can also "
                       "ask me for the time, ask me to send data, or say goodbye.");
        break;
    case ECHO:
        (void)rp_buf_z(&c->text, "You said: ");
        (void)rp_buf_str(&c->text, said);
        break;
    }
}

static void echo_data(struct call *c, struct rp_str data_json)
{
    struct rp_jw w = {.b = &c->json};

    c->plain = c->has_json = true;
    rp_jw_obj(&w);
    rp_jw_key(&w, "echo");
    rp_jw_raw(&w, data_json);
    rp_jw_end(&w);
}

static int compose(struct call *c, const struct rp_agent_request *req)
{
    switch (req->type) {
    case RP_AGENT_WELCOME:
    case RP_AGENT_SESSION_START:
        (void)rp_buf_z(&c->text, "Hello, this is Riposte. Say something, and I will repeat it.");
        break;
    case RP_AGENT_MESSAGE:
        answer_message(c, req->text);
        break;
    case RP_AGENT_DATA:
        echo_data(c, req->data_json);
        break;
    }
    return rp_buf_err(&c->text) ? rp_buf_err(&c->text) : rp_buf_err(&c->json);
}

/* ---- giving it, word by word ---- */

static void free_call(struct call *c)
{
    rp_timer_stop(&c->next);
    rp_list_remove(&c->node);
    rp_buf_fini(&c->text);
    rp_buf_fini(&c->json);
    rp_free(c);
}

/* The callback may cancel the call or close the agent, so the caller touches neither afterwards. */
static void give(struct call *c, enum rp_agent_event_type type, struct rp_str text)
{
    struct rp_agent_event ev = {.type = type, .text = text};

    if (c->first_us < 0)
        c->first_us = rp_now_us() - c->started_us;
    ev.first_byte_us = c->first_us;
    c->cb(&c->base, &ev, c->arg);
}

/* Up to and with the next space. */
static struct rp_str next_word(struct call *c)
{
    struct rp_str rest = rp_str_from(rp_buf_view(&c->text), c->at), word;
    ptrdiff_t space = rp_str_find(rest, ' ');

    word = space < 0 ? rest : rp_str_first(rest, (size_t)space + 1);
    c->at += word.len;
    return word;
}

static void step(struct rp_timer *t)
{
    struct call *c = RP_CONTAINER_OF(t, struct call, next);
    int64_t word_us = c->owner->p.word_us;

    if (c->has_json && c->at == c->json_at) {
        c->has_json = false;
        rp_timer_start(&c->next, 0);
        give(c, c->plain ? RP_AGENT_PLAIN : RP_AGENT_JSON, rp_buf_view(&c->json));
    } else if (c->at < c->text.len) {
        rp_timer_start(&c->next, word_us);
        give(c, RP_AGENT_TEXT, next_word(c));
    } else if (c->hangup) {
        c->hangup = false;
        rp_timer_start(&c->next, 0);
        give(c, RP_AGENT_HANGUP, RP_STR(""));
    } else {
        c->over = true;
        rp_list_remove(&c->node);
        give(c, RP_AGENT_END, RP_STR(""));
        free_call(c);
    }
}

static int demo_request(struct rp_agent_call **out, struct rp_agent *a,
                        const struct rp_agent_request *req, rp_agent_event_fn *cb, void *arg)
{
    struct demo *d = RP_CONTAINER_OF(a, struct demo, base);
    struct call *c;
    int err;

    RP_ON_LOOP(d->p.loop);
    c = rp_zalloc(sizeof(*c));
    if (!c)
        return RP_ENOMEM;
    c->base.agent = a;
    c->owner = d;
    c->cb = cb;
    c->arg = arg;
    c->started_us = rp_now_us();
    c->first_us = -1;
    rp_buf_init(&c->text, ANSWER_MAX);
    rp_buf_init(&c->json, 2 * ANSWER_MAX + req->data_json.len);
    rp_timer_init(&c->next, d->p.loop, step);
    rp_list_append(&d->calls, &c->node);
    err = compose(c, req);
    if (err) {
        free_call(c);
        return err;
    }
    rp_timer_start(&c->next, d->p.word_us);
    *out = &c->base;
    return 0;
}

static void demo_cancel(struct rp_agent_call *call)
{
    struct call *c = RP_CONTAINER_OF(call, struct call, base);

    if (!c->over)
        free_call(c);
}

static void demo_pause(struct rp_agent_call *call, bool paused)
{
    struct call *c = RP_CONTAINER_OF(call, struct call, base);

    if (c->over)
        return;
    if (paused)
        rp_timer_stop(&c->next);
    else if (!c->next.armed)
        rp_timer_start(&c->next, c->owner->p.word_us);
}

static void demo_close(struct rp_agent *a)
{
    struct demo *d = RP_CONTAINER_OF(a, struct demo, base);

    RP_ON_LOOP(d->p.loop);
    RP_LIST_EACH(&d->calls, struct call, c, node)
        free_call(c);
    rp_free(d);
}

static const struct rp_agent_ops demo_ops = {
    .request = demo_request,
    .cancel = demo_cancel,
    .pause = demo_pause,
    .close = demo_close,
};

int rp_agent_demo_open(struct rp_agent **out, const struct rp_agent_demo_params *p)
{
    struct demo *d = rp_zalloc(sizeof(*d));

    if (!d)
        return RP_ENOMEM;
    d->base.ops = &demo_ops;
    d->p = *p;
    if (d->p.word_us == 0)
        d->p.word_us = WORD_US;
    rp_list_init(&d->calls);
    *out = &d->base;
    return 0;
}
