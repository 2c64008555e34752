/* A byte stream over TCP; see stream.h.
 *
 * Bytes on their way out:
 *
 *     owner ─► out ─────────────── plain ───────────────► kernel; what it does not take: wire ─►
 * uv_write └─► rp_tls_write ─► cipher ── TLS ──────►
 *
 * `wire` belongs to libuv until it reports back; meanwhile `out` gathers, and only `out` grows. */
#include "net/stream.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/loop_int.h"
#include "net/tls.h"

#define MAX_QUEUE   ((size_t)1 << 30) /* a backstop: owners have smaller limits */
#define KEEP_SIZE   16384             /* an empty buffer larger than this is given back */
#define MAX_ENCRYPT 262144            /* of `out` at a time, so that `cipher` stays small */

/* While finishing: without progress for so long the peer is given up, and after everything was sent
 * it has so long to say goodbye. */
#define STALL_US  5000000
#define LINGER_US 2000000

struct rp_stream {
    struct rp_loop *loop;
    const struct rp_stream_cb *cb;
    void *arg;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
    } uv;
    struct rp_tls *tls; /* NULL: plain */
    struct rp_buf out, cipher, wire;
    struct rp_buf held; /* ciphertext that came just before a pause */
    uv_write_t write_req;
    uv_connect_t connect_req;
    uv_shutdown_t shutdown_req;
    struct rp_msg flush_msg, resume_msg;
    struct rp_timer timer; /* of finishing */
    struct rp_goodbye goodbye;
    uint64_t sent;        /* without what libuv is at */
    uint64_t sent_before; /* rp_stream_sent at the timer's last look */
    void (*closed)(void *arg);
    void *closed_arg;
    char why[RP_TLS_WHY_LEN];
    int lost;       /* error, or 0 */
    bool connected; /* the TCP connection stands */
    bool writing;   /* `wire` is libuv's */
    bool flush_queued, resume_queued;
    bool paused;
    bool finishing, said_goodbye, shutting_down, shut_down;
    bool closing;
};

static const struct rp_stream_cb no_owner;

static void on_closed(uv_handle_t *handle)
{
    struct rp_stream *s = handle->data;
    void (*closed)(void *arg) = s->closed;
    void *closed_arg = s->closed_arg;
    struct rp_loop *l = s->loop;
    int64_t entered = rp_loop_enter(l);

    rp_tls_free(s->tls);
    rp_buf_fini(&s->out);
    rp_buf_fini(&s->cipher);
    rp_buf_fini(&s->wire);
    rp_buf_fini(&s->held);
    rp_free(s);
    if (closed)
        closed(closed_arg);
    rp_loop_leave(l, entered, "closing a socket");
}

/* Our deferred messages may be under way, so the handle is closed only after they have run. */
static void close_now(struct rp_stream *s)
{
    if (s->closing)
        return;
    s->closing = true;
    s->cb = &no_owner;
    rp_timer_stop(&s->timer);
    rp_list_remove(&s->goodbye.node);
    (void)uv_read_stop(&s->uv.stream);
    if (!s->flush_queued && !s->resume_queued)
        uv_close(&s->uv.handle, on_closed);
}

/* At the end of both deferred messages. True if the stream is going. */
static bool close_if_due(struct rp_stream *s)
{
    if (s->closing && !s->flush_queued && !s->resume_queued)
        uv_close(&s->uv.handle, on_closed);
    return s->closing;
}

/* Nothing can be sent any more. */
static bool is_dead(const struct rp_stream *s)
{
    return s->lost && s->lost != RP_EOF;
}

static void lose(struct rp_stream *s, int err, const char *why)
{
    if (s->lost || s->closing)
        return;
    s->lost = err;
    (void)snprintf(s->why, sizeof(s->why), "%s", why);
    (void)uv_read_stop(&s->uv.stream);
    if (s->finishing) {
        /* After an end of file the rest is still sent, and the goodbye then ends it. */
        if (err != RP_EOF || s->shut_down)
            close_now(s);
    } else if (s->cb->lost) {
        s->cb->lost(err, s->arg);
    }
}

static void lose_tls(struct rp_stream *s, int err)
{
    char why[RP_TLS_WHY_LEN];

    if (err == RP_EOF) {
        (void)snprintf(why, sizeof(why), "the peer closed the connection");
    } else {
        uv_buf_t alert = uv_buf_init(s->cipher.p, (unsigned)s->cipher.len);
        rp_tls_why(s->tls, why);
        if (!s->writing && alert.len) /* tell the peer as well, if it goes at once */
            (void)uv_try_write(&s->uv.stream, &alert, 1);
    }
    lose(s, err, why);
}

