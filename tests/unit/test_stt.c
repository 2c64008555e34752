/* Tests of stt/: cleaning of words, and the local engine with its real network, on recordings of
 * people and on noises. */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "audio_clips.h"
#include "base/err.h"
#include "base/mem.h"
#include "stt/registry.h"
#include "stt/words.h"
#include "tests.h"
#include "word_errors.h"

#define MS(ms) ((int64_t)(ms)*RP_STT_RATE / 1000)

/* ---- words ----------------------------------------------------------------------------------- */

static void made_up_words_are_dropped(void **state)
{
    static const struct {
        const char *heard;
        double seconds;
        const char *kept;
    } table[] = {
        {"", 1, ""},
        {"  Hello,  there. ", 2, "Hello, there."},
        {"No, no, no.", 2, "No, no, no."},
        {"the the the the the the the the", 9, "the the the the"},
        {"go on go on go on go on go on go on go on", 9, "go on go on go on go on"},
        {"[music] Hello (laughs) you", 3, "Hello you"},
        {"a b c d e f g h i j k l", 0.5, "a b c d e"},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(table); i++) {
        char *kept = rp_stt_clean(rp_str_z(table[i].heard), table[i].seconds);

        assert_string_equal(kept, table[i].kept);
        rp_free(kept);
    }
}

static void assert_words(const char *right, const char *heard, double most)
{
    size_t n, errors = test_word_errors(right, heard, &n);

    if ((double)errors > most * (double)n)
        fail_msg("%zu of %zu words are wrong: %s", errors, n, heard);
}

/* ---- the engine ------------------------------------------------------------------------------ */

static const char beckett[] =
    "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better.";
static const char two_cities[] =
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age "
    "of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the "
    "season of light, it was the season of darkness, it was the spring of hope, it was the winter "
    "of despair, we had everything before us, we had nothing before us, we were all going direct "
    "to Heaven, we were all going direct the other way; in short, the period was so far like the "
    "present period, that some of its noisiest authorities insisted on its being received, for "
    "good or for evil, in the superlative degree of comparison only.";

/* Shared by all tests: loading takes a second. */
static struct {
    struct rp_loop *loop;
    struct rp_workers *workers;
    struct rp_vad_model *vad;
    struct rp_stt_registry *registry;
} engine;

struct fixture {
    struct rp_stt *stt;
    char *text;     /* of the last final */
    char *interim;  /* of the last interim */
    uint64_t token; /* of the last final or failure */
    int64_t to;
    size_t finals, interims, failures;
    size_t stop_at; /* number of finals, interims and failures */
    void (*hook)(struct fixture *f);
};

static void on_event(const struct rp_stt_event *ev, void *arg)
{
    struct fixture *f = arg;
    char **text = ev->type == RP_STT_INTERIM ? &f->interim : &f->text;

    assert_true(rp_loop_here(engine.loop));
    rp_free(*text);
    *text = rp_strndup(ev->text.p, ev->text.len);
    if (ev->type == RP_STT_INTERIM) {
        assert_true(ev->text.len > 0);
        f->interims++;
    } else if (ev->type == RP_STT_FINAL) {
        f->finals++;
        f->token = ev->token;
        f->to = ev->to;
    } else {
        f->failures++;
        f->token = ev->token;
        assert_non_null(ev->why);
    }
    if (f->finals + f->interims + f->failures >= f->stop_at)
        rp_loop_stop(engine.loop);
    if (f->hook)
        f->hook(f);
}

static void open_session(struct fixture *f)
{
    struct rp_stt_params params = {.loop = engine.loop, .cb = on_event, .arg = f};
    const struct rp_stt_engine *e;
    bool stand_in;

    e = rp_stt_engine(engine.registry, RP_STR("stt.local"), &stand_in);
    assert_non_null(e);
    assert_int_equal(e->ops->open(&f->stt, e, &params), 0);
}

