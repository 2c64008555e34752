/* Parsing of the agent config as a whole: root, the chain of plugins, the agreement of its parts;
 * see config.h. */
#include "session/config.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "agent/headers.h"
#include "base/check.h"
#include "base/err.h"
#include "codec/url.h"
#include "session/config_int.h"

#define PLUGINS_MAX 16

/* ---- plugins ---- */

static const char *const link_names[] = {
    [RP_CONFIG_LINK_STT] = "stt",
    [RP_CONFIG_LINK_TURN] = "turn_manager",
    [RP_CONFIG_LINK_AGENT] = "agent",
    [RP_CONFIG_LINK_TTS] = "tts",
};

/* Where a link of the chain was given first; -1: not yet. */
struct chain {
    int at[RP_COUNT(link_names)];
};

static const struct rp_config_plugin *find_plugin(struct rp_str use)
{
    for (size_t i = 0; i < rp_config_plugin_count; i++)
        if (rp_str_eq_z(use, rp_config_plugins[i].use))
            return &rp_config_plugins[i];
    return NULL;
}

static void unknown_plugin(struct rp_config_parser *p, struct rp_str use)
{
    char known[320];
    size_t len = 0;

    for (size_t i = 0; i < rp_config_plugin_count && len < sizeof(known); i++)
        len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "",
                                rp_config_plugins[i].use);
    rp_config_error(p, "\"%.*s\" is no plugin; use one of: %s", RP_STR_ARG(rp_str_first(use, 64)),
                    known);
}

/* A provider without an engine (or key) here runs on the local one, as the hosted platform falls
 * back to its managed one; a strict server refuses it instead. */
static void check_provider(struct rp_config_parser *p, const struct rp_config_plugin *plugin,
                           struct rp_str provider)
{
    const struct rp_config_rules *r = p->rules;
    bool (*has)(struct rp_str, void *) = plugin->link == RP_CONFIG_LINK_STT   ? r->has_stt
                                         : plugin->link == RP_CONFIG_LINK_TTS ? r->has_tts
                                                                              : r->has_llm;
    const char *instead = plugin->link == RP_CONFIG_LINK_STT   ? "local recognition"
                          : plugin->link == RP_CONFIG_LINK_TTS ? "the local voice"
                                                               : "the demo agent";
    bool speech = plugin->link != RP_CONFIG_LINK_AGENT;

    if (has ? has(provider, r->arg) : speech && rp_str_eq_z(provider, "local"))
        return;
    if (r->strict)
        rp_config_error(p,
                        "this server has no engine or key for \"%.*s\"; use %s, or switch "
                        "RIPOSTE_STRICT_ENGINES off",
                        RP_STR_ARG(rp_str_first(provider, 64)),
                        speech ? "\"local\"" : "agent.webhook");
    else
        rp_config_warn(p, "this server has no engine or key for \"%.*s\": sessions use %s",
                       RP_STR_ARG(rp_str_first(provider, 64)), instead);
}

static void parse_options(struct rp_config_parser *p, const struct rp_config_plugin *plugin,
                          const struct rp_json *options, struct rp_config *c)
{
    size_t mark = rp_config_enter(p, ".options");
    void *base = (char *)c + plugin->offset;

    if (plugin->link == RP_CONFIG_LINK_TURN)
        rp_config_turn_parse(p, options, &c->turn);
    else
        rp_config_section_parse(p, plugin->options, options, base);
    rp_config_leave(p, mark);
}

static void use_plugin(struct rp_config_parser *p, const struct rp_config_plugin *plugin,
                       struct rp_config *c)
{
    struct rp_str name = rp_str_z(plugin->use);

    switch (plugin->link) {
    case RP_CONFIG_LINK_STT:
        c->stt.provider = rp_str_from(name, 4);
        check_provider(p, plugin, c->stt.provider);
        break;
    case RP_CONFIG_LINK_TTS:
        c->tts.provider = rp_str_from(name, 4);
        check_provider(p, plugin, c->tts.provider);
        break;
    case RP_CONFIG_LINK_AGENT:
        if (rp_str_eq_z(name, "agent.webhook")) {
            c->agent = RP_CONFIG_WEBHOOK;
        } else if (rp_str_eq_z(name, "agent.llm")) {
            c->agent = RP_CONFIG_LLM;
            if (c->llm.provider.p)
                check_provider(p, plugin, c->llm.provider);
        }
        break;
    case RP_CONFIG_LINK_TURN:
        break;
    }
}

