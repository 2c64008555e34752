/* Local recognition: utterances and jobs around the network of moonshine.h.
 *
 * The network hears whole utterances, not a stream, so each answer recognises the utterance anew;
 * at 40 times real time that is cheap, as long as it is short. What has been recognised and will
 * not change any more is therefore taken off its front, and its words are kept:
 *
 *     utterance   [ words ……… | words …… | tail ………… ]
 *                   kept        kept       interims, finals
 *
 * A cut is made where a final was asked for (the caller paused there) once the tail is long, and
 * else, when it has become too long, at its quietest place. One job that decides something is under
 * way at a time, so that the words stay in order; beside it perhaps an interim.
 *
 * A job owns a copy of its audio. It knows its session by a pointer that the session takes back
 * when it closes: both touch it on the session's loop only. */
#include "stt/local.h"

#include "audio/pcm.h"
#include "audio/ring.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "stt/moonshine.h"

#define MS(ms)        ((int64_t)(ms)*RP_STT_RATE / 1000)
#define PREROLL       MS(2000)  /* kept while nobody speaks */
#define LEAD_IN       MS(250)   /* heard before an utterance: soft onsets are found late */
#define KEEP_MIN      MS(6000)  /* so long a tail is taken off where a final ended */
#define SEGMENT_MAX   MS(15000) /* so long a tail is cut … */
#define SEGMENT_MIN   MS(8000)  /* … but not before this */
#define QUIET_FRAME   MS(40)
#define TAIL_MAX      MS(120000) /* more can only pile up when recognition does not keep up at all */
#define INTERIM_EVERY MS(300)    /* of new audio, at the least */
#define INTERIM_MIN   MS(400)    /* of audio in all */
#define INTERIM_LOAD  3          /* an interim may take a third of the time */
#define GAP_MAX       MS(300)    /* of lost audio that is put in as silence */
#define TEXT_MAX      (256u << 10)
#define RETRY_US      20000
#define RETRIES       500

struct engine {
    struct rp_stt_engine base;
    struct rp_workers *workers;
    struct rp_moonshine *moonshine;
};

enum kind { SEGMENT, FINAL, INTERIM };

struct job {
    struct rp_job job;
    struct rp_node node;     /* in its session's list, as long as that is there */
    struct session *session; /* on the loop only; NULL: it is closed */
    const struct engine *engine;
    enum kind kind;
    int64_t from, to; /* positions of the audio */
    int64_t work_us;
    char *text; /* the answer; NULL: it failed */
    size_t n;
    int16_t pcm[];
};

/* A final that is wanted. */
struct wanted {
    bool set;
    uint64_t token;
    int64_t to;
    int retries;
};

struct session {
    struct rp_stt base;
    struct engine *engine;
    struct rp_stt_params p;
    struct rp_ring ring;
    struct rp_list jobs;
    struct rp_timer retry;

    bool open;
    int64_t tail_from;   /* position of the tail's first sample */
    struct rp_buf tail;  /* int16_t samples */
    struct rp_buf words; /* of what was before the tail */
    struct wanted final;
    struct job *work;    /* SEGMENT or FINAL under way */
    struct job *interim; /* under way */
    int64_t interim_at;  /* end of the newest interim's audio */
    int64_t interim_gap; /* samples until the next one */
    char *heard;         /* words of the tail up to heard_to, from the last final; or NULL */
    int64_t heard_to;
    int64_t asked_to; /* end of the last final of all: no utterance begins before */
};

static void advance(struct session *s);

/* ---- on a worker ----------------------------------------------------------------------------- */

static void recognise(struct rp_job *j, unsigned worker)
{
    struct job *job = RP_CONTAINER_OF(j, struct job, job);
    int64_t begun = rp_now_us();

    (void)worker;
    if (!atomic_load(&j->cancelled))
        job->text = rp_moonshine_hear(job->engine->moonshine, job->pcm, job->n);
    job->work_us = rp_now_us() - begun;
}

/* ---- the utterance --------------------------------------------------------------------------- */

