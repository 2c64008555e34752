/* Answers and requests of one call: JSON out, JSON and query in, the store's errors as HTTP. */
#include <stdarg.h>
#include <stdio.h>

#include "api/api_int.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define ERROR_MAX 65536

/* What an error code means to a caller who did nothing special. */
static const struct {
    int err, status;
    const char *text;
} meanings[] = {
    {RP_ENOTFOUND, 404, "there is no such thing"},
    {RP_EEXIST, 409, "it exists already"},
    {RP_EDENIED, 409, "that is not possible now"},
    {RP_EAGAIN, 503, "the database is busy; try again"},
    {RP_ELIMIT, 503, "the server is overloaded; try again"},
    {RP_EIO, 503, "the database failed; the server's log says more"},
    {RP_ENOMEM, 503, "the server is out of memory; try again"},
    {RP_ECANCELED, 503, "the server is stopping; try again"},
};

static void free_call(struct rp_api_call *c)
{
    rp_arena_fini(&c->mem);
    rp_buf_fini(&c->out);
    rp_free(c);
}

static void respond(struct rp_api_call *c, int status, const char *type, struct rp_str body)
{
    static const struct rp_header headers[] = {
        {{"Cache-Control", 13}, {"no-store", 8}},
        {{"Retry-After", 11}, {"5", 1}},
    };
    size_t n = status == 429 || status == 503 ? 2 : 1;

    if (c->req) {
        rp_http_req_on_gone(c->req, NULL, NULL);
        rp_http_respond(c->req, status, type, headers, n, body);
    }
    free_call(c);
}

void rp_api_send(struct rp_api_call *c, int status)
{
    if (rp_buf_err(&c->out))
        rp_api_error(c, 500, "The answer is too large: ask for less of it (limit=…).");
    else
        respond(c, status, "application/json", rp_buf_view(&c->out));
}

void rp_api_send_nothing(struct rp_api_call *c)
{
    respond(c, 204, NULL, RP_STR(""));
}

/* The platform answers 400 where others say 401 and 404, on calls that make sessions. */
static int status_for(const struct rp_api_call *c, int status)
{
    return (c->route->flags & RP_API_AUTHORIZE) && (status == 401 || status == 404) ? 400 : status;
}

/* Ends the answer begun by {"error": …. */
static void send_error(struct rp_api_call *c, int status)
{
    rp_jw_end(&c->w);
    if (rp_buf_err(&c->out))
        respond(c, 500, "application/json", RP_STR("{\"error\":\"The server is out of memory.\"}"));
    else
        respond(c, status_for(c, status), "application/json", rp_buf_view(&c->out));
}

static void begin_error(struct rp_api_call *c, struct rp_str text)
{
    rp_buf_clear(&c->out);
    c->w = (struct rp_jw){.b = &c->out};
    rp_jw_obj(&c->w);
    rp_jw_key_str(&c->w, "error", text);
}

void rp_api_error(struct rp_api_call *c, int status, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    begin_error(c, rp_str_z(text));
    send_error(c, status);
}

void rp_api_error_of(struct rp_api_call *c, int err, const char *why)
{
    int status = 500;
    char text[512];

    for (size_t i = 0; i < RP_COUNT(meanings); i++) {
        if (meanings[i].err == err) {
            status = meanings[i].status;
            why = why && status != 503 ? why : meanings[i].text;
        }
    }
    if (!why)
        why = rp_err_text(err);
    if (status >= 500)
        rp_log("api", RP_LOG_ERROR, NULL, "%s %s failed: %s (%s)", c->route->method, c->route->path,
               why, rp_err_name(err));
    (void)snprintf(text, sizeof(text), "%c%s.", *why >= 'a' && *why <= 'z' ? *why - 32 : *why,
                   why + 1);
    begin_error(c, rp_str_z(text));
    send_error(c, status);
}

void rp_api_error_config(struct rp_api_call *c, const char *before,
                         const struct rp_config_report *report)
{
    struct rp_buf text;

    rp_buf_init(&text, ERROR_MAX);
    (void)rp_buf_z(&text, before);
    rp_config_report_text(&text, report);
    begin_error(c, rp_buf_view(&text));
    rp_buf_fini(&text);
    rp_jw_key(&c->w, "errors");
    rp_jw_arr(&c->w);
    for (size_t i = 0; i < report->nerrors; i++) {
        rp_jw_obj(&c->w);
        rp_jw_key_z(&c->w, "field", report->errors[i].path);
        rp_jw_key_z(&c->w, "message", report->errors[i].text);
        rp_jw_end(&c->w);
    }
    rp_jw_end(&c->w);
    send_error(c, 400);
}

