/* Local recognition: Moonshine tiny (English) through sherpa-onnx, on the speech workers.
 *
 * The network hears whole utterances, not a stream, so each answer recognises the utterance anew
 * from its beginning; at 40 times real time that is cheap. What has become too long is cut at its
 * quietest place: the front part is recognised once, as a segment, and its words are kept.
 *
 *     utterance   [ segment 0 | segment 1 | tail ………… ]
 *                   words       words       interims, finals
 *
 * A job owns a copy of its audio. It knows its session by a pointer that the session takes back
 * when it closes: both touch it on the session's loop only. */
#include "stt/local.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sherpa-onnx/c-api/c-api.h>

#include "audio/pcm.h"
#include "audio/ring.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "stt/words.h"

#define MS(ms)        ((size_t)(ms)*RP_STT_RATE / 1000)
#define PREROLL       MS(1500)  /* kept while nobody speaks */
#define LEAD_IN       MS(250)   /* heard before an utterance: soft onsets are found late */
#define SEGMENT_MAX   MS(16000) /* of tail before a part is cut off … */
#define SEGMENT_MIN   MS(8000)  /* … of at least this length */
#define QUIET_FRAME   MS(40)
#define INTERIM_EVERY MS(300) /* of new audio, at the least */
#define INTERIM_MIN   MS(400) /* of audio in all */
#define INTERIM_LOAD  3       /* an interim may take a third of the time */
#define PAD_FRONT     MS(100) /* the network likes a little silence around the words */
#define PAD_BACK      MS(200)
#define SHORTEST      MS(100) /* shorter audio has no word in it */
#define SILENT_DBFS   (-62.0f)
#define UTTERANCE_MAX ((size_t)RP_STT_RATE * 600 * sizeof(int16_t))
#define TEXT_MAX      (256u << 10)

struct engine {
    struct rp_stt_engine base;
    struct rp_workers *workers;
    unsigned n; /* recognisers, one for each worker */
    const SherpaOnnxOfflineRecognizer *recognisers[];
};

enum kind { SEGMENT, FINAL, INTERIM };

struct job {
    struct rp_job job;
    struct rp_node node; /* in its session, as long as that is there */
    struct session *session;
    const struct engine *engine;
    enum kind kind;
    uint64_t utterance;
    uint64_t token;
    int64_t to;
    int64_t work_us;
    char *text; /* the answer; NULL: it failed */
    size_t n;
    float samples[];
};

struct session {
    struct rp_stt base;
    struct engine *engine;
    struct rp_stt_params p;
    struct rp_ring ring;
    struct rp_list jobs;
    bool open;
    int64_t heard_to;    /* end of the last final: it is not heard twice */
    uint64_t utterance;  /* counts them: answers to older ones are dropped */
    int64_t tail_from;   /* position of the tail's first sample */
    struct rp_buf tail;  /* samples not cut off yet */
    struct rp_buf words; /* of the segments recognised so far */
    struct job *final, *interim;
    int pending;         /* segments under way */
    int64_t interim_at;  /* position of the newest interim's end */
    int64_t interim_gap; /* samples until the next one */
    /* A final that came before the segments in front of it. */
    char *held;
    uint64_t held_token;
    int64_t held_to, held_us;
};

/* ---- on a worker ---- */

static void recognise(struct rp_job *j, unsigned worker)
{
    struct job *job = RP_CONTAINER_OF(j, struct job, job);
    const SherpaOnnxOfflineRecognizer *r = job->engine->recognisers[worker];
    int64_t begin = rp_now_us();
    const SherpaOnnxOfflineStream *stream;
    const SherpaOnnxOfflineRecognizerResult *result;

    if (atomic_load(&job->job.cancelled))
        return;
    stream = SherpaOnnxCreateOfflineStream(r);
    if (!stream)
        return;
    SherpaOnnxAcceptWaveformOffline(stream, RP_STT_RATE, job->samples, (int32_t)job->n);
    SherpaOnnxDecodeOfflineStream(r, stream);
    result = SherpaOnnxGetOfflineStreamResult(stream);
    if (result && result->text)
        job->text = rp_stt_clean(rp_str_z(result->text), (double)job->n / RP_STT_RATE);
    if (result)
        SherpaOnnxDestroyOfflineRecognizerResult(result);
    SherpaOnnxDestroyOfflineStream(stream);
    job->work_us = rp_now_us() - begin;
}

