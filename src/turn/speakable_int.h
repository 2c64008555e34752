/* Shared by speakable.c (words and marks) and speakable_words.c (what a word's core means). */
#ifndef RP_TURN_SPEAKABLE_INT_H
#define RP_TURN_SPEAKABLE_INT_H

#include "codec/utf8.h"
#include "turn/speakable.h"

/* One run of rp_speakable. Failed appends are remembered by the buffers. */
struct rp_speaker {
    struct rp_str raw;
    const struct rp_speakable_at *at;
    struct rp_buf *speech, *spans;
    size_t start;       /* length of `speech` at the beginning */
    struct rp_str rest; /* what follows the word in hand */
    const char *owed;   /* to be said behind the next word, or NULL */
    bool number;        /* the word before was a number */
    bool table;         /* the line is a row of a table */
};

/* A blank, unless there is one already or nothing was said. */
void rp_say_gap(struct rp_speaker *o);
/* Words, with a blank on both sides. */
void rp_say(struct rp_speaker *o, const char *z);
/* Characters, joined to what was said before. */
void rp_say_str(struct rp_speaker *o, struct rp_str s);
/* A pause behind what was said; the stronger of two marks stays. 0 only drops blanks. */
void rp_say_pause(struct rp_speaker *o, char mark);

/* What was said since `speech_from` (if anything) is how the bytes [from, to) of `raw` are spoken.
 */
void rp_say_span(struct rp_speaker *o, size_t from, size_t to, size_t speech_from);

/* Says the core of a word. May take back the pause mark behind it (the stop of "e.g."). */
void rp_say_core(struct rp_speaker *o, struct rp_str core, char *pause);
/* Says the telephone number at raw[i], digit by digit; its length, or 0 if there is none. */
size_t rp_say_phone(struct rp_speaker *o, size_t i);
/* Emoji, arrows, boxes, joiners and the like: never said. */
bool rp_is_picture(uint32_t c);

static inline bool rp_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool rp_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool rp_is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

#endif
