/* Written text to speakable text; see speakable.h.
 *
 * The text is taken word by word, as blanks (and dashes) divide it. Of each word the marks around
 * it are peeled off, its core is recognised (an address, a sum of money, a time…) and said, and one
 * mark is kept for the pause behind it. speakable_words.c knows the cores. */
#include "turn/speakable_int.h"

#include "base/err.h"

/* Marks that may stand around a word and are never said. */
static bool is_wrapper(uint32_t c)
{
    switch (c) {
    case '"':
    case '(':
    case ')':
    case '[':
    case ']':
    case '{':
    case '}':
    case '*':
    case '_':
    case '~':
    case '`':
    case '|':
    case '\\':
    case '^':
    case 0xab:   /* « */
    case 0xbb:   /* » */
    case 0xbf:   /* ¿ */
    case 0xa1:   /* ¡ */
    case 0x201c: /* curly quotes */
    case 0x201d:
    case 0x201e:
    case 0x2018:
    case 0x3008: /* CJK brackets */
    case 0x3009:
    case 0x300c:
    case 0x300d:
        return true;
    default:
        return false;
    }
}

/* The pause that a mark stands for, as the ASCII mark for it; 0: it is no such mark. */
static char pause_of(uint32_t c)
{
    switch (c) {
    case '.':
    case '!':
    case '?':
    case ',':
    case ';':
    case ':':
        return (char)c;
    case 0x2026: /* … */
    case 0x2014: /* dashes */
    case 0x2013:
    case 0x3001: /* 、 */
    case 0xff0c: /* ， */
        return ',';
    case 0x3002: /* 。 */
        return '.';
    case 0xff01:
        return '!';
    case 0xff1f:
        return '?';
    default:
        return 0;
    }
}

static int strength(char mark)
{
    static const char order[] = ",:;.!?";
    const char *at = mark ? strchr(order, mark) : NULL;

    return at ? (int)(at - order) + 1 : 0;
}

/* ---- output ---------------------------------------------------------------------------------- */

static char last(const struct rp_speaker *o)
{
    return o->speech->len > o->start ? o->speech->p[o->speech->len - 1] : '\0';
}

void rp_say_gap(struct rp_speaker *o)
{
    char c = last(o);

    if (c != '\0' && c != ' ')
        (void)rp_buf_char(o->speech, ' ');
}

void rp_say(struct rp_speaker *o, const char *z)
{
    rp_say_gap(o);
    (void)rp_buf_z(o->speech, z);
    rp_say_gap(o);
}

void rp_say_str(struct rp_speaker *o, struct rp_str s)
{
    (void)rp_buf_str(o->speech, s);
}

void rp_say_pause(struct rp_speaker *o, char mark)
{
    char c;

    while (last(o) == ' ')
        o->speech->p[--o->speech->len] = '\0';
    c = last(o);
    if (c == '\0' || mark == 0)
        return;
    if (strength(c) == 0)
        (void)rp_buf_char(o->speech, mark);
    else if (strength(mark) > strength(c))
        o->speech->p[o->speech->len - 1] = mark;
}

void rp_say_span(struct rp_speaker *o, size_t from, size_t to, size_t speech_from)
{
    struct rp_span span = {.from = o->at->base + (uint32_t)from, .to = o->at->base + (uint32_t)to};
    size_t end = o->speech->len;

    while (speech_from < end && o->speech->p[speech_from] == ' ')
        speech_from++;
    while (end > speech_from && (o->speech->p[end - 1] == ' ' || strength(o->speech->p[end - 1])))
        end--;
    if (end == speech_from)
        return;
    span.speech_from = (uint32_t)speech_from;
    span.speech_to = (uint32_t)end;
    (void)rp_buf_add(o->spans, &span, sizeof(span));
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0x202f || c == 0x3000 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029;
}

static bool is_dash(uint32_t c)
{
    return c == 0x2014 || c == 0x2013 || c == 0x2012;
}

/* "<b>", "</speak>": cut out whole. 0 if there is none at `i`. */
static size_t tag_len(struct rp_str raw, size_t i)
{
    struct rp_str rest = rp_str_from(raw, i);
    ptrdiff_t close;

    if (rest.len < 3 || rest.p[0] != '<' || !(rp_is_letter(rest.p[1]) || rest.p[1] == '/'))
        return 0;
    close = rp_str_find(rest, '>');
    if (close < 0 || rp_str_find_str(rp_str_first(rest, (size_t)close), RP_STR("://")) >= 0 ||
        rp_str_find(rp_str_first(rest, (size_t)close), '@') >= 0)
        return 0;
    return (size_t)close + 1;
}

