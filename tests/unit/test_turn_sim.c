/* A random life for the turn machine: a million events in an order that nobody would think of, half
 * of them plausible, some of them nonsense, and after each the promises that it makes to client,
 * backend, recogniser, synthesiser and books.
 *
 *     RIPOSTE_TEST_SEED=n      begins with another seed (it is printed when something is wrong)
 *     RIPOSTE_TEST_EVENTS=n    how many events, 1,000,000 by default
 *
 * The promises, by the number that a failure names:
 *      1  ids never repeat; a turn starts once and ends once; nothing of it comes after its end
 *      2  at most one turn of the caller and one speaking turn of the agent are open
 *      3  a message for each finished turn of the caller that has words, with these words, in
 * order; none for any other 4  each request is answered, failed or cancelled once; at most one
 * beside data, 8 of data 5  what was heard is a prefix of what was spoken, and no more than was
 * sent and than real time since the first audio allows 6  no audio of a turn that was stopped:
 * neither speak, hold, resume nor response.end 7  response.text is what the deltas were,
 * response.end comes once, when all audio was sent 8  finals are asked of an open utterance, with
 * tokens that count up 9  the books have each turn once, in the order of its end 10  END_SESSION is
 * the last action 11  the machine comes to rest when nothing happens, and ends when told to */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "tests.h"
#include "turn/turn_int.h"
#include "turn/words.h"

enum { TURNS = 128, USERS = 512, EVENTS = 400, TEXT = 4096 };

struct asst { /* what we have seen of a turn of the agent */
    char id[RP_ID_MAX];
    bool started, ended, posted, over /* its request */, ended_response, stopped, said, finished;
    bool recorded, held, told_text;
    enum rp_turn_request request;
    char text[TEXT]; /* the deltas */
    char came[TEXT]; /* what the agent wrote */
    size_t len, ncame;
    int64_t made, sent, first_us; /* samples; real time */
    size_t spanned;               /* text that has word times */
    bool done;
};

struct sim {
    struct rp_turn *t;
    struct rp_rng rng;
    uint64_t seed;
    struct rp_turn_options o;
    int64_t now_us, pos;
    bool speech;
    int64_t onset;

    struct asst *assts; /* by number */
    uint32_t nassts;    /* greatest number seen */
    uint32_t live;      /* started and not ended */
    char user_id[RP_ID_MAX], user_ids[USERS][RP_ID_MAX];
    int nusers;
    bool user_open;
    char transcript[TEXT];
    bool due_message; /* a transcript has gone out: its message must follow */
    bool closing;     /* the session is ending: no more messages */
    int user_records; /* due */
    bool utterance;
    uint64_t token, answered; /* asked for last; answered last */
    bool over;
    enum rp_turn_event_type event;
    uint64_t nevents;
};

static void broken(const struct sim *s, int promise, const char *what)
{
    fail_msg("promise %d: %s (RIPOSTE_TEST_SEED=%" PRIu64 ", event %" PRIu64 ": %s)", promise, what,
             s->seed, s->nevents, rp_turn_event_name(s->event));
}

