/* riposte bench: many callers at once, with a table of what they waited for and what it cost.
 *
 * Each caller speaks recordings in real time, turn after turn, and waits for the answers; or, with
 * --barge-in, speaks into them. Times are taken here, at the caller's end: from the last loud
 * sample sent to what came back. The server's cost is read from /proc when its pid is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/caller.h"
#include "app/recording.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"

#define FILES_MAX   64
#define CALLERS_MAX 20000
#define TURNS_MAX   1000
#define BARGE_US    1500000 /* so long the agent has been speaking when a caller cuts in */
#define PAUSE_US    700000  /* between an answer and the caller's next words */
#define ANSWER_US   20000000

struct samples {
    double *ms;
    size_t n, cap;
};

enum what { TRANSCRIPT, FIRST_TEXT, FIRST_AUDIO, TURN_START, LAST_AUDIO, NWHAT };

static const char *const names[] = {"transcript", "first text", "first audio", "barge-in noticed",
                                    "audio after it"};

struct bench;

struct one {
    struct bench *b;
    struct rp_caller *caller;
    struct rp_timer next, limit;
    const struct rp_recording *speaking;
    int64_t spoke_us, end_us; /* when this recording's speech began and ended; 0: it goes on */
    int64_t barged_us, noticed_us, audio_us;
    bool text, audio, transcribed, over;
    int turns;
    size_t which;
};

struct bench {
    struct rp_loop *loop;
    struct rp_http_client *http;
    struct rp_caller_params params;
    struct rp_recording files[FILES_MAX];
    size_t nfiles;
    struct one *callers;
    int64_t ncallers, turns, seconds, pid, ramp_ms;
    bool barge_in, idle;
    size_t started, live, over, failed, answered, early, lost;
    struct samples what[NWHAT];
    struct rp_timer ramp, stop;
    int64_t cpu_us, begin_us, session_us; /* of the measured time */
    int64_t rss_empty, rss_full;
    char why[256];
};

/* ---- figures ---- */

static void add(struct samples *s, double ms)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        double *grown = rp_realloc(s->ms, cap * sizeof(*grown));
        if (!grown)
            return;
        s->ms = grown;
        s->cap = cap;
    }
    s->ms[s->n++] = ms;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double percentile(struct samples *s, double p)
{
    if (s->n == 0)
        return 0;
    qsort(s->ms, s->n, sizeof(*s->ms), compare);
    return s->ms[(size_t)(p * (double)(s->n - 1) + 0.5)];
}

/* CPU time and resident memory of another process. */
static int64_t process_cpu_us(int64_t pid)
{
    char path[64], line[1024];
    unsigned long user = 0, kernel = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    f = fopen(path, "re");
    if (!f)
        return 0;
    if (fgets(line, sizeof(line), f)) {
        const char *after = strrchr(line, ')'); /* the name may hold anything */
        if (after)
            (void)sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                         &kernel);
    }
    (void)fclose(f);
    return (int64_t)(user + kernel) * 10000; /* USER_HZ is 100 on Linux */
}

static int64_t process_rss(int64_t pid)
{
    char path[64];
    long long pages = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%lld/statm", (long long)pid);
    f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%*d %lld", &pages) != 1)
        pages = 0;
    (void)fclose(f);
    return pages * 4096;
}

static void print_table(struct bench *b)
{
    double seconds = (double)b->session_us / 1e6;

    (void)printf("%lld callers, %zu turns answered, %zu without an answer, %zu callers failed, "
                 "%.0f session-seconds\n",
                 (long long)b->ncallers, b->answered, b->lost, b->failed, seconds);
    if (b->failed)
        (void)printf("the last failure: %s\n", b->why);
    (void)printf("%-20s %8s %8s %8s %8s %6s\n", "ms", "p50", "p95", "p99", "max", "n");
    for (size_t i = 0; i < NWHAT; i++)
        if (b->what[i].n)
            (void)printf("%-20s %8.0f %8.0f %8.0f %8.0f %6zu\n", names[i],
                         percentile(&b->what[i], 0.5), percentile(&b->what[i], 0.95),
                         percentile(&b->what[i], 0.99), percentile(&b->what[i], 1.0), b->what[i].n);
    if (b->answered)
        (void)printf("cut off early: %zu of %zu turns (%.1f %%)\n", b->early, b->answered,
                     100.0 * (double)b->early / (double)b->answered);
    if (b->pid && seconds > 0)
        (void)printf("server: %.3f CPU-ms a session-second, %.0f kB a session\n",
                     (double)b->cpu_us / 1000 / seconds,
                     (double)(b->rss_full - b->rss_empty) / 1000 / (double)b->ncallers);
}

