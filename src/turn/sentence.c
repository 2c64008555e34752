/* Cutting a stream of text into segments; see sentence.h.
 *
 * One function decides, cut_at(): it walks over the pending text from its start and stops at the
 * first place where a cut is right, or where it cannot know without more text. Since it never looks
 * further ahead than it needs and always decides from left to right, deltas do not matter. What is
 * pending is short (a few hundred bytes), so walking it anew for each delta costs next to nothing.
 */
#include "turn/sentence.h"

#include "base/err.h"
#include "base/mem.h"
#include "codec/utf8.h"
#include "turn/speakable.h"

/* Lengths in characters from which a cut is made at the given place. The first segment's are short:
 * its length is added to the time to the first sound. */
struct limits {
    size_t comma, colon, conjunction, space;
};
static const struct limits limits_first = {25, 15, 40, 90};
static const struct limits limits_later = {70, 40, 110, 200};

#define SEGMENT_MAX   600 /* bytes without a place to cut */
#define RUN_MAX       100 /* blanks, stops or closing marks in a row */
#define CODE_MAX      8000
#define BRACKET_MAX   200 /* bytes between brackets or backticks that are kept together */
#define REFERENCE_MAX 6
#define LINK_MAX      2000
#define SPEECH_MAX    ((size_t)1 << 18) /* more than the longest segment can become */
#define COMPLETE_MS   150
#define INCOMPLETE_MS 600

/* A view of the pending text. Reading at its end says MORE while the answer goes on. */
struct scan {
    struct rp_str text;
    bool more;
};

enum { YES = 1, NO = 0, SOFT = 2, MORE = -1 };

struct cut {
    size_t at;     /* length of the segment; 0: not yet */
    bool line_end; /* the line or the answer ends here */
    bool in_code;  /* state after the cut */
    bool code;     /* the segment is code: not spoken */
};

/* ---- characters ----------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return is_lower(c) || is_upper(c);
}

static bool is_any(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool has(struct rp_str s, size_t at, const char *z)
{
    return rp_str_starts(rp_str_from(s, at), rp_str_z(z)) && at < s.len;
}

/* Length of the first of `list` that stands at `at`, else 0. */
static size_t one_of(struct rp_str s, size_t at, const char *const *list)
{
    for (; *list; list++)
        if (has(s, at, *list))
            return strlen(*list);
    return 0;
}

static const char *const quotes[] = {"\"", "'", "”", "’", "»", NULL};
static const char *const closers[] = {")", "]", "}", "*", "_", "~", "`", NULL};
static const char *const openers[] = {"\"", "'", "(", "[", "“", "‘", "«", "*", "_", "¿", "¡", NULL};
static const char *const wide_stops[] = {"。", "！", "？", NULL};
static const char *const dashes[] = {"—", "–", NULL};

/* Behind quotes and brackets that close; *quoted if a quote was among them. */
static size_t skip_closers(struct rp_str s, size_t at, bool *quoted)
{
    for (size_t max = at + RUN_MAX; at < max;) {
        size_t quote = one_of(s, at, quotes), n = quote ? quote : one_of(s, at, closers);

        if (n == 0)
            break;
        *quoted |= quote != 0;
        at += n;
    }
    return at;
}

/* The text may go on in the middle of a character: then nothing about it can be said yet. */
static bool cut_short(const struct scan *s, size_t at)
{
    return s->more && (at >= s->text.len || at + rp_utf8_len(s->text.p[at]) > s->text.len);
}

/* Offset of the next word's first character on the same line. YES: it is at *at; NO: the line or
 * the answer ends first. */
static int next_word(const struct scan *s, size_t *at)
{
    size_t i = *at, n;

    for (;;) {
        if (cut_short(s, i))
            return MORE;
        if (i >= s->text.len || s->text.p[i] == '\n' || i >= *at + RUN_MAX)
            return NO;
        n = is_space(s->text.p[i]) ? 1 : one_of(s->text, i, openers);
        if (n == 0)
            break;
        i += n;
    }
    *at = i;
    return YES;
}

/* Behind the `close` that belongs to the bracket at `at`, on the same line; `at` itself if there is
 * none; MORE if it may still come. */
static int skip_to(const struct scan *s, size_t at, char close, size_t max, size_t *end)
{
    *end = at;
    for (size_t i = at + 1; i < at + max; i++) {
        if (i >= s->text.len)
            return s->more ? MORE : NO;
        if (s->text.p[i] == '\n')
            return NO;
        if (s->text.p[i] == close) {
            *end = i + 1;
            return YES;
        }
    }
    return NO;
}

