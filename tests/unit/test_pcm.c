/* Tests of audio/pcm, audio/g711 and audio/ring. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/g711.h"
#include "audio/pcm.h"
#include "audio/ring.h"
#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests.h"

static void bytes_cut_anywhere_give_the_same_samples(void **state)
{
    static const int16_t want[] = {0, 1, -1, 32767, -32768, 0x1234, -0x1234};
    uint8_t bytes[sizeof(want)];

    (void)state;
    rp_pcm_to_le(want, RP_COUNT(want), bytes);
    assert_int_equal(bytes[10], 0x34);
    assert_int_equal(bytes[11], 0x12);
    for (size_t step = 1; step <= sizeof(bytes); step++) {
        struct rp_pcm_carry carry = {0};
        int16_t got[RP_COUNT(want) + 1];
        size_t n = 0;
        for (size_t at = 0; at < sizeof(bytes); at += step) {
            size_t len = RP_MIN(step, sizeof(bytes) - at);
            n += rp_pcm_from_le(&carry, bytes + at, len, got + n);
        }
        assert_int_equal(n, RP_COUNT(want));
        assert_memory_equal(got, want, sizeof(want));
        assert_false(carry.held);
    }
}

static void an_odd_byte_waits(void **state)
{
    struct rp_pcm_carry carry = {0};
    int16_t got[2];

    (void)state;
    assert_int_equal(rp_pcm_from_le(&carry, (const uint8_t[]){0x34}, 1, got), 0);
    assert_true(carry.held);
    assert_int_equal(rp_pcm_from_le(&carry, NULL, 0, got), 0);
    assert_int_equal(rp_pcm_from_le(&carry, (const uint8_t[]){0x12, 0x78, 0x56}, 3, got), 2);
    assert_int_equal(got[0], 0x1234);
    assert_int_equal(got[1], 0x5678);
}

static void floats_saturate(void **state)
{
    static const struct {
        float in;
        int out;
    } table[] = {
        {0.0f, 0},
        {1.0f, 32767},
        {-1.0f, -32768},
        {0.5f, 16384},
        {1e30f, 32767},
        {-1e30f, -32768},
        {NAN, 0},
        {INFINITY, 32767},
        {-INFINITY, -32768},
        {1.4f / 32768.0f, 1},
        {-1.6f / 32768.0f, -2},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(table); i++)
        assert_int_equal(rp_pcm_from_float(table[i].in), table[i].out);
}

static void mixing_and_fades_saturate(void **state)
{
    int16_t a[] = {30000, -30000, 5, -32768}, b[] = {30000, -30000, -7, 32767};
    int16_t fade[8], flat[3] = {100, -20000, 20000};

    (void)state;
    rp_pcm_mix(a, b, 4);
    assert_memory_equal(a, ((int16_t[]){32767, -32768, -2, -1}), sizeof(a));
    for (size_t i = 0; i < RP_COUNT(fade); i++)
        fade[i] = 800;
    rp_pcm_ramp(fade, RP_COUNT(fade), 1.0f, 0.0f);
    assert_memory_equal(fade, ((int16_t[]){800, 700, 600, 500, 400, 300, 200, 100}), sizeof(fade));
    rp_pcm_ramp(flat, 3, 2.0f, 2.0f);
    assert_memory_equal(flat, ((int16_t[]){200, -32768, 32767}), sizeof(flat));
    rp_pcm_ramp(flat, 0, 1.0f, 0.0f);
}

static void levels_are_relative_to_full_scale(void **state)
{
    int16_t sine[1600], square[4] = {-32768, -32768, -32768, -32768};

    (void)state;
    for (size_t i = 0; i < RP_COUNT(sine); i++)
        sine[i] = rp_pcm_from_float(0.1f * sinf(2.0f * (float)M_PI * (float)i / 16.0f));
    assert_float_equal(rp_pcm_dbfs(rp_pcm_rms(sine, RP_COUNT(sine))), -23.01f, 0.02f);
    assert_int_equal(rp_pcm_peak(sine, RP_COUNT(sine)), 3277);
    assert_float_equal(rp_pcm_rms(square, 4), 1.0f, 1e-6f);
    assert_int_equal(rp_pcm_peak(square, 4), 32768);
    assert_float_equal(rp_pcm_rms(square, 0), 0.0f, 0.0f);
    assert_float_equal(rp_pcm_dbfs(0.0f), RP_PCM_SILENCE_DB, 0.0f);
    assert_float_equal(rp_pcm_dbfs(1.0f), 0.0f, 0.0f);
}

/* Decision and output values of G.711, table 2a (µ-law), times four for 16 bits. */
static void ulaw_keeps_the_standard(void **state)
{
    static const struct {
        int16_t pcm;
        uint8_t code;
        int16_t back;
    } table[] = {
        {32767, 0x80, 32124},   {32635, 0x80, 32124}, {31612, 0x80, 32124}, {31611, 0x81, 31100},
        {31607, 0x81, 31100},   {16764, 0x8f, 16764}, {16252, 0x8f, 16764}, {16251, 0x90, 15996},
        {8060, 0x9f, 8316},     {8059, 0xa0, 7932},   {3964, 0xaf, 4092},   {3963, 0xb0, 3900},
        {1916, 0xbf, 1980},     {892, 0xcf, 924},     {891, 0xd0, 876},     {380, 0xdf, 396},
        {124, 0xef, 132},       {123, 0xf0, 120},     {4, 0xfe, 8},         {3, 0xff, 0},
        {0, 0xff, 0},           {-4, 0x7e, -8},       {-124, 0x6f, -132},   {-31612, 0x00, -32124},
        {-32768, 0x00, -32124},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(table); i++) {
        uint8_t code;
        int16_t back;
        rp_ulaw_encode(&table[i].pcm, 1, &code);
        rp_ulaw_decode(&code, 1, &back);
        assert_int_equal(code, table[i].code);
        assert_int_equal(back, table[i].back);
    }
}

