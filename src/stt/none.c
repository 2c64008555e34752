/* A recogniser that hears nothing; see none.h. */
#include "stt/none.h"

#include "base/err.h"
#include "base/mem.h"

struct session {
    struct rp_stt base;
    struct rp_stt_params p;
    struct rp_timer answer; /* answers may not come from inside a call */
    uint64_t token;
    int64_t to;
};

static void answer(struct rp_timer *t)
{
    struct session *s = RP_CONTAINER_OF(t, struct session, answer);

    s->p.cb(
        &(struct rp_stt_event){
            .type = RP_STT_FINAL, .token = s->token, .text = RP_STR("something"), .to = s->to},
        s->p.arg);
}

static int none_open(struct rp_stt **out, const struct rp_stt_engine *e,
                     const struct rp_stt_params *p)
{
    struct session *s = rp_zalloc(sizeof(*s));

    if (!s)
        return RP_ENOMEM;
    s->base.ops = e->ops;
    s->p = *p;
    rp_timer_init(&s->answer, p->loop, answer);
    *out = &s->base;
    return 0;
}

static void none_audio(struct rp_stt *base, const int16_t *pcm, size_t n)
{
    (void)base;
    (void)pcm;
    (void)n;
}

static void none_at(struct rp_stt *base, int64_t pos)
{
    (void)base;
    (void)pos;
}

static void none_finalize(struct rp_stt *base, uint64_t token, int64_t to, bool urgent)
{
    struct session *s = RP_CONTAINER_OF(base, struct session, base);

    (void)urgent;
    s->token = token;
    s->to = to;
    rp_timer_start(&s->answer, 0);
}

static void none_discard(struct rp_stt *base)
{
    rp_timer_stop(&RP_CONTAINER_OF(base, struct session, base)->answer);
}

static void none_close(struct rp_stt *base)
{
    if (!base)
        return;
    none_discard(base);
    rp_free(RP_CONTAINER_OF(base, struct session, base));
}

static const struct rp_stt_ops ops = {
    .open = none_open,
    .audio = none_audio,
    .skip = none_at,
    .begin = none_at,
    .finalize = none_finalize,
    .discard = none_discard,
    .close = none_close,
};

const struct rp_stt_engine rp_stt_none = {"none", &ops};
