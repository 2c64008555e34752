/* Scenes of turn-taking: runs the scripts of tests/data/turns/ on virtual time.
 *
 * A script says what happens and what must come of it, in one order:
 *
 *     option min_interrupt_words 2     before anything else: an option,
 *     greeting welcome                 the greeting (default: none),
 *     watch recogniser                 and what is to be checked beside client, backend and books
 *     > says "what time is it" 1200    the caller does something (see commands[] for all)
 *     B< tts a1 "Two."                 the backend answers
 *     < turn.start user u1             this must be the next thing to come out; time goes on for
 *     B> message a1 "what time is it"  it, for 10 s at most
 *     = user "what time is it"         (into the books; a line break shows as |)
 *     < turn.end user u1 by 300        ... at most 300 ms after the last `mark`
 *     mark                             now; `by` and `after` count from here
 *     500                              time goes on for 500 ms
 *     nothing                          and nothing must have come out
 *
 * Turns are named u1, u2… and a1, a2… in the order in which they appear. A script ends with
 * everything that is watched accounted for, and the machine at rest. Each script is also run from
 * its log again, which must give the same actions. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests.h"
#include "turn/turn_int.h"
#include "turn/turn_log.h"
#include "turn_world.h"

enum { LINES = 1024, USERS = 64, PATIENCE_MS = 10000 };

enum channel {
    CLIENT = 1,
    BACKEND = 2,
    BOOKS = 4,
    INTERIMS = 8,
    RECOGNISER = 16,
    SPEECH = 32,
    NOTES = 64
};

struct line {
    char *text;
    int64_t at_us;
    enum channel channel;
};

struct run {
    struct world w;
    const char *file;
    int lineno;
    unsigned watch;
    struct line out[LINES];
    int nout, next;
    char users[USERS][RP_ID_MAX], assts[WORLD_TURNS][RP_ID_MAX];
    int nusers;
    bool heard[WORLD_TURNS]; /* audio of this turn has been shown */
    int64_t mark_us;
    struct rp_buf log_bytes, all; /* the log; every action, printed */
    struct rp_turn_log log;
};

/* --- printing what comes out -------------------------------------------------------------- */

static const char *user_name(struct run *r, const char *id, char buf[static 16])
{
    int i = 0;

    while (i < r->nusers && strcmp(r->users[i], id) != 0)
        i++;
    assert_true(i < USERS);
    if (i == r->nusers)
        (void)snprintf(r->users[r->nusers++], RP_ID_MAX, "%s", id);
    (void)snprintf(buf, 16, "u%d", i + 1);
    return buf;
}

static void print_record(struct rp_buf *b, const struct rp_turn_record *rec, const char *name)
{
    if (rec->user) {
        (void)rp_buf_printf(b, "user \"%.*s\"%s", RP_STR_ARG(rec->text),
                            rec->typed ? " typed" : "");
        return;
    }
    (void)rp_buf_printf(b, "assistant %s \"%.*s\"", name, RP_STR_ARG(rec->text));
    if (rec->interrupted)
        (void)rp_buf_printf(b, " heard %" PRIu32 " \"%.*s\"", rec->words_heard,
                            RP_STR_ARG(rec->heard));
    if (rec->failed)
        (void)rp_buf_z(b, " failed");
}

static void print_post(struct run *r, struct rp_buf *b, const struct rp_turn_action *a,
                       const char *name)
{
    static const char *const types[] = {"message", "data", "welcome", "session.start"};

    (void)rp_buf_printf(b, "%s %s", types[a->request], name);
    if (a->request == RP_TURN_MESSAGE)
        (void)rp_buf_printf(b, " \"%.*s\"", RP_STR_ARG(a->text));
    if (a->request == RP_TURN_DATA)
        (void)rp_buf_printf(b, " %.*s", RP_STR_ARG(a->text));
    for (int i = 0; a->interrupted && i < WORLD_TURNS; i++)
        if (strcmp(r->assts[i], a->other_id) == 0)
            (void)rp_buf_printf(b, " interrupted a%d %" PRIu32 " \"%.*s\"", i, a->words_heard,
                                RP_STR_ARG(a->heard));
}

/* The action as a script writes it; the channel that it belongs to. */
static enum channel print_action(struct run *r, struct rp_buf *b, const struct rp_turn_action *a)
{
    static const char *const reasons[] = {"closed", "hangup", "time_up"};
    char buf[16] = "";
    const char *n = buf;

