/* Contract of a transport ("transport" link of the pipeline): how a caller's client talks to us.
 *
 * A transport is a pair of pure codecs over the messages of one WebSocket: bytes to events, and
 * what the session wants said to bytes. It does no I/O; the session owns the socket. Adding a
 * transport is one file that defines a `struct rp_transport_ops`. */
#ifndef RP_TRANSPORT_TRANSPORT_H
#define RP_TRANSPORT_TRANSPORT_H

#include "audio/pcm.h"
#include "base/buf.h"
#include "base/str.h"

enum rp_client_event_type {
    RP_CLIENT_READY,       /* set up; the greeting starts now */
    RP_CLIENT_AUDIO,       /* pcm, n: samples at the transport's in_rate */
    RP_CLIENT_HINT_START,  /* the client's own VAD heard somebody begin … */
    RP_CLIENT_HINT_END,    /* … stop (no more audio may come) … */
    RP_CLIENT_HINT_FAILED, /* … or does not work: hints are over */
    RP_CLIENT_PTT_START,
    RP_CLIENT_PTT_END,
    RP_CLIENT_TYPED,     /* text */
    RP_CLIENT_DATA,      /* text: JSON as JSON.stringify prints it */
    RP_CLIENT_PLAYED,    /* the client's playback buffer ran dry; text: turn id or empty */
    RP_CLIENT_PLAYED_TO, /* playback was cut at offset_ms; text: turn id or empty */
    RP_CLIENT_BYE,       /* the far end hangs up in good order */
};

struct rp_client_event {
    enum rp_client_event_type type;
    const int16_t *pcm;
    size_t n;
    struct rp_str text;
    double offset_ms;
};

enum rp_client_msg_type {
    RP_MSG_TURN_START,    /* user, turn_id */
    RP_MSG_TURN_END,      /* user, turn_id */
    RP_MSG_INTERIM_DELTA, /* text, turn_id, counter */
    RP_MSG_DELTA,         /* text, turn_id, counter */
    RP_MSG_TRANSCRIPT,    /* text, turn_id */
    RP_MSG_TEXT_DELTA,    /* text, turn_id */
    RP_MSG_TEXT,          /* text, turn_id */
    RP_MSG_AUDIO,         /* pcm, n at the transport's out_rate, counter (delta id), turn_id */
    RP_MSG_DATA,          /* text (JSON), turn_id */
    RP_MSG_RESPONSE_END,  /* turn_id */
    RP_MSG_CLEAR,         /* forget the audio that was not played yet */
};

struct rp_client_msg {
    enum rp_client_msg_type type;
    bool user; /* TURN_*: whose */
    const char *turn_id;
    struct rp_str text;
    uint64_t counter;
    const int16_t *pcm;
    size_t n;
};

/* State of one connection's codec: small, embedded in the session. */
struct rp_transport {
    const struct rp_transport_ops *ops;
    uint64_t ignored;          /* messages of unknown type or use, counted */
    uint64_t invalid;          /* messages that were wrong, counted */
    struct rp_pcm_carry carry; /* half a sample, when a message had an odd number of bytes */
};

typedef void rp_client_event_fn(const struct rp_client_event *ev, void *arg);

struct rp_transport_ops {
    const char *name; /* "browser" */
    unsigned in_rate, out_rate;
    /* One message of the client; may be changed in place. Calls `cb` for each event in it. 0, or
     * RP_EPROTO for a message that makes no sense: *why is then a static sentence for the log, the
     * message has been counted, and the connection goes on. */
    int (*decode)(struct rp_transport *t, bool binary, char *data, size_t len,
                  rp_client_event_fn *cb, void *arg, const char **why);
    /* Appends the message's bytes, or nothing if this client has no such message. Errors stay in
     * the buffer. */
    void (*encode)(struct rp_transport *t, const struct rp_client_msg *msg, struct rp_buf *out);
};

static inline void rp_transport_init(struct rp_transport *t, const struct rp_transport_ops *ops)
{
    *t = (struct rp_transport){.ops = ops};
}

extern const struct rp_transport_ops rp_transport_browser;

#endif
