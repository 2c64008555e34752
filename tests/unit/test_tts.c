/* Tests of tts/: tokens, the leveller, and the local engine with its real voice. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/pcm.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "tests.h"
#include "tts/flite.h"
#include "tts/flite_tokens.h"
#include "tts/leveller.h"
#include "tts/registry.h"

#define SEGMENTS_MAX 64
#define FULL_SCALE   32768
#define JOINT        160 /* samples at either side of one */

/* ---- tokens ---------------------------------------------------------------------------------- */

/* The tokens of `text` as "name,punc@from-to name…". */
static const char *tokens_of(const char *text)
{
    static char out[4096];
    struct rp_flite_reader r;
    struct rp_flite_token t;
    size_t n = 0;

    out[0] = '\0';
    rp_flite_reader_init(&r, rp_str_z(text));
    while (rp_flite_read(&r, &t))
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s%s@%u-%u", n ? " " : "", t.name,
                              t.punc, t.from, t.to);
    return out;
}

static void tokens_keep_their_place(void **state)
{
    static const struct {
        const char *text, *tokens;
    } table[] = {
        {"", ""},
        {"  \n ", ""},
        {"Hello, you!", "Hello,@0-6 you!@7-11"},
        {"(He said \"no\").", "He@0-3 said@4-8 no.@9-15"},
        {"the API and URLs", "the@0-3 A@4-7 P@4-7 I@4-7 and@8-11 U@12-16 R@12-16 L's@12-16"},
        {"I am NOT OK", "I@0-1 am@2-4 NOT@5-8 OK@9-11"},
        {"WE USE API", "WE@0-2 USE@3-6 API@7-10"},
        {"caf\xc3\xa9 Stra\xc3\x9f"
         "e",
         "cafe@0-5 Strasse@6-13"},
        {"Ji\xc5\x99\xc3\xad \xc5\x81\xc3\xb3"
         "d\xc5\xba",
         "Jiri@0-6 Lodz@7-14"},
        {"\xe4\xbd\xa0\xe5\xa5\xbd ok", "@0-6 ok@7-9"},
        {"a/b 1/2 10:05 1,000.5 -5 $5 5%", "a@0-3 b@0-3 1/2@4-7 10:05@8-13 1,000.5@14-21 -5@22-24 "
                                           "$5@25-27 5%@28-30"},
        {"well-known it's 'tis Hmm", "well-known@0-10 it's@11-15 'tis@16-20 hum@21-24"},
        {"\xff\xfe x\xc3", "@0-2 x@3-5"},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(table); i++)
        assert_string_equal(tokens_of(table[i].text), table[i].tokens);
}

static void tokens_are_bounded(void **state)
{
    struct rp_rng rng = {7};
    char text[1000];
    struct rp_flite_reader r;
    struct rp_flite_token t;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        size_t len = rp_rng_below(&rng, sizeof(text));
        uint32_t from = 0;

        for (size_t i = 0; i < len; i++) /* few blanks, many capitals, some broken UTF-8 */
            text[i] = (char)(round % 2 ? "ABs \xc3\xa9-.1"[rp_rng_below(&rng, 9)]
                                       : (int)rp_rng_below(&rng, 256));
        rp_flite_reader_init(&r, rp_str_n(text, len));
        while (rp_flite_read(&r, &t)) {
            assert_true(t.from >= from && t.to > t.from && t.to <= len);
            assert_true(strlen(t.name) < RP_FLITE_TOKEN_MAX);
            for (const char *p = t.name; *p; p++)
                assert_true(*p > ' ' && *p < 0x7f);
            from = t.from;
        }
    }
}

/* ---- leveller -------------------------------------------------------------------------------- */

static void leveller_brings_any_level_to_one(void **state)
{
    static const float levels[] = {0.05f, 0.1f, 0.2f};
    struct rp_leveller *l = rp_alloc(sizeof(*l));
    int16_t frame[RP_LEVELLER_FRAME];

    (void)state;
    assert_non_null(l);
    for (size_t i = 0; i < RP_COUNT(levels); i++) {
        float last = 0;

        rp_leveller_init(l, -20, 8);
        for (int round = 0; round < 50; round++) {
            for (int k = 0; k < RP_LEVELLER_FRAME; k++)
                frame[k] =
                    rp_pcm_from_float(levels[i] * sqrtf(2) * sinf((float)k * 2 * (float)M_PI / 32));
            rp_leveller_see(l, frame);
            rp_leveller_run(l, frame, RP_LEVELLER_FRAME);
            last = rp_pcm_dbfs(rp_pcm_rms(frame, RP_LEVELLER_FRAME));
            assert_true(fabsf(last + 20) < 0.1f);
        }
    }
    /* Bounded, and silence is not blown up. */
    rp_leveller_init(l, -20, 6);
    memset(frame, 0, sizeof(frame));
    rp_leveller_see(l, frame);
    rp_leveller_run(l, frame, RP_LEVELLER_FRAME);
    assert_int_equal(rp_pcm_peak(frame, RP_LEVELLER_FRAME), 0);
    assert_true(fabsf(l->gain - 1) < 0.001f);
    rp_free(l);
}