    if (a->user && a->id)
        n = user_name(r, a->id, buf);
    else if (a->turn)
        (void)snprintf(buf, sizeof(buf), "a%" PRIu32, a->turn);
    switch (a->type) {
#define SAY(channel, ...)                                                                          \
    (void)rp_buf_printf(b, __VA_ARGS__);                                                           \
    return channel
    case RP_TURN_DO_TURN_START:
        SAY(CLIENT, "turn.start %s %s", a->user ? "user" : "assistant", n);
    case RP_TURN_DO_TURN_END:
        SAY(CLIENT, "turn.end %s %s", a->user ? "user" : "assistant", n);
    case RP_TURN_DO_INTERIM_DELTA:
        SAY(INTERIMS, "interim %s %" PRIu32 " \"%.*s\"", n, a->counter, RP_STR_ARG(a->text));
    case RP_TURN_DO_DELTA:
        SAY(CLIENT, "transcript.delta %s %" PRIu32 " \"%.*s\"", n, a->counter, RP_STR_ARG(a->text));
    case RP_TURN_DO_TRANSCRIPT:
        SAY(CLIENT, "transcript %s \"%.*s\"", n, RP_STR_ARG(a->text));
    case RP_TURN_DO_TEXT_DELTA:
        SAY(CLIENT, "text.delta %s \"%.*s\"", n, RP_STR_ARG(a->text));
    case RP_TURN_DO_TEXT:
        SAY(CLIENT, "text %s \"%.*s\"", n, RP_STR_ARG(a->text));
    case RP_TURN_DO_DATA:
        SAY(CLIENT, "data %s %.*s", n, RP_STR_ARG(a->text));
    case RP_TURN_DO_ERROR:
        SAY(CLIENT, "error %s %.*s", n, RP_STR_ARG(a->code));
    case RP_TURN_DO_RESPONSE_END:
        SAY(CLIENT, "end %s", n);
    case RP_TURN_DO_STT_BEGIN:
        SAY(RECOGNISER, "begin");
    case RP_TURN_DO_STT_FINALIZE:
        SAY(RECOGNISER, "finalize %" PRIu64 "%s", a->token, a->urgent ? " urgent" : "");
    case RP_TURN_DO_STT_DISCARD:
        SAY(RECOGNISER, "discard");
    case RP_TURN_DO_POST:
        (void)snprintf(r->assts[a->turn], RP_ID_MAX, "%s", a->id);
        print_post(r, b, a, n);
        return BACKEND;
    case RP_TURN_DO_CANCEL:
        SAY(BACKEND, "cancel %s", n);
    case RP_TURN_DO_SPEAK:
        SAY(SPEECH, "speak %s %" PRIu32 "%s \"%.*s\"", n, a->text_from, a->filler ? " filler" : "",
            RP_STR_ARG(a->text));
    case RP_TURN_DO_SPEAK_END:
        SAY(SPEECH, "speak.end %s", n);
    case RP_TURN_DO_STOP_SPEAKING:
        SAY(SPEECH, "stop %s", n);
    case RP_TURN_DO_HOLD:
        SAY(SPEECH, "hold %s", n);
    case RP_TURN_DO_RESUME:
        SAY(SPEECH, "resume %s", n);
    case RP_TURN_DO_RECORD:
        print_record(b, a->record, n);
        return BOOKS;
    case RP_TURN_DO_NOTE:
        SAY(NOTES, "%s", rp_turn_note_name(a->note));
    case RP_TURN_DO_END_SESSION:
        SAY(CLIENT, "session.end %s", reasons[a->reason]);
    default:
        fail_msg("an action without a name: %d", a->type);
    }
    return 0;
#undef SAY
}

static enum channel print_line(struct run *r, struct rp_buf *b, const struct rp_turn_action *a)
{
    enum channel channel = print_action(r, b, a);

    for (char *at = strchr(b->p, '\n'); at; at = strchr(at, '\n'))
        *at = '|';
    return channel;
}

static void add_line(struct run *r, enum channel channel, struct rp_buf *b)
{
    assert_true(r->nout < LINES);
    (void)rp_buf_printf(&r->all, "%s\n", b->p);
    r->out[r->nout++] = (struct line){rp_buf_take(b), r->w.now_us, channel};
}

