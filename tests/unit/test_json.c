/* Tests of codec/json: what JSON.stringify(JSON.parse(text)) gives, and the composing writer. The
 * differential test against node (tests/integration/test_json_node.py) goes much further. */
#include <math.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/json.h"
#include "tests.h"

static int round_trip(struct rp_buf *out, struct rp_str text, struct rp_json_error *error)
{
    struct rp_arena a;
    struct rp_json *root = NULL;
    int err;

    rp_arena_init(&a, 64u << 20);
    err = rp_json_parse(&root, &a, text, error);
    if (!err) {
        rp_json_write(out, root);
        err = rp_buf_err(out);
    } else {
        assert_null(root); /* untouched on error */
    }
    rp_arena_fini(&a);
    return err;
}

static void check_round_trip(struct rp_str text, const char *expected)
{
    struct rp_json_error error = {0};
    struct rp_buf out;
    int err;

    rp_buf_init(&out, 64u << 20);
    err = round_trip(&out, text, &error);
    if (err)
        fail_msg("%.*s: %s (%s at %zu)", RP_STR_ARG(text), rp_err_name(err), error.text, error.at);
    assert_string_equal(out.p, expected);
    rp_buf_fini(&out);
}

static void prints_as_stringify_does(void **state)
{
    static const struct {
        struct rp_str text;
        const char *expected;
    } cases[] = {
#define CASE(text, expected) {{text, sizeof(text) - 1}, expected}
        CASE(" null ", "null"),
        CASE("\t[ true ,\r\n false ]", "[true,false]"),
        CASE("\xef\xbb\xbf{}", "{}"),
        CASE("[[],{},[{}]]", "[[],{},[{}]]"),
        /* strings */
        CASE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""),
        CASE("\"\\u0000\\u001F\\u007f\\u2028\"", "\"\\u0000\\u001f\x7f\xe2\x80\xa8\""),
        CASE("\"\\u00e9 \xc3\xa9\"", "\"\xc3\xa9 \xc3\xa9\""),
        CASE("\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""),
        CASE("\"\\uD83D\"", "\"\\ud83d\""),
        CASE("\"\\uDE00\\uD83D\"", "\"\\ude00\\ud83d\""),
        CASE("\"\\ud83d\\ud83d\\ude00\"", "\"\\ud83d\xf0\x9f\x98\x80\""),
        CASE("\"\\ud83d\\n\"", "\"\\ud83d\\n\""),
        CASE("\"a\xff\xe2\x82z\xed\xa0\x80\"",
             "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
        CASE("{\"a\\u0000b\":1}", "{\"a\\u0000b\":1}"),
        /* keys */
        CASE("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"),
        CASE("{\"a\":{\"x\":1},\"a\":[],\"\":0}", "{\"a\":[],\"\":0}"),
        CASE("{\"__proto__\":1,\"__proto__\":{}}", "{\"__proto__\":{}}"),
        CASE("{\"b\":0,\"10\":1,\"9\":2,\"01\":3,\"-1\":4,\"0\":5}",
             "{\"0\":5,\"9\":2,\"10\":1,\"b\":0,\"01\":3,\"-1\":4}"),
        CASE("{\"4294967295\":0,\"4294967294\":1,\"4294967293\":2}",
             "{\"4294967293\":2,\"4294967294\":1,\"4294967295\":0}"),
        CASE("{\"2\":1,\"1\":2,\"2\":3}", "{\"1\":2,\"2\":3}"),
        /* numbers */
        CASE("[0,-0,-0.0,1,-1,42.30,1e3]", "[0,0,0,1,-1,42.3,1000]"),
        CASE("[1e400,-1e400,1e-400]", "[null,null,0]"),
        CASE("[1e21,1e20,123456789012345680000]", "[1e+21,100000000000000000000,"
                                                  "123456789012345680000]"),
        CASE("[0.000001,0.0000001,1.5e-7]", "[0.000001,1e-7,1.5e-7]"),
        CASE("[0.1,0.30000000000000004,0.2999999999999999888978]", "[0.1,0.30000000000000004,0.3]"),
        CASE("[9007199254740993,9007199254740992.5]", "[9007199254740992,9007199254740992]"),
        CASE("[12345678901234567890]", "[12345678901234567000]"),
        CASE("[1.7976931348623157e308,1.7976931348623158e308,1.7976931348623159e308]",
             "[1.7976931348623157e+308,1.7976931348623157e+308,null]"),
        CASE("[5e-324,2.4703282292062327e-324,2.4703282292062328e-324]", "[5e-324,0,5e-324]"),
        CASE("[2.2250738585072014e-308,2.2250738585072011e-308]",
             "[2.2250738585072014e-308,2.225073858507201e-308]"),
        /* Powers of two, where the neighbour below is nearer than the one above. */
        CASE("[5.684341886080802e-14,9.5367431640625e-7]",
             "[5.684341886080802e-14,9.5367431640625e-7]"),
        CASE("[4.4501477170144023e-308,9.109844e-320]", "[4.4501477170144023e-308,9.11e-320]"),
#undef CASE
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++)
        check_round_trip(cases[i].text, cases[i].expected);
}

static void refuses_with_place_and_reason(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *reason;
    } cases[] = {
        {"", 0, "the text ends where a value is expected"},
        {" [1,", 4, "the text ends where a value is expected"},
        {"[1,]", 3, "this is not a JSON value"},
        {"[1 2]", 3, "a comma or ] is missing"},
        {"{\"a\":1 \"b\"", 7, "a comma or } is missing"},
        {"{\"a\" 1}", 5, "a colon is missing after the key"},
        {"{a:1}", 1, "a key in quotes or } is missing"},
        {"{\"a\":1,}", 7, "a key in quotes is missing after the comma"},
        {"1 x", 2, "more text follows after the value"},
        {"01", 1, "more text follows after the value"},
        {"-", 0, "a number is malformed"},
        {"1.", 0, "a number is malformed"},
        {".5", 0, "this is not a JSON value"},
        {"1e+", 0, "a number is malformed"},
        {"NaN", 0, "this is not a JSON value"},
        {"tru", 0, "this is not a JSON value"},
        {"\"abc", 4, "a string is not closed"},
        {"\"a\nb\"", 2, "a control character in a string is not escaped"},
        {"\"a\\x\"", 2, "a backslash is not followed by a valid escape"},
        {"\"\\u12g4\"", 1, "a backslash is not followed by a valid escape"},
        {"\"\\", 1, "a backslash is not followed by a valid escape"},
        {"\xa0"
         "1",
         0, "this is not a JSON value"},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct rp_json_error error = {0};
        struct rp_buf out;
        rp_buf_init(&out, 1000);
        assert_int_equal(round_trip(&out, rp_str_z(cases[i].text), &error), RP_EPROTO);
        assert_string_equal(error.text, cases[i].reason);
        assert_int_equal(error.at, cases[i].at);
        rp_buf_fini(&out);
    }
}

