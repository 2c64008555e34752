/* Words; see words.h. */
#include "turn/words.h"

#include "base/check.h"
#include "codec/utf8.h"

/* Letters and digits: everything beyond ASCII but the blocks of punctuation and symbols. */
static bool is_word_char(uint32_t cp)
{
    static const struct {
        uint32_t first, last;
    } others[] = {{0x80, 0xa9},     {0xab, 0xb4},     {0xb6, 0xb9},     {0xbb, 0xbf},
                  {0xd7, 0xd7},     {0xf7, 0xf7},     {0x2000, 0x2bff}, {0x3000, 0x3004},
                  {0x3008, 0x3020}, {0xfe00, 0xfe6f}, {0xff00, 0xff0f}, {0xff1a, 0xff20},
                  {0xff3b, 0xff40}, {0xff5b, 0xff65}, {0xfff0, 0xffff}, {0x1f000, 0x1faff}};

    if (cp < 0x80)
        return (cp >= '0' && cp <= '9') || ((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z');
    for (size_t i = 0; i < RP_COUNT(others); i++)
        if (cp >= others[i].first && cp <= others[i].last)
            return false;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool rp_words_next(struct rp_str *rest, struct rp_word *w)
{
    while (rest->len > 0) {
        size_t from = 0, core = 0, core_end = 0, end;
        uint32_t cp;

        while (from < rest->len && is_space(rest->p[from]))
            from++;
        for (end = from; end < rest->len && !is_space(rest->p[end]);) {
            size_t len;

            cp = rp_utf8_at(rp_str_from(*rest, end), &len);
            if (is_word_char(cp)) {
                core = core_end ? core : end;
                core_end = end + len;
            }
            end += len;
        }
        w->core = rp_str_n(rest->p + core, core_end - core);
        w->tail = rp_str_n(rest->p + core_end, end - core_end);
        *rest = rp_str_from(*rest, end);
        if (w->core.len > 0)
            return true;
    }
    return false;
}

uint32_t rp_words_count(struct rp_str text)
{
    struct rp_word w;
    uint32_t n = 0;

    while (rp_words_next(&text, &w))
        n++;
    return n;
}

bool rp_words_any(struct rp_str text)
{
    struct rp_word w;

    return rp_words_next(&text, &w);
}

/* Do the words of `text` stand at the beginning of `spoken`? */
static bool starts_with_words(struct rp_str text, struct rp_str spoken, bool may_be_cut)
{
    struct rp_word t, s;

    while (rp_words_next(&text, &t)) {
        bool cut = may_be_cut && !rp_words_any(text);

        if (!rp_words_next(&spoken, &s) || t.core.len > s.core.len)
            return false;
        if (!rp_str_eq_nocase(t.core, cut ? rp_str_first(s.core, t.core.len) : s.core))
            return false;
    }
    return true;
}

bool rp_words_within(struct rp_str text, struct rp_str spoken, bool may_be_cut)
{
    struct rp_word w;

    if (!rp_words_any(text))
        return false;
    do {
        if (starts_with_words(text, spoken, may_be_cut))
            return true;
    } while (rp_words_next(&spoken, &w));
    return false;
}
