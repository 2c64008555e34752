/* A client opens its socket: the key is claimed in the store, then the session starts. */
#ifndef RP_APP_OPEN_SOCKET_H
#define RP_APP_OPEN_SOCKET_H

#include <stdbool.h>

#include "net/http_server.h"
#include "session/shard.h"

/* Takes requests to the two WebSocket paths of browsers (PROTOCOL 3); false: not one of them.
 * `refuse` is a reason to let nobody in now (static), or NULL. On the shard's loop. */
bool rp_open_socket(struct rp_shard *shard, struct rp_http_req *req, const char *refuse);

#endif
