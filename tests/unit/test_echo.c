/* Tests of audio/echo: the agent's own voice is not taken for the caller's, the caller's is found.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/echo.h"
#include "audio/pcm.h"
#include "audio/speech.h"
#include "audio_clips.h"
#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests.h"

enum { MS = CLIP_HZ / 1000, WINDOW = RP_ECHO_WINDOW };

static const char agent_says[] =
    "Good afternoon, and thank you for calling. Your appointment is on Thursday at half past nine. "
    "I "
    "can move it to another day, or I can cancel it for you. Which would you like me to do? Please "
    "take your time, there is no hurry at all.";

static struct clip silence(size_t n)
{
    struct clip c = {rp_calloc(n, sizeof(int16_t)), n};

    assert_non_null(c.pcm);
    return c;
}

/* Adds `src` to `dst` from sample `at` on, that many dB louder. */
static void add(struct clip dst, struct clip src, int64_t at, float db)
{
    float gain = powf(10.0f, db / 20.0f) / 32768.0f;

    for (size_t i = 0; i < src.n && (size_t)at + i < dst.n; i++) {
        int16_t y = rp_pcm_from_float((float)src.pcm[i] * gain);
        rp_pcm_mix(&dst.pcm[(size_t)at + i], &y, 1);
    }
}

static void add_hiss(struct clip c)
{
    uint32_t seed = 8;

    for (size_t i = 0; i < c.n; i++) {
        int16_t y = (int16_t)lrintf(12.0f * clip_random(&seed));
        rp_pcm_mix(&c.pcm[i], &y, 1);
    }
}

struct heard {
    int starts;
    int64_t start, known; /* of the first */
};

/* A call in which the agent says `agent` from `plays_at` on, sent two seconds ahead in pieces, and
 * the microphone hears `mic`. */
static struct heard call(const struct rp_vad_model *model, struct rp_echo *echo, struct clip agent,
                         struct clip mic, int64_t plays_at)
{
    const size_t piece = 1600 + 77;
    struct heard h = {0, -1, -1};
    struct rp_speech s;
    size_t sent = 0;
    uint64_t count;

    rp_speech_init(&s, model, RP_SPEECH_DEFAULTS, 0);
    count = rp_mem_thread_count();
    for (size_t at = 0; at + WINDOW <= mic.n; at += WINDOW) {
        const int16_t *pcm = mic.pcm + at;
        size_t n = WINDOW;
        while (sent < agent.n && plays_at + (int64_t)sent < (int64_t)at + 2 * CLIP_HZ) {
            size_t part = RP_MIN(piece, agent.n - sent);
            rp_echo_plays(echo, agent.pcm + sent, part, plays_at + (int64_t)sent);
            sent += part;
        }
        s.own_voice = rp_echo_window(echo, pcm, (int64_t)at);
        if (rp_speech_take(&s, &pcm, &n) == RP_SPEECH_START && h.starts++ == 0) {
            h.start = s.start;
            h.known = s.pos;
        }
    }
    assert_true(rp_mem_thread_count() == count);
    return h;
}

static struct clip agent_voice(int which)
{
    struct clip c = which == 0 ? clip_spoken(agent_says) : clip_recording("two_cities.wav", 8);

    clip_set_level(c, -20.0f);
    return c;
}

static void own_voice_never_starts_speech(void **state)
{
    static const int delays_ms[] = {50, 150, 237, 400};
    static const int weaker_db[] = {6, 13, 20, 30};
    struct rp_vad_model *model = clip_model();

    (void)state;
    for (int which = 0; which < 2; which++) {
        struct clip agent = agent_voice(which);
        /* Each pair with the first voice, each delay and each weakness with the second. */
        for (size_t k = 0; k < RP_COUNT(delays_ms) * RP_COUNT(weaker_db); k += which ? 5 : 1) {
            int delay_ms = delays_ms[k % RP_COUNT(delays_ms)];
            int weaker = weaker_db[k / RP_COUNT(delays_ms)];
            struct clip mic = silence(agent.n + 2 * CLIP_HZ);
            struct rp_echo *echo;
            struct heard h;
            assert_int_equal(rp_echo_new(&echo), 0);
            add(mic, agent, CLIP_HZ + delay_ms * MS, (float)-weaker);
            if (k % 2)
                add_hiss(mic);
            clip_telephone(mic);
            h = call(model, echo, agent, mic, CLIP_HZ);
            if (h.starts)
                print_error("%d ms late, %d dB weaker: heard at %d ms\n", delay_ms, weaker,
                            (int)(h.start / MS));
            assert_int_equal(h.starts, 0);
            rp_echo_free(echo);
            rp_free(mic.pcm);
        }
        rp_free(agent.pcm);
    }
    rp_vad_model_free(model);
}

