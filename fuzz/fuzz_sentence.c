/* The sentence cutter on foreign text: the segments follow one another without a hole, spans stand
 * in order, and they are the same whether the text comes at once or in pieces. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "base/random.h"
#include "turn/sentence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct rp_segment *g, uint32_t from)
{
    uint32_t speech_from = 0;

    RP_ASSERT(g->from == from && g->to > g->from);
    RP_ASSERT((g->nspans == 0) == (g->speech.len == 0));
    for (size_t i = 0; i < g->nspans; i++) {
        const struct rp_span *s = &g->spans[i];

        RP_ASSERT(s->from >= from && s->to > s->from && s->to <= g->to);
        RP_ASSERT(s->speech_from >= speech_from && s->speech_to > s->speech_from);
        RP_ASSERT(s->speech_to <= g->speech.len);
        from = s->to;
        speech_from = s->speech_to;
    }
    RP_ASSERT(rp_segment_heard(g, (uint32_t)g->speech.len) == g->to);
}

/* Appends where each segment ends and what it says. */
static void drain(struct rp_sentence *s, struct rp_buf *out, uint32_t *to)
{
    struct rp_segment *g;

    while (rp_sentence_next(s, &g) == 0) {
        check(g, *to);
        *to = g->to;
        (void)rp_buf_printf(out, "%u", g->to);
        (void)rp_buf_str(out, g->speech);
        rp_segment_free(g);
    }
}

static void run(struct rp_str text, struct rp_rng *pieces, struct rp_buf *out)
{
    struct rp_sentence s;
    size_t total = text.len;
    uint32_t to = 0;

    rp_sentence_init(&s);
    while (text.len) {
        size_t n = pieces ? 1 + rp_rng_below(pieces, RP_MIN(text.len, 30)) : text.len;

        RP_ASSERT(rp_sentence_push(&s, rp_str_first(text, n)) == 0);
        drain(&s, out, &to);
        text = rp_str_from(text, n);
    }
    rp_sentence_finish(&s);
    drain(&s, out, &to);
    RP_ASSERT(to == total);
    rp_sentence_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rp_str text = rp_str_n((const char *)data, RP_MIN(size, (size_t)1 << 16));
    struct rp_rng pieces = {size};
    struct rp_buf whole, parts;

    rp_buf_init(&whole, (size_t)1 << 24);
    rp_buf_init(&parts, (size_t)1 << 24);
    run(text, NULL, &whole);
    run(text, &pieces, &parts);
    RP_ASSERT(rp_str_eq(rp_buf_view(&whole), rp_buf_view(&parts)));
    rp_buf_fini(&whole);
    rp_buf_fini(&parts);
    return 0;
}
