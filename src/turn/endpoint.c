/* How long silence must last; see endpoint.h.
 *
 * Recognisers end every piece with a full stop, whatever it was a piece of, so a full stop says
 * little; a comma or a question mark says something, since they put those by the melody. The rest
 * is said by the last words: an English sentence seldom ends in "the". Words of other languages are
 * in no table and count as complete; what a caller does with that is learnt by the turn machine,
 * which waits longer for one who was cut off (turn_user.c).
 *
 * A score from 0 (complete) to 100 (certainly not) is the position between the two silences. */
#include "turn/endpoint.h"

#include "base/check.h"
#include "turn/words.h"

enum { COMPLETE = 0, OPEN = 35, COMMA = 75, CERTAIN = 100, LAST = 4 };

struct last_words {
    struct rp_str at[LAST]; /* at[0] is the last one */
    struct rp_str first;
    struct rp_str tail; /* punctuation behind the last one */
    uint32_t n;
    uint32_t ndigits; /* digits in a row at the end, "five five 5" */
    bool cased;       /* it begins with a capital: this recogniser punctuates */
};

/* What a last word says about the end; `asked` is for a question ("what are you looking for"). */
static const struct {
    const char *words; /* one space around each */
    int score, asked;
} endings[] = {
    /* Articles, possessives, conjunctions, sounds of thinking: something follows. */
    {" a an the my your our their every another and or nor because although unless um umm uh uhm "
     "er "
     "erm ehm hmm hm ",
     100, 100},
    {" i'm i've i'll you're we're they're he's she's it's that's there's what's where's who's "
     "let's "
     "i'd we'd you'd they'd ",
     95, 95},
    {" of whose whether than if but its is are was were am ", 90, 60},
    {" i we they he she gonna wanna gotta ", 85, 85},
    {" to into onto between during without for with from by at about via per ", 75, 15},
    {" very quite really some any these those each both several many which when while until since "
     "as just also even ",
     65, 30},
    {" want wants need needs wanted needed would could should might must may will can has have had "
     "does do did been be being give gives put send like ",
     60, 40},
    {" so then well actually basically anyway not only ", 60, 40},
    {" in on off up out down over back where how what why who ", 30, 10},
    {" hundred thousand million twenty thirty forty fifty sixty seventy eighty ninety point dot ",
     40, 40},
};

/* Short answers that are complete although their last word says otherwise, and the reverse: the end
 * of the whole text, as words. */
static const struct {
    const char *words;
    int score;
} phrases[] = {
    {"i think so", 0},    {"i hope so", 0},        {"i guess so", 0},
    {"why not", 0},       {"of course not", 0},    {"i do", 10},
    {"i am", 15},         {"it is", 15},           {"i can", 15},
    {"i will", 10},       {"i have", 30},          {"they are", 20},
    {"we are", 20},       {"he is", 20},           {"she is", 20},
    {"you are", 20},      {"i did", 10},           {"i would", 25},
    {"that is", 40},      {"let me", 95},          {"tell me", 60},
    {"give me", 75},      {"show me", 75},         {"send me", 75},
    {"get me", 75},       {"i think", 70},         {"i mean", 80},
    {"you know", 70},     {"i want", 85},          {"i need", 85},
    {"i would like", 95}, {"i'd like", 95},        {"would like", 90},
    {"my name is", 100},  {"number is", 100},      {"can you", 85},
    {"could you", 90},    {"would you", 90},       {"will you", 75},
    {"do you", 80},       {"did you", 60},         {"are you", 60},
    {"have you", 70},     {"can i", 90},           {"could i", 90},
    {"may i", 80},        {"kind of", 85},         {"sort of", 85},
    {"a lot of", 95},     {"such as", 95},         {"for example", 70},
    {"at least", 60},     {"i was wondering", 95}, {"i'm looking for", 95},
    {"right", 10},        {"you can", 40},
};

static bool has_word(const char *list, struct rp_str word)
{
    struct rp_str rest = rp_str_z(list);

    while (rest.p)
        if (rp_str_eq_nocase(rp_str_split(&rest, ' '), word))
            return word.len > 0;
    return false;
}

