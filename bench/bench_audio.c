/* What hearing costs: µs for a piece of audio, and for a second of it.
 *
 *     bench_audio SPEECH_PACK [MILLISECONDS]      for each line of the table, 200 by default
 *
 * CPU time of one thread. The caller is beckett.wav of the speech pack; the agent says the same a
 * little earlier, so that its echo is looked for. */
#include <stdio.h>
#include <stdlib.h>

#include "audio/echo.h"
#include "audio/g711.h"
#include "audio/resample.h"
#include "audio/speech.h"
#include "audio/steady.h"
#include "audio/wav.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

enum { HZ = RP_VAD_HZ, WINDOW = RP_VAD_WINDOW, LONGEST = 30 * HZ };

static int64_t budget_us = 200000;

struct bench {
    struct rp_vad_model *model;
    struct rp_vad vad;
    struct rp_speech talk, quiet;
    struct rp_echo *echo;
    struct rp_resample *resample;
    int16_t pcm[LONGEST];
    size_t n; /* samples in pcm */
    size_t at;
    int64_t pos;
    uint8_t ulaw[HZ / 2];
    int16_t out[HZ];
};

/* One thing to measure, once. */
typedef void work_fn(struct bench *b);

static volatile float sink;

/* The next window of the recording, over and over. */
static const int16_t *next(struct bench *b)
{
    b->at = b->at + 4 * WINDOW <= b->n ? b->at + WINDOW : 0;
    b->pos += WINDOW;
    return b->pcm + b->at;
}

static void network(struct bench *b)
{
    sink = rp_vad_window(&b->vad, next(b));
}

static void tones(struct bench *b)
{
    const int16_t *pcm = next(b);

    sink = rp_steadiness(pcm, pcm + WINDOW, pcm + 2 * WINDOW);
}

static void detect(struct rp_speech *s, const int16_t *pcm)
{
    size_t n = WINDOW;

    sink = (float)rp_speech_take(s, &pcm, &n);
}

static void talk(struct bench *b)
{
    detect(&b->talk, next(b));
}

static void quiet(struct bench *b)
{
    static const int16_t silence[WINDOW];

    detect(&b->quiet, silence);
}

static void echo_of_agent(struct bench *b)
{
    const int16_t *pcm = next(b);

    rp_echo_plays(b->echo, pcm + WINDOW, WINDOW, b->pos);
    sink = rp_echo_window(b->echo, pcm, b->pos);
}

static void echo_of_nobody(struct bench *b)
{
    const int16_t *pcm = next(b);

    sink = rp_echo_window(b->echo, pcm, b->pos);
}

static void resample(struct bench *b)
{
    sink = (float)rp_resample_run(b->resample, next(b), WINDOW / 2, b->out);
}

static void ulaw(struct bench *b)
{
    rp_ulaw_encode(next(b), WINDOW / 2, b->ulaw);
    rp_ulaw_decode(b->ulaw, WINDOW / 2, b->out);
    sink = b->out[0];
}

static const struct {
    const char *name;
    work_fn *work;
} rows[] = {
    {"the network alone (vad)", network},
    {"whether it is a tone (steady)", tones},
    {"speech detector, somebody talks", talk},
    {"speech detector, silence", quiet},
    {"echo, the agent speaks", echo_of_agent},
    {"echo, the agent is silent", echo_of_nobody},
    {"8 to 16 kHz", resample},
    {"µ-law, both ways, 8 kHz", ulaw},
};

/* Microseconds a run. */
static double measure(work_fn *work, struct bench *b)
{
    const int64_t start = rp_cpu_us();
    uint64_t runs = 0;
    int64_t spent;

    do {
        for (int i = 0; i < 100; i++)
            work(b);
        runs += 100;
        spent = rp_cpu_us() - start;
    } while (spent < budget_us);
    return (double)spent / (double)runs;
}

static int read_file(struct rp_buf *b, const char *folder, const char *name)
{
    char path[1024], chunk[4096];
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "rb");
    if (!f) {
        (void)fprintf(stderr, "bench_audio: cannot open %s\n", path);
        return -1;
    }
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        (void)rp_buf_add(b, chunk, n);
    (void)fclose(f);
    return rp_buf_err(b);
}

static int load(struct bench *b, const char *folder)
{
    struct rp_wav_reader reader;
    struct rp_buf weights, wav;
    struct rp_str in;
    ssize_t n = -1;
    int err;

    rp_buf_init(&weights, 16u << 20);
    rp_buf_init(&wav, 64u << 20);
    err = read_file(&weights, folder, "vad/silero_vad_16k.bin");
    if (!err)
        err = read_file(&wav, folder, "recordings/beckett.wav");
    if (!err)
        err = rp_vad_model_new(&b->model, weights.p, weights.len);
    if (!err) {
        rp_wav_reader_init(&reader);
        in = rp_buf_view(&wav);
        n = rp_wav_read(&reader, &in, b->pcm, LONGEST);
        b->n = n > 0 ? (size_t)n : 0;
        err = b->n < HZ ? -1 : 0;
    }
    rp_buf_fini(&weights);
    rp_buf_fini(&wav);
    return err;
}

int main(int argc, char **argv)
{
    struct bench *b = rp_zalloc(sizeof(*b));
    int status = 1;

    if (argc < 2 || !b || load(b, argv[1]) != 0 || rp_echo_new(&b->echo) != 0 ||
        rp_resample_new(&b->resample, 8000, HZ) != 0) {
        (void)fprintf(stderr, "usage: bench_audio SPEECH_PACK [MILLISECONDS]\n");
        goto out;
    }
    if (argc > 2)
        budget_us = strtoll(argv[2], NULL, 10) * 1000;
    rp_vad_init(&b->vad, b->model);
    rp_speech_init(&b->talk, b->model, RP_SPEECH_DEFAULTS, 0);
    rp_speech_init(&b->quiet, b->model, RP_SPEECH_DEFAULTS, 0);
    (void)printf("%-36s %12s %16s\n", "", "µs / 32 ms", "µs / second");
    for (size_t i = 0; i < RP_COUNT(rows); i++) {
        double us = measure(rows[i].work, b);
        (void)printf("%-36s %11.2f %15.1f\n", rows[i].name, us, us * HZ / WINDOW);
    }
    status = 0;
out:
    if (b) {
        rp_echo_free(b->echo);
        rp_resample_free(b->resample);
        rp_vad_model_free(b->model);
    }
    rp_free(b);
    return status;
}