#define PROMISE(s, n, cond)                                                                        \
    do {                                                                                           \
        if (!(cond))                                                                               \
            broken(s, n, #cond);                                                                   \
    } while (0)

/* --- what comes out ----------------------------------------------------------------------- */

static struct asst *asst_of(struct sim *s, const struct rp_turn_action *a)
{
    struct asst *x;

    PROMISE(s, 1, a->turn > 0 && a->turn < TURNS);
    x = &s->assts[a->turn];
    if (!x->id[0]) {
        for (uint32_t i = 1; i <= s->nassts; i++)
            PROMISE(s, 1, strcmp(s->assts[i].id, a->id) != 0);
        (void)snprintf(x->id, sizeof(x->id), "%s", a->id);
        s->nassts = RP_MAX(s->nassts, a->turn);
    }
    PROMISE(s, 1, strcmp(x->id, a->id) == 0);
    return x;
}

static void on_user_turn(struct sim *s, const struct rp_turn_action *a)
{
    if (a->type == RP_TURN_DO_TURN_START) {
        PROMISE(s, 2, !s->user_open && s->live == 0);
        for (int i = 0; i < s->nusers; i++)
            PROMISE(s, 1, strcmp(s->user_ids[i], a->id) != 0);
        PROMISE(s, 1, s->nusers < USERS);
        (void)snprintf(s->user_ids[s->nusers++], RP_ID_MAX, "%s", a->id);
        (void)snprintf(s->user_id, sizeof(s->user_id), "%s", a->id);
        s->user_open = true;
        s->transcript[0] = '\0';
        return;
    }
    PROMISE(s, 1, s->user_open && strcmp(a->id, s->user_id) == 0);
    if (a->type == RP_TURN_DO_TURN_END) {
        s->user_open = false;
        if (s->transcript[0]) {
            s->user_records++;
            s->due_message = true;
        }
    }
    if (a->type == RP_TURN_DO_TRANSCRIPT) {
        PROMISE(s, 3, !s->transcript[0] && rp_str_trim(a->text).len > 0 && a->text.len < TEXT);
        (void)snprintf(s->transcript, sizeof(s->transcript), "%.*s", RP_STR_ARG(a->text));
    }
}

/* What was heard is among what was sent and could be played by now. */
static void check_heard(const struct sim *s, const struct asst *x, struct rp_str heard)
{
    PROMISE(s, 5, rp_str_starts(rp_str_n(x->text, x->len), heard));
    if (heard.len == 0)
        return;
    PROMISE(s, 5, x->first_us >= 0);
    PROMISE(s, 5, heard.len <= x->spanned);
    /* Words are a second each (see give_spans), 10 bytes with their space. */
    PROMISE(s, 5, (int64_t)(heard.len / 10) * 16000 <= x->sent);
    PROMISE(s, 5, (int64_t)(heard.len / 10) * 1000000 <= s->now_us - x->first_us);
}

static void on_post(struct sim *s, const struct rp_turn_action *a, struct asst *x)
{
    unsigned open = 0, data = 0;

    PROMISE(s, 4, !x->posted);
    x->posted = true;
    x->request = a->request;
    for (uint32_t i = 1; i <= s->nassts; i++) {
        bool is_open = s->assts[i].posted && !s->assts[i].over;
        open += is_open && s->assts[i].request != RP_TURN_DATA;
        data += is_open && s->assts[i].request == RP_TURN_DATA;
    }
    PROMISE(s, 4, open <= 1 && data <= 8);
    if (a->request != RP_TURN_MESSAGE)
        return;
    PROMISE(s, 3, s->due_message && !s->closing);
    PROMISE(s, 3, rp_str_eq_z(a->text, s->transcript));
    s->due_message = false;
    if (!a->interrupted)
        return;
    PROMISE(s, 5, a->words_heard == rp_words_count(a->heard));
    for (uint32_t i = 1; i <= s->nassts; i++) {
        /* Of a resumed turn the whole text is told, under the id that the backend knows. */
        if (strcmp(s->assts[i].id, a->other_id) != 0)
            continue;
        PROMISE(s, 5, s->assts[i].posted);
        PROMISE(s, 5,
                rp_str_starts(rp_str_n(s->assts[i].text, s->assts[i].len), a->heard) ||
                    rp_str_starts(rp_str_n(s->assts[i].came, s->assts[i].ncame), a->heard));
        return;
    }
    broken(s, 5, "the interrupted turn is not known");
}

static void on_record(struct sim *s, const struct rp_turn_action *a)
{
    const struct rp_turn_record *r = a->record;
    struct asst *x;

    PROMISE(s, 9, r->start_us <= r->end_us && r->end_us <= s->now_us);
    if (r->user) {
        PROMISE(s, 9, s->user_records == 1 && rp_str_eq_z(r->text, s->transcript));
        PROMISE(s, 9, r->from <= r->to && r->to <= s->pos);
        s->user_records--;
        return;
    }
    x = asst_of(s, a);
    PROMISE(s, 9, !x->recorded && (x->ended || !x->started));
    x->recorded = true;
    PROMISE(s, 9, rp_str_eq(r->text, rp_str_n(x->text, x->len)));
    PROMISE(s, 5, rp_str_starts(r->text, r->heard));
    PROMISE(s, 5, r->words_heard == rp_words_count(r->heard));
    if (r->interrupted)
        check_heard(s, x, r->heard);
}

static void on_asst(struct sim *s, const struct rp_turn_action *a)
{
    struct asst *x = asst_of(s, a);

    PROMISE(s, 9, !x->recorded);
    switch (a->type) {
    case RP_TURN_DO_TURN_START:
        PROMISE(s, 1, !x->started);
        PROMISE(s, 2, s->live == 0 && !s->user_open);
        x->started = true;
        s->live = a->turn;
        break;
    case RP_TURN_DO_TURN_END:
        PROMISE(s, 1, x->started && !x->ended && s->live == a->turn);
        x->ended = true;
        s->live = 0;
        break;
    case RP_TURN_DO_TEXT_DELTA:
        PROMISE(s, 1, x->started && !x->ended && !x->told_text && !s->user_open);
        PROMISE(s, 7, a->text.len > 0 && x->len + a->text.len < TEXT);
        memcpy(x->text + x->len, a->text.p, a->text.len);
        x->len += a->text.len;
        break;
    case RP_TURN_DO_TEXT:
        PROMISE(s, 7, x->started && !x->ended && !x->told_text);
        PROMISE(s, 7, rp_str_eq(a->text, rp_str_n(x->text, x->len)));
        x->told_text = true;
        break;
    case RP_TURN_DO_DATA:
        PROMISE(s, 1, x->posted && !x->ended);
        PROMISE(s, 1, x->request == RP_TURN_DATA || (x->started && !s->user_open));
        break;
    case RP_TURN_DO_ERROR:
        PROMISE(s, 1, s->o.report_errors && !x->ended && !x->ended_response);
        break;
    case RP_TURN_DO_RESPONSE_END:
        PROMISE(s, 7, !x->ended_response && !x->ended);
        x->ended_response = true;
        break;
    case RP_TURN_DO_CANCEL:
        PROMISE(s, 4, x->posted && !x->over);
        x->over = true;
        break;
    case RP_TURN_DO_SPEAK:
        PROMISE(s, 6, x->started && !x->ended && !x->stopped && !x->finished);
        PROMISE(s, 6, a->filler || a->text_from + a->text.len == x->len);
        x->said = true;
        x->done = false;
        break;
    case RP_TURN_DO_SPEAK_END:
        PROMISE(s, 6, x->said && !x->stopped && !x->finished && !x->ended);
        x->finished = true;
        break;
    case RP_TURN_DO_STOP_SPEAKING:
        PROMISE(s, 6, x->said && !x->stopped && !x->ended);
        x->stopped = true;
        break;
    case RP_TURN_DO_HOLD:
    case RP_TURN_DO_RESUME:
        PROMISE(s, 6, x->said && !x->stopped && !x->ended);
        PROMISE(s, 6, x->held == (a->type == RP_TURN_DO_RESUME));
        x->held = !x->held;
        break;
    default:
        broken(s, 1, "an action of a turn that should have none");
    }
}

static void on_action(const struct rp_turn_action *a, void *arg)
{
    struct sim *s = arg;

    PROMISE(s, 10, !s->over);
    if (getenv("RIPOSTE_TEST_TRACE"))
        (void)fprintf(
            stderr, "                  < %s %s turn %" PRIu32 " token %" PRIu64 " %.*s%s\n",
            rp_turn_action_name(a->type), a->id ? a->id : "", a->turn, a->token,
            RP_STR_ARG(a->text), a->type == RP_TURN_DO_NOTE ? rp_turn_note_name(a->note) : "");
    switch (a->type) {
    case RP_TURN_DO_NOTE:
        break;
    case RP_TURN_DO_END_SESSION:
        s->over = true;
        PROMISE(s, 2, !s->user_open && !s->live);
        break;
    case RP_TURN_DO_STT_BEGIN:
        PROMISE(s, 8, a->at >= 0 && a->at <= s->pos);
        s->utterance = true;
        break;
    case RP_TURN_DO_STT_FINALIZE:
        PROMISE(s, 8, s->utterance && a->at <= s->pos);
        PROMISE(s, 8,
                a->token == s->token + 1 ||
                    (a->token == s->token && a->urgent && s->answered != a->token));
        s->token = a->token;
        break;
    case RP_TURN_DO_STT_DISCARD:
        PROMISE(s, 8, s->utterance);
        s->utterance = false;
        break;
    case RP_TURN_DO_POST:
        on_post(s, a, asst_of(s, a));
        break;
    case RP_TURN_DO_RECORD:
        on_record(s, a);
        break;
    default:
        if (a->user)
            on_user_turn(s, a);
        else
            on_asst(s, a);
    }
}

/* --- what goes in ------------------------------------------------------------------------- */

static uint64_t below(struct sim *s, uint64_t n)
{
    return rp_rng_below(&s->rng, n);
}

static bool chance(struct sim *s, unsigned percent)
{
    return below(s, 100) < percent;
}

static void step(struct sim *s, struct rp_turn_event ev)
{
    const char *wrong;

    ev.now_us = s->now_us;
    ev.pos = s->pos;
    s->event = ev.type;
    s->nevents++;
    if (getenv("RIPOSTE_TEST_TRACE"))
        (void)fprintf(stderr,
                      "%8.3f %8" PRId64 " > %s turn %" PRIu32 " token %" PRIu64 " at %" PRId64
                      " %.*s\n",
                      (double)ev.now_us / 1e6, ev.pos / 16, rp_turn_event_name(ev.type), ev.turn,
                      ev.token, ev.at, RP_STR_ARG(ev.text));
    s->closing |= ev.type == RP_TURN_EV_CLOSED || ev.type == RP_TURN_EV_TIME_UP;
    rp_turn_step(s->t, &ev, on_action, s);
    wrong = rp_turn_check(s->t);
    if (wrong)
        broken(s, 0, wrong);
    s->closing |= s->t->ending;
    if (s->due_message && !s->over)
        PROMISE(s, 3, s->closing);
    s->due_message = false;
    PROMISE(s, 9, s->user_records == 0);
}

static void simple(struct sim *s, enum rp_turn_event_type type)
{
    step(s, (struct rp_turn_event){.type = type});
}

static void pass_time(struct sim *s)
{
    static const int64_t ms[] = {0, 1, 20, 20, 20, 60, 100, 250, 400, 1300};
    int64_t n = ms[below(s, RP_COUNT(ms))];

    s->now_us += n * 1000;
    if (chance(s, 85))
        s->pos += n * 16;
    if (chance(s, 2))
        s->pos += (int64_t)below(s, 20) * 16000; /* a recording */
}

/* The text of an answer: words of 9 letters and a space, so that bytes are words are seconds. */
static struct rp_str some_text(struct sim *s)
{
    static const char text[] =
        "alphaalph betabetab gammagamm deltadelt epsilonep zetazetaz etaetaeta "
        "thetathet ";

    return rp_str_n(text, 10 * (1 + below(s, 8)));
}

static struct rp_str some_words(struct sim *s)
{
    static const char *const words[] = {
        "",    "",     "hello",          "what time is it?",        "i would like to",
        "um",  "yes.", "call me,",       "alphaalph betabetab",     "betabetab",
        "...", "no",   "my number is 5", "\xe4\xb8\xad\xe6\x96\x87"};

    return rp_str_z(words[below(s, RP_COUNT(words))]);
}

/* A turn whose request is open, or 0. */
static uint32_t open_request(struct sim *s)
{
    uint32_t n = s->nassts, from = n ? (uint32_t)below(s, n) : 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = 1 + ((from + i) % n);
        if (s->assts[k].posted && !s->assts[k].over)
            return k;
    }
    return 0;
}

