/* The speaker: pacing, holding, stopping, word times in the written text. The synthesiser is a fake
 * that gives 100 ms for each byte of speech; the loop and its timers are real, but nothing here
 * depends on how fast they are. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "session/speaker.h"
#include "tests.h"

#define PER_BYTE (RP_TTS_RATE / 10)

struct fake {
    struct rp_tts tts;
    uint64_t ids[64];
    char texts[64][128];
    size_t n, done;
    int cancels;
    bool paused;
};

struct rig {
    struct fake fake;
    struct rp_loop *loop;
    struct rp_pacer pacer;
    struct rp_speaker *speaker;
    int64_t sent, last_sent;
    size_t sends, odd;
    int64_t synthesised;
    int told;
    bool full, refuse;
    struct {
        uint32_t from, to;
        int64_t at, end;
    } words[64];
    size_t nwords;
};

static int fake_speak(struct rp_tts *t, uint64_t seg, struct rp_str text)
{
    struct fake *f = RP_CONTAINER_OF(t, struct fake, tts);

    if (f->n == RP_COUNT(f->ids))
        return RP_ELIMIT;
    f->ids[f->n] = seg;
    assert_true(text.len < sizeof(f->texts[0]));
    memcpy(f->texts[f->n], text.p, text.len);
    f->texts[f->n++][text.len] = '\0';
    return 0;
}

static void fake_cancel(struct rp_tts *t)
{
    struct fake *f = RP_CONTAINER_OF(t, struct fake, tts);

    f->cancels++;
    f->done = f->n;
}

static void fake_pause(struct rp_tts *t, bool paused)
{
    RP_CONTAINER_OF(t, struct fake, tts)->paused = paused;
}

static const struct rp_tts_ops fake_ops = {
    .speak = fake_speak, .cancel = fake_cancel, .pause = fake_pause};

/* Lets the fake speak its next segment. */
static void synthesise(struct rig *r)
{
    struct fake *f = &r->fake;
    struct rp_tts_event ev = {.seg = f->ids[f->done]};
    const char *text = f->texts[f->done];
    size_t len = strlen(text), from = 0;
    int16_t pcm[PER_BYTE];

    memset(pcm, 1, sizeof(pcm));
    f->done++;
    ev.type = RP_TTS_WORD;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != ' ')
            continue;
        if (i > from) {
            ev.text_from = (uint32_t)from;
            ev.text_to = (uint32_t)i;
            ev.at = (int64_t)(from * PER_BYTE);
            ev.end = (int64_t)(i * PER_BYTE);
            rp_speaker_tts_event(r->speaker, &ev);
        }
        from = i + 1;
    }
    ev.type = RP_TTS_AUDIO;
    ev.pcm = pcm;
    ev.n = PER_BYTE;
    for (size_t i = 0; i < len; i++)
        rp_speaker_tts_event(r->speaker, &ev);
    ev = (struct rp_tts_event){.type = RP_TTS_DONE, .seg = ev.seg, .at = (int64_t)(len * PER_BYTE)};
    rp_speaker_tts_event(r->speaker, &ev);
}

static bool on_send(const int16_t *pcm, size_t n, int64_t plays_us, void *arg)
{
    struct rig *r = arg;

    (void)plays_us;
    if (r->refuse)
        return false;
    assert_non_null(pcm);
    r->sends++;
    r->odd += n % 128 != 0;
    r->sent += (int64_t)n;
    return true;
}

static void on_sent(int64_t n, void *arg)
{
    ((struct rig *)arg)->last_sent = n;
}

static void on_word(uint32_t from, uint32_t to, int64_t at, int64_t end, bool estimated, void *arg)
{
    struct rig *r = arg;

    assert_false(estimated);
    r->words[r->nwords].from = from;
    r->words[r->nwords].to = to;
    r->words[r->nwords].at = at;
    r->words[r->nwords++].end = end;
}

static void on_synthesised(int64_t n, void *arg)
{
    struct rig *r = arg;

    r->synthesised = n;
    r->told++;
}

static void on_failed(const char *why, void *arg)
{
    (void)arg;
    fail_msg("%s", why);
}

static void on_backlog(bool full, void *arg)
{
    ((struct rig *)arg)->full = full;
}

static void set_up(struct rig *r)
{
    static const struct rp_speaker_cb cb = {on_send,        on_sent,   on_word,
                                            on_synthesised, on_failed, on_backlog};

    memset(r, 0, sizeof(*r));
    r->fake.tts.ops = &fake_ops;
    assert_int_equal(rp_loop_new(&r->loop, "test"), 0);
    rp_pacer_init(&r->pacer, r->loop);
    assert_int_equal(rp_speaker_new(&r->speaker, &r->pacer, &r->fake.tts, &cb, r), 0);
}

static void tear_down(struct rig *r)
{
    rp_speaker_free(r->speaker);
    rp_pacer_fini(&r->pacer);
    rp_loop_free(r->loop);
}

static void say(struct rig *r, const char *text)
{
    rp_speaker_begin(r->speaker);
    assert_int_equal(rp_speaker_text(r->speaker, rp_str_z(text), 0), 0);
    rp_speaker_finish(r->speaker);
    while (r->fake.done < r->fake.n)
        synthesise(r);
}