static int set_up(void **state)
{
    struct fixture *f = rp_zalloc(sizeof(*f));

    assert_non_null(f);
    open_session(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->stt)
        f->stt->ops->close(f->stt);
    rp_free(f->text);
    rp_free(f->interim);
    rp_free(f);
    return 0;
}

/* Samples [from, to) of the clip, as they come from a caller. */
static void feed(struct fixture *f, struct clip c, int64_t from, int64_t to)
{
    for (to = RP_MIN(to, (int64_t)c.n); from < to; from += MS(100))
        f->stt->ops->audio(f->stt, c.pcm + from, (size_t)RP_MIN(to - from, MS(100)));
}

static void run_until_events(struct fixture *f, size_t n)
{
    f->stop_at = f->finals + f->interims + f->failures + n;
    rp_loop_run(engine.loop);
}

/* Asks for the words up to `to` and waits for them. */
static const char *words_up_to(struct fixture *f, int64_t to)
{
    uint64_t token = f->token + 1;

    f->stt->ops->finalize(f->stt, token, to, true);
    while (f->token != token)
        run_until_events(f, 1);
    return f->text;
}

/* A whole recording as one utterance, at once. */
static const char *hear(struct fixture *f, struct clip c)
{
    const char *text;

    f->stt->ops->close(f->stt);
    open_session(f);
    f->stt->ops->begin(f->stt, 0);
    feed(f, c, 0, (int64_t)c.n);
    text = words_up_to(f, (int64_t)c.n);
    assert_int_equal(f->to, c.n);
    return text;
}

static void recordings_are_understood(void **state)
{
    struct fixture *f = *state;
    struct clip c = clip_recording("beckett.wav", 60);

    assert_words(beckett, hear(f, c), 0);
    clip_telephone(c);
    assert_words(beckett, hear(f, c), 0);
    clip_set_level(c, -50);
    assert_words(beckett, hear(f, c), 0.1);
    rp_free(c.pcm);

    /* Forty-four seconds: cut twice, and nothing is lost or said twice. */
    c = clip_recording("two_cities.wav", 60);
    assert_words(two_cities, hear(f, c), 0.08);
    clip_telephone(c);
    assert_words(two_cities, hear(f, c), 0.1);
    rp_free(c.pcm);
}

static void noises_have_no_words(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < clip_noise_count(); i++) {
        struct clip c = clip_noise(i, 3);
        const char *text = hear(f, c);

        if (*text)
            fail_msg("%s: \"%s\"", clip_noise_name(i), text);
        rp_free(c.pcm);
    }
    assert_string_equal(hear(f, (struct clip){0}), "");
    assert_int_equal(f->interims, 0);
    assert_int_equal(f->failures, 0);
}

static void nothing(struct rp_job *job, unsigned worker)
{
    (void)job;
    (void)worker;
}

static void is_idle(struct rp_job *job)
{
    rp_loop_stop(job->loop);
}

/* Until what was asked for before has been answered: behind all interims comes this job. */
static void run_until_idle(void)
{
    struct rp_job job = {
        .lane = RP_LANE_INTERIM, .run = nothing, .done = is_idle, .loop = engine.loop};

    assert_int_equal(rp_workers_submit(engine.workers, &job), 0);
    rp_loop_run(engine.loop);
}

static void interims_come_while_somebody_speaks(void **state)
{
    struct fixture *f = *state;
    struct clip c = clip_recording("beckett.wav", 60);
    size_t n, last = 0;

    f->stop_at = SIZE_MAX;
    f->stt->ops->begin(f->stt, 0);
    for (int64_t at = 0; at < (int64_t)c.n; at += MS(500)) {
        feed(f, c, at, at + MS(500));
        run_until_idle();
        if (!f->interim)
            continue;
        (void)test_word_errors(f->interim, "", &n);
        assert_true(n + 1 >= last); /* they grow, though the last word may change */
        last = n;
    }
    assert_true(f->interims > 0 && last > 0);
    assert_int_equal(f->finals, 0);
    rp_free(c.pcm);
}

