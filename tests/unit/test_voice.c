/* The round trip: what the local voice says, the local recogniser understands. */
#include <stdio.h>
#include <string.h>

#include "audio_clips.h"
#include "base/mem.h"
#include "stt/moonshine.h"
#include "tests.h"
#include "tts/flite.h"
#include "word_errors.h"

static void keep_audio(const int16_t *pcm, size_t n, void *arg)
{
    struct clip *c = arg;

    c->pcm = rp_realloc(c->pcm, (c->n + n) * sizeof(*pcm));
    assert_non_null(c->pcm);
    memcpy(c->pcm + c->n, pcm, n * sizeof(*pcm));
    c->n += n;
}

static void pass_over(const struct rp_flite_word *words, size_t n, void *arg)
{
    (void)words;
    (void)n;
    (void)arg;
}

static void fifty_sentences_are_understood(void **state)
{
    struct rp_vad_model *vad = clip_model();
    struct rp_flite *voice;
    struct rp_moonshine *ear;
    size_t len, n, words = 0, errors = 0, sentences = 0;
    char *file = test_read_file(test_data("speech/sentences.txt"), &len), line[300];
    struct rp_str rest = rp_str_n(file, len);
    atomic_bool stop = false;

    (void)state;
    assert_int_equal(rp_flite_new(&voice), 0);
    assert_int_equal(rp_moonshine_new(&ear, RP_SPEECH_DIR, vad), 0);
    for (; rest.len; sentences++) {
        struct rp_str text = rp_str_split(&rest, '\n');
        struct clip c = {0};
        struct rp_flite_sink sink = {.words = pass_over, .audio = keep_audio, .arg = &c};
        char *heard;

        assert_int_equal(rp_flite_say(voice, text, &sink, &stop), 0);
        heard = rp_moonshine_hear(ear, c.pcm, c.n);
        assert_non_null(heard);
        (void)snprintf(line, sizeof(line), "%.*s", RP_STR_ARG(text));
        errors += test_word_errors(line, heard, &n);
        words += n;
        rp_free(heard);
        rp_free(c.pcm);
    }
    assert_int_equal(sentences, 50);
    print_message("%zu of %zu words are wrong\n", errors, words);
    assert_true(errors * 10 <= words);
    rp_moonshine_free(ear);
    rp_flite_free(voice);
    rp_vad_model_free(vad);
    rp_free(file);
}

int test_voice(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifty_sentences_are_understood),
    };

    return cmocka_run_group_tests_name("voice", tests, NULL, NULL);
}
