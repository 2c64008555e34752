/* Tests of turn/heard.c, the ledger of what was heard, and of turn/words.c. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "tests.h"
#include "turn/heard.h"
#include "turn/words.h"

#define MS(n) ((int64_t)(n)*1000) /* of real time, in microseconds */
#define SM(n) ((int64_t)(n)*16)   /* of audio, in samples */

/* "Hello there, how are you?", 300 ms a word, spans without punctuation. */
static const char hello[] = "Hello there, how are you?";

static void fill(struct rp_heard *h)
{
    static const uint32_t spans[][2] = {{0, 5}, {6, 11}, {13, 16}, {17, 20}, {21, 24}};

    rp_heard_init(h);
    for (uint32_t i = 0; i < RP_COUNT(spans); i++)
        assert_int_equal(rp_heard_word(h, spans[i][0], spans[i][1], SM(300 * i), SM(300 * (i + 1))),
                         0);
}

static void heard_is(const struct rp_heard *h, int64_t played, const char *want)
{
    struct rp_str text = rp_str_z(hello);
    struct rp_str got = rp_str_first(text, rp_heard_prefix(h, text, played));

    if (!rp_str_eq_z(got, want))
        fail_msg("at %d: \"%.*s\" instead of \"%s\"", (int)played, RP_STR_ARG(got), want);
}

static void a_word_is_heard_when_its_last_sample_is(void **state)
{
    struct rp_heard h;

    (void)state;
    fill(&h);
    heard_is(&h, 0, "");
    heard_is(&h, SM(300) - 1, "");
    heard_is(&h, SM(300), "Hello");
    heard_is(&h, SM(600), "Hello there,"); /* with the punctuation that clings to it */
    heard_is(&h, SM(1499), "Hello there, how are");
    heard_is(&h, SM(1500), "Hello there, how are you?");
    heard_is(&h, SM(9000), "Hello there, how are you?");
    rp_heard_fini(&h);
}

static void plays_in_real_time_from_when_it_is_sent(void **state)
{
    struct rp_heard h;

    (void)state;
    rp_heard_init(&h);
    assert_int_equal(rp_heard_played(&h, MS(5000)), 0);
    rp_heard_sent(&h, MS(1000), SM(300)); /* the first 300 ms at once */
    assert_int_equal(rp_heard_played(&h, MS(1000)), 0);
    assert_int_equal(rp_heard_played(&h, MS(1100)), SM(100));
    rp_heard_sent(&h, MS(1100), SM(500)); /* ahead: plays behind the first */
    assert_int_equal(rp_heard_played(&h, MS(1200)), SM(200));
    assert_int_equal(rp_heard_end_us(&h), MS(1500));
    assert_int_equal(rp_heard_played(&h, MS(1500)), SM(500));
    assert_int_equal(rp_heard_played(&h, MS(9000)), SM(500)); /* never more than was sent */
    rp_heard_sent(&h, MS(2000), SM(600));                     /* late: from when it comes */
    assert_int_equal(rp_heard_played(&h, MS(2000)), SM(500));
    assert_int_equal(rp_heard_played(&h, MS(2050)), SM(550));
    rp_heard_sent(&h, MS(2050), SM(400)); /* less than before: nothing */
    assert_int_equal(rp_heard_end_us(&h), MS(2100));
    rp_heard_fini(&h);
}

static void reports_can_only_be_behind_the_clock(void **state)
{
    struct rp_heard h;

    (void)state;
    rp_heard_init(&h);
    rp_heard_sent(&h, MS(0), SM(1000));
    rp_heard_report(&h, MS(500), SM(900)); /* impossible: not believed */
    assert_int_equal(rp_heard_played(&h, MS(500)), SM(500));
    rp_heard_report(&h, MS(500), SM(350)); /* 150 ms of network and buffer */
    assert_int_equal(rp_heard_played(&h, MS(500)), SM(350));
    assert_int_equal(rp_heard_played(&h, MS(600)), SM(450));
    assert_int_equal(rp_heard_end_us(&h), MS(1150));
    rp_heard_report(&h, MS(700), SM(600)); /* it catches up */
    assert_int_equal(rp_heard_end_us(&h), MS(1100));
    rp_heard_report(&h, MS(800), -5);
    assert_int_equal(rp_heard_played(&h, MS(800)), 0);
    rp_heard_report(&h, MS(1000), INT64_MAX); /* all of it */
    assert_int_equal(rp_heard_played(&h, MS(1000)), SM(1000));
    rp_heard_fini(&h);
}

