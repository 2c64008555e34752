/* SSE: a stream gives the same events however it is cut. The first byte chooses the cuts. */
#include "base/check.h"
#include "base/err.h"
#include "base/random.h"
#include "codec/sse.h"

#define LINE_MAX_BYTES  300
#define EVENT_MAX_BYTES 500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int note(const struct rp_sse_event *e, void *arg)
{
    struct rp_buf *out = arg;

    RP_ASSERT(e->data.len <= EVENT_MAX_BYTES && e->type.len <= LINE_MAX_BYTES);
    (void)rp_buf_str(out, e->type);
    (void)rp_buf_char(out, '|');
    (void)rp_buf_str(out, e->data);
    (void)rp_buf_char(out, '|');
    (void)rp_buf_str(out, e->id);
    return rp_buf_char(out, '\n');
}

/* `rng` NULL: in one piece. */
static int read_stream(struct rp_buf *out, struct rp_str text, struct rp_rng *rng)
{
    struct rp_sse s;
    int err = 0;

    rp_buf_init(out, (size_t)64 << 20);
    rp_sse_init(&s, LINE_MAX_BYTES, EVENT_MAX_BYTES, note, out);
    while (text.len > 0 && !err) {
        const size_t n = rng ? rp_rng_below(rng, 20) : text.len;
        err = rp_sse_feed(&s, rp_str_first(text, n));
        text = rp_str_from(text, n);
    }
    (void)rp_buf_printf(out, "%lld %d", (long long)s.retry_ms, rp_sse_partial(&s));
    rp_sse_fini(&s);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rp_buf whole, cut;
    struct rp_rng rng = {size ? data[0] : 0};
    struct rp_str text;
    int err;

    if (size == 0)
        return 0;
    text = rp_str_n((const char *)data + 1, size - 1);
    err = read_stream(&whole, text, NULL);
    RP_ASSERT(err == 0 || err == RP_ELIMIT);
    RP_ASSERT(err == read_stream(&cut, text, &rng));
    if (!err) /* beyond a limit, what is partial depends on where it was noticed */
        RP_ASSERT(rp_str_eq(rp_buf_view(&whole), rp_buf_view(&cut)));
    rp_buf_fini(&whole);
    rp_buf_fini(&cut);
    return 0;
}
