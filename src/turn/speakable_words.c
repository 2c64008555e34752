/* What the core of a word means and how it is said; see speakable.h.
 *
 * A row of recognisers, most special first, each of which says the whole core or leaves it alone.
 * What none of them knows goes letter by letter through say_plain(). */
#include "base/err.h"
#include "turn/speakable_int.h"

#define NUMBER_READ_AS_DIGITS 7 /* so many digits in a row are an account, not an amount */

static struct rp_str lit(const char *z)
{
    return rp_str_z(z);
}

static bool all(struct rp_str s, bool (*is)(char))
{
    for (size_t i = 0; i < s.len; i++)
        if (!is(s.p[i]))
            return false;
    return s.len > 0;
}

static bool is_alnum(char c)
{
    return rp_is_digit(c) || rp_is_letter(c);
}

static size_t digits_len(struct rp_str s)
{
    size_t n = 0;

    while (n < s.len && rp_is_digit(s.p[n]))
        n++;
    return n;
}

/* "12", "1,200", "3.14": its length, else 0. */
static size_t number_len(struct rp_str s)
{
    size_t n = digits_len(s), frac;

    if (n == 0)
        return 0;
    while (n + 4 <= s.len && s.p[n] == ',' && digits_len(rp_str_n(s.p + n + 1, 3)) == 3 &&
           (n + 4 == s.len || !rp_is_digit(s.p[n + 4])))
        n += 4;
    if (n + 1 < s.len && s.p[n] == '.') {
        frac = digits_len(rp_str_from(s, n + 1));
        if (frac)
            n += 1 + frac;
    }
    return n;
}

/* The next word as written, without the blanks before it. */
static struct rp_str next_word(const struct rp_speaker *o)
{
    struct rp_str rest = rp_str_trim(o->rest);
    size_t n = 0;

    while (n < rest.len && (is_alnum(rest.p[n]) || rest.p[n] == '.'))
        n++;
    return rp_str_first(rest, n);
}

static void say_digits(struct rp_speaker *o, struct rp_str digits)
{
    static const char *const names[] = {"zero", "one", "two",   "three", "four",
                                        "five", "six", "seven", "eight", "nine"};

    for (size_t i = 0; i < digits.len; i++)
        if (rp_is_digit(digits.p[i]))
            rp_say(o, names[digits.p[i] - '0']);
}

static void say_letters(struct rp_speaker *o, struct rp_str letters)
{
    for (size_t i = 0; i < letters.len; i++)
        if (is_alnum(letters.p[i])) {
            rp_say_gap(o);
            rp_say_str(o, rp_str_n(letters.p + i, 1));
        }
}

/* ---- abbreviations --------------------------------------------------------------------------- */

enum abbr_when {
    ALWAYS,
    WITH_STOP, /* only if a full stop was behind it or in it */
    NUMBER,    /* with a stop, and a number follows */
    NAME,      /* a capital follows */
};

