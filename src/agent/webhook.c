/* The agent behind a webhook; see webhook.h. What the answer means is answer.c's business; here are
 * the request, its failures, and the lives of its objects.
 *
 *     request ──► http call ──data──► answer ──END, ERROR──► the session is done with the call
 *                     │                                             │
 *                     └──── done ◄──── read on for a moment ◄───────┘   ("draining")
 *
 * A backend may send response.end and leave the stream open, or explain its 500 in the body. So the
 * call outlives its last event by up to DRAIN_US: the connection can be used again, and the log
 * gets its excerpt. The session does not see that part.
 *
 * Everything here may be cancelled or closed from inside the session's callback, that is, with
 * frames of this file further up the stack. A call is therefore freed only when its `depth` is 0.
 */
#include "agent/webhook.h"

#include <stdio.h>

#include "agent/answer.h"
#include "agent/event_body.h"
#include "agent/headers.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/mem.h"
#include "codec/signature.h"
#include "codec/url.h"

#define DRAIN_US      1000000
#define DRAIN_MAX     65536 /* bytes still read after the last event */
#define MAX_BODY      (8u << 20)
#define MAX_EVENT     (1u << 20)
#define MAX_ANSWER    (16u << 20)
#define OWN_HEADERS   3 /* content type and two signatures */
#define HEADERS_ARENA (1u << 20)

struct webhook {
    struct rp_agent base;
    struct rp_agent_webhook_params p;   /* strings are in `mem`, the secrets below */
    struct rp_str host;                 /* of the url, for messages; in `mem` */
    const char *custom[RP_HEADERS_MAX]; /* header lines, in `mem` */
    size_t ncustom;
    struct rp_arena mem;
    char *secret, *pending_secret; /* wiped before they are freed */
    struct rp_list calls;
    bool closed; /* goes with its last call */
};

struct call {
    struct rp_agent_call base;
    struct webhook *owner;
    struct rp_node node; /* in owner->calls until it is freed */
    rp_agent_event_fn *cb;
    void *arg;
    bool detached;             /* it had its last event: the session has forgotten it */
    bool over;                 /* recorded in the log; freed as soon as `depth` is 0 */
    unsigned depth;            /* frames of this file that still use it */
    struct rp_http_call *http; /* NULL once done or cancelled */
    struct rp_answer answer;
    struct rp_timer drain;
    size_t drain_from; /* answer.received at the last event */
    enum rp_agent_type type;
    char turn_id[RP_ID_MAX];
    int64_t started_us, started_wall_ms;
    struct rp_http_timing timing;
    size_t sent;
    char *excerpt; /* of the request's body */
    size_t excerpt_len;
    char why[512];
};

static struct webhook *webhook_of(struct rp_agent *a)
{
    return RP_CONTAINER_OF(a, struct webhook, base);
}

static struct call *call_of(struct rp_agent_call *c)
{
    return RP_CONTAINER_OF(c, struct call, base);
}

static void free_webhook(struct webhook *w)
{
    if (w->secret)
        rp_wipe(w->secret, w->p.secret.len);
    if (w->pending_secret)
        rp_wipe(w->pending_secret, w->p.pending_secret.len);
    rp_free(w->secret);
    rp_free(w->pending_secret);
    rp_arena_fini(&w->mem);
    rp_free(w);
}

/* ---- the end of a call ---- */

static void free_call(struct call *c)
{
    struct webhook *w = c->owner;

    rp_timer_stop(&c->drain);
    rp_list_remove(&c->node);
    rp_answer_fini(&c->answer);
    rp_free(c->excerpt);
    rp_free(c);
    if (w->closed && rp_list_empty(&w->calls))
        free_webhook(w);
}

static void enter(struct call *c)
{
    c->depth++;
}

static void leave(struct call *c)
{
    if (--c->depth == 0 && c->over)
        free_call(c);
}