static void nests_64_deep(void **state)
{
    struct rp_json_error error;
    char text[131] = {0};
    struct rp_buf out;

    (void)state;
    rp_buf_init(&out, 1000);
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    check_round_trip(rp_str_z(text), text);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_int_equal(round_trip(&out, rp_str_z(text), &error), RP_ELIMIT);
    assert_int_equal(error.at, 64);
    assert_string_equal(error.text, "arrays and objects are nested too deeply");
    rp_buf_fini(&out);
}

/* {"k0":0,…,"k<n-1>":…} twice over, so that each key comes again with another value. */
static void many_keys_stay_unique(void **state)
{
    const int n = 20000;
    struct rp_buf text, expected;

    (void)state;
    rp_buf_init(&text, 64u << 20);
    rp_buf_init(&expected, 64u << 20);
    for (int i = 0; i < 2 * n; i++)
        rp_buf_printf(&text, "%c\"k%d\":%d", i ? ',' : '{', i % n, i);
    for (int i = 0; i < n; i++)
        rp_buf_printf(&expected, "%c\"k%d\":%d", i ? ',' : '{', i, i + n);
    rp_buf_char(&text, '}');
    rp_buf_char(&expected, '}');
    assert_int_equal(rp_buf_err(&text), 0);
    assert_int_equal(rp_buf_err(&expected), 0);
    check_round_trip(rp_buf_view(&text), expected.p);

    rp_buf_clear(&text); /* and the same with indices, falling */
    rp_buf_clear(&expected);
    for (int i = n; i-- > 0;)
        rp_buf_printf(&text, "%s\"%d\":1", i + 1 < n ? "," : "{\"x\":0,", i);
    for (int i = 0; i < n; i++)
        rp_buf_printf(&expected, "%c\"%d\":1", i ? ',' : '{', i);
    rp_buf_char(&text, '}');
    rp_buf_z(&expected, ",\"x\":0}");
    check_round_trip(rp_buf_view(&text), expected.p);
    rp_buf_fini(&text);
    rp_buf_fini(&expected);
}

