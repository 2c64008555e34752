/* The local synthesiser: sessions, queues and jobs around the voice of flite.h.
 *
 *     loop                                        worker
 *     speak ─► queue ─► one job at a time ──────► rp_flite_say
 *     cb ◄───────────── a message a piece ◄────── words, samples
 *     cb DONE ◄──────── done ◄─────────────────── end
 *
 * A job outlives its session: cancel and close let go of it, and what it still sends is dropped.
 * Its messages are posted by the worker before its `done`, so they find it alive. */
#include "tts/local.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "tts/flite.h"

#define QUEUE_MAX 32   /* segments that wait in a session */
#define TEXT_MAX  8000 /* bytes of one */
#define RETRY_US  20000

struct engine {
    struct rp_tts_engine base;
    struct rp_workers *workers;
    unsigned nvoices;
    struct rp_flite *voices[]; /* one for each worker */
};

struct session {
    struct rp_tts base;
    struct engine *engine;
    struct rp_loop *loop;
    rp_tts_event_fn *cb;
    void *arg;
    struct rp_list queue; /* of struct job, waiting */
    size_t queued;
    struct job *live; /* at the workers, or NULL */
    struct rp_timer retry;
    bool paused;
};

/* One segment. Belongs to its session while it waits, then to itself, until `done`. */
struct job {
    struct rp_job job;
    struct rp_node node;     /* in the session's queue */
    struct session *session; /* on the loop only; NULL: nobody wants it any more */
    struct engine *engine;
    uint64_t seg;
    int64_t samples; /* the rest is the worker's, and read in `done` */
    int64_t work_us;
    int err;
    size_t len;
    char text[];
};

/* From the worker to the loop: words, or samples. */
struct piece {
    struct rp_msg msg;
    struct job *job;
    size_t nwords, nsamples;
    union {
        struct rp_flite_word words[1];
        int16_t pcm[1];
    };
};

static void start_next(struct session *s);

/* ---- on the loop ----------------------------------------------------------------------------- */

/* The callback may cancel or close: afterwards nothing but the job can be trusted. */
static void tell(struct job *j, const struct rp_tts_event *ev)
{
    if (j->session)
        j->session->cb(ev, j->session->arg);
}

static void on_piece(struct rp_msg *msg)
{
    struct piece *p = RP_CONTAINER_OF(msg, struct piece, msg);

    for (size_t i = 0; i < p->nwords; i++)
        tell(p->job, &(struct rp_tts_event){.type = RP_TTS_WORD,
                                            .seg = p->job->seg,
                                            .text_from = p->words[i].from,
                                            .text_to = p->words[i].to,
                                            .at = p->words[i].at,
                                            .end = p->words[i].end});
    if (p->nsamples > 0)
        tell(p->job,
             &(struct rp_tts_event){
                 .type = RP_TTS_AUDIO, .seg = p->job->seg, .pcm = p->pcm, .n = p->nsamples});
    rp_free(p);
}

static void job_done(struct rp_job *job)
{
    struct job *j = RP_CONTAINER_OF(job, struct job, job);
    struct rp_tts_event ev = {.seg = j->seg, .work_us = j->work_us, .at = j->samples};

    if (j->session) {
        j->session->live = NULL;
        if (j->err == 0) {
            ev.type = RP_TTS_DONE;
        } else {
            ev.type = RP_TTS_FAILED;
            ev.why = rp_err_text(j->err);
        }
        tell(j, &ev);
    }
    if (j->session)
        start_next(j->session);
    rp_free(j);
}

/* ---- on a worker ----------------------------------------------------------------------------- */

static struct piece *piece_new(struct job *j, size_t size)
{
    struct piece *p = rp_alloc(sizeof(*p) + size);

    if (!p) {
        j->err = RP_ENOMEM;
        atomic_store(&j->job.cancelled, true);
        return NULL;
    }
    rp_msg_init(&p->msg, on_piece);
    p->job = j;
    p->nwords = p->nsamples = 0;
    return p;
}

static void send_words(const struct rp_flite_word *words, size_t n, void *arg)
{
    struct job *j = arg;
    struct piece *p = piece_new(j, n * sizeof(*words));

    if (!p)
        return;
    memcpy(p->words, words, n * sizeof(*words));
    p->nwords = n;
    rp_loop_post(j->job.loop, &p->msg);
}

static void send_audio(const int16_t *pcm, size_t n, void *arg)
{
    struct job *j = arg;
    struct piece *p = piece_new(j, n * sizeof(*pcm));

    if (!p)
        return;
    memcpy(p->pcm, pcm, n * sizeof(*pcm));
    p->nsamples = n;
    j->samples += (int64_t)n;
    rp_loop_post(j->job.loop, &p->msg);
}