static void agent_event(struct sim *s)
{
    static const enum rp_turn_event_type types[] = {
        RP_TURN_EV_AGENT_TEXT, RP_TURN_EV_AGENT_TEXT, RP_TURN_EV_AGENT_TEXT, RP_TURN_EV_AGENT_DATA,
        RP_TURN_EV_AGENT_END,  RP_TURN_EV_AGENT_END,  RP_TURN_EV_AGENT_ERROR};
    struct rp_turn_event ev = {.type = types[below(s, RP_COUNT(types))]};

    ev.turn = chance(s, 95) ? open_request(s) : (uint32_t)below(s, s->nassts + 3);
    if (chance(s, 3))
        ev.type = RP_TURN_EV_AGENT_HANGUP;
    ev.text = RP_STR("{}");
    if (ev.type == RP_TURN_EV_AGENT_TEXT)
        ev.text = some_text(s);
    if (ev.turn && ev.turn <= s->nassts && s->assts[ev.turn].ncame > TEXT / 4)
        ev.type = RP_TURN_EV_AGENT_END;
    if (ev.type == RP_TURN_EV_AGENT_TEXT && ev.turn && ev.turn <= s->nassts &&
        s->assts[ev.turn].posted && !s->assts[ev.turn].over) {
        memcpy(s->assts[ev.turn].came + s->assts[ev.turn].ncame, ev.text.p, ev.text.len);
        s->assts[ev.turn].ncame += ev.text.len;
    }
    if (ev.turn && ev.turn <= s->nassts && s->assts[ev.turn].request == RP_TURN_DATA &&
        ev.type == RP_TURN_EV_AGENT_DATA && chance(s, 50))
        ev.type = RP_TURN_EV_AGENT_PLAIN;
    ev.code = RP_STR("timeout");
    if ((ev.type == RP_TURN_EV_AGENT_END || ev.type == RP_TURN_EV_AGENT_ERROR) && ev.turn &&
        ev.turn <= s->nassts && s->assts[ev.turn].posted)
        s->assts[ev.turn].over = true;
    step(s, ev);
}

