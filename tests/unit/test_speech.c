/* Tests of audio/fft, steady, level, speech: what is speech and what is not, and where it begins.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/fft.h"
#include "audio/level.h"
#include "audio/pcm.h"
#include "audio/speech.h"
#include "audio/steady.h"
#include "audio_clips.h"
#include "base/check.h"
#include "base/mem.h"
#include "tests.h"

#define TAU 6.2831853f

static const char *const recordings[] = {"beckett.wav", "endgame_nagg_nell.wav", "two_cities.wav"};

/* ---- parts ----------------------------------------------------------------------------------- */

static void spectrum_is_the_sum_of_its_definition(void **state)
{
    int16_t pcm[RP_FFT_LEN];
    struct rp_spectrum s;
    uint32_t seed = 3;

    (void)state;
    for (int i = 0; i < RP_FFT_LEN; i++)
        pcm[i] = rp_pcm_from_float(0.9f * clip_random(&seed));
    rp_fft(pcm, &s);
    for (int k = 0; k < RP_FFT_BINS; k++) {
        double re = 0.0, im = 0.0;
        for (int i = 0; i < RP_FFT_LEN; i++) {
            double x = pcm[i] / 32768.0 * (0.5 - 0.5 * cos(2.0 * M_PI * i / RP_FFT_LEN));
            re += x * cos(2.0 * M_PI * k * i / RP_FFT_LEN);
            im -= x * sin(2.0 * M_PI * k * i / RP_FFT_LEN);
        }
        assert_float_equal(s.re[k], re, 1e-4f);
        assert_float_equal(s.im[k], im, 1e-4f);
    }
}

static void tones_are_steady_and_glides_are_not(void **state)
{
    static const struct {
        float hz, glide_hz; /* per second */
        float least, most;
    } table[] = {
        {440, 0, 0.95f, 1.01f},  {1234.5f, 0, 0.95f, 1.01f}, {100, 0, 0.9f, 1.01f},
        {440, 400, -1.0f, 0.5f}, {700, -500, -1.0f, 0.5f},
    };
    int16_t pcm[3 * RP_FFT_LEN];
    uint32_t seed = 9;

    (void)state;
    for (size_t k = 0; k < RP_COUNT(table); k++) {
        float steady;
        for (size_t i = 0; i < RP_COUNT(pcm); i++) {
            float t = (float)i / 16000.0f;
            pcm[i] = rp_pcm_from_float(
                0.3f * sinf(TAU * (table[k].hz * t + table[k].glide_hz * t * t / 2.0f)));
        }
        steady = rp_steadiness(pcm, pcm + RP_FFT_LEN, pcm + 2 * RP_FFT_LEN);
        assert_true(steady >= table[k].least && steady <= table[k].most);
    }
    for (size_t i = 0; i < RP_COUNT(pcm); i++)
        pcm[i] = rp_pcm_from_float(0.3f * clip_random(&seed));
    assert_true(fabsf(rp_steadiness(pcm, pcm + RP_FFT_LEN, pcm + 2 * RP_FFT_LEN)) < 0.3f);
    memset(pcm, 0, sizeof(pcm));
    assert_float_equal(rp_steadiness(pcm, pcm, pcm), 0.0f, 0.0f);
}

static void floor_follows_the_room(void **state)
{
    struct rp_level l;
    int16_t pcm[RP_LEVEL_WINDOW];
    uint32_t seed = 1;

    (void)state;
    rp_level_init(&l);
    assert_float_equal(l.floor_db, 0.0f, 200.0f);
    for (int w = 0; w < 400; w++) { /* 0-6 s: quiet; then loud for a second; then a noisier room */
        float peak = w < 190 ? 0.001f : w < 220 ? 0.5f : 0.01f;
        float rms_db = 20.0f * log10f(peak / sqrtf(3.0f));
        for (int i = 0; i < RP_LEVEL_WINDOW; i++)
            pcm[i] = rp_pcm_from_float(peak * clip_random(&seed));
        rp_level_window(&l, pcm);
        assert_float_equal(l.window_db, rms_db, 1.0f);
        if (w >= 1 && w < 220)
            assert_float_equal(l.floor_db, -64.8f, 1.5f);
        if (w >= 70 && w < 190)
            assert_true(rp_level_is_quiet(&l));
        if (w >= 190 && w < 220)
            assert_false(rp_level_is_quiet(&l));
        if (w == 229) /* the meter falls by 20 dB a second */
            assert_float_equal(l.meter_db, -10.8f - 6.4f, 1.0f);
        if (w >= 220 + 124)
            assert_float_equal(l.floor_db, -44.8f, 1.5f);
    }
    rp_level_init(&l); /* the first words of a stream are never gated */
    rp_level_window(&l, pcm);
    assert_false(rp_level_is_quiet(&l));
}

/* ---- the detector ---------------------------------------------------------------------------- */

struct found {
    int starts, stops;
    int64_t start[64], end[64]; /* of each; positions */
    int64_t known[64];          /* where the start was told */
    int shut;                   /* windows the gate kept from the network */
};

static struct found detect(const struct rp_vad_model *model, struct clip c, size_t piece)
{
    struct found f = {0};
    struct rp_speech s;
    uint64_t count;

    rp_speech_init(&s, model, RP_SPEECH_DEFAULTS, 0);
    count = rp_mem_thread_count();
    for (size_t at = 0; at < c.n; at += piece) {
        const int16_t *pcm = c.pcm + at;
        size_t n = RP_MIN(piece, c.n - at);
        while (n > 0) {
            enum rp_speech_event event = rp_speech_take(&s, &pcm, &n);
            f.shut += s.filled == 0 && s.unheard > 0;
            if (event == RP_SPEECH_START && f.starts < 64) {
                assert_true(s.speaking && s.start < s.pos && s.end >= s.start);
                f.known[f.starts] = s.pos;
                f.start[f.starts++] = s.start;
            } else if (event == RP_SPEECH_STOP) {
                assert_true(!s.speaking && s.end <= s.pos && s.end >= s.start);
                f.end[f.stops++] = s.end;
            }
            assert_true(s.speaking == (f.starts > f.stops));
        }
    }
    assert_true(rp_mem_thread_count() == count);
    return f;
}

