/* Backends' answers: first byte picks request, status and content type, the second the size of the
 * pieces, the rest is the body. Each answer must end exactly once. */
#include "agent/answer.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct watch {
    int ends;
};

static void on_event(const struct rp_agent_event *ev, void *arg)
{
    struct watch *w = arg;

    RP_ASSERT(w->ends == 0);
    if (ev->type == RP_AGENT_END || ev->type == RP_AGENT_ERROR)
        w->ends++;
    RP_ASSERT((ev->type == RP_AGENT_ERROR) == (ev->code != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"text/event-stream", "application/json", "text/plain", ""};
    struct watch w = {0};
    struct rp_answer_params p = {.turn_id = "t1", .max_event = 512, .fn = on_event, .arg = &w};
    struct rp_answer a;
    struct rp_str body;
    size_t step;

    if (size < 2)
        return 0;
    (void)rp_log_set(RP_LOG_ERROR, NULL);
    p.type = data[0] & 4 ? RP_AGENT_DATA : RP_AGENT_MESSAGE;
    step = data[1] ? data[1] : size;
    body = rp_str_n((const char *)data + 2, size - 2);

    rp_answer_init(&a, &p);
    rp_answer_headers(&a, data[0] & 8 ? 500 : 200, rp_str_z(types[data[0] & 3]));
    for (size_t at = 0; at < body.len; at += step)
        rp_answer_data(&a, rp_str_first(rp_str_from(body, at), step));
    rp_answer_end(&a);
    RP_ASSERT(w.ends == 1);
    rp_answer_fini(&a);
    return 0;
}
