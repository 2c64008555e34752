/* Identifiers: unique across machines, ordered by time, opaque to everybody else.
 *
 *     lc_conn_ 0192f3a1b7c4 5kq2m9x0t4wz8r1c
 *     prefix   time in ms   80 random bits
 *              (base 32, lower case, sorts as text)
 *
 * Ids minted by one process in the same millisecond are not ordered among themselves. */
#ifndef RP_BASE_IDS_H
#define RP_BASE_IDS_H

#include <stddef.h>
#include <stdint.h>

#define RP_ID_MAX 48 /* longest id with its NUL */

#define RP_ID_SESSION      "lc_conn_"
#define RP_ID_CONVERSATION "lc_conv_"
#define RP_ID_AGENT        "ag-"
#define RP_ID_EVENT        "evt_"
#define RP_ID_REQUEST      "req_"
#define RP_ID_KEY          "key_"
#define RP_ID_USER         "usr_"
/* Turn ids tell whose turn it is; clients look at the first. */
#define RP_ID_USER_TURN      "user-"
#define RP_ID_ASSISTANT_TURN "asst-"

/* A new id; `prefix` has at most 16 characters. Returns `out`. */
char *rp_id_new(char out[static RP_ID_MAX], const char *prefix);
/* The same with the time given (for tests and for turn ids on a virtual clock) and the random part
 * taken from `seed` by the caller's generator; deterministic. */
char *rp_id_at(char out[static RP_ID_MAX], const char *prefix, int64_t wall_ms, uint64_t seed);

#define RP_SECRET_MAX 64
/* A bearer secret: prefix and 160 random bits. Returns `out`. */
char *rp_secret_new(char out[static RP_SECRET_MAX], const char *prefix);

#endif
