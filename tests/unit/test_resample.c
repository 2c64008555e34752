/* Tests of audio/resample: rates, positions, levels, pieces. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/pcm.h"
#include "audio/resample.h"
#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests.h"

enum { MAX_IN = 48000, MAX_OUT = 48100 };

static int16_t in[MAX_IN], out[MAX_OUT], other[MAX_OUT];

/* One second of a tone with a soft start and end. */
static void make_tone(int rate_hz, float freq_hz)
{
    for (int i = 0; i < rate_hz; i++) {
        float t = (float)i / (float)rate_hz;
        float window = sinf((float)M_PI * t);
        in[i] = rp_pcm_from_float(0.5f * window * sinf(2.0f * (float)M_PI * freq_hz * t));
    }
}

/* All of `in`, in pieces of `piece` samples. */
static size_t run(struct rp_resample *r, size_t n, size_t piece, int16_t *to)
{
    uint64_t count = rp_mem_thread_count();
    size_t done = 0;

    for (size_t at = 0; at < n; at += piece) {
        size_t part = RP_MIN(piece, n - at);
        size_t got = rp_resample_run(r, in + at, part, to + done);
        assert_true(got <= rp_resample_room(r, part));
        done += got;
    }
    assert_true(rp_mem_thread_count() == count);
    return done;
}

static void a_tone_stays_in_place(void **state)
{
    static const int rates[][2] = {
        {8000, 16000},  {16000, 16000}, {22050, 16000}, {24000, 16000},
        {44100, 16000}, {48000, 16000}, {16000, 8000},
    };

    (void)state;
    for (size_t k = 0; k < RP_COUNT(rates); k++) {
        int from = rates[k][0], to = rates[k][1];
        struct rp_resample *r;
        double error = 0.0, power = 0.0;
        size_t n;

        make_tone(from, 440.0f);
        assert_int_equal(rp_resample_new(&r, from, to), 0);
        n = run(r, (size_t)from, (size_t)from / 10, out);
        assert_in_range(rp_resample_latency(r), 0, to / 100);
        assert_true(labs((long)(n + (size_t)rp_resample_latency(r)) - to) <= 1);
        n += rp_resample_flush(r, out + n);
        assert_int_equal(n, to);
        make_tone(to, 440.0f); /* what it should have become */
        for (int i = 0; i < to; i++) {
            double d = out[i] - in[i];
            error += d * d;
            power += (double)in[i] * in[i];
        }
        assert_true(error < 1e-4 * power); /* 40 dB: a delay of one sample would make 15 */
        rp_resample_free(r);
    }
}

static void pieces_make_no_difference(void **state)
{
    static const size_t pieces[] = {1, 7, 160, 999, 8000};
    struct rp_resample *r;
    size_t want;

    (void)state;
    make_tone(8000, 1234.0f);
    assert_int_equal(rp_resample_new(&r, 8000, 16000), 0);
    want = run(r, 8000, 800, out);
    want += rp_resample_flush(r, out + want);
    for (size_t k = 0; k < RP_COUNT(pieces); k++) { /* flush has made it as new */
        size_t n = run(r, 8000, pieces[k], other);
        n += rp_resample_flush(r, other + n);
        assert_int_equal(n, want);
        assert_memory_equal(out, other, n * sizeof(*out));
    }
    rp_resample_free(r);
}

static void what_does_not_fit_is_filtered_out(void **state)
{
    struct rp_resample *r;
    size_t n;

    (void)state;
    make_tone(16000, 5500.0f); /* above half of 8 kHz: would fold to 2.5 kHz */
    assert_int_equal(rp_resample_new(&r, 16000, 8000), 0);
    n = run(r, 16000, 320, out);
    assert_true(rp_pcm_dbfs(rp_pcm_rms(out, n)) < -60.0f);
    rp_resample_free(r);
}

static void bad_rates_and_no_memory(void **state)
{
    struct rp_resample *r = NULL;

    (void)state;
    assert_int_equal(rp_resample_new(&r, 0, 16000), RP_EINVAL);
    assert_int_equal(rp_resample_new(&r, 16000, -1), RP_EINVAL);
    assert_int_equal(rp_resample_new(&r, 200000, 16000), RP_EINVAL);
    rp_mem_fail_after(1);
    assert_int_equal(rp_resample_new(&r, 8000, 16000), RP_ENOMEM);
    rp_mem_fail_after(0);
    assert_null(r);
    rp_resample_free(NULL);
}

int test_resample(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_stays_in_place),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(what_does_not_fit_is_filtered_out),
        cmocka_unit_test(bad_rates_and_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
