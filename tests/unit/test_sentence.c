/* Tests of turn/sentence and turn/speakable: what is said of what is written, and where it is cut.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "tests.h"
#include "turn/sentence.h"

/* All segments that are ready, appended as lines "from-to speech\n"; checks what holds for any. */
struct result {
    struct rp_buf lines;
    uint32_t to;
};

static void check_segment(const struct rp_segment *g)
{
    uint32_t from = g->from, speech_from = 0, heard = g->from;

    for (size_t i = 0; i < g->nspans; i++) {
        const struct rp_span *s = &g->spans[i];

        assert_true(s->from >= from && s->to > s->from && s->to <= g->to);
        assert_true(s->speech_from >= speech_from && s->speech_to > s->speech_from);
        assert_true(s->speech_to <= g->speech.len);
        assert_ptr_equal(rp_segment_span(g, s->speech_from), s);
        assert_ptr_equal(rp_segment_span(g, s->speech_to - 1), s);
        from = s->to;
        speech_from = s->speech_to;
    }
    assert_int_equal(g->nspans == 0, g->speech.len == 0);
    for (uint32_t i = 0; i <= g->speech.len; i++) {
        uint32_t h = rp_segment_heard(g, i);

        assert_true(h >= heard && h <= g->to);
        heard = h;
    }
    assert_int_equal(heard, g->to);
    assert_int_equal(g->speech.p[g->speech.len], '\0');
}

static void drain(struct rp_sentence *s, struct result *r)
{
    struct rp_segment *g;
    int err;

    while ((err = rp_sentence_next(s, &g)) == 0) {
        assert_int_equal(g->from, r->to);
        assert_true(g->to > g->from);
        check_segment(g);
        r->to = g->to;
        assert_int_equal(rp_buf_printf(&r->lines, "%u-%u %s\n", g->from, g->to, g->speech.p), 0);
        rp_segment_free(g);
    }
    assert_int_equal(err, RP_EAGAIN);
}

/* Pushes `raw` cut at the given places (ascending). */
static void run(struct result *r, struct rp_str raw, const size_t *cuts, size_t ncuts)
{
    struct rp_sentence s;
    size_t from = 0;

    rp_buf_init(&r->lines, 8u << 20);
    r->to = 0;
    rp_sentence_init(&s);
    for (size_t i = 0; i <= ncuts; i++) {
        size_t to = i < ncuts ? cuts[i] : raw.len;

        assert_int_equal(rp_sentence_push(&s, rp_str_n(raw.p + from, to - from)), 0);
        drain(&s, r);
        from = to;
    }
    rp_sentence_finish(&s);
    drain(&s, r);
    assert_int_equal(r->to, raw.len);
    assert_int_equal(rp_sentence_patience_ms(&s), -1);
    rp_sentence_fini(&s);
}

static void assert_same(struct rp_str raw, struct result *expected, const size_t *cuts,
                        size_t ncuts)
{
    struct result r;

    run(&r, raw, cuts, ncuts);
    assert_string_equal(r.lines.p ? r.lines.p : "", expected->lines.p ? expected->lines.p : "");
    rp_buf_fini(&r.lines);
}

/* Same segments whichever way the text comes. */
static void check_splits(struct rp_str raw)
{
    struct rp_rng rng = {raw.len};
    struct result whole;
    size_t *cuts = rp_calloc(raw.len + 1, sizeof(*cuts)), n;

    assert_non_null(cuts);
    run(&whole, raw, NULL, 0);
    for (size_t i = 1; i < raw.len; i++) {
        cuts[0] = i;
        assert_same(raw, &whole, cuts, 1);
    }
    for (size_t i = 0; i < raw.len; i++)
        cuts[i] = i;
    assert_same(raw, &whole, cuts, raw.len);
    for (int round = 0; round < 20; round++) {
        n = 0;
        for (size_t at = 0; (at += 1 + rp_rng_below(&rng, 9)) < raw.len;)
            cuts[n++] = at;
        assert_same(raw, &whole, cuts, n);
    }
    rp_free(cuts);
    rp_buf_fini(&whole.lines);
}

/* The speech of each line of `r` must be the next indented line of *table. */
static void check_table(struct rp_str raw, struct result *r, struct rp_str *table)
{
    struct rp_str lines = rp_buf_view(&r->lines);

    while (lines.len) {
        struct rp_str got = rp_str_split(&lines, '\n'), want = rp_str_split(table, '\n');

        (void)rp_str_split(&got, ' ');
        if (got.len == 0)
            got = RP_STR("-");
        if (!rp_str_starts(want, RP_STR("  ")) || !rp_str_eq(rp_str_from(want, 2), got))
            fail_msg("%.*s\n   got: \"%.*s\"\n  want: \"%.*s\"", RP_STR_ARG(raw), RP_STR_ARG(got),
                     RP_STR_ARG(want));
    }
}

