/* Absolute http, https, ws and wss URLs (RFC 3986), for webhooks, engines and our own address.
 *
 * Stricter than a browser, since these come from configuration and a surprise here is a request to
 * the wrong machine: no user info, no control characters, spaces, backslashes or bytes beyond ASCII
 * (an international name is written as punycode, a path percent-encoded), and a host that ends in a
 * number must be a plain dotted IPv4 address ("0x7f.1" and "2130706433" are refused: some resolvers
 * take them for 127.0.0.1). */
#ifndef RP_CODEC_URL_H
#define RP_CODEC_URL_H

#include "base/str.h"

enum rp_url_host { RP_URL_NAME, RP_URL_IPV4, RP_URL_IPV6 };

#define RP_URL_MAX 8192

/* Views borrow from the text. */
struct rp_url {
    const char *scheme; /* "http", "https", "ws" or "wss" */
    bool tls;           /* https, wss */
    bool websocket;     /* ws, wss */
    enum rp_url_host host_type;
    struct rp_str host;      /* without the brackets of IPv6 */
    uint16_t port;           /* the scheme's own if none is given */
    struct rp_str authority; /* host and port as written, e.g. for a Host header */
    struct rp_str target; /* path and query as written; "" if both are missing, "?…" is possible */
    struct rp_str path;   /* as written, still percent-encoded; may be empty, which means "/" */
    struct rp_str query;  /* without "?"; p == NULL if there is none */
};

/* Takes a URL apart; a fragment is dropped. RP_EPROTO: *why is a static text such as "the port is
 * not a number from 1 to 65535" (`why` may be NULL) and *out untouched. */
int rp_url_parse(struct rp_url *out, struct rp_str text, const char **why);

#endif
