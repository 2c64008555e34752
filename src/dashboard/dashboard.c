/* The web pages; see dashboard.h. */
#include "dashboard/dashboard.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/form.h"
#include "dashboard/assets.h"

#define COOKIE       "riposte_session"
#define LINK_MS      (15 * 60 * 1000)
#define WEB_MS       ((int64_t)30 * 24 * 3600 * 1000)
#define SIGN_IN_PATH "/sign-in"

/* Scripts come from here only; blob: is where the browser SDK puts its audio worklets. */
#define CSP                                                                                        \
    "default-src 'self'; script-src 'self' blob:; worker-src 'self' blob:; media-src 'self' "      \
    "blob:; "                                                                                      \
    "connect-src 'self'; img-src 'self' data:; style-src 'self'; object-src 'none'; "              \
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

struct rp_dashboard {
    struct rp_store *store;
    bool secure; /* browsers come over TLS, whatever we listen on */
};

int rp_dashboard_new(struct rp_dashboard **out, struct rp_store *store, const char *public_url)
{
    struct rp_dashboard *d = rp_zalloc(sizeof(*d));

    if (!d)
        return RP_ENOMEM;
    d->store = store;
    d->secure = public_url && rp_str_starts(rp_str_z(public_url), RP_STR("https://"));
    *out = d;
    return 0;
}

void rp_dashboard_free(struct rp_dashboard *d)
{
    rp_free(d);
}

/* ---- pages ---- */

static void respond(struct rp_http_req *req, int status, const char *type, const char *cache,
                    struct rp_header extra, struct rp_str body)
{
    struct rp_header headers[] = {
        {RP_STR("Content-Security-Policy"), RP_STR(CSP)},
        {RP_STR("X-Content-Type-Options"), RP_STR("nosniff")},
        {RP_STR("Referrer-Policy"), RP_STR("no-referrer")},
        {RP_STR("Cache-Control"), rp_str_z(cache)},
        extra,
    };

    rp_http_respond(req, status, type, headers, RP_COUNT(headers) - (extra.name.len == 0), body);
}

static const struct rp_asset *find_asset(struct rp_str path)
{
    if (rp_str_eq_z(path, "/"))
        path = RP_STR("/index.html");
    for (size_t i = 0; i < rp_nassets; i++)
        if (rp_str_eq_z(path, rp_assets[i].path))
            return &rp_assets[i];
    return NULL;
}

static void send_asset(struct rp_http_req *req, const struct rp_asset *a)
{
    struct rp_str have = rp_http_req_header(req, "if-none-match");
    struct rp_header etag = {RP_STR("ETag"), rp_str_z(a->etag)};

    if (have.p && rp_str_eq_z(have, a->etag))
        respond(req, 304, NULL, "no-cache", etag, RP_STR(""));
    else
        respond(req, 200, a->type, "no-cache", etag, rp_str_n(a->data, a->len));
}

static void send_text(struct rp_http_req *req, int status, struct rp_str html)
{
    respond(req, status, "text/html; charset=utf-8", "no-store", (struct rp_header){0}, html);
}

/* ---- signing in ---- */

struct sign_in {
    struct rp_http_req *req; /* NULL: the browser went away */
    bool secure;
    char cookie[RP_SECRET_MAX];
};

static void gone(struct rp_http_req *req, void *arg)
{
    struct sign_in *s = arg;

    (void)req;
    s->req = NULL;
}

static void welcome(struct rp_http_req *req, const struct sign_in *s)
{
    char cookie[256];
    struct rp_header headers[] = {
        {RP_STR("Location"), RP_STR("./")},
        {RP_STR("Set-Cookie"), {cookie, 0}},
        {RP_STR("Cache-Control"), RP_STR("no-store")},
        {RP_STR("Referrer-Policy"), RP_STR("no-referrer")},
    };

    (void)snprintf(cookie, sizeof(cookie),
                   COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s", s->cookie,
                   (long long)(WEB_MS / 1000), s->secure ? "; Secure" : "");
    headers[1].value = rp_str_z(cookie);
    rp_http_respond(req, 303, NULL, headers, RP_COUNT(headers), RP_STR(""));
}

