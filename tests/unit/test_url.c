/* Tests of codec/url and codec/form. */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/form.h"
#include "codec/url.h"
#include "tests.h"

static void takes_urls_apart(void **state)
{
    static const struct {
        const char *text;
        const char *parts; /* scheme host-type host port authority path query */
    } cases[] = {
        {"http://a", "http name a 80 a () -"},
        {"https://example.com/x/y?z=1&q#frag",
         "https name example.com 443 example.com (/x/y) z=1&q"},
        {"HTTPS://Example.com:8443/", "https name Example.com 8443 Example.com:8443 (/) -"},
        {"ws://localhost:80?a", "ws name localhost 80 localhost:80 () a"},
        {"wss://h/p?", "wss name h 443 h (/p) "},
        {"http://h#?/x", "http name h 80 h () -"},
        {"http://127.0.0.1:1/", "http v4 127.0.0.1 1 127.0.0.1:1 (/) -"},
        {"http://[::1]:65535/a", "http v6 ::1 65535 [::1]:65535 (/a) -"},
        {"http://[fe80::1]", "http v6 fe80::1 80 [fe80::1] () -"},
        {"http://h:/a", "http name h 80 h: (/a) -"},
        {"http://a_b.c-d.example./%41?x=%20",
         "http name a_b.c-d.example. 80 a_b.c-d.example. (/%41) x=%20"},
        {"http://h/a:b@c//d/../e;f,g", "http name h 80 h (/a:b@c//d/../e;f,g) -"},
        {"http://xn--bcher-kva.example",
         "http name xn--bcher-kva.example 80 xn--bcher-kva.example () -"},
    };
    static const char *const types[] = {
        [RP_URL_NAME] = "name", [RP_URL_IPV4] = "v4", [RP_URL_IPV6] = "v6"};

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct rp_url u;
        const char *why = "";
        char parts[300];
        if (rp_url_parse(&u, rp_str_z(cases[i].text), &why) != 0)
            fail_msg("%s: %s", cases[i].text, why);
        (void)snprintf(parts, sizeof(parts), "%s %s %.*s %d %.*s (%.*s) %.*s", u.scheme,
                       types[u.host_type], RP_STR_ARG(u.host), u.port, RP_STR_ARG(u.authority),
                       RP_STR_ARG(u.path), u.query.p ? (int)u.query.len : 1,
                       u.query.p ? u.query.p : "-");
        assert_string_equal(parts, cases[i].parts);
        assert_int_equal(u.tls, strchr(u.scheme, 's') && strcmp(u.scheme, "ws") != 0);
        assert_int_equal(u.websocket, u.scheme[0] == 'w');
        assert_int_equal(u.target.len, u.path.len + (u.query.p ? u.query.len + 1 : 0));
    }
}

