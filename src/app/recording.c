/* A WAV file as a whole; see recording.h. */
#include "app/recording.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/file.h"
#include "audio/pcm.h"
#include "audio/resample.h"
#include "audio/wav.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#define FILE_MAX  ((size_t)1 << 30)
#define LOUD_DBFS (-45.0f)
#define FRAME_MS  20

/* All samples of the file, at its own rate. */
static int decode(struct rp_buf *samples, int *rate_hz, struct rp_str bytes)
{
    struct rp_wav_reader reader;
    int16_t block[4096];
    ssize_t n;

    rp_wav_reader_init(&reader);
    do {
        n = rp_wav_read(&reader, &bytes, block, RP_COUNT(block));
        if (n > 0 && rp_buf_add(samples, block, (size_t)n * sizeof(block[0])) != 0)
            return rp_buf_err(samples);
    } while (n > 0);
    if ((n < 0 && n != RP_EOF) || !reader.ready)
        return RP_EPROTO;
    *rate_hz = reader.format.rate_hz;
    return 0;
}

static int convert(struct rp_recording *r, const struct rp_buf *samples, int from_hz, int to_hz)
{
    const int16_t *in = (const int16_t *)(const void *)samples->p;
    size_t n = samples->len / sizeof(*in);
    struct rp_resample *resample;
    int err = rp_resample_new(&resample, from_hz, to_hz);

    if (err)
        return err;
    r->pcm = rp_calloc(rp_resample_room(resample, n) + rp_resample_room(resample, 0) + 1,
                       sizeof(*r->pcm));
    if (r->pcm) {
        r->n = rp_resample_run(resample, in, n, r->pcm);
        r->n += rp_resample_flush(resample, r->pcm + r->n);
    }
    rp_resample_free(resample);
    return r->pcm ? 0 : RP_ENOMEM;
}

static size_t find_speech_end(const struct rp_recording *r, int rate_hz)
{
    size_t frame = (size_t)rate_hz * FRAME_MS / 1000, end = 0;

    for (size_t at = 0; at + frame <= r->n; at += frame)
        if (rp_pcm_dbfs(rp_pcm_rms(r->pcm + at, frame)) > LOUD_DBFS)
            end = at + frame;
    return end ? end : r->n;
}

int rp_recording_load(struct rp_recording *r, const char *path, int rate_hz)
{
    struct rp_buf bytes, samples;
    int from_hz = 0;
    int err;

    *r = (struct rp_recording){0};
    rp_buf_init(&bytes, FILE_MAX);
    rp_buf_init(&samples, FILE_MAX);
    err = rp_file_read(&bytes, path);
    if (err) {
        (void)fprintf(stderr, "riposte: cannot read %s: %s\n", path,
                      err == RP_EIO ? strerror(errno) : rp_err_text(err));
    } else {
        err = decode(&samples, &from_hz, rp_buf_view(&bytes));
        if (!err)
            err = convert(r, &samples, from_hz, rate_hz);
        if (err)
            (void)fprintf(stderr, "riposte: %s is no WAV file that can be spoken: %s\n", path,
                          rp_err_text(err));
    }
    if (!err)
        r->speech_end = find_speech_end(r, rate_hz);
    rp_buf_fini(&bytes);
    rp_buf_fini(&samples);
    return err;
}

void rp_recording_fini(struct rp_recording *r)
{
    rp_free(r->pcm);
    *r = (struct rp_recording){0};
}

int rp_recording_save(const char *path, const int16_t *pcm, size_t n, int rate_hz)
{
    uint8_t header[RP_WAV_HEADER_LEN];
    FILE *f = fopen(path, "wbe");
    bool ok = f != NULL;

    rp_wav_header(header, rate_hz, 1, n * sizeof(*pcm));
    ok = ok && fwrite(header, sizeof(header), 1, f) == 1;
    ok = ok && (n == 0 || fwrite(pcm, sizeof(*pcm), n, f) == n);
    if (f)
        ok = fclose(f) == 0 && ok;
    if (!ok)
        (void)fprintf(stderr, "riposte: cannot write %s: %s\n", path, strerror(errno));
    return ok ? 0 : RP_EIO;
}
