/* TLS over memory: records in, records out, no sockets. OpenSSL underneath.
 *
 * The caller lends ciphertext by rp_tls.in and finds ciphertext to send in *rp_tls.out. */
#ifndef RP_NET_TLS_H
#define RP_NET_TLS_H

#include <openssl/ssl.h>

#include "base/buf.h"

#define RP_TLS_WHY_LEN 160

struct rp_tls {
    SSL *ssl;
    struct rp_str in;   /* received and not consumed yet; borrowed, moved as it is consumed */
    struct rp_buf *out; /* to be sent; borrowed */
    bool ready;         /* the handshake is done */
};

/* A server's context from PEM files; RP_EIO with a sentence in *why (rp_free; may be NULL). */
int rp_tls_server_ctx(SSL_CTX **out, const char *cert_file, const char *key_file, char **why);
/* A client's context that trusts the certificates of `ca_file` (NULL: the system's). Files are read
 * once in the life of the process. The caller gets a reference (SSL_CTX_free). RP_EIO. Any thread.
 */
int rp_tls_client_ctx(SSL_CTX **out, const char *ca_file);

/* One connection. `host` NULL: server side; else client side, and the certificate must be for that
 * name or address. `ctx` and `out` are borrowed, `ctx` only during the call. */
int rp_tls_new(struct rp_tls **out, SSL_CTX *ctx, const char *host, struct rp_buf *wire);
void rp_tls_free(struct rp_tls *t);
/* RP_EAGAIN: more ciphertext is needed; RP_EPROTO: it failed; 0: done, t->ready is set. */
int rp_tls_handshake(struct rp_tls *t);
/* Length of what was put into `buf`; RP_EAGAIN, RP_EOF (close_notify) or RP_EPROTO. */
int rp_tls_read(struct rp_tls *t, char *buf, size_t size);
/* Encrypts `len` > 0 bytes; 0, RP_EPROTO, or RP_ENOMEM. */
int rp_tls_write(struct rp_tls *t, const char *data, size_t len);
/* Says goodbye (close_notify). */
void rp_tls_shutdown(struct rp_tls *t);
/* Why the last call failed, for people. */
void rp_tls_why(const struct rp_tls *t, char out[static RP_TLS_WHY_LEN]);

#endif
