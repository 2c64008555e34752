/* Tests of audio/wav: formats, cuts, lies, and headers of our own. */
#include <math.h>
#include <string.h>

#include "audio/wav.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/err.h"
#include "tests.h"

static void add32(struct rp_buf *b, uint32_t x)
{
    uint8_t le[4] = {(uint8_t)x, (uint8_t)(x >> 8), (uint8_t)(x >> 16), (uint8_t)(x >> 24)};

    assert_int_equal(rp_buf_add(b, le, 4), 0);
}

static void add_fmt(struct rp_buf *b, uint32_t tag, uint32_t channels, uint32_t rate, uint32_t bits)
{
    (void)rp_buf_z(b, "fmt ");
    add32(b, 16);
    add32(b, tag | channels << 16);
    add32(b, rate);
    add32(b, rate * channels * bits / 8);
    add32(b, channels * bits / 8 | bits << 16);
}

/* "RIFF", a format, and the head of a data chunk that says `data_len`. */
static void add_head(struct rp_buf *b, uint32_t tag, uint32_t channels, uint32_t rate,
                     uint32_t bits, uint32_t data_len)
{
    (void)rp_buf_z(b, "RIFF");
    add32(b, 36 + data_len);
    (void)rp_buf_z(b, "WAVE");
    add_fmt(b, tag, channels, rate, bits);
    (void)rp_buf_z(b, "data");
    add32(b, data_len);
}

/* Reads everything in pieces of `piece` bytes. The number of samples, or an error; RP_EOF counts as
 * the end. */
static ssize_t read_all(struct rp_wav_reader *r, const struct rp_buf *b, size_t piece, int16_t *out,
                        size_t room)
{
    size_t total = 0;

    rp_wav_reader_init(r);
    for (size_t at = 0; at < b->len; at += piece) {
        struct rp_str in = rp_str_first(rp_str_from(rp_buf_view(b), at), piece);
        while (in.len > 0) {
            ssize_t n = rp_wav_read(r, &in, out + total, RP_MIN(room - total, 3));
            if (n == RP_EOF)
                return (ssize_t)total;
            if (n < 0)
                return n;
            total += (size_t)n;
            if (total == room)
                return (ssize_t)total;
        }
    }
    return (ssize_t)total;
}

static void check(const struct rp_buf *b, const int16_t *want, size_t n)
{
    for (size_t piece = 1; piece <= b->len; piece++) {
        struct rp_wav_reader r;
        int16_t got[32];
        assert_int_equal(read_all(&r, b, piece, got, RP_COUNT(got)), n);
        assert_true(r.ready);
        assert_memory_equal(got, want, n * sizeof(*want));
    }
}

static void every_format_at_every_cut(void **state)
{
    static const float f32[] = {0.5f, -1.0f, 3.0f, NAN, INFINITY, -INFINITY};
    static const double f64[] = {0.5, -1.0, 1e300, NAN};
    static const struct {
        uint32_t tag, channels, bits;
        const void *data;
        size_t len, n;
        int16_t want[8];
    } table[] = {
        {1, 1, 16, "\x34\x12\xff\xff\x00\x80", 6, 3, {0x1234, -1, -32768}},
        {1, 2, 16, "\x00\x10\x00\x20\x00\x00\xfe\xff", 8, 2, {0x1800, -1}},
        {1, 1, 8, "\x80\x00\xff\x81", 4, 4, {0, -32768, 32512, 256}},
        {1, 1, 24, "\x00\x34\x12\xff\xff\xff\x00\x00\x80", 9, 3, {0x1234, 0, -32768}},
        {1, 1, 32, "\x00\x00\x34\x12\x00\x00\x00\x80", 8, 2, {0x1234, -32768}},
        {3, 1, 32, f32, sizeof(f32), 6, {16384, -32768, 32767, 0, 32767, -32768}},
        {3, 2, 32, f32, 16, 2, {-8192, 32767}},
        {3, 1, 64, f64, sizeof(f64), 4, {16384, -32768, 32767, 0}},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(table); i++) {
        struct rp_buf b;
        rp_buf_init(&b, 1000);
        add_head(&b, table[i].tag, table[i].channels, 16000, table[i].bits, (uint32_t)table[i].len);
        (void)rp_buf_add(&b, table[i].data, table[i].len);
        (void)rp_buf_z(&b, "LIST and what is not audio");
        check(&b, table[i].want, table[i].n);
        rp_buf_fini(&b);
    }
}