static void claimed(struct rp_store_req *r, void *arg)
{
    struct sign_in *s = arg;
    struct rp_http_req *req = s->req;

    if (req) {
        rp_http_req_on_gone(req, NULL, NULL);
        if (!r->err)
            welcome(req, s);
        else if (r->err == RP_ENOTFOUND || r->err == RP_EDENIED)
            send_text(req, 403,
                      RP_STR("<!doctype html><title>Riposte</title><h1>This link is used up</h1>"
                             "<p>It worked once, for 15 minutes. <code>riposte owner-link</code> "
                             "prints a new one.</p>"));
        else
            send_text(req, 503,
                      RP_STR("<!doctype html><title>Riposte</title><h1>Try again</h1>"
                             "<p>The server could not look up the link.</p>"));
    }
    rp_wipe(s->cookie, sizeof(s->cookie));
    rp_free(s);
}

static void sign_in(struct rp_dashboard *d, struct rp_http_req *req, struct rp_str token)
{
    struct sign_in *s = rp_zalloc(sizeof(*s));
    struct rp_store_login_link_claim *q =
        s ? RP_STORE_NEW(login_link_claim, rp_http_req_loop(req), claimed, s) : NULL;

    if (!q) {
        rp_free(s);
        send_text(req, 503, RP_STR("<!doctype html><title>Riposte</title><p>Out of memory."));
        return;
    }
    s->req = req;
    s->secure = d->secure || rp_http_req_is_tls(req);
    rp_secret_new(s->cookie, "rp_web_");
    rp_http_req_on_gone(req, gone, s);
    q->token = rp_store_hash(token);
    q->cookie = rp_store_hash(rp_str_z(s->cookie));
    q->now_ms = rp_wall_ms();
    q->expires_ms = q->now_ms + WEB_MS;
    q->ip_address = rp_store_z(&q->req, rp_http_req_peer(req));
    q->user_agent = rp_store_z_of(&q->req, rp_http_req_header(req, "user-agent"));
    rp_store_submit(d->store, &q->req);
}

bool rp_dashboard_handle(struct rp_dashboard *d, struct rp_http_req *req)
{
    struct rp_str path = rp_http_req_path(req), method = rp_http_req_method(req);
    bool get = rp_str_eq_z(method, "GET") || rp_str_eq_z(method, "HEAD");
    const struct rp_asset *asset = find_asset(path);

    if (get && rp_str_eq_z(path, SIGN_IN_PATH)) {
        sign_in(d, req, rp_form_find(rp_http_req_query(req), "token"));
        return true;
    }
    if (!asset)
        return false;
    if (get)
        send_asset(req, asset);
    else
        respond(req, 405, NULL, "no-store",
                (struct rp_header){RP_STR("Allow"), RP_STR("GET, HEAD")}, RP_STR(""));
    return true;
}

struct rp_str rp_dashboard_cookie(const struct rp_http_req *req)
{
    struct rp_str all = rp_http_req_header(req, "cookie");

    while (all.p && all.len) {
        struct rp_str value = rp_str_split(&all, ';');
        struct rp_str name = rp_str_trim(rp_str_split(&value, '='));
        if (rp_str_eq_z(name, COOKIE) && value.p)
            return rp_str_trim(value);
    }
    return rp_str_n(NULL, 0);
}

char *rp_dashboard_owner_link(struct rp_store *store, const char *base_url)
{
    struct rp_store_login_link_create *q = RP_STORE_NEW(login_link_create, NULL, NULL, NULL);
    char token[RP_SECRET_MAX];
    struct rp_buf link;

    if (!q)
        return NULL;
    rp_secret_new(token, "");
    q->token = rp_store_hash(rp_str_z(token));
    q->created_ms = rp_wall_ms();
    q->expires_ms = q->created_ms + LINK_MS;
    rp_buf_init(&link, 4096);
    if (rp_store_wait(store, &q->req) == 0)
        (void)rp_buf_printf(&link, "%s" SIGN_IN_PATH "?token=%s", base_url, token);
    else
        rp_log("dashboard", RP_LOG_ERROR, NULL, "no link could be made: %s", q->req.why);
    rp_store_req_free(&q->req);
    return link.len ? rp_buf_take(&link) : NULL;
}
