/* Agents: list, create, read, change, delete; their webhook secrets; the templates. */
#include <string.h>

#include "api/api_int.h"
#include "api/config_edit.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/mem.h"

#define NAME_MAX_LEN    200
#define SECRET_KEEP_MS  (24 * 3600 * 1000) /* how long the old secret can be put back */
#define UPDATE_ATTEMPTS 5                  /* when others change the agent at the same moment */

/* ---- answers ---- */

static void write_summary(struct rp_jw *w, const struct rp_store_agent *a)
{
    rp_jw_key_z(w, "id", a->id);
    rp_jw_key_z(w, "name", a->name);
    rp_jw_key_z(w, "type", a->type);
    rp_jw_key_z(w, "agent_template_id", a->template_id);
    rp_api_key_time(w, "created_at", a->created_ms);
    rp_api_key_time(w, "updated_at", a->updated_ms);
    rp_jw_key(w, "assigned_phone_numbers");
    rp_jw_arr(w);
    rp_jw_end(w);
}

static void write_warnings(struct rp_jw *w, const struct rp_config_report *report)
{
    rp_jw_key(w, "warnings");
    rp_jw_arr(w);
    for (size_t i = 0; i < report->nwarnings; i++) {
        struct rp_buf text;

        rp_buf_init(&text, 1024);
        (void)rp_buf_printf(&text, "%s: %s", report->warnings[i].path, report->warnings[i].text);
        rp_jw_str(w, rp_buf_view(&text));
        rp_buf_fini(&text);
    }
    rp_jw_end(w);
}

/* Answers with the whole agent. A stored config that is no longer valid (a newer Riposte may have
 * stricter rules) is shown all the same, and `warnings` says what is wrong. */
static void send_agent(struct rp_api_call *c, const struct rp_store_agent *a, int status,
                       bool with_secret)
{
    struct rp_config_rules rules = rp_api_rules(c->api);
    struct rp_config_report *report = rp_arena_zalloc(&c->mem, sizeof(*report));
    const struct rp_config *config = NULL;
    const struct rp_json *shown;
    struct rp_json *tree;
    int err = report ? rp_json_parse(&tree, &c->mem, a->config, NULL) : RP_ENOMEM;

    if (!err)
        err = rp_config_edit_hide(&shown, &c->mem, tree);
    if (err) {
        rp_api_error_of(c, err == RP_EPROTO ? RP_EIO : err, NULL);
        return;
    }
    rules.strict = false;
    err = rp_config_parse(&config, &c->mem, tree, &rules, report);
    if (err && err != RP_EPROTO) {
        rp_api_error_of(c, err, NULL);
        return;
    }
    if (err) {
        memcpy(report->warnings, report->errors, sizeof(report->warnings));
        report->nwarnings = report->nerrors;
    }
    rp_jw_obj(&c->w);
    write_summary(&c->w, a);
    rp_jw_key(&c->w, "webhook_url");
    if (config && config->webhook.url.p)
        rp_jw_str(&c->w, config->webhook.url);
    else
        rp_jw_null(&c->w);
    if (with_secret)
        rp_jw_key_z(&c->w, "webhook_secret", a->secret);
    rp_jw_key_value(&c->w, "config", shown);
    write_warnings(&c->w, report);
    rp_jw_end(&c->w);
    rp_api_send(c, status);
}

static void tell(struct rp_api_call *c, const char *agent_id)
{
    if (c->api->p.agent_changed)
        c->api->p.agent_changed(agent_id, c->api->p.arg);
}

/* ---- list, get, delete ---- */

static void listed(struct rp_store_req *req, void *arg)
{
    struct rp_store_agent_list *q = RP_STORE_OF(agent_list, req);
    struct rp_api_call *c = arg;

    if (rp_api_failed(c, req))
        return;
    rp_jw_obj(&c->w);
    rp_jw_key(&c->w, "agents");
    rp_jw_arr(&c->w);
    for (size_t i = 0; i < q->n; i++) {
        rp_jw_obj(&c->w);
        write_summary(&c->w, &q->agents[i]);
        rp_jw_end(&c->w);
    }
    rp_jw_end(&c->w);
    rp_api_key_cursor(&c->w, &q->page, q->n ? q->agents[q->n - 1].id : NULL);
    rp_jw_end(&c->w);
    rp_api_send(c, 200);
}

