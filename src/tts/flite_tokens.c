/* Text to tokens; see flite_tokens.h. */
#include "tts/flite_tokens.h"

#include "base/check.h"
#include "codec/utf8.h"

/* Base letters of U+00C0–U+00FF and U+0100–U+017F; '?' stands for those below. */
static const char latin1[] = "AAAAAA?CEEEEIIIIDNOOOOO?OUUUUY??aaaaaa?ceeeeiiiidnooooo?ouuuuy?y";
static const char latin_a[] = "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi??JjKkkLlLlLlLlLl"
                              "NnNnNnnNnOoOoOo??RrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";
static const struct {
    uint32_t c;
    const char *spelled;
} ligatures[] = {{0xc6, "AE"},  {0xe6, "ae"},  {0xdf, "ss"},  {0xde, "Th"},  {0xfe, "th"},
                 {0xd7, " "},   {0xf7, " "},   {0x152, "OE"}, {0x153, "oe"}, {0x132, "IJ"},
                 {0x133, "ij"}, {0x2019, "'"}, {0x2010, "-"}, {0x2011, "-"}};

/* Short words that may be written in capitals for emphasis. */
static const char emphasised[] =
    " AN AS AT BE BY DO GO HE IF IN IS ME MY NO OF OH OK ON OR SO TO UP WE ALL AND ANY ARE ASK BAD "
    "BIG BUT BUY CAN DAY DID END FAR FEW FOR GET GOT HAD HAS HER HIM HIS HOW ITS LET MAY NEW NOT "
    "NOW "
    "OFF OLD ONE OUR OUT OWN PUT RAN RUN SAW SAY SEE SHE SIT SIX TEN THE TOO TOP TWO USE WAS WAY "
    "WHO "
    "WHY WIN YES YET YOU ";

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

static bool is_alnum(char c)
{
    return is_lower(c) || is_upper(c) || is_digit(c);
}

static void put(struct rp_flite_reader *r, const char *s, size_t len)
{
    for (size_t i = 0; i < len && r->len + 1 < sizeof(r->parts); i++)
        r->parts[r->len++] = s[i];
}

/* What is no Latin letter divides the word. */
static void put_wide(struct rp_flite_reader *r, uint32_t c)
{
    for (size_t i = 0; i < RP_COUNT(ligatures); i++)
        if (ligatures[i].c == c) {
            put(r, ligatures[i].spelled, strlen(ligatures[i].spelled));
            return;
        }
    if (c >= 0xc0 && c <= 0xff)
        put(r, &latin1[c - 0xc0], 1);
    else if (c >= 0x100 && c <= 0x17f)
        put(r, &latin_a[c - 0x100], 1);
    else if (c < 0x300 || c > 0x36f) /* combining accents vanish */
        put(r, " ", 1);
}

/* Whether the mark at `i` inside the word is one that flite understands there. */
static bool keeps_mark(struct rp_str w, size_t i)
{
    char before = i > 0 ? w.p[i - 1] : ' ', after = i + 1 < w.len ? w.p[i + 1] : ' ';

    switch (w.p[i]) {
    case '\'':
        return is_alnum(before) || is_alnum(after);
    case '-':
        return is_alnum(after) && (is_alnum(before) || is_digit(after));
    case '.':
    case ',':
    case ':':
    case '/':
        return is_digit(before) && is_digit(after);
    case '$':
        return is_digit(after);
    case '%':
        return is_digit(before);
    default:
        return false;
    }
}

/* The word in ASCII, in parts. */
static void fold(struct rp_flite_reader *r, struct rp_str w)
{
    r->len = r->part = 0;
    for (size_t i = 0, n; i < w.len; i += n) {
        uint32_t c = rp_utf8_at(rp_str_from(w, i), &n);

        if (c >= 0x80)
            put_wide(r, c);
        else if (is_alnum(w.p[i]) || keeps_mark(w, i))
            put(r, &w.p[i], 1);
        else
            put(r, " ", 1);
    }
    r->parts[r->len] = '\0';
}

/* "API", "URLs": two or three capitals, perhaps with an s. */
static bool is_acronym(const struct rp_flite_reader *r, struct rp_str part)
{
    char key[6];

    if (part.len > 2 && part.p[part.len - 1] == 's')
        part.len--;
    if (r->shouted || part.len < 2 || part.len > 3)
        return false;
    for (size_t i = 0; i < part.len; i++)
        if (!is_upper(part.p[i]))
            return false;
    key[0] = key[part.len + 1] = ' ';
    memcpy(key + 1, part.p, part.len);
    return rp_str_find_str(rp_str_z(emphasised), rp_str_n(key, part.len + 2)) < 0;
}

/* Divides the letters of acronyms, in place: "APIs" becomes "A P I's". */
static void spell_acronyms(struct rp_flite_reader *r)
{
    char out[2 * RP_FLITE_WORD_MAX];
    struct rp_str rest = rp_str_n(r->parts, r->len);
    size_t n = 0;

    while (rest.p && n + 2 * rest.len + 2 < sizeof(out)) {
        struct rp_str part = rp_str_split(&rest, ' ');
        bool acronym = is_acronym(r, part);

        for (size_t i = 0; i < part.len; i++) {
            if (acronym && i > 0)
                out[n++] = is_lower(part.p[i]) ? '\'' : ' ';
            out[n++] = part.p[i];
        }
        out[n++] = ' ';
    }
    if (n < sizeof(r->parts)) {
        memcpy(r->parts, out, n);
        r->len = n;
    }
}

/* Takes the next word into hand. */
static bool next_word(struct rp_flite_reader *r)
{
    struct rp_str w;

    while (r->at < r->text.len && is_space(r->text.p[r->at]))
        r->at++;
    if (r->at == r->text.len)
        return false;
    r->from = (uint32_t)r->at;
    while (r->at < r->text.len && !is_space(r->text.p[r->at]))
        r->at++;
    r->to = (uint32_t)r->at;
    w = rp_str_n(r->text.p + r->from, r->to - r->from);

    r->punc = '\0';
    for (size_t i = w.len; i > 0 && !is_alnum(w.p[i - 1]) && (unsigned char)w.p[i - 1] < 0x80; i--)
        if (strchr(".,;:!?", w.p[i - 1]))
            r->punc = w.p[i - 1];
    fold(r, w);
    if (rp_str_eq_nocase(rp_str_trim(rp_str_n(r->parts, r->len)), RP_STR("hmm"))) {
        r->len = 0;
        put(r, "hum", 3); /* flite spells it */
    }
    spell_acronyms(r);
    return true;
}

void rp_flite_reader_init(struct rp_flite_reader *r, struct rp_str text)
{
    *r = (struct rp_flite_reader){.text = text, .shouted = true};
    for (size_t i = 0; i < text.len; i++)
        r->shouted &= !is_lower(text.p[i]);
}

bool rp_flite_read(struct rp_flite_reader *r, struct rp_flite_token *out)
{
    size_t n = 0, end;

    if (r->part >= r->len && !next_word(r))
        return false;
    *out = (struct rp_flite_token){.from = r->from, .to = r->to};
    while (r->part < r->len && r->parts[r->part] == ' ')
        r->part++;
    while (r->part < r->len && r->parts[r->part] != ' ' && n + 1 < sizeof(out->name))
        out->name[n++] = r->parts[r->part++];
    for (end = r->part; end < r->len && r->parts[end] == ' '; end++)
        ;
    if (end == r->len) {
        r->part = end;
        out->punc[0] = r->punc;
    }
    return true;
}
