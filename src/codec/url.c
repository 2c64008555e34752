/* URLs; see url.h. */
#include "codec/url.h"

#include "base/check.h"
#include "base/err.h"

#define HOST_MAX 253 /* longest name in the DNS */

static const struct {
    struct rp_str prefix;
    const char *scheme;
    uint16_t port;
    bool tls, websocket;
} schemes[] = {
    {{"http://", 7}, "http", 80, false, false},
    {{"https://", 8}, "https", 443, true, false},
    {{"ws://", 5}, "ws", 80, false, true},
    {{"wss://", 6}, "wss", 443, true, true},
};

/* Each parser below returns NULL, or what is wrong. */

static const char *check_bytes(struct rp_str text)
{
    if (text.len > RP_URL_MAX)
        return "the URL is too long";
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        if (c <= 0x20 || c == 0x7f)
            return "the URL contains a space or a control character";
        if (c > 0x7f)
            return "the URL contains characters beyond ASCII; percent-encode them";
        if (strchr("\"<>\\^`{|}", c))
            return "the URL contains a character that has to be percent-encoded";
    }
    return NULL;
}

static const char *take_scheme(struct rp_url *url, struct rp_str *rest)
{
    for (size_t i = 0; i < RP_COUNT(schemes); i++) {
        const struct rp_str prefix = schemes[i].prefix;
        if (!rp_str_eq_nocase(rp_str_first(*rest, prefix.len), prefix))
            continue;
        url->scheme = schemes[i].scheme;
        url->port = schemes[i].port;
        url->tls = schemes[i].tls;
        url->websocket = schemes[i].websocket;
        *rest = rp_str_from(*rest, prefix.len);
        return NULL;
    }
    return "the URL does not begin with http://, https://, ws:// or wss://";
}

/* Up to the first of the characters `stops`. */
static struct rp_str span(struct rp_str s, const char *stops)
{
    size_t n = 0;

    while (n < s.len && !strchr(stops, s.p[n]))
        n++;
    return rp_str_first(s, n);
}

/* Four numbers from 0 to 255 without leading zeros, which some readers take for octal. */
static bool is_ipv4(struct rp_str s)
{
    int count = 0;

    while (s.p) {
        const struct rp_str part = rp_str_split(&s, '.');
        int64_t n;
        if (part.len == 0 || part.len > 3 || (part.p[0] == '0' && part.len > 1) ||
            part.p[0] == '-' || rp_str_to_i64(part, &n) != 0 || n > 255)
            return false;
        count++;
    }
    return count == 4;
}

static bool is_hex(struct rp_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        const char c = (char)(s.p[i] | 0x20);
        if ((s.p[i] < '0' || s.p[i] > '9') && (c < 'a' || c > 'f'))
            return false;
    }
    return s.len > 0;
}

/* Eight groups of up to four hex digits, of which "::" may stand for one run of zeros and a dotted
 * IPv4 address for the last two (RFC 4291, 2.2). No zone. */
static bool is_ipv6(struct rp_str s)
{
    bool gap = rp_str_starts(s, RP_STR("::"));
    int groups = 0;

    if (gap)
        s = rp_str_from(s, 2);
    while (s.len > 0 || !gap) {
        const struct rp_str group = span(s, ":");
        if (group.len == s.len && is_ipv4(group)) {
            groups += 2;
            break;
        }
        if (group.len > 4 || !is_hex(group))
            return false;
        groups++;
        if (group.len == s.len)
            break;
        s = rp_str_from(s, group.len + 1);
        if (rp_str_starts(s, RP_STR(":"))) {
            if (gap)
                return false;
            gap = true;
            s = rp_str_from(s, 1);
        } else if (s.len == 0) {
            return false;
        }
    }
    return gap ? groups < 8 : groups == 8;
}

static bool is_name_char(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
           c == '_';
}

/* Whether a resolver could take a name that ends in this label for a number. */
static bool is_numeric(struct rp_str label)
{
    if (label.len >= 2 && label.p[0] == '0' && (label.p[1] | 0x20) == 'x')
        return true;
    for (size_t i = 0; i < label.len; i++)
        if (label.p[i] < '0' || label.p[i] > '9')
            return false;
    return true;
}

static const char *check_name(struct rp_url *url)
{
    struct rp_str rest = url->host, label = {0};

    if (is_ipv4(url->host)) {
        url->host_type = RP_URL_IPV4;
        return NULL;
    }
    url->host_type = RP_URL_NAME;
    if (url->host.len > HOST_MAX)
        return "the host name is too long";
    if (rest.len > 1 && rest.p[rest.len - 1] == '.')
        rest.len--; /* a fully qualified name */
    while (rest.p) {
        label = rp_str_split(&rest, '.');
        if (label.len == 0 || label.len > 63)
            return "a part of the host name is empty or too long";
        for (size_t i = 0; i < label.len; i++)
            if (!is_name_char(label.p[i]))
                return "the host name contains a character that no host name has";
    }
    return is_numeric(label) ? "the host is neither a name nor an IPv4 address" : NULL;
}

static const char *take_port(struct rp_url *url, struct rp_str port)
{
    int64_t n;

    if (port.len == 0)
        return NULL; /* "http://host:/" means the scheme's port */
    if (port.p[0] == '-' || port.len > 5 || rp_str_to_i64(port, &n) != 0 || n < 1 || n > 65535)
        return "the port is not a number from 1 to 65535";
    url->port = (uint16_t)n;
    return NULL;
}

static const char *take_authority(struct rp_url *url, struct rp_str authority)
{
    struct rp_str rest = authority;
    const char *why;

    if (rp_str_find(authority, '@') >= 0)
        return "the URL contains a user name or password; put credentials into a header";
    url->authority = authority;
    if (rp_str_starts(authority, RP_STR("["))) {
        rest = rp_str_from(rest, 1);
        url->host = rp_str_split(&rest, ']');
        url->host_type = RP_URL_IPV6;
        if (!rest.p || !is_ipv6(url->host))
            return "the host in brackets is not an IPv6 address";
        if (rest.len > 0 && rest.p[0] != ':')
            return "only a port may follow the brackets";
        return rest.len > 0 ? take_port(url, rp_str_from(rest, 1)) : NULL;
    }
    url->host = rp_str_split(&rest, ':');
    if (url->host.len == 0)
        return "the URL has no host";
    why = check_name(url);
    if (!why && rest.p)
        why = take_port(url, rest);
    return why;
}

int rp_url_parse(struct rp_url *out, struct rp_str text, const char **why)
{
    struct rp_url url = {0};
    struct rp_str rest = text, authority;
    const char *wrong = check_bytes(text);

    if (!wrong)
        wrong = take_scheme(&url, &rest);
    if (!wrong) {
        authority = span(rest, "/?#");
        wrong = take_authority(&url, authority);
        rest = rp_str_from(rest, authority.len);
    }
    if (wrong) {
        if (why)
            *why = wrong;
        return RP_EPROTO;
    }
    url.target = span(rest, "#");
    url.path = span(url.target, "?");
    if (url.path.len < url.target.len)
        url.query = rp_str_from(url.target, url.path.len + 1);
    *out = url;
    return 0;
}
