/* authorize_session, in its present and its older form: a key for one session.
 *
 *     read the body ─► (older form: which conversation?) ─► the agent ─► a session with its key
 *
 * The key leaves the server here and nowhere else; the store has its hash. */
#include <string.h>

#include "agent/headers.h"
#include "api/api_int.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/mem.h"

#define KEY_LIFE_MS (3600 * 1000)
#define ID_MAX_LEN  128
#define KEY_PREFIX  "lc_sesskey_"

/* What is to be authorized. Strings and trees live in the call's arena. */
struct wish {
    bool older_form;
    struct rp_str agent_id, conversation_id, sdk_version; /* p == NULL: not said */
    struct rp_str resume_session;                         /* older form: `session_id` */
    const struct rp_json *metadata, *custom_metadata, *custom_headers, *config;
    const struct rp_config *parsed; /* the config that the session will run with */
    char session_id[RP_ID_MAX], key[RP_SECRET_MAX];
};

/* ---- the last step: the session is made ---- */

static void authorized(struct rp_store_req *req, void *arg)
{
    struct rp_store_session_authorize *q = RP_STORE_OF(session_authorize, req);
    struct rp_api_call *c = arg;
    struct wish *wish = c->state;

    if (c->req && req->err == RP_EDENIED) {
        rp_api_error(c, 400,
                     "This agent has no conversation \"%.*s\". Leave conversation_id out "
                     "to begin one.",
                     RP_STR_ARG(rp_str_first(wish->conversation_id, ID_MAX_LEN)));
        return;
    }
    if (rp_api_failed(c, req))
        return;
    rp_jw_obj(&c->w);
    rp_jw_key_z(&c->w, "client_session_key", wish->key);
    if (wish->older_form)
        rp_jw_key_z(&c->w, "session_id", wish->session_id);
    rp_jw_key_z(&c->w, "conversation_id", q->session.conversation_id);
    if (!wish->older_form) {
        rp_jw_key(&c->w, "config");
        rp_config_write_client(&c->w, wish->parsed);
    }
    rp_jw_end(&c->w);
    rp_wipe(wish->key, sizeof(wish->key));
    rp_api_send(c, 200);
}

/* A tree as text in the request; NULL stays absent. */
static struct rp_str print(struct rp_store_req *req, const struct rp_json *tree)
{
    struct rp_str s = {NULL, 0};
    struct rp_buf b;

    if (!tree)
        return s;
    rp_buf_init(&b, 2 * RP_API_BODY_MAX);
    rp_json_write(&b, tree);
    if (rp_buf_err(&b))
        req->err = rp_buf_err(&b);
    else
        s = rp_store_str(req, rp_buf_view(&b));
    rp_buf_fini(&b);
    return s;
}

static void ask_for_session(struct rp_api_call *c, struct wish *wish)
{
    struct rp_store_session_authorize *q = RP_API_ASK(session_authorize, c, authorized);
    char id[RP_ID_MAX];

    if (!q)
        return;
    q->new_conversation = wish->conversation_id.p == NULL;
    if (q->new_conversation)
        q->session.conversation_id = rp_store_z(&q->req, rp_id_new(id, RP_ID_CONVERSATION));
    else
        q->session.conversation_id = rp_store_z_of(&q->req, wish->conversation_id);
    q->session.id = rp_store_z(&q->req, rp_id_new(wish->session_id, RP_ID_SESSION));
    q->session.agent_id = rp_store_z_of(&q->req, wish->agent_id);
    q->session.channel = "browser";
    q->session.sdk_version = rp_store_z_of(&q->req, wish->sdk_version);
    q->session.config = print(&q->req, wish->config);
    q->session.metadata = print(&q->req, wish->metadata);
    q->session.authorized_ms = rp_wall_ms();
    q->session.key_expires_ms = q->session.authorized_ms + KEY_LIFE_MS;
    q->custom_metadata = print(&q->req, wish->custom_metadata);
    q->custom_headers = print(&q->req, wish->custom_headers);
    q->key = rp_store_hash(rp_str_z(rp_secret_new(wish->key, KEY_PREFIX)));
    rp_api_submit(c, &q->req);
}

/* ---- the agent ---- */

/* The config to run with: the session's own, or the agent's. */
static bool settle_config(struct rp_api_call *c, struct wish *wish, struct rp_str agents)
{
    struct rp_config_report *report = rp_arena_zalloc(&c->mem, sizeof(*report));
    struct rp_config_rules rules = rp_api_rules(c->api);
    int err = RP_ENOMEM;

    if (report && wish->config)
        err = rp_config_parse(&wish->parsed, &c->mem, wish->config, &rules, report);
    else if (report)
        err = rp_config_parse_text(&wish->parsed, &c->mem, rp_arena_str(&c->mem, agents), &rules,
                                   report);
    if (err == RP_EPROTO)
        rp_api_error_config(c,
                            wish->config ? "config is not valid: "
                                         : "The agent's config is not valid any more: ",
                            report);
    else if (err)
        rp_api_error_of(c, err, NULL);
    else if (!wish->parsed->browser)
        rp_api_error(c, 400,
                     "The agent takes no browser sessions: set clients.browser to true in "
                     "its config.");
    else
        return true;
    return false;
}

