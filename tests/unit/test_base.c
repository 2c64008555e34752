/* Tests of base/: strings, buffers, arena, map, ids, lists. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/random.h"
#include "tests.h"

static void str_cuts_and_compares(void **state)
{
    struct rp_str rest = RP_STR("a,,b"), head;
    int64_t n;

    (void)state;
    head = rp_str_split(&rest, ',');
    assert_true(rp_str_eq_z(head, "a"));
    head = rp_str_split(&rest, ',');
    assert_int_equal(head.len, 0);
    head = rp_str_split(&rest, ',');
    assert_true(rp_str_eq_z(head, "b"));
    assert_null(rest.p);

    assert_true(rp_str_eq_nocase(RP_STR("Content-Type"), RP_STR("content-type")));
    assert_true(rp_str_starts(RP_STR("abc"), RP_STR("ab")));
    assert_true(rp_str_ends(RP_STR("abc"), RP_STR("bc")));
    assert_false(rp_str_ends(RP_STR("c"), RP_STR("bc")));
    assert_true(rp_str_eq_z(rp_str_trim(RP_STR(" \t x y \r\n")), "x y"));
    assert_int_equal(rp_str_find_str(RP_STR("aabab"), RP_STR("aba")), 1);
    assert_int_equal(rp_str_find_str(RP_STR("aa"), RP_STR("aaa")), -1);

    assert_int_equal(rp_str_to_i64(RP_STR("-9223372036854775808"), &n), 0);
    assert_true(n == INT64_MIN);
    assert_int_equal(rp_str_to_i64(RP_STR("9223372036854775808"), &n), RP_EINVAL);
    assert_int_equal(rp_str_to_i64(RP_STR("-"), &n), RP_EINVAL);
    assert_int_equal(rp_str_to_i64(RP_STR("1 "), &n), RP_EINVAL);
    assert_true(rp_str_eq_secret(RP_STR("same"), RP_STR("same")));
    assert_false(rp_str_eq_secret(RP_STR("same"), RP_STR("sane")));
}

static void buf_keeps_its_cap(void **state)
{
    struct rp_buf b;
    char *taken;

    (void)state;
    rp_buf_init(&b, 100);
    assert_int_equal(rp_buf_printf(&b, "%s-%d", "x", 7), 0);
    assert_string_equal(b.p, "x-7");
    for (int i = 0; i < 97; i++)
        assert_int_equal(rp_buf_char(&b, 'y'), 0);
    assert_int_equal(rp_buf_char(&b, 'z'), RP_ELIMIT);
    assert_int_equal(rp_buf_err(&b), RP_ELIMIT);
    assert_int_equal(b.len, 100);
    rp_buf_clear(&b);
    assert_int_equal(rp_buf_z(&b, "hello world"), 0);
    rp_buf_consume(&b, 6);
    assert_string_equal(b.p, "world");
    taken = rp_buf_take(&b);
    assert_string_equal(taken, "world");
    rp_free(taken);
    taken = rp_buf_take(&b); /* an empty buffer gives an empty string */
    assert_string_equal(taken, "");
    rp_free(taken);

    rp_mem_fail_after(1);
    assert_int_equal(rp_buf_z(&b, "no memory"), RP_ENOMEM);
    rp_mem_fail_after(0);
    assert_null(rp_buf_take(&b));
    rp_buf_fini(&b);
}

static void arena_bounds_what_it_holds(void **state)
{
    struct rp_arena a;
    size_t got = 0;

    (void)state;
    rp_arena_init(&a, 10000);
    while (rp_arena_zalloc(&a, 100))
        got += 100;
    assert_in_range(got, 5000, 10000);
    rp_arena_fini(&a);
    assert_string_equal(rp_arena_z(&a, RP_STR("again")), "again");
    assert_null(rp_arena_zalloc(&a, SIZE_MAX));
    rp_arena_fini(&a);
}

