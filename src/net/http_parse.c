/* Heads of HTTP/1 messages; see http_parse.h. */
#include "net/http_parse.h"

#include "base/check.h"
#include "base/err.h"

static bool is_token_char(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return true;
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
        return true;
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool rp_http_token_ok(struct rp_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_char((unsigned char)s.p[i]))
            return false;
    return s.len > 0;
}

bool rp_http_value_ok(struct rp_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

size_t rp_http_head_len(struct rp_str text, size_t *scanned)
{
    size_t from = *scanned > 3 ? *scanned - 3 : 0;
    ptrdiff_t at = rp_str_find_str(rp_str_from(text, from), RP_STR("\r\n\r\n"));

    *scanned = text.len;
    return at < 0 ? 0 : from + (size_t)at + 4;
}

/* Cuts the next line off *rest, without its CRLF. False if there is none. */
static bool next_line(struct rp_str *rest, struct rp_str *line)
{
    ptrdiff_t end = rp_str_find_str(*rest, RP_STR("\r\n"));

    if (end < 0)
        return false;
    *line = rp_str_first(*rest, (size_t)end);
    *rest = rp_str_from(*rest, (size_t)end + 2);
    return true;
}

/* The header lines and the empty one behind them. */
static int parse_headers(struct rp_http_head *h, struct rp_str rest)
{
    struct rp_str line, name;

    h->nheaders = 0;
    while (next_line(&rest, &line)) {
        if (line.len == 0)
            return rest.len == 0 ? 0 : 400;
        if (h->nheaders == RP_HTTP_MAX_HEADERS)
            return 431;
        name = rp_str_split(&line, ':');
        if (!line.p || !rp_http_token_ok(name) || !rp_http_value_ok(line))
            return 400;
        h->headers[h->nheaders++] = (struct rp_header){name, rp_str_trim(line)};
    }
    return 400;
}

/* RFC 9112 3.2: a path, an absolute URL as proxies are sent, or the star of OPTIONS. */
static int parse_target(struct rp_http_head *h)
{
    struct rp_str t = h->target;

    if (t.len > RP_HTTP_MAX_TARGET)
        return 414;
    for (size_t i = 0; i < t.len; i++)
        if ((unsigned char)t.p[i] <= 0x20 || (unsigned char)t.p[i] >= 0x7f || t.p[i] == '#')
            return 400;
    if (rp_str_eq_nocase(rp_str_first(t, 7), RP_STR("http://")) ||
        rp_str_eq_nocase(rp_str_first(t, 8), RP_STR("https://"))) {
        ptrdiff_t slash, query;
        t = rp_str_from(t, (size_t)rp_str_find(t, ':') + 3);
        slash = rp_str_find(t, '/');
        query = rp_str_find(t, '?');
        if (slash < 0 || (query >= 0 && query < slash))
            return 400; /* no path */
        t = rp_str_from(t, (size_t)slash);
    }
    if (rp_str_eq_z(t, "*") ? !rp_str_eq_z(h->method, "OPTIONS") : t.len == 0 || t.p[0] != '/')
        return 400;
    h->query = t;
    h->path = rp_str_split(&h->query, '?');
    if (!h->query.p)
        h->query = rp_str_z("");
    return 0;
}

/* RFC 9112 3.2: exactly one, and nothing in it that could be taken for more than a host. */
static bool host_ok(const struct rp_http_head *h)
{
    struct rp_str host = rp_http_head_get(h, "Host");
    size_t count = rp_http_head_count(h, "Host");

    for (size_t i = 0; i < host.len; i++)
        if (strchr(" \t/\\?#@,", host.p[i]))
            return false;
    return count == 1 || (count == 0 && h->minor == 0);
}

/* "HTTP/1.x": sets the minor version; 400 or 505. */
static int parse_version(struct rp_http_head *h, struct rp_str version)
{
    if (version.len != 8 || !rp_str_starts(version, RP_STR("HTTP/")) || version.p[6] != '.' ||
        version.p[5] < '0' || version.p[5] > '9' || version.p[7] < '0' || version.p[7] > '9')
        return 400;
    if (version.p[5] != '1')
        return 505;
    h->minor = version.p[7] == '0' ? 0 : 1;
    return 0;
}

int rp_http_parse_request(struct rp_http_head *h, struct rp_str text)
{
    struct rp_str line;
    int refuse;

    if (!next_line(&text, &line))
        return 400;
    h->status = 0;
    h->method = rp_str_split(&line, ' ');
    if (!line.p || !rp_http_token_ok(h->method))
        return 400;
    h->target = rp_str_split(&line, ' ');
    if (!line.p)
        return 400;
    refuse = parse_version(h, line);
    if (!refuse)
        refuse = parse_target(h);
    if (!refuse)
        refuse = parse_headers(h, text);
    if (!refuse && !host_ok(h))
        refuse = 400;
    return refuse;
}

int rp_http_parse_response(struct rp_http_head *h, struct rp_str text)
{
    struct rp_str line, version, status;
    int64_t number;

    if (!next_line(&text, &line))
        return RP_EPROTO;
    h->method = h->target = h->path = h->query = rp_str_z("");
    version = rp_str_split(&line, ' ');
    status = line.p ? rp_str_split(&line, ' ') : rp_str_z("");
    if (parse_version(h, version) != 0 || status.len != 3 || rp_str_to_i64(status, &number) != 0 ||
        number < 100)
        return RP_EPROTO;
    h->status = (int)number;
    return parse_headers(h, text) == 0 ? 0 : RP_EPROTO;
}

struct rp_str rp_http_head_get(const struct rp_http_head *h, const char *name)
{
    for (size_t i = 0; i < h->nheaders; i++)
        if (rp_str_eq_nocase(h->headers[i].name, rp_str_z(name)))
            return h->headers[i].value;
    return (struct rp_str){NULL, 0};
}

size_t rp_http_head_count(const struct rp_http_head *h, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < h->nheaders; i++)
        count += rp_str_eq_nocase(h->headers[i].name, rp_str_z(name));
    return count;
}

bool rp_http_head_lists(const struct rp_http_head *h, const char *name, const char *token)
{
    for (size_t i = 0; i < h->nheaders; i++) {
        struct rp_str rest = h->headers[i].value;
        if (!rp_str_eq_nocase(h->headers[i].name, rp_str_z(name)))
            continue;
        while (rest.p)
            if (rp_str_eq_nocase(rp_str_trim(rp_str_split(&rest, ',')), rp_str_z(token)))
                return true;
    }
    return false;
}

const char *rp_http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < RP_COUNT(texts); i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "";
}