static void on_action(const struct rp_turn_action *a, void *arg)
{
    struct run *r = arg;
    struct rp_buf b;
    enum channel channel;

    rp_buf_init(&b, 1 << 20);
    channel = print_line(r, &b, a);
    add_line(r, channel, &b);
}

/* The first audio of a turn is shown as a line of its own. */
static void on_audio(uint32_t turn, void *arg)
{
    struct run *r = arg;
    struct rp_buf b;

    if (r->heard[turn])
        return;
    r->heard[turn] = true;
    rp_buf_init(&b, 100);
    (void)rp_buf_printf(&b, "audio a%" PRIu32, turn);
    r->out[r->nout++] = (struct line){rp_buf_take(&b), r->w.now_us, CLIENT};
}

/* --- commands ----------------------------------------------------------------------------- */

#define FAIL(r, ...)                                                                               \
    do {                                                                                           \
        char why[2048];                                                                            \
        (void)snprintf(why, sizeof(why), __VA_ARGS__);                                             \
        fail_msg("%s:%d: %s", (r)->file, (r)->lineno, why);                                        \
    } while (0)

/* Cuts the next word or "quoted text" off the line. */
static char *next_arg(struct run *r, char **line)
{
    char *at = *line + strspn(*line, " "), *end;

    if (!*at)
        FAIL(r, "something is missing at the end of the line");
    if (*at == '"') {
        at++;
        end = at + strcspn(at, "\"");
        if (!*end)
            FAIL(r, "a quote does not end");
    } else {
        end = at + strcspn(at, " ");
    }
    *line = *end ? end + 1 : end;
    *end = '\0';
    return at;
}

static uint32_t next_turn(struct run *r, char **line)
{
    char *name = next_arg(r, line);

    if (name[0] != 'a')
        FAIL(r, "not an assistant turn: %s", name);
    return (uint32_t)strtoul(name + 1, NULL, 10);
}

static int64_t next_ms(struct run *r, char **line)
{
    return strtoll(next_arg(r, line), NULL, 10);
}

static void on_caller(struct run *r, char *line)
{
    static const struct {
        const char *name;
        enum rp_turn_event_type type;
    } plain[] = {
        {"client.ready", RP_TURN_EV_READY},  {"vad_start", RP_TURN_EV_HINT_START},
        {"vad_end", RP_TURN_EV_HINT_END},    {"vad_failed", RP_TURN_EV_HINT_FAILED},
        {"ptt.start", RP_TURN_EV_PTT_START}, {"ptt.end", RP_TURN_EV_PTT_END},
        {"close", RP_TURN_EV_CLOSED},        {"time.up", RP_TURN_EV_TIME_UP},
    };
    const char *what = next_arg(r, &line);
    struct world *w = &r->w;
    struct rp_turn_event ev = {0};

    for (size_t i = 0; i < RP_COUNT(plain); i++) {
        if (strcmp(what, plain[i].name) != 0)
            continue;
        world_event(w, (struct rp_turn_event){.type = plain[i].type});
        return;
    }
    if (strcmp(what, "says") == 0) { /* words, ms: from now on */
        const char *words = next_arg(r, &line);
        world_says(w, words, next_ms(r, &line));
    } else if (strcmp(what, "noise") == 0) { /* ms */
        world_says(w, "", next_ms(r, &line));
    } else if (strcmp(what, "hush") == 0) { /* in mid-speech */
        world_hush(w);
    } else if (strcmp(what, "audio.stops") == 0 || strcmp(what, "audio.flows") == 0) {
        w->audio = what[6] == 'f';
    } else if (strcmp(what, "burst") ==
               0) { /* ms of audio are here at once, the next `says` in it */
        world_burst(w, next_ms(r, &line));
    } else if (strcmp(what, "types") == 0) {
        ev = (struct rp_turn_event){.type = RP_TURN_EV_TYPED, .text = rp_str_z(next_arg(r, &line))};
        world_event(w, ev);
    } else if (strcmp(what, "data") == 0) {
        ev = (struct rp_turn_event){.type = RP_TURN_EV_DATA, .text = rp_str_z(line)};
        world_event(w, ev);
    } else if (strcmp(what, "replay_finished") == 0) { /* [turn] */
        ev = (struct rp_turn_event){.type = RP_TURN_EV_PLAYED, .at = RP_TURN_FINISHED};
        if (*line)
            ev.text = rp_str_z(r->assts[next_turn(r, &line)]);
        world_event(w, ev);
    } else if (strcmp(what, "interrupted") == 0 || strcmp(what, "played") == 0) { /* turn, ms */
        ev = (struct rp_turn_event){.type = RP_TURN_EV_PLAYED, .interrupted = what[0] == 'i'};
        ev.text = rp_str_z(r->assts[next_turn(r, &line)]);
        ev.at = next_ms(r, &line) * 16;
        world_event(w, ev);
    } else {
        FAIL(r, "the caller cannot do this: %s", what);
    }
}

