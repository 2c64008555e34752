/* The hearing half of a session; see listener.h.
 *
 * Audio waits as bytes in one FIFO, and a list of items says in which order audio and events came:
 *
 *     items:  audio 4000 | push-to-talk ends | audio 800
 *     fifo:   ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
 *
 * In real time both are empty again before the next message comes. */
#include "session/listener.h"

#include <string.h>

#include "audio/echo.h"
#include "audio/resample.h"
#include "audio/speech.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define INBOX_SECONDS 60
#define EVENTS_MAX    256        /* waiting behind audio … */
#define TEXT_MAX      (8u << 20) /* … and the bytes of their texts */
#define ALLOWANCE_US  500000     /* so late may audio be before it counts as missing */
#define NO_MORE_US    120000     /* the same once the client said that it stops sending */
#define TURN_MS       300        /* audio processed in one turn of the loop: 1 ms of work or so */
#define FILL_MAX      (2 * RP_VAD_HZ) /* so much missing audio is filled in; the rest is skipped */

struct item {
    struct rp_node node;
    struct rp_client_event ev; /* AUDIO: n samples of the FIFO */
    char text[];
};

struct rp_listener {
    struct rp_listener_params p;
    struct rp_resample *resample; /* to 16 kHz */
    struct rp_speech speech;
    struct rp_echo *echo;
    struct rp_list items;
    struct rp_buf fifo; /* samples at in_rate that wait */
    size_t events, text;
    bool full, pumping, posted, freed;
    struct rp_msg again;

    int16_t *wave; /* 16 kHz, not processed yet: room for one piece and a window */
    size_t nwave, wave_size;
    size_t piece;       /* samples at in_rate resampled at a time: 100 ms */
    int64_t turn_us;    /* the turn of the loop that we are in … */
    size_t budget;      /* … and the samples that may still be taken in it */
    int64_t pos;        /* samples processed */
    int64_t arrived_us; /* when audio came last; 0: never */
    int64_t filled;     /* samples of silence put in since then */
    bool no_more;
};

/* ---- processing ---- */

static void window(struct rp_listener *l, const int16_t *pcm)
{
    const int16_t *at = pcm;
    size_t n = RP_VAD_WINDOW;

    l->speech.own_voice = rp_echo_window(l->echo, pcm, l->pos);
    l->p.stt->ops->audio(l->p.stt, pcm, RP_VAD_WINDOW);
    l->pos += RP_VAD_WINDOW;
    while (n > 0) {
        enum rp_speech_event ev = rp_speech_take(&l->speech, &at, &n);
        if (ev != RP_SPEECH_NONE)
            l->p.cb.speech(ev == RP_SPEECH_START,
                           ev == RP_SPEECH_START ? l->speech.start : l->speech.end, l->p.arg);
    }
}

static bool wanted(const struct rp_listener *l)
{
    return l->p.cb.wanted(l->p.arg);
}

/* What is in `wave`, as long as it is wanted. */
static void run_windows(struct rp_listener *l)
{
    size_t at = 0;

    while (l->nwave - at >= RP_VAD_WINDOW && wanted(l)) {
        window(l, l->wave + at);
        at += RP_VAD_WINDOW;
    }
    if (at == 0)
        return;
    l->nwave -= at;
    memmove(l->wave, l->wave + at, l->nwave * sizeof(*l->wave));
    l->p.cb.processed(l->p.arg);
}

/* Takes the next piece of the FIFO into `wave`. Gives the samples taken. */
static size_t take_piece(struct rp_listener *l, struct item *it)
{
    size_t n = RP_MIN(it->ev.n, l->piece);
    int16_t *in = (int16_t *)(void *)l->fifo.p;

    l->nwave += rp_resample_run(l->resample, in, n, l->wave + l->nwave);
    RP_ASSERT(l->nwave <= l->wave_size);
    rp_buf_consume(&l->fifo, n * sizeof(*in));
    it->ev.n -= n;
    return n;
}

static void drop_item(struct rp_listener *l, struct item *it)
{
    rp_list_remove(&it->node);
    if (it->ev.type != RP_CLIENT_AUDIO) {
        l->events--;
        l->text -= it->ev.text.len;
    }
    rp_free(it);
}

static void check_full(struct rp_listener *l)
{
    size_t waiting = l->fifo.len / sizeof(int16_t);
    size_t most = INBOX_SECONDS * (size_t)l->p.in_rate;
    bool full = waiting > (l->full ? most / 2 : most) || l->events > EVENTS_MAX / 2;

    if (full == l->full)
        return;
    l->full = full;
    l->p.cb.full(full, l->p.arg);
}

