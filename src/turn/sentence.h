/* Cuts an answer that is still being written into segments that can be spoken at once.
 *
 *     push("Sure! I have lo")  push("oked it up: Dr. Sm")  push("ith is in at 3.30 p.m.")  finish
 *     segments:  "Sure!"   " I have looked it up:"   " Dr. Smith is in at 3.30 p.m."
 *
 * The first segment of a turn is kept short, since somebody is waiting for it; later ones are whole
 * sentences or long clauses. Where a cut falls depends on the text alone, never on how it was split
 * into deltas; only rp_sentence_stalled (the stream has paused) may cut somewhere else. The
 * segments follow one another without a hole: together they are the whole text.
 *
 * Each segment carries what is to be said, which is not what is written (markdown, links, emoji,
 * units…; see speakable.h), and spans that tie the two together, one for each word as written: so
 * what the caller has heard can be told as a prefix of the written text.
 *
 * Pure: no I/O and no clock; the caller owns the timer. Not thread-safe. */
#ifndef RP_TURN_SENTENCE_H
#define RP_TURN_SENTENCE_H

#include "base/buf.h"
#include "base/list.h"

/* Text of one turn that may wait here uncut (one delta may be as long). */
#define RP_SENTENCE_PENDING_MAX ((size_t)1 << 20)

/* One word as written, and how it is spoken. */
struct rp_span {
    uint32_t from, to;               /* bytes of the turn's whole text */
    uint32_t speech_from, speech_to; /* bytes of the segment's speech, punctuation left out */
};

struct rp_segment {
    struct rp_node node;  /* the owner's, to keep segments in a list */
    uint32_t from, to;    /* bytes of the turn's whole text */
    struct rp_str speech; /* UTF-8, one line, NUL-terminated; empty: there is nothing to say */
    const struct rp_span *spans; /* in order; empty if the speech is */
    size_t nspans;
};

struct rp_sentence {
    struct rp_buf text; /* as written; [at, len) is not cut yet */
    size_t at;
    uint32_t from;   /* offset of text[at] in the turn */
    bool begun;      /* something to be spoken was given out already */
    bool line_start; /* text[at] begins a line */
    bool in_code;    /* text[at] is inside a fenced block of code */
    bool finished;
    bool stalled;
};

void rp_sentence_init(struct rp_sentence *s);
void rp_sentence_fini(struct rp_sentence *s);
/* The next piece of the answer; copied. RP_ELIMIT (more pending than the maximum) and RP_ENOMEM
 * leave everything as it was. */
int rp_sentence_push(struct rp_sentence *s, struct rp_str delta);
/* The answer is complete: the rest is given out. */
void rp_sentence_finish(struct rp_sentence *s);
/* How long to wait for more text before rp_sentence_stalled: -1 if nothing is waiting, a moment if
 * it looks complete, else longer. */
int rp_sentence_patience_ms(const struct rp_sentence *s);
/* No text has come for that long: what is pending is given out as if the text ended here (a word
 * that was cut in the middle cannot be told from a whole one). More text may follow. */
void rp_sentence_stalled(struct rp_sentence *s);
/* The next segment, or RP_EAGAIN: not before more text, or RP_ENOMEM: try again. On 0 the caller
 * owns *out (rp_segment_free). */
int rp_sentence_next(struct rp_sentence *s, struct rp_segment **out);

void rp_segment_free(struct rp_segment *seg);
/* The span spoken by byte `at` of the speech (or the one before it); NULL if there is none. */
const struct rp_span *rp_segment_span(const struct rp_segment *seg, uint32_t at);
/* Up to where in the turn's text the caller has heard the words, once the first `speech_to` bytes
 * of this segment's speech were played. A word as written counts when all of it was spoken. */
uint32_t rp_segment_heard(const struct rp_segment *seg, uint32_t speech_to);

#endif
