/* A WebSocket connection, server or client side alike (RFC 6455).
 *
 * Messages arrive whole, up to a cap, on the connection's loop. permessage-deflate is never
 * negotiated. Text that is not UTF-8 closes with 1007, a message over the cap with 1009. Everything
 * sent within one iteration of the loop leaves in one write. */
#ifndef RP_NET_WS_H
#define RP_NET_WS_H

#include "base/str.h"
#include "net/loop.h"

struct rp_ws;

/* Never called from inside a function of this header. Copied. */
struct rp_ws_cb {
    size_t max_message;       /* bytes */
    int64_t ping_every_us;    /* 0: never; two missed pongs end the connection with 1006 */
    int64_t close_timeout_us; /* for the closing handshake; 0: 5 s */
    /* Client side. */
    int64_t open_timeout_us;                     /* until `opened`; 0: 10 s */
    const char *ca_file;                         /* trusted authorities (PEM); NULL: the system's */
    void (*opened)(struct rp_ws *ws, void *arg); /* may be NULL */

    /* `data` is borrowed during the call. It may be changed: parsers may work in place. */
    void (*message)(struct rp_ws *ws, bool binary, char *data, size_t len, void *arg);
    /* Last callback; the handle is gone afterwards. `code` as in RFC 6455 7.4 (1006: no close
     * frame, never opened, or lost; `reason` is then a sentence of ours). Comes exactly once, also
     * after rp_ws_close. */
    void (*closed)(struct rp_ws *ws, int code, struct rp_str reason, void *arg);
    /* The outgoing queue has become empty again; may be NULL. */
    void (*drained)(struct rp_ws *ws, void *arg);
};

/* Client: connects to ws:// or wss:// (certificate checked). RP_EINVAL for a bad url or header,
 * RP_ENOMEM; everything else comes by `closed`. `headers` are further request header lines
 * "Name: value\r\n" or NULL. The name is resolved off the loop; a link-local address is refused. */
int rp_ws_connect(struct rp_ws **out, struct rp_loop *l, const char *url, const char *headers,
                  const struct rp_ws_cb *cb, void *arg);

#define RP_WS_MAX_QUEUE ((size_t)4 << 20)

/* Queues one message; the bytes are copied. RP_ELIMIT when more than RP_WS_MAX_QUEUE bytes would
 * wait (nothing is queued: the peer is too slow), RP_EAGAIN before `opened`, RP_ECLOSED once
 * closing, RP_ENOMEM. */
int rp_ws_send(struct rp_ws *ws, bool binary, const void *data, size_t len);
/* Bytes queued and not yet taken by the kernel. */
size_t rp_ws_queued(const struct rp_ws *ws);
/* Back-pressure on the reading side: while paused nothing is read from the socket and no message
 * is handed in; pongs are not missed meanwhile. Nests not. */
void rp_ws_pause(struct rp_ws *ws, bool paused);
/* Sends what is queued, then the closing handshake, bounded by the close timeout; `closed` follows,
 * never from inside this call. No `message` after this. `reason` (may be NULL) is cut at 123 bytes.
 */
void rp_ws_close(struct rp_ws *ws, int code, const char *reason);
/* Drops the connection at once; `closed` follows with 1006, never from inside this call. */
void rp_ws_abort(struct rp_ws *ws);
struct rp_loop *rp_ws_loop(const struct rp_ws *ws);

#endif
