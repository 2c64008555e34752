/* WebSocket frames: the same messages come out however the bytes are cut, within the cap, and text
 * is UTF-8. The first byte chooses the cuts and the side. */
#include "base/check.h"
#include "base/mem.h"
#include "base/random.h"
#include "codec/utf8.h"
#include "net/ws_frame.h"

#define MAX_MESSAGE 500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note_event(struct rp_buf *out, struct rp_ws_event *ev)
{
    RP_ASSERT(ev->opcode != RP_WS_CONTINUATION);
    RP_ASSERT(ev->len <= (ev->opcode < RP_WS_CLOSE ? MAX_MESSAGE : RP_WS_MAX_CONTROL));
    if (ev->opcode == RP_WS_TEXT || ev->opcode == RP_WS_CLOSE)
        RP_ASSERT(rp_utf8_valid(rp_str_n(ev->data, ev->len)));
    if (ev->opcode == RP_WS_CLOSE)
        RP_ASSERT(rp_ws_code_ok(ev->code) || (ev->code == RP_WS_NO_STATUS && ev->len == 0));
    (void)rp_buf_printf(out, "%d %d %zu ", (int)ev->opcode, ev->code, ev->len);
    (void)rp_buf_add(out, ev->data, ev->len);
    if (ev->len) /* it may be changed */
        memset(ev->data, 0, ev->len);
}

/* `rng` NULL: in one piece. */
static void read_stream(struct rp_buf *out, struct rp_str bytes, bool from_client,
                        struct rp_rng *rng)
{
    struct rp_ws_parser p;
    int got = 0;

    rp_buf_init(out, (size_t)64 << 20);
    rp_ws_parser_init(&p, from_client, MAX_MESSAGE);
    while (bytes.len > 0 && got >= 0) {
        struct rp_str some = rp_str_first(bytes, rng ? 1 + rp_rng_below(rng, 20) : bytes.len);
        char *piece = rp_strndup(some.p, some.len), *at = piece;
        size_t len = some.len;
        struct rp_ws_event ev;
        RP_ASSERT(piece);
        bytes = rp_str_from(bytes, len);
        while ((got = rp_ws_parser_next(&p, &at, &len, &ev)) > 0)
            note_event(out, &ev);
        RP_ASSERT(len == 0 || got < 0);
        rp_free(piece);
    }
    (void)rp_buf_printf(out, "end %d", got);
    rp_ws_parser_fini(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rp_rng rng = {size ? data[0] : 0};
    struct rp_buf whole, cut;
    struct rp_str bytes;
    bool from_client;

    if (size == 0)
        return 0;
    from_client = data[0] % 2 == 0;
    bytes = rp_str_n((const char *)data + 1, size - 1);
    read_stream(&whole, bytes, from_client, NULL);
    read_stream(&cut, bytes, from_client, &rng);
    RP_ASSERT(rp_str_eq(rp_buf_view(&whole), rp_buf_view(&cut)));
    rp_buf_fini(&whole);
    rp_buf_fini(&cut);
    return 0;
}
