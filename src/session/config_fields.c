/* Fields of the config: each kind of value checked and stored, with messages that name the field;
 * the table is in config_table.c. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/headers.h"
#include "base/check.h"
#include "base/err.h"
#include "session/config_int.h"

#define TEXT_MAX 400 /* bytes of one message */

/* ---- findings ---- */

static const char *format(struct rp_config_parser *p, const char *fmt, va_list args)
{
    char text[TEXT_MAX];
    const char *copy;

    (void)vsnprintf(text, sizeof(text), fmt, args);
    copy = rp_arena_z(p->a, rp_str_z(text));
    if (!copy)
        p->err = RP_ENOMEM;
    return copy ? copy : "";
}

static const char *path_copy(struct rp_config_parser *p)
{
    const char *copy = rp_arena_z(p->a, rp_str_n(p->path, p->path_len));

    if (!copy)
        p->err = RP_ENOMEM;
    return copy ? copy : "";
}

void rp_config_error(struct rp_config_parser *p, const char *fmt, ...)
{
    struct rp_config_report *r = p->report;
    va_list args;

    if (r->nerrors == RP_CONFIG_FINDINGS) {
        r->more_errors++;
        return;
    }
    va_start(args, fmt);
    r->errors[r->nerrors].path = path_copy(p);
    r->errors[r->nerrors++].text = format(p, fmt, args);
    va_end(args);
}

void rp_config_warn(struct rp_config_parser *p, const char *fmt, ...)
{
    struct rp_config_report *r = p->report;
    va_list args;

    if (r->nwarnings == RP_CONFIG_FINDINGS)
        return;
    va_start(args, fmt);
    r->warnings[r->nwarnings].path = path_copy(p);
    r->warnings[r->nwarnings++].text = format(p, fmt, args);
    va_end(args);
}

size_t rp_config_enter(struct rp_config_parser *p, const char *fmt, ...)
{
    size_t mark = p->path_len, room = sizeof(p->path) - mark;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(p->path + mark, room, fmt, args);
    va_end(args);
    p->path_len = mark + RP_MIN((size_t)RP_MAX(n, 0), room - 1);
    return mark;
}

void rp_config_leave(struct rp_config_parser *p, size_t mark)
{
    p->path_len = mark;
    p->path[mark] = '\0';
}

/* ---- words ---- */

int rp_config_choice(const char *choices, struct rp_str word)
{
    struct rp_str rest = rp_str_z(choices);

    for (int i = 0; rest.p; i++)
        if (rp_str_eq(rp_str_split(&rest, '|'), word))
            return i;
    return -1;
}

/* "a|b|c" as "a, b, c"; returns `out`. */
static const char *listed(char *out, size_t size, const char *choices)
{
    size_t n = 0;

    for (const char *c = choices; *c && n + 3 < size; c++) {
        out[n++] = *c == '|' ? ',' : *c;
        if (*c == '|')
            out[n++] = ' ';
    }
    out[n] = '\0';
    return out;
}

static bool known_word(struct rp_config_parser *p, const char *choices, struct rp_str word)
{
    char list[256];

    if (rp_config_choice(choices, word) >= 0)
        return true;
    rp_config_error(p, "\"%.*s\" is not known here; use one of: %s",
                    RP_STR_ARG(rp_str_first(word, 64)), listed(list, sizeof(list), choices));
    return false;
}

/* ---- values ---- */

static void *member(const struct rp_config_field *f, void *base)
{
    return (char *)base + f->offset;
}

static void put_str(const struct rp_config_field *f, void *base, struct rp_str s)
{
    if (f->offset != RP_CONFIG_NOWHERE)
        *(struct rp_str *)member(f, base) = s;
}

static bool is_type(struct rp_config_parser *p, const struct rp_json *v, enum rp_json_type type,
                    const char *wanted)
{
    if (rp_json_is(v, type))
        return true;
    rp_config_error(p, "must be %s, not %s", wanted, rp_json_type_name(v));
    return false;
}

static void parse_number(struct rp_config_parser *p, const struct rp_config_field *f,
                         const struct rp_json *v, void *base)
{
    bool whole = f->kind == RP_CONFIG_INT;
    const char *wanted = whole ? "a whole number" : "a number";

    if (!is_type(p, v, RP_JSON_NUMBER, wanted))
        return;
    if (!(v->number >= f->least && v->number <= f->most) ||
        (whole && v->number != floor(v->number)))
        rp_config_error(p, "must be %s from %g to %g, not %g", wanted, f->least, f->most,
                        v->number);
    else if (whole)
        *(int64_t *)member(f, base) = (int64_t)v->number * (f->scale ? f->scale : 1);
    else
        *(double *)member(f, base) = v->number;
}

