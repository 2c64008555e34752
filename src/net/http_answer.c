/* Requests as handlers see them, and answers; see http_server.h. */
#include <stdio.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http_int.h"
#include "net/ws_int.h"

#define MAX_HEAD 65536

static struct rp_http_conn *conn_of(const struct rp_http_req *r)
{
    return RP_CONTAINER_OF(r, struct rp_http_conn, req);
}

static struct rp_http_conn *conn_of_stream(const struct rp_http_stream *s)
{
    return RP_CONTAINER_OF(s, struct rp_http_conn, answer);
}

/* The request. */

struct rp_loop *rp_http_req_loop(const struct rp_http_req *r)
{
    return conn_of(r)->shard->loop;
}

struct rp_str rp_http_req_method(const struct rp_http_req *r)
{
    return conn_of(r)->reader->head.method;
}

struct rp_str rp_http_req_path(const struct rp_http_req *r)
{
    return conn_of(r)->reader->head.path;
}

struct rp_str rp_http_req_query(const struct rp_http_req *r)
{
    return conn_of(r)->reader->head.query;
}

struct rp_str rp_http_req_header(const struct rp_http_req *r, const char *name)
{
    return rp_http_head_get(&conn_of(r)->reader->head, name);
}

struct rp_str rp_http_req_body(const struct rp_http_req *r)
{
    return rp_buf_view(&conn_of(r)->reader->body);
}

const char *rp_http_req_peer(const struct rp_http_req *r)
{
    return conn_of(r)->peer;
}

bool rp_http_req_is_tls(const struct rp_http_req *r)
{
    return conn_of(r)->is_tls;
}

void rp_http_req_on_gone(struct rp_http_req *r, void (*gone)(struct rp_http_req *r, void *arg),
                         void *arg)
{
    r->gone = gone;
    r->gone_arg = arg;
}

/* The answer's head. */

/* "Sun, 06 Nov 1994 08:49:37 GMT", which changes once a second. */
static const char *http_date(void)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static _Thread_local time_t last;
    static _Thread_local char text[64];
    time_t now = time(NULL);
    struct tm tm;

    if (now == last)
        return text;
    last = now;
    (void)gmtime_r(&now, &tm);
    (void)snprintf(text, sizeof(text), "%.3s, %02d %.3s %d %02d:%02d:%02d GMT",
                   days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
                   tm.tm_hour, tm.tm_min, tm.tm_sec);
    return text;
}

static bool has_no_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

/* Adds the caller's headers; says whether there is a Content-Length among them. */
static bool add_headers(struct rp_buf *b, struct rp_http_conn *c, const struct rp_header *headers,
                        size_t nheaders)
{
    bool has_length = false;

    for (size_t i = 0; i < nheaders; i++) {
        struct rp_str name = headers[i].name, value = headers[i].value;
        if (!rp_http_token_ok(name) || !rp_http_value_ok(value)) {
            rp_log("net", RP_LOG_ERROR, NULL, "left out the header %.*s: its value cannot be sent",
                   RP_STR_ARG(name));
            continue;
        }
        if (rp_str_eq_nocase(name, RP_STR("Connection"))) {
            if (rp_str_eq_nocase(value, RP_STR("close")))
                c->keep_alive = false;
            continue; /* said below */
        }
        has_length |= rp_str_eq_nocase(name, RP_STR("Content-Length"));
        (void)rp_buf_printf(b, "%.*s: %.*s\r\n", RP_STR_ARG(name), RP_STR_ARG(value));
    }
    return has_length;
}

/* Everything up to the length of the body. */
static bool begin_head(struct rp_buf *b, struct rp_http_conn *c, int status, const char *type,
                       const struct rp_header *headers, size_t nheaders)
{
    bool has_length;

    rp_buf_init(b, MAX_HEAD);
    (void)rp_buf_printf(b, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, rp_http_status_text(status),
                        http_date());
    if (type)
        (void)rp_buf_printf(b, "Content-Type: %s\r\n", type);
    has_length = add_headers(b, c, headers, nheaders);
    if (c->shard->closing)
        c->keep_alive = false;
    return has_length;
}