static void lose_uv(struct rp_stream *s, int status)
{
    char why[RP_TLS_WHY_LEN];

    if (status == UV_EOF) {
        lose(s, RP_EOF, "the peer closed the connection");
        return;
    }
    (void)uv_strerror_r(status, why, sizeof(why));
    lose(s, RP_EIO, why);
}

/* Writing. */

static void flush(struct rp_stream *s);

static void queue_flush(struct rp_stream *s)
{
    if (s->flush_queued || s->closing)
        return;
    s->flush_queued = true;
    rp_loop_defer(s->loop, &s->flush_msg);
}

static void empty(struct rp_buf *b)
{
    if (b->size > KEEP_SIZE)
        rp_buf_fini(b);
    else
        rp_buf_clear(b);
}

static void on_shut_down(uv_shutdown_t *req, int status)
{
    struct rp_stream *s = req->data;

    (void)status;
    s->shut_down = true;
    if (s->lost)
        close_now(s);
    else if (!s->closing)
        rp_timer_start(&s->timer, LINGER_US);
}

/* Everything is with the kernel. */
static void now_empty(struct rp_stream *s)
{
    if (!s->finishing) {
        if (s->cb->drained)
            s->cb->drained(s->arg);
        return;
    }
    if (s->tls && !s->said_goodbye) {
        s->said_goodbye = true;
        rp_tls_shutdown(s->tls);
        if (s->cipher.len) {
            flush(s);
            return;
        }
    }
    if (s->shutting_down)
        return;
    s->shutting_down = true;
    s->shutdown_req.data = s;
    if (uv_shutdown(&s->shutdown_req, &s->uv.stream, on_shut_down) != 0)
        close_now(s);
}

static void on_written(uv_write_t *req, int status)
{
    struct rp_stream *s = req->data;
    int64_t entered = rp_loop_enter(s->loop);

    s->sent = rp_stream_sent(s);
    s->writing = false;
    rp_buf_fini(&s->wire);
    if (status < 0)
        lose_uv(s, status);
    else if (s->out.len || s->cipher.len)
        flush(s);
    else if (!s->closing)
        now_empty(s);
    rp_loop_leave(s->loop, entered, "writing to a socket");
}

/* Moves plain text on to `cipher`. */
static int encrypt(struct rp_stream *s)
{
    size_t len = RP_MIN(s->out.len, (size_t)MAX_ENCRYPT);
    int err;

    if (!s->tls->ready || len == 0)
        return 0;
    err = rp_tls_write(s->tls, s->out.p, len);
    if (err)
        return err;
    if (len == s->out.len)
        empty(&s->out);
    else
        rp_buf_consume(&s->out, len);
    return 0;
}

/* Hands the kernel what it takes and libuv the rest. */
static void flush(struct rp_stream *s)
{
    struct rp_buf *from = s->tls ? &s->cipher : &s->out;

    while (s->connected && !s->writing && !s->closing && !is_dead(s)) {
        uv_buf_t buf;
        int n;

        if (s->tls && s->cipher.len == 0) {
            int err = encrypt(s);
            if (err) {
                lose_tls(s, err);
                return;
            }
        }
        if (from->len == 0)
            return;
        buf = uv_buf_init(from->p, (unsigned)from->len);
        n = uv_try_write(&s->uv.stream, &buf, 1);
        if (n < 0 && n != UV_EAGAIN) {
            lose_uv(s, n);
            return;
        }
        s->sent += (unsigned)RP_MAX(n, 0);
        if (n == (int)from->len) {
            empty(from);
            if (s->out.len == 0) {
                now_empty(s);
                return;
            }
            continue;
        }
        rp_buf_consume(from, (size_t)RP_MAX(n, 0));
        s->wire = *from;
        rp_buf_init(from, s->wire.cap);
        buf = uv_buf_init(s->wire.p, (unsigned)s->wire.len);
        s->write_req.data = s;
        s->writing = true;
        n = uv_write(&s->write_req, &s->uv.stream, &buf, 1, on_written);
        if (n != 0) {
            s->writing = false;
            lose_uv(s, n);
        }
    }
}

static void flush_soon(struct rp_msg *msg)
{
    struct rp_stream *s = RP_CONTAINER_OF(msg, struct rp_stream, flush_msg);

    s->flush_queued = false;
    if (close_if_due(s))
        return;
    if (s->finishing && rp_stream_queued(s) == 0)
        now_empty(s);
    else
        flush(s);
}

