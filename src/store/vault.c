/* Sealing of secrets; see vault.h. */
#include "store/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"

#define VERSION   1
#define KEY_LEN   crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEX_LEN   (2 * KEY_LEN)

struct rp_vault {
    uint8_t key[KEY_LEN];
};

static char *sentence(const char *path, const char *text)
{
    struct rp_buf b;

    rp_buf_init(&b, 4096);
    (void)rp_buf_printf(&b, "the key file %s %s", path, text);
    return rp_buf_take(&b);
}

/* 0, RP_ENOTFOUND, or an error with *text. */
static int read_key(uint8_t key[static KEY_LEN], const char *path, const char **text)
{
    char hex[HEX_LEN + 2]; /* with a line end */
    size_t len = 0;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err = 0;

    if (fd < 0) {
        if (errno == ENOENT)
            return RP_ENOTFOUND;
        *text = "cannot be read: check its owner and mode";
        return RP_EIO;
    }
    while (len < sizeof(hex)) {
        ssize_t n = read(fd, hex + len, sizeof(hex) - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    if (len < HEX_LEN ||
        sodium_hex2bin(key, KEY_LEN, hex, HEX_LEN, NULL, &(size_t){0}, NULL) != 0) {
        *text = "does not hold a key (64 hexadecimal digits): put the right one back, it cannot be "
                "made anew without losing the secrets in the database";
        err = RP_EPROTO;
    } else if (fstat(fd, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        rp_log("store", RP_LOG_WARN, NULL, "the key file %s is readable by others; chmod 600 it",
               path);
    }
    rp_wipe(hex, sizeof(hex));
    (void)close(fd);
    return err;
}

/* Writes a temporary file and links it into place, so that a crash leaves none or a whole one, and
 * of two processes that start at once both read the same. */
static int make_key(const char *path)
{
    uint8_t key[KEY_LEN];
    char hex[HEX_LEN + 1], temp[4096];
    int fd = -1, err = RP_EIO;

    if ((size_t)snprintf(temp, sizeof(temp), "%s.%ld", path, (long)getpid()) >= sizeof(temp))
        return RP_EIO;
    rp_random_bytes(key, sizeof(key));
    (void)sodium_bin2hex(hex, sizeof(hex), key, sizeof(key));
    hex[HEX_LEN] = '\n';
    (void)unlink(temp);
    fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        goto out;
    if (write(fd, hex, sizeof(hex)) != (ssize_t)sizeof(hex) || fsync(fd) != 0)
        goto out;
    if (link(temp, path) != 0 && errno != EEXIST)
        goto out;
    err = 0;
out:
    if (fd >= 0)
        (void)close(fd);
    (void)unlink(temp);
    rp_wipe(key, sizeof(key));
    rp_wipe(hex, sizeof(hex));
    return err;
}

int rp_vault_open(struct rp_vault **out, const char *path, char **why)
{
    struct rp_vault *v = NULL;
    const char *text = NULL;
    int err = RP_ENOMEM;

    if (sodium_init() < 0)
        goto out;
    v = rp_zalloc(sizeof(*v));
    if (!v)
        goto out;
    err = read_key(v->key, path, &text);
    if (err == RP_ENOTFOUND) {
        err = make_key(path);
        if (err)
            text = "cannot be written: check the owner and mode of its folder";
        else
            err = read_key(v->key, path, &text);
    }
    if (err)
        goto out;
    *out = v;
    v = NULL;
out:
    rp_vault_free(v);
    if (err && why)
        *why = text ? sentence(path, text) : rp_strdup(rp_err_text(err));
    return err;
}

void rp_vault_free(struct rp_vault *v)
{
    if (!v)
        return;
    rp_wipe(v, sizeof(*v));
    rp_free(v);
}

int rp_vault_seal(const struct rp_vault *v, struct rp_arena *a, struct rp_str label,
                  struct rp_str clear, struct rp_str *sealed)
{
    size_t len = 1 + NONCE_LEN + clear.len + TAG_LEN;
    uint8_t *p = rp_arena_zalloc(a, len);

    if (!p)
        return RP_ENOMEM;
    p[0] = VERSION;
    rp_random_bytes(p + 1, NONCE_LEN);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        p + 1 + NONCE_LEN, NULL, (const uint8_t *)clear.p, clear.len, (const uint8_t *)label.p,
        label.len, NULL, p + 1, v->key);
    *sealed = rp_str_n((const char *)p, len);
    return 0;
}

int rp_vault_unseal(const struct rp_vault *v, struct rp_arena *a, struct rp_str label,
                    struct rp_str sealed, struct rp_str *clear)
{
    const uint8_t *p = (const uint8_t *)sealed.p;
    size_t len;
    uint8_t *to;

    if (sealed.len < 1 + NONCE_LEN + TAG_LEN || p[0] != VERSION)
        return RP_EDENIED;
    len = sealed.len - 1 - NONCE_LEN - TAG_LEN;
    to = rp_arena_zalloc(a, len + 1); /* with a NUL behind it */
    if (!to)
        return RP_ENOMEM;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(to, NULL, NULL, p + 1 + NONCE_LEN, len + TAG_LEN,
                                                   (const uint8_t *)label.p, label.len, p + 1,
                                                   v->key) != 0)
        return RP_EDENIED;
    *clear = rp_str_n((const char *)to, len);
    return 0;
}
