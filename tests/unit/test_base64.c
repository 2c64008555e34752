/* Tests of codec/base64. */
#include "base/err.h"
#include "base/random.h"
#include "codec/base64.h"
#include "tests.h"

static void encodes_and_decodes(void **state)
{
    /* RFC 4648, 10, and bytes with all bits set. */
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xff\xfe", "///+"},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        const size_t len = strlen(cases[i].bytes), chars = strlen(cases[i].text);
        char text[16] = {0}, bytes[16];
        size_t n;
        assert_int_equal(rp_base64_encode(text, cases[i].bytes, len), chars);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(chars, RP_BASE64_LEN(len));
        assert_int_equal(rp_base64_decode(bytes, len, &n, rp_str_n(text, chars)), 0);
        assert_int_equal(n, len);
        assert_memory_equal(bytes, cases[i].bytes, len);
        while (chars > 0 && text[strlen(text) - 1] == '=') /* and without padding */
            text[strlen(text) - 1] = '\0';
        assert_int_equal(rp_base64_decode(bytes, len, &n, rp_str_z(text)), 0);
        assert_int_equal(n, len);
        if (len > 0) {
            assert_int_equal(rp_base64_decode(bytes, len - 1, &n, rp_str_z(text)), RP_ELIMIT);
        }
    }
}

static void every_length_comes_back(void **state)
{
    unsigned char bytes[300], back[300];
    char text[RP_BASE64_LEN(sizeof(bytes))];
    struct rp_rng rng = {7};
    size_t n;

    (void)state;
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)rp_rng_next(&rng);
        const size_t chars = rp_base64_encode(text, bytes, len);
        assert_true(RP_BASE64_DECODED_MAX(chars) >= len);
        assert_int_equal(rp_base64_decode(back, len, &n, rp_str_n(text, chars)), 0);
        assert_int_equal(n, len);
        assert_memory_equal(back, bytes, len);
    }
}

/* Groups alone go by the tables, long texts by vectors where the machine has them. */
static void long_texts_are_as_their_groups(void **state)
{
    enum { LEN = 240 };
    unsigned char bytes[LEN], back[LEN];
    char text[RP_BASE64_LEN(LEN)], group[4];
    struct rp_rng rng = {9};
    size_t n;

    (void)state;
    for (int round = 0; round < 1000; round++) {
        for (size_t i = 0; i < LEN; i++)
            bytes[i] = (unsigned char)rp_rng_next(&rng);
        assert_int_equal(rp_base64_encode(text, bytes, LEN), sizeof(text));
        for (size_t i = 0; i < LEN / 3; i++) {
            (void)rp_base64_encode(group, bytes + 3 * i, 3);
            assert_memory_equal(text + 4 * i, group, 4);
        }
        assert_int_equal(rp_base64_decode(back, LEN, &n, rp_str_n(text, sizeof(text))), 0);
        assert_memory_equal(back, bytes, LEN);
    }
    for (size_t at = 0; at < sizeof(text); at++) {
        const char was = text[at];
        int accepted = 0;
        for (int c = 0; c < 256; c++) {
            text[at] = (char)c;
            accepted += rp_base64_decode(back, LEN, &n, rp_str_n(text, sizeof(text))) == 0;
        }
        assert_int_equal(accepted, 64 + (at == sizeof(text) - 1)); /* there "=" is right, too */
        text[at] = was;
    }
}

static void refuses_what_is_not_base64(void **state)
{
    static const char *const cases[] = {
        "A",     "AAAAA", "=",     "==",       "====",     "A===",    "AA=",
        "AAA==", "AA=A",  "AA==A", "AA==AAAA", "AAAA====", "A A=",    "AAA ",
        "AAA\n", " AAAA", "AA-_",  "AA.A",     "AAA\x80",  "AAA\xc1", "AAA[",
        "AAA@",  "AAA`",  "AAA{",  "AAA,A",    "AAA:",     "A/A:",    "\"AAA",
    };
    char out[16];
    size_t n = 77;

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++)
        if (rp_base64_decode(out, sizeof(out), &n, rp_str_z(cases[i])) != RP_EPROTO)
            fail_msg("accepted: %s", cases[i]);
    assert_int_equal(n, 77);
    assert_int_equal(rp_base64_decode(out, sizeof(out), &n, RP_STR("AA\0A")), RP_EPROTO);
    assert_int_equal(rp_base64_decode(out, sizeof(out), &n, RP_STR("AB==")), 0); /* stray bits */
    assert_int_equal(n, 1);
    assert_int_equal(rp_base64_decode(out, 0, &n, (struct rp_str){0}), 0);
    assert_int_equal(n, 0);

    /* Each byte value, in each place of a group. */
    for (int place = 0; place < 4; place++) {
        int accepted = 0;
        for (int c = 0; c < 256; c++) {
            char text[9] = "AAAAAAAA";
            text[place] = (char)c;
            accepted += rp_base64_decode(out, sizeof(out), &n, rp_str_n(text, 8)) == 0;
        }
        assert_int_equal(accepted, 64);
    }
}

static void appends_within_the_cap(void **state)
{
    struct rp_buf b;

    (void)state;
    rp_buf_init(&b, 9);
    assert_int_equal(rp_buf_char(&b, '"'), 0);
    assert_int_equal(rp_base64_append(&b, "foobar", 6), 0);
    assert_string_equal(b.p, "\"Zm9vYmFy");
    assert_int_equal(rp_base64_append(&b, "f", 1), RP_ELIMIT);
    assert_int_equal(rp_buf_err(&b), RP_ELIMIT);
    rp_buf_fini(&b);
}

int test_base64(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_and_decodes),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(long_texts_are_as_their_groups),
        cmocka_unit_test(refuses_what_is_not_base64),
        cmocka_unit_test(appends_within_the_cap),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
