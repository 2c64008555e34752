/* The signature of an outgoing webhook request, as the published verifiers check it:
 *
 *     layercode-signature: t=1767225600,v1=<hex of HMAC-SHA256(secret, "1767225600." + body)>
 *
 * They refuse a time more than 300 s away, so every attempt is signed anew. Exactly one v1 and no
 * spaces: some verifiers read the first value, some the last. Pure; stands in codec/ because agents
 * and session webhooks both sign. */
#ifndef RP_CODEC_SIGNATURE_H
#define RP_CODEC_SIGNATURE_H

#include <stdint.h>

#include "base/str.h"

#define RP_SIGNATURE_HEADER "layercode-signature"
/* Made with the secret that a rotation has prepared, until it takes over (PROTOCOL 4). */
#define RP_SIGNATURE_HEADER_NEXT "riposte-signature-next"

/* Longest header value with its NUL. */
#define RP_SIGNATURE_MAX                                                                           \
    sizeof("t=-9223372036854775808,v1="                                                            \
           "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")

/* Writes the header's value. RP_EINVAL for an empty secret; RP_ENOMEM. */
int rp_signature(char out[static RP_SIGNATURE_MAX], struct rp_str secret, int64_t unix_s,
                 struct rp_str body);

#endif
