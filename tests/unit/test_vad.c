/* Tests of audio/vad: the file of weights, the state, memory. What the network should say is held
 * to ONNX Runtime by tests/integration/test_vad_reference.py. */
#include <string.h>

#include "audio/vad.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests.h"

static const char weights_path[] = RP_SPEECH_DIR "/vad/silero_vad_16k.bin";

/* Something that changes from window to window. */
static void make_window(int16_t *pcm, int k)
{
    uint32_t x = 12345u + (uint32_t)k;

    for (int i = 0; i < RP_VAD_WINDOW; i++) {
        x = x * 1664525u + 1013904223u;
        pcm[i] = (int16_t)((int32_t)(x >> 16) - 32768);
        pcm[i] = (int16_t)(pcm[i] / (1 + k % 50));
    }
}

static void sessions_share_a_model_and_nothing_else(void **state)
{
    struct rp_vad_model *model, *portable;
    struct rp_vad a, b, p;
    int16_t pcm[RP_VAD_WINDOW];
    size_t len;
    char *bytes = test_read_file(weights_path, &len);
    uint64_t count;

    (void)state;
    assert_int_equal(rp_vad_model_new(&model, bytes, len), 0);
    assert_int_equal(rp_vad_model_new(&portable, bytes, len), 0);
    rp_vad_model_use_portable(portable);
    rp_free(bytes);
    rp_vad_init(&a, model);
    rp_vad_init(&b, model);
    rp_vad_init(&p, portable);
    count = rp_mem_thread_count();
    for (int k = 0; k < 100; k++) {
        float x, y;
        make_window(pcm, k);
        x = rp_vad_window(&a, pcm);
        y = rp_vad_window(&p, pcm);
        assert_true(x >= 0.0f && x <= 1.0f);
        assert_float_equal(x, y, 1e-4f);
        assert_float_equal(x, rp_vad_window(&b, pcm), 0.0f);
    }
    assert_true(rp_mem_thread_count() == count);
    rp_vad_model_free(model);
    rp_vad_model_free(portable);
}

static void other_files_are_refused(void **state)
{
    struct rp_vad_model *model = NULL;
    size_t len;
    char *bytes = test_read_file(weights_path, &len);

    (void)state;
    assert_int_equal(rp_vad_model_new(&model, bytes, len - 1), RP_EPROTO);
    assert_int_equal(rp_vad_model_new(&model, bytes, 0), RP_EPROTO);
    bytes[0] = 'X';
    assert_int_equal(rp_vad_model_new(&model, bytes, len), RP_EPROTO);
    bytes[0] = 'R';
    memcpy(bytes + len - 4, "\0\0\xc0\x7f", 4); /* not a number */
    assert_int_equal(rp_vad_model_new(&model, bytes, len), RP_EPROTO);
    memcpy(bytes + len - 4, "\0\0\0\0", 4);
    for (uint64_t n = 1; n <= 2; n++) {
        rp_mem_fail_after(n);
        assert_int_equal(rp_vad_model_new(&model, bytes, len), RP_ENOMEM);
        rp_mem_fail_after(0);
    }
    assert_null(model);
    rp_free(bytes);
    rp_vad_model_free(NULL);
}

int test_vad(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_share_a_model_and_nothing_else),
        cmocka_unit_test(other_files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