static void other_chunks_are_passed_over(void **state)
{
    struct rp_buf b;

    (void)state;
    rp_buf_init(&b, 1000);
    (void)rp_buf_z(&b, "RIFF");
    add32(&b, 0);
    (void)rp_buf_z(&b, "WAVELIST");
    add32(&b, 5);
    (void)rp_buf_add(&b, "data\0\0", 6); /* odd, so padded */
    (void)rp_buf_z(&b, "fmt ");
    add32(&b, 40);
    add32(&b, 0xfffe | 1u << 16);
    add32(&b, 24000);
    add32(&b, 48000);
    add32(&b, 2 | 16u << 16);
    add32(&b, 22 | 16u << 16);
    add32(&b, 4);
    (void)rp_buf_add(&b, "\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 16);
    (void)rp_buf_z(&b, "JUNK");
    add32(&b, 0);
    (void)rp_buf_z(&b, "data");
    add32(&b, 4);
    (void)rp_buf_add(&b, "\x01\0\x02\0", 4);
    check(&b, (int16_t[]){1, 2}, 2);
    rp_buf_fini(&b);
}

/* A size that is too great, too small for a frame, or left open by a writer that cannot seek. */
static void sizes_that_lie(void **state)
{
    static const struct {
        uint32_t says;
        ssize_t n;
    } table[] = {{1000, 3}, {0xfffffffe, 3}, {0xffffffff, 3}, {0, 3}, {4, 2}, {5, 2}, {1, 0}};

    (void)state;
    for (size_t i = 0; i < RP_COUNT(table); i++) {
        struct rp_wav_reader r;
        struct rp_buf b;
        int16_t got[8];
        rp_buf_init(&b, 1000);
        add_head(&b, 1, 1, 8000, 16, table[i].says);
        (void)rp_buf_add(&b, "\1\0\2\0\3\0", 6);
        assert_int_equal(read_all(&r, &b, 7, got, RP_COUNT(got)), table[i].n);
        rp_buf_fini(&b);
    }
}

static void what_is_no_wav(void **state)
{
    static const struct {
        uint32_t tag, channels, rate, bits;
    } table[] = {
        {1, 0, 16000, 16},      {1, 9, 16000, 16},    {1, 1, 0, 16},     {1, 1, 0x7fc00000, 16},
        {1, 1, 0xffffffff, 16}, {1, 1, 16000, 0},     {1, 1, 16000, 12}, {1, 1, 16000, 64},
        {3, 1, 16000, 16},      {2, 1, 16000, 16},    {7, 1, 8000, 8},   {0xfffe, 1, 16000, 16},
        {1, 65535, 16000, 16},  {1, 1, 16000, 65535},
    };
    struct rp_wav_reader r;
    struct rp_buf b;
    int16_t got[8];

    (void)state;
    rp_buf_init(&b, 1000);
    for (size_t i = 0; i < RP_COUNT(table); i++) {
        rp_buf_clear(&b);
        add_head(&b, table[i].tag, table[i].channels, table[i].rate, table[i].bits, 100);
        assert_int_equal(read_all(&r, &b, 5, got, RP_COUNT(got)), RP_EPROTO);
        assert_false(r.ready);
    }
    rp_buf_clear(&b);
    (void)rp_buf_z(&b, "OggS0123456789abcdef");
    assert_int_equal(read_all(&r, &b, 100, got, RP_COUNT(got)), RP_EPROTO);
    rp_buf_clear(&b);
    (void)rp_buf_z(&b, "RIFF0123WAVEdata\1\0\0\0"); /* before a format */
    (void)rp_buf_add(&b, "\1\0\0\0", 4);
    assert_int_equal(read_all(&r, &b, 100, got, RP_COUNT(got)), RP_EPROTO);
    rp_buf_clear(&b);
    (void)rp_buf_z(&b, "RIFF0123WAVEfmt ");
    add32(&b, 15); /* too short a format */
    assert_int_equal(read_all(&r, &b, 100, got, RP_COUNT(got)), RP_EPROTO);
    rp_buf_fini(&b);
}

static void our_headers_read_back(void **state)
{
    static const struct {
        uint64_t says, left;
        const char *id;
    } table[] = {
        {4, 4, "RIFF"},
        {RP_WAV_UNKNOWN, UINT64_MAX, "RIFF"},
        {0xffffffb0, 0xffffffb0, "RIFF"},
        {0xffffffc0, 0xffffffc0, "RF64"},
        {0x123456789a, 0x123456789a, "RF64"},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(table); i++) {
        uint8_t header[RP_WAV_HEADER_LEN];
        struct rp_wav_reader r;
        struct rp_str in = rp_str_n((const char *)header, sizeof(header));
        int16_t got[4];
        rp_wav_header(header, 16000, 2, table[i].says);
        assert_memory_equal(header, table[i].id, 4);
        rp_wav_reader_init(&r);
        assert_int_equal(rp_wav_read(&r, &in, got, 4), 0);
        assert_true(r.ready);
        assert_int_equal(in.len, 0);
        assert_int_equal(r.format.rate_hz, 16000);
        assert_int_equal(r.format.channels, 2);
        assert_int_equal(r.format.bits, 16);
        assert_true(r.data_left == table[i].left);
    }
}

int test_wav(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_at_every_cut),
        cmocka_unit_test(other_chunks_are_passed_over),
        cmocka_unit_test(sizes_that_lie),
        cmocka_unit_test(what_is_no_wav),
        cmocka_unit_test(our_headers_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