static void end_head(struct rp_buf *b, const struct rp_http_conn *c)
{
    if (!c->keep_alive)
        (void)rp_buf_z(b, "Connection: close\r\n");
    else if (c->reader->head.minor == 0)
        (void)rp_buf_z(b, "Connection: keep-alive\r\n");
    (void)rp_buf_z(b, "\r\n");
}

static bool is_head_request(const struct rp_http_conn *c)
{
    return c->reader->has_head && rp_str_eq_z(c->reader->head.method, "HEAD");
}

/* The whole answer, queued. */
static int write_answer(struct rp_http_conn *c, int status, const char *type,
                        const struct rp_header *headers, size_t nheaders, struct rp_str body)
{
    struct rp_buf head;
    bool has_length = begin_head(&head, c, status, type, headers, nheaders);
    int err;

    if (!has_length && !has_no_body(status))
        (void)rp_buf_printf(&head, "Content-Length: %zu\r\n", body.len);
    end_head(&head, c);
    err = rp_buf_err(&head);
    if (!err)
        err = rp_stream_write(c->stream, head.p, head.len);
    if (!err && !is_head_request(c) && !has_no_body(status))
        err = rp_stream_write(c->stream, body.p, body.len);
    rp_buf_fini(&head);
    return err;
}

void rp_http_respond(struct rp_http_req *r, int status, const char *type,
                     const struct rp_header *headers, size_t nheaders, struct rp_str body)
{
    struct rp_http_conn *c = conn_of(r);

    RP_ON_LOOP(c->shard->loop);
    RP_ASSERT(c->state == RP_HTTP_HANDLING);
    if (write_answer(c, status, type, headers, nheaders, body) != 0)
        rp_http_conn_drop(c); /* a part may be out: nothing sensible can follow it */
    else
        rp_http_conn_answered(c);
}

void rp_http_refuse(struct rp_http_conn *c, int status)
{
    static const struct rp_header version = {{"Sec-WebSocket-Version", 21}, {"13", 2}};
    char body[64];

    (void)snprintf(body, sizeof(body), "%d %s\n", status, rp_http_status_text(status));
    c->keep_alive = false;
    if (write_answer(c, status, "text/plain", &version, status == 426, rp_str_z(body)) != 0)
        rp_http_conn_drop(c);
    else
        rp_http_conn_answered(c);
}

/* An answer in pieces. */

int rp_http_respond_stream(struct rp_http_stream **out, struct rp_http_req *r, int status,
                           const char *type, const struct rp_header *headers, size_t nheaders,
                           void (*gone)(struct rp_http_stream *s, void *arg), void *arg)
{
    struct rp_http_conn *c = conn_of(r);
    bool has_length;
    struct rp_buf head;
    int err;

    RP_ON_LOOP(c->shard->loop);
    RP_ASSERT(c->state == RP_HTTP_HANDLING);
    has_length = begin_head(&head, c, status, type, headers, nheaders);
    c->answer = (struct rp_http_stream){.gone = gone, .arg = arg};
    c->answer.headless = is_head_request(c) || has_no_body(status);
    if (!has_length && !has_no_body(status)) {
        c->answer.chunked = c->reader->head.minor == 1;
        if (c->answer.chunked)
            (void)rp_buf_z(&head, "Transfer-Encoding: chunked\r\n");
        else
            c->keep_alive = false; /* the end of the connection is the end of the body */
    }
    end_head(&head, c);
    err = rp_buf_err(&head);
    if (!err)
        err = rp_stream_write(c->stream, head.p, head.len);
    rp_buf_fini(&head);
    if (err)
        return err;
    c->state = RP_HTTP_STREAMING;
    *out = &c->answer;
    return 0;
}

int rp_http_stream_write(struct rp_http_stream *s, struct rp_str data)
{
    struct rp_http_conn *c = conn_of_stream(s);
    char frame[32];
    size_t frame_len = 0;
    char *at;
    int err;

    RP_ON_LOOP(c->shard->loop);
    RP_ASSERT(c->state == RP_HTTP_STREAMING);
    if (data.len == 0 || s->headless) /* an empty chunk would mean the end */
        return 0;
    err = data.len > RP_HTTP_MAX_QUEUE - RP_MIN(rp_stream_queued(c->stream), RP_HTTP_MAX_QUEUE)
              ? RP_ELIMIT
              : 0;
    if (!err && s->chunked)
        frame_len = (size_t)snprintf(frame, sizeof(frame), "%zx\r\n", data.len);
    if (!err)
        err = rp_stream_reserve(c->stream, frame_len + data.len + 2, &at);
    if (err) {
        s->broken = true;
        return err;
    }
    memcpy(at, frame, frame_len);
    memcpy(at + frame_len, data.p, data.len);
    if (s->chunked)
        memcpy(at + frame_len + data.len, "\r\n", 2);
    rp_stream_wrote(c->stream, frame_len + data.len + (s->chunked ? 2 : 0));
    return 0;
}

