/* Options of the turn machine: the `turn_manager` plugin of an agent's config.
 *
 * One row each; the row yields the struct member, the default, the check of a config, and the table
 * in docs/turns.md. The rows' defaults and bounds are in milliseconds where the name says so. */
#ifndef RP_TURN_OPTIONS_H
#define RP_TURN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum rp_turn_mode { RP_TURN_AUTOMATIC, RP_TURN_PUSH_TO_TALK };

/* What a hang-up does when the caller speaks into the agent's last words. */
enum rp_turn_hangup { RP_TURN_HANGUP_FINISH, RP_TURN_HANGUP_CANCEL };

#define RP_TURN_TEXT_OPTION_MAX 500 /* longest `fallback`, `filler`, in bytes */

/*  X(kind, member, default, least, most, choices, help) */
#define RP_TURN_OPTIONS(X)                                                                         \
    X(CHOICE, mode, RP_TURN_AUTOMATIC, 0, 0, "automatic|push_to_talk",                             \
      "who says when the caller's turn begins and ends: the voice or a button")                    \
    X(BOOL, can_interrupt, true, 0, 1, "", "the caller may interrupt the agent by speaking")       \
    X(BOOL, protect_greeting, false, 0, 1, "", "the greeting is always spoken to its end")         \
    X(MS, min_speech_ms, 120, 0, 1000, "",                                                         \
      "with nobody speaking, this much speech begins a turn of the caller")                        \
    X(MS, min_interrupt_ms, 125, 50, 3000, "", "this much speech interrupts the agent")            \
    X(COUNT, min_interrupt_words, 0, 0, 10, "",                                                    \
      "and this many recognised words; 0: the voice is enough")                                    \
    X(MS, min_silence_ms, 220, 100, 5000, "",                                                      \
      "silence that ends a turn whose words sound complete")                                       \
    X(MS, max_silence_ms, 1200, 200, 10000, "",                                                    \
      "silence that ends any turn, however unfinished it sounds")                                  \
    X(MS, no_words_ms, 10000, 1000, 60000, "",                                                     \
      "a voice without a recognisable word for so long is taken for noise")                        \
    X(MS, max_turn_ms, 180000, 10000, 3600000, "", "a turn of the caller is cut off after this")   \
    X(BOOL, resume_false_interruption, true, 0, 1, "",                                             \
      "after an interruption without words the agent says the rest")                               \
    X(TEXT, fallback, "", 0, RP_TURN_TEXT_OPTION_MAX, "",                                          \
      "spoken when the backend failed before it said anything")                                    \
    X(BOOL, report_errors, false, 0, 1, "", "failures are shown to the client as response.data")   \
    X(TEXT, filler, "", 0, RP_TURN_TEXT_OPTION_MAX, "", "spoken while a slow backend thinks")      \
    X(MS, filler_after_ms, 1500, 200, 30000, "", "how long the backend may think before that")     \
    X(CHOICE, hangup_on_barge_in, RP_TURN_HANGUP_FINISH, 0, 0, "finish|cancel",                    \
      "the caller speaks into the last words before a hang-up: hang up all the same, or stay")

#define RP_TURN_OPTION_PRINT 32 /* room for a printed number or choice */

#define RP_TURN_MEMBER_BOOL   bool
#define RP_TURN_MEMBER_MS     int32_t
#define RP_TURN_MEMBER_COUNT  int32_t
#define RP_TURN_MEMBER_CHOICE int32_t /* position in `choices` */
#define RP_TURN_MEMBER_TEXT   const char *

/* Texts are borrowed: rp_turn_new copies them. */
struct rp_turn_options {
#define X(kind, member, dflt, least, most, choices, help) RP_TURN_MEMBER_##kind member;
    RP_TURN_OPTIONS(X)
#undef X
};

enum rp_turn_option_kind {
    RP_TURN_OPTION_BOOL,
    RP_TURN_OPTION_MS,
    RP_TURN_OPTION_COUNT,
    RP_TURN_OPTION_CHOICE,
    RP_TURN_OPTION_TEXT, /* least, most: bytes */
};

struct rp_turn_option {
    const char *name; /* the key in `turn_manager`'s options */
    enum rp_turn_option_kind kind;
    int32_t number;   /* default of BOOL, MS, COUNT, CHOICE */
    const char *text; /* default of TEXT */
    int32_t least, most;
    const char *choices; /* "a|b|c" */
    const char *help;
    size_t offset; /* in struct rp_turn_options */
};

extern const struct rp_turn_option rp_turn_option_table[];
extern const size_t rp_turn_option_count;

/* All options at their defaults. */
void rp_turn_options_default(struct rp_turn_options *o);
/* NULL if there is none of that name. */
const struct rp_turn_option *rp_turn_option_find(struct rp_str name);
/* Set one from a config. RP_EINVAL, with the struct unchanged: wrong kind or out of range. A number
 * must be whole. The text of set_text is borrowed by `o` for a TEXT and copied for nothing else. */
int rp_turn_option_set_number(struct rp_turn_options *o, const struct rp_turn_option *opt,
                              double v);
int rp_turn_option_set_bool(struct rp_turn_options *o, const struct rp_turn_option *opt, bool v);
int rp_turn_option_set_text(struct rp_turn_options *o, const struct rp_turn_option *opt,
                            const char *v);
/* Any kind from its written form: "true", "250", "push_to_talk". */
int rp_turn_option_parse(struct rp_turn_options *o, const struct rp_turn_option *opt,
                         const char *v);
/* The written form of the present value, in `buf` if it needs one. */
const char *rp_turn_option_print(const struct rp_turn_options *o, const struct rp_turn_option *opt,
                                 char buf[static RP_TURN_OPTION_PRINT]);
/* What is accepted, for messages: "a whole number from 100 to 5000"; returns `out`. */
char *rp_turn_option_range(char *out, size_t size, const struct rp_turn_option *opt);

#endif