static const struct abbr {
    const char *written, *spoken;
    enum abbr_when when;
} abbrs[] = {
    {"Mr", "Mister", ALWAYS},
    {"Mrs", "Missus", ALWAYS},
    {"Ms", "Miz", ALWAYS},
    {"Dr", "Doctor", NAME},
    {"Dr", "Drive", WITH_STOP},
    {"Prof", "Professor", WITH_STOP},
    {"St", "Saint", NAME},
    {"St", "Street", WITH_STOP},
    {"Mt", "Mount", NAME},
    {"Ave", "Avenue", WITH_STOP},
    {"Rd", "Road", WITH_STOP},
    {"Blvd", "Boulevard", ALWAYS},
    {"Gen", "General", WITH_STOP},
    {"Sen", "Senator", WITH_STOP},
    {"Gov", "Governor", WITH_STOP},
    {"Capt", "Captain", WITH_STOP},
    {"Sgt", "Sergeant", WITH_STOP},
    {"Lt", "Lieutenant", WITH_STOP},
    {"Col", "Colonel", WITH_STOP},
    {"Rev", "Reverend", WITH_STOP},
    {"Hon", "Honorable", WITH_STOP},
    {"Jr", "Junior", ALWAYS},
    {"Sr", "Senior", WITH_STOP},
    {"Inc", "Incorporated", WITH_STOP},
    {"Ltd", "Limited", WITH_STOP},
    {"Co", "Company", WITH_STOP},
    {"Corp", "Corporation", WITH_STOP},
    {"Dept", "Department", WITH_STOP},
    {"No", "number", NUMBER},
    {"Nos", "numbers", NUMBER},
    {"Vol", "volume", NUMBER},
    {"Fig", "figure", NUMBER},
    {"Ch", "chapter", NUMBER},
    {"Sec", "section", NUMBER},
    {"p", "page", NUMBER},
    {"pp", "pages", NUMBER},
    {"ext", "extension", NUMBER},
    {"ca", "about", NUMBER},
    {"Jan", "January", WITH_STOP},
    {"Feb", "February", WITH_STOP},
    {"Mar", "March", NUMBER},
    {"Apr", "April", WITH_STOP},
    {"Jun", "June", WITH_STOP},
    {"Jul", "July", WITH_STOP},
    {"Aug", "August", WITH_STOP},
    {"Sep", "September", WITH_STOP},
    {"Sept", "September", WITH_STOP},
    {"Oct", "October", WITH_STOP},
    {"Nov", "November", WITH_STOP},
    {"Dec", "December", WITH_STOP},
    {"Mon", "Monday", WITH_STOP},
    {"Tue", "Tuesday", WITH_STOP},
    {"Wed", "Wednesday", WITH_STOP},
    {"Thu", "Thursday", WITH_STOP},
    {"Fri", "Friday", WITH_STOP},
    {"e.g", "for example", ALWAYS},
    {"i.e", "that is", ALWAYS},
    {"etc", "et cetera", ALWAYS},
    {"vs", "versus", ALWAYS},
    {"approx", "approximately", ALWAYS},
    {"est", "estimated", NUMBER},
    {"incl", "including", WITH_STOP},
    {"esp", "especially", WITH_STOP},
    {"min", "minutes", NUMBER},
    {"max", "maximum", NUMBER},
    {"a.k.a", "also known as", ALWAYS},
    {"aka", "also known as", ALWAYS},
    {"w/o", "without", ALWAYS},
    {"w/", "with", ALWAYS},
};

static bool abbr_fits(const struct rp_speaker *o, const struct abbr *a, struct rp_str core,
                      char pause)
{
    struct rp_str next = next_word(o);

    if (!rp_str_eq_nocase(core, lit(a->written)))
        return false;
    switch (a->when) {
    case NAME:
        return next.len > 0 && rp_is_capital(next.p[0]);
    case NUMBER:
        return pause == '.' && next.len > 0 && rp_is_digit(next.p[0]);
    case WITH_STOP:
        return pause == '.';
    case ALWAYS:
    default:
        return true;
    }
}

static bool say_abbr(struct rp_speaker *o, struct rp_str core, char *pause)
{
    for (size_t i = 0; i < RP_COUNT(abbrs); i++) {
        if (!abbr_fits(o, &abbrs[i], core, *pause))
            continue;
        rp_say(o, abbrs[i].spoken);
        if (*pause == '.' && rp_str_trim(o->rest).len > 0)
            *pause = 0; /* its own stop, not the sentence's */
        return true;
    }
    return false;
}