static void later_finals_replace_speculative_ones(void **state)
{
    struct fixture *f = *state;
    struct clip c = clip_recording("beckett.wav", 60);
    size_t before;

    f->stt->ops->begin(f->stt, 0);
    feed(f, c, 0, MS(2500));
    f->stt->ops->finalize(f->stt, 1, MS(2500), false);
    f->stt->ops->finalize(f->stt, 1, MS(2500), true); /* the same again only says: hurry */
    feed(f, c, MS(2500), (int64_t)c.n);
    f->stt->ops->finalize(f->stt, 2, (int64_t)c.n, false);
    while (f->token != 2)
        run_until_events(f, 1);
    assert_words(beckett, f->text, 0);
    assert_in_range(f->finals, 1, 2);

    /* Nothing is left to do, and a discarded utterance has no words any more. */
    before = f->finals + f->interims;
    f->stt->ops->finalize(f->stt, 3, (int64_t)c.n, true);
    f->stt->ops->discard(f->stt);
    f->stt->ops->finalize(f->stt, 4, (int64_t)c.n, true);
    f->stt->ops->begin(f->stt, (int64_t)c.n - MS(2000));
    f->stt->ops->finalize(f->stt, 5, (int64_t)c.n, true);
    while (f->token != 5)
        run_until_events(f, 1);
    assert_int_equal(f->finals + f->interims, before + 1);
    assert_words("Fail better.", f->text, 0.5);
    rp_free(c.pcm);
}

/* A final at each pause, as the turn machine asks: what it heard is not heard again. */
static void finals_at_pauses_keep_their_words(void **state)
{
    struct fixture *f = *state;
    struct clip c = clip_recording("two_cities.wav", 60);
    static const int pauses_ms[] = {2900, 6100, 9200, 14500, 22000, 30000};
    int64_t at = 0;
    size_t n, last = 0;

    f->stt->ops->begin(f->stt, 0);
    for (size_t i = 0; i < RP_COUNT(pauses_ms); i++) {
        feed(f, c, at, MS(pauses_ms[i]));
        at = MS(pauses_ms[i]);
        (void)test_word_errors(words_up_to(f, at), "", &n);
        assert_true(n > last);
        last = n;
    }
    feed(f, c, at, (int64_t)c.n);
    assert_words(two_cities, words_up_to(f, (int64_t)c.n), 0.15); /* some cuts are inside words */
    rp_free(c.pcm);
}

static void lost_audio_is_passed_over(void **state)
{
    struct fixture *f = *state;
    struct clip c = clip_recording("beckett.wav", 60);
    int64_t hole = MS(60000);

    /* "Ever tried. Ever failed." – a minute – "No matter. …" */
    f->stt->ops->begin(f->stt, 0);
    feed(f, c, 0, MS(3000));
    /* In brackets, since cmocka has a macro of that name. The past: nothing. */
    (f->stt->ops->skip)(f->stt, MS(1000));
    (f->stt->ops->skip)(f->stt, MS(3000) + hole);
    feed(f, c, MS(3000), (int64_t)c.n);
    assert_words(beckett, words_up_to(f, (int64_t)c.n + hole), 0.1);

    /* Pre-roll: at most two seconds back; what lies before a hole is gone. */
    f->stt->ops->begin(f->stt, 0);
    assert_words("Fail better.", words_up_to(f, (int64_t)c.n + hole), 0.5);
    f->stt->ops->discard(f->stt);
    (f->stt->ops->skip)(f->stt, (int64_t)c.n + 2 * hole);
    f->stt->ops->begin(f->stt, 0);
    assert_string_equal(words_up_to(f, (int64_t)c.n + 2 * hole), "");
    rp_free(c.pcm);
}

static void close_it(struct fixture *f)
{
    f->stt->ops->close(f->stt);
    f->stt = NULL;
    f->hook = NULL;
    rp_loop_stop(engine.loop);
}

