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
    struct rp_str first, second;
    struct rp_str tail; /* what stands behind the last one */
    uint32_t n;
    uint32_t digits;  /* digits in a row at the end, "five five 5", */
    uint32_t ndigits; /* in so many words */
    bool cased;       /* it begins with a capital: this recogniser punctuates */
};

/* clang-format off */

/* What a last word says about the end; `asked` is for a question ("what are you looking for"). */
static const struct {
    const char *words;
    int score, asked;
} endings[] = {
    /* Articles, possessives, conjunctions, sounds of thinking: something follows. */
    {"a an the my your our their every another and or nor because although unless", 100, 100},
    {"um umm uh uhm er erm ehm hmm hm", 100, 100},
    {"i'm i've i'll you're we're they're he's she's it's that's there's what's where's", 95, 95},
    {"who's let's i'd we'd you'd they'd", 95, 95},
    {"of whose whether than if but its is are was were am", 90, 60},
    {"i we they he she gonna wanna gotta", 85, 15},
    {"to into onto between during without for with from by at about via per through", 75, 15},
    {"very quite really both several many which when while until since as just also even", 65, 30},
    {"would could should might must may will can has had does", 60, 60},
    {"want wants need needs wanted needed have did do be been being give gives put send like", 60, 5},
    {"so then well actually basically anyway not only", 60, 40},
    {"each some any in on off up out down over back where how what why who", 25, 10},
    {"hundred thousand million point dot", 40, 40},
};

/* Short answers that are complete although their last word says otherwise, and the reverse: the end
 * of the whole text. The first that fits. An `opener` opens a question, unless one has been opened
 * already: "are you", but "where are you". */
static const struct {
    const char *words;
    int score;
    bool opener;
} phrases[] = {
    {"think so", 0, false}, {"hope so", 0, false}, {"guess so", 0, false},
    {"why not", 0, false}, {"of course not", 0, false}, {"all i need", 0, false},
    {"all i want", 0, false}, {"what i need", 20, false}, {"what i want", 20, false},
    {"i do", 10, false}, {"i am", 15, false}, {"it is", 15, false}, {"i can", 15, false},
    {"i will", 10, false}, {"i have", 30, false}, {"i did", 10, false}, {"i would", 25, false},
    {"they are", 20, false}, {"we are", 20, false}, {"he is", 20, false}, {"she is", 20, false},
    {"you are", 20, false}, {"that is", 40, false}, {"do i", 25, false},
    {"let me", 95, false}, {"tell me", 60, false}, {"give me", 75, false},
    {"show me", 75, false}, {"send me", 75, false}, {"get me", 75, false},
    {"i think", 70, true}, {"i mean", 80, true}, {"you know", 70, true}, {"i want", 85, true},
    {"i need", 85, true}, {"would like", 95, true}, {"i'd like", 95, true},
    {"name is", 100, true}, {"number is", 100, true}, {"address is", 100, true},
    {"can you", 85, true}, {"could you", 90, true}, {"would you", 90, true},
    {"will you", 75, true}, {"do you", 80, true}, {"did you", 60, true}, {"are you", 60, true},
    {"have you", 70, true}, {"can i", 90, true}, {"could i", 90, true}, {"may i", 80, true},
    {"kind of", 85, false}, {"sort of", 85, false}, {"such as", 95, false},
    {"for example", 70, false}, {"at least", 60, false}, {"i was wondering", 95, false},
    {"i'm looking for", 95, false}, {"you can", 40, true},
};

/* clang-format on */

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
        "what what's where where's who who's whom which when when's why how how's";

    return has_word(openers, word);
}

static bool is_number(struct rp_str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (word.p[i] < '0' || word.p[i] > '9')
            return false;
    return word.len > 0;
}

/* How many digits a word stands for: "five" 1, "555" 3, "table" 0. */
static uint32_t digits_in(struct rp_str word)
{
    static const char *const digits = "zero oh one two three four five six seven eight nine double";

    return is_number(word) ? (uint32_t)word.len : has_word(digits, word) ? 1 : 0;
}

static void look_at(struct rp_str text, struct last_words *l)
{
    struct rp_str rest = text;
    struct rp_word w;

    *l = (struct last_words){0};
    while (rp_words_next(&text, &w)) {
        uint32_t digits = digits_in(w.core);

        if (l->n++ == 0) {
            l->first = w.core;
            l->cased = w.core.p[0] >= 'A' && w.core.p[0] <= 'Z';
        }
        if (l->n == 2)
            l->second = w.core;
        for (int i = LAST - 1; i > 0; i--)
            l->at[i] = l->at[i - 1];
        l->at[0] = w.core;
        l->tail = w.tail;
        l->digits = digits ? l->digits + digits : 0;
        l->ndigits = digits ? l->ndigits + 1 : 0;
        rest = text;
    }
    /* A dash or a question mark may stand by itself. */
    if (l->tail.len == 0)
        l->tail = rp_str_trim(rest);
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

/* A number that is being read out, until it is long enough for one: a year or a time has four
 * digits, a phone number seven and more. One short word of digits is a number by itself. */
static int score_digits(const struct last_words *l)
{
    if (l->digits < 2 || (l->ndigits == 1 && l->digits == 2))
        return COMPLETE;
    return l->digits == 4 ? OPEN : l->digits < 7 ? 70 : l->digits < 10 ? OPEN : COMPLETE;
}

/* "if you go there": the main clause is to come. */
static bool is_subordinate(const struct last_words *l)
{
    static const char *const openers = "if because although while unless once";
    static const char *const asking = "do does did is are was were can could will would should";

    if (l->n >= 7)
        return false;
    return has_word(openers, l->first) ||
           (rp_str_eq_nocase(l->first, RP_STR("when")) && l->n > 2 && !has_word(asking, l->second));
}

static int score_words(const struct last_words *l)
{
    static const char *const tens = "twenty thirty forty fifty sixty seventy eighty ninety";
    bool opened = is_asking(l->first);
    bool asked = opened || (l->tail.len > 0 && l->tail.p[0] == '?');

    if (is_subordinate(l))
        return 60;
    for (size_t i = 0; i < RP_COUNT(phrases); i++)
        if (ends_in(l, phrases[i].words) && !(opened && phrases[i].opener))
            return phrases[i].score;
    for (size_t i = 0; i < RP_COUNT(endings); i++)
        if (has_word(endings[i].words, l->at[0]))
            return asked ? endings[i].asked : endings[i].score;
    if (has_word(tens, l->at[0]) && (l->n < 2 || !digits_in(l->at[1])))
        return OPEN;
    if (l->digits)
        return score_digits(l);
    return l->n == 1 ? 10 : COMPLETE;
}

static int score_tail(const struct last_words *l)
{
    static const char *const more = ",;:-";

    if (rp_str_find_str(l->tail, RP_STR("...")) >= 0 ||
        rp_str_find_str(l->tail, RP_STR("\xe2\x80\xa6")) >= 0 || /* an ellipsis */
        rp_str_find_str(l->tail, RP_STR("\xe2\x80\x94")) >= 0)   /* a long dash */
        return 90;
    if (l->tail.len > 0 && strchr(more, l->tail.p[0]))
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
