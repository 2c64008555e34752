/* The table of unit tests: one line for each test_<name>.c, which defines `int test_<name>(void)`
 * (the result of cmocka_run_group_tests). */
#ifndef RP_TESTS_H
#define RP_TESTS_H

/* cmocka wants these four first, in this order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RP_TESTS(X)                                                                                \
    X(api)                                                                                         \
    X(config)                                                                                      \
    X(session)                                                                                     \
    X(base)                                                                                        \
    X(pcm)                                                                                         \
    X(echo)                                                                                        \
    X(resample)                                                                                    \
    X(speech)                                                                                      \
    X(vad)                                                                                         \
    X(wav)                                                                                         \
    X(json)                                                                                        \
    X(loop)                                                                                        \
    X(workers)                                                                                     \
    X(event_body)                                                                                  \
    X(base64)                                                                                      \
    X(sse)                                                                                         \
    X(url)                                                                                         \
    X(audio_frame)                                                                                 \
    X(sentence)                                                                                    \
    X(voice)                                                                                       \
    X(stt)                                                                                         \
    X(tts)                                                                                         \
    X(store)                                                                                       \
    X(transport)                                                                                   \
    X(answer)                                                                                      \
    X(demo)                                                                                        \
    X(options)                                                                                     \
    X(speaker)                                                                                     \
    X(http_reader)                                                                                 \
    X(ws_frame)                                                                                    \
    X(http_server)                                                                                 \
    X(turn)                                                                                        \
    X(http_client)                                                                                 \
    X(turn_sim)                                                                                    \
    X(ws)                                                                                          \
    X(turn_log)                                                                                    \
    X(endpoint)                                                                                    \
    X(heard)                                                                                       \
    X(tls)                                                                                         \
    X(resolve)

#define X(name) int test_##name(void);
RP_TESTS(X)
#undef X

/* Path of a file below tests/data; valid until the next call. */
const char *test_data(const char *name);
/* A whole file, NUL-terminated; fails the test if it cannot be read. Release with rp_free. */
char *test_read_file(const char *path, size_t *len);

#endif
