/* The code of the network (vad.c), included once for each width of vector registers.
 *
 * The including file defines LANES, the floats in a vector, and RUN, the name of the function. */

#define PASTE_(a, b) a##b
#define PASTE(a, b)  PASTE_(a, b)
#define VEC          PASTE(vec, LANES)
#define APPLY        PASTE(apply, LANES)

typedef float VEC __attribute__((vector_size(LANES * sizeof(float))));

/* `frames` inputs that lie `in_step` apart, `frames` outputs `out_step` apart. The two constants of
 * each call decide the code: frames × block / LANES accumulators have to fit the registers. */
INLINE void APPLY(const struct layer *l, const int frames, const int block, const float *in,
                  int in_step, float *out, int out_step)
{
    const int nvec = block / LANES;
    const VEC *w = (const VEC *)(const void *)l->weights;

    for (int o = 0; o < l->outputs; o += block) {
        const VEC *bias = (const VEC *)(const void *)(l->bias + o);
        VEC acc[MAX_ACC];

        /* clang-format off */
        EACH(f, frames) EACH(v, nvec)
            acc[f * nvec + v] = bias[v];
        for (int i = 0; i < l->inputs; i++, w += nvec)
            EACH(f, frames) EACH(v, nvec)
                acc[f * nvec + v] += w[v] * in[f * in_step + i];
        EACH(f, frames) EACH(v, nvec)
            memcpy(out + f * out_step + o + v * LANES, &acc[f * nvec + v], sizeof(VEC));
        /* clang-format on */
    }
}

TARGET static float RUN(struct rp_vad *vad, const int16_t *pcm)
{
    const struct rp_vad_model *m = vad->model;
    float samples[CONTEXT + RP_VAD_WINDOW + CONTEXT], parts[FRAMES][2 * PARTS];
    float mags[FRAMES + 2][BINS] = {0}, a[FRAMES + 2][128] = {0}, b[2 + 2][64] = {0};
    float c[1 + 2][64] = {0}, x[2 * UNITS], gates[4 * UNITS], sum = m->out_bias;

    take_samples(vad, pcm, samples);
    APPLY(&m->stft, 4, 16, samples, HOP, parts[0], 2 * PARTS);
    for (int f = 0; f < FRAMES; f++)
        for (int i = 0; i < BINS; i++)
            mags[1 + f][i] =
                sqrtf(parts[f][i] * parts[f][i] + parts[f][PARTS + i] * parts[f][PARTS + i]);

    APPLY(&m->conv[0], 4, 16, mags[0], BINS, a[1], 128);
    relu(a[1], 4 * 128);
    APPLY(&m->conv[1], 2, 32, a[0], 2 * 128, b[1], 64);
    relu(b[1], 2 * 64);
    APPLY(&m->conv[2], 1, 64, b[0], 0, c[1], 0);
    relu(c[1], 64);
    APPLY(&m->conv[3], 1, 64, c[0], 0, x, 0);
    relu(x, UNITS);

    memcpy(x + UNITS, vad->hidden, sizeof(vad->hidden));
    APPLY(&m->lstm, 1, 64, x, 0, gates, 0);
    lstm_step(vad, gates);
    for (int i = 0; i < UNITS; i++)
        sum += m->out[i] * (vad->hidden[i] > 0.0f ? vad->hidden[i] : 0.0f);
    return sigmoid(sum);
}

#undef RUN
#undef TARGET
#undef LANES
#undef MAX_ACC
#undef VEC
#undef APPLY
#undef PASTE
#undef PASTE_