/* ---- the engine ------------------------------------------------------------------------------ */

struct heard {
    int16_t *pcm;
    size_t n, cap;
    size_t words;
    uint32_t text_to[1000]; /* end of each word in its segment's text */
    int64_t end[1000];
    bool done, failed;
    uint32_t last_to;
    int64_t last_end;
};

struct fixture {
    struct rp_loop *loop;
    struct rp_workers *workers;
    struct rp_tts_registry *registry;
    struct rp_tts *tts;
    struct heard seg[SEGMENTS_MAX];
    uint64_t current; /* segment whose events come */
    size_t finished, wanted;
    size_t events;
    void (*hook)(struct fixture *f, const struct rp_tts_event *ev); /* may be NULL */
};

static void keep_audio(struct heard *h, const struct rp_tts_event *ev)
{
    if (h->n + ev->n > h->cap) {
        h->cap = 2 * h->cap + ev->n;
        h->pcm = rp_realloc(h->pcm, h->cap * sizeof(*h->pcm));
        assert_non_null(h->pcm);
    }
    memcpy(h->pcm + h->n, ev->pcm, ev->n * sizeof(*ev->pcm));
    h->n += ev->n;
}

static void on_event(const struct rp_tts_event *ev, void *arg)
{
    struct fixture *f = arg;
    struct heard *h = &f->seg[ev->seg];

    assert_true(rp_loop_here(f->loop));
    assert_true(ev->seg >= f->current && ev->seg < SEGMENTS_MAX); /* in order */
    f->current = ev->seg;
    f->events++;
    assert_false(h->done || h->failed);
    switch (ev->type) {
    case RP_TTS_WORD:
        assert_true(ev->text_from >= h->last_to && ev->text_to > ev->text_from);
        assert_true(ev->at >= h->last_end && ev->end >= ev->at);
        assert_true(ev->end == ev->at || ev->end > (int64_t)h->n); /* before its audio */
        assert_false(ev->estimated);
        assert_true(h->words < RP_COUNT(h->end));
        h->text_to[h->words] = ev->text_to;
        h->end[h->words++] = ev->end;
        h->last_to = ev->text_to;
        h->last_end = ev->end;
        break;
    case RP_TTS_AUDIO:
        assert_true(ev->n > 0);
        keep_audio(h, ev);
        break;
    case RP_TTS_DONE:
        assert_int_equal(ev->at, h->n);
        assert_true(h->last_end <= ev->at);
        h->done = true;
        break;
    case RP_TTS_FAILED:
        assert_non_null(ev->why);
        h->failed = true;
        break;
    }
    if (f->hook)
        f->hook(f, ev);
    if ((h->done || h->failed) && ++f->finished == f->wanted)
        rp_loop_stop(f->loop);
}

static void open_session(struct fixture *f)
{
    struct rp_tts_params params = {.loop = f->loop, .cb = on_event, .arg = f};
    const struct rp_tts_engine *e;
    bool stand_in;

    e = rp_tts_engine(f->registry, RP_STR("tts.local"), &stand_in);
    assert_non_null(e);
    assert_false(stand_in);
    assert_int_equal(e->ops->open(&f->tts, e, &params), 0);
}

static int set_up_workers(void **state, unsigned nthreads, size_t max_queued)
{
    struct fixture *f = rp_zalloc(sizeof(*f));
    struct rp_tts_env env = {0};

    assert_non_null(f);
    assert_int_equal(rp_loop_new(&f->loop, "test"), 0);
    assert_int_equal(rp_workers_new(&f->workers, nthreads, max_queued), 0);
    env.workers = f->workers;
    assert_int_equal(rp_tts_registry_start(&f->registry, &env), 0);
    open_session(f);
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    return set_up_workers(state, 1, 8);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->tts)
        f->tts->ops->close(f->tts);
    rp_workers_free(f->workers);
    rp_loop_free(f->loop);
    rp_tts_registry_stop(f->registry);
    for (size_t i = 0; i < SEGMENTS_MAX; i++)
        rp_free(f->seg[i].pcm);
    rp_free(f);
    return 0;
}

