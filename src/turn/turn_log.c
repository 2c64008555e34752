/* Events as bytes; see turn_log.h. */
#include "turn/turn_log.h"

#include "base/check.h"
#include "base/err.h"

enum { VERSION = 1 };

static const int64_t CLOCK_MAX = (int64_t)1 << 42;

static const char magic[] = {'R', 'P', 'T', 'L', VERSION};

/* Which fields an event of each type has, in the order in which they are written. */
enum {
    TURN = 1,
    TOKEN = 2,
    AT_POS = 4, /* `at` on the caller's clock: written relative to `pos` */
    AT = 8,     /* `at` in the agent's audio */
    END = 16,
    SPAN = 32, /* text_from, text_to, estimated */
    CUT = 64,  /* interrupted */
    TEXT = 128,
    CODE = 256,
};

static const uint16_t fields[RP_TURN_EV_COUNT] = {
    [RP_TURN_EV_TICK] = AT_POS,
    [RP_TURN_EV_SPEECH_START] = AT_POS,
    [RP_TURN_EV_SPEECH_STOP] = AT_POS,
    [RP_TURN_EV_INTERIM] = TEXT,
    [RP_TURN_EV_FINAL] = TOKEN | TEXT,
    [RP_TURN_EV_STT_FAILED] = TOKEN,
    [RP_TURN_EV_TYPED] = TEXT,
    [RP_TURN_EV_DATA] = TEXT,
    [RP_TURN_EV_AGENT_TEXT] = TURN | TEXT,
    [RP_TURN_EV_AGENT_DATA] = TURN | TEXT,
    [RP_TURN_EV_AGENT_PLAIN] = TURN | TEXT,
    [RP_TURN_EV_AGENT_HANGUP] = TURN,
    [RP_TURN_EV_AGENT_END] = TURN,
    [RP_TURN_EV_AGENT_ERROR] = TURN | CODE | TEXT,
    [RP_TURN_EV_SYNTH_SPAN] = TURN | AT | END | SPAN,
    [RP_TURN_EV_SYNTH_DONE] = TURN | AT,
    [RP_TURN_EV_SYNTH_FAILED] = TURN | AT,
    [RP_TURN_EV_AUDIO_SENT] = TURN | AT,
    [RP_TURN_EV_PLAYED] = AT | CUT | TEXT,
};

/* --- writing ------------------------------------------------------------------------------ */

