/* A client opens its socket; see open_socket.h. */
#include "app/open_socket.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/form.h"
#include "codec/json.h"
#include "session/session.h"

struct opening {
    struct rp_shard *shard;
    struct rp_http_req *req; /* NULL: the client went away */
};

static void refuse_with(struct rp_http_req *req, int status, const char *text)
{
    struct rp_buf body;
    struct rp_jw w = {.b = &body};

    rp_buf_init(&body, 1024);
    rp_jw_obj(&w);
    rp_jw_key_z(&w, "error", text);
    rp_jw_end(&w);
    rp_http_respond(req, status, "application/json", NULL, 0, rp_buf_view(&body));
    rp_buf_fini(&body);
}

static void gone(struct rp_http_req *req, void *arg)
{
    struct opening *o = arg;

    (void)req;
    o->req = NULL;
}

static void end_stored(struct rp_store_req *req, void *arg)
{
    (void)req;
    (void)arg;
}

/* The key is used up, but nobody is there any more. */
static void end_unopened(struct rp_shard *shard, const struct rp_store_session_claim *claim)
{
    struct rp_store_session_finish *q = RP_STORE_NEW(session_finish, shard->loop, end_stored, NULL);

    if (!q)
        return; /* the sweep of lost sessions ends it */
    q->id = rp_store_z(&q->req, claim->session.id);
    q->end_reason = rp_store_z(&q->req, "closed");
    q->ended_ms = rp_wall_ms();
    q->transcription_s = q->tts_s = 0;
    q->latency_ms = -1;
    rp_store_submit(shard->env->store, &q->req);
}

static void claimed(struct rp_store_req *r, void *arg)
{
    struct rp_store_session_claim *claim = RP_STORE_OF(session_claim, r);
    struct opening *o = arg;
    struct rp_http_req *req = o->req;
    struct rp_shard *shard = o->shard;

    rp_free(o);
    if (!req) {
        if (!r->err)
            end_unopened(shard, claim);
        return;
    }
    rp_http_req_on_gone(req, NULL, NULL);
    if (r->err == RP_ENOTFOUND)
        refuse_with(req, 401, "Unknown client_session_key. Authorize a session to get a new one.");
    else if (r->err == RP_EDENIED)
        refuse_with(req, 401, r->why);
    else if (r->err)
        refuse_with(req, 503, "The session could not be looked up. Try again.");
    else
        rp_session_open(shard, req, &rp_transport_browser, claim);
}

static void claim(struct rp_shard *shard, struct rp_http_req *req, struct rp_str key)
{
    struct opening *o = rp_zalloc(sizeof(*o));
    struct rp_store_session_claim *q =
        o ? RP_STORE_NEW(session_claim, shard->loop, claimed, o) : NULL;

    if (!q) {
        rp_free(o);
        refuse_with(req, 503, "The server is out of memory. Try again.");
        return;
    }
    *o = (struct opening){shard, req};
    rp_http_req_on_gone(req, gone, o);
    q->key = rp_store_hash(key);
    q->now_ms = rp_wall_ms();
    q->node_id = rp_store_z(&q->req, shard->env->node_id);
    q->ip_address = rp_store_z(&q->req, rp_http_req_peer(req));
    rp_store_submit(shard->env->store, &q->req);
}

bool rp_open_socket(struct rp_shard *shard, struct rp_http_req *req, const char *refuse)
{
    struct rp_str path = rp_http_req_path(req);
    struct rp_str key;

    if (!rp_str_eq_z(path, "/v1/agents/web/websocket") &&
        !rp_str_eq_z(path, "/v1/pipelines/websocket"))
        return false;
    key = rp_form_find(rp_http_req_query(req), "client_session_key");
    if (!rp_http_req_wants_ws(req))
        refuse_with(req, 426, "This address speaks WebSocket only.");
    else if (key.len == 0)
        refuse_with(req, 401, "The query parameter client_session_key is missing.");
    else if (refuse)
        refuse_with(req, 503, refuse);
    else
        claim(shard, req, key);
    return true;
}
