/* Edits of configs as JSON; see config_edit.h. */
#include "api/config_edit.h"

#include "base/err.h"

/* An object without its member `key`, then with `value` (unless NULL) in the old place or at the
 * end; of an array, the member at place `index` is replaced or appended. NULL: out of memory. */
struct change {
    const char *key;
    size_t index;
    const struct rp_json *value;
};

static struct rp_json *copy_node(struct rp_arena *a, const struct rp_json *from, struct rp_str key)
{
    struct rp_json *to = rp_arena_zalloc(a, sizeof(*to));

    if (to) {
        *to = *from;
        to->key = key;
        to->next = NULL;
    }
    return to;
}

static const struct rp_json *with(struct rp_arena *a, const struct rp_json *parent,
                                  const struct change *ch)
{
    struct rp_str key = rp_str_z(ch->key);
    struct rp_json *out = copy_node(a, parent, parent->key), **tail;
    bool done = ch->value == NULL;
    size_t i = 0;

    if (!out)
        return NULL;
    out->first = NULL;
    out->count = 0;
    tail = &out->first;
    RP_JSON_EACH(parent, m) {
        bool here = ch->key ? rp_str_eq(m->key, key) : i == ch->index;

        i++;
        if (here && !ch->value)
            continue;
        *tail = here ? copy_node(a, ch->value, m->key) : copy_node(a, m, m->key);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
        out->count++;
        done |= here;
    }
    if (!done) {
        *tail = copy_node(a, ch->value, key);
        out->count++;
        return *tail ? out : NULL;
    }
    return out;
}

static const struct rp_json *set(struct rp_arena *a, const struct rp_json *obj, const char *key,
                                 const struct rp_json *value)
{
    return obj && value ? with(a, obj, &(struct change){.key = key, .value = value}) : NULL;
}

static const struct rp_json *put_at(struct rp_arena *a, const struct rp_json *arr, size_t index,
                                    const struct rp_json *value)
{
    return arr && value ? with(a, arr, &(struct change){.index = index, .value = value}) : NULL;
}

static const struct rp_json *drop(struct rp_arena *a, const struct rp_json *obj, const char *key)
{
    return with(a, obj, &(struct change){.key = key});
}

static const struct rp_json no_members = {.type = RP_JSON_OBJECT};

static const struct rp_json *options_of(const struct rp_json *plugin)
{
    const struct rp_json *options = rp_json_get(plugin, "options");

    return rp_json_is(options, RP_JSON_OBJECT) ? options : &no_members;
}

static const struct rp_json *string_node(struct rp_arena *a, struct rp_str s)
{
    struct rp_json *node = rp_arena_zalloc(a, sizeof(*node));

    if (node) {
        node->type = RP_JSON_STRING;
        node->string = s;
    }
    return node;
}

int rp_config_edit_url(const struct rp_json **out, struct rp_arena *a, const struct rp_json *config,
                       struct rp_str url)
{
    const struct rp_json *plugins = rp_json_get(config, "plugins"), *old = NULL, *made, *options;
    size_t at = 0, i = 0;

    if (!rp_json_is(plugins, RP_JSON_ARRAY))
        return RP_EPROTO;
    at = plugins->count;
    RP_JSON_EACH(plugins, p) {
        if (rp_str_starts(rp_json_get_str(p, "use"), RP_STR("agent."))) {
            old = p;
            at = i;
        }
        i++;
    }
    if (rp_str_eq_z(rp_json_get_str(old, "use"), "agent.llm"))
        return RP_EPROTO;
    *out = config;
    if (url.len == 0 && !rp_str_eq_z(rp_json_get_str(old, "use"), "agent.webhook"))
        return 0;
    options =
        rp_str_eq_z(rp_json_get_str(old, "use"), "agent.webhook") ? options_of(old) : &no_members;
    options = url.len ? set(a, options, "url", string_node(a, url)) : drop(a, options, "url");
    made = set(a, old ? old : &no_members, "use", string_node(a, RP_STR("agent.webhook")));
    made = set(a, made, "options", options);
    *out = set(a, config, "plugins", put_at(a, plugins, at, made));
    return *out ? 0 : RP_ENOMEM;
}

/* The api_key of the plugin named `use`; NULL if it has none. */
static const struct rp_json *stored_key(const struct rp_json *config, struct rp_str use)
{
    RP_JSON_EACH(rp_json_get(config, "plugins"), p) {
        if (rp_str_eq(rp_json_get_str(p, "use"), use))
            return rp_json_get(options_of(p), "api_key");
    }
    return NULL;
}

/* Replaces the api_key of every plugin that `wanted` tells so. */
static int replace_keys(const struct rp_json **out, struct rp_arena *a,
                        const struct rp_json *config, const struct rp_json *stored, bool hide)
{
    const struct rp_json *plugins = rp_json_get(config, "plugins"), *changed = plugins, *options;
    const struct rp_json *hidden = string_node(a, RP_STR(RP_API_HIDDEN)), *value;
    size_t i = 0;

    *out = config;
    if (!rp_json_is(plugins, RP_JSON_ARRAY))
        return 0;
    RP_JSON_EACH(plugins, p) {
        struct rp_str key = rp_json_get_str(options_of(p), "api_key");
        size_t at = i++;

        if (!key.p || (!hide && !rp_str_eq_z(key, RP_API_HIDDEN)))
            continue;
        value = hide ? hidden : stored_key(stored, rp_json_get_str(p, "use"));
        options = value || hide ? set(a, options_of(p), "api_key", value)
                                : drop(a, options_of(p), "api_key");
        changed = put_at(a, changed, at, set(a, p, "options", options));
        if (!changed)
            return RP_ENOMEM;
    }
    if (changed != plugins)
        *out = set(a, config, "plugins", changed);
    return *out ? 0 : RP_ENOMEM;
}

int rp_config_edit_hide(const struct rp_json **out, struct rp_arena *a,
                        const struct rp_json *config)
{
    return replace_keys(out, a, config, NULL, true);
}

int rp_config_edit_unhide(const struct rp_json **out, struct rp_arena *a,
                          const struct rp_json *config, const struct rp_json *stored)
{
    return replace_keys(out, a, config, stored, false);
}
