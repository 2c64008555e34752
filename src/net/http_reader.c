/* The request reader; see http_reader.h.
 *
 *     HEAD ─┬─ no body ───────────────────────────────────────────────► WHOLE
 *           ├─ Content-Length ─► LENGTH ──────────────────────────────► WHOLE
 *           └─ chunked ─► SIZE ─► (EXT) ─► SIZE_LF ─┬─ n > 0 ─► DATA ─► DATA_CR ─► DATA_LF ─► SIZE
 *                                                   └─ 0 ─► TRAILER ⇄ … ─► END_LF ─► WHOLE
 *
 * Chunk extensions and trailers are skipped, within bounds. */
#include "net/http_reader.h"

#include "base/err.h"

#define MAX_SIZE_DIGITS 15 /* of a chunk's size: more could overflow, and nobody needs them */
#define MAX_EXT         256
#define MAX_TRAILERS    8192

enum state {
    HEAD,
    LENGTH,
    SIZE,
    EXT,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* at the start of a line */
    TRAILER_LINE,
    TRAILER_LF,
    END_LF,
    WHOLE,
    REFUSED
};

void rp_http_reader_init(struct rp_http_reader *r, size_t max_body)
{
    r->head.nheaders = 0;
    r->state = HEAD;
    rp_buf_init(&r->body, max_body);
    rp_buf_init(&r->head_text, RP_HTTP_MAX_HEAD);
    rp_http_reader_next(r);
}

void rp_http_reader_fini(struct rp_http_reader *r)
{
    rp_buf_fini(&r->body);
    rp_buf_fini(&r->head_text);
}

void rp_http_reader_next(struct rp_http_reader *r)
{
    rp_buf_clear(&r->head_text);
    rp_buf_fini(&r->body); /* bodies may be large, and most requests have none */
    r->has_head = r->keep_alive = r->expects_continue = false;
    r->refuse = 0;
    r->scanned = r->counted = 0;
    r->remaining = 0;
    r->state = HEAD;
}

bool rp_http_reader_midway(const struct rp_http_reader *r)
{
    return r->state == HEAD ? r->head_text.len > 0 : r->state < WHOLE;
}

static void refuse(struct rp_http_reader *r, int status)
{
    r->refuse = status;
    r->keep_alive = false;
    r->state = REFUSED;
}

/* How long the body is, from a head that was parsed (RFC 9112 6.3). A message that says it twice is
 * refused: that is how requests are smuggled past proxies. */
static void choose_framing(struct rp_http_reader *r)
{
    const struct rp_http_head *h = &r->head;
    struct rp_str length = rp_http_head_get(h, "Content-Length");
    struct rp_str coding = rp_http_head_get(h, "Transfer-Encoding");
    int64_t n = 0;

    if (coding.p) {
        if (length.p || h->minor == 0 || rp_http_head_count(h, "Transfer-Encoding") != 1)
            refuse(r, 400);
        else if (!rp_str_eq_nocase(coding, RP_STR("chunked")))
            refuse(r, 501);
        else
            r->state = SIZE;
        return;
    }
    if (length.p && (rp_http_head_count(h, "Content-Length") != 1 || length.p[0] == '-' ||
                     rp_str_to_i64(length, &n) != 0))
        refuse(r, 400);
    else if ((uint64_t)n > r->body.cap)
        refuse(r, 413);
    else
        r->state = n > 0 ? LENGTH : WHOLE;
    r->remaining = (uint64_t)n;
}

static void take_head(struct rp_http_reader *r)
{
    struct rp_str expect;
    int status = rp_http_parse_request(&r->head, rp_buf_view(&r->head_text));

    if (status) {
        refuse(r, status);
        return;
    }
    r->has_head = true;
    choose_framing(r);
    if (r->state == REFUSED)
        return;
    r->keep_alive =
        !rp_http_head_lists(&r->head, "Connection", "close") &&
        (r->head.minor == 1 || rp_http_head_lists(&r->head, "Connection", "keep-alive"));
    expect = rp_http_head_get(&r->head, "Expect");
    if (expect.p && !rp_str_eq_nocase(expect, RP_STR("100-continue")))
        refuse(r, 417);
    else
        r->expects_continue = expect.p && r->head.minor == 1 && r->state != WHOLE;
}