/* ---- full stops ------------------------------------------------------------------------------ */

/* Words before a full stop, lower case, between blanks. */
static const char never_end[] =
    " mr mrs ms dr prof rev gen sen rep gov capt sgt lt col cmdr hon st "
    "mt ft messrs e.g i.e eg ie vs viz al incl esp resp a.k.a cf ";
static const char before_number[] = " no nos vol fig figs p pp ch sec art eq approx ca tel ext ver "
                                    "jan feb mar apr jun jul aug sep sept oct nov dec est max min ";
static const char may_end[] = " etc inc ltd co corp jr sr ave blvd rd dept a.m p.m ";
static const char starters[] =
    " the it this that these those in on at he she we they you i but and "
    "so if when what there however then now please would can could do "
    "is are let my your our his her their for to after before as with ";
static const char conjunctions[] =
    " and but or because which that who when while where if so since "
    "until although unless after before then with for ";

/* Whether `word` (at most 12 bytes) is in one of the lists above. */
static bool listed(const char *list, struct rp_str word)
{
    char key[16];
    size_t n = 0;

    if (word.len == 0 || word.len > 12)
        return false;
    key[n++] = ' ';
    for (size_t i = 0; i < word.len; i++)
        key[n++] = is_upper(word.p[i]) ? (char)(word.p[i] + ('a' - 'A')) : word.p[i];
    key[n++] = ' ';
    return rp_str_find_str(rp_str_z(list), rp_str_n(key, n)) >= 0;
}

/* "U.S", "p.m", "J" */
static bool initials(struct rp_str word)
{
    for (size_t i = 0; i < word.len; i++)
        if ((word.p[i] == '.') != (i % 2 == 1))
            return false;
    return word.len > 0;
}

static struct rp_str letters_before(struct rp_str s, size_t at)
{
    size_t from = at;

    while (from > 0 && (is_letter(s.p[from - 1]) || (s.p[from - 1] == '.' && from < at)))
        from--;
    return rp_str_n(s.p + from, at - from);
}

/* The word at `at`, of letters only; MORE if it may go on. */
static int letters_at(const struct scan *s, size_t at, struct rp_str *word)
{
    size_t end = at;

    while (end < s->text.len && is_letter(s->text.p[end]))
        end++;
    if (end == s->text.len && s->more)
        return MORE;
    *word = rp_str_n(s->text.p + at, end - at);
    return YES;
}

/* Whether a sentence ends with the full stop at `dot`, behind which (at `after`) a blank follows.
 */
static int stop_ends(const struct scan *s, size_t start, size_t dot, size_t after, bool line_start)
{
    struct rp_str word = letters_before(s->text, dot), next;
    bool dotted = initials(word);
    size_t first = after;
    int got;

    if (word.len == 0) {
        size_t from = dot;

        while (from > start && is_digit(s->text.p[from - 1]))
            from--;
        /* "1. Open the door" */
        return line_start && from == start && from < dot ? NO : YES;
    }
    if (listed(never_end, word))
        return NO;
    if (!dotted && !listed(before_number, word) && !listed(may_end, word))
        return YES;
    if (word.len == 1 && is_lower(word.p[0]) && !listed(before_number, word))
        return YES;

    got = next_word(s, &first);
    if (got != YES)
        return got == MORE ? MORE : YES;
    if (is_digit(s->text.p[first]))
        return NO;
    if (is_lower(s->text.p[first]))
        return rp_str_eq_nocase(word, RP_STR("no")) ? YES : NO;
    if (!dotted || listed(may_end, word))
        return YES;
    /* "U.S. Army" and "J. Smith", but "made in the U.S. The …" */
    if (letters_at(s, first, &next) == MORE)
        return MORE;
    return listed(starters, next) ? YES : NO;
}

