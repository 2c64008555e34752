/* The ledger of one assistant turn: which words are which samples, and which of them were heard.
 *
 *     text       |Hello |there, |what  |can ...
 *     samples    0......3200....7040...9600...........total   (as the synthesiser made them)
 *     sent       .......................8000                  (handed to the client)
 *     played     ............6100                             (what real time allows)
 *
 * What was sent at time t plays from t, or from the end of what was sent before if that is later.
 * So two numbers suffice: how much was sent, and when it will have been played. A report of the
 * client can say that it is behind this model (network, buffers), never that it is ahead of it.
 *
 * A word was heard when its last sample was played. What the caller heard, the interruption
 * context, transcripts and captions are all read off here, so that they cannot disagree. */
#ifndef RP_TURN_HEARD_H
#define RP_TURN_HEARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct rp_heard_word {
    uint32_t from, to; /* bytes of the text */
    uint32_t at, end;  /* samples of the turn's audio */
};

struct rp_heard {
    struct rp_heard_word *words;
    uint32_t nwords, size;
    int64_t sent;        /* samples */
    int64_t play_end_us; /* when all of them will have been played, by the model */
    int64_t late_us;     /* how far the client is behind the model, by its last report */
    int64_t stopped_at;  /* playing stopped at this sample, or -1 */
};

/* No allocation. */
void rp_heard_init(struct rp_heard *h);
void rp_heard_fini(struct rp_heard *h);

/* The next word. Out of order or reversed values are straightened. RP_ENOMEM, RP_ELIMIT: the word
 * is not counted as heard later. */
int rp_heard_word(struct rp_heard *h, uint32_t from, uint32_t to, int64_t at, int64_t end);
/* `total` samples have been handed to the client by now. */
void rp_heard_sent(struct rp_heard *h, int64_t now_us, int64_t total);
/* The client says that it has played `pos` samples (beyond what was sent: all of them). */
void rp_heard_report(struct rp_heard *h, int64_t now_us, int64_t pos);
/* Playing stops here: at `pos`, or now if that is earlier. Again: only ever earlier. */
void rp_heard_stop(struct rp_heard *h, int64_t now_us, int64_t pos);

/* Samples played by now. */
int64_t rp_heard_played(const struct rp_heard *h, int64_t now_us);
/* The sample that played, or would have, at a time in the last seconds. */
int64_t rp_heard_playing(const struct rp_heard *h, int64_t at_us);
/* Real time at which all that was sent will have been played. */
int64_t rp_heard_end_us(const struct rp_heard *h);

/* Length of the part of `text` whose words end at or before `played`. The cut is behind a word and
 * the punctuation that clings to it, never inside a UTF-8 sequence. */
size_t rp_heard_prefix(const struct rp_heard *h, struct rp_str text, int64_t played);
/* The part of `text` whose words sound between two samples; empty if there is none. */
struct rp_str rp_heard_between(const struct rp_heard *h, struct rp_str text, int64_t from,
                               int64_t to);

#endif