static void parse_plugin(struct rp_config_parser *p, const struct rp_json *v, int i,
                         struct chain *chain, struct rp_config *c)
{
    static const struct rp_json no_options = {.type = RP_JSON_OBJECT};
    const struct rp_config_plugin *plugin = NULL;
    const struct rp_json *options = rp_json_get(v, "options");
    struct rp_str use = rp_json_get_str(v, "use");
    size_t mark;

    if (!rp_json_is(v, RP_JSON_OBJECT)) {
        rp_config_error(p, "must be {\"use\": name, \"options\": {…}}, not %s",
                        rp_json_type_name(v));
        return;
    }
    RP_JSON_EACH(v, m) {
        mark = rp_config_enter(p, ".%.*s", RP_STR_ARG(rp_str_first(m->key, 64)));
        if (!rp_str_eq_z(m->key, "use") && !rp_str_eq_z(m->key, "options"))
            rp_config_error(p, "is not known here; use one of: use, options");
        rp_config_leave(p, mark);
    }
    mark = rp_config_enter(p, ".use");
    if (!use.p)
        rp_config_error(p, "must be the name of a plugin, such as \"agent.webhook\"");
    else if (!(plugin = find_plugin(use)))
        unknown_plugin(p, use);
    else if (chain->at[plugin->link] >= 0)
        rp_config_error(p, "only one %s plugin is possible, and plugins[%d] is one already",
                        link_names[plugin->link], chain->at[plugin->link]);
    rp_config_leave(p, mark);
    if (!plugin || chain->at[plugin->link] >= 0)
        return;
    chain->at[plugin->link] = i;
    if (!options || rp_json_is(options, RP_JSON_NULL))
        options = &no_options;
    parse_options(p, plugin, options, c);
    mark = rp_config_enter(p, ".use");
    use_plugin(p, plugin, c);
    rp_config_leave(p, mark);
}

static void parse_plugins(struct rp_config_parser *p, const struct rp_json *plugins,
                          struct rp_config *c)
{
    struct chain chain = {.at = {-1, -1, -1, -1}};
    size_t mark = rp_config_enter(p, "plugins");
    int i = 0;

    if (!rp_json_is(plugins, RP_JSON_ARRAY)) {
        rp_config_error(p, "must be an array, not %s", rp_json_type_name(plugins));
    } else if (plugins->count > PLUGINS_MAX) {
        rp_config_error(p, "has %zu entries: %d at most", plugins->count, PLUGINS_MAX);
    } else {
        RP_JSON_EACH(plugins, v) {
            size_t inner = rp_config_enter(p, "[%d]", i);
            parse_plugin(p, v, i++, &chain, c);
            rp_config_leave(p, inner);
        }
    }
    rp_config_leave(p, mark);
}

/* ---- the whole ---- */

static void set_defaults(struct rp_config *c)
{
    rp_config_section_defaults(&rp_config_root, c);
    for (size_t i = 0; i < rp_config_plugin_count; i++)
        if (rp_config_plugins[i].options)
            rp_config_section_defaults(rp_config_plugins[i].options,
                                       (char *)c + rp_config_plugins[i].offset);
    rp_turn_options_default(&c->turn);
}

/* What follows from the parts together. */
static void settle(struct rp_config *c)
{
    c->vad.given = rp_json_is(rp_json_get(c->tree, "vad"), RP_JSON_OBJECT);
    if (c->agent == RP_CONFIG_WEBHOOK && !c->webhook.url.p)
        c->agent = RP_CONFIG_DEMO;
    if (c->agent == RP_CONFIG_WEBHOOK) {
        c->webhook.events |= RP_CONFIG_MESSAGE;
        if (c->webhook.events & RP_CONFIG_WELCOME) /* one greeting, by its newer name */
            c->webhook.events &= ~(unsigned)RP_CONFIG_SESSION_START;
    } else {
        c->webhook.events = 0;
    }
    if (!c->session_webhook.url.p)
        c->session_webhook.events = 0;
}

int rp_config_parse(const struct rp_config **out, struct rp_arena *a, const struct rp_json *tree,
                    const struct rp_config_rules *rules, struct rp_config_report *report)
{
    static const struct rp_config_rules local_only = {.strict = false};
    struct rp_config_parser p = {.a = a, .rules = rules ? rules : &local_only, .report = report};
    struct rp_config *c = rp_arena_zalloc(a, sizeof(*c));
    const struct rp_json *plugins = rp_json_get(tree, "plugins");

    if (!c)
        return RP_ENOMEM;
    c->tree = tree;
    set_defaults(c);
    if (rp_json_is(tree, RP_JSON_OBJECT)) {
        rp_config_section_parse(&p, &rp_config_root, tree, c);
        if (plugins && !rp_json_is(plugins, RP_JSON_NULL))
            parse_plugins(&p, plugins, c);
    } else {
        rp_config_error(&p, "a config must be an object, not %s", rp_json_type_name(tree));
    }
    if (p.err)
        return p.err;
    if (report->nerrors)
        return RP_EPROTO;
    settle(c);
    *out = c;
    return 0;
}

