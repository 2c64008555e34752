/* The speaking half of a session; see speaker.h.
 *
 * Audio waits in chunks of the size they are sent in, taken from the shard's slab. How far ahead of
 * playback we are follows from the clock: what was sent plays without a gap as long as there is
 * some, so `plays_until` is moved on by each chunk, and starts anew from now after a gap. */
#include "session/speaker.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "turn/sentence.h"

#define TICK_US      20000
#define BLOCK        128  /* the published player takes whole blocks only */
#define CHUNK        2048 /* samples in one message: 128 ms */
#define FIRST_CHUNK  640  /* enough to begin a turn with: 40 ms */
#define LEAD_US      3000000
#define LOW_US       200000 /* so little is left to play that a short chunk is better than none */
#define QUEUE_HIGH   (10 * RP_TTS_RATE) /* samples waiting to be sent: synthesis pauses … */
#define QUEUE_LOW    (5 * RP_TTS_RATE)  /* … until here */
#define BACKLOG_HIGH (32u << 10)        /* bytes of text waiting for synthesis */
#define BACKLOG_LOW  (8u << 10)
#define US_PER(n)    ((int64_t)(n)*1000000 / RP_TTS_RATE)

struct chunk {
    struct rp_node node;
    size_t n;
    int16_t pcm[CHUNK];
};

/* A segment on its way through the synthesiser. */
struct part {
    struct rp_node node;
    uint64_t id;
    struct rp_segment *seg;
    bool queued;   /* the synthesiser has it */
    bool filler;   /* not part of the turn's text */
    int64_t start; /* where it begins in the turn's audio; known once it is the first */
    const struct rp_span *word; /* being collected: several spoken words may be one written one */
    int64_t word_at, word_end;
    bool word_estimated;
};

struct rp_speaker {
    struct rp_pacer *pacer;
    struct rp_tts *tts;
    struct rp_speaker_cb cb;
    void *arg;
    struct rp_sentence sentence;
    struct rp_timer stall;
    struct rp_list parts;  /* not synthesised to the end yet, in order */
    struct rp_list chunks; /* not sent yet, in order */
    struct rp_node node;   /* in the pacer's list, while there is something to send */
    uint64_t next_part;
    uint32_t text_at;    /* where the first piece of text stands in the turn … */
    bool has_text;       /* … once there is one */
    size_t parts_text;   /* bytes of text in parts */
    int64_t queued;      /* samples in chunks */
    int64_t synthesised; /* samples of the turn that came out of the synthesiser */
    int64_t sent;        /* samples of the turn that went to the client */
    int64_t plays_until; /* on rp_now_us()'s clock */
    bool active, finished, told, held, blocked, paused, full;
};

/* ---- the pacer ---- */

static void send_due(struct rp_speaker *s, int64_t now);

static void tick(struct rp_timer *t)
{
    struct rp_pacer *p = RP_CONTAINER_OF(t, struct rp_pacer, tick);
    int64_t now = rp_now_us();

    RP_LIST_EACH(&p->speaking, struct rp_speaker, s, node)
        send_due(s, now);
    if (!rp_list_empty(&p->speaking))
        rp_timer_start(&p->tick, TICK_US);
}

void rp_pacer_init(struct rp_pacer *p, struct rp_loop *loop)
{
    p->loop = loop;
    rp_timer_init(&p->tick, loop, tick);
    rp_list_init(&p->speaking);
    rp_slab_init(&p->chunks, sizeof(struct chunk), 4096);
}

void rp_pacer_fini(struct rp_pacer *p)
{
    RP_ASSERT(rp_list_empty(&p->speaking));
    rp_timer_stop(&p->tick);
    rp_slab_fini(&p->chunks);
}

static void join_pacer(struct rp_speaker *s)
{
    if (rp_list_linked(&s->node))
        return;
    if (rp_list_empty(&s->pacer->speaking))
        rp_timer_start(&s->pacer->tick, TICK_US);
    rp_list_append(&s->pacer->speaking, &s->node);
}

