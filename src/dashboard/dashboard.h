/* The web pages: a one-time link, a signed-in browser, and the pages themselves, which are built
 * into the program.
 *
 * A link carries a token that is good once and for 15 minutes; opening it sets a cookie (HttpOnly,
 * SameSite=Strict, Secure under TLS). Tokens and cookies are stored hashed. Pages without secrets
 * (the scripts themselves) need no cookie; the API does. On the loop of the request. */
#ifndef RP_DASHBOARD_DASHBOARD_H
#define RP_DASHBOARD_DASHBOARD_H

#include "net/http_server.h"
#include "store/store.h"

struct rp_dashboard;

/* `public_url` (borrowed) is where browsers come from, NULL: wherever we listen. */
int rp_dashboard_new(struct rp_dashboard **out, struct rp_store *store, const char *public_url);
void rp_dashboard_free(struct rp_dashboard *d);
/* Takes requests for pages and sign-in; false: not ours. */
bool rp_dashboard_handle(struct rp_dashboard *d, struct rp_http_req *req);

/* Makes a link, stored; blocks (start-up and CLI only). NULL on failure. Release with rp_free. */
char *rp_dashboard_owner_link(struct rp_store *store, const char *base_url);

/* The value of the sign-in cookie in a request, p == NULL: none. */
struct rp_str rp_dashboard_cookie(const struct rp_http_req *req);

#endif