/* ---- one caller ---- */

static void finish(struct bench *b)
{
    for (size_t i = 0; i < b->started; i++)
        if (!b->callers[i].over)
            rp_caller_hang_up(b->callers[i].caller);
}

static void begin_turn(struct one *o)
{
    struct bench *b = o->b;

    if (o->turns >= b->turns) {
        rp_caller_hang_up(o->caller);
        return;
    }
    o->turns++;
    o->text = o->audio = o->transcribed = false;
    o->end_us = o->barged_us = o->noticed_us = o->audio_us = 0;
    rp_timer_start(&o->limit, ANSWER_US);
    if (b->barge_in) {
        o->spoke_us = o->end_us = rp_now_us();
        rp_caller_type(o->caller, RP_STR("Please tell me a long story."));
        return;
    }
    o->speaking = &b->files[o->which++ % b->nfiles];
    o->spoke_us = rp_now_us();
    rp_timer_start(&o->limit, ANSWER_US + (int64_t)o->speaking->n * 1000000 / RP_CALLER_RATE);
    rp_caller_speak(o->caller, o->speaking->pcm, o->speaking->n);
}

static void next(struct rp_timer *t)
{
    struct one *o = RP_CONTAINER_OF(t, struct one, next);

    if (!o->b->barge_in || !o->audio || o->barged_us) {
        begin_turn(o);
        return;
    }
    o->speaking = &o->b->files[o->which++ % o->b->nfiles]; /* cut in */
    o->barged_us = rp_now_us();
    rp_caller_speak(o->caller, o->speaking->pcm, o->speaking->n);
}

static void no_answer(struct rp_timer *t)
{
    struct one *o = RP_CONTAINER_OF(t, struct one, limit);

    o->b->lost++;
    begin_turn(o);
}

static void opened(struct rp_caller *c, void *arg)
{
    struct one *o = arg;

    (void)c;
    o->b->live++;
    if (!o->b->idle)
        rp_timer_start(&o->next, PAUSE_US);
}

static void since_speech(struct one *o, enum what what, int64_t at_us)
{
    if (o->end_us && !o->b->barge_in)
        add(&o->b->what[what], (double)(at_us - o->end_us) / 1000);
}

static void turn_is_answered(struct one *o)
{
    o->b->answered++;
    rp_timer_stop(&o->limit);
    rp_timer_start(&o->next, PAUSE_US);
}

static void message(struct rp_caller *c, struct rp_str type, const struct rp_json *msg,
                    int64_t at_us, void *arg)
{
    struct one *o = arg;
    bool user = rp_str_eq_z(rp_json_get_str(msg, "role"), "user");

    (void)c;
    if (rp_str_eq_z(type, "turn.start") && user && o->barged_us && !o->noticed_us) {
        o->noticed_us = at_us;
        add(&o->b->what[TURN_START], (double)(at_us - o->barged_us) / 1000);
    } else if (rp_str_eq_z(type, "user.transcript")) {
        if (o->noticed_us)
            add(&o->b->what[LAST_AUDIO],
                o->audio_us > o->noticed_us ? (double)(o->audio_us - o->noticed_us) / 1000 : 0);
        if (!o->b->barge_in && !o->end_us)
            o->b->early += !o->transcribed;
        o->transcribed = true;
        since_speech(o, TRANSCRIPT, at_us);
    } else if (rp_str_eq_z(type, "response.text.delta") && !o->text && o->end_us) {
        o->text = true;
        since_speech(o, FIRST_TEXT, at_us);
    } else if (rp_str_eq_z(type, "response.end") && o->end_us && o->transcribed &&
               (!o->b->barge_in || o->noticed_us)) {
        turn_is_answered(o);
    }
}

