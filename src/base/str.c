/* String views; see str.h. */
#include "base/str.h"

#include "base/err.h"

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool rp_str_eq_nocase(struct rp_str a, struct rp_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool rp_str_starts(struct rp_str s, struct rp_str prefix)
{
    return s.len >= prefix.len && rp_str_eq(rp_str_first(s, prefix.len), prefix);
}

bool rp_str_ends(struct rp_str s, struct rp_str suffix)
{
    return s.len >= suffix.len && rp_str_eq(rp_str_from(s, s.len - suffix.len), suffix);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct rp_str rp_str_trim(struct rp_str s)
{
    while (s.len && is_space(s.p[0]))
        s = rp_str_from(s, 1);
    while (s.len && is_space(s.p[s.len - 1]))
        s.len--;
    return s;
}

struct rp_str rp_str_from(struct rp_str s, size_t from)
{
    if (from > s.len)
        from = s.len;
    return from ? rp_str_n(s.p + from, s.len - from) : s;
}

struct rp_str rp_str_first(struct rp_str s, size_t len)
{
    return rp_str_n(s.p, len < s.len ? len : s.len);
}

ptrdiff_t rp_str_find(struct rp_str s, char c)
{
    const char *hit = s.len ? memchr(s.p, c, s.len) : NULL;

    return hit ? hit - s.p : -1;
}

ptrdiff_t rp_str_find_str(struct rp_str s, struct rp_str needle)
{
    if (needle.len == 0)
        return 0;
    for (size_t i = 0; i + needle.len <= s.len; i++)
        if (memcmp(s.p + i, needle.p, needle.len) == 0)
            return (ptrdiff_t)i;
    return -1;
}

struct rp_str rp_str_split(struct rp_str *rest, char sep)
{
    ptrdiff_t at = rp_str_find(*rest, sep);
    struct rp_str head = *rest;

    if (at < 0) {
        *rest = rp_str_n(NULL, 0);
        return head;
    }
    head.len = (size_t)at;
    *rest = rp_str_from(*rest, (size_t)at + 1);
    return head;
}

int rp_str_to_i64(struct rp_str s, int64_t *out)
{
    bool negative = s.len && s.p[0] == '-';
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;

    s = rp_str_from(s, negative ? 1 : 0);
    if (s.len == 0)
        return RP_EINVAL;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
        if (digit > 9 || value > (limit - digit) / 10)
            return RP_EINVAL;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return 0;
}

bool rp_str_eq_secret(struct rp_str a, struct rp_str b)
{
    unsigned char diff = 0;

    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        diff = (unsigned char)(diff | (a.p[i] ^ b.p[i]));
    return diff == 0;
}
