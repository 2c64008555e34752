/* Self-signed certificates; see net_cert.h. */
#include "net_cert.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/check.h"
#include "base/random.h"

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    RP_ASSERT(ext && X509_add_ext(cert, ext, -1));
    X509_EXTENSION_free(ext);
}

void net_cert_write(const char *cert_file, const char *key_file, const char *san)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    long serial;
    FILE *f;

    RP_ASSERT(key && cert);
    rp_random_bytes(&serial, sizeof(serial));
    (void)X509_set_version(cert, X509_VERSION_3);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), serial & 0x7fffffff);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1,
                                     -1, 0);
    (void)X509_set_issuer_name(cert, name);
    (void)X509_set_pubkey(cert, key);
    add_extension(cert, NID_subject_alt_name, san);
    add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    RP_ASSERT(X509_sign(cert, key, EVP_sha256()) > 0);

    f = fopen(cert_file, "w");
    RP_ASSERT(f && PEM_write_X509(f, cert) == 1);
    (void)fclose(f);
    f = fopen(key_file, "w");
    RP_ASSERT(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
    (void)fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}