void rp_api_agents_list(struct rp_api_call *c)
{
    struct rp_store_agent_list *q = RP_API_ASK(agent_list, c, listed);

    if (!q || !rp_api_page(c, &q->req, &q->page))
        return;
    if (!q->page.limit)
        q->page.limit = RP_STORE_PAGE_MAX; /* published clients expect all of them */
    rp_api_submit(c, &q->req);
}

static void got(struct rp_store_req *req, void *arg)
{
    if (!rp_api_failed(arg, req))
        send_agent(arg, &RP_STORE_OF(agent_get, req)->agent, 200, false);
}

void rp_api_agent_get(struct rp_api_call *c)
{
    struct rp_store_agent_get *q = RP_API_ASK(agent_get, c, got);

    if (!q)
        return;
    q->id = rp_store_z_of(&q->req, c->params[0]);
    rp_api_submit(c, &q->req);
}

static void deleted(struct rp_store_req *req, void *arg)
{
    struct rp_api_call *c = arg;

    if (!req->err)
        tell(c, RP_STORE_OF(agent_delete, req)->id);
    if (!rp_api_failed(c, req))
        rp_api_send_nothing(c);
}

void rp_api_agent_delete(struct rp_api_call *c)
{
    struct rp_store_agent_delete *q = RP_API_ASK(agent_delete, c, deleted);

    if (!q)
        return;
    q->id = rp_store_z_of(&q->req, c->params[0]);
    q->now_ms = rp_wall_ms();
    rp_api_submit(c, &q->req);
}

/* ---- configs from a body ---- */

/* What the body says about the agent. */
struct wish {
    struct rp_str name;           /* p == NULL: not said */
    struct rp_str webhook_url;    /* the same; "" clears */
    const struct rp_json *config; /* NULL: not said */
    int attempts;
};

static bool read_wish(struct rp_api_call *c, struct wish *wish)
{
    const char *wrong;

    *wish = (struct wish){.attempts = 0};
    if (!rp_api_body_str(c, "name", NAME_MAX_LEN, &wish->name) ||
        !rp_api_body_str(c, "webhook_url", RP_CONFIG_MAX, &wish->webhook_url) ||
        !rp_api_body_obj(c, "config", &wish->config))
        return false;
    if (wish->name.p && rp_str_trim(wish->name).len == 0) {
        rp_api_error(c, 400, "name must not be empty.");
        return false;
    }
    wrong = wish->webhook_url.len ? rp_config_check_url(wish->webhook_url) : NULL;
    if (wrong) {
        rp_api_error(c, 400, "webhook_url: %s.", wrong);
        return false;
    }
    return true;
}

/* The config that `wish` makes of `stored`, checked, as text in *out; p == NULL if it says nothing
 * about it. False: the call has been answered. */
static bool make_config(struct rp_api_call *c, const struct wish *wish, struct rp_str stored,
                        struct rp_str *out)
{
    struct rp_config_rules rules = rp_api_rules(c->api);
    struct rp_config_report *report = rp_arena_zalloc(&c->mem, sizeof(*report));
    const struct rp_json *config = wish->config;
    const struct rp_config *parsed;
    struct rp_json *old;
    struct rp_buf text;
    int err = report ? rp_json_parse(&old, &c->mem, stored, NULL) : RP_ENOMEM;

    *out = rp_str_n(NULL, 0);
    if (!err && config)
        err = rp_config_edit_unhide(&config, &c->mem, config, old);
    if (!err && wish->webhook_url.p) {
        err = rp_config_edit_url(&config, &c->mem, config ? config : old, wish->webhook_url);
        if (err == RP_EPROTO) {
            rp_api_error(c, 400,
                         "webhook_url cannot be set: the config's plugins have no place for "
                         "it. Take agent.llm out of them first.");
            return false;
        }
    }
    if (!err && config)
        err = rp_config_parse(&parsed, &c->mem, config, &rules, report);
    if (err == RP_EPROTO && report->nerrors) {
        rp_api_error_config(c, "The config is not valid: ", report);
        return false;
    }
    if (!err && config) {
        rp_buf_init(&text, RP_CONFIG_MAX);
        rp_json_write(&text, config);
        err = rp_buf_err(&text);
        if (!err)
            *out = rp_arena_str(&c->mem, rp_buf_view(&text));
        rp_buf_fini(&text);
        if (err == RP_ELIMIT) {
            rp_api_error(c, 400, "The config is too large: %u bytes at most.", RP_CONFIG_MAX);
            return false;
        }
        if (!err && !out->p)
            err = RP_ENOMEM;
    }
    if (err)
        rp_api_error_of(c, err == RP_EPROTO ? RP_EIO : err, NULL);
    return !err;
}