static void got_agent(struct rp_store_req *req, void *arg)
{
    struct rp_store_agent_get *q = RP_STORE_OF(agent_get, req);
    struct rp_api_call *c = arg;
    struct wish *wish = c->state;

    if (c->req && req->err == RP_ENOTFOUND) {
        rp_api_error(c, 400, "There is no agent \"%.*s\". GET /v1/agents lists them.",
                     RP_STR_ARG(wish->agent_id));
        return;
    }
    if (!rp_api_failed(c, req) && settle_config(c, wish, q->agent.config))
        ask_for_session(c, wish);
}

static void ask_for_agent(struct rp_api_call *c, struct wish *wish)
{
    struct rp_store_agent_get *q;

    if (c->api->p.has_room && !c->api->p.has_room(c->api->p.arg)) {
        rp_api_error(c, 429,
                     "The server carries as many sessions as it may. Try again when one "
                     "has ended.");
        return;
    }
    q = RP_API_ASK(agent_get, c, got_agent);
    if (!q)
        return;
    q->id = rp_store_z_of(&q->req, wish->agent_id);
    rp_api_submit(c, &q->req);
}

/* ---- the body ---- */

static struct wish *new_wish(struct rp_api_call *c)
{
    struct wish *wish = rp_arena_zalloc(&c->mem, sizeof(*wish));

    if (!wish)
        rp_api_error_of(c, RP_ENOMEM, NULL);
    c->state = wish;
    return wish;
}

static bool check_agent_id(struct rp_api_call *c, const char *key, struct rp_str id)
{
    if (id.len == 0)
        rp_api_error(c, 400, "%s is missing: the id of the agent, such as \"ag-…\".", key);
    return id.len > 0;
}

/* Parts that may go with either form. */
static bool read_extras(struct rp_api_call *c, struct wish *wish)
{
    char text[256];
    const char *wrong;

    if (!rp_api_body_str(c, "sdk_version", 100, &wish->sdk_version) ||
        !rp_api_body_obj(c, "metadata", &wish->metadata) ||
        !rp_api_body_obj(c, "custom_metadata", &wish->custom_metadata) ||
        !rp_api_body_obj(c, "custom_headers", &wish->custom_headers) ||
        !rp_api_body_obj(c, "config", &wish->config))
        return false;
    wrong =
        wish->custom_headers ? rp_headers_refused(wish->custom_headers, text, sizeof(text)) : NULL;
    if (wrong)
        rp_api_error(c, 400, "custom_headers: %s.", wrong);
    return !wrong;
}

void rp_api_authorize_web(struct rp_api_call *c)
{
    struct wish *wish = new_wish(c);

    if (!wish || !rp_api_body_str(c, "agent_id", ID_MAX_LEN, &wish->agent_id) ||
        !rp_api_body_str(c, "conversation_id", ID_MAX_LEN, &wish->conversation_id) ||
        !check_agent_id(c, "agent_id", wish->agent_id) || !read_extras(c, wish))
        return;
    if (wish->conversation_id.p && wish->conversation_id.len == 0) {
        rp_api_error(c, 400, "conversation_id must not be empty. Leave it out to begin one.");
        return;
    }
    ask_for_agent(c, wish);
}

/* ---- the older form ---- */

static void got_session(struct rp_store_req *req, void *arg)
{
    struct rp_store_session_get *q = RP_STORE_OF(session_get, req);
    struct rp_api_call *c = arg;
    struct wish *wish = c->state;

    if (c->req && req->err == RP_ENOTFOUND) {
        rp_api_error(c, 400,
                     "There is no session \"%.*s\" of this pipeline. Leave session_id out "
                     "to begin a conversation.",
                     RP_STR_ARG(wish->resume_session));
        return;
    }
    if (rp_api_failed(c, req))
        return;
    wish->conversation_id = rp_arena_str(&c->mem, rp_str_z(q->session.conversation_id));
    if (wish->conversation_id.p)
        ask_for_agent(c, wish);
    else
        rp_api_error_of(c, RP_ENOMEM, NULL);
}

void rp_api_authorize_pipeline(struct rp_api_call *c)
{
    struct wish *wish = new_wish(c);
    struct rp_store_session_get *q;

    if (!wish || !rp_api_body_str(c, "pipeline_id", ID_MAX_LEN, &wish->agent_id) ||
        !rp_api_body_str(c, "session_id", ID_MAX_LEN, &wish->resume_session) ||
        !check_agent_id(c, "pipeline_id", wish->agent_id) || !read_extras(c, wish))
        return;
    wish->older_form = true;
    if (wish->resume_session.len == 0) {
        ask_for_agent(c, wish);
        return;
    }
    if (rp_str_starts(wish->resume_session, RP_STR(RP_ID_CONVERSATION))) {
        wish->conversation_id = wish->resume_session;
        ask_for_agent(c, wish);
        return;
    }
    q = RP_API_ASK(session_get, c, got_session);
    if (!q)
        return;
    q->id = rp_store_z_of(&q->req, wish->resume_session);
    q->agent_id = rp_store_z_of(&q->req, wish->agent_id);
    rp_api_submit(c, &q->req);
}