static const int16_t *tail_samples(const struct session *s, int64_t *n)
{
    *n = (int64_t)(s->tail.len / sizeof(int16_t));
    return (const int16_t *)(const void *)s->tail.p;
}

static int64_t tail_end(const struct session *s)
{
    return s->tail_from + (int64_t)(s->tail.len / sizeof(int16_t));
}

static void forget_heard(struct session *s)
{
    rp_free(s->heard);
    s->heard = NULL;
}

/* The tail up to `to` has these words for good. */
static void keep(struct session *s, int64_t to, const char *text)
{
    if (*text && s->words.len)
        (void)rp_buf_char(&s->words, ' ');
    (void)rp_buf_z(&s->words, text);
    rp_buf_consume(&s->tail, (size_t)(to - s->tail_from) * sizeof(int16_t));
    s->tail_from = to;
    forget_heard(s);
}

/* Takes off what the last final has heard, if that spares much and only what follows is asked. */
static void keep_heard(struct session *s, int64_t until)
{
    if (s->heard && s->heard_to <= until && s->heard_to - s->tail_from >= KEEP_MIN)
        keep(s, s->heard_to, s->heard);
}

/* Where to cut a tail that is too long: in the middle of its quietest frame. */
static int64_t quietest(const int16_t *pcm)
{
    int64_t best = SEGMENT_MAX;
    float least = 2;

    for (int64_t at = SEGMENT_MIN; at + QUIET_FRAME <= SEGMENT_MAX; at += QUIET_FRAME / 2) {
        float rms = rp_pcm_rms(pcm + at, (size_t)QUIET_FRAME);

        if (rms <= least) { /* the last of equals: more context */
            least = rms;
            best = at + QUIET_FRAME / 2;
        }
    }
    return best;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* The callback may close the session: nothing may be touched afterwards. */
static void tell(struct session *s, enum rp_stt_event_type type, uint64_t token,
                 const struct job *j)
{
    struct rp_stt_event ev = {.type = type, .token = token, .to = j->to, .work_us = j->work_us};
    struct rp_buf b;

    rp_buf_init(&b, TEXT_MAX);
    (void)rp_buf_str(&b, rp_buf_view(&s->words));
    if (b.len && *j->text)
        (void)rp_buf_char(&b, ' ');
    (void)rp_buf_z(&b, j->text);
    ev.text = rp_buf_view(&b);
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

static void got_segment(struct session *s, struct job *j)
{
    if (!j->text)
        rp_log("stt", RP_LOG_WARN, NULL, "words are lost: no answer from the recogniser");
    keep(s, j->to, j->text ? j->text : "");
    advance(s);
}

static void got_final(struct session *s, struct job *j)
{
    uint64_t token = s->final.token;

    s->final.set = false;
    forget_heard(s);
    if (!j->text) {
        tell_failed(s, token);
        return;
    }
    s->heard = rp_strdup(j->text);
    s->heard_to = RP_MIN(j->to, tail_end(s));
    tell(s, RP_STT_FINAL, token, j);
}

static void got_interim(struct session *s, struct job *j)
{
    s->interim_gap = RP_MAX(INTERIM_EVERY, INTERIM_LOAD * j->work_us * RP_STT_RATE / 1000000);
    advance(s); /* more may have been said meanwhile */
    if (j->text && *j->text && j->from == s->tail_from)
        tell(s, RP_STT_INTERIM, 0, j);
}

static void answered(struct rp_job *base)
{
    struct job *j = RP_CONTAINER_OF(base, struct job, job);
    struct session *s = j->session;

    if (s) {
        rp_list_remove(&j->node);
        if (j == s->work) {
            s->work = NULL;
            if (j->kind == SEGMENT)
                got_segment(s, j);
            else
                got_final(s, j);
        } else if (j == s->interim) {
            s->interim = NULL;
            got_interim(s, j);
        } /* else nobody wants it any more */
    }
    rp_free(j->text);
    rp_free(j);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Has the tail up to `to` recognised. NULL: no room or no memory now. */
static struct job *ask(struct session *s, enum kind kind, int64_t to)
{
    int64_t n;
    const int16_t *pcm = tail_samples(s, &n);
    struct job *j;

    n = RP_MIN(RP_MAX(to - s->tail_from, 0), n);
    j = rp_alloc(sizeof(*j) + (size_t)n * sizeof(*pcm));
    if (!j)
        return NULL;
    *j = (struct job){.session = s, .engine = s->engine, .kind = kind};
    j->job.lane = kind == INTERIM ? RP_LANE_INTERIM : RP_LANE_FINAL;
    j->job.run = recognise;
    j->job.done = answered;
    j->job.loop = s->p.loop;
    j->from = s->tail_from;
    j->to = kind == FINAL ? to : s->tail_from + n;
    j->n = (size_t)n;
    if (n > 0)
        memcpy(j->pcm, pcm, (size_t)n * sizeof(*pcm));
    if (rp_workers_submit(s->engine->workers, &j->job) != 0) {
        rp_free(j);
        return NULL;
    }
    rp_list_append(&s->jobs, &j->node);
    return j;
}

static void let_go(struct job **job)
{
    if (*job)
        rp_job_cancel(&(*job)->job);
    *job = NULL;
}

static void maybe_interim(struct session *s)
{
    int64_t end = tail_end(s);

    if (s->interim || s->work || s->final.set || end - s->interim_at < s->interim_gap)
        return;
    keep_heard(s, end);
    if (end - s->tail_from < INTERIM_MIN)
        return;
    s->interim_at = end;
    s->interim = ask(s, INTERIM, end);
}

/* Starts whatever is to be done next. */
static void advance(struct session *s)
{
    int64_t end = s->final.set ? RP_MIN(s->final.to, tail_end(s)) : tail_end(s), n;
    const int16_t *pcm;

    if (!s->open || s->work)
        return;
    if (s->final.set || end - s->tail_from > SEGMENT_MAX)
        keep_heard(s, end);
    if (end - s->tail_from > SEGMENT_MAX) {
        pcm = tail_samples(s, &n);
        s->work = ask(s, SEGMENT, s->tail_from + quietest(pcm));
    } else if (s->final.set) {
        s->work = ask(s, FINAL, s->final.to);
    } else {
        maybe_interim(s);
        return;
    }
    if (!s->work)
        rp_timer_start(&s->retry, RETRY_US);
}

static void on_retry(struct rp_timer *t)
{
    struct session *s = RP_CONTAINER_OF(t, struct session, retry);

    if (s->final.set && ++s->final.retries > RETRIES) {
        s->final.set = false;
        rp_log("stt", RP_LOG_WARN, NULL, "no worker was free for a final transcript");
        tell_failed(s, s->final.token);
        return;
    }
    advance(s);
}

/* ---- the contract ---------------------------------------------------------------------------- */

static struct session *session_of(struct rp_stt *base)
{
    return RP_CONTAINER_OF(base, struct session, base);
}

static void add_to_tail(struct session *s, const int16_t *pcm, size_t n)
{
    if (rp_buf_add(&s->tail, pcm, n * sizeof(*pcm)) == 0)
        return;
    rp_log("stt", RP_LOG_WARN, NULL, "audio is lost: recognition does not keep up");
    rp_buf_clear(&s->tail);
    let_go(&s->work);
    forget_heard(s);
    s->tail_from = s->ring.end;
}

static void local_audio(struct rp_stt *base, const int16_t *pcm, size_t n)
{
    struct session *s = session_of(base);

    RP_ON_LOOP(s->p.loop);
    rp_ring_write(&s->ring, pcm, n);
    if (!s->open)
        return;
    add_to_tail(s, pcm, n);
    advance(s);
}

static void local_skip(struct rp_stt *base, int64_t pos)
{
    static const int16_t silence[GAP_MAX];
    struct session *s = session_of(base);
    int64_t missing = pos - s->ring.end, gap = RP_MIN(missing, GAP_MAX);

    RP_ON_LOOP(s->p.loop);
    if (missing <= 0)
        return;
    if (missing <= PREROLL)
        rp_ring_write(&s->ring, NULL, (size_t)missing);
    else
        rp_ring_drop(&s->ring, pos);
    if (!s->open)
        return;
    /* A long hole is not worth hearing, but positions behind it have to fit. */
    if (gap < missing) {
        let_go(&s->work);
        let_go(&s->interim);
        forget_heard(s);
        s->tail_from += missing - gap;
    }
    add_to_tail(s, silence, (size_t)gap);
    advance(s);
}

static void local_discard(struct rp_stt *base)
{
    struct session *s = session_of(base);

    RP_ON_LOOP(s->p.loop);
    s->open = false;
    s->final.set = false;
    let_go(&s->work);
    let_go(&s->interim);
    forget_heard(s);
    rp_timer_stop(&s->retry);
    rp_buf_fini(&s->tail);
    rp_buf_fini(&s->words);
}

static void local_begin(struct rp_stt *base, int64_t from)
{
    struct session *s = session_of(base);
    const int16_t *pcm;
    size_t n;

    local_discard(base);
    s->open = true;
    from = RP_MAX(from - LEAD_IN, RP_MIN(from, s->asked_to));
    from = RP_MIN(RP_MAX(from, s->ring.start), s->ring.end);
    s->tail_from = from;
    s->interim_at = from;
    s->interim_gap = INTERIM_EVERY;
    while ((n = rp_ring_peek(&s->ring, from, &pcm)) > 0) {
        add_to_tail(s, pcm, n);
        from += (int64_t)n;
    }
}

static void local_finalize(struct rp_stt *base, uint64_t token, int64_t to, bool urgent)
{
    struct session *s = session_of(base);

    (void)urgent; /* finals are in the first lane anyway */
    RP_ON_LOOP(s->p.loop);
    if (!s->open || (s->final.set && s->final.token == token))
        return;
    if (s->work && s->work->kind == FINAL)
        let_go(&s->work);
    let_go(&s->interim);
    s->asked_to = to;
    s->final = (struct wanted){.set = true, .token = token, .to = to};
    advance(s);
}

static void local_close(struct rp_stt *base)
{
    struct session *s;

    if (!base)
        return;
    s = session_of(base);
    local_discard(base);
    RP_LIST_EACH(&s->jobs, struct job, j, node) {
        rp_list_remove(&j->node);
        j->session = NULL;
    }
    rp_ring_fini(&s->ring);
    rp_free(s);
}

static int local_open(struct rp_stt **out, const struct rp_stt_engine *e,
                      const struct rp_stt_params *p)
{
    struct session *s = rp_zalloc(sizeof(*s));

    if (!s)
        return RP_ENOMEM;
    if (rp_ring_init(&s->ring, (size_t)PREROLL) != 0) {
        rp_free(s);
        return RP_ENOMEM;
    }
    s->base.ops = e->ops;
    s->engine = RP_CONTAINER_OF(e, struct engine, base);
    s->p = *p;
    rp_list_init(&s->jobs);
    rp_timer_init(&s->retry, p->loop, on_retry);
    rp_buf_init(&s->tail, (size_t)TAIL_MAX * sizeof(int16_t));
    rp_buf_init(&s->words, TEXT_MAX);
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

/* ---- the engine ------------------------------------------------------------------------------ */

int rp_stt_local_start(struct rp_stt_engine **out, const struct rp_stt_env *env)
{
    struct engine *e = rp_zalloc(sizeof(*e));
    int64_t begun = rp_now_us();
    int err;

    if (!e)
        return RP_ENOMEM;
    e->base = (struct rp_stt_engine){"local", &ops};
    e->workers = env->workers;
    err = rp_moonshine_new(&e->moonshine, env->speech_dir, env->vad);
    if (err) {
        rp_free(e);
        return err;
    }
    rp_log("stt", RP_LOG_INFO, NULL, "recogniser loaded in %lld ms",
           (long long)((rp_now_us() - begun) / 1000));
    *out = &e->base;
    return 0;
}

void rp_stt_local_stop(struct rp_stt_engine *base)
{
    struct engine *e;

    if (!base)
        return;
    e = RP_CONTAINER_OF(base, struct engine, base);
    rp_moonshine_free(e->moonshine);
    rp_free(e);
}