static void ulaw_loses_little(void **state)
{
    int16_t values[256];
    uint8_t codes[256];

    (void)state;
    for (int i = 0; i < 256; i++)
        codes[i] = (uint8_t)i;
    rp_ulaw_decode(codes, 256, values);
    for (int i = 0; i < 256; i++) { /* every value goes to its own code; -0 shares that of 0 */
        uint8_t code;
        rp_ulaw_encode(&values[i], 1, &code);
        assert_int_equal(code, i == 0x7f ? 0xff : i);
    }
    for (int s = INT16_MIN; s <= INT16_MAX; s++) {
        int16_t pcm = (int16_t)s, back;
        uint8_t code;
        rp_ulaw_encode(&pcm, 1, &code);
        rp_ulaw_decode(&code, 1, &back);
        assert_true(abs(back - s) <= (abs(s) > 32635 ? 644 : 4 + abs(s) / 31));
    }
}

static void ring_keeps_the_last_samples(void **state)
{
    struct rp_ring r;
    int16_t in[100], out[100];
    const int16_t *at;
    int64_t written = 0;
    uint64_t count;

    (void)state;
    assert_int_equal(rp_ring_init(&r, 10), 0);
    count = rp_mem_thread_count();
    assert_int_equal(rp_ring_read(&r, 0, out, 5), 0);
    for (size_t step = 1; step < 30; step++) { /* also pieces longer than the ring */
        for (size_t i = 0; i < step; i++)
            in[i] = (int16_t)(written + (int64_t)i);
        rp_ring_write(&r, in, step);
        written += (int64_t)step;
        assert_true(r.end == written);
        assert_true(r.start == (written > 10 ? written - 10 : 0));
        assert_int_equal(rp_ring_read(&r, r.start, out, 100), r.end - r.start);
        for (int64_t i = r.start; i < r.end; i++)
            assert_int_equal(out[i - r.start], (int16_t)i);
        assert_int_equal(rp_ring_read(&r, r.end - 1, out, 100), 1);
        assert_int_equal(rp_ring_read(&r, r.end, out, 100), 0);
        assert_int_equal(rp_ring_read(&r, r.start - 1, out, 100), 0);
    }
    assert_true(rp_ring_peek(&r, r.start, &at) > 0);
    assert_int_equal(*at, r.start);

    rp_ring_drop(&r, r.end - 3);
    assert_int_equal(rp_ring_read(&r, r.end - 4, out, 100), 0);
    assert_int_equal(rp_ring_read(&r, r.end - 3, out, 100), 3);
    rp_ring_drop(&r, 0);
    assert_true(r.end - r.start == 3);
    rp_ring_write(&r, NULL, 2);
    assert_int_equal(rp_ring_read(&r, r.end - 3, out, 3), 3);
    assert_int_equal(out[0], (int16_t)(r.end - 3));
    assert_int_equal(out[1], 0);
    assert_int_equal(out[2], 0);
    rp_ring_drop(&r, INT64_MAX);
    assert_true(r.start == r.end);
    assert_true(rp_mem_thread_count() == count);
    rp_ring_fini(&r);
    rp_ring_fini(&r);

    rp_mem_fail_after(1);
    assert_int_equal(rp_ring_init(&r, 10), RP_ENOMEM);
    rp_mem_fail_after(0);
    rp_ring_fini(&r);
}

int test_pcm(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_cut_anywhere_give_the_same_samples),
        cmocka_unit_test(an_odd_byte_waits),
        cmocka_unit_test(floats_saturate),
        cmocka_unit_test(mixing_and_fades_saturate),
        cmocka_unit_test(levels_are_relative_to_full_scale),
        cmocka_unit_test(ulaw_keeps_the_standard),
        cmocka_unit_test(ulaw_loses_little),
        cmocka_unit_test(ring_keeps_the_last_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
