/* A world for the turn machine; see turn_world.h. */
#include "turn_world.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "turn/turn_int.h"

#define SAMPLES(ms) ((int64_t)(ms)*16)
#define US(ms)      ((int64_t)(ms)*1000)

static struct world_voice *voice_of(struct world *w, uint32_t turn)
{
    RP_ASSERT(turn < WORLD_TURNS);
    return &w->voice[turn];
}

/* The agent's words become spans; nothing is queued, the synthesiser is infinitely fast. */
static void speak(struct world *w, const struct rp_turn_action *a)
{
    struct world_voice *v = voice_of(w, a->turn);

    v->done = false;
    for (size_t i = 0; i < a->text.len;) {
        size_t from = i;
        struct rp_turn_event ev = {.type = RP_TURN_EV_SYNTH_SPAN, .turn = a->turn};

        while (from < a->text.len && a->text.p[from] == ' ')
            from++;
        for (i = from; i < a->text.len && a->text.p[i] != ' ';)
            i++;
        if (i == from)
            break;
        ev.at = v->made;
        v->made += SAMPLES(WORLD_WORD_MS);
        ev.end = v->made;
        ev.text_from = a->text_from + (uint32_t)from;
        ev.text_to = a->text_from + (uint32_t)i;
        if (!a->filler && w->nspans < WORLD_SPANS)
            w->spans[w->nspans++] = ev;
    }
}

static void on_action(const struct rp_turn_action *a, void *arg)
{
    struct world *w = arg;

    switch (a->type) {
    case RP_TURN_DO_STT_BEGIN:
        w->stt_open = true;
        w->stt_from = a->at;
        w->token = 0;
        w->interim[0] = '\0';
        break;
    case RP_TURN_DO_STT_FINALIZE:
        RP_ASSERT(w->stt_open);
        if (a->token == w->token)
            break; /* only more urgent */
        w->token = a->token;
        w->token_to = a->at;
        w->token_due_us = w->now_us + US(w->stt_ms);
        break;
    case RP_TURN_DO_STT_DISCARD:
        w->stt_open = false;
        w->token = 0;
        break;
    case RP_TURN_DO_SPEAK:
        if (!w->tts_dead)
            speak(w, a);
        break;
    case RP_TURN_DO_SPEAK_END:
        voice_of(w, a->turn)->ended = true;
        break;
    case RP_TURN_DO_STOP_SPEAKING:
        *voice_of(w, a->turn) = (struct world_voice){.stopped = true, .first_us = -1};
        w->nspans = 0;
        break;
    case RP_TURN_DO_HOLD:
    case RP_TURN_DO_RESUME:
        voice_of(w, a->turn)->held = a->type == RP_TURN_DO_HOLD;
        break;
    case RP_TURN_DO_END_SESSION:
        w->over = true;
        break;
    default:
        break;
    }
    if (w->emit)
        w->emit(a, w->arg);
}

void world_event(struct world *w, struct rp_turn_event ev)
{
    const char *wrong;

    ev.now_us = w->now_us;
    ev.pos = w->pos;
    if (w->log)
        RP_ASSERT(rp_turn_log_add(w->log, &ev) == 0);
    w->steps++;
    rp_turn_step(w->turn, &ev, on_action, w);
    wrong = rp_turn_check(w->turn);
    if (wrong)
        (void)fprintf(stderr, "after %s: not: %s\n", rp_turn_event_name(ev.type), wrong);
    RP_ASSERT(!wrong);
}

void world_init(struct world *w, const struct rp_turn_params *p)
{
    *w = (struct world){.audio = true, .stt_ms = 60, .onset = -1};
    for (int i = 0; i < WORLD_TURNS; i++)
        w->voice[i].first_us = -1;
    RP_ASSERT(rp_turn_new(&w->turn, p) == 0);
}

void world_fini(struct world *w)
{
    rp_turn_free(w->turn);
}

void world_says(struct world *w, const char *words, int64_t ms)
{
    struct world_speech *s = &w->speech[w->nspeech];

    RP_ASSERT(w->nspeech < WORLD_SPEECHES);
    w->nspeech++;
    s->from = w->pos + w->burst;
    s->to = s->planned = s->from + SAMPLES(ms);
    (void)snprintf(s->words, sizeof(s->words), "%s", words);
}

void world_hush(struct world *w)
{
    struct world_speech *s = w->nspeech ? &w->speech[w->nspeech - 1] : NULL;

    if (s && s->to > w->pos)
        s->to = RP_MAX(w->pos, s->from);
}

void world_burst(struct world *w, int64_t ms)
{
    w->burst += SAMPLES(ms);
}

/* Words that were spoken between two samples (by their middle). */
static void words_between(const struct world *w, int64_t from, int64_t to, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    if (w->stt_deaf)
        return;
    for (int i = 0; i < w->nspeech; i++) {
        const struct world_speech *s = &w->speech[i];
        struct rp_str rest = rp_str_z(s->words);
        int64_t n = 1, k = 0;

        for (size_t c = 0; c < rest.len; c++)
            n += rest.p[c] == ' ';
        for (; rest.p && rest.len; k++) {
            struct rp_str word = rp_str_split(&rest, ' ');
            int64_t mid = s->from + ((s->planned - s->from) * (2 * k + 1) / (2 * n));

            if (mid >= from && mid < to && mid < s->to && len < size)
                len += (size_t)snprintf(out + len, size - len, "%s%.*s", len ? " " : "",
                                        RP_STR_ARG(word));
        }
    }
}