static void noise_is_not_speech(void **state)
{
    struct rp_vad_model *model = clip_model();

    (void)state;
    assert_true(clip_noise_count() >= 30);
    for (size_t i = 0; i < clip_noise_count(); i++) {
        struct clip c = clip_noise(i, 7);
        int wide = detect(model, c, 1600).starts, narrow;
        clip_telephone(c);
        narrow = detect(model, c, 1600).starts;
        if (wide + narrow > 0)
            print_error("%s: speech %d times, %d by telephone\n", clip_noise_name(i), wide, narrow);
        assert_int_equal(wide + narrow, 0);
        rp_free(c.pcm);
    }
    rp_vad_model_free(model);
}

/* How much of the speech found in the clean recording is found in the other one as well. */
static float covered(const struct found *clean, const struct found *noisy)
{
    int64_t all = 0, both = 0;

    for (int i = 0; i < clean->stops; i++) {
        all += clean->end[i] - clean->start[i];
        for (int k = 0; k < noisy->stops; k++) {
            int64_t from = RP_MAX(clean->start[i], noisy->start[k]);
            int64_t to = RP_MIN(clean->end[i], noisy->end[k]);
            both += RP_MAX(to - from, 0);
        }
    }
    return (float)both / (float)all;
}

static void speech_is_found_in_any_noise(void **state)
{
    struct rp_vad_model *model = clip_model();

    (void)state;
    for (size_t r = 0; r < RP_COUNT(recordings); r++) {
        struct clip clean = clip_recording(recordings[r], 6);
        struct found want;
        clip_telephone(clean);
        want = detect(model, clean, 1600);
        assert_true(want.starts >= 2);
        for (size_t i = 0; i < clip_noise_count(); i++) {
            struct clip noise = clip_noise(i, 5), c = clip_recording(recordings[r], 6);
            struct found got;
            clip_add_noise(c, noise, 15.0f);
            clip_telephone(c);
            got = detect(model, c, 1600);
            if (got.starts == 0 || covered(&want, &got) < 0.85f)
                print_error("%s with %s: %d starts, %.2f found\n", recordings[r],
                            clip_noise_name(i), got.starts, (double)covered(&want, &got));
            assert_true(got.starts > 0 && covered(&want, &got) >= 0.85f);
            assert_true(llabs(got.start[0] - want.start[0]) <= 16 * 100);
            rp_free(noise.pcm);
            rp_free(c.pcm);
        }
        rp_free(clean.pcm);
    }
    rp_vad_model_free(model);
}

static void edges_are_where_the_voice_is(void **state)
{
    /* Read off the levels of beckett.wav, in ms: onsets and ends of the first phrases. */
    static const struct {
        int from, to;
    } phrases[] = {{320, 1216}, {1850, 2784}, {3528, 4144}, {4872, 5568}};
    struct rp_vad_model *model = clip_model();
    struct clip c = clip_recording("beckett.wav", 10);
    struct found f = detect(model, c, 1600), g;

    (void)state;
    assert_true(f.starts >= 4);
    for (size_t i = 0; i < RP_COUNT(phrases); i++) {
        assert_true(llabs(f.start[i] / 16 - phrases[i].from) <= 60);
        assert_true(llabs(f.end[i] / 16 - phrases[i].to) <= 60);
        assert_in_range((f.known[i] - f.start[i]) / 16, 32, 180);
    }
    g = detect(model, c, 77); /* however it is cut */
    assert_memory_equal(&f, &g, sizeof(f));
    rp_free(c.pcm);
    rp_vad_model_free(model);
}

/* Six seconds of a quiet room, then the recording. */
static void the_gate_saves_work_and_no_onset(void **state)
{
    const int64_t lead = 6 * CLIP_HZ;
    struct rp_vad_model *model = clip_model();
    uint32_t seed = 5;

    (void)state;
    for (size_t r = 0; r < RP_COUNT(recordings); r++) {
        struct clip c = clip_recording(recordings[r], 5);
        struct clip late = {rp_calloc((size_t)lead + c.n, sizeof(int16_t)), (size_t)lead + c.n};
        struct found plain, gated;
        for (int64_t i = 0; i < lead; i++)
            late.pcm[i] = rp_pcm_from_float(0.0015f * clip_random(&seed));
        memcpy(late.pcm + lead, c.pcm, c.n * sizeof(*c.pcm));
        plain = detect(model, c, 1600);
        gated = detect(model, late, 1600);
        assert_true(gated.shut > 100);
        assert_true(gated.starts >= 1);
        assert_true(llabs(gated.start[0] - lead - plain.start[0]) <= 16 * 48);
        assert_true(gated.known[0] - lead <= plain.known[0] + 16 * 48);
        rp_free(c.pcm);
        rp_free(late.pcm);
    }
    rp_vad_model_free(model);
}

int test_speech(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spectrum_is_the_sum_of_its_definition),
        cmocka_unit_test(tones_are_steady_and_glides_are_not),
        cmocka_unit_test(floor_follows_the_room),
        cmocka_unit_test(noise_is_not_speech),
        cmocka_unit_test(speech_is_found_in_any_noise),
        cmocka_unit_test(edges_are_where_the_voice_is),
        cmocka_unit_test(the_gate_saves_work_and_no_onset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