static void job_run(struct rp_job *job, unsigned worker)
{
    struct job *j = RP_CONTAINER_OF(job, struct job, job);
    struct rp_flite_sink sink = {.words = send_words, .audio = send_audio, .arg = j};
    int64_t began = rp_now_us();
    int err;

    err =
        rp_flite_say(j->engine->voices[worker], rp_str_n(j->text, j->len), &sink, &job->cancelled);
    if (j->err == 0 || j->err == RP_ECANCELED)
        j->err = err;
    j->work_us = rp_now_us() - began;
}

/* ---- the contract ---------------------------------------------------------------------------- */

static struct session *session_of(struct rp_tts *t)
{
    return RP_CONTAINER_OF(t, struct session, base);
}

static void on_retry(struct rp_timer *t)
{
    start_next(RP_CONTAINER_OF(t, struct session, retry));
}

/* Hands the next segment to the workers, unless one is there. */
static void start_next(struct session *s)
{
    struct job *j = RP_LIST_FIRST(&s->queue, struct job, node);

    if (!j || s->live || s->paused)
        return;
    if (rp_workers_submit(s->engine->workers, &j->job) != 0) {
        rp_timer_start(&s->retry, RETRY_US); /* the lane is full */
        return;
    }
    rp_list_remove(&j->node);
    s->queued--;
    s->live = j;
}

static int local_open(struct rp_tts **out, const struct rp_tts_engine *e,
                      const struct rp_tts_params *p)
{
    struct session *s = rp_zalloc(sizeof(*s));

    if (!s)
        return RP_ENOMEM;
    s->base.ops = e->ops;
    s->engine = RP_CONTAINER_OF(e, struct engine, base);
    s->loop = p->loop;
    s->cb = p->cb;
    s->arg = p->arg;
    rp_list_init(&s->queue);
    rp_timer_init(&s->retry, p->loop, on_retry);
    *out = &s->base;
    return 0;
}

static int local_speak(struct rp_tts *t, uint64_t seg, struct rp_str text)
{
    struct session *s = session_of(t);
    struct job *j;

    RP_ON_LOOP(s->loop);
    if (s->queued >= QUEUE_MAX)
        return RP_ELIMIT;
    if (text.len > TEXT_MAX)
        return RP_EINVAL;
    j = rp_zalloc(sizeof(*j) + text.len);
    if (!j)
        return RP_ENOMEM;
    j->job.lane = RP_LANE_SYNTHESIS;
    j->job.run = job_run;
    j->job.done = job_done;
    j->job.loop = s->loop;
    j->session = s;
    j->engine = s->engine;
    j->seg = seg;
    j->err = RP_ECANCELED; /* unless it runs */
    j->len = text.len;
    memcpy(j->text, text.p, text.len);
    rp_list_append(&s->queue, &j->node);
    s->queued++;
    start_next(s);
    return 0;
}

static void local_cancel(struct rp_tts *t)
{
    struct session *s = session_of(t);

    RP_ON_LOOP(s->loop);
    RP_LIST_EACH(&s->queue, struct job, j, node) {
        rp_list_remove(&j->node);
        rp_free(j);
    }
    s->queued = 0;
    if (s->live) {
        struct job *j = s->live;

        s->live = NULL;
        j->session = NULL;
        rp_job_cancel(&j->job); /* it frees itself in `done` */
    }
    rp_timer_stop(&s->retry);
}

static void local_pause(struct rp_tts *t, bool paused)
{
    struct session *s = session_of(t);

    RP_ON_LOOP(s->loop);
    s->paused = paused;
    start_next(s);
}

static void local_close(struct rp_tts *t)
{
    if (!t)
        return;
    local_cancel(t);
    rp_free(session_of(t));
}

static const struct rp_tts_ops local_ops = {
    .open = local_open,
    .speak = local_speak,
    .cancel = local_cancel,
    .pause = local_pause,
    .close = local_close,
};

/* ---- the engine ------------------------------------------------------------------------------ */

int rp_tts_local_start(struct rp_tts_engine **out, const struct rp_tts_env *env)
{
    unsigned n = rp_workers_count(env->workers);
    struct engine *e = rp_zalloc(sizeof(*e) + n * sizeof(struct rp_flite *));
    int err = 0;

    if (!e)
        return RP_ENOMEM;
    e->base.name = "local";
    e->base.ops = &local_ops;
    e->workers = env->workers;
    for (; e->nvoices < n && err == 0; e->nvoices += err == 0)
        err = rp_flite_new(&e->voices[e->nvoices]);
    if (err) {
        rp_tts_local_stop(&e->base);
        return err;
    }
    *out = &e->base;
    return 0;
}

void rp_tts_local_stop(struct rp_tts_engine *base)
{
    struct engine *e = RP_CONTAINER_OF(base, struct engine, base);

    for (unsigned i = 0; i < e->nvoices; i++)
        rp_flite_free(e->voices[i]);
    rp_free(e);
}