int rp_stream_reserve(struct rp_stream *s, size_t len, char **at)
{
    int err;

    if (s->closing || s->finishing || is_dead(s))
        return RP_ECLOSED;
    err = rp_buf_reserve(&s->out, len, at);
    s->out.err = 0; /* it failed this caller; the queue itself is whole */
    return err;
}

void rp_stream_wrote(struct rp_stream *s, size_t len)
{
    rp_buf_grew(&s->out, len);
    queue_flush(s);
}

int rp_stream_write(struct rp_stream *s, const void *data, size_t len)
{
    char *at;
    int err = rp_stream_reserve(s, len, &at);

    if (err)
        return err;
    if (len)
        memcpy(at, data, len);
    rp_stream_wrote(s, len);
    return 0;
}

size_t rp_stream_queued(const struct rp_stream *s)
{
    return s->out.len + s->cipher.len + (s->writing ? s->uv.stream.write_queue_size : 0);
}

uint64_t rp_stream_sent(const struct rp_stream *s)
{
    return s->sent + (s->writing ? s->wire.len - s->uv.stream.write_queue_size : 0);
}

/* Reading. */

static void deliver(struct rp_stream *s, char *data, size_t len)
{
    if (!s->finishing && s->cb->read)
        s->cb->read(data, len, s->arg);
}

/* Drives the handshake, then decrypts, as far as the ciphertext in hand goes. */
static void pump_tls(struct rp_stream *s)
{
    while (!s->paused && !s->closing && !s->lost) {
        int n;

        if (!s->tls->ready) {
            n = rp_tls_handshake(s->tls);
            if (n == 0 && s->cb->opened && !s->finishing)
                s->cb->opened(s->arg);
        } else {
            n = rp_tls_read(s->tls, s->loop->plain_buf, RP_LOOP_PLAIN_SIZE);
            if (n > 0)
                deliver(s, s->loop->plain_buf, (size_t)n);
        }
        if (n == RP_EAGAIN)
            break;
        if (n < 0)
            lose_tls(s, n);
    }
    /* Handshake messages, or what waited for the handshake. */
    if (s->cipher.len || (s->tls->ready && s->out.len))
        queue_flush(s);
}

