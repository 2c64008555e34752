/* The server: the one place that knows everybody.
 *
 *     main thread   waits for signals
 *     acceptor      accepts connections, hands them to shards
 *     shards        one loop each: HTTP, sockets, sessions
 *     workers       recognition and synthesis
 *     store         its writer and readers
 *     log           its writer
 *
 * Made and ended by the main thread (`riposte serve`). */
#ifndef RP_APP_SERVER_H
#define RP_APP_SERVER_H

#include "app/options.h"

struct rp_server;

/* Opens everything and listens. On failure *why is a sentence (release with rp_free). */
int rp_server_new(struct rp_server **out, const struct rp_options *o, char **why);
/* Where it can be reached, e.g. "http://127.0.0.1:8080"; valid while the server lives. */
const char *rp_server_url(const struct rp_server *s);
/* A link that signs in once, to be released with rp_free; NULL if it could not be made. */
char *rp_server_owner_link(struct rp_server *s);
/* Reads the certificate again. */
void rp_server_reload(struct rp_server *s);
/* From now on no new sessions; /readyz says so. */
void rp_server_drain(struct rp_server *s);
int rp_server_live_sessions(const struct rp_server *s);
/* Ends the sessions that are left, closes and frees everything. NULL is harmless. */
void rp_server_free(struct rp_server *s);

#endif
