/* Tests of turn/turn_log.c and turn/options.c, and of the turn machine without memory. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "tests.h"
#include "turn/turn_int.h"
#include "turn/turn_log.h"
#include "turn_world.h"

static struct rp_turn_params params(struct rp_turn_options *o)
{
    rp_turn_options_default(o);
    return (struct rp_turn_params){
        .options = o, .greeting = RP_TURN_WELCOME, .seed = 12345, .wall_ms = 1769817600000};
}

static int64_t some_number(struct rp_rng *rng)
{
    static const int64_t special[] = {0, -1, 1, 63, 64, -64, -65, INT64_MAX, INT64_MIN, 1 << 20};
    uint64_t k = rp_rng_below(rng, 2 * RP_COUNT(special));

    return k < RP_COUNT(special) ? special[k] : (int64_t)rp_rng_below(rng, 1 << 30);
}

static struct rp_turn_event some_event(struct rp_rng *rng, int64_t *now, int64_t *pos)
{
    static const char *const texts[] = {"", "a", "what time is it?", "\xc3\xa4\0b"};
    struct rp_turn_event ev = {.type =
                                   (enum rp_turn_event_type)rp_rng_below(rng, RP_TURN_EV_COUNT)};

    *now += (int64_t)rp_rng_below(rng, 100000);
    *pos += (int64_t)rp_rng_below(rng, 3000);
    ev.now_us = *now;
    ev.pos = *pos;
    ev.turn = (uint32_t)some_number(rng);
    ev.token = (uint64_t)some_number(rng);
    ev.at = some_number(rng);
    ev.end = some_number(rng);
    ev.text_from = (uint32_t)some_number(rng);
    ev.text_to = (uint32_t)some_number(rng);
    ev.estimated = rp_rng_below(rng, 2);
    ev.interrupted = rp_rng_below(rng, 2);
    ev.text = rp_str_z(texts[rp_rng_below(rng, RP_COUNT(texts))]);
    ev.code = RP_STR("timeout");
    return ev;
}

/* What is written comes back; fields that a type does not have come back empty. */
static void events_survive(void **state)
{
    enum { N = 2000 };
    struct rp_turn_options o, o2;
    struct rp_turn_params p = params(&o), p2;
    struct rp_turn_log log;
    struct rp_turn_log_reader r;
    struct rp_rng rng = {5}, again = {5};
    struct rp_buf b, c;
    int64_t now = 0, pos = 0;

    (void)state;
    o.fallback = "Sorry.";
    o.mode = RP_TURN_PUSH_TO_TALK;
    o.min_silence_ms = 333;
    o.can_interrupt = false;
    rp_buf_init(&b, 1 << 20);
    rp_buf_init(&c, 1 << 20);
    assert_int_equal(rp_turn_log_begin(&log, &b, &p), 0);
    for (int i = 0; i < N; i++) {
        struct rp_turn_event ev = some_event(&rng, &now, &pos);
        assert_int_equal(rp_turn_log_add(&log, &ev), 0);
    }
    assert_int_equal(rp_turn_log_open(&r, rp_buf_view(&b), &p2, &o2), 0);
    assert_true(p2.seed == p.seed && p2.wall_ms == p.wall_ms && p2.greeting == p.greeting);
    assert_string_equal(o2.fallback, "Sorry.");
    assert_string_equal(o2.filler, "");
    assert_true(o2.mode == o.mode && o2.min_silence_ms == 333 && !o2.can_interrupt);
    now = pos = 0;
    assert_int_equal(rp_turn_log_begin(&log, &c, &p2), 0);
    for (int i = 0; i < N; i++) {
        struct rp_turn_event want = some_event(&again, &now, &pos), got;

        assert_int_equal(rp_turn_log_next(&r, &got), 0);
        assert_true(got.type == want.type && got.now_us == want.now_us && got.pos == want.pos);
        if (got.type == RP_TURN_EV_SYNTH_SPAN)
            assert_true(got.turn == want.turn && got.at == want.at && got.end == want.end &&
                        got.text_from == want.text_from && got.text_to == want.text_to &&
                        got.estimated == want.estimated);
        if (got.type == RP_TURN_EV_PLAYED)
            assert_true(got.at == want.at && got.interrupted == want.interrupted &&
                        rp_str_eq(got.text, want.text) && got.turn == 0);
        if (got.type == RP_TURN_EV_AGENT_ERROR)
            assert_true(got.turn == want.turn && rp_str_eq(got.code, want.code));
        if (got.type == RP_TURN_EV_SPEECH_START)
            assert_true(got.at == want.at);
        if (got.type == RP_TURN_EV_FINAL)
            assert_true(got.token == want.token && rp_str_eq(got.text, want.text));
        assert_int_equal(rp_turn_log_add(&log, &got), 0);
    }
    assert_true(rp_str_eq(rp_buf_view(&b), rp_buf_view(&c)));
    rp_buf_fini(&b);
    rp_buf_fini(&c);
}

