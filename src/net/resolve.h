/* Names to addresses, off the loops.
 *
 * getaddrinfo(3) blocks for as long as a name server likes, so each look-up has a thread of its
 * own, started when it is needed and gone after it; their number is bounded, and look-ups of one
 * name that meet share one. What was found is remembered for 30 seconds. Addresses that a backend
 * or an engine must not have are weeded out here. */
#ifndef RP_NET_RESOLVE_H
#define RP_NET_RESOLVE_H

#include <netinet/in.h>

#include "base/str.h"
#include "net/loop.h"

#define RP_MAX_ADDRS 8

union rp_sockaddr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* `err`: 0, RP_ENOTFOUND (no such name), RP_EUPSTREAM (the name servers fail), RP_EDENIED (it is,
 * or one of its addresses is, link-local), RP_ELIMIT (too many look-ups). Ports are 0. */
struct rp_resolved {
    int err;
    const char *why; /* a sentence; static */
    size_t naddrs;
    union rp_sockaddr addrs[RP_MAX_ADDRS];
};

struct rp_lookup;
typedef void rp_resolved_fn(const struct rp_resolved *result, void *arg);

/* Looks up a name or a literal address (IPv6 without brackets). `fn` runs on `l`, which the caller
 * is on, never from inside this call; the look-up is gone afterwards. RP_ENOMEM. */
int rp_resolve(struct rp_lookup **out, struct rp_loop *l, struct rp_str host, rp_resolved_fn *fn,
               void *arg);
/* `fn` will not be called; the look-up is gone. Never waits. On the loop. NULL is harmless. */
void rp_resolve_cancel(struct rp_lookup *lookup);

/* Whether we refuse to connect there: link-local addresses, where cloud machines keep their
 * credentials, in all the ways of writing them. */
bool rp_addr_denied(const struct sockaddr *addr);

/* For tests: waits for look-ups that are under way, and forgets what was found. */
void rp_resolve_reset(void);

#endif