/* Whether a sentence ends with the run of stops [at, stops). *end is behind its closing quotes. */
static int sentence_ends(const struct scan *s, size_t start, size_t at, size_t stops,
                         bool line_start, size_t *end)
{
    bool quoted = false;
    bool ellipsis = has(s->text, at, "…") || has(s->text, at, "..");
    size_t first;
    int got;

    *end = skip_closers(s->text, stops, &quoted);
    while (has(s->text, *end, "[")) { /* "so it is.[1]" */
        got = skip_to(s, *end, ']', REFERENCE_MAX, end);
        if (got != YES)
            return got;
    }
    if (cut_short(s, *end))
        return MORE;
    if (*end < s->text.len && !is_space(s->text.p[*end]) && !has(s->text, *end, "\xc2\xa0"))
        return NO;
    if (s->text.p[at] == '.' && stops == at + 1) {
        got = stop_ends(s, start, at, *end, line_start);
        if (got != YES)
            return got;
    }
    if (!quoted && !ellipsis)
        return YES;
    /* "Really?" she asked. Well… perhaps. */
    first = *end;
    got = next_word(s, &first);
    if (got == MORE)
        return MORE;
    return got == YES && is_lower(s->text.p[first]) ? SOFT : YES;
}

/* ---- other places ---------------------------------------------------------------------------- */

/* What is kept together from `at` on: `code`, [text](address), <tag>. YES: it ends at *end. */
static int whole(const struct scan *s, size_t at, size_t *end)
{
    char c = s->text.p[at];
    size_t text_end;
    int got;

    if (c == '`')
        return skip_to(s, at, '`', BRACKET_MAX, end);
    if (c == '<') {
        if (at + 1 >= s->text.len)
            return s->more ? MORE : NO;
        if (!is_letter(s->text.p[at + 1]) && s->text.p[at + 1] != '/')
            return NO;
        return skip_to(s, at, '>', BRACKET_MAX, end);
    }
    if (c != '[')
        return NO;
    got = skip_to(s, at, ']', BRACKET_MAX, end);
    if (got != YES)
        return got;
    text_end = *end;
    if (text_end >= s->text.len)
        return s->more ? MORE : YES;
    if (s->text.p[text_end] != '(')
        return YES;
    got = skip_to(s, text_end, ')', LINK_MAX, end);
    if (got == NO)
        *end = text_end;
    return got == MORE ? MORE : YES;
}

/* Whether the line break at `at` ends what is said: always, unless the text is wrapped by hand. */
static int line_ends(const struct scan *s, size_t at)
{
    size_t i = at, breaks = 0;
    char before = '\n';

    for (size_t j = at; j > 0 && before == '\n'; j--)
        if (!is_space(s->text.p[j - 1]))
            before = s->text.p[j - 1];
    for (; i < s->text.len && i < at + RUN_MAX && is_space(s->text.p[i]); i++)
        breaks += s->text.p[i] == '\n';
    if (breaks > 1 || is_any(before, ".!?:;"))
        return YES;
    if (i >= s->text.len)
        return s->more ? MORE : YES;
    return is_lower(s->text.p[i]) ? NO : YES;
}

/* Whether the blank at `at` stands before a word with which a new clause begins. */
static int clause_begins(const struct scan *s, size_t at)
{
    struct rp_str word;
    size_t first = at;
    int got = next_word(s, &first);

    if (got != YES)
        return got;
    got = letters_at(s, first, &word);
    return got == YES ? listed(conjunctions, word) : got;
}

/* Whether the comma at `at` separates clauses: not "1,000", not "May 3, 2024". */
static int comma_separates(const struct scan *s, size_t at, size_t *end)
{
    bool quoted = false;
    size_t first;
    int got;

    first = *end = skip_closers(s->text, at + 1, &quoted);
    if (cut_short(s, *end))
        return MORE;
    if (*end < s->text.len && !is_space(s->text.p[*end]))
        return NO;
    got = next_word(s, &first);
    if (got != YES)
        return got == MORE ? MORE : YES;
    return is_digit(s->text.p[first]) ? NO : YES;
}

/* ---- the decision ---------------------------------------------------------------------------- */

/* A fenced block that begins at `start` or, if `open`, has begun before: up to the end of the line
 * with the closing fence, or a piece of it. */
static struct cut code_cut(const struct scan *s, size_t start, bool open)
{
    struct rp_str t = rp_str_first(s->text, CODE_MAX);
    size_t end = start + (open ? 0 : 3);
    ptrdiff_t fence = 0, rest;

    if (!open || !has(t, start, "```"))
        fence = rp_str_find_str(rp_str_from(t, end), RP_STR("\n```"));
    else
        end = start - 1; /* as if the line break before it were there */
    if (fence >= 0) {
        end += (size_t)fence + 4;
        rest = rp_str_find(rp_str_from(t, end), '\n');
        if (rest >= 0)
            return (struct cut){.at = end + (size_t)rest, .code = true};
    }
    if (t.len == CODE_MAX)
        return (struct cut){.at = t.len - rp_utf8_tail(t), .code = true, .in_code = fence < 0};
    if (!s->more)
        return (struct cut){.at = t.len, .code = true, .in_code = fence < 0};
    return (struct cut){0};
}