/* Behind the word at `i`: up to a blank, but a link's address belongs to it, blanks and all. */
static size_t word_end(struct rp_str raw, size_t i)
{
    size_t n, from = i;

    while (i < raw.len) {
        uint32_t c = rp_utf8_at(rp_str_from(raw, i), &n);

        if (is_blank(c))
            break;
        if (is_dash(c) && i > from && !(i + n < raw.len && rp_is_digit(raw.p[i + n])))
            break;
        if (i > from && tag_len(raw, i) > 0)
            break;
        i += n;
        if (c == ']' && i < raw.len && raw.p[i] == '(') {
            ptrdiff_t close = rp_str_find(rp_str_from(raw, i), ')');

            if (close > 0)
                i += (size_t)close + 1;
        }
    }
    return i;
}

/* A reference such as "[1]" or "[^2]" at the end of `w`: its length, else 0. */
static size_t reference_len(struct rp_str w)
{
    size_t i = w.len;

    if (i < 3 || w.p[i - 1] != ']')
        return 0;
    for (i--; i > 0 && rp_is_digit(w.p[i - 1]); i--)
        ;
    if (i + 1 == w.len)
        return 0;
    if (i > 0 && w.p[i - 1] == '^')
        i--;
    return i > 0 && w.p[i - 1] == '[' ? w.len - i + 1 : 0;
}

static bool is_one_of(uint32_t c, const char *set)
{
    return c != 0 && c < 0x80 && strchr(set, (int)c) != NULL;
}

/* Marks that are dropped at either end of a word. */
static bool is_mark(uint32_t c)
{
    return is_wrapper(c) || pause_of(c) || rp_is_picture(c) || c == '\'' || c == 0x2019;
}

/* Whether `c` at the front of a word is dropped; `behind` is the rest of the word. */
static bool drops_front(uint32_t c, struct rp_str behind)
{
    bool digit = behind.len && rp_is_digit(behind.p[0]);
    bool word = digit || (behind.len && (rp_is_letter(behind.p[0]) || behind.p[0] == '$' ||
                                         (unsigned char)behind.p[0] >= 0x80));

    if (is_one_of(c, "+=/@")) /* alone it is a word: "2 + 2" */
        return behind.len && !word;
    if (is_one_of(c, "<>"))
        return behind.len && !digit;
    if (is_one_of(c, "-.#~")) /* "-5", ".5", "#1", "~10" */
        return !word;
    return is_mark(c);
}

/* Whether `c` at the end of a word is dropped; `before` is the rest of the word. */
static bool drops_back(uint32_t c, struct rp_str before)
{
    if (before.len == 0 && is_one_of(c, "/=<>"))
        return false;
    if (c == '/' && rp_str_eq_nocase(before, RP_STR("w")))
        return false; /* with */
    if (c == '#' && before.len && rp_is_letter(before.p[before.len - 1]))
        return false; /* C# */
    return is_mark(c) || is_one_of(c, "-/=#<>");
}

static struct rp_str peel_front(struct rp_str w)
{
    size_t n;

    while (w.len) {
        uint32_t c = rp_utf8_at(w, &n);

        if (!drops_front(c, rp_str_from(w, n)))
            break;
        w = rp_str_from(w, n);
    }
    return w;
}

/* *pause becomes the strongest pause among the marks at the end. */
static struct rp_str peel_back(struct rp_str w, char *pause)
{
    size_t dots = 0, n;

    *pause = 0;
    while (w.len) {
        size_t at = w.len - 1, ref = reference_len(w);
        uint32_t c;

        if (ref) {
            w.len -= ref;
            continue;
        }
        while (at > 0 && rp_utf8_continues(w.p[at]) && w.len - at < 4)
            at--;
        c = rp_utf8_at(rp_str_from(w, at), &n);
        if (at + n != w.len || !drops_back(c, rp_str_first(w, at)))
            break;
        dots += c == '.';
        if (strength(pause_of(c)) > strength(*pause))
            *pause = pause_of(c);
        w.len = at;
    }
    if (dots > 1 && *pause == '.')
        *pause = ','; /* an ellipsis */
    return w;
}