/* ---- the store ---- */

void *rp_api_ask(struct rp_api_call *c, enum rp_store_op op, size_t size, rp_store_done_fn *done)
{
    void *q = rp_store_req_new(op, size, c->loop, done, c);

    if (!q)
        rp_api_error_of(c, RP_ENOMEM, NULL);
    return q;
}

void rp_api_submit(struct rp_api_call *c, struct rp_store_req *req)
{
    rp_store_submit(c->api->p.store, req);
}

bool rp_api_failed(struct rp_api_call *c, const struct rp_store_req *req)
{
    if (!c->req)
        free_call(c);
    else if (req->err)
        rp_api_error_of(c, req->err, req->why);
    else
        return false;
    return true;
}

/* ---- requests ---- */

static const struct rp_json *body_member(const struct rp_api_call *c, const char *key)
{
    const struct rp_json *v = rp_json_get(c->body, key);

    return rp_json_is(v, RP_JSON_NULL) ? NULL : v;
}

bool rp_api_body_str(struct rp_api_call *c, const char *key, size_t max, struct rp_str *out)
{
    const struct rp_json *v = body_member(c, key);

    *out = rp_json_str(v);
    if (v && !out->p)
        rp_api_error(c, 400, "%s must be a string, not %s.", key, rp_json_type_name(v));
    else if (out->len > max)
        rp_api_error(c, 400, "%s is too long: %zu bytes at most.", key, max);
    else if (out->p && rp_str_find(*out, '\0') >= 0)
        rp_api_error(c, 400, "%s must not contain the character U+0000.", key);
    else
        return true;
    return false;
}

bool rp_api_body_obj(struct rp_api_call *c, const char *key, const struct rp_json **out)
{
    *out = body_member(c, key);
    if (!*out || rp_json_is(*out, RP_JSON_OBJECT))
        return true;
    rp_api_error(c, 400, "%s must be an object, not %s.", key, rp_json_type_name(*out));
    return false;
}

struct rp_str rp_api_query(struct rp_api_call *c, const char *name)
{
    struct rp_str v = rp_form_get(&c->query, name);

    return v.len ? v : rp_str_n(NULL, 0);
}

bool rp_api_page(struct rp_api_call *c, struct rp_store_req *req, struct rp_store_page *page)
{
    struct rp_str limit = rp_api_query(c, "limit");
    int64_t n = 0;

    if (limit.p && (rp_str_to_i64(limit, &n) != 0 || n < 1 || n > (int64_t)RP_STORE_PAGE_MAX)) {
        rp_store_req_free(req);
        rp_api_error(c, 400, "limit must be a whole number from 1 to %d.", RP_STORE_PAGE_MAX);
        return false;
    }
    page->limit = (size_t)n;
    page->after = rp_store_z_of(req, rp_api_query(c, "cursor"));
    return true;
}

struct rp_config_rules rp_api_rules(const struct rp_api *a)
{
    return a->p.engines;
}

/* ---- answers ---- */

void rp_api_key_time(struct rp_jw *w, const char *key, int64_t ms)
{
    char text[RP_ISO_TIME_LEN];

    rp_jw_key_z(w, key, ms < 0 ? NULL : rp_iso_time(text, ms));
}

void rp_api_key_num_opt(struct rp_jw *w, const char *key, double v)
{
    rp_jw_key(w, key);
    if (v < 0)
        rp_jw_null(w);
    else
        rp_jw_num(w, v);
}

void rp_api_key_json(struct rp_jw *w, const char *key, struct rp_str json, const char *absent)
{
    rp_jw_key(w, key);
    rp_jw_raw(w, json.p ? json : rp_str_z(absent));
}

void rp_api_key_cursor(struct rp_jw *w, const struct rp_store_page *page, const char *last_id)
{
    rp_jw_key_z(w, "next_cursor", page->more ? last_id : NULL);
}