static void record(const struct call *c, bool cancelled)
{
    const struct webhook *w = c->owner;
    const struct rp_webhook_record rec = {
        .type = rp_event_type_name(c->type),
        .url = w->p.url,
        .agent_id = w->p.session->agent_id,
        .session_id = w->p.session->session_id,
        .turn_id = c->turn_id,
        .started_wall_ms = c->started_wall_ms,
        .status = c->answer.status,
        .cancelled = cancelled,
        .code = c->answer.code,
        .why = c->answer.code ? c->why : NULL,
        .timing = c->timing,
        .sent = c->sent,
        .received = c->answer.received,
        .events = c->answer.events,
        .dropped = c->answer.dropped,
        .request = rp_str_n(c->excerpt, c->excerpt_len),
        .response = rp_buf_view(&c->answer.excerpt),
    };

    if (w->p.log)
        w->p.log(&rec, w->p.log_arg);
}

/* The exchange is over, one way or another. Within enter and leave; the second time harmless, when
 * the session that `record` looks at may be gone. */
static void conclude(struct call *c, bool cancelled)
{
    if (c->over)
        return;
    c->over = true;
    rp_timer_stop(&c->drain);
    rp_answer_stop(&c->answer);
    record(c, cancelled);
}

static void drop_connection(struct call *c)
{
    if (!c->http)
        return;
    rp_http_call_timing(c->http, &c->timing);
    rp_http_call_cancel(c->http);
    c->http = NULL;
}

static void cancel_call(struct call *c)
{
    enter(c);
    drop_connection(c);
    conclude(c, !c->detached);
    leave(c);
}

static void drained_long_enough(struct rp_timer *t)
{
    cancel_call(RP_CONTAINER_OF(t, struct call, drain));
}

/* ---- events to the session ---- */

/* The clause of the failure, with what only we know: where, when, and the status. */
static void complete_why(struct call *c, const struct rp_agent_event *ev)
{
    char status[32] = "";

    if (ev->status)
        (void)snprintf(status, sizeof(status), "status %d, ", ev->status);
    (void)snprintf(c->why, sizeof(c->why), "%.*s: %s (%s%lld ms after the request began)",
                   RP_STR_ARG(rp_str_first(c->owner->host, 128)), ev->why, status,
                   (long long)((rp_now_us() - c->started_us) / 1000));
}

static void on_answer(const struct rp_agent_event *ev, void *arg)
{
    struct call *c = arg;
    struct rp_agent_event out = *ev;

    if (c->http)
        rp_http_call_timing(c->http, &c->timing);
    out.sent_us = c->timing.sent;
    out.first_byte_us = c->timing.first_byte;
    if (ev->type == RP_AGENT_ERROR) {
        complete_why(c, ev);
        out.why = c->why;
    }
    if (ev->type == RP_AGENT_END || ev->type == RP_AGENT_ERROR) {
        c->detached = true;
        c->drain_from = c->answer.received;
        if (c->http) {
            rp_http_call_pause(c->http, false);
            rp_timer_start(&c->drain, DRAIN_US);
        }
    }
    c->cb(&c->base, &out, c->arg);
}

/* ---- events of the HTTP client ---- */

static void on_headers(struct rp_http_call *http, int status, struct rp_str content_type, void *arg)
{
    struct call *c = arg;

    (void)http;
    enter(c);
    rp_answer_headers(&c->answer, status, content_type);
    leave(c);
}

static void on_data(struct rp_http_call *http, struct rp_str bytes, void *arg)
{
    struct call *c = arg;

    (void)http;
    enter(c);
    rp_answer_data(&c->answer, bytes);
    if (!c->over && c->detached && c->answer.received - c->drain_from > DRAIN_MAX) {
        drop_connection(c);
        conclude(c, false);
    }
    leave(c);
}

static void fail(struct call *c, const struct rp_http_result *result)
{
    char why[64];

    switch (result->err) {
    case RP_ETIMEOUT:
        rp_answer_fail(&c->answer, RP_AGENT_E_TIMEOUT, result->why);
        break;
    case RP_ELIMIT:
        (void)snprintf(why, sizeof(why), "the answer is larger than %zu bytes",
                       c->owner->p.max_answer);
        rp_answer_fail(&c->answer, RP_AGENT_E_LIMIT, why);
        break;
    case RP_ENOMEM:
        rp_answer_fail(&c->answer, RP_AGENT_E_OWN, "the memory is exhausted");
        break;
    default:
        rp_answer_fail(&c->answer,
                       result->timing.connected < 0 ? RP_AGENT_E_REFUSED : RP_AGENT_E_CUT,
                       result->why);
        break;
    }
}

