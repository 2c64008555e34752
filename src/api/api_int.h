/* What the files of the REST API share. Private to src/api.
 *
 * A call lives from rp_api_handle until it is answered. Handlers fill `w` and end with rp_api_send,
 * or with rp_api_error; in between they may ask the store, any number of times one after another:
 *
 *     struct rp_store_agent_get *q = RP_API_ASK(agent_get, c, got_agent);
 *     if (!q)
 *         return;                                  // answered already
 *     q->id = rp_store_z_of(&q->req, c->params[0]);
 *     rp_api_submit(c, &q->req);
 *
 * and the callback begins with rp_api_failed, which answers for whatever went wrong. If the client
 * hangs up meanwhile the question is still answered by the store, and the answer dropped. */
#ifndef RP_API_API_INT_H
#define RP_API_API_INT_H

#include <pthread.h>

#include "api/api.h"
#include "base/arena.h"
#include "base/buf.h"
#include "codec/form.h"
#include "codec/json.h"

#define RP_API_BODY_MAX   (512u << 10)
#define RP_API_ANSWER_MAX (32u << 20)
#define RP_API_PARAMS     2 /* most {…} in a path */

/* A key that the store knew a moment ago. */
struct rp_api_known_key {
    struct rp_store_hash hash;
    char id[RP_ID_MAX];
    int64_t checked_us, noted_us; /* when it was looked up, when its use was noted in the store */
};
#define RP_API_KNOWN_KEYS 64

struct rp_api {
    struct rp_api_params p;
    char *public_url;
    struct rp_store_hash own_key; /* of p.api_key */
    bool has_own_key;
    pthread_mutex_t lock; /* guards `known` and `next_known` */
    struct rp_api_known_key known[RP_API_KNOWN_KEYS];
    size_t next_known;
};

struct rp_api_call;
typedef void rp_api_fn(struct rp_api_call *c);

enum rp_api_route_flag {
    RP_API_OPEN = 1 << 0,      /* needs no key */
    RP_API_AUTHORIZE = 1 << 1, /* bad keys and unknown things are 400 there, as on the platform */
    RP_API_BODY = 1 << 2,      /* takes a JSON object */
    RP_API_BODY_OPT = 1 << 3,  /* the same, and an empty body stands for {} */
};

struct rp_api_route {
    const char *method;
    const char *path; /* "/v1/agents/{}/sessions/{}" */
    unsigned flags;
    rp_api_fn *handler;
};

struct rp_api_call {
    struct rp_api *api;
    struct rp_http_req *req; /* NULL: the client has gone */
    struct rp_loop *loop;
    const struct rp_api_route *route;
    struct rp_str params[RP_API_PARAMS]; /* copies in `mem` */
    struct rp_form query;
    const struct rp_json *body; /* an object, where the route takes one */
    struct rp_arena mem;
    struct rp_buf out;
    struct rp_jw w;
    void *state; /* the handler's, in `mem` */
};

/* ---- answering (call.c) ---- */

/* Sends what `w` has written. The call is gone. */
void rp_api_send(struct rp_api_call *c, int status);
/* Sends no body (204). The call is gone. */
void rp_api_send_nothing(struct rp_api_call *c);
/* {"error": …}: a sentence with a full stop, that says what to do. The call is gone. */
void rp_api_error(struct rp_api_call *c, int status, const char *fmt, ...) RP_PRINTF(3, 4);
/* For an error code that has no better sentence. */
void rp_api_error_of(struct rp_api_call *c, int err, const char *why);
/* {"error": …, "errors": [{"field", "message"}]} with 400. */
void rp_api_error_config(struct rp_api_call *c, const char *before,
                         const struct rp_config_report *report);

/* A new request of the store, or NULL: then the call has been answered. */
#define RP_API_ASK(name, c, done)                                                                  \
    ((struct rp_store_##name *)rp_api_ask(c, RP_STORE_OP_##name, sizeof(struct rp_store_##name),   \
                                          done))
void *rp_api_ask(struct rp_api_call *c, enum rp_store_op op, size_t size, rp_store_done_fn *done);
void rp_api_submit(struct rp_api_call *c, struct rp_store_req *req);
/* True: the request failed or the client has gone; the call has been answered and is gone. */
bool rp_api_failed(struct rp_api_call *c, const struct rp_store_req *req);

/* ---- authentication (auth.c) ---- */

/* Runs `next` when the caller's key is good; answers otherwise. */
void rp_api_authenticate(struct rp_api_call *c, rp_api_fn *next);
/* After a revocation. */
void rp_api_forget_keys(struct rp_api *a);

/* ---- reading requests (call.c) ---- */

/* The string member `key` of the body. False: it is there and no string, or longer than `max` bytes
 * or contains NUL, and the call has been answered. Absent or null: p == NULL. */
bool rp_api_body_str(struct rp_api_call *c, const char *key, size_t max, struct rp_str *out);
/* The object member; absent or null: NULL. */
bool rp_api_body_obj(struct rp_api_call *c, const char *key, const struct rp_json **out);
/* `limit` and `cursor` of the query. */
bool rp_api_page(struct rp_api_call *c, struct rp_store_req *req, struct rp_store_page *page);
/* The value of a query parameter; p == NULL: absent or empty. */
struct rp_str rp_api_query(struct rp_api_call *c, const char *name);
/* The config rules of this server. */
struct rp_config_rules rp_api_rules(const struct rp_api *a);

/* ---- writing answers ---- */

void rp_api_key_time(struct rp_jw *w, const char *key, int64_t ms);  /* ISO 8601; < 0: null */
void rp_api_key_num_opt(struct rp_jw *w, const char *key, double v); /* < 0: null */
/* JSON text from the store; p == NULL prints `absent` (JSON). */
void rp_api_key_json(struct rp_jw *w, const char *key, struct rp_str json, const char *absent);
/* "next_cursor": the id of the last row if there are more, else null. */
void rp_api_key_cursor(struct rp_jw *w, const struct rp_store_page *page, const char *last_id);

/* ---- handlers, by file ---- */

rp_api_fn rp_api_authorize_web, rp_api_authorize_pipeline;
rp_api_fn rp_api_agents_list, rp_api_agents_create, rp_api_agent_get, rp_api_agent_update,
    rp_api_agent_delete, rp_api_secret_get, rp_api_secret_change, rp_api_templates;
rp_api_fn rp_api_sessions_list, rp_api_agent_sessions_list, rp_api_session_get,
    rp_api_conversations_list, rp_api_agent_conversations_list;
rp_api_fn rp_api_keys_list, rp_api_key_create, rp_api_key_revoke;
rp_api_fn rp_api_webhook_logs;
rp_api_fn rp_api_healthz, rp_api_readyz;

#endif
