/* riposte talk: be a caller. Speaks recordings (or types), one turn after the other, prints every
 * event with its time, saves the answer, ends with a table of latencies.
 *
 * A turn is done when, after its last word was sent, an answer has ended and been played and nobody
 * is speaking. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/caller.h"
#include "app/recording.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define TURNS_MAX   64
#define GREETING_US 4000000 /* an agent that greets has begun by then */
#define SETTLE_US   300000  /* so long nothing may be under way before the next turn */
#define ANSWER_MAX  (1u << 20)

struct turn {
    const char *file, *text; /* one of them */
    struct rp_recording recording;
    int64_t started_us, speech_end_us;
    int64_t transcript_us, first_text_us, first_audio_us; /* 0: never */
    size_t audio;                                         /* samples of the answer */
};

struct talk {
    struct rp_loop *loop;
    struct rp_http_client *http;
    struct rp_caller *caller;
    struct rp_caller_params params;
    struct turn turns[TURNS_MAX];
    size_t nturns, at; /* turns[at - 1] is under way; 0: the greeting */
    const char *out;
    int64_t timeout_us;
    bool quiet, push, spoken, user_open, answer_open, playing, answered;
    struct rp_timer next, limit;
    struct rp_buf answer; /* of GET /v1/agents */
    struct rp_arena mem;
    const char *failure;
};

static int usage(FILE *to, int status)
{
    (void)fputs(
        "usage: riposte talk [options] FILE.wav…\n\n"
        "Calls an agent: speaks each recording (any rate) as one turn of the conversation, waits\n"
        "for the answer, prints every event with its time, and saves what was heard.\n\n"
        "  --text TEXT        type this turn instead of speaking it; may stand between files\n"
        "  --url URL          the server (http://127.0.0.1:8080, or RIPOSTE_URL)\n"
        "  --key KEY          API key (or RIPOSTE_API_KEY)\n"
        "  --agent ID         the agent (the one called Demo, else the newest)\n"
        "  --conversation ID  go on with that conversation\n"
        "  --out FILE         where the answer goes (answer.wav; \"\" saves nothing)\n"
        "  --fast             send recordings at once instead of in real time\n"
        "  --gated            send no audio between recordings\n"
        "  --push             hold the push-to-talk button while speaking\n"
        "  --timeout S        longest wait for an answer (30)\n"
        "  --quiet            print the table only\n\n"
        "Exit status: 0 every turn was answered, 1 something failed, 2 wrong usage.\n",
        to);
    return status;
}

/* ---- printing ---- */

static double seconds(const struct talk *t, int64_t at_us)
{
    return (double)(at_us - rp_caller_opened_us(t->caller)) / 1e6;
}

static void print_event(struct talk *t, int64_t at_us, struct rp_str type,
                        const struct rp_json *msg)
{
    const struct rp_json *content = rp_json_get(msg, "content");
    struct rp_str role = rp_json_get_str(msg, "role"), id = rp_json_get_str(msg, "turn_id");
    struct rp_buf line;

    if (t->quiet)
        return;
    rp_buf_init(&line, 1u << 20);
    (void)rp_buf_printf(&line, "%9.3f  %-30.*s  %.*s", seconds(t, at_us), RP_STR_ARG(type),
                        RP_STR_ARG(id));
    if (role.p)
        (void)rp_buf_printf(&line, "  %.*s", RP_STR_ARG(role));
    if (content) {
        (void)rp_buf_z(&line, "  ");
        rp_json_write(&line, content);
    }
    (void)puts(line.p);
    rp_buf_fini(&line);
}

static void cell(int64_t at_us, int64_t from_us)
{
    if (at_us)
        (void)printf("%12.0f", (double)(at_us - from_us) / 1000);
    else
        (void)printf("%12s", "-");
}

static void print_table(const struct talk *t)
{
    (void)puts("\nms after the end of speech\n"
               "turn   transcript  first text first audio   answer s");
    for (size_t i = 0; i < t->at && i < t->nturns; i++) {
        const struct turn *turn = &t->turns[i];
        (void)printf("%4zu ", i + 1);
        cell(turn->transcript_us, turn->speech_end_us);
        cell(turn->first_text_us, turn->speech_end_us);
        cell(turn->first_audio_us, turn->speech_end_us);
        (void)printf("%11.2f\n", (double)turn->audio / RP_CALLER_PLAY_RATE);
    }
}