static void trees_are_looked_up(void **state)
{
    struct rp_arena a;
    struct rp_json *root;

    (void)state;
    rp_arena_init(&a, 1 << 20);
    assert_int_equal(
        rp_json_parse(&root, &a,
                      RP_STR("{\"a\":{\"b\":{\"c\":\"x\"}},\"n\":7,\"t\":true,\"l\":[1,2]}"), NULL),
        0);
    assert_true(rp_str_eq_z(rp_json_str(rp_json_path(root, "a.b.c")), "x"));
    assert_null(rp_json_path(root, "a.b.d"));
    assert_null(rp_json_path(root, "n.b"));
    assert_true(rp_json_get_num(root, "n", 0) == 7);
    assert_true(rp_json_get_num(root, "t", 5) == 5);
    assert_true(rp_json_get_bool(root, "t", false));
    assert_false(rp_json_get_bool(root, "n", false));
    assert_null(rp_json_get_str(root, "n").p);
    assert_null(rp_json_get(NULL, "n"));
    assert_null(rp_json_get(rp_json_get(root, "l"), "n"));
    assert_int_equal(rp_json_get(root, "l")->count, 2);
    assert_string_equal(rp_json_type_name(rp_json_get(root, "l")), "an array");
    assert_string_equal(rp_json_type_name(NULL), "absent");
    rp_arena_fini(&a);
}

static void composes_messages(void **state)
{
    struct rp_buf b;
    struct rp_jw w = {.b = &b};

    (void)state;
    rp_buf_init(&b, 1000);
    rp_jw_obj(&w);
    rp_jw_key_str(&w, "type", RP_STR("turn.start"));
    rp_jw_key_z(&w, "none", NULL);
    rp_jw_key_int(&w, "n", -9007199254740991);
    rp_jw_key_num(&w, "x", 0.5);
    rp_jw_key_num(&w, "nan", NAN);
    rp_jw_key(&w, "list");
    rp_jw_arr(&w);
    rp_jw_bool(&w, true);
    rp_jw_null(&w);
    rp_jw_obj(&w);
    rp_jw_end(&w);
    rp_jw_arr(&w);
    rp_jw_end(&w);
    rp_jw_raw(&w, RP_STR("{\"a\":1}"));
    rp_jw_value(&w, NULL);
    rp_jw_end(&w);
    rp_jw_key_bool(&w, "last", false);
    rp_jw_end(&w);
    assert_string_equal(b.p,
                        "{\"type\":\"turn.start\",\"none\":null,\"n\":-9007199254740991,\"x\":0.5,"
                        "\"nan\":null,\"list\":[true,null,{},[],{\"a\":1},null],\"last\":false}");
    check_round_trip(rp_buf_view(&b), b.p);

    /* Two halves of a pair that were joined as bytes come out as the character. */
    rp_buf_clear(&b);
    rp_json_write_str(&b, RP_STR("\xed\xa0\xbd\xed\xb8\x80\xed\xa0\xbd!\xed\xb8\x80"));
    assert_string_equal(b.p, "\"\xf0\x9f\x98\x80\\ud83d!\\ude00\"");
    rp_buf_fini(&b);
}

static void caps_and_lack_of_memory_are_told_apart(void **state)
{
    struct rp_json_error error = {0};
    struct rp_json *root;
    struct rp_arena a;
    struct rp_buf text;
    uint64_t n;
    int err;

    (void)state;
    rp_buf_init(&text, 10000);
    rp_buf_z(&text, "{\"a\":[1,2,{\"b\":\"\\u00e9\"}],\"0\":0");
    for (int i = 0; i < 100; i++) /* enough for the table of names to grow */
        rp_buf_printf(&text, ",\"key-%d\":%d", i, i);
    rp_buf_char(&text, '}');

    rp_arena_init(&a, 5000);
    assert_int_equal(rp_json_parse(&root, &a, rp_buf_view(&text), &error), RP_ELIMIT);
    assert_string_equal(error.text, "the document is too large");
    rp_arena_fini(&a);

    for (n = 1;; n++) { /* every allocation in turn */
        struct rp_buf out;
        rp_buf_init(&out, 10000);
        rp_mem_fail_after(n);
        err = round_trip(&out, rp_buf_view(&text), &error);
        rp_mem_fail_after(0);
        rp_buf_fini(&out);
        if (!err)
            break;
        assert_int_equal(err, RP_ENOMEM);
    }
    assert_true(n > 8); /* arena, three tables, buffer */
    rp_buf_fini(&text);
}

int test_json(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_as_stringify_does),
        cmocka_unit_test(refuses_with_place_and_reason),
        cmocka_unit_test(nests_64_deep),
        cmocka_unit_test(many_keys_stay_unique),
        cmocka_unit_test(trees_are_looked_up),
        cmocka_unit_test(composes_messages),
        cmocka_unit_test(caps_and_lack_of_memory_are_told_apart),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
