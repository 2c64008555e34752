/* WAV reader and header writer; see wav.h.
 *
 *   "RIFF" size "WAVE"            12 bytes; or "RF64" 0xffffffff "WAVE"
 *   "ds64" size riff data …       RF64 only: 64-bit sizes
 *   "fmt " size tag channels rate bytes/s align bits [ext]
 *   …     size …                  other chunks, passed over; each padded to an even length
 *   "data" size samples
 *
 * The reader is a state machine over parts of known length: it gathers `want` bytes into `held`,
 * then acts on them. Only the samples in the middle of a piece are read in place. */
#include "audio/wav.h"

#include <math.h>
#include <string.h>

#include "audio/pcm.h"
#include "base/check.h"
#include "base/err.h"

enum { RIFF, CHUNK, DS64, FMT, SKIP, DATA, END };

enum { TAG_PCM = 1, TAG_FLOAT = 3, TAG_EXTENSIBLE = 0xfffe };

#define MAX_CHANNELS 8
#define MIN_HZ       4000
#define MAX_HZ       192000
#define FMT_LEN      16 /* without an extension */
#define FMT_EXT_LEN  40
#define DS64_LEN     16 /* the part that we need */

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void expect(struct rp_wav_reader *r, int state, size_t want)
{
    RP_ASSERT(want <= sizeof(r->held));
    r->state = state;
    r->want = want;
    r->nheld = 0;
}

/* Passes over `len` bytes, then expects the next chunk. */
static void skip(struct rp_wav_reader *r, uint64_t len)
{
    expect(r, SKIP, 0);
    r->skip = len;
}

void rp_wav_reader_init(struct rp_wav_reader *r)
{
    memset(r, 0, sizeof(*r));
    expect(r, RIFF, 12);
}

static int on_riff(struct rp_wav_reader *r)
{
    r->rf64 = memcmp(r->held, "RF64", 4) == 0 || memcmp(r->held, "BW64", 4) == 0;
    if ((!r->rf64 && memcmp(r->held, "RIFF", 4) != 0) || memcmp(r->held + 8, "WAVE", 4) != 0)
        return RP_EPROTO;
    expect(r, CHUNK, 8);
    return 0;
}

static size_t frame_len(const struct rp_wav_format *f)
{
    return (size_t)f->channels * (size_t)f->bits / 8;
}

static int on_data(struct rp_wav_reader *r, uint32_t len)
{
    if (!r->have_format)
        return RP_EPROTO;
    r->data_left = len;
    if (len == UINT32_MAX && r->rf64 && r->rf64_data)
        r->data_left = r->rf64_data;
    else if (len == 0 || len == UINT32_MAX)
        r->data_left = UINT64_MAX;
    r->ready = true;
    expect(r, DATA, frame_len(&r->format));
    return 0;
}

static int on_chunk(struct rp_wav_reader *r)
{
    uint32_t len = get32(r->held + 4);
    uint64_t padded = (uint64_t)len + (len & 1);

    if (memcmp(r->held, "data", 4) == 0)
        return on_data(r, len);
    if (memcmp(r->held, "fmt ", 4) == 0 && !r->have_format) {
        if (len < FMT_LEN)
            return RP_EPROTO;
        expect(r, FMT, len < FMT_EXT_LEN ? FMT_LEN : FMT_EXT_LEN);
        r->skip = padded - r->want;
    } else if (memcmp(r->held, "ds64", 4) == 0 && r->rf64 && len >= DS64_LEN) {
        expect(r, DS64, DS64_LEN);
        r->skip = padded - DS64_LEN;
    } else {
        skip(r, padded);
    }
    return 0;
}

static bool format_ok(const struct rp_wav_format *f)
{
    if (f->channels < 1 || f->channels > MAX_CHANNELS)
        return false;
    if (f->rate_hz < MIN_HZ || f->rate_hz > MAX_HZ)
        return false;
    if (f->is_float)
        return f->bits == 32 || f->bits == 64;
    return f->bits == 8 || f->bits == 16 || f->bits == 24 || f->bits == 32;
}

static int on_fmt(struct rp_wav_reader *r)
{
    unsigned tag = get16(r->held);
    uint32_t rate = get32(r->held + 4);

    if (tag == TAG_EXTENSIBLE && r->want == FMT_EXT_LEN)
        tag = get16(r->held + 24); /* the sub-format begins with the plain tag */
    if (tag != TAG_PCM && tag != TAG_FLOAT)
        return RP_EPROTO;
    r->format.channels = get16(r->held + 2);
    r->format.rate_hz = rate > MAX_HZ ? 0 : (int)rate;
    r->format.bits = get16(r->held + 14);
    r->format.is_float = tag == TAG_FLOAT;
    if (!format_ok(&r->format))
        return RP_EPROTO;
    r->have_format = true;
    skip(r, r->skip);
    return 0;
}

/* A float of the file, made harmless: what is not a number is silence, what is out of range clips.
 */
static float tame(double x)
{
    return isnan(x) ? 0.0f : (float)fmax(-2.0, fmin(2.0, x));
}