/* Cut off anywhere, or one bit wrong: an error or other events, nothing else. */
static void broken_logs_are_refused(void **state)
{
    struct rp_turn_options o, o2;
    struct rp_turn_params p = params(&o), p2;
    struct rp_turn_log log;
    struct rp_turn_log_reader r;
    struct rp_turn_event ev;
    struct rp_rng rng = {6};
    struct rp_buf b;
    int64_t now = 0, pos = 0;
    size_t head;

    (void)state;
    rp_buf_init(&b, 1 << 20);
    assert_int_equal(rp_turn_log_begin(&log, &b, &p), 0);
    head = b.len;
    for (int i = 0; i < 40; i++) {
        ev = some_event(&rng, &now, &pos);
        assert_int_equal(rp_turn_log_add(&log, &ev), 0);
    }
    for (size_t len = 0; len < b.len; len++) {
        int err = rp_turn_log_open(&r, rp_str_n(b.p, len), &p2, &o2);

        assert_int_equal(err, len < head ? RP_EPROTO : 0);
        while (!err)
            err = rp_turn_log_next(&r, &ev);
        assert_true(err == RP_EPROTO || err == RP_EOF);
    }
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        int err;

        b.p[bit / 8] = (char)(b.p[bit / 8] ^ 1 << bit % 8);
        err = rp_turn_log_open(&r, rp_buf_view(&b), &p2, &o2);
        while (!err)
            err = rp_turn_log_next(&r, &ev);
        assert_true(err == RP_EPROTO || err == RP_EOF);
        b.p[bit / 8] = (char)(b.p[bit / 8] ^ 1 << bit % 8);
    }
    rp_buf_fini(&b);
}

/* A log that is full ends before the event that did not fit. */
static void full_logs_end_cleanly(void **state)
{
    struct rp_turn_options o, o2;
    struct rp_turn_params p = params(&o), p2;
    struct rp_turn_event ev = {.type = RP_TURN_EV_TYPED, .text = RP_STR("some words to type")};
    struct rp_turn_log log;
    struct rp_turn_log_reader r;
    struct rp_buf b;
    int n = 0, err;

    (void)state;
    rp_buf_init(&b, 1000);
    assert_int_equal(rp_turn_log_begin(&log, &b, &p), 0);
    while ((err = rp_turn_log_add(&log, &ev)) == 0)
        n++;
    assert_int_equal(err, RP_ELIMIT);
    assert_int_equal(rp_turn_log_add(&log, &ev), RP_ELIMIT);
    assert_int_equal(rp_turn_log_open(&r, rp_buf_view(&b), &p2, &o2), 0);
    while ((err = rp_turn_log_next(&r, &ev)) == 0)
        n--;
    assert_int_equal(err, RP_EOF);
    assert_int_equal(n, 0);
    rp_buf_fini(&b);
}

static void options_follow_their_table(void **state)
{
    struct rp_turn_options o;
    char buf[RP_TURN_OPTION_PRINT], range[200];

    (void)state;
    rp_turn_options_default(&o);
    for (size_t i = 0; i < rp_turn_option_count; i++) {
        const struct rp_turn_option *opt = &rp_turn_option_table[i];
        struct rp_turn_options before = o;

        assert_ptr_equal(rp_turn_option_find(rp_str_z(opt->name)), opt);
        /* The default is valid and survives being printed. */
        assert_int_equal(rp_turn_option_parse(&o, opt, rp_turn_option_print(&o, opt, buf)), 0);
        assert_true(rp_turn_option_range(range, sizeof(range), opt)[0] != '\0');
        assert_true(opt->help[0] != '\0');
        if (opt->kind == RP_TURN_OPTION_MS || opt->kind == RP_TURN_OPTION_COUNT) {
            assert_int_equal(rp_turn_option_set_number(&o, opt, opt->least), 0);
            assert_int_equal(rp_turn_option_set_number(&o, opt, opt->most), 0);
            assert_int_equal(rp_turn_option_set_number(&o, opt, opt->most + 1), RP_EINVAL);
            assert_int_equal(rp_turn_option_set_number(&o, opt, opt->least - 1), RP_EINVAL);
            assert_int_equal(rp_turn_option_set_number(&o, opt, opt->least + 0.5), RP_EINVAL);
            assert_int_equal(rp_turn_option_set_number(&o, opt, 0.0 / 0.0), RP_EINVAL);
            assert_int_equal(rp_turn_option_set_bool(&o, opt, true), RP_EINVAL);
            assert_int_equal(rp_turn_option_set_text(&o, opt, "1"), RP_EINVAL);
            assert_int_equal(rp_turn_option_parse(&o, opt, "12x"), RP_EINVAL);
        }
        o = before;
    }
    assert_null(rp_turn_option_find(RP_STR("min_silence")));
    assert_int_equal(rp_turn_option_parse(&o, rp_turn_option_find(RP_STR("mode")), "push_to_talk"),
                     0);
    assert_int_equal(o.mode, RP_TURN_PUSH_TO_TALK);
    assert_int_equal(rp_turn_option_parse(&o, rp_turn_option_find(RP_STR("mode")), "loud"),
                     RP_EINVAL);
    assert_int_equal(rp_turn_option_parse(&o, rp_turn_option_find(RP_STR("can_interrupt")), "yes"),
                     RP_EINVAL);
    assert_string_equal(
        rp_turn_option_range(range, sizeof(range), rp_turn_option_find(RP_STR("mode"))),
        "\"automatic\" or \"push_to_talk\"");
    assert_string_equal(
        rp_turn_option_range(range, sizeof(range), rp_turn_option_find(RP_STR("min_silence_ms"))),
        "a whole number from 100 to 5000");
}

