/* Webhook signatures; see signature.h. */
#include "codec/signature.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "base/check.h"
#include "base/err.h"

#define SHA256_LEN 32

/* The time goes in as its own piece: the body, which may be large, is not copied. */
static int hmac_sha256(unsigned char mac[static SHA256_LEN], struct rp_str secret,
                       struct rp_str first, struct rp_str second)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL,
                                                 (const unsigned char *)secret.p, secret.len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = SHA256_LEN;
    bool ok;

    ok = key && ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSignUpdate(ctx, first.p, first.len) == 1 &&
         EVP_DigestSignUpdate(ctx, second.p, second.len) == 1 &&
         EVP_DigestSignFinal(ctx, mac, &len) == 1 && len == SHA256_LEN;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok ? 0 : RP_ENOMEM;
}

int rp_signature(char out[static RP_SIGNATURE_MAX], struct rp_str secret, int64_t unix_s,
                 struct rp_str body)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char mac[SHA256_LEN];
    char time[sizeof("-9223372036854775808.")];
    int n, err;

    if (secret.len == 0)
        return RP_EINVAL;
    n = snprintf(time, sizeof(time), "%" PRId64 ".", unix_s);
    RP_ASSERT(n > 0 && (size_t)n < sizeof(time));
    err = hmac_sha256(mac, secret, rp_str_n(time, (size_t)n), body);
    if (err)
        return err;

    n = snprintf(out, RP_SIGNATURE_MAX, "t=%.*s,v1=", n - 1, time);
    RP_ASSERT(n > 0);
    out += n;
    for (size_t i = 0; i < SHA256_LEN; i++) {
        *out++ = hex[mac[i] >> 4];
        *out++ = hex[mac[i] & 15];
    }
    *out = '\0';
    return 0;
}