static void short_speech_goes_out_whole_and_padded(void **state)
{
    struct rig r;

    (void)state;
    set_up(&r);
    say(&r, "Hi you.");
    assert_int_equal(r.fake.n, 1);
    assert_string_equal(r.fake.texts[0], "Hi you.");
    assert_int_equal(r.told, 1);
    assert_int_equal(r.odd, 0);
    /* 7 × 1600 samples, up to the next whole block. */
    assert_int_equal(r.sent, (7 * PER_BYTE + 127) / 128 * 128);
    assert_int_equal(r.synthesised, r.sent);
    assert_int_equal(r.last_sent, r.sent);
    assert_int_equal(r.nwords, 2);
    assert_int_equal(r.words[0].from, 0);
    assert_int_equal(r.words[0].to, 2);
    assert_int_equal(r.words[1].from, 3);
    assert_int_equal(r.words[1].at, 3 * PER_BYTE);
    tear_down(&r);
}

static void no_more_than_the_lead_is_sent_ahead(void **state)
{
    struct rig r;

    (void)state;
    set_up(&r);
    say(&r, "This is a sentence that takes quite a while to be spoken by the fake. And here is one "
            "more of them.");
    /* Three seconds and at most one chunk; what is played meanwhile is far less than that. */
    assert_in_range(r.sent, 3 * RP_TTS_RATE, 4 * RP_TTS_RATE);
    assert_int_equal(r.told, 1);
    tear_down(&r);
}

static void words_of_later_segments_count_from_the_start(void **state)
{
    struct rig r;
    size_t last;

    (void)state;
    set_up(&r);
    say(&r, "One two. Three four.");
    last = r.nwords - 1;
    assert_int_equal(r.fake.n, 2);
    assert_int_equal(r.nwords, 4);
    assert_int_equal(r.words[last].from, 15);
    assert_true(r.words[last].at >= (int64_t)strlen(r.fake.texts[0]) * PER_BYTE);
    tear_down(&r);
}

static void nothing_goes_out_while_held_or_refused(void **state)
{
    struct rig r;

    (void)state;
    set_up(&r);
    rp_speaker_begin(r.speaker);
    rp_speaker_hold(r.speaker, true);
    assert_int_equal(rp_speaker_text(r.speaker, RP_STR("Hello there."), 0), 0);
    rp_speaker_finish(r.speaker);
    synthesise(&r);
    assert_int_equal(r.sent, 0);
    r.refuse = true;
    rp_speaker_hold(r.speaker, false);
    assert_int_equal(r.sent, 0);
    r.refuse = false;
    rp_speaker_hold(r.speaker, false); /* refused: waits for the client */
    assert_int_equal(r.sent, 0);
    rp_speaker_writable(r.speaker);
    assert_true(r.sent > 0);
    tear_down(&r);
}

static void stop_is_the_end_of_a_turn(void **state)
{
    struct rig r;
    int64_t sent;

    (void)state;
    set_up(&r);
    rp_speaker_begin(r.speaker);
    assert_int_equal(rp_speaker_text(r.speaker, RP_STR("One two three. Four five six. "), 0), 0);
    synthesise(&r);
    sent = r.sent;
    assert_true(sent > 0);
    rp_speaker_stop(r.speaker);
    assert_int_equal(r.fake.cancels, 1);
    r.fake.done = 1; /* the engine had not heard of it yet */
    synthesise(&r);
    assert_int_equal(r.sent, sent);
    assert_int_equal(rp_speaker_text(r.speaker, RP_STR("more"), 0), RP_EINVAL);
    say(&r, "Next."); /* and a new one begins from nothing */
    assert_int_equal(r.last_sent, (5 * PER_BYTE + 127) / 128 * 128);
    assert_int_equal(r.told, 1);
    tear_down(&r);
}

static void too_much_text_is_told(void **state)
{
    struct rig r;

    (void)state;
    set_up(&r);
    rp_speaker_begin(r.speaker);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(rp_speaker_text(r.speaker, RP_STR("Some more words. "), 0), 0);
    assert_true(r.full);
    rp_speaker_stop(r.speaker);
    assert_false(r.full);
    tear_down(&r);
}

static void a_filler_has_no_words(void **state)
{
    struct rig r;

    (void)state;
    set_up(&r);
    rp_speaker_begin(r.speaker);
    assert_int_equal(rp_speaker_filler(r.speaker, RP_STR("One moment.")), 0);
    synthesise(&r);
    assert_int_equal(r.nwords, 0);
    assert_int_equal(rp_speaker_text(r.speaker, RP_STR("Yes."), 100), 0);
    rp_speaker_finish(r.speaker);
    synthesise(&r);
    assert_int_equal(r.nwords, 1);
    assert_int_equal(r.words[0].from, 100);
    assert_int_equal(r.words[0].at, (int64_t)strlen("One moment.") * PER_BYTE);
    tear_down(&r);
}

int test_speaker(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_speech_goes_out_whole_and_padded),
        cmocka_unit_test(no_more_than_the_lead_is_sent_ahead),
        cmocka_unit_test(words_of_later_segments_count_from_the_start),
        cmocka_unit_test(nothing_goes_out_while_held_or_refused),
        cmocka_unit_test(stop_is_the_end_of_a_turn),
        cmocka_unit_test(too_much_text_is_told),
        cmocka_unit_test(a_filler_has_no_words),
    };
    return cmocka_run_group_tests_name("speaker", tests, NULL, NULL);
}