/* One sample of one channel, full scale 1. */
static float sample_at(const struct rp_wav_format *f, const uint8_t *p)
{
    uint32_t u32;
    uint64_t u64;
    float x;
    double d;

    switch (f->bits) {
    case 8: /* the only unsigned one */
        return (float)(p[0] - 128) / 128.0f;
    case 16:
        return (float)(int16_t)get16(p) / 32768.0f;
    case 24:
        u32 = (uint32_t)get16(p) << 8 | (uint32_t)p[2] << 24;
        return (float)(int32_t)u32 / 2147483648.0f;
    case 32:
        u32 = get32(p);
        if (!f->is_float)
            return (float)(int32_t)u32 / 2147483648.0f;
        memcpy(&x, &u32, sizeof(x));
        return tame((double)x);
    default:
        u64 = get64(p);
        memcpy(&d, &u64, sizeof(d));
        return tame(d);
    }
}

static int16_t frame_at(const struct rp_wav_format *f, const uint8_t *p)
{
    float sum = 0.0f;

    for (int c = 0; c < f->channels; c++)
        sum += sample_at(f, p + c * f->bits / 8);
    return rp_pcm_from_float(sum / (float)f->channels);
}

static void advance(struct rp_str *in, size_t n)
{
    in->p += n;
    in->len -= n;
}

/* Moves bytes to `held` until `want` are there. */
static bool gather(struct rp_wav_reader *r, struct rp_str *in)
{
    size_t part = RP_MIN(r->want - r->nheld, in->len);

    if (part > 0)
        memcpy(r->held + r->nheld, in->p, part);
    advance(in, part);
    r->nheld += part;
    return r->nheld == r->want;
}

static int header_step(struct rp_wav_reader *r)
{
    switch (r->state) {
    case RIFF:
        return on_riff(r);
    case CHUNK:
        return on_chunk(r);
    case FMT:
        return on_fmt(r);
    default: /* DS64 */
        r->rf64_data = get64(r->held + 8);
        skip(r, r->skip);
        return 0;
    }
}

/* Everything in front of the samples. 0 when they are reached or the bytes are used up. */
static int read_header(struct rp_wav_reader *r, struct rp_str *in)
{
    while (r->state != DATA && r->state != END) {
        if (r->state == SKIP) {
            size_t part = (size_t)RP_MIN(r->skip, (uint64_t)in->len);
            advance(in, part);
            r->skip -= part;
            if (r->skip > 0)
                return 0;
            expect(r, CHUNK, 8);
        }
        if (!gather(r, in))
            return 0;
        int err = header_step(r);
        if (err)
            return err;
    }
    return 0;
}

ssize_t rp_wav_read(struct rp_wav_reader *r, struct rp_str *in, int16_t *out, size_t room)
{
    size_t n = 0, frame;
    int err = read_header(r, in);

    if (err)
        return err;
    if (r->state == END)
        return RP_EOF;
    if (r->state != DATA)
        return 0;
    frame = r->want;
    while (n < room) {
        const uint8_t *p = r->held;
        if (r->data_left < frame) {
            r->state = END;
            break;
        }
        if (r->nheld == 0 && in->len >= frame) {
            p = (const uint8_t *)in->p;
            advance(in, frame);
        } else if (!gather(r, in)) {
            break;
        }
        r->nheld = 0;
        r->data_left -= r->data_left == UINT64_MAX ? 0 : frame;
        out[n++] = frame_at(&r->format, p);
    }
    return n == 0 && r->state == END ? (ssize_t)RP_EOF : (ssize_t)n;
}

static uint8_t *put32(uint8_t *p, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        *p++ = (uint8_t)(x >> 8 * i & 0xff);
    return p;
}

static uint8_t *put64(uint8_t *p, uint64_t x)
{
    return put32(put32(p, (uint32_t)(x & UINT32_MAX)), (uint32_t)(x >> 32));
}

static uint8_t *put_id(uint8_t *p, const char *id)
{
    memcpy(p, id, 4);
    return p + 4;
}

void rp_wav_header(uint8_t header[RP_WAV_HEADER_LEN], int rate_hz, int channels, uint64_t data_len)
{
    uint32_t align = (uint32_t)channels * 2, rate = (uint32_t)rate_hz;
    bool unknown = data_len == RP_WAV_UNKNOWN;
    uint64_t riff_len = data_len + (data_len & 1) + RP_WAV_HEADER_LEN - 8;
    bool large = !unknown && riff_len >= UINT32_MAX;
    uint8_t *p = header;

    p = put_id(p, large ? "RF64" : "RIFF");
    p = put32(p, large || unknown ? UINT32_MAX : (uint32_t)riff_len);
    p = put_id(p, "WAVE");

    p = put_id(p, large ? "ds64" : "JUNK");
    p = put32(p, 28);
    p = put64(p, large ? riff_len : 0);
    p = put64(p, large ? data_len : 0);
    p = put64(p, large ? data_len / align : 0); /* frames */
    p = put32(p, 0);                            /* no further 64-bit sizes */

    p = put_id(p, "fmt ");
    p = put32(p, FMT_LEN);
    p = put32(p, TAG_PCM | (uint32_t)channels << 16);
    p = put32(p, rate);
    p = put32(p, rate * align);
    p = put32(p, align | 16u << 16);

    p = put_id(p, "data");
    p = put32(p, large || unknown ? UINT32_MAX : (uint32_t)data_len);
    RP_ASSERT(p == header + RP_WAV_HEADER_LEN);
}
