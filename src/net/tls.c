/* TLS over memory; see tls.h.
 *
 * OpenSSL gets a BIO of ours that reads from a view of what libuv has just read and appends to the
 * stream's buffer. Its own memory BIOs would keep a buffer of the largest burst for each
 * connection. */
#include "net/tls.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

static int bio_read(BIO *bio, char *buf, int size)
{
    struct rp_tls *t = BIO_get_data(bio);
    struct rp_str some = rp_str_first(t->in, (size_t)RP_MAX(size, 0));

    BIO_clear_retry_flags(bio);
    if (some.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(buf, some.p, some.len);
    t->in = rp_str_from(t->in, some.len);
    return (int)some.len;
}

static int bio_write(BIO *bio, const char *data, int len)
{
    struct rp_tls *t = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    return rp_buf_add(t->out, data, (size_t)RP_MAX(len, 0)) == 0 ? len : -1;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method; /* made once, kept */

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "riposte stream");
    if (!bio_method)
        return;
    (void)BIO_meth_set_read(bio_method, bio_read);
    (void)BIO_meth_set_write(bio_method, bio_write);
    (void)BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

int rp_tls_new(struct rp_tls **out, SSL_CTX *ctx, const char *host, struct rp_buf *wire)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct rp_tls *t = rp_zalloc(sizeof(*t));
    BIO *bio = NULL;

    (void)pthread_once(&once, make_bio_method);
    if (!t)
        return RP_ENOMEM;
    t->in = rp_str_z("");
    t->out = wire;
    t->ssl = SSL_new(ctx);
    if (t->ssl && bio_method)
        bio = BIO_new(bio_method);
    if (!bio)
        goto fail;
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    if (!host) {
        SSL_set_accept_state(t->ssl);
    } else {
        SSL_set_connect_state(t->ssl);
        /* An address is looked for among the certificate's addresses, and is no server name. */
        if (!X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), host) &&
            (!SSL_set1_host(t->ssl, host) || !SSL_set_tlsext_host_name(t->ssl, host)))
            goto fail;
    }
    *out = t;
    return 0;

fail:
    ERR_clear_error();
    rp_tls_free(t);
    return RP_ENOMEM;
}

void rp_tls_free(struct rp_tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    rp_free(t);
}

/* The meaning of a result of OpenSSL that was no success. */
static int classify(const struct rp_tls *t, int ret)
{
    switch (SSL_get_error(t->ssl, ret)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return RP_EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return RP_EOF;
    default:
        return rp_buf_err(t->out) ? rp_buf_err(t->out) : RP_EPROTO;
    }
}

int rp_tls_handshake(struct rp_tls *t)
{
    int ret;

    ERR_clear_error();
    ret = SSL_do_handshake(t->ssl);
    if (ret != 1)
        return classify(t, ret);
    t->ready = true;
    return 0;
}

int rp_tls_read(struct rp_tls *t, char *buf, size_t size)
{
    int ret;

    ERR_clear_error();
    ret = SSL_read(t->ssl, buf, (int)RP_MIN(size, (size_t)INT32_MAX));
    return ret > 0 ? ret : classify(t, ret);
}

int rp_tls_write(struct rp_tls *t, const char *data, size_t len)
{
    ERR_clear_error();
    while (len > 0) {
        int ret = SSL_write(t->ssl, data, (int)RP_MIN(len, (size_t)INT32_MAX));
        if (ret <= 0)
            return rp_buf_err(t->out) ? rp_buf_err(t->out) : RP_EPROTO;
        data += ret;
        len -= (size_t)ret;
    }
    return 0;
}

void rp_tls_shutdown(struct rp_tls *t)
{
    if (!t->ready)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
}

void rp_tls_why(const struct rp_tls *t, char out[static RP_TLS_WHY_LEN])
{
    long verify = SSL_get_verify_result(t->ssl);
    unsigned long err = ERR_peek_last_error();
    const char *reason = err ? ERR_reason_error_string(err) : NULL;

    (void)snprintf(out, RP_TLS_WHY_LEN, "TLS failed: %s",
                   verify != X509_V_OK ? X509_verify_cert_error_string(verify)
                   : reason            ? reason
                                       : "the peer broke off");
}

/* We speak HTTP/1.1 and nothing else; a client that offers only other protocols is turned away. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *new_ctx(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (!ctx)
        return NULL;
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    /* An idle connection then holds no record buffers (34 kB). */
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return ctx;
}

/* A sentence of what is wrong with `file`, from OpenSSL's errors. */
static void explain(char **why, const char *what, const char *file)
{
    struct rp_buf b;
    unsigned long err = ERR_peek_last_error();
    const char *reason = err ? ERR_reason_error_string(err) : NULL;

    ERR_clear_error();
    if (!why)
        return;
    rp_buf_init(&b, 8192);
    (void)rp_buf_printf(&b, "the TLS %s %s cannot be used: %s", what, file,
                        reason ? reason : "unknown reason");
    *why = rp_buf_take(&b);
}

int rp_tls_server_ctx(SSL_CTX **out, const char *cert_file, const char *key_file, char **why)
{
    SSL_CTX *ctx = new_ctx(TLS_server_method());

    if (!ctx)
        return RP_ENOMEM;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1) {
        explain(why, "certificate", cert_file);
    } else if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1 ||
               SSL_CTX_check_private_key(ctx) != 1) {
        explain(why, "key", key_file);
    } else {
        (void)SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
        SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
        *out = ctx;
        return 0;
    }
    SSL_CTX_free(ctx);
    return RP_EIO;
}

static int load_client_ctx(SSL_CTX **out, const char *ca_file)
{
    SSL_CTX *ctx = new_ctx(TLS_client_method());

    if (!ctx)
        return RP_ENOMEM;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (ca_file ? SSL_CTX_load_verify_file(ctx, ca_file) : SSL_CTX_set_default_verify_paths(ctx)) {
        *out = ctx;
        return 0;
    }
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return RP_EIO;
}

int rp_tls_client_ctx(SSL_CTX **out, const char *ca_file)
{
    /* What a deployment names is one file or two; more than fit here are read each time. */
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards `known` */
    static struct {
        char file[256]; /* "": the system's */
        SSL_CTX *ctx;
    } known[8];
    const char *name = ca_file ? ca_file : "";
    int err = 0;

    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i <= RP_COUNT(known); i++) {
        if (i == RP_COUNT(known)) {
            err = load_client_ctx(out, ca_file);
            break;
        }
        if (!known[i].ctx && strlen(name) < sizeof(known[i].file)) {
            err = load_client_ctx(&known[i].ctx, ca_file);
            if (err)
                break;
            (void)snprintf(known[i].file, sizeof(known[i].file), "%s", name);
        }
        if (known[i].ctx && strcmp(known[i].file, name) == 0) {
            (void)SSL_CTX_up_ref(known[i].ctx);
            *out = known[i].ctx;
            break;
        }
    }
    (void)pthread_mutex_unlock(&lock);
    return err;
}