/* The synthesiser and the sender of the turn that is speaking. */
static void give_spans(struct sim *s, struct asst *x, uint32_t turn)
{
    while (x->spanned + 10 <= x->len && !x->stopped && !s->over) {
        struct rp_turn_event ev = {.type = RP_TURN_EV_SYNTH_SPAN, .turn = turn};

        ev.text_from = (uint32_t)x->spanned;
        ev.text_to = ev.text_from + 9;
        ev.at = x->made;
        x->made += 16000;
        ev.end = x->made;
        x->spanned += 10;
        step(s, ev);
    }
}

static void synth_done(struct sim *s, struct asst *x, uint32_t turn)
{
    if (x->done || x->stopped || x->spanned + 10 <= x->len)
        return;
    x->done = true;
    step(s, (struct rp_turn_event){.type = RP_TURN_EV_SYNTH_DONE, .turn = turn, .at = x->made});
}

static void send_audio(struct sim *s, struct asst *x, uint32_t turn, int64_t most)
{
    int64_t n = RP_MIN(most, x->made - x->sent);

    if (n <= 0 || x->held || x->stopped)
        return;
    x->sent += n;
    if (x->first_us < 0)
        x->first_us = s->now_us;
    step(s, (struct rp_turn_event){.type = RP_TURN_EV_AUDIO_SENT, .turn = turn, .at = x->sent});
}