static void parse_switch(struct rp_config_parser *p, const struct rp_config_field *f,
                         const struct rp_json *v, void *base)
{
    const struct rp_json *enabled = v;

    if (rp_json_is(v, RP_JSON_OBJECT)) {
        enabled = rp_json_get(v, "enabled");
        RP_JSON_EACH(v, m) {
            size_t mark = rp_config_enter(p, ".%.*s", RP_STR_ARG(rp_str_first(m->key, 64)));
            if (m != enabled)
                rp_config_error(p, "is not known here; the only key is: enabled");
            rp_config_leave(p, mark);
        }
        if (!enabled || rp_json_is(enabled, RP_JSON_NULL))
            return; /* the default */
    }
    if (is_type(p, enabled, RP_JSON_BOOL, "true, false or {\"enabled\": …}"))
        *(bool *)member(f, base) = enabled->boolean;
}

/* A copy that ends in NUL and has none inside; false with an error. */
static bool text_value(struct rp_config_parser *p, const struct rp_json *v, struct rp_str *out)
{
    if (!is_type(p, v, RP_JSON_STRING, "a string"))
        return false;
    if (rp_str_find(v->string, '\0') >= 0) {
        rp_config_error(p, "must not contain the character U+0000");
        return false;
    }
    *out = rp_arena_str(p->a, v->string);
    if (!out->p)
        p->err = RP_ENOMEM;
    return out->p != NULL;
}

static void parse_text(struct rp_config_parser *p, const struct rp_config_field *f,
                       const struct rp_json *v, void *base)
{
    struct rp_str s;

    if (!text_value(p, v, &s))
        return;
    if ((double)s.len > f->most)
        rp_config_error(p, "is too long: %g bytes at most, not %zu", f->most, s.len);
    else if (s.len == 0 && f->required)
        rp_config_error(p, "must not be empty");
    else if (s.len > 0)
        put_str(f, base, s);
}

static void parse_url(struct rp_config_parser *p, const struct rp_config_field *f,
                      const struct rp_json *v, void *base)
{
    const char *wrong;
    struct rp_str s;

    if (!text_value(p, v, &s))
        return;
    if (s.len == 0 && !f->required)
        return;
    wrong = rp_config_check_url(s);
    if (wrong)
        rp_config_error(p, "%s", wrong);
    else
        put_str(f, base, s);
}

static void parse_headers(struct rp_config_parser *p, const struct rp_config_field *f,
                          const struct rp_json *v, void *base)
{
    char why[256];
    const char *wrong = rp_headers_refused(v, why, sizeof(why));

    if (wrong)
        rp_config_error(p, "%s", wrong);
    else
        *(const struct rp_json **)member(f, base) = v->count ? v : NULL;
}

/* 0 if there is no event of that name. */
static unsigned event_bit(struct rp_str name)
{
    int i = rp_config_choice(RP_CONFIG_EVENT_NAMES, name);

    return i < 0 ? 0 : 1u << i;
}

static void parse_events(struct rp_config_parser *p, const struct rp_config_field *f,
                         const struct rp_json *v, void *base)
{
    unsigned events = 0;
    size_t i = 0;

    if (!is_type(p, v, RP_JSON_ARRAY, "an array of event names"))
        return;
    RP_JSON_EACH(v, e) {
        size_t mark = rp_config_enter(p, "[%zu]", i++);
        if (is_type(p, e, RP_JSON_STRING, "an event's name") &&
            known_word(p, f->choices, e->string))
            events |= event_bit(e->string);
        rp_config_leave(p, mark);
    }
    *(unsigned *)member(f, base) = events;
}

