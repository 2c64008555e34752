/* WebSocket frames (RFC 6455 5): bytes to messages and back. Pure: no sockets, no clock.
 *
 *     0               1               2 … 9                        10 … 13
 *     F RSV  opcode   M  length       longer length (if 126, 127)  mask (if M)    payload
 *     1 000  xxxx     1  xxxxxxx      16 or 64 bits                32 bits        … */
#ifndef RP_NET_WS_FRAME_H
#define RP_NET_WS_FRAME_H

#include "base/buf.h"

enum rp_ws_opcode {
    RP_WS_CONTINUATION = 0,
    RP_WS_TEXT = 1,
    RP_WS_BINARY = 2,
    RP_WS_CLOSE = 8,
    RP_WS_PING = 9,
    RP_WS_PONG = 10
};

#define RP_WS_MAX_FRAME_HEAD 14
#define RP_WS_MAX_CONTROL    125 /* payload of a control frame */

/* Codes of RFC 6455 7.4 that we send or report. */
enum rp_ws_code {
    RP_WS_NORMAL = 1000,
    RP_WS_GOING_AWAY = 1001,
    RP_WS_PROTOCOL_ERROR = 1002,
    RP_WS_NO_STATUS = 1005, /* a close frame without a code; never sent */
    RP_WS_ABNORMAL = 1006,  /* no close frame at all; never sent */
    RP_WS_BAD_PAYLOAD = 1007,
    RP_WS_TOO_BIG = 1009,
    RP_WS_INTERNAL = 1011
};

/* A message, or a control frame. */
struct rp_ws_event {
    enum rp_ws_opcode opcode; /* never RP_WS_CONTINUATION */
    char *data;               /* valid until the next call; may be changed */
    size_t len;
    int code; /* of a close frame; its reason is `data` */
};

struct rp_ws_parser {
    /* Set by init. */
    bool from_client; /* frames must be masked, else they must not be */
    size_t max_message;

    /* The parser's own. */
    unsigned char head[RP_WS_MAX_FRAME_HEAD];
    size_t head_len;
    bool in_payload;
    enum rp_ws_opcode opcode; /* of the frame */
    bool fin;
    uint64_t remaining; /* bytes of the payload that have not come */
    unsigned char mask[4];
    size_t mask_at;               /* offset in the payload, modulo 4 */
    enum rp_ws_opcode message_op; /* of the fragmented message; CONTINUATION: none is open */
    struct rp_buf message;        /* fragments so far, or the part of a frame */
    bool gathered;                /* `message` was handed out and is to be emptied */
    char control[RP_WS_MAX_CONTROL];
    size_t control_len;
};

void rp_ws_parser_init(struct rp_ws_parser *p, bool from_client, size_t max_message);
void rp_ws_parser_fini(struct rp_ws_parser *p);

/* Takes bytes from *data (moved past them; they may be changed, and *ev may point into them) up to
 * the end of one message or control frame. 1: *ev is it. 0: all was taken, more is needed. Else the
 * stream is broken and the connection is to be closed with the code that comes back, negated:
 * -RP_WS_PROTOCOL_ERROR, -RP_WS_BAD_PAYLOAD, -RP_WS_TOO_BIG or -RP_WS_INTERNAL (no memory). */
int rp_ws_parser_next(struct rp_ws_parser *p, char **data, size_t *len, struct rp_ws_event *ev);

/* Writes the head of an unfragmented frame; `mask` NULL: unmasked. Its length comes back. */
size_t rp_ws_frame_head(unsigned char out[static RP_WS_MAX_FRAME_HEAD], enum rp_ws_opcode opcode,
                        size_t len, const unsigned char mask[4]);
/* Masks or unmasks in place; `at` is the offset of data[0] in its payload. */
void rp_ws_mask(char *data, size_t len, const unsigned char mask[static 4], size_t at);
/* Whether a peer may send it in a close frame. */
bool rp_ws_code_ok(int code);

#endif
