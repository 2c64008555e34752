/* The table of all calls, and how a request finds its row; see api.h. */
#include "api/api.h"

#include "api/api_int.h"
#include "base/err.h"
#include "base/mem.h"

#define CALL_MEM_MAX (16u << 20)

static const struct rp_api_route routes[] = {
    {"POST", "/v1/agents/web/authorize_session", RP_API_AUTHORIZE | RP_API_BODY,
     rp_api_authorize_web},
    {"POST", "/v1/pipelines/authorize_session", RP_API_AUTHORIZE | RP_API_BODY,
     rp_api_authorize_pipeline},
    {"GET", "/v1/agents", 0, rp_api_agents_list},
    {"POST", "/v1/agents", RP_API_BODY_OPT, rp_api_agents_create},
    {"GET", "/v1/agents/{}", 0, rp_api_agent_get},
    {"POST", "/v1/agents/{}", RP_API_BODY, rp_api_agent_update},
    {"DELETE", "/v1/agents/{}", 0, rp_api_agent_delete},
    {"GET", "/v1/agents/{}/webhook_secret", 0, rp_api_secret_get},
    {"POST", "/v1/agents/{}/webhook_secret", RP_API_BODY, rp_api_secret_change},
    {"GET", "/v1/agents/{}/sessions", 0, rp_api_agent_sessions_list},
    {"GET", "/v1/agents/{}/sessions/{}", 0, rp_api_session_get},
    {"GET", "/v1/agents/{}/conversations", 0, rp_api_agent_conversations_list},
    {"GET", "/v1/sessions", 0, rp_api_sessions_list},
    {"GET", "/v1/conversations", 0, rp_api_conversations_list},
    {"GET", "/v1/webhook_logs", 0, rp_api_webhook_logs},
    {"GET", "/v1/templates", 0, rp_api_templates},
    {"GET", "/v1/keys", 0, rp_api_keys_list},
    {"POST", "/v1/keys", RP_API_BODY_OPT, rp_api_key_create},
    {"DELETE", "/v1/keys/{}", 0, rp_api_key_revoke},
    {"GET", "/healthz", RP_API_OPEN, rp_api_healthz},
    {"GET", "/readyz", RP_API_OPEN, rp_api_readyz},
};

/* Whether the path has the pattern's form; `params` gets what stands for each {}. */
static bool match(const char *pattern, struct rp_str path, struct rp_str params[RP_API_PARAMS])
{
    struct rp_str want = rp_str_z(pattern);
    size_t n = 0;

    while (want.p && path.p) {
        struct rp_str w = rp_str_split(&want, '/'), have = rp_str_split(&path, '/');

        if (rp_str_eq_z(w, "{}")) {
            if (have.len == 0)
                return false;
            params[n++] = have;
        } else if (!rp_str_eq(w, have)) {
            return false;
        }
    }
    return !want.p && !path.p;
}

/* A HEAD is a GET whose body the server leaves out. */
static bool same_method(struct rp_str method, const char *of_route)
{
    return rp_str_eq_z(method, of_route) ||
           (rp_str_eq_z(method, "HEAD") && rp_str_eq_z(RP_STR("GET"), of_route));
}

/* The row for a request; NULL if there is none, with `allow` listing what its path can do. */
static const struct rp_api_route *find(struct rp_str method, struct rp_str path,
                                       struct rp_str params[RP_API_PARAMS], struct rp_buf *allow)
{
    for (size_t i = 0; i < RP_COUNT(routes); i++) {
        if (!match(routes[i].path, path, params))
            continue;
        if (same_method(method, routes[i].method))
            return &routes[i];
        (void)rp_buf_printf(allow, "%s%s", allow->len ? ", " : "", routes[i].method);
    }
    return NULL;
}

/* ---- a call's beginning ---- */

static void gone(struct rp_http_req *req, void *arg)
{
    struct rp_api_call *c = arg;

    (void)req;
    c->req = NULL; /* whoever asked the store for it will see that */
}

static struct rp_api_call *new_call(struct rp_api *a, struct rp_http_req *req)
{
    struct rp_api_call *c = rp_zalloc(sizeof(*c));

    if (!c)
        return NULL;
    c->api = a;
    c->req = req;
    c->loop = rp_http_req_loop(req);
    rp_arena_init(&c->mem, CALL_MEM_MAX);
    rp_buf_init(&c->out, RP_API_ANSWER_MAX);
    c->w = (struct rp_jw){.b = &c->out};
    rp_http_req_on_gone(req, gone, c);
    return c;
}

/* The parts of the request that handlers look at. False: the call has been answered. */
static bool read_request(struct rp_api_call *c, const struct rp_str params[RP_API_PARAMS])
{
    int err = rp_form_parse(&c->query, &c->mem, rp_http_req_query(c->req));

    for (size_t i = 0; i < RP_API_PARAMS && params[i].p && !err; i++) {
        c->params[i] = rp_arena_str(&c->mem, params[i]);
        err = c->params[i].p ? 0 : RP_ENOMEM;
    }
    if (err)
        rp_api_error_of(c, err, NULL);
    return !err;
}