static void on_backend(struct run *r, char *line)
{
    static const struct {
        const char *name;
        enum rp_turn_event_type type;
    } events[] = {{"tts", RP_TURN_EV_AGENT_TEXT},      {"data", RP_TURN_EV_AGENT_DATA},
                  {"plain", RP_TURN_EV_AGENT_PLAIN},   {"end", RP_TURN_EV_AGENT_END},
                  {"hangup", RP_TURN_EV_AGENT_HANGUP}, {"error", RP_TURN_EV_AGENT_ERROR}};
    const char *what = next_arg(r, &line);
    struct rp_turn_event ev = {0};
    size_t i = 0;

    while (i < RP_COUNT(events) && strcmp(what, events[i].name) != 0)
        i++;
    if (i == RP_COUNT(events))
        FAIL(r, "the backend cannot say this: %s", what);
    ev.type = events[i].type;
    ev.turn = next_turn(r, &line);
    if (ev.type == RP_TURN_EV_AGENT_TEXT)
        ev.text = rp_str_z(next_arg(r, &line));
    else if (ev.type == RP_TURN_EV_AGENT_ERROR)
        ev.code = rp_str_z(next_arg(r, &line));
    else
        ev.text = rp_str_z(line);
    world_event(&r->w, ev);
}

/* What the world is like: "stt dead", "stt slow 3000", ... */
static void on_world(struct run *r, char *line)
{
    const char *what = next_arg(r, &line), *how = next_arg(r, &line);
    struct world *w = &r->w;
    bool is_stt = strcmp(what, "stt") == 0;

    if (is_stt && strcmp(how, "dead") == 0) {
        w->stt_dead = true;
    } else if (is_stt && strcmp(how, "deaf") == 0) {
        w->stt_deaf = true;
    } else if (is_stt && strcmp(how, "hears") == 0) {
        w->stt_deaf = false;
    } else if (is_stt && strcmp(how, "slow") == 0) {
        w->stt_ms = next_ms(r, &line);
    } else if (is_stt && strcmp(how, "silent") == 0) {
        w->no_interims = true;
    } else if (is_stt && strcmp(how, "fails") == 0) {
        uint64_t token = w->token;
        w->token = 0;
        world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_STT_FAILED, .token = token});
    } else if (strcmp(what, "tts") == 0 && strcmp(how, "dead") == 0) {
        w->tts_dead = true;
    } else if (strcmp(what, "tts") == 0 && strcmp(how, "fails") == 0) {
        uint32_t turn = next_turn(r, &line);
        w->voice[turn].stopped = true;
        world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_SYNTH_FAILED,
                                              .turn = turn,
                                              .at = w->voice[turn].sent});
    } else {
        FAIL(r, "no such world: %s %s", what, how);
    }
}

static void on_setting(struct run *r, struct rp_turn_options *o, struct rp_turn_params *p,
                       char *line)
{
    static const struct {
        const char *name;
        enum channel channel;
    } channels[] = {
        {"interims", INTERIMS}, {"recogniser", RECOGNISER}, {"speech", SPEECH}, {"notes", NOTES}};
    const char *what = next_arg(r, &line), *name = next_arg(r, &line);

    if (strcmp(what, "greeting") == 0) {
        p->greeting = strcmp(name, "welcome") == 0 ? RP_TURN_WELCOME : RP_TURN_SESSION_START;
    } else if (strcmp(what, "watch") == 0) {
        for (size_t i = 0; i < RP_COUNT(channels); i++)
            if (strcmp(name, channels[i].name) == 0)
                r->watch |= channels[i].channel;
    } else {
        const struct rp_turn_option *opt = rp_turn_option_find(rp_str_z(name));
        if (!opt || rp_turn_option_parse(o, opt, next_arg(r, &line)) != 0)
            FAIL(r, "no such option or value: %s", name);
    }
}

