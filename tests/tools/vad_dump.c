/* Prints the speech probability of each window of a recording.
 *
 *   vad_dump WEIGHTS best|portable < PCM       16-bit little-endian samples; one number a line
 *   vad_dump WEIGHTS best|portable N < PCM     the mean time of a window over N passes, in µs
 *
 * Driven by tests/integration/test_vad_reference.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audio/pcm.h"
#include "audio/vad.h"
#include "base/buf.h"
#include "base/mem.h"

static int read_all(struct rp_buf *b, FILE *f)
{
    char chunk[4096];
    size_t n;

    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        if (rp_buf_add(b, chunk, n) != 0)
            return -1;
    return ferror(f) ? -1 : 0;
}

static void dump(struct rp_vad_model *model, const int16_t *pcm, size_t nwindows)
{
    struct rp_vad vad;

    rp_vad_init(&vad, model);
    for (size_t i = 0; i < nwindows; i++)
        (void)printf("%.9g\n", (double)rp_vad_window(&vad, pcm + i * RP_VAD_WINDOW));
}

static void measure(struct rp_vad_model *model, const int16_t *pcm, size_t nwindows, long passes)
{
    struct timespec t0, t1;
    struct rp_vad vad;

    rp_vad_init(&vad, model);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t0);
    for (long k = 0; k < passes; k++)
        for (size_t i = 0; i < nwindows; i++)
            (void)rp_vad_window(&vad, pcm + i * RP_VAD_WINDOW);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t1);
    (void)printf("%.2f\n",
                 ((double)(t1.tv_sec - t0.tv_sec) * 1e6 + (double)(t1.tv_nsec - t0.tv_nsec) / 1e3) /
                     ((double)nwindows * (double)passes));
}

int main(int argc, char **argv)
{
    struct rp_vad_model *model = NULL;
    struct rp_pcm_carry carry = {0};
    struct rp_buf weights, bytes;
    int16_t *pcm = NULL;
    FILE *f = argc > 2 ? fopen(argv[1], "rb") : NULL;
    int status = 1;

    rp_buf_init(&weights, 16u << 20);
    rp_buf_init(&bytes, 256u << 20);
    if (!f || read_all(&weights, f) != 0 || read_all(&bytes, stdin) != 0)
        goto out;
    pcm = rp_calloc(bytes.len / 2 + 1, sizeof(*pcm));
    if (!pcm || rp_vad_model_new(&model, weights.p, weights.len) != 0)
        goto out;
    if (strcmp(argv[2], "portable") == 0)
        rp_vad_model_use_portable(model);
    (void)rp_pcm_from_le(&carry, (const uint8_t *)bytes.p, bytes.len, pcm);
    if (argc > 3)
        measure(model, pcm, bytes.len / 2 / RP_VAD_WINDOW, strtol(argv[3], NULL, 10));
    else
        dump(model, pcm, bytes.len / 2 / RP_VAD_WINDOW);
    status = 0;
out:
    if (status != 0)
        (void)fprintf(stderr, "usage: vad_dump WEIGHTS best|portable [PASSES] < PCM\n");
    rp_vad_model_free(model);
    rp_free(pcm);
    rp_buf_fini(&weights);
    rp_buf_fini(&bytes);
    if (f)
        (void)fclose(f);
    return status;
}
