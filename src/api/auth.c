/* Who calls: the bearer key of a request, checked against RIPOSTE_API_KEY and the store; or, of our
 * own pages, the sign-in cookie.
 *
 * A key that the store has confirmed is believed for two seconds, so that a busy caller does not
 * cost a query each time and a key revoked on another machine stops working soon. Only hashes are
 * kept and compared. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/api_int.h"
#include "base/clock.h"
#include "base/err.h"
#include "dashboard/dashboard.h"

#define BELIEVE_US 2000000
#define NOTE_US    60000000 /* `last used` is written once a minute */
#define KEY_MAX    512

struct checking {
    struct rp_store_hash hash;
    rp_api_fn *next;
};

/* The token of "Authorization: Bearer …", p == NULL if there is none. */
static struct rp_str bearer(const struct rp_http_req *req)
{
    struct rp_str value = rp_str_trim(rp_http_req_header(req, "Authorization"));
    struct rp_str scheme = rp_str_first(value, 7);

    if (!value.p || !rp_str_eq_nocase(scheme, RP_STR("Bearer ")))
        return rp_str_n(NULL, 0);
    return rp_str_trim(rp_str_from(value, 7));
}

static bool same(const struct rp_store_hash *a, const struct rp_store_hash *b)
{
    return sodium_memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* Takes the lock. Whether the key was confirmed a moment ago; *note: its use should be written
 * down, which is then the caller's to do (`id` gets whose). */
static bool is_known(struct rp_api *a, const struct rp_store_hash *hash, bool *note,
                     char id[static RP_ID_MAX])
{
    int64_t now = rp_now_us();
    bool known = false;

    *note = false;
    (void)pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < RP_COUNT(a->known); i++) {
        struct rp_api_known_key *k = &a->known[i];

        if (!k->id[0] || !same(&k->hash, hash))
            continue;
        known = now - k->checked_us < BELIEVE_US;
        if (known && now - k->noted_us >= NOTE_US) {
            *note = true;
            k->noted_us = now;
            memcpy(id, k->id, RP_ID_MAX);
        }
        break;
    }
    (void)pthread_mutex_unlock(&a->lock);
    return known;
}

/* Takes the lock. Remembers a key; true: its use should be written down. */
static bool learn(struct rp_api *a, const struct rp_store_hash *hash, const char *id)
{
    struct rp_api_known_key *k = NULL;
    int64_t now = rp_now_us();
    bool note;

    (void)pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < RP_COUNT(a->known) && !k; i++)
        if (a->known[i].id[0] && same(&a->known[i].hash, hash))
            k = &a->known[i];
    note = !k || now - k->noted_us >= NOTE_US;
    if (!k)
        k = &a->known[a->next_known++ % RP_COUNT(a->known)];
    k->hash = *hash;
    k->checked_us = now;
    if (note)
        k->noted_us = now;
    (void)snprintf(k->id, sizeof(k->id), "%s", id);
    (void)pthread_mutex_unlock(&a->lock);
    return note;
}

void rp_api_forget_keys(struct rp_api *a)
{
    (void)pthread_mutex_lock(&a->lock);
    memset(a->known, 0, sizeof(a->known));
    (void)pthread_mutex_unlock(&a->lock);
}

static void noted(struct rp_store_req *req, void *arg)
{
    (void)req, (void)arg; /* it is only a hint for people */
}

static void note_use(struct rp_api_call *c, const char *id)
{
    struct rp_store_key_used *q = RP_STORE_NEW(key_used, c->loop, noted, NULL);

    if (!q)
        return;
    q->id = rp_store_z(&q->req, id);
    q->now_ms = rp_wall_ms();
    rp_api_submit(c, &q->req);
}

static void refuse(struct rp_api_call *c)
{
    rp_api_error(c, 401,
                 "The API key is not valid. Make one with `riposte keys create` and send it as "
                 "\"Authorization: Bearer KEY\".");
}

static void checked(struct rp_store_req *req, void *arg)
{
    struct rp_store_key_check *q = RP_STORE_OF(key_check, req);
    struct rp_api_call *c = arg;
    struct checking *k = c->state;

    if (c->req && req->err == RP_ENOTFOUND) {
        refuse(c);
        return;
    }
    if (rp_api_failed(c, req))
        return;
    if (learn(c->api, &k->hash, q->key.id))
        note_use(c, q->key.id);
    k->next(c);
}

/* Whether a browser sent this for one of our own pages. The cookie is SameSite=Strict; this is for
 * browsers that do not know that, and for pages of other ports of this host. */
static bool is_own_page(const struct rp_http_req *req)
{
    struct rp_str origin = rp_http_req_header(req, "Origin"),
                  host = rp_http_req_header(req, "Host");
    ptrdiff_t at;

    if (!origin.p)
        return rp_str_eq_z(rp_http_req_method(req), "GET");
    at = rp_str_find_str(origin, RP_STR("://"));
    return at > 0 && host.len > 0 && rp_str_eq_nocase(rp_str_from(origin, (size_t)at + 3), host);
}

static void cookie_checked(struct rp_store_req *req, void *arg)
{
    struct rp_api_call *c = arg;
    struct checking *k = c->state;

    if (c->req && req->err == RP_ENOTFOUND)
        rp_api_error(c, 401,
                     "You are signed out. `riposte owner-link` prints a link that signs in.");
    else if (!rp_api_failed(c, req))
        k->next(c);
}

static void check_cookie(struct rp_api_call *c, struct rp_str cookie, rp_api_fn *next)
{
    struct rp_store_web_session_check *q;
    struct checking *k = rp_arena_zalloc(&c->mem, sizeof(*k));

    if (!is_own_page(c->req)) {
        rp_api_error(c, 403, "Pages of other origins may not use a sign-in.");
        return;
    }
    if (!k) {
        rp_api_error_of(c, RP_ENOMEM, NULL);
        return;
    }
    k->next = next;
    c->state = k;
    q = RP_API_ASK(web_session_check, c, cookie_checked);
    if (!q)
        return;
    q->cookie = rp_store_hash(cookie);
    q->now_ms = rp_wall_ms();
    rp_api_submit(c, &q->req);
}

void rp_api_authenticate(struct rp_api_call *c, rp_api_fn *next)
{
    struct rp_str token = bearer(c->req), cookie = rp_dashboard_cookie(c->req);
    struct checking *k;
    struct rp_store_key_check *q;
    struct rp_store_hash hash;
    char id[RP_ID_MAX];
    bool note;

    if (token.len == 0 && cookie.len > 0 && cookie.len <= KEY_MAX) {
        check_cookie(c, cookie, next);
        return;
    }
    if (token.len == 0) {
        rp_api_error(c, 401, "The API key is missing: send it as \"Authorization: Bearer KEY\".");
        return;
    }
    if (token.len > KEY_MAX) {
        refuse(c);
        return;
    }
    hash = rp_store_hash(token);
    if (c->api->has_own_key && same(&hash, &c->api->own_key)) {
        next(c);
        return;
    }
    if (is_known(c->api, &hash, &note, id)) {
        if (note)
            note_use(c, id);
        next(c);
        return;
    }
    c->state = k = rp_arena_zalloc(&c->mem, sizeof(*k));
    if (!k) {
        rp_api_error_of(c, RP_ENOMEM, NULL);
        return;
    }
    *k = (struct checking){hash, next};
    q = RP_API_ASK(key_check, c, checked);
    if (!q)
        return;
    q->hash = hash;
    rp_api_submit(c, &q->req);
}