/* --- running a script --------------------------------------------------------------------- */

static struct line *next_watched(struct run *r)
{
    while (r->next < r->nout && !(r->out[r->next].channel & r->watch))
        r->next++;
    return r->next < r->nout ? &r->out[r->next] : NULL;
}

static const char *sign(enum channel channel)
{
    return channel & (CLIENT | INTERIMS) ? "<"
           : channel == BACKEND          ? "B>"
           : channel == RECOGNISER       ? "R>"
           : channel == SPEECH           ? "T>"
           : channel == BOOKS            ? "="
                                         : "?";
}

/* The line without " by 300", " after 200" at its end, which are checked. */
static void check_time(struct run *r, char *want, const struct line *got)
{
    char *by = strstr(want, " by "), *after = strstr(want, " after ");
    int64_t ms = (got->at_us - r->mark_us) / 1000;

    if (by && strspn(by + 4, "0123456789") == strlen(by + 4)) {
        if (ms > strtoll(by + 4, NULL, 10))
            FAIL(r, "%s: came %" PRId64 " ms after the mark", want, ms);
        *by = '\0';
    }
    if (after && strspn(after + 7, "0123456789") == strlen(after + 7)) {
        if (ms < strtoll(after + 7, NULL, 10))
            FAIL(r, "%s: came already %" PRId64 " ms after the mark", want, ms);
        *after = '\0';
    }
}

static void expect(struct run *r, const char *sgn, char *want)
{
    int64_t until = r->w.now_us + ((int64_t)PATIENCE_MS * 1000);
    struct line *got;

    while (!(got = next_watched(r)) && r->w.now_us < until && !r->w.over)
        world_run(&r->w, r->w.now_us + 1000);
    if (!got)
        FAIL(r, "nothing came, wanted: %s %s", sgn, want);
    check_time(r, want, got);
    if (strcmp(sgn, sign(got->channel)) != 0 || strcmp(got->text, want) != 0)
        FAIL(r, "%" PRId64 " ms: got: %s %s, wanted: %s %s", got->at_us / 1000, sign(got->channel),
             got->text, sgn, want);
    r->next++;
}

static void run_line(struct run *r, char *line)
{
    size_t digits = strspn(line, "0123456789");

    if (digits > 0 && line[digits] == '\0') {
        world_run(&r->w, r->w.now_us + (strtoll(line, NULL, 10) * 1000));
    } else if (strcmp(line, "mark") == 0) {
        r->mark_us = r->w.now_us;
    } else if (strcmp(line, "nothing") == 0) {
        if (next_watched(r))
            FAIL(r, "this came: %s %s", sign(r->out[r->next].channel), r->out[r->next].text);
    } else if (strncmp(line, "> ", 2) == 0) {
        on_caller(r, line + 2);
    } else if (strncmp(line, "B< ", 3) == 0) {
        on_backend(r, line + 3);
    } else if (strncmp(line, "world ", 6) == 0) {
        on_world(r, line + 6);
    } else {
        char *space = strchr(line, ' ');
        if (!space)
            FAIL(r, "not understood: %s", line);
        *space = '\0';
        expect(r, line, space + 1);
    }
}

/* Nothing more may happen: neither what a script would have to mention, nor anything at all after a
 * while. */
static void check_rest(struct run *r)
{
    int64_t day_us = 24LL * 3600 * 1000 * 1000;

    world_run(&r->w, r->w.now_us + 3000000);
    if (next_watched(r))
        FAIL(r, "at the end this was left: %s %s", sign(r->out[r->next].channel),
             r->out[r->next].text);
    if (rp_turn_over(r->w.turn))
        return;
    /* Requests that the script left open run into their time limit. */
    for (int i = 0; i < 200 && rp_turn_deadline_us(r->w.turn) != RP_TURN_NEVER; i++)
        world_run(&r->w, r->w.now_us + 1000000);
    if (rp_turn_deadline_us(r->w.turn) < r->w.now_us + day_us)
        FAIL(r, "not at rest at the end");
}