static void map_survives_churn(void **state)
{
    static int values[2000];
    struct rp_map m;
    struct rp_rng rng = {42};
    char key[32];
    size_t live = 0, at = 0, seen = 0;
    bool present[2000] = {false};

    (void)state;
    rp_map_init(&m);
    for (int i = 0; i < 50000; i++) {
        size_t k = rp_rng_below(&rng, RP_COUNT(values));
        (void)snprintf(key, sizeof(key), "key-%zu", k);
        if (rp_rng_below(&rng, 2)) {
            assert_int_equal(rp_map_set(&m, rp_str_z(key), &values[k]), 0);
            present[k] = true;
        } else {
            assert_ptr_equal(rp_map_del(&m, rp_str_z(key)), present[k] ? &values[k] : NULL);
            present[k] = false;
        }
    }
    for (size_t k = 0; k < RP_COUNT(values); k++) {
        (void)snprintf(key, sizeof(key), "key-%zu", k);
        assert_ptr_equal(rp_map_get(&m, rp_str_z(key)), present[k] ? &values[k] : NULL);
        live += present[k];
    }
    while (rp_map_next(&m, &at, NULL, NULL))
        seen++;
    assert_int_equal(seen, live);
    rp_map_fini(&m);
}

static void ids_sort_by_time(void **state)
{
    char a[RP_ID_MAX], b[RP_ID_MAX], s[RP_SECRET_MAX];

    (void)state;
    rp_id_at(a, RP_ID_SESSION, 1000, 1);
    rp_id_at(b, RP_ID_SESSION, 1001, 0);
    assert_true(strcmp(a, b) < 0);
    assert_int_equal(strncmp(rp_id_new(a, RP_ID_AGENT), "ag-", 3), 0);
    assert_string_not_equal(a, rp_id_new(b, RP_ID_AGENT));
    assert_int_equal(strlen(rp_secret_new(s, "lc_sesskey_")), 11 + 32);
}

struct item {
    struct rp_node node;
    int value;
};

static void list_allows_removal_on_the_way(void **state)
{
    struct item items[4];
    struct rp_list list;
    int sum = 0;

    (void)state;
    rp_list_init(&list);
    for (int i = 0; i < 4; i++) {
        items[i] = (struct item){.value = i};
        rp_list_append(&list, &items[i].node);
    }
    RP_LIST_EACH(&list, struct item, it, node) {
        sum += it->value;
        if (it->value % 2)
            rp_list_remove(&it->node);
    }
    assert_int_equal(sum, 6);
    assert_ptr_equal(RP_LIST_FIRST(&list, struct item, node), &items[0]);
    rp_list_remove(&items[0].node);
    rp_list_remove(&items[0].node);
    rp_list_remove(&items[2].node);
    assert_true(rp_list_empty(&list));
}

static void times_and_levels_have_names(void **state)
{
    char iso[RP_ISO_TIME_LEN];
    enum rp_log_level level;

    (void)state;
    assert_string_equal(rp_iso_time(iso, 1700000000123), "2023-11-14T22:13:20.123Z");
    assert_int_equal(rp_log_level_parse(&level, "warn"), 0);
    assert_int_equal(level, RP_LOG_WARN);
    assert_int_equal(rp_log_level_parse(&level, "loud"), RP_EINVAL);
    assert_int_equal(rp_log_set(RP_LOG_WARN, "net"), RP_EINVAL);
    assert_int_equal(rp_log_set(RP_LOG_WARN, "net=debug,turn=error"), 0);
    assert_true(rp_log_on("net", RP_LOG_DEBUG));
    assert_false(rp_log_on("turn", RP_LOG_WARN));
    assert_true(rp_log_on("agent", RP_LOG_WARN));
    assert_int_equal(rp_log_set(RP_LOG_WARN, NULL), 0);
    assert_string_equal(rp_err_name(RP_EPROTO), "RP_EPROTO");
    assert_string_equal(rp_err_text(0), "no error");
}

int test_base(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(str_cuts_and_compares),
        cmocka_unit_test(buf_keeps_its_cap),
        cmocka_unit_test(arena_bounds_what_it_holds),
        cmocka_unit_test(map_survives_churn),
        cmocka_unit_test(ids_sort_by_time),
        cmocka_unit_test(list_allows_removal_on_the_way),
        cmocka_unit_test(times_and_levels_have_names),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