/* ---- create ---- */

static void created(struct rp_store_req *req, void *arg)
{
    if (!rp_api_failed(arg, req))
        send_agent(arg, &RP_STORE_OF(agent_create, req)->agent, 201, true);
}

static const struct rp_config_template *find_template(struct rp_str id)
{
    const struct rp_config_template *t;

    for (size_t i = 0; (t = rp_config_template_get(i)); i++)
        if (id.p ? rp_str_eq_z(id, t->id) : i == 0)
            break;
    return t;
}

void rp_api_agents_create(struct rp_api_call *c)
{
    const struct rp_config_template *t;
    struct rp_store_agent_create *q;
    struct rp_str template_id, config;
    struct wish wish;
    char id[RP_ID_MAX], secret[RP_SECRET_MAX];

    if (!rp_api_body_str(c, "template_id", 100, &template_id) || !read_wish(c, &wish))
        return;
    t = find_template(template_id);
    if (!t) {
        rp_api_error(c, 400, "There is no template \"%.*s\": GET /v1/templates lists them.",
                     RP_STR_ARG(template_id));
        return;
    }
    if (!make_config(c, &wish, rp_str_z(t->config), &config))
        return;
    q = RP_API_ASK(agent_create, c, created);
    if (!q)
        return;
    q->agent.id = rp_store_z(&q->req, rp_id_new(id, RP_ID_AGENT));
    q->agent.name = rp_store_z_of(&q->req, wish.name.p ? wish.name : rp_str_z(t->name));
    q->agent.type = rp_store_z(&q->req, "voice");
    q->agent.template_id = rp_store_z(&q->req, t->id);
    q->agent.config = rp_store_str(&q->req, config.p ? config : rp_str_z(t->config));
    q->agent.secret = rp_store_z(&q->req, rp_secret_new(secret, "whsec_"));
    q->agent.created_ms = rp_wall_ms();
    rp_wipe(secret, sizeof(secret));
    rp_api_submit(c, &q->req);
}

/* ---- update: read, change, write if nobody else has written meanwhile ---- */

static void updated(struct rp_store_req *req, void *arg)
{
    struct rp_store_agent_update *q = RP_STORE_OF(agent_update, req);
    struct rp_api_call *c = arg;
    struct wish *wish = c->state;

    if (req->err == RP_EEXIST && c->req && ++wish->attempts < UPDATE_ATTEMPTS) {
        rp_api_agent_update(c);
        return;
    }
    if (!req->err)
        tell(c, q->agent.id);
    if (!rp_api_failed(c, req))
        send_agent(c, &q->agent, 200, false);
}

static void got_for_update(struct rp_store_req *req, void *arg)
{
    struct rp_store_agent_get *got_it = RP_STORE_OF(agent_get, req);
    struct rp_api_call *c = arg;
    struct wish *wish = c->state;
    struct rp_store_agent_update *q;
    struct rp_str config;

    if (rp_api_failed(c, req) || !make_config(c, wish, got_it->agent.config, &config))
        return;
    q = RP_API_ASK(agent_update, c, updated);
    if (!q)
        return;
    q->id = rp_store_z(&q->req, got_it->agent.id);
    q->name = rp_store_z_of(&q->req, wish->name);
    q->config = rp_store_str(&q->req, config);
    q->if_revision = got_it->agent.revision;
    q->now_ms = rp_wall_ms();
    rp_api_submit(c, &q->req);
}