/* ---- sending ---- */

static bool is_complete(const struct rp_speaker *s)
{
    return s->finished && rp_list_empty(&s->parts);
}

/* Whether the first chunk may go now. A full one may; a short one only if nothing can join it, or
 * if the caller would otherwise hear a gap. */
static bool may_send(const struct rp_speaker *s, const struct chunk *c, int64_t now)
{
    int64_t lead = s->plays_until - now;

    if (lead >= LEAD_US)
        return false;
    if (c->n == CHUNK || is_complete(s))
        return true;
    return c->n >= FIRST_CHUNK && (s->sent == 0 || lead < LOW_US);
}

/* Cuts to whole blocks; what is over stays for the next chunk, and the turn's last one is padded.
 */
static size_t whole_blocks(struct rp_speaker *s, struct chunk *c)
{
    size_t n = c->n / BLOCK * BLOCK;

    if (n < c->n && is_complete(s) && s->queued == (int64_t)c->n) {
        n += BLOCK;
        memset(c->pcm + c->n, 0, (n - c->n) * sizeof(c->pcm[0]));
        s->queued += (int64_t)(n - c->n);
        c->n = n;
    }
    return n;
}

static void send_due(struct rp_speaker *s, int64_t now)
{
    struct chunk *c;

    while (!s->held && !s->blocked && (c = RP_LIST_FIRST(&s->chunks, struct chunk, node))) {
        size_t n;
        if (!may_send(s, c, now))
            break;
        n = whole_blocks(s, c);
        if (n == 0)
            break;
        if (!s->cb.send(c->pcm, n, RP_MAX(s->plays_until, now), s->arg)) {
            s->blocked = true;
            break;
        }
        s->queued -= (int64_t)n;
        s->sent += (int64_t)n;
        s->plays_until = RP_MAX(s->plays_until, now) + US_PER(n);
        if (n == c->n) {
            rp_list_remove(&c->node);
            rp_slab_put(&s->pacer->chunks, c);
        } else {
            c->n -= n;
            memmove(c->pcm, c->pcm + n, c->n * sizeof(c->pcm[0]));
        }
        s->cb.sent(s->sent, s->arg);
    }
    if (s->paused && s->queued < QUEUE_LOW) {
        s->paused = false;
        s->tts->ops->pause(s->tts, false);
    }
    if (rp_list_empty(&s->chunks))
        rp_list_remove(&s->node);
}

static void enqueue(struct rp_speaker *s, const int16_t *pcm, size_t n)
{
    while (n > 0) {
        struct rp_node *last = s->chunks.head.prev;
        struct chunk *c =
            last == &s->chunks.head ? NULL : RP_CONTAINER_OF(last, struct chunk, node);
        size_t len;
        if (!c || c->n == CHUNK) {
            c = rp_slab_get(&s->pacer->chunks);
            if (!c) {
                s->cb.failed("out of memory for audio", s->arg);
                return;
            }
            c->node = (struct rp_node){0};
            c->n = 0;
            rp_list_append(&s->chunks, &c->node);
        }
        len = RP_MIN(n, CHUNK - c->n);
        memcpy(c->pcm + c->n, pcm, len * sizeof(*pcm));
        c->n += len;
        s->queued += (int64_t)len;
        pcm += len;
        n -= len;
    }
    join_pacer(s);
    if (!s->paused && s->queued > QUEUE_HIGH) {
        s->paused = true;
        s->tts->ops->pause(s->tts, true);
    }
}

/* ---- text to parts to the synthesiser ---- */

static void free_part(struct rp_speaker *s, struct part *p)
{
    rp_list_remove(&p->node);
    s->parts_text -= p->seg->to - p->seg->from;
    rp_segment_free(p->seg);
    rp_free(p);
}

