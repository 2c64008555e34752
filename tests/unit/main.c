/* Runs the unit tests: all of them, or those named on the command line. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tests.h"

static const struct {
    const char *name;
    int (*run)(void);
} tests[] = {
#define X(name) {#name, test_##name},
    RP_TESTS(X)
#undef X
};

const char *test_data(const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof(path), "%s/tests/data/%s", RP_SOURCE_DIR, name);
    return path;
}

char *test_read_file(const char *path, size_t *len)
{
    struct rp_buf b;
    FILE *f = fopen(path, "rb");
    char chunk[4096];
    size_t n;

    if (!f)
        fail_msg("cannot open %s", path);
    rp_buf_init(&b, 64u << 20);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        assert_int_equal(rp_buf_add(&b, chunk, n), 0);
    (void)fclose(f);
    *len = b.len;
    return rp_buf_take(&b);
}

static int wanted(const char *name, int argc, char **argv)
{
    if (argc < 2)
        return 1;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0, ran = 0;

    for (size_t i = 0; i < RP_COUNT(tests); i++) {
        int64_t live = rp_mem_live();
        if (!wanted(tests[i].name, argc, argv))
            continue;
        ran++;
        failed += tests[i].run();
        if (rp_mem_live() != live) {
            (void)fprintf(stderr, "%s: %lld blocks of memory left\n", tests[i].name,
                          (long long)(rp_mem_live() - live));
            failed++;
        }
    }
    if (!ran) {
        (void)fprintf(stderr, "no such test\n");
        return 2;
    }
    return failed ? 1 : 0;
}