static void pump_again(struct rp_msg *msg)
{
    struct rp_listener *l = RP_CONTAINER_OF(msg, struct rp_listener, again);

    l->posted = false;
    if (l->freed)
        rp_free(l);
    else
        rp_listener_pump(l);
}

/* Many messages may be read in one turn of the loop: the bound is theirs together. */
static void renew_budget(struct rp_listener *l)
{
    int64_t turn_us = rp_loop_now_us(l->p.loop);

    if (turn_us == l->turn_us)
        return;
    l->turn_us = turn_us;
    l->budget = TURN_MS * (size_t)l->p.in_rate / 1000;
}

void rp_listener_pump(struct rp_listener *l)
{
    struct item *it;
    size_t took;

    if (l->pumping)
        return;
    l->pumping = true;
    renew_budget(l);
    run_windows(l);
    while (l->budget > 0 && wanted(l) && (it = RP_LIST_FIRST(&l->items, struct item, node))) {
        if (l->nwave >= RP_VAD_WINDOW) { /* left over from when it was not wanted */
            run_windows(l);
            continue;
        }
        if (it->ev.type != RP_CLIENT_AUDIO) {
            /* Out of the list first: the event may lead back here. */
            rp_list_remove(&it->node);
            l->events--;
            l->text -= it->ev.text.len;
            l->p.cb.event(&it->ev, l->p.arg);
            rp_free(it);
            continue;
        }
        took = take_piece(l, it);
        l->budget -= RP_MIN(l->budget, took);
        if (it->ev.n == 0)
            drop_item(l, it);
        run_windows(l);
    }
    l->pumping = false;
    check_full(l);
    if (l->budget == 0 && !rp_list_empty(&l->items) && !l->posted) {
        l->posted = true;
        rp_loop_post(l->p.loop, &l->again);
    }
    if (l->fifo.len == 0 && l->fifo.size > 65536)
        rp_buf_fini(&l->fifo); /* a recording came at once; that much is not needed again */
}

/* ---- missing audio ---- */

void rp_listener_sync(struct rp_listener *l, int64_t now_us)
{
    static const int16_t silence[RP_VAD_WINDOW];
    int64_t silent_us = now_us - l->arrived_us;
    int64_t missing;

    if (l->arrived_us == 0 || l->pumping || !rp_list_empty(&l->items) ||
        silent_us <= (l->no_more ? NO_MORE_US : ALLOWANCE_US))
        return;
    missing = silent_us * RP_VAD_HZ / 1000000 - l->filled;
    if (missing < RP_VAD_WINDOW)
        return;
    l->filled += missing / RP_VAD_WINDOW * RP_VAD_WINDOW;
    l->pumping = true;
    for (int64_t filled = 0; missing >= RP_VAD_WINDOW; missing -= RP_VAD_WINDOW) {
        if (filled >= FILL_MAX) {
            int64_t rest = missing / RP_VAD_WINDOW * RP_VAD_WINDOW;
            l->pos += rest;
            rp_speech_init(&l->speech, l->p.vad, RP_SPEECH_DEFAULTS, l->pos);
            l->p.stt->ops->skip(l->p.stt, l->pos);
            break;
        }
        window(l, silence);
        filled += RP_VAD_WINDOW;
    }
    l->pumping = false;
}

void rp_listener_no_more(struct rp_listener *l)
{
    l->no_more = true;
}

/* ---- the inbox ---- */

static int add_item(struct rp_listener *l, const struct rp_client_event *ev)
{
    struct item *it = rp_zalloc(sizeof(*it) + ev->text.len);

    if (!it)
        return RP_ENOMEM;
    it->ev = *ev;
    it->ev.pcm = NULL;
    if (ev->text.len)
        memcpy(it->text, ev->text.p, ev->text.len);
    it->ev.text = rp_str_n(it->text, ev->text.len);
    rp_list_append(&l->items, &it->node);
    return 0;
}