/* A little loudspeaker without lows, a reflection of the wall, and a quieter, lopsided spectrum. */
static void a_room_does_not_make_it_a_caller(void **state)
{
    struct rp_vad_model *model = clip_model();
    struct clip agent = agent_voice(0), mic = silence(agent.n + 2 * CLIP_HZ);
    struct rp_echo *echo;
    float before = 0.0f;

    (void)state;
    for (size_t i = 0; i < agent.n; i++) {
        float x = (float)agent.pcm[i] / 32768.0f;
        mic.pcm[CLIP_HZ + 180 * MS + i] = rp_pcm_from_float(0.15f * (x - 0.9f * before));
        before = x;
    }
    add(mic, agent, CLIP_HZ + 193 * MS, -28.0f);
    add(mic, agent, CLIP_HZ + 231 * MS, -34.0f);
    add_hiss(mic);
    clip_telephone(mic);
    assert_int_equal(rp_echo_new(&echo), 0);
    assert_int_equal(call(model, echo, agent, mic, CLIP_HZ).starts, 0);
    rp_echo_free(echo);
    rp_free(agent.pcm);
    rp_free(mic.pcm);
    rp_vad_model_free(model);
}

/* Later turns are played with another delay: the player's buffer begins anew. */
static void the_delay_may_change_between_turns(void **state)
{
    static const int delays_ms[] = {90, 330, 60, 210};
    struct rp_vad_model *model = clip_model();
    struct clip agent = agent_voice(0);
    struct rp_echo *echo;
    struct rp_speech s;
    int64_t pos = 0;

    (void)state;
    agent.n = 3 * CLIP_HZ;
    assert_int_equal(rp_echo_new(&echo), 0);
    rp_speech_init(&s, model, RP_SPEECH_DEFAULTS, 0);
    for (size_t turn = 0; turn < RP_COUNT(delays_ms); turn++) {
        struct clip mic = silence(agent.n + 2 * CLIP_HZ);
        add(mic, agent, delays_ms[turn] * MS, -15.0f);
        add_hiss(mic);
        rp_echo_plays(echo, agent.pcm, agent.n, pos);
        for (size_t at = 0; at + WINDOW <= mic.n; at += WINDOW, pos += WINDOW) {
            const int16_t *pcm = mic.pcm + at;
            size_t n = WINDOW;
            s.own_voice = rp_echo_window(echo, pcm, pos);
            assert_int_equal(rp_speech_take(&s, &pcm, &n), RP_SPEECH_NONE);
        }
        rp_free(mic.pcm);
    }
    rp_echo_free(echo);
    rp_free(agent.pcm);
    rp_vad_model_free(model);
}

/* A phrase of a caller that begins 60 ms into the clip. */
static struct clip phrase(const char *name, int onset_ms)
{
    struct clip all = clip_recording(name, 12), c = silence((size_t)1500 * MS);

    memcpy(c.pcm, all.pcm + (onset_ms - 60) * MS, c.n * sizeof(*c.pcm));
    rp_free(all.pcm);
    return c;
}

/* The agent speaks from 1 s on; what is heard of it is `echo_db`; the voice begins at `onset`. */
static struct heard call_with_voice(const struct rp_vad_model *model, struct clip agent,
                                    int echo_db, struct clip voice, int64_t onset)
{
    struct clip mic = silence((size_t)onset + 2 * CLIP_HZ);
    struct rp_echo *echo;
    struct heard h;

    assert_int_equal(rp_echo_new(&echo), 0);
    add(mic, agent, CLIP_HZ + 150 * MS, (float)echo_db);
    add(mic, voice, onset - 60 * MS, 0.0f);
    add_hiss(mic);
    clip_telephone(mic);
    h = call(model, echo, agent, mic, CLIP_HZ);
    rp_echo_free(echo);
    rp_free(mic.pcm);
    return h;
}

