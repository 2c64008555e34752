/* Text to the tokens that flite is to read.
 *
 * flite has a tokeniser of its own, but loses where in the text a token stood, knows only ASCII,
 * and reads "API" as a word. This one keeps the byte range of each word, folds accents away and
 * spells acronyms. What flite reads well (numbers, dates, years, hyphens) passes unchanged. Pure.
 */
#ifndef RP_TTS_FLITE_TOKENS_H
#define RP_TTS_FLITE_TOKENS_H

#include "base/str.h"

#define RP_FLITE_TOKEN_MAX 48 /* longest name with its NUL; longer words are read in parts */
#define RP_FLITE_WORD_MAX  256

struct rp_flite_token {
    char name[RP_FLITE_TOKEN_MAX]; /* ASCII; empty: a word that cannot be read, no token */
    char punc[2];                  /* the mark behind it that makes a pause, or "" */
    uint32_t from, to;             /* bytes of the word it belongs to */
};

struct rp_flite_reader {
    struct rp_str text;
    size_t at;
    bool shouted; /* no lower case anywhere: capitals mean nothing */
    /* The word in hand: its parts, divided by blanks, [part, len) still to be given out. */
    char parts[RP_FLITE_WORD_MAX];
    size_t part, len;
    uint32_t from, to;
    char punc;
};

/* Borrows the text. */
void rp_flite_reader_init(struct rp_flite_reader *r, struct rp_str text);
/* The next token; false at the end of the text. */
bool rp_flite_read(struct rp_flite_reader *r, struct rp_flite_token *out);

#endif
