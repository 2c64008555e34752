/* The speech pack, opened once; see speech.h. */
#include "app/speech.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/file.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "stt/registry.h"
#include "tts/registry.h"

#define VAD_FILE "vad/silero_vad_16k.bin"
#define VAD_MAX  (16u << 20)

struct rp_speech_engines {
    char dir[512];
    struct rp_workers *workers;
    struct rp_vad_model *vad;
    struct rp_stt_registry *stt;
    struct rp_tts_registry *tts;
};

/* Where the pack may be, seen from the folder of the program: a build folder, an installation. */
static const char *const places[] = {"speech", "../share/riposte/speech", "../speech"};

static bool is_pack(const char *dir)
{
    char path[600];

    (void)snprintf(path, sizeof(path), "%s/" VAD_FILE, dir);
    return access(path, R_OK) == 0;
}

static void find_dir(struct rp_speech_engines *s)
{
    char exe[400];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash;

    exe[len > 0 ? len : 0] = '\0';
    slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < RP_COUNT(places); i++) {
        (void)snprintf(s->dir, sizeof(s->dir), "%s/%s", exe, places[i]);
        if (is_pack(s->dir))
            return;
    }
    (void)snprintf(s->dir, sizeof(s->dir), "%s/%s", exe, places[0]);
}

static int say(char **why, int err, const char *what, const struct rp_speech_engines *s)
{
    struct rp_buf b;

    rp_buf_init(&b, 2048);
    (void)rp_buf_printf(&b,
                        "%s in %s (%s); scripts/speech-pack makes the folder, --speech-dir says "
                        "where it is",
                        what, s->dir, rp_err_text(err));
    if (!*why)
        *why = rp_buf_take(&b);
    rp_buf_fini(&b);
    return err;
}

static int open_vad(struct rp_speech_engines *s)
{
    char path[600];
    struct rp_buf b;
    int err;

    (void)snprintf(path, sizeof(path), "%s/" VAD_FILE, s->dir);
    rp_buf_init(&b, VAD_MAX);
    err = rp_file_read(&b, path);
    if (!err)
        err = rp_vad_model_new(&s->vad, b.p, b.len);
    rp_buf_fini(&b);
    return err;
}

int rp_speech_open(struct rp_speech_engines **out, const char *dir, unsigned nworkers,
                   size_t max_queued, char **why)
{
    struct rp_speech_engines *s = rp_zalloc(sizeof(*s));
    int err;

    if (!s)
        return RP_ENOMEM;
    if (dir)
        (void)snprintf(s->dir, sizeof(s->dir), "%s", dir);
    else
        find_dir(s);
    err = open_vad(s);
    if (err) {
        err = say(why, err, "no usable voice detector", s);
        rp_free(s);
        return err;
    }
    err = rp_workers_new(&s->workers, nworkers, max_queued);
    if (!err)
        err = rp_stt_registry_start(&s->stt, &(struct rp_stt_env){s->workers, s->dir, s->vad});
    if (err)
        (void)say(why, err, "no usable recogniser", s);
    if (!err) {
        err = rp_tts_registry_start(&s->tts, &(struct rp_tts_env){s->workers, s->dir});
        if (err)
            (void)say(why, err, "no usable synthesiser", s);
    }
    if (err) {
        rp_speech_stop(s);
        rp_speech_free(s);
        return err;
    }
    rp_log("app", RP_LOG_INFO, NULL, "speech: %u workers, pack in %s", nworkers, s->dir);
    *out = s;
    return 0;
}

const struct rp_vad_model *rp_speech_vad(const struct rp_speech_engines *s)
{
    return s->vad;
}

const struct rp_stt_engine *rp_speech_stt(const struct rp_speech_engines *s)
{
    bool stand_in;

    return rp_stt_engine(s->stt, RP_STR("stt.local"), &stand_in);
}

const struct rp_tts_engine *rp_speech_tts(const struct rp_speech_engines *s)
{
    bool stand_in;

    return rp_tts_engine(s->tts, RP_STR("tts.local"), &stand_in);
}

void rp_speech_stop(struct rp_speech_engines *s)
{
    if (s)
        rp_workers_free(s->workers);
}

void rp_speech_free(struct rp_speech_engines *s)
{
    if (!s)
        return;
    rp_tts_registry_stop(s->tts);
    rp_stt_registry_stop(s->stt);
    rp_vad_model_free(s->vad);
    rp_free(s);
}