static bool is_asking(struct rp_str word)
{
    static const char *const openers =
        " what what's where where's who who's whom which when when's why how how's ";

    return has_word(openers, word);
}

static bool is_digit_word(struct rp_str word)
{
    static const char *const digits =
        " zero oh one two three four five six seven eight nine double ";

    if (has_word(digits, word))
        return true;
    for (size_t i = 0; i < word.len; i++)
        if (word.p[i] < '0' || word.p[i] > '9')
            return false;
    return word.len > 0;
}

/* How many digits a word stands for: "five" 1, "555" 3. */
static uint32_t digits_in(struct rp_str word)
{
    return word.p[0] >= '0' && word.p[0] <= '9' ? (uint32_t)word.len : 1;
}

static void look_at(struct rp_str text, struct last_words *l)
{
    struct rp_word w;

    *l = (struct last_words){0};
    while (rp_words_next(&text, &w)) {
        if (l->n++ == 0) {
            l->first = w.core;
            l->cased = w.core.p[0] >= 'A' && w.core.p[0] <= 'Z';
        }
        for (int i = LAST - 1; i > 0; i--)
            l->at[i] = l->at[i - 1];
        l->at[0] = w.core;
        l->tail = w.tail;
        l->ndigits = is_digit_word(w.core) ? l->ndigits + digits_in(w.core) : 0;
    }
}

/* Does the text end in these words? */
static bool ends_in(const struct last_words *l, const char *phrase)
{
    struct rp_str rest = rp_str_z(phrase);
    uint32_t n = rp_words_count(rest);

    if (n > l->n)
        return false;
    for (uint32_t i = n; i-- > 0;)
        if (!rp_str_eq_nocase(rp_str_split(&rest, ' '), l->at[i]))
            return false;
    return true;
}

static int score_words(const struct last_words *l)
{
    bool asked = is_asking(l->first) || (l->tail.len > 0 && l->tail.p[0] == '?');

    for (size_t i = 0; i < RP_COUNT(phrases); i++)
        /* "where are you" is complete, "are you" is not. */
        if (ends_in(l, phrases[i].words) && !(asked && is_asking(l->first)))
            return phrases[i].score;
    for (size_t i = 0; i < RP_COUNT(endings); i++)
        if (has_word(endings[i].words, l->at[0]))
            return asked ? endings[i].asked : endings[i].score;
    /* Two digits or more are a number that is being read out, until it is long enough for one. A
     * year or a time has four, a phone number seven and more. */
    if (l->ndigits >= 2)
        return l->ndigits == 4 ? OPEN : l->ndigits < 7 ? 70 : l->ndigits < 10 ? OPEN : COMPLETE;
    /* "if you go there": the main clause is to come. */
    if (l->n < 7 && has_word(" if when because although while unless once ", l->first) && !asked)
        return 60;
    if (l->n == 1)
        return has_word(" hi hello hey okay ok yes yeah sorry ", l->first) ? 15 : 10;
    return COMPLETE;
}

static int score_tail(const struct last_words *l)
{
    static const char *const more = ",;:-";

    if (rp_str_find_str(l->tail, RP_STR("...")) >= 0 ||
        rp_str_find_str(l->tail, RP_STR("\xe2\x80\xa6")) >= 0 ||
        rp_str_find_str(l->tail, RP_STR("\xe2\x80\x94")) >= 0)
        return 90;
    if (l->tail.len > 0 && memchr(more, l->tail.p[0], 4))
        return COMMA;
    /* It punctuates, and did not. */
    if (l->tail.len == 0 && l->cased && l->n > 2)
        return OPEN;
    return COMPLETE;
}

int32_t rp_endpoint_silence_ms(struct rp_str words, int32_t min_ms, int32_t max_ms)
{
    struct last_words l;
    int score;

    look_at(words, &l);
    /* No words: noise, or a word that was too short. Give it a moment. */
    score = l.n == 0 ? OPEN : RP_MAX(score_words(&l), score_tail(&l));
    return min_ms + (int32_t)((int64_t)(max_ms - min_ms) * score / CERTAIN);
}