static void tell_backlog(struct rp_speaker *s)
{
    bool full = s->full ? s->parts_text > BACKLOG_LOW : s->parts_text > BACKLOG_HIGH;

    if (full == s->full)
        return;
    s->full = full;
    s->cb.backlog(full, s->arg);
}

static void submit_parts(struct rp_speaker *s)
{
    RP_LIST_EACH(&s->parts, struct part, p, node) {
        if (p->queued)
            continue;
        if (s->tts->ops->speak(s->tts, p->id, p->seg->speech) != 0)
            break; /* again after the next DONE */
        p->queued = true;
    }
}

static void tell_if_synthesised(struct rp_speaker *s)
{
    if (!is_complete(s) || s->told)
        return;
    s->told = true;
    /* The audio sent is padded to whole blocks; what counts is what will have been sent. */
    s->cb.synthesised((s->synthesised + BLOCK - 1) / BLOCK * BLOCK, s->arg);
    if (s->active)
        send_due(s, rp_now_us());
}

static void take_segments(struct rp_speaker *s, struct rp_sentence *from, bool filler)
{
    struct rp_segment *seg;

    while (rp_sentence_next(from, &seg) == 0) {
        struct part *p;
        if (seg->speech.len == 0) { /* an emoji, a rule: nothing to say */
            rp_segment_free(seg);
            continue;
        }
        p = rp_zalloc(sizeof(*p));
        if (!p) {
            rp_segment_free(seg);
            s->cb.failed("out of memory for text", s->arg);
            continue;
        }
        p->seg = seg;
        p->filler = filler;
        p->id = s->next_part++;
        p->start = s->synthesised; /* right if it is the first; else set when it becomes that */
        s->parts_text += seg->to - seg->from;
        rp_list_append(&s->parts, &p->node);
    }
    submit_parts(s);
    tell_backlog(s);
}

static void rearm_stall(struct rp_speaker *s)
{
    int patience = s->finished ? -1 : rp_sentence_patience_ms(&s->sentence);

    if (patience < 0)
        rp_timer_stop(&s->stall);
    else
        rp_timer_start(&s->stall, (int64_t)patience * 1000);
}

static void stalled(struct rp_timer *t)
{
    struct rp_speaker *s = RP_CONTAINER_OF(t, struct rp_speaker, stall);

    rp_sentence_stalled(&s->sentence);
    take_segments(s, &s->sentence, false);
    rearm_stall(s);
}

/* ---- the synthesiser's events ---- */

static void flush_word(struct rp_speaker *s, struct part *p)
{
    const struct rp_span *word = p->word;

    p->word = NULL;
    if (word && !p->filler)
        s->cb.word(s->text_at + word->from, s->text_at + word->to, p->start + p->word_at,
                   p->start + p->word_end, p->word_estimated, s->arg);
}

static void got_word(struct rp_speaker *s, struct part *p, const struct rp_tts_event *ev)
{
    const struct rp_span *span = rp_segment_span(p->seg, ev->text_from);

    if (!span)
        return;
    if (p->word != span) {
        flush_word(s, p);
        if (RP_LIST_FIRST(&s->parts, struct part, node) != p)
            return; /* stopped by the callback */
        p->word = span;
        p->word_at = ev->at;
        p->word_estimated = false;
    }
    p->word_end = ev->end;
    p->word_estimated |= ev->estimated;
}

void rp_speaker_tts_event(struct rp_speaker *s, const struct rp_tts_event *ev)
{
    struct part *p = RP_LIST_FIRST(&s->parts, struct part, node);

    if (!s->active || !p || p->id != ev->seg)
        return; /* of a part that was stopped */
    switch (ev->type) {
    case RP_TTS_AUDIO:
        s->synthesised += (int64_t)ev->n;
        enqueue(s, ev->pcm, ev->n);
        send_due(s, rp_now_us());
        return;
    case RP_TTS_WORD:
        got_word(s, p, ev);
        return;
    case RP_TTS_FAILED:
        s->cb.failed(ev->why, s->arg);
        if (RP_LIST_FIRST(&s->parts, struct part, node) != p)
            return;
        break;
    case RP_TTS_DONE:
        break;
    }
    flush_word(s, p);
    if (RP_LIST_FIRST(&s->parts, struct part, node) != p)
        return; /* stopped by a callback */
    free_part(s, p);
    p = RP_LIST_FIRST(&s->parts, struct part, node);
    if (p)
        p->start = s->synthesised;
    submit_parts(s);
    tell_backlog(s);
    tell_if_synthesised(s);
}

