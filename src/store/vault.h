/* The vault: what must not be readable in the database is sealed with a key outside of it.
 *
 * One random key in a file (32 bytes as hex, mode 0600), made at the first start; several machines
 * with one database share it. Values are sealed with XChaCha20-Poly1305 and bound to a label such
 * as "agents.secret:ag-…", so that one row's secret cannot be moved to another.
 *
 *     version 1 | nonce 24 bytes | ciphertext and tag 16 bytes
 *
 * Immutable after opening, so any thread may use it. */
#ifndef RP_STORE_VAULT_H
#define RP_STORE_VAULT_H

#include "base/arena.h"
#include "base/str.h"

struct rp_vault;

/* Reads the key file, or makes it. RP_EIO (unreadable, not writable), RP_EPROTO (not a key file);
 * *why (may be NULL) is then a sentence, to be released with rp_free. */
int rp_vault_open(struct rp_vault **out, const char *path, char **why);
/* Wipes the key. NULL is harmless. */
void rp_vault_free(struct rp_vault *v);

/* Both allocate the result in `a`; RP_ENOMEM. */
int rp_vault_seal(const struct rp_vault *v, struct rp_arena *a, struct rp_str label,
                  struct rp_str clear, struct rp_str *sealed);
/* RP_EDENIED: sealed with another key, under another label, or damaged. */
int rp_vault_unseal(const struct rp_vault *v, struct rp_arena *a, struct rp_str label,
                    struct rp_str sealed, struct rp_str *clear);

#endif