size_t rp_http_stream_queued(const struct rp_http_stream *s)
{
    return rp_stream_queued(conn_of_stream(s)->stream);
}

void rp_http_stream_on_drained(struct rp_http_stream *s,
                               void (*drained)(struct rp_http_stream *s, void *arg))
{
    s->drained = drained;
}

void rp_http_stream_end(struct rp_http_stream *s)
{
    struct rp_http_conn *c = conn_of_stream(s);

    RP_ON_LOOP(c->shard->loop);
    RP_ASSERT(c->state == RP_HTTP_STREAMING);
    if (s->chunked && !s->headless && !s->broken)
        s->broken = rp_stream_write(c->stream, "0\r\n\r\n", 5) != 0;
    if (s->broken)
        rp_http_conn_drop(c);
    else
        rp_http_conn_answered(c);
}

/* WebSocket handshakes (RFC 6455 4.2). */

static bool asks_for_ws(const struct rp_http_head *h)
{
    return rp_http_head_lists(h, "Upgrade", "websocket") &&
           rp_http_head_lists(h, "Connection", "upgrade") && rp_str_eq_z(h->method, "GET") &&
           h->minor == 1;
}

/* Base64 of 16 bytes. */
static bool key_ok(struct rp_str key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.p[i];
        bool pad = i >= 22;
        bool digit = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                     c == '+' || c == '/';
        if (pad ? c != '=' : !digit)
            return false;
    }
    return key.len == 24;
}

int rp_http_ws_fault(const struct rp_http_conn *c)
{
    const struct rp_http_head *h = &c->reader->head;

    if (!asks_for_ws(h))
        return 0;
    if (!rp_str_eq_z(rp_http_head_get(h, "Sec-WebSocket-Version"), "13"))
        return 426;
    if (rp_http_head_count(h, "Sec-WebSocket-Key") != 1 ||
        !key_ok(rp_http_head_get(h, "Sec-WebSocket-Key")) || c->reader->body.len)
        return 400;
    return 0;
}

bool rp_http_req_wants_ws(const struct rp_http_req *r)
{
    return asks_for_ws(&conn_of(r)->reader->head);
}

int rp_http_upgrade(struct rp_ws **out, struct rp_http_req *r, const struct rp_ws_cb *cb, void *arg)
{
    struct rp_http_conn *c = conn_of(r);
    char head[256], accept[RP_WS_ACCEPT_LEN], *at;
    struct rp_ws *ws;
    int len, err;

    RP_ON_LOOP(c->shard->loop);
    RP_ASSERT(c->state == RP_HTTP_HANDLING && rp_http_req_wants_ws(r));
    if (c->shard->closing)
        return RP_ECLOSED;
    rp_ws_accept_key(accept, rp_http_req_header(r, "Sec-WebSocket-Key"));
    len = snprintf(head, sizeof(head),
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n\r\n",
                   RP_WS_ACCEPT_LEN, accept);
    err = rp_ws_new(&ws, c->shard->loop, false, cb, arg);
    if (err)
        return err;
    err = rp_stream_reserve(c->stream, (size_t)len, &at);
    if (!err)
        err = rp_ws_begin(ws, c->stream, rp_buf_view(&c->rest));
    if (err) {
        rp_ws_free(ws);
        return err;
    }
    memcpy(at, head, (size_t)len);
    rp_stream_wrote(c->stream, (size_t)len);
    ws->released = rp_http_conn_socket_gone;
    ws->released_arg = c;
    ws->holder = &c->ws;
    c->ws = ws;
    c->state = RP_HTTP_UPGRADED;
    rp_timer_stop(&c->timer);
    rp_http_reader_fini(c->reader);
    rp_free(c->reader);
    c->reader = NULL;
    rp_buf_fini(&c->rest);
    *out = ws;
    return 0;
}
