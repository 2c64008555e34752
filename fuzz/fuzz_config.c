/* The agent config: whatever the text, an answer within the arena, and either a config or errors.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/err.h"
#include "session/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rp_config_report report;
    const struct rp_config *c = NULL;
    struct rp_arena a;
    struct rp_buf b;
    struct rp_jw w = {.b = &b};
    int err;

    rp_arena_init(&a, 8u << 20);
    rp_buf_init(&b, 1u << 20);
    report = (struct rp_config_report){.nerrors = 0};
    err = rp_config_parse_text(&c, &a, rp_str_n((const char *)data, size), NULL, &report);
    if (err == 0) {
        RP_ASSERT(c && report.nerrors == 0);
        RP_ASSERT(c->agent != RP_CONFIG_WEBHOOK || c->webhook.url.p);
        rp_config_write_client(&w, c);
    } else if (err == RP_EPROTO) {
        RP_ASSERT(!c && report.nerrors > 0);
        rp_config_report_text(&b, &report);
    }
    RP_ASSERT(rp_buf_err(&b) == 0);
    rp_buf_fini(&b);
    rp_arena_fini(&a);
    return 0;
}
