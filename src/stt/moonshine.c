/* Moonshine through sherpa-onnx; see moonshine.h. */
#include "stt/moonshine.h"

#include <stdio.h>
#include <unistd.h>

#include <sherpa-onnx/c-api/c-api.h>

#include "audio/pcm.h"
#include "audio/speech.h"
#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "stt/words.h"

/* Silence around the words: with less the network loses short ones at the ends. Of 0 to 500 ms this
 * had the fewest word errors on utterances of one second. */
#define PAD ((size_t)300 * RP_MOONSHINE_HZ / 1000)
/* Quiet speech is made louder, which saves a third of its word errors at -50 dBFS. */
#define QUIET_PEAK  0.1f
#define WANTED_PEAK 0.5f
#define MAX_GAIN    40.0f

struct rp_moonshine {
    const SherpaOnnxOfflineRecognizer *recogniser;
    const struct rp_vad_model *vad;
};

/* Ends with the first speech found: costs next to nothing when there is some. */
static bool holds_speech(const struct rp_vad_model *model, const int16_t *pcm, size_t n)
{
    struct rp_speech detector;

    if (!model)
        return n > 0;
    rp_speech_init(&detector, model, RP_SPEECH_DEFAULTS, 0);
    while (n > 0)
        if (rp_speech_take(&detector, &pcm, &n) == RP_SPEECH_START)
            return true;
    return false;
}

/* Recognises samples with their padding. */
static char *decode(const struct rp_moonshine *m, const float *samples, size_t n)
{
    const SherpaOnnxOfflineStream *stream = SherpaOnnxCreateOfflineStream(m->recogniser);
    const SherpaOnnxOfflineRecognizerResult *result;
    char *text = NULL;

    if (!stream)
        return NULL;
    SherpaOnnxAcceptWaveformOffline(stream, RP_MOONSHINE_HZ, samples, (int32_t)n);
    SherpaOnnxDecodeOfflineStream(m->recogniser, stream);
    result = SherpaOnnxGetOfflineStreamResult(stream);
    if (result && result->text)
        text = rp_stt_clean(rp_str_z(result->text), (double)n / RP_MOONSHINE_HZ);
    if (result)
        SherpaOnnxDestroyOfflineRecognizerResult(result);
    SherpaOnnxDestroyOfflineStream(stream);
    return text;
}

char *rp_moonshine_hear(const struct rp_moonshine *m, const int16_t *pcm, size_t n)
{
    float peak, gain = 1.0f / 32768, *samples;
    char *text;

    if (!holds_speech(m->vad, pcm, n))
        return rp_strdup("");
    samples = rp_calloc(PAD + n + PAD, sizeof(*samples));
    if (!samples)
        return NULL;
    peak = (float)rp_pcm_peak(pcm, n) / 32768;
    if (peak > 0 && peak < QUIET_PEAK)
        gain *= RP_MIN(WANTED_PEAK / peak, MAX_GAIN);
    for (size_t i = 0; i < n; i++)
        samples[PAD + i] = (float)pcm[i] * gain;
    text = decode(m, samples, PAD + n + PAD);
    rp_free(samples);
    return text;
}

/* The path of a file of the pack. The library ends the process when one is missing: look first. */
static int find(char *path, size_t size, const char *dir, const char *name)
{
    (void)snprintf(path, size, "%s/moonshine-tiny-en/%s", dir, name);
    if (access(path, R_OK) == 0)
        return 0;
    rp_log("stt", RP_LOG_ERROR, NULL, "cannot read %s", path);
    return RP_EIO;
}

int rp_moonshine_new(struct rp_moonshine **out, const char *dir, const struct rp_vad_model *vad)
{
    SherpaOnnxOfflineRecognizerConfig config = {0};
    char encoder[600], decoder[600], tokens[600];
    struct rp_moonshine *m;
    int err = find(encoder, sizeof(encoder), dir, "encoder_model.ort");

    if (!err)
        err = find(decoder, sizeof(decoder), dir, "decoder_model_merged.ort");
    if (!err)
        err = find(tokens, sizeof(tokens), dir, "tokens.txt");
    if (err)
        return err;
    m = rp_zalloc(sizeof(*m));
    if (!m)
        return RP_ENOMEM;
    config.model_config.moonshine.encoder = encoder;
    config.model_config.moonshine.merged_decoder = decoder;
    config.model_config.tokens = tokens;
    config.model_config.num_threads = 1;
    config.model_config.provider = "cpu";
    config.decoding_method = "greedy_search";
    m->recogniser = SherpaOnnxCreateOfflineRecognizer(&config);
    m->vad = vad;
    if (!m->recogniser) {
        rp_free(m);
        return RP_EIO;
    }
    *out = m;
    return 0;
}

void rp_moonshine_free(struct rp_moonshine *m)
{
    if (!m)
        return;
    SherpaOnnxDestroyOfflineRecognizer(m->recogniser);
    rp_free(m);
}