/* ---- the conversation ---- */

static void stop(struct talk *t, const char *failure)
{
    if (failure && !t->failure)
        t->failure = failure;
    rp_timer_stop(&t->next);
    rp_timer_stop(&t->limit);
    rp_caller_hang_up(t->caller);
}

static struct turn *current(struct talk *t)
{
    return t->at > 0 ? &t->turns[t->at - 1] : NULL;
}

static void begin_turn(struct talk *t)
{
    struct turn *turn;

    if (t->at == t->nturns) {
        stop(t, NULL);
        return;
    }
    turn = &t->turns[t->at++];
    t->spoken = t->answered = false;
    turn->started_us = rp_now_us();
    rp_timer_start(&t->limit,
                   t->timeout_us + (int64_t)turn->recording.n * 1000000 / RP_CALLER_RATE);
    if (turn->text) {
        turn->speech_end_us = turn->started_us;
        t->spoken = true;
        rp_caller_type(t->caller, rp_str_z(turn->text));
        return;
    }
    if (!t->quiet)
        (void)printf("%9.3f  (speaking %s, %.2f s)\n", seconds(t, turn->started_us), turn->file,
                     (double)turn->recording.n / RP_CALLER_RATE);
    if (t->push)
        rp_caller_push(t->caller, true);
    rp_caller_speak(t->caller, turn->recording.pcm, turn->recording.n);
}

static void check_done(struct talk *t)
{
    bool busy = t->user_open || t->answer_open || t->playing;

    if (busy || (t->at > 0 && !(t->spoken && t->answered)))
        rp_timer_stop(&t->next);
    else if (t->at > 0 || t->answered)
        rp_timer_start(&t->next, SETTLE_US);
}

static void next_turn(struct rp_timer *timer)
{
    begin_turn(RP_CONTAINER_OF(timer, struct talk, next));
}

static void too_long(struct rp_timer *timer)
{
    stop(RP_CONTAINER_OF(timer, struct talk, limit), "no answer came in time");
}

static void opened(struct rp_caller *c, void *arg)
{
    struct talk *t = arg;

    if (!t->quiet)
        (void)printf("session %s, conversation %s\n", rp_caller_session_id(c),
                     rp_caller_conversation_id(c));
    rp_timer_start(&t->next, GREETING_US);
}

static void message(struct rp_caller *c, struct rp_str type, const struct rp_json *msg,
                    int64_t at_us, void *arg)
{
    struct talk *t = arg;
    struct turn *turn = current(t);
    bool user = rp_str_eq_z(rp_json_get_str(msg, "role"), "user");

    (void)c;
    print_event(t, at_us, type, msg);
    if (rp_str_eq_z(type, "turn.start")) {
        *(user ? &t->user_open : &t->answer_open) = true;
    } else if (rp_str_eq_z(type, "turn.end") && user) {
        t->user_open = false;
    } else if (rp_str_eq_z(type, "turn.end")) {
        t->answer_open = false;
    } else if (rp_str_eq_z(type, "user.transcript") && turn) {
        turn->transcript_us = at_us;
        turn->first_text_us = turn->first_audio_us = 0;
        turn->audio = 0;
        t->answered = false;
    } else if (rp_str_eq_z(type, "response.text.delta") && turn && !turn->first_text_us) {
        turn->first_text_us = at_us;
    } else if (rp_str_eq_z(type, "response.end")) {
        t->answer_open = false;
        t->answered = true;
    }
    check_done(t);
}

static void audio(struct rp_caller *c, struct rp_str turn_id, size_t n, int64_t at_us, void *arg)
{
    struct talk *t = arg;
    struct turn *turn = current(t);

    (void)c;
    (void)turn_id;
    t->playing = true;
    if (turn && turn->transcript_us) {
        if (!turn->first_audio_us)
            turn->first_audio_us = at_us;
        turn->audio += n;
    }
    check_done(t);
}