/* Collects bytes of the head. What was copied beyond its end is given back. */
static void read_head(struct rp_http_reader *r, struct rp_str *data)
{
    size_t before, len;
    struct rp_str some;

    /* RFC 9112 2.2: empty lines before a request are skipped. */
    while (r->head_text.len == 0 && data->len && (data->p[0] == '\r' || data->p[0] == '\n')) {
        *data = rp_str_from(*data, 1);
        if (++r->counted > MAX_EXT) {
            refuse(r, 400);
            return;
        }
    }
    before = r->head_text.len;
    some = rp_str_first(*data, RP_HTTP_MAX_HEAD - before);
    if (rp_buf_str(&r->head_text, some) != 0) {
        refuse(r, 503);
        return;
    }
    len = rp_http_head_len(rp_buf_view(&r->head_text), &r->scanned);
    if (len) {
        *data = rp_str_from(*data, len - before);
        r->head_text.len = len;
        r->counted = 0;
        take_head(r);
        return;
    }
    *data = rp_str_from(*data, some.len);
    if (r->head_text.len && !rp_http_token_ok(rp_str_first(rp_buf_view(&r->head_text), 1)))
        refuse(r, 400); /* not HTTP at all: no use waiting for more */
    else if (r->head_text.len == RP_HTTP_MAX_HEAD)
        refuse(r, rp_str_find(rp_buf_view(&r->head_text), '\r') < 0 ? 414 : 431);
}

/* Appends to the body what there is of `remaining`; true when that is all of it. */
static bool read_body(struct rp_http_reader *r, struct rp_str *data)
{
    struct rp_str some = rp_str_first(*data, (size_t)RP_MIN(r->remaining, SIZE_MAX));
    int err = rp_buf_str(&r->body, some);

    if (err) {
        refuse(r, err == RP_ELIMIT ? 413 : 503);
        return false;
    }
    *data = rp_str_from(*data, some.len);
    r->remaining -= some.len;
    return r->remaining == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

static void chunk_size_char(struct rp_http_reader *r, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0 && r->counted < MAX_SIZE_DIGITS) {
        r->remaining = r->remaining * 16 + (unsigned)digit;
        r->counted++;
    } else if (r->counted > 0 && (c == ';' || c == '\r')) {
        r->counted = 0;
        r->state = c == ';' ? EXT : SIZE_LF;
    } else {
        refuse(r, 400);
    }
}

/* A byte of what is skipped: chunk extensions and trailers. */
static bool skippable(struct rp_http_reader *r, char c, size_t max)
{
    return ++r->counted <= max && rp_http_value_ok(rp_str_n(&c, 1));
}

/* One byte of the framing of a chunked body. */
static void chunk_char(struct rp_http_reader *r, char c)
{
    static const struct {
        char wanted;
        enum state next;
    } expect[] = {
        [DATA_CR] = {'\r', DATA_LF},
        [DATA_LF] = {'\n', SIZE},
        [TRAILER_LF] = {'\n', TRAILER},
        [END_LF] = {'\n', WHOLE},
    };

    switch (r->state) {
    case SIZE:
        chunk_size_char(r, c);
        return;
    case EXT:
        if (c == '\r')
            r->state = SIZE_LF;
        else if (!skippable(r, c, MAX_EXT))
            refuse(r, 400);
        return;
    case SIZE_LF:
        r->counted = 0;
        if (c != '\n')
            refuse(r, 400);
        else if (r->remaining > r->body.cap - r->body.len)
            refuse(r, 413);
        else
            r->state = r->remaining ? DATA : TRAILER;
        return;
    case TRAILER:
    case TRAILER_LINE:
        if (c == '\r')
            r->state = r->state == TRAILER ? END_LF : TRAILER_LF;
        else if (skippable(r, c, MAX_TRAILERS))
            r->state = TRAILER_LINE;
        else
            refuse(r, 400);
        return;
    default:
        if (c == expect[r->state].wanted)
            r->state = expect[r->state].next;
        else
            refuse(r, 400);
        return;
    }
}

enum rp_http_read rp_http_reader_feed(struct rp_http_reader *r, struct rp_str *data)
{
    while (r->state < WHOLE && data->len) {
        if (r->state == HEAD) {
            read_head(r, data);
        } else if (r->state == LENGTH) {
            if (read_body(r, data))
                r->state = WHOLE;
        } else if (r->state == DATA) {
            if (read_body(r, data))
                r->state = DATA_CR;
        } else {
            chunk_char(r, data->p[0]);
            *data = rp_str_from(*data, 1);
        }
    }
    if (r->state == WHOLE)
        return RP_HTTP_WHOLE;
    return r->state == REFUSED ? RP_HTTP_REFUSED : RP_HTTP_MORE;
}