/* ---- answers, on the loop ---- */

static struct rp_str join(struct rp_buf *b, const struct session *s, const char *tail)
{
    struct rp_str words = rp_buf_view(&s->words);

    rp_buf_init(b, TEXT_MAX);
    (void)rp_buf_str(b, words);
    if (words.len && *tail)
        (void)rp_buf_char(b, ' ');
    (void)rp_buf_z(b, tail);
    return rp_buf_view(b);
}

static void tell(struct session *s, enum rp_stt_event_type type, uint64_t token, const char *tail,
                 int64_t to, int64_t work_us)
{
    struct rp_buf b;
    const struct rp_stt_event ev = {
        .type = type, .token = token, .text = join(&b, s, tail), .to = to, .work_us = work_us};

    s->p.cb(&ev, s->p.arg);
    rp_buf_fini(&b);
}

static void tell_failed(struct session *s, uint64_t token)
{
    s->p.cb(&(struct rp_stt_event){.type = RP_STT_FAILED,
                                   .token = token,
                                   .text = RP_STR(""),
                                   .why = "the local recogniser gave no answer"},
            s->p.arg);
}

static void drop_held(struct session *s)
{
    rp_free(s->held);
    s->held = NULL;
}

static void tell_held(struct session *s)
{
    char *text = s->held;

    if (!text || s->pending > 0)
        return;
    s->held = NULL;
    tell(s, RP_STT_FINAL, s->held_token, text, s->held_to, s->held_us);
    rp_free(text);
}

static void answer(struct session *s, struct job *job)
{
    bool current = job->utterance == s->utterance && s->open;

    if (job == s->final)
        s->final = NULL;
    if (job == s->interim) {
        s->interim = NULL;
        s->interim_gap =
            RP_MAX((int64_t)INTERIM_EVERY, INTERIM_LOAD * job->work_us * RP_STT_RATE / 1000000);
    }
    if (!current)
        return;
    switch (job->kind) {
    case SEGMENT:
        s->pending--;
        if (job->text && *job->text) {
            if (s->words.len)
                (void)rp_buf_char(&s->words, ' ');
            (void)rp_buf_z(&s->words, job->text);
        }
        tell_held(s);
        return;
    case FINAL:
        if (!job->text) {
            if (!atomic_load(&job->job.cancelled))
                tell_failed(s, job->token);
            return;
        }
        drop_held(s);
        s->held = job->text;
        job->text = NULL;
        s->held_token = job->token;
        s->held_to = job->to;
        s->held_us = job->work_us;
        tell_held(s);
        return;
    case INTERIM:
        if (job->text && *job->text && s->pending == 0)
            tell(s, RP_STT_INTERIM, 0, job->text, job->to, job->work_us);
        return;
    }
}

static void answered(struct rp_job *j)
{
    struct job *job = RP_CONTAINER_OF(j, struct job, job);

    if (job->session) {
        rp_list_remove(&job->node);
        answer(job->session, job);
    }
    rp_free(job->text);
    rp_free(job);
}

/* ---- asking ---- */

static struct job *ask(struct session *s, enum kind kind, const int16_t *pcm, size_t n, int64_t to,
                       uint64_t token)
{
    size_t total = PAD_FRONT + n + PAD_BACK;
    struct job *job = rp_zalloc(sizeof(*job) + total * sizeof(float));

    if (!job)
        return NULL;
    *job = (struct job){
        .job = {.lane = kind == INTERIM ? RP_LANE_INTERIM : RP_LANE_FINAL,
                .run = recognise,
                .done = answered,
                .loop = s->p.loop},
        .session = s,
        .engine = s->engine,
        .kind = kind,
        .utterance = s->utterance,
        .token = token,
        .to = to,
        .n = total,
    };
    for (size_t i = 0; i < n; i++)
        job->samples[PAD_FRONT + i] = (float)pcm[i] / 32768.0f;
    rp_list_append(&s->jobs, &job->node);
    if (rp_workers_submit(s->engine->workers, &job->job) != 0) {
        rp_list_remove(&job->node);
        rp_free(job);
        return NULL;
    }
    return job;
}

static const int16_t *tail_samples(const struct session *s, size_t *n)
{
    *n = s->tail.len / sizeof(int16_t);
    return (const int16_t *)(const void *)s->tail.p;
}