int rp_config_parse_text(const struct rp_config **out, struct rp_arena *a, struct rp_str json,
                         const struct rp_config_rules *rules, struct rp_config_report *report)
{
    struct rp_config_parser p = {.a = a, .report = report};
    struct rp_json_error wrong = {0};
    struct rp_json *tree = NULL;
    int err;

    if (json.len > RP_CONFIG_MAX) {
        rp_config_error(&p, "a config has %u bytes at most, not %zu", RP_CONFIG_MAX, json.len);
        return RP_EPROTO;
    }
    err = rp_json_parse(&tree, a, json, &wrong);
    if (err == RP_EPROTO) {
        rp_config_error(&p, "is not JSON: %s (at byte %zu)", wrong.text, wrong.at);
        return p.err ? p.err : RP_EPROTO;
    }
    return err ? err : rp_config_parse(out, a, tree, rules, report);
}

void rp_config_report_text(struct rp_buf *b, const struct rp_config_report *report)
{
    for (size_t i = 0; i < report->nerrors; i++) {
        const struct rp_config_finding *f = &report->errors[i];
        (void)rp_buf_printf(b, "%s%s%s%s", i ? "; " : "", f->path, f->path[0] ? ": " : "", f->text);
    }
    if (report->more_errors)
        (void)rp_buf_printf(b, "; and %zu more", report->more_errors);
}

/* ---- parts that others need too ---- */

/* 169.254.0.0/16, fe80::/10, and the former written as IPv6 (::ffff:169.254.x.x). */
static bool is_link_local(const struct rp_url *url)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char host[64];
    uint8_t ip[16];

    if (url->host_type == RP_URL_NAME || url->host.len >= sizeof(host))
        return false;
    (void)snprintf(host, sizeof(host), "%.*s", RP_STR_ARG(url->host));
    if (url->host_type == RP_URL_IPV4)
        return inet_pton(AF_INET, host, ip) == 1 && ip[0] == 169 && ip[1] == 254;
    if (inet_pton(AF_INET6, host, ip) != 1)
        return false;
    return (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) ||
           (memcmp(ip, mapped, sizeof(mapped)) == 0 && ip[12] == 169 && ip[13] == 254);
}

const char *rp_config_check_url(struct rp_str text)
{
    static const struct rp_str http = {"http://", 7}, https = {"https://", 8};
    struct rp_url url;
    const char *why;

    if (!rp_str_eq_nocase(rp_str_first(text, http.len), http) &&
        !rp_str_eq_nocase(rp_str_first(text, https.len), https))
        return "must begin with https:// or http://";
    if (rp_url_parse(&url, text, &why) != 0)
        return why;
    if (is_link_local(&url))
        return "must not lead to a link-local address (169.254.0.0/16, fe80::/10): clouds keep "
               "secrets there";
    return NULL;
}

void rp_config_write_client(struct rp_jw *w, const struct rp_config *c)
{
    bool push = c->turn.mode == RP_TURN_PUSH_TO_TALK;
    const struct rp_config_vad *v = &c->vad;

    rp_jw_obj(w);
    rp_jw_key(w, "transcription");
    rp_jw_obj(w);
    rp_jw_key_z(w, "trigger", push ? "push_to_talk" : "automatic");
    rp_jw_key_bool(w, "automatic", !push);
    rp_jw_key_bool(w, "can_interrupt", c->turn.can_interrupt);
    rp_jw_end(w);
    /* Every key: the SDK takes other values than its defaults for those missing in a partial one.
     */
    rp_jw_key(w, "vad");
    rp_jw_obj(w);
    rp_jw_key_bool(w, "enabled", v->enabled);
    rp_jw_key_bool(w, "gate_audio", v->gate_audio);
    rp_jw_key_int(w, "buffer_frames", v->buffer_frames);
    rp_jw_key_str(w, "model", v->model);
    rp_jw_key_num(w, "positive_speech_threshold", v->positive_speech_threshold);
    rp_jw_key_num(w, "negative_speech_threshold", v->negative_speech_threshold);
    rp_jw_key_int(w, "redemption_frames", v->redemption_frames);
    rp_jw_key_int(w, "min_speech_frames", v->min_speech_frames);
    rp_jw_key_int(w, "pre_speech_pad_frames", v->pre_speech_pad_frames);
    rp_jw_key_int(w, "frame_samples", v->frame_samples);
    rp_jw_end(w);
    rp_jw_end(w);
}