static void speech_event(struct sim *s)
{
    uint32_t turn = s->live;
    struct asst *x = &s->assts[turn];

    if (!turn || !x->said || x->ended) {
        if (chance(s, 10)) /* of a turn that is over, or never was */
            step(s, (struct rp_turn_event){.type = RP_TURN_EV_AUDIO_SENT,
                                           .turn = (uint32_t)below(s, s->nassts + 3),
                                           .at = 1 << 20});
        return;
    }
    switch (below(s, 8)) {
    case 0:
    case 1:
        give_spans(s, x, turn);
        break;
    case 2:
        synth_done(s, x, turn);
        break;
    case 3:
        if (chance(s, 5)) {
            x->made = x->sent;
            x->spanned = TEXT; /* no more words of it */
            step(s, (struct rp_turn_event){
                        .type = RP_TURN_EV_SYNTH_FAILED, .turn = turn, .at = x->sent});
        }
        break;
    default:
        send_audio(s, x, turn, 1600 * (int64_t)(1 + below(s, 20)));
    }
}

static void played_event(struct sim *s)
{
    struct rp_turn_event ev = {.type = RP_TURN_EV_PLAYED, .at = RP_TURN_FINISHED};
    uint32_t turn = (uint32_t)below(s, s->nassts + 1);

    if (chance(s, 50))
        turn = s->live;
    if (turn && chance(s, 70))
        ev.text = rp_str_z(s->assts[turn].id);
    if (chance(s, 50))
        ev.at = (int64_t)below(s, 200000) - 100;
    ev.interrupted = chance(s, 10);
    step(s, ev);
}

