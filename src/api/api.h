/* The REST API (PROTOCOL 2): what other programs call with a bearer key.
 *
 * One process-wide object, immutable after the start but for a small cache of checked keys.
 * Requests are handled on their connection's loop and answered there, now or when the store has
 * answered; nothing blocks. docs/rest.md describes the calls, one file each kind of resource
 * implements them, and router.c has the table of all.
 *
 * Browsers of other origins get no CORS headers: every call needs an API key, which has no business
 * in a page. A preflight is answered with 405. */
#ifndef RP_API_API_H
#define RP_API_API_H

#include "net/http_server.h"
#include "session/config.h"
#include "store/store.h"

struct rp_api;

/* Strings are copied. Callbacks may be called on any loop and must not block. */
struct rp_api_params {
    struct rp_store *store;
    const char *api_key;    /* accepted besides the keys in the store; NULL or "": none */
    const char *public_url; /* base of URLs in answers, without a slash at the end; NULL: taken from
                               the request's Host header */
    bool strict_engines;    /* RIPOSTE_STRICT_ENGINES */
    /* Which engines there are; all NULL: only the local ones. `engines.strict` is not used. */
    struct rp_config_rules engines;
    /* Whether another session may be authorized (429 if not); NULL: always. */
    bool (*has_room)(void *arg);
    /* For /readyz; *why is a static sentence if not. NULL: always. */
    bool (*is_ready)(const char **why, void *arg);
    /* An agent's name, config or secret has changed, or it is gone; NULL: nobody cares. */
    void (*agent_changed)(const char *agent_id, void *arg);
    void *arg;
};

int rp_api_new(struct rp_api **out, const struct rp_api_params *p);
/* After the server has been closed. NULL is harmless. */
void rp_api_free(struct rp_api *a);

/* Takes requests below /v1/ (but the WebSockets, which must have been routed before), /healthz and
 * /readyz: true, and the request is or will be answered. Otherwise it is untouched. */
bool rp_api_handle(struct rp_api *a, struct rp_http_req *req);

#endif