static void refuses_urls_and_says_why(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "does not begin with"},
        {"example.com", "does not begin with"},
        {"ftp://h/", "does not begin with"},
        {"http:/h/", "does not begin with"},
        {"file:///etc/passwd", "does not begin with"},
        {"http://", "no host"},
        {"http:///x", "no host"},
        {"http://:80", "no host"},
        {"http://user@h/", "user name"},
        {"http://u:p@h/", "user name"},
        {"http://h/a b", "space or a control"},
        {" http://h/", "space or a control"},
        {"http://h/\r\nX: y", "space or a control"},
        {"http://h/\x7f", "space or a control"},
        {"http://h\\@evil/", "percent-encoded"},
        {"http://h/\"", "percent-encoded"},
        {"http://b\xc3\xbc"
         "cher/",
         "beyond ASCII"},
        {"http://h:0/", "port"},
        {"http://h:65536/", "port"},
        {"http://h:-1/", "port"},
        {"http://h:8 0/", "space"},
        {"http://h:80:80/", "port"},
        {"http://h:000080/", "port"},
        {"http://[::1/", "IPv6"},
        {"http://[127.0.0.1]/", "IPv6"},
        {"http://[fe80::1%25eth0]/", "IPv6"},
        {"http://[::1]x/", "only a port"},
        {"http://::1/", "no host"},
        {"http://0x7f.1/", "neither a name nor"},
        {"http://2130706433/", "neither a name nor"},
        {"http://127.1/", "neither a name nor"},
        {"http://127.0.0.1./", "neither a name nor"},
        {"http://256.0.0.1/", "neither a name nor"},
        {"http://0127.0.0.1/", "neither a name nor"},
        {"http://a.0X1f/", "neither a name nor"},
        {"http://a..b/", "empty or too long"},
        {"http://.a/", "empty or too long"},
        {"http://./", "empty or too long"},
        {"http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/", "too long"},
        {"http://a%41/", "no host name has"},
        {"http://a,b/", "no host name has"},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct rp_url u = {.port = 7};
        const char *why = NULL;
        if (rp_url_parse(&u, rp_str_z(cases[i].text), &why) != RP_EPROTO)
            fail_msg("accepted: %s", cases[i].text);
        if (!strstr(why, cases[i].why))
            fail_msg("%s: %s", cases[i].text, why);
        assert_int_equal(u.port, 7);
    }
    assert_int_equal(rp_url_parse(&(struct rp_url){0}, RP_STR("http://h/\0"), NULL), RP_EPROTO);
}

static void knows_ipv6_addresses(void **state)
{
    static const char *const right[] = {
        "::",
        "::1",
        "1::",
        "1::2",
        "1:2:3:4:5:6:7:8",
        "1:2:3::",
        "::3:4:5",
        "1:2:3:4:5:6::",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "aBcD::",
        "::1.2.3.4",
        "1:2:3:4:5:6:255.255.255.255",
        "64:ff9b::1.2.3.4",
    };
    static const char *const wrong[] = {
        "",
        ":",
        ":::",
        "1",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:",
        ":1",
        "1::2::3",
        "::1::",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "12345::",
        "g::",
        "1.2.3.4",
        "::1.2.3",
        "::1.2.3.256",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::01.2.3.4",
        "1:::2",
        "::-1",
        "::+1",
        "1:2:3:4:5:6:7:",
    };
    struct rp_url u;
    char text[80];

    (void)state;
    for (size_t i = 0; i < RP_COUNT(right); i++) {
        (void)snprintf(text, sizeof(text), "http://[%s]/", right[i]);
        if (rp_url_parse(&u, rp_str_z(text), NULL) != 0)
            fail_msg("refused: %s", text);
        assert_int_equal(u.host_type, RP_URL_IPV6);
    }
    for (size_t i = 0; i < RP_COUNT(wrong); i++) {
        (void)snprintf(text, sizeof(text), "http://[%s]/", wrong[i]);
        if (rp_url_parse(&u, rp_str_z(text), NULL) == 0)
            fail_msg("accepted: %s", text);
    }
}

static void reads_forms(void **state)
{
    static const struct {
        const char *text, *fields; /* name=value; each */
    } cases[] = {
        {"", ""},
        {"a=1&b=2", "a=1;b=2;"},
        {"a=1&&b=2&", "a=1;b=2;"},
        {"a&b=&=c&=", "a=;b=;=c;=;"},
        {"a=b=c", "a=b=c;"},
        {"From=%2B15551234&Body=hello+there%21", "From=+15551234;Body=hello there!;"},
        {"a+b=%c3%A9", "a b=\xc3\xa9;"},
        {"a=%&b=%4&c=%zz&d=%4g&e=%%41", "a=%;b=%4;c=%zz;d=%4g;e=%A;"},
        {"a=1&a=2", "a=1;a=2;"},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct rp_form form;
        struct rp_arena a;
        struct rp_buf out;
        size_t n = 0;
        rp_arena_init(&a, 100000);
        rp_buf_init(&out, 1000);
        assert_int_equal(rp_form_parse(&form, &a, rp_str_z(cases[i].text)), 0);
        for (const struct rp_form_field *f = form.first; f; f = f->next, n++)
            rp_buf_printf(&out, "%.*s=%.*s;", RP_STR_ARG(f->name), RP_STR_ARG(f->value));
        assert_true(rp_str_eq_z(rp_buf_view(&out), cases[i].fields));
        assert_int_equal(n, form.count);
        rp_buf_fini(&out);
        rp_arena_fini(&a);
    }
}

