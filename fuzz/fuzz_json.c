/* JSON: what is accepted prints to something that prints the same for ever after, and each number
 * reads back as itself, by the C library's measure. */
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/err.h"
#include "codec/json.h"

#define MEMORY_MAX ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int print(struct rp_buf *out, struct rp_str text)
{
    struct rp_json_error error = {0};
    struct rp_json *root;
    struct rp_arena a;
    int err;

    rp_arena_init(&a, MEMORY_MAX);
    rp_buf_init(out, MEMORY_MAX);
    err = rp_json_parse(&root, &a, text, &error);
    if (err)
        RP_ASSERT(error.text && error.at <= text.len);
    else
        rp_json_write(out, root);
    rp_arena_fini(&a);
    return err;
}

/* In a printed document numbers are what begins with a digit or a minus outside strings. */
static void check_numbers(struct rp_str printed)
{
    for (size_t i = 0; i < printed.len; i++) {
        struct rp_json *root;
        struct rp_arena a;
        char *end;
        double v;
        if (printed.p[i] == '"') {
            for (i++; printed.p[i] != '"'; i++)
                i += printed.p[i] == '\\';
        } else if (printed.p[i] == '-' || (printed.p[i] >= '0' && printed.p[i] <= '9')) {
            v = strtod(printed.p + i, &end);
            rp_arena_init(&a, 10000);
            RP_ASSERT(rp_json_parse(&root, &a,
                                    rp_str_n(printed.p + i, (size_t)(end - printed.p) - i),
                                    NULL) == 0);
            RP_ASSERT(isfinite(v) && root->type == RP_JSON_NUMBER && root->number == v);
            rp_arena_fini(&a);
            i = (size_t)(end - printed.p) - 1;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rp_buf first, second;

    if (print(&first, rp_str_n((const char *)data, size)) == 0) {
        RP_ASSERT(rp_buf_err(&first) == 0);
        RP_ASSERT(print(&second, rp_buf_view(&first)) == 0);
        RP_ASSERT(rp_str_eq(rp_buf_view(&first), rp_buf_view(&second)));
        check_numbers(rp_buf_view(&first));
        rp_buf_fini(&second);
    }
    rp_buf_fini(&first);
    return 0;
}
