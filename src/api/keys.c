/* API keys over the API; the first one comes from `riposte keys create`. */
#include "api/api_int.h"
#include "base/clock.h"
#include "base/ids.h"

#define NAME_MAX_LEN 200
#define HINT_LEN     12

static void write_key(struct rp_jw *w, const struct rp_store_key *k)
{
    rp_jw_key_z(w, "id", k->id);
    rp_jw_key_z(w, "name", k->name);
    rp_jw_key_z(w, "hint", k->hint);
    rp_api_key_time(w, "created_at", k->created_ms);
    rp_api_key_time(w, "last_used_at", k->last_used_ms);
    rp_api_key_time(w, "revoked_at", k->revoked_ms);
}

static void listed(struct rp_store_req *req, void *arg)
{
    struct rp_store_key_list *q = RP_STORE_OF(key_list, req);
    struct rp_api_call *c = arg;

    if (rp_api_failed(c, req))
        return;
    rp_jw_obj(&c->w);
    rp_jw_key(&c->w, "keys");
    rp_jw_arr(&c->w);
    for (size_t i = 0; i < q->n; i++) {
        rp_jw_obj(&c->w);
        write_key(&c->w, &q->keys[i]);
        rp_jw_end(&c->w);
    }
    rp_jw_end(&c->w);
    rp_api_key_cursor(&c->w, &q->page, q->n ? q->keys[q->n - 1].id : NULL);
    rp_jw_end(&c->w);
    rp_api_send(c, 200);
}

void rp_api_keys_list(struct rp_api_call *c)
{
    struct rp_store_key_list *q = RP_API_ASK(key_list, c, listed);

    if (q && rp_api_page(c, &q->req, &q->page))
        rp_api_submit(c, &q->req);
}

static void created(struct rp_store_req *req, void *arg)
{
    struct rp_store_key_create *q = RP_STORE_OF(key_create, req);
    struct rp_api_call *c = arg;

    if (rp_api_failed(c, req))
        return;
    rp_jw_obj(&c->w);
    write_key(&c->w, &q->key);
    rp_jw_key_z(&c->w, "key", c->state); /* the only time it is shown */
    rp_jw_end(&c->w);
    rp_api_send(c, 201);
}

void rp_api_key_create(struct rp_api_call *c)
{
    struct rp_store_key_create *q;
    struct rp_str name;
    char id[RP_ID_MAX], *secret;

    if (!rp_api_body_str(c, "name", NAME_MAX_LEN, &name))
        return;
    q = RP_API_ASK(key_create, c, created);
    if (!q)
        return;
    c->state = secret = rp_arena_zalloc(&c->mem, RP_SECRET_MAX);
    if (!secret) {
        rp_store_req_free(&q->req);
        rp_api_error(c, 503, "The server is out of memory. Try again.");
        return;
    }
    rp_secret_new(secret, "rp_key_");
    q->hash = rp_store_hash(rp_str_z(secret));
    q->key.id = rp_store_z(&q->req, rp_id_new(id, RP_ID_KEY));
    q->key.name = rp_store_z_of(&q->req, name.len ? name : RP_STR("unnamed"));
    q->key.hint = rp_store_z_of(&q->req, rp_str_n(secret, HINT_LEN));
    q->key.created_ms = rp_wall_ms();
    q->key.last_used_ms = q->key.revoked_ms = -1;
    rp_api_submit(c, &q->req);
}

static void revoked(struct rp_store_req *req, void *arg)
{
    struct rp_api_call *c = arg;

    if (!req->err)
        rp_api_forget_keys(c->api);
    if (!rp_api_failed(c, req))
        rp_api_send_nothing(c);
}

void rp_api_key_revoke(struct rp_api_call *c)
{
    struct rp_store_key_revoke *q = RP_API_ASK(key_revoke, c, revoked);

    if (!q)
        return;
    q->id = rp_store_z_of(&q->req, c->params[0]);
    q->now_ms = rp_wall_ms();
    rp_api_submit(c, &q->req);
}
