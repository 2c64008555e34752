/* How a client's WebSocket comes about: resolve, connect, TLS, handshake (RFC 6455 4.1). Afterwards
 * ws.c has it. */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "codec/base64.h"
#include "codec/url.h"
#include "net/http_parse.h"
#include "net/resolve.h"
#include "net/tls.h"
#include "net/ws_int.h"

#define OPEN_TIMEOUT_US    10000000
#define ATTEMPT_TIMEOUT_US 3000000 /* for one address when there are others */
#define MAX_HEAD           16384
#define KEY_LEN            RP_BASE64_LEN(16)

struct rp_ws_opening {
    struct rp_ws *ws;
    struct rp_lookup *lookup; /* NULL: not under way */
    struct rp_resolved addrs;
    size_t next_addr;
    struct rp_timer attempt_timer;
    SSL_CTX *tls; /* NULL: plain */
    struct rp_buf request, answer;
    size_t scanned;
    char accept[RP_WS_ACCEPT_LEN]; /* that the server must answer */
    char host[256];
    uint16_t port;
};

static void try_next_addr(struct rp_ws_opening *o);

void rp_ws_opening_free(struct rp_ws_opening *o)
{
    if (!o)
        return;
    rp_resolve_cancel(o->lookup);
    rp_timer_stop(&o->attempt_timer);
    SSL_CTX_free(o->tls);
    rp_buf_fini(&o->request);
    rp_buf_fini(&o->answer);
    rp_free(o);
}

/* The handshake. */

static void on_opened(void *arg)
{
    struct rp_ws_opening *o = arg;

    rp_timer_stop(&o->attempt_timer);
    if (rp_stream_write(o->ws->stream, o->request.p, o->request.len) != 0)
        rp_ws_end(o->ws, RP_WS_ABNORMAL, RP_STR("out of memory"));
}

/* NULL, or what is wrong with the server's answer. */
static const char *fault_of(const struct rp_ws_opening *o, const struct rp_http_head *h)
{
    static _Thread_local char text[64];
    struct rp_str accept = rp_http_head_get(h, "Sec-WebSocket-Accept");

    if (h->status != 101) {
        (void)snprintf(text, sizeof(text), "the server answered %d %s", h->status,
                       rp_http_status_text(h->status));
        return text;
    }
    if (!rp_http_head_lists(h, "Upgrade", "websocket") ||
        !rp_http_head_lists(h, "Connection", "upgrade") ||
        !rp_str_eq(accept, rp_str_n(o->accept, sizeof(o->accept))))
        return "the server's handshake is not valid";
    if (rp_http_head_get(h, "Sec-WebSocket-Extensions").p ||
        rp_http_head_get(h, "Sec-WebSocket-Protocol").p)
        return "the server chose an extension that was not offered";
    return NULL;
}

/* The whole head of the answer is here. */
static void on_head(struct rp_ws_opening *o, size_t head_len)
{
    struct rp_str text = rp_buf_view(&o->answer);
    struct rp_ws *ws = o->ws;
    struct rp_http_head head;
    const char *fault = NULL;

    if (rp_http_parse_response(&head, rp_str_first(text, head_len)) != 0)
        fault = "the server does not speak HTTP";
    else
        fault = fault_of(o, &head);
    if (!fault && rp_ws_begin(ws, ws->stream, rp_str_from(text, head_len)) != 0)
        fault = "out of memory";
    if (fault) {
        rp_ws_end(ws, RP_WS_ABNORMAL, rp_str_z(fault));
        return;
    }
    ws->opening = NULL;
    rp_ws_opening_free(o);
    if (ws->cb.opened)
        ws->cb.opened(ws, ws->arg);
}

static void on_read(char *data, size_t len, void *arg)
{
    struct rp_ws_opening *o = arg;
    size_t head_len;

    if (rp_buf_add(&o->answer, data, len) != 0) {
        rp_ws_end(o->ws, RP_WS_ABNORMAL, RP_STR("out of memory"));
        return;
    }
    head_len = rp_http_head_len(rp_buf_view(&o->answer), &o->scanned);
    if (head_len)
        on_head(o, head_len);
    else if (o->answer.len > MAX_HEAD)
        rp_ws_end(o->ws, RP_WS_ABNORMAL, RP_STR("the server's answer is too long"));
}

/* Connecting. */

static void on_lost(int err, void *arg)
{
    struct rp_ws_opening *o = arg;
    bool connected = !o->attempt_timer.armed;

    (void)err;
    if (connected || o->next_addr == o->addrs.naddrs)
        rp_ws_end(o->ws, RP_WS_ABNORMAL, rp_str_z(rp_stream_why(o->ws->stream)));
    else
        try_next_addr(o);
}