static void speak(struct fixture *f, uint64_t seg, const char *text)
{
    assert_int_equal(f->tts->ops->speak(f->tts, seg, rp_str_z(text)), 0);
}

/* Until `n` segments more are finished. */
static void run_until_finished(struct fixture *f, size_t n)
{
    f->wanted = f->finished + n;
    rp_loop_run(f->loop);
}

static size_t words_in(const char *text)
{
    size_t n = 0;

    for (const char *p = text; *p; p++)
        n += *p != ' ' && (p == text || p[-1] == ' ');
    return n;
}

#define TEN    "one two three four five six seven eight nine ten "
#define TWENTY TEN TEN

static void words_come_with_their_times(void **state)
{
    static const char *const texts[] = {
        "Hello there, how are you today?",
        "It costs $5.50, or \xe2\x82\xac and the API \xe4\xbd\xa0\xe5\xa5\xbd is down - sorry.",
        TWENTY TWENTY TWENTY TWENTY "one",
        "\xf0\x9f\x98\x80 !!!",
        "",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < RP_COUNT(texts); i++)
        speak(f, i, texts[i]);
    run_until_finished(f, RP_COUNT(texts));
    for (size_t i = 0; i < RP_COUNT(texts); i++) {
        struct heard *h = &f->seg[i];

        assert_true(h->done);
        assert_int_equal(h->words, words_in(texts[i]));
        if (h->words)
            assert_int_equal(h->last_to, strlen(texts[i]));
    }
    assert_true(f->seg[0].n > RP_TTS_RATE);
    assert_true(f->seg[2].n > 15 * RP_TTS_RATE);
    assert_int_equal(f->seg[3].n, 0);
    assert_int_equal(f->seg[4].n, 0);
    /* Where a word is said to be there is sound, and behind the last one there is none. */
    for (size_t w = 1; w < f->seg[0].words; w++) {
        size_t from = (size_t)f->seg[0].end[w - 1], to = (size_t)f->seg[0].end[w];

        assert_true(rp_pcm_dbfs(rp_pcm_rms(f->seg[0].pcm + from, to - from)) > -35);
    }
    assert_true(rp_pcm_peak(f->seg[0].pcm + f->seg[0].last_end + 800,
                            f->seg[0].n - (size_t)f->seg[0].last_end - 800) < 100);
}

/* Longest run of samples that are next to nothing in [from, to). */
static size_t longest_gap(const int16_t *pcm, size_t from, size_t to)
{
    size_t run = 0, longest = 0;

    for (size_t i = from; i < to; i++) {
        run = abs(pcm[i]) <= 1 ? run + 1 : 0;
        longest = RP_MAX(longest, run);
    }
    return longest;
}

static void pieces_join_without_clicks_or_gaps(void **state)
{
    /* A sentence that was cut in the middle, as a stalled stream is. */
    static const char *const texts[] = {"I have looked it up", "and the museum opens at ten",
                                        "in the morning,", "except on Mondays.", "Anything else?"};
    static const int pause_ms[] = {0, 0, 160, 300, 300};
    struct fixture *f = *state;
    int16_t last = 0;

    for (size_t i = 0; i < RP_COUNT(texts); i++)
        speak(f, i, texts[i]);
    run_until_finished(f, RP_COUNT(texts));
    for (size_t i = 0; i < RP_COUNT(texts); i++) {
        struct heard *h = &f->seg[i];
        size_t speech = h->n - (size_t)pause_ms[i] * 16, start = 0;

        assert_true(h->done && h->n > 2 * JOINT);
        while (start < h->n && abs(h->pcm[start]) <= 20)
            start++;
        assert_in_range(start, 0, 30 * 16);
        for (size_t k = 0; k < JOINT; k++) {
            assert_true(abs(h->pcm[k] - last) < 3 * FULL_SCALE / 10);
            last = h->pcm[k];
        }
        for (size_t k = h->n - JOINT; k < h->n; k++)
            assert_true(abs(h->pcm[k] - h->pcm[k - 1]) < 3 * FULL_SCALE / 10);
        last = h->pcm[h->n - 1];
        assert_true(abs(h->pcm[0]) < 50 && abs(h->pcm[h->n - 1]) < 50);
        /* No silence inside, the right one behind. */
        assert_true(longest_gap(h->pcm, 0, speech) < 30 * 16);
        if (pause_ms[i]) {
            size_t pause = longest_gap(h->pcm, 0, h->n) + 30 * 16;
            assert_in_range(pause, (size_t)(pause_ms[i] - 30) * 16,
                            (size_t)(pause_ms[i] + 30) * 16);
        }
    }
}