/* Is there speech at this sample, and where does its stretch end, as the detector hears it? */
static const struct world_speech *speech_at(const struct world *w, int64_t pos)
{
    for (int i = w->nspeech - 1; i >= 0; i--)
        if (pos >= w->speech[i].from && pos < w->speech[i].to)
            return &w->speech[i];
    return NULL;
}

static void recognise(struct world *w)
{
    char words[512];

    if (!w->stt_open || w->stt_dead)
        return;
    if (w->token && w->now_us >= w->token_due_us) {
        uint64_t token = w->token;

        w->token = 0;
        words_between(w, w->stt_from, w->token_to, words, sizeof(words));
        world_event(w, (struct rp_turn_event){
                           .type = RP_TURN_EV_FINAL, .token = token, .text = rp_str_z(words)});
        return;
    }
    words_between(w, w->stt_from, w->pos - SAMPLES(200), words, sizeof(words));
    if (w->no_interims || w->token || strcmp(words, w->interim) == 0 || !words[0])
        return;
    (void)snprintf(w->interim, sizeof(w->interim), "%s", words);
    world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_INTERIM, .text = rp_str_z(words)});
}

/* What the detector says about the samples up to `pos`. */
static void detect(struct world *w)
{
    const struct world_speech *s = speech_at(w, w->pos - 1);

    if (s) {
        w->heard_at = w->pos;
        if (!w->detected && w->onset < 0)
            w->onset = RP_MAX(s->from, w->pos - SAMPLES(WORLD_STEP_MS));
    } else if (!w->detected) {
        w->onset = -1;
    }
    if (!w->detected && w->onset >= 0 && w->pos - w->onset >= SAMPLES(WORLD_ONSET_MS)) {
        w->detected = true;
        world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_SPEECH_START, .at = w->onset});
    } else if (w->detected && w->pos - w->heard_at >= SAMPLES(WORLD_HANG_MS)) {
        w->detected = false;
        w->onset = -1;
        world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_SPEECH_STOP, .at = w->heard_at});
    }
}

static void hear(struct world *w, int64_t samples)
{
    while (samples > 0 && !w->over) {
        int64_t n = RP_MIN(samples, SAMPLES(WORLD_STEP_MS));

        w->pos += n;
        samples -= n;
        detect(w);
        world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_TICK,
                                              .at = w->detected ? w->heard_at : 0});
        if (!rp_turn_wants_audio(w->turn)) {
            w->burst += samples;
            return;
        }
    }
}

static void send_audio(struct world *w)
{
    for (int i = 0; i < w->nspans; i++)
        world_event(w, w->spans[i]);
    w->nspans = 0;
    for (uint32_t i = 1; i < WORLD_TURNS && !w->over; i++) {
        struct world_voice *v = &w->voice[i];
        int64_t can;

        if (v->stopped || w->tts_dead)
            continue;
        if ((v->made > v->told || v->ended) && !v->done) {
            v->done = v->ended;
            v->told = v->made;
            world_event(
                w, (struct rp_turn_event){.type = RP_TURN_EV_SYNTH_DONE, .turn = i, .at = v->made});
        }
        if (v->held || v->stopped || v->sent == v->made)
            continue;
        if (v->first_us < 0)
            v->first_us = w->now_us;
        can = (w->now_us - v->first_us) * 16 / 1000 + SAMPLES(WORLD_LEAD_MS);
        can = RP_MIN(can, v->made);
        if (can <= v->sent)
            continue;
        v->sent = can;
        if (w->on_audio)
            w->on_audio(i, w->arg);
        world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_AUDIO_SENT, .turn = i, .at = can});
    }
}

/* One step of real time: audio first, then what the engines have ready. */
static void step(struct world *w)
{
    int64_t fresh = w->audio ? SAMPLES(WORLD_STEP_MS) : 0;

    if (w->audio)
        w->audio_us = w->now_us;
    recognise(w);
    if (rp_turn_wants_audio(w->turn)) {
        /* A backlog is worked off at 40 times real time. */
        int64_t backlog = RP_MIN(w->burst, SAMPLES(40 * WORLD_STEP_MS));

        w->burst -= backlog;
        hear(w, backlog + fresh);
    } else {
        w->burst += fresh;
    }
    if (!w->audio && w->burst == 0 && w->now_us - w->audio_us >= US(WORLD_STALL_MS)) {
        int64_t missing = w->stalled ? SAMPLES(WORLD_STEP_MS) : SAMPLES(WORLD_STALL_MS);
        int64_t last = w->pos;

        if (!w->stalled)
            world_hush(w);

        w->stalled = true;
        w->pos += missing;
        if (w->detected) {
            w->detected = false;
            w->onset = -1;
            world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_SPEECH_STOP, .at = last});
        }
    } else if (w->audio) {
        w->stalled = false;
    }
    send_audio(w);
}

void world_run(struct world *w, int64_t until_us)
{
    while (w->now_us < until_us && !w->over) {
        int64_t next = RP_MIN(w->next_us, until_us);
        int64_t deadline = rp_turn_deadline_us(w->turn);

        if (deadline < next) {
            w->now_us = RP_MAX(deadline, w->now_us);
            world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_TICK});
            /* A deadline that does not move would spin for ever in a real loop. */
            RP_ASSERT(rp_turn_deadline_us(w->turn) > w->now_us);
            continue;
        }
        w->now_us = next;
        if (next < w->next_us)
            return;
        w->next_us += US(WORLD_STEP_MS);
        step(w);
    }
    if (w->now_us < until_us)
        w->now_us = until_us;
}