static void on_done(struct rp_http_call *http, const struct rp_http_result *result, void *arg)
{
    struct call *c = arg;

    (void)http;
    enter(c);
    c->http = NULL; /* it is gone when this returns */
    c->timing = result->timing;
    if (result->err)
        fail(c, result);
    else
        rp_answer_end(&c->answer);
    conclude(c, false);
    leave(c);
}

/* ---- operations ---- */

struct lines {
    const char *line[OWN_HEADERS + RP_HEADERS_MAX];
    size_t n;
    char signature[2][sizeof(RP_SIGNATURE_HEADER_NEXT ": ") + RP_SIGNATURE_MAX];
};

static int sign(struct lines *l, int which, const char *name, struct rp_str secret, int64_t unix_s,
                struct rp_str body)
{
    char value[RP_SIGNATURE_MAX];
    int err = rp_signature(value, secret, unix_s, body);

    if (err)
        return err;
    (void)snprintf(l->signature[which], sizeof(l->signature[which]), "%s: %s", name, value);
    l->line[l->n++] = l->signature[which];
    return 0;
}

static int make_headers(struct lines *l, const struct webhook *w, int64_t unix_s,
                        struct rp_str body)
{
    int err;

    l->n = 0;
    l->line[l->n++] = "Content-Type: application/json";
    err = sign(l, 0, RP_SIGNATURE_HEADER, w->p.secret, unix_s, body);
    if (!err && w->p.pending_secret.len > 0)
        err = sign(l, 1, RP_SIGNATURE_HEADER_NEXT, w->p.pending_secret, unix_s, body);
    for (size_t i = 0; i < w->ncustom; i++)
        l->line[l->n++] = w->custom[i];
    return err;
}

static int send_request(struct call *c, struct rp_str body)
{
    static const struct rp_http_call_cb http_cb = {on_headers, on_data, on_done};
    const struct webhook *w = c->owner;
    struct rp_http_call_params params = {
        .method = "POST",
        .url = w->p.url,
        .body = body,
        .connect_timeout_us = w->p.connect_timeout_us,
        .first_byte_timeout_us = w->p.first_byte_timeout_us,
        .idle_timeout_us = w->p.idle_timeout_us,
        .max_response = w->p.max_answer,
        .ca_file = w->p.ca_file,
    };
    struct lines l;
    int err;

    err = make_headers(&l, w, c->started_wall_ms / 1000, body);
    if (err)
        return err;
    params.headers = l.line;
    params.nheaders = l.n;
    return rp_http_call_start(&c->http, w->p.http, &params, &http_cb, c);
}

static struct call *new_call(struct webhook *w, const struct rp_agent_request *req,
                             struct rp_str body)
{
    struct call *c = rp_zalloc(sizeof(*c));
    struct rp_answer_params answer;

    if (!c)
        return NULL;
    c->excerpt_len = RP_MIN(body.len, RP_ANSWER_EXCERPT);
    c->excerpt = rp_strndup(body.p, c->excerpt_len);
    if (!c->excerpt) {
        rp_free(c);
        return NULL;
    }
    c->base.agent = &w->base;
    c->owner = w;
    c->type = req->type;
    (void)snprintf(c->turn_id, sizeof(c->turn_id), "%s", req->turn_id);
    c->sent = body.len;
    c->started_us = rp_now_us();
    c->started_wall_ms = rp_wall_ms();
    c->timing = (struct rp_http_timing){-1, -1, -1, -1, -1, false};
    answer = (struct rp_answer_params){
        .type = req->type,
        .turn_id = c->turn_id,
        .ctx = {.session = w->p.session->session_id,
                .turn = c->turn_id,
                .agent = w->p.session->agent_id,
                .doing = "asking the backend"},
        .max_event = w->p.max_event,
        .fn = on_answer,
        .arg = c,
    };
    rp_answer_init(&c->answer, &answer);
    rp_timer_init(&c->drain, w->p.loop, drained_long_enough);
    rp_list_append(&w->calls, &c->node);
    return c;
}