/* Level of the loud parts: frames of 20 ms not more than 10 dB below the mean, in dBFS. */
static float loudness(const int16_t *pcm, size_t n)
{
    float mean = 0, sum;
    size_t frames;

    for (int round = 0; round < 2; round++) {
        sum = 0;
        frames = 0;
        for (size_t i = 0; i + 320 <= n; i += 320) {
            float rms = rp_pcm_rms(pcm + i, 320);

            if (rms * rms > mean * 0.1f && rms > 0.001f) {
                sum += rms * rms;
                frames++;
            }
        }
        mean = frames ? sum / (float)frames : 0;
    }
    return rp_pcm_dbfs(sqrtf(mean));
}

static void sentences_are_equally_loud(void **state)
{
    struct fixture *f = *state;
    size_t len, n = 0;
    char *file = test_read_file(test_data("speech/sentences.txt"), &len);
    struct rp_str rest = rp_str_n(file, len);
    float least = 0, most = -100;

    while (rest.len && n < SEGMENTS_MAX) {
        struct rp_str line = rp_str_split(&rest, '\n');

        assert_int_equal(f->tts->ops->speak(f->tts, n++, line), 0);
        if (n % 25 == 0) /* within the queue's bound */
            run_until_finished(f, 25);
    }
    assert_int_equal(n, 50);
    for (size_t i = 0; i < n; i++) {
        struct heard *h = &f->seg[i];
        float level = loudness(h->pcm, h->n);

        assert_true(h->done);
        least = fminf(least, level);
        most = fmaxf(most, level);
        assert_true(rp_pcm_peak(h->pcm, h->n) < FULL_SCALE * 7 / 10);
    }
    assert_true(most - least <= 3);
    assert_true(least > -23 && most < -17);
    rp_free(file);
}

static void cancel_at_first_audio(struct fixture *f, const struct rp_tts_event *ev)
{
    if (ev->type != RP_TTS_AUDIO || ev->seg != 0)
        return;
    f->hook = NULL;
    f->tts->ops->cancel(f->tts);
    f->current = 10; /* nothing of an older segment may come now */
    speak(f, 10, "Yes?");
}

static void cancel_silences_at_once(void **state)
{
    struct fixture *f = *state;

    for (uint64_t i = 0; i < 5; i++)
        speak(f, i, "This will be cancelled before much of it has been said to anybody at all.");
    f->hook = cancel_at_first_audio;
    run_until_finished(f, 1);
    assert_true(f->seg[10].done && f->seg[10].n > 0);
    for (size_t i = 0; i < 5; i++)
        assert_false(f->seg[i].done || f->seg[i].failed);
    /* Cancelled while it waits at the workers, and with nothing to cancel. */
    speak(f, 11, "Never.");
    f->tts->ops->cancel(f->tts);
    f->tts->ops->cancel(f->tts);
    speak(f, 12, "Ok.");
    run_until_finished(f, 1);
    assert_true(f->seg[12].done && !f->seg[11].done);
}

static void close_at_first_audio(struct fixture *f, const struct rp_tts_event *ev)
{
    if (ev->type != RP_TTS_AUDIO)
        return;
    f->hook = NULL;
    f->tts->ops->close(f->tts);
    f->tts = NULL;
    f->current = SEGMENTS_MAX; /* nothing may come any more */
    rp_loop_stop(f->loop);
}

static void close_is_allowed_in_the_callback(void **state)
{
    struct fixture *f = *state;

    for (uint64_t i = 0; i < 3; i++)
        speak(f, i, "Nobody will hear the end of this.");
    f->hook = close_at_first_audio;
    rp_loop_run(f->loop);
    assert_null(f->tts);
    f->tts = NULL;
    open_session(f);
    f->current = 0;
    speak(f, 5, "Next.");
    run_until_finished(f, 1);
    assert_true(f->seg[5].done);
}

