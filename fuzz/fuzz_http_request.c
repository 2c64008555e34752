/* HTTP requests: the same come out however the bytes are cut, and nothing that is let through could
 * be read in two ways. The first byte chooses the cuts. */
#include "base/check.h"
#include "base/mem.h"
#include "base/random.h"
#include "net/http_reader.h"

#define MAX_BODY 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(const struct rp_http_reader *r)
{
    const struct rp_http_head *h = &r->head;

    RP_ASSERT(rp_http_token_ok(h->method));
    RP_ASSERT(rp_str_eq_z(h->path, "*") || rp_str_starts(h->path, RP_STR("/")));
    RP_ASSERT(r->body.len <= MAX_BODY && h->nheaders <= RP_HTTP_MAX_HEADERS);
    RP_ASSERT(rp_http_head_count(h, "Host") == 1 || h->minor == 0);
    RP_ASSERT(
        rp_http_head_count(h, "Content-Length") + rp_http_head_count(h, "Transfer-Encoding") <= 1);
    for (size_t i = 0; i < h->nheaders; i++)
        RP_ASSERT(rp_http_token_ok(h->headers[i].name) && rp_http_value_ok(h->headers[i].value));
}

static void note_request(struct rp_buf *out, const struct rp_http_reader *r)
{
    const struct rp_http_head *h = &r->head;

    check_request(r);
    (void)rp_buf_printf(out, "%.*s %.*s %.*s %d %d\n", RP_STR_ARG(h->method), RP_STR_ARG(h->path),
                        RP_STR_ARG(h->query), h->minor, r->keep_alive);
    for (size_t i = 0; i < h->nheaders; i++)
        (void)rp_buf_printf(out, "%.*s=%.*s\n", RP_STR_ARG(h->headers[i].name),
                            RP_STR_ARG(h->headers[i].value));
    (void)rp_buf_str(out, rp_buf_view(&r->body));
}

/* `rng` NULL: in one piece. */
static void read_stream(struct rp_buf *out, struct rp_str text, struct rp_rng *rng)
{
    struct rp_http_reader *r = rp_alloc(sizeof(*r));
    enum rp_http_read what = RP_HTTP_MORE;

    RP_ASSERT(r);
    rp_buf_init(out, (size_t)64 << 20);
    rp_http_reader_init(r, MAX_BODY);
    while (text.len > 0 && what != RP_HTTP_REFUSED) {
        struct rp_str piece = rp_str_first(text, rng ? 1 + rp_rng_below(rng, 20) : text.len);
        text = rp_str_from(text, piece.len);
        while (piece.len && (what = rp_http_reader_feed(r, &piece)) == RP_HTTP_WHOLE) {
            note_request(out, r);
            rp_http_reader_next(r);
        }
        RP_ASSERT(piece.len == 0 || what == RP_HTTP_REFUSED);
    }
    (void)rp_buf_printf(out, "refused %d, midway %d", r->refuse, rp_http_reader_midway(r));
    rp_http_reader_fini(r);
    rp_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rp_rng rng = {size ? data[0] : 0};
    struct rp_buf whole, cut;
    struct rp_str text;

    if (size == 0)
        return 0;
    text = rp_str_n((const char *)data + 1, size - 1);
    read_stream(&whole, text, NULL);
    read_stream(&cut, text, &rng);
    RP_ASSERT(rp_str_eq(rp_buf_view(&whole), rp_buf_view(&cut)));
    rp_buf_fini(&whole);
    rp_buf_fini(&cut);
    return 0;
}