static void table_of_speech(void **state)
{
    size_t len, n, samples = 0;
    char *file = test_read_file(test_data("sentence/speech.txt"), &len), raw[4096];
    struct rp_str table = rp_str_n(file, len);
    struct rp_buf all;

    (void)state;
    rp_buf_init(&all, 1u << 20);
    while (table.len) {
        struct rp_str line = rp_str_split(&table, '\n');
        struct result r;

        if (!rp_str_starts(line, RP_STR("> "))) {
            if (rp_str_starts(line, RP_STR("  ")))
                fail_msg("one segment less than in the table: \"%.*s\"", RP_STR_ARG(line));
            continue;
        }
        n = 0;
        for (size_t i = 2; i < line.len && n < sizeof(raw); i++) {
            bool escape = line.p[i] == '\\' && i + 1 < line.len && strchr("nt", line.p[i + 1]);

            raw[n++] = escape ? (line.p[++i] == 'n' ? '\n' : '\t') : line.p[i];
        }
        run(&r, rp_str_n(raw, n), NULL, 0);
        check_table(rp_str_n(raw, n), &r, &table);
        rp_buf_fini(&r.lines);
        check_splits(rp_str_n(raw, n));
        assert_int_equal(rp_buf_add(&all, raw, n), 0);
        assert_int_equal(rp_buf_z(&all, "\n"), 0);
        samples++;
    }
    assert_true(samples > 30);
    check_splits(rp_buf_view(&all));
    rp_buf_fini(&all);
    rp_free(file);
}

static struct rp_segment *next(struct rp_sentence *s)
{
    struct rp_segment *g = NULL;

    assert_int_equal(rp_sentence_next(s, &g), 0);
    return g;
}

static void heard_is_a_prefix_of_what_is_written(void **state)
{
    struct rp_sentence s;
    struct rp_segment *g;
    const char *raw = "It costs **$5.50** today, ok? ";

    (void)state;
    rp_sentence_init(&s);
    assert_int_equal(rp_sentence_push(&s, rp_str_z(raw)), 0);
    g = next(&s);
    assert_string_equal(g->speech.p, "It costs 5 dollars 50 cents today, ok?");
    /* Nothing, "It", not yet "costs", half of the sum of money, all of it, everything. */
    assert_int_equal(rp_segment_heard(g, 1), 0);
    assert_int_equal(rp_segment_heard(g, 2), 2);
    assert_int_equal(rp_segment_heard(g, 7), 2);
    assert_int_equal(rp_segment_heard(g, 21), 8);
    assert_int_equal(rp_segment_heard(g, 27), strlen("It costs **$5.50**"));
    assert_int_equal(rp_segment_heard(g, 33), strlen("It costs **$5.50** today,"));
    assert_int_equal(rp_segment_heard(g, 37), strlen("It costs **$5.50** today, ok?"));
    rp_segment_free(g);
    rp_sentence_fini(&s);
}

static void stalled_stream_is_given_out(void **state)
{
    struct rp_sentence s;
    struct rp_segment *g;

    (void)state;
    rp_sentence_init(&s);
    assert_int_equal(rp_sentence_patience_ms(&s), -1);
    assert_int_equal(rp_sentence_push(&s, RP_STR("Let me check")), 0);
    assert_int_equal(rp_sentence_next(&s, &g), RP_EAGAIN);
    assert_true(rp_sentence_patience_ms(&s) > 300);
    rp_sentence_stalled(&s);
    g = next(&s);
    assert_string_equal(g->speech.p, "Let me check.");
    rp_segment_free(g);
    assert_int_equal(rp_sentence_next(&s, &g), RP_EAGAIN);

    /* Ready but for the next character, which only tells that it is no "3.5". */
    assert_int_equal(rp_sentence_push(&s, RP_STR(" It is three.")), 0);
    assert_int_equal(rp_sentence_next(&s, &g), RP_EAGAIN);
    assert_in_range(rp_sentence_patience_ms(&s), 1, 300);
    rp_sentence_stalled(&s);
    rp_segment_free(next(&s));

    /* Half a character waits for its other half. */
    assert_int_equal(rp_sentence_push(&s, RP_STR("caf\xc3")), 0);
    rp_sentence_stalled(&s);
    g = next(&s);
    assert_string_equal(g->speech.p, "caf.");
    rp_segment_free(g);
    assert_int_equal(rp_sentence_next(&s, &g), RP_EAGAIN);
    assert_int_equal(rp_sentence_push(&s, RP_STR("\xa9")), 0);
    rp_sentence_finish(&s);
    g = next(&s);
    assert_string_equal(g->speech.p, "\xc3\xa9.");
    rp_segment_free(g);
    rp_sentence_fini(&s);
}