static int webhook_request(struct rp_agent_call **out, struct rp_agent *a,
                           const struct rp_agent_request *req, rp_agent_event_fn *cb, void *arg)
{
    struct webhook *w = webhook_of(a);
    struct call *c;
    struct rp_buf body;
    int err;

    RP_ON_LOOP(w->p.loop);
    RP_ASSERT(strlen(req->turn_id) < sizeof(c->turn_id));
    rp_buf_init(&body, w->p.max_body);
    err = rp_event_body_request(&body, w->p.session, req);
    if (err)
        goto out;
    err = RP_ENOMEM;
    c = new_call(w, req, rp_buf_view(&body));
    if (!c)
        goto out;
    c->cb = cb;
    c->arg = arg;
    err = send_request(c, rp_buf_view(&body));
    if (err)
        free_call(c);
    else
        *out = &c->base;
out:
    rp_buf_fini(&body);
    return err;
}

static void webhook_cancel(struct rp_agent_call *call)
{
    RP_ON_LOOP(call_of(call)->owner->p.loop);
    cancel_call(call_of(call));
}

static void webhook_pause(struct rp_agent_call *call, bool paused)
{
    struct call *c = call_of(call);

    if (c->http && !c->detached)
        rp_http_call_pause(c->http, paused);
}

static void webhook_close(struct rp_agent *a)
{
    struct webhook *w = webhook_of(a);

    RP_ON_LOOP(w->p.loop);
    RP_LIST_EACH(&w->calls, struct call, c, node)
        cancel_call(c);
    w->closed = true;
    if (rp_list_empty(&w->calls))
        free_webhook(w);
}

/* ---- opening ---- */

static int copy_strings(struct webhook *w, const struct rp_agent_webhook_params *p)
{
    struct rp_url url;

    w->p.url = rp_arena_z(&w->mem, rp_str_z(p->url));
    w->secret = rp_strndup(p->secret.p, p->secret.len);
    w->pending_secret = rp_strndup(p->pending_secret.p, p->pending_secret.len);
    if (!w->p.url || !w->secret || (p->pending_secret.p && !w->pending_secret))
        return RP_ENOMEM;
    w->p.secret.p = w->secret;
    w->p.pending_secret.p = w->pending_secret;
    if (rp_url_parse(&url, rp_str_z(w->p.url), NULL))
        return RP_EINVAL;
    w->host = url.authority;
    return 0;
}

static int make_custom_headers(struct webhook *w)
{
    const struct rp_log_ctx ctx = {.session = w->p.session->session_id,
                                   .agent = w->p.session->agent_id};

    RP_JSON_EACH(w->p.session->custom_headers, h) {
        struct rp_str value = rp_json_str(h);
        const char *refused = rp_header_refused(h->key, value);
        char *line;
        if (refused || w->ncustom == RP_HEADERS_MAX) {
            rp_log("agent", RP_LOG_WARN, &ctx, "a custom header is left out: \"%.*s\" %s",
                   RP_STR_ARG(rp_str_first(h->key, 64)), refused ? refused : "is one too many");
            continue;
        }
        line = rp_arena_zalloc(&w->mem, h->key.len + value.len + sizeof(": "));
        if (!line)
            return RP_ENOMEM;
        memcpy(line, h->key.p, h->key.len);
        memcpy(line + h->key.len, ": ", 2);
        memcpy(line + h->key.len + 2, value.p, value.len);
        w->custom[w->ncustom++] = line;
    }
    return 0;
}

static const struct rp_agent_ops webhook_ops = {
    .request = webhook_request,
    .cancel = webhook_cancel,
    .pause = webhook_pause,
    .close = webhook_close,
};

int rp_agent_webhook_open(struct rp_agent **out, const struct rp_agent_webhook_params *p)
{
    struct webhook *w;
    int err;

    if (!p->url || p->secret.len == 0)
        return RP_EINVAL;
    w = rp_zalloc(sizeof(*w));
    if (!w)
        return RP_ENOMEM;
    w->base.ops = &webhook_ops;
    w->p = *p;
    w->p.max_body = p->max_body ? p->max_body : MAX_BODY;
    w->p.max_event = p->max_event ? p->max_event : MAX_EVENT;
    w->p.max_answer = p->max_answer ? p->max_answer : MAX_ANSWER;
    rp_list_init(&w->calls);
    rp_arena_init(&w->mem, HEADERS_ARENA);
    err = copy_strings(w, p);
    if (!err)
        err = make_custom_headers(w);
    if (err)
        free_webhook(w);
    else
        *out = &w->base;
    return err;
}