static void a_stop_is_final_and_only_ever_earlier(void **state)
{
    struct rp_heard h;

    (void)state;
    rp_heard_init(&h);
    rp_heard_sent(&h, MS(0), SM(1000));
    rp_heard_stop(&h, MS(400), INT64_MAX);
    assert_int_equal(rp_heard_played(&h, MS(400)), SM(400));
    assert_int_equal(rp_heard_played(&h, MS(900)), SM(400));
    rp_heard_stop(&h, MS(900), SM(800)); /* later than we cut: no */
    assert_int_equal(rp_heard_played(&h, MS(900)), SM(400));
    rp_heard_stop(&h, MS(900), SM(250)); /* the client knows better */
    assert_int_equal(rp_heard_played(&h, MS(900)), SM(250));
    rp_heard_report(&h, MS(950), SM(900));
    assert_int_equal(rp_heard_played(&h, MS(950)), SM(250));
    assert_int_equal(rp_heard_playing(&h, MS(600)), SM(600)); /* what would have sounded */
    rp_heard_fini(&h);
}

static void crooked_spans_are_straightened(void **state)
{
    struct rp_heard h;
    struct rp_str text = RP_STR("ab cd ef");

    (void)state;
    rp_heard_init(&h);
    assert_int_equal(rp_heard_word(&h, 3, 5, 1000, 500), 0);       /* ends before it begins */
    assert_int_equal(rp_heard_word(&h, 0, 2, 200, 300), 0);        /* goes back */
    assert_int_equal(rp_heard_word(&h, 900, 800, -7, 1 << 20), 0); /* beyond the text */
    assert_int_equal(rp_heard_prefix(&h, text, 999), 0);
    assert_int_equal(rp_heard_prefix(&h, text, 1000), 5);
    assert_int_equal(rp_heard_prefix(&h, text, INT64_MAX), 8);
    rp_heard_fini(&h);
    /* A cut inside a character moves to its beginning. */
    assert_int_equal(rp_heard_word(&h, 0, 1, 0, 10), 0);
    assert_int_equal(rp_heard_word(&h, 1, 2, 10, 20), 0);
    assert_int_equal(rp_heard_prefix(&h, RP_STR("\xc3\xa4\xc3\xb6"), 10), 0);
    rp_heard_fini(&h);
}

static void words_between_two_samples(void **state)
{
    struct rp_heard h;
    struct rp_str text = rp_str_z(hello);

    (void)state;
    fill(&h);
    assert_true(rp_str_eq_z(rp_heard_between(&h, text, SM(350), SM(700)), "there, how"));
    assert_true(rp_str_eq_z(rp_heard_between(&h, text, -SM(500), SM(100)), "Hello"));
    assert_int_equal(rp_heard_between(&h, text, SM(2000), SM(3000)).len, 0);
    rp_heard_fini(&h);
}

static void survives_without_memory(void **state)
{
    struct rp_heard h;

    (void)state;
    rp_heard_init(&h);
    rp_mem_fail_after(1);
    assert_int_equal(rp_heard_word(&h, 0, 1, 0, 10), RP_ENOMEM);
    rp_mem_fail_after(0);
    assert_int_equal(rp_heard_prefix(&h, RP_STR("a"), 100), 0);
    for (uint32_t i = 0; i < 1 << 16; i++)
        assert_int_equal(rp_heard_word(&h, i, i + 1, i, i + 1), 0);
    assert_int_equal(rp_heard_word(&h, 1, 1, 1, 1), RP_ELIMIT);
    rp_heard_fini(&h);
}

