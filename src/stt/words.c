/* Cleans what a recogniser wrote; see words.h. */
#include "stt/words.h"

#include "base/buf.h"
#include "base/mem.h"

#define WORDS_MAX      512
#define PHRASE_MAX     8   /* words in a phrase that may repeat */
#define REPEATS_MAX    4   /* people do say "no, no, no"; a network that hangs says it for ever */
#define WORDS_A_SECOND 7.0 /* nobody speaks faster */

/* The next word; sounds such as "[music]" are passed over. */
static struct rp_str next_word(struct rp_str *rest)
{
    for (;;) {
        struct rp_str trimmed = rp_str_trim(*rest), word;
        if (trimmed.len == 0) {
            *rest = trimmed;
            return trimmed;
        }
        word = rp_str_split(&trimmed, ' ');
        *rest = trimmed.p ? trimmed : RP_STR("");
        if (!((word.p[0] == '[' && word.p[word.len - 1] == ']') ||
              (word.p[0] == '(' && word.p[word.len - 1] == ')')))
            return word;
    }
}

static struct rp_str bare(struct rp_str word)
{
    while (word.len && strchr(".,!?;:", word.p[word.len - 1]))
        word.len--;
    return word;
}

static bool same_phrase(const struct rp_str *a, const struct rp_str *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!rp_str_eq_nocase(bare(a[i]), bare(b[i])))
            return false;
    return true;
}

/* Whether the words end in more repetitions of one phrase than people say; then their number
 * without the surplus. */
static size_t without_surplus(const struct rp_str *words, size_t n)
{
    for (size_t len = 1; len <= PHRASE_MAX; len++) {
        size_t times = 1;
        while ((times + 1) * len <= n &&
               same_phrase(words + n - (times + 1) * len, words + n - times * len, len))
            times++;
        if (times > REPEATS_MAX)
            return n - (times - REPEATS_MAX) * len;
    }
    return n;
}

char *rp_stt_clean(struct rp_str text, double seconds)
{
    struct rp_str words[WORDS_MAX], word;
    size_t most = (size_t)(seconds * WORDS_A_SECOND) + 2, n = 0;
    struct rp_buf b;

    while (n < WORDS_MAX && n < most) {
        word = next_word(&text);
        if (word.len == 0)
            break;
        words[n++] = word;
        n = without_surplus(words, n);
    }
    rp_buf_init(&b, 64u << 10);
    for (size_t i = 0; i < n; i++) {
        if (i)
            (void)rp_buf_char(&b, ' ');
        /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): without_surplus only lowers n */
        (void)rp_buf_str(&b, words[i]);
    }
    return rp_buf_take(&b);
}