static void on_replayed(const struct rp_turn_action *a, void *arg)
{
    struct run *r = arg;
    struct rp_buf b;

    rp_buf_init(&b, 1 << 20);
    (void)print_line(r, &b, a);
    (void)rp_buf_printf(&r->all, "%s\n", b.p);
    rp_buf_fini(&b);
}

/* The log alone must give the same actions. */
static void check_replay(struct run *first)
{
    static struct run r;
    struct rp_turn_log_reader reader;
    struct rp_turn_params p;
    struct rp_turn_options o;
    struct rp_turn_event ev;
    struct rp_turn *t;
    int err;

    r = (struct run){.file = first->file};
    rp_buf_init(&r.all, 16 << 20);
    assert_int_equal(rp_turn_log_open(&reader, rp_buf_view(&first->log_bytes), &p, &o), 0);
    assert_int_equal(rp_turn_new(&t, &p), 0);
    while ((err = rp_turn_log_next(&reader, &ev)) == 0)
        rp_turn_step(t, &ev, on_replayed, &r);
    assert_int_equal(err, RP_EOF);
    rp_turn_free(t);
    if (!rp_str_eq(rp_buf_view(&r.all), rp_buf_view(&first->all)))
        fail_msg("%s: the replay differs:\n%s\n--- instead of\n%s", first->file, r.all.p,
                 first->all.p);
    rp_buf_fini(&r.all);
}

/* For seeds of fuzz/fuzz_turn_log.c: RIPOSTE_TEST_TURN_LOGS names a folder. */
static void keep_log(const struct run *r)
{
    const char *folder = getenv("RIPOSTE_TEST_TURN_LOGS");
    char path[600];
    FILE *f;

    if (!folder)
        return;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, r->file);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(r->log_bytes.p, 1, r->log_bytes.len, f), r->log_bytes.len);
    assert_int_equal(fclose(f), 0);
}

static void run_script(const char *path)
{
    static struct run r;
    struct rp_turn_options o;
    struct rp_turn_params p = {
        .options = &o, .greeting = RP_TURN_NO_GREETING, .seed = 7, .wall_ms = 1769817600000};
    size_t len;
    char *text = test_read_file(path, &len), *rest = text, *line;
    bool started = false;

    r = (struct run){.file = strrchr(path, '/') + 1, .watch = CLIENT | BACKEND | BOOKS};
    rp_buf_init(&r.log_bytes, 16 << 20);
    rp_buf_init(&r.all, 16 << 20);
    rp_turn_options_default(&o);
    while ((line = strsep(&rest, "\n"))) {
        r.lineno++;
        line += strspn(line, " ");
        if (!*line || *line == '#')
            continue;
        if (strncmp(line, "option ", 7) == 0 || strncmp(line, "greeting ", 9) == 0 ||
            strncmp(line, "watch ", 6) == 0) {
            on_setting(&r, &o, &p, line);
            continue;
        }
        if (!started) {
            world_init(&r.w, &p);
            r.w.emit = on_action;
            r.w.on_audio = on_audio;
            r.w.arg = &r;
            r.w.log = &r.log;
            assert_int_equal(rp_turn_log_begin(&r.log, &r.log_bytes, &p), 0);
            started = true;
        }
        run_line(&r, line);
    }
    assert_true(started);
    check_rest(&r);
    check_replay(&r);
    keep_log(&r);
    world_fini(&r.w);
    for (int i = 0; i < r.nout; i++)
        rp_free(r.out[i].text);
    rp_buf_fini(&r.log_bytes);
    rp_buf_fini(&r.all);
    rp_free(text);
}

static int is_script(const struct dirent *d)
{
    size_t len = strlen(d->d_name);

    return len > 5 && strcmp(d->d_name + len - 5, ".turn") == 0;
}

static void scenes(void **state)
{
    const char *only = getenv("RIPOSTE_TEST_TURN");
    struct dirent **names;
    int n = scandir(test_data("turns"), &names, is_script, alphasort);

    (void)state;
    assert_true(n > 20);
    for (int i = 0; i < n; i++) {
        char path[600];

        (void)snprintf(path, sizeof(path), "%s/%s", test_data("turns"), names[i]->d_name);
        if (!only || strstr(names[i]->d_name, only))
            run_script(path);
        free(names[i]); /* scandir's; lint: libc memory */
    }
    free(names); /* lint: libc memory */
}

int test_turn(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(scenes)};

    return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