/* The middle of the quietest frame in the second half of the tail. */
static size_t quietest(const int16_t *pcm, size_t n)
{
    size_t best = n;
    float least = 2.0f;

    for (size_t at = SEGMENT_MIN; at + QUIET_FRAME <= n; at += QUIET_FRAME / 2) {
        float rms = rp_pcm_rms(pcm + at, QUIET_FRAME);
        if (rms <= least) { /* the latest of equals: long segments have more context */
            least = rms;
            best = at + QUIET_FRAME / 2;
        }
    }
    return best;
}

static void cut_segment(struct session *s)
{
    size_t n, at;
    const int16_t *pcm = tail_samples(s, &n);

    if (n < SEGMENT_MAX)
        return;
    at = quietest(pcm, n);
    if (!ask(s, SEGMENT, pcm, at, s->tail_from + (int64_t)at, 0))
        return; /* no room now: the tail grows, and is cut a little later */
    s->pending++;
    rp_buf_consume(&s->tail, at * sizeof(int16_t));
    s->tail_from += (int64_t)at;
}

static void maybe_interim(struct session *s)
{
    size_t n;
    const int16_t *pcm = tail_samples(s, &n);
    int64_t end = s->tail_from + (int64_t)n;

    if (s->interim || s->final || s->pending || n < INTERIM_MIN ||
        end - s->interim_at < s->interim_gap)
        return;
    s->interim_at = end;
    s->interim = ask(s, INTERIM, pcm, n, end, 0);
}

/* ---- what the session calls ---- */

static void local_audio(struct rp_stt *base, const int16_t *pcm, size_t n)
{
    struct session *s = RP_CONTAINER_OF(base, struct session, base);

    rp_ring_write(&s->ring, pcm, n);
    if (!s->open)
        return;
    if (rp_buf_add(&s->tail, pcm, n * sizeof(*pcm)) != 0) {
        rp_buf_clear(&s->tail); /* memory is short, or nobody ever asked for ten minutes */
        s->tail_from = s->ring.end;
    }
    cut_segment(s);
    maybe_interim(s);
}

static void local_skip(struct rp_stt *base, int64_t pos)
{
    struct session *s = RP_CONTAINER_OF(base, struct session, base);
    int64_t missing = pos - s->ring.end;

    if (missing <= 0)
        return;
    if ((size_t)missing <= s->ring.cap)
        rp_ring_write(&s->ring, NULL, (size_t)missing);
    else
        rp_ring_drop(&s->ring, pos);
    /* The words before the hole and behind it stay together; the hole itself is not worth hearing,
     * but positions behind it have to fit. */
    if (s->open)
        s->tail_from += missing;
}

static void local_discard(struct rp_stt *base)
{
    struct session *s = RP_CONTAINER_OF(base, struct session, base);

    s->open = false;
    s->utterance++;
    s->pending = 0;
    if (s->final)
        rp_job_cancel(&s->final->job);
    if (s->interim)
        rp_job_cancel(&s->interim->job);
    s->final = s->interim = NULL;
    drop_held(s);
    rp_buf_fini(&s->tail);
    rp_buf_fini(&s->words);
}

static void local_begin(struct rp_stt *base, int64_t from)
{
    struct session *s = RP_CONTAINER_OF(base, struct session, base);
    const int16_t *pcm;
    size_t n;

    local_discard(base);
    s->open = true;
    from = RP_MAX(from - (int64_t)LEAD_IN, RP_MIN(from, s->heard_to));
    from = RP_MIN(RP_MAX(from, s->ring.start), s->ring.end);
    s->tail_from = from;
    s->interim_at = from;
    s->interim_gap = INTERIM_EVERY;
    while ((n = rp_ring_peek(&s->ring, from, &pcm)) > 0) {
        (void)rp_buf_add(&s->tail, pcm, n * sizeof(*pcm));
        from += (int64_t)n;
    }
}

static void local_finalize(struct rp_stt *base, uint64_t token, int64_t to, bool urgent)
{
    struct session *s = RP_CONTAINER_OF(base, struct session, base);
    size_t n, wanted;
    const int16_t *pcm = tail_samples(s, &n);

    (void)urgent; /* finals are in the first lane anyway */
    if (!s->open || (s->final && s->final->token == token) || (s->held && s->held_token == token))
        return;
    s->heard_to = to;
    wanted = to > s->tail_from ? RP_MIN((size_t)(to - s->tail_from), n) : 0;
    if (s->final)
        rp_job_cancel(&s->final->job);
    s->final = NULL;
    drop_held(s);
    if (wanted < SHORTEST || rp_pcm_dbfs(rp_pcm_rms(pcm, wanted)) < SILENT_DBFS)
        wanted = 0; /* asked all the same: answers never come from inside this call */
    s->final = ask(s, FINAL, pcm, wanted, to, token);
    if (!s->final) {
        rp_log("stt", RP_LOG_WARN, NULL, "the recogniser's queue is full");
        s->final = ask(s, FINAL, NULL, 0, to, token);
    }
}