static void close_is_allowed_in_the_callback(void **state)
{
    struct fixture *f = *state;
    struct clip c = clip_recording("beckett.wav", 3);

    f->hook = close_it;
    f->stt->ops->begin(f->stt, 0);
    feed(f, c, 0, (int64_t)c.n);
    f->stt->ops->finalize(f->stt, 1, (int64_t)c.n, true);
    f->stop_at = 1000;
    rp_loop_run(engine.loop);
    assert_null(f->stt);
    assert_int_equal(f->finals + f->interims, 1);
    open_session(f);
    assert_words("Ever tried. Ever failed.", hear(f, c), 0.3);
    rp_free(c.pcm);
}

static void block(struct rp_job *job, unsigned worker)
{
    (void)worker;
    while (!atomic_load(&job->cancelled))
        (void)sched_yield();
}

static void unblocked(struct rp_job *job)
{
    rp_free(job);
}

/* All workers are busy and their queue is full: the words come when there is room again. */
static void full_lane_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct clip c = clip_recording("beckett.wav", 3);
    struct rp_job *jobs[64];
    size_t n = 0;

    for (; n < RP_COUNT(jobs); n++) {
        jobs[n] = rp_zalloc(sizeof(*jobs[n]));
        assert_non_null(jobs[n]);
        jobs[n]->lane = RP_LANE_FINAL;
        jobs[n]->run = block;
        jobs[n]->done = unblocked;
        jobs[n]->loop = engine.loop;
        if (rp_workers_submit(engine.workers, jobs[n]) != 0)
            break;
    }
    assert_true(n < RP_COUNT(jobs));
    rp_free(jobs[n]);
    f->stt->ops->begin(f->stt, 0);
    feed(f, c, 0, (int64_t)c.n);
    f->stt->ops->finalize(f->stt, 1, (int64_t)c.n, true);
    while (n > 0)
        rp_job_cancel(jobs[--n]);
    while (f->token != 1)
        run_until_events(f, 1);
    assert_int_equal(f->failures, 0);
    assert_words("Ever tried. Ever failed.", f->text, 0.3);
    rp_free(c.pcm);
}

static void missing_files_are_told(void **state)
{
    struct rp_stt_env env = {.workers = engine.workers, .speech_dir = "/nowhere"};
    struct rp_stt_registry *r = NULL;
    bool stand_in;

    (void)state;
    assert_int_equal(rp_stt_registry_start(&r, &env), RP_EIO);
    assert_null(r);
    assert_non_null(rp_stt_engine(engine.registry, RP_STR("stt.deepgram"), &stand_in));
    assert_true(stand_in);
    assert_null(rp_stt_engine(engine.registry, RP_STR("stt.nobody"), &stand_in));
}

static int load(void **state)
{
    struct rp_stt_env env = {.speech_dir = RP_SPEECH_DIR};

    (void)state;
    assert_int_equal(rp_loop_new(&engine.loop, "test"), 0);
    assert_int_equal(rp_workers_new(&engine.workers, 2, 8), 0);
    engine.vad = clip_model();
    env.workers = engine.workers;
    env.vad = engine.vad;
    assert_int_equal(rp_stt_registry_start(&engine.registry, &env), 0);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    rp_workers_free(engine.workers);
    rp_loop_free(engine.loop);
    rp_stt_registry_stop(engine.registry);
    rp_vad_model_free(engine.vad);
    return 0;
}

int test_stt(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_up_words_are_dropped),
        cmocka_unit_test_setup_teardown(recordings_are_understood, set_up, tear_down),
        cmocka_unit_test_setup_teardown(noises_have_no_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interims_come_while_somebody_speaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(later_finals_replace_speculative_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finals_at_pauses_keep_their_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lost_audio_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(close_is_allowed_in_the_callback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_lane_is_tried_again, set_up, tear_down),
        cmocka_unit_test(missing_files_are_told),
    };

    return cmocka_run_group_tests_name("stt", tests, load, unload);
}