static void spoken(struct rp_caller *c, void *arg)
{
    struct talk *t = arg;
    struct turn *turn = current(t);
    size_t silence = turn->recording.n - turn->recording.speech_end;

    t->spoken = true;
    turn->speech_end_us = rp_now_us() - (int64_t)silence * 1000000 / RP_CALLER_RATE;
    if (t->push)
        rp_caller_push(c, false);
    check_done(t);
}

static void played(struct rp_caller *c, void *arg)
{
    struct talk *t = arg;

    (void)c;
    t->playing = false;
    check_done(t);
}

static void http_closed(void *arg)
{
    rp_loop_stop(arg);
}

static void closed(struct rp_caller *c, const char *why, void *arg)
{
    struct talk *t = arg;

    (void)c;
    rp_timer_stop(&t->next);
    rp_timer_stop(&t->limit);
    if (why && !t->failure)
        t->failure = rp_arena_z(&t->mem, rp_str_z(why));
    if (!why && !t->failure && t->at < t->nturns)
        t->failure = "the server hung up before every turn was spoken";
    rp_http_client_close(t->http, http_closed, t->loop);
}

static void give_up(struct talk *t, const char *why)
{
    t->failure = why ? rp_arena_z(&t->mem, rp_str_z(why)) : "out of memory";
    rp_http_client_close(t->http, http_closed, t->loop);
}

static void call(struct talk *t)
{
    static const struct rp_caller_cb cb = {opened, message, audio, spoken, played, closed};
    int err = rp_caller_new(&t->caller, &t->params, &cb, t);

    if (err)
        give_up(t, rp_err_text(err));
}

/* ---- which agent ---- */

static void got_bytes(struct rp_http_call *c, struct rp_str bytes, void *arg)
{
    struct talk *t = arg;

    (void)c;
    (void)rp_buf_str(&t->answer, bytes);
}

static void got_agents(struct rp_http_call *c, const struct rp_http_result *r, void *arg)
{
    struct talk *t = arg;
    struct rp_json *msg = NULL;

    (void)c;
    if (r->err) {
        give_up(t, r->why);
        return;
    }
    if (rp_json_parse(&msg, &t->mem, rp_buf_view(&t->answer), NULL) != 0 || r->status != 200) {
        struct rp_str why = rp_json_get_str(msg, "error");
        give_up(t, why.p ? why.p : "the server did not list its agents");
        return;
    }
    RP_JSON_EACH(rp_json_get(msg, "agents"), agent) {
        struct rp_str id = rp_json_get_str(agent, "id");
        if (id.p && (!t->params.agent_id || rp_str_eq_z(rp_json_get_str(agent, "name"), "Demo")))
            t->params.agent_id = id.p;
    }
    if (t->params.agent_id)
        call(t);
    else
        give_up(t, "the server has no agent");
}

static void find_agent(struct talk *t)
{
    static const struct rp_http_call_cb cb = {.data = got_bytes, .done = got_agents};
    struct rp_http_call *list;
    char auth[256], url[512];
    const char *headers[] = {auth};
    int err;

    (void)snprintf(auth, sizeof(auth), "Authorization: Bearer %s", t->params.api_key);
    (void)snprintf(url, sizeof(url), "%s/v1/agents", t->params.url);
    err = rp_http_call_start(
        &list, t->http,
        &(struct rp_http_call_params){
            .method = "GET", .url = url, .headers = headers, .nheaders = RP_COUNT(headers)},
        &cb, t);
    if (err)
        give_up(t, rp_err_text(err));
}

/* ---- the command ---- */

static bool is_flag(const char *arg, const char *name, bool *out)
{
    if (strcmp(arg, name) != 0)
        return false;
    *out = true;
    return true;
}

/* The value behind a flag that takes one; *i moves on. */
static bool has_value(int argc, char **argv, int *i, const char *name, const char **out)
{
    if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc)
        return false;
    *out = argv[++*i];
    return true;
}

