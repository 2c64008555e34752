/* A synthesiser that says nothing; see none.h. */
#include "tts/none.h"

#include "base/err.h"
#include "base/mem.h"

#define PER_BYTE   (RP_TTS_RATE / 15) /* people say about 15 letters a second */
#define QUEUED_MAX 16

struct segment {
    uint64_t id;
    uint32_t len;
};

struct session {
    struct rp_tts base;
    struct rp_tts_params p;
    struct rp_timer next;
    struct segment queue[QUEUED_MAX];
    size_t n;
    bool paused;
};

static void tell(struct session *s, struct rp_tts_event ev)
{
    s->p.cb(&ev, s->p.arg);
}

static void speak_next(struct rp_timer *t)
{
    static const int16_t silence[PER_BYTE];
    struct session *s = RP_CONTAINER_OF(t, struct session, next);
    struct segment seg = s->queue[0];
    uint64_t id = seg.id;

    if (s->n == 0 || s->paused)
        return;
    tell(s, (struct rp_tts_event){.type = RP_TTS_WORD,
                                  .seg = id,
                                  .text_to = seg.len,
                                  .end = (int64_t)seg.len * PER_BYTE,
                                  .estimated = true});
    /* A callback may cancel: then the queue no longer begins with this segment. */
    for (uint32_t i = 0; i < seg.len && s->n && s->queue[0].id == id; i++)
        tell(s,
             (struct rp_tts_event){.type = RP_TTS_AUDIO, .seg = id, .pcm = silence, .n = PER_BYTE});
    if (s->n == 0 || s->queue[0].id != id)
        return;
    s->n--;
    for (size_t i = 0; i < s->n; i++)
        s->queue[i] = s->queue[i + 1];
    if (s->n)
        rp_timer_start(&s->next, 0);
    tell(s,
         (struct rp_tts_event){.type = RP_TTS_DONE, .seg = id, .at = (int64_t)seg.len * PER_BYTE});
}

static int none_open(struct rp_tts **out, const struct rp_tts_engine *e,
                     const struct rp_tts_params *p)
{
    struct session *s = rp_zalloc(sizeof(*s));

    if (!s)
        return RP_ENOMEM;
    s->base.ops = e->ops;
    s->p = *p;
    rp_timer_init(&s->next, p->loop, speak_next);
    *out = &s->base;
    return 0;
}

static int none_speak(struct rp_tts *base, uint64_t seg, struct rp_str text)
{
    struct session *s = RP_CONTAINER_OF(base, struct session, base);

    if (s->n == QUEUED_MAX)
        return RP_ELIMIT;
    s->queue[s->n++] = (struct segment){seg, (uint32_t)text.len};
    if (!s->paused)
        rp_timer_start(&s->next, 0);
    return 0;
}

static void none_cancel(struct rp_tts *base)
{
    struct session *s = RP_CONTAINER_OF(base, struct session, base);

    s->n = 0;
    rp_timer_stop(&s->next);
}

static void none_pause(struct rp_tts *base, bool paused)
{
    struct session *s = RP_CONTAINER_OF(base, struct session, base);

    s->paused = paused;
    if (!paused && s->n)
        rp_timer_start(&s->next, 0);
}

static void none_close(struct rp_tts *base)
{
    if (!base)
        return;
    none_cancel(base);
    rp_free(RP_CONTAINER_OF(base, struct session, base));
}

static const struct rp_tts_ops ops = {
    .open = none_open,
    .speak = none_speak,
    .cancel = none_cancel,
    .pause = none_pause,
    .close = none_close,
};

const struct rp_tts_engine rp_tts_none = {"none", &ops};