void rp_api_agent_update(struct rp_api_call *c)
{
    struct rp_store_agent_get *q;

    if (!c->state) {
        struct wish *wish = rp_arena_zalloc(&c->mem, sizeof(*wish));

        if (!wish) {
            rp_api_error_of(c, RP_ENOMEM, NULL);
            return;
        }
        if (!read_wish(c, wish))
            return;
        c->state = wish;
    }
    q = RP_API_ASK(agent_get, c, got_for_update);
    if (!q)
        return;
    q->id = rp_store_z_of(&q->req, c->params[0]);
    rp_api_submit(c, &q->req);
}

/* ---- webhook secrets ---- */

static void send_secrets(struct rp_api_call *c, const struct rp_store_agent *a)
{
    bool previous = a->secret_previous && a->previous_until_ms > rp_wall_ms();

    rp_jw_obj(&c->w);
    rp_jw_key_z(&c->w, "webhook_secret", a->secret);
    rp_jw_key_z(&c->w, "pending_secret", a->secret_pending);
    rp_jw_key_bool(&c->w, "can_restore", previous);
    rp_api_key_time(&c->w, "can_restore_until", previous ? a->previous_until_ms : -1);
    rp_jw_end(&c->w);
    rp_api_send(c, 200);
}

static void got_secret(struct rp_store_req *req, void *arg)
{
    if (!rp_api_failed(arg, req))
        send_secrets(arg, &RP_STORE_OF(agent_get, req)->agent);
}

void rp_api_secret_get(struct rp_api_call *c)
{
    struct rp_store_agent_get *q = RP_API_ASK(agent_get, c, got_secret);

    if (!q)
        return;
    q->id = rp_store_z_of(&q->req, c->params[0]);
    rp_api_submit(c, &q->req);
}

static void changed_secret(struct rp_store_req *req, void *arg)
{
    struct rp_store_agent_secret *q = RP_STORE_OF(agent_secret, req);
    struct rp_api_call *c = arg;

    if (!req->err)
        tell(c, q->id);
    if (!rp_api_failed(c, req))
        send_secrets(c, &q->agent);
}

void rp_api_secret_change(struct rp_api_call *c)
{
    static const char *const actions[] = {
        [RP_STORE_SECRET_ROTATE] = "rotate",
        [RP_STORE_SECRET_ACTIVATE] = "activate",
        [RP_STORE_SECRET_RESTORE] = "restore",
        [RP_STORE_SECRET_DROP] = "drop",
    };
    struct rp_store_agent_secret *q;
    struct rp_str action;
    char secret[RP_SECRET_MAX];
    size_t i = 0;

    if (!rp_api_body_str(c, "action", 100, &action))
        return;
    while (i < RP_COUNT(actions) && !rp_str_eq_z(action, actions[i]))
        i++;
    if (i == RP_COUNT(actions)) {
        rp_api_error(c, 400, "action must be one of: rotate, activate, restore, drop.");
        return;
    }
    q = RP_API_ASK(agent_secret, c, changed_secret);
    if (!q)
        return;
    q->id = rp_store_z_of(&q->req, c->params[0]);
    q->change = (enum rp_store_secret_change)i;
    q->secret = rp_store_z(&q->req, rp_secret_new(secret, "whsec_"));
    q->now_ms = rp_wall_ms();
    q->keep_ms = SECRET_KEEP_MS;
    rp_wipe(secret, sizeof(secret));
    rp_api_submit(c, &q->req);
}

/* ---- templates ---- */

void rp_api_templates(struct rp_api_call *c)
{
    const struct rp_config_template *t;

    rp_jw_obj(&c->w);
    rp_jw_key(&c->w, "templates");
    rp_jw_arr(&c->w);
    for (size_t i = 0; (t = rp_config_template_get(i)); i++) {
        rp_jw_obj(&c->w);
        rp_jw_key_z(&c->w, "id", t->id);
        rp_jw_key_z(&c->w, "name", t->name);
        rp_jw_key_z(&c->w, "description", t->help);
        rp_api_key_json(&c->w, "config", rp_str_z(t->config), NULL);
        rp_jw_end(&c->w);
    }
    rp_jw_end(&c->w);
    rp_jw_end(&c->w);
    rp_api_send(c, 200);
}
