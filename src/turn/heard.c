/* The ledger of an assistant turn; see heard.h. */
#include "turn/heard.h"

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/utf8.h"

enum { RATE = 16000, WORDS_FIRST = 64, WORDS_MAX = 1 << 16 };

/* Both round up: what is left to play is never taken for less than it is. */
static int64_t samples_to_us(int64_t samples)
{
    return ((samples * 1000000) + RATE - 1) / RATE;
}

static int64_t us_to_samples(int64_t us)
{
    return ((us * RATE) + 999999) / 1000000;
}

static int64_t clamp(int64_t v, int64_t least, int64_t most)
{
    return v < least ? least : v > most ? most : v;
}

void rp_heard_init(struct rp_heard *h)
{
    *h = (struct rp_heard){.stopped_at = -1};
}

void rp_heard_fini(struct rp_heard *h)
{
    rp_free(h->words);
    rp_heard_init(h);
}

int rp_heard_word(struct rp_heard *h, uint32_t from, uint32_t to, int64_t at, int64_t end)
{
    struct rp_heard_word before = {0}, *w;

    if (h->nwords == h->size) {
        uint32_t size = h->size ? h->size * 2 : WORDS_FIRST;
        if (size > WORDS_MAX)
            return RP_ELIMIT;
        w = rp_realloc(h->words, size * sizeof(*w));
        if (!w)
            return RP_ENOMEM;
        h->words = w;
        h->size = size;
    }
    if (h->nwords)
        before = h->words[h->nwords - 1];
    w = &h->words[h->nwords++];
    w->from = RP_MAX(from, before.to);
    w->to = RP_MAX(to, w->from);
    w->at = (uint32_t)clamp(at, before.at, UINT32_MAX);
    w->end = (uint32_t)clamp(end, RP_MAX(w->at, before.end), UINT32_MAX);
    return 0;
}

void rp_heard_sent(struct rp_heard *h, int64_t now_us, int64_t total)
{
    if (total <= h->sent)
        return;
    /* A pause in sending longer than what was still playing has let the client catch up. */
    if (now_us > h->play_end_us + h->late_us)
        h->late_us = 0;
    h->play_end_us = RP_MAX(now_us, h->play_end_us) + samples_to_us(total - h->sent);
    h->sent = total;
}

void rp_heard_report(struct rp_heard *h, int64_t now_us, int64_t pos)
{
    int64_t end_us;

    if (h->stopped_at >= 0)
        return;
    pos = clamp(pos, 0, h->sent);
    end_us = now_us + samples_to_us(h->sent - pos);
    h->late_us = RP_MAX(end_us - h->play_end_us, 0);
}

void rp_heard_stop(struct rp_heard *h, int64_t now_us, int64_t pos)
{
    int64_t played = rp_heard_played(h, now_us);

    h->stopped_at = clamp(pos, 0, played);
}

int64_t rp_heard_playing(const struct rp_heard *h, int64_t at_us)
{
    int64_t left_us = rp_heard_end_us(h) - at_us;

    if (left_us <= 0)
        return h->sent;
    return clamp(h->sent - us_to_samples(left_us), 0, h->sent);
}

int64_t rp_heard_played(const struct rp_heard *h, int64_t now_us)
{
    return h->stopped_at >= 0 ? h->stopped_at : rp_heard_playing(h, now_us);
}

int64_t rp_heard_end_us(const struct rp_heard *h)
{
    return h->play_end_us + h->late_us;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t rp_heard_prefix(const struct rp_heard *h, struct rp_str text, int64_t played)
{
    uint32_t n = 0;
    size_t len, next = text.len;

    while (n < h->nwords && h->words[n].end <= played)
        n++;
    if (n == 0)
        return 0;
    len = RP_MIN(h->words[n - 1].to, text.len);
    if (n < h->nwords)
        next = RP_MIN(h->words[n].from, text.len);
    while (len < next && !is_space(text.p[len]))
        len++;
    while (len > 0 && len < text.len && rp_utf8_continues(text.p[len]))
        len--;
    return len;
}

struct rp_str rp_heard_between(const struct rp_heard *h, struct rp_str text, int64_t from,
                               int64_t to)
{
    uint32_t first = 0, last;

    while (first < h->nwords && h->words[first].end < from)
        first++;
    last = first;
    while (last < h->nwords && h->words[last].at <= to)
        last++;
    if (first == last)
        return rp_str_first(text, 0);
    text = rp_str_first(text, h->words[last - 1].to);
    return rp_str_from(text, h->words[first].from);
}
