/* Silero's network; see vad.h.
 *
 *   64 samples of context + 512 new + 64 reflected = 640
 *   STFT as a convolution, 256 wide, 128 apart:   4 frames of 129 real and 129 imaginary parts
 *   magnitudes                                    4 × 129
 *   conv 3 wide, ReLU                             4 × 128
 *   conv 3 wide, 2 apart, ReLU                    2 × 64
 *   conv 3 wide, 2 apart, ReLU                    1 × 64
 *   conv 3 wide, ReLU                             1 × 128
 *   LSTM cell                                     128
 *   ReLU, weighted sum, sigmoid                   1
 *
 * Every layer is a matrix times a vector that lies in one piece in the layer before: frames are
 * stored one behind the other, with a frame of zeros at either end, so three neighbours are a
 * vector of 3 × channels. One kernel does them all. It works on a block of outputs at a time, kept
 * in registers, for all frames at once, so that each weight is loaded once; weights are stored in
 * the order in which it wants them. It is compiled twice, for any machine and for AVX2 with FMA,
 * and chosen when the model is loaded. (Not by target_clones: its resolvers run before a sanitizer
 * is ready, and not every C library has them.) */
#include "audio/vad.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"

enum {
    CONTEXT = 64,
    TAPS = 256, /* of the STFT */
    HOP = 128,
    BINS = 129,
    PARTS = 136, /* BINS, filled up to a multiple of eight */
    FRAMES = 4,
    UNITS = 128, /* of the LSTM */
};

#define ALIGNMENT 64
#define INLINE    static inline __attribute__((always_inline))

/* A loop whose every turn is written out. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define EACH(var, n) UNROLL for (int var = 0; var < (n); var++)

/* out = bias + weights × in. Weights are [outputs / block][inputs][block]. */
struct layer {
    const float *weights;
    const float *bias;
    int inputs, outputs;
    int block; /* a multiple of the lanes of a vector */
};

typedef float run_fn(struct rp_vad *vad, const int16_t *pcm);

struct rp_vad_model {
    run_fn *run;
    struct layer stft, conv[4], lstm;
    const float *out; /* UNITS weights */
    float out_bias;
    float *memory; /* all weights, ALIGNMENT-aligned within `block` */
    void *block;
};

/* ---- the network ----------------------------------------------------------------------------- */

