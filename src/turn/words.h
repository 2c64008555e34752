/* Words in what recognisers and agents write: UTF-8, any language, any punctuation. */
#ifndef RP_TURN_WORDS_H
#define RP_TURN_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct rp_word {
    struct rp_str core; /* without the punctuation around it; never empty */
    struct rp_str tail; /* the punctuation behind it */
};

/* Cuts the next word off *rest: false when there is none left. Words are separated by white space;
 * one without a letter or digit ("-", an emoji) is none. */
bool rp_words_next(struct rp_str *rest, struct rp_word *w);
uint32_t rp_words_count(struct rp_str text);
/* Is there any? */
bool rp_words_any(struct rp_str text);
/* Does `text` consist of words that follow one another in `spoken`? With `may_be_cut` the last one
 * may be the beginning of a word. Case and punctuation do not count. False for a text without
 * words.
 */
bool rp_words_within(struct rp_str text, struct rp_str spoken, bool may_be_cut);

#endif