static void looks_up_and_bounds_forms(void **state)
{
    struct rp_form form = {.count = 7};
    struct rp_arena a;
    struct rp_buf b;
    uint64_t n;
    int err;

    (void)state;
    rp_arena_init(&a, 1 << 20);
    assert_int_equal(rp_form_parse(&form, &a, RP_STR("x=1&y=%00&x=2")), 0);
    assert_true(rp_str_eq_z(rp_form_get(&form, "x"), "1"));
    assert_int_equal(rp_form_get(&form, "y").len, 1);
    assert_null(rp_form_get(&form, "z").p);

    rp_buf_init(&b, 10000);
    for (int i = 0; i <= RP_FORM_FIELDS_MAX; i++)
        rp_buf_z(&b, "&a");
    assert_int_equal(rp_form_parse(&form, &a, rp_buf_view(&b)), RP_ELIMIT);
    assert_int_equal(form.count, 3);
    rp_arena_fini(&a);
    rp_arena_init(&a, 100);
    assert_int_equal(rp_form_parse(&form, &a, rp_buf_view(&b)), RP_ELIMIT);
    rp_arena_fini(&a);
    rp_buf_fini(&b);

    for (n = 1;; n++) {
        rp_arena_init(&a, 1 << 20);
        rp_mem_fail_after(n);
        err = rp_form_parse(&form, &a, RP_STR("x=1&y=%00&x=2"));
        rp_mem_fail_after(0);
        rp_arena_fini(&a);
        if (!err)
            break;
        assert_int_equal(err, RP_ENOMEM);
    }
    assert_true(n > 1);
}

static void writes_forms_and_queries(void **state)
{
    struct rp_buf b;

    (void)state;
    rp_buf_init(&b, 1000);
    rp_form_add(&b, "To", RP_STR("+1 (555)"));
    rp_form_add(&b, "x y", RP_STR("\xc3\xa9&=~-._*\0"));
    assert_string_equal(b.p, "To=%2B1%20%28555%29&x%20y=%C3%A9%26%3D~-._%2A%00");
    rp_buf_clear(&b);
    rp_buf_z(&b, "/listen?");
    rp_form_add(&b, "model", RP_STR("nova-2"));
    rp_form_add(&b, "empty", (struct rp_str){0});
    assert_string_equal(b.p, "/listen?model=nova-2&empty=");
    rp_buf_clear(&b);
    rp_percent_decode(&b, RP_STR("a+b%2Fc%"), false);
    assert_string_equal(b.p, "a+b/c%");
    rp_buf_fini(&b);
}

static void one_value_is_found_without_parsing(void **state)
{
    static const struct {
        const char *text, *name, *value; /* NULL: absent */
    } cases[] = {
        {"token=abc", "token", "abc"}, {"a=1&token=b%20c&token=d", "token", "b%20c"},
        {"token", "token", ""},        {"token=", "token", ""},
        {"", "token", NULL},           {"tokens=1&&atoken=2", "token", NULL},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct rp_str value = rp_form_find(rp_str_z(cases[i].text), cases[i].name);
        assert_int_equal(value.p == NULL, cases[i].value == NULL);
        if (cases[i].value)
            assert_true(rp_str_eq_z(value, cases[i].value));
    }
}

int test_url(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_value_is_found_without_parsing),
        cmocka_unit_test(takes_urls_apart),
        cmocka_unit_test(refuses_urls_and_says_why),
        cmocka_unit_test(knows_ipv6_addresses),
        cmocka_unit_test(reads_forms),
        cmocka_unit_test(looks_up_and_bounds_forms),
        cmocka_unit_test(writes_forms_and_queries),
    };
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