INLINE void relu(float *x, int n)
{
    for (int i = 0; i < n; i++)
        x[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

static float hyperbolic(float x)
{
    return 2.0f * sigmoid(2.0f * x) - 1.0f;
}

/* Context, window and their reflection, as floats; keeps the context of the next window. */
static void take_samples(struct rp_vad *vad, const int16_t *pcm, float *x)
{
    const int len = CONTEXT + RP_VAD_WINDOW;

    memcpy(x, vad->context, sizeof(vad->context));
    for (int i = 0; i < RP_VAD_WINDOW; i++)
        x[CONTEXT + i] = (float)pcm[i] / 32768.0f;
    memcpy(vad->context, x + RP_VAD_WINDOW, sizeof(vad->context));
    for (int i = 0; i < CONTEXT; i++)
        x[len + i] = x[len - 2 - i];
}

/* Gates are input, forget, cell, output, UNITS of each. */
static void lstm_step(struct rp_vad *vad, const float *gates)
{
    for (int i = 0; i < UNITS; i++) {
        float keep = sigmoid(gates[UNITS + i]) * vad->cell[i];
        vad->cell[i] = keep + sigmoid(gates[i]) * hyperbolic(gates[2 * UNITS + i]);
        vad->hidden[i] = sigmoid(gates[3 * UNITS + i]) * hyperbolic(vad->cell[i]);
    }
}

#define RUN     run_anywhere
#define TARGET  /* none */
#define LANES   4
#define MAX_ACC 16
#include "audio/vad_kernel.h"

#if defined(__x86_64__)
#define RUN     run_avx2
#define TARGET  __attribute__((target("avx2,fma")))
#define LANES   8
#define MAX_ACC 8
#include "audio/vad_kernel.h"

static run_fn *choose(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? run_avx2
                                                                           : run_anywhere;
}
#else
static run_fn *choose(void)
{
    return run_anywhere;
}
#endif

void rp_vad_init(struct rp_vad *vad, const struct rp_vad_model *model)
{
    *vad = (struct rp_vad){.model = model};
}

float rp_vad_window(struct rp_vad *vad, const int16_t pcm[RP_VAD_WINDOW])
{
    return vad->model->run(vad, pcm);
}

/* ---- the file ---------------------------------------------------------------------------------
 *
 * "RPVAD1\n" and a zero byte, then these tensors as little-endian floats, the last index fastest;
 * scripts/speech-pack writes it. */

static const char magic[8] = "RPVAD1\n";

enum {
    STFT = 0,
    CONV = STFT + 2 * BINS * TAPS, /* four times: weights [out][in][3], bias [out] */
    LSTM = CONV + 128 * (129 * 3 + 1) + 64 * (128 * 3 + 1) + 64 * (64 * 3 + 1) + 128 * (64 * 3 + 1),
    OUT = LSTM + 4 * UNITS * (UNITS + UNITS + 1 + 1), /* weights of input and hidden, both biases */
    FILE_FLOATS = OUT + UNITS + 1,
};

/* What a model needs: the file's tensors, the STFT filled up and given a bias. */
enum { MEMORY_FLOATS = FILE_FLOATS + 2 * (PARTS - BINS) * TAPS + 2 * PARTS };

static float file_float(const uint8_t *bytes, int index)
{
    const uint8_t *p = bytes + sizeof(magic) + (size_t)index * 4;
    uint32_t u = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    float x;

    memcpy(&x, &u, sizeof(x));
    return x;
}

/* Room for a layer out of the model's memory; *bias and *weights are to be filled. */
static void place(struct rp_vad_model *m, struct layer *l, int inputs, int outputs, int block)
{
    *l = (struct layer){m->memory, m->memory + inputs * outputs, inputs, outputs, block};
    m->memory += (inputs + 1) * outputs;
}

/* Where the weight of (output, input) stands. */
static float *weight(const struct layer *l, int out, int in)
{
    int at = out / l->block * l->block * l->inputs + in * l->block + out % l->block;

    return (float *)l->weights + at;
}

static float *bias(const struct layer *l, int out)
{
    return (float *)l->bias + out;
}

static void load_stft(struct rp_vad_model *m, const uint8_t *bytes)
{
    place(m, &m->stft, TAPS, 2 * PARTS, 16);
    for (int o = 0; o < 2 * BINS; o++)
        for (int i = 0; i < TAPS; i++)
            *weight(&m->stft, o < BINS ? o : o - BINS + PARTS, i) =
                file_float(bytes, STFT + o * TAPS + i);
}

/* Gives the index behind the layer. */
static int load_conv(struct rp_vad_model *m, struct layer *l, const uint8_t *bytes, int at, int in,
                     int out, int block)
{
    place(m, l, 3 * in, out, block);
    for (int o = 0; o < out; o++)
        for (int i = 0; i < in; i++)
            for (int tap = 0; tap < 3; tap++)
                *weight(l, o, tap * in + i) = file_float(bytes, at++);
    for (int o = 0; o < out; o++)
        *bias(l, o) = file_float(bytes, at++);
    return at;
}

static void load_lstm(struct rp_vad_model *m, const uint8_t *bytes)
{
    const int gates = 4 * UNITS, hidden = LSTM + gates * UNITS, biases = hidden + gates * UNITS;

    place(m, &m->lstm, 2 * UNITS, gates, 64);
    for (int o = 0; o < gates; o++) {
        for (int i = 0; i < UNITS; i++) {
            *weight(&m->lstm, o, i) = file_float(bytes, LSTM + o * UNITS + i);
            *weight(&m->lstm, o, UNITS + i) = file_float(bytes, hidden + o * UNITS + i);
        }
        *bias(&m->lstm, o) = file_float(bytes, biases + o) + file_float(bytes, biases + gates + o);
    }
}

static void load(struct rp_vad_model *m, const uint8_t *bytes)
{
    int at = CONV;

    load_stft(m, bytes);
    at = load_conv(m, &m->conv[0], bytes, at, BINS, 128, 16);
    at = load_conv(m, &m->conv[1], bytes, at, 128, 64, 32);
    at = load_conv(m, &m->conv[2], bytes, at, 64, 64, 64);
    at = load_conv(m, &m->conv[3], bytes, at, 64, 128, 64);
    RP_ASSERT(at == LSTM);
    load_lstm(m, bytes);
    m->out = m->memory;
    for (int i = 0; i < UNITS; i++)
        m->memory[i] = file_float(bytes, OUT + i);
    m->memory += UNITS;
    m->out_bias = file_float(bytes, OUT + UNITS);
}

int rp_vad_model_new(struct rp_vad_model **out, const void *bytes, size_t len)
{
    struct rp_vad_model *m;

    if (len != sizeof(magic) + (size_t)FILE_FLOATS * 4 || memcmp(bytes, magic, sizeof(magic)) != 0)
        return RP_EPROTO;
    for (int i = 0; i < FILE_FLOATS; i++)
        if (!isfinite(file_float(bytes, i)))
            return RP_EPROTO;
    m = rp_zalloc(sizeof(*m));
    if (!m)
        return RP_ENOMEM;
    m->block = rp_zalloc(MEMORY_FLOATS * sizeof(float) + ALIGNMENT);
    if (!m->block) {
        rp_free(m);
        return RP_ENOMEM;
    }
    m->memory = (float *)(((uintptr_t)m->block + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
    load(m, bytes);
    m->run = choose();
    *out = m;
    return 0;
}

void rp_vad_model_free(struct rp_vad_model *model)
{
    if (!model)
        return;
    rp_free(model->block);
    rp_free(model);
}

void rp_vad_model_use_portable(struct rp_vad_model *model)
{
    model->run = run_anywhere;
}
