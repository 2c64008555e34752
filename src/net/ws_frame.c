/* WebSocket frames; see ws_frame.h.
 *
 * Most messages come as one frame inside one read: those are unmasked where they are and never
 * copied. Everything else is gathered in `message`. */
#include "net/ws_frame.h"

#include "base/err.h"
#include "codec/utf8.h"

/* A message buffer larger than this is given back after use. */
#define KEEP_SIZE 16384

void rp_ws_parser_init(struct rp_ws_parser *p, bool from_client, size_t max_message)
{
    *p = (struct rp_ws_parser){.from_client = from_client, .max_message = max_message};
    rp_buf_init(&p->message, max_message);
}

void rp_ws_parser_fini(struct rp_ws_parser *p)
{
    rp_buf_fini(&p->message);
}

bool rp_ws_code_ok(int code)
{
    if (code >= 3000 && code <= 4999)
        return true;
    return code >= 1000 && code <= 1014 && code != 1004 && code != RP_WS_NO_STATUS &&
           code != RP_WS_ABNORMAL;
}

void rp_ws_mask(char *data, size_t len, const unsigned char mask[static 4], size_t at)
{
    unsigned char turned[8];
    uint64_t wide, word;
    size_t i = 0;

    for (size_t k = 0; k < sizeof(turned); k++)
        turned[k] = mask[(at + k) % 4];
    memcpy(&wide, turned, sizeof(wide));
    for (; i + sizeof(word) <= len; i += sizeof(word)) {
        memcpy(&word, data + i, sizeof(word));
        word ^= wide;
        memcpy(data + i, &word, sizeof(word));
    }
    for (; i < len; i++)
        data[i] = (char)((unsigned char)data[i] ^ turned[i % 4]);
}

size_t rp_ws_frame_head(unsigned char out[static RP_WS_MAX_FRAME_HEAD], enum rp_ws_opcode opcode,
                        size_t len, const unsigned char mask[4])
{
    size_t n = 2, wide = len <= 125 ? 0 : len <= UINT16_MAX ? 2 : 8;

    out[0] = (unsigned char)(0x80 | opcode);
    out[1] = (unsigned char)(wide == 0 ? len : wide == 2 ? 126 : 127);
    for (size_t i = 0; i < wide; i++)
        out[n++] = (unsigned char)((uint64_t)len >> 8 * (wide - 1 - i));
    if (mask) {
        out[1] |= 0x80;
        memcpy(out + n, mask, 4);
        n += 4;
    }
    return n;
}

/* Length of the frame head, as far as its first two bytes tell. */
static size_t head_size(const unsigned char *head, size_t have)
{
    unsigned len7;

    if (have < 2)
        return 2;
    len7 = head[1] & 0x7f;
    return 2u + (len7 == 126 ? 2u : len7 == 127 ? 8u : 0u) + (head[1] & 0x80 ? 4u : 0u);
}

/* RFC 6455 5.2, 5.4, 5.5: whether a frame of this opcode may come now. */
static bool frame_allowed(const struct rp_ws_parser *p, uint64_t len)
{
    switch (p->opcode) {
    case RP_WS_CONTINUATION:
        return p->message_op != RP_WS_CONTINUATION;
    case RP_WS_TEXT:
    case RP_WS_BINARY:
        return p->message_op == RP_WS_CONTINUATION;
    case RP_WS_CLOSE:
    case RP_WS_PING:
    case RP_WS_PONG:
        return p->fin && len <= RP_WS_MAX_CONTROL;
    default:
        return false;
    }
}

static bool is_control(enum rp_ws_opcode opcode)
{
    return opcode >= RP_WS_CLOSE;
}

/* Parses the whole head in p->head; 0 or a negated close code. */
static int take_head(struct rp_ws_parser *p)
{
    const unsigned char *h = p->head;
    bool masked = h[1] & 0x80;
    size_t wide = (h[1] & 0x7f) == 126 ? 2 : (h[1] & 0x7f) == 127 ? 8 : 0;
    uint64_t len = wide ? 0 : h[1] & 0x7f;

    for (size_t i = 0; i < wide; i++)
        len = len << 8 | h[2 + i];
    p->fin = h[0] & 0x80;
    p->opcode = (enum rp_ws_opcode)(h[0] & 0x0f);
    if ((h[0] & 0x70) || masked != p->from_client || (wide == 2 && len < 126) ||
        (wide == 8 && (len <= UINT16_MAX || len >> 63)) || !frame_allowed(p, len))
        return -RP_WS_PROTOCOL_ERROR;
    if (!is_control(p->opcode) && len > p->max_message - p->message.len)
        return -RP_WS_TOO_BIG;
    if (masked)
        memcpy(p->mask, h + 2 + wide, 4);
    else
        memset(p->mask, 0, 4);
    if (p->opcode == RP_WS_TEXT || p->opcode == RP_WS_BINARY)
        p->message_op = p->opcode;
    p->remaining = len;
    p->mask_at = 0;
    p->control_len = 0;
    p->in_payload = true;
    return 0;
}