/* ---- what the session asks for ---- */

int rp_speaker_new(struct rp_speaker **out, struct rp_pacer *pacer, struct rp_tts *tts,
                   const struct rp_speaker_cb *cb, void *arg)
{
    struct rp_speaker *s = rp_zalloc(sizeof(*s));

    if (!s)
        return RP_ENOMEM;
    s->pacer = pacer;
    s->tts = tts;
    s->cb = *cb;
    s->arg = arg;
    rp_sentence_init(&s->sentence);
    rp_timer_init(&s->stall, pacer->loop, stalled);
    rp_list_init(&s->parts);
    rp_list_init(&s->chunks);
    *out = s;
    return 0;
}

void rp_speaker_free(struct rp_speaker *s)
{
    if (!s)
        return;
    rp_speaker_stop(s);
    rp_sentence_fini(&s->sentence);
    rp_free(s);
}

void rp_speaker_begin(struct rp_speaker *s)
{
    rp_speaker_stop(s);
    s->synthesised = s->sent = s->plays_until = 0;
    s->finished = s->told = s->held = s->has_text = false;
    s->active = true;
}

int rp_speaker_text(struct rp_speaker *s, struct rp_str text, uint32_t from)
{
    int err;

    if (!s->active || s->finished)
        return RP_EINVAL;
    err = rp_sentence_push(&s->sentence, text);
    if (err)
        return err;
    if (!s->has_text)
        s->text_at = from;
    s->has_text = true;
    take_segments(s, &s->sentence, false);
    rearm_stall(s);
    return 0;
}

int rp_speaker_filler(struct rp_speaker *s, struct rp_str text)
{
    struct rp_sentence own;
    int err;

    if (!s->active || s->finished)
        return RP_EINVAL;
    rp_sentence_init(&own);
    err = rp_sentence_push(&own, text);
    if (!err) {
        rp_sentence_finish(&own);
        take_segments(s, &own, true);
    }
    rp_sentence_fini(&own);
    return err;
}

void rp_speaker_finish(struct rp_speaker *s)
{
    if (!s->active || s->finished)
        return;
    rp_sentence_finish(&s->sentence);
    take_segments(s, &s->sentence, false);
    s->finished = true;
    rp_timer_stop(&s->stall);
    tell_if_synthesised(s);
}

void rp_speaker_stop(struct rp_speaker *s)
{
    if (s->active)
        s->tts->ops->cancel(s->tts);
    s->active = false;
    rp_timer_stop(&s->stall);
    rp_list_remove(&s->node);
    RP_LIST_EACH(&s->parts, struct part, p, node)
        free_part(s, p);
    RP_LIST_EACH(&s->chunks, struct chunk, c, node) {
        rp_list_remove(&c->node);
        rp_slab_put(&s->pacer->chunks, c);
    }
    s->queued = 0;
    rp_sentence_fini(&s->sentence);
    rp_sentence_init(&s->sentence);
    if (s->paused)
        s->tts->ops->pause(s->tts, false);
    s->paused = false;
    if (s->full)
        s->cb.backlog(false, s->arg);
    s->full = false;
}

void rp_speaker_hold(struct rp_speaker *s, bool held)
{
    s->held = held;
    if (!held && s->active)
        send_due(s, rp_now_us());
}

void rp_speaker_writable(struct rp_speaker *s)
{
    s->blocked = false;
    if (s->active)
        send_due(s, rp_now_us());
}