static void voice_event(struct sim *s)
{
    struct rp_turn_event ev = {.at = s->pos - (int64_t)below(s, 3200)};

    if (chance(s, 4)) /* a detector that repeats itself, or dreams */
        ev.at = (int64_t)below(s, 1 << 30) - 1000;
    ev.type = s->speech ? RP_TURN_EV_SPEECH_STOP : RP_TURN_EV_SPEECH_START;
    if (chance(s, 97))
        s->speech = !s->speech;
    step(s, ev);
}

static void stt_event(struct sim *s)
{
    struct rp_turn_event ev = {.type = RP_TURN_EV_FINAL, .token = s->token, .text = some_words(s)};

    if (chance(s, 50)) {
        ev.type = RP_TURN_EV_INTERIM;
    } else if (chance(s, 10)) {
        ev.type = RP_TURN_EV_STT_FAILED;
        ev.token = chance(s, 30) ? 0 : s->token;
    } else if (chance(s, 5)) {
        ev.token = below(s, s->token + 2);
    }
    if (ev.type != RP_TURN_EV_INTERIM &&
        (ev.token == s->token || (ev.token == 0 && ev.type == RP_TURN_EV_STT_FAILED)))
        s->answered = s->token;
    step(s, ev);
}

static void client_event(struct sim *s)
{
    static const enum rp_turn_event_type types[] = {
        RP_TURN_EV_READY,     RP_TURN_EV_HINT_START, RP_TURN_EV_HINT_END, RP_TURN_EV_HINT_END,
        RP_TURN_EV_PTT_START, RP_TURN_EV_PTT_END,    RP_TURN_EV_DATA,     RP_TURN_EV_TYPED};
    struct rp_turn_event ev = {.type = types[below(s, RP_COUNT(types))]};

    ev.text = ev.type == RP_TURN_EV_TYPED ? some_words(s) : RP_STR("[1]");
    if (chance(s, 2))
        ev.type = RP_TURN_EV_HINT_FAILED;
    step(s, ev);
}

static void random_event(struct sim *s)
{
    pass_time(s);
    switch (below(s, 20)) {
    case 0:
    case 1:
    case 2:
        voice_event(s);
        break;
    case 3:
    case 4:
    case 5:
        stt_event(s);
        break;
    case 6:
    case 7:
        client_event(s);
        break;
    case 8:
        played_event(s);
        break;
    case 9:
    case 10:
    case 11:
        agent_event(s);
        break;
    case 12:
    case 13:
    case 14:
    case 15:
        speech_event(s);
        break;
    case 16:
        if (chance(s, 2))
            simple(s, chance(s, 50) ? RP_TURN_EV_CLOSED : RP_TURN_EV_TIME_UP);
        break;
    default:
        step(s, (struct rp_turn_event){.type = RP_TURN_EV_TICK,
                                       .at = chance(s, 50) ? 0 : s->pos - (int64_t)below(s, 3000)});
    }
}

/* --- a session ---------------------------------------------------------------------------- */

static void random_options(struct sim *s)
{
    static const int32_t words[] = {0, 0, 0, 1, 2};

    rp_turn_options_default(&s->o);
    s->o.mode = chance(s, 15) ? RP_TURN_PUSH_TO_TALK : RP_TURN_AUTOMATIC;
    s->o.can_interrupt = chance(s, 85);
    s->o.protect_greeting = chance(s, 20);
    s->o.min_interrupt_words = words[below(s, RP_COUNT(words))];
    s->o.min_interrupt_ms = 50 + (int32_t)below(s, 400);
    s->o.min_speech_ms = (int32_t)below(s, 300);
    s->o.no_words_ms = 1000 + (int32_t)below(s, 10000);
    s->o.max_turn_ms = 10000 + (int32_t)below(s, 100000);
    s->o.resume_false_interruption = chance(s, 80);
    s->o.report_errors = chance(s, 50);
    s->o.hangup_on_barge_in = chance(s, 50);
    if (chance(s, 30))
        s->o.fallback = "alphaalph ";
    if (chance(s, 30))
        s->o.filler = "one moment";
}