static void parse_field(struct rp_config_parser *p, const struct rp_config_field *f,
                        const struct rp_json *v, void *base)
{
    switch (f->kind) {
    case RP_CONFIG_BOOL:
        if (is_type(p, v, RP_JSON_BOOL, "true or false"))
            *(bool *)member(f, base) = v->boolean;
        break;
    case RP_CONFIG_ON_OFF:
        if (is_type(p, v, RP_JSON_BOOL, "true or false"))
            *(enum rp_config_recording *)member(f, base) =
                v->boolean ? RP_CONFIG_RECORDING_ON : RP_CONFIG_RECORDING_OFF;
        break;
    case RP_CONFIG_SWITCH:
        parse_switch(p, f, v, base);
        break;
    case RP_CONFIG_INT:
    case RP_CONFIG_REAL:
        parse_number(p, f, v, base);
        break;
    case RP_CONFIG_TEXT:
        parse_text(p, f, v, base);
        break;
    case RP_CONFIG_CHOICE:
        if (is_type(p, v, RP_JSON_STRING, "a string") && known_word(p, f->choices, v->string))
            put_str(f, base, v->string);
        break;
    case RP_CONFIG_URL:
        parse_url(p, f, v, base);
        break;
    case RP_CONFIG_OBJECT:
        if (is_type(p, v, RP_JSON_OBJECT, "an object"))
            *(const struct rp_json **)member(f, base) = v;
        break;
    case RP_CONFIG_HEADERS:
        parse_headers(p, f, v, base);
        break;
    case RP_CONFIG_EVENTS:
        parse_events(p, f, v, base);
        break;
    case RP_CONFIG_SECTION:
        rp_config_section_parse(p, f->section, v, member(f, base));
        break;
    case RP_CONFIG_ANYTHING:
        break;
    }
}

/* ---- sections ---- */

static void field_default(const struct rp_config_field *f, void *base)
{
    struct rp_str text = rp_str_z(f->fallback);
    int64_t n = 0;

    if (f->kind == RP_CONFIG_SECTION) {
        rp_config_section_defaults(f->section, member(f, base));
        return;
    }
    if (!f->fallback || f->offset == RP_CONFIG_NOWHERE)
        return;
    switch (f->kind) {
    case RP_CONFIG_BOOL:
    case RP_CONFIG_SWITCH:
        *(bool *)member(f, base) = rp_str_eq_z(text, "true");
        break;
    case RP_CONFIG_INT:
        (void)rp_str_to_i64(text, &n);
        *(int64_t *)member(f, base) = n * (f->scale ? f->scale : 1);
        break;
    case RP_CONFIG_REAL:
        *(double *)member(f, base) = strtod(f->fallback, NULL);
        break;
    case RP_CONFIG_EVENTS:
        *(unsigned *)member(f, base) = 0;
        while (text.p)
            *(unsigned *)member(f, base) |= event_bit(rp_str_split(&text, '|'));
        break;
    default:
        put_str(f, base, text);
        break;
    }
}

void rp_config_section_defaults(const struct rp_config_section *s, void *base)
{
    for (size_t i = 0; i < s->n; i++)
        field_default(&s->fields[i], base);
}

static const struct rp_config_field *find_field(const struct rp_config_section *s,
                                                struct rp_str key)
{
    for (size_t i = 0; i < s->n; i++)
        if (rp_str_eq_z(key, s->fields[i].key))
            return &s->fields[i];
    return NULL;
}

static void unknown_field(struct rp_config_parser *p, const struct rp_config_section *s)
{
    char known[300];
    size_t len = 0;

    if (s->n == 0) {
        rp_config_error(p, "is not known here; there are no options");
        return;
    }
    for (size_t i = 0; i < s->n && len < sizeof(known); i++)
        len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "",
                                s->fields[i].key);
    rp_config_error(p, "is not known here; use one of: %s", known);
}

/* null means the same as leaving the key out. */
static bool is_given(const struct rp_json *v)
{
    return v && !rp_json_is(v, RP_JSON_NULL);
}

void rp_config_section_parse(struct rp_config_parser *p, const struct rp_config_section *s,
                             const struct rp_json *obj, void *base)
{
    if (!is_type(p, obj, RP_JSON_OBJECT, "an object"))
        return;
    RP_JSON_EACH(obj, v) {
        const struct rp_config_field *f = find_field(s, v->key);
        size_t mark = rp_config_enter(p, "%s%.*s", p->path_len ? "." : "",
                                      RP_STR_ARG(rp_str_first(v->key, 64)));
        if (!f)
            unknown_field(p, s);
        else if (is_given(v))
            parse_field(p, f, v, base);
        rp_config_leave(p, mark);
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct rp_config_field *f = &s->fields[i];
        size_t mark = rp_config_enter(p, "%s%s", p->path_len ? "." : "", f->key);
        if (f->required && !is_given(rp_json_get(obj, f->key)))
            rp_config_error(p, "is missing");
        rp_config_leave(p, mark);
    }
}