static const struct rp_stream_cb stream_cb = {
    .opened = on_opened, .read = on_read, .lost = on_lost};

static void on_attempt_timer(struct rp_timer *timer)
{
    struct rp_ws_opening *o = RP_CONTAINER_OF(timer, struct rp_ws_opening, attempt_timer);

    if (o->next_addr < o->addrs.naddrs)
        try_next_addr(o);
}

/* Drops the present attempt, if any, for the next address. */
static void try_next_addr(struct rp_ws_opening *o)
{
    struct rp_ws *ws = o->ws;
    union rp_sockaddr *to = &o->addrs.addrs[o->next_addr++];

    if (ws->stream)
        rp_stream_close(ws->stream, NULL, NULL);
    ws->stream = NULL;
    if (to->any.sa_family == AF_INET)
        to->v4.sin_port = htons(o->port);
    else
        to->v6.sin6_port = htons(o->port);
    rp_timer_start(&o->attempt_timer, ATTEMPT_TIMEOUT_US);
    if (rp_stream_connect(&ws->stream, ws->loop, &to->any, o->tls, o->host, &stream_cb, o) != 0)
        rp_ws_end(ws, RP_WS_ABNORMAL, RP_STR("cannot make a socket"));
}

static void on_resolved(const struct rp_resolved *result, void *arg)
{
    struct rp_ws_opening *o = arg;

    o->lookup = NULL;
    if (result->err) {
        rp_ws_end(o->ws, RP_WS_ABNORMAL, rp_str_z(result->why));
        return;
    }
    o->addrs = *result;
    try_next_addr(o);
}

/* Beginning. */

/* Whether they are whole header lines that stay header lines. */
static bool headers_ok(const char *headers)
{
    struct rp_str rest = rp_str_z(headers);

    while (rest.len) {
        ptrdiff_t end = rp_str_find_str(rest, RP_STR("\r\n"));
        struct rp_str value = rp_str_first(rest, end < 0 ? 0 : (size_t)end), name;
        name = rp_str_split(&value, ':');
        if (!value.p || !rp_http_token_ok(name) || !rp_http_value_ok(value))
            return false;
        rest = rp_str_from(rest, (size_t)end + 2);
    }
    return true;
}

static int build_request(struct rp_ws_opening *o, const struct rp_url *url, const char *headers)
{
    unsigned char nonce[16];
    char key[KEY_LEN];

    rp_random_bytes(nonce, sizeof(nonce));
    (void)rp_base64_encode(key, nonce, sizeof(nonce));
    rp_ws_accept_key(o->accept, rp_str_n(key, sizeof(key)));
    return rp_buf_printf(
        &o->request,
        "GET %s%.*s HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %.*s\r\n%s\r\n",
        url->target.len && url->target.p[0] == '/' ? "" : "/", RP_STR_ARG(url->target),
        RP_STR_ARG(url->authority), (int)sizeof(key), key, headers ? headers : "");
}

int rp_ws_connect(struct rp_ws **out, struct rp_loop *l, const char *url_text, const char *headers,
                  const struct rp_ws_cb *cb, void *arg)
{
    struct rp_ws_opening *o;
    struct rp_url url;
    struct rp_ws *ws;
    int err;

    RP_ON_LOOP(l);
    if (rp_url_parse(&url, rp_str_z(url_text), NULL) != 0 || !url.websocket ||
        url.host.len >= sizeof(o->host) || !headers_ok(headers))
        return RP_EINVAL;
    err = rp_ws_new(&ws, l, true, cb, arg);
    if (err)
        return err;
    o = ws->opening = rp_zalloc(sizeof(*o));
    if (!o) {
        rp_ws_free(ws);
        return RP_ENOMEM;
    }
    o->ws = ws;
    o->port = url.port;
    memcpy(o->host, url.host.p, url.host.len);
    rp_timer_init(&o->attempt_timer, l, on_attempt_timer);
    rp_buf_init(&o->request, 65536);
    rp_buf_init(&o->answer, SIZE_MAX); /* the head, and what came behind it */
    err = build_request(o, &url, headers);
    if (!err && url.tls)
        err = rp_tls_client_ctx(&o->tls, cb->ca_file);
    if (!err)
        err = rp_resolve(&o->lookup, l, url.host, on_resolved, o);
    if (err) {
        rp_ws_free(ws);
        return err;
    }
    rp_timer_start(&ws->close_timer, cb->open_timeout_us ? cb->open_timeout_us : OPEN_TIMEOUT_US);
    *out = ws;
    return 0;
}
