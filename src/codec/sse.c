/* Server-Sent Events; see sse.h. */
#include "codec/sse.h"

#include "base/err.h"

void rp_sse_init(struct rp_sse *s, size_t line_max, size_t event_max, rp_sse_event_fn *cb,
                 void *arg)
{
    *s = (struct rp_sse){
        .cb = cb, .arg = arg, .line_max = line_max, .retry_ms = -1, .first_line = true};
    rp_buf_init(&s->line, line_max);
    rp_buf_init(&s->type, line_max);
    rp_buf_init(&s->id, line_max);
    rp_buf_init(&s->data, event_max < SIZE_MAX ? event_max + 1 : event_max); /* a \n to be cut */
}

void rp_sse_fini(struct rp_sse *s)
{
    rp_buf_fini(&s->line);
    rp_buf_fini(&s->type);
    rp_buf_fini(&s->id);
    rp_buf_fini(&s->data);
}

static int set(struct rp_buf *b, struct rp_str value)
{
    rp_buf_clear(b);
    return rp_buf_str(b, value);
}

static int dispatch(struct rp_sse *s)
{
    const struct rp_sse_event event = {
        .type = s->type.len ? rp_buf_view(&s->type) : RP_STR("message"),
        .data = rp_str_first(rp_buf_view(&s->data), s->data.len - (s->data.len > 0)),
        .id = rp_buf_view(&s->id),
    };
    const int err = s->data.len ? s->cb(&event, s->arg) : 0;

    rp_buf_clear(&s->type);
    rp_buf_clear(&s->data);
    return err;
}

/* Only digits count; more than a day is taken for a day. */
static void set_retry(struct rp_sse *s, struct rp_str value)
{
    const int64_t most = 86400000;
    int64_t ms = 0;

    for (size_t i = 0; i < value.len; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return;
        ms = RP_MIN(ms * 10 + (value.p[i] - '0'), most);
    }
    if (value.len)
        s->retry_ms = ms;
}

static int take_field(struct rp_sse *s, struct rp_str name, struct rp_str value)
{
    if (rp_str_eq_z(name, "data")) {
        (void)rp_buf_str(&s->data, value);
        return rp_buf_char(&s->data, '\n');
    }
    if (rp_str_eq_z(name, "event"))
        return set(&s->type, value);
    if (rp_str_eq_z(name, "id") && rp_str_find(value, '\0') < 0)
        return set(&s->id, value);
    if (rp_str_eq_z(name, "retry"))
        set_retry(s, value);
    return 0;
}

static int take_line(struct rp_sse *s, struct rp_str line)
{
    struct rp_str name;

    if (line.len > s->line_max)
        return RP_ELIMIT;
    if (s->first_line && rp_str_starts(line, RP_STR("\xef\xbb\xbf")))
        line = rp_str_from(line, 3);
    s->first_line = false;
    if (line.len == 0)
        return dispatch(s);
    if (line.p[0] == ':')
        return 0; /* a comment, often sent to keep the connection open */
    name = rp_str_split(&line, ':');
    if (line.len && line.p[0] == ' ')
        line = rp_str_from(line, 1);
    return take_field(s, name, line);
}

/* Takes what is up to `bytes`' first line end, or keeps it if there is none. */
static int take_some(struct rp_sse *s, struct rp_str *bytes)
{
    const char *p = bytes->p, *end = p + bytes->len;
    struct rp_str head;
    int err;

    while (p < end && *p != '\n' && *p != '\r')
        p++;
    head = rp_str_n(bytes->p, (size_t)(p - bytes->p));
    if (p == end) {
        *bytes = rp_str_n(end, 0);
        return rp_buf_str(&s->line, head);
    }
    s->after_cr = *p == '\r';
    *bytes = rp_str_n(p + 1, (size_t)(end - p) - 1);
    if (s->line.len == 0)
        return take_line(s, head);
    err = rp_buf_str(&s->line, head);
    if (!err)
        err = take_line(s, rp_buf_view(&s->line));
    rp_buf_clear(&s->line);
    return err;
}

int rp_sse_feed(struct rp_sse *s, struct rp_str bytes)
{
    while (!s->err && bytes.len > 0) {
        if (s->after_cr && bytes.p[0] == '\n')
            bytes = rp_str_from(bytes, 1);
        s->after_cr = false;
        if (bytes.len > 0)
            s->err = take_some(s, &bytes);
    }
    return s->err;
}

bool rp_sse_partial(const struct rp_sse *s)
{
    return s->line.len > 0 || s->data.len > 0;
}
