/* Options of the turn machine; see options.h. */
#include "turn/options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"

#define NUMBER_BOOL(v)   (v)
#define NUMBER_MS(v)     (v)
#define NUMBER_COUNT(v)  (v)
#define NUMBER_CHOICE(v) (v)
#define NUMBER_TEXT(v)   0
#define TEXT_BOOL(v)     NULL
#define TEXT_MS(v)       NULL
#define TEXT_COUNT(v)    NULL
#define TEXT_CHOICE(v)   NULL
#define TEXT_TEXT(v)     (v)

const struct rp_turn_option rp_turn_option_table[] = {
#define X(k, member, dflt, lo, hi, names, about)                                                   \
    {.name = #member,                                                                              \
     .kind = RP_TURN_OPTION_##k,                                                                   \
     .number = NUMBER_##k(dflt),                                                                   \
     .text = TEXT_##k(dflt),                                                                       \
     .least = (lo),                                                                                \
     .most = (hi),                                                                                 \
     .choices = (names),                                                                           \
     .help = (about),                                                                              \
     .offset = offsetof(struct rp_turn_options, member)},
    RP_TURN_OPTIONS(X)
#undef X
};

const size_t rp_turn_option_count = RP_COUNT(rp_turn_option_table);

static void *member(struct rp_turn_options *o, const struct rp_turn_option *opt)
{
    return (char *)o + opt->offset;
}

void rp_turn_options_default(struct rp_turn_options *o)
{
    for (size_t i = 0; i < rp_turn_option_count; i++) {
        const struct rp_turn_option *opt = &rp_turn_option_table[i];

        if (opt->kind == RP_TURN_OPTION_TEXT)
            *(const char **)member(o, opt) = opt->text;
        else if (opt->kind == RP_TURN_OPTION_BOOL)
            *(bool *)member(o, opt) = opt->number != 0;
        else
            *(int32_t *)member(o, opt) = opt->number;
    }
}

const struct rp_turn_option *rp_turn_option_find(struct rp_str name)
{
    for (size_t i = 0; i < rp_turn_option_count; i++)
        if (rp_str_eq_z(name, rp_turn_option_table[i].name))
            return &rp_turn_option_table[i];
    return NULL;
}

int rp_turn_option_set_number(struct rp_turn_options *o, const struct rp_turn_option *opt, double v)
{
    if (opt->kind != RP_TURN_OPTION_MS && opt->kind != RP_TURN_OPTION_COUNT)
        return RP_EINVAL;
    if (!(v >= opt->least && v <= opt->most) || v != floor(v))
        return RP_EINVAL;
    *(int32_t *)member(o, opt) = (int32_t)v;
    return 0;
}

int rp_turn_option_set_bool(struct rp_turn_options *o, const struct rp_turn_option *opt, bool v)
{
    if (opt->kind != RP_TURN_OPTION_BOOL)
        return RP_EINVAL;
    *(bool *)member(o, opt) = v;
    return 0;
}

int rp_turn_option_set_text(struct rp_turn_options *o, const struct rp_turn_option *opt,
                            const char *v)
{
    struct rp_str rest = rp_str_z(opt->choices);

    if (opt->kind == RP_TURN_OPTION_TEXT) {
        if (strlen(v) > (size_t)opt->most)
            return RP_EINVAL;
        *(const char **)member(o, opt) = v;
        return 0;
    }
    if (opt->kind != RP_TURN_OPTION_CHOICE)
        return RP_EINVAL;
    for (int32_t i = 0; rest.p; i++) {
        if (!rp_str_eq_z(rp_str_split(&rest, '|'), v))
            continue;
        *(int32_t *)member(o, opt) = i;
        return 0;
    }
    return RP_EINVAL;
}

int rp_turn_option_parse(struct rp_turn_options *o, const struct rp_turn_option *opt, const char *v)
{
    int64_t number;

    switch (opt->kind) {
    case RP_TURN_OPTION_BOOL:
        if (strcmp(v, "true") != 0 && strcmp(v, "false") != 0)
            return RP_EINVAL;
        return rp_turn_option_set_bool(o, opt, v[0] == 't');
    case RP_TURN_OPTION_MS:
    case RP_TURN_OPTION_COUNT:
        if (rp_str_to_i64(rp_str_z(v), &number) != 0)
            return RP_EINVAL;
        return rp_turn_option_set_number(o, opt, (double)number);
    default:
        return rp_turn_option_set_text(o, opt, v);
    }
}

const char *rp_turn_option_print(const struct rp_turn_options *o, const struct rp_turn_option *opt,
                                 char buf[static RP_TURN_OPTION_PRINT])
{
    const void *at = (const char *)o + opt->offset;
    struct rp_str rest = rp_str_z(opt->choices), name = rest;

    switch (opt->kind) {
    case RP_TURN_OPTION_TEXT:
        return *(const char *const *)at;
    case RP_TURN_OPTION_BOOL:
        return *(const bool *)at ? "true" : "false";
    case RP_TURN_OPTION_CHOICE:
        for (int32_t i = 0; i <= *(const int32_t *)at; i++)
            name = rp_str_split(&rest, '|');
        (void)snprintf(buf, RP_TURN_OPTION_PRINT, "%.*s", RP_STR_ARG(name));
        return buf;
    default:
        (void)snprintf(buf, RP_TURN_OPTION_PRINT, "%d", *(const int32_t *)at);
        return buf;
    }
}

char *rp_turn_option_range(char *out, size_t size, const struct rp_turn_option *opt)
{
    struct rp_str rest = rp_str_z(opt->choices);
    size_t len = 0;

    switch (opt->kind) {
    case RP_TURN_OPTION_BOOL:
        (void)snprintf(out, size, "true or false");
        break;
    case RP_TURN_OPTION_MS:
    case RP_TURN_OPTION_COUNT:
        (void)snprintf(out, size, "a whole number from %d to %d", opt->least, opt->most);
        break;
    case RP_TURN_OPTION_TEXT:
        (void)snprintf(out, size, "a text of at most %d bytes", opt->most);
        break;
    case RP_TURN_OPTION_CHOICE:
        while (rest.p && len < size) {
            struct rp_str name = rp_str_split(&rest, '|');
            len += (size_t)snprintf(out + len, size - len, "%s\"%.*s\"", len ? " or " : "",
                                    RP_STR_ARG(name));
        }
        break;
    }
    return out;
}