/* "U.S", "p.m", "J": letters with stops between, or one letter with the stop that was peeled. */
static bool say_initials(struct rp_speaker *o, struct rp_str core, char *pause)
{
    for (size_t i = 0; i < core.len; i++)
        if ((i % 2 == 1) != (core.p[i] == '.') || (i % 2 == 0 && !rp_is_letter(core.p[i])))
            return false;
    if (core.len == 1 && !(rp_is_capital(core.p[0]) && *pause == '.'))
        return false;
    for (size_t i = 0; i < core.len; i += 2) {
        char upper = (char)(core.p[i] & ~0x20);

        rp_say_gap(o);
        rp_say_str(o, rp_str_n(&upper, 1));
    }
    if (*pause == '.' && rp_str_trim(o->rest).len > 0)
        *pause = 0;
    return true;
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* An address of the net as people say it. */
static void say_net(struct rp_speaker *o, struct rp_str s)
{
    static const struct {
        char c;
        const char *spoken;
    } names[] = {{'.', "dot"},   {'@', "at"},   {'-', "dash"},  {'_', "underscore"},
                 {'/', "slash"}, {'+', "plus"}, {':', "colon"}, {'~', "tilde"}};

    for (size_t i = 0; i < s.len; i++) {
        size_t k = 0;

        if (is_alnum(s.p[i]) || (unsigned char)s.p[i] >= 0x80) {
            rp_say_str(o, rp_str_n(s.p + i, 1));
            continue;
        }
        if (s.p[i] == '%')
            i += 2; /* an escaped byte */
        while (k < RP_COUNT(names) && i < s.len && names[k].c != s.p[i])
            k++;
        if (k < RP_COUNT(names) && i < s.len)
            rp_say(o, names[k].spoken);
        else
            rp_say_gap(o);
    }
}

static struct rp_str without_prefix(struct rp_str s, const char *z, bool *had)
{
    struct rp_str prefix = lit(z);

    if (!rp_str_eq_nocase(rp_str_first(s, prefix.len), prefix) || s.len <= prefix.len)
        return s;
    *had = true;
    return rp_str_from(s, prefix.len);
}

static bool say_url(struct rp_speaker *o, struct rp_str core)
{
    bool is_url = false;

    core = without_prefix(core, "https://", &is_url);
    core = without_prefix(core, "http://", &is_url);
    core = without_prefix(core, "ftp://", &is_url);
    core = without_prefix(core, "mailto:", &is_url);
    core = without_prefix(core, "www.", &is_url);
    if (!is_url)
        return false;
    for (size_t i = 0; i < core.len; i++)
        if (core.p[i] == '?' || core.p[i] == '#')
            core.len = i;
    while (core.len && core.p[core.len - 1] == '/')
        core.len--;
    say_net(o, core);
    return true;
}

static bool is_mail_char(char c)
{
    return is_alnum(c) || strchr(".-_+", c) != NULL;
}

static bool say_mail(struct rp_speaker *o, struct rp_str core)
{
    ptrdiff_t at = rp_str_find(core, '@');
    struct rp_str host;

    if (at <= 0)
        return false;
    host = rp_str_from(core, (size_t)at + 1);
    if (!all(host, is_mail_char) || !all(rp_str_first(core, (size_t)at), is_mail_char) ||
        rp_str_find(host, '.') <= 0)
        return false;
    say_net(o, core);
    return true;
}

/* "example.com/docs", "Node.js", "README.md": letters or digits on both sides of a stop. */
static bool say_dotted(struct rp_speaker *o, struct rp_str core)
{
    bool dotted = false, letters = false;

    for (size_t i = 0; i < core.len; i++) {
        char c = core.p[i];

        if (c == '.' && i > 0 && i + 1 < core.len && is_alnum(core.p[i - 1]) &&
            is_alnum(core.p[i + 1]))
            dotted = true;
        else if (!is_alnum(c) && !strchr("-_/~:", c))
            return false;
        letters |= rp_is_letter(c);
    }
    if (!dotted || !letters || number_len(core) > 1)
        return false;
    say_net(o, core);
    return true;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static const struct currency {
    const char *sign, *one, *many, *part, *parts;
} currencies[] = {
    {"US$", "dollar", "dollars", "cent", "cents"},
    {"$", "dollar", "dollars", "cent", "cents"},
    {"€", "euro", "euros", "cent", "cents"},
    {"£", "pound", "pounds", "penny", "pence"},
    {"¥", "yen", "yen", NULL, NULL},
    {"₹", "rupee", "rupees", "paisa", "paise"},
};

static const struct {
    const char *written, *spoken;
} scales[] = {{"k", "thousand"}, {"K", "thousand"}, {"M", "million"},  {"m", "million"},
              {"bn", "billion"}, {"B", "billion"},  {"b", "billion"},  {"T", "trillion"},
              {"mm", "million"}, {"mn", "million"}, {"tn", "trillion"}};

static const char *const scale_words[] = {"hundred", "thousand", "million", "billion", "trillion"};

static void say_amount(struct rp_speaker *o, const struct currency *cur, struct rp_str number,
                       struct rp_str scale)
{
    ptrdiff_t stop = rp_str_find(number, '.');
    struct rp_str whole = stop < 0 ? number : rp_str_first(number, (size_t)stop);
    struct rp_str part = stop < 0 ? lit("") : rp_str_from(number, (size_t)stop + 1);
    struct rp_str next = next_word(o);
    const char *one = rp_str_eq_z(number, "1") ? cur->one : cur->many;

    for (size_t i = 0; i < RP_COUNT(scales); i++)
        if (rp_str_eq_z(scale, scales[i].written)) {
            rp_say_str(o, number);
            rp_say(o, scales[i].spoken);
            rp_say(o, cur->many);
            return;
        }
    for (size_t i = 0; i < RP_COUNT(scale_words); i++)
        if (rp_str_eq_nocase(next, lit(scale_words[i]))) {
            rp_say_str(o, number);
            o->owed = cur->many; /* "$3 million": behind the next word */
            return;
        }
    if (part.len == 2 && cur->part) {
        if (!rp_str_eq_z(whole, "0")) {
            rp_say_str(o, whole);
            rp_say(o, rp_str_eq_z(whole, "1") ? cur->one : cur->many);
        }
        if (!rp_str_eq_z(part, "00")) {
            rp_say_gap(o);
            rp_say_str(o, part.p[0] == '0' ? rp_str_from(part, 1) : part);
            rp_say(o, rp_str_eq_z(part, "01") ? cur->part : cur->parts);
        }
        return;
    }
    rp_say_str(o, number);
    rp_say(o, one);
}

static bool say_money(struct rp_speaker *o, struct rp_str core)
{
    bool minus = core.len > 1 && core.p[0] == '-';
    struct rp_str s = minus ? rp_str_from(core, 1) : core;

    for (size_t i = 0; i < RP_COUNT(currencies); i++) {
        struct rp_str sign = lit(currencies[i].sign), number, scale;
        size_t n;

        if (rp_str_starts(s, sign)) {
            n = number_len(rp_str_from(s, sign.len));
            number = rp_str_n(s.p + sign.len, n);
            scale = rp_str_from(s, sign.len + n);
        } else if (rp_str_ends(s, sign)) {
            n = number_len(s);
            number = rp_str_first(s, n);
            scale = rp_str_n(s.p + n, s.len - sign.len - n);
        } else {
            continue;
        }
        if (n == 0)
            return false;
        if (rp_str_starts(scale, lit("-")) || rp_str_starts(scale, lit("–"))) {
            struct rp_str to = rp_str_from(scale, scale.p[0] == '-' ? 1 : 3);

            if (rp_str_starts(to, sign))
                to = rp_str_from(to, sign.len);
            if (number_len(to) != to.len)
                return false;
            rp_say_str(o, number);
            rp_say(o, "to");
            number = to;
            scale.len = 0;
        }
        if (scale.len > 2 || (scale.len && !all(scale, rp_is_letter)))
            return false;
        if (minus)
            rp_say(o, "minus");
        say_amount(o, &currencies[i], number, scale);
        return true;
    }
    return false;
}

enum unit_when {
    ATTACHED = 1, /* "24h" */
    APART = 2,    /* "5 m" */
    BOTH = 3,
};

static const struct unit {
    const char *written, *one, *many;
    enum unit_when when;
} units[] = {
    {"%", "percent", "percent", BOTH},
    {"°C", "degree Celsius", "degrees Celsius", BOTH},
    {"ºC", "degree Celsius", "degrees Celsius", BOTH},
    {"°F", "degree Fahrenheit", "degrees Fahrenheit", BOTH},
    {"ºF", "degree Fahrenheit", "degrees Fahrenheit", BOTH},
    {"°", "degree", "degrees", BOTH},
    {"º", "degree", "degrees", BOTH},
    {"km/h", "kilometer per hour", "kilometers per hour", BOTH},
    {"kph", "kilometer per hour", "kilometers per hour", BOTH},
    {"m/s", "meter per second", "meters per second", BOTH},
    {"mph", "mile per hour", "miles per hour", BOTH},
    {"km", "kilometer", "kilometers", BOTH},
    {"m", "meter", "meters", APART},
    {"cm", "centimeter", "centimeters", BOTH},
    {"mm", "millimeter", "millimeters", BOTH},
    {"mi", "mile", "miles", BOTH},
    {"ft", "foot", "feet", BOTH},
    {"sqft", "square foot", "square feet", BOTH},
    {"m²", "square meter", "square meters", BOTH},
    {"km²", "square kilometer", "square kilometers", BOTH},
    {"kg", "kilogram", "kilograms", BOTH},
    {"g", "gram", "grams", BOTH},
    {"mg", "milligram", "milligrams", BOTH},
    {"lb", "pound", "pounds", BOTH},
    {"lbs", "pound", "pounds", BOTH},
    {"oz", "ounce", "ounces", BOTH},
    {"ml", "milliliter", "milliliters", BOTH},
    {"mL", "milliliter", "milliliters", BOTH},
    {"L", "liter", "liters", BOTH},
    {"kB", "kilobyte", "kilobytes", BOTH},
    {"KB", "kilobyte", "kilobytes", BOTH},
    {"MB", "megabyte", "megabytes", BOTH},
    {"GB", "gigabyte", "gigabytes", BOTH},
    {"TB", "terabyte", "terabytes", BOTH},
    {"Mbps", "megabit per second", "megabits per second", BOTH},
    {"Gbps", "gigabit per second", "gigabits per second", BOTH},
    {"Hz", "hertz", "hertz", BOTH},
    {"kHz", "kilohertz", "kilohertz", BOTH},
    {"MHz", "megahertz", "megahertz", BOTH},
    {"GHz", "gigahertz", "gigahertz", BOTH},
    {"W", "watt", "watts", BOTH},
    {"kW", "kilowatt", "kilowatts", BOTH},
    {"kWh", "kilowatt hour", "kilowatt hours", BOTH},
    {"V", "volt", "volts", BOTH},
    {"mAh", "milliamp hour", "milliamp hours", BOTH},
    {"ms", "millisecond", "milliseconds", BOTH},
    {"sec", "second", "seconds", BOTH},
    {"min", "minute", "minutes", BOTH},
    {"mins", "minute", "minutes", BOTH},
    {"h", "hour", "hours", BOTH},
    {"hr", "hour", "hours", BOTH},
    {"hrs", "hour", "hours", BOTH},
    {"px", "pixel", "pixels", BOTH},
    {"x", "times", "times", ATTACHED},
};

static bool say_unit(struct rp_speaker *o, struct rp_str s, bool one, enum unit_when when)
{
    for (size_t i = 0; i < RP_COUNT(units); i++)
        if ((units[i].when & when) && rp_str_eq_z(s, units[i].written)) {
            rp_say(o, one ? units[i].one : units[i].many);
            return true;
        }
    return false;
}

/* "am", "p.m": A for am, P for pm, else 0. */
static char half_day(struct rp_str s)
{
    if (s.len && s.p[s.len - 1] == '.')
        s.len--;
    if (rp_str_eq_nocase(s, lit("am")) || rp_str_eq_nocase(s, lit("a.m")))
        return 'A';
    return rp_str_eq_nocase(s, lit("pm")) || rp_str_eq_nocase(s, lit("p.m")) ? 'P' : 0;
}

/* "3:30", "3:30pm", "12:00", "3pm". */
static bool say_time(struct rp_speaker *o, struct rp_str core)
{
    size_t h = digits_len(core), n = h;
    bool full = false;
    char half;

    if (h == 0 || h > 2)
        return false;
    if (core.len >= h + 3 && core.p[h] == ':' && digits_len(rp_str_from(core, h + 1)) == 2) {
        n = h + 3;
        full = rp_str_eq_z(rp_str_n(core.p + h, 3), ":00");
    }
    half = half_day(rp_str_from(core, n));
    if (n < core.len ? half == 0 : n == h)
        return false;
    rp_say_str(o, rp_str_first(core, full ? h : n));
    if (half)
        rp_say(o, half == 'A' ? "A M" : "P M");
    else if (full && half_day(next_word(o)) == 0)
        rp_say(o, "o'clock");
    return true;
}

static int to_int(struct rp_str s)
{
    int64_t n = 0;

    return s.len < 9 && rp_str_to_i64(s, &n) == 0 ? (int)n : -1;
}

/* "2024-05-03" and "12/31/2024" (or 31/12/2024). */
static bool say_date(struct rp_speaker *o, struct rp_str core)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    struct rp_str rest = core, a, b;
    char sep = rp_str_find(core, '/') > 0 ? '/' : '-';
    int year, month, day;

    a = rp_str_split(&rest, sep);
    b = rp_str_split(&rest, sep);
    if (!all(a, rp_is_digit) || !all(b, rp_is_digit) || !all(rest, rp_is_digit))
        return false;
    if (sep == '-' && a.len == 4) {
        year = to_int(a), month = to_int(b), day = to_int(rest);
    } else if (sep == '/' && rest.len == 4) {
        year = to_int(rest), month = to_int(a), day = to_int(b);
        if (month > 12) {
            month = to_int(b);
            day = to_int(a);
        }
    } else {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > 31 || year < 1000)
        return false;
    rp_say(o, months[month - 1]);
    (void)rp_buf_printf(o->speech, "%d%s %d", day,
                        day % 10 == 1 && day != 11   ? "st"
                        : day % 10 == 2 && day != 12 ? "nd"
                        : day % 10 == 3 && day != 13 ? "rd"
                                                     : "th",
                        year);
    return true;
}

/* "1.2.3", "v2.0", "192.168.0.1". */
static bool say_version(struct rp_speaker *o, struct rp_str core)
{
    bool v = core.len > 1 && (core.p[0] == 'v' || core.p[0] == 'V') && rp_is_digit(core.p[1]);
    struct rp_str rest = v ? rp_str_from(core, 1) : core;
    size_t stops = 0;

    for (size_t i = 0; i < rest.len; i++) {
        if (!rp_is_digit(rest.p[i]) && (rest.p[i] != '.' || i == 0))
            return false;
        stops += rest.p[i] == '.';
    }
    if (!v && stops < 2)
        return false;
    if (v && !rp_str_ends(rp_buf_view(o->speech), RP_STR("ersion ")))
        rp_say(o, "version");
    for (size_t left = stops + 1; left > 0; left--) {
        rp_say_str(o, rp_str_split(&rest, '.'));
        if (left > 1)
            rp_say(o, stops == 3 ? "dot" : "point");
    }
    return true;
}

/* "5", "-5", "5km", "5%", "10-20", "$5-$10", "1234567". */
static bool say_number(struct rp_speaker *o, struct rp_str core)
{
    static const char *const range[] = {"-", "–", "—", "‒"};
    bool minus = core.len > 1 && (core.p[0] == '-' || rp_str_starts(core, lit("−")));
    struct rp_str s = minus ? rp_str_from(core, core.p[0] == '-' ? 1 : 3) : core, rest;
    size_t n = number_len(s);
    bool one = n == 1 && s.p[0] == '1';

    if (n == 0)
        return false;
    rest = rp_str_from(s, n);
    for (size_t i = 0; i < RP_COUNT(range); i++) {
        struct rp_str to = rp_str_from(rest, strlen(range[i]));

        if (rp_str_starts(rest, lit(range[i])) && number_len(to) > 0 && rp_str_find(to, '-') < 0) {
            rp_say_str(o, rp_str_first(s, n));
            rp_say(o, "to");
            return say_number(o, to);
        }
    }
    if (rest.len == 0 && n >= NUMBER_READ_AS_DIGITS && digits_len(s) == n) {
        say_digits(o, s);
        return true;
    }
    if (minus)
        rp_say(o, "minus");
    rp_say_str(o, rp_str_first(s, n));
    if (rest.len == 0 || say_unit(o, rest, one, ATTACHED))
        return true;
    if (rp_str_eq_z(rest, "/7") && rp_str_eq_z(rp_str_first(s, n), "24")) {
        rp_say(o, "7");
        return true;
    }
    /* None of ours ("3rd", "90s", "1/2"): the engine's. */
    o->speech->len -= n;
    if (minus)
        o->speech->len -= strlen("minus ");
    o->speech->p[o->speech->len] = '\0';
    return false;
}

/* ---- anything else --------------------------------------------------------------------------- */

static const struct symbol {
    uint32_t c;
    const char *spoken;
} symbols[] = {
    {'&', "and"},
    {'+', "plus"},
    {'=', "equals"},
    {'@', "at"},
    {'%', "percent"},
    {'$', "dollar"},
    {0xa3, "pounds"},
    {0x20ac, "euros"},
    {0xb0, "degrees"},
    {0xb1, "plus or minus"},
    {0xd7, "times"},
    {0xf7, "divided by"},
    {0xb2, "squared"},
    {0xb3, "cubed"},
    {0xbc, "one quarter"},
    {0xbd, "one half"},
    {0xbe, "three quarters"},
    {0xa7, "section"},
    {0x2212, "minus"},
    {0x2248, "about"},
    {0x2260, "is not"},
    {0x2264, "at most"},
    {0x2265, "at least"},
    {0x2116, "number"},
    {0x221e, "infinity"},
    {0x221a, "root"},
    {0x3c0, "pi"},
};

bool rp_is_picture(uint32_t c)
{
    if (c == 0x221a || c == 0x221e)
        return false;
    return c == 0xa9 || c == 0xae || c == 0xad || c == 0xb6 || c == 0xb7 || c == RP_UTF8_BAD_CHAR ||
           c == 0xfeff || (c >= 0x2000 && c <= 0x206f && c != 0x2019) || c == 0x20e3 ||
           (c >= 0x2100 && c <= 0x214f && c != 0x2116) || (c >= 0x2190 && c <= 0x21ff) ||
           (c >= 0x2300 && c <= 0x23ff) || (c >= 0x2500 && c <= 0x2bff) || c == 0x3030 ||
           c == 0x303d || (c >= 0xe000 && c <= 0xf8ff) || (c >= 0xfe00 && c <= 0xfe0f) ||
           c >= 0x1f000;
}

/* "AT&T", "R&D": letters on both sides. */
static bool say_ampersand(struct rp_speaker *o, struct rp_str core)
{
    ptrdiff_t amp = rp_str_find(core, '&');
    struct rp_str a, b;

    if (amp <= 0 || amp > 3)
        return false;
    a = rp_str_first(core, (size_t)amp);
    b = rp_str_from(core, (size_t)amp + 1);
    if (!all(a, rp_is_capital) || !all(b, rp_is_capital) || b.len > 3)
        return false;
    say_letters(o, a);
    rp_say(o, "and");
    say_letters(o, b);
    return true;
}

/* What an ASCII mark in the middle of a word (or alone) becomes. */
static void say_mark(struct rp_speaker *o, struct rp_str core, size_t i, bool path)
{
    char c = core.p[i], before = i > 0 ? core.p[i - 1] : '\0';
    char after = i + 1 < core.len ? core.p[i + 1] : '\0';
    bool digits = rp_is_digit(before) && rp_is_digit(after);
    bool inside = before != '\0' && after != '\0';

    switch (c) {
    case '\'':
    case '-':
        if (inside && before != c)
            rp_say_str(o, rp_str_n(core.p + i, 1));
        break;
    case '.':
    case ':':
        if (digits)
            rp_say_str(o, rp_str_n(core.p + i, 1));
        else if (c == '.' && rp_is_digit(after))
            rp_say(o, "point");
        else
            rp_say_gap(o);
        break;
    case ',':
    case ';':
        if (digits && c == ',')
            rp_say_str(o, rp_str_n(core.p + i, 1));
        else
            rp_say_pause(o, ',');
        break;
    case '/':
        if (digits)
            rp_say_str(o, rp_str_n(core.p + i, 1));
        else if (path)
            rp_say(o, "slash");
        else
            rp_say_gap(o);
        break;
    case '#':
        rp_say(o, rp_is_digit(after) ? "number" : before ? "sharp" : "hashtag");
        break;
    case '<':
    case '>':
        if (core.len == 1 || rp_is_digit(after))
            rp_say(o, c == '<' ? "less than" : "greater than");
        else
            rp_say_gap(o);
        break;
    case '*':
    case '^':
        if (digits)
            rp_say(o, c == '*' ? "times" : "to the power of");
        break;
    case '~':
        if (rp_is_digit(after))
            rp_say(o, "about");
        break;
    case '(':
    case ')':
    case '[':
    case ']':
    case '"':
        break; /* "file(s)" */
    default:
        rp_say_gap(o);
    }
}

static void say_plain(struct rp_speaker *o, struct rp_str core)
{
    size_t slashes = 0, n;
    bool path;

    for (size_t i = 0; i < core.len; i++)
        slashes += core.p[i] == '/';
    path = slashes > 1 || (core.len > 1 && core.p[0] == '/');

    for (size_t i = 0; i < core.len; i += n) {
        uint32_t c = rp_utf8_at(rp_str_from(core, i), &n);
        size_t k = 0;

        if (c < 0x80 && is_alnum((char)c)) {
            rp_say_str(o, rp_str_n(core.p + i, 1));
            continue;
        }
        while (k < RP_COUNT(symbols) && symbols[k].c != c)
            k++;
        if (k < RP_COUNT(symbols))
            rp_say(o, symbols[k].spoken);
        else if (c < 0x80)
            say_mark(o, core, i, path);
        else if (c == 0x2019)
            rp_say_str(o, lit("'"));
        else if (rp_is_picture(c))
            rp_say_gap(o);
        else
            rp_say_str(o, rp_str_n(core.p + i, n));
    }
}

void rp_say_core(struct rp_speaker *o, struct rp_str core, char *pause)
{
    const char *owed = o->owed;
    bool number = o->number;
    char half = half_day(core);

    o->owed = NULL;
    o->number = number_len(core) == core.len || rp_str_find(core, ':') > 0;
    if (core.len == 0)
        return;
    if (number && half) {
        rp_say(o, half == 'A' ? "A M" : "P M");
        if (*pause == '.' && rp_str_trim(o->rest).len > 0)
            *pause = 0;
    } else if (!(number && say_unit(o, core, false, APART)) && !say_abbr(o, core, pause) &&
               !say_initials(o, core, pause) && !say_url(o, core) && !say_mail(o, core) &&
               !say_money(o, core) && !say_date(o, core) && !say_time(o, core) &&
               !say_version(o, core) && !say_dotted(o, core) && !say_number(o, core) &&
               !say_ampersand(o, core)) {
        say_plain(o, core);
    }
    if (owed)
        rp_say(o, owed);
}

/* ---- telephone numbers ----------------------------------------------------------------------- */

#define GROUPS_MAX 6

struct groups {
    struct rp_str digits[GROUPS_MAX];
    char sep[GROUPS_MAX];   /* before the group */
    size_t end[GROUPS_MAX]; /* behind the group, in raw */
    size_t n;
};

/* Groups of digits from `i` on, with one separator between. */
static void read_groups(struct rp_str raw, size_t i, struct groups *g)
{
    char sep = '\0';

    g->n = 0;
    while (g->n < GROUPS_MAX && i < raw.len) {
        bool bracket = raw.p[i] == '(';
        size_t n;

        i += bracket;
        n = digits_len(rp_str_from(raw, i));
        if (n == 0 || (bracket && (i + n >= raw.len || raw.p[i + n] != ')')))
            return;
        g->digits[g->n] = rp_str_n(raw.p + i, n);
        g->sep[g->n] = sep;
        i += n + bracket;
        g->end[g->n++] = i;
        sep = '\0';
        if (i < raw.len && strchr(" -.", raw.p[i]))
            sep = raw.p[i++];
        else if (!bracket)
            return;
    }
}

static bool shape(const struct groups *g, size_t n, const char *lens)
{
    if (strlen(lens) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (g->digits[i].len != (size_t)(lens[i] - '0'))
            return false;
    return true;
}

/* Whether the first `n` groups look like a telephone (or card) number. */
static bool is_phone(const struct groups *g, size_t n, bool plus)
{
    size_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += g->digits[i].len;
    if (plus)
        return total >= 8 && total <= 15;
    if (shape(g, n, "34"))
        return g->sep[1] == '-';
    if (shape(g, n, "1334"))
        return g->digits[0].p[0] == '1';
    if (shape(g, n, "344") || shape(g, n, "56") || shape(g, n, "434") || shape(g, n, "433"))
        return g->digits[0].p[0] == '0';
    return shape(g, n, "334") || shape(g, n, "4444");
}

size_t rp_say_phone(struct rp_speaker *o, size_t i)
{
    bool plus = o->raw.p[i] == '+';
    size_t word = i, speech_from;
    struct groups g;

    if (!plus && o->raw.p[i] != '(' && !rp_is_digit(o->raw.p[i]))
        return 0;
    read_groups(o->raw, i + plus, &g);
    while (g.n > 0) {
        size_t end = g.end[g.n - 1];
        char after = end < o->raw.len ? o->raw.p[end] : ' ';

        if (is_phone(&g, g.n, plus) && !is_alnum(after) && strchr("/:%$", after) == NULL)
            break;
        g.n--;
    }
    if (g.n == 0)
        return 0;

    rp_say_gap(o);
    speech_from = o->speech->len;
    if (plus)
        rp_say(o, "plus");
    for (size_t k = 0; k < g.n; k++) {
        say_digits(o, g.digits[k]);
        if (k + 1 < g.n && g.sep[k + 1] == ' ') {
            rp_say_span(o, word, g.end[k], speech_from);
            word = g.end[k] + 1;
        }
        if (k + 1 < g.n) {
            rp_say_pause(o, ',');
            rp_say_gap(o);
        }
        if (k + 1 < g.n && g.sep[k + 1] == ' ')
            speech_from = o->speech->len;
    }
    rp_say_span(o, word, g.end[g.n - 1], speech_from);
    return g.end[g.n - 1] - i;
}