/* Says the word [from, to). */
static void say_word(struct rp_speaker *o, size_t from, size_t to)
{
    struct rp_str w = rp_str_n(o->raw.p + from, to - from), core;
    size_t speech_from;
    ptrdiff_t link;
    char pause;

    o->rest = rp_str_from(o->raw, to);
    link = rp_str_find_str(w, RP_STR("]("));
    if (link >= 0) {
        ptrdiff_t close = rp_str_find(rp_str_from(w, (size_t)link), ')');
        char behind;

        (void)peel_back(rp_str_from(w, close < 0 ? w.len : (size_t)(link + close) + 1), &behind);
        core = peel_front(peel_back(rp_str_first(w, (size_t)link), &pause));
        pause = behind ? behind : pause;
    } else {
        core = peel_front(peel_back(w, &pause));
    }

    rp_say_gap(o);
    speech_from = o->speech->len;
    rp_say_core(o, core, &pause);
    rp_say_span(o, from, to, speech_from);
    if (pause)
        rp_say_pause(o, pause);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* A rule ("---", "***") or the line under a table's head: nothing of it is said. */
static bool is_rule(struct rp_str line)
{
    size_t marks = 0;

    for (size_t i = 0; i < line.len; i++) {
        if (strchr("-*_=|:+ \t\r", line.p[i]) == NULL || line.p[i] == '\0')
            return false;
        marks += line.p[i] != ' ';
    }
    return marks >= 3;
}

/* Behind the marks that begin the line at `i`: heading, quotation, bullet, number, check box. */
static size_t line_marks(struct rp_speaker *o, size_t i)
{
    struct rp_str raw = o->raw;
    ptrdiff_t end = rp_str_find(rp_str_from(raw, i), '\n');
    struct rp_str line = end < 0 ? rp_str_from(raw, i) : rp_str_n(raw.p + i, (size_t)end);
    size_t n = 0, c;

    if (is_rule(line))
        return i + line.len;
    o->table = line.p[0] == '|';
    for (;;) {
        size_t was = n;

        while (n < line.len && (line.p[n] == '#' || line.p[n] == '>'))
            n++;
        if (n < line.len && n > was && line.p[n] != ' ')
            n = was;
        (void)rp_utf8_at(rp_str_from(line, n < line.len ? n : 0), &c);
        if (n + c < line.len && line.p[n + c] == ' ' &&
            (strchr("-*+", line.p[n]) || rp_str_starts(rp_str_from(line, n), RP_STR("•"))))
            n += c;
        while (n < line.len && line.p[n] == ' ')
            n++;
        if (n == was)
            break;
    }
    if (line.len >= n + 4 && line.p[n] == '[' && line.p[n + 2] == ']' && line.p[n + 3] == ' ')
        return i + n + 4;
    /* "1. " and "2) ": the number, and a moment */
    for (c = n; c < line.len && rp_is_digit(line.p[c]); c++)
        ;
    if (c > n && c < n + 4 && c + 1 < line.len && (line.p[c] == '.' || line.p[c] == ')') &&
        line.p[c + 1] == ' ') {
        size_t speech_from;

        rp_say_gap(o);
        speech_from = o->speech->len;
        rp_say_str(o, rp_str_n(line.p + n, c - n));
        rp_say_span(o, i + n, i + c + 1, speech_from);
        rp_say_pause(o, ',');
        n = c + 1;
    }
    return i + n;
}

int rp_speakable(struct rp_str raw, const struct rp_speakable_at *at, struct rp_buf *speech,
                 struct rp_buf *spans)
{
    struct rp_speaker o = {
        .raw = raw, .at = at, .speech = speech, .spans = spans, .start = speech->len};
    bool line_start = at->line_start;
    size_t i = 0, n;

    while (i < raw.len) {
        uint32_t c = rp_utf8_at(rp_str_from(raw, i), &n);

        if (is_blank(c)) {
            if (c == '\n' && o.table)
                rp_say_pause(&o, '.');
            line_start |= c == '\n';
            i += n;
            continue;
        }
        if (line_start) {
            size_t behind = line_marks(&o, i);

            line_start = false;
            if (behind > i) {
                i = behind;
                continue;
            }
        }
        n = tag_len(raw, i);
        if (n == 0)
            n = rp_say_phone(&o, i);
        if (n > 0) {
            i += n;
            continue;
        }
        n = word_end(raw, i);
        if (is_dash(c) || (n == i + 1 && c == '-') ||
            (n == i + 2 && raw.p[i] == '-' && raw.p[i + 1] == '-')) {
            rp_say_pause(&o, ',');
            i = is_dash(c) ? i + 3 : n;
            continue;
        }
        if (o.table && n == i + 1 && c == '|')
            rp_say_pause(&o, ',');
        say_word(&o, i, n);
        i = n;
    }

    if (at->complete)
        rp_say_pause(&o, '.');
    rp_say_pause(&o, 0); /* no blank at the end */
    if (spans->len == 0)
        speech->len = o.start;
    return rp_buf_err(speech) ? rp_buf_err(speech) : rp_buf_err(spans);
}
