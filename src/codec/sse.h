/* Server-Sent Events, the receiving side (HTML Standard, 9.2.6 "Interpreting an event stream").
 *
 * A push parser: bytes go in as they arrive, split anywhere; each complete event comes out through
 * a callback, from inside rp_sse_feed. As the standard has it, an event that the stream's end cuts
 * off before its blank line is dropped; rp_sse_partial tells. Not thread-safe. */
#ifndef RP_CODEC_SSE_H
#define RP_CODEC_SSE_H

#include "base/buf.h"
#include "base/str.h"

/* Views borrow from the parser until the callback returns. The bytes are as they came: invalid
 * UTF-8 is replaced by whoever reads the data as text. */
struct rp_sse_event {
    struct rp_str type; /* "message" unless named */
    struct rp_str data; /* lines joined by \n */
    struct rp_str id;   /* the last one seen in the stream, or empty */
};

/* Not 0 ends the parsing: rp_sse_feed returns it then and ever after. The callback may not free the
 * parser. */
typedef int rp_sse_event_fn(const struct rp_sse_event *event, void *arg);

struct rp_sse {
    rp_sse_event_fn *cb;
    void *arg;
    size_t line_max;
    struct rp_buf line; /* the beginning of a line whose end has not come yet */
    struct rp_buf type, data, id;
    int64_t retry_ms; /* the reconnection time asked for; -1 if none */
    bool first_line;  /* it may begin with a byte order mark */
    bool after_cr;    /* a line feed now belongs to the line before */
    int err;          /* what ended the parsing */
};

/* No allocation. `line_max` and `event_max` bound the bytes of a line and of an event's data. */
void rp_sse_init(struct rp_sse *s, size_t line_max, size_t event_max, rp_sse_event_fn *cb,
                 void *arg);
void rp_sse_fini(struct rp_sse *s);
/* RP_ELIMIT, RP_ENOMEM, or what the callback returned; each of them ends the parsing for good. */
int rp_sse_feed(struct rp_sse *s, struct rp_str bytes);
/* Whether the stream, if it ended now, would have been cut inside an event. */
bool rp_sse_partial(const struct rp_sse *s);

#endif
