/* A byte stream over TCP, plain or TLS, on one loop: what HTTP connections and WebSockets are made
 * of. Private to net/.
 *
 * Writing queues. Everything queued within one iteration of the loop leaves in one write at its
 * end, so that a turn's audio and events share a packet. */
#ifndef RP_NET_STREAM_H
#define RP_NET_STREAM_H

#include <openssl/ssl.h>
#include <sys/socket.h>

#include "net/loop.h"

struct rp_stream;

/* Never called from inside a function of this header. All but `read` may be NULL. */
struct rp_stream_cb {
    /* Client side: connected, and TLS agreed. */
    void (*opened)(void *arg);
    /* `data` is borrowed and may be changed. The callee may close, finish or pause the stream. */
    void (*read)(char *data, size_t len, void *arg);
    /* The queue is empty again. */
    void (*drained)(void *arg);
    /* RP_EOF: the peer sends no more (what is queued may still reach it). Else the connection is
     * dead. Comes once; nothing is read afterwards. The owner is to close or finish. */
    void (*lost)(int err, void *arg);
};

/* Takes the connected socket `fd`, on failure too. `tls` NULL: plain; else borrowed, server side.
 * `cb` is borrowed for the life of the stream. */
int rp_stream_adopt(struct rp_stream **out, struct rp_loop *l, int fd, SSL_CTX *tls,
                    const struct rp_stream_cb *cb, void *arg);
/* Connects; `opened` or `lost` follows. `tls` NULL: plain; else the certificate must be for
 * `host`. */
int rp_stream_connect(struct rp_stream **out, struct rp_loop *l, const struct sockaddr *to,
                      SSL_CTX *tls, const char *host, const struct rp_stream_cb *cb, void *arg);
/* Hands the stream to another owner. */
void rp_stream_set_cb(struct rp_stream *s, const struct rp_stream_cb *cb, void *arg);

/* Copies into the queue. RP_ENOMEM, or RP_ECLOSED once lost. */
int rp_stream_write(struct rp_stream *s, const void *data, size_t len);
/* Room for `len` bytes in the queue at *at, to be filled and counted by rp_stream_wrote. */
int rp_stream_reserve(struct rp_stream *s, size_t len, char **at);
void rp_stream_wrote(struct rp_stream *s, size_t len);
/* Bytes not yet taken by the kernel. */
size_t rp_stream_queued(const struct rp_stream *s);
/* Bytes the kernel has taken so far, encrypted as it may be: whether a slow peer moves at all. */
uint64_t rp_stream_sent(const struct rp_stream *s);
/* While paused nothing is read; a loss shows later then, too. */
void rp_stream_pause(struct rp_stream *s, bool paused);
/* A sentence about why it was lost. */
const char *rp_stream_why(const struct rp_stream *s);

/* Both end the owner's part: no callback afterwards but `closed` (may be NULL), which comes later,
 * when the socket is gone. */
/* Drops what is queued. */
void rp_stream_close(struct rp_stream *s, void (*closed)(void *arg), void *arg);
/* Sends what is queued, then says goodbye, and waits a little for the peer to do so: closing a
 * socket with unread bytes would make the kernel reset it, and the peer lose what we have sent. */
void rp_stream_finish(struct rp_stream *s, void (*closed)(void *arg), void *arg);

#endif