static void audio(struct rp_caller *c, struct rp_str turn_id, size_t n, int64_t at_us, void *arg)
{
    struct one *o = arg;

    (void)c;
    (void)turn_id;
    (void)n;
    if (!o->audio && o->end_us) {
        o->audio = true;
        since_speech(o, FIRST_AUDIO, at_us);
        if (o->b->barge_in)
            rp_timer_start(&o->next, BARGE_US);
    }
    if (o->noticed_us && !o->transcribed)
        o->audio_us = at_us; /* of the answer that was cut: it should not happen */
}

static void spoken(struct rp_caller *c, void *arg)
{
    struct one *o = arg;
    size_t silence = o->speaking->n - o->speaking->speech_end;

    (void)c;
    o->end_us = rp_now_us() - (int64_t)silence * 1000000 / RP_CALLER_RATE;
}

static void played(struct rp_caller *c, void *arg)
{
    (void)c;
    (void)arg;
}

static void http_closed(void *arg)
{
    rp_loop_stop(arg);
}

static void closed(struct rp_caller *c, const char *why, void *arg)
{
    struct one *o = arg;
    struct bench *b = o->b;

    (void)c;
    o->over = true;
    rp_timer_stop(&o->next);
    rp_timer_stop(&o->limit);
    if (why) {
        b->failed++;
        (void)snprintf(b->why, sizeof(b->why), "%s", why);
    }
    if (rp_caller_opened_us(o->caller))
        b->session_us += rp_now_us() - RP_MAX(rp_caller_opened_us(o->caller), b->begin_us);
    if (++b->over < (size_t)b->ncallers)
        return;
    rp_timer_stop(&b->stop);
    if (b->pid)
        b->cpu_us = process_cpu_us(b->pid) - b->cpu_us;
    rp_http_client_close(b->http, http_closed, b->loop);
}

/* ---- all of them ---- */

static void start_measuring(struct bench *b)
{
    b->begin_us = rp_now_us();
    if (b->pid) {
        b->cpu_us = process_cpu_us(b->pid);
        b->rss_full = process_rss(b->pid);
    }
    rp_timer_start(&b->stop, b->seconds * 1000000);
}

static void stop(struct rp_timer *t)
{
    struct bench *b = RP_CONTAINER_OF(t, struct bench, stop);

    if (b->pid)
        b->rss_full = RP_MAX(b->rss_full, process_rss(b->pid));
    finish(b);
}

static void start_next(struct rp_timer *t)
{
    static const struct rp_caller_cb cb = {opened, message, audio, spoken, played, closed};
    struct bench *b = RP_CONTAINER_OF(t, struct bench, ramp);
    struct one *o = &b->callers[b->started];
    int err;

    *o = (struct one){.b = b, .which = b->started};
    rp_timer_init(&o->next, b->loop, next);
    rp_timer_init(&o->limit, b->loop, no_answer);
    err = rp_caller_new(&o->caller, &b->params, &cb, o);
    b->started++;
    if (err) {
        o->over = true;
        b->over++;
        b->failed++;
        (void)snprintf(b->why, sizeof(b->why), "%s", rp_err_text(err));
    }
    if (b->started < (size_t)b->ncallers)
        rp_timer_start(&b->ramp, b->ramp_ms * 1000);
    else
        start_measuring(b);
}

static int usage(FILE *to, int status)
{
    (void)fputs(
        "usage: riposte bench --agent ID [options] FILE.wav…\n\n"
        "Many callers at once, each speaking the recordings turn after turn in real time.\n\n"
        "  --url URL       the server (http://127.0.0.1:8080, or RIPOSTE_URL)\n"
        "  --key KEY       API key (or RIPOSTE_API_KEY)\n"
        "  --agent ID      the agent to call; it should not greet\n"
        "  --callers N     how many (1)\n"
        "  --turns N       turns of each (1000)\n"
        "  --seconds S     measured time, from when all are there (30)\n"
        "  --ramp MS       between two callers' beginnings (50)\n"
        "  --barge-in      type a request, then speak into its answer\n"
        "  --idle          say nothing: silence only\n"
        "  --pid PID       the server's process, to read its cost\n",
        to);
    return status;
}

