/* The quick path of audio messages, ten and more a second in each session and direction.
 *
 * In: a scanner for the exact shape that audio messages have. It allocates nothing, looks at each
 * byte once, and gives up on whatever else it sees, so that the caller takes the general path with
 * rp_json_parse; what it does accept, the general path would read in the same way. Out: writers
 * that go from samples to text in the send buffer. */
#ifndef RP_CODEC_AUDIO_FRAME_H
#define RP_CODEC_AUDIO_FRAME_H

#include "base/buf.h"
#include "base/str.h"

/* {"type":"client.audio","content":"…"}, keys in either order, white space between them allowed.
 * True: *content is the base64 text inside `message` (not yet looked at; see rp_audio_samples). */
bool rp_audio_frame_scan(struct rp_str message, struct rp_str *content);

/* Twilio's {"event":"media","sequenceNumber":…,"media":{"track":…,"chunk":…,"timestamp":…,
 * "payload":…},"streamSid":…}. Views point into the message; those absent have p == NULL. */
struct rp_twilio_media {
    struct rp_str payload;   /* base64 of µ-law, 8000 Hz; never absent */
    struct rp_str track;     /* "inbound" */
    struct rp_str timestamp; /* ms since the stream began, decimal */
    struct rp_str chunk, sequence, stream_sid;
};
/* Members in any order, all of them strings, none unknown. False: take the general path. */
bool rp_twilio_media_scan(struct rp_str message, struct rp_twilio_media *media);

/* Decodes base64 of 16-bit little-endian samples into out[max]; *n is their number. An odd byte at
 * the end is dropped. RP_EPROTO: not base64; RP_ELIMIT: more than `max` samples. */
int rp_audio_samples(struct rp_str base64, int16_t *out, size_t max, size_t *n);
/* How many samples that is at most, without decoding: room to ask for. */
size_t rp_audio_samples_max(struct rp_str base64);

/* Appends {"type":"response.audio","content":…,"delta_id":…,"turn_id":…}. Errors (RP_ELIMIT,
 * RP_ENOMEM) stay in the buffer as well. */
int rp_audio_frame_write(struct rp_buf *b, const int16_t *samples, size_t n, struct rp_str delta_id,
                         struct rp_str turn_id);
/* Appends {"event":"media","streamSid":…,"media":{"payload":…}} with `len` bytes of µ-law. */
int rp_twilio_media_write(struct rp_buf *b, struct rp_str stream_sid, const uint8_t *ulaw,
                          size_t len);

#endif
