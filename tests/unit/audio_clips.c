/* Sounds for the tests of audio/; see audio_clips.h. */
#include "audio_clips.h"

#include <flite/flite.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audio/pcm.h"
#include "audio/resample.h"
#include "audio/wav.h"
#include "base/check.h"
#include "base/mem.h"
#include "tests.h"

#define TAU 6.2831853f

cst_voice *register_cmu_us_slt(const char *voxdir);
void unregister_cmu_us_slt(cst_voice *voice);

struct rp_vad_model *clip_model(void)
{
    struct rp_vad_model *model;
    size_t len;
    char *bytes = test_read_file(RP_SPEECH_DIR "/vad/silero_vad_16k.bin", &len);

    assert_int_equal(rp_vad_model_new(&model, bytes, len), 0);
    rp_free(bytes);
    return model;
}

static struct clip new_clip(size_t n)
{
    struct clip c = {rp_calloc(n, sizeof(int16_t)), n};

    assert_non_null(c.pcm);
    return c;
}

/* ---- recordings ------------------------------------------------------------------------------ */

static struct clip resampled(const int16_t *pcm, size_t n, int from_hz, int to_hz)
{
    struct rp_resample *r;
    struct clip c;

    assert_int_equal(rp_resample_new(&r, from_hz, to_hz), 0);
    c = new_clip(rp_resample_room(r, n) + rp_resample_room(r, 0));
    c.n = rp_resample_run(r, pcm, n, c.pcm);
    c.n += rp_resample_flush(r, c.pcm + c.n);
    rp_resample_free(r);
    return c;
}

struct clip clip_recording(const char *name, int max_s)
{
    struct rp_wav_reader r;
    struct rp_str in;
    struct clip raw, c;
    char path[1024], *bytes;
    size_t len;
    ssize_t n;

    (void)snprintf(path, sizeof(path), "%s/recordings/%s", RP_SPEECH_DIR, name);
    bytes = test_read_file(path, &len);
    in = rp_str_n(bytes, len);
    raw = new_clip(len);
    rp_wav_reader_init(&r);
    raw.n = 0;
    while ((n = rp_wav_read(&r, &in, raw.pcm + raw.n, len - raw.n)) > 0)
        raw.n += (size_t)n;
    assert_true(r.ready);
    raw.n = RP_MIN(raw.n, (size_t)max_s * (size_t)r.format.rate_hz);
    c = resampled(raw.pcm, raw.n, r.format.rate_hz, CLIP_HZ);
    rp_free(raw.pcm);
    rp_free(bytes);
    return c;
}

struct clip clip_spoken(const char *text)
{
    cst_voice *voice;
    cst_wave *wave;
    struct clip c;

    (void)flite_init();
    voice = register_cmu_us_slt(NULL);
    wave = flite_text_to_wave(text, voice);
    assert_int_equal(wave->sample_rate, CLIP_HZ);
    c = new_clip((size_t)wave->num_samples);
    memcpy(c.pcm, wave->samples, c.n * sizeof(*c.pcm));
    delete_wave(wave);
    unregister_cmu_us_slt(voice);
    return c;
}

/* ---- noises ---------------------------------------------------------------------------------- */

float clip_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(int32_t)*seed / 2147483648.0f;
}

static float gauss(uint32_t *seed)
{
    float sum = 0.0f;

    for (int i = 0; i < 6; i++)
        sum += clip_random(seed);
    return sum / sqrtf(2.0f);
}

/* Each maker fills x[0..n), at any level; `p` is what it needs to know. */
typedef void make_fn(float *x, size_t n, const float *p);

static void white(float *x, size_t n, const float *p)
{
    uint32_t seed = (uint32_t)p[0];

    for (size_t i = 0; i < n; i++)
        x[i] = gauss(&seed);
}

/* A sum of noises that each change half as often as the one before. */
static void pink(float *x, size_t n, const float *p)
{
    float rows[14] = {0};
    uint32_t seed = (uint32_t)p[0];

    for (size_t i = 0; i < n; i++) {
        x[i] = gauss(&seed);
        for (size_t r = 0; r < RP_COUNT(rows); r++) {
            if (i % ((size_t)2 << r) == 0)
                rows[r] = gauss(&seed);
            x[i] += rows[r];
        }
    }
}