static void read_tls(struct rp_stream *s, char *data, size_t len)
{
    s->tls->in = rp_str_n(data, len);
    pump_tls(s);
    if (s->tls->in.len && s->paused && rp_buf_str(&s->held, s->tls->in) != 0)
        lose(s, RP_EIO, "out of memory");
    s->tls->in = rp_str_z("");
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct rp_stream *s = handle->data;

    (void)suggested;
    *buf = uv_buf_init(s->loop->read_buf, RP_LOOP_READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct rp_stream *s = stream->data;
    int64_t entered = rp_loop_enter(s->loop);

    if (nread < 0)
        lose_uv(s, (int)nread);
    else if (nread > 0 && s->tls)
        read_tls(s, buf->base, (size_t)nread);
    else if (nread > 0)
        deliver(s, buf->base, (size_t)nread);
    rp_loop_leave(s->loop, entered, "reading from a socket");
}

static void start_reading(struct rp_stream *s)
{
    /* On an open socket this fails only if it is reading already. */
    if (!s->paused && !s->closing && !s->lost && s->connected)
        (void)uv_read_start(&s->uv.stream, on_alloc, on_read);
}

/* What was decrypted or held back before the pause comes first. */
static void resume_soon(struct rp_msg *msg)
{
    struct rp_stream *s = RP_CONTAINER_OF(msg, struct rp_stream, resume_msg);

    s->resume_queued = false;
    if (close_if_due(s))
        return;
    if (s->tls && !s->paused) {
        s->tls->in = rp_buf_view(&s->held);
        pump_tls(s);
        rp_buf_consume(&s->held, s->held.len - s->tls->in.len);
        s->tls->in = rp_str_z("");
        if (s->held.len == 0)
            rp_buf_fini(&s->held);
    }
    start_reading(s);
}

void rp_stream_pause(struct rp_stream *s, bool paused)
{
    RP_ON_LOOP(s->loop);
    if (s->paused == paused || s->closing)
        return;
    s->paused = paused;
    if (paused) {
        (void)uv_read_stop(&s->uv.stream);
    } else if (!s->resume_queued) {
        s->resume_queued = true;
        rp_loop_defer(s->loop, &s->resume_msg);
    }
}

const char *rp_stream_why(const struct rp_stream *s)
{
    return s->why;
}

/* Beginning and end. */

static void on_finish_timer(struct rp_timer *timer)
{
    struct rp_stream *s = RP_CONTAINER_OF(timer, struct rp_stream, timer);
    uint64_t sent = rp_stream_sent(s);

    if (s->shut_down || sent == s->sent_before) {
        close_now(s);
        return;
    }
    s->sent_before = sent;
    rp_timer_start(&s->timer, STALL_US);
}

static int new_stream(struct rp_stream **out, struct rp_loop *l, SSL_CTX *tls, const char *host,
                      const struct rp_stream_cb *cb, void *arg)
{
    struct rp_stream *s = rp_zalloc(sizeof(*s));

    RP_ON_LOOP(l);
    if (!s)
        return RP_ENOMEM;
    s->loop = l;
    s->cb = cb;
    s->arg = arg;
    rp_buf_init(&s->out, MAX_QUEUE);
    rp_buf_init(&s->cipher, MAX_QUEUE);
    rp_buf_init(&s->wire, MAX_QUEUE);
    rp_buf_init(&s->held, MAX_QUEUE);
    rp_msg_init(&s->flush_msg, flush_soon);
    rp_msg_init(&s->resume_msg, resume_soon);
    rp_timer_init(&s->timer, l, on_finish_timer);
    if ((tls && rp_tls_new(&s->tls, tls, host, &s->cipher) != 0) ||
        uv_tcp_init(&l->uv, &s->uv.tcp) != 0) {
        rp_tls_free(s->tls);
        rp_free(s);
        return RP_ENOMEM;
    }
    s->uv.handle.data = s;
    *out = s;
    return 0;
}

int rp_stream_adopt(struct rp_stream **out, struct rp_loop *l, int fd, SSL_CTX *tls,
                    const struct rp_stream_cb *cb, void *arg)
{
    struct rp_stream *s;
    int err = new_stream(&s, l, tls, NULL, cb, arg);

    if (err || uv_tcp_open(&s->uv.tcp, fd) != 0) {
        (void)close(fd);
        if (!err)
            close_now(s);
        return err ? err : RP_EIO;
    }
    (void)uv_tcp_nodelay(&s->uv.tcp, 1);
    s->connected = true;
    start_reading(s);
    *out = s;
    return 0;
}

static void on_connected(uv_connect_t *req, int status)
{
    struct rp_stream *s = req->data;
    int64_t entered = rp_loop_enter(s->loop);

    if (status < 0) {
        lose_uv(s, status); /* also when it was closed meanwhile: then nobody is told */
    } else if (!s->closing) {
        (void)uv_tcp_nodelay(&s->uv.tcp, 1);
        s->connected = true;
        if (s->tls)
            pump_tls(s);
        else if (s->cb->opened)
            s->cb->opened(s->arg);
        start_reading(s);
        if (s->out.len)
            queue_flush(s);
    }
    rp_loop_leave(s->loop, entered, "connecting a socket");
}

int rp_stream_connect(struct rp_stream **out, struct rp_loop *l, const struct sockaddr *to,
                      SSL_CTX *tls, const char *host, const struct rp_stream_cb *cb, void *arg)
{
    struct rp_stream *s;
    int err = new_stream(&s, l, tls, host, cb, arg);

    if (err)
        return err;
    s->connect_req.data = s;
    if (uv_tcp_connect(&s->connect_req, &s->uv.tcp, to, on_connected) != 0) {
        close_now(s);
        return RP_EIO;
    }
    *out = s;
    return 0;
}

void rp_stream_set_cb(struct rp_stream *s, const struct rp_stream_cb *cb, void *arg)
{
    s->cb = cb;
    s->arg = arg;
}

void rp_stream_close(struct rp_stream *s, void (*closed)(void *arg), void *arg)
{
    RP_ON_LOOP(s->loop);
    RP_ASSERT(!s->closing && !s->finishing);
    s->closed = closed;
    s->closed_arg = arg;
    close_now(s);
}

static void cut_goodbye(struct rp_goodbye *g)
{
    close_now(RP_CONTAINER_OF(g, struct rp_stream, goodbye));
}

void rp_stream_finish(struct rp_stream *s, void (*closed)(void *arg), void *arg)
{
    RP_ON_LOOP(s->loop);
    RP_ASSERT(!s->closing && !s->finishing);
    s->closed = closed;
    s->closed_arg = arg;
    if (!s->connected || is_dead(s)) {
        close_now(s);
        return;
    }
    s->cb = &no_owner;
    s->finishing = true;
    s->goodbye.cut = cut_goodbye;
    rp_list_append(&s->loop->goodbyes, &s->goodbye.node);
    s->sent_before = UINT64_MAX;
    rp_timer_start(&s->timer, STALL_US);
    rp_stream_pause(s, false); /* to read what it still sends, and its goodbye */
    queue_flush(s);
}