static void local_close(struct rp_stt *base)
{
    struct session *s;

    if (!base)
        return;
    s = RP_CONTAINER_OF(base, struct session, base);
    local_discard(base);
    RP_LIST_EACH(&s->jobs, struct job, job, node) {
        rp_list_remove(&job->node);
        job->session = NULL;
        rp_job_cancel(&job->job);
    }
    rp_ring_fini(&s->ring);
    rp_free(s);
}

static int local_open(struct rp_stt **out, const struct rp_stt_engine *e,
                      const struct rp_stt_params *p)
{
    struct session *s = rp_zalloc(sizeof(*s));
    int err;

    if (!s)
        return RP_ENOMEM;
    s->base.ops = e->ops;
    s->engine = RP_CONTAINER_OF(e, struct engine, base);
    s->p = *p;
    rp_list_init(&s->jobs);
    rp_buf_init(&s->tail, UTTERANCE_MAX);
    rp_buf_init(&s->words, TEXT_MAX);
    err = rp_ring_init(&s->ring, PREROLL);
    if (err) {
        rp_free(s);
        return err;
    }
    *out = &s->base;
    return 0;
}

static const struct rp_stt_ops ops = {
    .open = local_open,
    .audio = local_audio,
    .skip = local_skip,
    .begin = local_begin,
    .finalize = local_finalize,
    .discard = local_discard,
    .close = local_close,
};

/* ---- the engine ---- */

static const SherpaOnnxOfflineRecognizer *load(const char *dir)
{
    SherpaOnnxOfflineRecognizerConfig config;
    char encoder[600], decoder[600], tokens[600];

    memset(&config, 0, sizeof(config));
    (void)snprintf(encoder, sizeof(encoder), "%s/moonshine-tiny-en/encoder_model.ort", dir);
    (void)snprintf(decoder, sizeof(decoder), "%s/moonshine-tiny-en/decoder_model_merged.ort", dir);
    (void)snprintf(tokens, sizeof(tokens), "%s/moonshine-tiny-en/tokens.txt", dir);
    /* The library ends the process when a file is missing, so look first. */
    if (access(encoder, R_OK) != 0 || access(decoder, R_OK) != 0 || access(tokens, R_OK) != 0)
        return NULL;
    config.model_config.moonshine.encoder = encoder;
    config.model_config.moonshine.merged_decoder = decoder;
    config.model_config.tokens = tokens;
    config.model_config.num_threads = 1;
    config.model_config.provider = "cpu";
    config.decoding_method = "greedy_search";
    return SherpaOnnxCreateOfflineRecognizer(&config);
}

int rp_stt_local_start(struct rp_stt_engine **out, const struct rp_stt_env *env)
{
    unsigned n = rp_workers_count(env->workers);
    struct engine *e = rp_zalloc(sizeof(*e) + n * sizeof(e->recognisers[0]));
    int64_t begin = rp_now_us();

    if (!e)
        return RP_ENOMEM;
    e->base = (struct rp_stt_engine){"local", &ops};
    e->workers = env->workers;
    for (; e->n < n; e->n++) {
        e->recognisers[e->n] = load(env->speech_dir);
        if (!e->recognisers[e->n]) {
            rp_stt_local_stop(&e->base);
            return RP_EIO;
        }
    }
    rp_log("stt", RP_LOG_INFO, NULL, "%u recognisers loaded in %lld ms", n,
           (long long)((rp_now_us() - begin) / 1000));
    *out = &e->base;
    return 0;
}

void rp_stt_local_stop(struct rp_stt_engine *base)
{
    struct engine *e;

    if (!base)
        return;
    e = RP_CONTAINER_OF(base, struct engine, base);
    for (unsigned i = 0; i < e->n; i++)
        SherpaOnnxDestroyOfflineRecognizer(e->recognisers[i]);
    rp_free(e);
}
