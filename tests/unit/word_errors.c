/* How many words of a transcript are wrong; see word_errors.h. */
#include "word_errors.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests.h"

/* ---- word errors ----------------------------------------------------------------------------- */

#define WORDS_MAX 600

struct words {
    char text[16000];
    size_t n;
    const char *word[WORDS_MAX];
};

static void add_word(struct words *w, size_t *at, const char *z)
{
    assert_true(w->n < WORDS_MAX && *at + strlen(z) + 1 < sizeof(w->text));
    w->word[w->n++] = memcpy(w->text + *at, z, strlen(z) + 1);
    *at += strlen(z) + 1;
}

/* Numbers below a hundred as words, the rest as it is. */
static void add_number(struct words *w, size_t *at, const char *digits)
{
    static const char *const ones[] = {"zero",    "one",     "two",       "three",    "four",
                                       "five",    "six",     "seven",     "eight",    "nine",
                                       "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                       "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
    static const char *const tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                       "fifty", "sixty", "seventy", "eighty", "ninety"};
    int64_t n;

    assert_int_equal(rp_str_to_i64(rp_str_z(digits), &n), 0);
    if (n >= 100) {
        add_word(w, at, digits);
    } else if (n < 20) {
        add_word(w, at, ones[n]);
    } else {
        add_word(w, at, tens[n / 10]);
        if (n % 10)
            add_word(w, at, ones[n % 10]);
    }
}

/* Lower case, without marks. */
static void split_words(struct words *w, const char *z)
{
    size_t at = 0;

    w->n = 0;
    while (*z) {
        char word[64];
        size_t n = 0;
        bool digit = *z >= '0' && *z <= '9', letter = true;

        while (n + 1 < sizeof(word) && letter) {
            char c = *z >= 'A' && *z <= 'Z' ? (char)(*z + 32) : *z;

            letter = digit ? c >= '0' && c <= '9' : (c >= 'a' && c <= 'z') || c == '\'';
            if (letter)
                word[n++] = c;
            z += letter;
        }
        word[n] = '\0';
        if (n == 0)
            z++;
        else if (digit)
            add_number(w, &at, word);
        else
            add_word(w, &at, word);
    }
}

size_t test_word_errors(const char *right, const char *heard, size_t *n)
{
    struct words *a = rp_alloc(sizeof(*a)), *b = rp_alloc(sizeof(*b));
    size_t d[WORDS_MAX + 1], errors;

    assert_true(a && b);
    split_words(a, right);
    split_words(b, heard);
    for (size_t j = 0; j <= b->n; j++)
        d[j] = j;
    for (size_t i = 1; i <= a->n; i++) {
        size_t diagonal = d[0];

        d[0] = i;
        for (size_t j = 1; j <= b->n; j++) {
            size_t change = diagonal + (strcmp(a->word[i - 1], b->word[j - 1]) != 0);

            diagonal = d[j];
            d[j] = RP_MIN(change, RP_MIN(d[j], d[j - 1]) + 1);
        }
    }
    errors = d[b->n];
    *n = a->n;
    rp_free(a);
    rp_free(b);
    return errors;
}