static bool number(int argc, char **argv, int *i, const char *name, int64_t *out)
{
    if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc)
        return false;
    if (rp_str_to_i64(rp_str_z(argv[++*i]), out) != 0 || *out < 0)
        *out = -1;
    return true;
}

static bool text(int argc, char **argv, int *i, const char *name, const char **out)
{
    if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc)
        return false;
    *out = argv[++*i];
    return true;
}

static int parse_args(struct bench *b, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--barge-in") == 0) {
            b->barge_in = true;
        } else if (strcmp(argv[i], "--idle") == 0) {
            b->idle = true;
        } else if (text(argc, argv, &i, "--url", &b->params.url) ||
                   text(argc, argv, &i, "--key", &b->params.api_key) ||
                   text(argc, argv, &i, "--agent", &b->params.agent_id) ||
                   number(argc, argv, &i, "--callers", &b->ncallers) ||
                   number(argc, argv, &i, "--turns", &b->turns) ||
                   number(argc, argv, &i, "--seconds", &b->seconds) ||
                   number(argc, argv, &i, "--ramp", &b->ramp_ms) ||
                   number(argc, argv, &i, "--pid", &b->pid)) {
            continue;
        } else if (argv[i][0] == '-' || b->nfiles == FILES_MAX) {
            return usage(stderr, 2);
        } else if (rp_recording_load(&b->files[b->nfiles], argv[i], RP_CALLER_RATE) == 0) {
            b->nfiles++;
        } else {
            return 1;
        }
    }
    if (b->ncallers < 1 || b->ncallers > CALLERS_MAX || b->turns < 1 || b->seconds < 1 ||
        b->ramp_ms < 0 || b->pid < 0 || !b->params.agent_id || !b->params.api_key ||
        (!b->idle && b->nfiles == 0))
        return usage(stderr, 2);
    return 0;
}

static int run(struct bench *b)
{
    int err = rp_loop_new(&b->loop, "bench");

    if (!err)
        err = rp_http_client_new(&b->http, b->loop);
    b->callers = rp_calloc((size_t)b->ncallers, sizeof(*b->callers));
    if (err || !b->callers)
        return 1;
    b->params.loop = b->loop;
    b->params.http = b->http;
    b->params.deaf = true;
    b->rss_empty = b->pid ? process_rss(b->pid) : 0;
    rp_timer_init(&b->ramp, b->loop, start_next);
    rp_timer_init(&b->stop, b->loop, stop);
    rp_timer_start(&b->ramp, 0);
    rp_loop_run(b->loop);
    print_table(b);
    for (size_t i = 0; i < b->started; i++)
        rp_caller_free(b->callers[i].caller);
    rp_loop_free(b->loop);
    return b->failed ? 1 : 0;
}

int rp_verb_bench(int argc, char **argv)
{
    const char *url = getenv("RIPOSTE_URL");
    struct bench *b;
    int status;

    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return usage(stdout, 0);
    b = rp_zalloc(sizeof(*b));
    if (!b)
        return 1;
    b->params.url = url && *url ? url : "http://127.0.0.1:8080";
    b->params.api_key = getenv("RIPOSTE_API_KEY");
    b->ncallers = 1;
    b->turns = TURNS_MAX;
    b->seconds = 30;
    b->ramp_ms = 50;
    status = parse_args(b, argc, argv);
    if (status == 0)
        status = run(b);
    for (size_t i = 0; i < b->nfiles; i++)
        rp_recording_fini(&b->files[i]);
    for (size_t i = 0; i < NWHAT; i++)
        rp_free(b->what[i].ms);
    rp_free(b->callers);
    rp_free(b);
    return status;
}