static struct cut cut_whole(size_t at, bool line_end)
{
    return (struct cut){.at = at, .line_end = line_end};
}

/* Ends at `at`, or not yet: for a decision that gave MORE. */
static const struct cut cut_wait = {0};

/* Where the pending text is cut. `begun`: not the turn's first segment. */
static struct cut cut_at(const struct scan *s, const struct limits *lim, bool line_start,
                         bool in_code)
{
    struct rp_str t = s->text;
    size_t start = 0, chars = 0, n, end;
    int got;

    while (start < t.len && start < SEGMENT_MAX && is_space(t.p[start]))
        line_start |= t.p[start++] == '\n';
    if (start == SEGMENT_MAX)
        return cut_whole(start, false); /* endless blanks */
    if (start == t.len)
        return s->more ? cut_wait : cut_whole(t.len, true);
    if (in_code)
        return code_cut(s, start, true);
    if (line_start && t.p[start] == '`') {
        if (has(t, start, "```"))
            return code_cut(s, start, false);
        if (s->more && t.len - start < 3 && (t.len - start < 2 || t.p[start + 1] == '`'))
            return cut_wait;
    }

    for (size_t i = start; i < t.len; i += n, chars++) {
        bool blank = is_space(t.p[i]);

        n = rp_utf8_len(t.p[i]);
        if (i - start >= SEGMENT_MAX)
            return cut_whole(i, false);
        if (cut_short(s, i))
            return cut_wait;
        if (t.p[i] == '`' || t.p[i] == '[' || t.p[i] == '<') {
            got = whole(s, i, &end);
            if (got == MORE)
                return cut_wait;
            if (got == YES) {
                n = end - i;
                continue;
            }
        }

        if (t.p[i] == '\n') {
            got = line_ends(s, i);
            if (got != NO)
                return got == YES ? cut_whole(i, true) : cut_wait;
        } else if (blank && chars >= lim->space) {
            return cut_whole(i, false);
        } else if (blank && chars >= lim->conjunction) {
            got = clause_begins(s, i);
            if (got != NO)
                return got == YES ? cut_whole(i, false) : cut_wait;
        }

        if (is_any(t.p[i], ".!?") || has(t, i, "…")) {
            size_t stops = i + n;

            while (stops < t.len && stops < i + RUN_MAX && is_any(t.p[stops], ".!?"))
                stops++;
            if (cut_short(s, stops))
                return cut_wait;
            got = sentence_ends(s, start, i, stops, line_start, &end);
            if (got == MORE)
                return cut_wait;
            if (got == YES || (got == SOFT && chars >= lim->comma))
                return cut_whole(end, false);
            n = stops - i;
        } else if (one_of(t, i, wide_stops)) {
            bool quoted = false;

            end = skip_closers(t, i + n, &quoted);
            return cut_short(s, end) ? cut_wait : cut_whole(end, false);
        } else if ((t.p[i] == ',' && chars >= lim->comma) ||
                   ((t.p[i] == ';' || t.p[i] == ':') && chars >= lim->colon)) {
            got = comma_separates(s, i, &end);
            if (got != NO)
                return got == YES ? cut_whole(end, false) : cut_wait;
        } else if (chars >= lim->colon && (one_of(t, i, dashes) || has(t, i, "-"))) {
            /* Words — like these - and not well-known, 10–20. */
            if (i > 0 && is_space(t.p[i - 1])) {
                if (cut_short(s, i + n))
                    return cut_wait;
                if (i + n < t.len && is_space(t.p[i + n]))
                    return cut_whole(i + n, false);
            }
        }
    }
    return s->more ? cut_wait : cut_whole(t.len, true);
}

/* ---- the stream ------------------------------------------------------------------------------ */

void rp_sentence_init(struct rp_sentence *s)
{
    *s = (struct rp_sentence){.line_start = true};
    rp_buf_init(&s->text, RP_SENTENCE_PENDING_MAX);
}

void rp_sentence_fini(struct rp_sentence *s)
{
    rp_buf_fini(&s->text);
}