static void first_words_come_early(void **state)
{
    struct rp_sentence s;
    struct rp_segment *g;

    (void)state;
    rp_sentence_init(&s);
    assert_int_equal(rp_sentence_push(&s, RP_STR("You can take the number nine bus, or")), 0);
    g = next(&s);
    assert_string_equal(g->speech.p, "You can take the number nine bus,");
    rp_segment_free(g);
    assert_int_equal(rp_sentence_push(&s, RP_STR(" you can take the number ten, or")), 0);
    assert_int_equal(rp_sentence_next(&s, &g), RP_EAGAIN);
    rp_sentence_fini(&s);
}

/* Endless repetitions, each also behind something that makes the cutter look ahead. */
static void hostile_text_is_bounded(void **state)
{
    static const char *const heads[] = {"",  "Dr.",   "Really?", "word\n",
                                        "[", "U.S. ", "1,",      "a\n```"};
    static const char *const units[] = {"x",  "[",   "`",   "<a",  "](",   "**", "\n", " ",
                                        "é",  "😀",   ".",   "1-",  "%",    "\"", "-",  "```\n",
                                        "a,", "(1)", "a.b", "$1 ", "\xff", ". ", "|",  "#"};
    size_t size = 20000;

    (void)state;
    for (size_t i = 0; i < RP_COUNT(units) * RP_COUNT(heads); i++) {
        struct rp_sentence s;
        struct rp_segment *g;
        struct rp_buf raw;

        rp_buf_init(&raw, 2 * size);
        assert_int_equal(rp_buf_z(&raw, heads[i % RP_COUNT(heads)]), 0);
        while (raw.len < size)
            assert_int_equal(rp_buf_z(&raw, units[i / RP_COUNT(heads)]), 0);
        rp_sentence_init(&s);
        assert_int_equal(rp_sentence_push(&s, rp_buf_view(&raw)), 0);
        while (rp_sentence_next(&s, &g) == 0) {
            assert_true(g->to - g->from < 10000);
            rp_segment_free(g);
        }
        /* Without an end in sight it is given out all the same. */
        if (raw.len - s.from > 10000)
            fail_msg("endless \"%s\" behind \"%s\" waits", units[i / RP_COUNT(heads)],
                     heads[i % RP_COUNT(heads)]);
        rp_sentence_fini(&s);
        rp_buf_fini(&raw);
    }
}

static void pending_text_has_a_cap(void **state)
{
    struct rp_sentence s;
    struct rp_segment *g;
    char *big = rp_zalloc(RP_SENTENCE_PENDING_MAX + 1);

    (void)state;
    assert_non_null(big);
    memset(big, 'x', RP_SENTENCE_PENDING_MAX + 1);
    rp_sentence_init(&s);
    assert_int_equal(rp_sentence_push(&s, RP_STR("Yes. ")), 0);
    assert_int_equal(rp_sentence_push(&s, rp_str_n(big, RP_SENTENCE_PENDING_MAX)), RP_ELIMIT);
    g = next(&s);
    assert_string_equal(g->speech.p, "Yes.");
    rp_segment_free(g);
    assert_int_equal(rp_sentence_push(&s, rp_str_n(big, 100)), 0);
    rp_sentence_fini(&s);
    rp_free(big);
}

static void memory_may_run_out(void **state)
{
    static const char raw[] = "Sure! It costs $5, and [a link](http://x.y) too. Call 555-1234.";
    bool failed = true;

    (void)state;
    for (uint64_t n = 1; failed; n++) {
        struct rp_sentence s;
        struct rp_segment *g;
        int err;

        failed = false;
        rp_sentence_init(&s);
        rp_mem_fail_after(n);
        err = rp_sentence_push(&s, rp_str_z(raw));
        if (err == 0) {
            rp_sentence_finish(&s);
            while ((err = rp_sentence_next(&s, &g)) == 0)
                rp_segment_free(g);
        }
        rp_mem_fail_after(0);
        assert_true(err == RP_ENOMEM || err == RP_EAGAIN);
        if (err == RP_ENOMEM) { /* the next try gets on */
            failed = true;
            if (s.text.len)
                rp_segment_free(next(&s));
        }
        rp_sentence_fini(&s);
    }
}

int test_sentence(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_of_speech),
        cmocka_unit_test(heard_is_a_prefix_of_what_is_written),
        cmocka_unit_test(stalled_stream_is_given_out),
        cmocka_unit_test(first_words_come_early),
        cmocka_unit_test(hostile_text_is_bounded),
        cmocka_unit_test(pending_text_has_a_cap),
        cmocka_unit_test(memory_may_run_out),
    };

    return cmocka_run_group_tests_name("sentence", tests, NULL, NULL);
}