/* p: frequency, number of harmonics, each weaker by this factor. */
static void hum(float *x, size_t n, const float *p)
{
    for (size_t i = 0; i < n; i++) {
        float level = 1.0f;
        x[i] = 0.0f;
        for (int h = 1; h <= (int)p[1]; h++) {
            x[i] +=
                level * sinf(TAU * fmodf(p[0] * (float)h * (float)i / CLIP_HZ, 1.0f) + (float)h);
            level *= p[2];
        }
    }
}

/* p: seconds between clicks, samples of a click. */
static void clicks(float *x, size_t n, const float *p)
{
    size_t period = (size_t)(p[0] * CLIP_HZ);
    uint32_t seed = 7;

    for (size_t i = 0; i < n; i++) {
        float age = (float)((i + period / 2) % period);
        x[i] = age < p[1] ? clip_random(&seed) * expf(-4.0f * age / p[1]) : 0.0f;
    }
}

/* A thump of the frame, its low resonances, and the click of the latch, every p[0] seconds. */
static void slams(float *x, size_t n, const float *p)
{
    static const float modes[][3] = {{63, 0.6f, 0.12f},
                                     {118, 0.5f, 0.09f},
                                     {171, 0.3f, 0.07f},
                                     {240, 0.2f, 0.05f}}; /* hertz, level, decay in s */
    size_t period = (size_t)(p[0] * CLIP_HZ);
    uint32_t seed = (uint32_t)p[1];
    float low = 0.0f;

    for (size_t i = 0; i < n; i++) {
        float t = (float)((i + period * 3 / 4) % period) / CLIP_HZ;
        low += 0.05f * (gauss(&seed) - low);
        x[i] = 4.0f * low * expf(-t / 0.07f) + (t < 0.005f ? 0.8f * gauss(&seed) : 0.0f);
        for (size_t m = 0; m < RP_COUNT(modes); m++)
            x[i] += modes[m][1] * expf(-t / modes[m][2]) * sinf(TAU * modes[m][0] * t);
    }
}

/* p: length of a note in s, decay in s, harmonics, weaker by, then notes in Hz until 0; all over
 * again after a rest of half a second. */
static void jingle(float *x, size_t n, const float *p)
{
    size_t note_len = (size_t)(p[0] * CLIP_HZ), notes = 0;

    while (p[4 + notes] > 0.0f)
        notes++;
    for (size_t i = 0; i < n; i++) {
        size_t at = i % (notes * note_len + CLIP_HZ / 2);
        size_t note = at / note_len;
        float t = (float)(at % note_len) / CLIP_HZ, level = 1.0f;
        x[i] = 0.0f;
        if (note >= notes)
            continue;
        for (int h = 1; h <= (int)p[2]; h++) {
            x[i] += level * sinf(TAU * p[4 + note] * (float)h * t);
            level *= p[3];
        }
        x[i] *= expf(-t / p[1]) * fminf(1.0f, t / 0.005f);
    }
}