static bool parse_body(struct rp_api_call *c)
{
    struct rp_str text = rp_http_req_body(c->req);
    struct rp_json_error wrong = {0};
    struct rp_json *tree = NULL;
    int err;

    if (text.len > RP_API_BODY_MAX) {
        rp_api_error(c, 413, "The body is too large: %u bytes at most.", RP_API_BODY_MAX);
        return false;
    }
    if (text.len == 0 && (c->route->flags & RP_API_BODY_OPT))
        text = RP_STR("{}");
    if (text.len == 0) {
        rp_api_error(c, 400, "The body is missing: send a JSON object.");
        return false;
    }
    err = rp_json_parse(&tree, &c->mem, text, &wrong);
    if (!err && rp_json_is(tree, RP_JSON_OBJECT)) {
        c->body = tree;
        return true;
    }
    if (!err)
        rp_api_error(c, 400, "The body must be a JSON object, not %s.", rp_json_type_name(tree));
    else if (err == RP_EPROTO)
        rp_api_error(c, 400, "The body is not JSON: %s (at byte %zu).", wrong.text, wrong.at);
    else if (err == RP_ELIMIT)
        rp_api_error(c, 400, "The body is nested too deeply or has too many parts.");
    else
        rp_api_error_of(c, err, NULL);
    return false;
}

static void run(struct rp_api_call *c)
{
    if ((c->route->flags & (RP_API_BODY | RP_API_BODY_OPT)) && !parse_body(c))
        return;
    c->route->handler(c);
}

static void refuse(struct rp_http_req *req, struct rp_str method, struct rp_str path,
                   const struct rp_buf *allow)
{
    const struct rp_header headers[] = {{RP_STR("Allow"), rp_buf_view(allow)}};
    size_t n = allow->len ? 1 : 0;
    struct rp_buf text, json;
    struct rp_jw w = {.b = &json};

    rp_buf_init(&text, 1024);
    rp_buf_init(&json, 8192);
    if (n)
        (void)rp_buf_printf(&text, "%.*s is not possible here: use %s.",
                            RP_STR_ARG(rp_str_first(method, 32)), allow->p);
    else
        (void)rp_buf_printf(&text, "There is no call %.*s %.*s.",
                            RP_STR_ARG(rp_str_first(method, 32)),
                            RP_STR_ARG(rp_str_first(path, 200)));
    rp_jw_obj(&w);
    rp_jw_key_str(&w, "error", rp_buf_view(&text));
    rp_jw_end(&w);
    rp_http_respond(req, n ? 405 : 404, "application/json", headers, n, rp_buf_view(&json));
    rp_buf_fini(&text);
    rp_buf_fini(&json);
}

bool rp_api_handle(struct rp_api *a, struct rp_http_req *req)
{
    struct rp_str path = rp_http_req_path(req), method = rp_http_req_method(req);
    struct rp_str params[RP_API_PARAMS] = {{NULL, 0}, {NULL, 0}};
    const struct rp_api_route *route;
    struct rp_api_call *c;
    struct rp_buf allow;

    if (path.len > 1 && rp_str_ends(path, RP_STR("/")))
        path.len--;
    rp_buf_init(&allow, 256);
    route = find(method, path, params, &allow);
    if (!route) {
        bool ours = allow.len > 0 || rp_str_starts(path, RP_STR("/v1/"));

        if (ours)
            refuse(req, method, path, &allow);
        rp_buf_fini(&allow);
        return ours;
    }
    rp_buf_fini(&allow);
    c = new_call(a, req);
    if (!c) {
        rp_http_respond(req, 503, "application/json", NULL, 0,
                        RP_STR("{\"error\":\"The server is out of memory. Try again.\"}"));
        return true;
    }
    c->route = route;
    if (!read_request(c, params))
        return true;
    if (route->flags & RP_API_OPEN)
        run(c);
    else
        rp_api_authenticate(c, run);
    return true;
}

/* ---- the API as a whole ---- */

int rp_api_new(struct rp_api **out, const struct rp_api_params *p)
{
    struct rp_api *a = rp_zalloc(sizeof(*a));

    if (!a)
        return RP_ENOMEM;
    a->p = *p;
    a->p.api_key = NULL; /* only its hash is kept */
    a->p.engines.strict = p->strict_engines;
    a->has_own_key = p->api_key && p->api_key[0];
    if (a->has_own_key)
        a->own_key = rp_store_hash(rp_str_z(p->api_key));
    a->public_url = rp_strdup(p->public_url);
    (void)pthread_mutex_init(&a->lock, NULL);
    if (p->public_url && !a->public_url) {
        rp_api_free(a);
        return RP_ENOMEM;
    }
    *out = a;
    return 0;
}

void rp_api_free(struct rp_api *a)
{
    if (!a)
        return;
    (void)pthread_mutex_destroy(&a->lock);
    rp_free(a->public_url);
    rp_free(a);
}