void rp_listener_audio(struct rp_listener *l, const int16_t *pcm, size_t n)
{
    struct rp_node *last = l->items.head.prev;
    struct item *it = last == &l->items.head ? NULL : RP_CONTAINER_OF(last, struct item, node);
    int64_t now = rp_now_us();
    int64_t took_us = (int64_t)n * 1000000 / l->p.in_rate;
    int err;

    /* It was spoken before it came: only what lies before its first sample can be missing. */
    rp_listener_sync(l, now - took_us);
    l->arrived_us = now;
    l->filled = 0;
    l->no_more = false;
    err = rp_buf_add(&l->fifo, pcm, n * sizeof(*pcm));
    if (!err && it && it->ev.type == RP_CLIENT_AUDIO)
        it->ev.n += n;
    else if (!err)
        err = add_item(l, &(struct rp_client_event){.type = RP_CLIENT_AUDIO, .n = n});
    if (err) {
        /* Reading stops long before the cap; here memory is short. */
        rp_log("session", RP_LOG_ERROR, NULL, "audio of a caller was lost: %s", rp_err_text(err));
        rp_buf_clear(&l->fifo);
        RP_LIST_EACH(&l->items, struct item, lost, node)
            if (lost->ev.type == RP_CLIENT_AUDIO)
                drop_item(l, lost);
        return;
    }
    rp_listener_pump(l);
}

void rp_listener_event(struct rp_listener *l, const struct rp_client_event *ev)
{
    int err = 0;

    if (rp_list_empty(&l->items) && !l->pumping && l->nwave < RP_VAD_WINDOW) {
        l->p.cb.event(ev, l->p.arg);
        return;
    }
    if (l->events >= EVENTS_MAX || l->text + ev->text.len > TEXT_MAX)
        err = RP_ELIMIT;
    if (!err)
        err = add_item(l, ev);
    if (err) {
        rp_log("session", RP_LOG_WARN, NULL, "an event behind waiting audio was dropped: %s",
               rp_err_text(err));
        return;
    }
    l->events++;
    l->text += ev->text.len;
    rp_listener_pump(l);
}

/* ---- echo ---- */

/* The media position that the caller's audio has at a time: what is being spoken now arrives next.
 */
static int64_t pos_at(const struct rp_listener *l, int64_t at_us)
{
    int64_t waiting = (int64_t)(l->fifo.len / sizeof(int16_t)) * RP_VAD_HZ / l->p.in_rate;
    int64_t here = l->pos + (int64_t)l->nwave + waiting - l->filled;

    return here + (at_us - l->arrived_us) * RP_VAD_HZ / 1000000;
}

void rp_listener_plays(struct rp_listener *l, const int16_t *pcm, size_t n, int64_t plays_us)
{
    if (l->arrived_us)
        rp_echo_plays(l->echo, pcm, n, pos_at(l, plays_us));
}

void rp_listener_plays_no_more(struct rp_listener *l, int64_t now_us)
{
    if (l->arrived_us)
        rp_echo_cut(l->echo, pos_at(l, now_us));
}

/* ---- life ---- */

int64_t rp_listener_pos(const struct rp_listener *l)
{
    return l->pos;
}

int64_t rp_listener_speech_end(const struct rp_listener *l)
{
    return l->speech.speaking ? l->speech.end : 0;
}

int rp_listener_new(struct rp_listener **out, const struct rp_listener_params *p)
{
    struct rp_listener *l = rp_zalloc(sizeof(*l));
    int err = l ? 0 : RP_ENOMEM;

    if (err)
        return err;
    l->p = *p;
    l->piece = p->in_rate / 10;
    l->again.fn = pump_again;
    rp_list_init(&l->items);
    rp_buf_init(&l->fifo, 2 * INBOX_SECONDS * (size_t)p->in_rate * sizeof(int16_t));
    err = rp_resample_new(&l->resample, (int)p->in_rate, RP_VAD_HZ);
    if (!err)
        err = rp_echo_new(&l->echo);
    if (!err) {
        l->wave_size = rp_resample_room(l->resample, l->piece) + RP_VAD_WINDOW;
        l->wave = rp_calloc(l->wave_size, sizeof(*l->wave));
        err = l->wave ? 0 : RP_ENOMEM;
    }
    if (err) {
        rp_listener_free(l);
        return err;
    }
    rp_speech_init(&l->speech, p->vad, RP_SPEECH_DEFAULTS, 0);
    *out = l;
    return 0;
}

void rp_listener_free(struct rp_listener *l)
{
    if (!l)
        return;
    RP_LIST_EACH(&l->items, struct item, it, node)
        drop_item(l, it);
    rp_buf_fini(&l->fifo);
    rp_resample_free(l->resample);
    rp_echo_free(l->echo);
    rp_free(l->wave);
    l->freed = true;
    if (!l->posted)
        rp_free(l);
}