/* Takes bytes of the head; 1 when it is whole. */
static int read_head(struct rp_ws_parser *p, char **data, size_t *len)
{
    int err;

    while (*len && p->head_len < head_size(p->head, p->head_len)) {
        p->head[p->head_len++] = (unsigned char)*(*data)++;
        (*len)--;
    }
    if (p->head_len < head_size(p->head, p->head_len))
        return 0;
    p->head_len = 0;
    err = take_head(p);
    return err ? err : 1;
}

static int control_event(struct rp_ws_parser *p, struct rp_ws_event *ev)
{
    *ev = (struct rp_ws_event){.opcode = p->opcode, .data = p->control, .len = p->control_len};
    if (p->opcode != RP_WS_CLOSE)
        return 1;
    if (ev->len == 0) {
        ev->code = RP_WS_NO_STATUS;
        return 1;
    }
    if (ev->len == 1)
        return -RP_WS_PROTOCOL_ERROR;
    ev->code = (unsigned char)ev->data[0] << 8 | (unsigned char)ev->data[1];
    ev->data += 2;
    ev->len -= 2;
    if (!rp_ws_code_ok(ev->code))
        return -RP_WS_PROTOCOL_ERROR;
    return rp_utf8_valid(rp_str_n(ev->data, ev->len)) ? 1 : -RP_WS_BAD_PAYLOAD;
}

static int message_event(struct rp_ws_parser *p, char *data, size_t len, struct rp_ws_event *ev)
{
    *ev = (struct rp_ws_event){.opcode = p->message_op, .data = data, .len = len};
    p->message_op = RP_WS_CONTINUATION;
    if (ev->opcode == RP_WS_TEXT && !rp_utf8_valid(rp_str_n(data, len)))
        return -RP_WS_BAD_PAYLOAD;
    return 1;
}

/* The message in p->message is whole. Its bytes stay there until the next call. */
static int gathered_event(struct rp_ws_parser *p, struct rp_ws_event *ev)
{
    char *at;

    if (rp_buf_reserve(&p->message, 0, &at) != 0)
        return -RP_WS_INTERNAL;
    p->gathered = true;
    return message_event(p, p->message.p, p->message.len, ev);
}

/* Takes bytes of the payload; 1 with an event when they complete one. */
static int read_payload(struct rp_ws_parser *p, char **data, size_t *len, struct rp_ws_event *ev)
{
    size_t n = (size_t)RP_MIN((uint64_t)*len, p->remaining);
    char *bytes = *data;

    if (p->from_client)
        rp_ws_mask(bytes, n, p->mask, p->mask_at);
    p->mask_at = (p->mask_at + n) % 4;
    p->remaining -= n;
    *data += n;
    *len -= n;
    if (p->remaining == 0)
        p->in_payload = false;

    if (is_control(p->opcode)) {
        memcpy(p->control + p->control_len, bytes, n);
        p->control_len += n;
        return p->in_payload ? 0 : control_event(p, ev);
    }
    if (!p->in_payload && p->fin && p->message.len == 0)
        return message_event(p, bytes, n, ev);
    if (rp_buf_add(&p->message, bytes, n) != 0)
        return -RP_WS_INTERNAL;
    return p->in_payload || !p->fin ? 0 : gathered_event(p, ev);
}

int rp_ws_parser_next(struct rp_ws_parser *p, char **data, size_t *len, struct rp_ws_event *ev)
{
    int got;

    if (p->gathered) {
        p->gathered = false;
        if (p->message.size > KEEP_SIZE)
            rp_buf_fini(&p->message);
        else
            rp_buf_clear(&p->message);
    }
    for (;;) {
        if (!p->in_payload) {
            got = read_head(p, data, len);
            if (got <= 0)
                return got;
        }
        /* An empty payload is complete without a further byte. */
        if (*len == 0 && p->remaining > 0)
            return 0;
        got = read_payload(p, data, len, ev);
        if (got != 0)
            return got;
    }
}