/* The table of docs/turns.md says what options.h does. */
static void documentation_is_true(void **state)
{
    struct rp_turn_options o;
    char path[600];
    struct rp_str text;
    size_t len;
    char *doc;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/docs/turns.md", RP_SOURCE_DIR);
    doc = test_read_file(path, &len);
    text = rp_str_n(doc, len);
    rp_turn_options_default(&o);
    for (size_t i = 0; i < rp_turn_option_count; i++) {
        const struct rp_turn_option *opt = &rp_turn_option_table[i];
        char row[400], range[200], buf[RP_TURN_OPTION_PRINT];

        (void)snprintf(row, sizeof(row), "\n| `%s` | %s | %s | ", opt->name,
                       rp_turn_option_print(&o, opt, buf),
                       rp_turn_option_range(range, sizeof(range), opt));
        if (rp_str_find_str(text, rp_str_z(row)) < 0)
            fail_msg("docs/turns.md has no row%s", row);
    }
    rp_free(doc);
}

/* --- without memory ----------------------------------------------------------------------- */

static void ignore(const struct rp_turn_action *a, void *arg)
{
    (void)a;
    (void)arg;
}

/* A conversation that uses everything which allocates: words, typed text, answers with word times,
 * data that is withheld or queued, a turn that is resumed. */
static void converse(struct world *w)
{
    world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_TYPED, .text = RP_STR("hello")});
    world_event(w, (struct rp_turn_event){
                       .type = RP_TURN_EV_AGENT_TEXT, .turn = 1, .text = RP_STR("A b c d e f g.")});
    world_run(w, 1000000);
    world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_DATA, .text = RP_STR("{}")});
    world_says(w, "", 500); /* a false interruption: resumed */
    world_run(w, 4000000);
    world_says(w, "what time is it", 1000);
    world_run(w, 5800000);
    world_says(w, "", 600); /* during the wait: the answer is withheld */
    world_run(w, 6200000);
    for (uint32_t turn = 1; turn < 6; turn++) {
        world_event(w, (struct rp_turn_event){
                           .type = RP_TURN_EV_AGENT_TEXT, .turn = turn, .text = RP_STR("Two. ")});
        world_event(w, (struct rp_turn_event){
                           .type = RP_TURN_EV_AGENT_DATA, .turn = turn, .text = RP_STR("[2]")});
        world_event(w, (struct rp_turn_event){
                           .type = RP_TURN_EV_AGENT_ERROR, .turn = turn, .code = RP_STR("x")});
    }
    world_run(w, 12000000);
    world_event(w, (struct rp_turn_event){.type = RP_TURN_EV_CLOSED});
    world_run(w, 15000000);
}

static void survives_without_memory(void **state)
{
    struct rp_turn_options o;
    struct rp_turn_params p = params(&o);
    static struct world w;
    uint64_t n, needed;

    (void)state;
    p.greeting = RP_TURN_NO_GREETING;
    o.fallback = "Sorry.";
    world_init(&w, &p);
    w.emit = ignore;
    n = rp_mem_thread_count();
    converse(&w);
    needed = rp_mem_thread_count() - n;
    assert_true(w.over);
    world_fini(&w);
    assert_true(needed > 5);
    /* Once with each allocation failing and all behind it too. */
    for (uint64_t k = 1; k <= needed; k++) {
        world_init(&w, &p);
        w.emit = ignore;
        rp_mem_fail_after(k);
        converse(&w);
        rp_mem_fail_after(0);
        assert_true(w.over);
        world_fini(&w);
    }
    rp_mem_fail_after(1);
    assert_int_equal(rp_turn_new(&w.turn, &p), RP_ENOMEM);
    rp_mem_fail_after(0);
}

int test_turn_log(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_survive),        cmocka_unit_test(broken_logs_are_refused),
        cmocka_unit_test(full_logs_end_cleanly), cmocka_unit_test(options_follow_their_table),
        cmocka_unit_test(documentation_is_true), cmocka_unit_test(survives_without_memory),
    };

    return cmocka_run_group_tests_name("turn_log", tests, NULL, NULL);
}
