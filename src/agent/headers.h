/* Custom headers and custom metadata of webhook requests: what may be sent, and which layer wins.
 *
 * Both may be set on the session (authorize_session), on the agent's webhook plugin and on the
 * session webhook; the more special wins, key by key (PROTOCOL 2). Pure. */
#ifndef RP_AGENT_HEADERS_H
#define RP_AGENT_HEADERS_H

#include "codec/json.h"

#define RP_HEADERS_MAX 64 /* custom headers on one request */

/* NULL if this header may be sent; otherwise the end of a sentence that begins with its name, e.g.
 * "may not be set: Riposte sets it itself" (static). */
const char *rp_header_refused(struct rp_str name, struct rp_str value);
/* The same for a whole `custom_headers` value from a config: NULL, or a sentence about the first
 * thing wrong with it in `why`. */
const char *rp_headers_refused(const struct rp_json *headers, char *why, size_t size);

/* Merges objects, the last layer being the most special; NULL layers are skipped. Header names are
 * compared without case; what rp_header_refused refuses is left out. *out is made in `a` (it may
 * share subtrees of the layers), NULL if there is nothing. RP_ENOMEM, RP_ELIMIT. */
int rp_headers_merge(const struct rp_json **out, struct rp_arena *a,
                     const struct rp_json *const *layers, size_t nlayers);
int rp_metadata_merge(const struct rp_json **out, struct rp_arena *a,
                      const struct rp_json *const *layers, size_t nlayers);

#endif