static void begin_session(struct sim *s, uint64_t seed)
{
    static const enum rp_turn_request greetings[] = {RP_TURN_WELCOME, RP_TURN_SESSION_START,
                                                     RP_TURN_NO_GREETING};
    struct asst *assts = s->assts;
    uint64_t n = s->nevents;
    struct rp_turn_params p = {.options = &s->o, .wall_ms = 1769817600000};

    memset(assts, 0, TURNS * sizeof(*assts));
    for (int i = 0; i < TURNS; i++)
        assts[i].first_us = -1;
    memset(s, 0, sizeof(*s));
    s->assts = assts;
    s->nevents = n;
    s->seed = s->rng.state = seed;
    random_options(s);
    p.greeting = greetings[below(s, 3)];
    p.seed = seed;
    assert_int_equal(rp_turn_new(&s->t, &p), 0);
}

/* Everybody does what they owe, and then nothing happens any more. */
static void come_to_rest(struct sim *s)
{
    if (s->speech)
        step(s, (struct rp_turn_event){.type = RP_TURN_EV_SPEECH_STOP, .at = s->pos});
    s->speech = false;
    if (s->o.mode == RP_TURN_PUSH_TO_TALK && s->t->ptt_down)
        simple(s, RP_TURN_EV_PTT_END);
    for (int i = 0; i < 3000 && !s->over; i++) {
        uint32_t turn = open_request(s), live = s->live;
        int64_t deadline = rp_turn_deadline_us(s->t), before = s->now_us;

        if (turn) {
            s->assts[turn].over = true;
            step(s, (struct rp_turn_event){.type = RP_TURN_EV_AGENT_END, .turn = turn});
        } else if (live && !s->assts[live].stopped && s->assts[live].said &&
                   (s->assts[live].sent < s->assts[live].made || !s->assts[live].done ||
                    s->assts[live].spanned + 10 <= s->assts[live].len) &&
                   !s->assts[live].held) {
            give_spans(s, &s->assts[live], live);
            if (s->live == live)
                synth_done(s, &s->assts[live], live);
            if (s->live == live)
                send_audio(s, &s->assts[live], live, 1 << 30);
        } else if (deadline == RP_TURN_NEVER) {
            break;
        } else {
            s->now_us = RP_MAX(deadline, s->now_us);
            s->pos += (s->now_us - before) * 16 / 1000;
            simple(s, RP_TURN_EV_TICK);
        }
    }
    if (s->over)
        return;
    PROMISE(s, 11, rp_turn_deadline_us(s->t) == RP_TURN_NEVER);
    PROMISE(s, 11, s->t->user.phase == RP_TURN_QUIET && !s->t->floor && !s->user_open && !s->live);
}

static void end_session(struct sim *s)
{
    int64_t until = s->now_us + 2100000;

    if (!s->over)
        simple(s, RP_TURN_EV_CLOSED);
    while (!s->over) {
        s->now_us = rp_turn_deadline_us(s->t);
        PROMISE(s, 11, s->now_us <= until);
        simple(s, RP_TURN_EV_TICK);
    }
    PROMISE(s, 4, open_request(s) == 0);
    for (uint32_t i = 1; i <= s->nassts; i++) {
        PROMISE(s, 1, s->assts[i].started == s->assts[i].ended);
        PROMISE(s, 9, s->assts[i].recorded || !s->assts[i].started);
    }
    rp_turn_free(s->t);
}

static uint64_t env(const char *name, uint64_t fallback)
{
    const char *v = getenv(name);

    return v ? strtoull(v, NULL, 10) : fallback;
}

static void keeps_its_promises(void **state)
{
    static struct sim s;
    uint64_t seed = env("RIPOSTE_TEST_SEED", 1), events = env("RIPOSTE_TEST_EVENTS", 1000000);
    unsigned rested = 0;

    (void)state;
    s.assts = rp_calloc(TURNS, sizeof(*s.assts));
    assert_non_null(s.assts);
    s.nevents = 0;
    for (; s.nevents < events; seed++) {
        begin_session(&s, seed);
        for (int i = 0; i < EVENTS && !s.over; i++)
            random_event(&s);
        if (!s.over && chance(&s, 50)) {
            come_to_rest(&s);
            rested++;
        }
        end_session(&s);
    }
    rp_free(s.assts);
    assert_true(rested > 0);
}

int test_turn_sim(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_its_promises)};

    return cmocka_run_group_tests_name("turn_sim", tests, NULL, NULL);
}