int rp_sentence_push(struct rp_sentence *s, struct rp_str delta)
{
    int err;

    if (delta.len == 0)
        return 0;
    if (s->at > 0) {
        rp_buf_consume(&s->text, s->at);
        s->at = 0;
    }
    err = rp_buf_str(&s->text, delta);
    if (err) {
        s->text.err = 0;
        return err;
    }
    s->stalled = false;
    return 0;
}

void rp_sentence_finish(struct rp_sentence *s)
{
    s->finished = true;
}

void rp_sentence_stalled(struct rp_sentence *s)
{
    s->stalled = true;
}

static struct rp_str pending(const struct rp_sentence *s)
{
    return rp_str_from(rp_buf_view(&s->text), s->at);
}

int rp_sentence_patience_ms(const struct rp_sentence *s)
{
    struct rp_str text = rp_str_trim(pending(s));
    bool quoted = false;

    if (text.len == 0)
        return -1;
    for (size_t i = text.len > 8 ? text.len - 8 : 0; i < text.len; i++)
        if (is_any(text.p[i], ".!?:") && skip_closers(text, i + 1, &quoted) == text.len)
            return COMPLETE_MS;
    return INCOMPLETE_MS;
}

/* One block: the struct, the spans, the speech. */
static int segment_new(struct rp_segment **out, uint32_t from, uint32_t to,
                       const struct rp_buf *speech, const struct rp_buf *spans)
{
    size_t spans_len = speech->len ? spans->len : 0;
    struct rp_segment *seg = rp_zalloc(sizeof(*seg) + spans_len + speech->len + 1);
    char *room;

    if (!seg)
        return RP_ENOMEM;
    room = (char *)(seg + 1);
    if (spans_len)
        memcpy(room, spans->p, spans_len);
    if (speech->len)
        memcpy(room + spans_len, speech->p, speech->len);
    seg->from = from;
    seg->to = to;
    seg->spans = (const struct rp_span *)(void *)room;
    seg->nspans = spans_len / sizeof(struct rp_span);
    seg->speech = rp_str_n(room + spans_len, speech->len);
    *out = seg;
    return 0;
}

int rp_sentence_next(struct rp_sentence *s, struct rp_segment **out)
{
    struct scan scan = {pending(s), !s->finished && !s->stalled};
    struct rp_speakable_at where = {.base = s->from, .line_start = s->line_start};
    struct rp_buf speech, spans;
    struct cut cut;
    int err = 0;

    if (s->stalled && !s->finished)
        scan.text.len -= rp_utf8_tail(scan.text);
    if (scan.text.len == 0)
        return RP_EAGAIN;
    cut = cut_at(&scan, s->begun ? &limits_later : &limits_first, s->line_start, s->in_code);
    if (cut.at == 0)
        return RP_EAGAIN;

    rp_buf_init(&speech, SPEECH_MAX);
    rp_buf_init(&spans, SPEECH_MAX);
    where.complete = cut.line_end;
    if (!cut.code)
        err = rp_speakable(rp_str_first(scan.text, cut.at), &where, &speech, &spans);
    if (err == 0)
        err = segment_new(out, s->from, s->from + (uint32_t)cut.at, &speech, &spans);
    if (err == 0) {
        s->at += cut.at;
        s->from += (uint32_t)cut.at;
        s->begun |= speech.len > 0;
        s->in_code = cut.in_code;
        /* Usually the line break leads the next segment. */
        s->line_start = scan.text.p[cut.at - 1] == '\n';
    }
    rp_buf_fini(&speech);
    rp_buf_fini(&spans);
    return err;
}

/* ---- segments -------------------------------------------------------------------------------- */

void rp_segment_free(struct rp_segment *seg)
{
    rp_free(seg);
}

const struct rp_span *rp_segment_span(const struct rp_segment *seg, uint32_t at)
{
    size_t lo = 0, hi = seg->nspans;

    while (lo < hi) { /* the first span that begins behind `at` */
        size_t mid = lo + (hi - lo) / 2;

        if (seg->spans[mid].speech_from <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 ? &seg->spans[lo - 1] : NULL;
}

uint32_t rp_segment_heard(const struct rp_segment *seg, uint32_t speech_to)
{
    uint32_t heard = seg->from;

    for (size_t i = 0; i < seg->nspans && seg->spans[i].speech_to <= speech_to; i++)
        heard = i + 1 == seg->nspans ? seg->to : seg->spans[i].to;
    return seg->nspans == 0 ? seg->to : heard;
}
