/* Heads of HTTP/1 messages (RFC 9112): pure functions from bytes to views.
 *
 * Strict where leniency has led servers and proxies to disagree about where a message ends: lines
 * end in CRLF, names are tokens with the colon right behind, no folded lines, no control characters
 * in values. */
#ifndef RP_NET_HTTP_PARSE_H
#define RP_NET_HTTP_PARSE_H

#include "base/str.h"

#define RP_HTTP_MAX_HEADERS 100
#define RP_HTTP_MAX_TARGET  8192

struct rp_header {
    struct rp_str name, value;
};

/* Views borrow from the text that was parsed. */
struct rp_http_head {
    struct rp_str method, target; /* of a request */
    struct rp_str path, query;    /* of its target; the query without its '?' */
    int status;                   /* of an answer */
    int minor;                    /* HTTP/1.minor: 0 or 1 */
    size_t nheaders;
    struct rp_header headers[RP_HTTP_MAX_HEADERS];
};

/* Parses a whole head, up to and with its empty line. 0, or the status to refuse it with: 400, 414,
 * 431 or 505. */
int rp_http_parse_request(struct rp_http_head *h, struct rp_str text);
/* The same for an answer; RP_EPROTO. */
int rp_http_parse_response(struct rp_http_head *h, struct rp_str text);

/* Length of the head at the start of `text`, with its empty line; 0: not whole yet. Looks from
 * `*scanned` on and moves it, so that feeding byte by byte costs no more than feeding at once. */
size_t rp_http_head_len(struct rp_str text, size_t *scanned);

/* The first header of that name (its case is ignored); p NULL: absent. */
struct rp_str rp_http_head_get(const struct rp_http_head *h, const char *name);
/* How many headers have that name. */
size_t rp_http_head_count(const struct rp_http_head *h, const char *name);
/* Whether the comma-separated lists of all headers of that name hold `token`, case ignored. */
bool rp_http_head_lists(const struct rp_http_head *h, const char *name, const char *token);

/* "Not Found" for 404; "" for a status we never send. */
const char *rp_http_status_text(int status);
/* Whether it may stand as a header's value: no control characters. */
bool rp_http_value_ok(struct rp_str value);
/* Whether it is a token (RFC 9110 5.6.2): names, methods. */
bool rp_http_token_ok(struct rp_str s);

#endif
