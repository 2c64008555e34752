/* A WebSocket connection once its handshake is done; see ws.h. How a client gets there is in
 * ws_client.c, how a server does in http_conn.c. */
#include "net/ws.h"

#include <openssl/evp.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "codec/base64.h"
#include "net/ws_int.h"

#define CLOSE_TIMEOUT_US 5000000
#define MISSED_PONGS     2
/* Pings are not answered while so much waits: a peer that sends them without reading gains
 * nothing. */
#define MAX_QUEUE_FOR_PONG 65536

static const struct rp_stream_cb stream_cb;

void rp_ws_accept_key(char out[static RP_WS_ACCEPT_LEN], struct rp_str key)
{
    static const char salt[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[24 + sizeof(salt)];
    unsigned len = 0;

    RP_ASSERT(key.len == 24);
    memcpy(text, key.p, 24);
    memcpy(text + 24, salt, sizeof(salt) - 1);
    RP_ASSERT(EVP_Digest(text, sizeof(text) - 1, digest, &len, EVP_sha1(), NULL) == 1 && len == 20);
    (void)rp_base64_encode(out, digest, len);
}

/* A fresh mask for a client's frame (RFC 6455 5.3: from a strong source). */
static void new_mask(unsigned char mask[static 4])
{
    static _Thread_local unsigned char pool[256];
    static _Thread_local size_t left;

    if (left == 0) {
        rp_random_bytes(pool, sizeof(pool));
        left = sizeof(pool);
    }
    left -= 4;
    memcpy(mask, pool + left, 4);
}

static int send_frame(struct rp_ws *ws, enum rp_ws_opcode opcode, const void *data, size_t len)
{
    unsigned char head[RP_WS_MAX_FRAME_HEAD], mask[4];
    bool is_client = !ws->parser.from_client;
    size_t head_len;
    char *at;
    int err;

    if (is_client)
        new_mask(mask);
    head_len = rp_ws_frame_head(head, opcode, len, is_client ? mask : NULL);
    err = rp_stream_reserve(ws->stream, head_len + len, &at);
    if (err)
        return err;
    memcpy(at, head, head_len);
    if (len)
        memcpy(at + head_len, data, len);
    if (is_client)
        rp_ws_mask(at + head_len, len, mask, 0);
    rp_stream_wrote(ws->stream, head_len + len);
    return 0;
}

/* Whether the byte behind the view continues a UTF-8 character, which a cut here would break. */
static bool is_inside_char(struct rp_str s, size_t cut)
{
    return cut < s.len && ((unsigned char)s.p[cut] & 0xc0) == 0x80;
}

static void send_close(struct rp_ws *ws, int code, struct rp_str reason)
{
    char payload[RP_WS_MAX_CONTROL];
    size_t len = 0;

    if (code != RP_WS_NO_STATUS) {
        len = RP_MIN(reason.len, (size_t)RP_WS_MAX_REASON);
        while (len > 0 && is_inside_char(reason, len))
            len--;
        payload[0] = (char)(code >> 8);
        payload[1] = (char)code;
        memcpy(payload + 2, reason.p, len);
        len += 2;
    }
    (void)send_frame(ws, RP_WS_CLOSE, payload, len);
}

/* The end. */

static void queue_msg(struct rp_ws *ws)
{
    if (ws->msg_queued)
        return;
    ws->msg_queued = true;
    rp_loop_defer(ws->loop, &ws->msg);
}

void rp_ws_free(struct rp_ws *ws)
{
    rp_ws_opening_free(ws->opening);
    rp_ws_parser_fini(&ws->parser);
    rp_buf_fini(&ws->held);
    rp_free(ws);
}

/* The end is decided; whoever called has let go of the stream. */
static void done(struct rp_ws *ws, int code, struct rp_str reason)
{
    ws->state = RP_WS_DONE;
    if (ws->holder) /* now: the connection may go before the end is reported */
        *ws->holder = NULL;
    ws->code = code;
    ws->reason_len = RP_MIN(reason.len, sizeof(ws->reason));
    if (ws->reason_len)
        memcpy(ws->reason, reason.p, ws->reason_len);
    rp_timer_stop(&ws->ping_timer);
    rp_timer_stop(&ws->close_timer);
    rp_ws_opening_free(ws->opening);
    ws->opening = NULL;
    queue_msg(ws);
}

void rp_ws_end(struct rp_ws *ws, int code, struct rp_str reason)
{
    struct rp_stream *stream = ws->stream;

    if (ws->state == RP_WS_DONE)
        return;
    ws->stream = NULL;
    done(ws, code, reason); /* copies the reason, which may be the stream's */
    if (stream)
        rp_stream_close(stream, ws->released, ws->released_arg);
}

/* The same, after what is queued has been sent. */
static void end_in_good_order(struct rp_ws *ws, int code, struct rp_str reason)
{
    struct rp_stream *stream = ws->stream;

    ws->stream = NULL;
    done(ws, code, reason);
    rp_stream_finish(stream, ws->released, ws->released_arg);
}

static void peer_broke_protocol(struct rp_ws *ws, int code)
{
    struct rp_str reason = code == RP_WS_TOO_BIG       ? RP_STR("the message is too big")
                           : code == RP_WS_BAD_PAYLOAD ? RP_STR("the text is not UTF-8")
                           : code == RP_WS_INTERNAL    ? RP_STR("out of memory")
                                                       : RP_STR("the frame is not valid");

    if (ws->state == RP_WS_OPEN)
        send_close(ws, code, reason);
    end_in_good_order(ws, code, reason);
}

/* Reading. */

static void on_close_frame(struct rp_ws *ws, const struct rp_ws_event *ev)
{
    struct rp_str reason = rp_str_n(ev->data, ev->len);

    if (ws->state == RP_WS_OPEN)
        send_close(ws, ev->code, rp_str_z(""));
    end_in_good_order(ws, ev->code, reason);
}

static void on_event(struct rp_ws *ws, const struct rp_ws_event *ev)
{
    switch (ev->opcode) {
    case RP_WS_TEXT:
    case RP_WS_BINARY:
        if (ws->state == RP_WS_OPEN)
            ws->cb.message(ws, ev->opcode == RP_WS_BINARY, ev->data, ev->len, ws->arg);
        break;
    case RP_WS_PING:
        if (ws->state == RP_WS_OPEN && rp_stream_queued(ws->stream) < MAX_QUEUE_FOR_PONG)
            (void)send_frame(ws, RP_WS_PONG, ev->data, ev->len);
        break;
    case RP_WS_PONG:
        ws->missed_pongs = 0;
        break;
    default:
        on_close_frame(ws, ev);
    }
}

/* Parses until the bytes are used up, the connection has ended, or the owner pauses. How many bytes
 * are left comes back. */
static size_t parse(struct rp_ws *ws, char *data, size_t len)
{
    while (ws->state != RP_WS_DONE && !ws->paused) {
        struct rp_ws_event ev;
        int got = rp_ws_parser_next(&ws->parser, &data, &len, &ev);
        if (got == 0)
            return 0;
        if (got < 0)
            peer_broke_protocol(ws, -got);
        else
            on_event(ws, &ev);
    }
    return ws->state == RP_WS_DONE ? 0 : len;
}

static void hold(struct rp_ws *ws, const char *data, size_t len)
{
    if (rp_buf_add(&ws->held, data, len) != 0)
        rp_ws_end(ws, RP_WS_ABNORMAL, RP_STR("out of memory"));
}

static void on_read(char *data, size_t len, void *arg)
{
    struct rp_ws *ws = arg;
    size_t left = len;

    if (ws->held.len == 0)
        left = parse(ws, data, len);
    if (left)
        hold(ws, data + len - left, left);
}

static void on_msg(struct rp_msg *msg)
{
    struct rp_ws *ws = RP_CONTAINER_OF(msg, struct rp_ws, msg);

    ws->msg_queued = false;
    if (ws->held.len && !ws->paused) {
        size_t left = parse(ws, ws->held.p, ws->held.len);
        rp_buf_consume(&ws->held, ws->held.len - left);
        if (ws->held.len == 0)
            rp_buf_fini(&ws->held);
    }
    /* Parsing may have brought the end, which is then reported the next time. */
    if (ws->state == RP_WS_DONE) {
        if (ws->msg_queued)
            return;
        ws->cb.closed(ws, ws->code, rp_str_n(ws->reason, ws->reason_len), ws->arg);
        rp_ws_free(ws);
    } else if (ws->state != RP_WS_OPENING) {
        rp_stream_pause(ws->stream, ws->paused);
    }
}

static void on_drained(void *arg)
{
    struct rp_ws *ws = arg;

    if (ws->cb.drained && ws->state == RP_WS_OPEN)
        ws->cb.drained(ws, ws->arg);
}

static void on_lost(int err, void *arg)
{
    struct rp_ws *ws = arg;

    (void)err;
    rp_ws_end(ws, RP_WS_ABNORMAL, rp_str_z(rp_stream_why(ws->stream)));
}

static const struct rp_stream_cb stream_cb = {
    .read = on_read, .drained = on_drained, .lost = on_lost};

/* Timers. */

static void on_ping_timer(struct rp_timer *timer)
{
    struct rp_ws *ws = RP_CONTAINER_OF(timer, struct rp_ws, ping_timer);

    if (ws->missed_pongs >= MISSED_PONGS) {
        rp_ws_end(ws, RP_WS_ABNORMAL, RP_STR("the peer does not answer pings"));
        return;
    }
    if (!ws->paused) { /* else its pong would lie unread */
        ws->missed_pongs++;
        (void)send_frame(ws, RP_WS_PING, NULL, 0);
    }
    rp_timer_start(&ws->ping_timer, ws->cb.ping_every_us);
}

static void on_close_timer(struct rp_timer *timer)
{
    struct rp_ws *ws = RP_CONTAINER_OF(timer, struct rp_ws, close_timer);

    rp_ws_end(ws, RP_WS_ABNORMAL,
              ws->state == RP_WS_OPENING ? RP_STR("the connection took too long to open")
                                         : RP_STR("the peer did not close in time"));
}

/* Beginning. */

int rp_ws_new(struct rp_ws **out, struct rp_loop *l, bool is_client, const struct rp_ws_cb *cb,
              void *arg)
{
    struct rp_ws *ws = rp_zalloc(sizeof(*ws));

    RP_ON_LOOP(l);
    if (!ws)
        return RP_ENOMEM;
    ws->loop = l;
    ws->cb = *cb;
    ws->arg = arg;
    rp_ws_parser_init(&ws->parser, !is_client, cb->max_message);
    rp_buf_init(&ws->held, SIZE_MAX);
    rp_msg_init(&ws->msg, on_msg);
    rp_timer_init(&ws->ping_timer, l, on_ping_timer);
    rp_timer_init(&ws->close_timer, l, on_close_timer);
    *out = ws;
    return 0;
}

int rp_ws_begin(struct rp_ws *ws, struct rp_stream *stream, struct rp_str rest)
{
    int err = rp_buf_str(&ws->held, rest);

    if (err)
        return err;
    ws->stream = stream;
    ws->state = RP_WS_OPEN;
    rp_stream_set_cb(stream, &stream_cb, ws);
    rp_timer_stop(&ws->close_timer);
    if (ws->cb.ping_every_us > 0)
        rp_timer_start(&ws->ping_timer, ws->cb.ping_every_us);
    queue_msg(ws); /* parses the rest and resumes reading */
    return 0;
}

/* For the owner. */

int rp_ws_send(struct rp_ws *ws, bool binary, const void *data, size_t len)
{
    size_t queued;

    RP_ON_LOOP(ws->loop);
    if (ws->state != RP_WS_OPEN)
        return ws->state == RP_WS_OPENING ? RP_EAGAIN : RP_ECLOSED;
    queued = rp_stream_queued(ws->stream);
    if (len > RP_WS_MAX_QUEUE || queued > RP_WS_MAX_QUEUE - len)
        return RP_ELIMIT;
    return send_frame(ws, binary ? RP_WS_BINARY : RP_WS_TEXT, data, len);
}

size_t rp_ws_queued(const struct rp_ws *ws)
{
    return ws->stream ? rp_stream_queued(ws->stream) : 0;
}

void rp_ws_pause(struct rp_ws *ws, bool paused)
{
    RP_ON_LOOP(ws->loop);
    if (ws->paused == paused || ws->state >= RP_WS_CLOSING)
        return;
    ws->paused = paused;
    if (!paused)
        queue_msg(ws);
    else if (ws->state == RP_WS_OPEN) /* else the handshake goes on, and begin() looks */
        rp_stream_pause(ws->stream, true);
}

void rp_ws_close(struct rp_ws *ws, int code, const char *reason)
{
    RP_ON_LOOP(ws->loop);
    if (ws->state >= RP_WS_CLOSING)
        return;
    if (ws->state == RP_WS_OPENING) {
        rp_ws_end(ws, RP_WS_ABNORMAL, RP_STR("closed before it was open"));
        return;
    }
    rp_ws_pause(ws, false); /* to see the peer's close frame */
    send_close(ws, code, rp_str_z(reason));
    ws->state = RP_WS_CLOSING;
    rp_timer_stop(&ws->ping_timer);
    rp_timer_start(&ws->close_timer,
                   ws->cb.close_timeout_us ? ws->cb.close_timeout_us : CLOSE_TIMEOUT_US);
}

void rp_ws_abort(struct rp_ws *ws)
{
    RP_ON_LOOP(ws->loop);
    rp_ws_end(ws, RP_WS_ABNORMAL, RP_STR("dropped by us"));
}

struct rp_loop *rp_ws_loop(const struct rp_ws *ws)
{
    return ws->loop;
}
