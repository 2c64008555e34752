/* The options table: precedence of its sources, and everything that can be wrong, told at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/options.h"
#include "base/err.h"
#include "tests.h"

struct parsed {
    struct rp_options o;
    struct rp_buf problems;
    int err;
};

static struct parsed parse(const char *const *args)
{
    struct parsed p;
    char *argv[16];
    int argc = 0;

    for (; args[argc]; argc++)
        argv[argc] = (char *)args[argc];
    rp_buf_init(&p.problems, 65536);
    p.err = rp_options_parse(&p.o, argc, argv, &p.problems);
    return p;
}

static void release(struct parsed *p)
{
    rp_buf_fini(&p->problems);
    rp_options_fini(&p->o);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void flags_win_over_environment_over_file(void **state)
{
    char path[] = "/tmp/riposte-test-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    struct parsed p;

    (void)state;
    (void)fputs("# a comment\nshards = 3\nmax-sessions=7\n\n  log-level = \"debug\"\n", f);
    (void)fclose(f);
    (void)setenv("RIPOSTE_MAX_SESSIONS", "8", 1);
    (void)setenv("RIPOSTE_DRAIN", "9", 1);
    p = PARSE("--config", path, "--drain=10", "--no-open-link");
    assert_int_equal(p.err, 0);
    assert_int_equal(p.o.shards, 3);
    assert_int_equal(p.o.max_sessions, 8);
    assert_int_equal(p.o.drain_s, 10);
    assert_string_equal(p.o.log_level, "debug");
    assert_false(p.o.open_link);
    assert_string_equal(p.o.listen, "127.0.0.1:8080");
    release(&p);
    (void)unsetenv("RIPOSTE_MAX_SESSIONS");
    (void)unsetenv("RIPOSTE_DRAIN");
    (void)unlink(path);
}

static void all_that_is_wrong_is_told_together(void **state)
{
    static const char *const expected[] = {
        "--shards: \"many\" is not a number from 0 to 256 (threads)",
        "--log-level: \"loud\" is none of debug|info|warn|error",
        "--nonsense: there is no such option",
        "\"stray\": options begin with --",
        "--strict-engines: \"maybe\" is neither yes nor no",
        "RIPOSTE_DRAIN: \"-1\" is not a number from 0 to 86400 (s)",
        "--data: a value is missing",
    };
    struct parsed p;

    (void)state;
    (void)setenv("RIPOSTE_DRAIN", "-1", 1);
    p = PARSE("--shards", "many", "--log-level=loud", "--nonsense", "stray",
              "--strict-engines=maybe", "--data");
    (void)unsetenv("RIPOSTE_DRAIN");
    assert_int_equal(p.err, RP_EINVAL);
    for (size_t i = 0; i < RP_COUNT(expected); i++)
        if (!strstr(p.problems.p, expected[i]))
            fail_msg("missing: %s\nin: %s", expected[i], p.problems.p);
    release(&p);
}

static void options_that_belong_together_are_checked(void **state)
{
    static const struct {
        const char *flag, *text;
    } cases[] = {
        {"--tls-cert=x.pem", "tls-key is missing"},
        {"--tls-key=x.pem", "tls-cert is missing"},
        {"--api-key=short", "shorter than 16"},
        {"--listen=example.com", "is not HOST:PORT"},
        {"--listen=1:2:3", "is not HOST:PORT"},
        {"--listen=127.0.0.1:99999", "is not HOST:PORT"},
        {"--public-url=riposte.example", "begins neither with http://"},
        {"--log-components=net", "is not a list such as"},
        {"--database-url=postgres://x", "SQLite only"},
        {"--config=/nonexistent/riposte.conf", "cannot read"},
    };

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        struct parsed p = PARSE(cases[i].flag);
        assert_int_equal(p.err, RP_EINVAL);
        if (!strstr(p.problems.p, cases[i].text))
            fail_msg("%s: %s", cases[i].flag, p.problems.p);
        release(&p);
    }
}

static void addresses_are_numeric(void **state)
{
    static const struct {
        const char *listen, *host;
        int port;
    } cases[] = {
        {"127.0.0.1:8080", "127.0.0.1", 8080},
        {"[::1]:80", "::1", 80},
        {":0", "::", 0},
        {"localhost:1", "127.0.0.1", 1},
        {"0.0.0.0:65535", "0.0.0.0", 65535},
    };
    char host[64];
    uint16_t port;

    (void)state;
    for (size_t i = 0; i < RP_COUNT(cases); i++) {
        assert_int_equal(rp_listen_parse(cases[i].listen, host, &port), 0);
        assert_string_equal(host, cases[i].host);
        assert_int_equal(port, cases[i].port);
    }
}

int test_options(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_win_over_environment_over_file),
        cmocka_unit_test(all_that_is_wrong_is_told_together),
        cmocka_unit_test(options_that_belong_together_are_checked),
        cmocka_unit_test(addresses_are_numeric),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
