/* Options of turn_manager, checked by the turn machine's own table (turn/options.h). */
#include <stdio.h>

#include "base/err.h"
#include "session/config_int.h"

/* Names of the hosted platform for what has another name here. */
static const struct {
    const char *theirs, *ours;
} aliases[] = {
    {"disable_interruptions_during_welcome", "protect_greeting"},
    {"base_timeout_ms", "max_silence_ms"},
};

static const struct rp_turn_option *find(struct rp_str name)
{
    for (size_t i = 0; i < RP_COUNT(aliases); i++)
        if (rp_str_eq_z(name, aliases[i].theirs))
            return rp_turn_option_find(rp_str_z(aliases[i].ours));
    return rp_turn_option_find(name);
}

static void unknown_option(struct rp_config_parser *p)
{
    char known[380];
    size_t len = 0;

    for (size_t i = 0; i < rp_turn_option_count && len < sizeof(known); i++)
        len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "",
                                rp_turn_option_table[i].name);
    rp_config_error(p, "is not known here; use one of: %s", known);
}

static void set(struct rp_config_parser *p, const struct rp_turn_option *opt,
                const struct rp_json *v, struct rp_turn_options *o)
{
    char range[128];
    const char *text;
    int err = RP_EINVAL;

    if (rp_json_is(v, RP_JSON_NUMBER)) {
        err = rp_turn_option_set_number(o, opt, v->number);
    } else if (rp_json_is(v, RP_JSON_BOOL)) {
        err = rp_turn_option_set_bool(o, opt, v->boolean);
    } else if (rp_json_is(v, RP_JSON_STRING) && rp_str_find(v->string, '\0') < 0) {
        text = rp_arena_z(p->a, v->string);
        if (!text)
            p->err = RP_ENOMEM;
        else
            err = rp_turn_option_set_text(o, opt, text);
    }
    if (err)
        rp_config_error(p, "must be %s", rp_turn_option_range(range, sizeof(range), opt));
}

void rp_config_turn_parse(struct rp_config_parser *p, const struct rp_json *obj,
                          struct rp_turn_options *o)
{
    if (!rp_json_is(obj, RP_JSON_OBJECT)) {
        rp_config_error(p, "must be an object, not %s", rp_json_type_name(obj));
        return;
    }
    RP_JSON_EACH(obj, v) {
        const struct rp_turn_option *opt = find(v->key);
        size_t mark = rp_config_enter(p, ".%.*s", RP_STR_ARG(rp_str_first(v->key, 64)));
        if (!opt)
            unknown_option(p);
        else if (!rp_json_is(v, RP_JSON_NULL))
            set(p, opt, v, o);
        rp_config_leave(p, mark);
    }
    if (o->max_silence_ms < o->min_silence_ms) {
        size_t mark = rp_config_enter(p, ".max_silence_ms");
        rp_config_error(p, "must not be less than min_silence_ms: %d is less than %d",
                        o->max_silence_ms, o->min_silence_ms);
        rp_config_leave(p, mark);
    }
}