static const struct {
    const char *name;
    make_fn *make;  /* NULL: `name` is a recording */
    float level_db; /* RMS of the whole */
    const float p[12];
} noises[] = {
    {"white -50", white, -50, {1}},
    {"white -40", white, -40, {2}},
    {"white -30", white, -30, {3}},
    {"white -20", white, -20, {4}},
    {"pink -50", pink, -50, {1}},
    {"pink -40", pink, -40, {2}},
    {"pink -30", pink, -30, {3}},
    {"pink -20", pink, -20, {4}},
    {"hum 50", hum, -20, {50, 1, 1}},
    {"hum 50 rich", hum, -25, {50, 8, 0.6f}},
    {"hum 100", hum, -20, {100, 6, 0.5f}},
    {"hum 100 buzz", hum, -30, {100, 30, 0.9f}},
    {"clicks slow", clicks, -35, {1, 8}},
    {"clicks", clicks, -30, {0.25f, 20}},
    {"clicks quick", clicks, -25, {0.05f, 40}},
    {"typing", clicks, -30, {0.13f, 200}},
    {"ratchet", clicks, -25, {0.02f, 10}},
    {"slam", slams, -25, {1.7f, 1}},
    {"slam loud", slams, -15, {2.3f, 2}},
    {"slam far", slams, -40, {1.1f, 3}},
    {"knocks", slams, -25, {0.4f, 4}},
    {"jingle up", jingle, -20, {0.25f, 0.4f, 3, 0.5f, 523, 659, 784, 1047}},
    {"jingle down", jingle, -25, {0.35f, 0.4f, 3, 0.5f, 880, 698, 587, 440}},
    {"jingle bells", jingle, -20, {0.5f, 0.8f, 5, 0.6f, 660, 880, 660}},
    {"jingle low", jingle, -20, {0.3f, 0.5f, 7, 0.8f, 196, 247, 294, 392}},
    {"jingle organ", jingle, -20, {0.6f, 9.0f, 9, 0.7f, 147, 220, 175}},
    {"jingle brass", jingle, -30, {0.4f, 0.6f, 11, 0.9f, 233, 311, 349, 466}},
    {"ring tone", jingle, -20, {0.05f, 9.0f, 2, 0.4f, 440, 480, 440, 480, 440, 480, 440}},
    {"jingles/error.wav", NULL, -20, {0}},
    {"jingles/success.wav", NULL, -20, {0}},
};

size_t clip_noise_count(void)
{
    return RP_COUNT(noises);
}

const char *clip_noise_name(size_t i)
{
    return noises[i].name;
}

/* Twice with a rest between, moved by a little, so that windows fall differently. */
static struct clip recorded_noise(const char *name, size_t n)
{
    struct clip sound = clip_recording(name, 10), c = new_clip(n);

    for (size_t at = 5000; at + sound.n < n; at += sound.n + 8123)
        rp_pcm_mix(c.pcm + at, sound.pcm, sound.n);
    rp_free(sound.pcm);
    return c;
}

struct clip clip_noise(size_t i, int seconds)
{
    size_t n = (size_t)seconds * CLIP_HZ;
    struct clip c;
    float *x, peak = 0.0f;

    if (!noises[i].make) {
        c = recorded_noise(noises[i].name, n);
        clip_set_level(c, noises[i].level_db);
        return c;
    }
    c = new_clip(n);
    x = rp_calloc(n, sizeof(*x));
    assert_non_null(x);
    noises[i].make(x, n, noises[i].p);
    for (size_t k = 0; k < n; k++)
        peak = fmaxf(peak, fabsf(x[k]));
    for (size_t k = 0; k < n; k++)
        c.pcm[k] = rp_pcm_from_float(0.9f * x[k] / peak);
    rp_free(x);
    clip_set_level(c, noises[i].level_db);
    return c;
}

/* ---- changes --------------------------------------------------------------------------------- */

void clip_set_level(struct clip c, float dbfs)
{
    float gain = powf(10.0f, dbfs / 20.0f) / rp_pcm_rms(c.pcm, c.n);

    rp_pcm_ramp(c.pcm, c.n, gain, gain);
}

void clip_telephone(struct clip c)
{
    struct clip narrow = resampled(c.pcm, c.n, CLIP_HZ, 8000);
    struct clip back = resampled(narrow.pcm, narrow.n, 8000, CLIP_HZ);

    memcpy(c.pcm, back.pcm, RP_MIN(c.n, back.n) * sizeof(*c.pcm));
    rp_free(narrow.pcm);
    rp_free(back.pcm);
}

void clip_add_noise(struct clip c, struct clip other, float snr_db)
{
    struct clip copy = new_clip(c.n);

    for (size_t i = 0; i < c.n; i++)
        copy.pcm[i] = other.pcm[i % other.n];
    clip_set_level(copy, rp_pcm_dbfs(rp_pcm_rms(c.pcm, c.n)) - snr_db);
    rp_pcm_mix(c.pcm, copy.pcm, c.n);
    rp_free(copy.pcm);
}
