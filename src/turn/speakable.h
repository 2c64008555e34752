/* Turns written text into text that a synthesiser can say.
 *
 * Language models write for the eye: markdown, links, tables, emoji, "5 km/h", "e.g.", phone
 * numbers. Read out as symbols that is noise. What stands here is the same for every engine: marks
 * are dropped or become pauses, symbols and abbreviations become words, addresses are spelled the
 * way people say them. Numbers, ordinals and years stay digits: engines read those well.
 *
 * Text in other scripts passes unchanged. Pure; English rules. */
#ifndef RP_TURN_SPEAKABLE_H
#define RP_TURN_SPEAKABLE_H

#include "base/buf.h"
#include "turn/sentence.h"

/* How a piece of text is bounded. */
struct rp_speakable_at {
    uint32_t base;   /* offset of its first byte in the turn; added to the spans */
    bool line_start; /* it begins a line: headings, list markers and tables are looked for */
    bool complete;   /* it ends a line or the answer: the voice falls even without a full stop */
};

/* Appends what is to be said of `raw` to `speech` and the spans (struct rp_span, packed) to
 * `spans`. Errors are those of the buffers. */
int rp_speakable(struct rp_str raw, const struct rp_speakable_at *at, struct rp_buf *speech,
                 struct rp_buf *spans);

#endif