static void queue_is_bounded_and_can_be_paused(void **state)
{
    struct fixture *f = *state;
    uint64_t n = 0;
    int err = 0;

    f->tts->ops->pause(f->tts, true);
    while (n < SEGMENTS_MAX && (err = f->tts->ops->speak(f->tts, n, RP_STR("A."))) == 0)
        n++;
    assert_int_equal(err, RP_ELIMIT);
    assert_in_range(n, 4, SEGMENTS_MAX - 1);
    rp_loop_stop(f->loop);
    rp_loop_run(f->loop);
    assert_int_equal(f->events, 0);
    f->tts->ops->pause(f->tts, false);
    run_until_finished(f, n);
    assert_true(f->seg[n - 1].done);
    rp_mem_fail_after(1);
    assert_int_equal(f->tts->ops->speak(f->tts, n, RP_STR("No memory.")), RP_ENOMEM);
    rp_mem_fail_after(0);
}

static void full_lane_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct rp_tts *others[4];
    struct fixture *all[4];

    /* One thread, one place in the lane: the others have to wait for it. */
    for (size_t i = 0; i < RP_COUNT(others); i++) {
        all[i] = rp_zalloc(sizeof(*all[i]));
        assert_non_null(all[i]);
        all[i]->loop = f->loop;
        all[i]->registry = f->registry;
        open_session(all[i]);
        speak(all[i], 0, "Everybody gets a turn.");
    }
    for (size_t i = 0; i < RP_COUNT(others); i++)
        if (all[i]->finished == 0)
            run_until_finished(all[i], 1);
    for (size_t i = 0; i < RP_COUNT(others); i++) {
        assert_true(all[i]->seg[0].done);
        all[i]->tts->ops->close(all[i]->tts);
        rp_free(all[i]->seg[0].pcm);
        rp_free(all[i]);
    }
}

static int set_up_narrow(void **state)
{
    return set_up_workers(state, 1, 1);
}

/* Voices are used by several threads at once, each with the same result as alone. */
static void voices_do_not_disturb_one_another(void **state)
{
    struct fixture *f = *state, *all[6];
    const char *text = "Each of us says the same thing, at the same time, over and over again.";

    for (size_t i = 0; i < RP_COUNT(all); i++) {
        all[i] = rp_zalloc(sizeof(*all[i]));
        assert_non_null(all[i]);
        all[i]->loop = f->loop;
        all[i]->registry = f->registry;
        open_session(all[i]);
        for (uint64_t k = 0; k < 8; k++)
            speak(all[i], k, text);
    }
    for (size_t i = 0; i < RP_COUNT(all); i++)
        if (all[i]->finished < 8)
            run_until_finished(all[i], 8 - all[i]->finished);
    for (size_t i = 0; i < RP_COUNT(all); i++) {
        for (size_t k = 0; k < 8; k++) {
            struct heard *h = &all[i]->seg[k], *first = &all[0]->seg[0];

            assert_true(h->done);
            assert_int_equal(h->n, first->n);
            assert_int_equal(h->words, first->words);
            assert_memory_equal(h->end, first->end, h->words * sizeof(*h->end));
            rp_free(k || i ? h->pcm : NULL);
        }
        all[i]->tts->ops->close(all[i]->tts);
    }
    rp_free(all[0]->seg[0].pcm);
    for (size_t i = 0; i < RP_COUNT(all); i++)
        rp_free(all[i]);
}

static int set_up_wide(void **state)
{
    return set_up_workers(state, 4, 64);
}

static void registry_knows_engines_and_providers(void **state)
{
    struct fixture *f = *state;
    const struct rp_tts_engine *local;
    bool stand_in;

    local = rp_tts_engine(f->registry, RP_STR("tts.local"), &stand_in);
    assert_string_equal(local->name, "local");
    assert_false(stand_in);
    assert_ptr_equal(rp_tts_engine(f->registry, RP_STR("tts.rime"), &stand_in), local);
    assert_true(stand_in);
    assert_null(rp_tts_engine(f->registry, RP_STR("tts.nobody"), &stand_in));
    assert_null(rp_tts_engine(f->registry, RP_STR(""), &stand_in));
}

int test_tts(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_keep_their_place),
        cmocka_unit_test(tokens_are_bounded),
        cmocka_unit_test(leveller_brings_any_level_to_one),
        cmocka_unit_test_setup_teardown(words_come_with_their_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pieces_join_without_clicks_or_gaps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sentences_are_equally_loud, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cancel_silences_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(close_is_allowed_in_the_callback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(queue_is_bounded_and_can_be_paused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_lane_is_tried_again, set_up_narrow, tear_down),
        cmocka_unit_test_setup_teardown(voices_do_not_disturb_one_another, set_up_wide, tear_down),
        cmocka_unit_test_setup_teardown(registry_knows_engines_and_providers, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("tts", tests, NULL, NULL);
}