static void put_u(struct rp_buf *b, uint64_t v)
{
    char bytes[10];
    size_t n = 0;

    do {
        bytes[n++] = (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
    } while (v);
    (void)rp_buf_add(b, bytes, n);
}

static void put_i(struct rp_buf *b, int64_t v)
{
    put_u(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

static void put_text(struct rp_buf *b, struct rp_str s)
{
    put_u(b, s.len);
    (void)rp_buf_str(b, s);
}

/* With its NUL, so that the reader can hand it out as a C string. */
static void put_z(struct rp_buf *b, const char *z)
{
    put_text(b, rp_str_n(z, strlen(z) + 1));
}

int rp_turn_log_begin(struct rp_turn_log *l, struct rp_buf *out, const struct rp_turn_params *p)
{
    *l = (struct rp_turn_log){.out = out};
    (void)rp_buf_add(out, magic, sizeof(magic));
    put_u(out, p->seed);
    put_i(out, p->wall_ms);
    put_u(out, p->greeting);
    for (size_t i = 0; i < rp_turn_option_count; i++) {
        const struct rp_turn_option *opt = &rp_turn_option_table[i];
        char buf[RP_TURN_OPTION_PRINT];

        put_z(out, opt->name);
        put_z(out, rp_turn_option_print(p->options, opt, buf));
    }
    put_z(out, "");
    return rp_buf_err(out);
}

int rp_turn_log_add(struct rp_turn_log *l, const struct rp_turn_event *ev)
{
    struct rp_buf *b = l->out;
    size_t before = b->len;
    int64_t now_us = RP_MAX(ev->now_us, l->now_us), pos = RP_MAX(ev->pos, l->pos);
    unsigned has = fields[ev->type];
    int err;

    if (rp_buf_err(b))
        return rp_buf_err(b);
    put_u(b, ev->type);
    put_u(b, (uint64_t)(now_us - l->now_us));
    put_u(b, (uint64_t)(pos - l->pos));
    if (has & TURN)
        put_u(b, ev->turn);
    if (has & TOKEN)
        put_u(b, ev->token);
    if (has & AT_POS)
        put_i(b, (int64_t)((uint64_t)ev->at - (uint64_t)pos));
    if (has & AT)
        put_i(b, ev->at);
    if (has & END)
        put_i(b, (int64_t)((uint64_t)ev->end - (uint64_t)ev->at));
    if (has & SPAN) {
        put_u(b, ev->text_from);
        put_u(b, ev->text_to);
        put_u(b, ev->estimated);
    }
    if (has & CUT)
        put_u(b, ev->interrupted);
    if (has & CODE)
        put_text(b, ev->code);
    if (has & TEXT)
        put_text(b, ev->text);
    err = rp_buf_err(b);
    if (err) {
        b->len = before;
        return err;
    }
    l->now_us = now_us;
    l->pos = pos;
    return 0;
}

/* --- reading ------------------------------------------------------------------------------ */

static int get_u(struct rp_str *in, uint64_t *v)
{
    *v = 0;
    for (size_t i = 0; i < in->len && i < 10; i++) {
        uint64_t seven = (unsigned char)in->p[i] & 0x7f;

        if (i == 9 && seven > 1)
            return RP_EPROTO;
        *v |= seven << (7 * i);
        if ((unsigned char)in->p[i] & 0x80)
            continue;
        *in = rp_str_from(*in, i + 1);
        return 0;
    }
    return RP_EPROTO;
}

static int get_max(struct rp_str *in, uint64_t most, uint64_t *v)
{
    int err = get_u(in, v);

    return err ? err : *v > most ? RP_EPROTO : 0;
}

static int get_u32(struct rp_str *in, uint32_t *v)
{
    uint64_t u;
    int err = get_max(in, UINT32_MAX, &u);

    *v = (uint32_t)u;
    return err;
}

static int get_bool(struct rp_str *in, bool *v)
{
    uint64_t u;
    int err = get_max(in, 1, &u);

    *v = u == 1;
    return err;
}

static int get_i(struct rp_str *in, int64_t *v)
{
    uint64_t u;
    int err = get_u(in, &u);

    *v = (int64_t)(u >> 1 ^ (0 - (u & 1)));
    return err;
}

static int get_text(struct rp_str *in, struct rp_str *s)
{
    uint64_t len;
    int err = get_max(in, in->len, &len);

    if (err || len > in->len)
        return RP_EPROTO;
    *s = rp_str_first(*in, (size_t)len);
    *in = rp_str_from(*in, (size_t)len);
    return 0;
}

static int get_z(struct rp_str *in, const char **z)
{
    struct rp_str s;

    if (get_text(in, &s) != 0 || s.len == 0 || memchr(s.p, '\0', s.len) != s.p + s.len - 1)
        return RP_EPROTO;
    *z = s.p;
    return 0;
}

/* Moves a clock on; a session does not last for years. */
static int get_clock(struct rp_str *in, int64_t *clock)
{
    uint64_t step;

    if (get_max(in, CLOCK_MAX, &step) != 0)
        return RP_EPROTO;
    *clock += (int64_t)step;
    return *clock > CLOCK_MAX ? RP_EPROTO : 0;
}

int rp_turn_log_open(struct rp_turn_log_reader *r, struct rp_str bytes, struct rp_turn_params *p,
                     struct rp_turn_options *o)
{
    uint64_t greeting;
    const char *name, *value;

    if (!rp_str_starts(bytes, rp_str_n(magic, sizeof(magic))))
        return RP_EPROTO;
    *r = (struct rp_turn_log_reader){.rest = rp_str_from(bytes, sizeof(magic))};
    rp_turn_options_default(o);
    *p = (struct rp_turn_params){.options = o};
    if (get_u(&r->rest, &p->seed) != 0 || get_i(&r->rest, &p->wall_ms) != 0 || p->wall_ms < 0 ||
        p->wall_ms > INT64_MAX / 4 || get_max(&r->rest, RP_TURN_NO_GREETING, &greeting) != 0)
        return RP_EPROTO;
    p->greeting = (enum rp_turn_request)greeting;
    while (get_z(&r->rest, &name) == 0) {
        const struct rp_turn_option *opt = rp_turn_option_find(rp_str_z(name));

        if (!name[0])
            return 0;
        if (get_z(&r->rest, &value) != 0)
            return RP_EPROTO;
        if (opt && rp_turn_option_parse(o, opt, value) != 0)
            return RP_EPROTO;
    }
    return RP_EPROTO;
}

static int get_fields(struct rp_turn_log_reader *r, struct rp_turn_event *ev)
{
    unsigned has = fields[ev->type];
    int err = 0;
    int64_t n;

    if (has & TURN)
        err |= get_u32(&r->rest, &ev->turn);
    if (has & TOKEN)
        err |= get_u(&r->rest, &ev->token);
    if (has & (AT | AT_POS)) {
        err |= get_i(&r->rest, &n);
        ev->at = (int64_t)((uint64_t)n + (has & AT_POS ? (uint64_t)ev->pos : 0));
    }
    if (has & END) {
        err |= get_i(&r->rest, &n);
        ev->end = (int64_t)((uint64_t)n + (uint64_t)ev->at);
    }
    if (has & SPAN) {
        err |= get_u32(&r->rest, &ev->text_from);
        err |= get_u32(&r->rest, &ev->text_to);
        err |= get_bool(&r->rest, &ev->estimated);
    }
    if (has & CUT)
        err |= get_bool(&r->rest, &ev->interrupted);
    if (has & CODE)
        err |= get_text(&r->rest, &ev->code);
    if (has & TEXT)
        err |= get_text(&r->rest, &ev->text);
    return err ? RP_EPROTO : 0;
}

int rp_turn_log_next(struct rp_turn_log_reader *r, struct rp_turn_event *ev)
{
    uint64_t type;

    *ev = (struct rp_turn_event){0};
    if (r->rest.len == 0)
        return RP_EOF;
    if (get_max(&r->rest, RP_TURN_EV_COUNT - 1, &type) != 0 ||
        get_clock(&r->rest, &r->now_us) != 0 || get_clock(&r->rest, &r->pos) != 0)
        return RP_EPROTO;
    ev->type = (enum rp_turn_event_type)type;
    ev->now_us = r->now_us;
    ev->pos = r->pos;
    return get_fields(r, ev);
}