static int parse_args(struct talk *t, int argc, char **argv)
{
    const char *timeout = "30";
    int64_t timeout_s;

    for (int i = 0; i < argc; i++) {
        const char *text = NULL;
        if (is_flag(argv[i], "--fast", &t->params.fast) ||
            is_flag(argv[i], "--gated", &t->params.gated) || is_flag(argv[i], "--push", &t->push) ||
            is_flag(argv[i], "--quiet", &t->quiet) ||
            has_value(argc, argv, &i, "--url", &t->params.url) ||
            has_value(argc, argv, &i, "--key", &t->params.api_key) ||
            has_value(argc, argv, &i, "--agent", &t->params.agent_id) ||
            has_value(argc, argv, &i, "--conversation", &t->params.conversation_id) ||
            has_value(argc, argv, &i, "--out", &t->out) ||
            has_value(argc, argv, &i, "--timeout", &timeout))
            continue;
        if (!has_value(argc, argv, &i, "--text", &text) && argv[i][0] == '-') {
            (void)fprintf(stderr, "riposte: %s: no such option, or its value is missing\n\n",
                          argv[i]);
            return usage(stderr, 2);
        }
        if (t->nturns == TURNS_MAX) {
            (void)fprintf(stderr, "riposte: more than %d turns\n", TURNS_MAX);
            return 2;
        }
        t->turns[t->nturns++] = (struct turn){.file = text ? NULL : argv[i], .text = text};
    }
    if (rp_str_to_i64(rp_str_z(timeout), &timeout_s) != 0 || timeout_s < 1 || timeout_s > 3600) {
        (void)fprintf(stderr, "riposte: --timeout: not a number from 1 to 3600\n");
        return 2;
    }
    t->timeout_us = timeout_s * 1000000;
    if (t->nturns == 0)
        return usage(stderr, 2);
    if (!t->params.api_key) {
        (void)fputs("riposte: no API key: give --key or set RIPOSTE_API_KEY (riposte keys create "
                    "makes one)\n",
                    stderr);
        return 2;
    }
    return 0;
}

static int load_recordings(struct talk *t)
{
    for (size_t i = 0; i < t->nturns; i++)
        if (t->turns[i].file &&
            rp_recording_load(&t->turns[i].recording, t->turns[i].file, RP_CALLER_RATE) != 0)
            return 1;
    return 0;
}

static int run(struct talk *t)
{
    int err = rp_loop_new(&t->loop, "talk");

    if (!err)
        err = rp_http_client_new(&t->http, t->loop);
    if (err) {
        (void)fprintf(stderr, "riposte: %s\n", rp_err_text(err));
        return 1;
    }
    t->params.loop = t->loop;
    t->params.http = t->http;
    rp_timer_init(&t->next, t->loop, next_turn);
    rp_timer_init(&t->limit, t->loop, too_long);
    if (t->params.agent_id)
        call(t);
    else
        find_agent(t);
    rp_loop_run(t->loop);
    if (t->caller) {
        size_t n;
        const int16_t *heard = rp_caller_heard(t->caller, &n);
        if (t->at > 0)
            print_table(t);
        if (*t->out && n && rp_recording_save(t->out, heard, n, RP_CALLER_PLAY_RATE) != 0)
            t->failure = "the answer was not saved";
        else if (*t->out && n)
            (void)printf("\nheard %.2f s, saved in %s\n", (double)n / RP_CALLER_PLAY_RATE, t->out);
    }
    if (t->failure)
        (void)fprintf(stderr, "riposte: %s\n", t->failure);
    rp_caller_free(t->caller);
    rp_loop_free(t->loop);
    return t->failure ? 1 : 0;
}

int rp_verb_talk(int argc, char **argv)
{
    const char *url = getenv("RIPOSTE_URL"), *key = getenv("RIPOSTE_API_KEY");
    struct talk *t;
    int status;

    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return usage(stdout, 0);
    t = rp_zalloc(sizeof(*t));
    if (!t)
        return 1;
    t->params.url = url && *url ? url : "http://127.0.0.1:8080";
    t->params.api_key = key && *key ? key : NULL;
    t->out = "answer.wav";
    rp_arena_init(&t->mem, 4u << 20);
    rp_buf_init(&t->answer, ANSWER_MAX);
    status = parse_args(t, argc, argv);
    if (status == 0)
        status = load_recordings(t);
    if (status == 0)
        status = run(t);
    for (size_t i = 0; i < t->nturns; i++)
        rp_recording_fini(&t->turns[i].recording);
    rp_buf_fini(&t->answer);
    rp_arena_fini(&t->mem);
    rp_free(t);
    return status;
}
