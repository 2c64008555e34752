/* Audio messages; see audio_frame.h. */
#include "codec/audio_frame.h"

#include "base/err.h"
#include "codec/base64.h"
#include "codec/codec_int.h"
#include "codec/json.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "samples are copied as they are");

/* Reads tokens of a JSON object that has nothing but strings without escapes. */
struct scan {
    const char *p, *end;
};

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

static bool take(struct scan *s, char c)
{
    skip_space(s);
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

/* A string in which every byte stands for itself, so that its view is its value. Control characters
 * and bad UTF-8 are let through: no name equals such a string, and base64 decoding refuses it. */
static bool take_string(struct scan *s, struct rp_str *out)
{
    const char *close;

    if (!take(s, '"'))
        return false;
    close = memchr(s->p, '"', (size_t)(s->end - s->p));
    if (!close || memchr(s->p, '\\', (size_t)(close - s->p)))
        return false;
    *out = rp_str_n(s->p, (size_t)(close - s->p));
    s->p = close + 1;
    return true;
}

/* A member that we know. */
struct member {
    const char *name;
    struct rp_str *value;          /* where it goes: a string's bytes, an object's text */
    const struct member *children; /* of an object: what it may have, up to one without a name */
};

static bool take_object(struct scan *s, const struct member *known);

static bool take_member(struct scan *s, const struct member *known)
{
    struct rp_str name;

    if (!take_string(s, &name) || !take(s, ':'))
        return false;
    while (known->name && !rp_str_eq_z(name, known->name))
        known++;
    if (!known->name)
        return false;
    if (known->value->p)
        return false; /* the second of a name replaces the first: leave that to the general path */
    if (!known->children)
        return take_string(s, known->value);
    known->value->p = s->p;
    if (!take_object(s, known->children))
        return false;
    known->value->len = (size_t)(s->p - known->value->p);
    return true;
}

static bool take_object(struct scan *s, const struct member *known)
{
    if (!take(s, '{'))
        return false;
    do {
        if (!take_member(s, known))
            return false;
    } while (take(s, ','));
    return take(s, '}');
}

static bool scan(struct rp_str message, const struct member *known)
{
    struct scan s = {message.p, rp_codec_end(message)};

    if (!take_object(&s, known))
        return false;
    skip_space(&s);
    return s.p == s.end;
}

bool rp_audio_frame_scan(struct rp_str message, struct rp_str *content)
{
    struct rp_str type = {0}, text = {0};
    const struct member known[] = {{"type", &type, NULL}, {"content", &text, NULL}, {0}};

    if (!scan(message, known) || !text.p || !rp_str_eq_z(type, "client.audio"))
        return false;
    *content = text;
    return true;
}

bool rp_twilio_media_scan(struct rp_str message, struct rp_twilio_media *media)
{
    struct rp_twilio_media m = {0};
    struct rp_str event = {0}, object = {0};
    const struct member inner[] = {{"track", &m.track, NULL},
                                   {"chunk", &m.chunk, NULL},
                                   {"timestamp", &m.timestamp, NULL},
                                   {"payload", &m.payload, NULL},
                                   {0}};
    const struct member known[] = {{"event", &event, NULL},
                                   {"sequenceNumber", &m.sequence, NULL},
                                   {"media", &object, inner},
                                   {"streamSid", &m.stream_sid, NULL},
                                   {0}};

    if (!scan(message, known) || !m.payload.p || !rp_str_eq_z(event, "media"))
        return false;
    *media = m;
    return true;
}

size_t rp_audio_samples_max(struct rp_str base64)
{
    return (RP_BASE64_DECODED_MAX(base64.len) + 1) / sizeof(int16_t);
}

int rp_audio_samples(struct rp_str base64, int16_t *out, size_t max, size_t *n)
{
    size_t bytes;
    int err = rp_base64_decode(out, max * sizeof(*out), &bytes, base64);

    if (!err)
        *n = bytes / sizeof(*out);
    return err;
}

int rp_audio_frame_write(struct rp_buf *b, const int16_t *samples, size_t n, struct rp_str delta_id,
                         struct rp_str turn_id)
{
    (void)rp_buf_str(b, RP_STR("{\"type\":\"response.audio\",\"content\":\""));
    (void)rp_base64_append(b, samples, n * sizeof(*samples));
    (void)rp_buf_str(b, RP_STR("\",\"delta_id\":"));
    rp_json_write_str(b, delta_id);
    (void)rp_buf_str(b, RP_STR(",\"turn_id\":"));
    rp_json_write_str(b, turn_id);
    (void)rp_buf_char(b, '}');
    return rp_buf_err(b);
}

int rp_twilio_media_write(struct rp_buf *b, struct rp_str stream_sid, const uint8_t *ulaw,
                          size_t len)
{
    (void)rp_buf_str(b, RP_STR("{\"event\":\"media\",\"streamSid\":"));
    rp_json_write_str(b, stream_sid);
    (void)rp_buf_str(b, RP_STR(",\"media\":{\"payload\":\""));
    (void)rp_base64_append(b, ulaw, len);
    (void)rp_buf_str(b, RP_STR("\"}}"));
    return rp_buf_err(b);
}