/* Any order of events: what was heard never goes beyond what was sent, nor back before a report. */
static void never_more_than_time_allows(void **state)
{
    struct rp_rng rng = {99};

    (void)state;
    for (int run = 0; run < 2000; run++) {
        struct rp_heard h;
        int64_t now = 0, first = -1, total = 0, played;

        rp_heard_init(&h);
        for (int i = 0; i < 50; i++) {
            now += (int64_t)rp_rng_below(&rng, 200000);
            switch (rp_rng_below(&rng, 4)) {
            case 0:
            case 1:
                total += (int64_t)rp_rng_below(&rng, 8000);
                rp_heard_sent(&h, now, total);
                first = first < 0 && total ? now : first;
                break;
            case 2:
                rp_heard_report(&h, now, (int64_t)rp_rng_below(&rng, 100000) - 1000);
                break;
            default:
                if (rp_rng_below(&rng, 20) == 0)
                    rp_heard_stop(&h, now, (int64_t)rp_rng_below(&rng, 100000));
            }
            played = rp_heard_played(&h, now);
            assert_true(played >= 0 && played <= total);
            assert_true(first < 0 || played <= (now - first) * 16 / 1000 + 1);
        }
        rp_heard_fini(&h);
    }
}

static void counts_words(void **state)
{
    static const struct {
        const char *text;
        uint32_t n;
    } table[] = {{"", 0},
                 {" \t\n", 0},
                 {"one", 1},
                 {"one two", 2},
                 {"  one,  two. ", 2},
                 {"a - b", 2},
                 {"...", 0},
                 {"\xe2\x80\xa6", 0},              /* an ellipsis */
                 {"\xf0\x9f\x99\x82 hi", 1},       /* an emoji */
                 {"\xe2\x99\xaa \xe2\x99\xaa", 0}, /* notes */
                 {"don't stop", 2},
                 {"\xc3\xa9t\xc3\xa9", 1},
                 {"\xe3\x80\x8c\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82", 1},
                 {"\xff\xff", 0},
                 {"$5", 1}};

    (void)state;
    for (size_t i = 0; i < RP_COUNT(table); i++) {
        assert_int_equal(rp_words_count(rp_str_z(table[i].text)), table[i].n);
        assert_int_equal(rp_words_any(rp_str_z(table[i].text)), table[i].n > 0);
    }
}

static void splits_words_from_punctuation(void **state)
{
    struct rp_str rest = RP_STR("\"Well,\" (he) said...");
    struct rp_word w;

    (void)state;
    assert_true(rp_words_next(&rest, &w));
    assert_true(rp_str_eq_z(w.core, "Well") && rp_str_eq_z(w.tail, ",\""));
    assert_true(rp_words_next(&rest, &w));
    assert_true(rp_str_eq_z(w.core, "he") && rp_str_eq_z(w.tail, ")"));
    assert_true(rp_words_next(&rest, &w));
    assert_true(rp_str_eq_z(w.core, "said") && rp_str_eq_z(w.tail, "..."));
    assert_false(rp_words_next(&rest, &w));
}

static void finds_words_within(void **state)
{
    struct rp_str spoken = RP_STR("Once upon a time, there was a king.");

    (void)state;
    assert_true(rp_words_within(RP_STR("Upon a time."), spoken, false));
    assert_true(rp_words_within(RP_STR("king"), spoken, false));
    assert_true(rp_words_within(RP_STR("was a ki"), spoken, true));
    assert_false(rp_words_within(RP_STR("was a ki"), spoken, false));
    assert_false(rp_words_within(RP_STR("upon time"), spoken, true));
    assert_false(rp_words_within(RP_STR("a king said"), spoken, true));
    assert_false(rp_words_within(RP_STR("..."), spoken, true));
    assert_false(rp_words_within(RP_STR("king"), RP_STR(""), true));
}

int test_heard(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_heard_when_its_last_sample_is),
        cmocka_unit_test(plays_in_real_time_from_when_it_is_sent),
        cmocka_unit_test(reports_can_only_be_behind_the_clock),
        cmocka_unit_test(a_stop_is_final_and_only_ever_earlier),
        cmocka_unit_test(crooked_spans_are_straightened),
        cmocka_unit_test(words_between_two_samples),
        cmocka_unit_test(survives_without_memory),
        cmocka_unit_test(never_more_than_time_allows),
        cmocka_unit_test(counts_words),
        cmocka_unit_test(splits_words_from_punctuation),
        cmocka_unit_test(finds_words_within),
    };

    return cmocka_run_group_tests_name("heard", tests, NULL, NULL);
}