static void a_caller_is_heard_over_it(void **state)
{
    static const struct {
        const char *name;
        int onset_ms; /* of the phrase, in the recording */
    } phrases[] = {{"beckett.wav", 1850},
                   {"beckett.wav", 3528},
                   {"endgame_nagg_nell.wav", 2472},
                   {"endgame_nagg_nell.wav", 8744}};
    /* The voice, against the echo's loudness; the echo, against what was played (-90: a headset);
     * how much later the voice may be known than with no agent at all. */
    static const struct {
        int voice_db, echo_db, later_ms;
    } table[] = {{0, -10, 288}, {6, -20, 32}, {12, -20, 32}, {20, -30, 32}, {70, -90, 0}};
    struct rp_vad_model *model = clip_model();
    struct clip agent = agent_voice(0), nobody = {agent.pcm, 0};

    (void)state;
    for (size_t k = 0; k < RP_COUNT(phrases) * RP_COUNT(table); k++) {
        size_t p = k % RP_COUNT(phrases), t = k / RP_COUNT(phrases);
        int64_t onset = CLIP_HZ * 4 + (int64_t)k * 1000;
        struct clip voice = phrase(phrases[p].name, phrases[p].onset_ms);
        struct heard alone, over;
        int later_ms;
        clip_set_level(voice, (float)(-20 + table[t].echo_db + table[t].voice_db));
        alone = call_with_voice(model, nobody, 0, voice, onset);
        over = call_with_voice(model, agent, table[t].echo_db, voice, onset);
        later_ms = (int)((over.known - alone.known) / MS);
        assert_true(alone.starts >= 1 && alone.known - onset <= 256 * MS);
        if (over.starts == 0 || later_ms > table[t].later_ms)
            print_error(
                "%s, %d dB over the echo: %d starts, known after %d ms, %d later than alone\n",
                phrases[p].name, table[t].voice_db, over.starts, (int)((over.known - onset) / MS),
                later_ms);
        assert_true(over.starts >= 1);
        assert_true(over.start >= onset - 120 * MS);
        assert_true(later_ms <= table[t].later_ms);
        if (table[t].voice_db > 0 && table[t].echo_db > -90)
            assert_true(over.known - onset <= 200 * MS);
        rp_free(voice.pcm);
    }
    rp_free(agent.pcm);
    rp_vad_model_free(model);
}

static void what_was_cut_is_not_echo(void **state)
{
    struct clip agent = agent_voice(0);
    struct rp_echo *echo;

    (void)state;
    assert_int_equal(rp_echo_new(&echo), 0);
    rp_echo_plays(echo, agent.pcm, 5 * CLIP_HZ, 0);
    for (int64_t pos = 0; pos < 4 * CLIP_HZ; pos += WINDOW) {
        /* The echo goes on; but from 1.5 s on nothing is said to be played. */
        bool own = rp_echo_window(echo, agent.pcm + pos, pos);
        if (pos <= CLIP_HZ && pos + WINDOW > CLIP_HZ)
            rp_echo_cut(echo, CLIP_HZ + CLIP_HZ / 2);
        if (pos < CLIP_HZ)
            assert_true(own);
        if (pos > 5 * CLIP_HZ / 2) {
            assert_false(own);
            assert_float_equal(rp_echo_unexplained(echo), 1.0f, 0.0f);
        }
    }
    rp_echo_free(echo);
    rp_free(agent.pcm);
}

/* Pieces anywhere, gaps, overlaps, cuts: nothing breaks, and it can still be used. */
static void positions_may_be_anything(void **state)
{
    struct clip agent = agent_voice(0);
    struct rp_echo *echo;
    uint32_t seed = 77;
    int64_t pos = -20 * CLIP_HZ;

    (void)state;
    assert_int_equal(rp_echo_new(&echo), 0);
    for (int i = 0; i < 3000; i++, pos += WINDOW) {
        int64_t at = pos + (int64_t)(clip_random(&seed) * 10.0f * CLIP_HZ);
        size_t n = (size_t)(fabsf(clip_random(&seed)) * 3000.0f);
        if (i % 500 == 499)
            pos += 1000000;
        if (i % 7 == 0)
            rp_echo_cut(echo, at);
        if (i % 2)
            rp_echo_plays(echo, agent.pcm + i, n, at);
        (void)rp_echo_window(echo, agent.pcm + i, pos);
        assert_true(rp_echo_unexplained(echo) >= 0.0f && rp_echo_unexplained(echo) <= 1.0f);
    }
    rp_echo_free(echo);
    rp_free(agent.pcm);
    rp_mem_fail_after(1);
    assert_int_equal(rp_echo_new(&echo), RP_ENOMEM);
    rp_mem_fail_after(0);
    rp_echo_free(NULL);
}

int test_echo(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_voice_never_starts_speech),
        cmocka_unit_test(a_room_does_not_make_it_a_caller),
        cmocka_unit_test(the_delay_may_change_between_turns),
        cmocka_unit_test(a_caller_is_heard_over_it),
        cmocka_unit_test(what_was_cut_is_not_echo),
        cmocka_unit_test(positions_may_be_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
