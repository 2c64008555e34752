/* Tests of turn/endpoint.c: phrases of tests/data/endpoint/phrases.txt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "tests.h"
#include "turn/endpoint.h"
#include "turn/words.h"

static const struct {
    const char *name;
    int least, most;
} kinds[] = {{"quick", 0, 15}, {"medium", 16, 55}, {"slow", 56, 100}};

static void judges_phrases(void **state)
{
    size_t len;
    char *text = test_read_file(test_data("endpoint/phrases.txt"), &len), *rest = text, *line;
    unsigned n = 0, wrong = 0;

    (void)state;
    while ((line = strsep(&rest, "\n"))) {
        char *phrase = line + strcspn(line, " ");
        size_t k = 0;
        int32_t ms;

        if (line[0] == '#' || !*phrase)
            continue;
        *phrase++ = '\0';
        phrase += strspn(phrase, " ");
        while (k < RP_COUNT(kinds) && strcmp(kinds[k].name, line) != 0)
            k++;
        assert_true(k < RP_COUNT(kinds));
        ms = rp_endpoint_silence_ms(rp_str_z(phrase), 0, 100);
        n++;
        if (ms >= kinds[k].least && ms <= kinds[k].most)
            continue;
        wrong++;
        (void)fprintf(stderr, "%d is not %s: %s\n", ms, line, phrase);
    }
    rp_free(text);
    assert_true(n > 150);
    assert_int_equal(wrong, 0);
}

static void stays_between_its_bounds(void **state)
{
    (void)state;
    assert_int_equal(rp_endpoint_silence_ms(RP_STR("Yes, I do."), 250, 1200), 250 + 95);
    assert_int_equal(rp_endpoint_silence_ms(RP_STR("um"), 250, 1200), 1200);
    assert_int_equal(rp_endpoint_silence_ms(RP_STR("um"), 700, 700), 700);
    /* No words, no punctuation, broken UTF-8: something in between, or complete, never a crash. */
    assert_int_equal(rp_endpoint_silence_ms(RP_STR(""), 0, 100), 35);
    assert_int_equal(rp_endpoint_silence_ms(RP_STR(" ... "), 0, 100), 35);
    assert_in_range(rp_endpoint_silence_ms(RP_STR("\xff\xfe\x80"), 0, 100), 0, 100);
    assert_in_range(rp_endpoint_silence_ms(RP_STR("a\0b"), 0, 100), 0, 100);
}

int test_endpoint(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_phrases),
        cmocka_unit_test(stays_between_its_bounds),
    };

    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
